/* test_loss.c - softmax cross entropy: its mathematics, PyTorch, differences, errors */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "golden/kernels.h"

enum { ROWS = 1000, CLASSES = 10 };

static lfuse_cross_entropy_args arguments(const float *logits, const int32_t *labels,
                                          int64_t batch, int64_t classes, float *dlogits,
                                          double *loss)
{
    lfuse_cross_entropy_args a;

    lfuse_cross_entropy_args_init(&a, sizeof(a));
    a.logits = logits;
    a.labels = labels;
    a.batch = batch;
    a.classes = classes;
    a.dlogits = dlogits;
    a.loss = loss;
    return a;
}

/* Without the shift by the maximum, and with a perturbation of one logit. */
static double loss_in_f64(const float *logits, const int32_t *labels, int64_t batch,
                          int64_t classes, int64_t moved, double by)
{
    double total = 0.0;
    int64_t i, j;

    for (i = 0; i < batch; i++) {
        double sum = 0.0, label = 0.0;

        for (j = 0; j < classes; j++) {
            double x =
                (double)logits[i * classes + j] + (i * classes + j == moved ? by : 0);

            sum += exp(x);
            label = j == labels[i] ? x : label;
        }
        total += log(sum) - label;
    }
    return total / (double)batch;
}

static void fill(float *logits, int32_t *labels, int64_t batch, int64_t classes)
{
    int64_t i;

    lft_fill(logits, batch * classes, 1);
    for (i = 0; i < batch * classes; i++)
        logits[i] *= 8.0f;
    for (i = 0; i < batch; i++)
        labels[i] = (int32_t)((i * 7) % classes);
}

/* PyTorch's f64 results; the loss is f64 here, too: 64 roundings of numbers below 8 are ample
 * for 5 rows of 4. The gradient is below 1 / batch and rounded to f32 once. */
static void a_small_batch_is_pytorchs(void **state)
{
    float dlogits[20];
    double loss;
    lfuse_cross_entropy_args a = arguments(ce_logits, ce_labels, 5, 4, dlogits, &loss);
    struct lft *t = *state;
    int i;

    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    assert_true(fabs(loss - ce_loss[0]) <= 64 * 8 * DBL_EPSILON);
    for (i = 0; i < 20; i++)
        assert_true(fabs((double)dlogits[i] - ce_dlogits[i]) <= 0.2 * FLT_EPSILON);
}

static void equal_logits_cost_ln_classes_at_any_height(void **state)
{
    const float heights[] = {0.0f, 1000.0f, -1e30f};
    struct lft *t = *state;
    float logits[7];
    int32_t label = 3;
    double loss;
    int h, j;

    for (h = 0; h < 3; h++) {
        lfuse_cross_entropy_args a = arguments(logits, &label, 1, 7, NULL, &loss);

        for (j = 0; j < 7; j++)
            logits[j] = heights[h];
        lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
        assert_true(fabs(loss - log(7.0)) <= 2.0 * log(7.0) * DBL_EPSILON);
    }
}

/* The gradient of a row sums to zero: shifting all logits changes no loss. Each element is
 * rounded to f32 once, from a number of at most 1 / batch. */
static void the_gradient_of_each_row_sums_to_zero(void **state)
{
    static float logits[ROWS * CLASSES], dlogits[ROWS * CLASSES];
    static int32_t labels[ROWS];
    struct lft *t = *state;
    double loss;
    lfuse_cross_entropy_args a = arguments(logits, labels, ROWS, CLASSES, dlogits, &loss);
    int64_t i, j;

    fill(logits, labels, ROWS, CLASSES);
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    for (i = 0; i < ROWS; i++) {
        double sum = 0.0;

        for (j = 0; j < CLASSES; j++)
            sum += (double)dlogits[i * CLASSES + j];
        assert_true(fabs(sum) <= CLASSES * (FLT_EPSILON / 2.0) / ROWS);
    }
}

