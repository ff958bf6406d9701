/* conv2d_image.c - images as padded NHWC, and the passes over their rows */
#include "kernels/conv2d.h"

#include <string.h>

bool lfi_conv2d_image_is_direct(const struct lfi_conv2d_image *image)
{
    return image->nhwc && image->padded_h == image->height &&
           image->padded_w == image->width;
}

int64_t lfi_conv2d_image_floats(const struct lfi_conv2d_image *image)
{
    return image->padded_h * image->padded_w * image->channels;
}

int64_t lfi_conv2d_image_scratch(const struct lfi_conv2d_image *image)
{
    return lfi_conv2d_image_is_direct(image)
               ? 0
               : lfi_conv2d_round(lfi_conv2d_image_floats(image));
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

const float *lfi_conv2d_image_load(const struct lfi_env *env,
                                   const struct lfi_conv2d_image *image,
                                   const float *data, int64_t index, float *scratch)
{
    const int64_t pixels = image->height * image->width, channels = image->channels;
    const float *from = data + index * pixels * channels;
    float *to = scratch + (image->top * image->padded_w + image->left) * channels;
    int64_t row;

    if (lfi_conv2d_image_is_direct(image))
        return from;
    for (row = 0; row < image->height; row++) {
        if (image->nhwc)
            memcpy(to, from + row * image->width * channels,
                   (size_t)(image->width * channels) * sizeof(float));
        else
            env->kernels->transpose_f32(from + row * image->width, channels, image->width,
                                        pixels, to, channels);
        to += image->padded_w * channels;
    }
    return scratch;
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

void lfi_conv2d_pass_run(const struct lfi_env *env, struct lfi_conv2d_pass pass)
{
    struct lfi_gemm_tile tile;
    int64_t group, row;

    join_rows(&pass);
    tile = pass.tile;
    for (group = 0; group < pass.groups; group++) {
        tile.b = pass.tile.b + group * pass.b_group;
        for (row = 0; row < pass.count; row++) {
            tile.a = pass.tile.a + group * pass.a_group + row * pass.a_next;
            tile.c = pass.tile.c + group * pass.c_group + row * pass.c_next;
            env->kernels->gemm_f32(&tile);
        }
    }
}
