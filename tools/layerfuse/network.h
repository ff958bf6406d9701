/*
 * network.h - the tensors of a file as layers of a plan, none of them copied
 *
 * A layer of a plan that was made here is a tensor, and has its name. One of a plan from elsewhere
 * has weights of their own: tensor "LAYER.WEIGHT" is each; so has a block. What a plan puts in
 * order besides is a layer's other parameters, which come after its weights.
 */
#ifndef LFC_NETWORK_H
#define LFC_NETWORK_H

#include "arguments.h"
#include "types.h"

struct lfc_network {
    const lfuse_checkpoint *checkpoint;
    lfuse_layer **layers; /* (count) */
    int64_t count;
    int64_t candidates; /* of the layers, the first; the rest fuses with none */
    int64_t *first;     /* (count + 1) where a layer's tensors start */
    int64_t *tensors;   /* of all layers, parameter by parameter */
    int64_t *layer_of;  /* of each tensor of the checkpoint, or -1 */
};

struct lfc_network_rules {
    enum lfc_rule rule;
    const struct lfc_list *axes;    /* see layers.h */
    const struct lfc_list *exclude; /* of blocks: globs, each of which has to match one */
    const char *block; /* a layer is all of a block: tensors PREFIX.NUMBER.*; or NULL */
    int others;        /* what is of no type, too: a layer each, which fuses with none */
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
/* couplings.c: of a preset, with so many query heads, or from a file. On failure NULL. */
int lfc_network_couple(lfuse_context *ctx, const struct lfc_network *network,
                       const char *preset_or_file, int64_t heads,
                       lfuse_couplings **couplings);

/* ---- what the three are made with: network_*.c ---------------------------------------------- */

void lfc_network_reserve(struct lfc_network *n, const lfuse_checkpoint *checkpoint,
                         int64_t layers, int64_t tensors);
/* One more layer, without parameters; one more parameter, of the latest layer. */
int lfc_network_add_layer(lfuse_context *ctx, struct lfc_network *n, const char *name,
                          const char *param_type, int64_t position);
int lfc_network_add_parameter(struct lfc_network *n, const char *name, lfuse_role role,
                              int64_t tensor, int32_t output_axis);
/* network_blocks.c: what lfc_network_find() does where rules name a block. */
int lfc_network_find_blocks(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                            const struct lfc_network_rules *rules,
                            struct lfc_network *network);
int lfc_network_matches(const struct lfc_list *globs, const char *name);

/* ---- network_others.c: what is not fused, but put in order ----------------------------------- */

/* What of a name comes after its last dot. */
const char *lfc_network_last_component(const char *name);
int lfc_network_add_others(lfuse_context *ctx, const struct lfc_network_rules *rules,
                           struct lfc_network *network);
/* What the plan permutes of the latest layer, which has its weights; how much of all layers. */
int lfc_network_add_moved(const char *file, const lfuse_plan *plan, const char *layer,
                          struct lfc_network *network);
int64_t lfc_network_count_moved(const lfuse_plan *plan);

#endif
