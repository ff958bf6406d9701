/*
 * types.h - the plain data that everything else speaks: status, error, enumerations, callbacks
 *
 * No function is declared here. Enumerations are int32_t with named constants whose values
 * never change; 0 is "the default" wherever a struct holds one, unless its entry says otherwise.
 */
#ifndef LAYERFUSE_TYPES_H
#define LAYERFUSE_TYPES_H

#include <stddef.h>
#include <stdint.h>

#include <layerfuse/export.h>

LFUSE_BEGIN_DECLS

/* ---- status and error ------------------------------------------------------------------ */

/* 0 is success; failures are negative, ten to a family. lfuse_status_name() knows every one. */
typedef int32_t lfuse_status;
enum {
    LFUSE_OK = 0,
    /* the argument is at fault */
    LFUSE_ERR_ARGUMENT = -1,    /* NULL, out of range, or an unknown constant or name */
    LFUSE_ERR_SHAPE = -2,       /* shapes do not fit each other */
    LFUSE_ERR_TYPE = -3,        /* an element type that this call does not take */
    LFUSE_ERR_STATE = -4,       /* a call out of order */
    LFUSE_ERR_UNSUPPORTED = -5, /* known, but not by this version of the library */
    LFUSE_ERR_NAME = -6,        /* a name that is missing, or there twice */
    LFUSE_ERR_UNREACHABLE = -7, /* no plan reaches the asked ratio */
    /* a resource ran out */
    LFUSE_ERR_NO_MEMORY = -10,
    LFUSE_ERR_OVERFLOW = -11, /* a size does not fit its type */
    LFUSE_ERR_THREAD = -12,   /* a thread could not be started */
    /* the numbers do not allow it */
    LFUSE_ERR_DEGENERATE = -20, /* all zero or constant where the result would be 0/0 */
    LFUSE_ERR_NOT_FINITE = -21, /* NaN or infinite data */
    /* a file */
    LFUSE_ERR_IO = -30,     /* the system refused; detail is errno */
    LFUSE_ERR_FORMAT = -31, /* the file contradicts its format */
    /* a callback */
    LFUSE_ERR_CANCELLED = -40, /* the progress callback said stop; detail is its value */
    LFUSE_ERR_CALLBACK = -41   /* another callback failed; detail is its value */
};

/* The caller's, nullable, written only on failure. 256 bytes, frozen. */
typedef struct lfuse_error {
    lfuse_status status;
    int32_t detail;    /* errno or a callback's value, else 0 */
    char message[248]; /* one line of UTF-8, NUL-terminated */
} lfuse_error;

/* ---- enumerations ------------------------------------------------------------------------ */

typedef int32_t
    lfuse_dtype; /* element type, little-endian; no default: it must be given */
enum { LFUSE_F32 = 1, LFUSE_F64 = 2, LFUSE_F16 = 3, LFUSE_BF16 = 4 };

typedef int32_t lfuse_layout; /* of activations; weights are always [out, in, kh, kw] */
enum { LFUSE_LAYOUT_NCHW = 1, LFUSE_LAYOUT_NHWC = 2 }; /* 0 means NCHW */

typedef int32_t lfuse_isa; /* instruction set of the kernels */
enum {
    LFUSE_ISA_BEST = 0, /* the best this processor and system allow */
    LFUSE_ISA_SCALAR = 1,
    LFUSE_ISA_AVX2 = 2, /* with FMA */
    LFUSE_ISA_AVX512 = 3
};

typedef int32_t lfuse_metric; /* how alike two layers are; see similarity.h */
enum {
    LFUSE_METRIC_EUCLIDEAN = 1, /* 0 means this */
    LFUSE_METRIC_COSINE = 2,
    LFUSE_METRIC_COVARIANCE = 3,
    LFUSE_METRIC_LINEAR_CKA = 4,
    LFUSE_METRIC_PROCRUSTES = 5,
    LFUSE_METRIC_WASSERSTEIN_GAUSSIAN = 6,
    LFUSE_METRIC_KL = 7,
    LFUSE_METRIC_JS = 8,
    LFUSE_METRIC_RBF_CKA = 9,
    LFUSE_METRIC_DEBIASED_CKA = 10,
    LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT = 11,
    LFUSE_METRIC_WASSERSTEIN_CENTROID = 12,
    LFUSE_METRIC_WASSERSTEIN_SLICED = 13,
    LFUSE_METRIC_SINKHORN = 14,
    LFUSE_METRIC_CUSTOM = 15
};

