/*
 * plan.h - which layers shall share weights, and how: intention only, nothing is touched
 *
 * A plan is built from the layers as they are: every pair of one param type is measured, and
 * the most alike are joined, best first, until what was asked for is reached: the ratio,
 * max_unique_bytes, top_k fusions, or a threshold beyond which nothing is alike enough,
 * whichever comes first. Layers that in_force already ties count as one. Joined pairs make
 * groups of any size. A plan is shareable once built, and keeps no layer.
 *
 * Where a metric is not symmetric, a pair's score is the mean of both directions. How alike two
 * groups are is the linkage's to say: as their most alike pair (single), as the mean over all
 * pairs between them (average), as their least alike pair (complete), or as the means of their
 * weights are, by the weighting of the policy average, not rescaled, and measured anew as groups
 * grow (merged; a group may then be more alike to another than any of its members was). Groups that score alike are taken in the order of the layers of their
 * most alike pairs.
 *
 * With the scope adjacent, two layers may be joined only where no other of their param type stands
 * between them, by position, of equal positions by index; so groups grow along the chain. What is
 * said of the most alike pair of two groups is then said of those pairs alone.
 *
 * The member of a group that is kept is, unless options.keep says otherwise, the one whose
 * position is farthest from the middle of the network (outer layers matter more, sec. 3.2 of
 * the paper); of two as far, the earlier.
 *
 * Of a metric that is not symmetric keep may be by direction: its value of a to b says what is
 * lost when b stands for a (kl: by how many nats the Gaussian of b describes a worse than a's
 * own), so b is kept where that is less than what is lost the other way. Of groups, these are
 * their kept members; of two alike, it is as without keep.
 *
 * Rules choose by the names of layers. A pattern is a shell's: * any bytes, ? one byte, [a-z] or
 * [!a-z] a set, \ takes away the meaning of the next; dots and slashes are like others, and a
 * name matches itself. What rules leave out still counts in a ratio, so that leaving layers out
 * never makes one look better, and still stands between its neighbours in the chain. Groups in
 * force that have a layer that may not fuse do not grow. Forced layers, those that one rule matches,
 * are of one param type; they are joined whatever the ratio, the bytes or the threshold, within
 * max_group, scope and top_k, rule after rule.
 *
 * A layer at the first or last of all positions does not fuse where no other of its param type is of
 * its kind, unless LFUSE_PLAN_FLAG_INCLUDE_ENDS is given: embeddings and classifiers do another
 * work than what is between them. It counts, as what rules leave out does.
 *
 * Weights of other sizes, and layers that the metric cannot compare, are refused. With
 * LFUSE_PLAN_FLAG_SKIP_UNEQUAL the layers of a param type whose weights are of the same sizes
 * fuse among themselves; a layer that has no such other, or that cannot be compared to any other,
 * is left out and listed with the reason (lfuse_plan_skipped()). Where only some pairs, or means
 * of groups, cannot be compared, what would need them does not join: nothing is listed.
 *
 * The policy average gives a group the mean of its members' weights, (sum w_j W_j) / (sum w_j),
 * and their optimiser state the same mean. weighting says what w is: 1, the norm of a layer's
 * weights as they are when the plan is applied, or importance. Where it is 0 for all members
 * of a group they count alike. With LFUSE_PLAN_FLAG_RESCALE each weight of the mean is scaled
 * to the members' mean norm, (sum w_j |W_j|) / (sum w_j): members that point in different
 * directions have a mean that is shorter than each of them.
 *
 * The policy custom asks merge of the ties' options for the weights, when the plan is applied,
 * and averages optimiser state. Of rows it is asked for each group, in matrices of one row.
 *
 * The policy js leaves members their weights, and makes their gradients alike: of n that are
 * apart, each trains by (1 - s) g_i + s / (n - 1) times the sum of the others' g, until they are
 * finalised as their mean. s is the mean of gamma over the group's fusions, at most 1/2, where
 * members are all trained by the same; gamma is the metric js of the two layers, with
 * similarity's block and ridge (O'Neill et al. 2021, eq. 6; which of the two weights is whose
 * the paper leaves open).
 *
 * With LFUSE_ALIGNMENT_PERMUTATION the units of every space of couplings that a fused weight
 * counts are put in another order first, the one in which what is fused is most alike: least
 * squares between members and the mean that takes their place (freeze: the kept one). All weights
 * that a space touches have a say at once; spaces are ordered one after another, those of kept
 * members first, each exactly by linear assignment, until none gets better. Spaces whose weights
 * are tied already move together, and one that is tied to what no space couples stays. Applying
 * the plan permutes every coupled tensor, fused or not, so that but for the fusion the network
 * computes what it did. Scores and gammas, and so which layers fuse, are of layers as they are,
 * before alignment; a threshold knows nothing of it. Not so of rows: see below.
 *
 * With the unit row what is joined are rows, the slices of weights along their output axis:
 * filters and neurons, within a layer and across the layers of a param type, each weight for
 * itself. The candidates are the same layers; of two rows that is kept whose layer would be, of
 * one layer the first; weighting by the norm is by that of a row. Metrics are those that one row
 * has a value under: euclidean, cosine and custom; policies are all but js, whose gamma is of
 * covariances that one row has not; linkages single, average and complete, with the scope adjacent (then: of neighbours, or of one layer)
 * single alone; rules pin, include and exclude the rows of layers, and force none. Rows and
 * layers are not joined in one network at a time.
 *
 * Rows are aligned before they are measured: each space gets the order in which all candidates of
 * a param type, were they to become one, are most alike by their mean, whatever the policy. Scores
 * are of rows in that order, and rows of a fusion are numbered as they stand once the plan is
 * applied. A space whose units a layer counts that shares rows already stays as it is.
 *
 * A ratio is logical / unique over its base: 2 means that half of those weights are gone. Where
 * rows are shared, an index says which row is where: lfuse_account has its size, and no ratio
 * counts it.
 */
