/* test_preview.c - see preview.h */
#include "lft_checkpoint.h"
#include "lft_plan.h"
#include "lft_ties.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 6, ROWS = 7, COLUMNS = 131, ELEMENTS = ROWS * COLUMNS };

/* l0 ... l3 are of type A and have two weights, l4 and l5 of type B; dims in either order. */
static void six(struct lft *t, lfuse_dtype dtype)
{
    static const int64_t dims[] = {ROWS, COLUMNS}, turned[] = {1, ROWS};
    char name[16];
    int i;

    for (i = 0; i < LAYERS; i++) {
        lfuse_tensor *weight = lft_tensor(t, dtype, (uint64_t)i, ROWS, COLUMNS, 0);

        if (i == 2) /* strided: as if it were stored column by column */
            weight = lft_strided(t, dtype, lfuse_tensor_data(weight), 2, dims, turned);
        (void)snprintf(name, sizeof(name), "l%d", i);
        lft_layer(t, name, i < 4 ? "A" : "B", i, weight, NULL, NULL);
        if (i < 4)
            lft_add(t, i, "more", LFUSE_ROLE_WEIGHT,
                    lft_tensor(t, dtype, (uint64_t)i + 10, 5, 0), NULL);
    }
}

static lfuse_preview *preview_of(struct lft *t, const lfuse_plan *plan)
{
    lfuse_preview *preview;

    lft_ok(t, lfuse_preview_create(t->ctx, plan, (const lfuse_layer *const *)t->layers,
                                   t->layer_count, &preview, &t->err));
    return preview;
}

static lfuse_tensor *weight_of(struct lft *t, int layer, int weight)
{
    return lft_parameter(t, layer, weight).value;
}

/* All weights of all layers, in pieces of `step` elements; release with free(). */
static char *read_all(struct lft *t, const lfuse_preview *preview, int64_t step)
{
    char *all = calloc(LAYERS * 2, ELEMENTS * sizeof(double)), *at;
    int i, k;

    assert_non_null(all);
    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < (i < 4 ? 2 : 1); k++) {
            const int64_t n = lfuse_tensor_elements(weight_of(t, i, k));
            const size_t size = lfuse_tensor_bytes(weight_of(t, i, k)) / (size_t)n;
            int64_t first;

            at = all + (size_t)(2 * i + k) * ELEMENTS * sizeof(double);
            for (first = 0; first < n; first += step)
                lft_ok(t, lfuse_preview_read(preview, i, k, first,
                                             n - first < step ? n - first : step,
                                             at + (size_t)first * size, &t->err));
        }
    return all;
}

/* The same from the layers as they are. */
static char *copy_all(struct lft *t)
{
    lfuse_tensor *dense = NULL;
    char *all = calloc(LAYERS * 2, ELEMENTS * sizeof(double));
    int i, k;

    assert_non_null(all);
    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < (i < 4 ? 2 : 1); k++) {
            lfuse_tensor *weight = weight_of(t, i, k);

            dense = lfuse_tensor_rank(weight) == 2
                        ? lft_tensor(t, lfuse_tensor_dtype(weight), 0, ROWS, COLUMNS, 0)
                        : lft_tensor(t, lfuse_tensor_dtype(weight), 0, 5, 0);
            lft_ok(t, lfuse_tensor_copy(dense, weight, &t->err));
            memcpy(all + (size_t)(2 * i + k) * ELEMENTS * sizeof(double),
                   lfuse_tensor_data(dense), lfuse_tensor_bytes(dense));
        }
    return all;
}

