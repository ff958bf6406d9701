/*
 * shapes_outline.c - the ten shapes as signed distances to their outlines
 *
 * Discs, and polygons: the distance to the nearest edge, negative where a ray to the
 * right crosses the edges an odd number of times. Unions and differences are min and max,
 * exact at the outline and a bound elsewhere: enough for the coverage of a pixel.
 */
#include "shapes.h"

#include <math.h>

struct point {
    float x, y;
};

static float min2(float a, float b)
{
    return a < b ? a : b;
}

static float max2(float a, float b)
{
    return a > b ? a : b;
}

static float disc(float x, float y, float cx, float cy, float radius)
{
    return sqrtf((x - cx) * (x - cx) + (y - cy) * (y - cy)) - radius;
}

static float polygon(float x, float y, const struct point *p, int corners)
{
    float nearest = 1e9f;
    int inside = 0, i, j;

    for (i = 0, j = corners - 1; i < corners; j = i++) {
        float ex = p[j].x - p[i].x, ey = p[j].y - p[i].y;
        float wx = x - p[i].x, wy = y - p[i].y;
        float along = (wx * ex + wy * ey) / (ex * ex + ey * ey);

        along = max2(0.0f, min2(1.0f, along));
        wx -= ex * along;
        wy -= ey * along;
        nearest = min2(nearest, wx * wx + wy * wy);
        if ((p[i].y > y) != (p[j].y > y) && x < ex * (y - p[i].y) / ey + p[i].x)
            inside = !inside;
    }
    return inside ? -sqrtf(nearest) : sqrtf(nearest);
}

static const struct point square[] = {
    {-0.76f, -0.76f}, {0.76f, -0.76f}, {0.76f, 0.76f}, {-0.76f, 0.76f}};
static const struct point triangle[] = {
    {0.0f, -1.05f}, {0.9093f, 0.525f}, {-0.9093f, 0.525f}};
static const struct point cross[] = {{-0.3f, -0.95f}, {0.3f, -0.95f},  {0.3f, -0.3f},
                                     {0.95f, -0.3f},  {0.95f, 0.3f},   {0.3f, 0.3f},
                                     {0.3f, 0.95f},   {-0.3f, 0.95f},  {-0.3f, 0.3f},
                                     {-0.95f, 0.3f},  {-0.95f, -0.3f}, {-0.3f, -0.3f}};
static const struct point star[] = {
    {0.0f, -1.05f},       {0.2469f, -0.3398f}, {0.9986f, -0.3245f}, {0.3994f, 0.1298f},
    {0.6172f, 0.8495f},   {0.0f, 0.42f},       {-0.6172f, 0.8495f}, {-0.3994f, 0.1298f},
    {-0.9986f, -0.3245f}, {-0.2469f, -0.3398f}};
static const struct point arrow[] = {{0.0f, -1.0f},  {0.8f, -0.1f},   {0.27f, -0.1f},
                                     {0.27f, 0.95f}, {-0.27f, 0.95f}, {-0.27f, -0.1f},
                                     {-0.8f, -0.1f}};
static const struct point bolt[] = {{0.19f, -1.0f}, {-0.59f, 0.19f}, {-0.1f, 0.19f},
                                    {-0.24f, 1.0f}, {0.59f, -0.29f}, {0.08f, -0.29f},
                                    {0.42f, -1.0f}};
/* The heart below its two discs, which its sides touch: tangents from the tip. */
static const struct point heart[] = {
    {0.8243f, -0.0401f}, {0.0f, 0.95f}, {-0.8243f, -0.0401f}, {0.0f, -0.36f}};

#define OUTLINE(points) (points), (int)(sizeof(points) / sizeof((points)[0]))

float shapes_distance(int label, float x, float y)
{
    switch (label) {
    case 0: return disc(x, y, 0.0f, 0.0f, 0.88f);
    case 1: return fabsf(disc(x, y, 0.0f, 0.0f, 0.7f)) - 0.22f;
    case 2: return polygon(x, y, OUTLINE(square));
    case 3: return polygon(x, y, OUTLINE(triangle));
    case 4: return polygon(x, y, OUTLINE(cross));
    case 5: return polygon(x, y, OUTLINE(star));
    case 6: return max2(disc(x, y, 0.0f, 0.0f, 0.95f), -disc(x, y, 0.45f, 0.0f, 0.78f));
    case 7: return polygon(x, y, OUTLINE(arrow));
    case 8:
        return min2(
            min2(disc(x, y, -0.44f, -0.36f, 0.5f), disc(x, y, 0.44f, -0.36f, 0.5f)),
            polygon(x, y, OUTLINE(heart)));
    default: return polygon(x, y, OUTLINE(bolt));
    }
}
