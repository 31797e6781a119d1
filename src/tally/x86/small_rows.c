/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of small whole numbers with AVX-512: a tile is transposed by unpacking bytes four times
 * over; four rows of a vector are then put side by side lane by lane, so that one instruction
 * (VNNI) multiplies and adds the bytes of four rows in 16 lanes of 32 bits. */
#include "tally/kernels.h"
#include "tally/small_rows.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")))

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

TARGET static inline void add_rows(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                   size_t n, bool flags, struct cxm_small_sums *sums)
{
    const __m512i own = _mm512_loadu_si512(stripe->own);
    const __m512i beside = _mm512_loadu_si512(stripe->beside);
    const __m512i limits = _mm512_loadu_si512(stripe->limits);
    const __m512i one = _mm512_set1_epi8(1), flag = _mm512_set1_epi8((char)CXM_SMALL_FLAG);
    __m512i x_sum = _mm512_loadu_si512(sums->recent[CXM_SUM_X]);
    __m512i xx_sum = _mm512_loadu_si512(sums->recent[CXM_SUM_XX]);
    __m512i xy_sum = _mm512_loadu_si512(sums->recent[CXM_SUM_XY]);
    __m512i beyond = _mm512_loadu_si512(sums->recent[CXM_SUM_BEYOND]);
    __m512i flag_sum = _mm512_loadu_si512(sums->recent[CXM_SUM_FLAG]);
    for (size_t i = 0; i < n; i += 4) {
        __m512i four = _mm512_loadu_si512(rows + i * CXM_LANES);
        if (flags) {
            const __m512i up = _mm512_and_si512(_mm512_permutexvar_epi8(own, four), flag);
            flag_sum = _mm512_dpbusd_epi32(flag_sum, up, one);
            four = _mm512_andnot_si512(flag, four);
        }
        const __m512i x = _mm512_permutexvar_epi8(own, four);
        const __m512i y = _mm512_permutexvar_epi8(beside, four);
        const __m512i more = _mm512_subs_epu8(_mm512_subs_epu8(x, y), limits);
        x_sum = _mm512_dpbusd_epi32(x_sum, x, one);
        xx_sum = _mm512_dpbusd_epi32(xx_sum, x, x);
        xy_sum = _mm512_dpbusd_epi32(xy_sum, x, y);
        beyond = _mm512_dpbusd_epi32(beyond, _mm512_min_epu8(more, one), one);
    }
    _mm512_storeu_si512(sums->recent[CXM_SUM_X], x_sum);
    _mm512_storeu_si512(sums->recent[CXM_SUM_XX], xx_sum);
    _mm512_storeu_si512(sums->recent[CXM_SUM_XY], xy_sum);
    _mm512_storeu_si512(sums->recent[CXM_SUM_BEYOND], beyond);
    _mm512_storeu_si512(sums->recent[CXM_SUM_FLAG], flag_sum);
}

TARGET void cxm_priv_small_add_avx512(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                      size_t n, bool flags, struct cxm_small_sums *sums)
{
    if (flags)
        add_rows(stripe, rows, n, true, sums);
    else
        add_rows(stripe, rows, n, false, sums);
}

/* ---- dealing -------------------------------------------------------------------------- */

TARGET static __attribute__((noinline)) void sum_buffer(struct cxm_small_slots *s, uint32_t start)
{
    const uint32_t slot = cxm_priv_small_slot(s, start);
    cxm_priv_small_count(s, slot, CXM_DEALT);
    for (uint32_t t = 0; t < s->n_stripes; t++)
        cxm_priv_small_add_avx512(&s->stripes[t], cxm_priv_small_row(s, start, t), CXM_DEALT,
                                  s->flags, &s->sums[(size_t)slot * s->n_stripes + t]);
}

/* One row; false: its key is new. */
TARGET static inline bool deal_row(struct cxm_small_slots *s, uint32_t *cursor, uint8_t *rows,
                                   const uint8_t *from, uint32_t n_stripes)
{
    const uint32_t at = *cursor;
    for (uint32_t t = 0; t < n_stripes; t++)
        _mm_storeu_si128((__m128i *)(void *)(rows + at + (size_t)t * CXM_BUFFER_BYTES),
                         _mm_loadu_si128((const __m128i *)(const void *)(from
                                                                         + t * CXM_TILE_BYTES)));
    *cursor = at + CXM_LANES;
    if (CXM_LIKELY(at % CXM_BUFFER_BYTES != 0))
        return true;
    *cursor = at - (at == 0 ? 0 : CXM_BUFFER_BYTES - CXM_LANES);
    if (at != 0)
        sum_buffer(s, *cursor);
    return at != 0;
}

TARGET static inline size_t deal(struct cxm_small_slots *s, const uint8_t *tile,
                                 const uint32_t *keys, size_t first, size_t n,
                                 uint32_t n_stripes)
{
    uint32_t *const cursors = s->cursors;
    uint8_t *const rows = cxm_priv_small_row(s, 0, 0);
    size_t i = first;
    while (i < n) { /* a quarter of the tile, whose rows lie 64 bytes apart */
        const size_t end = i / 16 * 16 + 16 < n ? i / 16 * 16 + 16 : n;
        const uint8_t *from = tile + cxm_priv_small_place(i);
        for (; i + 4 <= end; i += 4, from += 256) {
#pragma GCC unroll 4
            for (size_t k = 0; k < 4; k++) {
                if (!deal_row(s, &cursors[keys[i + k]], rows, from + 64 * k, n_stripes))
                    return i + k;
            }
        }
        for (; i < end; i++, from += 64) {
            if (!deal_row(s, &cursors[keys[i]], rows, from, n_stripes))
                return i;
        }
    }
    return n;
}

TARGET size_t cxm_priv_small_deal_avx512(struct cxm_small_slots *s, const uint8_t *tile,
                                         const uint32_t *keys, size_t first, size_t n)
{
    return s->n_stripes == 1 ? deal(s, tile, keys, first, n, 1)
                             : deal(s, tile, keys, first, n, s->n_stripes);
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
