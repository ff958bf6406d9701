/* test_layer.c - positions of the network: what they hold, copy and refuse */
#include "lft.h"

#include <stdio.h>
#include <string.h>

static lfuse_layer_desc desc_of(const char *name, const char *param_type)
{
    lfuse_layer_desc desc;

    lfuse_layer_desc_init(&desc, sizeof(desc));
    desc.name = name;
    desc.param_type = param_type;
    return desc;
}

static lfuse_parameter parameter_of(const char *name, lfuse_tensor *value)
{
    lfuse_parameter parameter;

    lfuse_parameter_init(&parameter, sizeof(parameter));
    parameter.name = name;
    parameter.value = value;
    return parameter;
}

static lfuse_layer *layer_of(struct lft *t)
{
    lfuse_layer_desc desc = desc_of("h.0", "h.*");

    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &t->layers[t->layer_count], &t->err));
    return t->layers[t->layer_count++];
}

/* ---- the layer -------------------------------------------------------------------------- */

static void a_layer_is_as_it_was_created(void **state)
{
    struct lft *t = *state;
    char name[] = "layer1.0.conv1", type[] = "conv3x3 64->64";
    lfuse_layer_desc desc = desc_of(name, type);
    lfuse_layer *layer;

    desc.kind = LFUSE_LAYER_CONV2D;
    desc.position = 7;
    lft_ok(t, lfuse_layer_create(t->ctx, &desc, &layer, &t->err));
    memset(name, 'x', sizeof(name) - 1); /* strings are copied */
    memset(type, 'x', sizeof(type) - 1);
    assert_string_equal(lfuse_layer_name(layer), "layer1.0.conv1");
    assert_string_equal(lfuse_layer_param_type(layer), "conv3x3 64->64");
    assert_int_equal(lfuse_layer_kind_of(layer), LFUSE_LAYER_CONV2D);
    assert_int_equal(lfuse_layer_position(layer), 7);
    assert_int_equal(lfuse_layer_parameter_count(layer), 0);
    lfuse_layer_destroy(layer);
}

static void null_answers_null_or_0(void **state)
{
    (void)state;
    lfuse_layer_desc_init(NULL, 8);
    lfuse_parameter_init(NULL, 8);
    lfuse_layer_destroy(NULL);
    assert_null(lfuse_layer_name(NULL));
    assert_null(lfuse_layer_param_type(NULL));
    assert_int_equal(lfuse_layer_kind_of(NULL), 0);
    assert_int_equal(lfuse_layer_position(NULL), 0);
    assert_int_equal(lfuse_layer_parameter_count(NULL), 0);
}

static void fails(struct lft *t, const lfuse_layer_desc *desc, lfuse_status status,
                  const char *text)
{
    lfuse_layer *layer = (lfuse_layer *)t;
    int64_t live = t->memory.live;

    lft_fails(t, lfuse_layer_create(t->ctx, desc, &layer, &t->err), status, text);
    assert_null(layer);
    assert_int_equal(t->memory.live, live);
}

