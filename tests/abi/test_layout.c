/*
 * test_layout.c - every constant, size and offset of the contract, written down
 *
 * abidiff cannot see our constants, and a value is for ever: a line here never changes once
 * its release is out; what a release adds is added. check_headers compiles
 * this as C99 and as C++11: that is the test. check_names finds what is missing here.
 *
 * Not split: one list, in the headers' order, in which a name is looked up.
 */
#include <layerfuse/layerfuse.h>

#if defined(__cplusplus)
#define PIN(condition) static_assert(condition, #condition)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define PIN(condition) _Static_assert(condition, #condition)
#else
#define PIN(condition) extern const char pinned[(condition) ? 1 : -1]
#endif

/* Pointers and size_t of 8 bytes; no other layout has been released. */
PIN(sizeof(void *) == 8 && sizeof(size_t) == 8);

#define CONSTANT(name, value)     PIN((int)name == (value))
#define TYPE(name, same)          PIN(sizeof(name) == sizeof(same) && (name)-1 < 0)
#define SIZE(name, bytes)         PIN(sizeof(name) == (bytes))
#define FIELD(name, field, bytes) PIN(offsetof(name, field) == (bytes))

/* types.h */
TYPE(lfuse_status, int32_t);
CONSTANT(LFUSE_OK, 0);
CONSTANT(LFUSE_ERR_ARGUMENT, -1);
CONSTANT(LFUSE_ERR_SHAPE, -2);
CONSTANT(LFUSE_ERR_TYPE, -3);
CONSTANT(LFUSE_ERR_STATE, -4);
CONSTANT(LFUSE_ERR_UNSUPPORTED, -5);
CONSTANT(LFUSE_ERR_NAME, -6);
CONSTANT(LFUSE_ERR_UNREACHABLE, -7);
CONSTANT(LFUSE_ERR_NO_MEMORY, -10);
CONSTANT(LFUSE_ERR_OVERFLOW, -11);
CONSTANT(LFUSE_ERR_THREAD, -12);
CONSTANT(LFUSE_ERR_DEGENERATE, -20);
CONSTANT(LFUSE_ERR_NOT_FINITE, -21);
CONSTANT(LFUSE_ERR_IO, -30);
CONSTANT(LFUSE_ERR_FORMAT, -31);
CONSTANT(LFUSE_ERR_CANCELLED, -40);
CONSTANT(LFUSE_ERR_CALLBACK, -41);

SIZE(lfuse_error, 256);
FIELD(lfuse_error, status, 0);
FIELD(lfuse_error, detail, 4);
FIELD(lfuse_error, message, 8);
TYPE(lfuse_dtype, int32_t);
CONSTANT(LFUSE_F32, 1);
CONSTANT(LFUSE_F64, 2);
CONSTANT(LFUSE_F16, 3);
CONSTANT(LFUSE_BF16, 4);
TYPE(lfuse_layout, int32_t);
CONSTANT(LFUSE_LAYOUT_NCHW, 1);
CONSTANT(LFUSE_LAYOUT_NHWC, 2);
TYPE(lfuse_isa, int32_t);
CONSTANT(LFUSE_ISA_BEST, 0);
CONSTANT(LFUSE_ISA_SCALAR, 1);
CONSTANT(LFUSE_ISA_AVX2, 2);
CONSTANT(LFUSE_ISA_AVX512, 3);
TYPE(lfuse_metric, int32_t);
CONSTANT(LFUSE_METRIC_EUCLIDEAN, 1);
CONSTANT(LFUSE_METRIC_COSINE, 2);
CONSTANT(LFUSE_METRIC_COVARIANCE, 3);
CONSTANT(LFUSE_METRIC_LINEAR_CKA, 4);
CONSTANT(LFUSE_METRIC_PROCRUSTES, 5);
CONSTANT(LFUSE_METRIC_WASSERSTEIN_GAUSSIAN, 6);
CONSTANT(LFUSE_METRIC_KL, 7);
CONSTANT(LFUSE_METRIC_JS, 8);
CONSTANT(LFUSE_METRIC_RBF_CKA, 9);
CONSTANT(LFUSE_METRIC_DEBIASED_CKA, 10);
CONSTANT(LFUSE_METRIC_WASSERSTEIN_ASSIGNMENT, 11);
CONSTANT(LFUSE_METRIC_WASSERSTEIN_CENTROID, 12);
CONSTANT(LFUSE_METRIC_WASSERSTEIN_SLICED, 13);
CONSTANT(LFUSE_METRIC_SINKHORN, 14);
CONSTANT(LFUSE_METRIC_CUSTOM, 15);
TYPE(lfuse_unequal, int32_t);
CONSTANT(LFUSE_UNEQUAL_REFUSE, 1);
CONSTANT(LFUSE_UNEQUAL_SUBSAMPLE, 2);
CONSTANT(LFUSE_UNEQUAL_DROP_SMALLEST, 3);
TYPE(lfuse_policy, int32_t);
CONSTANT(LFUSE_POLICY_AVERAGE, 1);
CONSTANT(LFUSE_POLICY_FREEZE, 2);
CONSTANT(LFUSE_POLICY_RANDOM, 3);
CONSTANT(LFUSE_POLICY_JS, 4);
CONSTANT(LFUSE_POLICY_CUSTOM, 5);
TYPE(lfuse_weighting, int32_t);
CONSTANT(LFUSE_WEIGHTING_EQUAL, 1);
CONSTANT(LFUSE_WEIGHTING_NORM, 2);
CONSTANT(LFUSE_WEIGHTING_IMPORTANCE, 3);
TYPE(lfuse_freeze_gradient, int32_t);
CONSTANT(LFUSE_FREEZE_BOTH, 1);
CONSTANT(LFUSE_FREEZE_DROPPED, 2);
TYPE(lfuse_scope, int32_t);
CONSTANT(LFUSE_SCOPE_GLOBAL, 1);
CONSTANT(LFUSE_SCOPE_ADJACENT, 2);
TYPE(lfuse_linkage, int32_t);
CONSTANT(LFUSE_LINKAGE_SINGLE, 1);
CONSTANT(LFUSE_LINKAGE_AVERAGE, 2);
CONSTANT(LFUSE_LINKAGE_COMPLETE, 3);
CONSTANT(LFUSE_LINKAGE_MERGED, 4);
TYPE(lfuse_unit, int32_t);
CONSTANT(LFUSE_UNIT_LAYER, 1);
CONSTANT(LFUSE_UNIT_ROW, 2);
TYPE(lfuse_base, int32_t);
CONSTANT(LFUSE_BASE_CANDIDATES, 1);
CONSTANT(LFUSE_BASE_ALL, 2);
TYPE(lfuse_keep, int32_t);
CONSTANT(LFUSE_KEEP_FARTHEST, 1);
CONSTANT(LFUSE_KEEP_NEAREST, 2);
CONSTANT(LFUSE_KEEP_FIRST, 3);
CONSTANT(LFUSE_KEEP_LAST, 4);
CONSTANT(LFUSE_KEEP_BY_DIRECTION, 5);
TYPE(lfuse_plan_action, int32_t);
CONSTANT(LFUSE_PLAN_ACTION_INCLUDE, 1);
CONSTANT(LFUSE_PLAN_ACTION_EXCLUDE, 2);
CONSTANT(LFUSE_PLAN_ACTION_PIN, 3);
CONSTANT(LFUSE_PLAN_ACTION_FORCE, 4);
TYPE(lfuse_alignment, int32_t);
CONSTANT(LFUSE_ALIGNMENT_NONE, 1);
CONSTANT(LFUSE_ALIGNMENT_PERMUTATION, 2);
TYPE(lfuse_layer_kind, int32_t);
CONSTANT(LFUSE_LAYER_OTHER, 0);
CONSTANT(LFUSE_LAYER_CONV2D, 1);
CONSTANT(LFUSE_LAYER_LINEAR, 2);
CONSTANT(LFUSE_LAYER_NORM, 3);
CONSTANT(LFUSE_LAYER_EMBEDDING, 4);
TYPE(lfuse_role, int32_t);
CONSTANT(LFUSE_ROLE_WEIGHT, 1);
CONSTANT(LFUSE_ROLE_BIAS, 2);
CONSTANT(LFUSE_ROLE_NORM, 3);
CONSTANT(LFUSE_ROLE_STATISTIC, 4);
CONSTANT(LFUSE_ROLE_RESIDUAL, 5);
TYPE(lfuse_gradients, int32_t);
CONSTANT(LFUSE_GRADIENTS_PER_POSITION, 1);
CONSTANT(LFUSE_GRADIENTS_ACCUMULATED, 2);
TYPE(lfuse_combine, int32_t);
CONSTANT(LFUSE_COMBINE_MEAN, 1);
CONSTANT(LFUSE_COMBINE_SUM, 2);
TYPE(lfuse_show, int32_t);
CONSTANT(LFUSE_SHOW_SOURCES, 1);
CONSTANT(LFUSE_SHOW_MIX, 2);
CONSTANT(LFUSE_SHOW_MEAN, 3);
TYPE(lfuse_schedule, int32_t);
CONSTANT(LFUSE_SCHEDULE_UNIFORM, 1);
CONSTANT(LFUSE_SCHEDULE_EXPONENTIAL, 2);
CONSTANT(LFUSE_SCHEDULE_CUSTOM, 3);
TYPE(lfuse_verdict, int32_t);
CONSTANT(LFUSE_VERDICT_CONTINUE, 0);
CONSTANT(LFUSE_VERDICT_FUSED, 1);
CONSTANT(LFUSE_VERDICT_DONE, 2);
CONSTANT(LFUSE_VERDICT_ROLLED_BACK, 3);
TYPE(lfuse_save_mode, int32_t);
CONSTANT(LFUSE_SAVE_DEDUP, 1);
CONSTANT(LFUSE_SAVE_EXPAND, 2);
TYPE(lfuse_log_level, int32_t);
CONSTANT(LFUSE_LOG_WARNING, 1);
CONSTANT(LFUSE_LOG_INFO, 2);

