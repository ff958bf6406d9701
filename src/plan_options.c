/* plan_options.c - the options of plan.h, checked, with their defaults filled in */
#include "handles.h"

#include <math.h>
#include <stdio.h>

static lfuse_status check_numbers(const lfuse_plan_options *o, const char *what,
                                  lfuse_error *err)
{
    if (!isfinite(o->ratio) || (o->ratio != 0.0 && o->ratio < 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.ratio is %.17g, not a ratio >= 1",
                        what, o->ratio);
    if (o->top_k < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.top_k is %lld", what,
                        (long long)o->top_k);
    if (o->ratio == 0.0 && o->top_k == 0 && o->max_unique_bytes == 0 &&
        (o->flags & LFUSE_PLAN_FLAG_THRESHOLD) == 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s gives neither ratio, top_k, max_unique_bytes nor threshold",
                        what);
    if (o->max_group < 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.max_group is %d", what,
                        (int)o->max_group);
    return LFUSE_OK;
}

static lfuse_status check_flags(const lfuse_plan_options *o, const char *what,
                                lfuse_error *err)
{
    const uint32_t known = LFUSE_PLAN_FLAG_THRESHOLD | LFUSE_PLAN_FLAG_RESCALE |
                           LFUSE_PLAN_FLAG_INCLUDE_ENDS | LFUSE_PLAN_FLAG_SKIP_UNEQUAL |
                           LFUSE_PLAN_FLAG_CONTENTS;

    if ((o->flags & ~known) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.flags has unknown bits: 0x%x", what,
                        (unsigned)(o->flags & ~known));
    if (!isfinite(o->threshold))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.threshold is %g", what,
                        o->threshold);
    if (o->threshold != 0.0 && (o->flags & LFUSE_PLAN_FLAG_THRESHOLD) == 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s.threshold is %g, without LFUSE_PLAN_FLAG_THRESHOLD", what,
                        o->threshold);
    return LFUSE_OK;
}

static lfuse_status check_rules(const lfuse_plan_options *o, const char *what,
                                lfuse_error *err)
{
    const long long n = o->rule_count;
    lfuse_status status = LFUSE_OK;
    int64_t r;

    if (n < 0 || (n > 0 && o->rules == NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.rule_count is %lld, rules is %s",
                        what, n, o->rules == NULL ? "NULL" : "given");
    for (r = 0; r < n && status == LFUSE_OK; r++) {
        const lfuse_plan_rule *rule = &o->rules[r];

        if (rule->pattern == NULL || rule->pattern[0] == '\0')
            status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.rules[%lld].pattern is %s",
                              what, (long long)r, rule->pattern ? "empty" : "NULL");
        else if (rule->action < LFUSE_PLAN_ACTION_INCLUDE ||
                 rule->action > LFUSE_PLAN_ACTION_FORCE)
            status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.rules[%lld].action is %d",
                              what, (long long)r, (int)rule->action);
        else if (rule->reserved != 0)
            status = lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "%s.rules[%lld].reserved is %d",
                              what, (long long)r, (int)rule->reserved);
    }
    return status;
}

static lfuse_status check_constants(const lfuse_plan_options *o, const char *what,
                                    lfuse_error *err)
{
    lfuse_status status;

    if (o->policy != 0 && lfi_policy_find(o->policy) == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.policy is %d, which is unknown",
                        what, (int)o->policy);
    status = lfi_handles_constant(o->freeze_gradient, LFUSE_FREEZE_DROPPED, what,
                                  "freeze_gradient", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->scope, LFUSE_SCOPE_ADJACENT, what, "scope", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->unit, LFUSE_UNIT_ROW, what, "unit", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->base, LFUSE_BASE_ALL, what, "base", err);
    if (status == LFUSE_OK)
        status =
            lfi_handles_constant(o->linkage, LFUSE_LINKAGE_MERGED, what, "linkage", err);
    if (status == LFUSE_OK)
        status =
            lfi_handles_constant(o->keep, LFUSE_KEEP_BY_DIRECTION, what, "keep", err);
    if (status == LFUSE_OK)
        status = lfi_handles_constant(o->alignment, LFUSE_ALIGNMENT_PERMUTATION, what,
                                      "alignment", err);
    return status;
}

