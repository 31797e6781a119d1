/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of small whole numbers with AVX-512: a tile is transposed by unpacking bytes four times
 * over; four rows of a vector are then put side by side lane by lane, so that one instruction
 * (VNNI) multiplies and adds the bytes of four rows in 16 lanes of 32 bits. */
#include "tally/kernels.h"
#include "tally/small_rows.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET CXM_TARGET("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")

/* ---- tiles ---------------------------------------------------------------------------- */

/* Registers and bytes have 4 bits of number each; interleaving registers i and i + 8 rotates these
 * 8 bits by one place, so four times over exchanges the two. */
TARGET static inline void rotate(__m512i r[CXM_LANES])
{
    __m512i out[CXM_LANES];
    for (int i = 0; i < 8; i++) {
        out[2 * i] = _mm512_unpacklo_epi8(r[i], r[i + 8]);
        out[2 * i + 1] = _mm512_unpackhi_epi8(r[i], r[i + 8]);
    }
    for (int i = 0; i < CXM_LANES; i++)
        r[i] = out[i];
}

TARGET static inline void transpose(__m512i r[CXM_LANES], uint8_t rows[CXM_TILE_BYTES])
{
    rotate(r);
    rotate(r);
    rotate(r);
    rotate(r);
    for (int i = 0; i < CXM_LANES; i++)
        _mm512_storeu_si512(rows + 64 * i, r[i]);
}

/* The tile with flags: a value that is flagged takes its partner along. */
TARGET static void flagged_tile(const struct cxm_small_stripe *stripe,
                                const uint8_t *const columns[CXM_LANES], size_t first,
                                __mmask64 there, uint8_t rows[CXM_TILE_BYTES])
{
    const __m512i flag = _mm512_set1_epi8((char)CXM_SMALL_FLAG);
    __m512i r[CXM_LANES];
    for (int lane = 0; lane < CXM_LANES; lane++) {
        const __m512i own = _mm512_maskz_loadu_epi8(there, columns[lane] + first);
        const __m512i other = _mm512_maskz_loadu_epi8(there,
                                                      columns[stripe->partner[lane]] + first);
        const __mmask64 flagged = _mm512_movepi8_mask(_mm512_or_si512(own, other));
        r[lane] = _mm512_mask_mov_epi8(own, flagged,
                                       stripe->first[lane] ? flag : _mm512_setzero_si512());
    }
    transpose(r, rows);
}

TARGET void cxm_priv_small_tile_avx512(const struct cxm_small_stripe *stripe,
                                       const uint8_t *const columns[CXM_LANES], size_t first,
                                       size_t n, bool flags, uint8_t rows[CXM_TILE_BYTES])
{
    const __mmask64 there = n < CXM_TILE ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;
    if (flags) {
        flagged_tile(stripe, columns, first, there, rows);
        return;
    }
    __m512i r[CXM_LANES];
    for (int lane = 0; lane < CXM_LANES; lane++)
        r[lane] = _mm512_maskz_loadu_epi8(there, columns[lane] + first);
    transpose(r, rows);
}

/* ---- sums ----------------------------------------------------------------------------- */

/* The sums of every other four rows: two of them, so that one need not wait for the other. How
 * often one is beyond is counted in bytes, a row of 16 counts each at most 1 in four of them. */
struct sums {
    __m512i x, xx, xy, beyond, flag;
};

struct orders {
    __m512i own, beside, limits;
};

TARGET static inline void add_four(const struct orders *o, const uint8_t *rows, bool flags,
                                   struct sums *to)
{
    const __m512i one = _mm512_set1_epi8(1), flag = _mm512_set1_epi8((char)CXM_SMALL_FLAG);
    __m512i four = _mm512_loadu_si512(rows);
    if (flags) {
        const __m512i up = _mm512_and_si512(_mm512_permutexvar_epi8(o->own, four), flag);
        to->flag = _mm512_dpbusd_epi32(to->flag, up, one);
        four = _mm512_andnot_si512(flag, four);
    }
    const __m512i x = _mm512_permutexvar_epi8(o->own, four);
    const __m512i y = _mm512_permutexvar_epi8(o->beside, four);
    const __m512i more = _mm512_subs_epu8(_mm512_subs_epu8(x, y), o->limits);
    to->x = _mm512_dpbusd_epi32(to->x, x, one);
    to->xx = _mm512_dpbusd_epi32(to->xx, x, x);
    to->xy = _mm512_dpbusd_epi32(to->xy, x, y);
    to->beyond = _mm512_add_epi8(to->beyond, _mm512_min_epu8(more, one));
}

TARGET static inline void put(int32_t *sum, __m512i a, __m512i b)
{
    const __m512i both = _mm512_add_epi32(a, b);
    _mm512_storeu_si512(sum, _mm512_add_epi32(both, _mm512_loadu_si512(sum)));
}

