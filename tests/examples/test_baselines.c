/* test_baselines.c - pruning, SVD and the others: what they store, and that they stay so */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "baselines/baseline.h"
#include "random.h"

enum { ROWS = 24, COLUMNS = 60, SIZE = ROWS * COLUMNS, MATRICES = 6 };

struct net {
    lfuse_context *ctx;
    lfuse_error err;
    float value[MATRICES][SIZE], gradient[MATRICES][SIZE], velocity[MATRICES][SIZE];
    struct baseline_matrix matrices[MATRICES];
};

/* Matrix k is k + 1 times as large; two matrices to a block. */
static int set_up(void **state)
{
    struct net *net = calloc(1, sizeof(*net));
    int k, i;

    assert_non_null(net);
    assert_int_equal(lfuse_context_create(NULL, &net->ctx, &net->err), LFUSE_OK);
    for (k = 0; k < MATRICES; k++) {
        for (i = 0; i < SIZE; i++) {
            net->value[k][i] =
                (float)((k + 1) * random_normal(1, (uint64_t)k, (uint64_t)i));
            net->gradient[k][i] = (float)random_normal(2, (uint64_t)k, (uint64_t)i);
            net->velocity[k][i] = 1.0f;
        }
        net->matrices[k] = (struct baseline_matrix){
            net->value[k], net->gradient[k], net->velocity[k], ROWS, COLUMNS, k / 2};
    }
    *state = net;
    return 0;
}

static int tear_down(void **state)
{
    struct net *net = *state;

    lfuse_context_destroy(net->ctx);
    free(net);
    return 0;
}

static lfuse_status try_create(struct net *net, enum baseline_kind kind, int64_t count,
                               double ratio, const struct baseline_examples *refit,
                               struct baseline **b)
{
    const struct baseline_options options = {kind, ratio, 7, refit};

    return baseline_create(net->ctx, &options, net->matrices, count, b, &net->err);
}

static struct baseline *create(struct net *net, enum baseline_kind kind, double ratio)
{
    struct baseline *b;

    assert_int_equal(try_create(net, kind, MATRICES, ratio, NULL, &b), LFUSE_OK);
    assert_int_equal(baseline_dense_bytes(b), 4 * MATRICES * SIZE);
    return b;
}

static void train(struct net *net, struct baseline *b, int steps)
{
    int step, k, i;

    for (step = 0; step < steps; step++) {
        for (k = 0; k < MATRICES; k++)
            for (i = 0; i < SIZE; i++)
                net->gradient[k][i] =
                    (float)random_normal(3 + (uint64_t)step, (uint64_t)k, (uint64_t)i);
        assert_int_equal(baseline_project(b, &net->err), LFUSE_OK);
        for (k = 0; k < MATRICES; k++)
            for (i = 0; i < SIZE; i++) {
                net->velocity[k][i] = 0.9f * net->velocity[k][i] + net->gradient[k][i];
                net->value[k][i] -= 0.01f * net->velocity[k][i];
            }
        assert_int_equal(baseline_settle(b, &net->err), LFUSE_OK);
    }
}

static int nonzero(const float *values, int count)
{
    int sum = 0, i;

    for (i = 0; i < count; i++)
        sum += values[i] != 0.0f;
    return sum;
}

/* ---- pruning -------------------------------------------------------------------------------------- */

static void pruning_keeps_the_largest_of_each_matrix(void **state)
{
    struct net *net = *state;
    float before[SIZE], least = INFINITY, most = 0.0f;
    struct baseline *b;
    int k, i;

    memcpy(before, net->value[2], sizeof(before));
    b = create(net, BASELINE_PRUNE, 4.0);
    for (i = 0; i < SIZE; i++) {
        if (net->value[2][i] != 0.0f) {
            assert_true(net->value[2][i] == before[i]);
            least = fminf(least, fabsf(before[i]));
        } else
            most = fmaxf(most, fabsf(before[i]));
    }
    assert_true(least >= most);
    for (k = 0; k < MATRICES; k++) /* a quarter, less the mask's 32nd */
        assert_int_equal(nonzero(net->value[k], SIZE), (int)(SIZE * (0.25 - 1.0 / 32)));
    assert_int_equal(baseline_bytes(b), MATRICES * (4 * 315 + SIZE / 8));
    train(net, b, 3);
    for (k = 0; k < MATRICES; k++)
        assert_int_equal(nonzero(net->value[k], SIZE), 315);
    baseline_destroy(b);
}

