/* test_conv2d_errors.c - what a convolution refuses, and that it then touches nothing */
#include "conv2d_problem.h"

typedef lfuse_status (*direction)(lfuse_context *, const lfuse_conv2d_args *,
                                  lfuse_error *);

static lfuse_status workspace_of(lfuse_context *ctx, const lfuse_conv2d_args *args,
                                 lfuse_error *err)
{
    size_t bytes = 42;
    lfuse_status status = lfuse_conv2d_workspace(ctx, args, &bytes, err);

    assert_true(status == LFUSE_OK || bytes == 42);
    return status;
}

static const direction directions[] = {lfuse_conv2d_forward, lfuse_conv2d_backward_data,
                                       lfuse_conv2d_backward_weights, workspace_of};

struct call {
    direction direction;
    const lfuse_conv2d_args *args;
};

static lfuse_status run_call(struct lft *t, void *arg)
{
    const struct call *call = arg;

    return call->direction(t->ctx, call->args, &t->err);
}

static void assert_untouched(const struct problem *p)
{
    int64_t i;

    for (i = 0; i < p->y_count; i++)
        assert_true(p->y[i] == (float)lft_value(5, i));
    for (i = 0; i < p->x_count; i++)
        assert_true(p->dx[i] == (float)lft_value(6, i));
    for (i = 0; i < p->w_count; i++)
        assert_true(p->dw[i] == (float)lft_value(7, i));
    for (i = 0; i < p->args.out_channels; i++)
        assert_true(p->dbias[i] == (float)lft_value(8, i));
}

static void a_refused_workspace_leaves_nothing_behind(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[2], LFUSE_LAYOUT_NCHW, lft_guard_end);
    int d;

    for (d = 0; d < 3; d++) {
        struct call call = {directions[d], &p.args};

        t->memory.fail_at = t->memory.allocations;
        lft_fails(t, run_call(t, &call), LFUSE_ERR_NO_MEMORY, "the workspace");
        t->memory.fail_at = -1;
    }
    assert_untouched(&p);
    for (d = 0; d < 3; d++) {
        struct call call = {directions[d], &p.args};

        lft_every_allocation_fails(t, run_call, &call);
    }
    lft_guard_free();
}

/* Runs a copy of p's args with one field changed. */
#define FAILS(DIRECTION, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                                 \
        lfuse_conv2d_args args = p.args;                                 \
        args.FIELD = VALUE;                                              \
        lft_fails(t, (DIRECTION)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)

