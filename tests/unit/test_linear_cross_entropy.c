/* test_linear_cross_entropy.c - a network's last product and its loss, in chunks of rows */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct problem {
    lfuse_linear_cross_entropy_args args;
    float *x, *w, *dx, *dw; /* args' arrays, writable */
    int32_t *labels;
    double loss;
    int64_t correct;
    int64_t counted;
};

static float *heap(int64_t count)
{
    float *values = malloc((size_t)count * sizeof(float));

    assert_non_null(values);
    return values;
}

/* Every fourth label is -1 but the first. */
static void make(struct problem *p, int64_t rows, int64_t width, int64_t vocabulary,
                 float *(*allocate)(int64_t))
{
    lfuse_linear_cross_entropy_args *a = &p->args;
    int64_t i;

    lfuse_linear_cross_entropy_args_init(a, sizeof(*a));
    a->rows = rows;
    a->width = width;
    a->vocabulary = vocabulary;
    a->x = p->x = allocate(rows * width);
    a->w = p->w = allocate(vocabulary * width);
    a->dx = p->dx = allocate(rows * width);
    a->dw = p->dw = allocate(vocabulary * width);
    p->labels = (int32_t *)(void *)allocate(rows);
    lft_fill(p->x, rows * width, 1);
    lft_fill(p->w, vocabulary * width, 2);
    lft_fill(p->dx, rows * width, 3);
    lft_fill(p->dw, vocabulary * width, 4);
    for (i = 0; i < rows; i++)
        p->labels[i] = i % 4 == 1 ? -1 : (int32_t)(i * 5 % vocabulary);
    a->labels = p->labels;
    a->loss = &p->loss;
    a->correct = &p->correct;
    a->counted = &p->counted;
    p->loss = -7.0;
    p->correct = p->counted = -7;
}

static void free_heap(struct problem *p)
{
    free(p->x);
    free(p->w);
    free(p->dx);
    free(p->dw);
    free(p->labels);
}

static void run(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    lft_ok(t, lfuse_linear_cross_entropy(ctx, &p->args, &t->err));
}

/* ---- the definition ---------------------------------------------------------------------- */

static void check_near(const char *what, double got, double expected, double bound)
{
    if (!(fabs(got - expected) <= bound))
        fail_msg("%s is %.9g, expected %.9g within %g", what, got, expected, bound);
}

/* A row's logits in f64, their softmax, and how far f32 products may be off. */
struct row {
    double *logits;
    double *share;
    double error;
    double loss;
    int64_t first_greatest;
};

static void row_of(const struct problem *p, int64_t i, struct row *r)
{
    const lfuse_linear_cross_entropy_args *a = &p->args;
    double most, sum = 0.0;
    int64_t v, k;

    r->error = 0.0;
    r->first_greatest = 0;
    for (v = 0; v < a->vocabulary; v++) {
        double size = 0.0;

        r->logits[v] = 0.0;
        for (k = 0; k < a->width; k++) {
            double term = (double)p->x[i * a->width + k] * (double)p->w[v * a->width + k];

            r->logits[v] += term;
            size += fabs(term);
        }
        r->error = fmax(r->error, (double)(a->width + 2) * FLT_EPSILON * size);
        if (r->logits[v] > r->logits[r->first_greatest])
            r->first_greatest = v;
    }
    most = r->logits[r->first_greatest];
    for (v = 0; v < a->vocabulary; v++)
        sum += exp(r->logits[v] - most);
    for (v = 0; v < a->vocabulary; v++)
        r->share[v] = exp(r->logits[v] - most) / sum;
    r->loss = p->labels[i] < 0 ? 0.0 : log(sum) + most - r->logits[p->labels[i]];
}

struct expected {
    double loss, loss_error;
    int64_t correct;
    double *dx, *dx_error;
    double *dw, *dw_error;
};

/*
 * Logits off by e change a loss by at most 2 e and a share by 4 e of it (e < 1/8); its
 * exponentials, their difference from the maximum, and two factors round it by 8 eps. Products sum
 * `vocabulary` and `rows` of these, the latter in chunks.
 */
static void add_row(const struct problem *p, int64_t i, const struct row *r, double count,
                    struct expected *e)
{
    const lfuse_linear_cross_entropy_args *a = &p->args;
    int64_t v, k;