static lfuse_status check_alignment(const lfuse_plan_options *o, const char *what,
                                    lfuse_error *err)
{
    const bool aligns = o->alignment == LFUSE_ALIGNMENT_PERMUTATION;

    if (aligns != (o->couplings != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.alignment is %d, couplings are %s",
                        what, (int)o->alignment, aligns ? "NULL" : "given");
    return LFUSE_OK;
}

static lfuse_status import_options(const lfuse_context *ctx,
                                   const lfuse_plan_options *options, const char *what,
                                   lfuse_plan_options *o, lfuse_error *err)
{
    lfuse_status status;

    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    status = lfi_options_import(o, sizeof(*o), options, false, what, err);
    if (status == LFUSE_OK)
        status = check_numbers(o, what, err);
    if (status == LFUSE_OK)
        status = check_flags(o, what, err);
    if (status == LFUSE_OK)
        status = check_rules(o, what, err);
    if (status == LFUSE_OK)
        status = check_constants(o, what, err);
    if (status == LFUSE_OK)
        status = check_alignment(o, what, err);
    return status;
}

/* What only the mean of the policy average knows. */
static lfuse_status check_mean(const lfuse_plan_options *o, const char *what,
                               lfuse_error *err)
{
    const lfuse_policy policy = o->policy != 0 ? o->policy : LFUSE_POLICY_AVERAGE;
    const bool rescale = (o->flags & LFUSE_PLAN_FLAG_RESCALE) != 0;
    lfuse_status status = lfi_handles_constant(o->weighting, LFUSE_WEIGHTING_IMPORTANCE,
                                               what, "weighting", err);

    if (status != LFUSE_OK)
        return status;
    if (policy != LFUSE_POLICY_AVERAGE &&
        (o->weighting > LFUSE_WEIGHTING_EQUAL || rescale))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.%s is given, but the policy is %s",
                        what, rescale ? "flags rescale" : "weighting",
                        lfi_policy_find(policy)->name);
    if ((o->weighting == LFUSE_WEIGHTING_IMPORTANCE) != (o->importance != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.weighting is %d, importance is %s",
                        what, (int)o->weighting,
                        o->importance != NULL ? "given" : "NULL");
    return LFUSE_OK;
}

/* A plan compares what it may fuse: sizes agree, and a failure ends it. */
static lfuse_status import_similarity(const lfuse_context *ctx,
                                      const lfuse_plan_options *options, const char *what,
                                      struct lfi_similarity_params *params,
                                      lfuse_error *err)
{
    lfuse_similarity_options given, o;
    char name[64];
    lfuse_status status;

    (void)snprintf(name, sizeof(name), "%.32s.similarity", what);
    status =
        lfi_options_import(&given, sizeof(given), options->similarity, true, name, err);
    if (status != LFUSE_OK)
        return status;
    if (options->metric != 0 && given.metric != 0 && options->metric != given.metric)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s.metric is %d, %s.metric is %d", what,
                        (int)options->metric, name, (int)given.metric);
    if (options->metric != 0)
        given.metric = options->metric;
    given.struct_size = sizeof(given);
    status = lfi_handles_similarity(ctx, &given, name, &o, params, err);
    params->failed = NULL;
    return status;
}

/* What is known of the metric only by now. */
static lfuse_status check_direction(const lfuse_plan_options *o,
                                    const struct lfi_similarity_params *params,
                                    const char *what, lfuse_error *err)
{
    const struct lfi_metric *metric = lfi_metric_of(params);

    if (o->keep == LFUSE_KEEP_BY_DIRECTION && metric->is_symmetric)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s.keep is by direction, but %s is symmetric", what,
                        metric->name);
    return LFUSE_OK;
}

static void fill_options(const lfuse_plan_options *o, struct lfi_plan_options *out)
{
    out->ratio = o->ratio;
    out->top_k = o->top_k != 0 ? o->top_k : INT64_MAX;
    out->max_unique_bytes = o->max_unique_bytes;
    out->threshold = o->threshold;
    out->has_threshold = (o->flags & LFUSE_PLAN_FLAG_THRESHOLD) != 0;
    out->max_group = o->max_group != 0 ? o->max_group : INT64_MAX;
    out->policy = o->policy != 0 ? o->policy : LFUSE_POLICY_AVERAGE;
    out->freeze_gradient =
        o->freeze_gradient != 0 ? o->freeze_gradient : LFUSE_FREEZE_BOTH;
    out->scope = o->scope != 0 ? o->scope : LFUSE_SCOPE_GLOBAL;
    out->unit = o->unit != 0 ? o->unit : LFUSE_UNIT_LAYER;
    out->base = o->base != 0 ? o->base : LFUSE_BASE_CANDIDATES;
    out->linkage = o->linkage != 0 ? o->linkage : LFUSE_LINKAGE_SINGLE;
    out->keep = o->keep != 0 ? o->keep : LFUSE_KEEP_FARTHEST;
    out->weighting = o->weighting != 0 ? o->weighting : LFUSE_WEIGHTING_EQUAL;
    out->rescale = (o->flags & LFUSE_PLAN_FLAG_RESCALE) != 0;
    out->importance = o->importance;
    out->include_ends = (o->flags & LFUSE_PLAN_FLAG_INCLUDE_ENDS) != 0;
    out->contents = (o->flags & LFUSE_PLAN_FLAG_CONTENTS) != 0;
    out->skip_unequal = (o->flags & LFUSE_PLAN_FLAG_SKIP_UNEQUAL) != 0;
    out->rules = o->rules;
    out->rule_count = o->rule_count;
    out->couplings = o->couplings != NULL ? &o->couplings->couplings : NULL;
}

lfuse_status lfi_handles_plan_options(const lfuse_context *ctx,
                                      const lfuse_plan_options *options, const char *what,
                                      struct lfi_plan_options *out,
                                      const lfuse_ties **in_force, lfuse_error *err)
{
    lfuse_plan_options o;
    lfuse_status status = import_options(ctx, options, what, &o, err);

    *out = (struct lfi_plan_options){0}; /* what only the engine's own asks for */
    if (status == LFUSE_OK)
        status = check_mean(&o, what, err);
    if (status == LFUSE_OK)
        status = import_similarity(ctx, &o, what, &out->similarity, err);
    if (status == LFUSE_OK)
        status = check_direction(&o, &out->similarity, what, err);
    if (status != LFUSE_OK)
        return status;
    fill_options(&o, out);
    *in_force = o.in_force;
    return lfi_rows_check_options(out, what, err);
}
