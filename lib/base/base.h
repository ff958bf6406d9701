/*
 * base.h - what every module of the engine stands on
 *
 * env      where memory, threads, messages and kernels come from; passed down, never stored
 * memory   checked sizes, and allocation through the caller's allocator, aligned to 64 bytes
 * errors   one message, set once, where the fact is known
 * options  structs that grow at the end, from callers older or newer than this library
 * view     typed strided memory, read and written in row order as f32 or f64
 * array    a view with reference-counted storage, so that ties can re-point it
 * rng      counter-based random numbers: the same (seed, stream, index), the same bits
 * executor a small pool of threads; and parallel loops over it or over the host's
 *
 * All calls with an env are safe from any thread that owns its other arguments.
 */
#ifndef LFI_BASE_H
#define LFI_BASE_H

#include <stdbool.h>
#include <stdint.h>

#include <layerfuse/types.h>

/* ---- env ------------------------------------------------------------------------------- */

struct lfi_kernels;

struct lfi_env {
    lfuse_allocator allocator;
    lfuse_executor executor; /* always filled in: serial is an executor, too */
    lfuse_log log;
    void *log_user;
    lfuse_progress progress;
    void *progress_user;
    const struct lfi_kernels *kernels;
    uint64_t seed;
};

/* Tells progress, if anybody listens: LFUSE_OK, or LFUSE_ERR_CANCELLED. */
lfuse_status lfi_progress(const struct lfi_env *env, const char *what, int64_t done,
                          int64_t total, lfuse_error *err);
