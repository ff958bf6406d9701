/*
 * fuzz_plan.c - any bytes as a plan
 *
 * Whatever is read is looked at, written and read again, which gives the same text; read for layers
 * of a network, it is applied to them and undone. Whatever is refused is refused in one line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <layerfuse/layerfuse.h>

#define CHECK(condition) ((condition) ? (void)0 : wrong(#condition))

static void wrong(const char *condition)
{
    fprintf(stderr, "not so: %s\n", condition);
    abort();
}

/* ---- memory: none of it in large pieces, whatever a text says of its layers ---------------------- */

enum { MOST = 1 << 20 };

struct memory {
    int was_refused;
};

static void *give(void *user, size_t size, size_t align)
{
    struct memory *memory = user;

    memory->was_refused |= size > MOST;
    return size > MOST ? NULL : aligned_alloc(align, (size + align - 1) / align * align);
}

static void take(void *user, void *data, size_t size, size_t align)
{
    (void)user;
    (void)size;
    (void)align;
    free(data);
}

/* ---- a network: p, q and r alike, s of another shape, t of another type ------------------------ */

enum { LAYERS = 5 };

struct network {
    lfuse_tensor *weights[LAYERS];
    lfuse_layer *layers[LAYERS];
};

static void make_layer(lfuse_context *ctx, struct network *n, int i)
{
    static const char *const names[LAYERS] = {"p", "q", "r", "s", "t"};
    const int64_t dims[] = {2, i == 3 ? 4 : 3};
    lfuse_tensor_desc tensor;
    lfuse_layer_desc layer;
    lfuse_parameter weight;

    lfuse_tensor_desc_init(&tensor, sizeof(tensor));
    tensor.dtype = LFUSE_F32;
    tensor.rank = 2;
    tensor.dims = dims;
    CHECK(lfuse_tensor_create(ctx, &tensor, &n->weights[i], NULL) == LFUSE_OK);
    lfuse_layer_desc_init(&layer, sizeof(layer));
    layer.name = names[i];
    layer.param_type = i < 4 ? "A" : "B";
    layer.position = i;
    CHECK(lfuse_layer_create(ctx, &layer, &n->layers[i], NULL) == LFUSE_OK);
    lfuse_parameter_init(&weight, sizeof(weight));
    weight.name = "weight";
    weight.value = n->weights[i];
    CHECK(lfuse_layer_add_parameter(n->layers[i], &weight, NULL) == LFUSE_OK);
}

static void make_network(lfuse_context *ctx, struct network *n)
{
    int i;

    for (i = 0; i < LAYERS; i++)
        make_layer(ctx, n, i);
}

static void destroy_network(struct network *n)
{
    int i;

    for (i = 0; i < LAYERS; i++) {
        lfuse_layer_destroy(n->layers[i]);
        lfuse_tensor_destroy(n->weights[i]);
    }
}

/* ---- what was read --------------------------------------------------------------------------- */

static void look_at(const lfuse_plan *plan)
{
    const int64_t layers = lfuse_plan_layer_count(plan);
    lfuse_fusion f;
    int64_t i, k;

    CHECK(layers > 0);
    for (i = 0; i < layers; i++)
        CHECK(lfuse_plan_layer_name(plan, i) != NULL);
    for (i = 0; i < lfuse_plan_fusion_count(plan); i++) {
        lfuse_fusion_init(&f, sizeof(f));
        CHECK(lfuse_plan_fusion(plan, i, &f, NULL) == LFUSE_OK);
        CHECK(f.a >= 0 && f.a <= f.b && f.b < layers && f.kept >= 0 && f.kept < layers);
        CHECK(f.a < f.b || (f.row_a >= 0 && f.row_a < f.row_b));
        CHECK(f.row_a < 0 ||
              lfuse_plan_row_owner(plan, f.b, f.weight, f.row_b, NULL) >= 0);
        CHECK(f.ratio >= 1.0 && f.saved_parameters > 0);
    }
    for (i = 0; i < lfuse_plan_group_count(plan); i++) {
        CHECK(lfuse_plan_group_size(plan, i) >= 2);
        for (k = 1; k < lfuse_plan_group_size(plan, i); k++)
            CHECK(lfuse_plan_group_member(plan, i, k - 1) <
                  lfuse_plan_group_member(plan, i, k));
    }
}

