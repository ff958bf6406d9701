/* resume_items.c - what is stored of a retrainer, and what it is called */
#include "retrain/resume.h"

#include <stdio.h>
#include <string.h>

const char lfi_resume_bank[] = "rows that are frozen",
           lfi_resume_bank_before[] = "before: rows that are frozen",
           lfi_resume_caller[] = "the caller's", lfi_resume_key[] = "retrainer",
           lfi_resume_hash_key[] = "retrainer contents";

/* Originals are of what ties touch. */
static bool is_of(enum lfi_moment moment, const struct lfi_resume_place *place)
{
    const struct lfi_parameter *p = &place->layer->parameters[place->parameter];

    if (place->which == LFI_GRADIENT || lfi_parameter_array(p, place->which) == NULL)
        return false;
    return moment != LFI_MOMENT_ORIGINAL || p->role == LFUSE_ROLE_WEIGHT ||
           p->role == LFUSE_ROLE_BIAS;
}

bool lfi_resume_next(const struct lfi_retrainer *r, enum lfi_moment moment,
                     struct lfi_resume_place *place)
{
    while (place->index < r->ties->count) {
        place->layer = r->ties->layers[place->index];
        if (++place->which == LFI_ARRAYS) {
            place->which = LFI_VALUE;
            place->parameter++;
        }
        if (place->parameter >= place->layer->parameter_count) {
            *place = (struct lfi_resume_place){NULL, place->index + 1, 0, -1};
            continue;
        }
        if (is_of(moment, place))
            return true;
    }
    return false;
}

/* Values have the names that a checkpoint would give them. */
lfuse_status lfi_resume_name(const struct lfi_env *env, enum lfi_moment moment,
                             const struct lfi_resume_place *place, char **name,
                             lfuse_error *err)
{
    static const char *const prefixes[] = {"", "before: ", "original: "};
    const char *layer = place->layer->name,
               *parameter = place->layer->parameters[place->parameter].name;
    const size_t size = strlen(layer) + strlen(parameter) + 48;
    lfuse_status status;
    char state[24] = "", *text;

    if (place->which >= LFI_STATE)
        (void)snprintf(state, sizeof(state), "state %d of ",
                       (int)(place->which - LFI_STATE));
    status = lfi_alloc(env, size, 1, "a name", &text, err);
    if (status != LFUSE_OK)
        return status;
    (void)snprintf(text, size, "%s%s%s.%s", prefixes[moment], state, layer, parameter);
    status = lfi_string_copy(env, text, name, err);
    lfi_free(env, text, size, 1);
    return status;
}

struct lfi_view lfi_resume_bytes_view(const void *data, size_t bytes)
{
    return (struct lfi_view){.data = (void *)data,
                             .dims = {(int64_t)(bytes / 2)},
                             .strides = {1},
                             .rank = 1,
                             .dtype = LFUSE_F16};
}

/* ---- hashes ------------------------------------------------------------------------------- */

enum { BLOCK = 512 }; /* bytes are read at a time */

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const char *bytes = data;
    uint64_t word;
    size_t n;

    for (; size > 0; size -= n, bytes += n) {
        n = size < sizeof(word) ? size : sizeof(word);
        word = 0;
        memcpy(&word, bytes, n);
        hash = lfi_random_u64(hash, word, n);
    }
    return hash;
}

uint64_t lfi_resume_hash_view(const char *name, const struct lfi_view *view)
{
    const size_t size = lfi_dtype_size(view->dtype);
    const int64_t total = lfi_view_elements(view), step = BLOCK / (int64_t)size;
    uint64_t hash = hash_bytes(1, name, strlen(name));
    char block[BLOCK];
    int64_t first, n;

    for (first = 0; first < total; first += n) {
        n = total - first < step ? total - first : step;
        lfi_view_read_bits(view, first, n, block);
        hash = hash_bytes(hash, block, (size_t)n * size);
    }
    return hash;
}

uint64_t lfi_resume_hash_text(const char *key, const char *value)
{
    return hash_bytes(hash_bytes(2, key, strlen(key)), value, strlen(value));
}
