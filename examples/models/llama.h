/*
 * llama.h - a Llama of any size, out of the library's kernels, for inference
 *
 * Touvron et al. 2023, arXiv:2302.13971, sec. 2.2, with grouped queries (Ainslie et al. 2023,
 * arXiv:2305.13245), as llama2.c lays it out: embeddings, then blocks of
 *
 *     x += wo(attention(wq(n), wk(n), wv(n)))        n = norm(x); queries and keys are rotated
 *     x += w2(silu(w1(n)) * w3(n))                   n = norm(x)
 *
 * then norm, and logits by the embeddings once more or by an output of its own. Norms are RMS
 * norms; rotations are of elements side by side. Weights are (out, in).
 *
 * All memory is taken at creation. Every struct is open, because this file is there to be read.
 */
#ifndef EXAMPLES_LLAMA_H
#define EXAMPLES_LLAMA_H

#include "models/tensors.h"

enum { LLAMA_MAX_BLOCKS = 128 };

struct llama_shape {
    int64_t blocks;
    int64_t width;
    int64_t hidden; /* of the gated part */
    int64_t heads, kv_heads;
    int64_t positions;
    int64_t vocabulary;
    double epsilon, base; /* of norms; of rotations */
    int has_output;       /* else the embeddings are it */
};

struct llama_block {
    struct weights attention_norm, wq, wk, wv, wo;
    struct weights ffn_norm, w1, w2, w3;
    lfuse_tensor *keys, *values; /* (positions, kv_heads * head): the cache */
};

struct llama {
    lfuse_context *ctx;
    struct llama_shape shape;
    int64_t tokens; /* the most at a time */
    struct weights embedding, norm, output;
    struct llama_block *blocks; /* (shape.blocks) */
    lfuse_layer **layers;       /* what layerfuse works on */
    int64_t layer_count;
    lfuse_tensor *stream, *branch, *normed, *queries, *attended; /* (tokens, width) */
    lfuse_tensor *gate, *up;                                     /* (tokens, hidden) */
    lfuse_tensor *logits;                                        /* (vocabulary) */
    int64_t position, count;                                     /* of the latest call */
    struct tensors tensors;
};

/* Zeros, for up to `tokens` tokens at a time. Release with llama_destroy(). */
lfuse_status llama_create(lfuse_context *ctx, const struct llama_shape *shape,
                          int64_t tokens, struct llama **net, lfuse_error *err);
void llama_destroy(struct llama *net);

/*
 * The network a safetensors file holds, under llama2.c's names. What is not in the shapes its
 * metadata say: n_heads, max_seq_len, norm_eps, rope_theta; else 64 to a head, 2048, 1e-5,
 * 10000. Errors as of gpt_open().
 */
lfuse_status llama_open(lfuse_context *ctx, const char *path, int64_t tokens,
                        struct llama **net, lfuse_error *err);

/* Hidden units and groups of heads of every block, by the library's preset. */
lfuse_status llama_couple(const struct llama *net, lfuse_couplings *couplings,
                          lfuse_error *err);

/*
 * One sequence goes on: count tokens at `position` and after it. Those before it have been given
 * before, their keys and values are in the cache. Logits of what comes next are left in
 * net->logits.
 */
lfuse_status llama_decode(struct llama *net, const int32_t *ids, int64_t count,
                          int64_t position, lfuse_error *err);

#endif
