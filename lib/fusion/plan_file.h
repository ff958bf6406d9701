/*
 * plan_file.h - a plan as JSON; between the files plan_file_*.c, and of fields for
 * couplings_json.c; nobody else includes it
 *
 *     {
 *      "layerfuse_plan": 1,
 *      "options": {"ratio": 2.0, "metric": "euclidean", ...},
 *      "fusions": [
 *       {"a": "h.0", "b": "h.1", "kept": "h.0", "score": 1.5, "saved_parameters": 12, "ratio": 1.2,
 *        "unit": "layer", "policy": "average"},
 *       ...],
 *      "groups": [["h.0", "h.1"], ...],
 *      "parameters": {"logical": 144, "unique": 72, "base": "candidates"},
 *      "fingerprint": "0123456789abcdef",
 *      "importance": {"h.0": 1.0, ...},               of each layer, where weighting asks for it
 *      "rules": [{"pattern": "h.[0-3].*", "action": "exclude"}, ...],            where there are any
 *      "in_force": [["h.4", "h.5"], ...],             groups before the fusions, the kept member first
 *      "skipped": [{"layer": "wte", "reason": "..."}, ...],                       where there are any
 *      "permutations": [{"spaces": [0], "order": [2, 0, 1], "members": [..]}, ..]    of aligned units
 *      "layers": [
 *       {"name": "h.0", "type": "h.*", "weights": [{"name": "weight", "shape": [4, 3], "axis": 0,
 *        "dtype": "f32"}], "rest": {"parameters": 4, "bytes": 16}},
 *       ...]
 *     }
 *
 * Of the unit row, which is among the options then, a line has all fusions of rows of one weight of two
 * layers, or of one, that keep rows of one; and what was in force, all rows of a layer that share those
 * of another, or of it:
 *
 *       {"a": "h.0", "b": "h.1", "kept": "h.0", "weight": "weight", "saved_parameters": 6, "ratio": 1.2,
 *        "unit": "row", "policy": "average", "rows": [[0, 2, 3, 2, 1.5], ..]}    see plan_file_row_fusions.c
 *       {"kept": "h.4", "layer": "h.5", "weight": "weight", "rows": [[1, 0], ..]}      kept's, layer's
 *
 * A fusion, a group and a layer take one line each, keys come in a fixed order: equal plans are
 * equal texts, and a change of one is a change of its line.
 *
 * Fusions are what counts. What follows from them may be left out, and is checked where it is
 * there: groups; parameters, and with them each saved_parameters and ratio.
 */
#ifndef LFI_FUSION_PLAN_FILE_H
#define LFI_FUSION_PLAN_FILE_H

#include "base/json.h"
#include "fusion/fusion.h"

enum { LFI_PLAN_VERSION = 1, LFI_FINGERPRINT = 16 }; /* hexadecimal digits */

/* ---- plan_file_options.c ------------------------------------------------------------------ */

/* An object of all that is set; NULL when malloc refused. */
json_t *lfi_plan_options_encode(const struct lfi_plan_options *options);
/* Sets what is there, from defaults on. object may be NULL, which is empty. */
lfuse_status lfi_plan_options_decode(const json_t *object,
                                     struct lfi_plan_options *options, lfuse_error *err);

/* ---- plan_file_fields.c: objects, built and of unknown origin ------------------------------------------- */

/* What was built, or NULL where a part of it failed: it is released then. */
json_t *lfi_fields_finish(json_t *built, int failed);
/* The object `where`, "fusions[3]", has no key but these, NULL-terminated. */
lfuse_status lfi_fields_check(const json_t *object, const char *where,
                              const char *const *known, lfuse_error *err);
/* Each leaves *out as it is where the key is not there. */
lfuse_status lfi_fields_text(const json_t *object, const char *where, const char *key,
                             const char **out, lfuse_error *err);
lfuse_status lfi_fields_number(const json_t *object, const char *where, const char *key,
                               double *out, lfuse_error *err);
lfuse_status lfi_fields_count(const json_t *object, const char *where, const char *key,
                              int64_t *out, lfuse_error *err); /* >= 0 */
