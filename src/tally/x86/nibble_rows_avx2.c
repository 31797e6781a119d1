/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of very small whole numbers with AVX2: as with AVX-512, but half a tile at a time, four lanes
 * a vector, and products in two steps. */
#include "tally/kernels.h"
#include "tally/nibble_rows.h"
#include "tally/small_loops.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

TARGET static inline __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* ---- tiles ---------------------------------------------------------------------------- */

/* 8 columns of 32 rows: interleaving registers i and i + 4 three times over. */
TARGET static inline void transpose(__m256i r[CXM_NIBBLE_ROW], uint8_t *rows)
{
    __m256i out[CXM_NIBBLE_ROW];
#pragma GCC unroll 3
    for (int turn = 0; turn < 3; turn++) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            out[2 * i] = _mm256_unpacklo_epi8(r[i], r[i + 4]);
            out[2 * i + 1] = _mm256_unpackhi_epi8(r[i], r[i + 4]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < CXM_NIBBLE_ROW; i++)
            r[i] = out[i];
    }
#pragma GCC unroll 8
    for (int i = 0; i < CXM_NIBBLE_ROW; i++)
        _mm256_storeu_si256((__m256i *)(void *)(rows + 64 * i), r[i]);
}

/* By how much the bytes of a lane are beyond its range. */
TARGET static inline __m256i beyond(const struct cxm_small_stripe *stripe, size_t lane, __m256i v)
{
    const __m256i lowest = _mm256_set1_epi8((char)stripe->lowest[lane]);
    const __m256i range = _mm256_set1_epi8((char)stripe->range[lane]);
    return _mm256_subs_epu8(_mm256_sub_epi8(v, lowest), range);
}

/* Returns what is beyond the ranges, with what was before. */
TARGET static inline __m256i half(const struct cxm_small_stripe *stripe,
                                  const uint8_t *const columns[CXM_LANES], size_t first,
                                  bool flags, uint8_t *rows, __m256i bad)
{
    const __m256i flag = _mm256_set1_epi8((char)CXM_SMALL_FLAG), zero = _mm256_setzero_si256();
    __m256i r[CXM_NIBBLE_ROW], flagged = zero, sum = _mm256_set1_epi8((char)stripe->start);
#pragma GCC unroll 7
    for (int k = 0; k < CXM_NIBBLE_BYTES; k++) {
        __m256i a = load(columns[2 * k] + first), b = load(columns[2 * k + 1] + first);
        bad = _mm256_or_si256(bad, _mm256_or_si256(beyond(stripe, 2 * (size_t)k, a),
                                                   beyond(stripe, 2 * (size_t)k + 1, b)));
        if (flags) {
            const __m256i gone = _mm256_cmpeq_epi8(_mm256_min_epi8(a, b), flag);
            const __m256i bit = _mm256_set1_epi8((char)(1 << k));
            a = _mm256_andnot_si256(gone, a);
            b = _mm256_andnot_si256(gone, b);
            flagged = _mm256_or_si256(flagged, _mm256_and_si256(gone, bit));
        }
        r[k] = _mm256_or_si256(a, _mm256_slli_epi16(b, 4));
        sum = _mm256_add_epi8(sum, _mm256_sub_epi8(a, b));
    }
    if (stripe->balance) {
        const __m256i there = _mm256_cmpeq_epi8(flagged, zero);
        const __m256i bit = _mm256_set1_epi8(1 << CXM_NIBBLE_BALANCE);
        r[CXM_NIBBLE_BALANCE] = _mm256_and_si256(there, sum);
        flagged = _mm256_or_si256(flagged, _mm256_andnot_si256(there, bit));
    }
    r[CXM_NIBBLE_BYTES] = flagged;
    transpose(r, rows);
    return bad;
}

TARGET bool cxm_priv_nibble_tiles_avx2(const struct cxm_small_stripe *stripe,
                                       const uint8_t *const columns[CXM_LANES], size_t first,
                                       size_t n, bool flags, uint8_t *rows)
{
    const size_t whole = n / CXM_TILE * CXM_TILE;
    __m256i bad = _mm256_setzero_si256();
    for (size_t i = 0; i < whole; i += 32) {
        uint8_t *to = rows + i / CXM_TILE * CXM_NIBBLE_TILE + i % CXM_TILE;
        if (flags)
            bad = half(stripe, columns, first + i, true, to, bad);
        else
            bad = half(stripe, columns, first + i, false, to, bad);
    }
    return _mm256_testz_si256(bad, bad) != 0
           && cxm_priv_nibble_tiles_c(stripe, columns, first + whole, n - whole, flags,
                                      rows + whole * CXM_NIBBLE_ROW);
}

/* ---- sums ----------------------------------------------------------------------------- */

/* Of four lanes, in 16 bits what CXM_NIBBLE_DEALT rows fit. */
struct sums {
    __m256i x, y, xx, xy, yy; /* xx: in 32 bits */
    __m256i above, below;     /* in bytes */
};

struct orders {
    __m256i low, high, above, below; /* limits of x - y */
};

TARGET static inline struct orders orders_of(const struct cxm_small_stripe *stripe, size_t quad)
{
    const __m256i other = _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    struct orders o;
    o.low = _mm256_permutevar8x32_epi32(load(stripe->beside + 32 * quad), other);
    o.above = _mm256_permutevar8x32_epi32(load(stripe->limits + 32 * quad), other);
    o.below = _mm256_sub_epi8(_mm256_setzero_si256(), o.above);
    o.high = _mm256_and_si256(_mm256_cmpeq_epi8(o.low, _mm256_set1_epi8(15)),
                              _mm256_set1_epi8((char)0xF0));
    return o;
}

