/* channels_scalar.c - products channel by channel as they are defined; see kernels.h */
#include "kernels/entries.h"

void lfi_channel_products_f32__scalar(const struct lfi_channel_tile *t)
{
    int64_t line, i, j, k;

    for (line = 0; line < t->lines; line++)
        for (i = 0; i < t->rows; i++)
            for (j = 0; j < t->width; j++) {
                const float *x = t->x + line * t->x_line + i * t->x_step + j;
                float *y = t->y + line * t->y_line + i * t->y_step + j;
                float sum = 0.0f;

                for (k = 0; k < t->taps; k++)
                    sum += x[t->x_tap[k]] * t->w[t->w_tap[k] + j];
                *y = t->accumulate ? *y + sum : sum;
            }
}

void lfi_channel_sums_f32__scalar(const struct lfi_channel_tile *t)
{
    int64_t line, i, j, k;

    for (k = 0; k < t->taps; k++)
        for (j = 0; j < t->width; j++) {
            float *dw = t->dw + t->w_tap[k] + j;

            for (line = 0; line < t->lines; line++)
                for (i = 0; i < t->rows; i++)
                    *dw += t->x[line * t->x_line + i * t->x_step + t->x_tap[k] + j] *
                           t->dy[line * t->y_line + i * t->y_step + j];
        }
}

void lfi_channel_planes_f32__scalar(const float *x, int64_t groups, int64_t in,
                                    int64_t out, float *y, int64_t plane)
{
    int64_t group, i, k;

    for (group = 0; group < groups; group++)
        for (i = 0; i < in; i++)
            for (k = 0; k < out; k++)
                y[i * plane + group * out + k] = x[group * in + i];
}
