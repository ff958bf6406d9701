/*
 * banks_read.c - the rows of a bank, from the tensors that have them or from what fills these
 *
 * A tensor is (outer, rows, inner), and a row of it (outer, inner): where the caller fills it in, a
 * row is asked for in runs of inner elements.
 */
#include "checkpoint/banks.h"

const struct lfi_view *lfi_bank_entry_view(const struct lfi_bank *bank, int64_t entry)
{
    return bank->layout->entries[bank->entries[entry]].view;
}

int64_t lfi_bank_entry(const struct lfi_bank *bank, int64_t row)
{
    int64_t low = 0, high = bank->bank->count, middle;

    while (high - low > 1) { /* first[low] <= row < first[high] */
        middle = low + (high - low) / 2;
        if (bank->first[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int64_t lfi_bank_inner(const struct lfi_bank *bank, int64_t entry)
{
    const struct lfi_view *view = lfi_bank_entry_view(bank, entry);
    int64_t inner = 1;
    int32_t i;

    for (i = bank->bank->output_axis + 1; i < view->rank; i++)
        inner *= view->dims[i];
    return inner;
}

static int32_t fill(const struct lfi_bank *b, int64_t entry, int64_t first, int64_t count,
                    void *out)
{
    return b->params->fill(b->params->fill_user, b->entries[entry], first, count, out);
}

int32_t lfi_bank_read_entry(struct lfi_bank *bank, int64_t entry, int64_t first,
                            int64_t count, void *out)
{
    int32_t answer = 0;

    if (!bank->is_own[entry]) {
        answer = fill(bank, entry, first, count, out);
        bank->is_own[entry] = answer == LFI_FILL_NONE && first == 0;
    }
    if (!bank->is_own[entry])
        return answer;
    lfi_view_read_bits(lfi_bank_entry_view(bank, entry), first, count, out);
    return 0;
}

static int32_t fill_row(const struct lfi_bank *b, int64_t entry, int64_t index,
                        int64_t first, int64_t count, char *out)
{
    const int64_t rows = b->first[entry + 1] - b->first[entry],
                  inner = lfi_bank_inner(b, entry),
                  size = (int64_t)lfi_dtype_size(lfi_bank_entry_view(b, entry)->dtype);
    int32_t answer = 0;
    int64_t n, at;

    for (; count > 0 && answer == 0; first += n, count -= n, out += n * size) {
        n = inner - first % inner;
        n = n < count ? n : count;
        at = (first / inner * rows + index) * inner + first % inner;
        answer = fill(b, entry, at, n, out);
    }
    return answer;
}

int32_t lfi_bank_read_row(const struct lfi_bank *bank, int64_t row, int64_t first,
                          int64_t count, void *out)
{
    const int64_t entry = lfi_bank_entry(bank, row), index = row - bank->first[entry];
    struct lfi_view rows;

    if (!bank->is_own[entry])
        return fill_row(bank, entry, index, first, count, out);
    rows = lfi_view_axis_first(lfi_bank_entry_view(bank, entry), bank->bank->output_axis);
    lfi_view_read_bits(&rows, index * bank->elements + first, count, out);
    return 0;
}

static int32_t read_bank(const struct lfi_bank *b, int64_t first, int64_t count,
                         char *out)
{
    const int64_t size = (int64_t)lfi_dtype_size(b->view.dtype);
    int32_t answer = 0;
    int64_t n;

    for (; count > 0 && answer == 0; first += n, count -= n, out += n * size) {
        n = b->elements - first % b->elements;
        n = n < count ? n : count;
        answer = lfi_bank_read_row(b, b->unique[first / b->elements], first % b->elements,
                                   n, out);
    }
    return answer;
}

int32_t lfi_banks_fill(void *user, int64_t index, int64_t first, int64_t count, void *out)
{
    const struct lfi_packed_banks *packed = user;
    const struct lfi_checkpoint_params *p = packed->params;
    const int64_t origin = packed->origins[index];

    if (origin < 0)
        return read_bank(&packed->banks[-1 - origin], first, count, out);
    return p->fill == NULL ? LFI_FILL_NONE
                           : p->fill(p->fill_user, origin, first, count, out);
}
