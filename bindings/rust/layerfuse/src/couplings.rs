//! Which axes of which parameters count the units of one hidden space.

use crate::error::{c_path, c_string, call, Error, Result, Status};
use crate::handle::{init, text, Raw};
use crate::{Context, Layers};
use layerfuse_sys::*;
use std::path::Path;
use std::ptr::null;

/// One member of a space: an axis of a parameter. 0 means the defaults of couplings.h.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Coupling {
    /// The name of the layer; empty: parameter says "layer.parameter".
    pub layer: String,
    pub parameter: String,
    pub axis: i32,
    pub head_group: i64,
    pub repeat: i64,
    pub offset: i64,
    pub extent: i64,
}

impl Coupling {
    /// # Safety
    /// The strings of raw live.
    pub(crate) unsafe fn from_raw(raw: &lfuse_coupling) -> Coupling {
        // SAFETY: as promised.
        let (layer, parameter) = unsafe { (text(raw.layer), text(raw.parameter)) };
        Coupling {
            layer: layer.unwrap_or_default().to_owned(),
            parameter: parameter.unwrap_or_default().to_owned(),
            axis: raw.axis,
            head_group: raw.head_group,
            repeat: raw.repeat,
            offset: raw.offset,
            extent: raw.extent,
        }
    }
}

/// Couplings: they know names, not layers.
pub struct Couplings {
    raw: Raw<'static, lfuse_couplings>,
    _context: Context,
}

// SAFETY: they are written by &mut alone, and shareable else.
unsafe impl Send for Couplings {}
// SAFETY: likewise.
unsafe impl Sync for Couplings {}

impl Couplings {
    /// Couplings without a space.
    pub fn new(context: &Context) -> Result<Couplings> {
        // SAFETY: a context.
        let create = |out, err| unsafe { lfuse_couplings_create(context.raw(), out, err) };
        Ok(Couplings { raw: Raw::create(create)?, _context: context.clone() })
    }

    /// Couplings from JSON.
    pub fn parse(context: &Context, json: &str) -> Result<Couplings> {
        let (text, size) = (json.as_ptr().cast(), json.len());
        // SAFETY: so many bytes of text.
        let create =
            |out, err| unsafe { lfuse_couplings_parse(context.raw(), text, size, out, err) };
        Ok(Couplings { raw: Raw::create(create)?, _context: context.clone() })
    }

    /// Couplings from a file of JSON.
    pub fn read(context: &Context, path: impl AsRef<Path>) -> Result<Couplings> {
        let path = c_path(path.as_ref())?;
        // SAFETY: a string.
        let create =
            |out, err| unsafe { lfuse_couplings_read(context.raw(), path.as_ptr(), out, err) };
        Ok(Couplings { raw: Raw::create(create)?, _context: context.clone() })
    }

    /// Another space, without members; its index.
    pub fn add_space(&mut self) -> Result<usize> {
        let mut space = 0;
        // SAFETY: room for the answer.
        call(|err| unsafe { lfuse_couplings_add_space(self.raw.get(), &mut space, err) })?;
        Ok(space as usize)
    }

    /// Another member of a space.
    pub fn add_member(&mut self, space: usize, member: &Coupling) -> Result<()> {
        let layer = c_string(member.layer.as_str(), "layer")?;
        let parameter = c_string(member.parameter.as_str(), "parameter")?;
        let mut raw = init(lfuse_coupling_init);
        raw.layer = if member.layer.is_empty() { null() } else { layer.as_ptr() };
        raw.parameter = parameter.as_ptr();
        raw.axis = member.axis;
        raw.head_group = member.head_group;
        raw.repeat = member.repeat;
        raw.offset = member.offset;
        raw.extent = member.extent;
        // SAFETY: strings are copied.
        call(|err| unsafe {
            lfuse_couplings_add_member(self.raw.get(), space as i64, &raw, err)
        })
    }

