/*
 * checkpoint.h - safetensors files, read by mapping and written whole or not at all
 *
 * A "dedup" file stores every shared tensor once under its owner's name and lists the others
 * in its metadata: "layerfuse.aliases" is a JSON object from alias to owner, and
 * "layerfuse.format" is "1". An opened checkpoint shows aliases like any other tensor. An
 * "expand" file stores every name and loads anywhere.
 *
 * Rows that tensors share (filters, neurons; the unit row of plans) are stored once, in a bank: a
 * tensor of all that differ, along its first axis, with "layerfuse.banks" in the metadata, a JSON
 * object {bank: {"axis": n, "entries": {tensor: [rows of the bank, ...], ...}}, ...}. An opened checkpoint
 * shows the tensors, put together again in memory, and not the banks; other readers find
 * the banks. The numbers of the rows take some 2 to 6 bytes each of the header.
 *
 * Weights that keep what sharing took from them (residual.h) are stored as what they share and two
 * factors, with "layerfuse.residuals" in the metadata, a JSON object {weight: {"a": tensor, "b":
 * tensor, "axis": n}, ...}: the weight is the tensor of its name plus a b. An opened checkpoint shows
 * it so, put together in memory, and not the factors; or, with a flag, apart.
 *
 * Format: https://github.com/huggingface/safetensors. An 8-byte little-endian header size, a
 * JSON header, then the data; tensors cover the data exactly, without holes or overlap.
 * The header is spaced out so that the data begins at a multiple of 64 bytes, and the tensors
 * lie in the order of the entries, those of 8-byte elements first and of 2-byte elements last:
 * so every tensor of a file written here is aligned, whatever the mix.
 *
 * A model of several files ("shards") is opened by its index, a JSON object whose "weight_map"
 * says which file holds which tensor. It is shown like a single file.
 */
#ifndef LAYERFUSE_CHECKPOINT_H
#define LAYERFUSE_CHECKPOINT_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

/* Flags of lfuse_checkpoint_open_options. */
enum {
    LFUSE_CHECKPOINT_SKIP_UNSUPPORTED =
        1, /* leave tensors of other types and ranks out */
    LFUSE_CHECKPOINT_RESIDUALS_APART =
        2 /* weights as they are shared, their factors as tensors: to be trained on */
};

typedef struct lfuse_checkpoint_open_options {
    size_t struct_size; /* set by lfuse_checkpoint_open_options_init(&o, sizeof(o)) */
    size_t max_header_bytes; /* larger headers are refused; 0 means 33554432, 32 MiB */
    size_t max_bank_bytes;   /* of tensors in banks and weights with residuals, which take
                                memory; 0 means 16 GiB */
    uint32_t flags;          /* LFUSE_CHECKPOINT_* or 0 */
    int32_t reserved;
} lfuse_checkpoint_open_options;

