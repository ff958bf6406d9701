/* test_layer_norm.c - layer norm and RMS norm against their definitions in f64 */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNIT (FLT_EPSILON / 2.0)

enum {
    X,
    RESIDUAL,
    DY,
    DSUM,
    SUM,
    Y,
    DX,
    GAMMA,
    BETA,
    DGAMMA,
    DBETA,
    MEAN,
    INV_STD,
    ARRAYS
};

struct norm {
    lfuse_layer_norm_args args;
    float *memory[ARRAYS];
    int centered;
};

static float *heap(int64_t count)
{
    float *values = malloc((size_t)count * sizeof(float));

    assert_non_null(values);
    return values;
}

static int64_t length(const struct norm *m, int array)
{
    return array >= MEAN    ? m->args.rows
           : array >= GAMMA ? m->args.columns
                            : m->args.rows * m->args.columns;
}

/* Everything that layer norm, or RMS norm, takes. */
static void make(struct norm *m, int64_t rows, int64_t columns, int centered,
                 float *(*allocate)(int64_t))
{
    lfuse_layer_norm_args *a = &m->args;
    int i;

    lfuse_layer_norm_args_init(a, sizeof(*a));
    a->rows = rows;
    a->columns = columns;
    m->centered = centered;
    for (i = 0; i < ARRAYS; i++) {
        m->memory[i] = allocate(length(m, i));
        lft_fill(m->memory[i], length(m, i), (uint64_t)i + 1);
    }
    a->x = m->memory[X];
    a->residual = m->memory[RESIDUAL];
    a->dy = m->memory[DY];
    a->dsum = m->memory[DSUM];
    a->sum = m->memory[SUM];
    a->y = m->memory[Y];
    a->dx = m->memory[DX];
    a->gamma = m->memory[GAMMA];
    a->beta = centered ? m->memory[BETA] : NULL;
    a->dgamma = m->memory[DGAMMA];
    a->dbeta = centered ? m->memory[DBETA] : NULL;
    a->mean = centered ? m->memory[MEAN] : NULL;
    a->inv_std = m->memory[INV_STD];
}

static void free_heap(struct norm *m)
{
    int i;

    for (i = 0; i < ARRAYS; i++)
        free(m->memory[i]);
}

static void check_near(double got, double expected, double bound, const char *what)
{
    if (!(fabs(got - expected) <= bound))
        fail_msg("%s is %.9g, expected %.9g within %g", what, got, expected, bound);
}

/* ---- the definition ---------------------------------------------------------------------- */

struct row {
    double mean;
    double variance; /* about the mean, or about 0 */
    double inverse;
    double range; /* greatest |s - mean| */
};

static double epsilon(const lfuse_layer_norm_args *a)
{
    return a->epsilon != 0.0 ? a->epsilon : 1e-5;
}

static struct row row_of(const struct norm *m, const float *s)
{
    const int64_t n = m->args.columns;
    struct row r = {0};
    int64_t j;

    for (j = 0; m->centered && j < n; j++)
        r.mean += (double)s[j] / (double)n;
    for (j = 0; j < n; j++) {
        double d = (double)s[j] - r.mean;

        r.variance += d * d / (double)n;
        r.range = fmax(r.range, fabs(d));
    }
    r.inverse = 1.0 / sqrt(r.variance + epsilon(&m->args));
    return r;
}

/* Additions in the longest chain of f32 over a row: a lane of the shortest vectors, and no
 * more than the header says; a few more for products and the roundings of the end. */
static double depth(const struct norm *m)
{
    return (double)m->args.columns / 8.0 + 8.0;
}

/*
 * The mean of differences that are at most 2 R (the first mean is no further off than R) errs by
 * 2 R D u, their squares' by (2 R)^2 D u, so that inverse errs by (2 R inverse)^2 D u / 2 of
 * itself; with h = d inverse, |h| <= R inverse, that and four roundings bound y.
 */
