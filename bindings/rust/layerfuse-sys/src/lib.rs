//! The C interface of layerfuse, as it is: every type, constant and function of
//! `<layerfuse/layerfuse.h>`, whose headers are the documentation. The crate `layerfuse` is the
//! safe way to use it.
//!
//! `bindings.rs` is written by `scripts/rust-bindings` and checked in: building needs neither
//! libclang nor a network. Structs that begin with `struct_size` are made by their `_init()`.

#![allow(non_camel_case_types)]

#[rustfmt::skip]
mod bindings;
pub use bindings::*;
