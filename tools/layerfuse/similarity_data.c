/* similarity_data.c - what layerfuse similarity measured, in full: JSON and CSV */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "json.h"
#include "similarity.h"

/* ---- JSON ---------------------------------------------------------------------------------- */

static json_t *matrix(const struct lfc_measured *m)
{
    json_t *rows = lfc_json_array();
    int64_t n = m->type->count, i, j;

    for (i = 0; i < n; i++) {
        json_t *row = lfc_json_array();

        for (j = 0; j < n; j++)
            lfc_json_append(row, lfc_json_number(m->values[i * n + j]));
        lfc_json_append(rows, row);
    }
    return rows;
}

static json_t *failures(const struct lfc_measured *m)
{
    json_t *array = lfc_json_array();
    int64_t i, k;

    for (i = 0; i < m->failure_count; i++) {
        const struct lfc_failure *f = &m->failures[i];
        json_t *failure = lfc_json_object(), *pairs = lfc_json_array();

        for (k = 0; k < f->count; k++)
            lfc_json_append(pairs, json_pack("[I,I]", (json_int_t)f->pairs[2 * k],
                                             (json_int_t)f->pairs[2 * k + 1]));
        lfc_json_set(failure, "message", lfc_json_text(f->message));
        lfc_json_set(failure, "pairs", pairs);
        lfc_json_append(array, failure);
    }
    return array;
}

int lfc_similarity_json(const struct lfc_measures *measures)
{
    const lfuse_metric_properties *metric = &measures->asked->metric;
    json_t *root = lfc_json_object(), *types = lfc_json_array();
    int64_t i;

    for (i = 0; i < measures->count; i++) {
        const struct lfc_measured *m = &measures->items[i];
        json_t *type = lfc_json_type(measures->checkpoint, m->type);

        lfc_json_set(type, "matrix", matrix(m));
        if (m->failure_count > 0)
            lfc_json_set(type, "failures", failures(m));
        lfc_json_append(types, type);
    }
    lfc_json_set(root, "metric", json_string(metric->name));
    lfc_json_set(root, "direction",
                 json_string(metric->is_distance ? "distance" : "similarity"));
    lfc_json_set(root, "types", types);
    return lfc_json_print(root);
}

/* ---- CSV ----------------------------------------------------------------------------------- */

/* RFC 4180: in quotes where it needs them, a quote in it twice. */
static void put_field(const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void put_row(const struct lfc_measures *measures, const struct lfc_measured *m,
                    int64_t i, int64_t j)
{
    const struct lfc_type *type = m->type;
    double value = m->values[i * type->count + j];

    put_field(type->pattern);
    putchar(',');
    put_field(lfuse_checkpoint_name(measures->checkpoint, type->tensors[i]));
    putchar(',');
    put_field(lfuse_checkpoint_name(measures->checkpoint, type->tensors[j]));
    if (isfinite(value))
        printf(",%.17g\n", value);
    else
        printf(",\n");
}

int lfc_similarity_csv(const struct lfc_measures *measures)
{
    int both = !measures->asked->metric.is_symmetric;
    int64_t k, i, j;

    printf("type,layer_a,layer_b,value\n");
    for (k = 0; k < measures->count; k++) {
        const struct lfc_measured *m = &measures->items[k];

        for (i = 0; i < m->type->count; i++)
            for (j = both ? 0 : i + 1; j < m->type->count; j++)
                if (i != j)
                    put_row(measures, m, i, j);
    }
    return lfc_finish_stdout();
}
