/*
 * resume.h - a retrainer, and all that it works on, as tensors and texts; and back
 *
 * items     what is stored: every array of every parameter, thrice at most: as it is, as it was
 *           before a fusion that may be rolled back, and before all, for undo
 * collect   a retrainer as items, and texts beside them
 * options   what two runs have to have in common
 * replay    what was in force, put in force again
 * restore   all of it, into a retrainer that has not begun
 *
 * How layers are tied is not stored: the plans are, and they are applied again, one after the
 * other, to layers of zeros. Then every number is written over. So ties are built by the code
 * that built them, and fit layers that are owned or borrowed now, whatever they were.
 *
 * Which file this lies in is the caller's business. Promised: a retrainer that cannot be restored,
 * and its layers, are as before.
 */
#ifndef LFI_RETRAIN_RESUME_H
#define LFI_RETRAIN_RESUME_H

#include "base/json.h"
#include "retrain/retrain.h"

enum { LFI_RESUME_VERSION = 1 };

/* ---- items -------------------------------------------------------------------------------- */

/* Of when. */
enum lfi_moment { LFI_MOMENT_NOW, LFI_MOMENT_BEFORE, LFI_MOMENT_ORIGINAL };

/* One array of a parameter. */
struct lfi_resume_place {
    const struct lfi_layer *layer;
    int64_t index; /* of the layer */
    int32_t parameter;
    int32_t which; /* LFI_VALUE, or LFI_STATE and up */
};

/* The next one that a moment has, in the order of the layers; false: there is none. Starts after
 * {NULL, 0, 0, -1}. */
bool lfi_resume_next(const struct lfi_retrainer *r, enum lfi_moment moment,
                     struct lfi_resume_place *place);
/* Release with lfi_string_free(). */
lfuse_status lfi_resume_name(const struct lfi_env *env, enum lfi_moment moment,
                             const struct lfi_resume_place *place, char **name,
                             lfuse_error *err);
/* Names of what belongs to no parameter. */
extern const char lfi_resume_bank[], lfi_resume_bank_before[], lfi_resume_caller[];
/* Bytes as a tensor, bit for bit: two are an element. */
struct lfi_view lfi_resume_bytes_view(const void *data, size_t bytes);

/* ---- collecting --------------------------------------------------------------------------- */

struct lfi_resume_item {
    char *name;
    struct lfi_view view; /* of memory that is the retrainer's, or of owned */
};

struct lfi_resume {
    int64_t count;
    int64_t capacity;
    struct lfi_resume_item *items;
    int64_t text_count;
    int64_t text_capacity;
    char **texts; /* key, value, key, value, ...: text_count of them */
    char *caller; /* a copy of an even number of bytes */
    size_t caller_bytes;
};

/* Bytes of the caller's. On failure *out holds nothing. */
struct lfi_bytes {
    const void *data;
    size_t size;
};
lfuse_status lfi_resume_collect(const struct lfi_env *env, const struct lfi_retrainer *r,
                                struct lfi_bytes caller, struct lfi_resume *out,
                                lfuse_error *err);
void lfi_resume_destroy(const struct lfi_env *env, struct lfi_resume *resume);

/* ---- options ------------------------------------------------------------------------------ */

lfuse_status lfi_resume_options_encode(const struct lfi_env *env,
                                       const struct lfi_retrainer *r, json_t **out,
                                       lfuse_error *err);
/* LFUSE_ERR_ARGUMENT, naming it and both values, when an option is another. */
lfuse_status lfi_resume_options_check(const struct lfi_env *env,
                                      const struct lfi_retrainer *r, const json_t *stored,
                                      lfuse_error *err);

/* ---- restoring ---------------------------------------------------------------------------- */

/* A file, opened: its tensors and texts. */
struct lfi_resume_file {
    const char *path; /* for messages */
    const struct lfi_names *names;
    const struct lfi_array *arrays;
    const struct lfi_names *keys;
    const char *const *values;
};

const char *lfi_resume_text(const struct lfi_resume_file *file, const char *key);
const struct lfi_view *lfi_resume_tensor(const struct lfi_resume_file *file,
                                         const char *name);

/* What texts say, read and checked. */
struct lfi_resume_state {
    int64_t fused;
    struct lfi_past_fusion *fusions; /* (fused); the latest last */
    struct lfi_plan picked;
    bool is_picked;
    bool is_open; /* before the latest fusion there is something to go back to */
    bool has_originals;
    struct lfi_aparts aparts;
    double reference;
    bool is_begun, is_rolled_back, gave_up, is_done;
    int64_t rolled_back, waited, steps, epochs;
    int64_t caller_bytes;
};

json_t *lfi_resume_state_encode(const struct lfi_retrainer *r, size_t caller_bytes);
lfuse_status lfi_resume_state_decode(const struct lfi_env *env,
                                     const struct lfi_retrainer *r,
                                     const struct lfi_resume_file *file, json_t *root,
                                     struct lfi_resume_state *state, lfuse_error *err);
void lfi_resume_state_destroy(const struct lfi_env *env, struct lfi_resume_state *state);

enum { LFI_MOMENTS = LFI_MOMENT_ORIGINAL + 1 };

/* Which tensor of a file each place is, moment after moment. */
struct lfi_resume_map {
    int64_t capacity;
    int64_t count[LFI_MOMENTS];
    int64_t *tensors[LFI_MOMENTS]; /* (capacity) */
};

/* LFUSE_ERR_NAME, _SHAPE or _TYPE, naming it, where the file has something else than the layers. On
 * failure *map holds nothing. */
lfuse_status lfi_resume_map_create(const struct lfi_env *env,
                                   const struct lfi_retrainer *r,
                                   const struct lfi_resume_file *file,
                                   const struct lfi_resume_state *state,
                                   struct lfi_resume_map *map, lfuse_error *err);
void lfi_resume_map_destroy(const struct lfi_env *env, struct lfi_resume_map *map);

/* Ties and numbers as they were, and *before where a fusion may be rolled back. On failure nothing
 * has changed, unless rebind refuses to go back. */
lfuse_status lfi_resume_replay(const struct lfi_env *env, const struct lfi_retrainer *r,
                               const struct lfi_resume_file *file,
                               const struct lfi_resume_map *map,
                               const struct lfi_resume_state *state,
                               struct lfi_before *before, lfuse_error *err);

/* *caller is a copy of the caller's bytes: release caller_bytes of them with lfi_free(). */
lfuse_status lfi_resume_restore(const struct lfi_env *env, struct lfi_retrainer *r,
                                const struct lfi_resume_file *file, char **caller,
                                size_t *caller_bytes, lfuse_error *err);

/* A number that depends on every bit of the tensors and texts but that of the number itself. */
uint64_t lfi_resume_hash_view(const char *name, const struct lfi_view *view);
uint64_t lfi_resume_hash_text(const char *key, const char *value);
extern const char lfi_resume_key[], lfi_resume_hash_key[];

#endif
