/*
 * fusion.h - which layers share weights, and the sharing itself
 *
 * layer   what a position of the network is made of: parameters, each an array with its
 *         gradient and optimiser state; the arrays are the caller's and are re-pointed in place
 * plan    candidates, pair scores, greedy joining into groups, the account; touches nothing;
 *         and the same as JSON, to be read, edited and applied elsewhere
 * ties    groups in force: alias, rebind or mirror; gradients; undo; all or nothing
 * mixes   what the members of a group that mixes show, beside their own weights
 *
 * Promised: a plan depends on the data, the options and the order of the layers alone; a
 * failed apply or undo leaves every array, every pointer and every byte as it was.
 */
#ifndef LFI_FUSION_H
#define LFI_FUSION_H

#include "base/base.h"
#include "fusion/arrangement.h"
#include "similarity/similarity.h"

enum { LFI_MAX_STATE = 4 };

struct lfi_parameter {
    char *name;
    struct lfi_array *value;
    struct lfi_array *gradient;             /* or NULL */
    struct lfi_array *state[LFI_MAX_STATE]; /* unused ones NULL */
    lfuse_role role;
    int32_t output_axis;
};

struct lfi_layer {
    char *name;
    char *param_type;
    lfuse_layer_kind kind;
    int32_t position;
    int32_t parameter_count;
    struct lfi_parameter *parameters;
};

/* ---- layers ---------------------------------------------------------------------------- */

/* Parameters of one role, in the order they were added. */
int32_t lfi_layer_role_count(const struct lfi_layer *layer, lfuse_role role);
struct lfi_parameter *lfi_layer_of_role(const struct lfi_layer *layer, lfuse_role role,
                                        int32_t index);
/* Those of role weight; they alone are ever tied. */
int32_t lfi_layer_weight_count(const struct lfi_layer *layer);
struct lfi_parameter *lfi_layer_weight(const struct lfi_layer *layer, int32_t index);
int64_t lfi_layer_weight_elements(const struct lfi_layer *layer);
/* Of all its weights, in the order of arrangements; NULL: as they are. */
double lfi_layer_weight_norm(const struct lfi_layer *layer,
                             const struct lfi_arrangement *arrangements);
size_t lfi_layer_weight_bytes(const struct lfi_layer *layer);
/* LFUSE_ERR_NAME when two layers share a name. */
lfuse_status lfi_layers_check_names(const struct lfi_layer *const *layers, int64_t count,
                                    lfuse_error *err);
/* LFUSE_ERR_STATE when a candidate's parameter of this role has its memory in common with
 * another of it. */
lfuse_status lfi_layers_check_apart(const struct lfi_layer *const *layers, int64_t count,
                                    lfuse_role role, lfuse_error *err);
/* Whether the layer at index has weights, and shares its param type with another that has. */
bool lfi_layers_is_candidate(const struct lfi_layer *const *layers, int64_t count,
                             int64_t index);
/* LFUSE_ERR_NOT_FINITE, naming layer, parameter and element, when there is one of this role
 * that is not. */
lfuse_status lfi_layer_check_finite(const struct lfi_layer *layer, lfuse_role role,
                                    lfuse_error *err);

/* ---- grouping: a partition of layers, or of rows ------------------------------------------ */

struct lfi_grouping {
    int64_t items;
    int64_t count;    /* groups of two members or more, ordered by their first members */
    int64_t *owner;   /* (items) the kept member of an item's group; untied: itself */
    int64_t *kept;    /* (count) */
    int64_t *first;   /* (count + 1) where a group's members start */
    int64_t *members; /* ascending within a group */
    int64_t *group;   /* (items) an item's group; untied: -1 */
};

/* Nobody is tied. */
lfuse_status lfi_grouping_create(const struct lfi_env *env, int64_t items,
                                 struct lfi_grouping *grouping, lfuse_error *err);
void lfi_grouping_destroy(const struct lfi_env *env, struct lfi_grouping *grouping);
/* The partition that owner says; NULL: nobody is tied. Cannot fail. */
void lfi_grouping_set(struct lfi_grouping *grouping, const int64_t *owner);
int64_t lfi_grouping_size(const struct lfi_grouping *grouping, int64_t group);

/* ---- rows: slices along the output axis, of all weights ----------------------------------- */

