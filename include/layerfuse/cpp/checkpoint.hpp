/* checkpoint.hpp - safetensors files, read by mapping and written whole or not at all */
#ifndef LAYERFUSE_CPP_CHECKPOINT_HPP
#define LAYERFUSE_CPP_CHECKPOINT_HPP

#include <layerfuse/checkpoint.h>
#include <layerfuse/cpp/tensor.hpp>

namespace layerfuse
{

using checkpoint_open_options =
    detail::sized<lfuse_checkpoint_open_options, lfuse_checkpoint_open_options_init>;

/* A tensor that was left out when the file was opened. */
struct skipped_tensor {
    std::string name;
    std::string type;               /* as the file has it */
    span<const unsigned char> data; /* as long as the checkpoint */
    std::int64_t file;
};

/* A weight that is what it shares, plus a b: names of entries, or of tensors of a file. */
struct checkpoint_residual {
    std::string weight;
    std::string a;
    std::string b;
    std::int32_t output_axis = 0;
};

/* Shareable. Files must not be changed while it is open. */
class checkpoint : public detail::handle<lfuse_checkpoint>
{
  public:
    checkpoint() noexcept = default;
    checkpoint(const context &ctx, const std::string &path,
               const checkpoint_open_options &options = {})
        : handle(ctx.state(), detail::make<lfuse_checkpoint>(
                                  ctx.state(), lfuse_checkpoint_close,
                                  [&](lfuse_checkpoint **out, lfuse_error *err) {
                                      return lfuse_checkpoint_open(
                                          ctx.raw(), path.c_str(), &options, out, err);
                                  }))
    {
    }

