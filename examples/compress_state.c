/*
 * compress_state.c - a run that was killed goes on with the same bits
 *
 * After every epoch the retrainer writes all there is of network and schedule to one file
 * (lfuse_retrainer_save()), and with it what is only this program's: the epochs that are trained,
 * their scores, and what a baseline keeps. Images, their order and mixes of layers depend on
 * numbers of epoch and step alone. Another run's state is refused.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "compress_run.h"
#include "error.h"

enum { RUN = 1024 };

/* The program's own bytes: all of these, one after the other. */
struct state {
    size_t bytes;
    char *text; /* (RUN) that says which run it is */
    struct compress_progress *progress;
    double *metrics;           /* (epochs + 1) */
    struct compress_row *rows; /* (fusions) */
    char *baseline;            /* (baseline_state_bytes()) */
};

/* Two runs that agree in this have the same bits, where they share an instruction set. */
static void describe(const struct compress_options *o, char *text)
{
    snprintf(
        text, RUN,
        "data %s weights %s train %lld,%g blocks %lld width %lld ratio %g policy %s "
        "metric %s freeze %s combine %s gradients %s scope %s linkage %s unit %s "
        "max-group %lld "
        "places %d align %d forget %d exclude %s distil %s smoothing %g epochs %lld "
        "fusions %lld interval %lld schedule %s tolerance %g grace %lld baseline %s "
        "bn-batches %lld batch %lld lr %g warm-up %lld momentum %g decay %g isa %s seed "
        "%lld holdout %lld limit %lld",
        o->data, o->weights, (long long)o->train, o->train_learning_rate,
        (long long)o->blocks, (long long)o->width, o->ratio, o->policy_name,
        o->metric_name, o->freeze_name, o->combine_name, o->gradients_name, o->scope_name,
        o->linkage_name, o->unit_name, (long long)o->max_group, o->places, o->align,
        o->forget, o->exclude != NULL ? o->exclude : "nothing",
        o->distil != NULL ? o->distil : "nothing", o->smoothing, (long long)o->epochs,
        (long long)o->fusions, (long long)o->interval, o->schedule_name, o->tolerance,
        (long long)o->grace, o->baseline_name != NULL ? o->baseline_name : "none",
        (long long)o->bn_batches, (long long)o->batch, o->learning_rate,
        (long long)o->warm_up, o->momentum, o->weight_decay, o->isa_name,
        (long long)o->seed, (long long)o->holdout, (long long)o->limit);
}

static size_t metrics_bytes(const struct run *run)
{
    return ((size_t)run->options.epochs + 1) * sizeof(*run->metrics);
}

static size_t rows_bytes(const struct run *run)
{
    return (size_t)run->options.fusions * sizeof(*run->rows);
}

/* Where its parts are, in memory to free: text. */
static lfuse_status lay_out(const struct run *run, struct state *s, lfuse_error *err)
{
    s->bytes = RUN + sizeof(*s->progress) + metrics_bytes(run) + rows_bytes(run) +
               baseline_state_bytes(run->baseline);
    s->text = calloc(1, s->bytes);
    if (s->text == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a state");
    s->progress = (void *)(s->text + RUN);
    s->metrics = (void *)(s->progress + 1);
    s->rows = (void *)((char *)s->metrics + metrics_bytes(run));
    s->baseline = (char *)s->rows + rows_bytes(run);
    return LFUSE_OK;
}

static void path_of(const struct run *run, const char *phase, char *path, size_t size)
{
    snprintf(path, size, "%s%s", run->options.resume, phase);
}

lfuse_status compress_state_keep(struct run *run, const char *phase, lfuse_error *err)
{
    lfuse_retrainer_save_options options;
    struct state s;
    lfuse_status status;
    char path[4096];

    if (run->options.resume == NULL)
        return LFUSE_OK;
    status = lay_out(run, &s, err);
    if (status != LFUSE_OK)
        return status;
    describe(&run->options, s.text);
    *s.progress = run->progress;
    memcpy(s.metrics, run->metrics, metrics_bytes(run));
    memcpy(s.rows, run->rows, rows_bytes(run));
    baseline_state_save(run->baseline, s.baseline);
    path_of(run, phase, path, sizeof(path));
    lfuse_retrainer_save_options_init(&options, sizeof(options));
    options.caller = s.text;
    options.caller_bytes = s.bytes;
    status = lfuse_retrainer_save(run->retrainer, path, &options, err);
    free(s.text);
    return status;
}

/* What was kept, of a file that the retrainer has read. */
static lfuse_status take(struct run *run, const char *path, struct state *s,
                         lfuse_error *err)
{
    char expected[RUN];
    size_t bytes;
    const void *kept = lfuse_retrainer_caller(run->retrainer, &bytes);

    describe(&run->options, expected);
    if (kept == NULL || bytes != s->bytes || memcmp(kept, expected, strlen(expected) + 1))
        return example_fail(err, LFUSE_ERR_NAME, "%s is of a run with other arguments",
                            path);
    memcpy(s->text, kept, bytes);
    run->progress = *s->progress;
    memcpy(run->metrics, s->metrics, metrics_bytes(run));
    memcpy(run->rows, s->rows, rows_bytes(run));
    baseline_state_load(run->baseline, s->baseline);
    return LFUSE_OK;
}

lfuse_status compress_state_return(struct run *run, const char *phase, int *found,
                                   lfuse_error *err)
{
    lfuse_status status;
    struct state s;
    char path[4096];

    *found = 0;
    if (run->options.resume == NULL)
        return LFUSE_OK;
    path_of(run, phase, path, sizeof(path));
    if (access(path, F_OK) != 0)
        return LFUSE_OK;
    status = lay_out(run, &s, err);
    if (status != LFUSE_OK)
        return status;
    status = lfuse_retrainer_load(run->retrainer, path, err);
    if (status == LFUSE_OK)
        status = take(run, path, &s, err);
    free(s.text);
    if (status != LFUSE_OK)
        return status;
    *found = 1;
    printf("going on from %s, after %lld epochs\n", path,
           (long long)run->progress.epochs);
    return LFUSE_OK;
}
