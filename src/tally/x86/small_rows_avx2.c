/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of small whole numbers with AVX2: a tile is transposed by unpacking bytes, as with AVX-512 but
 * half of it at a time; eight rows are put side by side lane by lane in the same way, four lanes a
 * vector, and multiplied in two steps. */
#include "tally/kernels.h"
#include "tally/small_loops.h"

#if CXM_X86

#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))

/* ---- tiles ---------------------------------------------------------------------------- */

/* 16 columns of 32 rows: interleaving registers i and i + 8 four times over. */
TARGET static inline void transpose(__m256i r[CXM_LANES], uint8_t *rows)
{
    __m256i out[CXM_LANES];
#pragma GCC unroll 2
    for (int twice = 0; twice < 2; twice++) {
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            out[2 * i] = _mm256_unpacklo_epi8(r[i], r[i + 8]);
            out[2 * i + 1] = _mm256_unpackhi_epi8(r[i], r[i + 8]);
        }
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            r[2 * i] = _mm256_unpacklo_epi8(out[i], out[i + 8]);
            r[2 * i + 1] = _mm256_unpackhi_epi8(out[i], out[i + 8]);
        }
    }
    for (int i = 0; i < CXM_LANES; i++)
        _mm256_storeu_si256((__m256i *)(void *)(rows + 64 * i), r[i]);
}

TARGET static inline __m256i load(const uint8_t *from)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)from);
}

/* The tile with flags: a value that is flagged takes its partner along. */
TARGET static void flagged_half(const struct cxm_small_stripe *stripe,
                                const uint8_t *const columns[CXM_LANES], size_t first,
                                uint8_t *rows)
{
    __m256i r[CXM_LANES];
    for (int lane = 0; lane < CXM_LANES; lane++) {
        const __m256i own = load(columns[lane] + first);
        const __m256i other = load(columns[stripe->partner[lane]] + first);
        const __m256i instead =
            _mm256_set1_epi8(stripe->first[lane] ? (char)CXM_SMALL_FLAG : 0);
        r[lane] = _mm256_blendv_epi8(own, instead, _mm256_or_si256(own, other));
    }
    transpose(r, rows);
}

TARGET static void half(const uint8_t *const columns[CXM_LANES], size_t first, uint8_t *rows)
{
    __m256i r[CXM_LANES];
    for (int lane = 0; lane < CXM_LANES; lane++)
        r[lane] = load(columns[lane] + first);
    transpose(r, rows);
}

TARGET void cxm_priv_small_tile_avx2(const struct cxm_small_stripe *stripe,
                                     const uint8_t *const columns[CXM_LANES], size_t first,
                                     size_t n, bool flags, uint8_t rows[CXM_TILE_BYTES])
{
    if (n < CXM_TILE) {
        cxm_priv_small_tile_c(stripe, columns, first, n, flags, rows);
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        if (flags)
            flagged_half(stripe, columns, first + 32 * i, rows + 32 * i);
        else
            half(columns, first + 32 * i, rows + 32 * i);
    }
}

/* ---- sums ----------------------------------------------------------------------------- */

enum { QUADS = CXM_LANES / 4, MOST_EIGHTS = CXM_TILE / 8 };

/* Eight rows lane by lane: four lanes are a vector, of each the bytes of rows 0 … 3 in the lower
 * half and of rows 4 … 7 in the upper one. */
TARGET static inline void turn_eight(const uint8_t *rows, bool four, __m256i quads[QUADS])
{
    __m256i r[4];
    for (int k = 0; k < 4; k++) {
        const uint8_t *const from = rows + k * CXM_LANES;
        r[k] = _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)from));
        r[k] = four ? _mm256_zextsi128_si256(_mm256_castsi256_si128(r[k]))
                    : _mm256_inserti128_si256(
                        r[k], _mm_loadu_si128((const __m128i *)(const void *)(from + 64)), 1);
    }
    const __m256i a = _mm256_unpacklo_epi8(r[0], r[1]), b = _mm256_unpackhi_epi8(r[0], r[1]);
    const __m256i c = _mm256_unpacklo_epi8(r[2], r[3]), d = _mm256_unpackhi_epi8(r[2], r[3]);
    quads[0] = _mm256_unpacklo_epi16(a, c);
    quads[1] = _mm256_unpackhi_epi16(a, c);
    quads[2] = _mm256_unpacklo_epi16(b, d);
    quads[3] = _mm256_unpackhi_epi16(b, d);
}

/* Adds both halves to four of the sums. */
TARGET static inline void put(int32_t *sum, __m256i v)
{
    const __m128i both =
        _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i *const to = (__m128i *)(void *)sum;
    _mm_storeu_si128(to, _mm_add_epi32(_mm_loadu_si128(to), both));
}

