/*
 * arrangement.c - reading what will stand in each place, where it stands now
 *
 * Neighbouring axes that do not move are walked as one, so that runs are long: of rows that move
 * they are rows, of columns elements.
 */
#include "fusion/arrangement.h"

#include <string.h>

enum { BLOCK = 512 };

struct walk {
    int64_t dims[LFI_MAX_RANK];
    int64_t strides[LFI_MAX_RANK];
    int64_t index[LFI_MAX_RANK];
    const int64_t *maps[LFI_MAX_RANK];
    int32_t last; /* axis */
};

static void walk_begin(struct walk *w, const struct lfi_arranged *a, int64_t element)
{
    const struct lfi_view *view = &a->view;
    int32_t i;

    w->last = -1;
    for (i = 0; i < view->rank; i++) {
        const int64_t *map = a->axes[i];

        if (w->last >= 0 && map == NULL && w->maps[w->last] == NULL &&
            w->strides[w->last] == view->dims[i] * view->strides[i]) {
            w->dims[w->last] *= view->dims[i];
        } else {
            w->dims[++w->last] = view->dims[i];
            w->maps[w->last] = map;
        }
        w->strides[w->last] = view->strides[i];
    }
    for (i = w->last; i >= 0; i--) {
        w->index[i] = element % w->dims[i];
        element /= w->dims[i];
    }
}

static void walk_advance(struct walk *w, int64_t run)
{
    int32_t i = w->last;

    w->index[i] += run;
    while (i > 0 && w->index[i] == w->dims[i]) {
        w->index[i] = 0;
        w->index[--i]++;
    }
}

static int64_t at(const struct walk *w, int32_t axis)
{
    const int64_t i = w->index[axis];

    return w->maps[axis] == NULL ? i : w->maps[axis][i];
}

#define COPY_RUN(SIZE, INDEX) \
    for (i = 0; i < run; i++) \
    memcpy(to + i * (SIZE), from + (INDEX)*stride * (SIZE), (size_t)(SIZE))

/* Along the last axis, of the slice at `from`. */
static void copy_run(const struct walk *w, const char *from, int64_t size, int64_t run,
                     char *to)
{
    const int64_t first = w->index[w->last], stride = w->strides[w->last];
    const int64_t *map = w->maps[w->last] == NULL ? NULL : w->maps[w->last] + first;
    int64_t i;

    if (map == NULL) {
        from += first * stride * size;
        if (stride == 1)
            memcpy(to, from, (size_t)(run * size));
        else
            for (i = 0; i < run; i++)
                memcpy(to + i * size, from + i * stride * size, (size_t)size);
        return;
    }
    switch (size) { /* constant sizes: the copies become moves */
    case 8: COPY_RUN(8, map[i]); break;
    case 4: COPY_RUN(4, map[i]); break;
    default: COPY_RUN(2, map[i]); break;
    }
}

struct lfi_arranged lfi_arranged_of(const struct lfi_view *view,
                                    const struct lfi_arrangement *arrangements,
                                    int64_t parameter)
{
    struct lfi_arranged arranged = {*view, NULL};

    if (arrangements != NULL && arrangements[parameter].moves)
        arranged.axes = arrangements[parameter].axes;
    return arranged;
}

struct lfi_arranged lfi_arranged_row_of(const struct lfi_view *view,
                                        const struct lfi_arrangement *arrangements,
                                        int64_t parameter, int32_t output_axis,
                                        int64_t row)
{
    struct lfi_arranged arranged = {lfi_view_axis_first(view, output_axis), NULL};

    if (arrangements != NULL && arrangements[parameter].moves) {
        const struct lfi_arrangement *a = &arrangements[parameter];

        if (a->axes[output_axis] != NULL)
            row = a->axes[output_axis][row];
        arranged.axes = a->row_axes;
    }
    arranged.view.data =
        (char *)arranged.view.data +
        (int64_t)lfi_dtype_size(arranged.view.dtype) * row * arranged.view.strides[0];
    arranged.view.dims[0] = 1;
    return arranged;
}

void lfi_arranged_read_bits(const struct lfi_arranged *arranged, int64_t first,
                            int64_t count, void *out)
{
    const struct lfi_view *view = &arranged->view;
    const int64_t size = (int64_t)lfi_dtype_size(view->dtype);
    int64_t run, offset;
    char *to = out;
    struct walk w;
    int32_t i;

    if (arranged->axes == NULL) {
        lfi_view_read_bits(view, first, count, out);
        return;
    }
    walk_begin(&w, arranged, first);
    for (; count > 0; count -= run, to += run * size) {
        run = w.dims[w.last] - w.index[w.last];
        if (run > count)
            run = count;
        for (offset = 0, i = 0; i < w.last; i++)
            offset += at(&w, i) * w.strides[i];
        copy_run(&w, (const char *)view->data + offset * size, size, run, to);
        walk_advance(&w, run);
    }
}

void lfi_arranged_read_f64(const struct lfi_arranged *arranged, int64_t first,
                           int64_t count, double *out)
{
    double bits[BLOCK];
    struct lfi_view block = {
        .data = bits, .rank = 1, .strides = {1}, .dtype = arranged->view.dtype};
    int64_t n;

    if (arranged->axes == NULL) {
        lfi_view_read_f64(&arranged->view, first, count, out);
        return;
    }
    for (; count > 0; count -= n, first += n, out += n) {
        n = count < BLOCK ? count : BLOCK;
        block.dims[0] = n;
        lfi_arranged_read_bits(arranged, first, n, bits);
        lfi_view_read_f64(&block, 0, n, out);
    }
}
