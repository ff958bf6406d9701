/*
 * apply_by_ties.c FILE PLAN OUT - what layerfuse apply does, by other means: copies of all tensors,
 * ties over those of the plan, whose layers are tensors, and an ordinary save. What has no weight
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

int main(int argc, char **argv)
{
    static lfuse_checkpoint_entry entries[MOST];
    static lfuse_tensor *tensors[MOST];
    static lfuse_layer *layers[MOST];
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
    must(lfuse_checkpoint_save(ctx, argv[3], entries, count, NULL, &err));
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
