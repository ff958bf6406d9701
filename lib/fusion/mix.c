/*
 * mix.c - what the members of a group that mixes show in the place of their own weights
 *
 * O'Neill et al. 2021, sec. 3.2 (mixing): every row is drawn from one of the sources, biases
 * are averaged. Under the policy js each shows its own, and the mean only when that is asked for. The mix is a buffer of the group's own; a member's face to it is whatever the
 * member does not have in hand. Where pointers can change places no element is copied.
 */
#include "fusion/fusion.h"

/* The stream of the draws, apart from others of the same seed. */
static const uint64_t MIX_STREAM = UINT64_C(0x6d69782d726f7773);

int32_t lfi_mix_draw(const struct lfi_env *env, int64_t kept, int32_t parameter,
                     int64_t step, int64_t row, int32_t members)
{
    const uint64_t layer = ((uint64_t)kept << 16) ^ (uint64_t)parameter,
                   key = lfi_random_u64(env->seed, MIX_STREAM, layer);

    return (int32_t)(lfi_random_uniform(key, (uint64_t)step, (uint64_t)row) *
                     (double)members);
}

static void mix_release(const struct lfi_env *env, struct lfi_mix *mix)
{
    int32_t i;

    for (i = 0; mix->faces != NULL && i < mix->count; i++)
        lfi_array_release(&mix->faces[i].other);
    lfi_array_release(&mix->buffer);
    lfi_free(env, mix->faces, (size_t)mix->count, sizeof(*mix->faces));
    lfi_free(env, mix->members, (size_t)mix->count, sizeof(*mix->members));
    *mix = (struct lfi_mix){0};
}

static lfuse_status make_face(const struct lfi_env *env, const struct lfi_ties *ties,
                              const struct lfi_mix *mix, int32_t member,
                              struct lfi_face *face, lfuse_error *err)
{
    const struct lfi_array *value =
        lfi_ties_parameter(ties, mix->members[member], mix->parameter)->value;

    face->copies = !lfi_ties_can_repoint(ties, value, &mix->buffer.view);
    if (face->copies)
        return lfi_array_create(env, &value->view, &face->other, err);
    face->other = lfi_array_share(&mix->buffer);
    return LFUSE_OK;
}

static lfuse_status mix_create(const struct lfi_env *env, const struct lfi_ties *ties,
                               const struct lfi_grouping *grouping, int64_t group,
                               int32_t parameter, bool draws, double share,
                               struct lfi_mix *mix, lfuse_error *err)
{
    const int32_t n = (int32_t)lfi_grouping_size(grouping, group);
    const struct lfi_view *shape =
        &lfi_ties_parameter(ties, grouping->kept[group], parameter)->value->view;
    lfuse_status status;
    int32_t i;

    *mix = (struct lfi_mix){
        .parameter = parameter, .count = n, .draws = draws, .share = share};
    status =
        lfi_alloc(env, (size_t)n, sizeof(*mix->members), "a mix", &mix->members, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)n, sizeof(*mix->faces), "a mix", &mix->faces,
                                err);
    if (status == LFUSE_OK)
        status = lfi_array_create(env, shape, &mix->buffer, err);
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        mix->members[i] = grouping->members[grouping->first[group] + i];
        status = make_face(env, ties, mix, i, &mix->faces[i], err);
    }
    if (status != LFUSE_OK)
        mix_release(env, mix);
    return status;
}

int32_t lfi_mixes_of_group(const struct lfi_ties *ties, int64_t kept,
                           struct lfi_rule rule)
{
    return lfi_policy_find(rule.policy)->draws ? lfi_ties_parameter_count(ties, kept)
                                               : lfi_ties_weight_count(ties, kept);
}

bool lfi_mix_is_shown(const struct lfi_mix *mix, lfuse_show show)
{
    return show == LFUSE_SHOW_MEAN || (show == LFUSE_SHOW_MIX && mix->draws);
}

lfuse_status lfi_mixes_add(const struct lfi_env *env, const struct lfi_ties *ties,
                           const struct lfi_grouping *grouping, int64_t group,
                           struct lfi_rule rule, double share, struct lfi_mixes *mixes,
                           lfuse_error *err)
{
    const int64_t before = mixes->count;
    const int32_t n = lfi_mixes_of_group(ties, grouping->kept[group], rule);
    lfuse_status status = LFUSE_OK;
    int32_t k;

    for (k = 0; k < n && status == LFUSE_OK; k++) {
        status =
            mix_create(env, ties, grouping, group, k, lfi_policy_find(rule.policy)->draws,
                       share, &mixes->items[mixes->count], err);
        if (status == LFUSE_OK)
            mixes->count++;
    }
    while (status != LFUSE_OK && mixes->count > before)
        mix_release(env, &mixes->items[--mixes->count]);
    return status;
}

void lfi_mixes_destroy(const struct lfi_env *env, struct lfi_mixes *mixes)
{
    int64_t i;

    for (i = 0; i < mixes->count; i++)
        mix_release(env, &mixes->items[i]);
    lfi_free(env, mixes->items, (size_t)mixes->capacity, sizeof(*mixes->items));
    *mixes = (struct lfi_mixes){0};
}

static lfuse_status mix_copy(const struct lfi_env *env, const struct lfi_mix *mix,
                             struct lfi_mix *copy, lfuse_error *err)
{
    const size_t n = (size_t)mix->count;
    lfuse_status status;
    int32_t i;

    *copy = *mix;
    copy->faces = NULL;
    copy->members = NULL;
    copy->buffer = lfi_array_share(&mix->buffer);
    status = lfi_alloc(env, n, sizeof(*mix->members), "a mix", &copy->members, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*mix->faces), "a mix", &copy->faces, err);
    if (status != LFUSE_OK) {
        mix_release(env, copy);
        return status;
    }
    for (i = 0; i < mix->count; i++) {
        copy->members[i] = mix->members[i];
        copy->faces[i].copies = mix->faces[i].copies;
        copy->faces[i].other = lfi_array_share(&mix->faces[i].other);
    }
    return LFUSE_OK;
}

lfuse_status lfi_mixes_copy(const struct lfi_env *env, const struct lfi_mixes *mixes,
                            struct lfi_mixes *copy, lfuse_error *err)
{
    lfuse_status status;

    *copy = (struct lfi_mixes){.capacity = mixes->count};
    status = lfi_alloc_zero(env, (size_t)mixes->count, sizeof(*copy->items), "mixes",
                            &copy->items, err);
    while (status == LFUSE_OK && copy->count < mixes->count) {
        status =
            mix_copy(env, &mixes->items[copy->count], &copy->items[copy->count], err);
        if (status == LFUSE_OK)
            copy->count++;
    }
    if (status != LFUSE_OK)
        lfi_mixes_destroy(env, copy);
    return status;
}

struct lfi_face *lfi_mixes_face(const struct lfi_mixes *mixes, int64_t layer,
                                int32_t parameter, lfuse_show show)
{
    int64_t i;
    int32_t k;

    for (i = 0; i < mixes->count; i++) {
        const struct lfi_mix *mix = &mixes->items[i];

        for (k = 0; k < mix->count && mix->parameter == parameter; k++)
            if (mix->members[k] == layer && lfi_mix_is_shown(mix, show))
                return &mix->faces[k];
    }
    return NULL;
}
