/*
 * conv2d.c - convolutions in their three directions: ours, NHWC in and out with weights packed in
 * the call, and those of PyTorch and oneDNN
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dnnl_peer.h"
#include "measure.h"
#include "torch.h"

enum { FORWARD, DATA, WEIGHTS, DIRECTIONS, SAMPLES = 200 };

struct shape {
    const char *name;
    int64_t batch, in, side, out, kernel, stride;
};

/* Every 3x3 layer of stride 1 of ResNet-56 and VGG-16. */
static const struct shape shapes[] = {
    {"rn_stem", 128, 3, 32, 16, 3, 1},      {"rn16", 128, 16, 32, 16, 3, 1},
    {"rn32", 128, 32, 16, 32, 3, 1},        {"rn64", 128, 64, 8, 64, 3, 1},
    {"vgg3_64", 128, 3, 32, 64, 3, 1},      {"vgg64", 128, 64, 32, 64, 3, 1},
    {"vgg64_128", 128, 64, 16, 128, 3, 1},  {"vgg128", 128, 128, 16, 128, 3, 1},
    {"vgg128_256", 128, 128, 8, 256, 3, 1}, {"vgg256", 128, 256, 8, 256, 3, 1},
    {"vgg256_512", 128, 256, 4, 512, 3, 1}, {"vgg512", 128, 512, 4, 512, 3, 1},
    {"vgg512s", 128, 512, 2, 512, 3, 1},
};

static const char *const directions[DIRECTIONS] = {"forward", "data", "weights"};

struct call {
    lfuse_context *ctx;
    lfuse_conv2d_args args;
    int direction;
};

static void run_ours(void *arg)
{
    static lfuse_status (*const calls[])(lfuse_context *, const lfuse_conv2d_args *,
                                         lfuse_error *) = {
        lfuse_conv2d_forward, lfuse_conv2d_backward_data, lfuse_conv2d_backward_weights};
    struct call *call = arg;
    lfuse_error err;

    check(calls[call->direction](call->ctx, &call->args, &err), &err);
}

/* ---- what is right, in f64 --------------------------------------------------------------- */

static int64_t out_side(const lfuse_conv2d_args *a)
{
    return (a->height + 2 * a->pad_top - a->kernel_h) / a->stride_h + 1;
}

/* x and y (or their gradients) at a pixel, 0 outside the image. */
static double x_at(const lfuse_conv2d_args *a, int64_t n, int64_t i, int64_t j, int64_t c)
{
    if (i < 0 || j < 0 || i >= a->height || j >= a->width)
        return 0.0;
    return a->x[((n * a->height + i) * a->width + j) * a->in_channels + c];
}

static double dy_at(const lfuse_conv2d_args *a, int64_t n, int64_t i, int64_t j,
                    int64_t c)
{
    const int64_t side = out_side(a);

    if (i < 0 || j < 0 || i % a->stride_h != 0 || j % a->stride_w != 0 ||
        i / a->stride_h >= side || j / a->stride_w >= side)
        return 0.0;
    return a
        ->dy[((n * side + i / a->stride_h) * side + j / a->stride_w) * a->out_channels +
             c];
}

static double w_at(const lfuse_conv2d_args *a, int64_t o, int64_t c, int64_t r, int64_t s)
{
    return a->w[((o * a->in_channels + c) * a->kernel_h + r) * a->kernel_w + s];
}

static double forward_at(const lfuse_conv2d_args *a, int64_t at)
{
    const int64_t side = out_side(a), o = at % a->out_channels,
                  pixel = at / a->out_channels, j = pixel % side, i = pixel / side % side,
                  n = pixel / side / side;
    double sum = 0.0;
    int64_t c, r, s;

    for (r = 0; r < a->kernel_h; r++)
        for (s = 0; s < a->kernel_w; s++)
            for (c = 0; c < a->in_channels; c++)
                sum += w_at(a, o, c, r, s) * x_at(a, n, i * a->stride_h + r - a->pad_top,
                                                  j * a->stride_w + s - a->pad_left, c);
    return sum;
}

static double data_at(const lfuse_conv2d_args *a, int64_t at)
{
    const int64_t c = at % a->in_channels, pixel = at / a->in_channels,
                  j = pixel % a->width, i = pixel / a->width % a->height,
                  n = pixel / a->width / a->height;
    double sum = 0.0;
    int64_t o, r, s;

    for (r = 0; r < a->kernel_h; r++)
        for (s = 0; s < a->kernel_w; s++)
            for (o = 0; o < a->out_channels; o++)
                sum += w_at(a, o, c, r, s) *
                       dy_at(a, n, i + a->pad_top - r, j + a->pad_left - s, o);
    return sum;
}

static double weights_at(const lfuse_conv2d_args *a, int64_t at)
{
    const int64_t s = at % a->kernel_w, r = at / a->kernel_w % a->kernel_h,
                  pair = at / a->kernel_w / a->kernel_h, c = pair % a->in_channels,
                  o = pair / a->in_channels, side = out_side(a);
    double sum = 0.0;
    int64_t n, i, j;

    for (n = 0; n < a->batch; n++)
        for (i = 0; i < side; i++)
            for (j = 0; j < side; j++)
                sum += dy_at(a, n, i * a->stride_h, j * a->stride_w, o) *
                       x_at(a, n, i * a->stride_h + r - a->pad_top,
                            j * a->stride_w + s - a->pad_left, c);
    return sum;
}

struct output {
    float *data;
    int64_t count;
};

