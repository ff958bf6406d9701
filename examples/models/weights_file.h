/* weights_file.h - the layers of a language model from and to a safetensors file */
#ifndef EXAMPLES_WEIGHTS_FILE_H
#define EXAMPLES_WEIGHTS_FILE_H

#include <layerfuse/layerfuse.h>

/* A file's tensor is called prefix + layer + "." + parameter. */
struct weights_file {
    const lfuse_checkpoint *file;
    const char *path;
    const char *prefix; /* "" or such as "transformer." */
    int is_transposed;  /* matrices, but for embeddings, lie as (in, out) */
    int (*is_ignored)(
        const char *name); /* of what layers have not: less prefix; or NULL */
};

/* The tensor of this name, which has so many axes; what says what it is: "(vocabulary,
 * width)". */
lfuse_status weights_file_find(const struct weights_file *f, const char *name,
                               int32_t rank, const char *what, const lfuse_tensor **found,
                               lfuse_error *err);

/* How many blocks there are: block n has a tensor called before + n + after. */
int64_t weights_file_blocks(const struct weights_file *f, const char *before,
                            const char *after);

/* A number in (0, 2^31) out of the file's metadata, or `otherwise`. */
double weights_file_number(const struct weights_file *f, const char *key,
                           double otherwise);

/*
 * All parameters of all layers, and nothing else may be there. LFUSE_ERR_NAME: one is missing,
 * or one too many; LFUSE_ERR_SHAPE: one has another shape, or is transposed. Says which.
 */
lfuse_status weights_file_read(const struct weights_file *f, lfuse_context *ctx,
                               lfuse_layer *const *layers, int64_t count,
                               lfuse_error *err);

/* metadata: key, value, ...; so many keys. Layers that share memory are stored once. */
lfuse_status weights_file_save(lfuse_context *ctx, const char *path, int is_transposed,
                               lfuse_layer *const *layers, int64_t count,
                               const char *const *metadata, int64_t keys,
                               lfuse_error *err);

#endif
