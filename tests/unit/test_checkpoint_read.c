/* test_checkpoint_read.c - checkpoints from where no file can be mapped */
#include "lft_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The data is so long that the room for it grows twice: 200000 bytes, from 65536. */
static const char *put_long(void)
{
    return lft_put_header("{\"w\":{\"dtype\":\"F32\",\"shape\":[50000],"
                          "\"data_offsets\":[0,200000]}}",
                          200000);
}

static void assert_long(const lfuse_checkpoint *c)
{
    const unsigned char *data = lft_data(c, "w");
    int i;

    for (i = 0; i < 200000; i++)
        assert_int_equal(data[i], i & 255);
}

static void a_file_that_cannot_be_mapped_is_read(void **state)
{
    struct lft *t = *state;
    int64_t live = t->memory.live;
    const char *path = put_long();
    lfuse_checkpoint *c;

    lft_refuse_mmap(ENODEV);
    c = lft_open(t, path);
    assert_true(t->memory.live - live > 200000);
    assert_long(c);
    lfuse_checkpoint_close(c);
    assert_int_equal(t->memory.live, live);
    lft_every_allocation_fails(t, lft_open_and_close, (void *)(uintptr_t)path);
    lft_refused(t, lft_put(3, "{}", 2, 0), LFUSE_ERR_FORMAT,
                "the header has 3 bytes, the file has 2 after its size");
    lft_refuse_mmap(0);
    lft_refused(t, "/proc/version", LFUSE_ERR_FORMAT,
                "the header has "); /* st_size is 0 */
}

/* Writes size bytes into the pipe at path, in pieces, some behind a pause; in a child. */
static pid_t feed(const char *path, const char *bytes, size_t size)
{
    const struct timespec pause = {0, 2000000};
    pid_t child = fork();
    size_t done, piece;
    int file;

    assert_true(child >= 0);
    if (child > 0)
        return child;
    (void)nanosleep(&pause, NULL); /* the reader is there first, as a rule */
    file = open(path, O_WRONLY);
    for (done = 0; file >= 0 && done < size; done += piece) {
        piece = size - done < 9973 ? size - done : 9973;
        if (write(file, bytes + done, piece) != (ssize_t)piece)
            _exit(1);
        if (done < 50000)
            (void)nanosleep(&pause, NULL);
    }
    _exit(file < 0);
}

static void a_pipe_is_read_to_its_end(void **state)
{
    struct lft *t = *state;
    const char *path = lft_path("pipe");
    lfuse_checkpoint *c = NULL;
    size_t size, k;
    char *bytes = lft_read_file(put_long(), &size);
    const size_t sizes[] = {size, 0, 7, 65536 + 8, size - 1}; /* but the first: cut */

    assert_int_equal(mkfifo(path, 0600), 0);
    for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        pid_t child = feed(path, bytes, sizes[k]);
        lfuse_status status = lfuse_checkpoint_open(t->ctx, path, NULL, &c, &t->err);
        int ended = -1;

        assert_true(waitpid(child, &ended, 0) == child && ended == 0);
        assert_int_equal(status, k == 0 ? LFUSE_OK : LFUSE_ERR_FORMAT);
        if (k == 0)
            assert_long(c);
        lfuse_checkpoint_close(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(a_file_that_cannot_be_mapped_is_read),
        lft_files_test(a_pipe_is_read_to_its_end),
    };

    return cmocka_run_group_tests_name("checkpoint_read", tests, NULL, NULL);
}
