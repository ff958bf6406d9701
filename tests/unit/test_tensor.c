/* test_tensor.c - views of memory, owned or borrowed: what they hold, convert and refuse */
#include "lft.h"

#include <math.h>
#include <string.h>

#include "base/base.h"

static lfuse_tensor_desc desc_of(lfuse_dtype dtype, void *data, int32_t rank,
                                 const int64_t *dims, const int64_t *strides)
{
    lfuse_tensor_desc desc;

    lfuse_tensor_desc_init(&desc, sizeof(desc));
    desc.dtype = dtype;
    desc.data = data;
    desc.rank = rank;
    desc.dims = dims;
    desc.strides = strides;
    return desc;
}

static void count_release(void *data, void *user)
{
    int *released = user;

    assert_non_null(data);
    ++*released;
}

static lfuse_tensor *create(struct lft *t, const lfuse_tensor_desc *desc)
{
    lft_ok(t, lfuse_tensor_create(t->ctx, desc, &t->tensors[t->tensor_count], &t->err));
    return t->tensors[t->tensor_count++];
}

/* ---- creation --------------------------------------------------------------------------- */

static void an_owned_tensor_is_dense_zeroed_and_aligned(void **state)
{
    static const lfuse_dtype types[] = {LFUSE_F32, LFUSE_F64, LFUSE_F16, LFUSE_BF16};
    int64_t dims[4] = {3, 1, 5, 2};
    struct lft *t = *state;
    size_t i;
    int k;

    for (k = 0; k < 4; k++) {
        lfuse_tensor_desc desc = desc_of(types[k], NULL, 4, dims, NULL);
        int64_t live = t->memory.live;
        const unsigned char *bytes;
        lfuse_tensor *x;

        lft_ok(t, lfuse_tensor_create(t->ctx, &desc, &x, &t->err));
        dims[0] = 99; /* they are copied */
        bytes = lfuse_tensor_data(x);
        assert_true((uintptr_t)bytes % 64 == 0);
        assert_int_equal(lfuse_tensor_dtype(x), types[k]);
        assert_int_equal(lfuse_tensor_rank(x), 4);
        assert_int_equal(lfuse_tensor_dim(x, 0), 3);
        assert_int_equal(lfuse_tensor_dim(x, 2), 5);
        assert_int_equal(lfuse_tensor_stride(x, 0), 10);
        assert_int_equal(lfuse_tensor_stride(x, 2), 2);
        assert_int_equal(lfuse_tensor_stride(x, 3), 1);
        assert_int_equal(lfuse_tensor_elements(x), 30);
        assert_int_equal(lfuse_tensor_bytes(x), 30 * lfuse_dtype_size(types[k]));
        for (i = 0; i < lfuse_tensor_bytes(x); i++)
            assert_int_equal(bytes[i], 0);
        lfuse_tensor_destroy(x);
        dims[0] = 3;
        assert_int_equal(t->memory.live, live);
    }
}

static void a_borrowed_tensor_is_the_callers_memory(void **state)
{
    struct lft *t = *state;
    const int64_t dims[2] = {3, 2}, strides[2] = {1, 4};
    float data[8];
    lfuse_tensor_desc desc = desc_of(LFUSE_F32, data, 2, dims, strides);
    lfuse_tensor *x = create(t, &desc);

    assert_ptr_equal(lfuse_tensor_data(x), data);
    assert_int_equal(lfuse_tensor_stride(x, 0), 1);
    assert_int_equal(lfuse_tensor_stride(x, 1), 4);
    assert_int_equal(lfuse_tensor_bytes(x), 6 * 4); /* of the elements, not the gaps */
}

