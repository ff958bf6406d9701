/*
 * shapes.c - scenes for the ten shapes: background, strokes, the shape, specks, noise
 *
 * Every image has its own sequence of random numbers, keyed by (seed, index): a counter
 * put through the finaliser of SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable
 * pseudorandom number generators"). It is kept apart from the other examples' numbers,
 * because the data set must stay what it is whatever becomes of those.
 *
 * A shape at signed distance d pixels covers clamp(1/2 - d) of a pixel: that is the
 * anti-aliasing. Angles are unit vectors or tangents, so no sine is needed. No two
 * numbers are drawn in one expression: C leaves open which of them would be first.
 */
#include "shapes.h"

#include <math.h>

enum {
    SIDE = SHAPES_SIDE,
    PIXELS = SIDE * SIDE,
    LATTICE = 6,
    MAX_STROKES = 2,
    MAX_SPECKS = 3
};

/* ---- random numbers ---------------------------------------------------------------- */

struct draws {
    uint64_t key;
    uint64_t next;
};

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* use keeps the sequence of an image apart from that of its block of ten. */
static struct draws draws_of(uint64_t seed, uint64_t use, int64_t index)
{
    struct draws d = {0, 0};

    d.key = mix(mix(seed + use * UINT64_C(0xd1342543de82ef95)) + (uint64_t)index);
    return d;
}

static uint64_t bits(struct draws *d)
{
    return mix(d->key + UINT64_C(0x9e3779b97f4a7c15) * ++d->next);
}

static float uniform(struct draws *d, float low, float high)
{
    return low + (high - low) * ((float)(bits(d) >> 40) * 0x1p-24f);
}

/* In [0, count); count is small, so the bias of the remainder is below 2^-58. */
static int below(struct draws *d, int count)
{
    return (int)(bits(d) % (uint64_t)count);
}

/* ---- what a scene is made of ------------------------------------------------------- */

struct colour {
    float c[3];
};

struct vector {
    float x, y;
};

/* A colour that varies over the image: base + swing * wave, wave in [-1, 1]. */
enum { PLAIN, GRADIENT, STRIPES, CHECKS, CLOUDS, TEXTURES };
struct texture {
    int kind;
    struct colour base;
    struct colour swing;
    struct vector across; /* wave's direction, in waves per pixel; its phase */
    float phase;
    float lattice[LATTICE][LATTICE]; /* CLOUDS: values 7 pixels apart */
};

struct stroke {
    struct vector from;
    struct vector along;
    float inverse_length2;
    float half_width;
    struct colour colour;
};

struct scene {
    struct texture background;
    struct texture fill;
    struct stroke strokes[MAX_STROKES]; /* specks are strokes without length, in front */
    struct stroke specks[MAX_SPECKS];
    int stroke_count;
    int speck_count;
    int label;
    struct vector centre; /* pixels */
    struct vector turn;   /* (cosine, sine) over the scale: pixels to outline units */
    float scale;          /* pixels per unit */
    float noise;
};

static float clamp01(float v)
{
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}

/* A direction at equal chance: points of the unit disc, scaled to its rim. */
static struct vector direction(struct draws *d)
{
    struct vector v = {1.0f, 0.0f};
    float length2;
    int i;

    for (i = 0; i < 16; i++) { /* all 16 miss once in 10^10 images */
        v.x = uniform(d, -1.0f, 1.0f);
        v.y = uniform(d, -1.0f, 1.0f);
        length2 = v.x * v.x + v.y * v.y;
        if (length2 <= 1.0f && length2 > 0.01f) {
            v.x /= sqrtf(length2);
            v.y /= sqrtf(length2);
            return v;
        }
    }
    v.x = 1.0f;
    v.y = 0.0f;
    return v;
}

static struct colour any_colour(struct draws *d)
{
    struct colour colour;
    int i;

    for (i = 0; i < 3; i++)
        colour.c[i] = uniform(d, 0.08f, 0.92f);
    return colour;
}

static float brightness(struct colour colour)
{
    return 0.3f * colour.c[0] + 0.6f * colour.c[1] + 0.1f * colour.c[2];
}

/* A colour brighter or darker than another by at least contrast, which is <= 0.4. */
static struct colour contrasting(struct draws *d, struct colour other, float contrast)
{
    struct colour colour;
    int i;

