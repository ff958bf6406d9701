/* lft_plan_file.c - see lft_plan_file.h */
#include "lft_plan_file.h"

#include <stdlib.h>
#include <string.h>

#include "lft_plan.h"

char *lft_plan_text(struct lft *t, const lfuse_plan *plan)
{
    size_t needed = 0, again = 0;
    char *text;

    lft_ok(t, lfuse_plan_to_json(plan, NULL, 0, &needed, &t->err));
    text = malloc(needed);
    assert_non_null(text);
    lft_ok(t, lfuse_plan_to_json(plan, text, needed, &again, &t->err));
    assert_int_equal(again, needed);
    assert_int_equal(strlen(text), needed - 1);
    return text;
}

lfuse_plan *lft_plan_read(struct lft *t, const char *text)
{
    lfuse_plan *plan;

    lft_ok(t, lfuse_plan_from_json(t->ctx, text, strlen(text), NULL, &plan, &t->err));
    return plan;
}

lfuse_plan *lft_plan_read_for(struct lft *t, const char *text)
{
    lfuse_plan_load_options o;
    lfuse_plan *plan;

    lfuse_plan_load_options_init(&o, sizeof(o));
    o.layers = (const lfuse_layer *const *)t->layers;
    o.count = t->layer_count;
    lft_ok(t, lfuse_plan_from_json(t->ctx, text, strlen(text), &o, &plan, &t->err));
    return plan;
}

void lft_plan_check_same(struct lft *t, const lfuse_plan *a, const lfuse_plan *b)
{
    lfuse_account x = lft_plan_account(t, a), y = lft_plan_account(t, b);
    int64_t i, k;

    assert_memory_equal(&x, &y, sizeof(x));
    assert_int_equal(lfuse_plan_layer_count(a), lfuse_plan_layer_count(b));
    for (i = 0; i < lfuse_plan_layer_count(a); i++)
        assert_string_equal(lfuse_plan_layer_name(a, i), lfuse_plan_layer_name(b, i));
    assert_int_equal(lfuse_plan_fusion_count(a), lfuse_plan_fusion_count(b));
    for (i = 0; i < lfuse_plan_fusion_count(a); i++) {
        lfuse_fusion f = lft_plan_fusion(t, a, i), g = lft_plan_fusion(t, b, i);

        assert_memory_equal(&f, &g, sizeof(f));
    }
    assert_int_equal(lfuse_plan_group_count(a), lfuse_plan_group_count(b));
    for (i = 0; i < lfuse_plan_group_count(a); i++) {
        assert_int_equal(lfuse_plan_group_kept(a, i), lfuse_plan_group_kept(b, i));
        assert_int_equal(lfuse_plan_group_size(a, i), lfuse_plan_group_size(b, i));
        for (k = 0; k < lfuse_plan_group_size(a, i); k++)
            assert_int_equal(lfuse_plan_group_member(a, i, k),
                             lfuse_plan_group_member(b, i, k));
    }
}
