//! Normalisation of each row: layer norm and RMS norm.

use super::{read, read_or_null, workspace, write, write_or_null, Workspace};
use crate::error::{call, Error, Result, Status};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// Of x (rows, columns), with s = x + residual:
/// y = (s - mean(s)) / sqrt(variance(s) + epsilon) * gamma + beta, or, with rms,
/// y = s / sqrt(mean(s^2) + epsilon) * gamma.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct LayerNorm {
    pub rows: i64,
    pub columns: i64,
    /// 0 means 1e-5.
    pub epsilon: f64,
    /// RMS norm, which has neither mean nor beta.
    pub rms: bool,
    /// dgamma and dbeta are added to.
    pub accumulate: bool,
}

/// What goes into a forward pass.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct LayerNormInputs<'i> {
    pub x: &'i [f32],
    pub residual: Option<&'i [f32]>,
    pub gamma: &'i [f32],
    pub beta: Option<&'i [f32]>,
}

/// What comes out of it; the last two are what the backward pass reads.
#[allow(missing_docs)]
pub struct LayerNormOutputs<'o> {
    pub y: &'o mut [f32],
    /// s, which a residual needs.
    pub sum: Option<&'o mut [f32]>,
    /// Not of RMS norm.
    pub mean: Option<&'o mut [f32]>,
    /// 1 / sqrt(... + epsilon)
    pub inv_std: Option<&'o mut [f32]>,
}

/// What the backward pass reads; x is s.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct LayerNormSaved<'s> {
    pub x: &'s [f32],
    pub gamma: &'s [f32],
    /// Not of RMS norm.
    pub mean: Option<&'s [f32]>,
    pub inv_std: &'s [f32],
}

/// What it writes.
#[allow(missing_docs)]
pub struct LayerNormGradients<'g> {
    pub dx: &'g mut [f32],
    pub dgamma: Option<&'g mut [f32]>,
    /// Not of RMS norm.
    pub dbeta: Option<&'g mut [f32]>,
}

impl LayerNorm {
    fn raw(&self, work: Option<&mut Workspace>) -> lfuse_layer_norm_args {
        let mut args = init(lfuse_layer_norm_args_init);
        (args.rows, args.columns) = (self.rows, self.columns);
        args.epsilon = self.epsilon;
        args.flags = if self.accumulate { LFUSE_LAYER_NORM_ACCUMULATE } else { 0 };
        (args.workspace, args.workspace_bytes) = workspace(work);
        args
    }

    /// y, s and what backward reads
    pub fn forward(
        &self,
        context: &Context,
        from: LayerNormInputs,
        to: LayerNormOutputs,
    ) -> Result<()> {
        let (mut args, shape) = (self.raw(None), [self.rows, self.columns]);
        args.x = read("x", from.x, &shape)?;
        args.residual = read_or_null("residual", from.residual, &shape)?;
        args.gamma = read("gamma", from.gamma, &[self.columns])?;
        args.beta = read_or_null("beta", from.beta, &[self.columns])?;
        args.y = write("y", to.y, &shape)?;
        args.sum = write_or_null("sum", to.sum, &shape)?;
        args.mean = write_or_null("mean", to.mean, &[self.rows])?;
        args.inv_std = write_or_null("inv_std", to.inv_std, &[self.rows])?;
        // SAFETY: arrays have the elements of their shapes, here and below.
        call(|err| unsafe {
            match self.rms {
                true => lfuse_rms_norm_forward(context.raw(), &args, err),
                false => lfuse_layer_norm_forward(context.raw(), &args, err),
            }
        })
    }

    /// dx, dgamma and dbeta, from dy and, where s goes on another way, too, the gradient dsum
    /// that reaches it there
    pub fn backward(
        &self,
        context: &Context,
        saved: LayerNormSaved,
        dy: &[f32],
        dsum: Option<&[f32]>,
        to: LayerNormGradients,
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, shape) = (self.raw(work), [self.rows, self.columns]);
        if saved.mean.is_none() && !self.rms {
            return Err(Error::new(Status::ARGUMENT, "a layer norm has a mean"));
        }
        args.x = read("x", saved.x, &shape)?;
        args.gamma = read("gamma", saved.gamma, &[self.columns])?;
        // Only read here; C has one struct for both directions.
        args.mean = read_or_null("mean", saved.mean, &[self.rows])? as *mut f32;
        args.inv_std = read("inv_std", saved.inv_std, &[self.rows])? as *mut f32;
        args.dy = read("dy", dy, &shape)?;
        args.dsum = read_or_null("dsum", dsum, &shape)?;
        args.dx = write("dx", to.dx, &shape)?;
        args.dgamma = write_or_null("dgamma", to.dgamma, &[self.columns])?;
        args.dbeta = write_or_null("dbeta", to.dbeta, &[self.columns])?;
        call(|err| unsafe {
            match self.rms {
                true => lfuse_rms_norm_backward(context.raw(), &args, err),
                false => lfuse_layer_norm_backward(context.raw(), &args, err),
            }
        })
    }

    /// Bytes of workspace that are enough.
    pub fn workspace(&self, context: &Context) -> Result<usize> {
        let (args, mut bytes) = (self.raw(None), 0);
        // SAFETY: pointers of args are not looked at.
        call(|err| unsafe {
            lfuse_layer_norm_workspace(context.raw(), &args, &mut bytes, err)
        })?;
        Ok(bytes)
    }
}
