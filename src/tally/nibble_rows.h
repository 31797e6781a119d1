/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rows of very small whole numbers, 8 bytes: the two lanes 2 k and 2 k + 1 of a stripe
 * (small_rows.h), 0 … 15 each, are byte k, the second in the upper half; a lane without a partner is
 * a byte of its own, -127 … 127. Bit k of byte 7 says that lane 2 k is flagged. Half as many bytes
 * to deal out as in rows of 16, and half as much to keep near; the sums are the same. */
#ifndef CXM_SRC_NIBBLE_ROWS_H
#define CXM_SRC_NIBBLE_ROWS_H

#include "tally/small_rows.h"

enum {
    CXM_NIBBLE_BYTES = 7,    /* of a row, pairs or single lanes; then the flags */
    CXM_NIBBLE_BALANCE = 6,  /* where the sum of all differences is, if it is wanted */
    CXM_NIBBLE_MOST = 15,    /* of a pair */
    CXM_NIBBLE_ALONE = 127,  /* of a single lane, up and down */
    CXM_NIBBLE_TILE = CXM_TILE * CXM_NIBBLE_ROW,
};

/* Row i of a tile lies at this byte: pairs of rows of each quarter side by side, as unpacking
 * leaves them. */
static inline size_t cxm_priv_nibble_place(size_t i)
{
    return i % 16 / 2 * 64 + i / 16 * 16 + i % 2 * CXM_NIBBLE_ROW;
}

/* What kernels want of a stripe, in own (which byte of eight rows: four rows lane by lane), beside
 * (the bits of the first of a pair) and limits. */
void cxm_priv_nibble_orders(struct cxm_small_stripe *stripe);

/* Moves the recent sums to the wide ones. */
void cxm_priv_nibble_widen(struct cxm_small_sums *sums);

/* As the kernels of small_rows.h. `add` takes up to CXM_NIBBLE_DEALT rows, a multiple of 8. `form`
 * writes low alone, a signed byte or the flag; the sum is known to fit; it returns 0. */
cxm_nibble_tiles cxm_priv_nibble_tiles_c;
cxm_small_add cxm_priv_nibble_add_c;
cxm_small_form cxm_priv_nibble_form_c;
#if defined(__x86_64__) && defined(__GNUC__)
cxm_nibble_tiles cxm_priv_nibble_tiles_avx2;
cxm_nibble_floats cxm_priv_nibble_floats_avx2;
cxm_small_add cxm_priv_nibble_add_avx2;
cxm_small_form cxm_priv_nibble_form_avx2;
cxm_nibble_tiles cxm_priv_nibble_tiles_avx512;
cxm_small_add cxm_priv_nibble_add_avx512;
cxm_small_form cxm_priv_nibble_form_avx512;
#endif

struct cxm_small_kernels cxm_priv_nibble_kernels(unsigned mask);

#endif
