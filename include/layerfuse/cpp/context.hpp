/* context.hpp - memory, threads, messages, instruction set, seed; and what every handle is */
#ifndef LAYERFUSE_CPP_CONTEXT_HPP
#define LAYERFUSE_CPP_CONTEXT_HPP

#include <layerfuse/context.h>
#include <layerfuse/cpp/call.hpp>
#include <layerfuse/version.h>

#include <functional>
#include <new>
#if __has_include(<memory_resource>)
#include <memory_resource>
#endif

namespace layerfuse
{

/* One turn of a loop of the library's; any thread may take it, once. */
struct task {
    lfuse_task run;
    void *arg;

    void operator()(std::int64_t index) const
    {
        run(arg, index);
    }
};

/* The host's threads: as lfuse_executor. */
struct executor {
    std::function<std::int32_t(std::int64_t count, task each)> parallel_for;
    std::int32_t concurrency = 0;
};

struct context_options
    : detail::sized<lfuse_context_options, lfuse_context_options_init> {
#if defined(__cpp_lib_memory_resource)
    std::pmr::memory_resource *allocator = nullptr; /* of any thread's; else malloc */
#endif
    layerfuse::executor executor;
    std::function<void(lfuse_log_level level, const char *text)> log;
    std::function<std::int32_t(const char *what, std::int64_t done, std::int64_t total)>
        progress;
};

namespace detail
{

/* A context and what it calls, at an address that stays, for as long as any handle needs it. */
class context_state
{
  public:
    explicit context_state(context_options &&options) : options_(std::move(options))
    {
        lfuse_context_options given = options_;

        set_allocator(given);
        given.log_user = given.progress_user = given.executor.user = this;
        given.log = options_.log ? log : nullptr;
        given.progress = options_.progress ? progress : nullptr;
        given.executor.parallel_for =
            options_.executor.parallel_for ? parallel_for : nullptr;
        given.executor.concurrency = options_.executor.concurrency;
        if (!options_.executor.parallel_for)
            given.executor.user = nullptr;
        check(exceptions,
              [&](lfuse_error *err) { return lfuse_context_create(&given, &raw, err); });
    }
    context_state(const context_state &) = delete;
    context_state &operator=(const context_state &) = delete;
    ~context_state()
    {
        lfuse_context_destroy(raw);
    }

    lfuse_context *raw = nullptr;
    thrown exceptions;

  private:
    static void log(lfuse_log_level level, const char *text, void *user)
    {
        auto *state = static_cast<context_state *>(user);

        answer(state->exceptions, [&] {
            state->options_.log(level, text);
            return 0;
        });
    }
    static std::int32_t progress(const char *what, std::int64_t done, std::int64_t total,
                                 void *user)
    {
        auto *state = static_cast<context_state *>(user);

        return answer(state->exceptions,
                      [&] { return state->options_.progress(what, done, total); });
    }
    static std::int32_t parallel_for(void *user, std::int64_t count, lfuse_task run,
                                     void *arg)
    {
        auto *state = static_cast<context_state *>(user);

        return answer(state->exceptions, [&] {
            return state->options_.executor.parallel_for(count, task{run, arg});
        });
    }
#if defined(__cpp_lib_memory_resource)
    static void *alloc(void *user, std::size_t size, std::size_t align)
    {
        try {
            return static_cast<std::pmr::memory_resource *>(user)->allocate(size, align);
        } catch (...) {
            return nullptr; /* LFUSE_ERR_NO_MEMORY */
        }
    }
    static void release(void *user, void *ptr, std::size_t size, std::size_t align)
    {
        static_cast<std::pmr::memory_resource *>(user)->deallocate(ptr, size, align);
    }
    void set_allocator(lfuse_context_options &out) const
    {
        if (options_.allocator != nullptr)
            out.allocator = {alloc, release, options_.allocator};
    }
#else
    void set_allocator(lfuse_context_options &) const
    {
    }
#endif

