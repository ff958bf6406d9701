/*
 * shards.c - a model of several files, written as several files
 *
 * Every tensor goes where its data was, so that files of one name hold the same; one that shares
 * weights is an alias in the file of the one that holds them, and tensors that share rows are in
 * the file of the first of them. All is made in a folder beside the new one and read back: the
 * last step gives the folder its name.
 */
#include "writing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

static const char index_name[] = "model.safetensors.index.json";

/* "folder/name": release with free(). */
static char *join(const char *folder, const char *name)
{
    const size_t bytes = strlen(folder) + strlen(name) + 2;
    char *path = lfc_alloc(bytes, 1);

    (void)snprintf(path, bytes, "%s/%s", folder, name);
    return path;
}

static int fail_path(const char *path)
{
    return lfc_fail(LFC_FAILED, "%s: %s", path, strerror(errno));
}

/* ---- what goes where ------------------------------------------------------------------------ */

static int64_t *place(const struct lfc_writing *w, const struct lfc_banks *banks)
{
    const lfuse_checkpoint *c = w->checkpoint;
    const int64_t count = lfuse_checkpoint_count(c);
    int64_t *where = lfc_alloc((size_t)count, sizeof(*where)), i, k;

    for (i = 0; i < count; i++)
        where[i] = lfuse_checkpoint_file(
            c, w->mode == LFUSE_SAVE_EXPAND ? i : lfc_writing_owner(w, i));
    for (k = 0; k < banks->count && w->mode != LFUSE_SAVE_EXPAND; k++) {
        const lfuse_checkpoint_bank *bank = &banks->items[k];
        const int64_t file = where[lfuse_checkpoint_find(c, bank->entries[0])];

        for (i = 0; i < bank->count; i++)
            where[lfuse_checkpoint_find(c, bank->entries[i])] = file;
    }
    return where;
}

/* ---- the index ------------------------------------------------------------------------------- */

static int is_banked(const struct lfc_banks *banks, const char *name)
{
    int64_t i, k;

    for (i = 0; i < banks->count; i++)
        for (k = 0; k < banks->items[i].count; k++)
            if (strcmp(banks->items[i].entries[k], name) == 0)
                return 1;
    return 0;
}

/* From what the files store to their names. */
static json_t *make_map(const struct lfc_writing *w, const struct lfc_banks *banks,
                        const int64_t *where)
{
    const lfuse_checkpoint *c = w->checkpoint;
    const int expands = w->mode == LFUSE_SAVE_EXPAND;
    json_t *map = lfc_json_object();
    int64_t i;

    for (i = 0; i < lfuse_checkpoint_count(c); i++) {
        const char *name = lfuse_checkpoint_name(c, i);

        if (expands || (lfc_writing_owner(w, i) == i && !is_banked(banks, name)))
            lfc_json_set(map, name,
                         lfc_json_text(lfuse_checkpoint_file_name(c, where[i])));
    }
    for (i = 0; i < banks->count && !expands; i++)
        lfc_json_set(
            map, banks->items[i].name,
            lfc_json_text(lfuse_checkpoint_file_name(
                c, where[lfuse_checkpoint_find(c, banks->items[i].entries[0])])));
    for (i = 0; i < lfuse_checkpoint_skipped_count(c); i++)
        lfc_json_set(map, lfuse_checkpoint_skipped(c, i),
                     lfc_json_text(lfuse_checkpoint_file_name(
                         c, lfuse_checkpoint_skipped_file(c, i))));
    return map;
}

static int write_index(const struct lfc_writing *w, json_t *map, const char *folder)
{
    json_t *root = lfc_json_object(), *metadata = lfc_json_object();
    char *path = join(folder, index_name);
    FILE *file = fopen(path, "w");
    int code = LFC_DONE;

    lfc_json_set(metadata, "total_size", json_integer(w->bytes));
    lfc_json_set(root, "metadata", metadata);
    lfc_json_set(root, "weight_map", map);
    if (file == NULL)
        code = fail_path(path);
    else if (json_dumpf(root, file, JSON_INDENT(1) | JSON_SORT_KEYS) != 0 ||
             fputc('\n', file) == EOF || fflush(file) != 0 || fsync(fileno(file)) != 0)
        code = fail_path(path);
    if (file != NULL)
        (void)fclose(file);
    json_decref(root);
    free(path);
    return code;
}

/* ---- the folder ------------------------------------------------------------------------------ */

