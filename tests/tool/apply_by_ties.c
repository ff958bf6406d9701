/*
 * apply_by_ties.c FILE PLAN OUT - what layerfuse apply does, by other means: copies of all tensors,
 * ties over those of the plan, whose layers are tensors, and an ordinary save, of rows that are tied
 * with banks. What has no weight
 * is called as its name ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <layerfuse/layerfuse.h>

enum { MOST = 300 };

static lfuse_context *ctx;
static lfuse_error err;

static void must(lfuse_status status)
{
    if (status != LFUSE_OK)
        fprintf(stderr, "apply_by_ties: %s\n", err.message), exit(1);
}

/* A tensor of its own, with the same numbers. */
static lfuse_tensor *copy(const lfuse_tensor *from)
{
    int64_t dims[LFUSE_MAX_RANK];
    lfuse_tensor_desc desc;
    lfuse_tensor *tensor;
    int32_t i;

    for (i = 0; i < lfuse_tensor_rank(from); i++)
        dims[i] = lfuse_tensor_dim(from, i);
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dims = dims;
    desc.rank = lfuse_tensor_rank(from);
    desc.dtype = lfuse_tensor_dtype(from);
    must(lfuse_tensor_create(ctx, &desc, &tensor, &err));
    must(lfuse_tensor_copy(tensor, from, &err));
    return tensor;
}

static lfuse_layer *layer_of(const lfuse_plan *plan, int64_t index, lfuse_tensor *value)
{
    lfuse_planned_weight planned;
    lfuse_layer_desc desc;
    lfuse_parameter weight;
    lfuse_layer *layer;

    lfuse_planned_weight_init(&planned, sizeof(planned));
    planned.name = strrchr(lfuse_plan_layer_name(plan, index), '.') + 1;
    if (lfuse_plan_weight_count(plan, index) > 0)
        must(lfuse_plan_weight(plan, index, 0, &planned, &err));
    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = lfuse_plan_layer_name(plan, index);
    desc.param_type = lfuse_plan_layer_type(plan, index);
    must(lfuse_layer_create(ctx, &desc, &layer, &err));
    lfuse_parameter_init(&weight, sizeof(weight));
    weight.name = planned.name;
    weight.value = value;
    if (lfuse_plan_weight_count(plan, index) == 0)
        weight.role = LFUSE_ROLE_NORM;
    weight.output_axis = planned.output_axis;
    must(lfuse_layer_add_parameter(layer, &weight, &err));
    return layer;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Whether a row of layer i is in a group. */
static int shares(const lfuse_plan *plan, int64_t i)
{
    int64_t layer, row, rows, at, owner;
    lfuse_planned_weight w;

    lfuse_planned_weight_init(&w, sizeof(w));
    for (layer = 0; layer < lfuse_plan_layer_count(plan); layer++) {
        if (lfuse_plan_weight_count(plan, layer) == 0)
            continue;
        must(lfuse_plan_weight(plan, layer, 0, &w, &err));
        rows = w.dims[w.output_axis];
        for (row = 0; row < rows; row++) {
            owner = lfuse_plan_row_owner(plan, layer, 0, row, &at);
            if (owner >= 0 && (owner != layer || at != row) && (owner == i || layer == i))
                return 1;
        }
    }
    return 0;
}

/* A bank for each type that has layers whose rows share; their number. */
static int64_t list_banks(const lfuse_plan *plan, lfuse_checkpoint_bank *banks)
{
    static const char *names[MOST][MOST];
    int64_t count = 0, i, k;
    lfuse_planned_weight w;

    lfuse_planned_weight_init(&w, sizeof(w));
    for (i = 0; i < lfuse_plan_layer_count(plan); i++) {
        if (!shares(plan, i))
            continue;
        for (k = 0; k < count; k++)
            if (strcmp(banks[k].name, lfuse_plan_layer_type(plan, i)) == 0)
                break;
        must(lfuse_plan_weight(plan, i, 0, &w, &err));
        banks[k].name = lfuse_plan_layer_type(plan, i);
        banks[k].entries = names[k];
        banks[k].output_axis = w.output_axis;
        names[k][banks[k].count++] = lfuse_plan_layer_name(plan, i);
        count += k == count;
    }
    return count;
}

int main(int argc, char **argv)
{
    static lfuse_checkpoint_entry entries[MOST];
    static lfuse_tensor *tensors[MOST];
    static lfuse_layer *layers[MOST];
    static lfuse_checkpoint_bank banks[MOST];
    lfuse_checkpoint_save_options options;
    lfuse_checkpoint *file;
    lfuse_plan *plan;
    lfuse_ties *ties;
    int64_t count, planned, i;

    if (argc != 4)
        return 2;
    must(lfuse_context_create(NULL, &ctx, &err));
    must(lfuse_checkpoint_open(ctx, argv[1], NULL, &file, &err));
    must(lfuse_plan_load(ctx, argv[2], NULL, &plan, &err));
    count = lfuse_checkpoint_count(file);
    planned = lfuse_plan_layer_count(plan);
    if (count > MOST || planned > MOST)
        return 2;
    for (i = 0; i < count; i++) {
        tensors[i] = copy(lfuse_checkpoint_tensor(file, i));
        entries[i].name = lfuse_checkpoint_name(file, i);
        entries[i].tensor = tensors[i];
        if (lfuse_checkpoint_owner(file, i) != i)
            entries[i].owner =
                lfuse_checkpoint_name(file, lfuse_checkpoint_owner(file, i));
    }
    for (i = 0; i < planned; i++)
        layers[i] = layer_of(
            plan, i,
            tensors[lfuse_checkpoint_find(file, lfuse_plan_layer_name(plan, i))]);
    must(lfuse_ties_create(ctx, layers, planned, NULL, &ties, &err));
    must(lfuse_ties_apply(ties, plan, &err));
    must(lfuse_ties_finalise(ties, &err));
    for (i = 0; i < planned; i++)
        if (lfuse_ties_owner(ties, i) != i)
            entries[lfuse_checkpoint_find(file, lfuse_plan_layer_name(plan, i))].owner =
                lfuse_plan_layer_name(plan, lfuse_ties_owner(ties, i));
    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.bank_count = list_banks(plan, banks);
    options.banks = banks;
    must(lfuse_checkpoint_save(ctx, argv[3], entries, count, &options, &err));
    lfuse_ties_destroy(ties);
    for (i = 0; i < planned; i++)
        lfuse_layer_destroy(layers[i]);
    for (i = 0; i < count; i++)
        lfuse_tensor_destroy(tensors[i]);
    lfuse_plan_destroy(plan);
    lfuse_checkpoint_close(file);
    lfuse_context_destroy(ctx);
    return 0;
}
