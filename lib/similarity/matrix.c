/*
 * matrix.c - all pairs of many layers
 *
 * Weight by weight of the layers: what goes for many pairs at once goes so, in one pass over
 * the elements or over features, or with factors; the pairs that are left, one by one. A pair's
 * value does not depend on the number of threads.
 */
#include "similarity/matrix.h"

#include <string.h>

void lfi_matrix_set(struct lfi_matrix *m, int64_t i, int64_t j, double value,
                    double reverse)
{
    m->value[i * m->count + j] = value;
    m->value[j * m->count + i] = reverse;
    m->state[i * m->count + j] = LFI_PAIR_DONE;
}

lfuse_status lfi_matrix_tell(struct lfi_matrix *m, double pairs, lfuse_error *err)
{
    int64_t done = m->done + (int64_t)pairs;

    if (done <= m->told)
        return LFUSE_OK;
    m->told = done;
    return lfi_progress(m->env, "similarity", done, m->total, err);
}

/* Many pairs at once need sizes that suit the metric as they are. */
bool lfi_matrix_fits(const struct lfi_matrix *m)
{
    const struct lfi_view *first = &m->items[0].weights[m->weight];
    int64_t columns = lfi_view_elements(first) / first->dims[0], i;

    for (i = 1; i < m->count; i++) {
        const struct lfi_view *view = &m->items[i].weights[m->weight];

        if (m->metric->needs_equal_rows && view->dims[0] != first->dims[0])
            return false;
        if (m->metric->needs_equal_columns &&
            lfi_view_elements(view) / view->dims[0] != columns)
            return false;
    }
    return m->count > 1;
}

static lfuse_status run_weight(struct lfi_matrix *m, lfuse_error *err)
{
    int64_t before = m->done, pairs = m->count == 1 ? 1 : m->count * (m->count - 1) / 2;
    int64_t squares = m->count * m->count, e;
    lfuse_status status = LFUSE_OK;

    for (e = 0; e < squares; e++)
        if (m->state[e] == LFI_PAIR_DONE)
            m->state[e] = LFI_PAIR_OPEN;
    if (m->metric->elements != NULL && lfi_matrix_fits(m))
        status = lfi_matrix_elements(m, err);
    if (m->metric->features != NULL && lfi_matrix_fits(m))
        status = lfi_matrix_features(m, err);
    if (m->metric->factors != NULL && lfi_matrix_fits(m))
        status = lfi_matrix_factors(m, err);
    m->done = before;
    if (status == LFUSE_OK)
        status = lfi_matrix_pairs(m, err);
    if (status == LFUSE_OK)
        status = lfi_matrix_gather_pairs(m, err);
    m->done = before + pairs;
    return status;
}

/* sum += the weight's values, of pairs that have not failed. */
static void add_weight(const struct lfi_matrix *m, double *sum)
{
    int64_t n = m->count, i, j;

    for (i = 0; i < n; i++)
        for (j = n == 1 ? 0 : i + 1; j < n; j++) {
            sum[i * n + j] += m->value[i * n + j];
            if (i != j)
                sum[j * n + i] += m->value[j * n + i];
        }
}

/* What failed is left as it was; a layer of which every pair failed, on the diagonal, too. */
static void conclude(const struct lfi_matrix *m, const double *sum, double *out)
{
    int64_t n = m->count, i, j;

    for (i = 0; i < n; i++) {
        bool compared = false;

        for (j = 0; j < n; j++) {
            int64_t pair = i < j ? i * n + j : j * n + i;

            if ((i == j && n > 1) || m->state[pair] == LFI_PAIR_FAILED)
                continue;
            out[i * n + j] = sum[i * n + j] / (double)m->items[0].count;
            compared = true;
        }
        if (compared)
            out[i * n + i] = m->metric->is_distance ? 0.0 : 1.0;
    }
}

static lfuse_status run_all(struct lfi_matrix *m, double *sum, lfuse_error *err)
{
    lfuse_status status;

    m->told = -1;
    status = lfi_matrix_tell(m, 0.0, err);
    for (; m->weight < m->items[0].count && status == LFUSE_OK; m->weight++) {
        status = run_weight(m, err);
        if (status == LFUSE_OK)
            add_weight(m, sum);
    }
    if (status == LFUSE_OK)
        status = lfi_matrix_tell(m, 0.0, err);
    return status;
}

lfuse_status lfi_similarity_matrix(const struct lfi_env *env,
                                   const struct lfi_similarity_item *items, int64_t count,
                                   const struct lfi_similarity_params *params,
                                   double *out, lfuse_error *err)
{
    struct lfi_matrix m = {.env = env,
                           .items = items,
                           .count = count,
                           .params = params,
                           .metric = lfi_metric_of(params)};
    int64_t square, pairs;
    lfuse_status status;
    double *sum = NULL;

    if (params->ranks > 1 && params->failed != NULL)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "pairs that fail cannot be left out where ranks share the work");
    if (!lfi_mul_int64(count, count, &square) ||
        !lfi_mul_int64(square / 2, items[0].count, &pairs))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "%lld layers do not fit",
                        (long long)count);
    m.total = (count == 1 ? 1 : count * (count - 1) / 2) * items[0].count;
    status = lfi_alloc_zero(env, (size_t)square, sizeof(*sum), "similarities", &sum, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)square, sizeof(*m.value), "similarities",
                                &m.value, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)square, sizeof(*m.state), "similarities",
                                &m.state, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, (size_t)params->ranks + 1, sizeof(*m.first),
                                "similarities", &m.first, err);
    if (status == LFUSE_OK)
        status = run_all(&m, sum, err);
    status = lfi_matrix_agree(&m, status, err);
    if (status == LFUSE_OK)
        conclude(&m, sum, out);
    lfi_free(env, m.first, (size_t)params->ranks + 1, sizeof(*m.first));
    lfi_free(env, m.state, (size_t)square, sizeof(*m.state));
    lfi_free(env, m.value, (size_t)square, sizeof(*m.value));
    lfi_free(env, sum, (size_t)square, sizeof(*sum));
    return status;
}
