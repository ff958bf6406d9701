/* test_preview_alignment.c - previews of plans that put units in order; see preview.h */
#include "lft_alignment.h"
#include "lft_ties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 3, MOST = 2048, PARTS = 20 };

struct part {
    const char *layer; /* of a block; one layer's parts follow each other */
    const char *parameter;
    lfuse_role role;
    int32_t axis;
    int64_t dims[4];
};

struct network {
    const char *preset;
    int64_t heads;
    struct part parts[PARTS]; /* without a layer: the end */
};

#define NORM(LAYER, UNITS)                                         \
    {LAYER, "weight", LFUSE_ROLE_NORM, 0, {UNITS}},                \
        {LAYER, "bias", LFUSE_ROLE_NORM, 0, {UNITS}},              \
        {LAYER, "running_mean", LFUSE_ROLE_STATISTIC, 0, {UNITS}}, \
    {                                                              \
        LAYER, "running_var", LFUSE_ROLE_STATISTIC, 0,             \
        {                                                          \
            UNITS                                                  \
        }                                                          \
    }

static const struct network networks[] = {
    {"resnet-basic",
     0,
     {{"conv1", "weight", LFUSE_ROLE_WEIGHT, 0, {6, 4, 3, 3}},
      {"conv1", "bias", LFUSE_ROLE_BIAS, 0, {6}},
      NORM("bn1", 6),
      {"conv2", "weight", LFUSE_ROLE_WEIGHT, 0, {4, 6, 3, 3}},
      NORM("bn2", 4)}},
    {"resnet-bottleneck",
     0,
     {{"conv1", "weight", LFUSE_ROLE_WEIGHT, 0, {6, 8, 1, 1}},
      NORM("bn1", 6),
      {"conv2", "weight", LFUSE_ROLE_WEIGHT, 0, {5, 6, 3, 3}},
      NORM("bn2", 5),
      {"conv3", "weight", LFUSE_ROLE_WEIGHT, 0, {8, 5, 1, 1}}}},
    {"gpt2",
     4,
     {{"attn.c_attn", "weight", LFUSE_ROLE_WEIGHT, 1, {8, 24}},
      {"attn.c_attn", "bias", LFUSE_ROLE_BIAS, 0, {24}},
      {"attn.c_proj", "weight", LFUSE_ROLE_WEIGHT, 1, {8, 8}},
      {"attn.c_proj", "bias", LFUSE_ROLE_BIAS, 0, {8}},
      {"mlp.c_fc", "weight", LFUSE_ROLE_WEIGHT, 1, {8, 70}},
      {"mlp.c_fc", "bias", LFUSE_ROLE_BIAS, 0, {70}},
      {"mlp.c_proj", "weight", LFUSE_ROLE_WEIGHT, 1, {70, 8}}}},
    {"llama",
     4,
     {{"self_attn.q_proj", "weight", LFUSE_ROLE_WEIGHT, 0, {8, 8}},
      {"self_attn.k_proj", "weight", LFUSE_ROLE_WEIGHT, 0, {4, 8}},
      {"self_attn.v_proj", "weight", LFUSE_ROLE_WEIGHT, 0, {4, 8}},
      {"self_attn.o_proj", "weight", LFUSE_ROLE_WEIGHT, 0, {8, 8}},
      {"mlp.gate_proj", "weight", LFUSE_ROLE_WEIGHT, 0, {12, 8}},
      {"mlp.up_proj", "weight", LFUSE_ROLE_WEIGHT, 0, {12, 8}},
      {"mlp.down_proj", "weight", LFUSE_ROLE_WEIGHT, 0, {8, 12}}}},
};

/* Numbers of all digits, so that sums of their squares depend on the order. */
static void divide(const lfuse_tensor *value)
{
    const int64_t n = lfuse_tensor_elements(value);
    double *wide = lfuse_tensor_data(value);
    float *narrow = lfuse_tensor_data(value);
    int64_t i;

    for (i = 0; i < n && lfuse_tensor_dtype(value) == LFUSE_F64; i++)
        wide[i] /= 3.0;
    for (i = 0; i < n && lfuse_tensor_dtype(value) == LFUSE_F32; i++)
        narrow[i] /= 3.0f;
}

