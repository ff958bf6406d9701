/*
 * test_conv2d_winograd.c - F(4x4, 3x3) and F(2x2, 3x3), against the definition in f64
 *
 * The matrices are made anew here, from the points. With |.| element by element, the terms of an
 * output are |A'| (sum |G| |g| |G'| o |B'| |d| |B|) |A|: what every rounding is relative to.
 */
#include "conv2d_problem.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PADS(T, B, L, R) 3, 3, 1, 1, T, B, L, R, 1, 1, 1

static const struct shape winograd_shapes[] = {
    /* channels: one, an odd few, one more than a vector and than two; images of all remainders */
    {1, 1, 4, 4, 1, PADS(1, 1, 1, 1)},
    {2, 3, 5, 7, 5, PADS(1, 1, 1, 1)},
    {2, 16, 8, 6, 17, PADS(1, 1, 1, 1)},
    {1, 33, 9, 10, 16, PADS(1, 1, 1, 1)},
    {3, 8, 2, 2, 40, PADS(1, 1, 1, 1)},
    {2, 70, 3, 4, 9, PADS(1, 1, 1, 1)},
    /* paddings from none to two, and to more than the kernel sees */
    {2, 5, 6, 5, 3, PADS(0, 0, 0, 0)},
    {1, 4, 3, 3, 6, PADS(0, 0, 0, 0)},
    {2, 3, 7, 8, 4, PADS(2, 0, 1, 2)},
    {1, 2, 4, 5, 3, PADS(4, 3, 5, 6)},
    {2, 2, 1, 1, 3, PADS(1, 1, 1, 1)},
    /* several blocks of a task; by columns: in one chunk, in two of two blocks */
    {700, 4, 1, 1, 3, PADS(1, 1, 1, 1)},
    {72, 270, 1, 1, 250, PADS(1, 1, 1, 1)},
    {260, 510, 1, 1, 13, PADS(1, 1, 1, 1)},
    /* weight gradients by squares: one in chunks, with lines of more than eight tiles; many */
    {2, 104, 2, 330, 50, PADS(1, 1, 1, 1)},
    {3, 400, 5, 4, 290, PADS(1, 1, 1, 1)},
};
enum { WINOGRAD_SHAPES = sizeof(winograd_shapes) / sizeof(winograd_shapes[0]) };

static const lfuse_conv2d_algorithm algorithms[] = {LFUSE_CONV2D_WINOGRAD,
                                                    LFUSE_CONV2D_WINOGRAD_2X2};

/* ---- the definition --------------------------------------------------------------------- */

enum { MOST = 6 };

struct matrices {
    int64_t m, points;
    double b[MOST][MOST], g[MOST][3], a[4][MOST]; /* B', G, A' */
};

/* The coefficients of the product of x - q over the finite points but number `left_out`. */
static void polynomial(const double *points, int64_t count, int64_t left_out, double *to)
{
    int64_t i, k, degree = 0;

    memset(to, 0, MOST * sizeof(*to));
    to[0] = 1.0;
    for (i = 0; i < count; i++) {
        if (i == left_out)
            continue;
        for (k = ++degree; k >= 0; k--)
            to[k] = (k > 0 ? to[k - 1] : 0.0) - points[i] * to[k];
    }
}

static struct matrices matrices_of(int64_t m)
{
    static const double points_2[] = {0.0, 1.0, -1.0};
    static const double points_4[] = {0.0, 0.75, -0.75, 1.5, -1.5};
    const double *points = m == 4 ? points_4 : points_2;
    struct matrices f = {.m = m, .points = m + 2};
    int64_t i, k;

    for (i = 0; i <= m + 1; i++) {
        const bool last = i == m + 1; /* infinity */
        double n = 1.0;

        polynomial(points, m + 1, last ? -1 : i, f.b[i]);
        for (k = 0; k <= m && !last; k++)
            n *= k == i ? 1.0 : points[i] - points[k];
        for (k = 0; k < 3; k++)
            f.g[i][k] = last ? k == 2 : pow(points[i], (double)k) / n;
        for (k = 0; k < m; k++)
            f.a[k][i] = last ? k == m - 1 : pow(points[i], (double)k);
    }
    return f;
}

