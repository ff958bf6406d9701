/* embedding.c - the shell of embedding.h */
#include "handles.h"

#include "kernels/kernels.h"

void lfuse_embedding_args_init(lfuse_embedding_args *args, size_t size)
{
    lfi_options_init(args, size);
}

static lfuse_status check_matrix(const char *what, int64_t rows, int64_t width,
                                 lfuse_error *err)
{
    int64_t bytes;

    if (rows < 1 || width < 1)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.%s is %lld",
                        rows < 1 ? what : "width", (long long)(rows < 1 ? rows : width));
    if (!lfi_mul_int64(rows, width, &bytes) ||
        !lfi_mul_int64(bytes, (int64_t)sizeof(float), &bytes))
        return lfi_fail(err, LFUSE_ERR_OVERFLOW, "args.%s: %lld rows of %lld do not fit",
                        what, (long long)rows, (long long)width);
    return LFUSE_OK;
}

static lfuse_status check_ids(const lfuse_embedding_args *a, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < a->rows; i++)
        if (a->ids[i] < 0 || a->ids[i] >= a->vocabulary)
            return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                            "args.ids[%lld] is %d, not in [0, %lld)", (long long)i,
                            (int)a->ids[i], (long long)a->vocabulary);
    return LFUSE_OK;
}

static lfuse_status check_positions(const lfuse_embedding_args *a, int64_t tokens,
                                    lfuse_error *err)
{
    lfuse_status status =
        check_matrix("position_count", a->position_count, a->width, err);

    if (status == LFUSE_OK && a->first_position < 0)
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.first_position is %lld",
                          (long long)a->first_position);
    if (status == LFUSE_OK &&
        (tokens > a->position_count || a->first_position > a->position_count - tokens))
        status = lfi_fail(err, LFUSE_ERR_SHAPE,
                          "%lld tokens from position %lld on do not fit %lld positions",
                          (long long)tokens, (long long)a->first_position,
                          (long long)a->position_count);
    return status;
}

static lfuse_status check(const lfuse_embedding_args *a, int64_t tokens, bool positions,
                          lfuse_error *err)
{
    const struct lfi_handles_field given[] = {{"ids", a->ids}};
    lfuse_status status = check_matrix("rows", a->rows, a->width, err);

    if (status == LFUSE_OK)
        status = check_matrix("vocabulary", a->vocabulary, a->width, err);
    if (status == LFUSE_OK && tokens < 1)
        status =
            lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.tokens is %lld", (long long)tokens);
    if (status == LFUSE_OK && a->rows % tokens != 0)
        status = lfi_fail(err, LFUSE_ERR_SHAPE, "%lld rows are no sequences of %lld",
                          (long long)a->rows, (long long)tokens);
    if (status == LFUSE_OK && positions)
        status = check_positions(a, tokens, err);
    if (status == LFUSE_OK)
        status = lfi_handles_given(given, 1, err);
    return status == LFUSE_OK ? check_ids(a, err) : status;
}

/* Positions count where the direction has them. */
static lfuse_status import(const lfuse_context *ctx, const lfuse_embedding_args *args,
                           bool forward, struct lfi_embedding *embedding,
                           lfuse_error *err)
{
    lfuse_embedding_args a;
    lfuse_status status = lfi_handles_args(ctx, args, &a, sizeof(a), err);
    int64_t tokens;

    if (status != LFUSE_OK)
        return status;
    tokens = a.tokens != 0 ? a.tokens : a.rows;
    *embedding = (struct lfi_embedding){
        .ids = a.ids,
        .table = a.table,
        .positions = a.positions,
        .dy = a.dy,
        .y = a.y,
        .dtable = a.dtable,
        .dpositions = a.dpositions,
        .rows = a.rows,
        .width = a.width,
        .tokens = tokens,
        .first_position = a.first_position,
    };
    return check(&a, tokens, (forward ? a.positions : a.dpositions) != NULL, err);
}

lfuse_status lfuse_embedding_forward(lfuse_context *ctx, const lfuse_embedding_args *args,
                                     lfuse_error *err)
{
    struct lfi_embedding e;
    lfuse_status status = import(ctx, args, true, &e, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"table", e.table}, {"y", e.y}};

        status = lfi_handles_given(given, 2, err);
    }
    return status == LFUSE_OK ? lfi_embedding_forward(&ctx->env, &e, err) : status;
}

lfuse_status lfuse_embedding_backward(lfuse_context *ctx,
                                      const lfuse_embedding_args *args, lfuse_error *err)
{
    struct lfi_embedding e;
    lfuse_status status = import(ctx, args, false, &e, err);

    if (status == LFUSE_OK) {
        const struct lfi_handles_field given[] = {{"dy", e.dy}};

        status = lfi_handles_given(given, 1, err);
    }
    if (status == LFUSE_OK && e.dtable == NULL && e.dpositions == NULL)
        status =
            lfi_fail(err, LFUSE_ERR_ARGUMENT, "args.dtable and args.dpositions are NULL");
    return status == LFUSE_OK ? lfi_embedding_backward(&ctx->env, &e, err) : status;
}
