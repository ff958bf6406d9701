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

/* Whether output is the file of this name in a folder. */
static int is_in(const char *folder, const char *name, const char *output)
{
    const size_t bytes = strlen(folder) + strlen(name) + 1;
    char *path = lfc_alloc(bytes, 1);
    int same;

    (void)snprintf(path, bytes, "%s%s", folder, name);
    same = lfc_is_same_file(path, output);
    free(path);
    return same;
}

/* With a slash at its end, or "": what files named in `file` are in. Release with free(). */
static char *folder_of(const char *file, int is_folder)
{
    const char *slash = strrchr(file, '/');
    const size_t length = is_folder       ? strlen(file)
                          : slash != NULL ? (size_t)(slash + 1 - file)
                                          : 0;
    char *folder = lfc_alloc(length + 2, 1);

    memcpy(folder, file, length);
    if (is_folder)
        folder[length] = '/';
    return folder;
}

int lfc_check_output(const struct lfc_session *session, const char *file,
                     const char *output)
{
    const lfuse_checkpoint *c = session->checkpoint;
    const int is_several = lfuse_checkpoint_file_name(c, 0) != NULL;
    const char *whole = is_several ? "model.safetensors.index.json" : "model.safetensors";
    struct stat info;
    const int is_folder = stat(file, &info) == 0 && S_ISDIR(info.st_mode);
    char *folder = folder_of(file, is_folder);
    int is_read =
        is_folder ? is_in(folder, whole, output) : lfc_is_same_file(file, output);
    int64_t i;

    for (i = 0; is_several && i < lfuse_checkpoint_file_count(c) && !is_read; i++)
        is_read = is_in(folder, lfuse_checkpoint_file_name(c, i), output);
    free(folder);
    return is_read ? lfc_fail(LFC_USAGE, "-o: %s is a file to read", output) : LFC_DONE;
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