typedef int32_t lfuse_unequal; /* what to do with weights of different sizes */
enum {
    LFUSE_UNEQUAL_REFUSE = 1,    /* 0 means this: those that the metric cannot compare */
    LFUSE_UNEQUAL_SUBSAMPLE = 2, /* take rows and columns of the larger at random */
    LFUSE_UNEQUAL_DROP_SMALLEST = 3 /* leave out its rows and columns of least norm */
};

typedef int32_t lfuse_policy; /* what one set of weights is made of; see plan.h */
enum {
    LFUSE_POLICY_AVERAGE = 1, /* 0 means this */
    LFUSE_POLICY_FREEZE = 2,
    LFUSE_POLICY_RANDOM =
        3,               /* mixes the members' rows anew in every step; tied in the end */
    LFUSE_POLICY_JS = 4, /* members share their gradients; tied in the end */
    LFUSE_POLICY_CUSTOM = 5 /* what merge of the ties' options makes of the members */
};

typedef int32_t lfuse_weighting; /* of the members of a mean */
enum {
    LFUSE_WEIGHTING_EQUAL = 1,     /* 0 means this */
    LFUSE_WEIGHTING_NORM = 2,      /* the Euclidean norm of a layer's weights */
    LFUSE_WEIGHTING_IMPORTANCE = 3 /* what the caller says, such as Fisher information */
};

typedef int32_t lfuse_freeze_gradient; /* which gradients the policy freeze drops */
enum {
    LFUSE_FREEZE_BOTH = 1,   /* 0 means this: the kept weights no longer move */
    LFUSE_FREEZE_DROPPED = 2 /* the kept position's own gradient goes on training them */
};

typedef int32_t lfuse_scope; /* which pairs may fuse */
enum {
    LFUSE_SCOPE_GLOBAL = 1,  /* 0 means this: any two layers of one param type */
    LFUSE_SCOPE_ADJACENT = 2 /* two that no other of it stands between, by position */
};

typedef int32_t lfuse_linkage; /* how alike two groups are */
enum {
    LFUSE_LINKAGE_SINGLE = 1,   /* 0 means this: as the most alike pair between them */
    LFUSE_LINKAGE_AVERAGE = 2,  /* the mean over all pairs between them */
    LFUSE_LINKAGE_COMPLETE = 3, /* as the least alike pair between them */
    LFUSE_LINKAGE_MERGED = 4    /* their mean weights, measured anew as groups grow */
};

typedef int32_t lfuse_unit; /* what is fused */
enum {
    LFUSE_UNIT_LAYER = 1, /* 0 means this */
    LFUSE_UNIT_ROW = 2 /* filters and neurons: slices of weights along the output axis */
};

typedef int32_t lfuse_base; /* what a ratio counts */
enum {
    LFUSE_BASE_CANDIDATES =
        1,             /* 0 means this: the weights of all layers that could fuse */
    LFUSE_BASE_ALL = 2 /* every parameter of every layer given; statistics are none */
};

typedef int32_t lfuse_keep; /* whose buffer a group has; of two alike, the earlier's */
enum {
    LFUSE_KEEP_FARTHEST = 1, /* 0 means this: from the middle of the network */
    LFUSE_KEEP_NEAREST = 2,  /* to the middle */
    LFUSE_KEEP_FIRST = 3,    /* by position */
    LFUSE_KEEP_LAST = 4,
    LFUSE_KEEP_BY_DIRECTION = 5 /* of metrics that are not symmetric; see plan.h */
};

typedef int32_t lfuse_plan_action; /* what a rule does to layers; no default */
enum {
    LFUSE_PLAN_ACTION_INCLUDE = 1, /* where there is one: no others may fuse */
    LFUSE_PLAN_ACTION_EXCLUDE = 2, /* they do not fuse, included or not */
    LFUSE_PLAN_ACTION_PIN = 3,     /* in a group each one's buffer is kept: in one each */
    LFUSE_PLAN_ACTION_FORCE = 4    /* they fuse with each other, first of all */
};

typedef int32_t lfuse_alignment; /* what is done about the order of units */
enum {
    LFUSE_ALIGNMENT_NONE = 1,       /* 0 means this: layers are fused as they are */
    LFUSE_ALIGNMENT_PERMUTATION = 2 /* units of coupled spaces are put in order before */
};

