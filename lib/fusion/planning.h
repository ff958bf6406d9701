/*
 * planning.h - what the files of planning share; nobody else includes it
 *
 * rules     what names say
 * choice    what rules and ends of the network say of each layer, before anything is measured
 * scores    every two candidates of one param type
 * links     how alike two groups are, by the linkage, and the best two that may join
 * join      joining the best until what was asked for is reached
 * rows      the same of rows, with scores and links of their own: there are many more of them
 *
 * Groups go by their owners, layers whose buffer they have; within a kin, by the first of
 * their members there.
 */
#ifndef LFI_FUSION_PLANNING_H
#define LFI_FUSION_PLANNING_H

#include "fusion/fusion.h"

/* Why a layer does not fuse. */
enum lfi_bar {
    LFI_BAR_NONE,
    LFI_BAR_EXCLUDED,
    LFI_BAR_NOT_INCLUDED, /* while others are */
    LFI_BAR_END,     /* of the network, of another kind than the others of its type */
    LFI_BAR_SKIPPED, /* it matches no other, or the metric cannot compare it */
    LFI_BAR_NO_CANDIDATE, /* there is no other of its type */
};

/* ---- rules ------------------------------------------------------------------------------ */

bool lfi_pattern_matches(const char *pattern, const char *name);
bool lfi_rule_matches(const struct lfi_plan_options *options, int64_t rule,
                      const struct lfi_layer *layer);
/* LFUSE_ERR_NAME when a rule matches no layer. */
lfuse_status lfi_rules_check(const struct lfi_plan_options *options,
                             const struct lfi_layer *const *layers, int64_t count,
                             lfuse_error *err);
/* Whether a rule of this action matches the layer; layer NULL: whether there is one. */
bool lfi_rules_say(const struct lfi_plan_options *options, lfuse_plan_action action,
                   const struct lfi_layer *layer);

/* ---- choice ----------------------------------------------------------------------------- */

/* What is known of every layer of a plan, by index. */
struct lfi_choice {
    int64_t count;
    uint8_t *bar;  /* enum lfi_bar */
    bool *pinned;  /* its buffer is kept */
    int64_t *rank; /* among the layers of its param type that have weights, by position */
};

/* Of a plan that has its options and layers; ends that are left out are among its skips then. */
lfuse_status lfi_choice_create(const struct lfi_env *env,
                               const struct lfi_layer *const *layers,
                               struct lfi_plan *plan, struct lfi_choice *choice,
                               lfuse_error *err);
void lfi_choice_destroy(const struct lfi_env *env, struct lfi_choice *choice);

/* ---- candidates ------------------------------------------------------------------------- */

/* Candidates of one param type, by index. */
struct lfi_candidates {
    int64_t type_count;
    int64_t *first;   /* (type_count + 1) where a type's layers start */
    int64_t *members; /* types in the order of their first layers, members ascending */
};

/*
 * Of layers that nothing bars; it bars those that no other could fuse with. LFUSE_ERR_NAME, _SHAPE
 * or _TYPE when the weights of a type do not match and the plan does not skip those that do not.
 */
lfuse_status lfi_candidates_find(const struct lfi_env *env,
                                 const struct lfi_layer *const *layers,
                                 struct lfi_choice *choice, struct lfi_plan *plan,
                                 struct lfi_candidates *candidates, lfuse_error *err);
void lfi_candidates_destroy(const struct lfi_env *env, int64_t count,
                            struct lfi_candidates *candidates);

/* ---- scores ----------------------------------------------------------------------------- */

/* Two layers, or two groups by their most alike layers. */
struct lfi_pair {
    double cost; /* less is more alike: the score, or minus it; NaN: they cannot join */
    double score;
    int64_t a; /* a < b, indices of layers */
    int64_t b;
};

