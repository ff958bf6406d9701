//! Closures: what they are told, how they fail, and that no panic goes through C.

mod common;

use common::*;
use layerfuse::*;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

fn panics<T>(f: impl FnOnce() -> T) -> String {
    let payload = catch_unwind(AssertUnwindSafe(f)).err().expect("panics");
    payload.downcast_ref::<&str>().unwrap_or(&"?").to_string()
}

#[test]
fn progress_is_told_and_stops() {
    let told = Arc::new(AtomicUsize::new(0));
    let (tell, limit) = (told.clone(), Arc::new(AtomicUsize::new(usize::MAX)));
    let stop = limit.clone();
    let options = ContextOptions::new().progress(move |what, done, total| {
        assert_eq!((what, total), ("similarity", 3));
        assert!(done <= total);
        let calls = tell.fetch_add(1, Ordering::Relaxed);
        if calls < stop.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(77)
        }
    });
    let context = Context::with(options).unwrap();
    let layers = owned(&context);
    Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    assert!(told.load(Ordering::Relaxed) > 0);
    limit.store(0, Ordering::Relaxed);
    let error = refused(Plan::build(&context, &layers, &ratio(1.5)), Status::CANCELLED, "");
    assert_eq!(error.detail(), 77);
}

#[test]
fn panics_of_every_closure_come_back_after_the_call() {
    let options = ContextOptions::new().progress(|_, _, _| panic!("progress"));
    let context = Context::with(options).unwrap();
    let layers = owned(&context);
    assert_eq!(panics(|| Plan::build(&context, &layers, &ratio(1.5))), "progress");

    let context = Context::new().unwrap();
    let layers = owned(&context);
    let custom = SimilarityOptions {
        custom: Some(Box::new(|_, _| panic!("custom"))),
        ..SimilarityOptions::metric(Metric::Custom)
    };
    assert_eq!(panics(|| similarity_matrix(&context, &layers, &custom)), "custom");

    let plan = Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    let mut weights = WEIGHTS;
    let options = TiesOptions {
        rebind: Some(Box::new(|_, _, _| panic!("rebind"))),
        ..Default::default()
    };
    let mut ties = Ties::new(&context, wrap(&context, &mut weights), options).unwrap();
    assert_eq!(panics(|| ties.apply(&plan)), "rebind");
    assert_eq!(weight(ties.layers(), 1), WEIGHTS[1]);
    let search = SearchOptions { plan: ratio(1.5), tolerance: 0.0, repair: None };
    assert_eq!(panics(|| ties.search_ratio(search, |_: &Layers| panic!("measure"))), "measure");
    drop(ties);

    let options = RetrainerOptions {
        plan: ratio(1.5),
        repair: Some(Box::new(|_| panic!("repair"))),
        ..Default::default()
    };
    let mut r = Retrainer::new(&context, owned(&context), options).unwrap();
    assert_eq!(panics(|| r.fuse()), "repair");
    assert_eq!(weight(r.layers(), 1), WEIGHTS[1]);
    let options = RetrainerOptions {
        plan: ratio(1.5),
        schedule: Schedule::Custom,
        custom: Some(Box::new(|_, _| panic!("schedule"))),
        ..Default::default()
    };
    let mut r = Retrainer::new(&context, owned(&context), options).unwrap();
    assert_eq!(panics(|| r.fuse()), "schedule");
    // And nothing is left of them.
    Plan::build(&context, r.layers(), &ratio(1.5)).unwrap();
}

#[test]
fn messages_are_told_and_their_panics_wait_for_the_call() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let keep = lines.clone();
    let options = ContextOptions::new().log(move |level, text| {
        keep.lock().unwrap().push((level, text.to_owned()));
        panic!("log")
    });
    let context = Context::with(options).unwrap();
    let options = RetrainerOptions { plan: ratio(1.5), ..Default::default() };
    let mut r = Retrainer::new(&context, owned(&context), options).unwrap();
    assert_eq!(panics(|| r.fuse()), "log");
    assert!(!lines.lock().unwrap().is_empty());
    assert_eq!(r.ties().owner(1), Some(0)); // what was logged had been done
}

#[test]
fn custom_metrics_compare_views_and_fail_by_their_value() {
    let context = Context::new().unwrap();
    let layers = owned(&context);
    let first = |a: &MatrixView, b: &MatrixView| {
        let (a, b) = (a.get::<f32>(0, 0).ok_or(1)?, b.get::<f32>(0, 0).ok_or(1)?);
        if b == 9.0 {
            Err(5)
        } else {
            Ok((a - b).abs().into())
        }
    };
    let failed = Mutex::new(Vec::new());
    let mut options = SimilarityOptions {
        custom: Some(Box::new(first)),
        custom_symmetric: true,
        ..SimilarityOptions::metric(Metric::Custom)
    };
    let error = refused(similarity_matrix(&context, &layers, &options), Status::CALLBACK, "");
    assert_eq!(error.detail(), 5);

    options = SimilarityOptions {
        failed: Some(Box::new(|i, j, error: &Error| {
            failed.lock().unwrap().push((i, j, error.status()));
            Ok(())
        })),
        ..SimilarityOptions::metric(Metric::Cosine)
    };
    let mut zeros = [WEIGHTS[0], [0.; 4], WEIGHTS[2]];
    let layers = wrap(&context, &mut zeros);
    let matrix = similarity_matrix(&context, &layers, &options).unwrap();
    assert!(matrix[1].is_nan() && matrix[2] > 0.0);
    assert_eq!(failed.lock().unwrap()[0], (0, 1, Status::DEGENERATE));
}

#[test]
fn the_hosts_threads_do_every_turn_once_whatever_it_does() {
    use std::thread;
    let scoped = |work: &Work| {
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| work.run()); // more than were told
            }
        });
        Ok(())
    };
    let serial = Context::new().unwrap();
    let x: Vec<f32> = (0..200_000).map(|i| (i % 97) as f32 - 48.0).collect();
    let (mut one, mut other) = (vec![0.; x.len()], vec![0.; x.len()]);
    kernels::relu_forward(&serial, &x, &mut one).unwrap();
    for options in [
        ContextOptions::new().executor(4, scoped),
        ContextOptions::new().executor(4, |_| Ok(())), // lazy: the caller does it all
        ContextOptions::new().threads(3),
    ] {
        let context = Context::with(options).unwrap();
        assert!(context.threads() >= 3);
        other.fill(-1.0);
        kernels::relu_forward(&context, &x, &mut other).unwrap();
        assert_eq!(one, other);
    }
    let context = Context::with(ContextOptions::new().executor(2, |_| Err(4))).unwrap();
    let error = refused(kernels::relu_forward(&context, &x, &mut other), Status::CALLBACK, "");
    assert_eq!(error.detail(), 4);
    let context = Context::with(ContextOptions::new().executor(2, |_| panic!("host"))).unwrap();
    assert_eq!(panics(|| kernels::relu_forward(&context, &x, &mut other)), "host");
}
