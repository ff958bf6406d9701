/* arrangements.c - which entry of which axis will stand where, once a plan's units are in order */
#include "fusion/alignment.h"
#include "fusion/arrangement.h"

static lfuse_status reserve(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            struct lfi_arrangements *a, lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    status = lfi_alloc_zero(env, (size_t)count + 1, sizeof(*a->first), "an arrangement",
                            &a->first, err);
    if (status != LFUSE_OK)
        return status;
    a->layers = count;
    for (i = 0; i < count; i++)
        a->first[i + 1] = a->first[i] + layers[i]->parameter_count;
    return lfi_alloc_zero(env, (size_t)a->first[count], sizeof(*a->items),
                          "an arrangement", &a->items, err);
}

static lfuse_status begin_axis(const struct lfi_env *env, struct lfi_arrangement *a,
                               int32_t axis, int64_t entries, lfuse_error *err)
{
    lfuse_status status;
    int64_t i;

    if (a->axes[axis] != NULL)
        return LFUSE_OK;
    status = lfi_alloc(env, (size_t)entries, sizeof(**a->axes), "an arrangement",
                       &a->axes[axis], err);
    for (i = 0; i < entries && status == LFUSE_OK; i++)
        a->axes[axis][i] = i;
    a->entries[axis] = entries;
    a->moves = true;
    return status;
}

static lfuse_status add(const struct lfi_env *env, const struct lfi_layer *const *layers,
                        const struct lfi_coupled *item, const struct lfi_move *move,
                        struct lfi_arrangements *arrangements, lfuse_error *err)
{
    struct lfi_arrangement *a =
        &arrangements->items[arrangements->first[item->layer] + item->parameter];
    const struct lfi_parameter *p = &layers[item->layer]->parameters[item->parameter];
    int64_t u, k;
    lfuse_status status =
        begin_axis(env, a, item->axis, p->value->view.dims[item->axis], err);

    for (u = 0; u < move->units && status == LFUSE_OK; u++)
        for (k = 0; k < item->block; k++)
            a->axes[item->axis][item->offset + u * item->block + k] =
                item->offset + move->order[u] * item->block + k;
    return status;
}

/* Axes of a row: its own first, which is one entry. */
static void turn(const struct lfi_parameter *p, struct lfi_arrangement *a)
{
    int32_t i, at = 1;

    for (i = 0; i < p->value->view.rank; i++)
        if (i != p->output_axis)
            a->row_axes[at++] = a->axes[i];
}

static void turn_all(const struct lfi_layer *const *layers, int64_t count,
                     struct lfi_arrangements *a)
{
    int64_t i;
    int32_t k;

    for (i = 0; i < count; i++)
        for (k = 0; k < layers[i]->parameter_count; k++)
            turn(&layers[i]->parameters[k], &a->items[a->first[i] + k]);
}

lfuse_status lfi_arrangements_create(const struct lfi_env *env,
                                     const struct lfi_layer *const *layers, int64_t count,
                                     const struct lfi_moves *moves,
                                     struct lfi_arrangements *arrangements,
                                     lfuse_error *err)
{
    struct lfi_shifts *shifts; /* what is moved has been found, and checked */
    int64_t i, k;
    lfuse_status status = lfi_shifts_create(env, layers, count, moves, &shifts, err);

    *arrangements = (struct lfi_arrangements){0};
    if (status != LFUSE_OK || shifts == NULL)
        return status;
    status = reserve(env, layers, count, arrangements, err);
    for (i = 0; i < shifts->count; i++)
        for (k = 0; k < shifts->items[i].item_count && status == LFUSE_OK; k++)
            status = add(env, layers, &shifts->items[i].items[k], &moves->items[i],
                         arrangements, err);
    lfi_shifts_pop(env, &shifts);
    if (status == LFUSE_OK)
        turn_all(layers, count, arrangements);
    else
        lfi_arrangements_destroy(env, arrangements);
    return status;
}

void lfi_arrangements_destroy(const struct lfi_env *env,
                              struct lfi_arrangements *arrangements)
{
    struct lfi_arrangements *a = arrangements;
    const int64_t n = a->first == NULL ? 0 : a->first[a->layers];
    int64_t i;
    int32_t d;

    for (i = 0; i < n && a->items != NULL; i++)
        for (d = 0; d < LFI_MAX_RANK; d++)
            lfi_free(env, a->items[i].axes[d], (size_t)a->items[i].entries[d],
                     sizeof(**a->items[i].axes));
    lfi_free(env, a->items, (size_t)n, sizeof(*a->items));
    lfi_free(env, a->first, (size_t)a->layers + 1, sizeof(*a->first));
    *a = (struct lfi_arrangements){0};
}

const struct lfi_arrangement *
lfi_arrangements_of(const struct lfi_arrangements *arrangements, int64_t layer)
{
    return arrangements->items == NULL ? NULL
                                       : arrangements->items + arrangements->first[layer];
}
