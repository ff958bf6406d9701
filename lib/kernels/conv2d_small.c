/*
 * conv2d_small.c - forward and backward data on images of few pixels
 *
 * Here a row of the product is an image, and there is one product for each pixel that is written:
 * over the taps that meet a pixel of the source, so that no zero around an image is ever
 * multiplied. On images of 2 x 2 that saves five products of nine, and tiles are full where an
 * image's row has two pixels.
 *
 * The images of a task are copied, because as they lie in a batch they are often a power of two
 * apart and fall into the same place of a cache.
 */
#include "kernels/conv2d.h"

enum {
    MOST_PIXELS = 64,      /* written, of an image */
    SHARES = 4,            /* tasks are a multiple, so that few threads end together */
    LEAST_IMAGES = 8,      /* fewer do not fill a tile */
    MOST_IMAGES = 24,      /* of a task: two full tiles */
    TASK_FLOATS = 1 << 17, /* of a task's source */
    LINE = LFI_ALIGN / (int)sizeof(float)
};

struct small {
    const struct lfi_env *env;
    const struct lfi_conv2d *conv;
    struct lfi_conv2d_memory *memory;
    bool backward;
    struct lfi_conv2d_image source; /* unpadded */
    struct lfi_conv2d_image target;
    int64_t image; /* from one image of a task to the next */
    int64_t tasks;
    const float *weights;
    int64_t *taps; /* (target pixels, {taps, steps, a_tap (area), b_tap (area)}) */
    struct lfi_conv2d_epilogue epilogue;
};

bool lfi_conv2d_is_small(const struct lfi_conv2d *c)
{
    return c->groups == 1 && c->kernel_h * c->kernel_w > 1 && c->batch >= LEAST_IMAGES &&
           c->out_h * c->out_w <= MOST_PIXELS && c->height * c->width <= 4 * MOST_PIXELS;
}

static int64_t pixels_of(const struct lfi_conv2d_image *image)
{
    return image->height * image->width;
}

static int64_t tap_words(const struct lfi_conv2d *c)
{
    return 2 + 2 * c->kernel_h * c->kernel_w;
}

static int64_t tap_floats(const struct small *s)
{
    const int64_t words = (int64_t)(sizeof(int64_t) / sizeof(float));

    return lfi_conv2d_round(
        (pixels_of(&s->target) * tap_words(s->conv) + 2 * s->conv->kernel_w) * words);
}

static int64_t task_images(const struct small *s)
{
    return (s->conv->batch - 1) / s->tasks + 1;
}

static int64_t target_floats(const struct small *s)
{
    return s->target.nhwc
               ? 0
               : lfi_conv2d_round(task_images(s) * lfi_conv2d_image_floats(&s->target));
}

static struct small plan(const struct lfi_env *env, const struct lfi_conv2d *c,
                         bool backward, struct lfi_conv2d_memory *memory)
{
    const struct lfi_conv2d_image x = lfi_conv2d_image_plain(c, false);
    const struct lfi_conv2d_image y = lfi_conv2d_image_plain(c, true);
    struct small s = {
        .env = env,
        .conv = c,
        .memory = memory,
        .backward = backward,
        .source = backward ? y : x,
        .target = backward ? x : y,
    };
    int64_t images;

    /* an odd number of lines */
    s.image = lfi_conv2d_round(lfi_conv2d_image_floats(&s.source));
    s.image += s.image / LINE % 2 == 0 ? LINE : 0;
    images = TASK_FLOATS / s.image;
    images = images > MOST_IMAGES ? MOST_IMAGES : images;
    images = images < LEAST_IMAGES ? LEAST_IMAGES : images;
    s.tasks = (c->batch - 1) / images + 1;
    if (s.tasks > 1 && c->batch / s.tasks > LEAST_IMAGES)
        s.tasks = (s.tasks + SHARES - 1) / SHARES * SHARES;
    return s;
}

