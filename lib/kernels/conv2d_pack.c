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

enum { PANEL = 32 }; /* what the widest micro-kernel takes at once */

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

struct packing {
    const struct lfi_conv2d *conv;
    float *packed;
    bool backward;
};

/* The columns of one row, `next` apart in w. */
static void pack_row(const float *w, int64_t next, int64_t columns, float *to,
                     int64_t panel, int64_t b_panel)
{
    int64_t first, j;

    for (first = 0; first < columns; first += panel, to += b_panel)
        for (j = 0; j < panel; j++)
            to[j] = w[(first + j) * next];
}

/* One reduction channel of one group: a row of the product's B for every tap. */
static void pack_channel(void *arg, int64_t index, int32_t slot)
{
    const struct packing *p = arg;
    const struct lfi_conv2d *c = p->conv;
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const int64_t area = c->kernel_h * c->kernel_w;
    const int64_t depth = p->backward ? outs : ins, cols = p->backward ? ins : outs;
    const int64_t group = index / depth, channel = index % depth;
    const int64_t next = p->backward ? area : ins * area; /* from column to column */
    const float *w =
        c->w + group * outs * ins * area + channel * (p->backward ? ins * area : area);
    const int64_t panel = lfi_conv2d_panel(cols), b_panel = area * depth * panel;
    float *packed = p->packed + group * area * depth * cols + channel * panel;
    int64_t ky, kx;

    (void)slot;
    for (kx = 0; kx < c->kernel_w; kx++) {
        int64_t place = p->backward ? lfi_conv2d_phase_place(c, kx) : kx;

        for (ky = 0; ky < c->kernel_h; ky++)
            pack_row(w + ky * c->kernel_w + kx, next, cols,
                     packed + (ky * c->kernel_w + place) * depth * panel, panel, b_panel);
    }
}

lfuse_status lfi_conv2d_pack_weights(const struct lfi_env *env,
                                     const struct lfi_conv2d *conv, bool backward,
                                     float *packed, lfuse_error *err)
{
    struct packing packing = {conv, packed, backward};

    return lfi_parallel_for(env, backward ? conv->out_channels : conv->in_channels,
                            pack_channel, &packing, err);
}
