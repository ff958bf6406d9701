/* similarity.hpp - how alike two weights are */
#ifndef LAYERFUSE_CPP_SIMILARITY_HPP
#define LAYERFUSE_CPP_SIMILARITY_HPP

#include <layerfuse/cpp/layer.hpp>
#include <layerfuse/similarity.h>

#include <limits>

namespace layerfuse
{

/* A matrix that a callable is shown, for the call. */
struct matrix_view : lfuse_matrix_view {
    explicit matrix_view(const lfuse_matrix_view &raw) noexcept : lfuse_matrix_view(raw)
    {
    }
    /* Element (row, column), which must be there, and the matrix of this type. */
    template <class T> T at(std::int64_t row, std::int64_t column) const
    {
        if (dtype != dtype_of<T>::value || row < 0 || row >= rows || column < 0 ||
            column >= columns)
            throw error(LFUSE_ERR_ARGUMENT, "the matrix has no such element");
        return static_cast<const T *>(data)[row * row_stride + column * column_stride];
    }
};

struct similarity_options
    : detail::sized<lfuse_similarity_options, lfuse_similarity_options_init> {
    /* The metric custom. */
    std::function<double(const matrix_view &a, const matrix_view &b)> custom;
    /* Of a matrix: layers i and j could not be compared. 0 goes on to the next pair. */
    std::function<std::int32_t(std::int64_t i, std::int64_t j, const error &why)> failed;
    /* Of a matrix whose work ranks share: as lfuse_gather. */
    std::function<std::int32_t(void *data, const std::size_t *first)> gather;
};

using metric_properties =
    detail::sized<lfuse_metric_properties, lfuse_metric_properties_init>;

namespace detail
{

/* Options for C, as long as this stays where it is. */
class similarity_call
{
  public:
    similarity_call(const similarity_options &options, thrown &exceptions)
        : raw(options), options_(options), exceptions_(exceptions)
    {
        raw.custom = options.custom ? custom : nullptr;
        raw.failed = options.failed ? failed : nullptr;
        raw.gather = options.gather ? gather : nullptr;
        raw.custom_user = raw.failed_user = raw.gather_user = this;
    }
    similarity_call(const similarity_call &) = delete;
    similarity_call &operator=(const similarity_call &) = delete;

    lfuse_similarity_options raw;

  private:
    static std::int32_t custom(void *user, const lfuse_matrix_view *a,
                               const lfuse_matrix_view *b, double *out)
    {
        auto *self = static_cast<similarity_call *>(user);

        return answer(self->exceptions_, [&] {
            *out = self->options_.custom(matrix_view(*a), matrix_view(*b));
            return 0;
        });
    }
    static std::int32_t failed(void *user, std::int64_t i, std::int64_t j,
                               const lfuse_error *why)
    {
        auto *self = static_cast<similarity_call *>(user);

        return answer(self->exceptions_, [&] {
            return self->options_.failed(i, j,
                                         error(why->status, why->message, why->detail));
        });
    }

    static std::int32_t gather(void *user, void *data, const std::size_t *first)
    {
        auto *self = static_cast<similarity_call *>(user);

        return answer(self->exceptions_,
                      [&] { return self->options_.gather(data, first); });
    }

    const similarity_options &options_;
    thrown &exceptions_;
};

} // namespace detail

inline metric_properties metric_info(lfuse_metric metric)
{
    metric_properties out;

    detail::check([&](lfuse_error *err) { return lfuse_metric_info(metric, &out, err); });
    return out;
}

inline lfuse_metric metric_from_name(const std::string &name)
{
    lfuse_metric out = 0;

    detail::check([&](lfuse_error *err) {
        return lfuse_metric_from_name(name.c_str(), &out, err);
    });
    return out;
}

inline double similarity(const context &ctx, const tensor &a, const tensor &b,
                         const similarity_options &options = {})
{
    const detail::similarity_call by(options, ctx.state()->exceptions);
    double out = 0;

    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_similarity(raw, a.raw(), b.raw(), &by.raw, &out, err);
    });
    return out;
}

struct assignment {
    std::vector<std::int64_t> rows; /* of b, for each row of a; -1 for none */
    double value;
};

/* Which row of b each row of a is matched with. */
inline assignment similarity_assignment(const context &ctx, const tensor &a,
                                        const tensor &b,
                                        const similarity_options &options = {})
{
    const detail::similarity_call by(options, ctx.state()->exceptions);
    assignment out = {};

    out.rows.resize(static_cast<std::size_t>(a.dim(options.output_axis)));
    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_similarity_assignment(raw, a.raw(), b.raw(), &by.raw,
                                           out.rows.data(), &out.value, err);
    });
    return out;
}

/* All pairs of layers, by rows; NaN where options.failed let one pass. */
inline std::vector<double> similarity_matrix(const context &ctx, const layer_list &layers,
                                             const similarity_options &options = {})
{
    const detail::similarity_call by(options, ctx.state()->exceptions);
    const auto count = static_cast<std::size_t>(layers.count());
    std::vector<double> out(count * count, std::numeric_limits<double>::quiet_NaN());

    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_similarity_matrix(raw, layers.raw(), layers.count(), &by.raw,
                                       out.data(), err);
    });
    return out;
}

} // namespace layerfuse

#endif
