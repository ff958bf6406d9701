/* rows.c - the rows of all weights by number, and what plans of rows may ask for */
#include "fusion/fusion.h"

#include <string.h>

enum { PITCH_ALIGN = 8 };

/* ---- options ---------------------------------------------------------------------------- */

static lfuse_status check_joining(const struct lfi_plan_options *o, const char *what,
                                  lfuse_error *err)
{
    const bool adjacent = o->scope == LFUSE_SCOPE_ADJACENT;
    int64_t r;

    if (o->linkage == LFUSE_LINKAGE_MERGED ||
        (adjacent && o->linkage != LFUSE_LINKAGE_SINGLE))
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "%s.unit is row, which does not support the linkage %d%s", what,
                        (int)o->linkage, adjacent ? " of adjacent layers" : "");
    if (o->keep == LFUSE_KEEP_BY_DIRECTION)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "%s.unit is row, which does not support keep by direction", what);
    for (r = 0; r < o->rule_count; r++)
        if (o->rules[r].action == LFUSE_PLAN_ACTION_FORCE)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "%s.unit is row, but %s.rules[%lld] forces layers", what,
                            what, (long long)r);
    return LFUSE_OK;
}

lfuse_status lfi_rows_check_options(const struct lfi_plan_options *options,
                                    const char *what, lfuse_error *err)
{
    const struct lfi_metric *metric = lfi_metric_of(&options->similarity);
    const struct lfi_policy *policy = lfi_policy_find(options->policy);

    if (options->unit != LFUSE_UNIT_ROW)
        return LFUSE_OK;
    if (metric->metric != LFUSE_METRIC_EUCLIDEAN &&
        metric->metric != LFUSE_METRIC_COSINE && metric->metric != LFUSE_METRIC_CUSTOM)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "%s.unit is row, of which %s says nothing: it is for many rows; "
                        "euclidean, cosine and custom are for one",
                        what, metric->name);
    if (policy->mixes && !policy->draws)
        return lfi_fail(
            err, LFUSE_ERR_UNSUPPORTED,
            "%s.unit is row, of which the policy %s has no gamma: one row has "
            "no covariance",
            what, policy->name);
    return check_joining(options, what, err);
}

/* ---- numbers ---------------------------------------------------------------------------- */

static int64_t count_runs(const struct lfi_planned_layer *layers, int64_t count)
{
    int64_t runs = 0, i;

    for (i = 0; i < count; i++)
        runs += layers[i].weight_count;
    return runs;
}

static void number_rows(const struct lfi_planned_layer *layers, struct lfi_rows *rows)
{
    int64_t run = 0, i;
    int32_t k;

    for (i = 0; i < rows->layers; i++) {
        rows->first_run[i] = run;
        for (k = 0; k < layers[i].weight_count; k++) {
            const struct lfi_planned_weight *w = &layers[i].weights[k];
            const int64_t n = w->shape.dims[w->output_axis];

            rows->first[run] = rows->count;
            rows->elements[run] = lfi_view_elements(&w->shape) / n;
            rows->bytes[run] = lfi_view_bytes(&w->shape) / (size_t)n;
            rows->layer[run++] = i;
            rows->count += n;
        }
    }
    rows->first_run[i] = run;
    rows->first[run] = rows->count;
}

/* Room for as many. On failure *rows holds nothing. */
static lfuse_status allocate(const struct lfi_env *env, int64_t layers, int64_t runs,
                             struct lfi_rows *rows, lfuse_error *err)
{
    struct lfi_rows r = {.layers = layers, .runs = runs};
    const size_t n = (size_t)runs;
    lfuse_status status;

    status = lfi_alloc(env, (size_t)layers + 1, sizeof(*r.first_run), "rows",
                       &r.first_run, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n + 1, sizeof(*r.first), "rows", &r.first, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*r.layer), "rows", &r.layer, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*r.elements), "rows", &r.elements, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*r.bytes), "rows", &r.bytes, err);
    if (status != LFUSE_OK)
        lfi_rows_destroy(env, &r);
    *rows = r;
    return status;
}

