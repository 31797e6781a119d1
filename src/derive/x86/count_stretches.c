/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Bits of masks by stretch with the instruction that counts them, a stretch at a time. */
#include "derive/sort_kernels.h"

#if CXM_SORT_X86

__attribute__((target("popcnt,bmi"))) size_t
cxm_priv_count_stretches_popcnt(const uint64_t masks[CXM_MASKS], uint64_t last, size_t n,
                                uint32_t open[CXM_MASKS], uint32_t (*counts)[CXM_MASKS])
{
    const uint64_t all = n < 64 ? ((uint64_t)1 << n) - 1 : UINT64_MAX;
    uint64_t done = 0;
    size_t ended = 0;
    for (last &= all; last != 0; last &= last - 1) {
        const uint64_t upto = last ^ (last - 1), stretch = upto & ~done;
        for (int k = 0; k < CXM_MASKS; k++) {
            counts[ended][k] = open[k] + (uint32_t)__builtin_popcountll(masks[k] & stretch);
            open[k] = 0;
        }
        done = upto;
        ended++;
    }
    for (int k = 0; k < CXM_MASKS; k++)
        open[k] += (uint32_t)__builtin_popcountll(masks[k] & all & ~done);
    return ended;
}

#endif
