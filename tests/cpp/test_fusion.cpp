/* test_fusion.cpp - handles: what they own, keep and refuse; from layers to ties and back */
#include "check.hpp"

using namespace layerfuse;

static_assert(!std::is_copy_constructible_v<context> &&
              !std::is_copy_constructible_v<plan>);
static_assert(std::is_nothrow_move_constructible_v<context>);
static_assert(std::is_nothrow_move_constructible_v<tensor>);
static_assert(std::is_nothrow_move_constructible_v<layer>);
static_assert(std::is_nothrow_move_constructible_v<ties>);
static_assert(std::is_nothrow_move_constructible_v<retrainer>);
static_assert(std::is_nothrow_move_constructible_v<checkpoint>);

static void tensors_say_what_they_are()
{
    const context ctx;
    std::vector<double> data = {1, 2, 3, 4, 5, 6};
    const tensor t(ctx, data, {2, 3});
    tensor narrow(ctx, LFUSE_BF16, {2, 3}), moved;
    tensor_desc desc;
    const std::int64_t dims[] = {3, 2}, strides[] = {1, 3};

    CHECK(t.dtype() == LFUSE_F64 && t.rank() == 2 && t.dims() == shape({2, 3}));
    CHECK(t.stride(0) == 3 && t.elements() == 6 && t.bytes() == 48 &&
          t.data() == data.data());
    CHECK(t.values<double>()[4] == 5);
    refused([&] { t.values<float>(); }, LFUSE_ERR_TYPE, "the tensor is f64");
    narrow.copy_from(t);
    CHECK(static_cast<std::uint16_t *>(narrow.data())[0] == 0x3f80);
    CHECK(dtype_size(narrow.dtype()) == 2 && std::string(dtype_name(LFUSE_F16)) == "f16");
    refused(
        [&] {
            narrow.copy_from(tensor(ctx, LFUSE_F32, {3, 2}));
        },
        LFUSE_ERR_SHAPE, "");
    refused([&] { tensor(ctx, data, {2, 2}); }, LFUSE_ERR_SHAPE, "there are 6 elements");
    refused(
        [&] {
            tensor(ctx, data, {-2, -3});
        },
        LFUSE_ERR_SHAPE, "there are 6 elements");
    refused([&] { tensor(ctx, 99, {2}); }, LFUSE_ERR_TYPE, "");
    desc.data = data.data(), desc.dims = dims, desc.strides = strides;
    desc.dtype = LFUSE_F64, desc.rank = 2;
    refused([&] { tensor(ctx, desc).values<double>(); }, LFUSE_ERR_UNSUPPORTED, "dense");

    moved = std::move(narrow);
    CHECK(moved && !narrow && narrow.raw() == nullptr && narrow.elements() == 0);
    refused([&] { narrow.copy_from(t); }, LFUSE_ERR_ARGUMENT, "NULL");
}

static void memory_is_released_by_its_last_user()
{
    std::vector<float> data = {1, 2};
    int released = 0;

    {
        const context ctx;
        layer l(ctx, {"a", "b", LFUSE_LAYER_OTHER, 0});

        {
            parameter p;

            p.name = "weight";
            p.value = tensor(ctx, span<float>(data), {2}, [&] { released++; });
            l.add(p);
            refused([&] { l.add(p); }, LFUSE_ERR_NAME, "weight");
        }
        CHECK(released == 0 && l.parameter(0).value.data() == data.data());
    }
    CHECK(released == 1);
    refused([&] { tensor(context(), span<float>(data), {3}, [&] { released++; }); },
            LFUSE_ERR_SHAPE, "");
    CHECK(released == 1);
}

static void borrowed_weights_are_mirrored_in_place()
{
    const context ctx;
    weights w = three();
    std::vector<layer> layers = wrap(ctx, w);
    const plan p = plan::build(ctx, layers, ratio(1.5));
    ties t(ctx, layers);

    layers.clear(); /* what ties need they keep */
    t.apply(p);
    CHECK(t.owner(1) == 0 && t.owner(2) == 2 && t.owner(3) == -1);
    CHECK(w[0] == (std::array<float, 4>{2, 1.5, 3, 4}) && w[1] == w[0] &&
          w[2] == three()[2]);
}

static void owned_weights_share_one_buffer()
{
    const context ctx;
    const std::vector<layer> layers = owned(ctx);
    const plan p = plan::build(ctx, layers, ratio(1.5));
    ties_options options;
    options.flags = LFUSE_TIES_KEEP_ORIGINALS;
    ties t(ctx, layers, options);

    t.apply(p);
    CHECK(weight(layers[0]) == weight(layers[1]) && weight(layers[0])[1] == 1.5f);
    CHECK(t.view().account().ratio == 1.5 && !t.view().is_frozen(0));
    CHECK(t.view().resident_bytes() > 0 && t.view().row_owner(0, 0, 0).layer == -1);
    for (int i = 0; i < 2; i++)
        for (float &g : layers[std::size_t(i)].parameter(0).gradient.values<float>())
            g = float(i + 1);
    t.combine_gradients();
    CHECK(layers[0].parameter(0).gradient.values<float>()[0] == 1.5f);
    t.refresh();
    t.undo();
    CHECK(weight(layers[0]) != weight(layers[1]) && weight(layers[1])[0] == 3);
    t.show(LFUSE_SHOW_SOURCES);
    t.finalise();
    refused([&] { t.show(99); }, LFUSE_ERR_ARGUMENT, "");
    refused([&] { ties(ctx, {layers[0], layers[0]}); }, LFUSE_ERR_NAME, "h.0");
}

