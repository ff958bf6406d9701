/* version.c - the version of the library that is running */
#include <layerfuse/version.h>

int32_t lfuse_version(void)
{
    return LAYERFUSE_VERSION_MAJOR * 1000000 + LAYERFUSE_VERSION_MINOR * 1000 +
           LAYERFUSE_VERSION_PATCH;
}

const char *lfuse_version_string(void)
{
    return LAYERFUSE_VERSION_STRING;
}