static char *text_of(const lfuse_plan *plan)
{
    size_t needed, again;
    char *text;

    CHECK(lfuse_plan_to_json(plan, NULL, 0, &needed, NULL) == LFUSE_OK);
    text = malloc(needed);
    CHECK(text != NULL);
    CHECK(lfuse_plan_to_json(plan, text, needed, &again, NULL) == LFUSE_OK);
    CHECK(again == needed);
    return text;
}

static void write_again(lfuse_context *ctx, const lfuse_plan *plan)
{
    char *text = text_of(plan), *second;
    lfuse_plan *again;

    CHECK(lfuse_plan_from_json(ctx, text, strlen(text), NULL, &again, NULL) == LFUSE_OK);
    second = text_of(again);
    CHECK(strcmp(text, second) == 0);
    lfuse_plan_destroy(again);
    free(second);
    free(text);
}

static void apply(lfuse_context *ctx, struct network *n, const lfuse_plan *plan)
{
    lfuse_ties_options o;
    lfuse_ties *ties;
    lfuse_error err;
    lfuse_status status;

    lfuse_ties_options_init(&o, sizeof(o));
    o.flags = LFUSE_TIES_KEEP_ORIGINALS;
    CHECK(lfuse_ties_create(ctx, n->layers, LAYERS, &o, &ties, NULL) == LFUSE_OK);
    status = lfuse_ties_apply(ties, plan, &err);
    /* Nothing is in force, there is no merge, and permutations are of what is not there. */
    CHECK(status == LFUSE_OK || status == LFUSE_ERR_STATE || status == LFUSE_ERR_NAME ||
          status == LFUSE_ERR_SHAPE);
    CHECK(lfuse_ties_undo(ties, NULL) == LFUSE_OK);
    lfuse_ties_destroy(ties);
}

static void read_plan(lfuse_context *ctx, const uint8_t *data, size_t size,
                      struct network *n, const struct memory *memory)
{
    lfuse_plan_load_options o;
    lfuse_error err = {0};
    lfuse_plan *plan;

    lfuse_plan_load_options_init(&o, sizeof(o));
    if (n != NULL) {
        o.layers = (const lfuse_layer *const *)n->layers;
        o.count = LAYERS;
    }
    if (lfuse_plan_from_json(ctx, (const char *)data, size, &o, &plan, &err) ==
        LFUSE_OK) {
        look_at(plan);
        write_again(ctx, plan);
        if (n != NULL)
            apply(ctx, n, plan);
    } else {
        CHECK(plan == NULL && err.message[0] != '\0' &&
              strchr(err.message, '\n') == NULL);
        CHECK(err.status == LFUSE_ERR_FORMAT || err.status == LFUSE_ERR_UNSUPPORTED ||
              err.status == LFUSE_ERR_NAME || err.status == LFUSE_ERR_SHAPE ||
              err.status == LFUSE_ERR_TYPE ||
              (n != NULL && err.status == LFUSE_ERR_STATE) || /* other contents */
              (memory->was_refused && err.status == LFUSE_ERR_NO_MEMORY));
    }
    lfuse_plan_destroy(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory memory = {0};
    lfuse_context_options options;
    struct network n;
    lfuse_context *ctx;

    lfuse_context_options_init(&options, sizeof(options));
    options.allocator = (lfuse_allocator){give, take, &memory};
    CHECK(lfuse_context_create(&options, &ctx, NULL) == LFUSE_OK);
    make_network(ctx, &n);
    read_plan(ctx, data, size, NULL, &memory);
    read_plan(ctx, data, size, &n, &memory);
    destroy_network(&n);
    lfuse_context_destroy(ctx);
    return 0;
}
