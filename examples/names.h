/* names.h - what the library's values are called on a command line */
#ifndef EXAMPLES_NAMES_H
#define EXAMPLES_NAMES_H

#include <layerfuse/layerfuse.h>

/* NULL: there is no such value; "custom": a callback. */
const char *names_isa(int32_t value);
const char *names_freeze(int32_t value);
const char *names_combine(int32_t value);
const char *names_gradients(int32_t value);
const char *names_scope(int32_t value);
const char *names_linkage(int32_t value);
const char *names_unit(int32_t value);
const char *names_schedule(int32_t value);
const char *names_metric(int32_t value);
const char *names_policy(int32_t value);

/*
 * The value of a name, the first of which is `*value`; callbacks are none of these programs'.
 * LFUSE_ERR_ARGUMENT lists the names that there are.
 */
lfuse_status names_choose(const char *argument, const char *name,
                          const char *(*name_of)(int32_t), int32_t *value,
                          lfuse_error *err);

#endif