#ifndef LAYERFUSE_PLAN_H
#define LAYERFUSE_PLAN_H

#include <layerfuse/couplings.h>
#include <layerfuse/similarity.h>

LFUSE_BEGIN_DECLS

/* Flags of lfuse_plan_options. */
enum {
    LFUSE_PLAN_FLAG_THRESHOLD = 1, /* threshold is given: 0 is a value, too */
    LFUSE_PLAN_FLAG_RESCALE = 2,   /* average: the mean of weights gets their mean norm */
    LFUSE_PLAN_FLAG_INCLUDE_ENDS = 4, /* first and last layers of another kind may fuse */
    LFUSE_PLAN_FLAG_SKIP_UNEQUAL = 8, /* leave out what cannot be compared, and note it */
    LFUSE_PLAN_FLAG_CONTENTS = 16     /* apply to weights of these very contents alone */
};

typedef struct lfuse_plan_options {
    size_t struct_size; /* set by lfuse_plan_options_init(&o, sizeof(o)) */
    double ratio;       /* >= 1; the first plan at or past it; 0 means: others decide */
    int64_t top_k;      /* most fusions in this plan; 0 means no limit */
    const lfuse_similarity_options *similarity; /* of the metric; NULL: all defaults */
    const lfuse_ties *in_force;                 /* ties over the same layers, or NULL */
    size_t max_unique_bytes;      /* of the base's unique weights; 0 means no limit */
    double threshold;             /* with its flag: nothing less alike is joined */
    const lfuse_plan_rule *rules; /* (rule_count), in any order */
    int64_t rule_count;
    const lfuse_couplings *couplings; /* of alignment permutation */
    const double *importance;         /* (count), each >= 0, of weighting importance */
    lfuse_metric metric;              /* 0 means similarity's, or euclidean */
    lfuse_policy policy;              /* 0 means average */
    lfuse_freeze_gradient freeze_gradient; /* of the policy freeze; 0 means both */
    lfuse_weighting weighting;             /* of the policy average; 0 means equal */
    lfuse_scope scope;                     /* 0 means global */
    lfuse_unit unit;                       /* 0 means layer */
    lfuse_base base;                       /* of ratio; 0 means candidates */
    lfuse_linkage linkage;                 /* of groups; 0 means single */
    int32_t max_group;                     /* largest group; 0 means any size */
    lfuse_keep keep;                       /* whose buffer; 0 means farthest */
    lfuse_alignment alignment;             /* 0 means none */
    uint32_t flags;                        /* LFUSE_PLAN_FLAG_* or 0 */
} lfuse_plan_options;

