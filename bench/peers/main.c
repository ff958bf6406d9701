/*
 * main.c - lfuse_gemm() and plain CBLAS, in one run
 *
 *     bench_peers [threads [cases [seconds [patience]]]]
 *
 * `cases` is part of the names of those to run, `seconds` what each library gets for one, and
 * `patience` how many to wait in all for cores that are free. CSV on stdout:
 * what,library,threads,case,ms median,ms least,GFLOP/s or GB/s,% of peak,times ours,error,probe
 *
 * The peak is what the probe reaches with as many threads. "times ours" is the library's median
 * over ours; the error is that of the result against f64, in the 2-norm, relative.
 */
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"
#include "probe.h"

int main(int argc, char **argv)
{
    struct bench b = {.threads = argc > 1 ? atoi(argv[1]) : 1,
                      .only = argc > 2 ? argv[2] : "",
                      .seconds = argc > 3 ? atof(argv[3]) : 0.5,
                      .patience = argc > 4 ? atoi(argv[4]) : 240};
    lfuse_context_options options;
    lfuse_error err;
    size_t i;

    lfuse_context_options_init(&options, sizeof(options));
    options.threads = b.threads;
    check(lfuse_context_create(&options, &b.ctx, &err), &err);
    for (i = 0; i < 10; i++) {
        double rate = probe_gflops(b.threads);

        b.peak = rate > b.peak ? rate : b.peak;
    }
    printf("what,library,threads,case,ms median,ms least,GFLOP/s or GB/s,%% of %.0f "
           "GFLOP/s,times ours,error,probe\n",
           b.peak);
    bench_gemm(&b);
    lfuse_context_destroy(b.ctx);
    return 0;
}
