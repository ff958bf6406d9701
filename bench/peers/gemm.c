/* gemm.c - matrix products: lfuse_gemm() and plain CBLAS, of OpenBLAS and of BLIS */
#define _GNU_SOURCE /* RTLD_DEEPBIND */
#include <cblas.h>
#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

void openblas_set_num_threads(int count);

/* c (m, n) = op(a) op(b), both transposed where it says T. */
struct product {
    const char *name;
    const char *transposed;
    int64_t m, n, k;
};

static const struct product products[] = {
    {"sq64", "NN", 64, 64, 64},
    {"sq128", "NN", 128, 128, 128},
    {"sq256", "NN", 256, 256, 256},
    {"sq512", "NN", 512, 512, 512},
    {"sq1024", "NN", 1024, 1024, 1024},
    {"sq2048", "NN", 2048, 2048, 2048},
    {"sq512nt", "NT", 512, 512, 512},
    {"sq512tn", "TN", 512, 512, 512},
    /* a convolution as a product: out channels, pixels of a batch of 128, in channels * 9 */
    {"rn16_b", "NN", 16, 131072, 144},
    {"rn32_b", "NN", 32, 32768, 288},
    {"rn64_b", "NN", 64, 8192, 576},
    {"vgg64_b", "NN", 64, 131072, 576},
    {"vgg128_b", "NN", 128, 32768, 1152},
    {"vgg256_b", "NN", 256, 8192, 2304},
    {"vgg512_b", "NN", 512, 2048, 4608},
    {"vgg512s_b", "NN", 512, 512, 4608},
    /* the same for one image */
    {"rn16_i", "NN", 16, 1024, 144},
    {"rn32_i", "NN", 32, 256, 288},
    {"rn64_i", "NN", 64, 64, 576},
    {"vgg64_i", "NN", 64, 1024, 576},
    {"vgg256_i", "NN", 256, 64, 2304},
    /* its gradient of the weights */
    {"rn16_dw", "NT", 16, 144, 131072},
    {"rn64_dw", "NT", 64, 576, 8192},
    {"vgg64_dw", "NT", 64, 576, 131072},
    {"vgg256_dw", "NT", 256, 2304, 8192},
    /* a transformer of 512 tokens: x w', dy w, dy' x */
    {"tf_qkv_f", "NT", 512, 2304, 768},
    {"tf_proj_f", "NT", 512, 768, 768},
    {"tf_up_f", "NT", 512, 3072, 768},
    {"tf_dn_f", "NT", 512, 768, 3072},
    {"tf_up_dx", "NN", 512, 768, 3072},
    {"tf_up_dw", "TN", 3072, 768, 512},
    {"tf_lm_f", "NT", 512, 33000, 768},
    {"sm_up_f", "NT", 4096, 1024, 256},
    {"sm_up_dw", "TN", 1024, 256, 4096},
    {"att_qk", "NT", 512, 512, 64},
    {"att_pv", "NN", 512, 64, 512},
    /* one token, and the Gram matrix of 32 layers of 768 x 3072 */
    {"gemv_up", "NT", 1, 3072, 768},
    {"gram32", "NT", 32, 32, 2359296},
};

typedef void (*sgemm)(enum CBLAS_ORDER order, enum CBLAS_TRANSPOSE ta,
                      enum CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k,
                      float alpha, const float *a, blasint lda, const float *b,
                      blasint ldb, float beta, float *c, blasint ldc);

struct call {
    struct bench *bench;
    sgemm blas; /* whose, for a peer */
    lfuse_gemm_args args;
};

static void run_ours(void *arg)
{
    struct call *call = arg;
    lfuse_error err;

    check(lfuse_gemm(call->bench->ctx, &call->args, &err), &err);
}

static void run_blas(void *arg)
{
    const struct call *call = arg;
    const lfuse_gemm_args *a = &call->args;
    const int ta = (a->flags & LFUSE_GEMM_TRANSPOSE_A) != 0,
              tb = (a->flags & LFUSE_GEMM_TRANSPOSE_B) != 0;

    call->blas(CblasRowMajor, ta ? CblasTrans : CblasNoTrans,
               tb ? CblasTrans : CblasNoTrans, (blasint)a->m, (blasint)a->n,
               (blasint)a->k, 1.0f, a->a, (blasint)(ta ? a->m : a->k), a->b,
               (blasint)(tb ? a->k : a->n), 0.0f, a->c, (blasint)a->n);
}