/* The candidates of one param type. */
struct lfi_kin {
    int64_t count;
    const int64_t *members; /* (count) layers, ascending */
    double *scores;         /* (count, count) i to j; NaN: the metric cannot tell */
    int64_t *group;         /* (count) the first member of a member's group */
    struct lfi_pair *links; /* (count, count) of groups g < h */
    int64_t *best;          /* (count) the h > g of g's best link that may join, or -1 */
};

struct lfi_kins {
    int64_t count;
    struct lfi_kin *items;
};

/*
 * Measures all candidates. Where the plan skips them, those that cannot be compared to any other
 * are barred and noted. On failure *kins holds nothing.
 */
lfuse_status lfi_kins_measure(const struct lfi_env *env,
                              const struct lfi_layer *const *layers,
                              const struct lfi_candidates *candidates,
                              struct lfi_choice *choice, struct lfi_plan *plan,
                              struct lfi_kins *kins, lfuse_error *err);
void lfi_kins_destroy(const struct lfi_env *env, struct lfi_kins *kins);

/* The member that is this layer. */
int64_t lfi_kin_find(const struct lfi_kin *kin, int64_t layer);
/* Of members x < y of a kin. */
struct lfi_pair lfi_kin_pair(const struct lfi_kin *kin, const struct lfi_metric *metric,
                             int64_t x, int64_t y);
/* A total order: by cost, then by a and b. */
bool lfi_pair_is_before(const struct lfi_pair *p, const struct lfi_pair *q);

/* ---- joining ----------------------------------------------------------------------------- */

struct lfi_means;

/* The pairs between two groups. */
struct lfi_bond {
    struct lfi_pair best; /* in scope; a < 0: there is none */
    double sum;           /* of costs; NaN where one is */
    double worst;         /* the same */
    int64_t pairs;
};

struct lfi_join {
    const struct lfi_env *env;
    const struct lfi_layer *const *layers;
    const struct lfi_choice *choice;
    const struct lfi_metric *metric;
    struct lfi_kins *kins;
    struct lfi_plan *plan;
    struct lfi_means *means; /* of the linkage merged, or NULL */
    int64_t *size;           /* of the group of an owner */
    bool *barred;            /* whether a member of the group of an owner may not fuse */
    bool *forced;            /* (layers) by the rule at hand */
    struct lfi_bond *bonds;  /* scratch of links: (layers) */
    int64_t *list;           /* the same */
    int64_t middle;          /* twice the middle of all positions */
};

/* Progress over all types, out of that over one: what env->progress is while it is measured. */
struct lfi_share {
    const struct lfi_env *env;
    int64_t before; /* pairs of the types that are done */
    int64_t pairs;  /* of this type */
    int64_t total;
};

int32_t lfi_share_tell(const char *what, int64_t done, int64_t total, void *user);

/* Joins groups until options are met: fusions, goal and account of a plan that has the rest. */
lfuse_status lfi_plan_join(const struct lfi_env *env,
                           const struct lfi_layer *const *layers,
                           const struct lfi_choice *choice, struct lfi_kins *kins,
                           struct lfi_plan *plan, lfuse_error *err);
/* The policy js: gamma of every fusion. */
lfuse_status lfi_plan_measure_gammas(const struct lfi_env *env,
                                     const struct lfi_layer *const *layers,
                                     struct lfi_plan *plan, lfuse_error *err);
/* Joins the groups of a link that may. */
lfuse_status lfi_join_link(struct lfi_join *j, struct lfi_kin *kin, struct lfi_pair link,
                           lfuse_error *err);
