/* account.h - what a fused network costs, for people */
#ifndef EXAMPLES_ACCOUNT_H
#define EXAMPLES_ACCOUNT_H

#include <layerfuse/layerfuse.h>

/* Parameters, memory, and the files from and to, on four lines. */
lfuse_status account_print(const lfuse_ties *ties, const char *from, const char *to,
                           lfuse_error *err);

/* "tied: layer1.0.conv1 layer1.2.conv2", the kept one first; NULL: no line. */
void account_print_groups(const lfuse_plan *plan);

long long account_file_bytes(const char *path); /* -1 when there is none */

#endif
