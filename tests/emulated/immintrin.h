/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * AVX-512 in functions, for processors that do not have it: a build with -Demulate_avx512=true finds this
 * <immintrin.h> before the compiler's, and its tests run the variants of AVX-512 on any processor with AVX2.
 * SIMDe has most instructions; here are those that its version 0.7.4 lacks, lane by lane as in Intel's manual. */
#ifndef CXM_EMULATED_IMMINTRIN_H
#define CXM_EMULATED_IMMINTRIN_H

#pragma GCC system_header

#include_next <immintrin.h>

#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/gfni.h>

#include <stdint.h>
#include <string.h>

#define __m512 simde__m512
#define __m512d simde__m512d
#define __m512i simde__m512i

#define CXM_EMULATED static inline __attribute__((unused))

/* ---- every lane of x becomes one of another width ---------------------------------------- */

#define CXM_CONVERT(name, result, to, n, given, from)                                              \
    CXM_EMULATED result cxm_emulated_##name(given v)                                               \
    {                                                                                              \
        from x[sizeof v / sizeof(from)];                                                           \
        to y[sizeof(result) / sizeof(to)] = { 0 };                                                 \
        result out;                                                                                \
        memcpy(x, &v, sizeof v);                                                                   \
        for (int i = 0; i < (n); i++)                                                              \
            y[i] = (to)x[i];                                                                       \
        memcpy(&out, y, sizeof out);                                                               \
        return out;                                                                                \
    }

CXM_CONVERT(cvtepi32_epi8, __m128i, uint8_t, 16, __m512i, uint32_t)
CXM_CONVERT(cvtepi32_epi16, __m256i, uint16_t, 16, __m512i, uint32_t)
CXM_CONVERT(cvtepi32_epi64, __m512i, int64_t, 8, __m256i, int32_t)
CXM_CONVERT(cvtepi64_epi8, __m128i, uint8_t, 8, __m512i, uint64_t)
CXM_CONVERT(cvtepi64_epi16, __m128i, uint16_t, 8, __m512i, uint64_t)
CXM_CONVERT(cvtepi64_epi32, __m256i, uint32_t, 8, __m512i, uint64_t)
CXM_CONVERT(cvtepu8_epi16, __m512i, uint16_t, 32, __m256i, uint8_t)
CXM_CONVERT(cvtepu8_epi32, __m512i, uint32_t, 16, __m128i, uint8_t)
CXM_CONVERT(cvtepu8_epi64, __m512i, uint64_t, 8, __m128i, uint8_t)
CXM_CONVERT(cvtepu16_epi32, __m512i, uint32_t, 16, __m256i, uint16_t)
CXM_CONVERT(cvtepu32_epi64, __m512i, uint64_t, 8, __m256i, uint32_t)
#define _mm512_cvtepi32_epi8 cxm_emulated_cvtepi32_epi8
#define _mm512_cvtepi32_epi16 cxm_emulated_cvtepi32_epi16
#define _mm512_cvtepi32_epi64 cxm_emulated_cvtepi32_epi64
#define _mm512_cvtepi64_epi8 cxm_emulated_cvtepi64_epi8
#define _mm512_cvtepi64_epi16 cxm_emulated_cvtepi64_epi16
#define _mm512_cvtepi64_epi32 cxm_emulated_cvtepi64_epi32
#define _mm512_cvtepu8_epi16 cxm_emulated_cvtepu8_epi16
#define _mm512_cvtepu8_epi32 cxm_emulated_cvtepu8_epi32
#define _mm512_cvtepu8_epi64 cxm_emulated_cvtepu8_epi64
#define _mm512_cvtepu16_epi32 cxm_emulated_cvtepu16_epi32
#define _mm512_cvtepu32_epi64 cxm_emulated_cvtepu32_epi64

/* ---- a bit for every pair of lanes that compare so ----------------------------------------- */

#define CXM_COMPARE(name, mask, vector, lane, operation)                                           \
    CXM_EMULATED mask cxm_emulated_##name(vector a, vector b)                                      \
    {                                                                                              \
        lane x[sizeof a / sizeof(lane)], y[sizeof a / sizeof(lane)];                               \
        mask out = 0;                                                                              \
        memcpy(x, &a, sizeof a);                                                                   \
        memcpy(y, &b, sizeof b);                                                                   \
        for (size_t i = 0; i < sizeof a / sizeof(lane); i++)                                       \
            out = (mask)(out | (mask)(x[i] operation y[i]) << i);                                  \
        return out;                                                                                \
    }

