/* test_executor.c - every index once, in a slot of its own, over any executor; run under TSan */
#include "lft.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <pthread.h>
#include <sched.h>

#include "base/base.h"

enum { MOST = 2000, SLOTS = 1024 };

/* What a loop did. Plain counts are written by one task each: TSan would see a second. */
struct record {
    int runs[MOST];
    atomic_int slot[SLOTS]; /* tasks in it now */
    int scratch[SLOTS];     /* touched by every task of the slot, unlocked */
    atomic_int together;    /* tasks at the same time */
    atomic_int most_together;
    atomic_int faults;
    int32_t slots;
    const struct lfi_env *env; /* for nested loops */
};

static void check(struct record *r, bool fine)
{
    if (!fine)
        atomic_fetch_add(&r->faults, 1); /* cmocka may not fail on another thread */
}

static void note(void *arg, int64_t index, int32_t slot)
{
    struct record *r = arg;
    int together = atomic_fetch_add(&r->together, 1) + 1;
    int most = atomic_load(&r->most_together);

    while (together > most &&
           !atomic_compare_exchange_weak(&r->most_together, &most, together))
        ;
    check(r, slot >= 0 && slot < r->slots);
    check(r, atomic_fetch_add(&r->slot[slot], 1) == 0);
    r->scratch[slot]++;
    r->runs[index]++;
    if (index % 5 == 0)
        sched_yield();
    atomic_fetch_sub(&r->slot[slot], 1);
    atomic_fetch_sub(&r->together, 1);
}

static void check_loop(struct lft *t, const struct lfi_env *env, int64_t count)
{
    static struct record r;
    int64_t i;

    memset(&r, 0, sizeof(r));
    r.slots = env->executor.concurrency;
    lft_ok(t, lfi_parallel_for(env, count, note, &r, &t->err));
    assert_int_equal(atomic_load(&r.faults), 0);
    assert_true(atomic_load(&r.most_together) <= r.slots);
    for (i = 0; i < MOST; i++)
        assert_int_equal(r.runs[i], i < count);
}

static void check_loops(struct lft *t, const struct lfi_env *env)
{
    static const int64_t counts[] = {0, 1, 2, 3, 7, 100, MOST};
    size_t i, round;

    for (round = 0; round < 30; round++)
        for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
            check_loop(t, env, counts[i]);
}

static struct lfi_env env_of(struct lft *t)
{
    struct lfi_env env = {.allocator = lft_allocator(&t->memory),
                          .executor = lfi_executor_serial()};

    return env;
}

static struct lfi_pool *pool_of(struct lft *t, struct lfi_env *env, int32_t threads)
{
    struct lfi_pool *pool;

    lft_ok(t, lfi_pool_create(env, threads, &pool, &t->err));
    env->executor = lfi_pool_executor(pool);
    assert_int_equal(env->executor.concurrency, threads);
    return pool;
}

/* ---- serial and pool -------------------------------------------------------------------- */

static void the_serial_executor_runs_every_index_once(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);

    assert_int_equal(env.executor.concurrency, 1);
    check_loops(t, &env);
}

static void a_pool_runs_every_index_once_in_slots_never_shared(void **state)
{
    struct lft *t = *state;
    int32_t threads;

    for (threads = 2; threads <= 5; threads++) {
        struct lfi_env env = env_of(t);
        struct lfi_pool *pool = pool_of(t, &env, threads);

        check_loops(t, &env);
        lfi_pool_destroy(&env, pool);
        assert_int_equal(lft_threads_alive(), 0);
    }
}

static void a_pool_that_never_worked_ends(void **state)
{
    struct lft *t = *state;
    int round;

    for (round = 0; round < 50; round++) {
        struct lfi_env env = env_of(t);

        lfi_pool_destroy(&env, pool_of(t, &env, 4));
    }
    lfi_pool_destroy(NULL, NULL);
    assert_int_equal(lft_threads_alive(), 0);
}

static void remember_thread(void *arg, int64_t index, int32_t slot)
{
    pthread_t *thread = arg;

    (void)slot;
    thread[index] = pthread_self();
}

