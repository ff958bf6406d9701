// Written by scripts/rust-bindings from include/layerfuse/*.h. Do not edit.
use std::marker::{PhantomData, PhantomPinned};
use std::os::raw::{c_char, c_void};

// activation.h
pub const LFUSE_GELU_TANH: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_activation_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub up: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub dup: *mut f32,
    pub rows: i64,
    pub columns: i64,
    pub x_stride: i64,
    pub y_stride: i64,
    pub flags: u32,
    pub reserved: i32,
}

// attention.h
pub const LFUSE_ATTENTION_CAUSAL: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_attention_args {
    pub struct_size: usize,
    pub q: *const f32,
    pub k: *const f32,
    pub v: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub statistics: *mut f32,
    pub dq: *mut f32,
    pub dk: *mut f32,
    pub dv: *mut f32,
    pub batch: i64,
    pub tokens: i64,
    pub keys: i64,
    pub heads: i64,
    pub kv_heads: i64,
    pub head_dim: i64,
    pub q_stride: i64,
    pub k_stride: i64,
    pub v_stride: i64,
    pub y_stride: i64,
    pub q_batch_stride: i64,
    pub k_batch_stride: i64,
    pub v_batch_stride: i64,
    pub y_batch_stride: i64,
    pub scale: f64,
    pub flags: u32,
    pub reserved: i32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
}

// batch_norm.h
pub const LFUSE_BATCH_NORM_RELU: u32 = 1;
pub const LFUSE_BATCH_NORM_ACCUMULATE: u32 = 2;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_batch_norm_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub scale: *const f32,
    pub shift: *const f32,
    pub residual: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub dresidual: *mut f32,
    pub dscale: *mut f32,
    pub dshift: *mut f32,
    pub running_mean: *mut f32,
    pub running_variance: *mut f32,
    pub saved_mean: *mut f32,
    pub saved_inverse: *mut f32,
    pub batch: i64,
    pub channels: i64,
    pub pixels: i64,
    pub epsilon: f64,
    pub momentum: f64,
    pub layout: lfuse_layout,
    pub flags: u32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
}

// checkpoint.h
pub const LFUSE_CHECKPOINT_SKIP_UNSUPPORTED: u32 = 1;
pub const LFUSE_CHECKPOINT_RESIDUALS_APART: u32 = 2;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_checkpoint_open_options {
    pub struct_size: usize,
    pub max_header_bytes: usize,
    pub max_bank_bytes: usize,
    pub flags: u32,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_checkpoint_entry {
    pub name: *const c_char,
    pub tensor: *const lfuse_tensor,
    pub owner: *const c_char,
}
pub type lfuse_checkpoint_fill = Option<unsafe extern "C" fn(user: *mut c_void, index: i64, first: i64, count: i64, out: *mut c_void) -> i32>;
pub const LFUSE_FILL_NONE: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_checkpoint_save_options {
    pub struct_size: usize,
    pub metadata: *const *const c_char,
    pub metadata_count: i64,
    pub mode: lfuse_save_mode,
    pub reserved: i32,
    pub fill: lfuse_checkpoint_fill,
    pub fill_user: *mut c_void,
    pub banks: *const lfuse_checkpoint_bank,
    pub bank_count: i64,
    pub carried: *const lfuse_checkpoint,
    pub carried_file: i64,
    pub residuals: *const lfuse_checkpoint_residual_entry,
    pub residual_count: i64,
}

// cka.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_cka_options {
    pub struct_size: usize,
    pub exponents: *const i32,
}

// context.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_context_options {
    pub struct_size: usize,
    pub allocator: lfuse_allocator,
    pub executor: lfuse_executor,
    pub log: lfuse_log,
    pub log_user: *mut c_void,
    pub progress: lfuse_progress,
    pub progress_user: *mut c_void,
    pub seed: u64,
    pub threads: i32,
    pub isa: lfuse_isa,
}

// conv2d.h
pub const LFUSE_CONV2D_ACCUMULATE: u32 = 1;
pub const LFUSE_CONV2D_RELU: u32 = 2;
pub type lfuse_conv2d_algorithm = i32;
pub const LFUSE_CONV2D_DIRECT: lfuse_conv2d_algorithm = 1;
pub const LFUSE_CONV2D_WINOGRAD: lfuse_conv2d_algorithm = 2;
pub const LFUSE_CONV2D_WINOGRAD_2X2: lfuse_conv2d_algorithm = 3;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_conv2d_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub w: *const f32,
    pub bias: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub dw: *mut f32,
    pub dbias: *mut f32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
    pub batch: i64,
    pub in_channels: i64,
    pub height: i64,
    pub width: i64,
    pub out_channels: i64,
    pub kernel_h: i64,
    pub kernel_w: i64,
    pub stride_h: i64,
    pub stride_w: i64,
    pub pad_top: i64,
    pub pad_bottom: i64,
    pub pad_left: i64,
    pub pad_right: i64,
    pub dilation_h: i64,
    pub dilation_w: i64,
    pub groups: i64,
    pub layout: lfuse_layout,
    pub flags: u32,
    pub algorithm: lfuse_conv2d_algorithm,
    pub reserved_1: i32,
    pub scale: *const f32,
    pub shift: *const f32,
    pub residual: *const f32,
    pub packed: *const lfuse_packed,
}

// couplings.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_coupling {
    pub struct_size: usize,
    pub layer: *const c_char,
    pub parameter: *const c_char,
    pub head_group: i64,
    pub repeat: i64,
    pub offset: i64,
    pub extent: i64,
    pub axis: i32,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_match_args {
    pub struct_size: usize,
    pub layers: *const *const lfuse_layer,
    pub count: i64,
    pub a: i64,
    pub b: i64,
    pub likeness: *const f64,
}

// curve.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_inflection {
    pub struct_size: usize,
    pub x: f64,
    pub y: f64,
    pub x_low: f64,
    pub x_high: f64,
    pub slope_before: f64,
    pub slope_after: f64,
    pub residual: f64,
    pub line_residual: f64,
}

// dropout.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_dropout_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub count: i64,
    pub probability: f64,
    pub seed: u64,
    pub stream: u64,
}

// embedding.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_embedding_args {
    pub struct_size: usize,
    pub ids: *const i32,
    pub table: *const f32,
    pub positions: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dtable: *mut f32,
    pub dpositions: *mut f32,
    pub rows: i64,
    pub width: i64,
    pub vocabulary: i64,
    pub tokens: i64,
    pub position_count: i64,
    pub first_position: i64,
}

// gemm.h
pub const LFUSE_GEMM_TRANSPOSE_A: u32 = 1;
pub const LFUSE_GEMM_TRANSPOSE_B: u32 = 2;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_gemm_args {
    pub struct_size: usize,
    pub a: *const f32,
    pub b: *const f32,
    pub c: *mut f32,
    pub m: i64,
    pub n: i64,
    pub k: i64,
    pub lda: i64,
    pub ldb: i64,
    pub ldc: i64,
    pub alpha: f32,
    pub beta: f32,
    pub flags: u32,
    pub reserved: i32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
}

