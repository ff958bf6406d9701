/* banks.h - rows that tensors share, stored once; what the files of this module share of it */
#ifndef LFI_CHECKPOINT_BANKS_H
#define LFI_CHECKPOINT_BANKS_H

#include "checkpoint/parts.h"

/* ---- banks_pack.c: for a file to be written --------------------------------------------- */

/* One bank in the making. Its rows stay where they are. */
struct lfi_bank {
    const struct lfi_env *env;
    const struct lfi_layout *layout; /* of all entries, as if there were no banks */
    const struct lfi_checkpoint_params *params;
    const lfuse_checkpoint_bank *bank;
    int64_t *entries; /* (bank->count) in the layout */
    bool *is_own;     /* (bank->count) nothing is filled in */
    int64_t *first;   /* (bank->count + 1) number of an entry's first row */
    int64_t rows;
    int64_t elements; /* of a row */
    int64_t *same;    /* (rows) the first row that is equal; then: where in the bank */
    int64_t *unique;  /* (rows) the rows that are in it */
    struct lfi_view view; /* its shape */
};

/* Entries with those of each bank replaced by the bank, and which row is where. */
struct lfi_packed_banks {
    const struct lfi_checkpoint_params *params;
    int64_t bank_count;
    struct lfi_bank *banks; /* (bank_count) */
    int64_t count;
    int64_t capacity;
    struct lfi_checkpoint_entry *entries;
    int64_t *origins; /* (count) which entry of the layout; -1 - b: it is bank b */
    char *text;       /* the JSON of LFI_KEY_BANKS, without a NUL */
    size_t text_size;
};

/* layout is that of all entries, as if there were no banks. On failure *packed is all zeros. */
lfuse_status lfi_banks_pack(const struct lfi_env *env, const struct lfi_layout *layout,
                            const struct lfi_checkpoint_params *params,
                            struct lfi_packed_banks *packed, lfuse_error *err);
void lfi_banks_free(const struct lfi_env *env, struct lfi_packed_banks *packed);

/* ---- banks_search.c ----------------------------------------------------------------------- */

/* same[]: LFUSE_ERR_CALLBACK when fill refuses. */
lfuse_status lfi_bank_search(struct lfi_bank *bank, lfuse_error *err);

/* ---- banks_read.c: what is stored ---------------------------------------------------------- */

const struct lfi_view *lfi_bank_entry_view(const struct lfi_bank *bank, int64_t entry);
/* The entry that has a row. */
int64_t lfi_bank_entry(const struct lfi_bank *bank, int64_t row);
/* Elements of one row that follow each other in an entry. */
int64_t lfi_bank_inner(const struct lfi_bank *bank, int64_t entry);
/* Elements [first, first + count) of an entry, the first before all else: 0, or what fill returned. */
int32_t lfi_bank_read_entry(struct lfi_bank *bank, int64_t entry, int64_t first,
                            int64_t count, void *out);
/* The same of a row. */
int32_t lfi_bank_read_row(const struct lfi_bank *bank, int64_t row, int64_t first,
                          int64_t count, void *out);
/* The fill of packed->entries; user is the packed banks. */
int32_t lfi_banks_fill(void *user, int64_t index, int64_t first, int64_t count,
                       void *out);

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
