/*
 * fuse.cpp - a network trains, is fused to half of its weights, trains on, and is saved
 *
 * 03_own_training_loop.c by way of layerfuse.hpp: is a square of a board of 3 x 3 white? Six layers
 * h += max(0, W h) answer.
 */
#include <layerfuse/layerfuse.hpp>

#include <cstdio>

namespace lf = layerfuse;

constexpr std::size_t LAYERS = 6, WIDTH = 16, SIZE = WIDTH * WIDTH, STEPS = 4000,
                      BATCH = 20;
using matrix = std::array<float, SIZE>; /* row by row */
using vector = std::array<float, WIDTH>;

struct network {
    std::array<matrix, LAYERS> w, dw; /* weights and gradients: yours; borrowed */
    std::uint32_t points = 0;

    network();
    float point();
};

network::network() : w(), dw()
{
    for (std::size_t l = 0; l < LAYERS; l++)
        for (std::size_t k = 0; k < SIZE; k++)
            w[l][k] = (float((k + 1) * (k + 7 * l + 3) % 37) - 18) / 90;
}

/* Forward and back for one new point: > 0 when the answer is right. Gradients are added to dw. */
float network::point()
{
    std::array<vector, LAYERS + 1> h = {}, dh = {};
    std::array<vector, LAYERS> z = {};

    /* Multiples of two irrational numbers, modulo 1: evenly spread. */
    points++;
    const float x = float(points * 3242174889u >> 8) / 8388608 - 1;
    const float y = float(points * 2447445414u >> 8) / 8388608 - 1;
    const float white = (int(1.5f * x + 1.5f) + int(1.5f * y + 1.5f)) % 2 ? 1 : -1;

    h[0][0] = x, h[0][1] = y, h[0][2] = 1;
    for (std::size_t l = 0; l < LAYERS; l++) {
        for (std::size_t k = 0; k < SIZE; k++)
            z[l][k / WIDTH] += w[l][k] * h[l][k % WIDTH];
        for (std::size_t i = 0; i < WIDTH; i++)
            h[l + 1][i] = h[l][i] + (z[l][i] > 0 ? z[l][i] : 0);
    }
    const float margin = white * (h[LAYERS][3] - h[LAYERS][4]);
    dh[LAYERS][3] = -white, dh[LAYERS][4] = white;
    for (std::size_t l = LAYERS; l-- > 0 && margin < 1;) {
        dh[l] = dh[l + 1];
        for (std::size_t k = 0; k < SIZE; k++)
            if (z[l][k / WIDTH] > 0) {
                dw[l][k] += dh[l + 1][k / WIDTH] * h[l][k % WIDTH];
                dh[l][k % WIDTH] += dh[l + 1][k / WIDTH] * w[l][k];
            }
    }
    return margin;
}

/* What fusing adds to a loop of your own is begin, combine and end. */
static void step(network &net, lf::retrainer &r, float rate)
{
    r.begin_step();
    net.dw = {};
    for (std::size_t i = 0; i < BATCH; i++)
        net.point();
    r.combine_gradients();
    for (std::int64_t i = 0; i < r.parameter_count(); i++) {
        const lf::parameter p = r.parameter(i);
        const lf::span<float> v = p.value.values<float>(), g = p.gradient.values<float>();

        for (std::size_t k = 0; k < v.size(); k++)
            v[k] -= rate * g[k];
    }
    r.end_step();
}

static double test(network &net, lf::retrainer &r, const char *when)
{
    double right = 0;

    r.begin_eval();
    for (int i = 0; i < 1000; i++)
        right += net.point() > 0;
    r.end_eval();
    std::printf("%-8s %.1f %% right at ratio %.2f\n", when, right / 10,
                double(LAYERS) / double(r.parameter_count()));
    return right / 1000;
}

static void save(const lf::context &ctx, const std::vector<lf::layer> &layers,
                 const lf::retrainer &r, const char *path)
{
    std::vector<lf::tensor> tensors;
    std::vector<lf::checkpoint_entry> entries;

    for (const lf::layer &layer : layers)
        tensors.push_back(layer.parameter(0).value);
    for (std::size_t l = 0; l < LAYERS; l++) {
        const auto owner = std::size_t(r.ties().owner(std::int64_t(l)));

        entries.push_back(
            {layers[l].name(), &tensors[l], owner == l ? "" : layers[owner].name()});
    }
    lf::checkpoint_save(ctx, path, entries);
}

int main(int argc, char **argv)
try {
    const lf::context ctx;
    network net;
    std::vector<lf::layer> layers;
    lf::retrainer_options options;

    for (std::size_t l = 0; l < LAYERS; l++)
        layers.push_back(lf::layer::wrap(
            ctx, {"w" + std::to_string(l), "layer", LFUSE_LAYER_LINEAR, int(l)},
            lf::span<float>(net.w[l]), lf::span<float>(net.dw[l]), {WIDTH, WIDTH}));
    options.plan.ratio = 2;
    options.fusions = 2;
    lf::retrainer r(ctx, layers, options);

    lfuse_verdict verdict = LFUSE_VERDICT_CONTINUE;
    for (int epoch = 0; verdict != LFUSE_VERDICT_DONE; epoch++) {
        for (std::size_t s = 0; s < STEPS; s++)
            step(net, r, 0.0025f * float(STEPS - s) / float(STEPS));
        const double right = test(net, r, "trained");
        if (epoch == 0)
            r.fuse();
        else
            verdict = r.end_epoch(right);
        if (verdict != LFUSE_VERDICT_DONE)
            test(net, r, "fused");
    }
    if (argc > 1)
        save(ctx, layers, r, argv[1]);
    return 0;
} catch (const std::exception &what) {
    std::fprintf(stderr, "%s\n", what.what());
    return 1;
}
