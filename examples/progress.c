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
    *p = (struct progress){.what = what, .unit = "images", .total = total};
    p->begun = p->shown = progress_seconds();
    p->on_terminal = isatty(STDERR_FILENO);
}

void progress_begin_text(struct progress *p, const char *what, int64_t total,
                         double per_word)
{
    progress_begin(p, what, total);
    p->unit = "tokens";
    p->per_word = per_word;
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
    fprintf(stderr, "\r%s: %lld of %lld %s, %.0f %s/s, %.0f s left", p->what,
            (long long)done, (long long)p->total, p->unit, rate, p->unit,
            (double)(p->total - done) / rate);
    if (!isnan(loss))
        fprintf(stderr, ", loss %.4f", loss);
    if (!isnan(loss) && p->per_word > 0.0)
        fprintf(stderr, ", perplexity %.2f, %.2f per word", exp(loss),
                exp(loss * p->per_word));
    fputs("\033[K", stderr);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->on_terminal)
        fputs("\r\033[K", stderr);
}
