/*
 * banks_pack.c - finds the rows that tensors have in common, for each to be in a bank once
 *
 *     "layerfuse.banks": {"bank": {"axis": 0, "entries": {"tensor": [row, row, ...], ...}}, ...}
 *
 * Those of a bank lie in the order in which they first occur: equal entries give equal files. No row
 * is kept: a bank is read from where its rows are (banks_read.c), to find which are equal
 * (banks_search.c) and once more to be written.
 */
#include "checkpoint/banks.h"

#include <jansson.h>

/* ---- what belongs to it ----------------------------------------------------------------- */

/* An entry that holds data of its own, which no other shows. */
static lfuse_status find_entry(const struct lfi_bank *b, int64_t index, lfuse_error *err)
{
    const struct lfi_layout *l = b->layout;
    const char *name = b->bank->entries[index];
    const struct lfi_quoted quoted = lfi_quote(name), bank = lfi_quote(b->bank->name);
    const int64_t found = lfi_names_find(&l->names, name);
    int64_t i;

    if (found < 0)
        return lfi_fail(err, LFUSE_ERR_NAME, "bank %s: %s is no entry", bank.text,
                        quoted.text);
    for (i = 0; i < index; i++)
        if (b->entries[i] == found)
            return lfi_fail(err, LFUSE_ERR_NAME, "bank %s has %s twice", bank.text,
                            quoted.text);
    for (i = 0; i < l->names.count; i++)
        if ((i == found) != (l->owners[i] == found))
            return lfi_fail(
                err, LFUSE_ERR_UNSUPPORTED,
                "bank %s: %s shares its data with %s as a whole", bank.text, quoted.text,
                lfi_quote(l->entries[i == found ? l->owners[i] : i].name).text);
    b->entries[index] = found;
    return LFUSE_OK;
}

/* Whether its rows are of the first entry's shape and type. */
static lfuse_status check_rows(const struct lfi_bank *b, int64_t index, lfuse_error *err)
{
    const struct lfi_view *first = lfi_bank_entry_view(b, 0),
                          *view = lfi_bank_entry_view(b, index);
    const int32_t axis = b->bank->output_axis;
    const struct lfi_quoted bank = lfi_quote(b->bank->name),
                            name = lfi_quote(b->bank->entries[index]);
    struct lfi_view like = *view;
    char text[96];

    if (axis < 0 || axis >= view->rank)
        return lfi_fail(err, LFUSE_ERR_ARGUMENT,
                        "bank %s: output_axis is %d, %s has rank %d", bank.text,
                        (int)axis, name.text, (int)view->rank);
    if (view->dtype != first->dtype)
        return lfi_fail(err, LFUSE_ERR_TYPE, "bank %s: %s is of type %s, %s of %s",
                        bank.text, name.text, lfi_dtype_name(view->dtype),
                        lfi_quote(b->bank->entries[0]).text,
                        lfi_dtype_name(first->dtype));
    like.dims[axis] = axis < first->rank ? first->dims[axis] : 0;
    if (lfi_view_same_shape(&like, first))
        return LFUSE_OK;
    lfi_view_shape_text(view, text, sizeof(text));
    return lfi_fail(err, LFUSE_ERR_SHAPE,
                    "bank %s: %s is %s, its rows are not those of %s", bank.text,
                    name.text, text, lfi_quote(b->bank->entries[0]).text);
}