/* Rows go by their numbers: layer after layer, of each weight after weight. */
struct lfi_rows {
    int64_t layers;
    int64_t runs;       /* of rows, one for each weight */
    int64_t count;      /* of rows; 0: none are numbered */
    int64_t *first_run; /* (layers + 1) of a layer */
    int64_t *first;     /* (runs + 1) number of a run's first row */
    int64_t *layer;     /* (runs) */
    int64_t *elements;  /* (runs) of one row */
    size_t *bytes;      /* (runs) the same */
};

struct lfi_row {
    int64_t layer;
    int32_t weight;
    int64_t index; /* in the weight */
};

struct lfi_planned_layer;

lfuse_status lfi_rows_create(const struct lfi_env *env,
                             const struct lfi_planned_layer *layers, int64_t count,
                             struct lfi_rows *rows, lfuse_error *err);
/* On failure *copy holds nothing. */
lfuse_status lfi_rows_copy(const struct lfi_env *env, const struct lfi_rows *rows,
                           struct lfi_rows *copy, lfuse_error *err);
void lfi_rows_destroy(const struct lfi_env *env, struct lfi_rows *rows);
struct lfi_row lfi_rows_find(const struct lfi_rows *rows, int64_t number);
/* The number of a row, or -1 when there is none such. */
int64_t lfi_rows_number(const struct lfi_rows *rows, struct lfi_row row);
/* Whether rows of a layer are in groups. */
bool lfi_rows_are_shared(const struct lfi_rows *rows, const struct lfi_grouping *grouping,
                         int64_t layer);
/* One row of an array of a weight, output units first: its dims[0] is 1. */
struct lfi_view lfi_row_view(const struct lfi_array *array, int32_t output_axis,
                             int64_t index);

/* ---- account ------------------------------------------------------------------------------ */

struct lfi_account {
    int64_t candidates_logical;
    int64_t candidates_unique;
    int64_t all_logical;
    int64_t all_unique;
    size_t candidates_unique_bytes;
    size_t all_unique_bytes;
    size_t index_bytes; /* which row is where, of weights that share rows */
};

void lfi_account_measure(const struct lfi_layer *const *layers, int64_t count,
                         const int64_t *owner, struct lfi_account *account);
/* Rows that share those of others are not unique. */
void lfi_account_add_rows(const struct lfi_rows *rows,
                          const struct lfi_grouping *grouping,
                          struct lfi_account *account);
/* logical / unique; 1 where there is nothing to count. */
double lfi_account_ratio(const struct lfi_account *account, lfuse_base base);

/* ---- plan --------------------------------------------------------------------------------- */

/* Two layers that no group may have both of. */
struct lfi_apart {
    int64_t a;
    int64_t b;
};

/* No zero stands for a default here. */
struct lfi_plan_options {
    double ratio;            /* or 0 */
    size_t max_unique_bytes; /* or 0 */
    double threshold;
    bool has_threshold;
    bool include_ends;
    bool skip_unequal;
    const lfuse_plan_rule *rules; /* (rule_count); a plan's own once built */
    int64_t rule_count;
    int64_t top_k;     /* or INT64_MAX */
    int64_t max_group; /* or INT64_MAX */
    struct lfi_similarity_params similarity;
    lfuse_policy policy;
    lfuse_freeze_gradient freeze_gradient;
    lfuse_weighting weighting;
    bool rescale;
    const double *importance; /* (layers), of that weighting; a plan's own once built */
    lfuse_scope scope;
    lfuse_unit unit;
    lfuse_base base;
    lfuse_linkage linkage;
    lfuse_keep keep;
    const struct lfi_couplings *couplings; /* the caller's; NULL: nothing is aligned */
    bool contents;                         /* are remembered, and held against layers */
    bool may_fall_short;           /* of ratio: then the plan goes as far as it can */
    const struct lfi_apart *apart; /* (apart_count), of layers; not kept by a plan */
    int64_t apart_count;
};

struct lfi_fusion {
    int64_t a;
    int64_t b;
    int64_t kept;
    double score;
    int64_t saved_parameters;
    double ratio;
    double gamma;
    int32_t weight; /* of the unit row: which of the layers' weights, */
    int64_t row_a;  /* and which row of it */
    int64_t row_b;
    int64_t row_kept;
};

