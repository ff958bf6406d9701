/* weights_file.c - see weights_file.h */
#include "models/weights_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

struct name {
    char text[160];
};

static struct name name_of(const char *prefix, const lfuse_parameter *p)
{
    struct name name;

    snprintf(name.text, sizeof(name.text), "%s%s.%s", prefix, p->layer, p->name);
    return name;
}

static void shape_text(int32_t rank, const int64_t *dims, char *text, size_t size)
{
    int32_t axis, at = 0;

    text[0] = '\0';
    for (axis = 0; axis < rank && at < (int32_t)size; axis++)
        at += snprintf(text + at, size - (size_t)at, axis == 0 ? "%lld" : "x%lld",
                       (long long)dims[axis]);
}

static void tensor_shape_text(const lfuse_tensor *t, char *text, size_t size)
{
    int64_t dims[LFUSE_MAX_RANK];
    int32_t axis;

    for (axis = 0; axis < lfuse_tensor_rank(t); axis++)
        dims[axis] = lfuse_tensor_dim(t, axis);
    shape_text(lfuse_tensor_rank(t), dims, text, size);
}

/* The parameter as the file has it: a view of the same memory, to be destroyed. */
static lfuse_status view(lfuse_context *ctx, const lfuse_parameter *p, int is_transposed,
                         lfuse_tensor **out, lfuse_error *err)
{
    const int32_t rank = lfuse_tensor_rank(p->value);
    const int32_t turn = is_transposed && rank == 2;
    int64_t dims[2], strides[2];
    lfuse_tensor_desc desc;
    int32_t axis;

    for (axis = 0; axis < rank; axis++) {
        dims[axis] = lfuse_tensor_dim(p->value, turn ? 1 - axis : axis);
        strides[axis] = lfuse_tensor_stride(p->value, turn ? 1 - axis : axis);
    }
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.data = lfuse_tensor_data(p->value);
    desc.dtype = LFUSE_F32;
    desc.rank = rank;
    desc.dims = dims;
    desc.strides = strides;
    return lfuse_tensor_create(ctx, &desc, out, err);
}

/* ---- finding
 * ------------------------------------------------------------------------------------- */

lfuse_status weights_file_find(const struct weights_file *f, const char *name,
                               int32_t rank, const char *what, const lfuse_tensor **found,
                               lfuse_error *err)
{
    struct name whole;

    snprintf(whole.text, sizeof(whole.text), "%s%s", f->prefix, name);
    *found = lfuse_checkpoint_tensor(f->file, lfuse_checkpoint_find(f->file, whole.text));
    if (*found == NULL)
        return example_fail(err, LFUSE_ERR_NAME, "%s holds no %s, expected %s", f->path,
                            whole.text, what);
    if (lfuse_tensor_rank(*found) != rank)
        return example_fail(err, LFUSE_ERR_SHAPE, "%s: %s has %d axes, expected %s",
                            f->path, whole.text, (int)lfuse_tensor_rank(*found), what);
    return LFUSE_OK;
}

int64_t weights_file_blocks(const struct weights_file *f, const char *before,
                            const char *after)
{
    struct name name;
    int64_t n = -1;

    do
        snprintf(name.text, sizeof(name.text), "%s%s%d%s", f->prefix, before, (int)++n,
                 after);
    while (lfuse_checkpoint_find(f->file, name.text) >= 0);
    return n;
}

double weights_file_number(const struct weights_file *f, const char *key,
                           double otherwise)
{
    const char *text = lfuse_checkpoint_metadata(f->file, key);
    char *end = NULL;
    double value;

    if (text == NULL)
        return otherwise;
    value = strtod(text, &end);
    return end != text && *end == '\0' && value > 0.0 && value < 0x1p31 ? value
                                                                        : otherwise;
}

/* ---- reading
 * ------------------------------------------------------------------------------------- */

struct reading {
    const struct weights_file *f;
    lfuse_context *ctx;
    struct name *names; /* of all parameters */
    int64_t count;
};

static lfuse_status refuse_shape(const struct weights_file *f, const char *name,
                                 const lfuse_tensor *found, const lfuse_tensor *expected,
                                 lfuse_error *err)
{
    const int is_turned = lfuse_tensor_rank(found) == 2 &&
                          lfuse_tensor_rank(expected) == 2 &&
                          lfuse_tensor_dim(found, 0) == lfuse_tensor_dim(expected, 1) &&
                          lfuse_tensor_dim(found, 1) == lfuse_tensor_dim(expected, 0);
    char is[128], should[128];

    tensor_shape_text(found, is, sizeof(is));
    tensor_shape_text(expected, should, sizeof(should));
    return example_fail(err, LFUSE_ERR_SHAPE, "%s: %s is %s, expected %s%s", f->path,
                        name, is, should, is_turned ? ": it is transposed" : "");
}

static lfuse_status read_parameter(struct reading *r, const lfuse_layer *layer,
                                   const lfuse_parameter *p, lfuse_error *err)
{
    const int is_transposed =
        r->f->is_transposed && lfuse_layer_kind_of(layer) != LFUSE_LAYER_EMBEDDING;
    struct name *name = &r->names[r->count++];
    const lfuse_tensor *source;
    lfuse_status status;
    lfuse_tensor *target;
    char should[128];

    *name = name_of(r->f->prefix, p);
    source = lfuse_checkpoint_tensor(r->f->file,
                                     lfuse_checkpoint_find(r->f->file, name->text));
    status = view(r->ctx, p, is_transposed, &target, err);
    if (status != LFUSE_OK)
        return status;
    if (source == NULL) {
        tensor_shape_text(target, should, sizeof(should));
        status = example_fail(err, LFUSE_ERR_NAME, "%s holds no %s, expected %s",
                              r->f->path, name->text, should);
    } else if (lfuse_tensor_copy(target, source, NULL) != LFUSE_OK) {
        status = refuse_shape(r->f, name->text, source, target, err);
    }
    lfuse_tensor_destroy(target);
    return status;
}

