/*
 * merges.c - the policy custom: the caller makes one weight of those of a group's members
 *
 * It is asked before anything changes, because it may refuse: what it makes is kept aside until
 * the commit.
 */
#include "fusion/fusion.h"

#include <math.h>

/* The matrix that a weight is, dense in memory of its own. */
static lfuse_status copy_matrix(const struct lfi_env *env, const struct lfi_view *rows,
                                lfuse_matrix_view *out, lfuse_error *err)
{
    const size_t n = (size_t)lfi_view_elements(rows), size = lfi_dtype_size(rows->dtype);
    void *data;
    lfuse_status status = lfi_alloc(env, n, size, "a member's copy", &data, err);

    if (status != LFUSE_OK)
        return status;
    lfi_view_read_bits(rows, 0, (int64_t)n, data);
    *out = (lfuse_matrix_view){.data = data,
                               .rows = rows->dims[0],
                               .columns = (int64_t)n / rows->dims[0],
                               .row_stride = (int64_t)n / rows->dims[0],
                               .column_stride = 1,
                               .dtype = rows->dtype};
    return LFUSE_OK;
}

static lfuse_status check_finite(const struct lfi_layer *kept, const char *parameter,
                                 const double *values, size_t elements, lfuse_error *err)
{
    size_t i;

    for (i = 0; i < elements; i++)
        if (!isfinite(values[i]))
            return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                            "merge gave %g as element %zu of %s of layer %s", values[i],
                            i, parameter, kept->name);
    return LFUSE_OK;
}

lfuse_status lfi_merges_call(const struct lfi_env *env, const struct lfi_ties *ties,
                             const struct lfi_view *members, int64_t n,
                             const struct lfi_layer *kept, const char *parameter,
                             double *merged, lfuse_error *err)
{
    lfuse_matrix_view *views = NULL;
    int32_t refused = 0;
    lfuse_status status;
    int64_t i;

    status = lfi_alloc_zero(env, (size_t)n, sizeof(*views), "members", &views, err);
    for (i = 0; i < n && status == LFUSE_OK; i++)
        status = copy_matrix(env, &members[i], &views[i], err);
    if (status == LFUSE_OK)
        refused = ties->options.merge(ties->options.merge_user, views, n, merged);
    if (refused != 0)
        status = lfi_fail_detail(err, LFUSE_ERR_CALLBACK, refused,
                                 "merge returned %d for %s of the group of layer %s",
                                 (int)refused, parameter, kept->name);
    else if (status == LFUSE_OK)
        status = check_finite(kept, parameter, merged,
                              (size_t)lfi_view_elements(&members[0]), err);
    for (i = 0; i < n && views != NULL; i++)
        lfi_free(env, (void *)(uintptr_t)views[i].data,
                 (size_t)views[i].rows * (size_t)views[i].columns,
                 lfi_dtype_size(views[i].dtype));
    lfi_free(env, views, (size_t)n, sizeof(*views));
    return status;
}

/* One weight of a group: each member once, in the order of the layers. */
static lfuse_status merge_weight(const struct lfi_env *env, const struct lfi_ties *ties,
                                 const struct lfi_grouping *g, int64_t group,
                                 int32_t weight, double *merged, lfuse_error *err)
{
    const int64_t n = lfi_grouping_size(g, group),
                  *members = g->members + g->first[group];
    const struct lfi_layer *kept = ties->layers[g->kept[group]];
    struct lfi_view *views;
    lfuse_status status;
    int64_t i;

    status = lfi_alloc(env, (size_t)n, sizeof(*views), "members", &views, err);
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        const struct lfi_parameter *p =
            lfi_layer_weight(ties->layers[members[i]], weight);

        views[i] = lfi_view_axis_first(&p->value->view, p->output_axis);
    }
    if (status == LFUSE_OK)
        status = lfi_merges_call(env, ties, views, n, kept,
                                 lfi_layer_weight(kept, weight)->name, merged, err);
    lfi_free(env, views, (size_t)n, sizeof(*views));
    return status;
}

static lfuse_status merge_group(const struct lfi_env *env, const struct lfi_ties *ties,
                                const struct lfi_grouping *g, int64_t group,
                                struct lfi_merges *m, lfuse_error *err)
{
    const struct lfi_layer *kept = ties->layers[g->kept[group]];
    lfuse_status status = LFUSE_OK;
    int64_t at;

    for (at = m->first[group]; at < m->first[group + 1] && status == LFUSE_OK; at++) {
        const int32_t weight = (int32_t)(at - m->first[group]);

        m->sizes[at] =
            (size_t)lfi_view_elements(&lfi_layer_weight(kept, weight)->value->view);
        status = lfi_alloc_zero(env, m->sizes[at], sizeof(double), "a merged weight",
                                &m->values[at], err);
        if (status == LFUSE_OK)
            status = merge_weight(env, ties, g, group, weight, m->values[at], err);
    }
    return status;
}

lfuse_status lfi_merges_create(const struct lfi_env *env, const struct lfi_ties *ties,
                               const struct lfi_grouping *goal,
                               bool (*changed)(const void *arg, int64_t kept),
                               const void *arg, struct lfi_merges *merges,
                               lfuse_error *err)
{
    struct lfi_merges *m = merges;
    lfuse_status status;
    int64_t group;
    size_t weights;

    *m = (struct lfi_merges){.groups = goal->count};
    status = lfi_alloc_zero(env, (size_t)goal->count + 1, sizeof(*m->first), "merges",
                            &m->first, err);
    if (status != LFUSE_OK)
        return status;
    for (group = 0; group < goal->count; group++)
        m->first[group + 1] =
            m->first[group] +
            (changed(arg, goal->kept[group])
                 ? lfi_layer_weight_count(ties->layers[goal->kept[group]])
                 : 0);
    weights = (size_t)m->first[goal->count];
    status = lfi_alloc_zero(env, weights, sizeof(*m->values), "merges", &m->values, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(env, weights, sizeof(*m->sizes), "merges", &m->sizes, err);
    for (group = 0; group < goal->count && status == LFUSE_OK; group++)
        status = merge_group(env, ties, goal, group, m, err);
    if (status != LFUSE_OK)
        lfi_merges_destroy(env, m);
    return status;
}

void lfi_merges_destroy(const struct lfi_env *env, struct lfi_merges *merges)
{
    const size_t weights =
        merges->first == NULL ? 0 : (size_t)merges->first[merges->groups];
    size_t i;

    for (i = 0; i < weights && merges->values != NULL && merges->sizes != NULL; i++)
        lfi_free(env, merges->values[i], merges->sizes[i], sizeof(double));
    lfi_free(env, merges->sizes, weights, sizeof(*merges->sizes));
    lfi_free(env, merges->values, weights, sizeof(*merges->values));
    lfi_free(env, merges->first, (size_t)merges->groups + 1, sizeof(*merges->first));
    *merges = (struct lfi_merges){0};
}

double *const *lfi_merges_of(const struct lfi_merges *merges, int64_t group)
{
    if (merges->first == NULL || merges->first[group] == merges->first[group + 1])
        return NULL;
    return merges->values + merges->first[group];
}
