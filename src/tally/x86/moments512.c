/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers into cells with AVX-512: a cell is one vector, one load, one addition and one store a
 * row. Sixteen numbers get their places at once; where some are outside of the first band, the
 * places of all sixteen are gathered. */
#include "tally/kernels.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET CXM_TARGET("avx512f,avx512bw,avx512vl")

/* ---- places ---------------------------------------------------------------------------- */

struct eight {
    __m512i q, cell; /* cell: of the band, in 64 bits */
    bool good;
};

TARGET static inline __m512i leading_one(void)
{
    return _mm512_set1_epi64((int64_t)CXM_LEADING_ONE);
}

/* Of the sizes of numbers, from the table. */
TARGET static inline struct eight look_up(const struct cxm_places *places, __m512i size)
{
    const __m512i one = leading_one();
    const __m512i fraction = _mm512_and_si512(size, _mm512_sub_epi64(one, _mm512_set1_epi64(1)));
    const __m512i place = _mm512_i64gather_epi64(_mm512_srli_epi64(size, 52), places->of, 8);
    const __m512i only_zero = _mm512_set1_epi64((int64_t)CXM_PLACE_ONLY_ZERO);
    const __m512i shift = _mm512_and_si512(_mm512_srli_epi64(place, CXM_PLACE_SHIFT),
                                           _mm512_set1_epi64(63));
    const __mmask8 unknown = _mm512_cmpge_epi64_mask(place, _mm512_setzero_si512());
    const __mmask8 astray = _mm512_mask_test_epi64_mask(_mm512_test_epi64_mask(place, only_zero),
                                                        fraction, fraction);
    return (struct eight){
        _mm512_sllv_epi64(_mm512_or_si512(fraction, _mm512_and_si512(place, one)), shift),
        _mm512_and_si512(place, _mm512_set1_epi64(UINT32_MAX)),
        (unknown | astray) == 0,
    };
}

/* Of sizes in the first band. */
TARGET static inline __m512i quanta(__m512i size, __m512i low)
{
    const __m512i one = leading_one();
    const __m512i fraction = _mm512_and_si512(size, _mm512_sub_epi64(one, _mm512_set1_epi64(1)));
    const __m512i shift = _mm512_srli_epi64(_mm512_sub_epi64(size, low), 52);
    return _mm512_sllv_epi64(_mm512_or_si512(fraction, one), shift);
}

TARGET static inline __mmask8 outside(__m512i size, __m512i low, __m512i high)
{
    return _mm512_cmplt_epu64_mask(size, low) | _mm512_cmpgt_epu64_mask(size, high);
}

TARGET bool cxm_priv_place_numbers_avx512(const struct cxm_places *places, const uint32_t *group,
                                          const uint16_t *codes, const double *x, size_t n,
                                          uint64_t *q, uint32_t *at)
{
    const __m512i low = _mm512_set1_epi64((int64_t)((uint64_t)places->first << 52));
    const __m512i high = _mm512_set1_epi64(
        (int64_t)(((uint64_t)(places->first + CXM_BAND_EXPONENTS) << 52) - 1));
    const __m512i sign = _mm512_set1_epi64(INT64_MIN);
    const __m512i room = _mm512_set1_epi32((int32_t)places->room);
    const __m512i negative = _mm512_set1_epi32((int32_t)places->negative);
    const __m256i bins = _mm256_set1_epi16((int16_t)places->bins);
    const __m512d filler = _mm512_set1_pd(places->filler);
    bool good = true;
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m256i code = _mm256_loadu_si256((const __m256i *)(const void *)(codes + i));
        const __mmask16 used = _mm256_cmplt_epu16_mask(code, bins);
        const __m512i a = _mm512_castpd_si512(
            _mm512_mask_loadu_pd(filler, (__mmask8)used, x + i));
        const __m512i b = _mm512_castpd_si512(
            _mm512_mask_loadu_pd(filler, (__mmask8)(used >> 8), x + i + 8));
        const __m512i a_size = _mm512_andnot_si512(sign, a), b_size = _mm512_andnot_si512(sign, b);
        __m512i cell = _mm512_add_epi32(
            _mm512_mullo_epi32(_mm512_cvtepu16_epi32(code), room), _mm512_set1_epi32(1));
        if (group != NULL)
            cell = _mm512_add_epi32(cell, _mm512_loadu_si512(group + i));
        const __mmask16 below = (__mmask16)(_mm512_test_epi64_mask(a, sign)
                                            | _mm512_test_epi64_mask(b, sign) << 8);
        cell = _mm512_mask_add_epi32(cell, below, cell, negative);
        if (CXM_LIKELY((outside(a_size, low, high) | outside(b_size, low, high)) == 0)) {
            _mm512_storeu_si512(q + i, quanta(a_size, low));
            _mm512_storeu_si512(q + i + 8, quanta(b_size, low));
        } else {
            const struct eight first = look_up(places, a_size), second = look_up(places, b_size);
            const __m512i bands = _mm512_inserti64x4(
                _mm512_castsi256_si512(_mm512_cvtepi64_epi32(first.cell)),
                _mm512_cvtepi64_epi32(second.cell), 1);
            cell = _mm512_add_epi32(cell, bands);
            _mm512_storeu_si512(q + i, first.q);
            _mm512_storeu_si512(q + i + 8, second.q);
            good = good && first.good && second.good;
        }
        _mm512_storeu_si512(at + i, cell);
    }
    return cxm_priv_place_numbers_c(places, group != NULL ? group + i : NULL, codes + i, x + i,
                                    n - i, q + i, at + i)
        && good;
}

