/*
 * winograd_line_vector.h - one row of the points at a time, after winograd_vector.h
 *
 * Tiles side by side share columns of the image. So the first half, a row of T over each column,
 * goes through rows of the image from left to right, which is what processors prefetch, and is
 * kept in the first cache; the second half takes the columns of each tile from there. A row of
 * T has few entries that are not zero, and rows outside the image have none at all: what is left
 * are the terms. Those of the last rows come first, because their entry is 1 where there is one,
 * and a product with 1 is not rounded.
 */
#include <string.h>

#include "kernels/winograd_tables.h"

typedef struct lfi_winograd_line lines;

struct terms {
    const float *from[MOST_POINTS];
    float factor[MOST_POINTS];
    int32_t count;
};

static struct terms terms_of(const lines *l)
{
    const struct transform f = transform_of(
        l->gradient ? LFI_WINOGRAD_OUTPUT_GRADIENT : LFI_WINOGRAD_INPUT, l->outputs);
    struct terms terms = {.count = 0};
    int32_t k;

    for (k = f.ins - 1; k >= 0; k--) {
        const float factor = entry(&f, l->row, k);

        if (factor == 0.0f || k < l->first_row || k >= l->end_row)
            continue;
        terms.from[terms.count] = l->from + k * l->from_row;
        terms.factor[terms.count++] = factor;
    }
    return terms;
}

VEC_INLINE void column_at(const struct terms *terms, int64_t at, int64_t ahead,
                          int64_t count, float *to)
{
    vec sum = vec_set(0.0f);

    for (int32_t i = 0; i < terms->count; i++) {
        const float *from = terms->from[i] + at;

        __builtin_prefetch(from + ahead, 0, 2); /* to the second cache */
        sum = vec_fma(vec_set(terms->factor[i]), vec_get(from, count), sum);
    }
    vec_put(to, count, sum);
}

/* The first half, for columns [l->first, l->first + count). */
static void columns(const lines *l, int64_t count)
{
    const struct terms terms = terms_of(l);
    int64_t c, j;

    for (c = 0; c < count; c++) {
        const int64_t col = l->first + c, at = col * l->from_col;
        float *to = l->half + c * l->width;

        if (col < 0 || col >= l->cols) {
            memset(to, 0, (size_t)l->width * sizeof(float));
            continue;
        }
        for (j = 0; j + LANES <= l->width; j += LANES)
            column_at(&terms, at + j, l->ahead, LANES, to + j);
        if (j < l->width)
            column_at(&terms, at + j, l->ahead, l->width - j, to + j);
    }
}

/* The second half of a tile, its columns from j on. All but l, from, to and count are constants. */
VEC_INLINE void points_at(const lines *l, const float *from, float *to, int64_t count,
                          line *run, const int ins, const int outs)
{
    vec in[MOST_POINTS], out[MOST_POINTS];

    UNROLL for (int c = 0; c < ins; c++) in[c] = vec_get(from + c * l->width, count);
    run(in, out);
    UNROLL for (int c = 0; c < outs; c++) vec_put(to + c * l->to_point, count, out[c]);
}

#define DEFINE_LINE(NAME, INS, OUTS)                                           \
    static void NAME##_line(const lines *l)                                    \
    {                                                                          \
        const int64_t m = OUTS - TAPS + 1;                                     \
        int64_t i, j;                                                          \
                                                                               \
        columns(l, (l->tiles - 1) * m + INS);                                  \
        for (i = 0; i < l->tiles; i++) {                                       \
            const float *from = l->half + i * m * l->width;                    \
            float *to = l->to + i * l->to_tile;                                \
                                                                               \
            for (j = 0; j + LANES <= l->width; j += LANES)                     \
                points_at(l, from + j, to + j, LANES, NAME, INS, OUTS);        \
            if (j < l->width)                                                  \
                points_at(l, from + j, to + j, l->width - j, NAME, INS, OUTS); \
        }                                                                      \
    }

DEFINE_LINE(input_4, 6, 6)
DEFINE_LINE(output_gradient_4, 4, 6)
DEFINE_LINE(input_2, 4, 4)
DEFINE_LINE(output_gradient_2, 2, 4)

void LFI_ENTRY(winograd_line_f32)(const lines *l)
{
    if (l->outputs == 4)
        (l->gradient ? output_gradient_4_line : input_4_line)(l);
    else
        (l->gradient ? output_gradient_2_line : input_2_line)(l);
}

/* ---- from points ----------------------------------------------------------------------------- */

/* factors: of the pixels' rows, or NULL for taps. */
VEC_INLINE void half_at(const tile *t, const float *factors, int64_t j, int64_t count,
                        line *run, const int ins, const int outs)
{
    vec in[MOST_POINTS], out[MOST_POINTS];

    UNROLL for (int c = 0; c < ins; c++) in[c] =
        vec_get(t->from + c * t->from_col + j, count);
    run(in, out);
    if (factors == NULL) {
        UNROLL for (int c = 0; c < outs; c++)
        {
            float *to = t->to + c * t->to_col + j;

            vec_put(to, count,
                    t->accumulate ? vec_add(vec_get(to, count), out[c]) : out[c]);
        }
        return;
    }
    for (int r = 0; r < outs; r++) {
        const vec factor = vec_set(factors[r]);

        if (factors[r] == 0.0f && t->accumulate)
            continue;
        UNROLL for (int c = 0; c < outs; c++)
            write_pixel(t, r, c, j, count,
                        factors[r] == 0.0f ? factor : vec_mul(factor, out[c]), false);
    }
}

#define DEFINE_HALF(NAME, INS, OUTS)                                  \
    static void NAME##_half(const tile *t)                            \
    {                                                                 \
        const struct transform f = transform_of(t->kind, t->outputs); \
        const bool pixels = t->kind == LFI_WINOGRAD_OUTPUT;           \
        float factors[MOST_POINTS];                                   \
        const float *shares = pixels ? factors : NULL;                \
        int64_t j;                                                    \
                                                                      \
        for (int32_t r = 0; r < OUTS; r++)                            \
            factors[r] = pixels ? entry(&f, r, t->row) : 0.0f;        \
        for (j = 0; j + LANES <= t->width; j += LANES)                \
            half_at(t, shares, j, LANES, NAME, INS, OUTS);            \
        if (j < t->width)                                             \
            half_at(t, shares, j, t->width - j, NAME, INS, OUTS);     \
    }

DEFINE_HALF(output_4, 6, 4)
DEFINE_HALF(weight_gradient_4, 6, 3)
DEFINE_HALF(output_2, 4, 2)
DEFINE_HALF(weight_gradient_2, 4, 3)

void LFI_ENTRY(winograd_half_f32)(const tile *t)
{
    if (t->outputs == 4)
        (t->kind == LFI_WINOGRAD_OUTPUT ? output_4_half : weight_gradient_4_half)(t);
    else
        (t->kind == LFI_WINOGRAD_OUTPUT ? output_2_half : weight_gradient_2_half)(t);
}
