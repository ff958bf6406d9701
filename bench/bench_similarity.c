/*
 * bench_similarity.c - times of similarities whose speed matters
 *
 *     bench_similarity [threads [layers]]
 *
 * The solver of assignments alone, on squared distances of n random rows; one Sinkhorn problem
 * of exactly 100 iterations alone, and the metric, which solves three; wasserstein_sliced, its
 * directions drawn included; all pairs of 32 layers of [768, 3072] by euclidean, cosine and
 * linear_cka. The solvers use one thread of the 2. Data is f32, uniform in [-1, 1), the same as
 * in similarity_peers.py. CSV on stdout: what,library,threads,ms median,ms least,value
 */
#include <layerfuse/layerfuse.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"
#include "similarity/assignment.h"
#include "similarity/entropic.h"

enum { LEAST_RUNS = 5, MOST_RUNS = 1000, ROWS = 768, COLUMNS = 3072, ITERATIONS = 100 };

#define SECONDS        1.5
#define REGULARISATION 0.05 /* of the largest cost */

struct bench {
    lfuse_context *ctx;
    const struct lfi_kernels *kernels;
    int64_t threads;
    int64_t layers;
    lfuse_error err;
};

/* One thing to be timed: prepare is not; run gives a value. */
struct job {
    struct bench *b;
    void (*prepare)(struct job *job);
    double (*run)(struct job *job);
    int64_t n;
    const double *cost; /* (n, n) */
    struct lfi_assignment assignment;
    struct lfi_entropic entropic;
    lfuse_similarity_options options;
    lfuse_tensor *pair[2];
    lfuse_layer **layers;
    double *matrix;
};

static void die(const char *what, const lfuse_error *err)
{
    fprintf(stderr, "bench_similarity: %s%s%s\n", what, err != NULL ? ": " : "",
            err != NULL ? err->message : "");
    exit(1);
}

static void *memory(size_t bytes)
{
    void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);

    if (p == NULL)
        die("out of memory", NULL);
    return p;
}

/* A multiple of 2^-23 in [-1, 1). */
static float *draw(int64_t count, uint64_t seed)
{
    float *x = memory((size_t)count * sizeof(*x));
    int64_t i;

    for (i = 0; i < count; i++)
        x[i] = (float)((int64_t)(lfi_random_u64(seed, 0, (uint64_t)i) >> 40) - 0x800000) *
               0x1p-23f;
    return x;
}

