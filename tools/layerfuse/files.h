/* files.h - a file and a plan for it */
#ifndef LFC_FILES_H
#define LFC_FILES_H

#include "command.h"
#include "network.h"

/* Both are there, and are one file: writing one would take the other's place. */
int lfc_is_same_file(const char *a, const char *b);
/* LFC_USAGE where output is one of the files that the session, opened by the path file, reads: the
 * index of several, one of them, or the one in a folder. */
int lfc_check_output(const struct lfc_session *session, const char *file,
                     const char *output);

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

#endif
