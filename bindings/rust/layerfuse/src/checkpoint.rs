//! Safetensors files, read by mapping.

use crate::error::{c_path, c_string, call, Result};
use crate::handle::{init, text, Raw};
use crate::{Context, Residual, Tensor, TensorRef};
use layerfuse_sys::*;
use std::path::Path;
use std::ptr::null;

/// How a file is opened; 0 means the defaults of checkpoint.h.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)]
pub struct OpenOptions {
    pub max_header_bytes: usize,
    pub max_bank_bytes: usize,
    /// Tensors of other types and ranks are left out.
    pub skip_unsupported: bool,
    /// Weights are as they are shared, and their factors are tensors, to be trained on.
    pub residuals_apart: bool,
}

/// An opened file, or all files of an index. It must not be changed while it is open.
pub struct Checkpoint {
    raw: Raw<'static, lfuse_checkpoint>,
    context: Context,
}

// SAFETY: a checkpoint is immutable and shareable.
unsafe impl Send for Checkpoint {}
// SAFETY: likewise.
unsafe impl Sync for Checkpoint {}

impl Checkpoint {
    /// Maps a file, an index or a folder, and checks all of it.
    ///
    /// # Safety
    /// Nobody changes or shortens the files while the checkpoint is open: what is read is their
    /// memory.
    pub unsafe fn open(
        context: &Context,
        path: impl AsRef<Path>,
        options: &OpenOptions,
    ) -> Result<Checkpoint> {
        let path = c_path(path.as_ref())?;
        let mut raw = init(lfuse_checkpoint_open_options_init);
        raw.max_header_bytes = options.max_header_bytes;
        raw.max_bank_bytes = options.max_bank_bytes;
        raw.flags =
            if options.skip_unsupported { LFUSE_CHECKPOINT_SKIP_UNSUPPORTED } else { 0 }
                | if options.residuals_apart { LFUSE_CHECKPOINT_RESIDUALS_APART } else { 0 };
        // SAFETY: a string, and options for the call.
        let raw = Raw::create(|out, err| unsafe {
            lfuse_checkpoint_open(context.raw(), path.as_ptr(), &raw, out, err)
        })?;
        Ok(Checkpoint { raw, context: context.clone() })
    }

    pub(crate) fn raw(&self) -> *const lfuse_checkpoint {
        self.raw.get()
    }

    /// How many tensors it has, aliases included.
    pub fn len(&self) -> usize {
        // SAFETY: a checkpoint, here and below, whose strings and bytes live as long.
        unsafe { lfuse_checkpoint_count(self.raw()) as usize }
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the tensor at index.
    pub fn name(&self, index: usize) -> Option<&str> {
        unsafe { text(lfuse_checkpoint_name(self.raw(), index as i64)) }
    }

    /// The tensor at index.
    pub fn tensor(&self, index: usize) -> Option<&TensorRef> {
        unsafe { TensorRef::from_raw(lfuse_checkpoint_tensor(self.raw(), index as i64)) }
    }

    /// The tensor at index as one of its own, read-only, to compare and to plan by: of memory
    /// that is aligned to its elements.
    pub fn view(&self, index: usize) -> Option<Result<Tensor<'_>>> {
        let source = self.tensor(index)?;
        // SAFETY: mapped memory that is not changed while self is borrowed.
        Some(unsafe { Tensor::over(&self.context, source, source.as_ptr()) })
    }

    /// The index of the tensor that holds the data of this one: itself, unless it is an alias.
    pub fn owner(&self, index: usize) -> Option<usize> {
        usize::try_from(unsafe { lfuse_checkpoint_owner(self.raw(), index as i64) }).ok()
    }

    /// The index of the tensor of this name.
    pub fn find(&self, name: &str) -> Option<usize> {
        let name = c_string(name, "name").ok()?;
        usize::try_from(unsafe { lfuse_checkpoint_find(self.raw(), name.as_ptr()) }).ok()
    }

    /// The index of the file that has the tensor at index.
    pub fn file(&self, index: usize) -> Option<usize> {
        usize::try_from(unsafe { lfuse_checkpoint_file(self.raw(), index as i64) }).ok()
    }

    /// The names of its files.
    pub fn file_names(&self) -> Vec<&str> {
        let count = unsafe { lfuse_checkpoint_file_count(self.raw()) };
        let name = |i| unsafe { text(lfuse_checkpoint_file_name(self.raw(), i)) };
        (0..count).filter_map(name).collect()
    }

    /// The metadata of this key.
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let key = c_string(key, "key").ok()?;
        unsafe { text(lfuse_checkpoint_metadata(self.raw(), key.as_ptr())) }
    }

    /// The keys of its metadata.
    pub fn metadata_keys(&self) -> Vec<&str> {
        let count = unsafe { lfuse_checkpoint_metadata_count(self.raw()) };
        let key = |i| unsafe { text(lfuse_checkpoint_metadata_key(self.raw(), i)) };
        (0..count).filter_map(key).collect()
    }

    /// Weights that are shown without their residuals, where these are apart.
    pub fn residuals(&self) -> Result<Vec<Residual<'_>>> {
        let one = |i| {
            let mut raw = lfuse_checkpoint_residual_entry {
                weight: null(),
                a: null(),
                b: null(),
                output_axis: 0,
                reserved: 0,
            };
            call(|err| unsafe { lfuse_checkpoint_residual(self.raw(), i, &mut raw, err) })?;
            let (weight, a, b) = unsafe { (text(raw.weight), text(raw.a), text(raw.b)) };
            let (weight, a, b) = (weight.unwrap_or("?"), a.unwrap_or("?"), b.unwrap_or("?"));
            Ok(Residual { weight, a, b, output_axis: raw.output_axis })
        };
        (0..unsafe { lfuse_checkpoint_residual_count(self.raw()) }).map(one).collect()
    }

    /// Tensors that were left out: name, type and shape as the file has them, bytes, file.
    pub fn skipped(&self) -> Vec<(&str, &str, &[u8], usize)> {
        let raw = self.raw();
        let one = |i| unsafe {
            let mut bytes = 0;
            let data = lfuse_checkpoint_skipped_data(raw, i, &mut bytes);
            let data = match data.is_null() {
                true => &[][..],
                false => std::slice::from_raw_parts(data.cast(), bytes),
            };
            let file = lfuse_checkpoint_skipped_file(raw, i) as usize;
            let kind = text(lfuse_checkpoint_skipped_type(raw, i))?;
            Some((text(lfuse_checkpoint_skipped(raw, i))?, kind, data, file))
        };
        (0..unsafe { lfuse_checkpoint_skipped_count(raw) }).filter_map(one).collect()
    }
}