static void a_plan_says_what_it_will_do()
{
    const context ctx;
    const std::vector<layer> layers = owned(ctx);
    plan p = plan::build(ctx, layers, ratio(1.5));
    const std::string json = p.to_json();
    plan_options rows, ruled = ratio(1.5);

    CHECK(p.fusions().size() == 1 && p.fusions()[0].kept == 0 &&
          p.fusions()[0].ratio == 1.5);
    CHECK(p.groups().size() == 1 &&
          p.groups()[0].members == (std::vector<std::int64_t>{0, 1}));
    CHECK(p.layer_count() == 3 && p.layer_name(2) == "h.2" &&
          p.layer_type(2) == "linear");
    CHECK(p.owner(1) == 0 && p.weight_count(0) == 1 && p.weight(0, 0).dims[1] == 2);
    CHECK(p.account().candidates_unique == 8 && p.skipped().empty());
    CHECK(p.permutations().empty() && p.row_owner(0, 0, 0).layer == -1);
    CHECK(plan::from_json(ctx, json, layers).to_json() == json);
    CHECK(plan::from_json(ctx, json).owner(1) == 0);
    refused([&] { plan::from_json(ctx, "{"); }, LFUSE_ERR_FORMAT, "");

    rows.unit = LFUSE_UNIT_ROW, rows.top_k = 1;
    CHECK(plan::build(ctx, layers, rows).row_owner(1, 0, 1).row == 1);
    ruled.rules = {{"h.[01]", LFUSE_PLAN_ACTION_EXCLUDE}};
    refused([&] { plan::build(ctx, layers, ruled); }, LFUSE_ERR_UNREACHABLE, "");
    ruled.importance = {1, 2};
    refused([&] { plan::build(ctx, layers, ruled); }, LFUSE_ERR_SHAPE, "importance");

    ties t(ctx, layers);
    t.apply(p);
    plan_options more = ratio(3);
    more.in_force = t.raw();
    CHECK(plan::build(ctx, layers, more).owner(2) == 0);
    CHECK(policy_from_name("freeze") == LFUSE_POLICY_FREEZE);
    CHECK(std::string(policy_name(LFUSE_POLICY_JS)) == "js");
}

static void a_preview_reads_ahead()
{
    const context ctx;
    std::vector<layer> layers = owned(ctx);
    const preview ahead(ctx, plan::build(ctx, layers, ratio(1.5)), layers);
    std::array<float, 3> out = {};
    std::array<double, 1> wide = {};

    ahead.read(1, 0, 1, span<float>(out));
    CHECK(out[0] == 1.5f && out[2] == 4);
    ahead.read_parameter(2, 0, 0, span<float>(out));
    CHECK(out[0] == 9);
    refused([&] { ahead.read(1, 0, 2, span<float>(out)); }, LFUSE_ERR_ARGUMENT, "");
    refused([&] { ahead.read(9, 0, 0, span<float>(out)); }, LFUSE_ERR_ARGUMENT, "");
    refused([&] { ahead.read(1, 0, 0, span<double>(wide)); }, LFUSE_ERR_TYPE, "");
    refused([&] { ahead.read_parameter(1, 0, 0, span<double>(wide)); }, LFUSE_ERR_TYPE,
            "");
}

static void residuals_keep_what_sharing_takes()
{
    const context ctx;
    std::vector<float> w(32, 1);
    std::vector<layer> layers;
    residual_options options;

    w[16] = 3; /* the second layer differs in one weight, which is of rank 1 */
    for (int i = 0; i < 2; i++)
        layers.push_back(layer::wrap(ctx, {"h." + std::to_string(i), "square", 0, i},
                                     span<float>(w.data() + 16 * i, 16), {}, {4, 4}));
    const preview ahead(ctx, plan::build(ctx, layers, ratio(2)), layers);
    options.rank = 1;
    const auto kept = residual_fit(ctx, ahead, 1, 0, options);
    CHECK(kept.first.dims() == shape({4, 1}) && kept.second.dims() == shape({1, 4}));
    /* The mean takes 1 off it, and rounding little. */
    const float product = kept.first.values<float>()[0] * kept.second.values<float>()[0];
    CHECK(product > 0.999f && product < 1.001f);
    refused([&] { residual_fit(ctx, ahead, 9, 0, options); }, LFUSE_ERR_ARGUMENT, "");
}

static void errors_say_who_they_are()
{
    const error e =
        refused([] { plan::build(context(), std::vector<layer>(), ratio(2)); },
                LFUSE_ERR_ARGUMENT, "");
    context_options options;
    context ctx, gone;

    CHECK(std::string(e.name()) == "LFUSE_ERR_ARGUMENT" && e.detail() == 0);
    CHECK(e.what() == std::string(e.name()) + ": " + e.message());
    options.threads = -1;
    refused([&] { context c(options); }, LFUSE_ERR_ARGUMENT, "threads");
    options.threads = 2, options.isa = LFUSE_ISA_SCALAR;
    CHECK(context(options).threads() == 2 && context(options).isa() == LFUSE_ISA_SCALAR);
    gone = std::move(ctx);
    refused([&] { plan::build(ctx, std::vector<layer>(), ratio(2)); }, LFUSE_ERR_ARGUMENT,
            "moved from");
    CHECK(version() == lfuse_version() && std::string(version_string()) == "0.1.0");
}

void test_fusion()
{
    tensors_say_what_they_are();
    memory_is_released_by_its_last_user();
    borrowed_weights_are_mirrored_in_place();
    owned_weights_share_one_buffer();
    a_plan_says_what_it_will_do();
    a_preview_reads_ahead();
    residuals_keep_what_sharing_takes();
    errors_say_who_they_are();
}
