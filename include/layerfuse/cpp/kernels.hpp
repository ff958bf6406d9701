/*
 * kernels.hpp - forward and backward of what a network is made of
 *
 * A kernel's arguments are the struct of C, cleared by sized<>; one call runs any of them:
 *
 *     conv2d_args args;                                     // or sized<lfuse_..._args, lfuse_..._args_init>
 *     args.x = x.data(), ...;
 *     run(ctx, lfuse_conv2d_forward, args);
 *     bytes = workspace_bytes(ctx, lfuse_conv2d_workspace, args);
 */
#ifndef LAYERFUSE_CPP_KERNELS_HPP
#define LAYERFUSE_CPP_KERNELS_HPP

#include <layerfuse/cpp/context.hpp>
#include <layerfuse/cpp/span.hpp>
#include <layerfuse/kernels.h>

namespace layerfuse
{

using detail::sized;

using activation_args = sized<lfuse_activation_args, lfuse_activation_args_init>;
using attention_args = sized<lfuse_attention_args, lfuse_attention_args_init>;
using batch_norm_args = sized<lfuse_batch_norm_args, lfuse_batch_norm_args_init>;
using conv2d_args = sized<lfuse_conv2d_args, lfuse_conv2d_args_init>;
using dropout_args = sized<lfuse_dropout_args, lfuse_dropout_args_init>;
using embedding_args = sized<lfuse_embedding_args, lfuse_embedding_args_init>;
using gemm_args = sized<lfuse_gemm_args, lfuse_gemm_args_init>;
using layer_norm_args = sized<lfuse_layer_norm_args, lfuse_layer_norm_args_init>;
using linear_args = sized<lfuse_linear_args, lfuse_linear_args_init>;
using linear_residual_args =
    sized<lfuse_linear_residual_args, lfuse_linear_residual_args_init>;
using linear_cross_entropy_args =
    sized<lfuse_linear_cross_entropy_args, lfuse_linear_cross_entropy_args_init>;
using cross_entropy_args = sized<lfuse_cross_entropy_args, lfuse_cross_entropy_args_init>;
using distillation_args = sized<lfuse_distillation_args, lfuse_distillation_args_init>;
using pool2d_args = sized<lfuse_pool2d_args, lfuse_pool2d_args_init>;
using rotary_args = sized<lfuse_rotary_args, lfuse_rotary_args_init>;
using sgd_args = sized<lfuse_sgd_args, lfuse_sgd_args_init>;
using sgd_all_args = sized<lfuse_sgd_all_args, lfuse_sgd_all_args_init>;
using adamw_args = sized<lfuse_adamw_args, lfuse_adamw_args_init>;
using adamw_all_args = sized<lfuse_adamw_all_args, lfuse_adamw_all_args_init>;

/* Any kernel that takes a struct of arguments. */
template <class Args>
void run(const context &ctx,
         lfuse_status (*kernel)(lfuse_context *, const Args *, lfuse_error *),
         const std::common_type_t<Args> &args)
{
    ctx.call(
        [&](lfuse_context *raw, lfuse_error *err) { return kernel(raw, &args, err); });
}

/* What is enough for it. */
template <class Args>
std::size_t workspace_bytes(const context &ctx,
                            lfuse_status (*workspace)(lfuse_context *, const Args *,
                                                      std::size_t *, lfuse_error *),
                            const std::common_type_t<Args> &args)
{
    std::size_t bytes = 0;

    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return workspace(raw, &args, &bytes, err);
    });
    return bytes;
}

namespace detail
{

inline void same_size(std::size_t a, std::size_t b)
{
    if (a != b)
        throw error(LFUSE_ERR_SHAPE, "arrays of " + std::to_string(a) + " and " +
                                         std::to_string(b) + " elements");
}

} // namespace detail

inline void relu_forward(const context &ctx, span<const float> x, span<float> y)
{
    detail::same_size(x.size(), y.size());
    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_relu_forward(raw, x.data(), detail::number(x.size()), y.data(), err);
    });
}
inline void relu_backward(const context &ctx, span<const float> y, span<const float> dy,
                          span<float> dx)
{
    detail::same_size(y.size(), dy.size());
    detail::same_size(y.size(), dx.size());
    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_relu_backward(raw, y.data(), dy.data(), detail::number(y.size()),
                                   dx.data(), err);
    });
}
inline void add(const context &ctx, span<const float> a, span<const float> b,
                span<float> y)
{
    detail::same_size(a.size(), b.size());
    detail::same_size(a.size(), y.size());
    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_add(raw, a.data(), b.data(), detail::number(a.size()), y.data(),
                         err);
    });
}

/* The 2-norm of all gradients as one vector. */
inline double gradient_norm(const context &ctx, span<const span<const float>> gradients)
{
    std::vector<const float *> pointers;
    std::vector<std::int64_t> counts;
    double out = 0;

    for (const span<const float> &one : gradients) {
        pointers.push_back(one.data());
        counts.push_back(detail::number(one.size()));
    }
    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_gradient_norm(raw, pointers.data(), counts.data(),
                                   detail::number(counts.size()), &out, err);
    });
    return out;
}

/* Weights of a convolution, prepared once for the calls that read them; set conv2d_args::packed to
 * its raw(). Confined while it is refreshed. */
class packed : public detail::handle<lfuse_packed>
{
  public:
    packed() noexcept = default;
    packed(const context &ctx, const lfuse_conv2d_args &args, std::uint32_t directions)
        : handle(ctx.state(), detail::make<lfuse_packed>(
                                  ctx.state(), lfuse_packed_destroy,
                                  [&](lfuse_packed **out, lfuse_error *err) {
                                      return lfuse_conv2d_pack(ctx.raw(), &args,
                                                               directions, out, err);
                                  }))
    {
    }
    /* As args.w was. */
    void refresh(const float *w)
    {
        call([&](lfuse_error *err) { return lfuse_packed_refresh(raw(), w, err); });
    }
    std::size_t bytes() const noexcept
    {
        return lfuse_packed_bytes(raw());
    }
};

} // namespace layerfuse

#endif
