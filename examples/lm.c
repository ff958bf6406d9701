/* lm.c - scoring and training; see lm.h */
#include "lm.h"

#include <math.h>
#include <stdlib.h>

#include "error.h"
#include "program.h"
#include "progress.h"

/* ---- scoring
 * ------------------------------------------------------------------------------------ */

double lm_per_token(const struct lm_score *score)
{
    return exp(score->nats / (double)score->tokens);
}

double lm_per_word(const struct lm_score *score)
{
    return exp(score->nats / (double)score->words);
}

static double words_ratio(const struct text *text)
{
    return text->words > 0 ? (double)text->count / (double)text->words : 0.0;
}

static lfuse_status evaluate_batch(struct gpt *net, const struct window_batch *batch,
                                   struct lm_score *sum, double *loss, lfuse_error *err)
{
    lfuse_status status =
        gpt_forward(net, batch->ids, net->batch, net->tokens, GPT_INFERENCE, err);

    if (status == LFUSE_OK)
        status = gpt_loss(net, batch->labels, loss, err);
    if (status == LFUSE_OK)
        status = program_check_stop(err);
    if (status != LFUSE_OK)
        return status;
    sum->nats += *loss * (double)batch->labelled;
    sum->tokens += batch->labelled;
    return LFUSE_OK;
}

lfuse_status lm_evaluate(struct gpt *net, const struct text *text, int64_t stride,
                         struct lm_score *score, lfuse_error *err)
{
    struct lm_score sum = {0.0, 0, text->words};
    struct window_batch batch;
    struct progress progress;
    struct windows *windows;
    lfuse_status status;
    double loss;
    int64_t i;

    status = windows_create(text->ids, text->count, net->tokens, net->batch,
                            stride > 0 ? stride : net->tokens, 0, &windows, err);
    if (status != LFUSE_OK)
        return status;
    progress_begin_text(&progress, "scoring", text->count, words_ratio(text));
    for (i = 0; i < windows_count(windows) && status == LFUSE_OK; i++) {
        windows_at(windows, 0, i, &batch);
        status = evaluate_batch(net, &batch, &sum, &loss, err);
        if (status == LFUSE_OK)
            progress_step(&progress, sum.tokens, sum.nats / (double)sum.tokens);
    }
    progress_end(&progress);
    windows_destroy(windows);
    if (status == LFUSE_OK)
        *score = sum;
    return status;
}

/* ---- training
 * ------------------------------------------------------------------------------------ */

double lm_rate(const struct lm_training *t, int64_t step)
{
    const double done = (double)(step - t->warm_up) / (double)(t->steps - t->warm_up);

    if (step < t->warm_up)
        return t->learning_rate * (double)(step + 1) / (double)t->warm_up;
    return t->learning_rate *
           (t->least + (1.0 - t->least) * 0.5 * (1.0 + cos(acos(-1.0) * done)));
}

/* Pointers to every tensor that trains, once. */
struct lists {
    float **values, **gradients, **firsts, **seconds;
    int64_t *counts;
    int64_t count;
};

static void free_lists(struct lists *l)
{
    free(l->values);
    free(l->counts);
}

static lfuse_status create_lists(struct lists *l, int64_t most, lfuse_error *err)
{
    l->values = malloc((size_t)(4 * most + 1) * sizeof(*l->values));
    l->counts = malloc((size_t)(most + 1) * sizeof(*l->counts));
    if (l->values == NULL || l->counts == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for %lld parameters",
                            (long long)most);
    l->gradients = l->values + most;
    l->firsts = l->gradients + most;
    l->seconds = l->firsts + most;
    return LFUSE_OK;
}

static void add_to_lists(struct lists *l, const struct weights *w)
{
    int64_t i;

    for (i = 0; i < l->count; i++)
        if (l->values[i] == tensors_data(w->value))
            return; /* the retrainer has found it, too */
    l->values[i] = tensors_data(w->value);
    l->gradients[i] = tensors_data(w->gradient);
    l->firsts[i] = tensors_data(w->first);
    l->seconds[i] = tensors_data(w->second);
    l->counts[i] = lfuse_tensor_elements(w->value);
    l->count++;
}

