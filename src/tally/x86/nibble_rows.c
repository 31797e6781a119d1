/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of very small whole numbers with AVX-512: a tile of 8 bytes is transposed by unpacking three
 * times over; eight rows of a vector are put side by side lane by lane, and their lower and upper
 * halves multiplied and added with VNNI, each lane in two sums of 32 bits. */
#include "tally/kernels.h"
#include "tally/nibble_rows.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET CXM_TARGET("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")

/* ---- tiles ---------------------------------------------------------------------------- */

/* As in small_rows.c, of 3 bits of the register and 4 of the byte: three times over, what was the
 * register is the byte of a row. */
TARGET static inline void rotate(__m512i r[CXM_NIBBLE_ROW])
{
    __m512i out[CXM_NIBBLE_ROW];
    for (int i = 0; i < 4; i++) {
        out[2 * i] = _mm512_unpacklo_epi8(r[i], r[i + 4]);
        out[2 * i + 1] = _mm512_unpackhi_epi8(r[i], r[i + 4]);
    }
    for (int i = 0; i < CXM_NIBBLE_ROW; i++)
        r[i] = out[i];
}

/* By how much the bytes of a lane are beyond its range. */
TARGET static inline __m512i beyond(const struct cxm_small_stripe *stripe, size_t lane,
                                    __mmask64 there, __m512i v)
{
    const __m512i lowest = _mm512_set1_epi8((char)stripe->lowest[lane]);
    const __m512i range = _mm512_set1_epi8((char)stripe->range[lane]);
    return _mm512_maskz_subs_epu8(there, _mm512_sub_epi8(v, lowest), range);
}

/* What is beyond the ranges is added to *bad. */
TARGET static inline void tile(const struct cxm_small_stripe *stripe,
                               const uint8_t *const columns[CXM_LANES], size_t first,
                               __mmask64 there, bool flags, uint8_t *rows, __m512i *bad)
{
    const __m512i flag = _mm512_set1_epi8((char)CXM_SMALL_FLAG);
    __m512i r[CXM_NIBBLE_ROW], flagged = _mm512_setzero_si512();
    __m512i sum = _mm512_maskz_set1_epi8(there, (char)stripe->start);
    for (int k = 0; k < CXM_NIBBLE_BYTES; k++) {
        __m512i a = _mm512_maskz_loadu_epi8(there, columns[2 * k] + first);
        __m512i b = _mm512_maskz_loadu_epi8(there, columns[2 * k + 1] + first);
        *bad = _mm512_ternarylogic_epi64(*bad, beyond(stripe, 2 * (size_t)k, there, a),
                                         beyond(stripe, 2 * (size_t)k + 1, there, b), 0xFE);
        if (flags) {
            const __mmask64 gone = _mm512_cmpeq_epi8_mask(_mm512_min_epi8(a, b), flag);
            a = _mm512_maskz_mov_epi8(~gone, a);
            b = _mm512_maskz_mov_epi8(~gone, b);
            flagged = _mm512_mask_add_epi8(flagged, gone, flagged, _mm512_set1_epi8((char)(1 << k)));
        }
        r[k] = _mm512_or_si512(a, _mm512_slli_epi16(b, 4));
        sum = _mm512_add_epi8(sum, _mm512_sub_epi8(a, b));
    }
    if (stripe->balance) {
        const __mmask64 gone = flags ? _mm512_test_epi8_mask(flagged, flagged) : 0;
        const __m512i bit = _mm512_set1_epi8(1 << CXM_NIBBLE_BALANCE);
        r[CXM_NIBBLE_BALANCE] = _mm512_maskz_mov_epi8(~gone, sum);
        flagged = _mm512_mask_add_epi8(flagged, gone, flagged, bit);
    }
    r[CXM_NIBBLE_BYTES] = flagged;
    rotate(r);
    rotate(r);
    rotate(r);
    for (int i = 0; i < CXM_NIBBLE_ROW; i++)
        _mm512_storeu_si512(rows + 64 * i, r[i]);
}

TARGET bool cxm_priv_nibble_tiles_avx512(const struct cxm_small_stripe *stripe,
                                         const uint8_t *const columns[CXM_LANES], size_t first,
                                         size_t n, bool flags, uint8_t *rows)
{
    __m512i bad = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += CXM_TILE, rows += CXM_NIBBLE_TILE) {
        const __mmask64 there =
            n - i < CXM_TILE ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
        if (flags)
            tile(stripe, columns, first + i, there, true, rows, &bad);
        else
            tile(stripe, columns, first + i, there, false, rows, &bad);
    }
    return _mm512_test_epi8_mask(bad, bad) == 0;
}

/* ---- sums ----------------------------------------------------------------------------- */

struct sums {
    __m512i x, y, xx, xy, yy;
    __m512i above, below, flags; /* counts in bytes: one at most for every 64 */
};

struct orders {
    __m512i own, low, high, above, below; /* limits of x - y */
    __m512i flags, bits; /* where the flags of a lane's rows are, and its bit */
};

TARGET static inline struct orders orders_of(const struct cxm_small_stripe *stripe)
{
    struct orders o;
    uint8_t bits[CXM_TILE];
    o.own = _mm512_loadu_si512(stripe->own);
    o.low = _mm512_loadu_si512(stripe->beside);
    o.above = _mm512_loadu_si512(stripe->limits);
    o.below = _mm512_sub_epi8(_mm512_setzero_si512(), o.above);
    o.high = _mm512_maskz_mov_epi8(_mm512_cmpeq_epi8_mask(o.low, _mm512_set1_epi8(15)),
                                   _mm512_set1_epi8((char)0xF0));
    for (size_t i = 0; i < CXM_TILE; i++)
        bits[i] = (uint8_t)(1 << i / 8);
    o.bits = _mm512_loadu_si512(bits);
    o.flags = _mm512_or_si512(o.own, _mm512_set1_epi8(CXM_NIBBLE_BYTES));
    return o;
}

