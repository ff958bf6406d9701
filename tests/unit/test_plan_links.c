/* test_plan_links.c - see plan.h: linkages, scopes, and how far a plan goes */
#include "lft_plan.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { LAYERS = 11, TYPE_A = 7 }; /* the rest is of type B */

/* ---- a reference ------------------------------------------------------------------------- */

/* What layers score, and where they are. A layer's weight is [its index, 0]. */
struct world {
    double score[LAYERS][LAYERS];
    int32_t position[LAYERS];
    uint32_t flags; /* of the metric custom */
    lfuse_scope scope;
    lfuse_linkage linkage;
    int32_t max_group;
    int32_t owner[LAYERS]; /* the first member of a layer's group */
};

/* Single layers are looked up; means, which are no whole numbers, are compared as they are. */
static double distance(const struct world *w, float a, float b)
{
    if (w->linkage == LFUSE_LINKAGE_MERGED)
        return fabs((double)a - (double)b) + ((w->flags & 4) == 0 && a < b ? 0.5 : 0.0);
    return w->score[(int)a][(int)b];
}

static int32_t metric(void *user, const lfuse_matrix_view *a, const lfuse_matrix_view *b,
                      double *out)
{
    *out = distance(user, *(const float *)a->data, *(const float *)b->data);
    return 0;
}

/* Scores of few values, so that many are equal, and sums are exact. */
static void make_world(struct world *w, uint64_t seed)
{
    int i, k;

    memset(w, 0, sizeof(*w));
    w->flags = (uint32_t)(seed % 4) * 2;
    for (i = 0; i < LAYERS; i++)
        for (k = 0; k < LAYERS; k++)
            w->score[i][k] = (w->flags & 4) != 0 && i > k
                                 ? w->score[k][i]
                                 : floor(8.0 * lft_value(seed, i * LAYERS + k));
    for (i = 0; i < LAYERS; i++) {
        w->position[i] = i;
        k = (int)((lft_value(seed + 1000, i) + 1.0) / 2.0 * (i + 1));
        w->position[i] = w->position[k];
        w->position[k] = i;
    }
}

static int same_type(int i, int k)
{
    return (i < TYPE_A) == (k < TYPE_A);
}

/* Whether no third of their type stands between two layers. */
static int in_scope(const struct world *w, int i, int k)
{
    const int32_t p = w->position[i], q = w->position[k];
    int m;

    for (m = 0; m < LAYERS && w->scope == LFUSE_SCOPE_ADJACENT; m++)
        if (same_type(m, i) && (w->position[m] - p) * (int64_t)(w->position[m] - q) < 0)
            return 0;
    return 1;
}

static double pair_score(const struct world *w, float a, float b)
{
    return 0.5 * distance(w, a, b) + 0.5 * distance(w, b, a);
}

static double sign(const struct world *w)
{
    return (w->flags & 2) != 0 ? -1.0 : 1.0;
}

static float mean(const struct world *w, int group)
{
    double sum = 0.0;
    int n = 0, i;

    for (i = 0; i < LAYERS; i++)
        if (w->owner[i] == group) {
            sum += i;
            n++;
        }
    return (float)(sum / n);
}

static int size(const struct world *w, int group)
{
    int n = 0, i;

    for (i = 0; i < LAYERS; i++)
        n += w->owner[i] == group;
    return n;
}

struct link {
    int a; /* the most alike pair; -1: none */
    int b;
    double pair; /* its cost */
    double cost; /* of the groups */
};

/* By the definition of the linkage, from nothing but the members. */
static struct link link_of(const struct world *w, int g, int h)
{
    struct link l = {-1, -1, INFINITY, INFINITY};
    double sum = 0.0, worst = -INFINITY;
    int n = 0, i, k;

