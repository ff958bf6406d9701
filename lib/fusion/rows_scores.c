/*
 * rows_scores.c - every two rows of one weight of one param type, and how alike they are
 *
 * Rows of all layers of the type in one pass: to similarity each is a matrix of one row. Scores
 * are kept once for each two, beside what joining makes of them.
 */
#include "fusion/planning.h"

#include <math.h>
#include <stdio.h>

/* CELL: bytes for each two rows, both ways, while they are measured: the costs, and what
 * similarity takes. */
enum { NAME = 160, CELL = 48 };

static const struct lfi_parameter *parameter_of(const struct lfi_layer *const *layers,
                                                struct lfi_row row)
{
    return lfi_layer_weight(layers[row.layer], row.weight);
}

/* ---- the question ------------------------------------------------------------------------ */

struct question {
    struct lfi_view *views;
    char (*names)[NAME];
    struct lfi_similarity_item *items;
};

static void question_free(const struct lfi_env *env, const struct lfi_row_kin *kin,
                          struct question *q)
{
    const size_t n = (size_t)kin->count;

    lfi_free(env, q->items, n, sizeof(*q->items));
    lfi_free(env, q->names, n, sizeof(*q->names));
    lfi_free(env, q->views, n, sizeof(*q->views));
}

static lfuse_status question_create(const struct lfi_env *env,
                                    const struct lfi_layer *const *layers,
                                    const struct lfi_rows *rows,
                                    const struct lfi_row_kin *kin, struct question *q,
                                    lfuse_error *err)
{
    const size_t n = (size_t)kin->count;
    lfuse_status status;
    int64_t i;

    *q = (struct question){0};
    status = lfi_alloc(env, n, sizeof(*q->views), "rows", &q->views, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*q->names), "names of rows", &q->names, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*q->items), "rows", &q->items, err);
    for (i = 0; i < kin->count && status == LFUSE_OK; i++) {
        const struct lfi_row row = lfi_rows_find(rows, kin->rows[i]);
        const struct lfi_parameter *p = parameter_of(layers, row);

        q->views[i] = lfi_row_view(p->value, p->output_axis, row.index);
        (void)snprintf(q->names[i], NAME, "row %lld of %.40s of layer %.80s",
                       (long long)row.index, p->name, layers[row.layer]->name);
        q->items[i] = (struct lfi_similarity_item){
            .name = q->names[i], .weights = &q->views[i], .count = 1};
    }
    return status;
}

/* ---- costs ---------------------------------------------------------------------------------- */

static bool is_in_scope(const struct lfi_plan *plan, const struct lfi_choice *choice,
                        int64_t x, int64_t y)
{
    const int64_t steps = choice->rank[lfi_rows_find(&plan->rows, x).layer] -
                          choice->rank[lfi_rows_find(&plan->rows, y).layer];

    return plan->options.scope == LFUSE_SCOPE_GLOBAL || (steps >= -1 && steps <= 1);
}

/* Scores become costs, the same at (x, y) and at (y, x). */
static void set_costs(const struct lfi_plan *plan, const struct lfi_choice *choice,
                      struct lfi_row_kin *kin)
{
    const struct lfi_metric *metric = lfi_metric_of(&plan->options.similarity);
    const int64_t n = kin->count;
    int64_t x, y;

    for (x = 0; x < n; x++)
        for (y = x + 1; y < n; y++) {
            const double there = kin->costs[x * n + y], back = kin->costs[y * n + x],
                         score = metric->is_symmetric ? there : 0.5 * there + 0.5 * back;
            double cost = metric->is_distance ? score : -score;

            if (isnan(cost) || !is_in_scope(plan, choice, kin->rows[x], kin->rows[y]))
                cost = INFINITY;
            kin->costs[x * n + y] = kin->costs[y * n + x] = cost;
        }
}

/* Rows that cannot be compared do not join. */
static int32_t ignore_failure(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    (void)user;
    (void)i;
    (void)j;
    (void)error;
    return 0;
}

static lfuse_status measure(const struct lfi_env *env,
                            const struct lfi_layer *const *layers,
                            const struct lfi_choice *choice, const struct lfi_plan *plan,
                            struct lfi_row_kin *kin, lfuse_error *err)
{
    struct lfi_similarity_params params = plan->options.similarity;
    struct question q;
    lfuse_status status = question_create(env, layers, &plan->rows, kin, &q, err);
    int64_t i;

    for (i = 0; i < kin->count * kin->count; i++)
        kin->costs[i] = NAN;
    params.failed = plan->options.skip_unequal ? ignore_failure : NULL;
    if (status == LFUSE_OK)
        status =
            lfi_similarity_matrix(env, q.items, kin->count, &params, kin->costs, err);
    if (status == LFUSE_OK)
        set_costs(plan, choice, kin);
    question_free(env, kin, &q);
    return status;
}

/* ---- kins ----------------------------------------------------------------------------------- */

static lfuse_status check_size(const struct lfi_layer *first, int32_t weight,
                               int64_t rows, size_t max_bytes, lfuse_error *err)
{
    size_t bytes;

    if (lfi_mul_size((size_t)rows, (size_t)rows, &bytes) &&
        lfi_mul_size(bytes, CELL, &bytes) && bytes <= max_bytes)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_UNSUPPORTED,
                    "param type %s has %lld rows of %s: comparing all takes %d bytes for "
                    "each two, both ways, similarity's max_bytes allows %zu in all",
                    first->param_type, (long long)rows,
                    lfi_layer_weight(first, weight)->name, (int)CELL, max_bytes);
}

