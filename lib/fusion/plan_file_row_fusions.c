/*
 * plan_file_row_fusions.c - the fusions of rows of a plan file
 *
 *     {"a": "h.0", "b": "h.1", "kept": "h.0", "weight": "weight", .., "rows": [[0, 2, 3, 2, 1.5], ..]}
 *
 * is: the fusion at place 0 of all is that of row 2 of h.0 and row 3 of h.1, keeps row 2 of h.0, and has
 * the score 1.5. Places say the order and no more: some may be missing. Without "kept", and then without
 * its row and score, each fusion keeps what a's group keeps.
 */
#include "fusion/plan_file.h"

#include <math.h>
#include <stdio.h>

enum { WHERE = 96 };

/* A fusion as it is read, and where. */
struct pair {
    struct lfi_fusion fusion;
    int64_t place;
    size_t line, index;
};

struct pairs {
    struct lfi_plan_reader *r;
    const json_t *lines;
    int64_t count;
    struct pair *items; /* (count), line by line */
    int64_t *order;     /* (count) by place */
    double *ratios;     /* (lines) after a line's last fusion */
};

static void say_where(const struct pair *p, char *where)
{
    (void)snprintf(where, WHERE, "fusions[%zu].rows[%zu]", p->line, p->index);
}

/* [place, row of a, row of b], and, where it is said whose is kept, [.., row of kept, score]. */
static lfuse_status read_pair(const struct lfi_plan_reader *r, const json_t *array,
                              bool says_kept, struct pair *p, lfuse_error *err)
{
    struct lfi_fusion *f = &p->fusion;
    struct lfi_row a = {f->a, f->weight, 0}, b = {f->b, f->weight, 0},
                   kept = {f->kept, f->weight, 0};
    const size_t n = json_array_size(array);
    const json_t *score = json_array_get(array, 4);
    lfuse_status status;
    char where[WHERE];

    say_where(p, where);
    if (says_kept ? n != 4 && n != 5 : n != 3)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s is no array of %s", where,
                        says_kept ? "four or five: kept is given"
                                  : "three: kept is not given");
    if (!json_is_integer(json_array_get(array, 0)) ||
        json_integer_value(json_array_get(array, 0)) < 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: element 0 is no integer >= 0", where);
    if (score != NULL && !json_is_number(score))
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: element 4 is no number", where);
    p->place = json_integer_value(json_array_get(array, 0));
    f->score = score == NULL ? NAN : json_number_value(score);
    status = lfi_reader_row(r, array, where, 1, &a, err);
    if (status == LFUSE_OK)
        status = lfi_reader_row(r, array, where, 2, &b, err);
    if (status == LFUSE_OK && says_kept)
        status = lfi_reader_row(r, array, where, 3, &kept, err);
    f->row_a = a.index;
    f->row_b = b.index;
    f->row_kept = says_kept ? kept.index : -1;
    return status;
}

/* What the fusions of a line have in common. */
static lfuse_status read_line(const struct lfi_plan_reader *r, const json_t *object,
                              const char *where, struct lfi_fusion *f, lfuse_error *err)
{
    static const char *const known[] = {
        "a",     "b",    "kept",   "weight", "saved_parameters",
        "ratio", "unit", "policy", "rows",   NULL};
    lfuse_status status = lfi_fields_check(object, where, known, err);

    *f = (struct lfi_fusion){0};
    if (status == LFUSE_OK)
        status = lfi_reader_check_kind(r, object, where, err);
    if (status == LFUSE_OK)
        status = lfi_reader_layer(r, object, where, "a", &f->a, err);
    if (status == LFUSE_OK)
        status = lfi_reader_layer(r, object, where, "b", &f->b, err);
    if (status == LFUSE_OK && json_object_get(object, "kept") != NULL)
        status = lfi_reader_layer(r, object, where, "kept", &f->kept, err);
    else
        f->kept = f->a;
    if (status == LFUSE_OK)
        status = lfi_reader_check_alike(r, where, f->a, f->b, err);
    if (status == LFUSE_OK)
        status = lfi_reader_check_alike(r, where, f->a, f->kept, err);
    if (status == LFUSE_OK)
        status = lfi_reader_candidate(r, where, f->a, err);
    return status == LFUSE_OK ? lfi_reader_weight(r, object, where, f->a, &f->weight, err)
                              : status;
}

