/* golden_transport.h - the inputs of the golden numbers of the transport metrics */
#ifndef GOLDEN_TRANSPORT_H
#define GOLDEN_TRANSPORT_H

#include "lft_similarity.h"

struct transport {
    const char *name;
    int rows;
    int c_rows;
    int columns;
    int seed_a;
    int seed_c;
    double share; /* of a in c */
    double assignment;
    double assignment_1; /* with exponent 1 */
    double assignment_3_5;
    double assignment_softmax;
    double sinkhorn;
    double sinkhorn_loose; /* with regularisation 0.4 */
    double sinkhorn_tight; /* 0.0005 */
    double sinkhorn_softmax;
    double sliced;       /* of seed 7 */
    double sliced_1_20;  /* with exponent 1 and 20 projections */
    double sliced_3_5_1; /* 3.5 and 1 */
    double sliced_softmax;
    double centroid;       /* of seed 7 */
    double centroid_1_3;   /* with exponent 1 and 3 centroids */
    double centroid_3_5_5; /* 3.5 and 5 */
    double centroid_softmax;
};

#include "../golden/transport.h"

enum { TRANSPORT = sizeof(transport) / sizeof(transport[0]) };

static lfuse_tensor *transport_a(struct lft *t, size_t i, lfuse_dtype dtype)
{
    const struct transport *g = &transport[i];

    return lft_tensor(t, dtype, (uint64_t)g->seed_a, g->rows, g->columns, 0);
}

static lfuse_tensor *transport_c(struct lft *t, size_t i, lfuse_dtype dtype)
{
    const struct transport *g = &transport[i];
    lfuse_tensor *c = lft_tensor(t, dtype, (uint64_t)g->seed_c, g->c_rows, g->columns, 0);

    return g->share == 0.0 ? c : lft_sum(t, c, g->share, transport_a(t, i, dtype));
}

#endif
