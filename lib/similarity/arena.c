/* arena.c - parts of one scratch: laid out twice, once to count and once to hand out */
#include "similarity/parts.h"

void *lfi_arena_take(struct lfi_arena *arena, int64_t rows, int64_t columns)
{
    double *start = arena->base != NULL ? arena->base + arena->used : NULL;
    size_t size;

    arena->fits = arena->fits && lfi_mul_size((size_t)rows, (size_t)columns, &size) &&
                  lfi_add_size(arena->used, size, &arena->used);
    return start;
}

bool lfi_arena_bytes(const struct lfi_arena *arena, size_t *bytes)
{
    return arena->fits && lfi_mul_size(arena->used, sizeof(double), bytes);
}
