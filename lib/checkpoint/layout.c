/*
 * layout.c - which entries are stored, which are aliases, and in what order the data lies
 *
 * An entry shows the data of its owner: of the one it names, else of the first entry of the same
 * memory that names none, else its own. Owners name none themselves, so every chain ends after
 * at most two steps, at a stored entry, and there are no cycles.
 *
 * Wide elements come first: the data begins aligned, so each tensor is aligned to its elements.
 */
#include "checkpoint/parts.h"

#include <string.h>

static lfuse_status check_name(const char *name, int64_t index, lfuse_error *err)
{
    if (name[0] == '\0' || strcmp(name, LFI_KEY_METADATA) == 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "entries[%lld].name is %s",
                        (long long)index,
                        name[0] == '\0' ? "empty" : LFI_KEY_METADATA ", a reserved name");
    if (!lfi_is_utf8(name))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "entries[%lld].name, %s, is not UTF-8",
                        (long long)index, lfi_quote(name).text);
    return LFUSE_OK;
}

static lfuse_status fill_names(struct lfi_layout *l, lfuse_error *err)
{
    const char *twice;
    lfuse_status status;
    int64_t i;

    for (i = 0; i < l->names.count; i++) {
        status = check_name(l->entries[i].name, i, err);
        if (status != LFUSE_OK)
            return status;
        l->names.names[i] = l->entries[i].name;
    }
    lfi_names_sort(&l->names);
    twice = lfi_names_twice(&l->names);
    if (twice != NULL)
        return lfi_fail(err, LFUSE_ERR_NAME, "two entries have the name %s",
                        lfi_quote(twice).text);
    return LFUSE_OK;
}

/* Could entry show the data of owner? */
static lfuse_status check_owner(const struct lfi_checkpoint_entry *entry,
                                const struct lfi_checkpoint_entry *owner,
                                lfuse_error *err)
{
    struct lfi_quoted name = lfi_quote(entry->name), of = lfi_quote(entry->owner);
    char a[128], b[128];

    if (owner == NULL || owner->owner != NULL)
        return lfi_fail(err, LFUSE_ERR_NAME, "the owner of %s, %s, is %s", name.text,
                        of.text, owner == NULL ? "no entry" : "an alias itself");
    if (entry->view->dtype != owner->view->dtype)
        return lfi_fail(err, LFUSE_ERR_TYPE, "%s is of type %s, its owner %s of %s",
                        name.text, lfi_dtype_name(entry->view->dtype), of.text,
                        lfi_dtype_name(owner->view->dtype));
    if (lfi_view_same_shape(entry->view, owner->view))
        return LFUSE_OK;
    lfi_view_shape_text(entry->view, a, sizeof(a));
    lfi_view_shape_text(owner->view, b, sizeof(b));
    return lfi_fail(err, LFUSE_ERR_SHAPE, "%s is %s, its owner %s is %s", name.text, a,
                    of.text, b);
}

static int compare_int64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* Entries of one memory, type, shape and strides are equal. */
static int compare_memory(const struct lfi_view *a, const struct lfi_view *b)
{
    int side = 0;
    int32_t i;

    if (a->data != b->data)
        return (uintptr_t)a->data < (uintptr_t)b->data ? -1 : 1;
    if (a->dtype != b->dtype || a->rank != b->rank)
        return compare_int64((int64_t)a->dtype * 64 + a->rank,
                             (int64_t)b->dtype * 64 + b->rank);
    for (i = 0; i < a->rank && side == 0; i++) {
        side = compare_int64(a->dims[i], b->dims[i]);
        if (side == 0)
            side = compare_int64(a->strides[i], b->strides[i]);
    }
    return side;
}

