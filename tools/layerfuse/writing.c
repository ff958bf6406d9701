/* writing.c - see writing.h: one file */
#include "writing.h"

#include <stdlib.h>
#include <string.h>

static int32_t fill(void *user, int64_t index, int64_t first, int64_t count, void *out)
{
    struct lfc_writing *w = user;
    const int64_t tensor = lfuse_checkpoint_owner(w->checkpoint, w->tensors[index]);

    if (w->applied == NULL || !lfc_applied_is_tied(w->applied, tensor))
        return LFUSE_FILL_NONE;
    if (lfc_applied_read(w->applied, tensor, first, count, out, &w->err) != LFUSE_OK)
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

int64_t lfc_writing_owner(const struct lfc_writing *writing, int64_t tensor)
{
    return writing->applied != NULL ? lfc_applied_owner(writing->applied, tensor)
                                    : lfuse_checkpoint_owner(writing->checkpoint, tensor);
}

/* The selected tensors; their number. An owner in another file cannot be named: where all is
 * expanded it need not be. */
static int64_t list_entries(const struct lfc_writing *w, const struct lfc_selection *s,
                            lfuse_checkpoint_entry *entries, int64_t *tensors)
{
    const lfuse_checkpoint *c = w->checkpoint;
    int64_t count = 0, i, owner;

    for (i = 0; i < lfuse_checkpoint_count(c); i++) {
        if (s->where != NULL && s->where[i] != s->file)
            continue;
        owner = lfc_writing_owner(w, i);
        if (s->where != NULL && s->where[owner] != s->file)
            owner = i;
        tensors[count] = i;
        entries[count].name = lfuse_checkpoint_name(c, i);
        entries[count].tensor = lfuse_checkpoint_tensor(c, i);
        entries[count++].owner = owner == i ? NULL : lfuse_checkpoint_name(c, owner);
    }
    return count;
}

/* Those of the selected tensors; their number. */
static int64_t list_banks(const struct lfc_writing *w, const struct lfc_selection *s,
                          lfuse_checkpoint_bank *banks)
{
    int64_t count = 0, i;

    for (i = 0; i < s->banks->count; i++)
        if (s->where == NULL ||
            s->where[lfuse_checkpoint_find(w->checkpoint,
                                           s->banks->items[i].entries[0])] == s->file)
            banks[count++] = s->banks->items[i];
    return count;
}

/* Of the tensors of a file that was written; 0: it is gone. */
static int64_t data_bytes(const char *path)
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

int lfc_write_file(lfuse_context *ctx, struct lfc_writing *writing,
                   const struct lfc_selection *selection, const char *output)
{
    const size_t count = (size_t)lfuse_checkpoint_count(writing->checkpoint),
                 keys = (size_t)lfuse_checkpoint_metadata_count(writing->checkpoint);
    lfuse_checkpoint_entry *entries = lfc_alloc(count, sizeof(*entries));
    int64_t *tensors = lfc_alloc(count, sizeof(*tensors));
    const char **metadata = lfc_alloc(2 * keys, sizeof(*metadata));
    lfuse_checkpoint_bank *banks =
        lfc_alloc((size_t)selection->banks->count, sizeof(*banks));
    const int64_t entry_count = list_entries(writing, selection, entries, tensors);
    lfuse_checkpoint_save_options options;
    lfuse_status status;
    lfuse_error err;

    writing->tensors = tensors;
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = list_metadata(writing->checkpoint, metadata);
    options.mode = writing->mode;
    options.fill = fill;
    options.fill_user = writing;
    options.banks = banks;
    options.bank_count = list_banks(writing, selection, banks);
    options.carried = writing->checkpoint;
    options.carried_file = selection->where != NULL ? selection->file + 1 : 0;
    status = lfuse_checkpoint_save(ctx, output, entries, entry_count, &options, &err);
    lfc_progress_clear();
    free(banks);
    free(metadata);
    free(tensors);
    free(entries);
    if (status != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s",
                        status == LFUSE_ERR_CALLBACK ? writing->err.message
                                                     : err.message);
    writing->bytes += data_bytes(output);
    return LFC_DONE;
}

static int is_one_file(const struct lfc_writing *writing, const char *output)
{
    static const char suffix[] = ".safetensors";
    const size_t length = strlen(output), tail = sizeof(suffix) - 1;

    return lfuse_checkpoint_file_name(writing->checkpoint, 0) == NULL || /* no index */
           (length >= tail && strcmp(output + length - tail, suffix) == 0);
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
    struct lfc_banks banks = {NULL, 0};
    const struct lfc_selection all = {&banks, NULL, 0};
    int code;

    if (writing->applied != NULL)
        lfc_banks_find(writing->applied, &banks);
    writing->bytes = 0;
    lfc_progress_begin(&writing->progress, "writing", "elements",
                       elements_of(writing->checkpoint));
    code = is_one_file(writing, output) ? lfc_write_file(ctx, writing, &all, output)
                                        : lfc_write_folder(ctx, writing, &banks, output);
    lfc_banks_free(&banks);
    return code;
}
