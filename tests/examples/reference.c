/* reference.c - see reference.h. Images are (channels, side, side), one after the other. */
#include "reference.h"

#include <math.h>
#include <stdlib.h>

struct move {
    const lfuse_tensor *moved;
    const double *direction;
    double step;
};

struct image_set {
    double *values; /* (count, channels, side, side) */
    int64_t count, channels, side;
};

static double weight(const struct move *move, const lfuse_tensor *t, int64_t i)
{
    double value = ((const float *)lfuse_tensor_data(t))[i];

    return t == move->moved ? value + move->step * move->direction[i] : value;
}

static struct image_set images(int64_t count, int64_t channels, int64_t side)
{
    struct image_set s = {NULL, count, channels, side};

    s.values = calloc((size_t)(count * channels * side * side), sizeof(double));
    if (s.values == NULL)
        abort();
    return s;
}

static double *plane(const struct image_set *s, int64_t n, int64_t c)
{
    return s->values + (n * s->channels + c) * s->side * s->side;
}

/* Adds one channel's part of a convolution of kernel k, 1 or 3, with a border of k / 2 zeros. */
static void convolve_plane(const double *x, int64_t side, const double *w, int64_t k,
                           int64_t stride, double *y, int64_t out_side)
{
    int64_t row, column, r, c;

    for (row = 0; row < out_side; row++)
        for (column = 0; column < out_side; column++)
            for (r = 0; r < k; r++)
                for (c = 0; c < k; c++) {
                    int64_t i = row * stride + r - k / 2, j = column * stride + c - k / 2;

                    if (i >= 0 && i < side && j >= 0 && j < side)
                        y[row * out_side + column] += w[k * r + c] * x[i * side + j];
                }
}

static struct image_set convolve(const lfuse_conv2d_args *conv,
                                 const lfuse_tensor *weights, const struct move *move,
                                 const struct image_set *x)
{
    int64_t out = conv->out_channels, stride = conv->stride_h, n, o, i, k;
    int64_t kernel = conv->kernel_h, taps = kernel * kernel;
    struct image_set y = images(x->count, out, x->side / stride);

    for (o = 0; o < out; o++)
        for (i = 0; i < x->channels; i++) {
            double w[9];

            for (k = 0; k < taps; k++)
                w[k] = weight(move, weights, (o * x->channels + i) * taps + k);
            for (n = 0; n < x->count; n++)
                convolve_plane(plane(x, n, i), x->side, w, kernel, stride,
                               plane(&y, n, o), y.side);
        }
    return y;
}

/* In place: (x - mean) / sqrt(variance + 1e-5) * scale + shift over the batch and the pixels. */
static void normalise(const struct cnn_unit *u, const struct move *move,
                      struct image_set *x)
{
    int64_t pixels = x->side * x->side, n, c, i;
    double values = (double)(x->count * pixels);

    for (c = 0; c < x->channels; c++) {
        double mean = 0.0, variance = 0.0, scale, shift;

        for (n = 0; n < x->count; n++)
            for (i = 0; i < pixels; i++)
                mean += plane(x, n, c)[i] / values;
        for (n = 0; n < x->count; n++)
            for (i = 0; i < pixels; i++)
                variance += pow(plane(x, n, c)[i] - mean, 2.0) / values;
        scale = weight(move, u->scale.value, c) / sqrt(variance + 1e-5);
        shift = weight(move, u->shift.value, c);
        for (n = 0; n < x->count; n++)
            for (i = 0; i < pixels; i++)
                plane(x, n, c)[i] = (plane(x, n, c)[i] - mean) * scale + shift;
    }
}

/* y += x as option A brings it to y's shape; then ReLU. */
static void add_shortcut_and_relu(struct image_set *y, const struct image_set *x)
{
    int64_t n, c, i, j, stride = x != NULL ? x->side / y->side : 1;
    int64_t before = x != NULL ? (y->channels - x->channels) / 2 : 0;

    for (n = 0; n < y->count && x != NULL; n++)
        for (c = 0; c < x->channels; c++)
            for (i = 0; i < y->side; i++)
                for (j = 0; j < y->side; j++)
                    plane(y, n, before + c)[i * y->side + j] +=
                        plane(x, n, c)[i * stride * x->side + j * stride];
    for (i = 0; i < y->count * y->channels * y->side * y->side; i++)
        y->values[i] = y->values[i] > 0.0 ? y->values[i] : 0.0;
}

static struct image_set unit(const struct cnn_unit *u, const struct move *move,
                             const struct image_set *x, const struct image_set *residual)
{
    struct image_set y = convolve(&u->conv, u->weight.value, move, x);

    normalise(u, move, &y);
    add_shortcut_and_relu(&y, residual);
    return y;
}

/* ---- wide ---------------------------------------------------------------------------------- */

/* ReLU(norm(x)) */
static struct image_set activate(const struct cnn_unit *u, const struct move *move,
                                 const struct image_set *x)
{
    struct image_set y = images(x->count, x->channels, x->side);
    int64_t values = x->count * x->channels * x->side * x->side, i;

    for (i = 0; i < values; i++)
        y.values[i] = x->values[i];
    normalise(u, move, &y);
    add_shortcut_and_relu(&y, NULL);
    return y;
}

/* Of the block whose first unit is u; x is released. */
static struct image_set wide_block(const struct resnet *net, int64_t u,
                                   const struct move *move, struct image_set x)
{
    const struct cnn_unit *first = &net->cnn.units[u], *second = first + 1;
    int64_t stage = (u - 1) / 2 / net->blocks, i;
    struct image_set a = activate(first, move, &x);
    struct image_set h = convolve(&first->conv, first->weight.value, move, &a);
    struct image_set b = activate(second, move, &h);
    struct image_set y = convolve(&second->conv, second->weight.value, move, &b);

    if (x.channels != y.channels) {
        free(x.values);
        x = convolve(&net->shortcut[stage], net->shortcut_weight[stage].value, move, &a);
    }
    for (i = 0; i < y.count * y.channels * y.side * y.side; i++)
        y.values[i] += x.values[i];
    free(x.values);
    free(a.values);
    free(h.values);
    free(b.values);
    return y;
}

