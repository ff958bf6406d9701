/* banks.h - rows that tensors share, stored once; what the files of this module share of it */
#ifndef LFI_CHECKPOINT_BANKS_H
#define LFI_CHECKPOINT_BANKS_H

#include "checkpoint/parts.h"

/* ---- banks_pack.c: for a file to be written --------------------------------------------- */

/* Entries with those of each bank replaced by the bank, and which row is where. */
struct lfi_packed_banks {
    int64_t bank_count;
    struct lfi_array *arrays; /* (bank_count) */
    int64_t count;
    int64_t capacity;
    struct lfi_checkpoint_entry *entries;
    char *text; /* the JSON of LFI_KEY_BANKS, without a NUL */
    size_t text_size;
};

/* layout is that of all entries, as if there were no banks. On failure *packed is all zeros. */
lfuse_status lfi_banks_pack(const struct lfi_env *env, const struct lfi_layout *layout,
                            const struct lfi_checkpoint_params *params,
                            struct lfi_packed_banks *packed, lfuse_error *err);
void lfi_banks_free(const struct lfi_env *env, struct lfi_packed_banks *packed);

/* ---- banks_index.c: of a file that is read ------------------------------------------------ */

/* header->banks and banked_count, of a header that is checked else. */
lfuse_status lfi_banks_parse(struct lfi_header *header, lfuse_error *err);
/* Whether a stored tensor is a bank. */
bool lfi_banks_has(const struct lfi_header *header, const char *name);
/* Appends the tensors that banks show to c, from index *at on, by name; moves *at past them, and
 * *used, of max_bytes, by what they take. */
lfuse_status
lfi_banks_unpack(const struct lfi_env *env, const struct lfi_part *part, size_t max_bytes,
                 size_t *used, struct lfi_checkpoint *c, int64_t *at,
                 const char *(*add_text)(struct lfi_checkpoint *c, const char *text),
                 lfuse_error *err);

#endif
