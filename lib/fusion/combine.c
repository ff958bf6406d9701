/*
 * combine.c - one array out of those of a group's members
 *
 *     mean   (w_1 a_1 + ... + w_n a_n) / (w_1 + ... + w_n)
 *                                        of weights and optimiser state; of gradients w is 1
 *     sum     a_1 + ... + a_n            of gradients, where the caller asked for it
 *
 * Rescaled, the mean of weights is made as long as its members are in the (weighted) mean: where
 * they point elsewhere, their plain mean is shorter than each of them.
 *
 * Every element is added in f64 in the order of the members and rounded once at the end, so
 * that neither the cut into blocks nor the number of threads shows in a bit.
 */
#include "fusion/fusion.h"

#include <math.h>

enum { BLOCK = LFI_COMBINE_BLOCK };

/* Dense memory as one long row: its elements are then read, and written, in one run. */
static struct lfi_view as_row(const struct lfi_view *view)
{
    struct lfi_view row = *view;

    if (!lfi_view_is_dense(view))
        return row;
    row.rank = 1;
    row.dims[0] = lfi_view_elements(view);
    row.strides[0] = 1;
    return row;
}

struct lfi_arranged lfi_ties_row(const struct lfi_ties *ties, struct lfi_row row,
                                 int32_t which)
{
    const struct lfi_parameter *p = lfi_layer_weight(ties->layers[row.layer], row.weight);

    return lfi_arranged_row_of(&lfi_parameter_array(p, which)->view,
                               lfi_arrangements_of(&ties->arrangements, row.layer),
                               p - ties->layers[row.layer]->parameters, p->output_axis,
                               row.index);
}

static bool source_row(const struct lfi_combination *c, int64_t number,
                       struct lfi_arranged *source)
{
    const bool has_source = c->by_source && c->row_source != NULL;
    const struct lfi_row row =
        lfi_rows_find(c->rows, has_source ? c->row_source[number] : number);
    const struct lfi_parameter *p =
        lfi_layer_weight(c->ties->layers[row.layer], row.weight);
    const struct lfi_array *array = lfi_parameter_array(p, c->which);

    if (array != NULL)
        *source = lfi_ties_row(c->ties, row, c->which);
    return array != NULL;
}

/* The array of the member at index, if there is one. */
static bool find_source(const struct lfi_combination *c, int64_t index,
                        struct lfi_arranged *source)
{
    const struct lfi_parameter *p;
    const struct lfi_array *array;
    int64_t layer = c->members[index];

    if (c->rows != NULL)
        return source_row(c, layer, source);
    if (c->by_source)
        layer = c->ties->source[layer];
    p = lfi_ties_parameter(c->ties, layer, c->parameter);
    array = lfi_parameter_array(p, c->which);
    if (array != NULL)
        *source = lfi_arranged_of(&array->view,
                                  lfi_arrangements_of(&c->ties->arrangements, layer),
                                  p - c->ties->layers[layer]->parameters);
    return array != NULL;
}

static void read_source(const struct lfi_arranged *source, int64_t first, int64_t count,
                        double *block)
{
    struct lfi_arranged row = *source;

    if (row.axes == NULL)
        row.view = as_row(&row.view);
    lfi_arranged_read_f64(&row, first, count, block);
}

static double weight(const struct lfi_combination *c, int64_t index)
{
    return c->weights == NULL ? 1.0 : c->weights[c->members[index]];
}

/* The weighted sum of the members' elements; the weights of the members that have them. */
static double add_up(const struct lfi_combination *c, int64_t first, int64_t count,
                     double *sum)
{
    double block[BLOCK], total = 0.0;
    int64_t m, i;

    for (i = 0; i < count; i++)
        sum[i] = -0.0; /* to which any first number adds as itself */
    for (m = 0; m < c->count; m++) {
        const double w = weight(c, m);
        struct lfi_arranged source;

        if (!find_source(c, m, &source))
            continue;
        read_source(&source, first, count, block);
        for (i = 0; i < count; i++)
            sum[i] += w * block[i];
        total += w;
    }
    return total;
}

void lfi_combine_block(const struct lfi_combination *combination, int64_t first,
                       int64_t count, double *values)
{
    const double total = add_up(combination, first, count, values),
                 divisor = combination->divisor > 0.0 ? combination->divisor : total;
    int64_t i;

    for (i = 0; i < count; i++)
        values[i] /= divisor;
}

void lfi_combine(const struct lfi_combination *combination, const struct lfi_view *target,
                 int64_t first, int64_t count)
{
    const struct lfi_view row = as_row(target);
    const int64_t end = first + count;
    double sum[BLOCK];
    int64_t n;

    for (; first < end; first += n) {
        n = end - first < BLOCK ? end - first : BLOCK;
        lfi_combine_block(combination, first, n, sum);
        lfi_view_write_f64(&row, first, n, sum);
    }
}

/* ---- norms ------------------------------------------------------------------------------ */

double lfi_combine_norm(const struct lfi_arranged *arranged)
{
    const int64_t elements = lfi_view_elements(&arranged->view);
    double block[BLOCK], norm = 0.0;
    int64_t first, n, i;

    for (first = 0; first < elements; first += n) {
        n = elements - first < BLOCK ? elements - first : BLOCK;
        read_source(arranged, first, n, block);
        for (i = 0; i < n; i++)
            norm += block[i] * block[i];
    }
    return sqrt(norm);
}

/* |sum w_j W_j| */
static double norm_of_sum(const struct lfi_combination *c, int64_t elements)
{
    double sum[BLOCK], norm = 0.0;
    int64_t first, n, i;

    for (first = 0; first < elements; first += n) {
        n = elements - first < BLOCK ? elements - first : BLOCK;
        (void)add_up(c, first, n, sum);
        for (i = 0; i < n; i++)
            norm += sum[i] * sum[i];
    }
    return sqrt(norm);
}

double lfi_combine_rescaled(const struct lfi_combination *combination)
{
    double norms = 0.0, total = 0.0, of_sum;
    int64_t elements = 0, m;

    for (m = 0; m < combination->count; m++) {
        struct lfi_arranged source;

        if (!find_source(combination, m, &source))
            continue;
        elements = lfi_view_elements(&source.view);
        norms += weight(combination, m) * lfi_combine_norm(&source);
        total += weight(combination, m);
    }
    of_sum = norm_of_sum(combination, elements);
    return of_sum > 0.0 && isfinite(of_sum) && norms > 0.0 ? of_sum * total / norms
                                                           : total;
}
