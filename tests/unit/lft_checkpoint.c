/* lft_checkpoint.c - see lft_checkpoint.h */
#include "lft_checkpoint.h"

#include <jansson.h>
#include <stdlib.h>

lfuse_status lft_save(struct lft *t, const char *path,
                      const lfuse_checkpoint_entry *entries, int64_t count,
                      lfuse_save_mode mode)
{
    lfuse_checkpoint_save_options options;

    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.mode = mode;
    return lfuse_checkpoint_save(t->ctx, path, entries, count, &options, &t->err);
}

lfuse_checkpoint *lft_open(struct lft *t, const char *path)
{
    lfuse_checkpoint *c = NULL;

    lft_ok(t, lfuse_checkpoint_open(t->ctx, path, NULL, &c, &t->err));
    assert_non_null(c);
    return c;
}

const void *lft_data(const lfuse_checkpoint *checkpoint, const char *name)
{
    int64_t index = lfuse_checkpoint_find(checkpoint, name);

    assert_true(index >= 0);
    return lfuse_tensor_data(lfuse_checkpoint_tensor(checkpoint, index));
}

/* ---- Jansson's memory ------------------------------------------------------------------ */

static int json_count, json_fail_at, json_live;

static void *json_alloc(size_t size)
{
    void *ptr = json_count++ == json_fail_at ? NULL : malloc(size);

    json_live += ptr != NULL;
    return ptr;
}

static void json_release(void *ptr)
{
    json_live -= ptr != NULL;
    free(ptr);
}

void lft_json_begin(void)
{
    json_live = 0;
    json_set_alloc_funcs(json_alloc, json_release);
}

void lft_json_refuse(int k)
{
    json_count = 0;
    json_fail_at = k;
}

int lft_json_live(void)
{
    return json_live;
}

void lft_json_end(void)
{
    json_set_alloc_funcs(malloc, free);
}
