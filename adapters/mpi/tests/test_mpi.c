/*
 * test_mpi.c - see mpi.h; run by every rank of an mpirun
 *
 *     test_mpi             all tests
 *     test_mpi --die FILE  rank 1 is killed in the middle of training, before FILE is written
 */
#include <layerfuse/mpi.h>

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LAYERS = 6, ROWS = 24, COLUMNS = 40, SIZE = ROWS * COLUMNS, BATCH = 16 };

static int rank, ranks;
static lfuse_context *ctx;
static lfuse_mpi *mpi;
static lfuse_error err;
static float weights[LAYERS][SIZE], gradients[LAYERS][SIZE];
static lfuse_layer *layers[LAYERS];

#define expect(condition)                                                          \
    do {                                                                           \
        if (!(condition)) {                                                        \
            fprintf(stderr, "rank %d: line %d: not so: %s (%s)\n", rank, __LINE__, \
                    #condition, err.message);                                      \
            MPI_Abort(MPI_COMM_WORLD, 1);                                          \
        }                                                                          \
    } while (0)

static float number(uint64_t seed)
{
    seed = (seed + UINT64_C(0x9e3779b97f4a7c15)) * UINT64_C(0xbf58476d1ce4e5b9);
    seed = (seed ^ (seed >> 29)) * UINT64_C(0x94d049bb133111eb);
    return (float)(int32_t)(seed >> 40 & 0xffff) / 32768.0f - 1.0f;
}

static const lfuse_layer *const *given(void)
{
    return (const lfuse_layer *const *)layers;
}

static void make_layers(void)
{
    static const char *const names[LAYERS] = {"0", "1", "2", "3", "4", "5"};
    const int64_t dims[] = {ROWS, COLUMNS};
    int l, i;

    for (l = 0; l < LAYERS; l++) {
        const lfuse_layer_desc desc = {sizeof(desc), names[l], "A", LFUSE_LAYER_LINEAR,
                                       l};
        const lfuse_tensor_desc value = {sizeof(value), weights[l], dims,
                                         .dtype = LFUSE_F32, .rank = 2};
        const lfuse_tensor_desc gradient = {sizeof(gradient), gradients[l], dims,
                                            .dtype = LFUSE_F32, .rank = 2};

        for (i = 0; i < SIZE; i++)
            weights[l][i] = number((uint64_t)(l * SIZE + i));
        expect(lfuse_layer_wrap(ctx, &desc, &value, &gradient, &layers[l], &err) ==
               LFUSE_OK);
    }
}

static void drop_layers(void)
{
    int l;

    for (l = 0; l < LAYERS; l++)
        lfuse_layer_destroy(layers[l]);
}

/* ---- similarities, plans -------------------------------------------------------------------- */

static void a_matrix_has_the_bits_of_one_rank(void)
{
    static const lfuse_metric metrics[] = {
        LFUSE_METRIC_EUCLIDEAN, LFUSE_METRIC_LINEAR_CKA, LFUSE_METRIC_COVARIANCE,
        LFUSE_METRIC_KL, LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT};
    double alone[LAYERS * LAYERS], shared[LAYERS * LAYERS];
    lfuse_similarity_options o;
    size_t k;

    for (k = 0; k < sizeof(metrics) / sizeof(metrics[0]); k++) {
        lfuse_similarity_options_init(&o, sizeof(o));
        o.metric = metrics[k];
        expect(lfuse_similarity_matrix(ctx, given(), LAYERS, &o, alone, &err) ==
               LFUSE_OK);
        expect(lfuse_mpi_similarity_matrix(mpi, given(), LAYERS, &o, shared, &err) ==
               LFUSE_OK);
        expect(memcmp(alone, shared, sizeof(alone)) == 0);
    }
}

/* Where one rank is wrong, all say so, in its words; and all go on. */
static void the_failure_of_a_rank_is_that_of_all(void)
{
    const int last = ranks - 1;
    double out[LAYERS * LAYERS];
    lfuse_similarity_options o;
    lfuse_status status;
    char expected[32];

    (void)snprintf(expected, sizeof(expected), "rank %d: ", last);
    lfuse_similarity_options_init(&o, sizeof(o));
    o.metric = rank == last ? -5 : LFUSE_METRIC_LINEAR_CKA;
    status = lfuse_mpi_similarity_matrix(mpi, given(), LAYERS, &o, out, &err);
    expect(status == LFUSE_ERR_ARGUMENT && err.status == LFUSE_ERR_ARGUMENT);
    expect(strncmp(err.message, expected, strlen(expected)) == 0);
    weights[2][7] = NAN;
    o.metric = LFUSE_METRIC_SINKHORN;
    status = lfuse_mpi_similarity_matrix(mpi, given(), LAYERS, &o, out, &err);
    expect(status == LFUSE_ERR_NOT_FINITE && strstr(err.message, "layer 2") != NULL);
    weights[2][7] = 0.5f;
    expect(lfuse_mpi_similarity_matrix(mpi, given(), LAYERS, &o, out, NULL) == LFUSE_OK);
}

static lfuse_plan *plan_of(int64_t top_k)
{
    lfuse_plan_options o;
    lfuse_plan *plan = NULL;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = top_k;
    expect(lfuse_mpi_plan_build(mpi, given(), LAYERS, &o, &plan, &err) == LFUSE_OK);
    return plan;
}

static void all_ranks_have_one_plan(void)
{
    lfuse_plan *plan = plan_of(3), *other = NULL;
    lfuse_plan_options o;
    lfuse_status status;

    expect(lfuse_plan_fusion_count(plan) == 3);
    expect(lfuse_mpi_plan_check(mpi, plan, &err) == LFUSE_OK);
    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = rank == 0 ? 1 : 2;
    expect(lfuse_plan_build(ctx, given(), LAYERS, &o, &other, &err) == LFUSE_OK);
    status = lfuse_mpi_plan_check(mpi, other, &err);
    expect(status == (ranks == 1 ? LFUSE_OK : LFUSE_ERR_STATE));
    expect(ranks == 1 || strstr(err.message, "rank 1: the plan has the hash") != NULL);
    lfuse_plan_destroy(other);
    o.top_k = 0; /* and nothing else that says how far to go */
    expect(lfuse_mpi_plan_build(mpi, given(), LAYERS, &o, &other, &err) ==
           LFUSE_ERR_ARGUMENT);
    expect(other == NULL);
    lfuse_plan_destroy(plan);
}

/* Rank 0's goes, whatever the others would have made. */
static void the_plan_is_that_of_rank_0(void)
{
    lfuse_plan_options o;
    lfuse_plan *plan = NULL;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = rank == 0 ? 2 : 1;
    expect(lfuse_mpi_plan_build(mpi, given(), LAYERS, &o, &plan, &err) == LFUSE_OK);
    expect(lfuse_plan_fusion_count(plan) == 2);
    expect(lfuse_mpi_plan_check(mpi, plan, &err) == LFUSE_OK);
    lfuse_plan_destroy(plan);
}

/* ---- gradients --------------------------------------------------------------------------------- */

static float x[BATCH * 4][COLUMNS], dy[BATCH * 4][ROWS];

/* dw of every layer from examples [first, first + count), of a mean loss over them. */
static void backward(int first, int count)
{
    lfuse_linear_args a;
    static float scaled[BATCH * 4][ROWS];
    int l, i, j;

    for (l = 0; l < LAYERS; l++) {
        for (i = 0; i < count; i++)
            for (j = 0; j < ROWS; j++)
                scaled[i][j] = dy[first + i][j] * (float)(l + 1) / (float)count;
        lfuse_linear_args_init(&a, sizeof(a));
        a.x = x[first];
        a.dy = scaled[0];
        a.dw = gradients[l];
        a.batch = count;
        a.in_features = COLUMNS;
        a.out_features = ROWS;
        expect(lfuse_linear_backward_weights(ctx, &a, &err) == LFUSE_OK);
    }
}

static lfuse_retrainer *retrainer_at(double ratio, lfuse_plan_options *goal)
{
    lfuse_retrainer_options o;
    lfuse_retrainer *r;

    lfuse_plan_options_init(goal, sizeof(*goal));
    goal->ratio = ratio;
    lfuse_retrainer_options_init(&o, sizeof(o));
    o.plan = goal;
    expect(lfuse_retrainer_create(ctx, layers, LAYERS, &o, &r, &err) == LFUSE_OK);
    expect(lfuse_retrainer_fuse(r, &err) == LFUSE_OK);
    return r;
}

/*
 * With count / ranks examples each, the mean over ranks of the means over examples is the mean over
 * all. Sums of at most `all` products, each rounded in f32, in whatever order, of terms that are at
 * most (l + 1) / all each: both are within all eps of the sum of their absolute values, which is at
 * most l + 1, and combining adds the mean of at most LAYERS of them.
 */
static void shares_of_a_batch_make_the_whole(void)
{
    const int all = BATCH * 4, share = all / ranks;
    static float whole[LAYERS][SIZE];
    const double bound = 2.0 * all * LAYERS * LAYERS * 0x1p-24;
    lfuse_plan_options goal;
    lfuse_retrainer *r = retrainer_at(3.0, &goal);
    int64_t bytes = 0, i;
    int k;

    for (k = 0; k < all * COLUMNS; k++)
        x[k / COLUMNS][k % COLUMNS] = number((uint64_t)k + 1000000);
    for (k = 0; k < all * ROWS; k++)
        dy[k / ROWS][k % ROWS] = number((uint64_t)k + 2000000);
    expect(lfuse_retrainer_begin_step(r, &err) == LFUSE_OK);
    backward(0, all);
    expect(lfuse_retrainer_combine_gradients(r, &err) == LFUSE_OK);
    memcpy(whole, gradients, sizeof(whole));
    expect(lfuse_retrainer_abort_step(r, &err) == LFUSE_OK);
    expect(lfuse_retrainer_begin_step(r, &err) == LFUSE_OK);
    backward(rank * share, share);
    expect(lfuse_retrainer_combine_gradients(r, &err) == LFUSE_OK);
    expect(lfuse_mpi_reduce_gradients(mpi, r, &bytes, &err) == LFUSE_OK);
    expect(bytes == LAYERS * SIZE * 4 / 3); /* a third of the unfused ones' */
    for (i = 0; i < lfuse_retrainer_parameter_count(r); i++) {
        lfuse_parameter p = {.struct_size = sizeof(p)};
        const float *g, *expected;

        expect(lfuse_retrainer_parameter(r, i, &p, &err) == LFUSE_OK);
        g = lfuse_tensor_data(p.gradient);
        expected = whole[(g - gradients[0]) / SIZE];
        for (k = 0; k < SIZE; k++)
            expect(fabs((double)g[k] - expected[k]) <= bound);
    }
    expect(lfuse_retrainer_end_step(r, &err) == LFUSE_OK);
    lfuse_retrainer_destroy(r);
}

static void what_cannot_be_reduced_is_named(void)
{
    lfuse_plan_options goal;
    lfuse_retrainer *r = retrainer_at(rank == 0 ? 1.5 : 2.0, &goal);
    lfuse_status status = lfuse_mpi_reduce_gradients(mpi, r, NULL, &err);

    expect(status == (ranks == 1 ? LFUSE_OK : LFUSE_ERR_SHAPE));
    expect(ranks == 1 ||
           strstr(err.message, "rank 1: 3 parameters of 2880 elements train, of "
                               "rank 0 4 of 3840") != NULL);
    lfuse_retrainer_destroy(r);
    expect(lfuse_mpi_reduce_gradients(mpi, NULL, NULL, &err) == LFUSE_ERR_ARGUMENT);
    expect(lfuse_mpi_reduce_gradients(NULL, NULL, NULL, &err) == LFUSE_ERR_ARGUMENT);
}

/* ---- outputs ------------------------------------------------------------------------------------- */

static void accumulate(lfuse_cka *cka, int batch)
{
    static float values[2][8 * 5];
    const int64_t dims[] = {8, 5};
    const lfuse_tensor *activations[2];
    lfuse_tensor *tensors[2];
    int l, i;

    for (l = 0; l < 2; l++) {
        const lfuse_tensor_desc desc = {sizeof(desc), values[l], dims, .dtype = LFUSE_F32,
                                        .rank = 2};

        for (i = 0; i < 8 * 5; i++)
            values[l][i] = number((uint64_t)(3000000 + 1000 * batch + 100 * l + i));
        expect(lfuse_tensor_create(ctx, &desc, &tensors[l], &err) == LFUSE_OK);
        activations[l] = tensors[l];
    }
    expect(lfuse_cka_accumulate(cka, activations, &err) == LFUSE_OK);
    for (l = 0; l < 2; l++)
        lfuse_tensor_destroy(tensors[l]);
}

static void accumulators_of_all_ranks_merge(void)
{
    lfuse_cka *mine, *all, *alone;
    double merged[4], expected[4];
    int batch, i;

    expect(lfuse_cka_create(ctx, 2, NULL, &mine, &err) == LFUSE_OK);
    expect(lfuse_cka_create(ctx, 2, NULL, &all, &err) == LFUSE_OK);
    expect(lfuse_cka_create(ctx, 2, NULL, &alone, &err) == LFUSE_OK);
    for (batch = 0; batch < 8; batch++) {
        accumulate(alone, batch);
        if (batch % ranks == rank)
            accumulate(mine, batch);
    }
    expect(lfuse_mpi_merge_cka(mpi, all, mine, &err) == LFUSE_OK);
    expect(lfuse_cka_batches(all) == 8);
    expect(lfuse_cka_result(all, merged, &err) == LFUSE_OK);
    expect(lfuse_cka_result(alone, expected, &err) == LFUSE_OK);
    for (i = 0; i < 4; i++) /* sums of 8 numbers in f64, in another order */
        expect(fabs(merged[i] - expected[i]) < 1e-13);
    expect(lfuse_mpi_merge_cka(mpi, all, all, &err) == LFUSE_ERR_ARGUMENT);
    expect(lfuse_mpi_merge_cka(mpi, all, rank == 0 ? mine : NULL, &err) ==
           (ranks == 1 ? LFUSE_OK : LFUSE_ERR_ARGUMENT));
    lfuse_cka_destroy(mine);
    lfuse_cka_destroy(all);
    lfuse_cka_destroy(alone);
}

/* ---- the rest ------------------------------------------------------------------------------------ */

static void handles_are_checked(void)
{
    lfuse_mpi *none = mpi;

    expect(lfuse_mpi_create(NULL, MPI_COMM_WORLD, &none, &err) == LFUSE_ERR_ARGUMENT);
    expect(none == NULL);
    expect(lfuse_mpi_create(ctx, MPI_COMM_NULL, &none, &err) == LFUSE_ERR_ARGUMENT);
    expect(lfuse_mpi_create(ctx, MPI_COMM_WORLD, NULL, &err) == LFUSE_ERR_ARGUMENT);
    lfuse_mpi_destroy(NULL);
}

static int die(const char *path)
{
    lfuse_plan_options goal;
    lfuse_retrainer *r = retrainer_at(2.0, &goal);
    lfuse_checkpoint_entry entry = {"w", NULL, NULL};
    lfuse_parameter p = {.struct_size = sizeof(p)};
    int step;

    for (step = 0; step < 5; step++) {
        expect(lfuse_retrainer_begin_step(r, &err) == LFUSE_OK);
        expect(lfuse_retrainer_combine_gradients(r, &err) == LFUSE_OK);
        if (step == 3 && rank == 1) {
            fprintf(stderr, "rank 1 dies\n");
            (void)raise(SIGKILL);
        }
        expect(lfuse_mpi_reduce_gradients(mpi, r, NULL, &err) == LFUSE_OK);
        expect(lfuse_retrainer_end_step(r, &err) == LFUSE_OK);
    }
    expect(lfuse_layer_parameter(layers[0], 0, &p, &err) == LFUSE_OK);
    entry.tensor = p.value;
    expect(lfuse_checkpoint_save(ctx, path, &entry, 1, NULL, &err) == LFUSE_OK);
    return 0;
}

int main(int argc, char **argv)
{
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    expect(lfuse_context_create(NULL, &ctx, &err) == LFUSE_OK);
    expect(lfuse_mpi_create(ctx, MPI_COMM_WORLD, &mpi, &err) == LFUSE_OK);
    make_layers();
    if (argc == 3 && strcmp(argv[1], "--die") == 0)
        return die(argv[2]);
    a_matrix_has_the_bits_of_one_rank();
    the_failure_of_a_rank_is_that_of_all();
    all_ranks_have_one_plan();
    the_plan_is_that_of_rank_0();
    shares_of_a_batch_make_the_whole();
    drop_layers();
    make_layers();
    what_cannot_be_reduced_is_named();
    accumulators_of_all_ranks_merge();
    handles_are_checked();
    drop_layers();
    lfuse_mpi_destroy(mpi);
    lfuse_context_destroy(ctx);
    MPI_Finalize();
    if (rank == 0)
        printf("test_mpi: all as it should be on %d ranks\n", ranks);
    return 0;
}