/* Shared: weights, taps, the epilogue's numbers. A slot's: source, target, residual. */
lfuse_status lfi_conv2d_small_memory(const struct lfi_env *env,
                                     const struct lfi_conv2d *c, bool backward,
                                     struct lfi_conv2d_memory *memory, lfuse_error *err)
{
    const struct small s = plan(env, c, backward, memory);

    memory->shared_floats = lfi_conv2d_round(lfi_conv2d_weight_count(c)) +
                            tap_floats(&s) + lfi_conv2d_epilogue_floats(c);
    memory->as_it_is = true;
    memory->slot_floats = task_images(&s) * s.image + 2 * target_floats(&s);
    return lfi_conv2d_memory_size(env, memory, err);
}

/* The pixel of one axis that tap k joins to this one of the target, or -1. */
static int64_t meet(bool backward, int64_t at, int64_t k, int64_t pad, int64_t dilation,
                    int64_t stride, int64_t size)
{
    int64_t other = backward ? at + pad - k * dilation : at * stride + k * dilation - pad;

    if (other < 0 || (backward && other % stride != 0))
        return -1;
    other = backward ? other / stride : other;
    return other < size ? other : -1;
}

/* The columns of the kernel that meet pixel x of the target, in the order of their places: how
 * many, and where the first lies in the source and in the weights. Each is one further in both,
 * or *joined is false. */
static int64_t columns_of(const struct small *s, int64_t x, int64_t *sources,
                          int64_t *places, bool *joined)
{
    const struct lfi_conv2d *c = s->conv;
    int64_t k, n = 0;

    *joined = true;
    for (k = 0; k < c->kernel_w; k++) {
        const int64_t kx = s->backward ? c->kernel_w - 1 - k : k;
        const int64_t sx = meet(s->backward, x, kx, c->pad_left, c->dilation_w,
                                c->stride_w, s->source.width);

        if (sx < 0)
            continue;
        sources[n] = sx;
        places[n] = s->backward ? lfi_conv2d_phase_place(c, kx) : kx;
        *joined = *joined && sx == sources[0] + n && places[n] == places[0] + n;
        n++;
    }
    return n;
}

/* The taps of one pixel of the target, to `words`; room is for two numbers per column. */
static void fill_pixel(const struct small *s, int64_t y, int64_t x, int64_t *room,
                       int64_t *words)
{
    const struct lfi_conv2d *c = s->conv;
    const int64_t area = c->kernel_h * c->kernel_w;
    const int64_t row = s->source.channels * lfi_conv2d_panel(s->target.channels);
    int64_t *sources = room, *places = room + c->kernel_w;
    bool joined;
    const int64_t columns = columns_of(s, x, sources, places, &joined);
    int64_t ky, k, n = 0;

    for (ky = 0; ky < c->kernel_h; ky++) {
        int64_t sy = meet(s->backward, y, ky, c->pad_top, c->dilation_h, c->stride_h,
                          s->source.height);

        for (k = 0; k < (joined && columns > 0 ? 1 : columns) && sy >= 0; k++) {
            words[2 + n] = (sy * s->source.width + sources[k]) * s->source.channels;
            words[2 + area + n++] = (ky * c->kernel_w + places[k]) * row;
        }
    }
    words[0] = n;
    words[1] = s->source.channels * (joined ? columns : 1);
}

static void fill_taps(struct small *s)
{
    const int64_t words = tap_words(s->conv), pixels = pixels_of(&s->target);
    int64_t p;

    for (p = 0; p < pixels; p++)
        fill_pixel(s, p / s->target.width, p % s->target.width, s->taps + pixels * words,
                   s->taps + p * words);
}