    for (i = 0; i < LAYERS; i++)
        for (k = i + 1; k < LAYERS; k++) {
            double cost;

            if ((w->owner[i] != g || w->owner[k] != h) &&
                (w->owner[i] != h || w->owner[k] != g))
                continue;
            cost = sign(w) * pair_score(w, (float)i, (float)k);
            n++;
            sum += cost;
            worst = fmax(worst, cost);
            if (in_scope(w, i, k) && cost < l.pair)
                l = (struct link){i, k, cost, cost};
        }
    if (w->linkage == LFUSE_LINKAGE_AVERAGE)
        l.cost = sum / n;
    if (w->linkage == LFUSE_LINKAGE_COMPLETE)
        l.cost = worst;
    if (w->linkage == LFUSE_LINKAGE_MERGED)
        l.cost = sign(w) * pair_score(w, mean(w, g), mean(w, h));
    return l;
}

/* The next to join, of all pairs of groups; a < 0: there is none. */
static struct link next_link(const struct world *w)
{
    struct link best = {-1, -1, INFINITY, INFINITY};
    int g, h;

    for (g = 0; g < LAYERS; g++)
        for (h = g + 1; h < LAYERS; h++) {
            struct link l;

            if (w->owner[g] != g || w->owner[h] != h || !same_type(g, h) ||
                size(w, g) + size(w, h) > w->max_group)
                continue;
            l = link_of(w, g, h);
            if (l.a >= 0 && (best.a < 0 || l.cost < best.cost ||
                             (l.cost == best.cost &&
                              (l.a < best.a || (l.a == best.a && l.b < best.b)))))
                best = l;
        }
    return best;
}

static void join(struct world *w, int g, int h)
{
    int i;

    for (i = 0; i < LAYERS; i++)
        if (w->owner[i] == g || w->owner[i] == h)
            w->owner[i] = g < h ? g : h;
}

static void make_layers(struct lft *t, const struct world *w)
{
    static const char *const names[LAYERS] = {"a", "b", "c", "d", "e", "f",
                                              "g", "h", "i", "j", "k"};
    int i;

    for (i = 0; i < LAYERS; i++)
        lft_plan_at(t, names[i], i < TYPE_A ? "A" : "B", w->position[i], (float)i);
}

