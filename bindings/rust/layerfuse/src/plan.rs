//! Which layers shall share weights, and how: intention only.

use crate::constants::{newer, Base, Dtype};
use crate::error::{c_path, call, Error, Result, Status};
use crate::handle::{init, text, Raw};
use crate::{Context, Coupling, Layers, PlanOptions};
use layerfuse_sys::*;
use std::ops::Deref;
use std::path::Path;
use std::ptr::null_mut;

/// One step of a plan: the groups of a and b become one. Numbers are indices of layers.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Fusion {
    pub a: usize,
    pub b: usize,
    /// Whose buffer the joined group has.
    pub kept: usize,
    /// Of the two groups; NaN where a plan file has none.
    pub score: f64,
    pub saved_parameters: i64,
    /// After this fusion, over the plan's base.
    pub ratio: f64,
    /// Of the policy js, in nats.
    pub gamma: f64,
    /// Of the unit row: index among a's weights, and the rows of a, b and kept.
    pub rows: Option<(usize, [i64; 3])>,
}

/// What a network costs, in parameters; statistics are not counted.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Account {
    pub candidates_logical: i64,
    pub candidates_unique: i64,
    pub all_logical: i64,
    pub all_unique: i64,
    pub all_unique_bytes: usize,
    pub candidates_unique_bytes: usize,
    pub index_bytes: usize,
    /// logical / unique over base.
    pub ratio: f64,
    pub base: Base,
}

impl Account {
    pub(crate) fn from_raw(raw: &lfuse_account) -> Account {
        Account {
            candidates_logical: raw.candidates_logical,
            candidates_unique: raw.candidates_unique,
            all_logical: raw.all_logical,
            all_unique: raw.all_unique,
            all_unique_bytes: raw.all_unique_bytes,
            candidates_unique_bytes: raw.candidates_unique_bytes,
            index_bytes: raw.index_bytes,
            ratio: raw.ratio,
            base: Base::from_raw(raw.base).unwrap_or_default(),
        }
    }
}

/// A weight of a layer, as the plan remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PlannedWeight {
    pub name: String,
    pub dims: Vec<usize>,
    pub dtype: Dtype,
    pub output_axis: i32,
}

/// A space whose units are put in another order before fusing: unit u will be what unit order[u]
/// was, along the axes of members.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Permutation {
    pub space: usize,
    pub order: Vec<i64>,
    pub members: Vec<Coupling>,
}

/// A plan as it is reached through what holds it.
#[repr(transparent)]
pub struct PlanRef(lfuse_plan);

// SAFETY: a plan is shareable.
unsafe impl Send for PlanRef {}
// SAFETY: likewise.
unsafe impl Sync for PlanRef {}

/// A plan.
pub struct Plan {
    raw: Raw<'static, lfuse_plan>,
    _context: Context,
}

// SAFETY: a plan is shareable.
unsafe impl Send for Plan {}
// SAFETY: likewise.
unsafe impl Sync for Plan {}

impl Deref for Plan {
    type Target = PlanRef;

    fn deref(&self) -> &PlanRef {
        // SAFETY: it lives as long as self.
        unsafe { &*(self.raw.get() as *const PlanRef) }
    }
}

impl Plan {
    pub(crate) fn of(raw: Raw<'static, lfuse_plan>, context: &Context) -> Plan {
        Plan { raw, _context: context.clone() }
    }

    /// Measures the layers and chooses what to fuse.
    pub fn build(context: &Context, layers: &Layers, options: &PlanOptions) -> Result<Plan> {
        let (pointers, count) = layers.raw();
        let options = options.raw(layers.len())?;
        // SAFETY: everything lives for the call; layers are read.
        let raw = Raw::create(|out, err| unsafe {
            let pointers = pointers.as_ptr() as *const *const lfuse_layer;
            lfuse_plan_build(context.raw(), pointers, count, &options.plan, out, err)
        })?;
        Ok(Plan::of(raw, context))
    }

