/* reference.h - the loss of a CIFAR ResNet in f64, by the definitions, as slow as they are */
#ifndef TESTS_EXAMPLES_REFERENCE_H
#define TESTS_EXAMPLES_REFERENCE_H

#include "models/resnet.h"

/*
 * Mean cross-entropy of the network in training (statistics of the batch) at its weights plus
 * step * direction, where direction is a copy of the elements of one parameter's tensor, and
 * moved that tensor. The logits, (count, 10), go to logits unless it is NULL.
 */
double reference_loss(const struct resnet *net, const float *x, const int32_t *labels,
                      int64_t count, const lfuse_tensor *moved, const double *direction,
                      double step, double *logits);

#endif
