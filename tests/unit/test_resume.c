/*
 * test_resume.c - a run that is saved anywhere, lost, and loaded ends with the same bits
 *
 * A loop of fusions, steps and epochs trains three blocks; its gradients and metrics depend on what
 * layers show and on the number of the step alone, as those of any loop that can be resumed do.
 */
#include "lft_alignment.h"
#include "lft_files.h"
#include "lft_rows.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EPOCHS = 7, STEPS = 2, OPS = 1 + EPOCHS * (STEPS + 1), NUMBERS = 1024 };

/* What a run is made of. */
struct run {
    struct lft *t;
    lfuse_plan_options plan;
    lfuse_ties_options ties;
    lfuse_retrainer_options o;
    lfuse_couplings *couplings;
    int is_aligned, is_probed;
    const char *path;
    lfuse_retrainer *r;
    lfuse_verdict verdicts[OPS];
    int64_t listed[OPS];
};

/* ---- a network and its loop ------------------------------------------------------------- */

static void build(struct run *run)
{
    lfuse_plan_options plan = run->plan;

    run->couplings = lft_align_blocks(run->t, LFT_BLOCKS);
    plan.alignment = run->is_aligned ? LFUSE_ALIGNMENT_PERMUTATION : LFUSE_ALIGNMENT_NONE;
    plan.couplings = run->is_aligned ? run->couplings : NULL;
    run->o.plan = &plan;
    run->o.ties = &run->ties;
    lft_ok(run->t,
           lfuse_retrainer_create(run->t->ctx, run->t->layers, run->t->layer_count,
                                  &run->o, &run->r, &run->t->err));
}

static void lose(struct run *run)
{
    struct lft *t = run->t;

    lfuse_retrainer_destroy(run->r);
    lfuse_couplings_destroy(run->couplings);
    while (t->layer_count > 0)
        lfuse_layer_destroy(t->layers[--t->layer_count]);
    while (t->tensor_count > 0)
        lfuse_tensor_destroy(t->tensors[--t->tensor_count]);
}

/* Gradients are added where they belong: of some layers by what they show. */
static void backward(struct run *run, int op)
{
    int i, k, pass;
    int64_t e;

    for (pass = 0; pass < 2; pass++)
        for (i = 0; i < run->t->layer_count; i++)
            for (k = 0; k < lfuse_layer_parameter_count(run->t->layers[i]); k++) {
                const lfuse_parameter p = lft_parameter(run->t, i, k);

                for (e = 0; e < lfuse_tensor_elements(p.value); e++)
                    if (p.gradient == NULL && pass == 1)
                        lft_floats(p.value)[e] =
                            0.5f * lft_floats(p.value)[e] + (float)(op + i);
                    else if (p.gradient != NULL && pass == 0)
                        lft_floats(p.gradient)[e] = 0.0f;
                    else if (p.gradient != NULL)
                        lft_floats(p.gradient)[e] +=
                            0.25f * lft_floats(p.value)[e] +
                            (float)lft_value((uint64_t)(100 * op + 10 * i + k), e);
            }
}

static void step(struct run *run, int op)
{
    struct lft *t = run->t;
    lfuse_parameter p;
    int64_t i, e;

    lft_ok(t, lfuse_retrainer_begin_step(run->r, &t->err));
    backward(run, op);
    lft_ok(t, lfuse_retrainer_combine_gradients(run->r, &t->err));
    lfuse_parameter_init(&p, sizeof(p));
    for (i = 0; i < lfuse_retrainer_parameter_count(run->r); i++) {
        lft_ok(t, lfuse_retrainer_parameter(run->r, i, &p, &t->err));
        for (e = 0; e < lfuse_tensor_elements(p.value); e++) {
            float *v = lft_floats(p.state[0]) + e;

            *v = 0.875f * *v + lft_floats(p.gradient)[e];
            lft_floats(p.value)[e] -= 0.0625f * *v;
        }
    }
    lft_ok(t, lfuse_retrainer_end_step(run->r, &t->err));
}

/* Fusions before and after some training cost too much, where that counts. */
static double metric_of(int op)
{
    static const double metrics[] = {0.5, 0.25, 0.5, 0.125, 0.5, 0.5, 0.5};

    return metrics[op / (STEPS + 1) % 7];
}

static int32_t evaluate(void *user, double *metric)
{
    struct run *run = user;

    *metric = lft_floats(lft_parameter(run->t, 0, 0).value)[0];
    return 0;
}

static void end_epoch(struct run *run, int op)
{
    const int done = op > 1 && run->verdicts[op - STEPS - 1] == LFUSE_VERDICT_DONE;
    double metric;
    lfuse_status status;

    run->verdicts[op] = LFUSE_VERDICT_DONE;
    if (!done)
        lft_ok(run->t, lfuse_retrainer_end_epoch(run->r, metric_of(op),
                                                 &run->verdicts[op], &run->t->err));
    if (!run->is_probed)
        return;
    status = lfuse_retrainer_probe(run->r, 2, evaluate, run, &metric, &run->t->err);
    assert_true(status == LFUSE_OK || status == LFUSE_ERR_STATE ||
                status == LFUSE_ERR_UNREACHABLE);
}

