/* plan_file_check.c - groups and parameters, where a plan file has them: do they follow from its fusions */
#include "fusion/plan_file.h"

#include <stdio.h>
#include <string.h>

/* ---- groups -------------------------------------------------------------------------------- */

/* Its members are tied to the first of them, each is there once, and none is missing. */
static lfuse_status check_group(const struct lfi_plan_reader *r, const json_t *group,
                                size_t index, char *seen, lfuse_error *err)
{
    const int64_t *owner = r->plan->goal.owner;
    const size_t count = json_array_size(group);
    int64_t first = -1, member = -1, size = 0, i;
    lfuse_status status = LFUSE_OK;
    const char *name = NULL;
    char where[48];
    size_t k;

    (void)snprintf(where, sizeof(where), "groups[%zu]", index);
    if (count < 2)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s is no array of two or more", where);
    for (k = 0; k < count && status == LFUSE_OK; k++) {
        status = lfi_fields_element(group, where, k, &name, err);
        if (status == LFUSE_OK)
            status = lfi_reader_find(r, where, name, &member, err);
        if (status != LFUSE_OK)
            return status;
        first = k == 0 ? member : first;
        if (owner[member] != owner[first] || seen[member])
            return lfi_fail(err, LFUSE_ERR_FORMAT,
                            "%s has %s, which %s; correct it, or delete \"groups\"",
                            where, lfi_quote(name).text,
                            seen[member] ? "is named before"
                                         : "the fusions do not tie to the others");
        seen[member] = 1;
    }
    for (i = 0; i < r->plan->layer_count; i++)
        size += owner[i] == owner[first];
    if (size == (int64_t)count)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_FORMAT,
                    "%s has %zu layers, the fusions tie %lld; correct it, or delete "
                    "\"groups\"",
                    where, count, (long long)size);
}

static lfuse_status check_groups(const struct lfi_plan_reader *r, const json_t *groups,
                                 char *seen, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    size_t i;

    for (i = 0; i < json_array_size(groups) && status == LFUSE_OK; i++)
        status = check_group(r, json_array_get(groups, i), i, seen, err);
    if (status == LFUSE_OK && (int64_t)json_array_size(groups) != r->plan->goal.count)
        status = lfi_fail(err, LFUSE_ERR_FORMAT,
                          "there are %zu groups, the fusions make %lld; correct them, or "
                          "delete \"groups\"",
                          json_array_size(groups), (long long)r->plan->goal.count);
    return status;
}

lfuse_status lfi_groups_check(const struct lfi_plan_reader *r, lfuse_error *err)
{
    const size_t count = (size_t)r->plan->layer_count;
    json_t *groups = NULL;
    lfuse_status status = lfi_fields_array(r->root, "the plan", "groups", &groups, err);
    char *seen;

    if (status != LFUSE_OK || groups == NULL)
        return status;
    status = lfi_alloc_zero(r->env, count, 1, "groups", &seen, err);
    if (status == LFUSE_OK)
        status = check_groups(r, groups, seen, err);
    lfi_free(r->env, seen, count, 1);
    return status;
}

/* ---- parameters ------------------------------------------------------------------------------ */

static lfuse_status check_sum(const char *name, int64_t said, int64_t is,
                              lfuse_error *err)
{
    if (said == is)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_FORMAT,
                    "parameters: %s is %lld, by layers and fusions it is %lld; correct "
                    "it, or delete \"parameters\"",
                    name, (long long)said, (long long)is);
}

lfuse_status lfi_parameters_check(const struct lfi_plan_reader *r, lfuse_error *err)
{
    static const char *const known[] = {"logical", "unique", "base", NULL};
    const json_t *object = json_object_get(r->root, "parameters");
    const struct lfi_account *a = &r->plan->account;
    const bool all = r->plan->options.base == LFUSE_BASE_ALL;
    const int64_t is_logical = all ? a->all_logical : a->candidates_logical,
                  is_unique = all ? a->all_unique : a->candidates_unique;
    const char *is_base = all ? "all" : "candidates", *base = is_base;
    int64_t logical = is_logical, unique = is_unique;
    lfuse_status status;

    if (object == NULL)
        return LFUSE_OK;
    status = lfi_fields_check(object, "parameters", known, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, "parameters", "logical", &logical, err);
    if (status == LFUSE_OK)
        status = lfi_fields_count(object, "parameters", "unique", &unique, err);
    if (status == LFUSE_OK)
        status = lfi_fields_text(object, "parameters", "base", &base, err);
    if (status == LFUSE_OK && strcmp(base, is_base) != 0)
        status =
            lfi_fail(err, LFUSE_ERR_FORMAT, "parameters: base is %s, in the options %s",
                     lfi_quote(base).text, is_base);
    if (status == LFUSE_OK)
        status = check_sum("logical", logical, is_logical, err);
    if (status == LFUSE_OK)
        status = check_sum("unique", unique, is_unique, err);
    return status;
}
