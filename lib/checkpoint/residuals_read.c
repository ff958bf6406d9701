/*
 * residuals_read.c - weights that a file holds as what they share and a product of their own
 *
 *     "layerfuse.residuals": {"weight": {"a": "factor", "b": "factor", "axis": 0}, ...}
 *
 * weight + a b, with its axis first, is the tensor of that name: a (out, rank), b (rank, in), F32. The
 * weight is stored, or an alias, by itself; others that show the same data show it without the product.
 */
#include "base/json.h"
#include "checkpoint/residuals.h"

#include <string.h>

static lfuse_status fail(const char *name, const char *what, lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_FORMAT, LFI_KEY_RESIDUALS ": %s %s",
                    lfi_quote(name).text, what);
}

/* ---- checking ------------------------------------------------------------------------------- */

static lfuse_status check_fields(const char *weight, const json_t *value,
                                 lfuse_error *err)
{
    if (!json_is_string(json_object_get(value, "a")) ||
        !json_is_string(json_object_get(value, "b")) ||
        !json_is_integer(json_object_get(value, "axis")) || json_object_size(value) != 3)
        return fail(weight, "is no object of a, b and axis", err);
    return LFUSE_OK;
}

/* A factor is stored, and is nothing but that. */
static lfuse_status check_factor(const struct lfi_header *h, const char *factor,
                                 lfuse_error *err)
{
    const char *alias;
    json_t *owner;

    if (json_object_get(h->root, factor) == NULL || strcmp(factor, LFI_KEY_METADATA) == 0)
        return fail(factor, "is not stored", err);
    if (json_object_get(h->residuals, factor) != NULL)
        return fail(factor, "is a factor, and has some", err);
    if (json_object_get(h->banks, factor) != NULL)
        return fail(factor, "is a factor, and a bank", err);
    if (json_object_get(h->factors, factor) != NULL)
        return fail(factor, "is a factor twice", err);
    json_object_foreach(h->aliases, alias, owner)
    {
        if (strcmp(json_string_value(owner), factor) == 0)
            return fail(factor, "is a factor, and has an alias", err);
    }
    if (json_object_set_new(h->factors, factor, json_integer(-1)) != 0)
        return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "residuals: malloc refused memory");
    return LFUSE_OK;
}

static lfuse_status check_weight(const struct lfi_header *h, const char *weight,
                                 const json_t *value, lfuse_error *err)
{
    lfuse_status status = check_fields(weight, value, err);

    if (status == LFUSE_OK && json_object_get(h->aliases, weight) == NULL &&
        (json_object_get(h->root, weight) == NULL ||
         strcmp(weight, LFI_KEY_METADATA) == 0 ||
         json_object_get(h->banks, weight) != NULL))
        status = fail(weight, "is neither stored nor an alias", err);
    if (status == LFUSE_OK)
        status = check_factor(h, json_string_value(json_object_get(value, "a")), err);
    if (status == LFUSE_OK)
        status = check_factor(h, json_string_value(json_object_get(value, "b")), err);
    return status;
}

/* Which record each factor is; matrices of F32, all of them. */
static lfuse_status find_factors(struct lfi_header *h, lfuse_error *err)
{
    int64_t i;

    for (i = 0; i < h->count; i++) {
        const struct lfi_record *r = &h->records[i];

        if (!lfi_residuals_has(h, r->name))
            continue;
        if (r->skipped || r->shape.dtype != LFUSE_F32 || r->shape.rank != 2)
            return fail(r->name, "is a factor, and no matrix of F32", err);
        (void)json_integer_set(json_object_get(h->factors, r->name), i);
    }
    return LFUSE_OK;
}

bool lfi_residuals_has(const struct lfi_header *header, const char *name)
{
    return json_object_get(header->factors, name) != NULL;
}

lfuse_status lfi_residuals_parse(struct lfi_header *header, lfuse_error *err)
{
    json_t *text = json_object_get(header->metadata, LFI_KEY_RESIDUALS), *value;
    const char *weight;
    lfuse_status status;

    if (text == NULL)
        return LFUSE_OK;
    if (json_object_get(header->metadata, LFI_KEY_FORMAT) == NULL)
        return lfi_fail(err, LFUSE_ERR_FORMAT,
                        LFI_KEY_RESIDUALS " is there, " LFI_KEY_FORMAT " is not");
    status = lfi_json_parse(json_string_value(text), json_string_length(text),
                            LFI_KEY_RESIDUALS, &header->residuals, err);
    if (status != LFUSE_OK)
        return status;
    header->factors = json_object();
    if (header->factors == NULL)
        return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "residuals: malloc refused memory");
    json_object_foreach(header->residuals, weight, value)
    {
        status = check_weight(header, weight, value, err);
        if (status != LFUSE_OK)
            return status;
    }
    return find_factors(header, err);
}

/* ---- putting together ------------------------------------------------------------------------ */

/* One weight of a part, and its factors, as they lie in the file. */
struct product {
    struct lfi_view a; /* (out, rank) */
    struct lfi_view b; /* (rank, in) */
    int32_t axis;
};

static struct lfi_view factor_of(const struct lfi_part *part, const json_t *value,
                                 const char *key)
{
    const json_t *index = json_object_get(part->header.factors,
                                          json_string_value(json_object_get(value, key)));
    const struct lfi_record *r = &part->header.records[json_integer_value(index)];
    struct lfi_view view = r->shape;

    view.data = part->data + r->begin;
    return view;
}

