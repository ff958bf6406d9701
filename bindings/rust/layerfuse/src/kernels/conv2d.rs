//! Two-dimensional convolution, and weights prepared for it.

use super::{holds, read, read_or_null, workspace, write, write_or_null, Workspace};
use crate::constants::Layout;
use crate::error::{call, Error, Result, Status};
use crate::handle::{init, Raw};
use crate::Context;
use layerfuse_sys::*;

/// How the sums of a convolution are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Conv2dAlgorithm {
    #[default]
    ByShape,
    Direct,
    Winograd,
    Winograd2x2,
}

/// A convolution of x (batch, in_channels, height, width) in layout with w (out_channels,
/// in_channels / groups, kernel_h, kernel_w). [`Conv2d::new`] has the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Conv2d {
    pub batch: i64,
    pub in_channels: i64,
    pub height: i64,
    pub width: i64,
    pub out_channels: i64,
    pub kernel: [i64; 2],
    pub stride: [i64; 2],
    /// Top, bottom, left, right.
    pub padding: [i64; 4],
    pub dilation: [i64; 2],
    pub groups: i64,
    pub layout: Layout,
    pub algorithm: Conv2dAlgorithm,
    /// Calls add to their outputs instead of writing them.
    pub accumulate: bool,
    /// The forward pass ends with max(0, .).
    pub relu: bool,
}

/// What follows a convolution in its forward pass: (y + bias) * scale + shift + residual.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct Epilogue<'e> {
    pub bias: Option<&'e [f32]>,
    pub scale: Option<&'e [f32]>,
    pub shift: Option<&'e [f32]>,
    /// As y.
    pub residual: Option<&'e [f32]>,
}

