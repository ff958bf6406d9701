//! Safetensors files, written whole or not at all.

use crate::constants::SaveMode;
use crate::error::{c_path, c_string, call, Result};
use crate::handle::init;
use crate::{callback, Checkpoint, Context, TensorRef};
use layerfuse_sys::*;
use std::ffi::CString;
use std::os::raw::{c_char, c_void};
use std::path::Path;
use std::ptr::null;

/// One name of a file to be written.
pub struct Entry<'e> {
    /// Unique.
    pub name: &'e str,
    /// What is stored; dense, whatever its strides.
    pub tensor: &'e TensorRef,
    /// The entry that is to hold its data.
    pub owner: Option<&'e str>,
}

/// Entries whose equal rows are stored once.
pub struct Bank<'e> {
    /// Not an entry's.
    pub name: &'e str,
    /// Names of entries with rows of one shape and type.
    pub entries: &'e [&'e str],
    /// Rows are the slices along it.
    pub output_axis: i32,
}

/// A weight that is what it shares, plus a b: names of entries, or of tensors of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Residual<'e> {
    pub weight: &'e str,
    /// (out, rank)
    pub a: &'e str,
    /// (rank, in)
    pub b: &'e str,
    /// Of the weight: out counts its entries.
    pub output_axis: i32,
}

/// What a fill closure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// It wrote the elements.
    Filled,
    /// Asked for the first elements: the tensor is stored as it is.
    AsItIs,
}

type FillWith<'e> = dyn FnMut(usize, usize, &mut [u8]) -> std::result::Result<Fill, i32> + 'e;

/// How a file is written (checkpoint.h).
#[derive(Default)]
pub struct SaveOptions<'e> {
    /// Whether shared tensors are stored once.
    pub mode: SaveMode,
    /// Keys and values; keys "layerfuse.*" are the library's.
    pub metadata: &'e [(&'e str, &'e str)],
    /// Entries whose equal rows are stored once.
    pub banks: &'e [Bank<'e>],
    /// Which entries are weights with residuals, and their factors.
    pub residuals: &'e [Residual<'e>],
    /// What this one skipped is stored, too: of one of its files, from 1, or 0: of all.
    pub carried: Option<(&'e Checkpoint, i64)>,
    /// Bytes of the elements of an entry, from the first on that it is told, as many as there
    /// is room for.
    pub fill: Option<&'e mut FillWith<'e>>,
}

struct Filling<'c, 'e> {
    closure: &'c mut FillWith<'e>,
    sizes: Vec<usize>, // of an element, by entry
}

unsafe extern "C" fn fill(
    user: *mut c_void,
    index: i64,
    first: i64,
    count: i64,
    out: *mut c_void,
) -> i32 {
    let mut as_it_is = false;
    let status = callback::guard(|| {
        // SAFETY: user is that of save(), and out has room for count elements of the entry.
        let (filling, out) = unsafe {
            let filling = &mut *(user as *mut Filling);
            let bytes = count as usize * filling.sizes[index as usize];
            out.cast::<u8>().write_bytes(0, bytes);
            (filling, std::slice::from_raw_parts_mut(out.cast::<u8>(), bytes))
        };
        as_it_is = (filling.closure)(index as usize, first as usize, out)? == Fill::AsItIs;
        Ok(())
    });
    match (status, as_it_is) {
        (0, true) => LFUSE_FILL_NONE as i32,
        // What a closure refuses with must not say "as it is".
        (status, _) if status == LFUSE_FILL_NONE as i32 => -1,
        (status, _) => status,
    }
}

/// Strings for C, and where they are.
#[derive(Default)]
struct Strings(Vec<CString>);

impl Strings {
    fn add(&mut self, text: &str, what: &str) -> Result<*const c_char> {
        self.0.push(c_string(text, what)?);
        Ok(self.0[self.0.len() - 1].as_ptr())
    }
}

impl Checkpoint {
    /// Writes a file, whole or not at all.
    pub fn save(
        context: &Context,
        path: impl AsRef<Path>,
        entries: &[Entry],
        options: SaveOptions,
    ) -> Result<()> {
        let path = c_path(path.as_ref())?;
        let mut strings = Strings::default();
        let mut raw_entries = Vec::new();
        for entry in entries {
            raw_entries.push(lfuse_checkpoint_entry {
                name: strings.add(entry.name, "name")?,
                tensor: entry.tensor.raw(),
                owner: entry.owner.map_or(Ok(null()), |owner| strings.add(owner, "owner"))?,
            });
        }
        let mut metadata = Vec::new();
        for (key, value) in options.metadata {
            metadata.push(strings.add(key, "key")?);
            metadata.push(strings.add(value, "value")?);
        }
        let (mut names, mut banks) = (Vec::new(), Vec::new());
        for bank in options.banks {
            let of_bank = bank.entries.iter().map(|name| strings.add(name, "name"));
            let of_bank = of_bank.collect::<Result<Vec<_>>>()?;
            banks.push(lfuse_checkpoint_bank {
                name: strings.add(bank.name, "name")?,
                entries: of_bank.as_ptr(),
                count: of_bank.len() as i64,
                output_axis: bank.output_axis,
                reserved: 0,
            });
            names.push(of_bank); // moves the vector, not what it holds
        }
        let mut residuals = Vec::new();
        for residual in options.residuals {
            residuals.push(lfuse_checkpoint_residual_entry {
                weight: strings.add(residual.weight, "weight")?,
                a: strings.add(residual.a, "a")?,
                b: strings.add(residual.b, "b")?,
                output_axis: residual.output_axis,
                reserved: 0,
            });
        }
        let mut raw = init(lfuse_checkpoint_save_options_init);
        raw.mode = options.mode as i32;
        raw.metadata = metadata.as_ptr();
        raw.metadata_count = options.metadata.len() as i64;
        raw.banks = banks.as_ptr();
        raw.bank_count = banks.len() as i64;
        raw.residuals = residuals.as_ptr();
        raw.residual_count = residuals.len() as i64;
        if let Some((checkpoint, file)) = options.carried {
            raw.carried = checkpoint.raw();
            raw.carried_file = file;
        }
        let sizes = entries.iter().map(|entry| entry.tensor.dtype().size()).collect();
        let mut filling = options.fill.map(|closure| Filling { closure, sizes });
        if let Some(filling) = &mut filling {
            raw.fill = Some(fill);
            raw.fill_user = filling as *mut Filling as *mut c_void;
        }
        let count = raw_entries.len() as i64;
        // SAFETY: everything lives for the call.
        call(|err| unsafe {
            let (path, entries) = (path.as_ptr(), raw_entries.as_ptr());
            lfuse_checkpoint_save(context.raw(), path, entries, count, &raw, err)
        })
    }
}
