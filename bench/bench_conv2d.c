/*
 * bench_conv2d.c - time of a convolution's three directions, by shape, layout and algorithm
 *
 *     bench_conv2d [threads] [name] [mode] [batch]
 *
 * name: only shapes whose name begins with it. mode: nhwc, nchw (as the shape chooses; both unless
 * one is asked for), nhwc-direct, nhwc-4x4, nhwc-2x2 (Winograd), or all. batch: 128.
 *
 * The peak is what independent fused multiply-adds of the widest vectors reach in this run, on
 * one thread, times the threads. The last lines add up the convolutions of one training step
 * of ResNet-20 on images of 32 x 32.
 */
#include <layerfuse/layerfuse.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(LFI_X86)
#include <immintrin.h>
#endif

enum { REPEATS = 25, DIRECTIONS = 3 };

static const struct shape {
    const char *name;
    int64_t in_channels, size, out_channels, stride;
    int resnet20; /* how many such layers ResNet-20 has */
    int64_t kernel, groups;
} shapes[] = {
    {"rn_stem", 3, 32, 16, 1, 1, 3, 1},      {"rn16", 16, 32, 16, 1, 6, 3, 1},
    {"rn16_32s2", 16, 32, 32, 2, 1, 3, 1},   {"rn32", 32, 16, 32, 1, 5, 3, 1},
    {"rn32_64s2", 32, 16, 64, 2, 1, 3, 1},   {"rn64", 64, 8, 64, 1, 5, 3, 1},
    {"vgg3_64", 3, 32, 64, 1, 0, 3, 1},      {"vgg64", 64, 32, 64, 1, 0, 3, 1},
    {"vgg64_128", 64, 16, 128, 1, 0, 3, 1},  {"vgg128", 128, 16, 128, 1, 0, 3, 1},
    {"vgg128_256", 128, 8, 256, 1, 0, 3, 1}, {"vgg256", 256, 8, 256, 1, 0, 3, 1},
    {"vgg256_512", 256, 4, 512, 1, 0, 3, 1}, {"vgg512", 512, 4, 512, 1, 0, 3, 1},
    {"vgg512s", 512, 2, 512, 1, 0, 3, 1},    {"thin8", 8, 32, 8, 1, 0, 3, 1},
    {"p64_256", 64, 8, 256, 1, 0, 1, 1},     {"p256_64", 256, 8, 64, 1, 0, 1, 1},
    {"p16_32s2", 16, 32, 32, 2, 0, 1, 1},    {"p256_512s2", 256, 8, 512, 2, 0, 1, 1},
    {"g4_64", 64, 16, 64, 1, 0, 3, 4},       {"g32_128", 128, 16, 128, 1, 0, 3, 32},
    {"dw64", 64, 32, 64, 1, 0, 3, 64},       {"dw128s2", 128, 16, 128, 2, 0, 3, 128},
    {"dw512", 512, 4, 512, 1, 0, 3, 512},
};

static const struct mode {
    const char *name;
    lfuse_layout layout;
    lfuse_conv2d_algorithm algorithm;
} modes[] = {
    {"nhwc", LFUSE_LAYOUT_NHWC, 0},
    {"nchw", LFUSE_LAYOUT_NCHW, 0},
    {"nhwc-direct", LFUSE_LAYOUT_NHWC, LFUSE_CONV2D_DIRECT},
    {"nhwc-4x4", LFUSE_LAYOUT_NHWC, LFUSE_CONV2D_WINOGRAD},
    {"nhwc-2x2", LFUSE_LAYOUT_NHWC, LFUSE_CONV2D_WINOGRAD_2X2},
};
enum { MODES = sizeof(modes) / sizeof(modes[0]), USUAL_MODES = 2 };

static const char *const direction_names[DIRECTIONS] = {"forward", "backward_data",
                                                        "backward_weights"};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the peak ------------------------------------------------------------------------------ */

#if defined(LFI_X86)

enum { CHAINS = 12, STEPS = 1 << 20 };

