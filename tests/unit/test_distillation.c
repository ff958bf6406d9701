/* test_distillation.c - a teacher's answers and smoothed labels: mathematics, differences, errors */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { BATCH = 5, CLASSES = 7, COUNT = BATCH * CLASSES };

struct problem {
    float logits[COUNT], teacher[COUNT], dlogits[COUNT];
    int32_t labels[BATCH];
    double loss;
    int64_t correct;
    lfuse_distillation_args args;
};

static struct problem *problem(void)
{
    static struct problem p;
    int i;

    lft_fill(p.logits, COUNT, 1);
    lft_fill(p.teacher, COUNT, 2);
    for (i = 0; i < COUNT; i++) {
        p.logits[i] *= 4.0f;
        p.teacher[i] *= 4.0f;
        p.dlogits[i] = 7.0f;
    }
    for (i = 0; i < BATCH; i++)
        p.labels[i] = (int32_t)((i * 3) % CLASSES);
    p.loss = 7.0;
    p.correct = 7;
    lfuse_distillation_args_init(&p.args, sizeof(p.args));
    p.args.logits = p.logits;
    p.args.teacher = p.teacher;
    p.args.labels = p.labels;
    p.args.dlogits = p.dlogits;
    p.args.batch = BATCH;
    p.args.classes = CLASSES;
    p.args.temperature = 2.5;
    p.args.weight = 0.75;
    p.args.smoothing = 0.125;
    p.args.loss = &p.loss;
    p.args.correct = &p.correct;
    return &p;
}

/* ln softmax(x / t)_j, unshifted; the logit at `moved` of row i is `by` more than it is. */
static double ln_softmax(const float *x, int64_t j, double t, int64_t moved, double by)
{
    double sum = 0.0, at = 0.0;
    int64_t k;

    for (k = 0; k < CLASSES; k++) {
        double v = ((double)x[k] + (k == moved ? by : 0.0)) / t;

        sum += exp(v);
        at = k == j ? v : at;
    }
    return at - log(sum);
}

/* The entry's formula, term by term. */
static double loss_in_f64(const struct problem *p, int64_t moved, double by)
{
    const double t = p->args.temperature, w = p->args.weight, s = p->args.smoothing;
    double total = 0.0;
    int64_t i, j;

    for (i = 0; i < BATCH; i++)
        for (j = 0; j < CLASSES; j++) {
            const float *x = p->logits + i * CLASSES, *z = p->teacher + i * CLASSES;
            int64_t at = moved >= 0 && moved / CLASSES == i ? moved % CLASSES : -1;
            double target = (j == p->labels[i] ? 1.0 - s : 0.0) + s / CLASSES;
            double taught = ln_softmax(z, j, t, -1, 0.0);

            total -= (1.0 - w) * target * ln_softmax(x, j, 1.0, at, by);
            total += w * t * t * exp(taught) * (taught - ln_softmax(x, j, t, at, by));
        }
    return total / BATCH;
}

/*
 * Logits are in [-4, 4]: every term is below (8 + ln 7) t^2 = 64, and there are 2 * 35 of them
 * with a few roundings each. Central differences: h^2 / 6 times a third derivative, which is
 * below max(1, 1 / t) / BATCH, and 4 eps times the loss's terms over h.
 */
static void the_loss_is_the_formula_and_the_gradient_its_slope(void **state)
{
    const double h = 1e-5, rounding = 2.0 * COUNT * 64.0 * DBL_EPSILON;
    struct lft *t = *state;
    struct problem *p = problem();
    int64_t i;

    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    assert_true(fabs(p->loss - loss_in_f64(p, -1, 0.0)) <= rounding);
    for (i = 0; i < COUNT; i++) {
        double slope = (loss_in_f64(p, i, h) - loss_in_f64(p, i, -h)) / (2.0 * h);

        assert_true(fabs((double)p->dlogits[i] - slope) <=
                    h * h / 6.0 + rounding / h + FLT_EPSILON / 2.0);
    }
}

/* At T = 1 the cross entropy to the teacher's own distribution is K plus its entropy, so that
 * K is 0 for equal logits, and the gradient of the teacher's part is 0, at every T. */
