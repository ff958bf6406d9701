/*
 * files.h - what is read from files, and how files are written
 *
 * text    of unknown origin: is it UTF-8, and how is it shown in a message
 * names   sorted without memory, looked up
 * map     a file's bytes, mapped or read
 * writer  a file that appears at its path whole or not at all
 *
 * JSON is in json.h.
 */
#ifndef LFI_FILES_H
#define LFI_FILES_H

#include "base/base.h"

/* ---- text.c: text of unknown origin -------------------------------------------------------- */

/* For messages: one line of UTF-8, cut to fit, what cannot be shown as '?'. */
struct lfi_quoted {
    char text[96];
};
struct lfi_quoted lfi_quote(const char *text);
bool lfi_is_utf8(const char *text);
/* LFUSE_ERR_IO with errno, which it reads first: "cannot <verb> <path>: <reason>". */
lfuse_status lfi_fail_io(lfuse_error *err, const char *verb, const char *path);

/* ---- names.c: sorting without memory, looking up ------------------------------------------- */

/* Names in the order of their index, and the same sorted. */
struct lfi_names {
    const char **names;
    int64_t *order; /* indices, by strcmp */
    int64_t count;
};

/* < 0, 0, > 0: how element a stands to element b. */
typedef int (*lfi_compare)(const void *arg, int64_t a, int64_t b);
void lfi_index_sort(int64_t *index, int64_t count, lfi_compare compare, const void *arg);

/* Room for count names. On failure *names is as it was. */
lfuse_status lfi_names_create(const struct lfi_env *env, int64_t count,
                              struct lfi_names *names, lfuse_error *err);
void lfi_names_sort(struct lfi_names *names);               /* once all are filled in */
const char *lfi_names_twice(const struct lfi_names *names); /* or NULL */
int64_t lfi_names_find(const struct lfi_names *names, const char *name); /* or -1 */
void lfi_names_free(const struct lfi_env *env, struct lfi_names *names);

/* ---- map.c ------------------------------------------------------------------------------------ */

/* The file's bytes, unmapped or freed with the last reference; aligned to 8 at least. */
lfuse_status lfi_file_map(const struct lfi_env *env, const char *path,
                          struct lfi_array *contents, size_t *size, lfuse_error *err);

/* ---- writer.c: a file that appears whole or not at all ------------------------------------------ */

enum { LFI_PATH_MAX = 4096 };

struct lfi_writer {
    const char *given; /* the path, for messages */
    char path[LFI_PATH_MAX];
    const char *name;    /* in path: the part behind the directory */
    char temporary[48];  /* the file until it is renamed; empty: it has no name */
    int directory, file; /* descriptors, -1 when closed */
};

lfuse_status lfi_writer_open(struct lfi_writer *writer, const char *path,
                             lfuse_error *err);
lfuse_status lfi_writer_write(struct lfi_writer *writer, const void *data, size_t size,
                              lfuse_error *err);
/* Flushes and renames. */
lfuse_status lfi_writer_commit(const struct lfi_env *env, struct lfi_writer *writer,
                               lfuse_error *err);
/* Always, at the end; takes back what was not committed. */
void lfi_writer_close(struct lfi_writer *writer);

#endif
