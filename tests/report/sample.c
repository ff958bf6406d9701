/* sample.c - see sample.h; the numbers are plausible, and mean nothing */
#include "sample.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sample_matrix(struct sample_matrix *s, const char *type, int count, int direction)
{
    int i, k;

    for (i = 0; i < count; i++) {
        snprintf(s->text[i], sizeof(s->text[i]), "layer%d.%d.conv%d.weight",
                 1 + 3 * i / count, i / 2, 1 + i % 2);
        s->names[i] = s->text[i];
        for (k = 0; k < count; k++) {
            double apart = (double)abs(i - k) / count;
            double waves = 0.5 + 0.25 * sin(0.9 * i + 0.9 * k) + 0.2 * cos(1.7 * (i - k));
            double far = 0.55 * apart + 0.4 * waves;

            s->values[i * count + k] = direction == LFR_SIMILARITY
                                           ? (i == k ? 1.0 : 0.98 - 0.6 * far)
                                       : i == k ? 0.0
                                                : 4.2 + 7.0 * far;
        }
    }
    s->matrix = (struct lfr_matrix){
        .type = type,
        .metric = direction == LFR_SIMILARITY ? "covariance" : "euclidean",
        .direction = direction,
        .count = count,
        .names = s->names,
        .values = s->values,
    };
}

static const struct lfr_setting settings[] = {
    {"network", "ResNet-20, widths 16, 32, 64; 272,474 parameters"},
    {"data", "shapes, 10,000 images for training, 2,000 for testing"},
    {"seed", "1"},
    {"metric", "euclidean"},
    {"policy", "average"},
    {"ratio", "3.33 over the weights of layers that could fuse"},
    {"fusions", "4, two epochs after each"},
    {"optimiser", "SGD, learning rate 0.1 to 0, momentum 0.9, weight decay 0.0001"},
    {"batch", "64"},
    {"threads", "2"},
    {"processor", "avx512"},
};

static const struct lfr_step steps[] = {
    {.ratio = 1.21,
     .fused = 96.1,
     .retrained = 98.55,
     .fusions = 2,
     .epochs = 2,
     .unique = 219840,
     .seconds = 9.1},
    {.ratio = 1.54,
     .fused = 88.4,
     .retrained = 98.4,
     .fusions = 3,
     .epochs = 2,
     .unique = 172928,
     .seconds = 9.3},
    {.ratio = 2.13,
     .fused = 61.25,
     .retrained = 98.05,
     .fusions = 3,
     .epochs = 2,
     .unique = 124800,
     .seconds = 9.0},
    {.ratio = 3.42,
     .fused = 34.9,
     .retrained = 97.6,
     .fusions = 4,
     .epochs = 2,
     .unique = 77952,
     .seconds = 9.2},
};

static const struct lfr_point pruned[] = {
    {1.0, 98.6}, {1.5, 98.2}, {2.2, 97.1}, {3.4, 93.8}};
static const struct lfr_point svd[] = {
    {1.0, 98.6}, {1.6, 95.2}, {2.3, 87.0}, {3.3, 71.4}};
static const struct lfr_bend bend = {2.4, 1.9, 3.1}, pruning_bend = {1.9, 1.5, 2.2};
static const struct lfr_series series[] = {
    {.name = "magnitude pruning", .points = pruned, .bend = &pruning_bend, .count = 4},
    {.name = "truncated SVD", .points = svd, .count = 4},
};

static const char *const first[] = {"layer1.0.conv1.weight", "layer1.1.conv1.weight",
                                    "layer1.2.conv2.weight"};
static const char *const second[] = {"layer2.1.conv1.weight", "layer2.2.conv1.weight"};
static const char *const third[] = {"layer3.0.conv2.weight", "layer3.1.conv1.weight",
                                    "layer3.1.conv2.weight", "layer3.2.conv1.weight",
                                    "layer3.2.conv2.weight"};
static const struct lfr_group groups[] = {
    {.type = "conv 3x3, 16 to 16",
     .names = first,
     .count = 3,
     .kept = 0,
     .weights = 2304},
    {.type = "conv 3x3, 32 to 32",
     .names = second,
     .count = 2,
     .kept = 1,
     .weights = 9216},
    {.type = "conv 3x3, 64 to 64",
     .names = third,
     .count = 5,
     .kept = 4,
     .weights = 36864},
};

static const struct lfr_size size = {
    .base = "weights of layers that could fuse",
    .base_logical = 266112,
    .base_unique = 77952,
    .logical = 272474,
    .unique = 84314,
    .file_bytes = {1096520, 344104},
    .resident_bytes = {1089896, 337256},
    .optimiser_bytes = {1089896, 337256},
    .flops = 81800000,
};

void sample_report(struct sample *s)
{
    memset(s, 0, sizeof(*s));
    sample_matrix(&s->small, "conv 3x3, 16 to 16", 6, LFR_DISTANCE);
    sample_matrix(&s->medium, "conv 3x3, 32 to 32", 14, LFR_SIMILARITY);
    sample_matrix(&s->large, "conv 3x3, 64 to 64", 60, LFR_DISTANCE);
    s->medium.values[3 * 14 + 5] = NAN;
    s->medium.values[5 * 14 + 3] = NAN;
    s->matrices[0] = s->small.matrix;
    s->matrices[1] = s->medium.matrix;
    s->matrices[2] = s->large.matrix;
    s->curve = (struct lfr_curve){
        .metric = "test accuracy",
        .unit = "%",
        .base = "weights of layers that could fuse",
        .steps = steps,
        .step_count = 4,
        .series = series,
        .bend = &bend,
        .series_count = 2,
        .original = 98.6,
    };
    s->report = (struct lfr_report){
        .title = "ResNet-20 on shapes, fused to a third",
        .summary =
            "A network of 20 layers was trained, then made smaller in four steps: the "
            "most alike layers were given one set of weights, and it was trained on.",
        .settings = settings,
        .setting_count = (int)(sizeof(settings) / sizeof(settings[0])),
        .matrices = s->matrices,
        .matrix_count = 3,
        .groups = groups,
        .group_count = 3,
        .curve = &s->curve,
        .size = &size,
        .made_by = "layerfuse 0.1.0",
    };
}
