/*
 * lft.h - what the unit tests share: a context that counts its memory, tensors, guard pages
 *
 * Use lft_setup / lft_teardown with cmocka; state is a struct lft.
 */
#ifndef LFT_H
#define LFT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <layerfuse/layerfuse.h>

/* An allocator that counts, and refuses the allocation of a given number. */
struct lft_memory {
    int64_t allocations; /* so far */
    int64_t live;        /* bytes */
    int64_t largest;     /* bytes of one allocation */
    int64_t fail_at;     /* the allocation to refuse, from 0; -1: none */
};

struct lft {
    lfuse_context *ctx; /* serial, best instruction set, counted memory */
    struct lft_memory memory;
    lfuse_error err;
    lfuse_tensor *tensors[256]; /* freed by teardown, in reverse */
    lfuse_layer *layers[128];
    int tensor_count;
    int layer_count;
};

int lft_setup(void **state);
int lft_teardown(void **state); /* fails when a byte is still live */

/* A test of cmocka with these two around it. */
#define lft_test(function) \
    cmocka_unit_test_setup_teardown(function, lft_setup, lft_teardown)

/* The call succeeded; prints its message otherwise. */
#define lft_ok(t, call)                                                   \
    do {                                                                  \
        lfuse_status lft_status_ = (call);                                \
        if (lft_status_ != LFUSE_OK)                                      \
            fail_msg("%s: %s: %s", #call, lfuse_status_name(lft_status_), \
                     (t)->err.message);                                   \
    } while (0)

/* The call failed with this status, and its message contains text. */
#define lft_fails(t, call, expected, text)                              \
    do {                                                                \
        lfuse_status lft_status_;                                       \
        lft_clear_error(&(t)->err);                                     \
        lft_status_ = (call);                                           \
        lft_check_error(#call, lft_status_, expected, &(t)->err, text); \
    } while (0)
void lft_clear_error(lfuse_error *err);
void lft_check_error(const char *call, lfuse_status got, lfuse_status expected,
                     const lfuse_error *err, const char *text);

lfuse_allocator lft_allocator(struct lft_memory *memory);
/* Another context over the same counted memory. Destroy it. */
lfuse_context *lft_context(struct lft *t, int32_t threads, lfuse_isa isa);

/*
 * Runs call(t, arg) with the k-th allocation refused, for all k, until it succeeds. Every
 * failure must be LFUSE_ERR_NO_MEMORY and leave no byte more live than before; call undoes a success
 * itself, so that then, too, no byte more is live.
 */
void lft_every_allocation_fails(struct lft *t,
                                lfuse_status (*call)(struct lft *t, void *arg),
                                void *arg);

/* Tensors; dims end with 0. Values are in [-1, 1), multiples of 2^-15, the same for a seed. */
lfuse_tensor *lft_tensor(struct lft *t, lfuse_dtype dtype, uint64_t seed, ...);
lfuse_tensor *lft_borrow(struct lft *t, lfuse_dtype dtype, void *data, ...);
/* Over the caller's memory, with strides; registered for teardown. */
lfuse_tensor *lft_strided(struct lft *t, lfuse_dtype dtype, void *data, int32_t rank,
                          const int64_t *dims, const int64_t *strides);
double lft_value(uint64_t seed, int64_t index); /* in [-1, 1), a multiple of 2^-15 */

/* The same values in the caller's floats. */
void lft_fill(float *values, int64_t count, uint64_t seed);
/* Whether this machine runs the kernels of an instruction set. */
int lft_runs(lfuse_isa isa);

/* A layer with one weight (f32, owned), registered for teardown. */
lfuse_layer *lft_layer(struct lft *t, const char *name, const char *param_type,
                       int32_t position, lfuse_tensor *weight, lfuse_tensor *gradient,
                       lfuse_tensor *velocity);

/* count floats whose end (or start) touches an unreadable page. Release with lft_guard_free. */
float *lft_guard_end(int64_t count);
float *lft_guard_start(int64_t count);
void lft_guard_free(void);

/*
 * Threads started by the library: the k-th from now on, from 0, is refused with EAGAIN; -1:
 * none. lft_threads_alive() counts those that were started and have not ended.
 */
void lft_refuse_thread(int k);
int lft_threads_alive(void);

/* The MXCSR control bits: rounding, FTZ, DAZ, masks. 0 where there are none. */
uint32_t lft_float_control(void);

#endif
