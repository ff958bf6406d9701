/* test_couplings.c - hidden spaces, found and put in another order; see couplings.h */
#include "lft_couplings.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- networks, in f64 ------------------------------------------------------------------------- */

/* y = w x + b, w (out, in), or (in, out) where turned. */
static void apply(const lfuse_tensor *w, const lfuse_tensor *b, int turned,
                  const double *x, double *y)
{
    const int64_t in = lfuse_tensor_dim(w, turned ? 0 : 1),
                  out = lfuse_tensor_dim(w, turned ? 1 : 0);
    const float *f = lft_floats(w);
    int64_t i, k;

    for (i = 0; i < out; i++) {
        y[i] = b == NULL ? 0.0 : lft_floats(b)[i];
        for (k = 0; k < in; k++)
            y[i] += (double)f[turned ? k * out + i : i * in + k] * x[k];
    }
}

/* Sums of at most 32 products of values up to 32 in size, in another order, through two layers:
 * 2 * 32 * 32 * 2^-52 each. */
#define check_same(count, got, expected)                                \
    do {                                                                \
        int check_i_;                                                   \
        for (check_i_ = 0; check_i_ < (count); check_i_++)              \
            assert_true(fabs((got)[check_i_] - (expected)[check_i_]) <= \
                        2.0 * 32.0 * 32.0 * DBL_EPSILON);               \
    } while (0)

static double input(int64_t index)
{
    return lft_value(77, index);
}

enum { FEATURES = 6, HIDDEN = 5 };

static void mlp(const lfuse_tensor *w1, const lfuse_tensor *b1, const lfuse_tensor *w2,
                double *y)
{
    double x[FEATURES], h[HIDDEN];
    int i;

    for (i = 0; i < FEATURES; i++)
        x[i] = input(i);
    apply(w1, b1, 0, x, h);
    for (i = 0; i < HIDDEN; i++)
        h[i] = h[i] > 0.0 ? h[i] : 0.0;
    apply(w2, NULL, 0, h, y);
}

static void a_permuted_mlp_computes_the_same(void **state)
{
    static const int64_t order[HIDDEN] = {3, 0, 4, 2, 1};
    double before[FEATURES], after[FEATURES];
    float old[HIDDEN * FEATURES], bias[HIDDEN];
    struct lft *t = *state;
    lfuse_tensor *w1, *b1, *w2;
    lfuse_couplings *c = lft_couple(t);
    int64_t space = -1;
    int i;

    w1 = lft_linear(t, "up", HIDDEN, FEATURES, 0, &b1);
    w2 = lft_linear(t, "down", FEATURES, HIDDEN, 0, NULL);
    lft_ok(t, lfuse_couplings_add_space(c, &space, &t->err));
    assert_int_equal(space, 0);
    lft_couple_member(t, c, lft_coupling("up", "weight", 0));
    lft_couple_member(t, c, lft_coupling("up", "bias", 0));
    lft_couple_member(t, c, lft_coupling(NULL, "down.weight", 1));
    assert_int_equal(lft_units(t, c, 0), HIDDEN);
    mlp(w1, b1, w2, before);
    memcpy(old, lft_floats(w1), sizeof(old));
    memcpy(bias, lft_floats(b1), sizeof(bias));
    lft_permute(t, c, 0, order);
    mlp(w1, b1, w2, after);
    check_same(FEATURES, after, before);
    for (i = 0; i < HIDDEN; i++) {
        assert_memory_equal(lft_floats(w1) + i * FEATURES, old + order[i] * FEATURES,
                            FEATURES * sizeof(float));
        assert_true(lft_floats(b1)[i] == bias[order[i]]);
    }
    lfuse_couplings_destroy(c);
}

