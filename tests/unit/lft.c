/* lft.c - see lft.h */
#include "lft.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"
#include "kernels/kernels.h"

/* ---- memory ---------------------------------------------------------------------------- */

static void *counted_alloc(void *user, size_t size, size_t align)
{
    struct lft_memory *m = user;
    void *ptr = NULL;

    if (m->allocations++ == m->fail_at || posix_memalign(&ptr, align, size) != 0)
        return NULL;
    memset(ptr, 0xa5, size);
    m->live += (int64_t)size;
    m->largest = (int64_t)size > m->largest ? (int64_t)size : m->largest;
    return ptr;
}

static void counted_release(void *user, void *ptr, size_t size, size_t align)
{
    struct lft_memory *m = user;

    (void)align;
    m->live -= (int64_t)size;
    free(ptr);
}

lfuse_allocator lft_allocator(struct lft_memory *memory)
{
    lfuse_allocator allocator = {counted_alloc, counted_release, memory};

    return allocator;
}

lfuse_context *lft_context(struct lft *t, int32_t threads, lfuse_isa isa)
{
    lfuse_context_options options;
    lfuse_context *ctx;

    lfuse_context_options_init(&options, sizeof(options));
    options.allocator = lft_allocator(&t->memory);
    options.threads = threads;
    options.isa = isa;
    options.seed = 1;
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    return ctx;
}

int lft_setup(void **state)
{
    struct lft *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return -1;
    t->memory.fail_at = -1;
    t->ctx = lft_context(t, 0, LFUSE_ISA_BEST);
    *state = t;
    return 0;
}

int lft_teardown(void **state)
{
    struct lft *t = *state;
    int64_t live;

    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
    lfuse_context_destroy(t->ctx);
    live = t->memory.live;
    free(t);
    if (live != 0)
        print_error("%lld bytes are still live\n", (long long)live);
    return live == 0 ? 0 : -1;
}

void lft_every_allocation_fails(struct lft *t,
                                lfuse_status (*call)(struct lft *t, void *arg), void *arg)
{
    int64_t live = t->memory.live, k;
    lfuse_status status = LFUSE_ERR_NO_MEMORY;

    for (k = 0; status != LFUSE_OK; k++) {
        assert_true(k < 10000);
        t->memory.allocations = 0;
        t->memory.fail_at = k;
        status = call(t, arg);
        t->memory.fail_at = -1;
        if (status != LFUSE_OK && status != LFUSE_ERR_NO_MEMORY)
            fail_msg("allocation %lld refused: %s: %s", (long long)k,
                     lfuse_status_name(status), t->err.message);
        assert_int_equal(t->memory.live, live);
    }
    assert_true(k > 1); /* else nothing was allocated, and the test proves nothing */
}

/* ---- errors ----------------------------------------------------------------------------- */

void lft_clear_error(lfuse_error *err)
{
    memset(err, 0, sizeof(*err));
}

void lft_check_error(const char *call, lfuse_status got, lfuse_status expected,
                     const lfuse_error *err, const char *text)
{
    if (got != expected)
        fail_msg("%s: got %s (%s), expected %s", call, lfuse_status_name(got),
                 err->message, lfuse_status_name(expected));
    if (err->status != expected)
        fail_msg("%s: err.status is %s", call, lfuse_status_name(err->status));
    if (strstr(err->message, text) == NULL)
        fail_msg("%s: \"%s\" does not contain \"%s\"", call, err->message, text);
}

/* ---- tensors and layers ------------------------------------------------------------------- */

double lft_value(uint64_t seed, int64_t index)
{
    int64_t sixteen_bits = (int64_t)(lfi_random_u64(seed, 0, (uint64_t)index) >> 48);

    return (double)(sixteen_bits - 32768) / 32768.0;
}

void lft_fill(float *values, int64_t count, uint64_t seed)
{
    int64_t i;

    for (i = 0; i < count; i++)
        values[i] = (float)lft_value(seed, i);
}

int lft_runs(lfuse_isa isa)
{
    return lfi_kernels_select(isa) != NULL;
}

static lfuse_tensor *create(struct lft *t, lfuse_dtype dtype, void *data, va_list list)
{
    int64_t dims[LFUSE_MAX_RANK];
    lfuse_tensor_desc desc;
    int dim;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    while ((dim = va_arg(list, int)) != 0)
        dims[desc.rank++] = dim;
    desc.dtype = dtype;
    desc.dims = dims;
    desc.data = data;
    assert_true(t->tensor_count < 256);
    lft_ok(t, lfuse_tensor_create(t->ctx, &desc, &t->tensors[t->tensor_count], &t->err));
    return t->tensors[t->tensor_count++];
}

