//! General matrix product.

use super::{read, workspace, write, Workspace};
use crate::error::{call, Result};
use crate::handle::init;
use crate::Context;
use layerfuse_sys::*;

/// c = alpha op(a) op(b) + beta c: dense rows, a (m, k), b (k, n), c (m, n).
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Gemm {
    pub m: i64,
    pub n: i64,
    pub k: i64,
    pub alpha: f32,
    pub beta: f32,
    /// a is stored (k, m).
    pub transpose_a: bool,
    /// b is stored (n, k).
    pub transpose_b: bool,
}

impl Gemm {
    /// c = a b.
    pub fn new(m: i64, n: i64, k: i64) -> Gemm {
        Gemm { m, n, k, alpha: 1.0, beta: 0.0, transpose_a: false, transpose_b: false }
    }

    fn raw(&self) -> lfuse_gemm_args {
        let mut args = init(lfuse_gemm_args_init);
        (args.m, args.n, args.k) = (self.m, self.n, self.k);
        (args.alpha, args.beta) = (self.alpha, self.beta);
        args.flags = if self.transpose_a { LFUSE_GEMM_TRANSPOSE_A } else { 0 }
            | if self.transpose_b { LFUSE_GEMM_TRANSPOSE_B } else { 0 };
        args
    }

    /// The product.
    pub fn run(
        &self,
        context: &Context,
        a: &[f32],
        b: &[f32],
        c: &mut [f32],
        work: Option<&mut Workspace>,
    ) -> Result<()> {
        let mut args = self.raw();
        args.a = read("a", a, &[self.m, self.k])?;
        args.b = read("b", b, &[self.k, self.n])?;
        args.c = write("c", c, &[self.m, self.n])?;
        (args.workspace, args.workspace_bytes) = workspace(work);
        // SAFETY: arrays have the elements of their shapes.
        call(|err| unsafe { lfuse_gemm(context.raw(), &args, err) })
    }

    /// Bytes of workspace that are enough.
    pub fn workspace(&self, context: &Context) -> Result<usize> {
        let (args, mut bytes) = (self.raw(), 0);
        // SAFETY: pointers of args are not looked at.
        call(|err| unsafe { lfuse_gemm_workspace(context.raw(), &args, &mut bytes, err) })?;
        Ok(bytes)
    }
}
