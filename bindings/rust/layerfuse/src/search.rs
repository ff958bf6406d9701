//! How far a network can be fused as it is, by its own metric.

use crate::error::Result;
use crate::handle::{init, Raw};
use crate::layers::LayersMut;
use crate::retrainer_options::Repair;
use crate::{callback, Layers, Plan, PlanOptions, Ties};
use layerfuse_sys::*;
use std::os::raw::c_void;

pub(crate) type Evaluate<'a> = dyn FnMut() -> std::result::Result<f64, i32> + 'a;

/// What is searched for (search.h).
pub struct SearchOptions<'s> {
    /// Its ratio is the largest.
    pub plan: PlanOptions<'s>,
    /// What may be lost, in the metric's units.
    pub tolerance: f64,
    /// Before every evaluation but the first.
    pub repair: Option<&'s mut Repair<'s>>,
}

pub(crate) unsafe extern "C" fn evaluate(user: *mut c_void, metric: *mut f64) -> i32 {
    callback::guard(|| {
        // SAFETY: user is a closure that lives for the call, metric room for a number.
        unsafe {
            let closure = &mut *(user as *mut Box<Evaluate>);
            *metric = closure()?;
        }
        Ok(())
    })
}

unsafe extern "C" fn repair(user: *mut c_void) -> i32 {
    callback::guard(|| {
        // SAFETY: likewise.
        let closure = unsafe { &mut *(user as *mut Box<Evaluate>) };
        closure().map(|_| ())
    })
}

impl<'a> Ties<'a> {
    /// The largest ratio that costs no more than a tolerance, without training: its plan, and its
    /// metric. Ties and layers end as they were.
    pub fn search_ratio(
        &mut self,
        options: SearchOptions,
        mut measure: impl FnMut(&Layers) -> std::result::Result<f64, i32>,
    ) -> Result<(Plan, f64)> {
        let layers = &self.layers;
        let mut plan_options = options.plan.raw(layers.len())?;
        plan_options.plan.in_force = self.raw.get();
        let mut raw = init(lfuse_search_options_init);
        raw.plan = &plan_options.plan;
        raw.tolerance = options.tolerance;
        let mut measuring: Box<Evaluate> = Box::new(|| measure(layers));
        raw.evaluate = Some(evaluate);
        raw.evaluate_user = &mut measuring as *mut Box<Evaluate> as *mut c_void;
        let mut repairing: Box<Evaluate>; // that has no metric to tell
        if let Some(closure) = options.repair {
            // SAFETY: one closure at a time is called, and nobody else has the layers.
            repairing =
                Box::new(move || closure(&mut unsafe { LayersMut::over(layers) }).map(|_| 0.0));
            raw.repair = Some(repair);
            raw.repair_user = &mut repairing as *mut Box<Evaluate> as *mut c_void;
        }
        let mut metric = 0.0;
        // SAFETY: options and closures live for the call.
        let plan = Raw::create(|out, err| unsafe {
            lfuse_search_ratio(self.raw.get(), &raw, out, &mut metric, err)
        })?;
        Ok((Plan::of(plan, &self.context), metric))
    }
}
