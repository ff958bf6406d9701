/*
 * train_lm.c - trains a GPT from nothing, and goes on to the same bits after it was stopped
 *
 *     train_lm --data wikitext-2 --tokens pairs --vocabulary 8192 --tokenizer pairs.safetensors
 *              --blocks 8 --width 256 --heads 8 --steps 6000 --resume state --out gpt.safetensors
 *
 * AdamW with clipping, a rate that grows along a line and falls along half a cosine. Every
 * `--every` steps the model is scored by the valid text and the state is written; so it is when
 * the run is interrupted. In the end the network is written under GPT-2's names. lm.c has the
 * step.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "arguments.h"
#include "error.h"
#include "lm.h"
#include "lm_text.h"
#include "names.h"
#include "program.h"
#include "progress.h"

struct run {
    struct lm_text text;
    const char *out, *resume, *isa_name, *prompt;
    struct gpt_shape shape;
    struct lm_training training;
    double dropout, temperature;
    int64_t batch, threads, seed, every, sample;
    lfuse_context *ctx;
    struct gpt *net;
    lfuse_retrainer *retrainer;
    struct windows *windows;
    const char *written; /* the latest file, or NULL */
};

/* What goes along with the retrainer's state. */
struct state {
    int64_t step;
    double seconds, sum; /* of training so far; of losses since the latest line */
    char run[512];       /* what has to be the same for the same bits */
};

/* ---- the run, from and to a file
 * ------------------------------------------------------------------ */

static void describe(const struct run *run, char *text, size_t size)
{
    const struct lm_training *t = &run->training;

    snprintf(
        text, size,
        "data %s tokens %s vocabulary %lld limit %lld blocks %lld width %lld heads "
        "%lld positions %lld batch %lld steps %lld warm-up %lld lr %g least %g decay "
        "%g clip %g dropout %g seed %lld every %lld isa %s",
        run->text.from, run->text.tokens_name, (long long)run->text.vocabulary,
        (long long)run->text.limit, (long long)run->shape.blocks,
        (long long)run->shape.width, (long long)run->shape.heads,
        (long long)run->shape.positions, (long long)run->batch, (long long)t->steps,
        (long long)t->warm_up, t->learning_rate, t->least, t->weight_decay, t->clip,
        run->dropout, (long long)run->seed, (long long)run->every, run->isa_name);
}

static lfuse_status keep(struct run *run, struct state *state, lfuse_error *err)
{
    lfuse_retrainer_save_options options;

    if (run->resume == NULL)
        return LFUSE_OK;
    lfuse_retrainer_save_options_init(&options, sizeof(options));
    options.caller = state;
    options.caller_bytes = sizeof(*state);
    return lfuse_retrainer_save(run->retrainer, run->resume, &options, err);
}

static lfuse_status resume(struct run *run, struct state *state, lfuse_error *err)
{
    const struct state *kept;
    lfuse_status status;
    size_t bytes;

    memset(state, 0, sizeof(*state));
    describe(run, state->run, sizeof(state->run));
    if (run->resume == NULL || access(run->resume, F_OK) != 0)
        return LFUSE_OK;
    status = lfuse_retrainer_load(run->retrainer, run->resume, err);
    if (status != LFUSE_OK)
        return status;
    kept = lfuse_retrainer_caller(run->retrainer, &bytes);
    if (bytes != sizeof(*state) || strcmp(kept->run, state->run) != 0)
        return example_fail(err, LFUSE_ERR_NAME, "%s is of a run with other arguments",
                            run->resume);
    memcpy(state, kept, sizeof(*state));
    printf("going on from %s, after %lld steps\n", run->resume, (long long)state->step);
    return LFUSE_OK;
}

/* ---- training
 * ------------------------------------------------------------------------------------ */

static lfuse_status prepare(struct run *run, lfuse_error *err)
{
    lfuse_retrainer_options options;
    lfuse_context_options context;
    lfuse_plan_options plan;
    lfuse_status status;

    lfuse_context_options_init(&context, sizeof(context));
    context.threads = (int32_t)run->threads;
    context.seed = (uint64_t)run->seed;
    status = names_choose("--isa", run->isa_name, names_isa, &context.isa, err);
    if (status == LFUSE_OK)
        status = lfuse_context_create(&context, &run->ctx, err);
    if (status == LFUSE_OK)
        status = program_check_out(run->out, err);
    if (status == LFUSE_OK && run->resume != NULL)
        status = program_check_out(run->resume, err);
    if (status == LFUSE_OK)
        status = lm_text_open(run->ctx, &run->text, err);
    if (status != LFUSE_OK)
        return status;
    run->shape.vocabulary = tokenizer_vocabulary(run->text.tokenizer);
    status = gpt_create(run->ctx, &run->shape, run->batch, run->shape.positions,
                        GPT_TRAINING, &run->net, err);
    if (status != LFUSE_OK)
        return status;
    run->net->dropout = run->dropout;
    run->net->seed = (uint64_t)run->seed;
    gpt_initialise(run->net, (uint64_t)run->seed);
    lfuse_plan_options_init(&plan, sizeof(plan));
    plan.ratio = 1.0; /* nothing fuses */
    lfuse_retrainer_options_init(&options, sizeof(options));
    options.plan = &plan;
    status = lfuse_retrainer_create(run->ctx, run->net->layers, run->net->layer_count,
                                    &options, &run->retrainer, err);
    return status == LFUSE_OK
               ? windows_create(run->text.sets.train.ids, run->text.sets.train.count,
                                run->shape.positions, run->batch, 0, (uint64_t)run->seed,
                                &run->windows, err)
               : status;
}

