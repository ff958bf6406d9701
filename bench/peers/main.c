/*
 * main.c - layerfuse and what people would pick instead, in turns, in one run
 *
 *     bench_peers [--what gemm,linear,conv,train,infer] [--only PART] [--threads N] [--seconds S]
 *                 [--peers PART] [--patience S] [--cases DIR] [--python PYTHON]
 *
 * Products beside OpenBLAS and BLIS, linear layers beside OpenBLAS; convolutions, training steps and inference of CIFAR networks
 * beside PyTorch in either layout, as it comes and tuned, and oneDNN; each as far as it is
 * installed. `--only` is part of the names of the cases to run, `--peers` of those of the libraries
 * beside ours, `--seconds` what each library gets for one, and `--patience` how many to wait in
 * all for cores that are free. `--cases` names a folder with gemm.txt (name, N or T twice, m, n, k)
 * and conv.txt (name, batch, channels, height, width, out channels, kernel, stride, padding) to run
 * instead of our own. CSV on stdout:
 * what,library,threads,case,ms median,ms least,GFLOP/s or images/s,% of peak,times ours,error,probe
 *
 * The peak is what the probe reaches with as many threads; operations are counted as the
 * definition has them, so that Winograd can be beyond it. "times ours" is the library's median
 * over ours; the error is that of the result against f64, in the 2-norm, relative.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "measure.h"
#include "probe.h"
#include "torch.h"

static void run(struct bench *b, const char *what, const char *python)
{
    const int torch = strstr(what, "conv") != NULL || strstr(what, "train") != NULL ||
                      strstr(what, "infer") != NULL;

    b->torch = torch ? torch_open(python, b->threads) : NULL;
    if (strstr(what, "gemm") != NULL)
        bench_gemm(b);
    if (strstr(what, "linear") != NULL)
        bench_linear(b);
    if (strstr(what, "conv") != NULL)
        bench_conv2d(b);
    if (strstr(what, "train") != NULL)
        bench_networks(b, "train");
    if (strstr(what, "infer") != NULL)
        bench_networks(b, "infer");
    torch_close(b->torch);
}

int main(int argc, char **argv)
{
    const char *what = "gemm,linear,conv,train,infer", *python = "/usr/bin/python3";
    int64_t threads = 2, patience = 240;
    struct bench b = {.only = "", .peers = "", .seconds = 0.5};
    const struct argument table[] = {
        {"--what", "LIST", "of gemm, linear, conv, train, infer (all)", &what,
         ARGUMENT_TEXT, 0, 0},
        {"--only", "PART", "of the names of cases (all)", &b.only, ARGUMENT_TEXT, 0, 0},
        {"--peers", "PART", "of the names of libraries (all)", &b.peers, ARGUMENT_TEXT, 0,
         0},
        {"--threads", "N", "of each library (2)", &threads, ARGUMENT_INTEGER, 1, 1024},
        {"--seconds", "S", "for each library and case (0.5)", &b.seconds, ARGUMENT_NUMBER,
         0, 1e4},
        {"--patience", "S", "to wait in all for free cores (240)", &patience,
         ARGUMENT_INTEGER, 0, 1e6},
        {"--cases", "DIR", "with gemm.txt and conv.txt (our own)", &b.cases,
         ARGUMENT_TEXT, 0, 0},
        {"--python", "PYTHON", "that knows PyTorch (/usr/bin/python3)", &python,
         ARGUMENT_TEXT, 0, 0},
    };
    int count = (int)(sizeof(table) / sizeof(table[0])), help, i;
    lfuse_context_options options;
    lfuse_error err;

    check(arguments_read(table, count, argc, argv, &help, &err), &err);
    if (help) {
        arguments_print(table, count);
        return 0;
    }
    b.threads = (int)threads;
    b.patience = (int)patience;
    lfuse_context_options_init(&options, sizeof(options));
    options.threads = b.threads;
    check(lfuse_context_create(&options, &b.ctx, &err), &err);
    for (i = 0; i < 10; i++) {
        double rate = probe_gflops(b.threads);

        b.peak = rate > b.peak ? rate : b.peak;
    }
    printf("what,library,threads,case,ms median,ms least,GFLOP/s or images/s,%% of %.0f "
           "GFLOP/s,times ours,error,probe\n",
           b.peak);
    run(&b, what, python);
    lfuse_context_destroy(b.ctx);
    return 0;
}
