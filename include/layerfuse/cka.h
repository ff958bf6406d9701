/*
 * cka.h - how alike layers respond, from their outputs, batch by batch
 *
 * Similarity of weights needs no data; similarity of outputs needs some, more than fits into
 * memory at once. So the alignment is summed over batches, which can be as small as four
 * examples: with K and L the Gram matrices X X' of two layers' outputs X for one batch,
 *
 *     CKA = sum HSIC(K, L) / (sum HSIC(K, K) sum HSIC(L, L))^1/2
 *
 * where each sum goes over the batches, and HSIC is the unbiased estimator (Song et al. 2007,
 * eq. 5), so that what is estimated does not depend on how large batches are. A batch counts
 * once, whatever its size. One batch gives the metric debiased_cka.
 *
 * Sums can be merged, exported and added: threads, processes and machines each take some of
 * the batches, with an accumulator of their own, and the sums of all are the sums of the
 * whole. Numbers are f64, but of data narrower than f64, once centred, products are f32, in
 * sums of 64: an entry of K is off by at most 66 * 2^-24 of that of absolute values. Where less
 * than 2^-6 of K is left once it is debiased, as where one output is far from all others, they
 * are f64, too.
 *
 * Outputs count as they are, so a sum is of their fourth power: f32, f16 and bf16 never leave
 * the range of f64, and f64 outputs about 2^-200 to 2^200 do not; options.exponents move it
 * elsewhere. The ratio does not depend on them.
 *
 * An accumulator is confined to one thread.
 */
#ifndef LAYERFUSE_CKA_H
#define LAYERFUSE_CKA_H

#include <layerfuse/types.h>

LFUSE_BEGIN_DECLS

typedef struct lfuse_cka_options {
    size_t struct_size; /* set by lfuse_cka_options_init(&o, sizeof(o)) */
    const int32_t
        *exponents; /* (count): outputs of layer i count 2^exponents[i] times, each
                                 in [-1100, 1100]; copied; NULL means 0 for all */
} lfuse_cka_options;

/**
 * lfuse_cka_options_init() - clears the bytes the caller has
 *
 * Owner:   clears `size` bytes and stores size in struct_size; NULL is ignored.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_cka_options_init(lfuse_cka_options *options, size_t size);

/**
 * lfuse_cka_create() - an accumulator for the outputs of `count` layers, without any batch
 *
 * Owner:   options are copied. *cka is returned: release with lfuse_cka_destroy().
 * Errors:  LFUSE_ERR_ARGUMENT     ctx or cka is NULL, count < 1, or an exponent is out of range
 *          LFUSE_ERR_NO_MEMORY    some 4 * count * (count + 1) bytes were refused
 *          LFUSE_ERR_OVERFLOW     they do not fit
 *          LFUSE_ERR_UNSUPPORTED  options hold fields this version does not know
 *          On failure *cka is NULL.
 * Threads: any.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_cka_create(lfuse_context *ctx, int64_t count,
                                        const lfuse_cka_options *options, lfuse_cka **cka,
                                        lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_cka_destroy() - releases the accumulator
 *
 * Owner:   NULL does nothing.
 * Source:  Since 0.1.
 */
LFUSE_API void lfuse_cka_destroy(lfuse_cka *cka);

