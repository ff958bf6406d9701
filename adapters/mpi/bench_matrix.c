/*
 * bench_matrix.c - all pairs of 32 layers [768, 3072] by linear CKA: every rank alone, and shared out
 *
 *     mpirun -n 2 build/adapters/mpi/bench_matrix [REPEATS]
 *
 * Each rank has one thread, and the same layers. "alone" is rank 0 doing all while the others wait;
 * both in turns. CSV: ranks, alone ms, shared ms (medians), ratio, whether the bits are equal.
 */
#include <layerfuse/mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 32, ROWS = 768, COLUMNS = 3072, MOST = 25 };

static lfuse_error err;
static int rank, ranks;

static void must(lfuse_status status)
{
    if (status == LFUSE_OK)
        return;
    fprintf(stderr, "rank %d: %s\n", rank, err.message);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *times, int n)
{
    qsort(times, (size_t)n, sizeof(*times), by_value);
    return 1e3 * times[n / 2];
}

static void make(lfuse_context *ctx, lfuse_layer **layers)
{
    const int64_t dims[] = {ROWS, COLUMNS};
    uint64_t state = 1;
    int64_t i;
    int l;

    for (l = 0; l < LAYERS; l++) {
        const lfuse_tensor_desc desc = {sizeof(desc), NULL, dims, .dtype = LFUSE_F32,
                                        .rank = 2};
        lfuse_layer_desc layer = {sizeof(layer), "", "A", LFUSE_LAYER_LINEAR, l};
        lfuse_parameter p = {.struct_size = sizeof(p), .name = "weight"};
        char name[16];
        float *w;

        (void)snprintf(name, sizeof(name), "%d", l);
        layer.name = name;
        must(lfuse_tensor_create(ctx, &desc, &p.value, &err));
        w = lfuse_tensor_data(p.value);
        for (i = 0; i < ROWS * COLUMNS; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            w[i] = (float)(int32_t)(state >> 32) * 0x1p-31f;
        }
        must(lfuse_layer_create(ctx, &layer, &layers[l], &err));
        must(lfuse_layer_add_parameter(layers[l], &p, &err));
    }
}

int main(int argc, char **argv)
{
    static double alone[LAYERS * LAYERS], shared[LAYERS * LAYERS];
    double times[2][MOST], begun;
    int repeats = argc > 1 ? atoi(argv[1]) : 5, i;
    lfuse_similarity_options o;
    lfuse_layer *layers[LAYERS];
    lfuse_context *ctx;
    lfuse_mpi *mpi;

    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    repeats = repeats < 1 ? 1 : (repeats > MOST ? MOST : repeats);
    must(lfuse_context_create(NULL, &ctx, &err));
    must(lfuse_mpi_create(ctx, MPI_COMM_WORLD, &mpi, &err));
    make(ctx, layers);
    lfuse_similarity_options_init(&o, sizeof(o));
    o.metric = LFUSE_METRIC_LINEAR_CKA;
    for (i = 0; i < repeats; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        begun = MPI_Wtime();
        if (rank == 0)
            must(lfuse_similarity_matrix(ctx, (const lfuse_layer *const *)layers, LAYERS,
                                         &o, alone, &err));
        times[0][i] = MPI_Wtime() - begun;
        MPI_Barrier(MPI_COMM_WORLD);
        begun = MPI_Wtime();
        must(lfuse_mpi_similarity_matrix(mpi, (const lfuse_layer *const *)layers, LAYERS,
                                         &o, shared, &err));
        times[1][i] = MPI_Wtime() - begun;
    }
    if (rank == 0) {
        const double one = median(times[0], repeats), all = median(times[1], repeats);

        printf("ranks,alone ms,shared ms,ratio,equal\n%d,%.1f,%.1f,%.2f,%s\n", ranks, one,
               all, one / all, memcmp(alone, shared, sizeof(alone)) == 0 ? "yes" : "no");
    }
    for (i = 0; i < LAYERS; i++) {
        lfuse_parameter p = {.struct_size = sizeof(p)};

        must(lfuse_layer_parameter(layers[i], 0, &p, &err));
        lfuse_layer_destroy(layers[i]);
        lfuse_tensor_destroy(p.value);
    }
    lfuse_mpi_destroy(mpi);
    lfuse_context_destroy(ctx);
    MPI_Finalize();
    return 0;
}
