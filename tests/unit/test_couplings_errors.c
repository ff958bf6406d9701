/* test_couplings_errors.c - couplings that do not fit, and memory that runs out; see couplings.h */
#include "lft_couplings.h"

#include <stdio.h>

/* ---- errors ---------------------------------------------------------------------------------------- */

#define preset_fails(t, c, name, heads, status, text)                               \
    do {                                                                            \
        const int64_t spaces_ = lfuse_couplings_space_count(c);                     \
        lft_fails(t,                                                                \
                  lfuse_couplings_add_preset(c, name, lft_all(t), (t)->layer_count, \
                                             heads, &(t)->err),                     \
                  status, text);                                                    \
        assert_int_equal(lfuse_couplings_space_count(c), spaces_);                  \
    } while (0)

static void presets_say_what_does_not_fit(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);

    lft_linear(t, "a.self_attn.q_proj", 12, 4, 0, NULL);
    lft_linear(t, "a.self_attn.k_proj", 5, 4, 0, NULL);
    lft_linear(t, "a.self_attn.o_proj", 4, 12, 0, NULL);
    lft_linear(t, "b.attn.c_attn", 4, 10, 1, NULL);
    lft_linear(t, "b.attn.c_proj", 4, 4, 1, NULL);
    lft_layer(t, "c.conv1", "C", 0, lft_tensor(t, LFUSE_F32, 1, 2, 2, 0), NULL, NULL);
    lft_layer(t, "c.conv2", "D", 0, lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL, NULL);
    preset_fails(
        t, c, "vgg", 0, LFUSE_ERR_ARGUMENT,
        "preset vgg is unknown; known are resnet-basic, resnet-bottleneck, gpt2, "
        "llama");
    preset_fails(t, c, "llama", 0, LFUSE_ERR_NAME,
                 "none of the 7 layers is of a block that preset llama knows");
    preset_fails(t, c, "llama", 5, LFUSE_ERR_SHAPE,
                 "weight of layer a.self_attn.q_proj: 5 heads do not divide 12 entries");
    preset_fails(
        t, c, "llama", 3, LFUSE_ERR_SHAPE,
        "weight of layer a.self_attn.k_proj: 4 entries of a head do not divide 5");
    preset_fails(t, c, "gpt2", 2, LFUSE_ERR_SHAPE,
                 "weight of layer b.attn.c_attn: 3 parts do not divide 10 entries");
    preset_fails(t, c, "resnet-basic", 0, LFUSE_ERR_SHAPE,
                 "weight of layer c.conv2 has no axis of inputs");
    preset_fails(t, c, "llama", -1, LFUSE_ERR_ARGUMENT, "heads is -1");
    preset_fails(t, c, NULL, 0, LFUSE_ERR_ARGUMENT, "name is NULL");
    lft_fails(t, lfuse_couplings_add_preset(NULL, "llama", lft_all(t), 1, 0, &t->err),
              LFUSE_ERR_ARGUMENT, "couplings is NULL");
    lft_fails(t, lfuse_couplings_add_preset(c, "llama", lft_all(t), 0, 0, &t->err),
              LFUSE_ERR_ARGUMENT, "count is 0");
    lfuse_couplings_destroy(c);
}

static void member_fails(struct lft *t, lfuse_couplings *c, lfuse_coupling m,
                         lfuse_status status, const char *text)
{
    const int64_t before = lfuse_couplings_member_count(c, 0);

    lft_fails(t, lfuse_couplings_add_member(c, 0, &m, &t->err), status, text);
    assert_int_equal(lfuse_couplings_member_count(c, 0), before);
}

