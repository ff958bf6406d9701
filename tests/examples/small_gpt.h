/* small_gpt.h - a GPT small enough for tests, random, with ids to give it */
#ifndef TESTS_EXAMPLES_SMALL_GPT_H
#define TESTS_EXAMPLES_SMALL_GPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "models/gpt.h"

enum { BATCH = 2, TOKENS = 9, ROWS = BATCH * TOKENS, VOCABULARY = 23 };

/* Three blocks, 16 wide, two heads, 12 positions. */
extern const struct gpt_shape small_shape;

struct fixture {
    lfuse_context *ctx;
    struct gpt *net; /* for training, as it begins */
    lfuse_error err;
    char path[64];
    int32_t ids[ROWS], labels[ROWS];
};

#define ok(f, call)                                      \
    do {                                                 \
        if ((call) != LFUSE_OK)                          \
            fail_msg("%s: %s", #call, (f)->err.message); \
    } while (0)

int small_setup(void **state);
int small_teardown(void **state);

/* Calls each(f, parameter, user) for every one there is. */
void small_each_parameter(struct fixture *f, const struct gpt *net,
                          void (*each)(struct fixture *, const lfuse_parameter *, void *),
                          void *user);

/* Far from the beginning of training, so that nothing is almost 0. */
void small_randomise(struct fixture *f);

double small_loss(struct fixture *f, struct gpt *net, enum gpt_mode mode);

/* The matrix of layer 4 + 6 i gets a residual of rank 3: what the attention of block i adds. */
void small_add_residual(struct fixture *f, int64_t layer);

#define small_test(test) \
    cmocka_unit_test_setup_teardown(test, small_setup, small_teardown)

#endif
