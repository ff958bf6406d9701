/*
 * compress_cnn.c - fuses the layers of a trained CIFAR-10 network while it goes on training
 *
 *     compress_cnn --data DIR --weights resnet20.safetensors --ratio 2 --out small.safetensors
 *
 * One row for each fusion: measure all pairs of convolutions of one shape, tie the most alike,
 * re-estimate the batch norms' statistics, train on. Then the fused network is written, read
 * back and scored again. O'Neill et al. 2021, algorithm 1; compress_options.c has the arguments,
 * train.c the training loop with layerfuse's hooks in it, compress_report.c the page about it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compress_run.h"
#include "error.h"
#include "progress.h"

static void stop(int signal_number)
{
    (void)signal_number;
    train_stop = 1;
}

/* The first Ctrl-C ends the work in order, the second one at once. */
static void catch_interrupt(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = stop;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- before training ----------------------------------------------------------------------- */

/* What cannot be written in the end is better known now. */
static lfuse_status check_out(const char *out, lfuse_error *err)
{
    const char *slash = strrchr(out, '/');
    char directory[4096] = ".";
    struct stat info;

    if (slash != NULL)
        snprintf(directory, sizeof(directory), "%.*s",
                 slash == out ? 1 : (int)(slash - out), out);
    errno = EISDIR;
    if ((slash != NULL && slash[1] == '\0') ||
        (stat(out, &info) == 0 && S_ISDIR(info.st_mode)))
        return example_fail_errno(err, out);
    if (access(directory, W_OK) == 0)
        return LFUSE_OK;
    return example_fail_errno(err, directory);
}

static lfuse_status check_pictures(const char *prefix, lfuse_error *err)
{
    char path[4096];

    snprintf(path, sizeof(path), "%scurve.svg", prefix);
    return check_out(path, err);
}

static lfuse_status make_network(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_status status;

    if (o->train == 0)
        return resnet_open(run->ctx, o->weights, o->batch,
                           o->evaluate ? RESNET_INFERENCE : RESNET_TRAINING, &run->net,
                           err);
    status =
        resnet_create(run->ctx, o->blocks, o->batch, RESNET_TRAINING, &run->net, err);
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
    if (status == LFUSE_OK && !o->evaluate)
        status = check_out(o->out, err);
    if (status == LFUSE_OK && o->train > 0)
        status = check_out(o->weights, err);
    if (status == LFUSE_OK && o->report != NULL)
        status = check_out(o->report, err);
    if (status == LFUSE_OK && o->pictures != NULL)
        status = check_pictures(o->pictures, err);
    if (status == LFUSE_OK && !o->evaluate) {
        run->rows = calloc((size_t)o->fusions, sizeof(*run->rows));
        if (run->rows == NULL)
            status = example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %lld fusions",
                                  (long long)o->fusions);
    }
    if (status == LFUSE_OK)
        status = make_network(run, err);
    if (status == LFUSE_OK)
        status = image_sets_open(o->data, o->limit, &run->data, err);
    if (status == LFUSE_OK)
        status = batches_create(&run->data.train, o->batch, (uint64_t)o->seed,
                                LFUSE_LAYOUT_NHWC, BATCHES_AUGMENT, &run->batches, err);
    return status;
}

static lfuse_status create_retrainer(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_retrainer_options options;
    lfuse_plan_options plan;
    lfuse_ties_options ties;

    lfuse_plan_options_init(&plan, sizeof(plan));
    plan.ratio = o->ratio;
    plan.metric = o->metric;
    plan.policy = o->policy;
    plan.freeze_gradient = o->freeze_gradient;
    lfuse_ties_options_init(&ties, sizeof(ties));
    ties.combine = o->combine;
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    options.ties = &ties;
    options.fusions = (int32_t)o->fusions;
    options.interval = o->epochs > 0 ? (int32_t)(o->epochs / o->fusions) : 1;
    return lfuse_retrainer_create(run->ctx, run->net->layers, run->net->layer_count,
                                  &options, &run->retrainer, err);
}

/* ---- the steps -------------------------------------------------------------------------------- */

