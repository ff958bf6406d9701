/* plan.c - layerfuse plan: which layers of a file shall share weights */
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "files.h"
#include "layers.h"
#include "network.h"
#include "plan_text.h"
#include "text.h"

struct plan {
    const char *file;
    const char *output;
    const char *metric;
    const char *policy;
    const char *block;
    const char *couplings;
    struct lfc_list exclude;
    struct lfc_list include;
    struct lfc_list pin;
    struct lfc_list force;
    struct lfc_list axes;
    lfuse_plan_rule *rules;
    lfuse_plan_options options;
    lfuse_similarity_options similarity;
    int32_t rule;
    int64_t threads;
    int64_t seed;
    int64_t max_bytes;
    int64_t max_group;
    int64_t max_header_bytes;
    int64_t heads;
    int json;
    int contents;
};

static const char synopsis[] =
    "layerfuse plan FILE (--ratio R | --top-k K) [--metric M] [--policy P] [--scope S]\n"
    "       [--unit U] [--align A --couplings PRESET|FILE] [--exclude GLOB]... [--seed "
    "N] [--json]\n"
    "       [-o PLAN.json] ...";

static const char about[] = LFC_FILE_HELP
    "Finds which of its layers shall share weights, and writes that down as a plan: "
    "JSON,\n"
    "one line for each fusion, or for all rows of two layers, that can be read, edited\n"
    "and kept. FILE is only read; layerfuse apply makes a smaller file of it and the "
    "plan.\n";

/* ---- arguments ------------------------------------------------------------------------------ */

static int read_names(struct plan *p)
{
    lfuse_error err;

    if (lfuse_metric_from_name(p->metric, &p->options.metric, &err) != LFUSE_OK)
        return lfc_fail(LFC_USAGE, "--metric: %s", err.message);
    if (lfuse_policy_from_name(p->policy, &p->options.policy, &err) != LFUSE_OK)
        return lfc_fail(LFC_USAGE, "--policy: %s", err.message);
    if (p->options.metric == LFUSE_METRIC_CUSTOM)
        return lfc_fail(LFC_USAGE, "--metric: custom needs a function, which only a "
                                   "program has");
    if (p->options.policy == LFUSE_POLICY_CUSTOM)
        return lfc_fail(LFC_USAGE, "--policy: custom needs a function, which only a "
                                   "program has");
    return LFC_DONE;
}

static void add_rules(struct plan *p, const struct lfc_list *globs,
                      lfuse_plan_action action)
{
    int i;

    for (i = 0; i < globs->count; i++) {
        lfuse_plan_rule *rule = &p->rules[p->options.rule_count++];

        rule->pattern = globs->items[i];
        rule->action = action;
    }
}

/* Names of layers. Of blocks, exclude is of tensors: see network.h. */
static void list_rules(struct plan *p)
{
    const int count = p->exclude.count + p->include.count + p->pin.count + p->force.count;

    p->rules = lfc_alloc((size_t)count, sizeof(*p->rules));
    if (p->block == NULL)
        add_rules(p, &p->exclude, LFUSE_PLAN_ACTION_EXCLUDE);
    add_rules(p, &p->include, LFUSE_PLAN_ACTION_INCLUDE);
    add_rules(p, &p->pin, LFUSE_PLAN_ACTION_PIN);
    add_rules(p, &p->force, LFUSE_PLAN_ACTION_FORCE);
    p->options.rules = p->options.rule_count > 0 ? p->rules : NULL;
}

static int check_alignment(const struct plan *p)
{
    const int aligns = p->options.alignment == LFUSE_ALIGNMENT_PERMUTATION;

    if (aligns && p->couplings == NULL)
        return lfc_fail(LFC_USAGE, "--align permutation needs --couplings");
    if (!aligns && p->couplings != NULL)
        return lfc_fail(LFC_USAGE, "--couplings is given without --align permutation");
    if (p->couplings == NULL && p->heads > 0)
        return lfc_fail(LFC_USAGE, "--heads is given without --couplings");
    return LFC_DONE;
}

static int check(struct plan *p)
{
    if (p->output == NULL && !p->json)
        return lfc_fail(LFC_USAGE, "neither -o nor --json is given");
    if (p->output != NULL && lfc_is_same_file(p->output, p->file))
        return lfc_fail(LFC_USAGE, "-o: %s is the file to read", p->output);
    if (p->options.ratio == 0.0 && p->options.top_k == 0)
        return lfc_fail(LFC_USAGE, "neither --ratio nor --top-k is given");
    p->options.flags = p->contents ? LFUSE_PLAN_FLAG_CONTENTS : 0;
    p->options.max_group = (int32_t)p->max_group;
    p->options.similarity = &p->similarity;
    p->similarity.max_bytes = (size_t)p->max_bytes;
    if (p->seed != 0)
        p->similarity.seed = (uint64_t)p->seed;
    list_rules(p);
    return check_alignment(p) == LFC_DONE ? read_names(p) : LFC_USAGE;
}

