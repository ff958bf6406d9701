/*
 * data_parallel.c - ranks train one network on their shares of each batch, and fuse it alike
 *
 *     mpirun -n 2 build/adapters/mpi/data_parallel fused.safetensors
 *
 * The network and the task are those of examples/03_own_training_loop.c. Every rank starts from the
 * same weights and applies the same mean gradient, so weights stay equal to the bit, and so do the plans
 * that the retrainers make; that they are is checked. Rank 0 writes the fused network.
 */
#include <layerfuse/mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LAYERS = 6,
    WIDTH = 16,
    SIZE = WIDTH * WIDTH,
    EPOCHS = 3,
    STEPS = 2000,
    BATCH = 24
};

static const char *const names[] = {"w0", "w1", "w2", "w3", "w4", "w5"};
static float w[LAYERS][SIZE], dw[LAYERS][SIZE];
static lfuse_error err;
static int rank, ranks;

static void must(lfuse_status status)
{
    if (status == LFUSE_OK)
        return;
    fprintf(stderr, "rank %d: %s: %s\n", rank, lfuse_status_name(status), err.message);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

/* Is a square of a board of 3 x 3 white? The n-th point, forward and back; gradients are added. */
static float point(uint32_t n)
{
    float x = (float)(n * 3242174889u >> 8) / 8388608.0f - 1.0f;
    float y = (float)(n * 2447445414u >> 8) / 8388608.0f - 1.0f;
    float white = ((int)(1.5f * x + 1.5f) + (int)(1.5f * y + 1.5f)) % 2 ? 1.0f : -1.0f;
    float h[LAYERS + 1][WIDTH] = {{x, y, 1}}, z[LAYERS][WIDTH] = {{0}}, margin;
    float dh[LAYERS + 1][WIDTH] = {[LAYERS] = {[3] = -white, [4] = white}};
    int l, k, i;

    for (l = 0; l < LAYERS; l++) {
        for (k = 0; k < SIZE; k++)
            z[l][k / WIDTH] += w[l][k] * h[l][k % WIDTH];
        for (i = 0; i < WIDTH; i++)
            h[l + 1][i] = h[l][i] + (z[l][i] > 0 ? z[l][i] : 0);
    }
    margin = white * (h[LAYERS][3] - h[LAYERS][4]);
    for (l = LAYERS - 1; l >= 0 && margin < 1; l--) {
        memcpy(dh[l], dh[l + 1], sizeof(dh[l]));
        for (k = 0; k < SIZE; k++)
            if (z[l][k / WIDTH] > 0) {
                dw[l][k] += dh[l + 1][k / WIDTH] * h[l][k % WIDTH];
                dh[l][k % WIDTH] += dh[l + 1][k / WIDTH] * w[l][k];
            }
    }
    return margin;
}

/* One step of the whole batch, of which this rank takes every ranks-th example. */
static int64_t train_step(lfuse_mpi *mpi, lfuse_retrainer *r, int step, float rate)
{
    lfuse_parameter p = {.struct_size = sizeof(p)};
    int64_t bytes, i;
    int k;

    must(lfuse_retrainer_begin_step(r, &err));
    memset(dw, 0, sizeof(dw));
    for (k = rank; k < BATCH; k += ranks)
        point((uint32_t)(step * BATCH + k + 1));
    must(lfuse_retrainer_combine_gradients(r, &err));
    must(lfuse_mpi_reduce_gradients(mpi, r, &bytes, &err));
    for (i = 0; i < lfuse_retrainer_parameter_count(r); i++) {
        must(lfuse_retrainer_parameter(r, i, &p, &err));
        for (k = 0; k < SIZE; k++) /* the mean over ranks of sums over their shares */
            ((float *)lfuse_tensor_data(p.value))[k] -=
                rate * (float)ranks * ((float *)lfuse_tensor_data(p.gradient))[k];
    }
    must(lfuse_retrainer_end_step(r, &err));
    return bytes;
}

/* Examples that nobody trains on, each rank its share; the percentage of all. */
static double test(lfuse_retrainer *r)
{
    enum { COUNT = 4000 };
    const uint32_t first = EPOCHS * STEPS * BATCH + 1;
    int right = 0, all = 0, i;

    must(lfuse_retrainer_begin_eval(r, &err));
    for (i = rank; i < COUNT; i += ranks)
        right += point(first + (uint32_t)i) > 0;
    must(lfuse_retrainer_end_eval(r, &err));
    MPI_Allreduce(&right, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    return 100.0 * all / COUNT;
}

static void train(lfuse_mpi *mpi, lfuse_retrainer *r)
{
    lfuse_verdict verdict;
    int64_t bytes = 0;
    double right;
    int epoch, i;

    for (epoch = 0; epoch < EPOCHS; epoch++) {
        for (i = 0; i < STEPS; i++)
            bytes = train_step(mpi, r, epoch * STEPS + i,
                               0.0025f * (float)(STEPS - i) / STEPS);
        right = test(r);
        if (rank == 0)
            printf("epoch %d: %.1f %% right, %lld bytes reduced in each step\n",
                   epoch + 1, right, (long long)bytes);
        if (epoch == 0)
            must(lfuse_retrainer_fuse(r, &err));
        else
            must(lfuse_retrainer_end_epoch(r, right, &verdict, &err));
        must(lfuse_mpi_plan_check(mpi, lfuse_retrainer_plan(r), &err));
    }
}

static void save(lfuse_context *ctx, lfuse_layer *const *layers, const lfuse_ties *ties,
                 const char *path)
{
    lfuse_checkpoint_entry entries[LAYERS] = {{0}};
    lfuse_parameter p = {.struct_size = sizeof(p)};
    int i;

    for (i = 0; i < LAYERS; i++) {
        const int64_t owner = lfuse_ties_owner(ties, i);

        must(lfuse_layer_parameter(layers[i], 0, &p, &err));
        entries[i].name = names[i];
        entries[i].tensor = p.value;
        entries[i].owner = owner == i ? NULL : names[owner];
    }
    must(lfuse_checkpoint_save(ctx, path, entries, LAYERS, NULL, &err));
}

int main(int argc, char **argv)
{
    const int64_t dims[] = {WIDTH, WIDTH};
    lfuse_plan_options goal = {.struct_size = sizeof(goal), .ratio = 2};
    lfuse_retrainer_options by = {.struct_size = sizeof(by), .plan = &goal, .fusions = 2};
    lfuse_layer *layers[LAYERS];
    lfuse_context *ctx;
    lfuse_retrainer *r;
    lfuse_mpi *mpi;
    int l, k;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    must(lfuse_context_create(NULL, &ctx, &err));
    must(lfuse_mpi_create(ctx, MPI_COMM_WORLD, &mpi, &err));
    for (l = 0; l < LAYERS; l++) {
        const lfuse_layer_desc desc = {sizeof(desc), names[l], "layer",
                                       LFUSE_LAYER_LINEAR, l};
        const lfuse_tensor_desc value = {sizeof(value), w[l], dims, .dtype = LFUSE_F32,
                                         .rank = 2};
        const lfuse_tensor_desc gradient = {sizeof(gradient), dw[l], dims,
                                            .dtype = LFUSE_F32, .rank = 2};

        for (k = 0; k < SIZE; k++)
            w[l][k] = (float)((k + 1) * (k + 7 * l + 3) % 37 - 18) / 90;
        must(lfuse_layer_wrap(ctx, &desc, &value, &gradient, &layers[l], &err));
    }
    must(lfuse_retrainer_create(ctx, layers, LAYERS, &by, &r, &err));
    train(mpi, r);
    if (rank == 0 && argc > 1)
        save(ctx, layers, lfuse_retrainer_ties(r), argv[1]);
    lfuse_retrainer_destroy(r);
    for (l = 0; l < LAYERS; l++)
        lfuse_layer_destroy(layers[l]);
    lfuse_mpi_destroy(mpi);
    lfuse_context_destroy(ctx);
    MPI_Finalize();
    return 0;
}
