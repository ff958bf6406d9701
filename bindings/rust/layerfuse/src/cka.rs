//! How alike layers respond, from their outputs, batch by batch.

use crate::error::{call, Error, Result, Status};
use crate::handle::{init, Raw};
use crate::{Context, TensorRef};
use layerfuse_sys::*;
use std::cell::Cell;
use std::marker::PhantomData;

/// An accumulator for the outputs of some layers.
pub struct Cka {
    raw: Raw<'static, lfuse_cka>,
    count: usize,
    _context: Context,
    _confined: PhantomData<Cell<()>>,
}

// SAFETY: one thread at a time; it may be another each time.
unsafe impl Send for Cka {}

impl Cka {
    /// An accumulator for `count` layers, without any batch.
    pub fn new(context: &Context, count: usize) -> Result<Cka> {
        Cka::create(context, count, None)
    }

    /// The same, where outputs of layer i count 2^exponents[i] times.
    pub fn with_exponents(context: &Context, exponents: &[i32]) -> Result<Cka> {
        Cka::create(context, exponents.len(), Some(exponents))
    }

    fn create(context: &Context, count: usize, exponents: Option<&[i32]>) -> Result<Cka> {
        let mut options = init(lfuse_cka_options_init);
        if let Some(exponents) = exponents {
            options.exponents = exponents.as_ptr();
        }
        let layers = i64::try_from(count).unwrap_or(i64::MAX);
        // SAFETY: options are copied.
        let raw = Raw::create(|out, err| unsafe {
            lfuse_cka_create(context.raw(), layers, &options, out, err)
        })?;
        Ok(Cka { raw, count, _context: context.clone(), _confined: PhantomData })
    }

    /// Adds one batch: what each layer put out, examples along the first axis.
    pub fn accumulate(&mut self, activations: &[&TensorRef]) -> Result<()> {
        if activations.len() != self.count {
            let text = format!("{} tensors for {} layers", activations.len(), self.count);
            return Err(Error::new(Status::SHAPE, text));
        }
        let pointers: Vec<_> = activations.iter().map(|tensor| tensor.raw()).collect();
        // SAFETY: as many tensors as layers, which are read.
        call(|err| unsafe { lfuse_cka_accumulate(self.raw.get(), pointers.as_ptr(), err) })
    }

    /// Adds the batches of another accumulator.
    pub fn merge(&mut self, from: &Cka) -> Result<()> {
        // SAFETY: another one, because self is borrowed alone.
        call(|err| unsafe { lfuse_cka_merge(self.raw.get(), from.raw.get(), err) })
    }

    /// Adds sums that [`Cka::sums`] told, here or elsewhere, of so many batches.
    pub fn add_sums(&mut self, sums: &[f64], batches: i64) -> Result<()> {
        if sums.len() != self.pairs() {
            let text = format!("{} sums, {} are needed", sums.len(), self.pairs());
            return Err(Error::new(Status::SHAPE, text));
        }
        // SAFETY: as many sums as pairs.
        call(|err| unsafe { lfuse_cka_add_sums(self.raw.get(), sums.as_ptr(), batches, err) })
    }

    /// The sums so far: of layers i >= j at i * (i + 1) / 2 + j.
    pub fn sums(&self) -> &[f64] {
        // SAFETY: so many numbers, until the accumulator changes.
        unsafe { std::slice::from_raw_parts(lfuse_cka_sums(self.raw.get()), self.pairs()) }
    }

    /// How many layers they are of.
    pub fn count(&self) -> usize {
        // SAFETY: an accumulator.
        unsafe { lfuse_cka_count(self.raw.get()) as usize }
    }

    /// How many batches they are of.
    pub fn batches(&self) -> i64 {
        // SAFETY: an accumulator.
        unsafe { lfuse_cka_batches(self.raw.get()) }
    }

    /// The alignment of all pairs of layers, a matrix, by rows.
    pub fn result(&self) -> Result<Vec<f64>> {
        let mut out = vec![0.0; self.count * self.count];
        // SAFETY: room for all pairs, both ways.
        call(|err| unsafe { lfuse_cka_result(self.raw.get(), out.as_mut_ptr(), err) })?;
        Ok(out)
    }

    fn pairs(&self) -> usize {
        self.count * (self.count + 1) / 2
    }
}
