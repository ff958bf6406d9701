/*
 * report.h - what a fusion did to a network, as one HTML page or as single SVG pictures
 *
 * The page holds everything it shows: no scripts, no fonts, no addresses. It follows the
 * reader's light or dark setting and fits a telephone. All strings are UTF-8 and may hold
 * anything: they are escaped, and bytes that are no text become U+FFFD.
 *
 * The caller fills plain structs; everything is borrowed for the call. Zero means "not
 * there": a part that is empty and a number that is 0 or NaN are left out of the page.
 * Files appear whole or not at all.
 */
#ifndef LFR_REPORT_H
#define LFR_REPORT_H

#include <stdint.h>

struct lfr_setting {
    const char *key; /* "seed" */
    const char *value;
};

enum { LFR_DISTANCE = 1, LFR_SIMILARITY = 2 }; /* small, or large, is alike */

/* How alike the layers of one type are. */
struct lfr_matrix {
    const char *type;   /* "conv 3x3, 16 to 16" */
    const char *metric; /* "euclidean" */
    int32_t direction;  /* LFR_DISTANCE or LFR_SIMILARITY */
    int32_t count;
    const char *const *names; /* (count) */
    const double *values;     /* (count, count), row by row; NaN: not comparable */
};

/* Layers that share one set of weights. */
struct lfr_group {
    const char *type;
    const char *const *names; /* (count) */
    int32_t count;
    int32_t kept;    /* whose storage holds the weights; -1: nobody's */
    int64_t weights; /* in one set */
};

/* One fusion and the training after it; what was not measured is NaN. */
struct lfr_step {
    double ratio;     /* logical / unique, after the fusion */
    double fused;     /* the metric right after fusing */
    double retrained; /* and after training on */
    int32_t fusions;  /* pairs that were tied in this step */
    int32_t epochs;   /* trained after it */
    int64_t unique;   /* weights left over the ratio's base */
    double seconds;
};

struct lfr_point {
    double ratio;
    double value;
};

/* Where a curve bends: two lines fitted to it meet there. */
struct lfr_bend {
    double ratio;
    double low, high; /* ratios between which it is, at 95 % confidence */
};

/* A method on the same data: a baseline, or a run of fusion of its own. */
struct lfr_series {
    const char *name;
    const struct lfr_point *points; /* (count), by ratio */
    const struct lfr_bend *bend;    /* NULL: none, or not looked for */
    int32_t count;
    int32_t reserved; /* 0 */
};

/* Size against quality. */
struct lfr_curve {
    const char *metric; /* "test accuracy" */
    const char *unit;   /* "%", and values are 97.5, not 0.975; or "" */
    const char *base;   /* what the ratio counts: "weights of layers that could fuse" */
    const struct lfr_step *steps;
    const struct lfr_series *series;
    const struct lfr_bend *bend; /* of the steps; NULL: none, or not looked for */
    int32_t step_count;
    int32_t series_count;
    double original;         /* before the first fusion */
    int32_t lower_is_better; /* 1 for a perplexity or a loss */
    int32_t reserved;        /* 0 */
};

/* Before and after. */
struct lfr_size {
    const char *base; /* as the curve's */
    int64_t base_logical, base_unique;
    int64_t logical, unique; /* every parameter */
    int64_t file_bytes[2];
    int64_t
        resident_bytes[2]; /* of weights, in memory; without originals kept for undo */
    int64_t optimiser_bytes[2]; /* of momentum and the like */
    int64_t flops;              /* for one input; the same before and after */
};

struct lfr_report {
    const char *title;
    const char *summary; /* a sentence or two below it */
    const struct lfr_setting *settings;
    const struct lfr_matrix *matrices;
    const struct lfr_group *groups;
    const struct lfr_curve *curve; /* NULL: none */
    const struct lfr_size *size;   /* NULL: none */
    const char *made_by;           /* "layerfuse 0.1.0" */
    int32_t setting_count;
    int32_t matrix_count;
    int32_t group_count;
    int32_t
        shares_rows; /* 1: parts of layers are shared, not whole layers as in groups */
};

/*
 * Write the page, one heatmap, one curve. What is no ordinary file (a pipe, a device) is
 * written to; any other is replaced by a rename when the text is complete.
 * Return 0, or an errno, with nothing changed.
 */
int lfr_write_html(const char *path, const struct lfr_report *report);
int lfr_write_svg_heatmap(const char *path, const struct lfr_matrix *matrix);
int lfr_write_svg_curve(const char *path, const struct lfr_curve *curve);

#endif
