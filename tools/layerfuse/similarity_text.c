/* similarity_text.c - what layerfuse similarity measured, for people */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "similarity.h"
#include "text.h"

enum { BEST_BESIDE = 3, BEST_ALONE = 10 }; /* pairs listed: with a matrix, and without */

struct pair {
    int64_t i;
    int64_t j;
    double value;
};

/* How a type's values are written, all of them alike. */
struct style {
    int decimals; /* < 0: as 1.23e+45 */
    int width;
};

/* ---- numbers ------------------------------------------------------------------------------- */

static int print_value(char text[LFC_NUMBER_BYTES], const struct style *style,
                       double value)
{
    if (!isfinite(value))
        return snprintf(text, LFC_NUMBER_BYTES, "-");
    if (style->decimals < 0)
        return snprintf(text, LFC_NUMBER_BYTES, "%.3e", value);
    if (fabs(value) < 0.5 * pow(10.0, -style->decimals)) /* no minus zero */
        value = 0.0;
    return snprintf(text, LFC_NUMBER_BYTES, "%.*f", style->decimals, value);
}

/* Four digits of the largest. */
static struct style find_style(const struct pair *pairs, int64_t count)
{
    struct style style = {.decimals = 3};
    char text[LFC_NUMBER_BYTES];
    double largest = 0.0;
    int64_t i;

    for (i = 0; i < count; i++)
        largest = fmax(largest, fabs(pairs[i].value));
    if (largest >= 1e6 || (largest > 0.0 && largest < 1e-3))
        style.decimals = -1;
    else if (largest > 0.0)
        style.decimals = largest < 1000.0 ? 3 - (int)floor(log10(largest)) : 0;
    for (i = 0; i < count; i++) {
        int width = print_value(text, &style, pairs[i].value);

        style.width = width > style.width ? width : style.width;
    }
    return style;
}

/* ---- pairs --------------------------------------------------------------------------------- */

static int by_place(const struct pair *x, const struct pair *y)
{
    if (x->i != y->i)
        return x->i < y->i ? -1 : 1;
    return x->j < y->j ? -1 : x->j > y->j;
}

static int nearest_first(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? -1 : 1;
    return by_place(x, y);
}

static int greatest_first(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;

    if (x->value != y->value)
        return x->value > y->value ? -1 : 1;
    return by_place(x, y);
}

/* Those with a value, most alike first; how many. */
static int64_t rank_pairs(const struct lfc_similarity *asked,
                          const struct lfc_measured *m, struct pair *pairs)
{
    int64_t n = m->type->count, count = 0, i, j;

    for (i = 0; i < n; i++)
        for (j = asked->metric.is_symmetric ? i + 1 : 0; j < n; j++)
            if (i != j && isfinite(m->values[i * n + j]))
                pairs[count++] = (struct pair){i, j, m->values[i * n + j]};
    qsort(pairs, (size_t)count, sizeof(*pairs),
          asked->metric.is_distance ? nearest_first : greatest_first);
    return count;
}

static void print_best(const struct lfc_measured *m, const struct pair *pairs,
                       int64_t count, int symmetric, const struct style *style)
{
    char text[LFC_NUMBER_BYTES];
    int width = 0;
    int64_t i;

    for (i = 0; i < count; i++) {
        int label = lfc_text_width(m->type->labels[pairs[i].i]);

        width = label > width ? label : width;
    }
    for (i = 0; i < count; i++) {
        print_value(text, style, pairs[i].value);
        printf("    ");
        lfc_put_right(stdout, text, style->width);
        printf("  ");
        lfc_put_left(stdout, m->type->labels[pairs[i].i], width);
        printf(symmetric ? "  " : " to ");
        lfc_put_text(stdout, m->type->labels[pairs[i].j]);
        putchar('\n');
    }
}

/* ---- matrices ------------------------------------------------------------------------------ */

static int widest_label(const struct lfc_type *type)
{
    int widest = 0, width;
    int64_t i;

    for (i = 0; i < type->count; i++) {
        width = lfc_text_width(type->labels[i]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void print_matrix(const struct lfc_measured *m, const struct style *style,
                         int label)
{
    int cell = (style->width > label ? style->width : label) + 2;
    const struct lfc_type *type = m->type;
    char text[LFC_NUMBER_BYTES];
    int64_t i, j;

    printf("  %*s", label, "");
    for (j = 0; j < type->count; j++)
        lfc_put_right(stdout, type->labels[j], cell);
    putchar('\n');
    for (i = 0; i < type->count; i++) {
        printf("  ");
        lfc_put_left(stdout, type->labels[i], label);
        for (j = 0; j < type->count; j++) {
            print_value(text, style, m->values[i * type->count + j]);
            lfc_put_right(stdout, i == j ? "." : text, cell);
        }
        putchar('\n');
    }
    putchar('\n');
}

/* ---- all of it ----------------------------------------------------------------------------- */

static void print_heading(const struct lfc_type *type)
{
    char text[LFC_NUMBER_BYTES];

    putchar('\n');
    lfc_put_text(stdout, type->pattern);
    if (type->is_mixed) {
        printf(" of several shapes");
    } else {
        putchar(' ');
        lfc_put_shape(stdout, type->rank, type->dims);
    }
    printf(": %s layers\n\n", lfc_count(text, type->count));
}

static void print_type(const struct lfc_similarity *asked, const struct lfc_measured *m,
                       int columns)
{
    int64_t all = lfc_similarity_pairs(asked, m->type), count, listed;
    struct pair *pairs = lfc_alloc((size_t)all, sizeof(*pairs));
    int label = widest_label(m->type), cell, fits;
    char a[LFC_NUMBER_BYTES], b[LFC_NUMBER_BYTES];
    struct style style;

    count = rank_pairs(asked, m, pairs);
    style = find_style(pairs, count);
    cell = (style.width > label ? style.width : label) + 2;
    fits = m->type->count > 2 && m->type->count <= (columns - 2 - label) / cell;
    listed = fits ? BEST_BESIDE : BEST_ALONE;
    listed = listed < count ? listed : count;
    print_heading(m->type);
    if (fits)
        print_matrix(m, &style, label);
    if (listed > 0)
        printf("  most alike:\n");
    print_best(m, pairs, listed, asked->metric.is_symmetric, &style);
    if (listed < count && !fits)
        printf("    and %s less alike\n", lfc_count(a, count - listed));
    if (count < all)
        printf("  %s of %s pairs could not be compared\n", lfc_count(a, all - count),
               lfc_count(b, all));
    free(pairs);
}

int lfc_similarity_text(const struct lfc_measures *measures)
{
    const struct lfc_similarity *asked = measures->asked;
    int columns = lfc_columns();
    int64_t i;

    printf("%s: %s is more alike\n", asked->metric.name,
           asked->metric.is_distance ? "smaller" : "greater");
    for (i = 0; i < measures->count; i++)
        print_type(asked, &measures->items[i], columns);
    if (measures->count == 0)
        printf("\nNo two tensors are layers of one type.\n");
    return lfc_finish_stdout();
}
