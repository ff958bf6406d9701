/* lm_baseline.c - another way to make a language model smaller, with the same training after
 * it */
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "lm_run.h"
#include "program.h"
#include "progress.h"

static struct baseline_matrix matrix(const struct gpt_linear *linear, int64_t block)
{
    return (struct baseline_matrix){
        .value = tensors_data(linear->weight.value),
        .gradient = tensors_data(linear->weight.gradient),
        .velocity = tensors_data(linear->weight.first),
        .rows = lfuse_tensor_dim(linear->weight.value, 0),
        .columns = lfuse_tensor_dim(linear->weight.value, 1),
        .block = block,
    };
}

lfuse_status lm_create_baseline(struct lm_run *run, enum baseline_kind kind, double ratio,
                                lfuse_error *err)
{
    const struct baseline_options options = {kind, ratio, (uint64_t)run->options.seed,
                                             NULL};
    const int64_t blocks = run->net->shape.blocks;
    struct baseline_matrix *all = calloc((size_t)(4 * blocks), sizeof(*all));
    lfuse_status status;
    int64_t i;

    if (all == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a baseline");
    for (i = 0; i < blocks; i++) {
        const struct gpt_block *b = &run->net->blocks[i];

        all[4 * i] = matrix(&b->attend, i);
        all[4 * i + 1] = matrix(&b->project, i);
        all[4 * i + 2] = matrix(&b->widen, i);
        all[4 * i + 3] = matrix(&b->narrow, i);
    }
    status = baseline_create(run->ctx, &options, all, 4 * blocks, &run->baseline, err);
    free(all);
    for (i = 0; i < blocks && status == LFUSE_OK; i++)
        run->net->blocks[i].is_dropped = baseline_dropped(run->baseline, i);
    return status;
}

lfuse_status lm_baseline(struct lm_run *run, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    struct lm_training training = lm_training_of(run);
    lfuse_status status = lm_create_baseline(run, o->baseline, o->ratio, err);
    struct progress progress;
    struct lm_score score;
    double loss;
    int64_t step;

    if (status == LFUSE_OK)
        status = lm_judge(run, &score, err);
    if (status != LFUSE_OK)
        return status;
    printf("%s: %lld -> %lld bytes, ratio %.3f\n", o->baseline_name,
           (long long)baseline_dense_bytes(run->baseline),
           (long long)baseline_bytes(run->baseline),
           (double)baseline_dense_bytes(run->baseline) /
               (double)baseline_bytes(run->baseline));
    lm_print_score("compressed, valid", &score);
    training.baseline = run->baseline;
    progress_begin_text(&progress, "training",
                        o->steps * run->net->batch * run->net->tokens, 0.0);
    for (step = 0; step < o->steps && status == LFUSE_OK; step++) {
        status =
            lm_step(run->net, run->retrainer, run->windows, &training, step, &loss, err);
        if (status == LFUSE_OK)
            status = program_check_stop(err);
        progress_step(&progress, (step + 1) * run->net->batch * run->net->tokens, loss);
    }
    progress_end(&progress);
    if (status == LFUSE_OK)
        status = lm_judge(run, &score, err);
    if (status == LFUSE_OK)
        lm_print_score("retrained, valid", &score);
    return status == LFUSE_OK
               ? lm_evaluate(run->net, &o->text.sets.test, o->stride, &run->final, err)
               : status;
}