/* All pixels of `images` images, panel by panel. */
static void run_products(const struct small *s, const float *source, int64_t images,
                         float *target)
{
    const struct lfi_conv2d *c = s->conv;
    const int64_t channels = s->target.channels, panel = lfi_conv2d_panel(channels);
    const int64_t area = c->kernel_h * c->kernel_w, pixels = pixels_of(&s->target);
    struct lfi_gemm_tile tile = {
        .a = source,
        .rows = images,
        .cols = panel,
        .a_row = s->image,
        .a_step = 1,
        .b_step = panel,
        .c_row = pixels * channels,
        .accumulate = c->accumulate,
    };
    int64_t first, p;

    for (first = 0; first < channels; first += panel)
        for (p = 0; p < pixels; p++) {
            const int64_t *words = s->taps + p * tap_words(c);

            tile.b = s->weights + first * area * s->source.channels;
            tile.c = target + p * channels + first;
            tile.taps = words[0];
            tile.steps = words[1];
            tile.a_tap = words + 2;
            tile.b_tap = words + 2 + area;
            s->env->kernels->gemm_f32(&tile);
        }
}

/* `images` images of an array like the target, as NHWC: in scratch, or as they stand. */
static const float *load_target(const struct small *s, const float *data, int64_t images,
                                float *scratch)
{
    const int64_t pixels = pixels_of(&s->target), channels = s->target.channels;
    int64_t i;

    if (s->target.nhwc)
        return data;
    for (i = 0; i < images; i++)
        s->env->kernels->transpose_f32(data + i * pixels * channels, channels, pixels,
                                       pixels, scratch + i * pixels * channels, channels);
    return scratch;
}

static void store_target(const struct small *s, const float *scratch, int64_t images,
                         float *data)
{
    const int64_t pixels = pixels_of(&s->target), channels = s->target.channels;
    int64_t i;

    for (i = 0; i < images && !s->target.nhwc; i++)
        s->env->kernels->transpose_f32(scratch + i * pixels * channels, pixels, channels,
                                       channels, data + i * pixels * channels, pixels);
}

static void run_task(void *arg, int64_t task, int32_t slot)
{
    const struct small *s = arg;
    const struct lfi_conv2d *c = s->conv;
    const int64_t first = task * c->batch / s->tasks;
    const int64_t images = (task + 1) * c->batch / s->tasks - first;
    const int64_t begin = first * lfi_conv2d_image_floats(&s->target);
    float *source = s->memory->slots + slot * s->memory->slot_floats;
    float *scratch = source + task_images(s) * s->image;
    float *data = (s->backward ? c->dx : c->y) + begin;
    float *target = s->target.nhwc ? data : scratch;
    const float *residual = NULL;
    int64_t i;

    for (i = 0; i < images; i++)
        lfi_conv2d_image_copy(s->env, &s->source, s->backward ? c->dy : c->x, first + i,
                              source + i * s->image);
    if (c->accumulate)
        load_target(s, data, images, scratch);
    run_products(s, source, images, target);
    if (!s->backward) {
        if (c->residual != NULL)
            residual =
                load_target(s, c->residual + begin, images, scratch + target_floats(s));
        lfi_conv2d_epilogue_run(s->env, &s->epilogue, 0, c->out_channels, residual,
                                images * pixels_of(&s->target), target);
    }
    store_target(s, scratch, images, data);
}

lfuse_status lfi_conv2d_small(const struct lfi_env *env, const struct lfi_conv2d *c,
                              bool backward, lfuse_error *err)
{
    struct lfi_conv2d_memory memory = {0};
    struct small s = plan(env, c, backward, &memory);
    float *after;
    lfuse_status status;

    status = lfi_conv2d_small_memory(env, c, backward, &memory, err);
    if (status == LFUSE_OK)
        status = lfi_conv2d_memory_take(env, c, &memory, err);
    if (status != LFUSE_OK)
        return status;
    after = memory.shared + lfi_conv2d_round(lfi_conv2d_weight_count(c));
    s.taps = (int64_t *)(void *)after;
    s.epilogue = lfi_conv2d_epilogue_make(c, after + tap_floats(&s));
    fill_taps(&s);
    status = lfi_conv2d_weights(env, c,
                                backward ? LFI_CONV2D_BACKWARD_DATA : LFI_CONV2D_FORWARD,
                                memory.shared, &s.weights, err);
    if (status == LFUSE_OK)
        status = lfi_parallel_for(env, s.tasks, run_task, &s, err);
    lfi_conv2d_memory_give(env, c, &memory);
    return status;
}
