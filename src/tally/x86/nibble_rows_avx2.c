/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of very small whole numbers with AVX2: as with AVX-512, but half a tile at a time, four lanes
 * a vector, and products in two steps. */
#include "tally/kernels.h"
#include "tally/nibble_rows.h"
#include "tally/small_loops.h"

#if CXM_X86

#include "column/x86/whole_avx2.h"

#define TARGET __attribute__((target("avx2")))

TARGET static inline __m256i load(const void *from)
{
    return _mm256_loadu_si256((const __m256i *)from);
}

/* Five pairs are what most surveys of gaps have: bytes 0 … 4, and perhaps their balance. */
enum { FIVE = 5 };

static bool has_five(const struct cxm_small_stripe *stripe)
{
    return stripe->first[2 * FIVE] == 0 && (stripe->balance || stripe->first[2 * FIVE + 2] == 0);
}

/* Are bytes 0 … 3 pairs? */
static bool all_pairs(const struct cxm_small_stripe *stripe)
{
    return stripe->partner[0] != 0 && stripe->partner[2] != 2 && stripe->partner[4] != 4
        && stripe->partner[6] != 6;
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

/* How the bytes of a tile are looked at: not at all, all in one range, or each in its own. */
enum check { NO_CHECK, ONE_RANGE, OWN_RANGES };

/* How a tile is made. */
struct plan {
    int n_bytes; /* of a row: FIVE or all */
    enum check check;
    bool flags;
};

/* By how much the bytes of a lane are beyond its range. */
TARGET static inline __m256i beyond(const struct cxm_small_stripe *stripe, size_t lane, __m256i v)
{
    const __m256i lowest = _mm256_set1_epi8((char)stripe->lowest[lane]);
    const __m256i range = _mm256_set1_epi8((char)stripe->range[lane]);
    return _mm256_subs_epu8(_mm256_sub_epi8(v, lowest), range);
}

/* What is beyond the ranges of the lanes 2 k and 2 k + 1, with what was before; of one range: the most
 * that any byte is above the lowest. */
TARGET CXM_ALWAYS_INLINE __m256i look(const struct cxm_small_stripe *stripe, struct plan plan, int k,
                                      __m256i a, __m256i b, __m256i bad)
{
    const __m256i lowest = _mm256_set1_epi8((char)stripe->lowest[0]);
    if (plan.check == OWN_RANGES)
        return _mm256_or_si256(bad, _mm256_or_si256(beyond(stripe, 2 * (size_t)k, a),
                                                    beyond(stripe, 2 * (size_t)k + 1, b)));
    if (plan.check == ONE_RANGE)
        return _mm256_max_epu8(bad, _mm256_max_epu8(_mm256_sub_epi8(a, lowest),
                                                    _mm256_sub_epi8(b, lowest)));
    return bad;
}

/* Half a tile. */
TARGET CXM_ALWAYS_INLINE __m256i half(const struct cxm_small_stripe *stripe, struct plan plan,
                                      const uint8_t *const columns[CXM_LANES], size_t first,
                                      uint8_t *rows, __m256i bad)
{
    const __m256i flag = _mm256_set1_epi8((char)CXM_SMALL_FLAG), zero = _mm256_setzero_si256();
    __m256i r[CXM_NIBBLE_ROW] = { zero, zero, zero, zero, zero, zero, zero, zero };
    __m256i flagged = zero, sum = _mm256_set1_epi8((char)stripe->start);
#pragma GCC unroll 7
    for (int k = 0; k < plan.n_bytes; k++) {
        __m256i a = load(columns[2 * k] + first), b = load(columns[2 * k + 1] + first);
        bad = look(stripe, plan, k, a, b, bad);
        if (plan.flags) {
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

/* Halves of rows 0 … n - 1, n a multiple of CXM_TILE. */
TARGET CXM_ALWAYS_INLINE bool halves(const struct cxm_small_stripe *stripe, struct plan plan,
                                     const uint8_t *const columns[CXM_LANES], size_t first, size_t n,
                                     uint8_t *rows)
{
    __m256i bad = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 32)
        bad = half(stripe, plan, columns, first + i, rows + i / CXM_TILE * CXM_NIBBLE_TILE + i % CXM_TILE,
                   bad);
    if (plan.check == ONE_RANGE)
        bad = _mm256_subs_epu8(bad, _mm256_set1_epi8((char)stripe->range[0]));
    return _mm256_testz_si256(bad, bad) != 0;
}

/* What five pairs are to be looked at for. */
static enum check check_of(const struct cxm_small_stripe *stripe)
{
    bool same = true, any = false;
    for (size_t lane = 0; lane < 2 * FIVE; lane++) {
        same = same && stripe->lowest[lane] == stripe->lowest[0] && stripe->range[lane] == stripe->range[0];
        any = any || stripe->range[lane] != UINT8_MAX;
    }
    return !any ? NO_CHECK : same ? ONE_RANGE : OWN_RANGES;
}

TARGET bool cxm_priv_nibble_tiles_avx2(const struct cxm_small_stripe *stripe,
                                       const uint8_t *const columns[CXM_LANES], size_t first,
                                       size_t n, bool flags, uint8_t *rows)
{
    const size_t whole = n / CXM_TILE * CXM_TILE;
    const enum check check = has_five(stripe) ? check_of(stripe) : OWN_RANGES;
    bool good;
    if (check == NO_CHECK && !flags)
        good = halves(stripe, (struct plan){ FIVE, NO_CHECK, false }, columns, first, whole, rows);
    else if (check == ONE_RANGE && !flags)
        good = halves(stripe, (struct plan){ FIVE, ONE_RANGE, false }, columns, first, whole, rows);
    else if (check == NO_CHECK)
        good = halves(stripe, (struct plan){ FIVE, NO_CHECK, true }, columns, first, whole, rows);
    else if (!flags)
        good = halves(stripe, (struct plan){ CXM_NIBBLE_BYTES, OWN_RANGES, false }, columns, first, whole,
                      rows);
    else
        good = halves(stripe, (struct plan){ CXM_NIBBLE_BYTES, OWN_RANGES, true }, columns, first, whole,
                      rows);
    if (n == whole || !good)
        return good;
    return cxm_priv_nibble_tiles_c(stripe, columns, first + whole, n - whole, flags,
                                   rows + whole * CXM_NIBBLE_ROW);
}

/* ---- tiles of floats ------------------------------------------------------------------- */

/* 32 floats as bytes in the order of packing, which keeps what is beyond -128 … 127 at these ends. */
TARGET CXM_ALWAYS_INLINE __m256i bytes_of(const unsigned char *from, __m256 *odd)
{
    const __m256i a = cxm_priv_whole_avx2(from, odd), b = cxm_priv_whole_avx2(from + 32, odd);
    const __m256i c = cxm_priv_whole_avx2(from + 64, odd), d = cxm_priv_whole_avx2(from + 96, odd);
    return _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
}

TARGET static inline __m256i in_order(__m256i packed)
{
    return _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}

/* Half a tile. No float may be odd, no byte so far above the least of all. */
TARGET CXM_ALWAYS_INLINE void half_of_floats(const struct cxm_small_stripe *stripe, size_t n_pairs,
                                             const unsigned char *const columns[CXM_LANES],
                                             size_t first, uint8_t *rows, __m256 *odd, __m256i *above)
{
    const __m256i zero = _mm256_setzero_si256(), least = _mm256_set1_epi8((char)stripe->least);
    __m256i r[CXM_NIBBLE_ROW] = { zero, zero, zero, zero, zero, zero, zero, zero };
    __m256i sum = _mm256_set1_epi8((char)stripe->start);
#pragma GCC unroll 5
    for (size_t k = 0; k < n_pairs; k++) {
        const __m256i a = bytes_of(columns[2 * k] + 4 * first, odd);
        const __m256i b = bytes_of(columns[2 * k + 1] + 4 * first, odd);
        *above = _mm256_max_epu8(*above, _mm256_max_epu8(_mm256_sub_epi8(a, least),
                                                         _mm256_sub_epi8(b, least)));
        r[k] = in_order(_mm256_or_si256(a, _mm256_slli_epi16(b, 4)));
        sum = _mm256_add_epi8(sum, _mm256_sub_epi8(a, b));
    }
    if (stripe->balance)
        r[CXM_NIBBLE_BALANCE] = in_order(sum);
    transpose(r, rows);
}

TARGET CXM_ALWAYS_INLINE bool tile_of_floats(const struct cxm_small_stripe *stripe, size_t n_pairs,
                                             const unsigned char *const columns[CXM_LANES],
                                             size_t first, uint8_t *rows)
{
    __m256 odd = _mm256_setzero_ps();
    __m256i above = _mm256_setzero_si256();
    for (size_t i = 0; i < CXM_TILE; i += 32)
        half_of_floats(stripe, n_pairs, columns, first + i, rows + i, &odd, &above);
    above = _mm256_subs_epu8(above, _mm256_set1_epi8((char)stripe->most));
    return _mm256_movemask_ps(odd) == 0 && _mm256_testz_si256(above, above) != 0;
}

TARGET bool cxm_priv_nibble_floats_avx2(const struct cxm_small_stripe *stripe,
                                        const unsigned char *const columns[CXM_LANES], size_t first,
                                        uint8_t *rows)
{
    return stripe->n_pairs == FIVE ? tile_of_floats(stripe, FIVE, columns, first, rows)
                                   : tile_of_floats(stripe, stripe->n_pairs, columns, first, rows);
}

/* ---- sums ----------------------------------------------------------------------------- */

/* Of four lanes, in 16 bits what CXM_NIBBLE_DEALT rows fit. */
struct sums {
    __m256i x, y, xx, xy, yy; /* xx: in 32 bits; where all are pairs x and y in bytes, xx in 16 bits */
    __m256i above, below;     /* in bytes */
};

struct orders {
    __m256i low, high, above, below; /* limits of x - y */
};

/* Of bytes 0 … 3 or 4 … 7 of a row; joined: of 4, 4, 6 and 6. */
TARGET static inline struct orders orders_of(const struct cxm_small_stripe *stripe, size_t quad,
                                             bool joined)
{
    const __m256i which = joined ? _mm256_setr_epi32(0, 0, 4, 4, 0, 0, 4, 4)
                                 : _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6);
    struct orders o;
    o.low = _mm256_permutevar8x32_epi32(load(stripe->beside + 32 * quad), which);
    o.above = _mm256_permutevar8x32_epi32(load(stripe->limits + 32 * quad), which);
    o.below = _mm256_sub_epi8(_mm256_setzero_si256(), o.above);
    o.high = _mm256_and_si256(_mm256_cmpeq_epi8(o.low, _mm256_set1_epi8(15)),
                              _mm256_set1_epi8((char)0xF0));
    return o;
}

/* Eight rows of four lanes. Bytes take up what these are CXM_NIBBLE_DEALT / 8 times: 16 times 15. */
TARGET CXM_ALWAYS_INLINE void add_quad(const struct orders *o, __m256i v, bool pairs, struct sums *to)
{
    const __m256i one = _mm256_set1_epi8(1), words = _mm256_set1_epi16(1);
    const __m256i x = _mm256_and_si256(v, o->low), size = pairs ? x : _mm256_abs_epi8(x);
    const __m256i y = _mm256_srli_epi16(_mm256_and_si256(v, o->high), 4);
    const __m256i d = _mm256_sub_epi8(x, y), xx = _mm256_maddubs_epi16(size, size);
    to->x = pairs ? _mm256_add_epi8(to->x, x) : _mm256_add_epi16(to->x, _mm256_maddubs_epi16(one, x));
    to->y = pairs ? _mm256_add_epi8(to->y, y) : _mm256_add_epi16(to->y, _mm256_maddubs_epi16(one, y));
    to->xx = pairs ? _mm256_add_epi16(to->xx, xx) : _mm256_add_epi32(to->xx, _mm256_madd_epi16(xx, words));
    to->xy = _mm256_add_epi16(to->xy, _mm256_maddubs_epi16(x, y));
    to->yy = _mm256_add_epi16(to->yy, _mm256_maddubs_epi16(y, y));
    to->above = _mm256_sub_epi8(to->above, _mm256_cmpgt_epi8(d, o->above));
    to->below = _mm256_sub_epi8(to->below, _mm256_cmpgt_epi8(o->below, d));
}

/* Adds both halves to four of the sums; joined: pairs of these to the first of each. */
TARGET static inline void put(int32_t *sum, bool joined, __m256i v)
{
    __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i *const to = (__m128i *)(void *)sum;
    if (joined)
        four = _mm_and_si128(_mm_add_epi32(four, _mm_srli_epi64(four, 32)), _mm_set1_epi64x(UINT32_MAX));
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), four));
}