/* One step of a plan: the groups of a and b, the most alike pair of both, become one. */
typedef struct lfuse_fusion {
    size_t struct_size;       /* set by lfuse_fusion_init(&f, sizeof(f)) */
    int64_t a;                /* index of a layer, a < b; of rows a <= b */
    int64_t b;                /* index of a layer */
    int64_t kept;             /* index of the layer whose buffer the joined group has */
    double score;             /* of the two groups; of layers before they are aligned */
    int64_t saved_parameters; /* by this fusion */
    double ratio;             /* after this fusion, over the plan's base */
    double gamma;             /* of the policy js: of a and b, in nats; else 0 */
    int64_t row_a;            /* of the unit row: which row of a, */
    int64_t row_b;            /* of b */
    int64_t row_kept;         /* and of kept; of layers these are -1 */
    int32_t weight;           /* of rows: index among a's weights; of layers -1 */
    int32_t reserved;
} lfuse_fusion;

/* What a network costs, in parameters; statistics (running means) are not counted. */
typedef struct lfuse_account {
    size_t struct_size;         /* set by lfuse_account_init(&a, sizeof(a)) */
    int64_t candidates_logical; /* weights of all layers that could fuse */
    int64_t candidates_unique;  /* the same, each shared set once */
    int64_t all_logical;        /* every parameter of every layer */
    int64_t all_unique;         /* the same, each shared set once */
    size_t all_unique_bytes; /* what all_unique takes in memory when ties are aliases */
    double ratio;            /* logical / unique over base */
    lfuse_base base;
    int32_t reserved;
    size_t candidates_unique_bytes; /* what candidates_unique takes, likewise */
    size_t index_bytes; /* on top: 4 for each row of weights that share rows */
} lfuse_account;

