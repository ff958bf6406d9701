/* plan_file_fusions.c - the fusions of a plan file, one after the other, and what they save */
#include "fusion/plan_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WHERE = 48 };

/* ---- fusions ---------------------------------------------------------------------------------- */

lfuse_status lfi_reader_check_kind(const struct lfi_plan_reader *r, const json_t *object,
                                   const char *where, lfuse_error *err)
{
    const bool is_row = r->plan->options.unit == LFUSE_UNIT_ROW;
    const char *unit_of_plan = is_row ? "row" : "layer", *unit = unit_of_plan,
               *of_plan = lfi_policy_find(r->plan->options.policy)->name,
               *policy = of_plan;
    lfuse_status status = lfi_fields_text(object, where, "unit", &unit, err);

    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "policy", &policy, err);
    if (status != LFUSE_OK)
        return status;
    if (strcmp(unit, "layer") != 0 && strcmp(unit, "row") != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "%s: this version does not know the unit %s", where,
                        lfi_quote(unit).text);
    if (strcmp(unit, unit_of_plan) != 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: the unit is %s, in the options %s: a plan has one", where,
                        unit, unit_of_plan);
    if (lfi_policy_by_name(policy) == NULL)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "%s: this version does not know the policy %s", where,
                        lfi_quote(policy).text);
    if (strcmp(policy, of_plan) != 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: the policy is %s, in the options %s: a plan has one", where,
                        policy, of_plan);
    return LFUSE_OK;
}

/* Indices of a, b and kept; kept is that of a's group where it is not there. */
static lfuse_status read_names(const struct lfi_plan_reader *r, const json_t *object,
                               const char *where, struct lfi_fusion *f, lfuse_error *err)
{
    const char *a = NULL, *b = NULL, *kept = NULL;
    lfuse_status status = lfi_fields_text(object, where, "a", &a, err);

    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "b", &b, err);
    if (status == LFUSE_OK)
        status = lfi_fields_text(object, where, "kept", &kept, err);
    if (status == LFUSE_OK && (a == NULL || b == NULL))
        status = lfi_fields_missing(where, a == NULL ? "a" : "b", err);
    if (status == LFUSE_OK)
        status = lfi_reader_find(r, where, a, &f->a, err);
    if (status == LFUSE_OK)
        status = lfi_reader_find(r, where, b, &f->b, err);
    if (status != LFUSE_OK)
        return status;
    f->kept = r->kept[lfi_reader_root(r, f->a)];
    return kept == NULL ? LFUSE_OK : lfi_reader_find(r, where, kept, &f->kept, err);
}

/* What a fusion saves, and the ratio after it; held against what is written, if it is to be. */
static lfuse_status settle(struct lfi_plan_reader *r, const json_t *object,
                           const char *where, struct lfi_fusion *f, lfuse_error *err)
{
    const int64_t saved = lfi_planned_elements(&r->plan->layers[f->kept]);
    int64_t said_saved = saved;
    double ratio, said_ratio;
    lfuse_status status;

    r->plan->account.candidates_unique -= saved;
    r->plan->account.all_unique -= saved;
    said_ratio = ratio = lfi_account_ratio(&r->plan->account, r->plan->options.base);
    status = lfi_fields_count(object, where, "saved_parameters", &said_saved, err);
    if (status == LFUSE_OK)
        status = lfi_fields_number(object, where, "ratio", &said_ratio, err);
    if (status != LFUSE_OK)
        return status;
    f->saved_parameters = saved;
    f->ratio = ratio;
    if (r->is_checked && said_saved != saved)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: saved_parameters is %lld, it saves %lld; without "
                        "\"parameters\" it is computed anew",
                        where, (long long)said_saved, (long long)saved);
    if (r->is_checked && said_ratio != ratio)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: ratio is %.17g, the fusions so far reach %.17g; without "
                        "\"parameters\" it is computed anew",
                        where, said_ratio, ratio);
    return LFUSE_OK;
}