SIZE(lfuse_allocator, 24);
FIELD(lfuse_allocator, alloc, 0);
FIELD(lfuse_allocator, release, 8);
FIELD(lfuse_allocator, user, 16);

SIZE(lfuse_executor, 24);
FIELD(lfuse_executor, parallel_for, 0);
FIELD(lfuse_executor, user, 8);
FIELD(lfuse_executor, concurrency, 16);
FIELD(lfuse_executor, reserved, 20);

SIZE(lfuse_plan_rule, 16);
FIELD(lfuse_plan_rule, pattern, 0);
FIELD(lfuse_plan_rule, action, 8);
FIELD(lfuse_plan_rule, reserved, 12);

/* curve.h */

SIZE(lfuse_residual_options, 24);
FIELD(lfuse_residual_options, struct_size, 0);
FIELD(lfuse_residual_options, rank, 8);
FIELD(lfuse_residual_options, energy, 16);
SIZE(lfuse_inflection, 72);
FIELD(lfuse_inflection, struct_size, 0);
FIELD(lfuse_inflection, x, 8);
FIELD(lfuse_inflection, y, 16);
FIELD(lfuse_inflection, x_low, 24);
FIELD(lfuse_inflection, x_high, 32);
FIELD(lfuse_inflection, slope_before, 40);
FIELD(lfuse_inflection, slope_after, 48);
FIELD(lfuse_inflection, residual, 56);
FIELD(lfuse_inflection, line_residual, 64);

/* context.h */

SIZE(lfuse_context_options, 104);
FIELD(lfuse_context_options, struct_size, 0);
FIELD(lfuse_context_options, allocator, 8);
FIELD(lfuse_context_options, executor, 32);
FIELD(lfuse_context_options, log, 56);
FIELD(lfuse_context_options, log_user, 64);
FIELD(lfuse_context_options, progress, 72);
FIELD(lfuse_context_options, progress_user, 80);
FIELD(lfuse_context_options, seed, 88);
FIELD(lfuse_context_options, threads, 96);
FIELD(lfuse_context_options, isa, 100);

/* tensor.h */
CONSTANT(LFUSE_MAX_RANK, 8);

SIZE(lfuse_tensor_desc, 56);
FIELD(lfuse_tensor_desc, struct_size, 0);
FIELD(lfuse_tensor_desc, data, 8);
FIELD(lfuse_tensor_desc, dims, 16);
FIELD(lfuse_tensor_desc, strides, 24);
FIELD(lfuse_tensor_desc, release, 32);
FIELD(lfuse_tensor_desc, release_user, 40);
FIELD(lfuse_tensor_desc, dtype, 48);
FIELD(lfuse_tensor_desc, rank, 52);

