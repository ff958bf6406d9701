/* ties_memory.c - bytes of the distinct buffers behind all parameters */
#include "fusion/fusion.h"

/* Whether a parameter before this one has the same memory. */
static bool is_seen(const struct lfi_ties *ties, int64_t layer, int32_t parameter,
                    const void *data)
{
    int64_t i;
    int32_t p, n;

    for (i = 0; i <= layer && i < ties->count; i++) {
        n = i < layer ? ties->layers[i]->parameter_count : parameter;
        for (p = 0; p < n; p++)
            if (ties->layers[i]->parameters[p].value->view.data == data &&
                ties->layers[i]->parameters[p].role != LFUSE_ROLE_STATISTIC)
                return true;
    }
    return false;
}

static size_t parameter_bytes(const struct lfi_ties *ties)
{
    size_t bytes = 0;
    int64_t i;
    int32_t p;

    for (i = 0; i < ties->count; i++)
        for (p = 0; p < ties->layers[i]->parameter_count; p++) {
            const struct lfi_parameter *parameter = &ties->layers[i]->parameters[p];
            const struct lfi_view *view = &parameter->value->view;

            if (parameter->role != LFUSE_ROLE_STATISTIC &&
                !is_seen(ties, i, p, view->data))
                bytes += lfi_view_bytes(view);
        }
    return bytes;
}

static size_t held_bytes(const struct lfi_array *array)
{
    return array->storage == NULL ? 0 : lfi_view_bytes(&array->view);
}

static size_t original_bytes(const struct lfi_ties *ties)
{
    const int64_t n = ties->originals == NULL ? 0 : ties->first_original[ties->count];
    size_t bytes = 0;
    int64_t i;

    for (i = 0; i < n; i++)
        bytes += held_bytes(&ties->originals[i].copy[LFI_VALUE]) +
                 held_bytes(&ties->originals[i].own[LFI_VALUE]);
    return bytes;
}

/* Whether a face before this one of the mix has the same memory, or a parameter, or the mix. */
static bool is_known(const struct lfi_ties *ties, const struct lfi_mix *mix, int32_t face)
{
    const void *data = mix->faces[face].other.view.data;
    int32_t i;

    for (i = 0; i < face; i++)
        if (mix->faces[i].other.view.data == data)
            return true;
    return data == mix->buffer.view.data || is_seen(ties, ties->count, 0, data);
}

/* What the mixes have that no parameter points to now. */
static size_t mix_bytes(const struct lfi_ties *ties)
{
    size_t bytes = 0;
    int64_t i;
    int32_t k;

    for (i = 0; i < ties->mixes.count; i++) {
        const struct lfi_mix *mix = &ties->mixes.items[i];

        if (!is_seen(ties, ties->count, 0, mix->buffer.view.data))
            bytes += lfi_view_bytes(&mix->buffer.view);
        for (k = 0; k < mix->count; k++)
            if (!is_known(ties, mix, k))
                bytes += lfi_view_bytes(&mix->faces[k].other.view);
    }
    return bytes;
}

size_t lfi_ties_resident_bytes(const struct lfi_ties *ties)
{
    return parameter_bytes(ties) + original_bytes(ties) + mix_bytes(ties) +
           ties->rows.bank_bytes + ties->rows.mixes_bytes;
}
