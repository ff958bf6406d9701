/*
 * gpt.h - GPT-2 of any size, out of the library's kernels
 *
 * Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", sec. 2.3:
 * embeddings of tokens and of positions, then blocks of
 *
 *     x += c_proj(attention(c_attn(ln_1(x))))        causal, over `heads` parts of the width
 *     x += c_proj(gelu(c_fc(ln_2(x))))               4 times as wide inside
 *
 * then ln_f, and logits by the tokens' embeddings once more. Training drops elements of the sum
 * of embeddings and of what each of the two adds.
 *
 * Weights lie in memory as (out, in); in files as GPT-2's are, (in, out), under its names. All
 * memory is taken at creation: a step allocates nothing here. Every struct is open, because this
 * file is there to be read; change weights as you like, the rest is the network's.
 */
#ifndef EXAMPLES_GPT_H
#define EXAMPLES_GPT_H

#include "models/tensors.h"

enum { GPT_MAX_BLOCKS = 96 };

enum gpt_mode {
    GPT_INFERENCE = 0, /* nothing is kept, nothing dropped */
    GPT_TRAINING = 1   /* everything is kept for backward */
};

/* What layers consist of: only those of one unit fuse. */
enum gpt_unit {
    GPT_UNIT_MATRIX = 0, /* each matrix is a layer, with its bias */
    GPT_UNIT_BLOCK = 1   /* each block is one, with its four matrices */
};

struct gpt_shape {
    int64_t blocks;
    int64_t width; /* of the residual stream */
    int64_t heads; /* divide the width */
    int64_t positions;
    int64_t vocabulary;
};

struct gpt_linear {
    struct weights weight; /* (out, in) */
    struct weights bias;   /* (out) */
    struct weights up;     /* (out, rank): a residual, up down, is added to the weight, */
    struct weights down;   /* (rank, in); both NULL: none */
};

struct gpt_norm {
    struct weights scale, shift;
    lfuse_tensor *mean, *inverse; /* (rows): of the latest forward pass */
};

/* Rows are tokens of all sequences; all but the weights are of the latest forward pass. */
struct gpt_block {
    struct gpt_norm ln_1, ln_2;
    struct gpt_linear attend,
        project;                     /* attn.c_attn: queries, keys, values; attn.c_proj */
    struct gpt_linear widen, narrow; /* mlp.c_fc, mlp.c_proj */
    int is_dropped;                  /* left out: adds nothing */
    lfuse_tensor *in, *middle;       /* (rows, width): the residual stream */
    lfuse_tensor *in_normed, *middle_normed;
    lfuse_tensor *qkv;        /* (rows, 3 width) */
    lfuse_tensor *attended;   /* (rows, width) */
    lfuse_tensor *statistics; /* (sequences, heads, tokens) */
    lfuse_tensor *wide;       /* (rows, 4 width): before GELU, */
    lfuse_tensor *activated;  /* and after */
    lfuse_tensor *cache;      /* (positions, 2 width): keys and values of gpt_decode() */
};

/* What the latest forward pass was of. */
struct gpt_pass {
    const int32_t *ids; /* (batch, tokens) */
    int64_t batch, tokens, position;
    int trains, is_cached;
};

struct gpt {
    lfuse_context *ctx;
    struct gpt_shape shape;
    int64_t batch, tokens; /* the most sequences, and the most tokens of each */
    enum gpt_mode mode;
    enum gpt_unit unit;
    double dropout;           /* probability, of training; 0: none */
    uint64_t seed, step;      /* what is dropped depends on both: count the steps */
    struct weights wte, wpe;  /* (vocabulary, width), (positions, width) */
    struct gpt_block *blocks; /* (shape.blocks) */
    struct gpt_norm ln_f;
    lfuse_layer **layers; /* what layerfuse works on */
    int64_t layer_count;

    lfuse_tensor *embedded, *branch, *last, *features; /* (rows, width) */
    lfuse_tensor *logits;                              /* (vocabulary): of gpt_decode() */
    lfuse_tensor *gradient, *dnormed, *dbranch; /* (rows, width); and, of one block: */
    lfuse_tensor *dqkv, *dwide;
    lfuse_tensor *answers;   /* logits, of gpt_distil() */
    lfuse_tensor *workspace; /* of any kernel */
    struct gpt_pass pass;
    struct tensors tensors;
};