/* Matrices of the second block are stored column by column. */
static lfuse_tensor *value_of(struct lft *t, const struct part *p, int block,
                              lfuse_dtype dtype)
{
    const int64_t *d = p->dims, strides[] = {1, p->dims[0]};
    lfuse_tensor *value = lft_tensor(t, dtype, (uint64_t)t->tensor_count + 1, d[0], d[1],
                                     d[2], d[3], (int64_t)0);

    divide(value);
    if (block != 1 || d[1] == 0 || d[2] > 0)
        return value;
    return lft_strided(t, dtype, lfuse_tensor_data(value), 2, d, strides);
}

static void make(struct lft *t, const struct network *n, lfuse_dtype dtype)
{
    const struct part *p;
    char name[64];
    int i;

    for (i = 0; i < BLOCKS; i++)
        for (p = n->parts; p->layer != NULL; p++) {
            (void)snprintf(name, sizeof(name), "h.%d.%s", i, p->layer);
            if (p == n->parts || strcmp(p[-1].layer, p->layer) != 0)
                lft_plan_bare(t, name, p->layer);
            lft_plan_add(t, t->layers[t->layer_count - 1], p->parameter, p->role, p->axis,
                         value_of(t, p, i, dtype));
        }
}

/* A parameter's bytes as they are; dense. */
static size_t copy_of(struct lft *t, const lfuse_tensor *value, char *out)
{
    int64_t dims[LFUSE_MAX_RANK];
    lfuse_tensor_desc desc;
    lfuse_tensor *dense;
    int32_t i;

    for (i = 0; i < lfuse_tensor_rank(value); i++)
        dims[i] = lfuse_tensor_dim(value, i);
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.data = out;
    desc.dims = dims;
    desc.rank = lfuse_tensor_rank(value);
    desc.dtype = lfuse_tensor_dtype(value);
    lft_ok(t, lfuse_tensor_create(t->ctx, &desc, &dense, &t->err));
    lft_ok(t, lfuse_tensor_copy(dense, value, &t->err));
    lfuse_tensor_destroy(dense);
    return lfuse_tensor_bytes(value);
}

/* In pieces of `step` elements, which the order of units knows nothing of. */
static void read_parameter(struct lft *t, const lfuse_preview *preview, int layer, int k,
                           int64_t step, char *out)
{
    const lfuse_tensor *value = lft_parameter(t, layer, k).value;
    const int64_t n = lfuse_tensor_elements(value);
    const size_t size = lfuse_tensor_bytes(value) / (size_t)n;
    int64_t first;

    for (first = 0; first < n; first += step)
        lft_ok(t, lfuse_preview_read_parameter(preview, layer, k, first,
                                               n - first < step ? n - first : step,
                                               out + (size_t)first * size, &t->err));
}

/* Everything of all layers, parameter after parameter; release with free(). */
static char *read_all(struct lft *t, const lfuse_preview *preview, int64_t step)
{
    char *all = calloc(256, MOST * sizeof(double)), *at = all;
    int i, k;

    assert_non_null(all);
    for (i = 0; i < t->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]); k++) {
            assert_true(lfuse_tensor_elements(lft_parameter(t, i, k).value) <= MOST);
            if (preview != NULL)
                read_parameter(t, preview, i, k, step, at);
            else
                (void)copy_of(t, lft_parameter(t, i, k).value, at);
            at += MOST * sizeof(double);
        }
    return all;
}

static int same(const char *a, const char *b)
{
    return memcmp(a, b, 256 * MOST * sizeof(double)) == 0;
}

/* Weights alone, by their own call, are the same. */
static void check_weights(struct lft *t, const lfuse_preview *preview, const char *all)
{
    static char weight[MOST * sizeof(double)];
    int i, k;

    for (i = 0; i < t->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(t->layers[i]);
             k++, all += MOST * sizeof(double)) {
            const lfuse_tensor *value = lft_parameter(t, i, k).value;

            if (k > 0 || lft_parameter(t, i, k).role != LFUSE_ROLE_WEIGHT)
                continue;
            lft_ok(t, lfuse_preview_read(preview, i, 0, 0, lfuse_tensor_elements(value),
                                         weight, &t->err));
            assert_memory_equal(weight, all, lfuse_tensor_bytes(value));
        }
}

