/* compress_fuse.c - one fusion after another, and the epochs between them */
#include <stdio.h>

#include "compress_run.h"
#include "progress.h"

lfuse_status compress_score(struct run *run, struct score *score, lfuse_error *err)
{
    lfuse_status status = lfuse_retrainer_begin_eval(run->retrainer, err);

    if (status == LFUSE_OK)
        status = train_reestimate(run->net, run->batches, run->options.bn_batches, err);
    if (status == LFUSE_OK)
        status = train_evaluate(run->net, run->judges, score, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_end_eval(run->retrainer, err);
    return status;
}

lfuse_status compress_epoch(struct run *run, const struct training *training,
                            const char *before, lfuse_error *err)
{
    struct compress_progress *p = &run->progress;
    const double begun = progress_seconds();
    double loss;
    lfuse_status status = train_epoch(run->net, run->retrainer, run->batches, training,
                                      p->epochs, &loss, err);

    if (status == LFUSE_OK)
        status = compress_score(run, &p->now, err);
    if (status != LFUSE_OK)
        return status;
    p->epochs++;
    printf("%sepoch %d of %d: %.2f %%, loss %.4f, %.1f s\n", before, (int)p->epochs,
           (int)training->epochs, compress_percent(&p->now), loss,
           progress_seconds() - begun);
    fflush(stdout);
    return LFUSE_OK;
}

struct training compress_training(const struct run *run)
{
    const struct compress_options *o = &run->options;

    return (struct training){.learning_rate = o->learning_rate,
                             .momentum = o->momentum,
                             .weight_decay = o->weight_decay,
                             .epochs = o->epochs,
                             .warm_up = o->warm_up,
                             .smoothing = o->smoothing,
                             .temperature = o->temperature,
                             .taught = o->taught,
                             .teacher = run->teacher};
}

/* ---- rows ------------------------------------------------------------------------------------- */

static void print_row(struct run *run, int64_t index)
{
    struct compress_row *row = &run->rows[index];

    row->shown = row->epochs + 1;
    printf("%4d  %5.3f  %-10s  %11lld  %7.2f  %11.2f  %7.1f\n", (int)index + 1,
           row->account.ratio, "candidates", (long long)row->account.candidates_unique,
           compress_percent(&row->fused), compress_percent(&row->retrained),
           row->seconds);
    fflush(stdout);
}

/* A row is complete once another is opened; a fusion that is rolled back opens it again. */
static void complete(struct run *run, int64_t index)
{
    if (index >= 0 && run->rows[index].shown != run->rows[index].epochs + 1)
        print_row(run, index);
}

/* What the fusion that has just happened did. */
static lfuse_status open_row(struct run *run, lfuse_error *err)
{
    struct compress_progress *p = &run->progress;
    struct compress_row *row = &run->rows[p->row_count++];
    const double begun = progress_seconds();
    lfuse_status status;

    complete(run, p->row_count - 2);
    row->fusions = lfuse_plan_fusion_count(lfuse_retrainer_plan(run->retrainer));
    row->epochs = row->shown = 0;
    lfuse_account_init(&row->account, sizeof(row->account));
    status = lfuse_ties_account(lfuse_retrainer_ties(run->retrainer),
                                LFUSE_BASE_CANDIDATES, &row->account, err);
    if (status == LFUSE_OK)
        status = compress_score(run, &row->fused, err);
    p->now = row->retrained = row->fused;
    row->seconds = progress_seconds() - begun;
    return status;
}

/* ---- turns ------------------------------------------------------------------------------------ */

static lfuse_status fuse(struct run *run, lfuse_error *err)
{
    lfuse_status status = lfuse_retrainer_fuse(run->retrainer, err);

    return status == LFUSE_OK ? open_row(run, err) : status;
}

/*
 * The network is again what it was before the latest fusion, and the epochs since are lost. The
 * next best is tried at once, as long as there are epochs left to judge it by.
 */
static lfuse_status go_on_without(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct compress_progress *p = &run->progress;

    p->row_count--;
    p->rolled_back++;
    printf("      rolled back: %.2f %% is more than %g points below %.2f %%\n",
           compress_percent(&p->now), o->tolerance, run->metrics[0]);
    p->now = p->row_count > 0 ? run->rows[p->row_count - 1].retrained : run->judged;
    if (p->epochs == o->epochs || o->unit == LFUSE_UNIT_ROW ||
        p->rolled_back == COMPRESS_ROLLBACKS)
        return LFUSE_OK;
    return fuse(run, err);
}

/* An epoch, its score in the row that is open, and what the retrainer makes of it. */
static lfuse_status turn(struct run *run, lfuse_error *err)
{
    const struct training training = compress_training(run);
    struct compress_progress *p = &run->progress;
    const double begun = progress_seconds();
    lfuse_status status = compress_epoch(run, &training, "      ", err);

    if (status != LFUSE_OK)
        return status;
    run->metrics[p->epochs] = compress_percent(&p->now);
    if (p->row_count > 0) {
        struct compress_row *row = &run->rows[p->row_count - 1];

        row->retrained = p->now;
        row->epochs++;
        row->seconds += progress_seconds() - begun;
    }
    if (p->verdict == LFUSE_VERDICT_DONE)
        return LFUSE_OK; /* epochs that the schedule leaves over are trained, too */
    status = lfuse_retrainer_end_epoch(run->retrainer, run->metrics[p->epochs],
                                       &p->verdict, err);
    if (status == LFUSE_OK && p->verdict == LFUSE_VERDICT_FUSED)
        return open_row(run, err);
    if (status == LFUSE_OK && p->verdict == LFUSE_VERDICT_ROLLED_BACK)
        return go_on_without(run, err);
    return status;
}

/* The first fusion; or all that a state knows of. */
static lfuse_status begin(struct run *run, lfuse_error *err)
{
    int found;
    lfuse_status status = compress_state_return(run, "", &found, err);
    int64_t i;

    printf("\nstep  ratio  of          unique conv  fused %%  retrained %%  seconds\n");
    fflush(stdout);
    for (i = 0; i < run->progress.row_count && found; i++)
        if (run->rows[i].shown > 0)
            print_row(run, i);
    if (status != LFUSE_OK || found)
        return status;
    status = lfuse_retrainer_fuse(run->retrainer, err);
    if (status == LFUSE_OK && run->options.forget)
        resnet_initialise(run->net, (uint64_t)run->options.seed);
    if (status == LFUSE_OK)
        status = open_row(run, err);
    return status == LFUSE_OK ? compress_state_keep(run, "", err) : status;
}

lfuse_status compress_fuse(struct run *run, lfuse_error *err)
{
    lfuse_status status = begin(run, err);

    while (run->progress.epochs < run->options.epochs && status == LFUSE_OK) {
        status = turn(run, err);
        if (status == LFUSE_OK)
            status = compress_state_keep(run, "", err);
    }
    if (status != LFUSE_OK)
        return status;
    complete(run, run->progress.row_count - 1);
    status = lfuse_retrainer_finalise(run->retrainer, err);
    if (status == LFUSE_OK)
        status = train_evaluate(run->net, &run->data.test, &run->final, err);
    return status;
}
