/* test_context.c - options in, errors out, threads started and ended */
#include "lft.h"

#include <errno.h>
#include <string.h>

#include "base/base.h"

static lfuse_context_options options_of(struct lft *t)
{
    lfuse_context_options options;

    lfuse_context_options_init(&options, sizeof(options));
    options.allocator = lft_allocator(&t->memory);
    return options;
}

static int32_t run_all(void *user, int64_t count, lfuse_task task, void *arg)
{
    int64_t i;

    for (i = 0; i < count; i++)
        task(arg, i);
    ++*(int *)user;
    return 0;
}

static void defaults_are_serial_and_the_best_instruction_set(void **state)
{
    struct lft *t = *state;
    lfuse_context *ctx;

    lft_ok(t, lfuse_context_create(NULL, &ctx, &t->err));
    assert_int_equal(lfuse_context_threads(ctx), 1);
    assert_in_range(lfuse_context_isa(ctx), LFUSE_ISA_SCALAR, LFUSE_ISA_AVX512);
    assert_int_equal(lft_threads_alive(), 0);
    lfuse_context_destroy(ctx);
    lft_ok(t, lfuse_context_create(NULL, &ctx, NULL));
    lfuse_context_destroy(ctx);
}

static void null_answers_0(void **state)
{
    (void)state;
    lfuse_context_destroy(NULL);
    lfuse_context_options_init(NULL, 8);
    assert_int_equal(lfuse_context_threads(NULL), 0);
    assert_int_equal(lfuse_context_isa(NULL), 0);
}

static void as_many_threads_are_started_as_asked_and_all_ended(void **state)
{
    static const int32_t threads[] = {0, 1, 2, 3, 9};
    struct lft *t = *state;
    size_t i;

    for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
        int32_t together = threads[i] > 1 ? threads[i] : 1;
        lfuse_context *ctx = lft_context(t, threads[i], LFUSE_ISA_BEST);

        assert_int_equal(lfuse_context_threads(ctx), together);
        assert_int_equal(lft_threads_alive(), together - 1);
        lfuse_context_destroy(ctx);
        assert_int_equal(lft_threads_alive(), 0);
    }
}

static void a_host_executor_is_used(void **state)
{
    struct lft *t = *state;
    lfuse_context_options options = options_of(t);
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 4, 3, 0);
    const lfuse_layer *layers[2];
    double out[4];
    lfuse_context *ctx;
    int used = 0;

    options.executor = (lfuse_executor){run_all, &used, 1024, 0};
    lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
    assert_int_equal(lfuse_context_threads(ctx), 1024);
    assert_int_equal(lft_threads_alive(), 0);
    layers[0] = lft_layer(t, "a", "type", 0, x, NULL, NULL);
    layers[1] = lft_layer(t, "b", "type", 1, x, NULL, NULL);
    lft_ok(t, lfuse_similarity_matrix(ctx, layers, 2, NULL, out, &t->err));
    assert_true(used > 0);
    lfuse_context_destroy(ctx);
}

/* A ceiling below the best is kept; the best can be asked for by name; beyond it is an error. */
static void a_ceiling_on_the_instruction_set_is_kept(void **state)
{
    struct lft *t = *state;
    lfuse_isa best = lfuse_context_isa(t->ctx), isa;

    for (isa = LFUSE_ISA_SCALAR; isa <= LFUSE_ISA_AVX512; isa++) {
        lfuse_context_options options = options_of(t);
        lfuse_context *ctx;

        options.isa = isa;
        if (isa > best) {
            lft_fails(t, lfuse_context_create(&options, &ctx, &t->err),
                      LFUSE_ERR_UNSUPPORTED, "does not run options.isa");
            assert_null(ctx);
            continue;
        }
        lft_ok(t, lfuse_context_create(&options, &ctx, &t->err));
        assert_int_equal(lfuse_context_isa(ctx), isa);
        lfuse_context_destroy(ctx);
    }
}

/* The call with these options fails so, and leaves NULL. */
static void fails(struct lft *t, const lfuse_context_options *options,
                  lfuse_status status, const char *text)
{
    lfuse_context *ctx = t->ctx;
    int64_t live = t->memory.live;

    lft_fails(t, lfuse_context_create(options, &ctx, &t->err), status, text);
    assert_null(ctx);
    ctx = t->ctx;
    assert_int_equal(lfuse_context_create(options, &ctx, NULL), status);
    assert_null(ctx);
    assert_int_equal(t->memory.live, live);
    assert_int_equal(lft_threads_alive(), 0);
}

static void bad_options_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_context_options o = options_of(t);
    int used = 0;

    lft_fails(t, lfuse_context_create(&o, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    o.threads = -1;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.threads is -1, not in [0, 1024]");
    o.threads = 1025;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.threads is 1025");
    o = options_of(t);
    o.isa = 4;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.isa is 4, which is unknown");
    o.isa = -1;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.isa is -1");
    o = options_of(t);
    o.struct_size = 5;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options has struct_size 5");

    o = options_of(t);
    o.allocator.release = NULL;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.allocator lacks");
    o = options_of(t);
    o.allocator.alloc = NULL;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.allocator lacks");
    o.allocator.release = NULL;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.allocator lacks"); /* user alone */

    o = options_of(t);
    o.executor.parallel_for = run_all;
    o.executor.user = &used;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "concurrency is 0, not in [1, 1024]");
    o.executor.concurrency = 1025;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "concurrency is 1025");
    o.executor.concurrency = 2;
    o.threads = 2;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "asks for 2 threads and brings an executor");
    o.threads = 0;
    o.executor.reserved = 1;
    fails(t, &o, LFUSE_ERR_UNSUPPORTED, "executor.reserved is 1");
    o.executor.reserved = 0;
    o.executor.parallel_for = NULL;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.executor lacks parallel_for");
    o.executor.user = NULL;
    fails(t, &o, LFUSE_ERR_ARGUMENT, "options.executor lacks parallel_for");
}

