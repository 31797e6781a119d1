/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops of small_rows.c that compilers turn into good vector code by themselves: included where
 * they are to be compiled, for any processor and again for AVX2. */
#ifndef CXM_SRC_SMALL_LOOPS_H
#define CXM_SRC_SMALL_LOOPS_H

#include "tally/small_rows.h"

#if defined(__GNUC__)
#define CXM_ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define CXM_ALWAYS_INLINE static inline
#endif

/* Eight columns of eight rows as eight words of rows: blocks of 4, 2 and 1 bytes change places. */
CXM_ALWAYS_INLINE void cxm_priv_small_turn(uint64_t w[8])
{
    static const uint64_t low[3] = { 0x00000000FFFFFFFFu, 0x0000FFFF0000FFFFu,
                                     0x00FF00FF00FF00FFu };
    for (int step = 0; step < 3; step++) {
        const int apart = 4 >> step, bits = 8 * apart;
        for (int i = 0; i < 8; i++) {
            if ((i & apart) != 0)
                continue;
            const uint64_t a = w[i], b = w[i + apart];
            w[i] = (a & low[step]) | (b & low[step]) << bits;
            w[i + apart] = (a >> bits & low[step]) | (b & ~low[step]);
        }
    }
}

/* Sums of at most CXM_TILE rows in 16 bits; four squares of 127 are below 2^16. */
struct cxm_small_short {
    uint16_t x[CXM_LANES], flag[CXM_LANES], beyond[CXM_LANES];
};

/* The bytes beside those of four rows, where partners are neighbours or the lane itself. */
CXM_ALWAYS_INLINE void cxm_priv_small_beside(const uint64_t mine[2], const uint64_t rows[8],
                                             uint64_t beside[8])
{
    const uint64_t low = 0x00FF00FF00FF00FFu;
    for (size_t k = 0; k < 8; k++) {
        const uint64_t swapped = (rows[k] & low) << 8 | (rows[k] >> 8 & low);
        beside[k] = swapped ^ ((swapped ^ rows[k]) & mine[k % 2]);
    }
}

CXM_ALWAYS_INLINE void cxm_priv_small_add_loop(const struct cxm_small_stripe *stripe,
                                               const uint8_t *rows, size_t n, bool flags,
                                               struct cxm_small_sums *sums)
{
    int32_t(*const to)[CXM_LANES] = sums->recent;
    struct cxm_small_short few = { { 0 }, { 0 }, { 0 } };
    uint8_t alone[CXM_LANES], met[CXM_LANES];
    uint64_t mine[2], four[8], two[8];
    for (size_t lane = 0; lane < CXM_LANES; lane++) {
        alone[lane] = stripe->partner[lane] == lane ? 255 : 0;
        met[lane] = stripe->met[lane];
    }
    memcpy(mine, alone, sizeof mine);
    for (const uint8_t *end = rows + n * CXM_LANES; rows < end; rows += 4 * CXM_LANES) {
        uint8_t x[4][CXM_LANES], y[4][CXM_LANES];
        memcpy(four, rows, sizeof four);
        for (size_t k = 0; k < 8; k++)
            two[k] = four[k] & 0x7F7F7F7F7F7F7F7Fu;
        memcpy(x, two, sizeof x);
        cxm_priv_small_beside(mine, two, two);
        memcpy(y, two, sizeof y);
        for (size_t lane = 0; lane < CXM_LANES; lane++) {
            const uint16_t a = x[0][lane], b = x[1][lane], c = x[2][lane], d = x[3][lane];
            const uint16_t e = y[0][lane], f = y[1][lane], g = y[2][lane], h = y[3][lane];
            const uint16_t m = met[lane];
            few.x[lane] = (uint16_t)(few.x[lane] + a + b + c + d);
            few.beyond[lane] = (uint16_t)(few.beyond[lane] + (a > e + m) + (b > f + m)
                                          + (c > g + m) + (d > h + m));
            to[CXM_SUM_XX][lane] += (uint16_t)(a * a + b * b + c * c + d * d);
            to[CXM_SUM_XY][lane] += (uint16_t)(a * e + b * f + c * g + d * h);
        }
        for (size_t i = 0; flags && i < 4; i++)
            for (size_t lane = 0; lane < CXM_LANES; lane++)
                few.flag[lane] =
                    (uint16_t)(few.flag[lane] + (rows[i * CXM_LANES + lane] & 128));
    }
    for (size_t lane = 0; lane < CXM_LANES; lane++) {
        to[CXM_SUM_X][lane] += few.x[lane];
        to[CXM_SUM_BEYOND][lane] += few.beyond[lane];
        to[CXM_SUM_FLAG][lane] += few.flag[lane];
    }
}

