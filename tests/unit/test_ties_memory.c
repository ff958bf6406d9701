/* test_ties_memory.c - whose memory tied weights have, and getting it back; see ties.h */
#include "lft_ties.h"

#include <string.h>

/* ---- borrowed memory ------------------------------------------------------------------------- */

enum { LENT = 3 };

/* What a caller with its own pointers has. */
struct host {
    float memory[LENT][4];
    float *pointer[LENT];
    int released[LENT];
    int calls;
    int refuse_at;
};

static void count_release(void *data, void *user)
{
    struct host *h = user;
    int i;

    for (i = 0; i < LENT; i++)
        h->released[i] += data == h->memory[i];
}

static int32_t rebind(const char *layer, const char *name, void *data, void *user)
{
    struct host *h = user;

    assert_string_equal(name, "weight");
    assert_true(layer[0] == 'b' && layer[1] >= '0' && layer[1] < '0' + LENT);
    if (h->calls++ == h->refuse_at)
        return 9;
    h->pointer[layer[1] - '0'] = data;
    return 0;
}

/* b0, b1, b2 at positions 0, 1, 2 over the host's memory [x, 1] and owned velocity; x = 0, 1, 3:
 * kept are b0, then b0. */
static void lend(struct lft *t, struct host *h)
{
    const char *names[] = {"b0", "b1", "b2"};
    const float x[] = {0.0f, 1.0f, 3.0f};
    const int64_t dims[] = {2};
    int i;

    memset(h, 0, sizeof(*h));
    h->refuse_at = -1;
    for (i = 0; i < LENT; i++) {
        lfuse_tensor *lent, *state;
        lfuse_tensor_desc d;

        h->pointer[i] = h->memory[i];
        h->memory[i][0] = x[i];
        h->memory[i][1] = 1.0f;
        lfuse_tensor_desc_init(&d, sizeof(d));
        d.data = h->memory[i];
        d.dims = dims;
        d.rank = 1;
        d.dtype = LFUSE_F32;
        d.release = count_release;
        d.release_user = h;
        lft_ok(t, lfuse_tensor_create(t->ctx, &d, &lent, &t->err));
        t->tensors[t->tensor_count++] = lent;
        state = lft_pair(t, x[i], x[i]);
        lft_layer(t, names[i], "B", i, lent, NULL, state);
    }
}

