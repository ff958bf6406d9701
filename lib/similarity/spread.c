/*
 * spread.c - a matrix whose work several ranks share: processes, or threads
 *
 * Each has all layers. What is kept per layer is made by one rank and gathered by all; pairs go by
 * rows, and are gathered once for each weight. Every rank does the same gathers in the same order,
 * the last of which says that nobody has failed; one that fails says so in place of its next gather.
 */
#include "similarity/matrix.h"

bool lfi_matrix_is_spread(const struct lfi_matrix *m)
{
    return m->params->ranks > 1;
}

static int64_t part(const struct lfi_matrix *m, int64_t count, int32_t rank)
{
    const int64_t ranks = m->params->ranks;

    return count / ranks * rank + count % ranks * rank / ranks;
}

void lfi_matrix_own(const struct lfi_matrix *m, int64_t count, int64_t *begin,
                    int64_t *end)
{
    *begin = part(m, count, m->params->rank);
    *end = part(m, count, m->params->rank + 1);
}

/* The first row that has its share of the pairs before it. */
static int64_t first_row(const struct lfi_matrix *m, int32_t rank)
{
    const int64_t n = m->count, target = part(m, n * (n - 1) / 2, rank);
    int64_t row = 0;

    if (rank == m->params->ranks)
        return n;
    while (row * n - row * (row + 1) / 2 < target)
        row++;
    return row;
}

void lfi_matrix_own_rows(const struct lfi_matrix *m, int64_t *begin, int64_t *end)
{
    *begin = first_row(m, m->params->rank);
    *end = first_row(m, m->params->rank + 1);
}

static lfuse_status gather(struct lfi_matrix *m, void *data, lfuse_error *err)
{
    const int32_t answer = m->params->gather(m->params->gather_user, data, m->first);

    if (answer == 0)
        return LFUSE_OK;
    m->parted = true;
    return lfi_fail_detail(err, LFUSE_ERR_CALLBACK, answer, "gather returned %d",
                           (int)answer);
}

lfuse_status lfi_matrix_gather(struct lfi_matrix *m, void *data, int64_t count,
                               size_t bytes, lfuse_error *err)
{
    int32_t r;

    if (!lfi_matrix_is_spread(m) || bytes == 0)
        return LFUSE_OK;
    for (r = 0; r <= m->params->ranks; r++)
        m->first[r] = (size_t)part(m, count, r) * bytes;
    return gather(m, data, err);
}

/* ---- pairs ------------------------------------------------------------------------------------ */

enum { OF_A_PAIR = 2 }; /* numbers: both ways */

/* Rows [begin, end) to or from the packed numbers at *at. */
static void pack(struct lfi_matrix *m, int64_t begin, int64_t end, bool unpack,
                 double **at)
{
    const int64_t n = m->count;
    int64_t i, j;

    for (i = begin; i < end; i++)
        for (j = n == 1 ? i : i + 1; j < n; j++, *at += OF_A_PAIR) {
            if (unpack) {
                lfi_matrix_set(m, i, j, (*at)[0], (*at)[1]);
            } else {
                (*at)[0] = m->value[i * n + j];
                (*at)[1] = m->value[j * n + i];
            }
        }
}

static size_t pairs_before(const struct lfi_matrix *m, int64_t row)
{
    const size_t n = (size_t)m->count, i = (size_t)row;

    return n == 1 ? i : i * n - i * (i + 1) / 2;
}

lfuse_status lfi_matrix_gather_pairs(struct lfi_matrix *m, lfuse_error *err)
{
    const size_t pairs = pairs_before(m, m->count);
    double *packed, *at;
    int64_t begin, end;
    lfuse_status status;
    int32_t r;

    if (!lfi_matrix_is_spread(m))
        return LFUSE_OK;
    status = lfi_alloc(m->env, pairs, OF_A_PAIR * sizeof(double), "similarities", &packed,
                       err);
    if (status != LFUSE_OK)
        return status;
    lfi_matrix_own_rows(m, &begin, &end);
    at = packed + OF_A_PAIR * pairs_before(m, begin);
    pack(m, begin, end, false, &at);
    for (r = 0; r <= m->params->ranks; r++)
        m->first[r] = pairs_before(m, first_row(m, r)) * OF_A_PAIR * sizeof(double);
    status = gather(m, packed, err);
    at = packed;
    if (status == LFUSE_OK)
        pack(m, 0, m->count, true, &at);
    lfi_free(m->env, packed, pairs, OF_A_PAIR * sizeof(double));
    return status;
}

lfuse_status lfi_matrix_agree(struct lfi_matrix *m, lfuse_status status, lfuse_error *err)
{
    int32_t r;

    if (!lfi_matrix_is_spread(m) || m->parted)
        return status;
    if (status != LFUSE_OK) {
        (void)gather(m, NULL, NULL);
        return status;
    }
    for (r = 0; r <= m->params->ranks; r++)
        m->first[r] = 0;
    return gather(m, &status, err);
}