static int read_arguments(struct plan *p, int argc, char **argv, int *help)
{
    static const char *const operands[] = {"FILE", NULL};
    static const char *const scopes[] = {"global", "adjacent", NULL};
    static const char *const units[] = {"layer", "row", NULL};
    static const char *const alignments[] = {"none", "permutation", NULL};
    const struct lfc_argument table[] = {
        {"--ratio", "R",
         "weights of all candidates to those that are left; 2 halves them",
         &p->options.ratio, LFC_NUMBER, 1, DBL_MAX, NULL},
        {"--top-k", "K", "as many fusions, of the most alike layers first",
         &p->options.top_k, LFC_INTEGER, 1, 1 << 30, NULL},
        {"--metric", "M", "how alike is measured (euclidean); see layerfuse similarity",
         &p->metric, LFC_TEXT, .choices = NULL},
        {"--policy", "P", "average, freeze, random or js (average)", &p->policy, LFC_TEXT,
         .choices = NULL},
        {"--scope", "S", "global, or adjacent: only neighbours of one type",
         &p->options.scope, LFC_CHOICE, .choices = scopes},
        {"--unit", "U",
         "layer, or row: filters and neurons, within a tensor and\n"
         "across those of a type; it takes 48 bytes of --max-bytes\n"
         "for each two rows of a type, both ways",
         &p->options.unit, LFC_CHOICE, .choices = units},
        {"--max-group", "N", "layers, or rows, of a group at most", &p->max_group,
         LFC_INTEGER, 2, 1 << 30, NULL},
        {"--align", "A",
         "none, or permutation: units in the order in which what is\n"
         "fused is most alike; all that --couplings names moves",
         &p->options.alignment, LFC_CHOICE, .choices = alignments},
        {"--couplings", "PRESET|FILE",
         "resnet-basic, resnet-bottleneck, gpt2, llama, or JSON;\n"
         "of weights stored as [in, out] say --output-axis GLOB=1",
         &p->couplings, LFC_TEXT, .choices = NULL},
        {"--heads", "N",
         "query heads of a block; a preset leaves attention as it\n"
         "is unless they are given",
         &p->heads, LFC_INTEGER, 1, 1 << 20, NULL},
        {"--exclude", "GLOB",
         "fuse no layer whose name matches; with --block: leave\n"
         "out tensors that match; may be given again, as may",
         &p->exclude, LFC_LIST, .choices = NULL},
        {"--include", "GLOB", "fuse only layers whose name matches,", &p->include,
         LFC_LIST, .choices = NULL},
        {"--pin", "GLOB", "keep the weights of those in their groups, and", &p->pin,
         LFC_LIST, .choices = NULL},
        {"--force", "GLOB", "join all that it matches, first of all", &p->force, LFC_LIST,
         .choices = NULL},
        {"--type-rule", "RULE", lfc_types_rule_help, &p->rule, LFC_CHOICE,
         .choices = lfc_types_rules},
        {"--block", "PREFIX",
         "a layer is all of a block: every tensor of rank 2 or\nmore named "
         "PREFIX.NUMBER.*; no others are fused",
         &p->block, LFC_TEXT, .choices = NULL},
        {"--output-axis", "GLOB=N", lfc_axes_help, &p->axes, LFC_LIST, .choices = NULL},
        {"--seed", "N", "of what is drawn at random (0)", &p->seed, LFC_INTEGER, 0, 9e18,
         NULL},
        {"--threads", "N", "that work at once (one for each processor)", &p->threads,
         LFC_INTEGER, 1, 1024, NULL},
        {"--max-bytes", "N", "of memory for what is kept of each layer (256 MiB)",
         &p->max_bytes, LFC_INTEGER, 1, 9e18, NULL},
        {"--max-header-bytes", "N", lfc_session_header_help, &p->max_header_bytes,
         LFC_INTEGER, 1, 1e8, NULL},
        {"--contents", NULL, "a plan that no other contents of FILE will do for",
         &p->contents, LFC_FLAG, .choices = NULL},
        {"--json", NULL, "print the plan", &p->json, LFC_FLAG, .choices = NULL},
        {"-o", "PLAN.json", "write the plan, whole or not at all", &p->output, LFC_TEXT,
         .choices = NULL},
    };
    const struct lfc_arguments arguments = {
        synopsis, about, operands, &p->file, table, sizeof(table) / sizeof(table[0])};
    int code;

    memset(p, 0, sizeof(*p));
    lfuse_plan_options_init(&p->options, sizeof(p->options));
    lfuse_similarity_options_init(&p->similarity, sizeof(p->similarity));
    p->metric = "euclidean";
    p->policy = "average";
    p->rule = LFC_RULE_COMPONENT;
    p->max_bytes = (int64_t)256 << 20;
    code = lfc_arguments_read(&arguments, argc, argv, help);
    return code == LFC_DONE && !*help ? check(p) : code;
}

