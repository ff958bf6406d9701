/*
 * banks_pack.c - finds the rows that tensors have in common, and puts each into a bank once
 *
 *     "layerfuse.banks": {"bank": {"axis": 0, "entries": {"tensor": [row, row, ...], ...}}, ...}
 *
 * Rows are equal when all their bits are. They are found by a hash of these and then compared, so
 * what is read back is what was there, however the rows came to be equal. Those of a bank lie in
 * the order in which they first occur: equal entries give equal files.
 */
#include "checkpoint/banks.h"

#include <jansson.h>
#include <string.h>

/* One bank in the making. */
struct pack {
    const struct lfi_env *env;
    const struct lfi_layout *layout;
    const lfuse_checkpoint_bank *bank;
    int64_t *entries; /* (bank->count) in the layout */
    int64_t *first;   /* (bank->count + 1) number of an entry's first row */
    int64_t rows;
    int64_t elements; /* of a row */
    size_t row_bytes;
    uint64_t *hashes; /* (rows) */
    int64_t *order;   /* (rows) by hash */
    int64_t *same;    /* (rows) the first row that is equal; then: where in the bank */
    char *a, *c;      /* (row_bytes) each: two rows */
};

static const struct lfi_view *view_of(const struct pack *p, int64_t entry)
{
    return p->layout->entries[p->entries[entry]].view;
}

/* ---- what belongs to it ----------------------------------------------------------------- */

/* An entry that holds data of its own, which no other shows. */
static lfuse_status find_entry(const struct pack *p, int64_t index, lfuse_error *err)
{
    const struct lfi_layout *l = p->layout;
    const char *name = p->bank->entries[index];
    const struct lfi_quoted quoted = lfi_quote(name), bank = lfi_quote(p->bank->name);
    const int64_t found = lfi_names_find(&l->names, name);
    int64_t i;

    if (found < 0)
        return lfi_fail(err, LFUSE_ERR_NAME, "bank %s: %s is no entry", bank.text,
                        quoted.text);
    for (i = 0; i < index; i++)
        if (p->entries[i] == found)
            return lfi_fail(err, LFUSE_ERR_NAME, "bank %s has %s twice", bank.text,
                            quoted.text);
    for (i = 0; i < l->names.count; i++)
        if ((i == found) != (l->owners[i] == found))
            return lfi_fail(
                err, LFUSE_ERR_UNSUPPORTED,
                "bank %s: %s shares its data with %s as a whole", bank.text, quoted.text,
                lfi_quote(l->entries[i == found ? l->owners[i] : i].name).text);
    p->entries[index] = found;
    return LFUSE_OK;
}

/* Whether its rows are of the first entry's shape and type. */
static lfuse_status check_rows(const struct pack *p, int64_t index, lfuse_error *err)
{
    const struct lfi_view *first = view_of(p, 0), *view = view_of(p, index);
    const int32_t axis = p->bank->output_axis;
    const struct lfi_quoted bank = lfi_quote(p->bank->name),
                            name = lfi_quote(p->bank->entries[index]);
    struct lfi_view like = *view;
    char text[96];

    if (axis < 0 || axis >= view->rank)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "bank %s: output_axis is %d, %s has rank %d", bank.text,
                        (int)axis, name.text, (int)view->rank);
    if (view->dtype != first->dtype)
        return lfi_fail(err, LFUSE_ERR_TYPE, "bank %s: %s is of type %s, %s of %s",
                        bank.text, name.text, lfi_dtype_name(view->dtype),
                        lfi_quote(p->bank->entries[0]).text,
                        lfi_dtype_name(first->dtype));
    like.dims[axis] = axis < first->rank ? first->dims[axis] : 0;
    if (lfi_view_same_shape(&like, first))
        return LFUSE_OK;
    lfi_view_shape_text(view, text, sizeof(text));
    return lfi_fail(err, LFUSE_ERR_SHAPE,
                    "bank %s: %s is %s, its rows are not those of %s", bank.text,
                    name.text, text, lfi_quote(p->bank->entries[0]).text);
}

