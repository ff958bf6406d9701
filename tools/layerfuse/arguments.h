/*
 * arguments.h - the command line of a subcommand, read from a table
 *
 * "--name value" and "--name=value", in any order with the operands; "--" ends the options.
 * What is not given keeps its value.
 */
#ifndef LFC_ARGUMENTS_H
#define LFC_ARGUMENTS_H

#include <stdint.h>

enum lfc_kind {
    LFC_TEXT,    /* const char ** */
    LFC_INTEGER, /* int64_t * */
    LFC_NUMBER,  /* double * */
    LFC_CHOICE,  /* int32_t *: which of choices, from 1 */
    LFC_LIST,    /* struct lfc_list *: may be given several times */
    LFC_FLAG     /* int *: 1 when given */
};

struct lfc_list {
    const char **items; /* release with free() */
    int count;
};

struct lfc_argument {
    const char *name;  /* "--metric" */
    const char *value; /* what the help calls its value; NULL for a flag */
    const char *help;
    void *target; /* as kind says */
    enum lfc_kind kind;
    double least, most;         /* of integers and numbers */
    const char *const *choices; /* NULL-terminated */
};

struct lfc_arguments {
    const char *synopsis; /* lines of the help: how it is called, and what it does */
    const char *about;
    const char *const
        *operands;       /* their names, NULL-terminated; "[NAME]" may be missing */
    const char **values; /* one for each */
    const struct lfc_argument *table;
    int count;
};

/*
 * LFC_DONE or LFC_USAGE, which is said. *help is 1 when --help or -h was there: the help is
 * on stdout then, and there is nothing else to do.
 */
int lfc_arguments_read(const struct lfc_arguments *arguments, int argc, char **argv,
                       int *help);

#endif