/* Every order of five units, and each undone by its inverse. */
static void every_order_and_its_inverse_end_where_they_began(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, 2, 5, 3, 0);
    float old[30];
    int code, found = 0;

    lft_layer(t, "a", "A", 0, w, NULL, NULL);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("a", "weight", 1));
    memcpy(old, lft_floats(w), sizeof(old));
    for (code = 0; code < 3125; code++) {
        int64_t order[5], inverse[5] = {-1, -1, -1, -1, -1};
        int i, rest = code, k;

        for (i = 0; i < 5; i++, rest /= 5)
            inverse[order[i] = rest % 5] = i;
        for (i = 0; i < 5 && inverse[i] >= 0; i++)
            continue;
        if (i < 5)
            continue;
        found++;
        lft_permute(t, c, 0, order);
        for (i = 0; i < 2; i++)
            for (k = 0; k < 5; k++)
                assert_memory_equal(lft_floats(w) + (i * 5 + k) * 3,
                                    old + (i * 5 + order[k]) * 3, 3 * sizeof(float));
        lft_permute(t, c, 0, inverse);
        assert_memory_equal(lft_floats(w), old, sizeof(old));
    }
    assert_int_equal(found, 120);
    lfuse_couplings_destroy(c);
}

/* ---- attention ---------------------------------------------------------------------------------- */

enum { STEPS = 3, WIDTH = 8, HEAD = 4 };

/* Turns pairs of a head by the angles of its position, as rotary embeddings do. */
static void rotate(double *head, int step)
{
    int i;

    for (i = 0; i < HEAD; i += 2) {
        const double angle = (step + 1) / (1.0 + i), a = head[i], b = head[i + 1];

        head[i] = a * cos(angle) - b * sin(angle);
        head[i + 1] = a * sin(angle) + b * cos(angle);
    }
}

/* Causal attention of one head: q, k, v of every step at these offsets, out likewise. */
static void attend(double q[][32], double k[][32], double v[][32], double out[][32],
                   int query, int key, int value)
{
    int s, u, i;

    for (s = 0; s < STEPS; s++) {
        double weight[STEPS], sum = 0.0;

        for (u = 0; u <= s; u++) {
            weight[u] = 0.0;
            for (i = 0; i < HEAD; i++)
                weight[u] += q[s][query + i] * k[u][key + i];
            sum += weight[u] = exp(weight[u] / 2.0);
        }
        for (i = 0; i < HEAD; i++) {
            out[s][query + i] = 0.0;
            for (u = 0; u <= s; u++)
                out[s][query + i] += weight[u] / sum * v[u][value + i];
        }
    }
}

/* Four query heads over two key and value heads, with rotary positions. */
static void grouped_attention(lfuse_tensor *const w[4], double *y)
{
    double x[STEPS][WIDTH], q[STEPS][32], k[STEPS][32], v[STEPS][32], o[STEPS][32];
    int s, h, i;

    for (s = 0; s < STEPS; s++) {
        for (i = 0; i < WIDTH; i++)
            x[s][i] = input(s * WIDTH + i);
        apply(w[0], NULL, 0, x[s], q[s]);
        apply(w[1], NULL, 0, x[s], k[s]);
        apply(w[2], NULL, 0, x[s], v[s]);
        for (h = 0; h < 4; h++)
            rotate(q[s] + h * HEAD, s);
        for (h = 0; h < 2; h++)
            rotate(k[s] + h * HEAD, s);
    }
    for (h = 0; h < 4; h++)
        attend(q, k, v, o, h * HEAD, h / 2 * HEAD, h / 2 * HEAD);
    for (s = 0; s < STEPS; s++)
        apply(w[3], NULL, 0, o[s], y + s * WIDTH);
}