/* out (rows x rows) = |T| in (cols x cols) |T'|, T (rows x cols) at t, `row` from row to row and
 * `col` from column to column. */
static void both_sides(const double *t, int64_t row, int64_t col, int64_t rows,
                       int64_t cols, double in[MOST][MOST], double out[MOST][MOST])
{
    double half[MOST][MOST] = {{0.0}};
    int64_t i, j, k;

    for (i = 0; i < rows; i++)
        for (j = 0; j < cols; j++)
            for (k = 0; k < cols; k++)
                half[i][j] += fabs(t[i * row + k * col]) * in[k][j];
    for (i = 0; i < rows; i++)
        for (j = 0; j < rows; j++) {
            out[i][j] = 0.0;
            for (k = 0; k < cols; k++)
                out[i][j] += fabs(t[j * row + k * col]) * half[i][k];
        }
}

struct image {
    const float *data;
    int64_t channels, height, width;
};

static void square_of(const struct image *m, int64_t n, int64_t y, int64_t x, int64_t c,
                      int64_t size, double out[MOST][MOST])
{
    int64_t i, j;

    for (i = 0; i < size; i++)
        for (j = 0; j < size; j++)
            out[i][j] =
                y + i < 0 || y + i >= m->height || x + j < 0 || x + j >= m->width
                    ? 0.0
                    : fabs((double)m->data[((n * m->height + y + i) * m->width + x + j) *
                                               m->channels +
                                           c]);
}

/* A convolution's sums in f64, and their terms' sizes; backward: of dx from dy. */
struct side {
    struct image from, to;
    int64_t top, left;
    bool backward;
};

static double weight(const struct problem *p, bool backward, int64_t in, int64_t out,
                     int64_t ky, int64_t kx)
{
    const int64_t o = backward ? in : out, i = backward ? out : in;
    const int64_t tap = backward ? 8 - ky * 3 - kx : ky * 3 + kx;

    return (double)p->w[(o * p->args.in_channels + i) * 9 + tap];
}

static struct side side_of(const struct problem *p, bool backward)
{
    const lfuse_conv2d_args *a = &p->args;
    const struct image x = {p->x, a->in_channels, a->height, a->width};
    const struct image y = {p->dy, a->out_channels, p->out_h, p->out_w};
    const struct side forward = {x, y, a->pad_top, a->pad_left, false};
    const struct side back = {y, x, 2 - a->pad_top, 2 - a->pad_left, true};

    return backward ? back : forward;
}

static double exact(const struct problem *p, const struct side *s, int64_t n, int64_t y,
                    int64_t x, int64_t out)
{
    double sum = 0.0;
    int64_t i, ky, kx;

    for (ky = 0; ky < 3; ky++)
        for (kx = 0; kx < 3; kx++) {
            const int64_t row = y + ky - s->top, col = x + kx - s->left;

            if (row < 0 || row >= s->from.height || col < 0 || col >= s->from.width)
                continue;
            for (i = 0; i < s->from.channels; i++)
                sum +=
                    (double)
                        s->from.data[((n * s->from.height + row) * s->from.width + col) *
                                         s->from.channels +
                                     i] *
                    weight(p, s->backward, i, out, ky, kx);
        }
    return sum;
}

/* |G| |g| |G'| of every pair, (in, out, points). */
static double *weights_at_points(const struct problem *p, const struct side *s,
                                 const struct matrices *f)
{
    const int64_t ins = s->from.channels, outs = s->to.channels;
    double(*u)[MOST][MOST] = malloc((size_t)(ins * outs) * sizeof(*u));
    double g[MOST][MOST];
    int64_t i, o, k;

    assert_non_null(u);
    for (i = 0; i < ins; i++)
        for (o = 0; o < outs; o++) {
            for (k = 0; k < 9; k++)
                g[k / 3][k % 3] = fabs(weight(p, s->backward, i, o, k / 3, k % 3));
            both_sides(&f->g[0][0], 3, 1, f->points, 3, g, u[i * outs + o]);
        }
    return &u[0][0][0];
}

