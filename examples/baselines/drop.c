/*
 * drop.c - layer dropping: whole blocks are left out
 *
 * Blocks in between are skipped evenly: the order is that of van der Corput, 1/2, 1/4, 3/4, 1/8,
 * ..., so that what is left is spread over the depth at every ratio. A block that is left out is
 * stored with no byte.
 */
#include "baselines/parts.h"

#include <stdlib.h>

#include "error.h"

static int64_t block_count(const struct baseline *b)
{
    int64_t most = -1, i;

    for (i = 0; i < b->count; i++)
        if (b->parts[i].m.block > most)
            most = b->parts[i].m.block;
    return most + 1;
}

/* The first bits of a number, in reverse, as a fraction of 1. */
static double fraction(int64_t number)
{
    double value = 0.0, weight = 0.5;

    for (; number > 0; number /= 2, weight /= 2)
        value += (double)(number % 2) * weight;
    return value;
}

static lfuse_status leave_out(struct baseline *b, int64_t block, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < b->count; i++) {
        struct baseline_part *part = &b->parts[i];
        const int64_t count = part->m.rows * part->m.columns;

        if (part->m.block != block || part->bytes == 0)
            continue;
        part->mask = calloc((size_t)count, 1);
        if (part->mask == NULL)
            return baseline_no_memory(err);
        baseline_mask(part->m.value, part->mask, count);
        if (part->m.velocity != NULL)
            baseline_mask(part->m.velocity, part->mask, count);
        part->bytes = 0;
    }
    return LFUSE_OK;
}

lfuse_status baseline_drop(struct baseline *b, lfuse_error *err)
{
    const double budget = (double)baseline_dense_bytes(b) / b->ratio;
    const int64_t blocks = block_count(b);
    lfuse_status status = LFUSE_OK;
    int64_t k;

    for (k = 1; (double)baseline_bytes(b) > budget && status == LFUSE_OK; k++) {
        if (k >= 4 * blocks) /* every block has had its turn */
            return example_fail(
                err, LFUSE_ERR_ARGUMENT,
                "ratio is %g: without any of %lld blocks it is still only %g", b->ratio,
                (long long)blocks,
                (double)baseline_dense_bytes(b) / (double)baseline_bytes(b));
        status = leave_out(b, (int64_t)(fraction(k) * (double)blocks), err);
    }
    return status;
}
