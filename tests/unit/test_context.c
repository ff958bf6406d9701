/* test_context.c - options in, errors out, threads started and ended */
#include "lft.h"

#include <string.h>

static void defaults_are_serial_and_the_best_instruction_set(void **state)
{
    struct lft *t = *state;
    lfuse_context *ctx;

    lft_ok(t, lfuse_context_create(NULL, &ctx, &t->err));
    assert_int_equal(lfuse_context_threads(ctx), 1);
    assert_in_range(lfuse_context_isa(ctx), LFUSE_ISA_SCALAR, LFUSE_ISA_AVX512);
    lfuse_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(defaults_are_serial_and_the_best_instruction_set),
    };

    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
