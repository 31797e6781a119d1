/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The loops of kernels.h for 64-bit ARM, 16 bytes or 2 doubles at a time. Every such processor has
 * these instructions, so there is nothing to ask at run time. */
#include "tally/kernels.h"

#if CXM_NEON

#include <arm_neon.h>

enum { ROUNDS = 255, WIDTH = 16 };

/* Lanes of 8 bits count the matches of four values, for as many rounds as they can hold. */
static void count_four(const uint8_t *bytes, size_t rounds, const uint8_t *values,
                       uint64_t *counts)
{
    const uint8x16_t v0 = vdupq_n_u8(values[0]), v1 = vdupq_n_u8(values[1]);
    const uint8x16_t v2 = vdupq_n_u8(values[2]), v3 = vdupq_n_u8(values[3]);
    uint8x16_t s0 = vdupq_n_u8(0), s1 = s0, s2 = s0, s3 = s0;
    for (size_t i = 0; i < rounds; i++) {
        const uint8x16_t x = vld1q_u8(bytes + WIDTH * i);
        s0 = vsubq_u8(s0, vceqq_u8(x, v0));
        s1 = vsubq_u8(s1, vceqq_u8(x, v1));
        s2 = vsubq_u8(s2, vceqq_u8(x, v2));
        s3 = vsubq_u8(s3, vceqq_u8(x, v3));
    }
    counts[0] += vaddlvq_u8(s0);
    counts[1] += vaddlvq_u8(s1);
    counts[2] += vaddlvq_u8(s2);
    counts[3] += vaddlvq_u8(s3);
}

static void count_plain(const uint8_t *bytes, size_t n, const uint8_t *values, size_t n_values,
                        uint64_t *counts)
{
    uint64_t found[CXM_MOST_VALUES + 4] = { 0 };
    uint8_t padded[CXM_MOST_VALUES + 4];
    if (n_values == 0)
        return;
    memset(padded, values[0], sizeof padded); /* what pads is counted, and not looked at */
    memcpy(padded, values, n_values);
    size_t done = 0;
    while (n - done >= WIDTH) {
        const size_t left = (n - done) / WIDTH, rounds = left < ROUNDS ? left : ROUNDS;
        for (size_t v = 0; v < n_values; v += 4)
            count_four(bytes + done, rounds, padded + v, found + v);
        done += rounds * WIDTH;
    }
    for (; done < n; done++)
        for (size_t v = 0; v < n_values; v++)
            found[v] += bytes[done] == values[v];
    for (size_t v = 0; v < n_values; v++)
        counts[v] += found[v];
}

/* Each of two bytes of the bitmap is spread over eight lanes, and each lane looks at its bit. */
uint64_t cxm_priv_mask_bytes_neon(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                  unsigned skip, uint8_t fill, uint8_t *out)
{
    static const uint8_t lanes[WIDTH] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
    const uint8x16_t bit = vld1q_u8(lanes), other = vdupq_n_u8(fill);
    uint64_t nulls = 0;
    size_t i = 0;
    for (; i + 64 <= n; i += 64, bits += 8) {
        const uint64_t word = cxm_priv_word_of_bits(bits, skip);
        for (size_t part = 0; part < 4; part++) {
            const uint64_t two = word >> 16 * part;
            const uint8x16_t spread = vcombine_u8(vdup_n_u8((uint8_t)two),
                                                  vdup_n_u8((uint8_t)(two >> 8)));
            const uint8x16_t x = vld1q_u8(bytes + i + WIDTH * part);
            vst1q_u8(out + i + WIDTH * part, vbslq_u8(vtstq_u8(spread, bit), x, other));
        }
        nulls += 64 - (uint64_t)__builtin_popcountll(word);
    }
    return nulls + cxm_priv_mask_bytes_c(bytes + i, n - i, bits, skip, fill, out + i);
}

uint64_t cxm_priv_count_bytes_neon(const uint8_t *bytes, size_t n, const uint8_t *bits,
                                   unsigned skip, const uint8_t *values, size_t n_values,
                                   uint64_t *counts)
{
    if (bits != NULL)
        return cxm_priv_count_masked(count_plain, cxm_priv_mask_bytes_neon, bytes, n, bits, skip,
                                     values, n_values, counts);
    count_plain(bytes, n, values, n_values, counts);
    return 0;
}

/* Conversion saturates and makes 0 of NaN: neither converts back to what it was, or it is too
 * large. */
bool cxm_priv_whole_numbers_neon(const double *x, size_t n, int64_t *q, uint64_t *all)
{
    const float64x2_t limit = vdupq_n_f64(0x1p51);
    uint64x2_t good = vdupq_n_u64(UINT64_MAX), any = vdupq_n_u64(0);
    size_t i = 0;
    for (; i + 2 <= n; i += 2) {
        const float64x2_t value = vld1q_f64(x + i);
        const int64x2_t whole = vcvtq_s64_f64(value);
        good = vandq_u64(good, vceqq_f64(vcvtq_f64_s64(whole), value));
        good = vandq_u64(good, vcltq_f64(vabsq_f64(value), limit));
        any = vorrq_u64(any, vreinterpretq_u64_s64(vabsq_s64(whole)));
        vst1q_s64(q + i, whole);
    }
    uint64_t rest = 0;
    const bool rest_good = cxm_priv_whole_numbers_c(x + i, n - i, q + i, &rest);
    *all = vgetq_lane_u64(any, 0) | vgetq_lane_u64(any, 1) | rest;
    return rest_good && (vgetq_lane_u64(good, 0) & vgetq_lane_u64(good, 1)) == UINT64_MAX;
}

#else
typedef int cxm_no_neon;
#endif