static void forget_layers(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* Every fusion there is, one after the other. */
static void compare(struct lft *t, struct world *w)
{
    lfuse_similarity_options so = {.struct_size = sizeof(so),
                                   .metric = LFUSE_METRIC_CUSTOM,
                                   .flags = w->flags,
                                   .custom = metric,
                                   .custom_user = w};
    lfuse_plan_options o = lft_plan_best(100);
    lfuse_plan *plan;
    int64_t i;

    o.similarity = &so;
    o.scope = w->scope;
    o.linkage = w->linkage;
    o.max_group = w->max_group;
    plan = lft_plan_build(t, o);
    for (i = 0; i < LAYERS; i++)
        w->owner[i] = (int32_t)i;
    for (i = 0; i < lfuse_plan_fusion_count(plan); i++) {
        const lfuse_fusion f = lft_plan_fusion(t, plan, i);
        const struct link l = next_link(w);

        assert_int_equal(f.a, l.a);
        assert_int_equal(f.b, l.b);
        assert_true(f.score == sign(w) * l.cost);
        join(w, w->owner[l.a], w->owner[l.b]);
    }
    assert_int_equal(next_link(w).a, -1);
    lfuse_plan_destroy(plan);
}

/* Scores are whole numbers and halves, so sums are exact in any order. */
static void groups_join_as_the_definition_of_the_linkage_says(void **state)
{
    struct lft *t = *state;
    struct world w;
    uint64_t seed;

    for (seed = 0; seed < 60; seed++) {
        make_world(&w, seed);
        make_layers(t, &w);
        w.max_group = seed % 3 == 0 ? LAYERS : 1 + (int32_t)(seed % 5);
        for (w.scope = LFUSE_SCOPE_GLOBAL; w.scope <= LFUSE_SCOPE_ADJACENT; w.scope++)
            for (w.linkage = 1; w.linkage <= LFUSE_LINKAGE_MERGED; w.linkage++)
                compare(t, &w);
        forget_layers(t);
    }
}

/* Work is cut by shape: the same scores to the bit, so the same plan. */
static void no_linkage_depends_on_the_number_of_threads(void **state)
{
    static const char *const names[] = {"l0", "l1", "l2", "l3", "l4", "l5", "l6"};
    static const lfuse_metric metrics[] = {LFUSE_METRIC_EUCLIDEAN,
                                           LFUSE_METRIC_LINEAR_CKA, LFUSE_METRIC_KL};
    struct lft *t = *state;
    const lfuse_layer *const *layers = (const lfuse_layer *const *)t->layers;
    lfuse_plan_options o = lft_plan_best(100);
    int i, m, threads;

    for (i = 0; i < 7; i++)
        lft_layer(t, names[i], i < 5 ? "A" : "B", i,
                  lft_tensor(t, LFUSE_BF16, (uint64_t)i, 37, 19, 0), NULL, NULL);
    for (m = 0; m < 3; m++)
        for (o.linkage = 1; o.linkage <= LFUSE_LINKAGE_MERGED; o.linkage++) {
            lfuse_plan *expected;

            o.metric = metrics[m];
            expected = lft_plan_build(t, o);
            assert_int_equal(lfuse_plan_fusion_count(expected), 5);
            for (threads = 1; threads <= 3; threads++) {
                lfuse_context *ctx = lft_context(t, threads, LFUSE_ISA_BEST);
                lfuse_plan *plan;

                lft_ok(t, lfuse_plan_build(ctx, layers, 7, &o, &plan, &t->err));
                assert_int_equal(lfuse_plan_fusion_count(plan), 5);
                for (i = 0; i < 5; i++) {
                    const lfuse_fusion f = lft_plan_fusion(t, expected, i),
                                       g = lft_plan_fusion(t, plan, i);

                    assert_memory_equal(&f, &g, sizeof(f));
                }
                lfuse_plan_destroy(plan);
                lfuse_context_destroy(ctx);
            }
            lfuse_plan_destroy(expected);
        }
}

static lfuse_status build_and_destroy(struct lft *t, void *arg)
{
    lfuse_plan *plan;
    lfuse_status status = lft_plan_try(t, arg, &plan);

    lfuse_plan_destroy(plan);
    return status;
}

/* ---- scopes and linkages by hand ------------------------------------------------------------ */

/* 0, 10, 11, 20, 23 at positions 0 .. 4: neighbours are 10, 1, 9, 3 apart. */
static void adjacent_joins_neighbours_and_groups_grow_along_the_chain(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(100);
    lfuse_plan *plan;

    lft_plan_five(t);
    lft_plan_at(t, "b0", "B", 5, 0.0f);
    lft_plan_at(t, "a5", "A", 6, 0.5f); /* near l0, far from l4: 22.5 */
    o.scope = LFUSE_SCOPE_ADJACENT;
    o.max_group = 4;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 3);
    lft_plan_check(t, plan, 0, 1, 2, 1, 1.0);
    lft_plan_check(t, plan, 1, 3, 4, 4, 3.0);
    lft_plan_check(t, plan, 2, 2, 3, 1, 9.0);
    lfuse_plan_destroy(plan);
    o.max_group = 5; /* b0, between l4 and a5, is of another type */
    o.top_k = 4;
    plan = lft_plan_build(t, o);
    lft_plan_check(t, plan, 3, 0, 1, 0, 10.0);
    lfuse_plan_destroy(plan);
    o.max_group = 0;
    o.top_k = 5;
    plan = lft_plan_build(t, o);
    lft_plan_check(t, plan, 4, 4, 6, 0, 22.5);
    lfuse_plan_destroy(plan);
}

