/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops of selection with AVX-512: eight numbers at a time, packed by the instructions that
 * compress a vector (in registers: compressing into memory is slow on some processors). */
#include "derive/select_kernels.h"

#if CXM_SELECT_X86

#include <float.h>
#include <immintrin.h>

#define TARGET CXM_TARGET("avx512f,avx512dq,avx512vl,avx512bw,avx512vbmi2")

TARGET bool cxm_priv_select_index_avx512(const struct cxm_select_map *map, const double *x,
                                         const uint32_t *codes, size_t n, uint32_t *index)
{
    const __m512d near = _mm512_set1_pd(map->near), huge = _mm512_set1_pd(DBL_MAX);
    const __m512d none = _mm512_setzero_pd();
    const __m512i zero = _mm512_castpd_si512(near), base = _mm512_set1_epi64(map->base);
    const __m512i last = _mm512_set1_epi64(((int64_t)1 << map->bits) - 1);
    const __m128i shift = _mm_cvtsi32_si128((int)map->shift);
    const __m256i pitch = _mm256_set1_epi32((int)cxm_priv_select_pitch(map));
    const __m256i groups = _mm256_set1_epi32((int)map->n_groups);
    __mmask8 finite = 0xFF;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m512d v = _mm512_loadu_pd(x + i), size = _mm512_abs_pd(v);
        finite &= _mm512_cmp_pd_mask(size, huge, _CMP_LE_OQ);
        const __m512i grown = _mm512_castpd_si512(_mm512_add_pd(size, near));
        __m512i place = _mm512_sub_epi64(grown, zero);
        place = _mm512_mask_sub_epi64(place, _mm512_cmp_pd_mask(v, none, _CMP_LT_OQ), zero, grown);
        __m512i bucket = _mm512_sub_epi64(_mm512_max_epi64(place, base), base);
        bucket = _mm512_min_epu64(_mm512_srl_epi64(bucket, shift), last);
        __m256i at = _mm512_cvtepi64_epi32(bucket);
        if (codes != NULL) {
            const __m256i code = _mm256_loadu_si256((const __m256i *)(const void *)(codes + i));
            at = _mm256_add_epi32(at, _mm256_mullo_epi32(_mm256_min_epu32(code, groups), pitch));
        }
        _mm256_storeu_si256((__m256i *)(void *)(index + i), at);
    }
    return cxm_priv_select_index_c(map, x + i, codes != NULL ? codes + i : NULL, n - i, index + i)
        && finite == 0xFF;
}

TARGET static inline __m512i words_of(const double *x)
{
    const __m512d v = _mm512_add_pd(_mm512_loadu_pd(x), _mm512_setzero_pd());
    const __m512i bits = _mm512_castpd_si512(v);
    const __m512i sign = _mm512_srai_epi64(bits, 63);
    return _mm512_xor_si512(bits, _mm512_or_si512(sign, _mm512_set1_epi64(INT64_MIN)));
}

/* Of eight rows that are wanted, those whose word is not the pivot of their bracket. */
TARGET static inline __mmask8 others_of(const double *x, const uint16_t *cells,
                                        const uint64_t *pivots, __mmask8 wanted)
{
    const __m128i brackets = _mm_srli_epi16(_mm_loadu_si128((const __m128i *)(const void *)cells), 1);
    const __m512i of_rows = _mm512_i32gather_epi64(_mm256_cvtepu16_epi32(brackets), pivots, 8);
    return _mm512_mask_cmpneq_epu64_mask(wanted, of_rows, words_of(x));
}

TARGET static size_t pick_others(const double *x, const uint16_t *cells, const uint64_t *pivots,
                                 size_t n, uint64_t *words, uint16_t *picked)
{
    const __m128i odd = _mm_set1_epi16(1);
    size_t used = 0, i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m128i cell = _mm_loadu_si128((const __m128i *)(const void *)(cells + i));
        __mmask8 wanted = _mm_test_epi16_mask(cell, odd);
        if (wanted == 0 || (wanted = others_of(x + i, cells + i, pivots, wanted)) == 0)
            continue;
        _mm_storeu_si128((__m128i *)(void *)(picked + used), _mm_maskz_compress_epi16(wanted, cell));
        _mm512_storeu_si512(words + used, _mm512_maskz_compress_epi64(wanted, words_of(x + i)));
        used += (unsigned)__builtin_popcount(wanted);
    }
    return used + cxm_priv_select_pick_c(x + i, cells + i, pivots, n - i, words + used,
                                         picked + used);
}

TARGET size_t cxm_priv_select_pick_avx512(const double *x, const uint16_t *cells,
                                          const uint64_t *pivots, size_t n, uint64_t *words,
                                          uint16_t *picked)
{
    const __m512i odd = _mm512_set1_epi16(1);
    size_t used = 0, i = 0;
    if (pivots != NULL)
        return pick_others(x, cells, pivots, n, words, picked);
    for (; i + 32 <= n; i += 32) {
        const __m512i cell = _mm512_loadu_si512(cells + i);
        const __mmask32 wanted = _mm512_test_epi16_mask(cell, odd);
        if (wanted == 0)
            continue;
        _mm512_storeu_si512(picked + used, _mm512_maskz_compress_epi16(wanted, cell));
        for (unsigned k = 0; k < 32; k += 8) {
            const __mmask8 eight = (__mmask8)(wanted >> k);
            _mm512_storeu_si512(words + used, _mm512_maskz_compress_epi64(eight,
                                                                          words_of(x + i + k)));
            used += (unsigned)__builtin_popcount(eight);
        }
    }
    return used + cxm_priv_select_pick_c(x + i, cells + i, NULL, n - i, words + used, picked + used);
}

TARGET void cxm_priv_select_range_avx512(const void *values, size_t n, size_t bytes, uint64_t flip,
                                         uint64_t *least, uint64_t *most)
{
    if (bytes < 4) {
        cxm_priv_select_range_avx2(values, n, bytes, flip, least, most);
        return;
    }
    const bool wide = bytes == 8;
    const unsigned char *from = values;
    const size_t each = wide ? 8 : 16;
    const __m512i flips = wide ? _mm512_set1_epi64((int64_t)flip)
                               : _mm512_set1_epi32((int)(uint32_t)flip);
    __m512i low = _mm512_set1_epi64(-1), high = _mm512_setzero_si512();
    size_t i = 0;
    for (; wide && i + each <= n; i += each) {
        const __m512i v = _mm512_xor_si512(_mm512_loadu_si512(from + 8 * i), flips);
        low = _mm512_min_epu64(low, v);
        high = _mm512_max_epu64(high, v);
    }
    for (; !wide && i + each <= n; i += each) {
        const __m512i v = _mm512_xor_si512(_mm512_loadu_si512(from + 4 * i), flips);
        low = _mm512_min_epu32(low, v);
        high = _mm512_max_epu32(high, v);
    }
    cxm_priv_select_range_c(from + bytes * i, n - i, bytes, flip, least, most);
    if (i == 0)
        return;
    const uint64_t a = wide ? _mm512_reduce_min_epu64(low) : _mm512_reduce_min_epu32(low);
    const uint64_t b = wide ? _mm512_reduce_max_epu64(high) : _mm512_reduce_max_epu32(high);
    *least = a < *least ? a : *least;
    *most = b > *most ? b : *most;
}

#else
typedef int cxm_no_x86;
#endif
