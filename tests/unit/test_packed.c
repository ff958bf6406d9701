/* test_packed.c - weights that are prepared once do what weights do */
#include "conv2d_problem.h"

#include <string.h>

enum { BOTH = LFUSE_PACKED_FORWARD | LFUSE_PACKED_BACKWARD_DATA };

static void assert_same(const struct problem *p, const struct problem *q)
{
    assert_memory_equal(p->y, q->y, (size_t)p->y_count * sizeof(float));
    assert_memory_equal(p->dx, q->dx, (size_t)p->x_count * sizeof(float));
}

static void run_both(struct lft *t, lfuse_context *ctx, const lfuse_conv2d_args *args)
{
    lft_ok(t, lfuse_conv2d_forward(ctx, args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_data(ctx, args, &t->err));
}

/* The weights end, or start, at a page nobody may touch. */
static void packed_weights_change_no_bit_on_any_instruction_set(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i, k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 2, isa);

        for (i = 0; i < SHAPES; i++)
            for (k = 0; k < 2; k++) {
                lfuse_layout layout = k == 0 ? LFUSE_LAYOUT_NHWC : LFUSE_LAYOUT_NCHW;
                float *(*place)(int64_t) = k == 0 ? lft_guard_end : lft_guard_start;
                struct problem p = make(&shapes[i], layout, place);
                struct problem q = make(&shapes[i], layout, place);
                lfuse_packed *packed;

                lft_ok(t, lfuse_conv2d_pack(ctx, &q.args, BOTH, &packed, &t->err));
                run_both(t, ctx, &p.args);
                q.args.w = NULL;
                q.args.packed = packed;
                run_both(t, ctx, &q.args);
                assert_same(&p, &q);
                lfuse_packed_destroy(packed);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

static void refreshed_weights_are_the_new_ones(void **state)
{
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < SHAPES; i++) {
        struct problem p = make(&shapes[i], LFUSE_LAYOUT_NHWC, lft_guard_end);
        struct problem q = make(&shapes[i], LFUSE_LAYOUT_NHWC, lft_guard_end);
        lfuse_packed *packed;
        int64_t allocations, k;

        lft_ok(t, lfuse_conv2d_pack(t->ctx, &p.args, BOTH, &packed, &t->err));
        for (k = 0; k < p.w_count; k++)
            p.w[k] = (float)lft_value(99, k);
        allocations = t->memory.allocations;
        lft_ok(t, lfuse_packed_refresh(packed, p.w, &t->err));
        assert_int_equal(t->memory.allocations, allocations);
        q.args.packed = packed;
        run_both(t, t->ctx, &p.args);
        run_both(t, t->ctx, &q.args);
        assert_same(&p, &q);
        lfuse_packed_destroy(packed);
        lft_guard_free();
    }
}

/* Other images, batches, paddings and what follows: the weights' shape alone counts. */
static void layers_of_other_images_share_a_packed_weight(void **state)
{
    static const struct shape small = {1, 16, 7, 5, 16, 3, 3, 1, 1, 0, 1, 2, 0, 1, 1, 1};
    struct lft *t = *state;
    struct problem of = make(&shapes[1], LFUSE_LAYOUT_NHWC, lft_guard_end);
    struct problem p = make(&small, LFUSE_LAYOUT_NCHW, lft_guard_end);
    struct problem q = make(&small, LFUSE_LAYOUT_NCHW, lft_guard_end);
    lfuse_packed *packed;

    of.args.algorithm = p.args.algorithm = q.args.algorithm = LFUSE_CONV2D_DIRECT;
    lft_ok(t, lfuse_conv2d_pack(t->ctx, &of.args, BOTH, &packed, &t->err));
    q.args.packed = packed;
    run_both(t, t->ctx, &p.args);
    run_both(t, t->ctx, &q.args);
    assert_same(&p, &q);
    lfuse_packed_destroy(packed);
    lft_guard_free();
}

/* Of one image alone the direct algorithm is faster, and of eight Winograd's: the weights were packed
 * for one of them, and serve the other, too. NCHW has no Winograd to follow with. */
static void what_the_shape_would_choose_follows_the_packed_weights(void **state)
{
    static const struct shape many = {8, 16, 4, 4, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    static const struct shape one = {1, 16, 4, 4, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct shape *const from[] = {&many, &one}, *const to[] = {&one, &many};
    static const lfuse_conv2d_algorithm algorithms[] = {LFUSE_CONV2D_WINOGRAD,
                                                        LFUSE_CONV2D_DIRECT};
    struct lft *t = *state;
    int i;

    for (i = 0; i < 2; i++) {
        struct problem of = make(from[i], LFUSE_LAYOUT_NHWC, lft_guard_end);
        struct problem p = make(to[i], LFUSE_LAYOUT_NHWC, lft_guard_end);
        struct problem q = make(to[i], LFUSE_LAYOUT_NHWC, lft_guard_end);
        lfuse_packed *packed;

        of.args.algorithm = q.args.algorithm = 0;
        lft_ok(t, lfuse_conv2d_pack(t->ctx, &of.args, BOTH, &packed, &t->err));
        p.args.algorithm = algorithms[i];
        q.args.packed = packed;
        run_both(t, t->ctx, &p.args);
        run_both(t, t->ctx, &q.args);
        assert_same(&p, &q);
        q.args.layout = LFUSE_LAYOUT_NCHW;
        if (algorithms[i] == LFUSE_CONV2D_WINOGRAD)
            lft_fails(t, lfuse_conv2d_forward(t->ctx, &q.args, &t->err), LFUSE_ERR_SHAPE,
                      "another algorithm");
        lfuse_packed_destroy(packed);
        lft_guard_free();
    }
}

static void its_bytes_are_what_is_live(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[3], LFUSE_LAYOUT_NHWC, lft_guard_end);
    uint32_t directions;
    size_t bytes[BOTH + 1] = {0};

    assert_int_equal(lfuse_packed_bytes(NULL), 0);
    for (directions = 1; directions <= BOTH; directions++) {
        int64_t live = t->memory.live;
        lfuse_packed *packed;

        lft_ok(t, lfuse_conv2d_pack(t->ctx, &p.args, directions, &packed, &t->err));
        bytes[directions] = lfuse_packed_bytes(packed);
        assert_true((size_t)p.w_count * sizeof(float) <= bytes[directions]);
        assert_true((int64_t)bytes[directions] <= t->memory.live - live);
        lfuse_packed_destroy(packed);
        assert_int_equal(t->memory.live, live);
    }
    assert_int_equal(bytes[BOTH], bytes[1] + bytes[2]);
    lft_guard_free();
}

/* ---- what is refused -------------------------------------------------------------------------- */

static void assert_untouched(const struct problem *p)
{
    int64_t i;

    for (i = 0; i < p->y_count; i++)
        assert_true(p->y[i] == (float)lft_value(5, i));
    for (i = 0; i < p->x_count; i++)
        assert_true(p->dx[i] == (float)lft_value(6, i));
}

static void packing_refuses_what_it_cannot_pack(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[3], LFUSE_LAYOUT_NHWC, lft_guard_end);
    lfuse_conv2d_args args = p.args;
    lfuse_packed *packed = (lfuse_packed *)&args;

    lft_fails(t, lfuse_conv2d_pack(t->ctx, &args, BOTH, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "packed is NULL");
    lft_fails(t, lfuse_conv2d_pack(t->ctx, &args, 0, &packed, &t->err),
              LFUSE_ERR_ARGUMENT, "directions is 0x0");
    assert_null(packed);
    lft_fails(t, lfuse_conv2d_pack(t->ctx, &args, 5, &packed, &t->err),
              LFUSE_ERR_ARGUMENT, "directions is 0x5");
    lft_fails(t, lfuse_conv2d_pack(NULL, &args, BOTH, &packed, &t->err),
              LFUSE_ERR_ARGUMENT, "ctx is NULL");
    args.w = NULL;
    lft_fails(t, lfuse_conv2d_pack(t->ctx, &args, BOTH, &packed, &t->err),
              LFUSE_ERR_ARGUMENT, "args.w is NULL");
    args.w = p.w;
    args.groups = 3;
    packed = (lfuse_packed *)&args;
    lft_fails(t, lfuse_conv2d_pack(t->ctx, &args, BOTH, &packed, &t->err),
              LFUSE_ERR_SHAPE, "3 groups do not divide");
    assert_null(packed);
    lft_guard_free();
}

static void refreshing_wants_both_operands(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[3], LFUSE_LAYOUT_NHWC, lft_guard_end);
    lfuse_packed *packed;

    lft_ok(t, lfuse_conv2d_pack(t->ctx, &p.args, BOTH, &packed, &t->err));
    lft_fails(t, lfuse_packed_refresh(packed, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "w is NULL");
    lft_fails(t, lfuse_packed_refresh(NULL, p.w, &t->err), LFUSE_ERR_ARGUMENT,
              "packed is NULL");
    lfuse_packed_destroy(packed);
    lfuse_packed_destroy(NULL);
    lft_guard_free();
}

static void a_packed_weight_of_another_kind_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[2], LFUSE_LAYOUT_NHWC, lft_guard_end);
    lfuse_context *scalar = lft_context(t, 0, LFUSE_ISA_SCALAR);
    lfuse_packed *both, *forward, *other;
    lfuse_conv2d_args args = p.args;

    lft_ok(t, lfuse_conv2d_pack(t->ctx, &args, BOTH, &both, &t->err));
    lft_ok(t, lfuse_conv2d_pack(t->ctx, &args, LFUSE_PACKED_FORWARD, &forward, &t->err));
    lft_ok(t, lfuse_conv2d_pack(scalar, &args, BOTH, &other, &t->err));
    args.packed = forward;
    lft_fails(t, lfuse_conv2d_backward_data(t->ctx, &args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.packed is not for backward data");
    args.packed = other;
    if (lfuse_context_isa(t->ctx) != LFUSE_ISA_SCALAR)
        lft_fails(t, lfuse_conv2d_forward(t->ctx, &args, &t->err), LFUSE_ERR_ARGUMENT,
                  "args.packed is for scalar");
    args.packed = both;
    args.stride_w = 1;
    args.width = 6;
    lft_fails(t, lfuse_conv2d_backward_data(t->ctx, &args, &t->err), LFUSE_ERR_SHAPE,
              "weights (32, 16, 3, 3) in 1 groups");
    args = p.args;
    args.packed = both;
    args.groups = 2;
    lft_fails(t, lfuse_conv2d_forward(t->ctx, &args, &t->err), LFUSE_ERR_SHAPE,
              "args.packed is of weights");
    args = p.args;
    args.packed = both;
    args.out_channels = 16;
    lft_fails(t, lfuse_conv2d_forward(t->ctx, &args, &t->err), LFUSE_ERR_SHAPE,
              "args.packed is of weights");
    assert_untouched(&p);
    lfuse_packed_destroy(both);
    lfuse_packed_destroy(forward);
    lfuse_packed_destroy(other);
    lfuse_context_destroy(scalar);
    lft_guard_free();
}

static lfuse_status pack(struct lft *t, void *arg)
{
    lfuse_packed *packed;
    lfuse_status status = lfuse_conv2d_pack(t->ctx, arg, BOTH, &packed, &t->err);

    assert_true(status == LFUSE_OK || packed == NULL);
    lfuse_packed_destroy(packed);
    return status;
}

static void a_refused_allocation_leaves_nothing_behind(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[3], LFUSE_LAYOUT_NHWC, lft_guard_end);

    lft_every_allocation_fails(t, pack, &p.args);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(packed_weights_change_no_bit_on_any_instruction_set),
        lft_test(refreshed_weights_are_the_new_ones),
        lft_test(layers_of_other_images_share_a_packed_weight),
        lft_test(what_the_shape_would_choose_follows_the_packed_weights),
        lft_test(its_bytes_are_what_is_live),
        lft_test(packing_refuses_what_it_cannot_pack),
        lft_test(refreshing_wants_both_operands),
        lft_test(a_packed_weight_of_another_kind_is_told),
        lft_test(a_refused_allocation_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
