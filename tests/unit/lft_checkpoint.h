/* lft_checkpoint.h - what the tests of reading and of writing checkpoints share */
#ifndef LFT_CHECKPOINT_H
#define LFT_CHECKPOINT_H

#include "lft_files.h"

lfuse_status lft_save(struct lft *t, const char *path,
                      const lfuse_checkpoint_entry *entries, int64_t count,
                      lfuse_save_mode mode);
lfuse_checkpoint *lft_open(struct lft *t, const char *path); /* close it */
const void *lft_data(const lfuse_checkpoint *checkpoint, const char *name);

/* A file of the test's directory: its header's size as claimed, the header's bytes, and data_bytes
 * bytes 0, 1, 2, ... */
const char *lft_put(uint64_t header_size, const char *header, size_t header_bytes,
                    size_t data_bytes);
const char *lft_put_header(const char *header, size_t data_bytes);
/* Opening fails so, and leaves nothing behind. */
void lft_refused(struct lft *t, const char *path, lfuse_status status, const char *text);
/* For lft_every_allocation_fails(). */
lfuse_status lft_open_and_close(struct lft *t, void *path);

/* Jansson's memory is malloc's. Between begin and end it is counted, and one of its allocations
 * since the latest refuse(k), the k-th from 0, is refused. */
void lft_json_begin(void);
void lft_json_refuse(int k);
int lft_json_live(void); /* allocations not freed */
void lft_json_end(void);

#endif
