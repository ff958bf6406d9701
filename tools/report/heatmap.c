/*
 * heatmap.c - a matrix of how alike layers are, as SVG
 *
 * Colours are viridis (van der Walt & Smith 2015): even steps of lightness, the same for
 * colour-blind eyes, told apart on light and on dark ground. Its yellow end is always the
 * alike end, whichever way the metric counts. The scale spans the pairs, so a layer with
 * itself, which is alike by definition, is left blank.
 */
#include "draw.h"

#include <math.h>

enum { NAME_MOST = 34, BAR_STEPS = 64, BAR = 260, PAD = 16 };

struct plan {
    const struct lfr_matrix *matrix;
    double low, high; /* finite values of pairs; low > high: there are none */
    int missing;      /* there are pairs without a value */
    int show_values;
    double cell, font, names; /* pixels; names: the width of the longest */
    double left, top;         /* of the grid */
};

struct rgb {
    int r, g, b;
};

/* t in [0, 1]; 1 is alike. Linear between nine points of the map, off it by 2 of 255. */
static struct rgb viridis(double t)
{
    static const struct rgb points[9] = {{68, 1, 84},    {71, 44, 122},  {59, 81, 139},
                                         {44, 113, 142}, {33, 144, 141}, {39, 173, 129},
                                         {92, 200, 99},  {170, 220, 50}, {253, 231, 37}};
    int i = t >= 1.0 ? 7 : (int)(t * 8.0);
    double part = t * 8.0 - i;
    struct rgb a = points[i], b = points[i + 1];
    struct rgb colour = {a.r + (int)lround(part * (b.r - a.r)),
                         a.g + (int)lround(part * (b.g - a.g)),
                         a.b + (int)lround(part * (b.b - a.b))};

    return colour;
}

static double value_at(const struct lfr_matrix *m, int row, int column)
{
    return m->values[(int64_t)row * m->count + column];
}

/* Where on the scale: 0 least alike, 1 most; the middle when all are the same. */
static double alike(const struct plan *p, double value)
{
    double t = p->high > p->low ? (value - p->low) / (p->high - p->low) : 0.5;

    t = t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
    return p->matrix->direction == LFR_SIMILARITY ? t : 1.0 - t;
}

static void find_range(struct plan *p)
{
    const struct lfr_matrix *m = p->matrix;
    char text[LFR_NUMBER_BYTES];
    int i, k, longest = 0;

    p->low = INFINITY;
    p->high = -INFINITY;
    for (i = 0; i < m->count; i++) {
        for (k = 0; k < m->count; k++) {
            double v = value_at(m, i, k);

            if (i == k)
                continue;
            if (!isfinite(v)) {
                p->missing = 1;
                continue;
            }
            p->low = v < p->low ? v : p->low;
            p->high = v > p->high ? v : p->high;
            if (lfr_text_length(lfr_value(text, v)) > longest)
                longest = lfr_text_length(text);
        }
    }
    p->show_values = m->count <= 10 && longest <= 6;
}

static void plan_sizes(struct plan *p)
{
    int n = p->matrix->count, longest = 0, i;

    p->cell = n <= 10 ? 40 : n <= 16 ? 28 : n <= 30 ? 20 : n <= 44 ? 15 : 12;
    p->font = n <= 30 ? 12 : n <= 44 ? 11 : 10;
    for (i = 0; i < n; i++) {
        int length = lfr_text_length(p->matrix->names[i]);

        longest = length > longest ? length : longest;
    }
    longest = longest < NAME_MOST ? longest : NAME_MOST;
    p->names = longest * p->font * 0.61 + 8.0; /* monospaced: 0.6 em each */
}

static void draw_names(FILE *out, const struct plan *p)
{
    int i;

    for (i = 0; i < p->matrix->count; i++) {
        double middle = (i + 0.5) * p->cell + p->font * 0.35;

        fprintf(out,
                "<text class=\"lfr-name\" font-size=\"%.0f\" text-anchor=\"end\" "
                "x=\"%.1f\" y=\"%.1f\">",
                p->font, p->left - 8.0, p->top + middle);
        lfr_text_fit(out, p->matrix->names[i], NAME_MOST);
        fprintf(out,
                "</text>\n<text class=\"lfr-name\" font-size=\"%.0f\" "
                "transform=\"translate(%.1f %.1f) rotate(-90)\">",
                p->font, p->left + middle, p->top - 8.0);
        lfr_text_fit(out, p->matrix->names[i], NAME_MOST);
        fputs("</text>\n", out);
    }
}

/* What is said of a pair when the reader points at it. */
static void draw_tip(FILE *out, const struct plan *p, int row, int column)
{
    char text[LFR_NUMBER_BYTES];
    double v = value_at(p->matrix, row, column);

    fputs("<title>", out);
    lfr_text(out, p->matrix->names[row]);
    fputs(row == column ? ": the layer itself" : " and ", out);
    if (row != column) {
        lfr_text(out, p->matrix->names[column]);
        fprintf(out, ": %s", isfinite(v) ? lfr_value(text, v) : "not comparable");
    }
    fputs("</title>", out);
}

