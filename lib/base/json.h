/* json.h - JSON of unknown origin, by Jansson */
#ifndef LFI_JSON_H
#define LFI_JSON_H

#include "base/files.h"

#include <jansson.h>

/* An object without a key twice. `what` names the text in messages. */
lfuse_status lfi_json_parse(const char *text, size_t size, const char *what, json_t **out,
                            lfuse_error *err);
/* Is it an object of strings? It may be NULL, which is none. */
lfuse_status lfi_json_check_strings(json_t *object, const char *what, lfuse_error *err);

#endif