#define DEFINE_PEAK(NAME, TARGET, VEC, SET1, FMA, STORE)                               \
    __attribute__((target(TARGET))) static double NAME(void)                           \
    {                                                                                  \
        const VEC x = SET1(0.5f);                                                      \
        VEC sum[CHAINS];                                                               \
        float out[16];                                                                 \
        volatile float sink;                                                           \
        double start = now();                                                          \
        int i, k;                                                                      \
                                                                                       \
        for (k = 0; k < CHAINS; k++)                                                   \
            sum[k] = SET1((float)k);                                                   \
        for (i = 0; i < STEPS; i++)                                                    \
            _Pragma("GCC unroll 12") for (k = 0; k < CHAINS; k++) sum[k] =             \
                FMA(sum[k], x, x);                                                     \
        for (k = 0; k < CHAINS; k++) {                                                 \
            STORE(out, sum[k]);                                                        \
            sink = out[0];                                                             \
        }                                                                              \
        (void)sink;                                                                    \
        return 2.0 * CHAINS * STEPS * (sizeof(VEC) / sizeof(float)) / (now() - start); \
    }

DEFINE_PEAK(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps,
            _mm256_storeu_ps)
DEFINE_PEAK(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps,
            _mm512_storeu_ps)

/* Operations per second on one thread, or 0. */
static double peak_of(lfuse_isa isa)
{
    double (*peak)(void) = isa == LFUSE_ISA_AVX512 ? peak_avx512 : peak_avx2;
    double best = 0.0;
    int i;

    for (i = 0; i < 10 && isa != LFUSE_ISA_SCALAR; i++) {
        double got = peak();

        best = got > best ? got : best;
    }
    return best;
}

#else

static double peak_of(lfuse_isa isa)
{
    (void)isa;
    return 0.0;
}

#endif

/* ---- one shape ------------------------------------------------------------------------------ */

