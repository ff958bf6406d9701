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

enum { MOST_CONTENDERS = 8 };

struct torch;

struct bench {
    lfuse_context *ctx; /* of `threads` threads */
    int threads;
    double peak;         /* GFLOP/s of `threads` cores, as the probe saw them at best */
    const char *only;    /* part of the names of the cases to run, or "" */
    const char *peers;   /* part of the names of the libraries beside ours, or "" */
    const char *cases;   /* a folder with gemm.txt and conv.txt to run instead; or NULL */
    struct torch *torch; /* or NULL */
    double seconds;      /* for each library's runs of a case */
    int patience;        /* seconds to wait, in all, for cores that are free */
    int waited;
};

/* Something to time, and who does it. */
struct contender {
    const char *name;
    void (*run)(void *arg);
    void (*round)(void *arg, double seconds, double *median, double *least);
    void *arg;    /* round is for those who time themselves; run is NULL then */
    double error; /* of the result against f64, in the 2-norm, relative; NAN: not known */
    double median; /* seconds; out: this and the next */
    double least;
    double probe; /* out: the least GFLOP/s that the probe saw around the rounds kept */
};

/*
 * Fills in the times of the contenders, ours first, without those of the others that are not asked
 * for: returns how many are left. Round after round, each in its turn.
 */
int measure(struct bench *b, struct contender *contenders, int count);

/* A line of CSV for each; images 0: flops are what is counted by the second. */
void report(const struct bench *b, const char *what, const char *name,
            const struct contender *contenders, int count, double flops, double images);

/* Whether a case's name is asked for. */
int wanted(const struct bench *b, const char *name);

/* count numbers in [-0.5, 0.5), aligned to 64 bytes; ends the program when there is no memory. */
float *numbers(int64_t count, unsigned seed);
/* Ends the program with the error's message unless status is LFUSE_OK. */
void check(lfuse_status status, const lfuse_error *err);

/* Lines of a file of cases, without comments; NULL at the end. Ends the program without the file. */
struct cases;
struct cases *cases_open(const struct bench *b, const char *file);
const char *cases_next(struct cases *cases);

/* Products, linear layers, convolutions, networks: gemm.c, linear.c, conv2d.c, networks.c. */
void bench_gemm(struct bench *b);
void bench_linear(struct bench *b);
void bench_conv2d(struct bench *b);
void bench_networks(struct bench *b, const char *what);

#endif
