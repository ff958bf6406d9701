//! Typed n-dimensional views of memory, borrowed or owned.

use crate::constants::Dtype;
use crate::error::{call, Error, Result, Status};
use crate::handle::{init, Raw};
use crate::Context;
use layerfuse_sys::*;
use std::ops::Deref;
use std::os::raw::c_void;
use std::ptr::{null, null_mut};

/// The bits of an IEEE 754 half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct F16(pub u16);

/// The upper half of the bits of an f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Bf16(pub u16);

/// What a tensor can be made of: f32, f64, [`F16`], [`Bf16`].
pub trait Element: Copy + Send + Sync + 'static + sealed::Sealed {
    /// Its name in the library.
    const DTYPE: Dtype;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($kind:ty: $dtype:ident,)*) => {
        $(impl sealed::Sealed for $kind {}
        impl Element for $kind {
            const DTYPE: Dtype = Dtype::$dtype;
        })*
    };
}
elements! { f32: F32, f64: F64, F16: F16, Bf16: Bf16, }

/// A tensor as it is reached through what holds it: a layer, a checkpoint, a [`Tensor`].
#[repr(transparent)]
pub struct TensorRef(lfuse_tensor);

// SAFETY: reading a tensor from several threads is fine, and writing takes &mut.
unsafe impl Send for TensorRef {}
// SAFETY: likewise.
unsafe impl Sync for TensorRef {}

impl TensorRef {
    /// # Safety
    /// `raw` is a tensor that lives for `'t`, or NULL.
    pub(crate) unsafe fn from_raw<'t>(raw: *const lfuse_tensor) -> Option<&'t TensorRef> {
        // SAFETY: as promised; the type is opaque, nothing of it is read here.
        unsafe { (raw as *const TensorRef).as_ref() }
    }

    /// # Safety
    /// As from_raw(), and nobody else reads or writes what the tensor shows for `'t`.
    pub(crate) unsafe fn from_raw_mut<'t>(raw: *mut lfuse_tensor) -> Option<&'t mut TensorRef> {
        // SAFETY: as promised.
        unsafe { (raw as *mut TensorRef).as_mut() }
    }

    pub(crate) fn raw(&self) -> *const lfuse_tensor {
        &self.0
    }

    /// The type of its elements.
    pub fn dtype(&self) -> Dtype {
        // SAFETY: a tensor, here and below.
        Dtype::from_raw(unsafe { lfuse_tensor_dtype(self.raw()) }).unwrap_or_default()
    }

    /// Its shape.
    pub fn dims(&self) -> Vec<usize> {
        let axes = 0..unsafe { lfuse_tensor_rank(self.raw()) };
        axes.map(|axis| unsafe { lfuse_tensor_dim(self.raw(), axis) } as usize).collect()
    }

    /// Elements from one index to the next, along each axis.
    pub fn strides(&self) -> Vec<usize> {
        let axes = 0..unsafe { lfuse_tensor_rank(self.raw()) };
        axes.map(|axis| unsafe { lfuse_tensor_stride(self.raw(), axis) } as usize).collect()
    }

    /// The product of its dims.
    pub fn elements(&self) -> usize {
        unsafe { lfuse_tensor_elements(self.raw()) as usize }
    }

    /// That times the size of an element.
    pub fn bytes(&self) -> usize {
        unsafe { lfuse_tensor_bytes(self.raw()) }
    }

    /// Where its first element is now; ties may move it.
    pub fn as_ptr(&self) -> *const c_void {
        unsafe { lfuse_tensor_data(self.raw()) }
    }

    /// Its elements in row order: of this type, dense and aligned, or it is an error.
    pub fn data<T: Element>(&self) -> Result<&[T]> {
        self.check::<T>()?;
        // SAFETY: so many elements of this type, which nobody writes while self is borrowed.
        Ok(unsafe { std::slice::from_raw_parts(self.as_ptr().cast(), self.elements()) })
    }

