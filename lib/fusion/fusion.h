/*
 * fusion.h - which layers share weights, and the sharing itself
 *
 * layer   what a position of the network is made of: parameters, each an array with its
 *         gradient and optimiser state; the arrays are the caller's and are re-pointed in place
 * plan    candidates, pair scores, greedy joining into groups, the account; touches nothing
 * ties    groups in force: alias, rebind or mirror; gradients; undo; all or nothing
 *
 * Promised: a plan depends on the data, the options and the order of the layers alone; a
 * failed apply or undo leaves every array, every pointer and every byte as it was.
 */
#ifndef LFI_FUSION_H
#define LFI_FUSION_H

#include "base/base.h"
#include "similarity/similarity.h"

enum { LFI_MAX_STATE = 4 };

struct lfi_parameter {
    char *name;
    struct lfi_array *value;
    struct lfi_array *gradient;             /* or NULL */
    struct lfi_array *state[LFI_MAX_STATE]; /* unused ones NULL */
    lfuse_role role;
    int32_t output_axis;
};

struct lfi_layer {
    char *name;
    char *param_type;
    lfuse_layer_kind kind;
    int32_t position;
    int32_t parameter_count;
    struct lfi_parameter *parameters;
};

#endif
