/* plot.h - a curve's picture while it is drawn: its axes, and where a point of it lies */
#ifndef LFR_PLOT_H
#define LFR_PLOT_H

#include "draw.h"

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

/* Ranges, steps and decimals of both axes, from the curve's data; pixels are the caller's. */
void lfr_plot_fit(struct plot *plot);
/* The pixel of a value. */
double lfr_plot_at(const struct axis *axis, double value);
/* Whether a point can be shown: finite, and no larger than labels can say. */
int lfr_plot_shown(double ratio, double value);
void lfr_plot_axes(FILE *out, const struct plot *plot);

/* ---- bends.c: where the curves bend, above the axis of ratios ----------------------- */

enum { LFR_BEND_LINE = 9 }; /* pixels for each curve that bends */

void lfr_bends(FILE *out, const struct plot *plot);

#endif