/**
 * lfuse_plan_options_init(), lfuse_fusion_init(), lfuse_account_init() - clear the bytes the
 * caller has
 *
 * Owner:   clear `size` bytes and store size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_plan_options_init(lfuse_plan_options *options, size_t size);
LFUSE_API void lfuse_fusion_init(lfuse_fusion *fusion, size_t size);
LFUSE_API void lfuse_account_init(lfuse_account *account, size_t size);

/**
 * lfuse_policy_from_name() - the policy of this name: "average", "freeze", "random", "js" or
 * "custom"
 *
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or an unknown name; the message lists the known ones
 *          On failure *policy is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_policy_from_name(const char *name, lfuse_policy *policy,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_policy_name() - "average", "freeze", "random", "js", "custom"; "?" for an unknown policy
 *
 * Owner:   a constant of the library.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API const char *lfuse_policy_name(lfuse_policy policy);

/**
 * lfuse_plan_build() - measures the layers and chooses what to fuse
 *
 * Shapes:  layers of one param type that have weights have them of the same names, in the same
 *          order, and of the same shapes, output axes and types. Either all layers of a param
 *          type have weights, or none has.
 * Result:  a plan that reaches options->ratio or max_unique_bytes, takes the top_k best fusions,
 *          or all as alike as threshold, whichever comes first; without fusions when that
 *          is met already. Candidates are
 *          the layers that have a weight and share their param type with another that has.
 *          Progress is told as "similarity", in pairs of all param types; with the linkage
 *          merged, then as "merging", in layers joined of those that could be.
 *          With an alignment it is told as "alignment", in spaces, once for every turn; of rows
 *          before the others. These take a copy of the weights that move while they are measured.
 * Owner:   layers, names, options and couplings are borrowed for the call. *plan is returned:
 *          release with lfuse_plan_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT      NULL, count < 1, a ratio < 1, a ratio or threshold that is not
 *                                  finite, a threshold without its flag, none of ratio, top_k,
 *                                  max_unique_bytes and threshold, a negative number, an
 *                                  unknown constant or flag, keep by direction of a symmetric
 *                                  metric, a layer without parameters, in_force over other
 *                                  layers; importance that is missing, given in vain,
 *                                  negative or not finite; weighting or rescaling for other
 *                                  policies than average; a rule without pattern or known
 *                                  action; or layers that are forced together but are of
 *                                  other types or sizes, may not fuse, are more than max_group,
 *                                  both pinned, or not next to each other: says which, and why;
 *                                  couplings without an alignment, or the other way round;
 *                                  and, of couplings, the errors of lfuse_couplings_units()
 *          LFUSE_ERR_NAME          two layers of one name, or weights of other names within a
 *                                  param type, or a layer without any where others have some; a
 *                                  rule that matches no layer
 *          LFUSE_ERR_SHAPE         weights of other shapes or output axes within a param type
 *          LFUSE_ERR_TYPE          weights of other element types within a param type
 *          LFUSE_ERR_NOT_FINITE    NaN or infinity in a weight: says which and where
 *                                  These four go for biases, too, with LFUSE_POLICY_RANDOM,
 *                                  which averages them.
 *          LFUSE_ERR_STATE         a pinned layer that has another's buffer by the ties in force;
 *                                  with LFUSE_POLICY_RANDOM: the bias of a layer that could fuse
 *                                  starts where another bias does, or has a tensor of it: says
 *                                  which
 *          LFUSE_ERR_DEGENERATE    the metric is undefined for a layer, or for the mean of a group
 *          LFUSE_ERR_UNREACHABLE   ratio, or max_unique_bytes, is out of reach: says how far
 *                                  joining the most alike first gets
 *          LFUSE_ERR_NO_MEMORY     the scratch was refused
 *          LFUSE_ERR_CANCELLED     the progress callback said stop
 *          LFUSE_ERR_CALLBACK      the host's executor refused, or the metric custom failed
 *          LFUSE_ERR_UNSUPPORTED   options hold fields this version does not know; of the unit
 *                                  row: another metric, policy, linkage, keep or rule than it takes,
 *                                  or more rows of one weight of a param type than 48 bytes for
 *                                  each two, both ways, fit similarity's max_bytes; rows where
 *                                  in_force ties layers, or layers where it ties rows; or a
 *                                  layer that could fuse has a residual (residual.h)
 *          On failure *plan is NULL.
 * Cost:    every pair of a param type is measured once, both ways if these differ, and kept:
 *          48 bytes a pair, twice. Each fusion among n layers of a type then takes O(n^2) at
 *          worst. merged reads all weights of the type once more for each fusion, and
 *          measures the new group and every other that it may join, one after the other; it
 *          holds the means of two layers. Of n rows of a weight of a param type 8 n^2 bytes
 *          are kept, and each fusion takes O(n) if all goes well, O(n^2) at worst.
 * Threads: layers are read; concurrent calls may share them.
 * Source:  O'Neill et al. 2021, algorithms 1 and 2. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_plan_build(lfuse_context *ctx,
                                        const lfuse_layer *const *layers, int64_t count,
                                        const lfuse_plan_options *options,
                                        lfuse_plan **plan,
                                        lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_plan_destroy() - releases the plan; ties made from it stay
 *
 * Owner:   NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_plan_destroy(lfuse_plan *plan);

/**
 * lfuse_plan_fusion_count() - number of fusions, in the order they were chosen; 0 for NULL
 * lfuse_plan_fusion() - the one at index
 *
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or index outside [0, fusion_count)
 *          On failure *fusion is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_fusion_count(const lfuse_plan *plan);
LFUSE_API lfuse_status lfuse_plan_fusion(const lfuse_plan *plan, int64_t index,
                                         lfuse_fusion *fusion,
                                         lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_plan_layer_count() - the number of layers the plan was built from; 0 for NULL
 * lfuse_plan_layer_name() - the name of the one at index; NULL when out of range
 *
 * Owner:   the name is borrowed until the plan is destroyed.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_layer_count(const lfuse_plan *plan);
LFUSE_API const char *lfuse_plan_layer_name(const lfuse_plan *plan, int64_t index);

/* A weight of a layer, as the plan remembers it. */
typedef struct lfuse_planned_weight {
    size_t struct_size; /* set by lfuse_planned_weight_init(&w, sizeof(w)) */
    const char *name;   /* borrowed until the plan is destroyed */
    int64_t dims[8];    /* rank of them */
    int32_t rank;
    lfuse_dtype dtype;
    int32_t output_axis;
    int32_t reserved;
} lfuse_planned_weight;

