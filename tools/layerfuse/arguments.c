/* arguments.c - see arguments.h */
#include "arguments.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static const struct lfc_argument *find(const struct lfc_arguments *a, const char *name,
                                       size_t length)
{
    int i;

    for (i = 0; i < a->count; i++)
        if (strlen(a->table[i].name) == length &&
            strncmp(a->table[i].name, name, length) == 0)
            return &a->table[i];
    return NULL;
}

static int store_number(const struct lfc_argument *a, const char *text)
{
    char *end = NULL;
    double value;

    errno = 0;
    if (a->kind == LFC_INTEGER) {
        long long integer = strtoll(text, &end, 10);

        value = (double)integer;
        if (*text == '\0' || *end != '\0' || errno != 0)
            return lfc_fail(LFC_USAGE, "%s: '%s' is not an integer", a->name, text);
        if (value >= a->least && value <= a->most)
            *(int64_t *)a->target = integer;
    } else {
        value = strtod(text, &end);
        if (*text == '\0' || *end != '\0' || !isfinite(value))
            return lfc_fail(LFC_USAGE, "%s: '%s' is not a number", a->name, text);
        if (value >= a->least && value <= a->most)
            *(double *)a->target = value;
    }
    if (value < a->least || value > a->most)
        return lfc_fail(LFC_USAGE, "%s: %s is not in [%.15g, %.15g]", a->name, text,
                        a->least, a->most);
    return LFC_DONE;
}

static int store_choice(const struct lfc_argument *a, const char *text)
{
    char known[256] = "";
    size_t used = 0;
    int32_t i;

    for (i = 0; a->choices[i] != NULL; i++) {
        if (strcmp(a->choices[i], text) == 0) {
            *(int32_t *)a->target = i + 1;
            return LFC_DONE;
        }
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
                                 i > 0 ? ", " : "", a->choices[i]);
    }
    return lfc_fail(LFC_USAGE, "%s: '%s' is none of %s", a->name, text, known);
}

static int store(const struct lfc_argument *a, const char *text)
{
    struct lfc_list *list = a->target;

    switch (a->kind) {
    case LFC_INTEGER:
    case LFC_NUMBER: return store_number(a, text);
    case LFC_CHOICE: return store_choice(a, text);
    case LFC_LIST: list->items[list->count++] = text; return LFC_DONE;
    default: *(const char **)a->target = text; return LFC_DONE;
    }
}

/* The option at argv[*i], and its value, which may be the word after it. */
static int read_option(const struct lfc_arguments *arguments, int argc, char **argv,
                       int *i)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t length = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct lfc_argument *a = find(arguments, word, length);

    if (a == NULL)
        return lfc_fail(LFC_USAGE, "%s: unknown option %.*s; see layerfuse %s --help",
                        argv[0], (int)length, word, argv[0]);
    if (a->kind == LFC_FLAG && equals != NULL)
        return lfc_fail(LFC_USAGE, "%s takes no value", a->name);
    if (a->kind == LFC_FLAG) {
        *(int *)a->target = 1;
        return LFC_DONE;
    }
    if (equals != NULL)
        return store(a, equals + 1);
    if (*i + 1 == argc)
        return lfc_fail(LFC_USAGE, "%s: its value is missing", a->name);
    return store(a, argv[++*i]);
}

enum { HELP_COLUMN = 27 };

/* A line of the help starts a new one in its own column. */
static void print_lines(const char *text)
{
    for (; *text != '\0'; text++) {
        putchar(*text);
        if (*text == '\n')
            printf("%*s", HELP_COLUMN, "");
    }
    putchar('\n');
}

static void print_help(const struct lfc_arguments *a)
{
    char left[64];
    int i;

    printf("usage: %s\n\n%s\n", a->synopsis, a->about);
    for (i = 0; i < a->count; i++) {
        snprintf(left, sizeof(left), "%s %s", a->table[i].name,
                 a->table[i].value != NULL ? a->table[i].value : "");
        printf("  %-*s", HELP_COLUMN - 2, left);
        print_lines(a->table[i].help);
    }
}

static int wants_help(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return 1;
    return 0;
}

/* Room for every word there is. */
static void clear_lists(const struct lfc_arguments *a, int argc)
{
    int i;

    for (i = 0; i < a->count; i++)
        if (a->table[i].kind == LFC_LIST)
            ((struct lfc_list *)a->table[i].target)->items =
                lfc_alloc((size_t)argc, sizeof(char *));
}

int lfc_arguments_read(const struct lfc_arguments *arguments, int argc, char **argv,
                       int *help)
{
    int i, operands = 0, ended = 0, code = LFC_DONE;

    *help = wants_help(argc, argv);
    if (*help) {
        print_help(arguments);
        return lfc_finish_stdout();
    }
    clear_lists(arguments, argc);
    for (i = 1; i < argc && code == LFC_DONE; i++) {
        if (!ended && strcmp(argv[i], "--") == 0)
            ended = 1;
        else if (!ended && argv[i][0] == '-' && argv[i][1] != '\0')
            code = read_option(arguments, argc, argv, &i);
        else if (arguments->operands[operands] != NULL)
            arguments->values[operands++] = argv[i];
        else
            code = lfc_fail(LFC_USAGE, "%s: '%s' is one word too many", argv[0], argv[i]);
    }
    if (code == LFC_DONE && arguments->operands[operands] != NULL &&
        arguments->operands[operands][0] != '[')
        code = lfc_fail(LFC_USAGE, "%s: %s is missing; see layerfuse %s --help", argv[0],
                        arguments->operands[operands], argv[0]);
    return code;
}
