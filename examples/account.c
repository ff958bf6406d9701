/* account.c - see account.h */
#include "account.h"

#include <stdio.h>

#include <sys/stat.h>

long long account_file_bytes(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 ? (long long)info.st_size : -1;
}

lfuse_status account_print(const lfuse_ties *ties, const char *from, const char *to,
                           lfuse_error *err)
{
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
    printf("file:                     %lld -> %lld bytes\n", account_file_bytes(from),
           account_file_bytes(to));
    return LFUSE_OK;
}

void account_print_groups(const lfuse_plan *plan)
{
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
