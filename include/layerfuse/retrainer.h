/*
 * retrainer.h - hooks around the caller's own training loop
 *
 *     lfuse_retrainer_fuse(r, &err);                    // the schedule's first fusion
 *     for each epoch {
 *         for each step {
 *             lfuse_retrainer_begin_step(r, &err);
 *             forward(); backward();                    // any number of micro-batches
 *             lfuse_retrainer_combine_gradients(r, &err);
 *             for (i = 0; i < lfuse_retrainer_parameter_count(r); i++)
 *                 update(lfuse_retrainer_parameter(r, i, &p, &err));
 *             lfuse_retrainer_end_step(r, &err);        // or abort_step
 *         }
 *         lfuse_retrainer_end_epoch(r, metric, &verdict, &err);
 *     }
 *
 * The schedule removes the share f = 1 - 1/ratio of the base in S = `fusions` parts, one at
 * lfuse_retrainer_fuse() and one at the end of every `interval` epochs after it: after fusion
 * s of S the network is at ratio 1 / (1 - f_s) or just past it, where f_s is
 *
 *     uniform       f s / S                       each takes as much as any other
 *     exponential   f (1 - q^s) / (1 - q^S)       each takes q = `decay` of what the last one took
 *     custom        1 - 1 / custom(user, s, S)
 *
 * Exponential fuses most while the network is large and leaves most of the training to the small
 * one, as the curriculum of O'Neill et al. 2021, sec. 3.3, for which the paper has no formula;
 * a geometric series is the plainest that has a parameter for it, and uniform at q = 1. custom is asked
 * when a fusion is due. With `pairs` each fusion joins that many, the most alike, until the goal is
 * reached or nothing is left to join. `interval` epochs after the last fusion the verdict is
 * LFUSE_VERDICT_DONE.
 *
 * With LFUSE_RETRAINER_FLAG_STEPS the interval is counted in steps that have ended, and
 * lfuse_retrainer_is_due() says after each whether it is over: end_epoch then, or at the end of
 * the epoch, whichever the caller likes.
 *
 * The goal is tried when the retrainer is made, in one step from there. Training moves the
 * layers, and with max_group the groups of earlier fusions may leave too little to join: a
 * later fusion that cannot reach its ratio goes as far as it can, and logs a warning.
 *
 * With a `lead` the layers of a fusion are picked as many epochs before it is due, and they alone
 * train until then, all of what they have (O'Neill et al. 2021, sec. 4.2): the list of parameters has no
 * others. lfuse_retrainer_fuse() then picks, and the first fusion comes a lead later.
 *
 * With LFUSE_RETRAINER_FLAG_TOLERANCE the metric decides. `grace` epochs after a fusion, at the next
 * lfuse_retrainer_end_epoch(), it is judged once: where metric < reference - tolerance it is rolled
 * back. The reference is baseline, the metric before the first fusion; with
 * LFUSE_RETRAINER_FLAG_EACH it is for later fusions the metric of the epoch at whose end they were
 * made. Rolled back, every value, statistic and optimiser state of every parameter of the layers is
 * what it was before the fusion, to the bit and to the address (rebind is told), and so are the ties;
 * gradients are old. What else the caller has, such as parameters outside of the layers, a learning
 * rate or the step of an optimiser, is the caller's to put back: the verdict says when. Pairs of
 * layers that were joined stay apart from then on, and the schedule tries the next best in their
 * place: at the next end_epoch, or at once, by lfuse_retrainer_fuse(). As many as `rollbacks` end it,
 * and of the unit row the first: then the next end_epoch is LFUSE_VERDICT_DONE. Until it is judged,
 * a fusion costs the memory of a copy of all values and state, and what it has freed.
 *
 * Fusing changes what later layers receive. `repair` is called upon every fusion, with groups that mix
 * showing their mean, to put that right, say by forward passes that re-estimate the running statistics of
 * batch norms. Within it none of these calls may be made. Where it
 * fails, the fusion is rolled back, and has not happened.
 *
 * Under LFUSE_POLICY_RANDOM groups mix (ties.h) while the schedule runs: from begin_step to
 * combine_gradients members show the mix of this step, from begin_eval to end_eval their mean,
 * and otherwise each its own source, which are all in the list of parameters. So a weight's
 * address is asked for after begin_step and begin_eval, and a parameter's after
 * combine_gradients. With LFUSE_VERDICT_DONE, `mix` epochs after the latest fusion, or by
 * lfuse_retrainer_finalise(), they are tied; and so are those under LFUSE_POLICY_JS, whose members show
 * their own in between.
 *
 * A retrainer is confined to one thread.
 */
