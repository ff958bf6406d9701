/*
 * conv2d_pack.c - weights (out, in, ky, kx) as the products read them
 *
 * The columns of a product are contiguous, or a panel of them is: output channels in forward,
 * input channels in backward data. There, an input pixel meets only the taps kx with
 * kx * dilation = pixel + pad (mod stride): the kx of one residue mod
 * stride / gcd(stride, dilation). They are stored together, in descending order because the
 * output pixel they meet goes down as kx goes up.
 */
#include "kernels/conv2d.h"

#include <string.h>

enum {
    PANEL = 32, /* what the widest micro-kernel takes at once */
    RUN = 128   /* numbers of each column that go through the cache together */
};

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

int64_t lfi_conv2d_phase_place(const struct lfi_conv2d *conv, int64_t kx)
{
    int64_t period = conv->stride_w / greatest_divisor(conv->stride_w, conv->dilation_w);
    int64_t other, place = 0;

    for (other = 0; other < conv->kernel_w; other++)
        if (other % period < kx % period || (other % period == kx % period && other > kx))
            place++;
    return place;
}

int64_t lfi_conv2d_panel(int64_t columns)
{
    return columns % PANEL == 0 ? PANEL : columns;
}

/* Both directions move runs of numbers that are contiguous in w, of several columns, to rows. */
struct packing {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    float *packed;
    bool backward;
    int64_t depth; /* these two: of a group */
    int64_t columns;
    int64_t panel;
    int64_t chunks; /* runs of a group's filter, in forward */
};

/* The row of the columns from `first` on, for one tap and reduction channel of a group. */
static float *row_of(const struct packing *p, int64_t group, int64_t tap, int64_t channel,
                     int64_t first)
{
    const struct lfi_conv2d *c = p->conv;
    const int64_t area = c->kernel_h * c->kernel_w, kx = tap % c->kernel_w;
    const int64_t place = p->backward ? tap - kx + lfi_conv2d_phase_place(c, kx) : tap;

    return p->packed + group * area * p->depth * p->columns +
           ((first / p->panel * area + place) * p->depth + channel) * p->panel +
           first % p->panel;
}

/* Numbers [from, from + count) of the filters of one group, (in, tap), for all outputs. */
static void pack_forward(void *arg, int64_t index, int32_t slot)
{
    const struct packing *p = arg;
    const struct lfi_conv2d *c = p->conv;
    const int64_t area = c->kernel_h * c->kernel_w, filter = p->depth * area;
    const int64_t group = index / p->chunks, from = index % p->chunks * RUN;
    const int64_t count = filter - from < RUN ? filter - from : RUN;
    float rows[RUN * PANEL];
    int64_t first, i;

    (void)slot;
    for (first = 0; first < p->columns; first += PANEL) {
        const int64_t width = p->columns - first < PANEL ? p->columns - first : PANEL;

        p->env->kernels->transpose_f32(c->w + (group * p->columns + first) * filter +
                                           from,
                                       width, count, filter, rows, width);
        for (i = 0; i < count; i++)
            memcpy(row_of(p, group, (from + i) % area, (from + i) / area, first),
                   rows + i * width, (size_t)width * sizeof(float));
    }
}

/* All taps of one output channel, for all inputs. */
static void pack_backward(void *arg, int64_t index, int32_t slot)
{
    const struct packing *p = arg;
    const struct lfi_conv2d *c = p->conv;
    const int64_t area = c->kernel_h * c->kernel_w;
    const float *w = c->w + index * p->columns * area;
    float rows[RUN * PANEL];
    int64_t first, from, i;

    (void)slot;
    for (first = 0; first < p->columns; first += PANEL)
        for (from = 0; from < area; from += RUN) {
            const int64_t width = p->columns - first < PANEL ? p->columns - first : PANEL;
            const int64_t count = area - from < RUN ? area - from : RUN;

            p->env->kernels->transpose_f32(w + first * area + from, width, count, area,
                                           rows, width);
            for (i = 0; i < count; i++)
                memcpy(row_of(p, index / p->depth, from + i, index % p->depth, first),
                       rows + i * width, (size_t)width * sizeof(float));
        }
}

lfuse_status lfi_conv2d_pack_panels(const struct lfi_env *env, const struct lfi_conv2d *c,
                                    bool backward, float *packed, lfuse_error *err)
{
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    struct packing p = {
        .env = env,
        .conv = c,
        .packed = packed,
        .backward = backward,
        .depth = backward ? outs : ins,
        .columns = backward ? ins : outs,
        .chunks = (ins * c->kernel_h * c->kernel_w - 1) / RUN + 1,
    };

    p.panel = lfi_conv2d_panel(p.columns);
    if (backward)
        return lfi_parallel_for(env, c->out_channels, pack_backward, &p, err);
    return lfi_parallel_for(env, c->groups * p.chunks, pack_forward, &p, err);
}

/* ---- by direction ---------------------------------------------------------------------------- */

int64_t lfi_conv2d_packed_floats(const struct lfi_conv2d *conv, int direction)
{
    const int64_t outputs = lfi_conv2d_winograd_outputs(conv);

    (void)direction;
    if (outputs != 0)
        return (outputs + 2) * (outputs + 2) * conv->in_channels * conv->out_channels;
    return lfi_conv2d_weight_count(conv);
}

/* By shape it would change with the batch. */
void lfi_conv2d_follow(const struct lfi_conv2d *packed, struct lfi_conv2d *conv)
{
    struct lfi_conv2d followed = *conv;

    followed.winograd = (int32_t)lfi_conv2d_winograd_outputs(packed);
    if (conv->winograd < 0 && lfi_conv2d_winograd_check(&followed, NULL) == LFUSE_OK)
        conv->winograd = followed.winograd;
}

bool lfi_conv2d_packs_alike(const struct lfi_conv2d *a, const struct lfi_conv2d *b,
                            int direction)
{
    return a->out_channels == b->out_channels && a->in_channels == b->in_channels &&
           a->kernel_h == b->kernel_h && a->kernel_w == b->kernel_w &&
           a->groups == b->groups &&
           lfi_conv2d_winograd_outputs(a) == lfi_conv2d_winograd_outputs(b) &&
           (direction == LFI_CONV2D_FORWARD ||
            (a->stride_w == b->stride_w && a->dilation_w == b->dilation_w));
}

lfuse_status lfi_conv2d_pack(const struct lfi_env *env, const struct lfi_conv2d *conv,
                             int direction, float *packed, lfuse_error *err)
{
    const bool backward = direction == LFI_CONV2D_BACKWARD_DATA;

    if (lfi_conv2d_winograd_outputs(conv) != 0)
        return lfi_conv2d_winograd_weights(env, conv, backward, packed, err);
    if (lfi_conv2d_is_channelwise(conv))
        return lfi_conv2d_pack_channels(env, conv, backward, packed, err);
    return lfi_conv2d_pack_panels(env, conv, backward, packed, err);
}

lfuse_status lfi_conv2d_weights(const struct lfi_env *env, const struct lfi_conv2d *conv,
                                int direction, float *memory, const float **weights,
                                lfuse_error *err)
{
    *weights = memory;
    if (conv->packed[direction] == NULL)
        return lfi_conv2d_pack(env, conv, direction, memory, err);
    *weights = conv->packed[direction];
    return LFUSE_OK;
}
