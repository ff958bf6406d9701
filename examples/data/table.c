/* table.c - see table.h: open addressing, at most half full, hashed as FNV-1a does it */
#include "data/table.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

static uint64_t hash(const void *key, int64_t size)
{
    const unsigned char *bytes = key;
    uint64_t h = UINT64_C(14695981039346656037);
    int64_t i;

    for (i = 0; i < size; i++)
        h = (h ^ bytes[i]) * UINT64_C(1099511628211);
    return h ^ (h >> 29);
}

/* Where the key is, or where it belongs. */
static int64_t slot_of(const struct table *t, const void *key, int64_t size)
{
    int64_t slot = (int64_t)(hash(key, size) & (uint64_t)(t->slot_count - 1));

    for (; t->slots[slot] != 0; slot = (slot + 1) & (t->slot_count - 1)) {
        const struct table_entry *entry = &t->entries[t->slots[slot] - 1];

        if (entry->size == size && memcmp(t->keys + entry->at, key, (size_t)size) == 0)
            break;
    }
    return slot;
}

static lfuse_status grow(void **memory, int64_t *room, int64_t needed, size_t size,
                         lfuse_error *err)
{
    int64_t more = *room > 0 ? *room : 64;
    void *larger;

    if (needed <= *room)
        return LFUSE_OK;
    while (more < needed)
        more *= 2;
    larger = realloc(*memory, (size_t)more * size);
    if (larger == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a table");
    *memory = larger;
    *room = more;
    return LFUSE_OK;
}

static lfuse_status grow_slots(struct table *t, lfuse_error *err)
{
    const int64_t count = t->slot_count > 0 ? 2 * t->slot_count : 1024;
    int64_t *slots, i;

    if (2 * (t->count + 1) <= t->slot_count)
        return LFUSE_OK;
    slots = calloc((size_t)count, sizeof(*slots));
    if (slots == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a table");
    free(t->slots);
    t->slots = slots;
    t->slot_count = count;
    for (i = 0; i < t->count; i++)
        t->slots[slot_of(t, table_key(t, i), t->entries[i].size)] = i + 1;
    return LFUSE_OK;
}

void table_free(struct table *t)
{
    free(t->entries);
    free(t->keys);
    free(t->slots);
    memset(t, 0, sizeof(*t));
}

int64_t table_find(const struct table *t, const void *key, int64_t size)
{
    return t->slot_count == 0 ? -1 : t->slots[slot_of(t, key, size)] - 1;
}

lfuse_status table_add(struct table *t, const void *key, int64_t size, int64_t *number,
                       lfuse_error *err)
{
    lfuse_status status;

    *number = table_find(t, key, size);
    if (*number >= 0)
        return LFUSE_OK;
    status = grow_slots(t, err);
    if (status == LFUSE_OK)
        status = grow((void **)&t->entries, &t->entries_room, t->count + 1,
                      sizeof(*t->entries), err);
    if (status == LFUSE_OK)
        status = grow((void **)&t->keys, &t->keys_room, t->keys_size + size, 1, err);
    if (status != LFUSE_OK)
        return status;
    t->slots[slot_of(t, key, size)] = t->count + 1;
    memcpy(t->keys + t->keys_size, key, (size_t)size);
    t->entries[t->count] = (struct table_entry){0, t->keys_size, size};
    t->keys_size += size;
    *number = t->count++;
    return LFUSE_OK;
}

const char *table_key(const struct table *t, int64_t number)
{
    return t->keys + t->entries[number].at;
}
