/* test_ties_mix_memory.c - groups that mix over memory that is lent, or has gaps; see ties.h */
#include "lft_ties.h"

#include <string.h>

enum { ROWS = 64, COLUMNS = 5, ELEMENTS = ROWS * COLUMNS };

/* ---- lent -------------------------------------------------------------------------------------- */

struct host {
    float memory[2][ELEMENTS];
    float *pointer[2];
    int calls;
    int refuse_at;
};

static int32_t rebind(const char *layer, const char *name, void *data, void *user)
{
    struct host *h = user;

    assert_string_equal(name, "weight");
    if (h->calls++ == h->refuse_at)
        return 9;
    h->pointer[layer[1] - '0'] = data;
    return 0;
}

static void lend(struct lft *t, struct host *h)
{
    static const char *const names[] = {"h0", "h1"};
    int i;

    memset(h, 0, sizeof(*h));
    h->refuse_at = -1;
    for (i = 0; i < 2; i++) {
        lft_fill(h->memory[i], ELEMENTS, 70 + (uint64_t)i);
        h->pointer[i] = h->memory[i];
        lft_layer(t, names[i], "A", i,
                  lft_borrow(t, LFUSE_F32, h->memory[i], ROWS, COLUMNS, 0),
                  lft_tensor(t, LFUSE_F32, 80, ROWS, COLUMNS, 0), NULL);
    }
}

static void borrowed_memory_shows_the_mix_at_its_address(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot before;
    struct host h, was;
    lfuse_ties *ties;
    int row;

    lend(t, &h);
    was = h;
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_mix(t, ties, 1);
    lft_take(t, ties, &before);
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    assert_ptr_equal(lft_weight(t, 1), h.memory[1]);
    assert_memory_equal(h.memory[0], h.memory[1], sizeof(h.memory[0]));
    for (row = 0; row < ROWS; row++)
        assert_true(h.memory[0][row * COLUMNS] == was.memory[0][row * COLUMNS] ||
                    h.memory[0][row * COLUMNS] == was.memory[1][row * COLUMNS]);
    assert_memory_not_equal(h.memory[0], was.memory[0], sizeof(h.memory[0]));
    assert_memory_not_equal(h.memory[0], was.memory[1], sizeof(h.memory[0]));
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_check_unchanged(t, ties, &before);
    lft_drop(&before);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    assert_memory_equal(h.memory[0], h.memory[1], sizeof(h.memory[0]));
    assert_true(h.memory[1][9] ==
                (float)(((double)was.memory[0][9] + (double)was.memory[1][9]) / 2.0));
    lfuse_ties_destroy(ties);
}

static void rebind_is_told_of_the_mix_and_of_the_way_back(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_keeping();
    struct host h, was;
    lfuse_ties *ties;

    lend(t, &h);
    was = h;
    o.rebind = rebind;
    o.rebind_user = &h;
    ties = lft_ties_of(t, o);
    lft_mix(t, ties, 1);
    assert_int_equal(h.calls, 0);
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    assert_int_equal(h.calls, 2);
    assert_ptr_equal(h.pointer[0], h.pointer[1]);
    assert_ptr_equal(h.pointer[0], lft_weight(t, 0));
    assert_memory_equal(h.memory, was.memory, sizeof(h.memory));
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    assert_ptr_equal(h.pointer[0], h.memory[0]);
    assert_ptr_equal(h.pointer[1], h.memory[1]);
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    assert_ptr_equal(h.pointer[1], h.memory[0]);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    assert_ptr_equal(h.pointer[1], h.memory[1]);
    assert_memory_equal(h.memory, was.memory, sizeof(h.memory));
    lfuse_ties_destroy(ties);
}