/// The weights of a call: as they are, or prepared.
#[derive(Clone, Copy)]
pub enum Weights<'w> {
    /// As they are.
    Plain(&'w [f32]),
    /// As [`Conv2d::pack`] prepared them.
    Packed(&'w Packed),
}

impl Conv2d {
    /// A convolution with stride 1, no padding, one group, in NCHW.
    pub fn new(
        [batch, in_channels, height, width]: [i64; 4],
        [out_channels, kernel_h, kernel_w]: [i64; 3],
    ) -> Conv2d {
        Conv2d {
            batch,
            in_channels,
            height,
            width,
            out_channels,
            kernel: [kernel_h, kernel_w],
            stride: [1, 1],
            padding: [0; 4],
            dilation: [1, 1],
            groups: 1,
            layout: Layout::Nchw,
            algorithm: Conv2dAlgorithm::ByShape,
            accumulate: false,
            relu: false,
        }
    }

    /// Height and width of what comes out; None where the kernel does not fit.
    pub fn out(&self) -> Option<[i64; 2]> {
        let [top, bottom, left, right] = self.padding;
        let side = |size: i64, before, after, axis: usize| {
            let reach = self.dilation[axis].checked_mul(self.kernel[axis].checked_sub(1)?)?;
            let room = size.checked_add(before)?.checked_add(after)?.checked_sub(reach)?;
            if room < 1 || self.stride[axis] < 1 {
                return None;
            }
            Some((room - 1) / self.stride[axis] + 1)
        };
        Some([side(self.height, top, bottom, 0)?, side(self.width, left, right, 1)?])
    }

    fn shape_x(&self) -> [i64; 4] {
        [self.batch, self.in_channels, self.height, self.width]
    }

    fn shape_w(&self) -> Result<[i64; 4]> {
        let [kernel_h, kernel_w] = self.kernel;
        match self.in_channels.checked_div(self.groups) {
            Some(in_channels) => Ok([self.out_channels, in_channels, kernel_h, kernel_w]),
            None => Err(Error::new(Status::ARGUMENT, "groups is 0")),
        }
    }

    fn shape_y(&self) -> Result<[i64; 4]> {
        match self.out() {
            Some([out_h, out_w]) => Ok([self.batch, self.out_channels, out_h, out_w]),
            None => {
                Err(Error::new(Status::SHAPE, "the kernel is larger than the padded image"))
            }
        }
    }

    fn raw(&self, work: Option<&mut Workspace>) -> lfuse_conv2d_args {
        let mut args = init(lfuse_conv2d_args_init);
        [args.batch, args.in_channels, args.height, args.width] = self.shape_x();
        args.out_channels = self.out_channels;
        [args.kernel_h, args.kernel_w] = self.kernel;
        [args.stride_h, args.stride_w] = self.stride;
        [args.pad_top, args.pad_bottom, args.pad_left, args.pad_right] = self.padding;
        [args.dilation_h, args.dilation_w] = self.dilation;
        args.groups = self.groups;
        args.layout = self.layout as i32;
        args.algorithm = match self.algorithm {
            Conv2dAlgorithm::ByShape => 0,
            Conv2dAlgorithm::Direct => LFUSE_CONV2D_DIRECT,
            Conv2dAlgorithm::Winograd => LFUSE_CONV2D_WINOGRAD,
            Conv2dAlgorithm::Winograd2x2 => LFUSE_CONV2D_WINOGRAD_2X2,
        };
        args.flags = if self.accumulate { LFUSE_CONV2D_ACCUMULATE } else { 0 }
            | if self.relu { LFUSE_CONV2D_RELU } else { 0 };
        (args.workspace, args.workspace_bytes) = workspace(work);
        args
    }

    fn weights(&self, args: &mut lfuse_conv2d_args, weights: Weights) -> Result<()> {
        match weights {
            Weights::Plain(w) => args.w = read("w", w, &self.shape_w()?)?,
            Weights::Packed(packed) => args.packed = packed.raw.get(),
        }
        Ok(())
    }

    /// y = act((conv(x, w) + bias) * scale + shift + residual)
    pub fn forward(
        &self,
        context: &Context,
        x: &[f32],
        w: Weights,
        after: Epilogue,
        y: &mut [f32],
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let (mut args, shape_y) = (self.raw(work), self.shape_y()?);
        args.x = read("x", x, &self.shape_x())?;
        self.weights(&mut args, w)?;
        args.bias = read_or_null("bias", after.bias, &[self.out_channels])?;
        args.scale = read_or_null("scale", after.scale, &[self.out_channels])?;
        args.shift = read_or_null("shift", after.shift, &[self.out_channels])?;
        args.residual = read_or_null("residual", after.residual, &shape_y)?;
        args.y = write("y", y, &shape_y)?;
        // SAFETY: arrays have the elements of their shapes, here and below.
        call(|err| unsafe { lfuse_conv2d_forward(context.raw(), &args, err) })
    }

    /// dx, the gradient of x
    pub fn backward_data(
        &self,
        context: &Context,
        dy: &[f32],
        w: Weights,
        dx: &mut [f32],
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let mut args = self.raw(work);
        args.dy = read("dy", dy, &self.shape_y()?)?;
        self.weights(&mut args, w)?;
        args.dx = write("dx", dx, &self.shape_x())?;
        call(|err| unsafe { lfuse_conv2d_backward_data(context.raw(), &args, err) })
    }

    /// dw and, if it is wanted, dbias
    pub fn backward_weights(
        &self,
        context: &Context,
        dy: &[f32],
        x: &[f32],
        dw: &mut [f32],
        dbias: Option<&mut [f32]>,
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let mut args = self.raw(work);
        args.dy = read("dy", dy, &self.shape_y()?)?;
        args.x = read("x", x, &self.shape_x())?;
        args.dw = write("dw", dw, &self.shape_w()?)?;
        args.dbias = write_or_null("dbias", dbias, &[self.out_channels])?;
        call(|err| unsafe { lfuse_conv2d_backward_weights(context.raw(), &args, err) })
    }

    /// Bytes of workspace that are enough for all three.
    pub fn workspace(&self, context: &Context) -> Result<usize> {
        let (args, mut bytes) = (self.raw(None), 0);
        // SAFETY: pointers of args are not looked at.
        call(|err| unsafe { lfuse_conv2d_workspace(context.raw(), &args, &mut bytes, err) })?;
        Ok(bytes)
    }

    /// Weights prepared for the forward pass, for backward data, or for both.
    pub fn pack(
        &self,
        context: &Context,
        w: &[f32],
        forward: bool,
        backward_data: bool,
    ) -> Result<Packed> {
        let mut args = self.raw(None);
        args.w = read("w", w, &self.shape_w()?)?;
        let directions = if forward { LFUSE_PACKED_FORWARD } else { 0 }
            | if backward_data { LFUSE_PACKED_BACKWARD_DATA } else { 0 };
        let raw = Raw::create(|out, err| unsafe {
            lfuse_conv2d_pack(context.raw(), &args, directions, out, err)
        })?;
        Ok(Packed { raw, shape: self.shape_w()?, _context: context.clone() })
    }
}

/// Weights prepared once for the calls that read them; refreshed after an update.
pub struct Packed {
    raw: Raw<'static, lfuse_packed>,
    shape: [i64; 4],
    _context: Context,
}

// SAFETY: read by any number of calls at a time, and refreshed by &mut.
unsafe impl Send for Packed {}
// SAFETY: likewise.
unsafe impl Sync for Packed {}

impl Packed {
    /// Takes the weights anew.
    pub fn refresh(&mut self, w: &[f32]) -> Result<()> {
        holds("w", w.len(), &self.shape)?;
        // SAFETY: as many weights as were packed.
        call(|err| unsafe { lfuse_packed_refresh(self.raw.get(), w.as_ptr(), err) })
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        // SAFETY: a packed weight.
        unsafe { lfuse_packed_bytes(self.raw.get()) }
    }
}