/* layer.h */
CONSTANT(LFUSE_MAX_STATE, 4);

SIZE(lfuse_layer_desc, 32);
FIELD(lfuse_layer_desc, struct_size, 0);
FIELD(lfuse_layer_desc, name, 8);
FIELD(lfuse_layer_desc, param_type, 16);
FIELD(lfuse_layer_desc, kind, 24);
FIELD(lfuse_layer_desc, position, 28);

SIZE(lfuse_parameter, 80);
FIELD(lfuse_parameter, struct_size, 0);
FIELD(lfuse_parameter, layer, 8);
FIELD(lfuse_parameter, name, 16);
FIELD(lfuse_parameter, value, 24);
FIELD(lfuse_parameter, gradient, 32);
FIELD(lfuse_parameter, state, 40);
FIELD(lfuse_parameter, role, 72);
FIELD(lfuse_parameter, output_axis, 76);

/* similarity.h */
CONSTANT(LFUSE_BLOCK_WHOLE, -1);

CONSTANT(LFUSE_SIMILARITY_FLAG_SOFTMAX_ROWS, 1);
CONSTANT(LFUSE_SIMILARITY_FLAG_CUSTOM_SIMILARITY, 2);
CONSTANT(LFUSE_SIMILARITY_FLAG_CUSTOM_SYMMETRIC, 4);

SIZE(lfuse_similarity_options, 160);
FIELD(lfuse_similarity_options, struct_size, 0);
FIELD(lfuse_similarity_options, block, 8);
FIELD(lfuse_similarity_options, metric, 16);
FIELD(lfuse_similarity_options, output_axis, 20);
FIELD(lfuse_similarity_options, ridge, 24);
FIELD(lfuse_similarity_options, bandwidth, 32);
FIELD(lfuse_similarity_options, exponent, 40);
FIELD(lfuse_similarity_options, regularisation, 48);
FIELD(lfuse_similarity_options, projections, 56);
FIELD(lfuse_similarity_options, centroids, 64);
FIELD(lfuse_similarity_options, iterations, 72);
FIELD(lfuse_similarity_options, seed, 80);
FIELD(lfuse_similarity_options, max_bytes, 88);
FIELD(lfuse_similarity_options, flags, 96);
FIELD(lfuse_similarity_options, unequal, 100);
FIELD(lfuse_similarity_options, custom, 104);
FIELD(lfuse_similarity_options, custom_user, 112);
FIELD(lfuse_similarity_options, failed, 120);
FIELD(lfuse_similarity_options, failed_user, 128);
FIELD(lfuse_similarity_options, gather, 136);
FIELD(lfuse_similarity_options, gather_user, 144);
FIELD(lfuse_similarity_options, rank, 152);
FIELD(lfuse_similarity_options, ranks, 156);

SIZE(lfuse_metric_properties, 40);
FIELD(lfuse_metric_properties, struct_size, 0);
FIELD(lfuse_metric_properties, name, 8);
FIELD(lfuse_metric_properties, cost, 16);
FIELD(lfuse_metric_properties, is_distance, 24);
FIELD(lfuse_metric_properties, is_symmetric, 28);
FIELD(lfuse_metric_properties, needs_equal_rows, 32);
FIELD(lfuse_metric_properties, needs_equal_columns, 36);

SIZE(lfuse_matrix_view, 48);
FIELD(lfuse_matrix_view, data, 0);
FIELD(lfuse_matrix_view, rows, 8);
FIELD(lfuse_matrix_view, columns, 16);
FIELD(lfuse_matrix_view, row_stride, 24);
FIELD(lfuse_matrix_view, column_stride, 32);
FIELD(lfuse_matrix_view, dtype, 40);
FIELD(lfuse_matrix_view, reserved, 44);

/* couplings.h */

SIZE(lfuse_coupling, 64);
FIELD(lfuse_coupling, struct_size, 0);
FIELD(lfuse_coupling, layer, 8);
FIELD(lfuse_coupling, parameter, 16);
FIELD(lfuse_coupling, head_group, 24);
FIELD(lfuse_coupling, repeat, 32);
FIELD(lfuse_coupling, offset, 40);
FIELD(lfuse_coupling, extent, 48);
FIELD(lfuse_coupling, axis, 56);
FIELD(lfuse_coupling, reserved, 60);

SIZE(lfuse_match_args, 48);
FIELD(lfuse_match_args, struct_size, 0);
FIELD(lfuse_match_args, layers, 8);
FIELD(lfuse_match_args, count, 16);
FIELD(lfuse_match_args, a, 24);
FIELD(lfuse_match_args, b, 32);
FIELD(lfuse_match_args, likeness, 40);

/* cka.h */

SIZE(lfuse_cka_options, 16);
FIELD(lfuse_cka_options, struct_size, 0);
FIELD(lfuse_cka_options, exponents, 8);

/* plan.h */

CONSTANT(LFUSE_PLAN_FLAG_THRESHOLD, 1);
CONSTANT(LFUSE_PLAN_FLAG_RESCALE, 2);
CONSTANT(LFUSE_PLAN_FLAG_INCLUDE_ENDS, 4);
CONSTANT(LFUSE_PLAN_FLAG_SKIP_UNEQUAL, 8);
CONSTANT(LFUSE_PLAN_FLAG_CONTENTS, 16);

SIZE(lfuse_plan_options, 136);
FIELD(lfuse_plan_options, struct_size, 0);
FIELD(lfuse_plan_options, ratio, 8);
FIELD(lfuse_plan_options, top_k, 16);
FIELD(lfuse_plan_options, similarity, 24);
FIELD(lfuse_plan_options, in_force, 32);
FIELD(lfuse_plan_options, max_unique_bytes, 40);
FIELD(lfuse_plan_options, threshold, 48);
FIELD(lfuse_plan_options, rules, 56);
FIELD(lfuse_plan_options, rule_count, 64);
FIELD(lfuse_plan_options, couplings, 72);
FIELD(lfuse_plan_options, importance, 80);
FIELD(lfuse_plan_options, metric, 88);
FIELD(lfuse_plan_options, policy, 92);
FIELD(lfuse_plan_options, freeze_gradient, 96);
FIELD(lfuse_plan_options, weighting, 100);
FIELD(lfuse_plan_options, scope, 104);
FIELD(lfuse_plan_options, unit, 108);
FIELD(lfuse_plan_options, base, 112);
FIELD(lfuse_plan_options, linkage, 116);
FIELD(lfuse_plan_options, max_group, 120);
FIELD(lfuse_plan_options, keep, 124);
FIELD(lfuse_plan_options, alignment, 128);
FIELD(lfuse_plan_options, flags, 132);