/* Four lanes. Bytes are added up as bytes or in 16 bits as long as a tile allows it. */
TARGET static inline void add_quad(const struct cxm_small_stripe *stripe, size_t quad,
                                   const __m256i (*eights)[QUADS], size_t n_eights, bool flags,
                                   struct cxm_small_sums *sums)
{
    const __m256i one = _mm256_set1_epi8(1), words = _mm256_set1_epi16(1);
    const __m256i zero = _mm256_setzero_si256(), seven = _mm256_set1_epi8(127);
    uint8_t order[16];
    for (size_t k = 0; k < 16; k++)
        order[k] = (uint8_t)(4 * (stripe->partner[4 * quad + k / 4] % 4) + k % 4);
    const __m256i beside =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)order));
    const __m256i limits = _mm256_broadcastsi128_si256(
        _mm_loadu_si128((const __m128i *)(const void *)(stripe->limits + 16 * quad)));
    __m256i x_sum = zero, xx_sum = zero, xy_sum = zero, beyond = zero, flagged = zero;
    for (size_t i = 0; i < n_eights; i++) {
        __m256i x = eights[i][quad];
        if (flags) {
            flagged = _mm256_sub_epi8(flagged, _mm256_cmpgt_epi8(zero, x));
            x = _mm256_and_si256(x, seven);
        }
        const __m256i y = _mm256_shuffle_epi8(x, beside);
        const __m256i more = _mm256_subs_epu8(_mm256_subs_epu8(x, y), limits);
        x_sum = _mm256_add_epi16(x_sum, _mm256_maddubs_epi16(x, one));
        xx_sum = _mm256_add_epi32(xx_sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, x), words));
        xy_sum = _mm256_add_epi32(xy_sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), words));
        beyond = _mm256_add_epi8(beyond, _mm256_min_epu8(more, one));
    }
    const size_t at = 4 * quad;
    put(sums->recent[CXM_SUM_X] + at, _mm256_madd_epi16(x_sum, words));
    put(sums->recent[CXM_SUM_XX] + at, xx_sum);
    put(sums->recent[CXM_SUM_XY] + at, xy_sum);
    put(sums->recent[CXM_SUM_BEYOND] + at,
        _mm256_madd_epi16(_mm256_maddubs_epi16(beyond, one), words));
    if (flags)
        put(sums->recent[CXM_SUM_FLAG] + at,
            _mm256_slli_epi32(_mm256_madd_epi16(_mm256_maddubs_epi16(flagged, one), words), 7));
}

TARGET void cxm_priv_small_add_avx2(const struct cxm_small_stripe *stripe, const uint8_t *rows,
                                    size_t n, bool flags, struct cxm_small_sums *sums)
{
    __m256i eights[MOST_EIGHTS][QUADS];
    const size_t n_eights = (n + 4) / 8;
    for (size_t i = 0; i < n_eights; i++) {
        if (8 * i + 8 <= n)
            turn_eight(rows + 8 * i * CXM_LANES, false, eights[i]);
        else
            turn_eight(rows + 8 * i * CXM_LANES, true, eights[i]);
    }
    for (size_t quad = 0; quad < QUADS; quad++) {
        if (flags)
            add_quad(stripe, quad, (const __m256i(*)[QUADS])eights, n_eights, true, sums);
        else
            add_quad(stripe, quad, (const __m256i(*)[QUADS])eights, n_eights, false, sums);
    }
}

/* ---- forms ---------------------------------------------------------------------------- */

TARGET static inline __m256i weigh(__m256i sum, __m256i x, int16_t coef)
{
    if (coef == 1)
        return _mm256_add_epi16(sum, x);
    if (coef == -1)
        return _mm256_sub_epi16(sum, x);
    return _mm256_add_epi16(sum, _mm256_mullo_epi16(x, _mm256_set1_epi16(coef)));
}

/* 32 rows, those of even and of odd number in 16 bits each. Returns the high bytes. */
TARGET static inline __m256i form(const uint8_t *const *columns, size_t first,
                                  const int16_t *coefs, uint32_t n_columns, int16_t constant,
                                  bool flags, uint8_t *low, uint8_t *high)
{
    const __m256i byte = _mm256_set1_epi16(0xFF), seven = _mm256_set1_epi16(127);
    const __m256i flag = _mm256_set1_epi8((char)CXM_SMALL_FLAG);
    __m256i even = _mm256_set1_epi16(constant), odd = even, any = _mm256_setzero_si256();
    for (uint32_t k = 0; k < n_columns; k++) {
        __m256i x = load(columns[k] + first);
        any = _mm256_or_si256(any, x);
        if (flags)
            x = _mm256_andnot_si256(flag, x);
        even = weigh(even, _mm256_and_si256(x, byte), coefs[k]);
        odd = weigh(odd, _mm256_srli_epi16(x, 8), coefs[k]);
    }
    __m256i l = _mm256_or_si256(_mm256_and_si256(even, seven),
                                _mm256_slli_epi16(_mm256_and_si256(odd, seven), 8));
    __m256i h = _mm256_or_si256(_mm256_srli_epi16(even, 7),
                                _mm256_slli_epi16(_mm256_srli_epi16(odd, 7), 8));
    if (flags) {
        l = _mm256_blendv_epi8(l, flag, any);
        h = _mm256_blendv_epi8(h, _mm256_setzero_si256(), any);
    }
    _mm256_storeu_si256((__m256i *)(void *)low, l);
    _mm256_storeu_si256((__m256i *)(void *)high, h);
    return h;
}

TARGET uint8_t cxm_priv_small_form_avx2(const uint8_t *const *columns, const int16_t *coefs,
                                        uint32_t n_columns, int16_t constant, size_t n,
                                        bool flags, uint8_t *low, uint8_t *high)
{
    __m256i all = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        all = _mm256_or_si256(
            all, form(columns, i, coefs, n_columns, constant, flags, low + i, high + i));
    uint8_t each[32], bits = 0;
    _mm256_storeu_si256((__m256i *)(void *)each, all);
    for (int k = 0; k < 32; k++)
        bits |= each[k];
    if (i < n)
        bits |= cxm_priv_small_form_tile(columns, i, coefs, n_columns, constant, n - i, flags,
                                         low + i, high + i);
    return bits;
}

TARGET uint32_t cxm_priv_small_reach_avx2(const uint32_t *keys, size_t n, uint32_t base,
                                          uint32_t *out)
{
    return cxm_priv_small_reach_loop(keys, n, base, out);
}

#else
typedef int cxm_no_x86;
#endif
