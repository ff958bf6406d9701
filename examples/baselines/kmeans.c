/*
 * kmeans.c - numbers replaced by the means of clusters, of which a code of b bits is stored
 *
 * Lloyd's iterations on the line, from means that are evenly spaced over the range (Han et al.
 * 2016, sec. 3.2): in order, so that a cluster is a run of sorted numbers. b is as large as the
 * budget allows, and 8 at most: with 256 values little is lost.
 */
#include "baselines/parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

enum { MOST_BITS = 8, ITERATIONS = 100 };

static int64_t bytes_of(int64_t count, int bits)
{
    return (count * bits + 7) / 8 + ((int64_t)4 << bits);
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Means of the runs that are nearest to each; false when none has moved. */
static int improve(const float *sorted, int64_t count, double *means, int64_t clusters)
{
    int64_t first = 0, end, c;
    int moved = 0;

    for (c = 0; c < clusters; c++, first = end) {
        const double border =
            c + 1 < clusters ? 0.5 * (means[c] + means[c + 1]) : INFINITY;
        double sum = 0.0;

        for (end = first; end < count && sorted[end] <= border; end++)
            sum += sorted[end];
        if (end > first && means[c] != sum / (double)(end - first)) {
            means[c] = sum / (double)(end - first);
            moved = 1;
        }
    }
    return moved;
}

static uint8_t nearest(const double *means, int64_t clusters, double value)
{
    int64_t low = 0, high = clusters - 1;

    while (low < high) {
        const int64_t middle = (low + high) / 2;

        if (value <= 0.5 * (means[middle] + means[middle + 1]))
            high = middle;
        else
            low = middle + 1;
    }
    return (uint8_t)low;
}

void baseline_average(const struct baseline_part *part, float *values)
{
    const int64_t count = part->m.rows * part->m.columns;
    double sums[1 << MOST_BITS] = {0};
    int64_t sizes[1 << MOST_BITS] = {0}, i;

    for (i = 0; i < count; i++) {
        sums[part->codes[i]] += values[i];
        sizes[part->codes[i]]++;
    }
    for (i = 0; i < count; i++)
        values[i] = (float)(sums[part->codes[i]] / (double)sizes[part->codes[i]]);
}

static void cluster(struct baseline_part *part, float *sorted)
{
    const int64_t count = part->m.rows * part->m.columns;
    double means[1 << MOST_BITS], low, high;
    int64_t i;

    memcpy(sorted, part->m.value, (size_t)count * sizeof(*sorted));
    qsort(sorted, (size_t)count, sizeof(*sorted), ascending);
    low = sorted[0];
    high = sorted[count - 1];
    for (i = 0; i < part->clusters; i++)
        means[i] = low + (high - low) * ((double)i + 0.5) / (double)part->clusters;
    for (i = 0; i < ITERATIONS && improve(sorted, count, means, part->clusters);)
        i++;
    for (i = 0; i < count; i++)
        part->codes[i] = nearest(means, part->clusters, part->m.value[i]);
    baseline_average(part, part->m.value);
    if (part->m.velocity != NULL)
        baseline_average(part, part->m.velocity);
}

lfuse_status baseline_kmeans(struct baseline *b, struct baseline_part *part,
                             lfuse_error *err)
{
    const int64_t count = part->m.rows * part->m.columns;
    const double budget = 4.0 * (double)count / b->ratio;
    int bits = MOST_BITS;
    float *sorted;

    while (bits > 1 && (double)bytes_of(count, bits) > budget)
        bits--;
    part->codes = malloc((size_t)count);
    sorted = malloc((size_t)count * sizeof(*sorted));
    if (part->codes == NULL || sorted == NULL) {
        free(sorted);
        return baseline_no_memory(err);
    }
    part->clusters = (int64_t)1 << bits;
    part->bytes = bytes_of(count, bits);
    cluster(part, sorted);
    free(sorted);
    return LFUSE_OK;
}
