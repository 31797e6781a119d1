/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of small whole numbers: the C variants, dealing, and the choice among all. See
 * small_rows.h. */
#include "tally/small_rows.h"
#include "tally/kernels.h"
#include "tally/nibble_rows.h"
#include "tally/small_loops.h"

void cxm_priv_small_orders(struct cxm_small_stripe *stripe)
{
    for (size_t i = 0; i < CXM_TILE; i++) {
        const size_t lane = i / 4, row = i % 4;
        stripe->own[i] = (uint8_t)(row * CXM_LANES + lane);
        stripe->beside[i] = (uint8_t)(row * CXM_LANES + stripe->partner[lane]);
        stripe->limits[i] = stripe->met[lane];
    }
}

/* Rows i … i + 7 of eight lanes. */
static void turn_block(const uint8_t columns[CXM_LANES][CXM_TILE], size_t lane, size_t i,
                       uint8_t rows[CXM_TILE_BYTES])
{
    uint64_t w[8];
    for (size_t k = 0; k < 8; k++)
        w[k] = cxm_priv_get_u64(columns[lane + k] + i);
    cxm_priv_small_turn(w);
    for (size_t k = 0; k < 8; k++)
        cxm_priv_put_u64(rows + cxm_priv_small_place(i + k) + lane, w[k]);
}

void cxm_priv_small_tile_c(const struct cxm_small_stripe *stripe,
                           const uint8_t *const columns[CXM_LANES], size_t first, size_t n,
                           bool flags, uint8_t rows[CXM_TILE_BYTES])
{
    uint8_t own[CXM_LANES][CXM_TILE] = { { 0 } };
    for (size_t lane = 0; lane < CXM_LANES; lane++) {
        const uint8_t *from = columns[lane] + first;
        const uint8_t *other = columns[stripe->partner[lane]] + first;
        const uint8_t instead = stripe->first[lane] ? CXM_SMALL_FLAG : 0;
        if (!flags)
            memcpy(own[lane], from, n);
        for (size_t i = 0; flags && i < n; i++)
            own[lane][i] = ((from[i] | other[i]) & CXM_SMALL_FLAG) != 0 ? instead : from[i];
    }
    for (size_t lane = 0; lane < CXM_LANES; lane += 8)
        for (size_t i = 0; i < CXM_TILE; i += 8)
            turn_block((const uint8_t(*)[CXM_TILE])own, lane, i, rows);
}

void cxm_priv_small_add_c(const struct cxm_small_stripe *stripe, const uint8_t *rows, size_t n,
                          bool flags, struct cxm_small_sums *sums)
{
    cxm_priv_small_add_loop(stripe, rows, n, flags, sums);
}

uint8_t cxm_priv_small_form_c(const uint8_t *const *columns, const int16_t *coefs,
                              uint32_t n_columns, int16_t constant, size_t n, bool flags,
                              uint8_t *low, uint8_t *high)
{
    return cxm_priv_small_form_loop(columns, coefs, n_columns, constant, n, flags, low, high);
}

uint32_t cxm_priv_small_reach_c(const uint32_t *keys, size_t n, uint32_t base, uint32_t *out)
{
    return cxm_priv_small_reach_loop(keys, n, base, out);
}

static void widen(struct cxm_small_sums *sums)
{
    for (size_t k = 0; k < CXM_SMALL_SUMS; k++)
        for (size_t lane = 0; lane < CXM_LANES; lane++)
            sums->wide[k][lane] += sums->recent[k][lane];
    memset(sums->recent, 0, sizeof sums->recent);
}

void cxm_priv_small_spill(struct cxm_small_slots *s, uint32_t slot)
{
    for (uint32_t t = 0; t < s->n_stripes; t++) {
        struct cxm_small_sums *sums = &s->sums[(size_t)slot * s->n_stripes + t];
        if (s->row_bytes == CXM_NIBBLE_ROW)
            cxm_priv_nibble_widen(sums);
        else
            widen(sums);
    }
    s->groups[slot].added = 0;
}

/* ---- dealing -------------------------------------------------------------------------- */

/* The row at `at` filled its buffer, which begins anew; false: the key is new, and has none. */
CXM_NOINLINE static bool sum_buffer(struct cxm_small_slots *s, uint32_t *cursor, uint32_t at)
{
    if (at == 0) {
        *cursor = 0;
        return false;
    }
    const uint32_t start = at - (s->buffer_bytes - s->row_bytes);
    const uint32_t slot = cxm_priv_small_slot(s, start), n = s->buffer_bytes / s->row_bytes;
    *cursor = start;
    cxm_priv_small_count(s, slot, n);
    for (uint32_t t = 0; t < s->n_stripes; t++)
        s->add(&s->stripes[t], cxm_priv_small_row(s, start, t), n, s->flags,
               &s->sums[(size_t)slot * s->n_stripes + t]);
    return true;
}

/* One row; false: its key is new. */
CXM_ALWAYS_INLINE bool deal_row(struct cxm_small_slots *s, uint32_t *cursor, uint8_t *rows,
                                const uint8_t *from, uint32_t n_stripes, uint32_t row_bytes,
                                uint32_t buffer_bytes)
{
    const uint32_t at = *cursor;
    for (uint32_t t = 0; t < n_stripes; t++)
        memcpy(rows + at + (size_t)t * buffer_bytes, from + t * CXM_TILE_BYTES, row_bytes);
    *cursor = at + row_bytes;
    return CXM_LIKELY(at % buffer_bytes != 0) || sum_buffer(s, cursor, at);
}

