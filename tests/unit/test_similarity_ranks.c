/* test_similarity_ranks.c - matrices whose work ranks share; here they are threads */
#include "lft.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RANKS = 5, LAYERS = 7, ROWS = 12, COLUMNS = 20, FAILED = 7 };

/* Where all ranks meet. */
struct meeting {
    pthread_barrier_t barrier;
    void *data[MOST_RANKS];
    int ranks;
    int failed; /* by any of them, at the latest meeting */
    int meetings;
};

struct rank {
    struct meeting *meeting;
    int rank;
    int count; /* of layers */
    float (*weights)[ROWS * COLUMNS];
    lfuse_similarity_options options;
    double out[LAYERS * LAYERS];
    lfuse_status status;
    lfuse_error err;
};

static int32_t gather(void *user, void *data, const size_t *first)
{
    struct rank *me = user;
    struct meeting *m = me->meeting;
    int r, failed;

    m->data[me->rank] = data;
    if (data == NULL)
        m->failed = 1;
    if (me->rank == 0)
        m->meetings++;
    (void)pthread_barrier_wait(&m->barrier);
    failed = m->failed;
    for (r = 0; r < m->ranks && !failed; r++)
        if (r != me->rank)
            memcpy((char *)data + first[r], (char *)m->data[r] + first[r],
                   first[r + 1] - first[r]);
    (void)pthread_barrier_wait(&m->barrier);
    return failed ? FAILED : 0;
}

static void *run(void *arg)
{
    struct rank *me = arg;
    const int64_t dims[] = {ROWS, COLUMNS};
    lfuse_layer *layers[LAYERS];
    lfuse_context *ctx;
    int i;

    me->status = lfuse_context_create(NULL, &ctx, &me->err);
    for (i = 0; i < me->count && me->status == LFUSE_OK; i++) {
        static const char *const names[] = {"0", "1", "2", "3", "4", "5", "6"};
        lfuse_tensor_desc weight = {.struct_size = sizeof(weight),
                                    .data = me->weights[i],
                                    .dims = dims,
                                    .dtype = LFUSE_F32,
                                    .rank = 2};
        lfuse_layer_desc desc = {sizeof(desc), names[i], "A", LFUSE_LAYER_LINEAR, i};

        me->status = lfuse_layer_wrap(ctx, &desc, &weight, NULL, &layers[i], &me->err);
    }
    if (me->status == LFUSE_OK)
        me->status = lfuse_similarity_matrix(ctx, (const lfuse_layer *const *)layers,
                                             me->count, &me->options, me->out, &me->err);
    while (i > 0)
        lfuse_layer_destroy(layers[--i]);
    lfuse_context_destroy(ctx);
    return NULL;
}

/* All ranks at once; ranks[0] is the model of them all. */
static int run_all(struct rank *ranks, int count)
{
    struct meeting meeting = {.ranks = count};
    pthread_t threads[MOST_RANKS];
    int r;

    assert_int_equal(pthread_barrier_init(&meeting.barrier, NULL, (unsigned)count), 0);
    for (r = 0; r < count; r++) {
        ranks[r] = ranks[0];
        ranks[r].rank = r;
        ranks[r].meeting = &meeting;
        ranks[r].options.rank = r;
        ranks[r].options.ranks = count;
        ranks[r].options.gather = count > 1 ? gather : NULL;
        ranks[r].options.gather_user = &ranks[r];
        assert_int_equal(pthread_create(&threads[r], NULL, run, &ranks[r]), 0);
    }
    for (r = 0; r < count; r++)
        assert_int_equal(pthread_join(threads[r], NULL), 0);
    assert_int_equal(pthread_barrier_destroy(&meeting.barrier), 0);
    return meeting.meetings;
}

static struct rank *make(lfuse_metric metric, int count)
{
    static float weights[LAYERS][ROWS * COLUMNS];
    struct rank *ranks = calloc(MOST_RANKS, sizeof(*ranks));
    int i;

    assert_non_null(ranks);
    for (i = 0; i < LAYERS; i++)
        lft_fill(weights[i], ROWS * COLUMNS, (uint64_t)i + 1);
    ranks[0].weights = weights;
    ranks[0].count = count;
    lfuse_similarity_options_init(&ranks[0].options, sizeof(ranks[0].options));
    ranks[0].options.metric = metric;
    return ranks;
}

/* Every metric, every number of ranks, everything in memory or two layers at a time: the bits of one. */
static void all_ranks_have_what_one_would(void **state)
{
    static const int counts[] = {1, 2, 3, LAYERS};
    int metric, c, n, small, metrics = 0;

    (void)state;
    for (metric = 1; metric < 200; metric++) {
        lfuse_metric_properties info;

        lfuse_metric_properties_init(&info, sizeof(info));
        if (metric == LFUSE_METRIC_CUSTOM ||
            lfuse_metric_info(metric, &info, NULL) != LFUSE_OK)
            continue;
        metrics++;
        for (c = 0; c < 4; c++)
            for (small = 0; small < 2; small++) {
                struct rank *ranks = make(metric, counts[c]);
                double alone[LAYERS * LAYERS];
                int r;

                ranks[0].options.max_bytes = small ? 1 : 0;
                (void)run_all(ranks, 1);
                assert_int_equal(ranks[0].status, LFUSE_OK);
                memcpy(alone, ranks[0].out, sizeof(alone));
                for (n = 2; n <= MOST_RANKS; n++) {
                    assert_true(run_all(ranks, n) > 0);
                    for (r = 0; r < n; r++) {
                        assert_int_equal(ranks[r].status, LFUSE_OK);
                        assert_memory_equal(ranks[r].out, alone,
                                            (size_t)(counts[c] * counts[c]) *
                                                sizeof(double));
                    }
                }
                free(ranks);
            }
    }
    assert_int_equal(metrics, 14);
}

