/*
 * test_similarity_centroid.c - the distance of a few centroids: reference values, clusters, as
 * many centroids as rows, errors; the transport of whole masses
 */
#include "lft_similarity.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden_transport.h"
#include "similarity/transport.h"

enum { DRAWS = 100 };

static lfuse_similarity_options options_of(double exponent, int64_t centroids,
                                           uint64_t seed)
{
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_WASSERSTEIN_CENTROID, 0);

    o.exponent = exponent;
    o.centroids = centroids;
    o.seed = seed;
    return o;
}

static double distance(struct lft *t, const lfuse_tensor *a, const lfuse_tensor *c,
                       double exponent, int64_t centroids, uint64_t seed)
{
    lfuse_similarity_options o = options_of(exponent, centroids, seed);

    return lft_metric_with(t, a, c, &o);
}

/* Means of n rows and distances of d columns, each rounded as often; and pow(). */
static void is_near(const lfuse_tensor *a, double got, double want)
{
    double terms = (double)(lfuse_tensor_dim(a, 0) + lfuse_tensor_dim(a, 1) + 32);

    assert_true(fabs(got - want) <= 4.0 * terms * DBL_EPSILON * want);
}

static void centroid_keeps_what_every_metric_promises(void **state)
{
    static const struct lft_metric_facts facts = {
        LFUSE_METRIC_WASSERSTEIN_CENTROID,
        "wasserstein_centroid",
        1,
        1,
        1,
        "wasserstein_centroid: a (9, 7) is all zero",
        "wasserstein_centroid: b (9, 7) is all zero"};

    lft_metric_contract(*state, &facts);
}

static void centroid_has_its_reference_values(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F64, LFUSE_F32};
    struct lft *t = *state;
    lfuse_similarity_options softmax = options_of(0.0, 0, 7);
    size_t i;
    int k;

    softmax.flags = LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS;
    for (i = 0; i < TRANSPORT; i++)
        for (k = 0; k < 2; k++) { /* of f32 in f64: only the choice of centroids is not */
            const struct transport *g = &transport[i];
            lfuse_tensor *a = transport_a(t, i, types[k]);
            lfuse_tensor *c = transport_c(t, i, types[k]);

            if (k == 1 && g->share != 0.0) /* whose sum is rounded to f32 */
                continue;
            is_near(a, distance(t, a, c, 0.0, 0, 7), g->centroid);
            is_near(a, distance(t, a, c, 1.0, 3, 7), g->centroid_1_3);
            is_near(a, distance(t, a, c, 3.5, 5, 7), g->centroid_3_5_5);
            is_near(a, lft_metric_with(t, a, c, &softmax), g->centroid_softmax);
        }
}

static lfuse_tensor *repeated(struct lft *t, const lfuse_tensor *x, int times)
{
    int rows = (int)lfuse_tensor_dim(x, 0), columns = (int)lfuse_tensor_dim(x, 1), i;
    lfuse_tensor *y = lft_tensor(t, lfuse_tensor_dtype(x), 0, rows * times, columns, 0);

    for (i = 0; i < rows * times * columns; i++)
        lft_set(y, i, lft_get(x, i % (rows * columns)));
    return y;
}

/* Each row is a centroid then: the best matching of rows that are there equally often. */
static void as_many_centroids_as_rows_are_the_rows(void **state)
{
    struct lft *t = *state;
    lfuse_similarity_options o =
        lft_metric_options(LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, 0);
    uint64_t seed;

    for (seed = 0; seed < 10; seed++) {
        lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 2 * seed, 6, 5, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F32, 2 * seed + 1, 10, 5, 0);
        lfuse_tensor *all = repeated(t, a, 5);

        for (o.exponent = 1.0; o.exponent < 4.0; o.exponent += 0.75) {
            double want = lft_metric_with(t, all, repeated(t, c, 3), &o);

            is_near(all, distance(t, a, c, o.exponent, 1000, seed + 1), want);
            is_near(all, distance(t, c, a, o.exponent, 10, seed + 1), want);
            is_near(all, distance(t, all, c, o.exponent, 64, seed + 1), want);
        }
        lft_forget_tensors(t);
    }
}

/* Rows at 0 (ten) and 10 (twenty) of one column, and at 1 (fifteen): 1/3 moves 1, 2/3 moves 9. */
static void clusters_are_found(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 0, 30, 1, 0);
    lfuse_tensor *c = lft_affine(t, lft_tensor(t, LFUSE_F32, 0, 15, 1, 0), 0.0, 1.0);
    uint64_t seed;
    int i;

    for (i = 0; i < 30; i++)
        lft_set(a, i, i % 3 == 0 ? 0.0 : 10.0);
    for (seed = 1; seed < 10; seed++) {
        is_near(a, distance(t, a, c, 1.0, 2, seed), 19.0 / 3.0);
        is_near(a, distance(t, a, c, 2.0, 16, seed), sqrt(163.0 / 3.0));
        is_near(a, distance(t, a, c, 1.0, 1, seed), 20.0 / 3.0 - 1.0); /* of the means */
    }
}

