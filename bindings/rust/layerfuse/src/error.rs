//! What a call that failed says.

use crate::{callback, handle};
use layerfuse_sys::*;
use std::ffi::{CStr, CString};
use std::fmt;
use std::mem::MaybeUninit;

/// What kind of failure: one of the constants, or one that a newer library knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub(crate) i32);

macro_rules! statuses {
    ($($name:ident = $value:ident, $doc:literal;)*) => {
        impl Status {
            $(#[doc = $doc] pub const $name: Status = Status($value);)*
        }
    };
}
statuses! {
    ARGUMENT = LFUSE_ERR_ARGUMENT, "Out of range, or an unknown constant or name.";
    SHAPE = LFUSE_ERR_SHAPE, "Shapes do not fit each other.";
    TYPE = LFUSE_ERR_TYPE, "An element type that the call does not take.";
    STATE = LFUSE_ERR_STATE, "A call out of order.";
    UNSUPPORTED = LFUSE_ERR_UNSUPPORTED, "Known, but not by this version of the library.";
    NAME = LFUSE_ERR_NAME, "A name that is missing, or there twice.";
    UNREACHABLE = LFUSE_ERR_UNREACHABLE, "No plan reaches the asked ratio.";
    NO_MEMORY = LFUSE_ERR_NO_MEMORY, "The allocator refused.";
    OVERFLOW = LFUSE_ERR_OVERFLOW, "A size does not fit its type.";
    THREAD = LFUSE_ERR_THREAD, "A thread could not be started.";
    DEGENERATE = LFUSE_ERR_DEGENERATE, "All zero or constant where the result would be 0/0.";
    NOT_FINITE = LFUSE_ERR_NOT_FINITE, "NaN or infinite data.";
    IO = LFUSE_ERR_IO, "The system refused; the detail is its error number.";
    FORMAT = LFUSE_ERR_FORMAT, "The file contradicts its format.";
    CANCELLED = LFUSE_ERR_CANCELLED, "The progress callback said stop; the detail is its value.";
    CALLBACK = LFUSE_ERR_CALLBACK, "Another callback failed; the detail is its value.";
}

impl Status {
    /// The constant's name in C, such as "LFUSE_ERR_SHAPE".
    pub fn name(self) -> &'static str {
        // SAFETY: a constant of the library for every value.
        unsafe { handle::text(lfuse_status_name(self.0)) }.unwrap_or("LFUSE_ERR_?")
    }

    /// The value in C: negative.
    pub fn code(self) -> i32 {
        self.0
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failed call: its status, one line of text, and a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: Status,
    detail: i32,
    message: String,
}

/// What every call that can fail returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Error {
        Error { status, detail: 0, message: message.into() }
    }

    pub(crate) fn from_raw(raw: &lfuse_error) -> Error {
        // SAFETY: the text ends with a NUL.
        let message = unsafe { CStr::from_ptr(raw.message.as_ptr()) };
        let message = message.to_string_lossy().into_owned();
        Error { status: Status(raw.status), detail: raw.detail, message }
    }

    /// What kind of failure.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The system's error number, or what a callback returned; else 0.
    pub fn detail(&self) -> i32 {
        self.detail
    }

    /// One line that says what was wrong, with the numbers.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status.name(), self.message)
    }
}

impl std::error::Error for Error {}

/// Calls C with room for an error; the panic of a callback goes on from here.
pub(crate) fn call(f: impl FnOnce(*mut lfuse_error) -> lfuse_status) -> Result<()> {
    let mut error = MaybeUninit::<lfuse_error>::zeroed();
    let status = f(error.as_mut_ptr());
    callback::resume();
    if status == LFUSE_OK {
        return Ok(());
    }
    // SAFETY: all zero is a value of it.
    let mut error = Error::from_raw(unsafe { error.assume_init_ref() });
    error.status = Status(status);
    Err(error)
}

/// A string for C.
pub(crate) fn c_string(text: impl Into<Vec<u8>>, what: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(Status::ARGUMENT, format!("{what} has a NUL inside")))
}

/// A path for C.
pub(crate) fn c_path(path: &std::path::Path) -> Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    c_string(path.as_os_str().as_bytes(), "path")
}
