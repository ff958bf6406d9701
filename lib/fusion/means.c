/*
 * means.c - how alike the mean weights of two groups are
 *
 * What a group's buffer starts as under the policy average: the mean of its members' weights, by
 * its weighting, not rescaled; summed in f64, and kept in f32 unless they are f64. Means of two groups at a time are kept: each
 * join reads all weights of its param type once more, and compares the new group to every other
 * one that it may join.
 */
#include "fusion/planning.h"

#include <math.h>
#include <stdio.h>

enum { BLOCK = 512, NAME = 160 };

/* One group as similarity sees it. As groups only grow, the number of members tells whether it
 * is the one that is there already. */
struct side {
    const struct lfi_kin *kin;
    int64_t group;
    int64_t members;
    struct lfi_view *weights; /* (weights of a layer) */
    void *data;               /* (bytes) of the means, one after the other */
    char name[NAME];
};

struct lfi_means {
    struct side sides[2];
    const char **names;
    size_t weights; /* most of a layer */
    size_t bytes;
    int64_t fusions; /* that there could be, for progress */
    double *shares;  /* (layers) of the means; NULL: all are alike */
};

static lfuse_dtype mean_dtype(const struct lfi_view *view)
{
    return view->dtype == LFUSE_F64 ? LFUSE_F64 : LFUSE_F32;
}

/* What the means of a layer's weights take. */
static bool mean_bytes(const struct lfi_layer *layer, size_t *bytes)
{
    int32_t i;
    size_t n;

    *bytes = 0;
    for (i = 0; i < lfi_layer_weight_count(layer); i++) {
        const struct lfi_view *view = &lfi_layer_weight(layer, i)->value->view;

        if (!lfi_mul_size((size_t)lfi_view_elements(view),
                          lfi_dtype_size(mean_dtype(view)), &n) ||
            !lfi_add_size(n, (size_t)-n % LFI_ALIGN, &n) ||
            !lfi_add_size(*bytes, n, bytes))
            return false;
    }
    return true;
}

/* The most that a layer of any kin takes. */
static lfuse_status size_means(const struct lfi_join *j, struct lfi_means *means,
                               lfuse_error *err)
{
    int64_t i;
    size_t n;

    for (i = 0; i < j->kins->count; i++) {
        const struct lfi_layer *layer = j->layers[j->kins->items[i].members[0]];

        if (!mean_bytes(layer, &n))
            return lfi_fail(err, LFUSE_ERR_OVERFLOW, "the mean of layer %s does not fit",
                            layer->name);
        means->fusions += j->kins->items[i].count - 1;
        means->bytes = n > means->bytes ? n : means->bytes;
        n = (size_t)lfi_layer_weight_count(layer);
        means->weights = n > means->weights ? n : means->weights;
    }
    return LFUSE_OK;
}

/* By the weighting of the policy average. */
static lfuse_status share_out(const struct lfi_join *j, struct lfi_means *means,
                              lfuse_error *err)
{
    const struct lfi_plan_options *o = &j->plan->options;
    const int64_t n = j->plan->layer_count;
    lfuse_status status = LFUSE_OK;
    int64_t i;

    if (o->weighting == LFUSE_WEIGHTING_EQUAL)
        return LFUSE_OK;
    status = lfi_alloc(j->env, (size_t)n, sizeof(*means->shares), "means", &means->shares,
                       err);
    for (i = 0; i < n && status == LFUSE_OK; i++)
        means->shares[i] = o->weighting == LFUSE_WEIGHTING_NORM
                               ? lfi_layer_weight_norm(j->layers[i], NULL)
                               : o->importance[i];
    return status;
}

lfuse_status lfi_means_create(struct lfi_join *j, lfuse_error *err)
{
    struct lfi_means *means;
    lfuse_status status;
    int i;

    status = lfi_alloc_zero(j->env, 1, sizeof(*means), "means", &means, err);
    if (status != LFUSE_OK)
        return status;
    j->means = means;
    status = size_means(j, means, err);
    if (status == LFUSE_OK)
        status = share_out(j, means, err);
    if (status == LFUSE_OK)
        status = lfi_alloc(j->env, means->weights, sizeof(*means->names), "means",
                           &means->names, err);
    for (i = 0; i < 2 && status == LFUSE_OK; i++) {
        struct side *side = &means->sides[i];

        status = lfi_alloc(j->env, means->weights, sizeof(*side->weights), "means",
                           &side->weights, err);
        if (status == LFUSE_OK)
            status = lfi_alloc(j->env, means->bytes, 1, "means", &side->data, err);
    }
    return status;
}

void lfi_means_destroy(struct lfi_join *j)
{
    struct lfi_means *means = j->means;
    int i;

    if (means == NULL)
        return;
    for (i = 0; i < 2; i++) {
        lfi_free(j->env, means->sides[i].data, means->bytes, 1);
        lfi_free(j->env, means->sides[i].weights, means->weights,
                 sizeof(*means->sides[i].weights));
    }
    lfi_free(j->env, means->shares, (size_t)j->plan->layer_count, sizeof(*means->shares));
    lfi_free(j->env, means->names, means->weights, sizeof(*means->names));
    lfi_free(j->env, means, 1, sizeof(*means));
    j->means = NULL;
}

/* One weight of the member x of a kin, its output units first. */
static struct lfi_view weight_of(const struct lfi_join *j, const struct lfi_kin *kin,
                                 int64_t x, int32_t weight)
{
    const struct lfi_parameter *p = lfi_layer_weight(j->layers[kin->members[x]], weight);

    return lfi_view_axis_first(&p->value->view, p->output_axis);
}

