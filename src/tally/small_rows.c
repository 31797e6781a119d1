/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of small whole numbers: the C variants, and the choice among all. See small_rows.h. */
#include "tally/small_rows.h"
#include "tally/kernels.h"

void cxm_priv_small_orders(struct cxm_small_stripe *stripe)
{
    for (size_t i = 0; i < CXM_TILE; i++) {
        const size_t lane = i / 4, row = i % 4;
        stripe->own[i] = (uint8_t)(row * CXM_LANES + lane);
        stripe->beside[i] = (uint8_t)(row * CXM_LANES + stripe->partner[lane]);
        stripe->limits[i] = stripe->met[lane];
    }
}

void cxm_priv_small_tile_c(const struct cxm_small_stripe *stripe,
                           const uint8_t *const columns[CXM_LANES], size_t first, size_t n,
                           bool flags, uint8_t rows[CXM_TILE_BYTES])
{
    memset(rows, 0, CXM_TILE_BYTES);
    for (size_t lane = 0; lane < CXM_LANES; lane++) {
        const uint8_t *own = columns[lane] + first;
        const uint8_t *other = columns[stripe->partner[lane]] + first;
        for (size_t i = 0; i < n; i++) {
            const bool flagged = flags && ((own[i] | other[i]) & CXM_SMALL_FLAG) != 0;
            const uint8_t instead = stripe->first[lane] ? CXM_SMALL_FLAG : 0;
            rows[cxm_priv_small_place(i) + lane] = flagged ? instead : own[i];
        }
    }
}

void cxm_priv_small_add_c(const struct cxm_small_stripe *stripe, const uint8_t *rows, size_t n,
                          bool flags, struct cxm_small_sums *sums)
{
    int32_t (*to)[CXM_LANES] = sums->recent;
    for (const uint8_t *end = rows + n * CXM_LANES; rows < end; rows += CXM_LANES) {
        uint8_t beside[CXM_LANES];
        for (size_t lane = 0; lane < CXM_LANES; lane++)
            beside[lane] = rows[stripe->partner[lane]];
        for (size_t lane = 0; lane < CXM_LANES; lane++) {
            const int x = rows[lane] & 127, y = beside[lane] & 127;
            to[CXM_SUM_X][lane] += x;
            to[CXM_SUM_XX][lane] += x * x;
            to[CXM_SUM_XY][lane] += x * y;
            to[CXM_SUM_BEYOND][lane] += x - y > stripe->met[lane];
            to[CXM_SUM_FLAG][lane] += flags ? rows[lane] & 128 : 0;
        }
    }
}

void cxm_priv_small_spill(struct cxm_small_slots *s, uint32_t slot)
{
    for (uint32_t t = 0; t < s->n_stripes; t++) {
        struct cxm_small_sums *sums = &s->sums[(size_t)slot * s->n_stripes + t];
        for (size_t k = 0; k < CXM_SMALL_SUMS; k++)
            for (size_t lane = 0; lane < CXM_LANES; lane++)
                sums->wide[k][lane] += sums->recent[k][lane];
        memset(sums->recent, 0, sizeof sums->recent);
    }
    s->groups[slot].added = 0;
}

size_t cxm_priv_small_deal_c(struct cxm_small_slots *s, const uint8_t *tile, const uint32_t *keys,
                             size_t first, size_t n)
{
    for (size_t i = first; i < n; i++) {
        uint32_t *cursor = &s->cursors[keys[i]];
        const uint32_t at = *cursor;
        if (at == 0)
            return i;
        for (uint32_t t = 0; t < s->n_stripes; t++)
            memcpy(cxm_priv_small_row(s, at, t),
                   tile + t * CXM_TILE_BYTES + cxm_priv_small_place(i), CXM_LANES);
        *cursor = at + CXM_LANES;
        if (at % CXM_BUFFER_BYTES != 0)
            continue;
        const uint32_t slot = cxm_priv_small_slot(s, at);
        const uint32_t start = at - CXM_BUFFER_BYTES + CXM_LANES;
        cxm_priv_small_count(s, slot, CXM_DEALT);
        for (uint32_t t = 0; t < s->n_stripes; t++)
            cxm_priv_small_add_c(&s->stripes[t], cxm_priv_small_row(s, start, t), CXM_DEALT,
                                 s->flags, &s->sums[(size_t)slot * s->n_stripes + t]);
        *cursor = start;
    }
    return n;
}

uint8_t cxm_priv_small_form_c(const uint8_t *const *columns, const int16_t *coefs,
                              uint32_t n_columns, int16_t constant, size_t n, bool flags,
                              uint8_t *low, uint8_t *high)
{
    uint8_t bits = 0;
    for (size_t i = 0; i < n; i++) {
        int sum = constant;
        uint8_t any = 0;
        for (uint32_t k = 0; k < n_columns; k++) {
            sum += coefs[k] * (columns[k][i] & 127);
            any |= columns[k][i];
        }
        const bool flagged = flags && (any & CXM_SMALL_FLAG) != 0;
        low[i] = flagged ? CXM_SMALL_FLAG : (uint8_t)(sum & 127);
        high[i] = flagged ? 0 : (uint8_t)(sum >> 7);
        bits |= high[i];
    }
    return bits;
}

uint32_t cxm_priv_small_reach_c(const uint32_t *keys, size_t n, uint32_t base, uint32_t *out)
{
    uint32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        out[i] = keys[i] - base;
        largest = out[i] > largest ? out[i] : largest;
    }
    return largest;
}

struct cxm_small_kernels cxm_priv_small_kernels(unsigned mask)
{
    struct cxm_small_kernels k = { cxm_priv_small_tile_c, cxm_priv_small_deal_c,
                                   cxm_priv_small_add_c, cxm_priv_small_form_c,
                                   cxm_priv_small_reach_c };
#if CXM_X86
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw")
        && CXM_SUPPORTS("avx512vbmi") && CXM_SUPPORTS("avx512vnni")) {
        k.tile = cxm_priv_small_tile_avx512;
        k.deal = cxm_priv_small_deal_avx512;
        k.add = cxm_priv_small_add_avx512;
        k.form = cxm_priv_small_form_avx512;
        k.reach = cxm_priv_small_reach_avx512;
    }
#else
    (void)mask;
#endif
    return k;
}
