/*
 * measure.h - times of ours and of peers, taken in turns
 *
 * A virtual machine's two processors are two cores at times and one at others. So every
 * library's runs are cut into rounds, the rounds of all libraries alternate, and each is kept
 * only if the probe before and after it saw as many cores as there are threads.
 */
#ifndef BENCH_PEERS_MEASURE_H
#define BENCH_PEERS_MEASURE_H

#include <layerfuse/layerfuse.h>

struct bench {
    lfuse_context *ctx; /* of `threads` threads */
    int threads;
    double peak;      /* GFLOP/s of `threads` cores, as the probe saw them at best */
    const char *only; /* part of the names of the cases to run, or "" */
    double seconds;   /* for each library's runs of a case */
    int patience;     /* seconds to wait, in all, for cores that are free */
    int waited;
};

/* Something to time, and who does it. */
struct contender {
    const char *name;
    void (*run)(void *arg);
    void *arg;
    double error; /* of the result against f64, in the 2-norm, relative; NAN: not known */
    double median; /* seconds; out: this and the next */
    double least;
    double probe; /* out: the least GFLOP/s that the probe saw around the rounds kept */
};

/* Fills in the times of all contenders. Round after round, each in its turn. */
void measure(struct bench *b, struct contender *contenders, int count);

/* A line of CSV for each; flops 0: bytes are what counts, as GB/s. */
void report(const struct bench *b, const char *what, const char *name,
            const struct contender *contenders, int count, double flops, double bytes);

/* Whether a case's name is asked for. */
int wanted(const struct bench *b, const char *name);

/* count numbers in [-0.5, 0.5), aligned to 64 bytes; ends the program when there is no memory. */
float *numbers(int64_t count, unsigned seed);
/* Ends the program with the error's message unless status is LFUSE_OK. */
void check(lfuse_status status, const lfuse_error *err);

/* The products of gemm.c. */
void bench_gemm(struct bench *b);

#endif
