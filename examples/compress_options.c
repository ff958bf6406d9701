/* compress_options.c - see compress_options.h */
#include "compress_options.h"

#include <stdio.h>
#include <string.h>

#include <sys/stat.h>

#include "arguments.h"
#include "error.h"
#include "models/resnet.h"
#include "names.h"

static lfuse_status read_names(struct compress_options *o, lfuse_error *err)
{
    lfuse_status status;

    o->isa = LFUSE_ISA_BEST; /* the others' first values are 1 */
    o->policy = o->metric = o->freeze_gradient = o->combine = 1;
    o->gradients = o->scope = o->linkage = o->unit = o->schedule = 1;
    status = names_choose("--policy", o->policy_name, names_policy, &o->policy, err);
    if (status == LFUSE_OK)
        status = names_choose("--metric", o->metric_name, names_metric, &o->metric, err);
    if (status == LFUSE_OK)
        status = names_choose("--isa", o->isa_name, names_isa, &o->isa, err);
    if (status == LFUSE_OK)
        status = names_choose("--freeze-gradient", o->freeze_name, names_freeze,
                              &o->freeze_gradient, err);
    if (status == LFUSE_OK)
        status =
            names_choose("--combine", o->combine_name, names_combine, &o->combine, err);
    if (status == LFUSE_OK)
        status = names_choose("--gradients", o->gradients_name, names_gradients,
                              &o->gradients, err);
    if (status == LFUSE_OK)
        status = names_choose("--scope", o->scope_name, names_scope, &o->scope, err);
    if (status == LFUSE_OK)
        status =
            names_choose("--linkage", o->linkage_name, names_linkage, &o->linkage, err);
    if (status == LFUSE_OK)
        status = names_choose("--unit", o->unit_name, names_unit, &o->unit, err);
    if (status == LFUSE_OK)
        status = names_choose("--schedule", o->schedule_name, names_schedule,
                              &o->schedule, err);
    return status;
}

static const char *kind_name(int32_t value)
{
    return baseline_name((enum baseline_kind)value);
}

static lfuse_status read_baseline(struct compress_options *o, lfuse_error *err)
{
    int32_t kind = BASELINE_PRUNE;
    lfuse_status status;

    if (o->baseline_name == NULL)
        return LFUSE_OK;
    status = names_choose("--baseline", o->baseline_name, kind_name, &kind, err);
    if (status != LFUSE_OK)
        return status;
    o->baseline = (enum baseline_kind)kind;
    if (o->report != NULL || o->pictures != NULL || o->evaluate)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--baseline: %s has no place beside it",
                            o->evaluate         ? "--evaluate"
                            : o->report != NULL ? "--report"
                                                : "--pictures");
    return LFUSE_OK;
}

/* "T,W" */
static lfuse_status read_distil(struct compress_options *o, lfuse_error *err)
{
    char rest;

    if (o->distil == NULL)
        return LFUSE_OK;
    if (sscanf(o->distil, "%lf,%lf%c", &o->temperature, &o->taught, &rest) == 2 &&
        o->temperature > 0.0 && o->temperature <= 1e3 && o->taught > 0.0 &&
        o->taught <= 1.0)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_ARGUMENT,
                        "--distil: '%.20s' is no temperature in (0, 1000] and, after a "
                        "comma, weight in (0, 1]",
                        o->distil);
}

/* Two names of one file, which may not exist yet. */
static int same_file(const char *a, const char *b)
{
    struct stat one, two;

    if (a == NULL || b == NULL)
        return 0;
    if (strcmp(a, b) == 0)
        return 1;
    return stat(a, &one) == 0 && stat(b, &two) == 0 && one.st_dev == two.st_dev &&
           one.st_ino == two.st_ino;
}

/* What is read or written under one name would be lost under another. */
static lfuse_status check_files(const struct compress_options *o, lfuse_error *err)
{
    const char *pair = same_file(o->weights, o->out)      ? "--weights and --out"
                       : same_file(o->weights, o->report) ? "--weights and --report"
                       : same_file(o->out, o->report)     ? "--out and --report"
                                                          : NULL;

    if (pair == NULL)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_ARGUMENT, "%s are one file", pair);
}

