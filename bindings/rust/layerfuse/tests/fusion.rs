//! From layers to ties, and back.

mod common;

use common::*;
use layerfuse::*;
use std::sync::{Arc, Mutex};

#[test]
fn borrowed_weights_are_mirrored_in_place() {
    let context = Context::new().unwrap();
    let mut weights = WEIGHTS;
    let layers = wrap(&context, &mut weights);
    let plan = Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    let mut ties = Ties::new(&context, layers, TiesOptions::default()).unwrap();
    ties.apply(&plan).unwrap();
    assert_eq!((ties.owner(0), ties.owner(1), ties.owner(2)), (Some(0), Some(0), Some(2)));
    assert_eq!(ties.owner(3), None);
    drop(ties);
    assert_eq!(weights, [[2., 1.5, 3., 4.], [2., 1.5, 3., 4.], [9., 7., 5., 3.]]);
}

#[test]
fn owned_weights_share_one_buffer_and_are_freed_once() {
    let context = Context::with(ContextOptions::new().global_allocator()).unwrap();
    let layers = owned(&context);
    let plan = Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    let options = TiesOptions { keep_originals: true, ..Default::default() };
    let mut ties = Ties::new(&context, layers, options).unwrap();
    let before = ties.resident_bytes();
    ties.apply(&plan).unwrap();
    assert_eq!(weight(ties.layers(), 0).as_ptr(), weight(ties.layers(), 1).as_ptr());
    let shared = ties.parameter_mut(1, 0).unwrap().value;
    shared.data_mut::<f32>().unwrap()[0] = 5.0;
    assert_eq!(weight(ties.layers(), 0)[0], 5.0);
    assert_eq!(ties.account(Base::Candidates).unwrap().ratio, 1.5);
    ties.undo().unwrap();
    assert_eq!(weight(ties.layers(), 1), WEIGHTS[1]);
    assert_eq!(ties.resident_bytes(), before);

    ties.apply(&plan).unwrap();
    let layers = ties.into_layers();
    assert_eq!(weight(&layers, 0).as_ptr(), weight(&layers, 1).as_ptr());
    // Layers that share memory are no one's to tie anew.
    refused(Ties::new(&context, layers, TiesOptions::default()), Status::STATE, "h.1");
}

#[test]
fn a_plan_says_what_it_will_do() {
    let context = Context::new().unwrap();
    let layers = owned(&context);
    let plan = Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    let fusions = plan.fusions().unwrap();
    assert_eq!(fusions.len(), 1);
    let f = fusions[0];
    assert_eq!((f.a, f.b, f.kept, f.saved_parameters, f.ratio), (0, 1, 0, 4, 1.5));
    assert_eq!((f.score, f.rows), (5f64.sqrt(), None));
    assert_eq!(plan.groups(), [(0, vec![0, 1])]);
    assert_eq!(plan.layer_names(), ["h.0", "h.1", "h.2"]);
    assert_eq!((plan.layer_type(2), plan.layer_type(3)), (Some("linear"), None));
    assert_eq!((plan.owner(1), plan.owner(9)), (Some(0), None));
    let weights = plan.weights(0).unwrap();
    assert_eq!((&*weights[0].name, &*weights[0].dims), ("weight", &[2, 2][..]));
    assert_eq!(plan.account().unwrap().candidates_unique, 8);
    assert!(plan.skipped().is_empty() && plan.permutations().unwrap().is_empty());

    let text = plan.to_json().unwrap();
    let again = Plan::from_json(&context, &text, Some(&layers)).unwrap();
    assert_eq!(again.to_json().unwrap(), text);
    let path = scratch("plan.json");
    again.save(&path).unwrap();
    let loaded = Plan::load(&context, &path, None).unwrap();
    assert_eq!(loaded.fusions().unwrap(), fusions);
    std::fs::remove_file(path).unwrap();
    refused(Plan::from_json(&context, "{", None), Status::FORMAT, "");

    let preview = Preview::new(&context, &plan, &layers).unwrap();
    let mut out = [0f32; 3];
    preview.read(1, 0, 1, &mut out).unwrap();
    assert_eq!(out, [1.5, 3., 4.]);
    preview.read_parameter(2, 0, 0, &mut out).unwrap();
    assert_eq!(out, [9., 7., 5.]);
    refused(preview.read(1, 1, 0, &mut out), Status::ARGUMENT, "no such parameter of layer 1");
    refused(preview.read(1, 0, 2, &mut out), Status::ARGUMENT, "");
    refused(preview.read(1, 0, 0, &mut [0f64]), Status::TYPE, "is f32, not f64");
}

