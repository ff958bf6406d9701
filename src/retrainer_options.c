/* retrainer_options.c - the options of retrainer.h, checked, with their defaults filled in */
#include "handles.h"

#include <math.h>

void lfuse_retrainer_options_init(lfuse_retrainer_options *options, size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status check_numbers(const lfuse_retrainer_options *o, lfuse_error *err)
{
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"fusions", o->fusions}, {"interval", o->interval},   {"pairs", o->pairs},
        {"grace", o->grace},     {"rollbacks", o->rollbacks}, {"lead", o->lead},
        {"mix", o->mix}};
    const size_t n = sizeof(numbers) / sizeof(numbers[0]);
    size_t i;

    for (i = 0; i < n; i++)
        if (numbers[i].value < 0)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.%s is %lld",
                            numbers[i].name, (long long)numbers[i].value);
    return LFUSE_OK;
}

static lfuse_status check_flags(const lfuse_retrainer_options *o, lfuse_error *err)
{
    const uint32_t known = LFUSE_RETRAINER_FLAG_STEPS | LFUSE_RETRAINER_FLAG_TOLERANCE |
                           LFUSE_RETRAINER_FLAG_EACH,
                   unknown = o->flags & ~known;

    if (unknown == 0)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.flags has unknown bits: 0x%x",
                    (unsigned)unknown);
}

/* What belongs to one schedule is given for that one alone. */
static lfuse_status check_schedule(const lfuse_retrainer_options *o, lfuse_error *err)
{
    const bool is_custom = o->schedule == LFUSE_SCHEDULE_CUSTOM;
    lfuse_status status = lfi_handles_constant(o->schedule, LFUSE_SCHEDULE_CUSTOM,
                                               "options", "schedule", err);

    if (status != LFUSE_OK)
        return status;
    if (is_custom != (o->custom != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.custom is %s",
                        is_custom ? "NULL, but the schedule is custom"
                                  : "given, but the schedule is not custom");
    if (o->decay != 0.0 && o->schedule != LFUSE_SCHEDULE_EXPONENTIAL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.decay is %g, but the schedule is not exponential",
                        o->decay);
    if (!(o->decay >= 0.0 && o->decay < 1.0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.decay is %g, not in (0, 1)",
                        o->decay);
    if (o->pairs != 0 && o->schedule > LFUSE_SCHEDULE_UNIFORM)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.pairs is %lld, but the schedule goes by ratios",
                        (long long)o->pairs);
    return LFUSE_OK;
}

/* What lies within an interval; grace may be all of it. */
static lfuse_status check_times(const lfuse_retrainer_options *o, lfuse_error *err)
{
    const int32_t interval = o->interval != 0 ? o->interval : 1;
    const char *name = o->lead >= interval && o->lead > 0 ? "lead"
                       : o->mix >= interval && o->mix > 0 ? "mix"
                                                          : NULL;

    if (name != NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.%s is %d, not less than the interval, %d", name,
                        (int)(o->lead >= interval && o->lead > 0 ? o->lead : o->mix),
                        (int)interval);
    if (o->grace > interval)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.grace is %d, more than the interval, %d", (int)o->grace,
                        (int)interval);
    return LFUSE_OK;
}

static lfuse_status check_tolerance(const lfuse_retrainer_options *o, lfuse_error *err)
{
    const bool is_given = (o->flags & LFUSE_RETRAINER_FLAG_TOLERANCE) != 0,
               is_each = (o->flags & LFUSE_RETRAINER_FLAG_EACH) != 0;

    if (!is_given && (o->tolerance != 0.0 || o->baseline != 0.0 || o->grace != 0 ||
                      o->rollbacks != 0 || is_each))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options gives %s, but flags has no tolerance",
                        o->tolerance != 0.0  ? "tolerance"
                        : o->baseline != 0.0 ? "baseline"
                        : o->grace != 0      ? "grace"
                        : o->rollbacks != 0  ? "rollbacks"
                                             : "the flag each");
    if (!(o->tolerance >= 0.0 && o->tolerance < INFINITY))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.tolerance is %g", o->tolerance);
    if (!isfinite(o->baseline))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.baseline is %g", o->baseline);
    return LFUSE_OK;
}