static void pruning_all_takes_more_of_what_is_small(void **state)
{
    struct net *net = *state;
    struct baseline *b = create(net, BASELINE_PRUNE_GLOBAL, 4.0);
    int all = 0, k;

    for (k = 0; k < MATRICES; k++) {
        all += nonzero(net->value[k], SIZE);
        if (k > 0)
            assert_true(nonzero(net->value[k], SIZE) > nonzero(net->value[k - 1], SIZE));
    }
    assert_int_equal(all, (int)(MATRICES * SIZE * (0.25 - 1.0 / 32)));
    assert_true(4 * baseline_bytes(b) <= baseline_dense_bytes(b));
    baseline_destroy(b);
}

/* ---- low rank -------------------------------------------------------------------------------------- */

/*
 * The sum of squares of what is left of m when `rank` orthonormal rows are taken out of it, by
 * the best of them: Gram and Schmidt on its own rows, the largest first. Upper bound of the
 * tail.
 */
static double left_of(const float *m, int rank)
{
    double rest[ROWS][COLUMNS], sum = 0.0;
    int taken, i, k, best;

    for (i = 0; i < ROWS; i++)
        for (k = 0; k < COLUMNS; k++)
            rest[i][k] = m[i * COLUMNS + k];
    for (taken = 0; taken < rank; taken++) {
        double most = -1.0, q[COLUMNS];

        for (best = 0, i = 0; i < ROWS; i++) {
            double norm = 0.0;

            for (k = 0; k < COLUMNS; k++)
                norm += rest[i][k] * rest[i][k];
            if (norm > most) {
                most = norm;
                best = i;
            }
        }
        for (k = 0; k < COLUMNS; k++)
            q[k] = most > 0.0 ? rest[best][k] / sqrt(most) : 0.0;
        for (i = 0; i < ROWS; i++) {
            double dot = 0.0;

            for (k = 0; k < COLUMNS; k++)
                dot += rest[i][k] * q[k];
            for (k = 0; k < COLUMNS; k++)
                rest[i][k] -= dot * q[k];
        }
    }
    for (i = 0; i < ROWS; i++)
        for (k = 0; k < COLUMNS; k++)
            sum += rest[i][k] * rest[i][k];
    return sum;
}

static double squares(const float *m)
{
    double sum = 0.0;
    int i;

    for (i = 0; i < SIZE; i++)
        sum += (double)m[i] * m[i];
    return sum;
}

/* 1440 / 3 numbers are rank 5 of 84 each. f32 leaves some 1e-14 of the squares. */
static void low_rank_is_the_best_of_its_rank_and_stays_of_it(void **state)
{
    struct net *net = *state;
    float before[SIZE], twice[SIZE];
    struct baseline *b;
    double lost = 0.0;
    int i;

    memcpy(before, net->value[0], sizeof(before));
    b = create(net, BASELINE_LOW_RANK, 3.0);
    assert_int_equal(baseline_bytes(b), MATRICES * 4 * 5 * (ROWS + COLUMNS));
    for (i = 0; i < SIZE; i++)
        lost += pow(before[i] - net->value[0][i], 2.0);
    assert_true(lost < left_of(before, 5)); /* better than any five of its own rows */
    assert_true(fabs(squares(net->value[0]) + lost - squares(before)) <
                1e-5 * squares(before)); /* an orthogonal projection */
    assert_true(left_of(net->value[0], 5) < 1e-10 * squares(net->value[0]));
    assert_true(left_of(net->value[0], 4) > 1e-3 * squares(net->value[0]));
    train(net, b, 5);
    assert_true(left_of(net->value[3], 5) < 1e-10 * squares(net->value[3]));
    assert_int_equal(baseline_project(b, &net->err), LFUSE_OK);
    memcpy(twice, net->gradient[0], sizeof(twice));
    assert_int_equal(baseline_project(b, &net->err), LFUSE_OK);
    for (lost = 0.0, i = 0; i < SIZE;
         i++) /* a projection, so doing it again does nothing */
        lost += pow(twice[i] - net->gradient[0][i], 2.0);
    assert_true(lost < 1e-10 * squares(twice) && squares(twice) > 0.0);
    baseline_destroy(b);
}

