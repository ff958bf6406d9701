/* page.c - what was measured of a file, and what a plan makes of it: tools/report's page */
#include <stdlib.h>
#include <string.h>

#include "page_plan.h"
#include "report.h"
#include "similarity.h"
#include "text.h"

/* Layers in a picture: the page grows with their square, to 8 MB here. */
enum { SETTINGS = 8, MOST_LAYERS = 256 };

/* What the page points to while it is written. */
struct page {
    struct lfr_report report;
    struct lfr_setting settings[SETTINGS];
    struct lfr_matrix *matrices;
    char **types; /* patterns with their shapes */
    struct lfc_page_plan plan;
    char *summary;
    char *command;
};

/* The text of a stream: release with free(). */
struct memory {
    FILE *out;
    char *text;
    size_t size;
};

static void open_text(struct memory *memory)
{
    memory->out = open_memstream(&memory->text, &memory->size);
    if (memory->out == NULL)
        exit(lfc_fail(LFC_FAILED, "no memory for the page"));
}

static char *close_text(struct memory *memory)
{
    if (fclose(memory->out) != 0)
        exit(lfc_fail(LFC_FAILED, "no memory for the page"));
    return memory->text;
}

static char *name_type(const struct lfc_type *type)
{
    struct memory memory;

    open_text(&memory);
    fprintf(memory.out, "%s ", type->pattern);
    if (type->is_mixed)
        fputs("of several shapes", memory.out);
    else
        lfc_put_shape(memory.out, type->rank, type->dims);
    return close_text(&memory);
}

static void fill_matrices(const struct lfc_measures *measures, struct page *p)
{
    const lfuse_metric_properties *metric = &measures->asked->metric;
    size_t count = (size_t)measures->count;
    int64_t i;

    p->matrices = lfc_alloc(count, sizeof(*p->matrices));
    p->types = lfc_alloc(count, sizeof(*p->types));
    for (i = 0; i < measures->count; i++) {
        const struct lfc_measured *m = &measures->items[i];
        int32_t k = p->report.matrix_count;

        if (m->type->count > MOST_LAYERS)
            continue;
        p->types[k] = name_type(m->type);
        p->matrices[k] = (struct lfr_matrix){
            .type = p->types[k],
            .metric = metric->name,
            .direction = metric->is_distance ? LFR_DISTANCE : LFR_SIMILARITY,
            .count = (int32_t)m->type->count,
            .names = (const char *const *)m->type->labels,
            .values = m->values,
        };
        p->report.matrix_count++;
    }
    p->report.matrices = p->matrices;
}

/* The plan's part of the summary. */
static void put_plan(FILE *out, const struct lfc_page_plan *plan)
{
    const lfuse_account *account = &plan->account;
    char a[LFC_NUMBER_BYTES], b[LFC_NUMBER_BYTES];

    fprintf(out, " The plan makes %s %s: ", lfc_count(a, plan->fusions),
            plan->fusions == 1 ? "fusion" : "fusions");
    fprintf(out, "of %s weights that could be shared %s are left, a ratio of %.2f.",
            lfc_count(a, account->candidates_logical),
            lfc_count(b, account->candidates_unique), account->ratio);
    if (plan->rows > 0)
        fprintf(out, " %s rows (filters or neurons) are copies of others.",
                lfc_count(a, plan->rows));
}

static void fill_words(const struct lfc_measures *measures, struct page *p)
{
    const struct lfc_similarity *asked = measures->asked;
    int64_t pairs = 0, layers = 0, i;
    char a[LFC_NUMBER_BYTES], b[LFC_NUMBER_BYTES];
    struct memory memory;
    int word;

    for (i = 0; i < measures->count; i++) {
        layers += measures->items[i].type->count;
        pairs += lfc_similarity_pairs(asked, measures->items[i].type);
    }
    open_text(&memory);
    if (measures->count == 0)
        fputs("No two tensors are layers of one type.", memory.out);
    else
        fprintf(memory.out, "%s layers of %lld %s, %s pairs, by the metric %s.",
                lfc_count(a, layers), (long long)measures->count,
                measures->count == 1 ? "type" : "types", lfc_count(b, pairs),
                asked->metric.name);
    if (p->report.matrix_count < measures->count)
        fprintf(memory.out, " Types of more than %d layers are left out: --csv has them.",
                MOST_LAYERS);
    if (p->report.size != NULL)
        put_plan(memory.out, &p->plan);
    p->summary = close_text(&memory);
    open_text(&memory);
    for (word = 0; word < asked->word_count; word++)
        fprintf(memory.out, "%s %s", word == 0 ? "layerfuse" : "", asked->words[word]);
    p->command = close_text(&memory);
    p->report.title = lfc_file_name(asked->file);
    p->report.summary = p->summary;
    p->report.made_by = "layerfuse " LAYERFUSE_VERSION_STRING;
}

static void fill_settings(const struct lfc_similarity *asked, struct page *p)
{
    const struct lfr_setting settings[] = {
        {"file", asked->file},
        {"metric", asked->metric.name},
        {"types by", lfc_types_rules[asked->rule - 1]},
        {"command", p->command},
    };

    memcpy(p->settings, settings, sizeof(settings));
    p->report.settings = p->settings;
    p->report.setting_count = sizeof(settings) / sizeof(settings[0]);
}

/* Every parameter of the file, before and after. */
static void fill_plan(const struct lfc_measures *measures, struct page *p)
{
    const lfuse_checkpoint *c = measures->checkpoint;
    struct lfr_size *size = &p->plan.size;
    int64_t i, all = 0;

    for (i = 0; i < lfuse_checkpoint_count(c); i++)
        if (lfuse_checkpoint_owner(c, i) == i)
            all += lfuse_tensor_elements(lfuse_checkpoint_tensor(c, i));
    size->unique = all - (size->logical - size->unique);
    size->logical = all;
    p->report.size = size;
    p->report.groups = p->plan.groups;
    p->report.group_count = p->plan.group_count;
    p->report.shares_rows = p->plan.rows > 0;
}

static int fill(const struct lfc_measures *measures, const lfuse_plan *plan,
                struct page *p)
{
    int code = LFC_DONE;

    if (plan != NULL)
        code = lfc_page_plan_fill(plan, &p->plan);
    if (code != LFC_DONE)
        return code;
    if (plan != NULL)
        fill_plan(measures, p);
    fill_matrices(measures, p);
    fill_words(measures, p);
    fill_settings(measures->asked, p);
    return LFC_DONE;
}

int lfc_page(const struct lfc_measures *measures, const lfuse_plan *plan)
{
    const char *path = measures->asked->html;
    struct page p = {0};
    int code = fill(measures, plan, &p), failed = 0;

    if (code == LFC_DONE)
        failed = lfr_write_html(path, &p.report);
    while (p.report.matrix_count > 0)
        free(p.types[--p.report.matrix_count]);
    free(p.types);
    free(p.matrices);
    free(p.summary);
    free(p.command);
    lfc_page_plan_free(&p.plan);
    if (failed != 0)
        return lfc_fail(LFC_FAILED, "cannot write %s: %s", path, strerror(failed));
    return code;
}
