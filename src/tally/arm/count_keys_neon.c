/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Counting by key and answer with NEON: the places of 64 counters are computed in vectors while
 * those of the 64 rows before are counted one by one, and the rows of a key that fills much of 64
 * are counted by comparing their codes (x86/count_keys.c). A table of 256 codes is sixteen of the
 * 32 registers. */
#include "tally/count_keys.h"

#if CXM_NEON

#include <arm_neon.h>

enum { ROWS = CXM_KEY_ROWS, WIDTH = 16, HOT_OF_SAMPLE = 6, HOT_CODES = 16 };

struct constants {
    uint8x16x4_t codes[4];
    uint8x16_t missing;
    uint64x2_t base;       /* in lanes as wide as a key */
    uint32x4_t n_keys, stride, hot;
};

/* 64 rows: their places, and which of them are still to be counted. */
struct block {
    uint32_t at[ROWS];
    uint64_t rest;
};

/* Keys of 16 rows less the base; one beyond 32 bits becomes the largest of those. */
struct keys {
    uint32x4_t of[4];
};

CXM_IN_PLACE struct keys keys_of(const struct constants *k, const uint8_t *keys, uint32_t width)
{
    struct keys out;
    if (width == 1) {
        const uint8x16_t x = vsubq_u8(vld1q_u8(keys), vreinterpretq_u8_u64(k->base));
        const uint16x8_t low = vmovl_u8(vget_low_u8(x)), high = vmovl_high_u8(x);
        out = (struct keys){ { vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low),
                               vmovl_u16(vget_low_u16(high)), vmovl_high_u16(high) } };
        return out;
    }
    for (int i = 0; i < 4; i++) {
        if (width == 2) {
            const uint16x4_t x = vreinterpret_u16_u8(vld1_u8(keys + 8 * i));
            out.of[i] = vmovl_u16(vsub_u16(x, vget_low_u16(vreinterpretq_u16_u64(k->base))));
        } else if (width == 4) {
            const uint32x4_t x = vreinterpretq_u32_u8(vld1q_u8(keys + 16 * i));
            out.of[i] = vsubq_u32(x, vreinterpretq_u32_u64(k->base));
        } else {
            const uint64x2_t a = vreinterpretq_u64_u8(vld1q_u8(keys + 32 * i));
            const uint64x2_t b = vreinterpretq_u64_u8(vld1q_u8(keys + 32 * i + 16));
            const uint32x4_t left = vreinterpretq_u32_u64(vsubq_u64(a, k->base));
            const uint32x4_t right = vreinterpretq_u32_u64(vsubq_u64(b, k->base));
            const uint32x4_t far = vuzp2q_u32(left, right);
            out.of[i] = vorrq_u32(vuzp1q_u32(left, right), vtstq_u32(far, far));
        }
    }
    return out;
}

/* Codes of 16 answers; `missing` where a bit is 0. */
CXM_IN_PLACE uint8x16_t codes_of(const struct constants *k, const uint8_t *answers, uint64_t valid)
{
    static const uint8_t lanes[WIDTH] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
    const uint8x16_t x = vld1q_u8(answers), quarter = vdupq_n_u8(64);
    uint8x16_t at = x, codes = vqtbl4q_u8(k->codes[0], x);
    for (int i = 1; i < 4; i++) {
        at = vsubq_u8(at, quarter);
        codes = vqtbx4q_u8(codes, k->codes[i], at);
    }
    const uint8x16_t spread = vcombine_u8(vdup_n_u8((uint8_t)valid), vdup_n_u8((uint8_t)(valid >> 8)));
    return vbslq_u8(vtstq_u8(spread, vld1q_u8(lanes)), codes, k->missing);
}

/* Counts the rows of the key whose counters begin at `first`, and returns the others: a place less
 * its code is where the counters of its key begin. */
static uint64_t count_hot(const struct cxm_key_counters *c, size_t first, const uint32_t *at,
                          const uint8_t *codes)
{
    uint8_t hot[ROWS];
    uint64_t rows = 0;
    for (size_t i = 0; i < ROWS; i++)
        hot[i] = at[i] - codes[i] == first;
    for (uint32_t code = 0; code < c->stride; code++) {
        uint8x16_t found = vdupq_n_u8(0);
        for (size_t i = 0; i < ROWS; i += WIDTH) {
            const uint8x16_t equal = vceqq_u8(vld1q_u8(codes + i), vdupq_n_u8((uint8_t)code));
            found = vaddq_u8(found, vandq_u8(equal, vld1q_u8(hot + i)));
        }
        cxm_priv_count_several(c, first + code, vaddvq_u8(found), c->wide != NULL);
    }
    for (size_t i = 0; i < ROWS; i += 8) /* the lowest bits of eight bytes side by side */
        rows |= cxm_priv_get_u64(hot + i) * 0x0102040810204080u >> 56 << i;
    return ~rows;
}