static float *numbers(int64_t count)
{
    float *data = malloc((size_t)count * sizeof(float));
    int64_t i;

    if (data == NULL)
        exit(1);
    for (i = 0; i < count; i++)
        data[i] = (float)((i * 7919) % 2003 - 1001) / 1024.0f;
    return data;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct timing {
    double median, least; /* seconds */
};

static struct timing measure(lfuse_context *ctx, const lfuse_conv2d_args *args,
                             int direction)
{
    lfuse_status (*const calls[DIRECTIONS])(lfuse_context *, const lfuse_conv2d_args *,
                                            lfuse_error *) = {
        lfuse_conv2d_forward, lfuse_conv2d_backward_data, lfuse_conv2d_backward_weights};
    double seconds[REPEATS];
    struct timing timing;
    lfuse_error err;
    int i;

    for (i = -2; i < REPEATS; i++) {
        double start = now();

        if (calls[direction](ctx, args, &err) != LFUSE_OK) {
            fprintf(stderr, "bench_conv2d: %s\n", err.message);
            exit(1);
        }
        if (i >= 0)
            seconds[i] = now() - start;
    }
    qsort(seconds, REPEATS, sizeof(seconds[0]), compare);
    timing.median = seconds[REPEATS / 2];
    timing.least = seconds[0];
    return timing;
}

/* As in a training loop, so that no call pays for fresh pages. */
static void *workspace_of(lfuse_context *ctx, const lfuse_conv2d_args *args,
                          size_t *bytes)
{
    lfuse_error err;
    void *workspace;

    if (lfuse_conv2d_workspace(ctx, args, bytes, &err) != LFUSE_OK) {
        fprintf(stderr, "bench_conv2d: %s\n", err.message);
        exit(1);
    }
    workspace = aligned_alloc(64, *bytes);
    if (workspace == NULL)
        exit(1);
    return workspace;
}

static void run_shape(lfuse_context *ctx, const struct shape *s, const struct mode *mode,
                      int64_t batch, double peak, double *step)
{
    int64_t kernel = s->kernel;
    int64_t inputs = s->in_channels / s->groups;
    int64_t out = (s->size - 1) / s->stride + 1;
    int64_t x_count = batch * s->in_channels * s->size * s->size;
    int64_t w_count = s->out_channels * inputs * kernel * kernel;
    int64_t y_count = batch * s->out_channels * out * out;
    double operations = 2.0 * (double)(y_count * inputs * kernel * kernel);
    lfuse_conv2d_args args;
    int d;

    lfuse_conv2d_args_init(&args, sizeof(args));
    args.batch = batch;
    args.in_channels = s->in_channels;
    args.height = args.width = s->size;
    args.out_channels = s->out_channels;
    args.kernel_h = args.kernel_w = kernel;
    args.groups = s->groups;
    args.stride_h = args.stride_w = s->stride;
    args.pad_top = args.pad_bottom = args.pad_left = args.pad_right = kernel / 2;
    args.layout = mode->layout;
    args.algorithm =
        s->stride == 1 && kernel == 3 && s->groups == 1 ? mode->algorithm : 0;
    args.x = numbers(x_count);
    args.w = numbers(w_count);
    args.dy = numbers(y_count);
    args.y = numbers(y_count);
    args.dx = numbers(x_count);
    args.dw = numbers(w_count);
    args.workspace = workspace_of(ctx, &args, &args.workspace_bytes);
    for (d = 0; d < DIRECTIONS; d++) {
        struct timing t = measure(ctx, &args, d);

        printf("%-11s %-11s %-17s %8.3f %8.3f %8.1f %6.1f%%\n", s->name, mode->name,
               direction_names[d], 1e3 * t.median, 1e3 * t.least,
               1e-9 * operations / t.median,
               peak > 0.0 ? 100.0 * operations / t.median / peak : 0.0);
        /* the first layer's input has no gradient that anybody needs */
        if (d != 1 || s->in_channels != 3)
            step[d] += s->resnet20 * t.median;
    }
    free((void *)args.x);
    free((void *)args.w);
    free((void *)args.dy);
    free(args.y);
    free(args.dx);
    free(args.dw);
    free(args.workspace);
}

static bool runs(size_t mode, const char *only)
{
    if (only == NULL)
        return mode < USUAL_MODES;
    return strcmp(only, "all") == 0 || strcmp(only, modes[mode].name) == 0;
}

int main(int argc, char **argv)
{
    const char *only = argc > 2 ? argv[2] : "", *mode = argc > 3 ? argv[3] : NULL;
    const int64_t batch = argc > 4 ? atoi(argv[4]) : 128;
    lfuse_context_options options;
    double step[MODES][DIRECTIONS] = {{0.0}}, peak;
    lfuse_context *ctx;
    lfuse_error err;
    size_t i, m;

    lfuse_context_options_init(&options, sizeof(options));
    options.threads = argc > 1 ? atoi(argv[1]) : 1;
    if (lfuse_context_create(&options, &ctx, &err) != LFUSE_OK) {
        fprintf(stderr, "bench_conv2d: %s\n", err.message);
        return 1;
    }
    peak = peak_of(lfuse_context_isa(ctx)) * lfuse_context_threads(ctx);
    printf("peak of %d threads: %.1f GFLOP/s; batch %d\n",
           (int)lfuse_context_threads(ctx), 1e-9 * peak, (int)batch);
    printf("%-11s %-11s %-17s %8s %8s %8s %7s\n", "shape", "mode", "direction",
           "ms median", "least", "GFLOP/s", "of peak");
    for (m = 0; m < MODES; m++)
        for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && runs(m, mode); i++)
            if (strncmp(shapes[i].name, only, strlen(only)) == 0)
                run_shape(ctx, &shapes[i], &modes[m], batch, peak, step[m]);
    for (m = 0; m < MODES; m++)
        if (runs(m, mode))
            printf("ResNet-20 step, %s: %.1f + %.1f + %.1f = %.1f ms\n", modes[m].name,
                   1e3 * step[m][0], 1e3 * step[m][1], 1e3 * step[m][2],
                   1e3 * (step[m][0] + step[m][1] + step[m][2]));
    lfuse_context_destroy(ctx);
    return 0;
}
