/* names.c - see names.h */
#include "names.h"

#include <stdio.h>
#include <string.h>

#include "error.h"

const char *names_isa(int32_t value)
{
    static const char *const names[] = {"best", "scalar", "avx2", "avx512"};

    return value <= LFUSE_ISA_AVX512 ? names[value] : NULL;
}

const char *names_freeze(int32_t value)
{
    return value == LFUSE_FREEZE_BOTH      ? "both"
           : value == LFUSE_FREEZE_DROPPED ? "dropped"
                                           : NULL;
}

const char *names_combine(int32_t value)
{
    return value == LFUSE_COMBINE_MEAN  ? "mean"
           : value == LFUSE_COMBINE_SUM ? "sum"
                                        : NULL;
}

const char *names_gradients(int32_t value)
{
    return value == LFUSE_GRADIENTS_PER_POSITION  ? "position"
           : value == LFUSE_GRADIENTS_ACCUMULATED ? "accumulated"
                                                  : NULL;
}

const char *names_scope(int32_t value)
{
    return value == LFUSE_SCOPE_GLOBAL     ? "global"
           : value == LFUSE_SCOPE_ADJACENT ? "adjacent"
                                           : NULL;
}

const char *names_linkage(int32_t value)
{
    static const char *const names[] = {"single", "average", "complete", "merged"};

    return value <= LFUSE_LINKAGE_MERGED ? names[value - 1] : NULL;
}

const char *names_unit(int32_t value)
{
    return value == LFUSE_UNIT_LAYER ? "layer" : value == LFUSE_UNIT_ROW ? "row" : NULL;
}

const char *names_schedule(int32_t value)
{
    return value == LFUSE_SCHEDULE_UNIFORM       ? "uniform"
           : value == LFUSE_SCHEDULE_EXPONENTIAL ? "exponential"
                                                 : NULL;
}

const char *names_metric(int32_t value)
{
    lfuse_metric_properties p;

    lfuse_metric_properties_init(&p, sizeof(p));
    return lfuse_metric_info(value, &p, NULL) == LFUSE_OK ? p.name : NULL;
}

const char *names_policy(int32_t value)
{
    const char *name = lfuse_policy_name(value);

    return strcmp(name, "?") == 0 ? NULL : name;
}

lfuse_status names_choose(const char *argument, const char *name,
                          const char *(*name_of)(int32_t), int32_t *value,
                          lfuse_error *err)
{
    char known[192] = "";
    const char *each;

    for (; (each = name_of(*value)) != NULL; ++*value) {
        size_t used = strlen(known);

        if (strcmp(each, "custom") == 0)
            continue;
        if (strcmp(each, name) == 0)
            return LFUSE_OK;
        (void)snprintf(known + used, sizeof(known) - used, "%s%s", used > 0 ? ", " : "",
                       each);
    }
    return example_fail(err, LFUSE_ERR_ARGUMENT, "%s: '%.20s' is none of %s", argument,
                        name, known);
}
