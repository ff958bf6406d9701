/* reference.h - the loss of a CIFAR network in f64, by the definitions, as slow as they are */
#ifndef TESTS_EXAMPLES_REFERENCE_H
#define TESTS_EXAMPLES_REFERENCE_H

#include "models/resnet.h"
#include "models/vgg.h"

struct reference {
    const struct resnet *resnet; /* one of these two; the other is NULL */
    const struct vgg *vgg;
    const float *x; /* (count, 32, 32, 3) */
    const int32_t *labels;
    int64_t count;
};

/*
 * Mean cross-entropy of the network in training (statistics of the batch) at its weights plus
 * step * direction, where direction is a copy of the elements of one parameter's tensor, and
 * moved that tensor. The logits, (count, 10), go to logits unless it is NULL.
 */
double reference_loss(const struct reference *r, const lfuse_tensor *moved,
                      const double *direction, double step, double *logits);

/*
 * How far the derivative of the loss along the gradient g of a value is from |g|, over |g|, which
 * goes to *norm. The derivative is a central difference, of steps of 1e-6 in that direction.
 */
double reference_gradient_error(const struct reference *r, lfuse_tensor *value,
                                lfuse_tensor *gradient, double *norm);

#endif