/**
 * lfuse_planned_weight_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_planned_weight_init(lfuse_planned_weight *weight, size_t size);

/**
 * lfuse_plan_owner() - index of the layer whose buffer the layer at index will have; itself
 *                      where nobody else's, -1 when out of range
 * lfuse_plan_layer_type() - the param type of the layer at index; NULL when out of range
 * lfuse_plan_weight_count() - the number of its weights; 0 when out of range
 * lfuse_plan_weight() - one of its weights
 *
 * Owner:   strings are borrowed until the plan is destroyed.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or an index out of range
 *          On failure *weight is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_owner(const lfuse_plan *plan, int64_t index);
LFUSE_API const char *lfuse_plan_layer_type(const lfuse_plan *plan, int64_t index);
LFUSE_API int32_t lfuse_plan_weight_count(const lfuse_plan *plan, int64_t index);
LFUSE_API lfuse_status lfuse_plan_weight(const lfuse_plan *plan, int64_t index,
                                         int32_t weight, lfuse_planned_weight *out,
                                         lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_plan_group_count() - groups of two layers or more once the plan is applied
 * lfuse_plan_group_size() - number of members of a group; 0 when out of range
 * lfuse_plan_group_member() - index of a member's layer, ascending; -1 when out of range
 * lfuse_plan_group_kept() - index of the layer whose buffer the group has; -1 likewise
 *
 * Result:  groups are ordered by their first members, and include what in_force had tied.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_group_count(const lfuse_plan *plan);
LFUSE_API int64_t lfuse_plan_group_size(const lfuse_plan *plan, int64_t group);
LFUSE_API int64_t lfuse_plan_group_member(const lfuse_plan *plan, int64_t group,
                                          int64_t member);
LFUSE_API int64_t lfuse_plan_group_kept(const lfuse_plan *plan, int64_t group);

/**
 * lfuse_plan_skipped_count() - layers that were left out though others have their param type
 * lfuse_plan_skipped() - index of the layer of one of them, ascending; -1 when out of range
 * lfuse_plan_skipped_reason() - why, as one line; NULL when out of range
 *
 * Result:  ends of the network, and with LFUSE_PLAN_FLAG_SKIP_UNEQUAL what cannot be
 *          compared; not those that rules leave out.
 * Owner:   the reason is borrowed until the plan is destroyed.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_skipped_count(const lfuse_plan *plan);
LFUSE_API int64_t lfuse_plan_skipped(const lfuse_plan *plan, int64_t index);
LFUSE_API const char *lfuse_plan_skipped_reason(const lfuse_plan *plan, int64_t index);

/**
 * lfuse_plan_row_owner() - the layer whose row this row's values are, once the plan is applied
 *
 * Result:  index of the layer, and which row of the same weight of it in *owner_row, unless that
 *          is NULL; the row itself when it is not joined. weight is an index among the weights
 *          of the layer. -1 where there is no such row, or the unit is not row; *owner_row is
 *          then untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_row_owner(const lfuse_plan *plan, int64_t layer,
                                       int32_t weight, int64_t row, int64_t *owner_row);

/**
 * lfuse_plan_permutation_count() - spaces whose units are put in another order before fusing; 0
 * for NULL
 * lfuse_plan_permutation() - the one at index: unit u will be what its unit [u] was
 *
 * Result:  *space is its index in the couplings, *units how many it has; both may be NULL. NULL
 *          when out of range.
 * Owner:   (units) numbers, borrowed until the plan is destroyed.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_permutation_count(const lfuse_plan *plan);
LFUSE_API const int64_t *lfuse_plan_permutation(const lfuse_plan *plan, int64_t index,
                                                int64_t *space, int64_t *units);

/**
 * lfuse_plan_permutation_member_count() - axes that the permutation at index puts in order; 0
 * when out of range
 * lfuse_plan_permutation_member() - one of them
 *
 * Result:  entries [offset, offset + extent) of an axis of a parameter of a layer, head_group of
 *          them for each unit; repeat is 1. Spaces that move together have one order, and the
 *          members of all of them in common.
 * Owner:   its strings are borrowed until the plan is destroyed.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or an index out of range
 *          On failure *out is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_plan_permutation_member_count(const lfuse_plan *plan,
                                                      int64_t index);
LFUSE_API lfuse_status lfuse_plan_permutation_member(const lfuse_plan *plan,
                                                     int64_t index, int64_t member,
                                                     lfuse_coupling *out,
                                                     lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_plan_account() - what the network costs once the plan is applied
 *
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          On failure *account is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_plan_account(const lfuse_plan *plan, lfuse_account *account,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
