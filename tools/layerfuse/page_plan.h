/* page_plan.h - what a plan makes of a file, as parts of a page */
#ifndef LFC_PAGE_PLAN_H
#define LFC_PAGE_PLAN_H

#include "command.h"
#include "report.h"

struct lfc_page_plan {
    struct lfr_group *groups; /* (group_count) */
    struct lfr_size size;
    lfuse_account account;
    int64_t fusions;
    int64_t rows; /* that are copies of other rows, where a plan fuses rows */
    int32_t group_count;
};

/* Sizes are of the plan's layers alone. Borrows the plan's names. */
int lfc_page_plan_fill(const lfuse_plan *plan, struct lfc_page_plan *p);
void lfc_page_plan_free(struct lfc_page_plan *p);

#endif
