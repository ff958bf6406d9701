/* test_ties_undo.c - groups that grew in two steps, and parting them again; see ties.h */
#include "lft_ties.h"

#include <string.h>

/* A 2 x 2 weight over the host's memory, whose columns lie side by side. */
static lfuse_tensor *lend_by_columns(struct lft *t, float *memory)
{
    const int64_t dims[] = {2, 2}, strides[] = {1, 2};
    lfuse_tensor_desc d;
    lfuse_tensor *tensor;

    lfuse_tensor_desc_init(&d, sizeof(d));
    d.data = memory;
    d.dims = dims;
    d.strides = strides;
    d.rank = 2;
    d.dtype = LFUSE_F32;
    lft_ok(t, lfuse_tensor_create(t->ctx, &d, &tensor, &t->err));
    t->tensors[t->tensor_count++] = tensor;
    return tensor;
}

static lfuse_tensor *square(struct lft *t, float x)
{
    lfuse_tensor *tensor = lft_tensor(t, LFUSE_F32, 0, 2, 2, 0);
    float *w = lft_floats(tensor);

    w[0] = x;
    w[1] = x + 0.25f;
    w[2] = x + 0.5f;
    w[3] = x + 0.75f;
    return tensor;
}

/* l0 = 9, l1 = 1, l2 = 2 at positions 0, 1, 2, and one of another type that moves the middle to
 * 1.5: (l1, l2) are tied first, then under l0, whose weight lies by columns. */
static void three(struct lft *t, float *memory)
{
    const float l0[] = {9.0f, 9.5f, 9.25f, 9.75f};

    memcpy(memory, l0, sizeof(l0));
    lft_layer(t, "l0", "A", 0, lend_by_columns(t, memory), NULL, NULL);
    lft_layer(t, "l1", "A", 1, square(t, 1.0f), NULL, NULL);
    lft_layer(t, "l2", "A", 2, square(t, 2.0f), NULL, NULL);
    lft_layer(t, "last", "Z", 3, square(t, 0.0f), NULL, NULL);
}

static void check_apart(struct lft *t)
{
    int i, j;

    for (i = 0; i < t->tensor_count; i++)
        for (j = 0; j < i; j++)
            assert_ptr_not_equal(lfuse_tensor_data(t->tensors[i]),
                                 lfuse_tensor_data(t->tensors[j]));
}

/* Ties (l1, l2), then all three; undoes it, and finds every bit and no shared memory. */
static void tie_twice_and_undo(struct lft *t)
{
    lfuse_ties *ties = lft_ties_of(t, lft_ties_keeping());
    struct lft_snapshot before;

    lft_take(t, ties, &before);
    lft_tie(t, ties, 1);
    assert_int_equal(lfuse_ties_owner(ties, 2), 1);
    lft_tie(t, ties, 1);
    assert_int_equal(lfuse_ties_owner(ties, 2), 0);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &before);
    check_apart(t);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
}

static void undo_parts_weights_that_the_last_owner_did_not_take_over(void **state)
{
    struct lft *t = *state;
    float memory[4];

    three(t, memory);
    tie_twice_and_undo(t);
}

static void undo_parts_state_that_the_last_owner_does_not_have(void **state)
{
    struct lft *t = *state;

    lft_layer(t, "l0", "A", 0, square(t, 9.0f), NULL, NULL);
    lft_layer(t, "l1", "A", 1, square(t, 1.0f), NULL, square(t, 10.0f));
    lft_layer(t, "l2", "A", 2, square(t, 2.0f), NULL, square(t, 20.0f));
    lft_layer(t, "last", "Z", 3, square(t, 0.0f), NULL, NULL);
    tie_twice_and_undo(t);
}

/* ThreadSanitizer finds the two writers where both are left to write. */
static void mirrors_at_one_address_have_one_writer(void **state)
{
    struct lft *t = *state;
    lfuse_context *ctx = lft_context(t, 4, LFUSE_ISA_BEST);
    lfuse_ties_options o = lft_ties_defaults();
    lfuse_ties *ties;
    float memory[4];
    int i;

    three(t, memory);
    lft_ok(t, lfuse_ties_create(ctx, t->layers, t->layer_count, &o, &ties, &t->err));
    lft_tie(t, ties, 1);
    lft_tie(t, ties, 1);
    assert_ptr_equal(lft_weight(t, 1), lft_weight(t, 2));
    assert_ptr_not_equal(lft_weight(t, 1), memory);
    for (i = 0; i < 4; i++)
        memory[i] = (float)i;
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    assert_true(lft_weight(t, 1)[0] == 0.0f && lft_weight(t, 1)[1] == 2.0f);
    assert_true(lft_weight(t, 1)[2] == 1.0f && lft_weight(t, 1)[3] == 3.0f);
    lfuse_ties_destroy(ties);
    lfuse_context_destroy(ctx);
}

