/*
 * test_similarity_custom.c - the caller's own metric: what it gets, when it is called, and what
 * becomes of what it says
 */
#include "lft_similarity.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "similarity/similarity.h"

enum { LAYERS = 4 };

/* What a callback was given, and what it shall do. */
struct told {
    lfuse_matrix_view a; /* of the last call */
    lfuse_matrix_view b;
    int calls;
    int fail_at; /* this call returns `refusal`; -1: none */
    int32_t refusal;
    int silent;     /* returns 0 and gives nothing */
    double instead; /* of the value, unless 0 */
    pthread_t thread;
    int elsewhere; /* calls from another thread */
};

static struct told nothing(void)
{
    struct told told = {.fail_at = -1, .thread = pthread_self()};

    return told;
}

static double element(const lfuse_matrix_view *m, int64_t i, int64_t j)
{
    int64_t at = i * m->row_stride + j * m->column_stride;

    return m->dtype == LFUSE_F64 ? ((const double *)m->data)[at]
                                 : (double)((const float *)m->data)[at];
}

/* Not symmetric, and sensitive to every place: sum of (1 + i + 3 j) (2 a - b), f32 or f64. */
static int32_t weighted(void *user, const lfuse_matrix_view *a,
                        const lfuse_matrix_view *b, double *out)
{
    struct told *told = user;
    double sum = 0.0;
    int64_t i, j;

    told->a = *a;
    told->b = *b;
    told->elsewhere += !pthread_equal(pthread_self(), told->thread);
    if (told->calls++ == told->fail_at)
        return told->refusal;
    if (told->silent)
        return 0;
    for (i = 0; i < a->rows; i++)
        for (j = 0; j < a->columns; j++)
            sum += (double)(1 + i + 3 * j) * 2.0 * element(a, i, j);
    for (i = 0; i < b->rows; i++)
        for (j = 0; j < b->columns; j++)
            sum -= (double)(1 + i + 3 * j) * element(b, i, j);
    *out = told->instead != 0.0 ? told->instead : sum;
    return 0;
}

static lfuse_similarity_options custom(struct told *told, uint32_t flags)
{
    lfuse_similarity_options o = lft_metric_options(LFUSE_METRIC_CUSTOM, 0);

    o.custom = weighted;
    o.custom_user = told;
    o.flags = flags;
    return o;
}

/* The same sum of two dense matrices; values are 16-bit fractions, so that it is exact. */
static double expected(const lfuse_tensor *a, const lfuse_tensor *b)
{
    const lfuse_tensor *side[] = {a, b};
    double sum[2] = {0.0, 0.0};
    int s;

    for (s = 0; s < 2; s++) {
        int64_t n = lfuse_tensor_dim(side[s], 0), e;
        int64_t p = lfuse_tensor_elements(side[s]) / n;

        for (e = 0; e < n * p; e++)
            sum[s] += (double)(1 + e / p + 3 * (e % p)) * lft_get(side[s], e);
    }
    return 2.0 * sum[0] - sum[1];
}

/* ---- one pair --------------------------------------------------------------------------- */

static void the_callback_gives_the_value(void **state)
{
    struct lft *t = *state;
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, 0);
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 6, 2, 3, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 2, 4, 5, 0); /* another size and type */

    assert_true(lft_metric_with(t, a, b, &o) == expected(a, b));
    assert_int_equal(told.calls, 1);
    assert_ptr_equal(told.a.data, lfuse_tensor_data(a));
    assert_ptr_equal(told.b.data, lfuse_tensor_data(b));
    assert_true(told.a.rows == 6 && told.a.columns == 6 && told.a.row_stride == 6);
    assert_true(told.a.column_stride == 1 && told.a.dtype == LFUSE_F32);
    assert_true(told.b.rows == 4 && told.b.columns == 5 && told.b.dtype == LFUSE_F64);
    assert_true(told.a.reserved == 0 && told.b.reserved == 0);
    assert_true(lft_metric_with(t, b, a, &o) == expected(b, a));
    assert_true(lft_metric_with(t, a, a, &o) != 0.0); /* the callback decides */
}

static void a_single_axis_is_a_column(void **state)
{
    struct lft *t = *state;
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, 0);
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 7, 0);

    assert_true(lft_metric_with(t, a, a, &o) == expected(a, a));
    assert_true(told.a.rows == 7 && told.a.columns == 1 && told.a.row_stride == 1);
}