/**
 * lfuse_checkpoint_open_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_checkpoint_open_options_init(lfuse_checkpoint_open_options *options,
                                                  size_t size);

/**
 * lfuse_checkpoint_open() - maps a safetensors file, or all of an index, and checks all of it
 *
 * A path that ends in ".index.json" is an index. Its files are beside it, are opened in the
 * order of their names, and store the tensors that it says, no more and no fewer; each may have
 * aliases of its tensors, and banks, which are not in the index. A directory
 * stands for the model.safetensors in it, else for its model.safetensors.index.json.
 *
 * Result:  an immutable, shareable view; tensors in the order of their data, then those in banks,
 *          then aliases, both in the order of their names (of their bytes, as strcmp() orders
 *          them). Of several
 *          files, one after the other, and the metadata is the first's.
 * Owner:   path and options are borrowed for the call. *checkpoint is returned: release with
 *          lfuse_checkpoint_close(). The file must not be changed while it is open.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL
 *          LFUSE_ERR_IO           the file cannot be opened or read: detail is errno
 *          LFUSE_ERR_FORMAT       not a valid safetensors file: says which tensor or field, and
 *                                 the numbers; an alias of an unknown owner; an index that
 *                                 its files contradict, or that names one elsewhere
 *          LFUSE_ERR_UNSUPPORTED  an element type other than F32, F64, F16, BF16, a scalar (rank
 *                                 0), a rank above LFUSE_MAX_RANK, or a dim of 0: says which
 *                                 tensor, unless the flag leaves it out (but not where an
 *                                 alias, a bank or a residual needs it); a header or an index of more than max_header_bytes,
 *                                 of which the format allows 100000000; tensors in
 *                                 banks, and weights with residuals, of more than max_bank_bytes in all; a
 *                                 "layerfuse.format" other than "1"; options hold fields this
 *                                 version does not know
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          On failure *checkpoint is NULL.
 * Cost:    headers are parsed with memory of malloc's, given back before the call returns: some
 *          17 times their size, and up to 80 times for hostile ones, which max_header_bytes
 *          bounds.
 *          Data is mapped, never copied: memory does not grow with it, but for tensors in banks and weights with residuals. What cannot be mapped is
 *          read whole into memory of the context's: a file of a file system that maps none, and
 *          a pipe, which is waited for and read to its end, and takes up to three times its size.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_checkpoint_open(lfuse_context *ctx, const char *path,
                                             const lfuse_checkpoint_open_options *options,
                                             lfuse_checkpoint **checkpoint,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_checkpoint_close() - unmaps the file
 *
 * Owner:   every tensor of it is gone with it. NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_checkpoint_close(lfuse_checkpoint *checkpoint);

/**
 * lfuse_checkpoint_count() - number of tensors, aliases included; 0 for NULL
 * lfuse_checkpoint_name() - the name at index; NULL when out of range
 * lfuse_checkpoint_tensor() - the tensor at index; NULL when out of range. Read-only memory:
 *                             copy it with lfuse_tensor_copy() before changing it, and before
 *                             reading lfuse_tensor_data() where that is not aligned to the
 *                             element size, which a file need not see to. The library's own
 *                             functions read it as it is
 * lfuse_checkpoint_owner() - index of the tensor that holds this one's data: itself unless it
 *                            is an alias; -1 when out of range
 * lfuse_checkpoint_find() - index of the tensor of this name, or -1
 * lfuse_checkpoint_file() - which of its files, from 0, has the data of the tensor at index; -1 when
 *                           out of range
 * lfuse_checkpoint_file_count() - number of its files, 1 where there is no index; 0 for NULL
 * lfuse_checkpoint_file_name() - the name of one in the index, beside which it is; NULL when out of
 *                                range, and of a file that was opened by its own name
 * lfuse_checkpoint_metadata() - the value of a metadata key, or NULL
 * lfuse_checkpoint_metadata_count() - number of metadata keys, those of the library's included
 * lfuse_checkpoint_skipped_count() - number of tensors that LFUSE_CHECKPOINT_SKIP_UNSUPPORTED left
 *                                    out: batch counters, position ids, masks, empty ones
 * lfuse_checkpoint_skipped() - the name of the one at index, in the order of their data; NULL when
 *                              out of range
 * lfuse_checkpoint_skipped_data() - its bytes, *bytes of them, as they lie in the file; NULL when
 *                                   out of range. What they mean its type says:
 * lfuse_checkpoint_skipped_type() - {"dtype":"I64","shape":[2]} as the file has it; NULL likewise
 * lfuse_checkpoint_skipped_file() - which file has it; -1 likewise
 * lfuse_checkpoint_residual_count() - number of weights with residuals, where these are apart; else 0
 * lfuse_checkpoint_metadata_key() - the key at index, in the file's order; NULL when out of
 *                                   range. Leave out "layerfuse.*" when saving them again
 *
 * Owner:   borrowed until the checkpoint is closed.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_checkpoint_count(const lfuse_checkpoint *checkpoint);
LFUSE_API const char *lfuse_checkpoint_name(const lfuse_checkpoint *checkpoint,
                                            int64_t index);
LFUSE_API const lfuse_tensor *lfuse_checkpoint_tensor(const lfuse_checkpoint *checkpoint,
                                                      int64_t index);
LFUSE_API int64_t lfuse_checkpoint_owner(const lfuse_checkpoint *checkpoint,
                                         int64_t index);
LFUSE_API int64_t lfuse_checkpoint_find(const lfuse_checkpoint *checkpoint,
                                        const char *name);
LFUSE_API int64_t lfuse_checkpoint_file(const lfuse_checkpoint *checkpoint,
                                        int64_t index);
LFUSE_API int64_t lfuse_checkpoint_file_count(const lfuse_checkpoint *checkpoint);
LFUSE_API const char *lfuse_checkpoint_file_name(const lfuse_checkpoint *checkpoint,
                                                 int64_t file);
LFUSE_API const char *lfuse_checkpoint_metadata(const lfuse_checkpoint *checkpoint,
                                                const char *key);
LFUSE_API int64_t lfuse_checkpoint_metadata_count(const lfuse_checkpoint *checkpoint);
LFUSE_API int64_t lfuse_checkpoint_skipped_count(const lfuse_checkpoint *checkpoint);
LFUSE_API const char *lfuse_checkpoint_skipped(const lfuse_checkpoint *checkpoint,
                                               int64_t index);
LFUSE_API const void *lfuse_checkpoint_skipped_data(const lfuse_checkpoint *checkpoint,
                                                    int64_t index, size_t *bytes);
LFUSE_API const char *lfuse_checkpoint_skipped_type(const lfuse_checkpoint *checkpoint,
                                                    int64_t index);
LFUSE_API int64_t lfuse_checkpoint_skipped_file(const lfuse_checkpoint *checkpoint,
                                                int64_t index);
LFUSE_API int64_t lfuse_checkpoint_residual_count(const lfuse_checkpoint *checkpoint);
LFUSE_API const char *lfuse_checkpoint_metadata_key(const lfuse_checkpoint *checkpoint,
                                                    int64_t index);

/**
 * lfuse_checkpoint_residual() - a weight that is shown without its residual, and the factors of that
 *
 * Result:  *residual has the names of three of the tensors, to save them with again.
 * Owner:   borrowed until the checkpoint is closed.
 * Errors:  LFUSE_ERR_ARGUMENT  NULL, or index outside [0, residual_count)
 *          On failure *residual is untouched.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_checkpoint_residual(
    const lfuse_checkpoint *checkpoint, int64_t index,
    lfuse_checkpoint_residual_entry *residual, lfuse_error *err) LFUSE_MUST_CHECK;

/* One name of a file to be written. */
typedef struct lfuse_checkpoint_entry {
    const char *name;           /* unique, not empty, not "__metadata__" */
    const lfuse_tensor *tensor; /* any strides; stored as dense rows */
    const char *owner;          /* name of the entry that is to hold its data, or NULL */
} lfuse_checkpoint_entry;

