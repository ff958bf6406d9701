//! Elements set to zero at random, the same ones again for the same numbers.

use super::write;
use crate::error::{call, Result};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// Which elements are dropped: seed, stream and probability decide, and the element's index.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Dropout {
    /// Of an element to be dropped, in [0, 1).
    pub probability: f64,
    pub seed: u64,
    /// One for each use and step.
    pub stream: u64,
}

impl Dropout {
    fn raw(&self, count: i64) -> lfuse_dropout_args {
        let mut args = init(lfuse_dropout_args_init);
        args.count = count;
        args.probability = self.probability;
        (args.seed, args.stream) = (self.seed, self.stream);
        args
    }

    /// y from x
    pub fn forward(&self, context: &Context, x: &[f32], y: &mut [f32]) -> Result<()> {
        let count = x.len() as i64;
        let mut args = self.raw(count);
        args.x = x.as_ptr();
        args.y = write("y", y, &[count])?;
        // SAFETY: both have count elements, here and below.
        call(|err| unsafe { lfuse_dropout_forward(context.raw(), &args, err) })
    }

    /// dx from dy
    pub fn backward(&self, context: &Context, dy: &[f32], dx: &mut [f32]) -> Result<()> {
        let count = dy.len() as i64;
        let mut args = self.raw(count);
        args.dy = dy.as_ptr();
        args.dx = write("dx", dx, &[count])?;
        call(|err| unsafe { lfuse_dropout_backward(context.raw(), &args, err) })
    }
}