static void go_on(struct run *run, int from, int to)
{
    int op;

    for (op = from; op < to; op++) {
        if (op == 0)
            lft_ok(run->t, lfuse_retrainer_fuse(run->r, &run->t->err));
        else if (op % (STEPS + 1) == 0)
            end_epoch(run, op);
        else
            step(run, op);
        run->listed[op] = lfuse_retrainer_parameter_count(run->r);
    }
}

/* ---- files ------------------------------------------------------------------------------ */

static void save(struct run *run, int op)
{
    lfuse_retrainer_save_options o;

    lfuse_retrainer_save_options_init(&o, sizeof(o));
    o.caller = run->verdicts; /* an odd number of bytes, and none */
    o.caller_bytes = op == 0 ? 0 : (size_t)op * sizeof(run->verdicts[0]) - op % 2;
    lft_ok(run->t,
           lfuse_retrainer_save(run->r, run->path, op == 0 ? NULL : &o, &run->t->err));
}

static void load(struct run *run, int op)
{
    const size_t expected = op == 0 ? 0 : (size_t)op * sizeof(run->verdicts[0]) - op % 2;
    size_t bytes = 77;
    const void *caller;

    lft_ok(run->t, lfuse_retrainer_load(run->r, run->path, &run->t->err));
    caller = lfuse_retrainer_caller(run->r, &bytes);
    assert_int_equal(bytes, expected);
    if (op == 0)
        assert_null(caller);
    else
        assert_memory_equal(caller, run->verdicts, expected);
}

/* Values and state of every parameter, and owners. */
static int64_t read_all(struct run *run, double *out)
{
    int64_t n = 0, e;
    int i, k;

    for (i = 0; i < run->t->layer_count; i++) {
        out[n++] = (double)lfuse_ties_owner(lfuse_retrainer_ties(run->r), i);
        for (k = 0; k < lfuse_layer_parameter_count(run->t->layers[i]); k++) {
            const lfuse_parameter p = lft_parameter(run->t, i, k);

            for (e = 0; e < lfuse_tensor_elements(p.value); e++) {
                out[n++] = (double)lft_floats(p.value)[e];
                if (p.state[0] != NULL)
                    out[n++] = (double)lft_floats(p.state[0])[e];
            }
        }
    }
    assert_true(n <= NUMBERS);
    return n;
}

/* ---- runs that are stopped anywhere ------------------------------------------------------- */

struct result {
    double numbers[NUMBERS], undone[NUMBERS];
    int64_t count;
    lfuse_verdict verdicts[OPS];
    int64_t listed[OPS];
    size_t resident;
    lfuse_account account;
};

static void finish(struct run *run, struct result *result)
{
    memset(result, 0, sizeof(*result));
    result->count = read_all(run, result->numbers);
    result->resident = lfuse_ties_resident_bytes(lfuse_retrainer_ties(run->r));
    result->account = lft_account(run->t, lfuse_retrainer_ties(run->r));
    memcpy(result->verdicts, run->verdicts, sizeof(run->verdicts));
    memcpy(result->listed, run->listed, sizeof(run->listed));
    if ((run->ties.flags & LFUSE_TIES_KEEP_ORIGINALS) != 0) {
        lft_ok(run->t, lfuse_retrainer_undo(run->r, &run->t->err));
        read_all(run, result->undone);
    }
    lose(run);
}

/* Stopped at every stride-th point. */
static void check_run(struct run *run, int first, int stride)
{
    struct result whole, resumed;
    int op;

    build(run);
    go_on(run, 0, OPS);
    finish(run, &whole);
    if ((run->o.flags & LFUSE_RETRAINER_FLAG_TOLERANCE) != 0)
        assert_int_equal(whole.verdicts[STEPS + 1], LFUSE_VERDICT_ROLLED_BACK);
    if ((run->o.flags & LFUSE_RETRAINER_FLAG_TOLERANCE) != 0 &&
        run->plan.unit != LFUSE_UNIT_ROW)
        assert_int_equal(whole.verdicts[3 * (STEPS + 1)], LFUSE_VERDICT_ROLLED_BACK);
    for (op = first % stride; op <= OPS; op += stride) {
        build(run);
        go_on(run, 0, op);
        save(run, op);
        lose(run);
        build(run);
        load(run, op);
        go_on(run, op, OPS);
        finish(run, &resumed);
        assert_memory_equal(&resumed, &whole, sizeof(whole));
    }
}

