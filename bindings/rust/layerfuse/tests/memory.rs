//! Tensors, and what may be shared and sent.

mod common;

use common::*;
use layerfuse::*;
use std::thread;

fn shareable<T: Send + Sync>() {}
fn sendable<T: Send>() {}

#[test]
fn threads_may_do_what_the_headers_say() {
    shareable::<Context>();
    shareable::<Plan>();
    shareable::<PlanRef>();
    shareable::<Preview>();
    shareable::<Checkpoint>();
    shareable::<Couplings>();
    shareable::<Tensor>();
    shareable::<Layers>();
    shareable::<kernels::Packed>();
    shareable::<Error>();
    sendable::<Ties>();
    sendable::<Retrainer>();
    sendable::<Cka>();
    sendable::<Outputs>();

    let context = Context::with(ContextOptions::new().threads(2)).unwrap();
    let layers = owned(&context);
    let expected = Plan::build(&context, &layers, &ratio(1.5)).unwrap().to_json().unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let plan = Plan::build(&context, &layers, &ratio(1.5)).unwrap();
                assert_eq!(plan.to_json().unwrap(), expected);
            });
        }
    });
    let ties = Ties::new(&context, layers, TiesOptions::default()).unwrap();
    drop(context); // what it made keeps it
    thread::spawn(move || assert_eq!(ties.owner(0), Some(0))).join().unwrap();
}

#[test]
fn tensors_say_what_they_are() {
    let context = Context::new().unwrap();
    let data = [1f64, 2., 3., 4., 5., 6.];
    let mut tensor = Tensor::view(&context, &data, &[2, 3]).unwrap();
    assert_eq!(
        (tensor.dtype(), tensor.dims(), tensor.strides()),
        (Dtype::F64, vec![2, 3], vec![3, 1])
    );
    assert_eq!((tensor.elements(), tensor.bytes()), (6, 48));
    assert_eq!(tensor.data::<f64>().unwrap(), data);
    assert_eq!(tensor.as_ptr(), data.as_ptr().cast());
    refused(tensor.data::<f32>(), Status::TYPE, "the tensor is f64, not f32");
    refused(tensor.as_mut().map(|_| ()), Status::STATE, "read-only");

    let mut narrow = Tensor::zeros(&context, Dtype::Bf16, &[2, 3]).unwrap();
    narrow.as_mut().unwrap().copy_from(&tensor).unwrap();
    assert_eq!(narrow.data::<Bf16>().unwrap()[0], Bf16(0x3f80));
    let other = Tensor::zeros(&context, Dtype::F16, &[3, 2]).unwrap();
    refused(narrow.as_mut().unwrap().copy_from(&other), Status::SHAPE, "");
    assert_eq!((Dtype::F16.size(), Dtype::Bf16.name()), (2, "bf16"));
}

#[test]
fn wrong_shapes_and_names_are_refused() {
    let context = Context::new().unwrap();
    let mut data = [0f32; 6];
    for dims in [&[2usize, 4][..], &[usize::MAX, 2], &[]] {
        refused(Tensor::view(&context, &data, dims), Status::SHAPE, "there are 6 elements");
    }
    let none: [f32; 0] = [];
    refused(Tensor::view(&context, &none, &[0, 2]), Status::ARGUMENT, "");
    refused(Tensor::from_vec(&context, vec![0f32; 2], &[2; 9]), Status::SHAPE, "");
    refused(Tensor::from_vec(&context, vec![0f32], &[1; 9]), Status::ARGUMENT, "rank");
    refused(Tensor::zeros(&context, Dtype::F32, &[usize::MAX]), Status::OVERFLOW, "");
    refused(
        Layer::wrap(&context, &desc("a", 0), &mut data, None, &[2, 2]),
        Status::SHAPE,
        "there are 6 elements for [2, 2]",
    );
    refused(Layer::new(&context, &desc("a\0b", 0)), Status::ARGUMENT, "name has a NUL inside");
    refused(Layer::new(&context, &desc("", 0)), Status::ARGUMENT, "");
    refused(Layer::new(&context, &desc("a", -1)), Status::ARGUMENT, "");

    let mut layer = Layer::new(&context, &desc("a", 0)).unwrap();
    let tensor = || Tensor::zeros(&context, Dtype::F32, &[2]).unwrap();
    layer.add(Parameter::new("weight", tensor())).unwrap();
    refused(layer.add(Parameter::new("weight", tensor())), Status::NAME, "weight");
    let many = Parameter::new("bias", tensor()).with_role(Role::Bias);
    let many = many.with_state(&context, 5).unwrap();
    refused(layer.add(many), Status::ARGUMENT, "5 tensors of state, at most 4");
    assert_eq!((layer.name(), layer.param_type(), layer.position()), ("a", "linear", 0));
    assert_eq!((layer.kind(), layer.parameter_count()), (LayerKind::Linear, 1));
    refused(layer.parameter(1), Status::ARGUMENT, "");
}

