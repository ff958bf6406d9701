/* test_callbacks.cpp - callables: what they are told, how they fail, and what they throw */
#include "check.hpp"

#include <mutex>

using namespace layerfuse;

/* No std::exception: whatever is thrown comes back. */
struct thrown_here {
    int number;
};

template <class F> static int throws(F &&f)
{
    try {
        f();
    } catch (const thrown_here &what) {
        return what.number;
    }
    return 0;
}

static void progress_is_told_and_stops()
{
    context_options options;
    int calls = 0, answer = 0;

    options.progress = [&](const char *what, std::int64_t done, std::int64_t total) {
        CHECK(std::string(what) == "similarity" && done <= total && total == 3);
        calls++;
        if (answer < 0)
            throw thrown_here{1};
        return answer;
    };
    const context ctx(options);
    const std::vector<layer> layers = owned(ctx);
    plan::build(ctx, layers, ratio(1.5));
    CHECK(calls > 0);
    answer = 77;
    const auto build = [&] { plan::build(ctx, layers, ratio(1.5)); };
    CHECK(refused(build, LFUSE_ERR_CANCELLED, "").detail() == 77);
    answer = -1;
    CHECK(throws(build) == 1);
    answer = 0;
    build(); /* and nothing is left of it */
}

static void messages_throw_after_the_work_is_done()
{
    context_options options;
    int lines = 0;

    options.log = [&](lfuse_log_level, const char *text) {
        CHECK(*text != '\0');
        lines++;
        throw thrown_here{lines};
    };
    const context ctx(options);
    retrainer_options by;
    by.plan = ratio(1.5);
    retrainer r(ctx, owned(ctx), by);
    CHECK(throws([&] { r.fuse(); }) == 1 && lines >= 1); /* of several the first */
    CHECK(r.ties().owner(1) == 0);
}

static void custom_metrics_compare()
{
    const context ctx;
    const std::vector<layer> layers = owned(ctx);
    similarity_options options;
    std::vector<std::int64_t> failed;

    options.metric = LFUSE_METRIC_CUSTOM;
    options.flags = LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC;
    options.custom = [](const matrix_view &a, const matrix_view &b) {
        if (b.at<float>(0, 0) == 9)
            throw thrown_here{2};
        return double(a.at<float>(1, 1) + b.at<float>(0, 1));
    };
    CHECK(similarity(ctx, layers[0].parameter(0).value, layers[1].parameter(0).value,
                     options) == 5);
    CHECK(throws([&] { similarity_matrix(ctx, layers, options); }) == 2);
    options.custom = [](const matrix_view &a, const matrix_view &) {
        return a.at<double>(0, 0);
    };
    refused([&] { similarity_matrix(ctx, layers, options); }, LFUSE_ERR_ARGUMENT,
            "no such element");

    for (std::size_t j = 0; j < 4; j++)
        weight(layers[1])[j] = 0;
    options.metric = LFUSE_METRIC_COSINE;
    options.failed = [&](std::int64_t i, std::int64_t j, const error &why) {
        CHECK(why.status() == LFUSE_ERR_DEGENERATE);
        failed.push_back(10 * i + j);
        return 0;
    };
    const std::vector<double> matrix = similarity_matrix(ctx, layers, options);
    CHECK(matrix[1] != matrix[1] && matrix[2] > 0 && failed[0] == 1);
}

static void ties_call_back()
{
    const context ctx;
    weights w = three();
    const std::vector<layer> layers = wrap(ctx, w);
    plan_options custom = ratio(1.5);
    custom.policy = LFUSE_POLICY_CUSTOM;
    const plan p = plan::build(ctx, layers, custom);
    ties_options options;
    std::string told;
    bool angry = true;

    options.rebind = [&](const char *l, const char *name, void *) {
        if (angry)
            throw thrown_here{3};
        told += std::string(l) + "." + name;
        return 0;
    };
    options.merge = [](span<const matrix_view> members, span<double> merged) {
        CHECK(members.size() == 2 && merged.size() == 4);
        for (std::size_t i = 0; i < 4; i++)
            merged[i] = members[1].at<float>(std::int64_t(i / 2), std::int64_t(i % 2));
        return 0;
    };
    ties t(ctx, layers, options);
    CHECK(throws([&] { t.apply(p); }) == 3 && w == three());
    angry = false;
    t.apply(p);
    CHECK(told == "h.1.weight" && w[0] == three()[1]);
}

