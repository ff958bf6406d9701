/* context.c - the shell of context.h */
#include "handles.h"

#include "kernels/kernels.h"

enum { MAX_THREADS = 1024 };

void lfuse_context_options_init(lfuse_context_options *options, size_t size)
{
    lfi_options_init(options, size);
}

static lfuse_status check_executor(const lfuse_context_options *o, lfuse_error *err)
{
    const lfuse_executor *e = &o->executor;

    if (e->reserved != 0)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED, "options.executor.reserved is %d",
                        (int)e->reserved);
    if (e->parallel_for == NULL && (e->user != NULL || e->concurrency != 0))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.executor lacks parallel_for");
    if (e->parallel_for == NULL)
        return LFUSE_OK;
    if (o->threads != 0)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options asks for %d threads and brings an executor",
                        (int)o->threads);
    if (e->concurrency < 1 || e->concurrency > MAX_THREADS)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.executor.concurrency is %d, not in [1, %d]",
                        (int)e->concurrency, (int)MAX_THREADS);
    return LFUSE_OK;
}

static lfuse_status check_options(const lfuse_context_options *o, lfuse_error *err)
{
    const lfuse_allocator *a = &o->allocator;

    if (o->threads < 0 || o->threads > MAX_THREADS)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.threads is %d, not in [0, %d]",
                        (int)o->threads, (int)MAX_THREADS);
    if ((a->alloc == NULL) != (a->release == NULL) ||
        (a->alloc == NULL && a->user != NULL))
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "options.allocator lacks one of its functions");
    if (o->isa < LFUSE_ISA_BEST || o->isa > LFUSE_ISA_AVX512)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "options.isa is %d, which is unknown",
                        (int)o->isa);
    if (lfi_kernels_select(o->isa) == NULL)
        return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                        "this machine does not run options.isa %d", (int)o->isa);
    return check_executor(o, err);
}

static struct lfi_env env_from(const lfuse_context_options *o)
{
    struct lfi_env env = {
        .allocator = o->allocator.alloc != NULL ? o->allocator : lfi_allocator_default(),
        .executor =
            o->executor.parallel_for != NULL ? o->executor : lfi_executor_serial(),
        .log = o->log,
        .log_user = o->log_user,
        .progress = o->progress,
        .progress_user = o->progress_user,
        .kernels = lfi_kernels_select(o->isa),
        .seed = o->seed,
    };

    return env;
}

static lfuse_status create(const lfuse_context_options *o, lfuse_context **ctx,
                           lfuse_error *err)
{
    const struct lfi_env env = env_from(o);
    lfuse_context *c;
    lfuse_status status;

    status = lfi_alloc_zero(&env, 1, sizeof(*c), "a context", &c, err);
    if (status != LFUSE_OK)
        return status;
    c->env = env;
    if (o->threads > 1) {
        status = lfi_pool_create(&c->env, o->threads, &c->pool, err);
        if (status != LFUSE_OK) {
            lfi_free(&env, c, 1, sizeof(*c));
            return status;
        }
        c->env.executor = lfi_pool_executor(c->pool);
    }
    *ctx = c;
    return LFUSE_OK;
}

lfuse_status lfuse_context_create(const lfuse_context_options *options,
                                  lfuse_context **ctx, lfuse_error *err)
{
    lfuse_context_options o;
    lfuse_status status;

    if (ctx == NULL)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "ctx is NULL");
    *ctx = NULL;
    status = lfi_options_import(&o, sizeof(o), options, true, "options", err);
    if (status == LFUSE_OK)
        status = check_options(&o, err);
    if (status == LFUSE_OK)
        status = create(&o, ctx, err);
    return status;
}

void lfuse_context_destroy(lfuse_context *ctx)
{
    struct lfi_env env;

    if (ctx == NULL)
        return;
    env = ctx->env;
    lfi_pool_destroy(&env, ctx->pool);
    lfi_free(&env, ctx, 1, sizeof(*ctx));
}

lfuse_isa lfuse_context_isa(const lfuse_context *ctx)
{
    return ctx == NULL ? 0 : ctx->env.kernels->isa;
}

int32_t lfuse_context_threads(const lfuse_context *ctx)
{
    return ctx == NULL ? 0 : ctx->env.executor.concurrency;
}
