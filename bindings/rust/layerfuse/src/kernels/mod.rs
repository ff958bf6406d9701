//! Forward and backward of what a network is made of, over dense f32 arrays.
//!
//! Every function checks that slices have the lengths that shapes ask for; the rest is said in
//! the header of the same name, such as conv2d.h. Weights are `[out, in, kh, kw]` always.

mod activation;
mod batch_norm;
mod conv2d;
mod dropout;
mod elementwise;
mod embedding;
mod gemm;
mod layer_norm;
mod linear;
mod loss;
mod pool2d;
mod update;

pub use activation::*;
pub use batch_norm::*;
pub use conv2d::*;
pub use dropout::*;
pub use elementwise::*;
pub use embedding::*;
pub use gemm::*;
pub use layer_norm::*;
pub use linear::*;
pub use loss::*;
pub use pool2d::*;
pub use update::*;

use crate::error::{Error, Result, Status};
use std::ptr::{null, null_mut};

/// Memory for a kernel to work in, of as many bytes as its workspace function says, so that calls
/// allocate nothing. It grows, and is aligned as kernels want it.
#[derive(Default)]
pub struct Workspace {
    lines: Vec<Line>,
}

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line {
    _bytes: [u8; 64],
}

impl Workspace {
    /// None yet.
    pub fn new() -> Workspace {
        Workspace::default()
    }

    /// Room for at least so many bytes.
    pub fn reserve(&mut self, bytes: usize) {
        let lines = (bytes + 63) / 64;
        if lines > self.lines.len() {
            self.lines.resize(lines, Line { _bytes: [0; 64] });
        }
    }

    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        self.lines.len() * 64
    }
}

/// The pointer and size that args take.
fn workspace(workspace: Option<&mut Workspace>) -> (*mut std::os::raw::c_void, usize) {
    match workspace {
        Some(w) if w.bytes() > 0 => {
            let bytes = w.bytes();
            (w.lines.as_mut_ptr() as *mut _, bytes)
        }
        _ => (null_mut(), 0),
    }
}

/// The product of sizes, none of them negative; zeros and what does not fit C refuses.
fn product(sizes: &[i64]) -> Option<usize> {
    sizes
        .iter()
        .try_fold(1usize, |product, size| product.checked_mul(usize::try_from(*size).ok()?))
}

fn holds(what: &str, length: usize, sizes: &[i64]) -> Result<()> {
    if product(sizes) == Some(length) {
        return Ok(());
    }
    Err(Error::new(Status::SHAPE, format!("{what} has {length} elements, shape {sizes:?}")))
}

/// An array to be read, of this shape.
fn read(what: &str, array: &[f32], sizes: &[i64]) -> Result<*const f32> {
    holds(what, array.len(), sizes)?;
    Ok(array.as_ptr())
}

/// One that may be left out.
fn read_or_null(what: &str, array: Option<&[f32]>, sizes: &[i64]) -> Result<*const f32> {
    array.map_or(Ok(null()), |array| read(what, array, sizes))
}

/// An array to be written, of this shape.
fn write(what: &str, array: &mut [f32], sizes: &[i64]) -> Result<*mut f32> {
    holds(what, array.len(), sizes)?;
    Ok(array.as_mut_ptr())
}

/// One that may be left out.
fn write_or_null(what: &str, array: Option<&mut [f32]>, sizes: &[i64]) -> Result<*mut f32> {
    array.map_or(Ok(null_mut()), |array| write(what, array, sizes))
}
