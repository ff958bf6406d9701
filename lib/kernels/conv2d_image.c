/* conv2d_image.c - images as padded NHWC, and the passes over their rows */
#include "kernels/conv2d.h"

#include <string.h>

enum { ROWS = 96 }; /* of a product */

bool lfi_conv2d_image_is_direct(const struct lfi_conv2d_image *image)
{
    return image->nhwc && image->padded_h == image->height &&
           image->padded_w == image->width;
}

int64_t lfi_conv2d_image_floats(const struct lfi_conv2d_image *image)
{
    return image->padded_h * image->padded_w * image->channels;
}

int64_t lfi_conv2d_image_rows_scratch(const struct lfi_conv2d_image *image, int64_t rows)
{
    return lfi_conv2d_image_is_direct(image)
               ? 0
               : lfi_conv2d_round(rows * image->padded_w * image->channels);
}

int64_t lfi_conv2d_image_scratch(const struct lfi_conv2d_image *image)
{
    return lfi_conv2d_image_rows_scratch(image, image->padded_h);
}

struct lfi_conv2d_image lfi_conv2d_image_of_x(const struct lfi_conv2d *c)
{
    struct lfi_conv2d_image image = {
        .channels = c->in_channels,
        .height = c->height,
        .width = c->width,
        .top = c->pad_top,
        .left = c->pad_left,
        .padded_h = c->height + c->pad_top + c->pad_bottom,
        .padded_w = c->width + c->pad_left + c->pad_right,
        .nhwc = c->nhwc,
    };

    return image;
}

struct lfi_conv2d_image lfi_conv2d_image_plain(const struct lfi_conv2d *c, bool of_y)
{
    struct lfi_conv2d_image image = {
        .channels = of_y ? c->out_channels : c->in_channels,
        .height = of_y ? c->out_h : c->height,
        .width = of_y ? c->out_w : c->width,
        .nhwc = c->nhwc,
    };

    image.padded_h = image.height;
    image.padded_w = image.width;
    return image;
}

void lfi_conv2d_image_copy(const struct lfi_env *env,
                           const struct lfi_conv2d_image *image, const float *data,
                           int64_t index, float *to)
{
    const int64_t pixels = image->height * image->width, channels = image->channels;

    data += index * pixels * channels;
    if (image->nhwc)
        memcpy(to, data, (size_t)(pixels * channels) * sizeof(float));
    else
        env->kernels->transpose_f32(data, channels, pixels, pixels, to, channels);
}

static void load_row(const struct lfi_env *env, const struct lfi_conv2d_image *image,
                     const float *from, float *to)
{
    if (image->nhwc)
        memcpy(to, from, (size_t)(image->width * image->channels) * sizeof(float));
    else
        env->kernels->transpose_f32(from, image->channels, image->width,
                                    image->height * image->width, to, image->channels);
}

const float *lfi_conv2d_image_load_rows(const struct lfi_env *env,
                                        const struct lfi_conv2d_image *image,
                                        const float *data, int64_t index, int64_t first,
                                        int64_t rows, float *scratch)
{
    const int64_t row = image->padded_w * image->channels;
    const int64_t next = image->nhwc ? image->width * image->channels : image->width;
    const float *from = data + index * image->height * image->width * image->channels;
    int64_t i;

    if (lfi_conv2d_image_is_direct(image))
        return from + first * row;
    for (i = first; i < first + rows; i++) {
        float *to = scratch + (i - first) * row;

        if (i < image->top || i >= image->top + image->height)
            memset(to, 0, (size_t)row * sizeof(float));
        else
            load_row(env, image, from + (i - image->top) * next,
                     to + image->left * image->channels);
    }
    return scratch;
}

const float *lfi_conv2d_image_load(const struct lfi_env *env,
                                   const struct lfi_conv2d_image *image,
                                   const float *data, int64_t index, float *scratch)
{
    return lfi_conv2d_image_load_rows(env, image, data, index, 0, image->padded_h,
                                      scratch);
}

/* Rows of an image that follow each other without a gap, in A and in C, are one long row. */
static void join_rows(struct lfi_conv2d_pass *pass)
{
    const struct lfi_gemm_tile *tile = &pass->tile;

    if (pass->count > 1 && pass->a_next == tile->rows * tile->a_row &&
        pass->c_next == tile->rows * tile->c_row) {
        pass->tile.rows *= pass->count;
        pass->count = 1;
    }
}

/* One row of the pass, in blocks that stay in the cache until the epilogue has been at them. */
static void run_row(const struct lfi_env *env, const struct lfi_conv2d_pass *pass,
                    struct lfi_gemm_tile tile, int64_t channel)
{
    const int64_t rows = tile.rows;
    int64_t i;

    for (i = 0; i < rows; i += ROWS) {
        tile.rows = rows - i < ROWS ? rows - i : ROWS;
        env->kernels->gemm_f32(&tile);
        if (pass->epilogue != NULL)
            lfi_conv2d_epilogue_run(
                env, pass->epilogue, channel, tile.cols,
                pass->residual == NULL ? NULL : pass->residual + (tile.c - pass->tile.c),
                tile.rows, tile.c);
        tile.a += ROWS * tile.a_row;
        tile.c += ROWS * tile.c_row;
    }
}

static void run_channels(const struct lfi_env *env, const struct lfi_conv2d_pass *pass)
{
    const struct lfi_gemm_tile *g = &pass->tile;
    const struct lfi_channel_tile tile = {
        .x = g->a,
        .w = g->b,
        .y = g->c,
        .x_tap = g->a_tap,
        .w_tap = g->b_tap,
        .taps = g->taps,
        .lines = pass->count,
        .rows = g->rows,
        .width = g->cols,
        .x_line = pass->a_next,
        .x_step = g->a_row,
        .y_line = pass->c_next,
        .y_step = g->c_row,
        .accumulate = g->accumulate,
    };

    env->kernels->channel_products_f32(&tile);
    if (pass->epilogue != NULL)
        lfi_conv2d_epilogue_run(env, pass->epilogue, 0, g->cols, pass->residual,
                                pass->count * g->rows, g->c);
}

void lfi_conv2d_pass_run(const struct lfi_env *env, struct lfi_conv2d_pass pass)
{
    struct lfi_gemm_tile tile;
    int64_t group, panel, row;

    if (pass.channelwise) {
        run_channels(env, &pass);
        return;
    }
    join_rows(&pass);
    tile = pass.tile;
    for (group = 0; group < pass.groups; group++)
        for (panel = 0; panel < pass.panels; panel++) {
            const int64_t channel = group * pass.c_group + panel * tile.cols;

            tile.b = pass.tile.b + group * pass.b_group + panel * pass.b_panel;
            for (row = 0; row < pass.count; row++) {
                tile.a = pass.tile.a + group * pass.a_group + row * pass.a_next;
                tile.c = pass.tile.c + channel + row * pass.c_next;
                run_row(env, &pass, tile, channel);
            }
        }
}
