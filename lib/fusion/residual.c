/*
 * residual.c - what a plan takes from a weight, as a product of two small matrices
 *
 * Both weights are read as a preview reads them, so nothing has to be in force, and layers may lie
 * in a mapped file: the position's own, in the plan's order of units, and what it will share.
 */
#include "fusion/residual.h"

#include <string.h>

#include "fusion/low_rank.h"

enum { BLOCK = 512 };

/* The elements of a weight in row order, output units first, into out; dense is room for them in
 * their own type and order. */
static void read_rows(const struct lfi_parameter *weight, const void *dense,
                      int64_t first, int64_t count, double *out)
{
    struct lfi_view view = weight->value->view, rows;
    int64_t stride = 1;
    int32_t axis;

    view.data = (void *)(uintptr_t)dense;
    for (axis = view.rank - 1; axis >= 0; axis--) {
        view.strides[axis] = stride;
        stride *= view.dims[axis];
    }
    rows = lfi_view_axis_first(&view, weight->output_axis);
    lfi_view_read_f64(&rows, first, count, out);
}

/* own - shared, in f32. */
static void subtract(const struct lfi_parameter *weight, const void *own,
                     const void *shared, float *difference)
{
    const int64_t n = lfi_view_elements(&weight->value->view);
    double x[BLOCK], y[BLOCK];
    int64_t at, i;

    for (at = 0; at < n; at += BLOCK) {
        const int64_t count = n - at < BLOCK ? n - at : BLOCK;

        read_rows(weight, own, at, count, x);
        read_rows(weight, shared, at, count, y);
        for (i = 0; i < count; i++)
            difference[at + i] = (float)(x[i] - y[i]);
    }
}

static lfuse_status read_difference(const struct lfi_env *env,
                                    const struct lfi_preview *preview, int64_t layer,
                                    int32_t parameter, float *difference,
                                    lfuse_error *err)
{
    const struct lfi_parameter *weight =
        &preview->ties.layers[layer]->parameters[parameter];
    const int64_t n = lfi_view_elements(&weight->value->view);
    const size_t size = lfi_dtype_size(weight->value->view.dtype);
    const struct lfi_arranged own = lfi_arranged_of(
        &weight->value->view, lfi_arrangements_of(&preview->ties.arrangements, layer),
        parameter);
    char *dense;
    lfuse_status status =
        lfi_alloc(env, 2 * (size_t)n, size, "a residual's weights", &dense, err);

    if (status != LFUSE_OK)
        return status;
    lfi_arranged_read_bits(&own, 0, n, dense);
    lfi_preview_read(preview, layer, parameter, 0, n, dense + (size_t)n * size);
    subtract(weight, dense, dense + (size_t)n * size, difference);
    lfi_free(env, dense, 2 * (size_t)n, size);
    return LFUSE_OK;
}

static bool is_zero(const float *x, int64_t n)
{
    int64_t i = 0;

    while (i < n && x[i] == 0.0f)
        i++;
    return i == n;
}

/* Room for the largest product, its fit, and arrays of the rank that it has. */
static lfuse_status fit(const struct lfi_env *env, const struct lfi_view *d, int64_t most,
                        double energy, struct lfi_array *a, struct lfi_array *b,
                        lfuse_error *err)
{
    const int64_t rows = d->dims[0], columns = d->dims[1];
    const size_t room = (size_t)most * (size_t)(rows + columns);
    struct lfi_view shape = {.dtype = LFUSE_F32, .rank = 2};
    int64_t rank = 0;
    float *factors;
    lfuse_status status =
        lfi_alloc(env, room, sizeof(float), "a residual", &factors, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_low_rank_fit(env, d->data, rows, columns, most, energy, factors,
                              factors + most * rows, &rank, err);
    shape.dims[0] = rows;
    shape.dims[1] = rank;
    if (status == LFUSE_OK && rank > 0)
        status = lfi_array_create(env, &shape, a, err);
    shape.dims[0] = rank;
    shape.dims[1] = columns;
    if (status == LFUSE_OK && rank > 0)
        status = lfi_array_create(env, &shape, b, err);
    if (status == LFUSE_OK && rank > 0) {
        memcpy(a->view.data, factors, (size_t)(rows * rank) * sizeof(float));
        memcpy(b->view.data, factors + most * rows,
               (size_t)(rank * columns) * sizeof(float));
    } else if (status != LFUSE_OK) {
        lfi_array_release(a);
        *a = (struct lfi_array){0};
    }
    lfi_free(env, factors, room, sizeof(float));
    return status;
}

lfuse_status lfi_residual_fit(const struct lfi_env *env,
                              const struct lfi_preview *preview, int64_t layer,
                              int32_t parameter, int64_t rank, double energy,
                              struct lfi_array *a, struct lfi_array *b, lfuse_error *err)
{
    const struct lfi_parameter *weight =
        &preview->ties.layers[layer]->parameters[parameter];
    const struct lfi_view *view = &weight->value->view;
    const int64_t n = lfi_view_elements(view), rows = view->dims[weight->output_axis],
                  columns = n / rows, saving = (n - 1) / (rows + columns);
    struct lfi_view d = {.dtype = LFUSE_F32, .rank = 2};
    lfuse_status status;

    *a = *b = (struct lfi_array){0};
    if (preview->plan->options.unit == LFUSE_UNIT_ROW)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "the plan's unit is row: rows have no residual");
    if (saving < 1)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "weight %s of layer %s is [%lld, %lld]: no product is smaller",
                        weight->name, preview->ties.layers[layer]->name, (long long)rows,
                        (long long)columns);
    d.dims[0] = rows;
    d.dims[1] = d.strides[0] = columns;
    d.strides[1] = 1;
    status = lfi_alloc(env, (size_t)n, sizeof(float), "a residual", &d.data, err);
    if (status != LFUSE_OK)
        return status;
    status = read_difference(env, preview, layer, parameter, d.data, err);
    if (status == LFUSE_OK && lfi_view_find_not_finite(&d) >= 0)
        status =
            lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                     "weight %s of layer %s: what sharing takes is out of f32's range",
                     weight->name, preview->ties.layers[layer]->name);
    if (status == LFUSE_OK && !is_zero(d.data, n))
        status = fit(env, &d, rank < saving ? rank : saving, energy, a, b, err);
    lfi_free(env, d.data, (size_t)n, sizeof(float));
    return status;
}