    for (i = 0; i < 64; i++) {
        colour = any_colour(d);
        if (fabsf(brightness(colour) - brightness(other)) >= contrast)
            return colour;
    }
    for (i = 0; i < 3; i++) /* at most one time in 50: the grey far enough from any */
        colour.c[i] = brightness(other) > 0.5f ? 0.08f : 0.92f;
    return colour;
}

static void draw_texture(struct draws *d, struct colour base, float swing,
                         struct texture *t)
{
    struct vector v = direction(d);
    float period;
    int i, k;

    t->kind = below(d, TEXTURES);
    t->base = base;
    for (i = 0; i < 3; i++)
        t->swing.c[i] = uniform(d, -swing, swing);
    period = t->kind == GRADIENT ? 90.0f : uniform(d, 4.0f, 11.0f);
    t->across.x = v.x / period;
    t->across.y = v.y / period;
    t->phase = uniform(d, 0.0f, 1.0f);
    for (i = 0; i < LATTICE && t->kind == CLOUDS; i++)
        for (k = 0; k < LATTICE; k++)
            t->lattice[i][k] = uniform(d, -1.0f, 1.0f);
}

/* Lengths are in pixels. */
static void draw_stroke(struct draws *d, float shortest, float longest,
                        struct colour background, struct stroke *stroke)
{
    struct vector v = direction(d);
    float length = uniform(d, shortest, longest);

    stroke->half_width = uniform(d, 0.5f, 1.1f);
    stroke->from.x = uniform(d, -2.0f, SIDE + 2.0f);
    stroke->from.y = uniform(d, -2.0f, SIDE + 2.0f);
    stroke->along.x = v.x * length;
    stroke->along.y = v.y * length;
    stroke->inverse_length2 = length > 0.0f ? 1.0f / (length * length) : 0.0f;
    stroke->colour = contrasting(d, background, 0.15f);
}

static void draw_scene(struct draws *d, int label, struct scene *s)
{
    struct colour back = any_colour(d);
    float reach, tangent;
    int i;

    draw_texture(d, back, 0.16f, &s->background);
    draw_texture(d, contrasting(d, back, 0.3f), 0.13f, &s->fill);
    s->label = label;
    s->scale = uniform(d, 9.0f, 13.0f);
    tangent = uniform(d, -0.5f, 0.5f); /* of the turn: up to 27 degrees */
    s->turn.x = 1.0f / (s->scale * sqrtf(1.0f + tangent * tangent));
    s->turn.y = tangent * s->turn.x;
    reach = SIDE * 0.5f - s->scale > 4.0f ? 4.0f : SIDE * 0.5f - s->scale;
    s->centre.x = SIDE * 0.5f + uniform(d, -reach, reach);
    s->centre.y = SIDE * 0.5f + uniform(d, -reach, reach);
    s->stroke_count = below(d, MAX_STROKES + 1);
    for (i = 0; i < s->stroke_count; i++)
        draw_stroke(d, 8.0f, 22.0f, back, &s->strokes[i]);
    s->speck_count = below(d, MAX_SPECKS + 1);
    for (i = 0; i < s->speck_count; i++)
        draw_stroke(d, 0.0f, 0.0f, back, &s->specks[i]);
    s->noise = uniform(d, 0.02f, 0.1f);
}

/* ---- drawing it -------------------------------------------------------------------- */

/* A wave of period 1 with straight flanks, in [-1, 1]; t > -64. */
static float triangle_wave(float t)
{
    t += 64.0f;
    t -= (float)(int)t;
    return 4.0f * fabsf(t - 0.5f) - 1.0f;
}

/* Bilinear between lattice values, with eased steps so that the lattice does not show. */
static float clouds(const struct texture *t, float x, float y)
{
    float u = x * (1.0f / 7.0f), v = y * (1.0f / 7.0f), top, bottom;
    int i = (int)v, k = (int)u;

    u -= (float)k;
    v -= (float)i;
    u = u * u * (3.0f - 2.0f * u);
    v = v * v * (3.0f - 2.0f * v);
    top = t->lattice[i][k] + u * (t->lattice[i][k + 1] - t->lattice[i][k]);
    bottom = t->lattice[i + 1][k] + u * (t->lattice[i + 1][k + 1] - t->lattice[i + 1][k]);
    return top + v * (bottom - top);
}

static struct colour texture_at(const struct texture *t, float x, float y)
{
    float u = t->across.x * x + t->across.y * y + t->phase, wave = 0.0f;
    struct colour colour = t->base;
    int i;

