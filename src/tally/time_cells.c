/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The places of times and events in the counters of times.c: the reference in C, and the choice
 * among the variants. */
#include "tally/times.h"

struct cxm_time_bits cxm_priv_time_cells_c(const struct cxm_time_rows *rows, size_t n,
                                           uint32_t *index)
{
    struct cxm_time_bits bits = { 0, 0, 0 };
    for (size_t i = 0; i < n; i++) {
        const uint32_t key = rows->keys != NULL ? rows->keys[i]
                           : rows->byte_keys != NULL ? rows->byte_keys[i] : 0;
        index[i] = key * rows->stride + rows->times[i] * rows->bins + rows->events[i];
        bits.times |= rows->times[i];
        bits.keys |= key;
        bits.events |= rows->events[i];
    }
    return bits;
}

cxm_time_cells *cxm_priv_time_cells(unsigned without)
{
#if CXM_TIMES_X86
    if ((without & CXM_TIMES_AVX512) == 0 && CXM_SUPPORTS("avx512f") && CXM_SUPPORTS("avx512dq"))
        return cxm_priv_time_cells_avx512;
    if ((without & CXM_TIMES_AVX2) == 0 && CXM_SUPPORTS("avx2"))
        return cxm_priv_time_cells_avx2;
#else
    (void)without;
#endif
    return cxm_priv_time_cells_c;
}

/* With AVX-512 none, as the road of places first was measured there. */
cxm_time_count *cxm_priv_time_count(unsigned without)
{
#if CXM_TIMES_X86
    if (cxm_priv_time_cells(without) == cxm_priv_time_cells_avx2)
        return cxm_priv_time_count_avx2;
#else
    (void)without;
#endif
    return NULL;
}

/* With AVX-512 what was measured there. */
size_t cxm_priv_time_rows(cxm_time_cells *kernel)
{
    enum { FEW = 512 };
#if CXM_TIMES_X86
    if (kernel == cxm_priv_time_cells_avx512)
        return CXM_TIME_ROWS;
#else
    (void)kernel;
#endif
    return FEW;
}
