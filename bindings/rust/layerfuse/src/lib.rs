//! Layer fusion for trained networks: layers that resemble each other get one set of weights, and
//! your own training loop stays in charge while the network recovers.
//!
//! ```
//! use layerfuse::{Context, Layer, LayerDesc, LayerKind, Layers, Plan, PlanOptions, Ties, TiesOptions};
//!
//! # fn main() -> layerfuse::Result<()> {
//! let mut weights = [[1f32, 2., 3., 4.], [3., 1., 3., 4.], [9., 7., 5., 3.]];
//! let context = Context::new()?;
//! let layers = weights
//!     .iter_mut()
//!     .enumerate()
//!     .map(|(i, w)| {
//!         let name = format!("block{}", i + 1);
//!         let desc = LayerDesc { name: &name, param_type: "linear", kind: LayerKind::Linear,
//!                                position: i as i32 };
//!         Layer::wrap(&context, &desc, w, None, &[2, 2])
//!     })
//!     .collect::<layerfuse::Result<Layers>>()?;
//! let options = PlanOptions { ratio: 1.5, ..Default::default() };
//! let plan = Plan::build(&context, &layers, &options)?;
//! let mut ties = Ties::new(&context, layers, TiesOptions::default())?;
//! ties.apply(&plan)?;
//! assert_eq!(ties.owner(1), Some(0));
//! assert_eq!(ties.layers()[1].parameter(0)?.value.data::<f32>()?, [2., 1.5, 3., 4.]);
//! # Ok(())
//! # }
//! ```
//!
//! **Memory.** A [`Tensor`] borrows your weights for its lifetime, or owns its own; a [`Layer`]
//! takes tensors, [`Layers`] take layers, and [`Ties`] or a [`Retrainer`] take all of them. Tied
//! tensors share memory, which is why only the whole of [`Layers`] gives out `&mut`: one
//! parameter at a time.
//!
//! **Threads.** What the headers call shareable is `Send + Sync` ([`Context`], [`Plan`],
//! [`Preview`], [`Checkpoint`], and what is only read: [`Tensor`], [`Layers`], [`Couplings`],
//! [`kernels::Packed`]); what they call confined is `Send` alone ([`Ties`], [`Retrainer`],
//! [`Cka`], [`Outputs`]).
//!
//! **Callbacks** are closures. A panic of one stops the call, never unwinds through C, and goes on
//! when the call has returned.
//!
//! What each option means, and every error, is said in the headers of the library.

#![deny(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

mod callback;
mod checkpoint;
mod checkpoint_save;
mod cka;
mod constants;
mod context;
mod couplings;
mod curve;
mod error;
mod executor;
mod handle;
pub mod kernels;
mod layer;
mod layers;
mod outputs;
mod plan;
mod plan_options;
mod preview;
mod refused;
mod retrainer;
mod retrainer_options;
mod search;
mod similarity;
mod tensor;
mod ties;

pub use checkpoint::{Checkpoint, OpenOptions};
pub use checkpoint_save::{Bank, Entry, Fill, Residual, SaveOptions};
pub use cka::Cka;
pub use constants::*;
pub use context::{Context, ContextOptions};
pub use couplings::{Coupling, Couplings};
pub use curve::{inflection, Inflection};
pub use error::{Error, Result, Status};
pub use executor::Work;
pub use layer::{Layer, LayerDesc, Parameter, ParameterMut, ParameterRef};
pub use layers::{Layers, LayersMut};
pub use outputs::{Correction, Outputs};
pub use plan::{Account, Fusion, Permutation, Plan, PlanRef, PlannedWeight};
pub use plan_options::{PlanOptions, Rule};
pub use preview::Preview;
pub use retrainer::Retrainer;
pub use retrainer_options::RetrainerOptions;
pub use search::SearchOptions;
pub use similarity::{
    similarity, similarity_assignment, similarity_matrix, MatrixView, MetricInfo,
    SimilarityOptions,
};
pub use tensor::{Bf16, Element, Tensor, TensorRef, F16};
pub use ties::{Ties, TiesOptions, TiesRef};

/// The version of the library that is running: major * 1000000 + minor * 1000 + patch.
pub fn version() -> i32 {
    // SAFETY: it takes nothing.
    unsafe { layerfuse_sys::lfuse_version() }
}

/// The same as text, such as "0.1.0".
pub fn version_string() -> &'static str {
    // SAFETY: a constant of the library.
    unsafe { handle::text(layerfuse_sys::lfuse_version_string()) }.unwrap_or("?")
}
