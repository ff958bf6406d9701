/*
 * plan_file.h - a plan as JSON: to be read, edited, kept in version control, and applied elsewhere
 *
 *     {
 *       "layerfuse_plan": 1,
 *       "options": {"ratio": 2.0, "policy": "average", "metric": "euclidean", ...},
 *       "fusions": [
 *         {"a": "h.0", "b": "h.1", "kept": "h.0", "score": 1.5, "saved_parameters": 12,
 *          "ratio": 2.0, "unit": "layer", "policy": "average"},
 *         ...],
 *       "groups": [["h.0", "h.1"], ...],
 *       "parameters": {"logical": 24, "unique": 12, "base": "candidates"},
 *       "fingerprint": "16 hexadecimal digits",
 *       "importance": {"h.0": 1.0, ...},
 *       "rules": [{"pattern": "h.[0-3].*", "action": "exclude"}, ...],
 *       "in_force": [["h.4", "h.5"], ...],
 *       "skipped": [{"layer": "wte", "reason": "..."}, ...],
 *       "permutations": [{"spaces": [0], "order": [2, 0, 1], "members": [{"layer": "h.0",
 *         "parameter": "weight", "axis": 0, "entries": 3, "offset": 0, "block": 1}, ...]}, ...],
 *       "layers": [{"name": "h.0", "type": "h.*", "weights": [...]}, ...]
 *     }
 *
 * With LFUSE_PLAN_FLAG_CONTENTS each weight also has "contents", a hash of its elements: such a plan
 * is for these very numbers, and reading or applying it for others is LFUSE_ERR_STATE.
 *
 * Every fusion is a line of its own, and equal plans are equal texts. Numbers have 17 digits: a
 * plan that is read back is the same to the last bit, and what is applied gives the same bits.
 *
 * Fusions are what counts, in their order; lines may be taken out and written anew. "a" and "b"
 * alone are a fusion: "kept", any member of the joined group that no group in force has tied, is
 * else that of a's group, "score" is not known, and the rest follows. What follows from the fusions
 * may be left out and is computed, or else has to be right: "groups"; "parameters", and where it
 * is there each "saved_parameters" and "ratio". So after an edit: delete these two.
 *
 * Of the unit row, which "options" then have, a line is all fusions of rows of one weight of two layers,
 * or of one, that keep rows of one layer; "groups" are of layers and there are none:
 *
 *     {"a": "h.0", "b": "h.1", "kept": "h.0", "weight": "weight", "saved_parameters": 6, "ratio": 1.2,
 *      "unit": "row", "policy": "average", "rows": [[0, 2, 3, 2, 1.5], [4, 0, 1, 0, 2.5]]}
 *
 * Each of "rows" is a fusion: its place in the order of all, which is by these and may have holes, row
 * of a, row of b, row of kept, and score, which may be left out. "ratio" is that after the line's last.
 * Without "kept" each has place, row of a and row of b alone and keeps what a's group keeps; "weight"
 * is left out where there is one. In "in_force" are, in a line, rows of one layer that share another's
 * values: {"kept": "h.4", "layer": "h.5", "weight": "weight", "rows": [[row of kept, of layer], ...]}.
 *
 * "rules" and "skipped" say how the plan came about, and are there where there are any.
 *
 * "permutations" are there where the plan aligns units: entries of a member's axis, from offset on
 * in units of block, are put in order, unit u becoming what unit order[u] was. All that counts
 * the same units is in one of them: it may be taken out whole, not in part.
 *
 * "layers" and "in_force" (what the layers shared already, the kept one first) say what the plan
 * is for, and are not to be edited: "fingerprint" is the hash of the layers' names, types and
 * shapes in whatever order. Without "layers" a plan is read for given layers alone.
 */
#ifndef LAYERFUSE_PLAN_FILE_H
#define LAYERFUSE_PLAN_FILE_H

#include <layerfuse/plan.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_plan_load_options {
    size_t struct_size; /* set by lfuse_plan_load_options_init(&o, sizeof(o)) */
    size_t max_bytes;   /* longer texts are refused; 0 means 33554432, 32 MiB */
    const lfuse_layer *const *layers; /* (count) what the plan is for, or NULL */
    int64_t count;
} lfuse_plan_load_options;

