/*
 * network.h - the tensors of a file as layers of a plan, none of them copied
 *
 * A layer of a plan that was made here is a tensor, and has its name. One of a plan from elsewhere
 * has weights of their own: tensor "LAYER.WEIGHT" is each; so has a block.
 */
#ifndef LFC_NETWORK_H
#define LFC_NETWORK_H

#include "arguments.h"
#include "types.h"

struct lfc_network {
    const lfuse_checkpoint *checkpoint;
    lfuse_layer **layers; /* (count) */
    int64_t count;
    int64_t *first;    /* (count + 1) where a layer's tensors start */
    int64_t *tensors;  /* of all layers, weight by weight */
    int64_t *layer_of; /* of each tensor of the checkpoint, or -1 */
};

struct lfc_network_rules {
    enum lfc_rule rule;
    const struct lfc_list *axes;    /* see layers.h */
    const struct lfc_list *exclude; /* globs of names, each of which has to match one */
    const char *block; /* a layer is all of a block: tensors PREFIX.NUMBER.*; or NULL */
};

/*
 * Every stored tensor of a type, or every block of tensors of rank >= 2, in natural order, which
 * is its position. Aliases are the tensors that they name. On failure there is nothing to free.
 */
int lfc_network_find(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                     const struct lfc_network_rules *rules, struct lfc_network *network);
/* The layers of a plan. file is its name, for messages. */
int lfc_network_of_plan(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                        const char *file, const lfuse_plan *plan,
                        struct lfc_network *network);
void lfc_network_free(struct lfc_network *network);

/* ---- what the three are made with: network_*.c ---------------------------------------------- */

void lfc_network_reserve(struct lfc_network *n, const lfuse_checkpoint *checkpoint,
                         int64_t layers, int64_t tensors);
/* One more layer, without weights; one more weight, of the latest layer. */
int lfc_network_add_layer(lfuse_context *ctx, struct lfc_network *n, const char *name,
                          const char *param_type);
int lfc_network_add_weight(struct lfc_network *n, const char *weight_name, int64_t tensor,
                           int32_t output_axis);
/* network_blocks.c: what lfc_network_find() does where rules name a block. */
int lfc_network_find_blocks(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                            const struct lfc_network_rules *rules,
                            struct lfc_network *network);
int lfc_network_matches(const struct lfc_list *globs, const char *name);

#endif
