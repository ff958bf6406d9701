/* resnet_file.c - a network from and to a safetensors file; see resnet.h */
#include "models/resnet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

struct file_name {
    char text[96];
};

/* "layer1.0.bn1.running_mean": the layer's name and the parameter's. */
static void file_name(const lfuse_parameter *p, struct file_name *name)
{
    snprintf(name->text, sizeof(name->text), "%s.%s", p->layer, p->name);
}

static void shape_text(const lfuse_tensor *t, char *text, size_t size)
{
    int32_t axis, at = 0;

    for (axis = 0; axis < lfuse_tensor_rank(t) && at < (int32_t)size; axis++)
        at += snprintf(text + at, size - (size_t)at, axis == 0 ? "%lld" : "x%lld",
                       (long long)lfuse_tensor_dim(t, axis));
}

static lfuse_status read_parameter(const lfuse_checkpoint *file, const char *path,
                                   const lfuse_parameter *p, lfuse_error *err)
{
    const lfuse_tensor *source;
    char found[128], expected[128];
    struct file_name name;
    int64_t index;

    file_name(p, &name);
    index = lfuse_checkpoint_find(file, name.text);
    if (index < 0)
        return example_fail(err, LFUSE_ERR_NAME, "%s holds no %s", path, name.text);
    source = lfuse_checkpoint_tensor(file, index);
    if (lfuse_tensor_copy(p->value, source, NULL) == LFUSE_OK)
        return LFUSE_OK;
    shape_text(source, found, sizeof(found));
    shape_text(p->value, expected, sizeof(expected));
    return example_fail(err, LFUSE_ERR_SHAPE, "%s: %s is %s, expected %s", path,
                        name.text, found, expected);
}

static lfuse_status read_layers(struct resnet *net, const lfuse_checkpoint *file,
                                const char *path, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    for (i = 0; i < net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(net->layers[i]); k++) {
            lfuse_parameter_init(&p, sizeof(p));
            status = lfuse_layer_parameter(net->layers[i], k, &p, err);
            if (status == LFUSE_OK)
                status = read_parameter(file, path, &p, err);
            if (status != LFUSE_OK)
                return status;
        }
    return LFUSE_OK;
}

/* A file with more in it is another network, such as one with more blocks in a later stage. */
static lfuse_status check_count(const struct resnet *net, const lfuse_checkpoint *file,
                                const char *path, lfuse_error *err)
{
    int64_t known = 0, i;

    for (i = 0; i < net->layer_count; i++)
        known += lfuse_layer_parameter_count(net->layers[i]);
    if (lfuse_checkpoint_count(file) == known)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_NAME, "%s holds %lld tensors, a %s has %lld", path,
                        (long long)lfuse_checkpoint_count(file), resnet_name(net).text,
                        (long long)known);
}

/* The first n for which the first stage has no block n. */
static int64_t count_blocks(const lfuse_checkpoint *file)
{
    char name[64];
    int64_t n = -1;

    do
        snprintf(name, sizeof(name), "layer1.%d.conv1.weight", (int)++n);
    while (lfuse_checkpoint_find(file, name) >= 0);
    return n;
}

/* k, or 0: what the first stage's shortcut makes of 16 channels. */
static int64_t read_width(const lfuse_checkpoint *file)
{
    int64_t index = lfuse_checkpoint_find(file, "layer1.0.shortcut.weight");

    return index < 0 ? 0 : lfuse_tensor_dim(lfuse_checkpoint_tensor(file, index), 0) / 16;
}

lfuse_status resnet_open(lfuse_context *ctx, const char *path, int64_t batch,
                         enum cnn_mode mode, struct resnet **net, lfuse_error *err)
{
    lfuse_checkpoint *file;
    lfuse_status status;
    int64_t blocks;

    *net = NULL;
    status = lfuse_checkpoint_open(ctx, path, NULL, &file, err);
    if (status != LFUSE_OK)
        return status;
    blocks = count_blocks(file);
    if (blocks < 1 || blocks > RESNET_MAX_BLOCKS)
        status = example_fail(err, LFUSE_ERR_NAME,
                              "%s holds %lld blocks layer1.*.conv1.weight, not 1 to %d",
                              path, (long long)blocks, (int)RESNET_MAX_BLOCKS);
    if (status == LFUSE_OK)
        status = resnet_create_wide(ctx, blocks, read_width(file), batch, mode, net, err);
    if (status == LFUSE_OK)
        status = read_layers(*net, file, path, err);
    if (status == LFUSE_OK)
        status = check_count(*net, file, path, err);
    if (status != LFUSE_OK) {
        resnet_destroy(*net);
        *net = NULL;
    }
    lfuse_checkpoint_close(file);
    return status;
}

/* What goes into a file. */
struct contents {
    lfuse_checkpoint_entry entries[4 * RESNET_MAX_LAYERS];
    struct file_name names[4 * RESNET_MAX_LAYERS];
    int64_t count;
    lfuse_checkpoint_bank banks[RESNET_MAX_LAYERS]; /* of one param type each */
    const char *members[RESNET_MAX_LAYERS]; /* of all banks, one after the other */
    int64_t bank_count;
};

static lfuse_status list_entries(const struct resnet *net, struct contents *c,
                                 lfuse_error *err)
{
    lfuse_status status;
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    for (i = 0; i < net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(net->layers[i]); k++, c->count++) {
            lfuse_parameter_init(&p, sizeof(p));
            status = lfuse_layer_parameter(net->layers[i], k, &p, err);
            if (status != LFUSE_OK)
                return status;
            file_name(&p, &c->names[c->count]);
            c->entries[c->count].name = c->names[c->count].text;
            c->entries[c->count].tensor = p.value;
        }
    return LFUSE_OK;
}

/* The name of a convolution's weight, which is its first parameter. */
static const char *weight_name(const struct resnet *net, const struct contents *c,
                               int64_t layer)
{
    int64_t at = 0, i;

    for (i = 0; i < layer; i++)
        at += lfuse_layer_parameter_count(net->layers[i]);
    return c->names[at].text;
}

/* Convolutions of one param type share filters. */
static void list_banks(const struct resnet *net, struct contents *c)
{
    int64_t used = 0, i, j;

    for (i = 0; i < net->layer_count; i++) {
        const char *type = lfuse_layer_param_type(net->layers[i]);
        lfuse_checkpoint_bank *bank = &c->banks[c->bank_count];

        for (j = 0; j < i; j++)
            if (strcmp(lfuse_layer_param_type(net->layers[j]), type) == 0)
                break;
        if (j < i || lfuse_layer_kind_of(net->layers[i]) != LFUSE_LAYER_CONV2D)
            continue; /* in a bank already */
        *bank = (lfuse_checkpoint_bank){.name = type, .entries = c->members + used};
        for (; j < net->layer_count; j++)
            if (strcmp(lfuse_layer_param_type(net->layers[j]), type) == 0) {
                c->members[used++] = weight_name(net, c, j);
                bank->count++;
            }
        c->bank_count++;
    }
}

lfuse_status resnet_save(const struct resnet *net, const char *path, int by_rows,
                         lfuse_error *err)
{
    struct contents *c = calloc(1, sizeof(*c));
    lfuse_checkpoint_save_options options;
    lfuse_status status;

    if (c == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory to write %s", path);
    status = list_entries(net, c, err);
    if (status == LFUSE_OK && by_rows)
        list_banks(net, c);
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.banks = c->banks;
    options.bank_count = c->bank_count;
    if (status == LFUSE_OK)
        status = lfuse_checkpoint_save(net->cnn.ctx, path, c->entries, c->count, &options,
                                       err);
    free(c);
    return status;
}