/* Joins what rules force. LFUSE_ERR_ARGUMENT when it cannot be. */
lfuse_status lfi_join_forced(struct lfi_join *j, lfuse_error *err);
/* What ends joining: of ratio and max_unique_bytes, whichever comes first. */
bool lfi_plan_is_reached(const struct lfi_plan *plan);
bool lfi_plan_is_alike_enough(const struct lfi_plan *plan, double cost);
/* Whether it is a mistake that nothing is left to join. */
bool lfi_plan_must_reach(const struct lfi_plan *plan);
lfuse_status lfi_plan_fail_unreachable(const struct lfi_plan *plan, lfuse_error *err);
/* Whether the groups of two owners may become one, whatever their score. */
bool lfi_join_may(const struct lfi_join *j, int64_t a, int64_t b);
/* Which of two owners keeps its buffer. */
int64_t lfi_join_kept(const struct lfi_join *j, const struct lfi_kin *kin, int64_t a,
                      int64_t b);
int64_t lfi_join_middle(const struct lfi_layer *const *layers, int64_t count);

/* Links between all groups of a kin as they are. */
lfuse_status lfi_links_create(struct lfi_join *j, struct lfi_kin *kin, lfuse_error *err);
/* The groups of members g < h of a kin, first of theirs, have become one. */
lfuse_status lfi_links_join(struct lfi_join *j, struct lfi_kin *kin, int64_t g, int64_t h,
                            lfuse_error *err);
/* Whether the link may join now. */
bool lfi_links_may(const struct lfi_join *j, const struct lfi_pair *link);
/* The best link of all kins that may join; NULL: none may. */
const struct lfi_pair *lfi_links_best(const struct lfi_join *j, struct lfi_kin **kin);

/* Rooms for the means of two groups, of the greatest layer that there is. */
lfuse_status lfi_means_create(struct lfi_join *j, lfuse_error *err);
void lfi_means_destroy(struct lfi_join *j);
/* How alike the mean weights of two groups of a kin are, into link's cost and score. */
lfuse_status lfi_means_measure(struct lfi_join *j, const struct lfi_kin *kin, int64_t g,
                               int64_t h, struct lfi_pair *link, lfuse_error *err);

/* ---- rows ---------------------------------------------------------------------------------- */

/* Rows of one weight of one param type's candidates. */
struct lfi_row_kin {
    int64_t count;
    int64_t *rows; /* (count) numbers, ascending */
    /* (count, count): of x < y, at (x, y) the cost of the groups that they are the first of, at
     * (y, x) that of the pair itself; infinite: out of scope, or it cannot be compared */
    double *costs;
    int64_t *group; /* (count) the first member of a member's group */
    int64_t *size;  /* (count) of the group of a first member */
    int64_t *best;  /* (count) the first y > x of the group to join with x's, or -1 */
    bool *barred;   /* (count) of the group of a first member: it does not grow */
    bool *
        pinned; /* (count) the same: it has a row that is kept whatever else is asked for */
};

struct lfi_row_kins {
    int64_t count;
    struct lfi_row_kin *items;
};

/* Measures all rows of candidates. On failure *kins holds nothing. */
lfuse_status lfi_row_kins_measure(const struct lfi_env *env,
                                  const struct lfi_layer *const *layers,
                                  const struct lfi_candidates *candidates,
                                  const struct lfi_choice *choice,
                                  const struct lfi_plan *plan, struct lfi_row_kins *kins,
                                  lfuse_error *err);
void lfi_row_kins_destroy(const struct lfi_env *env, struct lfi_row_kins *kins);

/* The same of rows as they are once all layers of a param type are in order: moves, too. */
lfuse_status lfi_plan_align_and_join_rows(const struct lfi_env *env,
                                          const struct lfi_layer *const *layers,
                                          const struct lfi_candidates *candidates,
                                          const struct lfi_choice *choice,
                                          struct lfi_plan *plan, lfuse_error *err);
/* Measures, and joins until options are met: fusions, row_goal and account of a plan that has the
 * rest. */
lfuse_status lfi_plan_join_rows(const struct lfi_env *env,
                                const struct lfi_layer *const *layers,
                                const struct lfi_candidates *candidates,
                                const struct lfi_choice *choice, struct lfi_plan *plan,
                                lfuse_error *err);

#endif