/* Eight rows of four lanes. */
TARGET static inline void add_quad(const struct orders *o, __m256i v, struct sums *to)
{
    const __m256i one = _mm256_set1_epi8(1), words = _mm256_set1_epi16(1);
    const __m256i x = _mm256_and_si256(v, o->low), size = _mm256_abs_epi8(x);
    const __m256i y = _mm256_srli_epi16(_mm256_and_si256(v, o->high), 4);
    const __m256i d = _mm256_sub_epi8(x, y);
    to->x = _mm256_add_epi16(to->x, _mm256_maddubs_epi16(one, x));
    to->y = _mm256_add_epi16(to->y, _mm256_maddubs_epi16(one, y));
    to->xx = _mm256_add_epi32(to->xx,
                              _mm256_madd_epi16(_mm256_maddubs_epi16(size, size), words));
    to->xy = _mm256_add_epi16(to->xy, _mm256_maddubs_epi16(x, y));
    to->yy = _mm256_add_epi16(to->yy, _mm256_maddubs_epi16(y, y));
    to->above = _mm256_sub_epi8(to->above, _mm256_cmpgt_epi8(d, o->above));
    to->below = _mm256_sub_epi8(to->below, _mm256_cmpgt_epi8(o->below, d));
}

/* Adds both halves to four of the sums. */
TARGET static inline void put(int32_t *sum, __m256i v)
{
    const __m128i both =
        _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i *const to = (__m128i *)(void *)sum;
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), both));
}

TARGET static inline void put_sums(const struct sums *s, size_t at, struct cxm_small_sums *sums)
{
    const __m256i one = _mm256_set1_epi8(1), words = _mm256_set1_epi16(1);
    put(sums->few[CXM_FEW_X] + at, _mm256_madd_epi16(s->x, words));
    put(sums->few[CXM_FEW_Y] + at, _mm256_madd_epi16(s->y, words));
    put(sums->few[CXM_FEW_XX] + at, s->xx);
    put(sums->few[CXM_FEW_XY] + at, _mm256_madd_epi16(s->xy, words));
    put(sums->few[CXM_FEW_YY] + at, _mm256_madd_epi16(s->yy, words));
    put(sums->few[CXM_FEW_ABOVE] + at,
        _mm256_madd_epi16(_mm256_maddubs_epi16(s->above, one), words));
    put(sums->few[CXM_FEW_BELOW] + at,
        _mm256_madd_epi16(_mm256_maddubs_epi16(s->below, one), words));
}

/* How often each bit is set in the last byte of a row. */
TARGET static void add_flags(const uint8_t *rows, size_t n, struct cxm_small_sums *sums)
{
    const __m256i bits = _mm256_set1_epi64x((long long)0x8040201008040201u);
    const __m256i last = _mm256_setr_epi8(7, 7, 7, 7, 7, 7, 7, 7, 15, 15, 15, 15, 15, 15, 15, 15,
                                          7, 7, 7, 7, 7, 7, 7, 7, 15, 15, 15, 15, 15, 15, 15, 15);
    __m256i counts = _mm256_setzero_si256();
    uint8_t each[32];
    for (size_t i = 0; i < n; i += 4) {
        const __m256i flags = _mm256_shuffle_epi8(load(rows + i * CXM_NIBBLE_ROW), last);
        const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(flags, bits), bits);
        counts = _mm256_sub_epi8(counts, set);
    }
    _mm256_storeu_si256((__m256i *)(void *)each, counts);
    for (size_t k = 0; k < CXM_NIBBLE_ROW; k++)
        sums->few[CXM_FEW_FLAGS][k] += each[k] + each[k + 8] + each[k + 16] + each[k + 24];
}

TARGET void cxm_priv_nibble_add_avx2(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                     size_t n, bool flags, struct cxm_small_sums *sums)
{
    const __m256i order = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,
                                           0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
    const struct orders lower = orders_of(stripe, 0), upper = orders_of(stripe, 1);
    const __m256i zero = _mm256_setzero_si256();
    struct sums s = { zero, zero, zero, zero, zero, zero, zero }, t = s;
    for (size_t i = 0; i < n; i += 8) {
        const uint8_t *from = rows + i * CXM_NIBBLE_ROW;
        const __m256i a = _mm256_shuffle_epi8(load(from), order);
        const __m256i b = _mm256_shuffle_epi8(load(from + 32), order);
        add_quad(&lower, _mm256_unpacklo_epi16(a, b), &s);
        add_quad(&upper, _mm256_unpackhi_epi16(a, b), &t);
    }
    put_sums(&s, 0, sums);
    put_sums(&t, 4, sums);
    if (flags)
        add_flags(rows, n, sums);
}

/* ---- forms ---------------------------------------------------------------------------- */

TARGET uint8_t cxm_priv_nibble_form_avx2(const uint8_t *const *columns, const int16_t *coefs,
                                         uint32_t n_columns, int16_t constant, size_t n,
                                         bool flags, uint8_t *low, uint8_t *high)
{
    (void)high;
    return cxm_priv_nibble_form_loop(columns, coefs, n_columns, constant, n, flags, low);
}

#else
typedef int cxm_no_x86;
#endif