/**
 * lfuse_cka_accumulate() - adds one batch
 *
 * Shapes:  activations[i] is what layer i put out: rank >= 2, any dtype and strides; its first
 *          axis counts the examples, at least 4 and as many in all layers, in one order; all
 *          others are taken together, and may differ from layer to layer.
 * Result:  a layer whose outputs are all equally far from each other (equal, for one) has an
 *          HSIC of 0 with all others in this batch.
 * Owner:   activations are borrowed for the call, of any context.
 * Errors:  LFUSE_ERR_ARGUMENT    NULL, or activations[i] is NULL
 *          LFUSE_ERR_SHAPE       a rank of 1, fewer than 4 examples, or numbers that differ
 *          LFUSE_ERR_NOT_FINITE  NaN or infinity: says in which layer, and where; or a sum
 *                                beyond f64
 *          LFUSE_ERR_NO_MEMORY   the scratch was refused
 *          LFUSE_ERR_OVERFLOW    the size of the scratch, or the count of batches, does not fit
 *          LFUSE_ERR_CALLBACK    the context's executor refused
 *          On failure nothing was added.
 * Cost:    O(n^2 p) time for each layer of (n, p), over the context's threads, and
 *          O(count^2 n^2) for the pairs; 8 * count * n^2 bytes of scratch, n rounded up to 8.
 *          The sums do not depend on the number of threads.
 * Threads: confined.
 * Source:  Nguyen, Raghu, Kornblith 2020, arXiv:2010.15327. Since 0.1.
 */
LFUSE_API lfuse_status lfuse_cka_accumulate(lfuse_cka *cka,
                                            const lfuse_tensor *const *activations,
                                            lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_cka_merge() - adds the batches of another accumulator, which stays as it is
 *
 * Errors:  LFUSE_ERR_ARGUMENT    NULL, from is into, or their exponents differ
 *          LFUSE_ERR_SHAPE       the numbers of layers differ
 *          LFUSE_ERR_NOT_FINITE  a sum beyond f64
 *          LFUSE_ERR_OVERFLOW    the count of batches does not fit
 *          On failure nothing was added.
 * Threads: both are confined; nobody else may be using either.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_cka_merge(lfuse_cka *into, const lfuse_cka *from,
                                       lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_cka_result() - the alignment of all pairs of layers
 *
 * Shapes:  out is (count, count), row-major and symmetric.
 * Result:  in [-1, 1]; 1 on the diagonal; about 0, on either side, for unrelated layers.
 * Errors:  LFUSE_ERR_ARGUMENT    NULL
 *          LFUSE_ERR_STATE       no batch yet
 *          LFUSE_ERR_DEGENERATE  a layer's sum of HSIC(K, K) is not above 2^-970: says which
 *                                layer's, and what it is; 0 where all its outputs were equal
 *          On failure out is untouched.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_cka_result(const lfuse_cka *cka, double *out,
                                        lfuse_error *err) LFUSE_MUST_CHECK;

/**
 * lfuse_cka_count() - how many layers they are of; 0 for NULL
 * lfuse_cka_batches() - how many batches the sums are of; 0 for NULL
 * lfuse_cka_sums() - the sums: of layers i >= j at [i * (i + 1) / 2 + j]; NULL for NULL
 *
 * Result:  count * (count + 1) / 2 numbers; those of several accumulators with the same exponents
 *          may be added in any way, for lfuse_cka_add_sums().
 * Owner:   borrowed until the accumulator changes or is destroyed.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API int64_t lfuse_cka_count(const lfuse_cka *cka);
LFUSE_API int64_t lfuse_cka_batches(const lfuse_cka *cka);
LFUSE_API const double *lfuse_cka_sums(const lfuse_cka *cka);

/**
 * lfuse_cka_add_sums() - adds sums that lfuse_cka_sums() told, here or elsewhere
 *
 * Shapes:  sums are as many as lfuse_cka_sums() has, in its order; of `batches` batches.
 * Owner:   sums are borrowed for the call.
 * Errors:  LFUSE_ERR_ARGUMENT    NULL, batches < 0, or a sum of a layer with itself < 0
 *          LFUSE_ERR_NOT_FINITE  NaN or infinity among the sums, or a sum beyond f64
 *          LFUSE_ERR_OVERFLOW    the count of batches does not fit
 *          On failure nothing was added.
 * Threads: confined.
 * Source:  Since 0.1.
 */
LFUSE_API lfuse_status lfuse_cka_add_sums(lfuse_cka *cka, const double *sums,
                                          int64_t batches,
                                          lfuse_error *err) LFUSE_MUST_CHECK;

LFUSE_END_DECLS

#endif
