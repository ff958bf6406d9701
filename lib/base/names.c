/*
 * names.c - names, sorted and looked up
 *
 * Heapsort: no memory (qsort of glibc takes some from malloc), and n log n whatever a file
 * holds.
 */
#include "base/files.h"

#include <string.h>

static void sift_down(int64_t *index, int64_t root, int64_t count, lfi_compare compare,
                      const void *arg)
{
    int64_t moved = index[root], child;

    for (; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(arg, index[child], index[child + 1]) < 0)
            child++;
        if (compare(arg, moved, index[child]) >= 0)
            break;
        index[root] = index[child];
    }
    index[root] = moved;
}

void lfi_index_sort(int64_t *index, int64_t count, lfi_compare compare, const void *arg)
{
    int64_t i;

    for (i = count / 2 - 1; i >= 0; i--)
        sift_down(index, i, count, compare, arg);
    for (i = count - 1; i > 0; i--) {
        int64_t greatest = index[0];

        index[0] = index[i];
        index[i] = greatest;
        sift_down(index, 0, i, compare, arg);
    }
}

lfuse_status lfi_names_create(const struct lfi_env *env, int64_t count,
                              struct lfi_names *names, lfuse_error *err)
{
    struct lfi_names created = {.count = count};
    lfuse_status status;

    status = lfi_alloc_zero(env, (size_t)count, sizeof(*created.names), "names",
                            &created.names, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count, sizeof(*created.order), "names",
                                &created.order, err);
    if (status == LFUSE_OK)
        *names = created;
    else
        lfi_names_free(env, &created);
    return status;
}

static int by_name(const void *arg, int64_t a, int64_t b)
{
    const struct lfi_names *names = arg;

    return strcmp(names->names[a], names->names[b]);
}

void lfi_names_sort(struct lfi_names *names)
{
    int64_t i;

    for (i = 0; i < names->count; i++)
        names->order[i] = i;
    lfi_index_sort(names->order, names->count, by_name, names);
}

const char *lfi_names_twice(const struct lfi_names *names)
{
    int64_t i;

    for (i = 1; i < names->count; i++)
        if (by_name(names, names->order[i - 1], names->order[i]) == 0)
            return names->names[names->order[i]];
    return NULL;
}

int64_t lfi_names_find(const struct lfi_names *names, const char *name)
{
    int64_t first = 0, end = names->count;

    while (first < end) {
        int64_t middle = first + (end - first) / 2;
        int side = strcmp(name, names->names[names->order[middle]]);

        if (side == 0)
            return names->order[middle];
        if (side < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return -1;
}

void lfi_names_free(const struct lfi_env *env, struct lfi_names *names)
{
    lfi_free(env, names->order, (size_t)names->count, sizeof(*names->order));
    lfi_free(env, names->names, (size_t)names->count, sizeof(*names->names));
    memset(names, 0, sizeof(*names));
}
