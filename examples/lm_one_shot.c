/*
 * lm_one_shot.c - what one fusion costs a language model that is not trained afterwards
 *
 * As table 2 of O'Neill et al. 2021, for shares of the weights of layers that can fuse. Each
 * figure is of the network read anew. CSV on stdout: "removed" is a little more than "asked",
 * because whole layers go; there is no row where so much cannot be removed.
 */
#include <stdio.h>

#include "error.h"
#include "lm_run.h"
#include "names.h"

static const double shares[] = {0.1, 0.25, 0.3, 0.5, 0.7, 0.8};

static const lfuse_metric metrics[] = {LFUSE_METRIC_COVARIANCE, LFUSE_METRIC_KL,
                                       LFUSE_METRIC_WASSERSTEIN_GAUSSIAN,
                                       LFUSE_METRIC_EUCLIDEAN};

static const struct {
    lfuse_policy policy;
    int aligned;
} policies[] = {
    {LFUSE_POLICY_AVERAGE, 0},
    {LFUSE_POLICY_AVERAGE, 1},
    {LFUSE_POLICY_FREEZE, 0},
    {LFUSE_POLICY_RANDOM, 0},
};

static const enum baseline_kind baselines[] = {BASELINE_PRUNE, BASELINE_PRUNE_GLOBAL,
                                               BASELINE_LOW_RANK, BASELINE_DROP};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void forget(struct lm_run *run)
{
    lfuse_retrainer_destroy(run->retrainer);
    run->retrainer = NULL;
    baseline_destroy(run->baseline);
    run->baseline = NULL;
    gpt_destroy(run->net);
    run->net = NULL;
}

static lfuse_status print(struct lm_run *run, const char *how, const char *policy,
                          int aligned, double share, double ratio, lfuse_error *err)
{
    struct lm_score score;
    lfuse_status status = lm_judge(run, &score, err);

    if (status != LFUSE_OK)
        return status;
    printf("%s,%s,%s,%.2f,%.3f,%.3f", how, policy, aligned ? "aligned" : "none", share,
           1.0 - 1.0 / ratio, lm_per_token(&score));
    if (score.words > 0)
        printf(",%.2f", lm_per_word(&score));
    printf("\n");
    fflush(stdout);
    return LFUSE_OK;
}

static lfuse_status fuse_once(struct lm_run *run, lfuse_metric metric,
                              lfuse_policy policy, int aligned, double share,
                              lfuse_error *err)
{
    lfuse_account account;
    lfuse_status status = lm_open(run, GPT_TRAINING, &run->net, err);

    lfuse_account_init(&account, sizeof(account));
    if (status == LFUSE_OK)
        status =
            lm_create_retrainer(run, 1.0 / (1.0 - share), metric, policy, aligned, err);
    if (status == LFUSE_OK)
        status = lfuse_retrainer_fuse(run->retrainer, err);
    if (status == LFUSE_OK)
        status = lfuse_ties_account(lfuse_retrainer_ties(run->retrainer),
                                    LFUSE_BASE_CANDIDATES, &account, err);
    if (status == LFUSE_OK)
        status = print(run, names_metric(metric), names_policy(policy), aligned, share,
                       account.ratio, err);
    forget(run);
    return status == LFUSE_ERR_UNREACHABLE ? LFUSE_OK : status; /* no such row */
}

static lfuse_status compress_once(struct lm_run *run, enum baseline_kind kind,
                                  double share, lfuse_error *err)
{
    lfuse_status status = lm_open(run, GPT_TRAINING, &run->net, err);

    if (status == LFUSE_OK)
        status = lm_create_retrainer(run, 1.0, LFUSE_METRIC_EUCLIDEAN,
                                     LFUSE_POLICY_AVERAGE, 0, err);
    if (status == LFUSE_OK)
        status = lm_create_baseline(run, kind, 1.0 / (1.0 - share), err);
    if (status == LFUSE_OK)
        status = print(run, baseline_name(kind), "none", 0, share,
                       (double)baseline_dense_bytes(run->baseline) /
                           (double)baseline_bytes(run->baseline),
                       err);
    forget(run);
    return status == LFUSE_ERR_ARGUMENT ? LFUSE_OK : status; /* masks alone are more */
}

lfuse_status lm_one_shot(struct lm_run *run, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    size_t i, k, s;

    forget(run);
    printf("\nmetric or baseline,policy,alignment,asked,removed,per token,per word\n");
    for (i = 0; i < COUNT(metrics); i++)
        for (k = 0; k < COUNT(policies); k++)
            for (s = 0; s < COUNT(shares) && status == LFUSE_OK; s++)
                status = fuse_once(run, metrics[i], policies[k].policy,
                                   policies[k].aligned, shares[s], err);
    for (i = 0; i < COUNT(baselines); i++)
        for (s = 0; s < COUNT(shares) && status == LFUSE_OK; s++)
            status = compress_once(run, baselines[i], shares[s], err);
    return status;
}