static struct run run_of(struct lft *t, const char *path, lfuse_policy policy,
                         uint32_t flags)
{
    struct run run = {.t = t, .path = path};

    run.plan = lft_plan_ratio(3.0);
    run.plan.policy = policy;
    run.ties = lft_ties_defaults();
    run.ties.flags = flags;
    run.o = lft_retrainer_options(NULL, 2, 2);
    return run;
}

static void decide(struct run *run)
{
    run->o.flags |= LFUSE_RETRAINER_FLAG_TOLERANCE | LFUSE_RETRAINER_FLAG_EACH;
    run->o.baseline = 0.5;
    run->o.tolerance = 0.125;
    run->o.grace = 1;
}

static const lfuse_policy policies[] = {LFUSE_POLICY_AVERAGE, LFUSE_POLICY_FREEZE,
                                        LFUSE_POLICY_RANDOM, LFUSE_POLICY_JS};
static const uint32_t flags[] = {0, LFUSE_TIES_KEEP_ORIGINALS, LFUSE_TIES_MIRROR,
                                 LFUSE_TIES_MIRROR | LFUSE_TIES_KEEP_ORIGINALS};

static void a_run_resumes_under_every_policy_and_form_of_ties(void **state)
{
    const char *path = lft_path("run");
    struct run run;
    int p, f, way;

    for (p = 0; p < 4; p++)
        for (f = 0; f < 4; f++)
            for (way = 0; way < 4; way++) {
                run = run_of(*state, path, policies[p], flags[f]);
                run.is_aligned = (way & 1) != 0;
                if ((way & 2) != 0)
                    decide(&run);
                check_run(&run, p + f, way == 3 && f == 1 ? 1 : 6);
            }
}

/* Frozen rows are in a bank. */
static void a_run_of_rows_resumes(void **state)
{
    const char *path = lft_path("run");
    struct run run;
    int p, way;

    for (p = 0; p < 3; p++)
        for (way = 0; way < 8; way++) {
            run = run_of(*state, path, policies[p], flags[way & 1]);
            run.plan.ratio = 1.5;
            run.plan.unit = LFUSE_UNIT_ROW;
            run.is_aligned = (way & 2) != 0;
            if ((way & 4) != 0)
                decide(&run);
            check_run(&run, p + way, way == 7 && p == 1 ? 1 : 6);
        }
}

/* A lead, groups tied before the end, pairs, steps, exponential; and a fusion that was probed. */
static void a_run_resumes_wherever_its_schedule_is(void **state)
{
    const char *path = lft_path("run");
    struct run run;
    int p, way;

    for (p = 0; p < 4; p++)
        for (way = 0; way < 6; way++) {
            run = run_of(*state, path, policies[p], flags[way & 1]);
            run.is_aligned = way % 3 == 0;
            run.o.interval = 3;
            run.o.lead = way == 0 || way == 1;
            run.o.mix = way == 1 || way == 2;
            run.o.pairs = way == 3 ? 1 : 0;
            run.o.schedule = way == 4 ? LFUSE_SCHEDULE_EXPONENTIAL : 0;
            run.o.flags = way == 5 ? LFUSE_RETRAINER_FLAG_STEPS : 0;
            run.is_probed = way == 2;
            run.ties.gradients = way == 5 ? LFUSE_GRADIENTS_ACCUMULATED : 0;
            run.plan.flags = way == 4 ? LFUSE_PLAN_FLAG_CONTENTS : 0;
            check_run(&run, p + way, p == 2 && way < 3 ? 1 : 6);
        }
}

/* The file of a run on one thread, and the other way round. */
static void threads_change_nothing(void **state)
{
    const char *path = lft_path("run");
    struct lft *t = *state;
    lfuse_context *one = t->ctx, *two = lft_context(t, 2, LFUSE_ISA_BEST);
    struct result results[4];
    struct run run;
    int p, i;

    for (p = 0; p < 4; p++) {
        for (i = 0; i < 4; i++) {
            run = run_of(t, path, policies[p], 0);
            run.is_aligned = 1;
            t->ctx = (i & 1) != 0 ? two : one;
            build(&run);
            go_on(&run, 0, OPS / 2);
            save(&run, OPS / 2);
            lose(&run);
            t->ctx = (i & 2) != 0 ? two : one;
            build(&run);
            load(&run, OPS / 2);
            go_on(&run, OPS / 2, OPS);
            finish(&run, &results[i]);
            assert_memory_equal(&results[i], &results[0], sizeof(results[0]));
        }
    }
    t->ctx = one;
    lfuse_context_destroy(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        lft_files_test(a_run_resumes_under_every_policy_and_form_of_ties),
        lft_files_test(a_run_of_rows_resumes),
        lft_files_test(a_run_resumes_wherever_its_schedule_is),
        lft_files_test(threads_change_nothing),
    };

    return cmocka_run_group_tests_name("resume", tests, NULL, NULL);
}
