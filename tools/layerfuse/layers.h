/* layers.h - the tensors of a type as layers, none of them copied, and their output axes */
#ifndef LFC_LAYERS_H
#define LFC_LAYERS_H

#include "arguments.h"
#include "types.h"

/*
 * Items of --output-axis are GLOB=N: N is the axis that counts the output units of a tensor
 * whose name GLOB matches, or is.
 */
extern const char lfc_axes_help[];
int lfc_axes_check(const struct lfc_list *axes); /* LFC_USAGE: an item of another form */
/* LFC_FAILED: a glob matches no tensor. */
int lfc_axes_match(const struct lfc_list *axes, const lfuse_checkpoint *checkpoint);
int32_t lfc_axes_of(const struct lfc_list *axes, const char *name); /* 0: none matches */

/* (count): layers of one weight each, borrowed from the checkpoint. On failure *layers is NULL. */
int lfc_layers_make(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                    const struct lfc_type *type, const struct lfc_list *axes,
                    lfuse_layer ***layers);
void lfc_layers_free(lfuse_layer **layers, int64_t count);

#endif
