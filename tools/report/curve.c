/*
 * curve.c - size against quality as SVG: every step, before and after retraining
 *
 * A filled point is a step after retraining, the ring at the same ratio the network right
 * after fusing; the line between them is what retraining recovered.
 */
#include "plot.h"

#include <math.h>

enum { LEFT = 46, RIGHT = 22, BOTTOM = 44, LINE = 20, SERIES_STYLES = 5 };

/* ---- legend ------------------------------------------------------------------------ */

struct cursor {
    double x, y;
    int width;
};

/* Room for a mark and a name of that many characters, on a new line if there is none. */
static void next_entry(struct cursor *at, double *x, int length)
{
    double need = 26.0 + length * 6.4 + 18.0;

    if (at->x > 0.0 && at->x + need - 18.0 > at->width) {
        at->x = 0.0;
        at->y += LINE;
    }
    *x = at->x;
    at->x += need;
}

/* A series' mark at its point: a square, a diamond, a triangle, and again. */
static void draw_series_mark(FILE *out, double x, double y, int series)
{
    static const char *const marks[3] = {"m-3.5 -3.5h7v7h-7z",
                                         "m0 -4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z",
                                         "m0 -4.5l4.3 7.5h-8.6z"};

    fprintf(out, "<path class=\"lfr-series lfr-s%d\" d=\"M%.1f %.1f%s\"/>",
            series % SERIES_STYLES, x, y, marks[series % 3]);
}

/* What the marks of steps mean. */
static void draw_step_legend(FILE *out, struct cursor *cursor)
{
    double x;

    next_entry(cursor, &x, 16);
    if (out != NULL)
        fprintf(out,
                "<circle class=\"lfr-dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>"
                "<text x=\"%.1f\" y=\"%.1f\">after retraining</text>\n",
                x + 6.0, cursor->y - 4.0, x + 18.0, cursor->y);
    next_entry(cursor, &x, 18);
    if (out != NULL)
        fprintf(out,
                "<circle class=\"lfr-ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>"
                "<text x=\"%.1f\" y=\"%.1f\">right after fusing</text>\n",
                x + 6.0, cursor->y - 4.0, x + 18.0, cursor->y);
}

/* Returns the height it takes. out may be NULL: then it only measures. */
static double draw_legend(FILE *out, const struct plot *plot)
{
    const struct lfr_curve *c = plot->curve;
    struct cursor cursor = {0.0, LINE + 14.0, plot->width};
    char value[LFR_NUMBER_BYTES];
    double x;
    int i;

    if (c->step_count > 0)
        draw_step_legend(out, &cursor);
    if (isfinite(c->original)) {
        lfr_fixed(value, c->original, plot->decimals);
        next_entry(&cursor, &x, 11 + lfr_text_length(value));
        if (out != NULL)
            fprintf(out,
                    "<path class=\"lfr-original\" d=\"M%.1f %.1fh18\"/>"
                    "<text x=\"%.1f\" y=\"%.1f\">original, %s</text>\n",
                    x, cursor.y - 4.0, x + 26.0, cursor.y, value);
    }
    for (i = 0; i < c->series_count; i++) {
        int length = lfr_text_length(c->series[i].name);

        next_entry(&cursor, &x, length > 28 ? 28 : length);
        if (out == NULL)
            continue;
        draw_series_mark(out, x + 6.0, cursor.y - 4.0, i);
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\">", x + 18.0, cursor.y);
        lfr_text_fit(out, c->series[i].name, 28);
        fputs("</text>\n", out);
    }
    return cursor.y;
}

/* ---- data -------------------------------------------------------------------------- */

static void draw_tip(FILE *out, const char *what, double ratio, double value,
                     const char *unit)
{
    char times[LFR_NUMBER_BYTES], text[LFR_NUMBER_BYTES];

    fputs("<title>", out);
    lfr_text(out, what);
    fprintf(out, ": %s ", lfr_fixed(text, value, 2));
    lfr_text(out, unit);
    fprintf(out, " at %s\xc3\x97</title>", lfr_fixed(times, ratio, 2));
}

static void draw_series(FILE *out, const struct plot *plot, int index)
{
    const struct lfr_series *s = &plot->curve->series[index];
    int i, begun = 0;

    fprintf(out, "<path class=\"lfr-series lfr-s%d\" d=\"", index % SERIES_STYLES);
    for (i = 0; i < s->count; i++) {
        if (!lfr_plot_shown(s->points[i].ratio, s->points[i].value))
            continue;
        fprintf(out, "%c%.1f %.1f", begun ? 'L' : 'M',
                lfr_plot_at(&plot->x, s->points[i].ratio),
                lfr_plot_at(&plot->y, s->points[i].value));
        begun = 1;
    }
    fputs("\"/>\n", out);
    for (i = 0; i < s->count; i++) {
        if (!lfr_plot_shown(s->points[i].ratio, s->points[i].value))
            continue;
        fputs("<g>", out);
        draw_series_mark(out, lfr_plot_at(&plot->x, s->points[i].ratio),
                         lfr_plot_at(&plot->y, s->points[i].value), index);
        draw_tip(out, s->name, s->points[i].ratio, s->points[i].value, plot->curve->unit);
        fputs("</g>\n", out);
    }
}

