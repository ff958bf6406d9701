/* verify.c - layerfuse verify: is a file what a plan makes of another, bit for bit */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "files.h"
#include "text.h"

enum { BLOCK_BYTES = 1 << 18 };

struct verify {
    const char *operands[3]; /* FILE, PLAN.json, OUT */
    int64_t threads;
    int64_t max_header_bytes;
};

struct comparison {
    const struct lfc_applied *applied;
    const lfuse_checkpoint *out;
    const char *name; /* of out */
    char *is, *should;
};

static int read_arguments(struct verify *o, int argc, char **argv, int *help)
{
    static const char *const operands[] = {"FILE", "PLAN.json", "OUT", NULL};
    const struct lfc_argument table[] = {
        {"--threads", "N", "that work at once (one for each processor)", &o->threads,
         LFC_INTEGER, 1, 1024, NULL},
        {"--max-header-bytes", "N", lfc_session_header_help, &o->max_header_bytes,
         LFC_INTEGER, 1, 1e8, NULL},
    };
    const struct lfc_arguments arguments = {
        .synopsis = "layerfuse verify FILE PLAN.json OUT.safetensors",
        .about = LFC_FILE_HELP
        "Computes what the plan makes of FILE once more, and compares OUT to it: "
        "names,\nmetadata, and every bit of every tensor. The first difference "
        "is said.\n",
        .operands = operands,
        .values = o->operands,
        .table = table,
        .count = sizeof(table) / sizeof(table[0]),
    };

    memset(o, 0, sizeof(*o));
    return lfc_arguments_read(&arguments, argc, argv, help);
}

/* ---- numbers ------------------------------------------------------------------------------ */

/* A dense tensor's elements, wherever they lie. */
static void copy_bytes(const lfuse_tensor *tensor, int64_t first, size_t bytes,
                       size_t size, char *out)
{
    memcpy(out, (const char *)lfuse_tensor_data(tensor) + (size_t)first * size, bytes);
}

static size_t size_of(const lfuse_tensor *tensor)
{
    return lfuse_tensor_bytes(tensor) / (size_t)lfuse_tensor_elements(tensor);
}

static int fail_element(const struct comparison *c, const char *name, int64_t first,
                        size_t bytes, size_t size)
{
    char is[2 * sizeof(double) + 1] = "", should[2 * sizeof(double) + 1] = "";
    size_t at = 0, i;

    while (at < bytes && c->is[at] == c->should[at])
        at++;
    at -= at % size;
    for (i = 0; i < size; i++) { /* little-endian: the highest byte first */
        snprintf(is + 2 * i, 3, "%02x", (unsigned char)c->is[at + size - 1 - i]);
        snprintf(should + 2 * i, 3, "%02x", (unsigned char)c->should[at + size - 1 - i]);
    }
    return lfc_fail(LFC_FAILED, "%s: element %" PRId64 " of %s is 0x%s, not 0x%s",
                    c->name, first + (int64_t)(at / size), name, is, should);
}

static int compare_values(const struct comparison *c, int64_t index, int64_t other)
{
    const lfuse_checkpoint *from = c->applied->session.checkpoint;
    const lfuse_tensor *out = lfuse_checkpoint_tensor(c->out, other);
    const int64_t owner = lfc_applied_owner(c->applied, index),
                  n = lfuse_tensor_elements(out);
    const size_t size = size_of(out);
    int64_t first, count;
    lfuse_error err;

    for (first = 0; first < n; first += count) {
        const int64_t most = (int64_t)(BLOCK_BYTES / size);
        const size_t bytes = (size_t)(n - first < most ? n - first : most) * size;

        count = (int64_t)(bytes / size);
        copy_bytes(out, first, bytes, size, c->is);
        if (!lfc_applied_is_tied(c->applied, owner))
            copy_bytes(lfuse_checkpoint_tensor(from, owner), first, bytes, size,
                       c->should);
        else if (lfc_applied_read(c->applied, owner, first, count, c->should, &err) !=
                 LFUSE_OK)
            return lfc_fail(LFC_FAILED, "%s", err.message);
        if (memcmp(c->is, c->should, bytes) != 0)
            return fail_element(c, lfuse_checkpoint_name(from, index), first, bytes,
                                size);
    }
    return LFC_DONE;
}

/* ---- shapes, names ------------------------------------------------------------------------- */

static int compare_shapes(const struct comparison *c, int64_t index, int64_t other)
{
    const lfuse_tensor *from =
                           lfuse_checkpoint_tensor(c->applied->session.checkpoint, index),
                       *out = lfuse_checkpoint_tensor(c->out, other);
    const int32_t rank = lfuse_tensor_rank(from);
    int same = rank == lfuse_tensor_rank(out) &&
               lfuse_tensor_dtype(from) == lfuse_tensor_dtype(out);
    int32_t i;

    for (i = 0; i < rank && same; i++)
        same = lfuse_tensor_dim(from, i) == lfuse_tensor_dim(out, i);
    if (same)
        return LFC_DONE;
    return lfc_fail(LFC_FAILED, "%s: %s is of another shape or element type", c->name,
                    lfuse_checkpoint_name(c->out, other));
}