/*
 * A network for up to `batch` sequences of up to `tokens` tokens: scales 1, all else 0. One made
 * for GPT_INFERENCE has no gradients and cannot train. Release with gpt_destroy(), once what was
 * built over its layers is gone.
 */
lfuse_status gpt_create(lfuse_context *ctx, const struct gpt_shape *shape, int64_t batch,
                        int64_t tokens, enum gpt_mode mode, struct gpt **net,
                        lfuse_error *err);
void gpt_destroy(struct gpt *net);

/* "GPT of 6 blocks, 256 wide". */
struct gpt_name {
    char text[64];
};
struct gpt_name gpt_name(const struct gpt *net);

/*
 * Random weights as GPT-2 begins: normal, of deviation 0.02, of what goes into the residual
 * stream less by the root of the 2 * blocks that do; biases 0.
 */
void gpt_initialise(struct gpt *net, uint64_t seed);

/* net->layers are made anew, of this unit; nothing may be built over them yet. */
lfuse_status gpt_set_unit(struct gpt *net, enum gpt_unit unit, lfuse_error *err);

/*
 * The weight of a layer becomes what it is plus a product of its own, a b: see
 * lfuse_residual_fit(), whose a and b these are, copied. They are parameters "up" and "down" of
 * the layer from then on. weight: its index among the weights of the layer.
 */
lfuse_status gpt_add_residual(struct gpt *net, int64_t layer, int32_t weight,
                              const lfuse_tensor *a, const lfuse_tensor *b,
                              lfuse_error *err);

/* The factors of all residuals, up to 8 for each block; how many there are. */
int64_t gpt_residuals(const struct gpt *net, const struct weights **factors);

/* Hidden units and heads of every block, by the library's preset. */
lfuse_status gpt_couple(const struct gpt *net, lfuse_couplings *couplings,
                        lfuse_error *err);

/*
 * The network a safetensors file holds, under GPT-2's names, with "transformer." before them or
 * without. heads 0: what its metadata "n_head" says, else one for each 64 of the width. Masks
 * and a lm_head.weight, which is wte.weight, are passed over. Files with aliases load alike.
 * tokens 0: as many as there are positions.
 *
 * LFUSE_ERR_NAME: a tensor is missing, or one too many; LFUSE_ERR_SHAPE: one has another shape,
 * or is transposed. Either says which, and what was expected.
 */
lfuse_status gpt_open(lfuse_context *ctx, const char *path, int64_t heads, int64_t batch,
                      int64_t tokens, enum gpt_mode mode, struct gpt **net,
                      lfuse_error *err);

/*
 * Writes such a file. Layers that share memory are stored once, residuals as their factors;
 * opened, weights have theirs added.
 */
lfuse_status gpt_save(const struct gpt *net, const char *path, lfuse_error *err);

/*
 * ids is (batch, tokens), borrowed until backward. What the blocks make of them is left in
 * net->features. LFUSE_ERR_ARGUMENT: an id that there is not, or more sequences or tokens than
 * the network was made for.
 */
lfuse_status gpt_forward(struct gpt *net, const int32_t *ids, int64_t batch,
                         int64_t tokens, enum gpt_mode mode, lfuse_error *err);

/*
 * Mean cross-entropy of the latest forward pass, in nats; labels as ids, -1 where none counts.
 * After one for training the gradient is left for gpt_backward().
 */
lfuse_status gpt_loss(struct gpt *net, const int32_t *labels, double *loss,
                      lfuse_error *err);

/*
 * The same, with a teacher's answers, whose latest forward pass was of the same ids: see
 * lfuse_distillation_args for temperature and weight. All labels count.
 */
lfuse_status gpt_distil(struct gpt *net, const struct gpt *teacher, double temperature,
                        double weight, const int32_t *labels, double *loss,
                        lfuse_error *err);

/* Gradients of all weights, after a forward pass for training and its loss. */
lfuse_status gpt_backward(struct gpt *net, lfuse_error *err);

/*
 * One sequence goes on: count tokens at `position` and after it. Those before it have been given
 * before, their keys and values are in the cache. Logits of what comes next are left in
 * net->logits.
 */
lfuse_status gpt_decode(struct gpt *net, const int32_t *ids, int64_t count,
                        int64_t position, lfuse_error *err);

/* Logits of rows [first, first + count) of the latest forward pass: (count, vocabulary). */
lfuse_status gpt_logits(const struct gpt *net, int64_t first, int64_t count,
                        float *logits, lfuse_error *err);

#endif