SIZE(lfuse_fusion, 96);
FIELD(lfuse_fusion, struct_size, 0);
FIELD(lfuse_fusion, a, 8);
FIELD(lfuse_fusion, b, 16);
FIELD(lfuse_fusion, kept, 24);
FIELD(lfuse_fusion, score, 32);
FIELD(lfuse_fusion, saved_parameters, 40);
FIELD(lfuse_fusion, ratio, 48);
FIELD(lfuse_fusion, gamma, 56);
FIELD(lfuse_fusion, row_a, 64);
FIELD(lfuse_fusion, row_b, 72);
FIELD(lfuse_fusion, row_kept, 80);
FIELD(lfuse_fusion, weight, 88);
FIELD(lfuse_fusion, reserved, 92);

SIZE(lfuse_account, 80);
FIELD(lfuse_account, struct_size, 0);
FIELD(lfuse_account, candidates_logical, 8);
FIELD(lfuse_account, candidates_unique, 16);
FIELD(lfuse_account, all_logical, 24);
FIELD(lfuse_account, all_unique, 32);
FIELD(lfuse_account, all_unique_bytes, 40);
FIELD(lfuse_account, ratio, 48);
FIELD(lfuse_account, base, 56);
FIELD(lfuse_account, reserved, 60);
FIELD(lfuse_account, candidates_unique_bytes, 64);
FIELD(lfuse_account, index_bytes, 72);

SIZE(lfuse_planned_weight, 96);
FIELD(lfuse_planned_weight, struct_size, 0);
FIELD(lfuse_planned_weight, name, 8);
FIELD(lfuse_planned_weight, dims, 16);
FIELD(lfuse_planned_weight, rank, 80);
FIELD(lfuse_planned_weight, dtype, 84);
FIELD(lfuse_planned_weight, output_axis, 88);
FIELD(lfuse_planned_weight, reserved, 92);

/* plan_file.h */
SIZE(lfuse_plan_load_options, 32);
FIELD(lfuse_plan_load_options, struct_size, 0);
FIELD(lfuse_plan_load_options, max_bytes, 8);
FIELD(lfuse_plan_load_options, layers, 16);
FIELD(lfuse_plan_load_options, count, 24);

/* ties.h */
CONSTANT(LFUSE_TIES_KEEP_ORIGINALS, 1);
CONSTANT(LFUSE_TIES_MIRROR, 2);

SIZE(lfuse_ties_options, 56);
FIELD(lfuse_ties_options, struct_size, 0);
FIELD(lfuse_ties_options, rebind, 8);
FIELD(lfuse_ties_options, rebind_user, 16);
FIELD(lfuse_ties_options, flags, 24);
FIELD(lfuse_ties_options, gradients, 28);
FIELD(lfuse_ties_options, combine, 32);
FIELD(lfuse_ties_options, reserved, 36);
FIELD(lfuse_ties_options, merge, 40);
FIELD(lfuse_ties_options, merge_user, 48);

/* resume.h */
SIZE(lfuse_retrainer_save_options, 24);
FIELD(lfuse_retrainer_save_options, struct_size, 0);
FIELD(lfuse_retrainer_save_options, caller, 8);
FIELD(lfuse_retrainer_save_options, caller_bytes, 16);

/* retrainer.h */

CONSTANT(LFUSE_RETRAINER_FLAG_STEPS, 1);
CONSTANT(LFUSE_RETRAINER_FLAG_TOLERANCE, 2);
CONSTANT(LFUSE_RETRAINER_FLAG_EACH, 4);

SIZE(lfuse_retrainer_options, 120);
FIELD(lfuse_retrainer_options, struct_size, 0);
FIELD(lfuse_retrainer_options, plan, 8);
FIELD(lfuse_retrainer_options, ties, 16);
FIELD(lfuse_retrainer_options, fusions, 24);
FIELD(lfuse_retrainer_options, interval, 28);
FIELD(lfuse_retrainer_options, schedule, 32);
FIELD(lfuse_retrainer_options, flags, 36);
FIELD(lfuse_retrainer_options, custom, 40);
FIELD(lfuse_retrainer_options, custom_user, 48);
FIELD(lfuse_retrainer_options, decay, 56);
FIELD(lfuse_retrainer_options, pairs, 64);
FIELD(lfuse_retrainer_options, repair, 72);
FIELD(lfuse_retrainer_options, repair_user, 80);
FIELD(lfuse_retrainer_options, tolerance, 88);
FIELD(lfuse_retrainer_options, baseline, 96);
FIELD(lfuse_retrainer_options, grace, 104);
FIELD(lfuse_retrainer_options, rollbacks, 108);
FIELD(lfuse_retrainer_options, lead, 112);
FIELD(lfuse_retrainer_options, mix, 116);

/* search.h */

SIZE(lfuse_search_options, 56);
FIELD(lfuse_search_options, struct_size, 0);
FIELD(lfuse_search_options, plan, 8);
FIELD(lfuse_search_options, evaluate, 16);
FIELD(lfuse_search_options, evaluate_user, 24);
FIELD(lfuse_search_options, repair, 32);
FIELD(lfuse_search_options, repair_user, 40);
FIELD(lfuse_search_options, tolerance, 48);

/* checkpoint.h */

SIZE(lfuse_checkpoint_entry, 24);
FIELD(lfuse_checkpoint_entry, name, 0);
FIELD(lfuse_checkpoint_entry, tensor, 8);
FIELD(lfuse_checkpoint_entry, owner, 16);

CONSTANT(LFUSE_CHECKPOINT_SKIP_UNSUPPORTED, 1);
CONSTANT(LFUSE_CHECKPOINT_RESIDUALS_APART, 2);
SIZE(lfuse_checkpoint_open_options, 32);
FIELD(lfuse_checkpoint_open_options, struct_size, 0);
FIELD(lfuse_checkpoint_open_options, max_header_bytes, 8);
FIELD(lfuse_checkpoint_open_options, max_bank_bytes, 16);
FIELD(lfuse_checkpoint_open_options, flags, 24);
FIELD(lfuse_checkpoint_open_options, reserved, 28);