/* A name beside output, which does not end in a slash, that nothing has. */
static char *make_folder(const char *output)
{
    const size_t bytes = strlen(output) + sizeof(".layerfuse-XXXXXX");
    char *folder = lfc_alloc(bytes, 1), *slash;

    (void)snprintf(folder, bytes, "%s", output);
    slash = strrchr(folder, '/');
    (void)snprintf(slash != NULL ? slash + 1 : folder, sizeof(".layerfuse-XXXXXX"),
                   ".layerfuse-XXXXXX");
    if (mkdtemp(folder) != NULL)
        return folder;
    (void)fail_path(output);
    free(folder);
    return NULL;
}

/* With all that may have been written into it. */
static void remove_folder(const lfuse_checkpoint *checkpoint, const char *folder)
{
    char *path = join(folder, index_name);
    int64_t i;

    (void)unlink(path);
    free(path);
    for (i = 0; i < lfuse_checkpoint_file_count(checkpoint); i++) {
        path = join(folder, lfuse_checkpoint_file_name(checkpoint, i));
        (void)unlink(path);
        free(path);
    }
    (void)rmdir(folder);
}

/* Opened, it has every name. */
static int read_back(lfuse_context *ctx, const struct lfc_writing *w, const char *folder)
{
    lfuse_checkpoint_open_options options;
    lfuse_checkpoint *copy;
    lfuse_error err;
    int64_t count;

    lfuse_checkpoint_open_options_init(&options, sizeof(options));
    options.max_header_bytes = (size_t)100000000; /* as many as the format allows */
    options.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    if (lfuse_checkpoint_open(ctx, folder, &options, &copy, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "read back: %s", err.message);
    count = lfuse_checkpoint_count(copy);
    lfuse_checkpoint_close(copy);
    if (count == lfuse_checkpoint_count(w->checkpoint))
        return LFC_DONE;
    return lfc_fail(LFC_FAILED, "read back: %lld tensors of %lld", (long long)count,
                    (long long)lfuse_checkpoint_count(w->checkpoint));
}

static int fill_folder(lfuse_context *ctx, struct lfc_writing *w,
                       const struct lfc_banks *banks, const char *folder)
{
    int64_t *where = place(w, banks), i, used;
    struct lfc_selection selection = {banks, where, 0};
    const int64_t count = lfuse_checkpoint_count(w->checkpoint);
    int code = LFC_DONE;
    char *path;

    for (;
         selection.file < lfuse_checkpoint_file_count(w->checkpoint) && code == LFC_DONE;
         selection.file++) {
        for (used = 0, i = 0; i < count; i++)
            used += where[i] == selection.file;
        for (i = 0; i < lfuse_checkpoint_skipped_count(w->checkpoint); i++)
            used += lfuse_checkpoint_skipped_file(w->checkpoint, i) == selection.file;
        if (used == 0) /* all of it is shared with others */
            continue;
        path = join(folder, lfuse_checkpoint_file_name(w->checkpoint, selection.file));
        code = lfc_write_file(ctx, w, &selection, path);
        free(path);
    }
    if (code == LFC_DONE)
        code = write_index(w, make_map(w, banks, where), folder);
    free(where);
    return code == LFC_DONE ? read_back(ctx, w, folder) : code;
}

/* The name is on the disk, too, when the folder above it is. */
static void flush_parent(const char *folder)
{
    char *parent = join(folder, "..");
    const int fd = open(parent, O_RDONLY | O_DIRECTORY);

    if (fd >= 0) {
        (void)fsync(fd);
        (void)close(fd);
    }
    free(parent);
}

static mode_t current_umask(void)
{
    const mode_t mask = umask(0);

    (void)umask(mask);
    return mask;
}

static int write_folder(lfuse_context *ctx, struct lfc_writing *writing,
                        const struct lfc_banks *banks, const char *output)
{
    struct stat info;
    char *folder;
    int code;

    if (lstat(output, &info) == 0)
        return lfc_fail(LFC_FAILED,
                        "%s is there: a model of several files becomes a new folder, or, "
                        "named *.safetensors, one file",
                        output);
    folder = make_folder(output);
    if (folder == NULL)
        return LFC_FAILED;
    code = fill_folder(ctx, writing, banks, folder);
    if (code == LFC_DONE &&
        (chmod(folder, 0777 & ~current_umask()) != 0 || rename(folder, output) != 0))
        code = fail_path(output);
    if (code == LFC_DONE)
        flush_parent(output);
    else
        remove_folder(writing->checkpoint, folder);
    free(folder);
    return code;
}

int lfc_write_folder(lfuse_context *ctx, struct lfc_writing *writing,
                     const struct lfc_banks *banks, const char *output)
{
    size_t length = strlen(output);
    char *name;
    int code;

    while (length > 1 && output[length - 1] == '/') /* "new/" is the folder new */
        length--;
    name = lfc_copy(output, length);
    code = write_folder(ctx, writing, banks, name);
    free(name);
    return code;
}
