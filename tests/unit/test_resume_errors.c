/* test_resume_errors.c - what cannot be saved or loaded is named, and changes nothing */
#include "lft_alignment.h"
#include "lft_files.h"
#include "lft_rows.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Four layers, two fusions that are judged, originals kept: every part of a file is in it. */
struct asked {
    lfuse_plan_options plan;
    lfuse_ties_options ties;
    lfuse_retrainer_options o;
};

static void ask(struct asked *a)
{
    a->plan = lft_plan_ratio(4.0);
    a->ties = lft_ties_keeping();
    a->o = lft_retrainer_options(&a->plan, 3, 1);
    a->o.ties = &a->ties;
    a->o.flags = LFUSE_RETRAINER_FLAG_TOLERANCE;
    a->o.baseline = 0.5;
    a->o.tolerance = 0.125;
}

static lfuse_retrainer *create(struct lft *t, const struct asked *a)
{
    lfuse_retrainer *r;

    lft_ok(t,
           lfuse_retrainer_create(t->ctx, t->layers, t->layer_count, &a->o, &r, &t->err));
    return r;
}

static void part(struct lft *t)
{
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* After two fusions, the second of which is open. */
static lfuse_retrainer *begin(struct lft *t)
{
    lfuse_verdict verdict;
    struct asked a;
    lfuse_retrainer *r;

    lft_four(t);
    ask(&a);
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_fuse(r, &t->err));
    lft_ok(t, lfuse_retrainer_end_epoch(r, 0.5, &verdict, &t->err));
    assert_int_equal(verdict, LFUSE_VERDICT_FUSED);
    return r;
}

static const char *put(struct lft *t)
{
    const char *path = lft_path("run");
    lfuse_retrainer_save_options o;
    lfuse_retrainer *r = begin(t);

    lfuse_retrainer_save_options_init(&o, sizeof(o));
    o.caller = "abc";
    o.caller_bytes = 3;
    lft_ok(t, lfuse_retrainer_save(r, path, &o, &t->err));
    lfuse_retrainer_destroy(r);
    part(t);
    return path;
}

/* Loading fails, twice alike, and nothing has changed. */
static void refused(struct lft *t, lfuse_retrainer *r, const char *path,
                    lfuse_status status, const char *text)
{
    struct lft_snapshot s;
    size_t bytes;

    lft_take(t, lfuse_retrainer_ties(r), &s);
    lft_fails(t, lfuse_retrainer_load(r, path, &t->err), status, text);
    lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    assert_null(lfuse_retrainer_caller(r, &bytes));
    assert_int_equal(bytes, 0);
    assert_null(lfuse_retrainer_plan(r));
    lft_drop(&s);
}

/* ---- saving ----------------------------------------------------------------------------- */

