/* plan_text.c - see plan_text.h */
#include "plan_text.h"

#include <stdlib.h>

#include "banks.h"
#include "command.h"
#include "text.h"

int lfc_plan_json(const lfuse_plan *plan)
{
    lfuse_error err;
    size_t needed;
    char *text;

    if (lfuse_plan_to_json(plan, NULL, 0, &needed, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s", err.message);
    text = lfc_alloc(needed, 1);
    if (lfuse_plan_to_json(plan, text, needed, &needed, &err) != LFUSE_OK) {
        free(text);
        return lfc_fail(LFC_FAILED, "%s", err.message);
    }
    fputs(text, stdout);
    free(text);
    return lfc_finish_stdout();
}

static void print_group(const lfuse_plan *plan, int64_t group)
{
    const int64_t kept = lfuse_plan_group_kept(plan, group);
    int64_t i;

    printf("  ");
    lfc_put_text(stdout, lfuse_plan_layer_name(plan, kept));
    printf(" <-");
    for (i = 0; i < lfuse_plan_group_size(plan, group); i++) {
        const int64_t member = lfuse_plan_group_member(plan, group, i);

        if (member == kept)
            continue;
        putchar(' ');
        lfc_put_text(stdout, lfuse_plan_layer_name(plan, member));
    }
    putchar('\n');
}

/* How many rows of a tensor are other rows, of it or of another. */
static void print_rows(const lfuse_plan *plan, int64_t layer, int32_t weight)
{
    lfuse_planned_weight w;
    const int64_t shown = lfc_rows_shown(plan, layer, weight);
    lfuse_error err;

    lfuse_planned_weight_init(&w, sizeof(w));
    if (shown == 0 || lfuse_plan_weight(plan, layer, weight, &w, &err) != LFUSE_OK)
        return;
    printf("  ");
    lfc_put_text(stdout, lfuse_plan_layer_name(plan, layer));
    if (lfuse_plan_weight_count(plan, layer) > 1) {
        putchar(' ');
        lfc_put_text(stdout, w.name);
    }
    printf(": %lld of its %lld rows show another's values\n", (long long)shown,
           (long long)w.dims[w.output_axis]);
}

static void print_all_rows(const lfuse_plan *plan)
{
    int64_t i;
    int32_t k;

    printf("\n");
    for (i = 0; i < lfuse_plan_layer_count(plan); i++)
        for (k = 0; k < lfuse_plan_weight_count(plan, i); k++)
            print_rows(plan, i, k);
}

int lfc_plan_text(const lfuse_plan *plan, const char *metric, const char *policy,
                  int is_of_rows)
{
    char a[LFC_NUMBER_BYTES], b[LFC_NUMBER_BYTES];
    lfuse_account account;
    lfuse_error err;
    int64_t i;

    lfuse_account_init(&account, sizeof(account));
    if (lfuse_plan_account(plan, &account, &err) != LFUSE_OK)
        return lfc_fail(LFC_FAILED, "%s", err.message);
    printf("%s, %s: %lld fusions, ratio %.3f: of %s weights that could be shared %s are "
           "left\n",
           metric, policy, (long long)lfuse_plan_fusion_count(plan), account.ratio,
           lfc_count(a, account.candidates_logical),
           lfc_count(b, account.candidates_unique));
    if (lfuse_plan_group_count(plan) > 0)
        printf("\n");
    for (i = 0; i < lfuse_plan_group_count(plan); i++)
        print_group(plan, i);
    if (is_of_rows && lfuse_plan_fusion_count(plan) > 0)
        print_all_rows(plan);
    if (lfuse_plan_permutation_count(plan) > 0)
        printf("\nin another order: the units of %lld hidden space%s\n",
               (long long)lfuse_plan_permutation_count(plan),
               lfuse_plan_permutation_count(plan) == 1 ? "" : "s");
    return lfc_finish_stdout();
}
