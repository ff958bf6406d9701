/* couplings.hpp - which axes of which parameters count the units of one hidden space */
#ifndef LAYERFUSE_CPP_COUPLINGS_HPP
#define LAYERFUSE_CPP_COUPLINGS_HPP

#include <layerfuse/couplings.h>
#include <layerfuse/cpp/layer.hpp>

namespace layerfuse
{

/* One member of a space; 0 means the defaults of lfuse_coupling. */
struct coupling {
    std::string layer; /* empty: parameter says "layer.parameter" */
    std::string parameter;
    std::int32_t axis = 0;
    std::int64_t head_group = 0;
    std::int64_t repeat = 0;
    std::int64_t offset = 0;
    std::int64_t extent = 0;
};

namespace detail
{

using raw_coupling = sized<lfuse_coupling, lfuse_coupling_init>;

inline coupling hand_out(const lfuse_coupling &raw)
{
    coupling out;

    out.layer = text(raw.layer);
    out.parameter = text(raw.parameter);
    out.axis = raw.axis;
    out.head_group = raw.head_group;
    out.repeat = raw.repeat;
    out.offset = raw.offset;
    out.extent = raw.extent;
    return out;
}

} // namespace detail

/* Confined while they are added to, shareable from then on. */
class couplings : public detail::handle<lfuse_couplings>
{
  public:
    couplings() noexcept = default;
    explicit couplings(const context &ctx)
        : couplings(ctx, [&](lfuse_couplings **out, lfuse_error *err) {
              return lfuse_couplings_create(ctx.raw(), out, err);
          })
    {
    }
    static couplings parse(const context &ctx, const std::string &json)
    {
        return couplings(ctx, [&](lfuse_couplings **out, lfuse_error *err) {
            return lfuse_couplings_parse(ctx.raw(), json.data(), json.size(), out, err);
        });
    }
    static couplings read(const context &ctx, const std::string &path)
    {
        return couplings(ctx, [&](lfuse_couplings **out, lfuse_error *err) {
            return lfuse_couplings_read(ctx.raw(), path.c_str(), out, err);
        });
    }

    std::int64_t add_space()
    {
        std::int64_t space = 0;

        call([&](lfuse_error *err) {
            return lfuse_couplings_add_space(raw(), &space, err);
        });
        return space;
    }
    void add_member(std::int64_t space, const coupling &member)
    {
        detail::raw_coupling out;

        out.layer = member.layer.empty() ? nullptr : member.layer.c_str();
        out.parameter = member.parameter.c_str();
        out.axis = member.axis;
        out.head_group = member.head_group;
        out.repeat = member.repeat;
        out.offset = member.offset;
        out.extent = member.extent;
        call([&](lfuse_error *err) {
            return lfuse_couplings_add_member(raw(), space, &out, err);
        });
    }
    void add_preset(const std::string &name, const layer_list &layers,
                    std::int64_t heads = 0)
    {
        call([&](lfuse_error *err) {
            return lfuse_couplings_add_preset(raw(), name.c_str(), layers.raw(),
                                              layers.count(), heads, err);
        });
    }

    std::int64_t space_count() const noexcept
    {
        return lfuse_couplings_space_count(raw());
    }
    std::int64_t member_count(std::int64_t space) const noexcept
    {
        return lfuse_couplings_member_count(raw(), space);
    }
    coupling member(std::int64_t space, std::int64_t index) const
    {
        detail::raw_coupling out;

        call([&](lfuse_error *err) {
            return lfuse_couplings_member(raw(), space, index, &out, err);
        });
        return detail::hand_out(out);
    }

    /* How many units a space has in these layers. */
    std::int64_t units(const layer_list &layers, std::int64_t space) const
    {
        std::int64_t out = 0;

        call([&](lfuse_error *err) {
            return lfuse_couplings_units(raw(), layers.raw(), layers.count(), space, &out,
                                         err);
        });
        return out;
    }
    /* Unit u of the space will be what unit order[u] was. */
    void permute(const layer_list &layers, std::int64_t space,
                 span<const std::int64_t> order) const
    {
        if (detail::number(order.size()) != units(layers, space))
            throw error(LFUSE_ERR_SHAPE, "the order has not as many units as the space");
        call([&](lfuse_error *err) {
            return lfuse_couplings_permute(raw(), layers.raw(), layers.count(), space,
                                           order.data(), err);
        });
    }
    /* The order of b's units in which they are most alike a's: by their weights, or by likeness
     * (units, units) unless it is empty. */
    std::vector<std::int64_t> match(const layer_list &layers, std::int64_t a,
                                    std::int64_t b,
                                    span<const double> likeness = {}) const
    {
        const auto size = static_cast<std::size_t>(units(layers, a));
        detail::sized<lfuse_match_args, lfuse_match_args_init> args;
        std::vector<std::int64_t> order(size);

        if (!likeness.empty() && likeness.size() != size * size)
            throw error(LFUSE_ERR_SHAPE, "likeness is not of all pairs of units");
        args.layers = layers.raw();
        args.count = layers.count();
        args.a = a;
        args.b = b;
        args.likeness = likeness.empty() ? nullptr : likeness.data();
        call([&](lfuse_error *err) {
            return lfuse_couplings_match(raw(), &args, order.data(), err);
        });
        return order;
    }

  private:
    template <class Create>
    couplings(const context &ctx, Create &&create)
        : handle(ctx.state(),
                 detail::make<lfuse_couplings>(ctx.state(), lfuse_couplings_destroy,
                                               std::forward<Create>(create)))
    {
    }
};

} // namespace layerfuse

#endif
