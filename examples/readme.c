/* readme.c - three layers of a network; the two that are most alike get one set of weights */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>

static lfuse_error err;

static void must(lfuse_status status)
{
    if (status == LFUSE_OK)
        return;
    fprintf(stderr, "%s: %s\n", lfuse_status_name(status), err.message);
    exit(1);
}

int main(void)
{
    float weights[3][4] = {
        {1, 2, 3, 4}, {3, 1, 3, 4}, {9, 7, 5, 3}}; /* yours; borrowed */
    const char *const names[3] = {"block1", "block2", "block3"};
    const int64_t dims[] = {2, 2};
    lfuse_plan_options options = {.struct_size = sizeof(options), .ratio = 1.5};
    lfuse_account account = {.struct_size = sizeof(account)};
    lfuse_context *ctx;
    lfuse_tensor *tensors[3];
    lfuse_layer *layers[3];
    lfuse_plan *plan;
    lfuse_ties *ties;

    must(lfuse_context_create(NULL, &ctx, &err));
    for (int i = 0; i < 3; i++) {
        lfuse_tensor_desc tensor = {.struct_size = sizeof(tensor), .data = weights[i]};
        lfuse_layer_desc layer = {.struct_size = sizeof(layer), .name = names[i]};
        lfuse_parameter weight = {.struct_size = sizeof(weight), .name = "weight"};

        tensor.dims = dims, tensor.rank = 2, tensor.dtype = LFUSE_F32;
        must(lfuse_tensor_create(ctx, &tensor, &tensors[i], &err));
        layer.param_type = "linear 2->2", layer.position = i;
        must(lfuse_layer_create(ctx, &layer, &layers[i], &err));
        weight.value = tensors[i];
        must(lfuse_layer_add_parameter(layers[i], &weight, &err));
    }
    must(lfuse_plan_build(ctx, (const lfuse_layer *const *)layers, 3, &options, &plan,
                          &err));
    must(lfuse_ties_create(ctx, layers, 3, NULL, &ties, &err));
    must(lfuse_ties_apply(ties, plan, &err));
    must(lfuse_ties_account(ties, LFUSE_BASE_ALL, &account, &err));
    for (int i = 0; i < 3; i++)
        printf("%s: %g %g %g %g, owned by %s\n", names[i], weights[i][0], weights[i][1],
               weights[i][2], weights[i][3], names[lfuse_ties_owner(ties, i)]);
    printf("%d weights, %d of them unique: %g times smaller\n", (int)account.all_logical,
           (int)account.all_unique, account.ratio);

    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    for (int i = 0; i < 3; i++) {
        lfuse_layer_destroy(layers[i]);
        lfuse_tensor_destroy(tensors[i]);
    }
    lfuse_context_destroy(ctx);
    return 0;
}
