/* train.c - see train.h */
#include "train.h"

#include <math.h>

#include "error.h"
#include "program.h"
#include "progress.h"

lfuse_status train_evaluate(struct resnet *net, const struct images *images,
                            struct score *score, lfuse_error *err)
{
    struct score sum = {0, 0, 0.0};
    struct batches *batches;
    struct progress progress;
    lfuse_status status;
    struct batch batch;
    int64_t i, right;
    double loss;

    status =
        batches_create(images, net->cnn.batch, 0, LFUSE_LAYOUT_NHWC, 0, &batches, err);
    if (status != LFUSE_OK)
        return status;
    progress_begin(&progress, "evaluating", images->count);
    for (i = 0; i < batches_count(batches) && status == LFUSE_OK; i++) {
        batches_at(batches, 0, i, &batch);
        status = resnet_forward(net, batch.x, batch.count, CNN_INFERENCE, err);
        if (status == LFUSE_OK)
            status = cnn_loss(&net->cnn, batch.labels, &loss, &right, err);
        if (status == LFUSE_OK)
            status = program_check_stop(err);
        if (status != LFUSE_OK)
            break;
        sum.right += right;
        sum.images += batch.count;
        sum.loss += loss * (double)batch.count;
        progress_step(&progress, sum.images, loss);
    }
    progress_end(&progress);
    batches_destroy(batches);
    if (status == LFUSE_OK) {
        sum.loss /= (double)sum.images;
        *score = sum;
    }
    return status;
}

/* With momentum 1/k at batch k the running value is the mean of the first k. */
lfuse_status train_reestimate(struct resnet *net, struct batches *batches, int64_t count,
                              lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    struct progress progress;
    struct batch batch;
    int64_t k;

    if (count > batches_count(batches))
        count = batches_count(batches);
    progress_begin(&progress, "re-estimating", count * net->cnn.batch);
    for (k = 1; k <= count && status == LFUSE_OK; k++) {
        batches_at(batches, 0, k - 1, &batch);
        net->cnn.momentum = 1.0 / (double)k;
        status = resnet_forward(net, batch.x, batch.count, CNN_TRAINING, err);
        if (status == LFUSE_OK)
            status = program_check_stop(err);
        progress_step(&progress, k * net->cnn.batch, NAN);
    }
    net->cnn.momentum = 0.0;
    progress_end(&progress);
    return status;
}

/* Every tensor that trains, once: where they lie, for one pass over all of them. */
struct trained {
    float *values[CNN_MAX_PARAMETERS], *velocities[CNN_MAX_PARAMETERS];
    const float *gradients[CNN_MAX_PARAMETERS];
    int64_t counts[CNN_MAX_PARAMETERS];
};

static lfuse_status gather(const lfuse_retrainer *retrainer, struct trained *t,
                           lfuse_error *err)
{
    int64_t count = lfuse_retrainer_parameter_count(retrainer), i;
    lfuse_status status = LFUSE_OK;
    lfuse_parameter p;

    if (count > CNN_MAX_PARAMETERS)
        return example_fail(err, LFUSE_ERR_ARGUMENT, "%lld parameters train, %d at most",
                            (long long)count, (int)CNN_MAX_PARAMETERS);
    for (i = 0; i < count && status == LFUSE_OK; i++) {
        lfuse_parameter_init(&p, sizeof(p));
        status = lfuse_retrainer_parameter(retrainer, i, &p, err);
        if (status != LFUSE_OK)
            break;
        t->values[i] = lfuse_tensor_data(p.value);
        t->gradients[i] = lfuse_tensor_data(p.gradient);
        t->velocities[i] = lfuse_tensor_data(p.state[0]);
        t->counts[i] = lfuse_tensor_elements(p.value);
    }
    return status;
}

