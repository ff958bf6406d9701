"""The C contract as ctypes. Written by scripts/python-bindings from the headers: do not
edit."""

from ctypes import (CFUNCTYPE, Structure, c_char, c_char_p, c_double, c_float, c_int32,
                    c_int64, c_size_t, c_uint32, c_uint64, c_void_p)

VERSION = "0.1.0"

LFUSE_OK = 0
LFUSE_ERR_ARGUMENT = -1
LFUSE_ERR_SHAPE = -2
LFUSE_ERR_TYPE = -3
LFUSE_ERR_STATE = -4
LFUSE_ERR_UNSUPPORTED = -5
LFUSE_ERR_NAME = -6
LFUSE_ERR_UNREACHABLE = -7
LFUSE_ERR_NO_MEMORY = -10
LFUSE_ERR_OVERFLOW = -11
LFUSE_ERR_THREAD = -12
LFUSE_ERR_DEGENERATE = -20
LFUSE_ERR_NOT_FINITE = -21
LFUSE_ERR_IO = -30
LFUSE_ERR_FORMAT = -31
LFUSE_ERR_CANCELLED = -40
LFUSE_ERR_CALLBACK = -41
LFUSE_F32 = 1
LFUSE_F64 = 2
LFUSE_F16 = 3
LFUSE_BF16 = 4
LFUSE_LAYOUT_NCHW = 1
LFUSE_LAYOUT_NHWC = 2
LFUSE_ISA_BEST = 0
LFUSE_ISA_SCALAR = 1
LFUSE_ISA_AVX2 = 2
LFUSE_ISA_AVX512 = 3
LFUSE_METRIC_EUCLIDEAN = 1
LFUSE_METRIC_COSINE = 2
LFUSE_METRIC_COVARIANCE = 3
LFUSE_METRIC_LINEAR_CKA = 4
LFUSE_METRIC_PROCRUSTES = 5
LFUSE_METRIC_WASSERSTEIN_GAUSSIAN = 6
LFUSE_METRIC_KL = 7
LFUSE_METRIC_JS = 8
LFUSE_METRIC_RBF_CKA = 9
LFUSE_METRIC_DEBIASED_CKA = 10
LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT = 11
LFUSE_METRIC_WASSERSTEIN_CENTROID = 12
LFUSE_METRIC_WASSERSTEIN_SLICED = 13
LFUSE_METRIC_SINKHORN = 14
LFUSE_METRIC_CUSTOM = 15
LFUSE_UNEQUAL_REFUSE = 1
LFUSE_UNEQUAL_SUBSAMPLE = 2
LFUSE_UNEQUAL_DROP_SMALLEST = 3
LFUSE_POLICY_AVERAGE = 1
LFUSE_POLICY_FREEZE = 2
LFUSE_POLICY_RANDOM = 3
LFUSE_POLICY_JS = 4
LFUSE_POLICY_CUSTOM = 5
LFUSE_WEIGHTING_EQUAL = 1
LFUSE_WEIGHTING_NORM = 2
LFUSE_WEIGHTING_IMPORTANCE = 3
LFUSE_FREEZE_BOTH = 1
LFUSE_FREEZE_DROPPED = 2
LFUSE_SCOPE_GLOBAL = 1
LFUSE_SCOPE_ADJACENT = 2
LFUSE_LINKAGE_SINGLE = 1
LFUSE_LINKAGE_AVERAGE = 2
LFUSE_LINKAGE_COMPLETE = 3
LFUSE_LINKAGE_MERGED = 4
LFUSE_UNIT_LAYER = 1
LFUSE_UNIT_ROW = 2
LFUSE_BASE_CANDIDATES = 1
LFUSE_BASE_ALL = 2
LFUSE_KEEP_FARTHEST = 1
LFUSE_KEEP_NEAREST = 2
LFUSE_KEEP_FIRST = 3
LFUSE_KEEP_LAST = 4
LFUSE_KEEP_BY_DIRECTION = 5
LFUSE_PLAN_ACTION_INCLUDE = 1
LFUSE_PLAN_ACTION_EXCLUDE = 2
LFUSE_PLAN_ACTION_PIN = 3
LFUSE_PLAN_ACTION_FORCE = 4
LFUSE_ALIGNMENT_NONE = 1
LFUSE_ALIGNMENT_PERMUTATION = 2
LFUSE_LAYER_OTHER = 0
LFUSE_LAYER_CONV2D = 1
LFUSE_LAYER_LINEAR = 2
LFUSE_LAYER_NORM = 3
LFUSE_LAYER_EMBEDDING = 4
LFUSE_ROLE_WEIGHT = 1
LFUSE_ROLE_BIAS = 2
LFUSE_ROLE_NORM = 3
LFUSE_ROLE_STATISTIC = 4
LFUSE_ROLE_RESIDUAL = 5
LFUSE_GRADIENTS_PER_POSITION = 1
LFUSE_GRADIENTS_ACCUMULATED = 2
LFUSE_COMBINE_MEAN = 1
LFUSE_COMBINE_SUM = 2
LFUSE_SHOW_SOURCES = 1
LFUSE_SHOW_MIX = 2
LFUSE_SHOW_MEAN = 3
LFUSE_SCHEDULE_UNIFORM = 1
LFUSE_SCHEDULE_EXPONENTIAL = 2
LFUSE_SCHEDULE_CUSTOM = 3
LFUSE_VERDICT_CONTINUE = 0
LFUSE_VERDICT_FUSED = 1
LFUSE_VERDICT_DONE = 2
LFUSE_VERDICT_ROLLED_BACK = 3
LFUSE_SAVE_DEDUP = 1
LFUSE_SAVE_EXPAND = 2
LFUSE_LOG_WARNING = 1
LFUSE_LOG_INFO = 2
LFUSE_CHECKPOINT_SKIP_UNSUPPORTED = 1
LFUSE_CHECKPOINT_RESIDUALS_APART = 2
LFUSE_FILL_NONE = 1
LFUSE_MAX_RANK = 8
LFUSE_MAX_STATE = 4
LFUSE_GELU_TANH = 1
LFUSE_ATTENTION_CAUSAL = 1
LFUSE_BATCH_NORM_RELU = 1
LFUSE_BATCH_NORM_ACCUMULATE = 2
LFUSE_CONV2D_ACCUMULATE = 1
LFUSE_CONV2D_RELU = 2
LFUSE_CONV2D_DIRECT = 1
LFUSE_CONV2D_WINOGRAD = 2
LFUSE_CONV2D_WINOGRAD_2X2 = 3
LFUSE_GEMM_TRANSPOSE_A = 1
LFUSE_GEMM_TRANSPOSE_B = 2
LFUSE_LAYER_NORM_ACCUMULATE = 1
LFUSE_LINEAR_ACCUMULATE = 1
LFUSE_LINEAR_RESIDUAL_ACCUMULATE = 1
LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE = 1
LFUSE_PACKED_FORWARD = 1
LFUSE_PACKED_BACKWARD_DATA = 2
LFUSE_POOL_AVERAGE = 1
LFUSE_POOL_MAX = 2
LFUSE_ROTARY_INTERLEAVED = 1
LFUSE_SGD_NESTEROV = 1
LFUSE_BLOCK_WHOLE = -1
LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS = 1
LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY = 2
LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC = 4
LFUSE_PLAN_FLAG_THRESHOLD = 1
LFUSE_PLAN_FLAG_RESCALE = 2
LFUSE_PLAN_FLAG_INCLUDE_ENDS = 4
LFUSE_PLAN_FLAG_SKIP_UNEQUAL = 8
LFUSE_PLAN_FLAG_CONTENTS = 16
LFUSE_TIES_KEEP_ORIGINALS = 1
LFUSE_TIES_MIRROR = 2
LFUSE_RETRAINER_FLAG_STEPS = 1
LFUSE_RETRAINER_FLAG_TOLERANCE = 2
LFUSE_RETRAINER_FLAG_EACH = 4