static void members_are_checked_when_they_are_added(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);
    lfuse_coupling m = lft_coupling("a", "weight", 0);
    int64_t space = 7;

    lft_fails(t, lfuse_couplings_add_member(c, 0, &m, &t->err), LFUSE_ERR_ARGUMENT,
              "space is 0, the couplings have 0");
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    member_fails(t, c, lft_coupling("a", NULL, 0), LFUSE_ERR_ARGUMENT,
                 "member.parameter is NULL");
    member_fails(t, c, lft_coupling("a", "", 0), LFUSE_ERR_ARGUMENT,
                 "member.parameter is empty");
    member_fails(t, c, lft_coupling("", "weight", 0), LFUSE_ERR_ARGUMENT,
                 "member.layer is empty");
    member_fails(t, c, lft_coupling("a", "weight", -2), LFUSE_ERR_ARGUMENT,
                 "member.axis of weight is -2");
    m.head_group = -1;
    member_fails(t, c, m, LFUSE_ERR_ARGUMENT, "member.head_group of weight is -1");
    m.head_group = INT64_MAX;
    m.repeat = 2;
    member_fails(t, c, m, LFUSE_ERR_OVERFLOW, "times repeat 2 does not fit");
    m = lft_coupling("a", "weight", 0);
    m.reserved = 1;
    member_fails(t, c, m, LFUSE_ERR_UNSUPPORTED, "member.reserved is 1");
    m.struct_size = 1;
    member_fails(t, c, m, LFUSE_ERR_ARGUMENT, "member");
    lft_fails(t, lfuse_couplings_add_space(NULL, &space, &t->err), LFUSE_ERR_ARGUMENT,
              "couplings is NULL");
    assert_int_equal(space, 7);
    m = lft_coupling("a", "weight", 0);
    lft_fails(t, lfuse_couplings_member(c, 0, 0, &m, &t->err), LFUSE_ERR_ARGUMENT,
              "index is 0, space 0 has 0 members");
    lft_fails(t, lfuse_couplings_member(c, 1, 0, &m, &t->err), LFUSE_ERR_ARGUMENT,
              "space is 1, the couplings have 1");
    assert_string_equal(m.layer, "a");
    assert_int_equal(lfuse_couplings_member_count(c, 1), 0);
    assert_int_equal(lfuse_couplings_member_count(NULL, 0), 0);
    assert_int_equal(lfuse_couplings_space_count(NULL), 0);
    lfuse_couplings_destroy(c);
    lfuse_couplings_destroy(NULL);
    lft_fails(t, lfuse_couplings_create(NULL, &c, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    assert_null(c);
    lft_fails(t, lfuse_couplings_create(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "couplings is NULL");
}

/* What units() and permute() refuse, of a space of two members; nothing has changed. */
static void binding_fails(struct lft *t, lfuse_coupling first, lfuse_coupling second,
                          lfuse_status status, const char *text)
{
    static const int64_t order[] = {1, 0, 2, 3};
    lfuse_couplings *c = lft_couple(t);
    struct lft_snapshot s;
    int64_t n = 9;

    lft_take(t, NULL, &s);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, first);
    lft_couple_member(t, c, second);
    lft_fails(t, lfuse_couplings_units(c, lft_all(t), t->layer_count, 0, &n, &t->err),
              status, text);
    assert_int_equal(n, 9);
    lft_fails(t, lfuse_couplings_permute(c, t->layers, t->layer_count, 0, order, &t->err),
              status, text);
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_couplings_destroy(c);
}

static lfuse_coupling part(lfuse_coupling m, int64_t head_group, int64_t offset,
                           int64_t extent)
{
    m.head_group = head_group;
    m.offset = offset;
    m.extent = extent;
    return m;
}

static void descriptions_that_do_not_fit_are_refused_by_name(void **state)
{
    struct lft *t = *state;
    const lfuse_coupling a = lft_coupling("a", "weight", 0),
                         b = lft_coupling("b", "weight", 1);

    lft_linear(t, "a", 4, 6, 0, NULL);
    lft_linear(t, "b", 6, 4, 0, NULL);
    binding_fails(t, a, lft_coupling("z", "weight", 0), LFUSE_ERR_NAME,
                  "the coupled layer z is not there");
    binding_fails(t, a, lft_coupling("b", "scale", 0), LFUSE_ERR_NAME,
                  "layer b has no coupled parameter scale");
    binding_fails(t, a, lft_coupling(NULL, "b.scale", 0), LFUSE_ERR_NAME,
                  "no layer has the coupled tensor b.scale");
    binding_fails(t, a, lft_coupling("b", "weight", 2), LFUSE_ERR_ARGUMENT,
                  "axis 2 of weight of layer b is coupled, its rank is 2");
    binding_fails(t, a, lft_coupling("b", "weight", 0), LFUSE_ERR_SHAPE,
                  "space 0 has 4 units in weight of layer a, 6 in weight of layer b");
    binding_fails(t, a, part(b, 3, 0, 0), LFUSE_ERR_SHAPE,
                  "axis 1 of weight of layer b couples 4 entries, which head_group 3 * "
                  "repeat 1 does not divide");
    binding_fails(t, a, part(b, 1, 4, 0), LFUSE_ERR_ARGUMENT,
                  "entries 4 + 0 of axis 1 of weight of layer b are coupled, it has 4");
    binding_fails(t, a, part(b, 1, 1, 4), LFUSE_ERR_ARGUMENT,
                  "entries 1 + 4 of axis 1 of weight of layer b are coupled, it has 4");
    binding_fails(t, a, a, LFUSE_ERR_ARGUMENT,
                  "axis 0 of weight of layer a is coupled twice, in spaces 0 and 0");
    binding_fails(t, part(a, 1, 0, 3), part(a, 1, 1, 3), LFUSE_ERR_ARGUMENT,
                  "axis 0 of weight of layer a is coupled twice");
}

static void one_axis_is_in_one_space(void **state)
{
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);
    int64_t n = 9;

    lft_linear(t, "a", 4, 6, 0, NULL);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, part(lft_coupling("a", "weight", 1), 1, 0, 3));
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_fails(t, lfuse_couplings_units(c, lft_all(t), 1, 0, &n, &t->err),
              LFUSE_ERR_ARGUMENT, "space 1 has no members");
    lft_couple_member(t, c,
                      part(lft_coupling("a", "weight", 1), 1, 3, 0)); /* the rest of it */
    assert_int_equal(lft_units(t, c, 1), 3);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("a", "weight", 1));
    lft_fails(t, lfuse_couplings_units(c, lft_all(t), 1, 0, &n, &t->err),
              LFUSE_ERR_ARGUMENT,
              "axis 1 of weight of layer a is coupled twice, in spaces 0 and 2");
    lft_fails(t, lfuse_couplings_units(c, lft_all(t), 1, 0, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "units is NULL");
    lft_fails(t, lfuse_couplings_units(c, NULL, 1, 0, &n, &t->err), LFUSE_ERR_ARGUMENT,
              "layers is NULL");
    lft_fails(t, lfuse_couplings_units(c, lft_all(t), 1, 3, &n, &t->err),
              LFUSE_ERR_ARGUMENT, "space is 3, the couplings have 3");
    assert_int_equal(n, 9);
    lfuse_couplings_destroy(c);
}