/* Sums of n <= CXM_TILE rows, column by column in 16 bits. */
CXM_ALWAYS_INLINE uint8_t cxm_priv_small_form_tile(const uint8_t *const *columns, size_t first,
                                                   const int16_t *coefs, uint32_t n_columns,
                                                   int16_t constant, size_t n, bool flags,
                                                   uint8_t *low, uint8_t *high)
{
    int16_t sum[CXM_TILE];
    uint8_t any[CXM_TILE] = { 0 }, bits = 0;
    for (size_t i = 0; i < CXM_TILE; i++)
        sum[i] = constant;
    for (uint32_t k = 0; k < n_columns; k++) {
        const uint8_t *from = columns[k] + first;
        const int16_t coef = coefs[k];
        for (size_t i = 0; i < n; i++) {
            sum[i] = (int16_t)(sum[i] + coef * (from[i] & 127));
            any[i] |= from[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t there = flags && any[i] >= CXM_SMALL_FLAG ? 0 : 255;
        low[i] = (uint8_t)((sum[i] & 127 & there) | (~there & CXM_SMALL_FLAG));
        high[i] = (uint8_t)(sum[i] >> 7 & there);
        bits |= high[i];
    }
    return bits;
}

CXM_ALWAYS_INLINE uint8_t cxm_priv_small_form_loop(const uint8_t *const *columns,
                                                   const int16_t *coefs, uint32_t n_columns,
                                                   int16_t constant, size_t n, bool flags,
                                                   uint8_t *low, uint8_t *high)
{
    uint8_t bits = 0;
    size_t i = 0;
    for (; i + CXM_TILE <= n; i += CXM_TILE)
        bits |= cxm_priv_small_form_tile(columns, i, coefs, n_columns, constant, CXM_TILE,
                                         flags, low + i, high + i);
    if (i < n)
        bits |= cxm_priv_small_form_tile(columns, i, coefs, n_columns, constant, n - i, flags,
                                         low + i, high + i);
    return bits;
}

/* Sums of n <= CXM_TILE rows modulo 256; a flagged row is the flag. */
CXM_ALWAYS_INLINE void cxm_priv_nibble_form_tile(const uint8_t *const *columns, size_t first,
                                                 const int16_t *coefs, uint32_t n_columns,
                                                 int16_t constant, size_t n, bool flags,
                                                 uint8_t *out)
{
    uint8_t sum[CXM_TILE], any[CXM_TILE] = { 0 };
    for (size_t i = 0; i < CXM_TILE; i++)
        sum[i] = (uint8_t)constant;
    for (uint32_t k = 0; k < n_columns; k++) {
        const uint8_t *from = columns[k] + first;
        const uint8_t coef = (uint8_t)coefs[k];
        for (size_t i = 0; coef == 1 && i < n; i++)
            sum[i] = (uint8_t)(sum[i] + from[i]);
        for (size_t i = 0; coef == 255 && i < n; i++)
            sum[i] = (uint8_t)(sum[i] - from[i]);
        for (size_t i = 0; coef != 1 && coef != 255 && i < n; i++)
            sum[i] = (uint8_t)(sum[i] + coef * from[i]);
        for (size_t i = 0; flags && i < n; i++)
            any[i] |= from[i];
    }
    for (size_t i = 0; i < n; i++)
        out[i] = any[i] >= CXM_SMALL_FLAG ? CXM_SMALL_FLAG : sum[i];
}

CXM_ALWAYS_INLINE uint8_t cxm_priv_nibble_form_loop(const uint8_t *const *columns,
                                                    const int16_t *coefs, uint32_t n_columns,
                                                    int16_t constant, size_t n, bool flags,
                                                    uint8_t *out)
{
    size_t i = 0;
    for (; i + CXM_TILE <= n; i += CXM_TILE)
        cxm_priv_nibble_form_tile(columns, i, coefs, n_columns, constant, CXM_TILE, flags,
                                  out + i);
    if (i < n)
        cxm_priv_nibble_form_tile(columns, i, coefs, n_columns, constant, n - i, flags, out + i);
    return 0;
}

CXM_ALWAYS_INLINE uint32_t cxm_priv_small_reach_loop(const uint32_t *keys, size_t n,
                                                     uint32_t base, uint32_t *out)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = keys[i] - base;
        largest = out[i] > largest ? out[i] : largest;
    }
    return largest;
}

#endif
