/*
 * cka_sums.c - centred kernel alignment of layers' outputs, summed over batches
 *
 *     CKA_ij = S_ij / (S_ii S_jj)^1/2         S_ij: the sum over batches of their HSIC
 *
 * Nguyen, Raghu, Kornblith 2020, arXiv:2010.15327. Each batch's HSIC: cka_batch.c.
 */
#include "similarity/parts.h"

#include <math.h>
#include <string.h>

lfuse_status lfi_cka_sums_create(const struct lfi_env *env, int64_t count,
                                 const int32_t *exponents, struct lfi_cka_sums *s,
                                 lfuse_error *err)
{
    size_t layers = (size_t)count;
    lfuse_status status;

    *s = (struct lfi_cka_sums){.count = count};
    if (!lfi_mul_size(layers, layers + 1, &s->pairs))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the pairs of %lld layers do not fit",
                        (long long)count);
    s->pairs /= 2;
    status = lfi_alloc_zero(env, layers, sizeof(*s->exponents), "exponents",
                            &s->exponents, err);
    if (status != LFUSE_OK)
        return status;
    if (exponents != NULL)
        memcpy(s->exponents, exponents, layers * sizeof(*exponents));
    status =
        lfi_alloc_zero(env, s->pairs, sizeof(*s->sums), "sums of pairs", &s->sums, err);
    if (status != LFUSE_OK)
        lfi_cka_sums_destroy(env, s);
    return status;
}

void lfi_cka_sums_destroy(const struct lfi_env *env, struct lfi_cka_sums *s)
{
    lfi_free(env, s->sums, s->pairs, sizeof(*s->sums));
    lfi_free(env, s->exponents, (size_t)s->count, sizeof(*s->exponents));
}

lfuse_status lfi_cka_sums_add(struct lfi_cka_sums *s, const double *sums, int64_t batches,
                              lfuse_error *err)
{
    size_t k;
    int64_t i, j, total;

    for (i = 0, k = 0; i < s->count; i++)
        for (j = 0; j <= i; j++, k++)
            if (!isfinite(s->sums[k] + sums[k]))
                return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                                "the sum of HSIC of layers %lld and %lld is %g + %g",
                                (long long)i, (long long)j, s->sums[k], sums[k]);
    if (__builtin_add_overflow(s->batches, batches, &total))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%lld and %lld batches do not fit",
                        (long long)s->batches, (long long)batches);
    for (k = 0; k < s->pairs; k++)
        s->sums[k] += sums[k];
    s->batches = total;
    return LFUSE_OK;
}

/* Below, sums have lost digits to the end of f64's range. */
static const double least = 0x1p-970;

lfuse_status lfi_cka_sums_result(const struct lfi_cka_sums *s, double *out,
                                 lfuse_error *err)
{
    const double *row = s->sums;
    int64_t i, j;

    if (s->batches == 0)
        return lfi_fail(err, LFUSE_ERR_STATE, "no batch was accumulated yet");
    for (i = 0; i < s->count; i++, row += i)
        if (!(row[i] > least))
            return lfi_fail(err, LFUSE_ERR_DEGENERATE,
                            "the sum of HSIC(K, K) of layer %lld is %g over %lld batches",
                            (long long)i, row[i], (long long)s->batches);
    for (i = 0, row = s->sums; i < s->count; i++, row += i) {
        out[i * s->count + i] = sqrt(row[i]);
        for (j = 0; j < i; j++)
            out[i * s->count + j] = out[j * s->count + i] =
                fmax(-1.0,
                     fmin(1.0, row[j] / (out[i * s->count + i] * out[j * s->count + j])));
    }
    for (i = 0; i < s->count; i++)
        out[i * s->count + i] = 1.0;
    return LFUSE_OK;
}
