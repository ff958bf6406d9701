/*
 * plan_file_groups.c - the groups that a plan file makes, one pair after the other
 *
 * While they are read a group is a tree, whose root has the kept member: any number of fusions of
 * any number of layers takes little more than their sum.
 */
#include "fusion/plan_file.h"

#include <stdio.h>
#include <string.h>

enum { WHERE = 48 };

lfuse_status lfi_reader_find(const struct lfi_plan_reader *r, const char *where,
                             const char *name, int64_t *index, lfuse_error *err)
{
    *index = lfi_names_find(&r->names, name);
    if (*index >= 0)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_NAME, "%s: there is no layer %s", where,
                    lfi_quote(name).text);
}

int64_t lfi_reader_root(const struct lfi_plan_reader *r, int64_t index)
{
    int64_t *parent = r->parent;

    for (; parent[index] != index; index = parent[index])
        parent[index] = parent[parent[index]];
    return index;
}

lfuse_status lfi_reader_check_alike(const struct lfi_plan_reader *r, const char *where,
                                    int64_t a, int64_t b, lfuse_error *err)
{
    const struct lfi_planned_layer *p = &r->plan->layers[a], *q = &r->plan->layers[b];
    const struct lfi_quoted pn = lfi_quote(p->name), qn = lfi_quote(q->name);
    char ps[64], qs[64];
    int32_t i;

    if (strcmp(p->param_type, q->param_type) != 0)
        return lfi_fail(err, LFUSE_ERR_NAME, "%s: layer %s is of type %.40s, %s of %.40s",
                        where, pn.text, lfi_quote(p->param_type).text, qn.text,
                        lfi_quote(q->param_type).text);
    if (p->weight_count != q->weight_count || p->weight_count == 0)
        return lfi_fail(err, LFUSE_ERR_NAME, "%s: layer %s has %d weights, %s %d", where,
                        pn.text, (int)p->weight_count, qn.text, (int)q->weight_count);
    for (i = 0; i < p->weight_count; i++) {
        const struct lfi_planned_weight *v = &p->weights[i], *w = &q->weights[i];

        if (strcmp(v->name, w->name) != 0)
            return lfi_fail(err, LFUSE_ERR_NAME,
                            "%s: weight %d of layer %s is %.40s, of %s %.40s", where,
                            (int)i, pn.text, lfi_quote(v->name).text, qn.text,
                            lfi_quote(w->name).text);
        if (v->shape.dtype != w->shape.dtype)
            return lfi_fail(err, LFUSE_ERR_TYPE, "%s: layer %s is %s, %s is %s", where,
                            pn.text, lfi_dtype_name(v->shape.dtype), qn.text,
                            lfi_dtype_name(w->shape.dtype));
        if (lfi_view_same_shape(&v->shape, &w->shape) && v->output_axis == w->output_axis)
            continue;
        lfi_view_shape_text(&v->shape, ps, sizeof(ps));
        lfi_view_shape_text(&w->shape, qs, sizeof(qs));
        return lfi_fail(err, LFUSE_ERR_SHAPE,
                        "%s: layer %s is %s axis %d, %s is %s axis %d", where, pn.text,
                        ps, (int)v->output_axis, qn.text, qs, (int)w->output_axis);
    }
    return LFUSE_OK;
}

lfuse_status lfi_reader_join(struct lfi_plan_reader *r, const char *where, int64_t a,
                             int64_t b, int64_t kept, lfuse_error *err)
{
    const int64_t ra = lfi_reader_root(r, a), rb = lfi_reader_root(r, b);
    const char *const names[] = {r->plan->layers[a].name, r->plan->layers[b].name,
                                 r->plan->layers[kept].name};
    lfuse_status status;

    if (ra == rb)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s: %s and %s are %s", where,
                        lfi_quote(names[0]).text, lfi_quote(names[1]).text,
                        a == b ? "one layer" : "in one group already");
    status = lfi_reader_check_alike(r, where, a, b, err);
    if (status != LFUSE_OK)
        return status;
    if (lfi_reader_root(r, kept) != ra && lfi_reader_root(r, kept) != rb)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: kept is %s, which is in the group of neither %s nor %s",
                        where, lfi_quote(names[2]).text, lfi_quote(names[0]).text,
                        lfi_quote(names[1]).text);
    if (r->plan->start.owner[kept] != kept)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        "%s: kept is %s, whose weights are those of %s already", where,
                        lfi_quote(names[2]).text,
                        lfi_quote(r->plan->layers[r->plan->start.owner[kept]].name).text);
    r->parent[rb] = ra;
    r->kept[ra] = kept;
    return LFUSE_OK;
}

/* ---- what was in force ------------------------------------------------------------------------ */

/* Nobody is in two groups, nor twice in one. */
static lfuse_status name_once(struct lfi_plan_reader *r, const char *where,
                              int64_t member, lfuse_error *err)
{
    int64_t *group = &r->plan->start.group[member]; /* numbered when all are read */

    if (*group >= 0)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s has %s, which is named before", where,
                        lfi_quote(r->plan->layers[member].name).text);
    *group = 0;
    return LFUSE_OK;
}

/* One group, the kept member first. */
static lfuse_status group_in_force(struct lfi_plan_reader *r, const json_t *group,
                                   const char *where, lfuse_error *err)
{
    int64_t kept = -1, member;
    lfuse_status status = LFUSE_OK;
    const char *name = NULL;
    size_t i;

    if (json_array_size(group) < 2)
        return lfi_fail(err, LFUSE_ERR_FORMAT, "%s is no array of two or more", where);
    for (i = 0; i < json_array_size(group) && status == LFUSE_OK; i++) {
        status = lfi_fields_element(group, where, i, &name, err);
        if (status == LFUSE_OK)
            status = lfi_reader_find(r, where, name, &member, err);
        if (status == LFUSE_OK)
            status = name_once(r, where, member, err);
        if (status == LFUSE_OK && i == 0)
            kept = member;
        else if (status == LFUSE_OK)
            status = lfi_reader_join(r, where, kept, member, kept, err);
    }
    return status;
}

void lfi_reader_owners(const struct lfi_plan_reader *r, struct lfi_grouping *grouping)
{
    int64_t i;

    for (i = 0; i < r->items; i++)
        grouping->owner[i] = r->kept[lfi_reader_root(r, i)];
    lfi_grouping_set(grouping, grouping->owner);
}

lfuse_status lfi_in_force_decode(struct lfi_plan_reader *r, lfuse_error *err)
{
    json_t *groups = NULL;
    char where[WHERE];
    lfuse_status status = lfi_fields_array(r->root, "the plan", "in_force", &groups, err);
    size_t i;

    if (status == LFUSE_OK && r->plan->options.unit == LFUSE_UNIT_ROW)
        return lfi_rows_in_force_decode(r, groups, err);
    for (i = 0; i < json_array_size(groups) && status == LFUSE_OK; i++) {
        (void)snprintf(where, sizeof(where), "in_force[%zu]", i);
        status = group_in_force(r, json_array_get(groups, i), where, err);
    }
    if (status == LFUSE_OK)
        lfi_reader_owners(r, &r->plan->start);
    return status;
}
