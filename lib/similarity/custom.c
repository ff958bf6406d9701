/*
 * custom.c - the caller's own metric
 *
 * A callback compares two plain views, on the calling thread. Views that more than two strides
 * describe, and those whose elements are not aligned, are copied dense into the scratch first.
 */
#include "similarity/parts.h"

#include <math.h>

/* Columns are all axes but the first. false: no one stride leads from each to the next. */
static bool collapse(const struct lfi_view *view, lfuse_matrix_view *plain)
{
    int64_t next = 0; /* the stride that the axis at hand must have; 0: any */
    int32_t axis;

    *plain = (lfuse_matrix_view){.data = view->data,
                                 .rows = view->dims[0],
                                 .columns = lfi_view_elements(view) / view->dims[0],
                                 .row_stride = view->strides[0],
                                 .column_stride = 1,
                                 .dtype = view->dtype};
    for (axis = view->rank - 1; axis > 0; axis--) {
        if (view->dims[axis] == 1)
            continue;
        if (next == 0)
            plain->column_stride = view->strides[axis];
        else if (view->strides[axis] != next)
            return false;
        next = view->strides[axis] * view->dims[axis];
    }
    return (uintptr_t)view->data % lfi_dtype_size(view->dtype) == 0;
}

/* What a copy takes of the scratch; false: that does not fit. */
static bool copy_bytes(const struct lfi_view *view, size_t *bytes)
{
    lfuse_matrix_view plain;

    *bytes = 0;
    return collapse(view, &plain) ||
           (lfi_mul_size((size_t)lfi_view_elements(view), lfi_dtype_size(view->dtype),
                         bytes) &&
            lfi_add_size(*bytes, (size_t) - *bytes % LFI_ALIGN, bytes));
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    size_t c;

    return copy_bytes(&pair->a, bytes) && copy_bytes(&pair->c, &c) &&
           lfi_add_size(*bytes, c, bytes);
}

/* The view, or its copy, which *memory moves past. */
static lfuse_matrix_view plain_view(const struct lfi_view *view, char **memory)
{
    lfuse_matrix_view plain;
    size_t bytes;

    if (collapse(view, &plain))
        return plain;
    (void)copy_bytes(view, &bytes);
    lfi_view_read_bits(view, 0, lfi_view_elements(view), *memory);
    plain.data = *memory;
    plain.row_stride = plain.columns;
    plain.column_stride = 1;
    *memory += bytes;
    return plain;
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    const struct lfi_similarity_params *params = &pair->params;
    lfuse_matrix_view a, c;
    char *free_memory = memory;
    double value = NAN;
    lfuse_status status = lfi_comparison_check_finite(pair, err);
    int32_t refused;

    (void)env;
    if (status != LFUSE_OK)
        return status;
    a = plain_view(&pair->a, &free_memory);
    c = plain_view(&pair->c, &free_memory);
    refused = params->custom(params->custom_user, &a, &c, &value);
    if (refused != 0)
        return lfi_fail_detail(err, LFUSE_ERR_CALLBACK, refused,
                               "custom returned %d for %s and %s", (int)refused,
                               pair->a_name, pair->c_name);
    if (!isfinite(value))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE, "custom gave %g for %s and %s", value,
                        pair->a_name, pair->c_name);
    *out = value;
    return LFUSE_OK;
}

#define CUSTOM(distance, symmetric)                                                 \
    {                                                                               \
        .metric = LFUSE_METRIC_CUSTOM, .name = "custom", .is_distance = (distance), \
        .is_symmetric = (symmetric), .calls_back = true, .cost = "the callback's",  \
        .scratch = scratch, .compare = compare                                      \
    }

const struct lfi_metric lfi_metric_custom[] = {
    CUSTOM(true, false),
    CUSTOM(false, false),
    CUSTOM(true, true),
    CUSTOM(false, true),
};
