/* status.h - what a status is called */
#ifndef LAYERFUSE_STATUS_H
#define LAYERFUSE_STATUS_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

/**
 * lfuse_status_name() - the constant's name, such as "LFUSE_ERR_SHAPE"
 *
 * Result:  the name, or "LFUSE_ERR_?" for a value this version does not know.
 * Owner:   a constant of the library; never released.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API const char *lfuse_status_name(lfuse_status status);

LFUSE_END_DECLS

#endif
