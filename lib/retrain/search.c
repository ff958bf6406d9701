/*
 * search.c - bisection over the fusions of one plan
 *
 * A plan joins the most alike first, so its first k fusions are the plan for a smaller ratio.
 * Invariant: `low` fusions are within the tolerance, `high` are not, or are one too many.
 */
#include "retrain/search.h"

#include <math.h>

struct search {
    const struct lfi_env *env;
    struct lfi_ties *ties;
    const struct lfi_search_options *options;
    struct lfi_plan plan; /* of `low` fusions */
    double metric;        /* of it */
};

static lfuse_status check(int32_t answer, const char *what, lfuse_error *err)
{
    if (answer == 0)
        return LFUSE_OK;
    return lfi_fail_detail(err, LFUSE_ERR_CALLBACK, answer, "%s returned %d", what,
                           (int)answer);
}

/* The metric of what is in force, with the sources shown again if that worked. */
static lfuse_status evaluate(const struct search *s, bool repairs, double *metric,
                             lfuse_error *err)
{
    const struct lfi_search_options *o = s->options;
    lfuse_status status = lfi_ties_refresh(s->env, s->ties, err);

    if (status == LFUSE_OK)
        status = lfi_ties_show(s->env, s->ties, LFUSE_SHOW_MEAN, 0, err);
    if (status == LFUSE_OK && repairs && o->repair != NULL)
        status = check(o->repair(o->repair_user), "repair", err);
    if (status == LFUSE_OK)
        status = check(o->evaluate(o->evaluate_user, metric), "evaluate", err);
    if (status == LFUSE_OK && !isfinite(*metric))
        status =
            lfi_fail(err, LFUSE_ERR_CALLBACK, "evaluate gave the metric %g", *metric);
    return status;
}

static lfuse_status try_plan(const struct search *s, const struct lfi_plan *plan,
                             double *metric, lfuse_error *err)
{
    struct lfi_snapshot before;
    lfuse_status status = lfi_snapshot_take(s->env, s->ties, &before, err), back;

    if (status != LFUSE_OK)
        return status;
    if (plan != NULL)
        status = lfi_ties_apply(s->env, s->ties, plan, err);
    if (status == LFUSE_OK)
        status = evaluate(s, plan != NULL, metric, err);
    back =
        lfi_snapshot_restore(s->env, s->ties, &before, status == LFUSE_OK ? err : NULL);
    if (back != LFUSE_OK)
        lfi_snapshot_destroy(s->env, &before);
    return status == LFUSE_OK ? back : status;
}

/* The first k fusions; k < 0: all. */
static lfuse_status build(const struct search *s, int64_t k, struct lfi_plan *plan,
                          lfuse_error *err)
{
    struct lfi_plan_options options = s->options->plan;

    if (k > 0 && k < options.top_k)
        options.top_k = k;
    if (k == 0)
        options.ratio = 1.0; /* which is there */
    options.may_fall_short = k >= 0;
    return lfi_plan_build(s->env, (const struct lfi_layer *const *)s->ties->layers,
                          s->ties->count, &options, s->ties, plan, err);
}

/* A plan becomes the one if it costs no more than `least`; it is taken over either way. */
static lfuse_status hold(struct search *s, struct lfi_plan *plan, double least,
                         bool *passes, lfuse_error *err)
{
    double metric = NAN;
    lfuse_status status = try_plan(s, plan, &metric, err);

    *passes = status == LFUSE_OK && metric >= least;
    if (!*passes) {
        lfi_plan_destroy(s->env, plan);
        return status;
    }
    lfi_plan_destroy(s->env, &s->plan);
    s->plan = *plan;
    s->metric = metric;
    return LFUSE_OK;
}

/* all: the whole plan, which is taken over. */
static lfuse_status bisect(struct search *s, struct lfi_plan *all, lfuse_error *err)
{
    const double least = s->metric - s->options->tolerance;
    int64_t low = 0, high = all->fusion_count;
    bool passes = false;
    lfuse_status status = hold(s, all, least, &passes, err);

    if (passes)
        return LFUSE_OK;
    while (status == LFUSE_OK && high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        struct lfi_plan plan;

        status = build(s, middle, &plan, err);
        if (status == LFUSE_OK)
            status = hold(s, &plan, least, &passes, err);
        if (passes)
            low = middle;
        else
            high = middle;
    }
    return status;
}

lfuse_status lfi_search_ratio(const struct lfi_env *env, struct lfi_ties *ties,
                              const struct lfi_search_options *options,
                              struct lfi_plan *plan, double *metric, lfuse_error *err)
{
    struct search s = {.env = env, .ties = ties, .options = options};
    struct lfi_plan all = {0};
    lfuse_status status = lfi_ties_expect_sources(ties, "search", err);

    if (status == LFUSE_OK)
        status = build(&s, -1, &all, err);
    if (status == LFUSE_OK)
        status = build(&s, 0, &s.plan, err);
    if (status == LFUSE_OK)
        status = try_plan(&s, NULL, &s.metric, err);
    if (status == LFUSE_OK)
        status = bisect(&s, &all, err);
    else
        lfi_plan_destroy(env, &all);
    if (status != LFUSE_OK) {
        lfi_plan_destroy(env, &s.plan);
        return status;
    }
    *plan = s.plan;
    *metric = s.metric;
    return LFUSE_OK;
}
