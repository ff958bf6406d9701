/* gpt_file.c - a network from and to a safetensors file; see gpt.h */
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "models/gpt.h"
#include "models/weights_file.h"

static int ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);

    return n >= m && strcmp(name + n - m, end) == 0;
}

/* Causal masks of older files, and the head that is wte. */
static int is_ignored(const char *name)
{
    return ends_with(name, ".attn.bias") || ends_with(name, ".attn.masked_bias") ||
           strcmp(name, "lm_head.weight") == 0;
}

static lfuse_status read_shape(const struct weights_file *f, int64_t heads,
                               struct gpt_shape *shape, lfuse_error *err)
{
    const lfuse_tensor *wte, *wpe;
    lfuse_status status =
        weights_file_find(f, "wte.weight", 2, "(vocabulary, width)", &wte, err);

    if (status == LFUSE_OK)
        status = weights_file_find(f, "wpe.weight", 2, "(positions, width)", &wpe, err);
    if (status != LFUSE_OK)
        return status;
    shape->vocabulary = lfuse_tensor_dim(wte, 0);
    shape->width = lfuse_tensor_dim(wte, 1);
    shape->positions = lfuse_tensor_dim(wpe, 0);
    shape->blocks = weights_file_blocks(f, "h.", ".ln_1.weight");
    shape->heads = heads > 0 ? heads
                             : (int64_t)weights_file_number(
                                   f, "n_head", (double)((shape->width + 63) / 64));
    if (shape->blocks >= 1 && shape->blocks <= GPT_MAX_BLOCKS)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_NAME,
                        "%s holds %lld blocks %sh.*.ln_1.weight, not 1 to %d", f->path,
                        (long long)shape->blocks, f->prefix, (int)GPT_MAX_BLOCKS);
}

lfuse_status gpt_open(lfuse_context *ctx, const char *path, int64_t heads, int64_t batch,
                      int64_t tokens, enum gpt_mode mode, struct gpt **net,
                      lfuse_error *err)
{
    lfuse_checkpoint_open_options options;
    struct weights_file f = {NULL, path, "", 1, is_ignored};
    struct gpt_shape shape = {0};
    lfuse_checkpoint *file;
    lfuse_status status;

    *net = NULL;
    lfuse_checkpoint_open_options_init(&options, sizeof(options));
    options.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    status = lfuse_checkpoint_open(ctx, path, &options, &file, err);
    if (status != LFUSE_OK)
        return status;
    f.file = file;
    if (lfuse_checkpoint_find(file, "transformer.wte.weight") >= 0)
        f.prefix = "transformer.";
    status = read_shape(&f, heads, &shape, err);
    if (status == LFUSE_OK)
        status = gpt_create(ctx, &shape, batch, tokens > 0 ? tokens : shape.positions,
                            mode, net, err);
    if (status == LFUSE_OK)
        status = weights_file_read(&f, ctx, (*net)->layers, (*net)->layer_count, err);
    if (status != LFUSE_OK) {
        gpt_destroy(*net);
        *net = NULL;
    }
    lfuse_checkpoint_close(file);
    return status;
}

lfuse_status gpt_save(const struct gpt *net, const char *path, lfuse_error *err)
{
    char heads[24];
    const char *metadata[] = {"format", "pt", "n_head", heads};

    snprintf(heads, sizeof(heads), "%lld", (long long)net->shape.heads);
    return weights_file_save(net->ctx, path, 1, net->layers, net->layer_count, metadata,
                             2, err);
}