/* The sizes for one tile of outputs, (out, m, m). */
static void tile_sizes(const struct side *s, const struct matrices *f, double *u,
                       int64_t n, int64_t y, int64_t x, double (*size)[MOST][MOST])
{
    double(*weights)[MOST][MOST] = (void *)u;
    const int64_t ins = s->from.channels, outs = s->to.channels;
    double d[MOST][MOST], v[MOST][MOST];
    double(*sum)[MOST][MOST] = calloc((size_t)outs, sizeof(*sum));
    int64_t i, o, r, c;

    assert_non_null(sum);
    for (i = 0; i < ins; i++) {
        square_of(&s->from, n, y - s->top, x - s->left, i, f->points, d);
        both_sides(&f->b[0][0], MOST, 1, f->points, f->points, d, v);
        for (o = 0; o < outs; o++)
            for (r = 0; r < f->points; r++)
                for (c = 0; c < f->points; c++)
                    sum[o][r][c] += v[r][c] * weights[i * outs + o][r][c];
    }
    for (o = 0; o < outs; o++)
        both_sides(&f->a[0][0], MOST, 1, f->m, f->points, sum[o], size[o]);
    free(sum);
}

/* Roundings on the way of one term: three or fewer in each of two directions of each transform of
 * inputs, four or fewer of weights (their constants are rounded, too), five or fewer of outputs;
 * as many as channels in the product; the bias and the old value. */
static double roundings(int64_t terms)
{
    return (double)(terms + 2 * (3 + 4 + 5) + 2);
}

static void check_one(const char *what, size_t shape, double got, double want,
                      double bound)
{
    if (!(fabs(got - want) <= bound))
        fail_msg("shape %zu: %s is %g, not %g; off by %g of %g", shape, what, got, want,
                 fabs(got - want), bound);
}

static void check_side(const struct problem *p, size_t shape, int64_t m, bool backward)
{
    const struct matrices f = matrices_of(m);
    const struct side s = side_of(p, backward);
    const float *got = backward ? p->dx : p->y;
    const float *bias = backward ? NULL : p->args.bias;
    const int64_t outs = s.to.channels;
    double *u = weights_at_points(p, &s, &f);
    double(*size)[MOST][MOST] = malloc((size_t)outs * sizeof(*size));
    int64_t n, y, x, o;

    assert_non_null(size);
    for (n = 0; n < p->args.batch; n++)
        for (y = 0; y < s.to.height; y++)
            for (x = 0; x < s.to.width; x++) {
                if (y % m == 0)
                    tile_sizes(&s, &f, u, n, y, x / m * m, size);
                else
                    tile_sizes(&s, &f, u, n, y / m * m, x / m * m, size);
                for (o = 0; o < outs; o++) {
                    const int64_t at =
                        ((n * s.to.height + y) * s.to.width + x) * outs + o;
                    const double add = (bias != NULL ? (double)bias[o] : 0.0) +
                                       ((p->args.flags & LFUSE_CONV2D_ACCUMULATE) != 0
                                            ? lft_value(backward ? 6 : 5, at)
                                            : 0.0);

                    check_one(backward ? "dx" : "y", shape, (double)got[at],
                              exact(p, &s, n, y, x, o) + add,
                              roundings(s.from.channels) * FLT_EPSILON *
                                  (size[o][y % m][x % m] + 2.0));
                }
            }
    free(size);
    free(u);
}

