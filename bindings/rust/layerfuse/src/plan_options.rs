//! What a plan is asked for.

use crate::constants::*;
use crate::error::{c_string, Error, Result, Status};
use crate::handle::init;
use crate::{Couplings, SimilarityOptions, TiesRef};
use layerfuse_sys::*;
use std::ffi::CString;

/// What goes for all layers of these names; the pattern is a shell's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which layers, such as "h.[0-3].*".
    pub pattern: String,
    /// What about them.
    pub action: PlanAction,
}

/// What a plan shall reach, and by which means (plan.h); 0 means the defaults there.
#[derive(Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct PlanOptions<'a> {
    pub ratio: f64,
    pub top_k: i64,
    pub max_unique_bytes: usize,
    /// Nothing less alike is joined.
    pub threshold: Option<f64>,
    /// None: similarity's.
    pub metric: Option<Metric>,
    /// The metric's options; None: all defaults.
    pub similarity: Option<&'a SimilarityOptions<'a>>,
    pub policy: Policy,
    pub freeze_gradient: FreezeGradient,
    pub weighting: Weighting,
    /// Of each layer, where that is the weighting.
    pub importance: Option<&'a [f64]>,
    pub scope: Scope,
    pub unit: Unit,
    pub base: Base,
    pub linkage: Linkage,
    pub keep: Keep,
    pub max_group: i32,
    pub alignment: Alignment,
    /// Of the alignment.
    pub couplings: Option<&'a Couplings>,
    pub rules: &'a [Rule],
    /// Ties over the same layers: what they tie counts as one.
    pub in_force: Option<&'a TiesRef>,
    /// The mean of weights gets their mean norm.
    pub rescale: bool,
    /// First and last layers of another kind may fuse.
    pub include_ends: bool,
    /// What cannot be compared is left out, and noted.
    pub skip_unequal: bool,
    /// The plan is for weights of these very contents.
    pub contents: bool,
}

/// The same for C, with what it points at.
pub(crate) struct Raw {
    pub(crate) plan: lfuse_plan_options,
    similarity: Option<Box<lfuse_similarity_options>>,
    rules: Vec<lfuse_plan_rule>,
    _patterns: Vec<CString>,
}

impl PlanOptions<'_> {
    /// As C takes it, for `count` layers.
    pub(crate) fn raw(&self, count: usize) -> Result<Raw> {
        if let Some(importance) = self.importance.filter(|values| values.len() != count) {
            let text = format!("importance of {} layers, there are {count}", importance.len());
            return Err(Error::new(Status::SHAPE, text));
        }
        let patterns = self.rules.iter().map(|rule| c_string(rule.pattern.as_str(), "pattern"));
        let patterns = patterns.collect::<Result<Vec<_>>>()?;
        let rule = |(rule, pattern): (&Rule, &CString)| lfuse_plan_rule {
            pattern: pattern.as_ptr(),
            action: rule.action as i32,
            reserved: 0,
        };
        let mut raw = Raw {
            plan: init(lfuse_plan_options_init),
            similarity: self.similarity.map(|options| Box::new(options.raw())),
            rules: self.rules.iter().zip(&patterns).map(rule).collect(),
            _patterns: patterns,
        };
        self.numbers(&mut raw.plan);
        if let Some(similarity) = &raw.similarity {
            raw.plan.similarity = &**similarity;
        }
        if !raw.rules.is_empty() {
            raw.plan.rules = raw.rules.as_ptr();
            raw.plan.rule_count = raw.rules.len() as i64;
        }
        if let Some(importance) = self.importance {
            raw.plan.importance = importance.as_ptr();
        }
        if let Some(couplings) = self.couplings {
            raw.plan.couplings = couplings.raw();
        }
        if let Some(ties) = self.in_force {
            raw.plan.in_force = ties.raw();
        }
        Ok(raw)
    }

    fn numbers(&self, plan: &mut lfuse_plan_options) {
        plan.ratio = self.ratio;
        plan.top_k = self.top_k;
        plan.max_unique_bytes = self.max_unique_bytes;
        plan.threshold = self.threshold.unwrap_or(0.0);
        plan.metric = self.metric.map_or(0, |metric| metric as i32);
        plan.policy = self.policy as i32;
        plan.freeze_gradient = self.freeze_gradient as i32;
        plan.weighting = self.weighting as i32;
        plan.scope = self.scope as i32;
        plan.unit = self.unit as i32;
        plan.base = self.base as i32;
        plan.linkage = self.linkage as i32;
        plan.keep = self.keep as i32;
        plan.max_group = self.max_group;
        plan.alignment = self.alignment as i32;
        let flags = [
            (self.threshold.is_some(), LFUSE_PLAN_FLAG_THRESHOLD),
            (self.rescale, LFUSE_PLAN_FLAG_RESCALE),
            (self.include_ends, LFUSE_PLAN_FLAG_INCLUDE_ENDS),
            (self.skip_unequal, LFUSE_PLAN_FLAG_SKIP_UNEQUAL),
            (self.contents, LFUSE_PLAN_FLAG_CONTENTS),
        ];
        plan.flags = flags.iter().filter(|flag| flag.0).map(|flag| flag.1).sum();
    }
}