static lfuse_status score(struct run *run, struct score *score, lfuse_error *err)
{
    lfuse_status status = lfuse_retrainer_begin_eval(run->retrainer, err);

    if (status == LFUSE_OK)
        status = train_reestimate(run->net, run->batches, run->options.bn_batches, err);
    if (status == LFUSE_OK)
        status = train_evaluate(run->net, &run->data.test, score, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_end_eval(run->retrainer, err);
    return status;
}

/* Opens a row: what the fusion that has just happened did. */
static lfuse_status after_fusion(struct run *run, lfuse_error *err)
{
    struct compress_row *row = &run->rows[run->row_count++];
    lfuse_status status;

    row->begun = progress_seconds();
    row->fusions = lfuse_plan_fusion_count(lfuse_retrainer_plan(run->retrainer));
    lfuse_account_init(&row->account, sizeof(row->account));
    status = lfuse_ties_account(lfuse_retrainer_ties(run->retrainer),
                                LFUSE_BASE_CANDIDATES, &row->account, err);
    if (status == LFUSE_OK)
        status = score(run, &row->fused, err);
    row->retrained = row->fused;
    return status;
}

static void print_row(const struct run *run)
{
    struct compress_row *row = &run->rows[run->row_count - 1];

    row->seconds = progress_seconds() - row->begun;
    printf("%4d  %5.3f  %-10s  %11lld  %7.2f  %11.2f  %7.1f\n", (int)run->row_count,
           row->account.ratio, "candidates", (long long)row->account.candidates_unique,
           compress_percent(&row->fused), compress_percent(&row->retrained),
           row->seconds);
    fflush(stdout);
}

/* An epoch, and its score in the row that is open. */
static lfuse_status retrain(struct run *run, const struct training *training,
                            int64_t epoch, lfuse_error *err)
{
    struct compress_row *row = &run->rows[run->row_count - 1];
    lfuse_status status =
        train_epoch(run->net, run->retrainer, run->batches, training, epoch, err);

    if (status == LFUSE_OK)
        status = score(run, &row->retrained, err);
    row->epochs++;
    return status;
}

static lfuse_status compress(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct training training = {o->learning_rate, o->momentum, o->weight_decay,
                                o->epochs};
    lfuse_verdict verdict = LFUSE_VERDICT_CONTINUE;
    lfuse_status status;
    int64_t epoch;

    printf("\nstep  ratio  of          unique conv  fused %%  retrained %%  seconds\n");
    fflush(stdout);
    status = lfuse_retrainer_fuse(run->retrainer, err);
    if (status == LFUSE_OK)
        status = after_fusion(run, err);
    for (epoch = 0; epoch < o->epochs && status == LFUSE_OK; epoch++) {
        status = retrain(run, &training, epoch, err);
        if (status != LFUSE_OK || verdict == LFUSE_VERDICT_DONE)
            continue; /* epochs that the schedule leaves over are trained, too */
        status = lfuse_retrainer_end_epoch(
            run->retrainer, compress_percent(&run->rows[run->row_count - 1].retrained),
            &verdict, err);
        if (status == LFUSE_OK && verdict == LFUSE_VERDICT_FUSED) {
            print_row(run);
            status = after_fusion(run, err);
        }
    }
    if (status == LFUSE_OK)
        print_row(run);
    return status;
}

/* ---- the whole ----------------------------------------------------------------------------- */

static lfuse_status save(struct run *run, const char *path, lfuse_error *err)
{
    lfuse_status status = resnet_save(run->net, path, err);

    if (status == LFUSE_OK)
        run->written = path;
    return status;
}

/* From random weights to a network that is worth fusing: nothing is tied yet. */
static lfuse_status train(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct training training = {o->train_learning_rate, o->momentum, o->weight_decay,
                                o->train};
    lfuse_status status = LFUSE_OK;
    struct score now;
    int64_t epoch;

    printf("training ResNet-%d on %s\n", (int)(6 * run->net->blocks + 2), o->data);
    for (epoch = 0; epoch < o->train && status == LFUSE_OK; epoch++) {
        status =
            train_epoch(run->net, run->retrainer, run->batches, &training, epoch, err);
        if (status == LFUSE_OK)
            status = score(run, &now, err);
        if (status == LFUSE_OK)
            printf("epoch %d of %d: %.2f %%\n", (int)epoch + 1, (int)o->train,
                   compress_percent(&now));
        fflush(stdout);
    }
    return status == LFUSE_OK ? save(run, o->weights, err) : status;
}

/* Everything up to the network that is to be fused, scored. */
static lfuse_status begin(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_status status = prepare(run, err);

    if (status == LFUSE_OK && !o->evaluate)
        status = create_retrainer(run, err);
    if (status == LFUSE_OK && o->train > 0)
        status = train(run, err);
    if (status == LFUSE_OK)
        status = train_evaluate(run->net, &run->data.test, &run->original, err);
    if (status != LFUSE_OK)
        return status;
    printf("ResNet-%d from %s\n", (int)(6 * run->net->blocks + 2), o->weights);
    compress_print_score("original", &run->original);
    return LFUSE_OK;
}

static lfuse_status work(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    lfuse_status status = begin(run, err);

    if (status != LFUSE_OK || o->evaluate)
        return status;
    printf("ratio %g, policy %s, metric %s, %d fusions over %d epochs, seed %lld\n",
           o->ratio, o->policy_name, o->metric_name, (int)o->fusions, (int)o->epochs,
           (long long)o->seed);
    if (o->report != NULL || o->pictures != NULL)
        status = compress_report_begin(run, err);
    if (status == LFUSE_OK)
        status = compress(run, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_finalise(run->retrainer, err);
    if (status == LFUSE_OK)
        status = save(run, o->out, err);
    if (status != LFUSE_OK)
        return status;
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
    free(run->rows);
    lfuse_retrainer_destroy(run->retrainer);
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
    catch_interrupt();
    status = work(&run, &err);
    if (status != LFUSE_OK)
        fprintf(stderr, "compress_cnn: %s, %s%s written\n", err.message,
                run.written != NULL ? run.written : "nothing",
                run.written != NULL ? " is" : " was");
    release(&run);
    return status == LFUSE_OK ? 0 : 1;
}