    /// A plan from text: for these layers, or for those that the text describes.
    pub fn from_json(context: &Context, json: &str, layers: Option<&Layers>) -> Result<Plan> {
        let (text, size) = (json.as_ptr().cast(), json.len());
        // SAFETY: so many bytes of text; layers are read.
        with_load_options(context, layers, |options, out, err| unsafe {
            lfuse_plan_from_json(context.raw(), text, size, options, out, err)
        })
    }

    /// The same from a file.
    pub fn load(
        context: &Context,
        path: impl AsRef<Path>,
        layers: Option<&Layers>,
    ) -> Result<Plan> {
        let path = c_path(path.as_ref())?;
        // SAFETY: a string; layers are read.
        with_load_options(context, layers, |options, out, err| unsafe {
            lfuse_plan_load(context.raw(), path.as_ptr(), options, out, err)
        })
    }
}

fn with_load_options(
    context: &Context,
    layers: Option<&Layers>,
    load: impl Fn(&lfuse_plan_load_options, *mut *mut lfuse_plan, *mut lfuse_error) -> i32,
) -> Result<Plan> {
    let mut options = init(lfuse_plan_load_options_init);
    let raw_layers = layers.map(Layers::raw);
    if let Some((pointers, count)) = &raw_layers {
        options.layers = pointers.as_ptr() as *const *const lfuse_layer;
        options.count = *count;
    }
    Ok(Plan::of(Raw::create(|out, err| load(&options, out, err))?, context))
}

impl PlanRef {
    pub(crate) fn raw(&self) -> *const lfuse_plan {
        &self.0
    }

    /// # Safety
    /// `raw` is a plan that lives for `'p`, or NULL.
    pub(crate) unsafe fn from_raw<'p>(raw: *const lfuse_plan) -> Option<&'p PlanRef> {
        // SAFETY: as promised.
        unsafe { (raw as *const PlanRef).as_ref() }
    }

    /// The plan as text: JSON of one line for each fusion.
    pub fn to_json(&self) -> Result<String> {
        let mut size = 0;
        // SAFETY: room for a number, and then for so many bytes.
        call(|err| unsafe { lfuse_plan_to_json(self.raw(), null_mut(), 0, &mut size, err) })?;
        let mut text = vec![0u8; size];
        call(|err| unsafe {
            let out = text.as_mut_ptr().cast();
            lfuse_plan_to_json(self.raw(), out, text.len(), &mut size, err)
        })?;
        text.pop(); // the NUL
        String::from_utf8(text).map_err(|_| newer("text"))
    }

