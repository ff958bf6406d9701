/*
 * lm_fuse.c - one fusion after another, and the steps between them; its state
 *
 * The state is the retrainer's file, with what is known of rows and steps beside it: a run that
 * was killed goes on from there with the same bits. Windows, and what is dropped, depend on the
 * number of the step alone.
 */
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "error.h"
#include "lm_run.h"
#include "program.h"
#include "progress.h"

/* What goes along with the retrainer's state. */
struct state {
    int64_t step, row_count;
    lfuse_verdict verdict;
    int32_t reserved;
    struct lm_row rows[LM_MOST_ROWS];
    char run[1024]; /* what has to be the same for the same bits */
};

static void describe(const struct lm_options *o, char *text, size_t size)
{
    snprintf(text, size,
             "data %s tokens %s vocabulary %lld limit %lld weights %s ratio %g unit %s "
             "policy %s "
             "metric %s freeze %s combine %s scope %s linkage %s max-group %lld align %d "
             "exclude "
             "%s distil %s steps %lld fusions %lld interval %lld batch %lld window %lld "
             "lr %g least %g "
             "warm-up "
             "%lld decay %g clip %g dropout %g judge %lld stride %lld isa %s seed %lld",
             o->text.from, o->text.tokens_name, (long long)o->text.vocabulary,
             (long long)o->text.limit, o->weights, o->ratio, o->unit_name, o->policy_name,
             o->metric_name, o->freeze_name, o->combine_name, o->scope_name,
             o->linkage_name, (long long)o->max_group, o->align,
             o->exclude != NULL ? o->exclude : "nothing",
             o->distil != NULL ? o->distil : "nothing", (long long)o->steps,
             (long long)o->fusions, (long long)o->interval, (long long)o->batch,
             (long long)o->window, o->learning_rate, o->least, (long long)o->warm_up,
             o->weight_decay, o->clip, o->dropout, (long long)o->judge,
             (long long)o->stride, o->isa_name, (long long)o->seed);
}

static lfuse_status keep(struct lm_run *run, const struct state *state, lfuse_error *err)
{
    lfuse_retrainer_save_options options;

    if (run->options.resume == NULL)
        return LFUSE_OK;
    lfuse_retrainer_save_options_init(&options, sizeof(options));
    options.caller = state;
    options.caller_bytes = sizeof(*state);
    return lfuse_retrainer_save(run->retrainer, run->options.resume, &options, err);
}

static lfuse_status load(struct lm_run *run, struct state *state, lfuse_error *err)
{
    const char *path = run->options.resume;
    const struct state *kept;
    lfuse_status status = lfuse_retrainer_load(run->retrainer, path, err);
    size_t bytes;

    if (status != LFUSE_OK)
        return status;
    kept = lfuse_retrainer_caller(run->retrainer, &bytes);
    if (bytes != sizeof(*state) || strcmp(kept->run, state->run) != 0)
        return example_fail(err, LFUSE_ERR_NAME, "%s is of a run with other arguments",
                            path);
    *state = *kept;
    return LFUSE_OK;
}

/* ---- rows
 * ---------------------------------------------------------------------------------------- */

static void print_row(const struct state *state, int64_t index)
{
    const struct lm_row *row = &state->rows[index];

    printf("%4lld  %5.3f  %-10s  %11lld  %10.3f  %10.3f  %6lld  %7.1f\n",
           (long long)index + 1, row->ratio, "candidates", (long long)row->unique,
           lm_per_token(&row->fused), lm_per_token(&row->retrained),
           (long long)row->steps, row->seconds);
    fflush(stdout);
}

/* What the fusion that has just happened did. */
static lfuse_status open_row(struct lm_run *run, struct state *state, lfuse_error *err)
{
    struct lm_row *row = &state->rows[state->row_count];
    lfuse_account account;
    lfuse_status status;

    lfuse_account_init(&account, sizeof(account));
    status = lfuse_ties_account(lfuse_retrainer_ties(run->retrainer),
                                LFUSE_BASE_CANDIDATES, &account, err);
    *row = (struct lm_row){.ratio = account.ratio, .unique = account.candidates_unique};
    if (status == LFUSE_OK)
        status = lm_judge(run, &row->fused, err);
    row->retrained = row->fused;
    state->row_count++;
    return status;
}

