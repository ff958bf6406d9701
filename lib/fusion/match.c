/*
 * match.c - which units of one space are most alike which of another
 *
 *     max over one-to-one pi of sum_u score(u, pi(u)),     score(u, v) = sum of <x_u, y_v>
 *
 * over all tensors that the space touches, at once: what comes into a unit, its bias, its norm
 * and what goes out of it. Exact by linear assignment. Weights are rounded to f32, products are
 * added as products.c says. Running statistics are of the data, and left out.
 */
#include "fusion/alignment.h"

#include <math.h>
#include <string.h>

/* ---- scores ------------------------------------------------------------------------------ */

static void lay_out(struct lfi_match *m, struct lfi_arena *arena)
{
    const int64_t order = m->products.order, pitch = lfi_products_pitch(order);

    m->score = lfi_arena_take(arena, order, order);
    m->here = lfi_arena_take(arena, LFI_PANEL, pitch); /* of floats: half of it */
    m->there = lfi_arena_take(arena, LFI_PANEL, pitch);
    m->products.strip = lfi_arena_take(arena, LFI_PANEL, order);
    lfi_assignment_lay_out(&m->assignment, m->units, m->units, arena);
}

lfuse_status lfi_match_create(const struct lfi_env *env, int64_t units,
                              struct lfi_match *match, lfuse_error *err)
{
    struct lfi_match m = {.units = units};
    struct lfi_arena arena = {.fits = true};
    lfuse_status status;

    *match = m;
    m.products.kernels = env->kernels;
    m.products.order = lfi_products_order(units);
    lay_out(&m, &arena);
    if (!lfi_arena_bytes(&arena, &m.bytes))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "a match of %lld units does not fit",
                        (long long)units);
    status = lfi_alloc_zero(env, m.bytes, 1, "a match of units", &m.memory, err);
    if (status != LFUSE_OK)
        return status;
    arena = (struct lfi_arena){.base = m.memory, .fits = true};
    lay_out(&m, &arena);
    *match = m;
    return LFUSE_OK;
}

void lfi_match_destroy(const struct lfi_env *env, struct lfi_match *match)
{
    lfi_free(env, match->memory, match->bytes, 1);
    *match = (struct lfi_match){0};
}

void lfi_match_clear(struct lfi_match *match)
{
    lfi_products_clear(&match->products, match->score);
}

/* Columns [first, first + steps) of x (units, count), turned. */
static void fill_panel(const struct lfi_match *m, const float *x, int64_t count,
                       int64_t first, int64_t steps, double weight, float *panel)
{
    const int64_t pitch = lfi_products_pitch(m->products.order);
    int64_t u, k;

    for (u = 0; u < m->units; u++)
        for (k = 0; k < steps; k++)
            panel[k * pitch + u] = (float)(weight * (double)x[u * count + first + k]);
}

void lfi_match_add(struct lfi_match *match, const float *here, const float *there,
                   int64_t count, double weight)
{
    int64_t first, steps;

    for (first = 0; first < count; first += steps) {
        steps = count - first < LFI_PANEL ? count - first : LFI_PANEL;
        fill_panel(match, here, count, first, steps, weight, match->here);
        fill_panel(match, there, count, first, steps, 1.0, match->there);
        lfi_products_add(&match->products, match->here, match->there, steps,
                         match->score);
    }
}

lfuse_status lfi_match_solve(const struct lfi_env *env, struct lfi_match *match,
                             int64_t *order, lfuse_error *err)
{
    struct lfi_assignment *a = &match->assignment;
    int64_t u, v;

    for (u = 0; u < match->units; u++)
        for (v = 0; v < match->units; v++) {
            const double score = match->score[u * match->products.order + v];

            if (!isfinite(score))
                return lfi_fail(err, LFUSE_ERR_NOT_FINITE,
                                "the likeness of units %lld and %lld is beyond f32",
                                (long long)u, (long long)v);
            a->cost[u * a->pitch + v] = -score;
        }
    lfi_assignment_solve(env->kernels, a);
    memcpy(order, a->column, (size_t)match->units * sizeof(*order));
    return LFUSE_OK;
}

/* ---- two spaces ---------------------------------------------------------------------------- */

static const struct lfi_parameter *parameter_of(const struct lfi_layer *const *layers,
                                                const struct lfi_coupled *item)
{
    return &layers[item->layer]->parameters[item->parameter];
}

