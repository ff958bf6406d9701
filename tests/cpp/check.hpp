/* check.hpp - what the tests of layerfuse.hpp have in common */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <layerfuse/layerfuse.hpp>

#include <cstdio>
#include <cstdlib>

/* Ends the program where a condition does not hold. */
#define CHECK(condition)                                                \
    do {                                                                \
        if (!(condition)) {                                             \
            std::printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                               \
        }                                                               \
    } while (0)

/* Runs f, which must throw a layerfuse::error of this status with this in its message. */
template <class F> layerfuse::error refused(F &&f, lfuse_status status, const char *text)
{
    try {
        f();
    } catch (const layerfuse::error &error) {
        if (error.status() == status && error.message().find(text) != std::string::npos)
            return error;
        std::printf("%s\n", error.what());
    }
    std::printf("expected %s with \"%s\"\n", lfuse_status_name(status), text);
    std::exit(1);
}

constexpr std::size_t LAYERS = 3;
using weights = std::array<std::array<float, 4>, LAYERS>;

/* The first two are the most alike. */
inline weights three()
{
    return {{{1, 2, 3, 4}, {3, 1, 3, 4}, {9, 7, 5, 3}}};
}

inline std::vector<layerfuse::layer> wrap(const layerfuse::context &ctx, weights &w)
{
    std::vector<layerfuse::layer> layers;

    for (std::size_t i = 0; i < LAYERS; i++)
        layers.push_back(layerfuse::layer::wrap(
            ctx, {"h." + std::to_string(i), "linear", LFUSE_LAYER_LINEAR, int(i)},
            layerfuse::span<float>(w[i]), {}, {2, 2}));
    return layers;
}

/* The same with memory of their own, gradients and one tensor of state. */
inline std::vector<layerfuse::layer> owned(const layerfuse::context &ctx)
{
    std::vector<layerfuse::layer> layers;

    for (std::size_t i = 0; i < LAYERS; i++) {
        layerfuse::parameter p;

        p.name = "weight";
        p.value = layerfuse::tensor(ctx, LFUSE_F32, {2, 2});
        p.gradient = layerfuse::tensor(ctx, LFUSE_F32, {2, 2});
        p.state[0] = layerfuse::tensor(ctx, LFUSE_F32, {2, 2});
        for (std::size_t j = 0; j < 4; j++)
            p.value.values<float>()[j] = three()[i][j];
        layers.emplace_back(ctx, layerfuse::layer_desc{"h." + std::to_string(i), "linear",
                                                       LFUSE_LAYER_LINEAR, int(i)});
        layers.back().add(p);
    }
    return layers;
}

inline layerfuse::plan_options ratio(double ratio)
{
    layerfuse::plan_options options;

    options.ratio = ratio;
    return options;
}

inline float *weight(const layerfuse::layer &of)
{
    return of.parameter(0).value.values<float>().data();
}

void test_fusion();
void test_callbacks();
void test_numbers();
void test_files();

#endif
