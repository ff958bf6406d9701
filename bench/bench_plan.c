/*
 * bench_plan.c - time to plan a network, by every metric
 *
 *     bench_plan FILE.safetensors [ratio [linkage]]
 *
 * The layers are the file's tensors of two axes or more; those are of one param type whose shapes
 * are equal. On one thread, the least of up to 5 runs within 4 seconds, of the clock and of the
 * processor's time: on a busy machine the second is what counts. CSV on stdout:
 * metric,linkage,layers,pairs,fusions,s,cpu s
 */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RUNS = 5, MOST_LAYERS = 1024 };

#define BUDGET 4.0 /* seconds a metric */

static const char *const linkages[] = {"single", "average", "complete", "merged"};

struct network {
    lfuse_checkpoint *file;
    lfuse_layer *layers[MOST_LAYERS];
    int64_t count;
    int64_t pairs;
};

static void must(lfuse_status status, const lfuse_error *err)
{
    if (status == LFUSE_OK)
        return;
    fprintf(stderr, "bench_plan: %s\n", err->message);
    exit(1);
}

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void add_layer(lfuse_context *ctx, struct network *net, const char *name,
                      const lfuse_tensor *weight)
{
    lfuse_layer **layer = &net->layers[net->count];
    lfuse_error err = {0};
    lfuse_parameter parameter;
    lfuse_layer_desc desc;
    char type[256] = "";
    size_t used = 0;
    int64_t i;
    int32_t axis;

    for (axis = 0; axis < lfuse_tensor_rank(weight); axis++)
        used += (size_t)snprintf(type + used, sizeof(type) - used, "%lld,",
                                 (long long)lfuse_tensor_dim(weight, axis));
    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = type;
    desc.position = (int32_t)net->count;
    lfuse_parameter_init(&parameter, sizeof(parameter));
    parameter.name = "weight";
    parameter.value =
        (lfuse_tensor *)(uintptr_t)weight; /* what is planned is only read */
    must(lfuse_layer_create(ctx, &desc, layer, &err), &err);
    must(lfuse_layer_add_parameter(*layer, &parameter, &err), &err);
    for (i = 0; i < net->count; i++)
        net->pairs += strcmp(lfuse_layer_param_type(net->layers[i]), type) == 0;
    net->count++;
}

static void load(lfuse_context *ctx, const char *path, struct network *net)
{
    lfuse_error err = {0};
    int64_t i;

    must(lfuse_checkpoint_open(ctx, path, NULL, &net->file, &err), &err);
    for (i = 0; i < lfuse_checkpoint_count(net->file); i++) {
        const lfuse_tensor *tensor = lfuse_checkpoint_tensor(net->file, i);

        if (lfuse_tensor_rank(tensor) >= 2 && net->count < MOST_LAYERS)
            add_layer(ctx, net, lfuse_checkpoint_name(net->file, i), tensor);
    }
}

/* One line; a metric that cannot compare these layers says why on stderr. */
static void run(lfuse_context *ctx, const struct network *net, lfuse_metric metric,
                double ratio, lfuse_linkage linkage)
{
    lfuse_metric_properties properties;
    lfuse_plan_options options;
    lfuse_error err = {0};
    double wall = 1e300, cpu = 1e300, start = seconds(CLOCK_MONOTONIC);
    int64_t fusions = 0;
    int i;

    lfuse_metric_properties_init(&properties, sizeof(properties));
    if (lfuse_metric_info(metric, &properties, NULL) != LFUSE_OK ||
        metric == LFUSE_METRIC_CUSTOM)
        return;
    lfuse_plan_options_init(&options, sizeof(options));
    options.ratio = ratio;
    options.metric = metric;
    options.linkage = linkage;
    for (i = 0; i < RUNS && (i == 0 || seconds(CLOCK_MONOTONIC) - start < BUDGET); i++) {
        const double w = seconds(CLOCK_MONOTONIC), c = seconds(CLOCK_PROCESS_CPUTIME_ID);
        lfuse_plan *plan;

        if (lfuse_plan_build(ctx, (const lfuse_layer *const *)net->layers, net->count,
                             &options, &plan, &err) != LFUSE_OK) {
            fprintf(stderr, "%s: %s\n", properties.name, err.message);
            return;
        }
        fusions = lfuse_plan_fusion_count(plan);
        lfuse_plan_destroy(plan);
        if (seconds(CLOCK_MONOTONIC) - w < wall)
            wall = seconds(CLOCK_MONOTONIC) - w;
        if (seconds(CLOCK_PROCESS_CPUTIME_ID) - c < cpu)
            cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - c;
    }
    printf("%s,%s,%lld,%lld,%lld,%.4f,%.4f\n", properties.name, linkages[linkage - 1],
           (long long)net->count, (long long)net->pairs, (long long)fusions, wall, cpu);
    fflush(stdout);
}

static lfuse_linkage linkage_of(const char *name)
{
    lfuse_linkage i;

    for (i = 1; i <= LFUSE_LINKAGE_MERGED; i++)
        if (strcmp(linkages[i - 1], name) == 0)
            return i;
    fprintf(stderr, "bench_plan: linkage %s is unknown\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    static struct network net;
    lfuse_context *ctx;
    lfuse_error err = {0};
    const double ratio = argc > 2 ? strtod(argv[2], NULL) : 2.0;
    const lfuse_linkage linkage =
        argc > 3 ? linkage_of(argv[3]) : (lfuse_linkage)LFUSE_LINKAGE_SINGLE;
    lfuse_metric metric;

    if (argc < 2) {
        fprintf(stderr, "usage: bench_plan FILE.safetensors [ratio [linkage]]\n");
        return 2;
    }
    must(lfuse_context_create(NULL, &ctx, &err), &err);
    load(ctx, argv[1], &net);
    printf("metric,linkage,layers,pairs,fusions,s,cpu s\n");
    for (metric = 1; metric <= LFUSE_METRIC_CUSTOM; metric++)
        run(ctx, &net, metric, ratio, linkage);
    while (net.count > 0)
        lfuse_layer_destroy(net.layers[--net.count]);
    lfuse_checkpoint_close(net.file);
    lfuse_context_destroy(ctx);
    return 0;
}
