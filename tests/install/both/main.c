/* One program that uses this library and FUSE, the filesystem, whose library has its name. */
#include <layerfuse/layerfuse.h>

#include <stdio.h>

#if defined(REAL_FUSE)
#include <fuse.h>
#else
extern int fuse_version(void);
#endif

int main(void)
{
    lfuse_context *ctx = NULL;
    lfuse_error err;

    if (lfuse_context_create(NULL, &ctx, &err) != LFUSE_OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    printf("fuse %d, layerfuse %d\n", fuse_version() / 10, (int)lfuse_version());
    lfuse_context_destroy(ctx);
    return 0;
}
