/* failure.c - what went wrong, in one line; memory, and stdout, that are refused */
#include "command.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static void say(const char *format, va_list list)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);

    lfc_progress_clear();
    fputs("layerfuse: ", stderr);
    if (memory != NULL) {
        vfprintf(memory, format, list);
        if (fclose(memory) == 0)
            lfc_put_text(stderr, text);
    }
    fputc('\n', stderr);
    free(text);
}

int lfc_fail(int code, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list);
    va_end(list);
    return code;
}

void lfc_warn(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    say(format, list);
    va_end(list);
}

void *lfc_alloc(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);

    if (memory == NULL)
        exit(lfc_fail(LFC_FAILED, "no memory for %zu times %zu bytes", count, size));
    return memory;
}

char *lfc_copy(const char *text, size_t length)
{
    char *copy = lfc_alloc(length + 1, 1);

    memcpy(copy, text, length);
    return copy;
}

int lfc_finish_stdout(void)
{
    int failed;

    errno = 0;
    failed = fflush(stdout) != 0 || ferror(stdout);
    if (failed)
        return lfc_fail(LFC_FAILED, "cannot write to stdout: %s",
                        errno != 0 ? strerror(errno) : "it was refused");
    return LFC_DONE;
}
