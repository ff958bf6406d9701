/* ties.hpp - what is in force, how to part it again, and how far it can go */
#ifndef LAYERFUSE_CPP_TIES_HPP
#define LAYERFUSE_CPP_TIES_HPP

#include <layerfuse/cpp/plan.hpp>
#include <layerfuse/search.h>
#include <layerfuse/ties.h>

namespace layerfuse
{

/* 0 accepts; another value refuses, and becomes the error's detail. */
struct ties_options : detail::sized<lfuse_ties_options, lfuse_ties_options_init> {
    std::function<std::int32_t(const char *layer, const char *parameter, void *new_data)>
        rebind;
    /* The policy custom: members, and merged (rows, columns), dense. */
    std::function<std::int32_t(span<const matrix_view> members, span<double> merged)>
        merge;
};

namespace detail
{

/* Options for C, as long as this stays where it is: with what is made with them. */
class ties_call
{
  public:
    ties_call(ties_options options, context_ref state)
        : options_(std::move(options)), state_(std::move(state))
    {
        raw = options_;
        raw.rebind = options_.rebind ? rebind : nullptr;
        raw.merge = options_.merge ? merge : nullptr;
        raw.rebind_user = raw.merge_user = this;
    }
    ties_call(const ties_call &) = delete;
    ties_call &operator=(const ties_call &) = delete;

    lfuse_ties_options raw;

  private:
    static std::int32_t rebind(const char *layer, const char *parameter, void *new_data,
                               void *user)
    {
        auto *self = static_cast<ties_call *>(user);

        return answer(self->state_->exceptions,
                      [&] { return self->options_.rebind(layer, parameter, new_data); });
    }
    static std::int32_t merge(void *user, const lfuse_matrix_view *members,
                              std::int64_t count, double *merged)
    {
        auto *self = static_cast<ties_call *>(user);

        return answer(self->state_->exceptions, [&] {
            const std::vector<matrix_view> views(members, members + count);
            const auto size = static_cast<std::size_t>(members->rows * members->columns);

            return self->options_.merge(views, span<double>(merged, size));
        });
    }

    ties_options options_;
    context_ref state_;
};

/* Callables that live for one call. */
struct evaluate_call {
    const std::function<double()> &evaluate;
    const std::function<std::int32_t()> &repair;
    thrown &exceptions;

    static std::int32_t call_evaluate(void *user, double *metric)
    {
        auto *self = static_cast<evaluate_call *>(user);

        return answer(self->exceptions, [&] {
            *metric = self->evaluate();
            return 0;
        });
    }
    static std::int32_t call_repair(void *user)
    {
        auto *self = static_cast<evaluate_call *>(user);

        return answer(self->exceptions, [&] { return self->repair(); });
    }
};

} // namespace detail

/* What there is to ask of ties, a retrainer's included. */
class ties_view
{
  public:
    /* shared keeps what owns the ties. */
    ties_view(detail::context_ref state,
              std::shared_ptr<const lfuse_ties> shared) noexcept
        : state_(std::move(state)), shared_(std::move(shared))
    {
    }
    const lfuse_ties *raw() const noexcept
    {
        return shared_.get();
    }
    std::int64_t owner(std::int64_t layer) const noexcept
    {
        return lfuse_ties_owner(raw(), layer);
    }
    row row_owner(std::int64_t layer, std::int32_t weight, std::int64_t of) const noexcept
    {
        row out = {-1, -1};

        out.layer = lfuse_ties_row_owner(raw(), layer, weight, of, &out.row);
        return out;
    }
    bool is_frozen(std::int64_t layer) const noexcept
    {
        return lfuse_ties_is_frozen(raw(), layer) != 0;
    }
    std::size_t resident_bytes() const noexcept
    {
        return lfuse_ties_resident_bytes(raw());
    }
    layerfuse::account account(lfuse_base base = LFUSE_BASE_CANDIDATES) const
    {
        layerfuse::account out;

        detail::check(
            [&](lfuse_error *err) { return lfuse_ties_account(raw(), base, &out, err); });
        return out;
    }

  private:
    detail::context_ref state_;
    std::shared_ptr<const lfuse_ties> shared_;
};

struct search_options : detail::sized<lfuse_search_options, lfuse_search_options_init> {
    plan_options plan;
    std::function<double()> evaluate; /* fails by what it throws */
    std::function<std::int32_t()> repair;
};

/* Confined. */
class ties : public detail::handle<lfuse_ties>
{
  public:
    ties() noexcept = default;
    ties(const context &ctx, const layer_list &layers, ties_options options = {})
        : count_(layers.count())
    {
        auto by = std::make_shared<detail::ties_call>(std::move(options), ctx.state());

        state_ = ctx.state();
        raw_ = detail::make<lfuse_ties>(
            ctx.state(), lfuse_ties_destroy,
            [&](lfuse_ties **out, lfuse_error *err) {
                return lfuse_ties_create(ctx.raw(), layers.raw(), layers.count(),
                                         &by->raw, out, err);
            },
            layers.shared(), by);
    }

    void apply(const plan &of)
    {
        call([&](lfuse_error *err) { return lfuse_ties_apply(raw(), of.raw(), err); });
    }
    void show(lfuse_show what, std::int64_t step = 0)
    {
        call([&](lfuse_error *err) { return lfuse_ties_show(raw(), what, step, err); });
    }
    void finalise()
    {
        call([&](lfuse_error *err) { return lfuse_ties_finalise(raw(), err); });
    }
    void undo()
    {
        call([&](lfuse_error *err) { return lfuse_ties_undo(raw(), err); });
    }
    void combine_gradients()
    {
        call([&](lfuse_error *err) { return lfuse_ties_combine_gradients(raw(), err); });
    }
    void refresh()
    {
        call([&](lfuse_error *err) { return lfuse_ties_refresh(raw(), err); });
    }
    ties_view view() const noexcept
    {
        return ties_view(state(), shared());
    }
    std::int64_t owner(std::int64_t layer) const noexcept
    {
        return lfuse_ties_owner(raw(), layer);
    }

    struct found {
        plan of;
        double metric;
    };
    /* The largest ratio that costs no more than a tolerance, without training. */
    found search_ratio(const search_options &options)
    {
        if (state_ == nullptr)
            throw error(LFUSE_ERR_ARGUMENT, "the ties were moved from");
        const detail::plan_call by(options.plan, count_, state_->exceptions);
        detail::evaluate_call calls = {options.evaluate, options.repair,
                                       state_->exceptions};
        lfuse_search_options raw_options = options;
        double metric = 0;

        raw_options.plan = &by.raw;
        raw_options.evaluate =
            options.evaluate ? detail::evaluate_call::call_evaluate : nullptr;
        raw_options.repair =
            options.repair ? detail::evaluate_call::call_repair : nullptr;
        raw_options.evaluate_user = raw_options.repair_user = &calls;
        plan out(state_, [&](lfuse_plan **made, lfuse_error *err) {
            return lfuse_search_ratio(raw(), &raw_options, made, &metric, err);
        });
        return {std::move(out), metric};
    }

  private:
    std::int64_t count_ = 0;
};

} // namespace layerfuse

#endif
