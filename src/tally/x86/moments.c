/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers into cells. Eight of the band that nearly all are in become whole numbers at once; where
 * one of the eight is elsewhere, they take the C road. A cell is two vectors, each one load, one
 * addition and one store a row: a multiplication of 32-bit halves gives b^2, a b and a^2 in two
 * lanes each, of which a shuffle of bytes keeps the lower or the upper half. */
#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

/* The signs of what is below `first` or beyond the band; bits are those of magnitudes. */
__attribute__((target("avx2"))) static inline __m256i outside(__m256i bits, __m256i first,
                                                              __m256i last)
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

/* Four numbers, but the filler where the first four lanes of `used` are 0. */
__attribute__((target("avx2"))) static inline __m256i pick(__m256d filler, const double *x,
                                                           __m128i used)
{
    const __m256d mask = _mm256_castsi256_pd(_mm256_cvtepi16_epi64(used));
    return _mm256_castpd_si256(_mm256_blendv_pd(filler, _mm256_loadu_pd(x), mask));
}

__attribute__((target("avx2"))) bool
cxm_priv_place_numbers_avx2(const struct cxm_places *places, const uint32_t *group,
                            const uint16_t *codes, const double *x, size_t n, uint64_t *q,
                            uint32_t *at)
{
    const __m256i low = _mm256_set1_epi64x((int64_t)((uint64_t)places->first << 52));
    const __m256i high = _mm256_set1_epi64x(
        (int64_t)(((uint64_t)(places->first + CXM_BAND_EXPONENTS) << 52) - 1));
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN), one = _mm256_set1_epi32(1);
    const __m256i room = _mm256_set1_epi32((int32_t)places->room);
    const __m256i negative = _mm256_set1_epi32((int32_t)places->negative);
    const __m128i bins = _mm_set1_epi16((int16_t)places->bins);
    const __m256d filler = _mm256_set1_pd(places->filler);
    bool good = true;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m128i code = _mm_loadu_si128((const __m128i *)(const void *)(codes + i));
        const __m128i used = _mm_cmplt_epi16(code, bins);
        const __m256i left = pick(filler, x + i, used);
        const __m256i right = pick(filler, x + i + 4, _mm_srli_si128(used, 8));
        const __m256i a = _mm256_andnot_si256(sign, left), b = _mm256_andnot_si256(sign, right);
        const __m256i odd = _mm256_or_si256(outside(a, low, high), outside(b, low, high));
        if (!_mm256_testz_si256(odd, sign)) {
            good &= cxm_priv_place_numbers_c(places, group != NULL ? group + i : NULL, codes + i,
                                             x + i, 8, q + i, at + i);
            continue;
        }
        _mm256_storeu_si256((__m256i *)(void *)(q + i), quanta(a, low));
        _mm256_storeu_si256((__m256i *)(void *)(q + i + 4), quanta(b, low));
        __m256i cell = _mm256_mullo_epi32(_mm256_cvtepu16_epi32(code), room);
        cell = _mm256_add_epi32(cell, one);
        if (group != NULL)
            cell = _mm256_add_epi32(
                cell, _mm256_loadu_si256((const __m256i *)(const void *)(group + i)));
        const __m256 upper = _mm256_shuffle_ps(_mm256_castsi256_ps(left),
                                               _mm256_castsi256_ps(right), 0xDD);
        const __m256i signs = _mm256_srai_epi32(
            _mm256_permute4x64_epi64(_mm256_castps_si256(upper), 0xD8), 31);
        cell = _mm256_add_epi32(cell, _mm256_and_si256(signs, negative));
        _mm256_storeu_si256((__m256i *)(void *)(at + i), cell);
    }
    return cxm_priv_place_numbers_c(places, group != NULL ? group + i : NULL, codes + i, x + i,
                                    n - i, q + i, at + i)
        && good;
}

__attribute__((target("avx2"))) bool
cxm_priv_add_moments_avx2(uint64_t *cells, const uint64_t *q, const uint32_t *at, size_t n,
                          struct cxm_asking asking)
{
    enum { NO = -128 }; /* a byte of zeros */
    /* words 0-3: b 1, a 1, b b, b b; words 4-7: a b, a b, a a, a a */
    const __m256i low_x = _mm256_set_epi64x(0, 0, 32, 0), high_x = _mm256_set1_epi64x(32);
    const __m256i high_y = _mm256_set_epi64x(32, 32, 0, 0);
    const __m256i one = _mm256_set1_epi64x(1);
    const __m256i count = _mm256_set_epi64x((int64_t)1 << 48, 0, 0, 0);
    const __m256i halves = _mm256_set_epi8(
        NO, NO, NO, NO, 15, 14, 13, 12, NO, NO, NO, NO, 3, 2, 1, 0,
        NO, NO, NO, NO, 15, 14, 13, 12, NO, NO, NO, NO, 3, 2, 1, 0);
    const __m256i low_halves = _mm256_set_epi8(
        NO, NO, NO, NO, 15, 14, 13, 12, NO, NO, NO, NO, 3, 2, 1, 0,
        15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m256i any = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i++) {
        cxm_priv_ask(asking, i);
        const __m256i v = _mm256_set1_epi64x((int64_t)q[i]);
        const __m256i low = _mm256_mul_epu32(_mm256_srlv_epi64(v, low_x),
                                             _mm256_blend_epi32(one, v, 0xF0));
        const __m256i high = _mm256_mul_epu32(_mm256_srlv_epi64(v, high_x),
                                              _mm256_srlv_epi64(v, high_y));
        __m256i *p = (__m256i *)(void *)(cells + (size_t)at[i] * CXM_MOMENT_WORDS);
        const __m256i first = _mm256_shuffle_epi8(low, low_halves);
        const __m256i second = _mm256_or_si256(_mm256_shuffle_epi8(high, halves), count);
        _mm256_storeu_si256(p, _mm256_add_epi64(_mm256_loadu_si256(p), first));
        const __m256i upper = _mm256_add_epi64(_mm256_loadu_si256(p + 1), second);
        any = _mm256_or_si256(any, upper);
        _mm256_storeu_si256(p + 1, upper);
    }
    return (_mm256_movemask_pd(_mm256_castsi256_pd(any)) & 8) != 0;
}

__attribute__((target("avx2"))) bool
cxm_priv_all_within_avx2(const double *x, size_t n, double low, double high)
{
    const __m256d least = _mm256_set1_pd(low), most = _mm256_set1_pd(high);
    __m256d odd = _mm256_setzero_pd();
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const __m256d value = _mm256_loadu_pd(x + i);
        odd = _mm256_or_pd(odd, _mm256_cmp_pd(value, least, _CMP_NGE_UQ));
        odd = _mm256_or_pd(odd, _mm256_cmp_pd(value, most, _CMP_NLE_UQ));
    }
    return _mm256_movemask_pd(odd) == 0 && cxm_priv_all_within_c(x + i, n - i, low, high);
}

#else
typedef int cxm_no_x86;
#endif