/* Central differences in f64: h^2 / 6 times a third derivative below 1 / batch, and 2 * eps *
 * loss / h of rounding, with a loss below 32 and a few roundings per term. */
static void the_gradient_is_the_slope_of_the_loss(void **state)
{
    enum { BATCH = 3, WIDE = 5 };
    float logits[BATCH * WIDE], dlogits[BATCH * WIDE];
    int32_t labels[BATCH];
    const double h = 1e-5,
                 bound = h * h / 6.0 + 8.0 * 32.0 * DBL_EPSILON / h + FLT_EPSILON / 2.0;
    struct lft *t = *state;
    double loss;
    lfuse_cross_entropy_args a = arguments(logits, labels, BATCH, WIDE, dlogits, &loss);
    int64_t i;

    fill(logits, labels, BATCH, WIDE);
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    for (i = 0; i < BATCH * WIDE; i++) {
        double up = loss_in_f64(logits, labels, BATCH, WIDE, i, h),
               down = loss_in_f64(logits, labels, BATCH, WIDE, i, -h);

        assert_true(fabs((double)dlogits[i] - (up - down) / (2.0 * h)) <= bound);
    }
    assert_true(fabs(loss - loss_in_f64(logits, labels, BATCH, WIDE, -1, 0.0)) <=
                64 * 32 * DBL_EPSILON);
}

static void the_gradient_may_replace_the_logits(void **state)
{
    float logits[6 * 4], dlogits[6 * 4];
    int32_t labels[6];
    struct lft *t = *state;
    double loss, again;
    lfuse_cross_entropy_args a = arguments(logits, labels, 6, 4, dlogits, &loss);

    fill(logits, labels, 6, 4);
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    a.dlogits = logits;
    a.loss = &again;
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    assert_memory_equal(logits, dlogits, sizeof(logits));
    assert_true(loss == again);
}

static void correct_counts_the_first_greatest_and_never_nan(void **state)
{
    const float logits[5][3] = {
        {1.0f, 2.0f, 0.0f}, {2.0f, 2.0f, 0.0f},       {2.0f, 2.0f, 0.0f},
        {NAN, 1.0f, 0.0f},  {0.0f, -1.0f, -INFINITY},
    };
    const int32_t labels[5] = {1, 0, 1, 0, 0};
    struct lft *t = *state;
    int64_t correct = -1;
    double loss = 0.0;
    lfuse_cross_entropy_args a = arguments(logits[0], labels, 5, 3, NULL, &loss);

    a.correct = &correct;
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    assert_int_equal(correct, 3); /* rows 0, 1 and 4 */
    assert_true(isnan(loss));
}

static void threads_change_no_bit(void **state)
{
    static float logits[ROWS * CLASSES], dlogits[3][ROWS * CLASSES];
    static int32_t labels[ROWS];
    struct lft *t = *state;
    int64_t correct[3];
    double loss[3];
    int32_t n;

    fill(logits, labels, ROWS, CLASSES);
    for (n = 0; n < 3; n++) {
        lfuse_context *ctx = lft_context(t, n + 1, LFUSE_ISA_BEST);
        lfuse_cross_entropy_args a =
            arguments(logits, labels, ROWS, CLASSES, dlogits[n], &loss[n]);

        a.correct = &correct[n];
        lft_ok(t, lfuse_softmax_cross_entropy(ctx, &a, &t->err));
        lfuse_context_destroy(ctx);
        assert_memory_equal(dlogits[n], dlogits[0], sizeof(dlogits[0]));
        assert_true(loss[n] == loss[0] && correct[n] == correct[0]);
    }
}

static void no_byte_outside_is_touched(void **state)
{
    struct lft *t = *state;
    int64_t batch, classes;

    for (batch = 1; batch < 5; batch++) {
        for (classes = 1; classes < 20; classes++) {
            float *logits = lft_guard_end(batch * classes),
                  *dlogits = lft_guard_end(batch * classes);
            int32_t *labels = (int32_t *)(void *)lft_guard_end(batch);
            double loss;
            lfuse_cross_entropy_args a =
                arguments(logits, labels, batch, classes, dlogits, &loss);

            fill(logits, labels, batch, classes);
            lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
            lft_guard_free();
        }
    }
}

