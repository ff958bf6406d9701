/* text.c - see text.h */
#include "text.h"

#include <inttypes.h>
#include <string.h>

#include <sys/ioctl.h>
#include <unistd.h>

/* Decodes one character of UTF-8 (RFC 3629) and returns its bytes; 0 if it is none. */
static int decode(const unsigned char *s, uint32_t *out)
{
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    int bytes = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4, i;
    uint32_t c = bytes == 1 ? s[0] : s[0] & (0x7fu >> bytes);

    if (s[0] >= 0x80 && (s[0] < 0xc2 || s[0] > 0xf4))
        return 0;
    for (i = 1; i < bytes; i++) {
        if ((s[i] & 0xc0) != 0x80) /* also at the end of the string */
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    if (c < least[bytes] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *out = c;
    return bytes;
}

/* C0, DEL, C1; line and paragraph separators; what turns the direction of text. */
static int is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0xfeff;
}

/* How the character at s is shown, into text, and its columns; returns the bytes it has. */
static int show(const char *s, char text[16], int *width)
{
    uint32_t c = (unsigned char)*s;
    int bytes = decode((const unsigned char *)s, &c);

    if (c == '\\' || c == '\n' || c == '\t' || c == '\r')
        snprintf(text, 16, "\\%c",
                 c == '\\'   ? '\\'
                 : c == '\n' ? 'n'
                 : c == '\t' ? 't'
                             : 'r');
    else if (bytes == 0 || (bytes == 1 && is_control(c)))
        snprintf(text, 16, "\\x%02x", (unsigned)c);
    else if (is_control(c))
        snprintf(text, 16, "\\u{%x}", (unsigned)c);
    else
        snprintf(text, 16, "%.*s", bytes, s);
    *width = bytes > 1 && !is_control(c) ? 1 : (int)strlen(text);
    return bytes > 0 ? bytes : 1;
}

void lfc_put_text(FILE *out, const char *text)
{
    char shown[16];
    int width;

    while (*text != '\0') {
        text += show(text, shown, &width);
        fputs(shown, out);
    }
}

int lfc_text_width(const char *text)
{
    char shown[16];
    int width, sum = 0;

    while (*text != '\0') {
        text += show(text, shown, &width);
        sum += width;
    }
    return sum;
}

void lfc_put_left(FILE *out, const char *text, int width)
{
    lfc_put_text(out, text);
    fprintf(out, "%*s", width > lfc_text_width(text) ? width - lfc_text_width(text) : 0,
            "");
}

void lfc_put_right(FILE *out, const char *text, int width)
{
    fprintf(out, "%*s", width > lfc_text_width(text) ? width - lfc_text_width(text) : 0,
            "");
    lfc_put_text(out, text);
}

char *lfc_count(char *text, int64_t count)
{
    char digits[24];
    int length = snprintf(digits, sizeof(digits), "%" PRId64, count), i, k = 0;

    for (i = 0; i < length; i++) {
        text[k++] = digits[i];
        if (i + 1 < length && (length - 1 - i) % 3 == 0)
            text[k++] = ',';
    }
    text[k] = '\0';
    return text;
}

char *lfc_bytes(char *text, int64_t bytes)
{
    static const char prefixes[] = "kMGTPE";
    double size = (double)bytes / 1000.0;
    int i = 0;

    if (bytes < 1000) {
        snprintf(text, LFC_NUMBER_BYTES, "%d bytes", (int)bytes);
        return text;
    }
    for (; size >= 999.5; i++)
        size /= 1000.0;
    snprintf(text, LFC_NUMBER_BYTES, "%.*f %cB", size < 9.995 ? 2 : size < 99.95, size,
             prefixes[i]);
    return text;
}

void lfc_put_shape(FILE *out, int32_t rank, const int64_t *dims)
{
    int32_t i;

    fputc('[', out);
    for (i = 0; i < rank; i++)
        fprintf(out, "%s%" PRId64, i > 0 ? ", " : "", dims[i]);
    fputc(']', out);
}

const char *lfc_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL && slash[1] != '\0' ? slash + 1 : path;
}

int lfc_columns(void)
{
    struct winsize size;

    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0)
        return size.ws_col;
    return 80;
}
