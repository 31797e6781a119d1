/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers into cells. Eight of the band that nearly all are in become whole numbers at once; where
 * one of the eight is elsewhere, they take the C road. A cell is slim, one vector: one load, one
 * addition and one store a row. What is added is made of four numbers at once, word by word, and
 * turned into rows. */
#include "tally/x86/moments_avx2.h"

#if CXM_X86

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
cxm_priv_place_weights_avx2(const struct cxm_places *places, const uint32_t *group,
                            const uint16_t *codes, const double *x, size_t n, uint64_t *q, uint32_t *at)
{
    const uint64_t first = (uint64_t)places->first << 52;
    const uint64_t last = ((uint64_t)(places->first + CXM_BAND_EXPONENTS) << 52) - 1;
    const __m256i low = _mm256_set1_epi64x((int64_t)first), high = _mm256_set1_epi64x((int64_t)last);
    const __m256i room = _mm256_set1_epi32((int32_t)places->room), one = _mm256_set1_epi32(1);
    __m256i odd = _mm256_setzero_si256();
    uint64_t any = 0;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i a = load_four(x + i), b = load_four(x + i + 4);
        const __m128i code = _mm_loadu_si128((const __m128i *)(const void *)(codes + i));
        odd = _mm256_or_si256(odd, _mm256_or_si256(outside(a, low, high), outside(b, low, high)));
        _mm256_storeu_si256((__m256i *)(void *)(q + i), quanta(a, low));
        _mm256_storeu_si256((__m256i *)(void *)(q + i + 4), quanta(b, low));
        __m256i cell = _mm256_mullo_epi32(_mm256_cvtepu16_epi32(code), room);
        cell = _mm256_add_epi32(cell, one);
        if (group != NULL)
            cell = _mm256_add_epi32(cell, load_four(group + i));
        _mm256_storeu_si256((__m256i *)(void *)(at + i), cell);
    }
    for (; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, x + i, sizeof bits);
        any |= (bits - first) | (last - bits);
        q[i] = ((bits & (CXM_LEADING_ONE - 1)) | CXM_LEADING_ONE) << ((bits - first) >> 52 & 63);
        at[i] = codes[i] * places->room + (group != NULL ? group[i] : 0) + 1;
    }
    return _mm256_movemask_pd(_mm256_castsi256_pd(odd)) == 0 && any >> 63 == 0;
}

/* What four numbers add to the words of slim cells (kernels.h), word by word. */
struct slices {
    __m256i word[CXM_SLIM_WORDS];
};

__attribute__((target("avx2"))) static inline struct slices slice(__m256i q)
{
    const __m256i low = _mm256_set1_epi64x(((int64_t)1 << CXM_SLIM_LOW) - 1);
    const __m256i low_square = _mm256_set1_epi64x(((int64_t)1 << CXM_SLIM_SQUARE) - 1);
    const __m256i high = _mm256_set1_epi64x((int64_t)0x3FF << CXM_SLIM_HIGH_AT);
    const __m256i row = _mm256_set1_epi64x((int64_t)1 << CXM_SLIM_COUNT_AT);
    const __m256i a = _mm256_srli_epi64(q, 32), bb = _mm256_mul_epu32(q, q);
    const __m256i ab = _mm256_mul_epu32(q, a), aa = _mm256_mul_epu32(a, a);
    struct slices s;
    s.word[0] = _mm256_and_si256(q, low);
    s.word[1] = _mm256_add_epi64(_mm256_and_si256(bb, low_square),
                                 _mm256_srli_epi64(_mm256_slli_epi64(ab, 44), 11));
    s.word[2] = _mm256_add_epi64(
        _mm256_add_epi64(_mm256_srli_epi64(bb, 53), _mm256_srli_epi64(ab, 20)),
        _mm256_srli_epi64(_mm256_slli_epi64(aa, 22), 11));
    s.word[3] = _mm256_add_epi64(
        _mm256_add_epi64(_mm256_srli_epi64(aa, 42), row),
        _mm256_and_si256(_mm256_srli_epi64(q, CXM_SLIM_LOW - CXM_SLIM_HIGH_AT), high));
    return s;
}

