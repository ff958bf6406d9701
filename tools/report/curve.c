/*
 * curve.c - size against quality as SVG: every step, before and after retraining
 *
 * A filled point is a step after retraining, the ring at the same ratio the network right
 * after fusing; the line between them is what retraining recovered.
 */
#include "draw.h"

#include <math.h>

enum { LEFT = 46, RIGHT = 22, BOTTOM = 44, LINE = 20, MAX_TICKS = 40, SERIES_STYLES = 5 };

struct axis {
    double low, high, step;
    double from, to; /* pixels of low and high */
    int decimals;    /* of tick labels */
};

struct plot {
    const struct lfr_curve *curve;
    struct axis x, y;
    int decimals; /* of values written beside points */
    int width;
};

/* ---- axes -------------------------------------------------------------------------- */

/* 1, 2 or 5 times a power of ten, for about `count` steps. */
static double nice_step(double span, int count)
{
    double rough = span / count, power = pow(10.0, floor(log10(rough)));
    double part = rough / power;

    return power * (part < 1.5 ? 1.0 : part < 3.5 ? 2.0 : part < 7.5 ? 5.0 : 10.0);
}

static int decimals_for(double step)
{
    int decimals = (int)ceil(-log10(step) - 1e-9);

    return decimals < 0 ? 0 : decimals > 9 ? 9 : decimals;
}

static void widen(struct axis *axis, double value)
{
    if (!isfinite(value) || fabs(value) > 1e12)
        return;
    axis->low = value < axis->low ? value : axis->low;
    axis->high = value > axis->high ? value : axis->high;
}

static void cover_data(struct plot *plot)
{
    const struct lfr_curve *c = plot->curve;
    int i, k;

    plot->x.low = 1.0;
    plot->x.high = 1.0;
    plot->y.low = INFINITY;
    plot->y.high = -INFINITY;
    widen(&plot->y, c->original);
    for (i = 0; i < c->step_count; i++) {
        widen(&plot->x, c->steps[i].ratio);
        widen(&plot->y, c->steps[i].fused);
        widen(&plot->y, c->steps[i].retrained);
    }
    for (k = 0; k < c->series_count; k++) {
        for (i = 0; i < c->series[k].count; i++) {
            widen(&plot->x, c->series[k].points[i].ratio);
            widen(&plot->y, c->series[k].points[i].value);
        }
    }
    if (plot->y.low > plot->y.high)
        plot->y.low = plot->y.high = 0.0;
}

/* Ends at whole steps, with air around the data, not past what a percentage can be. */
static void set_y(struct axis *y, const char *unit)
{
    double span = y->high - y->low, most = y->high, least = y->low;

    if (span <= 1e-9 * fabs(y->high) || span <= 0.0)
        span = fabs(y->high) > 0.0 ? 0.1 * fabs(y->high) : 1.0;
    y->step = nice_step(span * 1.1, 5);
    y->low = floor((least - 0.1 * span) / y->step) * y->step;
    y->high = ceil((most + 0.06 * span) / y->step) * y->step;
    if (unit != NULL && unit[0] == '%' && unit[1] == '\0') {
        y->high = y->high > 100.0 && most <= 100.0 ? 100.0 : y->high;
        y->low = y->low < 0.0 && least >= 0.0 ? 0.0 : y->low;
    }
    y->decimals = decimals_for(y->step);
}

static void set_x(struct axis *x, int width)
{
    if (x->high - x->low < 0.1)
        x->high = x->low + 0.1;
    x->step = nice_step(x->high - x->low, width < 500 ? 4 : 7);
    x->high += 0.03 * (x->high - x->low);
    x->decimals = decimals_for(x->step);
}

static double at(const struct axis *axis, double value)
{
    double part = (value - axis->low) / (axis->high - axis->low);

    return axis->from + part * (axis->to - axis->from);
}

static int shown(double ratio, double value)
{
    return isfinite(ratio) && isfinite(value) && fabs(ratio) <= 1e12 &&
           fabs(value) <= 1e12;
}

static void draw_y_axis(FILE *out, const struct plot *plot)
{
    const struct axis *y = &plot->y;
    char text[LFR_NUMBER_BYTES];
    int i;

    for (i = 0; i < MAX_TICKS && y->low + i * y->step <= y->high + 1e-6 * y->step; i++) {
        double value = y->low + i * y->step;

        fprintf(
            out,
            "<path class=\"lfr-grid\" d=\"M%.1f %.1fH%.1f\"/><text class=\"lfr-faint\" "
            "text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
            plot->x.from, at(y, value), plot->x.to, plot->x.from - 8.0,
            at(y, value) + 4.0, lfr_fixed(text, value, y->decimals));
    }
}

