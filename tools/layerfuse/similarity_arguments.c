/* similarity_arguments.c - the command line of layerfuse similarity */
#include "similarity.h"

#include <errno.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "layers.h"

static const char synopsis[] =
    "layerfuse similarity FILE [--metric M] [--type GLOB] [--output-axis GLOB=N]...\n"
    "       [--keep-going] [--json | --csv | --html OUT] ...";

static const char about[] = LFC_FILE_HELP
    "Says how alike the layers of each type are, pair by pair; the types are those\n"
    "that layerfuse inspect shows. As text for people, or in full with --json, --csv\n"
    "or --html.\n";

static const char about_failures[] =
    "\nWithout --keep-going the first pair that cannot be compared ends the command. "
    "With\n"
    "it such pairs are null in JSON, empty in CSV and - in text, the reasons go to\n"
    "stderr, and the exit status is 1 only when no pair at all could be compared.\n";

/* ---- metrics ----------------------------------------------------------------------------- */

enum { METRICS_BELOW = 100 };

static int describe(lfuse_metric metric, lfuse_metric_properties *info)
{
    lfuse_error err;

    lfuse_metric_properties_init(info, sizeof(*info));
    return lfuse_metric_info(metric, info, &err) == LFUSE_OK &&
           strcmp(info->name, "custom") != 0; /* which is a function of the caller's */
}

void lfc_similarity_print_metrics(void)
{
    lfuse_metric_properties info;
    lfuse_metric metric;

    printf("\nMetrics, n being a layer's output units and p the inputs of each:\n\n");
    for (metric = 1; metric < METRICS_BELOW; metric++)
        if (describe(metric, &info))
            printf("  %-24s %s%s, time %s\n", info.name,
                   info.is_distance ? "distance" : "similarity",
                   info.is_symmetric ? "" : " of a to b", info.cost);
}

static int read_metric(struct lfc_similarity *asked)
{
    lfuse_error err;

    if (lfuse_metric_from_name(asked->metric_name, &asked->options.metric, &err) !=
        LFUSE_OK)
        return lfc_fail(LFC_USAGE, "--metric: %s", err.message);
    if (!describe(asked->options.metric, &asked->metric))
        return lfc_fail(LFC_USAGE,
                        "--metric: %s needs a function, which only a program has",
                        asked->metric_name);
    return LFC_DONE;
}

static int read_block(struct lfc_similarity *asked)
{
    int64_t *block = &asked->options.block;
    char *end;

    if (asked->block == NULL)
        return LFC_DONE;
    errno = 0;
    *block = strtoll(asked->block, &end, 10);
    if (strcmp(asked->block, "whole") == 0)
        *block = LFUSE_BLOCK_WHOLE;
    else if (*block < 1 || *end != '\0' || errno != 0)
        return lfc_fail(LFC_USAGE, "--block: '%s' is neither a size nor 'whole'",
                        asked->block);
    return LFC_DONE;
}

/* ---- all of it --------------------------------------------------------------------------- */

static int ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);

    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* The page must not take the place of weights: of this file, or of one of several. */