static void draw_cell(FILE *out, const struct plan *p, int row, int column)
{
    double v = value_at(p->matrix, row, column), gap = p->cell > 20 ? 1.5 : 0.75;
    double x = p->left + column * p->cell, y = p->top + row * p->cell;
    double side = p->cell - gap;
    char text[LFR_NUMBER_BYTES];

    fprintf(out, "<g><rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\"", x, y,
            side, side);
    if (row == column || !isfinite(v)) {
        fputs(" class=\"lfr-same\"/>", out);
        if (row != column)
            fprintf(out, "<path class=\"lfr-none\" d=\"M%.2f %.2fl%.2f %.2f\"/>",
                    x + side * 0.25, y + side * 0.75, side * 0.5, side * -0.5);
    } else {
        struct rgb c = viridis(alike(p, v));

        fprintf(out, " fill=\"#%02x%02x%02x\"/>", c.r, c.g, c.b);
        if (p->show_values) /* white on blue and green up to here, black on yellow */
            fprintf(out,
                    "<text class=\"lfr-on-%s\" font-size=\"11\" text-anchor=\"middle\" "
                    "x=\"%.2f\" y=\"%.2f\">%s</text>",
                    alike(p, v) < 0.45 ? "dark" : "light", x + side * 0.5,
                    y + side * 0.5 + 4.0, lfr_value(text, v));
    }
    draw_tip(out, p, row, column);
    fputs("</g>\n", out);
}

/* A bar from less to more alike, its ends with their values. */
static void draw_scale(FILE *out, const struct plan *p, double x, double y)
{
    int similarity = p->matrix->direction == LFR_SIMILARITY, i;
    char less[LFR_NUMBER_BYTES], more[LFR_NUMBER_BYTES];
    double step = (double)BAR / BAR_STEPS;

    if (p->low > p->high) {
        fprintf(out, "<text class=\"lfr-faint\" x=\"%.1f\" y=\"%.1f\">", x, y + 10.0);
        fprintf(out, "%s</text>\n",
                p->missing ? "No pair could be compared." : "One layer.");
        return;
    }
    for (i = 0; i < BAR_STEPS; i++) {
        struct rgb c = viridis(p->high > p->low ? (double)i / (BAR_STEPS - 1) : 0.5);

        fprintf(out, /* a little wider, so that no seams show */
                "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"8\" "
                "fill=\"#%02x%02x%02x\"/>\n",
                x + i * step, y, i + 1 < BAR_STEPS ? step + 1.0 : step, c.r, c.g, c.b);
    }
    lfr_value(less, similarity ? p->low : p->high);
    lfr_value(more, similarity ? p->high : p->low);
    fprintf(
        out,
        "<text class=\"lfr-faint\" x=\"%.1f\" y=\"%.1f\"><tspan class=\"lfr-strong\">%s"
        "</tspan> less alike</text>\n<text class=\"lfr-faint\" text-anchor=\"end\" "
        "x=\"%.1f\" y=\"%.1f\">more alike <tspan class=\"lfr-strong\">%s</tspan>"
        "</text>\n",
        x, y + 24.0, less, x + BAR, y + 24.0, more);
    if (p->missing)
        fprintf(out,
                "<rect class=\"lfr-same\" x=\"%.1f\" y=\"%.1f\" width=\"12\" "
                "height=\"12\"/><path class=\"lfr-none\" d=\"M%.1f %.1fl6 -6\"/>"
                "<text class=\"lfr-faint\" x=\"%.1f\" y=\"%.1f\">not comparable</text>\n",
                x, y + 36.0, x + 3.0, y + 45.0, x + 19.0, y + 46.0);
}

static void draw_heading(FILE *out, const struct lfr_matrix *m)
{
    fprintf(out,
            "<text class=\"lfr-strong\" font-weight=\"600\" font-size=\"14\" "
            "x=\"%d\" y=\"%d\">",
            PAD, PAD + 12);
    lfr_text_fit(out, m->type, 40);
    fprintf(out, "</text>\n<text class=\"lfr-faint\" x=\"%d\" y=\"%d\">", PAD, PAD + 32);
    lfr_text_fit(out, m->metric, 40);
    fprintf(out, " %s</text>\n",
            m->direction == LFR_SIMILARITY ? "similarity" : "distance");
}

void lfr_heatmap(FILE *out, const struct lfr_matrix *matrix, int alone)
{
    struct plan p = {.matrix = matrix};
    double grid, width, pad = alone ? PAD : 0.0, heading = alone ? 48.0 : 0.0;
    int i, k;

    find_range(&p);
    plan_sizes(&p);
    grid = p.cell * matrix->count;
    p.left = pad + p.names;
    p.top = pad + heading + p.names;
    width = p.names + grid > BAR ? p.names + grid : BAR;
    if (alone && width < 300.0) /* the heading */
        width = 300.0;
    lfr_svg_begin(out, width + 2.0 * pad,
                  p.top + grid + 16.0 + 28.0 + (p.missing ? 24.0 : 0.0) + pad, "",
                  "Heatmap of how alike these layers are: ", matrix->type, alone);
    if (alone)
        draw_heading(out, matrix);
    draw_names(out, &p);
    for (i = 0; i < matrix->count; i++)
        for (k = 0; k < matrix->count; k++)
            draw_cell(out, &p, i, k);
    draw_scale(out, &p, pad, p.top + grid + 16.0);
    lfr_svg_end(out);
}