/* What apply checks a layer against. */
struct lfi_planned_layer {
    char *name;
    char *param_type;
    int32_t weight_count;
    struct lfi_planned_weight *weights;
    int64_t rest_parameters; /* elements of what is neither a weight nor a statistic */
    size_t rest_bytes;
};

struct lfi_planned_weight {
    char *name;
    struct lfi_view shape; /* no data */
    int32_t output_axis;
    bool has_contents;
    uint64_t contents; /* a hash of its elements */
};

struct lfi_skip {
    int64_t layer;
    char *reason;
};

/* One axis that a move puts in order; see moves.c. */
struct lfi_move_member {
    int64_t layer;
    char *parameter;
    int32_t axis;
    int64_t entries; /* of the axis */
    int64_t offset;  /* of the first unit */
    int64_t block;   /* entries of a unit */
};

/* Unit u of some spaces, which move alike, becomes what unit order[u] was. */
struct lfi_move {
    int64_t space_count;
    int64_t *spaces;
    int64_t units;
    int64_t *order;
    int64_t member_count;
    struct lfi_move_member *members;
};

struct lfi_moves {
    int64_t count;
    int64_t capacity;
    struct lfi_move *items;
};

struct lfi_plan {
    struct lfi_plan_options options;
    int64_t layer_count;
    struct lfi_planned_layer *layers;
    struct lfi_grouping start; /* what was in force */
    struct lfi_grouping goal;
    int64_t skip_count;
    struct lfi_skip *skips; /* (layer_count), by layer; NULL until there is one */
    lfuse_plan_rule *rules; /* (options.rule_count) */
    struct lfi_rows rows;   /* of the unit row; else these three are zeros */
    struct lfi_grouping row_start;
    struct lfi_grouping row_goal;
    int64_t fusion_count;
    int64_t fusion_capacity;
    struct lfi_fusion *fusions;
    struct lfi_account account; /* of the goal */
    double *importance;         /* (layer_count), or NULL */
    struct lfi_moves moves;     /* before members of changed groups become one */
};

struct lfi_ties;

/* in_force is over the same layers, or NULL. On failure *plan holds nothing. */
lfuse_status lfi_plan_build(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            const struct lfi_plan_options *options,
                            const struct lfi_ties *in_force, struct lfi_plan *plan,
                            lfuse_error *err);
void lfi_plan_destroy(const struct lfi_env *env, struct lfi_plan *plan);
/* On failure *copy may hold some: lfi_rules_free() takes them. */
lfuse_status lfi_rules_copy(const struct lfi_env *env, const lfuse_plan_rule *rules,
                            int64_t count, lfuse_plan_rule **copy, lfuse_error *err);
void lfi_rules_free(const struct lfi_env *env, lfuse_plan_rule *rules, int64_t count);
/* Notes that a layer is left out; each once. */
lfuse_status lfi_plan_skip(const struct lfi_env *env, struct lfi_plan *plan,
                           int64_t layer, const char *reason, lfuse_error *err);
void lfi_plan_forget_skips(const struct lfi_env *env, struct lfi_plan *plan);

void lfi_moves_destroy(const struct lfi_env *env, struct lfi_moves *moves);

/* plan->layers as these are; on failure what is there is to be destroyed. */
lfuse_status lfi_plan_remember(const struct lfi_env *env,
                               const struct lfi_layer *const *layers, int64_t count,
                               struct lfi_plan *plan, lfuse_error *err);
void lfi_planned_layer_destroy(const struct lfi_env *env,
                               struct lfi_planned_layer *planned);
/* LFUSE_ERR_NAME, _SHAPE or _TYPE when the layer at index is not what was planned for. */
lfuse_status lfi_planned_layer_check(const struct lfi_planned_layer *planned,
                                     const struct lfi_layer *layer, int64_t index,
                                     lfuse_error *err);

/* ---- plan files --------------------------------------------------------------------------- */

/* *bytes of JSON and a NUL, which is not counted: release *bytes + 1 with lfi_free(). */
lfuse_status lfi_plan_encode(const struct lfi_env *env, const struct lfi_plan *plan,
                             char **text, size_t *bytes, lfuse_error *err);
