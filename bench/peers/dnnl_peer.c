/* dnnl_peer.c - see dnnl_peer.h; oneDNN 2, whose C interface version 3 changed */
#include "dnnl_peer.h"

#include <dnnl.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPERANDS = 3 }; /* x, w, y, or their gradients */

struct peer {
    dnnl_primitive_t primitive;
    dnnl_exec_arg_t args[OPERANDS];
    dnnl_memory_t blocked[OPERANDS];
    dnnl_memory_desc_t plain[OPERANDS];
    int direction, out; /* which of the operands is the output */
};

static struct {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    struct peer peers[DNNL_PEERS];
    int count;
} state;

static void must(dnnl_status_t status)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "bench_peers: oneDNN says %d\n", (int)status);
    exit(1);
}

static const int outputs[] = {2, 0, 1};
static const int names[3][OPERANDS] = {
    {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST},
    {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST},
    {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST},
};
static const dnnl_query_t queries[3][OPERANDS] = {
    {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
    {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
    {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md},
};

struct problem {
    dnnl_dims_t dims[OPERANDS], strides, pad;
    int direction;
};

/* The convolution in layouts of its choice; NULL where the algorithm does not do it. */
static dnnl_primitive_desc_t describe(const struct problem *p, dnnl_alg_kind_t algorithm)
{
    dnnl_memory_desc_t any[OPERANDS];
    dnnl_convolution_desc_t desc;
    dnnl_primitive_desc_t forward = NULL, found = NULL;
    int i;

    for (i = 0; i < OPERANDS; i++)
        must(dnnl_memory_desc_init_by_tag(&any[i], 4, p->dims[i], dnnl_f32,
                                          dnnl_format_tag_any));
    must(dnnl_convolution_forward_desc_init(&desc, dnnl_forward_training, algorithm,
                                            &any[0], &any[1], NULL, &any[2], p->strides,
                                            p->pad, p->pad));
    if (dnnl_primitive_desc_create(&forward, &desc, NULL, state.engine, NULL) !=
        dnnl_success)
        return NULL;
    if (p->direction == 0)
        return forward;
    if (p->direction == 1)
        must(dnnl_convolution_backward_data_desc_init(
            &desc, algorithm, &any[0], &any[1], &any[2], p->strides, p->pad, p->pad));
    else
        must(dnnl_convolution_backward_weights_desc_init(&desc, algorithm, &any[0],
                                                         &any[1], NULL, &any[2],
                                                         p->strides, p->pad, p->pad));
    if (dnnl_primitive_desc_create(&found, &desc, NULL, state.engine, forward) !=
        dnnl_success)
        found = NULL;
    dnnl_primitive_desc_destroy(forward);
    return found;
}

static void reorder(const dnnl_memory_desc_t *from_desc, dnnl_memory_t from,
                    const dnnl_memory_desc_t *to_desc, dnnl_memory_t to)
{
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;

    must(dnnl_reorder_primitive_desc_create(&desc, from_desc, state.engine, to_desc,
                                            state.engine, NULL));
    must(dnnl_primitive_create(&primitive, desc));
    must(dnnl_primitive_execute(primitive, state.stream, 2, args));
    must(dnnl_stream_wait(state.stream));
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(desc);
}

static void fill(struct peer *peer, const struct problem *p, dnnl_primitive_desc_t desc,
                 const float *const *data)
{
    static const dnnl_format_tag_t tags[] = {dnnl_nhwc, dnnl_oihw, dnnl_nhwc};
    int i;

    must(dnnl_primitive_create(&peer->primitive, desc));
    peer->direction = p->direction;
    peer->out = outputs[p->direction];
    for (i = 0; i < OPERANDS; i++) {
        const dnnl_memory_desc_t *wanted =
            dnnl_primitive_desc_query_md(desc, queries[p->direction][i], 0);
        dnnl_memory_t plain;

        must(dnnl_memory_desc_init_by_tag(&peer->plain[i], 4, p->dims[i], dnnl_f32,
                                          tags[i]));
        must(dnnl_memory_create(&peer->blocked[i], wanted, state.engine,
                                DNNL_MEMORY_ALLOCATE));
        peer->args[i] = (dnnl_exec_arg_t){names[p->direction][i], peer->blocked[i]};
        if (i == peer->out)
            continue;
        must(dnnl_memory_create(&plain, &peer->plain[i], state.engine, (void *)data[i]));
        reorder(&peer->plain[i], plain, wanted, peer->blocked[i]);
        dnnl_memory_destroy(plain);
    }
}

static void run(void *arg)
{
    const struct peer *peer = arg;

    must(dnnl_primitive_execute(peer->primitive, state.stream, OPERANDS, peer->args));
    must(dnnl_stream_wait(state.stream));
}

int dnnl_contend(const lfuse_conv2d_args *a, int direction, int threads,
                 struct contender *out)
{
    static const dnnl_alg_kind_t algorithms[] = {dnnl_convolution_direct,
                                                 dnnl_convolution_winograd};
    static const char *const labels[] = {"onednn-direct", "onednn-winograd"};
    const float *const data[] = {a->x, a->w, a->dy};
    const int64_t pad = a->pad_top;
    const int64_t side = (a->height + 2 * pad - a->kernel_h) / a->stride_h + 1;
    const struct problem p = {
        .dims = {{a->batch, a->in_channels, a->height, a->width},
                 {a->out_channels, a->in_channels, a->kernel_h, a->kernel_w},
                 {a->batch, a->out_channels, side, side}},
        .strides = {a->stride_h, a->stride_w},
        .pad = {pad, pad},
        .direction = direction,
    };
    int i, count = 0;

    if (state.engine == NULL) {
        omp_set_num_threads(threads);
        must(dnnl_engine_create(&state.engine, dnnl_cpu, 0));
        must(dnnl_stream_create(&state.stream, state.engine, dnnl_stream_default_flags));
    }
    for (i = 0; i < DNNL_PEERS; i++) {
        dnnl_primitive_desc_t desc = describe(&p, algorithms[i]);

        if (desc == NULL)
            continue;
        fill(&state.peers[state.count], &p, desc, data);
        out[count++] = (struct contender){.name = labels[i],
                                          .run = run,
                                          .arg = &state.peers[state.count++],
                                          .error = NAN};
        dnnl_primitive_desc_destroy(desc);
    }
    return count;
}

void dnnl_copy(const struct contender *contender, float *out)
{
    const struct peer *peer = contender->arg;
    const dnnl_memory_desc_t *desc;
    dnnl_memory_t plain;

    must(dnnl_memory_get_memory_desc(peer->blocked[peer->out], &desc));
    must(dnnl_memory_create(&plain, &peer->plain[peer->out], state.engine, out));
    reorder(desc, peer->blocked[peer->out], &peer->plain[peer->out], plain);
    dnnl_memory_destroy(plain);
}

void dnnl_release(void)
{
    int i;

    while (state.count > 0) {
        struct peer *peer = &state.peers[--state.count];

        dnnl_primitive_destroy(peer->primitive);
        for (i = 0; i < OPERANDS; i++)
            dnnl_memory_destroy(peer->blocked[i]);
        memset(peer, 0, sizeof(*peer));
    }
}
