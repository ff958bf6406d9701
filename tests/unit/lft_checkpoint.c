/* lft_checkpoint.c - see lft_checkpoint.h */
#include "lft_checkpoint.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- files made by hand ------------------------------------------------------------------ */

static void append(char **at, const void *bytes, size_t size)
{
    memcpy(*at, bytes, size);
    *at += size;
}

/* header_size as claimed, then the header and data_bytes bytes 0, 1, 2, ... */
const char *lft_put(uint64_t header_size, const char *header, size_t header_bytes,
                    size_t data_bytes)
{
    const char *path = lft_path("made.safetensors");
    char *bytes = malloc(8 + header_bytes + data_bytes), *at = bytes;
    size_t i;

    assert_non_null(bytes);
    append(&at, &header_size, 8);
    append(&at, header, header_bytes);
    for (i = 0; i < data_bytes; i++)
        *at++ = (char)i;
    lft_write_file(path, bytes, (size_t)(at - bytes));
    free(bytes);
    return path;
}

const char *lft_put_header(const char *header, size_t data_bytes)
{
    return lft_put(strlen(header), header, strlen(header), data_bytes);
}

void lft_refused(struct lft *t, const char *path, lfuse_status status, const char *text)
{
    lfuse_checkpoint *c = (lfuse_checkpoint *)(uintptr_t)8;
    int64_t live = t->memory.live;

    lft_fails(t, lfuse_checkpoint_open(t->ctx, path, NULL, &c, &t->err), status, text);
    assert_null(c);
    assert_int_equal(t->memory.live, live);
}

lfuse_status lft_open_and_close(struct lft *t, void *path)
{
    lfuse_checkpoint *c = (lfuse_checkpoint *)(uintptr_t)8;
    lfuse_status status = lfuse_checkpoint_open(t->ctx, path, NULL, &c, &t->err);

    if (status != LFUSE_OK)
        assert_null(c);
    else
        lfuse_checkpoint_close(c);
    return status;
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