/* l1 and l2 are tied: 10.5 each. Their group is 10.5 from l0 and 9.5 from l3 by any linkage. */
static void layers_tied_before_are_one_for_every_linkage(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan;
    lfuse_ties *ties;

    lft_plan_five(t);
    lft_ok(t, lfuse_ties_create(t->ctx, t->layers, t->layer_count, NULL, &ties, &t->err));
    plan = lft_plan_build(t, o);
    lft_ok(t, lfuse_ties_apply(ties, plan, &t->err));
    lfuse_plan_destroy(plan);
    o.in_force = ties;
    o.top_k = 2;
    for (o.linkage = 1; o.linkage <= LFUSE_LINKAGE_MERGED; o.linkage++) {
        plan = lft_plan_build(t, o);
        assert_int_equal(lfuse_plan_fusion_count(plan), 2);
        lft_plan_check(t, plan, 0, 3, 4, 4, 3.0);
        if (o.linkage == LFUSE_LINKAGE_SINGLE)
            lft_plan_check(t, plan, 1, 1, 3, 4, 9.5);
        else
            lft_plan_check(t, plan, 1, 0, 1, 0, 10.5);
        lfuse_plan_destroy(plan);
    }
    lfuse_ties_destroy(ties);
}

/* The mean of a group of f64 weights is f64: 1 and 1 + 2^-40 have one that f32 has not. */
static void means_of_f64_weights_are_f64(void **state)
{
    struct lft *t = *state;
    const double x[3] = {1.0, 1.0 + 0x1p-40, 1.0 + 0x1p-30};
    lfuse_plan_options o = lft_plan_best(2);
    lfuse_plan *plan;
    int i;

    for (i = 0; i < 3; i++) {
        static const char *const names[] = {"l0", "l1", "l2"};
        lfuse_tensor *weight = lft_tensor(t, LFUSE_F64, 0, 1, 0);

        *(double *)lfuse_tensor_data(weight) = x[i];
        lft_layer(t, names[i], "A", i, weight, NULL, NULL);
    }
    o.linkage = LFUSE_LINKAGE_MERGED;
    plan = lft_plan_build(t, o);
    assert_true(lft_plan_fusion(t, plan, 1).score == 0x1p-30 - 0x1p-41);
    lfuse_plan_destroy(plan);
}

/* 0 and 1 join. To 3 their mean is 0.5, by importance 0.25, by norm 1. */
static void means_count_members_as_the_policy_does(void **state)
{
    static const double importance[3] = {3.0, 1.0, 0.0}, none[3] = {0.0, 0.0, 5.0};
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(2);
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 0.0f);
    lft_plan_at(t, "l1", "A", 1, 1.0f);
    lft_plan_at(t, "l2", "A", 2, 3.0f);
    o.linkage = LFUSE_LINKAGE_MERGED;
    plan = lft_plan_build(t, o);
    assert_true(lft_plan_fusion(t, plan, 1).score == 2.5);
    lfuse_plan_destroy(plan);
    o.weighting = LFUSE_WEIGHTING_IMPORTANCE;
    o.importance = importance;
    plan = lft_plan_build(t, o);
    assert_true(lft_plan_fusion(t, plan, 1).score == 2.75);
    lfuse_plan_destroy(plan);
    o.importance = none; /* alike, then */
    plan = lft_plan_build(t, o);
    assert_true(lft_plan_fusion(t, plan, 1).score == 2.5);
    lfuse_plan_destroy(plan);
    o.weighting = LFUSE_WEIGHTING_NORM;
    o.importance = NULL;
    plan = lft_plan_build(t, o); /* (0 0 + 1 1) / 1 */
    assert_true(lft_plan_fusion(t, plan, 1).score == 2.0);
    lfuse_plan_destroy(plan);
    lft_every_allocation_fails(t, build_and_destroy, &o);
}