static void drop_tensors(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

static void check_released(const struct host *h, int r0, int r1, int r2)
{
    assert_int_equal(h->released[0], r0);
    assert_int_equal(h->released[1], r1);
    assert_int_equal(h->released[2], r2);
}

static void borrowed_memory_without_rebind_is_mirrored(void **state)
{
    struct lft *t = *state;
    struct host h;
    lfuse_ties *ties;

    lend(t, &h);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    assert_ptr_equal(lft_weight(t, 1), h.memory[1]);
    assert_true(h.memory[0][0] == 0.5f && h.memory[1][0] == 0.5f);
    assert_int_equal(lft_account(t, ties).all_unique_bytes, 2 * 8);
    assert_int_equal(lfuse_ties_resident_bytes(ties), 3 * 8);
    h.memory[0][0] = 7.0f;
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    assert_true(h.memory[1][0] == 7.0f && h.memory[2][0] == 3.0f);
    check_released(&h, 0, 0, 0);
    lfuse_ties_destroy(ties);
    drop_tensors(t);
    check_released(&h, 1, 1, 1);
}

static void rebind_moves_the_callers_pointers(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    struct host h;
    lfuse_ties *ties;

    lend(t, &h);
    o.rebind = rebind;
    o.rebind_user = &h;
    ties = lft_ties_of(t, o);
    lft_tie(t, ties, 1);
    assert_int_equal(h.calls, 1);
    assert_ptr_equal(h.pointer[1], h.memory[0]);
    assert_ptr_equal(lft_weight(t, 1), h.memory[0]);
    assert_true(h.memory[0][0] == 0.5f);
    assert_true(h.memory[1][0] == 1.0f); /* nobody's any more */
    check_released(&h, 0, 1, 0);
    assert_ptr_equal(lft_velocity(t, 1), lft_velocity(t, 0));
    lft_tie(t, ties, 1);
    assert_int_equal(h.calls, 2); /* b1 is there already */
    assert_ptr_equal(h.pointer[2], h.memory[0]);
    assert_true(h.memory[0][0] == 4.0f / 3.0f);
    assert_int_equal(lfuse_ties_resident_bytes(ties), 8);
    check_released(&h, 0, 1, 1);
    lfuse_ties_destroy(ties);
    check_released(&h, 0, 1, 1);
    drop_tensors(t);
    check_released(&h, 1, 1, 1);
}

/* Undo gives the pointers back; the memory was never released in between. */
static void undo_moves_the_callers_pointers_back(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_keeping();
    struct lft_snapshot s;
    struct host h;
    lfuse_ties *ties;

    lend(t, &h);
    o.rebind = rebind;
    o.rebind_user = &h;
    ties = lft_ties_of(t, o);
    lft_take(t, ties, &s);
    lft_tie(t, ties, 1);
    lft_tie(t, ties, 1);
    check_released(&h, 0, 0, 0);
    /* one buffer, two of the caller's set aside, and three copies */
    assert_int_equal(lfuse_ties_resident_bytes(ties), 8 + 2 * 8 + 3 * 8);
    lft_weight(t, 2)[0] = 77.0f;
    lft_velocity(t, 0)[1] = 78.0f;
    h.memory[1][0] = 79.0f; /* set aside, and scribbled over */
    h.calls = 0;
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    assert_int_equal(h.calls, 2);
    assert_ptr_equal(h.pointer[1], h.memory[1]);
    assert_ptr_equal(h.pointer[2], h.memory[2]);
    lft_check_bytes(t, &s);
    assert_ptr_equal(lft_weight(t, 2), h.memory[2]);
    check_released(&h, 0, 0, 0);
    lft_drop(&s);
    lft_tie(t, ties, 2); /* again, and dies in force */
    lfuse_ties_destroy(ties);
    check_released(&h, 0, 1, 1);
    drop_tensors(t);
    check_released(&h, 1, 1, 1);
}

static void host_pointers_match(struct lft *t, const struct host *h)
{
    int i;

    for (i = 0; i < LENT; i++)
        assert_ptr_equal(h->pointer[i], lft_weight(t, i));
}

/* (b0, b1) and then b2: two calls to apply, two to undo; each is refused once. */
static void a_refused_rebind_is_taken_back_whole(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_keeping();
    struct lft_snapshot s;
    struct host h;
    lfuse_ties *ties;
    lfuse_plan *plan;
    int k;

    lend(t, &h);
    o.rebind = rebind;
    o.rebind_user = &h;
    ties = lft_ties_of(t, o);
    plan = lft_plan_with(t, ties, 2, 0, 0);
    lft_take(t, ties, &s);
    for (k = 0; k < 2; k++) {
        h.calls = 0;
        h.refuse_at = k;
        lft_fails(t, lfuse_ties_apply(ties, plan, &t->err), LFUSE_ERR_CALLBACK,
                  k == 0 ? "rebind of parameter weight of layer b1 returned 9"
                         : "rebind of parameter weight of layer b2 returned 9");
        assert_int_equal(t->err.detail, 9);
        assert_int_equal(h.calls, 2 * k + 1); /* k accepted, 1 refused, k taken back */
        lft_check_unchanged(t, ties, &s);
        host_pointers_match(t, &h);
    }
    lft_drop(&s);
    h.calls = 0;
    h.refuse_at = -1;
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_weight(t, 0)[0] = 5.0f;
    lft_take(t, ties, &s);
    for (k = 0; k < 2; k++) {
        h.calls = 0;
        h.refuse_at = k;
        lft_fails(t, lfuse_ties_undo(ties, &t->err), LFUSE_ERR_CALLBACK, "returned 9");
        assert_int_equal(t->err.detail, 9);
        lft_check_unchanged(t, ties, &s);
        host_pointers_match(t, &h);
    }
    h.refuse_at = -1;
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    host_pointers_match(t, &h);
    assert_true(h.memory[0][0] == 0.0f && h.memory[2][0] == 3.0f);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    drop_tensors(t);
    check_released(&h, 1, 1, 1);
}

/* 2 x 3 dense, owned, against the caller's transposed 3 x 2: the strides that the caller knows
 * stay true, so the memory stays apart. */
static void memory_that_is_laid_out_in_another_way_is_mirrored(void **state)
{
    struct lft *t = *state;
    const int64_t dims[] = {2, 3}, strides[] = {1, 2};
    float memory[6] = {1, 2, 3, 4, 5, 6}; /* rows 1 3 5 and 2 4 6 */
    lfuse_tensor *owned = lft_tensor(t, LFUSE_F32, 0, 2, 3, 0);
    const float mean[] = {1, 2, 3, 2, 3, 4};
    lfuse_tensor_desc d;
    lfuse_ties *ties;
    int i;

    lfuse_tensor_desc_init(&d, sizeof(d));
    d.data = memory;
    d.dims = dims;
    d.strides = strides;
    d.rank = 2;
    d.dtype = LFUSE_F32;
    lft_ok(t, lfuse_tensor_create(t->ctx, &d, &t->tensors[t->tensor_count], &t->err));
    lft_layer(t, "lent", "A", 0, t->tensors[t->tensor_count++], NULL, NULL);
    for (i = 0; i < 6; i++)
        lft_floats(owned)[i] = (float)(i % 3 + i / 3 + 1);      /* rows 1 2 3 and 2 3 4 */
    memory[2] = 2, memory[4] = 3, memory[3] = 3, memory[5] = 4; /* the same */
    memory[0] = 1;
    lft_layer(t, "owned", "A", 1, owned, NULL, NULL);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    assert_ptr_equal(lft_weight(t, 0), memory);
    assert_ptr_not_equal(lft_weight(t, 1), memory);
    assert_int_equal(lfuse_tensor_stride(owned, 0), 3);
    for (i = 0; i < 6; i++)
        assert_true(lft_floats(owned)[i] == mean[i]);
    memory[1] = 50.0f; /* row 1, column 0 */
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    assert_true(lft_floats(owned)[3] == 50.0f);
    lfuse_ties_destroy(ties);
}

static void mirror_re_points_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_defaults();
    float *w[4], *v[4];
    lfuse_ties *ties;
    int i;

    lft_four(t);
    for (i = 0; i < 4; i++) {
        w[i] = lft_weight(t, i);
        v[i] = lft_velocity(t, i);
    }
    o.flags = LFUSE_TIES_MIRROR;
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    ties = lft_ties_of(t, o);
    lft_tie(t, ties, 3);
    for (i = 0; i < 4; i++) {
        assert_ptr_equal(lft_weight(t, i), w[i]);
        assert_ptr_equal(lft_velocity(t, i), v[i]);
        assert_true(w[i][0] == 2.75f);
    }
    assert_int_equal(lft_account(t, ties).all_unique_bytes, 8);
    assert_int_equal(lfuse_ties_resident_bytes(ties), 4 * 8);
    w[0][1] = -3.0f;
    lft_ok(t, lfuse_ties_refresh(ties, &t->err));
    for (i = 0; i < 4; i++)
        assert_true(w[i][1] == -3.0f);
    lfuse_ties_destroy(ties);
}

