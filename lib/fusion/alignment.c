/*
 * alignment.c - the orders of units in which what a plan fuses is most alike
 *
 *     max over the orders of all classes of   sum over groups and their weights of
 *
 *         |W_1 + ... + W_n|^2 / n        what is left of n weights by their mean
 *         <W_kept, sum of the others>    where the kept one stands for all (freeze)
 *
 * which is least squares: what their replacement leaves of |W_i - W|^2. All weights that count a
 * class's units have a say at once, whatever group they are in, so that groups do not disagree.
 * Given the orders of all others, the best of one class is a linear assignment (Ainsworth et al.
 * 2022, "Git Re-Basin", arXiv:2209.04836, sec. 3.2, algorithm 1): so
 *
 *   1  classes are placed one after another, those of kept members first, each in the best order
 *      for what is fused with weights that are placed already;
 *   2  classes are taken in turn until no new order is better.
 *
 * Where a class counts both axes of weights that fuse with each other the assignment takes the
 * one's as they were; what is not better in the end is taken back. So 2 comes to an end, and
 * if it all is no better than the orders as they were, these stay.
 */
#include "fusion/alignment.h"

enum { PASSES = 64 };

/* ---- all of them ---------------------------------------------------------------------------- */

static bool is_class(const struct lfi_aligner *al, int64_t space)
{
    return al->class[space] == space && !al->fixed[space];
}

/* Whether a kept member counts the units of this class. */
static bool is_kept(const struct lfi_aligner *al, int64_t class)
{
    const struct lfi_binding *b = &al->binding;
    int64_t i;

    for (i = 0; i < b->item_count; i++)
        if (al->class[b->items[i].space] == class && al->group[b->items[i].layer] >= 0 &&
            al->goal->owner[b->items[i].layer] == b->items[i].layer)
            return true;
    return false;
}

static lfuse_status place(struct lfi_aligner *al, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;
    int turn;
    bool better;

    for (i = 0; i < al->binding.count; i++)
        al->placed[i] = al->fixed[al->class[i]];
    for (turn = 0; turn < 2; turn++)
        for (i = 0; i < al->binding.count && status == LFUSE_OK; i++) {
            if (!is_class(al, i) || is_kept(al, i) == (turn == 1))
                continue;
            status = lfi_aligner_improve(al, i, true, &better, err);
            al->placed[i] = true;
        }
    return status;
}

static lfuse_status refine(const struct lfi_aligner *al, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    bool better, any = true;
    int64_t i;
    int pass;

    for (pass = 0; pass < PASSES && any && status == LFUSE_OK; pass++) {
        any = false;
        for (i = 0; i < al->binding.count && status == LFUSE_OK; i++) {
            if (!is_class(al, i))
                continue;
            status = lfi_progress(al->env, "alignment", i, al->binding.count, err);
            if (status == LFUSE_OK)
                status = lfi_aligner_improve(al, i, false, &better, err);
            any |= status == LFUSE_OK && better;
        }
    }
    return status;
}

static void clear_orders(const struct lfi_aligner *al)
{
    int64_t i, u;

    for (i = 0; i < al->binding.count; i++)
        for (u = 0; u < al->binding.units[i]; u++)
            al->orders[al->first[i] + u] = u;
}

static lfuse_status search(struct lfi_aligner *al, lfuse_error *err)
{
    double before;
    lfuse_status status;

    clear_orders(al);
    before = lfi_aligner_worth(al, -1);
    status = place(al, err);
    if (status == LFUSE_OK)
        status = refine(al, err);
    if (status == LFUSE_OK && !(lfi_aligner_worth(al, -1) > before))
        clear_orders(al);
    return status;
}

/* ---- life ----------------------------------------------------------------------------------- */

static void aligner_destroy(struct lfi_aligner *al, int64_t count)
{
    const struct lfi_env *env = al->env;
    const size_t spaces = (size_t)al->binding.count, n = (size_t)al->elements;
    const size_t units = al->first == NULL ? 0 : (size_t)al->first[spaces];

    lfi_free(env, al->rest, n, sizeof(*al->rest));
    lfi_free(env, al->maps, n + LFI_MAX_RANK, sizeof(*al->maps));
    lfi_free(env, al->line, n, sizeof(*al->line));
    lfi_free(env, al->there, n, sizeof(*al->there));
    lfi_free(env, al->here, n, sizeof(*al->here));
    lfi_free(env, al->trial, units, sizeof(*al->trial));
    lfi_free(env, al->orders, units, sizeof(*al->orders));
    lfi_free(env, al->first, spaces + 1, sizeof(*al->first));
    lfi_free(env, al->placed, spaces, sizeof(*al->placed));
    lfi_free(env, al->fixed, spaces, sizeof(*al->fixed));
    lfi_free(env, al->class, spaces, sizeof(*al->class));
    lfi_free(env, al->group, (size_t)count, sizeof(*al->group));
    lfi_binding_destroy(env, &al->binding);
}