TARGET static inline void add_rows(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                   size_t n, bool flags, struct cxm_small_sums *sums)
{
    const struct orders o = { _mm512_loadu_si512(stripe->own), _mm512_loadu_si512(stripe->beside),
                              _mm512_loadu_si512(stripe->limits) };
    const __m512i zero = _mm512_setzero_si512(), one = _mm512_set1_epi8(1);
    struct sums a = { zero, zero, zero, zero, zero }, b = a;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        add_four(&o, rows + i * CXM_LANES, flags, &a);
        add_four(&o, rows + (i + 4) * CXM_LANES, flags, &b);
    }
    if (i < n)
        add_four(&o, rows + i * CXM_LANES, flags, &a);
    const __m512i beyond = _mm512_add_epi8(a.beyond, b.beyond);
    put(sums->recent[CXM_SUM_X], a.x, b.x);
    put(sums->recent[CXM_SUM_XX], a.xx, b.xx);
    put(sums->recent[CXM_SUM_XY], a.xy, b.xy);
    put(sums->recent[CXM_SUM_BEYOND], _mm512_dpbusd_epi32(zero, beyond, one), zero);
    if (flags)
        put(sums->recent[CXM_SUM_FLAG], a.flag, b.flag);
}

TARGET void cxm_priv_small_add_avx512(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                      size_t n, bool flags, struct cxm_small_sums *sums)
{
    if (flags)
        add_rows(stripe, rows, n, true, sums);
    else
        add_rows(stripe, rows, n, false, sums);
}

/* ---- forms ---------------------------------------------------------------------------- */

TARGET static inline __m512i weigh(__m512i sum, __m512i x, int16_t coef)
{
    if (coef == 1)
        return _mm512_add_epi16(sum, x);
    if (coef == -1)
        return _mm512_sub_epi16(sum, x);
    return _mm512_add_epi16(sum, _mm512_mullo_epi16(x, _mm512_set1_epi16(coef)));
}

/* Rows of even and of odd number in 16 bits each. */
TARGET uint8_t cxm_priv_small_form_avx512(const uint8_t *const *columns, const int16_t *coefs,
                                          uint32_t n_columns, int16_t constant, size_t n,
                                          bool flags, uint8_t *low, uint8_t *high)
{
    const __m512i byte = _mm512_set1_epi16(0xFF), seven = _mm512_set1_epi16(127);
    const __m512i flag = _mm512_set1_epi8((char)CXM_SMALL_FLAG);
    __m512i bits = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 64) {
        const __mmask64 there = n - i < 64 ? ((__mmask64)1 << (n - i)) - 1 : ~(__mmask64)0;
        __m512i even = _mm512_set1_epi16(constant), odd = even, any = _mm512_setzero_si512();
        for (uint32_t k = 0; k < n_columns; k++) {
            __m512i x = _mm512_maskz_loadu_epi8(there, columns[k] + i);
            any = _mm512_or_si512(any, x);
            if (flags)
                x = _mm512_andnot_si512(flag, x);
            even = weigh(even, _mm512_and_si512(x, byte), coefs[k]);
            odd = weigh(odd, _mm512_srli_epi16(x, 8), coefs[k]);
        }
        const __mmask64 flagged = flags ? _mm512_movepi8_mask(any) : 0;
        __m512i l = _mm512_or_si512(_mm512_and_si512(even, seven),
                                    _mm512_slli_epi16(_mm512_and_si512(odd, seven), 8));
        __m512i h = _mm512_or_si512(_mm512_srli_epi16(even, 7),
                                    _mm512_slli_epi16(_mm512_srli_epi16(odd, 7), 8));
        l = _mm512_mask_mov_epi8(l, flagged, flag);
        h = _mm512_maskz_mov_epi8(~flagged & there, h);
        bits = _mm512_or_si512(bits, h);
        _mm512_mask_storeu_epi8(low + i, there, l);
        _mm512_mask_storeu_epi8(high + i, there, h);
    }
    uint8_t all[64], any = 0;
    _mm512_storeu_si512(all, bits);
    for (int i = 0; i < 64; i++)
        any |= all[i];
    return any;
}

TARGET uint32_t cxm_priv_small_reach_avx512(const uint32_t *keys, size_t n, uint32_t base,
                                            uint32_t *out)
{
    const __m512i from = _mm512_set1_epi32((int)base);
    __m512i largest = _mm512_setzero_si512();
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 there = (__mmask16)(n - i < 16 ? (1u << (n - i)) - 1 : 0xFFFF);
        const __m512i k = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(there, keys + i), from);
        largest = _mm512_mask_max_epu32(largest, there, largest, k);
        _mm512_mask_storeu_epi32(out + i, there, k);
    }
    return _mm512_reduce_max_epu32(largest);
}

#else
typedef int cxm_no_x86;
#endif
