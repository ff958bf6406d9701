/* record.h - one tensor of a JSON header; between record.c and header.c */
#ifndef LFI_CHECKPOINT_RECORD_H
#define LFI_CHECKPOINT_RECORD_H

#include "checkpoint/parts.h"

#include <jansson.h>

/* Checks format alone. Strings of *record are those of name and fields. */
lfuse_status lfi_record_parse(const char *name, json_t *fields, struct lfi_record *record,
                              lfuse_error *err);
/* Of a well-formed record: is it a tensor of ours? Fills in the strides of its shape. */
lfuse_status lfi_record_check_supported(struct lfi_record *record, lfuse_error *err);

#endif
