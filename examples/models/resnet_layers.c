/* resnet_layers.c - what layerfuse is told about a network: its layers, and what has to be in order */
#include <stdio.h>

#include "models/resnet_inside.h"

static lfuse_status layer(struct resnet *net, lfuse_layer_kind kind, const char *name,
                          const char *param_type, lfuse_error *err)
{
    lfuse_layer_desc desc;
    lfuse_status status;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = param_type; /* only layers of one type are ever fused */
    desc.kind = kind;
    desc.position = (int32_t)net->layer_count;
    status = lfuse_layer_create(net->cnn.ctx, &desc, &net->layers[net->layer_count], err);
    if (status == LFUSE_OK)
        net->layer_count++;
    return status;
}

/* A parameter of the latest layer. */
static lfuse_status add(struct resnet *net, const char *name, lfuse_role role,
                        const struct cnn_parameter *parameter, lfuse_error *err)
{
    lfuse_parameter p;

    lfuse_parameter_init(&p, sizeof(p));
    p.name = name;
    p.role = role;
    p.value = parameter->value;
    p.gradient = parameter->gradient;
    p.state[0] = parameter->velocity;
    return lfuse_layer_add_parameter(net->layers[net->layer_count - 1], &p, err);
}

static lfuse_status add_statistic(struct resnet *net, const char *name,
                                  lfuse_tensor *value, lfuse_error *err)
{
    struct cnn_parameter p = {.value = value};

    return add(net, name, LFUSE_ROLE_STATISTIC, &p, err);
}

static lfuse_status add_norm(struct resnet *net, const struct cnn_unit *u,
                             const char *name, lfuse_error *err)
{
    char type[64];
    lfuse_status status;

    snprintf(type, sizeof(type), "batch norm %d", (int)u->norm.channels);
    status = layer(net, LFUSE_LAYER_NORM, name, type, err);
    if (status == LFUSE_OK)
        status = add(net, "weight", LFUSE_ROLE_NORM, &u->scale, err);
    if (status == LFUSE_OK)
        status = add(net, "bias", LFUSE_ROLE_NORM, &u->shift, err);
    if (status == LFUSE_OK)
        status = add_statistic(net, "running_mean", u->running_mean, err);
    if (status == LFUSE_OK)
        status = add_statistic(net, "running_var", u->running_variance, err);
    return status;
}

/* The two layers of a unit; its names are prefix + "conv" and "bn" + number. */
static lfuse_status add_unit(struct resnet *net, const struct cnn_unit *u,
                             const char *prefix, int number, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    char norm[64], name[64], type[64];

    snprintf(norm, sizeof(norm), "%sbn%d", prefix, number);
    snprintf(name, sizeof(name), "%sconv%d", prefix, number);
    snprintf(type, sizeof(type), "conv3x3 %d->%d%s", (int)u->conv.in_channels,
             (int)u->conv.out_channels,
             !net->by_place ? ""
             : number == 2  ? ", second"
                            : ", first");
    if (net->width > 0 && u != net->cnn.units)
        status = add_norm(net, u, norm, err);
    if (status == LFUSE_OK)
        status = layer(net, LFUSE_LAYER_CONV2D, name, type, err);
    if (status == LFUSE_OK)
        status = add(net, "weight", LFUSE_ROLE_WEIGHT, &u->weight, err);
    if (status == LFUSE_OK && net->width == 0)
        status = add_norm(net, u, norm, err);
    return status;
}

/* The 1x1 convolution of a wide network's stage. */
static lfuse_status add_shortcut(struct resnet *net, int64_t stage, const char *prefix,
                                 lfuse_error *err)
{
    const lfuse_conv2d_args *conv = &net->shortcut[stage];
    lfuse_status status;
    char name[64], type[64];

    if (net->width == 0 || conv->batch == 0)
        return LFUSE_OK;
    snprintf(name, sizeof(name), "%sshortcut", prefix);
    snprintf(type, sizeof(type), "conv1x1 %d->%d", (int)conv->in_channels,
             (int)conv->out_channels);
    status = layer(net, LFUSE_LAYER_CONV2D, name, type, err);
    if (status == LFUSE_OK)
        status = add(net, "weight", LFUSE_ROLE_WEIGHT, &net->shortcut_weight[stage], err);
    return status;
}