    /// The same, to be written.
    pub fn data_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        self.check::<T>()?;
        // SAFETY: likewise, and &mut is given out for what may be written alone.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.as_ptr() as *mut T, self.elements()) })
    }

    /// Converts the elements of another tensor of this shape into this one.
    pub fn copy_from(&mut self, source: &TensorRef) -> Result<()> {
        // SAFETY: self is borrowed alone, source is read.
        call(|err| unsafe { lfuse_tensor_copy(&mut self.0, source.raw(), err) })
    }

    fn check<T: Element>(&self) -> Result<()> {
        if self.dtype() != T::DTYPE {
            let (has, wanted) = (self.dtype().name(), T::DTYPE.name());
            return Err(Error::new(Status::TYPE, format!("the tensor is {has}, not {wanted}")));
        }
        let mut dense = 1;
        for (dim, stride) in self.dims().into_iter().zip(self.strides()).rev() {
            if dim > 1 && stride != dense {
                return Err(Error::new(Status::UNSUPPORTED, "the tensor's rows are not dense"));
            }
            dense *= dim;
        }
        if self.as_ptr() as usize % std::mem::align_of::<T>() != 0 {
            let text = "the tensor is not aligned to its elements; copy it first";
            return Err(Error::new(Status::UNSUPPORTED, text));
        }
        Ok(())
    }
}

/// A tensor over borrowed memory, for `'a`, or over its own.
pub struct Tensor<'a> {
    raw: Raw<'a, lfuse_tensor>,
    read_only: bool,
    _context: Context,
}

// SAFETY: as TensorRef; memory that is given up is freed once, by whoever drops it last.
unsafe impl Send for Tensor<'_> {}
// SAFETY: likewise.
unsafe impl Sync for Tensor<'_> {}

impl Deref for Tensor<'_> {
    type Target = TensorRef;

    fn deref(&self) -> &TensorRef {
        // SAFETY: it lives as long as self.
        unsafe { &*(self.raw.get() as *const TensorRef) }
    }
}

impl<'a> Tensor<'a> {
    /// A tensor of zeros, of its own.
    pub fn zeros(context: &Context, dtype: Dtype, dims: &[usize]) -> Result<Tensor<'static>> {
        // SAFETY: no memory is given.
        unsafe { make(context, dtype, null_mut(), dims, None, false) }
    }

    /// A tensor of its own with your elements, in row order. Ties give its memory back when it
    /// shares another's.
    pub fn from_slice<T: Element>(
        context: &Context,
        data: &[T],
        dims: &[usize],
    ) -> Result<Tensor<'static>> {
        holds(data.len(), dims)?;
        let mut tensor = Tensor::zeros(context, T::DTYPE, dims)?;
        tensor.as_mut()?.data_mut()?.copy_from_slice(data);
        Ok(tensor)
    }

    /// A tensor over your elements, in row order, which ties may change.
    pub fn borrow<T: Element>(
        context: &Context,
        data: &'a mut [T],
        dims: &[usize],
    ) -> Result<Tensor<'a>> {
        holds(data.len(), dims)?;
        // SAFETY: as many elements as dims need, for 'a.
        unsafe { make(context, T::DTYPE, data.as_mut_ptr().cast(), dims, None, false) }
    }

    /// A tensor over your elements that is only read: to compare, to plan, to save.
    pub fn view<T: Element>(
        context: &Context,
        data: &'a [T],
        dims: &[usize],
    ) -> Result<Tensor<'a>> {
        holds(data.len(), dims)?;
        // SAFETY: likewise; nothing writes what is read-only.
        unsafe { make(context, T::DTYPE, data.as_ptr() as *mut c_void, dims, None, true) }
    }

    /// A tensor that takes your elements, in row order, without a copy, and drops them with their
    /// last user. To ties it is borrowed memory.
    pub fn from_vec<T: Element>(
        context: &Context,
        data: Vec<T>,
        dims: &[usize],
    ) -> Result<Tensor<'static>> {
        holds(data.len(), dims)?;
        let first = data.as_ptr() as *mut c_void;
        let user = Box::into_raw(Box::new(data));
        let release = Release { call: release::<T>, user: user.cast() };
        // SAFETY: the elements live until release() is called: once, by the tensor's last user.
        let made = unsafe { make(context, T::DTYPE, first, dims, Some(release), false) };
        if made.is_err() {
            // SAFETY: there is no tensor that could release it.
            drop(unsafe { Box::from_raw(user) });
        }
        made
    }

    /// A tensor over any memory, with strides in elements, or dense where there are none.
    ///
    /// # Safety
    /// The elements are there for `'a`, of this type, and nobody else reads or writes them while
    /// the tensor, or what it was given to, lives.
    pub unsafe fn from_raw(
        context: &Context,
        dtype: Dtype,
        data: *mut c_void,
        dims: &[usize],
        strides: Option<&[usize]>,
    ) -> Result<Tensor<'a>> {
        if data.is_null() || strides.map_or(false, |strides| strides.len() != dims.len()) {
            return Err(Error::new(
                Status::ARGUMENT,
                "data is NULL, or strides are not as dims",
            ));
        }
        let strides = strides.map(numbers).transpose()?;
        // SAFETY: as promised.
        unsafe { make_strided(context, dtype, data, dims, strides.as_deref(), None, false) }
    }

    pub(crate) fn of(raw: Raw<'a, lfuse_tensor>, context: &Context) -> Tensor<'a> {
        Tensor { raw, read_only: false, _context: context.clone() }
    }

    /// The tensor to write to; an error where it is only to be read.
    pub fn as_mut(&mut self) -> Result<&mut TensorRef> {
        if self.read_only {
            return Err(Error::new(Status::STATE, "the tensor is read-only"));
        }
        // SAFETY: it lives as long as self, which is borrowed alone.
        Ok(unsafe { &mut *(self.raw.get() as *mut TensorRef) })
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.read_only
    }

    pub(crate) fn raw_mut(&self) -> *mut lfuse_tensor {
        self.raw.get()
    }

    /// # Safety
    /// The memory is not changed for `'a`.
    pub(crate) unsafe fn over(
        context: &Context,
        source: &TensorRef,
        data: *const c_void,
    ) -> Result<Tensor<'a>> {
        let (dims, strides) = (source.dims(), numbers(&source.strides())?);
        let data = data as *mut c_void;
        // SAFETY: it has what source shows.
        unsafe {
            make_strided(context, source.dtype(), data, &dims, Some(&strides), None, true)
        }
    }
}

