/* view.c - typed strided memory, read and written in row order */
#include "base/base.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int64_t lfi_view_elements(const struct lfi_view *view)
{
    int64_t n = 1;
    int32_t i;

    for (i = 0; i < view->rank; i++)
        n *= view->dims[i];
    return n;
}

size_t lfi_view_bytes(const struct lfi_view *view)
{
    return (size_t)lfi_view_elements(view) * lfi_dtype_size(view->dtype);
}

bool lfi_view_is_dense(const struct lfi_view *view)
{
    int64_t expected = 1;
    int32_t i;

    for (i = view->rank - 1; i >= 0; i--) {
        if (view->dims[i] != 1 && view->strides[i] != expected)
            return false;
        expected *= view->dims[i];
    }
    return true;
}

bool lfi_view_same_shape(const struct lfi_view *a, const struct lfi_view *b)
{
    int32_t i;

    if (a->rank != b->rank)
        return false;
    for (i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return false;
    return true;
}

void lfi_view_shape_text(const struct lfi_view *view, char *text, size_t size)
{
    size_t used = 0;
    int32_t i;

    for (i = 0; i < view->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%lld", i == 0 ? "[" : ", ",
                                 (long long)view->dims[i]);
    if (used < size)
        (void)snprintf(text + used, size - used, "]");
}

struct lfi_view lfi_view_axis_first(const struct lfi_view *view, int32_t axis)
{
    struct lfi_view moved = *view;
    int32_t i;

    for (i = axis; i > 0; i--) {
        moved.dims[i] = view->dims[i - 1];
        moved.strides[i] = view->strides[i - 1];
    }
    moved.dims[0] = view->dims[axis];
    moved.strides[0] = view->strides[axis];
    return moved;
}

/* ---- runs: the elements of a view in row order, cut where the innermost axis ends -------- */

struct cursor {
    const struct lfi_view *view;
    int64_t index[LFI_MAX_RANK];
    int64_t offset; /* of the current element */
};

static void cursor_seek(struct cursor *c, const struct lfi_view *view, int64_t element)
{
    int32_t i;

    c->view = view;
    c->offset = 0;
    for (i = view->rank - 1; i >= 0; i--) {
        c->index[i] = element % view->dims[i];
        element /= view->dims[i];
        c->offset += c->index[i] * view->strides[i];
    }
}

/* Elements from here to the end of the innermost axis. */
static int64_t cursor_run(const struct cursor *c)
{
    int32_t last = c->view->rank - 1;

    return c->view->dims[last] - c->index[last];
}

static void cursor_advance(struct cursor *c, int64_t run)
{
    const struct lfi_view *v = c->view;
    int32_t i = v->rank - 1;

    c->index[i] += run;
    c->offset += run * v->strides[i];
    while (i > 0 && c->index[i] == v->dims[i]) {
        c->offset += v->strides[i - 1] - v->dims[i] * v->strides[i];
        c->index[i] = 0;
        c->index[--i]++;
    }
}

#define READ_RUN(T, EXPRESSION)                        \
    do {                                               \
        const T *p = (const T *)view->data + c.offset; \
        for (i = 0; i < run; i++) {                    \
            T e = p[i * stride];                       \
            out[i] = EXPRESSION;                       \
        }                                              \
    } while (0)

#define DEFINE_READ(NAME, OUT)                                                     \
    void NAME(const struct lfi_view *view, int64_t first, int64_t count, OUT *out) \
    {                                                                              \
        int64_t stride = view->strides[view->rank - 1], run, i;                    \
        struct cursor c;                                                           \
                                                                                   \
        cursor_seek(&c, view, first);                                              \
        for (; count > 0; count -= run, out += run) {                              \
            run = cursor_run(&c);                                                  \
            if (run > count)                                                       \
                run = count;                                                       \
            switch (view->dtype) {                                                 \
            case LFUSE_F32: READ_RUN(float, (OUT)e); break;                        \
            case LFUSE_F64: READ_RUN(double, (OUT)e); break;                       \
            case LFUSE_F16: READ_RUN(uint16_t, (OUT)lfi_f16_to_f32(e)); break;     \
            default: READ_RUN(uint16_t, (OUT)lfi_bf16_to_f32(e)); break;           \
            }                                                                      \
            cursor_advance(&c, run);                                               \
        }                                                                          \
    }

DEFINE_READ(lfi_view_read_f32, float)
DEFINE_READ(lfi_view_read_f64, double)

#define GATHER_RUN(SIZE)      \
    for (i = 0; i < run; i++) \
    memcpy(to + i * (SIZE), from + i * stride * (SIZE), (size_t)(SIZE))

void lfi_view_read_bits(const struct lfi_view *view, int64_t first, int64_t count,
                        void *out)
{
    int64_t size = (int64_t)lfi_dtype_size(view->dtype);
    int64_t stride = view->strides[view->rank - 1], run, i;
    char *to = out;
    struct cursor c;

    cursor_seek(&c, view, first);
    for (; count > 0; count -= run, to += run * size) {
        const char *from = (const char *)view->data + c.offset * size;

        run = cursor_run(&c);
        if (run > count)
            run = count;
        switch (size) { /* constant sizes: the copies become moves */
        case 8: GATHER_RUN(8); break;
        case 4: GATHER_RUN(4); break;
        default: GATHER_RUN(2); break;
        }
        cursor_advance(&c, run);
    }
}

#define WRITE_RUN(T, EXPRESSION)           \
    do {                                   \
        T *p = (T *)view->data + c.offset; \
        for (i = 0; i < run; i++) {        \
            double e = in[i];              \
            p[i * stride] = EXPRESSION;    \
        }                                  \
    } while (0)

/* f64 -> f16 and bf16 go through f32 rounded to odd, so that they are rounded only once. */
static float round_to_odd(double value)
{
    float nearest = (float)value;
    uint32_t bits;

    if (isnan(value) || (double)nearest == value)
        return nearest;
    if (isinf(nearest) ||
        fabs((double)nearest) > fabs(value)) /* step back: towards zero */
        nearest = nextafterf(nearest, 0.0f);
    memcpy(&bits, &nearest, sizeof(bits));
    bits |= 1u;
    memcpy(&nearest, &bits, sizeof(bits));
    return nearest;
}

void lfi_view_write_f64(const struct lfi_view *view, int64_t first, int64_t count,
                        const double *in)
{
    int64_t stride = view->strides[view->rank - 1], run, i;
    struct cursor c;

    cursor_seek(&c, view, first);
    for (; count > 0; count -= run, in += run) {
        run = cursor_run(&c);
        if (run > count)
            run = count;
        switch (view->dtype) {
        case LFUSE_F32: WRITE_RUN(float, (float)e); break;
        case LFUSE_F64: WRITE_RUN(double, e); break;
        case LFUSE_F16: WRITE_RUN(uint16_t, lfi_f32_to_f16(round_to_odd(e))); break;
        default: WRITE_RUN(uint16_t, lfi_f32_to_bf16(round_to_odd(e))); break;
        }
        cursor_advance(&c, run);
    }
}

/* Copies between equal types: every bit, NaN payloads included. */
static void copy_same_type(const struct lfi_view *target, const struct lfi_view *source)
{
    size_t size = lfi_dtype_size(source->dtype);
    int64_t st = target->strides[target->rank - 1],
            ss = source->strides[source->rank - 1];
    int64_t left = lfi_view_elements(source), run, i;
    struct cursor t, s;

    if (lfi_view_is_dense(target) && lfi_view_is_dense(source)) {
        memmove(target->data, source->data, (size_t)left * size);
        return;
    }
    cursor_seek(&t, target, 0);
    cursor_seek(&s, source, 0);
    for (; left > 0; left -= run) {
        char *to = (char *)target->data + (size_t)t.offset * size;
        const char *from = (const char *)source->data + (size_t)s.offset * size;

        run = cursor_run(&s);
        for (i = 0; i < run; i++)
            memcpy(to + (size_t)(i * st) * size, from + (size_t)(i * ss) * size, size);
        cursor_advance(&t, run);
        cursor_advance(&s, run);
    }
}

enum { BLOCK = 512 };

void lfi_view_copy(const struct lfi_view *target, const struct lfi_view *source)
{
    int64_t n = lfi_view_elements(source), first, count;
    double block[BLOCK];

    if (target->dtype == source->dtype) {
        copy_same_type(target, source);
        return;
    }
    for (first = 0; first < n; first += count) {
        count = n - first < BLOCK ? n - first : BLOCK;
        lfi_view_read_f64(source, first, count, block);
        lfi_view_write_f64(target, first, count, block);
    }
}

int64_t lfi_view_find_not_finite(const struct lfi_view *view)
{
    int64_t n = lfi_view_elements(view), first, count, i;
    double block[BLOCK];

    for (first = 0; first < n; first += count) {
        count = n - first < BLOCK ? n - first : BLOCK;
        lfi_view_read_f64(view, first, count, block);
        for (i = 0; i < count; i++)
            if (!isfinite(block[i]))
                return first + i;
    }
    return -1;
}
