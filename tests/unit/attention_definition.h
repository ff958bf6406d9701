/*
 * attention_definition.h - attention written out in f64, and how near to it f32 must come
 *
 * For test_attention.c. Bounds are first order, with u = 2^-24, e = 2^-22 for exp(), d the head
 * size, n the keys. Of one query:
 *
 *     a score       (d + 3) u scale sum |q k|: d products and sums, the scale, two roundings
 *     what exp() is given: that, and u times its size, at most X, the scores' range
 *     p             relative: the greatest score's error + 2 u X + B (e + 2 u), for a greater
 *                   score may come up in each of B <= n / 16 + 1 blocks and scale p down; this is P
 *     y             (2 P + (2 n + 3) u) sum p |v|: sums above and below the line, a division
 *     statistics    P + n u + 3 u (|statistics| + the greatest |score|): S
 *
 * Backward makes p from the statistics: relative R = a score's error + S + e + u (|score| +
 * |statistics|). With dp = dy . v, of error (d + 1) u sum |dy v|, and delta = dy . y, of error
 * (d + 2) u sum |dy y| + sum |dy| (y's error):
 *
 *     ds            scale p ((R + 4 u) (|dp| + |delta|) + both errors)
 *     dq, dk        a sum of m terms: sum |other| (ds' error) + (m + 9) u sum |ds other|, where
 *                   up to 8 tasks have a part of the sum each
 *     dv            sum p |dy| (R + (m + 1) u)
 *
 * exp() below 2^-126 is zero: each bound has 1e-30 more.
 */
#ifndef ATTENTION_DEFINITION_H
#define ATTENTION_DEFINITION_H

#include "attention_problem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#define UNIT      (FLT_EPSILON / 2.0)
#define EXP_ERROR (4.0 * UNIT)

/* ---- places ---------------------------------------------------------------------------------- */

/* Where element 0 of a head of a token lies. */
static int64_t place(int64_t entry, int64_t token, int64_t head, int64_t heads,
                     int64_t tokens, int64_t head_dim, int64_t stride,
                     int64_t batch_stride)
{
    stride = stride != 0 ? stride : heads * head_dim;
    batch_stride = batch_stride != 0 ? batch_stride : tokens * stride;
    return entry * batch_stride + token * stride + head * head_dim;
}

