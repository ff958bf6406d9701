/*
 * compress_report.c - the page about a run of compress_cnn
 *
 * Likeness is measured before the first fusion, the rest is read off the ties at the end. The
 * page itself is tools/report's.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "compress_run.h"
#include "error.h"
#include "report.h"

enum { SETTINGS = 16, TEXT = 160 };

static const char base[] = "weights of layers that could fuse";

/* What the page points to while it is written. */
struct page {
    struct lfr_report report;
    struct lfr_curve curve;
    struct lfr_size size;
    struct lfr_setting settings[SETTINGS];
    char text[SETTINGS][TEXT];
    char title[TEXT], summary[2 * TEXT];
    struct lfr_matrix matrices[COMPRESS_MAX_TYPES];
    struct lfr_group groups[CNN_MAX_UNITS];
    const char *members[CNN_MAX_UNITS]; /* of all groups, one after the other */
    struct lfr_step *steps;
    int member_count;
};

/* ---- likeness ---------------------------------------------------------------------------- */

static struct compress_likeness *likeness_of(struct run *run, const char *type)
{
    struct compress_likeness *l;
    int64_t i;

    for (i = 0; i < run->likeness_count; i++)
        if (strcmp(run->likeness[i].type, type) == 0)
            return &run->likeness[i];
    if (run->likeness_count == COMPRESS_MAX_TYPES)
        return NULL;
    l = &run->likeness[run->likeness_count++];
    l->type = type;
    return l;
}

static lfuse_status measure(struct run *run, struct compress_likeness *l,
                            lfuse_error *err)
{
    lfuse_similarity_options options;

    if (l->count < 2)
        return LFUSE_OK;
    l->values = malloc((size_t)(l->count * l->count) * sizeof(double));
    if (l->values == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for the likeness of %s",
                            l->type);
    lfuse_similarity_options_init(&options, sizeof(options));
    options.metric = run->options.metric;
    return lfuse_similarity_matrix(run->ctx, l->layers, l->count, &options, l->values,
                                   err);
}

lfuse_status compress_report_begin(struct run *run, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < run->net->layer_count; i++) {
        const lfuse_layer *layer = run->net->layers[i];
        struct compress_likeness *l;

        if (lfuse_layer_kind_of(layer) != LFUSE_LAYER_CONV2D)
            continue;
        l = likeness_of(run, lfuse_layer_param_type(layer));
        if (l == NULL)
            return example_fail(err, LFUSE_ERR_UNSUPPORTED,
                                "more than %d types of convolutions", COMPRESS_MAX_TYPES);
        l->names[l->count] = lfuse_layer_name(layer);
        l->layers[l->count++] = layer;
    }
    for (i = 0; i < run->likeness_count && status == LFUSE_OK; i++)
        status = measure(run, &run->likeness[i], err);
    return status;
}

void compress_report_free(struct run *run)
{
    while (run->likeness_count > 0)
        free(run->likeness[--run->likeness_count].values);
}

/* ---- parts of the page --------------------------------------------------------------------- */

static lfuse_status fill_matrices(struct run *run, struct page *p, lfuse_error *err)
{
    lfuse_metric_properties metric;
    lfuse_status status;
    int64_t i;

    lfuse_metric_properties_init(&metric, sizeof(metric));
    status = lfuse_metric_info(run->options.metric, &metric, err);
    for (i = 0; i < run->likeness_count && status == LFUSE_OK; i++) {
        const struct compress_likeness *l = &run->likeness[i];

        if (l->values == NULL)
            continue;
        p->matrices[p->report.matrix_count++] = (struct lfr_matrix){
            .type = l->type,
            .metric = metric.name,
            .direction = metric.is_distance ? LFR_DISTANCE : LFR_SIMILARITY,
            .count = (int32_t)l->count,
            .names = l->names,
            .values = l->values,
        };
    }
    return status;
}

static int64_t weights_of(const lfuse_layer *layer)
{
    lfuse_parameter weight;
    lfuse_error err;

    lfuse_parameter_init(&weight, sizeof(weight));
    if (lfuse_layer_parameter(layer, 0, &weight, &err) != LFUSE_OK)
        return 0;
    return lfuse_tensor_elements(weight.value);
}

