/* version.h - the one place where the version is written; CMake and pkg-config read it here */
#ifndef LAYERFUSE_VERSION_H
#define LAYERFUSE_VERSION_H

#include <stdint.h>

#include <layerfuse/export.h>

#define LAYERFUSE_VERSION_MAJOR  0
#define LAYERFUSE_VERSION_MINOR  1
#define LAYERFUSE_VERSION_PATCH  0
#define LAYERFUSE_VERSION_STRING "0.1.0"

LFUSE_BEGIN_DECLS

/**
 * lfuse_version() - the version of the library that is running, not of the header
 *
 * Result:  major * 1000000 + minor * 1000 + patch, so that later is greater.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API int32_t lfuse_version(void);

/**
 * lfuse_version_string() - the same as text, "major.minor.patch"
 *
 * Owner:   a constant of the library; never released.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API const char *lfuse_version_string(void);

LFUSE_END_DECLS

#endif