/* Of some elements of c, spread over all of it: relative to the 2-norm of what they should be. */
static double error_of(const lfuse_gemm_args *a)
{
    const int ta = (a->flags & LFUSE_GEMM_TRANSPOSE_A) != 0,
              tb = (a->flags & LFUSE_GEMM_TRANSPOSE_B) != 0;
    double wrong = 0.0, size = 0.0;
    int64_t s, k;

    for (s = 0; s < 100; s++) {
        const int64_t at = s * 7919 * 104729 % (a->m * a->n), i = at / a->n,
                      j = at % a->n;
        double sum = 0.0;

        for (k = 0; k < a->k; k++)
            sum += (double)a->a[ta ? k * a->m + i : i * a->k + k] *
                   (double)a->b[tb ? j * a->k + k : k * a->n + j];
        wrong += (sum - (double)a->c[at]) * (sum - (double)a->c[at]);
        size += sum * sum;
    }
    return sqrt(wrong / size);
}

/* BLIS, where it is installed; its own symbols, although OpenBLAS has some of the same names. */
static sgemm find_blis(int threads)
{
    void *blis = dlopen("libblis.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    void (*set_threads)(int64_t) = NULL;
    sgemm found = NULL;

    if (blis == NULL)
        return NULL;
    *(void **)&set_threads = dlsym(blis, "bli_thread_set_num_threads");
    *(void **)&found = dlsym(blis, "cblas_sgemm");
    if (set_threads != NULL)
        set_threads(threads);
    return found;
}

static void bench_product(struct bench *b, sgemm blis, const struct product *p)
{
    struct call ours = {.bench = b}, blas[2];
    struct contender contenders[3] = {{.name = "layerfuse", .run = run_ours},
                                      {.name = "openblas", .run = run_blas},
                                      {.name = "blis", .run = run_blas}};
    int count = blis != NULL ? 3 : 2, i;

    lfuse_gemm_args_init(&ours.args, sizeof(ours.args));
    ours.args.a = numbers(p->m * p->k, 1);
    ours.args.b = numbers(p->k * p->n, 2);
    ours.args.c = numbers(p->m * p->n, 3);
    ours.args.m = p->m;
    ours.args.n = p->n;
    ours.args.k = p->k;
    ours.args.flags = (p->transposed[0] == 'T' ? LFUSE_GEMM_TRANSPOSE_A : 0u) |
                      (p->transposed[1] == 'T' ? LFUSE_GEMM_TRANSPOSE_B : 0u);
    blas[0] = blas[1] = ours;
    blas[0].blas = cblas_sgemm;
    blas[1].blas = blis;
    for (i = 0; i < count; i++) {
        contenders[i].arg = i == 0 ? &ours : &blas[i - 1];
        contenders[i].run(contenders[i].arg);
        contenders[i].error = error_of(&ours.args);
    }
    count = measure(b, contenders, count);
    report(b, "gemm", p->name, contenders, count,
           2.0 * (double)p->m * (double)p->n * (double)p->k, 0.0);
    free((void *)ours.args.a);
    free((void *)ours.args.b);
    free(ours.args.c);
}

/* name ta tb M N K */
static void bench_file(struct bench *b, sgemm blis)
{
    struct cases *cases = cases_open(b, "gemm.txt");
    char name[64], transposed[3] = "";
    struct product p = {.name = name, .transposed = transposed};
    const char *line;

    while ((line = cases_next(cases)) != NULL)
        if (sscanf(line, "%63s %c %c %" SCNd64 " %" SCNd64 " %" SCNd64, name,
                   &transposed[0], &transposed[1], &p.m, &p.n, &p.k) == 6 &&
            wanted(b, name))
            bench_product(b, blis, &p);
}

void bench_gemm(struct bench *b)
{
    sgemm blis = find_blis(b->threads);
    size_t i;

    openblas_set_num_threads(b->threads);
    if (b->cases != NULL)
        bench_file(b, blis);
    for (i = 0; i < sizeof(products) / sizeof(products[0]) && b->cases == NULL; i++)
        if (wanted(b, products[i].name))
            bench_product(b, blis, &products[i]);
}
