/*
 * compress_cnn.c - fuses the layers of a trained CIFAR-10 network while it goes on training
 *
 *     compress_cnn --data DIR --weights resnet20.safetensors --ratio 2 --out small.safetensors
 *
 * One row for each fusion: measure all pairs of convolutions of one shape, tie the most alike,
 * re-estimate the batch norms' statistics, train on. Then the fused network is written, read
 * back and scored again. O'Neill et al. 2021, algorithm 1; compress_options.c has the arguments,
 * train.c the training loop with layerfuse's hooks in it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "compress_options.h"
#include "data/batches.h"
#include "error.h"
#include "models/resnet.h"
#include "progress.h"
#include "train.h"

struct run {
    struct compress_options options;
    lfuse_context *ctx;
    struct cifar10 data;
    struct batches *batches; /* the training set, augmented */
    struct resnet *net;
    lfuse_retrainer *retrainer;

    /* the row of the table that is being made */
    int step;
    double begun;
    lfuse_account account;
    struct score fused, retrained;
};

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

static double percent(const struct score *score)
{
    return 100.0 * (double)score->right / (double)score->images;
}

static void print_score(const char *what, const struct score *score)
{
    printf("%s: %lld of %lld right (%.2f %%), mean cross-entropy %.5f\n", what,
           (long long)score->right, (long long)score->images, percent(score),
           score->loss);
    fflush(stdout);
}

/* ---- before training ----------------------------------------------------------------------- */

/* What cannot be written in the end is better known now. */
static lfuse_status check_out(const char *out, lfuse_error *err)
{
    const char *slash = strrchr(out, '/');
    char directory[4096];

    snprintf(directory, sizeof(directory), "%.*s", slash != NULL ? (int)(slash - out) : 1,
             slash != NULL ? out : ".");
    if (access(directory[0] != '\0' ? directory : "/", W_OK) == 0)
        return LFUSE_OK;
    return example_fail_errno(err, directory);
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
    if (status == LFUSE_OK)
        status =
            resnet_open(run->ctx, o->weights, o->batch,
                        o->evaluate ? RESNET_INFERENCE : RESNET_TRAINING, &run->net, err);
    if (status == LFUSE_OK)
        status = cifar10_read(o->data, o->limit, &run->data, err);
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
    const lfuse_ties *ties = lfuse_retrainer_ties(run->retrainer);
    lfuse_status status;

    run->step++;
    lfuse_account_init(&run->account, sizeof(run->account));
    status = lfuse_ties_account(ties, LFUSE_BASE_CANDIDATES, &run->account, err);
    if (status == LFUSE_OK)
        status = score(run, &run->fused, err);
    run->retrained = run->fused;
    return status;
}

