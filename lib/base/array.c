/* array.c - views with reference-counted storage */
#include "base/base.h"

#include <stdatomic.h>

struct lfi_storage {
    atomic_size_t references;
    lfuse_allocator
        allocator; /* which it came from: ties may end it in another context */
    void *data;
    size_t bytes; /* owned; 0 when borrowed */
    void (*release)(void *data, void *user);
    void *user;
};

static lfuse_status storage_create(const struct lfi_env *env, struct lfi_storage **out,
                                   lfuse_error *err)
{
    lfuse_status status = lfi_alloc_zero(env, 1, sizeof(**out), "an array", out, err);

    if (status == LFUSE_OK) {
        atomic_init(&(*out)->references, 1);
        (*out)->allocator = env->allocator;
    }
    return status;
}

lfuse_status lfi_array_create(const struct lfi_env *env, const struct lfi_view *shape,
                              struct lfi_array *array, lfuse_error *err)
{
    struct lfi_storage *storage;
    int64_t stride = 1;
    lfuse_status status;
    int32_t i;

    status = storage_create(env, &storage, err);
    if (status != LFUSE_OK)
        return status;
    storage->bytes = lfi_view_bytes(shape);
    status = lfi_alloc_zero(env, storage->bytes, 1, "an array", &storage->data, err);
    if (status != LFUSE_OK) {
        lfi_free(env, storage, 1, sizeof(*storage));
        return status;
    }
    array->storage = storage;
    array->lent = false;
    array->view = *shape;
    array->view.data = storage->data;
    for (i = shape->rank - 1; i >= 0; i--) {
        array->view.strides[i] = stride;
        stride *= shape->dims[i];
    }
    return LFUSE_OK;
}

lfuse_status lfi_array_borrow(const struct lfi_env *env, const struct lfi_view *view,
                              void (*release)(void *data, void *user), void *user,
                              struct lfi_array *array, lfuse_error *err)
{
    struct lfi_storage *storage;
    lfuse_status status = storage_create(env, &storage, err);

    if (status != LFUSE_OK)
        return status;
    storage->data = view->data;
    storage->release = release;
    storage->user = user;
    array->storage = storage;
    array->lent = true;
    array->view = *view;
    return LFUSE_OK;
}

void lfi_array_release(struct lfi_array *array)
{
    struct lfi_storage *storage = array->storage;
    struct lfi_env home = {0};

    array->storage = NULL;
    if (storage == NULL || atomic_fetch_sub(&storage->references, 1) != 1)
        return;
    home.allocator = storage->allocator;
    if (storage->bytes != 0)
        lfi_free(&home, storage->data, storage->bytes, 1);
    else if (storage->release != NULL)
        storage->release(storage->data, storage->user);
    lfi_free(&home, storage, 1, sizeof(*storage));
}

struct lfi_array lfi_array_share(const struct lfi_array *source)
{
    atomic_fetch_add(&source->storage->references, 1);
    return *source;
}
