/* measure.c - see measure.h */
#include "measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probe.h"

enum { ROUNDS = 3, ATTEMPTS = 4, LEAST_RUNS = 3, MOST_RUNS = 200 };

static const double good_share = 0.9; /* of the best probe */

static void rest(double seconds)
{
    struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - floor(seconds)))};

    nanosleep(&t, NULL);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* The rate now; waits for the cores as long as the program's patience lasts. */
static double wait_for_cores(struct bench *b)
{
    double rate = probe_gflops(b->threads);

    while (rate < good_share * b->peak && b->waited < b->patience) {
        rest(1.0);
        b->waited++;
        rate = probe_gflops(b->threads);
    }
    b->peak = rate > b->peak ? rate : b->peak;
    return rate;
}

/* Median and least of one round, each run long enough for the clock. */
static void run_round(const struct bench *b, struct contender *c, double *median,
                      double *least)
{
    double times[MOST_RUNS], begun, once;
    int inner, runs, i, k;

    if (c->round != NULL) {
        c->round(c->arg, b->seconds / ROUNDS, median, least);
        return;
    }
    c->run(c->arg); /* warms up */
    begun = probe_seconds();
    c->run(c->arg);
    once = probe_seconds() - begun + 1e-9;
    inner = once < 2e-4 ? (int)(2e-4 / once) + 1 : 1;
    runs = (int)(b->seconds / ROUNDS / (once * inner));
    runs = runs < LEAST_RUNS ? LEAST_RUNS : runs > MOST_RUNS ? MOST_RUNS : runs;
    for (i = 0; i < runs; i++) {
        begun = probe_seconds();
        for (k = 0; k < inner; k++)
            c->run(c->arg);
        times[i] = (probe_seconds() - begun) / inner;
    }
    qsort(times, (size_t)runs, sizeof(times[0]), by_size);
    *median = times[runs / 2];
    *least = times[0];
}

/* One round, again where the cores were not there; the attempt with the best probe counts. */
static void try_round(struct bench *b, struct contender *c, double *median)
{
    double best = -1.0, m, l, before, after;
    int attempt;

    for (attempt = 0; attempt < ATTEMPTS && best < good_share * b->peak; attempt++) {
        rest(0.05); /* other libraries' threads go to sleep */
        before = wait_for_cores(b);
        run_round(b, c, &m, &l);
        after = probe_gflops(b->threads);
        before = after < before ? after : before;
        if (before > best) {
            best = before;
            *median = m;
            c->least = l < c->least ? l : c->least;
        }
    }
    c->probe = best < c->probe ? best : c->probe;
}

int measure(struct bench *b, struct contender *contenders, int count)
{
    double medians[MOST_CONTENDERS][ROUNDS];
    int round, kept = 1, i;

    for (i = 1; i < count; i++)
        if (strstr(contenders[i].name, b->peers) != NULL)
            contenders[kept++] = contenders[i];
    count = kept;

    for (i = 0; i < count; i++)
        contenders[i].least = contenders[i].probe = INFINITY;
    for (round = 0; round < ROUNDS; round++)
        for (i = 0; i < count; i++)
            try_round(b, &contenders[i], &medians[i][round]);
    for (i = 0; i < count; i++) {
        qsort(medians[i], ROUNDS, sizeof(double), by_size);
        contenders[i].median = medians[i][ROUNDS / 2];
    }
    return count;
}

void report(const struct bench *b, const char *what, const char *name,
            const struct contender *contenders, int count, double flops, double images)
{
    const double work = images > 0.0 ? images : 1e-9 * flops;
    int i;

    for (i = 0; i < count; i++) {
        const struct contender *c = &contenders[i];

        printf("%s,%s,%d,%s,%.4f,%.4f,%.1f,%.0f,%.2f,", what, c->name, b->threads, name,
               1e3 * c->median, 1e3 * c->least, work / c->median,
               1e-7 * flops / c->median / b->peak, c->median / contenders[0].median);
        if (!isnan(c->error))
            printf("%.1e", c->error);
        printf(",%.0f\n", c->probe);
    }
    fflush(stdout);
}

int wanted(const struct bench *b, const char *name)
{
    return strstr(name, b->only) != NULL;
}

struct cases {
    FILE *file;
    char line[256];
};

struct cases *cases_open(const struct bench *b, const char *file)
{
    struct cases *cases = calloc(1, sizeof(*cases));
    char path[1024];

    snprintf(path, sizeof(path), "%s/%s", b->cases, file);
    if (cases != NULL)
        cases->file = fopen(path, "r");
    if (cases == NULL || cases->file == NULL) {
        fprintf(stderr, "bench_peers: cannot read %s\n", path);
        exit(1);
    }
    return cases;
}

const char *cases_next(struct cases *cases)
{
    while (fgets(cases->line, sizeof(cases->line), cases->file) != NULL)
        if (cases->line[0] != '#' && cases->line[0] != '\n')
            return cases->line;
    fclose(cases->file);
    free(cases);
    return NULL;
}

float *numbers(int64_t count, unsigned seed)
{
    const size_t bytes = ((size_t)count * sizeof(float) + 4095) / 4096 * 4096;
    float *data = aligned_alloc(4096, bytes);
    int64_t i;

    if (data == NULL) {
        fprintf(stderr, "bench_peers: no memory\n");
        exit(1);
    }
    for (i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        data[i] = (float)(seed >> 9) / 8388608.0f - 0.5f;
    }
    return data;
}

void check(lfuse_status status, const lfuse_error *err)
{
    if (status == LFUSE_OK)
        return;
    fprintf(stderr, "bench_peers: %s\n", err->message);
    exit(1);
}
