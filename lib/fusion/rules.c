/* rules.c - what a plan's rules say of layers, by their names */
#include "fusion/planning.h"

bool lfi_rule_matches(const struct lfi_plan_options *options, int64_t rule,
                      const struct lfi_layer *layer)
{
    return lfi_pattern_matches(options->rules[rule].pattern, layer->name);
}

lfuse_status lfi_rules_check(const struct lfi_plan_options *options,
                             const struct lfi_layer *const *layers, int64_t count,
                             lfuse_error *err)
{
    int64_t r, i;

    for (r = 0; r < options->rule_count; r++) {
        for (i = 0; i < count; i++)
            if (lfi_rule_matches(options, r, layers[i]))
                break;
        if (i == count)
            return lfi_fail(err, LFUSE_ERR_NAME, "rules[%lld]: no layer is named %s",
                            (long long)r, options->rules[r].pattern);
    }
    return LFUSE_OK;
}

bool lfi_rules_say(const struct lfi_plan_options *options, lfuse_plan_action action,
                   const struct lfi_layer *layer)
{
    int64_t r;

    for (r = 0; r < options->rule_count; r++)
        if (options->rules[r].action == action &&
            (layer == NULL || lfi_rule_matches(options, r, layer)))
            return true;
    return false;
}

lfuse_status lfi_rules_copy(const struct lfi_env *env, const lfuse_plan_rule *rules,
                            int64_t count, lfuse_plan_rule **copy, lfuse_error *err)
{
    lfuse_status status =
        lfi_alloc_zero(env, (size_t)count, sizeof(**copy), "rules of a plan", copy, err);
    int64_t r;

    for (r = 0; r < count && status == LFUSE_OK; r++) {
        char *pattern;

        status = lfi_string_copy(env, rules[r].pattern, &pattern, err);
        if (status != LFUSE_OK)
            break;
        (*copy)[r] = (lfuse_plan_rule){.pattern = pattern, .action = rules[r].action};
    }
    return status;
}

void lfi_rules_free(const struct lfi_env *env, lfuse_plan_rule *rules, int64_t count)
{
    int64_t r;

    for (r = 0; r < count && rules != NULL; r++)
        lfi_string_free(env, (char *)(uintptr_t)rules[r].pattern);
    lfi_free(env, rules, (size_t)count, sizeof(*rules));
}
