/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is missing among numbers, with AVX2: NaN, codes, and bitmaps, of which each bit becomes a byte.
 * The C loops beside which these stand have to turn lanes of 64 bits into bytes with what every
 * processor has: NaN cost a mean half of its time again. */
#include "column/decode.h"

#if CXM_COLUMN_X86

#include <float.h>
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

/* Lanes of four doubles in order: those of a, b in each half of a vector go together when packed. */
TARGET static inline __m256i pack(__m256i a, __m256i b)
{
    const __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xD8);
}

/* Small numbers in 4 lanes each as 16 bytes. */
TARGET static inline __m128i bytes_of(const __m256i x[4])
{
    const __m256i words = _mm256_permute4x64_epi64(
        _mm256_packs_epi32(pack(x[0], x[1]), pack(x[2], x[3])), 0xD8);
    return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

TARGET static inline __m256i state_of(__m256d v)
{
    const __m256i missing = _mm256_set1_epi64x(CXM_ROW_MISSING);
    const __m256i invalid = _mm256_set1_epi64x(CXM_ROW_INVALID);
    const __m256d size = _mm256_andnot_pd(_mm256_set1_pd(-0.0), v);
    const __m256d nan = _mm256_cmp_pd(v, v, _CMP_UNORD_Q);
    const __m256d infinite = _mm256_cmp_pd(size, _mm256_set1_pd(DBL_MAX), _CMP_GT_OQ);
    return _mm256_or_si256(_mm256_and_si256(_mm256_castpd_si256(nan), missing),
                           _mm256_and_si256(_mm256_castpd_si256(infinite), invalid));
}

TARGET size_t cxm_priv_classify_avx2(const double *values, size_t n, uint8_t *states)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i x[4];
        for (size_t k = 0; k < 4; k++)
            x[k] = state_of(_mm256_loadu_pd(values + i + 4 * k));
        _mm_storeu_si128((__m128i *)(void *)(states + i), bytes_of(x));
    }
    return i;
}

TARGET size_t cxm_priv_mark_code_avx2(const double *values, size_t n, double code, uint8_t *states)
{
    const __m128i missing = _mm_set1_epi8(CXM_ROW_MISSING);
    const __m256d wanted = _mm256_set1_pd(code);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i x[4];
        for (size_t k = 0; k < 4; k++)
            x[k] = _mm256_castpd_si256(
                _mm256_cmp_pd(_mm256_loadu_pd(values + i + 4 * k), wanted, _CMP_EQ_OQ));
        __m128i *const out = (__m128i *)(void *)(states + i);
        _mm_storeu_si128(out, _mm_blendv_epi8(_mm_loadu_si128(out), missing, bytes_of(x)));
    }
    return i;
}

TARGET size_t cxm_priv_blank_avx2(double *values, const uint8_t *states, size_t n, double nan)
{
    const __m256d blank = _mm256_set1_pd(nan);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        int32_t four;
        memcpy(&four, states + i, sizeof four);
        const __m256i used = _mm256_cmpeq_epi64(_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four)),
                                                _mm256_setzero_si256());
        _mm256_storeu_pd(values + i, _mm256_blendv_pd(blank, _mm256_loadu_pd(values + i),
                                                      _mm256_castsi256_pd(used)));
    }
    return i;
}

TARGET void cxm_priv_mark_nulls_avx2(uint64_t null, uint8_t *states)
{
    const __m256i of_byte = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                             2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3);
    const __m256i bit = _mm256_set1_epi64x((int64_t)0x8040201008040201u);
    const __m256i missing = _mm256_set1_epi8(CXM_ROW_MISSING);
    for (size_t i = 0; i < 64; i += 32) {
        const __m256i word = _mm256_set1_epi32((int32_t)(uint32_t)(null >> i));
        const __m256i bytes = _mm256_shuffle_epi8(word, of_byte);
        const __m256i are = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit), bit);
        __m256i *const out = (__m256i *)(void *)(states + i);
        _mm256_storeu_si256(out, _mm256_blendv_epi8(_mm256_loadu_si256(out), missing, are));
    }
}

TARGET void cxm_priv_mark_null_codes_avx2(uint64_t null, uint16_t missing, uint16_t *codes)
{
    const __m256i bit = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192,
                                          16384, INT16_MIN);
    const __m256i other = _mm256_set1_epi16((int16_t)missing);
    for (size_t i = 0; i < 64; i += 16) {
        const __m256i word = _mm256_set1_epi16((int16_t)(uint16_t)(null >> i));
        const __m256i are = _mm256_cmpeq_epi16(_mm256_and_si256(word, bit), bit);
        __m256i *const out = (__m256i *)(void *)(codes + i);
        _mm256_storeu_si256(out, _mm256_blendv_epi8(_mm256_loadu_si256(out), other, are));
    }
}

#else
typedef int cxm_no_x86;
#endif
