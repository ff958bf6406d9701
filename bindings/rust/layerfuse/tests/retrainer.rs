//! A loop of one's own, around which a retrainer fuses.

mod common;

use common::*;
use layerfuse::*;

fn train(r: &mut Retrainer) {
    r.begin_step().unwrap();
    for l in 0..r.layers().len() {
        let parameter = r.parameter_mut(l, 0).unwrap().gradient.unwrap();
        parameter.data_mut::<f32>().unwrap().fill(1.0);
    }
    r.combine_gradients().unwrap();
    let sgd = kernels::Sgd { learning_rate: 0.5, momentum: 0.9, ..Default::default() };
    let context = Context::new().unwrap();
    for i in 0..r.parameter_count() {
        let ParameterMut { value, gradient, state: [velocity, ..], .. } =
            r.parameter(i).unwrap();
        let gradient = gradient.unwrap().data::<f32>().unwrap().to_vec();
        let velocity = velocity.map(|tensor| tensor.data_mut().unwrap());
        sgd.step(&context, value.data_mut().unwrap(), &gradient, velocity).unwrap();
    }
    r.end_step().unwrap();
}

#[test]
fn fuses_by_schedule_and_resumes_from_a_file() {
    let context = Context::new().unwrap();
    let options = || RetrainerOptions { plan: ratio(3.0), fusions: 2, ..Default::default() };
    let mut r = Retrainer::new(&context, owned(&context), options()).unwrap();
    assert_eq!((r.parameter_count(), r.is_due(), r.plan().is_none()), (3, false, true));
    r.fuse().unwrap();
    assert_eq!(r.parameter_count(), 2);
    assert_eq!(r.plan().unwrap().fusions().unwrap().len(), 1);
    train(&mut r);
    let path = scratch("resume.safetensors");
    r.save(&path, b"epoch 0").unwrap();
    assert!(r.own_bytes().is_empty());

    let mut again = Retrainer::new(&context, owned(&context), options()).unwrap();
    again.load(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(again.own_bytes(), b"epoch 0");
    for r in [&mut r, &mut again] {
        assert!(r.is_due());
        assert_eq!(r.end_epoch(0.5).unwrap(), Verdict::Fused);
        train(r);
        assert_eq!(r.end_epoch(0.5).unwrap(), Verdict::Done);
        assert_eq!(r.ties().owner(2), Some(0));
    }
    let (first, second) = (r.into_layers(), again.into_layers());
    assert_eq!(weight(&first, 0), weight(&second, 0));
    assert_eq!(weight(&first, 0).as_ptr(), weight(&first, 2).as_ptr());
}

#[test]
fn repairs_probes_rolls_back_and_undoes() {
    let context = Context::new().unwrap();
    let (send, repairs) = std::sync::mpsc::channel();
    let options = RetrainerOptions {
        plan: ratio(1.5),
        ties: TiesOptions { keep_originals: true, ..Default::default() },
        tolerance: Some((0.01, 0.9)),
        repair: Some(Box::new(move |layers: &mut LayersMut<'_>| {
            let value = layers.parameter_mut(0, 0).map_err(|_| 1)?.value;
            send.send(value.data::<f32>().map_err(|_| 2)?[1]).map_err(|_| 3)
        })),
        ..Default::default()
    };
    let mut r = Retrainer::new(&context, owned(&context), options).unwrap();
    let metric = r.probe(2, |layers: &Layers| Ok(weight(layers, 0)[0] as f64)).unwrap();
    assert!(metric > 0.0);
    r.fuse().unwrap();
    assert!(repairs.try_iter().count() >= 2);
    r.begin_eval().unwrap();
    r.end_eval().unwrap();
    r.begin_step().unwrap();
    refused(r.begin_step(), Status::STATE, "combine");
    r.abort_step().unwrap();
    assert_eq!(r.end_epoch(0.5).unwrap(), Verdict::RolledBack);
    assert_eq!(weight(r.layers(), 1), WEIGHTS[1]);
    r.fuse().unwrap();
    r.finalise().unwrap();
    r.undo().unwrap();
    assert_eq!(weight(r.layers(), 2), WEIGHTS[2]);
    refused(r.end_epoch(f64::NAN), Status::ARGUMENT, "");
}

#[test]
fn custom_schedules_are_asked_and_probes_fail_by_their_value() {
    let context = Context::new().unwrap();
    let options = RetrainerOptions {
        plan: ratio(3.0),
        fusions: 2,
        schedule: Schedule::Custom,
        custom: Some(Box::new(|fusion, fusions| if fusion < fusions { 1.2 } else { 3.0 })),
        ..Default::default()
    };
    let mut r = Retrainer::new(&context, owned(&context), options).unwrap();
    let error = refused(r.probe(1, |_: &Layers| Err(17)), Status::CALLBACK, "");
    assert_eq!(error.detail(), 17);
    r.fuse().unwrap();
    assert_eq!(r.ties().account(Base::Candidates).unwrap().ratio, 1.5);
}