static struct output output_of(const lfuse_conv2d_args *a, int direction)
{
    const int64_t side = out_side(a);
    const struct output outputs[DIRECTIONS] = {
        {a->y, a->batch * side * side * a->out_channels},
        {a->dx, a->batch * a->height * a->width * a->in_channels},
        {a->dw, a->out_channels * a->in_channels * a->kernel_h * a->kernel_w}};

    return outputs[direction];
}

/* Of some outputs, spread over all of them: relative to the 2-norm of what they should be. */
static double error_of(const struct call *call)
{
    static double (*const right[])(const lfuse_conv2d_args *,
                                   int64_t) = {forward_at, data_at, weights_at};
    const struct output out = output_of(&call->args, call->direction);
    double wrong = 0.0, size = 0.0;
    int64_t k;

    for (k = 0; k < SAMPLES; k++) {
        const int64_t at = k * 7919 * 104729 % out.count;
        const double expected = right[call->direction](&call->args, at);

        wrong += pow(expected - (double)out.data[at], 2.0);
        size += expected * expected;
    }
    return sqrt(wrong / size);
}

/* ---- one case ---------------------------------------------------------------------------- */

static lfuse_conv2d_args args_of(const struct bench *b, const struct shape *s)
{
    lfuse_conv2d_args a;
    lfuse_error err;
    int64_t x, w, y;

    lfuse_conv2d_args_init(&a, sizeof(a));
    a.batch = s->batch;
    a.in_channels = s->in;
    a.out_channels = s->out;
    a.height = a.width = s->side;
    a.kernel_h = a.kernel_w = s->kernel;
    a.stride_h = a.stride_w = s->stride;
    a.pad_top = a.pad_bottom = a.pad_left = a.pad_right = s->kernel / 2;
    a.layout = LFUSE_LAYOUT_NHWC;
    y = output_of(&a, FORWARD).count;
    x = output_of(&a, DATA).count;
    w = output_of(&a, WEIGHTS).count;
    a.x = numbers(x, 1);
    a.w = numbers(w, 2);
    a.dy = numbers(y, 3);
    a.y = numbers(y, 4);
    a.dx = numbers(x, 5);
    a.dw = numbers(w, 6);
    check(lfuse_conv2d_workspace(b->ctx, &a, &a.workspace_bytes, &err), &err);
    a.workspace = numbers((int64_t)(a.workspace_bytes / sizeof(float)) + 1, 7);
    return a;
}

struct label {
    char text[96];
};

static struct label label_of(const struct shape *s, int direction)
{
    struct label label;

    snprintf(label.text, sizeof(label.text), "%s_%s", s->name, directions[direction]);
    return label;
}

/* An image needs no gradient. */
static int is_wanted(const struct bench *b, const struct shape *s, int direction)
{
    return (direction != DATA || s->in != 3) && wanted(b, label_of(s, direction).text);
}

static void bench_direction(struct bench *b, const struct shape *s, struct call *call)
{
    struct contender c[MOST_CONTENDERS] = {
        {.name = "layerfuse", .run = run_ours, .arg = call}};
    char command[96];
    int dnnl, count, i;

    snprintf(command, sizeof(command),
             "conv %s %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
             " %" PRId64,
             directions[call->direction], s->batch, s->in, s->side, s->out, s->kernel,
             s->stride);
    run_ours(call);
    c[0].error = error_of(call);
    dnnl = dnnl_contend(&call->args, call->direction, b->threads, c + 1);
    for (i = 1; i <= dnnl; i++) {
        c[i].run(c[i].arg);
        dnnl_copy(&c[i], output_of(&call->args, call->direction).data);
        c[i].error = error_of(call);
    }
    count = 1 + dnnl + torch_contend(b->torch, command, c + 1 + dnnl);
    count = measure(b, c, count);
    report(b, "conv", label_of(s, call->direction).text, c, count,
           2.0 * (double)(output_of(&call->args, FORWARD).count * s->in * s->kernel *
                          s->kernel),
           0.0);
    dnnl_release();
}

static void bench_shape(struct bench *b, const struct shape *s)
{
    struct call call = {.ctx = b->ctx};
    lfuse_conv2d_args *a = &call.args;

    if (!is_wanted(b, s, FORWARD) && !is_wanted(b, s, DATA) && !is_wanted(b, s, WEIGHTS))
        return;
    call.args = args_of(b, s);
    for (; call.direction < DIRECTIONS; call.direction++)
        if (is_wanted(b, s, call.direction))
            bench_direction(b, s, &call);
    free((void *)a->x);
    free((void *)a->w);
    free((void *)a->dy);
    free(a->y);
    free(a->dx);
    free(a->dw);
    free(a->workspace);
}

/* name N IC IH IW OC K stride pad; images are square, and padded by half a kernel */
static void bench_file(struct bench *b)
{
    struct cases *cases = cases_open(b, "conv.txt");
    char name[64];
    struct shape s = {.name = name};
    const char *line;

    while ((line = cases_next(cases)) != NULL)
        if (sscanf(line,
                   "%63s %" SCNd64 " %" SCNd64 " %" SCNd64 " %*d %" SCNd64 " %" SCNd64
                   " %" SCNd64,
                   name, &s.batch, &s.in, &s.side, &s.out, &s.kernel, &s.stride) == 7)
            bench_shape(b, &s);
}

void bench_conv2d(struct bench *b)
{
    size_t i;

    if (b->cases != NULL)
        bench_file(b);
    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]) && b->cases == NULL; i++)
        bench_shape(b, &shapes[i]);
}
