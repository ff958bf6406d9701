/* text.c - strings and numbers for people to read */
#include "draw.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/*
 * Decodes one character of UTF-8 (RFC 3629) and returns its bytes. What is malformed, not
 * allowed in XML 1.0 (sec. 2.2), or turns the direction of the text after it, is U+FFFD.
 */
static int decode(const unsigned char *s, uint32_t *out)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    int bytes = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    uint32_t c = bytes == 1 ? s[0] : s[0] & (0x7fu >> bytes);
    int i;

    *out = 0xfffd;
    if (bytes == 0 || s[0] > 0xf4)
        return 1;
    for (i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80) /* also at the end of the string */
            return 1;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
        (c & 0xfffe) == 0xfffe)
        return bytes;
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7f && c < 0xa0))
        return bytes;
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
        return bytes;
    *out = c;
    return bytes;
}

static void put(FILE *out, const char *s, int bytes, uint32_t c)
{
    switch (c) {
    case '&': fputs("&amp;", out); break;
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '"': fputs("&quot;", out); break;
    case '\'': fputs("&#39;", out); break;
    case 0xfffd: fputs("\xef\xbf\xbd", out); break;
    default: fwrite(s, 1, (size_t)bytes, out); break;
    }
}

/* Characters [first, last) of text. */
static void put_range(FILE *out, const char *text, int first, int last)
{
    uint32_t c;
    int i, bytes;

    for (i = 0; *text != '\0' && i < last; i++, text += bytes) {
        bytes = decode((const unsigned char *)text, &c);
        if (i >= first)
            put(out, text, bytes, c);
    }
}

int lfr_text_length(const char *text)
{
    uint32_t c;
    int n = 0;

    for (; text != NULL && *text != '\0'; n++)
        text += decode((const unsigned char *)text, &c);
    return n;
}

void lfr_text(FILE *out, const char *text)
{
    if (text != NULL)
        put_range(out, text, 0, lfr_text_length(text));
}

void lfr_text_fit(FILE *out, const char *text, int most)
{
    int length = lfr_text_length(text), head = (most - 1) / 2, tail = most - 1 - head;

    if (length <= most) {
        lfr_text(out, text);
        return;
    }
    put_range(out, text, 0, head);
    fputs("\xe2\x80\xa6", out);
    put_range(out, text, length - tail, length);
}

/* "-" at the front of what printf wrote becomes U+2212. */
static char *true_minus(char *text)
{
    if (text[0] == '-') {
        memmove(text + 3, text + 1,
                strlen(text)); /* strlen counts the NUL in place of "-" */
        memcpy(text, "\xe2\x88\x92", 3);
    }
    return text;
}

char *lfr_fixed(char *text, double value, int decimals)
{
    double unit = pow(10.0, -decimals);

    if (!isfinite(value) || fabs(value) >= 1e15) {
        strcpy(text, isnan(value) ? "\xe2\x80\x93" : "\xe2\x88\x9e");
        return text;
    }
    if (fabs(value) < 0.5 * unit) /* no minus zero */
        value = 0.0;
    snprintf(text, LFR_NUMBER_BYTES - 2, "%.*f", decimals, value);
    return true_minus(text);
}

char *lfr_value(char *text, double value)
{
    double size = fabs(value);

    if (!isfinite(value) || size == 0.0)
        return lfr_fixed(text, value, 0);
    if (size < 0.001 || size >= 99999.5) {
        snprintf(text, LFR_NUMBER_BYTES - 2, "%.2e", value);
        return true_minus(text);
    }
    return lfr_fixed(text, value,
                     size < 0.1    ? 4
                     : size < 1.0  ? 3
                     : size < 10.0 ? 2
                                   : size < 100.0);
}

char *lfr_count(char *text, int64_t count)
{
    char digits[24];
    int length, i, k = 0;

    snprintf(digits, sizeof(digits), "%" PRId64, count);
    length = (int)strlen(digits);
    for (i = 0; i < length; i++) {
        text[k++] = digits[i];
        if (digits[i] != '-' && i + 1 < length && (length - 1 - i) % 3 == 0)
            text[k++] = ',';
    }
    text[k] = '\0';
    return text;
}

/* With three digits and the prefix of a power of 1000. */
static char *scaled(char *text, int64_t count, const char *plain, const char *unit)
{
    static const char prefixes[] = "kMGTPE";
    double size = (double)count / 1000.0;
    int i = 0;

    if (count < 1000) {
        snprintf(text, LFR_NUMBER_BYTES, "%d%s", (int)count, plain);
        return text;
    }
    for (; size >= 999.5; i++)
        size /= 1000.0;
    snprintf(text, LFR_NUMBER_BYTES, "%.*f %c%s",
             size < 9.995   ? 2
             : size < 99.95 ? 1
                            : 0,
             size, prefixes[i], unit);
    return text;
}

char *lfr_bytes(char *text, int64_t bytes)
{
    return scaled(text, bytes, " B", "B");
}

char *lfr_short(char *text, int64_t count)
{
    return scaled(text, count, "", "");
}
