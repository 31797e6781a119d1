/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The few loops that every histogram metric spends its time in, and their variants. The C
 * variant is the reference; the others are taken when the processor has what they need. The
 * choice is made anew for each call: it costs nanoseconds and needs no global state. */
#ifndef CXM_SRC_KERNELS_H
#define CXM_SRC_KERNELS_H

#include "base/base.h"

enum { CXM_MOST_VALUES = 16 };

/* Counts how often each of n_values <= CXM_MOST_VALUES distinct bytes occurs among n, adding to
 * counts. Bytes that are not listed are not counted. */
typedef void cxm_count_bytes(const uint8_t *bytes, size_t n, const uint8_t *values,
                             size_t n_values, uint64_t *counts);

/* Copies n bytes; where the bitmap, from bit `skip` < 8 of its first byte on, has a 0 stands
 * `fill` instead. Returns how many those are. Reads no byte of the bitmap without a bit of a row. */
typedef uint64_t cxm_mask_bytes(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                unsigned skip, uint8_t fill, uint8_t *out);

/* Writes n doubles as integers; false when not all are whole numbers below 2^51, q then holds
 * anything. *all gets every bit that a magnitude has. */
typedef bool cxm_whole_numbers(const double *x, size_t n, int64_t *q, uint64_t *all);

cxm_count_bytes cxm_priv_count_bytes_c;
cxm_mask_bytes cxm_priv_mask_bytes_c;
cxm_whole_numbers cxm_priv_whole_numbers_c;
#if defined(__x86_64__) && defined(__GNUC__)
#define CXM_X86 1
cxm_count_bytes cxm_priv_count_bytes_avx2, cxm_priv_count_bytes_avx512;
cxm_mask_bytes cxm_priv_mask_bytes_avx2, cxm_priv_mask_bytes_avx512;
cxm_whole_numbers cxm_priv_whole_numbers_avx2;
#else
#define CXM_X86 0
#endif
#if defined(__aarch64__) && defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define CXM_NEON 1
cxm_count_bytes cxm_priv_count_bytes_neon;
cxm_mask_bytes cxm_priv_mask_bytes_neon;
cxm_whole_numbers cxm_priv_whole_numbers_neon;
#else
#define CXM_NEON 0
#endif

struct cxm_kernels {
    cxm_count_bytes *count_bytes;
    cxm_mask_bytes *mask_bytes;
    cxm_whole_numbers *whole_numbers;
};

/* Bits skip … skip + 63 of a bitmap that has them all. */
static inline uint64_t cxm_priv_word_of_bits(const uint8_t *bits, unsigned skip)
{
    const uint64_t word = cxm_priv_get_u64(bits) >> skip;
    return skip > 0 ? word | (uint64_t)bits[8] << (64 - skip) : word;
}

/* What this processor runs best; `mask` (of CXM_CPU_…) forbids variants, for tests. */
struct cxm_kernels cxm_priv_kernels(unsigned mask);

#endif
