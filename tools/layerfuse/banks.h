/* banks.h - tensors of a file that share rows by a plan of the unit row */
#ifndef LFC_BANKS_H
#define LFC_BANKS_H

#include "files.h"

/* One bank for each weight of a type: of those of its tensors that share rows. */
struct lfc_banks {
    lfuse_checkpoint_bank *items;
    int64_t count;
};

/* What a plan makes of a file. Of the unit layer there are none. */
void lfc_banks_find(const struct lfc_applied *applied, struct lfc_banks *banks);
void lfc_banks_free(struct lfc_banks *banks);

/* How many rows of a weight show another's values, of it or of another; 0 of the unit layer. */
int64_t lfc_rows_shown(const lfuse_plan *plan, int64_t layer, int32_t weight);

#endif
