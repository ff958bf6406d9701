/* retrainer.hpp - hooks around the caller's own training loop */
#ifndef LAYERFUSE_CPP_RETRAINER_HPP
#define LAYERFUSE_CPP_RETRAINER_HPP

#include <layerfuse/cpp/ties.hpp>
#include <layerfuse/resume.h>
#include <layerfuse/retrainer.h>

namespace layerfuse
{

struct retrainer_options
    : detail::sized<lfuse_retrainer_options, lfuse_retrainer_options_init> {
    plan_options plan;
    ties_options ties;
    std::function<double(std::int32_t fusion, std::int32_t fusions)> custom;
    std::function<std::int32_t()> repair;
};

namespace detail
{

/* Options for C, as long as this stays where it is: with the retrainer. */
class retrainer_call
{
  public:
    retrainer_call(retrainer_options options, std::int64_t count,
                   const context_ref &state)
        : options_(std::move(options)), state_(state),
          plan_(options_.plan, count, state->exceptions),
          ties_(std::move(options_.ties), state)
    {
        raw = options_;
        raw.plan = &plan_.raw;
        raw.ties = &ties_.raw;
        raw.custom = options_.custom ? custom : nullptr;
        raw.repair = options_.repair ? repair : nullptr;
        raw.custom_user = raw.repair_user = this;
    }
    retrainer_call(const retrainer_call &) = delete;
    retrainer_call &operator=(const retrainer_call &) = delete;

    lfuse_retrainer_options raw;

  private:
    static double custom(void *user, std::int32_t fusion, std::int32_t fusions)
    {
        auto *self = static_cast<retrainer_call *>(user);
        double ratio = std::numeric_limits<double>::quiet_NaN(); /* is refused */

        answer(self->state_->exceptions, [&] {
            ratio = self->options_.custom(fusion, fusions);
            return 0;
        });
        return ratio;
    }
    static std::int32_t repair(void *user)
    {
        auto *self = static_cast<retrainer_call *>(user);

        return answer(self->state_->exceptions, [&] { return self->options_.repair(); });
    }

    retrainer_options options_;
    context_ref state_;
    plan_call plan_;
    ties_call ties_;
};

} // namespace detail

/* Confined. Couplings of the plan's options must live as long as it does. */
class retrainer : public detail::handle<lfuse_retrainer>
{
  public:
    retrainer() noexcept = default;
    retrainer(const context &ctx, const layer_list &layers, retrainer_options options)
    {
        auto by = std::make_shared<detail::retrainer_call>(std::move(options),
                                                           layers.count(), ctx.state());

        state_ = ctx.state();
        raw_ = detail::make<lfuse_retrainer>(
            ctx.state(), lfuse_retrainer_destroy,
            [&](lfuse_retrainer **out, lfuse_error *err) {
                return lfuse_retrainer_create(ctx.raw(), layers.raw(), layers.count(),
                                              &by->raw, out, err);
            },
            layers.shared(), by);
    }

    void fuse()
    {
        run(lfuse_retrainer_fuse);
    }
    void finalise()
    {
        run(lfuse_retrainer_finalise);
    }
    void undo()
    {
        run(lfuse_retrainer_undo);
    }
    void begin_step()
    {
        run(lfuse_retrainer_begin_step);
    }
    void combine_gradients()
    {
        run(lfuse_retrainer_combine_gradients);
    }
    void end_step()
    {
        run(lfuse_retrainer_end_step);
    }
    void abort_step()
    {
        run(lfuse_retrainer_abort_step);
    }
    void begin_eval()
    {
        run(lfuse_retrainer_begin_eval);
    }
    void end_eval()
    {
        run(lfuse_retrainer_end_eval);
    }

    /* Parameters that train now, each shared one once. */
    std::int64_t parameter_count() const noexcept
    {
        return lfuse_retrainer_parameter_count(raw());
    }
    layerfuse::parameter parameter(std::int64_t index) const
    {
        detail::raw_parameter out;

        call([&](lfuse_error *err) {
            return lfuse_retrainer_parameter(raw(), index, &out, err);
        });
        return detail::hand_out(out, state(), shared());
    }

    /* Tries `count` ways to do the next fusion, and picks the cheapest: its metric. */
    double probe(std::int64_t count, const std::function<double()> &evaluate)
    {
        const std::function<std::int32_t()> none;
        double metric = 0;

        if (state_ == nullptr)
            throw error(LFUSE_ERR_ARGUMENT, "the retrainer was moved from");
        detail::evaluate_call calls = {evaluate, none, state_->exceptions};
        call([&](lfuse_error *err) {
            return lfuse_retrainer_probe(
                raw(), count, detail::evaluate_call::call_evaluate, &calls, &metric, err);
        });
        return metric;
    }
    bool is_due() const noexcept
    {
        return lfuse_retrainer_is_due(raw()) != 0;
    }
    lfuse_verdict end_epoch(double metric)
    {
        lfuse_verdict out = LFUSE_VERDICT_CONTINUE;

        call([&](lfuse_error *err) {
            return lfuse_retrainer_end_epoch(raw(), metric, &out, err);
        });
        return out;
    }

    ties_view ties() const noexcept
    {
        return ties_view(state(), std::shared_ptr<const lfuse_ties>(
                                      shared(), lfuse_retrainer_ties(raw())));
    }
    /* Of the latest fusion, until the next one; empty before the first. */
    layerfuse::plan plan() const noexcept
    {
        auto *latest = const_cast<lfuse_plan *>(lfuse_retrainer_plan(raw()));

        return latest == nullptr
                   ? layerfuse::plan()
                   : layerfuse::plan(state(),
                                     std::shared_ptr<lfuse_plan>(shared(), latest));
    }

    /* All there is of it and of the layers, and bytes of the caller's own. */
    void save(const std::string &path, span<const unsigned char> own = {})
    {
        detail::sized<lfuse_retrainer_save_options, lfuse_retrainer_save_options_init>
            options;

        options.caller = own.empty() ? nullptr : own.data();
        options.caller_bytes = own.size();
        call([&](lfuse_error *err) {
            return lfuse_retrainer_save(raw(), path.c_str(), &options, err);
        });
    }
    void load(const std::string &path)
    {
        call([&](lfuse_error *err) {
            return lfuse_retrainer_load(raw(), path.c_str(), err);
        });
    }
    /* Those of the file that was loaded, as long as the retrainer. */
    span<const unsigned char> own_bytes() const noexcept
    {
        std::size_t bytes = 0;
        const void *first = lfuse_retrainer_caller(raw(), &bytes);

        return {static_cast<const unsigned char *>(first), first == nullptr ? 0 : bytes};
    }

  private:
    void run(lfuse_status (*what)(lfuse_retrainer *, lfuse_error *))
    {
        call([&](lfuse_error *err) { return what(raw(), err); });
    }
};

} // namespace layerfuse

#endif