static void bad_descriptions_are_named(void **state)
{
    struct lft *t = *state;
    lfuse_layer_desc d = desc_of("h.0", "h.*");
    lfuse_layer *layer = (lfuse_layer *)t;
    struct {
        lfuse_layer_desc known;
        int64_t later;
    } newer;

    lft_fails(t, lfuse_layer_create(t->ctx, &d, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "layer is NULL");
    lft_fails(t, lfuse_layer_create(NULL, &d, &layer, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    assert_null(layer);
    fails(t, NULL, LFUSE_ERR_ARGUMENT, "desc is NULL");
    d = desc_of(NULL, "h.*");
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.name is NULL");
    d = desc_of("", "h.*");
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.name is empty");
    d = desc_of("h.0", NULL);
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.param_type of layer h.0 is NULL");
    d = desc_of("h.0", "");
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.param_type of layer h.0 is empty");
    d = desc_of("h.0", "h.*");
    d.kind = 5;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.kind of layer h.0 is 5, which is unknown");
    d.kind = -1;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.kind of layer h.0 is -1");
    d = desc_of("h.0", "h.*");
    d.position = -2;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.position of layer h.0 is -2");
    d = desc_of("h.0", "h.*");
    d.struct_size = 1;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc has struct_size 1");
    memset(&newer, 0, sizeof(newer));
    newer.known = desc_of("h.0", "h.*");
    newer.known.struct_size = sizeof(newer);
    newer.later = 1;
    fails(t, &newer.known, LFUSE_ERR_UNSUPPORTED, "desc sets byte");
}

/* ---- parameters ---------------------------------------------------------------------------------- */

/* Past 4 of them, and past 8, the lists grow; nothing that was added moves or changes. */
static void parameters_come_back_as_they_were_added(void **state)
{
    enum { N = 21 };
    struct lft *t = *state;
    lfuse_layer *layer = layer_of(t);
    lfuse_tensor *value[N], *gradient[N], *velocity[N];
    char name[16];
    lfuse_parameter p;
    int i, k;

    for (i = 0; i < N; i++) {
        value[i] = lft_tensor(t, LFUSE_F32, 1, 2, 3, 0);
        gradient[i] = i % 2 != 0 ? lft_tensor(t, LFUSE_F32, 1, 2, 3, 0) : NULL;
        velocity[i] = i % 3 != 0 ? lft_tensor(t, LFUSE_F64, 1, 2, 3, 0) : NULL;
        (void)snprintf(name, sizeof(name), "p%d", i);
        p = parameter_of(name, value[i]);
        p.layer = "ignored";
        p.gradient = gradient[i];
        p.state[i % 4] = velocity[i];
        p.role = i % 6;
        p.output_axis = i % 2;
        lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
        memset(name, 'x', sizeof(name) - 1); /* the name is copied */
        assert_int_equal(lfuse_layer_parameter_count(layer), i + 1);
    }
    for (i = 0; i < N; i++) {
        lfuse_parameter_init(&p, sizeof(p));
        lft_ok(t, lfuse_layer_parameter(layer, i, &p, &t->err));
        (void)snprintf(name, sizeof(name), "p%d", i);
        assert_string_equal(p.name, name);
        assert_string_equal(p.layer, "h.0");
        assert_ptr_equal(p.value, value[i]);
        assert_ptr_equal(p.gradient, gradient[i]);
        for (k = 0; k < 4; k++)
            assert_ptr_equal(p.state[k], k == i % 4 ? velocity[i] : NULL);
        assert_int_equal(p.role, i % 6 == 0 ? LFUSE_ROLE_WEIGHT : i % 6);
        assert_int_equal(p.output_axis, i % 2);
        assert_int_equal(p.struct_size, sizeof(p));
    }
}

static void older_and_newer_parameters_are_filled_as_far_as_they_go(void **state)
{
    struct lft *t = *state;
    lfuse_layer *layer = layer_of(t);
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 2, 3, 0);
    lfuse_parameter p = parameter_of("weight", x);
    struct {
        lfuse_parameter known;
        int64_t later;
    } newer;

    lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
    memset(&p, 0xee, sizeof(p));
    p.struct_size = offsetof(lfuse_parameter, gradient);
    lft_ok(t, lfuse_layer_parameter(layer, 0, &p, &t->err));
    assert_ptr_equal(p.value, x);
    assert_int_equal(((unsigned char *)&p.gradient)[0], 0xee);
    memset(&newer, 0xee, sizeof(newer));
    newer.known.struct_size = sizeof(newer);
    lft_ok(t, lfuse_layer_parameter(layer, 0, &newer.known, &t->err));
    assert_ptr_equal(newer.known.value, x);
    assert_int_equal(newer.later, 0);
}

static void add_fails(struct lft *t, lfuse_layer *layer, const lfuse_parameter *p,
                      lfuse_status status, const char *text)
{
    int32_t count = lfuse_layer_parameter_count(layer);

    lft_fails(t, lfuse_layer_add_parameter(layer, p, &t->err), status, text);
    assert_int_equal(lfuse_layer_parameter_count(layer), count);
}

static void bad_parameters_are_named_and_leave_the_layer_unchanged(void **state)
{
    struct lft *t = *state;
    lfuse_layer *layer = layer_of(t);
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 2, 3, 0);
    lfuse_tensor *y = lft_tensor(t, LFUSE_F32, 1, 3, 2, 0);
    lfuse_tensor *z = lft_tensor(t, LFUSE_F32, 1, 6, 0);
    lfuse_parameter p = parameter_of("weight", x);
    struct {
        lfuse_parameter known;
        int64_t later;
    } newer;
    char text[64];
    int i;

    lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
    add_fails(t, NULL, &p, LFUSE_ERR_ARGUMENT, "layer is NULL");
    add_fails(t, layer, NULL, LFUSE_ERR_ARGUMENT, "parameter is NULL");
    add_fails(t, layer, &p, LFUSE_ERR_NAME, "layer h.0 has a parameter weight already");
    p = parameter_of(NULL, x);
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "parameter.name of layer h.0 is NULL");
    p = parameter_of("", x);
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "parameter.name of layer h.0 is empty");
    p = parameter_of("bias", NULL);
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "parameter.value of layer h.0 is NULL");
    p = parameter_of("bias", x);
    p.role = 6;
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "bias: role is 6, which is unknown");
    p.role = -1;
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "bias: role is -1");
    p = parameter_of("bias", x);
    p.output_axis = 2;
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "bias: output_axis is 2, rank is 2");
    p.output_axis = -1;
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "bias: output_axis is -1");
    p = parameter_of("bias", x);
    p.gradient = y;
    add_fails(t, layer, &p, LFUSE_ERR_SHAPE,
              "parameter bias of layer h.0: gradient is [3, 2], value is [2, 3]");
    for (i = 0; i < LFUSE_MAX_STATE; i++) {
        p = parameter_of("bias", x);
        p.state[i] = z;
        snprintf(text, sizeof(text), ": state[%d] is [6], value is [2, 3]", i);
        add_fails(t, layer, &p, LFUSE_ERR_SHAPE, text);
    }
    p = parameter_of("bias", x);
    p.struct_size = 2;
    add_fails(t, layer, &p, LFUSE_ERR_ARGUMENT, "parameter has struct_size 2");
    memset(&newer, 0, sizeof(newer));
    newer.known = parameter_of("bias", x);
    newer.known.struct_size = sizeof(newer);
    newer.later = 1;
    add_fails(t, layer, &newer.known, LFUSE_ERR_UNSUPPORTED, "parameter sets byte");
}

