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

uint64_t cxm_priv_mask_bytes_c(const uint8_t *bytes, size_t n, const uint8_t *bits, unsigned skip,
                               uint8_t fill, uint8_t *out)
{
    const uint64_t each = 0x0101010101010101u, bit = 0x8040201008040201u, top = each * 0x80;
    uint64_t nulls = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8, bits++) {
        const uint64_t eight = skip > 0 ? (bits[0] >> skip | bits[1] << (8 - skip)) & 0xFF : bits[0];
        const uint64_t picked = eight * each & bit;            /* byte k keeps bit k */
        const uint64_t ones = (picked + (top - each)) & top;   /* its top bit: was it set? */
        const uint64_t mask = (ones >> 7) * 0xFF;
        const uint64_t word = (cxm_priv_get_u64(bytes + i) & mask) | (fill * each & ~mask);
        cxm_priv_put_u64(out + i, word);
        nulls += 8 - (uint64_t)__builtin_popcountll(eight);
    }
    for (unsigned k = skip; i < n; i++, k++) {
        const bool valid = (bits[k / 8] >> k % 8 & 1) != 0;
        out[i] = valid ? bytes[i] : fill;
        nulls += !valid;
    }
    return nulls;
}

bool cxm_priv_whole_numbers_c(const double *x, size_t n, int64_t *q, uint64_t *all)
{
    uint64_t odd = 0, any = 0;
    for (size_t i = 0; i < n; i++) {
        const bool fits = x[i] < 0x1p51 && x[i] > -0x1p51;
        q[i] = (int64_t)(fits ? x[i] : 0.0);
        odd |= !((double)q[i] == x[i]);
        any |= (uint64_t)(q[i] < 0 ? -q[i] : q[i]);
    }
    *all = any;
    return odd == 0;
}

struct cxm_kernels cxm_priv_kernels(unsigned mask)
{
    struct cxm_kernels k = { cxm_priv_count_bytes_c, cxm_priv_mask_bytes_c,
                             cxm_priv_whole_numbers_c };
#if CXM_X86
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2")) {
        k.count_bytes = cxm_priv_count_bytes_avx2;
        k.mask_bytes = cxm_priv_mask_bytes_avx2;
        k.whole_numbers = cxm_priv_whole_numbers_avx2;
    }
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw")) {
        k.count_bytes = cxm_priv_count_bytes_avx512;
        k.mask_bytes = cxm_priv_mask_bytes_avx512;
    }
#elif CXM_NEON
    if (((mask | CXM_CPU_MASK) & CXM_CPU_NEON) == 0) {
        k.count_bytes = cxm_priv_count_bytes_neon;
        k.mask_bytes = cxm_priv_mask_bytes_neon;
        k.whole_numbers = cxm_priv_whole_numbers_neon;
    }
#else
    (void)mask;
#endif
    return k;
}
