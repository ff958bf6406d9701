/* tensor.c - the shell of tensor.h */
#include "handles.h"

_Static_assert((int)LFUSE_MAX_RANK == (int)LFI_MAX_RANK,
               "views hold every rank of the contract");

void lfuse_tensor_desc_init(lfuse_tensor_desc *desc, size_t size)
{
    lfi_options_init(desc, size);
}

/* dims, strides and the size of it all, into view. */
static lfuse_status import_shape(const lfuse_tensor_desc *d, struct lfi_view *view,
                                 lfuse_error *err)
{
    int64_t elements = 1;
    int32_t i;

    view->data = d->data;
    view->dtype = d->dtype;
    view->rank = d->rank;
    for (i = d->rank - 1; i >= 0; i--) {
        if (d->dims[i] < 1)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.dims[%d] is %lld", (int)i,
                            (long long)d->dims[i]);
        view->dims[i] = d->dims[i];
        view->strides[i] = d->strides != NULL ? d->strides[i] : elements;
        if (view->strides[i] < 1)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.strides[%d] is %lld", (int)i,
                            (long long)view->strides[i]);
        if (!lfi_mul_int64(elements, d->dims[i], &elements))
            return lfi_fail(err, LFUSE_ERR_OVERFLOW, "desc.dims have too many elements");
    }
    return LFUSE_OK;
}

/* Axes ordered by stride must each step over all of the axes below: then no two indices meet. */
static lfuse_status check_strides(const struct lfi_view *view, lfuse_error *err)
{
    int64_t extent = 1,
            span; /* elements from the first to the last of the axes seen, plus 1 */
    bool seen[LFI_MAX_RANK] = {false};
    int32_t i, n;

    for (n = 0; n < view->rank; n++) {
        int32_t least = -1;

        for (i = 0; i < view->rank; i++)
            if (!seen[i] && (least < 0 || view->strides[i] < view->strides[least]))
                least = i;
        seen[least] = true;
        if (view->dims[least] == 1)
            continue;
        if (view->strides[least] < extent)
            return lfi_fail(
                err, LFUSE_ERR_ARGUMENT,
                "desc.strides[%d] is %lld, less than the %lld elements it must "
                "step over",
                (int)least, (long long)view->strides[least], (long long)extent);
        if (!lfi_mul_int64(view->strides[least], view->dims[least] - 1, &span) ||
            __builtin_add_overflow(extent, span, &extent))
            return lfi_fail(err, LFUSE_ERR_OVERFLOW, "desc.strides reach too far");
    }
    if (!lfi_mul_int64(extent, (int64_t)lfi_dtype_size(view->dtype), &span))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "desc takes too many bytes");
    return LFUSE_OK;
}

static lfuse_status check_desc(const lfuse_tensor_desc *d, lfuse_error *err)
{
    if (lfi_dtype_size(d->dtype) == 0)
        return lfi_fail(err, LFUSE_ERR_TYPE, "desc.dtype is %d, which is unknown",
                        (int)d->dtype);
    if (d->rank < 1 || d->rank > LFI_MAX_RANK)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.rank is %d, not in [1, %d]",
                        (int)d->rank, (int)LFI_MAX_RANK);
    if (d->dims == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.dims is NULL");
    if (d->data == NULL && (d->strides != NULL || d->release != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "desc.data is NULL, so strides and release must be NULL, too");
    if ((uintptr_t)d->data % lfi_dtype_size(d->dtype) != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "desc.data is not aligned to %zu bytes",
                        lfi_dtype_size(d->dtype));
    return LFUSE_OK;
}

static lfuse_status create(lfuse_context *ctx, const lfuse_tensor_desc *d,
                           lfuse_tensor **tensor, lfuse_error *err)
{
    struct lfi_view view = {0};
    lfuse_tensor *t;
    lfuse_status status;

    status = import_shape(d, &view, err);
    if (status == LFUSE_OK)
        status = check_strides(&view, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(&ctx->env, 1, sizeof(*t), "a tensor", &t, err);
    if (status != LFUSE_OK)
        return status;
    t->ctx = ctx;
    if (d->data == NULL)
        status = lfi_array_create(&ctx->env, &view, &t->array, err);
    else
        status = lfi_array_borrow(&ctx->env, &view, d->release, d->release_user,
                                  &t->array, err);
    if (status == LFUSE_OK)
        *tensor = t;
    else
        lfi_free(&ctx->env, t, 1, sizeof(*t));
    return status;
}

lfuse_status lfuse_tensor_create(lfuse_context *ctx, const lfuse_tensor_desc *desc,
                                 lfuse_tensor **tensor, lfuse_error *err)
{
    lfuse_tensor_desc d;
    lfuse_status status;

    if (tensor == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "tensor is NULL");
    *tensor = NULL;
    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    status = lfi_options_import(&d, sizeof(d), desc, false, "desc", err);
    if (status == LFUSE_OK)
        status = check_desc(&d, err);
    if (status == LFUSE_OK)
        status = create(ctx, &d, tensor, err);
    return status;
}

void lfuse_tensor_destroy(lfuse_tensor *tensor)
{
    const struct lfi_env *env;

    if (tensor == NULL)
        return;
    env = &tensor->ctx->env;
    lfi_array_release(&tensor->array);
    lfi_free(env, tensor, 1, sizeof(*tensor));
}

lfuse_status lfuse_tensor_copy(lfuse_tensor *target, const lfuse_tensor *source,
                               lfuse_error *err)
{
    char a[128], b[128];

    if (target == NULL || source == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL",
                        target == NULL ? "target" : "source");
    if (!lfi_view_same_shape(&target->array.view, &source->array.view)) {
        lfi_view_shape_text(&target->array.view, a, sizeof(a));
        lfi_view_shape_text(&source->array.view, b, sizeof(b));
        return lfi_fail(err, LFUSE_ERR_SHAPE, "target is %s, source is %s", a, b);
    }
    lfi_view_copy(&target->array.view, &source->array.view);
    return LFUSE_OK;
}

lfuse_dtype lfuse_tensor_dtype(const lfuse_tensor *tensor)
{
    return tensor == NULL ? 0 : tensor->array.view.dtype;
}

int32_t lfuse_tensor_rank(const lfuse_tensor *tensor)
{
    return tensor == NULL ? 0 : tensor->array.view.rank;
}

int64_t lfuse_tensor_dim(const lfuse_tensor *tensor, int32_t axis)
{
    if (tensor == NULL || axis < 0 || axis >= tensor->array.view.rank)
        return 0;
    return tensor->array.view.dims[axis];
}

int64_t lfuse_tensor_stride(const lfuse_tensor *tensor, int32_t axis)
{
    if (tensor == NULL || axis < 0 || axis >= tensor->array.view.rank)
        return 0;
    return tensor->array.view.strides[axis];
}

int64_t lfuse_tensor_elements(const lfuse_tensor *tensor)
{
    return tensor == NULL ? 0 : lfi_view_elements(&tensor->array.view);
}

size_t lfuse_tensor_bytes(const lfuse_tensor *tensor)
{
    return tensor == NULL ? 0 : lfi_view_bytes(&tensor->array.view);
}

void *lfuse_tensor_data(const lfuse_tensor *tensor)
{
    return tensor == NULL ? NULL : tensor->array.view.data;
}

size_t lfuse_dtype_size(lfuse_dtype dtype)
{
    return lfi_dtype_size(dtype);
}

const char *lfuse_dtype_name(lfuse_dtype dtype)
{
    return lfi_dtype_name(dtype);
}
