/*
 * call.hpp - how C is called, and calls back
 *
 * A callable that throws must not unwind through C. What it threw is kept with the context, by
 * thread, because callbacks run on the thread that calls; the callback fails; and check() throws
 * it again when C has returned.
 */
#ifndef LAYERFUSE_CPP_CALL_HPP
#define LAYERFUSE_CPP_CALL_HPP

#include <layerfuse/cpp/error.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace layerfuse
{
namespace detail
{

/* What callables threw, until the call that they were in has returned. */
class thrown
{
  public:
    /* In a handler. Of several in one call the first is kept. */
    void keep() noexcept
    {
        std::lock_guard<std::mutex> lock(mutex_);

        if (find() != kept_.end())
            return;
        try {
            kept_.emplace_back(std::this_thread::get_id(), std::current_exception());
            count_++;
        } catch (...) {
            /* No memory to remember it: the call fails, all the same. */
        }
    }
    void rethrow()
    {
        if (std::exception_ptr exception = take())
            std::rethrow_exception(exception);
    }
    void forget() noexcept
    {
        take();
    }

  private:
    using one = std::pair<std::thread::id, std::exception_ptr>;

    std::exception_ptr take()
    {
        std::exception_ptr exception;

        if (count_ == 0)
            return exception;
        std::lock_guard<std::mutex> lock(mutex_);
        auto at = find();

        if (at != kept_.end()) {
            exception = std::move(at->second);
            kept_.erase(at);
            count_--;
        }
        return exception;
    }
    std::vector<one>::iterator find()
    {
        return std::find_if(kept_.begin(), kept_.end(), [](const one &kept) {
            return kept.first == std::this_thread::get_id();
        });
    }

    std::atomic<std::size_t> count_{0};
    std::mutex mutex_;
    std::vector<one> kept_;
};

/* The status of f(&error); else an exception, a callable's own before the library's. */
template <class F> void check(thrown &from, F &&f)
{
    lfuse_error error = {};
    const lfuse_status status = f(&error);

    from.rethrow();
    if (status != LFUSE_OK)
        throw layerfuse::error(status, error.message, error.detail);
}

/* Where there is no context, there are no callables. */
template <class F> void check(F &&f)
{
    lfuse_error error = {};
    const lfuse_status status = f(&error);

    if (status != LFUSE_OK)
        throw layerfuse::error(status, error.message, error.detail);
}

/* What a callable returned, for C: 0, or what becomes the error's detail. */
template <class F> std::int32_t answer(thrown &to, F &&f) noexcept
{
    try {
        return f();
    } catch (...) {
        to.keep();
        return 1;
    }
}

/* A struct of C's that Init clears. */
template <class T, void (*Init)(T *, std::size_t)> struct sized : T {
    sized() noexcept : T()
    {
        Init(this, sizeof(T));
    }
};

inline std::string text(const char *text)
{
    return text == nullptr ? std::string() : std::string(text);
}

/* Sizes and indices of C++, for C: what does not fit is refused there. */
inline std::int64_t number(std::size_t size) noexcept
{
    return size > static_cast<std::size_t>(INT64_MAX) ? -1
                                                      : static_cast<std::int64_t>(size);
}

} // namespace detail
} // namespace layerfuse

#endif
