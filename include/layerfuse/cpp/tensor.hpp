/* tensor.hpp - a typed n-dimensional view of memory, owned or borrowed */
#ifndef LAYERFUSE_CPP_TENSOR_HPP
#define LAYERFUSE_CPP_TENSOR_HPP

#include <layerfuse/cpp/context.hpp>
#include <layerfuse/cpp/span.hpp>
#include <layerfuse/tensor.h>

namespace layerfuse
{

using shape = std::vector<std::int64_t>;

/* The dtype of an element type; f16 and bf16, which C++17 lacks, by tensor's desc. */
template <class T> struct dtype_of;
template <> struct dtype_of<float> {
    static constexpr lfuse_dtype value = LFUSE_F32;
};
template <> struct dtype_of<double> {
    static constexpr lfuse_dtype value = LFUSE_F64;
};

inline std::size_t dtype_size(lfuse_dtype dtype) noexcept
{
    return lfuse_dtype_size(dtype);
}
inline const char *dtype_name(lfuse_dtype dtype) noexcept
{
    return lfuse_dtype_name(dtype);
}

using tensor_desc = detail::sized<lfuse_tensor_desc, lfuse_tensor_desc_init>;

namespace detail
{

/* Throws unless so many elements fill these dims. */
inline void fits(std::size_t elements, const shape &dims)
{
    std::size_t left = elements;

    for (std::int64_t dim : dims) {
        if (dim < 1 || left % static_cast<std::size_t>(dim) != 0)
            left = 0;
        else
            left /= static_cast<std::size_t>(dim);
    }
    if (left != 1)
        throw error(LFUSE_ERR_SHAPE, "there are " + std::to_string(elements) +
                                         " elements, which do not fill the shape");
}

template <class T> tensor_desc describe(span<T> data, const shape &dims)
{
    tensor_desc desc;

    fits(data.size(), dims);
    desc.data = data.data();
    desc.dims = dims.data();
    desc.dtype = dtype_of<T>::value;
    desc.rank = static_cast<std::int32_t>(dims.size());
    return desc;
}

} // namespace detail

/* Confined while it is written. */
class tensor : public detail::handle<lfuse_tensor>
{
  public:
    tensor() noexcept = default;
    /* Whatever C can say of a tensor. */
    tensor(const context &ctx, const lfuse_tensor_desc &desc)
        : handle(ctx.state(), create(ctx, desc))
    {
    }
    /* Of its own, zeroed. */
    tensor(const context &ctx, lfuse_dtype dtype, const shape &dims)
        : tensor(ctx, owned(dtype, dims))
    {
    }
    /* Over the caller's elements, in row order, which must live as long as the tensor and every tie
     * that shares their memory; then released, if there is something to call. */
    template <class T>
    tensor(const context &ctx, span<T> data, const shape &dims,
           std::function<void()> release = {})
    {
        tensor_desc desc = detail::describe(data, dims);

        if (release) {
            auto kept = std::make_unique<std::function<void()>>(std::move(release));

            desc.release = call_release;
            desc.release_user = kept.get();
            *this = tensor(ctx, desc);
            kept.release(); /* it is the tensor's, which deletes it */
        } else {
            *this = tensor(ctx, desc);
        }
    }
    template <class T>
    tensor(const context &ctx, std::vector<T> &data, const shape &dims)
        : tensor(ctx, span<T>(data), dims)
    {
    }
    /* Over elements that are only read: to compare, plan and save, not to tie. */
    template <class T>
    static tensor view(const context &ctx, span<const T> data, const shape &dims)
    {
        return tensor(ctx, span<T>(const_cast<T *>(data.data()), data.size()), dims);
    }
    template <class T>
    static tensor view(const context &ctx, const std::vector<T> &data, const shape &dims)
    {
        return view(ctx, span<const T>(data), dims);
    }
    /* One of another handle's, which it keeps. */
    tensor(detail::context_ref state, std::shared_ptr<lfuse_tensor> shared) noexcept
        : handle(std::move(state), std::move(shared))
    {
    }

    lfuse_dtype dtype() const noexcept
    {
        return lfuse_tensor_dtype(raw());
    }
    std::int32_t rank() const noexcept
    {
        return lfuse_tensor_rank(raw());
    }
    std::int64_t dim(std::int32_t axis) const noexcept
    {
        return lfuse_tensor_dim(raw(), axis);
    }
    std::int64_t stride(std::int32_t axis) const noexcept
    {
        return lfuse_tensor_stride(raw(), axis);
    }
    std::int64_t elements() const noexcept
    {
        return lfuse_tensor_elements(raw());
    }
    std::size_t bytes() const noexcept
    {
        return lfuse_tensor_bytes(raw());
    }
    shape dims() const
    {
        shape out;

        for (std::int32_t axis = 0; axis < rank(); axis++)
            out.push_back(dim(axis));
        return out;
    }
    /* The first element, now: ties may move it. */
    void *data() const noexcept
    {
        return lfuse_tensor_data(raw());
    }
    /* The elements in row order, now; throws unless they are of this type, dense and aligned. */
    template <class T> span<T> values() const
    {
        std::int64_t dense = 1;

        if (dtype() != dtype_of<std::remove_const_t<T>>::value)
            throw error(LFUSE_ERR_TYPE, std::string("the tensor is ") +
                                            dtype_name(dtype()) +
                                            ", not of the type asked for");
        for (std::int32_t axis = rank() - 1; axis >= 0; axis--) {
            if (dim(axis) > 1 && stride(axis) != dense)
                throw error(LFUSE_ERR_UNSUPPORTED, "the tensor's rows are not dense");
            dense *= dim(axis);
        }
        if (reinterpret_cast<std::uintptr_t>(data()) % alignof(T) != 0)
            throw error(LFUSE_ERR_UNSUPPORTED, "the tensor is not aligned: copy it");
        return span<T>(static_cast<T *>(data()), static_cast<std::size_t>(elements()));
    }
    /* Converts another's elements into this one's. */
    void copy_from(const tensor &source)
    {
        call([&](lfuse_error *err) {
            return lfuse_tensor_copy(raw(), source.raw(), err);
        });
    }

  private:
    static void call_release(void *, void *user) noexcept
    {
        std::unique_ptr<std::function<void()>> kept(
            static_cast<std::function<void()> *>(user));

        try {
            (*kept)();
        } catch (...) {
            /* There is no call that could fail. */
        }
    }
    static tensor_desc owned(lfuse_dtype dtype, const shape &dims)
    {
        tensor_desc desc;

        desc.dims = dims.data();
        desc.dtype = dtype;
        desc.rank = static_cast<std::int32_t>(dims.size());
        return desc;
    }
    static std::shared_ptr<lfuse_tensor> create(const context &ctx,
                                                const lfuse_tensor_desc &desc)
    {
        return detail::make<lfuse_tensor>(
            ctx.state(), lfuse_tensor_destroy, [&](lfuse_tensor **out, lfuse_error *err) {
                return lfuse_tensor_create(ctx.raw(), &desc, out, err);
            });
    }
};

} // namespace layerfuse

#endif
