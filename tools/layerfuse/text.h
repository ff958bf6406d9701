/*
 * text.h - names of unknown origin and numbers, for people to read
 *
 * Widths are in columns of a terminal, one for each character.
 */
#ifndef LFC_TEXT_H
#define LFC_TEXT_H

#include <stdint.h>
#include <stdio.h>

enum { LFC_NUMBER_BYTES = 32 };

/*
 * What would break the line, steer a terminal or turn the direction of what follows is shown
 * as \n, \t, \xHH or \u{H}; so are bytes that are no UTF-8. A backslash is shown as \\.
 */
void lfc_put_text(FILE *out, const char *text);
int lfc_text_width(const char *text);
/* Padded with blanks on its right, or its left. */
void lfc_put_left(FILE *out, const char *text, int width);
void lfc_put_right(FILE *out, const char *text, int width);

char *lfc_count(char *text, int64_t count); /* "1,089,536"; return text */
char *lfc_bytes(char *text, int64_t bytes); /* "1.09 MB" */
void lfc_put_shape(FILE *out, int32_t rank, const int64_t *dims); /* "[16, 3, 3, 3]" */

const char *
lfc_file_name(const char *path); /* without its folders; it all where it is one */

/* Columns of the terminal that stdout is; 80 where it is none. */
int lfc_columns(void);

#endif