static void only_permutations_are_taken(void **state)
{
    static const int64_t beyond[] = {0, 1, 3}, below[] = {0, -1, 2}, twice[] = {1, 2, 1};
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);
    struct lft_snapshot s;

    lft_layer(t, "a", "A", 0, lft_tensor(t, LFUSE_F32, 1, 3, 2, 0), NULL, NULL);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("a", "weight", 0));
    lft_take(t, NULL, &s);
    lft_fails(t, lfuse_couplings_permute(c, t->layers, 1, 0, beyond, &t->err),
              LFUSE_ERR_ARGUMENT, "permutation[2] is 3, the space has 3 units");
    lft_fails(t, lfuse_couplings_permute(c, t->layers, 1, 0, below, &t->err),
              LFUSE_ERR_ARGUMENT, "permutation[1] is -1");
    lft_fails(t, lfuse_couplings_permute(c, t->layers, 1, 0, twice, &t->err),
              LFUSE_ERR_ARGUMENT, "permutation[0] and permutation[2] are both 1");
    lft_fails(t, lfuse_couplings_permute(c, t->layers, 1, 0, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "permutation is NULL");
    lft_fails(t, lfuse_couplings_permute(NULL, t->layers, 1, 0, twice, &t->err),
              LFUSE_ERR_ARGUMENT, "couplings is NULL");
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_couplings_destroy(c);
}

/* Tied weights, one of which the space does not know: permuting would break the other. */
static void memory_that_others_read_differently_is_not_permuted(void **state)
{
    static const int64_t order[] = {1, 0};
    struct lft *t = *state;
    lfuse_couplings *c = lft_couple(t);
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_four(t);
    lft_ok(t, lfuse_couplings_add_space(c, NULL, &t->err));
    lft_couple_member(t, c, lft_coupling("l0", "weight", 0));
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_couplings_permute(c, t->layers, 4, 0, order, &t->err),
              LFUSE_ERR_STATE,
              "weight of layer l0 has the memory of weight of layer l1, which its space "
              "does not move alike");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lft_couple_member(t, c, lft_coupling("l1", "weight", 0)); /* both: moved once */
    lft_permute(t, c, 0, order);
    assert_true(lft_weight(t, 1)[0] == 1.0f && lft_weight(t, 1)[1] == 0.5f);
    assert_true(lft_velocity(t, 0)[0] == 5.0f);
    lfuse_ties_destroy(ties);
    lfuse_couplings_destroy(c);
}

static lfuse_status whole_life(struct lft *t, void *arg)
{
    static const int64_t order[] = {1, 0};
    lfuse_couplings *c;
    lfuse_status status = lfuse_couplings_create(t->ctx, &c, &t->err);

    (void)arg;
    if (status != LFUSE_OK)
        return status;
    status = lfuse_couplings_add_preset(c, "resnet-basic", lft_all(t), t->layer_count, 0,
                                        &t->err);
    assert_int_equal(lfuse_couplings_space_count(c), status == LFUSE_OK ? 10 : 0);
    if (status == LFUSE_OK)
        status = lfuse_couplings_permute(c, t->layers, t->layer_count, 9, order, &t->err);
    lfuse_couplings_destroy(c);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    struct lft *t = *state;
    char name[16];
    int i;

    for (i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "%d.conv1", i);
        lft_linear(t, name, 2, 3, 0, NULL);
        (void)snprintf(name, sizeof(name), "%d.conv2", i);
        lft_linear(t, name, 3, 2, 0, NULL);
    }
    lft_every_allocation_fails(t, whole_life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(presets_say_what_does_not_fit),
        lft_test(members_are_checked_when_they_are_added),
        lft_test(descriptions_that_do_not_fit_are_refused_by_name),
        lft_test(one_axis_is_in_one_space),
        lft_test(only_permutations_are_taken),
        lft_test(memory_that_others_read_differently_is_not_permuted),
        lft_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests_name("couplings_errors", tests, NULL, NULL);
}
