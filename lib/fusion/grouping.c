/* grouping.c - a partition of layers, or of rows, into groups that share one buffer each */
#include "fusion/fusion.h"

lfuse_status lfi_grouping_create(const struct lfi_env *env, int64_t items,
                                 struct lfi_grouping *grouping, lfuse_error *err)
{
    struct lfi_grouping g = {.items = items};
    const size_t n = (size_t)items + 1;
    lfuse_status status;

    status = lfi_alloc(env, n, sizeof(*g.owner), "groups", &g.owner, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*g.kept), "groups", &g.kept, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*g.first), "groups", &g.first, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*g.members), "groups", &g.members, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*g.group), "groups", &g.group, err);
    if (status == LFUSE_OK)
        lfi_grouping_set(&g, NULL);
    else
        lfi_grouping_destroy(env, &g);
    *grouping = g;
    return status;
}

void lfi_grouping_destroy(const struct lfi_env *env, struct lfi_grouping *grouping)
{
    const size_t n = (size_t)grouping->items + 1;

    lfi_free(env, grouping->group, n, sizeof(*grouping->group));
    lfi_free(env, grouping->members, n, sizeof(*grouping->members));
    lfi_free(env, grouping->first, n, sizeof(*grouping->first));
    lfi_free(env, grouping->kept, n, sizeof(*grouping->kept));
    lfi_free(env, grouping->owner, n, sizeof(*grouping->owner));
    *grouping = (struct lfi_grouping){0};
}

/* Groups of two or more get their numbers, in the order of their first members; first[] is their
 * size. members[] is scratch: the size of an owner's group, then -1 - its number. */
static void number_groups(struct lfi_grouping *g)
{
    int64_t i;

    for (i = 0; i < g->items; i++)
        g->members[i] = 0;
    for (i = 0; i < g->items; i++)
        g->members[g->owner[i]]++;
    g->count = 0;
    for (i = 0; i < g->items; i++) {
        int64_t *seen = &g->members[g->owner[i]];

        if (*seen > 1) {
            g->kept[g->count] = g->owner[i];
            g->first[g->count] = *seen;
            *seen = -1 - g->count++;
        }
        g->group[i] = *seen < 0 ? -1 - *seen : -1;
    }
}

void lfi_grouping_set(struct lfi_grouping *grouping, const int64_t *owner)
{
    struct lfi_grouping *g = grouping;
    int64_t at = 0, size, i;

    for (i = 0; i < g->items; i++)
        g->owner[i] = owner == NULL ? i : owner[i];
    number_groups(g);
    for (i = 0; i < g->count; i++) {
        size = g->first[i];
        g->first[i] = at;
        at += size;
    }
    for (i = 0; i < g->items; i++) /* each start becomes its group's end */
        if (g->group[i] >= 0)
            g->members[g->first[g->group[i]]++] = i;
    for (i = g->count; i > 0; i--)
        g->first[i] = g->first[i - 1];
    g->first[0] = 0;
}

int64_t lfi_grouping_size(const struct lfi_grouping *grouping, int64_t group)
{
    return grouping->first[group + 1] - grouping->first[group];
}
