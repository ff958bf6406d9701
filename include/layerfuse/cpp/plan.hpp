/* plan.hpp - which layers shall share weights, and how: intention only */
#ifndef LAYERFUSE_CPP_PLAN_HPP
#define LAYERFUSE_CPP_PLAN_HPP

#include <layerfuse/cpp/plan_options.hpp>
#include <layerfuse/plan_file.h>

namespace layerfuse
{

using fusion = detail::sized<lfuse_fusion, lfuse_fusion_init>;
using account = detail::sized<lfuse_account, lfuse_account_init>;
using planned_weight = detail::sized<lfuse_planned_weight, lfuse_planned_weight_init>;

struct group {
    std::int64_t kept; /* the layer whose buffer it has */
    std::vector<std::int64_t> members;
};

struct skipped_layer {
    std::int64_t layer;
    std::string reason;
};

struct permutation {
    std::int64_t space;
    std::vector<std::int64_t> order; /* unit u will be what unit order[u] was */
    std::vector<coupling> members;
};

/* A row of a layer's weight; layer is -1 for none. */
struct row {
    std::int64_t layer;
    std::int64_t row;
};

/* Shareable. */
class plan : public detail::handle<lfuse_plan>
{
  public:
    plan() noexcept = default;
    static plan build(const context &ctx, const layer_list &layers,
                      const plan_options &options)
    {
        const detail::plan_call by(options, layers.count(), ctx.state()->exceptions);

        return plan(ctx.state(), [&](lfuse_plan **out, lfuse_error *err) {
            return lfuse_plan_build(ctx.raw(), layers.raw(), layers.count(), &by.raw, out,
                                    err);
        });
    }
    /* For these layers, or, without any, for those that the text describes. */
    static plan from_json(const context &ctx, const std::string &json,
                          const layer_list &layers = {})
    {
        const load_options options = loading(layers);

        return plan(ctx.state(), [&](lfuse_plan **out, lfuse_error *err) {
            return lfuse_plan_from_json(ctx.raw(), json.data(), json.size(), &options,
                                        out, err);
        });
    }
    static plan load(const context &ctx, const std::string &path,
                     const layer_list &layers = {})
    {
        const load_options options = loading(layers);

        return plan(ctx.state(), [&](lfuse_plan **out, lfuse_error *err) {
            return lfuse_plan_load(ctx.raw(), path.c_str(), &options, out, err);
        });
    }
    /* Whatever makes one. */
    template <class Create>
    plan(const detail::context_ref &state, Create &&create)
        : handle(state, detail::make<lfuse_plan>(state, lfuse_plan_destroy,
                                                 std::forward<Create>(create)))
    {
    }
    /* One of another handle's, which it keeps. */
    plan(detail::context_ref state, std::shared_ptr<lfuse_plan> shared) noexcept
        : handle(std::move(state), std::move(shared))
    {
    }

    std::string to_json() const
    {
        std::size_t size = 0;

        call([&](lfuse_error *err) {
            return lfuse_plan_to_json(raw(), nullptr, 0, &size, err);
        });
        std::string out(size, '\0');
        call([&](lfuse_error *err) {
            return lfuse_plan_to_json(raw(), out.data(), out.size(), &size, err);
        });
        out.pop_back(); /* the NUL */
        return out;
    }
    void save(const std::string &path) const
    {
        call([&](lfuse_error *err) { return lfuse_plan_save(raw(), path.c_str(), err); });
    }

    std::vector<layerfuse::fusion> fusions() const
    {
        std::vector<layerfuse::fusion> out(
            static_cast<std::size_t>(lfuse_plan_fusion_count(raw())));

        for (std::size_t i = 0; i < out.size(); i++)
            call([&](lfuse_error *err) {
                return lfuse_plan_fusion(raw(), detail::number(i), &out[i], err);
            });
        return out;
    }
    std::vector<group> groups() const
    {
        std::vector<group> out;

        for (std::int64_t i = 0; i < lfuse_plan_group_count(raw()); i++) {
            out.push_back({lfuse_plan_group_kept(raw(), i), {}});
            for (std::int64_t j = 0; j < lfuse_plan_group_size(raw(), i); j++)
                out.back().members.push_back(lfuse_plan_group_member(raw(), i, j));
        }
        return out;
    }
    std::vector<skipped_layer> skipped() const
    {
        std::vector<skipped_layer> out;

        for (std::int64_t i = 0; i < lfuse_plan_skipped_count(raw()); i++)
            out.push_back({lfuse_plan_skipped(raw(), i),
                           detail::text(lfuse_plan_skipped_reason(raw(), i))});
        return out;
    }
    std::vector<permutation> permutations() const
    {
        std::vector<permutation> out;

        for (std::int64_t i = 0; i < lfuse_plan_permutation_count(raw()); i++)
            out.push_back(permutation_at(i));
        return out;
    }

    std::int64_t layer_count() const noexcept
    {
        return lfuse_plan_layer_count(raw());
    }
    std::string layer_name(std::int64_t layer) const
    {
        return detail::text(lfuse_plan_layer_name(raw(), layer));
    }
    std::string layer_type(std::int64_t layer) const
    {
        return detail::text(lfuse_plan_layer_type(raw(), layer));
    }
    std::int32_t weight_count(std::int64_t layer) const noexcept
    {
        return lfuse_plan_weight_count(raw(), layer);
    }
    /* Its name is borrowed from the plan. */
    planned_weight weight(std::int64_t layer, std::int32_t index) const
    {
        planned_weight out;

        call([&](lfuse_error *err) {
            return lfuse_plan_weight(raw(), layer, index, &out, err);
        });
        return out;
    }
    std::int64_t owner(std::int64_t layer) const noexcept
    {
        return lfuse_plan_owner(raw(), layer);
    }
    row row_owner(std::int64_t layer, std::int32_t weight, std::int64_t of) const noexcept
    {
        row out = {-1, -1};

        out.layer = lfuse_plan_row_owner(raw(), layer, weight, of, &out.row);
        return out;
    }
    layerfuse::account account() const
    {
        layerfuse::account out;

        call([&](lfuse_error *err) { return lfuse_plan_account(raw(), &out, err); });
        return out;
    }

  private:
    using load_options =
        detail::sized<lfuse_plan_load_options, lfuse_plan_load_options_init>;

    static load_options loading(const layer_list &layers)
    {
        load_options options;

        options.layers = layers.count() == 0 ? nullptr : layers.raw();
        options.count = layers.count();
        return options;
    }
    permutation permutation_at(std::int64_t index) const
    {
        permutation out = {0, {}, {}};
        std::int64_t units = 0;
        const std::int64_t *order =
            lfuse_plan_permutation(raw(), index, &out.space, &units);

        out.order.assign(order, order + units);
        for (std::int64_t i = 0; i < lfuse_plan_permutation_member_count(raw(), index);
             i++) {
            detail::raw_coupling member;

            call([&](lfuse_error *err) {
                return lfuse_plan_permutation_member(raw(), index, i, &member, err);
            });
            out.members.push_back(detail::hand_out(member));
        }
        return out;
    }
};

} // namespace layerfuse

#endif
