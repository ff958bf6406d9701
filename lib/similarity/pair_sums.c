/*
 * pair_sums.c - sums over the elements of all pairs of vectors, in one pass over the data
 *
 *     products      s_ij = sum x_i x_j
 *     differences   s_ij = sum (x_i - x_j)^2
 *
 * Chunks of all vectors meet in the cache, so that memory is read once whatever the number of
 * pairs. Differences are as fast as products where a machine subtracts beside its FMA, and lose
 * no digits where two vectors are close, as |x_i|^2 + |x_j|^2 - 2 x_i x_j would.
 *
 * Data narrower than f64 is multiplied in f32 in sums of at most LFI_PAIRS_CHAIN elements, which
 * are added in f64: with u = 2^-24 a sum is off by at most (LFI_PAIRS_CHAIN + 2) u of that of
 * absolute values. f64 is f64 throughout.
 *
 * Vectors are cut into segments by their length alone; segments go in rounds, between which
 * progress is told and the next ones' pages are asked for.
 */
#include "similarity/parts.h"

enum { CHUNK = LFI_PAIR_CHUNK, MOST_SEGMENTS = 16, ROUND = 64, BAND = 4 };

struct pass {
    const struct lfi_pair_sums *p;
    struct lfi_env env;
    int64_t elements; /* of each vector */
    int64_t chunks;
    int64_t segments;
    int64_t round;
    bool wide;
    bool direct;     /* vectors are dense f32: no copies */
    double *partial; /* (segments, rows, count) */
    char *scratch;   /* scratch_bytes per slot */
    size_t scratch_bytes;
};

/* Pointers to the chunks, aligned; behind them lie copies where they are needed. */
static size_t pointer_bytes(const struct pass *s)
{
    size_t bytes = (size_t)s->p->count * sizeof(const float *);

    return bytes + (size_t)-bytes % LFI_ALIGN;
}

static size_t chunk_bytes(const struct pass *s)
{
    size_t element = s->wide ? sizeof(double) : s->direct ? 0 : sizeof(float);

    return pointer_bytes(s) + (size_t)s->p->count * CHUNK * element;
}

static void read_chunk(const struct pass *s, const struct lfi_view *view, int64_t first,
                       int64_t count, float *out)
{
    if (view->dtype == LFUSE_BF16 && lfi_view_is_array(view))
        s->env.kernels->bf16_to_f32((const uint16_t *)view->data + first, count, out);
    else
        lfi_view_read_f32(view, first, count, out);
}

/* The vectors' next chunk, so that it comes from memory while this one is worked on. */
static void fetch_ahead(const struct pass *s, int64_t from, int64_t to, int64_t first)
{
    int64_t count = s->elements - first < CHUNK ? s->elements - first : CHUNK, byte, i;

    for (i = from; i < to; i++) {
        const struct lfi_view *view = &s->p->views[i];
        const int64_t size = (int64_t)lfi_dtype_size(view->dtype);

        for (byte = 0; byte < count * size && lfi_view_is_dense(view); byte += LFI_ALIGN)
            __builtin_prefetch((const char *)view->data + first * size + byte, 0, 2);
    }
}

static void add_narrow(const struct pass *s, int64_t first, int64_t count, void *scratch,
                       double *sums)
{
    const struct lfi_pair_sums *p = s->p;
    const float **x = scratch;
    float *copies = (float *)((char *)scratch + pointer_bytes(s));
    int64_t i, from;

    for (i = 0; i < p->count; i++) {
        x[i] = s->direct ? (const float *)p->views[i].data + first : copies + i * CHUNK;
        if (!s->direct)
            read_chunk(s, &p->views[i], first, count, copies + i * CHUNK);
    }
    for (i = 0; i < p->rows; i += BAND) {
        fetch_ahead(s, i * p->count / p->rows,
                    (i + BAND < p->rows ? (i + BAND) * p->count / p->rows : p->count),
                    first + CHUNK);
        from = i > p->first ? i : p->first;
        const struct lfi_pairs_tile tile = {.a = x + i,
                                            .b = x + from,
                                            .sums = sums + i * p->count + from,
                                            .rows =
                                                p->rows - i < BAND ? p->rows - i : BAND,
                                            .cols = p->count - from,
                                            .sums_row = p->count,
                                            .count = count,
                                            .differences = p->differences};

        s->env.kernels->pairs_f32(&tile);
    }
}

static void add_wide(const struct pass *s, int64_t first, int64_t count, void *scratch,
                     double *sums)
{
    const struct lfi_pair_sums *p = s->p;
    double *x = scratch;
    int64_t i, j;

    for (i = 0; i < p->count; i++)
        lfi_view_read_f64(&p->views[i], first, count, x + i * CHUNK);
    for (i = 0; i < p->rows; i++)
        for (j = i > p->first ? i : p->first; j < p->count; j++)
            sums[i * p->count + j] +=
                p->differences
                    ? lfi_vectors_square_distance(x + i * CHUNK, x + j * CHUNK, count)
                    : lfi_vectors_dot(x + i * CHUNK, x + j * CHUNK, count);
}