/* Two strides describe a transpose, a slice, and axes that follow each other. */
static void what_two_strides_describe_is_not_copied(void **state)
{
    enum { ROWS = 6, COLUMNS = 8 };
    static float turned[COLUMNS * ROWS], sliced[ROWS * 3 * COLUMNS];
    static const int64_t dims[] = {ROWS, COLUMNS}, by_column[] = {1, ROWS};
    static const int64_t four[] = {ROWS, 1, 4, 2}, slice[] = {3 * COLUMNS, 1, 6, 3};
    struct lft *t = *state;
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, 0);
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, ROWS, COLUMNS, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F32, 2, ROWS, COLUMNS, 0);
    int i, j;

    for (i = 0; i < ROWS; i++)
        for (j = 0; j < COLUMNS; j++) {
            turned[j * ROWS + i] = (float)lft_get(a, i * COLUMNS + j);
            sliced[i * 3 * COLUMNS + 3 * j] = (float)lft_get(b, i * COLUMNS + j);
        }
    assert_true(lft_metric_with(t, lft_strided(t, LFUSE_F32, turned, 2, dims, by_column),
                                lft_strided(t, LFUSE_F32, sliced, 4, four, slice),
                                &o) == expected(a, b));
    assert_ptr_equal(told.a.data, turned);
    assert_true(told.a.row_stride == 1 && told.a.column_stride == ROWS);
    assert_ptr_equal(told.b.data, sliced);
    assert_true(told.b.row_stride == 3 * COLUMNS && told.b.column_stride == 3);
}

/* Axis 1 first, of three: its columns are two runs of the memory. */
static void what_more_strides_describe_is_copied(void **state)
{
    struct lft *t = *state;
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, 0);
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 3, 4, 5, 0);
    lfuse_tensor *y = lft_tensor(t, LFUSE_F64, 2, 3, 4, 5, 0);
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 0, 4, 15, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F64, 0, 4, 15, 0);
    int i, j, k;

    for (i = 0; i < 3; i++)
        for (j = 0; j < 4; j++)
            for (k = 0; k < 5; k++) {
                lft_set(a, j * 15 + i * 5 + k, lft_get(x, (i * 4 + j) * 5 + k));
                lft_set(b, j * 15 + i * 5 + k, lft_get(y, (i * 4 + j) * 5 + k));
            }
    o.output_axis = 1;
    assert_true(lft_metric_with(t, x, y, &o) == expected(a, b));
    assert_true(told.a.data != lfuse_tensor_data(x) && told.a.row_stride == 15);
    assert_true(told.b.data != lfuse_tensor_data(y) && told.b.column_stride == 1);
    assert_true((uintptr_t)told.b.data % sizeof(double) == 0);
}

/* As a checkpoint may have it. The shell lets no such tensor be made. */
static void what_is_not_aligned_is_copied(void **state)
{
    struct lft *t = *state;
    struct told told = nothing();
    static _Alignas(8) char bytes[1 + 12 * sizeof(float)];
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 3, 4, 0);
    struct lfi_view view = {.data = bytes + 1,
                            .dims = {3, 4},
                            .strides = {4, 1},
                            .rank = 2,
                            .dtype = LFUSE_F32};
    struct lfi_comparison pair = {.a = view, .c = view, .a_name = "a", .c_name = "b"};
    struct lfi_env env = {.allocator = lft_allocator(&t->memory)};
    double value = NAN;

    memcpy(bytes + 1, lfuse_tensor_data(a), 12 * sizeof(float));
    pair.params = lfi_similarity_defaults(0);
    pair.params.metric = LFUSE_METRIC_CUSTOM;
    pair.params.custom = weighted;
    pair.params.custom_user = &told;
    lft_ok(t, lfi_similarity_compare(&env, &pair, &value, &t->err));
    assert_true(value == expected(a, a));
    assert_true((uintptr_t)told.a.data % sizeof(float) == 0);
}

static void it_is_what_its_options_say(void **state)
{
    struct lft *t = *state;
    lfuse_metric_properties p;
    lfuse_metric found;

    lfuse_metric_properties_init(&p, sizeof(p));
    lft_ok(t, lfuse_metric_info(LFUSE_METRIC_CUSTOM, &p, &t->err));
    assert_string_equal(p.name, "custom");
    assert_true(p.is_distance == 1 && p.is_symmetric == 0);
    assert_true(p.needs_equal_rows == 0 && p.needs_equal_columns == 0);
    lft_ok(t, lfuse_metric_from_name("custom", &found, &t->err));
    assert_int_equal(found, LFUSE_METRIC_CUSTOM);
}

