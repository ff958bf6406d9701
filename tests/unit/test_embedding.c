/* test_embedding.c - rows of a table by their ids, and learned positions */
#include "lft.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IDS, TABLE, POSITIONS, DY, Y, DTABLE, DPOSITIONS, ARRAYS };

struct problem {
    lfuse_embedding_args args;
    int32_t *ids;
    float *memory[ARRAYS]; /* but ids */
};

static float *heap(int64_t count)
{
    float *values = malloc((size_t)count * sizeof(float));

    assert_non_null(values);
    return values;
}

static int64_t rows_of(const lfuse_embedding_args *a, int array)
{
    return array == TABLE || array == DTABLE           ? a->vocabulary
           : array == POSITIONS || array == DPOSITIONS ? a->position_count
                                                       : a->rows;
}

static int64_t length(const lfuse_embedding_args *a, int array)
{
    return rows_of(a, array) * (array == IDS ? 1 : a->width);
}

/* Sequences of `tokens` that begin at the third position; few enough ids to meet often. */
static void make(struct problem *p, int64_t sequences, int64_t tokens, int64_t width,
                 int64_t vocabulary, float *(*allocate)(int64_t))
{
    lfuse_embedding_args *a = &p->args;
    int64_t i;

    lfuse_embedding_args_init(a, sizeof(*a));
    a->rows = sequences * tokens;
    a->tokens = tokens;
    a->width = width;
    a->vocabulary = vocabulary;
    a->position_count = tokens + 3;
    a->first_position = 2;
    for (i = 0; i < ARRAYS; i++) {
        p->memory[i] = allocate(length(a, (int)i));
        lft_fill(p->memory[i], length(a, (int)i), (uint64_t)i + 1);
    }
    p->ids = (int32_t *)(void *)p->memory[IDS];
    for (i = 0; i < a->rows; i++)
        p->ids[i] = (int32_t)((i * 7 + i / 3) % vocabulary);
    a->ids = p->ids;
    a->table = p->memory[TABLE];
    a->positions = p->memory[POSITIONS];
    a->dy = p->memory[DY];
    a->y = p->memory[Y];
    a->dtable = p->memory[DTABLE];
    a->dpositions = p->memory[DPOSITIONS];
}

static void free_heap(struct problem *p)
{
    int i;

    for (i = 0; i < ARRAYS; i++)
        free(p->memory[i]);
}

static int64_t position(const lfuse_embedding_args *a, int64_t row)
{
    return a->first_position + row % (a->tokens != 0 ? a->tokens : a->rows);
}

/* One addition: the same bits. */
static void check_forward(const struct problem *p)
{
    const lfuse_embedding_args *a = &p->args;
    int64_t i, j;

    for (i = 0; i < a->rows; i++)
        for (j = 0; j < a->width; j++) {
            float expected = a->table[p->ids[i] * a->width + j];

            if (a->positions != NULL)
                expected += a->positions[position(a, i) * a->width + j];
            assert_true(a->y[i * a->width + j] == expected);
        }
}

/* Row by row in f32, as the header says: the same bits. */
static void check_backward(const struct problem *p)
{
    const lfuse_embedding_args *a = &p->args;
    const int arrays[] = {DTABLE, DPOSITIONS};
    int64_t i, j;
    int k;

    for (k = 0; k < 2; k++) {
        const int64_t count = length(a, arrays[k]);
        float *expected = heap(count);

        lft_fill(expected, count, (uint64_t)arrays[k] + 1);
        for (i = 0; i < a->rows; i++)
            for (j = 0; j < a->width; j++)
                expected[(k == 0 ? p->ids[i] : position(a, i)) * a->width + j] +=
                    a->dy[i * a->width + j];
        if ((k == 0 ? a->dtable : a->dpositions) == NULL)
            lft_fill(expected, count, (uint64_t)arrays[k] + 1);
        assert_memory_equal(p->memory[arrays[k]], expected,
                            (size_t)count * sizeof(float));
        free(expected);
    }
}