static void a_parameter_out_of_range_is_refused(void **state)
{
    struct lft *t = *state;
    lfuse_layer *layer = layer_of(t);
    lfuse_parameter p = parameter_of("weight", lft_tensor(t, LFUSE_F32, 1, 2, 0)), before;

    lft_ok(t, lfuse_layer_add_parameter(layer, &p, &t->err));
    memset(&p, 0xee, sizeof(p));
    p.struct_size = sizeof(p);
    before = p;
    lft_fails(t, lfuse_layer_parameter(layer, 1, &p, &t->err), LFUSE_ERR_ARGUMENT,
              "index is 1, layer h.0 has 1 parameters");
    lft_fails(t, lfuse_layer_parameter(layer, -1, &p, &t->err), LFUSE_ERR_ARGUMENT,
              "index is -1");
    lft_fails(t, lfuse_layer_parameter(NULL, 0, &p, &t->err), LFUSE_ERR_ARGUMENT,
              "layer is NULL");
    lft_fails(t, lfuse_layer_parameter(layer, 0, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "parameter is NULL");
    assert_memory_equal(&p, &before, sizeof(p));
    p.struct_size = before.struct_size = 3;
    lft_fails(t, lfuse_layer_parameter(layer, 0, &p, &t->err), LFUSE_ERR_ARGUMENT,
              "struct_size 3");
    assert_memory_equal(&p, &before, sizeof(p));
}

/* ---- refused memory ------------------------------------------------------------------------------ */

/* With enough parameters for the lists to grow twice; what was added before stays. */
static lfuse_status create_and_fill(struct lft *t, void *arg)
{
    lfuse_layer_desc desc = desc_of("h.0", "h.*");
    lfuse_layer *layer = arg;
    lfuse_parameter p;
    char name[8];
    int i;
    lfuse_status status = lfuse_layer_create(t->ctx, &desc, &layer, &t->err);

    assert_true((status == LFUSE_OK) == (layer != NULL));
    for (i = 0; i < 9 && status == LFUSE_OK; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        p = parameter_of(name, arg);
        status = lfuse_layer_add_parameter(layer, &p, &t->err);
        assert_int_equal(lfuse_layer_parameter_count(layer), i + (status == LFUSE_OK));
    }
    if (layer != NULL && i > 1) {
        lft_ok(t, lfuse_layer_parameter(layer, 0, &p, &t->err));
        assert_string_equal(p.name, "p0");
        assert_ptr_equal(p.value, arg);
    }
    lfuse_layer_destroy(layer);
    return status;
}

static void a_layer_survives_every_refused_allocation(void **state)
{
    struct lft *t = *state;

    lft_every_allocation_fails(t, create_and_fill, lft_tensor(t, LFUSE_F32, 1, 2, 0));
}

/* ---- over arrays ------------------------------------------------------------------------- */

static lfuse_tensor_desc array_of(float *data, const int64_t *dims, int32_t rank)
{
    lfuse_tensor_desc desc;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.data = data;
    desc.dims = dims;
    desc.rank = rank;
    desc.dtype = LFUSE_F32;
    return desc;
}

static void a_layer_wraps_arrays_where_they_lie(void **state)
{
    struct lft *t = *state;
    float w[6] = {1, 2, 3, 4, 5, 6}, g[6] = {0};
    const int64_t dims[] = {2, 3};
    lfuse_layer_desc desc = desc_of("fc", "linear");
    lfuse_tensor_desc weight = array_of(w, dims, 2), gradient = array_of(g, dims, 2);
    lfuse_parameter p;
    lfuse_layer *layer;

    lfuse_parameter_init(&p, sizeof(p));
    lft_ok(t, lfuse_layer_wrap(t->ctx, &desc, &weight, &gradient, &layer, &t->err));
    lft_ok(t, lfuse_layer_parameter(layer, 0, &p, &t->err));
    assert_string_equal(p.name, "weight");
    assert_int_equal(p.role, LFUSE_ROLE_WEIGHT);
    assert_int_equal(p.output_axis, 0);
    assert_ptr_equal(lfuse_tensor_data(p.value), w);
    assert_ptr_equal(lfuse_tensor_data(p.gradient), g);
    assert_int_equal(lfuse_tensor_dim(p.value, 1), 3);
    lfuse_layer_destroy(layer);
    lft_ok(t, lfuse_layer_wrap(t->ctx, &desc, &weight, NULL, &layer, &t->err));
    lft_ok(t, lfuse_layer_parameter(layer, 0, &p, &t->err));
    assert_null(p.gradient);
    lfuse_layer_destroy(layer);
    assert_true(w[5] == 6.0f);
}

static void refuse_wrap(struct lft *t, lfuse_layer_desc desc,
                        const lfuse_tensor_desc *weight,
                        const lfuse_tensor_desc *gradient, lfuse_status expected,
                        const char *text)
{
    lfuse_layer *layer = (lfuse_layer *)t;

    lft_fails(t, lfuse_layer_wrap(t->ctx, &desc, weight, gradient, &layer, &t->err),
              expected, text);
    assert_null(layer);
}

static void release_nothing(void *data, void *user)
{
    (void)data;
    (void)user;
    fail_msg("released");
}

static void wrapping_names_what_is_wrong(void **state)
{
    struct lft *t = *state;
    float w[6] = {0}, g[6] = {0};
    const int64_t dims[] = {2, 3}, other[] = {3, 2};
    const lfuse_layer_desc desc = desc_of("fc", "linear");
    lfuse_tensor_desc weight = array_of(w, dims, 2), gradient = array_of(g, other, 2);

    lft_fails(t, lfuse_layer_wrap(t->ctx, &desc, &weight, NULL, NULL, &t->err),
              LFUSE_ERR_ARGUMENT, "layer is NULL");
    refuse_wrap(t, desc_of("", "linear"), &weight, NULL, LFUSE_ERR_ARGUMENT,
                "desc.name is empty");
    refuse_wrap(t, desc, NULL, NULL, LFUSE_ERR_ARGUMENT, "weight is NULL");
    refuse_wrap(t, desc, &weight, &gradient, LFUSE_ERR_SHAPE,
                "gradient is [3, 2], value is [2, 3]");
    gradient.dtype = 99;
    refuse_wrap(t, desc, &weight, &gradient, LFUSE_ERR_TYPE, "dtype is 99");
    weight.release = release_nothing;
    refuse_wrap(t, desc, &weight, NULL, LFUSE_ERR_ARGUMENT, "weight.release is given");
}

static lfuse_status wrap(struct lft *t, void *arg)
{
    static float w[2], g[2];
    const int64_t dims[] = {2};
    const lfuse_layer_desc desc = desc_of("fc", "linear");
    lfuse_tensor_desc weight = array_of(w, dims, 1), gradient = array_of(g, dims, 1);
    lfuse_layer *layer;
    lfuse_status status;

    (void)arg;
    status = lfuse_layer_wrap(t->ctx, &desc, &weight, &gradient, &layer, &t->err);
    lfuse_layer_destroy(layer);
    return status;
}

static void every_allocation_of_wrapping_may_fail(void **state)
{
    lft_every_allocation_fails(*state, wrap, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(a_layer_is_as_it_was_created),
        lft_test(null_answers_null_or_0),
        lft_test(bad_descriptions_are_named),
        lft_test(parameters_come_back_as_they_were_added),
        lft_test(older_and_newer_parameters_are_filled_as_far_as_they_go),
        lft_test(bad_parameters_are_named_and_leave_the_layer_unchanged),
        lft_test(a_parameter_out_of_range_is_refused),
        lft_test(a_layer_survives_every_refused_allocation),
        lft_test(a_layer_wraps_arrays_where_they_lie),
        lft_test(wrapping_names_what_is_wrong),
        lft_test(every_allocation_of_wrapping_may_fail),
    };

    return cmocka_run_group_tests_name("layer", tests, NULL, NULL);
}