static void release_is_called_once_and_not_on_failure(void **state)
{
    struct lft *t = *state;
    const int64_t dims[1] = {4}, none[1] = {0};
    int released = 0;
    float data[4];
    lfuse_tensor_desc desc = desc_of(LFUSE_F32, data, 1, dims, NULL);
    lfuse_tensor *x;

    desc.release = count_release;
    desc.release_user = &released;
    lft_ok(t, lfuse_tensor_create(t->ctx, &desc, &x, &t->err));
    assert_int_equal(released, 0);
    lfuse_tensor_destroy(x);
    assert_int_equal(released, 1);
    desc.dims = none;
    lft_fails(t, lfuse_tensor_create(t->ctx, &desc, &x, &t->err), LFUSE_ERR_ARGUMENT,
              "desc.dims[0] is 0");
    assert_int_equal(released, 1);
    lfuse_tensor_destroy(NULL);
}

static lfuse_status create_and_destroy(struct lft *t, void *arg)
{
    const lfuse_tensor_desc *desc = arg;
    int *released = desc->release_user, before = released != NULL ? *released : 0;
    lfuse_tensor *x = (lfuse_tensor *)arg;
    lfuse_status status = lfuse_tensor_create(t->ctx, desc, &x, &t->err);

    assert_true((status == LFUSE_OK) == (x != NULL));
    lfuse_tensor_destroy(x);
    if (released != NULL)
        assert_int_equal(*released - before, status == LFUSE_OK);
    return status;
}

static void a_tensor_survives_every_refused_allocation(void **state)
{
    struct lft *t = *state;
    const int64_t dims[2] = {4, 5};
    int released = 0;
    double data[20];
    lfuse_tensor_desc owned = desc_of(LFUSE_F64, NULL, 2, dims, NULL);
    lfuse_tensor_desc borrowed = desc_of(LFUSE_F64, data, 2, dims, NULL);

    borrowed.release = count_release;
    borrowed.release_user = &released;
    lft_every_allocation_fails(t, create_and_destroy, &owned);
    lft_every_allocation_fails(t, create_and_destroy, &borrowed);
    assert_int_equal(released, 1);
}

/* ---- strides -------------------------------------------------------------------------------- */

/* Whether two indices share an element: by looking at all of them. */
static bool overlaps(int32_t rank, const int64_t *dims, const int64_t *strides)
{
    static unsigned char taken[4096];
    int64_t n = 1, e, rest, offset;
    int32_t i;

    memset(taken, 0, sizeof(taken));
    for (i = 0; i < rank; i++)
        n *= dims[i];
    for (e = 0; e < n; e++) {
        for (offset = 0, rest = e, i = rank - 1; i >= 0; i--) {
            offset += rest % dims[i] * strides[i];
            rest /= dims[i];
        }
        if (taken[offset]++)
            return true;
    }
    return false;
}

/*
 * Of all strides up to 12 for (3, 2, 4): what overlaps is refused, and what a slice or a
 * transpose can make (each stride steps over the smaller ones) is taken.
 */
static void strides_that_overlap_are_refused(void **state)
{
    struct lft *t = *state;
    const int64_t dims[3] = {3, 2, 4};
    static float data[4096];
    int64_t strides[3];
    lfuse_tensor_desc desc = desc_of(LFUSE_F32, data, 3, dims, strides);
    int taken = 0, nested = 0;

    for (strides[0] = 1; strides[0] <= 12; strides[0]++)
        for (strides[1] = 1; strides[1] <= 12; strides[1]++)
            for (strides[2] = 1; strides[2] <= 12; strides[2]++) {
                lfuse_tensor *x;
                lfuse_status status = lfuse_tensor_create(t->ctx, &desc, &x, &t->err);

                if (overlaps(3, dims, strides)) {
                    assert_int_equal(status, LFUSE_ERR_ARGUMENT);
                    assert_non_null(strstr(t->err.message, "must step over"));
                }
                taken += status == LFUSE_OK;
                nested += strides[2] >= 1 && strides[1] > 3 * strides[2] &&
                          strides[0] > strides[1] + 3 * strides[2];
                if (strides[1] > 3 * strides[2] &&
                    strides[0] > strides[1] + 3 * strides[2])
                    assert_int_equal(status, LFUSE_OK);
                lfuse_tensor_destroy(x);
            }
    assert_true(nested > 0 && taken > nested); /* transposes are among them */
}

