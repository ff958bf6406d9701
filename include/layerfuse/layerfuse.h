/*
 * layerfuse.h - the whole contract of layerfuse: layer fusion for trained neural networks
 *
 * O'Neill, Ver Steeg, Galstyan, "Layer-Wise Neural Network Compression via Layer Fusion",
 * PMLR 157:1381-1396, 2021 (arXiv:2007.14917); "O'Neill et al. 2021" in these headers.
 *
 * Every fallible call returns an lfuse_status, 0 or negative, and tells the details to an
 * lfuse_error of the caller's, which may be NULL. Option and argument structs begin with their
 * size and are cleared by their _init(); zero means default. Handles are created and destroyed
 * in pairs; destroying NULL does nothing. Each header says which threads may do what.
 */
#ifndef LAYERFUSE_LAYERFUSE_H
#define LAYERFUSE_LAYERFUSE_H

#include <layerfuse/checkpoint.h>
#include <layerfuse/cka.h>
#include <layerfuse/context.h>
#include <layerfuse/couplings.h>
#include <layerfuse/curve.h>
#include <layerfuse/kernels.h>
#include <layerfuse/layer.h>
#include <layerfuse/outputs.h>
#include <layerfuse/plan.h>
#include <layerfuse/plan_file.h>
#include <layerfuse/preview.h>
#include <layerfuse/residual.h>
#include <layerfuse/resume.h>
#include <layerfuse/retrainer.h>
#include <layerfuse/search.h>
#include <layerfuse/similarity.h>
#include <layerfuse/status.h>
#include <layerfuse/tensor.h>
#include <layerfuse/ties.h>
#include <layerfuse/types.h>
#include <layerfuse/version.h>

#endif
