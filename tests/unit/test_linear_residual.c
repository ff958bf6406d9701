/* test_linear_residual.c - a fully connected layer with shared weights and a low-rank residual */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { X, W, A, B, BIAS, DY, Y, DX, DW, DA, DB, DBIAS, ARRAYS };

struct problem {
    lfuse_linear_residual_args args;
    float *memory[ARRAYS];
};

static int64_t length(const lfuse_linear_residual_args *a, int array)
{
    switch (array) {
    case X:
    case DX: return a->batch * a->in_features;
    case W:
    case DW: return a->out_features * a->in_features;
    case A:
    case DA: return a->out_features * a->rank;
    case B:
    case DB: return a->rank * a->in_features;
    case BIAS:
    case DBIAS: return a->out_features;
    default: return a->batch * a->out_features;
    }
}

/* Every array ends at a guard page. Release with lft_guard_free(). */
static void make(struct problem *p, int64_t batch, int64_t in, int64_t out, int64_t rank,
                 uint32_t flags)
{
    lfuse_linear_residual_args *a = &p->args;
    int i;

    lfuse_linear_residual_args_init(a, sizeof(*a));
    a->batch = batch;
    a->in_features = in;
    a->out_features = out;
    a->rank = rank;
    a->flags = flags;
    for (i = 0; i < ARRAYS; i++) {
        p->memory[i] = lft_guard_end(length(a, i));
        lft_fill(p->memory[i], length(a, i), (uint64_t)i + 1);
    }
    a->x = p->memory[X];
    a->w = p->memory[W];
    a->a = p->memory[A];
    a->b = p->memory[B];
    a->bias = p->memory[BIAS];
    a->dy = p->memory[DY];
    a->y = p->memory[Y];
    a->dx = p->memory[DX];
    a->dw = p->memory[DW];
    a->da = p->memory[DA];
    a->db = p->memory[DB];
    a->dbias = p->memory[DBIAS];
}