static void what_goes_wrong_is_named(void **state)
{
    struct lft *t = *state;
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, 0);
    lfuse_tensor *a = lft_tensor(t, LFUSE_F32, 1, 3, 4, 0);
    lfuse_tensor *b = lft_tensor(t, LFUSE_F32, 2, 3, 4, 0);

    o.custom = NULL;
    lft_metric_fails(t, a, b, &o, LFUSE_ERR_ARGUMENT,
                     "options.metric is custom, options.custom is NULL");
    o = custom(&told, 8);
    lft_metric_fails(t, a, b, &o, LFUSE_ERR_ARGUMENT,
                     "options.flags has unknown bits: 0x8");
    o = custom(&told, 0);
    told.fail_at = 0;
    told.refusal = -7;
    lft_metric_fails(t, a, b, &o, LFUSE_ERR_CALLBACK, "custom returned -7 for a and b");
    assert_int_equal(t->err.detail, -7);
    told.silent = 1;
    lft_metric_fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE, "custom gave nan for a and b");
    told.silent = 0;
    told.instead = -INFINITY;
    lft_metric_fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE, "custom gave -inf for a and b");
    assert_int_equal(told.calls, 3);
    lft_set(b, 5, NAN);
    lft_metric_fails(t, a, b, &o, LFUSE_ERR_NOT_FINITE,
                     "b is NaN at row 1, column 1 of (3, 4)");
    assert_int_equal(told.calls, 3); /* it never sees a NaN */
}

static lfuse_status compare_once(struct lft *t, void *arg)
{
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, 0);
    double out = 12345.0;
    lfuse_status status;

    (void)arg;
    o.output_axis = 1;
    status = lfuse_similarity(t->ctx, t->tensors[0], t->tensors[0], &o, &out, &t->err);
    assert_true(status == LFUSE_OK || (out == 12345.0 && told.calls == 0));
    return status;
}

static void a_refused_copy_is_reported(void **state)
{
    struct lft *t = *state;

    (void)lft_tensor(t, LFUSE_F32, 1, 3, 4, 5, 0);
    lft_every_allocation_fails(t, compare_once, NULL);
}

static void a_copy_that_does_not_fit_is_refused(void **state)
{
    struct lfi_comparison pair = {.a = {.data = state,
                                        .dims = {2, INT64_C(1) << 30, INT64_C(1) << 30},
                                        .strides = {1, INT64_C(1) << 32, 2},
                                        .rank = 3,
                                        .dtype = LFUSE_F64}};
    size_t bytes;

    pair.c = pair.a;
    assert_false(lfi_metric_find(LFUSE_METRIC_CUSTOM)->scratch(&pair, &bytes));
}

/* ---- a matrix ------------------------------------------------------------------------------ */

struct network {
    lfuse_layer *layer[LAYERS];
    lfuse_tensor *weight[LAYERS];
};

static struct network network(struct lft *t)
{
    struct network n;
    char name[16];
    int i;

    for (i = 0; i < LAYERS; i++) {
        n.weight[i] = lft_tensor(t, LFUSE_F32, (uint64_t)i, 5, 3, 0);
        (void)snprintf(name, sizeof(name), "h.%d", i);
        n.layer[i] = lft_layer(t, name, "h.*", i, n.weight[i], NULL, NULL);
    }
    return n;
}

static lfuse_status all_pairs(lfuse_context *ctx, const struct network *n,
                              const lfuse_similarity_options *o, double *out,
                              lfuse_error *err)
{
    return lfuse_similarity_matrix(ctx, (const lfuse_layer *const *)n->layer, LAYERS, o,
                                   out, err);
}

/* Both directions, or one; 0 or 1 on the diagonal; never from a thread of the pool. */
static void all_pairs_go_one_by_one_on_the_calling_thread(void **state)
{
    struct lft *t = *state;
    struct network n = network(t);
    double out[LAYERS * LAYERS];
    int threads, i, j;
    uint32_t flags;

    for (threads = 1; threads <= 3; threads++)
        for (flags = 0; flags <= 6; flags += 2) {
            lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
            bool symmetric = (flags & LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC) != 0;
            bool similarity = (flags & LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY) != 0;
            struct told told = nothing();
            lfuse_similarity_options o = custom(&told, flags);

            lft_ok(t, all_pairs(ctx, &n, &o, out, &t->err));
            for (i = 0; i < LAYERS; i++)
                for (j = 0; j < LAYERS; j++) {
                    bool turn = symmetric && i > j;
                    double want =
                        expected(n.weight[turn ? j : i], n.weight[turn ? i : j]);

                    assert_true(out[i * LAYERS + j] ==
                                (i == j ? (double)similarity : want));
                }
            assert_int_equal(told.calls, LAYERS * (LAYERS - 1) / (symmetric ? 2 : 1));
            assert_int_equal(told.elsewhere, 0);
            lfuse_context_destroy(ctx);
        }
}

