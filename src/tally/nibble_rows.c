/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of very small whole numbers: the C variants, and the choice among all. See nibble_rows.h. */
#include "tally/nibble_rows.h"
#include "tally/kernels.h"
#include "tally/small_loops.h"

void cxm_priv_nibble_orders(struct cxm_small_stripe *stripe)
{
    for (size_t i = 0; i < CXM_TILE; i++) {
        const size_t byte = i / 8, row = i % 8, lane = 2 * byte;
        const bool flags = byte == CXM_NIBBLE_BYTES;
        const bool pair = !flags && stripe->partner[lane] != lane;
        const uint8_t met = stripe->met[lane];
        stripe->own[i] = (uint8_t)(row * CXM_NIBBLE_ROW + byte);
        stripe->beside[i] = pair ? 15 : flags ? 0 : 255;
        stripe->limits[i] = !pair ? CXM_NIBBLE_ALONE : met < CXM_NIBBLE_MOST ? met : CXM_NIBBLE_MOST;
    }
}

void cxm_priv_nibble_widen(struct cxm_small_sums *s)
{
    int64_t(*const to)[CXM_LANES] = s->wide;
    for (size_t k = 0; k < CXM_NIBBLE_BYTES; k++) {
        to[CXM_SUM_X][2 * k] += s->few[CXM_FEW_X][k];
        to[CXM_SUM_X][2 * k + 1] += s->few[CXM_FEW_Y][k];
        to[CXM_SUM_XX][2 * k] += s->few[CXM_FEW_XX][k];
        to[CXM_SUM_XX][2 * k + 1] += s->few[CXM_FEW_YY][k];
        to[CXM_SUM_XY][2 * k] += s->few[CXM_FEW_XY][k];
        to[CXM_SUM_BEYOND][2 * k] += s->few[CXM_FEW_ABOVE][k];
        to[CXM_SUM_BEYOND][2 * k + 1] += s->few[CXM_FEW_BELOW][k];
        to[CXM_SUM_FLAG][2 * k] += (int64_t)CXM_SMALL_FLAG * s->few[CXM_FEW_FLAGS][k];
    }
    memset(s->few, 0, sizeof s->few);
}

static void make_tile(const struct cxm_small_stripe *stripe,
                      const uint8_t *const columns[CXM_LANES], size_t first, size_t n, bool flags,
                      uint8_t rows[CXM_NIBBLE_TILE])
{
    uint8_t bytes[CXM_NIBBLE_ROW][CXM_TILE] = { { 0 } }, sum[CXM_TILE];
    memset(sum, stripe->start, sizeof sum);
    for (size_t k = 0; k < CXM_NIBBLE_BYTES; k++) {
        const uint8_t *a = columns[2 * k] + first, *b = columns[2 * k + 1] + first;
        for (size_t i = 0; !flags && i < n; i++)
            bytes[k][i] = (uint8_t)(a[i] | b[i] << 4);
        for (size_t i = 0; flags && i < n; i++) {
            const bool flagged = a[i] == CXM_SMALL_FLAG || b[i] == CXM_SMALL_FLAG;
            bytes[k][i] = flagged ? 0 : (uint8_t)(a[i] | b[i] << 4);
            bytes[CXM_NIBBLE_BYTES][i] |= (uint8_t)(flagged << k);
        }
        for (size_t i = 0; i < n; i++)
            sum[i] = (uint8_t)(sum[i] + a[i] - b[i]);
    }
    for (size_t i = 0; stripe->balance && i < n; i++) {
        const bool flagged = bytes[CXM_NIBBLE_BYTES][i] != 0;
        bytes[CXM_NIBBLE_BALANCE][i] = flagged ? 0 : sum[i];
        bytes[CXM_NIBBLE_BYTES][i] |= (uint8_t)(flagged << CXM_NIBBLE_BALANCE);
    }
    for (size_t i = 0; i < CXM_TILE; i += 8) {
        uint64_t w[8];
        for (size_t k = 0; k < 8; k++)
            w[k] = cxm_priv_get_u64(bytes[k] + i);
        cxm_priv_small_turn(w);
        for (size_t k = 0; k < 8; k++)
            cxm_priv_put_u64(rows + cxm_priv_nibble_place(i + k), w[k]);
    }
}

static bool is_within(const uint8_t *bytes, size_t n, uint8_t lowest, uint8_t range)
{
    uint8_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t above = (uint8_t)(bytes[i] - lowest);
        largest = above > largest ? above : largest;
    }
    return largest <= range;
}