/* What the table cannot say. */
static lfuse_status check(struct compress_options *o, lfuse_error *err)
{
    const char *missing = o->data == NULL      ? "--data"
                          : o->weights == NULL ? "--weights"
                          : o->evaluate        ? NULL
                          : o->ratio == 0.0    ? (o->train > 0 ? NULL : "--ratio")
                          : o->out == NULL     ? "--out"
                                               : NULL;

    if (missing != NULL)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "%s is missing", missing);
    if (o->evaluate && (o->train > 0 || o->report != NULL || o->pictures != NULL))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--evaluate: %s has no place beside it",
                            o->train > 0        ? "--train"
                            : o->report != NULL ? "--report"
                                                : "--pictures");
    if (o->warm_up > 0 &&
        (o->warm_up >= o->epochs || (o->train > 0 && o->warm_up >= o->train)))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--warm-up: %lld epochs leave none of --epochs or --train",
                            (long long)o->warm_up);
    if (o->fusions == 0)
        o->fusions = o->epochs > 0 ? o->epochs : 1;
    if (o->fusions > (o->epochs > 0 ? o->epochs : 1))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--fusions: %lld are more than %lld epochs have room for",
                            (long long)o->fusions, (long long)o->epochs);
    if (o->interval == 0)
        o->interval = o->epochs > 0 ? o->epochs / o->fusions : 1;
    if (o->interval * o->fusions > (o->epochs > 0 ? o->epochs : 1))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--interval: %lld times %lld are more than %lld epochs",
                            (long long)o->interval, (long long)o->fusions,
                            (long long)o->epochs);
    if (o->grace > 0 && (o->tolerance < 0.0 || o->grace > o->interval))
        return example_fail(
            err, LFUSE_ERR_ARGUMENT,
            o->tolerance < 0.0
                ? "--grace: it is of --tolerance, which is missing"
                : "--grace: %lld epochs are more than the interval of %lld",
            (long long)o->grace, (long long)o->interval);
    return check_files(o, err);
}

