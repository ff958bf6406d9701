//! Hooks around the caller's own training loop.

use crate::constants::{newer, Verdict};
use crate::error::{c_path, call, Result};
use crate::handle::{init, Raw};
use crate::retrainer_options::Callbacks;
use crate::search::{evaluate, Evaluate};
use crate::ties::{self, Kept};
use crate::{
    Context, Error, Layers, Parameter, ParameterMut, PlanRef, RetrainerOptions, Status, TiesRef,
};
use layerfuse_sys::*;
use std::cell::Cell;
use std::marker::PhantomData;
use std::os::raw::c_void;
use std::path::Path;
use std::ptr::null;

/// A retrainer, and the layers that it fuses.
pub struct Retrainer<'a> {
    raw: Raw<'a, lfuse_retrainer>,
    _callbacks: Kept<Callbacks<'a>>,
    _ties_callbacks: Kept<ties::Callbacks<'a>>,
    layers: Layers<'a>,
    _context: Context,
    _confined: PhantomData<Cell<()>>,
}

// SAFETY: one thread at a time, and the closures are Send.
unsafe impl Send for Retrainer<'_> {}

macro_rules! steps {
    ($($(#[$about:meta])* $name:ident: $function:ident,)*) => {
        $($(#[$about])*
        pub fn $name(&mut self) -> Result<()> {
            // SAFETY: self is borrowed alone, and so are the layers.
            call(|err| unsafe { $function(self.raw.get(), err) })
        })*
    };
}

impl<'a> Retrainer<'a> {
    /// A retrainer over these layers, which it owns from now on; nothing is fused yet. Where it
    /// fails the layers are dropped.
    pub fn new(
        context: &Context,
        layers: Layers<'a>,
        options: RetrainerOptions<'a>,
    ) -> Result<Retrainer<'a>> {
        layers.writable()?;
        let (pointers, count) = layers.raw();
        let options = options.raw(&layers)?;
        let callbacks = Kept(options.callbacks);
        let ties_callbacks = Kept(options.ties_callbacks);
        // SAFETY: layers, closures and what the plan borrows live as long as the retrainer.
        let raw = Raw::create(|out, err| unsafe {
            let (options, pointers) = (&options.options, pointers.as_ptr());
            lfuse_retrainer_create(context.raw(), pointers, count, options, out, err)
        })?;
        Ok(Retrainer {
            raw,
            _callbacks: callbacks,
            _ties_callbacks: ties_callbacks,
            layers,
            _context: context.clone(),
            _confined: PhantomData,
        })
    }

    steps! {
        /// The schedule's next fusion, now: once before training, and again after a roll-back.
        fuse: lfuse_retrainer_fuse,
        /// Ties every group that mixes now.
        finalise: lfuse_retrainer_finalise,
        /// Parts all groups, and starts the schedule anew.
        undo: lfuse_retrainer_undo,
        /// Opens a step, before the forward pass.
        begin_step: lfuse_retrainer_begin_step,
        /// After the backward pass: one gradient per group.
        combine_gradients: lfuse_retrainer_combine_gradients,
        /// After the update: closes the step.
        end_step: lfuse_retrainer_end_step,
        /// Closes the step as if it had not been; nothing was updated.
        abort_step: lfuse_retrainer_abort_step,
        /// Before an evaluation.
        begin_eval: lfuse_retrainer_begin_eval,
        /// After it.
        end_eval: lfuse_retrainer_end_eval,
    }

    /// How many parameters train now, each shared one once.
    pub fn parameter_count(&self) -> usize {
        // SAFETY: a retrainer, here and below.
        unsafe { lfuse_retrainer_parameter_count(self.raw.get()) as usize }
    }

    /// One of them, to be stepped. No other can be meanwhile.
    pub fn parameter(&mut self, index: usize) -> Result<ParameterMut<'_>> {
        let mut raw = init(lfuse_parameter_init);
        let index = index as i64;
        call(|err| unsafe { lfuse_retrainer_parameter(self.raw.get(), index, &mut raw, err) })?;
        // SAFETY: self is borrowed alone for as long as what comes back.
        unsafe { ParameterMut::from_raw(&raw) }
            .ok_or_else(|| Error::new(Status::UNSUPPORTED, "a parameter without a value"))
    }

    /// Tries `count` ways to do the next fusion, and picks the cheapest: its metric.
    pub fn probe(
        &mut self,
        count: i64,
        mut measure: impl FnMut(&Layers) -> std::result::Result<f64, i32>,
    ) -> Result<f64> {
        let layers = &self.layers;
        let mut closure: Box<Evaluate> = Box::new(|| measure(layers));
        let user = &mut closure as *mut Box<Evaluate> as *mut c_void;
        let mut metric = 0.0;
        // SAFETY: the closure lives for the call; it reads layers that nobody writes meanwhile.
        call(|err| unsafe {
            let raw = self.raw.get();
            lfuse_retrainer_probe(raw, count, Some(evaluate), user, &mut metric, err)
        })?;
        Ok(metric)
    }

    /// Whether the next [`Retrainer::end_epoch`] has something to decide.
    pub fn is_due(&self) -> bool {
        unsafe { lfuse_retrainer_is_due(self.raw.get()) != 0 }
    }

    /// Counts an epoch of this metric, greater being better, and fuses when it is time.
    pub fn end_epoch(&mut self, metric: f64) -> Result<Verdict> {
        let mut verdict = 0;
        call(|err| unsafe {
            lfuse_retrainer_end_epoch(self.raw.get(), metric, &mut verdict, err)
        })?;
        Verdict::from_raw(verdict).ok_or_else(|| newer("verdict"))
    }

    /// The ties in force.
    pub fn ties(&self) -> &TiesRef {
        // SAFETY: they live as long as self, and change by &mut alone.
        unsafe { TiesRef::from_raw(lfuse_retrainer_ties(self.raw.get())) }
    }

    /// The plan of the latest fusion.
    pub fn plan(&self) -> Option<&PlanRef> {
        // SAFETY: it lives until the next fusion, which takes &mut.
        unsafe { PlanRef::from_raw(lfuse_retrainer_plan(self.raw.get())) }
    }

    /// Writes all there is of it and of the layers, and bytes of your own, whole or not at all.
    pub fn save(&mut self, path: impl AsRef<Path>, own: &[u8]) -> Result<()> {
        let path = c_path(path.as_ref())?;
        let mut options = init(lfuse_retrainer_save_options_init);
        options.caller = if own.is_empty() { null() } else { own.as_ptr().cast() };
        options.caller_bytes = own.len();
        call(|err| unsafe {
            lfuse_retrainer_save(self.raw.get(), path.as_ptr(), &options, err)
        })
    }

    /// Becomes what was saved; nothing may have begun.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = c_path(path.as_ref())?;
        call(|err| unsafe { lfuse_retrainer_load(self.raw.get(), path.as_ptr(), err) })
    }

    /// Your own bytes of the file that was loaded.
    pub fn own_bytes(&self) -> &[u8] {
        let mut bytes = 0;
        // SAFETY: so many bytes, which live as long as self.
        unsafe {
            let first = lfuse_retrainer_caller(self.raw.get(), &mut bytes);
            if first.is_null() {
                return &[];
            }
            std::slice::from_raw_parts(first.cast(), bytes)
        }
    }

    /// The layers as they are.
    pub fn layers(&self) -> &Layers<'a> {
        &self.layers
    }

    /// The parameter at an index of a layer, to be written: its gradient, say. No other can be
    /// meanwhile.
    pub fn parameter_mut(
        &mut self,
        layer: usize,
        parameter: usize,
    ) -> Result<ParameterMut<'_>> {
        self.layers.parameter_mut(layer, parameter)
    }

    /// Adds a parameter to a layer; not one that is read-only.
    pub fn add_parameter(&mut self, layer: usize, parameter: Parameter<'a>) -> Result<()> {
        parameter.writable()?;
        self.layers.add_parameter(layer, parameter)
    }

    /// Ends it; the layers keep the weights they have, tied ones their buffer.
    pub fn into_layers(self) -> Layers<'a> {
        let Retrainer { raw, _callbacks, _ties_callbacks, layers, .. } = self;
        drop(raw);
        layers
    }
}