static lfuse_status read_lines(struct pairs *p, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    struct lfi_fusion common;
    char where[WHERE];
    const json_t *object;
    int64_t at = 0;
    size_t line, i;

    for (line = 0; line < json_array_size(p->lines) && status == LFUSE_OK; line++) {
        object = json_array_get(p->lines, line);
        (void)snprintf(where, sizeof(where), "fusions[%zu]", line);
        status = read_line(p->r, object, where, &common, err);
        if (status == LFUSE_OK && json_array_size(json_object_get(object, "rows")) == 0)
            return lfi_fail(err, LFUSE_ERR_FORMAT, "%s has no rows", where);
        for (i = 0;
             status == LFUSE_OK && i < json_array_size(json_object_get(object, "rows"));
             i++) {
            p->items[at] = (struct pair){.fusion = common, .line = line, .index = i};
            status =
                read_pair(p->r, json_array_get(json_object_get(object, "rows"), i),
                          json_object_get(object, "kept") != NULL, &p->items[at], err);
            p->order[at] = at;
            at++;
        }
    }
    return status;
}

static int by_place(const void *arg, int64_t a, int64_t b)
{
    const struct pair *items = arg;

    if (items[a].place != items[b].place)
        return items[a].place < items[b].place ? -1 : 1;
    return a < b ? -1 : a > b;
}

static lfuse_status sort(struct pairs *p, lfuse_error *err)
{
    char where[WHERE], other[WHERE];
    int64_t i;

    lfi_index_sort(p->order, p->count, by_place, p->items);
    for (i = 1; i < p->count; i++) {
        const struct pair *before = &p->items[p->order[i - 1]],
                          *pair = &p->items[p->order[i]];

        if (before->place != pair->place)
            continue;
        say_where(before, other);
        say_where(pair, where);
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s and %s are both at place %lld", other,
                        where, (long long)pair->place);
    }
    return LFUSE_OK;
}

/* The earlier row is a. */
static void put_in_order(struct lfi_fusion *f)
{
    const struct lfi_fusion given = *f;

    if (f->a < f->b || (f->a == f->b && f->row_a < f->row_b))
        return;
    f->a = given.b;
    f->row_a = given.row_b;
    f->b = given.a;
    f->row_b = given.row_a;
}

static lfuse_status join_pair(struct pairs *p, const struct pair *pair, lfuse_error *err)
{
    struct lfi_plan_reader *r = p->r;
    struct lfi_plan *plan = r->plan;
    const struct lfi_rows *rows = &plan->rows;
    struct lfi_fusion f = pair->fusion;
    const int64_t run = rows->first_run[f.a] + f.weight, a = rows->first[run] + f.row_a,
                  b = lfi_rows_number(rows, (struct lfi_row){f.b, f.weight, f.row_b});
    struct lfi_row kept = {f.kept, f.weight, f.row_kept};
    lfuse_status status;
    char where[WHERE];

    say_where(pair, where);
    if (f.row_kept < 0)
        kept = lfi_rows_find(rows, r->kept[lfi_reader_root(r, a)]);
    status = lfi_reader_join_rows(r, where, a, b, lfi_rows_number(rows, kept), err);
    if (status != LFUSE_OK)
        return status;
    plan->account.candidates_unique -= rows->elements[run];
    plan->account.all_unique -= rows->elements[run];
    f.kept = kept.layer;
    f.row_kept = kept.index;
    f.saved_parameters = rows->elements[run];
    f.ratio = lfi_account_ratio(&plan->account, plan->options.base);
    p->ratios[pair->line] = f.ratio;
    put_in_order(&f);
    plan->fusions[plan->fusion_count++] = f;
    return LFUSE_OK;
}