static void check_forward(const struct norm *m)
{
    const lfuse_layer_norm_args *a = &m->args;
    int64_t i, j;

    for (i = 0; i < a->rows; i++) {
        const float *s =
            a->residual != NULL ? a->sum + i * a->columns : a->x + i * a->columns;
        const struct row r = row_of(m, s);
        const double wide = 2.0 * r.range * r.inverse,
                     relative = UNIT * (wide * wide * depth(m) / 2.0 + 4.0);

        if (a->mean != NULL)
            check_near((double)a->mean[i], r.mean,
                       UNIT * (fabs(r.mean) + 2.0 * r.range * depth(m)), "mean");
        if (a->inv_std != NULL)
            check_near((double)a->inv_std[i], r.inverse, relative * r.inverse, "inv_std");
        for (j = 0; j < a->columns; j++) {
            double gamma = (double)a->gamma[j];
            double beta = a->beta != NULL ? (double)a->beta[j] : 0.0;
            double h = ((double)s[j] - r.mean) * r.inverse;

            if (a->residual != NULL)
                assert_true(s[j] ==
                            a->x[i * a->columns + j] + a->residual[i * a->columns + j]);
            check_near((double)a->y[i * a->columns + j], h * gamma + beta,
                       fabs(gamma) * (relative * wide + UNIT * wide * depth(m)) +
                           UNIT * (fabs(beta) + fabs(h * gamma)),
                       "y");
        }
    }
}

struct sums {
    double g, gh;           /* means */
    double g_size, gh_size; /* of their terms' absolute values */
};

static double normalised(const struct norm *m, int64_t i, int64_t j)
{
    const lfuse_layer_norm_args *a = &m->args;

    return ((double)a->x[i * a->columns + j] - (m->centered ? (double)a->mean[i] : 0.0)) *
           (double)a->inv_std[i];
}

static struct sums sums_of(const struct norm *m, int64_t i)
{
    const lfuse_layer_norm_args *a = &m->args;
    struct sums s = {0};
    int64_t j;

    for (j = 0; j < a->columns; j++) {
        double g = (double)a->dy[i * a->columns + j] * (double)a->gamma[j],
               n = (double)a->columns, h = normalised(m, i, j);

        s.g += m->centered ? g / n : 0.0;
        s.g_size += m->centered ? fabs(g) / n : 0.0;
        s.gh += g * h / n;
        s.gh_size += fabs(g * h) / n;
    }
    return s;
}

/* From the statistics as they were saved: sums of D terms each, h with two roundings, g with
 * one, and six more to put them together. */
static void check_dx(const struct norm *m)
{
    const lfuse_layer_norm_args *a = &m->args;
    const double d = depth(m);
    int64_t i, j;

    for (i = 0; i < a->rows; i++) {
        const struct sums s = sums_of(m, i);

        for (j = 0; j < a->columns; j++) {
            int64_t at = i * a->columns + j;
            double g = (double)a->dy[at] * (double)a->gamma[j], h = normalised(m, i, j);
            double more = a->dsum != NULL ? (double)a->dsum[at] : 0.0;
            double inverse = (double)a->inv_std[i];
            double size =
                fabs(g) * 8.0 + s.g_size * (d + 8.0) + fabs(h) * s.gh_size * (d + 12.0);

            check_near((double)a->dx[at], inverse * (g - s.g - h * s.gh) + more,
                       UNIT * (inverse * size + fabs(more)), "dx");
        }
    }
}

/* f32 sums of at most 32 terms with four roundings each, in f64 from there, rounded. */
static void check_parameters(const struct norm *m, double old)
{
    const lfuse_layer_norm_args *a = &m->args;
    int64_t i, j;

    for (j = 0; j < a->columns; j++) {
        double dgamma = old, dbeta = old, gamma_size = fabs(old), beta_size = fabs(old);

        for (i = 0; i < a->rows; i++) {
            double dy = (double)a->dy[i * a->columns + j], h = normalised(m, i, j);

            dgamma += dy * h;
            gamma_size += fabs(dy * h);
            dbeta += dy;
            beta_size += fabs(dy);
        }
        if (a->dgamma != NULL)
            check_near((double)a->dgamma[j], dgamma, 37.0 * UNIT * gamma_size, "dgamma");
        if (a->dbeta != NULL)
            check_near((double)a->dbeta[j], dbeta, 37.0 * UNIT * beta_size, "dbeta");
    }
}

