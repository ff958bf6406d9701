//! Similarities, couplings, curves, and kernels: numbers that are known.

mod common;

use common::*;
use kernels::*;
use layerfuse::*;

#[test]
fn similarities_are_those_of_their_definitions() {
    let context = Context::new().unwrap();
    let tensor = |data: &[f32; 4]| Tensor::from_vec(&context, data.to_vec(), &[2, 2]).unwrap();
    let (a, b) = (tensor(&WEIGHTS[0]), tensor(&WEIGHTS[1]));
    let by = |metric| similarity(&context, &a, &b, &SimilarityOptions::metric(metric));
    assert_eq!(by(Metric::Euclidean).unwrap(), 5f64.sqrt());
    // 30 / sqrt(30 * 35), of products of f64: a few roundings.
    let cosine = by(Metric::Cosine).unwrap();
    assert!((cosine - 30.0 / 1050f64.sqrt()).abs() <= 8.0 * f64::EPSILON);
    refused(by(Metric::Custom), Status::ARGUMENT, "");
    refused(by(Metric::DebiasedCka), Status::DEGENERATE, "");

    let swapped = tensor(&[3., 4., 1., 2.]);
    let (rows, cost) =
        similarity_assignment(&context, &a, &swapped, &SimilarityOptions::default()).unwrap();
    assert_eq!((rows, cost), (vec![Some(1), Some(0)], 0.0));
    let info = Metric::Kl.info().unwrap();
    assert_eq!((info.name, info.is_distance, info.is_symmetric), ("kl", true, false));
}

#[test]
fn sums_of_batches_merge_and_travel() {
    let context = Context::new().unwrap();
    let batch = |seed: usize| {
        let data = (0..12).map(|i| (i * i * seed % 7) as f32).collect();
        Tensor::from_vec(&context, data, &[4, 3]).unwrap()
    };
    let (x, y) = (batch(3), batch(5));
    let mut all = Cka::new(&context, 2).unwrap();
    refused(all.result(), Status::STATE, "");
    refused(all.accumulate(&[&x]), Status::SHAPE, "1 tensors for 2 layers");
    all.accumulate(&[&x, &y]).unwrap();
    let mut other = Cka::with_exponents(&context, &[0, 0]).unwrap();
    other.merge(&all).unwrap();
    other.add_sums(all.sums(), all.batches()).unwrap();
    refused(other.add_sums(&[1.0], 1), Status::SHAPE, "1 sums, 3 are needed");
    assert_eq!(other.count(), 2);
    assert_eq!((other.batches(), other.sums()[0]), (2, 2.0 * all.sums()[0]));
    assert_eq!(other.result().unwrap(), all.result().unwrap());
}

#[test]
fn couplings_count_match_and_permute() {
    let context = Context::new().unwrap();
    let mut layers = owned(&context);
    let mut couplings = Couplings::new(&context).unwrap();
    for layer in ["h.0", "h.1"] {
        let space = couplings.add_space().unwrap();
        let member =
            Coupling { layer: layer.into(), parameter: "weight".into(), ..Default::default() };
        couplings.add_member(space, &member).unwrap();
        assert_eq!(couplings.member(space, 0).unwrap().layer, layer);
    }
    assert_eq!((couplings.space_count(), couplings.member_count(0)), (2, 1));
    assert_eq!(couplings.units(&layers, 1).unwrap(), 2);
    assert_eq!(couplings.match_units(&layers, 0, 1, None).unwrap(), [0, 1]);
    let likeness = [0., 1., 1., 0.];
    let order = couplings.match_units(&layers, 0, 1, Some(&likeness)).unwrap();
    assert_eq!(order, [1, 0]);
    couplings.permute(&mut layers, 1, &order).unwrap();
    assert_eq!(weight(&layers, 1), [3., 4., 3., 1.]);
    refused(
        couplings.permute(&mut layers, 1, &[0]),
        Status::SHAPE,
        "an order of 1 for 2 units",
    );
    refused(couplings.permute(&mut layers, 1, &[0, 0]), Status::ARGUMENT, "");
    refused(couplings.match_units(&layers, 0, 1, Some(&[1.0])), Status::SHAPE, "likeness");
    refused(couplings.add_preset("nonsense", &layers, 0), Status::ARGUMENT, "gpt2");

    let text = r#"{"layerfuse_couplings": 1, "spaces": [[{"tensor": "h.0.weight"}]]}"#;
    let parsed = Couplings::parse(&context, text).unwrap();
    let aligned = PlanOptions {
        alignment: Alignment::Permutation,
        couplings: Some(&parsed),
        ..ratio(1.5)
    };
    let plan = Plan::build(&context, &layers, &aligned).unwrap();
    let permutations = plan.permutations().unwrap();
    assert_eq!((permutations.len(), permutations[0].members.len()), (1, 1));
    let path = scratch("couplings.json");
    std::fs::write(&path, text).unwrap();
    assert_eq!(Couplings::read(&context, &path).unwrap().space_count(), 1);
    std::fs::remove_file(path).unwrap();
    refused(Couplings::parse(&context, "[]"), Status::FORMAT, "");
}