static lfuse_status check_members(const struct lfi_layer *const *layers,
                                  const struct lfi_binding *binding, int64_t a, int64_t b,
                                  lfuse_error *err)
{
    const int64_t *first = binding->first;
    const int64_t n = first[a + 1] - first[a], m = first[b + 1] - first[b];
    int64_t i;

    if (n != m || binding->units[a] != binding->units[b])
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "space %lld has %lld members of %lld units, space %lld %lld of "
                        "%lld",
                        (long long)a, (long long)n, (long long)binding->units[a],
                        (long long)b, (long long)m, (long long)binding->units[b]);
    for (i = 0; i < n; i++) {
        const struct lfi_coupled *x = &binding->items[first[a] + i],
                                 *y = &binding->items[first[b] + i];
        const struct lfi_parameter *p = parameter_of(layers, x),
                                   *q = parameter_of(layers, y);

        if (!lfi_view_same_shape(&p->value->view, &q->value->view) ||
            x->axis != y->axis || x->offset != y->offset || x->block != y->block)
            return lfi_fail(err, LFUSE_ERR_SHAPE,
                            "%s of layer %s and %s of layer %s are not coupled alike",
                            p->name, layers[x->layer]->name, q->name,
                            layers[y->layer]->name);
    }
    return LFUSE_OK;
}

/* The units of a member as rows. */
static void read_units(const struct lfi_layer *const *layers,
                       const struct lfi_coupled *item, int64_t units, float *rows)
{
    const struct lfi_view view =
        lfi_view_axis_first(&parameter_of(layers, item)->value->view, item->axis);
    const int64_t inner = lfi_view_elements(&view) / view.dims[0];

    lfi_view_read_f32(&view, item->offset * inner, units * item->block * inner, rows);
}

static void add_member(const struct lfi_layer *const *layers, const struct lfi_coupled *x,
                       const struct lfi_coupled *y, float *rows, struct lfi_match *match)
{
    const struct lfi_parameter *p = parameter_of(layers, x);
    const struct lfi_view *view = &p->value->view;
    const int64_t units = match->units,
                  count = lfi_view_elements(view) / view->dims[x->axis] * x->block;

    if (p->role == LFUSE_ROLE_STATISTIC)
        return;
    read_units(layers, x, units, rows);
    read_units(layers, y, units, rows + units * count);
    lfi_match_add(match, rows, rows + units * count, count, 1.0);
}

/* Of the largest member of a space. */
static int64_t most_elements(const struct lfi_layer *const *layers,
                             const struct lfi_binding *b, int64_t space)
{
    int64_t most = 1, i;

    for (i = b->first[space]; i < b->first[space + 1]; i++) {
        const int64_t n =
            lfi_view_elements(&parameter_of(layers, &b->items[i])->value->view);

        most = n > most ? n : most;
    }
    return most;
}

static lfuse_status score_weights(const struct lfi_env *env,
                                  const struct lfi_layer *const *layers,
                                  const struct lfi_binding *binding, int64_t a, int64_t b,
                                  struct lfi_match *match, lfuse_error *err)
{
    const int64_t *first = binding->first;
    const size_t n = 2 * (size_t)most_elements(layers, binding, a);
    float *rows;
    int64_t i;
    lfuse_status status = lfi_alloc(env, n, sizeof(*rows), "units", &rows, err);

    for (i = 0; i < first[a + 1] - first[a] && status == LFUSE_OK; i++)
        add_member(layers, &binding->items[first[a] + i], &binding->items[first[b] + i],
                   rows, match);
    lfi_free(env, rows, n, sizeof(*rows));
    return status;
}

static lfuse_status take_likeness(const double *likeness, struct lfi_match *match,
                                  lfuse_error *err)
{
    const int64_t n = match->units;
    int64_t u, v;

    for (u = 0; u < n; u++)
        for (v = 0; v < n; v++) {
            if (!(fabs(likeness[u * n + v]) < 0x1p1000))
                return lfi_fail(err, LFUSE_ERR_NOT_FINITE, "likeness[%lld][%lld] is %g",
                                (long long)u, (long long)v, likeness[u * n + v]);
            match->score[u * match->products.order + v] = likeness[u * n + v];
        }
    return LFUSE_OK;
}

lfuse_status lfi_couplings_match(const struct lfi_env *env,
                                 const struct lfi_couplings *couplings,
                                 const struct lfi_layer *const *layers, int64_t count,
                                 int64_t a, int64_t b, const double *likeness,
                                 int64_t *order, lfuse_error *err)
{
    struct lfi_match match = {0};
    struct lfi_binding binding;
    lfuse_status status =
        lfi_binding_create(env, couplings, layers, count, &binding, err);

    if (status != LFUSE_OK)
        return status;
    status = check_members(layers, &binding, a, b, err);
    if (status == LFUSE_OK)
        status = lfi_match_create(env, binding.units[a], &match, err);
    if (status == LFUSE_OK)
        status = likeness != NULL
                     ? take_likeness(likeness, &match, err)
                     : score_weights(env, layers, &binding, a, b, &match, err);
    if (status == LFUSE_OK)
        status = lfi_match_solve(env, &match, order, err);
    lfi_match_destroy(env, &match);
    lfi_binding_destroy(env, &binding);
    return status;
}
