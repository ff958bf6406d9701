/*
 * keep.c - which of two owners keeps its buffer when their groups join
 *
 * Unless the caller keeps others, the one whose position is farthest from the middle of all
 * positions, of two as far the earlier: outer layers matter more, and the middle ones are the
 * redundant ones (O'Neill et al. 2021, sec. 3.2).
 *
 * A pinned one is kept whatever else is asked for; two of them never join.
 *
 * By direction: of a metric that is not symmetric, such as kl, the value of a to b is what is
 * lost when b stands for a. So b is kept where that is less than what is lost the other way.
 */
#include "fusion/planning.h"

int64_t lfi_join_middle(const struct lfi_layer *const *layers, int64_t count)
{
    int64_t least = layers[0]->position, greatest = least, i;

    for (i = 1; i < count; i++) {
        const int64_t position = layers[i]->position;

        least = position < least ? position : least;
        greatest = position > greatest ? position : greatest;
    }
    return least + greatest;
}

static int64_t distance(const struct lfi_join *j, int64_t index)
{
    const int64_t d = 2 * (int64_t)j->layers[index]->position - j->middle;

    return d < 0 ? -d : d;
}

/* What the kept one of two owners has more of. */
static int64_t merit(const struct lfi_join *j, int64_t index)
{
    switch (j->plan->options.keep) {
    case LFUSE_KEEP_NEAREST: return -distance(j, index);
    case LFUSE_KEEP_FIRST: return -(int64_t)j->layers[index]->position;
    case LFUSE_KEEP_LAST: return j->layers[index]->position;
    default: return distance(j, index);
    }
}

/* How much less is lost when a stands for b than when b does for a; NaN: nobody knows. */
static double lead(const struct lfi_join *j, const struct lfi_kin *kin, int64_t a,
                   int64_t b)
{
    const int64_t x = lfi_kin_find(kin, a), y = lfi_kin_find(kin, b);
    const double there = kin->scores[x * kin->count + y],
                 back = kin->scores[y * kin->count + x];

    return j->metric->is_distance ? there - back : back - there;
}

/* Owners are the best of their groups, so the best of both is one of the two. */
int64_t lfi_join_kept(const struct lfi_join *j, const struct lfi_kin *kin, int64_t a,
                      int64_t b)
{
    const int64_t ma = merit(j, a), mb = merit(j, b);
    const int32_t pa = j->layers[a]->position, pb = j->layers[b]->position;
    const double d =
        j->plan->options.keep == LFUSE_KEEP_BY_DIRECTION ? lead(j, kin, a, b) : 0.0;

    if (j->choice->pinned[a] || j->choice->pinned[b])
        return j->choice->pinned[a] ? a : b;
    if (d > 0.0 || d < 0.0)
        return d > 0.0 ? a : b;
    if (ma != mb)
        return ma > mb ? a : b;
    if (pa != pb)
        return pa < pb ? a : b;
    return a < b ? a : b;
}