static int ascending(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

static void report(struct job *job, const char *what, int64_t threads)
{
    double times[MOST_RUNS], begun, sum = 0.0, value = 0.0;
    int runs = 0;

    do {
        if (job->prepare != NULL)
            job->prepare(job);
        begun = probe_seconds();
        value = job->run(job);
        times[runs] = probe_seconds() - begun;
        sum += times[runs];
    } while (++runs < LEAST_RUNS || (sum < SECONDS && runs < MOST_RUNS));
    qsort(times, (size_t)runs, sizeof(*times), ascending);
    printf("%s,layerfuse,%d,%.3f,%.3f,%.9g\n", what, (int)threads, 1e3 * times[runs / 2],
           1e3 * times[0], value);
    fflush(stdout);
}

/* ---- solvers -------------------------------------------------------------------------------- */

/* Squared distances of n rows each, in f64. */
static double *distances(int64_t n, int64_t columns)
{
    double *cost = memory((size_t)(n * n) * sizeof(*cost));
    float *a = draw(n * columns, 1), *c = draw(n * columns, 2);
    double *x = memory((size_t)columns * sizeof(*x));
    double *y = memory((size_t)(n * columns) * sizeof(*y));
    int64_t i, j;

    for (i = 0; i < n * columns; i++)
        y[i] = (double)c[i];
    for (i = 0; i < n; i++) {
        for (j = 0; j < columns; j++)
            x[j] = (double)a[i * columns + j];
        for (j = 0; j < n; j++)
            cost[i * n + j] = lfi_vectors_square_distance(x, y + j * columns, columns);
    }
    free(y);
    free(x);
    free(c);
    free(a);
    return cost;
}

static void fill_assignment(struct job *job)
{
    int64_t i;

    for (i = 0; i < job->n; i++)
        memcpy(job->assignment.cost + i * job->assignment.pitch, job->cost + i * job->n,
               (size_t)job->n * sizeof(double));
}

/* The mean cost of what it finds. */
static double solve_assignment(struct job *job)
{
    const struct lfi_assignment *a = &job->assignment;
    double sum = 0.0;
    int64_t i;

    lfi_assignment_solve(job->b->kernels, &job->assignment);
    for (i = 0; i < a->rows; i++)
        sum += a->cost[i * a->pitch + a->column[i]];
    return sum / (double)a->rows;
}

static double solve_entropic(struct job *job)
{
    return lfi_entropic_solve(&job->entropic, ITERATIONS, -1.0);
}

static void bench_assignment(struct bench *b, int64_t n, int64_t columns)
{
    struct job job = {
        .b = b, .prepare = fill_assignment, .run = solve_assignment, .n = n};
    struct lfi_arena arena = {.fits = true};
    double *cost = distances(n, columns);
    char what[64];

    lfi_assignment_lay_out(&job.assignment, n, n, &arena);
    arena.base = memory(arena.used * sizeof(double));
    arena.used = 0;
    lfi_assignment_lay_out(&job.assignment, n, n, &arena);
    job.cost = cost;
    (void)snprintf(what, sizeof(what), "assignment n=%d", (int)n);
    report(&job, what, 1);
    free(arena.base);
    free(cost);
}

static void bench_sinkhorn(struct bench *b)
{
    struct job job = {.b = b, .run = solve_entropic, .n = ROWS};
    struct lfi_arena arena = {.fits = true};
    double *cost = distances(ROWS, COLUMNS), most = 0.0;
    int64_t i;

    lfi_entropic_lay_out(&job.entropic, ROWS, ROWS, &arena);
    arena.base = memory(arena.used * sizeof(double));
    arena.used = 0;
    lfi_entropic_lay_out(&job.entropic, ROWS, ROWS, &arena);
    for (i = 0; i < ROWS * ROWS; i++)
        most = fmax(most, cost[i]);
    for (i = 0; i < ROWS * ROWS; i++)
        job.entropic.cost[i] = cost[i] / (most * REGULARISATION);
    report(&job, "sinkhorn 100 iterations n=768", 1);
    free(arena.base);
    free(cost);
}

/* ---- metrics -------------------------------------------------------------------------------- */

static double run_pair(struct job *job)
{
    double value;

    if (lfuse_similarity(job->b->ctx, job->pair[0], job->pair[1], &job->options, &value,
                         &job->b->err) != LFUSE_OK)
        die("similarity", &job->b->err);
    return value;
}

static double run_matrix(struct job *job)
{
    int64_t n = job->b->layers;

    if (lfuse_similarity_matrix(job->b->ctx, (const lfuse_layer *const *)job->layers, n,
                                &job->options, job->matrix, &job->b->err) != LFUSE_OK)
        die("similarity matrix", &job->b->err);
    return job->matrix[n - 1];
}

static lfuse_tensor_desc describe(float *data, const int64_t *dims)
{
    lfuse_tensor_desc desc;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.data = data;
    desc.dims = dims;
    desc.rank = 2;
    desc.dtype = LFUSE_F32;
    return desc;
}

static void bench_pair(struct bench *b, lfuse_metric metric, const char *what)
{
    static const int64_t dims[] = {ROWS, COLUMNS};
    struct job job = {.b = b, .run = run_pair};
    float *data[2];
    int i;

    lfuse_similarity_options_init(&job.options, sizeof(job.options));
    job.options.metric = metric;
    for (i = 0; i < 2; i++) {
        lfuse_tensor_desc desc;

        data[i] = draw(ROWS * COLUMNS, (uint64_t)i + 1);
        desc = describe(data[i], dims);
        if (lfuse_tensor_create(b->ctx, &desc, &job.pair[i], &b->err) != LFUSE_OK)
            die("tensor", &b->err);
    }
    report(&job, what, b->threads);
    for (i = 0; i < 2; i++) {
        lfuse_tensor_destroy(job.pair[i]);
        free(data[i]);
    }
}

static void bench_matrices(struct bench *b)
{
    static const lfuse_metric metrics[] = {LFUSE_METRIC_EUCLIDEAN, LFUSE_METRIC_COSINE,
                                           LFUSE_METRIC_LINEAR_CKA};
    static const char *const names[] = {"euclidean", "cosine", "linear_cka"};
    static const int64_t dims[] = {ROWS, COLUMNS};
    struct job job = {.b = b, .run = run_matrix};
    float **data = memory((size_t)b->layers * sizeof(*data));
    char text[64];
    int64_t i;

    job.layers = memory((size_t)b->layers * sizeof(*job.layers));
    job.matrix = memory((size_t)(b->layers * b->layers) * sizeof(*job.matrix));
    for (i = 0; i < b->layers; i++) {
        lfuse_layer_desc layer;
        lfuse_tensor_desc weight;

        data[i] = draw(ROWS * COLUMNS, (uint64_t)(100 + i));
        weight = describe(data[i], dims);
        lfuse_layer_desc_init(&layer, sizeof(layer));
        (void)snprintf(text, sizeof(text), "h.%d", (int)i);
        layer.name = text;
        layer.param_type = "h.*";
        layer.position = (int32_t)i;
        if (lfuse_layer_wrap(b->ctx, &layer, &weight, NULL, &job.layers[i], &b->err) !=
            LFUSE_OK)
            die("layer", &b->err);
    }
    for (i = 0; i < 3; i++) {
        lfuse_similarity_options_init(&job.options, sizeof(job.options));
        job.options.metric = metrics[i];
        (void)snprintf(text, sizeof(text), "%s all pairs of %d", names[i],
                       (int)b->layers);
        report(&job, text, b->threads);
    }
    for (i = 0; i < b->layers; i++) {
        lfuse_layer_destroy(job.layers[i]);
        free(data[i]);
    }
    free(job.matrix);
    free(job.layers);
    free(data);
}

int main(int argc, char **argv)
{
    struct bench b = {.threads = argc > 1 ? atoi(argv[1]) : 2,
                      .layers = argc > 2 ? atoi(argv[2]) : 32};
    lfuse_context_options options;

    if (b.threads < 1 || b.layers < 2)
        die("threads are 1 or more, layers 2 or more", NULL);
    lfuse_context_options_init(&options, sizeof(options));
    options.threads = (int32_t)b.threads;
    if (lfuse_context_create(&options, &b.ctx, &b.err) != LFUSE_OK)
        die("context", &b.err);
    b.kernels = lfi_kernels_select(LFUSE_ISA_BEST);
    bench_assignment(&b, 512, COLUMNS);
    bench_assignment(&b, 768, COLUMNS);
    bench_assignment(&b, 1024, COLUMNS);
    bench_assignment(&b, 2048, 768);
    bench_sinkhorn(&b);
    bench_pair(&b, LFUSE_METRIC_SINKHORN, "sinkhorn whole n=768");
    bench_pair(&b, LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT,
               "wasserstein_assignment whole n=768");
    bench_pair(&b, LFUSE_METRIC_WASSERSTEIN_CENTROID, "wasserstein_centroid whole n=768");
    bench_pair(&b, LFUSE_METRIC_WASSERSTEIN_SLICED, "sliced n=768");
    bench_matrices(&b);
    lfuse_context_destroy(b.ctx);
    return 0;
}
