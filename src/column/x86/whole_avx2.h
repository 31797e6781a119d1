/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Floats that are to be whole numbers, with AVX2: for those who make bytes of them. */
#ifndef CXM_SRC_WHOLE_AVX2_H
#define CXM_SRC_WHOLE_AVX2_H

#include <immintrin.h>

/* 8 floats as integers, which are exact where no float is odd: NaN and what is beyond 32 bits becomes
 * -2^31, which equals neither. -2^31 itself does, and is out of any range. */
__attribute__((target("avx2"))) static inline __m256i cxm_priv_whole_avx2(const unsigned char *from,
                                                                          __m256 *odd)
{
    const __m256 v = _mm256_castsi256_ps(_mm256_loadu_si256((const __m256i *)(const void *)from));
    const __m256i k = _mm256_cvtps_epi32(v);
    *odd = _mm256_or_ps(*odd, _mm256_cmp_ps(_mm256_cvtepi32_ps(k), v, _CMP_NEQ_UQ));
    return k;
}

#endif
