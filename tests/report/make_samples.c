/*
 * make_samples.c - pages and pictures to look at, and for check_markup.py to read
 *
 *     make_samples FOLDER        the folder must be there
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sample.h"

static char path[4096];

static const char *in(const char *folder, const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* Markup, quotes, controls, broken UTF-8, turned text, and endless names: everywhere. */
static const char hostile[] =
    "</title></style><script>alert(1)</script>\"'&<!--]]>\x01\x7f\xff"
    "\xc0\xaf\xed\xa0\x80\xe2\x80\xae\xf4\x90\x80\x80\xef\xbf\xbf"
    "\xc3\xa9\xe5\xb1\x82\xe2";

static int write_hostile(const char *folder)
{
    const char *const names[] = {hostile, hostile, "a"};
    const double values[] = {NAN, 1e-300, -INFINITY, 1e300, 0, INFINITY, -5.5, NAN, -0.0};
    const struct lfr_setting setting = {hostile, hostile};
    const struct lfr_matrix matrix = {hostile, hostile, LFR_SIMILARITY, 3, names, values};
    const struct lfr_group group = {hostile, names, 3, -1, INT64_MAX / 4};
    const struct lfr_step steps[] = {{.ratio = NAN, .fused = 1.0, .retrained = INFINITY},
                                     {.ratio = 2.0, .fused = NAN, .retrained = -1e15},
                                     {.ratio = 1e300, .fused = 3.0, .retrained = 4.0}};
    const struct lfr_point points[] = {{NAN, 1.0}, {2.0, NAN}, {1.5, -3.0}};
    const struct lfr_bend bend = {NAN, -INFINITY, 1e300};
    const struct lfr_series series = {
        .name = hostile, .points = points, .bend = &bend, .count = 3};
    const struct lfr_curve curve = {.metric = hostile,
                                    .unit = hostile,
                                    .base = hostile,
                                    .steps = steps,
                                    .step_count = 3,
                                    .series = &series,
                                    .bend = &bend,
                                    .series_count = 1,
                                    .original = NAN,
                                    .lower_is_better = 1};
    const struct lfr_size size = {.base = hostile,
                                  .base_logical = INT64_MAX,
                                  .base_unique = 1,
                                  .file_bytes = {INT64_MAX, 1},
                                  .flops = INT64_MAX};
    const struct lfr_report report = {.title = hostile,
                                      .summary = hostile,
                                      .settings = &setting,
                                      .setting_count = 1,
                                      .matrices = &matrix,
                                      .matrix_count = 1,
                                      .groups = &group,
                                      .group_count = 1,
                                      .curve = &curve,
                                      .size = &size,
                                      .made_by = hostile};

    return lfr_write_html(in(folder, "hostile.html"), &report) ||
           lfr_write_svg_heatmap(in(folder, "hostile_heatmap.svg"), &matrix) ||
           lfr_write_svg_curve(in(folder, "hostile_curve.svg"), &curve);
}

static int write_empty(const char *folder)
{
    const struct lfr_report nothing = {0};
    const struct lfr_curve no_steps = {.metric = "test accuracy", .original = 50.0};
    const struct lfr_matrix no_layers = {.type = "none", .direction = LFR_DISTANCE};
    const struct lfr_size no_size = {0};
    const struct lfr_report hollow = {
        .curve = &no_steps, .size = &no_size, .matrices = &no_layers, .matrix_count = 1};

    return lfr_write_html(in(folder, "empty.html"), &nothing) ||
           lfr_write_html(in(folder, "hollow.html"), &hollow) ||
           lfr_write_svg_heatmap(in(folder, "empty_heatmap.svg"), &no_layers) ||
           lfr_write_svg_curve(in(folder, "empty_curve.svg"), &no_steps);
}

static int write_sizes(const char *folder)
{
    static const int counts[] = {1, 2, 10, 11, 30, 31, 60};
    static struct sample_matrix s;
    char name[64];
    size_t i;

    for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        sample_matrix(&s, "conv", counts[i], i % 2 ? LFR_SIMILARITY : LFR_DISTANCE);
        snprintf(name, sizeof(name), "heatmap_%d.svg", counts[i]);
        if (lfr_write_svg_heatmap(in(folder, name), &s.matrix) != 0)
            return -1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct sample s;

    if (argc != 2) {
        fprintf(stderr, "usage: make_samples FOLDER\n");
        return 2;
    }
    sample_report(&s);
    if (lfr_write_html(in(argv[1], "report.html"), &s.report) ||
        lfr_write_svg_curve(in(argv[1], "curve.svg"), &s.curve) ||
        lfr_write_svg_heatmap(in(argv[1], "heatmap.svg"), &s.medium.matrix) ||
        write_hostile(argv[1]) || write_empty(argv[1]) || write_sizes(argv[1])) {
        perror(path);
        return 1;
    }
    return 0;
}