void lfi_log(const struct lfi_env *env, lfuse_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- errors ------------------------------------------------------------------------------ */

/* Writes *err, if there is one, and returns status. The message is cut at 247 bytes. */
lfuse_status lfi_fail(lfuse_error *err, lfuse_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with err->detail. */
lfuse_status lfi_fail_detail(lfuse_error *err, lfuse_status status, int32_t detail,
                             const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- memory -------------------------------------------------------------------------------- */

enum { LFI_ALIGN = 64 };

/* false when the result does not fit; *out is then untouched. */
bool lfi_mul_size(size_t a, size_t b, size_t *out);
bool lfi_add_size(size_t a, size_t b, size_t *out);
bool lfi_mul_int64(int64_t a, int64_t b, int64_t *out); /* of numbers >= 0 */

/* malloc's, for callers that bring none. */
lfuse_allocator lfi_allocator_default(void);

/*
 * count * size bytes, aligned to LFI_ALIGN, into *out: LFUSE_OK, LFUSE_ERR_OVERFLOW or
 * LFUSE_ERR_NO_MEMORY with a message that says how many bytes, for `what`. A count of 0 gives
 * NULL and LFUSE_OK. lfi_alloc_zero() clears them.
 */
lfuse_status lfi_alloc(const struct lfi_env *env, size_t count, size_t size,
                       const char *what, void *out, lfuse_error *err);
lfuse_status lfi_alloc_zero(const struct lfi_env *env, size_t count, size_t size,
                            const char *what, void *out, lfuse_error *err);
/* count and size as allocated. NULL does nothing. */
void lfi_free(const struct lfi_env *env, void *ptr, size_t count, size_t size);

lfuse_status lfi_string_copy(const struct lfi_env *env, const char *text, char **out,
                             lfuse_error *err);
void lfi_string_free(const struct lfi_env *env, char *text);

/* ---- options --------------------------------------------------------------------------------- */

/* Clears size bytes and stores size in the first size_t; NULL or size < sizeof(size_t): nothing. */
void lfi_options_init(void *options, size_t size);
/*
 * Copies what this library knows (known bytes) of the caller's struct, whose first field is
 * its size, and zero-fills the rest. options NULL gives all zeros if optional, else
 * LFUSE_ERR_ARGUMENT. Non-zero bytes beyond `known` are LFUSE_ERR_UNSUPPORTED, a size that is
 * not even a size_t is LFUSE_ERR_ARGUMENT. `what` names the argument.
 */
lfuse_status lfi_options_import(void *known_options, size_t known, const void *options,
                                bool optional, const char *what, lfuse_error *err);
/* The way back: fills the caller's struct, as far as its struct_size goes, which stays. */
lfuse_status lfi_options_export(void *options, const void *known_options, size_t known,
                                const char *what, lfuse_error *err);

/* ---- view ----------------------------------------------------------------------------------- */

enum { LFI_MAX_RANK = 8 };

struct lfi_view {
    void *data;
    int64_t dims[LFI_MAX_RANK];
    int64_t strides[LFI_MAX_RANK]; /* in elements */
    int32_t rank;
    lfuse_dtype dtype;
};

size_t lfi_dtype_size(lfuse_dtype dtype);
const char *lfi_dtype_name(lfuse_dtype dtype);
uint16_t lfi_f32_to_f16(float value); /* to nearest, ties to even */
uint16_t lfi_f32_to_bf16(float value);
/* Without branches and inline, so that a loop of them becomes one of vectors. */
static inline float lfi_f16_to_f32(uint16_t bits)
{
    uint32_t shifted = (uint32_t)(bits & 0x7fffu) << 13, exponent = bits & 0x7c00u;
    union {
        uint32_t bits;
        float value;
    } normal = {shifted + (exponent == 0x7c00u ? 0x70000000u : 0x38000000u)},
      small = {shifted + 0x38800000u}; /* subnormal, zero: 2^-14 more than it is */

    small.value -= 0x1p-14f;
    normal.bits = (exponent == 0 ? small.bits : normal.bits) | (bits & 0x8000u) << 16;
    return normal.value;
}

static inline float lfi_bf16_to_f32(uint16_t bits)
{
    union {
        uint32_t bits;
        float value;
    } wide = {(uint32_t)bits << 16};

    return wide.value;
}

int64_t lfi_view_elements(const struct lfi_view *view);
size_t lfi_view_bytes(const struct lfi_view *view); /* elements times their size */
bool lfi_view_is_dense(const struct lfi_view *view);
/* Dense, and at an address that its type can have, which a file's tensors need not be. */
bool lfi_view_is_array(const struct lfi_view *view);
bool lfi_view_same_shape(const struct lfi_view *a, const struct lfi_view *b);
/* "[16, 3, 3, 3]" */
void lfi_view_shape_text(const struct lfi_view *view, char *text, size_t size);
/* The same memory with `axis` first: its rows are the slices along that axis. */
struct lfi_view lfi_view_axis_first(const struct lfi_view *view, int32_t axis);
/*
 * Elements [first, first + count) in row order. Narrowing rounds to nearest even. data of a view
 * that is only read need not be aligned.
 */
void lfi_view_read_f32(const struct lfi_view *view, int64_t first, int64_t count,
                       float *out);
void lfi_view_read_f64(const struct lfi_view *view, int64_t first, int64_t count,
                       double *out);
/* The same without conversion: every bit, NaN payloads included; out may be unaligned. */
void lfi_view_read_bits(const struct lfi_view *view, int64_t first, int64_t count,
                        void *out);
/*
 * Says that these elements are read soon, so that those of a mapped file come from the disk while
 * others are worked on. Harmless for any memory; nothing where the view is strided or the
 * elements are less than a page.
 */
void lfi_view_prefetch(const struct lfi_view *view, int64_t first, int64_t count);
void lfi_view_write_f64(const struct lfi_view *view, int64_t first, int64_t count,
                        const double *in);
/* Elements, converted; a copy between equal types keeps every bit. Shapes are equal. */
void lfi_view_copy(const struct lfi_view *target, const struct lfi_view *source);
/* Index of the first element that is NaN or infinite, in row order, or -1. */
int64_t lfi_view_find_not_finite(const struct lfi_view *view);

/* ---- array ------------------------------------------------------------------------------------- */

/* Memory behind arrays, freed (owned) or released (borrowed) with its last reference. */
struct lfi_storage;

struct lfi_array {
    struct lfi_view view;
    struct lfi_storage *storage;
    bool
        lent; /* the memory was the caller's to begin with; stays so where it re-points */
};

/* A dense, zeroed array of its own; shape holds dims, rank and dtype. */
lfuse_status lfi_array_create(const struct lfi_env *env, const struct lfi_view *shape,
                              struct lfi_array *array, lfuse_error *err);
/* Over the caller's memory; release may be NULL. On failure it is not called. */
lfuse_status lfi_array_borrow(const struct lfi_env *env, const struct lfi_view *view,
                              void (*release)(void *data, void *user), void *user,
                              struct lfi_array *array, lfuse_error *err);
/* Drops the reference; an array of zeros is ignored. Memory goes back where it came from. */
void lfi_array_release(struct lfi_array *array);
/* Another reference to source's memory. Cannot fail. */
struct lfi_array lfi_array_share(const struct lfi_array *source);

/* ---- rng ----------------------------------------------------------------------------------------- */

/* 64 random bits for (seed, stream, index): a strong mix, no state. */
uint64_t lfi_random_u64(uint64_t seed, uint64_t stream, uint64_t index);
double lfi_random_uniform(uint64_t seed, uint64_t stream, uint64_t index); /* in [0, 1) */
double lfi_random_normal(uint64_t seed, uint64_t stream, uint64_t index);

/* ---- executor ------------------------------------------------------------------------------------- */

struct lfi_pool;

/* threads >= 2, the caller counted. On failure no thread is left behind. */
lfuse_status lfi_pool_create(const struct lfi_env *env, int32_t threads,
                             struct lfi_pool **pool, lfuse_error *err);
void lfi_pool_destroy(const struct lfi_env *env, struct lfi_pool *pool);
lfuse_executor lfi_pool_executor(struct lfi_pool *pool);
lfuse_executor lfi_executor_serial(void);

/*
 * Runs task(arg, index, slot) for every index in [0, count). slot is in
 * [0, env->executor.concurrency), and no two tasks that run at the same time share one: scratch is
 * allocated per slot before the loop, by the caller, so tasks never allocate. Results must
 * not depend on the slot. Returns LFUSE_OK, or LFUSE_ERR_CALLBACK if the host refused, or
 * did not run every task.
 */
typedef void (*lfi_task)(void *arg, int64_t index, int32_t slot);
lfuse_status lfi_parallel_for(const struct lfi_env *env, int64_t count, lfi_task task,
                              void *arg, lfuse_error *err);

#endif
