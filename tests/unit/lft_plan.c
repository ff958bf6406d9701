/* lft_plan.c - see lft_plan.h */
#include "lft_plan.h"

/* A layer whose weight is [x, 0]: euclidean distances are differences of x. */
lfuse_layer *lft_plan_at(struct lft *t, const char *name, const char *type,
                         int32_t position, float x)
{
    lfuse_tensor *weight = lft_tensor(t, LFUSE_F32, 0, 2, 0);
    float *w = lfuse_tensor_data(weight);

    w[0] = x;
    w[1] = 0.0f;
    return lft_layer(t, name, type, position, weight, NULL, NULL);
}

void lft_plan_add(struct lft *t, lfuse_layer *layer, const char *name, lfuse_role role,
                  int32_t output_axis, lfuse_tensor *value)
{
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    p.name = name;
    p.role = role;
    p.output_axis = output_axis;
    p.value = value;
    lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
}

/* A layer without parameters. */
lfuse_layer *lft_plan_bare(struct lft *t, const char *name, const char *type)
{
    lfuse_layer_desc desc;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = type;
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &t->layers[t->layer_count], &t->err));
    return t->layers[t->layer_count++];
}

lfuse_plan_options lft_plan_ratio(double r)
{
    lfuse_plan_options o;

    lfuse_plan_options_init(&o, sizeof(o));
    o.ratio = r;
    return o;
}

lfuse_plan_options lft_plan_best(int64_t k)
{
    lfuse_plan_options o = lft_plan_ratio(0.0);

    o.top_k = k;
    return o;
}

/* Of all layers of t. */
lfuse_status lft_plan_try(struct lft *t, const lfuse_plan_options *options,
                          lfuse_plan **plan)
{
    *plan = (lfuse_plan *)t; /* so that NULL on failure is seen */
    return lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers, t->layer_count,
                            options, plan, &t->err);
}

lfuse_plan *lft_plan_build(struct lft *t, lfuse_plan_options options)
{
    lfuse_plan *plan;

    lft_ok(t, lft_plan_try(t, &options, &plan));
    return plan;
}

void lft_plan_fails(struct lft *t, lfuse_plan_options options, lfuse_status expected,
                    const char *text)
{
    lfuse_plan *plan;

    lft_fails(t, lft_plan_try(t, &options, &plan), expected, text);
    assert_null(plan);
}

lfuse_fusion lft_plan_fusion(struct lft *t, const lfuse_plan *plan, int64_t index)
{
    lfuse_fusion f;

    lfuse_fusion_init(&f, sizeof(f));
    lft_ok(t, lfuse_plan_fusion(plan, index, &f, &t->err));
    return f;
}

void lft_plan_check(struct lft *t, const lfuse_plan *plan, int64_t index, int64_t a,
                    int64_t b, int64_t kept, double score)
{
    const lfuse_fusion f = lft_plan_fusion(t, plan, index);

    assert_int_equal(f.a, a);
    assert_int_equal(f.b, b);
    assert_int_equal(f.kept, kept);
    assert_true(f.score == score);
}

lfuse_account lft_plan_account(struct lft *t, const lfuse_plan *plan)
{
    lfuse_account a;

    lfuse_account_init(&a, sizeof(a));
    lft_ok(t, lfuse_plan_account(plan, &a, &t->err));
    return a;
}

/* x = 0, 10, 11, 20, 23 at positions 0 .. 4; the middle is 2. */
void lft_plan_five(struct lft *t)
{
    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_at(t, "l1", "A", 1, 10.0f);
    lft_plan_at(t, "l2", "A", 2, 11.0f);
    lft_plan_at(t, "l3", "A", 3, 20.0f);
    lft_plan_at(t, "l4", "A", 4, 23.0f);
}