static void forward(struct lft *t, lfuse_context *ctx, const struct norm *m)
{
    lft_ok(t, m->centered ? lfuse_layer_norm_forward(ctx, &m->args, &t->err)
                          : lfuse_rms_norm_forward(ctx, &m->args, &t->err));
}

/* Backward's x is what forward normalised. */
static void backward(struct lft *t, lfuse_context *ctx, struct norm *m)
{
    if (m->args.residual != NULL)
        m->args.x = m->args.sum;
    lft_ok(t, m->centered ? lfuse_layer_norm_backward(ctx, &m->args, &t->err)
                          : lfuse_rms_norm_backward(ctx, &m->args, &t->err));
}

static void run_and_check(struct lft *t, lfuse_context *ctx, struct norm *m)
{
    forward(t, ctx, m);
    check_forward(m);
    backward(t, ctx, m);
    check_dx(m);
    check_parameters(m, 0.0);
}

/* ---- every table, every tail --------------------------------------------------------------- */

static void sweep(struct lft *t, lfuse_context *ctx, int64_t rows, int64_t columns)
{
    int variant;

    for (variant = 0; variant < 16; variant++) {
        struct norm m;

        make(&m, rows, columns, variant & 1,
             (columns + rows) % 2 != 0 ? lft_guard_start : lft_guard_end);
        if ((variant & 2) != 0) {
            m.args.residual = m.args.dsum = NULL;
            m.args.sum = NULL;
        }
        if ((variant & 4) != 0)
            m.args.beta = m.args.dbeta = NULL;
        if ((variant & 8) != 0)
            m.args.dgamma = NULL;
        run_and_check(t, ctx, &m);
        lft_guard_free();
    }
}

static void every_pass_is_its_definition_on_every_instruction_set(void **state)
{
    const int64_t columns[] = {1,  2,  3,  7,  8,  9,  15, 16,  17,
                               31, 33, 63, 64, 65, 79, 97, 130, 300};
    const int64_t rows[] = {1, 5, 33};
    struct lft *t = *state;
    lfuse_isa isa;
    size_t r, c;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (r = 0; r < 3; r++)
            for (c = 0; c < sizeof(columns) / sizeof(columns[0]); c++)
                sweep(t, ctx, rows[r], columns[c]);
        lfuse_context_destroy(ctx);
    }
}

/* Forward is cut into tasks, backward into parts of several blocks. */
static void threads_change_no_bit(void **state)
{
    const int64_t shapes[][2] = {{2500, 30}, {301, 129}, {70, 20000}};
    struct lft *t = *state;
    struct norm first, m;
    int shape, centered, i;
    int32_t threads;

    for (shape = 0; shape < 3; shape++)
        for (centered = 0; centered < 2; centered++) {
            make(&first, shapes[shape][0], shapes[shape][1], centered, heap);
            run_and_check(t, t->ctx, &first);
            for (threads = 1; threads <= 3; threads++) {
                lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

                make(&m, shapes[shape][0], shapes[shape][1], centered, heap);
                forward(t, ctx, &m);
                backward(t, ctx, &m);
                lfuse_context_destroy(ctx);
                for (i = 0; i < ARRAYS; i++)
                    assert_memory_equal(m.memory[i], first.memory[i],
                                        (size_t)length(&m, i) * sizeof(float));
                free_heap(&m);
            }
            free_heap(&first);
        }
}

/* ---- mathematics --------------------------------------------------------------------------- */

/* Values of variance 1/3 about a mean that takes up to 20 of f32's 24 bits: only what is lost in
 * s itself is lost in y. check_forward() bounds it by the range, not by the mean. */
