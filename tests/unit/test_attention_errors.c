/* test_attention_errors.c - everything that attention refuses, by its message and untouched outputs */
#include "attention_problem.h"

#include <math.h>
#include <stdlib.h>

static const struct shape plain = {2, 3, 5, 4, 2, 6, LFUSE_ATTENTION_CAUSAL, 0.0};

typedef lfuse_status (*direction)(lfuse_context *, const lfuse_attention_args *,
                                  lfuse_error *);
static const direction directions[] = {lfuse_attention_forward, lfuse_attention_backward};

#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_attention_args args = p.args;                         \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)

static void check_untouched(const struct problem *p)
{
    int64_t i;

    for (i = 0; i < 2 * 3 * 24; i++) {
        assert_true(p->args.y[i] == (float)lft_value(5, i));
        assert_true(p->args.dq[i] == (float)lft_value(6, i));
    }
    for (i = 0; i < 2 * 5 * 12; i++) {
        assert_true(p->args.dk[i] == (float)lft_value(7, i));
        assert_true(p->args.dv[i] == (float)lft_value(8, i));
    }
    for (i = 0; i < 2 * 4 * 3; i++)
        assert_true(p->args.statistics[i] == (float)lft_value(9, i));
}

static void what_is_missing_is_named(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&plain, DENSE);
    size_t bytes = 7;
    int d;

    for (d = 0; d < 2; d++) {
        FAILS(directions[d], q, NULL, LFUSE_ERR_ARGUMENT, "args.q is NULL");
        FAILS(directions[d], k, NULL, LFUSE_ERR_ARGUMENT, "args.k is NULL");
        FAILS(directions[d], v, NULL, LFUSE_ERR_ARGUMENT, "args.v is NULL");
        FAILS(directions[d], y, NULL, LFUSE_ERR_ARGUMENT, "args.y is NULL");
        lft_fails(t, directions[d](NULL, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
                  "ctx is NULL");
        lft_fails(t, directions[d](t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
                  "args is NULL");
    }
    FAILS(directions[1], dy, NULL, LFUSE_ERR_ARGUMENT, "args.dy is NULL");
    FAILS(directions[1], statistics, NULL, LFUSE_ERR_ARGUMENT, "statistics is NULL");
    FAILS(directions[1], dq, NULL, LFUSE_ERR_ARGUMENT, "args.dq is NULL");
    FAILS(directions[1], dk, NULL, LFUSE_ERR_ARGUMENT, "args.dk is NULL");
    FAILS(directions[1], dv, NULL, LFUSE_ERR_ARGUMENT, "args.dv is NULL");
    lft_fails(t, lfuse_attention_workspace(t->ctx, &p.args, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "bytes is NULL");
    p.args.heads = 0;
    lft_fails(t, lfuse_attention_workspace(t->ctx, &p.args, &bytes, &t->err),
              LFUSE_ERR_ARGUMENT, "0 heads");
    assert_int_equal(bytes, 7);
    check_untouched(&p);
    lft_guard_free();
}

static void sizes_that_do_not_fit_each_other_are_named(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&plain, DENSE);
    int d;

    for (d = 0; d < 2; d++) {
        FAILS(directions[d], batch, 0, LFUSE_ERR_ARGUMENT, "0 batch entries");
        FAILS(directions[d], tokens, -1, LFUSE_ERR_ARGUMENT, "of -1 tokens");
        FAILS(directions[d], heads, -4, LFUSE_ERR_ARGUMENT, "of -4 heads");
        FAILS(directions[d], head_dim, 0, LFUSE_ERR_ARGUMENT, "4 heads of 0");
        FAILS(directions[d], keys, -5, LFUSE_ERR_ARGUMENT, "-5 keys");
        FAILS(directions[d], kv_heads, -2, LFUSE_ERR_ARGUMENT, "of -2 heads");
        FAILS(directions[d], kv_heads, 3, LFUSE_ERR_SHAPE,
              "args.kv_heads is 3, which does not divide 4 heads");
        FAILS(directions[d], kv_heads, 8, LFUSE_ERR_SHAPE,
              "args.kv_heads is 8, which does not divide 4 heads");
        FAILS(directions[d], keys, 2, LFUSE_ERR_SHAPE,
              "args.keys is 2, less than the 3 tokens, under CAUSAL");
        FAILS(directions[d], q_stride, 23, LFUSE_ERR_ARGUMENT,
              "args.q_stride is 23, less than the 24 elements of a token");
        FAILS(directions[d], k_stride, -12, LFUSE_ERR_ARGUMENT,
              "args.k_stride is -12, less than the 12 elements");
        FAILS(directions[d], v_stride, 11, LFUSE_ERR_ARGUMENT, "args.v_stride is 11");
        FAILS(directions[d], y_stride, 1, LFUSE_ERR_ARGUMENT, "args.y_stride is 1");
        FAILS(directions[d], k_batch_stride, 59, LFUSE_ERR_ARGUMENT,
              "args.k_batch_stride is 59, less than the 60 elements of 5 tokens");
        FAILS(directions[d], y_batch_stride, -1, LFUSE_ERR_ARGUMENT,
              "args.y_batch_stride is -1, less than the 72 elements of 3 tokens");
    }
    check_untouched(&p);
    lft_guard_free();
}

static void sizes_beyond_memory_are_an_overflow(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&plain, DENSE);
    size_t bytes = 7;
    int d;

    for (d = 0; d < 2; d++) {
        FAILS(directions[d], head_dim, INT64_MAX / 2, LFUSE_ERR_OVERFLOW, "q of 4 heads");
        FAILS(directions[d], batch, INT64_MAX / 64, LFUSE_ERR_OVERFLOW,
              "batch entries of 3 tokens");
        FAILS(directions[d], keys, INT64_MAX / 8, LFUSE_ERR_OVERFLOW, "k of");
        FAILS(directions[d], q_stride, INT64_MAX / 2, LFUSE_ERR_OVERFLOW,
              "q of 3 tokens");
        FAILS(directions[d], v_batch_stride, INT64_MAX / 2, LFUSE_ERR_OVERFLOW,
              "v of 2 batch entries");
    }
    check_untouched(&p);
    p.args.batch = p.args.tokens = p.args.keys = p.args.heads = p.args.kv_heads = 1;
    p.args.head_dim = INT64_MAX / 16; /* operands fit, scratch does not */
    lft_fails(t, lfuse_attention_workspace(t->ctx, &p.args, &bytes, &t->err),
              LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    assert_int_equal(bytes, 7);
    lft_guard_free();
}

static void numbers_and_versions_that_are_unknown_are_named(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&plain, DENSE);
    struct {
        lfuse_attention_args args;
        uint64_t more;
    } newer;
    int d;

    for (d = 0; d < 2; d++) {
        FAILS(directions[d], scale, -1.0, LFUSE_ERR_ARGUMENT, "args.scale is -1");
        FAILS(directions[d], scale, NAN, LFUSE_ERR_ARGUMENT, "not finite");
        FAILS(directions[d], scale, INFINITY, LFUSE_ERR_ARGUMENT, "not finite");
        FAILS(directions[d], scale, 1e39, LFUSE_ERR_ARGUMENT, "args.scale is 1e+39");
        FAILS(directions[d], scale, 1e-46, LFUSE_ERR_ARGUMENT, "args.scale is 1e-46");
        FAILS(directions[d], flags, 6, LFUSE_ERR_ARGUMENT, "0x6");
        FAILS(directions[d], reserved, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved is 7");
        FAILS(directions[d], struct_size, 0, LFUSE_ERR_ARGUMENT, "struct_size 0");
        newer.args = p.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, directions[d](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args");
    }
    check_untouched(&p);
    lft_guard_free();
}

/* Outputs apart from inputs and from each other; parts of one buffer are apart (FUSED of
 * test_attention.c), but not if one begins within the other's heads or has another stride. */
static void outputs_that_overlap_are_named(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&plain, DENSE);
    float *y = p.args.y;

    FAILS(directions[0], y, p.q, LFUSE_ERR_ARGUMENT, "args.y overlaps args.q");
    FAILS(directions[0], y, p.k, LFUSE_ERR_ARGUMENT, "args.y overlaps args.k");
    FAILS(directions[0], v, y + 2 * 3 * 24 - 1, LFUSE_ERR_ARGUMENT,
          "args.y overlaps args.v");
    FAILS(directions[0], statistics, y + 5, LFUSE_ERR_ARGUMENT,
          "args.y overlaps args.statistics");
    FAILS(directions[0], statistics, p.k, LFUSE_ERR_ARGUMENT,
          "args.statistics overlaps args.k");
    FAILS(directions[1], dq, p.dy, LFUSE_ERR_ARGUMENT, "args.dq overlaps args.dy");
    FAILS(directions[1], dk, p.args.dv, LFUSE_ERR_ARGUMENT, "args.dk overlaps args.dv");
    FAILS(directions[1], dv, p.args.dq + 1, LFUSE_ERR_ARGUMENT,
          "args.dq overlaps args.dv");
    FAILS(directions[1], dq, p.args.statistics, LFUSE_ERR_ARGUMENT,
          "args.dq overlaps args.statistics");
    FAILS(directions[1], dv, y, LFUSE_ERR_ARGUMENT, "args.dv overlaps args.y");
    check_untouched(&p);
    lft_guard_free();
}

static void parts_of_one_buffer_are_apart_side_by_side(void **state)
{
    static const struct shape s = {2, 3, 3, 4, 2, 6, LFUSE_ATTENTION_CAUSAL, 0.0};
    struct lft *t = *state;
    struct problem p = make(&s, FUSED);

    lft_ok(t, lfuse_attention_forward(t->ctx, &p.args, &t->err));
    lft_ok(t, lfuse_attention_backward(t->ctx, &p.args, &t->err));
    FAILS(directions[1], dk, p.args.dq + 23, LFUSE_ERR_ARGUMENT,
          "args.dq overlaps args.dk");
    FAILS(directions[1], dk, p.args.dq + 37, LFUSE_ERR_ARGUMENT,
          "args.dq overlaps args.dk"); /* of the next token */
    p.args.k_batch_stride = 3 * 48 + 1;
    lft_fails(t, lfuse_attention_backward(t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.dq overlaps args.dk");
    p.args.k_batch_stride = 0;
    p.args.k_stride = 49;
    lft_fails(t, lfuse_attention_backward(t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
              "args.dq overlaps args.dk");
    lft_guard_free();
}

static void a_workspace_that_will_not_do_is_named(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&plain, DENSE);
    size_t bytes;
    int d;

    lft_ok(t, lfuse_attention_workspace(t->ctx, &p.args, &bytes, &t->err));
    p.args.workspace = aligned_alloc(64, bytes + 64);
    assert_non_null(p.args.workspace);
    p.args.workspace_bytes = 100;
    for (d = 0; d < 2; d++) {
        lft_fails(t, directions[d](t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
                  "args.workspace has 100 bytes of ");
        FAILS(directions[d], workspace, (char *)args.workspace + 4, LFUSE_ERR_ARGUMENT,
              "not aligned to 64");
    }
    check_untouched(&p);
    free(p.args.workspace);
    p.args.workspace = NULL;
    for (d = 0; d < 2; d++) {
        t->memory.fail_at = t->memory.allocations;
        lft_fails(t, directions[d](t->ctx, &p.args, &t->err), LFUSE_ERR_NO_MEMORY,
                  "the workspace: ");
        t->memory.fail_at = -1;
    }
    check_untouched(&p);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(what_is_missing_is_named),
        lft_test(sizes_that_do_not_fit_each_other_are_named),
        lft_test(sizes_beyond_memory_are_an_overflow),
        lft_test(numbers_and_versions_that_are_unknown_are_named),
        lft_test(outputs_that_overlap_are_named),
        lft_test(parts_of_one_buffer_are_apart_side_by_side),
        lft_test(a_workspace_that_will_not_do_is_named),
    };

    return cmocka_run_group_tests_name("attention_errors", tests, NULL, NULL);
}
