//! Average and maximum over windows of an image.

use super::{read, write};
use crate::constants::Layout;
use crate::error::{call, Error, Result, Status};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// Pooling of x (batch, channels, height, width) in layout. [`Pool2d::new`] has the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Pool2d {
    pub batch: i64,
    pub channels: i64,
    pub height: i64,
    pub width: i64,
    pub kernel: [i64; 2],
    pub stride: [i64; 2],
    /// Top, bottom, left, right.
    pub padding: [i64; 4],
    pub layout: Layout,
    /// The greatest of a window, not the mean.
    pub maximum: bool,
}

impl Pool2d {
    /// The mean of windows side by side, in NCHW.
    pub fn new([batch, channels, height, width]: [i64; 4], kernel: [i64; 2]) -> Pool2d {
        let (stride, padding, layout, maximum) = (kernel, [0; 4], Layout::Nchw, false);
        Pool2d { batch, channels, height, width, kernel, stride, padding, layout, maximum }
    }

    fn shape_x(&self) -> [i64; 4] {
        [self.batch, self.channels, self.height, self.width]
    }

    fn shape_y(&self) -> Result<[i64; 4]> {
        let [top, bottom, left, right] = self.padding;
        let side = |size: i64, before, after, axis: usize| {
            let padded = size.checked_add(before)?.checked_add(after)?;
            let room = padded.checked_sub(self.kernel[axis])?;
            if room < 0 || self.stride[axis] < 1 {
                return None;
            }
            Some(room / self.stride[axis] + 1)
        };
        match (side(self.height, top, bottom, 0), side(self.width, left, right, 1)) {
            (Some(out_h), Some(out_w)) => Ok([self.batch, self.channels, out_h, out_w]),
            _ => Err(Error::new(Status::SHAPE, "the kernel is larger than the padded image")),
        }
    }

    fn raw(&self) -> lfuse_pool2d_args {
        let mut args = init(lfuse_pool2d_args_init);
        [args.batch, args.channels, args.height, args.width] = self.shape_x();
        [args.kernel_h, args.kernel_w] = self.kernel;
        [args.stride_h, args.stride_w] = self.stride;
        [args.pad_top, args.pad_bottom, args.pad_left, args.pad_right] = self.padding;
        args.layout = self.layout as i32;
        args.pool = if self.maximum { LFUSE_POOL_MAX } else { LFUSE_POOL_AVERAGE };
        args
    }

    /// y from x
    pub fn forward(&self, context: &Context, x: &[f32], y: &mut [f32]) -> Result<()> {
        let mut args = self.raw();
        args.x = read("x", x, &self.shape_x())?;
        args.y = write("y", y, &self.shape_y()?)?;
        // SAFETY: arrays have the elements of their shapes, here and below.
        call(|err| unsafe { lfuse_pool2d_forward(context.raw(), &args, err) })
    }

    /// dx from dy and, for the maximum, x
    pub fn backward(
        &self,
        context: &Context,
        x: &[f32],
        dy: &[f32],
        dx: &mut [f32],
    ) -> Result<()> {
        let mut args = self.raw();
        args.x = read("x", x, &self.shape_x())?;
        args.dy = read("dy", dy, &self.shape_y()?)?;
        args.dx = write("dx", dx, &self.shape_x())?;
        call(|err| unsafe { lfuse_pool2d_backward(context.raw(), &args, err) })
    }
}
