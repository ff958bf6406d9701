/* test_gpt_file.c - the GPT of the examples, from and to files */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <unistd.h>

#include "small_gpt.h"

static void check_same(struct fixture *f, const lfuse_parameter *p, void *user)
{
    lfuse_checkpoint *file = user;
    char name[96];
    int64_t index;

    snprintf(name, sizeof(name), "%s.%s", p->layer, p->name);
    index = lfuse_checkpoint_find(file, name);
    assert_true(index >= 0);
    if (lfuse_tensor_rank(p->value) == 2 && name[0] == 'h') { /* as GPT-2's are */
        const lfuse_tensor *t = lfuse_checkpoint_tensor(file, index);
        const float *there = lfuse_tensor_data(t), *here = tensors_data(p->value);
        const int64_t out = lfuse_tensor_dim(p->value, 0),
                      in = lfuse_tensor_dim(p->value, 1);
        int64_t i;

        assert_int_equal(lfuse_tensor_dim(t, 0), in);
        for (i = 0; i < in * out; i++)
            assert_true(there[i] == here[i % out * in + i / out]);
    }
    (void)f;
}

static void a_file_brings_every_tensor_back_under_gpt2_names(void **state)
{
    struct fixture *f = *state;
    lfuse_checkpoint *file;
    struct gpt *other;
    double loss;

    small_randomise(f);
    loss = small_loss(f, f->net, GPT_INFERENCE);
    ok(f, gpt_save(f->net, f->path, &f->err));
    ok(f, lfuse_checkpoint_open(f->ctx, f->path, NULL, &file, &f->err));
    assert_int_equal(lfuse_checkpoint_count(file), 2 + 3 * 12 + 2);
    small_each_parameter(f, f->net, check_same, file);
    lfuse_checkpoint_close(file);
    ok(f, gpt_open(f->ctx, f->path, 0, BATCH, TOKENS, GPT_INFERENCE, &other, &f->err));
    assert_memory_equal(&other->shape, &small_shape, sizeof(small_shape));
    assert_true(small_loss(f, other, GPT_INFERENCE) == loss);
    assert_int_equal(gpt_forward(other, f->ids, BATCH, TOKENS, GPT_TRAINING, &f->err),
                     LFUSE_ERR_ARGUMENT);
    gpt_destroy(other);
    ok(f, gpt_set_unit(f->net, GPT_UNIT_BLOCK, &f->err)); /* names are the same */
    assert_int_equal(f->net->layer_count, 2 + 3 + 1);
    ok(f, gpt_save(f->net, f->path, &f->err));
    ok(f, gpt_open(f->ctx, f->path, 0, BATCH, TOKENS, GPT_INFERENCE, &other, &f->err));
    assert_true(small_loss(f, other, GPT_INFERENCE) == loss);
    gpt_destroy(other);
}

/* Writes the network's file again, without one tensor, or with another in its place. */
static void rewrite(struct fixture *f, const char *without, const char *name,
                    const lfuse_tensor *other, const char *prefix)
{
    static char names[64][96];
    lfuse_checkpoint_entry entries[64];
    lfuse_checkpoint *file;
    int64_t count = 0, i;

    unlink(f->path);
    ok(f, gpt_save(f->net, f->path, &f->err));
    ok(f, lfuse_checkpoint_open(f->ctx, f->path, NULL, &file, &f->err));
    for (i = 0; i < lfuse_checkpoint_count(file); i++) {
        if (without != NULL && strcmp(lfuse_checkpoint_name(file, i), without) == 0)
            continue;
        snprintf(names[count], sizeof(names[0]), "%s%s", prefix,
                 lfuse_checkpoint_name(file, i));
        entries[count] = (lfuse_checkpoint_entry){names[count],
                                                  lfuse_checkpoint_tensor(file, i), NULL};
        count++;
    }
    if (name != NULL)
        entries[count++] = (lfuse_checkpoint_entry){name, other, NULL};
    ok(f, lfuse_checkpoint_save(f->ctx, f->path, entries, count, NULL, &f->err));
    lfuse_checkpoint_close(file);
}

static void check_refused(struct fixture *f, lfuse_status expected, const char *text)
{
    struct gpt *net = f->net;
    char whole[256];

    snprintf(whole, sizeof(whole), "%s%s", f->path, text);
    assert_int_equal(
        gpt_open(f->ctx, f->path, 2, BATCH, TOKENS, GPT_INFERENCE, &net, &f->err),
        expected);
    assert_null(net);
    assert_string_equal(f->err.message, whole);
}

