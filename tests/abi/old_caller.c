/*
 * old_caller.c - a program built when every struct ended earlier
 *
 * Options only ever grow at their end, so a program from before the growth passes a smaller
 * struct_size. This one passes the first fields of every struct and nothing else: each struct
 * is a block of exactly that many bytes, so that a memory checker sees a library that reads
 * or writes past them, and a canary behind it sees one that clears or exports too much.
 *
 * It is compiled against tests/abi/oldest, the headers of the soname's first release, once
 * there are any, and against today's until then; and it runs against today's library. When a
 * release appends fields, the oldest headers are by themselves such a caller.
 */
#include <layerfuse/layerfuse.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANARY = 0x5a, CANARIES = 512 };

static int failures;

#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            printf("old_caller.c:%d: %s: %s\n", __LINE__, #condition, err.message); \
            failures++;                                                             \
        }                                                                           \
    } while (0)

/* The bytes of a struct up to, but not including, a field. */
#define BEFORE(type, field) offsetof(type, field)

static lfuse_error err;

/* A block of a struct's first bytes, cleared by its init, which must leave those behind. */
static void *begin(void (*init)(void *options, size_t size), size_t size)
{
    unsigned char *bytes = malloc(size + CANARIES);
    void *exact = malloc(size);
    size_t got, i;

    if (bytes == NULL || exact == NULL)
        exit(1);
    memset(bytes, CANARY, size + CANARIES);
    init(bytes, size);
    memcpy(&got, bytes, sizeof(got));
    CHECK(got == size);
    for (i = size; i < size + CANARIES; i++)
        CHECK(bytes[i] == CANARY);
    memcpy(exact, bytes, size);
    free(bytes);
    return exact;
}