static void who_knows_all_that_the_teacher_does_has_nothing_to_learn(void **state)
{
    const double temperatures[] = {0.25, 1.0, 4.0, 100.0};
    struct lft *t = *state;
    struct problem *p = problem();
    int k, i;

    p->args.teacher = p->logits;
    p->args.weight = 1.0;
    for (k = 0; k < 4; k++) {
        p->args.temperature = temperatures[k];
        lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
        assert_true(p->loss == 0.0);
        for (i = 0; i < COUNT; i++)
            assert_true(p->dlogits[i] == 0.0f);
    }
}

/*
 * Hinton et al. 2015, eq. 4: where T is large against the logits, the gradient is that of half
 * the squared difference of centred logits, (x_j - z_j) / classes. The next term of the series
 * is of the size of the logits squared over T.
 */
static void a_high_temperature_matches_logits(void **state)
{
    struct lft *t = *state;
    struct problem *p = problem();
    int64_t i, j;

    p->args.weight = 1.0;
    p->args.temperature = 1e4;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    for (i = 0; i < BATCH; i++) {
        double mean = 0.0;

        for (j = 0; j < CLASSES; j++)
            mean += ((double)p->logits[i * CLASSES + j] -
                     (double)p->teacher[i * CLASSES + j]) /
                    CLASSES;
        for (j = 0; j < CLASSES; j++) {
            double apart = (double)p->logits[i * CLASSES + j] -
                           (double)p->teacher[i * CLASSES + j] - mean;

            assert_true(fabs((double)p->dlogits[i * CLASSES + j] -
                             apart / CLASSES / BATCH) <= 4.0 * 4.0 * 4.0 / 1e4);
        }
    }
}

static void labels_alone_are_the_cross_entropy_to_the_bit(void **state)
{
    struct lft *t = *state;
    struct problem *p = problem();
    lfuse_cross_entropy_args a;
    float dlogits[COUNT];
    int64_t correct;
    double loss;

    lfuse_cross_entropy_args_init(&a, sizeof(a));
    a.logits = p->logits;
    a.labels = p->labels;
    a.dlogits = dlogits;
    a.batch = BATCH;
    a.classes = CLASSES;
    a.loss = &loss;
    a.correct = &correct;
    lft_ok(t, lfuse_softmax_cross_entropy(t->ctx, &a, &t->err));
    p->args.teacher = NULL;
    p->args.weight = -1.0;
    p->args.smoothing = 0.0;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    assert_memory_equal(p->dlogits, dlogits, sizeof(dlogits));
    assert_true(p->loss == loss && p->correct == correct);
}

static void zero_means_temperature_4_and_weight_nine_tenths(void **state)
{
    struct lft *t = *state;
    struct problem *p = problem();
    double by_default;

    p->args.temperature = p->args.weight = 0.0;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    by_default = p->loss;
    p->args.temperature = 4.0;
    p->args.weight = 0.9;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    assert_true(p->loss == by_default);
}

static void the_gradient_may_replace_either_logits(void **state)
{
    struct lft *t = *state;
    struct problem *p = problem();
    float expected[COUNT];

    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    memcpy(expected, p->dlogits, sizeof(expected));
    p->args.dlogits = p->teacher;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    assert_memory_equal(p->teacher, expected, sizeof(expected));
    p = problem();
    p->args.dlogits = p->logits;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    assert_memory_equal(p->logits, expected, sizeof(expected));
}

/* A teacher so sure that exp underflows: 0 ln 0 is 0. Anything NaN is told. */
static void sure_teachers_are_finite_and_nan_is_told(void **state)
{
    struct lft *t = *state;
    struct problem *p = problem();

    p->teacher[2] = 1e6f;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    assert_true(isfinite(p->loss));
    p->teacher[2] = NAN;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err));
    assert_true(isnan(p->loss) && isnan(p->dlogits[0]) && !isnan(p->dlogits[CLASSES]));
}

static void threads_change_no_bit(void **state)
{
    enum { ROWS = 1000 };
    static float logits[ROWS * CLASSES], teacher[ROWS * CLASSES],
        dlogits[3][ROWS * CLASSES];
    static int32_t labels[ROWS];
    struct lft *t = *state;
    struct problem *p = problem();
    double loss[3];
    int32_t n;

    lft_fill(logits, ROWS * CLASSES, 1);
    lft_fill(teacher, ROWS * CLASSES, 2);
    p->args.logits = logits;
    p->args.teacher = teacher;
    p->args.labels = labels;
    p->args.batch = ROWS;
    for (n = 0; n < 3; n++) {
        lfuse_context *ctx = lft_context(t, n + 1, LFUSE_ISA_BEST);

        p->args.dlogits = dlogits[n];
        p->args.loss = &loss[n];
        lft_ok(t, lfuse_softmax_distillation(ctx, &p->args, &t->err));
        lfuse_context_destroy(ctx);
        assert_memory_equal(dlogits[n], dlogits[0], sizeof(dlogits[0]));
        assert_true(loss[n] == loss[0]);
    }
}

