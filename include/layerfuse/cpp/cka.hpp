/* cka.hpp - how alike layers respond, from their outputs, batch by batch */
#ifndef LAYERFUSE_CPP_CKA_HPP
#define LAYERFUSE_CPP_CKA_HPP

#include <layerfuse/cka.h>
#include <layerfuse/cpp/tensor.hpp>

namespace layerfuse
{

/* An accumulator; confined. */
class cka : public detail::handle<lfuse_cka>
{
  public:
    cka() noexcept = default;
    /* For `count` layers. Of exponents, unless empty, there are as many. */
    cka(const context &ctx, std::int64_t count, span<const std::int32_t> exponents = {})
        : count_(static_cast<std::size_t>(count))
    {
        detail::sized<lfuse_cka_options, lfuse_cka_options_init> options;

        if (!exponents.empty() && detail::number(exponents.size()) != count)
            throw error(LFUSE_ERR_SHAPE, "there are not as many exponents as layers");
        options.exponents = exponents.empty() ? nullptr : exponents.data();
        state_ = ctx.state();
        raw_ = detail::make<lfuse_cka>(
            ctx.state(), lfuse_cka_destroy, [&](lfuse_cka **out, lfuse_error *err) {
                return lfuse_cka_create(ctx.raw(), count, &options, out, err);
            });
    }

    /* Adds one batch: what each layer put out, in the layers' order. */
    void accumulate(span<const tensor> activations)
    {
        std::vector<const lfuse_tensor *> pointers;

        if (activations.size() != count_)
            throw error(LFUSE_ERR_SHAPE, "there are not as many tensors as layers");
        for (const tensor &one : activations)
            pointers.push_back(one.raw());
        call([&](lfuse_error *err) {
            return lfuse_cka_accumulate(raw(), pointers.data(), err);
        });
    }
    void merge(const cka &from)
    {
        call([&](lfuse_error *err) { return lfuse_cka_merge(raw(), from.raw(), err); });
    }
    void add_sums(span<const double> sums, std::int64_t batches)
    {
        if (sums.size() != count_ * (count_ + 1) / 2)
            throw error(LFUSE_ERR_SHAPE, "there are not as many sums as pairs");
        call([&](lfuse_error *err) {
            return lfuse_cka_add_sums(raw(), sums.data(), batches, err);
        });
    }
    /* Of all pairs of layers, by rows. */
    std::vector<double> result() const
    {
        std::vector<double> out(count_ * count_);

        call([&](lfuse_error *err) { return lfuse_cka_result(raw(), out.data(), err); });
        return out;
    }
    std::int64_t count() const noexcept
    {
        return lfuse_cka_count(raw());
    }
    std::int64_t batches() const noexcept
    {
        return lfuse_cka_batches(raw());
    }
    /* Until the accumulator changes. */
    span<const double> sums() const noexcept
    {
        return {lfuse_cka_sums(raw()), raw() == nullptr ? 0 : count_ * (count_ + 1) / 2};
    }

  private:
    std::size_t count_ = 0;
};

} // namespace layerfuse

#endif