struct Release {
    call: unsafe extern "C" fn(*mut c_void, *mut c_void),
    user: *mut c_void,
}

unsafe extern "C" fn release<T>(_: *mut c_void, user: *mut c_void) {
    // SAFETY: user is the box of from_vec(), and this is called once. Elements have no drop.
    drop(unsafe { Box::from_raw(user as *mut Vec<T>) });
}

pub(crate) fn numbers(sizes: &[usize]) -> Result<Vec<i64>> {
    let number = |size: &usize| {
        i64::try_from(*size)
            .map_err(|_| Error::new(Status::OVERFLOW, format!("{size} does not fit")))
    };
    sizes.iter().map(number).collect()
}

fn holds(elements: usize, dims: &[usize]) -> Result<()> {
    let product = dims.iter().try_fold(1usize, |product, dim| product.checked_mul(*dim));
    if product == Some(elements) {
        return Ok(());
    }
    let text = format!("there are {elements} elements for a tensor of {dims:?}");
    Err(Error::new(Status::SHAPE, text))
}

unsafe fn make<'a>(
    context: &Context,
    dtype: Dtype,
    data: *mut c_void,
    dims: &[usize],
    release: Option<Release>,
    read_only: bool,
) -> Result<Tensor<'a>> {
    // SAFETY: the caller's.
    unsafe { make_strided(context, dtype, data, dims, None, release, read_only) }
}

unsafe fn make_strided<'a>(
    context: &Context,
    dtype: Dtype,
    data: *mut c_void,
    dims: &[usize],
    strides: Option<&[i64]>,
    release: Option<Release>,
    read_only: bool,
) -> Result<Tensor<'a>> {
    let dims = numbers(dims)?;
    let mut desc = init(lfuse_tensor_desc_init);
    desc.data = data;
    desc.dims = dims.as_ptr();
    desc.strides = strides.map_or(null(), <[i64]>::as_ptr);
    desc.dtype = dtype as i32;
    desc.rank = i32::try_from(dims.len()).unwrap_or(i32::MAX);
    if let Some(release) = release {
        desc.release = Some(release.call);
        desc.release_user = release.user;
    }
    // SAFETY: dims and strides are copied; the memory is the caller's promise.
    let raw =
        Raw::create(|out, err| unsafe { lfuse_tensor_create(context.raw(), &desc, out, err) })?;
    Ok(Tensor { raw, read_only, _context: context.clone() })
}
