/*
 * draw.h - the parts of a page, as they go to a stream
 *
 * Streams are in memory, in the locale "C" while they are written to, so printf writes
 * numbers as HTML and SVG want them. Errors are asked of the stream once, at its end.
 */
#ifndef LFR_DRAW_H
#define LFR_DRAW_H

#include <stdio.h>

#include "report.h"

/* ---- text.c: strings and numbers for people ---------------------------------------- */

enum { LFR_NUMBER_BYTES = 48 };

/* The text in HTML and XML, escaped; NULL is empty. */
void lfr_text(FILE *out, const char *text);
/* At most `most` characters of it (>= 5), its middle given up for an ellipsis. */
void lfr_text_fit(FILE *out, const char *text, int most);
int lfr_text_length(const char *text); /* in characters */

/* Three digits that count: "0.0312", "12.4", "1.20e-07"; a dash for NaN. Return text. */
char *lfr_value(char *text, double value);
char *lfr_fixed(char *text, double value, int decimals); /* with a true minus sign */
char *lfr_count(char *text, int64_t count);              /* "1,089,536" */
char *lfr_bytes(char *text, int64_t bytes);              /* "1.09 MB" */
char *lfr_short(char *text, int64_t count);              /* "81.8 M" */

/* ---- save.c: from a stream to a file that appears whole ---------------------------- */

/* draw writes data to a stream; 0 or an errno. */
int lfr_save(const char *path, void (*draw)(FILE *out, const void *data),
             const void *data);

/* ---- heatmap.c, curve.c: pictures ------------------------------------------------ */

enum { LFR_INLINE = 0, LFR_ALONE = 1 }; /* in a page, or a file of its own */

void lfr_heatmap(FILE *out, const struct lfr_matrix *matrix, int alone);
/* width and height in pixels; css_class may be "". */
void lfr_curve(FILE *out, const struct lfr_curve *curve, int width, int height,
               const char *css_class, int alone);

/* ---- page_series.c, bends.c --------------------------------------------------------- */

/* The sections about series and bends, as far as the curve has any. */
void lfr_page_series(FILE *out, const struct lfr_curve *curve);
/* Curves that bend. */
int lfr_bend_count(const struct lfr_curve *curve);

/* ---- style.c ------------------------------------------------------------------------ */

/* Rules for what the pictures are made of, light and dark. */
void lfr_style_pictures(FILE *out);
void lfr_style_page(FILE *out);
/* <svg ...>, labelled what (as it is) and of (escaped); alone: with style and ground. */
void lfr_svg_begin(FILE *out, double width, double height, const char *css_class,
                   const char *what, const char *of, int alone);
void lfr_svg_end(FILE *out);

#endif
