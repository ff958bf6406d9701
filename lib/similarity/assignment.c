/*
 * assignment.c - see assignment.h
 *
 * Jonker & Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear
 * assignment problems": prices of columns that make many rows content at once, then a shortest
 * augmenting path (Dijkstra's) for each row that is left. A row is content where its column has
 * its least cost - price; when all are, nothing is cheaper.
 *
 * Two things keep ties and rounding from making it slow or endless. A row that takes another's
 * column lowers its price; where it cannot (or the budget is spent) the other waits for its
 * path. And of columns equally far, a search takes a free one if there is one.
 *
 * All columns start at price 0 where there are more columns than rows: those that stay free
 * must be no dearer than 0, and these prices only fall.
 */
#include "similarity/assignment.h"
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

enum { ROUNDS = 2, BUDGET = 4 }; /* of bidding; bids per row of a round */

void lfi_assignment_lay_out(struct lfi_assignment *a, int64_t rows, int64_t columns,
                            struct lfi_arena *arena)
{
    a->rows = rows;
    a->columns = columns;
    a->pitch =
        (columns + LFI_ASSIGNMENT_STEP - 1) / LFI_ASSIGNMENT_STEP * LFI_ASSIGNMENT_STEP;
    a->cost = lfi_arena_take(arena, rows, a->pitch);
    a->row = lfi_arena_take(arena, 1, a->pitch);
    a->price = lfi_arena_take(arena, 1, a->pitch);
    a->open = lfi_arena_take(arena, 1, a->pitch);
    a->distance = lfi_arena_take(arena, 1, a->pitch);
    a->from = lfi_arena_take(arena, 1, a->pitch);
    a->passed = lfi_arena_take(arena, 1, a->pitch);
    a->reached = lfi_arena_take(arena, 1, a->pitch);
    a->free_columns = lfi_arena_take(arena, 1, a->pitch);
    a->free_rows = lfi_arena_take(arena, 1, rows);
    a->column = lfi_arena_take(arena, 1, rows);
}

static struct lfi_assignment_row scan(const struct lfi_assignment *a, int64_t i)
{
    struct lfi_assignment_row row = {
        .cost = a->cost + i * a->pitch, .price = a->price, .index = i, .count = a->pitch};

    return row;
}

static void give(struct lfi_assignment *a, int64_t i, int64_t j)
{
    a->column[i] = j;
    a->row[j] = i;
}

static void start(struct lfi_assignment *a)
{
    int64_t i, j;

    for (j = 0; j < a->pitch; j++) {
        a->row[j] = -1;
        a->price[j] = 0.0;
    }
    for (i = 0; i < a->rows; i++) {
        a->column[i] = -1;
        for (j = a->columns; j < a->pitch; j++)
            a->cost[i * a->pitch + j] = INFINITY;
    }
}

/* Each column's price is its least cost; its row takes it, or one of those where it is least. */
static void reduce_columns(struct lfi_assignment *a)
{
    int64_t i, j;

    for (j = 0; j < a->columns; j++)
        a->price[j] = INFINITY;
    for (i = 0; i < a->rows; i++) {
        const double *cost = a->cost + i * a->pitch;

        for (j = 0; j < a->columns; j++)
            if (cost[j] < a->price[j]) {
                a->price[j] = cost[j];
                a->from[j] = i;
            }
    }
    for (i = 0; i < a->rows; i++)
        a->passed[i] = 0; /* how many columns it is the least of */
    for (j = a->columns - 1; j >= 0; j--)
        if (a->passed[a->from[j]]++ == 0)
            give(a, a->from[j], j);
}

/* A row that has the only column it is least of can do with a lower price of it. */
static void transfer_reduction(const struct lfi_kernels *kernels,
                               struct lfi_assignment *a)
{
    int64_t i;

    for (i = 0; i < a->rows; i++) {
        struct lfi_assignment_row row = scan(a, i);
        double price;

        if (a->passed[i] != 1)
            continue;
        price = a->price[a->column[i]];
        a->price[a->column[i]] = -INFINITY; /* out of sight */
        a->price[a->column[i]] = price - kernels->two_least_f64(&row).least;
    }
}