/* A line about the steps since the latest one, and the state. */
static lfuse_status report(struct run *run, struct state *state, int64_t steps,
                           lfuse_error *err)
{
    const double tokens = (double)(run->batch * run->shape.positions);
    struct lm_score valid;
    lfuse_status status = lm_evaluate(run->net, &run->text.sets.valid, 0, &valid, err);

    if (status != LFUSE_OK)
        return status;
    printf("%7lld  %11.0f  %8.6f  %7.4f  %8.2f  %8.2f  %8.0f\n", (long long)state->step,
           tokens * (double)state->step, lm_rate(&run->training, state->step - 1),
           state->sum / (double)steps, lm_per_token(&valid), lm_per_word(&valid),
           state->seconds);
    fflush(stdout);
    state->sum = 0.0;
    return keep(run, state, err);
}

static double tokens_to_a_word(const struct run *run)
{
    return (double)run->text.sets.train.count / (double)run->text.sets.train.words;
}

/* Up to a line, or to an interruption, whose state is written. */
static lfuse_status train_some(struct run *run, struct state *state, lfuse_error *err)
{
    const int64_t tokens = run->batch * run->shape.positions;
    const int64_t until = (state->step / run->every + 1) * run->every;
    const int64_t last = until < run->training.steps ? until : run->training.steps;
    const int64_t first = state->step;
    lfuse_status status = LFUSE_OK;
    struct progress progress;
    double loss;

    progress_begin_text(&progress, "training", (last - first) * tokens,
                        tokens_to_a_word(run));
    while (state->step < last && status == LFUSE_OK && !program_stop) {
        const double begun = progress_seconds();

        status = lm_step(run->net, run->retrainer, run->windows, &run->training,
                         state->step, &loss, err);
        if (status != LFUSE_OK)
            break;
        state->step++;
        state->sum += loss;
        state->seconds += progress_seconds() - begun;
        progress_step(&progress, (state->step - first) * tokens, loss);
    }
    progress_end(&progress);
    if (status == LFUSE_OK && program_stop)
        status = keep(run, state, err);
    if (status == LFUSE_OK)
        status = program_check_stop(err);
    return status == LFUSE_OK ? report(run, state, last - (until - run->every), err)
                              : status;
}

static lfuse_status print_sample(struct run *run, lfuse_error *err)
{
    lfuse_status status;
    char *text;

    if (run->sample == 0)
        return LFUSE_OK;
    status = lm_write(run->net, run->text.tokenizer, run->prompt, run->sample,
                      run->temperature, (uint64_t)run->seed, &text, err);
    if (status != LFUSE_OK)
        return status;
    printf("\n%s\n", text);
    free(text);
    return LFUSE_OK;
}

static lfuse_status work(struct run *run, lfuse_error *err)
{
    struct state state;
    struct lm_score test;
    lfuse_status status = prepare(run, err);

    if (status == LFUSE_OK)
        status = resume(run, &state, err);
    if (status != LFUSE_OK)
        return status;
    printf("%s, %lld windows of %lld tokens to a step, %lld steps to an epoch\n"
           "\n   step       tokens      rate     loss    valid  per word   seconds\n",
           gpt_name(run->net).text, (long long)run->batch,
           (long long)run->shape.positions, (long long)windows_count(run->windows));
    while (state.step < run->training.steps && status == LFUSE_OK)
        status = train_some(run, &state, err);
    if (status == LFUSE_OK)
        status = gpt_save(run->net, run->out, err);
    if (status != LFUSE_OK)
        return status;
    run->written = run->out;
    status = lm_evaluate(run->net, &run->text.sets.test, 0, &test, err);
    if (status != LFUSE_OK)
        return status;
    printf("\n%s: test perplexity %.3f per token, %.2f per word\n", run->out,
           lm_per_token(&test), lm_per_word(&test));
    return print_sample(run, err);
}

/* ---- command line
 * -------------------------------------------------------------------------------- */

