/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Doubles to integers, four at a time: adding 1.5 2^52 leaves a whole number below 2^51 in the
 * low bits, which needs no conversion of 64-bit lanes (AVX2 has none). */
#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

__attribute__((target("avx2"))) bool
cxm_priv_whole_numbers_avx2(const double *x, size_t n, int64_t *q, uint64_t *all)
{
    const __m256d magic = _mm256_set1_pd(0x1.8p52), limit = _mm256_set1_pd(0x1p51);
    const __m256d minus = _mm256_set1_pd(-0.0);
    const __m256i zero = _mm256_setzero_si256();
    __m256d odd = _mm256_setzero_pd();
    __m256i any = zero;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const __m256d value = _mm256_loadu_pd(x + i);
        const __m256d sum = _mm256_add_pd(value, magic);
        const __m256d whole = _mm256_sub_pd(sum, magic);
        const __m256d size = _mm256_andnot_pd(minus, value);
        odd = _mm256_or_pd(odd, _mm256_cmp_pd(whole, value, _CMP_NEQ_UQ));
        odd = _mm256_or_pd(odd, _mm256_cmp_pd(size, limit, _CMP_NLT_UQ));
        const __m256i bits = _mm256_sub_epi64(_mm256_castpd_si256(sum),
                                              _mm256_castpd_si256(magic));
        const __m256i sign = _mm256_cmpgt_epi64(zero, bits);
        any = _mm256_or_si256(any, _mm256_sub_epi64(_mm256_xor_si256(bits, sign), sign));
        _mm256_storeu_si256((__m256i *)(void *)(q + i), bits);
    }
    uint64_t parts[4], rest = 0;
    _mm256_storeu_si256((__m256i *)(void *)parts, any);
    const bool good = cxm_priv_whole_numbers_c(x + i, n - i, q + i, &rest);
    *all = parts[0] | parts[1] | parts[2] | parts[3] | rest;
    return good && _mm256_movemask_pd(odd) == 0;
}

#else
typedef int cxm_no_x86;
#endif