/* The places of 64 rows; false when a key is out of range. */
CXM_IN_PLACE bool find_places(const struct cxm_key_counters *c, struct constants *k,
                              const struct cxm_key_rows *rows, uint32_t width, struct block *out)
{
    static const uint32_t lanes[4] = { 1, 2, 4, 8 };
    const uint32x4_t bit = vld1q_u32(lanes);
    const uint64_t known = cxm_priv_valid_bits(rows->key_bits, rows->key_skip, ROWS);
    const uint64_t valid = cxm_priv_valid_bits(rows->answer_bits, rows->answer_skip, ROWS);
    uint8_t codes[ROWS];
    uint32x4_t largest = vdupq_n_u32(0), hot = largest, first = largest;
    for (size_t i = 0; i < ROWS; i += WIDTH) {
        struct keys key = keys_of(k, rows->keys + i * width, width);
        const uint8x16_t code = codes_of(k, rows->answers + i, valid >> i);
        const uint16x8_t low = vmovl_u8(vget_low_u8(code)), high = vmovl_high_u8(code);
        const uint32x4_t wide[4] = { vmovl_u16(vget_low_u16(low)), vmovl_high_u16(low),
                                     vmovl_u16(vget_low_u16(high)), vmovl_high_u16(high) };
        vst1q_u8(codes + i, code);
        for (size_t j = 0; j < 4; j++) {
            uint32x4_t given = key.of[j];
            if (rows->key_bits != NULL) {
                const uint32x4_t mask = vtstq_u32(vdupq_n_u32((uint32_t)(known >> (i + 4 * j))), bit);
                given = vandq_u32(mask, key.of[j]);
                key.of[j] = vbslq_u32(mask, key.of[j], k->n_keys);
            }
            largest = vmaxq_u32(largest, given);
            if (i == 0)
                hot = vsubq_u32(hot, vceqq_u32(key.of[j], k->hot));
            vst1q_u32(out->at + i + 4 * j, vmlaq_u32(wide[j], key.of[j], k->stride));
        }
        first = i == 0 ? key.of[0] : first;
    }
    if (CXM_UNLIKELY(vmaxvq_u32(largest) >= c->n_keys))
        return false;
    out->rest = UINT64_MAX;
    if (CXM_LIKELY(vaddvq_u32(hot) < HOT_OF_SAMPLE))
        k->hot = vdupq_laneq_u32(first, 0);
    else if (c->stride <= HOT_CODES)
        out->rest = count_hot(c, vgetq_lane_u32(k->hot, 0) * (size_t)c->stride, out->at, codes);
    return true;
}

CXM_IN_PLACE size_t count(const struct cxm_key_counters *c, const struct cxm_key_rows *rows,
                          size_t n, uint32_t width)
{
    const uint64_t base = rows->base;
    struct constants k = {
        .missing = vdupq_n_u8(c->missing),
        .base = width == 1 ? vreinterpretq_u64_u8(vdupq_n_u8((uint8_t)base))
              : width == 2 ? vreinterpretq_u64_u16(vdupq_n_u16((uint16_t)base))
              : width == 4 ? vreinterpretq_u64_u32(vdupq_n_u32((uint32_t)base))
                           : vdupq_n_u64(base),
        .n_keys = vdupq_n_u32(c->n_keys),
        .stride = vdupq_n_u32(c->stride),
        .hot = vdupq_n_u32(UINT32_MAX),
    };
    struct block blocks[2];
    const size_t whole = n / ROWS * ROWS;
    bool good = true;
    for (int i = 0; i < 4; i++)
        k.codes[i] = vld1q_u8_x4(c->codes + 64 * i);
    for (size_t i = 0; i <= whole; i += ROWS) {
        const struct cxm_key_rows some = cxm_priv_key_rows_from(rows, i);
        const struct block *const before = &blocks[(i / ROWS & 1) ^ 1];
        cxm_priv_fetch_rows(&some, 0, width);
        if (i < whole)
            good = find_places(c, &k, &some, width, &blocks[i / ROWS & 1]);
        if (i > 0)
            cxm_priv_count_places(c, before->at, sizeof before->at[0], before->rest, c->wide != NULL);
        if (!good)
            return i;
    }
    const struct cxm_key_rows rest = cxm_priv_key_rows_from(rows, whole);
    return whole + cxm_priv_count_keys_c(c, &rest, n - whole);
}

#define COUNT(width)                                                                             \
    static size_t count_##width(const struct cxm_key_counters *c,                                \
                                const struct cxm_key_rows *rows, size_t n)                       \
    {                                                                                            \
        return count(c, rows, n, width);                                                         \
    }

COUNT(1)
COUNT(2)
COUNT(4)
COUNT(8)

size_t cxm_priv_count_keys_neon(const struct cxm_key_counters *c, const struct cxm_key_rows *rows,
                                size_t n)
{
    switch (rows->width) {
    case 1: return count_1(c, rows, n);
    case 2: return count_2(c, rows, n);
    case 4: return count_4(c, rows, n);
    default: return count_8(c, rows, n);
    }
}

#else
typedef int cxm_no_neon;
#endif
