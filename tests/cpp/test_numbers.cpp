/* test_numbers.cpp - similarities, couplings, curves and kernels: numbers that are known */
#include "check.hpp"

#include <cmath>

using namespace layerfuse;

static void similarities_are_those_of_their_definitions()
{
    const context ctx;
    const std::vector<float> a = {1, 2, 3, 4}, b = {3, 4, 1, 2};
    const tensor ta = tensor::view(ctx, a, {2, 2}), tb = tensor::view(ctx, b, {2, 2});
    similarity_options options;

    CHECK(similarity(ctx, ta, tb) == 4);
    CHECK(metric_info(LFUSE_METRIC_KL).is_symmetric == 0);
    options.metric = metric_from_name("wasserstein_assignment");
    const assignment matched = similarity_assignment(ctx, ta, tb, options);
    CHECK(matched.value == 0 && matched.rows == (std::vector<std::int64_t>{1, 0}));
    refused([] { metric_from_name("nonsense"); }, LFUSE_ERR_ARGUMENT, "euclidean");
    options.output_axis = 5;
    refused([&] { similarity_assignment(ctx, ta, tb, options); }, LFUSE_ERR_ARGUMENT, "");
}

static void sums_of_batches_merge_and_travel()
{
    const context ctx;
    std::vector<tensor> batch;
    const std::int32_t exponents[] = {0, 0};

    for (int seed : {3, 5}) {
        batch.emplace_back(ctx, LFUSE_F32, shape{4, 3});
        for (std::size_t i = 0; i < 12; i++)
            batch.back().values<float>()[i] = float(int(i * i) * seed % 7);
    }
    cka all(ctx, 2), other(ctx, 2, exponents);
    refused([&] { all.result(); }, LFUSE_ERR_STATE, "");
    all.accumulate(batch);
    other.merge(all);
    other.add_sums(all.sums(), all.batches());
    CHECK(other.count() == 2 && other.batches() == 2 &&
          other.sums()[0] == 2 * all.sums()[0]);
    CHECK(other.result() == all.result());
    refused([&] { all.accumulate(span<const tensor>(batch.data(), 1)); }, LFUSE_ERR_SHAPE,
            "tensors");
    refused([&] { other.add_sums({}, 1); }, LFUSE_ERR_SHAPE, "sums");
    refused([&] { cka(ctx, 3, exponents); }, LFUSE_ERR_SHAPE, "exponents");

    outputs before(ctx, 3), after(ctx, 3);
    before.accumulate(batch[0], 1);
    after.add(before.samples(), before.means(), before.squares());
    const outputs::correction same = after.match(before);
    CHECK(before.samples() == 4 && same.constant == 0 && same.shift[0] == 0);
    CHECK(same.scale == std::vector<double>(3, 1.0));
    after.merge(before);
    CHECK(after.samples() == 8);
    refused([&] { after.add(1, {}, {}); }, LFUSE_ERR_SHAPE, "means");
    refused([&] { after.accumulate(batch[0], 2); }, LFUSE_ERR_ARGUMENT, "");
}