static void draw_line(FILE *out, const struct plot *plot)
{
    const struct lfr_curve *c = plot->curve;
    int i, begun = 0;

    if (c->step_count == 0)
        return;
    fputs("<path class=\"lfr-line\" d=\"", out);
    if (lfr_plot_shown(1.0, c->original)) {
        fprintf(out, "M%.1f %.1f", lfr_plot_at(&plot->x, 1.0),
                lfr_plot_at(&plot->y, c->original));
        begun = 1;
    }
    for (i = 0; i < c->step_count; i++) {
        if (!lfr_plot_shown(c->steps[i].ratio, c->steps[i].retrained))
            continue;
        fprintf(out, "%c%.1f %.1f", begun ? 'L' : 'M',
                lfr_plot_at(&plot->x, c->steps[i].ratio),
                lfr_plot_at(&plot->y, c->steps[i].retrained));
        begun = 1;
    }
    fputs("\"/>\n", out);
}

/* The value beside a point: `away` pixels below its middle, above when negative. */
static void draw_value(FILE *out, const struct plot *plot, const char *css_class,
                       double ratio, double value, double away)
{
    char text[LFR_NUMBER_BYTES];

    fprintf(out,
            "<text class=\"%s\" text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
            css_class, lfr_plot_at(&plot->x, ratio), lfr_plot_at(&plot->y, value) + away,
            lfr_fixed(text, value, plot->decimals));
}

static void draw_step(FILE *out, const struct plot *plot, const struct lfr_step *s,
                      int label)
{
    double x = lfr_plot_at(&plot->x, s->ratio);
    int fused = lfr_plot_shown(s->ratio, s->fused),
        retrained = lfr_plot_shown(s->ratio, s->retrained);
    int fused_above = fused && retrained && s->fused > s->retrained;

    if (fused && retrained)
        fprintf(out, "<path class=\"lfr-drop\" d=\"M%.1f %.1fV%.1f\"/>\n", x,
                lfr_plot_at(&plot->y, s->fused), lfr_plot_at(&plot->y, s->retrained));
    if (fused) {
        fprintf(out, "<circle class=\"lfr-ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\">", x,
                lfr_plot_at(&plot->y, s->fused));
        draw_tip(out, "right after fusing", s->ratio, s->fused, plot->curve->unit);
        fputs("</circle>\n", out);
    }
    if (retrained) {
        fprintf(out, "<circle class=\"lfr-dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\">", x,
                lfr_plot_at(&plot->y, s->retrained));
        draw_tip(out, "after retraining", s->ratio, s->retrained, plot->curve->unit);
        fputs("</circle>\n", out);
    }
    if (label && fused)
        draw_value(out, plot, "lfr-low", s->ratio, s->fused, fused_above ? -9.0 : 18.0);
    if (label && retrained)
        draw_value(out, plot, "lfr-strong", s->ratio, s->retrained,
                   fused_above ? 18.0 : -10.0);
}

/* Values are written from the last step backwards, wherever there is room for one. */
static void draw_steps(FILE *out, const struct plot *plot)
{
    const struct lfr_curve *c = plot->curve;
    double last = INFINITY;
    int i;

    for (i = c->step_count - 1; i >= 0; i--) {
        double x = lfr_plot_at(&plot->x, c->steps[i].ratio);
        int label = isfinite(x) && last - x >= 38.0;

        draw_step(out, plot, &c->steps[i], label);
        if (label)
            last = x;
    }
}

void lfr_curve(FILE *out, const struct lfr_curve *curve, int width, int height,
               const char *css_class, int alone)
{
    struct plot plot = {.curve = curve, .width = width};
    double pad = alone ? 16.0 : 0.0;
    int i;

    lfr_plot_fit(&plot);
    plot.x.from = LEFT;
    plot.x.to = width - RIGHT;
    plot.y.from = height - BOTTOM;
    plot.y.to = draw_legend(NULL, &plot) + 26.0;

    lfr_svg_begin(out, width + 2.0 * pad, height + 2.0 * pad, css_class,
                  "Curve of size against ", curve->metric, alone);
    fprintf(out,
            "<g transform=\"translate(%.0f %.0f)\">\n<text class=\"lfr-strong\" "
            "font-weight=\"600\" x=\"0\" y=\"12\">",
            pad, pad);
    lfr_text_fit(out, curve->metric, 40);
    if (curve->unit != NULL && curve->unit[0] != '\0') {
        fputs(", ", out);
        lfr_text_fit(out, curve->unit, 12);
    }
    fputs("</text>\n", out);
    draw_legend(out, &plot);
    lfr_plot_axes(out, &plot);
    if (lfr_plot_shown(1.0, curve->original))
        fprintf(out, "<path class=\"lfr-original\" d=\"M%.1f %.1fH%.1f\"/>\n",
                plot.x.from, lfr_plot_at(&plot.y, curve->original), plot.x.to);
    for (i = 0; i < curve->series_count; i++)
        draw_series(out, &plot, i);
    draw_line(out, &plot);
    draw_steps(out, &plot);
    lfr_bends(out, &plot);
    fputs("</g>\n", out);
    lfr_svg_end(out);
}
