/* test_cifar10.c - reading the data set, and what batches are made of it */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include <cmocka.h>

#include "data/batches.h"
#include "data/cifar10.h"
#include "data/cifar10.h"
#include "fake.h"

enum { RECORDS = 64 };

static char directory[64]; /* of the fake files */
static lfuse_error err;

static int make_directory(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/layerfuse-cifar10-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : fake_cifar10(directory, RECORDS);
}

static int remove_directory(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

static void path_of(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", directory, name);
}

static void check_failure(lfuse_status expected, const char *file, const char *text)
{
    struct image_sets data;

    memset(&err, 0, sizeof(err));
    assert_int_equal(cifar10_read(directory, 0, &data, &err), expected);
    assert_int_equal(err.status, expected);
    assert_non_null(strstr(err.message, file));
    assert_non_null(strstr(err.message, text));
    assert_null(data.train.pixels);
    assert_null(data.test.pixels);
}

/* ---- reading ----------------------------------------------------------------------------- */

static void all_files_are_read_in_order(void **state)
{
    struct image_sets data;

    (void)state;
    assert_int_equal(fake_patch(directory, "data_batch_3.bin", 0, 7), 0);
    assert_int_equal(fake_patch(directory, "data_batch_3.bin", 1, 201), 0);
    assert_int_equal(cifar10_read(directory, 0, &data, &err), LFUSE_OK);
    assert_int_equal(data.train.count, 50000);
    assert_int_equal(data.test.count, 10000);
    assert_int_equal(data.train.labels[20000], 7);
    assert_int_equal(data.train.pixels[(int64_t)20000 * IMAGE_BYTES], 201);
    image_sets_free(&data);
}

static void a_limit_keeps_the_first_images_of_either_set(void **state)
{
    struct image_sets all, some;

    (void)state;
    assert_int_equal(cifar10_read(directory, 0, &all, &err), LFUSE_OK);
    assert_int_equal(cifar10_read(directory, 40, &some, &err), LFUSE_OK);
    assert_int_equal(some.train.count, 40);
    assert_int_equal(some.test.count, 40);
    assert_memory_equal(some.train.pixels, all.train.pixels, 40 * IMAGE_BYTES);
    assert_memory_equal(some.test.labels, all.test.labels, 40);
    image_sets_free(&some);
    assert_int_equal(cifar10_read(directory, 10010, &some, &err), LFUSE_OK);
    assert_int_equal(some.train.count, 10010);
    assert_int_equal(some.test.count, 10000);
    image_sets_free(&some);
    image_sets_free(&all);
}

static void the_folder_of_the_archive_is_found(void **state)
{
    char nested[128], from[128], to[192];
    struct image_sets data;
    int i;

    (void)state;
    path_of("cifar-10-batches-bin", nested, sizeof(nested));
    assert_int_equal(mkdir(nested, 0700), 0);
    for (i = 0; i < 6; i++) {
        char name[32] = "test_batch.bin";

        if (i < 5)
            snprintf(name, sizeof(name), "data_batch_%d.bin", i + 1);
        path_of(name, from, sizeof(from));
        snprintf(to, sizeof(to), "%s/%s", nested, name);
        assert_int_equal(rename(from, to), 0);
    }
    assert_int_equal(cifar10_read(directory, 8, &data, &err), LFUSE_OK);
    assert_int_equal(data.train.count, 8);
    image_sets_free(&data);
}

static void a_folder_that_is_not_there_is_named(void **state)
{
    struct image_sets data;

    (void)state;
    assert_int_equal(cifar10_read("/nowhere/at/all", 0, &data, &err), LFUSE_ERR_IO);
    assert_string_equal(err.message, "/nowhere/at/all: No such file or directory");
}

static void a_file_that_is_not_there_is_named(void **state)
{
    char path[128];

    (void)state;
    path_of("data_batch_4.bin", path, sizeof(path));
    assert_int_equal(unlink(path), 0);
    check_failure(LFUSE_ERR_IO, "data_batch_4.bin", "No such file");
}

static void a_short_file_is_named_with_both_sizes(void **state)
{
    char path[128];

    (void)state;
    path_of("test_batch.bin", path, sizeof(path));
    assert_int_equal(truncate(path, 30729999), 0);
    check_failure(LFUSE_ERR_FORMAT, "test_batch.bin",
                  "30729999 bytes, expected 30730000");
}

static void a_label_past_nine_is_named_with_its_record(void **state)
{
    (void)state;
    assert_int_equal(fake_patch(directory, "data_batch_2.bin", 5 * (1 + IMAGE_BYTES), 10),
                     0);
    check_failure(LFUSE_ERR_FORMAT, "data_batch_2.bin", "label of record 5 is 10");
}

/* ---- batches ------------------------------------------------------------------------------ */

/* A value of the red channel comes from this byte. It was rounded once to f32, below 4: half an
 * ulp is 2^-23, and 0.229 of that 2.8e-8. */
static int is_byte(double value, int byte)
{
    return fabs(value * 0.229 + 0.485 - byte / 255.0) < 3e-8;
}

static void evaluation_sees_every_image_as_it_is(void **state)
{
    struct batches *nchw, *nhwc;
    struct image_sets data;
    struct batch a, b;
    int64_t i, k, seen = 0;

    (void)state;
    assert_int_equal(cifar10_read(directory, RECORDS, &data, &err), LFUSE_OK);
    assert_int_equal(batches_create(&data.test, 10, 1, LFUSE_LAYOUT_NCHW, 0, &nchw, &err),
                     LFUSE_OK);
    assert_int_equal(batches_create(&data.test, 10, 2, LFUSE_LAYOUT_NHWC, 0, &nhwc, &err),
                     LFUSE_OK);
    assert_int_equal(batches_count(nchw), 7);
    for (i = 0; i < 7; i++) {
        batches_at(nchw, 0, i, &a);
        batches_at(nhwc, 3, i, &b);
        assert_int_equal(a.count, i < 6 ? 10 : 4);
        assert_int_equal(b.count, a.count);
        for (k = 0; k < a.count * IMAGE_BYTES; k++) {
            int64_t image = k / IMAGE_BYTES, channel = k / 1024 % 3, pixel = k % 1024;
            int64_t other = image * IMAGE_BYTES + pixel * 3 + channel;
            uint8_t byte = data.test.pixels[(10 * i) * IMAGE_BYTES + k];

            assert_true(a.x[k] == b.x[other]);
            if (channel == 0)
                assert_true(is_byte(a.x[k], byte));
        }
        for (k = 0; k < a.count; k++)
            assert_int_equal(a.labels[k], data.test.labels[seen++]);
    }
    assert_int_equal(seen, RECORDS);
    batches_destroy(nhwc);
    batches_destroy(nchw);
    image_sets_free(&data);
}

/* Whether the red channel of x is that of an image moved by (down, right), maybe mirrored. */
static int is_crop(const float *x, const uint8_t *image, int down, int right, int flip)
{
    int row, column;

    for (row = 0; row < IMAGE_SIDE; row++)
        for (column = 0; column < IMAGE_SIDE; column++) {
            int from_row = row - down;
            int from = (flip ? IMAGE_SIDE - 1 - column : column) - right;
            int inside =
                from_row >= 0 && from_row < IMAGE_SIDE && from >= 0 && from < IMAGE_SIDE;
            int byte = inside ? image[from_row * IMAGE_SIDE + from] : 0;

            if (!is_byte(x[row * IMAGE_SIDE + column], byte))
                return 0;
        }
    return 1;
}

/* Every image of a training batch is one of the 9 * 9 * 2 crops of its source, and of 64 images
 * some are moved to each of the four sides, and some are mirrored. */
static void training_images_are_crops_within_four_pixels(void **state)
{
    int64_t i, image;
    struct batches *batches;
    struct image_sets data;
    struct batch batch;
    int down, right, flip, flips = 0, sides = 0;
    char used[RECORDS] = {0};

    (void)state;
    assert_int_equal(cifar10_read(directory, RECORDS, &data, &err), LFUSE_OK);
    assert_int_equal(batches_create(&data.train, RECORDS, 1, LFUSE_LAYOUT_NCHW,
                                    BATCHES_AUGMENT, &batches, &err),
                     LFUSE_OK);
    batches_at(batches, 0, 0, &batch);
    for (i = 0; i < RECORDS; i++) {
        int found = 0;

        for (image = 0; image < RECORDS; image++)
            for (down = -4; down <= 4; down++)
                for (right = -4; right <= 4; right++)
                    for (flip = 0; flip < 2; flip++)
                        if (is_crop(batch.x + i * IMAGE_BYTES,
                                    data.train.pixels + image * IMAGE_BYTES, down, right,
                                    flip)) {
                            found++;
                            used[image]++;
                            flips += flip;
                            sides |= (down < 0) | (down > 0) << 1 | (right < 0) << 2 |
                                     (right > 0) << 3;
                            assert_int_equal(batch.labels[i], data.train.labels[image]);
                        }
        assert_int_equal(found, 1);
    }
    for (image = 0; image < RECORDS; image++)
        assert_int_equal(used[image], 1);
    assert_int_equal(sides, 15);
    assert_in_range(flips, 1, RECORDS - 1);
    batches_destroy(batches);
    image_sets_free(&data);
}

static void a_batch_depends_on_seed_epoch_and_index_only(void **state)
{
    static float kept[16 * IMAGE_BYTES];
    struct batches *a, *b, *c;
    struct image_sets data;
    struct batch batch;

    (void)state;
    assert_int_equal(cifar10_read(directory, RECORDS, &data, &err), LFUSE_OK);
    assert_int_equal(
        batches_create(&data.train, 16, 5, LFUSE_LAYOUT_NHWC, BATCHES_AUGMENT, &a, &err),
        LFUSE_OK);
    assert_int_equal(
        batches_create(&data.train, 16, 5, LFUSE_LAYOUT_NHWC, BATCHES_AUGMENT, &b, &err),
        LFUSE_OK);
    assert_int_equal(
        batches_create(&data.train, 16, 6, LFUSE_LAYOUT_NHWC, BATCHES_AUGMENT, &c, &err),
        LFUSE_OK);
    batches_at(a, 3, 2, &batch);
    memcpy(kept, batch.x, sizeof(kept));
    batches_at(b, 0, 1, &batch);
    batches_at(b, 3, 2, &batch); /* by another way */
    assert_memory_equal(kept, batch.x, sizeof(kept));
    batches_at(b, 2, 2, &batch); /* another epoch */
    assert_memory_not_equal(kept, batch.x, sizeof(kept));
    batches_at(b, 3, 1, &batch); /* another index */
    assert_memory_not_equal(kept, batch.x, sizeof(kept));
    batches_at(c, 3, 2, &batch); /* another seed */
    assert_memory_not_equal(kept, batch.x, sizeof(kept));
    batches_destroy(c);
    batches_destroy(b);
    batches_destroy(a);
    image_sets_free(&data);
}

static void training_leaves_a_short_batch_out_unless_it_is_all(void **state)
{
    struct batches *batches;
    struct image_sets data;
    struct batch batch;

    (void)state;
    assert_int_equal(cifar10_read(directory, RECORDS, &data, &err), LFUSE_OK);
    assert_int_equal(batches_create(&data.train, 10, 1, LFUSE_LAYOUT_NHWC,
                                    BATCHES_AUGMENT, &batches, &err),
                     LFUSE_OK);
    assert_int_equal(batches_count(batches), 6);
    batches_destroy(batches);
    assert_int_equal(batches_create(&data.train, 100, 1, LFUSE_LAYOUT_NHWC,
                                    BATCHES_AUGMENT, &batches, &err),
                     LFUSE_OK);
    assert_int_equal(batches_count(batches), 1);
    batches_at(batches, 0, 0, &batch);
    assert_int_equal(batch.count, RECORDS);
    batches_destroy(batches);
    image_sets_free(&data);
}

#define with_files(test) \
    cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_files(all_files_are_read_in_order),
        with_files(a_limit_keeps_the_first_images_of_either_set),
        with_files(the_folder_of_the_archive_is_found),
        with_files(a_folder_that_is_not_there_is_named),
        with_files(a_file_that_is_not_there_is_named),
        with_files(a_short_file_is_named_with_both_sizes),
        with_files(a_label_past_nine_is_named_with_its_record),
        with_files(evaluation_sees_every_image_as_it_is),
        with_files(training_images_are_crops_within_four_pixels),
        with_files(a_batch_depends_on_seed_epoch_and_index_only),
        with_files(training_leaves_a_short_batch_out_unless_it_is_all),
    };

    return cmocka_run_group_tests_name("cifar10", tests, NULL, NULL);
}
