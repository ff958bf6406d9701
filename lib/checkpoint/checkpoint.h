/*
 * checkpoint.h - safetensors files: read by mapping, written whole or not at all
 *
 * open    maps the file, or all files of an index, checks every field of every header against
 *         its file's size, and turns tensors and aliases into arrays that share the mappings
 * save    decides who owns whose data, encodes the header, streams the data block by block
 *         into a file beside the target, flushes it and renames it
 *
 * Promised: no byte of a file is trusted before it is checked, and a failed save leaves what
 * was there. Memory is the env's, except that Jansson, which reads and writes the JSON, takes
 * its own from malloc: its allocator is a global of the process and not ours to set. Nothing of
 * it is kept when a call returns. The host is little-endian, as the format is.
 */
#ifndef LFI_CHECKPOINT_H
#define LFI_CHECKPOINT_H

#include "base/files.h"

/* A tensor that is none of ours: of another type, a scalar, empty. It can be stored again. */
struct lfi_carried {
    const char *name;
    const char *type; /* JSON: its dtype and shape */
    const void *data;
    size_t bytes;
    int64_t file;
};

/* A weight that is shown without its residual, and the factors of that: indices of tensors. */
struct lfi_residual {
    int64_t weight;
    int64_t a;
    int64_t b;
    int32_t axis;
};

struct lfi_checkpoint {
    struct lfi_names names; /* of the tensors, aliases last */
    struct lfi_array *arrays;
    int64_t *owners;
    int64_t *files;          /* which file has the data of each */
    const char **file_names; /* (file_count) in the index; NULL of a file without one */
    struct lfi_array *contents; /* (file_count) */
    int64_t file_count;
    struct lfi_carried *skipped; /* in the order of their data */
    int64_t skipped_count;
    struct lfi_residual *residuals; /* (residual_room); where they are not put together */
    int64_t residual_count;
    int64_t residual_room;
    struct lfi_names keys; /* of the metadata */
    const char **values;
    char *text; /* all the strings above */
    size_t text_bytes;
};

struct lfi_open_params {
    size_t max_header_bytes; /* 0: LFI_HEADER_DEFAULT */
    size_t max_bank_bytes;   /* 0: LFI_BANKS_DEFAULT; of residuals, too */
    bool skip;               /* tensors that are none of ours; else they are refused */
    bool apart;              /* residuals are not added to their weights */
};

/* *checkpoint is all zeros on failure. */
lfuse_status lfi_checkpoint_open(const struct lfi_env *env, const char *path,
                                 const struct lfi_open_params *params,
                                 struct lfi_checkpoint *checkpoint, lfuse_error *err);
void lfi_checkpoint_close(const struct lfi_env *env, struct lfi_checkpoint *checkpoint);

struct lfi_checkpoint_entry {
    const char *name;
    const struct lfi_view *view;
    const char *owner; /* or NULL */
};

struct lfi_checkpoint_params {
    const lfuse_checkpoint_bank *banks; /* none where it expands */
    int64_t bank_count;
    const lfuse_checkpoint_residual_entry *residuals; /* none where it expands */
    int64_t residual_count;
    const struct lfi_carried *carried; /* stored besides, as they are */
    int64_t carried_count;
    const char *const *metadata; /* key, value, ... */
    int64_t metadata_count;
    bool expand;
    /* What is stored for the entry at index, or NULL: what is in its view. */
    int32_t (*fill)(void *user, int64_t index, int64_t first, int64_t count, void *out);
    void *fill_user;
};

enum { LFI_FILL_NONE = 1 }; /* of fill: as it is */

/* Names, owners, keys and values are checked here; pointers and the count by the caller. */
lfuse_status lfi_checkpoint_save(const struct lfi_env *env, const char *path,
                                 const struct lfi_checkpoint_entry *entries,
                                 int64_t count,
                                 const struct lfi_checkpoint_params *params,
                                 lfuse_error *err);

#endif
