//! ReLU and the residual add.

use super::{read, write};
use crate::error::{call, Result};
use crate::Context;
use layerfuse_sys::*;

/// y = max(0, x)
pub fn relu_forward(context: &Context, x: &[f32], y: &mut [f32]) -> Result<()> {
    let count = x.len() as i64;
    let y = write("y", y, &[count])?;
    // SAFETY: both have count elements, here and below.
    call(|err| unsafe { lfuse_relu_forward(context.raw(), x.as_ptr(), count, y, err) })
}

/// dx = dy where y > 0, else 0
pub fn relu_backward(context: &Context, y: &[f32], dy: &[f32], dx: &mut [f32]) -> Result<()> {
    let count = y.len() as i64;
    let (dy, dx) = (read("dy", dy, &[count])?, write("dx", dx, &[count])?);
    call(|err| unsafe { lfuse_relu_backward(context.raw(), y.as_ptr(), dy, count, dx, err) })
}

/// y = a + b
pub fn add(context: &Context, a: &[f32], b: &[f32], y: &mut [f32]) -> Result<()> {
    let count = a.len() as i64;
    let (b, y) = (read("b", b, &[count])?, write("y", y, &[count])?);
    call(|err| unsafe { lfuse_add(context.raw(), a.as_ptr(), b, count, y, err) })
}
