/*
 * bench_one_shot.c - what one fusion costs a CIFAR ResNet that is not trained afterwards
 *
 *     bench_one_shot --weights FILE --data DIR [--ratio R] [--limit N] [--batches N] [--batch N]
 *                    [--scope S] [--linkage L] [--max-group N] [--places] [--rows] [--threads N]
 *
 * For each ratio (1.5, 2 and 3.33 unless one is given; weights of the candidates over what is
 * left) the trained network is fused once by each policy, the running statistics become the plain
 * mean over training batches (augmented, of one seed), and the test set is scored. "random" is
 * scored by its mean, which it is finalised to. CSV on stdout:
 * ratio asked,ratio,policy,alignment,permuted spaces,planning seconds,right,images,percent,loss
 *
 * --places keeps the first and second convolutions of blocks apart: only alike ones fuse, so that
 * groups agree about the order of a block's hidden channels. --rows joins filters, by the policies
 * that they have, which need no alignment.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "data/cifar10.h"
#include "error.h"
#include "models/resnet.h"
#include "progress.h"
#include "train.h"

struct bench {
    const char *weights, *data, *scope, *linkage;
    double ratio;
    int64_t limit, batches, batch, threads, max_group;
    int places, rows;
    lfuse_context *ctx;
    struct image_sets images;
    lfuse_error err;
};

/* One network, and the layers that are fused. */
struct fused {
    struct resnet *net;
    struct batches *batches;
    lfuse_layer *layers[RESNET_MAX_LAYERS];
    int64_t own; /* of layers, to destroy */
    lfuse_couplings *couplings;
    lfuse_plan *plan;
    lfuse_ties *ties;
    double seconds; /* of planning */
};

static const struct policy {
    const char *name;
    lfuse_policy policy;
    int aligned;
} policies[] = {
    {"average", LFUSE_POLICY_AVERAGE, 0}, {"average", LFUSE_POLICY_AVERAGE, 1},
    {"freeze", LFUSE_POLICY_FREEZE, 0},   {"freeze", LFUSE_POLICY_FREEZE, 1},
    {"random", LFUSE_POLICY_RANDOM, 0},   {"random", LFUSE_POLICY_RANDOM, 1},
};

/* ---- layers ---------------------------------------------------------------------------------- */

static lfuse_status copy_parameters(const lfuse_layer *from, lfuse_layer *to,
                                    lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int32_t k;

    for (k = 0; k < lfuse_layer_parameter_count(from) && status == LFUSE_OK; k++) {
        lfuse_parameter_init(&p, sizeof(p));
        status = lfuse_layer_parameter(from, k, &p, err);
        if (status == LFUSE_OK)
            status = lfuse_layer_add_parameter(to, &p, err);
    }
    return status;
}

/* The network's layer again, of a param type that says where in its block it is. */
static lfuse_status create_layer(struct bench *b, struct fused *f, int64_t index)
{
    const lfuse_layer *from = f->net->layers[index];
    const char *name = lfuse_layer_name(from);
    lfuse_layer_desc desc;
    lfuse_status status;
    char type[96];

    snprintf(type, sizeof(type), "%s%s", lfuse_layer_param_type(from),
             !b->places                       ? ""
             : strstr(name, ".conv2") != NULL ? ", second"
                                              : ", first");
    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = type;
    desc.kind = lfuse_layer_kind_of(from);
    desc.position = lfuse_layer_position(from);
    status = lfuse_layer_create(b->ctx, &desc, &f->layers[index], &b->err);
    if (status == LFUSE_OK)
        f->own++;
    if (status == LFUSE_OK)
        status = copy_parameters(from, f->layers[index], &b->err);
    return status;
}

static const lfuse_layer *const *layers_of(const struct fused *f)
{
    return (const lfuse_layer *const *)f->layers;
}

/* ---- one fusion --------------------------------------------------------------------------------- */