static lfuse_status read_options(int argc, char **argv, struct run *run, int *help,
                                 lfuse_error *err)
{
    struct gpt_shape *s = &run->shape;
    struct lm_training *t = &run->training;
    const struct argument table[] = {
        LM_TEXT_ARGUMENTS(run->text),
        {"--out", "FILE", "where the network goes (safetensors)", &run->out,
         ARGUMENT_TEXT, 0, 0},
        {"--resume", "FILE", "write the state there, and go on from it where it is",
         &run->resume, ARGUMENT_TEXT, 0, 0},
        {"--blocks", "N", "(6)", &s->blocks, ARGUMENT_INTEGER, 1, GPT_MAX_BLOCKS},
        {"--width", "N", "(256)", &s->width, ARGUMENT_INTEGER, 1, 65536},
        {"--heads", "N", "(8)", &s->heads, ARGUMENT_INTEGER, 1, 65536},
        {"--positions", "N", "tokens of a window (256)", &s->positions, ARGUMENT_INTEGER,
         1, 65536},
        {"--batch", "N", "windows in a step (16)", &run->batch, ARGUMENT_INTEGER, 1,
         65536},
        {"--steps", "N", "(1000)", &t->steps, ARGUMENT_INTEGER, 1, 1e9},
        {"--warm-up", "N", "steps in which the rate grows from 0 (steps / 20)",
         &t->warm_up, ARGUMENT_INTEGER, 0, 1e9},
        {"--lr", "X", "learning rate (1e-3)", &t->learning_rate, ARGUMENT_NUMBER, 0, 1e3},
        {"--least", "X", "share of it in the end (0.1)", &t->least, ARGUMENT_NUMBER, 0,
         1},
        {"--weight-decay", "X", "(0.1)", &t->weight_decay, ARGUMENT_NUMBER, 0, 1e3},
        {"--clip", "X", "norm of all gradients at most; 0: any (1)", &t->clip,
         ARGUMENT_NUMBER, 0, 1e6},
        {"--dropout", "X", "(0)", &run->dropout, ARGUMENT_NUMBER, 0, 0.99},
        {"--every", "N", "steps from one score, and state, to the next (100)",
         &run->every, ARGUMENT_INTEGER, 1, 1e9},
        {"--sample", "N", "tokens that it writes in the end (0)", &run->sample,
         ARGUMENT_INTEGER, 0, 1e6},
        {"--prompt", "TEXT", "what it goes on with (The)", &run->prompt, ARGUMENT_TEXT, 0,
         0},
        {"--temperature", "X", "of drawing tokens; 0: the most likely (0.8)",
         &run->temperature, ARGUMENT_NUMBER, 0, 100},
        {"--threads", "N", "of the library's pool (2)", &run->threads, ARGUMENT_INTEGER,
         1, 1024},
        {"--isa", "NAME", "at most best, scalar, avx2 or avx512 (best)", &run->isa_name,
         ARGUMENT_TEXT, 0, 0},
        {"--seed", "N", "of weights, windows and dropout (0)", &run->seed,
         ARGUMENT_INTEGER, 0, 9e18},
    };
    const int count = (int)(sizeof(table) / sizeof(table[0]));
    lfuse_status status;

    t->warm_up = -1;
    status = arguments_read(table, count, argc, argv, help, err);
    if (status != LFUSE_OK || *help) {
        if (*help) {
            printf("usage: train_lm --data DIR --out FILE [--resume FILE] ...\n\n");
            arguments_print(table, count);
        }
        return status;
    }
    if (t->warm_up < 0)
        t->warm_up = t->steps / 20;
    if (run->text.from == NULL || run->out == NULL)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "%s is missing",
                            run->out == NULL ? "--out" : "--data");
    if (t->warm_up >= t->steps)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "--warm-up: %lld steps leave none of --steps",
                            (long long)t->warm_up);
    return LFUSE_OK;
}

static void release(struct run *run)
{
    windows_destroy(run->windows);
    lfuse_retrainer_destroy(run->retrainer);
    gpt_destroy(run->net);
    lm_text_close(&run->text);
    lfuse_context_destroy(run->ctx);
}

int main(int argc, char **argv)
{
    struct run run = {
        .text = {.tokens_name = "bytes", .vocabulary = 8192},
        .isa_name = "best",
        .prompt = "The",
        .shape = {.blocks = 6, .width = 256, .heads = 8, .positions = 256},
        .training = {.steps = 1000,
                     .learning_rate = 1e-3,
                     .least = 0.1,
                     .weight_decay = 0.1,
                     .clip = 1.0},
        .temperature = 0.8,
        .batch = 16,
        .threads = 2,
        .every = 100,
    };
    lfuse_error err = {0};
    lfuse_status status;
    int help;

    status = read_options(argc, argv, &run, &help, &err);
    if (status != LFUSE_OK) {
        fprintf(stderr, "train_lm: %s; --help lists the arguments\n", err.message);
        return 2;
    }
    if (help)
        return 0;
    program_catch_interrupt();
    status = work(&run, &err);
    if (status != LFUSE_OK)
        fprintf(stderr, "train_lm: %s, %s%s written\n", err.message,
                run.written != NULL ? run.written : "nothing",
                run.written != NULL ? " is" : " was");
    release(&run);
    return status == LFUSE_OK ? 0 : 1;
}
