//! What is in force: which layers share one buffer, and how to part them again.

use crate::constants::{Base, Combine, Gradients, Show};
use crate::error::{call, Result};
use crate::handle::{init, text, Raw};
use crate::{callback, Account, Context, Layers, MatrixView, Parameter, ParameterMut, PlanRef};
use layerfuse_sys::*;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::os::raw::{c_char, c_void};

type Answer = std::result::Result<(), i32>;
type Rebind<'a> = dyn FnMut(&str, &str, *mut c_void) -> Answer + Send + 'a;
type Merge<'a> = dyn FnMut(&[MatrixView], &mut [f64]) -> Answer + Send + 'a;

/// How ties come about (ties.h).
#[derive(Default)]
pub struct TiesOptions<'a> {
    /// [`Ties::undo`] will be possible; costs memory.
    pub keep_originals: bool,
    /// Mirrors everywhere: nothing re-points.
    pub mirror: bool,
    /// What gradient buffers hold when they are combined.
    pub gradients: Gradients,
    /// One gradient out of those of a group.
    pub combine: Combine,
    /// Told that a parameter of a layer lives elsewhere from now on; None: borrowed memory is
    /// mirrored. An error refuses, and all is taken back by further calls.
    pub rebind: Option<Box<Rebind<'a>>>,
    /// The policy custom: of members' weights, by output units, the merged ones, by rows.
    pub merge: Option<Box<Merge<'a>>>,
}

/// The closures of ties, at an address that stays.
pub(crate) struct Callbacks<'a> {
    rebind: Option<Box<Rebind<'a>>>,
    merge: Option<Box<Merge<'a>>>,
}

impl<'a> TiesOptions<'a> {
    /// As C takes it, and the closures, which must live as long as what is made with it.
    pub(crate) fn raw(self) -> (lfuse_ties_options, *mut Callbacks<'a>) {
        let mut raw = init(lfuse_ties_options_init);
        raw.gradients = self.gradients as i32;
        raw.combine = self.combine as i32;
        let flags = [
            (self.keep_originals, LFUSE_TIES_KEEP_ORIGINALS),
            (self.mirror, LFUSE_TIES_MIRROR),
        ];
        raw.flags = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).sum();
        raw.rebind = self.rebind.as_ref().and(Some(rebind));
        raw.merge = self.merge.as_ref().and(Some(merge));
        let callbacks = Box::new(Callbacks { rebind: self.rebind, merge: self.merge });
        let callbacks = Box::into_raw(callbacks);
        raw.rebind_user = callbacks.cast();
        raw.merge_user = callbacks.cast();
        (raw, callbacks)
    }
}

/// Closures that C has the address of, until this is dropped.
pub(crate) struct Kept<T>(pub(crate) *mut T);

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        // SAFETY: from Box::into_raw(), and what called them is gone.
        drop(unsafe { Box::from_raw(self.0) })
    }
}

unsafe extern "C" fn rebind(
    layer: *const c_char,
    parameter: *const c_char,
    data: *mut c_void,
    user: *mut c_void,
) -> i32 {
    callback::guard(|| {
        // SAFETY: user is that of raw(); one thread at a time calls, and strings live so long.
        let (callbacks, layer, parameter) =
            unsafe { (&mut *(user as *mut Callbacks), text(layer), text(parameter)) };
        match &mut callbacks.rebind {
            Some(rebind) => rebind(layer.unwrap_or("?"), parameter.unwrap_or("?"), data),
            None => Err(1),
        }
    })
}

unsafe extern "C" fn merge(
    user: *mut c_void,
    members: *const lfuse_matrix_view,
    count: i64,
    merged: *mut f64,
) -> i32 {
    callback::guard(|| {
        // SAFETY: as above; there are count views, and room for as many numbers as each has.
        unsafe {
            let callbacks = &mut *(user as *mut Callbacks);
            let views: Vec<_> =
                (0..count as usize).map(|i| MatrixView::from_raw(members.add(i))).collect();
            let elements = views.first().map_or(0, |view| view.rows() * view.columns());
            std::slice::from_raw_parts_mut(merged, elements).fill(0.0);
            let merged = std::slice::from_raw_parts_mut(merged, elements);
            match &mut callbacks.merge {
                Some(merge) => merge(&views, merged),
                None => Err(1),
            }
        }
    })
}

/// Ties as they are reached through what holds them.
#[repr(transparent)]
pub struct TiesRef(lfuse_ties);

impl TiesRef {
    /// # Safety
    /// `raw` is ties that live for `'t`, unchanged.
    pub(crate) unsafe fn from_raw<'t>(raw: *const lfuse_ties) -> &'t TiesRef {
        // SAFETY: as promised.
        unsafe { &*(raw as *const TiesRef) }
    }

    pub(crate) fn raw(&self) -> *const lfuse_ties {
        &self.0
    }

    /// The layer whose buffer this one uses, or will; itself where it is not tied.
    pub fn owner(&self, layer: usize) -> Option<usize> {
        // SAFETY: ties, here and below.
        usize::try_from(unsafe { lfuse_ties_owner(self.raw(), layer as i64) }).ok()
    }