static void run_and_check(struct lft *t, lfuse_context *ctx, const struct problem *p)
{
    lft_ok(t, lfuse_embedding_forward(ctx, &p->args, &t->err));
    check_forward(p);
    lft_ok(t, lfuse_embedding_backward(ctx, &p->args, &t->err));
    check_backward(p);
}

static void rows_are_the_tables_on_every_instruction_set(void **state)
{
    const int64_t widths[] = {1, 7, 8, 15, 16, 17, 33, 63, 64, 65, 130};
    struct lft *t = *state;
    struct problem p;
    lfuse_isa isa;
    size_t w;
    int variant;

    for (isa = LFUSE_ISA_SCALAR; isa <= lfuse_context_isa(t->ctx); isa++) {
        lfuse_context *ctx = lft_context(t, 0, isa);

        for (w = 0; w < sizeof(widths) / sizeof(widths[0]); w++)
            for (variant = 0; variant < 8; variant++) {
                make(&p, 4, 5, widths[w], 6,
                     variant % 2 != 0 ? lft_guard_start : lft_guard_end);
                if ((variant & 2) != 0)
                    p.args.positions = p.args.dpositions = NULL;
                if ((variant & 4) != 0 && (variant & 2) == 0)
                    p.args.dtable = NULL;
                run_and_check(t, ctx, &p);
                lft_guard_free();
            }
        lfuse_context_destroy(ctx);
    }
}

static void threads_change_no_bit(void **state)
{
    struct lft *t = *state;
    int32_t threads;

    for (threads = 1; threads <= 3; threads++) {
        lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
        struct problem p;

        make(&p, 9, 31, 600, 20, heap);
        run_and_check(t, ctx, &p); /* against the same bits */
        free_heap(&p);
        lfuse_context_destroy(ctx);
    }
}

static void no_tokens_mean_one_sequence(void **state)
{
    struct lft *t = *state;
    struct problem p;

    make(&p, 1, 12, 5, 4, heap);
    p.args.tokens = 0;
    run_and_check(t, t->ctx, &p);
    free_heap(&p);
}

/* y is linear in table and positions: <dy, y> = <dtable, table> + <dpositions, positions>. The
 * sums have 20 rows * 9 products each of at most 1, their values two more roundings. */
static void backward_is_the_adjoint_of_forward(void **state)
{
    struct lft *t = *state;
    double forward = 0.0, backward = 0.0;
    struct problem p;
    int64_t i;

    make(&p, 4, 5, 9, 6, heap);
    memset(p.memory[DTABLE], 0, 54 * sizeof(float));
    memset(p.memory[DPOSITIONS], 0, 72 * sizeof(float));
    lft_ok(t, lfuse_embedding_forward(t->ctx, &p.args, &t->err));
    lft_ok(t, lfuse_embedding_backward(t->ctx, &p.args, &t->err));
    for (i = 0; i < 180; i++)
        forward += (double)p.args.dy[i] * (double)p.args.y[i];
    for (i = 0; i < 54; i++)
        backward += (double)p.args.dtable[i] * (double)p.args.table[i];
    for (i = 0; i < 72; i++)
        backward += (double)p.args.dpositions[i] * (double)p.args.positions[i];
    assert_true(fabs(forward - backward) <= 180.0 * 2.0 * 5.0 * FLT_EPSILON);
    free_heap(&p);
}

typedef lfuse_status (*pass)(lfuse_context *, const lfuse_embedding_args *,
                             lfuse_error *);