    switch (t->kind) {
    case GRADIENT:
    case STRIPES: wave = triangle_wave(u); break;
    case CHECKS:
        wave = triangle_wave(u) * triangle_wave(t->across.x * y - t->across.y * x);
        break;
    case CLOUDS: wave = clouds(t, x, y); break;
    default: break;
    }
    for (i = 0; i < 3; i++)
        colour.c[i] += wave * t->swing.c[i];
    return colour;
}

static void blend(struct colour *under, struct colour over, float coverage)
{
    int i;

    for (i = 0; i < 3; i++)
        under->c[i] += coverage * (over.c[i] - under->c[i]);
}

static void blend_stroke(struct colour *under, const struct stroke *s, float x, float y)
{
    float wx = x - s->from.x, wy = y - s->from.y;
    float along = clamp01((wx * s->along.x + wy * s->along.y) * s->inverse_length2);
    float reach = s->half_width + 0.5f, distance2;

    wx -= along * s->along.x;
    wy -= along * s->along.y;
    distance2 = wx * wx + wy * wy;
    if (distance2 < reach * reach)
        blend(under, s->colour, clamp01(reach - sqrtf(distance2)));
}

static struct colour scene_at(const struct scene *s, float x, float y)
{
    struct colour colour = texture_at(&s->background, x, y);
    float dx = x - s->centre.x, dy = y - s->centre.y, reach = s->scale * 1.1f + 1.0f;
    float coverage;
    int i;

    for (i = 0; i < s->stroke_count; i++)
        blend_stroke(&colour, &s->strokes[i], x, y);
    if (dx * dx + dy * dy < reach * reach) { /* else outside every outline */
        coverage =
            0.5f - s->scale * shapes_distance(s->label, dx * s->turn.x + dy * s->turn.y,
                                              dy * s->turn.x - dx * s->turn.y);
        if (coverage > 0.0f)
            blend(&colour, texture_at(&s->fill, x, y), clamp01(coverage));
    }
    for (i = 0; i < s->speck_count; i++)
        blend_stroke(&colour, &s->specks[i], x, y);
    return colour;
}

/* Two 10-bit numbers make one of triangular distribution in (-1, 1). */
static float grain(uint64_t random, int channel)
{
    int a = (int)(random >> (20 * channel)) & 1023;
    int b = (int)(random >> (20 * channel + 10)) & 1023;

    return (float)(a - b) * (1.0f / 1024.0f);
}

static void draw_image(struct draws *d, int label, uint8_t *image)
{
    struct scene scene;
    struct colour colour;
    uint64_t random;
    int x, y, i;

    draw_scene(d, label, &scene);
    for (y = 0; y < SIDE; y++) {
        for (x = 0; x < SIDE; x++) {
            colour = scene_at(&scene, (float)x + 0.5f, (float)y + 0.5f);
            random = bits(d);
            for (i = 0; i < 3; i++)
                image[i * PIXELS + y * SIDE + x] =
                    (uint8_t)(255.0f *
                                  clamp01(colour.c[i] + scene.noise * grain(random, i)) +
                              0.5f);
        }
    }
}

/* ---- the data set ------------------------------------------------------------------ */

const char *shapes_class_name(int label)
{
    static const char *const names[SHAPES_CLASSES] = {
        "disc", "ring",     "square", "triangle", "cross",
        "star", "crescent", "arrow",  "heart",    "bolt"};

    return names[label];
}

int shapes_label(uint64_t seed, int64_t index)
{
    struct draws d = draws_of(seed, 1, index / SHAPES_CLASSES);
    int order[SHAPES_CLASSES], i, k, kept;

    for (i = 0; i < SHAPES_CLASSES; i++)
        order[i] = i;
    for (i = SHAPES_CLASSES - 1; i > 0; i--) { /* Fisher and Yates */
        k = below(&d, i + 1);
        kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
    return order[index % SHAPES_CLASSES];
}

void shapes_draw(uint64_t seed, int64_t first, int64_t count, uint8_t *pixels,
                 uint8_t *labels)
{
    int64_t i;

    for (i = 0; i < count; i++) {
        struct draws d = draws_of(seed, 2, first + i);

        labels[i] = (uint8_t)shapes_label(seed, first + i);
        draw_image(&d, labels[i], pixels + i * SHAPES_IMAGE_BYTES);
    }
}
