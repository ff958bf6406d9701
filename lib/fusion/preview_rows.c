/*
 * preview_rows.c - what weights will be once a plan of the unit row is applied
 *
 * The arithmetic is that of rows_apply.c, in combine.c. A weight is outer slabs of rows of inner
 * elements each, (outer, rows, inner), in the order in which it is read; a row's elements, in their own
 * order, are (outer, inner). So whole slabs are read row by row, and the rest in runs of a row.
 */
#include "fusion/fusion.h"

#include <string.h>

static struct lfi_combination combination_of(const struct lfi_preview *p, int64_t group)
{
    const struct lfi_grouping *g = &p->plan->row_goal;
    struct lfi_combination c = {
        .ties = &p->ties,
        .rows = &p->plan->rows,
        .members = g->members + g->first[group],
        .count = lfi_grouping_size(g, group),
        .by_source = true,
        .which = LFI_VALUE,
    };

    c.weights = lfi_combine_weights(&c, p->row_weights);
    c.divisor = p->row_divisors == NULL ? 0.0 : p->row_divisors[group];
    return c;
}

lfuse_status lfi_preview_rows_create(const struct lfi_env *env,
                                     struct lfi_preview *preview, lfuse_error *err)
{
    struct lfi_preview *p = preview;
    const struct lfi_grouping *g = &p->plan->row_goal;
    double *divisors;
    lfuse_status status;
    int64_t i;

    status = lfi_row_ties_weigh(env, &p->ties, p->plan, &p->row_weights, err);
    if (status != LFUSE_OK || !p->plan->options.rescale)
        return status;
    status =
        lfi_alloc(env, (size_t)g->count, sizeof(*divisors), "a preview", &divisors, err);
    for (i = 0; i < g->count && status == LFUSE_OK; i++) {
        const struct lfi_combination c = combination_of(p, i);

        divisors[i] = lfi_combine_rescaled(&c);
    }
    if (status == LFUSE_OK)
        p->row_divisors = divisors;
    return status;
}

void lfi_preview_rows_destroy(const struct lfi_env *env, struct lfi_preview *preview)
{
    const struct lfi_plan *plan = preview->plan;

    lfi_free(env, preview->row_divisors, (size_t)plan->row_goal.count,
             sizeof(*preview->row_divisors));
    lfi_free(env, preview->row_weights, (size_t)plan->rows.count,
             sizeof(*preview->row_weights));
}

/* ---- reading --------------------------------------------------------------------------------- */

/* One weight, as it is read. */
struct rows {
    const struct lfi_preview *p;
    lfuse_dtype dtype;
    int64_t number; /* of its first row */
    int64_t rows;
    int64_t inner;
    char *out;
};

static void read_mean(const struct rows *r, int64_t group, int64_t first, int64_t count,
                      void *out)
{
    const struct lfi_combination c = combination_of(r->p, group);
    const struct lfi_view block = {
        .data = out, .dtype = r->dtype, .rank = 1, .strides = {1}, .dims = {count}};
    double values[LFI_COMBINE_BLOCK];
    int64_t at, n;

    for (at = 0; at < count; at += n) {
        n = count - at < LFI_COMBINE_BLOCK ? count - at : LFI_COMBINE_BLOCK;
        lfi_combine_block(&c, first + at, n, values);
        lfi_view_write_f64(&block, at, n, values);
    }
}

/* Elements [first, first + count) of a row. */
static void read_row(const struct rows *r, int64_t row, int64_t first, int64_t count,
                     void *out)
{
    const struct lfi_plan *plan = r->p->plan;
    const struct lfi_grouping *g = &plan->row_goal;
    const int64_t number = r->number + row;
    struct lfi_arranged from;

    if (g->group[number] >= 0 && lfi_policy_find(plan->options.policy)->averages) {
        read_mean(r, g->group[number], first, count, out);
        return;
    }
    from = lfi_ties_row(&r->p->ties, lfi_rows_find(&plan->rows, g->owner[number]),
                        LFI_VALUE);
    lfi_arranged_read_bits(&from, first, count, out);
}

/* A row of `slabs` slabs from `outer` on, scattered over those. */
static void read_slabs(const struct rows *r, int64_t row, int64_t outer, int64_t slabs)
{
    const int64_t size = (int64_t)lfi_dtype_size(r->dtype), end = slabs * r->inner;
    double block[LFI_COMBINE_BLOCK];
    int64_t at, n, i;

    for (at = 0; at < end; at += n) {
        n = end - at < LFI_COMBINE_BLOCK ? end - at : LFI_COMBINE_BLOCK;
        read_row(r, row, outer * r->inner + at, n, block);
        for (i = 0; i < n; i++)
            memcpy(r->out + size * (((at + i) / r->inner * r->rows + row) * r->inner +
                                    (at + i) % r->inner),
                   (const char *)block + size * i, (size_t)size);
    }
}

/* As many whole slabs as there are at `first`; how many elements. */
static int64_t read_whole(const struct rows *r, int64_t first, int64_t count)
{
    const int64_t slab = r->rows * r->inner, slabs = first % slab == 0 ? count / slab : 0;
    int64_t row;

    for (row = 0; row < r->rows && slabs > 0; row++)
        if (slabs == 1)
            read_row(r, row, first / slab * r->inner, r->inner,
                     r->out + (int64_t)lfi_dtype_size(r->dtype) * row * r->inner);
        else
            read_slabs(r, row, first / slab, slabs);
    return slabs * slab;
}

/* What is left of one row of a slab; how many elements. */
static int64_t read_run(const struct rows *r, int64_t first, int64_t count)
{
    const int64_t slab = r->rows * r->inner, outer = first / slab,
                  row = first % slab / r->inner, at = first % r->inner;
    const int64_t n = count < r->inner - at ? count : r->inner - at;

    read_row(r, row, outer * r->inner + at, n, r->out);
    return n;
}

void lfi_preview_rows_read(const struct lfi_preview *preview, int64_t layer,
                           int32_t weight, int64_t first, int64_t count, void *out)
{
    const struct lfi_rows *all = &preview->plan->rows;
    const int64_t run = all->first_run[layer] + weight;
    const struct lfi_parameter *q = lfi_layer_weight(preview->ties.layers[layer], weight);
    const struct lfi_view *view = &q->value->view;
    struct rows r = {.p = preview,
                     .dtype = view->dtype,
                     .number = all->first[run],
                     .rows = view->dims[q->output_axis],
                     .inner = 1,
                     .out = out};
    int64_t n;
    int32_t i;

    for (i = q->output_axis + 1; i < view->rank; i++)
        r.inner *= view->dims[i];
    for (; count > 0; first += n, count -= n) {
        n = read_whole(&r, first, count);
        if (n == 0)
            n = read_run(&r, first, count);
        r.out += n * (int64_t)lfi_dtype_size(view->dtype);
    }
}
