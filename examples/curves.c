/*
 * curves.c - quality against size of several methods, and where each curve bends
 *
 *     build/examples/curves ROWS --original 93.39 --title ResNet-56 --report curves.html
 *
 * ROWS is a text file with one point on each line: the method's name, a tab, how many times
 * smaller the network is, a tab, and its quality in per cent. scripts/experiments writes them.
 * Every curve begins with the original. Prints a table as Markdown.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "error.h"
#include "report.h"

enum { METHODS = 16, POINTS = 32, NAME = 64, LINE_BYTES = 256 };

struct method {
    char name[NAME];
    struct lfr_point points[POINTS]; /* ascending by ratio; the first is the original */
    struct lfr_bend bend;
    int bends, count;
};

struct page {
    struct method methods[METHODS];
    int count;
    double original;
    const char *title, *report, *picture;
};

/* ---- points ---------------------------------------------------------------------------------- */

static struct method *method_of(struct page *page, const char *name)
{
    struct method *m;
    int i;

    for (i = 0; i < page->count; i++)
        if (strcmp(page->methods[i].name, name) == 0)
            return &page->methods[i];
    if (page->count == METHODS)
        return NULL;
    m = &page->methods[page->count++];
    memcpy(m->name, name, strlen(name) + 1); /* read_line looked at its length */
    m->points[m->count++] = (struct lfr_point){1.0, page->original};
    return m;
}

static void insert(struct method *m, struct lfr_point point)
{
    int i = m->count++;

    for (; i > 0 && m->points[i - 1].ratio > point.ratio; i--)
        m->points[i] = m->points[i - 1];
    m->points[i] = point;
}

static lfuse_status read_line(struct page *page, const char *path, int number, char *line,
                              lfuse_error *err)
{
    struct lfr_point point;
    struct method *m;
    char *tab = strchr(line, '\t'), end;

    if (tab == NULL || tab == line || tab - line >= NAME ||
        sscanf(tab + 1, "%lf\t%lf %c", &point.ratio, &point.value, &end) != 2 ||
        !(point.ratio > 1.0 && point.ratio < 1e6) || !isfinite(point.value))
        return example_fail(
            err, LFUSE_ERR_FORMAT,
            "%s, line %d: not a name of less than %d bytes, a ratio above 1 "
            "and a number, with tabs between",
            path, number, NAME);
    *tab = '\0';
    m = method_of(page, line);
    if (m == NULL || m->count == POINTS)
        return example_fail(err, LFUSE_ERR_FORMAT,
                            "%s, line %d: more than %d methods, or %d points of one",
                            path, number, METHODS, POINTS - 1);
    insert(m, point);
    return LFUSE_OK;
}

static lfuse_status read_rows(struct page *page, const char *path, lfuse_error *err)
{
    FILE *in = fopen(path, "r");
    char line[LINE_BYTES];
    lfuse_status status = LFUSE_OK;
    int number = 0;

    if (in == NULL)
        return example_fail_errno(err, path);
    while (status == LFUSE_OK && fgets(line, sizeof(line), in) != NULL)
        status = read_line(page, path, ++number, line, err);
    if (status == LFUSE_OK && ferror(in))
        status = example_fail_errno(err, path);
    if (status == LFUSE_OK && page->count == 0)
        status = example_fail(err, LFUSE_ERR_FORMAT, "%s holds no line", path);
    fclose(in);
    return status;
}

/* ---- bends ----------------------------------------------------------------------------------- */

