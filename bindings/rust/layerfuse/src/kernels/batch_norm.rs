//! Normalisation of each channel over the batch and the image.

use super::{read, read_or_null, workspace, write, write_or_null, Workspace};
use crate::constants::Layout;
use crate::error::{call, Result};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// Of x (batch, channels, pixels) in layout:
/// y = act((x - mean) * scale / sqrt(variance + epsilon) + shift + residual).
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct BatchNorm {
    pub batch: i64,
    pub channels: i64,
    pub pixels: i64,
    pub layout: Layout,
    /// 0 means 1e-5.
    pub epsilon: f64,
    /// Of this batch in the running values; 0 means 0.1.
    pub momentum: f64,
    /// y = max(0, .) at the end.
    pub relu: bool,
    /// dscale and dshift are added to.
    pub accumulate: bool,
}

/// Running mean and unbiased variance of each channel.
#[allow(missing_docs)]
pub struct Running<'r> {
    pub mean: &'r mut [f32],
    pub variance: &'r mut [f32],
}

/// What the training pass saves for the backward pass, of each channel.
#[allow(missing_docs)]
pub struct Saved<'s> {
    pub mean: &'s mut [f32],
    /// 1 / sqrt(variance + epsilon)
    pub inverse: &'s mut [f32],
}

/// What the backward pass writes.
#[allow(missing_docs)]
pub struct BatchNormGradients<'g> {
    pub dx: &'g mut [f32],
    pub dscale: &'g mut [f32],
    pub dshift: &'g mut [f32],
    pub dresidual: Option<&'g mut [f32]>,
}

impl BatchNorm {
    /// Of this shape, in NCHW, with all defaults.
    pub fn new(batch: i64, channels: i64, pixels: i64) -> BatchNorm {
        BatchNorm {
            batch,
            channels,
            pixels,
            layout: Layout::Nchw,
            epsilon: 0.0,
            momentum: 0.0,
            relu: false,
            accumulate: false,
        }
    }

    fn shape(&self) -> [i64; 3] {
        [self.batch, self.channels, self.pixels]
    }

    fn raw(&self, work: Option<&mut Workspace>) -> lfuse_batch_norm_args {
        let mut args = init(lfuse_batch_norm_args_init);
        [args.batch, args.channels, args.pixels] = self.shape();
        (args.epsilon, args.momentum) = (self.epsilon, self.momentum);
        args.layout = self.layout as i32;
        args.flags = if self.relu { LFUSE_BATCH_NORM_RELU } else { 0 }
            | if self.accumulate { LFUSE_BATCH_NORM_ACCUMULATE } else { 0 };
        (args.workspace, args.workspace_bytes) = workspace(work);
        args
    }

    fn inputs(
        &self,
        args: &mut lfuse_batch_norm_args,
        x: &[f32],
        (scale, shift): (&[f32], &[f32]),
        residual: Option<&[f32]>,
    ) -> Result<()> {
        args.x = read("x", x, &self.shape())?;
        args.scale = read("scale", scale, &[self.channels])?;
        args.shift = read("shift", shift, &[self.channels])?;
        args.residual = read_or_null("residual", residual, &self.shape())?;
        Ok(())
    }

    /// y with the batch's own statistics; saves them, and moves the running ones. affine is
    /// scale and shift of each channel.
    #[allow(clippy::too_many_arguments)]
    pub fn training(
        &self,
        context: &Context,
        x: &[f32],
        affine: (&[f32], &[f32]),
        residual: Option<&[f32]>,
        y: &mut [f32],
        saved: Saved,
        running: Option<Running>,
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, channels) = (self.raw(work), [self.channels]);
        self.inputs(&mut args, x, affine, residual)?;
        args.y = write("y", y, &self.shape())?;
        args.saved_mean = write("saved.mean", saved.mean, &channels)?;
        args.saved_inverse = write("saved.inverse", saved.inverse, &channels)?;
        if let Some(running) = running {
            args.running_mean = write("running.mean", running.mean, &channels)?;
            args.running_variance = write("running.variance", running.variance, &channels)?;
        }
        // SAFETY: arrays have the elements of their shapes, here and below.
        call(|err| unsafe { lfuse_batch_norm_training(context.raw(), &args, err) })
    }

    /// y with the running mean and variance.
    #[allow(clippy::too_many_arguments)]
    pub fn inference(
        &self,
        context: &Context,
        x: &[f32],
        affine: (&[f32], &[f32]),
        residual: Option<&[f32]>,
        (mean, variance): (&[f32], &[f32]),
        y: &mut [f32],
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, channels) = (self.raw(work), [self.channels]);
        self.inputs(&mut args, x, affine, residual)?;
        // They are only read here; C has one struct for all three calls.
        args.running_mean = read("mean", mean, &channels)? as *mut f32;
        args.running_variance = read("variance", variance, &channels)? as *mut f32;
        args.y = write("y", y, &self.shape())?;
        call(|err| unsafe { lfuse_batch_norm_inference(context.raw(), &args, err) })
    }

    /// Gradients of the training pass, from its x, what it saved, dy and, with relu, its y.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &self,
        context: &Context,
        x: &[f32],
        affine: (&[f32], &[f32]),
        saved: (&[f32], &[f32]),
        y: Option<&[f32]>,
        dy: &[f32],
        out: BatchNormGradients,
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, shape, channels) = (self.raw(work), self.shape(), [self.channels]);
        self.inputs(&mut args, x, affine, None)?;
        // Only read, too.
        args.saved_mean = read("saved.0", saved.0, &channels)? as *mut f32;
        args.saved_inverse = read("saved.1", saved.1, &channels)? as *mut f32;
        args.y = read_or_null("y", y, &shape)? as *mut f32;
        args.dy = read("dy", dy, &shape)?;
        args.dx = write("dx", out.dx, &shape)?;
        args.dscale = write("dscale", out.dscale, &channels)?;
        args.dshift = write("dshift", out.dshift, &channels)?;
        args.dresidual = write_or_null("dresidual", out.dresidual, &shape)?;
        call(|err| unsafe { lfuse_batch_norm_backward(context.raw(), &args, err) })
    }

    /// Bytes of workspace that are enough for all three.
    pub fn workspace(&self, context: &Context) -> Result<usize> {
        let (args, mut bytes) = (self.raw(None), 0);
        // SAFETY: pointers of args are not looked at.
        call(|err| unsafe {
            lfuse_batch_norm_workspace(context.raw(), &args, &mut bytes, err)
        })?;
        Ok(bytes)
    }
}
