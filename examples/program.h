/* program.h - what the programs that train have in common: being stopped, and where they write */
#ifndef EXAMPLES_PROGRAM_H
#define EXAMPLES_PROGRAM_H

#include <signal.h>

#include <layerfuse/layerfuse.h>

/* Set it (from a signal handler, say) and whatever is running stops: LFUSE_ERR_CANCELLED. */
extern volatile sig_atomic_t program_stop;

/* The first Ctrl-C sets it, so that the work ends in order; the second one ends it at once. */
void program_catch_interrupt(void);
lfuse_status program_check_stop(lfuse_error *err);

/* What cannot be written in the end is better known at first. written: at prefix + rest. */
lfuse_status program_check_out(const char *out, lfuse_error *err);
lfuse_status program_check_written(const char *prefix, const char *rest,
                                   lfuse_error *err);

#endif