/*
 * layers is what the plan is to be for: it is held against them and put in their order. NULL: the
 * text says all of it. On failure *plan holds nothing.
 */
lfuse_status lfi_plan_decode(const struct lfi_env *env, const char *text, size_t bytes,
                             const struct lfi_layer *const *layers, int64_t count,
                             struct lfi_plan *plan, lfuse_error *err);

/* LFUSE_ERR_UNSUPPORTED when the unit is row, and something else is not for rows. */
lfuse_status lfi_rows_check_options(const struct lfi_plan_options *options,
                                    const char *what, lfuse_error *err);
/* LFUSE_ERR_NAME, _SHAPE or _TYPE when parameters of this role of two layers do not match. */
lfuse_status lfi_candidates_check_pair(const struct lfi_layer *a,
                                       const struct lfi_layer *b, lfuse_role role,
                                       lfuse_error *err);

/* ---- ties --------------------------------------------------------------------------------- */

struct lfi_ties_options {
    int32_t (*rebind)(const char *layer, const char *parameter, void *new_data,
                      void *user); /* or NULL */
    void *rebind_user;
    bool keep_originals;
    bool mirror;
    lfuse_gradients gradients;
    lfuse_combine combine;
    lfuse_policy_merge merge; /* of the policy custom; or NULL */
    void *merge_user;
};

/* Which of a parameter's arrays. */
enum { LFI_VALUE = 0, LFI_GRADIENT = 1, LFI_STATE = 2, LFI_ARRAYS = 2 + LFI_MAX_STATE };

struct lfi_array *lfi_parameter_array(const struct lfi_parameter *parameter,
                                      int32_t which); /* or NULL */

/* What a weight was before anything was in force. Arrays of zeros hold nothing. */
struct lfi_original {
    bool repointed[LFI_ARRAYS];        /* its memory has become a kept member's */
    struct lfi_array copy[LFI_ARRAYS]; /* for undo, of value and state */
    struct lfi_array own[LFI_ARRAYS];  /* for undo, set aside when it re-pointed */
};

struct lfi_rule {
    lfuse_policy policy;
    lfuse_freeze_gradient freeze_gradient;
};

/* What a member of a group that mixes has beside its own: the group's buffer, while it has its
 * own; its own, while it shows the buffer. */
struct lfi_face {
    struct lfi_array other;
    bool copies; /* contents change places, not pointers */
};

/* One weight, or bias, of a group that mixes. */
struct lfi_mix {
    int32_t parameter; /* of lfi_ties_parameter(), the same for every member */
    int32_t count;     /* of members */
    bool draws;        /* rows, for the members to show; else each shows its own */
    double share;      /* of others' gradients, where it does not draw */
    int64_t *members;
    struct lfi_face *faces; /* (count) */
    struct lfi_array buffer;
};

struct lfi_mixes {
    int64_t count;
    int64_t capacity;
    struct lfi_mix *items;
};

/* Rows in force. A group's values are those of its kept row, which lies in its weight like any
 * other; frozen ones are held apart, as an optimiser steps all rows of a weight. */
struct lfi_row_ties {
    struct lfi_rows rows; /* zeros, as all of this, until rows are in force */
    struct lfi_grouping in_force;
    struct lfi_rule *rules; /* (rows.count) of the group of an owner */
    /* (rows.count) whose values a row's are: its owner's; in a group that mixes, whose they were
     * before. */
    int64_t *source;
    int64_t *banked; /* (rows.count) of an owner: where in bank, or -1 */
    char *bank;
    size_t bank_bytes;
    /* (rows.count) of the owner of a group that mixes: where in mixes is what its rows show, and
     * behind it what they have while they show it; or -1 */
    int64_t *mixed;
    char *mixes;
    size_t mixes_bytes; /* 0: no group mixes */
};