/* ---- weights that come later ------------------------------------------------------------- */

static int32_t accept(const char *layer, const char *name, void *data, void *user)
{
    int *calls = user;

    (void)layer;
    (void)data;
    assert_string_equal(name, "weight");
    ++*calls;
    return 0;
}

/* Layers 0 and 1, tied by their first weights, and then a weight more in layer `index`. */
static lfuse_ties *tied_before_growth(struct lft *t, int index, int *calls)
{
    lfuse_ties_options o = lft_ties_keeping();
    lfuse_ties *ties;

    o.rebind = accept;
    o.rebind_user = calls;
    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    ties = lft_ties_of(t, o);
    lft_tie(t, ties, 1);
    lft_add(t, index, "late", LFUSE_ROLE_WEIGHT, lft_pair(t, 7.0f, 7.0f), NULL);
    return ties;
}

static void check_growth(struct lft *t, int index)
{
    int calls = 0;
    lfuse_ties *ties = tied_before_growth(t, index, &calls);
    const float *late = lft_floats(lft_parameter(t, index, 1).value);

    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    lft_ok(t, lfuse_ties_combine_gradients(ties, &t->err));
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    assert_true(late[0] == 7.0f && late[1] == 7.0f);
    assert_true(lft_weight(t, 0)[0] == 0.0f && lft_weight(t, 1)[0] == 1.0f);
    lfuse_ties_destroy(ties);
}

static void a_weight_that_the_kept_layer_gains_later_is_not_tied(void **state)
{
    check_growth(*state, 0);
}

static void a_weight_that_a_member_gains_later_is_not_tied(void **state)
{
    check_growth(*state, 1);
}

/* ---- memory that was lent ------------------------------------------------------------------ */

static int32_t follow(const char *layer, const char *name, void *data, void *user)
{
    assert_string_equal(layer, "lent");
    assert_string_equal(name, "weight");
    *(void **)user = data;
    return 0;
}

/* 'lent' goes to l1's own memory; when new ties take it from there to l2's, the host that
 * still points at l1's is told. */
static void the_host_is_told_again_by_other_ties(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    float memory[2] = {2.0f, 1.0f};
    void *pointer = memory;
    lfuse_layer *l1;
    lfuse_ties *ties;

    o.rebind = follow;
    o.rebind_user = &pointer;
    l1 = lft_layer(t, "l1", "A", 5, lft_pair(t, 2.5f, 1.0f), NULL, NULL);
    lft_layer(t, "lent", "A", 3, lft_borrow(t, LFUSE_F32, memory, 2, 0), NULL, NULL);
    lft_layer(t, "l2", "A", 0, lft_pair(t, 9.0f, 1.0f), NULL, NULL);
    ties = lft_ties_of(t, o);
    lft_tie(t, ties, 1);
    assert_int_equal(lfuse_ties_owner(ties, 1), 0);
    assert_ptr_equal(pointer, lft_weight(t, 0));
    lfuse_ties_destroy(ties);
    t->layers[0] = t->layers[2]; /* the two layers that are left, l2 first */
    lfuse_layer_destroy(l1);
    t->layer_count = 2;
    ties = lft_ties_of(t, o);
    lft_tie(t, ties, 1);
    assert_ptr_equal(lft_weight(t, 0), lft_weight(t, 1));
    assert_ptr_equal(pointer, lft_weight(t, 1));
    lfuse_ties_destroy(ties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(undo_parts_weights_that_the_last_owner_did_not_take_over),
        lft_test(undo_parts_state_that_the_last_owner_does_not_have),
        lft_test(mirrors_at_one_address_have_one_writer),
        lft_test(a_weight_that_the_kept_layer_gains_later_is_not_tied),
        lft_test(a_weight_that_a_member_gains_later_is_not_tied),
        lft_test(the_host_is_told_again_by_other_ties),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
