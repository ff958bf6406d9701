//! How far a layer's outputs spread, and what puts those of a fused network right.

use crate::error::{call, Error, Result, Status};
use crate::handle::Raw;
use crate::{Context, TensorRef};
use layerfuse_sys::*;
use std::cell::Cell;
use std::marker::PhantomData;

/// An accumulator for the channels of one layer.
pub struct Outputs {
    raw: Raw<'static, lfuse_outputs>,
    channels: usize,
    _context: Context,
    _confined: PhantomData<Cell<()>>,
}

// SAFETY: one thread at a time; it may be another each time.
unsafe impl Send for Outputs {}

/// scale * y + shift, by channels, and how many of them nothing can make spread.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Correction {
    pub scale: Vec<f64>,
    pub shift: Vec<f64>,
    pub constant: i64,
}

impl Outputs {
    /// An accumulator without any output.
    pub fn new(context: &Context, channels: usize) -> Result<Outputs> {
        let count = i64::try_from(channels).unwrap_or(i64::MAX);
        // SAFETY: a context.
        let create = |out, err| unsafe { lfuse_outputs_create(context.raw(), count, out, err) };
        let (raw, _context) = (Raw::create(create)?, context.clone());
        Ok(Outputs { raw, channels, _context, _confined: PhantomData })
    }

    /// Adds a batch, whose axis counts the channels.
    pub fn accumulate(&mut self, batch: &TensorRef, axis: i32) -> Result<()> {
        // SAFETY: the batch is read.
        call(|err| unsafe { lfuse_outputs_accumulate(self.raw.get(), batch.raw(), axis, err) })
    }

    /// Adds the samples of another accumulator.
    pub fn merge(&mut self, from: &Outputs) -> Result<()> {
        // SAFETY: another one, because self is borrowed alone.
        call(|err| unsafe { lfuse_outputs_merge(self.raw.get(), from.raw.get(), err) })
    }

    /// Adds samples that another told of, here or elsewhere.
    pub fn add(&mut self, samples: i64, means: &[f64], squares: &[f64]) -> Result<()> {
        if means.len() != self.channels || squares.len() != self.channels {
            let text = format!("{} channels are needed", self.channels);
            return Err(Error::new(Status::SHAPE, text));
        }
        let (means, squares) = (means.as_ptr(), squares.as_ptr());
        // SAFETY: both are of as many channels.
        call(|err| unsafe { lfuse_outputs_add(self.raw.get(), samples, means, squares, err) })
    }

    /// How many samples of each channel there were.
    pub fn samples(&self) -> i64 {
        // SAFETY: an accumulator, here and below, which has as many numbers until it changes.
        unsafe { lfuse_outputs_samples(self.raw.get()) }
    }

    /// The mean of each channel.
    pub fn means(&self) -> &[f64] {
        unsafe {
            std::slice::from_raw_parts(lfuse_outputs_means(self.raw.get()), self.channels)
        }
    }

    /// Of each channel the sum of squared distances from its mean.
    pub fn squares(&self) -> &[f64] {
        unsafe {
            std::slice::from_raw_parts(lfuse_outputs_squares(self.raw.get()), self.channels)
        }
    }

    /// What gives these outputs, of a fused network, the moments of the original ones.
    pub fn match_original(&self, original: &Outputs) -> Result<Correction> {
        let (mut scale, mut shift) = (vec![0.0; self.channels], vec![0.0; self.channels]);
        let mut constant = 0;
        // SAFETY: room for all channels; numbers of channels that differ are refused.
        call(|err| unsafe {
            let (scale, shift) = (scale.as_mut_ptr(), shift.as_mut_ptr());
            let (fused, original) = (self.raw.get(), original.raw.get());
            lfuse_outputs_match(fused, original, scale, shift, &mut constant, err)
        })?;
        Ok(Correction { scale, shift, constant })
    }
}
