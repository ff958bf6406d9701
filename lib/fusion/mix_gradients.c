/*
 * mix_gradients.c - gradients of a group that mixes go back to the sources of its rows
 *
 *     G = mean or sum of the positions' gradients       as for groups that are tied
 *     gradient of source s, row r = G[r] when r was drawn from s, else 0
 *
 *     under js, of n sources:   (1 - s) G_i + s / (n - 1) sum of the others' G_j
 *
 * O'Neill et al. 2021, sec. 3.2. Of a bias, whose mean was shown, every source gets G. Under js
 * G_i is what a tied group of the members of source i would have. Added in
 * f64 in the order of the members and rounded once; a task has rows of its own in all of them.
 */
#include "fusion/fusion.h"

enum { BLOCK = 512 };

struct job {
    const struct lfi_env *env;
    const struct lfi_ties *ties;
    const struct lfi_mix *mix;
    int32_t axis;
    int64_t row_elements;
    double divisor;
    bool draws; /* else every member gets it all */
};

/* Whether no member before this one has its source. */
static bool is_first_of_source(const struct job *job, int32_t member)
{
    const int64_t *source = job->ties->source, *members = job->mix->members;
    int32_t m;

    for (m = 0; m < member; m++)
        if (source[members[m]] == source[members[member]])
            return false;
    return true;
}

/* The gradient of a member of the group, its rows first. */
static struct lfi_view gradient(const struct job *job, int64_t layer)
{
    const struct lfi_array *array =
        lfi_ties_parameter(job->ties, layer, job->mix->parameter)->gradient;

    return lfi_view_axis_first(&array->view, job->axis);
}

/* G, of these elements: accumulated, the kept member's has the sum already. */
static void add_up(const struct job *job, int64_t first, int64_t count, double *sum)
{
    const struct lfi_ties *ties = job->ties;
    const bool accumulated = ties->options.gradients == LFUSE_GRADIENTS_ACCUMULATED;
    const int64_t kept = ties->in_force.owner[job->mix->members[0]];
    double block[BLOCK];
    struct lfi_view view;
    int32_t m;
    int64_t i;

    for (i = 0; i < count; i++)
        sum[i] = 0.0;
    for (m = 0; m < (accumulated ? 1 : job->mix->count); m++) {
        view = gradient(job, accumulated ? kept : job->mix->members[m]);
        lfi_view_read_f64(&view, first, count, block);
        for (i = 0; i < count; i++)
            sum[i] += block[i];
    }
    for (i = 0; i < count; i++)
        sum[i] /= job->divisor;
}

/* To its source, and zeros to the others: each is the source of itself among the members. */
static void give(const struct job *job, int64_t drawn, int64_t first, int64_t count,
                 const double *sum)
{
    static const double zeros[BLOCK];
    struct lfi_view view;
    int32_t m;

    for (m = 0; m < job->mix->count; m++) {
        const int64_t member = job->mix->members[m];

        if (job->draws && job->ties->source[member] != member)
            continue;
        view = gradient(job, member);
        lfi_view_write_f64(&view, first, count,
                           job->draws && member != drawn ? zeros : sum);
    }
}

/* The gradient of one source, as of a group of its members that is tied. */
static void add_source(const struct job *job, int64_t source, int64_t first,
                       int64_t count, double *sum)
{
    const struct lfi_ties_options *o = &job->ties->options;
    const bool accumulated = o->gradients == LFUSE_GRADIENTS_ACCUMULATED;
    double block[BLOCK], members = 0.0;
    struct lfi_view view;
    int32_t m;
    int64_t i;

    for (i = 0; i < count; i++)
        sum[i] = 0.0;
    for (m = 0; m < job->mix->count; m++) {
        const int64_t member = job->mix->members[m];

        if (job->ties->source[member] != source)
            continue;
        members++;
        if (accumulated && member != source)
            continue;
        view = gradient(job, member);
        lfi_view_read_f64(&view, first, count, block);
        for (i = 0; i < count; i++)
            sum[i] += block[i];
    }
    for (i = 0; i < count && o->combine == LFUSE_COMBINE_MEAN; i++)
        sum[i] /= members;
}

