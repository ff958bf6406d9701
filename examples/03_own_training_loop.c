/* 03_own_training_loop.c - what fusing adds to a training loop of your own is numbered */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 6, WIDTH = 16, SIZE = WIDTH * WIDTH, STEPS = 4000, BATCH = 20 };

static const char *const names[] = {"w0", "w1", "w2", "w3", "w4", "w5"};
static float w[LAYERS][SIZE], dw[LAYERS][SIZE]; /* weights and gradients, row by row */
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

static double test(lfuse_retrainer *r, const char *when)
{
    double right = 0, unique = (double)lfuse_retrainer_parameter_count(r);

    must(lfuse_retrainer_begin_eval(r, &err)); /* layerfuse 1 */
    for (int i = 0; i < 1000; i++)
        right += point() > 0;
    must(lfuse_retrainer_end_eval(r, &err)); /* layerfuse 2 */
    printf("%-8s %.1f %% right at ratio %.2f\n", when, right / 10, LAYERS / unique);
    return right / 1000;
}

int main(void)
{
    const int64_t dims[] = {WIDTH, WIDTH};
    lfuse_tensor_desc view = {.struct_size = sizeof(view), .dims = dims, .rank = 2};
    lfuse_layer_desc layer = {.struct_size = sizeof(layer), .param_type = "layer"};
    lfuse_parameter p = {.struct_size = sizeof(p), .name = "weight"};
    lfuse_plan_options goal = {.struct_size = sizeof(goal), .ratio = 2};
    lfuse_retrainer_options by = {.struct_size = sizeof(by), .plan = &goal, .fusions = 2};
    lfuse_verdict verdict = LFUSE_VERDICT_CONTINUE;
    lfuse_layer *layers[LAYERS];
    lfuse_context *ctx;
    lfuse_retrainer *r;
    int i;

    must(lfuse_context_create(NULL, &ctx, &err));
    for (int l = 0; l < LAYERS; l++) {
        for (int k = 0; k < SIZE; k++)
            w[l][k] = (float)((k + 1) * (k + 7 * l + 3) % 37 - 18) / 90;
        view.data = w[l], view.dtype = LFUSE_F32;
        must(lfuse_tensor_create(ctx, &view, &p.value, &err));
        view.data = dw[l];
        must(lfuse_tensor_create(ctx, &view, &p.gradient, &err));
        layer.name = names[l], layer.position = l;
        must(lfuse_layer_create(ctx, &layer, &layers[l], &err));
        must(lfuse_layer_add_parameter(layers[l], &p, &err));
    }
    must(lfuse_retrainer_create(ctx, layers, LAYERS, &by, &r, &err)); /* layerfuse 3 */
    for (int epoch = 0; verdict != LFUSE_VERDICT_DONE; epoch++) {
        for (int step = 0; step < STEPS; step++) {
            must(lfuse_retrainer_begin_step(r, &err)); /* layerfuse 4 */
            memset(dw, 0, sizeof(dw));
            for (i = 0; i < BATCH; i++)
                point();
            must(lfuse_retrainer_combine_gradients(r, &err));          /* layerfuse 5 */
            for (i = 0; i < lfuse_retrainer_parameter_count(r); i++) { /* layerfuse 6 */
                must(lfuse_retrainer_parameter(r, i, &p, &err));       /* layerfuse 7 */
                float *v = lfuse_tensor_data(p.value), *g = lfuse_tensor_data(p.gradient);
                for (int k = 0; k < SIZE; k++)
                    v[k] -= 0.0025f * (STEPS - step) / STEPS * g[k];
            }
            must(lfuse_retrainer_end_step(r, &err)); /* layerfuse 8 */
        }
        double right = test(r, "trained");
        if (epoch == 0)
            must(lfuse_retrainer_fuse(r, &err)); /* layerfuse 9 */
        else
            must(lfuse_retrainer_end_epoch(r, right, &verdict, &err)); /* layerfuse 10 */
        if (verdict != LFUSE_VERDICT_DONE)
            test(r, "fused");
    }
    lfuse_retrainer_destroy(r);
    for (int l = 0; l < LAYERS; l++) {
        must(lfuse_layer_parameter(layers[l], 0, &p, &err));
        lfuse_layer_destroy(layers[l]);
        lfuse_tensor_destroy(p.value), lfuse_tensor_destroy(p.gradient);
    }
    lfuse_context_destroy(ctx);
    return 0;
}
