/* progress.c - how far the work is */
#include "command.h"

#include <inttypes.h>
#include <time.h>

#include <unistd.h>

static const double wait = 2.0, pause_between = 0.1; /* seconds */

static int line_is_there; /* on the terminal, of which there is one */

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void lfc_progress_begin(struct lfc_progress *progress, const char *what,
                        const char *units, int64_t total)
{
    progress->what = what;
    progress->units = units;
    progress->total = total;
    progress->begun = seconds();
    progress->shown = progress->begun + wait - pause_between;
    progress->on_terminal = isatty(STDERR_FILENO);
}

void lfc_progress_show(struct lfc_progress *progress, int64_t done)
{
    double now;

    if (!progress->on_terminal || done < 1)
        return;
    now = seconds();
    if (now - progress->shown < pause_between)
        return;
    progress->shown = now;
    fprintf(stderr, "\r%s: %" PRId64 " of %" PRId64 " %s, %.0f s left\033[K",
            progress->what, done, progress->total, progress->units,
            (now - progress->begun) * (double)(progress->total - done) / (double)done);
    fflush(stderr);
    line_is_there = 1;
}

void lfc_progress_clear(void)
{
    if (line_is_there)
        fputs("\r\033[K", stderr);
    line_is_there = 0;
}
