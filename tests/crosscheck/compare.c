/*
 * compare.c - prints what the library makes of pairs of matrices, for crosscheck.py
 *
 *     compare CASES
 *
 * CASES is a file of records: a struct record, then a (rows[0], columns[0]) and b (rows[1],
 * columns[1]), dense, of its type, padded to 8 bytes. One line for each: the value, or the
 * error.
 */
#include <stdio.h>
#include <stdlib.h>

#include <layerfuse/layerfuse.h>

/* Packed the same on every machine: 8 bytes each, but for the name. */
struct record {
    char metric[32];
    int64_t dtype;
    int64_t rows[2];
    int64_t columns[2];
    int64_t block;
    int64_t projections;
    int64_t centroids;
    int64_t iterations;
    int64_t flags;
    uint64_t seed;
    double ridge;
    double bandwidth;
    double exponent;
    double regularisation;
};

static lfuse_error err;

static void must(lfuse_status status)
{
    if (status == LFUSE_OK)
        return;
    fprintf(stderr, "compare: %s: %s\n", lfuse_status_name(status), err.message);
    exit(1);
}

static void must_read(void *bytes, size_t size, FILE *file)
{
    if (fread(bytes, 1, size, file) == size)
        return;
    fprintf(stderr, "compare: the file ends in a record\n");
    exit(1);
}

static lfuse_tensor *read_matrix(lfuse_context *ctx, const struct record *r, int side,
                                 FILE *file)
{
    const int64_t dims[] = {r->rows[side], r->columns[side]};
    lfuse_tensor_desc desc;
    lfuse_tensor *matrix;
    char padding[8];
    size_t bytes;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = (lfuse_dtype)r->dtype;
    desc.rank = 2;
    desc.dims = dims;
    must(lfuse_tensor_create(ctx, &desc, &matrix, &err));
    bytes = lfuse_tensor_bytes(matrix);
    must_read(lfuse_tensor_data(matrix), bytes, file);
    must_read(padding, (8 - bytes % 8) % 8, file);
    return matrix;
}

static void compare(lfuse_context *ctx, struct record *r, FILE *file)
{
    lfuse_tensor *a = read_matrix(ctx, r, 0, file), *b = read_matrix(ctx, r, 1, file);
    lfuse_similarity_options o;
    double value;

    lfuse_similarity_options_init(&o, sizeof(o));
    r->metric[sizeof(r->metric) - 1] = '\0';
    must(lfuse_metric_from_name(r->metric, &o.metric, &err));
    o.block = r->block;
    o.ridge = r->ridge;
    o.bandwidth = r->bandwidth;
    o.exponent = r->exponent;
    o.regularisation = r->regularisation;
    o.projections = r->projections;
    o.centroids = r->centroids;
    o.iterations = r->iterations;
    o.seed = r->seed;
    o.flags = (uint32_t)r->flags;
    if (lfuse_similarity(ctx, a, b, &o, &value, &err) == LFUSE_OK)
        printf("%.17g\n", value);
    else
        printf("%s: %s\n", lfuse_status_name(err.status), err.message);
    lfuse_tensor_destroy(b);
    lfuse_tensor_destroy(a);
}

int main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    lfuse_context *ctx;
    struct record r;

    if (file == NULL) {
        fprintf(stderr, "usage: compare CASES\n");
        return 2;
    }
    must(lfuse_context_create(NULL, &ctx, &err));
    while (fread(&r, 1, sizeof(r), file) == sizeof(r))
        compare(ctx, &r, file);
    lfuse_context_destroy(ctx);
    return fclose(file) != 0;
}
