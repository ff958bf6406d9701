/* span.hpp - std::span where there is one, else as much of it as is needed */
#ifndef LAYERFUSE_CPP_SPAN_HPP
#define LAYERFUSE_CPP_SPAN_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#if defined(__has_include)
#if __has_include(<version>)
#include <version>
#endif
#endif

#if defined(__cpp_lib_span)
#include <span>

namespace layerfuse
{
template <class T> using span = std::span<T>;
}
#else

namespace layerfuse
{

template <class T> class span
{
  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;

    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    template <std::size_t N>
    constexpr span(T (&array)[N]) noexcept : data_(array), size_(N)
    {
    }
    /* Whatever has data() and size(): vectors, arrays, strings, other spans. */
    template <class Range,
              class = std::enable_if_t<std::is_convertible_v<
                  std::remove_pointer_t<decltype(std::declval<Range &>().data())> (*)[],
                  T (*)[]>>>
    constexpr span(Range &&range) : data_(range.data()), size_(range.size())
    {
    }

    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }
    constexpr T &operator[](std::size_t index) const noexcept
    {
        return data_[index];
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};

} // namespace layerfuse
#endif

#endif
