/*
 * plan_file_options.c - the options of a plan, by name
 *
 * One line of the table for each. What has no value ("no limit") is not written, and what is not
 * there has its default.
 */
#include "fusion/plan_file.h"

#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind {
    REAL,   /* double */
    RATIO,  /* double; 0 is none */
    BOUND,  /* double, of has_threshold */
    LIMIT,  /* int64_t; INT64_MAX is none */
    SIZE,   /* size_t; 0 is none */
    SEED,   /* uint64_t; a string where it is beyond the integers of JSON */
    FLAG,   /* bool */
    CHOICE, /* int32_t, from 1 on, by names */
    UNIT,   /* the same; layer is not written */
    METRIC, /* lfuse_metric */
    POLICY  /* lfuse_policy */
};

static const char *const frozen[] = {"both", "dropped", NULL};
static const char *const weightings[] = {"equal", "norm", "importance", NULL};
static const char *const bases[] = {"candidates", "all", NULL};
static const char *const scopes[] = {"global", "adjacent", NULL};
static const char *const units[] = {"layer", "row", NULL};
static const char *const linkages[] = {"single", "average", "complete", "merged", NULL};
static const char *const keeps[] = {"farthest", "nearest",      "first",
                                    "last",     "by_direction", NULL};
static const char *const unequal[] = {"refuse", "subsample", "drop_smallest", NULL};

_Static_assert(sizeof(size_t) == sizeof(int64_t), "one integer of JSON is either");

#define OF_PLAN(field)       offsetof(struct lfi_plan_options, field)
#define OF_SIMILARITY(field) OF_PLAN(similarity.field)

