//! Handles of C that are destroyed when they are dropped.

use crate::{callback, error, Result};
use layerfuse_sys::*;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::os::raw::c_char;
use std::ptr::{null_mut, NonNull};

/// A type of handle, and how one is destroyed.
pub(crate) trait Handle {
    /// # Safety
    /// `raw` is a handle, and what was made with it is gone.
    unsafe fn destroy(raw: *mut Self);
}

macro_rules! handles {
    ($($kind:ident: $destroy:ident,)*) => {
        $(impl Handle for $kind {
            unsafe fn destroy(raw: *mut Self) {
                // SAFETY: as promised.
                unsafe { $destroy(raw) }
            }
        })*
    };
}
handles! {
    lfuse_context: lfuse_context_destroy,
    lfuse_tensor: lfuse_tensor_destroy,
    lfuse_layer: lfuse_layer_destroy,
    lfuse_couplings: lfuse_couplings_destroy,
    lfuse_packed: lfuse_packed_destroy,
    lfuse_plan: lfuse_plan_destroy,
    lfuse_preview: lfuse_preview_destroy,
    lfuse_ties: lfuse_ties_destroy,
    lfuse_retrainer: lfuse_retrainer_destroy,
    lfuse_checkpoint: lfuse_checkpoint_close,
    lfuse_cka: lfuse_cka_destroy,
    lfuse_outputs: lfuse_outputs_destroy,
}

/// The only owner of a handle, which may touch what lives for `'a` until it is gone. What else it
/// needs is declared after it in the struct that holds it, so that it is dropped first.
pub(crate) struct Raw<'a, T: Handle>(NonNull<T>, PhantomData<&'a ()>);

impl<'a, T: Handle> Raw<'a, T> {
    pub(crate) fn get(&self) -> *mut T {
        self.0.as_ptr()
    }

    /// # Safety
    /// A handle that nobody else owns, or NULL.
    pub(crate) unsafe fn own(raw: *mut T) -> Option<Raw<'a, T>> {
        NonNull::new(raw).map(|raw| Raw(raw, PhantomData))
    }

    /// A handle from a function that creates one.
    pub(crate) fn create(
        f: impl FnOnce(*mut *mut T, *mut lfuse_error) -> lfuse_status,
    ) -> Result<Raw<'a, T>> {
        let mut out = null_mut();
        let mut made = None;
        error::call(|err| {
            let status = f(&mut out, err);
            made = NonNull::new(out).map(|raw| Raw(raw, PhantomData)); // before a panic goes on
            status
        })?;
        Ok(made.expect("a call that succeeded gives a handle"))
    }
}

// Without this, what is borrowed for 'a could end before it.
impl<T: Handle> Drop for Raw<'_, T> {
    fn drop(&mut self) {
        // SAFETY: nobody else has it, and the order of fields is that of their needs.
        unsafe { T::destroy(self.0.as_ptr()) }
        if !std::thread::panicking() {
            callback::resume();
        }
    }
}

/// Text of the library's.
///
/// # Safety
/// `text` is NULL or lives, unchanged, for `'t`.
pub(crate) unsafe fn text<'t>(text: *const c_char) -> Option<&'t str> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as promised.
    Some(unsafe { CStr::from_ptr(text) }.to_str().unwrap_or("?"))
}

/// Options or arguments of C, cleared by their own function.
pub(crate) fn init<T>(f: unsafe extern "C" fn(*mut T, usize)) -> T {
    let mut out = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: all zero is a value of every such struct, and f clears as many bytes as it has.
    unsafe {
        f(out.as_mut_ptr(), std::mem::size_of::<T>());
        out.assume_init()
    }
}
