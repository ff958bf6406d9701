/* lm_options.c - see lm_options.h */
#include "lm_options.h"

#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "error.h"
#include "names.h"

static const char *kind_name(int32_t value)
{
    return baseline_name((enum baseline_kind)value);
}

static const char *unit_name(int32_t value)
{
    return value == GPT_UNIT_MATRIX ? "matrix" : value == GPT_UNIT_BLOCK ? "block" : NULL;
}

static lfuse_status read_names(struct lm_options *o, lfuse_error *err)
{
    int32_t unit = GPT_UNIT_MATRIX, kind = BASELINE_PRUNE;
    lfuse_status status;

    o->isa = LFUSE_ISA_BEST; /* the others' first values are 1 */
    o->policy = o->metric = o->freeze_gradient = o->combine = 1;
    o->scope = o->linkage = 1;
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
        status = names_choose("--scope", o->scope_name, names_scope, &o->scope, err);
    if (status == LFUSE_OK)
        status =
            names_choose("--linkage", o->linkage_name, names_linkage, &o->linkage, err);
    if (status == LFUSE_OK)
        status = names_choose("--unit", o->unit_name, unit_name, &unit, err);
    if (status == LFUSE_OK && o->baseline_name != NULL)
        status = names_choose("--baseline", o->baseline_name, kind_name, &kind, err);
    o->unit = (enum gpt_unit)unit;
    o->baseline = o->baseline_name != NULL ? (enum baseline_kind)kind : 0;
    return status;
}

/* "T,W" */
static lfuse_status read_distil(struct lm_options *o, lfuse_error *err)
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

/* What the table cannot say. */
static lfuse_status check(struct lm_options *o, lfuse_error *err)
{
    const int only_scores = o->evaluate || o->one_shot;
    const char *missing = o->text.from == NULL ? "--data"
                          : o->weights == NULL ? "--weights"
                          : only_scores        ? NULL
                          : o->ratio == 0.0    ? "--ratio"
                          : o->out == NULL     ? "--out"
                                               : NULL;

    if (missing != NULL)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "%s is missing", missing);
    if (o->out != NULL && strcmp(o->weights, o->out) == 0)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "--weights and --out are one file");
    if (o->baseline_name != NULL && (only_scores || o->resume != NULL))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--baseline: %s has no place beside it",
                            o->evaluate   ? "--evaluate"
                            : o->one_shot ? "--one-shot"
                                          : "--resume");
    if (o->residual > 0 && (o->fusions > 1 || o->resume != NULL || only_scores))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--residual: weights that have one do not fuse again, and "
                            "have no state: %s has no place beside it",
                            o->fusions > 1      ? "--fusions"
                            : o->resume != NULL ? "--resume"
                            : o->evaluate       ? "--evaluate"
                                                : "--one-shot");
    if (o->warm_up < 0)
        o->warm_up = o->steps / 20;
    if (o->warm_up > 0 && o->warm_up >= o->steps)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--warm-up: %lld steps leave none of --steps",
                            (long long)o->warm_up);
    if (o->fusions > (o->steps > 0 ? o->steps : 1))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--fusions: %lld are more than %lld steps have room for",
                            (long long)o->fusions, (long long)o->steps);
    if (o->interval == 0)
        o->interval = o->steps > 0 ? o->steps / o->fusions : 1;
    if (o->interval * o->fusions > (o->steps > 0 ? o->steps : 1))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--interval: %lld times %lld are more than %lld steps",
                            (long long)o->interval, (long long)o->fusions,
                            (long long)o->steps);
    return LFUSE_OK;
}

static void print_help(const struct argument *table, int count)
{
    printf("usage: compress_lm --data DIR --weights FILE --ratio R --out FILE\n"
           "       compress_lm --data DIR --weights FILE --evaluate\n"
           "       compress_lm --data DIR --weights FILE --one-shot\n\n");
    arguments_print(table, count);
}

static const struct lm_options defaults = {
    .text = {.tokens_name = "bytes", .vocabulary = 8192},
    .policy_name = "average",
    .metric_name = "covariance",
    .freeze_name = "both",
    .combine_name = "mean",
    .isa_name = "best",
    .scope_name = "global",
    .linkage_name = "single",
    .unit_name = "matrix",
    .prompt = "The",
    .learning_rate = 3e-4,
    .least = 0.1,
    .weight_decay = 0.1,
    .clip = 1.0,
    .sample_temperature = 0.8,
    .steps = 100,
    .warm_up = -1,
    .fusions = 1,
    .batch = 16,
    .every = 100,
    .threads = 2,
};