struct lfi_ties {
    struct lfi_ties_options options;
    int64_t count;
    struct lfi_layer **layers;
    struct lfi_grouping in_force;
    struct lfi_rule *rules; /* (count) of the group of an owner */
    /* (count) whose memory a layer's weights are: its owner's; in a group that mixes, whose they
     * were before. */
    int64_t *source;
    int32_t *weight_counts;  /* (count) when anything was first put in force */
    int64_t *first_original; /* (count + 1) where a layer's originals start */
    /* Weights, then biases, of layer after layer; NULL until something is in force. */
    struct lfi_original *originals;
    struct lfi_mixes mixes;
    struct lfi_row_ties rows;
    struct lfi_shifts *shifts;            /* for undo: the latest first; or NULL */
    struct lfi_arrangements arrangements; /* of a preview: how layers are read */
    lfuse_show shown;
    int64_t step; /* of the mix that is shown */
};

lfuse_status lfi_ties_create(const struct lfi_env *env, struct lfi_layer *const *layers,
                             int64_t count, const struct lfi_ties_options *options,
                             struct lfi_ties *ties, lfuse_error *err);
void lfi_ties_destroy(const struct lfi_env *env, struct lfi_ties *ties);
lfuse_status lfi_ties_apply(const struct lfi_env *env, struct lfi_ties *ties,
                            const struct lfi_plan *plan, lfuse_error *err);
/* LFUSE_ERR_UNSUPPORTED when these gradients cannot train groups of this rule. */
lfuse_status lfi_ties_check_rule(const struct lfi_ties_options *options,
                                 struct lfi_rule rule, lfuse_error *err);
/* LFUSE_ERR_UNSUPPORTED when groups of another unit are in force. */
lfuse_status lfi_ties_check_unit(const struct lfi_ties *ties, lfuse_unit unit,
                                 lfuse_error *err);
lfuse_status lfi_ties_undo(const struct lfi_env *env, struct lfi_ties *ties,
                           lfuse_error *err);
/* LFUSE_ERR_STATE when a weight that a group trains by has no gradient; `when` ends the message. */
lfuse_status lfi_ties_check_gradients(const struct lfi_ties *ties, const char *when,
                                      lfuse_error *err);
lfuse_status lfi_ties_combine_gradients(const struct lfi_env *env,
                                        const struct lfi_ties *ties, lfuse_error *err);
lfuse_status lfi_ties_refresh(const struct lfi_env *env, const struct lfi_ties *ties,
                              lfuse_error *err);
bool lfi_ties_is_frozen(const struct lfi_ties *ties, int64_t index);
size_t lfi_ties_resident_bytes(const struct lfi_ties *ties);
void lfi_ties_account(const struct lfi_ties *ties, struct lfi_account *account);

/* What a mean is made of; zeros: of each member alike. */
struct lfi_mean {
    const double *weights; /* (layers, or rows) of members; NULL, or all 0: alike */
    bool rescale;          /* of values: to the mean norm of the members' */
    double *const
        *merged; /* values, parameter by parameter, rows first; NULL: the mean */
};

/* ---- rows in force ---------------------------------------------------------------------------- */

/* What apply, combine_gradients and refresh do for a plan of the unit row, and for its groups; the
 * plan's layers have been checked. */
lfuse_status lfi_row_ties_check(const struct lfi_ties *ties, const struct lfi_plan *plan,
                                lfuse_error *err);
lfuse_status lfi_row_ties_apply(const struct lfi_env *env, struct lfi_ties *ties,
                                const struct lfi_plan *plan, lfuse_error *err);
/* (rows) in a mean, or NULL where they count alike. */
lfuse_status lfi_row_ties_weigh(const struct lfi_env *env, const struct lfi_ties *ties,
                                const struct lfi_plan *plan, double **weights,
                                lfuse_error *err);
lfuse_status lfi_row_ties_check_gradients(const struct lfi_ties *ties, const char *when,
                                          lfuse_error *err);
lfuse_status lfi_row_ties_combine_gradients(const struct lfi_env *env,
                                            const struct lfi_ties *ties,
                                            lfuse_error *err);
lfuse_status lfi_row_ties_refresh(const struct lfi_env *env, const struct lfi_ties *ties,
                                  lfuse_error *err);
/* Frozen rows alone, on this thread. Cannot fail. */
void lfi_row_ties_thaw(const struct lfi_ties *ties);
void lfi_row_ties_destroy(const struct lfi_env *env, struct lfi_row_ties *rows);
/* The kept row of a group gets the mean of values and state, or merged for its values, and the
 * others what it has. Cannot fail. */