    /// Writes it into a file, whole or not at all.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;
        // SAFETY: a string.
        call(|err| unsafe { lfuse_plan_save(self.raw(), path.as_ptr(), err) })
    }

    /// Its fusions, in the order they were chosen.
    pub fn fusions(&self) -> Result<Vec<Fusion>> {
        // SAFETY: a plan, here and below.
        let count = unsafe { lfuse_plan_fusion_count(self.raw()) };
        (0..count).map(|index| self.fusion(index)).collect()
    }

    fn fusion(&self, index: i64) -> Result<Fusion> {
        let mut raw = init(lfuse_fusion_init);
        call(|err| unsafe { lfuse_plan_fusion(self.raw(), index, &mut raw, err) })?;
        let rows = [raw.row_a, raw.row_b, raw.row_kept];
        Ok(Fusion {
            a: raw.a as usize,
            b: raw.b as usize,
            kept: raw.kept as usize,
            score: raw.score,
            saved_parameters: raw.saved_parameters,
            ratio: raw.ratio,
            gamma: raw.gamma,
            rows: usize::try_from(raw.weight).ok().map(|weight| (weight, rows)),
        })
    }

    /// Groups of two layers or more once it is applied: whose buffer, and the members.
    pub fn groups(&self) -> Vec<(usize, Vec<usize>)> {
        let raw = self.raw();
        let group = |group| unsafe {
            let members = 0..lfuse_plan_group_size(raw, group);
            let member = |i| lfuse_plan_group_member(raw, group, i) as usize;
            (lfuse_plan_group_kept(raw, group) as usize, members.map(member).collect())
        };
        (0..unsafe { lfuse_plan_group_count(raw) }).map(group).collect()
    }

    /// The names of the layers it was built from.
    pub fn layer_names(&self) -> Vec<&str> {
        let count = unsafe { lfuse_plan_layer_count(self.raw()) };
        let name = |i| unsafe { text(lfuse_plan_layer_name(self.raw(), i)) }.unwrap_or("?");
        (0..count).map(name).collect()
    }

    /// The param type of a layer.
    pub fn layer_type(&self, layer: usize) -> Option<&str> {
        unsafe { text(lfuse_plan_layer_type(self.raw(), layer as i64)) }
    }

    /// The layer whose buffer a layer will have: itself where nobody else's.
    pub fn owner(&self, layer: usize) -> Option<usize> {
        usize::try_from(unsafe { lfuse_plan_owner(self.raw(), layer as i64) }).ok()
    }

    /// The layer, and its row, whose values a row will have, where rows are joined.
    pub fn row_owner(&self, layer: usize, weight: i32, row: i64) -> Option<(usize, i64)> {
        let mut owner_row = 0;
        let layer = layer as i64;
        let owner =
            unsafe { lfuse_plan_row_owner(self.raw(), layer, weight, row, &mut owner_row) };
        Some((usize::try_from(owner).ok()?, owner_row))
    }

    /// The weights of a layer.
    pub fn weights(&self, layer: usize) -> Result<Vec<PlannedWeight>> {
        let count = unsafe { lfuse_plan_weight_count(self.raw(), layer as i64) };
        (0..count).map(|weight| self.weight(layer as i64, weight)).collect()
    }

    fn weight(&self, layer: i64, weight: i32) -> Result<PlannedWeight> {
        let mut raw = init(lfuse_planned_weight_init);
        call(|err| unsafe { lfuse_plan_weight(self.raw(), layer, weight, &mut raw, err) })?;
        Ok(PlannedWeight {
            name: unsafe { text(raw.name) }.unwrap_or("?").to_owned(),
            dims: raw.dims.iter().take(raw.rank as usize).map(|dim| *dim as usize).collect(),
            dtype: Dtype::from_raw(raw.dtype).ok_or_else(|| newer("dtype"))?,
            output_axis: raw.output_axis,
        })
    }

    /// Layers that were left out though others have their param type, and why.
    pub fn skipped(&self) -> Vec<(usize, &str)> {
        let raw = self.raw();
        let one = |i| unsafe {
            let reason = text(lfuse_plan_skipped_reason(raw, i)).unwrap_or("?");
            (lfuse_plan_skipped(raw, i) as usize, reason)
        };
        (0..unsafe { lfuse_plan_skipped_count(raw) }).map(one).collect()
    }

    /// What is put in another order before fusing.
    pub fn permutations(&self) -> Result<Vec<Permutation>> {
        let count = unsafe { lfuse_plan_permutation_count(self.raw()) };
        (0..count).map(|index| self.permutation(index)).collect()
    }

    fn permutation(&self, index: i64) -> Result<Permutation> {
        let (raw, mut space, mut units) = (self.raw(), 0, 0);
        let order = unsafe { lfuse_plan_permutation(raw, index, &mut space, &mut units) };
        if order.is_null() {
            return Err(Error::new(Status::ARGUMENT, format!("permutation {index}")));
        }
        let member = |i| {
            let mut out = init(lfuse_coupling_init);
            call(|err| unsafe { lfuse_plan_permutation_member(raw, index, i, &mut out, err) })?;
            Ok(unsafe { Coupling::from_raw(&out) })
        };
        let members = 0..unsafe { lfuse_plan_permutation_member_count(raw, index) };
        Ok(Permutation {
            space: space as usize,
            order: unsafe { std::slice::from_raw_parts(order, units as usize) }.to_vec(),
            members: members.map(member).collect::<Result<_>>()?,
        })
    }

    /// What the network costs once it is applied.
    pub fn account(&self) -> Result<Account> {
        let mut raw = init(lfuse_account_init);
        call(|err| unsafe { lfuse_plan_account(self.raw(), &mut raw, err) })?;
        Ok(Account::from_raw(&raw))
    }
}
