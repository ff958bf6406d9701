/* sample.h - made-up reports, for the tests and to look at */
#ifndef TESTS_REPORT_SAMPLE_H
#define TESTS_REPORT_SAMPLE_H

#include "report.h"

enum { SAMPLE_MAX = 64 };

/* count layers "layer1.0.conv1.weight", ...; values by a formula, symmetric. */
struct sample_matrix {
    char text[SAMPLE_MAX][64];
    const char *names[SAMPLE_MAX];
    double values[SAMPLE_MAX * SAMPLE_MAX];
    struct lfr_matrix matrix;
};
void sample_matrix(struct sample_matrix *s, const char *type, int count, int direction);

/* A whole report, pointers into it: do not copy. */
struct sample {
    struct sample_matrix small, medium, large;
    struct lfr_matrix matrices[3];
    struct lfr_curve curve;
    struct lfr_report report;
};
void sample_report(struct sample *s);

#endif
