/* probe.c - see probe.h; as a program it prints the rate of one thread and of two */
#include "probe.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum {
    CHAINS = 12,
    LANES = 8,
    ROUNDS = 4000000
}; /* chains: 4 cycles times 2 units, and room */

static volatile float sink;

double probe_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) static void *fused(void *arg)
{
    __m256 x = _mm256_set1_ps(0.9999f), y = _mm256_set1_ps(1e-6f), sum[CHAINS];
    long round;
    int i;

    for (i = 0; i < CHAINS; i++)
        sum[i] = y;
    for (round = 0; round < ROUNDS; round++)
#pragma GCC unroll 12
        for (i = 0; i < CHAINS; i++)
            sum[i] = _mm256_fmadd_ps(sum[i], x, y);
    for (i = 1; i < CHAINS; i++)
        sum[0] = _mm256_add_ps(sum[0], sum[i]);
    sink = _mm256_cvtss_f32(sum[0]);
    return arg;
}
#endif

/* For other processors: whatever the compiler makes of it. */
static void *plain(void *arg)
{
    float sum[CHAINS * LANES] = {0};
    long round;
    int i;

    for (round = 0; round < ROUNDS; round++)
        for (i = 0; i < CHAINS * LANES; i++)
            sum[i] = sum[i] * 0.9999f + 1e-6f;
    for (i = 1; i < CHAINS * LANES; i++)
        sum[0] += sum[i];
    sink = sum[0];
    return arg;
}

static void *run(void *arg)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return fused(arg);
#endif
    return plain(arg);
}

double probe_gflops(int threads)
{
    double best = 0.0;
    int i;

    for (i = 0; i < 2; i++) {
        double begun = probe_seconds(), rate;
        pthread_t other;
        int started = threads > 1 && pthread_create(&other, NULL, run, NULL) == 0;

        run(NULL);
        if (started)
            pthread_join(other, NULL);
        rate = 2e-9 * ROUNDS * CHAINS * LANES * (1 + started) / (probe_seconds() - begun);
        if (rate > best)
            best = rate;
    }
    return best;
}

#ifdef PROBE_MAIN
int main(void)
{
    int i;

    printf("probe, 1 / 2 threads, GFLOP/s:");
    for (i = 0; i < 5; i++)
        printf(" %.0f/%.0f", probe_gflops(1), probe_gflops(2));
    printf("\n");
    return 0;
}
#endif
