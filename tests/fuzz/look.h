/* look.h - what every checkpoint that opens has to be, however it came to be */
#ifndef LFT_FUZZ_LOOK_H
#define LFT_FUZZ_LOOK_H

#include <layerfuse/layerfuse.h>

#define CHECK(condition) ((condition) ? (void)0 : lft_wrong(#condition))
void lft_wrong(const char *condition); /* aborts */

/* Of every byte, so that a tensor that reaches past its memory is noticed. */
unsigned lft_touch(const lfuse_tensor *tensor);
/* All that there is to ask it. */
void lft_look_at(lfuse_context *ctx, const lfuse_checkpoint *checkpoint);
/* One line, of a failure that is the file's. */
void lft_look_at_error(const lfuse_error *err);

#endif
