/* outputs.hpp - how far a layer's outputs spread, and what puts those of a fused network right */
#ifndef LAYERFUSE_CPP_OUTPUTS_HPP
#define LAYERFUSE_CPP_OUTPUTS_HPP

#include <layerfuse/cpp/tensor.hpp>
#include <layerfuse/outputs.h>

namespace layerfuse
{

/* An accumulator for the channels of one layer; confined. */
class outputs : public detail::handle<lfuse_outputs>
{
  public:
    outputs() noexcept = default;
    outputs(const context &ctx, std::int64_t channels)
        : handle(ctx.state(),
                 detail::make<lfuse_outputs>(ctx.state(), lfuse_outputs_destroy,
                                             [&](lfuse_outputs **out, lfuse_error *err) {
                                                 return lfuse_outputs_create(
                                                     ctx.raw(), channels, out, err);
                                             })),
          channels_(static_cast<std::size_t>(channels))
    {
    }

    /* Adds a batch, whose axis counts the channels. */
    void accumulate(const tensor &batch, std::int32_t axis)
    {
        call([&](lfuse_error *err) {
            return lfuse_outputs_accumulate(raw(), batch.raw(), axis, err);
        });
    }
    void merge(const outputs &from)
    {
        call([&](lfuse_error *err) {
            return lfuse_outputs_merge(raw(), from.raw(), err);
        });
    }
    void add(std::int64_t samples, span<const double> means, span<const double> squares)
    {
        if (means.size() != channels_ || squares.size() != channels_)
            throw error(LFUSE_ERR_SHAPE, "means or squares are not of all channels");
        call([&](lfuse_error *err) {
            return lfuse_outputs_add(raw(), samples, means.data(), squares.data(), err);
        });
    }
    std::int64_t samples() const noexcept
    {
        return lfuse_outputs_samples(raw());
    }
    /* Of each channel, until the accumulator changes. */
    span<const double> means() const noexcept
    {
        return {lfuse_outputs_means(raw()), raw() == nullptr ? 0 : channels_};
    }
    span<const double> squares() const noexcept
    {
        return {lfuse_outputs_squares(raw()), raw() == nullptr ? 0 : channels_};
    }

    struct correction {
        std::vector<double> scale;
        std::vector<double> shift;
        std::int64_t constant; /* channels that nothing can make spread */
    };
    /* What gives these outputs, of a fused network, the moments of the original ones. */
    correction match(const outputs &original) const
    {
        correction out = {std::vector<double>(channels_), std::vector<double>(channels_),
                          0};

        call([&](lfuse_error *err) {
            return lfuse_outputs_match(raw(), original.raw(), out.scale.data(),
                                       out.shift.data(), &out.constant, err);
        });
        return out;
    }

  private:
    std::size_t channels_ = 0;
};

} // namespace layerfuse

#endif