static void searches_and_retrainers_call_back()
{
    const context ctx;
    const std::vector<layer> layers = owned(ctx);
    ties t(ctx, layers);
    search_options search;
    int repaired = 0;

    search.plan = ratio(3), search.tolerance = 0.5;
    search.repair = [&] { return repaired++, 0; };
    search.evaluate = [&] {
        return weight(layers[0])[3] == weight(layers[2])[3] ? 0.0 : 1.0;
    };
    const ties::found found = t.search_ratio(search);
    CHECK(found.of.fusions().size() == 1 && found.metric == 1 && repaired > 0);
    search.evaluate = []() -> double { throw thrown_here{4}; };
    CHECK(throws([&] { t.search_ratio(search); }) == 4 && weight(layers[1])[0] == 3);

    retrainer_options options;
    options.plan = ratio(1.5);
    options.repair = []() -> std::int32_t { throw thrown_here{5}; };
    retrainer r(ctx, owned(ctx), options);
    CHECK(throws([&] { r.fuse(); }) == 5 && !r.plan());
    options.repair = nullptr;
    options.schedule = LFUSE_SCHEDULE_CUSTOM;
    options.custom = [](std::int32_t, std::int32_t) -> double { throw thrown_here{6}; };
    retrainer s(ctx, owned(ctx), options);
    CHECK(throws([&] { s.fuse(); }) == 6);
    CHECK(throws([&] { s.probe(1, [] { return 0.0; }); }) == 6);
}

/* What was thrown on one thread comes back on that one. */
static void threads_have_exceptions_of_their_own()
{
    context_options options;

    options.progress = [](const char *, std::int64_t, std::int64_t) -> std::int32_t {
        throw std::this_thread::get_id();
    };
    const context ctx(options);
    const std::vector<layer> layers = owned(ctx);
    std::vector<std::thread> threads;
    std::atomic<int> right{0};

    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int j = 0; j < 50; j++)
                try {
                    plan::build(ctx, layers, ratio(1.5));
                } catch (const std::thread::id &id) {
                    right += id == std::this_thread::get_id();
                }
        });
    for (std::thread &thread : threads)
        thread.join();
    CHECK(right == 200);
}

static void the_hosts_threads_and_memory_are_used()
{
    context_options options;
    std::atomic<int> turns{0};
    std::vector<float> x(200000, -1), y(x.size(), 5);
    bool lazy = false;

    options.executor.concurrency = 2;
    options.executor.parallel_for = [&](std::int64_t count, task each) {
        if (lazy)
            throw thrown_here{7};
        std::thread other([&] {
            for (std::int64_t i = 0; i < count; i += 2)
                each(i), turns++;
        });
        for (std::int64_t i = 1; i < count; i += 2)
            each(i), turns++;
        other.join();
        return 0;
    };
#if defined(__cpp_lib_memory_resource)
    std::pmr::synchronized_pool_resource pool;
    options.allocator = &pool;
#endif
    {
        const context ctx(options);

        CHECK(ctx.threads() == 2);
        relu_forward(ctx, x, y);
        CHECK(turns > 1 && y[0] == 0 && y.back() == 0);
        lazy = true;
        CHECK(throws([&] { relu_forward(ctx, x, y); }) == 7);
        owned(ctx);
    }
#if defined(__cpp_lib_memory_resource)
    options = {};
    options.allocator = std::pmr::null_memory_resource();
    refused([&] { context c(options); }, LFUSE_ERR_NO_MEMORY, "");
#endif
}

void test_callbacks()
{
    progress_is_told_and_stops();
    messages_throw_after_the_work_is_done();
    custom_metrics_compare();
    ties_call_back();
    searches_and_retrainers_call_back();
    threads_have_exceptions_of_their_own();
    the_hosts_threads_and_memory_are_used();
}
