/*
 * conv2d.h - what the three directions of a convolution share; only conv2d_*.c include it
 *
 * Everything runs on NHWC images in which a kernel never leaves the image: an image that is
 * padded, or NCHW, is first copied into scratch as one task's source. Weights are repacked
 * once per call so that the columns of the product are contiguous.
 */
#ifndef LFI_KERNELS_CONV2D_H
#define LFI_KERNELS_CONV2D_H

#include "kernels/kernels.h"

/* ---- scratch ------------------------------------------------------------------------------ */

/* One block: what all tasks share, then a part for each slot. Sizes are counted in floats and
 * rounded to cache lines. */
struct lfi_conv2d_memory {
    int64_t shared_floats;
    int64_t slot_floats;
    size_t bytes; /* of it all */
    float *shared;
    float *slots;
};

int64_t lfi_conv2d_round(int64_t floats);
/* Computes bytes from the two sizes, for this many slots. */
lfuse_status lfi_conv2d_memory_size(const struct lfi_env *env,
                                    struct lfi_conv2d_memory *memory, lfuse_error *err);
/* The caller's workspace, or an allocation of our own; the slots cleared. */
lfuse_status lfi_conv2d_memory_take(const struct lfi_env *env,
                                    const struct lfi_conv2d *conv,
                                    struct lfi_conv2d_memory *memory, lfuse_error *err);
void lfi_conv2d_memory_give(const struct lfi_env *env, const struct lfi_conv2d *conv,
                            struct lfi_conv2d_memory *memory);

/* ---- images ------------------------------------------------------------------------------- */

struct lfi_conv2d_image {
    int64_t channels;
    int64_t height;
    int64_t width;
    int64_t top; /* zeros before the first row, and so on */
    int64_t left;
    int64_t padded_h; /* rows, zeros included */
    int64_t padded_w;
    bool nhwc;
};

/* Whether the caller's image serves as it stands. */
bool lfi_conv2d_image_is_direct(const struct lfi_conv2d_image *image);
int64_t lfi_conv2d_image_floats(const struct lfi_conv2d_image *image);
/* Floats of scratch that one image needs: 0 when it is direct. */
int64_t lfi_conv2d_image_scratch(const struct lfi_conv2d_image *image);
/* The caller's image number `index`, as padded NHWC: in place or copied to scratch, whose zeros
 * around the image are there already. */
const float *lfi_conv2d_image_load(const struct lfi_env *env,
                                   const struct lfi_conv2d_image *image,
                                   const float *data, int64_t index, float *scratch);
/* x as the forward pass sees it. */
struct lfi_conv2d_image lfi_conv2d_image_of_x(const struct lfi_conv2d *conv);

/* ---- one pass over the rows of an image ---------------------------------------------------- */

/* tile is that of the first group and row. */
struct lfi_conv2d_pass {
    struct lfi_gemm_tile tile;
    int64_t count;  /* image rows */
    int64_t a_next; /* from one image row to the next */
    int64_t c_next;
    int64_t groups;
    int64_t a_group; /* from one group to the next */
    int64_t b_group;
    int64_t c_group;
};

void lfi_conv2d_pass_run(const struct lfi_env *env, struct lfi_conv2d_pass pass);

/* ---- weights -------------------------------------------------------------------------------- */

/* Where column kx of the kernel goes among those of its row: taps that one phase of backward
 * data uses together are neighbours there, in reverse. */
int64_t lfi_conv2d_phase_place(const struct lfi_conv2d *conv, int64_t kx);
/* (group, ky, kx, in, out) for forward; (group, ky, place of kx, out, in) for backward data. */
lfuse_status lfi_conv2d_pack_weights(const struct lfi_env *env,
                                     const struct lfi_conv2d *conv, bool backward,
                                     float *packed, lfuse_error *err);

int64_t lfi_conv2d_weight_count(const struct lfi_conv2d *conv);
/* Scratch of the three directions. */
lfuse_status lfi_conv2d_forward_memory(const struct lfi_env *env,
                                       const struct lfi_conv2d *conv,
                                       struct lfi_conv2d_memory *memory,
                                       lfuse_error *err);
lfuse_status lfi_conv2d_backward_data_memory(const struct lfi_env *env,
                                             const struct lfi_conv2d *conv,
                                             struct lfi_conv2d_memory *memory,
                                             lfuse_error *err);
lfuse_status lfi_conv2d_backward_weights_memory(const struct lfi_env *env,
                                                const struct lfi_conv2d *conv,
                                                struct lfi_conv2d_memory *memory,
                                                lfuse_error *err);

#endif
