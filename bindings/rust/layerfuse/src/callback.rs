//! Closures that C calls: their panics are caught, kept, and go on when the call has returned.

use std::any::Any;
use std::cell::Cell;
use std::mem;
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};

thread_local! {
    // Callbacks run on the thread that calls.
    static PANIC: Cell<Option<Box<dyn Any + Send>>> = Cell::new(None);
}

/// Of a closure's answer: 0, or what becomes the error's detail; 1 for a panic, which is kept.
pub(crate) fn guard(f: impl FnOnce() -> Result<(), i32>) -> i32 {
    match catch(f) {
        Some(Ok(())) => 0,
        Some(Err(0)) | None => 1,
        Some(Err(detail)) => detail,
    }
}

/// What a closure returns, or None for a panic, which is kept.
pub(crate) fn catch<T>(f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            PANIC.with(|kept| {
                let first = kept.take();
                // To drop another payload could panic again: it is leaked.
                let payload = match first {
                    Some(first) => {
                        mem::forget(payload);
                        first
                    }
                    None => payload,
                };
                kept.set(Some(payload));
            });
            None
        }
    }
}

/// Goes on with the panic that was kept on this thread, if there is one.
pub(crate) fn resume() {
    // Not there any more while a thread ends: then no callback of it can have panicked, either.
    if let Ok(Some(payload)) = PANIC.try_with(Cell::take) {
        resume_unwind(payload)
    }
}
