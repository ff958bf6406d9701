/* test_checkpoint_whole.c - a saved file appears whole or not at all, whatever the system refuses */
#define _GNU_SOURCE /* unshare, O_TMPFILE */
#include "lft_checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char old[] = "what was there";

static void assert_old(const char *path)
{
    size_t size;
    const char *bytes = lft_read_file(path, &size);

    assert_int_equal(size, sizeof(old));
    assert_memory_equal(bytes, old, sizeof(old));
}

static void a_place_that_takes_no_file_is_told_with_errno(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entry = {"w", lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL};
    const char *file = lft_path("file");
    char longest[5000], name[300];
    struct {
        const char *path;
        int reason;
    } places[] = {
        {lft_path("."), EISDIR},        {lft_path("none/x"), ENOENT},
        {lft_path("file/x"), ENOTDIR},  {lft_path("pipe"), EINVAL},
        {lft_path("dangling"), ENOENT}, {lft_path("new/"), EISDIR},
        {lft_path("to-dir"), EISDIR},   {"", ENOENT},
        {longest, ENAMETOOLONG},        {NULL, ENAMETOOLONG},
        {lft_path("loop"), ELOOP},
    };
    size_t i;

    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    places[9].path = lft_path(name);
    lft_write_file(file, old, sizeof(old));
    assert_int_equal(mkfifo(lft_path("pipe"), 0600), 0);
    assert_int_equal(symlink("nowhere", lft_path("dangling")), 0);
    assert_int_equal(symlink(".", lft_path("to-dir")), 0);
    assert_int_equal(symlink("loop", lft_path("loop")), 0);
    for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        lft_fails(t, lft_save(t, places[i].path, &entry, 1, 0), LFUSE_ERR_IO,
                  "cannot write ");
        assert_int_equal(t->err.detail, places[i].reason);
    }
    assert_int_equal(lft_count_files(), 5);
    assert_old(file);
}

static void a_new_file_s_mode_is_the_umask_s_and_an_old_one_s_is_kept(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entry = {"w", lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL};
    const char *path = lft_path("modes");
    mode_t mask = umask(027);
    struct stat st;

    lft_ok(t, lft_save(t, path, &entry, 1, 0));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(chmod(path, 0604), 0);
    lft_ok(t, lft_save(t, path, &entry, 1, 0));
    (void)umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0604);
    assert_int_equal(lft_count_files(), 1);
}

static void a_link_is_followed_and_stays(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entry = {"w", lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL};
    struct stat st;

    assert_int_equal(mkdir(lft_path("elsewhere"), 0700), 0);
    lft_write_file(lft_path("elsewhere/file"), old, sizeof(old));
    assert_int_equal(symlink("elsewhere/file", lft_path("link")), 0);
    lft_ok(t, lft_save(t, lft_path("link"), &entry, 1, 0));
    assert_int_equal(lstat(lft_path("link"), &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    lfuse_checkpoint_close(lft_open(t, lft_path("elsewhere/file")));
    assert_int_equal(lft_count_files(), 2);
}

static void a_name_without_a_directory_is_in_this_one(void **state)
{
    struct lft *t = *state;
    lfuse_checkpoint_entry entry = {"w", lft_tensor(t, LFUSE_F32, 1, 2, 0), NULL};
    char here[4096];

    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir(lft_path(".")), 0);
    lft_ok(t, lft_save(t, "bare", &entry, 1, 0));
    assert_int_equal(chdir(here), 0);
    lfuse_checkpoint_close(lft_open(t, lft_path("bare")));
}

static void an_open_file_can_be_saved_over(void **state)
{
    struct lft *t = *state;
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, 5000, 0);
    lfuse_checkpoint_entry entry = {"w", w, NULL};
    lfuse_checkpoint *c;

    lft_ok(t, lft_save(t, lft_path("self"), &entry, 1, 0));
    c = lft_open(t, lft_path("self"));
    entry.tensor = lfuse_checkpoint_tensor(c, 0);
    entry.name = "renamed";
    lft_ok(t, lft_save(t, lft_path("self"), &entry, 1, 0));
    assert_memory_equal(lft_data(c, "w"), lfuse_tensor_data(w), 20000);
    lfuse_checkpoint_close(c);
    c = lft_open(t, lft_path("self"));
    assert_memory_equal(lft_data(c, "renamed"), lfuse_tensor_data(w), 20000);
    lfuse_checkpoint_close(c);
}