/* The rank of a bottleneck of k codes is k + 1; the mean and the codes that do best are worth it. */
static void a_bottleneck_keeps_what_the_rows_have_in_common(void **state)
{
    struct net *net = *state;
    float before[SIZE], mean[COLUMNS] = {0};
    double lost = 0.0, spread = 0.0;
    struct baseline *b;
    int i;

    for (i = 0; i < SIZE; i++) { /* two kinds of rows about a mean, and little else */
        const int row = i / COLUMNS, column = i % COLUMNS;

        net->value[0][i] *= 0.02f;
        net->value[0][i] +=
            (float)(row % 2 != 0 ? 1 : -1) * (float)(column % 5 - 2) + 3.0f;
        mean[column] += net->value[0][i] / ROWS;
    }
    memcpy(before, net->value[0], sizeof(before));
    b = create(net, BASELINE_AUTOENCODER, 3.0);
    for (i = 0; i < SIZE; i++) {
        lost += pow(before[i] - net->value[0][i], 2.0);
        spread += pow(before[i] - mean[i % COLUMNS], 2.0);
    }
    assert_true(lost < 0.02 * spread);
    assert_true(left_of(net->value[0], 6) < 1e-9 * squares(net->value[0]));
    assert_true(3 * baseline_bytes(b) <= baseline_dense_bytes(b));
    train(net, b, 3);
    assert_true(left_of(net->value[5], 6) < 1e-9 * squares(net->value[5]));
    baseline_destroy(b);
}

/* A layer of the first matrix, and what it receives once others are compressed. */
enum { EXAMPLES = 300 };

struct examples {
    float w[SIZE]; /* as it was */
    float before[EXAMPLES * COLUMNS], now[EXAMPLES * COLUMNS], y[EXAMPLES * ROWS];
};

static void multiply(const float *x, const float *w, float *y)
{
    int e, i, k;

    for (e = 0; e < EXAMPLES; e++)
        for (i = 0; i < ROWS; i++) {
            double sum = 0.0;

            for (k = 0; k < COLUMNS; k++)
                sum += (double)x[e * COLUMNS + k] * w[i * COLUMNS + k];
            y[e * ROWS + i] = (float)sum;
        }
}

/* In two parts. */
static lfuse_status next(void *user, int64_t matrix, int64_t part, const float **x,
                         const float **y, int64_t *count, lfuse_error *err)
{
    const struct examples *e = user;

    (void)err;
    *count = part == 0 ? 100 : part == 1 ? EXAMPLES - 100 : 0;
    *x = e->now + (part == 1 ? 100 * COLUMNS : 0);
    *y = e->y + (part == 1 ? 100 * ROWS : 0);
    return matrix < MATRICES ? LFUSE_OK : LFUSE_ERR_ARGUMENT;
}

/* Inputs of very different sizes; now they are mixed with each other, and a part is lost. */
static struct examples *make_examples(const struct net *net)
{
    struct examples *e = calloc(1, sizeof(*e));
    int i, k;

    assert_non_null(e);
    memcpy(e->w, net->value[0], sizeof(e->w));
    for (i = 0; i < EXAMPLES * COLUMNS; i++)
        e->before[i] =
            (float)(random_normal(5, 0, (uint64_t)i) * exp(-0.1 * (i % COLUMNS)));
    for (i = 0; i < EXAMPLES; i++)
        for (k = 0; k < COLUMNS; k++)
            e->now[i * COLUMNS + k] = 0.7f * e->before[i * COLUMNS + k] +
                                      0.3f * e->before[i * COLUMNS + (k + 1) % COLUMNS];
    multiply(e->before, e->w, e->y);
    return e;
}

/* The squared error of the outputs that the matrix makes now. */
static double error_of(const struct examples *e, const float *w)
{
    static float y[EXAMPLES * ROWS];
    double sum = 0.0;
    int i;

    multiply(e->now, w, y);
    for (i = 0; i < EXAMPLES * ROWS; i++)
        sum += pow((double)y[i] - e->y[i], 2.0);
    return sum;
}

/*
 * The refitted matrix is the best of its rank: none beside it does better, but for what the
 * ridge costs, and the SVD of the matrix alone, which loses least of another error, does much
 * worse.
 */
static void a_refitted_matrix_makes_least_error_of_its_rank(void **state)
{
    struct net *net = *state;
    struct examples *e = make_examples(net);
    const struct baseline_examples refit = {next, e};
    float plain[SIZE], fitted[SIZE], moved[SIZE];
    struct baseline *b = create(net, BASELINE_LOW_RANK, 3.0);
    double least;
    int i, k;

    memcpy(plain, net->value[0], sizeof(plain));
    baseline_destroy(b);
    for (k = 0; k < MATRICES; k++) /* all layers are alike here */
        memcpy(net->value[k], e->w, sizeof(e->w));
    assert_int_equal(try_create(net, BASELINE_LOW_RANK, MATRICES, 3.0, &refit, &b),
                     LFUSE_OK);
    memcpy(fitted, net->value[0], sizeof(fitted));
    least = error_of(e, fitted);
    assert_true(least < 0.5 * error_of(e, plain));
    assert_true(left_of(fitted, 5) < 1e-10 * squares(fitted));
    for (k = 0; k < 20; k++) { /* rows mixed with each other: the rank stays */
        for (i = 0; i < SIZE; i++)
            moved[i] = fitted[i] + 0.01f * (float)random_normal(6, 0, (uint64_t)k) *
                                       fitted[(i + k * COLUMNS) % SIZE];
        assert_true(error_of(e, moved) >= (1.0 - 1e-3) * least);
    }
    assert_int_equal(baseline_bytes(b), MATRICES * 4 * 5 * (ROWS + COLUMNS));
    baseline_destroy(b);
    free(e);
}