static const struct option {
    const char *name;
    enum kind kind;
    size_t offset;
    const char *const *names;
    double least;
} options[] = {
    {"ratio", RATIO, OF_PLAN(ratio), NULL, 1.0},
    {"max_unique_bytes", SIZE, OF_PLAN(max_unique_bytes), NULL, 1.0},
    {"threshold", BOUND, OF_PLAN(threshold), NULL, -DBL_MAX},
    {"top_k", LIMIT, OF_PLAN(top_k), NULL, 1.0},
    {"max_group", LIMIT, OF_PLAN(max_group), NULL, 1.0},
    {"policy", POLICY, OF_PLAN(policy), NULL, 0.0},
    {"freeze_gradient", CHOICE, OF_PLAN(freeze_gradient), frozen, 0.0},
    {"weighting", CHOICE, OF_PLAN(weighting), weightings, 0.0},
    {"rescale", FLAG, OF_PLAN(rescale), NULL, 0.0},
    {"contents", FLAG, OF_PLAN(contents), NULL, 0.0},
    {"include_ends", FLAG, OF_PLAN(include_ends), NULL, 0.0},
    {"skip_unequal", FLAG, OF_PLAN(skip_unequal), NULL, 0.0},
    {"scope", CHOICE, OF_PLAN(scope), scopes, 0.0},
    {"unit", UNIT, OF_PLAN(unit), units, 0.0},
    {"base", CHOICE, OF_PLAN(base), bases, 0.0},
    {"linkage", CHOICE, OF_PLAN(linkage), linkages, 0.0},
    {"keep", CHOICE, OF_PLAN(keep), keeps, 0.0},
    {"metric", METRIC, OF_SIMILARITY(metric), NULL, 0.0},
    {"block", LIMIT, OF_SIMILARITY(block), NULL, -1.0},
    {"ridge", REAL, OF_SIMILARITY(ridge), NULL, -DBL_MAX},
    {"bandwidth", REAL, OF_SIMILARITY(bandwidth), NULL, 0.0},
    {"exponent", REAL, OF_SIMILARITY(exponent), NULL, 1.0},
    {"regularisation", REAL, OF_SIMILARITY(regularisation), NULL, 0.0},
    {"projections", LIMIT, OF_SIMILARITY(projections), NULL, 1.0},
    {"centroids", LIMIT, OF_SIMILARITY(centroids), NULL, 1.0},
    {"iterations", LIMIT, OF_SIMILARITY(iterations), NULL, 1.0},
    {"seed", SEED, OF_SIMILARITY(seed), NULL, 0.0},
    {"softmax_rows", FLAG, OF_SIMILARITY(softmax_rows), NULL, 0.0},
    {"unequal", CHOICE, OF_SIMILARITY(unequal), unequal, 0.0},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

/* ---- writing ------------------------------------------------------------------------------- */

static json_t *seed_encode(uint64_t seed)
{
    char text[24];

    if (seed <= INT64_MAX)
        return json_integer((json_int_t)seed);
    (void)snprintf(text, sizeof(text), "%" PRIu64, seed);
    return json_string(text);
}

/* No memory has as much as the integers of JSON. */
static json_t *size_encode(size_t size)
{
    return json_integer(size > INT64_MAX ? INT64_MAX : (json_int_t)size);
}

static json_t *encode(const struct option *o, const char *field)
{
    const void *value = field;

    switch (o->kind) {
    case REAL:
    case RATIO:
    case BOUND: return json_real(*(const double *)value);
    case SIZE: return size_encode(*(const size_t *)value);
    case LIMIT: return json_integer(*(const int64_t *)value);
    case SEED: return seed_encode(*(const uint64_t *)value);
    case FLAG: return json_boolean(*(const bool *)value);
    case CHOICE:
    case UNIT: return json_string(o->names[*(const int32_t *)value - 1]);
    case METRIC: return json_string(lfi_metric_find(*(const lfuse_metric *)value)->name);
    default: return json_string(lfi_policy_find(*(const lfuse_policy *)value)->name);
    }
}

static bool is_none(const struct lfi_plan_options *all, const struct option *o)
{
    const void *value = (const char *)all + o->offset;

    switch (o->kind) {
    case RATIO: return *(const double *)value == 0.0;
    case BOUND: return !all->has_threshold;
    case LIMIT: return *(const int64_t *)value == INT64_MAX;
    case SIZE: return *(const size_t *)value == 0;
    case UNIT: return *(const lfuse_unit *)value == LFUSE_UNIT_LAYER;
    default: return false;
    }
}

json_t *lfi_plan_options_encode(const struct lfi_plan_options *plan_options)
{
    json_t *object = json_object();
    int i;

    for (i = 0; i < OPTIONS; i++) {
        const char *field = (const char *)plan_options + options[i].offset;

        if (is_none(plan_options, &options[i]))
            continue;
        if (json_object_set_new(object, options[i].name, encode(&options[i], field)) !=
            0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

/* ---- reading ------------------------------------------------------------------------------- */

static const struct option *find(const char *name)
{
    int i;

    for (i = 0; i < OPTIONS; i++)
        if (strcmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

static lfuse_status wrong(const struct option *o, const char *what, lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_FORMAT, "options: %s is no %s", o->name, what);
}

static lfuse_status seed_decode(const struct option *o, const json_t *json, uint64_t *out,
                                lfuse_error *err)
{
    const char *text = json_string_value(json);
    size_t digits = text == NULL ? 0 : strspn(text, "0123456789");

    if (json_is_integer(json) && json_integer_value(json) >= 0) {
        *out = (uint64_t)json_integer_value(json);
        return LFUSE_OK;
    }
    if (digits == 0 || text[digits] != '\0')
        return wrong(o, "seed", err);
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return errno == 0 ? LFUSE_OK : wrong(o, "seed", err);
}

/* The value of a name; 0: there is none of it. */
static int32_t value_of(const struct option *o, const char *name)
{
    const struct lfi_metric *metric;
    const struct lfi_policy *policy;
    int32_t i;

    if (o->kind == METRIC) {
        metric = lfi_metric_by_name(name);
        return metric == NULL ? 0 : metric->metric;
    }
    if (o->kind == POLICY) {
        policy = lfi_policy_by_name(name);
        return policy == NULL ? 0 : policy->policy;
    }
    for (i = 0; o->names[i] != NULL; i++)
        if (strcmp(o->names[i], name) == 0)
            return i + 1;
    return 0;
}

static lfuse_status name_decode(const struct option *o, const json_t *json, int32_t *out,
                                lfuse_error *err)
{
    int32_t value;

    if (!json_is_string(json))
        return wrong(o, "string", err);
    value = value_of(o, json_string_value(json));
    if (value == 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "options: this version does not know the %s %s", o->name,
                        lfi_quote(json_string_value(json)).text);
    *out = value;
    return LFUSE_OK;
}

static lfuse_status check_least(const struct option *o, double value, lfuse_error *err)
{
    if (value >= o->least)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_FORMAT, "options: %s is %.17g, less than %g", o->name,
                    value, o->least);
}

static lfuse_status decode(const struct option *o, const json_t *json, void *field,
                           lfuse_error *err)
{
    switch (o->kind) {
    case REAL:
    case RATIO:
    case BOUND:
        if (!json_is_number(json))
            return wrong(o, "number", err);
        *(double *)field = json_number_value(json);
        return check_least(o, json_number_value(json), err);
    case LIMIT:
    case SIZE: /* both of 8 bytes */
        if (!json_is_integer(json))
            return wrong(o, "integer", err);
        *(int64_t *)field = json_integer_value(json);
        return check_least(o, (double)json_integer_value(json), err);
    case FLAG:
        if (!json_is_boolean(json))
            return wrong(o, "true or false", err);
        *(bool *)field = json_is_true(json);
        return LFUSE_OK;
    case SEED: return seed_decode(o, json, field, err);
    default: return name_decode(o, json, field, err);
    }
}

lfuse_status lfi_plan_options_decode(const json_t *object,
                                     struct lfi_plan_options *plan_options,
                                     lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    const char *key;
    json_t *value;

    *plan_options = (struct lfi_plan_options){
        .top_k = INT64_MAX,
        .max_group = INT64_MAX,
        .similarity = lfi_similarity_defaults(0),
        .policy = LFUSE_POLICY_AVERAGE,
        .freeze_gradient = LFUSE_FREEZE_BOTH,
        .weighting = LFUSE_WEIGHTING_EQUAL,
        .scope = LFUSE_SCOPE_GLOBAL,
        .unit = LFUSE_UNIT_LAYER,
        .base = LFUSE_BASE_CANDIDATES,
        .linkage = LFUSE_LINKAGE_SINGLE,
        .keep = LFUSE_KEEP_FARTHEST,
    };
    if (object != NULL && !json_is_object(object))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "options is no object");
    json_object_foreach((json_t *)object, key, value)
    {
        const struct option *o = find(key);

        if (o == NULL)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "options: this version does not know %s",
                            lfi_quote(key).text);
        status = decode(o, value, (char *)plan_options + o->offset, err);
        if (status != LFUSE_OK)
            return status;
        plan_options->has_threshold |= o->kind == BOUND;
    }
    if (plan_options->policy != LFUSE_POLICY_AVERAGE &&
        (plan_options->weighting != LFUSE_WEIGHTING_EQUAL || plan_options->rescale))
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "options: %s is given, but the policy is %s",
                        plan_options->rescale ? "rescale" : "weighting",
                        lfi_policy_find(plan_options->policy)->name);
    return LFUSE_OK;
}
