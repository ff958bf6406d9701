/*
 * transport.c - see transport.h
 *
 * Ahuja, Magnanti & Orlin 1993, sec. 9.7. From all rows with supply at once, Dijkstra's search
 * finds the nearest column with demand, along arcs to columns at cost_ij and back to rows,
 * where something flows, at -cost_ij. With the potentials of the places no arc has a negative
 * length, but for rounding, which is cut off.
 */
#include "similarity/transport.h"

#include <math.h>
#include <string.h>

void lfi_transport_lay_out(struct lfi_transport *t, int64_t rows, int64_t columns,
                           struct lfi_arena *arena)
{
    t->rows = rows;
    t->columns = columns;
    t->cost = lfi_arena_take(arena, rows, columns);
    t->supply = lfi_arena_take(arena, 1, rows);
    t->demand = lfi_arena_take(arena, 1, columns);
    t->flow = lfi_arena_take(arena, rows, columns);
    t->potential = lfi_arena_take(arena, 1, rows + columns);
    t->distance = lfi_arena_take(arena, 1, rows + columns);
    t->from = lfi_arena_take(arena, 1, rows + columns);
    t->done = lfi_arena_take(arena, 1, rows + columns);
}

/* The nearest place that is not done, or -1. */
static int64_t nearest(const struct lfi_transport *t)
{
    int64_t found = -1, k;

    for (k = 0; k < t->rows + t->columns; k++)
        if (t->done[k] == 0 && t->distance[k] < INFINITY &&
            (found < 0 || t->distance[k] < t->distance[found]))
            found = k;
    return found;
}

static void reach(struct lfi_transport *t, int64_t from, int64_t to, double cost)
{
    double length = cost + t->potential[from] - t->potential[to];
    double distance = t->distance[from] + fmax(0.0, length);

    if (t->done[to] == 0 && distance < t->distance[to]) {
        t->distance[to] = distance;
        t->from[to] = from;
    }
}

/* From rows with supply to the nearest column with demand, which it returns. */
static int64_t search(struct lfi_transport *t)
{
    int64_t n = t->rows, m = t->columns, k, i, j;

    for (k = 0; k < n + m; k++) {
        t->distance[k] = k < n && t->supply[k] > 0 ? 0.0 : INFINITY;
        t->from[k] = -1;
        t->done[k] = 0;
    }
    for (;;) {
        k = nearest(t);
        t->done[k] = 1;
        if (k < n) {
            for (j = 0; j < m; j++)
                reach(t, k, n + j, t->cost[k * m + j]);
            continue;
        }
        if (t->demand[k - n] > 0)
            return k;
        for (i = 0; i < n; i++)
            if (t->flow[i * m + k - n] > 0)
                reach(t, k, i, -t->cost[i * m + k - n]);
    }
}

/* Arcs of the path change by sign: forward from a row, back to one. */
static int64_t *flow_of(struct lfi_transport *t, int64_t from, int64_t to, int *sign)
{
    *sign = from < t->rows ? 1 : -1;
    return from < t->rows ? &t->flow[from * t->columns + to - t->rows]
                          : &t->flow[to * t->columns + from - t->rows];
}

/* As much as the ends of the path, and what flows against it, allow. */
static void push(struct lfi_transport *t, int64_t last)
{
    int64_t most = t->demand[last - t->rows], to, *flow;
    int sign;

    for (to = last; t->from[to] >= 0; to = t->from[to]) {
        flow = flow_of(t, t->from[to], to, &sign);
        if (sign < 0 && *flow < most)
            most = *flow;
    }
    most = t->supply[to] < most ? t->supply[to] : most;
    t->supply[to] -= most;
    t->demand[last - t->rows] -= most;
    for (to = last; t->from[to] >= 0; to = t->from[to])
        *flow_of(t, t->from[to], to, &sign) += t->from[to] < t->rows ? most : -most;
}

void lfi_transport_solve(struct lfi_transport *t)
{
    int64_t left = 0, last, k;

    memset(t->flow, 0, (size_t)(t->rows * t->columns) * sizeof(*t->flow));
    for (k = 0; k < t->rows + t->columns; k++)
        t->potential[k] = 0.0;
    for (k = 0; k < t->columns; k++)
        left += t->demand[k];
    while (left > 0) {
        last = search(t);
        for (k = 0; k < t->rows + t->columns; k++)
            t->potential[k] += fmin(t->distance[k], t->distance[last]);
        left -= t->demand[last - t->rows];
        push(t, last);
        left += t->demand[last - t->rows];
    }
}
