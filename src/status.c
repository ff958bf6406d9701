/* status.c - names of the statuses */
#include <layerfuse/status.h>

const char *lfuse_status_name(lfuse_status status)
{
    switch (status) {
    case LFUSE_OK: return "LFUSE_OK";
    case LFUSE_ERR_ARGUMENT: return "LFUSE_ERR_ARGUMENT";
    case LFUSE_ERR_SHAPE: return "LFUSE_ERR_SHAPE";
    case LFUSE_ERR_TYPE: return "LFUSE_ERR_TYPE";
    case LFUSE_ERR_STATE: return "LFUSE_ERR_STATE";
    case LFUSE_ERR_UNSUPPORTED: return "LFUSE_ERR_UNSUPPORTED";
    case LFUSE_ERR_NAME: return "LFUSE_ERR_NAME";
    case LFUSE_ERR_UNREACHABLE: return "LFUSE_ERR_UNREACHABLE";
    case LFUSE_ERR_NO_MEMORY: return "LFUSE_ERR_NO_MEMORY";
    case LFUSE_ERR_OVERFLOW: return "LFUSE_ERR_OVERFLOW";
    case LFUSE_ERR_THREAD: return "LFUSE_ERR_THREAD";
    case LFUSE_ERR_DEGENERATE: return "LFUSE_ERR_DEGENERATE";
    case LFUSE_ERR_NOT_FINITE: return "LFUSE_ERR_NOT_FINITE";
    case LFUSE_ERR_IO: return "LFUSE_ERR_IO";
    case LFUSE_ERR_FORMAT: return "LFUSE_ERR_FORMAT";
    case LFUSE_ERR_CANCELLED: return "LFUSE_ERR_CANCELLED";
    case LFUSE_ERR_CALLBACK: return "LFUSE_ERR_CALLBACK";
    default: return "LFUSE_ERR_?";
    }
}
