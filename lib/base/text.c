/* text.c - text of unknown origin: is it UTF-8, and how is it shown in a message */
#include "base/files.h"

#include <errno.h>
#include <string.h>

/* Bytes of the code point at s (RFC 3629: shortest form, no surrogates), 0 if it is none. */
static size_t sequence(const unsigned char *s)
{
    size_t length = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4, i;

    if (s[0] >= 0x80 && (s[0] < 0xc2 || s[0] > 0xf4))
        return 0;
    for (i = 1; i < length; i++) /* the terminating NUL is no continuation */
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

bool lfi_is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t length;

    for (; *s != '\0'; s += length) {
        length = sequence(s);
        if (length == 0)
            return false;
    }
    return true;
}

/* C0, DEL and C1: they could break the line or steer a terminal. */
static bool is_control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

struct lfi_quoted lfi_quote(const char *text)
{
    static const char dots[] = "...";
    const unsigned char *s = (const unsigned char *)text;
    struct lfi_quoted quoted;
    size_t used = 0, length;

    for (; *s != '\0'; s += length) {
        bool shown;

        length = sequence(s);
        shown = length != 0 && !is_control(s);
        if (length == 0)
            length = 1;
        if (used + length + sizeof(dots) > sizeof(quoted.text)) {
            memcpy(quoted.text + used, dots, sizeof(dots));
            return quoted;
        }
        if (shown)
            memcpy(quoted.text + used, s, length);
        else
            quoted.text[used] = '?';
        used += shown ? length : 1;
    }
    quoted.text[used] = '\0';
    return quoted;
}

lfuse_status lfi_fail_io(lfuse_error *err, const char *verb, const char *path)
{
    int reason = errno;
    char text[96] = "";

    if (strerror_r(reason, text, sizeof(text)) != 0)
        text[0] = '\0';
    return lfi_fail_detail(err, LFUSE_ERR_IO, reason, "cannot %s %s: %s", verb,
                           lfi_quote(path).text,
                           text[0] != '\0' ? text : "the system refused");
}
