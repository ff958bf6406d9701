/* layer_norm_scalar.c - the loops of layer norm as they are defined; sums of a row in f64 */
#include "kernels/entries.h"

#include <math.h>

typedef struct lfi_layer_norm_tile tile;

static void normalise_row(const tile *t, int64_t i)
{
    const float *s = t->residual != NULL ? t->sum + i * t->width : t->x + i * t->width;
    float *y = t->y + i * t->width;
    double mean = 0.0, squares = 0.0, inverse;
    int64_t j;

    for (j = 0; t->centered && j < t->width; j++)
        mean += (double)s[j];
    mean /= (double)t->width;
    for (j = 0; j < t->width; j++)
        squares += ((double)s[j] - mean) * ((double)s[j] - mean);
    inverse = 1.0 / sqrt(squares / (double)t->width + t->epsilon);
    for (j = 0; j < t->width; j++)
        y[j] = (float)(((double)s[j] - mean) * inverse) * t->gamma[j] +
               (t->beta != NULL ? t->beta[j] : 0.0f);
    if (t->centered && t->mean != NULL)
        t->mean[i] = (float)mean;
    if (t->inv_std != NULL)
        t->inv_std[i] = (float)inverse;
}

void lfi_layer_norm_f32__scalar(const struct lfi_layer_norm_tile *t)
{
    int64_t i, j;

    for (i = 0; i < t->rows; i++) {
        for (j = i * t->width; t->residual != NULL && j < (i + 1) * t->width; j++)
            t->sum[j] = t->x[j] + t->residual[j];
        normalise_row(t, i);
    }
}

void lfi_layer_norm_gradient_f32__scalar(const struct lfi_layer_norm_tile *t)
{
    int64_t i, j;

    for (i = 0; i < t->rows; i++) {
        const float *x = t->x + i * t->width, *dy = t->dy + i * t->width;
        const float mean = t->centered ? t->mean[i] : 0.0f, inverse = t->inv_std[i];
        double first = 0.0, second = 0.0;

        for (j = 0; j < t->width; j++) {
            float h = (x[j] - mean) * inverse, g = dy[j] * t->gamma[j];

            first += (double)g;
            second += (double)g * (double)h;
            if (t->dgamma != NULL)
                t->dgamma[j] += dy[j] * h;
            if (t->dbeta != NULL)
                t->dbeta[j] += dy[j];
        }
        first = t->centered ? first / (double)t->width : 0.0;
        second /= (double)t->width;
        for (j = 0; j < t->width; j++) {
            float h = (x[j] - mean) * inverse, g = dy[j] * t->gamma[j];
            float d = inverse * (g - (float)first - h * (float)second);

            t->dx[i * t->width + j] = t->dsum != NULL ? t->dsum[i * t->width + j] + d : d;
        }
    }
}
