/* readme.c - three layers of a network; the two that are most alike get one set of weights */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>

static lfuse_error err;

static void must(lfuse_status status)
{
    if (status != LFUSE_OK)
        fprintf(stderr, "%s: %s\n", lfuse_status_name(status), err.message), exit(1);
}

int main(void)
{
    float w[3][4] = {{1, 2, 3, 4}, {3, 1, 3, 4}, {9, 7, 5, 3}}; /* yours; borrowed */
    const int64_t dims[] = {2, 2};
    const char *const names[3] = {"block1", "block2", "block3"};
    const lfuse_plan_options options = {.struct_size = sizeof(options), .ratio = 1.5};
    lfuse_context *ctx;
    lfuse_layer *layers[3];
    lfuse_plan *plan;
    lfuse_ties *ties;

    must(lfuse_context_create(NULL, &ctx, &err));
    for (int i = 0; i < 3; i++) {
        lfuse_tensor_desc weight = {sizeof(weight), w[i], dims, .dtype = LFUSE_F32,
                                    .rank = 2};
        lfuse_layer_desc layer = {sizeof(layer), names[i], "linear", LFUSE_LAYER_LINEAR,
                                  i};

        must(lfuse_layer_wrap(ctx, &layer, &weight, NULL, &layers[i], &err));
    }
    must(lfuse_plan_build(ctx, (const lfuse_layer *const *)layers, 3, &options, &plan,
                          &err));
    must(lfuse_ties_create(ctx, layers, 3, NULL, &ties, &err));
    must(lfuse_ties_apply(ties, plan, &err));
    for (int i = 0; i < 3; i++)
        printf("%s: %g %g %g %g, owned by %s\n", names[i], w[i][0], w[i][1], w[i][2],
               w[i][3], names[lfuse_ties_owner(ties, i)]);

    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    for (int i = 0; i < 3; i++)
        lfuse_layer_destroy(layers[i]);
    lfuse_context_destroy(ctx);
    return 0;
}
