/* error.c - see error.h */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

lfuse_status example_fail(lfuse_error *err, lfuse_status status, const char *format, ...)
{
    va_list list;

    if (err == NULL)
        return status;
    err->status = status;
    err->detail = 0;
    va_start(list, format);
    vsnprintf(err->message, sizeof(err->message), format, list);
    va_end(list);
    return status;
}

lfuse_status example_fail_errno(lfuse_error *err, const char *path)
{
    int code = errno;

    example_fail(err, LFUSE_ERR_IO, "%s: %s", path, strerror(code));
    if (err != NULL)
        err->detail = code;
    return LFUSE_ERR_IO;
}