static void bad_arguments_are_named_and_nothing_is_written(void **state)
{
    float logits[6] = {0.0f}, dlogits[6] = {7.0f, 7.0f, 7.0f, 7.0f, 7.0f, 7.0f};
    int32_t labels[2] = {0, 2}, wrong[2] = {0, 3}, negative[2] = {-1, 0};
    double loss = 7.0;
    int64_t correct = 7, i;
    lfuse_cross_entropy_args good = arguments(logits, labels, 2, 3, dlogits, &loss), a;
    struct lft *t = *state;

    good.correct = &correct;
#define BAD(field, value, code, text)                                                    \
    do {                                                                                 \
        a = good;                                                                        \
        a.field = (value);                                                               \
        lft_fails(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err), LFUSE_ERR_##code, \
                  text);                                                                 \
    } while (0)
    BAD(logits, NULL, ARGUMENT, "logits is NULL");
    BAD(labels, NULL, ARGUMENT, "labels is NULL");
    BAD(loss, NULL, ARGUMENT, "loss is NULL");
    BAD(batch, 0, ARGUMENT, "batch is 0");
    BAD(classes, -1, ARGUMENT, "classes is -1");
    BAD(classes, INT64_MAX / 2, OVERFLOW, "do not fit");
    BAD(classes, INT64_MAX / 4, OVERFLOW, "do not fit");
    BAD(labels, wrong, ARGUMENT, "labels[1] is 3, not in [0, 3)");
    BAD(labels, negative, ARGUMENT, "labels[0] is -1");
    lft_fails(t, lfuse_softmax_cross_entropy(NULL, &good, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    lft_fails(t, lfuse_softmax_cross_entropy(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "args is NULL");
    for (i = 0; i < 6; i++)
        assert_true(dlogits[i] == 7.0f);
    assert_true(loss == 7.0 && correct == 7);
}

static void fields_of_a_later_version_are_refused_unless_zero(void **state)
{
    struct {
        lfuse_cross_entropy_args args;
        int64_t later;
    } newer;
    float logits[2] = {0.0f, 1.0f};
    int32_t label = 1;
    double loss;
    struct lft *t = *state;

    newer.args = arguments(logits, &label, 1, 2, NULL, &loss);
    newer.args.struct_size = sizeof(newer);
    newer.later = 0;
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &newer.args, &t->err));
    newer.later = 1;
    lft_fails(t, lfuse_softmax_cross_entropy(t->ctx, &newer.args, &t->err),
              LFUSE_ERR_UNSUPPORTED, "args");
}

static void float_control_is_left_alone(void **state)
{
    float logits[6 * 4];
    int32_t labels[6];
    double loss;
    lfuse_cross_entropy_args a = arguments(logits, labels, 6, 4, logits, &loss);
    struct lft *t = *state;
    uint32_t before = lft_float_control();

    fill(logits, labels, 6, 4);
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    assert_int_equal(lft_float_control(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_small_batch_is_pytorchs),
        lft_test(equal_logits_cost_ln_classes_at_any_height),
        lft_test(the_gradient_of_each_row_sums_to_zero),
        lft_test(the_gradient_is_the_slope_of_the_loss),
        lft_test(the_gradient_may_replace_the_logits),
        lft_test(correct_counts_the_first_greatest_and_never_nan),
        lft_test(threads_change_no_bit),
        lft_test(no_byte_outside_is_touched),
        lft_test(bad_arguments_are_named_and_nothing_is_written),
        lft_test(fields_of_a_later_version_are_refused_unless_zero),
        lft_test(float_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("loss", tests, NULL, NULL);
}