/* Three weights a layer, one of them turned: the mean is of the same elements. */
static void means_are_those_of_every_weight_in_its_own_order(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(2);
    lfuse_plan *plan;
    int i, e;

    for (i = 0; i < 3; i++) {
        static const char *const names[] = {"l0", "l1", "l2"};
        lfuse_tensor *turned = lft_tensor(t, LFUSE_BF16, 1, 2, 3, 0),
                     *wide = lft_tensor(t, LFUSE_F32, 1, 700, 0);

        for (e = 0; e < 6; e++)
            ((uint16_t *)lfuse_tensor_data(turned))[e] =
                (uint16_t)(0x3f80 + (i == 1 && e == 4) * 1 + (i == 2) * 8);
        for (e = 0; e < 700; e++)
            ((float *)lfuse_tensor_data(wide))[e] = (float)(e * (i == 2 ? 3 : 1));
        lft_plan_at(t, names[i], "A", i, (float)i);
        lft_plan_add(t, t->layers[i], "turned", 0, 1, turned);
        lft_plan_add(t, t->layers[i], "wide", 0, 0, wide);
    }
    o.linkage = LFUSE_LINKAGE_MERGED;
    o.metric = LFUSE_METRIC_EUCLIDEAN;
    plan = lft_plan_build(t, o);
    assert_int_equal(lft_plan_fusion(t, plan, 0).b, 1);
    {
        /* l2 from the mean: 1.5; five elements 2^-4 off and one 2^-4 - 2^-8; 2 e for e < 700. */
        const double turned = sqrt(5 * 0x1p-8 + (0x1p-4 - 0x1p-8) * (0x1p-4 - 0x1p-8)),
                     wide = 2.0 * sqrt(699.0 * 700.0 * 1399.0 / 6.0),
                     want = (1.5 + turned + wide) / 3.0;

        /* 130 u of a sum of f32 products, half of it after the root; similarity.h. */
        assert_true(fabs(lft_plan_fusion(t, plan, 1).score - want) <=
                    65 * 0x1p-24 * want);
    }
    lfuse_plan_destroy(plan);
}

/* ---- how far ------------------------------------------------------------------------------- */

/* Five weights of 8 bytes, and a bias of 12 in each. */
static void a_budget_of_bytes_ends_the_plan(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_ratio(0.0);
    lfuse_plan *plan;
    int i;

    lft_plan_five(t);
    for (i = 0; i < 5; i++)
        lft_plan_add(t, t->layers[i], "bias", LFUSE_ROLE_BIAS, 0,
                     lft_tensor(t, LFUSE_F32, (uint64_t)i, 3, 0));
    o.max_unique_bytes = 24;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    assert_int_equal(lft_plan_account(t, plan).candidates_unique_bytes, 24);
    assert_int_equal(lft_plan_account(t, plan).all_unique_bytes, 24 + 60);
    lfuse_plan_destroy(plan);
    o.max_unique_bytes = 23;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 3);
    lfuse_plan_destroy(plan);
    o.max_unique_bytes = 7;
    lft_plan_fails(t, o, LFUSE_ERR_UNREACHABLE,
                   "max_unique_bytes 7 of the candidates is out of reach: joining the "
                   "most alike first reaches 8");
    o.base = LFUSE_BASE_ALL;
    o.max_unique_bytes = 67;
    lft_plan_fails(t, o, LFUSE_ERR_UNREACHABLE,
                   "max_unique_bytes 67 of all parameters is out of reach: joining the "
                   "most alike first reaches 68");
    o.max_unique_bytes = 68;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 4);
    lfuse_plan_destroy(plan);
    o.ratio = 25.0 / 23.0; /* comes first */
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    lfuse_plan_destroy(plan);
}

/* Distances 1, 3, 9, 10. */
static void a_threshold_keeps_the_less_alike_apart(void **state)
{
    struct lft *t = *state;
    const struct {
        double threshold;
        int64_t fusions;
    } cases[] = {{-1.0, 0}, {0.0, 0}, {1.0, 1}, {2.5, 1}, {9.0, 3}, {100.0, 4}};
    lfuse_plan_options o = lft_plan_ratio(0.0);
    lfuse_plan *plan;
    size_t i;

    lft_plan_five(t);
    o.flags = LFUSE_PLAN_FLAG_THRESHOLD;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        o.threshold = cases[i].threshold;
        plan = lft_plan_build(t, o);
        assert_int_equal(lfuse_plan_fusion_count(plan), cases[i].fusions);
        lfuse_plan_destroy(plan);
    }
    o.ratio = 5.0; /* the threshold comes first: what is left is not alike enough */
    o.threshold = 3.0;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lfuse_plan_destroy(plan);
    o.threshold = 100.0; /* what is left is too large */
    o.max_group = 2;
    lft_plan_fails(t, o, LFUSE_ERR_UNREACHABLE, "ratio 5 of the candidates");
}