static void fill_groups(struct run *run, struct page *p)
{
    const lfuse_ties *ties = lfuse_retrainer_ties(run->retrainer);
    lfuse_layer **layers = run->net->layers;
    int64_t owner, i, n = run->net->layer_count;

    for (owner = 0; owner < n; owner++) {
        struct lfr_group g = {.names = p->members + p->member_count};

        for (i = 0; i < n; i++)
            if (lfuse_ties_owner(ties, i) == owner) {
                if (i == owner)
                    g.kept = g.count;
                p->members[p->member_count + g.count++] = lfuse_layer_name(layers[i]);
            }
        if (g.count < 2)
            continue;
        g.type = lfuse_layer_param_type(layers[owner]);
        g.weights = weights_of(layers[owner]);
        p->member_count += g.count;
        p->groups[p->report.group_count++] = g;
    }
}

static void fill_curve(struct run *run, struct page *p)
{
    int64_t i;

    for (i = 0; i < run->progress.row_count; i++) {
        const struct compress_row *row = &run->rows[i];

        p->steps[i] = (struct lfr_step){
            .ratio = row->account.ratio,
            .fused = compress_percent(&row->fused),
            .retrained = row->epochs > 0 ? compress_percent(&row->retrained) : NAN,
            .fusions = (int32_t)row->fusions,
            .epochs = (int32_t)row->epochs,
            .unique = row->account.candidates_unique,
            .seconds = row->seconds,
        };
    }
    p->curve = (struct lfr_curve){
        .metric = "test accuracy",
        .unit = "%",
        .base = base,
        .steps = p->steps,
        .step_count = (int32_t)run->progress.row_count,
        .original = compress_percent(&run->original),
    };
    p->report.curve = &p->curve;
}

/* Two operations for each weight and output pixel it is used at. */
static int64_t flops(const struct resnet *net)
{
    int64_t sum = 2 * lfuse_tensor_elements(net->cnn.linear_weight.value), i;

    for (i = 0; i < net->cnn.unit_count; i++) {
        const lfuse_conv2d_args *c = &net->cnn.units[i].conv;
        int64_t strides =
            (c->stride_h > 0 ? c->stride_h : 1) * (c->stride_w > 0 ? c->stride_w : 1);

        sum += 2 * lfuse_tensor_elements(net->cnn.units[i].weight.value) * c->height *
               c->width / strides;
    }
    return sum;
}

static lfuse_status optimiser_bytes(struct run *run, int64_t *bytes, lfuse_error *err)
{
    int64_t count = lfuse_retrainer_parameter_count(run->retrainer), i;
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;

    *bytes = 0;
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        lfuse_parameter_init(&p, sizeof(p));
        status = lfuse_retrainer_parameter(run->retrainer, i, &p, err);
        if (status == LFUSE_OK)
            *bytes += (int64_t)lfuse_tensor_bytes(p.state[0]);
    }
    return status;
}

static lfuse_status fill_size(struct run *run, struct page *p, lfuse_error *err)
{
    const lfuse_ties *ties = lfuse_retrainer_ties(run->retrainer);
    const struct compress_options *o = &run->options;
    struct lfr_size *s = &p->size;
    lfuse_account all;
    lfuse_status status;

    lfuse_account_init(&all, sizeof(all));
    status = lfuse_ties_account(ties, LFUSE_BASE_ALL, &all, err);
    if (status != LFUSE_OK)
        return status;
    s->base = base;
    s->base_logical = all.candidates_logical;
    s->base_unique = all.candidates_unique;
    s->logical = all.all_logical;
    s->unique = all.all_unique;
    s->file_bytes[0] = account_file_bytes(o->weights);
    s->file_bytes[1] = account_file_bytes(o->out);
    s->resident_bytes[0] = all.all_logical * (int64_t)sizeof(float);
    s->resident_bytes[1] = (int64_t)lfuse_ties_resident_bytes(ties);
    s->optimiser_bytes[0] = all.all_logical * (int64_t)sizeof(float);
    s->flops = flops(run->net);
    p->report.size = s;
    return optimiser_bytes(run, &s->optimiser_bytes[1], err);
}

static char *setting(struct page *p, const char *key)
{
    struct lfr_setting *s = &p->settings[p->report.setting_count];

    s->key = key;
    s->value = p->text[p->report.setting_count++];
    return (char *)s->value;
}