CONSTANT(LFUSE_FILL_NONE, 1);
SIZE(lfuse_checkpoint_save_options, 96);
FIELD(lfuse_checkpoint_save_options, struct_size, 0);
FIELD(lfuse_checkpoint_save_options, metadata, 8);
FIELD(lfuse_checkpoint_save_options, metadata_count, 16);
FIELD(lfuse_checkpoint_save_options, mode, 24);
FIELD(lfuse_checkpoint_save_options, reserved, 28);
FIELD(lfuse_checkpoint_save_options, fill, 32);
FIELD(lfuse_checkpoint_save_options, fill_user, 40);
FIELD(lfuse_checkpoint_save_options, banks, 48);
FIELD(lfuse_checkpoint_save_options, bank_count, 56);
FIELD(lfuse_checkpoint_save_options, carried, 64);
FIELD(lfuse_checkpoint_save_options, carried_file, 72);
FIELD(lfuse_checkpoint_save_options, residuals, 80);
FIELD(lfuse_checkpoint_save_options, residual_count, 88);
SIZE(lfuse_checkpoint_residual_entry, 32);
FIELD(lfuse_checkpoint_residual_entry, weight, 0);
FIELD(lfuse_checkpoint_residual_entry, a, 8);
FIELD(lfuse_checkpoint_residual_entry, b, 16);
FIELD(lfuse_checkpoint_residual_entry, output_axis, 24);
FIELD(lfuse_checkpoint_residual_entry, reserved, 28);

SIZE(lfuse_checkpoint_bank, 32);
FIELD(lfuse_checkpoint_bank, name, 0);
FIELD(lfuse_checkpoint_bank, entries, 8);
FIELD(lfuse_checkpoint_bank, count, 16);
FIELD(lfuse_checkpoint_bank, output_axis, 24);
FIELD(lfuse_checkpoint_bank, reserved, 28);

/* gemm.h */
CONSTANT(LFUSE_GEMM_TRANSPOSE_A, 1);
CONSTANT(LFUSE_GEMM_TRANSPOSE_B, 2);

SIZE(lfuse_gemm_args, 112);
FIELD(lfuse_gemm_args, struct_size, 0);
FIELD(lfuse_gemm_args, a, 8);
FIELD(lfuse_gemm_args, b, 16);
FIELD(lfuse_gemm_args, c, 24);
FIELD(lfuse_gemm_args, m, 32);
FIELD(lfuse_gemm_args, n, 40);
FIELD(lfuse_gemm_args, k, 48);
FIELD(lfuse_gemm_args, lda, 56);
FIELD(lfuse_gemm_args, ldb, 64);
FIELD(lfuse_gemm_args, ldc, 72);
FIELD(lfuse_gemm_args, alpha, 80);
FIELD(lfuse_gemm_args, beta, 84);
FIELD(lfuse_gemm_args, flags, 88);
FIELD(lfuse_gemm_args, reserved, 92);
FIELD(lfuse_gemm_args, workspace, 96);
FIELD(lfuse_gemm_args, workspace_bytes, 104);

/* conv2d.h */
CONSTANT(LFUSE_CONV2D_ACCUMULATE, 1);
CONSTANT(LFUSE_CONV2D_RELU, 2);
TYPE(lfuse_conv2d_algorithm, int32_t);
CONSTANT(LFUSE_CONV2D_DIRECT, 1);
CONSTANT(LFUSE_CONV2D_WINOGRAD, 2);
CONSTANT(LFUSE_CONV2D_WINOGRAD_2X2, 3);

SIZE(lfuse_conv2d_args, 264);
FIELD(lfuse_conv2d_args, struct_size, 0);
FIELD(lfuse_conv2d_args, x, 8);
FIELD(lfuse_conv2d_args, w, 16);
FIELD(lfuse_conv2d_args, bias, 24);
FIELD(lfuse_conv2d_args, dy, 32);
FIELD(lfuse_conv2d_args, y, 40);
FIELD(lfuse_conv2d_args, dx, 48);
FIELD(lfuse_conv2d_args, dw, 56);
FIELD(lfuse_conv2d_args, dbias, 64);
FIELD(lfuse_conv2d_args, workspace, 72);
FIELD(lfuse_conv2d_args, workspace_bytes, 80);
FIELD(lfuse_conv2d_args, batch, 88);
FIELD(lfuse_conv2d_args, in_channels, 96);
FIELD(lfuse_conv2d_args, height, 104);
FIELD(lfuse_conv2d_args, width, 112);
FIELD(lfuse_conv2d_args, out_channels, 120);
FIELD(lfuse_conv2d_args, kernel_h, 128);
FIELD(lfuse_conv2d_args, kernel_w, 136);
FIELD(lfuse_conv2d_args, stride_h, 144);
FIELD(lfuse_conv2d_args, stride_w, 152);
FIELD(lfuse_conv2d_args, pad_top, 160);
FIELD(lfuse_conv2d_args, pad_bottom, 168);
FIELD(lfuse_conv2d_args, pad_left, 176);
FIELD(lfuse_conv2d_args, pad_right, 184);
FIELD(lfuse_conv2d_args, dilation_h, 192);
FIELD(lfuse_conv2d_args, dilation_w, 200);
FIELD(lfuse_conv2d_args, groups, 208);
FIELD(lfuse_conv2d_args, layout, 216);
FIELD(lfuse_conv2d_args, flags, 220);
FIELD(lfuse_conv2d_args, algorithm, 224);
FIELD(lfuse_conv2d_args, reserved_1, 228);
FIELD(lfuse_conv2d_args, scale, 232);
FIELD(lfuse_conv2d_args, shift, 240);
FIELD(lfuse_conv2d_args, residual, 248);
FIELD(lfuse_conv2d_args, packed, 256);

/* packed.h */
CONSTANT(LFUSE_PACKED_FORWARD, 1);
CONSTANT(LFUSE_PACKED_BACKWARD_DATA, 2);