CXM_COMPARE(cmplt_epu16, __mmask16, __m256i, uint16_t, <)
CXM_COMPARE(cmpeq_128, __mmask8, __m128i, uint16_t, ==)
CXM_COMPARE(cmpeq_epi16, __mmask32, __m512i, uint16_t, ==)
CXM_COMPARE(cmpneq_epi32, __mmask16, __m512i, uint32_t, !=)
CXM_COMPARE(cmpgt_epu64, __mmask8, __m512i, uint64_t, >)
CXM_COMPARE(cmplt_epu64, __mmask8, __m512i, uint64_t, <)
CXM_COMPARE(cmplt_epi64, __mmask8, __m512i, int64_t, <)
CXM_COMPARE(cmpneq_epu64, __mmask8, __m512i, uint64_t, !=)
#define _mm256_cmplt_epu16_mask cxm_emulated_cmplt_epu16
#define _mm512_cmpeq_epi16_mask cxm_emulated_cmpeq_epi16
#define _mm512_cmpneq_epi32_mask cxm_emulated_cmpneq_epi32
#define _mm512_cmpgt_epu64_mask cxm_emulated_cmpgt_epu64
#define _mm512_cmplt_epu64_mask cxm_emulated_cmplt_epu64
#define _mm512_cmplt_epi64_mask cxm_emulated_cmplt_epi64
#define _mm_test_epi16_mask(a, b) ((__mmask8)~cxm_emulated_cmpeq_128(_mm_and_si128(a, b), _mm_setzero_si128()))
#define _mm512_mask_cmplt_epu64_mask(k, a, b) ((__mmask8)((k) & cxm_emulated_cmplt_epu64(a, b)))
#define _mm512_mask_cmpneq_epu64_mask(k, a, b) ((__mmask8)((k) & cxm_emulated_cmpneq_epu64(a, b)))
#undef _mm512_mask_cmp_ps_mask
#undef _mm512_mask_cmp_pd_mask
#define _mm512_mask_cmp_ps_mask(k, a, b, how) ((__mmask16)((k) & _mm512_cmp_ps_mask(a, b, how)))
#define _mm512_mask_cmp_pd_mask(k, a, b, how) ((__mmask8)((k) & _mm512_cmp_pd_mask(a, b, how)))
#define _mm512_kunpackd(high, low) ((__mmask64)(high) << 32 | (__mmask32)(low))
#define _mm512_kunpackw(high, low) ((__mmask32)((__mmask32)(high) << 16 | (__mmask16)(low)))

/* ---- memory of the lanes whose bit is set; that of the others is not touched --------------- */

#define CXM_MEMORY(name, mask, vector, lane)                                                       \
    CXM_EMULATED vector cxm_emulated_load_##name(vector otherwise, mask k, const void *from)       \
    {                                                                                              \
        lane x[sizeof otherwise / sizeof(lane)];                                                   \
        vector out;                                                                                \
        memcpy(x, &otherwise, sizeof x);                                                           \
        for (size_t i = 0; i < sizeof x / sizeof(lane); i++)                                       \
            if ((k >> i & 1) != 0)                                                                 \
                memcpy(x + i, (const lane *)from + i, sizeof(lane));                               \
        memcpy(&out, x, sizeof out);                                                               \
        return out;                                                                                \
    }                                                                                              \
    CXM_EMULATED void cxm_emulated_store_##name(void *to, mask k, vector v)                        \
    {                                                                                              \
        lane x[sizeof v / sizeof(lane)];                                                           \
        memcpy(x, &v, sizeof x);                                                                   \
        for (size_t i = 0; i < sizeof x / sizeof(lane); i++)                                       \
            if ((k >> i & 1) != 0)                                                                 \
                memcpy((lane *)to + i, x + i, sizeof(lane));                                       \
    }

CXM_MEMORY(epi8, __mmask64, __m512i, uint8_t)
CXM_MEMORY(epi32, __mmask16, __m512i, uint32_t)
CXM_MEMORY(epi64, __mmask8, __m512i, uint64_t)
CXM_MEMORY(pd, __mmask8, __m512d, double)
#define _mm512_maskz_loadu_epi8(k, from) cxm_emulated_load_epi8(_mm512_setzero_si512(), k, from)
#define _mm512_maskz_loadu_epi32(k, from) cxm_emulated_load_epi32(_mm512_setzero_si512(), k, from)
#define _mm512_maskz_loadu_pd(k, from) cxm_emulated_load_pd(_mm512_setzero_pd(), k, from)
#define _mm512_mask_loadu_epi64 cxm_emulated_load_epi64
#define _mm512_mask_loadu_pd cxm_emulated_load_pd
#define _mm512_mask_storeu_epi8 cxm_emulated_store_epi8
#define _mm512_mask_storeu_epi32 cxm_emulated_store_epi32

#define CXM_GATHER(name, indexes, index)                                                           \
    CXM_EMULATED __m512i cxm_emulated_##name(indexes at, const void *from, int scale)              \
    {                                                                                              \
        index places[8];                                                                           \
        uint64_t x[8];                                                                             \
        __m512i out;                                                                               \
        memcpy(places, &at, sizeof places);                                                        \
        for (int i = 0; i < 8; i++)                                                                \
            memcpy(x + i, (const char *)from + (int64_t)places[i] * scale, sizeof x[i]);           \
        memcpy(&out, x, sizeof out);                                                               \
        return out;                                                                                \
    }

