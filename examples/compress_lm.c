/*
 * compress_lm.c - fuses the layers of a trained GPT while it goes on training
 *
 *     compress_lm --data wikitext-2 --tokens pairs --tokenizer pairs.safetensors
 *                 --weights gpt.safetensors --ratio 2 --steps 400 --fusions 4 --out
 *                 small.safetensors
 *
 * One row for each fusion: measure all pairs of matrices of one kind, tie the most alike, train
 * on. Then the fused network is written, read back and scored again. O'Neill et al. 2021,
 * algorithm 1; lm_options.c has the arguments, lm_fuse.c the schedule and its state, lm.c the
 * step with layerfuse's hooks in it. With --baseline the network is made smaller in another way
 * instead (lm_baseline.c); --one-shot is a table of what fusing without training costs
 * (lm_one_shot.c).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "account.h"
#include "error.h"
#include "lm_run.h"
#include "program.h"

/* ---- what the parts share
 * ------------------------------------------------------------------------ */

void lm_print_score(const char *what, const struct lm_score *score)
{
    printf("%s: perplexity %.3f per token", what, lm_per_token(score));
    if (score->words > 0)
        printf(", %.2f per word", lm_per_word(score));
    printf("\n");
    fflush(stdout);
}

lfuse_status lm_judge(struct lm_run *run, struct lm_score *score, lfuse_error *err)
{
    lfuse_status status = lfuse_retrainer_begin_eval(run->retrainer, err);

    if (status == LFUSE_OK)
        status = lm_evaluate(run->net, &run->judges, run->options.stride, score, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_end_eval(run->retrainer, err);
    return status;
}

struct lm_training lm_training_of(const struct lm_run *run)
{
    const struct lm_options *o = &run->options;

    return (struct lm_training){.learning_rate = o->learning_rate,
                                .least = o->least,
                                .steps = o->steps,
                                .warm_up = o->warm_up,
                                .weight_decay = o->weight_decay,
                                .clip = o->clip,
                                .teacher = run->teacher,
                                .temperature = o->temperature,
                                .taught = o->taught};
}

lfuse_status lm_open(const struct lm_run *run, enum gpt_mode mode, struct gpt **net,
                     lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    lfuse_status status =
        gpt_open(run->ctx, o->weights, o->heads, o->batch, o->window, mode, net, err);

    if (status != LFUSE_OK)
        return status;
    if ((*net)->shape.vocabulary != tokenizer_vocabulary(o->text.tokenizer))
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%s has %lld ids, the tokenizer %lld", o->weights,
                            (long long)(*net)->shape.vocabulary,
                            (long long)tokenizer_vocabulary(o->text.tokenizer));
    (*net)->dropout = o->dropout;
    (*net)->seed = (uint64_t)o->seed;
    return o->unit == GPT_UNIT_MATRIX ? LFUSE_OK : gpt_set_unit(*net, o->unit, err);
}

lfuse_status lm_plan_options(struct lm_run *run, double ratio, lfuse_metric metric,
                             lfuse_policy policy, int aligned, lfuse_plan_rule *rule,
                             lfuse_plan_options *plan, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    lfuse_status status = LFUSE_OK;

    if (aligned && run->couplings == NULL) {
        status = lfuse_couplings_create(run->ctx, &run->couplings, err);
        if (status == LFUSE_OK)
            status = gpt_couple(run->net, run->couplings, err);
    }
    *rule = (lfuse_plan_rule){o->exclude, LFUSE_PLAN_ACTION_EXCLUDE, 0};
    lfuse_plan_options_init(plan, sizeof(*plan));
    plan->ratio = ratio;
    plan->metric = metric;
    plan->policy = policy;
    plan->freeze_gradient = o->freeze_gradient;
    plan->scope = o->scope;
    plan->linkage = o->linkage;
    plan->max_group = (int32_t)o->max_group;
    plan->alignment = aligned ? LFUSE_ALIGNMENT_PERMUTATION : LFUSE_ALIGNMENT_NONE;
    plan->couplings = aligned ? run->couplings : NULL;
    plan->rules = o->exclude != NULL ? rule : NULL;
    plan->rule_count = o->exclude != NULL;
    return status;
}

lfuse_status lm_create_retrainer(struct lm_run *run, double ratio, lfuse_metric metric,
                                 lfuse_policy policy, int aligned, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    lfuse_retrainer_options options;
    lfuse_plan_options plan;
    lfuse_ties_options ties;
    lfuse_plan_rule rule;
    lfuse_status status =
        lm_plan_options(run, ratio, metric, policy, aligned, &rule, &plan, err);

    lfuse_ties_options_init(&ties, sizeof(ties));
    ties.combine = o->combine;
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    options.ties = &ties;
    options.fusions = (int32_t)o->fusions;
    options.interval = (int32_t)o->interval;
    options.flags = LFUSE_RETRAINER_FLAG_STEPS;
    return status == LFUSE_OK
               ? lfuse_retrainer_create(run->ctx, run->net->layers, run->net->layer_count,
                                        &options, &run->retrainer, err)
               : status;
}

/* ---- before fusing
 * ------------------------------------------------------------------------------- */

