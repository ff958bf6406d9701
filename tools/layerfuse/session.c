/* session.c - a context and an opened checkpoint */
#include "command.h"

#include <unistd.h>

const char lfc_session_header_help[] = "accept a longer header than 33554432 bytes";

enum { MOST_THREADS = 1024 };

static int32_t thread_count(int64_t asked)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (asked > 0)
        return (int32_t)asked;
    return processors < 1              ? 1
           : processors > MOST_THREADS ? MOST_THREADS
                                       : (int32_t)processors;
}

int lfc_session_open(struct lfc_session *session, const char *path,
                     const struct lfc_session_options *options)
{
    lfuse_checkpoint_open_options open;
    lfuse_context_options o;
    lfuse_error err;

    session->checkpoint = NULL;
    lfuse_context_options_init(&o, sizeof(o));
    o.threads = thread_count(options->threads);
    o.seed = (uint64_t)options->seed;
    o.progress = options->progress;
    o.progress_user = options->progress_user;
    if (lfuse_context_create(&o, &session->ctx, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s", err.message);
    lfuse_checkpoint_open_options_init(&open, sizeof(open));
    open.max_header_bytes = (size_t)options->max_header_bytes;
    open.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    if (lfuse_checkpoint_open(session->ctx, path, &open, &session->checkpoint, &err) ==
        LFUSE_OK)
        return LFC_DONE;
    lfuse_context_destroy(session->ctx);
    session->ctx = NULL;
    if (err.status == LFUSE_ERR_IO) /* names the file itself */
        return lfc_fail(LFC_FAILED, "%s", err.message);
    return lfc_fail(LFC_FAILED, "%s: %s", path, err.message);
}

void lfc_session_close(struct lfc_session *session)
{
    lfuse_checkpoint_close(session->checkpoint);
    lfuse_context_destroy(session->ctx);
}
