//! GELU, SiLU and SwiGLU, over dense arrays.

use super::{read, write};
use crate::error::{call, Result};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// A smooth activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// x P(x), P the normal distribution.
    Gelu,
    /// Its approximation with tanh, as GPT-2 has it.
    GeluTanh,
    /// x / (1 + exp(-x))
    Silu,
}

fn args(count: i64) -> lfuse_activation_args {
    let mut args = init(lfuse_activation_args_init);
    (args.rows, args.columns) = (1, count);
    args
}

impl Activation {
    fn raw(self, count: i64) -> lfuse_activation_args {
        let mut args = args(count);
        args.flags = if self == Activation::GeluTanh { LFUSE_GELU_TANH } else { 0 };
        args
    }

    /// y from x
    pub fn forward(self, context: &Context, x: &[f32], y: &mut [f32]) -> Result<()> {
        let count = x.len() as i64;
        let mut args = self.raw(count);
        args.x = x.as_ptr();
        args.y = write("y", y, &[count])?;
        // SAFETY: all arrays have count elements, here and below.
        call(|err| unsafe {
            match self {
                Activation::Silu => lfuse_silu_forward(context.raw(), &args, err),
                _ => lfuse_gelu_forward(context.raw(), &args, err),
            }
        })
    }

    /// dx from x and dy
    pub fn backward(
        self,
        context: &Context,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
    ) -> Result<()> {
        let count = x.len() as i64;
        let mut args = self.raw(count);
        args.x = x.as_ptr();
        args.dy = read("dy", dy, &[count])?;
        args.dx = write("dx", dx, &[count])?;
        call(|err| unsafe {
            match self {
                Activation::Silu => lfuse_silu_backward(context.raw(), &args, err),
                _ => lfuse_gelu_backward(context.raw(), &args, err),
            }
        })
    }
}

/// y = silu(gate) up
pub fn swiglu_forward(
    context: &Context,
    gate: &[f32],
    up: &[f32],
    y: &mut [f32],
) -> Result<()> {
    let count = gate.len() as i64;
    let mut args = args(count);
    args.x = gate.as_ptr();
    args.up = read("up", up, &[count])?;
    args.y = write("y", y, &[count])?;
    call(|err| unsafe { lfuse_swiglu_forward(context.raw(), &args, err) })
}

/// dgate and dup, from gate, up and dy
pub fn swiglu_backward(
    context: &Context,
    gate: &[f32],
    up: &[f32],
    dy: &[f32],
    dgate: &mut [f32],
    dup: &mut [f32],
) -> Result<()> {
    let count = gate.len() as i64;
    let mut args = args(count);
    args.x = gate.as_ptr();
    args.up = read("up", up, &[count])?;
    args.dy = read("dy", dy, &[count])?;
    args.dx = write("dgate", dgate, &[count])?;
    args.dup = write("dup", dup, &[count])?;
    call(|err| unsafe { lfuse_swiglu_backward(context.raw(), &args, err) })
}
