/* lft_alignment.c - see lft_alignment.h */
#include "lft_alignment.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

/* up (LFT_UNITS, LFT_WIDTH) with a bias, norm (LFT_UNITS) with a statistic, down (LFT_WIDTH, LFT_UNITS); the state
 * of each weight and bias is half its value, its gradient twice. Layers of block i are 3 i on. */
static lfuse_tensor *scaled(struct lft *t, const lfuse_tensor *value, float factor)
{
    const int64_t n = lfuse_tensor_elements(value);
    lfuse_tensor *other = lfuse_tensor_rank(value) == 1
                              ? lft_tensor(t, LFUSE_F32, 0, n, 0)
                              : lft_tensor(t, LFUSE_F32, 0, lfuse_tensor_dim(value, 0),
                                           lfuse_tensor_dim(value, 1), 0);
    int64_t i;

    for (i = 0; i < n; i++)
        lft_floats(other)[i] = factor * lft_floats(value)[i];
    return other;
}

void lft_align_parameter(struct lft *t, const char *name, lfuse_role role,
                         lfuse_tensor *value)
{
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    p.name = name;
    p.role = role;
    p.value = value;
    if (role != LFUSE_ROLE_STATISTIC) {
        p.gradient = scaled(t, value, 2.0f);
        p.state[0] = scaled(t, value, 0.5f);
    }
    lft_ok(t, lfuse_layer_add_parameter(t->layers[t->layer_count - 1], &p, &t->err));
}

void lft_align_layer(struct lft *t, const char *prefix, const char *type)
{
    lfuse_layer_desc desc;
    char name[16];

    (void)snprintf(name, sizeof(name), "%s.%s", prefix, type);
    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = type;
    desc.position = t->layer_count;
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &t->layers[t->layer_count], &t->err));
    t->layer_count++;
}

void lft_align_block(struct lft *t, const char *prefix, uint64_t seed)
{
    lft_align_layer(t, prefix, "up");
    lft_align_parameter(t, "weight", LFUSE_ROLE_WEIGHT,
                        lft_tensor(t, LFUSE_F32, seed, LFT_UNITS, LFT_WIDTH, 0));
    lft_align_parameter(t, "bias", LFUSE_ROLE_BIAS,
                        lft_tensor(t, LFUSE_F32, seed + 1, LFT_UNITS, 0));
    lft_align_layer(t, prefix, "norm");
    lft_align_parameter(t, "scale", LFUSE_ROLE_NORM,
                        lft_tensor(t, LFUSE_F32, seed + 2, LFT_UNITS, 0));
    lft_align_parameter(t, "mean", LFUSE_ROLE_STATISTIC,
                        lft_tensor(t, LFUSE_F32, seed + 3, LFT_UNITS, 0));
    lft_align_layer(t, prefix, "down");
    lft_align_parameter(t, "weight", LFUSE_ROLE_WEIGHT,
                        lft_tensor(t, LFUSE_F32, seed + 4, LFT_WIDTH, LFT_UNITS, 0));
}

const char *const lft_align_prefixes[LFT_BLOCKS] = {"a", "b", "c"};

lfuse_couplings *lft_align_couplings(struct lft *t, int blocks)
{
    lfuse_couplings *c = lft_couple(t);
    char name[16];
    int i;

    for (i = 0; i < blocks; i++) {
        lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
        (void)snprintf(name, sizeof(name), "%s.up", lft_align_prefixes[i]);
        lft_couple_member(t, c, lft_coupling(name, "weight", 0));
        lft_couple_member(t, c, lft_coupling(name, "bias", 0));
        (void)snprintf(name, sizeof(name), "%s.norm", lft_align_prefixes[i]);
        lft_couple_member(t, c, lft_coupling(name, "scale", 0));
        lft_couple_member(t, c, lft_coupling(name, "mean", 0));
        (void)snprintf(name, sizeof(name), "%s.down", lft_align_prefixes[i]);
        lft_couple_member(t, c, lft_coupling(name, "weight", 1));
    }
    return c;
}

lfuse_couplings *lft_align_blocks(struct lft *t, int blocks)
{
    int i;

    for (i = 0; i < blocks; i++)
        lft_align_block(t, lft_align_prefixes[i], 10 * (uint64_t)i + 1);
    return lft_align_couplings(t, blocks);
}

float *lft_align_values(struct lft *t, int layer, int k)
{
    return lft_floats(lft_parameter(t, layer, k).value);
}

/* What block i makes of an input, in f64. */
void lft_align_compute(struct lft *t, int i, double *y)
{
    const float *up = lft_align_values(t, 3 * i, 0),
                *bias = lft_align_values(t, 3 * i, 1),
                *scale = lft_align_values(t, 3 * i + 1, 0),
                *mean = lft_align_values(t, 3 * i + 1, 1),
                *down = lft_align_values(t, 3 * i + 2, 0);
    double h[LFT_UNITS];
    int u, k;

    for (u = 0; u < LFT_UNITS; u++) {
        h[u] = bias[u];
        for (k = 0; k < LFT_WIDTH; k++)
            h[u] += up[u * LFT_WIDTH + k] * lft_value(99, k);
        h[u] = (double)scale[u] * (h[u] - (double)mean[u]);
        h[u] = h[u] > 0.0 ? h[u] : 0.0;
    }
    for (k = 0; k < LFT_WIDTH; k++)
        for (y[k] = 0.0, u = 0; u < LFT_UNITS; u++)
            y[k] += down[k * LFT_UNITS + u] * h[u];
}

/* Sums of LFT_UNITS products of sizes below 8, in another order. */
void lft_align_check(struct lft *t, int i, const double *expected)
{
    double y[LFT_WIDTH];
    int k;

    lft_align_compute(t, i, y);
    for (k = 0; k < LFT_WIDTH; k++)
        assert_true(fabs(y[k] - expected[k]) <=
                    LFT_UNITS * LFT_UNITS * 8.0 * DBL_EPSILON);
}

/* Everything of block `to` becomes that of block `from`. */
void lft_align_copy(struct lft *t, int from, int to)
{
    int i, k;

    for (i = 0; i < 3; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[3 * from + i]); k++) {
            const lfuse_parameter p = lft_parameter(t, 3 * from + i, k),
                                  q = lft_parameter(t, 3 * to + i, k);

            lft_ok(t, lfuse_tensor_copy(q.value, p.value, &t->err));
            if (p.gradient == NULL)
                continue;
            lft_ok(t, lfuse_tensor_copy(q.gradient, p.gradient, &t->err));
            lft_ok(t, lfuse_tensor_copy(q.state[0], p.state[0], &t->err));
        }
}

lfuse_plan_options lft_align_options(const lfuse_couplings *c, int64_t top_k)
{
    lfuse_plan_options o = lft_plan_best(top_k);

    o.alignment = LFUSE_ALIGNMENT_PERMUTATION;
    o.couplings = c;
    return o;
}

void lft_align_tie(struct lft *t, lfuse_ties *ties, lfuse_plan_options o)
{
    lfuse_plan *plan;

    o.in_force = ties;
    plan = lft_plan_build(t, o);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
}