typedef int32_t lfuse_layer_kind;
enum {
    LFUSE_LAYER_OTHER = 0,
    LFUSE_LAYER_CONV2D = 1,
    LFUSE_LAYER_LINEAR = 2,
    LFUSE_LAYER_NORM = 3,
    LFUSE_LAYER_EMBEDDING = 4
};

typedef int32_t
    lfuse_role; /* of a parameter in its layer; weights fuse, the rest stays */
enum {
    LFUSE_ROLE_WEIGHT = 1, /* 0 means this */
    LFUSE_ROLE_BIAS = 2,
    LFUSE_ROLE_NORM = 3,      /* scale or shift of a normalisation */
    LFUSE_ROLE_STATISTIC = 4, /* running mean or variance: not trained, not a parameter */
    LFUSE_ROLE_RESIDUAL =
        5 /* a factor of what sharing took (residual.h): counts as unique */
};

typedef int32_t
    lfuse_gradients; /* what the gradient buffers hold when they are combined */
enum {
    LFUSE_GRADIENTS_PER_POSITION = 1, /* 0 means this: each layer has its own buffer */
    LFUSE_GRADIENTS_ACCUMULATED = 2   /* the owner's buffer already holds the sum */
};

typedef int32_t lfuse_combine; /* one gradient out of those of a group's positions */
enum {
    LFUSE_COMBINE_MEAN = 1, /* 0 means this, as the paper does */
    LFUSE_COMBINE_SUM =
        2 /* the gradient of the loss with respect to the shared weights */
};

typedef int32_t lfuse_show; /* what groups that mix show as weights; no default */
enum {
    LFUSE_SHOW_SOURCES = 1, /* each member its own */
    LFUSE_SHOW_MIX = 2,     /* for a step: each row from one source, drawn at random */
    LFUSE_SHOW_MEAN = 3     /* for evaluation, and what they will be in the end */
};

typedef int32_t lfuse_schedule; /* how the removed share grows from fusion to fusion */
enum {
    LFUSE_SCHEDULE_UNIFORM = 1,     /* 0 means this: by equal shares */
    LFUSE_SCHEDULE_EXPONENTIAL = 2, /* by less and less: see retrainer.h */
    LFUSE_SCHEDULE_CUSTOM = 3       /* as a callback says */
};

typedef int32_t lfuse_verdict; /* what lfuse_retrainer_end_epoch() did */
enum {
    LFUSE_VERDICT_CONTINUE = 0, /* nothing: go on training */
    LFUSE_VERDICT_FUSED =
        1,                  /* layers were tied: re-estimate statistics, go on training */
    LFUSE_VERDICT_DONE = 2, /* the schedule is finished and its last interval trained */
    LFUSE_VERDICT_ROLLED_BACK =
        3 /* the latest fusion cost too much: all is as before it */
};

typedef int32_t lfuse_save_mode;
enum {
    LFUSE_SAVE_DEDUP =
        1, /* 0 means this: tied tensors are stored once, with a list of aliases */
    LFUSE_SAVE_EXPAND = 2 /* every name is stored: loads anywhere */
};

typedef int32_t lfuse_log_level;
enum { LFUSE_LOG_WARNING = 1, LFUSE_LOG_INFO = 2 };

/* ---- callbacks ------------------------------------------------------------------------------ */

/*
 * Where memory comes from. alloc returns memory aligned to align (a power of two), or NULL;
 * release gets the same size and align back. Both are called from any thread that calls the
 * library, never from its workers.
 */
typedef struct lfuse_allocator {
    void *(*alloc)(void *user, size_t size, size_t align);
    void (*release)(void *user, void *ptr, size_t size, size_t align);
    void *user;
} lfuse_allocator;

/*
 * The host's threads. parallel_for runs task(arg, i) once for every i in [0, count), in any
 * order, at most `concurrency` of them at the same time, and returns 0 when all have ended, or
 * another value when it could not run them all. concurrency is in [1, 1024].
 */
typedef void (*lfuse_task)(void *arg, int64_t index);
typedef struct lfuse_executor {
    int32_t (*parallel_for)(void *user, int64_t count, lfuse_task task, void *arg);
    void *user;
    int32_t concurrency;
    int32_t reserved; /* 0 */
} lfuse_executor;

/* The text lives for the call. Called on the calling thread, under no lock of the library. */
typedef void (*lfuse_log)(lfuse_log_level level, const char *text, void *user);