/* Of the policy js alone, which needs it. */
static lfuse_status read_gamma(const struct lfi_plan_reader *r, const json_t *object,
                               const char *where, double *gamma, lfuse_error *err)
{
    const bool is_js = r->plan->options.policy == LFUSE_POLICY_JS;
    lfuse_status status = lfi_fields_number(object, where, "gamma", gamma, err);

    if (status == LFUSE_OK && is_js != (json_object_get(object, "gamma") != NULL))
        status = lfi_fail(err, LFUSE_ERR_FORMAT, "%s: gamma is %s, the policy is %s",
                          where, is_js ? "not there" : "given",
                          lfi_policy_find(r->plan->options.policy)->name);
    if (status == LFUSE_OK && *gamma < 0.0)
        status = lfi_fail(err, LFUSE_ERR_FORMAT, "%s: gamma is %.17g", where, *gamma);
    return status;
}

static lfuse_status fusion_decode(struct lfi_plan_reader *r, const json_t *object,
                                  const char *where, struct lfi_fusion *f,
                                  lfuse_error *err)
{
    static const char *const known[] = {
        "a",     "b",    "kept",   "score", "saved_parameters",
        "ratio", "unit", "policy", "gamma", NULL};
    lfuse_status status = lfi_fields_check(object, where, known, err);

    *f = (struct lfi_fusion){.score = NAN};
    if (status == LFUSE_OK)
        status = lfi_reader_check_kind(r, object, where, err);
    if (status == LFUSE_OK)
        status = read_names(r, object, where, f, err);
    if (status == LFUSE_OK)
        status = lfi_fields_number(object, where, "score", &f->score, err);
    if (status == LFUSE_OK)
        status = read_gamma(r, object, where, &f->gamma, err);
    if (status == LFUSE_OK)
        status = lfi_reader_join(r, where, f->a, f->b, f->kept, err);
    if (status == LFUSE_OK)
        status = settle(r, object, where, f, err);
    if (status == LFUSE_OK && f->a > f->b) {
        const int64_t a = f->a;

        f->a = f->b;
        f->b = a;
    }
    return status;
}

/* ---- all of it -------------------------------------------------------------------------------- */

static lfuse_status all_fusions(struct lfi_plan_reader *r, const json_t *array,
                                lfuse_error *err)
{
    struct lfi_plan *plan = r->plan;
    const size_t count = json_array_size(array);
    lfuse_status status = LFUSE_OK;
    char where[WHERE];
    size_t i;

    lfi_reader_measure(r, &plan->start, &plan->row_start);
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        (void)snprintf(where, sizeof(where), "fusions[%zu]", i);
        if (plan->fusion_count == plan->fusion_capacity)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "there are %zu fusions of %lld layers",
                            count, (long long)plan->layer_count);
        status = fusion_decode(r, json_array_get(array, i), where,
                               &plan->fusions[plan->fusion_count], err);
        plan->fusion_count += status == LFUSE_OK;
    }
    lfi_reader_owners(r, &plan->goal);
    lfi_reader_measure(r, &plan->goal, &plan->row_goal);
    return status;
}

lfuse_status lfi_fusions_decode(struct lfi_plan_reader *r, lfuse_error *err)
{
    struct lfi_plan *plan = r->plan;
    json_t *array = NULL;
    lfuse_status status = lfi_fields_array(r->root, "the plan", "fusions", &array, err);

    if (status == LFUSE_OK && array == NULL)
        status = lfi_fields_missing("the plan", "fusions", err);
    if (status == LFUSE_OK && plan->options.unit == LFUSE_UNIT_ROW)
        return lfi_row_fusions_decode(r, array, err);
    plan->fusion_capacity = plan->layer_count; /* a fusion leaves one owner less */
    if (status == LFUSE_OK)
        status = lfi_alloc(r->env, (size_t)plan->fusion_capacity, sizeof(*plan->fusions),
                           "a plan", &plan->fusions, err);
    if (status == LFUSE_OK)
        status = all_fusions(r, array, err);
    return status;
}