/* dw of one pair: the sum over all tiles of |B'| |x| |B| o |A| |dy| |A'|, between |G'| and |G|. */
static void check_pair(const struct problem *p, size_t shape, const struct matrices *f,
                       int64_t i, int64_t o)
{
    const struct side s = side_of(p, false);
    const struct image dy = {p->dy, s.to.channels, s.to.height, s.to.width};
    const int64_t m = f->m, at = (o * p->args.in_channels + i) * 9;
    const bool old = (p->args.flags & LFUSE_CONV2D_ACCUMULATE) != 0;
    double x_square[MOST][MOST], v[MOST][MOST], y_square[MOST][MOST], d[MOST][MOST];
    double sum[MOST][MOST] = {{0.0}}, size[MOST][MOST], exact_dw[9] = {0.0};
    int64_t n, y, x, r, c, k, tiles = 0;

    for (n = 0; n < p->args.batch; n++)
        for (y = 0; y < p->out_h; y += m)
            for (x = 0; x < p->out_w; x += m, tiles++) {
                square_of(&s.from, n, y - s.top, x - s.left, i, f->points, x_square);
                square_of(&dy, n, y, x, o, m, y_square);
                both_sides(&f->b[0][0], MOST, 1, f->points, f->points, x_square, v);
                both_sides(&f->a[0][0], 1, MOST, f->points, m, y_square, d);
                for (r = 0; r < f->points; r++)
                    for (c = 0; c < f->points; c++)
                        sum[r][c] += v[r][c] * d[r][c];
            }
    both_sides(&f->g[0][0], 1, 3, 3, f->points, sum, size);
    for (n = 0; n < p->args.batch; n++)
        for (y = 0; y < p->out_h; y++)
            for (x = 0; x < p->out_w; x++)
                for (k = 0; k < 9; k++) {
                    const int64_t row = y + k / 3 - s.top, col = x + k % 3 - s.left;

                    if (row >= 0 && row < s.from.height && col >= 0 && col < s.from.width)
                        exact_dw[k] +=
                            (double)
                                p->x[((n * s.from.height + row) * s.from.width + col) *
                                         s.from.channels +
                                     i] *
                            (double)p
                                ->dy[((n * p->out_h + y) * p->out_w + x) * s.to.channels +
                                     o];
                }
    for (k = 0; k < 9; k++)
        check_one("dw", shape, (double)p->dw[at + k],
                  exact_dw[k] + (old ? lft_value(7, at + k) : 0.0),
                  roundings(tiles) * FLT_EPSILON * (size[k / 3][k % 3] + 1.0));
}

/* Of many channels some pairs only: the definition is slow. */
static void check_gradient_of_weights(const struct problem *p, size_t shape, int64_t m)
{
    const struct matrices f = matrices_of(m);
    const bool old = (p->args.flags & LFUSE_CONV2D_ACCUMULATE) != 0;
    const bool many = p->args.in_channels > 100;
    const int64_t pixels = p->args.batch * p->out_h * p->out_w;
    int64_t i, o, e;

    for (o = 0; o < p->args.out_channels; o++) {
        double sum = old ? lft_value(8, o) : 0.0, size = fabs(sum);

        for (i = many ? o % 17 : 0; i < p->args.in_channels; i += many ? 17 : 1)
            check_pair(p, shape, &f, i, o);
        for (e = 0; e < pixels; e++) {
            sum += (double)p->dy[e * p->args.out_channels + o];
            size += fabs((double)p->dy[e * p->args.out_channels + o]);
        }
        if (p->args.dbias != NULL)
            check_one("dbias", shape, (double)p->dbias[o], sum,
                      (double)(pixels + 2) * FLT_EPSILON * size);
    }
}

/* ---- the tests ------------------------------------------------------------------------- */

/* Operands end, or start, at a page that nobody may touch, and most are aligned to 4 bytes only. */
static void every_direction_is_its_sum_on_all_instruction_sets(void **state)
{
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i, k;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (i = 0; i < WINOGRAD_SHAPES; i++)
            for (k = 0; k < 4; k++) {
                struct problem p = make(&winograd_shapes[i], LFUSE_LAYOUT_NHWC,
                                        k < 2 ? lft_guard_end : lft_guard_start);
                const int64_t m = k % 2 == 0 ? 4 : 2;

                if (i % 2 != 0)
                    p.args.bias = p.args.dbias = NULL;
                p.args.flags = k < 2 ? 0 : LFUSE_CONV2D_ACCUMULATE;
                p.args.algorithm = algorithms[k % 2];
                run(t, ctx, &p);
                check_side(&p, i, m, false);
                check_side(&p, i, m, true);
                check_gradient_of_weights(&p, i, m);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

static void assert_same_outputs(const struct problem *a, const struct problem *b)
{
    assert_memory_equal(a->y, b->y, (size_t)a->y_count * sizeof(float));
    assert_memory_equal(a->dx, b->dx, (size_t)a->x_count * sizeof(float));
    assert_memory_equal(a->dw, b->dw, (size_t)a->w_count * sizeof(float));
    assert_memory_equal(a->dbias, b->dbias, (size_t)a->args.out_channels * sizeof(float));
}

/* The workspace is exactly as large as asked for, ends at a guard page, and is full of NaNs. */
static void threads_and_a_workspace_do_not_change_a_bit(void **state)
{
    struct lft *t = *state;
    int32_t threads;
    size_t i, bytes;

    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);

        for (i = 0; i < 2 * WINOGRAD_SHAPES; i++) {
            const struct shape *s = &winograd_shapes[i / 2];
            struct problem p = make(s, LFUSE_LAYOUT_NHWC, lft_guard_end);
            struct problem q = make(s, LFUSE_LAYOUT_NHWC, lft_guard_end);
            int64_t allocations;

            p.args.algorithm = q.args.algorithm = algorithms[i % 2];
            lft_ok(t, lfuse_conv2d_workspace(ctx, &q.args, &bytes, &t->err));
            assert_int_equal(bytes % 64, 0);
            q.args.workspace = lft_guard_end((int64_t)(bytes / sizeof(float)));
            q.args.workspace_bytes = bytes;
            memset(q.args.workspace, 0xff, bytes);
            run(t, t->ctx, &p);
            allocations = t->memory.allocations;
            run(t, ctx, &q);
            assert_int_equal(t->memory.allocations, allocations);
            assert_same_outputs(&p, &q);
            lft_guard_free();
        }
        lfuse_context_destroy(ctx);
    }
}

