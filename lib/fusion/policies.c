/*
 * policies.c - what a group's buffer is made of, and what trains it
 *
 * O'Neill et al. 2021, sec. 3.2. A policy decides with which weights the group starts;
 * freeze also decides whose gradients it drops; random and js tie only in the end.
 */
#include "fusion/fusion.h"

#include <stdio.h>
#include <string.h>

static const struct lfi_policy policies[] = {
    {.policy = LFUSE_POLICY_AVERAGE, .name = "average", .averages = true},
    {.policy = LFUSE_POLICY_FREEZE, .name = "freeze", .freezes = true},
    {.policy = LFUSE_POLICY_RANDOM,
     .name = "random",
     .averages = true,
     .mixes = true,
     .draws = true},
    {.policy = LFUSE_POLICY_JS, .name = "js", .averages = true, .mixes = true},
    {.policy = LFUSE_POLICY_CUSTOM,
     .name = "custom",
     .averages = true,
     .calls_back = true},
};

enum { POLICIES = sizeof(policies) / sizeof(policies[0]) };

const struct lfi_policy *lfi_policy_find(lfuse_policy policy)
{
    int i;

    for (i = 0; i < POLICIES; i++)
        if (policies[i].policy == policy)
            return &policies[i];
    return NULL;
}

const struct lfi_policy *lfi_policy_by_name(const char *name)
{
    int i;

    for (i = 0; i < POLICIES; i++)
        if (strcmp(policies[i].name, name) == 0)
            return &policies[i];
    return NULL;
}

void lfi_policy_names(char *text, size_t size)
{
    size_t used = 0;
    int i;

    for (i = 0; i < POLICIES && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ", ",
                                 policies[i].name);
}

bool lfi_rule_is_frozen(struct lfi_rule rule)
{
    const struct lfi_policy *policy = lfi_policy_find(rule.policy);

    return policy != NULL && policy->freezes && rule.freeze_gradient == LFUSE_FREEZE_BOTH;
}

bool lfi_rule_drops(struct lfi_rule rule)
{
    const struct lfi_policy *policy = lfi_policy_find(rule.policy);

    return policy != NULL && policy->freezes &&
           rule.freeze_gradient == LFUSE_FREEZE_DROPPED;
}