static void check_grouped(struct lft *t, const char *const names[4])
{
    static const int64_t order[] = {1, 0};
    double before[STEPS * WIDTH], after[STEPS * WIDTH];
    lfuse_tensor *w[4];
    lfuse_couplings *c;
    lfuse_coupling m;
    float first;

    w[0] = lft_linear(t, names[0], 16, WIDTH, 0, NULL);
    w[1] = lft_linear(t, names[1], 8, WIDTH, 0, NULL);
    w[2] = lft_linear(t, names[2], 8, WIDTH, 0, NULL);
    w[3] = lft_linear(t, names[3], WIDTH, 16, 0, NULL);
    c = lft_preset(t, "llama", 4);
    assert_int_equal(lfuse_couplings_space_count(c), 1);
    assert_int_equal(lfuse_couplings_member_count(c, 0), 4);
    lfuse_coupling_init(&m, sizeof(m));
    lft_ok(t, lfuse_couplings_member(c, 0, 0, &m, &t->err));
    assert_int_equal(m.head_group, HEAD);
    assert_int_equal(m.repeat, 2);
    assert_int_equal(lft_units(t, c, 0), 2);
    grouped_attention(w, before);
    first = lft_floats(w[0])[0];
    lft_permute(t, c, 0, order);
    assert_true(lft_floats(w[0])[8 * WIDTH] == first);
    grouped_attention(w, after);
    check_same(STEPS * WIDTH, after, before);
    lfuse_couplings_destroy(c);
}

static void grouped_query_heads_move_as_groups(void **state)
{
    static const char *const names[] = {
        "model.layers.3.self_attn.q_proj", "model.layers.3.self_attn.k_proj",
        "model.layers.3.self_attn.v_proj", "model.layers.3.self_attn.o_proj"};

    check_grouped(*state, names);
}

static void the_other_names_of_llama_are_known(void **state)
{
    static const char *const names[] = {"layers.3.attention.wq", "layers.3.attention.wk",
                                        "layers.3.attention.wv", "layers.3.attention.wo"};

    check_grouped(*state, names);
}

/* Queries, keys and values side by side, [in, out]. */
static void joined_attention(const lfuse_tensor *w, const lfuse_tensor *b,
                             const lfuse_tensor *project, double *y)
{
    double x[WIDTH], qkv[STEPS][32], o[STEPS][32];
    int s, h, i;

    for (s = 0; s < STEPS; s++) {
        for (i = 0; i < WIDTH; i++)
            x[i] = input(s * WIDTH + i);
        apply(w, b, 1, x, qkv[s]);
    }
    for (h = 0; h < 2; h++)
        attend(qkv, qkv, qkv, o, h * HEAD, WIDTH + h * HEAD, 2 * WIDTH + h * HEAD);
    for (s = 0; s < STEPS; s++)
        apply(project, NULL, 1, o[s], y + s * WIDTH);
}

static void heads_of_a_joined_attention_move_with_all_their_parts(void **state)
{
    static const int64_t order[] = {1, 0};
    double before[STEPS * WIDTH], after[STEPS * WIDTH];
    struct lft *t = *state;
    lfuse_tensor *w, *b, *project;
    lfuse_couplings *c;
    float old;

    w = lft_linear(t, "h.0.attn.c_attn", WIDTH, 3 * WIDTH, 1, &b);
    project = lft_linear(t, "h.0.attn.c_proj", WIDTH, WIDTH, 1, NULL);
    c = lft_preset(t, "gpt2", 2);
    assert_int_equal(lfuse_couplings_space_count(c), 1);
    assert_int_equal(lfuse_couplings_member_count(c, 0), 7);
    joined_attention(w, b, project, before);
    old = lft_floats(b)[WIDTH];
    lft_permute(t, c, 0, order);
    assert_true(lft_floats(b)[WIDTH + HEAD] == old);
    joined_attention(w, b, project, after);
    check_same(STEPS * WIDTH, after, before);
    lfuse_couplings_destroy(c);
}

/* ---- what moves ---------------------------------------------------------------------------------- */

/* A channel of a convolution that was flattened is as many inputs as it had pixels. */
static void a_flattened_channel_takes_its_pixels_along(void **state)
{
    static const int64_t order[] = {2, 0, 1};
    struct lft *t = *state;
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, 2, 12, 0);
    lfuse_couplings *c = lft_couple(t);
    lfuse_coupling m = lft_coupling("linear", "weight", 1);
    float old[24];
    int row, u;

    lft_layer(t, "conv", "C", 0, lft_tensor(t, LFUSE_F32, 2, 3, 2, 1, 1, 0), NULL, NULL);
    lft_layer(t, "linear", "L", 1, w, NULL, NULL);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("conv", "weight", 0));
    m.repeat = 4;
    lft_couple_member(t, c, m);
    memcpy(old, lft_floats(w), sizeof(old));
    lft_permute(t, c, 0, order);
    for (row = 0; row < 2; row++)
        for (u = 0; u < 3; u++)
            assert_memory_equal(lft_floats(w) + row * 12 + u * 4,
                                old + row * 12 + order[u] * 4, 4 * sizeof(float));
    lfuse_couplings_destroy(c);
}

