/*
 * resave_checkpoint.c - IN DEDUP EXPAND: reads a file with the library, writes it in both modes
 *
 * make_safetensors.py makes IN and reads the others, without the library.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <layerfuse/layerfuse.h>

static lfuse_checkpoint_entry *entries_of(const lfuse_checkpoint *c)
{
    int64_t count = lfuse_checkpoint_count(c), i;
    lfuse_checkpoint_entry *entries = calloc((size_t)count, sizeof(*entries));

    for (i = 0; entries != NULL && i < count; i++) {
        int64_t owner = lfuse_checkpoint_owner(c, i);

        entries[i].name = lfuse_checkpoint_name(c, i);
        entries[i].tensor = lfuse_checkpoint_tensor(c, i);
        entries[i].owner = owner == i ? NULL : lfuse_checkpoint_name(c, owner);
    }
    return entries;
}

/* Key, value, ...: those that are not the library's. */
static const char **metadata_of(const lfuse_checkpoint *c, int64_t *count)
{
    int64_t n = lfuse_checkpoint_metadata_count(c), i;
    const char **pairs = calloc((size_t)n + 1, 2 * sizeof(*pairs));

    *count = 0;
    for (i = 0; pairs != NULL && i < n; i++) {
        const char *key = lfuse_checkpoint_metadata_key(c, i);

        if (strncmp(key, "layerfuse.", 10) == 0)
            continue;
        pairs[2 * *count] = key;
        pairs[2 * (*count)++ + 1] = lfuse_checkpoint_metadata(c, key);
    }
    return pairs;
}

static lfuse_status save_both(lfuse_context *ctx, const lfuse_checkpoint *c,
                              char *const *paths, lfuse_error *err)
{
    lfuse_checkpoint_save_options options;
    lfuse_checkpoint_entry *entries = entries_of(c);
    const char **metadata;
    lfuse_status status = LFUSE_OK;
    lfuse_save_mode mode;

    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    metadata = metadata_of(c, &options.metadata_count);
    options.metadata = metadata;
    for (mode = LFUSE_SAVE_DEDUP; mode <= LFUSE_SAVE_EXPAND && status == LFUSE_OK;
         mode++) {
        options.mode = mode;
        status = lfuse_checkpoint_save(ctx, paths[mode - 1], entries,
                                       lfuse_checkpoint_count(c), &options, err);
    }
    free(metadata);
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    lfuse_context *ctx = NULL;
    lfuse_checkpoint *c = NULL;
    lfuse_error err = {0};
    lfuse_status status;

    if (argc != 4) {
        fprintf(stderr, "usage: %s IN DEDUP EXPAND\n", argv[0]);
        return 2;
    }
    status = lfuse_context_create(NULL, &ctx, &err);
    if (status == LFUSE_OK)
        status = lfuse_checkpoint_open(ctx, argv[1], NULL, &c, &err);
    if (status == LFUSE_OK)
        status = save_both(ctx, c, argv + 2, &err);
    if (status != LFUSE_OK)
        fprintf(stderr, "%s: %s\n", lfuse_status_name(status), err.message);
    lfuse_checkpoint_close(c);
    lfuse_context_destroy(ctx);
    return status == LFUSE_OK ? 0 : 1;
}
