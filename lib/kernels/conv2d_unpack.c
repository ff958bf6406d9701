/*
 * conv2d_unpack.c - sums of products (group, ky, kx, in, out) as dw (out, in, ky, kx)
 *
 * Some input channels at a time, which is a run of dw for each output channel: transposed in the
 * cache, element by element of the kernel, then woven together.
 */
#include "kernels/conv2d.h"

enum { INS = 16, OUTS = 32 }; /* channels that go together */

struct unpacking {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    const float *sums;
    const struct lfi_conv2d_memory *memory;
    int64_t blocks; /* of a group's input channels */
};

int64_t lfi_conv2d_unpack_floats(const struct lfi_conv2d *c)
{
    return lfi_conv2d_round(c->kernel_h * c->kernel_w * INS * OUTS);
}

/* from is (tap, OUTS, INS), to starts at this output's first input channel of the block. */
static void weave(const float *from, int64_t area, int64_t ins, bool accumulate,
                  float *to)
{
    int64_t i, tap;

    for (i = 0; i < ins; i++)
        for (tap = 0; tap < area; tap++, to++) {
            float value = from[tap * OUTS * INS + i];

            *to = accumulate ? *to + value : value;
        }
}

static void unpack_block(void *arg, int64_t index, int32_t slot)
{
    const struct unpacking *u = arg;
    const struct lfi_conv2d *c = u->conv;
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const int64_t area = c->kernel_h * c->kernel_w, group = index / u->blocks;
    const int64_t i = index % u->blocks * INS, rows = ins - i < INS ? ins - i : INS;
    const float *sums = u->sums + (group * area * ins + i) * outs;
    float *dw = c->dw + (group * outs * ins + i) * area;
    float *room = u->memory->slots + slot * u->memory->slot_floats;
    int64_t first, tap, o;

    for (first = 0; first < outs; first += OUTS) {
        const int64_t cols = outs - first < OUTS ? outs - first : OUTS;

        for (tap = 0; tap < area; tap++)
            u->env->kernels->transpose_f32(sums + tap * ins * outs + first, rows, cols,
                                           outs, room + tap * OUTS * INS, INS);
        for (o = 0; o < cols; o++)
            weave(room + o * INS, area, rows, c->accumulate,
                  dw + (first + o) * ins * area);
    }
}

lfuse_status lfi_conv2d_unpack(const struct lfi_env *env, const struct lfi_conv2d *c,
                               const float *sums, const struct lfi_conv2d_memory *memory,
                               lfuse_error *err)
{
    struct unpacking u = {env, c, sums, memory,
                          (c->in_channels / c->groups - 1) / INS + 1};

    return lfi_parallel_for(env, c->groups * u.blocks, unpack_block, &u, err);
}