lfuse_status compress_options_read(int argc, char **argv, struct compress_options *o,
                                   int *help, lfuse_error *err)
{
    const struct argument table[] = {
        {"--data", "DIR", "CIFAR-10's binary batches, or shapes: the embedded images",
         &o->data, ARGUMENT_TEXT, 0, 0},
        {"--weights", "FILE", "the trained network (safetensors)", &o->weights,
         ARGUMENT_TEXT, 0, 0},
        {"--out", "FILE", "where the fused network goes", &o->out, ARGUMENT_TEXT, 0, 0},
        {"--report", "FILE", "write an HTML page about it there", &o->report,
         ARGUMENT_TEXT, 0, 0},
        {"--pictures", "PREFIX",
         "write its curve and heatmaps as SVG to PREFIXcurve.svg, PREFIXheatmap-1.svg "
         "...",
         &o->pictures, ARGUMENT_TEXT, 0, 0},
        {"--train", "N",
         "train a new network for N epochs first, and write it to --weights", &o->train,
         ARGUMENT_INTEGER, 1, 1e6},
        {"--train-lr", "X", "learning rate of that, falling along a cosine (0.03)",
         &o->train_learning_rate, ARGUMENT_NUMBER, 0, 1e3},
        {"--blocks", "N", "of the new network, per stage: 3 is ResNet-20 (3)", &o->blocks,
         ARGUMENT_INTEGER, 1, RESNET_MAX_BLOCKS},
        {"--width", "K",
         "make it a Wide-ResNet, of K times the channels: with --blocks 4, "
         "2 is WRN-28-2 (0: none)",
         &o->width, ARGUMENT_INTEGER, 0, RESNET_MAX_WIDTH},
        {"--evaluate", NULL, "score the network and stop", &o->evaluate, ARGUMENT_FLAG, 0,
         0},
        {"--ratio", "R", "how many times fewer weights in layers that can fuse",
         &o->ratio, ARGUMENT_NUMBER, 1, 1e6},
        {"--policy", "NAME", "average, freeze, random or js (average)", &o->policy_name,
         ARGUMENT_TEXT, 0, 0},
        {"--metric", "NAME",
         "one of layerfuse/similarity.h, such as euclidean (covariance)", &o->metric_name,
         ARGUMENT_TEXT, 0, 0},
        {"--freeze-gradient", "NAME",
         "which gradients freeze drops: both or dropped (both)", &o->freeze_name,
         ARGUMENT_TEXT, 0, 0},
        {"--combine", "NAME", "gradients of tied layers: mean or sum (mean)",
         &o->combine_name, ARGUMENT_TEXT, 0, 0},
        {"--gradients", "NAME",
         "memory for them: one of each position, or one of a group that they are "
         "accumulated in (position)",
         &o->gradients_name, ARGUMENT_TEXT, 0, 0},
        {"--scope", "NAME", "which may fuse: global or adjacent (global)", &o->scope_name,
         ARGUMENT_TEXT, 0, 0},
        {"--linkage", "NAME",
         "how alike groups are: single, average, complete or merged (single)",
         &o->linkage_name, ARGUMENT_TEXT, 0, 0},
        {"--unit", "NAME", "what fuses: layer, or row, which is one filter (layer)",
         &o->unit_name, ARGUMENT_TEXT, 0, 0},
        {"--max-group", "N", "layers in a group at most (any)", &o->max_group,
         ARGUMENT_INTEGER, 2, 1e6},
        {"--places", NULL,
         "fuse first convolutions of blocks with first, second with second", &o->places,
         ARGUMENT_FLAG, 0, 0},
        {"--align", NULL, "put hidden channels of blocks in order before they fuse",
         &o->align, ARGUMENT_FLAG, 0, 0},
        {"--exclude", "PATTERN", "layers of such names do not fuse, but count",
         &o->exclude, ARGUMENT_TEXT, 0, 0},
        {"--distil", "T,W",
         "learn from the network before fusing, too: temperature T, weight W, as 4,0.9",
         &o->distil, ARGUMENT_TEXT, 0, 0},
        {"--baseline", "NAME",
         "do not fuse: prune, prune_global, low_rank, autoencoder, kmeans or drop",
         &o->baseline_name, ARGUMENT_TEXT, 0, 0},
        {"--forget", NULL,
         "after the first fusion begin with random weights: what fusing them is worth",
         &o->forget, ARGUMENT_FLAG, 0, 0},
        {"--smoothing", "X", "of the labels (0)", &o->smoothing, ARGUMENT_NUMBER, 0,
         0.99},
        {"--epochs", "N", "of training in all (3); 0: fuse only", &o->epochs,
         ARGUMENT_INTEGER, 0, 1e6},
        {"--fusions", "N", "steps on the way to the ratio (one per epoch)", &o->fusions,
         ARGUMENT_INTEGER, 1, 1e6},
        {"--interval", "N", "epochs from one to the next (as many as there is room for)",
         &o->interval, ARGUMENT_INTEGER, 1, 1e6},
        {"--schedule", "NAME",
         "what each takes off: uniform, or exponential, half of what the one before did "
         "(uniform)",
         &o->schedule_name, ARGUMENT_TEXT, 0, 0},
        {"--tolerance", "X",
         "points that may be lost; a fusion past which more are is rolled back (any)",
         &o->tolerance, ARGUMENT_NUMBER, 0, 100},
        {"--grace", "N", "epochs after which that is judged (--interval)", &o->grace,
         ARGUMENT_INTEGER, 1, 1e6},
        {"--bn-batches", "N", "for re-estimating batch norm statistics (100)",
         &o->bn_batches, ARGUMENT_INTEGER, 1, 1e6},
        {"--batch", "N", "images in a step (128)", &o->batch, ARGUMENT_INTEGER, 2, 65536},
        {"--lr", "X", "learning rate, falling along a cosine (0.02)", &o->learning_rate,
         ARGUMENT_NUMBER, 0, 1e3},
        {"--warm-up", "N", "epochs in which it grows from 0 first (0)", &o->warm_up,
         ARGUMENT_INTEGER, 0, 1e6},
        {"--momentum", "X", "(0.9)", &o->momentum, ARGUMENT_NUMBER, 0, 0.9999},
        {"--weight-decay", "X", "(1e-4)", &o->weight_decay, ARGUMENT_NUMBER, 0, 1},
        {"--threads", "N", "of the library's pool (2)", &o->threads, ARGUMENT_INTEGER, 1,
         1024},
        {"--isa", "NAME", "at most best, scalar, avx2 or avx512 (best)", &o->isa_name,
         ARGUMENT_TEXT, 0, 0},
        {"--seed", "N", "of the order and augmentation of images (0)", &o->seed,
         ARGUMENT_INTEGER, 0, 9e18},
        {"--holdout", "N",
         "keep the last N training images out; rows and epochs are scored by them, the "
         "test set only in the end (0: by the test set)",
         &o->holdout, ARGUMENT_INTEGER, 1, 1e6},
        {"--resume", "FILE",
         "write the state after each epoch there (of --train: to FILE.train), and go on "
         "from it",
         &o->resume, ARGUMENT_TEXT, 0, 0},
        {"--limit", "N", "use the first N images of either set (all)", &o->limit,
         ARGUMENT_INTEGER, 2, 1e6},
    };
    int count = (int)(sizeof(table) / sizeof(table[0]));
    lfuse_status status;

    *o = (struct compress_options){.policy_name = "average",
                                   .metric_name = "covariance",
                                   .freeze_name = "both",
                                   .combine_name = "mean",
                                   .isa_name = "best",
                                   .gradients_name = "position",
                                   .scope_name = "global",
                                   .linkage_name = "single",
                                   .unit_name = "layer",
                                   .schedule_name = "uniform",
                                   .tolerance = -1.0,
                                   .learning_rate = 0.02,
                                   .train_learning_rate = 0.03,
                                   .blocks = 3,
                                   .momentum = 0.9,
                                   .weight_decay = 1e-4,
                                   .epochs = 3,
                                   .batch = 128,
                                   .bn_batches = 100,
                                   .threads = 2};
    status = arguments_read(table, count, argc, argv, help, err);
    if (status != LFUSE_OK)
        return status;
    if (*help) {
        printf("usage: compress_cnn --data DIR --weights FILE --ratio R --out FILE\n"
               "       compress_cnn --data DIR --weights FILE --evaluate\n"
               "       compress_cnn --data DIR --train N --weights FILE [--ratio R "
               "--out FILE]\n\n");
        arguments_print(table, count);
        return LFUSE_OK;
    }
    status = check(o, err);
    if (status == LFUSE_OK)
        status = read_names(o, err);
    if (status == LFUSE_OK)
        status = read_distil(o, err);
    if (status == LFUSE_OK)
        status = read_baseline(o, err);
    return status;
}