class lfuse_error(Structure):
    _fields_ = [
        ("status", c_int32),
        ("detail", c_int32),
        ("message", c_char * 248),
    ]


class lfuse_allocator(Structure):
    _fields_ = [
        ("alloc", CFUNCTYPE(c_void_p, c_void_p, c_size_t, c_size_t)),
        ("release", CFUNCTYPE(None, c_void_p, c_void_p, c_size_t, c_size_t)),
        ("user", c_void_p),
    ]


lfuse_task = CFUNCTYPE(None, c_void_p, c_int64)


class lfuse_executor(Structure):
    _fields_ = [
        ("parallel_for", CFUNCTYPE(c_int32, c_void_p, c_int64, lfuse_task, c_void_p)),
        ("user", c_void_p),
        ("concurrency", c_int32),
        ("reserved", c_int32),
    ]


lfuse_log = CFUNCTYPE(None, c_int32, c_char_p, c_void_p)

lfuse_progress = CFUNCTYPE(c_int32, c_char_p, c_int64, c_int64, c_void_p)


class lfuse_plan_rule(Structure):
    _fields_ = [
        ("pattern", c_char_p),
        ("action", c_int32),
        ("reserved", c_int32),
    ]


class lfuse_matrix_view(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("rows", c_int64),
        ("columns", c_int64),
        ("row_stride", c_int64),
        ("column_stride", c_int64),
        ("dtype", c_int32),
        ("reserved", c_int32),
    ]


lfuse_metric_custom = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p, c_void_p)

lfuse_policy_merge = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_int64, c_void_p)

lfuse_schedule_custom = CFUNCTYPE(c_double, c_void_p, c_int32, c_int32)

lfuse_evaluate = CFUNCTYPE(c_int32, c_void_p, c_void_p)

lfuse_repair = CFUNCTYPE(c_int32, c_void_p)

lfuse_similarity_failed = CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64, c_void_p)

lfuse_gather = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p)


class lfuse_checkpoint_bank(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("entries", c_void_p),
        ("count", c_int64),
        ("output_axis", c_int32),
        ("reserved", c_int32),
    ]


class lfuse_checkpoint_residual_entry(Structure):
    _fields_ = [
        ("weight", c_char_p),
        ("a", c_char_p),
        ("b", c_char_p),
        ("output_axis", c_int32),
        ("reserved", c_int32),
    ]


