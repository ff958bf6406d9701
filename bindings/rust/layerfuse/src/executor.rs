//! The host's threads, so that no closure can run a piece of work twice or too late.

use crate::callback;
use layerfuse_sys::*;
use std::os::raw::c_void;
use std::sync::atomic::{AtomicI64, Ordering};

type Run = dyn Fn(&Work) -> Result<(), i32> + Send + Sync;

pub(crate) struct Host {
    pub(crate) concurrency: i32,
    pub(crate) run: Box<Run>,
}

/// A loop of the library's whose turns are still to be taken.
pub struct Work {
    task: lfuse_task,
    arg: *mut c_void,
    count: i64,
    next: AtomicI64,
    free: AtomicI64, // how many more threads may come in
}

// SAFETY: tasks may run at the same time, which is what they are for.
unsafe impl Sync for Work {}

impl Work {
    /// Takes turns until none is left. Where more threads come than were told, the others
    /// return at once.
    pub fn run(&self) {
        if self.free.fetch_sub(1, Ordering::Acquire) > 0 {
            loop {
                let index = self.next.fetch_add(1, Ordering::Relaxed);
                if index >= self.count {
                    break;
                }
                if let Some(task) = self.task {
                    // SAFETY: each index of the loop once, while it is open.
                    unsafe { task(self.arg, index) }
                }
            }
        }
        self.free.fetch_add(1, Ordering::Release);
    }

    /// How many turns there are.
    pub fn count(&self) -> i64 {
        self.count
    }
}

impl Host {
    pub(crate) fn raw(&self) -> lfuse_executor {
        lfuse_executor {
            parallel_for: Some(parallel_for),
            user: self as *const Host as *mut c_void,
            concurrency: self.concurrency,
            reserved: 0,
        }
    }
}

unsafe extern "C" fn parallel_for(
    user: *mut c_void,
    count: i64,
    task: lfuse_task,
    arg: *mut c_void,
) -> i32 {
    // SAFETY: user is that of Host::raw(), which lives as long as the context.
    let host = unsafe { &*(user as *const Host) };
    let work = Work {
        task,
        arg,
        count,
        next: AtomicI64::new(0),
        free: AtomicI64::new(host.concurrency.into()),
    };
    let status = callback::guard(|| (host.run)(&work));
    if status == 0 {
        work.run(); // what is left; nobody else can be at it any more
    }
    status
}
