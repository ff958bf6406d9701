/* layer_wrap.c - a layer, its weight and its gradient over the caller's arrays in one call */
#include "handles.h"

static lfuse_status view(lfuse_context *ctx, const lfuse_tensor_desc *desc,
                         const char *what, lfuse_tensor **tensor, lfuse_error *err)
{
    lfuse_tensor_desc d;
    lfuse_status status;

    status = lfi_options_import(&d, sizeof(d), desc, false, what, err);
    if (status == LFUSE_OK && d.release != NULL)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT,
                          "%s.release is given: a layer takes it from a tensor of the "
                          "caller's alone",
                          what);
    return status == LFUSE_OK ? lfuse_tensor_create(ctx, &d, tensor, err) : status;
}

static lfuse_status fill(lfuse_layer *layer, const lfuse_tensor_desc *weight,
                         const lfuse_tensor_desc *gradient, lfuse_error *err)
{
    lfuse_parameter p;
    lfuse_status status;

    status = view(layer->ctx, weight, "weight", &layer->weight, err);
    if (status == LFUSE_OK && gradient != NULL)
        status = view(layer->ctx, gradient, "gradient", &layer->gradient, err);
    if (status != LFUSE_OK)
        return status;
    lfuse_parameter_init(&p, sizeof(p));
    p.name = "weight";
    p.value = layer->weight;
    p.gradient = layer->gradient;
    return lfuse_layer_add_parameter(layer, &p, err);
}

lfuse_status lfuse_layer_wrap(lfuse_context *ctx, const lfuse_layer_desc *desc,
                              const lfuse_tensor_desc *weight,
                              const lfuse_tensor_desc *gradient, lfuse_layer **layer,
                              lfuse_error *err)
{
    lfuse_status status = lfuse_layer_create(ctx, desc, layer, err);

    if (status == LFUSE_OK)
        status = fill(*layer, weight, gradient, err);
    if (status != LFUSE_OK && layer != NULL) {
        lfuse_layer_destroy(*layer);
        *layer = NULL;
    }
    return status;
}
