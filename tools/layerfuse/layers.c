/* layers.c - see layers.h */
#include "layers.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

/* ---- output axes --------------------------------------------------------------------------- */

/* The axis of GLOB=N, or -1. */
static int32_t axis_of(const char *item)
{
    const char *equals = strrchr(item, '=');

    if (equals == NULL || equals == item || equals[1] < '0' ||
        equals[1] >= '0' + LFUSE_MAX_RANK || equals[2] != '\0')
        return -1;
    return equals[1] - '0';
}

static int matches(const char *item, const char *name)
{
    size_t length = (size_t)(strrchr(item, '=') - item);
    char *glob = lfc_copy(item, length);
    int found = strcmp(glob, name) == 0 || fnmatch(glob, name, 0) == 0;

    free(glob);
    return found;
}

const char lfc_axes_help[] = "the axis that counts output units (0), of tensors whose\n"
                             "name matches; the last match wins";

int lfc_axes_check(const struct lfc_list *axes)
{
    int i;

    for (i = 0; i < axes->count; i++)
        if (axis_of(axes->items[i]) < 0)
            return lfc_fail(LFC_USAGE,
                            "--output-axis: '%s' is not GLOB=N, N an axis from 0 to %d",
                            axes->items[i], LFUSE_MAX_RANK - 1);
    return LFC_DONE;
}

int lfc_axes_match(const struct lfc_list *axes, const lfuse_checkpoint *checkpoint)
{
    int64_t count = lfuse_checkpoint_count(checkpoint), k;
    int i;

    for (i = 0; i < axes->count; i++) {
        for (k = 0; k < count; k++)
            if (matches(axes->items[i], lfuse_checkpoint_name(checkpoint, k)))
                break;
        if (k == count)
            return lfc_fail(LFC_FAILED, "--output-axis: no tensor matches '%.*s'",
                            (int)(strrchr(axes->items[i], '=') - axes->items[i]),
                            axes->items[i]);
    }
    return LFC_DONE;
}

int32_t lfc_axes_of(const struct lfc_list *axes, const char *name)
{
    int i;

    for (i = axes->count; i > 0; i--) /* the last match wins */
        if (matches(axes->items[i - 1], name))
            return axis_of(axes->items[i - 1]);
    return 0;
}

/* ---- layers -------------------------------------------------------------------------------- */

static int make_layer(lfuse_context *ctx, const char *name, const lfuse_tensor *tensor,
                      const char *param_type, int32_t output_axis, lfuse_layer **layer)
{
    lfuse_parameter weight;
    lfuse_layer_desc desc;
    lfuse_error err;

    if (output_axis >= lfuse_tensor_rank(tensor))
        return lfc_fail(LFC_FAILED, "--output-axis: %s has rank %d, there is no axis %d",
                        name, (int)lfuse_tensor_rank(tensor), (int)output_axis);
    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = param_type;
    lfuse_parameter_init(&weight, sizeof(weight));
    weight.name = "weight";
    weight.value = (lfuse_tensor *)tensor; /* what is only compared is only read */
    weight.output_axis = output_axis;
    if (lfuse_layer_create(ctx, &desc, layer, &err) != LFUSE_OK ||
        lfuse_layer_add_parameter(*layer, &weight, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s: %s", name, err.message);
    return LFC_DONE;
}

int lfc_layers_make(lfuse_context *ctx, const lfuse_checkpoint *checkpoint,
                    const struct lfc_type *type, const struct lfc_list *axes,
                    lfuse_layer ***layers)
{
    int code = LFC_DONE;
    int64_t i;

    *layers = lfc_alloc((size_t)type->count, sizeof(**layers));
    for (i = 0; i < type->count && code == LFC_DONE; i++) {
        int64_t index = type->tensors[i];
        const char *name = lfuse_checkpoint_name(checkpoint, index);

        code = make_layer(ctx, name, lfuse_checkpoint_tensor(checkpoint, index),
                          type->pattern, lfc_axes_of(axes, name), &(*layers)[i]);
    }
    if (code != LFC_DONE) {
        lfc_layers_free(*layers, type->count);
        *layers = NULL;
    }
    return code;
}

void lfc_layers_free(lfuse_layer **layers, int64_t count)
{
    while (count > 0)
        lfuse_layer_destroy(layers[--count]);
    free(layers);
}