static struct image_set wide(const struct resnet *net, const struct move *move,
                             const struct image_set *in)
{
    struct image_set x =
        convolve(&net->cnn.units[0].conv, net->cnn.units[0].weight.value, move, in);
    struct image_set out;
    int64_t u;

    for (u = 1; u < net->cnn.unit_count; u += 2)
        x = wide_block(net, u, move, x);
    out = activate(&net->last, move, &x);
    free(x.values);
    return out;
}

/* Not wide; in is released, and has then what the last block begins with. */
static struct image_set plain(const struct resnet *net, const struct move *move,
                              struct image_set *in)
{
    struct image_set out = unit(&net->cnn.units[0], move, in, NULL), middle;
    int64_t i;

    for (i = 1; i < net->cnn.unit_count; i += 2) {
        free(in->values);
        *in = out;
        middle = unit(&net->cnn.units[i], move, in, NULL);
        out = unit(&net->cnn.units[i + 1], move, &middle, in);
        free(middle.values);
    }
    return out;
}

/* The greatest of every 2 x 2 pixels; x is released. */
static struct image_set pool(struct image_set x)
{
    struct image_set y = images(x.count, x.channels, x.side / 2);
    int64_t n, c, i, j;

    for (n = 0; n < y.count; n++)
        for (c = 0; c < y.channels; c++)
            for (i = 0; i < y.side; i++)
                for (j = 0; j < y.side; j++) {
                    const double *at = plane(&x, n, c) + 2 * i * x.side + 2 * j;

                    plane(&y, n, c)[i * y.side + j] =
                        fmax(fmax(at[0], at[1]), fmax(at[x.side], at[x.side + 1]));
                }
    free(x.values);
    return y;
}

/* in is released and set to NULL. */
static struct image_set vgg(const struct vgg *net, const struct move *move,
                            struct image_set *in)
{
    const struct cnn_unit *u = net->cnn.units;
    struct image_set x = *in, y;
    int64_t stage, i;

    in->values = NULL;
    for (stage = 0; stage < VGG_STAGES; stage++) {
        for (i = 0; i < vgg_depth(stage); i++) {
            y = unit(u++, move, &x, NULL);
            free(x.values);
            x = y;
        }
        x = pool(x);
    }
    return x;
}

/* Of one image: the mean of every channel, the linear layer, and -ln softmax[label]. */
static double head(const struct cnn *cnn, const struct move *move,
                   const struct image_set *x, int64_t n, int32_t label, double *logits)
{
    int64_t pixels = x->side * x->side, k, c, i;
    double sum = 0.0;

    for (k = 0; k < CNN_CLASSES; k++) {
        logits[k] = weight(move, cnn->linear_bias.value, k);
        for (c = 0; c < x->channels; c++)
            for (i = 0; i < pixels; i++)
                logits[k] += weight(move, cnn->linear_weight.value, k * x->channels + c) *
                             plane(x, n, c)[i] / (double)pixels;
    }
    for (k = 0; k < CNN_CLASSES; k++)
        sum += exp(logits[k]);
    return log(sum) - logits[label];
}

static struct image_set input(const float *x, int64_t count)
{
    struct image_set s = images(count, CNN_IN_CHANNELS, CNN_SIDE);
    int64_t pixels = CNN_SIDE * CNN_SIDE, n, c, i;

    for (n = 0; n < count; n++)
        for (c = 0; c < CNN_IN_CHANNELS; c++)
            for (i = 0; i < pixels; i++)
                plane(&s, n, c)[i] = x[(n * pixels + i) * CNN_IN_CHANNELS + c];
    return s;
}

double reference_loss(const struct reference *r, const lfuse_tensor *moved,
                      const double *direction, double step, double *logits)
{
    const struct cnn *cnn = r->vgg != NULL ? &r->vgg->cnn : &r->resnet->cnn;
    struct move move = {moved, direction, step};
    struct image_set in = input(r->x, r->count), out;
    double loss = 0.0, scratch[CNN_CLASSES];
    int64_t n;

    if (r->vgg != NULL)
        out = vgg(r->vgg, &move, &in);
    else
        out = r->resnet->width > 0 ? wide(r->resnet, &move, &in)
                                   : plain(r->resnet, &move, &in);
    for (n = 0; n < r->count; n++)
        loss += head(cnn, &move, &out, n, r->labels[n],
                     logits != NULL ? logits + n * CNN_CLASSES : scratch);
    free(in.values);
    free(out.values);
    return loss / (double)r->count;
}

double reference_gradient_error(const struct reference *r, lfuse_tensor *value,
                                lfuse_tensor *gradient, double *norm)
{
    const double h = 1e-6;
    int64_t elements = lfuse_tensor_elements(value), i;
    const float *g = lfuse_tensor_data(gradient);
    double *direction = malloc((size_t)elements * sizeof(*direction));
    double up, down, sum = 0.0;

    if (direction == NULL)
        abort();
    for (i = 0; i < elements; i++)
        sum += (double)g[i] * g[i];
    *norm = sqrt(sum);
    for (i = 0; i < elements; i++)
        direction[i] = g[i] / *norm;
    up = reference_loss(r, value, direction, h, NULL);
    down = reference_loss(r, value, direction, -h, NULL);
    free(direction);
    return fabs((up - down) / (2.0 * h) - *norm) / *norm;
}