class lfuse_checkpoint_open_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("max_header_bytes", c_size_t),
        ("max_bank_bytes", c_size_t),
        ("flags", c_uint32),
        ("reserved", c_int32),
    ]


class lfuse_checkpoint_entry(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("tensor", c_void_p),
        ("owner", c_char_p),
    ]


lfuse_checkpoint_fill = CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64, c_int64, c_void_p)


class lfuse_checkpoint_save_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("metadata", c_void_p),
        ("metadata_count", c_int64),
        ("mode", c_int32),
        ("reserved", c_int32),
        ("fill", lfuse_checkpoint_fill),
        ("fill_user", c_void_p),
        ("banks", c_void_p),
        ("bank_count", c_int64),
        ("carried", c_void_p),
        ("carried_file", c_int64),
        ("residuals", c_void_p),
        ("residual_count", c_int64),
    ]


class lfuse_cka_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("exponents", c_void_p),
    ]


class lfuse_context_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("allocator", lfuse_allocator),
        ("executor", lfuse_executor),
        ("log", lfuse_log),
        ("log_user", c_void_p),
        ("progress", lfuse_progress),
        ("progress_user", c_void_p),
        ("seed", c_uint64),
        ("threads", c_int32),
        ("isa", c_int32),
    ]


lfuse_release = CFUNCTYPE(None, c_void_p, c_void_p)


class lfuse_tensor_desc(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("data", c_void_p),
        ("dims", c_void_p),
        ("strides", c_void_p),
        ("release", lfuse_release),
        ("release_user", c_void_p),
        ("dtype", c_int32),
        ("rank", c_int32),
    ]


class lfuse_layer_desc(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("param_type", c_char_p),
        ("kind", c_int32),
        ("position", c_int32),
    ]


class lfuse_parameter(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("layer", c_char_p),
        ("name", c_char_p),
        ("value", c_void_p),
        ("gradient", c_void_p),
        ("state", c_void_p * 4),
        ("role", c_int32),
        ("output_axis", c_int32),
    ]


class lfuse_coupling(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("layer", c_char_p),
        ("parameter", c_char_p),
        ("head_group", c_int64),
        ("repeat", c_int64),
        ("offset", c_int64),
        ("extent", c_int64),
        ("axis", c_int32),
        ("reserved", c_int32),
    ]


class lfuse_match_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("layers", c_void_p),
        ("count", c_int64),
        ("a", c_int64),
        ("b", c_int64),
        ("likeness", c_void_p),
    ]


class lfuse_inflection(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_double),
        ("y", c_double),
        ("x_low", c_double),
        ("x_high", c_double),
        ("slope_before", c_double),
        ("slope_after", c_double),
        ("residual", c_double),
        ("line_residual", c_double),
    ]


class lfuse_activation_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("up", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("dup", c_void_p),
        ("rows", c_int64),
        ("columns", c_int64),
        ("x_stride", c_int64),
        ("y_stride", c_int64),
        ("flags", c_uint32),
        ("reserved", c_int32),
    ]