/* What a child found; its process ends with it, so that limits and mounts go, too. */
static int in_child(int (*act)(struct lft *t, void *arg), struct lft *t, void *arg)
{
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0)
        _exit(act(t, arg));
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

enum { CHILD_RIGHT = 0, CHILD_WRONG = 1, CHILD_CANNOT = 2 };

struct attempt {
    const char *path;
    lfuse_checkpoint_entry entries[2];
    size_t limit;
    int reason; /* expected; 0: the save succeeds */
};

static int save_and_compare(struct lft *t, const struct attempt *a)
{
    lfuse_status status = lft_save(t, a->path, a->entries, 2, 0);

    if (a->reason == 0)
        return status == LFUSE_OK ? CHILD_RIGHT : CHILD_WRONG;
    return status == LFUSE_ERR_IO && t->err.detail == a->reason ? CHILD_RIGHT
                                                                : CHILD_WRONG;
}

static int save_under_a_limit(struct lft *t, void *arg)
{
    const struct attempt *a = arg;
    struct rlimit limit = {a->limit, a->limit};

    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return CHILD_CANNOT;
    return save_and_compare(t, a);
}

/* A strided tensor of more than one block behind a dense one. */
static void fill_attempt(struct lft *t, struct attempt *a, float *memory)
{
    static const int64_t dims[] = {100, 1000}, strides[] = {1, 100};

    a->path = lft_path("target");
    a->entries[0].name = "dense";
    a->entries[0].tensor = lft_tensor(t, LFUSE_F32, 1, 1000, 0);
    a->entries[1].name = "strided";
    a->entries[1].tensor = lft_strided(t, LFUSE_F32, memory, 2, dims, strides);
}

static void a_limit_on_the_file_s_size_leaves_the_old_file_and_nothing_else(void **state)
{
    struct lft *t = *state;
    static float memory[100000];
    struct attempt a = {.reason = EFBIG};
    size_t size, k;

    fill_attempt(t, &a, memory);
    lft_ok(t, lft_save(t, a.path, a.entries, 2, 0));
    size = lft_file_size(a.path);
    lft_write_file(a.path, old, sizeof(old));
    for (k = 0; k < 50; k++) {
        a.limit = k == 0 ? 0 : k == 49 ? size - 1 : size / 49 * k;
        assert_int_equal(in_child(save_under_a_limit, t, &a), CHILD_RIGHT);
        assert_int_equal(lft_count_files(), 1);
        assert_old(a.path);
    }
    a.limit = size;
    a.reason = 0;
    assert_int_equal(in_child(save_under_a_limit, t, &a), CHILD_RIGHT);
    assert_int_equal(lft_file_size(a.path), size);
}

static void files_may_need_a_name_all_the_time(void **state)
{
    lft_refuse_unnamed(1);
    a_limit_on_the_file_s_size_leaves_the_old_file_and_nothing_else(state);
    lft_refuse_unnamed(0);
}

static bool has_unnamed_files(void)
{
    int file = open(lft_path("."), O_WRONLY | O_TMPFILE, 0600);

    if (file >= 0)
        (void)close(file);
    return file >= 0;
}

/* The limit is in the middle of the file, and going past it kills. */
static void save_and_be_killed(struct lft *t, const struct attempt *a)
{
    const struct rlimit limit = {200000, 200000};
    pid_t child = fork();
    int status;

    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGXFSZ, SIG_DFL);
        _exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 ||
              lft_save(t, a->path, a->entries, 2, 0) == LFUSE_OK);
    }
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    assert_old(a->path);
}

static void a_killed_save_leaves_the_old_file_and_nothing_else(void **state)
{
    struct lft *t = *state;
    static float memory[100000];
    struct attempt a = {0};

    if (!has_unnamed_files()) {
        print_message("no file can be without a name here: skipped\n");
        skip();
    }
    fill_attempt(t, &a, memory);
    lft_write_file(a.path, old, sizeof(old));
    save_and_be_killed(t, &a);
    assert_int_equal(lft_count_files(), 1);
    lft_refuse_unnamed(1);
    save_and_be_killed(t, &a);
    lft_refuse_unnamed(0);
    assert_int_equal(lft_count_files(), 2); /* and what was written so far */
}