static void draw_x_axis(FILE *out, const struct plot *plot)
{
    const struct axis *x = &plot->x;
    double first = ceil(x->low / x->step - 1e-9) * x->step;
    char text[LFR_NUMBER_BYTES];
    int i;

    fprintf(out, "<path class=\"lfr-axis\" d=\"M%.1f %.1fH%.1f\"/>\n", x->from,
            plot->y.from, x->to);
    for (i = 0; i < MAX_TICKS && first + i * x->step <= x->high; i++) {
        double value = first + i * x->step;

        fprintf(out,
                "<path class=\"lfr-axis\" d=\"M%.1f %.1fv4\"/><text class=\"lfr-faint\" "
                "text-anchor=\"middle\" x=\"%.1f\" y=\"%.1f\">%s\xc3\x97</text>\n",
                at(x, value), plot->y.from, at(x, value), plot->y.from + 18.0,
                lfr_fixed(text, value, x->decimals));
    }
    fprintf(out, "<text class=\"lfr-faint\" text-anchor=\"end\" x=\"%.1f\" y=\"%.1f\">",
            x->to, plot->y.from + 38.0);
    if (plot->width >= 500 && plot->curve->base != NULL && plot->curve->base[0] != '\0') {
        fputs("times smaller, over the ", out);
        lfr_text_fit(out, plot->curve->base, 60);
    } else {
        fputs("times smaller", out);
    }
    fputs("</text>\n", out);
}

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

/* Returns the height it takes. out may be NULL: then it only measures. */
static double draw_legend(FILE *out, const struct plot *plot)
{
    const struct lfr_curve *c = plot->curve;
    struct cursor cursor = {0.0, LINE + 14.0, plot->width};
    char value[LFR_NUMBER_BYTES];
    double x;
    int i;

    next_entry(&cursor, &x, 16);
    if (out != NULL)
        fprintf(out,
                "<circle class=\"lfr-dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>"
                "<text x=\"%.1f\" y=\"%.1f\">after retraining</text>\n",
                x + 6.0, cursor.y - 4.0, x + 18.0, cursor.y);
    next_entry(&cursor, &x, 18);
    if (out != NULL)
        fprintf(out,
                "<circle class=\"lfr-ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>"
                "<text x=\"%.1f\" y=\"%.1f\">right after fusing</text>\n",
                x + 6.0, cursor.y - 4.0, x + 18.0, cursor.y);
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
        if (!shown(s->points[i].ratio, s->points[i].value))
            continue;
        fprintf(out, "%c%.1f %.1f", begun ? 'L' : 'M', at(&plot->x, s->points[i].ratio),
                at(&plot->y, s->points[i].value));
        begun = 1;
    }
    fputs("\"/>\n", out);
    for (i = 0; i < s->count; i++) {
        if (!shown(s->points[i].ratio, s->points[i].value))
            continue;
        fputs("<g>", out);
        draw_series_mark(out, at(&plot->x, s->points[i].ratio),
                         at(&plot->y, s->points[i].value), index);
        draw_tip(out, s->name, s->points[i].ratio, s->points[i].value, plot->curve->unit);
        fputs("</g>\n", out);
    }
}

static void draw_line(FILE *out, const struct plot *plot)
{
    const struct lfr_curve *c = plot->curve;
    int i, begun = 0;

    fputs("<path class=\"lfr-line\" d=\"", out);
    if (shown(1.0, c->original)) {
        fprintf(out, "M%.1f %.1f", at(&plot->x, 1.0), at(&plot->y, c->original));
        begun = 1;
    }
    for (i = 0; i < c->step_count; i++) {
        if (!shown(c->steps[i].ratio, c->steps[i].retrained))
            continue;
        fprintf(out, "%c%.1f %.1f", begun ? 'L' : 'M', at(&plot->x, c->steps[i].ratio),
                at(&plot->y, c->steps[i].retrained));
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
            css_class, at(&plot->x, ratio), at(&plot->y, value) + away,
            lfr_fixed(text, value, plot->decimals));
}

static void draw_step(FILE *out, const struct plot *plot, const struct lfr_step *s,
                      int label)
{
    double x = at(&plot->x, s->ratio);
    int fused = shown(s->ratio, s->fused), retrained = shown(s->ratio, s->retrained);
    int fused_above = fused && retrained && s->fused > s->retrained;

    if (fused && retrained)
        fprintf(out, "<path class=\"lfr-drop\" d=\"M%.1f %.1fV%.1f\"/>\n", x,
                at(&plot->y, s->fused), at(&plot->y, s->retrained));
    if (fused) {
        fprintf(out, "<circle class=\"lfr-ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\">", x,
                at(&plot->y, s->fused));
        draw_tip(out, "right after fusing", s->ratio, s->fused, plot->curve->unit);
        fputs("</circle>\n", out);
    }
    if (retrained) {
        fprintf(out, "<circle class=\"lfr-dot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\">", x,
                at(&plot->y, s->retrained));
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
        double x = at(&plot->x, c->steps[i].ratio);
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

    cover_data(&plot);
    plot.decimals = plot.y.high - plot.y.low < 3.0 ? 2 : 1;
    set_y(&plot.y, curve->unit);
    set_x(&plot.x, width);
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
    draw_y_axis(out, &plot);
    draw_x_axis(out, &plot);
    if (shown(1.0, curve->original))
        fprintf(out, "<path class=\"lfr-original\" d=\"M%.1f %.1fH%.1f\"/>\n",
                plot.x.from, at(&plot.y, curve->original), plot.x.to);
    for (i = 0; i < curve->series_count; i++)
        draw_series(out, &plot, i);
    draw_line(out, &plot);
    draw_steps(out, &plot);
    fputs("</g>\n", out);
    lfr_svg_end(out);
}
