/*
 * candidates.c - which layers could fuse
 *
 * Those whose param type occurs at least twice with weights. Types none of whose layers has a
 * weight (norm layers) are left alone; one some of whose layers have none is a mistake. Within a
 * type weights have the same names in the same order, shapes, output axes and element types.
 * Where those that do not match are skipped, each set of layers that do match is a type of its
 * own, and a layer that matches no other is left out.
 */
#include "fusion/planning.h"

#include <string.h>

static const char *role_name(lfuse_role role)
{
    return role == LFUSE_ROLE_BIAS ? "bias" : "weight";
}

static const char *roles_name(lfuse_role role)
{
    return role == LFUSE_ROLE_BIAS ? "biases" : "weights";
}

static lfuse_status check_parameter(const struct lfi_layer *a, const struct lfi_layer *b,
                                    lfuse_role role, int32_t index, lfuse_error *err)
{
    const struct lfi_parameter *p = lfi_layer_of_role(a, role, index),
                               *q = lfi_layer_of_role(b, role, index);
    char ps[96], qs[96];

    if (strcmp(p->name, q->name) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "param type %s: %s %d of layer %s is named %s, of %s %s",
                        a->param_type, role_name(role), (int)index, a->name, p->name,
                        b->name, q->name);
    if (!lfi_view_same_shape(&p->value->view, &q->value->view)) {
        lfi_view_shape_text(&p->value->view, ps, sizeof(ps));
        lfi_view_shape_text(&q->value->view, qs, sizeof(qs));
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "param type %s: %s of layer %s is %s, of %s %s", a->param_type,
                        p->name, a->name, ps, b->name, qs);
    }
    if (p->output_axis != q->output_axis)
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "param type %s: output_axis of %s of layer %s is %d, of %s %d",
                        a->param_type, p->name, a->name, (int)p->output_axis, b->name,
                        (int)q->output_axis);
    if (p->value->view.dtype != q->value->view.dtype)
        return lfi_fail(err, LFUSE_ERR_TYPE,
                        "param type %s: %s of layer %s is %s, of %s %s", a->param_type,
                        p->name, a->name, lfi_dtype_name(p->value->view.dtype), b->name,
                        lfi_dtype_name(q->value->view.dtype));
    return LFUSE_OK;
}

lfuse_status lfi_candidates_check_pair(const struct lfi_layer *a,
                                       const struct lfi_layer *b, lfuse_role role,
                                       lfuse_error *err)
{
    const int32_t n = lfi_layer_role_count(a, role), m = lfi_layer_role_count(b, role);
    lfuse_status status = LFUSE_OK;
    int32_t i;

    if (n != m)
        return lfi_fail(err, LFUSE_ERR_NAME,
                        "param type %s: layer %s has %d %s, %s has %d", a->param_type,
                        a->name, (int)n, roles_name(role), b->name, (int)m);
    for (i = 0; i < n && status == LFUSE_OK; i++)
        status = check_parameter(a, b, role, i, err);
    return status;
}

struct search {
    const struct lfi_env *env;
    const struct lfi_layer *const *layers;
    struct lfi_choice *choice;
    struct lfi_plan *plan;
    struct lfi_candidates *found;
};

/* Whether the layer at i, of the param type of the one at index, might fuse. */
static bool is_kin(const struct search *s, int64_t i, int64_t index)
{
    return s->choice->bar[i] == LFI_BAR_NONE &&
           strcmp(s->layers[i]->param_type, s->layers[index]->param_type) == 0;
}

/* Two weights that do not match are an error, or *matches says so. */
static lfuse_status match(const struct search *s, int64_t a, int64_t b, bool *matches,
                          lfuse_error *err)
{
    const bool skips = s->plan->options.skip_unequal;
    lfuse_status status = lfi_candidates_check_pair(
        s->layers[a], s->layers[b], LFUSE_ROLE_WEIGHT, skips ? NULL : err);

    *matches = status == LFUSE_OK;
    return skips ? LFUSE_OK : status;
}

