/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Runs of words in C, and long runs for all variants. Most runs are a few words: they pass networks
 * (Knuth 1998, section 5.3.4) whose steps a compiler makes of moves without branches. A run of a
 * customer with many rows is dealt out by the leading bits in which its words differ, into about a
 * quarter as many short runs as it has words, and those are sorted like others. A step leaves no
 * run with all words and takes at least three bits of 64 off, so that even words that crowd
 * together cost so much a word at most. */
#include "derive/sort_kernels.h"

enum { SHORT = 8, MOST_BUCKET_BITS = 10 };

/* ---- networks --------------------------------------------------------------------------- */

static inline void order(uint64_t *a, uint64_t *b)
{
    const uint64_t low = *a < *b ? *a : *b, high = *a < *b ? *b : *a;
    *a = low;
    *b = high;
}

/* Up to four (or eight) words from the smallest; the last places are filled with the largest. */
static inline void load(const uint64_t *from, size_t n, size_t most, uint64_t *v)
{
    for (size_t i = 0; i < most; i++)
        v[i] = from[i < n ? i : 0] | (i < n ? 0 : UINT64_MAX);
}

static inline void sort_four(const uint64_t *from, size_t n, uint64_t *to)
{
    uint64_t v[4];
    load(from, n, 4, v);
    order(&v[0], &v[2]), order(&v[1], &v[3]);
    order(&v[0], &v[1]), order(&v[2], &v[3]);
    order(&v[1], &v[2]);
    memcpy(to, v, sizeof v);
}

static inline void sort_eight(const uint64_t *from, size_t n, uint64_t *to)
{
    uint64_t v[8];
    load(from, n, 8, v);
    order(&v[0], &v[2]), order(&v[1], &v[3]), order(&v[4], &v[6]), order(&v[5], &v[7]);
    order(&v[0], &v[4]), order(&v[1], &v[5]), order(&v[2], &v[6]), order(&v[3], &v[7]);
    order(&v[0], &v[1]), order(&v[2], &v[3]), order(&v[4], &v[5]), order(&v[6], &v[7]);
    order(&v[2], &v[4]), order(&v[3], &v[5]);
    order(&v[1], &v[4]), order(&v[3], &v[6]);
    order(&v[1], &v[2]), order(&v[3], &v[4]), order(&v[5], &v[6]);
    memcpy(to, v, sizeof v);
}

/* Eight words and n - 8 more. */
static inline void sort_sixteen(const uint64_t *from, size_t n, uint64_t *to)
{
    uint64_t a[SHORT + 1], b[SHORT + 1]; /* words that are read once too often are the largest */
    sort_eight(from, SHORT, a);
    sort_eight(from + SHORT, n - SHORT, b);
    a[SHORT] = b[SHORT] = UINT64_MAX;
    const uint64_t *p = a, *q = b;
    for (size_t i = 0; i < n; i++) {
        const bool second = (*q < *p) | (p == a + SHORT);
        to[i] = second ? *q : *p;
        q += second;
        p += !second;
    }
}

void cxm_priv_sort_runs_c(uint64_t *from, const uint32_t *ends, size_t n_runs, uint64_t *to)
{
    for (size_t r = 0, start = 0; r < n_runs; start = ends[r++]) {
        const size_t n = ends[r] - start;
        if (n <= 1)
            to[start] = n == 1 ? from[start] : 0;
        else if (n <= SHORT / 2)
            sort_four(from + start, n, to + start);
        else if (n <= SHORT)
            sort_eight(from + start, n, to + start);
        else if (n <= 2 * SHORT)
            sort_sixteen(from + start, n, to + start);
        else
            cxm_priv_sort_long(from + start, n, to + start, cxm_priv_sort_runs_c);
    }
}

/* ---- long runs -------------------------------------------------------------------------- */

/* A run that is in order already is left alone: a log in the order of time costs one pass. */
static bool copy_and_look(const uint64_t *restrict from, size_t n, uint64_t *restrict to,
                          uint64_t *least, uint64_t *most)
{
    uint64_t low = from[0], high = from[0];
    size_t steps_back = 0;
    to[0] = from[0];
    for (size_t i = 1; i < n; i++) {
        const uint64_t word = from[i];
        steps_back += word < from[i - 1];
        low = word < low ? word : low;
        high = word > high ? word : high;
        to[i] = word;
    }
    *least = low;
    *most = high;
    return steps_back == 0;
}

static int bits_of(uint64_t x)
{
    return x == 0 ? 0 : 64 - __builtin_clzll(x);
}

void cxm_priv_sort_long(uint64_t *from, size_t n, uint64_t *to, cxm_sort_runs *sort)
{
    uint32_t ends[(1 << MOST_BUCKET_BITS) + 1];
    uint64_t least, most;
    if (copy_and_look(from, n, to, &least, &most))
        return;
    int bits = bits_of(n) - 2;
    bits = bits < MOST_BUCKET_BITS ? bits : MOST_BUCKET_BITS;
    const int spread = bits_of(most - least), shift = spread > bits ? spread - bits : 0;
    const size_t n_runs = (size_t)((most - least) >> shift) + 1;
    memset(ends, 0, (n_runs + 1) * sizeof *ends);
    for (size_t i = 0; i < n; i++)
        ends[((to[i] - least) >> shift) + 1]++;
    for (size_t r = 1; r < n_runs; r++)
        ends[r] += ends[r - 1];
    for (size_t i = 0; i < n; i++) {
        const uint64_t word = to[i];
        from[ends[(word - least) >> shift]++] = word;
    }
    if (shift == 0)
        memcpy(to, from, n * sizeof *to);
    else
        sort(from, ends, n_runs, to);
}
