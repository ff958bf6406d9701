/*
 * conv2d_problem.h - shapes, operands and calls that the tests of conv2d share
 *
 * Only test_conv2d*.c include it.
 */
#ifndef LFT_CONV2D_PROBLEM_H
#define LFT_CONV2D_PROBLEM_H

#include "lft.h"

struct shape {
    int64_t batch, in, height, width, out, kernel_h, kernel_w, stride_h, stride_w;
    int64_t top, bottom, left, right, dilation_h, dilation_w, groups;
};

static const struct shape shapes[] = {
    /* the layers of a small ResNet, few images */
    {3, 3, 32, 32, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {2, 16, 12, 12, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {2, 16, 12, 12, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1},
    {5, 32, 8, 8, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {3, 64, 4, 4, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    /* 1 x 1, with and without a stride; the kernel is the image */
    {2, 17, 6, 5, 33, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1},
    {2, 16, 7, 6, 8, 1, 1, 2, 2, 0, 0, 0, 0, 1, 1, 1},
    {3, 5, 4, 6, 7, 4, 6, 1, 1, 0, 0, 0, 0, 1, 1, 1},
    {40, 1, 2, 2, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1},
    /* strides of 2 and 3, beyond the kernel and beyond the image; padding on one side */
    {2, 3, 11, 10, 17, 3, 3, 3, 3, 1, 0, 2, 0, 1, 1, 1},
    {2, 2, 9, 9, 3, 2, 2, 3, 3, 0, 0, 0, 0, 1, 1, 1},
    {2, 2, 9, 9, 3, 1, 1, 3, 2, 0, 3, 0, 2, 1, 1, 1},
    {2, 3, 5, 6, 4, 3, 2, 100, 200, 1, 0, 0, 1, 1, 1, 1},
    {2, 3, 7, 8, 4, 5, 3, 1, 2, 4, 3, 5, 1, 1, 1, 1},
    /* more padding than kernel: rows of zeros */
    {1, 2, 3, 3, 2, 2, 2, 2, 1, 3, 4, 5, 6, 1, 1, 1},
    /* dilation, with strides that share a divisor with it and strides that do not */
    {2, 4, 9, 9, 5, 3, 3, 1, 1, 2, 2, 2, 2, 2, 2, 1},
    {2, 3, 12, 13, 5, 3, 3, 2, 2, 2, 1, 0, 2, 2, 2, 1},
    {2, 3, 12, 13, 5, 3, 3, 2, 3, 3, 0, 1, 2, 3, 2, 1},
    {1, 2, 13, 13, 3, 2, 4, 4, 4, 0, 0, 3, 0, 6, 2, 1},
    {1, 1, 9, 9, 1, 1, 3, 1, 1, 0, 0, 0, 0, INT64_MAX, 4, 1},
    /* groups and depthwise */
    {2, 6, 7, 6, 4, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 2},
    {2, 8, 6, 7, 8, 3, 3, 2, 2, 1, 0, 1, 0, 1, 1, 8},
    {2, 3, 6, 7, 9, 3, 2, 1, 2, 1, 0, 1, 0, 2, 1, 3},
    {2, 48, 5, 5, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 2},
    /* groups of few channels: as many on both sides, more, fewer; many elements; strides */
    {2, 40, 9, 11, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 40},
    {2, 36, 7, 9, 36, 3, 3, 2, 1, 1, 1, 1, 1, 1, 1, 9},
    {3, 12, 6, 13, 20, 3, 2, 1, 2, 1, 0, 1, 1, 1, 2, 4},
    {2, 48, 5, 6, 12, 1, 3, 1, 1, 0, 0, 1, 1, 1, 1, 6},
    {1, 34, 11, 20, 34, 5, 5, 3, 2, 2, 2, 2, 2, 1, 1, 17},
    {1, 64, 40, 40, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 64},
    /* many images of few pixels */
    {30, 32, 2, 2, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1},
    {9, 20, 7, 6, 19, 3, 3, 2, 2, 1, 0, 1, 1, 1, 1, 1},
    {27, 5, 8, 9, 7, 3, 2, 2, 3, 2, 1, 0, 1, 1, 2, 1},
    {8, 16, 3, 3, 64, 2, 2, 1, 1, 3, 0, 0, 3, 1, 1, 1},
};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct problem {
    lfuse_conv2d_args args;
    int64_t out_h, out_w, x_count, w_count, y_count;
    float *x, *w, *bias, *dy, *y, *dx, *dw, *dbias; /* args' arrays, writable */
};

static inline float *filled(int64_t count, uint64_t seed, float *(*place)(int64_t count))
{
    float *data = place(count);
    int64_t i;

    for (i = 0; i < count; i++)
        data[i] = (float)lft_value(seed, i);
    return data;
}

static inline lfuse_conv2d_args args_of(const struct shape *s, lfuse_layout layout)
{
    lfuse_conv2d_args a;

    lfuse_conv2d_args_init(&a, sizeof(a));
    a.batch = s->batch;
    a.in_channels = s->in;
    a.height = s->height;
    a.width = s->width;
    a.out_channels = s->out;
    a.kernel_h = s->kernel_h;
    a.kernel_w = s->kernel_w;
    a.stride_h = s->stride_h;
    a.stride_w = s->stride_w;
    a.pad_top = s->top;
    a.pad_bottom = s->bottom;
    a.pad_left = s->left;
    a.pad_right = s->right;
    a.dilation_h = s->dilation_h;
    a.dilation_w = s->dilation_w;
    a.groups = s->groups;
    a.layout = layout;
    a.algorithm = LFUSE_CONV2D_DIRECT;
    return a;
}

static inline int64_t output_size(int64_t padded, int64_t kernel, int64_t stride,
                                  int64_t dilation)
{
    return (padded - (kernel == 1 ? 0 : dilation * (kernel - 1)) - 1) / stride + 1;
}

/* Arrays at guard pages, their other end free. Release with lft_guard_free(). */
static inline struct problem make(const struct shape *s, lfuse_layout layout,
                                  float *(*place)(int64_t count))
{
    struct problem p;

    p.args = args_of(s, layout);
    p.out_h = output_size(s->height + s->top + s->bottom, s->kernel_h, s->stride_h,
                          s->dilation_h);
    p.out_w = output_size(s->width + s->left + s->right, s->kernel_w, s->stride_w,
                          s->dilation_w);
    p.x_count = s->batch * s->in * s->height * s->width;
    p.w_count = s->out * (s->in / s->groups) * s->kernel_h * s->kernel_w;
    p.y_count = s->batch * s->out * p.out_h * p.out_w;
    p.args.x = p.x = filled(p.x_count, 1, place);
    p.args.w = p.w = filled(p.w_count, 2, place);
    p.args.bias = p.bias = filled(s->out, 3, place);
    p.args.dy = p.dy = filled(p.y_count, 4, place);
    p.args.y = p.y = filled(p.y_count, 5, place);
    p.args.dx = p.dx = filled(p.x_count, 6, place);
    p.args.dw = p.dw = filled(p.w_count, 7, place);
    p.args.dbias = p.dbias = filled(s->out, 8, place);
    return p;
}

static inline void run(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    lft_ok(t, lfuse_conv2d_forward(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_data(ctx, &p->args, &t->err));
    lft_ok(t, lfuse_conv2d_backward_weights(ctx, &p->args, &t->err));
}

#endif
