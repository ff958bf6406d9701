/*
 * compress_state.c - a run that was killed goes on with the same bits
 *
 * PREFIX.N is the network after N epochs, before the retrainer had its turn: weights, momentum,
 * statistics, and what is known of the epochs. To go on, the retrainer's turns are taken again,
 * each on the state that it saw, without the training between: so layers are tied as they were,
 * and the last state is then theirs. Only states that a fusion came after are needed for that, and
 * the last one. Images, their order and mixes of layers depend on numbers of epoch and step alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unistd.h>

#include "compress_run.h"
#include "error.h"

enum { SCORES = 8 }; /* numbers of a row */

struct name {
    char text[96];
};

/* What is in a file. */
struct state {
    lfuse_checkpoint_entry entries[2 * RESNET_MAX_TENSORS];
    struct name names[2 * RESNET_MAX_TENSORS];
    int64_t count;
    lfuse_tensor *epoch, *metrics, *rows; /* f64 */
    char run[1024];
};

static void path_of(const struct run *run, const char *what, char *path, size_t size)
{
    snprintf(path, size, "%s.%s", run->options.resume, what);
}

static void path_of_epoch(const struct run *run, int64_t epoch, char *path, size_t size)
{
    char text[24];

    snprintf(text, sizeof(text), "%lld", (long long)epoch);
    path_of(run, text, path, size);
}

/* Two runs that agree in this have the same bits, where they share an instruction set. */
static void describe(const struct compress_options *o, char *text, size_t size)
{
    snprintf(
        text, size,
        "data %s weights %s train %lld,%g blocks %lld width %lld ratio %g policy %s "
        "metric %s "
        "freeze %s combine %s scope %s linkage %s max-group %lld places %d align %d "
        "forget %d "
        "exclude %s distil %s smoothing %g epochs %lld fusions %lld interval %lld "
        "bn-batches %lld "
        "batch %lld lr %g warm-up %lld momentum %g decay %g isa %s seed %lld holdout "
        "%lld limit %lld",
        o->data, o->weights, (long long)o->train, o->train_learning_rate,
        (long long)o->blocks, (long long)o->width, o->ratio, o->policy_name,
        o->metric_name, o->freeze_name, o->combine_name, o->scope_name, o->linkage_name,
        (long long)o->max_group, o->places, o->align, o->forget,
        o->exclude != NULL ? o->exclude : "nothing",
        o->distil != NULL ? o->distil : "nothing", o->smoothing, (long long)o->epochs,
        (long long)o->fusions, (long long)o->interval, (long long)o->bn_batches,
        (long long)o->batch, o->learning_rate, (long long)o->warm_up, o->momentum,
        o->weight_decay, o->isa_name, (long long)o->seed, (long long)o->holdout,
        (long long)o->limit);
}

/* ---- what is in a file ------------------------------------------------------------------------ */

static void add(struct state *s, const char *before, const char *layer, const char *name,
                const lfuse_tensor *tensor)
{
    snprintf(s->names[s->count].text, sizeof(s->names[0].text), "%s%s.%s", before, layer,
             name);
    s->entries[s->count].name = s->names[s->count].text;
    s->entries[s->count++].tensor = tensor;
}

static lfuse_status numbers(struct run *run, int64_t count, lfuse_tensor **out,
                            lfuse_error *err)
{
    lfuse_tensor_desc desc;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = LFUSE_F64;
    desc.rank = 1;
    desc.dims = &count;
    return lfuse_tensor_create(run->ctx, &desc, out, err);
}

static lfuse_status add_network(struct run *run, struct state *s, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;
    int64_t i;
    int32_t k;

    for (i = 0; i < run->net->layer_count; i++)
        for (k = 0; k < lfuse_layer_parameter_count(run->net->layers[i]); k++) {
            lfuse_parameter_init(&p, sizeof(p));
            status = lfuse_layer_parameter(run->net->layers[i], k, &p, err);
            if (status != LFUSE_OK)
                return status;
            add(s, "", p.layer, p.name, p.value);
            if (p.state[0] != NULL)
                add(s, "momentum of ", p.layer, p.name, p.state[0]);
        }
    return LFUSE_OK;
}

