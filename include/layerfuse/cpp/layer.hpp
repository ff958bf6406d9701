/* layer.hpp - one position of the network: its name, its param type and its parameters */
#ifndef LAYERFUSE_CPP_LAYER_HPP
#define LAYERFUSE_CPP_LAYER_HPP

#include <layerfuse/cpp/tensor.hpp>
#include <layerfuse/layer.h>

#include <array>

namespace layerfuse
{

/* One named parameter: to be added to a layer, or as a layer or a retrainer hands it out. */
struct parameter {
    std::string layer; /* ignored when adding */
    std::string name;
    tensor value;
    tensor gradient;                           /* or empty */
    std::array<tensor, LFUSE_MAX_STATE> state; /* the unused ones are empty */
    lfuse_role role = LFUSE_ROLE_WEIGHT;
    std::int32_t output_axis = 0;
};

namespace detail
{

using raw_parameter = sized<lfuse_parameter, lfuse_parameter_init>;

/* What C hands out, as handles that keep `owner`. */
template <class T>
parameter hand_out(const lfuse_parameter &raw, const context_ref &state,
                   const std::shared_ptr<T> &owner)
{
    const auto keep = [&](lfuse_tensor *one) {
        return one == nullptr ? tensor()
                              : tensor(state, std::shared_ptr<lfuse_tensor>(owner, one));
    };
    parameter out;

    out.layer = text(raw.layer);
    out.name = text(raw.name);
    out.value = keep(raw.value);
    out.gradient = keep(raw.gradient);
    for (std::size_t i = 0; i < out.state.size(); i++)
        out.state[i] = keep(raw.state[i]);
    out.role = raw.role;
    out.output_axis = raw.output_axis;
    return out;
}

} // namespace detail

struct layer_desc {
    std::string name;
    std::string param_type;
    lfuse_layer_kind kind = LFUSE_LAYER_OTHER;
    std::int32_t position = 0;
};

/* Confined while ties are being applied to it. */
class layer : public detail::handle<lfuse_layer>
{
  public:
    layer() noexcept = default;
    layer(const context &ctx, const layer_desc &desc)
        : layer(
              ctx,
              [&](const lfuse_layer_desc *raw, lfuse_layer **out, lfuse_error *err) {
                  return lfuse_layer_create(ctx.raw(), raw, out, err);
              },
              desc)
    {
    }
    /* With one parameter, "weight", over the caller's elements; gradient may be empty. */
    template <class T>
    static layer wrap(const context &ctx, const layer_desc &desc, span<T> weight,
                      span<T> gradient, const shape &dims)
    {
        const tensor_desc w = detail::describe(weight, dims);
        const tensor_desc g = gradient.empty() ? w : detail::describe(gradient, dims);

        return layer(
            ctx,
            [&](const lfuse_layer_desc *raw, lfuse_layer **out, lfuse_error *err) {
                return lfuse_layer_wrap(ctx.raw(), raw, &w,
                                        gradient.empty() ? nullptr : &g, out, err);
            },
            desc);
    }

    /* Adds a parameter; the layer keeps its tensors. */
    void add(const parameter &added)
    {
        detail::raw_parameter raw_parameter;

        raw_parameter.name = added.name.c_str();
        raw_parameter.value = added.value.raw();
        raw_parameter.gradient = added.gradient.raw();
        raw_parameter.role = added.role;
        raw_parameter.output_axis = added.output_axis;
        keep(added.value);
        keep(added.gradient);
        for (std::size_t i = 0; i < added.state.size(); i++) {
            raw_parameter.state[i] = added.state[i].raw();
            keep(added.state[i]);
        }
        call([&](lfuse_error *err) {
            return lfuse_layer_add_parameter(raw(), &raw_parameter, err);
        });
    }

    std::string name() const
    {
        return detail::text(lfuse_layer_name(raw()));
    }
    std::string param_type() const
    {
        return detail::text(lfuse_layer_param_type(raw()));
    }
    lfuse_layer_kind kind() const noexcept
    {
        return lfuse_layer_kind_of(raw());
    }
    std::int32_t position() const noexcept
    {
        return lfuse_layer_position(raw());
    }
    std::int32_t parameter_count() const noexcept
    {
        return lfuse_layer_parameter_count(raw());
    }
    layerfuse::parameter parameter(std::int32_t index) const
    {
        detail::raw_parameter out;

        call([&](lfuse_error *err) {
            return lfuse_layer_parameter(raw(), index, &out, err);
        });
        return detail::hand_out(out, state(), shared());
    }

  private:
    using kept = std::vector<std::shared_ptr<lfuse_tensor>>;

    template <class Create>
    layer(const context &ctx, Create &&create, const layer_desc &desc)
        : tensors_(std::make_shared<kept>())
    {
        detail::sized<lfuse_layer_desc, lfuse_layer_desc_init> raw_desc;

        raw_desc.name = desc.name.c_str();
        raw_desc.param_type = desc.param_type.c_str();
        raw_desc.kind = desc.kind;
        raw_desc.position = desc.position;
        state_ = ctx.state();
        raw_ = detail::make<lfuse_layer>(
            ctx.state(), lfuse_layer_destroy,
            [&](lfuse_layer **out, lfuse_error *err) {
                return create(&raw_desc, out, err);
            },
            tensors_);
    }
    /* Before C has them: what it may hold, whatever happens, is there. */
    void keep(const tensor &one)
    {
        if (one && tensors_ != nullptr)
            tensors_->push_back(one.shared());
    }

    std::shared_ptr<kept> tensors_;
};

/* Some layers, for a call or for what keeps them: of any range of layers or of references to
 * them (std::vector<layer>, std::vector<std::reference_wrapper<layer>>). */
class layer_list
{
  public:
    layer_list(std::initializer_list<std::reference_wrapper<const layer>> layers)
    {
        fill(layers);
    }
    template <class Range, class = decltype(std::declval<const Range &>().begin())>
    layer_list(const Range &layers)
    {
        fill(layers);
    }

    lfuse_layer *const *raw() const noexcept
    {
        return raw_.data();
    }
    std::int64_t count() const noexcept
    {
        return detail::number(raw_.size());
    }
    const std::vector<std::shared_ptr<lfuse_layer>> &shared() const noexcept
    {
        return shared_;
    }

  private:
    template <class Range> void fill(const Range &layers)
    {
        for (const layer &one : layers) {
            raw_.push_back(one.raw());
            shared_.push_back(one.shared());
        }
    }

    std::vector<lfuse_layer *> raw_;
    std::vector<std::shared_ptr<lfuse_layer>> shared_;
};

} // namespace layerfuse

#endif
