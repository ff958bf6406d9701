/* similarity_measure.c - all pairs of each type, and what could not be compared */
#include "similarity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layers.h"

/* Reasons for a type that are told apart: more are of each pair, and no one's to read. */
enum { MOST_REASONS = 100 };

int64_t lfc_similarity_pairs(const struct lfc_similarity *asked,
                             const struct lfc_type *type)
{
    int64_t n = type->count;

    return asked->metric.is_symmetric ? n * (n - 1) / 2 : n * (n - 1);
}

int32_t lfc_similarity_progress(const char *what, int64_t done, int64_t total, void *user)
{
    struct lfc_measures *m = user;

    /* Units of the library's own: the share that they are of this type's pairs. */
    if (strcmp(what, "similarity") == 0 && total > 0 && m->items != NULL)
        lfc_progress_show(&m->progress,
                          m->pairs_before +
                              (int64_t)((double)done / (double)total *
                                        (double)lfc_similarity_pairs(
                                            m->asked, m->items[m->count].type)));
    return 0;
}

/* ---- failures ------------------------------------------------------------------------------ */

static void *grow(void *memory, int64_t count, size_t size)
{
    void *larger = realloc(memory, (size_t)count * size);

    if (larger == NULL)
        exit(lfc_fail(LFC_FAILED, "no memory for %lld times %zu bytes", (long long)count,
                      size));
    return larger;
}

/* "cosine of h.*.w: layer ...": the metric, too, unless the message begins with it. */
static void say(const struct lfc_measured *m, const char *message)
{
    int named = strncmp(message, m->metric, strlen(m->metric)) == 0;

    lfc_warn("%s%s%s: %s", named ? "" : m->metric, named ? "" : " of ", m->type->pattern,
             message);
}

/* The failure of this message; a new one is said, so once for its type. */
static struct lfc_failure *find_failure(struct lfc_measured *m, const char *message)
{
    struct lfc_failure *f;
    int64_t i;

    for (i = m->failure_count; i > 0; i--) /* most often it is the last one again */
        if (strcmp(m->failures[i - 1].message, message) == 0)
            return &m->failures[i - 1];
    if (m->failure_count > MOST_REASONS)
        return &m->failures[MOST_REASONS];
    if (m->failure_count == MOST_REASONS)
        message = "and other reasons";
    say(m, message);
    m->failures = grow(m->failures, m->failure_count + 1, sizeof(*m->failures));
    f = &m->failures[m->failure_count++];
    *f = (struct lfc_failure){.message = lfc_copy(message, strlen(message))};
    return f;
}

static int32_t keep_failure(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    struct lfc_failure *f = find_failure(user, error->message);

    if (f->count == f->room) {
        f->room = 2 * f->room + 8;
        f->pairs = grow(f->pairs, f->room, 2 * sizeof(*f->pairs));
    }
    f->pairs[2 * f->count] = i;
    f->pairs[2 * f->count + 1] = j;
    f->count++;
    return 0;
}

/* The type as a whole was refused, before any pair was looked at. */
static void keep_refusal(struct lfc_measured *m, const lfuse_error *error)
{
    int64_t n = m->type->count, i, j;

    for (i = 0; i < n; i++)
        for (j = i + 1; j < n; j++)
            keep_failure(m, i, j, error);
}

/* Of the numbers or their shapes, not of the machine or the call. */
static int is_of_layers(lfuse_status status)
{
    return status == LFUSE_ERR_SHAPE || status == LFUSE_ERR_DEGENERATE ||
           status == LFUSE_ERR_NOT_FINITE;
}

/* ---- types --------------------------------------------------------------------------------- */

static int compare_layers(const struct lfc_similarity *asked, lfuse_context *ctx,
                          const lfuse_layer *const *layers, struct lfc_measured *m)
{
    lfuse_similarity_options options = asked->options;
    int64_t n = m->type->count, i;
    lfuse_status status;
    lfuse_error err;

    if (asked->keep_going) {
        options.failed = keep_failure;
        options.failed_user = m;
    }
    for (i = 0; i < n * n; i++)
        m->values[i] = NAN;
    status = lfuse_similarity_matrix(ctx, layers, n, &options, m->values, &err);
    if (status == LFUSE_OK)
        return LFC_DONE;
    if (!asked->keep_going || !is_of_layers(status)) {
        say(m, err.message);
        return LFC_FAILED;
    }
    for (i = 0; i < n * n; i++)
        m->values[i] = NAN;
    keep_refusal(m, &err);
    return LFC_DONE;
}

static int measure_type(const struct lfc_measures *measures, lfuse_context *ctx,
                        struct lfc_measured *m)
{
    size_t n = (size_t)m->type->count;
    lfuse_layer **layers;
    int code = lfc_layers_make(ctx, measures->checkpoint, m->type, &measures->asked->axes,
                               &layers);

    if (code != LFC_DONE)
        return code;
    m->values = lfc_alloc(n, n * sizeof(*m->values));
    code = compare_layers(measures->asked, ctx, (const lfuse_layer *const *)layers, m);
    lfc_layers_free(layers, m->type->count);
    return code;
}

int lfc_similarity_measure(lfuse_context *ctx, const struct lfc_types *types,
                           struct lfc_measures *measures)
{
    int64_t pairs = 0, i;
    int code = lfc_axes_match(&measures->asked->axes, measures->checkpoint);

    for (i = 0; i < types->count; i++)
        pairs += lfc_similarity_pairs(measures->asked, &types->items[i]);
    lfc_progress_begin(&measures->progress, "similarity", "pairs", pairs);
    measures->items = lfc_alloc((size_t)types->count, sizeof(*measures->items));
    for (i = 0; i < types->count && code == LFC_DONE; i++) {
        measures->items[i].type = &types->items[i];
        measures->items[i].metric = measures->asked->metric.name;
        code = measure_type(measures, ctx, &measures->items[i]);
        measures->pairs_before += lfc_similarity_pairs(measures->asked, &types->items[i]);
        measures->count++;
    }
    lfc_progress_clear();
    return code;
}

void lfc_similarity_free(struct lfc_measures *measures)
{
    while (measures->count > 0) {
        struct lfc_measured *m = &measures->items[--measures->count];

        while (m->failure_count > 0) {
            free(m->failures[--m->failure_count].message);
            free(m->failures[m->failure_count].pairs);
        }
        free(m->failures);
        free(m->values);
    }
    free(measures->items);
}
