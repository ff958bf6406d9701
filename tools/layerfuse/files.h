/* files.h - a file and a plan for it; a file like another, with some tensors' data replaced */
#ifndef LFC_FILES_H
#define LFC_FILES_H

#include "command.h"
#include "network.h"

/* Both are there, and are one file: writing one would take the other's place. */
int lfc_is_same_file(const char *a, const char *b);

/* ---- a plan as it applies to a file ------------------------------------------------------ */

struct lfc_applied {
    struct lfc_session session;
    lfuse_plan *plan;
    struct lfc_network network;
    lfuse_preview *preview;
};

/* On failure there is nothing to close. */
int lfc_applied_open(struct lfc_applied *applied, const char *file, const char *plan_file,
                     const struct lfc_session_options *options);
void lfc_applied_close(struct lfc_applied *applied);
/* Index of the tensor whose data this tensor of the file will show: its own, or another's. */
int64_t lfc_applied_owner(const struct lfc_applied *applied, int64_t tensor);
/* Whether the tensor is of a layer of the plan. */
int lfc_applied_is_tied(const struct lfc_applied *applied, int64_t tensor);
/* Elements of it, as they will be. */
lfuse_status lfc_applied_read(const struct lfc_applied *applied, int64_t tensor,
                              int64_t first, int64_t count, void *out, lfuse_error *err);

/* ---- writing ------------------------------------------------------------------------------ */

struct lfc_writing {
    const lfuse_checkpoint *checkpoint;
    const struct lfc_applied *applied; /* NULL: the file as it is */
    lfuse_save_mode mode;
    struct lfc_progress progress;
    int64_t written; /* elements */
    lfuse_error err; /* of what could not be read */
};

/* All its tensors under their names, and its metadata but for the library's own. */
int lfc_write(lfuse_context *ctx, struct lfc_writing *writing, const char *output);
/* Of the tensors of a file that was written; 0: it is gone. */
int64_t lfc_data_bytes(const char *path);

#endif