CXM_GATHER(i32gather, __m256i, int32_t)
CXM_GATHER(i64gather, __m512i, int64_t)
#undef _mm512_i32gather_epi64
#undef _mm512_i64gather_epi64
#define _mm512_i32gather_epi64 cxm_emulated_i32gather
#define _mm512_i64gather_epi64 cxm_emulated_i64gather

/* ---- all lanes to one number ----------------------------------------------------------------- */

#define CXM_REDUCE(name, lane, expression)                                                         \
    CXM_EMULATED lane cxm_emulated_##name(__m512i v)                                               \
    {                                                                                              \
        lane x[sizeof v / sizeof(lane)];                                                           \
        memcpy(x, &v, sizeof x);                                                                   \
        lane all = x[0];                                                                           \
        for (size_t i = 1; i < sizeof x / sizeof(lane); i++)                                       \
            all = (expression);                                                                    \
        return all;                                                                                \
    }

CXM_REDUCE(reduce_add_epi64, uint64_t, all + x[i])
CXM_REDUCE(reduce_or_epi32, uint32_t, all | x[i])
CXM_REDUCE(reduce_max_epu32, uint32_t, all > x[i] ? all : x[i])
CXM_REDUCE(reduce_min_epu32, uint32_t, all < x[i] ? all : x[i])
CXM_REDUCE(reduce_max_epu64, uint64_t, all > x[i] ? all : x[i])
CXM_REDUCE(reduce_min_epu64, uint64_t, all < x[i] ? all : x[i])
#define _mm512_reduce_add_epi64(v) ((int64_t)cxm_emulated_reduce_add_epi64(v))
#define _mm512_reduce_or_epi32(v) ((int)cxm_emulated_reduce_or_epi32(v))
#define _mm512_reduce_max_epu32 cxm_emulated_reduce_max_epu32
#define _mm512_reduce_min_epu32 cxm_emulated_reduce_min_epu32
#define _mm512_reduce_max_epu64 cxm_emulated_reduce_max_epu64
#define _mm512_reduce_min_epu64 cxm_emulated_reduce_min_epu64

/* ---- lanes in other places ---------------------------------------------------------------- */

/* Every four lanes of 64 bits are those of `v` that two bits of `order` each name; with `blocks`
 * the same of the four blocks of 128 bits, the upper two from `w`. */
CXM_EMULATED __m512i cxm_emulated_permute(__m512i v, __m512i w, int order, int blocks)
{
    uint64_t x[8], y[8], z[8];
    __m512i out;
    memcpy(x, &v, sizeof x);
    memcpy(y, &w, sizeof y);
    for (int i = 0; i < 8; i++)
        z[i] = !blocks ? x[(i & 4) + (order >> 2 * (i & 3) & 3)]
                       : (i < 4 ? x : y)[2 * (order >> 2 * (i / 2) & 3) + i % 2];
    memcpy(&out, z, sizeof out);
    return out;
}
#undef _mm512_permutex_epi64
#undef _mm512_shuffle_i64x2
#define _mm512_permutex_epi64(v, order) cxm_emulated_permute(v, v, order, 0)
#define _mm512_shuffle_i64x2(v, w, order) cxm_emulated_permute(v, w, order, 1)

#define CXM_COMPRESS(name, mask, vector)                                                           \
    CXM_EMULATED vector cxm_emulated_##name(mask k, vector v)                                      \
    {                                                                                              \
        uint16_t x[sizeof v / 2], y[sizeof v / 2] = { 0 };                                         \
        vector out;                                                                                \
        memcpy(x, &v, sizeof x);                                                                   \
        for (size_t i = 0, n = 0; i < sizeof v / 2; i++)                                           \
            if ((k >> i & 1) != 0)                                                                 \
                y[n++] = x[i];                                                                     \
        memcpy(&out, y, sizeof out);                                                               \
        return out;                                                                                \
    }

CXM_COMPRESS(compress_128, __mmask8, __m128i)
CXM_COMPRESS(compress_512, __mmask32, __m512i)
#define _mm_maskz_compress_epi16 cxm_emulated_compress_128
#define _mm512_maskz_compress_epi16 cxm_emulated_compress_512

/* ---- shifts ------------------------------------------------------------------------------- */

CXM_EMULATED __m512i cxm_emulated_srai_epi64(__m512i v, unsigned by)
{
    int64_t x[8];
    __m512i out;
    memcpy(x, &v, sizeof x);
    for (int i = 0; i < 8; i++)
        x[i] >>= by > 63 ? 63 : by;
    memcpy(&out, x, sizeof out);
    return out;
}
#undef _mm512_srai_epi64
#define _mm512_srai_epi64 cxm_emulated_srai_epi64
#define _mm512_mask_srlv_epi64(otherwise, k, v, by) _mm512_mask_mov_epi64(otherwise, k, _mm512_srlv_epi64(v, by))

#endif
