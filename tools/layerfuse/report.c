/* report.c - layerfuse report: a file and a plan for it, as a page */
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "layers.h"
#include "similarity.h"

struct report {
    struct lfc_similarity asked; /* and its file */
    const char *plan;            /* or NULL */
};

static const char synopsis[] =
    "layerfuse report FILE [PLAN.json] [--metric M] [--type GLOB] -o REPORT.html";

static const char about[] = LFC_FILE_HELP
    "Writes a page of how alike its layers of each type are, and, with a plan, of which\n"
    "will share weights and what that saves. Pairs that cannot be compared are left "
    "blank.\n";

/* ---- arguments ------------------------------------------------------------------------------ */

static int check(struct report *r, const char *const *values)
{
    struct lfc_similarity *asked = &r->asked;

    asked->file = values[0];
    r->plan = values[1];
    asked->keep_going = 1;
    if (asked->html == NULL)
        return lfc_fail(LFC_USAGE, "-o is not given");
    if (r->plan != NULL && lfc_is_same_file(asked->html, r->plan))
        return lfc_fail(LFC_USAGE, "-o: %s is a file to read", asked->html);
    return lfc_similarity_check(asked);
}

static int read_arguments(struct report *r, int argc, char **argv, int *help)
{
    static const char *const operands[] = {"FILE", "[PLAN.json]", NULL};
    struct lfc_similarity *asked = &r->asked;
    const char *values[2] = {NULL, NULL};
    const struct lfc_argument table[] = {
        {"-o", "REPORT.html", "the page to write, whole or not at all", &asked->html,
         LFC_TEXT, .choices = NULL},
        {"--metric", "M", "how alike is measured (euclidean); see layerfuse similarity",
         &asked->metric_name, LFC_TEXT, .choices = NULL},
        {"--type", "GLOB", "only types whose pattern matches; may be given again",
         &asked->types, LFC_LIST, .choices = NULL},
        {"--output-axis", "GLOB=N", lfc_axes_help, &asked->axes, LFC_LIST,
         .choices = NULL},
        {"--type-rule", "RULE", lfc_types_rule_help, &asked->rule, LFC_CHOICE,
         .choices = lfc_types_rules},
        {"--threads", "N", "that work at once (one for each processor)", &asked->threads,
         LFC_INTEGER, 1, 1024, NULL},
        {"--max-header-bytes", "N", lfc_session_header_help, &asked->max_header_bytes,
         LFC_INTEGER, 1, 1e8, NULL},
    };
    const struct lfc_arguments arguments = {
        synopsis, about, operands, values, table, sizeof(table) / sizeof(table[0])};
    int code;

    lfc_similarity_init(asked, argc, argv);
    asked->html_option = "-o";
    code = lfc_arguments_read(&arguments, argc, argv, help);
    return code == LFC_DONE && !*help ? check(r, values) : code;
}

/* ---- the page ------------------------------------------------------------------------------- */

/* The file, and the plan where there is one: applied.plan is NULL then. */
static int open_files(const struct report *r, struct lfc_measures *measures,
                      struct lfc_applied *applied)
{
    const struct lfc_session_options options = {
        .threads = r->asked.threads,
        .max_header_bytes = r->asked.max_header_bytes,
        .progress = lfc_similarity_progress,
        .progress_user = measures,
    };

    memset(applied, 0, sizeof(*applied));
    if (r->plan != NULL)
        return lfc_applied_open(applied, r->asked.file, r->plan, &options);
    return lfc_session_open(&applied->session, r->asked.file, &options);
}

static int run(const struct report *r)
{
    struct lfc_measures measures = {.asked = &r->asked};
    struct lfc_applied applied;
    struct lfc_types types;
    int code = open_files(r, &measures, &applied);

    if (code != LFC_DONE)
        return code;
    measures.checkpoint = applied.session.checkpoint;
    lfc_types_find(measures.checkpoint, (enum lfc_rule)r->asked.rule, 0, &types);
    code = lfc_types_select(&types, r->asked.types.items, r->asked.types.count);
    if (code == LFC_DONE)
        code = lfc_similarity_measure(applied.session.ctx, &types, &measures);
    if (code == LFC_DONE)
        code = lfc_page(&measures, applied.plan);
    lfc_similarity_free(&measures);
    lfc_types_free(&types);
    lfc_applied_close(&applied);
    return code;
}

int lfc_report(int argc, char **argv)
{
    struct report r = {.plan = NULL};
    int help, code = read_arguments(&r, argc, argv, &help);

    if (code == LFC_DONE && !help)
        code = run(&r);
    free(r.asked.types.items);
    free(r.asked.axes.items);
    return code;
}