static void every_missing_operand_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);

    FAILS(lfuse_conv2d_forward, x, NULL, LFUSE_ERR_ARGUMENT, "args.x is NULL");
    FAILS(lfuse_conv2d_forward, w, NULL, LFUSE_ERR_ARGUMENT, "args.w is NULL");
    FAILS(lfuse_conv2d_forward, y, NULL, LFUSE_ERR_ARGUMENT, "args.y is NULL");
    FAILS(lfuse_conv2d_backward_data, dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(lfuse_conv2d_backward_data, w, NULL, LFUSE_ERR_ARGUMENT, "args.w is NULL");
    FAILS(lfuse_conv2d_backward_data, dx, NULL, LFUSE_ERR_ARGUMENT, "args.dx is NULL");
    FAILS(lfuse_conv2d_backward_weights, dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(lfuse_conv2d_backward_weights, x, NULL, LFUSE_ERR_ARGUMENT, "args.x is NULL");
    FAILS(lfuse_conv2d_backward_weights, dw, NULL, LFUSE_ERR_ARGUMENT, "args.dw is NULL");
    lft_fails(t, lfuse_conv2d_workspace(t->ctx, &p.args, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "bytes is NULL");
    assert_untouched(&p);
    lft_guard_free();
}

static void every_wrong_number_is_told_by_all_directions(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);
    struct {
        lfuse_conv2d_args args;
        uint64_t more;
    } newer;
    int d;

    for (d = 0; d < 4; d++) {
        const direction call = directions[d];

        FAILS(call, batch, 0, LFUSE_ERR_ARGUMENT, "args.batch is 0");
        FAILS(call, in_channels, 0, LFUSE_ERR_ARGUMENT, "args.in_channels is 0");
        FAILS(call, height, -3, LFUSE_ERR_ARGUMENT, "args.height is -3");
        FAILS(call, width, 0, LFUSE_ERR_ARGUMENT, "args.width is 0");
        FAILS(call, out_channels, 0, LFUSE_ERR_ARGUMENT, "args.out_channels is 0");
        FAILS(call, kernel_h, 0, LFUSE_ERR_ARGUMENT, "args.kernel_h is 0");
        FAILS(call, kernel_w, 0, LFUSE_ERR_ARGUMENT, "args.kernel_w is 0");
        FAILS(call, stride_h, -1, LFUSE_ERR_ARGUMENT, "args.stride_h is -1");
        FAILS(call, stride_w, -1, LFUSE_ERR_ARGUMENT, "args.stride_w is -1");
        FAILS(call, pad_top, -1, LFUSE_ERR_ARGUMENT, "args.pad_top is -1");
        FAILS(call, pad_bottom, -1, LFUSE_ERR_ARGUMENT, "args.pad_bottom is -1");
        FAILS(call, pad_left, -1, LFUSE_ERR_ARGUMENT, "args.pad_left is -1");
        FAILS(call, pad_right, -1, LFUSE_ERR_ARGUMENT, "args.pad_right is -1");
        FAILS(call, dilation_h, -1, LFUSE_ERR_ARGUMENT, "args.dilation_h is -1");
        FAILS(call, dilation_w, -1, LFUSE_ERR_ARGUMENT, "args.dilation_w is -1");
        FAILS(call, groups, -1, LFUSE_ERR_ARGUMENT, "args.groups is -1");
        FAILS(call, layout, 3, LFUSE_ERR_ARGUMENT, "args.layout is 3");
        FAILS(call, layout, -1, LFUSE_ERR_ARGUMENT, "args.layout is -1");
        FAILS(call, flags, 6, LFUSE_ERR_ARGUMENT, "0x6");
        FAILS(call, reserved_1, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved_1 is 7");
        FAILS(call, groups, 2, LFUSE_ERR_SHAPE, "2 groups do not divide 2 and 3");
        FAILS(call, kernel_h, 10, LFUSE_ERR_SHAPE, "kernel_h is 10");
        FAILS(call, kernel_w, 10, LFUSE_ERR_SHAPE, "the padded width is 9");
        FAILS(call, dilation_h, 9, LFUSE_ERR_SHAPE, "with dilation 9");
        FAILS(call, dilation_w, INT64_MAX, LFUSE_ERR_SHAPE, "kernel_w is 2");
        FAILS(call, pad_top, INT64_MAX, LFUSE_ERR_OVERFLOW, "the padded height");
        FAILS(call, pad_right, INT64_MAX, LFUSE_ERR_OVERFLOW, "the padded width");
        FAILS(call, batch, INT64_MAX / 9, LFUSE_ERR_OVERFLOW, "x of");
        FAILS(call, out_channels, INT64_MAX / 9, LFUSE_ERR_OVERFLOW, "w of");
        FAILS(call, out_channels, INT64_MAX / 64, LFUSE_ERR_OVERFLOW, "y of");
        FAILS(call, pad_left, INT64_MAX / 16, LFUSE_ERR_OVERFLOW, "elements");
        FAILS(call, struct_size, 7, LFUSE_ERR_ARGUMENT, "struct_size 7");
        lft_fails(t, call(NULL, &p.args, &t->err), LFUSE_ERR_ARGUMENT, "ctx is NULL");
        lft_fails(t, call(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT, "args is NULL");
        newer.args = p.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, call(t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED, "args");
    }
    assert_untouched(&p);
    lft_guard_free();
}

static void a_workspace_too_small_or_askew_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NCHW, lft_guard_end);
    char *space = (char *)lft_guard_start(1 << 20);
    int d;

    p.args.workspace_bytes = 63;
    for (d = 0; d < 3; d++) {
        FAILS(directions[d], workspace, space, LFUSE_ERR_ARGUMENT, "has 63 bytes of");
        p.args.workspace_bytes = 1 << 20;
        FAILS(directions[d], workspace, space + 4, LFUSE_ERR_ARGUMENT,
              "not aligned to 64");
        p.args.workspace_bytes = 63;
    }
    assert_untouched(&p);
    lft_guard_free();
}

static void an_output_that_overlaps_an_input_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);

    FAILS(lfuse_conv2d_forward, x, p.y + p.y_count - 1, LFUSE_ERR_ARGUMENT,
          "args.x overlaps y");
    FAILS(lfuse_conv2d_forward, w, p.y, LFUSE_ERR_ARGUMENT, "args.w overlaps y");
    FAILS(lfuse_conv2d_forward, bias, p.y + 1, LFUSE_ERR_ARGUMENT,
          "args.bias overlaps y");
    FAILS(lfuse_conv2d_forward, scale, p.y, LFUSE_ERR_ARGUMENT, "args.scale overlaps y");
    FAILS(lfuse_conv2d_forward, shift, p.y, LFUSE_ERR_ARGUMENT, "args.shift overlaps y");
    FAILS(lfuse_conv2d_backward_data, dy, p.dx, LFUSE_ERR_ARGUMENT,
          "args.dy overlaps dx");
    FAILS(lfuse_conv2d_backward_data, w, p.dx + p.x_count - 1, LFUSE_ERR_ARGUMENT,
          "args.w overlaps dx");
    FAILS(lfuse_conv2d_backward_weights, x, p.dw, LFUSE_ERR_ARGUMENT,
          "args.x overlaps dw");
    FAILS(lfuse_conv2d_backward_weights, dy, p.dw - p.y_count + 1, LFUSE_ERR_ARGUMENT,
          "args.dy overlaps dw");
    FAILS(lfuse_conv2d_backward_weights, dbias, p.dw, LFUSE_ERR_ARGUMENT,
          "args.dbias overlaps dw");
    FAILS(lfuse_conv2d_backward_weights, dy, p.dbias, LFUSE_ERR_ARGUMENT,
          "args.dy overlaps dbias");
    assert_untouched(&p);
    lft_guard_free();
}