static void gradients_and_state_move_with_their_values(void **state)
{
    static const int64_t order[] = {1, 0};
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);

    lft_at(t, "a", 0, 4.0f); /* [4, 1], [40, 3], [2, 5] */
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("a", "weight", 0));
    lft_permute(t, c, 0, order);
    assert_true(lft_weight(t, 0)[0] == 1.0f && lft_weight(t, 0)[1] == 4.0f);
    assert_true(lft_gradient(t, 0)[0] == 3.0f && lft_gradient(t, 0)[1] == 40.0f);
    assert_true(lft_velocity(t, 0)[0] == 5.0f && lft_velocity(t, 0)[1] == 2.0f);
    lfuse_couplings_destroy(c);
}

/* Every type, and memory with gaps: what is between the elements stays. */
static void strided_memory_of_any_type_is_permuted_in_place(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F32, LFUSE_F64, LFUSE_F16, LFUSE_BF16};
    static const int64_t dims[] = {3, 2}, strides[] = {2, 8}, order[] = {2, 0, 1};
    unsigned char memory[4][16 * 8], old[16 * 8];
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);
    int i, k, u, e;

    for (i = 0; i < (int)sizeof(old); i++)
        old[i] = (unsigned char)i;
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    for (i = 0; i < 4; i++) {
        const char name[2] = {(char)('a' + i), 0};

        memcpy(memory[i], old, sizeof(old));
        lft_layer(t, name, "A", i, lft_strided(t, types[i], memory[i], 2, dims, strides),
                  NULL, NULL);
        lft_couple_member(t, c, lft_coupling(name, "weight", 0));
    }
    lft_permute(t, c, 0, order);
    for (i = 0; i < 4; i++) {
        const int size = types[i] == LFUSE_F64 ? 8 : types[i] == LFUSE_F32 ? 4 : 2;

        for (e = 0; e < 16; e++) {
            u = e % 8 / 2;
            k = e % 2 == 0 && u < 3 ? e - 2 * u + 2 * (int)order[u] : e;
            assert_memory_equal(memory[i] + e * size, old + k * size, (size_t)size);
        }
    }
    lfuse_couplings_destroy(c);
}

/* ---- presets --------------------------------------------------------------------------------------- */

static void norm(struct lft *t, const char *name, int64_t channels)
{
    lfuse_layer *layer = lft_plan_bare(t, name, name);

    lft_plan_add(t, layer, "weight", LFUSE_ROLE_NORM, 0,
                 lft_tensor(t, LFUSE_F32, 5, channels, 0));
    lft_plan_add(t, layer, "running_var", LFUSE_ROLE_STATISTIC, 0,
                 lft_tensor(t, LFUSE_F32, 6, channels, 0));
}

static void check_member(struct lft *t, const lfuse_couplings *c, int64_t space,
                         int64_t index, const char *layer, const char *parameter,
                         int32_t axis)
{
    lfuse_coupling m;

    lfuse_coupling_init(&m, sizeof(m));
    lft_ok(t, lfuse_couplings_member(c, space, index, &m, &t->err));
    assert_string_equal(m.layer, layer);
    assert_string_equal(m.parameter, parameter);
    assert_int_equal(m.axis, axis);
}