static void an_axis_of_one_element_may_have_any_stride(void **state)
{
    struct lft *t = *state;
    const int64_t dims[3] = {2, 1, 3}, strides[3] = {3, 1, 1};
    float data[6] = {0, 1, 2, 3, 4, 5};
    lfuse_tensor_desc desc = desc_of(LFUSE_F32, data, 3, dims, strides);
    lfuse_tensor *x = create(t, &desc), *y = lft_tensor(t, LFUSE_F32, 1, 2, 1, 3, 0);

    lft_ok(t, lfuse_tensor_copy(y, x, &t->err));
    assert_memory_equal(lfuse_tensor_data(y), data, sizeof(data));
}

/* ---- errors ------------------------------------------------------------------------------------- */

static void fails(struct lft *t, const lfuse_tensor_desc *desc, lfuse_status status,
                  const char *text)
{
    lfuse_tensor *x = (lfuse_tensor *)t;
    int64_t live = t->memory.live;

    lft_fails(t, lfuse_tensor_create(t->ctx, desc, &x, &t->err), status, text);
    assert_null(x);
    assert_int_equal(lfuse_tensor_create(t->ctx, desc, &x, NULL), status);
    assert_int_equal(t->memory.live, live);
}

static void bad_descriptions_are_named(void **state)
{
    struct lft *t = *state;
    const int64_t dims[9] = {4, 3, 1, 1, 1, 1, 1, 1, 1}, strides[2] = {3, 1};
    const int64_t bad_dims[2] = {4, -1}, bad_strides[2] = {3, 0};
    _Alignas(8) char data[64];
    const lfuse_tensor_desc good = desc_of(LFUSE_F32, data, 2, dims, strides);
    lfuse_tensor_desc d = good;
    lfuse_tensor *x = (lfuse_tensor *)t;
    struct {
        lfuse_tensor_desc known;
        int64_t later;
    } newer;

    lft_fails(t, lfuse_tensor_create(t->ctx, &good, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "tensor is NULL");
    lft_fails(t, lfuse_tensor_create(NULL, &good, &x, &t->err), LFUSE_ERR_ARGUMENT,
              "ctx is NULL");
    assert_null(x);
    fails(t, NULL, LFUSE_ERR_ARGUMENT, "desc is NULL");
    d.dtype = 0;
    fails(t, &d, LFUSE_ERR_TYPE, "desc.dtype is 0, which is unknown");
    d.dtype = 5;
    fails(t, &d, LFUSE_ERR_TYPE, "desc.dtype is 5");
    d = good;
    d.rank = 0;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.rank is 0, not in [1, 8]");
    d.rank = 9;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.rank is 9");
    d = good;
    d.dims = NULL;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.dims is NULL");
    d.dims = bad_dims;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.dims[1] is -1");
    d = good;
    d.strides = bad_strides;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.strides[1] is 0");
    d = good;
    d.data = NULL;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "strides and release must be NULL");
    d.strides = NULL;
    d.release = count_release;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "strides and release must be NULL");
    d = good;
    d.data = data + 2;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc.data is not aligned to 4 bytes");
    d = good;
    d.struct_size = 7;
    fails(t, &d, LFUSE_ERR_ARGUMENT, "desc has struct_size 7");
    memset(&newer, 0, sizeof(newer));
    newer.known = good;
    newer.known.struct_size = sizeof(newer);
    newer.later = 1;
    fails(t, &newer.known, LFUSE_ERR_UNSUPPORTED, "desc sets byte");
}

