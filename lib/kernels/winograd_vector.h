/*
 * winograd_vector.h - the transforms of winograd.h, a vector of columns at a time
 *
 * T' is applied to the columns of a square, then to the rows of what that gave. Halves that
 * opposite points share are computed once. Everything is inlined with its sizes as constants,
 * twice: tiles that lie inside the image ask nothing about their pixels.
 */
#include "kernels/winograd.h"
#include "kernels/entries.h"
#include "kernels/vector.h"

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

typedef struct lfi_winograd_tile tile;

/* ---- one dimension: out[0 .. outs) = T in[0 .. ins) ---------------------------------------- */

typedef void line(const vec *in, vec *out);

VEC_INLINE void input_4(const vec *d, vec *v)
{
    const vec a = vec_set(POINT_A), b = vec_set(POINT_B), a2 = vec_set(A2),
              b2 = vec_set(B2), product = vec_set(AB2), sum = vec_set(A2_PLUS_B2);
    const vec even_a = vec_fnma(b2, d[2], d[4]), odd_a = vec_fnma(b2, d[1], d[3]);
    const vec even_b = vec_fnma(a2, d[2], d[4]), odd_b = vec_fnma(a2, d[1], d[3]);

    v[0] = vec_fnma(sum, d[2], vec_fma(product, d[0], d[4]));
    v[1] = vec_fma(a, odd_a, even_a);
    v[2] = vec_fnma(a, odd_a, even_a);
    v[3] = vec_fma(b, odd_b, even_b);
    v[4] = vec_fnma(b, odd_b, even_b);
    v[5] = vec_fnma(sum, d[3], vec_fma(product, d[1], d[5]));
}

VEC_INLINE void weight_4(const vec *g, vec *u)
{
    const vec at_a = vec_set(INVERSE_A), at_b = vec_set(INVERSE_B);
    const vec even_a = vec_mul(at_a, vec_fma(vec_set(A2), g[2], g[0]));
    const vec even_b = vec_mul(at_b, vec_fma(vec_set(B2), g[2], g[0]));
    const vec odd_a = vec_set(INVERSE_A * POINT_A), odd_b = vec_set(INVERSE_B * POINT_B);

    u[0] = vec_mul(vec_set(INVERSE_0), g[0]);
    u[1] = vec_fma(odd_a, g[1], even_a);
    u[2] = vec_fnma(odd_a, g[1], even_a);
    u[3] = vec_fma(odd_b, g[1], even_b);
    u[4] = vec_fnma(odd_b, g[1], even_b);
    u[5] = g[2];
}

VEC_INLINE void output_4(const vec *m, vec *y)
{
    const vec even_a = vec_add(m[1], m[2]), odd_a = vec_sub(m[1], m[2]);
    const vec even_b = vec_add(m[3], m[4]), odd_b = vec_sub(m[3], m[4]);

    y[0] = vec_add(vec_add(m[0], even_a), even_b);
    y[1] = vec_fma(vec_set(POINT_B), odd_b, vec_mul(vec_set(POINT_A), odd_a));
    y[2] = vec_fma(vec_set(B2), even_b, vec_mul(vec_set(A2), even_a));
    y[3] = vec_fma(vec_set(B3), odd_b, vec_fma(vec_set(A3), odd_a, m[5]));
}

VEC_INLINE void output_gradient_4(const vec *y, vec *v)
{
    const vec a = vec_set(POINT_A), b = vec_set(POINT_B), a2 = vec_set(A2),
              b2 = vec_set(B2);
    const vec even_a = vec_fma(a2, y[2], y[0]), odd_a = vec_fma(a2, y[3], y[1]);
    const vec even_b = vec_fma(b2, y[2], y[0]), odd_b = vec_fma(b2, y[3], y[1]);

    v[0] = y[0];
    v[1] = vec_fma(a, odd_a, even_a);
    v[2] = vec_fnma(a, odd_a, even_a);
    v[3] = vec_fma(b, odd_b, even_b);
    v[4] = vec_fnma(b, odd_b, even_b);
    v[5] = y[3];
}