    e->loss += r->loss / count;
    e->loss_error += (2.0 * r->error + 4.0 * FLT_EPSILON) / count;
    e->correct += r->first_greatest == p->labels[i];
    for (v = 0; v < a->vocabulary; v++) {
        double d = (r->share[v] - (v == p->labels[i] ? 1.0 : 0.0)) / count;
        double error = r->share[v] * (4.0 * r->error + 8.0 * FLT_EPSILON) / count +
                       FLT_EPSILON * fabs(d) + ldexp(1.0, -120);

        for (k = 0; k < a->width; k++) {
            double w = (double)p->w[v * a->width + k], x = (double)p->x[i * a->width + k];

            e->dx[i * a->width + k] += d * w;
            e->dx_error[i * a->width + k] +=
                fabs(w) * (error + (double)(a->vocabulary + 2) * FLT_EPSILON * fabs(d));
            e->dw[v * a->width + k] += d * x;
            e->dw_error[v * a->width + k] +=
                fabs(x) * (error + (double)(a->rows + 4) * FLT_EPSILON * fabs(d));
        }
    }
}

static struct expected expected_of(const struct problem *p)
{
    const lfuse_linear_cross_entropy_args *a = &p->args;
    const size_t xs = (size_t)(a->rows * a->width),
                 ws = (size_t)(a->vocabulary * a->width);
    struct expected e = {0};
    struct row r;
    int64_t i, count = 0;

    e.dx = calloc(xs, sizeof(double));
    e.dx_error = calloc(xs, sizeof(double));
    e.dw = calloc(ws, sizeof(double));
    e.dw_error = calloc(ws, sizeof(double));
    r.logits = calloc((size_t)a->vocabulary, sizeof(double));
    r.share = calloc((size_t)a->vocabulary, sizeof(double));
    for (i = 0; i < a->rows; i++)
        count += p->labels[i] >= 0;
    for (i = 0; i < a->rows; i++)
        if (p->labels[i] >= 0) {
            row_of(p, i, &r);
            add_row(p, i, &r, (double)count, &e);
        }
    free(r.logits);
    free(r.share);
    return e;
}

static void free_expected(struct expected *e)
{
    free(e->dx);
    free(e->dx_error);
    free(e->dw);
    free(e->dw_error);
}

static void check(const struct problem *p)
{
    const lfuse_linear_cross_entropy_args *a = &p->args;
    const double old =
        (a->flags & LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE) != 0 ? 1.0 : 0.0;
    struct expected e = expected_of(p);
    int64_t i, counted = 0;

    for (i = 0; i < a->rows; i++)
        counted += p->labels[i] >= 0;
    check_near("loss", p->loss, e.loss, e.loss_error);
    assert_int_equal(p->counted, counted);
    assert_int_equal(p->correct, e.correct);
    for (i = 0; i < a->rows * a->width; i++)
        if (a->dx != NULL)
            check_near("dx", (double)p->dx[i], e.dx[i], e.dx_error[i]);
        else
            assert_true(p->dx[i] == (float)lft_value(3, i));
    for (i = 0; i < a->vocabulary * a->width; i++)
        if (a->dw != NULL)
            check_near("dw", (double)p->dw[i], e.dw[i] + old * lft_value(4, i),
                       e.dw_error[i] + old * 4.0 * FLT_EPSILON);
        else
            assert_true(p->dw[i] == (float)lft_value(4, i));
    free_expected(&e);
}

/* ---- every table, every tail --------------------------------------------------------------- */

static void loss_and_gradients_are_the_definitions_on_every_instruction_set(void **state)
{
    static const int64_t vocabularies[] = {1,  2,  7,  8,  9,  15, 16,
                                           17, 31, 33, 64, 65, 300};
    static const int64_t shapes[][2] = {{1, 1}, {5, 33}, {14, 9}};
    struct lft *t = *state;
    struct problem p;
    lfuse_isa isa;
    size_t v, s;
    int variant;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (v = 0; v < sizeof(vocabularies) / sizeof(vocabularies[0]); v++)
            for (s = 0; s < 3; s++)
                for (variant = 0; variant < 6; variant++) {
                    make(&p, shapes[s][0], shapes[s][1], vocabularies[v],
                         variant % 2 != 0 ? lft_guard_start : lft_guard_end);
                    if (variant < 2)
                        p.args.flags = LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE;
                    if (variant >= 3)
                        p.args.dx = NULL;
                    if (variant >= 4)
                        p.args.dw = NULL;
                    run(t, ctx, &p);
                    check(&p);
                    lft_guard_free();
                }
        lfuse_context_destroy(ctx);
    }
}

