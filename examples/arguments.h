/* arguments.h - the command line of an example, read from a table */
#ifndef EXAMPLES_ARGUMENTS_H
#define EXAMPLES_ARGUMENTS_H

#include <layerfuse/layerfuse.h>

enum argument_kind {
    ARGUMENT_TEXT,    /* const char ** */
    ARGUMENT_INTEGER, /* int64_t * */
    ARGUMENT_NUMBER,  /* double * */
    ARGUMENT_FLAG     /* int *: 1 when given */
};

struct argument {
    const char *name;  /* "--ratio" */
    const char *value; /* what the help calls its value; NULL for a flag */
    const char *help;
    void *target; /* as kind says; keeps its value when not given */
    enum argument_kind kind;
    double least, most; /* of integers and numbers */
};

/*
 * "--name value" and "--name=value". LFUSE_ERR_ARGUMENT names the argument at fault. *help is
 * set to 1 by --help or -h, and the rest is not looked at.
 */
lfuse_status arguments_read(const struct argument *table, int count, int argc,
                            char **argv, int *help, lfuse_error *err);

/* One line for each argument, to stdout. */
void arguments_print(const struct argument *table, int count);

#endif