/*
 * done of total units of `what` are finished. A return of other than 0 stops the work:
 * LFUSE_ERR_CANCELLED, with that value in error.detail and nothing changed.
 */
typedef int32_t (*lfuse_progress)(const char *what, int64_t done, int64_t total,
                                  void *user);

/* Handles. What each one is: its own header. */
typedef struct lfuse_context lfuse_context;
typedef struct lfuse_tensor lfuse_tensor;
typedef struct lfuse_layer lfuse_layer;
typedef struct lfuse_couplings lfuse_couplings;
typedef struct lfuse_packed lfuse_packed;
typedef struct lfuse_plan lfuse_plan;
typedef struct lfuse_preview lfuse_preview;
typedef struct lfuse_ties lfuse_ties;
typedef struct lfuse_retrainer lfuse_retrainer;
typedef struct lfuse_checkpoint lfuse_checkpoint;
typedef struct lfuse_cka lfuse_cka;
typedef struct lfuse_outputs lfuse_outputs;

/* ---- plans: see plan.h ------------------------------------------------------------------- */

/* What goes for all layers of these names. */
typedef struct lfuse_plan_rule {
    const char *pattern;
    lfuse_plan_action action;
    int32_t reserved; /* 0 */
} lfuse_plan_rule;

/* ---- similarity: see similarity.h ------------------------------------------------------- */

/* A matrix in memory: element (i, j) is data[i * row_stride + j * column_stride]. */
typedef struct lfuse_matrix_view {
    const void *data;
    int64_t rows;
    int64_t columns;
    int64_t row_stride; /* in elements */
    int64_t column_stride;
    lfuse_dtype dtype;
    int32_t reserved;
} lfuse_matrix_view;

/* The metric custom: how alike a and b are, into *out; 0, or what becomes err->detail. */
typedef int32_t (*lfuse_metric_custom)(void *user, const lfuse_matrix_view *a,
                                       const lfuse_matrix_view *b, double *out);

/*
 * The policy custom: the members' weights, with their output units as rows, become merged (rows,
 * columns), dense. 0, or what becomes err->detail; members are read only.
 */
typedef int32_t (*lfuse_policy_merge)(void *user, const lfuse_matrix_view *members,
                                      int64_t count, double *merged);

/* The schedule custom: the ratio that fusion number `fusion`, from 1, of `fusions` goes to. */
typedef double (*lfuse_schedule_custom)(void *user, int32_t fusion, int32_t fusions);

/* The metric, greater is better, of the network as it is now. 0, or what becomes err->detail. */
typedef int32_t (*lfuse_evaluate)(void *user, double *metric);

/* Called upon every fusion, with the weights as they are evaluated. 0, or what becomes err->detail. */
typedef int32_t (*lfuse_repair)(void *user);

/* Layer i could not be compared to layer j. 0 goes on to the next pair; else that is all. */
typedef int32_t (*lfuse_similarity_failed)(void *user, int64_t i, int64_t j,
                                           const lfuse_error *error);

/*
 * Ranks (processes, or threads) share the work of one call: each makes the same call, and the same
 * calls of this. Rank r has filled bytes [first[r], first[r + 1]) of data; when it returns, all of data
 * are filled, on every rank. NULL: this rank has failed, and there is nothing to gather. 0, or on all
 * ranks alike another value, when one has failed: then each of them ends.
 */
typedef int32_t (*lfuse_gather)(void *user, void *data, const size_t *first);

/* Of a checkpoint to be saved: entries whose equal rows are stored once. */
typedef struct lfuse_checkpoint_bank {
    const char *name; /* of the bank: not an entry's; such as a param type */
    const char *const
        *entries; /* (count) names of entries with rows of one shape and type */
    int64_t count;
    int32_t output_axis; /* of the entries: rows are the slices along it */
    int32_t reserved;    /* 0 */
} lfuse_checkpoint_bank;

/* A weight that is what it shares, plus a b: names of entries, or of tensors of a file. */
typedef struct lfuse_checkpoint_residual_entry {
    const char *weight;
    const char *a;       /* (out, rank), f32 */
    const char *b;       /* (rank, in), f32 */
    int32_t output_axis; /* of the weight: out counts its entries, in all the rest */
    int32_t reserved;    /* 0 */
} lfuse_checkpoint_residual_entry;

LFUSE_END_DECLS

#endif
