/* preview.hpp - what weights will be once a plan is applied, and what sharing takes from them */
#ifndef LAYERFUSE_CPP_PREVIEW_HPP
#define LAYERFUSE_CPP_PREVIEW_HPP

#include <layerfuse/cpp/plan.hpp>
#include <layerfuse/preview.h>
#include <layerfuse/residual.h>

namespace layerfuse
{

/* Shareable. */
class preview : public detail::handle<lfuse_preview>
{
  public:
    preview() noexcept = default;
    preview(const context &ctx, const plan &of, const layer_list &layers)
        : handle(ctx.state(),
                 detail::make<lfuse_preview>(
                     ctx.state(), lfuse_preview_destroy,
                     [&](lfuse_preview **out, lfuse_error *err) {
                         return lfuse_preview_create(ctx.raw(), of.raw(), layers.raw(),
                                                     layers.count(), out, err);
                     },
                     of.shared(), layers.shared())),
          layers_(layers.shared())
    {
    }

    /* Elements, from `first` on, of a weight as it will be, as many as out has. T is the weight's
     * type, or this throws. */
    template <class T>
    void read(std::int64_t layer, std::int32_t weight, std::int64_t first,
              span<T> out) const
    {
        std::int32_t left = weight;

        for (std::int32_t i = 0; i < count(layer); i++)
            if (at(layer, i).role == LFUSE_ROLE_WEIGHT && left-- == 0)
                is<T>(layer, i);
        call([&](lfuse_error *err) {
            return lfuse_preview_read(raw(), layer, weight, first,
                                      detail::number(out.size()), out.data(), err);
        });
    }
    /* The same of any parameter. */
    template <class T>
    void read_parameter(std::int64_t layer, std::int32_t parameter, std::int64_t first,
                        span<T> out) const
    {
        if (parameter >= 0 && parameter < count(layer))
            is<T>(layer, parameter);
        call([&](lfuse_error *err) {
            return lfuse_preview_read_parameter(raw(), layer, parameter, first,
                                                detail::number(out.size()), out.data(),
                                                err);
        });
    }

  private:
    std::int32_t count(std::int64_t layer) const noexcept
    {
        return layer < 0 || layer >= detail::number(layers_.size())
                   ? 0
                   : lfuse_layer_parameter_count(
                         layers_[static_cast<std::size_t>(layer)].get());
    }
    lfuse_parameter at(std::int64_t layer, std::int32_t index) const
    {
        detail::raw_parameter out;

        call([&](lfuse_error *err) {
            return lfuse_layer_parameter(layers_[static_cast<std::size_t>(layer)].get(),
                                         index, &out, err);
        });
        return out;
    }
    template <class T> void is(std::int64_t layer, std::int32_t index) const
    {
        if (lfuse_tensor_dtype(at(layer, index).value) != dtype_of<T>::value)
            throw error(LFUSE_ERR_TYPE, "the parameter is of another type");
    }

    std::vector<std::shared_ptr<lfuse_layer>> layers_;
};

using residual_options =
    detail::sized<lfuse_residual_options, lfuse_residual_options_init>;

/* The factors A and B nearest to what a plan will take from a weight; empty for none. */
inline std::pair<tensor, tensor> residual_fit(const context &ctx, const preview &of,
                                              std::int64_t layer, std::int32_t weight,
                                              const residual_options &options = {})
{
    lfuse_tensor *b = nullptr;
    const auto state = ctx.state();
    std::shared_ptr<lfuse_tensor> first = detail::make<lfuse_tensor>(
        state, lfuse_tensor_destroy, [&](lfuse_tensor **a, lfuse_error *err) {
            return lfuse_residual_fit(ctx.raw(), of.raw(), layer, weight, &options, a, &b,
                                      err);
        });
    std::shared_ptr<lfuse_tensor> second(
        b, [state](lfuse_tensor *one) { lfuse_tensor_destroy(one); });

    return {tensor(state, std::move(first)), tensor(state, std::move(second))};
}

} // namespace layerfuse

#endif