static lfuse_status gather(struct lfi_bank *b, lfuse_error *err)
{
    const size_t n = (size_t)b->bank->count;
    lfuse_status status;
    int64_t i;

    status = lfi_alloc(b->env, n, sizeof(*b->entries), "a bank", &b->entries, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(b->env, n + 1, sizeof(*b->first), "a bank", &b->first, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(b->env, n, sizeof(*b->is_own), "a bank", &b->is_own, err);
    for (i = 0; i < b->bank->count && status == LFUSE_OK; i++) {
        status = find_entry(b, i, err);
        if (status == LFUSE_OK)
            status = check_rows(b, i, err);
        if (status != LFUSE_OK)
            return status;
        b->is_own[i] = b->params->fill == NULL;
        b->first[i] = b->rows;
        b->rows += lfi_bank_entry_view(b, i)->dims[b->bank->output_axis];
    }
    if (status != LFUSE_OK)
        return status;
    b->first[i] = b->rows;
    b->elements = lfi_view_elements(lfi_bank_entry_view(b, 0)) / b->first[1];
    status =
        lfi_alloc(b->env, (size_t)b->rows, sizeof(*b->same), "a bank", &b->same, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(b->env, (size_t)b->rows, sizeof(*b->unique), "a bank",
                           &b->unique, err);
    return status;
}

/* unique[] has each row that is the first of its equals; same[] becomes where a row is among them. */
static void list_unique(struct lfi_bank *b)
{
    int64_t at = 0, i;

    for (i = 0; i < b->rows; i++)
        if (b->same[i] == i) {
            b->unique[at] = i;
            b->same[i] = at++;
        } else {
            b->same[i] = b->same[b->same[i]];
        }
    b->view = lfi_view_axis_first(lfi_bank_entry_view(b, 0), b->bank->output_axis);
    b->view.dims[0] = at;
    for (i = b->view.rank, at = 1; i-- > 0; at *= b->view.dims[i])
        b->view.strides[i] = at;
    b->view.data = b->unique; /* no tensor's; it is lfi_banks_fill() that reads rows */
}

/* ---- the index -------------------------------------------------------------------------------- */

static lfuse_status no_memory(lfuse_error *err)
{
    return lfi_fail(err, LFUSE_ERR_NO_MEMORY, "banks: malloc refused memory");
}

static lfuse_status add_index(const struct lfi_bank *b, json_t *banks, lfuse_error *err)
{
    json_t *bank = json_object(), *entries = json_object();
    int failed = json_object_set_new(bank, "axis", json_integer(b->bank->output_axis));
    int64_t i, r;

    for (i = 0; i < b->bank->count; i++) {
        json_t *rows = json_array();

        for (r = b->first[i]; r < b->first[i + 1]; r++)
            failed |= json_array_append_new(rows, json_integer(b->same[r]));
        failed |= json_object_set_new(entries, b->bank->entries[i], rows);
    }
    failed |= json_object_set_new(bank, "entries", entries);
    failed |= json_object_set_new(banks, b->bank->name, bank);
    return failed != 0 ? no_memory(err) : LFUSE_OK;
}

static lfuse_status pack_bank(struct lfi_bank *b, json_t *banks, bool *is_banked,
                              lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (!lfi_is_utf8(b->bank->name))
        status = lfi_fail(err, LFUSE_ERR_ARGUMENT, "the name of bank %s is not UTF-8",
                          lfi_quote(b->bank->name).text);
    if (status == LFUSE_OK)
        status = gather(b, err);
    for (i = 0; i < b->bank->count && status == LFUSE_OK; i++) {
        if (is_banked[b->entries[i]])
            status = lfi_fail(err, LFUSE_ERR_NAME, "%s is in two banks",
                              lfi_quote(b->bank->entries[i]).text);
        is_banked[b->entries[i]] = true;
    }
    if (status == LFUSE_OK)
        status = lfi_bank_search(b, err);
    if (status != LFUSE_OK)
        return status;
    list_unique(b);
    return add_index(b, banks, err);
}

static void bank_free(struct lfi_bank *b)
{
    const size_t n = (size_t)b->rows, count = (size_t)b->bank->count;

    lfi_free(b->env, b->unique, n, sizeof(*b->unique));
    lfi_free(b->env, b->same, n, sizeof(*b->same));
    lfi_free(b->env, b->is_own, count, sizeof(*b->is_own));
    lfi_free(b->env, b->first, count + 1, sizeof(*b->first));
    lfi_free(b->env, b->entries, count, sizeof(*b->entries));
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
        if (!is_banked[i]) {
            packed->origins[packed->count] = i;
            packed->entries[packed->count++] = layout->entries[i];
        }
    for (i = 0; i < packed->bank_count; i++) {
        packed->origins[packed->count] = -1 - i;
        packed->entries[packed->count++] = (struct lfi_checkpoint_entry){
            .name = params->banks[i].name, .view = &packed->banks[i].view};
    }
}

static lfuse_status pack_all(const struct lfi_env *env, const struct lfi_layout *layout,
                             const struct lfi_checkpoint_params *params, json_t *banks,
                             struct lfi_packed_banks *packed, lfuse_error *err)
{
    const size_t n = (size_t)layout->names.count;
    bool *is_banked = NULL;
    lfuse_status status;
    int64_t i;

    packed->params = params;
    packed->bank_count = params->bank_count;
    packed->capacity = layout->names.count + params->bank_count;
    status = lfi_alloc(env, (size_t)packed->bank_count, sizeof(*packed->banks), "banks",
                       &packed->banks, err);
    for (i = 0; i < packed->bank_count && status == LFUSE_OK; i++)
        packed->banks[i] = (struct lfi_bank){
            .env = env, .layout = layout, .params = params, .bank = &params->banks[i]};
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)packed->capacity, sizeof(*packed->origins),
                           "banks", &packed->origins, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, (size_t)packed->capacity, sizeof(*packed->entries),
                           "banks", &packed->entries, err);
    if (status == LFUSE_OK)
        status = lfi_alloc_zero(env, n, sizeof(*is_banked), "banks", &is_banked, err);
    for (i = 0; i < packed->bank_count && status == LFUSE_OK; i++)
        status = pack_bank(&packed->banks[i], banks, is_banked, err);
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
    lfi_free(env, packed->origins, (size_t)packed->capacity, sizeof(*packed->origins));
    for (i = 0; packed->banks != NULL && i < packed->bank_count; i++)
        bank_free(&packed->banks[i]);
    lfi_free(env, packed->banks, (size_t)packed->bank_count, sizeof(*packed->banks));
    *packed = (struct lfi_packed_banks){0};
}