/* By memory; of one memory, those that name no owner first, and each kind as given. */
static int by_memory(const void *arg, int64_t a, int64_t b)
{
    const struct lfi_checkpoint_entry *entries = arg, *x = &entries[a], *y = &entries[b];
    int side = compare_memory(x->view, y->view);

    if (side == 0)
        side = (x->owner != NULL) - (y->owner != NULL);
    return side != 0 ? side : compare_int64(a, b);
}

/* owners[] of those that name none. scratch holds count indices. */
static void share_memory(struct lfi_layout *l, int64_t *scratch)
{
    int64_t i, first = 0;

    for (i = 0; i < l->names.count; i++)
        scratch[i] = i;
    lfi_index_sort(scratch, l->names.count, by_memory, l->entries);
    for (i = 0; i < l->names.count; i++) {
        if (i == 0 || compare_memory(l->entries[scratch[i]].view,
                                     l->entries[scratch[i - 1]].view) != 0)
            first = scratch[i];
        l->owners[scratch[i]] = first;
    }
}

static lfuse_status fill_owners(struct lfi_layout *l, lfuse_error *err)
{
    lfuse_status status;
    int64_t i, owner;

    share_memory(l, l->stored); /* not filled in yet */
    for (i = 0; i < l->names.count; i++) {
        if (l->entries[i].owner == NULL)
            continue;
        owner = lfi_names_find(&l->names, l->entries[i].owner);
        status = check_owner(&l->entries[i], owner < 0 ? NULL : &l->entries[owner], err);
        if (status != LFUSE_OK)
            return status;
        l->owners[i] = l->owners[owner]; /* the owner names none: it is in place */
    }
    return LFUSE_OK;
}

static lfuse_status fill_order(struct lfi_layout *l, bool expand, lfuse_error *err)
{
    size_t size;
    int64_t i;

    for (size = 8; size >= 2; size /= 2)
        for (i = 0; i < l->names.count; i++) {
            const struct lfi_view *view = l->entries[i].view;

            if (lfi_dtype_size(view->dtype) != size || (!expand && l->owners[i] != i))
                continue;
            l->stored[l->stored_count++] = i;
            if (__builtin_add_overflow(l->data_bytes, (int64_t)lfi_view_bytes(view),
                                       &l->data_bytes))
                return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the data has too many bytes");
        }
    for (i = 0; i < l->names.count && !expand; i++)
        if (l->owners[l->names.order[i]] != l->names.order[i])
            l->aliases[l->alias_count++] = l->names.order[i];
    return LFUSE_OK;
}

static lfuse_status reserve(const struct lfi_env *env, int64_t count,
                            struct lfi_layout *l, lfuse_error *err)
{
    lfuse_status status = lfi_names_create(env, count, &l->names, err);

    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*l->owners), "a layout",
                                &l->owners, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*l->stored), "a layout",
                                &l->stored, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*l->aliases), "a layout",
                                &l->aliases, err);
    return status;
}

lfuse_status lfi_layout_create(const struct lfi_env *env,
                               const struct lfi_checkpoint_entry *entries, int64_t count,
                               bool expand, struct lfi_layout *layout, lfuse_error *err)
{
    lfuse_status status;

    memset(layout, 0, sizeof(*layout));
    layout->entries = entries;
    status = reserve(env, count, layout, err);
    if (status == LFUSE_OK)
        status = fill_names(layout, err);
    if (status == LFUSE_OK)
        status = fill_owners(layout, err);
    if (status == LFUSE_OK)
        status = fill_order(layout, expand, err);
    if (status != LFUSE_OK)
        lfi_layout_free(env, layout);
    return status;
}

void lfi_layout_free(const struct lfi_env *env, struct lfi_layout *layout)
{
    size_t count = (size_t)layout->names.count;

    lfi_free(env, layout->aliases, count, sizeof(*layout->aliases));
    lfi_free(env, layout->stored, count, sizeof(*layout->stored));
    lfi_free(env, layout->owners, count, sizeof(*layout->owners));
    lfi_names_free(env, &layout->names);
    memset(layout, 0, sizeof(*layout));
}
