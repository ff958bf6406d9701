/* update_scalar.c - SGD and AdamW as they are defined in update.h of the contract */
#include "kernels/entries.h"

#include <math.h>

void lfi_sgd_f32__scalar(const struct lfi_sgd *sgd, float *value, const float *gradient,
                         float *velocity, int64_t count)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        float g = sgd->scale * gradient[i] + sgd->weight_decay * value[i];

        if (velocity != NULL) {
            velocity[i] = sgd->momentum * velocity[i] + g;
            g = sgd->nesterov ? g + sgd->momentum * velocity[i] : velocity[i];
        }
        value[i] -= sgd->learning_rate * g;
    }
}

void lfi_adamw_f32__scalar(const struct lfi_adamw *a, float *value, const float *gradient,
                           float *first, float *second, int64_t count)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        float g = a->scale * gradient[i];

        first[i] = a->beta1 * first[i] + a->take1 * g;
        second[i] = a->beta2 * second[i] + a->take2 * (g * g);
        value[i] = a->keep * value[i] -
                   a->rate * first[i] / (a->correction * sqrtf(second[i]) + a->epsilon);
    }
}

double lfi_sum_squares_f32__scalar(const float *x, int64_t count)
{
    double sum = 0.0;
    int64_t i;

    for (i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}