void lfi_row_ties_merge(const struct lfi_ties *ties, const struct lfi_rows *rows,
                        const struct lfi_grouping *grouping, int64_t group,
                        const int64_t *source, struct lfi_mean mean,
                        const double *merged);

/* Rows of groups that mix. Filling makes ready what they will show, changing shows it, or what they
 * had; that and finalising cannot fail. */
lfuse_status lfi_row_mixes_fill(const struct lfi_env *env, const struct lfi_ties *ties,
                                lfuse_show show, int64_t step, lfuse_error *err);
void lfi_row_mixes_change(const struct lfi_ties *ties, bool shows);
void lfi_row_mixes_finalise(const struct lfi_env *env, struct lfi_ties *ties);
/* The member's row that a group shows at a step. */
int64_t lfi_row_mixes_draw(const struct lfi_env *env, const struct lfi_ties *ties,
                           int64_t group, int64_t step);

/* What the caller makes of groups of rows that a plan changes, by the policy custom. */
struct lfi_row_merges {
    int64_t groups;
    int64_t *
        first; /* (groups + 1) elements: where a group's row is; none: nothing is merged */
    double *values;
};

lfuse_status lfi_row_merges_create(const struct lfi_env *env, const struct lfi_ties *ties,
                                   const struct lfi_plan *plan,
                                   struct lfi_row_merges *merges, lfuse_error *err);
void lfi_row_merges_destroy(const struct lfi_env *env, struct lfi_row_merges *merges);
const double *lfi_row_merges_of(const struct lfi_row_merges *merges, int64_t group);
/* Whether this plan brings a group of rows a new member, or a new owner. */
bool lfi_row_ties_change(const struct lfi_ties *ties, const struct lfi_plan *plan,
                         int64_t group);
/* A row's value, and a dense one like it at `data`. */
struct lfi_view lfi_row_ties_value(const struct lfi_ties *ties,
                                   const struct lfi_rows *rows, int64_t number);
struct lfi_view lfi_row_dense(const struct lfi_view *row, char *data);
/* Bytes from such a row to the next. */
size_t lfi_row_pitch(const struct lfi_view *row);

/* Parameters of the layer at index that ties touch: its weights, then its biases, as many as
 * it had when anything was first put in force, whatever it has gained since. */
int32_t lfi_ties_weight_count(const struct lfi_ties *ties, int64_t index);
int32_t lfi_ties_parameter_count(const struct lfi_ties *ties, int64_t index);
struct lfi_parameter *lfi_ties_parameter(const struct lfi_ties *ties, int64_t index,
                                         int32_t parameter);

/* Originals of the layer at index, one for each of its parameters. */
struct lfi_original *lfi_ties_originals(const struct lfi_ties *ties, int64_t index);
lfuse_status lfi_ties_keep_originals(const struct lfi_env *env, struct lfi_ties *ties,
                                     lfuse_error *err);
void lfi_ties_drop_originals(const struct lfi_env *env, struct lfi_ties *ties);

/* Where a parameter's value goes; NULL: it stays, or nobody needs to be told. */
typedef void *(*lfi_destination)(const struct lfi_ties *ties, int64_t layer,
                                 int32_t parameter, const void *arg);
/* Tells the caller of every value that goes; all or, if it refuses one, none. */
lfuse_status lfi_ties_rebind(const struct lfi_ties *ties, lfi_destination destination,
                             const void *arg, lfuse_error *err);

/* Whether a member's array can be made to point to one with this view. */
bool lfi_ties_can_repoint(const struct lfi_ties *ties, const struct lfi_array *member,
                          const struct lfi_view *target);
/* For lfi_ties_rebind(): where values go once the groups of arg, a grouping, are tied. */
void *lfi_ties_tied_destination(const struct lfi_ties *ties, int64_t layer,
                                int32_t parameter, const void *arg);
/* What the caller makes of the values of groups, by the policy custom. */
struct lfi_merges {
    int64_t groups;
    int64_t
        *first; /* (groups + 1) where a group's weights start; none: nothing is merged */
    double **values; /* of all weights, rows first */
    size_t *sizes;   /* (first[groups]) elements */
};

/* Calls merge for the matrices of members (n), dense, in their order; values are finite. */
lfuse_status lfi_merges_call(const struct lfi_env *env, const struct lfi_ties *ties,
                             const struct lfi_view *members, int64_t n,
                             const struct lfi_layer *kept, const char *parameter,
                             double *merged, lfuse_error *err);
