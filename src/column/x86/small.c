/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Small whole numbers with AVX-512. Floats: adding 1.5 2^23 leaves a whole number in the low
 * bits; subtracting it again gives the value back when it was one. */
#include "column/decode.h"
#include "column/small.h"

#if CXM_COLUMN_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw")))

TARGET bool cxm_priv_small_bytes_avx512(const uint8_t *bytes, size_t n, uint8_t lowest,
                                        uint8_t highest)
{
    const __m512i from = _mm512_set1_epi8((char)lowest);
    __m512i largest = _mm512_setzero_si512();
    size_t i = 0;
    for (; i + 64 <= n; i += 64)
        largest = _mm512_max_epu8(largest, _mm512_sub_epi8(_mm512_loadu_si512(bytes + i), from));
    if (i < n) {
        const __mmask64 there = ((__mmask64)1 << (n - i)) - 1;
        const __m512i last = _mm512_maskz_loadu_epi8(there, bytes + i);
        largest = _mm512_mask_max_epu8(largest, there, largest, _mm512_sub_epi8(last, from));
    }
    const __m512i most = _mm512_set1_epi8((char)(highest - lowest));
    return _mm512_cmpgt_epu8_mask(largest, most) == 0;
}

struct seen {
    __mmask16 odd;      /* is any no whole number … */
    __m512i largest;    /* … or too large? */
};

/* 16 floats as whole numbers from the lowest on, in 32 bits. */
TARGET static inline __m512i whole(const unsigned char *from, __m512i lowest, struct seen *seen)
{
    const __m512 magic = _mm512_set1_ps(0x1.8p23f), v = _mm512_loadu_ps(from);
    const __m512 sum = _mm512_add_ps(v, magic);
    const __m512i k = _mm512_sub_epi32(_mm512_castps_si512(sum), lowest);
    seen->odd |= _mm512_cmp_ps_mask(_mm512_sub_ps(sum, magic), v, _CMP_NEQ_UQ);
    seen->largest = _mm512_max_epu32(seen->largest, k);
    return k;
}

TARGET bool cxm_priv_small_floats_avx512(const unsigned char *from, size_t n,
                                         const struct cxm_small_scale *scale, uint8_t *bytes)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i zero = _mm512_castps_si512(_mm512_set1_ps(0x1.8p23f));
    const __m512i lowest = _mm512_add_epi32(zero, _mm512_set1_epi32(scale->lowest));
    const __m512i above = _mm512_set1_epi8((char)(scale->lowest - scale->base));
    struct seen seen = { 0, _mm512_setzero_si512() };
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        const __m512i a = whole(from + 4 * i, lowest, &seen);
        const __m512i b = whole(from + 4 * i + 64, lowest, &seen);
        const __m512i c = whole(from + 4 * i + 128, lowest, &seen);
        const __m512i d = whole(from + 4 * i + 192, lowest, &seen);
        const __m512i four = _mm512_packus_epi16(_mm512_packus_epi32(a, b),
                                                 _mm512_packus_epi32(c, d));
        _mm512_storeu_si512(bytes + i,
                            _mm512_add_epi8(_mm512_permutexvar_epi32(order, four), above));
    }
    const uint32_t most = (uint32_t)(scale->highest - scale->lowest);
    return seen.odd == 0 && _mm512_reduce_max_epu32(seen.largest) <= most
        && cxm_priv_small_floats_c(from + 4 * i, n - i, scale, bytes + i);
}

#else
typedef int cxm_no_x86;
#endif
