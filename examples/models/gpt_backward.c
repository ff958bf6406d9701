/* gpt_backward.c - gradients of all weights; see gpt.h */
#include <string.h>

#include "error.h"
#include "models/gpt_inside.h"

#define data tensors_data

static lfuse_status residual_backward(const struct gpt *net,
                                      const struct gpt_linear *linear,
                                      const lfuse_tensor *x, const lfuse_tensor *dy,
                                      lfuse_tensor *dx, lfuse_error *err)
{
    lfuse_linear_residual_args args = gpt_residual_args(net, linear);
    lfuse_status status;

    args.x = data(x);
    args.dy = data(dy);
    args.dw = data(linear->weight.gradient);
    args.da = data(linear->up.gradient);
    args.db = data(linear->down.gradient);
    args.dbias = data(linear->bias.gradient);
    args.dx = data(dx);
    status = lfuse_linear_residual_backward_weights(net->ctx, &args, err);
    return status == LFUSE_OK ? lfuse_linear_residual_backward_data(net->ctx, &args, err)
                              : status;
}

/* Of the weights, and of x into dx. */
static lfuse_status linear_backward(const struct gpt *net,
                                    const struct gpt_linear *linear,
                                    const lfuse_tensor *x, const lfuse_tensor *dy,
                                    lfuse_tensor *dx, lfuse_error *err)
{
    lfuse_linear_args args = gpt_linear_args(net, linear);
    lfuse_status status;

    if (linear->up.value != NULL)
        return residual_backward(net, linear, x, dy, dx, err);
    args.x = data(x);
    args.dy = data(dy);
    args.dw = data(linear->weight.gradient);
    args.dbias = data(linear->bias.gradient);
    args.dx = data(dx);
    status = lfuse_linear_backward_weights(net->ctx, &args, err);
    return status == LFUSE_OK ? lfuse_linear_backward_data(net->ctx, &args, err) : status;
}

/* Adds what comes through the norm of sum to net->gradient, that of sum itself. */
static lfuse_status norm_backward(const struct gpt *net, const struct gpt_norm *norm,
                                  const lfuse_tensor *sum, const lfuse_tensor *dy,
                                  int is_last, lfuse_error *err)
{
    lfuse_layer_norm_args args = gpt_norm_args(net, norm);

    args.x = data(sum);
    args.dy = data(dy);
    args.dsum = is_last ? NULL : data(net->gradient);
    args.dx = data(net->gradient);
    args.dgamma = data(norm->scale.gradient);
    args.dbeta = data(norm->shift.gradient);
    return lfuse_layer_norm_backward(net->ctx, &args, err);
}

/* What reaches the branch at a place: net->gradient itself, unless elements of it were
 * dropped. */
static lfuse_status branch_gradient(const struct gpt *net, int64_t place,
                                    lfuse_tensor **dy, lfuse_error *err)
{
    *dy = net->gradient;
    if (!gpt_drops(net))
        return LFUSE_OK;
    *dy = net->dbranch;
    memcpy(data(*dy), data(net->gradient),
           (size_t)(gpt_rows(net) * net->shape.width) * sizeof(float));
    return gpt_drop(net, *dy, place, err); /* dropped and scaled as forward did it */
}

static lfuse_status mlp_backward(const struct gpt *net, struct gpt_block *b,
                                 int64_t place, lfuse_error *err)
{
    lfuse_activation_args gelu = gpt_gelu_args(net, b);
    lfuse_tensor *dy;
    lfuse_status status = branch_gradient(net, place, &dy, err);

    if (status == LFUSE_OK)
        status = linear_backward(net, &b->narrow, b->activated, dy, net->dwide, err);
    gelu.dy = gelu.dx = data(net->dwide);
    if (status == LFUSE_OK)
        status = lfuse_gelu_backward(net->ctx, &gelu, err);
    if (status == LFUSE_OK)
        status = linear_backward(net, &b->widen, b->middle_normed, net->dwide,
                                 net->dnormed, err);
    return status == LFUSE_OK
               ? norm_backward(net, &b->ln_2, b->middle, net->dnormed, 0, err)
               : status;
}

static lfuse_status attention_backward(const struct gpt *net, struct gpt_block *b,
                                       int64_t place, lfuse_error *err)
{
    lfuse_attention_args args = gpt_attention_args(net, b);
    lfuse_tensor *dy;
    lfuse_status status = branch_gradient(net, place, &dy, err);

    args.statistics = data(b->statistics);
    args.dy = data(net->dnormed);
    args.dq = data(net->dqkv);
    args.dk = args.dq + net->shape.width;
    args.dv = args.dk + net->shape.width;
    if (status == LFUSE_OK)
        status = linear_backward(net, &b->project, b->attended, dy, net->dnormed, err);
    if (status == LFUSE_OK)
        status = lfuse_attention_backward(net->ctx, &args, err);
    if (status == LFUSE_OK)
        status =
            linear_backward(net, &b->attend, b->in_normed, net->dqkv, net->dnormed, err);
    return status == LFUSE_OK ? norm_backward(net, &b->ln_1, b->in, net->dnormed, 0, err)
                              : status;
}

lfuse_status gpt_backward(struct gpt *net, lfuse_error *err)
{
    lfuse_embedding_args embedding = gpt_embedding_args(net);
    lfuse_status status;
    int64_t i;

    if (!net->pass.trains)
        return example_fail(err, LFUSE_ERR_STATE,
                            "the latest forward pass was not for training");
    status = norm_backward(net, &net->ln_f, net->last, net->dnormed, 1, err);
    for (i = net->shape.blocks - 1; i >= 0 && status == LFUSE_OK; i--) {
        struct gpt_block *b = &net->blocks[i];

        if (b->is_dropped)
            continue;
        status = mlp_backward(net, b, 2 + 2 * i, err);
        if (status == LFUSE_OK)
            status = attention_backward(net, b, 1 + 2 * i, err);
    }
    if (status == LFUSE_OK)
        status = gpt_drop(net, net->gradient, 0, err);
    embedding.dy = data(net->gradient);
    embedding.dtable = data(net->wte.gradient); /* the loss has been here before */
    embedding.dpositions = data(net->wpe.gradient);
    tensors_fill(net->wpe.gradient, 0.0f);
    return status == LFUSE_OK ? lfuse_embedding_backward(net->ctx, &embedding, err)
                              : status;
}