/* More than MOST_LOGITS of 12 * 2^20, so in three chunks; the workspace is that of one. */
static void chunks_and_threads_change_no_bit(void **state)
{
    enum { ROWS = 130, WIDTH = 3, WORDS = 200001 };
    struct lft *t = *state;
    struct problem first, p;
    struct expected e;
    size_t bytes = 0;
    int32_t threads;
    int64_t i;

    make(&first, ROWS, WIDTH, WORDS, heap);
    run(t, t->ctx, &first);
    e = expected_of(&first);
    check_near("loss", first.loss, e.loss, e.loss_error);
    for (i = 0; i < ROWS * WIDTH; i++)
        check_near("dx", (double)first.dx[i], e.dx[i], e.dx_error[i]);
    for (i = 0; i < WORDS * WIDTH; i++)
        check_near("dw", (double)first.dw[i], e.dw[i], e.dw_error[i]);
    free_expected(&e);
    lft_ok(t, lfuse_linear_cross_entropy_workspace(t->ctx, &first.args, &bytes, &t->err));
    assert_true(bytes < (size_t)72 * WORDS * sizeof(float));
    for (threads = 2; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        make(&p, ROWS, WIDTH, WORDS, heap);
        run(t, ctx, &p);
        assert_memory_equal(&p.loss, &first.loss, sizeof(p.loss));
        assert_int_equal(p.correct, first.correct);
        assert_memory_equal(p.dx, first.dx, ROWS * WIDTH * sizeof(float));
        assert_memory_equal(p.dw, first.dw, WORDS * WIDTH * sizeof(float));
        free_heap(&p);
        lfuse_context_destroy(ctx);
    }
    free_heap(&first);
}

/* ---- mathematics --------------------------------------------------------------------------- */

/* The loss of the definition in f64 with *moved higher by `by`. */
static double loss(const struct problem *p, const float *moved, double by)
{
    const lfuse_linear_cross_entropy_args *a = &p->args;
    double total = 0.0, count = 0.0;
    int64_t i, v, k;

#define AT(q) ((double)*(q) + ((q) == moved ? by : 0.0))
    for (i = 0; i < a->rows; i++) {
        double sum = 0.0, at_label = 0.0;

        if (p->labels[i] < 0)
            continue;
        count += 1.0;
        for (v = 0; v < a->vocabulary; v++) {
            double logit = 0.0;

            for (k = 0; k < a->width; k++)
                logit += AT(p->x + i * a->width + k) * AT(p->w + v * a->width + k);
            sum += exp(logit);
            at_label = v == p->labels[i] ? logit : at_label;
        }
        total += log(sum) - at_label;
    }
#undef AT
    return total / count;
}

/* Differences across 2 h in f64 err by h^2 and 1e-16 / h, the kernel by less than 1e-5 here. */
static void gradients_are_the_slopes_of_the_definition(void **state)
{
    const double h = 1e-5;
    struct lft *t = *state;
    struct problem p;
    int64_t i;

    make(&p, 6, 9, 21, heap);
    run(t, t->ctx, &p);
    for (i = 0; i < 54; i++)
        check_near("dx", (double)p.dx[i],
                   (loss(&p, p.x + i, h) - loss(&p, p.x + i, -h)) / (2.0 * h), 1e-6);
    for (i = 0; i < 189; i++)
        check_near("dw", (double)p.dw[i],
                   (loss(&p, p.w + i, h) - loss(&p, p.w + i, -h)) / (2.0 * h), 1e-6);
    free_heap(&p);
}

/* The kernel that takes logits as they are, on logits that f32 holds exactly: of width 1 and x 1. */
static void of_given_logits_it_is_the_cross_entropy(void **state)
{
    struct lft *t = *state;
    lfuse_cross_entropy_args plain;
    float logits[6 * 40], dlogits[6 * 40];
    struct problem p;
    double expected;
    int64_t right, i;

    make(&p, 6, 1, 40, heap);
    for (i = 0; i < 6; i++) {
        p.x[i] = 1.0f;
        p.labels[i] = (int32_t)(7 * i % 40);
        lft_fill(logits + 40 * i, 40, 2); /* w */
    }
    run(t, t->ctx, &p);
    lfuse_cross_entropy_args_init(&plain, sizeof(plain));
    plain.logits = logits;
    plain.labels = p.labels;
    plain.dlogits = dlogits;
    plain.batch = 6;
    plain.classes = 40;
    plain.loss = &expected;
    plain.correct = &right;
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &plain, &t->err));
    check_near("loss", p.loss, expected, 4.0 * FLT_EPSILON);
    assert_int_equal(p.correct, right);
    for (i = 0; i < 40; i++) { /* dw: the sum over the rows */
        double sum = 0.0, size = 0.0;
        int64_t r;

        for (r = 0; r < 6; r++) {
            sum += (double)dlogits[r * 40 + i];
            size += fabs((double)dlogits[r * 40 + i]);
        }
        check_near("dw", (double)p.dw[i], sum, 16.0 * FLT_EPSILON * size);
    }
    free_heap(&p);
}

