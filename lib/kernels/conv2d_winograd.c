/*
 * conv2d_winograd.c - when to use Winograd's algorithm; tiles, and their transforms
 *
 * The choice was fitted to `bench_conv2d 2 "" all` at batch 128, 4 and 1 on two Zen 4 cores. From 16
 * channels up F(4x4) takes a half to a third of the time; at 8 a seventh less, which is not worth
 * its digits. F(2x2) is nowhere the fastest: images of two pixels have no product with a zero in
 * conv2d_small.c, either. Below some tiles, making U costs more than it saves.
 */
#include "kernels/conv2d_winograd.h"

enum {
    LINE = LFI_ALIGN / (int)sizeof(float),
    MOST_POINTS = 6,
    LEAST_CHANNELS = 16,
    LEAST_SIZE = 3 /* of the output's height and width */
};

static bool fits(const struct lfi_conv2d *c)
{
    return c->kernel_h == 3 && c->kernel_w == 3 && c->stride_h == 1 && c->stride_w == 1 &&
           c->dilation_h == 1 && c->dilation_w == 1 && c->groups == 1 && c->nhwc;
}

/* Whether the weights at all points have a byte count, with room for more: no other size is
 * larger than these and x and y. */
static bool is_small(const struct lfi_conv2d *c)
{
    int64_t bytes = MOST_POINTS * MOST_POINTS * (int64_t)sizeof(float) * 2;

    return lfi_mul_int64(bytes, c->in_channels, &bytes) &&
           lfi_mul_int64(bytes, c->out_channels, &bytes);
}

lfuse_status lfi_conv2d_winograd_check(const struct lfi_conv2d *c, lfuse_error *err)
{
    if (c->winograd <= 0)
        return LFUSE_OK;
    if (!fits(c))
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "args.algorithm asks for Winograd, which takes NHWC, kernels of "
                        "3 x 3, strides and dilations of 1, and one group");
    if (!is_small(c))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW,
                        "the workspace for %lld and %lld channels does not fit",
                        (long long)c->in_channels, (long long)c->out_channels);
    return LFUSE_OK;
}

static bool is_worth_it(const struct lfi_conv2d *c)
{
    static const struct {
        int64_t most_pairs; /* of an in and an out */
        int64_t least_tiles;
    } choices[] = {{1 << 16, 4}, {INT64_MAX, 16}};
    const int64_t tiles =
        lfi_conv2d_winograd_tiles(4, c->batch, c->out_h, c->out_w).count;
    size_t i;

    if (c->in_channels < LEAST_CHANNELS || c->out_channels < LEAST_CHANNELS ||
        c->out_h < LEAST_SIZE || c->out_w < LEAST_SIZE)
        return false;
    for (i = 0; c->in_channels * c->out_channels > choices[i].most_pairs; i++)
        ;
    return tiles >= choices[i].least_tiles;
}

int64_t lfi_conv2d_winograd_outputs(const struct lfi_conv2d *c)
{
    if (c->winograd >= 0)
        return c->winograd;
    return fits(c) && is_small(c) && is_worth_it(c) ? 4 : 0;
}

struct lfi_winograd_tiles lfi_conv2d_winograd_tiles(int64_t outputs, int64_t batch,
                                                    int64_t out_h, int64_t out_w)
{
    struct lfi_winograd_tiles tiles = {
        .outputs = outputs,
        .points = (outputs + 2) * (outputs + 2),
        .down = (out_h + outputs - 1) / outputs,
        .across = (out_w + outputs - 1) / outputs,
    };

    tiles.count = batch * tiles.down * tiles.across;
    return tiles;
}

static int64_t odd_lines(int64_t floats)
{
    const int64_t lines = (floats + LINE - 1) / LINE;

    return (lines + (lines % 2 == 0)) * LINE;
}

struct lfi_winograd_matrices lfi_conv2d_winograd_matrices(int64_t points, int64_t rows,
                                                          int64_t channels)
{
    struct lfi_winograd_matrices matrices = {.row = odd_lines(channels)};

    matrices.point = odd_lines(rows * matrices.row);
    matrices.floats = points * matrices.point;
    return matrices;
}

/* The square of one tile. */
struct place {
    int64_t pixel; /* of its first pixel, which may lie outside */
    int64_t row;   /* from which to which the image goes, counted from there */
    int64_t end_row;
    int64_t col;
    int64_t end_col;
};

static struct place place_of(const struct lfi_winograd_tiles *t,
                             const struct lfi_winograd_images *m, int64_t index)
{
    const int64_t image = index / (t->down * t->across);
    const int64_t rest = index % (t->down * t->across);
    const int64_t y = rest / t->across * t->outputs - m->top;
    const int64_t x = rest % t->across * t->outputs - m->left;
    const struct place place = {(image * m->height + y) * m->width + x, -y, m->height - y,
                                -x, m->width - x};

    return place;
}

static void put_place(const struct place *place, struct lfi_winograd_tile *tile)
{
    tile->first_row = place->row;
    tile->end_row = place->end_row;
    tile->first_col = place->col;
    tile->end_col = place->end_col;
}

