/* test_llama.c - a trained Llama gives the answers that it is published with */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lm.h"
#include "models/llama.h"

enum { VOCABULARY = 512, LENGTH = 257 /* ids, the first of which begins */ };

#define WEIGHTS TEXT_DATA "/weights/stories260K.safetensors"

struct fixture {
    lfuse_context *ctx;
    struct llama *net;
    lfuse_error err;
    uint16_t greedy[LENGTH];
    float logits[VOCABULARY]; /* after the first id */
    char path[64];
};

#define ok(f, call)                                      \
    do {                                                 \
        if ((call) != LFUSE_OK)                          \
            fail_msg("%s: %s", #call, (f)->err.message); \
    } while (0)

static int read_all(const char *path, void *to, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    size_t got;

    if (file == NULL)
        return -1;
    got = fread(to, 1, bytes, file);
    fclose(file);
    return got == bytes ? 0 : -1;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || lfuse_context_create(NULL, &f->ctx, &f->err) != LFUSE_OK)
        return -1;
    snprintf(f->path, sizeof(f->path), "/tmp/layerfuse-llama-%d.safetensors",
             (int)getpid());
    *state = f;
    if (access(WEIGHTS, R_OK) != 0)
        return 0; /* then there is nothing to check */
    if (read_all(TEXT_DATA "/weights/stories260K-greedy.u16", f->greedy,
                 sizeof(f->greedy)) != 0 ||
        read_all(TEXT_DATA "/weights/stories260K-logits0.f32", f->logits,
                 sizeof(f->logits)) != 0)
        return -1;
    return llama_open(f->ctx, WEIGHTS, LENGTH, &f->net, &f->err);
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->path);
    llama_destroy(f->net);
    lfuse_context_destroy(f->ctx);
    free(f);
    return 0;
}

static void need(const struct fixture *f)
{
    if (f->net == NULL) {
        print_message("skipped: " WEIGHTS " is not there\n");
        skip();
    }
}

static void decode(struct fixture *f, const uint16_t *ids, int64_t count,
                   int64_t position)
{
    int32_t given[LENGTH];
    int64_t i;

    for (i = 0; i < count; i++)
        given[i] = ids[i];
    ok(f, llama_decode(f->net, given, count, position, &f->err));
}

/* The reference was computed in f32, too, and is given to 1e-4 for logits up to 17. */
static void logits_after_the_first_id_are_the_published_ones(void **state)
{
    struct fixture *f = *state;
    int i;

    need(f);
    decode(f, f->greedy, 1, 0);
    for (i = 0; i < VOCABULARY; i++)
        assert_true(fabs(tensors_data(f->net->logits)[i] - f->logits[i]) < 1e-4);
}

static void greedy_decoding_writes_the_published_story(void **state)
{
    struct fixture *f = *state;
    uint16_t id = 1;
    int i;

    need(f);
    assert_int_equal(f->greedy[0], id);
    for (i = 0; i + 1 < LENGTH; i++) {
        decode(f, &id, 1, i);
        id = (uint16_t)lm_choose(tensors_data(f->net->logits), VOCABULARY, 0.0, 0, 0);
        assert_int_equal(id, f->greedy[i + 1]);
    }
}

/*
 * All at once, or in parts of any length, keys and values are the same. Attention adds its 256 terms in
 * another order: 5 blocks of sums off by sqrt(256) eps, on logits of size 10, stay below 5 * 16 * 2^-24
 * * 10 * 8 for the gain of the norms.
 */
static void parts_of_any_length_give_the_same_logits(void **state)
{
    float one[VOCABULARY];
    struct fixture *f = *state;
    int i;

    need(f);
    for (i = 0; i < 200; i++)
        decode(f, f->greedy + i, 1, i);
    memcpy(one, tensors_data(f->net->logits), sizeof(one));
    decode(f, f->greedy, 200, 0);
    for (i = 0; i < VOCABULARY; i++)
        assert_true(fabs(tensors_data(f->net->logits)[i] - one[i]) < 4e-4);
    decode(f, f->greedy, 120, 0);
    decode(f, f->greedy + 120, 79, 120);
    decode(f, f->greedy + 199, 1, 199);
    for (i = 0; i < VOCABULARY; i++)
        assert_true(fabs(tensors_data(f->net->logits)[i] - one[i]) < 4e-4);
}

