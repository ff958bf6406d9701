/*
 * probe.h - how fast the machine is right now: f32 multiply-adds of one thread or of two
 *
 * Two processors of a virtual machine may be two cores or two threads of one core, and
 * neighbours come and go. A timing means little without the rate that was there for it.
 */
#ifndef BENCH_PROBE_H
#define BENCH_PROBE_H

/* GFLOP/s of `threads` threads together, the best of two runs of about 10 ms. */
double probe_gflops(int threads);

/* Seconds of a clock that only goes forward. */
double probe_seconds(void);

#endif
