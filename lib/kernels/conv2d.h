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
    bool as_it_is; /* the slots need not be cleared */
    size_t bytes;  /* of it all */
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
/* Floats of scratch that one image needs, or so many of its padded rows: 0 when it is direct. */
int64_t lfi_conv2d_image_scratch(const struct lfi_conv2d_image *image);
int64_t lfi_conv2d_image_rows_scratch(const struct lfi_conv2d_image *image, int64_t rows);
/* The caller's image number `index`, as padded NHWC: in place or copied to scratch, whose zeros
 * around the image are there already. */
const float *lfi_conv2d_image_load(const struct lfi_env *env,
                                   const struct lfi_conv2d_image *image,
                                   const float *data, int64_t index, float *scratch);
/* The same of its padded rows from `first` on; the zeros left and right of them are there. */
const float *lfi_conv2d_image_load_rows(const struct lfi_env *env,
                                        const struct lfi_conv2d_image *image,
                                        const float *data, int64_t index, int64_t first,
                                        int64_t rows, float *scratch);
/* A copy of image number `index`, unpadded NHWC; it may be direct. */
void lfi_conv2d_image_copy(const struct lfi_env *env,
                           const struct lfi_conv2d_image *image, const float *data,
                           int64_t index, float *to);
/* x, or what is like y, without zeros around it. */
struct lfi_conv2d_image lfi_conv2d_image_plain(const struct lfi_conv2d *conv, bool of_y);
/* x as the forward pass sees it. */
struct lfi_conv2d_image lfi_conv2d_image_of_x(const struct lfi_conv2d *conv);

/* ---- after the products -------------------------------------------------------------------- */

struct lfi_conv2d_epilogue {
    const float *center; /* -bias; these three: (channels) */
    const float *factor;
    const float *offset;
    int64_t channels;
    bool relu;
    bool needed; /* else y is the sums as they are */
};

/* Of the forward pass of conv, its numbers in memory for lfi_conv2d_epilogue_floats(). */
int64_t lfi_conv2d_epilogue_floats(const struct lfi_conv2d *conv);
struct lfi_conv2d_epilogue lfi_conv2d_epilogue_make(const struct lfi_conv2d *conv,
                                                    float *memory);
/* In place on sums, channels [first, first + count) of these pixels, all channels of a pixel side
 * by side. y and residual, which may be NULL, are those of the first pixel and channel. */
void lfi_conv2d_epilogue_run(const struct lfi_env *env,
                             const struct lfi_conv2d_epilogue *epilogue, int64_t first,
                             int64_t count, const float *residual, int64_t pixels,
                             float *y);

/* ---- one pass over the rows of an image ---------------------------------------------------- */

/* tile is that of the first group, panel and row; its columns are a panel's. */
struct lfi_conv2d_pass {
    struct lfi_gemm_tile tile;
    int64_t count;  /* image rows */
    int64_t a_next; /* from one image row to the next */
    int64_t c_next;
    int64_t groups;
    int64_t a_group; /* from one group to the next */
    int64_t b_group;
    int64_t c_group;
    int64_t panels; /* of a group; see below */
    int64_t b_panel;
    bool channelwise; /* the tile's columns are the lanes of all groups */
    const struct lfi_conv2d_epilogue *epilogue; /* or NULL */
    const float *residual;                      /* as tile.c, or NULL */
};

void lfi_conv2d_pass_run(const struct lfi_env *env, struct lfi_conv2d_pass pass);

/* ---- weights -------------------------------------------------------------------------------- */

/* Where column kx of the kernel goes among those of its row: taps that one phase of backward
 * data uses together are neighbours there, in reverse. */
int64_t lfi_conv2d_phase_place(const struct lfi_conv2d *conv, int64_t kx);
/* How many of a group's columns lie side by side: the rows of a product's B are then read in
 * one stream, from few pages. */
int64_t lfi_conv2d_panel(int64_t columns);
/* (group, panel, ky, kx, in, out of the panel) for forward; (group, panel, ky, place of kx, out,
 * in of the panel) for backward data. */
lfuse_status lfi_conv2d_pack_panels(const struct lfi_env *env,
                                    const struct lfi_conv2d *conv, bool backward,
                                    float *packed, lfuse_error *err);
/* *weights: those the conv has packed, or made in memory. */
lfuse_status lfi_conv2d_weights(const struct lfi_env *env, const struct lfi_conv2d *conv,
                                int direction, float *memory, const float **weights,
                                lfuse_error *err);