/* ---- how accurate it is --------------------------------------------------------------------- */

struct error {
    double square, largest, norm2;
    int64_t count;
};

static void add_error(struct error *e, double got, double want)
{
    const double off = fabs(got - want);

    e->square += off * off;
    e->largest = off > e->largest ? off : e->largest;
    e->norm2 += want * want;
    e->count++;
}

/* What the header promises: 1e-5 in the 2-norm, and at most 4e-5 of the outputs' deviation, which
 * for these numbers without a mean is their 2-norm over the root of their count. */
static void assert_accurate(const struct error *e, const char *what)
{
    const double norm = sqrt(e->square / e->norm2);
    const double most = e->largest / sqrt(e->norm2 / (double)e->count);

    if (!(norm < 1e-5 && most < 4e-5))
        fail_msg("%s: %g in the 2-norm, at most %g of the deviation", what, norm, most);
}

static double gradient_of(const struct problem *p, int64_t o, int64_t i, int64_t k)
{
    const int64_t ins = p->args.in_channels, outs = p->args.out_channels;
    double sum = 0.0;
    int64_t n, y, x;

    for (n = 0; n < p->args.batch; n++)
        for (y = 0; y < p->out_h; y++)
            for (x = 0; x < p->out_w; x++) {
                const int64_t row = y + k / 3 - 1, col = x + k % 3 - 1;

                if (row >= 0 && row < p->args.height && col >= 0 && col < p->args.width)
                    sum +=
                        (double)p
                            ->x[((n * p->args.height + row) * p->args.width + col) * ins +
                                i] *
                        (double)p->dy[((n * p->out_h + y) * p->out_w + x) * outs + o];
            }
    return sum;
}

static void check_accuracy(const struct problem *p)
{
    const struct side forward = side_of(p, false), back = side_of(p, true);
    struct error y = {0}, dx = {0}, dw = {0};
    int64_t i, o, k;

    for (i = 0; i < p->y_count; i++)
        add_error(&y, (double)p->y[i],
                  exact(p, &forward, i / p->args.out_channels / p->out_w / p->out_h,
                        i / p->args.out_channels / p->out_w % p->out_h,
                        i / p->args.out_channels % p->out_w, i % p->args.out_channels));
    for (i = 0; i < p->x_count; i++)
        add_error(&dx, (double)p->dx[i],
                  exact(p, &back, i / p->args.in_channels / p->out_w / p->out_h,
                        i / p->args.in_channels / p->out_w % p->out_h,
                        i / p->args.in_channels % p->out_w, i % p->args.in_channels));
    for (o = 0; o < p->args.out_channels; o += 7)
        for (i = 0; i < p->args.in_channels; i += 7)
            for (k = 0; k < 9; k++)
                add_error(&dw, (double)p->dw[(o * p->args.in_channels + i) * 9 + k],
                          gradient_of(p, o, i, k));
    assert_accurate(&y, "y");
    assert_accurate(&dx, "dx");
    assert_accurate(&dw, "dw");
}