static void a_large_mean_leaves_the_variance(void **state)
{
    const float means[] = {1000.0f, -30000.0f, 500000.0f};
    struct lft *t = *state;
    lfuse_isa isa;
    int i;
    int64_t j;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (i = 0; i < 3; i++) {
            struct norm m;

            make(&m, 2, 1000, 1, heap);
            m.args.residual = NULL;
            for (j = 0; j < 2000; j++)
                m.memory[X][j] = means[i] + m.memory[X][j];
            forward(t, ctx, &m);
            check_forward(&m);
            check_near((double)m.args.inv_std[0], sqrt(3.0), 0.2, "about sqrt(3)");
            free_heap(&m);
        }
        lfuse_context_destroy(ctx);
    }
}

/* Powers of two scale every number exactly, but for epsilon, which is made to follow. */
static void rms_norm_ignores_a_scale_and_layer_norm_a_shift_too(void **state)
{
    struct lft *t = *state;
    struct norm m, scaled;
    int centered;
    int64_t j;

    for (centered = 0; centered < 2; centered++) {
        make(&m, 3, 50, centered, heap);
        make(&scaled, 3, 50, centered, heap);
        m.args.residual = scaled.args.residual = NULL;
        scaled.args.epsilon = 16.0 * 1e-5;
        for (j = 0; j < 150; j++)
            scaled.memory[X][j] = 4.0f * m.memory[X][j];
        forward(t, t->ctx, &m);
        forward(t, t->ctx, &scaled);
        for (j = 0; j < 150; j++)
            check_near((double)scaled.args.y[j], (double)m.args.y[j],
                       2.0 * UNIT * (1.0 + fabs((double)m.args.y[j])), "y");
        if (centered) { /* 64 and multiples of 2^-15 below 1 add up exactly in f32 */
            for (j = 0; j < 150; j++)
                scaled.memory[X][j] = 64.0f + m.memory[X][j];
            scaled.args.epsilon = 0.0;
            forward(t, t->ctx, &scaled);
            check_forward(&scaled);
        }
        free_heap(&m);
        free_heap(&scaled);
    }
}

static void equal_values_become_beta(void **state)
{
    struct lft *t = *state;
    struct norm m;
    int64_t j;

    make(&m, 1, 77, 1, heap);
    m.args.residual = NULL;
    for (j = 0; j < 77; j++)
        m.memory[X][j] = 0.1f;
    forward(t, t->ctx, &m);
    for (j = 0; j < 77; j++) /* the mean of equal values may be one rounding off */
        check_near((double)m.args.y[j], (double)m.args.beta[j],
                   UNIT * (1.0 + 0.1 / sqrt(1e-5)), "y");
    free_heap(&m);
}

/* Lanes beyond a tail are 0 less the mean, times 1 / sqrt(epsilon): out of range, and no gradient's
 * business. */
static void a_large_constant_row_has_finite_gradients(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    int64_t columns, j;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (columns = 1; columns < 34; columns++) {
            struct norm m;

            make(&m, 1, columns, 1, heap);
            m.args.residual = NULL;
            for (j = 0; j < columns; j++)
                m.memory[X][j] = 0x1p123f; /* its mean is exact */
            forward(t, ctx, &m);
            backward(t, ctx, &m);
            for (j = 0; j < columns; j++)
                assert_true(isfinite(m.args.dx[j]));
            free_heap(&m);
        }
        lfuse_context_destroy(ctx);
    }
}

static void nan_stays_in_its_row(void **state)
{
    struct lft *t = *state;
    int centered;
    int64_t i, j;

    for (centered = 0; centered < 2; centered++) {
        struct norm m;

        make(&m, 3, 40, centered, heap);
        m.memory[X][40 + 7] = NAN;
        forward(t, t->ctx, &m);
        backward(t, t->ctx, &m);
        for (i = 0; i < 3; i++)
            for (j = 0; j < 40; j++) {
                assert_int_equal(isnan(m.args.y[i * 40 + j]) != 0, i == 1);
                assert_int_equal(isnan(m.args.dx[i * 40 + j]) != 0, i == 1);
            }
        free_heap(&m);
    }
}

