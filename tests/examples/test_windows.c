/* test_windows.c - texts of the examples in windows: every label where it belongs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "data/windows.h"

enum { COUNT = 103, TOKENS = 8 };

static const int32_t *numbers(void)
{
    static int32_t ids[COUNT];
    int i;

    for (i = 0; i < COUNT; i++)
        ids[i] = i;
    return ids;
}

/* How often each id was a label that counts; every label is the id after its own. */
static void count_labels(int64_t stride, int64_t epoch, int *times)
{
    struct windows *w;
    struct window_batch batch;
    int64_t i, k, labelled;
    lfuse_error err;

    memset(times, 0, COUNT * sizeof(*times));
    assert_int_equal(windows_create(numbers(), COUNT, TOKENS, 3, stride, 1, &w, &err),
                     LFUSE_OK);
    for (i = 0; i < windows_count(w); i++) {
        windows_at(w, epoch, i, &batch);
        for (labelled = 0, k = 0; k < 3 * TOKENS; k++)
            if (batch.labels[k] >= 0) {
                assert_int_equal(batch.labels[k], batch.ids[k] + 1);
                times[batch.labels[k]]++;
                labelled++;
            }
        assert_int_equal(labelled, batch.labelled);
    }
    windows_destroy(w);
}

static void scoring_counts_every_id_but_the_first_once(void **state)
{
    int times[COUNT], stride, i;

    (void)state;
    for (stride = 1; stride <= TOKENS; stride++) {
        count_labels(stride, 0, times);
        assert_int_equal(times[0], 0);
        for (i = 1; i < COUNT; i++)
            assert_int_equal(times[i], 1);
    }
}

/* 11 windows wherever they begin, 9 of them in 3 batches. */
static void training_takes_other_windows_in_each_epoch(void **state)
{
    int first[COUNT], second[COUNT], again[COUNT], sum = 0, i;

    (void)state;
    count_labels(0, 0, first);
    count_labels(0, 1, second);
    count_labels(0, 0, again);
    assert_memory_equal(first, again, sizeof(first));
    assert_memory_not_equal(first, second, sizeof(first));
    for (i = 0; i < COUNT; i++) {
        assert_true(first[i] <= 1);
        sum += first[i];
    }
    assert_int_equal(sum, 9 * TOKENS);
}

static void windows_of_a_text_that_is_too_short_are_refused(void **state)
{
    struct windows *w;
    lfuse_error err;

    (void)state;
    assert_int_equal(windows_create(numbers(), 15, 8, 1, 0, 0, &w, &err),
                     LFUSE_ERR_ARGUMENT);
    assert_null(w);
    assert_string_equal(err.message,
                        "a text of 15 ids is too short: windows of 8 need 16");
    assert_int_equal(windows_create(numbers(), 16, 8, 1, 9, 0, &w, &err),
                     LFUSE_ERR_ARGUMENT);
    assert_int_equal(windows_create(numbers(), 2, 8, 1, 8, 0, &w, &err), LFUSE_OK);
    windows_destroy(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scoring_counts_every_id_but_the_first_once),
        cmocka_unit_test(training_takes_other_windows_in_each_epoch),
        cmocka_unit_test(windows_of_a_text_that_is_too_short_are_refused),
    };

    return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}
