/*
 * 01_similarity.c - how alike are the layers of a network?
 *
 * Five weights of 8 x 6, made here so that the answer is known: `near` is `base` and noise,
 * `scaled` is three times `base` and noise, `flipped` has the rows of `near` in the opposite
 * order, `other` has nothing to do with them. A sixth, `wide`, is 6 x 8.
 *
 *     cc 01_similarity.c $(pkg-config --cflags --libs layerfuse) && ./a.out
 */
#include <layerfuse/layerfuse.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 8, COLUMNS = 6, ALIKE = 5, COUNT = 6 }; /* only the first five compare */

static const char *const names[] = {"base", "near", "scaled", "flipped", "other", "wide"};
static float weights[COUNT][ROWS][COLUMNS]; /* stands for the memory of your network */
static lfuse_error err;

static void must(lfuse_status status)
{
    if (status != LFUSE_OK)
        fprintf(stderr, "%s: %s\n", lfuse_status_name(status), err.message), exit(1);
}

static float noise(void) /* in [-1, 1), the same on every machine */
{
    static uint32_t state = 1;

    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / 8388608.0f - 1.0f;
}

static void make_weights(void)
{
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++) {
            float base = noise();

            weights[0][r][c] = weights[5][r][c] = base;
            weights[1][r][c] = base + 0.25f * noise();
            weights[2][r][c] = 3.0f * base + 0.25f * noise();
            weights[3][ROWS - 1 - r][c] = weights[1][r][c];
            weights[4][r][c] = noise();
        }
}

/* A layer of one weight: a view of weights[i], which stays ours and is not copied. */
static lfuse_layer *describe(lfuse_context *ctx, int i, lfuse_tensor **tensor)
{
    const int64_t sides[] = {ROWS, COLUMNS, ROWS};
    lfuse_tensor_desc view = {.struct_size = sizeof(view), .data = weights[i]};
    lfuse_layer_desc desc = {.struct_size = sizeof(desc), .name = names[i]};
    lfuse_parameter weight = {.struct_size = sizeof(weight), .name = "weight"};
    lfuse_layer *layer;

    view.dims = i < ALIKE ? sides : sides + 1, view.rank = 2, view.dtype = LFUSE_F32;
    must(lfuse_tensor_create(ctx, &view, tensor, &err));
    desc.param_type = "linear"; /* only layers of one param type are ever compared */
    must(lfuse_layer_create(ctx, &desc, &layer, &err));
    weight.value = *tensor;
    must(lfuse_layer_add_parameter(layer, &weight, &err));
    return layer;
}

static void compare(lfuse_context *ctx, const lfuse_layer *const *layers, int count,
                    lfuse_metric metric)
{
    lfuse_similarity_options options = {.struct_size = sizeof(options), .metric = metric};
    lfuse_metric_properties info = {.struct_size = sizeof(info)};
    double m[COUNT * COUNT]; /* row by row */
    int a = 0, b = 1;        /* the most alike so far */

    must(lfuse_metric_info(metric, &info, &err));
    printf("%s, %s is more alike\n", info.name, info.is_distance ? "smaller" : "greater");
    if (lfuse_similarity_matrix(ctx, layers, count, &options, m, &err) != LFUSE_OK) {
        printf("  %s: %s\n", lfuse_status_name(err.status), err.message);
        return;
    }
    for (int i = 0; i < count; i++) {
        printf("  %-8s", names[i]);
        for (int j = 0; j < count; j++) {
            printf(" %7.3f", m[i * count + j]);
            if (j > i && (m[i * count + j] < m[a * count + b]) == info.is_distance)
                a = i, b = j;
        }
        printf("\n");
    }
    printf("  most alike: %s and %s\n", names[a], names[b]);
}

int main(void)
{
    lfuse_layer *layers[COUNT];
    lfuse_tensor *tensors[COUNT];
    const lfuse_layer *const *all = (const lfuse_layer *const *)layers;
    lfuse_context *ctx;

    make_weights();
    must(lfuse_context_create(NULL, &ctx, &err));
    for (int i = 0; i < COUNT; i++)
        layers[i] = describe(ctx, i, &tensors[i]);
    compare(ctx, all, ALIKE, LFUSE_METRIC_EUCLIDEAN);
    compare(ctx, all, ALIKE, LFUSE_METRIC_COSINE);
    compare(ctx, all, ALIKE, LFUSE_METRIC_COVARIANCE);
    compare(ctx, all, COUNT, LFUSE_METRIC_COSINE); /* refused: `wide` does not fit */
    weights[4][2][3] = NAN;                        /* the layer sees it: it is a view */
    compare(ctx, all, ALIKE, LFUSE_METRIC_COSINE); /* refused, too */

    for (int i = 0; i < COUNT; i++) {
        lfuse_layer_destroy(layers[i]);
        lfuse_tensor_destroy(tensors[i]);
    }
    lfuse_context_destroy(ctx);
    return 0;
}
