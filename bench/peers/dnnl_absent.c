/* dnnl_absent.c - dnnl_peer.h where oneDNN's headers were not found: nobody contends */
#include "dnnl_peer.h"

int dnnl_contend(const lfuse_conv2d_args *args, int direction, int threads,
                 struct contender *out)
{
    (void)args;
    (void)direction;
    (void)threads;
    (void)out;
    return 0;
}

void dnnl_copy(const struct contender *contender, float *out)
{
    (void)contender;
    (void)out;
}

void dnnl_release(void)
{
}