/* An init of its own type, called through void pointers. */
#define BEGIN(type, field)                              \
    static void init_##type(void *options, size_t size) \
    {                                                   \
        type##_init((type *)options, size);             \
    }                                                   \
    static type *begin_##type(void)                     \
    {                                                   \
        return begin(init_##type, BEFORE(type, field)); \
    }

BEGIN(lfuse_context_options, executor)
BEGIN(lfuse_layer_desc, kind)
BEGIN(lfuse_parameter, role)
BEGIN(lfuse_similarity_options, metric)
BEGIN(lfuse_metric_properties, is_symmetric)
BEGIN(lfuse_plan_options, top_k)
BEGIN(lfuse_fusion, score)
BEGIN(lfuse_account, all_logical)
BEGIN(lfuse_ties_options, flags)
BEGIN(lfuse_retrainer_options, ties)
BEGIN(lfuse_checkpoint_open_options, max_header_bytes)
BEGIN(lfuse_checkpoint_save_options, mode)
BEGIN(lfuse_conv2d_args, stride_h)
BEGIN(lfuse_linear_args, flags)
BEGIN(lfuse_pool2d_args, stride_h)
BEGIN(lfuse_batch_norm_args, epsilon)
BEGIN(lfuse_cross_entropy_args, correct)
BEGIN(lfuse_gemm_args, flags)
BEGIN(lfuse_sgd_args, momentum)

enum { LAYERS = 3, WEIGHTS = 4 };

struct network {
    lfuse_context *ctx;
    lfuse_tensor *tensors[LAYERS];
    lfuse_layer *layers[LAYERS];
    float weights[LAYERS][WEIGHTS];
};

static void build(struct network *n)
{
    static const char *const names[LAYERS] = {"first", "second", "third"};
    const int64_t dims[] = {2, 2};
    lfuse_context_options *options = begin_lfuse_context_options();
    lfuse_tensor_desc desc; /* whole: its last field has always been needed */
    int i, j;

    CHECK(lfuse_context_create(options, &n->ctx, &err) == LFUSE_OK);
    free(options);
    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dims = dims;
    desc.dtype = LFUSE_F32;
    desc.rank = 2;
    for (i = 0; i < LAYERS; i++) {
        lfuse_layer_desc *layer = begin_lfuse_layer_desc();
        lfuse_parameter *parameter = begin_lfuse_parameter();

        for (j = 0; j < WEIGHTS; j++)
            n->weights[i][j] = (float)((i + 1) * (i + 1) + j);
        desc.data = n->weights[i];
        CHECK(lfuse_tensor_create(n->ctx, &desc, &n->tensors[i], &err) == LFUSE_OK);
        layer->name = names[i];
        layer->param_type = "square";
        CHECK(lfuse_layer_create(n->ctx, layer, &n->layers[i], &err) == LFUSE_OK);
        parameter->name = "weight";
        parameter->value = n->tensors[i];
        CHECK(lfuse_layer_add_parameter(n->layers[i], parameter, &err) == LFUSE_OK);
        CHECK(lfuse_layer_parameter(n->layers[i], 0, parameter, &err) == LFUSE_OK);
        CHECK(parameter->struct_size == BEFORE(lfuse_parameter, role));
        CHECK(strcmp(parameter->layer, names[i]) == 0);
        CHECK(parameter->value == n->tensors[i] && parameter->gradient == NULL);
        free(parameter);
        free(layer);
    }
}

static void measure(struct network *n)
{
    lfuse_similarity_options *options = begin_lfuse_similarity_options();
    lfuse_metric_properties *properties = begin_lfuse_metric_properties();
    double distance = -1.0;

    CHECK(lfuse_metric_info(LFUSE_METRIC_EUCLIDEAN, properties, &err) == LFUSE_OK);
    CHECK(strcmp(properties->name, "euclidean") == 0 && properties->is_distance == 1);
    CHECK(properties->struct_size == BEFORE(lfuse_metric_properties, is_symmetric));
    CHECK(lfuse_similarity(n->ctx, n->tensors[0], n->tensors[1], options, &distance,
                           &err) == LFUSE_OK);
    CHECK(distance == 6.0); /* four weights, each 3 away */
    free(properties);
    free(options);
}

/* The first two are 3 apart in every weight, the last two 5. */
static void tie(struct network *n)
{
    lfuse_plan_options *options = begin_lfuse_plan_options();
    lfuse_ties_options *how = begin_lfuse_ties_options();
    lfuse_fusion *fusion = begin_lfuse_fusion();
    lfuse_account *account = begin_lfuse_account();
    lfuse_plan *plan = NULL;
    lfuse_ties *ties = NULL;

    options->ratio = 1.5;
    CHECK(lfuse_plan_build(n->ctx, (const lfuse_layer *const *)n->layers, LAYERS, options,
                           &plan, &err) == LFUSE_OK);
    CHECK(lfuse_plan_fusion_count(plan) == 1);
    CHECK(lfuse_plan_fusion(plan, 0, fusion, &err) == LFUSE_OK);
    CHECK(fusion->struct_size == BEFORE(lfuse_fusion, score));
    CHECK(fusion->a == 0 && fusion->b == 1 && fusion->kept == 0);
    CHECK(lfuse_plan_account(plan, account, &err) == LFUSE_OK);
    CHECK(account->struct_size == BEFORE(lfuse_account, all_logical));
    CHECK(account->candidates_logical == 12 && account->candidates_unique == 8);
    CHECK(lfuse_ties_create(n->ctx, n->layers, LAYERS, how, &ties, &err) == LFUSE_OK);
    CHECK(lfuse_ties_apply(ties, plan, &err) == LFUSE_OK);
    CHECK(lfuse_ties_owner(ties, 1) == 0);
    CHECK(n->weights[0][0] == 2.5f && n->weights[1][0] == 2.5f); /* mirrored */
    CHECK(n->weights[2][0] == 9.0f);
    lfuse_ties_destroy(ties);
    lfuse_plan_destroy(plan);
    free(account);
    free(fusion);
    free(how);
    free(options);
}

static void retrain(struct network *n)
{
    lfuse_retrainer_options *options = begin_lfuse_retrainer_options();
    lfuse_plan_options *plan = begin_lfuse_plan_options();
    lfuse_retrainer *retrainer = NULL;

    plan->ratio = 1.5;
    options->plan = plan;
    CHECK(lfuse_retrainer_create(n->ctx, n->layers, LAYERS, options, &retrainer, &err) ==
          LFUSE_OK);
    CHECK(lfuse_retrainer_fuse(retrainer, &err) == LFUSE_OK);
    CHECK(lfuse_retrainer_parameter_count(retrainer) == 2);
    lfuse_retrainer_destroy(retrainer);
    free(plan);
    free(options);
}

static void store(struct network *n, const char *path)
{
    lfuse_checkpoint_save_options *options = begin_lfuse_checkpoint_save_options();
    lfuse_checkpoint_open_options *opening = begin_lfuse_checkpoint_open_options();
    lfuse_checkpoint_entry entry = {"first.weight", NULL, NULL};
    lfuse_checkpoint *file = NULL;

    entry.tensor = n->tensors[0];
    CHECK(lfuse_checkpoint_save(n->ctx, path, &entry, 1, options, &err) == LFUSE_OK);
    CHECK(lfuse_checkpoint_open(n->ctx, path, opening, &file, &err) == LFUSE_OK);
    CHECK(lfuse_checkpoint_count(file) == 1);
    lfuse_checkpoint_close(file);
    free(opening);
    free(options);
}

/* One pixel, one channel: every kernel is a product or a sum. */
static void compute(struct network *n)
{
    const float x = 3.0f, w = 2.0f, zero = 0.0f, one = 1.0f;
    const int32_t label = 0;
    float y = 0.0f, z[2] = {0.0f, 0.0f};
    double loss = -1.0;
    lfuse_conv2d_args *conv = begin_lfuse_conv2d_args();
    lfuse_linear_args *linear = begin_lfuse_linear_args();
    lfuse_pool2d_args *pool = begin_lfuse_pool2d_args();
    lfuse_batch_norm_args *norm = begin_lfuse_batch_norm_args();
    lfuse_cross_entropy_args *entropy = begin_lfuse_cross_entropy_args();
    lfuse_gemm_args *gemm = begin_lfuse_gemm_args();
    lfuse_sgd_args *sgd = begin_lfuse_sgd_args();

    conv->x = linear->x = pool->x = norm->x = gemm->a = &x;
    conv->w = linear->w = gemm->b = &w;
    conv->y = linear->y = pool->y = norm->y = gemm->c = &y;
    conv->batch = conv->in_channels = conv->height = conv->width = 1;
    conv->out_channels = conv->kernel_h = conv->kernel_w = 1;
    CHECK(lfuse_conv2d_forward(n->ctx, conv, &err) == LFUSE_OK && y == 6.0f);

    linear->batch = linear->in_features = linear->out_features = 1;
    y = 0.0f;
    CHECK(lfuse_linear_forward(n->ctx, linear, &err) == LFUSE_OK && y == 6.0f);

    gemm->m = gemm->n = gemm->k = 1;
    y = 0.0f;
    CHECK(gemm->alpha == 1.0f);
    CHECK(lfuse_gemm(n->ctx, gemm, &err) == LFUSE_OK && y == 6.0f);

    pool->batch = pool->channels = pool->height = pool->width = 1;
    pool->kernel_h = pool->kernel_w = 1;
    CHECK(lfuse_pool2d_forward(n->ctx, pool, &err) == LFUSE_OK && y == 3.0f);

    norm->batch = norm->channels = norm->pixels = 1;
    norm->scale = &one;
    norm->shift = &one;
    norm->running_mean = z;
    norm->running_variance = z + 1;
    z[0] = 3.0f; /* its own mean: x - mean is 0, and shift is left */
    z[1] = 1.0f;
    CHECK(lfuse_batch_norm_inference(n->ctx, norm, &err) == LFUSE_OK && y == 1.0f);

    entropy->logits = &zero;
    entropy->labels = &label;
    entropy->batch = entropy->classes = 1;
    entropy->loss = &loss;
    CHECK(lfuse_softmax_cross_entropy(n->ctx, entropy, &err) == LFUSE_OK && loss == 0.0);

    y = 5.0f;
    sgd->value = &y;
    sgd->gradient = &w;
    sgd->count = 1;
    sgd->learning_rate = 0.5;
    CHECK(lfuse_sgd(n->ctx, sgd, &err) == LFUSE_OK && y == 4.0f);
    free(sgd);
    free(gemm);
    free(entropy);
    free(norm);
    free(pool);
    free(linear);
    free(conv);
}

int main(int argc, char *argv[])
{
    struct network n = {0};
    int i;

    if (argc != 2) {
        fprintf(stderr, "usage: old_caller FILE, which is written\n");
        return 2;
    }
    build(&n);
    measure(&n);
    store(&n, argv[1]);
    tie(&n);
    retrain(&n);
    compute(&n);
    for (i = 0; i < LAYERS; i++) {
        lfuse_layer_destroy(n.layers[i]);
        lfuse_tensor_destroy(n.tensors[i]);
    }
    lfuse_context_destroy(n.ctx);
    printf("%s\n", failures == 0 ? "an old caller works" : "an old caller does not work");
    return failures == 0 ? 0 : 1;
}
