/*
 * activation_vector.h - activation_scalar.c, a vector at a time
 *
 * With h(x) = P(-|x|), P the normal distribution:
 *
 *     h(x) = exp(-x^2 / 2) t q(t),  t = 1 / (1 + 0.26 |x|)
 *
 * q of degree 8 makes the greatest relative error for |x| <= 14 small: 2.5e-8. Beyond, h is less
 * than any f32. The density that GELU's slope wants is the same exponential. P(x) of positive x
 * is 1 - h, so that neither tail cancels.
 */
#include "kernels/entries.h"
#include "kernels/vector.h"
#include "kernels/vector_exp.h"

typedef struct lfi_activation_tile tile;

VEC_INLINE vec vec_negative(vec x)
{
    return vec_sub(vec_set(0.0f), x);
}

VEC_INLINE vec sigmoid(vec x)
{
    const vec one = vec_set(1.0f);

    return vec_div(one, vec_add(one, vec_exp(vec_negative(x))));
}

/* exp(-x^2 / 2), and P(x) of it. */
VEC_INLINE vec normal(vec x, vec *p)
{
    const vec one = vec_set(1.0f), low = vec_min(vec_negative(x), x); /* -|x| */
    const vec e = vec_exp(vec_mul(vec_mul(x, vec_set(-0.5f)), x));
    const vec t = vec_div(one, vec_fnma(vec_set(0.26f), low, one));
    vec h = vec_set(0.0305047890311f);

    h = vec_fma(h, t, vec_set(-0.152828400585f));
    h = vec_fma(h, t, vec_set(0.251490499499f));
    h = vec_fma(h, t, vec_set(-0.150948154519f));
    h = vec_fma(h, t, vec_set(0.160947356905f));
    h = vec_fma(h, t, vec_set(0.0510278713893f));
    h = vec_fma(h, t, vec_set(0.103030210413f));
    h = vec_fma(h, t, vec_set(0.103016755951f));
    h = vec_fma(h, t, vec_set(0.10375905954f));
    h = vec_mul(vec_mul(h, t), e);
    *p = vec_add(vec_where(vec_less(x, vec_set(0.0f)), h),
                 vec_where_not(vec_less(x, vec_set(0.0f)), vec_sub(one, h)));
    return e;
}

/* 2 u of GELU's approximation (1 + tanh(u)) / 2, which is the sigmoid of it. */
VEC_INLINE vec tanh_argument(vec x)
{
    return vec_mul(
        x, vec_fma(vec_mul(x, x), vec_set(0.0713548162726f), vec_set(1.5957691216057f)));
}

/* ---- values -------------------------------------------------------------------------------- */

VEC_INLINE vec gelu(vec x)
{
    vec p;

    (void)normal(x, &p);
    return vec_mul(x, p);
}

VEC_INLINE vec gelu_tanh(vec x)
{
    return vec_mul(x, sigmoid(tanh_argument(x)));
}

VEC_INLINE vec silu(vec x)
{
    return vec_mul(x, sigmoid(x));
}

typedef vec (*function)(vec x);

VEC_INLINE void write_value(const tile *t, function f, int64_t i, int64_t count)
{
    vec y = f(vec_get(t->x + i, count));

    if (t->kind == LFI_SWIGLU)
        y = vec_mul(y, vec_get(t->up + i, count));
    vec_put(t->y + i, count, y);
}

VEC_INLINE void write_values(const tile *t, function f)
{
    int64_t i;

    for (i = 0; i + LANES <= t->count; i += LANES)
        write_value(t, f, i, LANES);
    if (i < t->count)
        write_value(t, f, i, t->count - i);
}

void LFI_ENTRY(activation_f32)(const struct lfi_activation_tile *given)
{
    const tile t = *given;

    switch (t.kind) {
    case LFI_GELU: write_values(&t, gelu); break;
    case LFI_GELU_TANH: write_values(&t, gelu_tanh); break;
    default: write_values(&t, silu); break;
    }
}

/* ---- slopes -------------------------------------------------------------------------------- */

VEC_INLINE vec gelu_slope(vec x)
{
    vec p, e = normal(x, &p);

    return vec_fma(vec_mul(x, vec_set(0.3989422804f)), e, p);
}

/*
 * s + x v' s (1 - s), s the sigmoid of v; 1 - s is e s with e = exp(-v), which does not cancel. v
 * is at least -88 here, where e is still finite and s nothing.
 */
VEC_INLINE vec sigmoid_slope(vec v, vec factor)
{
    const vec one = vec_set(1.0f), e = vec_exp(vec_negative(v));
    const vec s = vec_div(one, vec_add(one, e));

    return vec_fma(vec_mul(factor, vec_mul(e, s)), s, s);
}

/* x no less than -limit; NaN stays. */
VEC_INLINE vec no_less(vec x, float limit)
{
    return vec_negative(vec_min(vec_set(limit), vec_negative(x)));
}

/* Beyond 10 the slope is 0 or 1. */
VEC_INLINE vec gelu_tanh_slope(vec x)
{
    vec z = vec_min(vec_set(10.0f), no_less(x, 10.0f));
    vec derivative =
        vec_fma(vec_mul(z, z), vec_set(0.2140644488178f), vec_set(1.5957691216057f));

    return sigmoid_slope(tanh_argument(z), vec_mul(z, derivative));
}

VEC_INLINE vec silu_slope(vec x)
{
    vec z = no_less(x, 80.0f);

    return sigmoid_slope(z, z);
}

VEC_INLINE void write_slope(const tile *t, function f, int64_t i, int64_t count)
{
    const vec x = vec_get(t->x + i, count), dy = vec_get(t->dy + i, count);
    vec d = dy;

    if (t->kind == LFI_SWIGLU) {
        d = vec_mul(dy, vec_get(t->up + i, count));
        vec_put(t->dup + i, count, vec_mul(dy, silu(x)));
    }
    vec_put(t->dx + i, count, vec_mul(d, f(x)));
}

VEC_INLINE void write_slopes(const tile *t, function f)
{
    int64_t i;

    for (i = 0; i + LANES <= t->count; i += LANES)
        write_slope(t, f, i, LANES);
    if (i < t->count)
        write_slope(t, f, i, t->count - i);
}

void LFI_ENTRY(activation_gradient_f32)(const struct lfi_activation_tile *given)
{
    const tile t = *given;

    switch (t.kind) {
    case LFI_GELU: write_slopes(&t, gelu_slope); break;
    case LFI_GELU_TANH: write_slopes(&t, gelu_tanh_slope); break;
    default: write_slopes(&t, silu_slope); break;
    }
}