#[test]
fn rows_and_rules_and_ties_in_force() {
    let context = Context::new().unwrap();
    let layers = owned(&context);
    let rows = PlanOptions { unit: Unit::Row, top_k: 1, ..Default::default() };
    let plan = Plan::build(&context, &layers, &rows).unwrap();
    assert_eq!(plan.fusions().unwrap()[0].rows, Some((0, [1, 1, 1])));
    assert_eq!(plan.row_owner(1, 0, 1), Some((0, 1)));
    assert_eq!(plan.row_owner(1, 0, 9), None);

    let rules = [Rule { pattern: "h.[01]".into(), action: PlanAction::Exclude }];
    let with_rules = PlanOptions { rules: &rules, ..ratio(1.5) };
    refused(Plan::build(&context, &layers, &with_rules), Status::UNREACHABLE, "");

    let plan = Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    let mut ties = Ties::new(&context, layers, TiesOptions::default()).unwrap();
    ties.apply(&plan).unwrap();
    let more = PlanOptions { in_force: Some(&ties), ..ratio(3.0) };
    let plan = Plan::build(&context, ties.layers(), &more).unwrap();
    ties.apply(&plan).unwrap();
    assert_eq!(ties.owner(2), Some(0));
    assert_eq!((ties.is_frozen(0), ties.row_owner(0, 0, 0)), (false, None));
}

#[test]
fn gradients_are_combined_and_mirrors_refreshed() {
    let context = Context::new().unwrap();
    let layers = owned(&context);
    let plan = Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    let options = TiesOptions { combine: Combine::Sum, mirror: true, ..Default::default() };
    let mut ties = Ties::new(&context, layers, options).unwrap();
    ties.apply(&plan).unwrap();
    for l in 0..2 {
        let gradient = ties.parameter_mut(l, 0).unwrap().gradient.unwrap();
        gradient.data_mut::<f32>().unwrap().fill(l as f32 + 1.0);
    }
    ties.combine_gradients().unwrap();
    let parameter = ties.parameter_mut(0, 0).unwrap();
    assert_eq!(parameter.gradient.unwrap().data::<f32>().unwrap(), [3.; 4]);
    parameter.value.data_mut::<f32>().unwrap().fill(7.0);
    assert_ne!(weight(ties.layers(), 1), [7.; 4]);
    ties.refresh().unwrap();
    assert_eq!(weight(ties.layers(), 1), [7.; 4]);
}

#[test]
fn the_policy_random_shows_and_finalises() {
    let context = Context::with(ContextOptions::new().seed(3)).unwrap();
    let layers = owned(&context);
    let options = PlanOptions { policy: Policy::Random, ..ratio(1.5) };
    let plan = Plan::build(&context, &layers, &options).unwrap();
    let mut ties = Ties::new(&context, layers, TiesOptions::default()).unwrap();
    ties.apply(&plan).unwrap();
    ties.show(Show::Mean, 0).unwrap();
    assert_eq!(weight(ties.layers(), 1), [2., 1.5, 3., 4.]);
    refused(ties.finalise(), Status::STATE, "");
    ties.show(Show::Sources, 0).unwrap();
    assert_eq!(weight(ties.layers(), 1), WEIGHTS[1]);
    ties.finalise().unwrap();
    assert_eq!(weight(ties.layers(), 1), [2., 1.5, 3., 4.]);
}

#[test]
fn borrowed_memory_follows_by_rebind_and_custom_policies_merge() {
    let context = Context::new().unwrap();
    let mut weights = WEIGHTS;
    let layers = wrap(&context, &mut weights);
    let custom = PlanOptions { policy: Policy::Custom, ..ratio(1.5) };
    let plan = Plan::build(&context, &layers, &custom).unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = told.clone();
    let options = TiesOptions {
        rebind: Some(Box::new(move |layer: &str, parameter: &str, _| {
            tell.lock().unwrap().push(format!("{layer}.{parameter}"));
            Ok(())
        })),
        merge: Some(Box::new(|members: &[MatrixView], merged: &mut [f64]| {
            assert_eq!((members.len(), members[0].rows(), members[0].columns()), (2, 2, 2));
            merged[3] = members[0].get::<f32>(1, 1).ok_or(9)?.into();
            assert!(
                members[0].get::<f64>(0, 0).is_none() && members[0].get::<f32>(2, 0).is_none()
            );
            Ok(())
        })),
        ..Default::default()
    };
    let mut ties = Ties::new(&context, layers, options).unwrap();
    ties.apply(&plan).unwrap();
    assert_eq!(*told.lock().unwrap(), ["h.1.weight"]);
    assert_eq!(weight(ties.layers(), 1), [0., 0., 0., 4.]);
}