/* ---- gradients ------------------------------------------------------------------------------- */

/* <dy, y> + <dsum, s> of the definition in f64, with *moved higher by `by`. */
static double loss(const struct norm *m, const float *moved, double by)
{
    const lfuse_layer_norm_args *a = &m->args;
    const double n = (double)a->columns;
    double total = 0.0;
    int64_t i, j;

#define AT(p) ((double)*(p) + ((p) == moved ? by : 0.0))
    for (i = 0; i < a->rows; i++) {
        const float *s = a->sum + i * a->columns;
        double mean = 0.0, variance = 0.0;

        for (j = 0; m->centered && j < a->columns; j++)
            mean += AT(s + j) / n;
        for (j = 0; j < a->columns; j++)
            variance += pow(AT(s + j) - mean, 2.0) / n;
        for (j = 0; j < a->columns; j++) {
            double y =
                (AT(s + j) - mean) / sqrt(variance + epsilon(a)) * AT(a->gamma + j);

            y += a->beta != NULL ? AT(a->beta + j) : 0.0;
            total += (double)a->dy[i * a->columns + j] * y +
                     (double)a->dsum[i * a->columns + j] * AT(s + j);
        }
    }
#undef AT
    return total;
}

/* Differences across 2 h in f64: h^2 leaves less than 1e-8 here, h 1e-16 / h of rounding; what
 * the kernel rounds is below 1e-5 of sums whose terms are of size 1. */
static void check_slope(const struct norm *m, const float *moved, float got)
{
    const double h = 1e-5, slope = (loss(m, moved, h) - loss(m, moved, -h)) / (2.0 * h);

    check_near((double)got, slope, 1e-5 * (1.0 + fabs(slope)), "slope");
}

static void gradients_are_the_slopes_of_the_definition(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    int centered;
    int64_t i;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (centered = 0; centered < 2; centered++) {
            struct norm m;

            make(&m, 3, 21, centered, heap);
            forward(t, ctx, &m);
            backward(t, ctx, &m);
            for (i = 0; i < 63; i++)
                check_slope(&m, m.args.sum + i, m.args.dx[i]);
            for (i = 0; i < 21; i++) {
                check_slope(&m, m.args.gamma + i, m.args.dgamma[i]);
                if (centered)
                    check_slope(&m, m.args.beta + i, m.args.dbeta[i]);
            }
            free_heap(&m);
        }
        lfuse_context_destroy(ctx);
    }
}

/* ---- in place, accumulation, workspace --------------------------------------------------------- */

static void outputs_may_be_inputs_and_statistics_left_out(void **state)
{
    struct lft *t = *state;
    struct norm m, apart;

    make(&m, 5, 37, 1, heap);
    make(&apart, 5, 37, 1, heap);
    m.args.sum = m.memory[X];
    forward(t, t->ctx, &m);
    forward(t, t->ctx, &apart);
    assert_memory_equal(m.memory[X], apart.memory[SUM], 5 * 37 * sizeof(float));
    assert_memory_equal(m.args.y, apart.args.y, 5 * 37 * sizeof(float));
    m.args.dx = m.memory[DY];
    backward(t, t->ctx, &apart);
    backward(t, t->ctx, &m);
    assert_memory_equal(m.args.dx, apart.args.dx, 5 * 37 * sizeof(float));
    m.args.x = m.memory[SUM];
    memcpy(m.memory[SUM], apart.memory[SUM], 5 * 37 * sizeof(float));
    m.args.residual = NULL;
    m.args.y = m.memory[SUM];
    m.args.mean = m.args.inv_std = NULL;
    forward(t, t->ctx, &m);
    assert_memory_equal(m.args.y, apart.args.y, 5 * 37 * sizeof(float));
    free_heap(&m);
    free_heap(&apart);
}