/* Leaves out the layer at index, as it does not match the one at other. */
static lfuse_status skip(const struct search *s, int64_t index, int64_t other,
                         lfuse_error *err)
{
    lfuse_error why = {0};

    (void)lfi_candidates_check_pair(s->layers[other], s->layers[index], LFUSE_ROLE_WEIGHT,
                                    &why);
    s->choice->bar[index] = LFI_BAR_SKIPPED;
    return lfi_plan_skip(s->env, s->plan, index, why.message, err);
}

/* A layer without weights is of a type without weights. */
static lfuse_status check_weightless(const struct search *s, int64_t index,
                                     lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    bool matches = true;
    int64_t i;

    if (lfi_layer_weight_count(s->layers[index]) > 0)
        return LFUSE_OK;
    for (i = 0; i < s->choice->count && status == LFUSE_OK && matches; i++)
        if (is_kin(s, i, index))
            status = match(s, i, index, &matches, err);
    return matches || status != LFUSE_OK ? status : skip(s, index, i - 1, err);
}

/* Whether a type that was found already has the layer at index. */
static bool is_found(const struct lfi_candidates *c, int64_t index)
{
    int64_t i;

    for (i = 0; i < c->first[c->type_count]; i++)
        if (c->members[i] == index)
            return true;
    return false;
}

/* Appends the layers that match the first of theirs, at index, if there are any. */
static lfuse_status add_type(const struct search *s, int64_t index, lfuse_error *err)
{
    struct lfi_candidates *c = s->found;
    const int64_t first = c->first[c->type_count];
    int64_t at = first, other = -1, i;
    lfuse_status status = LFUSE_OK;
    bool matches;

    for (i = 0; i < s->choice->count && status == LFUSE_OK; i++) {
        if (!is_kin(s, i, index) || lfi_layer_weight_count(s->layers[i]) == 0)
            continue;
        status = match(s, index, i, &matches, err);
        if (matches)
            c->members[at++] = i;
        else if (other < 0)
            other = i;
    }
    if (status == LFUSE_OK && at > first + 1)
        c->first[++c->type_count] = at;
    else if (status == LFUSE_OK && other >= 0)
        status = skip(s, index, other, err);
    return status;
}

/* Whoever is no candidate does not fuse. */
static void bar_the_rest(const struct search *s)
{
    int64_t i;

    for (i = 0; i < s->choice->count; i++)
        if (s->choice->bar[i] == LFI_BAR_NONE && !is_found(s->found, i))
            s->choice->bar[i] = LFI_BAR_NO_CANDIDATE;
}

lfuse_status lfi_candidates_find(const struct lfi_env *env,
                                 const struct lfi_layer *const *layers,
                                 struct lfi_choice *choice, struct lfi_plan *plan,
                                 struct lfi_candidates *candidates, lfuse_error *err)
{
    const struct search s = {env, layers, choice, plan, candidates};
    struct lfi_candidates *c = candidates;
    const int64_t count = choice->count;
    lfuse_status status;
    int64_t i;

    *c = (struct lfi_candidates){0};
    status = lfi_alloc_zero(env, (size_t)count + 1, sizeof(*c->first), "candidates",
                            &c->first, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)count + 1, sizeof(*c->members), "candidates",
                                &c->members, err);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        if (choice->bar[i] == LFI_BAR_NONE)
            status = check_weightless(&s, i, err);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        if (choice->bar[i] == LFI_BAR_NONE && !is_found(c, i) &&
            lfi_layer_weight_count(layers[i]) > 0)
            status = add_type(&s, i, err);
    if (status == LFUSE_OK)
        bar_the_rest(&s);
    else
        lfi_candidates_destroy(env, count, c);
    return status;
}

void lfi_candidates_destroy(const struct lfi_env *env, int64_t count,
                            struct lfi_candidates *candidates)
{
    lfi_free(env, candidates->members, (size_t)count + 1, sizeof(*candidates->members));
    lfi_free(env, candidates->first, (size_t)count + 1, sizeof(*candidates->first));
    *candidates = (struct lfi_candidates){0};
}
