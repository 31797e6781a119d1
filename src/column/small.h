/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading columns of small whole numbers as bytes. */
#ifndef CXM_SRC_SMALL_H
#define CXM_SRC_SMALL_H

#include "column/read.h"

enum { CXM_SMALL_MISSING = 128, CXM_MOST_SMALL = 1024 };

/* The values lowest … highest are whole; value - base, which is 0 … 127, stands for each. */
struct cxm_small_scale {
    int32_t base, lowest, highest;
};

/* Rows first … first + n - 1, n at most CXM_MOST_SMALL, as bytes, CXM_SMALL_MISSING where missing:
 * where they lie, when they are such bytes, or in `buffer`. NULL: there are other values. *missing
 * is set where a row is. Equals what cxm_priv_read_codes gives. */
const uint8_t *cxm_priv_read_small(struct cxm_reader *reader, int64_t first, size_t n,
                                   const struct cxm_small_scale *scale, uint8_t *buffer,
                                   bool *missing);

/* Where the same rows lie as such bytes, but for the range, which is not looked at; NULL: they do not. */
const uint8_t *cxm_priv_small_in_place(const struct cxm_column *column, int64_t first,
                                       const struct cxm_small_scale *scale);

/* The loops of it. Bytes: are all lowest … highest? Floats: the bytes of such values; false when
 * one is none. */
typedef bool cxm_small_bytes(const uint8_t *bytes, size_t n, uint8_t lowest, uint8_t highest);
typedef bool cxm_small_floats(const unsigned char *from, size_t n,
                              const struct cxm_small_scale *scale, uint8_t *bytes);
/* Bytes, floats, doubles and 64-bit integers side by side, with up to CXM_FEW_CODES missing codes
 * and a bitmap; n is a multiple of 64. */
enum { CXM_FEW_CODES = 4 };
typedef bool cxm_small_rows(const struct cxm_column *column, int64_t row, size_t n,
                            const struct cxm_small_scale *scale, uint8_t *bytes, bool *missing);
cxm_small_bytes cxm_priv_small_bytes_c;
cxm_small_floats cxm_priv_small_floats_c;
#if defined(__x86_64__) && defined(__GNUC__)
cxm_small_bytes cxm_priv_small_bytes_avx2;
cxm_small_floats cxm_priv_small_floats_avx2;
cxm_small_rows cxm_priv_small_rows_avx2;
cxm_small_bytes cxm_priv_small_bytes_avx512;
cxm_small_floats cxm_priv_small_floats_avx512;
cxm_small_rows cxm_priv_small_rows_avx512;
#endif

struct cxm_small_loops {
    cxm_small_bytes *bytes;
    cxm_small_floats *floats;
    cxm_small_rows *rows; /* NULL: none for this processor */
};

/* What this processor runs best; `mask` (of CXM_CPU_…) forbids variants, for tests. */
struct cxm_small_loops cxm_priv_small_loops(unsigned mask);

#endif