class lfuse_attention_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("q", c_void_p),
        ("k", c_void_p),
        ("v", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("statistics", c_void_p),
        ("dq", c_void_p),
        ("dk", c_void_p),
        ("dv", c_void_p),
        ("batch", c_int64),
        ("tokens", c_int64),
        ("keys", c_int64),
        ("heads", c_int64),
        ("kv_heads", c_int64),
        ("head_dim", c_int64),
        ("q_stride", c_int64),
        ("k_stride", c_int64),
        ("v_stride", c_int64),
        ("y_stride", c_int64),
        ("q_batch_stride", c_int64),
        ("k_batch_stride", c_int64),
        ("v_batch_stride", c_int64),
        ("y_batch_stride", c_int64),
        ("scale", c_double),
        ("flags", c_uint32),
        ("reserved", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
    ]


class lfuse_batch_norm_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("scale", c_void_p),
        ("shift", c_void_p),
        ("residual", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("dresidual", c_void_p),
        ("dscale", c_void_p),
        ("dshift", c_void_p),
        ("running_mean", c_void_p),
        ("running_variance", c_void_p),
        ("saved_mean", c_void_p),
        ("saved_inverse", c_void_p),
        ("batch", c_int64),
        ("channels", c_int64),
        ("pixels", c_int64),
        ("epsilon", c_double),
        ("momentum", c_double),
        ("layout", c_int32),
        ("flags", c_uint32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
    ]


class lfuse_conv2d_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("w", c_void_p),
        ("bias", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("dw", c_void_p),
        ("dbias", c_void_p),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
        ("batch", c_int64),
        ("in_channels", c_int64),
        ("height", c_int64),
        ("width", c_int64),
        ("out_channels", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("pad_top", c_int64),
        ("pad_bottom", c_int64),
        ("pad_left", c_int64),
        ("pad_right", c_int64),
        ("dilation_h", c_int64),
        ("dilation_w", c_int64),
        ("groups", c_int64),
        ("layout", c_int32),
        ("flags", c_uint32),
        ("algorithm", c_int32),
        ("reserved_1", c_int32),
        ("scale", c_void_p),
        ("shift", c_void_p),
        ("residual", c_void_p),
        ("packed", c_void_p),
    ]


class lfuse_dropout_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("count", c_int64),
        ("probability", c_double),
        ("seed", c_uint64),
        ("stream", c_uint64),
    ]


class lfuse_embedding_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("ids", c_void_p),
        ("table", c_void_p),
        ("positions", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dtable", c_void_p),
        ("dpositions", c_void_p),
        ("rows", c_int64),
        ("width", c_int64),
        ("vocabulary", c_int64),
        ("tokens", c_int64),
        ("position_count", c_int64),
        ("first_position", c_int64),
    ]


class lfuse_gemm_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("a", c_void_p),
        ("b", c_void_p),
        ("c", c_void_p),
        ("m", c_int64),
        ("n", c_int64),
        ("k", c_int64),
        ("lda", c_int64),
        ("ldb", c_int64),
        ("ldc", c_int64),
        ("alpha", c_float),
        ("beta", c_float),
        ("flags", c_uint32),
        ("reserved", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
    ]


class lfuse_layer_norm_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("residual", c_void_p),
        ("gamma", c_void_p),
        ("beta", c_void_p),
        ("dy", c_void_p),
        ("dsum", c_void_p),
        ("sum", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("dgamma", c_void_p),
        ("dbeta", c_void_p),
        ("mean", c_void_p),
        ("inv_std", c_void_p),
        ("rows", c_int64),
        ("columns", c_int64),
        ("epsilon", c_double),
        ("flags", c_uint32),
        ("reserved", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
    ]


class lfuse_linear_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("w", c_void_p),
        ("bias", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("dw", c_void_p),
        ("dbias", c_void_p),
        ("batch", c_int64),
        ("in_features", c_int64),
        ("out_features", c_int64),
        ("flags", c_uint32),
        ("reserved", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
    ]


class lfuse_linear_residual_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("w", c_void_p),
        ("a", c_void_p),
        ("b", c_void_p),
        ("bias", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("dw", c_void_p),
        ("da", c_void_p),
        ("db", c_void_p),
        ("dbias", c_void_p),
        ("batch", c_int64),
        ("in_features", c_int64),
        ("out_features", c_int64),
        ("rank", c_int64),
        ("flags", c_uint32),
        ("reserved", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
    ]


class lfuse_cross_entropy_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("logits", c_void_p),
        ("labels", c_void_p),
        ("dlogits", c_void_p),
        ("batch", c_int64),
        ("classes", c_int64),
        ("loss", c_void_p),
        ("correct", c_void_p),
    ]


class lfuse_distillation_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("logits", c_void_p),
        ("teacher", c_void_p),
        ("labels", c_void_p),
        ("dlogits", c_void_p),
        ("batch", c_int64),
        ("classes", c_int64),
        ("temperature", c_double),
        ("weight", c_double),
        ("smoothing", c_double),
        ("loss", c_void_p),
        ("correct", c_void_p),
    ]


class lfuse_linear_cross_entropy_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("w", c_void_p),
        ("labels", c_void_p),
        ("dx", c_void_p),
        ("dw", c_void_p),
        ("rows", c_int64),
        ("width", c_int64),
        ("vocabulary", c_int64),
        ("loss", c_void_p),
        ("correct", c_void_p),
        ("counted", c_void_p),
        ("flags", c_uint32),
        ("reserved", c_int32),
        ("workspace", c_void_p),
        ("workspace_bytes", c_size_t),
    ]


class lfuse_pool2d_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("batch", c_int64),
        ("channels", c_int64),
        ("height", c_int64),
        ("width", c_int64),
        ("kernel_h", c_int64),
        ("kernel_w", c_int64),
        ("stride_h", c_int64),
        ("stride_w", c_int64),
        ("pad_top", c_int64),
        ("pad_bottom", c_int64),
        ("pad_left", c_int64),
        ("pad_right", c_int64),
        ("pool", c_int32),
        ("layout", c_int32),
    ]


class lfuse_rotary_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("x", c_void_p),
        ("dy", c_void_p),
        ("y", c_void_p),
        ("dx", c_void_p),
        ("batch", c_int64),
        ("tokens", c_int64),
        ("heads", c_int64),
        ("head_dim", c_int64),
        ("x_stride", c_int64),
        ("y_stride", c_int64),
        ("x_batch_stride", c_int64),
        ("y_batch_stride", c_int64),
        ("position", c_int64),
        ("base", c_double),
        ("flags", c_uint32),
        ("reserved", c_int32),
    ]


class lfuse_sgd_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_void_p),
        ("gradient", c_void_p),
        ("velocity", c_void_p),
        ("count", c_int64),
        ("learning_rate", c_double),
        ("momentum", c_double),
        ("weight_decay", c_double),
        ("flags", c_uint32),
        ("reserved", c_int32),
    ]


class lfuse_adamw_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("value", c_void_p),
        ("gradient", c_void_p),
        ("first", c_void_p),
        ("second", c_void_p),
        ("count", c_int64),
        ("step", c_int64),
        ("learning_rate", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("weight_decay", c_double),
        ("flags", c_uint32),
        ("reserved", c_int32),
    ]