lfuse_tensor *lft_tensor(struct lft *t, lfuse_dtype dtype, uint64_t seed, ...)
{
    struct lfi_view view = {.rank = 1, .dtype = dtype, .strides = {1}};
    lfuse_tensor *tensor;
    va_list list;
    int64_t i;

    va_start(list, seed);
    tensor = create(t, dtype, NULL, list);
    va_end(list);
    view.data = lfuse_tensor_data(tensor);
    view.dims[0] = lfuse_tensor_elements(tensor);
    for (i = 0; i < view.dims[0]; i++) {
        double value = lft_value(seed, i);

        lfi_view_write_f64(&view, i, 1, &value);
    }
    return tensor;
}

lfuse_tensor *lft_borrow(struct lft *t, lfuse_dtype dtype, void *data, ...)
{
    lfuse_tensor *tensor;
    va_list list;

    va_start(list, data);
    tensor = create(t, dtype, data, list);
    va_end(list);
    return tensor;
}

lfuse_tensor *lft_strided(struct lft *t, lfuse_dtype dtype, void *data, int32_t rank,
                          const int64_t *dims, const int64_t *strides)
{
    lfuse_tensor_desc desc;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = dtype;
    desc.data = data;
    desc.rank = rank;
    desc.dims = dims;
    desc.strides = strides;
    assert_true(t->tensor_count < 256);
    lft_ok(t, lfuse_tensor_create(t->ctx, &desc, &t->tensors[t->tensor_count], &t->err));
    return t->tensors[t->tensor_count++];
}

lfuse_layer *lft_layer(struct lft *t, const char *name, const char *param_type,
                       int32_t position, lfuse_tensor *weight, lfuse_tensor *gradient,
                       lfuse_tensor *velocity)
{
    lfuse_layer_desc desc;
    lfuse_parameter p;
    lfuse_layer *layer;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = param_type;
    desc.position = position;
    assert_true(t->layer_count < 128);
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &layer, &t->err));
    t->layers[t->layer_count++] = layer;
    lfuse_parameter_init(&p, sizeof(p));
    p.name = "weight";
    p.value = weight;
    p.gradient = gradient;
    p.state[0] = velocity;
    lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
    return layer;
}

/* ---- guard pages ---------------------------------------------------------------------------- */

static struct {
    void *base;
    size_t bytes;
} guards[64];
static int guard_count;

/* Pages for bytes, between two that nobody may touch; the inner ones. */
static char *guarded(size_t bytes, size_t *inner)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *base;

    *inner = (bytes + page - 1) / page * page;
    base = mmap(NULL, *inner + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(base != MAP_FAILED && guard_count < 64);
    guards[guard_count].base = base;
    guards[guard_count++].bytes = *inner + 2 * page;
    assert_int_equal(mprotect(base + page, *inner, PROT_READ | PROT_WRITE), 0);
    return base + page;
}

float *lft_guard_end(int64_t count)
{
    size_t inner, bytes = (size_t)count * sizeof(float);
    char *start = guarded(bytes, &inner);

    return (float *)(void *)(start + inner - bytes);
}

float *lft_guard_start(int64_t count)
{
    size_t inner;

    return (float *)(void *)guarded((size_t)count * sizeof(float), &inner);
}

void lft_guard_free(void)
{
    while (guard_count > 0) {
        guard_count--;
        munmap(guards[guard_count].base, guards[guard_count].bytes);
    }
}

/* ---- threads --------------------------------------------------------------------------------- */

/* The tests are linked with --wrap for these two. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);

static atomic_int refuse_in = -1;
static atomic_int alive;

void lft_refuse_thread(int k)
{
    atomic_store(&refuse_in, k);
}

int lft_threads_alive(void)
{
    return atomic_load(&alive);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                          void *(*start)(void *), void *arg)
{
    int code;

    if (atomic_load(&refuse_in) >= 0 && atomic_fetch_sub(&refuse_in, 1) == 0)
        return EAGAIN;
    code = __real_pthread_create(thread, attr, start, arg);
    if (code == 0)
        atomic_fetch_add(&alive, 1);
    return code;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    int code = __real_pthread_join(thread, result);

    if (code == 0)
        atomic_fetch_sub(&alive, 1);
    return code;
}

uint32_t lft_float_control(void)
{
#if defined(__SSE__)
    return __builtin_ia32_stmxcsr() & ~UINT32_C(0x3f);
#else
    return 0;
#endif
}
