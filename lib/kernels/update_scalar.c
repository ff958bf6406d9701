/* update_scalar.c - SGD as it is defined in update.h of the contract */
#include "kernels/entries.h"

void lfi_sgd_f32__scalar(float *value, const float *gradient, float *velocity,
                         int64_t count, float learning_rate, float momentum,
                         float weight_decay, bool nesterov)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        float g = gradient[i] + weight_decay * value[i];

        if (velocity != NULL) {
            velocity[i] = momentum * velocity[i] + g;
            g = nesterov ? g + momentum * velocity[i] : velocity[i];
        }
        value[i] -= learning_rate * g;
    }
}