static int compare_tensors(const struct comparison *c)
{
    const lfuse_checkpoint *from = c->applied->session.checkpoint;
    int code = LFC_DONE;
    int64_t i, other;

    for (i = 0; i < lfuse_checkpoint_count(from) && code == LFC_DONE; i++) {
        other = lfuse_checkpoint_find(c->out, lfuse_checkpoint_name(from, i));
        if (other < 0)
            return lfc_fail(LFC_FAILED, "%s: there is no tensor %s", c->name,
                            lfuse_checkpoint_name(from, i));
        code = compare_shapes(c, i, other);
        if (code == LFC_DONE)
            code = compare_values(c, i, other);
    }
    for (i = 0; i < lfuse_checkpoint_count(c->out) && code == LFC_DONE; i++)
        if (lfuse_checkpoint_find(from, lfuse_checkpoint_name(c->out, i)) < 0)
            code = lfc_fail(LFC_FAILED, "%s: there is a tensor %s", c->name,
                            lfuse_checkpoint_name(c->out, i));
    return code;
}

/* What is none of the library's own is carried along, byte for byte. */
static int compare_carried(const struct comparison *c)
{
    const lfuse_checkpoint *from = c->applied->session.checkpoint;
    const int64_t count = lfuse_checkpoint_skipped_count(from);
    int64_t i, k;

    if (lfuse_checkpoint_skipped_count(c->out) != count)
        return lfc_fail(LFC_FAILED,
                        "%s: %" PRId64 " tensors are of other types, not %" PRId64,
                        c->name, lfuse_checkpoint_skipped_count(c->out), count);
    for (i = 0; i < count; i++) {
        const char *name = lfuse_checkpoint_skipped(from, i);
        const void *is = NULL, *should;
        size_t bytes, expected;

        for (k = 0; k < count && strcmp(lfuse_checkpoint_skipped(c->out, k), name) != 0;)
            k++;
        should = lfuse_checkpoint_skipped_data(from, i, &expected);
        if (k < count)
            is = lfuse_checkpoint_skipped_data(c->out, k, &bytes);
        if (is == NULL || bytes != expected || memcmp(is, should, bytes) != 0 ||
            strcmp(lfuse_checkpoint_skipped_type(c->out, k),
                   lfuse_checkpoint_skipped_type(from, i)) != 0)
            return lfc_fail(LFC_FAILED, "%s: tensor %s is not there, or another", c->name,
                            name);
    }
    return LFC_DONE;
}

/* Every key of one is in the other, and means the same. */
static int compare_metadata(const lfuse_checkpoint *a, const lfuse_checkpoint *b,
                            const char *name)
{
    int64_t i;

    for (i = 0; i < lfuse_checkpoint_metadata_count(a); i++) {
        const char *key = lfuse_checkpoint_metadata_key(a, i),
                   *other = lfuse_checkpoint_metadata(b, key);

        if (strncmp(key, "layerfuse.", strlen("layerfuse.")) != 0 &&
            (other == NULL || strcmp(other, lfuse_checkpoint_metadata(a, key)) != 0))
            return lfc_fail(LFC_FAILED, "%s: the metadata %s is another", name, key);
    }
    return LFC_DONE;
}

static int compare(const struct comparison *c)
{
    const lfuse_checkpoint *from = c->applied->session.checkpoint;
    int code = compare_tensors(c);

    if (code == LFC_DONE)
        code = compare_carried(c);
    if (code == LFC_DONE)
        code = compare_metadata(from, c->out, c->name);
    if (code == LFC_DONE)
        code = compare_metadata(c->out, from, c->name);
    if (code != LFC_DONE)
        return code;
    lfc_put_text(stdout, lfc_file_name(c->name));
    printf(": all %" PRId64 " tensors are what the plan makes of them\n",
           lfuse_checkpoint_count(from) + lfuse_checkpoint_skipped_count(from));
    return lfc_finish_stdout();
}

static int run(const struct verify *o, const struct lfc_applied *applied)
{
    struct comparison c = {.applied = applied, .name = o->operands[2]};
    lfuse_checkpoint_open_options open;
    lfuse_checkpoint *out;
    lfuse_error err;
    int code;

    lfuse_checkpoint_open_options_init(&open, sizeof(open));
    open.max_header_bytes = (size_t)o->max_header_bytes;
    open.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    if (lfuse_checkpoint_open(applied->session.ctx, c.name, &open, &out, &err) !=
        LFUSE_OK)
        return err.status == LFUSE_ERR_IO
                   ? lfc_fail(LFC_FAILED, "%s", err.message)
                   : lfc_fail(LFC_FAILED, "%s: %s", c.name, err.message);
    c.out = out;
    c.is = lfc_alloc(BLOCK_BYTES, 1);
    c.should = lfc_alloc(BLOCK_BYTES, 1);
    code = compare(&c);
    free(c.should);
    free(c.is);
    lfuse_checkpoint_close(out);
    return code;
}

int lfc_verify(int argc, char **argv)
{
    struct lfc_session_options options = {0};
    struct lfc_applied applied;
    struct verify o;
    int help, code = read_arguments(&o, argc, argv, &help);

    if (code != LFC_DONE || help)
        return code;
    options.threads = o.threads;
    options.max_header_bytes = o.max_header_bytes;
    code = lfc_applied_open(&applied, o.operands[0], o.operands[1], &options);
    if (code != LFC_DONE)
        return code;
    code = run(&o, &applied);
    lfc_applied_close(&applied);
    return code;
}
