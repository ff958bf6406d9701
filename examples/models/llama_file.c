/* llama_file.c - a network out of a safetensors file, and its layers; see llama.h */
#include <stdio.h>
#include <stdlib.h>

#include "error.h"
#include "models/llama.h"
#include "models/weights_file.h"

static lfuse_status read_shape(const struct weights_file *f, struct llama_shape *s,
                               lfuse_error *err)
{
    const lfuse_tensor *embedding, *wk = NULL, *w1 = NULL;
    lfuse_status status = weights_file_find(f, "tok_embeddings.weight", 2,
                                            "(vocabulary, width)", &embedding, err);
    int64_t head;

    if (status == LFUSE_OK)
        status = weights_file_find(f, "layers.0.attention.wk.weight", 2,
                                   "(key and value heads * head, width)", &wk, err);
    if (status == LFUSE_OK)
        status = weights_file_find(f, "layers.0.feed_forward.w1.weight", 2,
                                   "(hidden, width)", &w1, err);
    if (status != LFUSE_OK)
        return status;
    s->vocabulary = lfuse_tensor_dim(embedding, 0);
    s->width = lfuse_tensor_dim(embedding, 1);
    s->hidden = lfuse_tensor_dim(w1, 0);
    s->blocks = weights_file_blocks(f, "layers.", ".attention_norm.weight");
    s->heads = (int64_t)weights_file_number(f, "n_heads", (double)((s->width + 63) / 64));
    s->positions = (int64_t)weights_file_number(f, "max_seq_len", 2048.0);
    s->epsilon = weights_file_number(f, "norm_eps", 1e-5);
    s->base = weights_file_number(f, "rope_theta", 1e4);
    s->has_output = lfuse_checkpoint_find(f->file, "output.weight") >= 0;
    head = s->heads > 0 && s->width % s->heads == 0 ? s->width / s->heads : 0;
    if (head == 0 || lfuse_tensor_dim(wk, 0) % head != 0)
        return example_fail(err, LFUSE_ERR_SHAPE,
                            "%s: %lld heads do not divide a width of %lld, or theirs not "
                            "the %lld rows of layers.0.attention.wk.weight",
                            f->path, (long long)s->heads, (long long)s->width,
                            (long long)lfuse_tensor_dim(wk, 0));
    s->kv_heads = lfuse_tensor_dim(wk, 0) / head;
    return LFUSE_OK;
}

lfuse_status llama_open(lfuse_context *ctx, const char *path, int64_t tokens,
                        struct llama **net, lfuse_error *err)
{
    struct weights_file f = {NULL, path, "", 0, NULL};
    struct llama_shape shape = {0};
    lfuse_checkpoint *file;
    lfuse_status status;

    *net = NULL;
    status = lfuse_checkpoint_open(ctx, path, NULL, &file, err);
    if (status != LFUSE_OK)
        return status;
    f.file = file;
    status = read_shape(&f, &shape, err);
    if (status == LFUSE_OK)
        status = llama_create(ctx, &shape, tokens, net, err);
    if (status == LFUSE_OK)
        status = weights_file_read(&f, ctx, (*net)->layers, (*net)->layer_count, err);
    if (status != LFUSE_OK) {
        llama_destroy(*net);
        *net = NULL;
    }
    lfuse_checkpoint_close(file);
    return status;
}

lfuse_status llama_couple(const struct llama *net, lfuse_couplings *couplings,
                          lfuse_error *err)
{
    return lfuse_couplings_add_preset(couplings, "llama",
                                      (const lfuse_layer *const *)net->layers,
                                      net->layer_count, net->shape.heads, err);
}