#ifndef LAYERFUSE_RETRAINER_H
#define LAYERFUSE_RETRAINER_H

#include <layerfuse/layer.h>
#include <layerfuse/ties.h>

LFUSE_BEGIN_DECLS

/* Flags of lfuse_retrainer_options. */
enum {
    LFUSE_RETRAINER_FLAG_STEPS = 1, /* interval, lead, mix and grace are in steps */
    LFUSE_RETRAINER_FLAG_TOLERANCE =
        2, /* tolerance and baseline are given: 0 is a value, too */
    LFUSE_RETRAINER_FLAG_EACH = 4 /* tolerance is of each fusion, not of all together */
};

typedef struct lfuse_retrainer_options {
    size_t struct_size; /* set by lfuse_retrainer_options_init(&o, sizeof(o)) */
    const lfuse_plan_options *plan; /* its ratio is the goal; must be given, top_k as 0 */
    const lfuse_ties_options *ties; /* NULL means all defaults */
    int32_t fusions;  /* number of them on the way to the goal; 0 means 1; of pairs: at
                        most, and 0 means no limit */
    int32_t interval; /* epochs between two fusions; 0 means 1 */
    lfuse_schedule schedule;      /* 0 means uniform */
    uint32_t flags;               /* LFUSE_RETRAINER_FLAG_* or 0 */
    lfuse_schedule_custom custom; /* of the schedule custom */
    void *custom_user;
    double decay;        /* of exponential, in (0, 1); 0 means 0.5 */
    int64_t pairs;       /* that each fusion joins; 0 means: as the schedule says */
    lfuse_repair repair; /* upon every fusion; or NULL */
    void *repair_user;
    double tolerance;  /* >= 0, in the metric's units; with its flag */
    double baseline;   /* the metric before the first fusion; with the same */
    int32_t grace;     /* epochs before a fusion is judged; 0 means interval */
    int32_t rollbacks; /* that end the schedule; 0 means 3 */
    int32_t lead;      /* epochs before a fusion, < interval; 0 means none */
    int32_t mix;       /* epochs after it, < interval; 0 means until the end */
} lfuse_retrainer_options;

