/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of one band with AVX2: are they, and as whole numbers of it. */
#ifndef CXM_SRC_MOMENTS_AVX2_H
#define CXM_SRC_MOMENTS_AVX2_H

#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

__attribute__((target("avx2"))) static inline __m256i load_four(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* The signs of what is below `first` or beyond the band; bits are those of magnitudes. */
__attribute__((target("avx2"))) static inline __m256i outside(__m256i bits, __m256i first, __m256i last)
{
    return _mm256_or_si256(_mm256_sub_epi64(bits, first), _mm256_sub_epi64(last, bits));
}

__attribute__((target("avx2"))) static inline __m256i quanta(__m256i size, __m256i first)
{
    const __m256i one = _mm256_set1_epi64x((int64_t)CXM_LEADING_ONE);
    const __m256i fraction = _mm256_and_si256(size, _mm256_sub_epi64(one, _mm256_set1_epi64x(1)));
    const __m256i shift = _mm256_srli_epi64(_mm256_sub_epi64(size, first), 52);
    return _mm256_sllv_epi64(_mm256_or_si256(fraction, one), shift);
}

#endif
#endif
