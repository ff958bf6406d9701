/* choice.c - what is known of each layer before anything is measured */
#include "fusion/planning.h"

#include <string.h>

static bool comes_before(const struct lfi_layer *const *layers, int64_t i, int64_t k)
{
    const int32_t p = layers[i]->position, q = layers[k]->position;

    return p != q ? p < q : i < k;
}

/* Among the layers of the same param type that have weights. */
static int64_t rank_of(const struct lfi_layer *const *layers, int64_t count,
                       int64_t index)
{
    int64_t rank = 0, i;

    for (i = 0; i < count; i++)
        rank += comes_before(layers, i, index) && lfi_layer_weight_count(layers[i]) > 0 &&
                strcmp(layers[i]->param_type, layers[index]->param_type) == 0;
    return rank;
}

lfuse_status lfi_choice_create(const struct lfi_env *env,
                               const struct lfi_layer *const *layers, int64_t count,
                               struct lfi_choice *choice, lfuse_error *err)
{
    struct lfi_choice c = {.count = count};
    lfuse_status status;
    int64_t i;

    status = lfi_alloc_zero(env, (size_t)count, sizeof(*c.bar), "choices", &c.bar, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)count, sizeof(*c.rank), "choices", &c.rank, err);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        c.rank[i] = rank_of(layers, count, i);
    *choice = c;
    if (status != LFUSE_OK)
        lfi_choice_destroy(env, choice);
    return status;
}

void lfi_choice_destroy(const struct lfi_env *env, struct lfi_choice *choice)
{
    lfi_free(env, choice->rank, (size_t)choice->count, sizeof(*choice->rank));
    lfi_free(env, choice->bar, (size_t)choice->count, sizeof(*choice->bar));
    *choice = (struct lfi_choice){0};
}
