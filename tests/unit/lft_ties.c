/* lft_ties.c - see lft_ties.h */
#include "lft_ties.h"

#include <stdlib.h>
#include <string.h>

/* ---- layers ------------------------------------------------------------------------------- */

float *lft_floats(const lfuse_tensor *tensor)
{
    return lfuse_tensor_data(tensor);
}

lfuse_tensor *lft_pair(struct lft *t, float first, float second)
{
    lfuse_tensor *tensor = lft_tensor(t, LFUSE_F32, 0, 2, 0);

    lft_floats(tensor)[0] = first;
    lft_floats(tensor)[1] = second;
    return tensor;
}

lfuse_parameter lft_parameter(struct lft *t, int layer, int index)
{
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    lft_ok(t, lfuse_layer_parameter(t->layers[layer], index, &p, &t->err));
    return p;
}

float *lft_weight(struct lft *t, int layer)
{
    return lft_floats(lft_parameter(t, layer, 0).value);
}

float *lft_gradient(struct lft *t, int layer)
{
    return lft_floats(lft_parameter(t, layer, 0).gradient);
}

float *lft_velocity(struct lft *t, int layer)
{
    return lft_floats(lft_parameter(t, layer, 0).state[0]);
}

/* weight [x, 1], gradient [10 x, 3], velocity [x / 2, 5], all owned. */
void lft_at(struct lft *t, const char *name, int32_t position, float x)
{
    lft_layer(t, name, "A", position, lft_pair(t, x, 1.0f), lft_pair(t, 10.0f * x, 3.0f),
              lft_pair(t, x / 2.0f, 5.0f));
}

/* x = 0, 1, 4, 6: (l0, l1) are most alike, then (l2, l3), then (l1, l2); the middle is 1.5, so
 * that l0 and l3 are kept. */
void lft_four(struct lft *t)
{
    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_at(t, "l2", 2, 4.0f);
    lft_at(t, "l3", 3, 6.0f);
}

void lft_add(struct lft *t, int layer, const char *name, lfuse_role role,
             lfuse_tensor *value, lfuse_tensor *grad)
{
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    p.name = name;
    p.role = role;
    p.value = value;
    p.gradient = grad;
    lft_ok(t, lfuse_layer_add_parameter(t->layers[layer], &p, &t->err));
}

/* ---- ties and plans --------------------------------------------------------------------------- */

lfuse_ties_options lft_ties_defaults(void)
{
    lfuse_ties_options o;

    lfuse_ties_options_init(&o, sizeof(o));
    return o;
}

lfuse_ties_options lft_ties_keeping(void)
{
    lfuse_ties_options o = lft_ties_defaults();

    o.flags = LFUSE_TIES_KEEP_ORIGINALS;
    return o;
}

lfuse_ties *lft_ties_of(struct lft *t, lfuse_ties_options options)
{
    lfuse_ties *ties;

    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, t->layer_count, &options, &ties,
                                &t->err));
    return ties;
}

lfuse_plan *lft_plan_with(struct lft *t, const lfuse_ties *ties, int64_t top_k,
                          lfuse_policy policy, lfuse_freeze_gradient freeze)
{
    lfuse_plan_options o;
    lfuse_plan *plan;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = top_k;
    o.policy = policy;
    o.freeze_gradient = freeze;
    o.in_force = ties;
    lft_ok(t, lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers,
                               t->layer_count, &o, &plan, &t->err));
    return plan;
}

void lft_tie_with(struct lft *t, lfuse_ties *ties, int64_t top_k, lfuse_policy policy,
                  lfuse_freeze_gradient freeze)
{
    lfuse_plan *plan = lft_plan_with(t, ties, top_k, policy, freeze);

    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
}

void lft_tie(struct lft *t, lfuse_ties *ties, int64_t top_k)
{
    lft_tie_with(t, ties, top_k, 0, 0);
}

void lft_mix(struct lft *t, lfuse_ties *ties, int64_t top_k)
{
    lft_tie_with(t, ties, top_k, LFUSE_POLICY_RANDOM, 0);
}

void lft_show(struct lft *t, lfuse_ties *ties, lfuse_show show, int64_t step)
{
    lft_ok(t, lfuse_ties_show(ties, show, step, &t->err));
}

lfuse_account lft_account(struct lft *t, const lfuse_ties *ties)
{
    lfuse_account a;

    lfuse_account_init(&a, sizeof(a));
    lft_ok(t, lfuse_ties_account(ties, LFUSE_BASE_ALL, &a, &t->err));
    return a;
}

lfuse_retrainer_options lft_retrainer_options(const lfuse_plan_options *plan,
                                              int32_t fusions, int32_t interval)
{
    lfuse_retrainer_options o;

    lfuse_retrainer_options_init(&o, sizeof(o));
    o.plan = plan;
    o.fusions = fusions;
    o.interval = interval;
    return o;
}

/* ---- everything, to compare --------------------------------------------------------------------- */

static size_t extent(const lfuse_tensor *tensor)
{
    int64_t n = 1;
    int32_t i;

    for (i = 0; i < lfuse_tensor_rank(tensor); i++)
        n += (lfuse_tensor_dim(tensor, i) - 1) * lfuse_tensor_stride(tensor, i);
    return (size_t)n * lfuse_dtype_size(lfuse_tensor_dtype(tensor));
}

void lft_take(struct lft *t, const lfuse_ties *ties, struct lft_snapshot *s)
{
    int i;

    s->count = t->tensor_count;
    for (i = 0; i < s->count; i++) {
        s->data[i] = lfuse_tensor_data(t->tensors[i]);
        s->size[i] = extent(t->tensors[i]);
        s->bytes[i] = malloc(s->size[i]);
        assert_non_null(s->bytes[i]);
        memcpy(s->bytes[i], s->data[i], s->size[i]);
    }
    for (i = 0; i < t->layer_count; i++)
        s->owner[i] = lfuse_ties_owner(ties, i);
    s->live = t->memory.live;
    s->resident = lfuse_ties_resident_bytes(ties);
}

void lft_check_bytes(struct lft *t, const struct lft_snapshot *s)
{
    int i;

    assert_int_equal(s->count, t->tensor_count);
    for (i = 0; i < s->count; i++)
        assert_memory_equal(lfuse_tensor_data(t->tensors[i]), s->bytes[i], s->size[i]);
}

void lft_check_unchanged(struct lft *t, const lfuse_ties *ties,
                         const struct lft_snapshot *s)
{
    int i;

    lft_check_bytes(t, s);
    for (i = 0; i < s->count; i++)
        assert_ptr_equal(lfuse_tensor_data(t->tensors[i]), s->data[i]);
    for (i = 0; i < t->layer_count; i++)
        assert_int_equal(lfuse_ties_owner(ties, i), s->owner[i]);
    assert_int_equal(lfuse_ties_resident_bytes(ties), s->resident);
    assert_int_equal(t->memory.live, s->live);
}

void lft_drop(struct lft_snapshot *s)
{
    while (s->count > 0)
        free(s->bytes[--s->count]);
}