static lfuse_status gather(struct pack *p, lfuse_error *err)
{
    const size_t n = (size_t)p->bank->count;
    lfuse_status status;
    int64_t i;

    status = lfi_alloc(p->env, n, sizeof(*p->entries), "a bank", &p->entries, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(p->env, n + 1, sizeof(*p->first), "a bank", &p->first, err);
    for (i = 0; i < p->bank->count && status == LFUSE_OK; i++) {
        status = find_entry(p, i, err);
        if (status == LFUSE_OK)
            status = check_rows(p, i, err);
        if (status != LFUSE_OK)
            return status;
        p->first[i] = p->rows;
        p->rows += view_of(p, i)->dims[p->bank->output_axis];
    }
    if (status != LFUSE_OK)
        return status;
    p->first[i] = p->rows;
    p->elements = lfi_view_elements(view_of(p, 0)) / p->first[1];
    p->row_bytes = (size_t)p->elements * lfi_dtype_size(view_of(p, 0)->dtype);
    return LFUSE_OK;
}

/* ---- equal rows ----------------------------------------------------------------------------- */

static void read_row(const struct pack *p, int64_t row, void *out)
{
    struct lfi_view view;
    int64_t entry = 0;

    while (row >= p->first[entry + 1])
        entry++;
    view = lfi_view_axis_first(view_of(p, entry), p->bank->output_axis);
    lfi_view_read_bits(&view, (row - p->first[entry]) * p->elements, p->elements, out);
}

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(const char *bytes, size_t size)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    size_t i;

    for (i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

static int by_hash(const void *arg, int64_t a, int64_t b)
{
    const uint64_t *hashes = arg;

    if (hashes[a] != hashes[b])
        return hashes[a] < hashes[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* The first row that is equal to the one at place `at` of the order, among those of its hash. */
static int64_t first_equal(const struct pack *p, int64_t run, int64_t at)
{
    const int64_t row = p->order[at];
    int64_t i;

    read_row(p, row, p->a);
    for (i = run; i < at; i++) {
        const int64_t other = p->order[i];

        if (p->same[other] != other)
            continue;
        read_row(p, other, p->c);
        if (memcmp(p->a, p->c, p->row_bytes) == 0)
            return other;
    }
    return row;
}

/* same[] of all rows; the number of unique ones. */
static int64_t find_equal(struct pack *p)
{
    int64_t unique = 0, run = 0, i;

    for (i = 0; i < p->rows; i++) {
        read_row(p, i, p->a);
        p->hashes[i] = hash_bytes(p->a, p->row_bytes);
        p->order[i] = i;
    }
    lfi_index_sort(p->order, p->rows, by_hash, p->hashes);
    for (i = 0; i < p->rows; i++) {
        if (p->hashes[p->order[i]] != p->hashes[p->order[run]])
            run = i;
        p->same[p->order[i]] = first_equal(p, run, i);
        unique += p->same[p->order[i]] == p->order[i];
    }
    return unique;
}

static lfuse_status reserve(struct pack *p, lfuse_error *err)
{
    const size_t n = (size_t)p->rows;
    lfuse_status status;

    status = lfi_alloc(p->env, n, sizeof(*p->hashes), "a bank", &p->hashes, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(p->env, n, sizeof(*p->order), "a bank", &p->order, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(p->env, n, sizeof(*p->same), "a bank", &p->same, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(p->env, p->row_bytes, 1, "a row", &p->a, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(p->env, p->row_bytes, 1, "a row", &p->c, err);
    return status;
}

static void pack_free(struct pack *p)
{
    const size_t n = (size_t)p->rows, count = (size_t)p->bank->count;

    lfi_free(p->env, p->c, p->row_bytes, 1);
    lfi_free(p->env, p->a, p->row_bytes, 1);
    lfi_free(p->env, p->same, n, sizeof(*p->same));
    lfi_free(p->env, p->order, n, sizeof(*p->order));
    lfi_free(p->env, p->hashes, n, sizeof(*p->hashes));
    lfi_free(p->env, p->first, count + 1, sizeof(*p->first));
    lfi_free(p->env, p->entries, count, sizeof(*p->entries));
}

/* The unique rows, in the order they first occur; same[] becomes where a row is among them. */
static lfuse_status fill_array(struct pack *p, int64_t unique, struct lfi_array *array,
                               lfuse_error *err)
{
    struct lfi_view shape = lfi_view_axis_first(view_of(p, 0), p->bank->output_axis);
    lfuse_status status;
    int64_t at = 0, i;

    shape.dims[0] = unique;
    status = lfi_array_create(p->env, &shape, array, err);
    for (i = 0; i < p->rows && status == LFUSE_OK; i++) {
        if (p->same[i] != i) {
            p->same[i] = p->same[p->same[i]];
            continue;
        }
        read_row(p, i, (char *)array->view.data + (size_t)at * p->row_bytes);
        p->same[i] = at++;
    }
    return status;
}

/* ---- the index -------------------------------------------------------------------------------- */

static lfuse_status no_memory(lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "banks: malloc refused memory");
}

static lfuse_status add_index(const struct pack *p, json_t *banks, lfuse_error *err)
{
    json_t *bank = json_object(), *entries = json_object();
    int failed = json_object_set_new(bank, "axis", json_integer(p->bank->output_axis));
    int64_t i, r;

    for (i = 0; i < p->bank->count; i++) {
        json_t *rows = json_array();

        for (r = p->first[i]; r < p->first[i + 1]; r++)
            failed |= json_array_append_new(rows, json_integer(p->same[r]));
        failed |= json_object_set_new(entries, p->bank->entries[i], rows);
    }
    failed |= json_object_set_new(bank, "entries", entries);
    failed |= json_object_set_new(banks, p->bank->name, bank);
    return failed != 0 ? no_memory(err) : LFUSE_OK;
}

static lfuse_status pack_bank(const struct lfi_env *env, const struct lfi_layout *layout,
                              const lfuse_checkpoint_bank *bank, json_t *banks,
                              bool *is_banked, struct lfi_array *array, lfuse_error *err)
{
    struct pack p = {.env = env, .layout = layout, .bank = bank};
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (!lfi_is_utf8(bank->name))
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "the name of bank %s is not UTF-8",
                          lfi_quote(bank->name).text);
    if (status == LFUSE_OK)
        status = gather(&p, err);
    for (i = 0; i < bank->count && status == LFUSE_OK; i++) {
        if (is_banked[p.entries[i]])
            status = lfi_fail(err, LFUSE_ERR_NAME, "%s is in two banks",
                              lfi_quote(bank->entries[i]).text);
        is_banked[p.entries[i]] = true;
    }
    if (status == LFUSE_OK)
        status = reserve(&p, err);
    if (status == LFUSE_OK)
        status = fill_array(&p, find_equal(&p), array, err);
    if (status == LFUSE_OK)
        status = add_index(&p, banks, err);
    pack_free(&p);
    return status;
}

static lfuse_status write_text(const struct lfi_env *env, const json_t *banks,
                               struct lfi_packed_banks *packed, lfuse_error *err)
{
    const size_t size = json_dumpb(banks, NULL, 0, JSON_COMPACT);
    lfuse_status status;

    if (size == 0)
        return no_memory(err);
    status = lfi_alloc(env, size, 1, "a header", &packed->text, err);
    if (status != LFUSE_OK)
        return status;
    packed->text_size = size;
    if (json_dumpb(banks, packed->text, size, JSON_COMPACT) != size)
        return no_memory(err);
    return LFUSE_OK;
}

/* The entries that are in no bank, then the banks. */
static void list_entries(const struct lfi_layout *layout,
                         const struct lfi_checkpoint_params *params,
                         const bool *is_banked, struct lfi_packed_banks *packed)
{
    int64_t i;

    for (i = 0; i < layout->names.count; i++)
        if (!is_banked[i])
            packed->entries[packed->count++] = layout->entries[i];
    for (i = 0; i < packed->bank_count; i++)
        packed->entries[packed->count++] = (struct lfi_checkpoint_entry){
            .name = params->banks[i].name, .view = &packed->arrays[i].view};
}

static lfuse_status pack_all(const struct lfi_env *env, const struct lfi_layout *layout,
                             const struct lfi_checkpoint_params *params, json_t *banks,
                             struct lfi_packed_banks *packed, lfuse_error *err)
{
    const size_t n = (size_t)layout->names.count;
    bool *is_banked = NULL;
    lfuse_status status;
    int64_t i;

    packed->bank_count = params->bank_count;
    packed->capacity = layout->names.count + params->bank_count;
    status = lfi_alloc_zero(env, (size_t)packed->bank_count, sizeof(*packed->arrays),
                            "banks", &packed->arrays, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)packed->capacity, sizeof(*packed->entries),
                           "banks", &packed->entries, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*is_banked), "banks", &is_banked, err);
    for (i = 0; i < packed->bank_count && status == LFUSE_OK; i++)
        status = pack_bank(env, layout, &params->banks[i], banks, is_banked,
                           &packed->arrays[i], err);
    if (status == LFUSE_OK)
        list_entries(layout, params, is_banked, packed);
    if (status == LFUSE_OK)
        status = write_text(env, banks, packed, err);
    lfi_free(env, is_banked, n, sizeof(*is_banked));
    return status;
}

lfuse_status lfi_banks_pack(const struct lfi_env *env, const struct lfi_layout *layout,
                            const struct lfi_checkpoint_params *params,
                            struct lfi_packed_banks *packed, lfuse_error *err)
{
    json_t *banks = json_object();
    lfuse_status status;

    *packed = (struct lfi_packed_banks){0};
    status = banks == NULL ? no_memory(err)
                           : pack_all(env, layout, params, banks, packed, err);
    json_decref(banks);
    if (status != LFUSE_OK)
        lfi_banks_free(env, packed);
    return status;
}

void lfi_banks_free(const struct lfi_env *env, struct lfi_packed_banks *packed)
{
    int64_t i;

    lfi_free(env, packed->text, packed->text_size, 1);
    lfi_free(env, packed->entries, (size_t)packed->capacity, sizeof(*packed->entries));
    for (i = 0; packed->arrays != NULL && i < packed->bank_count; i++)
        lfi_array_release(&packed->arrays[i]);
    lfi_free(env, packed->arrays, (size_t)packed->bank_count, sizeof(*packed->arrays));
    *packed = (struct lfi_packed_banks){0};
}
