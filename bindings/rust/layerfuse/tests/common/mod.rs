//! Small networks to try things on.
#![allow(dead_code)]

use layerfuse::*;

/// Three layers of four weights; the first two are the most alike.
pub const WEIGHTS: [[f32; 4]; 3] = [[1., 2., 3., 4.], [3., 1., 3., 4.], [9., 7., 5., 3.]];

pub fn desc(name: &str, position: i32) -> LayerDesc<'_> {
    LayerDesc { name, param_type: "linear", kind: LayerKind::Linear, position }
}

pub fn wrap<'a>(context: &Context, weights: &'a mut [[f32; 4]]) -> Layers<'a> {
    let wrap = |(i, w): (usize, &'a mut [f32; 4])| {
        Layer::wrap(context, &desc(&format!("h.{i}"), i as i32), w, None, &[2, 2])
    };
    weights.iter_mut().enumerate().map(wrap).collect::<Result<_>>().unwrap()
}

/// The same with memory of their own, gradients and one tensor of state.
pub fn owned(context: &Context) -> Layers<'static> {
    let layer = |(i, w): (usize, &[f32; 4])| {
        let mut layer = Layer::new(context, &desc(&format!("h.{i}"), i as i32))?;
        let value = Tensor::from_slice(context, w, &[2, 2])?;
        let parameter = Parameter::new("weight", value).with_gradient(context)?;
        layer.add(parameter.with_state(context, 1)?)?;
        Ok(layer)
    };
    WEIGHTS.iter().enumerate().map(layer).collect::<Result<_>>().unwrap()
}

pub fn ratio<'a>(ratio: f64) -> PlanOptions<'a> {
    PlanOptions { ratio, ..Default::default() }
}

pub fn weight<'r>(layers: &'r [Layer<'_>], layer: usize) -> &'r [f32] {
    layers[layer].parameter(0).unwrap().value.data().unwrap()
}

pub fn scratch(name: &str) -> std::path::PathBuf {
    std::env::temp_dir().join(format!("layerfuse-{}-{name}", std::process::id()))
}

/// The error, its status and a part of its text being as expected.
pub fn refused<T>(result: Result<T>, status: Status, text: &str) -> Error {
    let error = result.err().expect("is refused");
    assert_eq!(error.status(), status, "{error}");
    assert!(error.message().contains(text), "{error}");
    error
}
