/* softmax_scalar.c - a row's cross entropy and its gradient as they are defined, in f64 */
#include "kernels/entries.h"

#include <math.h>

struct lfi_row_loss lfi_softmax_f32__scalar(const float *x, int64_t count, int64_t label,
                                            double share, float *dx)
{
    struct lfi_row_loss row = {0};
    double most = (double)x[0], sum = 0.0, at_label = (double)x[label];
    int64_t i;

    for (i = 1; i < count; i++)
        most = (double)x[i] > most ? (double)x[i] : most;
    for (i = 0; i < count; i++)
        sum += exp((double)x[i] - most);
    row.loss = log(sum) - (at_label - most);
    for (i = 0; i < label && (double)x[i] != most; i++)
        ;
    row.correct = sum == sum && at_label == most && i == label;
    for (i = 0; dx != NULL && i < count; i++)
        dx[i] =
            (float)((exp((double)x[i] - most) / sum - (i == label ? 1.0 : 0.0)) * share);
    return row;
}