/* The keys of rows, in one or four bytes. */
CXM_ALWAYS_INLINE uint32_t key_of(const void *keys, size_t width, size_t i)
{
    return width == 1 ? ((const uint8_t *)keys)[i] : ((const uint32_t *)keys)[i];
}

/* Eight rows of nibbles. All cursors are read before a row is written: a load that comes after waits for
 * the place of the row to be known. False: nothing was done, as one of them would fill its buffer, or its key
 * is new. */
CXM_ALWAYS_INLINE bool deal_eight(uint32_t *cursors, const void *keys, size_t width, uint8_t *rows,
                                  const uint8_t *from)
{
    enum { EIGHT = 8 };
    uint32_t at[EIGHT];
#pragma GCC unroll 8
    for (size_t k = 0; k < EIGHT; k++) {
        uint32_t *cursor = &cursors[key_of(keys, width, k)];
        at[k] = *cursor;
        if (CXM_UNLIKELY(at[k] % CXM_NIBBLE_BUFFER == 0)) {
            while (k-- > 0)
                cursors[key_of(keys, width, k)] -= CXM_NIBBLE_ROW;
            return false;
        }
        *cursor = at[k] + CXM_NIBBLE_ROW;
    }
#pragma GCC unroll 8
    for (size_t k = 0; k < EIGHT; k++)
        memcpy(rows + at[k], from + cxm_priv_nibble_place(k), CXM_NIBBLE_ROW);
    return true;
}

/* Rows of one stripe or more, or of nibbles: quarter by quarter of the tile, whose rows lie at the same
 * places each time. */
CXM_ALWAYS_INLINE size_t deal(struct cxm_small_slots *s, const uint8_t *tile, const void *keys,
                              size_t width, size_t first, size_t n, uint32_t n_stripes,
                              bool nibbles, bool eights)
{
    enum { QUARTER = 16 };
    const uint32_t bytes = nibbles ? CXM_NIBBLE_ROW : CXM_LANES;
    const uint32_t buffer = nibbles ? CXM_NIBBLE_BUFFER : CXM_BUFFER_BYTES;
    uint32_t *const cursors = s->cursors;
    uint8_t *const rows = cxm_priv_small_row(s, 0, 0);
    size_t i = first;
    while (i < n) {
        const uint8_t *from = tile + i / QUARTER * QUARTER;
        if (eights && i % QUARTER == 0 && i + QUARTER <= n) {
#pragma GCC unroll 2
            for (size_t half = 0; half < QUARTER; half += 8) {
                const void *of_half = (const uint8_t *)keys + (i + half) * width;
                const uint8_t *eight = from + cxm_priv_nibble_place(half);
                if (CXM_LIKELY(deal_eight(cursors, of_half, width, rows, eight)))
                    continue;
                for (size_t k = 0; k < 8; k++) {
                    if (!deal_row(s, &cursors[key_of(of_half, width, k)], rows,
                                  eight + cxm_priv_nibble_place(k), 1, bytes, buffer))
                        return i + half + k;
                }
            }
            i += QUARTER;
        } else if (i % QUARTER == 0 && i + QUARTER <= n) {
#pragma GCC unroll 16
            for (size_t k = 0; k < QUARTER; k++) {
                const size_t place = nibbles ? cxm_priv_nibble_place(k) : cxm_priv_small_place(k);
                if (!deal_row(s, &cursors[key_of(keys, width, i + k)], rows, from + place,
                              n_stripes, bytes, buffer))
                    return i + k;
            }
            i += QUARTER;
        } else {
            const size_t place = nibbles ? cxm_priv_nibble_place(i) : cxm_priv_small_place(i);
            if (!deal_row(s, &cursors[key_of(keys, width, i)], rows, tile + place, n_stripes,
                          bytes, buffer))
                return i;
            i++;
        }
    }
    return n;
}

size_t cxm_priv_small_deal(struct cxm_small_slots *s, const uint8_t *tile, const uint32_t *keys,
                           size_t first, size_t n)
{
    if (s->row_bytes == CXM_NIBBLE_ROW)
        return s->eights ? deal(s, tile, keys, sizeof *keys, first, n, 1, true, true)
                         : deal(s, tile, keys, sizeof *keys, first, n, 1, true, false);
    return s->n_stripes == 1 ? deal(s, tile, keys, sizeof *keys, first, n, 1, false, false)
                             : deal(s, tile, keys, sizeof *keys, first, n, s->n_stripes, false, false);
}

size_t cxm_priv_nibble_deal(struct cxm_small_slots *s, const uint8_t *tile, const uint8_t *keys,
                            size_t first, size_t n)
{
    return s->eights ? deal(s, tile, keys, sizeof *keys, first, n, 1, true, true)
                     : deal(s, tile, keys, sizeof *keys, first, n, 1, true, false);
}

struct cxm_small_kernels cxm_priv_small_kernels(unsigned mask)
{
    struct cxm_small_kernels k = { .tile = cxm_priv_small_tile_c, .add = cxm_priv_small_add_c,
                                   .form = cxm_priv_small_form_c, .reach = cxm_priv_small_reach_c };
#if CXM_X86
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2")) {
        k.tile = cxm_priv_small_tile_avx2;
        k.add = cxm_priv_small_add_avx2;
        k.form = cxm_priv_small_form_avx2;
        k.reach = cxm_priv_small_reach_avx2;
    }
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw") && CXM_SUPPORTS("avx512vbmi")
        && CXM_SUPPORTS("avx512vnni")) {
        k.tile = cxm_priv_small_tile_avx512;
        k.add = cxm_priv_small_add_avx512;
        k.form = cxm_priv_small_form_avx512;
        k.reach = cxm_priv_small_reach_avx512;
    }
#else
    (void)mask;
#endif
    return k;
}