static void errors_stay_below_what_is_promised(void **state)
{
    static const struct shape accuracy[] = {
        {32, 16, 8, 8, 16, PADS(1, 1, 1, 1)},
        {4, 64, 8, 8, 64, PADS(1, 1, 1, 1)},
        {8, 512, 4, 4, 32, PADS(1, 1, 1, 1)},
        {8, 32, 4, 4, 512, PADS(1, 1, 1, 1)},
    };
    struct lft *t = *state;
    lfuse_isa isa;
    size_t i;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (i = 0; i < 8; i++) {
            struct problem p = make(&accuracy[i / 2], LFUSE_LAYOUT_NHWC, lft_guard_end);

            p.args.bias = NULL;
            p.args.algorithm = algorithms[i % 2];
            run(t, ctx, &p);
            check_accuracy(&p);
            lft_guard_free();
        }
        lfuse_context_destroy(ctx);
    }
}

/* A NaN reaches the outputs that read it and no tile that does not. */
static void nan_in_gives_nan_out_within_its_tiles(void **state)
{
    struct lft *t = *state;
    size_t k;

    for (k = 0; k < 2; k++) {
        struct problem p = make(&winograd_shapes[3], LFUSE_LAYOUT_NHWC, lft_guard_end);
        const int64_t m = k == 0 ? 4 : 2, row = 5, col = 2;
        int64_t y, x, o;

        p.args.algorithm = algorithms[k];
        p.x[(row * 10 + col) * 33 + 7] = NAN;
        lft_ok(t, lfuse_conv2d_forward(t->ctx, &p.args, &t->err));
        for (y = 0; y < 9; y++)
            for (x = 0; x < 10; x++) {
                const bool read = llabs(y - row) <= 1 && llabs(x - col) <= 1;
                const bool near = y / m * m - 1 <= row && row <= y / m * m + m &&
                                  x / m * m - 1 <= col && col <= x / m * m + m;

                for (o = 0; o < 16; o++) {
                    assert_true(!read || isnan(p.y[(y * 10 + x) * 16 + o]));
                    assert_true(near || !isnan(p.y[(y * 10 + x) * 16 + o]));
                }
            }
        lft_guard_free();
    }
}

/* ---- which algorithm -------------------------------------------------------------------- */

typedef lfuse_status (*direction)(lfuse_context *, const lfuse_conv2d_args *,
                                  lfuse_error *);

static const direction directions[] = {lfuse_conv2d_forward, lfuse_conv2d_backward_data,
                                       lfuse_conv2d_backward_weights};

static void assert_untouched(const struct problem *p)
{
    int64_t i;

    for (i = 0; i < p->y_count; i++)
        assert_true(p->y[i] == (float)lft_value(5, i));
    for (i = 0; i < p->x_count; i++)
        assert_true(p->dx[i] == (float)lft_value(6, i));
    for (i = 0; i < p->w_count; i++)
        assert_true(p->dw[i] == (float)lft_value(7, i));
}

/* Of the same bits as what the shape is said to choose. */
static void the_shape_chooses(void **state)
{
    static const struct {
        struct shape shape;
        lfuse_conv2d_algorithm algorithm;
    } cases[] = {
        {{1, 16, 8, 8, 16, PADS(1, 1, 1, 1)}, LFUSE_CONV2D_WINOGRAD},
        {{1, 16, 8, 4, 16, PADS(1, 1, 1, 1)}, LFUSE_CONV2D_DIRECT}, /* two tiles */
        {{2, 15, 8, 8, 16, PADS(1, 1, 1, 1)}, LFUSE_CONV2D_DIRECT},
        {{2, 16, 8, 8, 15, PADS(1, 1, 1, 1)}, LFUSE_CONV2D_DIRECT},
        {{9, 16, 2, 2, 16, PADS(1, 1, 1, 1)}, LFUSE_CONV2D_DIRECT},
        {{4, 260, 3, 3, 260, PADS(1, 1, 1, 1)},
         LFUSE_CONV2D_DIRECT}, /* four of many pairs */
    };
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct problem p = make(&cases[i].shape, LFUSE_LAYOUT_NHWC, lft_guard_end);
        struct problem q = make(&cases[i].shape, LFUSE_LAYOUT_NHWC, lft_guard_end);

        p.args.algorithm = 0;
        q.args.algorithm = cases[i].algorithm;
        run(t, t->ctx, &p);
        run(t, t->ctx, &q);
        assert_same_outputs(&p, &q);
        lft_guard_free();
    }
}

