/*
 * combine.c - one array out of those of a group's members
 *
 *     mean   (a_1 + ... + a_n) / n       of weights, optimiser state and gradients
 *     sum     a_1 + ... + a_n            of gradients, where the caller asked for it
 *
 * Every element is added in f64 in the order of the members and rounded once at the end, so
 * that neither the cut into blocks nor the number of threads shows in a bit.
 */
#include "fusion/fusion.h"

enum { BLOCK = 512 };

/* Dense memory as one long row: its elements are then read in one run. */
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

/* The array of the member at index, or NULL. */
static const struct lfi_array *source(const struct lfi_combination *c, int64_t index)
{
    int64_t layer = c->members[index];

    if (c->by_source)
        layer = c->ties->source[layer];
    return lfi_parameter_array(lfi_ties_parameter(c->ties, layer, c->parameter),
                               c->which);
}

/* sum of the members' elements; the number of members that have them. */
static int64_t add_up(const struct lfi_combination *c, int64_t first, int64_t count,
                      double *sum)
{
    double block[BLOCK];
    int64_t members = 0, m, i;

    for (m = 0; m < c->count; m++) {
        const struct lfi_array *array = source(c, m);
        struct lfi_view row;

        if (array == NULL)
            continue;
        row = as_row(&array->view);
        lfi_view_read_f64(&row, first, count, members == 0 ? sum : block);
        for (i = 0; i < count && members > 0; i++)
            sum[i] += block[i];
        members++;
    }
    return members;
}

void lfi_combine(const struct lfi_combination *combination, const struct lfi_view *target,
                 int64_t first, int64_t count)
{
    const struct lfi_view row = as_row(target);
    const int64_t end = first + count;
    double sum[BLOCK], divisor;
    int64_t n, members, i;

    for (; first < end; first += n) {
        n = end - first < BLOCK ? end - first : BLOCK;
        members = add_up(combination, first, n, sum);
        divisor = combination->divisor > 0.0 ? combination->divisor : (double)members;
        for (i = 0; i < n; i++)
            sum[i] /= divisor;
        lfi_view_write_f64(&row, first, n, sum);
    }
}
