/* curve.h - where a curve of quality against compression bends */
#ifndef LAYERFUSE_CURVE_H
#define LAYERFUSE_CURVE_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

/* Two straight lines that meet, fitted to points by least squares. */
typedef struct lfuse_inflection {
    size_t struct_size; /* set by lfuse_inflection_init(&r, sizeof(r)) */
    double x;           /* where they meet */
    double y;           /* there */
    double x_low;  /* and where else they may: at 95 % confidence not before x_low, and */
    double x_high; /* not after x_high; the whole range where there is no telling */
    double slope_before;  /* y per x, left of x */
    double slope_after;   /* and right of it */
    double residual;      /* root of the mean square of what the lines leave, as y */
    double line_residual; /* the same of one straight line */
} lfuse_inflection;

/**
 * lfuse_inflection_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_inflection_init(lfuse_inflection *result, size_t size);

/**
 * lfuse_curve_inflection() - the point past which accuracy falls off, and how sure that is
 *
 *     y = a + b x + c max(0, x - t),    a, b, c, t of least squares
 *
 * Shapes:  x and y are (count): x for instance the share of weights that is removed, in
 *          ascending order, y the accuracy that is left. Two points at least are left of, or at,
 *          the inflection, and two right of it.
 * Result:  [x_low, x_high] spans all t whose sum of squares is at most (1 + F / (count - 4))
 *          times the least, F being the 95 % quantile of F(1, count - 4): points that scatter
 *          around two lines say no more. With four points there is no scatter to judge by, and
 *          the interval is [x[1], x[2]], as far as t can be. Compare residual with
 *          line_residual before believing in a bend.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, count < 4, or x does not ascend: says where
 *          LFUSE_ERR_NOT_FINITE   a number is not finite: says which
 *          LFUSE_ERR_DEGENERATE   the points lie on one straight line: nothing bends
 *          LFUSE_ERR_UNSUPPORTED  result holds fields this version does not know
 *          On failure *result is untouched.
 * Cost:    O(count^2) time, no memory.
 * Threads: any.
 * Source:  Hudson 1966, "Fitting segmented curves whose join points have to be estimated",
 *          J. Am. Stat. Assoc. 61; O'Neill et al. 2021 read the point off their plots. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_curve_inflection(const double *x, const double *y,
                                              int64_t count, lfuse_inflection *result,
                                              lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