static void accumulate_adds_to_the_parameters_gradients_only(void **state)
{
    struct lft *t = *state;
    struct norm m, fresh;
    int64_t j;

    make(&m, 70, 33, 1, heap);
    make(&fresh, 70, 33, 1, heap);
    m.args.flags = LFUSE_LAYER_NORM_ACCUMULATE;
    for (j = 0; j < 33; j++)
        m.args.dgamma[j] = m.args.dbeta[j] = 64.0f;
    forward(t, t->ctx, &m);
    forward(t, t->ctx, &fresh);
    backward(t, t->ctx, &m);
    backward(t, t->ctx, &fresh);
    check_parameters(&m, 64.0);
    check_parameters(&fresh, 0.0);
    assert_memory_equal(m.args.dx, fresh.args.dx, 70 * 33 * sizeof(float));
    free_heap(&m);
    free_heap(&fresh);
}

static lfuse_status call_backward(struct lft *t, void *arg)
{
    return lfuse_layer_norm_backward(t->ctx, &((struct norm *)arg)->args, &t->err);
}

static void a_workspace_is_enough_and_a_refused_allocation_leaves_nothing(void **state)
{
    struct lft *t = *state;
    struct norm m;
    size_t bytes = 0;
    void *workspace;
    int64_t allocations;

    make(&m, 70, 33, 1, heap);
    forward(t, t->ctx, &m);
    m.args.x = m.args.sum;
    lft_every_allocation_fails(t, call_backward, &m);
    lft_ok(t, lfuse_layer_norm_workspace(t->ctx, &m.args, &bytes, &t->err));
    assert_true(bytes > 0 && bytes % 64 == 0);
    workspace = aligned_alloc(64, bytes);
    m.args.workspace = workspace;
    m.args.workspace_bytes = bytes;
    allocations = t->memory.allocations;
    backward(t, t->ctx, &m);
    check_dx(&m);
    assert_int_equal(t->memory.allocations, allocations);
    m.args.workspace_bytes = bytes - 1;
    lft_fails(t, call_backward(t, &m), LFUSE_ERR_ARGUMENT, "args.workspace has");
    m.args.workspace = (char *)workspace + 4;
    lft_fails(t, call_backward(t, &m), LFUSE_ERR_ARGUMENT, "not aligned to 64");
    free(workspace);
    free_heap(&m);
}

/* ---- errors -------------------------------------------------------------------------------------- */

typedef lfuse_status (*pass)(lfuse_context *, const lfuse_layer_norm_args *,
                             lfuse_error *);

static lfuse_status workspace_of(lfuse_context *ctx, const lfuse_layer_norm_args *args,
                                 lfuse_error *err)
{
    size_t bytes = 7;
    lfuse_status status = lfuse_layer_norm_workspace(ctx, args, &bytes, err);

    assert_true(status == LFUSE_OK || bytes == 7);
    return status;
}

#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_layer_norm_args args = m.args;                        \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)

