/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Radix sort by digits of 11 bits, the lowest first, of which those are left out in which no word
 * differs: six passes at most, two or three for keys that lie near each other. (Knuth, TAOCP 3,
 * section 5.2.5.) */
#include "column/words.h"

enum { DIGIT = 11, DIGITS = 1 << DIGIT };

static void sort_by(const struct cxm_word *from, struct cxm_word *to, size_t n, int shift)
{
    size_t next[DIGITS] = { 0 }, at = 0;
    for (size_t i = 0; i < n; i++)
        next[from[i].word >> shift & (DIGITS - 1)]++;
    for (size_t d = 0; d < DIGITS; d++) {
        const size_t count = next[d];
        next[d] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++)
        to[next[from[i].word >> shift & (DIGITS - 1)]++] = from[i];
}

struct cxm_word *cxm_priv_words_sort(struct cxm_word *words, struct cxm_word *other, size_t n)
{
    uint64_t differ = 0;
    for (size_t i = 1; i < n; i++)
        differ |= words[i].word ^ words[0].word;
    for (int shift = 0; shift < 64; shift += DIGIT) {
        if ((differ >> shift & (DIGITS - 1)) == 0)
            continue;
        sort_by(words, other, n, shift);
        struct cxm_word *const swap = words;
        words = other;
        other = swap;
    }
    return words;
}
