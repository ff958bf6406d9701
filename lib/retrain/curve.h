/* curve.h - two straight lines through a curve: where it bends */
#ifndef LFI_RETRAIN_CURVE_H
#define LFI_RETRAIN_CURVE_H

#include "base/base.h"

enum { LFI_INFLECTION_POINTS = 4 }; /* as many as the fit has numbers */

struct lfi_inflection {
    double x, y;      /* where the lines meet */
    double low, high; /* of x, at 95 % */
    double before;    /* slopes */
    double after;
    double squares;      /* that the lines leave */
    double line_squares; /* that one line leaves */
};

/* x ascends, all is finite, count >= LFI_INFLECTION_POINTS. */
lfuse_status lfi_curve_inflection(const double *x, const double *y, int64_t count,
                                  struct lfi_inflection *result, lfuse_error *err);

#endif
