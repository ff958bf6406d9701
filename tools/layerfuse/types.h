/*
 * types.h - which tensors of a bare file are interchangeable: its param types
 *
 * The type of a tensor is its name with what counts blocks taken out, and its shape: only
 * tensors of rank >= 2 have one, and a type has at least two of them.
 */
#ifndef LFC_TYPES_H
#define LFC_TYPES_H

#include <layerfuse/layerfuse.h>

enum lfc_rule {
    LFC_RULE_COMPONENT =
        1,              /* a component (between dots) that is all digits becomes "*" */
    LFC_RULE_DIGITS = 2 /* every run of digits does */
};

extern const char *const lfc_types_rules[]; /* their names, NULL-terminated */
extern const char lfc_types_rule_help[];

struct lfc_type {
    char *pattern; /* "h.*.attn.c_attn.weight" */
    int64_t
        *tensors;  /* (count): indices into the checkpoint, in natural order of names */
    char **labels; /* (count): names without what is common to all of them */
    int64_t count;
    int32_t rank;     /* that of the first, as are the dims, where shapes differ */
    int32_t is_mixed; /* shapes differ */
    int64_t dims[LFUSE_MAX_RANK];
};

struct lfc_types {
    struct lfc_type *items; /* in natural order of patterns, then by shape */
    int64_t count;
};

/* With any_shape a type is the pattern alone. */
void lfc_types_find(const lfuse_checkpoint *checkpoint, enum lfc_rule rule, int any_shape,
                    struct lfc_types *types);
void lfc_types_free(struct lfc_types *types);

/* The pattern of a name: release with free(). */
char *lfc_types_pattern(const char *name, enum lfc_rule rule);
/* As strcmp(), but runs of digits compare as numbers: h.2 before h.10. */
int lfc_types_natural_order(const char *a, const char *b);

/*
 * Keeps the types whose pattern a glob matches, or is; every one when there are no globs.
 * LFC_FAILED, with all patterns in the message, when a glob matches none.
 */
int lfc_types_select(struct lfc_types *types, const char *const *globs, int count);

#endif