static lfuse_status import_plan(const lfuse_context *ctx,
                                const lfuse_plan_options *options,
                                struct lfi_plan_options *out, lfuse_error *err)
{
    const lfuse_ties *in_force = NULL;
    lfuse_status status;

    if (options == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.plan is NULL");
    status = lfi_handles_plan_options(ctx, options, "options.plan", out, &in_force, err);
    if (status != LFUSE_OK)
        return status;
    if (out->ratio == 0.0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.plan.ratio is 0");
    if (out->top_k != INT64_MAX)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.plan.top_k is %lld: the schedule decides",
                        (long long)out->top_k);
    if (in_force != NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.plan.in_force is given: the retrainer has its own");
    return LFUSE_OK;
}

static struct lfi_schedule schedule_of(const lfuse_retrainer_options *o, double ratio)
{
    return (struct lfi_schedule){
        .ratio = ratio,
        .kind = o->schedule != 0 ? o->schedule : LFUSE_SCHEDULE_UNIFORM,
        .fusions = o->fusions != 0 ? o->fusions
                   : o->pairs != 0 ? INT32_MAX
                                   : 1,
        .interval = o->interval != 0 ? o->interval : 1,
        .in_steps = (o->flags & LFUSE_RETRAINER_FLAG_STEPS) != 0,
        .lead = o->lead,
        .mix = o->mix,
        .decay = o->decay != 0.0 ? o->decay : 0.5,
        .pairs = o->pairs != 0 ? o->pairs : INT64_MAX,
        .custom = o->custom,
        .custom_user = o->custom_user,
    };
}

static struct lfi_tolerance tolerance_of(const lfuse_retrainer_options *o)
{
    const int32_t interval = o->interval != 0 ? o->interval : 1;

    return (struct lfi_tolerance){
        .is_given = (o->flags & LFUSE_RETRAINER_FLAG_TOLERANCE) != 0,
        .is_each = (o->flags & LFUSE_RETRAINER_FLAG_EACH) != 0,
        .tolerance = o->tolerance,
        .baseline = o->baseline,
        .grace = o->grace != 0 ? o->grace : interval,
        .rollbacks = o->rollbacks != 0 ? o->rollbacks : 3,
    };
}

static lfuse_status check(const lfuse_retrainer_options *o, lfuse_error *err)
{
    lfuse_status status = check_numbers(o, err);

    if (status == LFUSE_OK)
        status = check_flags(o, err);
    if (status == LFUSE_OK)
        status = check_schedule(o, err);
    if (status == LFUSE_OK)
        status = check_times(o, err);
    if (status == LFUSE_OK)
        status = check_tolerance(o, err);
    return status;
}

lfuse_status lfi_handles_retrainer_options(const lfuse_context *ctx,
                                           const lfuse_retrainer_options *options,
                                           struct lfi_retrainer_options *out,
                                           struct lfi_ties_options *ties,
                                           lfuse_error *err)
{
    lfuse_retrainer_options o;
    lfuse_status status;

    status = lfi_options_import(&o, sizeof(o), options, false, "options", err);
    if (status == LFUSE_OK)
        status = check(&o, err);
    if (status == LFUSE_OK)
        status = import_plan(ctx, o.plan, &out->plan, err);
    if (status == LFUSE_OK)
        status = lfi_handles_ties_options(o.ties, "options.ties", ties, err);
    if (status != LFUSE_OK)
        return status;
    if (o.lead > 0 && out->plan.contents)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "options.plan.flags has contents, which the training of "
                        "options.lead outdates");
    out->schedule = schedule_of(&o, out->plan.ratio);
    out->tolerance = tolerance_of(&o);
    out->repair = o.repair;
    out->repair_user = o.repair_user;
    return LFUSE_OK;
}
