/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The C variants, and the choice among all. */
#include "tally/kernels.h"

/* Eight histograms, so that equal neighbours do not wait for each other's counter. */
void cxm_priv_count_bytes_c(const uint8_t *bytes, size_t n, const uint8_t *values,
                            size_t n_values, uint64_t *counts)
{
    enum { LANES = 8, MOST = 1 << 30 };
    while (n > 0) {
        uint32_t seen[LANES][256];
        const size_t part = n < MOST ? n : MOST;
        size_t i = 0;
        memset(seen, 0, sizeof seen);
        for (; i + LANES <= part; i += LANES) {
            const uint64_t word = cxm_priv_get_u64(bytes + i);
            for (int lane = 0; lane < LANES; lane++)
                seen[lane][word >> 8 * lane & 0xFF]++;
        }
        for (; i < part; i++)
            seen[0][bytes[i]]++;
        for (size_t v = 0; v < n_values; v++)
            for (int lane = 0; lane < LANES; lane++)
                counts[v] += seen[lane][values[v]];
        bytes += part;
        n -= part;
    }
}

struct cxm_kernels cxm_priv_kernels(unsigned mask)
{
    struct cxm_kernels k = { cxm_priv_count_bytes_c };
#if CXM_X86
    if ((mask & CXM_CPU_AVX2) == 0 && __builtin_cpu_supports("avx2"))
        k.count_bytes = cxm_priv_count_bytes_avx2;
    if ((mask & CXM_CPU_AVX512) == 0 && __builtin_cpu_supports("avx512bw"))
        k.count_bytes = cxm_priv_count_bytes_avx512;
#else
    (void)mask;
#endif
    return k;
}
