/*
 * winograd.h - the numbers of F(4x4, 3x3) and F(2x2, 3x3); only winograd_*.c include it
 *
 * m outputs of a filter of three taps, from the m + 2 inputs d that they see, are
 *
 *     y = A' [(G g) o (B' d)]
 *
 * the product of two polynomials known by its values at m + 1 points and at infinity (Toom and
 * Cook; Lavin and Gray 2016, arXiv:1509.09308). With the finite points p, for G: N(p) is the
 * product of p - q over the other points q:
 *
 *     row of B' at p         the coefficients of the product of x - q over the other points q
 *     row of B' at infinity  those of the product of x - q over all points
 *     row of G at p          1, p, p^2 over N(p);         at infinity  0, 0, 1
 *     column of A' at p      1, p, .. p^(m - 1);          at infinity  0, .., 0, 1
 *
 * F(2x2): 0, +-1. F(4x4): 0, +-a, +-b with a = 3/4, b = 3/2. Pairs of opposite points share the
 * even and the odd half of their sums. Rounding errors grow with the powers of the points: those
 * of the customary 0, +-1, +-2 are twice as large in the 2-norm and four times at worst (see
 * docs/results.md), and all entries of A and B are short binary fractions here, too.
 */
#ifndef LFI_KERNELS_WINOGRAD_H
#define LFI_KERNELS_WINOGRAD_H

#define POINT_A    0.75f
#define POINT_B    1.5f
#define A2         (POINT_A * POINT_A) /* 9/16 */
#define B2         (POINT_B * POINT_B) /* 9/4 */
#define A3         (A2 * POINT_A)
#define B3         (B2 * POINT_B)
#define AB2        (A2 * B2) /* the square of a b */
#define A2_PLUS_B2 (A2 + B2)

/* 1 / N at 0, at +-a and at +-b, rounded once */
#define INVERSE_0 ((float)(64.0 / 81.0))
#define INVERSE_A ((float)(-128.0 / 243.0))
#define INVERSE_B ((float)(32.0 / 243.0))

enum { MOST_POINTS = 6, TAPS = 3 };

#endif