/* Calls merge for the weights of the groups of goal that are `changed`. On failure *merges holds
 * nothing. */
lfuse_status lfi_merges_create(const struct lfi_env *env, const struct lfi_ties *ties,
                               const struct lfi_grouping *goal,
                               bool (*changed)(const void *arg, int64_t kept),
                               const void *arg, struct lfi_merges *merges,
                               lfuse_error *err);
void lfi_merges_destroy(const struct lfi_env *env, struct lfi_merges *merges);
/* The values of a group's weights, or NULL. */
double *const *lfi_merges_of(const struct lfi_merges *merges, int64_t group);

/* One group of a grouping gets one buffer. Cannot fail. */
void lfi_ties_commit_group(struct lfi_ties *ties, const struct lfi_grouping *grouping,
                           int64_t group, struct lfi_rule rule, struct lfi_mean mean);
/* Values and state of one parameter of a group become their mean, in the kept member's. */
void lfi_ties_merge(const struct lfi_ties *ties, const struct lfi_grouping *grouping,
                    int64_t group, int32_t parameter, struct lfi_mean mean);

/* What applying checks before it takes any memory. */
lfuse_status lfi_ties_check(const struct lfi_ties *ties, const struct lfi_plan *plan,
                            lfuse_error *err);
/* (ties->count) of members in a mean, or NULL where they count alike. */
lfuse_status lfi_ties_weigh(const struct lfi_env *env, const struct lfi_ties *ties,
                            const struct lfi_plan *plan, double **weights,
                            lfuse_error *err);

/* ---- preview: what the weights will be, read block by block -------------------------------- */

struct lfi_preview {
    struct lfi_ties ties; /* nothing is ever in force */
    const struct lfi_plan *plan;
    int64_t *group;       /* (layers) of goal, or -1 */
    double *weights;      /* (layers), or NULL */
    int64_t *first;       /* (groups + 1) where a group's divisors start */
    double *divisors;     /* of its weights; 0: the sum of weights */
    double *row_weights;  /* (rows), or NULL */
    double *row_divisors; /* (groups of rows), or NULL: the sums of weights */
};

/* layers are only read. plan and layers are kept. On failure *preview holds nothing. */
lfuse_status lfi_preview_create(const struct lfi_env *env, const struct lfi_plan *plan,
                                struct lfi_layer *const *layers, int64_t count,
                                struct lfi_preview *preview, lfuse_error *err);
void lfi_preview_destroy(const struct lfi_env *env, struct lfi_preview *preview);
/* Of a plan of the unit row: what there is beside, and elements of a weight. */
lfuse_status lfi_preview_rows_create(const struct lfi_env *env,
                                     struct lfi_preview *preview, lfuse_error *err);
void lfi_preview_rows_destroy(const struct lfi_env *env, struct lfi_preview *preview);
void lfi_preview_rows_read(const struct lfi_preview *preview, int64_t layer,
                           int32_t weight, int64_t first, int64_t count, void *out);
/* Elements [first, first + count) of a parameter of the layer, of its own type. */
void lfi_preview_read(const struct lfi_preview *preview, int64_t layer, int32_t parameter,
                      int64_t first, int64_t count, void *out);

/* ---- groups that mix ----------------------------------------------------------------------- */

/* What to show in a group's place: the row of one source or another, or their mean. Groups that
 * do not mix show what they are. Any but the sources follows upon the sources only. */
lfuse_status lfi_ties_show(const struct lfi_env *env, struct lfi_ties *ties,
                           lfuse_show show, int64_t step, lfuse_error *err);
/* LFUSE_ERR_STATE, naming the call, when something but the sources is shown. */
lfuse_status lfi_ties_expect_sources(const struct lfi_ties *ties, const char *call,
                                     lfuse_error *err);
/* Ties the groups that mix, for good. */
lfuse_status lfi_ties_finalise(const struct lfi_env *env, struct lfi_ties *ties,
                               lfuse_error *err);
bool lfi_ties_is_mixed(const struct lfi_ties *ties, int64_t index);