#[test]
fn a_curve_bends_where_its_lines_meet() {
    let x: Vec<f64> = (0..8).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.0 - (x - 3.5).max(0.0)).collect();
    let bend = inflection(&x, &y).unwrap();
    assert!((bend.x - 3.5).abs() <= 1e3 * f64::EPSILON, "{bend:?}");
    refused(inflection(&x, &y[1..]), Status::SHAPE, "8 x for 7 y");
    refused(inflection(&x, &x), Status::DEGENERATE, "");
}

#[test]
fn products_and_convolutions() {
    let context = Context::new().unwrap();
    let (a, b) = ([1f32, 2., 3., 4., 5., 6.], [1f32, 0., 0., 1., 1., 1.]);
    let mut c = [0f32; 4];
    let gemm = Gemm::new(2, 2, 3);
    let mut work = Workspace::new();
    work.reserve(gemm.workspace(&context).unwrap());
    gemm.run(&context, &a, &b, &mut c, Some(&mut work)).unwrap();
    assert_eq!(c, [4., 5., 10., 11.]);
    refused(gemm.run(&context, &a[1..], &b, &mut c, None), Status::SHAPE, "a has 5 elements");

    let conv = Conv2d { padding: [1; 4], ..Conv2d::new([1, 1, 3, 3], [1, 3, 3]) };
    assert_eq!(conv.out(), Some([3, 3]));
    let x = [1f32, 2., 3., 4., 5., 6., 7., 8., 9.];
    let w = [0f32, 0., 0., 0., 2., 0., 0., 0., 0.];
    let (mut y, mut packed_y) = ([0f32; 9], [0f32; 9]);
    work.reserve(conv.workspace(&context).unwrap());
    assert!(work.bytes() >= conv.workspace(&context).unwrap());
    let after = Epilogue { bias: Some(&[1.0]), ..Default::default() };
    conv.forward(&context, &x, Weights::Plain(&w), after, &mut y, Some(&mut work)).unwrap();
    assert_eq!(y, x.map(|v| 2.0 * v + 1.0));
    let mut packed = conv.pack(&context, &w, true, true).unwrap();
    assert!(packed.bytes() > 0);
    packed.refresh(&w).unwrap();
    refused(packed.refresh(&w[1..]), Status::SHAPE, "w has 8 elements");
    let weights = Weights::Packed(&packed);
    conv.forward(&context, &x, weights, after, &mut packed_y, None).unwrap();
    assert_eq!(y, packed_y);
    let (mut dx, mut dw, mut db) = ([0f32; 9], [0f32; 9], [0f32]);
    conv.backward_data(&context, &y, weights, &mut dx, None).unwrap();
    assert_eq!(dx, y.map(|v| 2.0 * v));
    conv.backward_weights(&context, &[1.; 9], &x, &mut dw, Some(&mut db), None).unwrap();
    assert_eq!((dw[4], db[0]), (45.0, 9.0));
    let large = Conv2d::new([1, 1, 2, 2], [1, 3, 3]);
    let refusal = large.forward(&context, &x[..4], Weights::Plain(&w), after, &mut y, None);
    refused(refusal, Status::SHAPE, "kernel is larger");

    let pool = Pool2d { stride: [1, 1], maximum: true, ..Pool2d::new([1, 1, 3, 3], [3, 3]) };
    let mut out = [0f32];
    pool.forward(&context, &x, &mut out).unwrap();
    pool.backward(&context, &x, &[3.0], &mut dx).unwrap();
    assert_eq!((out[0], dx[8], dx[0]), (9.0, 3.0, 0.0));
}

