/* torch.h - PyTorch in processes of its own, asked by lines of text: see torch_worker.py */
#ifndef BENCH_PEERS_TORCH_H
#define BENCH_PEERS_TORCH_H

#include "measure.h"

enum { TORCH_WORKERS = 4 };

struct torch;

/*
 * One worker for each layout, as PyTorch comes and tuned (its allocator keeps its pages, its own
 * loops may use AVX-512); NULL, and a line on stderr, where there is no PyTorch. For `threads`
 * threads. Release with torch_close(), which takes NULL.
 */
struct torch *torch_open(const char *python, int threads);
void torch_close(struct torch *torch);

/* Sets the workers up for a command; appends those that are, and returns how many. */
int torch_contend(struct torch *torch, const char *command, struct contender *out);

#endif
