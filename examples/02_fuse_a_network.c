/*
 * 02_fuse_a_network.c - plan, fuse, undo; then fuse for good, save, and read back
 *
 * Six layers and a head of 16 x 16 weights, in memory of ours, found by pointers of ours;
 * fc2 and fc3 are made most alike, then fc1 and fc4, then fc0 and fc5.
 */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 7, HEAD = 6, WIDTH = 16, BYTES = WIDTH * WIDTH * sizeof(float) };

static const char *const names[] = {"fc0", "fc1", "fc2", "fc3", "fc4", "fc5", "head"};
static float *weights[LAYERS]; /* where the network finds its weights */
static int freed;              /* how many of them we have got back */
static lfuse_error err;

static void must(lfuse_status status)
{
    if (status != LFUSE_OK)
        fprintf(stderr, "%s: %s\n", lfuse_status_name(status), err.message), exit(1);
}

/* The library calls this: the weights of this layer are at data from now on. */
static int32_t rebind(const char *layer, const char *parameter, void *data, void *user)
{
    (void)parameter, (void)user;
    for (int i = 0; i < LAYERS; i++)
        if (strcmp(layer, names[i]) == 0)
            weights[i] = data;
    return 0; /* we agree */
}

static void release(void *data, void *user) /* and this: data is needed no more */
{
    (void)user;
    free(data), freed++;
}

static void show(const char *when, const lfuse_ties *ties)
{
    lfuse_account now = {.struct_size = sizeof(now)};

    must(lfuse_ties_account(ties, LFUSE_BASE_CANDIDATES, &now, &err));
    printf("%-9s %6d %6.2f %6d %9d %6d %9.5f\n", when, (int)now.candidates_unique,
           now.ratio, (int)now.all_unique, (int)lfuse_ties_resident_bytes(ties), freed,
           weights[3][0]);
}

int main(void)
{
    const int64_t dims[] = {WIDTH, WIDTH};
    lfuse_plan_options wish = {.struct_size = sizeof(wish), .ratio = 2};
    lfuse_ties_options how = {.struct_size = sizeof(how), .rebind = rebind};
    lfuse_fusion f = {.struct_size = sizeof(f)};
    lfuse_checkpoint_entry entries[LAYERS] = {{0}};
    lfuse_layer *layers[LAYERS];
    lfuse_tensor *tensors[LAYERS];
    lfuse_checkpoint *file;
    lfuse_context *ctx;
    lfuse_plan *plan;
    lfuse_ties *ties;

    must(lfuse_context_create(NULL, &ctx, &err));
    for (int i = 0; i < LAYERS; i++) {
        lfuse_tensor_desc view = {.struct_size = sizeof(view), .dims = dims, .rank = 2};
        lfuse_layer_desc layer = {.struct_size = sizeof(layer), .name = names[i]};
        lfuse_parameter weight = {.struct_size = sizeof(weight), .name = "weight"};
        int twin = i < 3 ? i : 5 - i; /* 0 1 2 2 1 0, and -1 for the head */

        weights[i] = malloc(BYTES);
        for (int k = 0; weights[i] != NULL && k < WIDTH * WIDTH; k++)
            weights[i][k] = (float)(k * (5 + twin) % 17 + i - twin) / 16;
        view.data = weights[i], view.dtype = LFUSE_F32, view.release = release;
        must(lfuse_tensor_create(ctx, &view, &tensors[i], &err));
        layer.position = i, layer.param_type = i == HEAD ? "head" : "fc";
        must(lfuse_layer_create(ctx, &layer, &layers[i], &err));
        weight.value = tensors[i];
        must(lfuse_layer_add_parameter(layers[i], &weight, &err));
        entries[i].name = names[i], entries[i].tensor = tensors[i];
    }
    must(lfuse_plan_build(ctx, (const lfuse_layer *const *)layers, LAYERS, &wish, &plan,
                          &err));
    for (int i = 0; i < lfuse_plan_fusion_count(plan); i++) {
        must(lfuse_plan_fusion(plan, i, &f, &err));
        printf("%s and %s are %.2f apart: both in %s, ratio %.2f\n", names[f.a],
               names[f.b], f.score, names[f.kept], f.ratio);
    }

    printf("             fc  ratio    all  resident  freed    fc3[0]\n");
    how.flags = LFUSE_TIES_KEEP_ORIGINALS; /* a trial: undo stays possible */
    must(lfuse_ties_create(ctx, layers, LAYERS, &how, &ties, &err)), show("before", ties);
    must(lfuse_ties_apply(ties, plan, &err)), show("fused", ties);
    must(lfuse_ties_undo(ties, &err)), show("undone", ties);
    lfuse_ties_destroy(ties);
    how.flags = 0; /* for good: memory that is needed no more comes back */
    must(lfuse_ties_create(ctx, layers, LAYERS, &how, &ties, &err));
    must(lfuse_ties_apply(ties, plan, &err)), show("for good", ties);

    must(lfuse_checkpoint_save(ctx, "fused.safetensors", entries, LAYERS, NULL, &err));
    must(lfuse_checkpoint_open(ctx, "fused.safetensors", NULL, &file, &err));
    for (int i = 0; i < LAYERS; i++) {
        int64_t at = lfuse_checkpoint_find(file, names[i]);
        const void *read = lfuse_tensor_data(lfuse_checkpoint_tensor(file, at));

        printf("%s is in the file as %s, %s\n", names[i],
               lfuse_checkpoint_name(file, lfuse_checkpoint_owner(file, at)),
               memcmp(read, weights[i], BYTES) == 0 ? "equal" : "different");
    }
    lfuse_checkpoint_close(file);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    for (int i = 0; i < LAYERS; i++)
        lfuse_layer_destroy(layers[i]), lfuse_tensor_destroy(tensors[i]);
    lfuse_context_destroy(ctx);
    return 0;
}