/* Row by row. */
__attribute__((target("avx2"))) static inline void turn(struct slices s, __m256i rows[4])
{
    const __m256i low_even = _mm256_unpacklo_epi64(s.word[0], s.word[1]);
    const __m256i low_odd = _mm256_unpackhi_epi64(s.word[0], s.word[1]);
    const __m256i high_even = _mm256_unpacklo_epi64(s.word[2], s.word[3]);
    const __m256i high_odd = _mm256_unpackhi_epi64(s.word[2], s.word[3]);
    rows[0] = _mm256_inserti128_si256(low_even, _mm256_castsi256_si128(high_even), 1);
    rows[1] = _mm256_inserti128_si256(low_odd, _mm256_castsi256_si128(high_odd), 1);
    rows[2] = _mm256_permute2x128_si256(low_even, high_even, 0x31);
    rows[3] = _mm256_permute2x128_si256(low_odd, high_odd, 0x31);
}

__attribute__((target("avx2"))) static inline __m256i add_to(uint64_t *cells, uint32_t at, __m256i row)
{
    __m256i *cell = (__m256i *)(void *)(cells + (size_t)at * CXM_SLIM_WORDS);
    const __m256i sum = _mm256_add_epi64(_mm256_loadu_si256(cell), row);
    _mm256_storeu_si256(cell, sum);
    return sum;
}

/* Do all rows go to one cell? */
__attribute__((target("avx2"))) static inline bool all_same(const uint32_t *at)
{
    const __m256i first = _mm256_set1_epi32((int32_t)at[0]);
    __m256i odd = _mm256_setzero_si256();
    for (size_t i = 0; i < CXM_MOMENT_ROWS; i += 8) {
        const __m256i eight = _mm256_loadu_si256((const __m256i *)(const void *)(at + i));
        odd = _mm256_or_si256(odd, _mm256_xor_si256(eight, first));
    }
    return _mm256_testz_si256(odd, odd) != 0;
}

/* They would wait for the cell one after the other. */
__attribute__((target("avx2"))) static __m256i add_same(uint64_t *cells, const uint64_t *q, uint32_t at,
                                                        struct cxm_asking asking)
{
    struct slices all = slice(load_four(q));
    __m256i rows[4];
    for (size_t i = 4; i < CXM_MOMENT_ROWS; i += 4) {
        const struct slices s = slice(load_four(q + i));
        for (int k = 0; k < CXM_SLIM_WORDS; k++)
            all.word[k] = _mm256_add_epi64(all.word[k], s.word[k]);
    }
    for (size_t i = 0; i < CXM_MOMENT_ROWS; i++)
        cxm_priv_ask(asking, i);
    turn(all, rows);
    const __m256i even = _mm256_add_epi64(rows[0], rows[2]), odd = _mm256_add_epi64(rows[1], rows[3]);
    return add_to(cells, at, _mm256_add_epi64(even, odd));
}

/* The first n / 4 * 4 rows. Largest 16 bits of the sums: the last ones tell of the fullest cell. */
__attribute__((target("avx2"))) static inline __m256i add_rows(uint64_t *cells, const uint64_t *q,
                                                              const uint32_t *at, size_t n,
                                                              bool ask, struct cxm_asking asking)
{
    __m256i most = _mm256_setzero_si256();
    for (size_t i = 0; i + 4 <= n; i += 4) {
        __m256i rows[4];
        turn(slice(load_four(q + i)), rows);
        for (size_t k = 0; k < 4; k++) {
            if (ask)
                cxm_priv_ask(asking, i + k);
            most = _mm256_max_epu16(most, add_to(cells, at[i + k], rows[k]));
        }
    }
    return most;
}

__attribute__((target("avx2"))) bool
cxm_priv_add_slim_avx2(uint64_t *cells, const uint64_t *q, const uint32_t *at, size_t n,
                       struct cxm_asking asking)
{
    const size_t done = n / 4 * 4;
    const struct cxm_asking rest = { asking.from + done * (uintptr_t)asking.step, asking.step };
    const __m256i most = n == CXM_MOMENT_ROWS && all_same(at) ? add_same(cells, q, at[0], asking)
                       : asking.step == 0 ? add_rows(cells, q, at, n, false, asking)
                                          : add_rows(cells, q, at, n, true, asking);
    const bool full = cxm_priv_add_slim_c(cells, q + done, at + done, n - done, rest);
    return _mm256_extract_epi16(most, 15) >> (CXM_SLIM_COUNT_AT - 48) >= CXM_FULL_SLIM || full;
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