static void forget(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* What is read before is what is there after, whatever the pieces; and nothing has changed. 0: of
 * rows the plan is not supported. */
static int check(struct lft *t, lfuse_dtype dtype, lfuse_plan_options o)
{
    static const int64_t steps[] = {ELEMENTS, 512, 100, 1};
    lfuse_preview *preview;
    lfuse_plan *plan;
    lfuse_ties *ties;
    char *before, *now, *after, *read[4];
    int i;

    six(t, dtype);
    if (lft_plan_try(t, &o, &plan) != LFUSE_OK) {
        assert_int_equal(o.unit, LFUSE_UNIT_ROW);
        assert_int_equal(t->err.status, LFUSE_ERR_UNSUPPORTED);
        forget(t);
        return 0;
    }
    assert_true(lfuse_plan_fusion_count(plan) > 0);
    before = copy_all(t);
    preview = preview_of(t, plan);
    for (i = 0; i < 4; i++)
        read[i] = read_all(t, preview, steps[i]);
    lfuse_preview_destroy(preview);
    now = copy_all(t);
    assert_memory_equal(before, now, LAYERS * 2 * ELEMENTS * sizeof(double));
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lft_ok(t, lfuse_ties_finalise(ties, &t->err));
    after = copy_all(t);
    for (i = 0; i < 4; i++) {
        assert_memory_equal(read[i], after, LAYERS * 2 * ELEMENTS * sizeof(double));
        free(read[i]);
    }
    free(after);
    free(now);
    free(before);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    forget(t);
    return 1;
}

static void a_preview_is_what_ties_make_of_the_weights(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(3);
    lfuse_dtype dtype;

    for (dtype = LFUSE_F32; dtype <= LFUSE_BF16; dtype++)
        for (o.policy = LFUSE_POLICY_AVERAGE; o.policy <= LFUSE_POLICY_JS; o.policy++)
            assert_true(check(t, dtype, o));
}

static void a_preview_of_rows_is_what_ties_make_of_the_weights(void **state)
{
    static const double importance[LAYERS] = {1.0, 0.0, 0.25, 3.0, 0.0, 0.0};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(3 * ROWS);
    lfuse_dtype dtype;
    int checked = 0;

    o.unit = LFUSE_UNIT_ROW;
    for (dtype = LFUSE_F32; dtype <= LFUSE_BF16; dtype++)
        for (o.policy = LFUSE_POLICY_AVERAGE; o.policy <= LFUSE_POLICY_JS; o.policy++)
            checked += check(t, dtype, o);
    assert_int_equal(checked, 3 * 4); /* all but js */
    o.policy = LFUSE_POLICY_AVERAGE;
    o.weighting = LFUSE_WEIGHTING_NORM;
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    assert_true(check(t, LFUSE_BF16, o));
    o.weighting = LFUSE_WEIGHTING_IMPORTANCE;
    o.importance = importance;
    assert_true(check(t, LFUSE_F64, o));
}

static void a_preview_weighs_and_rescales_like_ties(void **state)
{
    static const double importance[LAYERS] = {1.0, 0.0, 0.25, 3.0, 0.0, 0.0};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(4);

    o.weighting = LFUSE_WEIGHTING_NORM;
    assert_true(check(t, LFUSE_F32, o));
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    assert_true(check(t, LFUSE_F16, o));
    o.weighting = LFUSE_WEIGHTING_IMPORTANCE;
    o.importance = importance; /* of one group all are 0 */
    assert_true(check(t, LFUSE_F64, o));
}

/* ---- what a plan knows of its layers ----------------------------------------------------------- */

static void a_plan_tells_its_weights(void **state)
{
    struct lft *t = *state;
    lfuse_planned_weight w;
    lfuse_plan *plan;

    six(t, LFUSE_BF16);
    plan = lft_plan_build(t, lft_plan_best(1));
    assert_string_equal(lfuse_plan_layer_type(plan, 4), "B");
    assert_int_equal(lfuse_plan_weight_count(plan, 0), 2);
    assert_int_equal(lfuse_plan_weight_count(plan, 5), 1);
    lfuse_planned_weight_init(&w, sizeof(w));
    lft_ok(t, lfuse_plan_weight(plan, 0, 0, &w, &t->err));
    assert_string_equal(w.name, "weight");
    assert_int_equal(w.rank, 2);
    assert_int_equal(w.dims[0], ROWS);
    assert_int_equal(w.dims[1], COLUMNS);
    assert_int_equal(w.dims[2], 0);
    assert_int_equal(w.dtype, LFUSE_BF16);
    assert_int_equal(lfuse_plan_owner(plan, lft_plan_fusion(t, plan, 0).b),
                     lft_plan_fusion(t, plan, 0).kept);
    assert_int_equal(lfuse_plan_owner(plan, -1), -1);
    assert_int_equal(lfuse_plan_owner(plan, LAYERS), -1);
    assert_int_equal(lfuse_plan_owner(NULL, 0), -1);
    assert_null(lfuse_plan_layer_type(plan, LAYERS));
    assert_int_equal(lfuse_plan_weight_count(plan, -1), 0);
    w.rank = 77;
    lft_fails(t, lfuse_plan_weight(plan, 0, 2, &w, &t->err), LFUSE_ERR_ARGUMENT,
              "layer 0 has 2 weights, weight is 2");
    lft_fails(t, lfuse_plan_weight(plan, LAYERS, 0, &w, &t->err), LFUSE_ERR_ARGUMENT,
              "layer 6 has 0 weights");
    assert_int_equal(w.rank, 77);
    lfuse_plan_destroy(plan);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void refused(struct lft *t, const lfuse_plan *plan, int64_t count,
                    lfuse_status status, const char *text)
{
    lfuse_preview *preview = (lfuse_preview *)t;

    lft_fails(t,
              lfuse_preview_create(t->ctx, plan, (const lfuse_layer *const *)t->layers,
                                   count, &preview, &t->err),
              status, text);
    assert_null(preview);
}

static void what_cannot_be_read_in_advance_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan, *custom, *later;
    lfuse_ties *ties;

    lft_plan_five(t);
    plan = lft_plan_build(t, o);
    o.policy = LFUSE_POLICY_CUSTOM;
    custom = lft_plan_build(t, o);
    refused(t, NULL, 5, LFUSE_ERR_ARGUMENT, "plan is NULL");
    refused(t, plan, 0, LFUSE_ERR_ARGUMENT, "count is 0");
    refused(t, plan, 4, LFUSE_ERR_NAME, "the plan is of 5 layers");
    refused(t, custom, 5, LFUSE_ERR_UNSUPPORTED, "the plan's policy is custom");
    lft_fails(t,
              lfuse_preview_create(t->ctx, plan, (const lfuse_layer *const *)t->layers, 5,
                                   NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "preview is NULL");
    lft_weight(t, 1)[0] = NAN;
    refused(t, plan, 5, LFUSE_ERR_NOT_FINITE,
            "element 0 of parameter weight of layer l1 is not finite");
    lft_weight(t, 1)[0] = 10.0f;
    ties = lft_ties_of(t, lft_ties_defaults());
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    o = lft_plan_best(1);
    o.in_force = ties;
    later = lft_plan_build(t, o);
    refused(t, later, 5, LFUSE_ERR_STATE, "has one memory already");
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(later);
    lfuse_plan_destroy(custom);
    lfuse_plan_destroy(plan);
}

static void reading_checks_its_range(void **state)
{
    struct lft *t = *state;
    lfuse_preview *preview;
    lfuse_plan *plan;
    float out[2] = {7.0f, 8.0f};

    lft_plan_five(t);
    plan = lft_plan_build(t, lft_plan_best(1));
    preview = preview_of(t, plan);
    lft_fails(t, lfuse_preview_read(NULL, 0, 0, 0, 1, out, &t->err), LFUSE_ERR_ARGUMENT,
              "preview is NULL");
    lft_fails(t, lfuse_preview_read(preview, 0, 0, 0, 1, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "out is NULL");
    lft_fails(t, lfuse_preview_read(preview, 5, 0, 0, 1, out, &t->err),
              LFUSE_ERR_ARGUMENT, "layer is 5, the plan has 5 layers");
    lft_fails(t, lfuse_preview_read(preview, 0, 1, 0, 1, out, &t->err),
              LFUSE_ERR_ARGUMENT, "weight is 1, layer l0 has 1");
    lft_fails(t, lfuse_preview_read(preview, 0, 0, 1, 2, out, &t->err),
              LFUSE_ERR_ARGUMENT, "first is 1, count 2, the weight has 2 elements");
    lft_fails(t, lfuse_preview_read(preview, 0, 0, -1, 1, out, &t->err),
              LFUSE_ERR_ARGUMENT, "first is -1");
    assert_true(out[0] == 7.0f && out[1] == 8.0f);
    lft_ok(t, lfuse_preview_read(preview, 1, 0, 0, 2, out, &t->err));
    assert_true(out[0] == 10.5f && out[1] == 0.0f);
    lft_ok(t, lfuse_preview_read(preview, 1, 0, 2, 0, out, &t->err));
    lfuse_preview_destroy(preview);
    lfuse_preview_destroy(NULL);
    lfuse_plan_destroy(plan);
}

static lfuse_status create_and_drop(struct lft *t, void *plan)
{
    lfuse_preview *preview;
    lfuse_status status =
        lfuse_preview_create(t->ctx, plan, (const lfuse_layer *const *)t->layers,
                             t->layer_count, &preview, &t->err);

    lfuse_preview_destroy(preview);
    return status;
}

static void memory_may_be_refused_at_any_point(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(2);
    lfuse_plan *plan;

    lft_plan_five(t);
    o.weighting = LFUSE_WEIGHTING_NORM;
    o.flags = LFUSE_PLAN_FLAG_RESCALE;
    plan = lft_plan_build(t, o);
    lft_every_allocation_fails(t, create_and_drop, plan);
    lfuse_plan_destroy(plan);
    o.unit = LFUSE_UNIT_ROW;
    plan = lft_plan_build(t, o);
    lft_every_allocation_fails(t, create_and_drop, plan);
    lfuse_plan_destroy(plan);
}

/* ---- saving what is not there --------------------------------------------------------------- */

struct filler {
    int32_t answer; /* for the entry "b" */
    int64_t calls, fails_at;
};

/* Entry 1, "b", counts its elements; the others are stored as they are. */
static int32_t count_up(void *user, int64_t index, int64_t first, int64_t count,
                        void *out)
{
    struct filler *f = user;
    float *values = out;
    int64_t i;

    if (index != 1)
        return LFUSE_FILL_NONE;
    if (f->calls++ == f->fails_at)
        return f->answer;
    for (i = 0; i < count; i++)
        values[i] = (float)(first + i);
    return 0;
}

static lfuse_status save_filled(struct lft *t, const char *path, struct filler *f,
                                lfuse_save_mode mode)
{
    static float some[3] = {1.0f, 2.0f, 3.0f};
    const lfuse_checkpoint_entry entries[] = {
        {"a", lft_borrow(t, LFUSE_F32, some, 3, 0), NULL},
        {"b", lft_tensor(t, LFUSE_F32, 1, 700, 300, 0), NULL},
        {"c", lft_tensor(t, LFUSE_F32, 1, 700, 300, 0), "b"},
    };
    lfuse_checkpoint_save_options o;

    lfuse_checkpoint_save_options_init(&o, sizeof(o));
    o.mode = mode;
    o.fill = count_up;
    o.fill_user = f;
    return lfuse_checkpoint_save(t->ctx, path, entries, 3, &o, &t->err);
}

static void fill_gives_the_data_that_is_stored(void **state)
{
    struct lft *t = *state;
    const char *path = lft_path("filled");
    struct filler f = {.fails_at = -1};
    lfuse_checkpoint *c;
    lfuse_save_mode mode;
    const float *b, *other;
    int64_t i;

    for (mode = LFUSE_SAVE_DEDUP; mode <= LFUSE_SAVE_EXPAND; mode++) {
        lft_ok(t, save_filled(t, path, &f, mode));
        c = lft_open(t, path);
        b = lft_data(c, "b");
        other = lft_data(c, "c");
        assert_true((b == other) == (mode == LFUSE_SAVE_DEDUP));
        assert_true(((const float *)lft_data(c, "a"))[2] == 3.0f);
        for (i = 0; i < 210000; i++)
            assert_true(b[i] == (float)i && other[i] == (float)i);
        lfuse_checkpoint_close(c);
    }
}

static void fill_that_fails_leaves_no_file(void **state)
{
    struct lft *t = *state;
    const char *path = lft_path("filled");
    struct filler f = {.answer = 5};

    for (f.fails_at = 0; f.fails_at < 3; f.fails_at++) {
        f.calls = 0;
        lft_fails(t, save_filled(t, path, &f, LFUSE_SAVE_DEDUP), LFUSE_ERR_CALLBACK,
                  "fill returned 5 for element ");
        assert_int_equal(t->err.detail, 5);
        assert_int_equal(lft_count_files(), 0);
    }
    f = (struct filler){.answer = LFUSE_FILL_NONE, .fails_at = 1};
    lft_fails(t, save_filled(t, path, &f, LFUSE_SAVE_DEDUP), LFUSE_ERR_CALLBACK,
              "fill returned 1 for element 65536 of b");
    assert_int_equal(lft_count_files(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_preview_is_what_ties_make_of_the_weights),
        lft_test(a_preview_of_rows_is_what_ties_make_of_the_weights),
        lft_test(a_preview_weighs_and_rescales_like_ties),
        lft_test(a_plan_tells_its_weights),
        lft_test(what_cannot_be_read_in_advance_is_refused),
        lft_test(reading_checks_its_range),
        lft_test(memory_may_be_refused_at_any_point),
        lft_files_test(fill_gives_the_data_that_is_stored),
        lft_files_test(fill_that_fails_leaves_no_file),
    };

    return cmocka_run_group_tests_name("preview", tests, NULL, NULL);
}