/* Logits of up to 3e4 and differences of as much: no exponential overflows. */
static void large_logits_stay_finite(void **state)
{
    struct lft *t = *state;
    struct problem p;
    lfuse_isa isa;
    int64_t i;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        make(&p, 5, 3, 50, heap);
        for (i = 0; i < 15; i++)
            p.x[i] *= 10000.0f;
        run(t, ctx, &p);
        assert_true(isfinite(p.loss) && p.loss >= 0.0);
        for (i = 0; i < 15; i++)
            assert_true(isfinite(p.dx[i]));
        for (i = 0; i < 150; i++)
            assert_true(isfinite(p.dw[i]));
        free_heap(&p);
        lfuse_context_destroy(ctx);
    }
}

/* Of equal greatest logits the first counts, and none in a row with NaN. */
static void ties_and_nan_are_as_in_the_plain_kernel(void **state)
{
    struct lft *t = *state;
    struct problem p;
    lfuse_isa isa;
    int64_t i;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        make(&p, 3, 1, 40, heap);
        for (i = 0; i < 40; i++)
            p.w[i] = i == 11 || i == 30 ? 2.0f : 1.0f;
        p.x[0] = p.x[1] = 1.0f;
        p.x[2] = NAN;
        p.labels[0] = 11;
        p.labels[1] = 30;
        p.labels[2] = 11;
        run(t, ctx, &p);
        assert_int_equal(p.correct, 1);
        assert_true(isnan(p.loss));
        assert_true(isfinite(p.dx[0]) && isnan(p.dx[2]));
        free_heap(&p);
        lfuse_context_destroy(ctx);
    }
}

/* ---- memory and errors ------------------------------------------------------------------------- */

static lfuse_status call(struct lft *t, void *arg)
{
    struct problem *p = arg;

    return lfuse_linear_cross_entropy(t->ctx, &p->args, &t->err);
}

static void a_workspace_is_enough_and_a_refused_allocation_leaves_nothing(void **state)
{
    struct lft *t = *state;
    const uint32_t control = lft_float_control();
    struct problem p;
    int64_t allocations;
    size_t bytes = 0;
    float *workspace;

    make(&p, 9, 17, 33, lft_guard_end);
    lft_every_allocation_fails(t, call, &p);
    lft_ok(t, lfuse_linear_cross_entropy_workspace(t->ctx, &p.args, &bytes, &t->err));
    workspace = lft_guard_end((int64_t)(bytes / sizeof(float)));
    p.args.workspace = workspace;
    p.args.workspace_bytes = bytes;
    allocations = t->memory.allocations;
    run(t, t->ctx, &p);
    check(&p);
    assert_int_equal(t->memory.allocations, allocations);
    assert_int_equal(lft_float_control(), control);
    p.args.workspace_bytes--;
    lft_fails(t, call(t, &p), LFUSE_ERR_ARGUMENT, "args.workspace has");
    p.args.workspace = (char *)workspace + 4;
    lft_fails(t, call(t, &p), LFUSE_ERR_ARGUMENT, "not aligned to 64");
    lft_guard_free();
}

/* Where the last chunk is shorter than it could be, its products may want more than a full one's. */
static void a_workspace_is_enough_for_every_chunk(void **state)
{
    static const int64_t shapes[][3] = {
        {253, 256, 8192}, {1365, 1500, 100}, {61, 64, 32768}};
    struct lft *t = *state;
    struct problem p;
    size_t i, bytes;
    void *workspace;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        make(&p, shapes[i][0], shapes[i][1], shapes[i][2], heap);
        run(t, t->ctx, &p); /* with memory of its own */
        lft_ok(t, lfuse_linear_cross_entropy_workspace(t->ctx, &p.args, &bytes, &t->err));
        workspace = aligned_alloc(64, (bytes + 63) / 64 * 64);
        assert_non_null(workspace);
        p.args.workspace = workspace;
        p.args.workspace_bytes = bytes;
        run(t, t->ctx, &p);
        free(workspace);
        free_heap(&p);
    }
}