static void bad_numbers_are_named(void **state)
{
    static const pass passes[] = {lfuse_layer_norm_forward, lfuse_layer_norm_backward,
                                  lfuse_rms_norm_forward, lfuse_rms_norm_backward,
                                  workspace_of};
    struct lft *t = *state;
    struct norm m;
    struct {
        lfuse_layer_norm_args args;
        uint64_t more;
    } newer;
    int i;

    make(&m, 2, 3, 0, heap);
    for (i = 0; i < 5; i++) {
        FAILS(passes[i], rows, 0, LFUSE_ERR_ARGUMENT, "args.rows is 0");
        FAILS(passes[i], columns, -1, LFUSE_ERR_ARGUMENT, "args.columns is -1");
        FAILS(passes[i], epsilon, -1e-5, LFUSE_ERR_ARGUMENT, "args.epsilon is -1e-05");
        FAILS(passes[i], epsilon, (double)NAN, LFUSE_ERR_ARGUMENT, "args.epsilon is nan");
        FAILS(passes[i], flags, 2, LFUSE_ERR_ARGUMENT, "0x2");
        FAILS(passes[i], reserved, 7, LFUSE_ERR_UNSUPPORTED, "args.reserved is 7");
        FAILS(passes[i], rows, INT64_MAX / 4, LFUSE_ERR_OVERFLOW, "do not fit");
        FAILS(passes[i], struct_size, 0, LFUSE_ERR_ARGUMENT, "struct_size 0");
        lft_fails(t, passes[i](NULL, &m.args, &t->err), LFUSE_ERR_ARGUMENT,
                  "ctx is NULL");
        lft_fails(t, passes[i](t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
                  "args is NULL");
        newer.args = m.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, passes[i](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args");
    }
    lft_fails(t, lfuse_layer_norm_workspace(t->ctx, &m.args, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "bytes is NULL");
    free_heap(&m);
}

static void what_is_missing_or_too_much_is_named_and_nothing_written(void **state)
{
    const lfuse_status bad = LFUSE_ERR_ARGUMENT;
    struct lft *t = *state;
    struct norm m, same;
    int i;

    make(&m, 2, 3, 1, heap);
    make(&same, 2, 3, 1, heap);
    FAILS(lfuse_layer_norm_forward, x, NULL, bad, "args.x is NULL");
    FAILS(lfuse_layer_norm_forward, gamma, NULL, bad, "args.gamma is NULL");
    FAILS(lfuse_layer_norm_forward, y, NULL, bad, "args.y is NULL");
    FAILS(lfuse_layer_norm_forward, sum, NULL, bad, "args.sum is NULL");
    FAILS(lfuse_layer_norm_backward, x, NULL, bad, "args.x is NULL");
    FAILS(lfuse_layer_norm_backward, gamma, NULL, bad, "args.gamma is NULL");
    FAILS(lfuse_layer_norm_backward, dy, NULL, bad, "args.dy is NULL");
    FAILS(lfuse_layer_norm_backward, dx, NULL, bad, "args.dx is NULL");
    FAILS(lfuse_layer_norm_backward, mean, NULL, bad, "args.mean is NULL");
    FAILS(lfuse_layer_norm_backward, inv_std, NULL, bad, "args.inv_std is NULL");
    m.args.beta = m.args.dbeta = m.args.mean = NULL;
    FAILS(lfuse_rms_norm_forward, beta, same.memory[BETA], bad, "args.beta is given");
    FAILS(lfuse_rms_norm_forward, mean, same.memory[MEAN], bad, "args.mean is given");
    FAILS(lfuse_rms_norm_backward, dbeta, same.memory[DBETA], bad, "args.dbeta is given");
    for (i = 0; i < ARRAYS; i++)
        assert_memory_equal(m.memory[i], same.memory[i],
                            (size_t)length(&m, i) * sizeof(float));
    free_heap(&m);
    free_heap(&same);
}
#undef FAILS

static void floating_point_settings_stay(void **state)
{
    struct lft *t = *state;
    const uint32_t control = lft_float_control();
    struct norm m;

    make(&m, 3, 50, 1, heap);
    run_and_check(t, t->ctx, &m);
    assert_int_equal(lft_float_control(), control);
    free_heap(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_pass_is_its_definition_on_every_instruction_set),
        lft_test(threads_change_no_bit),
        lft_test(a_large_mean_leaves_the_variance),
        lft_test(rms_norm_ignores_a_scale_and_layer_norm_a_shift_too),
        lft_test(equal_values_become_beta),
        lft_test(a_large_constant_row_has_finite_gradients),
        lft_test(nan_stays_in_its_row),
        lft_test(gradients_are_the_slopes_of_the_definition),
        lft_test(outputs_may_be_inputs_and_statistics_left_out),
        lft_test(accumulate_adds_to_the_parameters_gradients_only),
        lft_test(a_workspace_is_enough_and_a_refused_allocation_leaves_nothing),
        lft_test(bad_numbers_are_named),
        lft_test(what_is_missing_or_too_much_is_named_and_nothing_written),
        lft_test(floating_point_settings_stay),
    };

    return cmocka_run_group_tests_name("layer_norm", tests, NULL, NULL);
}
