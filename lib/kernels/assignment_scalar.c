/* assignment_scalar.c - the scans of an assignment problem's row as they are defined */
#include "kernels/entries.h"

#include <math.h>

struct lfi_two_least lfi_two_least_f64__scalar(const struct lfi_assignment_row *row)
{
    struct lfi_two_least two = {INFINITY, INFINITY, 0, 0};
    int64_t j;

    for (j = 0; j < row->count; j++) {
        double value = row->cost[j] - row->price[j];

        if (value < two.least) {
            two.next = two.least;
            two.next_column = two.column;
            two.least = value;
            two.column = j;
        } else if (value < two.next) {
            two.next = value;
            two.next_column = j;
        }
    }
    return two;
}

int64_t lfi_shorten_paths_f64__scalar(const struct lfi_assignment_row *row)
{
    double least = INFINITY;
    int64_t column = 0, j;

    for (j = 0; j < row->count; j++) {
        double value = row->cost[j] - row->price[j] - row->base;

        if (value < row->distance[j]) {
            row->distance[j] = value;
            row->from[j] = row->index;
        }
        if (row->distance[j] < least) {
            least = row->distance[j];
            column = j;
        }
    }
    return column;
}
