/*
 * attention_vector.h - attention_scalar.c, a vector of keys at a time, products and sums fused
 *
 * exp() is vector_exp.h's. Rows are short and in the first cache; what each costs beside its
 * vectors, two sums over lanes, is hidden by the rows behind it, which do not wait for it.
 */
#include "kernels/entries.h"
#include "kernels/vector.h"
#include "kernels/vector_exp.h"

typedef struct lfi_attention_tile tile;

VEC_INLINE int64_t seen_by(const tile *t, int64_t i)
{
    const int64_t seen = t->visible + i;

    return seen < 0 ? 0 : seen < t->keys ? seen : t->keys;
}

VEC_INLINE void clear(float *s, int64_t from, int64_t end)
{
    const vec zero = vec_set(0.0f);

    for (; from + LANES <= end; from += LANES)
        vec_store(s + from, zero);
    if (from < end)
        vec_put(s + from, end - from, zero);
}

/* ---- softmax ------------------------------------------------------------------------------- */

VEC_INLINE float greatest_of(const float *s, int64_t count, float scale, float greatest)
{
    vec most = vec_set(-INFINITY);
    float product;
    int64_t j;

    for (j = 0; j + LANES <= count; j += LANES)
        most = vec_max(vec_load(s + j), most);
    if (j < count)
        most = vec_max(vec_load_or(most, s + j, vec_first(count - j)), most);
    product = scale * vec_greatest(most);
    return product > greatest ? product : greatest;
}

/* exp(scale * s - greatest) of a row in place, and their sum. */
VEC_INLINE float exp_row(float *s, int64_t count, float scale, float greatest)
{
    const vec factor = vec_set(scale), shift = vec_set(greatest);
    vec sum = vec_set(0.0f), p;
    int64_t j;

    for (j = 0; j + LANES <= count; j += LANES) {
        p = vec_exp(vec_fms(factor, vec_load(s + j), shift));
        vec_store(s + j, p);
        sum = vec_add(sum, p);
    }
    if (j < count) {
        const vec_mask mask = vec_first(count - j);

        p = vec_exp(vec_fms(factor, vec_load_masked(s + j, mask), shift));
        vec_store_masked(s + j, mask, p);
        sum = vec_add(sum, vec_load_masked(s + j, mask));
    }
    return vec_total(sum);
}

VEC_INLINE void scale_row(float *out, int64_t width, float factor)
{
    const vec by = vec_set(factor);
    int64_t j;

    for (j = 0; j + LANES <= width; j += LANES)
        vec_store(out + j, vec_mul(vec_load(out + j), by));
    if (j < width)
        vec_put(out + j, width - j, vec_mul(vec_get(out + j, width - j), by));
}

VEC_INLINE float exp_of(float x)
{
    float lanes[LANES];

    vec_store(lanes, vec_exp(vec_set(x)));
    return lanes[0];
}

VEC_INLINE void softmax_row(const tile *t, int64_t i)
{
    const int64_t seen = seen_by(t, i);
    const float before = t->first ? -INFINITY : t->greatest[i];
    float *s = t->scores + i * t->row;
    const float greatest = greatest_of(s, seen, t->scale, before);
    const float sum = exp_row(s, seen, t->scale, greatest);

    clear(s, seen, t->keys);
    t->greatest[i] = greatest;
    if (t->first) {
        t->sum[i] = sum;
    } else if (greatest == before) {
        t->sum[i] += sum;
    } else {
        const float factor = exp_of(before - greatest);

        t->sum[i] = t->sum[i] * factor + sum;
        scale_row(t->out + i * t->width, t->width, factor);
    }
}

void LFI_ENTRY(attention_softmax_f32)(const tile *given)
{
    const tile t = *given;
    int64_t i;

    for (i = 0; i < t.queries; i++)
        softmax_row(&t, i);
}

/* ---- gradient ------------------------------------------------------------------------------ */

struct row {
    vec scale;
    vec log_sum;
    vec delta; /* times scale */
};

VEC_INLINE void gradient_at(const struct row *r, float *s, float *ds, int64_t count)
{
    const vec p = vec_exp(vec_fms(r->scale, vec_get(s, count), r->log_sum));

    vec_put(s, count, p);
    vec_put(ds, count, vec_mul(p, vec_fms(r->scale, vec_get(ds, count), r->delta)));
}

void LFI_ENTRY(attention_gradient_f32)(const tile *given)
{
    const tile t = *given;
    int64_t i, j;

    for (i = 0; i < t.queries; i++) {
        const struct row r = {vec_set(t.scale), vec_set(t.log_sum[i]),
                              vec_set(t.scale * t.delta[i])};
        float *s = t.scores + i * t.row, *ds = t.gradient + i * t.row;
        const int64_t seen = seen_by(&t, i);

        for (j = 0; j + LANES <= seen; j += LANES)
            gradient_at(&r, s + j, ds + j, LANES);
        if (j < seen)
            gradient_at(&r, s + j, ds + j, seen - j);
        clear(s, seen, t.keys);
        clear(ds, seen, t.keys);
    }
}

void LFI_ENTRY(row_products_f32)(const float *a, int64_t a_row, const float *b,
                                 int64_t b_row, int64_t rows, int64_t cols, float *out)
{
    int64_t i, j;

    for (i = 0; i < rows; i++) {
        const float *p = a + i * a_row, *q = b + i * b_row;
        vec sum = vec_set(0.0f);

        for (j = 0; j + LANES <= cols; j += LANES)
            sum = vec_fma(vec_load(p + j), vec_load(q + j), sum);
        if (j < cols)
            sum = vec_fma(vec_get(p + j, cols - j), vec_get(q + j, cols - j), sum);
        out[i] = vec_total(sum);
    }
}
