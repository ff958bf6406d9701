/* test_ties_custom.c - groups whose weights the caller makes */
#include "lft_ties.h"

#include <math.h>
#include <string.h>

struct merger {
    int calls;
    int64_t count; /* of the last call */
    int32_t refusal;
    double instead; /* NaN or infinity for an element, or 0 */
};

/* The elementwise maximum. */
static int32_t largest(void *user, const lfuse_matrix_view *members, int64_t count,
                       double *merged)
{
    struct merger *m = user;
    int64_t i, j, k;

    m->calls++;
    m->count = count;
    if (m->refusal != 0)
        return m->refusal;
    for (i = 0; i < members[0].rows; i++)
        for (j = 0; j < members[0].columns; j++) {
            double *out = &merged[i * members[0].columns + j];

            *out = -INFINITY;
            for (k = 0; k < count; k++)
                *out = fmax(*out, (double)((const float *)members[k]
                                               .data)[i * members[k].row_stride +
                                                      j * members[k].column_stride]);
        }
    if (m->instead != 0.0)
        merged[1] = m->instead;
    return 0;
}

static lfuse_ties *ties_with(struct lft *t, struct merger *m)
{
    lfuse_ties_options o = lft_ties_keeping();

    o.merge = m != NULL ? largest : NULL;
    o.merge_user = m;
    return lft_ties_of(t, o);
}

static void the_callback_makes_the_weights(void **state)
{
    struct lft *t = *state;
    struct merger m = {0};
    struct lft_snapshot before;
    lfuse_ties *ties;

    lft_four(t);
    ties = ties_with(t, &m);
    lft_take(t, ties, &before);
    lft_tie_with(t, ties, 2, LFUSE_POLICY_CUSTOM, 0);
    assert_int_equal(m.calls, 2);
    assert_int_equal(m.count, 2);
    assert_true(lft_weight(t, 0)[0] == 1.0f && lft_weight(t, 3)[0] == 6.0f);
    assert_ptr_equal(lft_weight(t, 1), lft_weight(t, 0));
    assert_true(lft_velocity(t, 0)[0] == 0.25f); /* state: the mean of 0 and 0.5 */
    lft_tie_with(t, ties, 1, LFUSE_POLICY_CUSTOM, 0);
    assert_int_equal(m.count, 4);
    assert_true(lft_weight(t, 1)[0] == 6.0f);
    lft_ok(t, lfuse_ties_undo(ties, &t->err));
    lft_check_bytes(t, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
}

/* Rows are the output units, whatever their axis; strides may be any. */
static void the_output_axis_comes_first(void **state)
{
    struct lft *t = *state;
    struct merger m = {0};
    lfuse_tensor *value[2];
    lfuse_ties *ties;
    int i, e;

    for (i = 0; i < 2; i++) {
        lfuse_layer_desc desc;
        lfuse_layer *layer;
        lfuse_parameter p;

        lfuse_layer_desc_init(&desc, sizeof(desc));
        desc.name = i == 0 ? "a" : "b";
        desc.param_type = "A";
        desc.position = i;
        lft_ok(t, lfuse_layer_create(t->ctx, &desc, &layer, &t->err));
        t->layers[t->layer_count++] = layer;
        value[i] = lft_tensor(t, LFUSE_F32, (uint64_t)i + 1, 3, 5, 0);
        lfuse_parameter_init(&p, sizeof(p));
        p.name = "weight";
        p.output_axis = 1;
        p.value = value[i];
        lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
    }
    ties = ties_with(t, &m);
    lft_tie_with(t, ties, 1, LFUSE_POLICY_CUSTOM, 0);
    for (e = 0; e < 15; e++)
        assert_true(lft_weight(t, 0)[e] == (float)fmax(lft_value(1, e), lft_value(2, e)));
    lfuse_ties_destroy(ties);
}

static lfuse_status tie_once(struct lft *t, lfuse_ties *ties)
{
    lfuse_plan *plan = lft_plan_with(t, ties, 1, LFUSE_POLICY_CUSTOM, 0);
    lfuse_status status = lfuse_ties_apply(ties, plan, &t->err);

    lfuse_plan_destroy(plan);
    return status;
}

static void what_goes_wrong_changes_nothing(void **state)
{
    struct lft *t = *state;
    struct merger m = {.refusal = 42};
    struct lft_snapshot before;
    lfuse_ties *ties;

    lft_four(t);
    ties = ties_with(t, &m);
    lft_take(t, ties, &before);
    lft_fails(t, tie_once(t, ties), LFUSE_ERR_CALLBACK,
              "merge returned 42 for weight of the group of layer l0");
    assert_int_equal(t->err.detail, 42);
    lft_check_unchanged(t, ties, &before);
    m.refusal = 0;
    m.instead = NAN;
    lft_fails(t, tie_once(t, ties), LFUSE_ERR_NOT_FINITE,
              "as element 1 of weight of layer");
    lft_check_unchanged(t, ties, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
    ties = ties_with(t, NULL);
    lft_fails(t, tie_once(t, ties), LFUSE_ERR_STATE, "the ties have no merge");
    lfuse_ties_destroy(ties);
}

static lfuse_status apply_and_undo(struct lft *t, void *arg)
{
    lfuse_plan_options o;
    lfuse_plan *plan;
    lfuse_status status;

    lfuse_plan_options_init(&o, sizeof(o));
    o.top_k = 2;
    o.policy = LFUSE_POLICY_CUSTOM;
    status = lfuse_plan_build(t->ctx, (const lfuse_layer *const *)t->layers,
                              t->layer_count, &o, &plan, &t->err);
    if (status == LFUSE_OK)
        status = lfuse_ties_apply(arg, plan, &t->err);
    lfuse_plan_destroy(plan);
    if (status == LFUSE_OK)
        status = lfuse_ties_undo(arg, &t->err);
    return status;
}

static void a_refused_allocation_changes_nothing(void **state)
{
    struct lft *t = *state;
    struct merger m = {0};
    struct lft_snapshot before;
    lfuse_ties *ties;

    lft_four(t);
    ties = ties_with(t, &m);
    lft_take(t, ties, &before);
    lft_every_allocation_fails(t, apply_and_undo, ties);
    lft_check_bytes(t, &before);
    lft_drop(&before);
    lfuse_ties_destroy(ties);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_callback_makes_the_weights),
        lft_test(the_output_axis_comes_first),
        lft_test(what_goes_wrong_changes_nothing),
        lft_test(a_refused_allocation_changes_nothing),
    };

    return cmocka_run_group_tests_name("ties_custom", tests, NULL, NULL);
}
