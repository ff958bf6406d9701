/* options.c - structs that grow at the end (the rule of Linux's copy_struct_from_user) */
#include "base/base.h"

#include <string.h>

void lfi_options_init(void *options, size_t size)
{
    if (options == NULL || size < sizeof(size_t))
        return;
    memset(options, 0, size);
    memcpy(options, &size, sizeof(size));
}

lfuse_status lfi_options_import(void *known_options, size_t known, const void *options,
                                bool optional, const char *what, lfuse_error *err)
{
    const unsigned char *bytes = options;
    size_t size, i;

    if (options == NULL) {
        if (!optional)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL", what);
        memset(known_options, 0, known);
        return LFUSE_OK;
    }
    memcpy(&size, options, sizeof(size));
    if (size < sizeof(size_t))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s has struct_size %zu: call its _init() function first", what,
                        size);
    for (i = known; i < size; i++)
        if (bytes[i] != 0)
            return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                            "%s sets byte %zu of %zu, this version knows %zu", what, i,
                            size, known);
    memset(known_options, 0, known);
    memcpy(known_options, options, size < known ? size : known);
    return LFUSE_OK;
}

lfuse_status lfi_options_export(void *options, const void *known_options, size_t known,
                                const char *what, lfuse_error *err)
{
    size_t size;

    if (options == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "%s is NULL", what);
    memcpy(&size, options, sizeof(size));
    if (size < sizeof(size_t))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "%s has struct_size %zu: call its _init() function first", what,
                        size);
    memset((char *)options + sizeof(size), 0, size - sizeof(size));
    memcpy((char *)options + sizeof(size), (const char *)known_options + sizeof(size),
           (size < known ? size : known) - sizeof(size));
    return LFUSE_OK;
}