static void sizes_that_do_not_fit_are_refused(void **state)
{
    struct lft *t = *state;
    const int64_t many[3] = {INT64_C(1) << 31, INT64_C(1) << 31, 4};
    const int64_t bytes[2] = {INT64_C(1) << 31, INT64_C(1) << 30};
    const int64_t few[2] = {3, 3}, far[2] = {INT64_MAX / 2 + 1, 1};
    const int64_t farther[2] = {INT64_MAX / 2, INT64_MAX / 4};
    float data;
    lfuse_tensor_desc d = desc_of(LFUSE_F32, NULL, 3, many, NULL);

    fails(t, &d, LFUSE_ERR_OVERFLOW, "too many elements");
    d = desc_of(LFUSE_F32, NULL, 2, bytes, NULL); /* 2^61 elements, 2^63 bytes */
    fails(t, &d, LFUSE_ERR_OVERFLOW, "too many bytes");
    d = desc_of(LFUSE_F32, &data, 2, few, far);
    fails(t, &d, LFUSE_ERR_OVERFLOW, "reach too far");
    d = desc_of(LFUSE_F32, &data, 2, few, farther);
    fails(t, &d, LFUSE_ERR_OVERFLOW, "reach too far");
}

/* ---- copies ------------------------------------------------------------------------------------- */

static void copies_convert_between_layouts_and_types(void **state)
{
    struct lft *t = *state;
    const int64_t dims[2] = {3, 2}, strides[2] = {1, 4};
    const float values[6] = {1.0f, -2.0f, 0.5f, 65504.0f, 1.0009765625f, 3.0f};
    double wide[8], expected[8];
    lfuse_tensor_desc desc = desc_of(LFUSE_F64, wide, 2, dims, strides);
    lfuse_tensor *turned = create(t, &desc), *half = lft_tensor(t, LFUSE_F16, 1, 3, 2, 0);
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 3, 2, 0);
    int i;

    for (i = 0; i < 8; i++)
        wide[i] = expected[i] = 7.0; /* the gaps stay */
    for (i = 0; i < 6; i++)
        expected[i / 2 + 4 * (i % 2)] = (double)values[i];
    memcpy(lfuse_tensor_data(x), values, sizeof(values));
    lft_ok(t, lfuse_tensor_copy(half, x, &t->err)); /* all of them are f16 numbers */
    lft_ok(t, lfuse_tensor_copy(turned, half, &t->err));
    assert_memory_equal(wide, expected, sizeof(wide));
    memset(lfuse_tensor_data(x), 0, sizeof(values));
    lft_ok(t, lfuse_tensor_copy(x, turned, &t->err));
    assert_memory_equal(lfuse_tensor_data(x), values, sizeof(values));
}

/* 1 + 2^-8 lies between two bf16; a bit more in f64 that f32 cannot hold decides. */
static void narrowing_rounds_once_to_nearest_even(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *wide = lft_tensor(t, LFUSE_F64, 1, 3, 0);
    lfuse_tensor *narrow = lft_tensor(t, LFUSE_BF16, 1, 3, 0);
    const double values[3] = {1.0 + 0x1p-8, 1.0 + 0x1p-8 + 0x1p-50,
                              1.0 + 0x1p-8 - 0x1p-50};
    const uint16_t expected[3] = {0x3f80, 0x3f81, 0x3f80};

    memcpy(lfuse_tensor_data(wide), values, sizeof(values));
    lft_ok(t, lfuse_tensor_copy(narrow, wide, &t->err));
    assert_memory_equal(lfuse_tensor_data(narrow), expected, sizeof(expected));
}

static void a_tensor_may_be_copied_onto_itself(void **state)
{
    struct lft *t = *state;
    const int64_t dims[2] = {3, 2}, strides[2] = {1, 4};
    float data[8] = {1, 2, 3, 4, 5, 6, 7, 8}, before[8];
    lfuse_tensor_desc desc = desc_of(LFUSE_F32, data, 2, dims, strides);
    lfuse_tensor *x = create(t, &desc), *y = lft_borrow(t, LFUSE_F32, data, 8, 0);

    memcpy(before, data, sizeof(data));
    lft_ok(t, lfuse_tensor_copy(x, x, &t->err));
    lft_ok(t, lfuse_tensor_copy(y, y, &t->err));
    assert_memory_equal(data, before, sizeof(data));
}