/* layer_norm.h */
CONSTANT(LFUSE_LAYER_NORM_ACCUMULATE, 1);
SIZE(lfuse_layer_norm_args, 160);
FIELD(lfuse_layer_norm_args, struct_size, 0);
FIELD(lfuse_layer_norm_args, x, 8);
FIELD(lfuse_layer_norm_args, residual, 16);
FIELD(lfuse_layer_norm_args, gamma, 24);
FIELD(lfuse_layer_norm_args, beta, 32);
FIELD(lfuse_layer_norm_args, dy, 40);
FIELD(lfuse_layer_norm_args, dsum, 48);
FIELD(lfuse_layer_norm_args, sum, 56);
FIELD(lfuse_layer_norm_args, y, 64);
FIELD(lfuse_layer_norm_args, dx, 72);
FIELD(lfuse_layer_norm_args, dgamma, 80);
FIELD(lfuse_layer_norm_args, dbeta, 88);
FIELD(lfuse_layer_norm_args, mean, 96);
FIELD(lfuse_layer_norm_args, inv_std, 104);
FIELD(lfuse_layer_norm_args, rows, 112);
FIELD(lfuse_layer_norm_args, columns, 120);
FIELD(lfuse_layer_norm_args, epsilon, 128);
FIELD(lfuse_layer_norm_args, flags, 136);
FIELD(lfuse_layer_norm_args, reserved, 140);
FIELD(lfuse_layer_norm_args, workspace, 144);
FIELD(lfuse_layer_norm_args, workspace_bytes, 152);

/* activation.h */
CONSTANT(LFUSE_GELU_TANH, 1);
SIZE(lfuse_activation_args, 96);
FIELD(lfuse_activation_args, struct_size, 0);
FIELD(lfuse_activation_args, x, 8);
FIELD(lfuse_activation_args, up, 16);
FIELD(lfuse_activation_args, dy, 24);
FIELD(lfuse_activation_args, y, 32);
FIELD(lfuse_activation_args, dx, 40);
FIELD(lfuse_activation_args, dup, 48);
FIELD(lfuse_activation_args, rows, 56);
FIELD(lfuse_activation_args, columns, 64);
FIELD(lfuse_activation_args, x_stride, 72);
FIELD(lfuse_activation_args, y_stride, 80);
FIELD(lfuse_activation_args, flags, 88);
FIELD(lfuse_activation_args, reserved, 92);

/* dropout.h */
SIZE(lfuse_dropout_args, 72);
FIELD(lfuse_dropout_args, struct_size, 0);
FIELD(lfuse_dropout_args, x, 8);
FIELD(lfuse_dropout_args, dy, 16);
FIELD(lfuse_dropout_args, y, 24);
FIELD(lfuse_dropout_args, dx, 32);
FIELD(lfuse_dropout_args, count, 40);
FIELD(lfuse_dropout_args, probability, 48);
FIELD(lfuse_dropout_args, seed, 56);
FIELD(lfuse_dropout_args, stream, 64);

/* embedding.h */
SIZE(lfuse_embedding_args, 112);
FIELD(lfuse_embedding_args, struct_size, 0);
FIELD(lfuse_embedding_args, ids, 8);
FIELD(lfuse_embedding_args, table, 16);
FIELD(lfuse_embedding_args, positions, 24);
FIELD(lfuse_embedding_args, dy, 32);
FIELD(lfuse_embedding_args, y, 40);
FIELD(lfuse_embedding_args, dtable, 48);
FIELD(lfuse_embedding_args, dpositions, 56);
FIELD(lfuse_embedding_args, rows, 64);
FIELD(lfuse_embedding_args, width, 72);
FIELD(lfuse_embedding_args, vocabulary, 80);
FIELD(lfuse_embedding_args, tokens, 88);
FIELD(lfuse_embedding_args, position_count, 96);
FIELD(lfuse_embedding_args, first_position, 104);

/* linear_residual.h */
CONSTANT(LFUSE_LINEAR_RESIDUAL_ACCUMULATE, 1);
SIZE(lfuse_linear_residual_args, 160);
FIELD(lfuse_linear_residual_args, struct_size, 0);
FIELD(lfuse_linear_residual_args, x, 8);
FIELD(lfuse_linear_residual_args, w, 16);
FIELD(lfuse_linear_residual_args, a, 24);
FIELD(lfuse_linear_residual_args, b, 32);
FIELD(lfuse_linear_residual_args, bias, 40);
FIELD(lfuse_linear_residual_args, dy, 48);
FIELD(lfuse_linear_residual_args, y, 56);
FIELD(lfuse_linear_residual_args, dx, 64);
FIELD(lfuse_linear_residual_args, dw, 72);
FIELD(lfuse_linear_residual_args, da, 80);
FIELD(lfuse_linear_residual_args, db, 88);
FIELD(lfuse_linear_residual_args, dbias, 96);
FIELD(lfuse_linear_residual_args, batch, 104);
FIELD(lfuse_linear_residual_args, in_features, 112);
FIELD(lfuse_linear_residual_args, out_features, 120);
FIELD(lfuse_linear_residual_args, rank, 128);
FIELD(lfuse_linear_residual_args, flags, 136);
FIELD(lfuse_linear_residual_args, reserved, 140);
FIELD(lfuse_linear_residual_args, workspace, 144);
FIELD(lfuse_linear_residual_args, workspace_bytes, 152);

/* attention.h */
CONSTANT(LFUSE_ATTENTION_CAUSAL, 1);
SIZE(lfuse_attention_args, 224);
FIELD(lfuse_attention_args, struct_size, 0);
FIELD(lfuse_attention_args, q, 8);
FIELD(lfuse_attention_args, k, 16);
FIELD(lfuse_attention_args, v, 24);
FIELD(lfuse_attention_args, dy, 32);
FIELD(lfuse_attention_args, y, 40);
FIELD(lfuse_attention_args, statistics, 48);
FIELD(lfuse_attention_args, dq, 56);
FIELD(lfuse_attention_args, dk, 64);
FIELD(lfuse_attention_args, dv, 72);
FIELD(lfuse_attention_args, batch, 80);
FIELD(lfuse_attention_args, tokens, 88);
FIELD(lfuse_attention_args, keys, 96);
FIELD(lfuse_attention_args, heads, 104);
FIELD(lfuse_attention_args, kv_heads, 112);
FIELD(lfuse_attention_args, head_dim, 120);
FIELD(lfuse_attention_args, q_stride, 128);
FIELD(lfuse_attention_args, k_stride, 136);
FIELD(lfuse_attention_args, v_stride, 144);
FIELD(lfuse_attention_args, y_stride, 152);
FIELD(lfuse_attention_args, q_batch_stride, 160);
FIELD(lfuse_attention_args, k_batch_stride, 168);
FIELD(lfuse_attention_args, v_batch_stride, 176);
FIELD(lfuse_attention_args, y_batch_stride, 184);
FIELD(lfuse_attention_args, scale, 192);
FIELD(lfuse_attention_args, flags, 200);
FIELD(lfuse_attention_args, reserved, 204);
FIELD(lfuse_attention_args, workspace, 208);
FIELD(lfuse_attention_args, workspace_bytes, 216);

