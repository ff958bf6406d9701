/*
 * account.c - what a network costs, in parameters
 *
 *     ratio = logical / unique       over the weights of candidates, or over all parameters
 *
 * Statistics (running means and variances) are not parameters and are not counted. What says where
 * shared rows are is no parameter either: its bytes are counted apart. Residuals stand for what
 * weights have lost: they are unique parameters of the network that is left, and none of that before.
 */
#include "fusion/fusion.h"

enum { INDEX_BYTES = 4 }; /* of one row */

static void add_layer(const struct lfi_layer *layer, bool is_candidate, bool is_owner,
                      struct lfi_account *account)
{
    int32_t i;

    for (i = 0; i < layer->parameter_count; i++) {
        const struct lfi_parameter *p = &layer->parameters[i];
        const bool is_weight = p->role == LFUSE_ROLE_WEIGHT;
        const bool is_residual = p->role == LFUSE_ROLE_RESIDUAL;
        const bool is_unique = is_owner || !is_weight;
        const int64_t n = lfi_view_elements(&p->value->view);
        const size_t bytes = lfi_view_bytes(&p->value->view);

        if (p->role == LFUSE_ROLE_STATISTIC)
            continue;
        account->all_logical += is_residual ? 0 : n;
        account->all_unique += is_unique ? n : 0;
        account->all_unique_bytes += is_unique ? bytes : 0;
        if (is_candidate && (is_weight || is_residual)) {
            account->candidates_logical += is_weight ? n : 0;
            account->candidates_unique += is_unique ? n : 0;
            account->candidates_unique_bytes += is_unique ? bytes : 0;
        }
    }
}

void lfi_account_measure(const struct lfi_layer *const *layers, int64_t count,
                         const int64_t *owner, struct lfi_account *account)
{
    int64_t i;

    *account = (struct lfi_account){0};
    for (i = 0; i < count; i++)
        add_layer(layers[i], lfi_layers_is_candidate(layers, count, i), owner[i] == i,
                  account);
}

/* Every row of a weight takes as much. */
void lfi_account_add_rows(const struct lfi_rows *rows,
                          const struct lfi_grouping *grouping,
                          struct lfi_account *account)
{
    int64_t run, row;

    for (run = 0; run < rows->runs; run++) {
        const int64_t first = rows->first[run], end = rows->first[run + 1],
                      n = rows->elements[run];
        const size_t bytes = rows->bytes[run];
        bool shares = false;

        for (row = first; row < end; row++) {
            const bool is_shown = grouping->owner[row] != row;

            account->candidates_unique -= is_shown ? n : 0;
            account->candidates_unique_bytes -= is_shown ? bytes : 0;
            account->all_unique -= is_shown ? n : 0;
            account->all_unique_bytes -= is_shown ? bytes : 0;
            shares |= grouping->group[row] >= 0;
        }
        account->index_bytes += shares ? (size_t)(end - first) * INDEX_BYTES : 0;
    }
}

double lfi_account_ratio(const struct lfi_account *account, lfuse_base base)
{
    int64_t logical = account->candidates_logical, unique = account->candidates_unique;

    if (base == LFUSE_BASE_ALL) {
        logical = account->all_logical;
        unique = account->all_unique;
    }
    return unique == 0 ? 1.0 : (double)logical / (double)unique;
}
