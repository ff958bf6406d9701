/* test_train.c - the learning rate, and which images decide */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "data/images.h"
#include "train.h"

/* Half a cosine: half the rate in the middle, and 1 - cos(x) = x^2 / 2 at the ends. */
static void the_rate_falls_along_half_a_cosine(void **state)
{
    const struct training t = {.learning_rate = 0.5, .epochs = 4};
    const double step = acos(-1.0) / 400.0;

    (void)state;
    assert_true(train_rate(&t, 0, 100) == 0.5);
    assert_true(fabs(train_rate(&t, 200, 100) - 0.25) < 1e-15);
    assert_true(fabs(train_rate(&t, 1, 100) - 0.5 * (1.0 - step * step / 4.0)) < 1e-9);
    assert_true(fabs(train_rate(&t, 399, 100) - 0.125 * step * step) < 1e-9);
}

/* From rate / steps along a line to the rate itself, where the cosine of the rest begins. */
static void warming_up_comes_before_it(void **state)
{
    const struct training t = {.learning_rate = 0.5, .epochs = 4, .warm_up = 2};
    int64_t i;

    (void)state;
    for (i = 0; i < 200; i++)
        assert_true(fabs(train_rate(&t, i, 100) - 0.5 * (double)(i + 1) / 200.0) < 1e-15);
    assert_true(train_rate(&t, 200, 100) == 0.5);
    assert_true(fabs(train_rate(&t, 300, 100) - 0.25) < 1e-15);
}

static void images_held_out_are_the_last_and_no_longer_train(void **state)
{
    struct image_sets sets, all;
    lfuse_error err;

    (void)state;
    assert_int_equal(image_sets_open("shapes", 20, &all, &err), LFUSE_OK);
    assert_int_equal(image_sets_open("shapes", 20, &sets, &err), LFUSE_OK);
    assert_int_equal(image_sets_hold_out(&sets, 7, &err), LFUSE_OK);
    assert_int_equal(sets.train.count, 13);
    assert_int_equal(sets.held.count, 7);
    assert_int_equal(sets.test.count, 20);
    assert_memory_equal(sets.train.pixels, all.train.pixels, 13 * IMAGE_BYTES);
    assert_memory_equal(sets.held.pixels, all.train.pixels + 13 * IMAGE_BYTES,
                        7 * IMAGE_BYTES);
    assert_memory_equal(sets.held.labels, all.train.labels + 13, 7);
    assert_int_equal(image_sets_hold_out(&sets, 13, &err), LFUSE_ERR_ARGUMENT);
    assert_string_equal(err.message, "13 images cannot be held out of 13");
    assert_int_equal(sets.train.count, 13);
    image_sets_free(&sets);
    image_sets_free(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_falls_along_half_a_cosine),
        cmocka_unit_test(warming_up_comes_before_it),
        cmocka_unit_test(images_held_out_are_the_last_and_no_longer_train),
    };

    return cmocka_run_group_tests_name("train", tests, NULL, NULL);
}
