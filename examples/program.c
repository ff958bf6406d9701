/* program.c - see program.h */
#include "program.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

volatile sig_atomic_t program_stop = 0;

static void stop(int signal_number)
{
    (void)signal_number;
    program_stop = 1;
}

void program_catch_interrupt(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = stop;
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

lfuse_status program_check_stop(lfuse_error *err)
{
    return program_stop ? example_fail(err, LFUSE_ERR_CANCELLED, "stopped") : LFUSE_OK;
}

lfuse_status program_check_out(const char *out, lfuse_error *err)
{
    const char *slash = strrchr(out, '/');
    char directory[4096] = ".";
    struct stat info;

    if (slash != NULL)
        snprintf(directory, sizeof(directory), "%.*s",
                 slash == out ? 1 : (int)(slash - out), out);
    errno = EISDIR;
    if ((slash != NULL && slash[1] == '\0') ||
        (stat(out, &info) == 0 && S_ISDIR(info.st_mode)))
        return example_fail_errno(err, out);
    if (access(directory, W_OK) == 0)
        return LFUSE_OK;
    return example_fail_errno(err, directory);
}

lfuse_status program_check_written(const char *prefix, const char *rest, lfuse_error *err)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s%s", prefix, rest);
    return program_check_out(path, err);
}