/* What the retrainer lists, and residuals, which came after its last list. */
static lfuse_status fill_lists(const struct gpt *net, const lfuse_retrainer *retrainer,
                               struct lists *l, lfuse_error *err)
{
    const int64_t count = lfuse_retrainer_parameter_count(retrainer);
    const struct weights *factors[8 * GPT_MAX_BLOCKS];
    const int64_t more = gpt_residuals(net, factors);
    lfuse_status status = create_lists(l, count + more, err);
    lfuse_parameter p;
    int64_t i;

    for (i = 0; i < count && status == LFUSE_OK; i++) {
        lfuse_parameter_init(&p, sizeof(p));
        status = lfuse_retrainer_parameter(retrainer, i, &p, err);
        if (status == LFUSE_OK)
            add_to_lists(l,
                         &(struct weights){p.value, p.gradient, p.state[0], p.state[1]});
    }
    for (i = 0; i < more && status == LFUSE_OK; i++)
        add_to_lists(l, factors[i]);
    return status;
}

static lfuse_status update(const struct gpt *net, const lfuse_retrainer *retrainer,
                           const struct lm_training *training, int64_t step,
                           lfuse_error *err)
{
    struct lists l = {0};
    lfuse_adamw_all_args args;
    lfuse_status status = fill_lists(net, retrainer, &l, err);

    lfuse_adamw_all_args_init(&args, sizeof(args));
    args.values = l.values;
    args.gradients = (const float *const *)l.gradients;
    args.firsts = l.firsts;
    args.seconds = l.seconds;
    args.counts = l.counts;
    args.parameters = l.count;
    args.step = step + 1;
    args.learning_rate = lm_rate(training, step);
    args.beta2 = 0.95; /* as Brown et al. 2020, arXiv:2005.14165, appendix B */
    args.weight_decay = training->weight_decay;
    args.max_norm = training->clip;
    if (status == LFUSE_OK && l.count > 0)
        status = lfuse_adamw_all(net->ctx, &args, err);
    free_lists(&l);
    return status;
}

static lfuse_status loss_of(struct gpt *net, const struct window_batch *batch,
                            const struct lm_training *t, double *loss, lfuse_error *err)
{
    lfuse_status status;

    if (t->teacher == NULL)
        return gpt_loss(net, batch->labels, loss, err);
    status =
        gpt_forward(t->teacher, batch->ids, net->batch, net->tokens, GPT_INFERENCE, err);
    return status == LFUSE_OK ? gpt_distil(net, t->teacher, t->temperature, t->taught,
                                           batch->labels, loss, err)
                              : status;
}

static lfuse_status gradients(struct gpt *net, const struct window_batch *batch,
                              const struct lm_training *training, double *loss,
                              lfuse_error *err)
{
    lfuse_status status =
        gpt_forward(net, batch->ids, net->batch, net->tokens, GPT_TRAINING, err);

    if (status == LFUSE_OK)
        status = loss_of(net, batch, training, loss, err);
    if (status == LFUSE_OK && !isfinite(*loss))
        status = example_fail(err, LFUSE_ERR_NOT_FINITE,
                              "the loss is no longer finite: try a smaller --lr");
    return status == LFUSE_OK ? gpt_backward(net, err) : status;
}

/* The retrainer's hooks stand where they stand in any training loop. */
lfuse_status lm_step(struct gpt *net, lfuse_retrainer *retrainer, struct windows *windows,
                     const struct lm_training *training, int64_t step, double *loss,
                     lfuse_error *err)
{
    const int64_t epoch = step / windows_count(windows);
    struct window_batch batch;
    lfuse_status status = lfuse_retrainer_begin_step(retrainer, err);

    if (status != LFUSE_OK)
        return status;
    windows_at(windows, epoch, step % windows_count(windows), &batch);
    net->step = (uint64_t)step;
    status = gradients(net, &batch, training, loss, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_combine_gradients(retrainer, err);
    if (status == LFUSE_OK && training->baseline != NULL)
        status = baseline_project(training->baseline, err);
    if (status == LFUSE_OK)
        status = update(net, retrainer, training, step, err);
    if (status == LFUSE_OK && training->baseline != NULL)
        status = baseline_settle(training->baseline, err);
    return status == LFUSE_OK ? lfuse_retrainer_end_step(retrainer, err) : status;
}