// layer.h
pub const LFUSE_MAX_STATE: u32 = 4;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_layer_desc {
    pub struct_size: usize,
    pub name: *const c_char,
    pub param_type: *const c_char,
    pub kind: lfuse_layer_kind,
    pub position: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_parameter {
    pub struct_size: usize,
    pub layer: *const c_char,
    pub name: *const c_char,
    pub value: *mut lfuse_tensor,
    pub gradient: *mut lfuse_tensor,
    pub state: [*mut lfuse_tensor; 4],
    pub role: lfuse_role,
    pub output_axis: i32,
}

// layer_norm.h
pub const LFUSE_LAYER_NORM_ACCUMULATE: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_layer_norm_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub residual: *const f32,
    pub gamma: *const f32,
    pub beta: *const f32,
    pub dy: *const f32,
    pub dsum: *const f32,
    pub sum: *mut f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub dgamma: *mut f32,
    pub dbeta: *mut f32,
    pub mean: *mut f32,
    pub inv_std: *mut f32,
    pub rows: i64,
    pub columns: i64,
    pub epsilon: f64,
    pub flags: u32,
    pub reserved: i32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
}

// linear.h
pub const LFUSE_LINEAR_ACCUMULATE: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_linear_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub w: *const f32,
    pub bias: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub dw: *mut f32,
    pub dbias: *mut f32,
    pub batch: i64,
    pub in_features: i64,
    pub out_features: i64,
    pub flags: u32,
    pub reserved: i32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
}

// linear_residual.h
pub const LFUSE_LINEAR_RESIDUAL_ACCUMULATE: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_linear_residual_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub w: *const f32,
    pub a: *const f32,
    pub b: *const f32,
    pub bias: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub dw: *mut f32,
    pub da: *mut f32,
    pub db: *mut f32,
    pub dbias: *mut f32,
    pub batch: i64,
    pub in_features: i64,
    pub out_features: i64,
    pub rank: i64,
    pub flags: u32,
    pub reserved: i32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
}

// loss.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_cross_entropy_args {
    pub struct_size: usize,
    pub logits: *const f32,
    pub labels: *const i32,
    pub dlogits: *mut f32,
    pub batch: i64,
    pub classes: i64,
    pub loss: *mut f64,
    pub correct: *mut i64,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_distillation_args {
    pub struct_size: usize,
    pub logits: *const f32,
    pub teacher: *const f32,
    pub labels: *const i32,
    pub dlogits: *mut f32,
    pub batch: i64,
    pub classes: i64,
    pub temperature: f64,
    pub weight: f64,
    pub smoothing: f64,
    pub loss: *mut f64,
    pub correct: *mut i64,
}
pub const LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_linear_cross_entropy_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub w: *const f32,
    pub labels: *const i32,
    pub dx: *mut f32,
    pub dw: *mut f32,
    pub rows: i64,
    pub width: i64,
    pub vocabulary: i64,
    pub loss: *mut f64,
    pub correct: *mut i64,
    pub counted: *mut i64,
    pub flags: u32,
    pub reserved: i32,
    pub workspace: *mut c_void,
    pub workspace_bytes: usize,
}

// packed.h
pub const LFUSE_PACKED_FORWARD: u32 = 1;
pub const LFUSE_PACKED_BACKWARD_DATA: u32 = 2;

// plan.h
pub const LFUSE_PLAN_FLAG_THRESHOLD: u32 = 1;
pub const LFUSE_PLAN_FLAG_RESCALE: u32 = 2;
pub const LFUSE_PLAN_FLAG_INCLUDE_ENDS: u32 = 4;
pub const LFUSE_PLAN_FLAG_SKIP_UNEQUAL: u32 = 8;
pub const LFUSE_PLAN_FLAG_CONTENTS: u32 = 16;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_plan_options {
    pub struct_size: usize,
    pub ratio: f64,
    pub top_k: i64,
    pub similarity: *const lfuse_similarity_options,
    pub in_force: *const lfuse_ties,
    pub max_unique_bytes: usize,
    pub threshold: f64,
    pub rules: *const lfuse_plan_rule,
    pub rule_count: i64,
    pub couplings: *const lfuse_couplings,
    pub importance: *const f64,
    pub metric: lfuse_metric,
    pub policy: lfuse_policy,
    pub freeze_gradient: lfuse_freeze_gradient,
    pub weighting: lfuse_weighting,
    pub scope: lfuse_scope,
    pub unit: lfuse_unit,
    pub base: lfuse_base,
    pub linkage: lfuse_linkage,
    pub max_group: i32,
    pub keep: lfuse_keep,
    pub alignment: lfuse_alignment,
    pub flags: u32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_fusion {
    pub struct_size: usize,
    pub a: i64,
    pub b: i64,
    pub kept: i64,
    pub score: f64,
    pub saved_parameters: i64,
    pub ratio: f64,
    pub gamma: f64,
    pub row_a: i64,
    pub row_b: i64,
    pub row_kept: i64,
    pub weight: i32,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_account {
    pub struct_size: usize,
    pub candidates_logical: i64,
    pub candidates_unique: i64,
    pub all_logical: i64,
    pub all_unique: i64,
    pub all_unique_bytes: usize,
    pub ratio: f64,
    pub base: lfuse_base,
    pub reserved: i32,
    pub candidates_unique_bytes: usize,
    pub index_bytes: usize,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_planned_weight {
    pub struct_size: usize,
    pub name: *const c_char,
    pub dims: [i64; 8],
    pub rank: i32,
    pub dtype: lfuse_dtype,
    pub output_axis: i32,
    pub reserved: i32,
}

// plan_file.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_plan_load_options {
    pub struct_size: usize,
    pub max_bytes: usize,
    pub layers: *const *const lfuse_layer,
    pub count: i64,
}

// pool2d.h
pub type lfuse_pool = i32;
pub const LFUSE_POOL_AVERAGE: lfuse_pool = 1;
pub const LFUSE_POOL_MAX: lfuse_pool = 2;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_pool2d_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub batch: i64,
    pub channels: i64,
    pub height: i64,
    pub width: i64,
    pub kernel_h: i64,
    pub kernel_w: i64,
    pub stride_h: i64,
    pub stride_w: i64,
    pub pad_top: i64,
    pub pad_bottom: i64,
    pub pad_left: i64,
    pub pad_right: i64,
    pub pool: lfuse_pool,
    pub layout: lfuse_layout,
}

// residual.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_residual_options {
    pub struct_size: usize,
    pub rank: i64,
    pub energy: f64,
}

// resume.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_retrainer_save_options {
    pub struct_size: usize,
    pub caller: *const c_void,
    pub caller_bytes: usize,
}

// retrainer.h
pub const LFUSE_RETRAINER_FLAG_STEPS: u32 = 1;
pub const LFUSE_RETRAINER_FLAG_TOLERANCE: u32 = 2;
pub const LFUSE_RETRAINER_FLAG_EACH: u32 = 4;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_retrainer_options {
    pub struct_size: usize,
    pub plan: *const lfuse_plan_options,
    pub ties: *const lfuse_ties_options,
    pub fusions: i32,
    pub interval: i32,
    pub schedule: lfuse_schedule,
    pub flags: u32,
    pub custom: lfuse_schedule_custom,
    pub custom_user: *mut c_void,
    pub decay: f64,
    pub pairs: i64,
    pub repair: lfuse_repair,
    pub repair_user: *mut c_void,
    pub tolerance: f64,
    pub baseline: f64,
    pub grace: i32,
    pub rollbacks: i32,
    pub lead: i32,
    pub mix: i32,
}

