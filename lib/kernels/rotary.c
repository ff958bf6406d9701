/*
 * rotary.c - pairs of elements turned by angles that grow with the position
 *
 *     (a, b) -> (a cos t - b sin t, a sin t + b cos t),  t = position * base^(-2i / head_dim)
 *
 * Su et al. 2021, arXiv:2104.09864, sec. 3.4. Sines and cosines cost more than the turns: they are
 * taken for every 16th position, and what lies between is that turned on by one position at a time,
 * in f64. So a position has the same angles wherever a call begins. A task has the tokens of
 * such 16 positions, of all heads and batch entries.
 */
#include "kernels/rotary.h"

#include <math.h>

enum { STEP = 16, PAIRS = 64 };

/* Angles of some pairs: at a position, of one position, and as floats, turning forward or back. */
struct angles {
    double cosine[PAIRS], sine[PAIRS];
    double step_cosine[PAIRS], step_sine[PAIRS];
    float c[PAIRS], s[PAIRS];
};

static void start(const struct lfi_rotary *r, int64_t position, int64_t pair,
                  int64_t pairs, struct angles *at)
{
    int64_t i;

    for (i = 0; i < pairs; i++) {
        const double by = pow(r->base, -2.0 * (double)(pair + i) / (double)r->head_dim);

        at->cosine[i] = cos((double)position * by);
        at->sine[i] = sin((double)position * by);
        at->step_cosine[i] = cos(by);
        at->step_sine[i] = sin(by);
    }
}

static void step(struct angles *at, int64_t pairs)
{
    int64_t i;

    for (i = 0; i < pairs; i++) {
        const double c = at->cosine[i], s = at->sine[i];

        at->cosine[i] = c * at->step_cosine[i] - s * at->step_sine[i];
        at->sine[i] = s * at->step_cosine[i] + c * at->step_sine[i];
    }
}

/* a and b of pair i are at i * pair_step, b `between` behind a. */
static void turn(const float *x, const struct angles *at, int64_t pairs,
                 int64_t pair_step, int64_t between, float *y)
{
    int64_t i;

    for (i = 0; i < pairs; i++) {
        const float a = x[i * pair_step], b = x[i * pair_step + between];

        y[i * pair_step] = a * at->c[i] - b * at->s[i];
        y[i * pair_step + between] = a * at->s[i] + b * at->c[i];
    }
}

/* The pairs from `pair` on of all heads of a token, of every batch entry. */
static void turn_token(const struct lfi_rotary *r, int64_t token, int64_t pair,
                       int64_t pairs, struct angles *at)
{
    const int64_t pair_step = r->interleaved ? 2 : 1;
    const int64_t between = r->interleaved ? 1 : r->head_dim / 2;
    int64_t i, b, h;

    for (i = 0; i < pairs; i++) {
        at->c[i] = (float)at->cosine[i];
        at->s[i] = (float)(r->back ? -at->sine[i] : at->sine[i]);
    }
    for (b = 0; b < r->batch; b++)
        for (h = 0; h < r->heads; h++) {
            const int64_t head = h * r->head_dim + pair * pair_step;

            turn(r->x + b * r->x_batch_stride + token * r->x_stride + head, at, pairs,
                 pair_step, between,
                 r->y + b * r->y_batch_stride + token * r->y_stride + head);
        }
}

static void run_task(void *arg, int64_t index, int32_t slot)
{
    const struct lfi_rotary *r = arg;
    const int64_t first = (r->position / STEP + index) * STEP;
    struct angles at;
    int64_t pair, pairs, token, i;

    (void)slot;
    for (pair = 0; pair < r->head_dim / 2; pair += PAIRS) {
        pairs = r->head_dim / 2 - pair < PAIRS ? r->head_dim / 2 - pair : PAIRS;
        start(r, first, pair, pairs, &at);
        for (i = 0; i < STEP; i++) {
            token = first + i - r->position;
            if (token >= 0 && token < r->tokens)
                turn_token(r, token, pair, pairs, &at);
            step(&at, pairs);
        }
    }
}

lfuse_status lfi_rotary(const struct lfi_env *env, const struct lfi_rotary *rotary,
                        lfuse_error *err)
{
    struct lfi_rotary r = *rotary;
    const int64_t last = r.position + r.tokens - 1;

    return lfi_parallel_for(env, last / STEP - r.position / STEP + 1, run_task, &r, err);
}