#[test]
fn strided_memory_is_seen_but_not_as_a_slice() {
    let context = Context::new().unwrap();
    let mut data = [1f32, 2., 3., 4., 5., 6.];
    let first = data.as_mut_ptr().cast();
    // SAFETY: a transposed view of data, which nobody else uses.
    let transposed =
        unsafe { Tensor::from_raw(&context, Dtype::F32, first, &[3, 2], Some(&[1, 3])) }
            .unwrap();
    refused(transposed.data::<f32>(), Status::UNSUPPORTED, "not dense");
    let mut dense = Tensor::zeros(&context, Dtype::F32, &[3, 2]).unwrap();
    dense.as_mut().unwrap().copy_from(&transposed).unwrap();
    assert_eq!(dense.data::<f32>().unwrap(), [1., 4., 2., 5., 3., 6.]);
    // SAFETY: refused before anything is read.
    let none =
        unsafe { Tensor::from_raw(&context, Dtype::F32, std::ptr::null_mut(), &[1], None) };
    refused(none, Status::ARGUMENT, "data is NULL");
}

#[test]
fn read_only_layers_are_compared_and_planned_but_not_tied() {
    let context = Context::new().unwrap();
    let weights = WEIGHTS;
    let layer = |(i, w)| {
        let mut layer = Layer::new(&context, &desc(&format!("h.{i}"), i as i32)).unwrap();
        layer
            .add(Parameter::new("weight", Tensor::view(&context, w, &[2, 2]).unwrap()))
            .unwrap();
        layer
    };
    let all = || weights.iter().map(|w| &w[..]).enumerate().map(layer).collect::<Layers>();
    let mut layers = all();
    Plan::build(&context, &layers, &ratio(1.5)).unwrap();
    refused(layers.parameter_mut(0, 0).map(|_| ()), Status::STATE, "h.0");
    refused(Ties::new(&context, layers, TiesOptions::default()), Status::STATE, "read-only");
    let options = RetrainerOptions { plan: ratio(1.5), ..Default::default() };
    refused(Retrainer::new(&context, all(), options), Status::STATE, "h.0 has a tensor");
}

#[test]
fn errors_read_like_the_librarys() {
    let context = Context::new().unwrap();
    let layers = Layers::new();
    let error = Plan::build(&context, &layers, &ratio(1.5)).err().unwrap();
    assert!(error.to_string().starts_with("LFUSE_ERR_ARGUMENT: "), "{error}");
    assert_eq!(format!("{:?}", Status::NO_MEMORY), "LFUSE_ERR_NO_MEMORY");
    assert_eq!(Status::IO.code(), -30);
    refused(Context::with(ContextOptions::new().threads(-1)), Status::ARGUMENT, "threads");
    refused(Metric::from_name("nonsense"), Status::ARGUMENT, "euclidean");
    assert_eq!(Metric::from_name("linear_cka").unwrap(), Metric::LinearCka);
    assert_eq!(Policy::from_name("freeze").unwrap().name(), "freeze");
    assert_eq!(version() / 1000, 1);
    assert!(version_string().starts_with("0.1"));
    let scalar = Context::with(ContextOptions::new().isa(Isa::Scalar)).unwrap();
    assert_eq!((scalar.isa(), scalar.threads()), (Isa::Scalar, 1));
}