/* ---- clusters --------------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static int distinct(const float *values)
{
    float sorted[SIZE];
    int count = 1, i;

    memcpy(sorted, values, sizeof(sorted));
    qsort(sorted, SIZE, sizeof(*sorted), ascending);
    for (i = 1; i < SIZE; i++)
        count += sorted[i] != sorted[i - 1];
    return count;
}

/* 8 times fewer bytes: codes of 3 bits and a table of 8, not of 4 bits. */
static void clusters_have_one_value_each_and_keep_it(void **state)
{
    struct net *net = *state;
    float before[SIZE];
    double lost = 0.0;
    struct baseline *b;
    int k, i;

    memcpy(before, net->value[0], sizeof(before));
    b = create(net, BASELINE_KMEANS, 8.0);
    assert_int_equal(baseline_bytes(b), MATRICES * (3 * SIZE / 8 + 4 * 8));
    for (i = 0; i < SIZE; i++)
        lost += pow(before[i] - net->value[0][i], 2.0) / SIZE;
    assert_true(lost < 0.05); /* of a variance of 1; the best of 8 levels leave 0.035 */
    train(net, b, 3);
    for (k = 0; k < MATRICES; k++)
        assert_true(distinct(net->value[k]) == 8);
    baseline_destroy(b);
}

/* ---- dropping --------------------------------------------------------------------------------------- */

static void blocks_are_left_out_whole_and_from_the_middle(void **state)
{
    struct net *net = *state;
    struct baseline *b;
    int k;

    net->matrices[5].block = -1;
    b = create(net, BASELINE_DROP, 1.5);
    assert_int_equal(baseline_bytes(b), 4 * 4 * SIZE);
    assert_true(baseline_dropped(b, 1));
    assert_false(baseline_dropped(b, 0) || baseline_dropped(b, 2) ||
                 baseline_dropped(b, -1));
    train(net, b, 2);
    for (k = 0; k < MATRICES; k++)
        assert_int_equal(nonzero(net->value[k], SIZE), k / 2 == 1 ? 0 : SIZE);
    baseline_destroy(b);
    assert_int_equal(try_create(net, BASELINE_DROP, MATRICES, 7.0, NULL, &b),
                     LFUSE_ERR_ARGUMENT);
    assert_string_equal(net->err.message,
                        "ratio is 7: without any of 3 blocks it is still only 6");
    assert_null(b);
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static void what_makes_no_sense_is_refused(void **state)
{
    struct net *net = *state;
    struct baseline *b;

    assert_int_equal(try_create(net, (enum baseline_kind)9, 1, 2.0, NULL, &b),
                     LFUSE_ERR_ARGUMENT);
    assert_string_equal(net->err.message, "kind is 9, which is unknown");
    assert_int_equal(try_create(net, BASELINE_PRUNE, 0, 2.0, NULL, &b),
                     LFUSE_ERR_ARGUMENT);
    assert_int_equal(try_create(net, BASELINE_PRUNE, 1, 0.5, NULL, &b),
                     LFUSE_ERR_ARGUMENT);
    assert_string_equal(net->err.message, "ratio is 0.5, it must be >= 1");
    assert_int_equal(try_create(net, BASELINE_PRUNE, 1, 32.0, NULL, &b),
                     LFUSE_ERR_ARGUMENT);
    net->matrices[1].rows = 0;
    assert_int_equal(try_create(net, BASELINE_PRUNE, 2, 2.0, NULL, &b),
                     LFUSE_ERR_ARGUMENT);
    assert_string_equal(net->err.message, "matrix 1 is NULL, or (0, 60)");
    assert_null(b);
    baseline_destroy(NULL);
    assert_string_equal(baseline_name(BASELINE_LOW_RANK), "low_rank");
    assert_null(baseline_name((enum baseline_kind)0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pruning_keeps_the_largest_of_each_matrix, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pruning_all_takes_more_of_what_is_small, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(low_rank_is_the_best_of_its_rank_and_stays_of_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refitted_matrix_makes_least_error_of_its_rank,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bottleneck_keeps_what_the_rows_have_in_common,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(clusters_have_one_value_each_and_keep_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(blocks_are_left_out_whole_and_from_the_middle,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_makes_no_sense_is_refused, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests_name("baselines", tests, NULL, NULL);
}
