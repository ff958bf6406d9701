/* files.c - see files.h */
#include "files.h"

#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "banks.h"

int lfc_is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

/* ---- a plan as it applies to a file ------------------------------------------------------ */

int lfc_applied_open(struct lfc_applied *applied, const char *file, const char *plan_file,
                     const struct lfc_session_options *options)
{
    struct lfc_applied *a = applied;
    lfuse_error err;
    int code;

    memset(a, 0, sizeof(*a));
    code = lfc_session_open(&a->session, file, options);
    if (code != LFC_DONE)
        return code;
    if (lfuse_plan_load(a->session.ctx, plan_file, NULL, &a->plan, &err) != LFUSE_OK)
        code = err.status == LFUSE_ERR_IO /* names the file itself */
                   ? lfc_fail(LFC_FAILED, "%s", err.message)
                   : lfc_fail(LFC_FAILED, "%s: %s", plan_file, err.message);
    if (code == LFC_DONE)
        code = lfc_network_of_plan(a->session.ctx, a->session.checkpoint, file, a->plan,
                                   &a->network);
    if (code == LFC_DONE &&
        lfuse_preview_create(a->session.ctx, a->plan,
                             (const lfuse_layer *const *)a->network.layers,
                             a->network.count, &a->preview, &err) != LFUSE_OK)
        code = lfc_fail(LFC_FAILED, "%s: %s", file, err.message);
    if (code != LFC_DONE)
        lfc_applied_close(a);
    return code;
}

void lfc_applied_close(struct lfc_applied *applied)
{
    lfuse_preview_destroy(applied->preview);
    lfc_network_free(&applied->network);
    lfuse_plan_destroy(applied->plan);
    lfc_session_close(&applied->session);
}

/* Which parameter of its layer a tensor is. */
static int64_t parameter_of(const struct lfc_network *n, int64_t layer, int64_t tensor)
{
    int64_t at = n->first[layer];

    while (n->tensors[at] != tensor)
        at++;
    return at - n->first[layer];
}

int64_t lfc_applied_owner(const struct lfc_applied *applied, int64_t tensor)
{
    const struct lfc_network *n = &applied->network;
    int64_t layer, owner, parameter;

    tensor = lfuse_checkpoint_owner(applied->session.checkpoint, tensor);
    layer = n->layer_of[tensor];
    if (layer < 0)
        return tensor;
    parameter = parameter_of(n, layer, tensor);
    if (parameter >= lfuse_plan_weight_count(applied->plan, layer))
        return tensor; /* put in order, never shared */
    owner = lfuse_plan_owner(applied->plan, layer);
    return n->tensors[n->first[owner] + parameter];
}

int lfc_applied_is_tied(const struct lfc_applied *applied, int64_t tensor)
{
    return applied->network.layer_of[tensor] >= 0;
}

lfuse_status lfc_applied_read(const struct lfc_applied *applied, int64_t tensor,
                              int64_t first, int64_t count, void *out, lfuse_error *err)
{
    const struct lfc_network *n = &applied->network;
    const int64_t layer = n->layer_of[tensor];

    return lfuse_preview_read_parameter(applied->preview, layer,
                                        (int32_t)parameter_of(n, layer, tensor), first,
                                        count, out, err);
}

/* ---- writing ------------------------------------------------------------------------------ */

static int32_t fill(void *user, int64_t index, int64_t first, int64_t count, void *out)
{
    struct lfc_writing *w = user;

    if (w->applied == NULL || !lfc_applied_is_tied(w->applied, index))
        return LFUSE_FILL_NONE;
    if (lfc_applied_read(w->applied, index, first, count, out, &w->err) != LFUSE_OK)
        return -1;
    w->written += count; /* rows of banks are asked for more than once */
    lfc_progress_show(&w->progress,
                      w->written < w->progress.total ? w->written : w->progress.total);
    return 0;
}

/* Key, value, ... without those that say what a dedup file is; the number of keys. */
static int64_t list_metadata(const lfuse_checkpoint *checkpoint, const char **list)
{
    const int64_t keys = lfuse_checkpoint_metadata_count(checkpoint);
    int64_t count = 0, i;

    for (i = 0; i < keys; i++) {
        const char *key = lfuse_checkpoint_metadata_key(checkpoint, i);

        if (strncmp(key, "layerfuse.", strlen("layerfuse.")) == 0)
            continue;
        list[2 * count] = key;
        list[2 * count++ + 1] = lfuse_checkpoint_metadata(checkpoint, key);
    }
    return count;
}

static void list_entries(const struct lfc_writing *w, lfuse_checkpoint_entry *entries)
{
    const lfuse_checkpoint *c = w->checkpoint;
    int64_t i, owner;

    for (i = 0; i < lfuse_checkpoint_count(c); i++) {
        owner = w->applied != NULL ? lfc_applied_owner(w->applied, i)
                                   : lfuse_checkpoint_owner(c, i);
        entries[i].name = lfuse_checkpoint_name(c, i);
        entries[i].tensor = lfuse_checkpoint_tensor(c, i);
        entries[i].owner = owner == i ? NULL : lfuse_checkpoint_name(c, owner);
    }
}

static int64_t elements_of(const lfuse_checkpoint *checkpoint)
{
    int64_t sum = 0, i;

    for (i = 0; i < lfuse_checkpoint_count(checkpoint); i++)
        sum += lfuse_tensor_elements(lfuse_checkpoint_tensor(checkpoint, i));
    return sum;
}

int lfc_write(lfuse_context *ctx, struct lfc_writing *writing, const char *output)
{
    const size_t count = (size_t)lfuse_checkpoint_count(writing->checkpoint),
                 keys = (size_t)lfuse_checkpoint_metadata_count(writing->checkpoint);
    lfuse_checkpoint_entry *entries = lfc_alloc(count, sizeof(*entries));
    const char **metadata = lfc_alloc(2 * keys, sizeof(*metadata));
    lfuse_checkpoint_save_options options;
    struct lfc_banks banks = {NULL, 0};
    lfuse_status status;
    lfuse_error err;

    if (writing->applied != NULL)
        lfc_banks_find(writing->applied, &banks);
    list_entries(writing, entries);
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = list_metadata(writing->checkpoint, metadata);
    options.mode = writing->mode;
    options.fill = fill;
    options.fill_user = writing;
    options.banks = banks.items;
    options.bank_count = banks.count;
    lfc_progress_begin(&writing->progress, "writing", "elements",
                       elements_of(writing->checkpoint));
    status = lfuse_checkpoint_save(ctx, output, entries, (int64_t)count, &options, &err);
    lfc_progress_clear();
    lfc_banks_free(&banks);
    free(metadata);
    free(entries);
    if (status == LFUSE_OK)
        return LFC_DONE;
    return lfc_fail(LFC_FAILED, "%s",
                    status == LFUSE_ERR_CALLBACK ? writing->err.message : err.message);
}

int64_t lfc_data_bytes(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint64_t header = 0;
    int64_t bytes = 0;

    if (file == NULL)
        return 0;
    if (fread(&header, sizeof(header), 1, file) == 1 && fseeko(file, 0, SEEK_END) == 0)
        bytes = (int64_t)ftello(file) - (int64_t)(sizeof(header) + header);
    (void)fclose(file);
    return bytes;
}
