/*
 * fuzz_checkpoint.c - any bytes as a safetensors file
 *
 * Whatever opens is read to its last byte, looked up by name, saved again and opened again.
 */
#define _GNU_SOURCE /* memfd_create */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "look.h"

/* The same names with the same bytes. */
static void compare(const lfuse_checkpoint *a, const lfuse_checkpoint *b)
{
    int64_t i, count = lfuse_checkpoint_count(a);

    CHECK(lfuse_checkpoint_count(b) == count);
    for (i = 0; i < count; i++) {
        int64_t k = lfuse_checkpoint_find(b, lfuse_checkpoint_name(a, i));

        CHECK(k >= 0);
        CHECK(lft_touch(lfuse_checkpoint_tensor(a, i)) ==
              lft_touch(lfuse_checkpoint_tensor(b, k)));
    }
}

static void save_again(lfuse_context *ctx, const lfuse_checkpoint *c)
{
    int64_t count = lfuse_checkpoint_count(c), i;
    lfuse_checkpoint_entry *entries = calloc((size_t)count, sizeof(*entries));
    const char *parent = getenv("TMPDIR");
    lfuse_checkpoint *again;
    lfuse_error err;
    char path[4096];
    lfuse_status status;

    CHECK(entries != NULL);
    for (i = 0; i < count; i++) {
        int64_t owner = lfuse_checkpoint_owner(c, i);

        entries[i].name = lfuse_checkpoint_name(c, i);
        entries[i].tensor = lfuse_checkpoint_tensor(c, i);
        entries[i].owner = owner == i ? NULL : lfuse_checkpoint_name(c, owner);
    }
    (void)snprintf(path, sizeof(path), "%s/fuzz-checkpoint-%d",
                   parent != NULL ? parent : "/tmp", (int)getpid());
    status = lfuse_checkpoint_save(ctx, path, entries, count, NULL, &err);
    free(entries);
    /* The format allows an empty name; we write none. */
    CHECK(status == LFUSE_OK ||
          (status == LFUSE_ERR_ARGUMENT && lfuse_checkpoint_find(c, "") >= 0));
    if (status != LFUSE_OK)
        return;
    CHECK(lfuse_checkpoint_open(ctx, path, NULL, &again, NULL) == LFUSE_OK);
    (void)unlink(path);
    compare(c, again);
    lfuse_checkpoint_close(again);
}

/* What is no tensor of ours is left out, and named. */
static lfuse_status open_the_rest(lfuse_context *ctx, const char *path,
                                  lfuse_checkpoint **c, lfuse_error *err)
{
    lfuse_checkpoint_open_options o;
    lfuse_status status;
    int64_t i;

    lfuse_checkpoint_open_options_init(&o, sizeof(o));
    o.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    status = lfuse_checkpoint_open(ctx, path, &o, c, err);
    for (i = 0; i < lfuse_checkpoint_skipped_count(*c); i++)
        CHECK(lfuse_checkpoint_find(*c, lfuse_checkpoint_skipped(*c, i)) < 0);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int file = memfd_create("checkpoint", MFD_CLOEXEC);
    lfuse_context *ctx;
    lfuse_checkpoint *c;
    lfuse_error err = {0};
    char path[64];

    CHECK(file >= 0 && write(file, data, size) == (ssize_t)size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    CHECK(lfuse_context_create(NULL, &ctx, NULL) == LFUSE_OK);
    if (lfuse_checkpoint_open(ctx, path, NULL, &c, &err) == LFUSE_OK ||
        (err.status == LFUSE_ERR_UNSUPPORTED &&
         open_the_rest(ctx, path, &c, &err) == LFUSE_OK)) {
        lft_look_at(ctx, c);
        if (lfuse_checkpoint_count(c) > 0)
            save_again(ctx, c);
    } else {
        CHECK(c == NULL);
        lft_look_at_error(&err);
    }
    lfuse_checkpoint_close(c);
    lfuse_context_destroy(ctx);
    (void)close(file);
    return 0;
}

#ifdef LFT_LIBFUZZER
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

/* Most changes make the size of the header wrong, and no further check is reached: every other
 * time it is put right. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    uint64_t end;

    size = LLVMFuzzerMutate(data, size, max_size);
    if (seed % 2 == 0 || size < 8)
        return size;
    for (end = size; end > 8 && data[end - 1] != '}'; end--)
        ;
    end -= 8;
    memcpy(data, &end, sizeof(end));
    return size;
}
#endif
