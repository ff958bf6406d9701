//! Where everything hangs from: memory, threads, messages, instruction set, seed.

use crate::constants::{Isa, LogLevel};
use crate::error::{Error, Result, Status};
use crate::executor::{self, Work};
use crate::handle::{self, init, Raw};
use crate::{callback, version};
use layerfuse_sys::*;
use std::alloc;
use std::os::raw::{c_char, c_void};
use std::sync::Arc;

type Log = dyn Fn(LogLevel, &str) + Send + Sync;
type Progress = dyn Fn(&str, i64, i64) -> std::result::Result<(), i32> + Send + Sync;

/// The closures of a context, at an address that stays.
#[derive(Default)]
struct Callbacks {
    log: Option<Box<Log>>,
    progress: Option<Box<Progress>>,
    executor: Option<executor::Host>,
}

/// What a [`Context`] is made of. Nothing said, nothing taken: no thread, no message.
#[derive(Default)]
pub struct ContextOptions {
    callbacks: Callbacks,
    global_allocator: bool,
    seed: u64,
    threads: i32,
    isa: Isa,
}

impl ContextOptions {
    /// All defaults.
    pub fn new() -> ContextOptions {
        ContextOptions::default()
    }

    /// The seed of every random choice.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// A pool of the library's own, the caller counted; 0 and 1 mean none.
    pub fn threads(mut self, threads: i32) -> Self {
        self.threads = threads;
        self
    }

    /// A ceiling on the instruction set.
    pub fn isa(mut self, isa: Isa) -> Self {
        self.isa = isa;
        self
    }

    /// Memory comes from Rust's global allocator instead of malloc.
    pub fn global_allocator(mut self) -> Self {
        self.global_allocator = true;
        self
    }

    /// Messages, on the thread that calls.
    pub fn log(mut self, log: impl Fn(LogLevel, &str) + Send + Sync + 'static) -> Self {
        self.callbacks.log = Some(Box::new(log));
        self
    }

    /// What is being done, how much of it is done, and of how much. An error stops it.
    pub fn progress(
        mut self,
        progress: impl Fn(&str, i64, i64) -> std::result::Result<(), i32> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.progress = Some(Box::new(progress));
        self
    }

    /// The host's threads: `run` calls [`Work::run`] on some of them, at most `concurrency` at a
    /// time, and returns when all have returned. What is left the calling thread does.
    pub fn executor(
        mut self,
        concurrency: i32,
        run: impl Fn(&Work) -> std::result::Result<(), i32> + Send + Sync + 'static,
    ) -> Self {
        self.callbacks.executor = Some(executor::Host { concurrency, run: Box::new(run) });
        self
    }
}

struct Inner {
    raw: Raw<'static, lfuse_context>,
    _callbacks: Box<Callbacks>,
}

// SAFETY: a context never changes once it is made, and any number of threads may use it; its
// closures are Send and Sync.
unsafe impl Send for Inner {}
// SAFETY: likewise.
unsafe impl Sync for Inner {}

/// A context, shareable: clones are the same one, which lives as long as anything made with it.
#[derive(Clone)]
pub struct Context(Arc<Inner>);

impl Context {
    /// A context with all defaults: serial, silent.
    pub fn new() -> Result<Context> {
        Context::with(ContextOptions::default())
    }

    /// A context with these options.
    pub fn with(options: ContextOptions) -> Result<Context> {
        fits(version())?;
        let callbacks = Box::new(options.callbacks);
        let user = &*callbacks as *const Callbacks as *mut c_void;
        let mut raw = init(lfuse_context_options_init);
        raw.seed = options.seed;
        raw.threads = options.threads;
        raw.isa = options.isa as i32;
        if options.global_allocator {
            raw.allocator.alloc = Some(global_alloc);
            raw.allocator.release = Some(global_release);
        }
        if callbacks.log.is_some() {
            raw.log = Some(log);
            raw.log_user = user;
        }
        if callbacks.progress.is_some() {
            raw.progress = Some(progress);
            raw.progress_user = user;
        }
        if let Some(host) = &callbacks.executor {
            raw.executor = host.raw();
        }
        // SAFETY: options live for the call, and the closures as long as the context.
        let raw = Raw::create(|out, err| unsafe { lfuse_context_create(&raw, out, err) })?;
        Ok(Context(Arc::new(Inner { raw, _callbacks: callbacks })))
    }