static void destroy(struct state *s)
{
    if (s == NULL)
        return;
    lfuse_tensor_destroy(s->rows);
    lfuse_tensor_destroy(s->metrics);
    lfuse_tensor_destroy(s->epoch);
    free(s);
}

static lfuse_status create(struct run *run, struct state **out, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct state *s = calloc(1, sizeof(*s));
    lfuse_status status;

    *out = s;
    if (s == NULL)
        return example_fail(err, LFUSE_ERR_NO_MEMORY, "no memory for a state");
    describe(o, s->run, sizeof(s->run));
    status = add_network(run, s, err);
    if (status == LFUSE_OK)
        status = numbers(run, 1, &s->epoch, err);
    if (status == LFUSE_OK)
        status = numbers(run, o->epochs + 1, &s->metrics, err);
    if (status == LFUSE_OK)
        status = numbers(run, o->fusions * SCORES, &s->rows, err);
    if (status != LFUSE_OK)
        return status;
    add(s, "", "run", "epoch", s->epoch);
    add(s, "", "run", "metrics", s->metrics);
    add(s, "", "run", "rows", s->rows);
    return LFUSE_OK;
}

/* ---- out ---------------------------------------------------------------------------------------- */

static void put_score(double *to, const struct score *score)
{
    to[0] = (double)score->right;
    to[1] = (double)score->images;
    to[2] = score->loss;
}

static void put_run(const struct run *run, struct state *s, int64_t epoch)
{
    double *rows = lfuse_tensor_data(s->rows);
    int64_t i;

    *(double *)lfuse_tensor_data(s->epoch) = (double)epoch;
    memcpy(lfuse_tensor_data(s->metrics), run->metrics, lfuse_tensor_bytes(s->metrics));
    for (i = 0; i < run->row_count; i++) {
        put_score(rows + i * SCORES, &run->rows[i].fused);
        put_score(rows + i * SCORES + 3, &run->rows[i].retrained);
        rows[i * SCORES + 6] = (double)run->rows[i].epochs;
        rows[i * SCORES + 7] = run->rows[i].seconds;
    }
}

static lfuse_status save(struct run *run, const char *path, int64_t epoch,
                         lfuse_error *err)
{
    const char *metadata[2] = {"run", NULL};
    lfuse_checkpoint_save_options options;
    struct state *s;
    lfuse_status status = create(run, &s, err);

    if (status == LFUSE_OK) {
        put_run(run, s, epoch);
        metadata[1] = s->run;
        lfuse_checkpoint_save_options_init(&options, sizeof(options));
        options.metadata = metadata;
        options.metadata_count = 1;
        status =
            lfuse_checkpoint_save(run->ctx, path, s->entries, s->count, &options, err);
    }
    destroy(s);
    return status;
}

/* ---- back ---------------------------------------------------------------------------------------- */

static void get_score(const double *from, struct score *score)
{
    score->right = (int64_t)from[0];
    score->images = (int64_t)from[1];
    score->loss = from[2];
}

static void get_run(struct run *run, const struct state *s)
{
    const double *rows = lfuse_tensor_data(s->rows);
    int64_t i;

    memcpy(run->metrics, lfuse_tensor_data(s->metrics), lfuse_tensor_bytes(s->metrics));
    for (i = 0; i < run->row_count; i++) {
        get_score(rows + i * SCORES, &run->rows[i].fused);
        get_score(rows + i * SCORES + 3, &run->rows[i].retrained);
        run->rows[i].epochs = (int64_t)rows[i * SCORES + 6];
        run->rows[i].seconds = rows[i * SCORES + 7];
    }
}

static lfuse_status read_entry(const lfuse_checkpoint *file, const char *path,
                               const lfuse_checkpoint_entry *entry, lfuse_error *err)
{
    int64_t index = lfuse_checkpoint_find(file, entry->name);

    if (index < 0)
        return example_fail(err, LFUSE_ERR_NAME, "%s holds no %s", path, entry->name);
    return lfuse_tensor_copy((lfuse_tensor *)entry->tensor,
                             lfuse_checkpoint_tensor(file, index), err);
}