/* One bid of row i: the row that lost its column, or -1; *lowered: it may bid at once. */
static int64_t bid(const struct lfi_kernels *kernels, struct lfi_assignment *a, int64_t i,
                   bool *lowered)
{
    struct lfi_assignment_row row = scan(a, i);
    struct lfi_two_least two = kernels->two_least_f64(&row);
    double price = a->price[two.column] - (two.next - two.least);
    int64_t j = two.column, loser;

    *lowered = price < a->price[j];
    if (*lowered)
        a->price[j] = price;
    else if (a->row[j] >= 0)
        j = two.next_column;
    loser = a->row[j];
    if (loser >= 0)
        a->column[loser] = -1;
    give(a, i, j);
    return loser;
}

/* Augmenting row reduction; how many of the free rows are left. */
static int64_t bid_all(const struct lfi_kernels *kernels, struct lfi_assignment *a,
                       int64_t count)
{
    int64_t budget = BUDGET * a->rows, left = 0, k, i;
    bool lowered;

    for (k = 0; k < count; k++) {
        for (i = a->free_rows[k]; i >= 0; budget--) {
            i = bid(kernels, a, i, &lowered);
            if (i >= 0 && (!lowered || budget <= 0)) {
                a->free_rows[left++] = i;
                break;
            }
        }
    }
    return left;
}

/* Of equally far columns a free one ends the search. */
static int64_t prefer_free(const struct lfi_assignment *a, int64_t free_columns,
                           int64_t j)
{
    int64_t k;

    for (k = 0; k < free_columns; k++)
        if (a->distance[a->free_columns[k]] == a->distance[j])
            return a->free_columns[k];
    return j;
}

/* From a free row to the nearest free column, which it returns; passes *count columns. */
static int64_t search(const struct lfi_kernels *kernels, struct lfi_assignment *a,
                      int64_t free_row, int64_t free_columns, int64_t *count)
{
    struct lfi_assignment_row row = scan(a, free_row);
    double last = -INFINITY;
    int64_t j, k;

    row.price = a->open;
    row.distance = a->distance;
    row.from = a->from;
    for (j = 0; j < a->pitch; j++)
        a->distance[j] = INFINITY;
    for (k = 0;; k++) {
        j = kernels->shorten_paths_f64(&row);
        if (a->row[j] >= 0 && a->distance[j] <= last)
            j = prefer_free(a, free_columns, j);
        if (a->row[j] < 0)
            break;
        last = a->distance[j];
        a->passed[k] = j;
        a->reached[k] = last;
        a->distance[j] = INFINITY; /* and nothing shortens it */
        a->open[j] = -INFINITY;
        row.index = a->row[j];
        row.cost = a->cost + row.index * a->pitch;
        row.base = row.cost[j] - a->price[j] - last;
    }
    *count = k;
    return j;
}

/* Lowers the prices of the columns passed, and shifts the columns along the path. */
static void augment(struct lfi_assignment *a, int64_t free_row, int64_t j, int64_t count)
{
    int64_t k, i, next;

    for (k = 0; k < count; k++) {
        a->price[a->passed[k]] += a->reached[k] - a->distance[j];
        a->open[a->passed[k]] = a->price[a->passed[k]];
    }
    do {
        i = a->from[j];
        next = a->column[i];
        give(a, i, j);
        j = next;
    } while (i != free_row);
}

static void augment_all(const struct lfi_kernels *kernels, struct lfi_assignment *a,
                        int64_t rows)
{
    int64_t columns = 0, count, j, k, l;

    memcpy(a->open, a->price, (size_t)a->pitch * sizeof(*a->open));
    for (j = 0; j < a->columns; j++)
        if (a->row[j] < 0)
            a->free_columns[columns++] = j;
    for (k = 0; k < rows; k++) {
        j = search(kernels, a, a->free_rows[k], columns, &count);
        augment(a, a->free_rows[k], j, count);
        for (l = 0; a->free_columns[l] != j; l++)
            ;
        a->free_columns[l] = a->free_columns[--columns];
    }
}

void lfi_assignment_solve(const struct lfi_kernels *kernels, struct lfi_assignment *a)
{
    int64_t left = 0, i;
    int round;

    start(a);
    if (a->columns == 1) {
        give(a, 0, 0);
        return;
    }
    if (a->rows == a->columns) {
        reduce_columns(a);
        transfer_reduction(kernels, a);
    }
    for (i = 0; i < a->rows; i++)
        if (a->column[i] < 0)
            a->free_rows[left++] = i;
    for (round = 0; round < ROUNDS; round++)
        left = bid_all(kernels, a, left);
    augment_all(kernels, a, left);
}