#[test]
fn layers_norms_and_losses() {
    let context = Context::new().unwrap();
    let linear = Linear { batch: 1, in_features: 2, out_features: 2, accumulate: false };
    let (x, w) = ([1f32, 2.], [1f32, 1., 0., 3.]);
    let (mut y, mut dx, mut dw, mut db) = ([0f32; 2], [0f32; 2], [0f32; 4], [0f32; 2]);
    linear.workspace(&context).unwrap();
    linear.forward(&context, &x, &w, Some(&[1., 0.]), &mut y, None).unwrap();
    assert_eq!(y, [4., 6.]);
    linear.backward_data(&context, &[1., 1.], &w, &mut dx, None).unwrap();
    linear.backward_weights(&context, &[1., 2.], &x, &mut dw, Some(&mut db), None).unwrap();
    assert_eq!((dx, dw, db), ([1., 4.], [1., 2., 2., 4.], [1., 2.]));

    let norm = BatchNorm { epsilon: 1e-12, ..BatchNorm::new(2, 1, 1) };
    norm.workspace(&context).unwrap();
    let (mut mean, mut inverse) = ([0f32], [0f32]);
    let (mut running_mean, mut running_variance) = ([0f32], [1f32]);
    let saved = Saved { mean: &mut mean, inverse: &mut inverse };
    let running = Running { mean: &mut running_mean, variance: &mut running_variance };
    let affine = (&[2f32][..], &[1f32][..]);
    norm.training(&context, &[1., 3.], affine, None, &mut y, saved, Some(running), None)
        .unwrap();
    assert_eq!((y, mean[0], inverse[0]), ([-1., 3.], 2.0, 1.0));
    assert!(running_mean[0] > 0.0);
    norm.inference(&context, &[1., 3.], affine, None, (&mean, &[1.]), &mut y, None).unwrap();
    let (mut dscale, mut dshift) = ([0f32], [0f32]);
    let out = BatchNormGradients {
        dx: &mut dx,
        dscale: &mut dscale,
        dshift: &mut dshift,
        dresidual: None,
    };
    norm.backward(&context, &[1., 3.], affine, (&mean, &inverse), None, &[1., 2.], out, None)
        .unwrap();
    assert_eq!((dscale[0], dshift[0]), (1.0, 3.0));

    relu_forward(&context, &[-1., 2.], &mut y).unwrap();
    relu_backward(&context, &y, &[5., 5.], &mut dx).unwrap();
    add(&context, &y, &dx, &mut db).unwrap();
    assert_eq!((y, dx, db), ([0., 2.], [0., 5.], [0., 7.]));
    refused(add(&context, &y, &dx[1..], &mut db), Status::SHAPE, "b has 1 elements");

    let loss = softmax_cross_entropy(&context, &[0.; 4], &[0, 1], Some(&mut dw)).unwrap();
    // ln 2, of f64 sums.
    assert!((loss.mean - 2f64.ln()).abs() <= 4.0 * f64::EPSILON && loss.correct == 1);
    assert_eq!(dw, [-0.25, 0.25, 0.25, -0.25]);
    refused(softmax_cross_entropy(&context, &[0.; 4], &[0, 2], None), Status::ARGUMENT, "");
    refused(softmax_cross_entropy(&context, &[0.; 4], &[], None), Status::SHAPE, "");
    let labels_alone = Distillation { weight: -1.0, ..Default::default() };
    let same = labels_alone.softmax(&context, &[0.; 4], None, &[0, 1], None).unwrap();
    assert_eq!(same.mean, loss.mean);
}

