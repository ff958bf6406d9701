/*
 * residual.c - what two matrices differ by where one may be rotated
 *
 *     |A|_F^2 + |C|_F^2 - 2 |A C'|_*        rows:    rotations from the left
 *     |A|_F^2 + |C|_F^2 - 2 |A'C|_*         columns: from the right
 *
 * Vectors are those of the shorter direction, k of length l. Where their products are wanted
 * (A C' of rows), they are kept as they are; else A'C = U R S'V' of rows A' = U R, C' = V S
 * with orthonormal U and V, and the triangle R (k, k) is all that is kept of A: |R S'|_* is a
 * norm of k vectors, too. Each side has a scale of its own, a power of two.
 */
#include "similarity/parts.h"

#include <math.h>

struct shape {
    int64_t k;     /* vectors */
    int64_t l;     /* their length */
    bool outer;    /* triangles are kept */
    bool turn;     /* vectors are columns */
    int64_t width; /* of what is kept of each */
};

static struct shape shape_of(const struct lfi_block *b, bool rows)
{
    bool tall = b->rows > b->columns;
    struct shape s = {
        .k = tall ? b->columns : b->rows,
        .l = tall ? b->rows : b->columns,
        .outer = rows ? tall : b->rows < b->columns,
    };

    s.turn = rows == s.outer;
    s.width = s.outer ? s.k : s.l;
    return s;
}

struct scratch {
    double *m;       /* (k + 4, k) */
    double *line;    /* (columns) */
    double *vectors; /* (k, l), where triangles may be kept */
};

static struct scratch take_scratch(const struct lfi_block *b, const struct shape *s,
                                   struct lfi_arena *arena)
{
    struct scratch scratch = {
        .m = lfi_arena_take(arena, s->k + 4, s->k),
        .line = lfi_arena_take(arena, 1, b->columns),
    };

    /* Also of a square block: others are cut a row or a column shorter. */
    if (s->outer || b->rows == b->columns)
        scratch.vectors = lfi_arena_take(arena, s->k, s->l);
    return scratch;
}

void lfi_residual_lay_out(const struct lfi_block *b, bool rows, struct lfi_arena *factor,
                          struct lfi_arena *scratch)
{
    struct shape s = shape_of(b, rows);

    (void)lfi_arena_take(factor, 1, sizeof(struct lfi_residual) / sizeof(double));
    (void)lfi_arena_take(factor, s.k, s.width);
    (void)take_scratch(b, &s, scratch);
}

static void load(const struct lfi_centred *side, const struct lfi_block *b, bool turn,
                 double *line, double *vectors)
{
    int64_t i, j;

    for (i = 0; i < b->rows; i++) {
        if (!turn) {
            lfi_centred_read(side, i, 0, b->columns, vectors + i * b->columns);
            continue;
        }
        lfi_centred_read(side, i, 0, b->columns, line);
        for (j = 0; j < b->columns; j++)
            vectors[j * b->rows + i] = line[j];
    }
}

void lfi_residual_extract(const struct lfi_factor_work *work,
                          const struct lfi_centred *side, const struct lfi_block *b,
                          bool rows, struct lfi_residual *r)
{
    struct lfi_arena arena = {.base = work->scratch, .fits = true};
    struct shape s = shape_of(b, rows);
    struct scratch scratch = take_scratch(b, &s, &arena);
    double *vectors = s.outer ? scratch.vectors : r->x;
    struct lfi_centred scaled = *side;

    if (side->part.rows != b->rows)
        scaled.scale *= sqrt((double)b->rows / (double)side->part.rows);
    load(&scaled, b, s.turn, scratch.line, vectors);
    r->exponent = lfi_centred_exponent(side);
    r->square = lfi_vectors_dot(vectors, vectors, s.k * s.l);
    if (s.outer)
        lfi_nuclear_triangle(vectors, s.k, s.l, r->x);
}

double lfi_residual_compare(const struct lfi_factor_work *work, const struct lfi_block *b,
                            bool rows, const struct lfi_residual *a,
                            const struct lfi_residual *c, int *exponent)
{
    struct shape s = shape_of(b, rows);
    int common = a->exponent < c->exponent ? a->exponent : c->exponent;
    double aa, cc, ac;

    *exponent = common;
    if (a->exponent == c->exponent && lfi_vectors_equal(a->x, c->x, s.k * s.width))
        return 0.0;
    aa = ldexp(a->square, 2 * (common - a->exponent));
    cc = ldexp(c->square, 2 * (common - c->exponent));
    ac = ldexp(lfi_nuclear_norm(a->x, c->x, s.k, s.width, work->scratch),
               2 * common - a->exponent - c->exponent);
    return fmax(0.0, aa + cc - 2.0 * ac);
}
