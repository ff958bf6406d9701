/*
 * bends.c - where curves bend, as marks above the axis of ratios
 *
 * One line for each curve that bends: a tick where its two lines meet, in a bar as long as the
 * interval that it may be in. The same colours as the curves'.
 */
#include "plot.h"

#include <math.h>

enum { SERIES_STYLES = 5 };

int lfr_bend_count(const struct lfr_curve *curve)
{
    int count = curve->bend != NULL, i;

    for (i = 0; i < curve->series_count; i++)
        count += curve->series[i].bend != NULL;
    return count;
}

static double inside(const struct axis *x, double ratio)
{
    return lfr_plot_at(x, ratio < x->low ? x->low : ratio > x->high ? x->high : ratio);
}

static void draw_tip(FILE *out, const char *name, const struct lfr_bend *b)
{
    char at[LFR_NUMBER_BYTES], low[LFR_NUMBER_BYTES], high[LFR_NUMBER_BYTES];

    fputs("<title>", out);
    lfr_text(out, name);
    fprintf(out,
            " bends at %s\xc3\x97, between %s\xc3\x97 and %s\xc3\x97 at 95 %% "
            "confidence</title>",
            lfr_fixed(at, b->ratio, 2), lfr_fixed(low, b->low, 2),
            lfr_fixed(high, b->high, 2));
}

static void draw(FILE *out, const struct plot *plot, const struct lfr_bend *b,
                 const char *name, const char *css_class, int line)
{
    const double y = plot->y.from - 6.0 - LFR_BEND_LINE * line;

    if (!isfinite(b->ratio) || !isfinite(b->low) || !isfinite(b->high))
        return;
    fprintf(out, "<g><path class=\"%s\" d=\"M%.1f %.1fH%.1fM%.1f %.1fv8\"/>", css_class,
            inside(&plot->x, b->low), y, inside(&plot->x, b->high),
            inside(&plot->x, b->ratio), y - 4.0);
    draw_tip(out, name, b);
    fputs("</g>\n", out);
}

void lfr_bends(FILE *out, const struct plot *plot)
{
    const struct lfr_curve *c = plot->curve;
    char css_class[] = "lfr-series lfr-s0";
    int line = 0, i;

    if (c->bend != NULL)
        draw(out, plot, c->bend, "fusion", "lfr-line", line++);
    for (i = 0; i < c->series_count; i++) {
        css_class[sizeof(css_class) - 2] = (char)('0' + i % SERIES_STYLES);
        if (c->series[i].bend != NULL)
            draw(out, plot, c->series[i].bend, c->series[i].name, css_class, line++);
    }
}
