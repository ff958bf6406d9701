//! How a retrainer goes about it.

use crate::constants::Schedule;
use crate::error::Result;
use crate::handle::init;
use crate::layers::LayersMut;
use crate::plan_options;
use crate::{callback, Layer, PlanOptions, TiesOptions};
use layerfuse_sys::*;
use std::os::raw::c_void;

type Custom<'a> = dyn FnMut(i32, i32) -> f64 + Send + 'a;
pub(crate) type Repair<'a> =
    dyn FnMut(&mut LayersMut<'_>) -> std::result::Result<(), i32> + Send + 'a;

/// When a retrainer fuses, and what it does about it (retrainer.h); 0 means the defaults there.
#[derive(Default)]
#[allow(missing_docs)]
pub struct RetrainerOptions<'a> {
    /// Its ratio is the goal.
    pub plan: PlanOptions<'a>,
    pub ties: TiesOptions<'a>,
    pub fusions: i32,
    pub interval: i32,
    pub schedule: Schedule,
    pub decay: f64,
    pub pairs: i64,
    /// What may be lost, and the metric before the first fusion.
    pub tolerance: Option<(f64, f64)>,
    /// The tolerance is of each fusion, not of all together.
    pub each: bool,
    pub grace: i32,
    pub rollbacks: i32,
    pub lead: i32,
    pub mix: i32,
    /// interval, lead, mix and grace are in steps.
    pub steps: bool,
    /// The schedule custom: the ratio that a fusion, from 1, of so many goes to.
    pub custom: Option<Box<Custom<'a>>>,
    /// Upon every fusion, say to re-estimate running statistics.
    pub repair: Option<Box<Repair<'a>>>,
}

/// The closures of a retrainer, at an address that stays.
pub(crate) struct Callbacks<'a> {
    custom: Option<Box<Custom<'a>>>,
    repair: Option<Box<Repair<'a>>>,
    layers: *const [Layer<'a>],
}

/// The options for C, with what they point at.
pub(crate) struct Raw<'a> {
    pub(crate) options: lfuse_retrainer_options,
    pub(crate) callbacks: *mut Callbacks<'a>,
    pub(crate) ties_callbacks: *mut crate::ties::Callbacks<'a>,
    _plan: Box<plan_options::Raw>,
    _ties: Box<lfuse_ties_options>,
}

impl<'a> RetrainerOptions<'a> {
    /// As C takes it; layers stay where they are as long as what is made with it.
    pub(crate) fn raw(self, layers: &[Layer<'a>]) -> Result<Raw<'a>> {
        let mut raw = init(lfuse_retrainer_options_init);
        let plan = Box::new(self.plan.raw(layers.len())?);
        self.numbers(&mut raw);
        raw.custom = self.custom.as_ref().and(Some(custom));
        raw.repair = self.repair.as_ref().and(Some(repair));
        let (ties, ties_callbacks) = self.ties.raw();
        let ties = Box::new(ties);
        let callbacks = Box::into_raw(Box::new(Callbacks {
            custom: self.custom,
            repair: self.repair,
            layers,
        }));
        raw.plan = &plan.plan;
        raw.ties = &*ties;
        raw.custom_user = callbacks.cast();
        raw.repair_user = callbacks.cast();
        Ok(Raw { options: raw, callbacks, ties_callbacks, _plan: plan, _ties: ties })
    }

    fn numbers(&self, raw: &mut lfuse_retrainer_options) {
        raw.fusions = self.fusions;
        raw.interval = self.interval;
        raw.schedule = self.schedule as i32;
        raw.decay = self.decay;
        raw.pairs = self.pairs;
        raw.grace = self.grace;
        raw.rollbacks = self.rollbacks;
        raw.lead = self.lead;
        raw.mix = self.mix;
        let flags = [
            (self.steps, LFUSE_RETRAINER_FLAG_STEPS),
            (self.tolerance.is_some(), LFUSE_RETRAINER_FLAG_TOLERANCE),
            (self.each, LFUSE_RETRAINER_FLAG_EACH),
        ];
        raw.flags = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).sum();
        let (tolerance, baseline) = self.tolerance.unwrap_or_default();
        raw.tolerance = tolerance;
        raw.baseline = baseline;
    }
}

unsafe extern "C" fn custom(user: *mut c_void, fusion: i32, fusions: i32) -> f64 {
    // SAFETY: user is that of raw(), and one thread at a time calls.
    let callbacks = unsafe { &mut *(user as *mut Callbacks) };
    let asked = callbacks.custom.as_mut().and_then(|f| callback::catch(|| f(fusion, fusions)));
    asked.unwrap_or(f64::NAN) // is refused
}

unsafe extern "C" fn repair(user: *mut c_void) -> i32 {
    callback::guard(|| {
        // SAFETY: as above. Whoever called the library has the layers alone, and waits.
        let (callbacks, mut layers) = unsafe {
            let callbacks = &mut *(user as *mut Callbacks);
            let layers = LayersMut::over(&*callbacks.layers);
            (callbacks, layers)
        };
        match &mut callbacks.repair {
            Some(repair) => repair(&mut layers),
            None => Ok(()),
        }
    })
}
