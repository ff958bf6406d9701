/*
 * arrangement.h - parameters read as if a plan had put their units in order already
 *
 * What moves.c does in place is an index along each axis here: for memory that cannot be written.
 */
#ifndef LFI_FUSION_ARRANGEMENT_H
#define LFI_FUSION_ARRANGEMENT_H

#include "base/base.h"

struct lfi_layer;
struct lfi_moves;

/* Of one parameter: which entry of an axis stands where; NULL: each where it is. */
struct lfi_arrangement {
    bool moves; /* any of it */
    int64_t *axes[LFI_MAX_RANK];
    int64_t entries[LFI_MAX_RANK]; /* of those axes */
    int64_t
        *row_axes[LFI_MAX_RANK]; /* the same of one row, its own axis first: that stays */
};

/* Of all parameters of layers; zeros: nothing moves. */
struct lfi_arrangements {
    int64_t layers;
    int64_t *first; /* (layers + 1) where a layer's items start */
    struct lfi_arrangement *items;
};

/* LFUSE_ERR_NAME, _SHAPE or _STATE when the layers are not those that the moves are of. On failure
 * *arrangements holds nothing. */
lfuse_status lfi_arrangements_create(const struct lfi_env *env,
                                     const struct lfi_layer *const *layers, int64_t count,
                                     const struct lfi_moves *moves,
                                     struct lfi_arrangements *arrangements,
                                     lfuse_error *err);
void lfi_arrangements_destroy(const struct lfi_env *env,
                              struct lfi_arrangements *arrangements);
/* Those of a layer's parameters, or NULL. */
const struct lfi_arrangement *
lfi_arrangements_of(const struct lfi_arrangements *arrangements, int64_t layer);

/* A view, and how it is to be read. */
struct lfi_arranged {
    struct lfi_view view;
    int64_t *const *axes; /* of an arrangement, or NULL */
};

/* Of a parameter's value or state; arrangements of its layer, or NULL. */
struct lfi_arranged lfi_arranged_of(const struct lfi_view *view,
                                    const struct lfi_arrangement *arrangements,
                                    int64_t parameter);
/* The same of one row along the parameter's output axis. */
struct lfi_arranged lfi_arranged_row_of(const struct lfi_view *view,
                                        const struct lfi_arrangement *arrangements,
                                        int64_t parameter, int32_t output_axis,
                                        int64_t row);
/* Elements [first, first + count) of what will be there. */
void lfi_arranged_read_bits(const struct lfi_arranged *arranged, int64_t first,
                            int64_t count, void *out);
void lfi_arranged_read_f64(const struct lfi_arranged *arranged, int64_t first,
                           int64_t count, double *out);

#endif