#[test]
fn search_finds_how_far_it_can_go() {
    let context = Context::new().unwrap();
    let layers = owned(&context);
    let mut ties = Ties::new(&context, layers, TiesOptions::default()).unwrap();
    let mut repaired = 0;
    let mut repair = |layers: &mut LayersMut<'_>| {
        repaired += 1;
        layers.parameter_mut(0, 0).map(|_| ()).map_err(|_| 1)
    };
    let options = SearchOptions { plan: ratio(3.0), tolerance: 0.5, repair: Some(&mut repair) };
    let measure = |layers: &Layers| {
        let same = weight(layers, 0) == weight(layers, 2);
        Ok(if same { 0.0 } else { 1.0 })
    };
    let (plan, metric) = ties.search_ratio(options, measure).unwrap();
    assert_eq!((plan.fusions().unwrap().len(), metric), (1, 1.0));
    assert_eq!(weight(ties.layers(), 1), WEIGHTS[1]);
    assert!(repaired > 0);
}

#[test]
fn residuals_are_fitted_added_and_stored() {
    let zeros = [0f32; 4];
    let context = Context::new().unwrap();
    let layer = |i: i32| {
        let mut w = [1f32; 16];
        w[0] += 2.0 * i as f32; // what differs is of rank 1
        let mut layer = Layer::new(&context, &desc(&format!("h.{i}"), i)).unwrap();
        let value = Tensor::from_slice(&context, &w, &[4, 4]).unwrap();
        layer.add(Parameter::new("weight", value)).unwrap();
        layer
    };
    let layers: Layers = (0..2).map(layer).collect();
    let plan = Plan::build(&context, &layers, &ratio(2.0)).unwrap();
    let preview = Preview::new(&context, &plan, &layers).unwrap();
    let (a, b) = preview.residual(1, 0, 1, 0.0).unwrap().unwrap();
    refused(preview.residual(9, 0, 1, 0.0).map(|_| ()), Status::ARGUMENT, "");
    assert_eq!((a.dims(), b.dims()), (vec![4, 1], vec![1, 4]));
    let product = a.data::<f32>().unwrap()[0] * b.data::<f32>().unwrap()[0];
    assert!((product - 1.0).abs() < 1e-3); // within its bound
    drop(preview);

    let mut ties = Ties::new(&context, layers, TiesOptions::default()).unwrap();
    ties.apply(&plan).unwrap();
    for (name, tensor) in [("a", a), ("b", b)] {
        let parameter = Parameter::new(name, tensor).with_role(Role::Residual);
        ties.add_parameter(1, parameter).unwrap();
    }
    let view = Tensor::view(&context, &zeros, &[4]).unwrap();
    refused(ties.add_parameter(1, Parameter::new("c", view)), Status::STATE, "read-only");
    let none = Tensor::zeros(&context, Dtype::F32, &[4]).unwrap();
    refused(ties.add_parameter(2, Parameter::new("c", none)), Status::ARGUMENT, "layer 2 of 2");

    let tensor = |index| ties.layers()[1].parameter(index).unwrap().value;
    let entry = |name, index| Entry { name, tensor: tensor(index), owner: None };
    let entries = [entry("w", 0), entry("a", 1), entry("b", 2)];
    let residuals = [Residual { weight: "w", a: "a", b: "b", output_axis: 0 }];
    let options = SaveOptions { residuals: &residuals, ..Default::default() };
    let path = scratch("residuals.safetensors");
    Checkpoint::save(&context, &path, &entries, options).unwrap();
    let apart = OpenOptions { residuals_apart: true, ..Default::default() };
    // SAFETY: the file is this test's own.
    let (whole, apart) = unsafe {
        let whole = Checkpoint::open(&context, &path, &OpenOptions::default()).unwrap();
        (whole, Checkpoint::open(&context, &path, &apart).unwrap())
    };
    let first = whole.tensor(whole.find("w").unwrap()).unwrap().data::<f32>().unwrap()[0];
    assert!((first - 3.0).abs() < 1e-3, "{first}");
    assert_eq!(apart.residuals().unwrap(), residuals);
    assert!(whole.residuals().unwrap().is_empty());
    std::fs::remove_file(path).unwrap();
}