static void print_row(struct run *run)
{
    double now = progress_seconds();

    printf("%4d  %5.3f  %-10s  %11lld  %7.2f  %11.2f  %7.1f\n", run->step,
           run->account.ratio, "candidates", (long long)run->account.candidates_unique,
           percent(&run->fused), percent(&run->retrained), now - run->begun);
    fflush(stdout);
    run->begun = now;
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
    run->begun = progress_seconds();
    status = lfuse_retrainer_fuse(run->retrainer, err);
    if (status == LFUSE_OK)
        status = after_fusion(run, err);
    for (epoch = 0; epoch < o->epochs && status == LFUSE_OK; epoch++) {
        status =
            train_epoch(run->net, run->retrainer, run->batches, &training, epoch, err);
        if (status == LFUSE_OK)
            status = score(run, &run->retrained, err);
        if (status != LFUSE_OK || verdict == LFUSE_VERDICT_DONE)
            continue; /* epochs that the schedule leaves over are trained, too */
        status = lfuse_retrainer_end_epoch(run->retrainer, percent(&run->retrained),
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

/* ---- after training --------------------------------------------------------------------------- */

static long long file_bytes(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (long long)info.st_size : -1;
}

static lfuse_status print_account(struct run *run, lfuse_error *err)
{
    const lfuse_ties *ties = lfuse_retrainer_ties(run->retrainer);
    lfuse_account all;
    lfuse_status status;

    lfuse_account_init(&all, sizeof(all));
    status = lfuse_ties_account(ties, LFUSE_BASE_ALL, &all, err);
    if (status != LFUSE_OK)
        return status;
    printf("parameters that can fuse: %lld -> %lld, ratio %.3f\n",
           (long long)all.candidates_logical, (long long)all.candidates_unique,
           (double)all.candidates_logical / (double)all.candidates_unique);
    printf("all parameters:           %lld -> %lld, ratio %.3f\n",
           (long long)all.all_logical, (long long)all.all_unique, all.ratio);
    printf("parameters in memory:     %lld -> %lld bytes\n",
           (long long)all.all_logical * (long long)sizeof(float),
           (long long)lfuse_ties_resident_bytes(ties));
    printf("file:                     %lld -> %lld bytes\n",
           file_bytes(run->options.weights), file_bytes(run->options.out));
    return LFUSE_OK;
}

/* "tied: layer1.0.conv1 layer1.2.conv2", the kept one first. */
static void print_groups(const struct run *run)
{
    const lfuse_plan *plan = lfuse_retrainer_plan(run->retrainer);
    int64_t group, member;

    for (group = 0; group < lfuse_plan_group_count(plan); group++) {
        int64_t kept = lfuse_plan_group_kept(plan, group);

        printf("tied: %s", lfuse_plan_layer_name(plan, kept));
        for (member = 0; member < lfuse_plan_group_size(plan, group); member++) {
            int64_t index = lfuse_plan_group_member(plan, group, member);

            if (index != kept)
                printf(" %s", lfuse_plan_layer_name(plan, index));
        }
        printf("\n");
    }
}

/* The file holds the network: a fresh one read from it scores the same. */
static lfuse_status check_file(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct resnet *fresh;
    struct score score;
    lfuse_status status;

    status = resnet_open(run->ctx, o->out, o->batch, RESNET_INFERENCE, &fresh, err);
    if (status == LFUSE_OK)
        status = train_evaluate(fresh, &run->data.test, &score, err);
    if (status == LFUSE_OK && score.right != run->retrained.right)
        status = example_fail(err, LFUSE_ERR_FORMAT,
                              "%s, read back, gets %lld right instead of %lld", o->out,
                              (long long)score.right, (long long)run->retrained.right);
    if (status == LFUSE_OK) {
        print_score("read back", &score);
        printf("exactly as many right as before it was written\n");
    }
    resnet_destroy(fresh);
    return status;
}

static lfuse_status work(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct score original;
    lfuse_status status;

    status = prepare(run, err);
    if (status == LFUSE_OK)
        status = train_evaluate(run->net, &run->data.test, &original, err);
    if (status != LFUSE_OK)
        return status;
    printf("ResNet-%d from %s\n", (int)(6 * run->net->blocks + 2), o->weights);
    print_score("original", &original);
    if (o->evaluate)
        return LFUSE_OK;

    printf("ratio %g, policy %s, metric %s, %d fusions over %d epochs, seed %lld\n",
           o->ratio, o->policy_name, o->metric_name, (int)o->fusions, (int)o->epochs,
           (long long)o->seed);
    status = create_retrainer(run, err);
    if (status == LFUSE_OK)
        status = compress(run, err);
    if (status == LFUSE_OK)
        status = resnet_save(run->net, o->out, err);
    if (status != LFUSE_OK)
        return status;
    printf("\n");
    print_groups(run);
    print_score("fused", &run->retrained);
    status = print_account(run, err);
    if (status == LFUSE_OK)
        status = check_file(run, err);
    return status;
}

static void release(struct run *run)
{
    lfuse_retrainer_destroy(run->retrainer);
    batches_destroy(run->batches);
    resnet_destroy(run->net);
    cifar10_free(&run->data);
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
        fprintf(stderr, "compress_cnn: %s%s\n", err.message,
                status == LFUSE_ERR_CANCELLED ? ", nothing was written" : "");
    release(&run);
    return status == LFUSE_OK ? 0 : 1;
}