#[test]
fn kernels_of_language_models() {
    let context = Context::new().unwrap();
    let (x, dy) = ([0f32, 2.], [1f32, 1.]);
    let (mut y, mut dx, mut dup) = ([9f32; 2], [9f32; 2], [9f32; 2]);
    for kind in [Activation::Gelu, Activation::GeluTanh, Activation::Silu] {
        kind.forward(&context, &x, &mut y).unwrap();
        kind.backward(&context, &x, &dy, &mut dx).unwrap();
        assert!(y[0] == 0.0 && y[1] > 1.7 && y[1] < 2.0 && dx == [0.5, dx[1]], "{kind:?}");
    }
    refused(Activation::Silu.forward(&context, &x, &mut y[1..]), Status::SHAPE, "y has 1");
    swiglu_forward(&context, &x, &[3., 3.], &mut dup).unwrap();
    assert_eq!(dup, [0.0, 3.0 * y[1]]);
    swiglu_backward(&context, &x, &[3., 3.], &dy, &mut dx, &mut dup).unwrap();
    assert_eq!((dx[0], dup), (1.5, y));

    let dropout = Dropout { probability: 0.5, seed: 1, stream: 2 };
    let (ones, mut once, mut again) = ([1f32; 64], [0f32; 64], [0f32; 64]);
    dropout.forward(&context, &ones, &mut once).unwrap();
    dropout.backward(&context, &ones, &mut again).unwrap();
    assert!(once == again && once.contains(&0.0) && once.contains(&2.0));
    let certain = Dropout { probability: 1.0, ..dropout };
    refused(certain.forward(&context, &ones, &mut once), Status::ARGUMENT, "");

    let (rows, width, vocabulary) = (2, 2, 3);
    let embedding =
        Embedding { rows, width, vocabulary, tokens: 0, position_count: 2, first_position: 0 };
    let (table, positions) = ([0f32, 1., 2., 3., 4., 5.], [10f32, 0., 20., 0.]);
    let (mut out, mut dtable) = ([0f32; 4], [0f32; 6]);
    embedding.forward(&context, &[2, 0], &table, Some(&positions), &mut out).unwrap();
    assert_eq!(out, [14., 5., 20., 1.]);
    embedding.backward(&context, &[2, 2], &out, Some(&mut dtable), None).unwrap();
    assert_eq!(dtable, [0., 0., 0., 0., 34., 6.]);
    let wrong = embedding.forward(&context, &[2, 3], &table, None, &mut out);
    refused(wrong, Status::ARGUMENT, "3");
    refused(embedding.backward(&context, &[2], &out, None, None), Status::SHAPE, "ids has 1");
}

#[test]
fn rows_are_normalised() {
    let context = Context::new().unwrap();
    let norm = LayerNorm { rows: 1, columns: 2, epsilon: 1e-12, rms: false, accumulate: false };
    let (mut y, mut sum, mut mean, mut inv_std) = ([0f32; 2], [0f32; 2], [0f32], [0f32]);
    let from = LayerNormInputs {
        x: &[1., 2.],
        residual: Some(&[0., 1.]),
        gamma: &[2., 2.],
        beta: Some(&[0., 1.]),
    };
    let to = LayerNormOutputs {
        y: &mut y,
        sum: Some(&mut sum),
        mean: Some(&mut mean),
        inv_std: Some(&mut inv_std),
    };
    norm.forward(&context, from, to).unwrap();
    assert_eq!((y, sum, mean, inv_std), ([-2., 3.], [1., 3.], [2.], [1.]));
    let saved =
        LayerNormSaved { x: &sum, gamma: &[2., 2.], mean: Some(&mean), inv_std: &inv_std };
    let (mut dx, mut dgamma, mut dbeta) = ([9f32; 2], [0f32; 2], [0f32; 2]);
    let to =
        LayerNormGradients { dx: &mut dx, dgamma: Some(&mut dgamma), dbeta: Some(&mut dbeta) };
    norm.workspace(&context).unwrap();
    norm.backward(&context, saved, &[1., 2.], None, to, None).unwrap();
    assert_eq!((dgamma, dbeta), ([-1., 2.], [1., 2.]));
    let to = LayerNormGradients { dx: &mut dx, dgamma: None, dbeta: None };
    let lacking = LayerNormSaved { mean: None, ..saved };
    let wrong = norm.backward(&context, lacking, &[1., 2.], None, to, None);
    refused(wrong, Status::ARGUMENT, "has a mean");

    let rms = LayerNorm { rms: true, ..norm };
    let from = LayerNormInputs { x: &[3., 3.], residual: None, gamma: &[2., 1.], beta: None };
    let to = LayerNormOutputs { y: &mut y, sum: None, mean: None, inv_std: Some(&mut inv_std) };
    rms.forward(&context, from, to).unwrap();
    // 1 / 3 is rounded, and so are the products.
    assert!(
        (y[0] - 2.0).abs() <= 4.0 * f32::EPSILON && (y[1] - 1.0).abs() <= 2.0 * f32::EPSILON
    );
    let to = LayerNormGradients { dx: &mut dx, dgamma: Some(&mut dgamma), dbeta: None };
    let lacking =
        LayerNormSaved { x: &[3., 3.], gamma: &[2., 1.], mean: None, inv_std: &inv_std };
    rms.backward(&context, lacking, &[1., 1.], None, to, None).unwrap();
    assert!((dgamma[0] - 1.0).abs() <= 4.0 * f32::EPSILON);
}