static lfuse_status add_head(struct resnet *net, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    char type[64];

    snprintf(type, sizeof(type), "linear %d->%d",
             (int)lfuse_tensor_dim(net->cnn.linear_weight.value, 1), (int)CNN_CLASSES);
    if (net->width > 0)
        status = add_norm(net, &net->last, "bn", err);
    if (status == LFUSE_OK)
        status = layer(net, LFUSE_LAYER_LINEAR, "linear", type, err);
    if (status == LFUSE_OK)
        status = add(net, "weight", LFUSE_ROLE_WEIGHT, &net->cnn.linear_weight, err);
    if (status == LFUSE_OK)
        status = add(net, "bias", LFUSE_ROLE_BIAS, &net->cnn.linear_bias, err);
    return status;
}

lfuse_status resnet_create_layers(struct resnet *net, lfuse_error *err)
{
    lfuse_status status = add_unit(net, &net->cnn.units[0], "", 1, err);
    char prefix[32];
    int64_t i;

    for (i = 1; i < net->cnn.unit_count && status == LFUSE_OK; i++) {
        int64_t block = (i - 1) / 2, stage = block / net->blocks;

        snprintf(prefix, sizeof(prefix), "layer%d.%d.", (int)stage + 1,
                 (int)(block % net->blocks));
        status = add_unit(net, &net->cnn.units[i], prefix, (int)((i - 1) % 2) + 1, err);
        if (status == LFUSE_OK && (i - 1) % (2 * net->blocks) == 0)
            status = add_shortcut(net, stage, prefix, err);
    }
    return status == LFUSE_OK ? add_head(net, err) : status;
}

lfuse_status resnet_part_places(struct resnet *net, lfuse_error *err)
{
    while (net->layer_count > 0)
        lfuse_layer_destroy(net->layers[--net->layer_count]);
    net->by_place = 1;
    return resnet_create_layers(net, err);
}

/* ---- couplings --------------------------------------------------------------------------------- */

static lfuse_status member(lfuse_couplings *couplings, int64_t space, const char *prefix,
                           const char *layer, const char *parameter, int32_t axis,
                           lfuse_error *err)
{
    lfuse_coupling m;
    char name[64];

    snprintf(name, sizeof(name), "%s%s", prefix, layer);
    lfuse_coupling_init(&m, sizeof(m));
    m.layer = name;
    m.parameter = parameter;
    m.axis = axis;
    return lfuse_couplings_add_member(couplings, space, &m, err);
}

/* Between the convolutions of a wide block: the second normalisation. */
static lfuse_status couple_block(lfuse_couplings *couplings, const char *prefix,
                                 lfuse_error *err)
{
    static const char *const norm[] = {"weight", "bias", "running_mean", "running_var"};
    lfuse_status status;
    int64_t space;
    int i;

    status = lfuse_couplings_add_space(couplings, &space, err);
    if (status == LFUSE_OK)
        status = member(couplings, space, prefix, "conv1", "weight", 0, err);
    for (i = 0; i < 4 && status == LFUSE_OK; i++)
        status = member(couplings, space, prefix, "bn2", norm[i], 0, err);
    if (status == LFUSE_OK)
        status = member(couplings, space, prefix, "conv2", "weight", 1, err);
    return status;
}

lfuse_status resnet_couple(const struct resnet *net, lfuse_couplings *couplings,
                           lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    char prefix[32];
    int64_t block;

    if (net->width == 0)
        return lfuse_couplings_add_preset(couplings, "resnet-basic",
                                          (const lfuse_layer *const *)net->layers,
                                          net->layer_count, 0, err);
    for (block = 0; block < RESNET_STAGES * net->blocks && status == LFUSE_OK; block++) {
        snprintf(prefix, sizeof(prefix), "layer%d.%d.", (int)(block / net->blocks) + 1,
                 (int)(block % net->blocks));
        status = couple_block(couplings, prefix, err);
    }
    return status;
}
