/* plan_options.hpp - what a plan is asked for */
#ifndef LAYERFUSE_CPP_PLAN_OPTIONS_HPP
#define LAYERFUSE_CPP_PLAN_OPTIONS_HPP

#include <layerfuse/cpp/couplings.hpp>
#include <layerfuse/cpp/similarity.hpp>
#include <layerfuse/plan.h>

namespace layerfuse
{

struct rule {
    std::string pattern;
    lfuse_plan_action action;
};

/* Pointers of the struct of C are members here, by their names. */
struct plan_options : detail::sized<lfuse_plan_options, lfuse_plan_options_init> {
    similarity_options similarity;
    std::vector<rule> rules;
    std::vector<double> importance;                  /* of each layer, or empty */
    const layerfuse::couplings *couplings = nullptr; /* must live as C's entry says */
    const lfuse_ties *in_force = nullptr;            /* ties::raw() */
};

inline lfuse_policy policy_from_name(const std::string &name)
{
    lfuse_policy out = 0;

    detail::check([&](lfuse_error *err) {
        return lfuse_policy_from_name(name.c_str(), &out, err);
    });
    return out;
}
inline const char *policy_name(lfuse_policy policy) noexcept
{
    return lfuse_policy_name(policy);
}

namespace detail
{

/* Options for C and `count` layers, as long as this stays where it is. */
class plan_call
{
  public:
    plan_call(const plan_options &options, std::int64_t count, thrown &exceptions)
        : raw(options), similarity_(options.similarity, exceptions)
    {
        if (!options.importance.empty() && number(options.importance.size()) != count)
            throw error(LFUSE_ERR_SHAPE, "importance is not of as many layers");
        for (const rule &one : options.rules)
            rules_.push_back({one.pattern.c_str(), one.action, 0});
        raw.similarity = &similarity_.raw;
        raw.rules = rules_.empty() ? nullptr : rules_.data();
        raw.rule_count = number(rules_.size());
        raw.importance = options.importance.empty() ? nullptr : options.importance.data();
        raw.couplings = options.couplings == nullptr ? nullptr : options.couplings->raw();
        raw.in_force = options.in_force;
    }
    plan_call(const plan_call &) = delete;
    plan_call &operator=(const plan_call &) = delete;

    lfuse_plan_options raw;

  private:
    similarity_call similarity_;
    std::vector<lfuse_plan_rule> rules_;
};

} // namespace detail
} // namespace layerfuse

#endif