lfuse_status lfi_fields_array(const json_t *object, const char *where, const char *key,
                              json_t **out, lfuse_error *err);
/* LFUSE_ERR_FORMAT: "<where> has no <key>". */
lfuse_status lfi_fields_missing(const char *where, const char *key, lfuse_error *err);
/* Element index of an array, which is to be a string. */
lfuse_status lfi_fields_element(const json_t *array, const char *where, size_t index,
                                const char **out, lfuse_error *err);

/* ---- plan_file_layers.c: what a plan is for -------------------------------------------------- */

/* NULL when malloc refused. */
json_t *lfi_planned_layer_encode(const struct lfi_planned_layer *layer);
/* plan->layers of "layers", and their sums. */
lfuse_status lfi_planned_layers_decode(const struct lfi_env *env, const json_t *array,
                                       struct lfi_plan *plan, lfuse_error *err);

/* ---- plan_file_network.c ------------------------------------------------------------------------ */

/* Of names, types, shapes and element types, whatever the order of the layers. */
lfuse_status lfi_plan_fingerprint(const struct lfi_env *env, const struct lfi_plan *plan,
                                  char text[LFI_FINGERPRINT + 1], lfuse_error *err);
/* plan->layers as these layers are, in their order: LFUSE_ERR_NAME, _SHAPE or _TYPE says what
 * differs. */
lfuse_status lfi_plan_match(const struct lfi_env *env,
                            const struct lfi_layer *const *layers, int64_t count,
                            struct lfi_plan *plan, lfuse_error *err);

/* ---- plan_file_groups.c ------------------------------------------------------------------------- */

/* What decoding has at hand. */
struct lfi_plan_reader {
    const struct lfi_env *env;
    json_t *root;
    struct lfi_names names; /* of the plan's layers */
    struct lfi_plan *plan;
    int64_t items;   /* layers, or rows */
    int64_t *parent; /* (items) of an item in the tree of its group; of a root: itself */
    int64_t *kept;   /* (items) of a root's group */
    bool *is_candidate; /* (layers) */
    bool is_checked;    /* what fusions save is compared to what is written */
};

lfuse_status lfi_reader_find(const struct lfi_plan_reader *r, const char *where,
                             const char *name, int64_t *index, lfuse_error *err);
int64_t lfi_reader_root(const struct lfi_plan_reader *r, int64_t index);
/* Layers that share weights are of one type, and their weights are alike. */
lfuse_status lfi_reader_check_alike(const struct lfi_plan_reader *r, const char *where,
                                    int64_t a, int64_t b, lfuse_error *err);
/* The groups of layers a and b become one, whose buffer is that of kept. */
lfuse_status lfi_reader_join(struct lfi_plan_reader *r, const char *where, int64_t a,
                             int64_t b, int64_t kept, lfuse_error *err);
/* What the trees say. */
void lfi_reader_owners(const struct lfi_plan_reader *r, struct lfi_grouping *grouping);
/* plan->start */
lfuse_status lfi_in_force_decode(struct lfi_plan_reader *r, lfuse_error *err);

/* ---- plan_file_rules.c ------------------------------------------------------------------------- */

/* NULL when malloc refused. */
json_t *lfi_plan_rule_encode(const lfuse_plan_rule *rule);
json_t *lfi_plan_skip_encode(const struct lfi_plan *plan, const struct lfi_skip *skip);
/* options.rules and skips of a plan that has its layers. */
lfuse_status lfi_plan_rules_decode(struct lfi_plan_reader *r, lfuse_error *err);
lfuse_status lfi_plan_skips_decode(struct lfi_plan_reader *r, lfuse_error *err);

/* ---- plan_file_account.c ------------------------------------------------------------------------ */

/* r->is_candidate of a plan that has its layers. */
lfuse_status lfi_reader_find_candidates(struct lfi_plan_reader *r, lfuse_error *err);
/* Of all its weights. */
int64_t lfi_planned_elements(const struct lfi_planned_layer *layer);
/* plan->account of these groups of layers, and of rows where they are numbered. */
void lfi_reader_measure(const struct lfi_plan_reader *r,
                        const struct lfi_grouping *layers,
                        const struct lfi_grouping *rows);

