/* similarity.h - layerfuse similarity: what is asked for, and what comes of it */
#ifndef LFC_SIMILARITY_H
#define LFC_SIMILARITY_H

#include "arguments.h"
#include "command.h"
#include "types.h"

struct lfc_similarity {
    char **words; /* (word_count): of the command line, "similarity" first */
    int word_count;
    int32_t rule;
    const char *file;
    const char *metric_name;
    const char *html;        /* NULL: not asked for */
    const char *html_option; /* by which it is */
    const char *block;
    struct lfc_list types; /* globs */
    struct lfc_list axes;  /* see layers.h */
    lfuse_similarity_options options;
    lfuse_metric_properties metric;
    int64_t threads;
    int64_t seed;
    int64_t max_header_bytes;
    int64_t max_bytes; /* 0: the library's default */
    int32_t unequal;   /* 0: refuse */
    int softmax_rows;
    int keep_going;
    int json;
    int csv;
};

/* Pairs of one type that could not be compared for one reason. */
struct lfc_failure {
    char *message;
    int64_t *pairs; /* (count, 2): places of layers in their type */
    int64_t count;
    int64_t room;
};

/* All pairs of one type. */
struct lfc_measured {
    const struct lfc_type *type;
    const char *metric;
    double *values; /* (layers, layers); NaN: not comparable */
    struct lfc_failure *failures;
    int64_t failure_count;
};

struct lfc_measures {
    const struct lfc_similarity *asked;
    const lfuse_checkpoint *checkpoint;
    struct lfc_measured *items; /* one for each type */
    int64_t count;
    struct lfc_progress progress;
    int64_t pairs_before; /* of types that are finished */
};

/* similarity_arguments.c. Lists are to be released on failure, too. */
int lfc_similarity_arguments(struct lfc_similarity *asked, int argc, char **argv,
                             int *help);
/* All zero but what is default, for argv; then whether what was read can be done. */
void lfc_similarity_init(struct lfc_similarity *asked, int argc, char **argv);
int lfc_similarity_check(struct lfc_similarity *asked);
/* The library's metrics, to stdout. */
void lfc_similarity_print_metrics(void);

/* similarity_measure.c */
int lfc_similarity_measure(lfuse_context *ctx, const struct lfc_types *types,
                           struct lfc_measures *measures);
void lfc_similarity_free(struct lfc_measures *measures);
/* The progress of a context; user is the measures. */
int32_t lfc_similarity_progress(const char *what, int64_t done, int64_t total,
                                void *user);
/* Pairs that have a value of their own: in both directions where these differ. */
int64_t lfc_similarity_pairs(const struct lfc_similarity *asked,
                             const struct lfc_type *type);

/* similarity_text.c, similarity_data.c: to stdout */
int lfc_similarity_text(const struct lfc_measures *measures);
int lfc_similarity_json(const struct lfc_measures *measures);
int lfc_similarity_csv(const struct lfc_measures *measures);

/* page.c: to asked->html. plan: what it makes of the file, or NULL. */
int lfc_page(const struct lfc_measures *measures, const lfuse_plan *plan);

#endif
