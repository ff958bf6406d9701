/* plan_text.h - a plan on stdout: as its JSON, or as what it comes to, for people */
#ifndef LFC_PLAN_TEXT_H
#define LFC_PLAN_TEXT_H

#include <layerfuse/layerfuse.h>

int lfc_plan_json(const lfuse_plan *plan);
/* The account, and a line for each group, or, of the unit row, for each tensor that shows others'
 * rows. metric and policy are the names that it was made by. */
int lfc_plan_text(const lfuse_plan *plan, const char *metric, const char *policy,
                  int is_of_rows);

#endif
