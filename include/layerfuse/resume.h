/*
 * resume.h - a retrainer in a file, to go on from after a crash as if there had been none
 *
 *     lfuse_retrainer_create(ctx, layers, count, &options, &r, &err);
 *     if (there is a file)
 *         lfuse_retrainer_load(r, path, &err);     // instead of the first lfuse_retrainer_fuse()
 *     ...
 *         lfuse_retrainer_save(r, path, &save, &err);        // after a step, an epoch, a fusion
 *
 * The file is a checkpoint (checkpoint.h) of all parameters of all layers by the names
 * "layer.parameter", tensors that share memory once. Beside them it has optimiser state as "state 0
 * of layer.parameter", the plans in force as plan_file.h writes them, and where the schedule and
 * its decisions are; before a fusion is judged what a roll-back returns to, as "before: ..."; with
 * LFUSE_TIES_KEEP_ORIGINALS what an undo returns to, as "original: ...". Mixes are drawn by the
 * number of the step, and so need nothing.
 *
 * What else a loop has, such as the state of a random generator, the learning rate's, or where in
 * its data it is, goes along as bytes of the caller's. Gradients do not: between steps they are old.
 *
 * Loading ties the new layers as the old ones were, by applying the plans again, to whatever they
 * hold: so rebind is told, mirrors are where this run has borrowed memory, and a policy's merge is not
 * called. Then every number is what it was. A run that goes on ends with the same bits as one
 * that was never stopped, where the context has the same instruction set.
 */
#ifndef LAYERFUSE_RESUME_H
#define LAYERFUSE_RESUME_H

#include <layerfuse/retrainer.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_retrainer_save_options {
    size_t struct_size; /* set by lfuse_retrainer_save_options_init(&o, sizeof(o)) */
    const void *caller; /* bytes of the caller's own, or NULL */
    size_t caller_bytes;
} lfuse_retrainer_save_options;

/**
 * lfuse_retrainer_save_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_retrainer_save_options_init(lfuse_retrainer_save_options *options,
                                                 size_t size);

/**
 * lfuse_retrainer_save() - writes all there is of a retrainer and its layers, whole or not at all
 *
 * Result:  a file as lfuse_checkpoint_save() writes it: killed at any moment, path has the old file
 *          or the new one. A lead, mixes that are not tied yet, a fusion that is not judged yet
 *          and one that has been probed are all in it.
 * Owner:   everything is borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT     retrainer or path is NULL, caller_bytes without caller; a name is
 *                                 not UTF-8
 *          LFUSE_ERR_STATE        inside a step or an evaluation, or from a callback; a layer has
 *                                 gained a parameter since a fusion that can be undone or rolled
 *                                 back; a fusion is in force that failed
 *          LFUSE_ERR_NAME         two parameters would have one name
 *          LFUSE_ERR_IO           the system refused: detail is errno
 *          LFUSE_ERR_OVERFLOW     the header would be too large
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          LFUSE_ERR_UNSUPPORTED  options hold fields this version does not know
 *          On failure what was at path is as before.
 * Cost:    memory for names and plans; numbers are read twice, once for a hash of all of them.
 * Threads: layers are read.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_save(lfuse_retrainer *retrainer, const char *path,
                                            const lfuse_retrainer_save_options *options,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_load() - a retrainer that has not begun, and its layers, become what was saved
 *
 * Result:  values, optimiser state, ties and schedule are those of the file, to the bit, and what comes
 *          next is what came next then. Layers and options are the same as they were at first:
 *          names, order, shapes, types, optimiser state and the context's seed; of functions
 *          only whether there are any is known.
 * Owner:   path is borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT     NULL; an option is another than in the file: says which, and both
 *          LFUSE_ERR_STATE        a step, a fusion or an evaluation has begun
 *          LFUSE_ERR_NAME         a layer, a parameter or its state is not in the file, or not here
 *          LFUSE_ERR_SHAPE        an array has another shape than in the file: says which, and both
 *          LFUSE_ERR_TYPE         an array has another element type
 *          LFUSE_ERR_IO           the file cannot be opened or read: detail is errno
 *          LFUSE_ERR_FORMAT       no checkpoint, or none of a retrainer; cut short; any bit of it is
 *                                 another than was saved
 *          LFUSE_ERR_UNSUPPORTED  a file of another version
 *          LFUSE_ERR_CALLBACK     rebind refused; error.detail is its value
 *          LFUSE_ERR_NO_MEMORY    the allocator refused
 *          On failure the retrainer and its layers are as before (should rebind refuse to go
 *          back, too, layers stay tied, and a warning is logged).
 * Cost:    a copy of all values and state for the time of the call. The file is mapped.
 * Threads: layers are written.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_retrainer_load(lfuse_retrainer *retrainer, const char *path,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_retrainer_caller() - the caller's bytes of the file that was loaded
 *
 * Result:  NULL, and *bytes is 0, when there are none. bytes may be NULL.
 * Owner:   borrowed until the retrainer is destroyed.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API const void *lfuse_retrainer_caller(const lfuse_retrainer *retrainer,
                                             size_t *bytes);

LFUSE_END_DECLS

#endif