static void inside_a_step_or_an_evaluation_nothing_is_saved(void **state)
{
    const char *path = lft_path("run");
    struct lft *t = *state;
    lfuse_retrainer *r = begin(t);
    lfuse_retrainer_save_options o;

    lft_ok(t, lfuse_retrainer_begin_step(r, &t->err));
    lft_fails(t, lfuse_retrainer_save(r, path, NULL, &t->err), LFUSE_ERR_STATE,
              "save was called, combine_gradients was expected");
    lft_ok(t, lfuse_retrainer_abort_step(r, &t->err));
    lft_ok(t, lfuse_retrainer_begin_eval(r, &t->err));
    lft_fails(t, lfuse_retrainer_save(r, path, NULL, &t->err), LFUSE_ERR_STATE,
              "save was called, end_eval was expected");
    lft_ok(t, lfuse_retrainer_end_eval(r, &t->err));
    lfuse_retrainer_save_options_init(&o, sizeof(o));
    o.caller_bytes = 3;
    lft_fails(t, lfuse_retrainer_save(r, path, &o, &t->err), LFUSE_ERR_ARGUMENT,
              "options.caller is NULL, caller_bytes is 3");
    lft_fails(t, lfuse_retrainer_save(NULL, path, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "retrainer is NULL");
    lft_fails(t, lfuse_retrainer_save(r, NULL, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "path is NULL");
    lft_fails(t, lfuse_retrainer_save(r, "/no/such/folder/run", NULL, &t->err),
              LFUSE_ERR_IO, "/no/such/folder/run");
    lft_add(t, 0, "gained", LFUSE_ROLE_NORM, lft_pair(t, 1.0f, 2.0f), NULL);
    lft_fails(t, lfuse_retrainer_save(r, path, NULL, &t->err), LFUSE_ERR_STATE,
              "layer l0 has gained a parameter since a fusion that can be undone");
    assert_int_equal(lft_count_files(), 0);
    lfuse_retrainer_destroy(r);
}

/* ---- files of something else -------------------------------------------------------------- */

static void a_file_of_other_options_says_which(void **state)
{
    struct lft *t = *state;
    const char *path = put(t);
    lfuse_retrainer *r;
    struct asked a;
    int i;

    lft_four(t);
    for (i = 0; i < 5; i++) {
        const char *const texts[] = {
            "option plan.options.ratio is 4.0 in the file, 3.0 here",
            "option schedule.interval is 1 in the file, 2 here",
            "option tolerance.baseline is 0.5 in the file, 0.25 here",
            "option ties.keep_originals is true in the file, false here",
            "option plan.options.metric is \"euclidean\" in the file, \"cosine\" here"};

        ask(&a);
        a.plan.ratio = i == 0 ? 3.0 : 4.0;
        a.o.interval = i == 1 ? 2 : 1;
        a.o.grace = 1;
        a.o.baseline = i == 2 ? 0.25 : 0.5;
        a.ties.flags = i == 3 ? 0 : LFUSE_TIES_KEEP_ORIGINALS;
        a.plan.metric = i == 4 ? LFUSE_METRIC_COSINE : 0;
        r = create(t, &a);
        refused(t, r, path, LFUSE_ERR_ARGUMENT, texts[i]);
        lfuse_retrainer_destroy(r);
    }
}

/* Four layers, one of which is another. */
static lfuse_retrainer *another(struct lft *t, const char *last, int gains)
{
    struct asked a;

    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_at(t, "l2", 2, 4.0f);
    lft_at(t, last, 3, 5.0f);
    if (gains)
        lft_add(t, 3, "more", LFUSE_ROLE_NORM, lft_pair(t, 1.0f, 2.0f), NULL);
    ask(&a);
    return create(t, &a);
}

static void a_file_of_another_network_says_where(void **state)
{
    struct lft *t = *state;
    const char *path = put(t);
    lfuse_retrainer *r = another(t, "x3", 0);

    refused(t, r, path, LFUSE_ERR_NAME, "layer 3 is x3 here, l3 in the file");
    lfuse_retrainer_destroy(r);
    part(t);
    r = another(t, "l3", 1);
    refused(t, r, path, LFUSE_ERR_NAME, "l3.more is not in the file");
    lfuse_retrainer_destroy(r);
    part(t);
    lft_four(t);
    lft_at(t, "l4", 4, 9.0f);
    {
        struct asked a;

        ask(&a);
        r = create(t, &a);
    }
    refused(t, r, path, LFUSE_ERR_NAME, "here are 5 layers, in the file 4");
    lfuse_retrainer_destroy(r);
}

/* A file of three layers that could fuse, and of one that is unlike them all. */
static void a_tensor_of_another_shape_is_named_with_both(void **state)
{
    const char *path = lft_path("run");
    struct lft *t = *state;
    lfuse_retrainer *r;
    struct asked a;

    ask(&a);
    a.plan.ratio = 2.0;
    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_layer(t, "l2", "B", 2, lft_tensor(t, LFUSE_F32, 1, 3, 0), NULL,
              lft_tensor(t, LFUSE_F32, 1, 3, 0));
    r = create(t, &a);
    lft_ok(t, lfuse_retrainer_save(r, path, NULL, &t->err));
    lfuse_retrainer_destroy(r);
    part(t);
    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_layer(t, "l2", "B", 2, lft_tensor(t, LFUSE_F32, 1, 4, 0), NULL,
              lft_tensor(t, LFUSE_F32, 1, 4, 0));
    r = create(t, &a);
    refused(t, r, path, LFUSE_ERR_SHAPE, "l2.weight is [4] here, [3] in the file");
    lfuse_retrainer_destroy(r);
    part(t);
    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_layer(t, "l2", "B", 2, lft_tensor(t, LFUSE_F64, 1, 3, 0), NULL, NULL);
    r = create(t, &a);
    refused(t, r, path, LFUSE_ERR_TYPE, "l2.weight is of type");
    lfuse_retrainer_destroy(r);
    part(t);
    lft_at(t, "l0", 0, 0.0f);
    lft_at(t, "l1", 1, 1.0f);
    lft_layer(t, "l2", "B", 2, lft_tensor(t, LFUSE_F32, 1, 3, 0), NULL, NULL);
    r = create(t, &a);
    refused(t, r, path, LFUSE_ERR_NAME,
            "state 0 of l2.weight of the file is not among the layers' arrays");
    lfuse_retrainer_destroy(r);
}

static lfuse_retrainer *fresh(struct lft *t)
{
    struct asked a;

    lft_four(t);
    ask(&a);
    return create(t, &a);
}

static void a_retrainer_that_has_begun_loads_nothing(void **state)
{
    struct lft *t = *state;
    const char *path = put(t);
    lfuse_retrainer *r = begin(t);

    lft_fails(t, lfuse_retrainer_load(r, path, &t->err), LFUSE_ERR_STATE,
              "load was called, but the retrainer has begun");
    lft_fails(t, lfuse_retrainer_load(NULL, path, &t->err), LFUSE_ERR_ARGUMENT,
              "retrainer is NULL");
    lft_fails(t, lfuse_retrainer_load(r, NULL, &t->err), LFUSE_ERR_ARGUMENT,
              "path is NULL");
    lfuse_retrainer_destroy(r);
}

/* ---- files that are not whole ------------------------------------------------------------- */

static void other_files_are_refused(void **state)
{
    struct lft *t = *state;
    const char *path = put(t), *other = lft_path("other");
    lfuse_retrainer *r = fresh(t);
    lfuse_checkpoint_entry entry = {"l0.weight", lft_parameter(t, 0, 0).value, NULL};
    size_t size;
    char *bytes = lft_read_file(path, &size), *version;

    refused(t, r, lft_path("none"), LFUSE_ERR_IO, "none");
    lft_ok(t, lfuse_checkpoint_save(t->ctx, other, &entry, 1, NULL, &t->err));
    refused(t, r, other, LFUSE_ERR_FORMAT, "holds no retrainer");
    version = strstr(bytes + 8, "\\\"version\\\": 1");
    assert_non_null(version);
    version[13] = '2';
    lft_write_file(other, bytes, size);
    refused(t, r, other, LFUSE_ERR_UNSUPPORTED, "is of version 2, this is version 1");
    lfuse_retrainer_destroy(r);
}

/* Cut anywhere, or with any bit of any byte turned. */
static void a_damaged_file_is_refused(void **state)
{
    struct lft *t = *state;
    const char *path = put(t), *other = lft_path("other");
    lfuse_retrainer *r = fresh(t);
    struct lft_snapshot s;
    size_t size, i;
    char *bytes = lft_read_file(path, &size);

    lft_take(t, lfuse_retrainer_ties(r), &s);
    for (i = 0; i < size; i += 1 + i % 7) {
        lfuse_status status;

        lft_write_file(other, bytes, i);
        assert_true(lfuse_retrainer_load(r, other, &t->err) != LFUSE_OK);
        bytes[i] ^= (char)(1 << i % 8);
        lft_write_file(other, bytes, size);
        status = lfuse_retrainer_load(r, other, &t->err);
        bytes[i] ^= (char)(1 << i % 8);
        if (status == LFUSE_OK) /* spaces between the header and the data */
            fail_msg("byte %zu of %zu may be another", i, size);
        lft_check_unchanged(t, lfuse_retrainer_ties(r), &s);
    }
    lft_drop(&s);
    lft_ok(t, lfuse_retrainer_load(r, path, &t->err)); /* all that was is well */
    lfuse_retrainer_destroy(r);
}

/* ---- memory, and disks ---------------------------------------------------------------------- */

struct call {
    const char *path;
    lfuse_retrainer *r;
};

static lfuse_status save_it(struct lft *t, void *arg)
{
    const struct call *c = arg;

    return lfuse_retrainer_save(c->r, c->path, NULL, &t->err);
}

static void a_refused_allocation_of_a_save_leaves_the_old_file(void **state)
{
    struct lft *t = *state;
    struct call c = {lft_path("run"), begin(t)};

    lft_every_allocation_fails(t, save_it, &c);
    lfuse_retrainer_destroy(c.r);
}

static void a_refused_allocation_of_a_load_changes_nothing(void **state)
{
    struct lft *t = *state;
    struct call c = {put(t), fresh(t)};
    struct lft_snapshot s;
    lfuse_status status = LFUSE_ERR_NO_MEMORY;
    int k;

    lft_take(t, lfuse_retrainer_ties(c.r), &s);
    for (k = 0; status != LFUSE_OK; k++) {
        t->memory.allocations = 0;
        t->memory.fail_at = k;
        status = lfuse_retrainer_load(c.r, c.path, &t->err);
        t->memory.fail_at = -1;
        if (status == LFUSE_OK)
            break;
        assert_int_equal(status, LFUSE_ERR_NO_MEMORY);
        lft_check_unchanged(t, lfuse_retrainer_ties(c.r), &s);
    }
    assert_true(k > 20);
    lft_drop(&s);
    lfuse_retrainer_destroy(c.r);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    struct lft *t = *state;
    const char *path = put(t);
    size_t size, now, limit;
    char *bytes = lft_read_file(path, &size);
    lfuse_retrainer *r = begin(t);

    for (limit = 0; limit < size; limit += 397) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            const struct rlimit most = {limit, limit};

            (void)signal(SIGXFSZ, SIG_IGN);
            _exit(setrlimit(RLIMIT_FSIZE, &most) != 0 ||
                  lfuse_retrainer_save(r, path, NULL, &t->err) != LFUSE_ERR_IO);
        }
        assert_true(waitpid(child, &status, 0) == child && WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(lft_file_size(path), size);
        assert_int_equal(lft_count_files(), 1);
    }
    assert_memory_equal(lft_read_file(path, &now), bytes, size);
    lfuse_retrainer_destroy(r);
}

/* The child trains and saves; the caller's bytes are the number of its step. */
static void save_for_ever(struct lft *t, lfuse_retrainer *r, const char *path)
{
    lfuse_retrainer_save_options o;
    int64_t step;

    lfuse_retrainer_save_options_init(&o, sizeof(o));
    o.caller = &step;
    o.caller_bytes = sizeof(step);
    for (step = 0;; step++) {
        lft_weight(t, 0)[1] = (float)step;
        if (lfuse_retrainer_save(r, path, &o, &t->err) != LFUSE_OK)
            _exit(1);
    }
}

static void a_process_killed_while_it_saves_leaves_a_whole_file(void **state)
{
    struct lft *t = *state;
    const char *path = put(t);
    lfuse_retrainer *r = begin(t);
    int i, saved = 0;

    for (i = 0; i < 40; i++) {
        const struct timespec wait = {0, 2000000 + 500000 * (int64_t)(i * 7 % 40)};
        struct lft now = *t;
        pid_t child = fork();
        int64_t step;
        size_t bytes;
        lfuse_retrainer *loaded;
        int status;

        if (child == 0)
            save_for_ever(t, r, path);
        (void)nanosleep(&wait, NULL);
        (void)kill(child, SIGKILL);
        assert_true(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
        t->layer_count = t->tensor_count = 0;
        loaded = fresh(t);
        lft_ok(t, lfuse_retrainer_load(loaded, path, &t->err));
        if (lfuse_retrainer_caller(loaded, &bytes) != NULL && bytes == sizeof(step)) {
            memcpy(&step, lfuse_retrainer_caller(loaded, NULL), bytes);
            assert_true(lft_weight(t, 0)[1] == (float)step);
            saved++;
        }
        lfuse_retrainer_destroy(loaded);
        part(t);
        memcpy(t->layers, now.layers, sizeof(now.layers));
        memcpy(t->tensors, now.tensors, sizeof(now.tensors));
        t->layer_count = now.layer_count;
        t->tensor_count = now.tensor_count;
    }
    assert_true(saved > 0);
    lfuse_retrainer_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(inside_a_step_or_an_evaluation_nothing_is_saved),
        lft_files_test(a_file_of_other_options_says_which),
        lft_files_test(a_file_of_another_network_says_where),
        lft_files_test(a_tensor_of_another_shape_is_named_with_both),
        lft_files_test(a_retrainer_that_has_begun_loads_nothing),
        lft_files_test(other_files_are_refused),
        lft_files_test(a_damaged_file_is_refused),
        lft_files_test(a_refused_allocation_of_a_save_leaves_the_old_file),
        lft_files_test(a_refused_allocation_of_a_load_changes_nothing),
        lft_files_test(a_full_disk_leaves_the_old_file),
        lft_files_test(a_process_killed_while_it_saves_leaves_a_whole_file),
    };

    return cmocka_run_group_tests_name("resume_errors", tests, NULL, NULL);
}
