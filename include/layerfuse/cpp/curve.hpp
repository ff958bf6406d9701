/* curve.hpp - where a curve of quality against compression bends */
#ifndef LAYERFUSE_CPP_CURVE_HPP
#define LAYERFUSE_CPP_CURVE_HPP

#include <layerfuse/cpp/call.hpp>
#include <layerfuse/cpp/span.hpp>
#include <layerfuse/curve.h>

namespace layerfuse
{

using inflection = detail::sized<lfuse_inflection, lfuse_inflection_init>;

inline inflection curve_inflection(span<const double> x, span<const double> y)
{
    inflection out;

    if (x.size() != y.size())
        throw error(LFUSE_ERR_SHAPE, "there are not as many x as y");
    detail::check([&](lfuse_error *err) {
        return lfuse_curve_inflection(x.data(), y.data(), detail::number(x.size()), &out,
                                      err);
    });
    return out;
}

} // namespace layerfuse

#endif
