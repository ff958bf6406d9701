/* skips.c - the layers that a plan left out, and why */
#include "fusion/planning.h"

lfuse_status lfi_plan_skip(const struct lfi_env *env, struct lfi_plan *plan,
                           int64_t layer, const char *reason, lfuse_error *err)
{
    char *text;
    lfuse_status status = LFUSE_OK;
    int64_t at;

    if (plan->skips == NULL)
        status = lfi_alloc(env, (size_t)plan->layer_count, sizeof(*plan->skips), "a plan",
                           &plan->skips, err);
    if (status == LFUSE_OK)
        status = lfi_string_copy(env, reason, &text, err);
    if (status != LFUSE_OK)
        return status;
    for (at = plan->skip_count++; at > 0 && plan->skips[at - 1].layer > layer; at--)
        plan->skips[at] = plan->skips[at - 1];
    plan->skips[at] = (struct lfi_skip){layer, text};
    return LFUSE_OK;
}

void lfi_plan_forget_skips(const struct lfi_env *env, struct lfi_plan *plan)
{
    int64_t i;

    for (i = 0; i < plan->skip_count; i++)
        lfi_string_free(env, plan->skips[i].reason);
    lfi_free(env, plan->skips, (size_t)plan->layer_count, sizeof(*plan->skips));
}
