/*
 * executor.c - a small pool of threads, and parallel loops over it or over the host's
 *
 * One job at a time. The caller opens it, works on it, closes it, and waits only for the
 * workers that had joined, so a worker that is slow to wake delays nobody. A second job that
 * comes while one is running (nested, or from another thread) runs inline on its caller.
 * Workers look for the next job for some microseconds before they sleep: kernels follow each
 * other closely.
 */
#include "base/base.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

enum { SPINS = 2000, MAX_SLOTS = 1024 };

struct lfi_pool {
    pthread_mutex_t lock; /* guards open, stop, joined, and sleeping on the conditions */
    pthread_cond_t work;  /* a job was opened, or stop */
    pthread_cond_t idle;  /* joined became 0 */
    atomic_uint generation;
    atomic_int joined;
    atomic_bool busy;
    bool open;
    bool stop;
    lfuse_task task;
    void *arg;
    int64_t count;
    atomic_int_least64_t next;
    int32_t started;
    int32_t threads;
    pthread_t thread[];
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void work_on(struct lfi_pool *pool)
{
    int64_t i;

    while ((i = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) <
           pool->count)
        pool->task(pool->arg, i);
}

/* Waits for a job that is newer than seen, and joins it; false when the pool ends. */
static bool join_next(struct lfi_pool *pool, unsigned *seen)
{
    bool alive;
    int i;

    for (i = 0; i < SPINS; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_relaxed) != *seen)
            break;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (!pool->stop && !(pool->open && atomic_load(&pool->generation) != *seen))
        pthread_cond_wait(&pool->work, &pool->lock);
    alive = !pool->stop;
    *seen = atomic_load(&pool->generation);
    if (alive)
        atomic_fetch_add(&pool->joined, 1);
    pthread_mutex_unlock(&pool->lock);
    return alive;
}

static void *worker(void *arg)
{
    struct lfi_pool *pool = arg;
    unsigned seen = 0;

    while (join_next(pool, &seen)) {
        work_on(pool);
        pthread_mutex_lock(&pool->lock);
        if (atomic_fetch_sub(&pool->joined, 1) == 1)
            pthread_cond_signal(&pool->idle);
        pthread_mutex_unlock(&pool->lock);
    }
    return NULL;
}

static void open_job(struct lfi_pool *pool, int64_t count, lfuse_task task, void *arg)
{
    pthread_mutex_lock(&pool->lock);
    pool->task = task;
    pool->arg = arg;
    pool->count = count;
    atomic_store(&pool->next, 0);
    atomic_fetch_add(&pool->generation, 1);
    pool->open = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}

static void close_job(struct lfi_pool *pool)
{
    int i;

    for (i = 0; i < SPINS && atomic_load(&pool->joined) != 0; i++)
        relax();
    pthread_mutex_lock(&pool->lock);
    pool->open = false;
    while (atomic_load(&pool->joined) != 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

static int32_t serial_run(void *user, int64_t count, lfuse_task task, void *arg)
{
    int64_t i;

    (void)user;
    for (i = 0; i < count; i++)
        task(arg, i);
    return 0;
}

static int32_t pool_run(void *user, int64_t count, lfuse_task task, void *arg)
{
    struct lfi_pool *pool = user;

    if (count == 1 || atomic_exchange(&pool->busy, true))
        return serial_run(NULL, count, task, arg);
    open_job(pool, count, task, arg);
    work_on(pool);
    close_job(pool);
    atomic_store(&pool->busy, false);
    return 0;
}

lfuse_status lfi_pool_create(const struct lfi_env *env, int32_t threads,
                             struct lfi_pool **pool, lfuse_error *err)
{
    size_t size = sizeof(struct lfi_pool) + (size_t)threads * sizeof(pthread_t);
    struct lfi_pool *p;
    lfuse_status status;

    *pool = NULL;
    status = lfi_alloc_zero(env, size, 1, "a pool of threads", &p, err);
    if (status != LFUSE_OK)
        return status;
    p->threads = threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->idle, NULL);
    for (p->started = 0; p->started < threads - 1; p->started++) {
        int code = pthread_create(&p->thread[p->started], NULL, worker, p);

        if (code != 0) {
            status = lfi_fail_detail(err, LFUSE_ERR_THREAD, code,
                                     "thread %d of %d could not be started: %s",
                                     (int)p->started + 2, (int)threads, strerror(code));
            lfi_pool_destroy(env, p);
            return status;
        }
    }
    *pool = p;
    return LFUSE_OK;
}

void lfi_pool_destroy(const struct lfi_env *env, struct lfi_pool *pool)
{
    int32_t i;

    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (i = 0; i < pool->started; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    lfi_free(env, pool, sizeof(*pool) + (size_t)pool->threads * sizeof(pthread_t), 1);
}

lfuse_executor lfi_pool_executor(struct lfi_pool *pool)
{
    lfuse_executor executor = {pool_run, pool, pool->threads, 0};

    return executor;
}

lfuse_executor lfi_executor_serial(void)
{
    lfuse_executor executor = {serial_run, NULL, 1, 0};

    return executor;
}

/* ---- slots ------------------------------------------------------------------------------ */

struct loop {
    lfi_task task;
    void *arg;
    int32_t slots;
    atomic_int_least64_t ended; /* tasks: a host may have lost some */
    atomic_bool taken[MAX_SLOTS];
};

/* A free slot is there at once unless the host runs more tasks than it said; then one waits. */
static int32_t take_slot(struct loop *loop)
{
    int32_t slot;

    for (;;) {
        for (slot = 0; slot < loop->slots; slot++)
            if (!atomic_exchange_explicit(&loop->taken[slot], true, memory_order_acquire))
                return slot;
        sched_yield();
    }
}

static void run_in_slot(void *arg, int64_t index)
{
    struct loop *loop = arg;
    int32_t slot = take_slot(loop);

    loop->task(loop->arg, index, slot);
    atomic_store_explicit(&loop->taken[slot], false, memory_order_release);
    atomic_fetch_add_explicit(&loop->ended, 1, memory_order_relaxed);
}

lfuse_status lfi_parallel_for(const struct lfi_env *env, int64_t count, lfi_task task,
                              void *arg, lfuse_error *err)
{
    const lfuse_executor *executor = &env->executor;
    struct loop loop;
    int64_t ended;
    int32_t slot, answer;

    loop.task = task;
    loop.arg = arg;
    loop.slots = executor->concurrency;
    atomic_init(&loop.ended, 0);
    for (slot = 0; slot < loop.slots; slot++)
        atomic_init(&loop.taken[slot], false);
    answer = executor->parallel_for(executor->user, count, run_in_slot, &loop);
    if (answer != 0)
        return lfi_fail_detail(err, LFUSE_ERR_CALLBACK, answer,
                               "the executor's parallel_for returned %d", (int)answer);
    ended = atomic_load(&loop.ended);
    if (ended != count)
        return lfi_fail(err, LFUSE_ERR_CALLBACK,
                        "the executor's parallel_for ran %lld of %lld tasks",
                        (long long)ended, (long long)count);
    return LFUSE_OK;
}
