/* dnnl_peer.h - oneDNN's convolutions; nobody contends where its headers were not found */
#ifndef BENCH_PEERS_DNNL_PEER_H
#define BENCH_PEERS_DNNL_PEER_H

#include "measure.h"

enum { DNNL_PEERS = 2 };

/*
 * Its direct kernel and its Winograd, each in the blocked layouts that it wants, no reordering
 * counted, on the numbers of args (NHWC): direction 0 forward, 1 to the data, 2 to the weights.
 * Appends those that there are, and returns how many; dnnl_release() releases them all.
 */
int dnnl_contend(const lfuse_conv2d_args *args, int direction, int threads,
                 struct contender *out);
void dnnl_release(void);

/* What one of them computed in its latest run, in the plain layout, to `out`. */
void dnnl_copy(const struct contender *contender, float *out);

#endif