static lfuse_status prepare(struct lm_run *run, lfuse_error *err)
{
    struct lm_options *o = &run->options;
    lfuse_context_options context;
    lfuse_status status;

    lfuse_context_options_init(&context, sizeof(context));
    context.threads = (int32_t)o->threads;
    context.isa = o->isa;
    context.seed = (uint64_t)o->seed;
    status = lfuse_context_create(&context, &run->ctx, err);
    if (status == LFUSE_OK && o->out != NULL)
        status = program_check_out(o->out, err);
    if (status == LFUSE_OK && o->resume != NULL)
        status = program_check_out(o->resume, err);
    if (status == LFUSE_OK)
        status = lm_text_open(run->ctx, &o->text, err);
    if (status != LFUSE_OK)
        return status;
    run->judges = o->text.sets.valid;
    if (o->judge > 0 && o->judge < run->judges.count) {
        run->judges.count = o->judge;
        run->judges.words = 0; /* nobody has counted them */
    }
    return lm_open(run, o->evaluate ? GPT_INFERENCE : GPT_TRAINING, &run->net, err);
}

static lfuse_status print_sample(struct lm_run *run, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    lfuse_status status;
    char *text;

    if (o->sample == 0)
        return LFUSE_OK;
    status = lm_write(run->net, o->text.tokenizer, o->prompt, o->sample,
                      o->sample_temperature, (uint64_t)o->seed, &text, err);
    if (status != LFUSE_OK)
        return status;
    printf("it writes: %s\n", text);
    free(text);
    return LFUSE_OK;
}

/* ---- the whole
 * ----------------------------------------------------------------------------------- */

/* The file holds the network: a fresh one read from it scores the same bits. */
static lfuse_status check_file(struct lm_run *run, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    struct lm_score score;
    struct gpt *fresh;
    lfuse_status status;
    int64_t i;

    status =
        gpt_open(run->ctx, o->out, 0, o->batch, o->window, GPT_INFERENCE, &fresh, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < fresh->shape.blocks; i++)
        fresh->blocks[i].is_dropped = run->net->blocks[i].is_dropped;
    status = lm_evaluate(fresh, &o->text.sets.test, o->stride, &score, err);
    gpt_destroy(fresh);
    if (status == LFUSE_OK && o->residual > 0 &&
        fabs(score.nats - run->final.nats) < 1e-4 * run->final.nats) {
        printf("read back, residuals added to their weights, it scores the same\n");
        return LFUSE_OK;
    }
    if (status == LFUSE_OK && score.nats != run->final.nats)
        status = example_fail(err, LFUSE_ERR_FORMAT,
                              "%s, read back, has a perplexity of %.6f instead of %.6f",
                              o->out, lm_per_token(&score), lm_per_token(&run->final));
    if (status == LFUSE_OK)
        printf("read back, it scores the same to the last bit\n");
    return status;
}

static lfuse_status finish(struct lm_run *run, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    lfuse_status status = gpt_save(run->net, o->out, err);

    if (status != LFUSE_OK)
        return status;
    run->written = o->out;
    printf("\n");
    if (o->baseline == 0) {
        account_print_groups(lfuse_retrainer_plan(run->retrainer));
        status =
            account_print(lfuse_retrainer_ties(run->retrainer), o->weights, o->out, err);
    }
    lm_print_score(o->baseline == 0 ? "fused, test" : o->baseline_name, &run->final);
    if (status == LFUSE_OK)
        status = print_sample(run, err);
    return status == LFUSE_OK ? check_file(run, err) : status;
}

static lfuse_status work(struct lm_run *run, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    lfuse_status status = prepare(run, err);

    if (status == LFUSE_OK)
        status =
            lm_evaluate(run->net, &o->text.sets.test, o->stride, &run->original, err);
    if (status != LFUSE_OK)
        return status;
    printf("%s from %s\n", gpt_name(run->net).text, o->weights);
    lm_print_score("original, test", &run->original);
    status = print_sample(run, err);
    if (status != LFUSE_OK || o->evaluate)
        return status;
    if (o->one_shot)
        return lm_one_shot(run, err);
    status =
        windows_create(o->text.sets.train.ids, o->text.sets.train.count, run->net->tokens,
                       o->batch, 0, (uint64_t)o->seed, &run->windows, err);
    if (status == LFUSE_OK && o->distil != NULL)
        status = lm_open(run, GPT_INFERENCE, &run->teacher, err);
    if (status == LFUSE_OK)
        status = lm_create_retrainer(run, o->baseline == 0 ? o->ratio : 1.0, o->metric,
                                     o->policy, o->align && o->baseline == 0, err);
    if (status == LFUSE_OK)
        status = o->baseline == 0 ? lm_fuse(run, err) : lm_baseline(run, err);
    return status == LFUSE_OK ? finish(run, err) : status;
}

static void release(struct lm_run *run)
{
    lfuse_retrainer_destroy(run->retrainer);
    lfuse_couplings_destroy(run->couplings);
    baseline_destroy(run->baseline);
    gpt_destroy(run->teacher);
    windows_destroy(run->windows);
    gpt_destroy(run->net);
    lm_text_close(&run->options.text);
    lfuse_context_destroy(run->ctx);
}

int main(int argc, char **argv)
{
    static struct lm_run run;
    lfuse_error err = {0};
    lfuse_status status;
    int help;

    status = lm_options_read(argc, argv, &run.options, &help, &err);
    if (status != LFUSE_OK) {
        fprintf(stderr, "compress_lm: %s; --help lists the arguments\n", err.message);
        return 2;
    }
    if (help)
        return 0;
    program_catch_interrupt();
    status = work(&run, &err);
    if (status != LFUSE_OK)
        fprintf(stderr, "compress_lm: %s, %s%s written\n", err.message,
                run.written != NULL ? run.written : "nothing",
                run.written != NULL ? " is" : " was");
    release(&run);
    return status == LFUSE_OK ? 0 : 1;
}
