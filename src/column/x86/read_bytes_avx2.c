/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of 64 bits as bytes with AVX2, 32 at a time: what NumPy and pandas make of most answers. The
 * halves of the numbers are gathered first, since AVX2 compares no unsigned numbers of 64 bits: one is near
 * the base where its high half is 0. Compilers narrow vector by vector, which takes twice as long. What is
 * left of the rows is read_bytes.c's. */
#include "column/decode.h"
#include "column/read_bytes.h"

#if CXM_COLUMN_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET static inline __attribute__((always_inline))

enum { ROWS = 32, LANES = 4, VECTORS = ROWS / LANES, AHEAD = 2048 };

INLINE __m256i load(const unsigned char *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

/* Memory is fetched across the ends of pages, where a processor does not look ahead by itself. */
INLINE void fetch(const unsigned char *from)
{
    for (uintptr_t line = 0; line < 8 * ROWS; line += 64)
        __builtin_prefetch((const void *)((uintptr_t)from + AHEAD + line), 0, 3);
}

/* The low halves (0x88) or the high ones (0xDD) of eight numbers: 0 1 4 5 2 3 6 7. */
#define HALVES(a, b, which)                                                                                  \
    _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), which))

/* Eight numbers as 32 bits each, no more than 255. */
INLINE __m256i near(__m256i a, __m256i b)
{
    const __m256i high = HALVES(a, b, 0xDD), ones = _mm256_set1_epi32(-1);
    const __m256i far = _mm256_xor_si256(_mm256_cmpeq_epi32(high, _mm256_setzero_si256()), ones);
    return _mm256_min_epu32(_mm256_or_si256(HALVES(a, b, 0x88), far), _mm256_set1_epi32(CXM_BYTE_NONE));
}

/* Bytes of which every two neighbours are right, in their order. */
INLINE __m256i in_order(__m256i bytes)
{
    const __m128i a = _mm256_castsi256_si128(bytes), b = _mm256_extracti128_si256(bytes, 1);
    return _mm256_set_m128i(_mm_unpackhi_epi16(a, b), _mm_unpacklo_epi16(a, b));
}

/* 32 numbers less the base as bytes; those that are not below n are CXM_BYTE_NONE. */
INLINE __m256i narrow(const __m256i k[VECTORS], __m256i n)
{
    const __m256i a = _mm256_packus_epi32(near(k[0], k[1]), near(k[2], k[3]));
    const __m256i b = _mm256_packus_epi32(near(k[4], k[5]), near(k[6], k[7]));
    const __m256i bytes = in_order(_mm256_packus_epi16(a, b));
    return _mm256_or_si256(bytes, _mm256_cmpeq_epi8(_mm256_max_epu8(bytes, n), bytes));
}

TARGET size_t cxm_priv_long_bytes_avx2(const unsigned char *from, size_t n, struct cxm_byte_window w,
                                       uint8_t *bytes)
{
    const __m256i base = _mm256_set1_epi64x(w.base), most = _mm256_set1_epi8((char)w.n);
    size_t i = 0;
    for (; i + ROWS <= n; i += ROWS, from += 8 * ROWS) {
        __m256i k[VECTORS];
        fetch(from);
        for (int part = 0; part < VECTORS; part++)
            k[part] = _mm256_sub_epi64(load(from + 32 * part), base);
        _mm256_storeu_si256((__m256i *)(void *)(bytes + i), narrow(k, most));
    }
    return i;
}

/* Bytes of ones where a number is none. */
INLINE __m256i nans_of(const unsigned char *from)
{
    __m256i nan[VECTORS];
    for (int part = 0; part < VECTORS; part++) {
        const __m256d v = _mm256_castsi256_pd(load(from + 32 * part));
        nan[part] = _mm256_castpd_si256(_mm256_cmp_pd(v, v, _CMP_UNORD_Q));
    }
    const __m256i a = _mm256_packs_epi32(HALVES(nan[0], nan[1], 0x88), HALVES(nan[2], nan[3], 0x88));
    const __m256i b = _mm256_packs_epi32(HALVES(nan[4], nan[5], 0x88), HALVES(nan[6], nan[7], 0x88));
    return in_order(_mm256_packs_epi16(a, b));
}

/* As in read_bytes.c; the bits of a sum that is beyond the window are far from those of its base. */
TARGET size_t cxm_priv_double_bytes_avx2(const unsigned char *from, size_t n, struct cxm_byte_window w,
                                         uint8_t *bytes)
{
    const __m256d magic = _mm256_set1_pd(0x1.8p52);
    const __m256i base = _mm256_set1_epi64x(0x4338000000000000 + (int64_t)w.base);
    const __m256i most = _mm256_set1_epi8((char)w.n);
    size_t i = 0;
    for (; i + ROWS <= n; i += ROWS, from += 8 * ROWS) {
        __m256i k[VECTORS];
        __m256d any_odd = _mm256_setzero_pd();
        fetch(from);
        for (int part = 0; part < VECTORS; part++) {
            const __m256d v = _mm256_castsi256_pd(load(from + 32 * part));
            const __m256d sum = _mm256_add_pd(v, magic);
            const __m256d odd = _mm256_cmp_pd(_mm256_sub_pd(sum, magic), v, _CMP_NEQ_UQ);
            any_odd = _mm256_or_pd(any_odd, odd);
            k[part] = _mm256_or_si256(_mm256_sub_epi64(_mm256_castpd_si256(sum), base),
                                      _mm256_castpd_si256(odd));
        }
        __m256i out = narrow(k, most);
        if (_mm256_movemask_pd(any_odd) != 0)
            out = _mm256_blendv_epi8(out, _mm256_set1_epi8((char)CXM_BYTE_MISSING), nans_of(from));
        _mm256_storeu_si256((__m256i *)(void *)(bytes + i), out);
    }
    return i;
}

#else
typedef int cxm_no_x86;
#endif