/* |cos| of [x, 0] and [y, 0] is 1 or -1 by their signs. */
static void a_threshold_of_a_similarity_is_a_least_value(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_ratio(0.0);
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 1.0f);
    lft_plan_at(t, "l1", "A", 1, -1.0f);
    lft_plan_at(t, "l2", "A", 2, 2.0f);
    o.metric = LFUSE_METRIC_COSINE;
    o.flags = LFUSE_PLAN_FLAG_THRESHOLD;
    o.threshold = 0.5;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 1);
    assert_int_equal(lft_plan_fusion(t, plan, 0).b, 2);
    lfuse_plan_destroy(plan);
    o.threshold = -1.5;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_fusion_count(plan), 2);
    lfuse_plan_destroy(plan);
}

/* ---- which is kept -------------------------------------------------------------------------- */

/* What the first layer of a pair is to the second: x of the first, so that of 0 to 1 is 0. */
static int32_t own(void *user, const lfuse_matrix_view *a, const lfuse_matrix_view *b,
                   double *out)
{
    (void)user;
    (void)b;
    *out = *(const float *)a->data;
    return 0;
}

/*
 * Of a distance, x to y is less where x is: then y stands for x and is kept. The last group has
 * the layer of the greatest x. Of a similarity x to y is greater where x is.
 */
static void by_direction_keeps_the_one_that_stands_for_the_other(void **state)
{
    struct lft *t = *state;
    lfuse_similarity_options so = {
        .struct_size = sizeof(so), .metric = LFUSE_METRIC_CUSTOM, .custom = own};
    lfuse_plan_options o = lft_plan_best(3);
    lfuse_plan *plan;

    lft_plan_at(t, "l0", "A", 0, 1.0f);
    lft_plan_at(t, "l1", "A", 1, 3.0f);
    lft_plan_at(t, "l2", "A", 2, 2.0f);
    lft_plan_at(t, "l3", "A", 3, 2.0f);
    o.similarity = &so;
    o.keep = LFUSE_KEEP_BY_DIRECTION;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_group_kept(plan, 0), 1);
    lfuse_plan_destroy(plan);
    so.flags = LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_group_kept(plan, 0), 0);
    lfuse_plan_destroy(plan);
    so.flags = 0;
    o.max_group = 2;
    plan = lft_plan_build(t, o); /* l0 and l2; then l1 and l3 */
    assert_int_equal(lfuse_plan_group_kept(plan, 0), 2);
    assert_int_equal(lfuse_plan_group_kept(plan, 1), 1);
    lfuse_plan_destroy(plan);
}

/* Rows of l1 are twice those of l0. By kl, the wider Gaussian covers the narrow one. */
static void by_direction_of_kl_keeps_the_wider(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(1);
    lfuse_plan *plan;
    int i;

    for (i = 0; i < 2; i++) {
        static const char *const names[] = {"l0", "l1"};
        lfuse_tensor *weight = lft_tensor(t, LFUSE_F32, 5, 12, 3, 0);
        int e;

        for (e = 0; e < 36; e++)
            ((float *)lfuse_tensor_data(weight))[e] *= (float)(1 + i);
        lft_layer(t, names[i], "A", i, weight, NULL, NULL);
    }
    o.metric = LFUSE_METRIC_KL;
    o.keep = LFUSE_KEEP_BY_DIRECTION;
    plan = lft_plan_build(t, o);
    assert_int_equal(lfuse_plan_group_kept(plan, 0), 1);
    lfuse_plan_destroy(plan);
    o.metric = LFUSE_METRIC_JS;
    lft_plan_fails(t, o, LFUSE_ERR_ARGUMENT,
                   "options.keep is by direction, but js is symmetric");
}

/* ---- failures ------------------------------------------------------------------------------- */

