/* arguments.c - see arguments.h */
#include "arguments.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

static const struct argument *find(const struct argument *table, int count,
                                   const char *name, size_t length)
{
    int i;

    for (i = 0; i < count; i++)
        if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
            return &table[i];
    return NULL;
}

static lfuse_status check_range(const struct argument *a, const char *text, double value,
                                lfuse_error *err)
{
    if (value >= a->least && value <= a->most)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_ARGUMENT, "%s: %s is not in [%.15g, %.15g]",
                        a->name, text, a->least, a->most);
}

static lfuse_status store(const struct argument *a, const char *text, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    char *end = NULL;

    errno = 0;
    if (a->kind == ARGUMENT_TEXT) {
        *(const char **)a->target = text;
    } else if (a->kind == ARGUMENT_INTEGER) {
        long long value = strtoll(text, &end, 10);

        if (*text == '\0' || *end != '\0' || errno != 0)
            return example_fail(err, LFUSE_ERR_ARGUMENT, "%s: '%s' is not an integer",
                                a->name, text);
        status = check_range(a, text, (double)value, err);
        if (status == LFUSE_OK)
            *(int64_t *)a->target = value;
    } else {
        double value = strtod(text, &end);

        if (*text == '\0' || *end != '\0' || !isfinite(value))
            return example_fail(err, LFUSE_ERR_ARGUMENT, "%s: '%s' is not a number",
                                a->name, text);
        status = check_range(a, text, value, err);
        if (status == LFUSE_OK)
            *(double *)a->target = value;
    }
    return status;
}

lfuse_status arguments_read(const struct argument *table, int count, int argc,
                            char **argv, int *help, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int i;

    *help = 0;
    for (i = 1; i < argc && status == LFUSE_OK; i++) {
        const char *equals = strchr(argv[i], '=');
        size_t length = equals != NULL ? (size_t)(equals - argv[i]) : strlen(argv[i]);
        const struct argument *a = find(table, count, argv[i], length);

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *help = 1;
            return LFUSE_OK;
        }
        if (a == NULL)
            return example_fail(err, LFUSE_ERR_ARGUMENT, "%s: unknown argument", argv[i]);
        if (a->kind == ARGUMENT_FLAG && equals == NULL)
            *(int *)a->target = 1;
        else if (a->kind == ARGUMENT_FLAG)
            status = example_fail(err, LFUSE_ERR_ARGUMENT, "%s takes no value", a->name);
        else if (equals != NULL)
            status = store(a, equals + 1, err);
        else if (i + 1 < argc)
            status = store(a, argv[++i], err);
        else
            status = example_fail(err, LFUSE_ERR_ARGUMENT, "%s: its value is missing",
                                  a->name);
    }
    return status;
}

void arguments_print(const struct argument *table, int count)
{
    char left[64];
    int i;

    for (i = 0; i < count; i++) {
        snprintf(left, sizeof(left), "%s %s", table[i].name,
                 table[i].value != NULL ? table[i].value : "");
        printf("  %-26s %s\n", left, table[i].help);
    }
}
