/*
 * ties_gradients.c - one gradient per group, in the kept member's buffer
 *
 * per position   mean or sum over the members; of a group whose rule drops: the kept one's,
 *                which is there already
 * accumulated    the buffer holds the sum; the mean is that over the number of members
 * mixing         to the sources of the rows: mix_gradients.c
 * rows           to the kept one of each group, of whole weights: rows_steps.c
 *
 * O'Neill et al. 2021, sec. 3.2. Cut into blocks of the gradient's elements, whoever runs
 * them: see combine.c on why no bit depends on it.
 */
#include "fusion/fusion.h"

enum { CHUNK = 16384 }; /* elements of a task */

struct job {
    struct lfi_combination combination;
    const struct lfi_view *target;
};

static lfuse_status check_member(const struct lfi_ties *ties, int64_t index,
                                 const char *when, lfuse_error *err)
{
    const struct lfi_layer *layer = ties->layers[index];
    const int32_t n = lfi_ties_weight_count(ties, index);
    int32_t k;

    for (k = 0; k < n; k++)
        if (lfi_layer_weight(layer, k)->gradient == NULL)
            return lfi_fail(err, LFUSE_ERR_STATE,
                            "parameter %s of layer %s has no gradient%s",
                            lfi_layer_weight(layer, k)->name, layer->name, when);
    return LFUSE_OK;
}

/* Whether the kept position's buffer has all that the group's gradient is made of. */
static bool needs_kept_only(const struct lfi_ties *ties, int64_t group)
{
    return ties->options.gradients == LFUSE_GRADIENTS_ACCUMULATED ||
           lfi_rule_drops(ties->rules[ties->in_force.kept[group]]);
}

static lfuse_status check_group(const struct lfi_ties *ties, int64_t group,
                                const char *when, lfuse_error *err)
{
    const struct lfi_grouping *g = &ties->in_force;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (lfi_rule_is_frozen(ties->rules[g->kept[group]]))
        return LFUSE_OK;
    if (needs_kept_only(ties, group) && !lfi_ties_is_mixed(ties, g->kept[group]))
        return check_member(ties, g->kept[group], when, err);
    for (i = g->first[group]; i < g->first[group + 1] && status == LFUSE_OK; i++)
        status = check_member(ties, g->members[i], when, err);
    return status;
}

lfuse_status lfi_ties_check_gradients(const struct lfi_ties *ties, const char *when,
                                      lfuse_error *err)
{
    lfuse_status status = lfi_mixes_check_gradients(ties, err);
    int64_t group;

    for (group = 0; group < ties->in_force.count && status == LFUSE_OK; group++)
        status = check_group(ties, group, when, err);
    return status == LFUSE_OK ? lfi_row_ties_check_gradients(ties, when, err) : status;
}

static void combine_chunk(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const int64_t n = lfi_view_elements(job->target), first = index * CHUNK;

    (void)slot;
    lfi_combine(&job->combination, job->target, first,
                n - first < CHUNK ? n - first : CHUNK);
}

static lfuse_status combine_weight(const struct lfi_env *env, const struct lfi_ties *ties,
                                   int64_t group, int32_t weight, lfuse_error *err)
{
    const struct lfi_grouping *g = &ties->in_force;
    const struct lfi_layer *kept = ties->layers[g->kept[group]];
    const int64_t size = lfi_grouping_size(g, group);
    const bool is_mean = ties->options.combine == LFUSE_COMBINE_MEAN;
    struct job job = {
        .combination = {.ties = ties,
                        .members = g->members + g->first[group],
                        .count = size,
                        .parameter = weight,
                        .which = LFI_GRADIENT,
                        .divisor = is_mean ? (double)size : 1.0},
        .target = &lfi_layer_weight(kept, weight)->gradient->view,
    };

    if (ties->options.gradients == LFUSE_GRADIENTS_ACCUMULATED) {
        job.combination.members = &g->kept[group];
        job.combination.count = 1;
    }
    return lfi_parallel_for(env, (lfi_view_elements(job.target) + CHUNK - 1) / CHUNK,
                            combine_chunk, &job, err);
}

static lfuse_status combine_group(const struct lfi_env *env, const struct lfi_ties *ties,
                                  int64_t group, lfuse_error *err)
{
    const struct lfi_ties_options *o = &ties->options;
    const int64_t kept = ties->in_force.kept[group];
    const int32_t n = lfi_ties_weight_count(ties, kept);
    lfuse_status status = LFUSE_OK;
    int32_t k;

    if (lfi_rule_is_frozen(ties->rules[kept]) || lfi_rule_drops(ties->rules[kept]) ||
        lfi_ties_is_mixed(ties, kept))
        return LFUSE_OK;
    if (o->gradients == LFUSE_GRADIENTS_ACCUMULATED && o->combine == LFUSE_COMBINE_SUM)
        return LFUSE_OK;
    for (k = 0; k < n && status == LFUSE_OK; k++)
        status = combine_weight(env, ties, group, k, err);
    return status;
}

lfuse_status lfi_ties_combine_gradients(const struct lfi_env *env,
                                        const struct lfi_ties *ties, lfuse_error *err)
{
    lfuse_status status = lfi_ties_check_gradients(ties, "", err);
    int64_t group;

    for (group = 0; group < ties->in_force.count && status == LFUSE_OK; group++)
        status = combine_group(env, ties, group, err);
    if (status == LFUSE_OK)
        status = lfi_mixes_combine_gradients(env, ties, err);
    if (status == LFUSE_OK && ties->rows.in_force.count > 0)
        status = lfi_row_ties_combine_gradients(env, ties, err);
    return status;
}