/* The stem has no conv2: it is of the residual stream. Tensors may be layers of their own. */
static void resnet_presets_couple_what_is_inside_a_block(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c;

    lft_linear(t, "conv1", 4, 3, 0, NULL);
    lft_linear(t, "layer1.0.conv1", 2, 4, 0, NULL);
    norm(t, "layer1.0.bn1", 2);
    lft_linear(t, "layer1.0.conv2.weight", 3, 2, 0, NULL);
    norm(t, "layer1.0.bn2", 3);
    lft_linear(t, "layer1.0.conv3", 4, 3, 0, NULL);
    c = lft_preset(t, "resnet-basic", 0);
    assert_int_equal(lfuse_couplings_space_count(c), 1);
    assert_int_equal(lfuse_couplings_member_count(c, 0), 4);
    check_member(t, c, 0, 0, "layer1.0.conv1", "weight", 0);
    check_member(t, c, 0, 1, "layer1.0.bn1", "weight", 0);
    check_member(t, c, 0, 2, "layer1.0.bn1", "running_var", 0);
    check_member(t, c, 0, 3, "layer1.0.conv2.weight", "weight", 1);
    lfuse_couplings_destroy(c);
    c = lft_preset(t, "resnet-bottleneck", 0);
    assert_int_equal(lfuse_couplings_space_count(c), 2);
    check_member(t, c, 1, 0, "layer1.0.conv2.weight", "weight", 0);
    check_member(t, c, 1, 1, "layer1.0.bn2", "weight", 0);
    check_member(t, c, 1, 3, "layer1.0.conv3", "weight", 1);
    assert_int_equal(lft_units(t, c, 0), 2);
    assert_int_equal(lft_units(t, c, 1), 3);
    lfuse_couplings_destroy(c);
}

static void transformer_presets_leave_attention_out_without_heads(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *bias;
    lfuse_couplings *c;

    lft_linear(t, "h.0.attn.c_attn", 4, 12, 1, NULL);
    lft_linear(t, "h.0.attn.c_proj", 4, 4, 1, NULL);
    lft_linear(t, "h.0.mlp.c_fc", 4, 16, 1, &bias);
    lft_linear(t, "h.0.mlp.c_proj", 16, 4, 1, NULL);
    lft_linear(t, "l.0.mlp.gate_proj", 6, 4, 0, NULL);
    lft_linear(t, "l.0.mlp.up_proj", 6, 4, 0, NULL);
    lft_linear(t, "l.0.mlp.down_proj", 4, 6, 0, NULL);
    c = lft_preset(t, "gpt2", 0);
    assert_int_equal(lfuse_couplings_space_count(c), 1);
    check_member(t, c, 0, 0, "h.0.mlp.c_fc", "weight", 1);
    check_member(t, c, 0, 1, "h.0.mlp.c_fc", "bias", 0);
    check_member(t, c, 0, 2, "h.0.mlp.c_proj", "weight", 0);
    assert_int_equal(lft_units(t, c, 0), 16);
    lft_ok(t, lfuse_couplings_add_preset(c, "llama", lft_all(t), t->layer_count, 0,
                                         &t->err));
    assert_int_equal(lfuse_couplings_space_count(c), 2);
    check_member(t, c, 1, 0, "l.0.mlp.up_proj", "weight", 0);
    check_member(t, c, 1, 1, "l.0.mlp.gate_proj", "weight", 0);
    check_member(t, c, 1, 2, "l.0.mlp.down_proj", "weight", 1);
    assert_int_equal(lft_units(t, c, 1), 6);
    lfuse_couplings_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_permuted_mlp_computes_the_same),
        lft_test(every_order_and_its_inverse_end_where_they_began),
        lft_test(grouped_query_heads_move_as_groups),
        lft_test(the_other_names_of_llama_are_known),
        lft_test(heads_of_a_joined_attention_move_with_all_their_parts),
        lft_test(a_flattened_channel_takes_its_pixels_along),
        lft_test(gradients_and_state_move_with_their_values),
        lft_test(strided_memory_of_any_type_is_permuted_in_place),
        lft_test(resnet_presets_couple_what_is_inside_a_block),
        lft_test(transformer_presets_leave_attention_out_without_heads),
    };

    return cmocka_run_group_tests_name("couplings", tests, NULL, NULL);
}
