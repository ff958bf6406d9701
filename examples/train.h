/* train.h - what is done with a network and a set of images: score it, mend it, train it */
#ifndef EXAMPLES_TRAIN_H
#define EXAMPLES_TRAIN_H

#include "baselines/baseline.h"
#include "data/batches.h"
#include "models/resnet.h"

struct score {
    int64_t right;
    int64_t images;
    double loss; /* mean cross-entropy, in nats */
};

struct training {
    double learning_rate; /* at first; falls to 0 along half a cosine over `epochs` */
    double momentum;
    double weight_decay;
    int64_t epochs;
    int64_t warm_up;           /* the first of them: the rate grows from 0 along a line */
    double smoothing;          /* of labels */
    double temperature;        /* with a teacher: of both softmaxes, */
    double taught;             /* and how much its answers weigh */
    struct resnet *teacher;    /* answers every batch that is trained on; or NULL */
    struct baseline *baseline; /* keeps weights what it made of them; or NULL */
};

/* The learning rate of the step at index, of epochs of `steps`. */
double train_rate(const struct training *training, int64_t index, int64_t steps);

/* The network's running statistics on images as they are. */
lfuse_status train_evaluate(struct resnet *net, const struct images *images,
                            struct score *score, lfuse_error *err);

/*
 * Fusing changes what every later layer receives, so the running statistics no longer fit: they
 * are forgotten, and become the plain mean over `count` training batches.
 */
lfuse_status train_reestimate(struct resnet *net, struct batches *batches, int64_t count,
                              lfuse_error *err);

/*
 * One epoch of stochastic gradient descent, with the retrainer's hooks around every step. *loss is
 * the mean over its steps.
 */
lfuse_status train_epoch(struct resnet *net, lfuse_retrainer *retrainer,
                         struct batches *batches, const struct training *training,
                         int64_t epoch, double *loss, lfuse_error *err);

#endif