/* What the fusions of a line save, and the ratio after the last of them. */
static lfuse_status check_line(const struct pairs *p, size_t line,
                               const struct pair *first, lfuse_error *err)
{
    const struct lfi_rows *rows = &p->r->plan->rows;
    const struct lfi_fusion *f = &first->fusion;
    const json_t *object = json_array_get(p->lines, line);
    const int64_t n = (int64_t)json_array_size(json_object_get(object, "rows")),
                  saved = n * rows->elements[rows->first_run[f->a] + f->weight];
    int64_t said_saved = saved;
    double said_ratio = p->ratios[line];
    lfuse_status status;
    char where[WHERE];

    (void)snprintf(where, sizeof(where), "fusions[%zu]", line);
    status = lfi_fields_count(object, where, "saved_parameters", &said_saved, err);
    if (status == LFUSE_OK)
        status = lfi_fields_number(object, where, "ratio", &said_ratio, err);
    if (status != LFUSE_OK || !p->r->is_checked)
        return status;
    if (said_saved != saved)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: saved_parameters is %lld, it saves %lld; without "
                        "\"parameters\" it is computed anew",
                        where, (long long)said_saved, (long long)saved);
    if (said_ratio != p->ratios[line])
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: ratio is %.17g, the fusions up to its last reach %.17g; "
                        "without \"parameters\" it is computed anew",
                        where, said_ratio, p->ratios[line]);
    return LFUSE_OK;
}

static lfuse_status join_all(struct pairs *p, lfuse_error *err)
{
    struct lfi_plan *plan = p->r->plan;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    lfi_reader_measure(p->r, &plan->start, &plan->row_start);
    for (i = 0; i < p->count && status == LFUSE_OK; i++)
        status = join_pair(p, &p->items[p->order[i]], err);
    for (i = 0; i < p->count && status == LFUSE_OK; i++)
        if (p->items[i].index == 0)
            status = check_line(p, p->items[i].line, &p->items[i], err);
    if (status != LFUSE_OK)
        return status;
    lfi_reader_owners(p->r, &plan->row_goal);
    lfi_reader_measure(p->r, &plan->goal, &plan->row_goal);
    return LFUSE_OK;
}

static lfuse_status reserve(struct pairs *p, lfuse_error *err)
{
    struct lfi_plan_reader *r = p->r;
    const size_t lines = json_array_size(p->lines);
    lfuse_status status;
    size_t i;

    for (i = 0; i < lines; i++)
        p->count += (int64_t)json_array_size(
            json_object_get(json_array_get(p->lines, i), "rows"));
    r->plan->fusion_capacity = p->count;
    status = lfi_alloc(r->env, (size_t)p->count, sizeof(*r->plan->fusions), "a plan",
                       &r->plan->fusions, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(r->env, (size_t)p->count, sizeof(*p->items), "a plan",
                           &p->items, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(r->env, (size_t)p->count, sizeof(*p->order), "a plan",
                           &p->order, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(r->env, lines, sizeof(*p->ratios), "a plan", &p->ratios, err);
    return status;
}

lfuse_status lfi_row_fusions_decode(struct lfi_plan_reader *r, const json_t *lines,
                                    lfuse_error *err)
{
    struct pairs p = {.r = r, .lines = lines};
    lfuse_status status = reserve(&p, err);

    if (status == LFUSE_OK)
        status = read_lines(&p, err);
    if (status == LFUSE_OK)
        status = sort(&p, err);
    if (status == LFUSE_OK)
        status = join_all(&p, err);
    lfi_free(r->env, p.ratios, json_array_size(lines), sizeof(*p.ratios));
    lfi_free(r->env, p.order, (size_t)p.count, sizeof(*p.order));
    lfi_free(r->env, p.items, (size_t)p.count, sizeof(*p.items));
    return status;
}
