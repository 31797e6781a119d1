/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Columns of wider numbers as bytes, for ratings. */
#ifndef CXM_SRC_READ_BYTES_H
#define CXM_SRC_READ_BYTES_H

#include "column/read.h"

/* The values base … base + n - 1. */
struct cxm_byte_window {
    int32_t base, n;
};

enum { CXM_WINDOW_MOST = 254, CXM_WINDOW_REACH = 4000 };
enum { CXM_BYTE_MISSING = 254, CXM_BYTE_NONE = 255 };

/* A window (of a column of 16 bits or more) that holds the ratings lo … lo + bins - 1 and whatever
 * value of this column means "missing"; false when there is none, or when the column is not in one
 * piece of plain numbers. */
bool cxm_priv_byte_window(const struct cxm_column *column, int64_t lo, uint32_t bins,
                         struct cxm_byte_window *out);

/* Numbers of such a type, side by side, as bytes: k for base + k, CXM_BYTE_MISSING for NaN,
 * CXM_BYTE_NONE for anything else. */
typedef void cxm_read_bytes(uint32_t type, const unsigned char *from, size_t n,
                            struct cxm_byte_window window, uint8_t *bytes);
cxm_read_bytes *cxm_priv_read_bytes(void);

cxm_read_bytes cxm_priv_read_bytes_c;
#if defined(__x86_64__) && defined(__GNUC__)
cxm_read_bytes cxm_priv_read_bytes_avx2, cxm_priv_read_bytes_avx512;
/* The first rows of numbers of 64 bits, all but fewer than 32: how many. */
size_t cxm_priv_long_bytes_avx2(const unsigned char *from, size_t n, struct cxm_byte_window window,
                                uint8_t *bytes);
size_t cxm_priv_double_bytes_avx2(const unsigned char *from, size_t n, struct cxm_byte_window window,
                                  uint8_t *bytes);
#endif

#endif
