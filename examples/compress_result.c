/* compress_result.c - what compress_cnn says of a fused network, and whether its file holds it */
#include <stdio.h>

#include <sys/stat.h>

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

long long compress_file_bytes(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (long long)info.st_size : -1;
}

static lfuse_status print_account(struct run *run, lfuse_error *err)
{
    const lfuse_ties *ties = lfuse_retrainer_ties(run->retrainer);
    lfuse_account all;
    lfuse_status status;

    lfuse_account_init(&all, sizeof(all));
    status = lfuse_ties_account(ties, LFUSE_BASE_ALL, &all, err);
    if (status != LFUSE_OK)
        return status;
    printf("parameters that can fuse: %lld -> %lld, ratio %.3f\n",
           (long long)all.candidates_logical, (long long)all.candidates_unique,
           (double)all.candidates_logical / (double)all.candidates_unique);
    printf("all parameters:           %lld -> %lld, ratio %.3f\n",
           (long long)all.all_logical, (long long)all.all_unique, all.ratio);
    printf("parameters in memory:     %lld -> %lld bytes\n",
           (long long)all.all_logical * (long long)sizeof(float),
           (long long)lfuse_ties_resident_bytes(ties));
    printf("file:                     %lld -> %lld bytes\n",
           compress_file_bytes(run->options.weights),
           compress_file_bytes(run->options.out));
    return LFUSE_OK;
}

/* "tied: layer1.0.conv1 layer1.2.conv2", the kept one first. */
static void print_groups(const struct run *run)
{
    const lfuse_plan *plan = lfuse_retrainer_plan(run->retrainer);
    int64_t group, member;

    for (group = 0; group < lfuse_plan_group_count(plan); group++) {
        int64_t kept = lfuse_plan_group_kept(plan, group);

        printf("tied: %s", lfuse_plan_layer_name(plan, kept));
        for (member = 0; member < lfuse_plan_group_size(plan, group); member++) {
            int64_t index = lfuse_plan_group_member(plan, group, member);

            if (index != kept)
                printf(" %s", lfuse_plan_layer_name(plan, index));
        }
        printf("\n");
    }
}

/* The file holds the network: a fresh one read from it scores the same. */
lfuse_status compress_check_file(struct run *run, lfuse_error *err)
{
    const struct compress_options *o = &run->options;
    struct resnet *fresh;
    struct score score;
    lfuse_status status;

    status = resnet_open(run->ctx, o->out, o->batch, RESNET_INFERENCE, &fresh, err);
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
    print_groups(run);
    if (run->judges != &run->data.test)
        compress_print_score("fused, held out", &run->progress.now);
    compress_print_score("fused", &run->final);
    return print_account(run, err);
}