/* ---- cells ----------------------------------------------------------------------------- */

/* Do all rows go to one cell? */
TARGET static inline bool all_same(const uint32_t *at)
{
    const __m512i first = _mm512_set1_epi32((int32_t)at[0]);
    __mmask16 odd = 0;
    for (size_t i = 0; i < CXM_MOMENT_ROWS; i += 16)
        odd |= _mm512_cmpneq_epi32_mask(first, _mm512_loadu_si512(at + i));
    return odd == 0;
}

/* What a number adds to the words: b 1, a 1, b b, b b, a b, a b, a a, a a, of the products lower and
 * upper halves, and a row. */
TARGET static inline __m512i terms(uint64_t q)
{
    enum { NO = -128 }; /* a byte of zeros */
    const __m512i left = _mm512_set_epi64(32, 32, 32, 32, 0, 0, 32, 0);
    const __m512i right = _mm512_set_epi64(32, 32, 0, 0, 0, 0, 0, 0);
    const __m512i count = _mm512_set_epi64((int64_t)1 << 48, 0, 0, 0, 0, 0, 0, 0);
    const __m512i one = _mm512_set1_epi64(1), v = _mm512_set1_epi64((int64_t)q);
    const __m128i halves = _mm_set_epi8(NO, NO, NO, NO, 15, 14, 13, 12, NO, NO, NO, NO, 3, 2, 1, 0);
    const __m512i parts = _mm512_inserti32x4(
        _mm512_broadcast_i32x4(halves),
        _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), 0);
    const __m512i product = _mm512_mul_epu32(_mm512_srlv_epi64(v, left),
                                             _mm512_mask_srlv_epi64(one, 0xFC, v, right));
    return _mm512_or_si512(_mm512_shuffle_epi8(product, parts), count);
}

TARGET bool cxm_priv_add_moments_avx512(uint64_t *cells, const uint64_t *q, const uint32_t *at,
                                        size_t n, struct cxm_asking asking)
{
    __m512i any = _mm512_setzero_si512();
    if (n == CXM_MOMENT_ROWS && all_same(at)) { /* they would wait for the cell */
        uint64_t *cell = cells + (size_t)at[0] * CXM_MOMENT_WORDS;
        for (size_t i = 0; i < CXM_MOMENT_ROWS; i++) {
            cxm_priv_ask(asking, i);
            any = _mm512_add_epi64(any, terms(q[i]));
        }
        any = _mm512_add_epi64(_mm512_loadu_si512(cell), any);
        _mm512_storeu_si512(cell, any);
        n = 0;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t *cell = cells + (size_t)at[i] * CXM_MOMENT_WORDS;
        cxm_priv_ask(asking, i);
        const __m512i sum = _mm512_add_epi64(_mm512_loadu_si512(cell), terms(q[i]));
        any = _mm512_or_si512(any, sum);
        _mm512_storeu_si512(cell, sum);
    }
    return (_mm512_cmplt_epi64_mask(any, _mm512_setzero_si512()) & 0x80) != 0;
}

/* ---- ranges ---------------------------------------------------------------------------- */

TARGET bool cxm_priv_all_within_avx512(const double *x, size_t n, double low, double high)
{
    const __m512d least = _mm512_set1_pd(low), most = _mm512_set1_pd(high);
    __mmask8 odd = 0;
    for (size_t i = 0; i < n; i += 8) {
        const __mmask8 rows = (__mmask8)(n - i < 8 ? (1u << (n - i)) - 1 : 0xFF);
        const __m512d value = _mm512_maskz_loadu_pd(rows, x + i);
        odd |= _mm512_mask_cmp_pd_mask(rows, value, least, _CMP_NGE_UQ)
             | _mm512_mask_cmp_pd_mask(rows, value, most, _CMP_NLE_UQ);
    }
    return odd == 0;
}

#else
typedef int cxm_no_x86;
#endif
