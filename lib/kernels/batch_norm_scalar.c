/* batch_norm_scalar.c - the loops of batch norm as they are defined; see kernels.h */
#include "kernels/entries.h"

void lfi_batch_norm_moments_f32__scalar(const struct lfi_batch_norm_tile *t)
{
    int64_t i, j;

    for (i = 0; i < t->rows; i++) {
        const float *x = t->x + i * t->step;

        for (j = 0; j < t->width; j++) {
            float d = x[j] - t->center[j];

            t->sum[j] += d;
            t->product[j] += d * d;
        }
    }
}

void lfi_batch_norm_apply_f32__scalar(const struct lfi_batch_norm_tile *t)
{
    int64_t i, j;

    for (i = 0; i < t->rows; i++) {
        for (j = 0; j < t->width; j++) {
            int64_t at = i * t->step + j;
            float v = (t->x[at] - t->center[j]) * t->factor[j] + t->offset[j];

            if (t->residual != NULL)
                v += t->residual[at];
            t->out[at] = t->relu && v < 0.0f ? 0.0f : v;
        }
    }
}

static float masked(const struct lfi_batch_norm_tile *t, int64_t at)
{
    return t->mask == NULL || t->mask[at] > 0.0f ? t->dy[at] : 0.0f;
}

void lfi_batch_norm_gradient_sums_f32__scalar(const struct lfi_batch_norm_tile *t)
{
    int64_t i, j;

    for (i = 0; i < t->rows; i++) {
        for (j = 0; j < t->width; j++) {
            int64_t at = i * t->step + j;
            float g = masked(t, at);

            t->sum[j] += g;
            t->product[j] += g * (t->x[at] - t->center[j]);
        }
    }
}

void lfi_batch_norm_gradient_f32__scalar(const struct lfi_batch_norm_tile *t)
{
    int64_t i, j;

    for (i = 0; i < t->rows; i++) {
        for (j = 0; j < t->width; j++) {
            int64_t at = i * t->step + j;
            float g = masked(t, at);

            if (t->dresidual != NULL)
                t->dresidual[at] = g;
            t->out[at] = g * t->factor[j] +
                         ((t->x[at] - t->center[j]) * t->slope[j] + t->offset[j]);
        }
    }
}
