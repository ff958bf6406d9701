/* windows.c - see windows.h */
#include "data/windows.h"

#include <stdlib.h>

#include "error.h"
#include "random.h"

struct windows {
    const int32_t *all; /* (count) */
    int64_t count, tokens, batch, stride;
    uint64_t seed;
    int64_t windows; /* of an epoch */
    int64_t epoch;   /* that order is of, or -1 */
    int64_t *order;  /* (windows); NULL for scoring */
    int32_t *ids, *labels;
};

lfuse_status windows_create(const int32_t *ids, int64_t count, int64_t tokens,
                            int64_t batch, int64_t stride, uint64_t seed,
                            struct windows **windows, lfuse_error *err)
{
    const int64_t least = stride > 0 ? 2 : 2 * tokens;
    struct windows *w;

    *windows = NULL;
    if (tokens < 1 || batch < 1 || stride < 0 || stride > tokens)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "%lld tokens or a batch of %lld are less than 1, or a stride "
                            "of %lld is not in [0, tokens]",
                            (long long)tokens, (long long)batch, (long long)stride);
    if (count < least)
        return example_fail(err, LFUSE_ERR_ARGUMENT,
                            "a text of %lld ids is too short: windows of %lld need %lld",
                            (long long)count, (long long)tokens, (long long)least);
    w = calloc(1, sizeof(*w));
    if (w == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for windows");
    *w = (struct windows){ids, count, tokens, batch, stride, seed,
                          0,   -1,    NULL,   NULL,  NULL};
    w->windows = stride > 0 && count - 1 <= tokens ? 1
                 : stride > 0 ? 1 + (count - 1 - tokens + stride - 1) / stride
                              : (count - tokens) / tokens; /* wherever they begin */
    w->ids = malloc((size_t)(batch * tokens) * sizeof(*w->ids));
    w->labels = malloc((size_t)(batch * tokens) * sizeof(*w->labels));
    if (stride == 0)
        w->order = malloc((size_t)w->windows * sizeof(*w->order));
    if (w->ids == NULL || w->labels == NULL || (stride == 0 && w->order == NULL)) {
        windows_destroy(w);
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for windows");
    }
    *windows = w;
    return LFUSE_OK;
}

void windows_destroy(struct windows *w)
{
    if (w == NULL)
        return;
    free(w->order);
    free(w->labels);
    free(w->ids);
    free(w);
}

/* Those of training that do not fill a batch are left out, unless they are all there is. */
int64_t windows_count(const struct windows *w)
{
    const int64_t whole = w->windows / w->batch;

    return w->stride == 0 && whole > 0 ? whole : (w->windows + w->batch - 1) / w->batch;
}

/* Fisher & Yates. */
static void shuffle(struct windows *w, int64_t epoch)
{
    int64_t i;

    for (i = 0; i < w->windows; i++)
        w->order[i] = i;
    for (i = w->windows - 1; i > 0; i--) {
        const uint64_t bits = random_bits(w->seed, 2 * (uint64_t)epoch, (uint64_t)i);
        const int64_t k = (int64_t)(bits % (uint64_t)(i + 1)), other = w->order[k];

        w->order[k] = w->order[i];
        w->order[i] = other;
    }
    w->epoch = epoch;
}

/* Where a window begins; *counted is the first of its labels that counts. */
static int64_t place(struct windows *w, int64_t epoch, int64_t window, int64_t *counted)
{
    uint64_t offset;

    *counted = 0;
    if (w->stride > 0) {
        if (window > 0)
            *counted = w->tokens - w->stride;
        return window * w->stride;
    }
    if (epoch != w->epoch)
        shuffle(w, epoch);
    offset = random_bits(w->seed, 2 * (uint64_t)epoch + 1, 0) % (uint64_t)w->tokens;
    return (int64_t)offset + w->order[window] * w->tokens;
}

void windows_at(struct windows *w, int64_t epoch, int64_t index,
                struct window_batch *batch)
{
    int64_t row, i;

    *batch = (struct window_batch){w->ids, w->labels, 0};
    for (row = 0; row < w->batch; row++) {
        const int64_t window = index * w->batch + row;
        int64_t counted = 0;
        int64_t at = window < w->windows ? place(w, epoch, window, &counted) : w->count;
        int32_t *ids = w->ids + row * w->tokens, *labels = w->labels + row * w->tokens;

        for (i = 0; i < w->tokens; i++, at++) {
            const int is_label = at + 1 < w->count && i >= counted;

            ids[i] = at < w->count ? w->all[at] : 0;
            labels[i] = is_label ? w->all[at + 1] : -1;
            batch->labelled += is_label;
        }
    }
}
