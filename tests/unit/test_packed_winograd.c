/* test_packed_winograd.c - weights transformed once do what transforming them in each call does */
#include "conv2d_problem.h"

#include <string.h>

enum { BOTH = LFUSE_PACKED_FORWARD | LFUSE_PACKED_BACKWARD_DATA };

#define PADDED 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1

/* A product by blocks of tiles; by columns, in one chunk of tiles and in several. */
static const struct shape winograd_shapes[] = {
    {2, 16, 8, 6, 17, PADDED},
    {1, 33, 9, 10, 16, PADDED},
    {5, 270, 4, 4, 250, PADDED},
    {150, 500, 2, 1, 45, PADDED},
};
enum { WINOGRAD_SHAPES = sizeof(winograd_shapes) / sizeof(winograd_shapes[0]) };

static const lfuse_conv2d_algorithm algorithms[] = {LFUSE_CONV2D_WINOGRAD,
                                                    LFUSE_CONV2D_WINOGRAD_2X2};

static void assert_same(const struct problem *p, const struct problem *q)
{
    assert_memory_equal(p->y, q->y, (size_t)p->y_count * sizeof(float));
    assert_memory_equal(p->dx, q->dx, (size_t)p->x_count * sizeof(float));
    assert_memory_equal(p->dw, q->dw, (size_t)p->w_count * sizeof(float));
    assert_memory_equal(p->dbias, q->dbias, (size_t)p->args.out_channels * sizeof(float));
}

/* Weights and all else end, or start, at a page nobody may touch. */
static void packed_transforms_change_no_bit_on_any_instruction_set(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i, k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 2, isa);

        for (i = 0; i < WINOGRAD_SHAPES; i++)
            for (k = 0; k < 4; k++) {
                float *(*place)(int64_t) = k < 2 ? lft_guard_end : lft_guard_start;
                struct problem p = make(&winograd_shapes[i], LFUSE_LAYOUT_NHWC, place);
                struct problem q = make(&winograd_shapes[i], LFUSE_LAYOUT_NHWC, place);
                lfuse_packed *packed;

                p.args.algorithm = q.args.algorithm = algorithms[k % 2];
                lft_ok(t, lfuse_conv2d_pack(ctx, &q.args, BOTH, &packed, &t->err));
                run(t, ctx, &p);
                q.args.w = NULL;
                q.args.packed = packed;
                run(t, ctx, &q);
                assert_same(&p, &q);
                lfuse_packed_destroy(packed);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

/* As the last batch of an epoch: everything was made for 40 images, and fewer come. Of one image
 * alone the shape would choose the direct algorithm. */
static void smaller_batches_use_what_a_larger_one_has(void **state)
{
    static const int64_t batches[] = {39, 7, 1};
    static const struct shape many = {40, 272, 4, 4, 260, PADDED};
    struct lft *t = *state;
    lfuse_context *ctx = lft_context(t, 2, LFUSE_ISA_BEST);
    struct problem of = make(&many, LFUSE_LAYOUT_NHWC, lft_guard_end);
    lfuse_packed *packed;
    float *workspace;
    size_t i, bytes;

    of.args.algorithm = 0;
    lft_ok(t, lfuse_conv2d_pack(ctx, &of.args, BOTH, &packed, &t->err));
    lft_ok(t, lfuse_conv2d_workspace(ctx, &of.args, &bytes, &t->err));
    workspace = lft_guard_end((int64_t)(bytes / sizeof(float)));
    for (i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
        struct shape some = many;
        struct problem p, q;

        some.batch = batches[i];
        p = make(&some, LFUSE_LAYOUT_NHWC, lft_guard_end);
        q = make(&some, LFUSE_LAYOUT_NHWC, lft_guard_end);
        p.args.algorithm = LFUSE_CONV2D_WINOGRAD;
        q.args.algorithm = 0;
        q.args.packed = packed;
        q.args.workspace = workspace;
        q.args.workspace_bytes = bytes;
        lft_ok(t, lfuse_conv2d_forward(ctx, &p.args, &t->err));
        lft_ok(t, lfuse_conv2d_backward_data(ctx, &p.args, &t->err));
        lft_ok(t, lfuse_conv2d_forward(ctx, &q.args, &t->err));
        lft_ok(t, lfuse_conv2d_backward_data(ctx, &q.args, &t->err));
        assert_memory_equal(p.y, q.y, (size_t)p.y_count * sizeof(float));
        assert_memory_equal(p.dx, q.dx, (size_t)p.x_count * sizeof(float));
    }
    lfuse_packed_destroy(packed);
    lft_guard_free();
    lfuse_context_destroy(ctx);
}

static void more_images_never_need_less_memory(void **state)
{
    static const struct shape of[] = {
        {1, 16, 8, 8, 16, PADDED},   {1, 64, 8, 8, 128, PADDED},
        {1, 128, 5, 7, 128, PADDED}, {1, 256, 8, 8, 256, PADDED},
        {1, 512, 4, 4, 512, PADDED}, {1, 1000, 4, 4, 24, PADDED},
    };
    struct lft *t = *state;
    size_t i, k;

    for (i = 0; i < sizeof(of) / sizeof(of[0]); i++)
        for (k = 0; k < 2; k++) {
            lfuse_conv2d_args args = args_of(&of[i], LFUSE_LAYOUT_NHWC);
            size_t before = 0, bytes = 0;

            args.algorithm = algorithms[k];
            for (args.batch = 1; args.batch <= 700; args.batch++, before = bytes) {
                lft_ok(t, lfuse_conv2d_workspace(t->ctx, &args, &bytes, &t->err));
                if (bytes < before)
                    fail_msg("shape %zu: %zu bytes for %lld images, %zu for one less", i,
                             bytes, (long long)args.batch, before);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(packed_transforms_change_no_bit_on_any_instruction_set),
        lft_test(smaller_batches_use_what_a_larger_one_has),
        lft_test(more_images_never_need_less_memory),
    };

    return cmocka_run_group_tests_name("packed_winograd", tests, NULL, NULL);
}