/* The rank that has the pair says what is wrong, the others that one of them failed. */
static void the_failure_of_one_ends_all(void **state)
{
    static const lfuse_metric metrics[] = {LFUSE_METRIC_LINEAR_CKA, LFUSE_METRIC_KL,
                                           LFUSE_METRIC_PROCRUSTES,
                                           LFUSE_METRIC_SINKHORN};
    size_t k;

    (void)state;
    for (k = 0; k < sizeof(metrics) / sizeof(metrics[0]); k++) {
        struct rank *ranks = make(metrics[k], LAYERS);
        int r, named = 0;

        ranks[0].weights[4][33] = NAN;
        (void)run_all(ranks, 3);
        for (r = 0; r < 3; r++)
            if (ranks[r].status == LFUSE_ERR_NOT_FINITE) {
                assert_non_null(strstr(ranks[r].err.message, "layer 4"));
                named++;
            } else {
                assert_int_equal(ranks[r].status, LFUSE_ERR_CALLBACK);
                assert_int_equal(ranks[r].err.detail, FAILED);
                assert_non_null(strstr(ranks[r].err.message, "gather returned 7"));
            }
        assert_true(named > 0);
        free(ranks);
    }
}

static int32_t go_on(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    (void)user;
    (void)i;
    (void)j;
    (void)error;
    return 0;
}

static int32_t never(void *user, void *data, const size_t *first)
{
    (void)user;
    (void)data;
    (void)first;
    fail_msg("nothing is gathered");
    return 0;
}

static void wrong_ranks_are_named(void **state)
{
    static const struct {
        int32_t rank, ranks;
        lfuse_gather gather;
        lfuse_similarity_failed failed;
        lfuse_status status;
        const char *text;
    } cases[] = {
        {2, 2, never, NULL, LFUSE_ERR_ARGUMENT, "options.rank is 2, ranks is 2"},
        {-1, 2, never, NULL, LFUSE_ERR_ARGUMENT, "options.rank is -1, ranks is 2"},
        {1, 0, NULL, NULL, LFUSE_ERR_ARGUMENT, "options.rank is 1, ranks is 0"},
        {0, -1, NULL, NULL, LFUSE_ERR_ARGUMENT, "options.rank is 0, ranks is -1"},
        {0, 2, NULL, NULL, LFUSE_ERR_ARGUMENT, "options.gather is NULL, ranks is 2"},
        {0, 1, never, NULL, LFUSE_ERR_ARGUMENT, "options.gather is given, ranks is 1"},
        {0, 2, never, go_on, LFUSE_ERR_UNSUPPORTED, "pairs that fail cannot be left out"},
    };
    struct lft *t = *state;
    lfuse_similarity_options o;
    double out[4];
    size_t i;

    for (i = 0; i < 2; i++)
        lft_layer(t, i == 0 ? "a" : "b", "A", (int32_t)i,
                  lft_tensor(t, LFUSE_F32, i + 1, 4, 6, 0), NULL, NULL);
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        lfuse_similarity_options_init(&o, sizeof(o));
        o.rank = cases[i].rank;
        o.ranks = cases[i].ranks;
        o.gather = cases[i].gather;
        o.failed = cases[i].failed;
        lft_fails(t,
                  lfuse_similarity_matrix(t->ctx, (const lfuse_layer *const *)t->layers,
                                          2, &o, out, &t->err),
                  cases[i].status, cases[i].text);
    }
}

/* A rank that is out of memory says so in place of its next gather. */
static int32_t count_failures(void *user, void *data, const size_t *first)
{
    int *failures = user;

    (void)first;
    *failures += data == NULL;
    return 0;
}

static lfuse_status measure(struct lft *t, void *arg)
{
    lfuse_similarity_options o;
    double out[9];
    int failures = 0;
    lfuse_status status;

    (void)arg;
    lfuse_similarity_options_init(&o, sizeof(o));
    o.metric = LFUSE_METRIC_LINEAR_CKA;
    o.ranks = 2;
    o.gather = count_failures;
    o.gather_user = &failures;
    status = lfuse_similarity_matrix(t->ctx, (const lfuse_layer *const *)t->layers, 3, &o,
                                     out, &t->err);
    assert_true(status != LFUSE_OK || failures == 0);
    assert_true(failures <= 1);
    return status;
}

static void memory_may_be_refused_at_any_point(void **state)
{
    struct lft *t = *state;
    int i;

    for (i = 0; i < 3; i++)
        lft_layer(t, i == 0 ? "a" : (i == 1 ? "b" : "c"), "A", i,
                  lft_tensor(t, LFUSE_F32, (uint64_t)i + 1, 4, 6, 0), NULL, NULL);
    lft_every_allocation_fails(t, measure, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_ranks_have_what_one_would),
        cmocka_unit_test(the_failure_of_one_ends_all),
        lft_test(wrong_ranks_are_named),
        lft_test(memory_may_be_refused_at_any_point),
    };

    return cmocka_run_group_tests_name("similarity_ranks", tests, NULL, NULL);
}
