//! What the weights will be once a plan is applied, read block by block.

use crate::error::{call, Error, Result, Status};
use crate::handle::{init, Raw};
use crate::{Context, Element, Layers, PlanRef, Tensor};
use layerfuse_sys::*;
use std::ptr::null_mut;

/// A plan ready to be read in advance, over layers that are only read.
pub struct Preview<'p> {
    raw: Raw<'p, lfuse_preview>,
    layers: &'p Layers<'p>,
    context: Context,
}

// SAFETY: a preview is shareable.
unsafe impl Send for Preview<'_> {}
// SAFETY: likewise.
unsafe impl Sync for Preview<'_> {}

impl<'p> Preview<'p> {
    /// A preview of a plan over its layers.
    pub fn new(
        context: &Context,
        plan: &'p PlanRef,
        layers: &'p Layers<'p>,
    ) -> Result<Preview<'p>> {
        let (pointers, count) = layers.raw();
        // SAFETY: plan and layers live as long as the preview.
        let raw = Raw::create(|out, err| unsafe {
            let pointers = pointers.as_ptr() as *const *const lfuse_layer;
            lfuse_preview_create(context.raw(), plan.raw(), pointers, count, out, err)
        })?;
        Ok(Preview { raw, layers, context: context.clone() })
    }

    /// Elements, from `first` on, of a weight as it will be, as many as out has. Weights are
    /// counted among the weights of the layer.
    pub fn read<T: Element>(
        &self,
        layer: usize,
        weight: usize,
        first: usize,
        out: &mut [T],
    ) -> Result<()> {
        let weights = (0..self.parameters(layer)).filter(|i| {
            let role = self.layers[layer].parameter(*i).map(|parameter| parameter.role);
            role == Ok(crate::Role::Weight)
        });
        let parameter = weights.into_iter().nth(weight);
        self.check::<T>(layer, parameter)?;
        let (layer, weight, first) = (layer as i64, weight as i32, first as i64);
        let (count, data) = (out.len() as i64, out.as_mut_ptr().cast());
        // SAFETY: out has room for count elements of the weight's type.
        call(|err| unsafe {
            lfuse_preview_read(self.raw.get(), layer, weight, first, count, data, err)
        })
    }

    /// The same of any parameter, counted among all parameters of the layer.
    pub fn read_parameter<T: Element>(
        &self,
        layer: usize,
        parameter: usize,
        first: usize,
        out: &mut [T],
    ) -> Result<()> {
        self.check::<T>(layer, Some(parameter))?;
        let (layer, parameter, first) = (layer as i64, parameter as i32, first as i64);
        let (count, data) = (out.len() as i64, out.as_mut_ptr().cast());
        // SAFETY: likewise.
        call(|err| unsafe {
            lfuse_preview_read_parameter(
                self.raw.get(),
                layer,
                parameter,
                first,
                count,
                data,
                err,
            )
        })
    }

    /// The factors A (out, rank) and B (rank, in) nearest to what the plan will take from a weight,
    /// if it takes any: of at most this rank, or 16 for 0, and the least that keeps this part of
    /// its energy, 0 meaning all.
    pub fn residual(
        &self,
        layer: usize,
        weight: i32,
        rank: i64,
        energy: f64,
    ) -> Result<Option<(Tensor<'static>, Tensor<'static>)>> {
        let mut options = init(lfuse_residual_options_init);
        (options.rank, options.energy) = (rank, energy);
        let (mut a, mut b) = (None, None);
        // SAFETY: room for two handles, which are nobody else's.
        call(|err| unsafe {
            let (mut raw_a, mut raw_b) = (null_mut(), null_mut());
            let (context, layer) = (self.context.raw(), layer as i64);
            let (preview, options) = (self.raw.get(), &options);
            let (out_a, out_b) = (&mut raw_a, &mut raw_b);
            let status =
                lfuse_residual_fit(context, preview, layer, weight, options, out_a, out_b, err);
            (a, b) = (Raw::own(raw_a), Raw::own(raw_b));
            status
        })?;
        let own = |raw| Tensor::of(raw, &self.context);
        Ok(a.zip(b).map(|(a, b)| (own(a), own(b))))
    }

    fn parameters(&self, layer: usize) -> usize {
        self.layers.get(layer).map_or(0, |layer| layer.parameter_count())
    }

    fn check<T: Element>(&self, layer: usize, parameter: Option<usize>) -> Result<()> {
        let parameter = parameter.filter(|index| *index < self.parameters(layer));
        let index = parameter.ok_or_else(|| {
            Error::new(Status::ARGUMENT, format!("no such parameter of layer {layer}"))
        })?;
        let dtype = self.layers[layer].parameter(index)?.value.dtype();
        if dtype == T::DTYPE {
            return Ok(());
        }
        let text = format!("the parameter is {}, not {}", dtype.name(), T::DTYPE.name());
        Err(Error::new(Status::TYPE, text))
    }
}
