/*
 * decide.c - what is due at the end of an epoch, and taking back what cost too much
 *
 *     metric < reference - tolerance     costs too much
 *
 * The reference is the metric before the first fusion, or before the latest. A fusion is judged
 * once, at the first end of an epoch at which its grace is over: an average over more would say
 * more, but that is the caller's metric to be. The pairs of a fusion that was taken back stay
 * apart from then on, and the schedule tries the next best in its place.
 */
#include "retrain/retrain.h"

#include <string.h>

static int64_t waited(const struct lfi_retrainer *r)
{
    return r->waited + (r->schedule.in_steps ? 0 : 1);
}

bool lfi_decide_is_over(const struct lfi_retrainer *r)
{
    const struct lfi_plan *plan = r->plan;

    if (r->fused >= r->schedule.fusions || r->gave_up || r->is_done)
        return true;
    return r->schedule.pairs != INT64_MAX && r->fused > 0 &&
           (plan->fusion_count == 0 ||
            lfi_account_ratio(&plan->account, plan->options.base) >= r->schedule.ratio);
}

enum lfi_due lfi_decide_due(const struct lfi_retrainer *r)
{
    const struct lfi_schedule *s = &r->schedule;

    if (!r->is_begun || r->is_done)
        return LFI_DUE_NOTHING;
    if (waited(r) >= s->interval && lfi_decide_is_over(r))
        return LFI_DUE_END;
    if (s->lead > 0 && !r->is_picked && !lfi_decide_is_over(r) &&
        waited(r) >= s->interval - s->lead)
        return LFI_DUE_PICK;
    if (waited(r) >= s->interval)
        return LFI_DUE_FUSE;
    if (s->mix > 0 && waited(r) >= s->mix &&
        (r->ties->mixes.count > 0 || r->ties->rows.mixes_bytes > 0))
        return LFI_DUE_TIE;
    return LFI_DUE_NOTHING;
}

bool lfi_decide_is_judged(const struct lfi_retrainer *r)
{
    return r->before.is_open && waited(r) >= r->tolerance.grace;
}

bool lfi_decide_is_too_dear(const struct lfi_retrainer *r, double metric)
{
    return metric < r->reference - r->tolerance.tolerance;
}

void lfi_before_close(const struct lfi_env *env, struct lfi_retrainer *r)
{
    lfi_snapshot_destroy(env, &r->before.snapshot);
    r->before.is_open = false;
}

/* ---- fusions before the latest ------------------------------------------------------------ */

lfuse_status lfi_past_grow(const struct lfi_env *env, const struct lfi_past *past,
                           struct lfi_past *grown, lfuse_error *err)
{
    lfuse_status status;

    *grown = (struct lfi_past){.count = past->count, .capacity = past->count + 1};
    status = lfi_alloc(env, (size_t)grown->capacity, sizeof(*grown->items), "fusions",
                       &grown->items, err);
    if (status == LFUSE_OK && past->count > 0)
        memcpy(grown->items, past->items, (size_t)past->count * sizeof(*past->items));
    return status;
}

void lfi_past_free(const struct lfi_env *env, struct lfi_past *past)
{
    lfi_free(env, past->items, (size_t)past->capacity, sizeof(*past->items));
    *past = (struct lfi_past){0};
}

void lfi_past_destroy(const struct lfi_env *env, struct lfi_past *past)
{
    int64_t i;

    for (i = 0; i < past->count; i++)
        lfi_plan_destroy(env, &past->items[i].plan);
    lfi_past_free(env, past);
}

/* ---- pairs that stay apart ---------------------------------------------------------------- */

lfuse_status lfi_aparts_reserve(const struct lfi_env *env, struct lfi_aparts *aparts,
                                int64_t more, lfuse_error *err)
{
    const int64_t capacity = aparts->count + more;
    struct lfi_apart *items;
    lfuse_status status;
    int64_t i;

    if (capacity <= aparts->capacity)
        return LFUSE_OK;
    status = lfi_alloc(env, (size_t)capacity, sizeof(*items), "pairs", &items, err);
    if (status != LFUSE_OK)
        return status;
    for (i = 0; i < aparts->count; i++)
        items[i] = aparts->items[i];
    lfi_free(env, aparts->items, (size_t)aparts->capacity, sizeof(*aparts->items));
    aparts->items = items;
    aparts->capacity = capacity;
    return LFUSE_OK;
}

void lfi_aparts_destroy(const struct lfi_env *env, struct lfi_aparts *aparts)
{
    lfi_free(env, aparts->items, (size_t)aparts->capacity, sizeof(*aparts->items));
    *aparts = (struct lfi_aparts){0};
}

/* ---- rolling back --------------------------------------------------------------------------- */

static void commit(const struct lfi_env *env, struct lfi_retrainer *r)
{
    const bool is_row = r->plan->options.unit == LFUSE_UNIT_ROW;
    int64_t i;

    for (i = 0; i < r->plan->fusion_count && !is_row; i++)
        r->aparts.items[r->aparts.count++] =
            (struct lfi_apart){r->plan->fusions[i].a, r->plan->fusions[i].b};
    lfi_plan_destroy(env, r->plan);
    *r->plan = (struct lfi_plan){0};
    r->is_tied = false;
    if (r->past.count > 0) {
        *r->plan = r->past.items[--r->past.count].plan;
        r->is_tied = r->past.items[r->past.count].is_tied;
    }
    r->before = (struct lfi_before){0};
    lfi_fuse_forget(env, r);
    r->fused--;
    r->rolled_back++;
    r->is_rolled_back = true;
    r->gave_up = is_row || r->rolled_back >= r->tolerance.rollbacks;
    r->waited = r->schedule.interval; /* the next is due at once */
    lfi_trained_list(r);
}

lfuse_status lfi_decide_roll_back(const struct lfi_env *env, struct lfi_retrainer *r,
                                  lfuse_error *err)
{
    lfuse_status status = lfi_aparts_reserve(env, &r->aparts, r->plan->fusion_count, err);

    if (status == LFUSE_OK)
        status = lfi_trained_reserve(env, r, err);
    if (status == LFUSE_OK)
        status = lfi_snapshot_restore(env, r->ties, &r->before.snapshot, err);
    if (status == LFUSE_OK)
        commit(env, r);
    return status;
}
