/* kmeans.c - see kmeans.h */
#include "similarity/kmeans.h"

#include <math.h>
#include <string.h>

void lfi_kmeans_lay_out(struct lfi_kmeans *k, int64_t rows, int64_t columns, int64_t most,
                        struct lfi_arena *arena)
{
    k->count = most < rows ? most : rows;
    k->centroids = lfi_arena_take(arena, k->count, columns);
    k->mass = lfi_arena_take(arena, 1, k->count);
    k->nearest = lfi_arena_take(arena, 1, rows);
    k->square = lfi_arena_take(arena, 1, rows);
    k->line = lfi_arena_take(arena, 2, columns);
    k->centre = lfi_arena_take(arena, 1, columns);
    k->offset = lfi_arena_take(arena, 1, k->count);
    k->steps = lfi_arena_take(arena, columns, lfi_rows_pitch(k->count) / 2);
    k->strip = lfi_arena_take(arena, LFI_ROWS_TILE, (k->count + 1) / 2);
}

/* ---- where they start ------------------------------------------------------------------- */

/* Row i becomes centroid `at`; all rows may be nearer to that. The sum of their squares. */
static double start_at(struct lfi_kmeans *k, const struct lfi_rows *rows, int64_t at,
                       int64_t i)
{
    double *centroid = k->centroids + at * rows->columns, sum = 0.0, square;

    lfi_rows_read(rows, i, 0, rows->columns, centroid);
    for (i = 0; i < rows->rows; i++) {
        lfi_rows_read(rows, i, 0, rows->columns, k->line);
        square = lfi_vectors_square_distance(k->line, centroid, rows->columns);
        if (at == 0 || square < k->square[i])
            k->square[i] = square;
        sum += k->square[i];
    }
    return sum;
}

/* The first row up to which the squares come to more than part; that has one, in any case. */
static int64_t row_at(const struct lfi_kmeans *k, int64_t rows, double part)
{
    int64_t i, last = 0;

    for (i = 0; i < rows && part >= 0.0; i++)
        if (k->square[i] > 0.0) {
            part -= k->square[i];
            last = i;
        }
    return last;
}

/* Each starts at a row, the likelier the farther it is from those before; none at the same. */
static void start(struct lfi_kmeans *k, const struct lfi_rows *rows, uint64_t seed)
{
    const uint64_t stream = (uint64_t)LFI_STREAM_CENTROIDS << 32;
    int64_t at = 0, i;
    double sum;

    i = (int64_t)(lfi_random_uniform(seed, stream, 0) * (double)rows->rows);
    sum = start_at(k, rows, 0, i);
    for (at = 1; at < k->count && sum > 0.0; at++) {
        i = row_at(k, rows->rows, lfi_random_uniform(seed, stream, (uint64_t)at) * sum);
        sum = start_at(k, rows, at, i);
    }
    k->count = at;
}

/* ---- rounds ----------------------------------------------------------------------------- */

static int64_t nearest_wide(const struct lfi_kmeans *k, const struct lfi_rows *rows,
                            int64_t i)
{
    double least = INFINITY, square;
    int64_t at, found = 0;

    lfi_rows_read(rows, i, 0, rows->columns, k->line);
    for (at = 0; at < k->count; at++) {
        square = lfi_vectors_square_distance(k->line, k->centroids + at * rows->columns,
                                             rows->columns);
        if (square < least) {
            least = square;
            found = at;
        }
    }
    return found;
}

/*
 * With e the centre of the centroids, |x - c|^2 is |x - e|^2, which is the same for all of them,
 * + offset - 2 x (c - e), and offset is |c - e|^2 + 2 e (c - e).
 */
static void prepare_narrow(const struct lfi_kmeans *k, int64_t columns)
{
    int64_t pitch = lfi_rows_pitch(k->count), at, j;

    memset(k->centre, 0, (size_t)columns * sizeof(*k->centre));
    for (at = 0; at < k->count; at++)
        lfi_vectors_subtract(k->centre, -1.0 / (double)k->count,
                             k->centroids + at * columns, columns);
    for (at = 0; at < k->count; at++) {
        k->offset[at] = 0.0;
        for (j = 0; j < columns; j++) {
            double d = k->centroids[at * columns + j] - k->centre[j];

            k->steps[j * pitch + at] = (float)d;
            k->offset[at] += d * (d + 2.0 * k->centre[j]);
        }
    }
}

static int64_t nearest_narrow(const struct lfi_kmeans *k, const float *products)
{
    double least = INFINITY, value;
    int64_t at, found = 0;

    for (at = 0; at < k->count; at++) {
        value = k->offset[at] - 2.0 * (double)products[at];
        if (value < least) {
            least = value;
            found = at;
        }
    }
    return found;
}

/* How many rows have another centroid than before. */
static int64_t assign(const struct lfi_kernels *kernels, struct lfi_kmeans *k,
                      const struct lfi_rows *rows, bool wide)
{
    int64_t changed = 0, first, count, i, found;

    if (!wide)
        prepare_narrow(k, rows->columns);
    for (first = 0; first < rows->rows; first += count) {
        count = rows->rows - first < LFI_ROWS_TILE ? rows->rows - first : LFI_ROWS_TILE;
        if (!wide)
            lfi_rows_multiply(kernels, rows, first, count, k->steps, k->count, k->strip);
        for (i = 0; i < count; i++) {
            found = wide ? nearest_wide(k, rows, first + i)
                         : nearest_narrow(k, k->strip + i * k->count);
            changed += found != k->nearest[first + i];
            k->nearest[first + i] = found;
        }
    }
    return changed;
}

/* Each moves to the mean of its rows; one without rows stays. */
static void move(struct lfi_kmeans *k, const struct lfi_rows *rows)
{
    int64_t n = rows->columns, i, j, at;
    double *centroid;

    memset(k->mass, 0, (size_t)k->count * sizeof(*k->mass));
    for (i = 0; i < rows->rows; i++) {
        at = k->nearest[i];
        centroid = k->centroids + at * n;
        if (k->mass[at]++ == 0)
            memset(centroid, 0, (size_t)n * sizeof(*centroid));
        lfi_rows_read(rows, i, 0, n, k->line);
        lfi_vectors_subtract(centroid, -1.0, k->line, n);
    }
    for (at = 0; at < k->count; at++)
        for (j = 0; j < n && k->mass[at] > 0; j++)
            k->centroids[at * n + j] /= (double)k->mass[at];
}

void lfi_kmeans_find(const struct lfi_kernels *kernels, struct lfi_kmeans *k,
                     const struct lfi_rows *rows, bool wide, uint64_t seed)
{
    int64_t i;
    int round;

    start(k, rows, seed);
    for (i = 0; i < rows->rows; i++)
        k->nearest[i] = -1;
    for (round = 0; round < LFI_KMEANS_ROUNDS; round++) {
        if (assign(kernels, k, rows, wide) == 0)
            return;
        move(k, rows);
    }
}