static void couplings_count_match_and_permute()
{
    const context ctx;
    const std::vector<layer> layers = owned(ctx);
    couplings c(ctx);
    const double likeness[] = {0, 1, 1, 0};

    for (const char *name : {"h.0", "h.1"}) {
        coupling member;

        member.layer = name, member.parameter = "weight";
        c.add_member(c.add_space(), member);
    }
    CHECK(c.space_count() == 2 && c.member_count(1) == 1 &&
          c.member(1, 0).layer == "h.1");
    CHECK(c.units(layers, 0) == 2);
    CHECK(c.match(layers, 0, 1) == (std::vector<std::int64_t>{0, 1}));
    const std::vector<std::int64_t> order = c.match(layers, 0, 1, likeness);
    c.permute(layers, 1, order);
    CHECK(weight(layers[1])[0] == 3 && weight(layers[1])[1] == 4);
    refused([&] { c.permute(layers, 1, {}); }, LFUSE_ERR_SHAPE, "order");
    refused([&] { c.add_preset("nonsense", layers); }, LFUSE_ERR_ARGUMENT, "gpt2");
    refused([&] { c.match(layers, 0, 1, span<const double>(likeness, 3)); },
            LFUSE_ERR_SHAPE, "likeness");

    const couplings parsed = couplings::parse(
        ctx, R"({"layerfuse_couplings": 1, "spaces": [[{"tensor": "h.0.weight"}]]})");
    plan_options options = ratio(1.5);
    options.alignment = LFUSE_ALIGNMENT_PERMUTATION, options.couplings = &parsed;
    const auto permutations = plan::build(ctx, layers, options).permutations();
    CHECK(permutations.size() == 1 && permutations[0].order.size() == 2);
    CHECK(permutations[0].members[0].parameter == "weight");
    refused([&] { couplings::read(ctx, "no such file"); }, LFUSE_ERR_IO, "");
}

static void a_curve_bends_where_its_lines_meet()
{
    const double x[] = {0, 1, 2, 3, 4, 5}, y[] = {1, 1, 1, 1, 0.5, 0};

    /* Exact but for rounding: three points on either line. */
    CHECK(std::fabs(curve_inflection(x, y).x - 3) <= 1e3 * 2.3e-16);
    refused([&] { curve_inflection(x, span<const double>(y, 5)); }, LFUSE_ERR_SHAPE, "");
}

static void kernels_run()
{
    const context ctx;
    const float a[] = {1, 2, 3, 4}, b[] = {1, 0, 1, 1};
    float c[4] = {}, d[4] = {};
    gemm_args gemm;
    conv2d_args conv;
    sgd_args sgd;

    gemm.a = a, gemm.b = b, gemm.c = c;
    gemm.m = gemm.n = gemm.k = 2;
    run(ctx, lfuse_gemm, gemm);
    CHECK(c[0] == 3 && c[3] == 4);
    CHECK(workspace_bytes(ctx, lfuse_gemm_workspace, gemm) == 0);
    gemm.k = 0;
    refused([&] { run(ctx, lfuse_gemm, gemm); }, LFUSE_ERR_ARGUMENT, "");

    conv.x = a, conv.w = b, conv.y = c;
    conv.batch = conv.in_channels = conv.out_channels = 1;
    conv.height = conv.width = conv.kernel_h = conv.kernel_w = 2;
    run(ctx, lfuse_conv2d_forward, conv);
    packed ready(ctx, conv, LFUSE_PACKED_FORWARD);
    conv.packed = ready.raw(), conv.y = d;
    run(ctx, lfuse_conv2d_forward, conv);
    CHECK(c[0] == 8 && d[0] == 8 && ready.bytes() > 0);
    ready.refresh(a);
    run(ctx, lfuse_conv2d_forward, conv);
    CHECK(d[0] == 30);

    relu_forward(ctx, a, c);
    relu_backward(ctx, c, b, d);
    add(ctx, c, d, c);
    CHECK(c[0] == 2 && c[1] == 2);
    refused([&] { add(ctx, c, span<float>(d, 3), c); }, LFUSE_ERR_SHAPE, "4 and 3");
    sgd.value = c, sgd.gradient = a, sgd.count = 4, sgd.learning_rate = 1;
    run(ctx, lfuse_sgd, sgd);
    CHECK(c[0] == 1);
    const span<const float> gradients[] = {span<const float>(a, 1),
                                           span<const float>(a, 1)};
    CHECK(std::fabs(gradient_norm(ctx, gradients) - std::sqrt(2.0)) <= 4.5e-16);
}

void test_numbers()
{
    similarities_are_those_of_their_definitions();
    sums_of_batches_merge_and_travel();
    couplings_count_match_and_permute();
    a_curve_bends_where_its_lines_meet();
    kernels_run();
}
