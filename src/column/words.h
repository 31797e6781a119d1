/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sorting words with something that belongs to each: a million keys of 64 bits. */
#ifndef CXM_SRC_WORDS_H
#define CXM_SRC_WORDS_H

#include "base/base.h"

struct cxm_word {
    uint64_t word;
    uint32_t a, b; /* the caller's */
};

/* Sorts n words in ascending order, equal ones as they came; returns which of the two arrays has
 * them, the other holds anything. */
struct cxm_word *cxm_priv_words_sort(struct cxm_word *words, struct cxm_word *other, size_t n);

#endif