TARGET CXM_ALWAYS_INLINE void put_sums(const struct sums *s, size_t at, bool pairs, bool joined,
                                       struct cxm_small_sums *sums)
{
    const __m256i one = _mm256_set1_epi8(1), words = _mm256_set1_epi16(1);
    const __m256i x = pairs ? _mm256_maddubs_epi16(s->x, one) : s->x;
    const __m256i y = pairs ? _mm256_maddubs_epi16(s->y, one) : s->y;
    put(sums->few[CXM_FEW_X] + at, joined, _mm256_madd_epi16(x, words));
    put(sums->few[CXM_FEW_Y] + at, joined, _mm256_madd_epi16(y, words));
    put(sums->few[CXM_FEW_XX] + at, joined, pairs ? _mm256_madd_epi16(s->xx, words) : s->xx);
    put(sums->few[CXM_FEW_XY] + at, joined, _mm256_madd_epi16(s->xy, words));
    put(sums->few[CXM_FEW_YY] + at, joined, _mm256_madd_epi16(s->yy, words));
    put(sums->few[CXM_FEW_ABOVE] + at, joined,
        _mm256_madd_epi16(_mm256_maddubs_epi16(s->above, one), words));
    put(sums->few[CXM_FEW_BELOW] + at, joined,
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

/* Eight rows, byte by byte of each two. */
TARGET static inline __m256i two_by_two(const uint8_t *rows)
{
    const __m256i order = _mm256_setr_epi8(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15,
                                           0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
    return _mm256_shuffle_epi8(load(rows), order);
}

/* Bytes 0 … 3 of each, or 4 … 7. */
TARGET CXM_ALWAYS_INLINE __m256i quad_of(const uint8_t *rows, size_t quad)
{
    const __m256i a = two_by_two(rows), b = two_by_two(rows + 32);
    return quad == 0 ? _mm256_unpacklo_epi16(a, b) : _mm256_unpackhi_epi16(a, b);
}

TARGET CXM_ALWAYS_INLINE void add_bytes(const struct cxm_small_stripe *stripe, size_t quad, bool pairs,
                                        const uint8_t *rows, size_t n, struct cxm_small_sums *sums)
{
    const struct orders o = orders_of(stripe, quad, false);
    const __m256i zero = _mm256_setzero_si256();
    struct sums s = { zero, zero, zero, zero, zero, zero, zero };
    for (size_t i = 0; i < n; i += 8)
        add_quad(&o, quad_of(rows + i * CXM_NIBBLE_ROW, quad), pairs, &s);
    put_sums(&s, 4 * quad, pairs, false, sums);
}

/* Bytes 4 and 6, where the others hold no numbers: of eight more rows in the place of 5 and 7. */
TARGET static void add_joined(const struct cxm_small_stripe *stripe, const uint8_t *rows, size_t n,
                              struct cxm_small_sums *sums)
{
    const struct orders o = orders_of(stripe, 1, true);
    const __m256i zero = _mm256_setzero_si256();
    struct sums s = { zero, zero, zero, zero, zero, zero, zero };
    for (size_t i = 0; i < n; i += 16) {
        const uint8_t *from = rows + i * CXM_NIBBLE_ROW;
        const __m256i more = i + 8 < n ? quad_of(from + 64, 1) : zero;
        add_quad(&o, _mm256_blend_epi32(quad_of(from, 1), _mm256_slli_epi64(more, 32), 0xAA), false, &s);
    }
    put_sums(&s, 4, false, true, sums);
}

/* Four bytes at a time: the sums of eight do not fit the registers. */
TARGET void cxm_priv_nibble_add_avx2(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                     size_t n, bool flags, struct cxm_small_sums *sums)
{
    if (all_pairs(stripe))
        add_bytes(stripe, 0, true, rows, n, sums);
    else
        add_bytes(stripe, 0, false, rows, n, sums);
    if (has_five(stripe))
        add_joined(stripe, rows, n, sums);
    else
        add_bytes(stripe, 1, false, rows, n, sums);
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
