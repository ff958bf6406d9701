//! What must not compile: each is a test, and compiles but for what is said.
//!
//! Weights end while a layer borrows them:
//!
//! ```compile_fail,E0597
//! use layerfuse::*;
//! let context = Context::new()?;
//! let layer;
//! {
//!     let mut weights = [0f32; 4];
//!     let desc = LayerDesc { name: "a", param_type: "b", kind: LayerKind::Other, position: 0 };
//!     layer = Layer::wrap(&context, &desc, &mut weights, None, &[2, 2])?;
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! Weights are written while ties have them:
//!
//! ```compile_fail,E0506
//! use layerfuse::*;
//! let context = Context::new()?;
//! let mut weights = [0f32; 4];
//! let desc = LayerDesc { name: "a", param_type: "b", kind: LayerKind::Other, position: 0 };
//! let layers = vec![Layer::wrap(&context, &desc, &mut weights, None, &[2, 2])?].into();
//! let ties = Ties::new(&context, layers, TiesOptions::default())?;
//! weights[0] = 1.0;
//! drop(ties);
//! # Ok::<(), Error>(())
//! ```
//!
//! Two parameters that may share memory are written at once:
//!
//! ```compile_fail,E0499
//! fn both(layers: &mut layerfuse::Layers) -> layerfuse::Result<()> {
//!     let a = layers.parameter_mut(0, 0)?;
//!     let b = layers.parameter_mut(1, 0)?;
//!     a.value.copy_from(b.value)
//! }
//! ```
//!
//! A weight is looked at across a fusion that may move it:
//!
//! ```compile_fail,E0502
//! fn across(ties: &mut layerfuse::Ties, plan: &layerfuse::Plan) -> layerfuse::Result<f32> {
//!     let weight = ties.layers()[0].parameter(0)?.value.data::<f32>()?;
//!     ties.apply(plan)?;
//!     Ok(weight[0])
//! }
//! ```
//!
//! Confined handles are shared between threads:
//!
//! ```compile_fail,E0277
//! fn shareable<T: Sync>(_: &T) {}
//! fn share(ties: &layerfuse::Ties) {
//!     shareable(ties)
//! }
//! ```
//!
//! ```compile_fail,E0277
//! fn shareable<T: Sync>(_: &T) {}
//! fn share(retrainer: &layerfuse::Retrainer) {
//!     shareable(retrainer)
//! }
//! ```
//!
//! A closure of ties that stays on its thread:
//!
//! ```compile_fail,E0277
//! let counter = std::rc::Rc::new(std::cell::Cell::new(0));
//! let options = layerfuse::TiesOptions {
//!     rebind: Some(Box::new(move |_, _, _| Ok(counter.set(counter.get() + 1)))),
//!     ..Default::default()
//! };
//! ```
