/* test_prefetch.c - files fetched before they are read, and memory that does not mind */
#include "lft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"

/* A file's pages, none of them in memory; or NULL where the file system keeps them there. */
static char *map_cold_file(size_t bytes)
{
    FILE *file = tmpfile();
    char *data;
    size_t i;

    assert_non_null(file);
    for (i = 0; i < bytes; i++)
        assert_int_equal(fputc((int)(i % 251), file), (int)(i % 251));
    assert_int_equal(fflush(file), 0);
    assert_int_equal(fsync(fileno(file)), 0);
    assert_int_equal(posix_fadvise(fileno(file), 0, 0, POSIX_FADV_DONTNEED), 0);
    data = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    assert_true(data != MAP_FAILED);
    (void)fclose(file);
    return data;
}

static int64_t resident_pages(char *data, size_t bytes)
{
    unsigned char pages[64];
    int64_t count = 0;
    size_t i;

    assert_int_equal(mincore(data, bytes, pages), 0);
    for (i = 0; i < bytes / 4096; i++)
        count += pages[i] & 1;
    return count;
}

static void what_is_read_next_is_fetched_from_its_file(void **state)
{
    enum { BYTES = 64 * 4096 };
    char *data = map_cold_file(BYTES);
    struct lfi_view view = {data, {BYTES / 4}, {1}, 1, LFUSE_F32};
    struct lfi_view strided = {data, {BYTES / 8}, {2}, 1, LFUSE_F32};
    const struct timespec pause = {0, 1000000};
    int i;

    (void)state;
    if (sysconf(_SC_PAGESIZE) != 4096 || resident_pages(data, BYTES) != 0) {
        (void)munmap(data, BYTES);
        print_message("the system keeps this file in memory: skipped\n");
        skip();
    }
    lfi_view_prefetch(&strided, 0, BYTES / 8);
    lfi_view_prefetch(&view, 5, 1023); /* an element less than a page */
    assert_int_equal(resident_pages(data, BYTES), 0);
    errno = 7;
    lfi_view_prefetch(&view, 16 * 1024 + 5, 32 * 1024);
    assert_int_equal(errno, 7);
    for (i = 0; i < 5000 && resident_pages(data + 16 * 4096, 33 * 4096) < 33; i++)
        (void)nanosleep(&pause, NULL);
    assert_int_equal(resident_pages(data + 16 * 4096, 33 * 4096), 33);
    (void)munmap(data, BYTES);
}

/* No byte is changed, and it does not matter what is beside it, or that nothing is there. */
static void memory_of_any_kind_may_be_prefetched(void **state)
{
    enum { COUNT = 5000 };
    float *guarded = lft_guard_end(COUNT), before[COUNT];
    struct lfi_view view = {guarded, {COUNT}, {1}, 1, LFUSE_F32};
    struct lfi_view nowhere = {(void *)(uintptr_t)4096, {COUNT}, {1}, 1, LFUSE_F32};

    (void)state;
    lft_fill(guarded, COUNT, 3);
    memcpy(before, guarded, sizeof(before));
    lfi_view_prefetch(&view, 0, COUNT);
    lfi_view_prefetch(&view, 3, COUNT - 3);
    lfi_view_prefetch(&view, 3, 0);
    lfi_view_prefetch(&nowhere, 0, COUNT);
    assert_memory_equal(guarded, before, sizeof(before));
    lft_guard_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_test(what_is_read_next_is_fetched_from_its_file),
        lft_test(memory_of_any_kind_may_be_prefetched),
    };

    return cmocka_run_group_tests_name("prefetch", tests, NULL, NULL);
}