static lfuse_status read_product(const struct lfi_part *part, const char *name,
                                 const json_t *value, const struct lfi_view *weight,
                                 struct product *p, lfuse_error *err)
{
    const json_int_t axis = json_integer_value(json_object_get(value, "axis"));
    char text[96];

    *p = (struct product){.a = factor_of(part, value, "a"),
                          .b = factor_of(part, value, "b"),
                          .axis = (int32_t)axis};
    if (axis < 0 || axis >= weight->rank)
        return fail(name, "has an axis that the tensor does not have", err);
    if (p->a.dims[1] == p->b.dims[0] && p->a.dims[0] == weight->dims[axis] &&
        p->b.dims[1] == lfi_view_elements(weight) / weight->dims[axis])
        return LFUSE_OK;
    lfi_view_shape_text(weight, text, sizeof(text));
    return lfi_fail(
        err, LFUSE_ERR_FORMAT,
        LFI_KEY_RESIDUALS ": %s is %s, its factors [%lld, %lld] and [%lld, %lld]",
        lfi_quote(name).text, text, (long long)p->a.dims[0], (long long)p->a.dims[1],
        (long long)p->b.dims[0], (long long)p->b.dims[1]);
}

/* Row by row, in f64, rounded once. numbers is room for b, a row of a and one of the weight. */
static void add_product(const struct product *p, const struct lfi_view *shared,
                        const struct lfi_view *out, double *numbers)
{
    const int64_t rank = p->a.dims[1], columns = p->b.dims[1];
    const struct lfi_view from = lfi_view_axis_first(shared, p->axis),
                          to = lfi_view_axis_first(out, p->axis);
    double *b = numbers, *a = b + rank * columns, *row = a + rank;
    int64_t i, r, j;

    lfi_view_read_f64(&p->b, 0, rank * columns, b);
    for (i = 0; i < p->a.dims[0]; i++) {
        lfi_view_read_f64(&p->a, i * rank, rank, a);
        lfi_view_read_f64(&from, i * columns, columns, row);
        for (r = 0; r < rank; r++)
            for (j = 0; j < columns; j++)
                row[j] += a[r] * b[r * columns + j];
        lfi_view_write_f64(&to, i * columns, columns, row);
    }
}

/* Others that showed the data of tensor i show that of the first of them. */
static void disown(struct lfi_checkpoint *c, int64_t index)
{
    int64_t first = -1, i;

    c->owners[index] = index;
    for (i = 0; i < c->names.count; i++)
        if (i != index && c->owners[i] == index) {
            first = first < 0 ? i : first;
            c->owners[i] = first;
        }
}

static lfuse_status put_together(const struct lfi_env *env, const struct product *p,
                                 struct lfi_checkpoint *c, int64_t index,
                                 lfuse_error *err)
{
    const size_t count = (size_t)p->b.dims[0] * (size_t)p->b.dims[1] +
                         (size_t)p->a.dims[1] + (size_t)p->b.dims[1];
    struct lfi_view shape = c->arrays[index].view;
    struct lfi_array whole;
    double *numbers;
    lfuse_status status = lfi_array_create(env, &shape, &whole, err);

    if (status != LFUSE_OK)
        return status;
    status = lfi_alloc(env, count, sizeof(double), "a residual", &numbers, err);
    if (status != LFUSE_OK) {
        lfi_array_release(&whole);
        return status;
    }
    add_product(p, &c->arrays[index].view, &whole.view, numbers);
    lfi_free(env, numbers, count, sizeof(double));
    lfi_array_release(&c->arrays[index]);
    c->arrays[index] = whole;
    disown(c, index);
    return LFUSE_OK;
}

static void note(const json_t *value, int64_t weight, struct lfi_checkpoint *c)
{
    c->residuals[c->residual_count++] = (struct lfi_residual){
        .weight = weight,
        .a = lfi_names_find(&c->names, json_string_value(json_object_get(value, "a"))),
        .b = lfi_names_find(&c->names, json_string_value(json_object_get(value, "b"))),
        .axis = (int32_t)json_integer_value(json_object_get(value, "axis"))};
}

lfuse_status lfi_residuals_fill(const struct lfi_env *env, const struct lfi_part *part,
                                bool apart, size_t max_bytes, size_t *used,
                                struct lfi_checkpoint *c, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    const char *name;
    json_t *value;

    json_object_foreach(part->header.residuals, name, value)
    {
        const int64_t index = lfi_names_find(&c->names, name);
        struct product product;

        if (index < 0)
            return fail(name, "is of a type or shape that is not supported", err);
        status = read_product(part, name, value, &c->arrays[index].view, &product, err);
        if (status == LFUSE_OK && apart) {
            note(value, index, c);
        } else if (status == LFUSE_OK) {
            if (!lfi_add_size(*used, lfi_view_bytes(&c->arrays[index].view), used) ||
                *used > max_bytes)
                return lfi_fail(
                    err, LFUSE_ERR_UNSUPPORTED,
                    "weights with residuals and tensors of banks take more bytes "
                    "than options.max_bank_bytes allows, %zu",
                    max_bytes);
            status = put_together(env, &product, c, index, err);
        }
        if (status != LFUSE_OK)
            return status;
    }
    return status;
}