    /// The instruction set whose kernels this context runs.
    pub fn isa(&self) -> Isa {
        // SAFETY: a context.
        Isa::from_raw(unsafe { lfuse_context_isa(self.raw()) }).unwrap_or(Isa::Best)
    }

    /// How many tasks may run at the same time.
    pub fn threads(&self) -> i32 {
        // SAFETY: a context.
        unsafe { lfuse_context_threads(self.raw()) }
    }

    pub(crate) fn raw(&self) -> *mut lfuse_context {
        self.0.raw.get()
    }
}

/// A library of another major version has another contract; an older one may lack functions.
fn fits(running: i32) -> Result<()> {
    let wanted = LAYERFUSE_VERSION_MAJOR * 1_000 + LAYERFUSE_VERSION_MINOR;
    if running / 1_000_000 == LAYERFUSE_VERSION_MAJOR && running / 1_000 >= wanted {
        return Ok(());
    }
    Err(Error::new(
        Status::UNSUPPORTED,
        format!(
            "the library is {}.{}, this crate needs {LAYERFUSE_VERSION_MAJOR}.\
             {LAYERFUSE_VERSION_MINOR} or a later one of the same major version",
            running / 1_000_000,
            running / 1_000 % 1_000
        ),
    ))
}

unsafe extern "C" fn log(level: lfuse_log_level, text: *const c_char, user: *mut c_void) {
    // SAFETY: user is that of the context, the text lives for the call.
    let (callbacks, text) = unsafe { (&*(user as *const Callbacks), handle::text(text)) };
    if let (Some(log), Some(text)) = (&callbacks.log, text) {
        let level = LogLevel::from_raw(level).unwrap_or(LogLevel::Info);
        callback::catch(|| log(level, text));
    }
}

unsafe extern "C" fn progress(
    what: *const c_char,
    done: i64,
    total: i64,
    user: *mut c_void,
) -> i32 {
    // SAFETY: as above.
    let (callbacks, what) = unsafe { (&*(user as *const Callbacks), handle::text(what)) };
    match &callbacks.progress {
        Some(progress) => callback::guard(|| progress(what.unwrap_or("?"), done, total)),
        None => 0,
    }
}

unsafe extern "C" fn global_alloc(_: *mut c_void, size: usize, align: usize) -> *mut c_void {
    match alloc::Layout::from_size_align(size, align) {
        // SAFETY: the size is not 0.
        Ok(layout) if size > 0 => unsafe { alloc::alloc(layout).cast() },
        _ => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn global_release(
    _: *mut c_void,
    ptr: *mut c_void,
    size: usize,
    align: usize,
) {
    if let (false, Ok(layout)) = (ptr.is_null(), alloc::Layout::from_size_align(size, align)) {
        // SAFETY: it came from global_alloc() with this size and alignment.
        unsafe { alloc::dealloc(ptr.cast(), layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_and_other_libraries_are_refused() {
        let ours = LAYERFUSE_VERSION_MAJOR * 1_000_000 + LAYERFUSE_VERSION_MINOR * 1_000;
        assert!(fits(ours).is_ok() && fits(ours + 7).is_ok() && fits(ours + 3_000).is_ok());
        for other in [ours - 1_000, ours + 1_000_000] {
            let error = fits(other).unwrap_err();
            assert_eq!(error.status(), Status::UNSUPPORTED);
            assert!(error.message().contains("this crate needs 0.1 or a later one"));
        }
    }
}
