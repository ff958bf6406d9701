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

bool lfi_view_is_array(const struct lfi_view *view)
{
    return (uintptr_t)view->data % lfi_dtype_size(view->dtype) == 0 &&
           lfi_view_is_dense(view);
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

/* Axes that lie in memory like one are walked as one, so that runs are long. */
struct cursor {
    int64_t dims[LFI_MAX_RANK];
    int64_t strides[LFI_MAX_RANK];
    int64_t index[LFI_MAX_RANK];
    int64_t offset; /* of the current element */
    int32_t last;   /* axis */
};

static void cursor_shape(struct cursor *c, const struct lfi_view *view)
{
    int32_t i;

    c->last = 0;
    c->dims[0] = view->dims[0];
    c->strides[0] = view->strides[0];
    for (i = 1; i < view->rank; i++) {
        if (view->dims[i] == 1)
            continue;
        if (c->dims[c->last] == 1 ||
            c->strides[c->last] == view->dims[i] * view->strides[i]) {
            c->dims[c->last] *= view->dims[i];
        } else {
            c->dims[++c->last] = view->dims[i];
        }
        c->strides[c->last] = view->strides[i];
    }
}

static void cursor_seek(struct cursor *c, const struct lfi_view *view, int64_t element)
{
    int32_t i;

    cursor_shape(c, view);
    c->offset = 0;
    for (i = c->last; i >= 0; i--) {
        c->index[i] = element % c->dims[i];
        element /= c->dims[i];
        c->offset += c->index[i] * c->strides[i];
    }
}

/* Elements from here to the end of the innermost axis. */
static int64_t cursor_run(const struct cursor *c)
{
    return c->dims[c->last] - c->index[c->last];
}

static void cursor_advance(struct cursor *c, int64_t run)
{
    int32_t i = c->last;

    c->index[i] += run;
    c->offset += run * c->strides[i];
    while (i > 0 && c->index[i] == c->dims[i]) {
        c->offset += c->strides[i - 1] - c->dims[i] * c->strides[i];
        c->index[i] = 0;
        c->index[--i]++;
    }
}

/*
 * Files align nothing, so an element may be read at any address. With the stride of 1 written
 * out, the compiler may use vectors.
 */
#define READ_RUN(T, EXPRESSION)                                        \
    do {                                                               \
        typedef T unaligned __attribute__((aligned(1), may_alias));    \
        const unaligned *p = (const unaligned *)view->data + c.offset; \
        if (stride == 1)                                               \
            for (i = 0; i < run; i++) {                                \
                T e = p[i];                                            \
                out[i] = EXPRESSION;                                   \
            }                                                          \
        else                                                           \
            for (i = 0; i < run; i++) {                                \
                T e = p[i * stride];                                   \
                out[i] = EXPRESSION;                                   \
            }                                                          \
    } while (0)

#define DEFINE_READ(NAME, OUT)                                                     \
    void NAME(const struct lfi_view *view, int64_t first, int64_t count, OUT *out) \
    {                                                                              \
        int64_t stride, run, i;                                                    \
        struct cursor c;                                                           \
                                                                                   \
        cursor_seek(&c, view, first);                                              \
        stride = c.strides[c.last];                                                \
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
    int64_t stride, run, i;
    char *to = out;
    struct cursor c;

    cursor_seek(&c, view, first);
    stride = c.strides[c.last];
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
    int64_t stride, run, i;
    struct cursor c;

    cursor_seek(&c, view, first);
    stride = c.strides[c.last];
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
    int64_t left = lfi_view_elements(source), run, st, ss, i;
    struct cursor t, s;

    if (lfi_view_is_dense(target) && lfi_view_is_dense(source)) {
        memmove(target->data, source->data, (size_t)left * size);
        return;
    }
    cursor_seek(&t, target, 0);
    cursor_seek(&s, source, 0);
    st = t.strides[t.last];
    ss = s.strides[s.last];
    for (; left > 0; left -= run) {
        char *to = (char *)target->data + (size_t)t.offset * size;
        const char *from = (const char *)source->data + (size_t)s.offset * size;

        run = cursor_run(&t) < cursor_run(&s) ? cursor_run(&t) : cursor_run(&s);
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

/*
 * An exponent of ones, and no other, carries into the sign. Integers without branches become a loop
 * of vectors: every gradient of every step goes through here.
 */
static bool is_finite_f32(const float *values)
{
    uint32_t carried = 0, bits;
    int i;

    for (i = 0; i < BLOCK; i++) {
        memcpy(&bits, &values[i], sizeof(bits));
        carried |= (bits & 0x7f800000u) + 0x00800000u;
    }
    return carried >> 31 == 0;
}

static bool is_finite_f64(const double *values)
{
    int i;

    for (i = 0; i < BLOCK; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Of any type: f16 and bf16 are f32, too. The rest of a block is zeros. */
static bool is_block_finite(const struct lfi_view *view, int64_t first, int64_t count)
{
    double wide[BLOCK];
    float narrow[BLOCK];

    if (view->dtype == LFUSE_F64) {
        lfi_view_read_f64(view, first, count, wide);
        memset(wide + count, 0, (size_t)(BLOCK - count) * sizeof(*wide));
        return is_finite_f64(wide);
    }
    lfi_view_read_f32(view, first, count, narrow);
    memset(narrow + count, 0, (size_t)(BLOCK - count) * sizeof(*narrow));
    return is_finite_f32(narrow);
}

int64_t lfi_view_find_not_finite(const struct lfi_view *view)
{
    int64_t n = lfi_view_elements(view), first, count, i;
    double block[BLOCK];

    for (first = 0; first < n; first += count) {
        count = n - first < BLOCK ? n - first : BLOCK;
        if (is_block_finite(view, first, count))
            continue;
        lfi_view_read_f64(view, first, count, block);
        for (i = 0; isfinite(block[i]);)
            i++;
        return first + i;
    }
    return -1;
}