/* Every task runs a loop of its own, which must stay on its thread. */
static void nest(void *arg, int64_t index, int32_t slot)
{
    struct record *r = arg;
    pthread_t thread[8];
    int i;

    (void)slot;
    check(r, lfi_parallel_for(r->env, 8, remember_thread, thread, NULL) == LFUSE_OK);
    for (i = 0; i < 8; i++)
        check(r, pthread_equal(thread[i], pthread_self()));
    r->runs[index]++;
}

static void nested_loops_run_inline(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    struct lfi_pool *pool = pool_of(t, &env, 3);
    static struct record r;
    int i;

    memset(&r, 0, sizeof(r));
    r.env = &env;
    lft_ok(t, lfi_parallel_for(&env, 200, nest, &r, &t->err));
    assert_int_equal(atomic_load(&r.faults), 0);
    for (i = 0; i < 200; i++)
        assert_int_equal(r.runs[i], 1);
    lfi_pool_destroy(&env, pool);
}

struct caller {
    const struct lfi_env *env;
    struct record record;
    lfuse_status status;
};

static void *call_often(void *arg)
{
    struct caller *c = arg;
    int round;

    for (round = 0; round < 300 && c->status == LFUSE_OK; round++)
        c->status = lfi_parallel_for(c->env, 50, note, &c->record, NULL);
    return NULL;
}

static void callers_on_several_threads_share_a_pool(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    struct lfi_pool *pool = pool_of(t, &env, 3);
    static struct caller callers[3];
    pthread_t thread[3];
    int i, k;

    memset(callers, 0, sizeof(callers));
    for (k = 0; k < 3; k++) {
        callers[k].env = &env;
        callers[k].record.slots = env.executor.concurrency;
        assert_int_equal(pthread_create(&thread[k], NULL, call_often, &callers[k]), 0);
    }
    for (k = 0; k < 3; k++) {
        assert_int_equal(pthread_join(thread[k], NULL), 0);
        assert_int_equal(callers[k].status, LFUSE_OK);
        assert_int_equal(atomic_load(&callers[k].record.faults), 0);
        for (i = 0; i < 50; i++)
            assert_int_equal(callers[k].record.runs[i], 300);
    }
    lfi_pool_destroy(&env, pool);
}

static void a_thread_that_cannot_start_leaves_none_behind(void **state)
{
    struct lft *t = *state;
    struct lfi_env env = env_of(t);
    int64_t live = t->memory.live;
    struct lfi_pool *pool;
    char text[64];
    int k;

    for (k = 0; k < 7; k++) {
        pool = (struct lfi_pool *)t;
        lft_refuse_thread(k);
        (void)snprintf(text, sizeof(text), "thread %d of 8 could not be started", k + 2);
        lft_fails(t, lfi_pool_create(&env, 8, &pool, &t->err), LFUSE_ERR_THREAD, text);
        assert_int_equal(t->err.detail, EAGAIN);
        assert_null(pool);
        assert_int_equal(lft_threads_alive(), 0);
        assert_int_equal(t->memory.live, live);
    }
    lft_refuse_thread(-1);
    t->memory.fail_at = t->memory.allocations;
    lft_fails(t, lfi_pool_create(&env, 8, &pool, &t->err), LFUSE_ERR_NO_MEMORY, "pool");
    t->memory.fail_at = -1;
    assert_null(pool);
}

/* ---- the host's ------------------------------------------------------------------------------- */

/* Threads per loop, whatever concurrency says; indices from behind, dealt out in turn. */
struct host {
    int threads;
    lfuse_task task;
    void *arg;
    int64_t count;
};

struct share {
    const struct host *host;
    int first;
};

static void *run_share(void *arg)
{
    const struct share *share = arg;
    const struct host *h = share->host;
    int64_t i;

    for (i = share->first; i < h->count; i += h->threads)
        h->task(h->arg, h->count - 1 - i);
    return NULL;
}

