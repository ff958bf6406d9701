/* json.h - JSON on stdout; trees are built with Jansson, memory that is refused ends it */
#ifndef LFC_JSON_H
#define LFC_JSON_H

#include <jansson.h>

#include "types.h"

json_t *lfc_json_object(void);
json_t *lfc_json_array(void);
/* value's reference is taken over; NULL is memory that was refused. */
void lfc_json_set(json_t *object, const char *key, json_t *value);
void lfc_json_append(json_t *array, json_t *value);
/* null where the value is not finite */
json_t *lfc_json_number(double value);

/* Text that is no UTF-8, such as one with a character cut in two, with ? for what is not ASCII. */
json_t *lfc_json_text(const char *text);

/* A type as {"type", "shape", "layers"}; the shape is null, and "shapes" has one for each layer,
   where they differ. */
json_t *lfc_json_type(const lfuse_checkpoint *checkpoint, const struct lfc_type *type);

/* Numbers with 17 significant digits, one line; root's reference is taken over. */
int lfc_json_print(json_t *root);

#endif
