/* path.c - which file is meant by a path, and the paths of files beside it */
#include "checkpoint/parts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char index_ending[] = ".index.json";

bool lfi_path_is_index(const char *path)
{
    size_t length = strlen(path), ending = sizeof(index_ending) - 1;

    return length >= ending && strcmp(path + length - ending, index_ending) == 0;
}

/* The first `length` bytes of directory, then name. */
static lfuse_status join(const struct lfi_env *env, const char *directory, size_t length,
                         const char *name, char **out, lfuse_error *err)
{
    size_t size = strlen(name) + 1;
    char *path;
    lfuse_status status = lfi_alloc(env, length + size, 1, "a path", &path, err);

    if (status != LFUSE_OK)
        return status;
    memcpy(path, directory, length);
    memcpy(path + length, name, size);
    *out = path;
    return LFUSE_OK;
}

lfuse_status lfi_path_beside(const struct lfi_env *env, const char *path,
                             const char *name, char **out, lfuse_error *err)
{
    const char *slash = strrchr(path, '/');

    return join(env, path, slash == NULL ? 0 : (size_t)(slash + 1 - path), name, out,
                err);
}

lfuse_status lfi_path_locate(const struct lfi_env *env, const char *path, char **out,
                             lfuse_error *err)
{
    /* The whole model before its parts, as in the library that writes them. */
    static const char *const names[] = {"/model.safetensors",
                                        "/model.safetensors.index.json"};
    lfuse_status status;
    struct stat st;
    size_t i;

    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return lfi_string_copy(env, path, out, err);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        status = join(env, path, strlen(path), names[i], out, err);
        if (status != LFUSE_OK || stat(*out, &st) == 0)
            return status;
        lfi_string_free(env, *out);
    }
    *out = NULL;
    return lfi_fail_detail(err, LFUSE_ERR_IO, EISDIR,
                           "%s is a directory without model.safetensors and "
                           "model.safetensors.index.json",
                           lfi_quote(path).text);
}
