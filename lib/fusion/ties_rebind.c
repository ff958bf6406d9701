/* ties_rebind.c - telling the caller where its memory went: all of it, or nothing */
#include "fusion/fusion.h"

static int32_t tell(const struct lfi_ties *ties, int64_t layer, int32_t parameter,
                    void *data)
{
    return ties->options.rebind(ties->layers[layer]->name,
                                lfi_ties_parameter(ties, layer, parameter)->name, data,
                                ties->options.rebind_user);
}

/* Takes back what was told before parameter `end` of the layer at index, latest first. */
static void take_back(const struct lfi_ties *ties, int64_t index, int32_t end,
                      lfi_destination destination, const void *arg)
{
    int32_t k;

    for (; index >= 0; index--) {
        if (end < 0)
            end = lfi_ties_parameter_count(ties, index);
        for (k = end - 1; k >= 0; k--)
            if (destination(ties, index, k, arg) != NULL)
                (void)tell(ties, index, k,
                           lfi_ties_parameter(ties, index, k)->value->view.data);
        end = -1;
    }
}

static lfuse_status rebind_layer(const struct lfi_ties *ties, int64_t index,
                                 lfi_destination destination, const void *arg,
                                 lfuse_error *err)
{
    const int32_t n = lfi_ties_parameter_count(ties, index);
    int32_t answer, k;
    void *data;

    for (k = 0; k < n; k++) {
        data = destination(ties, index, k, arg);
        if (data == NULL)
            continue;
        answer = tell(ties, index, k, data);
        if (answer == 0)
            continue;
        take_back(ties, index, k, destination, arg);
        return lfi_fail_detail(err, LFUSE_ERR_CALLBACK, answer,
                               "rebind of parameter %s of layer %s returned %d",
                               lfi_ties_parameter(ties, index, k)->name,
                               ties->layers[index]->name, (int)answer);
    }
    return LFUSE_OK;
}

lfuse_status lfi_ties_rebind(const struct lfi_ties *ties, lfi_destination destination,
                             const void *arg, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (ties->options.rebind == NULL)
        return LFUSE_OK;
    for (i = 0; i < ties->count && status == LFUSE_OK; i++)
        status = rebind_layer(ties, i, destination, arg, err);
    return status;
}