/* Over the share of weights that is gone, as the paper plots it; a curve may have no bend. */
static lfuse_status find_bend(struct method *m, lfuse_error *err)
{
    double gone[POINTS], quality[POINTS];
    lfuse_inflection found;
    lfuse_status status;
    int i;

    for (i = 0; i < m->count; i++) {
        gone[i] = 1.0 - 1.0 / m->points[i].ratio;
        quality[i] = m->points[i].value;
    }
    if (m->count < 4)
        return LFUSE_OK;
    lfuse_inflection_init(&found, sizeof(found));
    status = lfuse_curve_inflection(gone, quality, m->count, &found, err);
    if (status == LFUSE_ERR_DEGENERATE)
        return LFUSE_OK;
    if (status != LFUSE_OK)
        return status;
    m->bends = 1;
    m->bend = (struct lfr_bend){1.0 / (1.0 - found.x), 1.0 / (1.0 - found.x_low),
                                1.0 / (1.0 - found.x_high)};
    return LFUSE_OK;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void print(const struct page *page)
{
    int i, k;

    printf("| method | ratio | %% | against %.2f |\n|---|---|---|---|\n", page->original);
    for (k = 0; k < page->count; k++) {
        const struct method *m = &page->methods[k];

        for (i = 1; i < m->count; i++)
            printf("| %s | %.3f | %.2f | %+.2f |\n", m->name, m->points[i].ratio,
                   m->points[i].value, m->points[i].value - page->original);
    }
    printf("\n| method | bends at ratio | at 95 %% confidence in |\n|---|---|---|\n");
    for (k = 0; k < page->count; k++) {
        const struct method *m = &page->methods[k];

        if (m->bends)
            printf("| %s | %.2f | %.2f to %.2f |\n", m->name, m->bend.ratio, m->bend.low,
                   m->bend.high);
        else
            printf("| %s | %s |  |\n", m->name,
                   m->count < 4 ? "too few points" : "a straight line");
    }
}

static lfuse_status check_written(const char *path, int code, lfuse_error *err)
{
    if (code == 0)
        return LFUSE_OK;
    return example_fail(err, LFUSE_ERR_IO, "%s: %s", path, strerror(code));
}

static lfuse_status draw(const struct page *page, lfuse_error *err)
{
    struct lfr_series series[METHODS] = {{0}};
    const struct lfr_curve curve = {.metric = "test accuracy",
                                    .unit = "%",
                                    .base = "weights of layers that could fuse",
                                    .series = series,
                                    .series_count = page->count,
                                    .original = page->original};
    const struct lfr_report report = {.title = page->title,
                                      .summary =
                                          "Methods that make the same network smaller, "
                                          "trained on for as long.",
                                      .curve = &curve,
                                      .made_by = "layerfuse " LAYERFUSE_VERSION_STRING};
    lfuse_status status = LFUSE_OK;
    int i;

    for (i = 0; i < page->count; i++)
        series[i] = (struct lfr_series){
            .name = page->methods[i].name,
            .points = page->methods[i].points,
            .bend = page->methods[i].bends ? &page->methods[i].bend : NULL,
            .count = page->methods[i].count};
    if (page->report != NULL)
        status = check_written(page->report, lfr_write_html(page->report, &report), err);
    if (status == LFUSE_OK && page->picture != NULL)
        status =
            check_written(page->picture, lfr_write_svg_curve(page->picture, &curve), err);
    return status;
}

int main(int argc, char **argv)
{
    static struct page page = {.title = "Size against quality", .original = NAN};
    const struct argument table[] = {
        {"--original", "PERCENT", "quality of the network before (must be given)",
         &page.original, ARGUMENT_NUMBER, -1e9, 1e9},
        {"--title", "TEXT", "what the page is called", &page.title, ARGUMENT_TEXT, 0, 0},
        {"--report", "FILE", "an HTML page", &page.report, ARGUMENT_TEXT, 0, 0},
        {"--picture", "FILE", "the curves as SVG", &page.picture, ARGUMENT_TEXT, 0, 0},
    };
    const int arguments = sizeof(table) / sizeof(table[0]);
    lfuse_error err = {0};
    lfuse_status status;
    int help = argc < 2 || argv[1][0] == '-', i;

    status = help ? LFUSE_OK
                  : arguments_read(table, arguments, argc - 1, argv + 1, &help, &err);
    if (status == LFUSE_OK && (help || isnan(page.original))) {
        printf("usage: curves ROWS --original PERCENT [options]\n");
        arguments_print(table, arguments);
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    if (status == LFUSE_OK)
        status = read_rows(&page, argv[1], &err);
    for (i = 0; i < page.count && status == LFUSE_OK; i++)
        status = find_bend(&page.methods[i], &err);
    if (status == LFUSE_OK) {
        print(&page);
        status = draw(&page, &err);
    }
    if (status != LFUSE_OK)
        fprintf(stderr, "curves: %s\n", err.message);
    return status != LFUSE_OK;
}
