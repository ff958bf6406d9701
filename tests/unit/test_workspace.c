/* test_workspace.c - batch norm and linear in memory that the caller brings: nothing allocated */
#include "lft.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 6, CHANNELS = 70, PIXELS = 700, VALUES = BATCH * CHANNELS * PIXELS };

static float tensor[5][VALUES], vector[8][CHANNELS];

static lfuse_batch_norm_args norm(lfuse_layout layout)
{
    lfuse_batch_norm_args a;
    int i;

    for (i = 0; i < 5; i++)
        lft_fill(tensor[i], VALUES, (uint64_t)i);
    for (i = 0; i < 8; i++)
        lft_fill(vector[i], CHANNELS, (uint64_t)i + 5);
    lfuse_batch_norm_args_init(&a, sizeof(a));
    a.x = tensor[0];
    a.dy = tensor[1];
    a.y = tensor[2];
    a.dx = tensor[3];
    a.dresidual = tensor[4];
    a.scale = vector[0];
    a.shift = vector[1];
    a.dscale = vector[2];
    a.dshift = vector[3];
    a.saved_mean = vector[6];
    a.saved_inverse = vector[7];
    a.batch = BATCH;
    a.channels = CHANNELS;
    a.pixels = PIXELS;
    a.layout = layout;
    a.flags = LFUSE_BATCH_NORM_RELU;
    return a;
}

static lfuse_linear_args linear(void)
{
    lfuse_linear_args a;

    lfuse_linear_args_init(&a, sizeof(a));
    a.x = tensor[0];
    a.w = tensor[1];
    a.dy = tensor[2];
    a.y = tensor[3];
    a.dx = tensor[4];
    a.dw = tensor[4];
    a.batch = 33;
    a.in_features = 129;
    a.out_features = 67;
    return a;
}

/* The end is guarded: a workspace of floats whose last touches a page nobody may touch. */
static void *guarded(size_t bytes)
{
    float *memory = lft_guard_end((int64_t)(bytes / sizeof(float)));

    memset(memory, 0xff, bytes); /* NaN wherever it is read before it is written */
    return memory;
}

static void run_norm(struct lft *t, lfuse_context *ctx, const lfuse_batch_norm_args *a)
{
    lft_ok(t, lfuse_batch_norm_training(ctx, a, &t->err));
    lft_ok(t, lfuse_batch_norm_backward(ctx, a, &t->err));
}

static void batch_norm_has_the_same_bits_and_allocates_nothing(void **state)
{
    static float expected[5][VALUES];
    struct lft *t = *state;
    lfuse_layout layout;
    int32_t threads;

    for (threads = 1; threads <= 3; threads++)
        for (layout = LFUSE_LAYOUT_NCHW; layout <= LFUSE_LAYOUT_NHWC; layout++) {
            lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
            lfuse_batch_norm_args a = norm(layout);
            int64_t before;
            size_t bytes;

            run_norm(t, ctx, &a);
            memcpy(expected, tensor, sizeof(expected));
            a = norm(layout);
            lft_ok(t, lfuse_batch_norm_workspace(ctx, &a, &bytes, &t->err));
            a.workspace = guarded(bytes);
            a.workspace_bytes = bytes;
            before = t->memory.allocations;
            run_norm(t, ctx, &a);
            assert_int_equal(t->memory.allocations, before);
            assert_memory_equal(tensor, expected, sizeof(expected));
            lft_guard_free();
            lfuse_context_destroy(ctx);
        }
}

static void linear_has_the_same_bits_and_allocates_nothing(void **state)
{
    static float expected[VALUES];
    struct lft *t = *state;
    lfuse_linear_args a;
    int64_t before;
    size_t bytes;

    (void)norm(LFUSE_LAYOUT_NCHW); /* fills the tensors */
    a = linear();
    lft_ok(t, lfuse_linear_forward(t->ctx, &a, &t->err));
    memcpy(expected, a.y, sizeof(expected));
    memset(a.y, 0, sizeof(expected));
    lft_ok(t, lfuse_linear_workspace(t->ctx, &a, &bytes, &t->err));
    a.workspace = guarded(bytes);
    a.workspace_bytes = bytes;
    before = t->memory.allocations;
    lft_ok(t, lfuse_linear_forward(t->ctx, &a, &t->err));
    lft_ok(t, lfuse_linear_backward_data(t->ctx, &a, &t->err));
    lft_ok(t, lfuse_linear_backward_weights(t->ctx, &a, &t->err));
    assert_int_equal(t->memory.allocations, before);
    assert_memory_equal(a.y, expected, 33 * 67 * sizeof(float));
    lft_guard_free();
}

static void what_does_not_do_is_refused_and_nothing_written(void **state)
{
    lfuse_batch_norm_args n = norm(LFUSE_LAYOUT_NHWC);
    lfuse_linear_args l = linear();
    const float y = n.y[0], ly = l.y[0];
    struct lft *t = *state;
    size_t bytes = 7;
    char *memory;

    lft_fails(t, lfuse_batch_norm_workspace(t->ctx, &n, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "bytes is NULL");
    lft_fails(t, lfuse_linear_workspace(t->ctx, &l, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "bytes is NULL");
    lft_ok(t, lfuse_batch_norm_workspace(t->ctx, &n, &bytes, &t->err));
    memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    assert_non_null(memory);
    n.workspace = memory;
    n.workspace_bytes = bytes - 1;
    lft_fails(t, lfuse_batch_norm_training(t->ctx, &n, &t->err), LFUSE_ERR_ARGUMENT,
              "args.workspace has");
    n.workspace = memory + 4;
    n.workspace_bytes = bytes;
    lft_fails(t, lfuse_batch_norm_training(t->ctx, &n, &t->err), LFUSE_ERR_ARGUMENT,
              "args.workspace is not aligned to 64");
    l.workspace = memory;
    l.workspace_bytes = 1;
    lft_fails(t, lfuse_linear_forward(t->ctx, &l, &t->err), LFUSE_ERR_ARGUMENT,
              "args.workspace has 1 bytes of");
    assert_true(n.y[0] == y && l.y[0] == ly);
    bytes = 7;
    n.batch = 0;
    lft_fails(t, lfuse_batch_norm_workspace(t->ctx, &n, &bytes, &t->err),
              LFUSE_ERR_ARGUMENT, "args asks for 0 images");
    l.batch = 0;
    lft_fails(t, lfuse_linear_workspace(t->ctx, &l, &bytes, &t->err), LFUSE_ERR_ARGUMENT,
              "args.batch is 0");
    assert_int_equal(bytes, 7);
    free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(batch_norm_has_the_same_bits_and_allocates_nothing),
        lft_test(linear_has_the_same_bits_and_allocates_nothing),
        lft_test(what_does_not_do_is_refused_and_nothing_written),
    };

    return cmocka_run_group_tests_name("workspace", tests, NULL, NULL);
}
