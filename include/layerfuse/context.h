/*
 * context.h - where everything hangs from: memory, threads, messages, instruction set, seed
 *
 * A context is shareable: once created it never changes, and any number of threads may use it
 * at once. The library has no other state. Everything made with a context must be destroyed
 * before it.
 */
#ifndef LAYERFUSE_CONTEXT_H
#define LAYERFUSE_CONTEXT_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_context_options {
    size_t struct_size;        /* set by lfuse_context_options_init(&o, sizeof(o)) */
    lfuse_allocator allocator; /* all zero means malloc's */
    lfuse_executor
        executor;  /* the host's threads; all zero means none. Excludes threads */
    lfuse_log log; /* NULL means silence */
    void *log_user;
    lfuse_progress progress; /* NULL means none */
    void *progress_user;
    uint64_t seed; /* of every random choice; 0 is a seed like any other */
    int32_t
        threads; /* a pool of the library's own, the caller counted; 0 and 1 mean serial */
    lfuse_isa isa; /* a ceiling on the instruction set; 0 means the best there is */
} lfuse_context_options;

/**
 * lfuse_context_options_init() - all defaults, for the struct the caller was compiled with
 *
 * Owner:   clears exactly `size` bytes at options and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_context_options_init(lfuse_context_options *options, size_t size);

/**
 * lfuse_context_create() - a context with these options
 *
 * Owner:   options are copied. *ctx is returned: release with lfuse_context_destroy(). The
 *          allocator, executor and callbacks are borrowed until then.
 * Errors:  LFUSE_ERR_ARGUMENT     ctx is NULL, threads or the executor's concurrency is out of
 *                                 range, an allocator or executor is half given, both executor
 *                                 and threads are, or isa is unknown
 *          LFUSE_ERR_UNSUPPORTED  the options hold fields this version does not know, or the
 *                                 processor lacks the instruction set asked for
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_THREAD       a thread could not be started; none is left behind
 *          On failure *ctx is NULL.
 * Threads: any; `threads - 1` threads are started, none otherwise.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_context_create(const lfuse_context_options *options,
                                            lfuse_context **ctx,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_context_destroy() - ends the pool and releases the context
 *
 * Owner:   everything made with ctx must be gone. NULL does nothing.
 * Threads: no other thread may be using ctx.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_context_destroy(lfuse_context *ctx);

/**
 * lfuse_context_isa() - the instruction set whose kernels this context runs
 *
 * Result:  one of LFUSE_ISA_SCALAR, _AVX2, _AVX512; 0 if ctx is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_isa lfuse_context_isa(const lfuse_context *ctx);

/**
 * lfuse_context_threads() - how many tasks may run at the same time
 *
 * Result:  1 for a serial context, the pool's size, or the executor's concurrency; 0 for NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int32_t lfuse_context_threads(const lfuse_context *ctx);

LFUSE_END_DECLS

#endif
