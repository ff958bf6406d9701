/*
 * prune.c - magnitude pruning: the smallest numbers become 0, of each matrix or of all
 *
 * Stored are the others, 4 bytes each, and a bit for each number that says whether it is one:
 * n / 32 numbers' worth. So of n numbers n / ratio - n / 32 stay.
 */
#include "baselines/parts.h"

#include <math.h>
#include <stdlib.h>

#include "error.h"

void baseline_mask(float *values, const uint8_t *mask, int64_t count)
{
    int64_t i;

    for (i = 0; i < count; i++)
        if (mask[i] == 0)
            values[i] = 0.0f;
}

static int64_t size_of(const struct baseline_part *part)
{
    return part->m.rows * part->m.columns;
}

static int by_size(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Keeps `kept` of the numbers of these parts, the largest; the earlier of equal ones. */
static lfuse_status keep_largest(struct baseline_part *parts, int64_t count, int64_t kept,
                                 lfuse_error *err)
{
    int64_t all = 0, k, i, n = 0, above = 0, level;
    float *sizes, least;

    for (k = 0; k < count; k++)
        all += size_of(&parts[k]);
    sizes = malloc((size_t)all * sizeof(*sizes));
    if (sizes == NULL)
        return baseline_no_memory(err);
    for (k = 0; k < count; k++)
        for (i = 0; i < size_of(&parts[k]); i++)
            sizes[n++] = fabsf(parts[k].m.value[i]);
    qsort(sizes, (size_t)all, sizeof(*sizes), by_size);
    least = kept > 0 ? sizes[all - kept] : INFINITY;
    while (above < kept && sizes[all - 1 - above] > least)
        above++;
    level = kept - above; /* that are exactly as large */
    free(sizes);
    for (k = 0; k < count; k++)
        for (i = 0; i < size_of(&parts[k]); i++) {
            const float size = fabsf(parts[k].m.value[i]);

            parts[k].mask[i] = size > least || (size == least && level-- > 0);
        }
    return LFUSE_OK;
}

static void settle(struct baseline_part *part)
{
    int64_t i, kept = 0;

    baseline_mask(part->m.value, part->mask, size_of(part));
    if (part->m.velocity != NULL)
        baseline_mask(part->m.velocity, part->mask, size_of(part));
    for (i = 0; i < size_of(part); i++)
        kept += part->mask[i];
    part->bytes = 4 * kept + (size_of(part) + 7) / 8;
}

lfuse_status baseline_prune(struct baseline *b, lfuse_error *err)
{
    const double share = 1.0 / b->ratio - 1.0 / 32.0;
    lfuse_status status = LFUSE_OK;
    int64_t all = 0, i;

    if (share <= 0.0)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "ratio is %g: masks alone are a 32nd of the matrices",
                            b->ratio);
    for (i = 0; i < b->count && status == LFUSE_OK; i++) {
        all += size_of(&b->parts[i]);
        b->parts[i].mask = malloc((size_t)size_of(&b->parts[i]));
        if (b->parts[i].mask == NULL)
            status = baseline_no_memory(err);
        else if (b->kind == BASELINE_PRUNE)
            status = keep_largest(&b->parts[i], 1,
                                  (int64_t)(share * (double)size_of(&b->parts[i])), err);
    }
    if (status == LFUSE_OK && b->kind == BASELINE_PRUNE_GLOBAL)
        status = keep_largest(b->parts, b->count, (int64_t)(share * (double)all), err);
    for (i = 0; i < b->count && status == LFUSE_OK; i++)
        settle(&b->parts[i]);
    return status;
}