/* 1 and -1 join first, 2 being the metric's threshold of nothing: their mean is all zero. */
static void a_mean_that_the_metric_cannot_compare_is_named(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_best(3);

    lft_plan_at(t, "l0", "A", 0, 1.0f);
    lft_plan_at(t, "l1", "A", 1, -1.0f);
    lft_plan_at(t, "l2", "A", 2, 5.0f);
    o.metric = LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT;
    o.linkage = LFUSE_LINKAGE_MERGED;
    lft_plan_fails(t, o, LFUSE_ERR_DEGENERATE, "l0 (the mean of its group)");
}

struct watch {
    int64_t last;
    int calls;
    int stop_at; /* a call; -1: none */
};

static int32_t watch(const char *what, int64_t done, int64_t total, void *user)
{
    struct watch *w = user;

    if (strcmp(what, "merging") != 0)
        return 0;
    assert_int_equal(total, 4);
    assert_true(done >= w->last && done <= total);
    w->last = done;
    return w->calls++ == w->stop_at ? 7 : 0;
}

/* After fusion 1 three groups, after 2 two, after 3 one, as 23 and 20 are one by then. */
static void merging_tells_its_progress_and_can_be_stopped(void **state)
{
    struct lft *t = *state;
    struct watch w = {.stop_at = -1};
    lfuse_plan_options o = lft_plan_ratio(5.0);
    lfuse_context_options co;
    lfuse_context *ctx;
    lfuse_plan *plan;
    int k, calls;

    lft_plan_five(t);
    o.linkage = LFUSE_LINKAGE_MERGED;
    lfuse_context_options_init(&co, sizeof(co));
    co.allocator = lft_allocator(&t->memory);
    co.progress = watch;
    co.progress_user = &w;
    lft_ok(t, lfuse_context_create(&co, &ctx, &t->err));
    lft_ok(t, lfuse_plan_build(ctx, (const lfuse_layer *const *)t->layers, 5, &o, &plan,
                               &t->err));
    lfuse_plan_destroy(plan);
    assert_int_equal(w.last, 3);
    assert_int_equal(w.calls, 3 + 2 + 1);
    calls = w.calls;
    for (k = 0; k < calls; k++) {
        w = (struct watch){.stop_at = k};
        plan = (lfuse_plan *)t;
        lft_fails(t,
                  lfuse_plan_build(ctx, (const lfuse_layer *const *)t->layers, 5, &o,
                                   &plan, &t->err),
                  LFUSE_ERR_CANCELLED, "merging");
        assert_int_equal(t->err.detail, 7);
        assert_null(plan);
    }
    lfuse_context_destroy(ctx);
}

static void every_refused_allocation_is_an_error(void **state)
{
    struct lft *t = *state;
    lfuse_plan_options o = lft_plan_ratio(5.0);

    lft_plan_five(t);
    lft_plan_at(t, "b0", "B", 5, 0.0f);
    o.linkage = LFUSE_LINKAGE_MERGED;
    lft_every_allocation_fails(t, build_and_destroy, &o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(groups_join_as_the_definition_of_the_linkage_says),
        lft_test(no_linkage_depends_on_the_number_of_threads),
        lft_test(adjacent_joins_neighbours_and_groups_grow_along_the_chain),
        lft_test(layers_tied_before_are_one_for_every_linkage),
        lft_test(means_of_f64_weights_are_f64),
        lft_test(means_count_members_as_the_policy_does),
        lft_test(means_are_those_of_every_weight_in_its_own_order),
        lft_test(a_budget_of_bytes_ends_the_plan),
        lft_test(a_threshold_keeps_the_less_alike_apart),
        lft_test(a_threshold_of_a_similarity_is_a_least_value),
        lft_test(by_direction_keeps_the_one_that_stands_for_the_other),
        lft_test(by_direction_of_kl_keeps_the_wider),
        lft_test(a_mean_that_the_metric_cannot_compare_is_named),
        lft_test(merging_tells_its_progress_and_can_be_stopped),
        lft_test(every_refused_allocation_is_an_error),
    };

    return cmocka_run_group_tests_name("plan_links", tests, NULL, NULL);
}