/**
 * lfuse_retrainer_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_retrainer_options_init(lfuse_retrainer_options *options,
                                            size_t size);

/**
 * lfuse_retrainer_create() - a retrainer over these layers; nothing is fused yet
 *
 * Owner:   the array and the options are copied, the layers, and couplings of the plan, are
 *          borrowed until the retrainer is destroyed. *retrainer is returned: release with lfuse_retrainer_destroy().
 * Errors:  as lfuse_plan_build() and lfuse_ties_create(): the goal is tried at once, so that
 *          a ratio out of reach is known before an hour of training; and
 *          LFUSE_ERR_ARGUMENT     options or options->plan is NULL, its ratio is 0, top_k or
 *                                 in_force is given, a negative number, an unknown schedule or
 *                                 flag, a decay outside (0, 1) or of another schedule than
 *                                 exponential, pairs beside a schedule other than uniform,
 *                                 custom missing, or given in vain, a lead, mix or grace that
 *                                 does not fit the interval, a tolerance that is negative or
 *                                 not finite, or what belongs to it without its flag
 *          LFUSE_ERR_UNSUPPORTED  LFUSE_FREEZE_DROPPED with accumulated gradients, or a lead
 *                                 with LFUSE_PLAN_FLAG_CONTENTS, which training outdates
 *          On failure *retrainer is NULL and the layers are untouched.
 * Threads: layers are read.
 * Source:  O'Neill et al. 2021, algorithm 1. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_create(lfuse_context *ctx,
                                              lfuse_layer *const *layers, int64_t count,
                                              const lfuse_retrainer_options *options,
                                              lfuse_retrainer **retrainer,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_destroy() - ends the retrainer; layers keep the weights and ties they have
 *
 * Owner:   NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_retrainer_destroy(lfuse_retrainer *retrainer);

/**
 * lfuse_retrainer_fuse() - the schedule's next fusion, now
 *
 * Result:  measures the layers as they are and ties the most alike. Called once, before
 *          training; lfuse_retrainer_end_epoch() does the later ones. Called again after a
 *          roll-back, it does not wait for the end of another epoch. With a lead it picks.
 * Errors:  as lfuse_plan_build() and lfuse_ties_apply(); LFUSE_ERR_STATE inside a step or an
 *          evaluation, when the first fusion is done, or when roll-backs have ended the
 *          schedule; LFUSE_ERR_CALLBACK when the schedule custom gives what is not in [1, the
 *          goal], or repair fails (error.detail is its value; should rebind refuse to go back,
 *          the fusion stays in force, and a warning is logged). On failure nothing has changed.
 * Threads: layers are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_fuse(lfuse_retrainer *retrainer,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_finalise() - ties every group that mixes now, as lfuse_ties_finalise()
 *
 * Result:  the list of parameters has one weight per group. A later fusion of the schedule
 *          that joins such a group lets it mix again, as one source. Under other policies than
 *          random, and after LFUSE_VERDICT_DONE, nothing is left to do.
 * Errors:  those of lfuse_ties_finalise(); LFUSE_ERR_STATE inside a step or an evaluation;
 *          LFUSE_ERR_NO_MEMORY when a layer has gained parameters, as of lfuse_retrainer_undo()
 *          On failure nothing has changed.
 * Threads: layers are written.
 * Source:  O'Neill et al. 2021, sec. 3.2. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_finalise(lfuse_retrainer *retrainer,
                                                lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_undo() - parts all groups, as lfuse_ties_undo(), and starts the schedule anew
 *
 * Result:  weights and their state are as before the first fusion, every weight trains, and
 *          lfuse_retrainer_fuse() is expected again. Before the first fusion nothing happens.
 * Errors:  those of lfuse_ties_undo(); and
 *          LFUSE_ERR_STATE      inside a step or an evaluation
 *          LFUSE_ERR_NO_MEMORY  a layer has gained parameters, and the allocator refused room
 *                               for them in the list
 *          On failure nothing has changed.
 * Threads: layers are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_undo(lfuse_retrainer *retrainer,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_begin_step() - opens a step, before the forward pass; refreshes mirrors, and
 *                                shows mixes, which depend on how many steps have ended
 * lfuse_retrainer_combine_gradients() - after the backward pass: one gradient per group
 * lfuse_retrainer_end_step() - after the update: refreshes mirrors and closes the step
 * lfuse_retrainer_abort_step() - closes the step as if it had not been; the caller has not
 *                                updated. A combined gradient stays combined.
 *
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_STATE     out of order: begin, combine, end; abort after begin or
 *                              combine. Says which call was expected. Or, combining: a weight of a
 *                              group that trains has no gradient: says which, and in which step
 *          LFUSE_ERR_NOT_FINITE  combining: NaN or infinity in a gradient that trains something:
 *                              says of which layer and parameter, where, and in which step,
 *                              from 1. Nothing is combined: abort_step, and weights stay.
 *          and those of lfuse_ties_combine_gradients(), _refresh() and _show(). On failure
 *          nothing has changed but what these say, and the same call is expected still; after
 *          LFUSE_ERR_CALLBACK from combining, abort_step is, because a second try would
 *          combine some gradients twice.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_begin_step(lfuse_retrainer *retrainer,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_retrainer_combine_gradients(
    lfuse_retrainer *retrainer, lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_retrainer_end_step(lfuse_retrainer *retrainer,
                                                lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_retrainer_abort_step(lfuse_retrainer *retrainer,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_parameter_count() - unique parameters that train now; 0 for NULL
 * lfuse_retrainer_parameter() - the one at index
 *
 * Result:  every trainable tensor once, in the order of the layers: weights of a group under
 *          its kept member, of a group that mixes every source; frozen weights and statistics
 *          are absent, so that no weight decay moves them. The list changes with a fusion, the
 *          beginning of a lead, a roll-back, finalising or an undo.
 * Owner:   strings and tensors are borrowed until the next of these.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or index outside [0, parameter_count)
 *          On failure *parameter is untouched.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_retrainer_parameter_count(const lfuse_retrainer *retrainer);
LFUSE_API lfuse_status lfuse_retrainer_parameter(const lfuse_retrainer *retrainer,
                                                 int64_t index,
                                                 lfuse_parameter *parameter,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_begin_eval() - before an evaluation: no step may be open; refreshes mirrors
 *                                and shows the mean of groups that mix
 * lfuse_retrainer_end_eval() - after it
 *
 * Result:  weights are what a saved network would have, once its groups are finalised.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL
 *          LFUSE_ERR_STATE     inside a step, or out of order
 *          and those of lfuse_ties_refresh() and lfuse_ties_show(): then begin_eval has opened
 *          no evaluation, end_eval ended none.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_begin_eval(lfuse_retrainer *retrainer,
                                                  lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_retrainer_end_eval(lfuse_retrainer *retrainer,
                                                lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_probe() - tries `count` ways to do the next fusion, and picks the cheapest
 *
 * Result:  the next fusion of the schedule joins what cost least, wherever it is due; *metric is
 *          what was evaluated for that. The first way is what the schedule would do anyway; each
 *          other what it would do if the most alike pair of each way before it had to stay apart,
 *          as far as there are others that reach as far. With `pairs` as 1 these are the `count`
 *          most alike pairs. Each is put in force, repaired, evaluated with groups that mix
 *          showing their mean, and taken back to the bit and to the address; evaluate must make
 *          none of these calls. Of two that cost the same the more alike is picked.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, or count < 1
 *          LFUSE_ERR_STATE        inside a step or an evaluation, when the next fusion has been
 *                                 probed, or when the schedule has no other
 *          LFUSE_ERR_UNSUPPORTED  with a lead, and of the unit row
 *          LFUSE_ERR_UNREACHABLE  nothing is left to join
 *          LFUSE_ERR_CALLBACK     evaluate failed (error.detail is its value), or gave what is
 *                                 not finite; repair failed; or rebind refused to go back: what
 *                                 was tried is then in force still
 *          and those of lfuse_retrainer_fuse(). On failure nothing has changed otherwise, and
 *          *metric is untouched.
 * Cost:    that of `count` plans, evaluations and copies of all values and state.
 * Threads: layers are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_probe(lfuse_retrainer *retrainer, int64_t count,
                                             lfuse_evaluate evaluate, void *user,
                                             double *metric,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_is_due() - 1 when the next lfuse_retrainer_end_epoch() has something to decide,
 *                            else 0
 *
 * Result:  0 before the first fusion, after LFUSE_VERDICT_DONE, and for NULL.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API int32_t lfuse_retrainer_is_due(const lfuse_retrainer *retrainer);

/**
 * lfuse_retrainer_end_epoch() - counts an epoch and fuses when it is time
 *
 * Result:  judges the latest fusion, if its grace is over, and does what is due. *verdict says
 *          what happened: LFUSE_VERDICT_FUSED where layers were tied, by a fusion or by
 *          finalising in time; LFUSE_VERDICT_ROLLED_BACK, and nothing else then; with
 *          LFUSE_VERDICT_DONE groups that mix have been finalised; or LFUSE_VERDICT_CONTINUE,
 *          also where a lead has begun, or where an earlier fusion had gone past the ratio of
 *          the one that is due. metric is the caller's figure for the epoch (greater is better,
 *          such as accuracy; of a loss or a perplexity, minus it); it is logged.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or a metric that is not finite
 *          LFUSE_ERR_STATE     inside a step or an evaluation, before the first fusion, or
 *                              after LFUSE_VERDICT_DONE
 *          LFUSE_ERR_CALLBACK  rebind refused to go back: the fusion is still in force
 *          and those of lfuse_retrainer_fuse() and _finalise(): then neither the epoch is
 *          counted nor anything fused. On failure *verdict is untouched.
 * Threads: layers are written.
 * Source:  O'Neill et al. 2021, algorithm 1. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_end_epoch(lfuse_retrainer *retrainer,
                                                 double metric, lfuse_verdict *verdict,
                                                 lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_ties() - the ties in force, to inspect and to account
 *
 * Owner:   borrowed until the retrainer is destroyed. NULL for NULL.
 * Source:  Since 0.1.
 */
LFUSE_API const lfuse_ties *lfuse_retrainer_ties(const lfuse_retrainer *retrainer);

/**
 * lfuse_retrainer_plan() - the plan of the latest fusion
 *
 * Owner:   borrowed until the next fusion or undo, or the end of the retrainer. NULL before
 *          the first fusion.
 * Source:  Since 0.1.
 */
LFUSE_API const lfuse_plan *lfuse_retrainer_plan(const lfuse_retrainer *retrainer);

LFUSE_END_DECLS

#endif
