/*
 * snapshot.h - everything that putting plans in force, and training after it, can change
 *
 * A snapshot has, of every parameter, where its arrays are and what values and optimiser state
 * hold, and what is in force. It holds on to memory that a fusion lets go of, so that addresses
 * come back, too.
 *
 * Promised: taking one changes nothing; going back to it is whole or not at all, takes no memory
 * and is exact to the bit and to the address.
 */
#ifndef LFI_FUSION_SNAPSHOT_H
#define LFI_FUSION_SNAPSHOT_H

#include "fusion/fusion.h"

/* One array of one parameter; arrays of zeros hold nothing. */
struct lfi_saved {
    struct lfi_array place; /* where it is: a reference to its memory */
    struct lfi_array
        copy; /* what it holds; nothing where a saved one before it has that */
};

struct lfi_snapshot {
    int64_t layer_count;
    int64_t *first;          /* (layer_count + 1) where a layer's parameters start */
    struct lfi_saved *saved; /* (first[layer_count], LFI_ARRAYS) */
    int64_t *owner;          /* (layer_count), as the next two, of what is in force */
    int64_t *source;
    struct lfi_rule *rules;
    int64_t original_count; /* 0: nothing had been in force */
    bool *repointed;        /* (original_count, LFI_ARRAYS) */
    struct lfi_mixes mixes;
    struct lfi_row_ties rows;
    const struct lfi_shifts *shifts; /* the latest then */
};

/* While the sources are shown. On failure *snapshot holds nothing. */
lfuse_status lfi_snapshot_take(const struct lfi_env *env, const struct lfi_ties *ties,
                               struct lfi_snapshot *snapshot, lfuse_error *err);
/* Whatever is shown; then the snapshot is used up. LFUSE_ERR_CALLBACK when a rebind refused. */
lfuse_status lfi_snapshot_restore(const struct lfi_env *env, struct lfi_ties *ties,
                                  struct lfi_snapshot *snapshot, lfuse_error *err);
void lfi_snapshot_destroy(const struct lfi_env *env, struct lfi_snapshot *snapshot);

#endif