/* The member, of `members`, that gives this row of a mix. */
int32_t lfi_mix_draw(const struct lfi_env *env, int64_t kept, int32_t parameter,
                     int64_t step, int64_t row, int32_t members);
/* Appends one mix for every parameter of the group, of weights alone where it does not draw. On
 * failure nothing is appended. */
lfuse_status lfi_mixes_add(const struct lfi_env *env, const struct lfi_ties *ties,
                           const struct lfi_grouping *grouping, int64_t group,
                           struct lfi_rule rule, double share, struct lfi_mixes *mixes,
                           lfuse_error *err);
/* How many those are. */
int32_t lfi_mixes_of_group(const struct lfi_ties *ties, int64_t kept,
                           struct lfi_rule rule);
void lfi_mixes_destroy(const struct lfi_env *env, struct lfi_mixes *mixes);
/* The same over the same buffers, while the sources are shown. On failure *copy holds nothing. */
lfuse_status lfi_mixes_copy(const struct lfi_env *env, const struct lfi_mixes *mixes,
                            struct lfi_mixes *copy, lfuse_error *err);
/* The face of a layer's parameter, or NULL, among those that have a part in what is shown. */
struct lfi_face *lfi_mixes_face(const struct lfi_mixes *mixes, int64_t layer,
                                int32_t parameter, lfuse_show show);
/* Whether members change places with it for this show. */
bool lfi_mix_is_shown(const struct lfi_mix *mix, lfuse_show show);
/* LFUSE_ERR_STATE when groups mix, but do not show their mix. */
lfuse_status lfi_mixes_check_gradients(const struct lfi_ties *ties, lfuse_error *err);
lfuse_status lfi_mixes_combine_gradients(const struct lfi_env *env,
                                         const struct lfi_ties *ties, lfuse_error *err);

/* ---- policies and combining ------------------------------------------------------------------ */

struct lfi_policy {
    lfuse_policy policy;
    const char *name;
    bool averages; /* the buffer starts as the members' mean; else as the kept member's */
    bool freezes;  /* freeze_gradient says which gradients go on training it */
    bool mixes;    /* members keep their own until the group is finalised */
    bool
        calls_back; /* values are what the ties' merge makes of them; state is averaged */
    bool draws;     /* of a policy that mixes: rows are drawn, and biases averaged */
};

const struct lfi_policy *lfi_policy_find(lfuse_policy policy); /* NULL: unknown */
const struct lfi_policy *lfi_policy_by_name(const char *name); /* NULL: unknown */
void lfi_policy_names(char *text, size_t size); /* "average, freeze, ..." */
bool lfi_rule_is_frozen(struct lfi_rule rule);
/* The kept position's gradient alone trains the buffer. */
bool lfi_rule_drops(struct lfi_rule rule);

/* One array of one parameter over the members of a group. */
struct lfi_combination {
    const struct lfi_ties *ties;
    const int64_t *members;
    int64_t count;
    const struct lfi_rows *rows; /* members are rows; NULL: layers */
    const int64_t *row_source;   /* (rows) sources of rows; NULL: themselves */
    bool by_source; /* members are read through their sources; else themselves */
    int32_t parameter;
    int32_t which;
    const double *weights; /* (layers, or rows) of members; NULL: 1 */
    double divisor;        /* of the sum; 0: the weights of members that have the array */
};

/* A row of an array that is there, as the arrangement of a preview's ties has it. */
struct lfi_arranged lfi_ties_row(const struct lfi_ties *ties, struct lfi_row row,
                                 int32_t which);
/* weights, unless they are all 0 for these members and so say nothing: NULL. */
const double *lfi_combine_weights(const struct lfi_combination *c, const double *weights);

enum { LFI_COMBINE_BLOCK = 512 };

/* Elements [first, first + count), at most a block. */
void lfi_combine_block(const struct lfi_combination *combination, int64_t first,
                       int64_t count, double *values);
/* Elements [first, first + count) of target. target may be one of the sources. */
void lfi_combine(const struct lfi_combination *combination, const struct lfi_view *target,
                 int64_t first, int64_t count);
double lfi_combine_norm(const struct lfi_arranged *arranged);
/* What divides the sum for a mean whose norm is the members' mean norm. */
double lfi_combine_rescaled(const struct lfi_combination *combination);

#endif