/* An older caller's struct ends early; a newer one's goes on, with zeros or without. */
static void options_of_other_sizes_are_taken_as_far_as_known(void **state)
{
    struct lft *t = *state;
    struct {
        lfuse_context_options known;
        int64_t later;
    } newer;
    struct {
        size_t struct_size;
        lfuse_allocator allocator;
        unsigned char not_ours[sizeof(lfuse_context_options)];
    } older;
    lfuse_context *ctx;

    lfuse_context_options_init(&newer.known, sizeof(newer));
    newer.known.allocator = lft_allocator(&t->memory);
    newer.known.threads = 2;
    lft_ok(t, lfuse_context_create(&newer.known, &ctx, &t->err));
    assert_int_equal(lfuse_context_threads(ctx), 2);
    lfuse_context_destroy(ctx);
    newer.later = 1;
    fails(t, &newer.known, LFUSE_ERR_UNSUPPORTED, "options sets byte");

    memset(&older, 0xee, sizeof(older));
    older.struct_size = offsetof(lfuse_context_options, executor);
    older.allocator = lft_allocator(&t->memory);
    lft_ok(t, lfuse_context_create((const lfuse_context_options *)(const void *)&older,
                                   &ctx, &t->err));
    assert_int_equal(lfuse_context_threads(ctx), 1);
    lfuse_context_destroy(ctx);
}

static void a_thread_that_cannot_start_is_an_error_and_leaves_none_behind(void **state)
{
    struct lft *t = *state;
    lfuse_context_options o = options_of(t);
    lfuse_context *ctx;
    int k;

    o.threads = 5;
    for (k = 0; k < 4; k++) {
        int64_t live = t->memory.live;

        lft_refuse_thread(k);
        ctx = t->ctx;
        lft_fails(t, lfuse_context_create(&o, &ctx, &t->err), LFUSE_ERR_THREAD,
                  "could not be started");
        assert_null(ctx);
        assert_int_equal(t->err.detail, EAGAIN);
        assert_int_equal(t->memory.live, live);
        assert_int_equal(lft_threads_alive(), 0);
    }
    lft_refuse_thread(-1);
}

static lfuse_status create_and_destroy(struct lft *t, void *arg)
{
    lfuse_context *ctx = t->ctx;
    lfuse_status status = lfuse_context_create(arg, &ctx, &t->err);

    assert_true((status == LFUSE_OK) == (ctx != NULL));
    lfuse_context_destroy(ctx);
    return status;
}

static void a_context_survives_every_refused_allocation(void **state)
{
    struct lft *t = *state;
    lfuse_context_options o = options_of(t);

    o.threads = 3;
    lft_every_allocation_fails(t, create_and_destroy, &o);
    assert_int_equal(lft_threads_alive(), 0);
}

static void the_floating_point_control_is_left_alone(void **state)
{
    struct lft *t = *state;
    uint32_t control = lft_float_control();

    lfuse_context_destroy(lft_context(t, 3, LFUSE_ISA_BEST));
    assert_int_equal(lft_float_control(), control);
}

static void every_status_has_a_name(void **state)
{
    static const struct {
        lfuse_status status;
        const char *name;
    } names[] = {
        {LFUSE_OK, "LFUSE_OK"},
        {LFUSE_ERR_ARGUMENT, "LFUSE_ERR_ARGUMENT"},
        {LFUSE_ERR_SHAPE, "LFUSE_ERR_SHAPE"},
        {LFUSE_ERR_TYPE, "LFUSE_ERR_TYPE"},
        {LFUSE_ERR_STATE, "LFUSE_ERR_STATE"},
        {LFUSE_ERR_UNSUPPORTED, "LFUSE_ERR_UNSUPPORTED"},
        {LFUSE_ERR_NAME, "LFUSE_ERR_NAME"},
        {LFUSE_ERR_UNREACHABLE, "LFUSE_ERR_UNREACHABLE"},
        {LFUSE_ERR_NO_MEMORY, "LFUSE_ERR_NO_MEMORY"},
        {LFUSE_ERR_OVERFLOW, "LFUSE_ERR_OVERFLOW"},
        {LFUSE_ERR_THREAD, "LFUSE_ERR_THREAD"},
        {LFUSE_ERR_DEGENERATE, "LFUSE_ERR_DEGENERATE"},
        {LFUSE_ERR_NOT_FINITE, "LFUSE_ERR_NOT_FINITE"},
        {LFUSE_ERR_IO, "LFUSE_ERR_IO"},
        {LFUSE_ERR_FORMAT, "LFUSE_ERR_FORMAT"},
        {LFUSE_ERR_CANCELLED, "LFUSE_ERR_CANCELLED"},
        {LFUSE_ERR_CALLBACK, "LFUSE_ERR_CALLBACK"},
        {1, "LFUSE_ERR_?"},
        {-99, "LFUSE_ERR_?"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_string_equal(lfuse_status_name(names[i].status), names[i].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(defaults_are_serial_and_the_best_instruction_set),
        lft_test(null_answers_0),
        lft_test(as_many_threads_are_started_as_asked_and_all_ended),
        lft_test(a_host_executor_is_used),
        lft_test(a_ceiling_on_the_instruction_set_is_kept),
        lft_test(bad_options_are_named),
        lft_test(options_of_other_sizes_are_taken_as_far_as_known),
        lft_test(a_thread_that_cannot_start_is_an_error_and_leaves_none_behind),
        lft_test(a_context_survives_every_refused_allocation),
        lft_test(the_floating_point_control_is_left_alone),
        lft_test(every_status_has_a_name),
    };

    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
