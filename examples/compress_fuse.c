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
                            int64_t epoch, const char *before, struct score *now,
                            lfuse_error *err)
{
    const double begun = progress_seconds();
    double loss;
    lfuse_status status =
        train_epoch(run->net, run->retrainer, run->batches, training, epoch, &loss, err);

    if (status == LFUSE_OK)
        status = compress_score(run, now, err);
    if (status != LFUSE_OK)
        return status;
    printf("%sepoch %d of %d: %.2f %%, loss %.4f, %.1f s\n", before, (int)epoch + 1,
           (int)training->epochs, compress_percent(now), loss,
           progress_seconds() - begun);
    fflush(stdout);
    return LFUSE_OK;
}

static void print_row(const struct run *run)
{
    struct compress_row *row = &run->rows[run->row_count - 1];

    printf("%4d  %5.3f  %-10s  %11lld  %7.2f  %11.2f  %7.1f\n", (int)run->row_count,
           row->account.ratio, "candidates", (long long)row->account.candidates_unique,
           compress_percent(&row->fused), compress_percent(&row->retrained),
           row->seconds);
    fflush(stdout);
}

/* Opens a row: what the fusion that has just happened did. */
static lfuse_status open_row(struct run *run, int live, lfuse_error *err)
{
    struct compress_row *row = &run->rows[run->row_count++];
    const double begun = progress_seconds();
    lfuse_status status;

    if (run->row_count > 1) {
        run->row_count--;
        print_row(run); /* the one before is complete */
        run->row_count++;
    }
    row->fusions = lfuse_plan_fusion_count(lfuse_retrainer_plan(run->retrainer));
    lfuse_account_init(&row->account, sizeof(row->account));
    status = lfuse_ties_account(lfuse_retrainer_ties(run->retrainer),
                                LFUSE_BASE_CANDIDATES, &row->account, err);
    if (status != LFUSE_OK || !live)
        return status; /* the scores come from the next state */
    status = compress_score(run, &row->fused, err);
    row->retrained = row->fused;
    row->seconds = progress_seconds() - begun;
    return status;
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

/* An epoch, and its score in the row that is open. */
static lfuse_status retrain(struct run *run, int64_t epoch, lfuse_error *err)
{
    const struct training training = compress_training(run);
    struct compress_row *row = &run->rows[run->row_count - 1];
    const double begun = progress_seconds();
    lfuse_status status =
        compress_epoch(run, &training, epoch, "      ", &row->retrained, err);

    row->epochs++;
    row->seconds += progress_seconds() - begun;
    run->metrics[epoch + 1] = compress_percent(&row->retrained);
    return status;
}

/* What the retrainer does after `epoch` epochs: *fused says whether it tied layers. */
static lfuse_status end_epoch(struct run *run, int64_t epoch, lfuse_verdict *verdict,
                              int *fused, lfuse_error *err)
{
    lfuse_status status;

    *fused = 0;
    if (*verdict == LFUSE_VERDICT_DONE)
        return LFUSE_OK; /* epochs that the schedule leaves over are trained, too */
    status = epoch == 0 ? lfuse_retrainer_fuse(run->retrainer, err)
                        : lfuse_retrainer_end_epoch(run->retrainer, run->metrics[epoch],
                                                    verdict, err);
    *fused = epoch == 0 || *verdict == LFUSE_VERDICT_FUSED;
    if (epoch == 0 && run->options.forget && status == LFUSE_OK)
        resnet_initialise(run->net, (uint64_t)run->options.seed);
    return status;
}

/*
 * After epoch 0, 1, ...: its state is written, or read if it was written before; then the
 * retrainer has its turn. Of the epochs before `last` nothing is trained or scored again.
 */
static lfuse_status turn(struct run *run, int64_t epoch, int64_t last,
                         lfuse_verdict *verdict, int *fused, lfuse_error *err)
{
    const int fused_before = *fused;
    lfuse_status status = LFUSE_OK;

    if (epoch > last && epoch > 0)
        status = retrain(run, epoch - 1, err);
    if (status == LFUSE_OK && run->options.resume != NULL)
        status = epoch > last ? compress_state_keep(run, epoch, fused_before, err)
                              : compress_state_return(run, epoch, err);
    if (status == LFUSE_OK)
        status = end_epoch(run, epoch, verdict, fused, err);
    if (status == LFUSE_OK && *fused)
        status = open_row(run, epoch >= last, err);
    return status;
}

lfuse_status compress_fuse(struct run *run, lfuse_error *err)
{
    lfuse_verdict verdict = LFUSE_VERDICT_CONTINUE;
    int64_t last = compress_state_last(run), epoch;
    lfuse_status status = LFUSE_OK;
    int fused = 0;

    if (last >= 0)
        printf("going on from %s.%lld\n", run->options.resume, (long long)last);
    printf("\nstep  ratio  of          unique conv  fused %%  retrained %%  seconds\n");
    fflush(stdout);
    for (epoch = 0; epoch <= run->options.epochs && status == LFUSE_OK; epoch++)
        status = turn(run, epoch, last, &verdict, &fused, err);
    if (status != LFUSE_OK)
        return status;
    print_row(run);
    status = lfuse_retrainer_finalise(run->retrainer, err);
    run->final = run->rows[run->row_count - 1].retrained;
    if (status == LFUSE_OK && run->judges != &run->data.test)
        status = train_evaluate(run->net, &run->data.test, &run->final, err);
    return status;
}
