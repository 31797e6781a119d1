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

/* What this processor runs best; `without` forbids variants, for tests. */
enum { CXM_TIMES_AVX512 = 1, CXM_TIMES_AVX2 = 2 };
cxm_time_cells *cxm_priv_time_cells(unsigned without);

/* How many rows at a time, at most CXM_TIME_ROWS: few, so that their places and those that are fetched
 * leave the first-level cache to the counters. */
enum { CXM_TIME_ROWS = 4096 };
size_t cxm_priv_time_rows(cxm_time_cells *kernel);

#endif