    context_options options_;
};

using context_ref = std::shared_ptr<context_state>;

/* What all handles have in common: a handle of C's, and the context that its calls report to. */
template <class T> class handle
{
  public:
    handle() noexcept = default;
    handle(handle &&) noexcept = default;
    handle &operator=(handle &&) noexcept = default;
    handle(const handle &) = delete;
    handle &operator=(const handle &) = delete;

    /* C's; NULL for one that is empty or was moved from. */
    T *raw() const noexcept
    {
        return raw_.get();
    }
    explicit operator bool() const noexcept
    {
        return raw_ != nullptr;
    }
    /* The same with a share of what owns it: for other handles to keep. */
    const std::shared_ptr<T> &shared() const noexcept
    {
        return raw_;
    }
    const context_ref &state() const noexcept
    {
        return state_;
    }

  protected:
    handle(context_ref state, std::shared_ptr<T> raw) noexcept
        : state_(std::move(state)), raw_(std::move(raw))
    {
    }
    template <class F> void call(F &&f) const
    {
        if (state_ != nullptr)
            check(state_->exceptions, std::forward<F>(f));
        else
            check(std::forward<F>(f)); /* C refuses NULL */
    }

    context_ref state_;
    std::shared_ptr<T> raw_; /* ends before the context may */
};

/* What create() makes, destroyed before what it keeps is. Where creating succeeds and a callable
 * throws, as one for messages may, it is destroyed at once. */
template <class T, class Create, class... Keep>
std::shared_ptr<T> make(const context_ref &state, void (*destroy)(T *), Create &&create,
                        Keep... keep)
{
    T *raw = nullptr;
    lfuse_error error = {};
    const lfuse_status status = create(&raw, &error);
    std::shared_ptr<T> owned(raw, [destroy, state, keep...](T *ptr) {
        destroy(ptr);
        state->exceptions.forget(); /* a destructor has no call to fail */
    });

    check(state->exceptions, [&](lfuse_error *err) {
        *err = error;
        return status;
    });
    return owned;
}

} // namespace detail

/* Shareable. */
class context
{
  public:
    explicit context(context_options options = {})
    {
        constexpr std::int32_t major = LAYERFUSE_VERSION_MAJOR,
                               minor = LAYERFUSE_VERSION_MINOR;
        const std::int32_t running = lfuse_version();

        if (running / 1000000 != major || running / 1000 < major * 1000 + minor)
            throw error(LFUSE_ERR_UNSUPPORTED,
                        std::string("the library is ") + lfuse_version_string() +
                            ", the header " + LAYERFUSE_VERSION_STRING);
        state_ = std::make_shared<detail::context_state>(std::move(options));
    }
    context(context &&) noexcept = default;
    context &operator=(context &&) noexcept = default;

    lfuse_context *raw() const noexcept
    {
        return state_ == nullptr ? nullptr : state_->raw;
    }
    /* What handles keep; throws where the context was moved from. */
    const detail::context_ref &state() const
    {
        if (state_ == nullptr)
            throw error(LFUSE_ERR_ARGUMENT, "the context was moved from");
        return state_;
    }
    lfuse_isa isa() const noexcept
    {
        return lfuse_context_isa(raw());
    }
    std::int32_t threads() const noexcept
    {
        return lfuse_context_threads(raw());
    }
    /* A call of C's that takes a context and may call callables. */
    template <class F> void call(F &&f) const
    {
        detail::check(state()->exceptions,
                      [&](lfuse_error *err) { return f(state_->raw, err); });
    }

  private:
    detail::context_ref state_;
};

/* The version of the library that is running: lfuse_version(), lfuse_version_string(). */
inline std::int32_t version() noexcept
{
    return lfuse_version();
}
inline const char *version_string() noexcept
{
    return lfuse_version_string();
}

} // namespace layerfuse

#endif
