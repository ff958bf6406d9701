/*
 * fuzz_index.c - any bytes as the index of a few files, sound and broken, that are beside it
 *
 * Whatever opens is read to its last byte. The files are made once, in a directory of the
 * process's own, which goes with it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "look.h"

static char directory[256];
static const char *const files[] = {"a", "b", "c", "tied", "broken", "x.index.json"};

static const char *path_of(const char *file)
{
    static char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, file);
    return path;
}

static void clean_up(void)
{
    size_t i;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        (void)unlink(path_of(files[i]));
    (void)rmdir(directory);
}

static void put(const char *file, const void *bytes, size_t size)
{
    FILE *out = fopen(path_of(file), "wb");

    CHECK(out != NULL && fwrite(bytes, 1, size, out) == size && fclose(out) == 0);
}

/* Two names of two tensors, or of one. */
static void save(lfuse_context *ctx, const char *file, const char *first,
                 const char *second, int tied)
{
    static double numbers[2] = {1.0, 2.0};
    lfuse_checkpoint_entry entries[2] = {{first, NULL, NULL}, {second, NULL, NULL}};
    const int64_t one = 1;
    lfuse_tensor_desc desc;
    lfuse_tensor *tensors[2];
    int i;

    for (i = 0; i < 2; i++) {
        lfuse_tensor_desc_init(&desc, sizeof(desc));
        desc.dtype = LFUSE_F64;
        desc.rank = 1;
        desc.dims = &one;
        desc.data = &numbers[tied ? 0 : i];
        CHECK(lfuse_tensor_create(ctx, &desc, &tensors[i], NULL) == LFUSE_OK);
        entries[i].tensor = tensors[i];
    }
    CHECK(lfuse_checkpoint_save(ctx, path_of(file), entries, 2, NULL, NULL) == LFUSE_OK);
    lfuse_tensor_destroy(tensors[1]);
    lfuse_tensor_destroy(tensors[0]);
}

static void set_up(lfuse_context *ctx)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(directory, sizeof(directory), "%s/fuzz-index-XXXXXX",
                   parent != NULL ? parent : "/tmp");
    CHECK(mkdtemp(directory) != NULL && atexit(clean_up) == 0);
    save(ctx, "a", "u", "v", 0);
    save(ctx, "b", "w", "x", 0);
    save(ctx, "c", "x", "y", 0); /* x is in b, too */
    save(ctx, "tied", "s", "t", 1);
    put("broken", "\5\0\0\0\0\0\0\0{}", 10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lfuse_context *ctx;
    lfuse_checkpoint *c;
    lfuse_error err = {0};

    CHECK(lfuse_context_create(NULL, &ctx, NULL) == LFUSE_OK);
    if (directory[0] == '\0')
        set_up(ctx);
    put("x.index.json", data, size);
    if (lfuse_checkpoint_open(ctx, path_of("x.index.json"), NULL, &c, &err) == LFUSE_OK) {
        CHECK(lfuse_checkpoint_count(c) % 2 == 0); /* of whole files */
        lft_look_at(ctx, c);
    } else {
        CHECK(c == NULL);
        if (err.status == LFUSE_ERR_IO) /* a file that is not there */
            err.status = LFUSE_ERR_FORMAT;
        lft_look_at_error(&err);
    }
    lfuse_checkpoint_close(c);
    lfuse_context_destroy(ctx);
    return 0;
}