/* The largest weight that is read. */
static int64_t most_elements(const struct lfi_aligner *al, int64_t count)
{
    int64_t most = 1, i, n;
    int32_t k;

    for (i = 0; i < count; i++)
        for (k = 0; k < lfi_layer_weight_count(al->layers[i]) && al->group[i] >= 0; k++) {
            n = lfi_view_elements(&lfi_layer_weight(al->layers[i], k)->value->view);
            most = n > most ? n : most;
        }
    return most;
}

/* Groups of goal that are not in force as they are. */
static void find_groups(struct lfi_aligner *al, int64_t count)
{
    const struct lfi_grouping *g = al->goal;
    int64_t group, i;

    for (i = 0; i < count; i++)
        al->group[i] = -1;
    for (group = 0; group < g->count; group++) {
        bool is_changed = false;

        for (i = g->first[group]; i < g->first[group + 1]; i++)
            is_changed |= al->plan->start.owner[g->members[i]] !=
                          al->plan->start.owner[g->members[g->first[group]]];
        for (i = g->first[group]; i < g->first[group + 1] && is_changed; i++)
            al->group[g->members[i]] = group;
    }
}

static lfuse_status create_spaces(struct lfi_aligner *al, int64_t count, lfuse_error *err)
{
    const struct lfi_env *env = al->env;
    const size_t spaces = (size_t)al->binding.count;
    lfuse_status status;
    size_t i;

    status =
        lfi_alloc(env, (size_t)count, sizeof(*al->group), "alignment", &al->group, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(env, spaces, sizeof(*al->class), "alignment", &al->class, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(env, spaces, sizeof(*al->fixed), "alignment", &al->fixed, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, spaces, sizeof(*al->placed), "alignment",
                                &al->placed, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, spaces + 1, sizeof(*al->first), "alignment",
                                &al->first, err);
    for (i = 0; i < spaces && status == LFUSE_OK; i++)
        al->first[i + 1] = al->first[i] + al->binding.units[i];
    return status;
}

static lfuse_status create_scratch(struct lfi_aligner *al, lfuse_error *err)
{
    const struct lfi_env *env = al->env;
    const size_t n = (size_t)al->elements, units = (size_t)al->first[al->binding.count];
    lfuse_status status;

    status = lfi_alloc(env, units, sizeof(*al->orders), "alignment", &al->orders, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, units, sizeof(*al->trial), "alignment", &al->trial, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*al->here), "alignment", &al->here, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*al->there), "alignment", &al->there, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*al->line), "alignment", &al->line, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n + LFI_MAX_RANK, sizeof(*al->maps), "alignment",
                           &al->maps, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*al->rest), "alignment", &al->rest, err);
    return status;
}

lfuse_status lfi_plan_align(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            const struct lfi_grouping *goal, bool keeps_one,
                            struct lfi_plan *plan, lfuse_error *err)
{
    struct lfi_aligner al = {
        .env = env, .layers = layers, .plan = plan, .goal = goal, .keeps_one = keeps_one};
    int64_t i;
    lfuse_status status =
        lfi_binding_create(env, plan->options.couplings, layers, count, &al.binding, err);

    if (status == LFUSE_OK)
        status = create_spaces(&al, count, err);
    if (status == LFUSE_OK) {
        find_groups(&al, count);
        al.elements = most_elements(&al, count);
        status = create_scratch(&al, err);
    }
    if (status == LFUSE_OK) {
        lfi_aligner_classify(&al);
        status = search(&al, err);
    }
    if (status == LFUSE_OK)
        status = lfi_moves_create(env, al.binding.count, &plan->moves, err);
    for (i = 0; i < al.binding.count && status == LFUSE_OK; i++)
        if (is_class(&al, i))
            status = lfi_moves_add(env, &al, i, &plan->moves, err);
    aligner_destroy(&al, count);
    return status;
}
