/* parts.h - what the files of this module share; nobody else includes it */
#ifndef LFI_CHECKPOINT_PARTS_H
#define LFI_CHECKPOINT_PARTS_H

#include "base/files.h"
#include "checkpoint/checkpoint.h"

/* Of the format: a JSON header may have this many bytes, and ends before the data. */
#define LFI_HEADER_MAX INT64_C(100000000)
/* Unless told otherwise: as much as 300000 tensors take, and more than any model has. */
#define LFI_HEADER_DEFAULT ((size_t)32 << 20)
/* What tensors may take that are put together from banks. */
#define LFI_BANKS_DEFAULT ((size_t)16 << 30)
enum { LFI_PREFIX = 8 }; /* bytes of the header's size */

#define LFI_KEY_METADATA  "__metadata__"
#define LFI_KEY_PREFIX    "layerfuse."
#define LFI_KEY_ALIASES   "layerfuse.aliases"
#define LFI_KEY_FORMAT    "layerfuse.format"
#define LFI_KEY_BANKS     "layerfuse.banks"
#define LFI_KEY_RESIDUALS "layerfuse.residuals"
#define LFI_FORMAT        "1"

/* ---- header.c: what the header says, checked ---------------------------------------------------- */

struct lfi_record {
    const char *name;
    struct lfi_view shape; /* dense; dtype 0 where it is none of ours, at most 8 dims */
    const char *dtype;
    int64_t rank; /* as written */
    int64_t begin, end;
    bool skipped; /* it is none of ours */
};

struct json_t;

struct lfi_header {
    struct json_t *root;
    struct json_t *metadata;  /* of root; or NULL */
    struct json_t *aliases;   /* or NULL */
    struct json_t *banks;     /* or NULL */
    int64_t banked_count;     /* tensors whose rows are in banks */
    struct json_t *residuals; /* or NULL */
    struct json_t *factors;   /* of residuals, and the record that each is; or NULL */
    struct lfi_record *records;
    int64_t *order; /* of their data */
    int64_t count;
    int64_t skipped_count; /* of these */
};

/* skip leaves in what is no tensor of ours, and says so. Strings live as long as the header. On failure *header is all zeros. */
lfuse_status lfi_header_parse(const struct lfi_env *env, const char *text, size_t size,
                              bool skip, int64_t data_bytes, struct lfi_header *header,
                              lfuse_error *err);
void lfi_header_free(const struct lfi_env *env, struct lfi_header *header);

/* ---- part.c: the files of a checkpoint -------------------------------------------------------- */

struct lfi_part {
    char *name; /* in the index, or NULL */
    struct lfi_array contents;
    struct lfi_header header;
    char *data; /* in contents */
};

struct lfi_parts {
    struct lfi_part *list;
    int64_t count;
};

/* On failure *part is all zeros. */
lfuse_status lfi_part_open(const struct lfi_env *env, const char *path,
                           const struct lfi_open_params *params, struct lfi_part *part,
                           lfuse_error *err);
void lfi_part_close(const struct lfi_env *env, struct lfi_part *part);

/* All zeros: parts to open. */
lfuse_status lfi_parts_create(const struct lfi_env *env, int64_t count,
                              struct lfi_parts *parts, lfuse_error *err);
void lfi_parts_free(const struct lfi_env *env, struct lfi_parts *parts);

/* ---- index.c, shards.c: several files ----------------------------------------------------------- */

struct lfi_index {
    struct json_t *root;
    struct json_t *map; /* of root: from tensor to file */
    struct lfi_names
        files; /* of the map; the first file_count of their order: each once */
    int64_t file_count;
};

/* On failure *index is all zeros. */
lfuse_status lfi_index_parse(const struct lfi_env *env, const char *text, size_t size,
                             struct lfi_index *index, lfuse_error *err);
const char *lfi_index_file(const struct lfi_index *index, int64_t i); /* by name */
void lfi_index_free(const struct lfi_env *env, struct lfi_index *index);

/* The files that the index at path names. On failure *parts is all zeros. */
lfuse_status lfi_shards_open(const struct lfi_env *env, const char *path,
                             const struct lfi_open_params *params,
                             struct lfi_parts *parts, lfuse_error *err);

/* ---- contents.c -------------------------------------------------------------------------------- */

/* Metadata is that of the first file. On failure what is there is to be closed. */
lfuse_status lfi_contents_fill(const struct lfi_env *env, const struct lfi_parts *parts,
                               const struct lfi_open_params *params,
                               struct lfi_checkpoint *c, lfuse_error *err);

/* ---- path.c: texts that lfi_string_free() takes back ---------------------------------------------- */

bool lfi_path_is_index(const char *path);
/* Of the file `name` in the directory of path. */
lfuse_status lfi_path_beside(const struct lfi_env *env, const char *path,
                             const char *name, char **out, lfuse_error *err);
/* path itself, or of the model in it where it is a directory. */
lfuse_status lfi_path_locate(const struct lfi_env *env, const char *path, char **out,
                             lfuse_error *err);

/* ---- layout.c: who holds whose data, and where ----------------------------------------------- */

struct lfi_layout {
    const struct lfi_checkpoint_entry *entries;
    struct lfi_names names;
    int64_t *owners; /* entry whose data each entry shows; never an alias */
    int64_t *stored; /* entries in the order of their data */
    int64_t stored_count;
    int64_t *aliases; /* the others, by name */
    int64_t alias_count;
    int64_t data_bytes;
    const char *banks; /* the JSON of LFI_KEY_BANKS, or NULL */
    size_t banks_size;
};

/* On failure *layout is all zeros. */
lfuse_status lfi_layout_create(const struct lfi_env *env,
                               const struct lfi_checkpoint_entry *entries, int64_t count,
                               bool expand, struct lfi_layout *layout, lfuse_error *err);
void lfi_layout_free(const struct lfi_env *env, struct lfi_layout *layout);

/* ---- encode.c ---------------------------------------------------------------------------------- */

/* Whether it is stored before the entries: its size is a multiple of theirs. */
bool lfi_carried_is_front(const struct lfi_carried *carried);
/* Checks the metadata. *bytes of text, size prefix and padding included, by lfi_alloc(). */
lfuse_status lfi_header_encode(const struct lfi_env *env, const struct lfi_layout *layout,
                               const struct lfi_checkpoint_params *params, char **text,
                               size_t *bytes, lfuse_error *err);

#endif