static void every_error_is_told_and_the_outputs_untouched(void **state)
{
    static const pass passes[] = {lfuse_embedding_forward, lfuse_embedding_backward};
    const lfuse_status bad = LFUSE_ERR_ARGUMENT;
    struct lft *t = *state;
    struct problem p, same;
    struct {
        lfuse_embedding_args args;
        uint64_t more;
    } newer;
    int d, i;

    make(&p, 4, 5, 9, 6, heap);
    make(&same, 4, 5, 9, 6, heap);
#define FAILS(CALL, FIELD, VALUE, STATUS, TEXT)                     \
    do {                                                            \
        lfuse_embedding_args args = p.args;                         \
        args.FIELD = VALUE;                                         \
        lft_fails(t, (CALL)(t->ctx, &args, &t->err), STATUS, TEXT); \
    } while (0)
    FAILS(passes[0], table, NULL, bad, "args.table is NULL");
    FAILS(passes[0], y, NULL, bad, "args.y is NULL");
    FAILS(passes[1], dy, NULL, bad, "args.dy is NULL");
    for (d = 0; d < 2; d++) {
        FAILS(passes[d], ids, NULL, bad, "args.ids is NULL");
        FAILS(passes[d], rows, 0, bad, "args.rows is 0");
        FAILS(passes[d], width, -2, bad, "args.width is -2");
        FAILS(passes[d], vocabulary, 0, bad, "args.vocabulary is 0");
        FAILS(passes[d], tokens, -1, bad, "args.tokens is -1");
        FAILS(passes[d], tokens, 6, LFUSE_ERR_SHAPE, "20 rows are no sequences of 6");
        FAILS(passes[d], position_count, 0, bad, "args.position_count is 0");
        FAILS(passes[d], position_count, 6, LFUSE_ERR_SHAPE,
              "5 tokens from position 2 on do not fit 6 positions");
        FAILS(passes[d], position_count, 4, LFUSE_ERR_SHAPE, "do not fit 4 positions");
        FAILS(passes[d], first_position, -1, bad, "args.first_position is -1");
        FAILS(passes[d], first_position, INT64_MAX, LFUSE_ERR_SHAPE, "do not fit 8");
        FAILS(passes[d], rows, INT64_MAX / 8, LFUSE_ERR_OVERFLOW, "args.rows: ");
        FAILS(passes[d], vocabulary, INT64_MAX / 8, LFUSE_ERR_OVERFLOW,
              "args.vocabulary: ");
        FAILS(passes[d], position_count, INT64_MAX / 8, LFUSE_ERR_OVERFLOW,
              "args.position_count: ");
        FAILS(passes[d], vocabulary, 5, bad, "args.ids[4] is 5, not in [0, 5)");
        p.ids[19] = -7;
        lft_fails(t, passes[d](t->ctx, &p.args, &t->err), bad,
                  "args.ids[19] is -7, not in [0, 6)");
        p.ids[19] = same.ids[19];
        FAILS(passes[d], struct_size, 0, bad, "struct_size 0");
        lft_fails(t, passes[d](NULL, &p.args, &t->err), bad, "ctx is NULL");
        lft_fails(t, passes[d](t->ctx, NULL, &t->err), bad, "args is NULL");
        newer.args = p.args;
        newer.args.struct_size = sizeof(newer);
        newer.more = 1;
        lft_fails(t, passes[d](t->ctx, &newer.args, &t->err), LFUSE_ERR_UNSUPPORTED,
                  "args");
    }
    p.args.dtable = p.args.dpositions = NULL;
    lft_fails(t, lfuse_embedding_backward(t->ctx, &p.args, &t->err), bad,
              "args.dtable and args.dpositions are NULL");
#undef FAILS
    for (i = 0; i < ARRAYS; i++)
        assert_memory_equal(p.memory[i], same.memory[i],
                            (size_t)length(&same.args, i) * sizeof(float));
    free_heap(&p);
    free_heap(&same);
}

static void floating_point_settings_stay_and_nothing_is_allocated(void **state)
{
    struct lft *t = *state;
    const uint32_t control = lft_float_control();
    const int64_t allocations = t->memory.allocations;
    struct problem p;

    make(&p, 4, 5, 9, 6, heap);
    run_and_check(t, t->ctx, &p);
    assert_int_equal(lft_float_control(), control);
    assert_int_equal(t->memory.allocations, allocations);
    free_heap(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(rows_are_the_tables_on_every_instruction_set),
        lft_test(threads_change_no_bit),
        lft_test(no_tokens_mean_one_sequence),
        lft_test(backward_is_the_adjoint_of_forward),
        lft_test(every_error_is_told_and_the_outputs_untouched),
        lft_test(floating_point_settings_stay_and_nothing_is_allocated),
    };

    return cmocka_run_group_tests_name("embedding", tests, NULL, NULL);
}
