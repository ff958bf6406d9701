/* axes.c - what a curve's axes span, where their ticks are, and the lines and words of both */
#include "plot.h"

#include <math.h>

enum { MAX_TICKS = 40 };

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

double lfr_plot_at(const struct axis *axis, double value)
{
    double part = (value - axis->low) / (axis->high - axis->low);

    return axis->from + part * (axis->to - axis->from);
}

int lfr_plot_shown(double ratio, double value)
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
            plot->x.from, lfr_plot_at(y, value), plot->x.to, plot->x.from - 8.0,
            lfr_plot_at(y, value) + 4.0, lfr_fixed(text, value, y->decimals));
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
                lfr_plot_at(x, value), plot->y.from, lfr_plot_at(x, value),
                plot->y.from + 18.0, lfr_fixed(text, value, x->decimals));
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

void lfr_plot_fit(struct plot *plot)
{
    cover_data(plot);
    plot->decimals = plot->y.high - plot->y.low < 3.0 ? 2 : 1;
    set_y(&plot->y, plot->curve->unit);
    set_x(&plot->x, plot->width);
}

void lfr_plot_axes(FILE *out, const struct plot *plot)
{
    draw_y_axis(out, plot);
    draw_x_axis(out, plot);
}