static void dx_may_take_the_place_of_x(void **state)
{
    struct lft *t = *state;
    struct problem apart, in_place;

    make(&apart, 70, 9, 5, heap);
    make(&in_place, 70, 9, 5, heap);
    in_place.args.dx = in_place.x;
    run(t, t->ctx, &apart);
    run(t, t->ctx, &in_place);
    assert_memory_equal(in_place.x, apart.dx, 70 * 9 * sizeof(float));
    assert_memory_equal(in_place.dw, apart.dw, 5 * 9 * sizeof(float));
    free_heap(&apart);
    free_heap(&in_place);
}

typedef lfuse_status (*entry)(lfuse_context *, const lfuse_linear_cross_entropy_args *,
                              lfuse_error *);

static lfuse_status workspace_of(lfuse_context *ctx,
                                 const lfuse_linear_cross_entropy_args *args,
                                 lfuse_error *err)
{
    size_t bytes = 7;
    lfuse_status status = lfuse_linear_cross_entropy_workspace(ctx, args, &bytes, err);

    assert_true(status == LFUSE_OK || bytes == 7);
    return status;
}

static void every_error_is_told_and_the_outputs_untouched(void **state)
{
    static const entry entries[] = {lfuse_linear_cross_entropy, workspace_of};
    const lfuse_status bad = LFUSE_ERR_ARGUMENT;
    struct lft *t = *state;
    struct problem p;
    struct {
        lfuse_linear_cross_entropy_args args;
        uint64_t more;
    } newer;
    int64_t i;
    int d;

    make(&p, 4, 3, 5, heap);
#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_linear_cross_entropy_args args = p.args;              \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    FAILS(entries[0], x, NULL, bad, "args.x is NULL");
    FAILS(entries[0], w, NULL, bad, "args.w is NULL");
    FAILS(entries[0], labels, NULL, bad, "args.labels is NULL");
    FAILS(entries[0], loss, NULL, bad, "args.loss is NULL");
    for (d = 0; d < 2; d++) {
        FAILS(entries[d], rows, 0, bad, "args.rows is less than 1");
        FAILS(entries[d], width, -1, bad, "args.width is less than 1");
        FAILS(entries[d], vocabulary, 0, bad, "args.vocabulary is less than 1");
        FAILS(entries[d], flags, 2, bad, "0x2");
        FAILS(entries[d], reserved, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved is 7");
        FAILS(entries[d], rows, INT64_MAX / 4, LFUSE_ERR_OVERFLOW, "x of");
        FAILS(entries[d], vocabulary, INT64_MAX / 4, LFUSE_ERR_OVERFLOW, "w of");
        FAILS(entries[d], struct_size, 0, bad, "struct_size 0");
        lft_fails(t, entries[d](NULL, &p.args, &t->err), bad, "ctx is NULL");
        lft_fails(t, entries[d](t->ctx, NULL, &t->err), bad, "args is NULL");
        newer.args = p.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, entries[d](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args");
    }
#undef FAILS
    lft_fails(t, lfuse_linear_cross_entropy_workspace(t->ctx, &p.args, NULL, &t->err),
              bad, "bytes is NULL");
    p.labels[2] = 5;
    lft_fails(t, call(t, &p), bad, "args.labels[2] is 5, not in [-1, 5)");
    p.labels[2] = -2;
    lft_fails(t, call(t, &p), bad, "args.labels[2] is -2, not in [-1, 5)");
    for (i = 0; i < 4; i++)
        p.labels[i] = -1;
    lft_fails(t, call(t, &p), LFUSE_ERR_DEGENERATE, "none of 4 labels counts");
    assert_true(p.loss == -7.0 && p.correct == -7 && p.counted == -7);
    for (i = 0; i < 12; i++)
        assert_true(p.dx[i] == (float)lft_value(3, i));
    for (i = 0; i < 15; i++)
        assert_true(p.dw[i] == (float)lft_value(4, i));
    free_heap(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(loss_and_gradients_are_the_definitions_on_every_instruction_set),
        lft_test(chunks_and_threads_change_no_bit),
        lft_test(gradients_are_the_slopes_of_the_definition),
        lft_test(of_given_logits_it_is_the_cross_entropy),
        lft_test(large_logits_stay_finite),
        lft_test(ties_and_nan_are_as_in_the_plain_kernel),
        lft_test(a_workspace_is_enough_and_a_refused_allocation_leaves_nothing),
        lft_test(a_workspace_is_enough_for_every_chunk),
        lft_test(dx_may_take_the_place_of_x),
        lft_test(every_error_is_told_and_the_outputs_untouched),
    };

    return cmocka_run_group_tests_name("linear_cross_entropy", tests, NULL, NULL);
}