    std::int64_t count() const noexcept
    {
        return lfuse_checkpoint_count(raw());
    }
    std::string name(std::int64_t index) const
    {
        return detail::text(lfuse_checkpoint_name(raw(), index));
    }
    /* Of memory that is only read; empty when out of range. */
    layerfuse::tensor tensor(std::int64_t index) const
    {
        auto *one = const_cast<lfuse_tensor *>(lfuse_checkpoint_tensor(raw(), index));

        return one == nullptr
                   ? layerfuse::tensor()
                   : layerfuse::tensor(state(),
                                       std::shared_ptr<lfuse_tensor>(shared(), one));
    }
    layerfuse::tensor tensor(const std::string &name) const
    {
        return tensor(find(name));
    }
    std::int64_t owner(std::int64_t index) const noexcept
    {
        return lfuse_checkpoint_owner(raw(), index);
    }
    /* -1 for none. */
    std::int64_t find(const std::string &name) const noexcept
    {
        return lfuse_checkpoint_find(raw(), name.c_str());
    }
    std::int64_t file(std::int64_t index) const noexcept
    {
        return lfuse_checkpoint_file(raw(), index);
    }
    std::int64_t file_count() const noexcept
    {
        return lfuse_checkpoint_file_count(raw());
    }
    std::string file_name(std::int64_t file) const
    {
        return detail::text(lfuse_checkpoint_file_name(raw(), file));
    }
    /* Keys and values, in the file's order. */
    std::vector<std::pair<std::string, std::string>> metadata() const
    {
        std::vector<std::pair<std::string, std::string>> out;

        for (std::int64_t i = 0; i < lfuse_checkpoint_metadata_count(raw()); i++) {
            const char *key = lfuse_checkpoint_metadata_key(raw(), i);

            out.emplace_back(detail::text(key),
                             detail::text(lfuse_checkpoint_metadata(raw(), key)));
        }
        return out;
    }
    /* Weights that are shown without their residuals, where these are apart. */
    std::vector<checkpoint_residual> residuals() const
    {
        std::vector<checkpoint_residual> out;

        for (std::int64_t i = 0; i < lfuse_checkpoint_residual_count(raw()); i++) {
            lfuse_checkpoint_residual_entry one = {};

            call([&](lfuse_error *err) {
                return lfuse_checkpoint_residual(raw(), i, &one, err);
            });
            out.push_back({detail::text(one.weight), detail::text(one.a),
                           detail::text(one.b), one.output_axis});
        }
        return out;
    }
    std::vector<skipped_tensor> skipped() const
    {
        std::vector<skipped_tensor> out;

        for (std::int64_t i = 0; i < lfuse_checkpoint_skipped_count(raw()); i++) {
            std::size_t bytes = 0;
            const void *data = lfuse_checkpoint_skipped_data(raw(), i, &bytes);

            out.push_back({detail::text(lfuse_checkpoint_skipped(raw(), i)),
                           detail::text(lfuse_checkpoint_skipped_type(raw(), i)),
                           {static_cast<const unsigned char *>(data), bytes},
                           lfuse_checkpoint_skipped_file(raw(), i)});
        }
        return out;
    }
};

/* One name of a file to be written; the tensor must live for the call. */
struct checkpoint_entry {
    std::string name;
    const layerfuse::tensor *tensor;
    std::string owner; /* the entry that is to hold its data, or empty */
};

struct checkpoint_bank {
    std::string name;
    std::vector<std::string> entries;
    std::int32_t output_axis = 0;
};

struct checkpoint_save_options
    : detail::sized<lfuse_checkpoint_save_options, lfuse_checkpoint_save_options_init> {
    std::vector<std::pair<std::string, std::string>> metadata;
    std::vector<checkpoint_bank> banks;
    std::vector<checkpoint_residual> residuals;
    const checkpoint *carried = nullptr;
    /* 0 for filled, LFUSE_FILL_NONE, or what stops the save. */
    std::function<std::int32_t(std::int64_t index, std::int64_t first, std::int64_t count,
                               void *out)>
        fill;
};

namespace detail
{

/* Options for C, as long as this and they stay where they are. */
class save_call
{
  public:
    save_call(const checkpoint_save_options &options, thrown &exceptions)
        : raw(options), options_(options), exceptions_(exceptions)
    {
        for (const auto &one : options.metadata) {
            metadata_.push_back(one.first.c_str());
            metadata_.push_back(one.second.c_str());
        }
        for (const checkpoint_bank &bank : options.banks) {
            names_.emplace_back();
            for (const std::string &name : bank.entries)
                names_.back().push_back(name.c_str());
            banks_.push_back({bank.name.c_str(), names_.back().data(),
                              number(bank.entries.size()), bank.output_axis, 0});
        }
        for (const checkpoint_residual &one : options.residuals)
            residuals_.push_back(
                {one.weight.c_str(), one.a.c_str(), one.b.c_str(), one.output_axis, 0});
        raw.metadata = metadata_.data();
        raw.metadata_count = number(options.metadata.size());
        raw.banks = banks_.data();
        raw.bank_count = number(banks_.size());
        raw.residuals = residuals_.data();
        raw.residual_count = number(residuals_.size());
        raw.carried = options.carried == nullptr ? nullptr : options.carried->raw();
        raw.fill = options.fill ? fill : nullptr;
        raw.fill_user = this;
    }
    save_call(const save_call &) = delete;
    save_call &operator=(const save_call &) = delete;

    lfuse_checkpoint_save_options raw;

  private:
    static std::int32_t fill(void *user, std::int64_t index, std::int64_t first,
                             std::int64_t count, void *out)
    {
        auto *self = static_cast<save_call *>(user);
        std::int32_t status = -1; /* of what throws; 1 would be LFUSE_FILL_NONE */

        answer(self->exceptions_, [&] {
            status = self->options_.fill(index, first, count, out);
            return status;
        });
        return status;
    }

    const checkpoint_save_options &options_;
    thrown &exceptions_;
    std::vector<const char *> metadata_;
    std::vector<std::vector<const char *>> names_;
    std::vector<lfuse_checkpoint_bank> banks_;
    std::vector<lfuse_checkpoint_residual_entry> residuals_;
};

} // namespace detail

inline void checkpoint_save(const context &ctx, const std::string &path,
                            span<const checkpoint_entry> entries,
                            const checkpoint_save_options &options = {})
{
    detail::save_call by(options, ctx.state()->exceptions);
    std::vector<lfuse_checkpoint_entry> raw_entries;

    for (const checkpoint_entry &one : entries)
        raw_entries.push_back({one.name.c_str(),
                               one.tensor == nullptr ? nullptr : one.tensor->raw(),
                               one.owner.empty() ? nullptr : one.owner.c_str()});
    ctx.call([&](lfuse_context *raw, lfuse_error *err) {
        return lfuse_checkpoint_save(raw, path.c_str(), raw_entries.data(),
                                     detail::number(raw_entries.size()), &by.raw, err);
    });
}

} // namespace layerfuse

#endif