/*
 * Elements [first, first + count), in row order, of the entry at index, into out, which has room
 * for them and is aligned to them: 0. LFUSE_FILL_NONE, asked for its first elements: this tensor is
 * stored as it is. Another value stops the save.
 */
typedef int32_t (*lfuse_checkpoint_fill)(void *user, int64_t index, int64_t first,
                                         int64_t count, void *out);
enum { LFUSE_FILL_NONE = 1 };

typedef struct lfuse_checkpoint_save_options {
    size_t struct_size; /* set by lfuse_checkpoint_save_options_init(&o, sizeof(o)) */
    const char *const *metadata; /* key, value, key, value, ... */
    int64_t metadata_count; /* number of keys; keys "layerfuse.*" are the library's */
    lfuse_save_mode mode;   /* 0 means dedup */
    int32_t reserved;
    lfuse_checkpoint_fill fill; /* what is stored for tensors; NULL: what is in them */
    void *fill_user;
    const lfuse_checkpoint_bank *banks; /* (bank_count) */
    int64_t bank_count;
    const lfuse_checkpoint *carried; /* what it skipped is stored, too; NULL: nothing */
    int64_t carried_file; /* of its files the one from 1, or 0: what all of them have */
    const lfuse_checkpoint_residual_entry *residuals; /* (residual_count) */
    int64_t residual_count;
} lfuse_checkpoint_save_options;

