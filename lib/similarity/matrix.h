/* matrix.h - what the files of a similarity matrix share; nobody else includes it */
#ifndef LFI_SIMILARITY_MATRIX_H
#define LFI_SIMILARITY_MATRIX_H

#include "similarity/parts.h"

/* A pair (i, j), i < j, or (0, 0) of a single item, at state[i * count + j]. */
enum { LFI_PAIR_OPEN, LFI_PAIR_DONE, LFI_PAIR_FAILED };

struct lfi_matrix {
    const struct lfi_env *env;
    const struct lfi_similarity_item *items;
    int64_t count;
    const struct lfi_similarity_params *params;
    const struct lfi_metric *metric;
    int64_t weight; /* of the items: the one at hand */
    double *value;  /* (count, count): of that weight; where the state is DONE */
    uint8_t *state; /* (count, count) */
    int64_t done;   /* progress, in pairs */
    int64_t total;
    int64_t told; /* the last that was told */
    /* Of the ranks, where several share the work: */
    size_t *first; /* (ranks + 1) bytes, for gather */
    bool parted;   /* gather has failed: the others know */
};

/* ---- spread.c: who does what ---------------------------------------------------------------- */

bool lfi_matrix_is_spread(const struct lfi_matrix *m);
/* This rank's of `count` things alike: [*begin, *end). */
void lfi_matrix_own(const struct lfi_matrix *m, int64_t count, int64_t *begin,
                    int64_t *end);
/* This rank's rows of pairs, about as many pairs for each. */
void lfi_matrix_own_rows(const struct lfi_matrix *m, int64_t *begin, int64_t *end);
/* Of `count` things of `bytes` each, which lfi_matrix_own() parts, all ranks get all. */
lfuse_status lfi_matrix_gather(struct lfi_matrix *m, void *data, int64_t count,
                               size_t bytes, lfuse_error *err);
/* The same of the pairs of one weight, which own rows are done of. */
lfuse_status lfi_matrix_gather_pairs(struct lfi_matrix *m, lfuse_error *err);
/* The last word: whether all ranks have succeeded, of which this one's status is given. */
lfuse_status lfi_matrix_agree(struct lfi_matrix *m, lfuse_status status,
                              lfuse_error *err);

/* That `pairs` more than done are; nothing where that was told before. */
lfuse_status lfi_matrix_tell(struct lfi_matrix *m, double pairs, lfuse_error *err);

/*
 * All three ways to many pairs at once: they set the value and the state of all pairs that they can
 * do, and leave the others open. Only where lfi_matrix_fits() says so.
 */
bool lfi_matrix_fits(const struct lfi_matrix *m);
lfuse_status lfi_matrix_elements(struct lfi_matrix *m, lfuse_error *err);
lfuse_status lfi_matrix_features(struct lfi_matrix *m, lfuse_error *err);
lfuse_status lfi_matrix_factors(struct lfi_matrix *m, lfuse_error *err);

/* Pairs of places i < rows and max(i + 1, first) <= j < count, and the items that are there. */
struct lfi_places {
    int64_t rows;
    int64_t first;
    int64_t count;
    int64_t item_i; /* in place 0; those behind it follow */
    int64_t item_j; /* in place first */
};

enum { LFI_KEPT = 4 };

/* Pairs of items, for each of which something is kept in a place. */
struct lfi_groups {
    struct lfi_matrix *m;
    size_t bytes;   /* that are kept per item */
    size_t scratch; /* per task */
    double share;   /* of the time that keep takes */
    bool nested;    /* keep makes use of env's threads */
    /* Called from tasks with a serial env, where it cannot fail; or once at a time. */
    lfuse_status (*keep)(void *user, const struct lfi_env *env, int64_t place,
                         int64_t item, void *scratch, lfuse_error *err);
    lfuse_status (*compare)(void *user, const struct lfi_places *places,
                            lfuse_error *err);
    /* What is kept, for ranks that share the work: (capacity) of so many bytes. */
    struct {
        void *values;
        size_t bytes;
    } kept[LFI_KEPT];
    void *user;
    int64_t capacity; /* from here on by lfi_groups_plan(): places */
    int64_t group;    /* items that stay while others pass by */
    int32_t slots;    /* tasks at the same time */
    char *memory;     /* (slots, scratch) */
    double pairs;     /* that are at hand, for progress */
};

void lfi_groups_plan(struct lfi_groups *g);
lfuse_status lfi_groups_run(struct lfi_groups *g, lfuse_error *err);
/* That this share of a compare is done. */
lfuse_status lfi_groups_tell(struct lfi_groups *g, double share, lfuse_error *err);

/* All open pairs, one by one: they are done, or failed, or this fails. */
lfuse_status lfi_matrix_pairs(struct lfi_matrix *m, lfuse_error *err);

/* Done with i < j; asymmetric metrics have another value for j to i. */
void lfi_matrix_set(struct lfi_matrix *m, int64_t i, int64_t j, double value,
                    double reverse);

#endif
