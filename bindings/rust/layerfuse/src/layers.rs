//! All layers that are compared and tied together: the owner of what they share.

use crate::error::{Error, Result, Status};
use crate::layer::{Layer, Parameter, ParameterMut};
use layerfuse_sys::*;
use std::marker::PhantomData;
use std::ops::Deref;

/// Layers, in an order that indices mean. Tied layers share memory, so that no single one of them
/// can be taken out, or written while another is: all writing goes through the whole.
#[derive(Default)]
pub struct Layers<'a>(Vec<Layer<'a>>);

impl<'a> Layers<'a> {
    /// Layers without any.
    pub fn new() -> Layers<'a> {
        Layers::default()
    }

    /// Another layer.
    pub fn push(&mut self, layer: Layer<'a>) {
        self.0.push(layer);
    }

    /// The parameter at an index of a layer, to be written. No other can be meanwhile.
    pub fn parameter_mut(
        &mut self,
        layer: usize,
        parameter: usize,
    ) -> Result<ParameterMut<'_>> {
        // SAFETY: self is borrowed alone for as long as what comes back.
        unsafe { parameter_mut(&self.0, layer, parameter) }
    }

    /// Adds a parameter to a layer: a factor of its residual, say, once ties are in force.
    pub fn add_parameter(&mut self, layer: usize, parameter: Parameter<'a>) -> Result<()> {
        let count = self.0.len();
        match self.0.get_mut(layer) {
            Some(layer) => layer.add(parameter),
            None => {
                let text = format!("layer {layer} of {count} layers");
                Err(Error::new(Status::ARGUMENT, text))
            }
        }
    }

    /// What C takes, and how many.
    pub(crate) fn raw(&self) -> (Vec<*mut lfuse_layer>, i64) {
        (self.0.iter().map(Layer::raw).collect(), self.0.len() as i64)
    }

    /// An error where a layer shows memory that is only to be read.
    pub(crate) fn writable(&self) -> Result<()> {
        match self.0.iter().find(|layer| layer.is_read_only()) {
            Some(layer) => Err(Error::new(
                Status::STATE,
                format!("layer {} has a tensor that is read-only", layer.name()),
            )),
            None => Ok(()),
        }
    }
}

impl<'a> From<Vec<Layer<'a>>> for Layers<'a> {
    fn from(layers: Vec<Layer<'a>>) -> Self {
        Layers(layers)
    }
}

impl<'a> FromIterator<Layer<'a>> for Layers<'a> {
    fn from_iter<I: IntoIterator<Item = Layer<'a>>>(layers: I) -> Self {
        Layers(layers.into_iter().collect())
    }
}

impl<'a> Deref for Layers<'a> {
    type Target = [Layer<'a>];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Layers that something else owns, to be written.
pub struct LayersMut<'r> {
    layers: &'r [Layer<'r>],
    _alone: PhantomData<&'r mut [u8]>,
}

impl<'r> LayersMut<'r> {
    /// # Safety
    /// Nobody else reads or writes the layers' tensors for `'r`.
    pub(crate) unsafe fn over(layers: &'r [Layer<'r>]) -> LayersMut<'r> {
        LayersMut { layers, _alone: PhantomData }
    }

    /// The parameter at an index of a layer, to be written. No other can be meanwhile.
    pub fn parameter_mut(
        &mut self,
        layer: usize,
        parameter: usize,
    ) -> Result<ParameterMut<'_>> {
        // SAFETY: as Layers::parameter_mut().
        unsafe { parameter_mut(self.layers, layer, parameter) }
    }
}

impl<'r> Deref for LayersMut<'r> {
    type Target = [Layer<'r>];

    fn deref(&self) -> &Self::Target {
        self.layers
    }
}

/// # Safety
/// Nobody else reads or writes the layers' tensors for `'r`.
unsafe fn parameter_mut<'r>(
    layers: &'r [Layer<'_>],
    layer: usize,
    parameter: usize,
) -> Result<ParameterMut<'r>> {
    let layer = layers.get(layer).ok_or_else(|| {
        Error::new(Status::ARGUMENT, format!("layer {layer} of {} layers", layers.len()))
    })?;
    if layer.is_read_only() {
        let text = format!("layer {} has a tensor that is read-only", layer.name());
        return Err(Error::new(Status::STATE, text));
    }
    let raw = layer.raw_parameter(parameter)?;
    // SAFETY: as promised.
    unsafe { ParameterMut::from_raw(&raw) }
        .ok_or_else(|| Error::new(Status::UNSUPPORTED, "a parameter without a value"))
}