VEC_INLINE void weight_gradient_4(const vec *u, vec *g)
{
    const vec even_a = vec_mul(vec_set(INVERSE_A), vec_add(u[1], u[2]));
    const vec even_b = vec_mul(vec_set(INVERSE_B), vec_add(u[3], u[4]));
    const vec odd_a = vec_mul(vec_set(INVERSE_A * POINT_A), vec_sub(u[1], u[2]));

    g[0] = vec_add(vec_fma(vec_set(INVERSE_0), u[0], even_a), even_b);
    g[1] = vec_fma(vec_set(INVERSE_B * POINT_B), vec_sub(u[3], u[4]), odd_a);
    g[2] = vec_fma(vec_set(B2), even_b, vec_fma(vec_set(A2), even_a, u[5]));
}

VEC_INLINE void input_2(const vec *d, vec *v)
{
    v[0] = vec_sub(d[2], d[0]);
    v[1] = vec_add(d[2], d[1]);
    v[2] = vec_sub(d[2], d[1]);
    v[3] = vec_sub(d[3], d[1]);
}

VEC_INLINE void weight_2(const vec *g, vec *u)
{
    const vec half = vec_set(0.5f);
    const vec even = vec_mul(half, vec_add(g[0], g[2]));

    u[0] = vec_sub(vec_set(0.0f), g[0]);
    u[1] = vec_fma(half, g[1], even);
    u[2] = vec_fnma(half, g[1], even);
    u[3] = g[2];
}

VEC_INLINE void output_2(const vec *m, vec *y)
{
    y[0] = vec_add(m[0], vec_add(m[1], m[2]));
    y[1] = vec_add(m[3], vec_sub(m[1], m[2]));
}

VEC_INLINE void output_gradient_2(const vec *y, vec *v)
{
    v[0] = y[0];
    v[1] = vec_add(y[0], y[1]);
    v[2] = vec_sub(y[0], y[1]);
    v[3] = y[1];
}

VEC_INLINE void weight_gradient_2(const vec *u, vec *g)
{
    const vec half = vec_set(0.5f);
    const vec even = vec_mul(half, vec_add(u[1], u[2]));

    g[0] = vec_sub(even, u[0]);
    g[1] = vec_mul(half, vec_sub(u[1], u[2]));
    g[2] = vec_add(even, u[3]);
}

/* ---- two dimensions ------------------------------------------------------------------------- */

VEC_INLINE vec read_pixel(const tile *t, int r, int c, int64_t j, int64_t count,
                          const bool whole)
{
    if (!whole &&
        (r < t->first_row || r >= t->end_row || c < t->first_col || c >= t->end_col))
        return vec_set(0.0f);
    return vec_get(t->from + r * t->from_row + c * t->from_col + j, count);
}

VEC_INLINE void write_pixel(const tile *t, int r, int c, int64_t j, int64_t count,
                            vec value, const bool whole)
{
    float *to = t->to + r * t->to_row + c * t->to_col + j;

    if (!whole &&
        (r < t->first_row || r >= t->end_row || c < t->first_col || c >= t->end_col))
        return;
    if (t->accumulate)
        value = vec_add(value, vec_get(to, count));
    vec_put(to, count, value);
}

