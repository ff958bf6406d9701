/*
 * command.h - what the parts of the command `layerfuse` share
 *
 * A client of the public API alone. A function that can fail says so itself, in the one line
 * that goes to stderr, and returns the exit status; its callers pass that on. Results go to
 * stdout when all of them are there. Memory that is refused ends the command at once, before
 * anything was written.
 */
#ifndef LFC_COMMAND_H
#define LFC_COMMAND_H

#include <stddef.h>
#include <stdio.h>

#include <layerfuse/layerfuse.h>

enum { LFC_DONE = 0, LFC_FAILED = 1, LFC_USAGE = 2 }; /* exit statuses */

/* One per file; argv[0] is its name. main.c lists them. */
int lfc_inspect(int argc, char **argv);
int lfc_similarity(int argc, char **argv);
int lfc_plan(int argc, char **argv);
int lfc_apply(int argc, char **argv);
int lfc_verify(int argc, char **argv);
int lfc_expand(int argc, char **argv);
int lfc_report(int argc, char **argv);

/* ---- failure.c ----------------------------------------------------------------------- */

/*
 * "layerfuse: " and the text as one line on stderr, whatever it holds, over a line of progress.
 * lfc_fail() returns code.
 */
int lfc_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lfc_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed; never NULL. Release with free(). */
void *lfc_alloc(size_t count, size_t size);
char *lfc_copy(const char *text, size_t length);

/* Writes out what stdio holds back: LFC_FAILED when stdout did not take all of it. */
int lfc_finish_stdout(void);

/* ---- session.c: a context and an opened checkpoint ------------------------------------- */

struct lfc_session {
    lfuse_context *ctx;
    lfuse_checkpoint *checkpoint;
};

struct lfc_session_options {
    int64_t threads; /* 0: as many as there are processors */
    int64_t seed;
    int64_t max_header_bytes; /* 0: the library's default */
    lfuse_progress progress;  /* NULL: none */
    void *progress_user;
};

#define LFC_FILE_HELP                                                                 \
    "FILE is a safetensors file, the index (*.index.json) of a model of several, or " \
    "the\n"                                                                           \
    "folder of either.\n\n"

extern const char lfc_session_header_help[]; /* of --max-header-bytes */

/* On failure there is nothing to close. */
int lfc_session_open(struct lfc_session *session, const char *path,
                     const struct lfc_session_options *options);
void lfc_session_close(struct lfc_session *session);

/* ---- progress.c: one line on a terminal, nowhere else ---------------------------------- */

struct lfc_progress {
    const char *what;  /* "similarity" */
    const char *units; /* "pairs" */
    int64_t total;
    double begun; /* seconds */
    double shown; /* when the line was last written */
    int on_terminal;
};

void lfc_progress_begin(struct lfc_progress *progress, const char *what,
                        const char *units, int64_t total);
/* Nothing for the first two seconds, then at most ten times a second. */
void lfc_progress_show(struct lfc_progress *progress, int64_t done);
void lfc_progress_clear(void); /* the line, if there is one */

#endif
