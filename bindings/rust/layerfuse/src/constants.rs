//! The enumerations of the contract.

use crate::handle;
use crate::{error, Result};
use layerfuse_sys::*;

macro_rules! enumerations {
    ($($(#[$about:meta])* $name:ident {
        $($(#[$default:meta])? $variant:ident = $value:ident,)*
    })*) => {
        $(
            $(#[$about])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
            #[non_exhaustive]
            #[repr(i32)]
            pub enum $name {
                $($(#[$default])? #[doc = concat!("`", stringify!($value), "`")]
                $variant = $value,)*
            }

            impl $name {
                #[allow(dead_code)]
                pub(crate) fn from_raw(value: i32) -> Option<Self> {
                    match value {
                        $($value => Some(Self::$variant),)*
                        _ => None,
                    }
                }
            }
        )*
    };
}

enumerations! {
    /// The type of a tensor's elements.
    Dtype { #[default] F32 = LFUSE_F32, F64 = LFUSE_F64, F16 = LFUSE_F16, Bf16 = LFUSE_BF16, }
    /// How activations lie in memory.
    Layout { #[default] Nchw = LFUSE_LAYOUT_NCHW, Nhwc = LFUSE_LAYOUT_NHWC, }
    /// An instruction set of the kernels.
    Isa {
        #[default] Best = LFUSE_ISA_BEST,
        Scalar = LFUSE_ISA_SCALAR,
        Avx2 = LFUSE_ISA_AVX2,
        Avx512 = LFUSE_ISA_AVX512,
    }
    /// How alike two layers are.
    Metric {
        #[default] Euclidean = LFUSE_METRIC_EUCLIDEAN,
        Cosine = LFUSE_METRIC_COSINE,
        Covariance = LFUSE_METRIC_COVARIANCE,
        LinearCka = LFUSE_METRIC_LINEAR_CKA,
        Procrustes = LFUSE_METRIC_PROCRUSTES,
        WassersteinGaussian = LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
        Kl = LFUSE_METRIC_KL,
        Js = LFUSE_METRIC_JS,
        RbfCka = LFUSE_METRIC_RBF_CKA,
        DebiasedCka = LFUSE_METRIC_DEBIASED_CKA,
        WassersteinAssignment = LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT,
        WassersteinCentroid = LFUSE_METRIC_WASSERSTEIN_CENTROID,
        WassersteinSliced = LFUSE_METRIC_WASSERSTEIN_SLICED,
        Sinkhorn = LFUSE_METRIC_SINKHORN,
        Custom = LFUSE_METRIC_CUSTOM,
    }
    /// What to do with weights of different sizes.
    Unequal {
        #[default] Refuse = LFUSE_UNEQUAL_REFUSE,
        Subsample = LFUSE_UNEQUAL_SUBSAMPLE,
        DropSmallest = LFUSE_UNEQUAL_DROP_SMALLEST,
    }
    /// What one set of weights is made of.
    Policy {
        #[default] Average = LFUSE_POLICY_AVERAGE,
        Freeze = LFUSE_POLICY_FREEZE,
        Random = LFUSE_POLICY_RANDOM,
        Js = LFUSE_POLICY_JS,
        Custom = LFUSE_POLICY_CUSTOM,
    }
    /// How much each member of a mean counts.
    Weighting {
        #[default] Equal = LFUSE_WEIGHTING_EQUAL,
        Norm = LFUSE_WEIGHTING_NORM,
        Importance = LFUSE_WEIGHTING_IMPORTANCE,
    }
    /// Which gradients the policy freeze drops.
    FreezeGradient { #[default] Both = LFUSE_FREEZE_BOTH, Dropped = LFUSE_FREEZE_DROPPED, }
    /// Which pairs may fuse.
    Scope { #[default] Global = LFUSE_SCOPE_GLOBAL, Adjacent = LFUSE_SCOPE_ADJACENT, }
    /// How alike two groups are.
    Linkage {
        #[default] Single = LFUSE_LINKAGE_SINGLE,
        Average = LFUSE_LINKAGE_AVERAGE,
        Complete = LFUSE_LINKAGE_COMPLETE,
        Merged = LFUSE_LINKAGE_MERGED,
    }
    /// What is fused.
    Unit { #[default] Layer = LFUSE_UNIT_LAYER, Row = LFUSE_UNIT_ROW, }
    /// What a ratio counts.
    Base { #[default] Candidates = LFUSE_BASE_CANDIDATES, All = LFUSE_BASE_ALL, }
    /// Whose buffer a group has.
    Keep {
        #[default] Farthest = LFUSE_KEEP_FARTHEST,
        Nearest = LFUSE_KEEP_NEAREST,
        First = LFUSE_KEEP_FIRST,
        Last = LFUSE_KEEP_LAST,
        ByDirection = LFUSE_KEEP_BY_DIRECTION,
    }
    /// What a rule does to the layers of its names.
    PlanAction {
        #[default] Include = LFUSE_PLAN_ACTION_INCLUDE,
        Exclude = LFUSE_PLAN_ACTION_EXCLUDE,
        Pin = LFUSE_PLAN_ACTION_PIN,
        Force = LFUSE_PLAN_ACTION_FORCE,
    }
    /// What is done about the order of units.
    Alignment {
        #[default] None = LFUSE_ALIGNMENT_NONE,
        Permutation = LFUSE_ALIGNMENT_PERMUTATION,
    }
    /// What a layer does.
    LayerKind {
        #[default] Other = LFUSE_LAYER_OTHER,
        Conv2d = LFUSE_LAYER_CONV2D,
        Linear = LFUSE_LAYER_LINEAR,
        Norm = LFUSE_LAYER_NORM,
        Embedding = LFUSE_LAYER_EMBEDDING,
    }
    /// What a parameter is in its layer.
    Role {
        #[default] Weight = LFUSE_ROLE_WEIGHT,
        Bias = LFUSE_ROLE_BIAS,
        Norm = LFUSE_ROLE_NORM,
        Statistic = LFUSE_ROLE_STATISTIC,
        Residual = LFUSE_ROLE_RESIDUAL,
    }
    /// What gradient buffers hold when they are combined.
    Gradients {
        #[default] PerPosition = LFUSE_GRADIENTS_PER_POSITION,
        Accumulated = LFUSE_GRADIENTS_ACCUMULATED,
    }
    /// One gradient out of those of a group's positions.
    Combine { #[default] Mean = LFUSE_COMBINE_MEAN, Sum = LFUSE_COMBINE_SUM, }
    /// What groups that mix show as weights.
    Show {
        #[default] Sources = LFUSE_SHOW_SOURCES,
        Mix = LFUSE_SHOW_MIX,
        Mean = LFUSE_SHOW_MEAN,
    }
    /// How the removed share grows from fusion to fusion.
    Schedule {
        #[default] Uniform = LFUSE_SCHEDULE_UNIFORM,
        Exponential = LFUSE_SCHEDULE_EXPONENTIAL,
        Custom = LFUSE_SCHEDULE_CUSTOM,
    }
    /// What the end of an epoch brought.
    Verdict {
        #[default] Continue = LFUSE_VERDICT_CONTINUE,
        Fused = LFUSE_VERDICT_FUSED,
        Done = LFUSE_VERDICT_DONE,
        RolledBack = LFUSE_VERDICT_ROLLED_BACK,
    }
    /// Whether a file stores shared tensors once.
    SaveMode { #[default] Dedup = LFUSE_SAVE_DEDUP, Expand = LFUSE_SAVE_EXPAND, }
    /// How much a message matters.
    LogLevel { #[default] Warning = LFUSE_LOG_WARNING, Info = LFUSE_LOG_INFO, }
}

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        // SAFETY: it takes a number.
        unsafe { lfuse_dtype_size(self as i32) }
    }

    /// "f32", "f64", "f16" or "bf16".
    pub fn name(self) -> &'static str {
        // SAFETY: a constant of the library.
        unsafe { handle::text(lfuse_dtype_name(self as i32)) }.unwrap_or("?")
    }
}

impl Metric {
    /// The metric of this name, such as "linear_cka".
    pub fn from_name(name: &str) -> Result<Metric> {
        let name = error::c_string(name, "name")?;
        let mut out = 0;
        // SAFETY: a string and room for a number.
        error::call(|err| unsafe { lfuse_metric_from_name(name.as_ptr(), &mut out, err) })?;
        Metric::from_raw(out).ok_or_else(|| newer("metric"))
    }
}

impl Policy {
    /// The policy of this name, such as "average".
    pub fn from_name(name: &str) -> Result<Policy> {
        let name = error::c_string(name, "name")?;
        let mut out = 0;
        // SAFETY: a string and room for a number.
        error::call(|err| unsafe { lfuse_policy_from_name(name.as_ptr(), &mut out, err) })?;
        Policy::from_raw(out).ok_or_else(|| newer("policy"))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        // SAFETY: a constant of the library.
        unsafe { handle::text(lfuse_policy_name(self as i32)) }.unwrap_or("?")
    }
}

/// A value that this crate does not know.
pub(crate) fn newer(what: &str) -> error::Error {
    error::Error::new(
        error::Status::UNSUPPORTED,
        format!("the library has a {what} that this crate does not know"),
    )
}