static lfuse_status open_network(struct bench *b, struct fused *f)
{
    lfuse_status status;
    int64_t i;

    status = resnet_open(b->ctx, b->weights, b->batch, CNN_TRAINING, &f->net, &b->err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < f->net->layer_count && status == LFUSE_OK; i++)
        status = create_layer(b, f, i);
    if (status == LFUSE_OK)
        status = batches_create(&b->images.train, b->batch, 1, LFUSE_LAYOUT_NHWC,
                                BATCHES_AUGMENT, &f->batches, &b->err);
    if (status == LFUSE_OK)
        status = lfuse_couplings_create(b->ctx, &f->couplings, &b->err);
    if (status == LFUSE_OK)
        status = lfuse_couplings_add_preset(f->couplings, "resnet-basic", layers_of(f),
                                            f->net->layer_count, 0, &b->err);
    return status;
}

static lfuse_linkage linkage_of(const char *name)
{
    return strcmp(name, "average") == 0    ? LFUSE_LINKAGE_AVERAGE
           : strcmp(name, "complete") == 0 ? LFUSE_LINKAGE_COMPLETE
           : strcmp(name, "merged") == 0   ? LFUSE_LINKAGE_MERGED
                                           : LFUSE_LINKAGE_SINGLE;
}

static lfuse_status fuse(struct bench *b, struct fused *f, double ratio,
                         const struct policy *policy)
{
    const double begun = progress_seconds();
    lfuse_plan_options o;
    lfuse_status status;

    lfuse_plan_options_init(&o, sizeof(o));
    o.ratio = ratio;
    o.policy = policy->policy;
    o.scope =
        strcmp(b->scope, "adjacent") == 0 ? LFUSE_SCOPE_ADJACENT : LFUSE_SCOPE_GLOBAL;
    o.linkage = linkage_of(b->linkage);
    o.unit = b->rows ? LFUSE_UNIT_ROW : LFUSE_UNIT_LAYER;
    o.max_group = (int32_t)b->max_group;
    o.alignment = policy->aligned ? LFUSE_ALIGNMENT_PERMUTATION : LFUSE_ALIGNMENT_NONE;
    o.couplings = policy->aligned ? f->couplings : NULL;
    status = lfuse_plan_build(b->ctx, layers_of(f), f->net->layer_count, &o, &f->plan,
                              &b->err);
    f->seconds = progress_seconds() - begun;
    if (status == LFUSE_OK)
        status = lfuse_ties_create(b->ctx, f->layers, f->net->layer_count, NULL, &f->ties,
                                   &b->err);
    if (status == LFUSE_OK)
        status = lfuse_ties_apply(f->ties, f->plan, &b->err);
    if (status == LFUSE_OK)
        status = lfuse_ties_finalise(f->ties, &b->err);
    return status;
}

static lfuse_status score(struct bench *b, struct fused *f, double ratio,
                          const struct policy *policy)
{
    lfuse_account account;
    struct score s;
    lfuse_status status;

    lfuse_account_init(&account, sizeof(account));
    status = lfuse_plan_account(f->plan, &account, &b->err);
    if (status == LFUSE_OK)
        status = train_reestimate(f->net, f->batches, b->batches, &b->err);
    if (status == LFUSE_OK)
        status = train_evaluate(f->net, &b->images.test, &s, &b->err);
    if (status != LFUSE_OK)
        return status;
    printf("%g,%.4f,%s,%s,%lld,%.3f,%lld,%lld,%.2f,%.4f\n", ratio, account.ratio,
           policy->name, policy->aligned ? "permutation" : "none",
           (long long)lfuse_plan_permutation_count(f->plan), f->seconds,
           (long long)s.right, (long long)s.images,
           100.0 * (double)s.right / (double)s.images, s.loss);
    fflush(stdout);
    return LFUSE_OK;
}

static void release(struct fused *f)
{
    lfuse_ties_destroy(f->ties);
    lfuse_plan_destroy(f->plan);
    lfuse_couplings_destroy(f->couplings);
    while (f->own > 0)
        lfuse_layer_destroy(f->layers[--f->own]);
    batches_destroy(f->batches);
    resnet_destroy(f->net);
}

