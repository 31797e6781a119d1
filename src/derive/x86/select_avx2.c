/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops of selection with AVX2: four numbers at a time. What an instruction of AVX-512 packs
 * is here taken row by row, from the bits of 64. */
#include "derive/select_kernels.h"

#if CXM_SELECT_X86

#include <float.h>
#include <immintrin.h>

#define TARGET __attribute__((target("avx2,popcnt")))

enum { LANES = 4 };

TARGET static inline __m256i loaded(const void *from)
{
    return _mm256_loadu_si256(from);
}

TARGET bool cxm_priv_select_index_avx2(const struct cxm_select_map *map, const double *x,
                                       const uint32_t *codes, size_t n, uint32_t *index)
{
    const __m256d near = _mm256_set1_pd(map->near), huge = _mm256_set1_pd(DBL_MAX);
    const __m256d sign = _mm256_set1_pd(-0.0), none = _mm256_setzero_pd();
    const __m256i zero = _mm256_castpd_si256(near), base = _mm256_set1_epi64x(map->base);
    const __m256i last = _mm256_set1_epi64x(((int64_t)1 << map->bits) - 1);
    const __m128i shift = _mm_cvtsi32_si128((int)map->shift);
    const __m128i bits = _mm_cvtsi32_si128((int)map->bits);
    const __m128i pitch = _mm_set1_epi32((int)cxm_priv_select_pitch(map));
    const __m128i groups = _mm_set1_epi32((int)map->n_groups);
    const __m256i even = _mm256_set_epi32(0, 0, 0, 0, 6, 4, 2, 0);
    __m256d finite = _mm256_castsi256_pd(_mm256_set1_epi64x(-1));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m256d v = _mm256_loadu_pd(x + i), size = _mm256_andnot_pd(sign, v);
        finite = _mm256_and_pd(finite, _mm256_cmp_pd(size, huge, _CMP_LE_OQ));
        const __m256i below = _mm256_castpd_si256(_mm256_cmp_pd(v, none, _CMP_LT_OQ));
        __m256i place = _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(size, near)), zero);
        place = _mm256_sub_epi64(_mm256_xor_si256(place, below), below);
        place = _mm256_blendv_epi8(place, base, _mm256_cmpgt_epi64(base, place));
        __m256i bucket = _mm256_srl_epi64(_mm256_sub_epi64(place, base), shift);
        const __m256i inside = _mm256_cmpeq_epi64(_mm256_srl_epi64(bucket, bits),
                                                  _mm256_setzero_si256());
        bucket = _mm256_blendv_epi8(last, bucket, inside);
        __m128i at = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bucket, even));
        if (codes != NULL) {
            const __m128i code = _mm_loadu_si128((const void *)(codes + i));
            at = _mm_add_epi32(at, _mm_mullo_epi32(_mm_min_epu32(code, groups), pitch));
        }
        _mm_storeu_si128((void *)(index + i), at);
    }
    return cxm_priv_select_index_c(map, x + i, codes != NULL ? codes + i : NULL, n - i, index + i)
        && _mm256_movemask_pd(finite) == 15;
}

/* Of 64 rows, whose cell is odd, a bit each. */
TARGET static inline uint64_t odd_of(const uint16_t *cells)
{
    uint64_t odd = 0;
    for (unsigned k = 0; k < 64; k += 32) {
        const __m256i a = _mm256_slli_epi16(loaded(cells + k), 15);
        const __m256i b = _mm256_slli_epi16(loaded(cells + k + 16), 15);
        /* packed to bytes, 0x8000 becomes a sign; lanes of 128 bits are packed by themselves */
        const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packs_epi16(a, b), 0xD8);
        odd |= (uint64_t)(uint32_t)_mm256_movemask_epi8(bytes) << k;
    }
    return odd;
}

/* Few rows are wanted: 64 are looked at together, and those that are are taken one by one. A branch for
 * every four would be guessed wrong as often as not. */
