/*
 * moments.c - X'X or X X' of two centred blocks, panel by panel
 *
 * f64 data is multiplied in f64; where products.wide is false, centred values are rounded to
 * f32 (products.c). The same products give all three sums, so that equal inputs give equal ones.
 */
#include "similarity/parts.h"

#include <string.h>

void lfi_moments_lay_out(struct lfi_moments *m, const struct lfi_block *largest,
                         struct lfi_arena *arena)
{
    int64_t order = lfi_products_order(m->gram ? largest->rows : largest->columns);

    m->a_panel = lfi_arena_take(arena, LFI_PANEL, lfi_products_pitch(order));
    m->c_panel =
        m->single ? NULL : lfi_arena_take(arena, LFI_PANEL, lfi_products_pitch(order));
    m->products.strip = lfi_arena_take(arena, LFI_PANEL, order);
    m->aa = lfi_arena_take(arena, order, order);
    m->cc = m->single ? NULL : lfi_arena_take(arena, order, order);
    m->ac = m->crossed ? lfi_arena_take(arena, order, order) : NULL;
    lfi_centred_lay_out(&m->a, largest, arena);
    if (!m->single)
        lfi_centred_lay_out(&m->c, largest, arena);
    m->line = lfi_arena_take(arena, 1, largest->columns);
}

bool lfi_moments_scratch(struct lfi_moments *m, const struct lfi_block *largest,
                         size_t *bytes)
{
    struct lfi_arena arena = {.fits = true};

    lfi_moments_lay_out(m, largest, &arena);
    return lfi_arena_bytes(&arena, bytes);
}

/* The line to where panel steps are `stride` apart. */
static void put_line(const struct lfi_moments *m, void *panel, int64_t count, int64_t at,
                     int64_t stride)
{
    double *wide = panel;
    float *narrow = panel;
    int64_t j;

    if (m->products.wide)
        for (j = 0; j < count; j++)
            wide[at + j * stride] = m->line[j];
    else
        for (j = 0; j < count; j++)
            narrow[at + j * stride] = (float)m->line[j];
}

/* Steps [step, step + count) of the products' inner direction; zeros pad the order. */
static void load_panel(const struct lfi_moments *m, const struct lfi_centred *side,
                       void *panel, const struct lfi_block *b, int64_t step,
                       int64_t count)
{
    int64_t pitch = lfi_products_pitch(m->products.order), i;

    memset(panel, 0,
           (size_t)(count * pitch) * (m->products.wide ? sizeof(double) : sizeof(float)));
    if (m->gram)
        for (i = 0; i < b->rows; i++) {
            lfi_centred_read(side, i, step, count, m->line);
            put_line(m, panel, count, i, pitch);
        }
    else
        for (i = 0; i < count; i++) {
            lfi_centred_read(side, step + i, 0, b->columns, m->line);
            put_line(m, panel, b->columns, i * pitch, 1);
        }
}

void lfi_moments_multiply(struct lfi_moments *m, const struct lfi_block *b)
{
    int64_t inner = m->gram ? b->columns : b->rows, step, steps;

    m->products.order = lfi_products_order(m->gram ? b->rows : b->columns);
    lfi_products_clear(&m->products, m->aa);
    if (!m->single)
        lfi_products_clear(&m->products, m->cc);
    if (m->crossed)
        lfi_products_clear(&m->products, m->ac);
    for (step = 0; step < inner; step += steps) {
        steps = inner - step < LFI_PANEL ? inner - step : LFI_PANEL;
        load_panel(m, &m->a, m->a_panel, b, step, steps);
        lfi_products_add(&m->products, m->a_panel, m->a_panel, steps, m->aa);
        if (m->single)
            continue;
        load_panel(m, &m->c, m->c_panel, b, step, steps);
        lfi_products_add(&m->products, m->c_panel, m->c_panel, steps, m->cc);
        if (m->crossed)
            lfi_products_add(&m->products, m->a_panel, m->c_panel, steps, m->ac);
    }
}

lfuse_status lfi_moments_measure(const struct lfi_env *env,
                                 const struct lfi_comparison *pair,
                                 const struct lfi_block *whole, struct lfi_moments *m,
                                 lfuse_error *err)
{
    struct lfi_block a = lfi_block_whole(&pair->a), c = lfi_block_whole(&pair->c);
    lfuse_status status;

    m->a.view = &pair->a;
    m->c.view = &pair->c;
    m->products.kernels = env->kernels;
    m->products.wide = true;
    lfi_centred_prepare(&m->a, &a, m->line);
    lfi_centred_prepare(&m->c, &c, m->line);
    status = lfi_centred_check(&m->a, &m->c, pair, err);
    if (status == LFUSE_OK)
        lfi_moments_multiply(m, whole);
    return status;
}
