/* fake_library.c - a library of another version, or another library, for test_process.py */
#include <stdint.h>

#ifdef FAKE_VERSION
int32_t lfuse_version(void);
const char *lfuse_version_string(void);

int32_t lfuse_version(void)
{
    return FAKE_VERSION;
}

const char *lfuse_version_string(void)
{
    return FAKE_STRING;
}
#else
int32_t other_library(void);

int32_t other_library(void)
{
    return 0;
}
#endif
