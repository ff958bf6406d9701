/*
 * shapes.h - the embedded data set: ten shapes in 32x32 colour images, drawn, not fetched
 *
 * disc, ring, square, triangle, cross, star, crescent, arrow, heart and bolt, in random
 * colour, size, turn, place, texture, noise and background, with strokes and specks to
 * mislead. The shape is brighter or darker than what is behind it, and no colour belongs
 * to a class: a linear classifier on the pixels stays far under 60 % (linear_check.c), a
 * small residual network passes 95 %.
 *
 * An image is 32 rows of 32 bytes of red, then green, then blue, as in CIFAR-10's files.
 *
 * Image `index` of `seed` depends on these two alone, so any image is drawn without those
 * before it, and any range by any number of threads. It is the same to the last bit where
 * float is IEEE binary32, evaluated as such (FLT_EVAL_METHOD 0) and not contracted
 * (-ffp-contract=off): only + - * / and square roots are used, no sine and no power.
 */
#ifndef SHAPES_H
#define SHAPES_H

#include <stdint.h>

enum {
    SHAPES_CLASSES = 10,
    SHAPES_SIDE = 32,
    SHAPES_IMAGE_BYTES = 3 * SHAPES_SIDE * SHAPES_SIDE
};

/* "disc" to "bolt"; label is in [0, SHAPES_CLASSES). */
const char *shapes_class_name(int label);

/*
 * The label of image `index`, which is >= 0. Ten images from a multiple of ten on hold
 * each class once, in an order of their own.
 */
int shapes_label(uint64_t seed, int64_t index);

/*
 * Images [first, first + count) of this seed, first >= 0: SHAPES_IMAGE_BYTES bytes of
 * pixels and a byte of label for each. About 50 microseconds an image on one core.
 */
void shapes_draw(uint64_t seed, int64_t first, int64_t count, uint8_t *pixels,
                 uint8_t *labels);

/*
 * Signed distance from a point to the outline of a class, negative inside: upright, y
 * downwards, about as large as the unit circle. contact_sheet.c draws its legend with it.
 */
float shapes_distance(int label, float x, float y);

#endif