/* The columns from j on. All but t, j and count are constants. */
VEC_INLINE void square_at(const tile *t, int64_t j, int64_t count, line *run,
                          const enum lfi_winograd_kind kind, const int ins,
                          const int outs, const bool whole)
{
    const bool inside =
        whole || (kind != LFI_WINOGRAD_INPUT && kind != LFI_WINOGRAD_OUTPUT_GRADIENT);
    vec half[MOST_POINTS][MOST_POINTS], in[MOST_POINTS], out[MOST_POINTS];

    UNROLL for (int c = 0; c < ins; c++)
    {
        UNROLL for (int r = 0; r < ins; r++) in[r] =
            read_pixel(t, r, c, j, count, inside);
        run(in, out);
        UNROLL for (int r = 0; r < outs; r++) half[r][c] = out[r];
    }
    UNROLL for (int r = 0; r < outs; r++)
    {
        run(half[r], out);
        UNROLL for (int c = 0; c < outs; c++) if (kind == LFI_WINOGRAD_OUTPUT)
            write_pixel(t, r, c, j, count, out[c], whole);
        else vec_put(t->to + r * t->to_row + c * t->to_col + j, count, out[c]);
    }
}

#define DEFINE_SQUARE(NAME, KIND, INS, OUTS)                             \
    static void NAME##_whole(const tile *t)                              \
    {                                                                    \
        int64_t j;                                                       \
                                                                         \
        for (j = 0; j + LANES <= t->width; j += LANES)                   \
            square_at(t, j, LANES, NAME, KIND, INS, OUTS, true);         \
    }                                                                    \
    static void NAME##_square(const tile *t, int64_t j)                  \
    {                                                                    \
        for (; j + LANES <= t->width; j += LANES)                        \
            square_at(t, j, LANES, NAME, KIND, INS, OUTS, false);        \
        if (j < t->width)                                                \
            square_at(t, j, t->width - j, NAME, KIND, INS, OUTS, false); \
    }

DEFINE_SQUARE(input_4, LFI_WINOGRAD_INPUT, 6, 6)
DEFINE_SQUARE(weight_4, LFI_WINOGRAD_WEIGHT, 3, 6)
DEFINE_SQUARE(output_4, LFI_WINOGRAD_OUTPUT, 6, 4)
DEFINE_SQUARE(output_gradient_4, LFI_WINOGRAD_OUTPUT_GRADIENT, 4, 6)
DEFINE_SQUARE(weight_gradient_4, LFI_WINOGRAD_WEIGHT_GRADIENT, 6, 3)
DEFINE_SQUARE(input_2, LFI_WINOGRAD_INPUT, 4, 4)
DEFINE_SQUARE(weight_2, LFI_WINOGRAD_WEIGHT, 3, 4)
DEFINE_SQUARE(output_2, LFI_WINOGRAD_OUTPUT, 4, 2)
DEFINE_SQUARE(output_gradient_2, LFI_WINOGRAD_OUTPUT_GRADIENT, 2, 4)
DEFINE_SQUARE(weight_gradient_2, LFI_WINOGRAD_WEIGHT_GRADIENT, 4, 3)

struct square {
    void (*whole)(const tile *t); /* whole vectors, all pixels inside */
    void (*rest)(const tile *t, int64_t j);
};

#define SQUARE(NAME)                \
    {                               \
        NAME##_whole, NAME##_square \
    }

static const struct square squares_4[] = {SQUARE(input_4), SQUARE(weight_4),
                                          SQUARE(output_4), SQUARE(output_gradient_4),
                                          SQUARE(weight_gradient_4)};
static const struct square squares_2[] = {SQUARE(input_2), SQUARE(weight_2),
                                          SQUARE(output_2), SQUARE(output_gradient_2),
                                          SQUARE(weight_gradient_2)};

void LFI_ENTRY(winograd_f32)(const tile *t)
{
    const struct square *square =
        t->outputs == 4 ? &squares_4[t->kind] : &squares_2[t->kind];
    const int64_t size =
        t->kind == LFI_WINOGRAD_INPUT ? t->outputs + TAPS - 1 : t->outputs;
    int64_t j = 0;

    if (t->first_row <= 0 && t->end_row >= size && t->first_col <= 0 &&
        t->end_col >= size) {
        square->whole(t);
        j = t->width / LANES * LANES;
    }
    square->rest(t, j);
}