/* An array that ends where an output begins does not overlap it. */
static void neighbours_do_not_overlap(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NHWC, lft_guard_end);
    float *both = filled(p.x_count + p.y_count, 1, lft_guard_end);

    p.args.x = both;
    p.args.y = both + p.x_count;
    lft_ok(t, lfuse_conv2d_forward(t->ctx, &p.args, &t->err));
    lft_guard_free();
}

static int32_t refuse(void *user, int64_t count, lfuse_task task, void *arg)
{
    (void)user;
    (void)count;
    (void)task;
    (void)arg;
    return 17;
}

static void an_executor_that_refuses_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&shapes[10], LFUSE_LAYOUT_NCHW, lft_guard_end);
    lfuse_context_options options;
    lfuse_context *ctx;
    int d;

    lfuse_context_options_init(&options, sizeof(options));
    options.allocator = lft_allocator(&t->memory);
    options.executor.parallel_for = refuse;
    options.executor.concurrency = 2;
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    for (d = 0; d < 3; d++) {
        lft_fails(t, directions[d](ctx, &p.args, &t->err), LFUSE_ERR_CALLBACK, "17");
        assert_int_equal(t->err.detail, 17);
    }
    lfuse_context_destroy(ctx);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_refused_workspace_leaves_nothing_behind),
        lft_test(every_missing_operand_is_told),
        lft_test(every_wrong_number_is_told_by_all_directions),
        lft_test(a_workspace_too_small_or_askew_is_told),
        lft_test(an_output_that_overlaps_an_input_is_told),
        lft_test(neighbours_do_not_overlap),
        lft_test(an_executor_that_refuses_is_told),
    };

    return cmocka_run_group_tests_name("conv2d_errors", tests, NULL, NULL);
}