static void where_it_does_not_apply_it_is_refused(void **state)
{
    static const struct shape others[] = {
        {1, 2, 6, 6, 2, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
        {1, 2, 6, 6, 2, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1},
        {1, 2, 6, 6, 2, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1},
        {1, 2, 6, 6, 2, 3, 3, 1, 2, 1, 1, 1, 1, 1, 1, 1},
        {1, 2, 6, 6, 2, 3, 3, 1, 1, 1, 1, 1, 1, 2, 1, 1},
        {1, 2, 6, 6, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 2, 1},
        {1, 2, 6, 6, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},
        {1, 2, 6, 6, 2, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, /* NCHW */
    };
    struct lft *t = *state;
    size_t i, k, bytes = 42;

    for (i = 0; i < 8; i++) {
        struct problem p = make(&others[i], i < 7 ? LFUSE_LAYOUT_NHWC : LFUSE_LAYOUT_NCHW,
                                lft_guard_end);

        for (k = 0; k < 6; k++) {
            p.args.algorithm = algorithms[k % 2];
            lft_fails(t, directions[k / 2](t->ctx, &p.args, &t->err),
                      LFUSE_ERR_UNSUPPORTED, "args.algorithm asks for Winograd");
        }
        lft_fails(t, lfuse_conv2d_workspace(t->ctx, &p.args, &bytes, &t->err),
                  LFUSE_ERR_UNSUPPORTED, "kernels of 3 x 3");
        assert_int_equal(bytes, 42);
        assert_untouched(&p);
        lft_guard_free();
    }
}

static void an_unknown_algorithm_is_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&winograd_shapes[0], LFUSE_LAYOUT_NHWC, lft_guard_end);
    size_t k;

    for (k = 0; k < 3; k++) {
        p.args.algorithm = -1;
        lft_fails(t, directions[k](t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
                  "args.algorithm is -1");
        p.args.algorithm = 4;
        lft_fails(t, directions[k](t->ctx, &p.args, &t->err), LFUSE_ERR_ARGUMENT,
                  "args.algorithm is 4");
        p.args.algorithm = 0;
        p.args.reserved_1 = 7;
        lft_fails(t, directions[k](t->ctx, &p.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args.reserved_1 is 7");
        p.args.reserved_1 = 0;
    }
    assert_untouched(&p);
    lft_guard_free();
}

struct call {
    direction direction;
    const lfuse_conv2d_args *args;
};

static lfuse_status run_call(struct lft *t, void *arg)
{
    const struct call *call = arg;

    return call->direction(t->ctx, call->args, &t->err);
}

static void a_refused_workspace_leaves_nothing_behind(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&winograd_shapes[1], LFUSE_LAYOUT_NHWC, lft_guard_end);
    int d;

    p.args.algorithm = LFUSE_CONV2D_WINOGRAD;
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

/* Of weights that fit, the transformed ones may not. */
static void sizes_that_do_not_fit_are_told(void **state)
{
    struct lft *t = *state;
    struct problem p = make(&winograd_shapes[0], LFUSE_LAYOUT_NHWC, lft_guard_end);
    size_t k;

    p.args.algorithm = LFUSE_CONV2D_WINOGRAD;
    p.args.in_channels = p.args.out_channels = (int64_t)1 << 28;
    for (k = 0; k < 3; k++)
        lft_fails(t, directions[k](t->ctx, &p.args, &t->err), LFUSE_ERR_OVERFLOW,
                  "the workspace");
    assert_untouched(&p);
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(every_direction_is_its_sum_on_all_instruction_sets),
        lft_test(threads_and_a_workspace_do_not_change_a_bit),
        lft_test(errors_stay_below_what_is_promised),
        lft_test(nan_in_gives_nan_out_within_its_tiles),
        lft_test(the_shape_chooses),
        lft_test(where_it_does_not_apply_it_is_refused),
        lft_test(an_unknown_algorithm_is_told),
        lft_test(a_refused_workspace_leaves_nothing_behind),
        lft_test(sizes_that_do_not_fit_are_told),
    };

    return cmocka_run_group_tests_name("conv2d_winograd", tests, NULL, NULL);
}