static void bad_arguments_are_named_and_nothing_is_written(void **state)
{
    struct lft *t = *state;
    struct problem *p = problem();
    const lfuse_distillation_args good = p->args;
    const int32_t wrong[BATCH] = {0, 1, 7, 0, 0};
    int i;

#define BAD(field, value, code, text)                                       \
    do {                                                                    \
        p->args = good;                                                     \
        p->args.field = (value);                                            \
        lft_fails(t, lfuse_softmax_distillation(t->ctx, &p->args, &t->err), \
                  LFUSE_ERR_##code, text);                                  \
    } while (0)
    BAD(logits, NULL, ARGUMENT, "logits is NULL");
    BAD(teacher, NULL, ARGUMENT, "teacher is NULL");
    BAD(labels, NULL, ARGUMENT, "labels is NULL");
    BAD(loss, NULL, ARGUMENT, "loss is NULL");
    BAD(batch, 0, ARGUMENT, "batch is 0");
    BAD(classes, -1, ARGUMENT, "classes is -1");
    BAD(classes, INT64_MAX / 4, OVERFLOW, "do not fit");
    BAD(labels, wrong, ARGUMENT, "labels[2] is 7, not in [0, 7)");
    BAD(temperature, -1.0, ARGUMENT, "temperature is -1, not a positive number");
    BAD(temperature, (double)INFINITY, ARGUMENT, "temperature is inf");
    BAD(temperature, (double)NAN, ARGUMENT, "temperature is nan");
    BAD(weight, 1.5, ARGUMENT, "weight is 1.5, not in (0, 1]");
    BAD(weight, (double)NAN, ARGUMENT, "weight is nan");
    BAD(smoothing, 1.0, ARGUMENT, "smoothing is 1, not in [0, 1)");
    BAD(smoothing, -0.5, ARGUMENT, "smoothing is -0.5");
    BAD(smoothing, (double)NAN, ARGUMENT, "smoothing is nan");
    p->args = good;
    lft_fails(t, lfuse_softmax_distillation(NULL, &p->args, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    lft_fails(t, lfuse_softmax_distillation(t->ctx, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "args is NULL");
    for (i = 0; i < COUNT; i++)
        assert_true(p->dlogits[i] == 7.0f);
    assert_true(p->loss == 7.0 && p->correct == 7);
}

static void fields_of_a_later_version_are_refused_unless_zero(void **state)
{
    struct {
        lfuse_distillation_args args;
        int64_t later;
    } newer;
    struct lft *t = *state;

    newer.args = problem()->args;
    newer.args.struct_size = sizeof(newer);
    newer.later = 0;
    lft_ok(t, lfuse_softmax_distillation(t->ctx, &newer.args, &t->err));
    newer.later = 1;
    lft_fails(t, lfuse_softmax_distillation(t->ctx, &newer.args, &t->err),
              LFUSE_ERR_UNSUPPORTED, "args");
}

static void float_control_is_left_alone(void **state)
{
    struct lft *t = *state;
    uint32_t before = lft_float_control();

    lft_ok(t, lfuse_softmax_distillation(t->ctx, &problem()->args, &t->err));
    assert_int_equal(lft_float_control(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(the_loss_is_the_formula_and_the_gradient_its_slope),
        lft_test(who_knows_all_that_the_teacher_does_has_nothing_to_learn),
        lft_test(a_high_temperature_matches_logits),
        lft_test(labels_alone_are_the_cross_entropy_to_the_bit),
        lft_test(zero_means_temperature_4_and_weight_nine_tenths),
        lft_test(the_gradient_may_replace_either_logits),
        lft_test(sure_teachers_are_finite_and_nan_is_told),
        lft_test(threads_change_no_bit),
        lft_test(bad_arguments_are_named_and_nothing_is_written),
        lft_test(fields_of_a_later_version_are_refused_unless_zero),
        lft_test(float_control_is_left_alone),
    };

    return cmocka_run_group_tests_name("distillation", tests, NULL, NULL);
}