    /// The layer, and its row, whose values a row has, where rows are joined.
    pub fn row_owner(&self, layer: usize, weight: i32, row: i64) -> Option<(usize, i64)> {
        let mut owner_row = 0;
        let layer = layer as i64;
        let owner =
            unsafe { lfuse_ties_row_owner(self.raw(), layer, weight, row, &mut owner_row) };
        Some((usize::try_from(owner).ok()?, owner_row))
    }

    /// Whether the weights of the layer's group no longer train.
    pub fn is_frozen(&self, layer: usize) -> bool {
        unsafe { lfuse_ties_is_frozen(self.raw(), layer as i64) != 0 }
    }

    /// What the network costs now.
    pub fn account(&self, base: Base) -> Result<Account> {
        let mut raw = init(lfuse_account_init);
        call(|err| unsafe { lfuse_ties_account(self.raw(), base as i32, &mut raw, err) })?;
        Ok(Account::from_raw(&raw))
    }

    /// Bytes of the distinct buffers behind all parameters.
    pub fn resident_bytes(&self) -> usize {
        unsafe { lfuse_ties_resident_bytes(self.raw()) }
    }
}

/// Ties, and the layers that they tie.
pub struct Ties<'a> {
    pub(crate) raw: Raw<'a, lfuse_ties>,
    _callbacks: Kept<Callbacks<'a>>,
    pub(crate) layers: Layers<'a>,
    pub(crate) context: Context,
    _confined: PhantomData<Cell<()>>,
}

// SAFETY: one thread at a time, and the closures are Send.
unsafe impl Send for Ties<'_> {}

impl Deref for Ties<'_> {
    type Target = TiesRef;

    fn deref(&self) -> &TiesRef {
        // SAFETY: they live as long as self, and change by &mut alone.
        unsafe { TiesRef::from_raw(self.raw.get()) }
    }
}

impl<'a> Ties<'a> {
    /// Ties over these layers, which they own from now on, none in force yet. Where it fails the
    /// layers are dropped.
    pub fn new(
        context: &Context,
        layers: Layers<'a>,
        options: TiesOptions<'a>,
    ) -> Result<Ties<'a>> {
        layers.writable()?;
        let (pointers, count) = layers.raw();
        let (options, callbacks) = options.raw();
        let callbacks = Kept(callbacks);
        // SAFETY: layers and closures live as long as the ties.
        let raw = Raw::create(|out, err| unsafe {
            lfuse_ties_create(context.raw(), pointers.as_ptr(), count, &options, out, err)
        })?;
        let context = context.clone();
        Ok(Ties { raw, _callbacks: callbacks, layers, context, _confined: PhantomData })
    }

    /// The layers as they are.
    pub fn layers(&self) -> &Layers<'a> {
        &self.layers
    }

    /// The parameter at an index of a layer, to be written. No other can be meanwhile.
    pub fn parameter_mut(
        &mut self,
        layer: usize,
        parameter: usize,
    ) -> Result<ParameterMut<'_>> {
        self.layers.parameter_mut(layer, parameter)
    }

    /// Adds a parameter to a layer; not one that is read-only.
    pub fn add_parameter(&mut self, layer: usize, parameter: Parameter<'a>) -> Result<()> {
        parameter.writable()?;
        self.layers.add_parameter(layer, parameter)
    }

    /// Puts a plan in force.
    pub fn apply(&mut self, plan: &PlanRef) -> Result<()> {
        // SAFETY: self is borrowed alone, and so are the layers; here and below.
        call(|err| unsafe { lfuse_ties_apply(self.raw.get(), plan.raw(), err) })
    }

    /// What groups that mix show as their weights.
    pub fn show(&mut self, show: Show, step: i64) -> Result<()> {
        call(|err| unsafe { lfuse_ties_show(self.raw.get(), show as i32, step, err) })
    }

    /// Ties every group that mixes, for good.
    pub fn finalise(&mut self) -> Result<()> {
        call(|err| unsafe { lfuse_ties_finalise(self.raw.get(), err) })
    }

    /// Parts all groups, and puts every weight back as it was before the first apply.
    pub fn undo(&mut self) -> Result<()> {
        call(|err| unsafe { lfuse_ties_undo(self.raw.get(), err) })
    }

    /// One gradient per group, in the kept member's buffer.
    pub fn combine_gradients(&mut self) -> Result<()> {
        call(|err| unsafe { lfuse_ties_combine_gradients(self.raw.get(), err) })
    }

    /// Copies every group's buffer to its mirrors.
    pub fn refresh(&mut self) -> Result<()> {
        call(|err| unsafe { lfuse_ties_refresh(self.raw.get(), err) })
    }

    /// Lets go of the groups; the layers keep the weights they have, tied ones their buffer.
    pub fn into_layers(self) -> Layers<'a> {
        let Ties { raw, _callbacks, layers, .. } = self;
        drop(raw);
        layers
    }
}