static int32_t host_run(void *user, int64_t count, lfuse_task task, void *arg)
{
    struct host h = *(const struct host *)user;
    pthread_t thread[8];
    struct share share[8];
    int k;

    h.task = task;
    h.arg = arg;
    h.count = count;
    for (k = 0; k < h.threads; k++) {
        share[k].host = &h;
        share[k].first = k;
        if (pthread_create(&thread[k], NULL, run_share, &share[k]) != 0)
            return -1;
    }
    for (k = 0; k < h.threads; k++)
        pthread_join(thread[k], NULL);
    return 0;
}

static void the_threads_of_the_host_are_used(void **state)
{
    struct lft *t = *state;
    struct host host = {.threads = 4};
    struct lfi_env env = env_of(t);

    env.executor = (lfuse_executor){host_run, &host, 4, 0};
    check_loops(t, &env);
}

/* Then tasks wait for a slot: slots are still never shared. */
static void a_host_that_runs_more_tasks_than_it_said_does_no_harm(void **state)
{
    static struct record r;
    struct lft *t = *state;
    struct host host = {.threads = 6};
    struct lfi_env env = env_of(t);
    int32_t said;
    int i;

    for (said = 1; said <= 3; said++) {
        memset(&r, 0, sizeof(r));
        r.slots = said;
        env.executor = (lfuse_executor){host_run, &host, said, 0};
        lft_ok(t, lfi_parallel_for(&env, 500, note, &r, &t->err));
        assert_int_equal(atomic_load(&r.faults), 0);
        assert_true(atomic_load(&r.most_together) <= said);
        for (i = 0; i < 500; i++)
            assert_int_equal(r.runs[i], 1);
    }
}

static int32_t refuse(void *user, int64_t count, lfuse_task task, void *arg)
{
    (void)user;
    (void)count;
    (void)task;
    (void)arg;
    return -17;
}

static void a_host_that_refuses_is_reported(void **state)
{
    static struct record r;
    struct lft *t = *state;
    struct lfi_env env = env_of(t);

    env.executor = (lfuse_executor){refuse, NULL, 2, 0};
    lft_fails(t, lfi_parallel_for(&env, 5, note, &r, &t->err), LFUSE_ERR_CALLBACK,
              "parallel_for returned -17");
    assert_int_equal(t->err.detail, -17);
}

/* Says it is done after half of it. */
static int32_t run_half(void *user, int64_t count, lfuse_task task, void *arg)
{
    int64_t i;

    (void)user;
    for (i = 0; i < count / 2; i++)
        task(arg, i);
    return 0;
}

static void a_host_that_does_not_run_them_all_is_found_out(void **state)
{
    static struct record r;
    struct lft *t = *state;
    struct lfi_env env = env_of(t);

    r.slots = 1;
    env.executor = (lfuse_executor){run_half, NULL, 1, 0};
    lft_fails(t, lfi_parallel_for(&env, 10, note, &r, &t->err), LFUSE_ERR_CALLBACK,
              "ran 5 of 10 tasks");
}

static void the_most_slots_are_1024(void **state)
{
    struct lft *t = *state;
    struct host host = {.threads = 3};
    struct lfi_env env = env_of(t);

    env.executor = (lfuse_executor){host_run, &host, SLOTS, 0};
    check_loop(t, &env, MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_serial_executor_runs_every_index_once),
        lft_test(a_pool_runs_every_index_once_in_slots_never_shared),
        lft_test(a_pool_that_never_worked_ends),
        lft_test(nested_loops_run_inline),
        lft_test(callers_on_several_threads_share_a_pool),
        lft_test(a_thread_that_cannot_start_leaves_none_behind),
        lft_test(the_threads_of_the_host_are_used),
        lft_test(a_host_that_runs_more_tasks_than_it_said_does_no_harm),
        lft_test(a_host_that_refuses_is_reported),
        lft_test(a_host_that_does_not_run_them_all_is_found_out),
        lft_test(the_most_slots_are_1024),
    };

    return cmocka_run_group_tests_name("executor", tests, NULL, NULL);
}