static void a_refused_rebind_goes_on_showing_what_was_shown(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    struct lft_snapshot before;
    struct host h;
    lfuse_ties *ties;

    lend(t, &h);
    o.rebind = rebind;
    o.rebind_user = &h;
    ties = lft_ties_of(t, o);
    lft_mix(t, ties, 1);
    lft_take(t, ties, &before);
    h.refuse_at = 1;
    lft_fails(t, lfuse_ties_show(ties, LFUSE_SHOW_MIX, 0, &t->err), LFUSE_ERR_CALLBACK,
              "rebind of parameter weight of layer h1 returned 9");
    lft_check_unchanged(t, ties, &before);
    assert_ptr_equal(h.pointer[0], h.memory[0]);
    h.refuse_at = h.calls;
    lft_fails(t, lfuse_ties_finalise(ties, &t->err), LFUSE_ERR_CALLBACK, "returned 9");
    lft_check_unchanged(t, ties, &before);
    lft_show(t, ties, LFUSE_SHOW_MEAN, 0);
    h.refuse_at = h.calls;
    lft_fails(t, lfuse_ties_show(ties, LFUSE_SHOW_SOURCES, 0, &t->err),
              LFUSE_ERR_CALLBACK, "returned 9");
    assert_ptr_equal(h.pointer[0], h.pointer[1]);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    lft_check_unchanged(t, ties, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
}

static void destroying_gives_back_what_was_lent(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    struct host h, was;
    lfuse_ties *ties;

    lend(t, &h);
    was = h;
    o.rebind = rebind;
    o.rebind_user = &h;
    ties = lft_ties_of(t, o);
    lft_mix(t, ties, 1);
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    lfuse_ties_destroy(ties);
    assert_ptr_equal(h.pointer[0], h.memory[0]);
    assert_ptr_equal(h.pointer[1], h.memory[1]);
    assert_ptr_equal(lft_weight(t, 1), h.memory[1]);
    assert_memory_equal(h.memory, was.memory, sizeof(h.memory));
}

/* What is shown concerns the groups that mix; mirrors of others are refreshed all the same. */
static void mirrors_are_refreshed_while_a_mix_is_shown(void **state)
{
    struct lft *t = *state;
    float memory[2][2] = {{1.0f, 2.0f}, {1.0f, 2.0f}};
    struct lft_snapshot mixed;
    struct host h;
    lfuse_ties *ties;

    lft_layer(t, "m0", "B", 0, lft_borrow(t, LFUSE_F32, memory[0], 2, 0), NULL, NULL);
    lft_layer(t, "m1", "B", 1, lft_borrow(t, LFUSE_F32, memory[1], 2, 0), NULL, NULL);
    lend(t, &h);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    lft_mix(t, ties, 1);
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    lft_take(t, ties, &mixed);
    memory[0][1] = 7.0f;
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    assert_true(memory[1][1] == 7.0f);
    memory[0][1] = memory[1][1] = 2.0f;
    lft_check_bytes(t, &mixed);
    lft_drop(&mixed);
    lfuse_ties_destroy(ties);
}

/* ---- with gaps ---------------------------------------------------------------------------------- */

/* [COLUMNS, WIDE], whose output axis is 1: what is drawn are columns. */
enum { WIDE = 24, APART = 3, GAPPED = COLUMNS * WIDE * APART };

static void add_half(struct lft *t, const char *name, lfuse_tensor *value, uint64_t seed)
{
    lfuse_layer_desc desc;
    lfuse_parameter p;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = "A";
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &t->layers[t->layer_count], &t->err));
    lfuse_parameter_init(&p, sizeof(p));
    p.name = "weight";
    p.output_axis = 1;
    p.value = value;
    p.gradient = lft_tensor(t, LFUSE_F32, seed, COLUMNS, WIDE, 0);
    lft_ok(t, lfuse_layer_add_parameter(t->layers[t->layer_count++], &p, &t->err));
}

/* l0 is dense and owns its memory; the elements of l1 are every third of gaps. */
static void two_halves(struct lft *t, uint16_t *gaps)
{
    const int64_t dims[] = {COLUMNS, WIDE}, strides[] = {WIDE * APART, APART};
    int i;

    for (i = 0; i < GAPPED; i++)
        gaps[i] = (uint16_t)(0x3c00 + i);
    add_half(t, "l0", lft_tensor(t, LFUSE_F16, 5, COLUMNS, WIDE, 0), 6);
    add_half(t, "l1", lft_strided(t, LFUSE_F16, gaps, 2, dims, strides), 7);
}

static const uint16_t *halves(struct lft *t)
{
    return lfuse_tensor_data(lft_parameter(t, 0, 0).value);
}

/* The source of a column; fails where it is not one's bits, or its gradient not that one's. */
static int check_column(struct lft *t, const uint16_t *dense, const uint16_t *gapped,
                        const uint16_t *gaps, int column)
{
    const int from = halves(t)[column] == gapped[column * APART];
    int row, e;

    for (row = 0; row < COLUMNS; row++) {
        e = row * WIDE + column;
        assert_int_equal(halves(t)[e], from ? gapped[e * APART] : dense[e]);
        assert_int_equal(halves(t)[e], gaps[e * APART]);
        assert_true(lft_gradient(t, !from)[e] == 0.0f);
        assert_true(lft_gradient(t, from)[e] ==
                    (float)(lft_value(6, e) + lft_value(7, e)) / 2.0f);
    }
    return from;
}

static void halves_with_gaps_mix_by_their_output_axis(void **state)
{
    struct lft *t = *state;
    uint16_t dense[COLUMNS * WIDE], gapped[GAPPED], gaps[GAPPED];
    lfuse_ties *ties;
    int i, second = 0;

    two_halves(t, gaps);
    memcpy(dense, halves(t), sizeof(dense));
    memcpy(gapped, gaps, sizeof(gapped));
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_mix(t, ties, 1);
    lft_show(t, ties, LFUSE_SHOW_MIX, 0);
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    for (i = 0; i < WIDE; i++)
        second += check_column(t, dense, gapped, gaps, i);
    assert_true(second > 0 && second < WIDE);
    lft_show(t, ties, LFUSE_SHOW_SOURCES, 0);
    assert_memory_equal(halves(t), dense, sizeof(dense));
    assert_memory_equal(gaps, gapped, sizeof(gaps));
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    for (i = 0; i < GAPPED; i++)
        assert_int_equal(gaps[i], i % APART == 0 ? halves(t)[i / APART] : gapped[i]);
    lfuse_ties_destroy(ties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(borrowed_memory_shows_the_mix_at_its_address),
        lft_test(rebind_is_told_of_the_mix_and_of_the_way_back),
        lft_test(a_refused_rebind_goes_on_showing_what_was_shown),
        lft_test(destroying_gives_back_what_was_lent),
        lft_test(mirrors_are_refreshed_while_a_mix_is_shown),
        lft_test(halves_with_gaps_mix_by_their_output_axis),
    };

    return cmocka_run_group_tests_name("ties_mix_memory", tests, NULL, NULL);
}