/* ---- undo --------------------------------------------------------------------------------------- */

/* Two plans with training in between; l3 is never tied; owned, with state and biases. */
static void undo_restores_every_weight_and_state_to_the_bit(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_ties *ties;
    int i, j, round;

    lft_four(t);
    lft_weight(t, 2)[1] = -0.0f;
    ties = lft_ties_of(t, lft_ties_keeping());
    for (round = 0; round < 2; round++) {
        lft_take(t, ties, &s);
        lft_tie(t, ties, 1);
        assert_int_equal(lfuse_ties_resident_bytes(ties), 3 * 8 + 4 * 8);
        lft_weight(t, 0)[0] += 0.25f;
        lft_weight(t, 2)[0] = 1.5f;
        lft_weight(t, 3)[0] = 90.0f;
        lft_velocity(t, 3)[1] = 91.0f;
        lft_tie(t, ties, 1);
        assert_int_equal(lfuse_ties_owner(ties, 2), 0);
        lft_weight(t, 1)[1] = 92.0f;
        lft_velocity(t, 1)[0] = 93.0f;
        lft_ok(t, lfuse_ties_undo(ties, &t->err));
        lft_check_bytes(t, &s);
        for (i = 0; i < 4; i++) {
            assert_int_equal(lfuse_ties_owner(ties, i), i);
            for (j = 0; j < i; j++) {
                assert_ptr_not_equal(lft_weight(t, i), lft_weight(t, j));
                assert_ptr_not_equal(lft_velocity(t, i), lft_velocity(t, j));
            }
        }
        assert_int_equal(t->memory.live, s.live);
        assert_int_equal(lfuse_ties_resident_bytes(ties), s.resident);
        lft_drop(&s);
        lft_ok(t, lfuse_ties_undo(ties, &t->err)); /* nothing in force, nothing happens */
    }
    lfuse_ties_destroy(ties);
}

