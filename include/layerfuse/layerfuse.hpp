/*
 * layerfuse.hpp - the contract for C++17 and later: handles that release themselves, exceptions,
 * spans and callables
 *
 * Every function of <layerfuse/layerfuse.h>, whose entries say what each does, by the noun it is
 * about: lfuse_plan_build() is plan::build(), lfuse_ties_apply() is ties::apply(). Nothing is
 * compiled into a library of its own.
 *
 *   handles     are moved, not copied. Each keeps alive what it was made of, so that the order in
 *               which they end does not matter; memory that is borrowed stays the caller's to keep.
 *   failures    are layerfuse::error, with the status and the library's message.
 *   callables   may throw: the call then fails, and ends with the very exception, once C has
 *               returned. It is the same with messages, whose call has done its work by then.
 *   options     are the structs of C, cleared when constructed, with callables where C has a function
 *               and a pointer: set these, C's own are taken over by them.
 *   threads     as the headers say of each handle: shareable or confined.
 */
#ifndef LAYERFUSE_LAYERFUSE_HPP
#define LAYERFUSE_LAYERFUSE_HPP

#if !defined(__cplusplus) || __cplusplus < 201703L
#error "layerfuse.hpp needs C++17; layerfuse.h does with C++11 and C99"
#endif

#include <layerfuse/cpp/checkpoint.hpp>
#include <layerfuse/cpp/cka.hpp>
#include <layerfuse/cpp/context.hpp>
#include <layerfuse/cpp/couplings.hpp>
#include <layerfuse/cpp/curve.hpp>
#include <layerfuse/cpp/error.hpp>
#include <layerfuse/cpp/kernels.hpp>
#include <layerfuse/cpp/layer.hpp>
#include <layerfuse/cpp/outputs.hpp>
#include <layerfuse/cpp/plan.hpp>
#include <layerfuse/cpp/preview.hpp>
#include <layerfuse/cpp/retrainer.hpp>
#include <layerfuse/cpp/similarity.hpp>
#include <layerfuse/cpp/span.hpp>
#include <layerfuse/cpp/tensor.hpp>
#include <layerfuse/cpp/ties.hpp>

#endif