/* What a member counts for in the mean of group g: where all count for 0, they are alike. */
static double share_of(const struct lfi_join *j, const struct lfi_kin *kin, int64_t g,
                       int64_t member)
{
    const double *shares = j->means->shares;
    double total = 0.0;
    int64_t x;

    for (x = g; x < kin->count && shares != NULL; x++)
        total += kin->group[x] == g ? shares[kin->members[x]] : 0.0;
    return total > 0.0 ? shares[kin->members[member]] : 1.0;
}

/* Elements [first, first + count) of the mean of one weight over group g. */
static void average(const struct lfi_join *j, const struct lfi_kin *kin, int64_t g,
                    int32_t weight, int64_t first, int64_t count, double *sum)
{
    double block[BLOCK], total = 0.0;
    int64_t x, i;

    for (i = 0; i < count; i++)
        sum[i] = 0.0;
    for (x = g; x < kin->count; x++) {
        struct lfi_view view;
        double share;

        if (kin->group[x] != g)
            continue;
        view = weight_of(j, kin, x, weight);
        share = share_of(j, kin, g, x);
        lfi_view_read_f64(&view, first, count, block);
        for (i = 0; i < count; i++)
            sum[i] += share * block[i];
        total += share;
    }
    for (i = 0; i < count; i++)
        sum[i] /= total;
}

/* A dense view over memory, of the shape of `view`. */
static struct lfi_view dense(const struct lfi_view *view, void *data)
{
    struct lfi_view out = *view;
    int64_t stride = 1;
    int32_t axis;

    for (axis = view->rank - 1; axis >= 0; axis--) {
        out.strides[axis] = stride;
        stride *= view->dims[axis];
    }
    out.data = data;
    out.dtype = mean_dtype(view);
    return out;
}

static void fill_means(const struct lfi_join *j, const struct lfi_kin *kin, int64_t g,
                       struct side *side, int32_t weights)
{
    char *at = side->data;
    double sum[BLOCK];
    int64_t first, n;
    int32_t k;

    for (k = 0; k < weights; k++) {
        const struct lfi_view like = weight_of(j, kin, g, k), mean = dense(&like, at);
        const int64_t elements = lfi_view_elements(&mean);
        const size_t bytes = lfi_view_bytes(&mean);

        for (first = 0; first < elements; first += n) {
            n = elements - first < BLOCK ? elements - first : BLOCK;
            average(j, kin, g, k, first, n, sum);
            lfi_view_write_f64(&mean, first, n, sum);
        }
        side->weights[k] = mean;
        at += bytes + (size_t)-bytes % LFI_ALIGN;
    }
}

/* Group g as one of two: a single layer as it is. */
static void prepare(const struct lfi_join *j, const struct lfi_kin *kin, int64_t g,
                    struct side *side)
{
    const struct lfi_layer *layer = j->layers[kin->members[g]];
    const int32_t weights = lfi_layer_weight_count(layer);
    int64_t members = 0, x;
    int32_t k;

    for (x = g; x < kin->count; x++)
        members += kin->group[x] == g;
    if (side->kin == kin && side->group == g && side->members == members)
        return;
    side->kin = kin;
    side->group = g;
    side->members = members;
    if (members == 1) {
        for (k = 0; k < weights; k++)
            side->weights[k] = weight_of(j, kin, g, k);
        (void)snprintf(side->name, NAME, "%.100s", layer->name);
    } else {
        fill_means(j, kin, g, side, weights);
        (void)snprintf(side->name, NAME, "%.60s (the mean of its group)", layer->name);
    }
}

/* Two groups that cannot be compared do not join, where what is so is skipped. */
static int32_t take_failure(void *user, int64_t i, int64_t j, const lfuse_error *error)
{
    (void)user;
    (void)i;
    (void)j;
    return error->status == LFUSE_ERR_CALLBACK;
}

lfuse_status lfi_means_measure(struct lfi_join *j, const struct lfi_kin *kin, int64_t g,
                               int64_t h, struct lfi_pair *link, lfuse_error *err)
{
    struct lfi_means *means = j->means;
    const struct lfi_layer *layer = j->layers[kin->members[g]];
    const int32_t weights = lfi_layer_weight_count(layer);
    struct lfi_similarity_item items[2];
    struct lfi_env quiet = *j->env;
    struct lfi_similarity_params params = j->plan->options.similarity;
    double out[4] = {NAN, NAN, NAN, NAN};
    lfuse_status status =
        lfi_progress(j->env, "merging", j->plan->fusion_count, means->fusions, err);
    int32_t k;

    if (status != LFUSE_OK)
        return status;
    for (k = 0; k < weights; k++)
        means->names[k] = lfi_layer_weight(layer, k)->name;
    prepare(j, kin, g, &means->sides[0]);
    prepare(j, kin, h, &means->sides[1]);
    for (k = 0; k < 2; k++)
        items[k] = (struct lfi_similarity_item){.name = means->sides[k].name,
                                                .weights = means->sides[k].weights,
                                                .weight_names = means->names,
                                                .count = weights};
    quiet.progress = NULL;
    params.failed = j->plan->options.skip_unequal ? take_failure : NULL;
    status = lfi_similarity_matrix(&quiet, items, 2, &params, out, err);
    if (status != LFUSE_OK)
        return status;
    link->score = j->metric->is_symmetric ? out[1] : 0.5 * out[1] + 0.5 * out[2];
    link->cost = j->metric->is_distance ? link->score : -link->score;
    return LFUSE_OK;
}
