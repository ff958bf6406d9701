/*
 * conv2d_small_weights.c - dw and dbias on images of few pixels
 *
 *     dw[o][i][tap] = sum over the pixels that tap meets, images n of x[n][pixel + tap][i] *
 *                                                                    dy[n][pixel][o]
 *
 * A step of the product is an image and a tap of it one of those pixels, so that no zero around
 * an image is multiplied. A task has all images: some input channels for one kernel element, of
 * which nobody else adds anything. Sums are taken STRIP terms at a time.
 */
#include "kernels/conv2d.h"

enum {
    MOST_PIXELS =
        16,        /* of dy; on more, what a task reads of all images leaves the cache */
    CHANNELS = 16, /* of x, of a task */
    STRIP = 256,   /* terms that are added up before they meet the others */
    LINE = LFI_ALIGN / (int)sizeof(float)
};

struct small {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    struct lfi_conv2d_memory *memory;
    struct lfi_conv2d_image x; /* these two: unpadded */
    struct lfi_conv2d_image dy;
    int64_t x_image; /* floats from one copied image to the next */
    int64_t dy_image;
    float *x_copies;
    float *dy_copies;
    float *sums; /* (tap, i, o), then dbias */
};

bool lfi_conv2d_has_small_weights(const struct lfi_conv2d *c)
{
    return lfi_conv2d_is_small(c) && c->out_h * c->out_w <= MOST_PIXELS;
}

/* An odd number of lines. */
static int64_t image_floats(const struct lfi_conv2d_image *image)
{
    const int64_t floats = lfi_conv2d_round(lfi_conv2d_image_floats(image));

    return floats + (floats / LINE % 2 == 0 ? LINE : 0);
}

static struct small plan(const struct lfi_env *env, const struct lfi_conv2d *c,
                         struct lfi_conv2d_memory *memory)
{
    struct small s = {
        .env = env,
        .conv = c,
        .memory = memory,
        .x = lfi_conv2d_image_plain(c, false),
        .dy = lfi_conv2d_image_plain(c, true),
    };

    s.x_image = image_floats(&s.x);
    s.dy_image = image_floats(&s.dy);
    return s;
}

/* Shared: copies of x and dy, sums. A slot's: taps of one kernel element, and what unpacking
 * takes. */
lfuse_status lfi_conv2d_small_weights_memory(const struct lfi_env *env,
                                             const struct lfi_conv2d *c,
                                             struct lfi_conv2d_memory *memory,
                                             lfuse_error *err)
{
    const struct small s = plan(env, c, memory);
    const int64_t words = (int64_t)(sizeof(int64_t) / sizeof(float));
    int64_t copies;

    if (!lfi_mul_int64(c->batch, s.x_image + s.dy_image, &copies))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the workspace does not fit");
    memory->as_it_is = true;
    memory->shared_floats =
        copies + lfi_conv2d_round(lfi_conv2d_weight_count(c) + c->out_channels);
    memory->slot_floats =
        lfi_conv2d_unpack_floats(c) + lfi_conv2d_round(2 * c->out_h * c->out_w * words);
    return lfi_conv2d_memory_size(env, memory, err);
}

static void copy_image(void *arg, int64_t image, int32_t slot)
{
    const struct small *s = arg;

    (void)slot;
    lfi_conv2d_image_copy(s->env, &s->x, s->conv->x, image,
                          s->x_copies + image * s->x_image);
    lfi_conv2d_image_copy(s->env, &s->dy, s->conv->dy, image,
                          s->dy_copies + image * s->dy_image);
}

/* The pixels of dy for which this element of the kernel meets x, as taps. */
static int64_t fill_taps(const struct small *s, int64_t ky, int64_t kx, int64_t *a_taps,
                         int64_t *b_taps)
{
    const struct lfi_conv2d *c = s->conv;
    int64_t p, n = 0;

    for (p = 0; p < c->out_h * c->out_w; p++) {
        int64_t y = p / c->out_w * c->stride_h + ky * c->dilation_h - c->pad_top;
        int64_t x = p % c->out_w * c->stride_w + kx * c->dilation_w - c->pad_left;

        if (y < 0 || y >= c->height || x < 0 || x >= c->width)
            continue;
        a_taps[n] = (y * c->width + x) * c->in_channels;
        b_taps[n++] = p * c->out_channels;
    }
    return n;
}