/* Each source's own, less a share, and that share of the mean of the others'. */
static void blend(const struct job *job, int64_t first, int64_t count)
{
    const struct lfi_mix *mix = job->mix;
    double all[BLOCK], own[BLOCK], sources = 0.0;
    struct lfi_view view;
    int32_t m;
    int64_t i;

    for (i = 0; i < count; i++)
        all[i] = 0.0;
    for (m = 0; m < mix->count; m++) {
        if (!is_first_of_source(job, m))
            continue;
        sources++;
        add_source(job, job->ties->source[mix->members[m]], first, count, own);
        for (i = 0; i < count; i++)
            all[i] += own[i];
    }
    for (m = 0; m < mix->count; m++) {
        const int64_t source = job->ties->source[mix->members[m]];

        if (!is_first_of_source(job, m))
            continue;
        add_source(job, source, first, count, own);
        for (i = 0; i < count; i++)
            own[i] = (1.0 - mix->share) * own[i] +
                     mix->share * (all[i] - own[i]) / (sources - 1.0);
        view = gradient(job, source);
        lfi_view_write_f64(&view, first, count, own);
    }
}

static void give_row(void *arg, int64_t index, int32_t slot)
{
    const struct job *job = arg;
    const struct lfi_mix *mix = job->mix;
    const struct lfi_ties *ties = job->ties;
    const int64_t kept = ties->in_force.owner[mix->members[0]],
                  end = (index + 1) * job->row_elements;
    const int32_t draw =
        lfi_mix_draw(job->env, kept, mix->parameter, ties->step, index, mix->count);
    double sum[BLOCK];
    int64_t first, n;

    (void)slot;
    for (first = index * job->row_elements; first < end; first += n) {
        n = end - first < BLOCK ? end - first : BLOCK;
        if (!mix->draws) {
            blend(job, first, n);
            continue;
        }
        add_up(job, first, n, sum);
        give(job, ties->source[mix->members[draw]], first, n, sum);
    }
}

/* Biases that do not train have no gradients, or not all. */
static bool has_gradients(const struct lfi_ties *ties, const struct lfi_mix *mix)
{
    int32_t m;

    for (m = 0; m < mix->count; m++)
        if (lfi_ties_parameter(ties, mix->members[m], mix->parameter)->gradient == NULL)
            return false;
    return true;
}

static lfuse_status combine(const struct lfi_env *env, const struct lfi_ties *ties,
                            const struct lfi_mix *mix, lfuse_error *err)
{
    const struct lfi_parameter *p =
        lfi_ties_parameter(ties, mix->members[0], mix->parameter);
    const struct lfi_view *view = &p->value->view;
    const int64_t rows = view->dims[p->output_axis];
    struct job job = {
        .env = env,
        .ties = ties,
        .mix = mix,
        .axis = p->output_axis,
        .row_elements = lfi_view_elements(view) / rows,
        .divisor = ties->options.combine == LFUSE_COMBINE_MEAN ? (double)mix->count : 1.0,
        .draws = mix->parameter < lfi_ties_weight_count(ties, mix->members[0]),
    };

    return lfi_parallel_for(env, rows, give_row, &job, err);
}

lfuse_status lfi_mixes_check_gradients(const struct lfi_ties *ties, lfuse_error *err)
{
    if ((ties->mixes.count == 0 && ties->rows.mixes_bytes == 0) ||
        ties->shown == LFUSE_SHOW_MIX)
        return LFUSE_OK;
    return lfi_fail(err, LFUSE_ERR_STATE,
                    "combine_gradients was called, but groups do not show a mix: whose "
                    "gradients these are is not known");
}

lfuse_status lfi_mixes_combine_gradients(const struct lfi_env *env,
                                         const struct lfi_ties *ties, lfuse_error *err)
{
    lfuse_status status = LFUSE_OK;
    int64_t i;

    for (i = 0; i < ties->mixes.count && status == LFUSE_OK; i++)
        if (has_gradients(ties, &ties->mixes.items[i]))
            status = combine(env, ties, &ties->mixes.items[i], err);
    return status;
}