static lfuse_status update(struct resnet *net, const lfuse_retrainer *retrainer,
                           const struct training *training, double rate, lfuse_error *err)
{
    struct trained all;
    lfuse_sgd_all_args sgd;
    lfuse_status status = gather(retrainer, &all, err);

    if (status != LFUSE_OK)
        return status;
    lfuse_sgd_all_args_init(&sgd, sizeof(sgd));
    sgd.values = all.values;
    sgd.gradients = all.gradients;
    sgd.velocities = all.velocities;
    sgd.counts = all.counts;
    sgd.parameters = lfuse_retrainer_parameter_count(retrainer);
    sgd.learning_rate = rate;
    sgd.momentum = training->momentum;
    sgd.weight_decay = training->weight_decay;
    return lfuse_sgd_all(net->cnn.ctx, &sgd, err);
}

static lfuse_status loss_of(struct resnet *net, const struct batch *batch,
                            const struct training *t, double *loss, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;

    if (t->teacher == NULL && t->smoothing == 0.0)
        return cnn_loss(&net->cnn, batch->labels, loss, NULL, err);
    if (t->teacher != NULL)
        status = resnet_forward(t->teacher, batch->x, batch->count, CNN_INFERENCE, err);
    if (status == LFUSE_OK)
        status = cnn_distil(&net->cnn, t->teacher != NULL ? &t->teacher->cnn : NULL,
                            t->temperature, t->teacher != NULL ? t->taught : -1.0,
                            t->smoothing, batch->labels, loss, err);
    return status;
}

/* The retrainer's hooks stand where they stand in any training loop. */
static lfuse_status step(struct resnet *net, lfuse_retrainer *retrainer,
                         const struct batch *batch, const struct training *training,
                         double rate, double *loss, lfuse_error *err)
{
    lfuse_status status = lfuse_retrainer_begin_step(retrainer, err);

    if (status != LFUSE_OK)
        return status;
    status = resnet_forward(net, batch->x, batch->count, CNN_TRAINING, err);
    if (status == LFUSE_OK)
        status = loss_of(net, batch, training, loss, err);
    if (status == LFUSE_OK && !isfinite(*loss))
        status = example_fail(err, LFUSE_ERR_NOT_FINITE,
                              "the loss is no longer finite: try a smaller --lr");
    if (status == LFUSE_OK)
        status = resnet_backward(net, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_combine_gradients(retrainer, err);
    if (status == LFUSE_OK && training->baseline != NULL)
        status = baseline_project(training->baseline, err);
    if (status == LFUSE_OK)
        status = update(net, retrainer, training, rate, err);
    if (status == LFUSE_OK && training->baseline != NULL)
        status = baseline_settle(training->baseline, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_end_step(retrainer, err);
    return status;
}

double train_rate(const struct training *t, int64_t index, int64_t steps)
{
    int64_t warm = t->warm_up * steps;
    double done = (double)(index - warm) / (double)(t->epochs * steps - warm);

    if (index < warm)
        return t->learning_rate * (double)(index + 1) / (double)warm;
    return 0.5 * t->learning_rate * (1.0 + cos(acos(-1.0) * done));
}

lfuse_status train_epoch(struct resnet *net, lfuse_retrainer *retrainer,
                         struct batches *batches, const struct training *training,
                         int64_t epoch, double *loss, lfuse_error *err)
{
    int64_t steps = batches_count(batches), i;
    lfuse_status status = LFUSE_OK;
    struct progress progress;
    struct batch batch;
    double sum = 0.0;

    progress_begin(&progress, "training", steps * net->cnn.batch);
    for (i = 0; i < steps && status == LFUSE_OK; i++) {
        double rate = train_rate(training, epoch * steps + i, steps);
        double now = 0.0;

        batches_at(batches, epoch, i, &batch);
        status = step(net, retrainer, &batch, training, rate, &now, err);
        if (status == LFUSE_OK)
            status = program_check_stop(err);
        sum += now;
        progress_step(&progress, (i + 1) * net->cnn.batch, now);
    }
    progress_end(&progress);
    *loss = sum / (double)steps;
    return status;
}