/* ---- plan_file_rows.c: of the unit row ------------------------------------------------------------- */

/* plan->rows, and nobody is tied. */
lfuse_status lfi_plan_rows_prepare(struct lfi_plan_reader *r, bool is_given,
                                   lfuse_error *err);
/* The layer that a field names. */
lfuse_status lfi_reader_layer(const struct lfi_plan_reader *r, const json_t *object,
                              const char *where, const char *key, int64_t *layer,
                              lfuse_error *err);
/* A ratio counts its rows. */
lfuse_status lfi_reader_candidate(const struct lfi_plan_reader *r, const char *where,
                                  int64_t layer, lfuse_error *err);
/* Which weight of a layer; the only one where nothing is said. */
lfuse_status lfi_reader_weight(const struct lfi_plan_reader *r, const json_t *object,
                               const char *where, int64_t layer, int32_t *weight,
                               lfuse_error *err);
/* Element `index` of an array: row->index of the weight that row has. */
lfuse_status lfi_reader_row(const struct lfi_plan_reader *r, const json_t *array,
                            const char *where, size_t index, struct lfi_row *row,
                            lfuse_error *err);
/* The groups of rows a and b become one, whose values are those of kept. */
lfuse_status lfi_reader_join_rows(struct lfi_plan_reader *r, const char *where, int64_t a,
                                  int64_t b, int64_t kept, lfuse_error *err);
/* plan->row_start */
lfuse_status lfi_rows_in_force_decode(struct lfi_plan_reader *r, const json_t *lines,
                                      lfuse_error *err);

/* ---- plan_file_row_fusions.c ------------------------------------------------------------------------ */

/* fusions, row_goal and account of a plan that has the rest. */
lfuse_status lfi_row_fusions_decode(struct lfi_plan_reader *r, const json_t *lines,
                                    lfuse_error *err);

/* ---- plan_file_row_lines.c: the same, written ------------------------------------------------------- */

/* (count) of fusions, or of rows that share others' in force; those of a line are next to each
 * other. Release with lfi_row_lines_free(). */
struct lfi_row_lines {
    const struct lfi_plan *plan;
    bool in_force;
    int64_t count;
    int64_t *order;
};

lfuse_status lfi_row_lines_create(const struct lfi_env *env, const struct lfi_plan *plan,
                                  bool in_force, struct lfi_row_lines *lines,
                                  lfuse_error *err);
void lfi_row_lines_free(const struct lfi_env *env, struct lfi_row_lines *lines);
/* Where the line ends that starts at `first`. */
int64_t lfi_row_lines_end(const struct lfi_row_lines *lines, int64_t first);
/* NULL when malloc refused. */
json_t *lfi_row_line_encode(const struct lfi_row_lines *lines, int64_t first,
                            int64_t end);

/* ---- plan_file_fusions.c ------------------------------------------------------------------------ */

/* "unit" and "policy" of a fusion are those of the plan. */
lfuse_status lfi_reader_check_kind(const struct lfi_plan_reader *r, const json_t *object,
                                   const char *where, lfuse_error *err);
/* fusions, goal and account of a plan that has its layers, its options and start. */
lfuse_status lfi_fusions_decode(struct lfi_plan_reader *r, lfuse_error *err);

/* ---- plan_file_moves.c: orders of units ------------------------------------------------------------ */

/* NULL when malloc refused. */
json_t *lfi_move_encode(const struct lfi_plan *plan, const struct lfi_move *move);
/* plan->moves, where there are any. */
lfuse_status lfi_moves_decode(const struct lfi_plan_reader *r, lfuse_error *err);

/* ---- plan_file_check.c: what follows from fusions, where it is written ---------------------------- */

lfuse_status lfi_groups_check(const struct lfi_plan_reader *r, lfuse_error *err);
lfuse_status lfi_parameters_check(const struct lfi_plan_reader *r, lfuse_error *err);

#endif
