/*
 * compress_cnn.c - fuses the layers of a trained CIFAR-10 network while it goes on training
 *
 *     compress_cnn --data DIR --weights resnet20.safetensors --ratio 2 --out small.safetensors
 *
 * One row for each fusion: measure all pairs of convolutions of one shape, tie the most alike,
 * re-estimate the batch norms' statistics, train on. Then the fused network is written, read
 * back and scored again. O'Neill et al. 2021, algorithm 1; compress_options.c has the arguments,
 * compress_fuse.c the schedule, train.c the training loop with layerfuse's hooks in it,
 * compress_state.c what lets a run go on after it was killed, compress_report.c the page about it.
 * With --baseline the network is made smaller in another way instead (compress_baseline.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compress_run.h"
#include "error.h"
#include "program.h"

/* ---- before training ----------------------------------------------------------------------- */

static lfuse_status make_network(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_status status;

    if (o->train == 0)
        return resnet_open(run->ctx, o->weights, o->batch,
                           o->evaluate ? CNN_INFERENCE : CNN_TRAINING, &run->net, err);
    status = resnet_create_wide(run->ctx, o->blocks, o->width, o->batch, CNN_TRAINING,
                                &run->net, err);
    if (status == LFUSE_OK)
        resnet_initialise(run->net, (uint64_t)o->seed);
    return status;
}

static lfuse_status prepare(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_context_options context;
    lfuse_status status;

    lfuse_context_options_init(&context, sizeof(context));
    context.threads = (int32_t)o->threads;
    context.isa = o->isa;
    context.seed = (uint64_t)o->seed;
    status = lfuse_context_create(&context, &run->ctx, err);
    if (status == LFUSE_OK && o->out != NULL)
        status = program_check_out(o->out, err);
    if (status == LFUSE_OK && o->train > 0)
        status = program_check_out(o->weights, err);
    if (status == LFUSE_OK && o->report != NULL)
        status = program_check_out(o->report, err);
    if (status == LFUSE_OK && o->pictures != NULL)
        status = program_check_written(o->pictures, "curve.svg", err);
    if (status == LFUSE_OK && o->resume != NULL)
        status = program_check_out(o->resume, err);
    if (status == LFUSE_OK && !o->evaluate) {
        run->rows = calloc((size_t)o->fusions, sizeof(*run->rows));
        run->metrics = calloc((size_t)o->epochs + 1, sizeof(*run->metrics));
        if (run->rows == NULL || run->metrics == NULL)
            status = example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %lld fusions",
                                  (long long)o->fusions);
    }
    if (status == LFUSE_OK)
        status = make_network(run, err);
    if (status == LFUSE_OK)
        status = image_sets_open(o->data, o->limit, &run->data, err);
    run->judges = o->holdout > 0 ? &run->data.held : &run->data.test;
    if (status == LFUSE_OK && o->holdout > 0)
        status = image_sets_hold_out(&run->data, o->holdout, err);
    if (status == LFUSE_OK)
        status = batches_create(&run->data.train, o->batch, (uint64_t)o->seed,
                                LFUSE_LAYOUT_NHWC, BATCHES_AUGMENT, &run->batches, err);
    return status;
}

/* Which layers may fuse, and what has to be put in order: the hidden channels of every block. */
static lfuse_status arrange(struct run *run, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    if (run->options.places)
        status = resnet_part_places(run->net, err);
    if (status != LFUSE_OK || !run->options.align)
        return status;
    status = lfuse_couplings_create(run->ctx, &run->couplings, err);
    return status == LFUSE_OK ? resnet_couple(run->net, run->couplings, err) : status;
}

/* What the options say of fusing. */
static lfuse_status create_retrainer(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    const lfuse_plan_rule exclude = {o->exclude, LFUSE_PLAN_ACTION_EXCLUDE, 0};
    lfuse_retrainer_options options;
    lfuse_plan_options plan;
    lfuse_ties_options ties;

    lfuse_plan_options_init(&plan, sizeof(plan));
    plan.ratio = o->ratio > 0.0 && o->baseline == 0 ? o->ratio : 1.0; /* else no fusion */
    plan.unit = o->unit;
    plan.metric = o->metric;
    plan.policy = o->policy;
    plan.freeze_gradient = o->freeze_gradient;
    plan.scope = o->scope;
    plan.linkage = o->linkage;
    plan.max_group = (int32_t)o->max_group;
    plan.alignment = o->align ? LFUSE_ALIGNMENT_PERMUTATION : LFUSE_ALIGNMENT_NONE;
    plan.couplings = run->couplings;
    plan.rules = o->exclude != NULL ? &exclude : NULL;
    plan.rule_count = o->exclude != NULL;
    lfuse_ties_options_init(&ties, sizeof(ties));
    ties.combine = o->combine;
    ties.gradients = o->gradients;
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    options.ties = &ties;
    options.fusions = (int32_t)o->fusions;
    options.interval = (int32_t)o->interval;
    options.schedule = o->schedule;
    if (o->tolerance >= 0.0) {
        options.flags = LFUSE_RETRAINER_FLAG_TOLERANCE;
        options.tolerance = o->tolerance;
        options.baseline = run->metrics[0];
        options.grace = (int32_t)o->grace;
        options.rollbacks = COMPRESS_ROLLBACKS;
    }
    return lfuse_retrainer_create(run->ctx, run->net->layers, run->net->layer_count,
                                  &options, &run->retrainer, err);
}

