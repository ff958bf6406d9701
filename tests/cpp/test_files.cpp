/* test_files.cpp - checkpoints, plan files and retrainers that go on */
#include "check.hpp"

#include <cstring>

using namespace layerfuse;

/* Removed in the end, whatever happens. */
struct scratch {
    explicit scratch(const char *name) : path(std::string("layerfuse_cpp_") + name)
    {
        path += std::to_string(__cplusplus);
    }
    ~scratch()
    {
        std::remove(path.c_str());
    }
    std::string path;
};

static void what_is_saved_is_read()
{
    const context ctx;
    const std::vector<layer> layers = owned(ctx);
    const tensor a = layers[0].parameter(0).value, b = layers[1].parameter(0).value;
    const scratch file("saved.safetensors");
    const checkpoint_entry entries[] = {{"a", &a, ""}, {"b", &b, "a"}};
    checkpoint_save_options options;

    options.metadata = {{"made", "here"}};
    checkpoint_save(ctx, file.path, entries, options);
    tensor outlives;
    {
        const checkpoint opened(ctx, file.path);

        CHECK(opened.count() == 2 && opened.find("x") == -1 && opened.file_count() == 1);
        CHECK(opened.name(opened.find("b")) == "b" && opened.file(0) == 0);
        CHECK(opened.owner(opened.find("b")) == opened.find("a"));
        CHECK(opened.metadata()[0].first == "made" && opened.skipped().empty());
        CHECK(opened.file_name(0).empty() && !opened.tensor(9));
        outlives = opened.tensor("b");
    }
    CHECK(outlives.values<const float>()[3] == 4); /* it keeps the file */
    refused([&] { checkpoint(ctx, "no such file"); }, LFUSE_ERR_IO, "");
}

static void callables_fill_and_stop()
{
    const context ctx;
    const tensor a(ctx, LFUSE_F32, {2}), b(ctx, LFUSE_F32, {2});
    const scratch file("filled.safetensors");
    const checkpoint_entry entries[] = {{"a", &a, ""}, {"b", &b, ""}};
    checkpoint_save_options options;
    std::int32_t answer = 0;

    options.fill = [&](std::int64_t index, std::int64_t, std::int64_t count, void *out) {
        if (answer == 99)
            throw std::runtime_error("fill");
        if (index == 1)
            return std::int32_t(LFUSE_FILL_NONE);
        for (std::int64_t i = 0; i < count; i++)
            static_cast<float *>(out)[i] = 7;
        return answer;
    };
    checkpoint_save(ctx, file.path, entries, options);
    const checkpoint opened(ctx, file.path);
    CHECK(opened.tensor("a").values<float>()[1] == 7 &&
          opened.tensor("b").values<float>()[1] == 0);
    answer = 12;
    const auto save = [&] { checkpoint_save(ctx, file.path, entries, options); };
    CHECK(refused(save, LFUSE_ERR_CALLBACK, "").detail() == 12);
    answer = 99;
    try {
        save();
        CHECK(false);
    } catch (const std::runtime_error &what) {
        CHECK(std::string(what.what()) == "fill");
    }
    options.fill = nullptr;
    options.banks = {{"rows", {"a", "nothing"}, 0}};
    refused(save, LFUSE_ERR_NAME, "nothing");
}

static void what_was_skipped_is_carried()
{
    const context ctx;
    const scratch file("counter.safetensors"), carried("carried.safetensors");
    const std::string header =
        R"({"n":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})";
    const std::uint64_t size = header.size(), value = 42;
    std::FILE *out = std::fopen(file.path.c_str(), "wb");
    checkpoint_open_options skip;
    checkpoint_save_options options;

    CHECK(out != nullptr);
    CHECK(std::fwrite(&size, 8, 1, out) == 1 &&
          std::fwrite(header.data(), size, 1, out) == 1);
    CHECK(std::fwrite(&value, 8, 1, out) == 1 && std::fclose(out) == 0);
    refused([&] { checkpoint(ctx, file.path); }, LFUSE_ERR_UNSUPPORTED, "I64");
    skip.flags = LFUSE_CHECKPOINT_SKIP_UNSUPPORTED;
    const checkpoint opened(ctx, file.path, skip);
    CHECK(opened.skipped()[0].name == "n" && opened.skipped()[0].data.size() == 8);
    options.carried = &opened;
    checkpoint_save(ctx, carried.path, {}, options);
    const checkpoint again(ctx, carried.path, skip);
    CHECK(std::memcmp(again.skipped()[0].data.data(), &value, 8) == 0);
}

static void residuals_are_stored_as_factors()
{
    const context ctx;
    const tensor w(ctx, LFUSE_F32, {4, 4}), a(ctx, LFUSE_F32, {4, 1}),
        b(ctx, LFUSE_F32, {1, 4});
    const scratch file("residuals.safetensors");
    const checkpoint_entry entries[] = {{"w", &w, ""}, {"a", &a, ""}, {"b", &b, ""}};
    checkpoint_save_options options;
    checkpoint_open_options apart;

    a.values<float>()[0] = 2, b.values<float>()[0] = 3;
    options.residuals = {{"w", "a", "b", 0}};
    checkpoint_save(ctx, file.path, entries, options);
    CHECK(checkpoint(ctx, file.path).tensor("w").values<float>()[0] == 6);
    apart.flags = LFUSE_CHECKPOINT_RESIDUALS_APART;
    const checkpoint opened(ctx, file.path, apart);
    CHECK(opened.residuals().size() == 1 && opened.residuals()[0].b == "b");
    CHECK(opened.tensor("w").values<float>()[0] == 0);
}

static void a_retrainer_goes_on_where_it_stopped()
{
    const context ctx;
    const scratch file("resume.safetensors"), plan_file("plan.json");
    const unsigned char own[] = {1, 2, 3};
    retrainer_options options;

    options.plan = ratio(3), options.fusions = 2;
    retrainer r(ctx, owned(ctx), options), again(ctx, owned(ctx), options);
    CHECK(r.parameter_count() == 3 && !r.is_due() && !r.plan());
    CHECK(r.probe(1, [] { return 0.5; }) == 0.5);
    r.fuse();
    r.plan().save(plan_file.path);
    CHECK(plan::load(ctx, plan_file.path).fusions().size() == 1);
    r.begin_step();
    refused([&] { r.end_step(); }, LFUSE_ERR_STATE, "combine");
    r.combine_gradients();
    CHECK(r.parameter(0).layer == "h.0" && r.parameter(0).state[0] &&
          !r.parameter(0).state[1]);
    r.end_step();
    r.begin_step();
    r.abort_step();
    r.begin_eval();
    r.end_eval();
    r.save(file.path, own);
    again.load(file.path);
    CHECK(again.own_bytes().size() == 3 && again.own_bytes()[2] == 3 &&
          r.own_bytes().empty());
    CHECK(again.is_due() && again.end_epoch(0.5) == LFUSE_VERDICT_FUSED);
    CHECK(again.ties().owner(2) == 0 && again.ties().account().ratio == 3);
    again.finalise();
    refused([&] { again.undo(); }, LFUSE_ERR_STATE, "");
    CHECK(again.end_epoch(0.5) == LFUSE_VERDICT_DONE);
}

void test_files()
{
    what_is_saved_is_read();
    callables_fill_and_stop();
    what_was_skipped_is_carried();
    residuals_are_stored_as_factors();
    a_retrainer_goes_on_where_it_stopped();
}
