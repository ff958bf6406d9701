/*
 * batch_norm.h - a pass over the tensors of a batch norm, cut into tasks; only its files include it
 *
 * batch_norm_job.c cuts, sums and writes; batch_norm.c says what is summed and written.
 */
#ifndef LFI_KERNELS_BATCH_NORM_H
#define LFI_KERNELS_BATCH_NORM_H

#include "kernels/kernels.h"
#include "kernels/scratch.h"

/* What a loop knows of each channel; batch_norm_apply_f32 and its like say what of it they use. */
enum {
    LFI_BATCH_NORM_CENTER,
    LFI_BATCH_NORM_FACTOR,
    LFI_BATCH_NORM_OFFSET,
    LFI_BATCH_NORM_SLOPE,
    LFI_BATCH_NORM_NUMBERS
};

struct lfi_batch_norm_job {
    const struct lfi_env *env;
    const struct lfi_batch_norm *norm;
    void (*loop)(const struct lfi_batch_norm_tile *tile);
    struct lfi_batch_norm_tile tile; /* of the whole tensors */
    bool interleaved;                /* channels side by side: NHWC, or a pixel each */
    int64_t rows;                    /* what is cut: pixels of all images, or images */
    int64_t part_rows;
    int64_t parts;
    int64_t tasks;
    int64_t width;              /* of the longest row */
    struct lfi_scratch scratch; /* these three: */
    float *columns;             /* (slots, vectors, width): a task's own */
    float *channel;             /* (LFI_BATCH_NORM_NUMBERS, channels) */
    double *sums;               /* (parts, channels, 2) */
};

/* tile.x is norm's; the caller sets loop and the rest of tile before each pass. */
lfuse_status lfi_batch_norm_job_begin(struct lfi_batch_norm_job *job,
                                      const struct lfi_env *env,
                                      const struct lfi_batch_norm *norm,
                                      lfuse_error *err);
void lfi_batch_norm_job_end(struct lfi_batch_norm_job *job);
/* The numbers of channel c for the loops. */
void lfi_batch_norm_job_set(struct lfi_batch_norm_job *job, int64_t c, double center,
                            double factor, double offset, double slope);
/* The two sums of each channel, about its center, into the first part's. Once per job. */
lfuse_status lfi_batch_norm_job_sum(struct lfi_batch_norm_job *job, lfuse_error *err);
lfuse_status lfi_batch_norm_job_write(struct lfi_batch_norm_job *job, lfuse_error *err);

#endif