static int save_to_a_full_disk(struct lft *t, void *arg)
{
    struct attempt *a = arg;
    char directory[300];
    int found = CHILD_RIGHT;

    (void)snprintf(directory, sizeof(directory), "%s", a->path);
    *strrchr(directory, '/') = '\0';
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", directory, "tmpfs", 0, "size=128k") != 0)
        return CHILD_CANNOT;
    lft_write_file(a->path, old, sizeof(old));
    a->reason = ENOSPC;
    found = save_and_compare(t, a);
    if (lft_file_size(a->path) != sizeof(old) || lft_count_files() != 1)
        found = CHILD_WRONG;
    return found;
}

static void a_full_disk_leaves_the_old_file_and_nothing_else(void **state)
{
    struct lft *t = *state;
    static float memory[100000];
    struct attempt a = {0};
    int found;

    fill_attempt(t, &a, memory);
    found = in_child(save_to_a_full_disk, t, &a);
    if (found == CHILD_CANNOT) {
        print_message("no file system can be mounted here: skipped\n");
        skip();
    }
    assert_int_equal(found, CHILD_RIGHT);
}

static lfuse_status save_attempt(struct lft *t, void *arg)
{
    const struct attempt *a = arg;
    lfuse_status status = lft_save(t, a->path, a->entries, 2, 0);

    assert_int_equal(lft_count_files(), 1);
    if (status != LFUSE_OK)
        assert_old(a->path);
    return status;
}

static void every_refused_allocation_leaves_the_old_file(void **state)
{
    struct lft *t = *state;
    static float memory[100000];
    struct attempt a = {0};

    fill_attempt(t, &a, memory);
    lft_write_file(a.path, old, sizeof(old));
    lft_every_allocation_fails(t, save_attempt, &a);
}

/* ---- Jansson's memory, which is malloc's --------------------------------------------------------------- */

static void every_refused_allocation_of_jansson_is_an_error(void **state)
{
    struct lft *t = *state;
    static const char *const metadata[] = {"key", "value"};
    lfuse_tensor *w = lft_tensor(t, LFUSE_F32, 1, 2, 0);
    lfuse_checkpoint_entry entries[] = {{"w", w, NULL}, {"a", w, NULL}};
    lfuse_checkpoint_save_options options;
    const char *path = lft_path("target");
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    int64_t live = t->memory.live;
    int k;

    lfuse_checkpoint_save_options_init(&options, sizeof(options));
    options.metadata = metadata;
    options.metadata_count = 1;
    lft_write_file(path, old, sizeof(old));
    lft_json_begin();
    for (k = 0; status != LFUSE_OK; k++) {
        lft_json_refuse(k);
        status = lfuse_checkpoint_save(t->ctx, path, entries, 2, &options, &t->err);
        assert_true(status == LFUSE_OK || status == LFUSE_ERR_NO_MEMORY);
        assert_int_equal(lft_json_live(), 0);
        assert_int_equal(t->memory.live, live);
        if (status != LFUSE_OK)
            assert_old(path);
    }
    lft_json_end();
    assert_true(k > 10);
    lfuse_checkpoint_close(lft_open(t, path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(a_place_that_takes_no_file_is_told_with_errno),
        lft_files_test(a_new_file_s_mode_is_the_umask_s_and_an_old_one_s_is_kept),
        lft_files_test(a_link_is_followed_and_stays),
        lft_files_test(a_name_without_a_directory_is_in_this_one),
        lft_files_test(an_open_file_can_be_saved_over),
        lft_files_test(a_limit_on_the_file_s_size_leaves_the_old_file_and_nothing_else),
        lft_files_test(files_may_need_a_name_all_the_time),
        lft_files_test(a_killed_save_leaves_the_old_file_and_nothing_else),
        lft_files_test(a_full_disk_leaves_the_old_file_and_nothing_else),
        lft_files_test(every_refused_allocation_leaves_the_old_file),
        lft_files_test(every_refused_allocation_of_jansson_is_an_error),
    };

    return cmocka_run_group_tests_name("checkpoint_whole", tests, NULL, NULL);
}