/* rotary.h */
CONSTANT(LFUSE_ROTARY_INTERLEAVED, 1);
SIZE(lfuse_rotary_args, 128);
FIELD(lfuse_rotary_args, struct_size, 0);
FIELD(lfuse_rotary_args, x, 8);
FIELD(lfuse_rotary_args, dy, 16);
FIELD(lfuse_rotary_args, y, 24);
FIELD(lfuse_rotary_args, dx, 32);
FIELD(lfuse_rotary_args, batch, 40);
FIELD(lfuse_rotary_args, tokens, 48);
FIELD(lfuse_rotary_args, heads, 56);
FIELD(lfuse_rotary_args, head_dim, 64);
FIELD(lfuse_rotary_args, x_stride, 72);
FIELD(lfuse_rotary_args, y_stride, 80);
FIELD(lfuse_rotary_args, x_batch_stride, 88);
FIELD(lfuse_rotary_args, y_batch_stride, 96);
FIELD(lfuse_rotary_args, position, 104);
FIELD(lfuse_rotary_args, base, 112);
FIELD(lfuse_rotary_args, flags, 120);
FIELD(lfuse_rotary_args, reserved, 124);

/* linear.h */
CONSTANT(LFUSE_LINEAR_ACCUMULATE, 1);

SIZE(lfuse_linear_args, 120);
FIELD(lfuse_linear_args, struct_size, 0);
FIELD(lfuse_linear_args, x, 8);
FIELD(lfuse_linear_args, w, 16);
FIELD(lfuse_linear_args, bias, 24);
FIELD(lfuse_linear_args, dy, 32);
FIELD(lfuse_linear_args, y, 40);
FIELD(lfuse_linear_args, dx, 48);
FIELD(lfuse_linear_args, dw, 56);
FIELD(lfuse_linear_args, dbias, 64);
FIELD(lfuse_linear_args, batch, 72);
FIELD(lfuse_linear_args, in_features, 80);
FIELD(lfuse_linear_args, out_features, 88);
FIELD(lfuse_linear_args, flags, 96);
FIELD(lfuse_linear_args, reserved, 100);
FIELD(lfuse_linear_args, workspace, 104);
FIELD(lfuse_linear_args, workspace_bytes, 112);

/* batch_norm.h */
CONSTANT(LFUSE_BATCH_NORM_RELU, 1);
CONSTANT(LFUSE_BATCH_NORM_ACCUMULATE, 2);

SIZE(lfuse_batch_norm_args, 184);
FIELD(lfuse_batch_norm_args, struct_size, 0);
FIELD(lfuse_batch_norm_args, x, 8);
FIELD(lfuse_batch_norm_args, scale, 16);
FIELD(lfuse_batch_norm_args, shift, 24);
FIELD(lfuse_batch_norm_args, residual, 32);
FIELD(lfuse_batch_norm_args, dy, 40);
FIELD(lfuse_batch_norm_args, y, 48);
FIELD(lfuse_batch_norm_args, dx, 56);
FIELD(lfuse_batch_norm_args, dresidual, 64);
FIELD(lfuse_batch_norm_args, dscale, 72);
FIELD(lfuse_batch_norm_args, dshift, 80);
FIELD(lfuse_batch_norm_args, running_mean, 88);
FIELD(lfuse_batch_norm_args, running_variance, 96);
FIELD(lfuse_batch_norm_args, saved_mean, 104);
FIELD(lfuse_batch_norm_args, saved_inverse, 112);
FIELD(lfuse_batch_norm_args, batch, 120);
FIELD(lfuse_batch_norm_args, channels, 128);
FIELD(lfuse_batch_norm_args, pixels, 136);
FIELD(lfuse_batch_norm_args, epsilon, 144);
FIELD(lfuse_batch_norm_args, momentum, 152);
FIELD(lfuse_batch_norm_args, layout, 160);
FIELD(lfuse_batch_norm_args, flags, 164);
FIELD(lfuse_batch_norm_args, workspace, 168);
FIELD(lfuse_batch_norm_args, workspace_bytes, 176);

/* pool2d.h */
TYPE(lfuse_pool, int32_t);
CONSTANT(LFUSE_POOL_AVERAGE, 1);
CONSTANT(LFUSE_POOL_MAX, 2);

SIZE(lfuse_pool2d_args, 144);
FIELD(lfuse_pool2d_args, struct_size, 0);
FIELD(lfuse_pool2d_args, x, 8);
FIELD(lfuse_pool2d_args, dy, 16);
FIELD(lfuse_pool2d_args, y, 24);
FIELD(lfuse_pool2d_args, dx, 32);
FIELD(lfuse_pool2d_args, batch, 40);
FIELD(lfuse_pool2d_args, channels, 48);
FIELD(lfuse_pool2d_args, height, 56);
FIELD(lfuse_pool2d_args, width, 64);
FIELD(lfuse_pool2d_args, kernel_h, 72);
FIELD(lfuse_pool2d_args, kernel_w, 80);
FIELD(lfuse_pool2d_args, stride_h, 88);
FIELD(lfuse_pool2d_args, stride_w, 96);
FIELD(lfuse_pool2d_args, pad_top, 104);
FIELD(lfuse_pool2d_args, pad_bottom, 112);
FIELD(lfuse_pool2d_args, pad_left, 120);
FIELD(lfuse_pool2d_args, pad_right, 128);
FIELD(lfuse_pool2d_args, pool, 136);
FIELD(lfuse_pool2d_args, layout, 140);

