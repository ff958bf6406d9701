/* compress_result.c - what compress_cnn says of a fused network, and whether its file holds it */
#include <stdio.h>

#include "account.h"
#include "compress_run.h"
#include "error.h"

double compress_percent(const struct score *score)
{
    return 100.0 * (double)score->right / (double)score->images;
}

void compress_print_score(const char *what, const struct score *score)
{
    printf("%s: %lld of %lld right (%.2f %%), mean cross-entropy %.5f\n", what,
           (long long)score->right, (long long)score->images, compress_percent(score),
           score->loss);
    fflush(stdout);
}

/* The file holds the network: a fresh one read from it scores the same. */
lfuse_status compress_check_file(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct resnet *fresh;
    struct score score;
    lfuse_status status;

    status = resnet_open(run->ctx, o->out, o->batch, CNN_INFERENCE, &fresh, err);
    if (status == LFUSE_OK)
        status = train_evaluate(fresh, &run->data.test, &score, err);
    if (status == LFUSE_OK && score.right != run->final.right)
        status = example_fail(err, LFUSE_ERR_FORMAT,
                              "%s, read back, gets %lld right instead of %lld", o->out,
                              (long long)score.right, (long long)run->final.right);
    if (status == LFUSE_OK) {
        printf("exactly as many right as before it was written\n");
        compress_print_score("read back", &score);
    }
    resnet_destroy(fresh);
    return status;
}

lfuse_status compress_print_result(struct run *run, lfuse_error *err)
{
    printf("\n");
    account_print_groups(lfuse_retrainer_plan(run->retrainer));
    if (run->judges != &run->data.test)
        compress_print_score("fused, held out", &run->progress.now);
    compress_print_score("fused", &run->final);
    return account_print(lfuse_retrainer_ties(run->retrainer), run->options.weights,
                         run->options.out, err);
}
