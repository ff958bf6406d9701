/*
 * assignment_vector.h - assignment_scalar.c, a vector at a time, bit for bit
 *
 * Each lane keeps the least of its own columns, which come in order, so that it holds the
 * lowest column of equal values; in the end the lanes are put in order by value, then column.
 */
#include "kernels/entries.h"
#include "kernels/vector_f64.h"

#include <math.h>

/* value at column comes in front of what is held */
VEC_INLINE bool before(double value, int64_t column, double held, int64_t held_column)
{
    return value < held || (value == held && column < held_column);
}

VEC_INLINE void insert(struct lfi_two_least *two, double value, int64_t column)
{
    if (before(value, column, two->least, two->column)) {
        two->next = two->least;
        two->next_column = two->column;
        two->least = value;
        two->column = column;
    } else if (before(value, column, two->next, two->next_column)) {
        two->next = value;
        two->next_column = column;
    }
}

struct lfi_two_least LFI_ENTRY(two_least_f64)(const struct lfi_assignment_row *row)
{
    vec64 least = vec64_set(INFINITY), next = least;
    int64s column = int64s_set(0), next_column = column, at = int64s_first();
    struct lfi_two_least two = {INFINITY, INFINITY, 0, 0};
    double values[2 * LANES_F64];
    int64_t columns[2 * LANES_F64], j;

    for (j = 0; j < row->count;
         j += LANES_F64, at = int64s_add(at, int64s_set(LANES_F64))) {
        vec64 value = vec64_sub(vec64_load(row->cost + j), vec64_load(row->price + j));
        test64 second = vec64_less(value, next);

        if (test64_any(second)) { /* seldom, after a while */
            test64 first = vec64_less(value, least);

            next = vec64_select(first, least, vec64_select(second, value, next));
            next_column =
                int64s_select(first, column, int64s_select(second, at, next_column));
            least = vec64_select(first, value, least);
            column = int64s_select(first, at, column);
        }
    }
    vec64_store(values, least);
    vec64_store(values + LANES_F64, next);
    int64s_store(columns, column);
    int64s_store(columns + LANES_F64, next_column);
    for (j = 0; j < 2 * LANES_F64; j++)
        if (values[j] < INFINITY)
            insert(&two, values[j], columns[j]);
    return two;
}

int64_t LFI_ENTRY(shorten_paths_f64)(const struct lfi_assignment_row *row)
{
    const vec64 base = vec64_set(row->base);
    const int64s index = int64s_set(row->index);
    vec64 least = vec64_set(INFINITY);
    int64s column = int64s_set(0), at = int64s_first();
    double values[LANES_F64], first = INFINITY;
    int64_t columns[LANES_F64], found = 0, j;

    for (j = 0; j < row->count;
         j += LANES_F64, at = int64s_add(at, int64s_set(LANES_F64))) {
        vec64 value = vec64_sub(
            vec64_sub(vec64_load(row->cost + j), vec64_load(row->price + j)), base);
        vec64 distance = vec64_load(row->distance + j);
        test64 test = vec64_less(value, distance);

        if (test64_any(test)) {
            distance = vec64_select(test, value, distance);
            vec64_store(row->distance + j, distance);
            int64s_store(row->from + j,
                         int64s_select(test, index, int64s_load(row->from + j)));
        }
        test = vec64_less(distance, least);
        least = vec64_select(test, distance, least);
        column = int64s_select(test, at, column);
    }
    vec64_store(values, least);
    int64s_store(columns, column);
    for (j = 0; j < LANES_F64; j++)
        if (values[j] < INFINITY && before(values[j], columns[j], first, found)) {
            first = values[j];
            found = columns[j];
        }
    return found;
}
