/* grouping.c - a partition of layers into groups that share one buffer each */
#include "fusion/fusion.h"

lfuse_status lfi_grouping_create(const struct lfi_env *env, int64_t layers,
                                 struct lfi_grouping *grouping, lfuse_error *err)
{
    struct lfi_grouping g = {.layers = layers};
    const size_t n = (size_t)layers + 1;
    lfuse_status status;

    status = lfi_alloc(env, n, sizeof(*g.owner), "groups", &g.owner, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*g.kept), "groups", &g.kept, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*g.first), "groups", &g.first, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*g.members), "groups", &g.members, err);
    if (status == LFUSE_OK)
        lfi_grouping_set(&g, NULL);
    else
        lfi_grouping_destroy(env, &g);
    *grouping = g;
    return status;
}

void lfi_grouping_destroy(const struct lfi_env *env, struct lfi_grouping *grouping)
{
    const size_t n = (size_t)grouping->layers + 1;

    lfi_free(env, grouping->members, n, sizeof(*grouping->members));
    lfi_free(env, grouping->first, n, sizeof(*grouping->first));
    lfi_free(env, grouping->kept, n, sizeof(*grouping->kept));
    lfi_free(env, grouping->owner, n, sizeof(*grouping->owner));
    *grouping = (struct lfi_grouping){0};
}

/* The members of kept's group from layer `from` on, appended at `at`; their number. */
static int64_t gather(struct lfi_grouping *g, int64_t kept, int64_t from, int64_t at)
{
    int64_t n = 0, i;

    for (i = from; i < g->layers; i++)
        if (g->owner[i] == kept)
            g->members[at + n++] = i;
    return n;
}

/* Whether no layer before i has i's owner. */
static bool is_first_member(const struct lfi_grouping *g, int64_t i)
{
    int64_t j;

    for (j = 0; j < i; j++)
        if (g->owner[j] == g->owner[i])
            return false;
    return true;
}

void lfi_grouping_set(struct lfi_grouping *grouping, const int64_t *owner)
{
    int64_t i, n, at = 0;

    for (i = 0; i < grouping->layers; i++)
        grouping->owner[i] = owner == NULL ? i : owner[i];
    grouping->count = 0;
    for (i = 0; i < grouping->layers; i++) {
        if (!is_first_member(grouping, i))
            continue;
        n = gather(grouping, grouping->owner[i], i, at);
        if (n < 2)
            continue; /* overwritten by the next group */
        grouping->kept[grouping->count] = grouping->owner[i];
        grouping->first[grouping->count++] = at;
        at += n;
    }
    grouping->first[grouping->count] = at;
}

int64_t lfi_grouping_size(const struct lfi_grouping *grouping, int64_t group)
{
    return grouping->first[group + 1] - grouping->first[group];
}
