/* gpt_inside.h - what gpt*.c share, and nobody else sees */
#ifndef EXAMPLES_GPT_INSIDE_H
#define EXAMPLES_GPT_INSIDE_H

#include "models/gpt.h"

/* net->layers of net->unit. */
lfuse_status gpt_create_layers(struct gpt *net, lfuse_error *err);

int64_t gpt_rows(const struct gpt *net); /* of the latest forward pass */

/* Arguments of a kernel for the latest forward pass, with all that forward and backward share. */
lfuse_linear_args gpt_linear_args(const struct gpt *net, const struct gpt_linear *linear);
lfuse_linear_residual_args gpt_residual_args(const struct gpt *net,
                                             const struct gpt_linear *linear);
lfuse_layer_norm_args gpt_norm_args(const struct gpt *net, const struct gpt_norm *norm);
lfuse_activation_args gpt_gelu_args(const struct gpt *net, const struct gpt_block *block);
lfuse_attention_args gpt_attention_args(const struct gpt *net,
                                        const struct gpt_block *block);
lfuse_embedding_args gpt_embedding_args(const struct gpt *net);

/* Drops elements of x, (rows, width), in place. place: 0 the embeddings, then two for each
 * block. */
lfuse_status gpt_drop(const struct gpt *net, lfuse_tensor *x, int64_t place,
                      lfuse_error *err);
int gpt_drops(const struct gpt *net);

#endif