static lfuse_status kin_create(const struct lfi_env *env, struct lfi_row_kin *kin,
                               lfuse_error *err)
{
    const size_t n = (size_t)kin->count;
    lfuse_status status;

    status = lfi_alloc(env, n, sizeof(*kin->rows), "rows", &kin->rows, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n * n, sizeof(*kin->costs), "costs", &kin->costs, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*kin->group), "groups", &kin->group, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*kin->size), "groups", &kin->size, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*kin->best), "links", &kin->best, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(env, n, sizeof(*kin->barred), "groups", &kin->barred, err);
    if (status == LFUSE_OK)
        status =
            lfi_alloc_zero(env, n, sizeof(*kin->pinned), "groups", &kin->pinned, err);
    return status;
}

static void kin_destroy(const struct lfi_env *env, struct lfi_row_kin *kin)
{
    const size_t n = (size_t)kin->count;

    lfi_free(env, kin->pinned, n, sizeof(*kin->pinned));
    lfi_free(env, kin->barred, n, sizeof(*kin->barred));
    lfi_free(env, kin->best, n, sizeof(*kin->best));
    lfi_free(env, kin->size, n, sizeof(*kin->size));
    lfi_free(env, kin->group, n, sizeof(*kin->group));
    lfi_free(env, kin->costs, n * n, sizeof(*kin->costs));
    lfi_free(env, kin->rows, n, sizeof(*kin->rows));
}

/* One kin: the rows of one weight of these layers. */
static lfuse_status gather(const struct lfi_env *env,
                           const struct lfi_layer *const *layers,
                           const struct lfi_plan *plan, const int64_t *members,
                           int64_t count, int32_t weight, struct lfi_row_kin *kin,
                           lfuse_error *err)
{
    const struct lfi_rows *rows = &plan->rows;
    const int64_t run = rows->first_run[members[0]] + weight,
                  each = rows->first[run + 1] - rows->first[run];
    lfuse_status status;
    int64_t total, i, r;

    if (!lfi_mul_int64(each, count, &total))
        total = INT64_MAX;
    status = check_size(layers[members[0]], weight, total,
                        plan->options.similarity.max_bytes, err);
    if (status != LFUSE_OK)
        return status;
    kin->count = total;
    status = kin_create(env, kin, err);
    for (i = 0; i < count && status == LFUSE_OK; i++)
        for (r = 0; r < each; r++)
            kin->rows[i * each + r] =
                rows->first[rows->first_run[members[i]] + weight] + r;
    return status;
}

static lfuse_status gather_all(const struct lfi_env *env,
                               const struct lfi_layer *const *layers,
                               const struct lfi_candidates *candidates,
                               const struct lfi_plan *plan, struct lfi_row_kins *kins,
                               lfuse_error *err)
{
    const struct lfi_candidates *c = candidates;
    lfuse_status status = LFUSE_OK;
    int64_t type, kin = 0;
    int32_t k;

    for (type = 0; type < c->type_count; type++) {
        const int64_t *members = c->members + c->first[type];
        const int32_t n = lfi_layer_weight_count(layers[members[0]]);

        for (k = 0; k < n && status == LFUSE_OK; k++)
            status =
                gather(env, layers, plan, members, c->first[type + 1] - c->first[type], k,
                       &kins->items[kin++], err);
    }
    return status;
}

static int64_t pairs_of(const struct lfi_row_kin *kin)
{
    return kin->count * (kin->count - 1) / 2;
}

static lfuse_status measure_all(const struct lfi_env *env,
                                const struct lfi_layer *const *layers,
                                const struct lfi_choice *choice,
                                const struct lfi_plan *plan, struct lfi_row_kins *kins,
                                lfuse_error *err)
{
    struct lfi_env shared = *env;
    struct lfi_share share = {env, 0, 0, 0};
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < kins->count; i++)
        share.total += pairs_of(&kins->items[i]);
    shared.progress = env->progress == NULL ? NULL : lfi_share_tell;
    shared.progress_user = &share;
    for (i = 0; i < kins->count && status == LFUSE_OK; i++) {
        share.pairs = pairs_of(&kins->items[i]);
        status = measure(&shared, layers, choice, plan, &kins->items[i], err);
        share.before += share.pairs;
    }
    return status;
}

lfuse_status lfi_row_kins_measure(const struct lfi_env *env,
                                  const struct lfi_layer *const *layers,
                                  const struct lfi_candidates *candidates,
                                  const struct lfi_choice *choice,
                                  const struct lfi_plan *plan, struct lfi_row_kins *kins,
                                  lfuse_error *err)
{
    const struct lfi_candidates *c = candidates;
    lfuse_status status;
    int64_t count = 0, i;

    *kins = (struct lfi_row_kins){0};
    for (i = 0; i < c->type_count; i++)
        count += lfi_layer_weight_count(layers[c->members[c->first[i]]]);
    status = lfi_alloc_zero(env, (size_t)count, sizeof(*kins->items), "param types",
                            &kins->items, err);
    if (status == LFUSE_OK)
        kins->count = count;
    if (status == LFUSE_OK)
        status = gather_all(env, layers, c, plan, kins, err);
    if (status == LFUSE_OK)
        status = measure_all(env, layers, choice, plan, kins, err);
    if (status != LFUSE_OK)
        lfi_row_kins_destroy(env, kins);
    return status;
}

void lfi_row_kins_destroy(const struct lfi_env *env, struct lfi_row_kins *kins)
{
    int64_t i;

    for (i = 0; i < kins->count; i++)
        kin_destroy(env, &kins->items[i]);
    lfi_free(env, kins->items, (size_t)kins->count, sizeof(*kins->items));
    *kins = (struct lfi_row_kins){0};
}
