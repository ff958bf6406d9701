/*
 * wasserstein_centroid.c - the distance of a few centroids of the rows
 *
 *     d(A, C) = (min over flows of sum_kl flow_kl |u_k - v_l|^p)^(1/p)
 *
 * O'Neill et al. 2021, sec. 3: the cheap stand-in for the assignment. u and v are centroids of
 * the rows of A and of C by k-means, with the same seed; the flow takes to each its share of
 * the rows, exactly. Not centred, of the whole matrix. Where there are as many centroids as
 * rows, it is the p-Wasserstein distance of the rows.
 */
#include "similarity/kmeans.h"
#include "similarity/transport.h"

#include <math.h>

struct work {
    struct lfi_rows side[2];
    struct lfi_kmeans means[2];
    struct lfi_transport transport;
    double *distance; /* (centroids of a, of c), then of flows alone */
    double *weight;   /* of flows */
};

static void lay_out(struct work *w, const struct lfi_comparison *pair,
                    struct lfi_arena *arena)
{
    const struct lfi_view *views[2] = {&pair->a, &pair->c};
    int i;

    for (i = 0; i < 2; i++) {
        lfi_rows_lay_out(&w->side[i], views[i], arena);
        lfi_kmeans_lay_out(&w->means[i], w->side[i].rows, w->side[i].columns,
                           pair->params.centroids, arena);
    }
    lfi_transport_lay_out(&w->transport, w->means[0].count, w->means[1].count, arena);
    w->distance = lfi_arena_take(arena, w->means[0].count, w->means[1].count);
    w->weight = lfi_arena_take(arena, w->means[0].count, w->means[1].count);
}

static bool scratch(const struct lfi_comparison *pair, size_t *bytes)
{
    struct lfi_arena arena = {.fits = true};
    struct work w;

    lay_out(&w, pair, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* Distances of the centroids, and their powers, at a scale where the largest is 1. */
static void fill_costs(struct work *w, double p)
{
    const struct lfi_kmeans *u = &w->means[0], *v = &w->means[1];
    int64_t columns = w->side[0].columns, count = u->count * v->count, i, j;
    double most = 0.0, *d = w->distance;

    for (i = 0; i < u->count; i++)
        for (j = 0; j < v->count; j++) {
            d[i * v->count + j] = sqrt(lfi_vectors_square_distance(
                u->centroids + i * columns, v->centroids + j * columns, columns));
            most = fmax(most, d[i * v->count + j]);
        }
    for (i = 0; i < count; i++)
        w->transport.cost[i] = most > 0.0 ? pow(d[i] / most, p) : 0.0;
}

/* In units of one row of a over the rows of c, of which each row of a has as many. */
static void fill_masses(struct work *w)
{
    int64_t i;

    for (i = 0; i < w->means[0].count; i++)
        w->transport.supply[i] = w->means[0].mass[i] * w->side[1].rows;
    for (i = 0; i < w->means[1].count; i++)
        w->transport.demand[i] = w->means[1].mass[i] * w->side[0].rows;
}

static double move(struct work *w, double p)
{
    struct lfi_transport *t = &w->transport;
    double total = (double)w->side[0].rows * (double)w->side[1].rows;
    int64_t flows = 0, i;

    t->rows = w->means[0].count;
    t->columns = w->means[1].count;
    fill_costs(w, p);
    fill_masses(w);
    lfi_transport_solve(t);
    for (i = 0; i < t->rows * t->columns; i++)
        if (t->flow[i] > 0) {
            w->distance[flows] = w->distance[i];
            w->weight[flows++] = (double)t->flow[i] / total;
        }
    return lfi_power_mean(w->distance, w->weight, flows, p);
}

static lfuse_status compare(const struct lfi_env *env, const struct lfi_comparison *pair,
                            void *memory, double *out, lfuse_error *err)
{
    struct lfi_arena arena = {.base = memory, .fits = true};
    bool wide = pair->a.dtype == LFUSE_F64 || pair->c.dtype == LFUSE_F64;
    double distance = 0.0;
    lfuse_status status;
    struct work w;
    int exponent, i;

    lay_out(&w, pair, &arena);
    status =
        lfi_rows_prepare(&w.side[0], &w.side[1], pair, w.means[0].line, &exponent, err);
    if (status != LFUSE_OK)
        return status;
    if (!lfi_rows_equal(&w.side[0], &w.side[1], w.means[0].line)) {
        for (i = 0; i < 2; i++)
            lfi_kmeans_find(env->kernels, &w.means[i], &w.side[i], wide,
                            pair->params.seed);
        distance = ldexp(move(&w, pair->params.exponent), exponent);
    }
    if (!isfinite(distance))
        return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                        "wasserstein_centroid: the distance of %s and %s is beyond f64",
                        pair->a_name, pair->c_name);
    *out = distance;
    return LFUSE_OK;
}

const struct lfi_metric lfi_metric_wasserstein_centroid = {
    .metric = LFUSE_METRIC_WASSERSTEIN_CENTROID,
    .name = "wasserstein_centroid",
    .is_distance = true,
    .is_symmetric = true,
    .needs_equal_columns = true,
    .cost = "n p centroids rounds",
    .scratch = scratch,
    .compare = compare,
};