class lfuse_sgd_all_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("values", c_void_p),
        ("gradients", c_void_p),
        ("velocities", c_void_p),
        ("counts", c_void_p),
        ("parameters", c_int64),
        ("learning_rate", c_double),
        ("momentum", c_double),
        ("weight_decay", c_double),
        ("max_norm", c_double),
        ("norm", c_void_p),
        ("flags", c_uint32),
        ("reserved", c_int32),
    ]


class lfuse_adamw_all_args(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("values", c_void_p),
        ("gradients", c_void_p),
        ("firsts", c_void_p),
        ("seconds", c_void_p),
        ("counts", c_void_p),
        ("parameters", c_int64),
        ("step", c_int64),
        ("learning_rate", c_double),
        ("beta1", c_double),
        ("beta2", c_double),
        ("epsilon", c_double),
        ("weight_decay", c_double),
        ("max_norm", c_double),
        ("norm", c_void_p),
        ("flags", c_uint32),
        ("reserved", c_int32),
    ]


class lfuse_similarity_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("block", c_int64),
        ("metric", c_int32),
        ("output_axis", c_int32),
        ("ridge", c_double),
        ("bandwidth", c_double),
        ("exponent", c_double),
        ("regularisation", c_double),
        ("projections", c_int64),
        ("centroids", c_int64),
        ("iterations", c_int64),
        ("seed", c_uint64),
        ("max_bytes", c_size_t),
        ("flags", c_uint32),
        ("unequal", c_int32),
        ("custom", lfuse_metric_custom),
        ("custom_user", c_void_p),
        ("failed", lfuse_similarity_failed),
        ("failed_user", c_void_p),
        ("gather", lfuse_gather),
        ("gather_user", c_void_p),
        ("rank", c_int32),
        ("ranks", c_int32),
    ]


class lfuse_metric_properties(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("cost", c_char_p),
        ("is_distance", c_int32),
        ("is_symmetric", c_int32),
        ("needs_equal_rows", c_int32),
        ("needs_equal_columns", c_int32),
    ]


class lfuse_plan_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("ratio", c_double),
        ("top_k", c_int64),
        ("similarity", c_void_p),
        ("in_force", c_void_p),
        ("max_unique_bytes", c_size_t),
        ("threshold", c_double),
        ("rules", c_void_p),
        ("rule_count", c_int64),
        ("couplings", c_void_p),
        ("importance", c_void_p),
        ("metric", c_int32),
        ("policy", c_int32),
        ("freeze_gradient", c_int32),
        ("weighting", c_int32),
        ("scope", c_int32),
        ("unit", c_int32),
        ("base", c_int32),
        ("linkage", c_int32),
        ("max_group", c_int32),
        ("keep", c_int32),
        ("alignment", c_int32),
        ("flags", c_uint32),
    ]


class lfuse_fusion(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("a", c_int64),
        ("b", c_int64),
        ("kept", c_int64),
        ("score", c_double),
        ("saved_parameters", c_int64),
        ("ratio", c_double),
        ("gamma", c_double),
        ("row_a", c_int64),
        ("row_b", c_int64),
        ("row_kept", c_int64),
        ("weight", c_int32),
        ("reserved", c_int32),
    ]


class lfuse_account(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("candidates_logical", c_int64),
        ("candidates_unique", c_int64),
        ("all_logical", c_int64),
        ("all_unique", c_int64),
        ("all_unique_bytes", c_size_t),
        ("ratio", c_double),
        ("base", c_int32),
        ("reserved", c_int32),
        ("candidates_unique_bytes", c_size_t),
        ("index_bytes", c_size_t),
    ]


class lfuse_planned_weight(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("name", c_char_p),
        ("dims", c_int64 * 8),
        ("rank", c_int32),
        ("dtype", c_int32),
        ("output_axis", c_int32),
        ("reserved", c_int32),
    ]


class lfuse_plan_load_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("max_bytes", c_size_t),
        ("layers", c_void_p),
        ("count", c_int64),
    ]


class lfuse_residual_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rank", c_int64),
        ("energy", c_double),
    ]


lfuse_rebind = CFUNCTYPE(c_int32, c_char_p, c_char_p, c_void_p, c_void_p)


class lfuse_ties_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("rebind", lfuse_rebind),
        ("rebind_user", c_void_p),
        ("flags", c_uint32),
        ("gradients", c_int32),
        ("combine", c_int32),
        ("reserved", c_int32),
        ("merge", lfuse_policy_merge),
        ("merge_user", c_void_p),
    ]


class lfuse_retrainer_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("plan", c_void_p),
        ("ties", c_void_p),
        ("fusions", c_int32),
        ("interval", c_int32),
        ("schedule", c_int32),
        ("flags", c_uint32),
        ("custom", lfuse_schedule_custom),
        ("custom_user", c_void_p),
        ("decay", c_double),
        ("pairs", c_int64),
        ("repair", lfuse_repair),
        ("repair_user", c_void_p),
        ("tolerance", c_double),
        ("baseline", c_double),
        ("grace", c_int32),
        ("rollbacks", c_int32),
        ("lead", c_int32),
        ("mix", c_int32),
    ]