/* ---- groups of few channels ------------------------------------------------------------------ */

bool lfi_conv2d_is_channelwise(const struct lfi_conv2d *conv);

/* The planes of an image of so many pixels: of x, or for backward data of dy. */
struct lfi_conv2d_planes {
    int64_t source;   /* channels of the image */
    int64_t channels; /* of a plane: the target's */
    int64_t count;
    int64_t width; /* lanes of one group */
    int64_t pixels;
    int64_t plane;  /* floats from one to the next */
    int64_t floats; /* of scratch for all; 0: the image is the plane */
};

struct lfi_conv2d_planes lfi_conv2d_planes_of(const struct lfi_conv2d *conv,
                                              bool backward, int64_t pixels);
/* Of the first `pixels` of them. */
const float *lfi_conv2d_planes_make(const struct lfi_env *env,
                                    const struct lfi_conv2d_planes *planes,
                                    const float *image, int64_t pixels, float *scratch);
/* The first plane's taps, `count` of `area`, become those of all planes; returns how many. */
int64_t lfi_conv2d_planes_taps(const struct lfi_conv2d_planes *planes, int64_t area,
                               int64_t count, int64_t *x_taps, int64_t *w_taps);
/* Taps that one product of any direction may have. */
int64_t lfi_conv2d_most_taps(const struct lfi_conv2d *conv);
/* (plane, ky, kx, channel of the target) */
lfuse_status lfi_conv2d_pack_channels(const struct lfi_env *env,
                                      const struct lfi_conv2d *conv, bool backward,
                                      float *packed, lfuse_error *err);

/* ---- images of few pixels ------------------------------------------------------------------- */

bool lfi_conv2d_is_small(const struct lfi_conv2d *conv);
lfuse_status lfi_conv2d_small_memory(const struct lfi_env *env,
                                     const struct lfi_conv2d *conv, bool backward,
                                     struct lfi_conv2d_memory *memory, lfuse_error *err);
/* Forward, or backward data. */
lfuse_status lfi_conv2d_small(const struct lfi_env *env, const struct lfi_conv2d *conv,
                              bool backward, lfuse_error *err);

bool lfi_conv2d_has_small_weights(const struct lfi_conv2d *conv);
lfuse_status lfi_conv2d_small_weights_memory(const struct lfi_env *env,
                                             const struct lfi_conv2d *conv,
                                             struct lfi_conv2d_memory *memory,
                                             lfuse_error *err);
lfuse_status lfi_conv2d_small_weights(const struct lfi_env *env,
                                      const struct lfi_conv2d *conv, lfuse_error *err);

/* Sums of backward weights, (group, ky, kx, in, out), to dw or added to it. Slots begin with so
 * many floats for it. */
int64_t lfi_conv2d_unpack_floats(const struct lfi_conv2d *conv);
lfuse_status lfi_conv2d_unpack(const struct lfi_env *env, const struct lfi_conv2d *conv,
                               const float *sums, const struct lfi_conv2d_memory *memory,
                               lfuse_error *err);

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

/* ---- Winograd's algorithm, where lfi_conv2d_winograd_outputs() is not 0 ------------------- */

/* 4 or 2 outputs per tile and axis; 0: direct. By shape, or as conv->winograd says. */
int64_t lfi_conv2d_winograd_outputs(const struct lfi_conv2d *conv);
lfuse_status lfi_conv2d_winograd_memory(const struct lfi_env *env,
                                        const struct lfi_conv2d *conv, bool backward,
                                        struct lfi_conv2d_memory *memory,
                                        lfuse_error *err);
lfuse_status lfi_conv2d_winograd_gradient_memory(const struct lfi_env *env,
                                                 const struct lfi_conv2d *conv,
                                                 struct lfi_conv2d_memory *memory,
                                                 lfuse_error *err);
/* Forward, or backward data. */
lfuse_status lfi_conv2d_winograd(const struct lfi_env *env, const struct lfi_conv2d *conv,
                                 bool backward, lfuse_error *err);
lfuse_status lfi_conv2d_winograd_gradient(const struct lfi_env *env,
                                          const struct lfi_conv2d *conv,
                                          lfuse_error *err);
/* (panel, point, in, out of the panel); for backward data in and out change places, and the taps
 * are turned round. */
lfuse_status lfi_conv2d_winograd_weights(const struct lfi_env *env,
                                         const struct lfi_conv2d *conv, bool backward,
                                         float *packed, lfuse_error *err);

#endif
