/*
 * couplings.h - hidden spaces: what counts their units, and putting these in another order
 *
 * couplings  names: spaces of members, as they were described
 * binding    what the names are in some layers: every member found, checked and counted
 * swaps      an order as transpositions, which need no memory, forwards or back
 *
 * A unit of a member is `block` entries in a row of an axis, from `offset` on.
 */
#ifndef LFI_FUSION_COUPLINGS_H
#define LFI_FUSION_COUPLINGS_H

#include "fusion/fusion.h"

struct lfi_coupling {
    char *layer; /* or NULL: parameter is "layer.parameter" */
    char *parameter;
    int64_t head_group;
    int64_t repeat;
    int64_t offset;
    int64_t extent; /* 0: to the end */
    int32_t axis;
};

struct lfi_space {
    int64_t count;
    int64_t capacity;
    struct lfi_coupling *members;
};

struct lfi_couplings {
    int64_t count;
    int64_t capacity;
    struct lfi_space *spaces;
};

void lfi_couplings_destroy(const struct lfi_env *env, struct lfi_couplings *couplings);
/* On failure nothing has changed. The last space has no members. */
lfuse_status lfi_couplings_add_space(const struct lfi_env *env,
                                     struct lfi_couplings *couplings, lfuse_error *err);
/* Strings are copied; the member is checked, with defaults filled in. */
lfuse_status lfi_couplings_add_member(const struct lfi_env *env,
                                      struct lfi_couplings *couplings, int64_t space,
                                      const struct lfi_coupling *member,
                                      lfuse_error *err);
/* Drops the spaces from `count` on. */
void lfi_couplings_truncate(const struct lfi_env *env, struct lfi_couplings *couplings,
                            int64_t count);
/* On failure nothing has changed. */
lfuse_status lfi_couplings_add_preset(const struct lfi_env *env,
                                      struct lfi_couplings *couplings, const char *name,
                                      const struct lfi_layer *const *layers,
                                      int64_t count, int64_t heads, lfuse_error *err);

/* From JSON, into couplings of zeros; on failure they are that again. */
lfuse_status lfi_couplings_decode(const struct lfi_env *env, const char *text,
                                  size_t bytes, struct lfi_couplings *couplings,
                                  lfuse_error *err);

/* Whether text is this parameter's tensor name: "layer.parameter", or the layer's name where
 * that ends so already. */
bool lfi_tensor_has_name(const struct lfi_layer *layer,
                         const struct lfi_parameter *parameter, const char *text,
                         size_t length);

/* ---- binding ------------------------------------------------------------------------------- */

/* A member that was found. */
struct lfi_coupled {
    int64_t layer;
    int32_t parameter; /* of the layer's */
    int32_t axis;
    int64_t offset;
    int64_t block; /* entries of a unit */
    int64_t space;
};

struct lfi_binding {
    int64_t count;      /* of spaces */
    int64_t item_count; /* first[count] */
    int64_t *units;     /* (count) */
    int64_t *first;     /* (count + 1) where a space's items start */
    struct lfi_coupled *items;
};

/* On failure *binding holds nothing. */
lfuse_status lfi_binding_create(const struct lfi_env *env,
                                const struct lfi_couplings *couplings,
                                const struct lfi_layer *const *layers, int64_t count,
                                struct lfi_binding *binding, lfuse_error *err);
void lfi_binding_destroy(const struct lfi_env *env, struct lfi_binding *binding);

/* ---- orders --------------------------------------------------------------------------------- */

/* swaps[u] >= u: units that change places, u = 0 first, so that unit u is what order[u] was. */
void lfi_order_swaps(const int64_t *order, int64_t units, int64_t *swaps);
/* LFUSE_ERR_ARGUMENT unless order has each of [0, units) once; seen is (units) of scratch. */
lfuse_status lfi_order_check(const int64_t *order, int64_t units, int64_t *seen,
                             lfuse_error *err);
/* Whether one of an item's arrays is to be put in order. */
typedef bool (*lfi_reorders)(const void *arg, const struct lfi_coupled *item,
                             int32_t which);
/* All arrays of these items (that reorders, unless it is NULL, takes), each memory once; back:
 * undoes it. Cannot fail. */
void lfi_coupled_reorder(struct lfi_layer *const *layers, const struct lfi_coupled *items,
                         int64_t count, int64_t units, const int64_t *swaps, bool back,
                         lfi_reorders reorders, const void *arg);
/* LFUSE_ERR_STATE when memory of an item is that of a parameter which these items do not move
 * in the same way. */
lfuse_status lfi_coupled_check_apart(const struct lfi_layer *const *layers, int64_t count,
                                     const struct lfi_coupled *items, int64_t item_count,
                                     lfuse_error *err);

lfuse_status lfi_couplings_units(const struct lfi_env *env,
                                 const struct lfi_couplings *couplings,
                                 const struct lfi_layer *const *layers, int64_t count,
                                 int64_t space, int64_t *units, lfuse_error *err);
lfuse_status lfi_couplings_permute(const struct lfi_env *env,
                                   const struct lfi_couplings *couplings,
                                   struct lfi_layer *const *layers, int64_t count,
                                   int64_t space, const int64_t *order, lfuse_error *err);

#endif