/* The latest row as it is by now. */
static lfuse_status judge_row(struct lm_run *run, struct state *state, lfuse_error *err)
{
    struct lm_row *row = &state->rows[state->row_count - 1];

    if (row->judged == row->steps)
        return LFUSE_OK;
    row->judged = row->steps;
    return lm_judge(run, &row->retrained, err);
}

/* ---- the schedule
 * -------------------------------------------------------------------------------- */

static lfuse_status train_step(struct lm_run *run, struct state *state,
                               const struct lm_training *training,
                               struct progress *progress, lfuse_error *err)
{
    struct lm_row *row = &state->rows[state->row_count - 1];
    const double begun = progress_seconds();
    double loss;
    lfuse_status status = lm_step(run->net, run->retrainer, run->windows, training,
                                  state->step, &loss, err);

    if (status != LFUSE_OK)
        return status;
    state->step++;
    row->steps++;
    row->seconds += progress_seconds() - begun;
    progress_step(progress, state->step * run->net->batch * run->net->tokens, loss);
    return LFUSE_OK;
}

/* The retrainer's turn, where its interval is over. */
static lfuse_status turn(struct lm_run *run, struct state *state, lfuse_error *err)
{
    lfuse_status status;
    double nats;

    if (state->verdict == LFUSE_VERDICT_DONE || !lfuse_retrainer_is_due(run->retrainer))
        return LFUSE_OK; /* steps that the schedule leaves over are trained, too */
    status = judge_row(run, state, err);
    if (status != LFUSE_OK)
        return status;
    nats = state->rows[state->row_count - 1].retrained.nats;
    status = lfuse_retrainer_end_epoch(run->retrainer, -nats, &state->verdict, err);
    if (status != LFUSE_OK || state->verdict != LFUSE_VERDICT_FUSED)
        return status;
    print_row(state, state->row_count - 1); /* it is complete */
    return open_row(run, state, err);
}

static lfuse_status train(struct lm_run *run, struct state *state, lfuse_error *err)
{
    const struct lm_options *o = &run->options;
    const struct lm_training training = lm_training_of(run);
    const struct text *text = &o->text.sets.train;
    lfuse_status status = LFUSE_OK;
    struct progress progress;

    progress_begin_text(&progress, "training",
                        o->steps * run->net->batch * run->net->tokens,
                        (double)text->count / (double)text->words);
    while (state->step < o->steps && status == LFUSE_OK && !program_stop) {
        status = train_step(run, state, &training, &progress, err);
        if (status == LFUSE_OK)
            status = turn(run, state, err);
        if (status == LFUSE_OK && (state->step % o->every == 0 || program_stop))
            status = keep(run, state, err);
    }
    progress_end(&progress);
    return status == LFUSE_OK ? program_check_stop(err) : status;
}

static lfuse_status begin(struct lm_run *run, struct state *state, lfuse_error *err)
{
    const char *path = run->options.resume;
    lfuse_status status;
    int64_t i;

    memset(state, 0, sizeof(*state));
    describe(&run->options, state->run, sizeof(state->run));
    if (path != NULL && access(path, F_OK) == 0) {
        status = load(run, state, err);
        if (status == LFUSE_OK)
            printf("going on from %s, after %lld steps\n", path, (long long)state->step);
    } else {
        status = lm_fuse_first(run, err);
        if (status == LFUSE_OK)
            status = open_row(run, state, err);
    }
    printf("\nstep  ratio  of          unique weights     fused   retrained   steps  "
           "seconds\n");
    for (i = 0; i + 1 < state->row_count; i++)
        print_row(state, i);
    fflush(stdout);
    return status;
}

lfuse_status lm_fuse(struct lm_run *run, lfuse_error *err)
{
    static struct state state;
    lfuse_status status = begin(run, &state, err);

    if (status == LFUSE_OK)
        status = train(run, &state, err);
    if (status == LFUSE_OK)
        status = judge_row(run, &state, err);
    if (status == LFUSE_OK)
        print_row(&state, state.row_count - 1);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_finalise(run->retrainer, err);
    return status == LFUSE_OK ? lm_evaluate(run->net, &run->options.text.sets.test,
                                            run->options.stride, &run->final, err)
                              : status;
}
