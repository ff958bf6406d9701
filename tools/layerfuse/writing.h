/* writing.h - files like others, with some tensors' data replaced */
#ifndef LFC_WRITING_H
#define LFC_WRITING_H

#include "banks.h"
#include "files.h"

struct lfc_writing {
    const lfuse_checkpoint *checkpoint;
    const struct lfc_applied *applied; /* NULL: the file as it is */
    lfuse_save_mode mode;
    int64_t bytes; /* out: of the tensors that were written */

    /* while it is written */
    struct lfc_progress progress;
    int64_t written;        /* elements */
    const int64_t *tensors; /* what entry of the file is which tensor */
    lfuse_error err;        /* of what could not be read */
};

/*
 * All its tensors under their names, and its metadata but for the library's own: one file, or, of
 * a model of several and unless output ends in ".safetensors", a new folder of files of the same
 * names, with an index.
 */
int lfc_write(lfuse_context *ctx, struct lfc_writing *writing, const char *output);

/* ---- writing.c, for shards.c ----------------------------------------------------------------- */

/* Which of the tensors are written together. */
struct lfc_selection {
    const struct lfc_banks *banks;
    const int64_t *where; /* of each tensor; NULL: all are */
    int64_t file;         /* those that are here */
};

/* Index of the tensor that this one's data is written as: itself, or another in its file. */
int64_t lfc_writing_owner(const struct lfc_writing *writing, int64_t tensor);
int lfc_write_file(lfuse_context *ctx, struct lfc_writing *writing,
                   const struct lfc_selection *selection, const char *output);

/* ---- shards.c --------------------------------------------------------------------------------- */

int lfc_write_folder(lfuse_context *ctx, struct lfc_writing *writing,
                     const struct lfc_banks *banks, const char *output);

#endif