class lfuse_retrainer_save_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("caller", c_void_p),
        ("caller_bytes", c_size_t),
    ]


class lfuse_search_options(Structure):
    _fields_ = [
        ("struct_size", c_size_t),
        ("plan", c_void_p),
        ("evaluate", lfuse_evaluate),
        ("evaluate_user", c_void_p),
        ("repair", lfuse_repair),
        ("repair_user", c_void_p),
        ("tolerance", c_double),
    ]


FUNCTIONS = {  # name: (result, arguments)
    "lfuse_checkpoint_open_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_checkpoint_open": (c_int32, (c_void_p, c_char_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_checkpoint_close": (None, (c_void_p,)),
    "lfuse_checkpoint_count": (c_int64, (c_void_p,)),
    "lfuse_checkpoint_name": (c_char_p, (c_void_p, c_int64)),
    "lfuse_checkpoint_tensor": (c_void_p, (c_void_p, c_int64)),
    "lfuse_checkpoint_owner": (c_int64, (c_void_p, c_int64)),
    "lfuse_checkpoint_find": (c_int64, (c_void_p, c_char_p)),
    "lfuse_checkpoint_file": (c_int64, (c_void_p, c_int64)),
    "lfuse_checkpoint_file_count": (c_int64, (c_void_p,)),
    "lfuse_checkpoint_file_name": (c_char_p, (c_void_p, c_int64)),
    "lfuse_checkpoint_metadata": (c_char_p, (c_void_p, c_char_p)),
    "lfuse_checkpoint_metadata_count": (c_int64, (c_void_p,)),
    "lfuse_checkpoint_skipped_count": (c_int64, (c_void_p,)),
    "lfuse_checkpoint_skipped": (c_char_p, (c_void_p, c_int64)),
    "lfuse_checkpoint_skipped_data": (c_void_p, (c_void_p, c_int64, c_void_p)),
    "lfuse_checkpoint_skipped_type": (c_char_p, (c_void_p, c_int64)),
    "lfuse_checkpoint_skipped_file": (c_int64, (c_void_p, c_int64)),
    "lfuse_checkpoint_residual_count": (c_int64, (c_void_p,)),
    "lfuse_checkpoint_metadata_key": (c_char_p, (c_void_p, c_int64)),
    "lfuse_checkpoint_residual": (c_int32, (c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_checkpoint_save_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_checkpoint_save": (c_int32, (c_void_p, c_char_p, c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_cka_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_cka_create": (c_int32, (c_void_p, c_int64, c_void_p, c_void_p, c_void_p)),
    "lfuse_cka_destroy": (None, (c_void_p,)),
    "lfuse_cka_accumulate": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_cka_merge": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_cka_result": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_cka_count": (c_int64, (c_void_p,)),
    "lfuse_cka_batches": (c_int64, (c_void_p,)),
    "lfuse_cka_sums": (c_void_p, (c_void_p,)),
    "lfuse_cka_add_sums": (c_int32, (c_void_p, c_void_p, c_int64, c_void_p)),
    "lfuse_context_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_context_create": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_context_destroy": (None, (c_void_p,)),
    "lfuse_context_isa": (c_int32, (c_void_p,)),
    "lfuse_context_threads": (c_int32, (c_void_p,)),
    "lfuse_tensor_desc_init": (None, (c_void_p, c_size_t)),
    "lfuse_tensor_create": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_tensor_destroy": (None, (c_void_p,)),
    "lfuse_tensor_copy": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_tensor_dtype": (c_int32, (c_void_p,)),
    "lfuse_tensor_rank": (c_int32, (c_void_p,)),
    "lfuse_tensor_dim": (c_int64, (c_void_p, c_int32)),
    "lfuse_tensor_stride": (c_int64, (c_void_p, c_int32)),
    "lfuse_tensor_elements": (c_int64, (c_void_p,)),
    "lfuse_tensor_bytes": (c_size_t, (c_void_p,)),
    "lfuse_tensor_data": (c_void_p, (c_void_p,)),
    "lfuse_dtype_size": (c_size_t, (c_int32,)),
    "lfuse_dtype_name": (c_char_p, (c_int32,)),
    "lfuse_layer_desc_init": (None, (c_void_p, c_size_t)),
    "lfuse_parameter_init": (None, (c_void_p, c_size_t)),
    "lfuse_layer_create": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_layer_add_parameter": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_layer_wrap": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_layer_destroy": (None, (c_void_p,)),
    "lfuse_layer_name": (c_char_p, (c_void_p,)),
    "lfuse_layer_param_type": (c_char_p, (c_void_p,)),
    "lfuse_layer_kind_of": (c_int32, (c_void_p,)),
    "lfuse_layer_position": (c_int32, (c_void_p,)),
    "lfuse_layer_parameter_count": (c_int32, (c_void_p,)),
    "lfuse_layer_parameter": (c_int32, (c_void_p, c_int32, c_void_p, c_void_p)),
    "lfuse_coupling_init": (None, (c_void_p, c_size_t)),
    "lfuse_match_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_couplings_create": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_couplings_parse": (c_int32, (c_void_p, c_char_p, c_size_t, c_void_p, c_void_p)),
    "lfuse_couplings_read": (c_int32, (c_void_p, c_char_p, c_void_p, c_void_p)),
    "lfuse_couplings_destroy": (None, (c_void_p,)),
    "lfuse_couplings_add_space": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_couplings_add_member": (c_int32, (c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_couplings_add_preset": (c_int32, (c_void_p, c_char_p, c_void_p, c_int64, c_int64, c_void_p)),
    "lfuse_couplings_space_count": (c_int64, (c_void_p,)),
    "lfuse_couplings_member_count": (c_int64, (c_void_p, c_int64)),
    "lfuse_couplings_member": (c_int32, (c_void_p, c_int64, c_int64, c_void_p, c_void_p)),
    "lfuse_couplings_units": (c_int32, (c_void_p, c_void_p, c_int64, c_int64, c_void_p, c_void_p)),
    "lfuse_couplings_permute": (c_int32, (c_void_p, c_void_p, c_int64, c_int64, c_void_p, c_void_p)),
    "lfuse_couplings_match": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_inflection_init": (None, (c_void_p, c_size_t)),
    "lfuse_curve_inflection": (c_int32, (c_void_p, c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_activation_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_gelu_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_gelu_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_silu_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_silu_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_swiglu_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_swiglu_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_attention_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_attention_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_attention_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_attention_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_batch_norm_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_batch_norm_training": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_batch_norm_inference": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_batch_norm_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_batch_norm_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_conv2d_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_conv2d_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_conv2d_backward_data": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_conv2d_backward_weights": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_conv2d_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_dropout_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_dropout_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_dropout_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_relu_forward": (c_int32, (c_void_p, c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_relu_backward": (c_int32, (c_void_p, c_void_p, c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_add": (c_int32, (c_void_p, c_void_p, c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_embedding_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_embedding_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_embedding_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_gemm_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_gemm": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_gemm_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_layer_norm_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_layer_norm_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_layer_norm_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_rms_norm_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_rms_norm_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_layer_norm_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_linear_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_backward_data": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_backward_weights": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_residual_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_linear_residual_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_residual_backward_data": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_residual_backward_weights": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_residual_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_cross_entropy_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_distillation_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_linear_cross_entropy_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_softmax_cross_entropy": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_softmax_distillation": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_cross_entropy": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_linear_cross_entropy_workspace": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_conv2d_pack": (c_int32, (c_void_p, c_void_p, c_uint32, c_void_p, c_void_p)),
    "lfuse_packed_refresh": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_packed_bytes": (c_size_t, (c_void_p,)),
    "lfuse_packed_destroy": (None, (c_void_p,)),
    "lfuse_pool2d_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_pool2d_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_pool2d_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_rotary_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_rotary_forward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_rotary_backward": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_sgd_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_sgd": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_adamw_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_adamw": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_sgd_all_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_adamw_all_args_init": (None, (c_void_p, c_size_t)),
    "lfuse_sgd_all": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_adamw_all": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_gradient_norm": (c_int32, (c_void_p, c_void_p, c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_outputs_create": (c_int32, (c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_outputs_destroy": (None, (c_void_p,)),
    "lfuse_outputs_accumulate": (c_int32, (c_void_p, c_void_p, c_int32, c_void_p)),
    "lfuse_outputs_merge": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_outputs_samples": (c_int64, (c_void_p,)),
    "lfuse_outputs_means": (c_void_p, (c_void_p,)),
    "lfuse_outputs_squares": (c_void_p, (c_void_p,)),
    "lfuse_outputs_add": (c_int32, (c_void_p, c_int64, c_void_p, c_void_p, c_void_p)),
    "lfuse_outputs_match": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_similarity_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_metric_properties_init": (None, (c_void_p, c_size_t)),
    "lfuse_metric_info": (c_int32, (c_int32, c_void_p, c_void_p)),
    "lfuse_metric_from_name": (c_int32, (c_char_p, c_void_p, c_void_p)),
    "lfuse_similarity": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_similarity_assignment": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_similarity_matrix": (c_int32, (c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p)),
    "lfuse_plan_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_fusion_init": (None, (c_void_p, c_size_t)),
    "lfuse_account_init": (None, (c_void_p, c_size_t)),
    "lfuse_policy_from_name": (c_int32, (c_char_p, c_void_p, c_void_p)),
    "lfuse_policy_name": (c_char_p, (c_int32,)),
    "lfuse_plan_build": (c_int32, (c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p)),
    "lfuse_plan_destroy": (None, (c_void_p,)),
    "lfuse_plan_fusion_count": (c_int64, (c_void_p,)),
    "lfuse_plan_fusion": (c_int32, (c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_plan_layer_count": (c_int64, (c_void_p,)),
    "lfuse_plan_layer_name": (c_char_p, (c_void_p, c_int64)),
    "lfuse_planned_weight_init": (None, (c_void_p, c_size_t)),
    "lfuse_plan_owner": (c_int64, (c_void_p, c_int64)),
    "lfuse_plan_layer_type": (c_char_p, (c_void_p, c_int64)),
    "lfuse_plan_weight_count": (c_int32, (c_void_p, c_int64)),
    "lfuse_plan_weight": (c_int32, (c_void_p, c_int64, c_int32, c_void_p, c_void_p)),
    "lfuse_plan_group_count": (c_int64, (c_void_p,)),
    "lfuse_plan_group_size": (c_int64, (c_void_p, c_int64)),
    "lfuse_plan_group_member": (c_int64, (c_void_p, c_int64, c_int64)),
    "lfuse_plan_group_kept": (c_int64, (c_void_p, c_int64)),
    "lfuse_plan_skipped_count": (c_int64, (c_void_p,)),
    "lfuse_plan_skipped": (c_int64, (c_void_p, c_int64)),
    "lfuse_plan_skipped_reason": (c_char_p, (c_void_p, c_int64)),
    "lfuse_plan_row_owner": (c_int64, (c_void_p, c_int64, c_int32, c_int64, c_void_p)),
    "lfuse_plan_permutation_count": (c_int64, (c_void_p,)),
    "lfuse_plan_permutation": (c_void_p, (c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_plan_permutation_member_count": (c_int64, (c_void_p, c_int64)),
    "lfuse_plan_permutation_member": (c_int32, (c_void_p, c_int64, c_int64, c_void_p, c_void_p)),
    "lfuse_plan_account": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_plan_load_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_plan_to_json": (c_int32, (c_void_p, c_char_p, c_size_t, c_void_p, c_void_p)),
    "lfuse_plan_save": (c_int32, (c_void_p, c_char_p, c_void_p)),
    "lfuse_plan_from_json": (c_int32, (c_void_p, c_char_p, c_size_t, c_void_p, c_void_p, c_void_p)),
    "lfuse_plan_load": (c_int32, (c_void_p, c_char_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_preview_create": (c_int32, (c_void_p, c_void_p, c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_preview_destroy": (None, (c_void_p,)),
    "lfuse_preview_read": (c_int32, (c_void_p, c_int64, c_int32, c_int64, c_int64, c_void_p, c_void_p)),
    "lfuse_preview_read_parameter": (c_int32, (c_void_p, c_int64, c_int32, c_int64, c_int64, c_void_p, c_void_p)),
    "lfuse_residual_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_residual_fit": (c_int32, (c_void_p, c_void_p, c_int64, c_int32, c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_ties_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_ties_create": (c_int32, (c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p)),
    "lfuse_ties_destroy": (None, (c_void_p,)),
    "lfuse_ties_apply": (c_int32, (c_void_p, c_void_p, c_void_p)),
    "lfuse_ties_show": (c_int32, (c_void_p, c_int32, c_int64, c_void_p)),
    "lfuse_ties_finalise": (c_int32, (c_void_p, c_void_p)),
    "lfuse_ties_undo": (c_int32, (c_void_p, c_void_p)),
    "lfuse_ties_combine_gradients": (c_int32, (c_void_p, c_void_p)),
    "lfuse_ties_refresh": (c_int32, (c_void_p, c_void_p)),
    "lfuse_ties_owner": (c_int64, (c_void_p, c_int64)),
    "lfuse_ties_row_owner": (c_int64, (c_void_p, c_int64, c_int32, c_int64, c_void_p)),
    "lfuse_ties_is_frozen": (c_int32, (c_void_p, c_int64)),
    "lfuse_ties_account": (c_int32, (c_void_p, c_int32, c_void_p, c_void_p)),
    "lfuse_ties_resident_bytes": (c_size_t, (c_void_p,)),
    "lfuse_retrainer_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_retrainer_create": (c_int32, (c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p)),
    "lfuse_retrainer_destroy": (None, (c_void_p,)),
    "lfuse_retrainer_fuse": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_finalise": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_undo": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_begin_step": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_combine_gradients": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_end_step": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_abort_step": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_parameter_count": (c_int64, (c_void_p,)),
    "lfuse_retrainer_parameter": (c_int32, (c_void_p, c_int64, c_void_p, c_void_p)),
    "lfuse_retrainer_begin_eval": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_end_eval": (c_int32, (c_void_p, c_void_p)),
    "lfuse_retrainer_probe": (c_int32, (c_void_p, c_int64, lfuse_evaluate, c_void_p, c_void_p, c_void_p)),
    "lfuse_retrainer_is_due": (c_int32, (c_void_p,)),
    "lfuse_retrainer_end_epoch": (c_int32, (c_void_p, c_double, c_void_p, c_void_p)),
    "lfuse_retrainer_ties": (c_void_p, (c_void_p,)),
    "lfuse_retrainer_plan": (c_void_p, (c_void_p,)),
    "lfuse_retrainer_save_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_retrainer_save": (c_int32, (c_void_p, c_char_p, c_void_p, c_void_p)),
    "lfuse_retrainer_load": (c_int32, (c_void_p, c_char_p, c_void_p)),
    "lfuse_retrainer_caller": (c_void_p, (c_void_p, c_void_p)),
    "lfuse_search_options_init": (None, (c_void_p, c_size_t)),
    "lfuse_search_ratio": (c_int32, (c_void_p, c_void_p, c_void_p, c_void_p, c_void_p)),
    "lfuse_status_name": (c_char_p, (c_int32,)),
    "lfuse_version": (c_int32, ()),
    "lfuse_version_string": (c_char_p, ()),
}
