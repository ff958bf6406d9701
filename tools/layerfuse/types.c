/* types.c - see types.h */
#include "types.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

enum { LISTED = 12 }; /* patterns in a message */

const char *const lfc_types_rules[] = {"component", "digits", NULL};
const char lfc_types_rule_help[] = "what becomes * in names: component, those between\n"
                                   "dots that are all digits (the default), or digits,\n"
                                   "every run of digits";

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The end of the run of digits at text; text itself if there is none. */
static const char *skip_digits(const char *text)
{
    while (is_digit(*text))
        text++;
    return text;
}

/* ---- patterns -------------------------------------------------------------------------- */

char *lfc_types_pattern(const char *name, enum lfc_rule rule)
{
    char *pattern = lfc_copy(name, strlen(name)), *to = pattern;
    const char *from = name, *end;

    for (; *from != '\0'; from = end) {
        int starts = from == name || from[-1] == '.';

        end = skip_digits(from);
        if (end > from &&
            (rule == LFC_RULE_DIGITS || (starts && (*end == '.' || *end == '\0')))) {
            *to++ = '*';
            continue;
        }
        end = end > from ? end : from + 1;
        memcpy(to, from, (size_t)(end - from));
        to += end - from;
    }
    *to = '\0';
    return pattern;
}

/* Of two runs of digits: as numbers of any size. */
static int compare_numbers(const char *a, const char *a_end, const char *b,
                           const char *b_end)
{
    while (a < a_end && *a == '0')
        a++;
    while (b < b_end && *b == '0')
        b++;
    if (a_end - a != b_end - b)
        return a_end - a < b_end - b ? -1 : 1;
    return memcmp(a, b, (size_t)(a_end - a));
}

int lfc_types_natural_order(const char *a, const char *b)
{
    const char *x = a, *y = b;

    while (*x != '\0' && *y != '\0') {
        const char *x_end = skip_digits(x), *y_end = skip_digits(y);
        int order;

        if (x_end > x && y_end > y) {
            order = compare_numbers(x, x_end, y, y_end);
            x = x_end;
            y = y_end;
        } else {
            order = (unsigned char)*x - (unsigned char)*y;
            x++;
            y++;
        }
        if (order != 0)
            return order;
    }
    if (*x != *y)
        return *x == '\0' ? -1 : 1;
    return strcmp(a, b); /* h.1 and h.01 */
}

/* ---- finding --------------------------------------------------------------------------- */

struct candidate {
    char *pattern;
    const char *name;
    int64_t index;
    int32_t rank;
    int64_t dims[LFUSE_MAX_RANK];
};

static int compare_shapes(const struct candidate *a, const struct candidate *b)
{
    int32_t i;

    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    for (i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i])
            return a->dims[i] < b->dims[i] ? -1 : 1;
    return 0;
}

static int by_pattern(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = lfc_types_natural_order(x->pattern, y->pattern);

    return order != 0 ? order : lfc_types_natural_order(x->name, y->name);
}

static int by_pattern_and_shape(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    int order = lfc_types_natural_order(x->pattern, y->pattern);

    if (order == 0)
        order = compare_shapes(x, y);
    return order != 0 ? order : lfc_types_natural_order(x->name, y->name);
}

static int64_t find_candidates(const lfuse_checkpoint *checkpoint, enum lfc_rule rule,
                               struct candidate *candidates)
{
    int64_t total = lfuse_checkpoint_count(checkpoint), count = 0, i;
    int32_t axis;

    for (i = 0; i < total; i++) {
        const lfuse_tensor *tensor = lfuse_checkpoint_tensor(checkpoint, i);
        struct candidate *c = &candidates[count];

        c->rank = lfuse_tensor_rank(tensor);
        if (c->rank < 2)
            continue;
        for (axis = 0; axis < c->rank; axis++)
            c->dims[axis] = lfuse_tensor_dim(tensor, axis);
        c->name = lfuse_checkpoint_name(checkpoint, i);
        c->index = i;
        c->pattern = lfc_types_pattern(c->name, rule);
        count++;
    }
    return count;
}