/* Mirrors and accumulated gradients part, too; gradients get their own memory back. */
static void undo_parts_mirrors_and_gradients(void **state)
{
    struct lft *t = *state;
    lfuse_ties_options o = lft_ties_keeping();
    struct lft_snapshot s;
    struct host h;
    lfuse_ties *ties;
    float *g1;

    lend(t, &h);
    lft_four(t);
    g1 = lft_gradient(t, LENT + 1);
    o.gradients = LFUSE_GRADIENTS_ACCUMULATED;
    ties = lft_ties_of(t, o);
    lft_take(t, ties, &s);
    lft_tie(t, ties, 4);
    assert_ptr_equal(lft_gradient(t, LENT + 1), lft_gradient(t, LENT));
    assert_true(h.memory[1][0] != 1.0f);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    assert_ptr_equal(lft_gradient(t, LENT + 1), g1);
    assert_int_equal(t->memory.live, s.live);
    lft_drop(&s);
    lfuse_ties_destroy(ties);
    drop_tensors(t); /* before the host's memory ends */
}

static void undo_needs_the_originals(void **state)
{
    struct lft *t = *state;
    struct lft_snapshot s;
    lfuse_ties *ties;

    lft_four(t);
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_tie(t, ties, 1);
    lft_take(t, ties, &s);
    lft_fails(t, lfuse_ties_undo(ties, &t->err), LFUSE_ERR_STATE,
              "LFUSE_TIES_KEEP_ORIGINALS");
    lft_check_unchanged(t, ties, &s);
    lft_drop(&s);
    lft_fails(t, lfuse_ties_undo(NULL, &t->err), LFUSE_ERR_ARGUMENT, "ties is NULL");
    lfuse_ties_destroy(ties);
}

static void a_refused_allocation_of_apply_changes_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    lfuse_ties *ties;
    lfuse_plan *plan;
    struct lft_snapshot s;
    struct host h;
    int64_t k;

    lft_four(t);
    lend(t, &h);
    ties = lft_ties_of(t, lft_ties_keeping());
    plan = lft_plan_with(t, ties, 5, 0, 0);
    lft_take(t, ties, &s);
    for (k = 0; status != LFUSE_OK; k++) {
        t->memory.allocations = 0;
        t->memory.fail_at = k;
        status = lfuse_ties_apply(ties, plan, &t->err);
        t->memory.fail_at = -1;
        if (status != LFUSE_OK) {
            assert_int_equal(status, LFUSE_ERR_NO_MEMORY);
            lft_check_unchanged(t, ties, &s);
        }
    }
    assert_true(k > 4 * 4);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &s);
    lft_drop(&s);
    lfuse_plan_destroy(plan);
    lfuse_ties_destroy(ties);
    drop_tensors(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(borrowed_memory_without_rebind_is_mirrored),
        lft_test(rebind_moves_the_callers_pointers),
        lft_test(undo_moves_the_callers_pointers_back),
        lft_test(a_refused_rebind_is_taken_back_whole),
        lft_test(memory_that_is_laid_out_in_another_way_is_mirrored),
        lft_test(mirror_re_points_nothing),
        lft_test(undo_restores_every_weight_and_state_to_the_bit),
        lft_test(undo_parts_mirrors_and_gradients),
        lft_test(undo_needs_the_originals),
        lft_test(a_refused_allocation_of_apply_changes_nothing),
    };

    return cmocka_run_group_tests_name("ties_memory", tests, NULL, NULL);
}