void lfi_conv2d_winograd_load(const struct lfi_env *env,
                              const struct lfi_winograd_tiles *tiles,
                              const struct lfi_winograd_images *images,
                              enum lfi_winograd_kind kind, const float *data,
                              int64_t first, int64_t count,
                              const struct lfi_winograd_matrices *matrices, float *to)
{
    struct lfi_winograd_tile tile = {
        .from_row = images->width * images->channels,
        .from_col = images->channels,
        .to_row = (tiles->outputs + 2) * matrices->point,
        .to_col = matrices->point,
        .width = images->channels,
        .outputs = (int32_t)tiles->outputs,
        .kind = kind,
    };
    int64_t i;

    for (i = 0; i < count; i++) {
        const struct place place = place_of(tiles, images, first + i);

        put_place(&place, &tile);
        tile.from = data + place.pixel * images->channels;
        tile.to = to + i * matrices->row;
        env->kernels->winograd_f32(&tile);
    }
}

/* How many of the `count` tiles from `first` on lie side by side and are one line. */
static int64_t line_at(const struct lfi_winograd_tiles *tiles, int64_t first,
                       int64_t count)
{
    int64_t line = tiles->across - first % tiles->across;

    line = line < count ? line : count;
    return line < LFI_WINOGRAD_LINE ? line : LFI_WINOGRAD_LINE;
}

void lfi_conv2d_winograd_load_row(const struct lfi_env *env,
                                  const struct lfi_winograd_tiles *tiles,
                                  const struct lfi_winograd_images *images,
                                  const struct lfi_winograd_part *part, const float *data,
                                  int64_t first, int64_t count,
                                  const struct lfi_winograd_matrices *matrices,
                                  float *half, float *to)
{
    struct lfi_winograd_line line = {
        .half = half,
        .from_row = images->width * images->channels,
        .from_col = images->channels,
        .to_tile = matrices->row,
        .to_point = matrices->point,
        .width = part->width,
        .cols = images->width,
        .outputs = (int32_t)tiles->outputs,
        .row = (int32_t)part->row,
        .gradient = part->gradient,
    };
    int64_t done;

    for (done = 0; done < count; done += line.tiles) {
        const struct place place = place_of(tiles, images, first + done);
        struct place next;

        line.tiles = line_at(tiles, first + done, count - done);
        next = place_of(tiles, images, first + done + line.tiles);
        line.first = -place.col;
        line.first_row = place.row;
        line.end_row = place.end_row;
        line.from = data + part->channel + (place.pixel + place.col) * images->channels;
        line.to = to + done * matrices->row;
        line.ahead = (next.pixel - place.pixel) * images->channels;
        env->kernels->winograd_line_f32(&line);
    }
}

/* What follows the sums of one tile, channels from `channel` on, while they are in the first
 * cache. */
static void end_tile(const struct lfi_env *env, const struct lfi_winograd_images *images,
                     const struct lfi_winograd_tile *tile, const struct place *place,
                     int64_t channel, const struct lfi_winograd_output *output)
{
    const int64_t rows = tile->outputs < place->end_row ? tile->outputs : place->end_row;
    const int64_t cols = tile->outputs < place->end_col ? tile->outputs : place->end_col;
    int64_t row;

    for (row = 0; row < rows && output->epilogue.needed; row++) {
        const int64_t at =
            (place->pixel + row * images->width) * images->channels + channel;

        lfi_conv2d_epilogue_run(env, &output->epilogue, channel, tile->width,
                                output->residual == NULL ? NULL : output->residual + at,
                                cols, output->data + at);
    }
}

void lfi_conv2d_winograd_store(const struct lfi_env *env,
                               const struct lfi_winograd_tiles *tiles,
                               const struct lfi_winograd_images *images, int64_t first,
                               int64_t count,
                               const struct lfi_winograd_matrices *matrices,
                               const float *from,
                               const struct lfi_winograd_output *output)
{
    struct lfi_winograd_tile tile = {
        .from_row = (tiles->outputs + 2) * matrices->point,
        .from_col = matrices->point,
        .to_row = images->width * images->channels,
        .to_col = images->channels,
        .width = images->channels,
        .outputs = (int32_t)tiles->outputs,
        .kind = LFI_WINOGRAD_OUTPUT,
        .accumulate = output->accumulate,
    };
    int64_t i;

    for (i = 0; i < count; i++) {
        const struct place place = place_of(tiles, images, first + i);

        put_place(&place, &tile);
        tile.from = from + i * matrices->row;
        tile.to = output->data + place.pixel * images->channels;
        env->kernels->winograd_f32(&tile);
        end_tile(env, images, &tile, &place, 0, output);
    }
}

void lfi_conv2d_winograd_store_row(
    const struct lfi_env *env, const struct lfi_winograd_tiles *tiles,
    const struct lfi_winograd_images *images, const struct lfi_winograd_part *part,
    int64_t first, int64_t count, const struct lfi_winograd_matrices *matrices,
    const float *from, const struct lfi_winograd_output *output, int64_t turn)
{
    struct lfi_winograd_tile tile = {
        .from_col = matrices->point,
        .to_row = images->width * images->channels,
        .to_col = images->channels,
        .width = part->width,
        .outputs = (int32_t)tiles->outputs,
        .row = (int32_t)part->row,
        .kind = LFI_WINOGRAD_OUTPUT,
        .accumulate = turn > 0 || output->accumulate,
    };
    int64_t i;

    for (i = 0; i < count; i++) {
        const struct place place = place_of(tiles, images, first + i);

        put_place(&place, &tile);
        tile.from = from + i * matrices->row;
        tile.to = output->data + place.pixel * images->channels + part->channel;
        env->kernels->winograd_half_f32(&tile);
        if (turn == tiles->outputs + 1)
            end_tile(env, images, &tile, &place, part->channel, output);
    }
}