static void missing_extra_and_transposed_tensors_are_named(void **state)
{
    struct fixture *f = *state;
    const lfuse_tensor *wide = f->net->blocks[0].widen.weight.value;     /* 64x16 */
    const lfuse_tensor *square = f->net->blocks[0].project.weight.value; /* 16x16 */

    rewrite(f, "wpe.weight", NULL, NULL, "");
    check_refused(f, LFUSE_ERR_NAME, " holds no wpe.weight, expected (positions, width)");
    rewrite(f, "h.1.mlp.c_fc.weight", NULL, NULL, "");
    check_refused(f, LFUSE_ERR_NAME, " holds no h.1.mlp.c_fc.weight, expected 16x64");
    rewrite(f, "h.1.mlp.c_fc.weight", "h.1.mlp.c_fc.weight", wide, "");
    check_refused(f, LFUSE_ERR_SHAPE,
                  ": h.1.mlp.c_fc.weight is 64x16, expected 16x64: it is transposed");
    rewrite(f, "h.1.mlp.c_fc.weight", "h.1.mlp.c_fc.weight", square, "");
    check_refused(f, LFUSE_ERR_SHAPE, ": h.1.mlp.c_fc.weight is 16x16, expected 16x64");
    rewrite(f, NULL, "h.0.attn.rotary", square, "");
    check_refused(f, LFUSE_ERR_NAME,
                  " holds h.0.attn.rotary, which is none of the 40 tensors expected");
    rewrite(f, "h.0.ln_1.weight", NULL, NULL, "");
    check_refused(f, LFUSE_ERR_NAME, " holds 0 blocks h.*.ln_1.weight, not 1 to 96");
}

/* As files of others are: with a prefix, causal masks, and the head once more. */
static void masks_heads_and_prefixes_are_passed_over(void **state)
{
    struct fixture *f = *state;
    struct gpt *other;
    double loss;

    small_randomise(f);
    loss = small_loss(f, f->net, GPT_INFERENCE);
    rewrite(f, NULL, "lm_head.weight", f->net->wte.value, "transformer.");
    ok(f, gpt_open(f->ctx, f->path, 2, BATCH, TOKENS, GPT_INFERENCE, &other, &f->err));
    assert_true(small_loss(f, other, GPT_INFERENCE) == loss);
    gpt_destroy(other);
    rewrite(f, NULL, "transformer.h.2.attn.bias", f->net->blocks[0].project.weight.value,
            "transformer.");
    ok(f, gpt_open(f->ctx, f->path, 2, BATCH, TOKENS, GPT_INFERENCE, &other, &f->err));
    gpt_destroy(other);
}

/*
 * Read back, the weight is the sum: products of 16 and 3 terms added in another order, through three
 * blocks, on a loss of a few nats.
 */
static void a_file_adds_residuals_to_their_weights(void **state)
{
    struct fixture *f = *state;
    lfuse_checkpoint *file;
    struct gpt *other;
    double loss, plain;

    small_randomise(f);
    plain = small_loss(f, f->net, GPT_INFERENCE);
    small_add_residual(f, 4);
    loss = small_loss(f, f->net, GPT_INFERENCE);
    assert_true(fabs(loss - plain) > 1e-3);
    ok(f, gpt_save(f->net, f->path, &f->err));
    ok(f, lfuse_checkpoint_open(f->ctx, f->path, NULL, &file, &f->err));
    assert_non_null(lfuse_checkpoint_metadata(file, "layerfuse.residuals"));
    lfuse_checkpoint_close(file);
    ok(f, gpt_open(f->ctx, f->path, 0, BATCH, TOKENS, GPT_INFERENCE, &other, &f->err));
    assert_true(fabs(small_loss(f, other, GPT_INFERENCE) - loss) < 1e-5 * loss);
    gpt_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        small_test(a_file_brings_every_tensor_back_under_gpt2_names),
        small_test(missing_extra_and_transposed_tensors_are_named),
        small_test(masks_heads_and_prefixes_are_passed_over),
        small_test(a_file_adds_residuals_to_their_weights),
    };

    return cmocka_run_group_tests_name("gpt_file", tests, NULL, NULL);
}
