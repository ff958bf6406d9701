/* fake.h - a CIFAR-10 directory and a network to try the examples with */
#ifndef TESTS_EXAMPLES_FAKE_H
#define TESTS_EXAMPLES_FAKE_H

#include <stdint.h>

/*
 * Writes the six files, each of the right size: `records` records with a colour and a
 * brightness that belong to their label, plus noise, and zeros after them (a hole on the disk).
 * 0, or -1 when the system refuses.
 */
int fake_cifar10(const char *directory, int64_t records);

/* Byte `offset` of a file of it becomes value. */
int fake_patch(const char *directory, const char *name, int64_t offset, uint8_t value);

#endif