lfuse_status lfi_rows_create(const struct lfi_env *env,
                             const struct lfi_planned_layer *layers, int64_t count,
                             struct lfi_rows *rows, lfuse_error *err)
{
    lfuse_status status = allocate(env, count, count_runs(layers, count), rows, err);

    if (status == LFUSE_OK)
        number_rows(layers, rows);
    return status;
}

lfuse_status lfi_rows_copy(const struct lfi_env *env, const struct lfi_rows *rows,
                           struct lfi_rows *copy, lfuse_error *err)
{
    const size_t layers = (size_t)rows->layers, runs = (size_t)rows->runs;
    lfuse_status status = allocate(env, rows->layers, rows->runs, copy, err);

    if (status != LFUSE_OK)
        return status;
    memcpy(copy->first_run, rows->first_run, (layers + 1) * sizeof(*rows->first_run));
    memcpy(copy->first, rows->first, (runs + 1) * sizeof(*rows->first));
    memcpy(copy->layer, rows->layer, runs * sizeof(*rows->layer));
    memcpy(copy->elements, rows->elements, runs * sizeof(*rows->elements));
    memcpy(copy->bytes, rows->bytes, runs * sizeof(*rows->bytes));
    copy->count = rows->count;
    return LFUSE_OK;
}

void lfi_rows_destroy(const struct lfi_env *env, struct lfi_rows *rows)
{
    lfi_free(env, rows->bytes, (size_t)rows->runs, sizeof(*rows->bytes));
    lfi_free(env, rows->elements, (size_t)rows->runs, sizeof(*rows->elements));
    lfi_free(env, rows->layer, (size_t)rows->runs, sizeof(*rows->layer));
    lfi_free(env, rows->first, (size_t)rows->runs + 1, sizeof(*rows->first));
    lfi_free(env, rows->first_run, (size_t)rows->layers + 1, sizeof(*rows->first_run));
    *rows = (struct lfi_rows){0};
}

struct lfi_row lfi_rows_find(const struct lfi_rows *rows, int64_t number)
{
    int64_t low = 0, high = rows->runs, middle;

    while (high - low > 1) { /* first[low] <= number < first[high] */
        middle = low + (high - low) / 2;
        if (rows->first[middle] <= number)
            low = middle;
        else
            high = middle;
    }
    return (struct lfi_row){.layer = rows->layer[low],
                            .weight = (int32_t)(low - rows->first_run[rows->layer[low]]),
                            .index = number - rows->first[low]};
}

int64_t lfi_rows_number(const struct lfi_rows *rows, struct lfi_row row)
{
    int64_t run;

    if (row.layer < 0 || row.layer >= rows->layers || row.weight < 0 || row.index < 0)
        return -1;
    run = rows->first_run[row.layer] + row.weight;
    if (run >= rows->first_run[row.layer + 1] ||
        row.index >= rows->first[run + 1] - rows->first[run])
        return -1;
    return rows->first[run] + row.index;
}

bool lfi_rows_are_shared(const struct lfi_rows *rows, const struct lfi_grouping *grouping,
                         int64_t layer)
{
    int64_t i, end;

    if (rows->count == 0)
        return false;
    end = rows->first[rows->first_run[layer + 1]];
    for (i = rows->first[rows->first_run[layer]]; i < end; i++)
        if (grouping->group[i] >= 0)
            return true;
    return false;
}

size_t lfi_row_pitch(const struct lfi_view *row)
{
    const size_t bytes = lfi_view_bytes(row);

    return bytes + (size_t)-bytes % PITCH_ALIGN;
}

struct lfi_view lfi_row_dense(const struct lfi_view *row, char *data)
{
    struct lfi_view view = *row;
    int64_t stride = 1;
    int32_t axis;

    for (axis = row->rank - 1; axis >= 0; axis--) {
        view.strides[axis] = stride;
        stride *= row->dims[axis];
    }
    view.data = data;
    return view;
}

struct lfi_view lfi_row_view(const struct lfi_array *array, int32_t output_axis,
                             int64_t index)
{
    struct lfi_view row = lfi_view_axis_first(&array->view, output_axis);

    row.data =
        (char *)row.data + (int64_t)lfi_dtype_size(row.dtype) * index * row.strides[0];
    row.dims[0] = 1;
    return row;
}