#define QUERY_AT(P, NAME, B, I, H)                                           \
    place(B, I, H, (P)->shape.heads, (P)->shape.tokens, (P)->shape.head_dim, \
          (P)->args.NAME##_stride, (P)->args.NAME##_batch_stride)
#define KEY_AT(P, NAME, B, J, H)                                                   \
    place(B, J, (H) * (P)->shape.kv_heads / (P)->shape.heads, (P)->shape.kv_heads, \
          (P)->shape.keys, (P)->shape.head_dim, (P)->args.NAME##_stride,           \
          (P)->args.NAME##_batch_stride)

static int64_t seen_by(const struct shape *s, int64_t i)
{
    return (s->flags & LFUSE_ATTENTION_CAUSAL) != 0 ? s->keys - s->tokens + i + 1
                                                    : s->keys;
}

/* ---- the definition, and its bounds ---------------------------------------------------------- */

/* Values and bounds, dense: queries are (batch, tokens, heads, head_dim), keys (batch, keys,
 * kv_heads, head_dim), statistics (batch, heads, tokens). */
struct answer {
    double *y, *statistics, *dq, *dk, *dv;
    double *y_bound, *statistics_bound, *dq_bound, *dk_bound, *dv_bound;
    int64_t queries, keys, rows; /* elements of each kind */
    double *memory;
};

static struct answer answer_of(const struct shape *s)
{
    struct answer r = {.queries = s->batch * s->tokens * s->heads * s->head_dim,
                       .keys = s->batch * s->keys * s->kv_heads * s->head_dim,
                       .rows = s->batch * s->heads * s->tokens};
    double *at = r.memory =
        calloc((size_t)(4 * (r.queries + r.keys) + 2 * r.rows), sizeof(double));

    assert_non_null(at);
#define NEXT(FIELD, COUNT) (r.FIELD = at, at += r.COUNT)
    NEXT(y, queries);
    NEXT(y_bound, queries);
    NEXT(dq, queries);
    NEXT(dq_bound, queries);
    NEXT(dk, keys);
    NEXT(dk_bound, keys);
    NEXT(dv, keys);
    NEXT(dv_bound, keys);
    NEXT(statistics, rows);
    NEXT(statistics_bound, rows);
#undef NEXT
    return r;
}

/* One query: what is known of it, and of each key that it sees. */
struct query {
    const float *q, *dy;
    int64_t seen;
    double scale, greatest, size, range; /* of the scores, of their magnitudes */
    double error;                        /* of the score that errs most */
    double statistics, statistics_error, delta, delta_error;
    struct {
        const float *k, *v;
        double score, score_error, p;
    } key[512];
};

static void score_keys(const struct problem *p, int64_t b, int64_t i, int64_t h,
                       struct query *x)
{
    const int64_t d = p->shape.head_dim;
    double least = INFINITY, sum = 0.0;
    int64_t j, c;

    x->q = p->q + QUERY_AT(p, q, b, i, h);
    x->dy = p->dy + QUERY_AT(p, y, b, i, h);
    x->seen = seen_by(&p->shape, i);
    x->scale = p->shape.scale != 0.0 ? p->shape.scale : 1.0 / sqrt((double)d);
    x->greatest = -INFINITY;
    x->error = x->size = 0.0;
    assert_true(x->seen <= 512);
    for (j = 0; j < x->seen; j++) {
        double score = 0.0, size = 0.0;

        x->key[j].k = p->k + KEY_AT(p, k, b, j, h);
        x->key[j].v = p->v + KEY_AT(p, v, b, j, h);
        for (c = 0; c < d; c++) {
            score += (double)x->q[c] * (double)x->key[j].k[c];
            size += fabs((double)x->q[c] * (double)x->key[j].k[c]);
        }
        x->key[j].score = x->scale * score;
        x->key[j].score_error = (double)(d + 3) * UNIT * x->scale * size;
        x->error = fmax(x->error, x->key[j].score_error);
        x->greatest = fmax(x->greatest, x->key[j].score);
        x->size = fmax(x->size, fabs(x->key[j].score));
        least = fmin(least, x->key[j].score);
    }
    x->range = x->greatest - least;
    for (j = 0; j < x->seen; j++)
        sum += exp(x->key[j].score - x->greatest);
    x->statistics = x->greatest + log(sum);
    for (j = 0; j < x->seen; j++)
        x->key[j].p = exp(x->key[j].score - x->statistics);
}

static void define_forward(const struct problem *p, int64_t b, int64_t i, int64_t h,
                           struct query *x, struct answer *r)
{
    const int64_t d = p->shape.head_dim,
                  row = (b * p->shape.heads + h) * p->shape.tokens + i;
    const int64_t at = place(b, i, h, p->shape.heads, p->shape.tokens, d, 0, 0);
    const double n = (double)x->seen;
    const double relative =
        x->error + 2.0 * UNIT * x->range + (n / 16.0 + 1.0) * (EXP_ERROR + 2.0 * UNIT);
    int64_t j, c;

    x->statistics_error =
        relative + n * UNIT + 3.0 * UNIT * (fabs(x->statistics) + x->size);
    r->statistics[row] = x->statistics;
    r->statistics_bound[row] = x->statistics_error;
    x->delta = x->delta_error = 0.0;
    for (c = 0; c < d; c++) {
        double sum = 0.0, size = 0.0;

        for (j = 0; j < x->seen; j++) {
            sum += x->key[j].p * (double)x->key[j].v[c];
            size += x->key[j].p * fabs((double)x->key[j].v[c]);
        }
        r->y[at + c] = sum;
        r->y_bound[at + c] = (2.0 * relative + (2.0 * n + 3.0) * UNIT) * size + 1e-30;
        x->delta += (double)x->dy[c] * sum;
        x->delta_error += fabs((double)x->dy[c]) *
                          ((double)(d + 2) * UNIT * fabs(sum) + r->y_bound[at + c]);
    }
}

/* What a key and a query give to dq, dk and dv; terms: of the sums over queries. */
static void define_gradient(const struct problem *p, int64_t b, int64_t i, int64_t h,
                            int64_t j, const struct query *x, struct answer *r)
{
    const int64_t d = p->shape.head_dim, heads = p->shape.heads;
    const int64_t q = place(b, i, h, heads, p->shape.tokens, d, 0, 0);
    const int64_t k = place(b, j, h * p->shape.kv_heads / heads, p->shape.kv_heads,
                            p->shape.keys, d, 0, 0);
    const double terms = (double)(p->shape.tokens * (heads / p->shape.kv_heads));
    const double relative = x->key[j].score_error + x->statistics_error + EXP_ERROR +
                            UNIT * (fabs(x->key[j].score) + fabs(x->statistics));
    double dp = 0.0, dp_error = 0.0, weight = x->scale * x->key[j].p, ds, ds_error;
    int64_t c;

    for (c = 0; c < d; c++) {
        const double term = (double)x->dy[c] * (double)x->key[j].v[c];

        dp += term;
        dp_error += (double)(d + 1) * UNIT * fabs(term);
    }
    ds = weight * (dp - x->delta);
    ds_error = weight * ((relative + 4.0 * UNIT) * (fabs(dp) + fabs(x->delta)) +
                         dp_error + x->delta_error);
    for (c = 0; c < d; c++) {
        const double of_q = fabs((double)x->q[c]), of_k = fabs((double)x->key[j].k[c]);
        const double dy = (double)x->dy[c];

        r->dq[q + c] += ds * (double)x->key[j].k[c];
        r->dq_bound[q + c] +=
            of_k * (ds_error + ((double)x->seen + 9.0) * UNIT * fabs(ds)) + 1e-30;
        r->dk[k + c] += ds * (double)x->q[c];
        r->dk_bound[k + c] += of_q * (ds_error + (terms + 9.0) * UNIT * fabs(ds)) + 1e-30;
        r->dv[k + c] += x->key[j].p * dy;
        r->dv_bound[k + c] +=
            x->key[j].p * fabs(dy) * (relative + (terms + 1.0) * UNIT) + 1e-30;
    }
}

/* Free memory of the answer. */
static struct answer define(const struct problem *p)
{
    static struct query x;
    struct answer r = answer_of(&p->shape);
    int64_t b, i, h, j;

    for (b = 0; b < p->shape.batch; b++)
        for (h = 0; h < p->shape.heads; h++)
            for (i = 0; i < p->shape.tokens; i++) {
                score_keys(p, b, i, h, &x);
                define_forward(p, b, i, h, &x, &r);
                for (j = 0; j < x.seen; j++)
                    define_gradient(p, b, i, h, j, &x, &r);
            }
    return r;
}

/* ---- what a kernel made of it ---------------------------------------------------------------- */

static void near(const char *what, const float *got, const double *want,
                 const double *bound, int64_t count)
{
    int64_t c;

    for (c = 0; c < count; c++)
        if (!(fabs((double)got[c] - want[c]) <= bound[c]))
            fail_msg("%s[%d] is %.9g, not %.9g +- %g", what, (int)c, (double)got[c],
                     want[c], bound[c]);
}

static void check_forward(const struct problem *p, const struct answer *r)
{
    const struct shape *s = &p->shape;
    int64_t b, i, h;

    near("statistics", p->args.statistics, r->statistics, r->statistics_bound, r->rows);
    for (b = 0; b < s->batch; b++)
        for (h = 0; h < s->heads; h++)
            for (i = 0; i < s->tokens; i++) {
                const int64_t at = place(b, i, h, s->heads, s->tokens, s->head_dim, 0, 0);

                near("y", p->args.y + QUERY_AT(p, y, b, i, h), r->y + at, r->y_bound + at,
                     s->head_dim);
            }
}

static void check_backward(const struct problem *p, const struct answer *r)
{
    const struct shape *s = &p->shape;
    int64_t b, i, h, at;

    for (b = 0; b < s->batch; b++)
        for (h = 0; h < s->heads; h++) {
            for (i = 0; i < s->tokens; i++) {
                at = place(b, i, h, s->heads, s->tokens, s->head_dim, 0, 0);
                near("dq", p->args.dq + QUERY_AT(p, q, b, i, h), r->dq + at,
                     r->dq_bound + at, s->head_dim);
            }
            for (i = 0; i < s->keys; i++) {
                at = place(b, i, h * s->kv_heads / s->heads, s->kv_heads, s->keys,
                           s->head_dim, 0, 0);
                near("dk", p->args.dk + KEY_AT(p, k, b, i, h), r->dk + at,
                     r->dk_bound + at, s->head_dim);
                near("dv", p->args.dv + KEY_AT(p, v, b, i, h), r->dv + at,
                     r->dv_bound + at, s->head_dim);
            }
        }
}

#endif