/* ---- the whole ----------------------------------------------------------------------------- */

static lfuse_status save(struct run *run, const char *path, lfuse_error *err)
{
    lfuse_status status =
        resnet_save(run->net, path, run->options.unit == LFUSE_UNIT_ROW, err);

    if (status == LFUSE_OK)
        run->written = path;
    return status;
}

/* From random weights to a network that is worth fusing: nothing is tied yet. */
static lfuse_status train_new(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct training training = {.learning_rate = o->train_learning_rate,
                                .momentum = o->momentum,
                                .weight_decay = o->weight_decay,
                                .epochs = o->train,
                                .warm_up = o->warm_up,
                                .smoothing = o->smoothing};
    lfuse_status status;
    int found;

    printf("training %s on %s\n", resnet_name(run->net).text, o->data);
    status = create_retrainer(run, err); /* a ratio that is out of reach is known now */
    if (status == LFUSE_OK)
        status = compress_state_return(run, ".train", &found, err);
    while (run->progress.epochs < o->train && status == LFUSE_OK) {
        status = compress_epoch(run, &training, "", err);
        if (status == LFUSE_OK)
            status = compress_state_keep(run, ".train", err);
    }
    lfuse_retrainer_destroy(run->retrainer);
    run->retrainer = NULL;
    run->progress = (struct compress_progress){0};
    return status == LFUSE_OK ? save(run, o->weights, err) : status;
}

/* Everything up to the network that is to be fused, scored. */
static lfuse_status begin(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_status status = prepare(run, err);

    if (status == LFUSE_OK && !o->evaluate)
        status = arrange(run, err);
    if (status == LFUSE_OK && o->train > 0)
        status = train_new(run, err);
    if (status == LFUSE_OK)
        status = train_evaluate(run->net, &run->data.test, &run->original, err);
    if (status != LFUSE_OK)
        return status;
    printf("%s from %s\n", resnet_name(run->net).text, o->weights);
    compress_print_score("original", &run->original);
    return LFUSE_OK;
}

/* What fusions are held against. */
static lfuse_status judge(struct run *run, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    run->judged = run->original;
    if (run->judges != &run->data.test) {
        status = train_evaluate(run->net, run->judges, &run->judged, err);
        if (status == LFUSE_OK)
            compress_print_score("original, held out", &run->judged);
    }
    run->metrics[0] = compress_percent(&run->judged);
    return status;
}

static lfuse_status fuse(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_status status = LFUSE_OK;

    printf("ratio %g, policy %s, metric %s, %d fusions over %d epochs, seed %lld\n",
           o->ratio, o->policy_name, o->metric_name, (int)o->fusions, (int)o->epochs,
           (long long)o->seed);
    if (o->report != NULL || o->pictures != NULL)
        status = compress_report_begin(run, err);
    return status == LFUSE_OK ? compress_fuse(run, err) : status;
}

static lfuse_status work(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_status status = begin(run, err);

    if (status != LFUSE_OK || o->evaluate || o->ratio == 0.0)
        return status;
    if (o->distil != NULL)
        status = resnet_open(run->ctx, o->weights, o->batch, CNN_INFERENCE, &run->teacher,
                             err);
    if (run->teacher != NULL)
        run->teacher->cnn.frozen = 1;
    if (status == LFUSE_OK)
        status = judge(run, err);
    if (status == LFUSE_OK)
        status = create_retrainer(run, err);
    if (status == LFUSE_OK)
        status = o->baseline != 0 ? compress_baseline(run, err) : fuse(run, err);
    if (status == LFUSE_OK)
        status = save(run, o->out, err);
    if (status != LFUSE_OK)
        return status;
    if (o->baseline == 0)
        status = compress_print_result(run, err);
    if (status == LFUSE_OK)
        status = compress_check_file(run, err);
    if (status == LFUSE_OK && (o->report != NULL || o->pictures != NULL))
        status = compress_report_end(run, err);
    return status;
}

static void release(struct run *run)
{
    compress_report_free(run);
    free(run->metrics);
    free(run->rows);
    lfuse_retrainer_destroy(run->retrainer);
    lfuse_couplings_destroy(run->couplings);
    baseline_destroy(run->baseline);
    resnet_destroy(run->teacher);
    batches_destroy(run->batches);
    resnet_destroy(run->net);
    image_sets_free(&run->data);
    lfuse_context_destroy(run->ctx);
}

int main(int argc, char **argv)
{
    lfuse_error err = {0};
    lfuse_status status;
    struct run run;
    int help;

    memset(&run, 0, sizeof(run));
    status = compress_options_read(argc, argv, &run.options, &help, &err);
    if (status != LFUSE_OK) {
        fprintf(stderr, "compress_cnn: %s; --help lists the arguments\n", err.message);
        return 2;
    }
    if (help)
        return 0;
    program_catch_interrupt();
    status = work(&run, &err);
    if (status != LFUSE_OK)
        fprintf(stderr, "compress_cnn: %s, %s%s written\n", err.message,
                run.written != NULL ? run.written : "nothing",
                run.written != NULL ? " is" : " was");
    release(&run);
    return status == LFUSE_OK ? 0 : 1;
}