// rotary.h
pub const LFUSE_ROTARY_INTERLEAVED: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_rotary_args {
    pub struct_size: usize,
    pub x: *const f32,
    pub dy: *const f32,
    pub y: *mut f32,
    pub dx: *mut f32,
    pub batch: i64,
    pub tokens: i64,
    pub heads: i64,
    pub head_dim: i64,
    pub x_stride: i64,
    pub y_stride: i64,
    pub x_batch_stride: i64,
    pub y_batch_stride: i64,
    pub position: i64,
    pub base: f64,
    pub flags: u32,
    pub reserved: i32,
}

// search.h
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_search_options {
    pub struct_size: usize,
    pub plan: *const lfuse_plan_options,
    pub evaluate: lfuse_evaluate,
    pub evaluate_user: *mut c_void,
    pub repair: lfuse_repair,
    pub repair_user: *mut c_void,
    pub tolerance: f64,
}

// similarity.h
pub const LFUSE_BLOCK_WHOLE: i32 = -1;
pub const LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS: u32 = 1;
pub const LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY: u32 = 2;
pub const LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC: u32 = 4;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_similarity_options {
    pub struct_size: usize,
    pub block: i64,
    pub metric: lfuse_metric,
    pub output_axis: i32,
    pub ridge: f64,
    pub bandwidth: f64,
    pub exponent: f64,
    pub regularisation: f64,
    pub projections: i64,
    pub centroids: i64,
    pub iterations: i64,
    pub seed: u64,
    pub max_bytes: usize,
    pub flags: u32,
    pub unequal: lfuse_unequal,
    pub custom: lfuse_metric_custom,
    pub custom_user: *mut c_void,
    pub failed: lfuse_similarity_failed,
    pub failed_user: *mut c_void,
    pub gather: lfuse_gather,
    pub gather_user: *mut c_void,
    pub rank: i32,
    pub ranks: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_metric_properties {
    pub struct_size: usize,
    pub name: *const c_char,
    pub cost: *const c_char,
    pub is_distance: i32,
    pub is_symmetric: i32,
    pub needs_equal_rows: i32,
    pub needs_equal_columns: i32,
}

// tensor.h
pub const LFUSE_MAX_RANK: u32 = 8;
pub type lfuse_release = Option<unsafe extern "C" fn(data: *mut c_void, user: *mut c_void)>;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_tensor_desc {
    pub struct_size: usize,
    pub data: *mut c_void,
    pub dims: *const i64,
    pub strides: *const i64,
    pub release: lfuse_release,
    pub release_user: *mut c_void,
    pub dtype: lfuse_dtype,
    pub rank: i32,
}

// ties.h
pub type lfuse_rebind = Option<unsafe extern "C" fn(layer: *const c_char, parameter: *const c_char, new_data: *mut c_void, user: *mut c_void) -> i32>;
pub const LFUSE_TIES_KEEP_ORIGINALS: u32 = 1;
pub const LFUSE_TIES_MIRROR: u32 = 2;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_ties_options {
    pub struct_size: usize,
    pub rebind: lfuse_rebind,
    pub rebind_user: *mut c_void,
    pub flags: u32,
    pub gradients: lfuse_gradients,
    pub combine: lfuse_combine,
    pub reserved: i32,
    pub merge: lfuse_policy_merge,
    pub merge_user: *mut c_void,
}

// types.h
pub type lfuse_status = i32;
pub const LFUSE_OK: lfuse_status = 0;
pub const LFUSE_ERR_ARGUMENT: lfuse_status = -1;
pub const LFUSE_ERR_SHAPE: lfuse_status = -2;
pub const LFUSE_ERR_TYPE: lfuse_status = -3;
pub const LFUSE_ERR_STATE: lfuse_status = -4;
pub const LFUSE_ERR_UNSUPPORTED: lfuse_status = -5;
pub const LFUSE_ERR_NAME: lfuse_status = -6;
pub const LFUSE_ERR_UNREACHABLE: lfuse_status = -7;
pub const LFUSE_ERR_NO_MEMORY: lfuse_status = -10;
pub const LFUSE_ERR_OVERFLOW: lfuse_status = -11;
pub const LFUSE_ERR_THREAD: lfuse_status = -12;
pub const LFUSE_ERR_DEGENERATE: lfuse_status = -20;
pub const LFUSE_ERR_NOT_FINITE: lfuse_status = -21;
pub const LFUSE_ERR_IO: lfuse_status = -30;
pub const LFUSE_ERR_FORMAT: lfuse_status = -31;
pub const LFUSE_ERR_CANCELLED: lfuse_status = -40;
pub const LFUSE_ERR_CALLBACK: lfuse_status = -41;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_error {
    pub status: lfuse_status,
    pub detail: i32,
    pub message: [c_char; 248],
}
pub type lfuse_dtype = i32;
pub const LFUSE_F32: lfuse_dtype = 1;
pub const LFUSE_F64: lfuse_dtype = 2;
pub const LFUSE_F16: lfuse_dtype = 3;
pub const LFUSE_BF16: lfuse_dtype = 4;
pub type lfuse_layout = i32;
pub const LFUSE_LAYOUT_NCHW: lfuse_layout = 1;
pub const LFUSE_LAYOUT_NHWC: lfuse_layout = 2;
pub type lfuse_isa = i32;
pub const LFUSE_ISA_BEST: lfuse_isa = 0;
pub const LFUSE_ISA_SCALAR: lfuse_isa = 1;
pub const LFUSE_ISA_AVX2: lfuse_isa = 2;
pub const LFUSE_ISA_AVX512: lfuse_isa = 3;
pub type lfuse_metric = i32;
pub const LFUSE_METRIC_EUCLIDEAN: lfuse_metric = 1;
pub const LFUSE_METRIC_COSINE: lfuse_metric = 2;
pub const LFUSE_METRIC_COVARIANCE: lfuse_metric = 3;
pub const LFUSE_METRIC_LINEAR_CKA: lfuse_metric = 4;
pub const LFUSE_METRIC_PROCRUSTES: lfuse_metric = 5;
pub const LFUSE_METRIC_WASSERSTEIN_GAUSSIAN: lfuse_metric = 6;
pub const LFUSE_METRIC_KL: lfuse_metric = 7;
pub const LFUSE_METRIC_JS: lfuse_metric = 8;
pub const LFUSE_METRIC_RBF_CKA: lfuse_metric = 9;
pub const LFUSE_METRIC_DEBIASED_CKA: lfuse_metric = 10;
pub const LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT: lfuse_metric = 11;
pub const LFUSE_METRIC_WASSERSTEIN_CENTROID: lfuse_metric = 12;
pub const LFUSE_METRIC_WASSERSTEIN_SLICED: lfuse_metric = 13;
pub const LFUSE_METRIC_SINKHORN: lfuse_metric = 14;
pub const LFUSE_METRIC_CUSTOM: lfuse_metric = 15;
pub type lfuse_unequal = i32;
pub const LFUSE_UNEQUAL_REFUSE: lfuse_unequal = 1;
pub const LFUSE_UNEQUAL_SUBSAMPLE: lfuse_unequal = 2;
pub const LFUSE_UNEQUAL_DROP_SMALLEST: lfuse_unequal = 3;
pub type lfuse_policy = i32;
pub const LFUSE_POLICY_AVERAGE: lfuse_policy = 1;
pub const LFUSE_POLICY_FREEZE: lfuse_policy = 2;
pub const LFUSE_POLICY_RANDOM: lfuse_policy = 3;
pub const LFUSE_POLICY_JS: lfuse_policy = 4;
pub const LFUSE_POLICY_CUSTOM: lfuse_policy = 5;
pub type lfuse_weighting = i32;
pub const LFUSE_WEIGHTING_EQUAL: lfuse_weighting = 1;
pub const LFUSE_WEIGHTING_NORM: lfuse_weighting = 2;
pub const LFUSE_WEIGHTING_IMPORTANCE: lfuse_weighting = 3;
pub type lfuse_freeze_gradient = i32;
pub const LFUSE_FREEZE_BOTH: lfuse_freeze_gradient = 1;
pub const LFUSE_FREEZE_DROPPED: lfuse_freeze_gradient = 2;
pub type lfuse_scope = i32;
pub const LFUSE_SCOPE_GLOBAL: lfuse_scope = 1;
pub const LFUSE_SCOPE_ADJACENT: lfuse_scope = 2;
pub type lfuse_linkage = i32;
pub const LFUSE_LINKAGE_SINGLE: lfuse_linkage = 1;
pub const LFUSE_LINKAGE_AVERAGE: lfuse_linkage = 2;
pub const LFUSE_LINKAGE_COMPLETE: lfuse_linkage = 3;
pub const LFUSE_LINKAGE_MERGED: lfuse_linkage = 4;
pub type lfuse_unit = i32;
pub const LFUSE_UNIT_LAYER: lfuse_unit = 1;
pub const LFUSE_UNIT_ROW: lfuse_unit = 2;
pub type lfuse_base = i32;
pub const LFUSE_BASE_CANDIDATES: lfuse_base = 1;
pub const LFUSE_BASE_ALL: lfuse_base = 2;
pub type lfuse_keep = i32;
pub const LFUSE_KEEP_FARTHEST: lfuse_keep = 1;
pub const LFUSE_KEEP_NEAREST: lfuse_keep = 2;
pub const LFUSE_KEEP_FIRST: lfuse_keep = 3;
pub const LFUSE_KEEP_LAST: lfuse_keep = 4;
pub const LFUSE_KEEP_BY_DIRECTION: lfuse_keep = 5;
pub type lfuse_plan_action = i32;
pub const LFUSE_PLAN_ACTION_INCLUDE: lfuse_plan_action = 1;
pub const LFUSE_PLAN_ACTION_EXCLUDE: lfuse_plan_action = 2;
pub const LFUSE_PLAN_ACTION_PIN: lfuse_plan_action = 3;
pub const LFUSE_PLAN_ACTION_FORCE: lfuse_plan_action = 4;
pub type lfuse_alignment = i32;
pub const LFUSE_ALIGNMENT_NONE: lfuse_alignment = 1;
pub const LFUSE_ALIGNMENT_PERMUTATION: lfuse_alignment = 2;
pub type lfuse_layer_kind = i32;
pub const LFUSE_LAYER_OTHER: lfuse_layer_kind = 0;
pub const LFUSE_LAYER_CONV2D: lfuse_layer_kind = 1;
pub const LFUSE_LAYER_LINEAR: lfuse_layer_kind = 2;
pub const LFUSE_LAYER_NORM: lfuse_layer_kind = 3;
pub const LFUSE_LAYER_EMBEDDING: lfuse_layer_kind = 4;
pub type lfuse_role = i32;
pub const LFUSE_ROLE_WEIGHT: lfuse_role = 1;
pub const LFUSE_ROLE_BIAS: lfuse_role = 2;
pub const LFUSE_ROLE_NORM: lfuse_role = 3;
pub const LFUSE_ROLE_STATISTIC: lfuse_role = 4;
pub const LFUSE_ROLE_RESIDUAL: lfuse_role = 5;
pub type lfuse_gradients = i32;
pub const LFUSE_GRADIENTS_PER_POSITION: lfuse_gradients = 1;
pub const LFUSE_GRADIENTS_ACCUMULATED: lfuse_gradients = 2;
pub type lfuse_combine = i32;
pub const LFUSE_COMBINE_MEAN: lfuse_combine = 1;
pub const LFUSE_COMBINE_SUM: lfuse_combine = 2;
pub type lfuse_show = i32;
pub const LFUSE_SHOW_SOURCES: lfuse_show = 1;
pub const LFUSE_SHOW_MIX: lfuse_show = 2;
pub const LFUSE_SHOW_MEAN: lfuse_show = 3;
pub type lfuse_schedule = i32;
pub const LFUSE_SCHEDULE_UNIFORM: lfuse_schedule = 1;
pub const LFUSE_SCHEDULE_EXPONENTIAL: lfuse_schedule = 2;
pub const LFUSE_SCHEDULE_CUSTOM: lfuse_schedule = 3;
pub type lfuse_verdict = i32;
pub const LFUSE_VERDICT_CONTINUE: lfuse_verdict = 0;
pub const LFUSE_VERDICT_FUSED: lfuse_verdict = 1;
pub const LFUSE_VERDICT_DONE: lfuse_verdict = 2;
pub const LFUSE_VERDICT_ROLLED_BACK: lfuse_verdict = 3;
pub type lfuse_save_mode = i32;
pub const LFUSE_SAVE_DEDUP: lfuse_save_mode = 1;
pub const LFUSE_SAVE_EXPAND: lfuse_save_mode = 2;
pub type lfuse_log_level = i32;
pub const LFUSE_LOG_WARNING: lfuse_log_level = 1;
pub const LFUSE_LOG_INFO: lfuse_log_level = 2;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_allocator {
    pub alloc: Option<unsafe extern "C" fn(user: *mut c_void, size: usize, align: usize) -> *mut c_void>,
    pub release: Option<unsafe extern "C" fn(user: *mut c_void, ptr: *mut c_void, size: usize, align: usize)>,
    pub user: *mut c_void,
}
pub type lfuse_task = Option<unsafe extern "C" fn(arg: *mut c_void, index: i64)>;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_executor {
    pub parallel_for: Option<unsafe extern "C" fn(user: *mut c_void, count: i64, task: lfuse_task, arg: *mut c_void) -> i32>,
    pub user: *mut c_void,
    pub concurrency: i32,
    pub reserved: i32,
}
pub type lfuse_log = Option<unsafe extern "C" fn(level: lfuse_log_level, text: *const c_char, user: *mut c_void)>;
pub type lfuse_progress = Option<unsafe extern "C" fn(what: *const c_char, done: i64, total: i64, user: *mut c_void) -> i32>;
#[repr(C)]
pub struct lfuse_context {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_tensor {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_layer {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_couplings {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_packed {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_plan {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_preview {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_ties {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_retrainer {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_checkpoint {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_cka {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
pub struct lfuse_outputs {
    _opaque: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_plan_rule {
    pub pattern: *const c_char,
    pub action: lfuse_plan_action,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_matrix_view {
    pub data: *const c_void,
    pub rows: i64,
    pub columns: i64,
    pub row_stride: i64,
    pub column_stride: i64,
    pub dtype: lfuse_dtype,
    pub reserved: i32,
}
pub type lfuse_metric_custom = Option<unsafe extern "C" fn(user: *mut c_void, a: *const lfuse_matrix_view, b: *const lfuse_matrix_view, out: *mut f64) -> i32>;
pub type lfuse_policy_merge = Option<unsafe extern "C" fn(user: *mut c_void, members: *const lfuse_matrix_view, count: i64, merged: *mut f64) -> i32>;
pub type lfuse_schedule_custom = Option<unsafe extern "C" fn(user: *mut c_void, fusion: i32, fusions: i32) -> f64>;
pub type lfuse_evaluate = Option<unsafe extern "C" fn(user: *mut c_void, metric: *mut f64) -> i32>;
pub type lfuse_repair = Option<unsafe extern "C" fn(user: *mut c_void) -> i32>;
pub type lfuse_similarity_failed = Option<unsafe extern "C" fn(user: *mut c_void, i: i64, j: i64, error: *const lfuse_error) -> i32>;
pub type lfuse_gather = Option<unsafe extern "C" fn(user: *mut c_void, data: *mut c_void, first: *const usize) -> i32>;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_checkpoint_bank {
    pub name: *const c_char,
    pub entries: *const *const c_char,
    pub count: i64,
    pub output_axis: i32,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_checkpoint_residual_entry {
    pub weight: *const c_char,
    pub a: *const c_char,
    pub b: *const c_char,
    pub output_axis: i32,
    pub reserved: i32,
}

// update.h
pub const LFUSE_SGD_NESTEROV: u32 = 1;
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_sgd_args {
    pub struct_size: usize,
    pub value: *mut f32,
    pub gradient: *const f32,
    pub velocity: *mut f32,
    pub count: i64,
    pub learning_rate: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub flags: u32,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_adamw_args {
    pub struct_size: usize,
    pub value: *mut f32,
    pub gradient: *const f32,
    pub first: *mut f32,
    pub second: *mut f32,
    pub count: i64,
    pub step: i64,
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
    pub flags: u32,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_sgd_all_args {
    pub struct_size: usize,
    pub values: *const *mut f32,
    pub gradients: *const *const f32,
    pub velocities: *const *mut f32,
    pub counts: *const i64,
    pub parameters: i64,
    pub learning_rate: f64,
    pub momentum: f64,
    pub weight_decay: f64,
    pub max_norm: f64,
    pub norm: *mut f64,
    pub flags: u32,
    pub reserved: i32,
}
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct lfuse_adamw_all_args {
    pub struct_size: usize,
    pub values: *const *mut f32,
    pub gradients: *const *const f32,
    pub firsts: *const *mut f32,
    pub seconds: *const *mut f32,
    pub counts: *const i64,
    pub parameters: i64,
    pub step: i64,
    pub learning_rate: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub epsilon: f64,
    pub weight_decay: f64,
    pub max_norm: f64,
    pub norm: *mut f64,
    pub flags: u32,
    pub reserved: i32,
}
pub const LAYERFUSE_VERSION_MAJOR: i32 = 0;
pub const LAYERFUSE_VERSION_MINOR: i32 = 1;

extern "C" {
    pub fn lfuse_activation_args_init(args: *mut lfuse_activation_args, size: usize);
    #[must_use]
    pub fn lfuse_gelu_forward(ctx: *mut lfuse_context, args: *const lfuse_activation_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_gelu_backward(ctx: *mut lfuse_context, args: *const lfuse_activation_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_silu_forward(ctx: *mut lfuse_context, args: *const lfuse_activation_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_silu_backward(ctx: *mut lfuse_context, args: *const lfuse_activation_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_swiglu_forward(ctx: *mut lfuse_context, args: *const lfuse_activation_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_swiglu_backward(ctx: *mut lfuse_context, args: *const lfuse_activation_args, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_attention_args_init(args: *mut lfuse_attention_args, size: usize);
    #[must_use]
    pub fn lfuse_attention_forward(ctx: *mut lfuse_context, args: *const lfuse_attention_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_attention_backward(ctx: *mut lfuse_context, args: *const lfuse_attention_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_attention_workspace(ctx: *mut lfuse_context, args: *const lfuse_attention_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_batch_norm_args_init(args: *mut lfuse_batch_norm_args, size: usize);
    #[must_use]
    pub fn lfuse_batch_norm_training(ctx: *mut lfuse_context, args: *const lfuse_batch_norm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_batch_norm_inference(ctx: *mut lfuse_context, args: *const lfuse_batch_norm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_batch_norm_backward(ctx: *mut lfuse_context, args: *const lfuse_batch_norm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_batch_norm_workspace(ctx: *mut lfuse_context, args: *const lfuse_batch_norm_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_checkpoint_open_options_init(options: *mut lfuse_checkpoint_open_options, size: usize);
    #[must_use]
    pub fn lfuse_checkpoint_open(ctx: *mut lfuse_context, path: *const c_char, options: *const lfuse_checkpoint_open_options, checkpoint: *mut *mut lfuse_checkpoint, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_checkpoint_close(checkpoint: *mut lfuse_checkpoint);
    pub fn lfuse_checkpoint_count(checkpoint: *const lfuse_checkpoint) -> i64;
    pub fn lfuse_checkpoint_name(checkpoint: *const lfuse_checkpoint, index: i64) -> *const c_char;
    pub fn lfuse_checkpoint_tensor(checkpoint: *const lfuse_checkpoint, index: i64) -> *const lfuse_tensor;
    pub fn lfuse_checkpoint_owner(checkpoint: *const lfuse_checkpoint, index: i64) -> i64;
    pub fn lfuse_checkpoint_find(checkpoint: *const lfuse_checkpoint, name: *const c_char) -> i64;
    pub fn lfuse_checkpoint_file(checkpoint: *const lfuse_checkpoint, index: i64) -> i64;
    pub fn lfuse_checkpoint_file_count(checkpoint: *const lfuse_checkpoint) -> i64;
    pub fn lfuse_checkpoint_file_name(checkpoint: *const lfuse_checkpoint, file: i64) -> *const c_char;
    pub fn lfuse_checkpoint_metadata(checkpoint: *const lfuse_checkpoint, key: *const c_char) -> *const c_char;
    pub fn lfuse_checkpoint_metadata_count(checkpoint: *const lfuse_checkpoint) -> i64;
    pub fn lfuse_checkpoint_skipped_count(checkpoint: *const lfuse_checkpoint) -> i64;
    pub fn lfuse_checkpoint_skipped(checkpoint: *const lfuse_checkpoint, index: i64) -> *const c_char;
    pub fn lfuse_checkpoint_skipped_data(checkpoint: *const lfuse_checkpoint, index: i64, bytes: *mut usize) -> *const c_void;
    pub fn lfuse_checkpoint_skipped_type(checkpoint: *const lfuse_checkpoint, index: i64) -> *const c_char;
    pub fn lfuse_checkpoint_skipped_file(checkpoint: *const lfuse_checkpoint, index: i64) -> i64;
    pub fn lfuse_checkpoint_residual_count(checkpoint: *const lfuse_checkpoint) -> i64;
    pub fn lfuse_checkpoint_metadata_key(checkpoint: *const lfuse_checkpoint, index: i64) -> *const c_char;
    #[must_use]
    pub fn lfuse_checkpoint_residual(checkpoint: *const lfuse_checkpoint, index: i64, residual: *mut lfuse_checkpoint_residual_entry, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_checkpoint_save_options_init(options: *mut lfuse_checkpoint_save_options, size: usize);
    #[must_use]
    pub fn lfuse_checkpoint_save(ctx: *mut lfuse_context, path: *const c_char, entries: *const lfuse_checkpoint_entry, count: i64, options: *const lfuse_checkpoint_save_options, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_cka_options_init(options: *mut lfuse_cka_options, size: usize);
    #[must_use]
    pub fn lfuse_cka_create(ctx: *mut lfuse_context, count: i64, options: *const lfuse_cka_options, cka: *mut *mut lfuse_cka, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_cka_destroy(cka: *mut lfuse_cka);
    #[must_use]
    pub fn lfuse_cka_accumulate(cka: *mut lfuse_cka, activations: *const *const lfuse_tensor, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_cka_merge(into: *mut lfuse_cka, from: *const lfuse_cka, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_cka_result(cka: *const lfuse_cka, out: *mut f64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_cka_count(cka: *const lfuse_cka) -> i64;
    pub fn lfuse_cka_batches(cka: *const lfuse_cka) -> i64;
    pub fn lfuse_cka_sums(cka: *const lfuse_cka) -> *const f64;
    #[must_use]
    pub fn lfuse_cka_add_sums(cka: *mut lfuse_cka, sums: *const f64, batches: i64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_context_options_init(options: *mut lfuse_context_options, size: usize);
    #[must_use]
    pub fn lfuse_context_create(options: *const lfuse_context_options, ctx: *mut *mut lfuse_context, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_context_destroy(ctx: *mut lfuse_context);
    pub fn lfuse_context_isa(ctx: *const lfuse_context) -> lfuse_isa;
    pub fn lfuse_context_threads(ctx: *const lfuse_context) -> i32;
    pub fn lfuse_conv2d_args_init(args: *mut lfuse_conv2d_args, size: usize);
    #[must_use]
    pub fn lfuse_conv2d_forward(ctx: *mut lfuse_context, args: *const lfuse_conv2d_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_conv2d_backward_data(ctx: *mut lfuse_context, args: *const lfuse_conv2d_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_conv2d_backward_weights(ctx: *mut lfuse_context, args: *const lfuse_conv2d_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_conv2d_workspace(ctx: *mut lfuse_context, args: *const lfuse_conv2d_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_coupling_init(coupling: *mut lfuse_coupling, size: usize);
    pub fn lfuse_match_args_init(args: *mut lfuse_match_args, size: usize);
    #[must_use]
    pub fn lfuse_couplings_create(ctx: *mut lfuse_context, couplings: *mut *mut lfuse_couplings, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_couplings_parse(ctx: *mut lfuse_context, text: *const c_char, size: usize, couplings: *mut *mut lfuse_couplings, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_couplings_read(ctx: *mut lfuse_context, path: *const c_char, couplings: *mut *mut lfuse_couplings, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_couplings_destroy(couplings: *mut lfuse_couplings);
    #[must_use]
    pub fn lfuse_couplings_add_space(couplings: *mut lfuse_couplings, space: *mut i64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_couplings_add_member(couplings: *mut lfuse_couplings, space: i64, member: *const lfuse_coupling, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_couplings_add_preset(couplings: *mut lfuse_couplings, name: *const c_char, layers: *const *const lfuse_layer, count: i64, heads: i64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_couplings_space_count(couplings: *const lfuse_couplings) -> i64;
    pub fn lfuse_couplings_member_count(couplings: *const lfuse_couplings, space: i64) -> i64;
    #[must_use]
    pub fn lfuse_couplings_member(couplings: *const lfuse_couplings, space: i64, index: i64, member: *mut lfuse_coupling, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_couplings_units(couplings: *const lfuse_couplings, layers: *const *const lfuse_layer, count: i64, space: i64, units: *mut i64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_couplings_permute(couplings: *const lfuse_couplings, layers: *const *mut lfuse_layer, count: i64, space: i64, permutation: *const i64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_couplings_match(couplings: *const lfuse_couplings, args: *const lfuse_match_args, permutation: *mut i64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_inflection_init(result: *mut lfuse_inflection, size: usize);
    #[must_use]
    pub fn lfuse_curve_inflection(x: *const f64, y: *const f64, count: i64, result: *mut lfuse_inflection, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_dropout_args_init(args: *mut lfuse_dropout_args, size: usize);
    #[must_use]
    pub fn lfuse_dropout_forward(ctx: *mut lfuse_context, args: *const lfuse_dropout_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_dropout_backward(ctx: *mut lfuse_context, args: *const lfuse_dropout_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_relu_forward(ctx: *mut lfuse_context, x: *const f32, count: i64, y: *mut f32, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_relu_backward(ctx: *mut lfuse_context, y: *const f32, dy: *const f32, count: i64, dx: *mut f32, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_add(ctx: *mut lfuse_context, a: *const f32, b: *const f32, count: i64, y: *mut f32, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_embedding_args_init(args: *mut lfuse_embedding_args, size: usize);
    #[must_use]
    pub fn lfuse_embedding_forward(ctx: *mut lfuse_context, args: *const lfuse_embedding_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_embedding_backward(ctx: *mut lfuse_context, args: *const lfuse_embedding_args, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_gemm_args_init(args: *mut lfuse_gemm_args, size: usize);
    #[must_use]
    pub fn lfuse_gemm(ctx: *mut lfuse_context, args: *const lfuse_gemm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_gemm_workspace(ctx: *mut lfuse_context, args: *const lfuse_gemm_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_layer_desc_init(desc: *mut lfuse_layer_desc, size: usize);
    pub fn lfuse_parameter_init(parameter: *mut lfuse_parameter, size: usize);
    #[must_use]
    pub fn lfuse_layer_create(ctx: *mut lfuse_context, desc: *const lfuse_layer_desc, layer: *mut *mut lfuse_layer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_layer_add_parameter(layer: *mut lfuse_layer, parameter: *const lfuse_parameter, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_layer_wrap(ctx: *mut lfuse_context, desc: *const lfuse_layer_desc, weight: *const lfuse_tensor_desc, gradient: *const lfuse_tensor_desc, layer: *mut *mut lfuse_layer, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_layer_destroy(layer: *mut lfuse_layer);
    pub fn lfuse_layer_name(layer: *const lfuse_layer) -> *const c_char;
    pub fn lfuse_layer_param_type(layer: *const lfuse_layer) -> *const c_char;
    pub fn lfuse_layer_kind_of(layer: *const lfuse_layer) -> lfuse_layer_kind;
    pub fn lfuse_layer_position(layer: *const lfuse_layer) -> i32;
    pub fn lfuse_layer_parameter_count(layer: *const lfuse_layer) -> i32;
    #[must_use]
    pub fn lfuse_layer_parameter(layer: *const lfuse_layer, index: i32, parameter: *mut lfuse_parameter, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_layer_norm_args_init(args: *mut lfuse_layer_norm_args, size: usize);
    #[must_use]
    pub fn lfuse_layer_norm_forward(ctx: *mut lfuse_context, args: *const lfuse_layer_norm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_layer_norm_backward(ctx: *mut lfuse_context, args: *const lfuse_layer_norm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_rms_norm_forward(ctx: *mut lfuse_context, args: *const lfuse_layer_norm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_rms_norm_backward(ctx: *mut lfuse_context, args: *const lfuse_layer_norm_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_layer_norm_workspace(ctx: *mut lfuse_context, args: *const lfuse_layer_norm_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_linear_args_init(args: *mut lfuse_linear_args, size: usize);
    #[must_use]
    pub fn lfuse_linear_forward(ctx: *mut lfuse_context, args: *const lfuse_linear_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_backward_data(ctx: *mut lfuse_context, args: *const lfuse_linear_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_backward_weights(ctx: *mut lfuse_context, args: *const lfuse_linear_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_workspace(ctx: *mut lfuse_context, args: *const lfuse_linear_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_linear_residual_args_init(args: *mut lfuse_linear_residual_args, size: usize);
    #[must_use]
    pub fn lfuse_linear_residual_forward(ctx: *mut lfuse_context, args: *const lfuse_linear_residual_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_residual_backward_data(ctx: *mut lfuse_context, args: *const lfuse_linear_residual_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_residual_backward_weights(ctx: *mut lfuse_context, args: *const lfuse_linear_residual_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_residual_workspace(ctx: *mut lfuse_context, args: *const lfuse_linear_residual_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_cross_entropy_args_init(args: *mut lfuse_cross_entropy_args, size: usize);
    pub fn lfuse_distillation_args_init(args: *mut lfuse_distillation_args, size: usize);
    pub fn lfuse_linear_cross_entropy_args_init(args: *mut lfuse_linear_cross_entropy_args, size: usize);
    #[must_use]
    pub fn lfuse_softmax_cross_entropy(ctx: *mut lfuse_context, args: *const lfuse_cross_entropy_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_softmax_distillation(ctx: *mut lfuse_context, args: *const lfuse_distillation_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_cross_entropy(ctx: *mut lfuse_context, args: *const lfuse_linear_cross_entropy_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_linear_cross_entropy_workspace(ctx: *mut lfuse_context, args: *const lfuse_linear_cross_entropy_args, bytes: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_outputs_create(ctx: *mut lfuse_context, channels: i64, outputs: *mut *mut lfuse_outputs, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_outputs_destroy(outputs: *mut lfuse_outputs);
    #[must_use]
    pub fn lfuse_outputs_accumulate(outputs: *mut lfuse_outputs, batch: *const lfuse_tensor, axis: i32, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_outputs_merge(into: *mut lfuse_outputs, from: *const lfuse_outputs, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_outputs_samples(outputs: *const lfuse_outputs) -> i64;
    pub fn lfuse_outputs_means(outputs: *const lfuse_outputs) -> *const f64;
    pub fn lfuse_outputs_squares(outputs: *const lfuse_outputs) -> *const f64;
    #[must_use]
    pub fn lfuse_outputs_add(outputs: *mut lfuse_outputs, samples: i64, means: *const f64, squares: *const f64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_outputs_match(fused: *const lfuse_outputs, original: *const lfuse_outputs, scale: *mut f64, shift: *mut f64, constant: *mut i64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_conv2d_pack(ctx: *mut lfuse_context, args: *const lfuse_conv2d_args, directions: u32, packed: *mut *mut lfuse_packed, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_packed_refresh(packed: *mut lfuse_packed, w: *const f32, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_packed_bytes(packed: *const lfuse_packed) -> usize;
    pub fn lfuse_packed_destroy(packed: *mut lfuse_packed);
    pub fn lfuse_plan_options_init(options: *mut lfuse_plan_options, size: usize);
    pub fn lfuse_fusion_init(fusion: *mut lfuse_fusion, size: usize);
    pub fn lfuse_account_init(account: *mut lfuse_account, size: usize);
    #[must_use]
    pub fn lfuse_policy_from_name(name: *const c_char, policy: *mut lfuse_policy, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_policy_name(policy: lfuse_policy) -> *const c_char;
    #[must_use]
    pub fn lfuse_plan_build(ctx: *mut lfuse_context, layers: *const *const lfuse_layer, count: i64, options: *const lfuse_plan_options, plan: *mut *mut lfuse_plan, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_plan_destroy(plan: *mut lfuse_plan);
    pub fn lfuse_plan_fusion_count(plan: *const lfuse_plan) -> i64;
    #[must_use]
    pub fn lfuse_plan_fusion(plan: *const lfuse_plan, index: i64, fusion: *mut lfuse_fusion, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_plan_layer_count(plan: *const lfuse_plan) -> i64;
    pub fn lfuse_plan_layer_name(plan: *const lfuse_plan, index: i64) -> *const c_char;
    pub fn lfuse_planned_weight_init(weight: *mut lfuse_planned_weight, size: usize);
    pub fn lfuse_plan_owner(plan: *const lfuse_plan, index: i64) -> i64;
    pub fn lfuse_plan_layer_type(plan: *const lfuse_plan, index: i64) -> *const c_char;
    pub fn lfuse_plan_weight_count(plan: *const lfuse_plan, index: i64) -> i32;
    #[must_use]
    pub fn lfuse_plan_weight(plan: *const lfuse_plan, index: i64, weight: i32, out: *mut lfuse_planned_weight, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_plan_group_count(plan: *const lfuse_plan) -> i64;
    pub fn lfuse_plan_group_size(plan: *const lfuse_plan, group: i64) -> i64;
    pub fn lfuse_plan_group_member(plan: *const lfuse_plan, group: i64, member: i64) -> i64;
    pub fn lfuse_plan_group_kept(plan: *const lfuse_plan, group: i64) -> i64;
    pub fn lfuse_plan_skipped_count(plan: *const lfuse_plan) -> i64;
    pub fn lfuse_plan_skipped(plan: *const lfuse_plan, index: i64) -> i64;
    pub fn lfuse_plan_skipped_reason(plan: *const lfuse_plan, index: i64) -> *const c_char;
    pub fn lfuse_plan_row_owner(plan: *const lfuse_plan, layer: i64, weight: i32, row: i64, owner_row: *mut i64) -> i64;
    pub fn lfuse_plan_permutation_count(plan: *const lfuse_plan) -> i64;
    pub fn lfuse_plan_permutation(plan: *const lfuse_plan, index: i64, space: *mut i64, units: *mut i64) -> *const i64;
    pub fn lfuse_plan_permutation_member_count(plan: *const lfuse_plan, index: i64) -> i64;
    #[must_use]
    pub fn lfuse_plan_permutation_member(plan: *const lfuse_plan, index: i64, member: i64, out: *mut lfuse_coupling, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_plan_account(plan: *const lfuse_plan, account: *mut lfuse_account, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_plan_load_options_init(options: *mut lfuse_plan_load_options, size: usize);
    #[must_use]
    pub fn lfuse_plan_to_json(plan: *const lfuse_plan, text: *mut c_char, size: usize, needed: *mut usize, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_plan_save(plan: *const lfuse_plan, path: *const c_char, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_plan_from_json(ctx: *mut lfuse_context, text: *const c_char, size: usize, options: *const lfuse_plan_load_options, plan: *mut *mut lfuse_plan, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_plan_load(ctx: *mut lfuse_context, path: *const c_char, options: *const lfuse_plan_load_options, plan: *mut *mut lfuse_plan, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_pool2d_args_init(args: *mut lfuse_pool2d_args, size: usize);
    #[must_use]
    pub fn lfuse_pool2d_forward(ctx: *mut lfuse_context, args: *const lfuse_pool2d_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_pool2d_backward(ctx: *mut lfuse_context, args: *const lfuse_pool2d_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_preview_create(ctx: *mut lfuse_context, plan: *const lfuse_plan, layers: *const *const lfuse_layer, count: i64, preview: *mut *mut lfuse_preview, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_preview_destroy(preview: *mut lfuse_preview);
    #[must_use]
    pub fn lfuse_preview_read(preview: *const lfuse_preview, layer: i64, weight: i32, first: i64, count: i64, out: *mut c_void, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_preview_read_parameter(preview: *const lfuse_preview, layer: i64, parameter: i32, first: i64, count: i64, out: *mut c_void, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_residual_options_init(options: *mut lfuse_residual_options, size: usize);
    #[must_use]
    pub fn lfuse_residual_fit(ctx: *mut lfuse_context, preview: *const lfuse_preview, layer: i64, weight: i32, options: *const lfuse_residual_options, a: *mut *mut lfuse_tensor, b: *mut *mut lfuse_tensor, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_retrainer_save_options_init(options: *mut lfuse_retrainer_save_options, size: usize);
    #[must_use]
    pub fn lfuse_retrainer_save(retrainer: *mut lfuse_retrainer, path: *const c_char, options: *const lfuse_retrainer_save_options, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_load(retrainer: *mut lfuse_retrainer, path: *const c_char, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_retrainer_caller(retrainer: *const lfuse_retrainer, bytes: *mut usize) -> *const c_void;
    pub fn lfuse_retrainer_options_init(options: *mut lfuse_retrainer_options, size: usize);
    #[must_use]
    pub fn lfuse_retrainer_create(ctx: *mut lfuse_context, layers: *const *mut lfuse_layer, count: i64, options: *const lfuse_retrainer_options, retrainer: *mut *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_retrainer_destroy(retrainer: *mut lfuse_retrainer);
    #[must_use]
    pub fn lfuse_retrainer_fuse(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_finalise(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_undo(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_begin_step(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_combine_gradients(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_end_step(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_abort_step(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_retrainer_parameter_count(retrainer: *const lfuse_retrainer) -> i64;
    #[must_use]
    pub fn lfuse_retrainer_parameter(retrainer: *const lfuse_retrainer, index: i64, parameter: *mut lfuse_parameter, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_begin_eval(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_end_eval(retrainer: *mut lfuse_retrainer, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_retrainer_probe(retrainer: *mut lfuse_retrainer, count: i64, evaluate: lfuse_evaluate, user: *mut c_void, metric: *mut f64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_retrainer_is_due(retrainer: *const lfuse_retrainer) -> i32;
    #[must_use]
    pub fn lfuse_retrainer_end_epoch(retrainer: *mut lfuse_retrainer, metric: f64, verdict: *mut lfuse_verdict, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_retrainer_ties(retrainer: *const lfuse_retrainer) -> *const lfuse_ties;
    pub fn lfuse_retrainer_plan(retrainer: *const lfuse_retrainer) -> *const lfuse_plan;
    pub fn lfuse_rotary_args_init(args: *mut lfuse_rotary_args, size: usize);
    #[must_use]
    pub fn lfuse_rotary_forward(ctx: *mut lfuse_context, args: *const lfuse_rotary_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_rotary_backward(ctx: *mut lfuse_context, args: *const lfuse_rotary_args, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_search_options_init(options: *mut lfuse_search_options, size: usize);
    #[must_use]
    pub fn lfuse_search_ratio(ties: *mut lfuse_ties, options: *const lfuse_search_options, plan: *mut *mut lfuse_plan, metric: *mut f64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_similarity_options_init(options: *mut lfuse_similarity_options, size: usize);
    pub fn lfuse_metric_properties_init(properties: *mut lfuse_metric_properties, size: usize);
    #[must_use]
    pub fn lfuse_metric_info(metric: lfuse_metric, properties: *mut lfuse_metric_properties, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_metric_from_name(name: *const c_char, metric: *mut lfuse_metric, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_similarity(ctx: *mut lfuse_context, a: *const lfuse_tensor, b: *const lfuse_tensor, options: *const lfuse_similarity_options, out: *mut f64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_similarity_assignment(ctx: *mut lfuse_context, a: *const lfuse_tensor, b: *const lfuse_tensor, options: *const lfuse_similarity_options, assignment: *mut i64, out: *mut f64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_similarity_matrix(ctx: *mut lfuse_context, layers: *const *const lfuse_layer, count: i64, options: *const lfuse_similarity_options, out: *mut f64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_status_name(status: lfuse_status) -> *const c_char;
    pub fn lfuse_tensor_desc_init(desc: *mut lfuse_tensor_desc, size: usize);
    #[must_use]
    pub fn lfuse_tensor_create(ctx: *mut lfuse_context, desc: *const lfuse_tensor_desc, tensor: *mut *mut lfuse_tensor, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_tensor_destroy(tensor: *mut lfuse_tensor);
    #[must_use]
    pub fn lfuse_tensor_copy(target: *mut lfuse_tensor, source: *const lfuse_tensor, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_tensor_dtype(tensor: *const lfuse_tensor) -> lfuse_dtype;
    pub fn lfuse_tensor_rank(tensor: *const lfuse_tensor) -> i32;
    pub fn lfuse_tensor_dim(tensor: *const lfuse_tensor, axis: i32) -> i64;
    pub fn lfuse_tensor_stride(tensor: *const lfuse_tensor, axis: i32) -> i64;
    pub fn lfuse_tensor_elements(tensor: *const lfuse_tensor) -> i64;
    pub fn lfuse_tensor_bytes(tensor: *const lfuse_tensor) -> usize;
    pub fn lfuse_tensor_data(tensor: *const lfuse_tensor) -> *mut c_void;
    pub fn lfuse_dtype_size(dtype: lfuse_dtype) -> usize;
    pub fn lfuse_dtype_name(dtype: lfuse_dtype) -> *const c_char;
    pub fn lfuse_ties_options_init(options: *mut lfuse_ties_options, size: usize);
    #[must_use]
    pub fn lfuse_ties_create(ctx: *mut lfuse_context, layers: *const *mut lfuse_layer, count: i64, options: *const lfuse_ties_options, ties: *mut *mut lfuse_ties, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_ties_destroy(ties: *mut lfuse_ties);
    #[must_use]
    pub fn lfuse_ties_apply(ties: *mut lfuse_ties, plan: *const lfuse_plan, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_ties_show(ties: *mut lfuse_ties, show: lfuse_show, step: i64, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_ties_finalise(ties: *mut lfuse_ties, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_ties_undo(ties: *mut lfuse_ties, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_ties_combine_gradients(ties: *mut lfuse_ties, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_ties_refresh(ties: *mut lfuse_ties, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_ties_owner(ties: *const lfuse_ties, index: i64) -> i64;
    pub fn lfuse_ties_row_owner(ties: *const lfuse_ties, layer: i64, weight: i32, row: i64, owner_row: *mut i64) -> i64;
    pub fn lfuse_ties_is_frozen(ties: *const lfuse_ties, index: i64) -> i32;
    #[must_use]
    pub fn lfuse_ties_account(ties: *const lfuse_ties, base: lfuse_base, account: *mut lfuse_account, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_ties_resident_bytes(ties: *const lfuse_ties) -> usize;
    pub fn lfuse_sgd_args_init(args: *mut lfuse_sgd_args, size: usize);
    #[must_use]
    pub fn lfuse_sgd(ctx: *mut lfuse_context, args: *const lfuse_sgd_args, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_adamw_args_init(args: *mut lfuse_adamw_args, size: usize);
    #[must_use]
    pub fn lfuse_adamw(ctx: *mut lfuse_context, args: *const lfuse_adamw_args, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_sgd_all_args_init(args: *mut lfuse_sgd_all_args, size: usize);
    pub fn lfuse_adamw_all_args_init(args: *mut lfuse_adamw_all_args, size: usize);
    #[must_use]
    pub fn lfuse_sgd_all(ctx: *mut lfuse_context, args: *const lfuse_sgd_all_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_adamw_all(ctx: *mut lfuse_context, args: *const lfuse_adamw_all_args, err: *mut lfuse_error) -> lfuse_status;
    #[must_use]
    pub fn lfuse_gradient_norm(ctx: *mut lfuse_context, gradients: *const *const f32, counts: *const i64, parameters: i64, norm: *mut f64, err: *mut lfuse_error) -> lfuse_status;
    pub fn lfuse_version() -> i32;
    pub fn lfuse_version_string() -> *const c_char;
}
