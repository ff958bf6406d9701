/* activation_scalar.c - the activations as they are defined, in f64 */
#include "kernels/entries.h"

#include <math.h>

typedef struct lfi_activation_tile tile;

static const double root_half = 0.70710678118654752;    /* sqrt(1/2) */
static const double density_at_0 = 0.39894228040143268; /* 1 / sqrt(2 pi) */
static const double tanh_linear = 1.5957691216057308;   /* 2 sqrt(2 / pi) */
static const double tanh_cubic = 0.071354816272600248;  /* 2 sqrt(2 / pi) 0.044715 */

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* What x is multiplied with. (1 + tanh(u)) / 2 is the sigmoid of 2 u. */
static double share(const tile *t, double x)
{
    switch (t->kind) {
    case LFI_GELU: return 0.5 * erfc(-x * root_half);
    case LFI_GELU_TANH: return sigmoid(x * (tanh_linear + tanh_cubic * x * x));
    default: return sigmoid(x);
    }
}

static double slope(const tile *t, double x)
{
    const double p = share(t, x);
    double v;

    switch (t->kind) {
    case LFI_GELU: return p + x * density_at_0 * exp(-0.5 * x * x);
    case LFI_GELU_TANH:
        v = tanh_linear + 3.0 * tanh_cubic * x * x;
        return p + x * v * p * sigmoid(-x * (tanh_linear + tanh_cubic * x * x));
    default: return p + x * p * sigmoid(-x);
    }
}

void lfi_activation_f32__scalar(const struct lfi_activation_tile *t)
{
    int64_t i;

    for (i = 0; i < t->count; i++) {
        float y = (float)((double)t->x[i] * share(t, (double)t->x[i]));

        t->y[i] = t->kind == LFI_SWIGLU ? y * t->up[i] : y;
    }
}

void lfi_activation_gradient_f32__scalar(const struct lfi_activation_tile *t)
{
    int64_t i;

    for (i = 0; i < t->count; i++) {
        const double x = (double)t->x[i];
        const float d = (float)slope(t, x), dy = t->dy[i];

        if (t->kind == LFI_SWIGLU) {
            const float up = t->up[i];

            t->dup[i] = dy * (float)(x * share(t, x));
            t->dx[i] = dy * up * d;
        } else {
            t->dx[i] = dy * d;
        }
    }
}