/* Heads of a group and hidden units in another order: see above for the bound. */
static void couplings_keep_what_it_computes(void **state)
{
    struct fixture *f = *state;
    lfuse_couplings *c;
    int64_t order[172], units, space, i;

    need(f);
    ok(f, lfuse_couplings_create(f->ctx, &c, &f->err));
    ok(f, llama_couple(f->net, c, &f->err));
    assert_int_equal(lfuse_couplings_space_count(c), 10);
    for (space = 0; space < 10; space++) {
        ok(f, lfuse_couplings_units(c, (const lfuse_layer *const *)f->net->layers,
                                    f->net->layer_count, space, &units, &f->err));
        assert_true(units == 4 || units == 172);
        for (i = 0; i < units; i++)
            order[i] = (i + 1) % units;
        ok(f, lfuse_couplings_permute(c, f->net->layers, f->net->layer_count, space,
                                      order, &f->err));
    }
    lfuse_couplings_destroy(c);
    decode(f, f->greedy, 1, 0);
    for (i = 0; i < VOCABULARY; i++)
        assert_true(fabs(tensors_data(f->net->logits)[i] - f->logits[i]) < 4e-4);
}

/* ---- bad input ------------------------------------------------------------------------------------ */

static void ids_and_positions_out_of_range_are_named(void **state)
{
    static const struct llama_shape shape = {.blocks = 1,
                                             .width = 8,
                                             .hidden = 8,
                                             .heads = 2,
                                             .kv_heads = 1,
                                             .positions = 4,
                                             .vocabulary = 3};
    struct llama_shape wrong = shape;
    struct fixture *f = *state;
    const int32_t ids[2] = {1, 3};
    struct llama *net;

    ok(f, llama_create(f->ctx, &shape, 3, &net, &f->err));
    assert_int_equal(llama_decode(net, ids, 2, 0, &f->err), LFUSE_ERR_ARGUMENT);
    assert_non_null(strstr(f->err.message, "3"));
    assert_int_equal(llama_decode(net, ids, 1, 4, &f->err), LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message, "1 tokens at position 4: there are 4 positions, "
                                        "and room for 3 tokens at a time");
    llama_destroy(net);
    wrong.kv_heads = 3;
    assert_int_equal(llama_create(f->ctx, &wrong, 3, &net, &f->err), LFUSE_ERR_ARGUMENT);
    assert_string_equal(f->err.message,
                        "2 heads do not divide a width of 8, or 3 key and "
                        "value heads not them");
    assert_null(net);
}

static void a_file_of_another_network_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    struct tensors t = {f->ctx, 0, NULL, 0, 0};
    lfuse_checkpoint_entry entry = {"tok_embeddings.weight", NULL, NULL};
    lfuse_tensor *tensor;
    struct llama *net;

    ok(f, tensors_matrix(&t, 3, 8, &tensor, &f->err));
    entry.tensor = tensor;
    ok(f, lfuse_checkpoint_save(f->ctx, f->path, &entry, 1, NULL, &f->err));
    assert_int_equal(llama_open(f->ctx, f->path, 3, &net, &f->err), LFUSE_ERR_NAME);
    assert_null(net);
    assert_non_null(strstr(f->err.message,
                           "holds no layers.0.attention.wk.weight, "
                           "expected (key and value heads * head, width)"));
    tensors_free(&t);
}

#define each(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        each(logits_after_the_first_id_are_the_published_ones),
        each(greedy_decoding_writes_the_published_story),
        each(parts_of_any_length_give_the_same_logits),
        each(couplings_keep_what_it_computes),
        each(ids_and_positions_out_of_range_are_named),
        each(a_file_of_another_network_is_refused_by_name),
    };

    return cmocka_run_group_tests_name("llama", tests, NULL, NULL);
}