static void copies_of_unequal_shapes_touch_nothing(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 3, 2, 0);
    lfuse_tensor *y = lft_tensor(t, LFUSE_F32, 2, 2, 3, 0);
    lfuse_tensor *z = lft_tensor(t, LFUSE_F32, 2, 6, 0);
    float before[6];

    memcpy(before, lfuse_tensor_data(x), sizeof(before));
    lft_fails(t, lfuse_tensor_copy(x, y, &t->err), LFUSE_ERR_SHAPE,
              "target is [3, 2], source is [2, 3]");
    lft_fails(t, lfuse_tensor_copy(x, z, &t->err), LFUSE_ERR_SHAPE, "source is [6]");
    lft_fails(t, lfuse_tensor_copy(NULL, y, &t->err), LFUSE_ERR_ARGUMENT,
              "target is NULL");
    lft_fails(t, lfuse_tensor_copy(x, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "source is NULL");
    assert_memory_equal(lfuse_tensor_data(x), before, sizeof(before));
}

static void the_floating_point_control_is_left_alone(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F64, 1, 30, 0);
    lfuse_tensor *y = lft_tensor(t, LFUSE_F16, 2, 30, 0);
    uint32_t control = lft_float_control();

    lft_ok(t, lfuse_tensor_copy(y, x, &t->err));
    lft_ok(t, lfuse_tensor_copy(x, y, &t->err));
    assert_int_equal(lft_float_control(), control);
}

/* ---- accessors ------------------------------------------------------------------------------------ */

static void null_and_axes_out_of_range_answer_0(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *x = lft_tensor(t, LFUSE_F32, 1, 3, 2, 0);

    lfuse_tensor_desc_init(NULL, sizeof(lfuse_tensor_desc));
    assert_int_equal(lfuse_tensor_dtype(NULL), 0);
    assert_int_equal(lfuse_tensor_rank(NULL), 0);
    assert_int_equal(lfuse_tensor_dim(NULL, 0), 0);
    assert_int_equal(lfuse_tensor_stride(NULL, 0), 0);
    assert_int_equal(lfuse_tensor_elements(NULL), 0);
    assert_int_equal(lfuse_tensor_bytes(NULL), 0);
    assert_null(lfuse_tensor_data(NULL));
    assert_int_equal(lfuse_tensor_dim(x, -1), 0);
    assert_int_equal(lfuse_tensor_dim(x, 2), 0);
    assert_int_equal(lfuse_tensor_stride(x, -1), 0);
    assert_int_equal(lfuse_tensor_stride(x, 2), 0);
}

static void element_types_have_sizes_and_names(void **state)
{
    (void)state;
    assert_int_equal(lfuse_dtype_size(LFUSE_F64), 8);
    assert_int_equal(lfuse_dtype_size(LFUSE_BF16), 2);
    assert_int_equal(lfuse_dtype_size(-1), 0);
    assert_string_equal(lfuse_dtype_name(LFUSE_F16), "f16");
    assert_string_equal(lfuse_dtype_name(0), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(an_owned_tensor_is_dense_zeroed_and_aligned),
        lft_test(a_borrowed_tensor_is_the_callers_memory),
        lft_test(release_is_called_once_and_not_on_failure),
        lft_test(a_tensor_survives_every_refused_allocation),
        lft_test(strides_that_overlap_are_refused),
        lft_test(an_axis_of_one_element_may_have_any_stride),
        lft_test(bad_descriptions_are_named),
        lft_test(sizes_that_do_not_fit_are_refused),
        lft_test(copies_convert_between_layouts_and_types),
        lft_test(narrowing_rounds_once_to_nearest_even),
        lft_test(a_tensor_may_be_copied_onto_itself),
        lft_test(copies_of_unequal_shapes_touch_nothing),
        lft_test(the_floating_point_control_is_left_alone),
        lft_test(null_and_axes_out_of_range_answer_0),
        lft_test(element_types_have_sizes_and_names),
    };

    return cmocka_run_group_tests_name("tensor", tests, NULL, NULL);
}
