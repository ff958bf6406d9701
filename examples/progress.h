/* progress.h - one line on the terminal that says how far the work is; nowhere else */
#ifndef EXAMPLES_PROGRESS_H
#define EXAMPLES_PROGRESS_H

#include <stdint.h>

struct progress {
    const char *what;
    const char *unit; /* "images" */
    int64_t total;    /* of these */
    double begun;     /* seconds */
    double shown;     /* when the line was last written */
    double per_word;  /* of text: tokens to a word, for perplexities; 0: the loss alone */
    int on_terminal;  /* stderr is one */
};

double progress_seconds(void); /* of a clock that only goes forward */

void progress_begin(struct progress *p, const char *what, int64_t total);
/* The same, of tokens. */
void progress_begin_text(struct progress *p, const char *what, int64_t total,
                         double per_word);

/* done so far; the latest loss, or NAN. Writes at most ten times a second. */
void progress_step(struct progress *p, int64_t done, double loss);

void progress_end(struct progress *p);

#endif
