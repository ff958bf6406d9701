/*
 * elementwise.c - ReLU and add over the threads
 *
 * Cut into chunks of 256 KiB: large enough to be worth a task, and at all sizes the same.
 */
#include "kernels/kernels.h"

enum { CHUNK = 65536 };

struct operands {
    const struct lfi_kernels *kernels;
    const float *a;
    const float *b;
    float *out;
    int64_t count;
};

static int64_t length(const struct operands *o, int64_t first)
{
    return o->count - first < CHUNK ? o->count - first : CHUNK;
}

static void relu_forward_task(void *arg, int64_t index, int32_t slot)
{
    const struct operands *o = arg;
    int64_t first = index * CHUNK;

    (void)slot;
    o->kernels->relu_forward_f32(o->a + first, length(o, first), o->out + first);
}

static void relu_backward_task(void *arg, int64_t index, int32_t slot)
{
    const struct operands *o = arg;
    int64_t first = index * CHUNK;

    (void)slot;
    o->kernels->relu_backward_f32(o->a + first, o->b + first, length(o, first),
                                  o->out + first);
}

static void add_task(void *arg, int64_t index, int32_t slot)
{
    const struct operands *o = arg;
    int64_t first = index * CHUNK;

    (void)slot;
    o->kernels->add_f32(o->a + first, o->b + first, length(o, first), o->out + first);
}

static lfuse_status run(const struct lfi_env *env, lfi_task task, struct operands o,
                        lfuse_error *err)
{
    o.kernels = env->kernels;
    if (o.count <= CHUNK) {
        task(&o, 0, 0);
        return LFUSE_OK;
    }
    return lfi_parallel_for(env, (o.count - 1) / CHUNK + 1, task, &o, err);
}

lfuse_status lfi_relu_forward(const struct lfi_env *env, const float *x, int64_t count,
                              float *y, lfuse_error *err)
{
    return run(env, relu_forward_task,
               (struct operands){.a = x, .out = y, .count = count}, err);
}

lfuse_status lfi_relu_backward(const struct lfi_env *env, const float *y, const float *dy,
                               int64_t count, float *dx, lfuse_error *err)
{
    return run(env, relu_backward_task,
               (struct operands){.a = y, .b = dy, .out = dx, .count = count}, err);
}

lfuse_status lfi_add(const struct lfi_env *env, const float *a, const float *b,
                     int64_t count, float *y, lfuse_error *err)
{
    return run(env, add_task, (struct operands){.a = a, .b = b, .out = y, .count = count},
               err);
}
