/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers into cells with NEON. Four of the band that nearly all are in become whole numbers at once;
 * where one of the four is elsewhere, they take the C road. A product of 32-bit halves is two
 * lanes, of which widening gives the lower and the upper half: half the instructions of the C
 * loop, which has to do both for each of them. */
#include "tally/kernels.h"

#if CXM_NEON

#include <arm_neon.h>

/* Two numbers, but the filler where `used` is 0. */
static inline uint64x2_t pick(float64x2_t filler, const double *x, int32x2_t used)
{
    const uint64x2_t mask = vreinterpretq_u64_s64(vmovl_s32(used));
    return vreinterpretq_u64_f64(vbslq_f64(mask, vld1q_f64(x), filler));
}

static inline uint64x2_t quanta(uint64x2_t size, uint64x2_t first)
{
    const uint64x2_t one = vdupq_n_u64(CXM_LEADING_ONE);
    const uint64x2_t fraction = vandq_u64(size, vdupq_n_u64(CXM_LEADING_ONE - 1));
    const uint64x2_t shift = vshrq_n_u64(vsubq_u64(size, first), 52);
    return vshlq_u64(vorrq_u64(fraction, one), vreinterpretq_s64_u64(shift));
}

static inline uint64x2_t outside(uint64x2_t size, uint64x2_t first, uint64x2_t last)
{
    return vorrq_u64(vcltq_u64(size, first), vcgtq_u64(size, last));
}

/* Ones in the lanes of numbers below 0. */
static inline uint32x4_t signs(uint64x2_t left, uint64x2_t right)
{
    const uint32x4_t upper = vuzp2q_u32(vreinterpretq_u32_u64(left), vreinterpretq_u32_u64(right));
    return vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(upper), 31));
}

bool cxm_priv_place_numbers_neon(const struct cxm_places *places, const uint32_t *group,
                                 const uint16_t *codes, const double *x, size_t n, uint64_t *q,
                                 uint32_t *at)
{
    const uint64x2_t low = vdupq_n_u64((uint64_t)places->first << 52);
    const uint64x2_t high = vdupq_n_u64(((uint64_t)(places->first + CXM_BAND_EXPONENTS) << 52) - 1);
    const uint64x2_t magnitude = vdupq_n_u64(INT64_MAX);
    const uint32x4_t negative = vdupq_n_u32(places->negative), one = vdupq_n_u32(1);
    const uint16x4_t bins = vdup_n_u16((uint16_t)places->bins);
    const float64x2_t filler = vdupq_n_f64(places->filler);
    bool good = true;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const uint16x4_t code = vld1_u16(codes + i);
        const int32x4_t used = vmovl_s16(vreinterpret_s16_u16(vclt_u16(code, bins)));
        const uint64x2_t left = pick(filler, x + i, vget_low_s32(used));
        const uint64x2_t right = pick(filler, x + i + 2, vget_high_s32(used));
        const uint64x2_t a = vandq_u64(left, magnitude), b = vandq_u64(right, magnitude);
        const uint64x2_t odd = vorrq_u64(outside(a, low, high), outside(b, low, high));
        if (vmaxvq_u32(vreinterpretq_u32_u64(odd)) != 0) {
            good &= cxm_priv_place_numbers_c(places, group != NULL ? group + i : NULL, codes + i,
                                             x + i, 4, q + i, at + i);
            continue;
        }
        vst1q_u64(q + i, quanta(a, low));
        vst1q_u64(q + i + 2, quanta(b, low));
        uint32x4_t cell = vmlaq_n_u32(one, vmovl_u16(code), places->room);
        if (group != NULL)
            cell = vaddq_u32(cell, vld1q_u32(group + i));
        vst1q_u32(at + i, vaddq_u32(cell, vandq_u32(signs(left, right), negative)));
    }
    return cxm_priv_place_numbers_c(places, group != NULL ? group + i : NULL, codes + i, x + i,
                                    n - i, q + i, at + i)
        && good;
}

static inline uint64x2_t add_to(uint64_t *words, uint64x2_t terms)
{
    const uint64x2_t sum = vaddq_u64(vld1q_u64(words), terms);
    vst1q_u64(words, sum);
    return sum;
}

bool cxm_priv_add_moments_neon(uint64_t *cells, const uint64_t *q, const uint32_t *at, size_t n,
                               struct cxm_asking asking)
{
    const uint64x2_t row = vcombine_u64(vcreate_u64(0), vcreate_u64((uint64_t)1 << 48));
    uint64x2_t any = vdupq_n_u64(0);
    for (size_t i = 0; i < n; i++) {
        uint64_t *cell = cells + (size_t)at[i] * CXM_MOMENT_WORDS;
        cxm_priv_ask(asking, i);
        const uint32x2_t ba = vreinterpret_u32_u64(vld1_u64(q + i)); /* b, a */
        const uint32x4_t low = vreinterpretq_u32_u64(vmull_lane_u32(ba, ba, 0)); /* b b, a b */
        const uint32x4_t high = vreinterpretq_u32_u64(vmull_lane_u32(ba, ba, 1)); /* a b, a a */
        add_to(cell, vmovl_u32(ba));
        add_to(cell + 2, vmovl_u32(vget_low_u32(low)));
        add_to(cell + 4, vmovl_high_u32(low));
        any = vorrq_u64(any, add_to(cell + 6, vaddq_u64(vmovl_high_u32(high), row)));
    }
    return vgetq_lane_u64(any, 1) >> 63 != 0;
}

#else
typedef int cxm_no_neon;
#endif