TARGET static inline void add_eight(const struct orders *o, const uint8_t *rows, bool flags,
                                    struct sums *to)
{
    const __m512i one = _mm512_set1_epi8(1), eight = _mm512_loadu_si512(rows);
    const __m512i v = _mm512_permutexvar_epi8(o->own, eight);
    const __m512i x = _mm512_and_si512(v, o->low), size = _mm512_abs_epi8(x);
    const __m512i y = _mm512_srli_epi16(_mm512_and_si512(v, o->high), 4);
    const __m512i d = _mm512_sub_epi8(x, y);
    to->x = _mm512_dpbusd_epi32(to->x, one, x);
    to->y = _mm512_dpbusd_epi32(to->y, one, y);
    to->xx = _mm512_dpbusd_epi32(to->xx, size, size);
    to->xy = _mm512_dpbusd_epi32(to->xy, x, y);
    to->yy = _mm512_dpbusd_epi32(to->yy, y, y);
    to->above = _mm512_mask_add_epi8(to->above, _mm512_cmpgt_epi8_mask(d, o->above), to->above, one);
    to->below = _mm512_mask_add_epi8(to->below, _mm512_cmplt_epi8_mask(d, o->below), to->below, one);
    if (flags) {
        const __m512i mine = _mm512_and_si512(_mm512_permutexvar_epi8(o->flags, eight), o->bits);
        to->flags = _mm512_add_epi8(to->flags, _mm512_min_epu8(mine, one));
    }
}

/* Adds the two sums of each lane. */
TARGET static inline void put(int32_t *sum, __m512i v)
{
    const __m512i both = _mm512_add_epi32(v, _mm512_srli_epi64(v, 32));
    __m256i *const to = (__m256i *)(void *)sum;
    _mm256_storeu_si256(to, _mm256_add_epi32(_mm256_loadu_si256(to),
                                             _mm512_cvtepi64_epi32(both)));
}

TARGET static inline void add_rows(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                   size_t n, bool flags, struct cxm_small_sums *sums)
{
    const struct orders o = orders_of(stripe);
    const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi8(1);
    struct sums s = { zero, zero, zero, zero, zero, zero, zero, zero };
    for (size_t i = 0; i < n; i += 8)
        add_eight(&o, rows + i * CXM_NIBBLE_ROW, flags, &s);
    put(sums->few[CXM_FEW_X], s.x);
    put(sums->few[CXM_FEW_Y], s.y);
    put(sums->few[CXM_FEW_XX], s.xx);
    put(sums->few[CXM_FEW_XY], s.xy);
    put(sums->few[CXM_FEW_YY], s.yy);
    put(sums->few[CXM_FEW_ABOVE], _mm512_dpbusd_epi32(zero, s.above, one));
    put(sums->few[CXM_FEW_BELOW], _mm512_dpbusd_epi32(zero, s.below, one));
    if (flags)
        put(sums->few[CXM_FEW_FLAGS], _mm512_dpbusd_epi32(zero, s.flags, one));
}

TARGET void cxm_priv_nibble_add_avx512(const struct cxm_small_stripe *stripe,
                                       const uint8_t *rows, size_t n, bool flags,
                                       struct cxm_small_sums *sums)
{
    if (flags)
        add_rows(stripe, rows, n, true, sums);
    else
        add_rows(stripe, rows, n, false, sums);
}

/* ---- forms ---------------------------------------------------------------------------- */

/* Modulo 256, which the sum of a row fits. */
TARGET static inline __m512i weigh(__m512i sum, __m512i x, int16_t coef)
{
    if (coef == 1)
        return _mm512_add_epi8(sum, x);
    if (coef == -1)
        return _mm512_sub_epi8(sum, x);
    const __m512i c = _mm512_set1_epi16(coef), odd = _mm512_srli_epi16(x, 8);
    const __m512i low = _mm512_and_si512(_mm512_mullo_epi16(x, c), _mm512_set1_epi16(0xFF));
    const __m512i high = _mm512_slli_epi16(_mm512_mullo_epi16(odd, c), 8);
    return _mm512_add_epi8(sum, _mm512_or_si512(low, high));
}

TARGET uint8_t cxm_priv_nibble_form_avx512(const uint8_t *const *columns, const int16_t *coefs,
                                           uint32_t n_columns, int16_t constant, size_t n,
                                           bool flags, uint8_t *low, uint8_t *high)
{
    const __m512i flag = _mm512_set1_epi8((char)CXM_SMALL_FLAG);
    (void)high;
    for (size_t i = 0; i < n; i += 64) {
        const __mmask64 there = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
        __m512i sum = _mm512_set1_epi8((char)constant), any = _mm512_setzero_si512();
        for (uint32_t k = 0; k < n_columns; k++) {
            const __m512i x = _mm512_maskz_loadu_epi8(there, columns[k] + i);
            any = _mm512_or_si512(any, x);
            sum = weigh(sum, x, coefs[k]);
        }
        const __mmask64 flagged = flags ? _mm512_movepi8_mask(any) : 0;
        _mm512_mask_storeu_epi8(low + i, there, _mm512_mask_mov_epi8(sum, flagged, flag));
    }
    return 0;
}

#else
typedef int cxm_no_x86;
#endif
