/*
 * lft_plan_file.h - plans as text, and back
 */
#ifndef LFT_PLAN_FILE_H
#define LFT_PLAN_FILE_H

#include "lft.h"

/* Release with free(). */
char *lft_plan_text(struct lft *t, const lfuse_plan *plan);
/* For the layers that the text describes. */
lfuse_plan *lft_plan_read(struct lft *t, const char *text);
/* For all layers of t, in their order. */
lfuse_plan *lft_plan_read_for(struct lft *t, const char *text);
/* To the last bit. */
void lft_plan_check_same(struct lft *t, const lfuse_plan *a, const lfuse_plan *b);

#endif