/**
 * lfuse_plan_load_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_plan_load_options_init(lfuse_plan_load_options *options,
                                            size_t size);

/**
 * lfuse_plan_to_json() - a plan as text
 *
 * Result:  *needed is the bytes of the text, its NUL included. text gets it, unless it is NULL,
 *          which asks for needed alone.
 * Owner:   text has `size` bytes, the caller's.
 * Errors:  LFUSE_ERR_ARGUMENT   NULL for plan or needed
 *          LFUSE_ERR_NAME       a name, param type or pattern is not UTF-8: says which
 *          LFUSE_ERR_OVERFLOW   size is less than needed
 *          LFUSE_ERR_NO_MEMORY  the allocator refused
 *          On failure text and *needed are untouched.
 * Cost:    the text is made twice over when it is asked for twice.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_plan_to_json(const lfuse_plan *plan, char *text, size_t size,
                                          size_t *needed,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_plan_save() - writes a plan into a file, whole or not at all
 *
 * Result:  the text is written beside path, flushed to the disk and renamed over it. A file at
 *          path leaves its permission bits to the new one; a symbolic link is followed.
 * Owner:   everything is borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT   NULL
 *          LFUSE_ERR_IO         the system refused, or what is at path is no regular file:
 *                               detail is errno
 *          and those of lfuse_plan_to_json().
 *          On failure what was at path is as before.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_plan_save(const lfuse_plan *plan, const char *path,
                                       lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_plan_from_json() - reads a plan from text
 * lfuse_plan_load() - reads a plan from a file
 *
 * Result:  with options->layers, a plan for these: they may come in any order, which becomes the
 *          plan's. Every layer of the plan has to be there, and no other, with the same type and
 *          weights; parameters that are no weights may differ. Without, a plan for the layers
 *          that the text describes, in their order, which lfuse_ties_apply() then insists on.
 *          The score of a fusion is NaN where the text has none. Functions are not in a text: the
 *          metric custom is a name, and nothing is measured again.
 * Owner:   text, path, options and layers are borrowed for the call; text has `size` bytes and
 *          needs no NUL. *plan is returned: release with lfuse_plan_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     NULL, or layers without a count
 *          LFUSE_ERR_IO           the file cannot be opened or read: detail is errno
 *          LFUSE_ERR_FORMAT       no JSON object of UTF-8 whose keys are each there once, or no
 *                                 plan: a field missing or of another kind, a layer fused with
 *                                 itself or with one of its group, a kept layer of neither group,
 *                                 another number than follows from the fusions; of rows the same, a
 *                                 row that there is not, and two fusions at one place: says where
 *          LFUSE_ERR_NAME         a fusion, or group, names no layer of the plan; layers that it
 *                                 ties are of two types, or have weights of other names; rows are of
 *                                 a layer whose type is no other's; the
 *                                 network has another layer, or lacks one: says which; the
 *                                 fingerprint is another
 *          LFUSE_ERR_SHAPE        tied weights, or those of the plan and of the network, differ in
 *                                 shape or output axis: says which, and both shapes
 *          LFUSE_ERR_TYPE         the same of element types
 *          LFUSE_ERR_STATE        weights of other contents than those of the plan, where it has them
 *          LFUSE_ERR_UNSUPPORTED  another version of plans, a field, option, policy, metric, unit or
 *                                 element type that this one does not know; more than max_bytes;
 *                                 options that the unit row does not have, or
 *                                 more than 16777216 rows where no layers are given;
 *                                 options hold fields this version does not know
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          On failure *plan is NULL.
 * Cost:    JSON is parsed with memory of malloc's, given back before the call returns.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_plan_from_json(lfuse_context *ctx, const char *text,
                                            size_t size,
                                            const lfuse_plan_load_options *options,
                                            lfuse_plan **plan,
                                            lfuse_error *err) LFUSE_MUST_CHECK;
LFUSE_API lfuse_status lfuse_plan_load(lfuse_context *ctx, const char *path,
                                       const lfuse_plan_load_options *options,
                                       lfuse_plan **plan,
                                       lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