lfuse_status lm_options_read(int argc, char **argv, struct lm_options *o, int *help,
                             lfuse_error *err)
{
    const struct argument table[] = {
        LM_TEXT_ARGUMENTS(o->text),
        {"--weights", "FILE", "the trained GPT (safetensors)", &o->weights, ARGUMENT_TEXT,
         0, 0},
        {"--heads", "N", "of it (what the file says)", &o->heads, ARGUMENT_INTEGER, 1,
         65536},
        {"--out", "FILE", "where the fused network goes", &o->out, ARGUMENT_TEXT, 0, 0},
        {"--evaluate", NULL, "score the network and stop", &o->evaluate, ARGUMENT_FLAG, 0,
         0},
        {"--one-shot", NULL,
         "what fusing without training costs, by metric, policy and share", &o->one_shot,
         ARGUMENT_FLAG, 0, 0},
        {"--ratio", "R", "how many times fewer weights in layers that can fuse",
         &o->ratio, ARGUMENT_NUMBER, 1, 1e6},
        {"--unit", "NAME", "what fuses: each matrix, or each block (matrix)",
         &o->unit_name, ARGUMENT_TEXT, 0, 0},
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
        {"--scope", "NAME", "which may fuse: global or adjacent (global)", &o->scope_name,
         ARGUMENT_TEXT, 0, 0},
        {"--linkage", "NAME",
         "how alike groups are: single, average, complete or merged (single)",
         &o->linkage_name, ARGUMENT_TEXT, 0, 0},
        {"--max-group", "N", "layers in a group at most (any)", &o->max_group,
         ARGUMENT_INTEGER, 2, 1e6},
        {"--align", NULL, "put hidden units and heads in order before they fuse",
         &o->align, ARGUMENT_FLAG, 0, 0},
        {"--residual", "N",
         "each tied weight keeps a product of its own, of rank N at most (0: none)",
         &o->residual, ARGUMENT_INTEGER, 0, 65536},
        {"--energy", "X", "share of what tying takes that it keeps; 0: all it can (0)",
         &o->energy, ARGUMENT_NUMBER, 0, 1},
        {"--exclude", "PATTERN", "layers of such names do not fuse, but count",
         &o->exclude, ARGUMENT_TEXT, 0, 0},
        {"--distil", "T,W",
         "learn from the network before fusing, too: temperature T, weight W, as 2,0.5",
         &o->distil, ARGUMENT_TEXT, 0, 0},
        {"--baseline", "NAME",
         "do not fuse: prune, prune_global, low_rank, autoencoder, kmeans or drop",
         &o->baseline_name, ARGUMENT_TEXT, 0, 0},
        {"--steps", "N", "of training in all (100); 0: fuse only", &o->steps,
         ARGUMENT_INTEGER, 0, 1e9},
        {"--fusions", "N", "on the way to the ratio (1)", &o->fusions, ARGUMENT_INTEGER,
         1, 64},
        {"--interval", "N",
         "steps from one fusion to the next (as many as there is room for)", &o->interval,
         ARGUMENT_INTEGER, 1, 1e9},
        {"--batch", "N", "windows in a step (16)", &o->batch, ARGUMENT_INTEGER, 1, 65536},
        {"--window", "N", "tokens of a window (as many as there are positions)",
         &o->window, ARGUMENT_INTEGER, 1, 65536},
        {"--lr", "X", "learning rate (3e-4)", &o->learning_rate, ARGUMENT_NUMBER, 0, 1e3},
        {"--least", "X", "share of it in the end (0.1)", &o->least, ARGUMENT_NUMBER, 0,
         1},
        {"--warm-up", "N", "steps in which it grows from 0 (steps / 20)", &o->warm_up,
         ARGUMENT_INTEGER, 0, 1e9},
        {"--weight-decay", "X", "(0.1)", &o->weight_decay, ARGUMENT_NUMBER, 0, 1e3},
        {"--clip", "X", "norm of all gradients at most; 0: any (1)", &o->clip,
         ARGUMENT_NUMBER, 0, 1e6},
        {"--dropout", "X", "(0)", &o->dropout, ARGUMENT_NUMBER, 0, 0.99},
        {"--judge", "N", "score rows by the first N ids of the valid text (all)",
         &o->judge, ARGUMENT_INTEGER, 2, 1e12},
        {"--stride", "N", "tokens from one window that is scored to the next (a window)",
         &o->stride, ARGUMENT_INTEGER, 1, 65536},
        {"--resume", "FILE", "write the state there, and go on from it where it is",
         &o->resume, ARGUMENT_TEXT, 0, 0},
        {"--every", "N", "steps from one state to the next (100)", &o->every,
         ARGUMENT_INTEGER, 1, 1e9},
        {"--sample", "N", "tokens that it writes before and after (0)", &o->sample,
         ARGUMENT_INTEGER, 0, 1e6},
        {"--prompt", "TEXT", "what it goes on with (The)", &o->prompt, ARGUMENT_TEXT, 0,
         0},
        {"--temperature", "X", "of drawing tokens; 0: the most likely (0.8)",
         &o->sample_temperature, ARGUMENT_NUMBER, 0, 100},
        {"--threads", "N", "of the library's pool (2)", &o->threads, ARGUMENT_INTEGER, 1,
         1024},
        {"--isa", "NAME", "at most best, scalar, avx2 or avx512 (best)", &o->isa_name,
         ARGUMENT_TEXT, 0, 0},
        {"--seed", "N", "of windows, dropout and mixes (0)", &o->seed, ARGUMENT_INTEGER,
         0, 9e18},
    };
    const int count = (int)(sizeof(table) / sizeof(table[0]));
    lfuse_status status;

    *o = defaults;
    status = arguments_read(table, count, argc, argv, help, err);
    if (status == LFUSE_OK && *help)
        print_help(table, count);
    if (status != LFUSE_OK || *help)
        return status;
    status = check(o, err);
    if (status == LFUSE_OK)
        status = read_names(o, err);
    return status == LFUSE_OK ? read_distil(o, err) : status;
}
