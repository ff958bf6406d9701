/* lft_couplings.c - see lft_couplings.h */
#include "lft_couplings.h"

/* A layer with a weight of random values, and, unless bias is NULL, one bias of `outputs`. */
lfuse_tensor *lft_linear(struct lft *t, const char *name, int64_t rows, int64_t columns,
                         int32_t output_axis, lfuse_tensor **bias)
{
    const uint64_t seed = (uint64_t)t->tensor_count + 1;
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, seed, rows, columns, 0);
    lfuse_layer *layer = lft_plan_bare(t, name, name);

    lft_plan_add(t, layer, "weight", LFUSE_ROLE_WEIGHT, output_axis, w);
    if (bias == NULL)
        return w;
    *bias = lft_tensor(t, LFUSE_F32, seed + 1, output_axis == 0 ? rows : columns, 0);
    lft_plan_add(t, layer, "bias", LFUSE_ROLE_BIAS, 0, *bias);
    return w;
}

const lfuse_layer *const *lft_all(const struct lft *t)
{
    return (const lfuse_layer *const *)t->layers;
}

lfuse_couplings *lft_couple(struct lft *t)
{
    lfuse_couplings *c;

    lft_ok(t, lfuse_couplings_create(t->ctx, &c, &t->err));
    return c;
}

lfuse_coupling lft_coupling(const char *layer, const char *parameter, int32_t axis)
{
    lfuse_coupling m;

    lfuse_coupling_init(&m, sizeof(m));
    m.layer = layer;
    m.parameter = parameter;
    m.axis = axis;
    return m;
}

void lft_couple_member(struct lft *t, lfuse_couplings *c, lfuse_coupling m)
{
    lft_ok(t, lfuse_couplings_add_member(c, lfuse_couplings_space_count(c) - 1, &m,
                                         &t->err));
}

lfuse_couplings *lft_preset(struct lft *t, const char *name, int64_t heads)
{
    lfuse_couplings *c = lft_couple(t);

    lft_ok(t, lfuse_couplings_add_preset(c, name, lft_all(t), t->layer_count, heads,
                                         &t->err));
    return c;
}

void lft_permute(struct lft *t, const lfuse_couplings *c, int64_t space,
                 const int64_t *order)
{
    lft_ok(t,
           lfuse_couplings_permute(c, t->layers, t->layer_count, space, order, &t->err));
}

int64_t lft_units(struct lft *t, const lfuse_couplings *c, int64_t space)
{
    int64_t n = -1;

    lft_ok(t, lfuse_couplings_units(c, lft_all(t), t->layer_count, space, &n, &t->err));
    return n;
}
