/* plain_training_loop.c - examples/03_own_training_loop.c without layerfuse, to compare it with */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { LAYERS = 6, WIDTH = 16, SIZE = 256, EPOCHS = 3, STEPS = 4000, BATCH = 20 };

static float w[LAYERS][SIZE], dw[LAYERS][SIZE], rate; /* gradients are dw */

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

    for (int i = 0; i < 1000; i++)
        right += point() > 0;
    return right / 10;
}

int main(void)
{
    for (int l = 0; l < LAYERS; l++)
        for (int k = 0; k < SIZE; k++)
            w[l][k] = (float)((k + 1) * (k + 7 * l + 3) % 37 - 18) / 90;
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        double before = test(), after;
        for (int step = 0; step < STEPS; step++) {
            rate = 0.0025f * (STEPS - step) / STEPS, memset(dw, 0, sizeof(dw));
            for (int i = 0; i < BATCH; i++)
                point();
            for (int i = 0; i < LAYERS; i++) {
                update(w[i], dw[i]);
            }
        }
        after = test();
        printf("epoch %d: %.1f %% right, then %.1f %%\n", epoch, before, after);
    }
    return 0;
}
