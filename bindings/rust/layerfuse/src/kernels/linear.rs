//! Fully connected layer.

use super::{read, read_or_null, workspace, write, write_or_null, Workspace};
use crate::error::{call, Result};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// y = x w' + bias: x (batch, in_features), w (out_features, in_features), dense rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Linear {
    pub batch: i64,
    pub in_features: i64,
    pub out_features: i64,
    /// Calls add to their outputs instead of writing them.
    pub accumulate: bool,
}

impl Linear {
    fn raw(&self, work: Option<&mut Workspace>) -> lfuse_linear_args {
        let mut args = init(lfuse_linear_args_init);
        args.batch = self.batch;
        args.in_features = self.in_features;
        args.out_features = self.out_features;
        args.flags = if self.accumulate { LFUSE_LINEAR_ACCUMULATE } else { 0 };
        (args.workspace, args.workspace_bytes) = workspace(work);
        args
    }

    fn shapes(&self) -> ([i64; 2], [i64; 2], [i64; 2]) {
        let Linear { batch, in_features, out_features, .. } = *self;
        ([batch, in_features], [out_features, in_features], [batch, out_features])
    }

    /// y = x w' + bias
    pub fn forward(
        &self,
        context: &Context,
        x: &[f32],
        w: &[f32],
        bias: Option<&[f32]>,
        y: &mut [f32],
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, (xs, ws, ys)) = (self.raw(work), self.shapes());
        args.x = read("x", x, &xs)?;
        args.w = read("w", w, &ws)?;
        args.bias = read_or_null("bias", bias, &[self.out_features])?;
        args.y = write("y", y, &ys)?;
        // SAFETY: arrays have the elements of their shapes, here and below.
        call(|err| unsafe { lfuse_linear_forward(context.raw(), &args, err) })
    }

    /// dx = dy w
    pub fn backward_data(
        &self,
        context: &Context,
        dy: &[f32],
        w: &[f32],
        dx: &mut [f32],
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, (xs, ws, ys)) = (self.raw(work), self.shapes());
        args.dy = read("dy", dy, &ys)?;
        args.w = read("w", w, &ws)?;
        args.dx = write("dx", dx, &xs)?;
        call(|err| unsafe { lfuse_linear_backward_data(context.raw(), &args, err) })
    }

    /// dw = dy' x, and dbias = the sum of dy's rows
    pub fn backward_weights(
        &self,
        context: &Context,
        dy: &[f32],
        x: &[f32],
        dw: &mut [f32],
        dbias: Option<&mut [f32]>,
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, (xs, ws, ys)) = (self.raw(work), self.shapes());
        args.dy = read("dy", dy, &ys)?;
        args.x = read("x", x, &xs)?;
        args.dw = write("dw", dw, &ws)?;
        args.dbias = write_or_null("dbias", dbias, &[self.out_features])?;
        call(|err| unsafe { lfuse_linear_backward_weights(context.raw(), &args, err) })
    }

    /// Bytes of workspace that are enough for all three.
    pub fn workspace(&self, context: &Context) -> Result<usize> {
        let (args, mut bytes) = (self.raw(None), 0);
        // SAFETY: pointers of args are not looked at.
        call(|err| unsafe { lfuse_linear_workspace(context.raw(), &args, &mut bytes, err) })?;
        Ok(bytes)
    }
}