/* Chunks [*first, *end) of a segment that belong to the round. */
static void chunks_of(const struct pass *s, int64_t segment, int64_t round,
                      int64_t *first, int64_t *end)
{
    int64_t last = s->chunks * (segment + 1) / s->segments;

    *first = s->chunks * segment / s->segments + round * ROUND;
    *end = *first + ROUND < last ? *first + ROUND : last;
}

static void run_segment(void *arg, int64_t segment, int32_t slot)
{
    const struct pass *s = arg;
    void *scratch = s->scratch + (size_t)slot * s->scratch_bytes;
    double *sums = s->partial + segment * s->p->rows * s->p->count;
    int64_t chunk, end, first, count;

    for (chunks_of(s, segment, s->round, &chunk, &end); chunk < end; chunk++) {
        first = chunk * CHUNK;
        count = s->elements - first < CHUNK ? s->elements - first : CHUNK;
        (s->wide ? add_wide : add_narrow)(s, first, count, scratch, sums);
    }
}

static void ask_for_pages(const struct pass *s, int64_t round)
{
    int64_t segment, i, first, end;

    for (segment = 0; segment < s->segments; segment++) {
        chunks_of(s, segment, round, &first, &end);
        for (i = 0; i < s->p->count && first < end; i++)
            lfi_view_prefetch(&s->p->views[i], first * CHUNK,
                              (end < s->chunks ? end * CHUNK : s->elements) -
                                  first * CHUNK);
    }
}

static lfuse_status run_rounds(struct pass *s, lfuse_error *err)
{
    const struct lfi_pair_sums *p = s->p;
    int64_t longest = (s->chunks + s->segments - 1) / s->segments;
    int64_t rounds = (longest + ROUND - 1) / ROUND;
    lfuse_status status = LFUSE_OK;

    ask_for_pages(s, 0);
    for (s->round = 0; s->round < rounds && status == LFUSE_OK; s->round++) {
        ask_for_pages(s, s->round + 1);
        status = lfi_parallel_for(&s->env, s->segments, run_segment, s, err);
        if (status == LFUSE_OK)
            status = p->tell(p->user, (double)(s->round + 1) / (double)rounds, err);
    }
    return status;
}

static void add_up(const struct pass *s)
{
    int64_t size = s->p->rows * s->p->count, segment, e;

    for (e = 0; e < size; e++)
        s->p->sums[e] = 0.0;
    for (segment = 0; segment < s->segments; segment++)
        for (e = 0; e < size; e++)
            s->p->sums[e] += s->partial[segment * size + e];
}

static void plan_pass(struct pass *s)
{
    const struct lfi_pair_sums *p = s->p;
    int64_t i, memory;

    s->elements = lfi_view_elements(&p->views[0]);
    s->chunks = (s->elements + CHUNK - 1) / CHUNK;
    memory = (INT64_C(1) << 23) / (p->rows * p->count) + 1; /* of 64 MiB */
    s->segments = s->chunks < MOST_SEGMENTS ? s->chunks : MOST_SEGMENTS;
    s->segments = s->segments < memory ? s->segments : memory;
    s->direct = true;
    for (i = 0; i < p->count; i++) {
        s->wide |= p->views[i].dtype == LFUSE_F64;
        s->direct &= p->views[i].dtype == LFUSE_F32 && lfi_view_is_array(&p->views[i]);
    }
    s->scratch_bytes = chunk_bytes(s);
}

lfuse_status lfi_pair_sums(const struct lfi_env *env, const struct lfi_pair_sums *p,
                           lfuse_error *err)
{
    struct pass s = {.p = p, .env = *env};
    size_t slots, sums = (size_t)p->rows * (size_t)p->count;
    lfuse_status status;

    plan_pass(&s);
    if (s.env.executor.concurrency > s.segments)
        s.env.executor.concurrency = (int32_t)s.segments;
    slots = (size_t)s.env.executor.concurrency;
    status = lfi_alloc_zero(env, (size_t)s.segments * sums, sizeof(*s.partial),
                            "sums over pairs", &s.partial, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, slots, s.scratch_bytes, "scratch of sums over pairs",
                           &s.scratch, err);
    if (status == LFUSE_OK)
        status = run_rounds(&s, err);
    if (status == LFUSE_OK)
        add_up(&s);
    lfi_free(env, s.scratch, slots, s.scratch_bytes);
    lfi_free(env, s.partial, (size_t)s.segments * sums, sizeof(*s.partial));
    return status;
}