    /// The hidden spaces of a family of networks, by their names: "resnet-basic",
    /// "resnet-bottleneck", "gpt2" or "llama"; heads 0 leaves attention out.
    pub fn add_preset(&mut self, name: &str, layers: &Layers, heads: i64) -> Result<()> {
        let name = c_string(name, "name")?;
        let (pointers, count) = layers.raw();
        // SAFETY: layers are read.
        call(|err| unsafe {
            let pointers = pointers.as_ptr() as *const *const lfuse_layer;
            let raw = self.raw.get();
            lfuse_couplings_add_preset(raw, name.as_ptr(), pointers, count, heads, err)
        })
    }

    /// How many spaces there are.
    pub fn space_count(&self) -> usize {
        // SAFETY: couplings, here and below.
        unsafe { lfuse_couplings_space_count(self.raw.get()) as usize }
    }

    /// How many members a space has; 0 where there is none such.
    pub fn member_count(&self, space: usize) -> usize {
        unsafe { lfuse_couplings_member_count(self.raw.get(), space as i64) as usize }
    }

    /// A member of a space.
    pub fn member(&self, space: usize, index: usize) -> Result<Coupling> {
        let mut raw = init(lfuse_coupling_init);
        let (space, index) = (space as i64, index as i64);
        call(|err| unsafe {
            lfuse_couplings_member(self.raw.get(), space, index, &mut raw, err)
        })?;
        Ok(unsafe { Coupling::from_raw(&raw) })
    }

    /// How many units a space has in these layers.
    pub fn units(&self, layers: &Layers, space: usize) -> Result<usize> {
        let (pointers, count) = layers.raw();
        let mut units = 0;
        // SAFETY: layers are read.
        call(|err| unsafe {
            let pointers = pointers.as_ptr() as *const *const lfuse_layer;
            lfuse_couplings_units(
                self.raw.get(),
                pointers,
                count,
                space as i64,
                &mut units,
                err,
            )
        })?;
        Ok(units as usize)
    }

    /// Puts the units of a space in another order: unit u will be what unit order[u] was.
    pub fn permute(&self, layers: &mut Layers, space: usize, order: &[i64]) -> Result<()> {
        layers.writable()?;
        let units = self.units(layers, space)?;
        if order.len() != units {
            let text = format!("an order of {} for {units} units", order.len());
            return Err(Error::new(Status::SHAPE, text));
        }
        let (pointers, count) = layers.raw();
        // SAFETY: layers are borrowed alone, and order has as many numbers as units.
        call(|err| unsafe {
            let pointers = pointers.as_ptr();
            let raw = self.raw.get();
            lfuse_couplings_permute(raw, pointers, count, space as i64, order.as_ptr(), err)
        })
    }

    /// The order of b's units in which they are most alike a's: by their weights, or by
    /// likeness (units, units), if it is given.
    pub fn match_units(
        &self,
        layers: &Layers,
        a: usize,
        b: usize,
        likeness: Option<&[f64]>,
    ) -> Result<Vec<i64>> {
        let units = self.units(layers, a)?;
        if likeness.map_or(false, |likeness| likeness.len() != units * units) {
            return Err(Error::new(Status::SHAPE, format!("likeness is not of {units} units")));
        }
        let (pointers, count) = layers.raw();
        let mut args = init(lfuse_match_args_init);
        args.layers = pointers.as_ptr() as *const *const lfuse_layer;
        args.count = count;
        args.a = a as i64;
        args.b = b as i64;
        args.likeness = likeness.map_or(null(), <[f64]>::as_ptr);
        let mut order = vec![0; units];
        // SAFETY: layers are read, and order has room for the units.
        call(|err| unsafe {
            lfuse_couplings_match(self.raw.get(), &args, order.as_mut_ptr(), err)
        })?;
        Ok(order)
    }

    pub(crate) fn raw(&self) -> *const lfuse_couplings {
        self.raw.get()
    }
}
