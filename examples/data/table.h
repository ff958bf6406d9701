/* table.h - numbers by keys of any bytes; keys are numbered in the order they first came */
#ifndef EXAMPLES_TABLE_H
#define EXAMPLES_TABLE_H

#include <layerfuse/layerfuse.h>

struct table_entry {
    int64_t value; /* the caller's; 0 at first */
    int64_t at;    /* of the key in table->keys */
    int64_t size;
};

struct table {
    struct table_entry *entries; /* (count) */
    int64_t count;
    char *keys; /* one after the other */
    /* the rest is the table's own */
    int64_t entries_room, keys_size, keys_room;
    int64_t *slots; /* (slot_count): number of an entry + 1, or 0 */
    int64_t slot_count;
};

/* Zeros are an empty table. Releases what is in it, and empties it. */
void table_free(struct table *table);

/* The number of a key, or -1. */
int64_t table_find(const struct table *table, const void *key, int64_t size);

/* The same, but one that is not there yet is put in. */
lfuse_status table_add(struct table *table, const void *key, int64_t size,
                       int64_t *number, lfuse_error *err);

const char *table_key(const struct table *table, int64_t number);

#endif
