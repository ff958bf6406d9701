/* error.c - messages to the caller: errors, log, progress */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>

static void fill(lfuse_error *err, lfuse_status status, int32_t detail,
                 const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void fill(lfuse_error *err, lfuse_status status, int32_t detail,
                 const char *format, va_list args)
{
    if (err == NULL)
        return;
    err->status = status;
    err->detail = detail;
    (void)vsnprintf(err->message, sizeof(err->message), format, args);
}

lfuse_status lfi_fail(lfuse_error *err, lfuse_status status, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, status, 0, format, args);
    va_end(args);
    return status;
}

lfuse_status lfi_fail_detail(lfuse_error *err, lfuse_status status, int32_t detail,
                             const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fill(err, status, detail, format, args);
    va_end(args);
    return status;
}

lfuse_status lfi_progress(const struct lfi_env *env, const char *what, int64_t done,
                          int64_t total, lfuse_error *err)
{
    int32_t answer;

    if (env->progress == NULL)
        return LFUSE_OK;
    answer = env->progress(what, done, total, env->progress_user);
    if (answer == 0)
        return LFUSE_OK;
    return lfi_fail_detail(err, LFUSE_ERR_CANCELLED, answer,
                           "%s was cancelled after %lld of %lld", what, (long long)done,
                           (long long)total);
}

void lfi_log(const struct lfi_env *env, lfuse_log_level level, const char *format, ...)
{
    char text[512];
    va_list args;

    if (env->log == NULL)
        return;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    env->log(level, text, env->log_user);
}
