/* residuals.h - weights that are stored as what they share and a product; see residuals_read.c */
#ifndef LFI_CHECKPOINT_RESIDUALS_H
#define LFI_CHECKPOINT_RESIDUALS_H

#include "checkpoint/parts.h"

/* ---- residuals_read.c ----------------------------------------------------------------------- */

/* header->residuals and factors, of a header that is checked else. */
lfuse_status lfi_residuals_parse(struct lfi_header *header, lfuse_error *err);
/* Whether a tensor is a factor, which is not shown unless it is asked for. */
bool lfi_residuals_has(const struct lfi_header *header, const char *name);
/*
 * The weights of a part that have residuals, once all tensors of c are there: put together, in memory
 * of their own that counts towards max_bytes; or, apart, noted in c->residuals with their factors.
 */
lfuse_status lfi_residuals_fill(const struct lfi_env *env, const struct lfi_part *part,
                                bool apart, size_t max_bytes, size_t *used,
                                struct lfi_checkpoint *c, lfuse_error *err);

/* ---- residuals_write.c ---------------------------------------------------------------------- */

/* Their JSON, checked against the entries, into metadata. */
lfuse_status lfi_residuals_encode(const struct lfi_env *env,
                                  const struct lfi_layout *layout,
                                  const struct lfi_checkpoint_params *params,
                                  struct json_t *metadata, lfuse_error *err);

#endif