static void run(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    lft_ok(t, lfuse_linear_residual_forward(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_linear_residual_backward_data(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_linear_residual_backward_weights(ctx, &p->args, &t->err));
}

/* A sum in f64 and that of its terms' absolute values. */
struct sum {
    double value;
    double size;
};

static void add(struct sum *s, double term)
{
    s->value += term;
    s->size += fabs(term);
}

/* Sums of sums: of `terms` terms on the way of any product to the result. */
static void check(const char *what, float got, struct sum s, int64_t terms)
{
    const double bound = (double)(terms + 4) * FLT_EPSILON * s.size;

    if (!(fabs((double)got - s.value) <= bound))
        fail_msg("%s is %g, not %g within %g", what, (double)got, s.value, bound);
}

/* What the output held before, if it counts. */
static struct sum start(const struct problem *p, int array, int64_t at)
{
    struct sum s = {0};

    if ((p->args.flags & LFUSE_LINEAR_RESIDUAL_ACCUMULATE) != 0)
        add(&s, lft_value((uint64_t)array + 1, at));
    return s;
}

#define AT(ARRAY, I) ((double)p->memory[ARRAY][I])

static void check_forward(const struct problem *p)
{
    const lfuse_linear_residual_args *a = &p->args;
    const int64_t in = a->in_features, out = a->out_features, rank = a->rank;
    int64_t n, o, i, r;

    for (n = 0; n < a->batch; n++)
        for (o = 0; o < out; o++) {
            struct sum s = start(p, Y, n * out + o);

            add(&s, a->bias != NULL ? AT(BIAS, o) : 0.0);
            for (i = 0; i < in; i++) {
                add(&s, AT(X, n * in + i) * AT(W, o * in + i));
                for (r = 0; r < rank; r++)
                    add(&s, AT(X, n * in + i) * AT(B, r * in + i) * AT(A, o * rank + r));
            }
            check("y", p->memory[Y][n * out + o], s, in + rank);
        }
}

static void check_data(const struct problem *p)
{
    const lfuse_linear_residual_args *a = &p->args;
    const int64_t in = a->in_features, out = a->out_features, rank = a->rank;
    int64_t n, o, i, r;

    for (n = 0; n < a->batch; n++)
        for (i = 0; i < in; i++) {
            struct sum s = start(p, DX, n * in + i);

            for (o = 0; o < out; o++) {
                add(&s, AT(DY, n * out + o) * AT(W, o * in + i));
                for (r = 0; r < rank; r++)
                    add(&s,
                        AT(DY, n * out + o) * AT(A, o * rank + r) * AT(B, r * in + i));
            }
            check("dx", p->memory[DX][n * in + i], s, out + rank);
        }
}

static void check_factors(const struct problem *p)
{
    const lfuse_linear_residual_args *a = &p->args;
    const int64_t in = a->in_features, out = a->out_features, rank = a->rank;
    int64_t n, o, i, r;

    for (o = 0; o < out; o++)
        for (r = 0; r < rank; r++) {
            struct sum s = start(p, DA, o * rank + r);

            for (n = 0; n < a->batch; n++)
                for (i = 0; i < in; i++)
                    add(&s, AT(DY, n * out + o) * AT(X, n * in + i) * AT(B, r * in + i));
            check("da", p->memory[DA][o * rank + r], s, a->batch + in);
        }
    for (r = 0; r < rank; r++)
        for (i = 0; i < in; i++) {
            struct sum s = start(p, DB, r * in + i);

            for (n = 0; n < a->batch; n++)
                for (o = 0; o < out; o++)
                    add(&s,
                        AT(DY, n * out + o) * AT(A, o * rank + r) * AT(X, n * in + i));
            check("db", p->memory[DB][r * in + i], s, a->batch + out);
        }
}

static void check_weights(const struct problem *p)
{
    const lfuse_linear_residual_args *a = &p->args;
    const int64_t in = a->in_features, out = a->out_features;
    int64_t n, o, i;

    for (o = 0; o < out; o++) {
        struct sum bias = start(p, DBIAS, o);

        for (n = 0; n < a->batch; n++)
            add(&bias, AT(DY, n * out + o));
        if (a->dbias != NULL)
            check("dbias", p->memory[DBIAS][o], bias, a->batch);
        else
            assert_true(p->memory[DBIAS][o] == (float)lft_value(DBIAS + 1, o));
        for (i = 0; i < in; i++) {
            struct sum s = start(p, DW, o * in + i);

            for (n = 0; n < a->batch; n++)
                add(&s, AT(DY, n * out + o) * AT(X, n * in + i));
            if (a->dw != NULL)
                check("dw", p->memory[DW][o * in + i], s, a->batch);
            else
                assert_true(p->memory[DW][o * in + i] ==
                            (float)lft_value(DW + 1, o * in + i));
        }
    }
}
#undef AT

static void run_and_check(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    run(t, ctx, p);
    check_forward(p);
    check_data(p);
    check_factors(p);
    check_weights(p);
}

static void every_direction_is_its_sum_on_all_instruction_sets(void **state)
{
    static const int64_t sizes[][4] = {{1, 1, 1, 1},   {3, 17, 16, 4}, {13, 33, 40, 8},
                                       {7, 5, 70, 33}, {30, 40, 3, 1}, {2, 300, 9, 16}};
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i;
    int variant;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
            for (variant = 0; variant < 8; variant++) {
                const int64_t *s = sizes[i];
                struct problem p;

                make(&p, s[0], s[1], s[2], s[3],
                     (variant & 1) != 0 ? LFUSE_LINEAR_RESIDUAL_ACCUMULATE : 0);
                if ((variant & 2) != 0)
                    p.args.bias = p.args.dbias = NULL;
                if ((variant & 4) != 0)
                    p.args.dw = NULL;
                run_and_check(t, ctx, &p);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

/* y less its bias is linear in x, and in w and a together, and in w and b together. */
static void the_directions_are_adjoint(void **state)
{
    static const int pairs[][2] = {{DY, Y}, {DX, X}, {DW, W}, {DA, A}, {DB, B}};
    struct lft *t = *state;
    double products[5] = {0}, size = 0.0;
    struct problem p;
    int64_t i;
    int k;

    make(&p, 19, 23, 29, 5, 0);
    p.args.bias = NULL;
    run(t, t->ctx, &p);
    for (k = 0; k < 5; k++)
        for (i = 0; i < length(&p.args, pairs[k][0]); i++)
            products[k] +=
                (double)p.memory[pairs[k][0]][i] * (double)p.memory[pairs[k][1]][i];
    /* 19 * 23 * 29 products of w's and 5 times as many of the residual's, none above 1 */
    size = 6.0 * 19.0 * 23.0 * 29.0;
    assert_true(fabs(products[0] - products[1]) <= (29 + 23 + 9) * FLT_EPSILON * size);
    assert_true(fabs(products[0] - products[2] - products[3]) <=
                (29 + 23 + 9) * FLT_EPSILON * size);
    assert_true(fabs(products[3] - products[4]) <= (29 + 23 + 9) * FLT_EPSILON * size);
    lft_guard_free();
}

static void without_a_residual_it_is_the_linear_layer(void **state)
{
    struct lft *t = *state;
    lfuse_linear_args linear;
    struct problem p;
    float y[9 * 40];

    make(&p, 9, 33, 40, 2, 0);
    memset(p.memory[A], 0, 80 * sizeof(float));
    lft_ok(t, lfuse_linear_residual_forward(t->ctx, &p.args, &t->err));
    lfuse_linear_args_init(&linear, sizeof(linear));
    linear.x = p.args.x;
    linear.w = p.args.w;
    linear.bias = p.args.bias;
    linear.y = y;
    linear.batch = 9;
    linear.in_features = 33;
    linear.out_features = 40;
    lft_ok(t, lfuse_linear_forward(t->ctx, &linear, &t->err));
    assert_memory_equal(p.args.y, y, sizeof(y));
    lft_guard_free();
}

static void threads_do_not_change_a_bit(void **state)
{
    struct lft *t = *state;
    struct problem first, p;
    int32_t threads;
    int i;

    make(&first, 131, 300, 150, 20, 0);
    run(t, t->ctx, &first);
    for (threads = 2; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        make(&p, 131, 300, 150, 20, 0);
        run(t, ctx, &p);
        for (i = Y; i < ARRAYS; i++)
            assert_memory_equal(p.memory[i], first.memory[i],
                                (size_t)length(&p.args, i) * sizeof(float));
        lfuse_context_destroy(ctx);
    }
    lft_guard_free();
}

typedef lfuse_status (*direction)(lfuse_context *, const lfuse_linear_residual_args *,
                                  lfuse_error *);
static const direction directions[] = {lfuse_linear_residual_forward,
                                       lfuse_linear_residual_backward_data,
                                       lfuse_linear_residual_backward_weights};

struct one {
    struct problem problem;
    direction direction;
};

static lfuse_status call_one(struct lft *t, void *arg)
{
    struct one *one = arg;

    return one->direction(t->ctx, &one->problem.args, &t->err);
}

static void a_workspace_is_enough_and_a_refused_allocation_leaves_nothing(void **state)
{
    struct lft *t = *state;
    const uint32_t control = lft_float_control();
    struct one one;
    int64_t allocations;
    size_t bytes = 0;
    float *workspace;
    int d;

    make(&one.problem, 9, 17, 33, 3, 0);
    for (d = 0; d < 3; d++) {
        one.direction = directions[d];
        lft_every_allocation_fails(t, call_one, &one);
    }
    lft_ok(t,
           lfuse_linear_residual_workspace(t->ctx, &one.problem.args, &bytes, &t->err));
    workspace = lft_guard_end((int64_t)(bytes / sizeof(float)));
    one.problem.args.workspace = workspace;
    one.problem.args.workspace_bytes = bytes;
    allocations = t->memory.allocations;
    run_and_check(t, t->ctx, &one.problem);
    assert_int_equal(t->memory.allocations, allocations);
    assert_int_equal(lft_float_control(), control);
    for (d = 0; d < 3; d++) {
        one.direction = directions[d];
        one.problem.args.workspace = workspace;
        one.problem.args.workspace_bytes = bytes - 1;
        lft_fails(t, call_one(t, &one), LFUSE_ERR_ARGUMENT, "args.workspace has");
        one.problem.args.workspace = (char *)workspace + 4;
        lft_fails(t, call_one(t, &one), LFUSE_ERR_ARGUMENT, "not aligned to 64");
    }
    lft_guard_free();
}

static lfuse_status workspace_of(lfuse_context *ctx,
                                 const lfuse_linear_residual_args *args, lfuse_error *err)
{
    size_t bytes = 7;
    lfuse_status status = lfuse_linear_residual_workspace(ctx, args, &bytes, err);

    assert_true(status == LFUSE_OK || bytes == 7);
    return status;
}

static void every_error_is_told_and_the_outputs_untouched(void **state)
{
    const lfuse_status bad = LFUSE_ERR_ARGUMENT;
    const direction all[] = {directions[0], directions[1], directions[2], workspace_of};
    struct lft *t = *state;
    struct problem p;
    struct {
        lfuse_linear_residual_args args;
        uint64_t more;
    } newer;
    int64_t i;
    int d;

    make(&p, 2, 3, 4, 5, 0);
#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_linear_residual_args args = p.args;                   \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    FAILS(all[0], x, NULL, bad, "args.x is NULL");
    FAILS(all[0], w, NULL, bad, "args.w is NULL");
    FAILS(all[0], a, NULL, bad, "args.a is NULL");
    FAILS(all[0], b, NULL, bad, "args.b is NULL");
    FAILS(all[0], y, NULL, bad, "args.y is NULL");
    FAILS(all[1], dy, NULL, bad, "args.dy is NULL");
    FAILS(all[1], w, NULL, bad, "args.w is NULL");
    FAILS(all[1], a, NULL, bad, "args.a is NULL");
    FAILS(all[1], b, NULL, bad, "args.b is NULL");
    FAILS(all[1], dx, NULL, bad, "args.dx is NULL");
    FAILS(all[2], dy, NULL, bad, "args.dy is NULL");
    FAILS(all[2], x, NULL, bad, "args.x is NULL");
    FAILS(all[2], a, NULL, bad, "args.a is NULL");
    FAILS(all[2], b, NULL, bad, "args.b is NULL");
    FAILS(all[2], da, NULL, bad, "args.da is NULL");
    FAILS(all[2], db, NULL, bad, "args.db is NULL");
    for (d = 0; d < 4; d++) {
        FAILS(all[d], batch, 0, bad, "args.batch is 0");
        FAILS(all[d], in_features, -1, bad, "args.in_features is -1");
        FAILS(all[d], out_features, 0, bad, "args.out_features is 0");
        FAILS(all[d], rank, 0, bad, "args.rank is 0");
        FAILS(all[d], flags, 2, bad, "0x2");
        FAILS(all[d], reserved, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved is 7");
        FAILS(all[d], batch, INT64_MAX / 4, LFUSE_ERR_OVERFLOW, "x of");
        FAILS(all[d], in_features, INT64_MAX / 12, LFUSE_ERR_OVERFLOW, "w of");
        FAILS(all[d], batch, INT64_MAX / 14, LFUSE_ERR_OVERFLOW, "y of");
        FAILS(all[d], rank, INT64_MAX / 7, LFUSE_ERR_OVERFLOW, "x b' of");
        FAILS(all[d], struct_size, 0, bad, "struct_size 0");
        lft_fails(t, all[d](NULL, &p.args, &t->err), bad, "ctx is NULL");
        lft_fails(t, all[d](t->ctx, NULL, &t->err), bad, "args is NULL");
        newer.args = p.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, all[d](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED, "args");
    }
#undef FAILS
    lft_fails(t, lfuse_linear_residual_workspace(t->ctx, &p.args, NULL, &t->err), bad,
              "bytes is NULL");
    for (d = Y; d < ARRAYS; d++)
        for (i = 0; i < length(&p.args, d); i++)
            assert_true(p.memory[d][i] == (float)lft_value((uint64_t)d + 1, i));
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_direction_is_its_sum_on_all_instruction_sets),
        lft_test(the_directions_are_adjoint),
        lft_test(without_a_residual_it_is_the_linear_layer),
        lft_test(threads_do_not_change_a_bit),
        lft_test(a_workspace_is_enough_and_a_refused_allocation_leaves_nothing),
        lft_test(every_error_is_told_and_the_outputs_untouched),
    };

    return cmocka_run_group_tests_name("linear_residual", tests, NULL, NULL);
}