/* ---- the plan ------------------------------------------------------------------------------ */

static int32_t show_progress(const char *what, int64_t done, int64_t total, void *user)
{
    struct lfc_progress *progress = user;

    if (progress->total != total || progress->what == NULL)
        lfc_progress_begin(progress, what, "steps", total);
    lfc_progress_show(progress, done);
    return 0;
}

/* Whatever is asked of a plan is asked when it is applied: so that apply will not refuse it. */
static int check_plan(const struct plan *p, const struct lfc_session *session,
                      const lfuse_plan *plan)
{
    struct lfc_network applied;
    int code =
        lfc_network_of_plan(session->ctx, session->checkpoint, p->file, plan, &applied);

    if (code == LFC_DONE)
        lfc_network_free(&applied);
    return code;
}

static int build(const struct plan *p, const struct lfc_session *session,
                 const struct lfc_network *network, lfuse_plan **plan)
{
    lfuse_plan_options options = p->options;
    lfuse_couplings *couplings = NULL;
    lfuse_error err;
    int code = LFC_DONE;

    if (p->couplings != NULL)
        code =
            lfc_network_couple(session->ctx, network, p->couplings, p->heads, &couplings);
    options.couplings = couplings;
    if (code == LFC_DONE &&
        lfuse_plan_build(session->ctx, (const lfuse_layer *const *)network->layers,
                         network->count, &options, plan, &err) != LFUSE_OK)
        code = lfc_fail(LFC_FAILED, "%s: %s", p->file, err.message);
    lfuse_couplings_destroy(couplings);
    if (code == LFC_DONE && p->couplings != NULL)
        code = check_plan(p, session, *plan);
    lfc_progress_clear();
    return code;
}

static int run(const struct plan *p)
{
    const struct lfc_list none = {NULL, 0};
    const struct lfc_network_rules rules = {(enum lfc_rule)p->rule, &p->axes,
                                            p->block != NULL ? &p->exclude : &none,
                                            p->block, p->couplings != NULL};
    struct lfc_progress progress = {0};
    const struct lfc_session_options options = {
        .threads = p->threads,
        .seed = p->seed,
        .max_header_bytes = p->max_header_bytes,
        .progress = show_progress,
        .progress_user = &progress,
    };
    struct lfc_network network = {0};
    struct lfc_session session;
    lfuse_plan *plan = NULL;
    lfuse_error err;
    int code = lfc_session_open(&session, p->file, &options);

    if (code != LFC_DONE)
        return code;
    if (p->output != NULL)
        code = lfc_check_output(&session, p->file, p->output);
    if (code == LFC_DONE)
        code = lfc_network_find(session.ctx, session.checkpoint, &rules, &network);
    if (code == LFC_DONE && network.candidates == 0)
        code = lfc_fail(LFC_FAILED, "%s: no two tensors are layers of one type", p->file);
    if (code == LFC_DONE)
        code = build(p, &session, &network, &plan);
    if (code == LFC_DONE && p->output != NULL &&
        lfuse_plan_save(plan, p->output, &err) != LFUSE_OK)
        code = lfc_fail(LFC_FAILED, "%s", err.message);
    if (code == LFC_DONE)
        code = p->json ? lfc_plan_json(plan)
                       : lfc_plan_text(plan, p->metric, p->policy,
                                       p->options.unit == LFUSE_UNIT_ROW);
    lfuse_plan_destroy(plan);
    lfc_network_free(&network);
    lfc_session_close(&session);
    return code;
}

int lfc_plan(int argc, char **argv)
{
    struct plan p;
    int help, code = read_arguments(&p, argc, argv, &help);

    if (code == LFC_DONE && !help)
        code = run(&p);
    free(p.rules);
    free(p.force.items);
    free(p.pin.items);
    free(p.include.items);
    free(p.exclude.items);
    free(p.axes.items);
    return code;
}