static void forget(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* What is read before is what is there after, to the bit, and nothing has changed meanwhile. 0: of
 * rows the plan is not supported. */
static int check(struct lft *t, const struct network *n, lfuse_dtype dtype,
                 lfuse_plan_options o)
{
    static const int64_t steps[] = {MOST, 37, 1};
    char *before, *now, *after, *read[3];
    lfuse_couplings *c;
    lfuse_preview *preview;
    lfuse_plan *plan;
    lfuse_ties *ties;
    int i;

    make(t, n, dtype);
    c = lft_preset(t, n->preset, n->heads);
    o.alignment = LFUSE_ALIGNMENT_PERMUTATION;
    o.couplings = c;
    if (lft_plan_try(t, &o, &plan) != LFUSE_OK) {
        assert_int_equal(o.unit, LFUSE_UNIT_ROW);
        assert_int_equal(t->err.status, LFUSE_ERR_UNSUPPORTED);
        lfuse_couplings_destroy(c);
        forget(t);
        return 0;
    }
    assert_true(lfuse_plan_permutation_count(plan) > 0);
    before = read_all(t, NULL, 0);
    lft_ok(t, lfuse_preview_create(t->ctx, plan, lft_all(t), t->layer_count, &preview,
                                   &t->err));
    for (i = 0; i < 3; i++)
        read[i] = read_all(t, preview, steps[i]);
    check_weights(t, preview, read[0]);
    lfuse_preview_destroy(preview);
    now = read_all(t, NULL, 0);
    assert_true(same(before, now));
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    after = read_all(t, NULL, 0);
    assert_false(same(before, after));
    for (i = 0; i < 3; i++) {
        assert_true(same(read[i], after));
        free(read[i]);
    }
    free(after);
    free(now);
    free(before);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
    forget(t);
    return 1;
}

static void check_unit(struct lft *t, const struct network *n, lfuse_unit unit)
{
    lfuse_plan_options o = lft_plan_ratio(1.5);
    lfuse_dtype dtype;
    int checked = 0;

    o.unit = unit;
    for (o.policy = LFUSE_POLICY_AVERAGE; o.policy <= LFUSE_POLICY_JS; o.policy++)
        for (dtype = LFUSE_F32; dtype <= LFUSE_BF16; dtype++)
            checked += check(t, n, dtype, o);
    assert_true(checked == (unit == LFUSE_UNIT_ROW ? 3 : 4) * 4); /* all but js */
    o.policy = LFUSE_POLICY_AVERAGE; /* sums of squares, in the order that is to be */
    o.weighting = LFUSE_WEIGHTING_NORM;
    assert_true(check(t, n, LFUSE_F32, o));
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    assert_true(check(t, n, LFUSE_F64, o));
}

static void check_preset(struct lft *t, const struct network *n)
{
    check_unit(t, n, LFUSE_UNIT_LAYER);
    check_unit(t, n, LFUSE_UNIT_ROW);
}

static void a_basic_resnet_is_read_as_ties_leave_it(void **state)
{
    check_preset(*state, &networks[0]);
}

static void a_bottleneck_resnet_is_read_as_ties_leave_it(void **state)
{
    check_preset(*state, &networks[1]);
}

static void gpt2_is_read_as_ties_leave_it(void **state)
{
    check_preset(*state, &networks[2]);
}

static void llama_is_read_as_ties_leave_it(void **state)
{
    check_preset(*state, &networks[3]);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static lfuse_preview *refused(struct lft *t, const lfuse_plan *plan, lfuse_status status,
                              const char *text)
{
    lfuse_preview *preview = (lfuse_preview *)t;

    lft_fails(
        t,
        lfuse_preview_create(t->ctx, plan, lft_all(t), t->layer_count, &preview, &t->err),
        status, text);
    return preview;
}

/* Layers of the plan's names and weights, without what the plan permutes. */
static void layers_that_lack_what_moves_are_refused(void **state)
{
    struct network n = networks[2];
    struct lft *t = *state;
    lfuse_couplings *c;
    lfuse_plan *plan;

    make(t, &n, LFUSE_F32);
    c = lft_preset(t, n.preset, n.heads);
    plan = lft_plan_build(t, lft_align_options(c, 8));
    forget(t);
    n.parts[5].parameter = "offset";
    make(t, &n, LFUSE_F32);
    assert_null(refused(t, plan, LFUSE_ERR_NAME,
                        "has no parameter bias, which the plan permutes"));
    forget(t);
    n.parts[5] = networks[2].parts[5];
    n.parts[5].dims[0] = 69;
    make(t, &n, LFUSE_F32);
    assert_null(refused(t, plan, LFUSE_ERR_SHAPE, "axis 0 of bias of layer h."));
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

static void reading_a_parameter_checks_its_range(void **state)
{
    struct lft *t = *state;
    float out[2] = {7.0f, 8.0f};
    lfuse_couplings *c;
    lfuse_preview *preview;
    lfuse_plan *plan;

    make(t, &networks[0], LFUSE_F32);
    c = lft_preset(t, networks[0].preset, 0);
    plan = lft_plan_build(t, lft_align_options(c, 2));
    lft_ok(t, lfuse_preview_create(t->ctx, plan, lft_all(t), t->layer_count, &preview,
                                   &t->err));
    lft_fails(t, lfuse_preview_read_parameter(NULL, 0, 0, 0, 1, out, &t->err),
              LFUSE_ERR_ARGUMENT, "preview is NULL");
    lft_fails(t, lfuse_preview_read_parameter(preview, 0, 0, 0, 1, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "out is NULL");
    lft_fails(t, lfuse_preview_read_parameter(preview, -1, 0, 0, 1, out, &t->err),
              LFUSE_ERR_ARGUMENT, "layer is -1, the plan has 12 layers");
    lft_fails(t, lfuse_preview_read_parameter(preview, 0, 2, 0, 1, out, &t->err),
              LFUSE_ERR_ARGUMENT, "parameter is 2, layer h.0.conv1 has 2");
    lft_fails(t, lfuse_preview_read_parameter(preview, 0, -1, 0, 1, out, &t->err),
              LFUSE_ERR_ARGUMENT, "parameter is -1");
    lft_fails(t, lfuse_preview_read_parameter(preview, 1, 3, 5, 2, out, &t->err),
              LFUSE_ERR_ARGUMENT, "first is 5, count 2, the parameter has 6 elements");
    assert_true(out[0] == 7.0f && out[1] == 8.0f);
    lfuse_preview_destroy(preview);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

static lfuse_status create_and_drop(struct lft *t, void *plan)
{
    lfuse_preview *preview;
    lfuse_status status =
        lfuse_preview_create(t->ctx, plan, lft_all(t), t->layer_count, &preview, &t->err);

    lfuse_preview_destroy(preview);
    return status;
}

static void memory_may_be_refused_at_any_point(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c;
    lfuse_plan *plan;

    make(t, &networks[2], LFUSE_F32);
    c = lft_preset(t, networks[2].preset, networks[2].heads);
    plan = lft_plan_build(t, lft_align_options(c, 4));
    assert_true(lfuse_plan_permutation_count(plan) > 0);
    lft_every_allocation_fails(t, create_and_drop, plan);
    lfuse_plan_destroy(plan);
    lfuse_couplings_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_basic_resnet_is_read_as_ties_leave_it),
        lft_test(a_bottleneck_resnet_is_read_as_ties_leave_it),
        lft_test(gpt2_is_read_as_ties_leave_it),
        lft_test(llama_is_read_as_ties_leave_it),
        lft_test(layers_that_lack_what_moves_are_refused),
        lft_test(reading_a_parameter_checks_its_range),
        lft_test(memory_may_be_refused_at_any_point),
    };

    return cmocka_run_group_tests_name("preview_alignment", tests, NULL, NULL);
}
