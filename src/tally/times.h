/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loop of times.c that pays in vectors, and its variants: C is the reference. */
#ifndef CXM_SRC_TIMES_H
#define CXM_SRC_TIMES_H

#include "base/base.h"

/* Rows where they lie. Keys are 32 bits or bytes; both NULL: there is one group. */
struct cxm_time_rows {
    const uint32_t *times, *keys;
    const uint8_t *byte_keys, *events;
    uint32_t stride, bins; /* counters of a key, and of a time */
};

/* All bits of the values, or-ed. */
struct cxm_time_bits {
    uint32_t times, keys, events;
};

/* index[i] = key * stride + time * bins + event, modulo 2^32. */
typedef struct cxm_time_bits cxm_time_cells(const struct cxm_time_rows *rows, size_t n,
                                            uint32_t *index);

cxm_time_cells cxm_priv_time_cells_c;
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_TIMES_X86 1
cxm_time_cells cxm_priv_time_cells_avx2, cxm_priv_time_cells_avx512;
#else
#define CXM_TIMES_X86 0
#endif

/* One more for each of LINE rows, whose places these are. Places are read two at a time and before any is
 * counted: loads compete with loads and stores of counters, and one that comes after a store waits for its
 * place to be known. */
enum { CXM_TIME_LINE = 64 };
static inline void cxm_priv_count_line(uint32_t *restrict cells, const uint32_t *restrict index)
{
    enum { WORDS = 8 };
    for (size_t i = 0; i < CXM_TIME_LINE; i += 2 * WORDS) {
        uint64_t two[WORDS];
#pragma GCC unroll 8
        for (size_t k = 0; k < WORDS; k++)
            memcpy(&two[k], index + i + 2 * k, sizeof two[k]); /* which comes first does not matter */
#pragma GCC unroll 8
        for (size_t k = 0; k < WORDS; k++) {
            cells[(uint32_t)two[k]]++;
            cells[two[k] >> 32]++;
        }
    }
}

/* Counts the first of n rows in `cells` and returns how many: it stops before rows some of which have one
 * of the bits of `outside`, and less than two lines before the last. Places and counts take turns so often
 * that the processor finds those while it still counts these. */
typedef size_t cxm_time_count(const struct cxm_time_rows *rows, const struct cxm_time_bits *outside,
                              size_t n, uint32_t *cells);
#if CXM_TIMES_X86
cxm_time_count cxm_priv_time_count_avx2;
#endif

/* NULL: places first, by cxm_priv_time_cells. */
cxm_time_count *cxm_priv_time_count(unsigned without);

/* What this processor runs best; `without` forbids variants, for tests. */
enum { CXM_TIMES_AVX512 = 1, CXM_TIMES_AVX2 = 2 };
cxm_time_cells *cxm_priv_time_cells(unsigned without);

/* How many rows at a time, at most CXM_TIME_ROWS: few, so that their places and those that are fetched
 * leave the first-level cache to the counters. */
enum { CXM_TIME_ROWS = 4096 };
size_t cxm_priv_time_rows(cxm_time_cells *kernel);

#endif