bool cxm_priv_nibble_tiles_c(const struct cxm_small_stripe *stripe,
                             const uint8_t *const columns[CXM_LANES], size_t first, size_t n,
                             bool flags, uint8_t *rows)
{
    bool good = true;
    for (size_t lane = 0; lane < CXM_LANES && good; lane++)
        good = stripe->range[lane] == UINT8_MAX
               || is_within(columns[lane] + first, n, stripe->lowest[lane], stripe->range[lane]);
    for (size_t i = 0; i < n && good; i += CXM_TILE)
        make_tile(stripe, columns, first + i, n - i < CXM_TILE ? n - i : CXM_TILE, flags,
                  rows + i * CXM_NIBBLE_ROW);
    return good;
}

/* Sums of at most CXM_NIBBLE_DEALT rows: squares of 15 fit 16 bits, those of 127 do not. */
void cxm_priv_nibble_add_c(const struct cxm_small_stripe *stripe, const uint8_t *rows, size_t n,
                           bool flags, struct cxm_small_sums *sums)
{
    enum { N = CXM_NIBBLE_ROW };
    int16_t some[CXM_FEW_SUMS][N] = { { 0 } }, limit[N];
    int32_t squares[N] = { 0 };
    uint8_t low[N], high[N];
    for (size_t k = 0; k < N; k++) {
        low[k] = stripe->beside[8 * k];
        high[k] = low[k] == 15 ? 15 : 0;
        limit[k] = stripe->limits[8 * k];
    }
    for (const uint8_t *end = rows + n * N; rows < end; rows += N) {
        for (size_t k = 0; k < N; k++) {
            const int16_t x = (int8_t)(rows[k] & low[k]), y = (int8_t)(rows[k] >> 4 & high[k]);
            some[CXM_FEW_X][k] = (int16_t)(some[CXM_FEW_X][k] + x);
            some[CXM_FEW_Y][k] = (int16_t)(some[CXM_FEW_Y][k] + y);
            some[CXM_FEW_XY][k] = (int16_t)(some[CXM_FEW_XY][k] + x * y);
            some[CXM_FEW_YY][k] = (int16_t)(some[CXM_FEW_YY][k] + y * y);
            some[CXM_FEW_ABOVE][k] = (int16_t)(some[CXM_FEW_ABOVE][k] + (x > y + limit[k]));
            some[CXM_FEW_BELOW][k] = (int16_t)(some[CXM_FEW_BELOW][k] + (y > x + limit[k]));
            squares[k] += x * x;
        }
        for (size_t k = 0; flags && k < N; k++)
            some[CXM_FEW_FLAGS][k] =
                (int16_t)(some[CXM_FEW_FLAGS][k] + (rows[CXM_NIBBLE_BYTES] >> k & 1));
    }
    for (size_t k = 0; k < N; k++) {
        for (size_t sum = 0; sum < CXM_FEW_SUMS; sum++)
            sums->few[sum][k] += some[sum][k];
        sums->few[CXM_FEW_XX][k] += squares[k];
    }
}

uint8_t cxm_priv_nibble_form_c(const uint8_t *const *columns, const int16_t *coefs,
                               uint32_t n_columns, int16_t constant, size_t n, bool flags,
                               uint8_t *low, uint8_t *high)
{
    (void)high;
    return cxm_priv_nibble_form_loop(columns, coefs, n_columns, constant, n, flags, low);
}

struct cxm_small_kernels cxm_priv_nibble_kernels(unsigned mask)
{
    struct cxm_small_kernels k = cxm_priv_small_kernels(mask);
    k.tile = NULL;
    k.tiles = cxm_priv_nibble_tiles_c;
    k.add = cxm_priv_nibble_add_c;
    k.form = cxm_priv_nibble_form_c;
#if CXM_X86
    if ((mask & CXM_CPU_AVX2) == 0 && CXM_SUPPORTS("avx2")) {
        k.tiles = cxm_priv_nibble_tiles_avx2;
        k.floats = cxm_priv_nibble_floats_avx2;
        k.add = cxm_priv_nibble_add_avx2;
        k.form = cxm_priv_nibble_form_avx2;
        k.eights = true;
        k.nearer = true;
    }
    if ((mask & CXM_CPU_AVX512) == 0 && CXM_SUPPORTS("avx512bw") && CXM_SUPPORTS("avx512vbmi")
        && CXM_SUPPORTS("avx512vnni")) {
        k.tiles = cxm_priv_nibble_tiles_avx512;
        k.floats = NULL;
        k.add = cxm_priv_nibble_add_avx512;
        k.form = cxm_priv_nibble_form_avx512;
        k.eights = false;
        k.nearer = false;
    }
#endif
    return k;
}