/* Common motions and scales; the triangle of the means is the least that it can be. */
static void centroid_ignores_common_motions(void **state)
{
    struct lft *t = *state;
    uint64_t draw;

    for (draw = 0; draw < DRAWS; draw++) {
        int n = 2 + (int)(draw % 13), m = 2 + (int)(draw * 7 % 17),
            d = 1 + (int)(draw % 9);
        lfuse_tensor *a = lft_tensor(t, LFUSE_F64, 3 * draw, n, d, 0);
        lfuse_tensor *c = lft_tensor(t, LFUSE_F64, 3 * draw + 1, m, d, 0);
        double p = 1.0 + (double)(draw % 3), want = distance(t, a, c, p, 4, draw + 1);
        double slack = 256.0 * d * DBL_EPSILON;

        is_near(a, distance(t, c, a, p, 4, draw + 1), want);
        assert_true(distance(t, lft_affine(t, a, -4.0, 0.0), lft_affine(t, c, -4.0, 0.0),
                             p, 4, draw + 1) == 4.0 * want);
        assert_true(fabs(distance(t, lft_affine(t, a, 1.0, 2.0),
                                  lft_affine(t, c, 1.0, 2.0), p, 4, draw + 1) -
                         want) <= slack);
        assert_true(fabs(distance(t, lft_rotated(t, a, draw), lft_rotated(t, c, draw), p,
                                  4, draw + 1) -
                         want) <= slack);
        assert_true(want >= distance(t, a, c, p, 1, 1) * (1.0 - 1e-12));
        lft_forget_tensors(t);
    }
}

static void bad_options_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 9, 7, 0);
    lfuse_tensor *wider = lft_tensor(t, LFUSE_F32, 1, 9, 8, 0);
    lfuse_similarity_options o = options_of(0.0, -3, 0);

    lft_metric_fails(t, a, a, &o, LFUSE_ERR_ARGUMENT, "options.centroids is -3");
    o = options_of(0.0, 0, 0);
    lft_metric_fails(t, a, wider, &o, LFUSE_ERR_SHAPE, "a is (9, 7), b is (9, 8)");
}

static void a_distance_beyond_f64_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *a = lft_affine(t, lft_tensor(t, LFUSE_F64, 1, 8, 8, 0), 0.0, DBL_MAX);
    lfuse_tensor *c = lft_affine(t, a, -1.0, 0.0);
    lfuse_similarity_options o = options_of(0.0, 0, 0);

    lft_metric_fails(t, a, c, &o, LFUSE_ERR_NOT_FINITE, "a and b is beyond f64");
}

/* ---- masses --------------------------------------------------------------------------------- */

/* All has moved; and no place could be cheaper, by the potentials: arcs that flow are tight. */
static void check_transport(const struct lfi_transport *t, const int64_t *supply,
                            const int64_t *demand)
{
    const double slack = 64.0 * DBL_EPSILON * (double)(t->rows + t->columns);
    int64_t i, j, sum;

    for (i = 0; i < t->rows; i++) {
        for (sum = 0, j = 0; j < t->columns; j++) {
            double length =
                t->cost[i * t->columns + j] + t->potential[i] - t->potential[t->rows + j];

            assert_true(t->flow[i * t->columns + j] >= 0);
            assert_true(length >= -slack);
            assert_true(t->flow[i * t->columns + j] == 0 || length <= slack);
            sum += t->flow[i * t->columns + j];
        }
        assert_int_equal(sum, supply[i]);
        assert_int_equal(t->supply[i], 0);
    }
    for (j = 0; j < t->columns; j++) {
        for (sum = 0, i = 0; i < t->rows; i++)
            sum += t->flow[i * t->columns + j];
        assert_int_equal(sum, demand[j]);
        assert_int_equal(t->demand[j], 0);
    }
}

/* Few kinds of costs, so that there are ties; some places hold nothing, some very much. */
static void solve_once(int64_t rows, int64_t columns, uint64_t seed)
{
    struct lfi_arena arena = {.fits = true};
    struct lfi_transport t;
    int64_t supply[20], demand[20], i, left = 0;
    size_t bytes;
    void *memory;

    lfi_transport_lay_out(&t, rows, columns, &arena);
    assert_true(lfi_arena_bytes(&arena, &bytes));
    memory = arena.base = malloc(bytes);
    assert_non_null(memory);
    arena.used = 0;
    lfi_transport_lay_out(&t, rows, columns, &arena);
    for (i = 0; i < rows * columns; i++)
        t.cost[i] = seed % 2 == 0 ? fabs(lft_value(seed, i))
                                  : floor(4.0 * fabs(lft_value(seed, i)));
    for (i = 0; i < rows; i++) {
        double share = fabs(lft_value(seed + 1, i));

        supply[i] = share < 0.2 ? 0 : (int64_t)(share * (seed % 3 == 0 ? 1e15 : 9.0));
        left += supply[i];
    }
    for (i = 0; i < columns; i++) {
        demand[i] = i + 1 == columns ? left : left / (3 + i);
        left -= demand[i];
    }
    memcpy(t.supply, supply, (size_t)rows * sizeof(*supply));
    memcpy(t.demand, demand, (size_t)columns * sizeof(*demand));
    lfi_transport_solve(&t);
    check_transport(&t, supply, demand);
    free(memory);
}

static void potentials_prove_that_nothing_is_cheaper(void **state)
{
    int64_t rows, columns;
    uint64_t seed;

    (void)state;
    for (rows = 1; rows <= 20; rows += 3)
        for (columns = 1; columns <= 20; columns += 4)
            for (seed = 0; seed < 20; seed++)
                solve_once(rows, columns, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(centroid_keeps_what_every_metric_promises),
        lft_test(centroid_has_its_reference_values),
        lft_test(as_many_centroids_as_rows_are_the_rows),
        lft_test(clusters_are_found),
        lft_test(centroid_ignores_common_motions),
        lft_test(bad_options_are_named),
        lft_test(a_distance_beyond_f64_is_an_error),
        lft_test(potentials_prove_that_nothing_is_cheaper),
    };

    return cmocka_run_group_tests_name("similarity_centroid", tests, NULL, NULL);
}