static int is_known(const struct reading *r, const char *name)
{
    const size_t prefix = strlen(r->f->prefix);
    int64_t i;

    for (i = 0; i < r->count; i++)
        if (strcmp(r->names[i].text, name) == 0)
            return 1;
    if (strncmp(name, r->f->prefix, prefix) == 0)
        name += prefix;
    return r->f->is_ignored != NULL && r->f->is_ignored(name);
}

static lfuse_status check_rest(const struct reading *r, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < lfuse_checkpoint_count(r->f->file); i++) {
        const char *name = lfuse_checkpoint_name(r->f->file, i);

        if (!is_known(r, name))
            return example_fail(err, LFUSE_ERR_NAME,
                                "%s holds %s, which is none of the %lld tensors expected",
                                r->f->path, name, (long long)r->count);
    }
    return LFUSE_OK;
}

static int64_t parameters_of(lfuse_layer *const *layers, int64_t count)
{
    int64_t all = 0, i;

    for (i = 0; i < count; i++)
        all += lfuse_layer_parameter_count(layers[i]);
    return all;
}

lfuse_status weights_file_read(const struct weights_file *f, lfuse_context *ctx,
                               lfuse_layer *const *layers, int64_t count,
                               lfuse_error *err)
{
    struct reading r = {f, ctx, NULL, 0};
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    r.names = calloc((size_t)parameters_of(layers, count), sizeof(*r.names));
    if (r.names == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory to read %s", f->path);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        for (k = 0; k < lfuse_layer_parameter_count(layers[i]) && status == LFUSE_OK;
             k++) {
            lfuse_parameter_init(&p, sizeof(p));
            status = lfuse_layer_parameter(layers[i], k, &p, err);
            if (status == LFUSE_OK)
                status = read_parameter(&r, layers[i], &p, err);
        }
    if (status == LFUSE_OK)
        status = check_rest(&r, err);
    free(r.names);
    return status;
}

/* ---- writing
 * ------------------------------------------------------------------------------------- */

struct writing {
    lfuse_checkpoint_entry *entries;
    struct name *names;
    lfuse_tensor **views;
    int64_t count;
    lfuse_checkpoint_residual_entry *residuals;
    int64_t residual_count;
};

/* Whether a name ends so, and where that begins. */
static int ends_with(const char *name, const char *end, size_t *at)
{
    const size_t n = strlen(name), m = strlen(end);

    *at = n - m;
    return n >= m && strcmp(name + *at, end) == 0;
}

/* Entries "x.down" and "x.up" are the factors of what is added to "x.weight". */
static void list_residuals(struct writing *w, int is_transposed)
{
    size_t at, other;
    int64_t i, k;

    for (i = 0; i + 1 < w->count; i++) {
        lfuse_checkpoint_residual_entry *r = &w->residuals[w->residual_count];
        const char *up = w->names[i].text, *down = w->names[i + 1].text;

        if (!ends_with(up, ".up", &at) || !ends_with(down, ".down", &other))
            continue;
        for (k = 0; k < w->count; k++)
            if (strncmp(w->names[k].text, up, at) == 0 &&
                strcmp(w->names[k].text + at, ".weight") == 0)
                r->weight = w->names[k].text;
        r->a = up;
        r->b = down;
        r->output_axis = is_transposed;
        w->residual_count++;
    }
}

static lfuse_status list(lfuse_context *ctx, struct writing *w, const lfuse_layer *layer,
                         int is_transposed, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int32_t k;

    if (lfuse_layer_kind_of(layer) == LFUSE_LAYER_EMBEDDING)
        is_transposed = 0;
    for (k = 0; k < lfuse_layer_parameter_count(layer) && status == LFUSE_OK; k++) {
        lfuse_parameter_init(&p, sizeof(p));
        status = lfuse_layer_parameter(layer, k, &p, err);
        if (status == LFUSE_OK)
            status = view(ctx, &p, is_transposed && p.role != LFUSE_ROLE_RESIDUAL,
                          &w->views[w->count], err);
        if (status != LFUSE_OK)
            break;
        w->names[w->count] = name_of("", &p);
        w->entries[w->count].name = w->names[w->count].text;
        w->entries[w->count].tensor = w->views[w->count];
        w->count++;
    }
    return status;
}

lfuse_status weights_file_save(lfuse_context *ctx, const char *path, int is_transposed,
                               lfuse_layer *const *layers, int64_t count,
                               const char *const *metadata, int64_t keys,
                               lfuse_error *err)
{
    const size_t most = (size_t)parameters_of(layers, count);
    struct writing w = {.entries = calloc(most, sizeof(*w.entries)),
                        .names = calloc(most, sizeof(*w.names)),
                        .views = calloc(most, sizeof(*w.views)),
                        .residuals = calloc(most, sizeof(*w.residuals))};
    lfuse_checkpoint_save_options options;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (w.entries == NULL || w.names == NULL || w.views == NULL || w.residuals == NULL)
        status = example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory to write %s", path);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        status = list(ctx, &w, layers[i], is_transposed, err);
    list_residuals(&w, is_transposed);
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = keys;
    options.residuals = w.residuals;
    options.residual_count = w.residual_count;
    if (status == LFUSE_OK)
        status = lfuse_checkpoint_save(ctx, path, w.entries, w.count, &options, err);
    while (w.count > 0)
        lfuse_tensor_destroy(w.views[--w.count]);
    free(w.residuals);
    free(w.views);
    free(w.names);
    free(w.entries);
    return status;
}