/* The product of all taps and images, a strip at a time. */
static void run_strips(const struct small *s, struct lfi_gemm_tile tile)
{
    const struct lfi_gemm_tile all = tile;
    const int64_t batch = s->conv->batch;
    int64_t image, first, most;

    for (image = 0; image < batch; image += STRIP) {
        tile.steps = batch - image < STRIP ? batch - image : STRIP;
        most = STRIP / tile.steps;
        for (first = 0; first == 0 || first < all.taps; first += most) {
            tile.a = all.a + image * all.a_step;
            tile.b = all.b + image * all.b_step;
            tile.a_tap = all.a_tap + first;
            tile.b_tap = all.b_tap + first;
            tile.taps = all.taps - first < most ? all.taps - first : most;
            s->env->kernels->gemm_f32(&tile);
            tile.accumulate = true;
        }
    }
}

static int64_t blocks(const struct lfi_conv2d *c)
{
    return (c->in_channels - 1) / CHANNELS + 1;
}

/* One element of the kernel for some input channels. */
static void run_task(void *arg, int64_t task, int32_t slot)
{
    const struct small *s = arg;
    const struct lfi_conv2d *c = s->conv;
    const int64_t element = task / blocks(c), first = task % blocks(c) * CHANNELS;
    const int64_t left = c->in_channels - first;
    int64_t *taps = (int64_t *)(void *)(s->memory->slots + slot * s->memory->slot_floats);
    struct lfi_gemm_tile tile = {
        .a = s->x_copies + first,
        .b = s->dy_copies,
        .c = s->sums + (element * c->in_channels + first) * c->out_channels,
        .a_tap = taps,
        .b_tap = taps + c->out_h * c->out_w,
        .rows = left < CHANNELS ? left : CHANNELS,
        .cols = c->out_channels,
        .a_row = 1,
        .a_step = s->x_image,
        .b_step = s->dy_image,
        .c_row = c->out_channels,
    };

    tile.taps = fill_taps(s, element / c->kernel_w, element % c->kernel_w, taps,
                          taps + c->out_h * c->out_w);
    run_strips(s, tile);
}

/* dbias: the product with ones, pixel by pixel. */
static void run_bias(const struct small *s)
{
    static const float one = 1.0f;
    static const int64_t start = 0;
    const struct lfi_conv2d *c = s->conv;
    struct lfi_gemm_tile tile = {
        .a = &one,
        .c = s->sums + lfi_conv2d_weight_count(c),
        .a_tap = &start,
        .b_tap = &start,
        .taps = 1,
        .rows = 1,
        .cols = c->out_channels,
        .b_step = s->dy_image,
    };
    int64_t p, o;

    for (p = 0; p < c->out_h * c->out_w; p++) {
        tile.b = s->dy_copies + p * c->out_channels;
        run_strips(s, tile);
        tile.accumulate = true;
    }
    for (o = 0; o < c->out_channels; o++)
        c->dbias[o] = c->accumulate ? c->dbias[o] + tile.c[o] : tile.c[o];
}

lfuse_status lfi_conv2d_small_weights(const struct lfi_env *env,
                                      const struct lfi_conv2d *c, lfuse_error *err)
{
    struct lfi_conv2d_memory memory = {0};
    struct small s = plan(env, c, &memory);
    lfuse_status status;

    status = lfi_conv2d_small_weights_memory(env, c, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, c, &memory, err);
    if (status != LFUSE_OK)
        return status;
    s.x_copies = memory.shared;
    s.dy_copies = s.x_copies + c->batch * s.x_image;
    s.sums = s.dy_copies + c->batch * s.dy_image;
    status = lfi_parallel_for(env, c->batch, copy_image, &s, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, c->kernel_h * c->kernel_w * blocks(c), run_task,
                                  &s, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_unpack(env, c, s.sums, &memory, err);
    if (status == LFUSE_OK && c->dbias != NULL)
        run_bias(&s);
    lfi_conv2d_memory_give(env, c, &memory);
    return status;
}