TARGET size_t cxm_priv_select_pick_avx2(const double *x, const uint16_t *cells,
                                        const uint64_t *pivots, size_t n, uint64_t *words,
                                        uint16_t *picked)
{
    enum { BLOCK = 64 };
    size_t used = 0, i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        for (uint64_t odd = odd_of(cells + i); odd != 0; odd &= odd - 1) {
            const size_t at = i + (unsigned)__builtin_ctzll(odd);
            const uint64_t word = cxm_priv_select_word(x[at]);
            const uint16_t cell = cells[at];
            words[used] = word;
            picked[used] = cell;
            used += pivots == NULL || pivots[cell / 2] != word;
        }
    }
    return used + cxm_priv_select_pick_c(x + i, cells + i, pivots, n - i, words + used,
                                         picked + used);
}

/* ---- ranges ----------------------------------------------------------------------------- */

/* The least of vectors of numbers of `bytes` each, in a few steps by halves; the rest in C. */
TARGET static inline __m256i least_of(__m256i a, __m256i b, size_t bytes)
{
    const __m256i top = _mm256_set1_epi64x(INT64_MIN);
    switch (bytes) {
    case 1: return _mm256_min_epu8(a, b);
    case 2: return _mm256_min_epu16(a, b);
    case 4: return _mm256_min_epu32(a, b);
    default:
        return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(_mm256_xor_si256(a, top),
                                                           _mm256_xor_si256(b, top)));
    }
}

TARGET static inline __m256i most_of(__m256i a, __m256i b, size_t bytes)
{
    const __m256i all = _mm256_set1_epi64x(-1);
    return _mm256_xor_si256(least_of(_mm256_xor_si256(a, all), _mm256_xor_si256(b, all), bytes),
                            all);
}

TARGET static inline __m256i repeat(uint64_t flip, size_t bytes)
{
    return bytes == 1 ? _mm256_set1_epi8((char)flip) : bytes == 2 ? _mm256_set1_epi16((short)flip)
         : bytes == 4 ? _mm256_set1_epi32((int)flip) : _mm256_set1_epi64x((int64_t)flip);
}

/* bytes is a constant where this is called. */
TARGET __attribute__((always_inline)) static inline void
range_of(const unsigned char *from, size_t n, size_t bytes, uint64_t flip, uint64_t *least,
         uint64_t *most)
{
    const size_t each = sizeof(__m256i) / bytes;
    const __m256i flips = repeat(flip, bytes);
    __m256i low = _mm256_set1_epi64x(-1), high = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + each <= n; i += each) {
        const __m256i v = _mm256_xor_si256(loaded(from + bytes * i), flips);
        low = least_of(low, v, bytes);
        high = most_of(high, v, bytes);
    }
    unsigned char ends[2 * sizeof(__m256i)];
    uint64_t of_vectors[4];
    _mm256_storeu_si256((void *)ends, low);
    _mm256_storeu_si256((void *)(ends + sizeof low), high);
    cxm_priv_select_range_c(ends, each, bytes, 0, &of_vectors[0], &of_vectors[1]);
    cxm_priv_select_range_c(ends + sizeof low, each, bytes, 0, &of_vectors[2], &of_vectors[3]);
    cxm_priv_select_range_c(from + bytes * i, n - i, bytes, flip, least, most);
    *least = of_vectors[0] < *least ? of_vectors[0] : *least;
    *most = of_vectors[3] > *most ? of_vectors[3] : *most;
}

TARGET void cxm_priv_select_range_avx2(const void *values, size_t n, size_t bytes, uint64_t flip,
                                       uint64_t *least, uint64_t *most)
{
    switch (bytes) {
    case 1: range_of(values, n, 1, flip, least, most); break;
    case 2: range_of(values, n, 2, flip, least, most); break;
    case 4: range_of(values, n, 4, flip, least, most); break;
    default: range_of(values, n, 8, flip, least, most);
    }
}

#else
typedef int cxm_no_x86;
#endif