static void fill_settings(struct run *run, struct page *p)
{
    const struct compress_options *o = &run->options;

    if (o->train > 0)
        snprintf(setting(p, "network"), TEXT,
                 "%s, trained for %lld epochs, learning rate %g to 0",
                 resnet_name(run->net).text, (long long)o->train, o->train_learning_rate);
    else
        snprintf(setting(p, "network"), TEXT, "%s from %s", resnet_name(run->net).text,
                 o->weights);
    snprintf(setting(p, "data"), TEXT, "%s, %lld images to train with, %lld to test with",
             o->data, (long long)run->data.train.count, (long long)run->data.test.count);
    snprintf(setting(p, "seed"), TEXT, "%lld", (long long)o->seed);
    snprintf(setting(p, "metric"), TEXT, "%s", o->metric_name);
    snprintf(setting(p, "policy"), TEXT, "%s", o->policy_name);
    snprintf(setting(p, "gradients"), TEXT, "%s of a group's positions; freeze drops %s",
             o->combine_name, o->freeze_name);
    snprintf(setting(p, "ratio asked for"), TEXT, "%g over the %s", o->ratio, base);
    snprintf(setting(p, "fusions"), TEXT, "%lld over %lld epochs", (long long)o->fusions,
             (long long)o->epochs);
    snprintf(setting(p, "optimiser"), TEXT,
             "SGD, learning rate %g to 0, momentum %g, weight decay %g", o->learning_rate,
             o->momentum, o->weight_decay);
    snprintf(setting(p, "batch"), TEXT, "%lld", (long long)o->batch);
    snprintf(setting(p, "batch norm"), TEXT,
             "statistics of %lld batches before each score", (long long)o->bn_batches);
    snprintf(setting(p, "instruction set"), TEXT, "at most %s", o->isa_name);
    snprintf(setting(p, "threads"), TEXT, "%lld", (long long)o->threads);
}

static void fill_title(struct run *run, struct page *p)
{
    const int64_t count = run->progress.row_count; /* 0: all fusions were rolled back */

    snprintf(p->title, sizeof(p->title), "%s, %.2f times fewer weights to fuse",
             resnet_name(run->net).text,
             count > 0 ? run->rows[count - 1].account.ratio : 1.0);
    snprintf(
        p->summary, sizeof(p->summary),
        "The most alike layers of a trained network were given one set of weights, in "
        "%lld steps, and it was trained on.",
        (long long)count);
    p->report.title = p->title;
    p->report.summary = p->summary;
    p->report.made_by = "layerfuse " LAYERFUSE_VERSION_STRING;
    p->report.settings = p->settings;
    p->report.matrices = p->matrices;
    p->report.groups = p->groups;
}

/* A code of tools/report's. */
static lfuse_status check_written(const char *path, int code, lfuse_error *err)
{
    if (code == 0)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_IO, "%s: %s", path, strerror(code));
}

static lfuse_status write_pictures(const char *prefix, const struct page *p,
                                   lfuse_error *err)
{
    char path[4096];
    lfuse_status status;
    int32_t i;

    snprintf(path, sizeof(path), "%scurve.svg", prefix);
    status = check_written(path, lfr_write_svg_curve(path, p->report.curve), err);
    for (i = 0; i < p->report.matrix_count && status == LFUSE_OK; i++) {
        snprintf(path, sizeof(path), "%sheatmap-%d.svg", prefix, (int)i + 1);
        status = check_written(path, lfr_write_svg_heatmap(path, &p->matrices[i]), err);
    }
    return status;
}

lfuse_status compress_report_end(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct page *p = calloc(1, sizeof(*p));
    lfuse_status status = LFUSE_ERR_NO_MEMORY;

    if (p != NULL)
        p->steps = calloc((size_t)run->options.fusions, sizeof(*p->steps));
    if (p == NULL || p->steps == NULL) {
        example_fail(err, status, "no memory for the report");
        goto done;
    }
    fill_title(run, p);
    fill_settings(run, p);
    fill_groups(run, p);
    fill_curve(run, p);
    status = fill_matrices(run, p, err);
    if (status == LFUSE_OK)
        status = fill_size(run, p, err);
    if (status != LFUSE_OK)
        goto done;
    if (o->report != NULL)
        status = check_written(o->report, lfr_write_html(o->report, &p->report), err);
    if (status == LFUSE_OK && o->pictures != NULL)
        status = write_pictures(o->pictures, p, err);
done:
    if (p != NULL)
        free(p->steps);
    free(p);
    return status;
}