/* How far all names agree up to, and from, a dot. */
static void find_common(const struct candidate *c, int64_t count, size_t *head,
                        size_t *tail)
{
    size_t length = strlen(c[0].name), same;
    int64_t i;

    *head = *tail = length;
    for (i = 1; i < count; i++) {
        const char *name = c[i].name;
        size_t other = strlen(name);

        for (same = 0; same < *head && name[same] == c[0].name[same];)
            same++;
        *head = same;
        for (same = 0; same < *tail && same < other &&
                       name[other - 1 - same] == c[0].name[length - 1 - same];)
            same++;
        *tail = same;
    }
    while (*head > 0 && c[0].name[*head - 1] != '.')
        --*head;
    while (*tail > 0 && c[0].name[length - *tail] != '.')
        --*tail;
}

static void make_type(const struct candidate *c, int64_t count, struct lfc_type *type)
{
    size_t head, tail;
    int64_t i;

    find_common(c, count, &head, &tail);
    type->pattern = lfc_copy(c[0].pattern, strlen(c[0].pattern));
    type->tensors = lfc_alloc((size_t)count, sizeof(*type->tensors));
    type->labels = lfc_alloc((size_t)count, sizeof(*type->labels));
    type->count = count;
    type->rank = c[0].rank;
    memcpy(type->dims, c[0].dims, sizeof(type->dims));
    for (i = 0; i < count; i++) {
        type->tensors[i] = c[i].index;
        type->labels[i] = lfc_copy(c[i].name + head, strlen(c[i].name) - head - tail);
        if (compare_shapes(&c[i], &c[0]) != 0)
            type->is_mixed = 1;
    }
}

void lfc_types_find(const lfuse_checkpoint *checkpoint, enum lfc_rule rule, int any_shape,
                    struct lfc_types *types)
{
    size_t total = (size_t)lfuse_checkpoint_count(checkpoint);
    struct candidate *c = lfc_alloc(total, sizeof(*c));
    int64_t count = find_candidates(checkpoint, rule, c), first, end;

    qsort(c, (size_t)count, sizeof(*c), any_shape ? by_pattern : by_pattern_and_shape);
    types->items = lfc_alloc((size_t)count / 2, sizeof(*types->items));
    types->count = 0;
    for (first = 0; first < count; first = end) {
        for (end = first + 1; end < count; end++)
            if (strcmp(c[end].pattern, c[first].pattern) != 0 ||
                (!any_shape && compare_shapes(&c[end], &c[first]) != 0))
                break;
        if (end - first >= 2)
            make_type(&c[first], end - first, &types->items[types->count++]);
    }
    while (count > 0)
        free(c[--count].pattern);
    free(c);
}

/* ---- selecting ------------------------------------------------------------------------- */

static void free_type(struct lfc_type *type)
{
    while (type->count > 0)
        free(type->labels[--type->count]);
    free(type->labels);
    free(type->tensors);
    free(type->pattern);
}

void lfc_types_free(struct lfc_types *types)
{
    while (types->count > 0)
        free_type(&types->items[--types->count]);
    free(types->items);
}

static int matches(const char *glob, const char *pattern)
{
    return strcmp(glob, pattern) == 0 || fnmatch(glob, pattern, 0) == 0;
}

/* Of equal patterns, which are neighbours, one. */
static int fail_unmatched(const struct lfc_types *types, const char *glob)
{
    char *list = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&list, &size);
    int64_t i, listed = 0, more = 0;
    int code;

    for (i = 0; i < types->count && out != NULL; i++) {
        const char *pattern = types->items[i].pattern;

        if (i > 0 && strcmp(pattern, types->items[i - 1].pattern) == 0)
            continue;
        if (listed < LISTED)
            fprintf(out, "%s%s", listed++ > 0 ? ", " : "", pattern);
        else
            more++;
    }
    if (out != NULL && more > 0)
        fprintf(out, " and %lld more", (long long)more);
    if (out != NULL)
        fclose(out);
    code = lfc_fail(LFC_FAILED, "--type: no type matches '%s'; there are: %s", glob,
                    listed == 0 ? "none" : list);
    free(list);
    return code;
}

int lfc_types_select(struct lfc_types *types, const char *const *globs, int count)
{
    int64_t i, kept = 0;
    int k;

    for (k = 0; k < count; k++) {
        for (i = 0; i < types->count && !matches(globs[k], types->items[i].pattern);)
            i++;
        if (i == types->count)
            return fail_unmatched(types, globs[k]);
    }
    for (i = 0; i < types->count && count > 0; i++) {
        struct lfc_type type = types->items[i];

        for (k = 0; k < count && !matches(globs[k], type.pattern);)
            k++;
        if (k < count)
            types->items[kept++] = type;
        else
            free_type(&type);
    }
    if (count > 0)
        types->count = kept;
    return LFC_DONE;
}