#[test]
fn outputs_get_their_moments_back() {
    let context = Context::new().unwrap();
    let batch = |scale: f32| {
        let data = [1., 2., 3., 4., 5., 7.].iter().map(|v| v * scale).collect();
        Tensor::from_vec(&context, data, &[3, 2]).unwrap()
    };
    let mut before = Outputs::new(&context, 2).unwrap();
    before.accumulate(&batch(2.0), 1).unwrap();
    let mut after = Outputs::new(&context, 2).unwrap();
    refused(after.match_original(&before), Status::STATE, "");
    after.accumulate(&batch(1.0), 1).unwrap();
    let correction = after.match_original(&before).unwrap();
    assert_eq!((correction.scale[0], correction.constant), (2.0, 0));
    after.merge(&before).unwrap();
    after.add(before.samples(), before.means(), before.squares()).unwrap();
    assert_eq!((after.samples(), before.means()[0]), (9, 6.0));
    refused(after.add(1, &[1.0], &[1.0]), Status::SHAPE, "2 channels");
    refused(after.accumulate(&batch(1.0), 2), Status::ARGUMENT, "");
}

#[test]
fn optimisers_step() {
    let context = Context::new().unwrap();
    let (mut value, gradient) = ([1f32, 2.], [3f32, 4.]);
    let sgd = Sgd { learning_rate: 0.5, ..Default::default() };
    sgd.step(&context, &mut value, &gradient, None).unwrap();
    assert_eq!(value, [-0.5, 0.0]);
    let adamw = AdamW { step: 1, learning_rate: 0.25, ..Default::default() };
    let (mut m, mut v) = ([0f32; 2], [0f32; 2]);
    adamw.step(&context, &mut value, &gradient, (&mut m, &mut v)).unwrap();
    assert!(value[0] < -0.7 && m[0] > 0.0 && v[0] > 0.0);
    assert_eq!(gradient_norm(&context, &[&gradient]).unwrap(), 5.0);

    let mut all = [Stepped { value: &mut value, gradient: &gradient, state: [None, None] }];
    assert_eq!(sgd.step_all(&context, &mut all, 1.0).unwrap(), 5.0);
    let momentum = Sgd { momentum: 0.9, ..sgd };
    refused(
        momentum.step_all(&context, &mut all, 0.0),
        Status::ARGUMENT,
        "parameter 0 lacks state",
    );
    all[0].state = [Some(&mut m), Some(&mut v)];
    momentum.step_all(&context, &mut all, 0.0).unwrap();
    adamw.step_all(&context, &mut all, 0.0).unwrap();
    refused(adamw.step_all(&context, &mut [], 0.0), Status::ARGUMENT, "");
}