static int is_checkpoint(const char *path, const char *file)
{
    struct stat x, y;

    if (ends_with(path, ".safetensors") || ends_with(path, ".index.json"))
        return 1;
    return stat(path, &x) == 0 && stat(file, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

int lfc_similarity_check(struct lfc_similarity *asked)
{
    lfuse_similarity_options *o = &asked->options;
    int code;

    if (asked->json + asked->csv + (asked->html != NULL) > 1)
        return lfc_fail(LFC_USAGE, "only one of --json, --csv and --html");
    if (asked->html != NULL && is_checkpoint(asked->html, asked->file))
        return lfc_fail(LFC_USAGE, "%s: %s is, or is named as, a file to read",
                        asked->html_option, asked->html);
    code = read_metric(asked);
    if (code == LFC_DONE)
        code = read_block(asked);
    if (code == LFC_DONE)
        code = lfc_axes_check(&asked->axes);
    if (o->ridge == 0.0)
        o->ridge = -1.0; /* none; the library's 0 is its default */
    o->max_bytes = (size_t)asked->max_bytes;
    o->unequal = asked->unequal;
    o->flags = asked->softmax_rows ? LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS : 0;
    return code;
}

void lfc_similarity_init(struct lfc_similarity *asked, int argc, char **argv)
{
    lfuse_similarity_options *o = &asked->options;

    memset(asked, 0, sizeof(*asked));
    lfuse_similarity_options_init(o, sizeof(*o));
    o->ridge = 1e-3;
    asked->words = argv;
    asked->word_count = argc;
    asked->rule = LFC_RULE_COMPONENT;
    asked->metric_name = "euclidean";
    asked->html_option = "--html";
}

int lfc_similarity_arguments(struct lfc_similarity *asked, int argc, char **argv,
                             int *help)
{
    static const char *const operands[] = {"FILE", NULL};
    static const char *const unequal[] = {"refuse", "subsample", "drop_smallest", NULL};
    lfuse_similarity_options *o = &asked->options;
    const struct lfc_argument table[] = {
        {"--metric", "M", "how alike is measured (euclidean); see below",
         &asked->metric_name, LFC_TEXT, .choices = NULL},
        {"--type", "GLOB", "only types whose pattern matches; may be given again",
         &asked->types, LFC_LIST, .choices = NULL},
        {"--output-axis", "GLOB=N", lfc_axes_help, &asked->axes, LFC_LIST,
         .choices = NULL},
        {"--type-rule", "RULE", lfc_types_rule_help, &asked->rule, LFC_CHOICE,
         .choices = lfc_types_rules},
        {"--unequal", "HOW",
         "layers of unequal shapes are of one type, too; what\n"
         "a metric needs to be equal is cut from the larger:\n"
         "subsample (at random) or drop_smallest; or the pair\n"
         "cannot be compared: refuse",
         &asked->unequal, LFC_CHOICE, .choices = unequal},
        {"--keep-going", NULL, "leave out pairs that cannot be compared",
         &asked->keep_going, LFC_FLAG, .choices = NULL},
        {"--json", NULL, "as JSON", &asked->json, LFC_FLAG, .choices = NULL},
        {"--csv", NULL, "as CSV, a row for each pair", &asked->csv, LFC_FLAG,
         .choices = NULL},
        {"--html", "OUT", "as a page with a picture of each type", &asked->html, LFC_TEXT,
         .choices = NULL},
        {"--threads", "N", "that work at once (one for each processor)", &asked->threads,
         LFC_INTEGER, 1, 1024, NULL},
        {"--block", "N",
         "longest side of a block of covariance, kl, js and\n"
         "wasserstein_gaussian (128), or whole",
         &asked->block, LFC_TEXT, .choices = NULL},
        {"--ridge", "X", "of kl and js (1e-3); 0: none", &o->ridge, LFC_NUMBER, 0,
         DBL_MAX, NULL},
        {"--bandwidth", "X", "of rbf_cka, in median distances (0.5)", &o->bandwidth,
         LFC_NUMBER, DBL_MIN, DBL_MAX, NULL},
        {"--exponent", "P", "of wasserstein_assignment, _centroid, _sliced (2)",
         &o->exponent, LFC_NUMBER, 1, DBL_MAX, NULL},
        {"--softmax-rows", NULL,
         "of wasserstein_assignment, _centroid, _sliced and\n"
         "sinkhorn: rows become exp(x) / sum exp(x)",
         &asked->softmax_rows, LFC_FLAG, .choices = NULL},
        {"--centroids", "N", "of wasserstein_centroid (16)", &o->centroids, LFC_INTEGER,
         1, 1 << 30, NULL},
        {"--projections", "N", "of wasserstein_sliced (128)", &o->projections,
         LFC_INTEGER, 1, 1 << 30, NULL},
        {"--regularisation", "X", "of sinkhorn (0.05)", &o->regularisation, LFC_NUMBER,
         DBL_MIN, DBL_MAX, NULL},
        {"--iterations", "N", "of sinkhorn at most (100)", &o->iterations, LFC_INTEGER, 1,
         1 << 30, NULL},
        {"--seed", "N", "of what is drawn at random (0)", &asked->seed, LFC_INTEGER, 0,
         9e18, NULL},
        {"--max-bytes", "N", "of memory for what is kept of each layer (1 GiB)",
         &asked->max_bytes, LFC_INTEGER, 1, 9e18, NULL},
        {"--max-header-bytes", "N", lfc_session_header_help, &asked->max_header_bytes,
         LFC_INTEGER, 1, 1e8, NULL},
    };
    const struct lfc_arguments arguments = {
        synopsis, about, operands, &asked->file, table, sizeof(table) / sizeof(table[0])};
    int code;

    lfc_similarity_init(asked, argc, argv);
    code = lfc_arguments_read(&arguments, argc, argv, help);
    if (*help && code == LFC_DONE) {
        lfc_similarity_print_metrics();
        fputs(about_failures, stdout);
        return lfc_finish_stdout();
    }
    return code == LFC_DONE ? lfc_similarity_check(asked) : code;
}
