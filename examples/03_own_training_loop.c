/* 03_own_training_loop.c - what fusing adds to a training loop of your own is numbered */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 6, WIDTH = 16, SIZE = 256, EPOCHS = 3, STEPS = 4000, BATCH = 20 };

static const char *const names[] = {"w0", "w1", "w2", "w3", "w4", "w5"};
static float w[LAYERS][SIZE], dw[LAYERS][SIZE], rate; /* gradients are dw */
static lfuse_retrainer *r;
static lfuse_error err;

static void must(lfuse_status status)
{
    if (status != LFUSE_OK)
        fprintf(stderr, "%s: %s\n", lfuse_status_name(status), err.message), exit(1);
}

/* Is a square of a board of 3 x 3 white? Six layers h += max(0, W h) answer for one new point,
 * forward and back: > 0 when they are right. Gradients are added to dw. */
static float point(void)
{
    static uint32_t n; /* multiples of two irrational numbers, modulo 1: evenly spread */
    float x = (float)(++n * 3242174889u >> 8) / 8388608.0f - 1.0f;
    float y = (float)(n * 2447445414u >> 8) / 8388608.0f - 1.0f;
    float white = ((int)(1.5f * x + 1.5f) + (int)(1.5f * y + 1.5f)) % 2 ? 1.0f : -1.0f;
    float h[LAYERS + 1][WIDTH] = {{x, y, 1}}, z[LAYERS][WIDTH] = {{0}}, margin;
    float dh[LAYERS + 1][WIDTH] = {[LAYERS] = {[3] = -white, [4] = white}};

    for (int l = 0; l < LAYERS; l++) {
        for (int k = 0; k < SIZE; k++)
            z[l][k / WIDTH] += w[l][k] * h[l][k % WIDTH];
        for (int i = 0; i < WIDTH; i++)
            h[l + 1][i] = h[l][i] + (z[l][i] > 0 ? z[l][i] : 0);
    }
    margin = white * (h[LAYERS][3] - h[LAYERS][4]);
    for (int l = LAYERS - 1; l >= 0 && margin < 1; l--) {
        memcpy(dh[l], dh[l + 1], sizeof(dh[l]));
        for (int k = 0; k < SIZE; k++)
            if (z[l][k / WIDTH] > 0) {
                dw[l][k] += dh[l + 1][k / WIDTH] * h[l][k % WIDTH];
                dh[l][k % WIDTH] += dh[l + 1][k / WIDTH] * w[l][k];
            }
    }
    return margin;
}

static void update(float *v, const float *g)
{
    for (int k = 0; k < SIZE; k++)
        v[k] -= rate * g[k];
}

static double test(void)
{
    double right = 0;

    must(lfuse_retrainer_begin_eval(r, &err)); /* 1 */
    for (int i = 0; i < 1000; i++)
        right += point() > 0;
    must(lfuse_retrainer_end_eval(r, &err)); /* 2 */
    return right / 10;
}

int main(void)
{
    const int64_t dims[] = {WIDTH, WIDTH};
    lfuse_tensor_desc view = {.struct_size = sizeof(view), .dims = dims, .rank = 2};
    lfuse_layer_desc layer = {.struct_size = sizeof(layer), .param_type = "layer"};
    lfuse_parameter p = {.struct_size = sizeof(p), .name = "weight"};
    lfuse_plan_options goal = {.struct_size = sizeof(goal), .ratio = 2};
    lfuse_retrainer_options by = {.struct_size = sizeof(by), .plan = &goal, .fusions = 2};
    lfuse_layer *layers[LAYERS];
    lfuse_verdict verdict;
    lfuse_context *ctx;

    must(lfuse_context_create(NULL, &ctx, &err));
    for (int l = 0; l < LAYERS; l++) {
        for (int k = 0; k < SIZE; k++)
            w[l][k] = (float)((k + 1) * (k + 7 * l + 3) % 37 - 18) / 90;
        view.data = w[l], view.dtype = LFUSE_F32;
        must(lfuse_tensor_create(ctx, &view, &p.value, &err));
        view.data = dw[l], must(lfuse_tensor_create(ctx, &view, &p.gradient, &err));
        layer.name = names[l], layer.position = l;
        must(lfuse_layer_create(ctx, &layer, &layers[l], &err));
        must(lfuse_layer_add_parameter(layers[l], &p, &err));
    }
    must(lfuse_retrainer_create(ctx, layers, LAYERS, &by, &r, &err));
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        double before = test(), after;
        for (int step = 0; step < STEPS; step++) {
            must(lfuse_retrainer_begin_step(r, &err)); /* 3 */
            rate = 0.0025f * (STEPS - step) / STEPS, memset(dw, 0, sizeof(dw));
            for (int i = 0; i < BATCH; i++)
                point();
            must(lfuse_retrainer_combine_gradients(r, &err));                      /* 4 */
            for (int i = 0; i < lfuse_retrainer_parameter_count(r); i++) {         /* 5 */
                must(lfuse_retrainer_parameter(r, i, &p, &err));                   /* 6 */
                update(lfuse_tensor_data(p.value), lfuse_tensor_data(p.gradient)); /* 7 */
            }
            must(lfuse_retrainer_end_step(r, &err)); /* 8 */
        }
        after = test();
        printf("epoch %d: %.1f %% right, then %.1f %%\n", epoch, before, after);
        must(epoch == 0 ? lfuse_retrainer_fuse(r, &err)                         /* 9 */
                        : lfuse_retrainer_end_epoch(r, after, &verdict, &err)); /* 10 */
    }
    printf("%d layers, %d weights\n", LAYERS, (int)lfuse_retrainer_parameter_count(r));
    lfuse_retrainer_destroy(r);
    for (int l = 0; l < LAYERS; l++) {
        must(lfuse_layer_parameter(layers[l], 0, &p, &err));
        lfuse_layer_destroy(layers[l]);
        lfuse_tensor_destroy(p.value), lfuse_tensor_destroy(p.gradient);
    }
    lfuse_context_destroy(ctx);
    return 0;
}
