/*
 * banks_search.c - which rows of a bank's tensors are equal
 *
 * Rows are equal when all their bits are. They are found by a hash of these and then compared, so
 * what is read back is what was there, however the rows came to be equal.
 */
#include "checkpoint/banks.h"

#include <string.h>

enum { CHUNK = 1 << 16 }; /* bytes that are hashed, or compared, at once */

struct search {
    struct lfi_bank *bank;
    uint64_t *hashes; /* (rows) */
    int64_t *order;   /* (rows) by hash */
    char *a, *c;      /* (CHUNK) each */
    lfuse_error *err;
};

/* FNV-1a, 64 bits. */
static uint64_t add_bytes(uint64_t hash, const char *bytes, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    return hash;
}

static lfuse_status fail_fill(const struct search *s, int64_t entry, int32_t answer)
{
    return lfi_fail_detail(s->err, LFUSE_ERR_CALLBACK, answer,
                           "fill returned %d for rows of %s", (int)answer,
                           lfi_quote(s->bank->bank->entries[entry]).text);
}

/* Of all rows of an entry, in the order in which its elements lie: each row's come in its own. */
static lfuse_status hash_entry(struct search *s, int64_t entry)
{
    struct lfi_bank *b = s->bank;
    const struct lfi_view *view = lfi_bank_entry_view(b, entry);
    const int64_t size = (int64_t)lfi_dtype_size(view->dtype),
                  n = lfi_view_elements(view), inner = lfi_bank_inner(b, entry),
                  rows = b->first[entry + 1] - b->first[entry];
    int64_t first, count, at, run, row;
    int32_t answer;

    for (first = 0; first < n; first += count) {
        count = n - first < CHUNK / size ? n - first : CHUNK / size;
        answer = lfi_bank_read_entry(b, entry, first, count, s->a);
        if (answer != 0)
            return fail_fill(s, entry, answer);
        for (at = 0; at < count; at += run) {
            row = b->first[entry] + (first + at) / inner % rows;
            run = inner - (first + at) % inner;
            run = run < count - at ? run : count - at;
            s->hashes[row] =
                add_bytes(s->hashes[row], s->a + at * size, (size_t)(run * size));
        }
    }
    return LFUSE_OK;
}

static int by_hash(const void *arg, int64_t a, int64_t b)
{
    const uint64_t *hashes = arg;

    if (hashes[a] != hashes[b])
        return hashes[a] < hashes[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

static lfuse_status compare_rows(const struct search *s, int64_t x, int64_t y,
                                 bool *equal)
{
    const struct lfi_bank *b = s->bank;
    const int64_t size = (int64_t)lfi_dtype_size(lfi_bank_entry_view(b, 0)->dtype);
    int64_t first, n;
    int32_t answer;

    *equal = true;
    for (first = 0; first < b->elements && *equal; first += n) {
        n = b->elements - first < CHUNK / size ? b->elements - first : CHUNK / size;
        answer = lfi_bank_read_row(b, x, first, n, s->a);
        if (answer != 0)
            return fail_fill(s, lfi_bank_entry(b, x), answer);
        answer = lfi_bank_read_row(b, y, first, n, s->c);
        if (answer != 0)
            return fail_fill(s, lfi_bank_entry(b, y), answer);
        *equal = memcmp(s->a, s->c, (size_t)(n * size)) == 0;
    }
    return LFUSE_OK;
}

/* same[] of the row at place `at`: the first that is equal, among those of its hash, from `run` on. */
static lfuse_status find_first(const struct search *s, int64_t run, int64_t at)
{
    int64_t *same = s->bank->same;
    const int64_t row = s->order[at];
    lfuse_status status;
    bool equal;
    int64_t i;

    same[row] = row;
    for (i = run; i < at; i++) {
        const int64_t other = s->order[i];

        if (same[other] != other)
            continue;
        status = compare_rows(s, row, other, &equal);
        if (status != LFUSE_OK)
            return status;
        if (equal) {
            same[row] = other;
            return LFUSE_OK;
        }
    }
    return LFUSE_OK;
}

static lfuse_status find_equal(struct search *s)
{
    const int64_t n = s->bank->rows;
    lfuse_status status = LFUSE_OK;
    int64_t run = 0, i;

    for (i = 0; i < n; i++) {
        s->hashes[i] = UINT64_C(14695981039346656037);
        s->order[i] = i;
    }
    for (i = 0; i < s->bank->bank->count && status == LFUSE_OK; i++)
        status = hash_entry(s, i);
    lfi_index_sort(s->order, n, by_hash, s->hashes);
    for (i = 0; i < n && status == LFUSE_OK; i++) {
        if (s->hashes[s->order[i]] != s->hashes[s->order[run]])
            run = i;
        status = find_first(s, run, i);
    }
    return status;
}

lfuse_status lfi_bank_search(struct lfi_bank *bank, lfuse_error *err)
{
    const size_t n = (size_t)bank->rows;
    const struct lfi_env *env = bank->env;
    struct search s = {.bank = bank, .err = err};
    lfuse_status status;

    status = lfi_alloc(env, n, sizeof(*s.hashes), "a bank", &s.hashes, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, n, sizeof(*s.order), "a bank", &s.order, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, CHUNK, 1, "rows", &s.a, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(env, CHUNK, 1, "rows", &s.c, err);
    if (status == LFUSE_OK)
        status = find_equal(&s);
    lfi_free(env, s.c, CHUNK, 1);
    lfi_free(env, s.a, CHUNK, 1);
    lfi_free(env, s.order, n, sizeof(*s.order));
    lfi_free(env, s.hashes, n, sizeof(*s.hashes));
    return status;
}
