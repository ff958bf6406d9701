/*
 * conv2d_channels.c - groups of few channels: products channel by channel
 *
 * With few channels on both sides of a group, a product has too few columns to fill a vector.
 * Here a vector's lanes are channels of all groups. Lane o of the target, in the group o / m of m,
 * wants the d channels of that group of the source; so the source becomes d planes, each with as
 * many channels as the target, plane i with channel o / m * d + i at o:
 *
 *     target[pixel][o] = sum over planes i and taps of plane_i[pixel + tap][o] * w[i][tap][o]
 *
 * Where every group has one channel on each side, the plane is the image itself.
 */
#include "kernels/conv2d.h"

enum { MOST = 8 }; /* channels of a group; beyond that, products are as good */

bool lfi_conv2d_is_channelwise(const struct lfi_conv2d *c)
{
    return c->groups > 1 && c->in_channels / c->groups <= MOST &&
           c->out_channels / c->groups <= MOST;
}

struct lfi_conv2d_planes lfi_conv2d_planes_of(const struct lfi_conv2d *c, bool backward,
                                              int64_t pixels)
{
    const int64_t source = backward ? c->out_channels : c->in_channels;
    struct lfi_conv2d_planes planes = {
        .source = source,
        .channels = backward ? c->in_channels : c->out_channels,
        .count = source / c->groups,
        .pixels = pixels,
    };

    planes.width = planes.channels / c->groups;
    planes.plane = lfi_conv2d_round(pixels * planes.channels);
    planes.floats =
        planes.count == 1 && planes.width == 1 ? 0 : planes.count * planes.plane;
    return planes;
}

const float *lfi_conv2d_planes_make(const struct lfi_env *env,
                                    const struct lfi_conv2d_planes *p, const float *image,
                                    int64_t pixels, float *scratch)
{
    if (p->floats == 0)
        return image;
    env->kernels->channel_planes_f32(image, pixels * (p->channels / p->width), p->count,
                                     p->width, scratch, p->plane);
    return scratch;
}

int64_t lfi_conv2d_planes_taps(const struct lfi_conv2d_planes *p, int64_t area,
                               int64_t count, int64_t *x_taps, int64_t *w_taps)
{
    int64_t i, k;

    for (i = 1; i < p->count; i++)
        for (k = 0; k < count; k++) {
            x_taps[i * count + k] = x_taps[k] + i * p->plane;
            w_taps[i * count + k] = w_taps[k] + i * area * p->channels;
        }
    return p->count * count;
}

int64_t lfi_conv2d_most_taps(const struct lfi_conv2d *c)
{
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;

    return c->kernel_h * c->kernel_w *
           (lfi_conv2d_is_channelwise(c) ? (ins > outs ? ins : outs) : 1);
}

struct packing {
    const struct lfi_conv2d *conv;
    float *packed;
    bool backward;
};

/* A lane of the target: all its planes and taps. */
static void pack_lane(void *arg, int64_t lane, int32_t slot)
{
    const struct packing *p = arg;
    const struct lfi_conv2d *c = p->conv;
    const int64_t ins = c->in_channels / c->groups, outs = c->out_channels / c->groups;
    const int64_t area = c->kernel_h * c->kernel_w;
    const int64_t planes = p->backward ? outs : ins;
    const int64_t channels = p->backward ? c->in_channels : c->out_channels;
    int64_t i, tap;

    (void)slot;
    for (i = 0; i < planes; i++) {
        int64_t out = p->backward ? lane / ins * outs + i : lane;
        int64_t in = p->backward ? lane % ins : i;

        for (tap = 0; tap < area; tap++)
            p->packed[(i * area + tap) * channels + lane] =
                c->w[(out * ins + in) * area + tap];
    }
}

lfuse_status lfi_conv2d_pack_channels(const struct lfi_env *env,
                                      const struct lfi_conv2d *c, bool backward,
                                      float *packed, lfuse_error *err)
{
    struct packing packing = {c, packed, backward};

    return lfi_parallel_for(env, backward ? c->in_channels : c->out_channels, pack_lane,
                            &packing, err);
}
