/*
 * tales.h - small tales, told by a grammar: text to train a language model on where there is none
 *
 * A tale is a line: somebody with a trade wants a thing, asks two others for it, and gets it or
 * not. Who, what and where stay the same from its first sentence to its last, so that there is
 * something to learn over a distance, too. Every tale depends on its number alone.
 */
#ifndef EXAMPLES_TALES_H
#define EXAMPLES_TALES_H

#include "data/text.h"

enum { TALES_TRAIN = 2400, TALES_VALID = 120, TALES_TEST = 120 };

/* Other tales in each of the sets. Ids are left alone. */
lfuse_status tales_write(struct text_sets *sets, lfuse_error *err);

#endif
