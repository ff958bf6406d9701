/* error.h - how the examples fail: in the library's own form, one line with the numbers */
#ifndef EXAMPLES_ERROR_H
#define EXAMPLES_ERROR_H

#include <layerfuse/layerfuse.h>

/* Writes the line to err, which may be NULL, and returns status. */
lfuse_status example_fail(lfuse_error *err, lfuse_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "path: what the system says" as LFUSE_ERR_IO, with errno in err->detail. */
lfuse_status example_fail_errno(lfuse_error *err, const char *path);

#endif
