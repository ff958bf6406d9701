/*
 * pattern.c - names by pattern, as in a shell: bytes, whatever the locale
 *
 *     *        any number of bytes, none as well; dots and slashes, too
 *     ?        one byte
 *     [a-z_]   one of these; [!a-z_] one but these
 *     \x       x as it is
 *
 * A bracket that does not end is one as it is. A pattern also matches the name that it is, to the
 * byte. A star that fails is tried again one byte further; earlier ones need not be, as what they
 * have matched could only have been shorter. So the time is that of both lengths multiplied.
 */
#include "fusion/planning.h"

#include <string.h>

/* One byte of a set, escaped or not. */
static unsigned char take(const char **p)
{
    if (**p == '\\' && (*p)[1] != '\0')
        ++*p;
    return (unsigned char)*(*p)++;
}

/* Past the set that starts at p, a bracket; NULL when it does not end. */
static const char *match_set(const char *p, unsigned char byte, bool *matches)
{
    const bool inverted = p[1] == '!' || p[1] == '^';
    const char *first;
    bool found = false;

    p += inverted ? 2 : 1;
    for (first = p; *p != '\0' && (*p != ']' || p == first);) {
        const unsigned char low = take(&p);
        unsigned char high = low;

        if (p[0] == '-' && p[1] != ']' && p[1] != '\0') {
            p++;
            high = take(&p);
        }
        found = found || (low <= byte && byte <= high);
    }
    *matches = found != inverted;
    return *p == ']' ? p + 1 : NULL;
}

/* Past what matches one byte at p, which is not a star nor the end. */
static const char *match_one(const char *p, unsigned char byte, bool *matches)
{
    const char *end = *p == '[' ? match_set(p, byte, matches) : NULL;

    if (end != NULL)
        return end;
    if (*p == '?') {
        *matches = true;
        return p + 1;
    }
    if (*p == '\\' && p[1] != '\0')
        p++;
    *matches = (unsigned char)*p == byte;
    return p + 1;
}

bool lfi_pattern_matches(const char *pattern, const char *name)
{
    const char *p = pattern, *star = NULL, *next = NULL, *at = NULL;
    const char *n = name;
    bool matches;

    while (*n != '\0') {
        matches = false;
        if (*p == '*') {
            star = ++p;
            at = n;
            continue;
        }
        if (*p != '\0')
            next = match_one(p, (unsigned char)*n, &matches);
        if (matches) {
            p = next;
            n++;
        } else if (star != NULL) {
            p = star;
            n = ++at;
        } else {
            return strcmp(pattern, name) == 0;
        }
    }
    while (*p == '*')
        p++;
    return *p == '\0' || strcmp(pattern, name) == 0;
}