static void the_first_refusal_ends_a_matrix(void **state)
{
    struct lft *t = *state;
    struct network n = network(t);
    lfuse_context *ctx = lft_context(t, 3, LFUSE_ISA_BEST);
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC);
    double out[LAYERS * LAYERS];

    told.fail_at = 2;
    told.refusal = 42;
    lft_fails(t, all_pairs(ctx, &n, &o, out, &t->err), LFUSE_ERR_CALLBACK,
              "custom returned 42 for layer h.0 and layer h.3");
    assert_int_equal(t->err.detail, 42);
    assert_int_equal(told.calls, 3);
    lfuse_context_destroy(ctx);
}

static int32_t count_failure(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    assert_true(i == 0 && j == 3);
    assert_int_equal(error->detail, 42);
    ++*(int *)user;
    return 0;
}

static void a_matrix_can_go_on_without_a_pair(void **state)
{
    struct lft *t = *state;
    struct network n = network(t);
    struct told told = nothing();
    lfuse_similarity_options o = custom(&told, LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC);
    double out[LAYERS * LAYERS];
    int failures = 0, k;

    for (k = 0; k < LAYERS * LAYERS; k++)
        out[k] = 12345.0;
    told.fail_at = 2;
    told.refusal = 42;
    o.failed = count_failure;
    o.failed_user = &failures;
    lft_ok(t, all_pairs(t->ctx, &n, &o, out, &t->err));
    assert_int_equal(failures, 1);
    assert_int_equal(told.calls, 6);
    assert_true(out[3] == 12345.0 && out[3 * LAYERS] == 12345.0);
    assert_true(out[LAYERS + 3] == expected(n.weight[1], n.weight[3]));
}

/* ---- plans --------------------------------------------------------------------------------- */

static lfuse_status build(struct lft *t, const struct network *n,
                          const lfuse_plan_options *o, lfuse_plan **plan)
{
    return lfuse_plan_build(t->ctx, (const lfuse_layer *const *)n->layer, LAYERS, o, plan,
                            &t->err);
}

static lfuse_fusion first_fusion(struct lft *t, const struct network *n,
                                 const lfuse_plan_options *o)
{
    lfuse_fusion f;
    lfuse_plan *plan;

    lfuse_fusion_init(&f, sizeof(f));
    lft_ok(t, build(t, n, o, &plan));
    lft_ok(t, lfuse_plan_fusion(plan, 0, &f, &t->err));
    lfuse_plan_destroy(plan);
    return f;
}

/* The least of all pairs, or the greatest where it is a similarity; both directions' mean. */
static void a_plan_ranks_by_the_callback(void **state)
{
    struct lft *t = *state;
    struct network n = network(t);
    struct told told = nothing();
    lfuse_similarity_options similarity = custom(&told, 0);
    lfuse_plan_options o;
    double least = INFINITY, most = -INFINITY;
    int i, j;

    for (i = 0; i < LAYERS; i++)
        for (j = i + 1; j < LAYERS; j++) {
            double score = 0.5 * expected(n.weight[i], n.weight[j]) +
                           0.5 * expected(n.weight[j], n.weight[i]);

            least = fmin(least, score);
            most = fmax(most, score);
        }
    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = 1;
    o.similarity = &similarity; /* whose metric it is, too */
    assert_true(first_fusion(t, &n, &o).score == least);
    assert_int_equal(told.calls, LAYERS * (LAYERS - 1));
    o.metric = LFUSE_METRIC_CUSTOM;
    assert_true(first_fusion(t, &n, &o).score == least);
    similarity.flags = LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY;
    assert_true(first_fusion(t, &n, &o).score == most);
}