/**
 * lfuse_checkpoint_save_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_checkpoint_save_options_init(lfuse_checkpoint_save_options *options,
                                                  size_t size);

/**
 * lfuse_checkpoint_save() - writes a safetensors file, whole or not at all
 *
 * Result:  dedup: an entry is an alias when it names an owner, or when its tensor is the same
 *          memory, shape, strides and type as an earlier one that names none; the rest is
 *          stored. expand: all is stored. An entry that names an owner shows the owner's data
 *          in both. The file is written beside path, flushed to the disk and renamed over it.
 *          A file at path leaves its permission bits to the new one. A symbolic link at path is
 *          followed and stays. Equal entries and options give equal bytes.
 *          With banks, dedup stores each row of their entries once, whatever made it equal to
 *          others, bit for bit; expand makes no use of them. An entry is in one bank, and shares
 *          its data as a whole with no other. What a bank saves is known from its file: the
 *          index is in the header.
 *          With residuals, dedup notes which entries are weights and factors, which are stored like any
 *          other: what a weight is tied to, it may name or share as ever.
 *          With carried, the tensors that it skipped when it was opened (counters, masks) are stored
 *          byte for byte beside the entries.
 *          With fill, what it gives is stored in a tensor's place, block by block: of tensors that
 *          are larger than memory, or not there yet, shape and type are enough. It is asked for
 *          entries that own their data, in the order of the file, in expand files also for each
 *          that shows it; of entries in banks more than once, before the file is made, for rows.
 * Owner:   everything is borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, count < 1 (< 0 with carried), a carried_file that carried
 *                                 does not have, an empty or reserved name or key, text that
 *                                 is not UTF-8, or an unknown mode
 *          LFUSE_ERR_NAME         a name or key twice, of carried and entries, too; an owner that is no entry or an alias, or a
 *                                 name in a bank that is no entry or in a bank already; a name in a
 *                                 residual that is no entry, in a bank, or in a residual already
 *          LFUSE_ERR_SHAPE        an owner of another shape, rows of other shapes in a bank, factors that
 *                                 do not make the weight
 *          LFUSE_ERR_TYPE         an owner, or rows in a bank, of another element type; factors other than
 *                                 f32
 *          LFUSE_ERR_IO           the system refused (disk full, no permission), or what is at
 *                                 path is no regular file: detail is errno
 *          LFUSE_ERR_OVERFLOW     the file would be too large, or its header, which may have
 *                                 100000000 bytes
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_CALLBACK     fill stopped the save; detail is its value
 *          LFUSE_ERR_UNSUPPORTED  options hold fields this version does not know; banks of an
 *                                 entry that is an alias or has one; a factor that shares its
 *                                 data; residuals in a file of mode expand (save dedup, open
 *                                 that, and save it again)
 *          On failure what was at path is as before, and nothing is left beside it. Killed, it
 *          leaves ".layerfuse-*.tmp" on a file system without unnamed files (O_TMPFILE).
 * Cost:    memory for the header (part of it malloc's, given back before the call returns) and
 *          one block, whatever the size; of banks, 32 bytes for each row of their entries. These
 *          are read, or asked for, twice, and rows that are equal once more.
 * Threads: tensors are read.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_checkpoint_save(lfuse_context *ctx, const char *path,
                                             const lfuse_checkpoint_entry *entries,
                                             int64_t count,
                                             const lfuse_checkpoint_save_options *options,
                                             lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
