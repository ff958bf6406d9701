/* error.hpp - what is thrown */
#ifndef LAYERFUSE_CPP_ERROR_HPP
#define LAYERFUSE_CPP_ERROR_HPP

#include <layerfuse/status.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace layerfuse
{

/* A call that failed. what() is the status's name and the message. */
class error : public std::runtime_error
{
  public:
    error(lfuse_status status, const std::string &message, std::int32_t detail = 0)
        : std::runtime_error(std::string(lfuse_status_name(status)) + ": " + message),
          status_(status), detail_(detail), message_(message)
    {
    }

    lfuse_status status() const noexcept
    {
        return status_;
    }
    /* Such as "LFUSE_ERR_SHAPE". */
    const char *name() const noexcept
    {
        return lfuse_status_name(status_);
    }
    /* The system's error number, or what a callback returned; else 0. */
    std::int32_t detail() const noexcept
    {
        return detail_;
    }
    const std::string &message() const noexcept
    {
        return message_;
    }

  private:
    lfuse_status status_;
    std::int32_t detail_;
    std::string message_;
};

} // namespace layerfuse

#endif