static lfuse_status load(struct run *run, const char *path, int64_t *epoch,
                         lfuse_error *err)
{
    lfuse_checkpoint *file;
    struct state *s;
    lfuse_status status = create(run, &s, err);
    const char *whose;
    int64_t i;

    if (status == LFUSE_OK)
        status = lfuse_checkpoint_open(run->ctx, path, NULL, &file, err);
    if (status != LFUSE_OK)
        goto done;
    whose = lfuse_checkpoint_metadata(file, "run");
    if (whose == NULL || strcmp(whose, s->run) != 0)
        status = example_fail(err, LFUSE_ERR_NAME, "%s is of a run with other arguments",
                              path);
    for (i = 0; i < s->count && status == LFUSE_OK; i++)
        status = read_entry(file, path, &s->entries[i], err);
    lfuse_checkpoint_close(file);
    if (status != LFUSE_OK)
        goto done;
    get_run(run, s);
    *epoch = (int64_t) * (const double *)lfuse_tensor_data(s->epoch);
done:
    destroy(s);
    return status;
}

/* Mixes of layers are drawn by the number of the step: as many are counted as were taken. */
static lfuse_status count_steps(struct run *run, int64_t epochs, lfuse_error *err)
{
    int64_t steps = epochs * batches_count(run->batches), i;
    lfuse_status status = LFUSE_OK;

    if (run->options.policy != LFUSE_POLICY_RANDOM)
        return LFUSE_OK;
    for (i = 0; i < steps && status == LFUSE_OK; i++) {
        status = lfuse_retrainer_begin_step(run->retrainer, err);
        if (status == LFUSE_OK)
            status = lfuse_retrainer_combine_gradients(run->retrainer, err);
        if (status == LFUSE_OK)
            status = lfuse_retrainer_end_step(run->retrainer, err);
    }
    return status;
}

/* ---- the files of a run -------------------------------------------------------------------------- */

int64_t compress_state_last(const struct run *run)
{
    char path[4096];
    int64_t epoch;

    if (run->options.resume == NULL)
        return -1;
    for (epoch = run->options.epochs; epoch >= 0; epoch--) {
        path_of_epoch(run, epoch, path, sizeof(path));
        if (access(path, F_OK) == 0)
            break;
    }
    return epoch;
}

lfuse_status compress_state_keep(struct run *run, int64_t epoch, int fused_before,
                                 lfuse_error *err)
{
    char path[4096];
    lfuse_status status;

    path_of_epoch(run, epoch, path, sizeof(path));
    status = save(run, path, epoch, err);
    if (status != LFUSE_OK || epoch == 0 || fused_before)
        return status;
    path_of_epoch(run, epoch - 1, path, sizeof(path));
    if (unlink(path) != 0)
        return example_fail_errno(err, path);
    return LFUSE_OK;
}

lfuse_status compress_state_return(struct run *run, int64_t epoch, lfuse_error *err)
{
    lfuse_status status = count_steps(run, epoch > 0, err);
    char path[4096];
    int64_t ignored;

    path_of_epoch(run, epoch, path, sizeof(path));
    if (status != LFUSE_OK || access(path, F_OK) != 0)
        return status;
    return load(run, path, &ignored, err);
}

lfuse_status compress_train_keep(struct run *run, int64_t epoch, lfuse_error *err)
{
    char path[4096];

    if (run->options.resume == NULL)
        return LFUSE_OK;
    path_of(run, "train", path, sizeof(path));
    return save(run, path, epoch, err);
}

lfuse_status compress_train_resume(struct run *run, int64_t *epoch, lfuse_error *err)
{
    lfuse_status status;
    char path[4096];

    *epoch = 0;
    if (run->options.resume == NULL)
        return LFUSE_OK;
    path_of(run, "train", path, sizeof(path));
    if (access(path, F_OK) != 0)
        return LFUSE_OK;
    status = load(run, path, epoch, err);
    if (status == LFUSE_OK)
        status = count_steps(run, *epoch, err);
    if (status == LFUSE_OK)
        printf("going on from %s, after %lld epochs\n", path, (long long)*epoch);
    return status;
}
