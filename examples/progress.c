/* progress.c - see progress.h */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

#include <unistd.h>

double progress_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_begin(struct progress *p, const char *what, int64_t total)
{
    p->what = what;
    p->total = total;
    p->begun = p->shown = progress_seconds();
    p->on_terminal = isatty(STDERR_FILENO);
}

void progress_step(struct progress *p, int64_t done, double loss)
{
    double now, rate;

    if (!p->on_terminal)
        return;
    now = progress_seconds();
    if (now - p->shown < 0.1)
        return;
    p->shown = now;
    rate = (double)done / (now - p->begun);
    fprintf(stderr, "\r%s: %lld of %lld images, %.0f images/s, %.0f s left", p->what,
            (long long)done, (long long)p->total, rate, (double)(p->total - done) / rate);
    if (!isnan(loss))
        fprintf(stderr, ", loss %.4f", loss);
    fputs("\033[K", stderr);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->on_terminal)
        fputs("\r\033[K", stderr);
}
