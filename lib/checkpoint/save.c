/*
 * save.c - writes a safetensors file
 *
 * Everything that the entries could be refused for is checked before a file is made. Dense tensors
 * are written from where they are; others, and what the caller fills in, go through one block, in row
 * order, bit for bit.
 */
#include "checkpoint/banks.h"

enum { BLOCK_BYTES = 1 << 18 };

struct save {
    const struct lfi_env *env;
    const struct lfi_layout *layout;
    const struct lfi_checkpoint_params *params;
    struct lfi_writer writer;
    char *block; /* of BLOCK_BYTES, made when it is needed */
};

bool lfi_carried_is_front(const struct lfi_carried *carried)
{
    return carried->bytes % sizeof(double) == 0;
}

/* Elements [first, first + count) of an entry, into the block. *is_own: it is stored as it is. */
static lfuse_status fill(const struct save *s, int64_t entry, int64_t first,
                         int64_t count, bool *is_own, lfuse_error *err)
{
    const int32_t answer =
        s->params->fill(s->params->fill_user, entry, first, count, s->block);

    *is_own = answer == LFI_FILL_NONE && first == 0;
    if (answer == 0 || *is_own)
        return LFUSE_OK;
    return lfi_fail_detail(
        err, LFUSE_ERR_CALLBACK, answer, "fill returned %d for element %lld of %s",
        (int)answer, (long long)first, lfi_quote(s->layout->entries[entry].name).text);
}

/* Block by block; nothing is written when the first is to be the entry's own. */
static lfuse_status write_blocks(struct save *s, int64_t entry, bool fills, bool *is_own,
                                 lfuse_error *err)
{
    const struct lfi_view *view = s->layout->entries[entry].view;
    const int64_t size = (int64_t)lfi_dtype_size(view->dtype),
                  n = lfi_view_elements(view);
    lfuse_status status = LFUSE_OK;
    int64_t first, count;

    if (s->block == NULL)
        status = lfi_alloc(s->env, BLOCK_BYTES, 1, "a block", &s->block, err);
    for (first = 0; first < n && status == LFUSE_OK; first += count) {
        count = n - first < BLOCK_BYTES / size ? n - first : BLOCK_BYTES / size;
        if (fills)
            status = fill(s, entry, first, count, is_own, err);
        else
            lfi_view_read_bits(view, first, count, s->block);
        if (*is_own)
            return status;
        if (status == LFUSE_OK)
            status = lfi_writer_write(&s->writer, s->block, (size_t)(count * size), err);
    }
    return status;
}

static lfuse_status write_entry(struct save *s, int64_t entry, lfuse_error *err)
{
    const struct lfi_view *view = s->layout->entries[entry].view;
    bool is_own = s->params->fill == NULL, again = false;
    lfuse_status status = LFUSE_OK;

    if (!is_own)
        status = write_blocks(s, entry, true, &is_own, err);
    if (status != LFUSE_OK || !is_own)
        return status;
    if (lfi_view_is_dense(view))
        return lfi_writer_write(&s->writer, view->data, lfi_view_bytes(view), err);
    return write_blocks(s, entry, false, &again, err);
}

static lfuse_status write_carried(struct save *s, bool front, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < s->params->carried_count && status == LFUSE_OK; i++) {
        const struct lfi_carried *c = &s->params->carried[i];

        if (lfi_carried_is_front(c) == front && c->bytes > 0)
            status = lfi_writer_write(&s->writer, c->data, c->bytes, err);
    }
    return status;
}

static lfuse_status write_file(struct save *s, const char *path, const char *header,
                               size_t header_bytes, lfuse_error *err)
{
    const struct lfi_layout *l = s->layout;
    lfuse_status status;
    int64_t i;

    status = lfi_writer_open(&s->writer, path, err);
    if (status != LFUSE_OK)
        return status;
    status = lfi_writer_write(&s->writer, header, header_bytes, err);
    if (status == LFUSE_OK)
        status = write_carried(s, true, err);
    for (i = 0; i < l->stored_count && status == LFUSE_OK; i++)
        status = write_entry(s, l->owners[l->stored[i]], err);
    if (status == LFUSE_OK)
        status = write_carried(s, false, err);
    if (status == LFUSE_OK)
        status = lfi_writer_commit(s->env, &s->writer, err);
    lfi_writer_close(&s->writer);
    lfi_free(s->env, s->block, BLOCK_BYTES, 1);
    return status;
}

/* Adds what is carried to the data, and sees that no name is there twice. */
static lfuse_status add_carried(const struct lfi_checkpoint_params *params,
                                struct lfi_layout *layout, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < params->carried_count; i++) {
        const struct lfi_carried *c = &params->carried[i];

        if (lfi_names_find(&layout->names, c->name) >= 0)
            return lfi_fail(
                err, LFUSE_ERR_NAME,
                "options.carried has a tensor %s, and so have entries or banks",
                lfi_quote(c->name).text);
        if (__builtin_add_overflow(layout->data_bytes, (int64_t)c->bytes,
                                   &layout->data_bytes))
            return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the data has too many bytes");
    }
    return LFUSE_OK;
}

static lfuse_status save_layout(const struct lfi_env *env, const char *path,
                                const struct lfi_layout *layout,
                                const struct lfi_checkpoint_params *params,
                                lfuse_error *err)
{
    struct save save = {.env = env, .layout = layout, .params = params};
    char *header = NULL;
    size_t header_bytes = 0;
    lfuse_status status =
        lfi_header_encode(env, layout, params, &header, &header_bytes, err);

    if (status == LFUSE_OK)
        status = write_file(&save, path, header, header_bytes, err);
    lfi_free(env, header, header_bytes, 1);
    return status;
}

/* Banks take the place of their entries, whose rows they are; then it is a file like any other. */
static lfuse_status save_banks(const struct lfi_env *env, const char *path,
                               const struct lfi_layout *whole,
                               const struct lfi_checkpoint_params *params,
                               lfuse_error *err)
{
    struct lfi_checkpoint_params filled = *params;
    struct lfi_packed_banks packed;
    struct lfi_layout layout;
    lfuse_status status = lfi_banks_pack(env, whole, params, &packed, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_layout_create(env, packed.entries, packed.count, params->expand, &layout,
                               err);
    if (status == LFUSE_OK) {
        layout.banks = packed.text;
        layout.banks_size = packed.text_size;
        filled.fill = lfi_banks_fill;
        filled.fill_user = &packed;
        status = add_carried(params, &layout, err);
        if (status == LFUSE_OK)
            status = save_layout(env, path, &layout, &filled, err);
        lfi_layout_free(env, &layout);
    }
    lfi_banks_free(env, &packed);
    return status;
}

lfuse_status lfi_checkpoint_save(const struct lfi_env *env, const char *path,
                                 const struct lfi_checkpoint_entry *entries,
                                 int64_t count,
                                 const struct lfi_checkpoint_params *params,
                                 lfuse_error *err)
{
    struct lfi_layout layout;
    lfuse_status status;

    status = lfi_layout_create(env, entries, count, params->expand, &layout, err);
    if (status != LFUSE_OK)
        return status;
    status = add_carried(params, &layout, err);
    if (status == LFUSE_OK)
        status = params->bank_count > 0 ? save_banks(env, path, &layout, params, err)
                                        : save_layout(env, path, &layout, params, err);
    lfi_layout_free(env, &layout);
    return status;
}