static void a_plan_takes_the_other_options_of_its_metric(void **state)
{
    struct lft *t = *state;
    struct network n = network(t);
    lfuse_similarity_options similarity = lft_metric_options(LFUSE_METRIC_JS, 2);
    lfuse_plan_options o;
    lfuse_fusion f;

    similarity.ridge = 0.5;
    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = 1;
    o.similarity = &similarity;
    f = first_fusion(t, &n, &o);
    assert_true(f.score == lft_metric_with(t, n.weight[f.a], n.weight[f.b], &similarity));
    similarity.ridge = 0.25;
    assert_true(first_fusion(t, &n, &o).score != f.score);
}

static int32_t go_on(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    (void)i;
    (void)j;
    (void)error;
    ++*(int *)user;
    return 0;
}

static void what_a_plan_cannot_ask_is_named(void **state)
{
    struct lft *t = *state;
    struct network n = network(t);
    struct told told = nothing();
    lfuse_similarity_options similarity = custom(&told, 0);
    lfuse_retrainer_options r;
    lfuse_retrainer *retrainer;
    lfuse_plan_options o;
    lfuse_plan *plan = (void *)1;
    int failures = 0;

    lfuse_plan_options_init(&o, sizeof(o));
    o.ratio = 1.2;
    o.metric = LFUSE_METRIC_CUSTOM;
    lft_fails(t, build(t, &n, &o, &plan), LFUSE_ERR_ARGUMENT,
              "options.similarity.metric is custom, options.similarity.custom is NULL");
    assert_null(plan);
    o.similarity = &similarity;
    told.fail_at = 3;
    told.refusal = 42;
    similarity.failed = go_on; /* which would leave a pair without a score */
    similarity.failed_user = &failures;
    lft_fails(t, build(t, &n, &o, &plan), LFUSE_ERR_CALLBACK,
              "custom returned 42 for layer");
    assert_int_equal(t->err.detail, 42);
    assert_true(failures == 0 && told.calls == 4);
    similarity.ridge = NAN;
    lft_fails(t, build(t, &n, &o, &plan), LFUSE_ERR_ARGUMENT,
              "options.similarity.ridge is nan");
    lfuse_retrainer_options_init(&r, sizeof(r));
    r.plan = &o;
    lft_fails(t, lfuse_retrainer_create(t->ctx, n.layer, LAYERS, &r, &retrainer, &t->err),
              LFUSE_ERR_ARGUMENT, "options.plan.similarity.ridge is nan");
    assert_null(retrainer);
}

static void a_retrainer_goes_on_asking_the_callback(void **state)
{
    struct lft *t = *state;
    struct network n = network(t);
    struct told told = nothing();
    lfuse_similarity_options similarity = custom(&told, 0);
    lfuse_retrainer_options r;
    lfuse_retrainer *retrainer;
    lfuse_verdict verdict;
    lfuse_plan_options o;
    int before;

    lfuse_plan_options_init(&o, sizeof(o));
    o.ratio = 1.3;
    o.similarity = &similarity;
    lfuse_retrainer_options_init(&r, sizeof(r));
    r.plan = &o;
    r.fusions = 1;
    r.interval = 1;
    lft_ok(t, lfuse_retrainer_create(t->ctx, n.layer, LAYERS, &r, &retrainer, &t->err));
    memset(&similarity, 0xa5, sizeof(similarity)); /* copied */
    before = told.calls;
    lft_ok(t, lfuse_retrainer_fuse(retrainer, &t->err));
    assert_true(told.calls > before);
    lft_ok(t, lfuse_retrainer_end_epoch(retrainer, 0.5, &verdict, &t->err));
    lfuse_retrainer_destroy(retrainer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_callback_gives_the_value),
        lft_test(a_single_axis_is_a_column),
        lft_test(what_two_strides_describe_is_not_copied),
        lft_test(what_more_strides_describe_is_copied),
        lft_test(what_is_not_aligned_is_copied),
        lft_test(it_is_what_its_options_say),
        lft_test(what_goes_wrong_is_named),
        lft_test(a_refused_copy_is_reported),
        lft_test(a_copy_that_does_not_fit_is_refused),
        lft_test(all_pairs_go_one_by_one_on_the_calling_thread),
        lft_test(the_first_refusal_ends_a_matrix),
        lft_test(a_matrix_can_go_on_without_a_pair),
        lft_test(a_plan_ranks_by_the_callback),
        lft_test(a_plan_takes_the_other_options_of_its_metric),
        lft_test(what_a_plan_cannot_ask_is_named),
        lft_test(a_retrainer_goes_on_asking_the_callback),
    };

    return cmocka_run_group_tests_name("similarity_custom", tests, NULL, NULL);
}