/* loss.h */
CONSTANT(LFUSE_LINEAR_CROSS_ENTROPY_ACCUMULATE, 1);
SIZE(lfuse_linear_cross_entropy_args, 120);
FIELD(lfuse_linear_cross_entropy_args, struct_size, 0);
FIELD(lfuse_linear_cross_entropy_args, x, 8);
FIELD(lfuse_linear_cross_entropy_args, w, 16);
FIELD(lfuse_linear_cross_entropy_args, labels, 24);
FIELD(lfuse_linear_cross_entropy_args, dx, 32);
FIELD(lfuse_linear_cross_entropy_args, dw, 40);
FIELD(lfuse_linear_cross_entropy_args, rows, 48);
FIELD(lfuse_linear_cross_entropy_args, width, 56);
FIELD(lfuse_linear_cross_entropy_args, vocabulary, 64);
FIELD(lfuse_linear_cross_entropy_args, loss, 72);
FIELD(lfuse_linear_cross_entropy_args, correct, 80);
FIELD(lfuse_linear_cross_entropy_args, counted, 88);
FIELD(lfuse_linear_cross_entropy_args, flags, 96);
FIELD(lfuse_linear_cross_entropy_args, reserved, 100);
FIELD(lfuse_linear_cross_entropy_args, workspace, 104);
FIELD(lfuse_linear_cross_entropy_args, workspace_bytes, 112);

SIZE(lfuse_cross_entropy_args, 64);
FIELD(lfuse_cross_entropy_args, struct_size, 0);
FIELD(lfuse_cross_entropy_args, logits, 8);
FIELD(lfuse_cross_entropy_args, labels, 16);
FIELD(lfuse_cross_entropy_args, dlogits, 24);
FIELD(lfuse_cross_entropy_args, batch, 32);
FIELD(lfuse_cross_entropy_args, classes, 40);
FIELD(lfuse_cross_entropy_args, loss, 48);
FIELD(lfuse_cross_entropy_args, correct, 56);

SIZE(lfuse_distillation_args, 96);
FIELD(lfuse_distillation_args, struct_size, 0);
FIELD(lfuse_distillation_args, logits, 8);
FIELD(lfuse_distillation_args, teacher, 16);
FIELD(lfuse_distillation_args, labels, 24);
FIELD(lfuse_distillation_args, dlogits, 32);
FIELD(lfuse_distillation_args, batch, 40);
FIELD(lfuse_distillation_args, classes, 48);
FIELD(lfuse_distillation_args, temperature, 56);
FIELD(lfuse_distillation_args, weight, 64);
FIELD(lfuse_distillation_args, smoothing, 72);
FIELD(lfuse_distillation_args, loss, 80);
FIELD(lfuse_distillation_args, correct, 88);

/* update.h */
CONSTANT(LFUSE_SGD_NESTEROV, 1);

SIZE(lfuse_sgd_args, 72);
FIELD(lfuse_sgd_args, struct_size, 0);
FIELD(lfuse_sgd_args, value, 8);
FIELD(lfuse_sgd_args, gradient, 16);
FIELD(lfuse_sgd_args, velocity, 24);
FIELD(lfuse_sgd_args, count, 32);
FIELD(lfuse_sgd_args, learning_rate, 40);
FIELD(lfuse_sgd_args, momentum, 48);
FIELD(lfuse_sgd_args, weight_decay, 56);
FIELD(lfuse_sgd_args, flags, 64);
FIELD(lfuse_sgd_args, reserved, 68);

SIZE(lfuse_adamw_args, 104);
FIELD(lfuse_adamw_args, struct_size, 0);
FIELD(lfuse_adamw_args, value, 8);
FIELD(lfuse_adamw_args, gradient, 16);
FIELD(lfuse_adamw_args, first, 24);
FIELD(lfuse_adamw_args, second, 32);
FIELD(lfuse_adamw_args, count, 40);
FIELD(lfuse_adamw_args, step, 48);
FIELD(lfuse_adamw_args, learning_rate, 56);
FIELD(lfuse_adamw_args, beta1, 64);
FIELD(lfuse_adamw_args, beta2, 72);
FIELD(lfuse_adamw_args, epsilon, 80);
FIELD(lfuse_adamw_args, weight_decay, 88);
FIELD(lfuse_adamw_args, flags, 96);
FIELD(lfuse_adamw_args, reserved, 100);

SIZE(lfuse_sgd_all_args, 96);
FIELD(lfuse_sgd_all_args, struct_size, 0);
FIELD(lfuse_sgd_all_args, values, 8);
FIELD(lfuse_sgd_all_args, gradients, 16);
FIELD(lfuse_sgd_all_args, velocities, 24);
FIELD(lfuse_sgd_all_args, counts, 32);
FIELD(lfuse_sgd_all_args, parameters, 40);
FIELD(lfuse_sgd_all_args, learning_rate, 48);
FIELD(lfuse_sgd_all_args, momentum, 56);
FIELD(lfuse_sgd_all_args, weight_decay, 64);
FIELD(lfuse_sgd_all_args, max_norm, 72);
FIELD(lfuse_sgd_all_args, norm, 80);
FIELD(lfuse_sgd_all_args, flags, 88);
FIELD(lfuse_sgd_all_args, reserved, 92);

SIZE(lfuse_adamw_all_args, 128);
FIELD(lfuse_adamw_all_args, struct_size, 0);
FIELD(lfuse_adamw_all_args, values, 8);
FIELD(lfuse_adamw_all_args, gradients, 16);
FIELD(lfuse_adamw_all_args, firsts, 24);
FIELD(lfuse_adamw_all_args, seconds, 32);
FIELD(lfuse_adamw_all_args, counts, 40);
FIELD(lfuse_adamw_all_args, parameters, 48);
FIELD(lfuse_adamw_all_args, step, 56);
FIELD(lfuse_adamw_all_args, learning_rate, 64);
FIELD(lfuse_adamw_all_args, beta1, 72);
FIELD(lfuse_adamw_all_args, beta2, 80);
FIELD(lfuse_adamw_all_args, epsilon, 88);
FIELD(lfuse_adamw_all_args, weight_decay, 96);
FIELD(lfuse_adamw_all_args, max_norm, 104);
FIELD(lfuse_adamw_all_args, norm, 112);
FIELD(lfuse_adamw_all_args, flags, 120);
FIELD(lfuse_adamw_all_args, reserved, 124);