static lfuse_status try_policy(struct bench *b, double ratio, const struct policy *policy)
{
    struct fused f = {0};
    lfuse_status status = open_network(b, &f);

    if (status == LFUSE_OK)
        status = fuse(b, &f, ratio, policy);
    if (status == LFUSE_OK)
        status = score(b, &f, ratio, policy);
    release(&f);
    return status;
}

/* ---- all of them --------------------------------------------------------------------------------- */

static lfuse_status run(struct bench *b)
{
    const double ratios[] = {1.5, 2.0, 3.33};
    const int count = b->ratio > 0.0 ? 1 : 3,
              n = (int)(sizeof(policies) / sizeof(policies[0]));
    lfuse_context_options o;
    lfuse_status status;
    int i, k;

    lfuse_context_options_init(&o, sizeof(o));
    o.threads = (int32_t)b->threads;
    status = lfuse_context_create(&o, &b->ctx, &b->err);
    if (status == LFUSE_OK)
        status = cifar10_read(b->data, b->limit, &b->images, &b->err);
    if (status == LFUSE_OK)
        printf(
            "ratio asked,ratio,policy,alignment,permuted spaces,planning seconds,right,"
            "images,percent,loss\n");
    for (i = 0; i < count; i++)
        for (k = 0; k < n && status == LFUSE_OK; k++)
            status = try_policy(b, b->ratio > 0.0 ? b->ratio : ratios[i], &policies[k]);
    image_sets_free(&b->images);
    lfuse_context_destroy(b->ctx);
    return status;
}

int main(int argc, char **argv)
{
    struct bench b = {.scope = "global",
                      .linkage = "single",
                      .batches = 50,
                      .batch = 128,
                      .threads = 2};
    const struct argument table[] = {
        {"--weights", "FILE", "a trained network", &b.weights, ARGUMENT_TEXT, 0, 0},
        {"--data", "DIR", "CIFAR-10, binary version", &b.data, ARGUMENT_TEXT, 0, 0},
        {"--ratio", "R", "this one alone", &b.ratio, ARGUMENT_NUMBER, 1, 100},
        {"--limit", "N", "images of each set; 0: all", &b.limit, ARGUMENT_INTEGER, 0,
         1e5},
        {"--batches", "N", "to re-estimate from", &b.batches, ARGUMENT_INTEGER, 1, 1e4},
        {"--batch", "N", "images in each", &b.batch, ARGUMENT_INTEGER, 1, 1024},
        {"--scope", "S", "global or adjacent", &b.scope, ARGUMENT_TEXT, 0, 0},
        {"--linkage", "L", "single, average, complete, merged", &b.linkage, ARGUMENT_TEXT,
         0, 0},
        {"--max-group", "N", "0: any", &b.max_group, ARGUMENT_INTEGER, 0, 1e4},
        {"--places", NULL, "fuse first with first, second with second convolutions",
         &b.places, ARGUMENT_FLAG, 0, 0},
        {"--rows", NULL, "join filters, not layers", &b.rows, ARGUMENT_FLAG, 0, 0},
        {"--threads", "N", "of the context", &b.threads, ARGUMENT_INTEGER, 1, 64},
    };
    const int n = (int)(sizeof(table) / sizeof(table[0]));
    lfuse_status status;
    int help = 0;

    status = arguments_read(table, n, argc, argv, &help, &b.err);
    if (help) {
        arguments_print(table, n);
        return 0;
    }
    if (status == LFUSE_OK && (b.weights == NULL || b.data == NULL))
        status =
            example_fail(&b.err, LFUSE_ERR_ARGUMENT, "--weights and --data are needed");
    if (status == LFUSE_OK)
        status = run(&b);
    if (status != LFUSE_OK)
        fprintf(stderr, "bench_one_shot: %s\n", b.err.message);
    return status == LFUSE_OK ? 0 : 1;
}
