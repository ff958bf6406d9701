/* attention_scalar.c - the loops of attention as they are defined; see kernels.h */
#include "kernels/entries.h"

#include <math.h>
#include <string.h>

/* How many of the keys query i sees. */
static int64_t seen_by(const struct lfi_attention_tile *t, int64_t i)
{
    const int64_t seen = t->visible + i;

    return seen < 0 ? 0 : seen < t->keys ? seen : t->keys;
}

static float greatest_of(const float *s, int64_t count, float scale, float greatest)
{
    int64_t j;

    for (j = 0; j < count; j++)
        if (!(scale * s[j] <= greatest))
            greatest = scale * s[j];
    return greatest;
}

static void softmax_row(const struct lfi_attention_tile *t, int64_t i)
{
    const int64_t seen = seen_by(t, i);
    const float before = t->first ? -INFINITY : t->greatest[i];
    float *s = t->scores + i * t->row, *out = t->out + i * t->width;
    const float greatest = greatest_of(s, seen, t->scale, before);
    float sum = 0.0f, factor;
    int64_t j;

    for (j = 0; j < seen; j++) {
        s[j] = expf(t->scale * s[j] - greatest);
        sum += s[j];
    }
    memset(s + seen, 0, (size_t)(t->keys - seen) * sizeof(float));
    t->greatest[i] = greatest;
    if (t->first) {
        t->sum[i] = sum;
        return;
    }
    factor = expf(before - greatest);
    t->sum[i] = t->sum[i] * factor + sum;
    for (j = 0; j < t->width; j++)
        out[j] *= factor;
}

void lfi_attention_softmax_f32__scalar(const struct lfi_attention_tile *t)
{
    int64_t i;

    for (i = 0; i < t->queries; i++)
        softmax_row(t, i);
}

void lfi_attention_gradient_f32__scalar(const struct lfi_attention_tile *t)
{
    int64_t i, j;

    for (i = 0; i < t->queries; i++) {
        float *s = t->scores + i * t->row, *ds = t->gradient + i * t->row;
        const int64_t seen = seen_by(t, i);

        for (j = 0; j < seen; j++) {
            s[j] = expf(t->scale * s[j] - t->log_sum[i]);
            ds[j] = s[j] * t->scale * (ds[j] - t->delta[i]);
        }
        memset(s + seen, 0, (size_t)(t->keys - seen) * sizeof(float));
        memset(ds + seen, 0, (size_t)(t->keys - seen) * sizeof(float));
    }
}

void lfi_row_products_f32__scalar(const float *a, int64_t a_row, const float *b,
                                  int64_t b_row, int64_t rows, int64_t cols, float *out)
{
    int64_t i, j;

    for (i = 0; i < rows; i++) {
        float sum = 0.0f;

        for (j = 0; j < cols; j++)
            sum += a[i * a_row + j] * b[i * b_row + j];
        out[i] = sum;
    }
}
