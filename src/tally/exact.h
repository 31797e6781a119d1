/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact sums of doubles and of products of doubles.
 *
 * A sum is a row of 64-bit limbs on a fixed grid of 32 binary digits: limb i of a window counts
 * multiples of 2^(32 (lo + i)). A double is cut along the grid, so its digits never depend on
 * what else was added: the sum is exact, and the order of additions cannot matter. All limbs but
 * the last hold 32 bits when normalised, the last holds the sign and 63 bits more, which is
 * room for 2^63 summands. The window covers the digits that occurred and grows when others do.
 * (Kulisch 1986, long accumulator; Neal 2015, small superaccumulator.)
 *
 * Typical: weights or answers need 2 or 3 limbs, their products 3 to 5, that is 16 to 40 bytes. */
#ifndef CXM_SRC_EXACT_H
#define CXM_SRC_EXACT_H

#include "base/base.h"

/* The limbs of one sum: digits 32 lo … 32 (lo + n) - 1, and the sign above. n = 0: only zero. */
struct cxm_window {
    int32_t lo, n;
};

/* The binary digits that values occupy: 2^low divides them all, |value| < 2^high. Empty when
 * low > high. */
struct cxm_span {
    int32_t low, high;
};

#define CXM_SPAN_EMPTY ((struct cxm_span){ INT32_MAX, INT32_MIN })

/* Windows are for the extremes of weights and values apart: w x^2 needs them from 2^-2533 (2^-385
 * 2^-1074 2^-1074) to 2^2381 (2^333 2^1024 2^1024), that is 156 limbs, 157 digits. */
enum { CXM_MOST_DIGITS = 160 };

/* Additions that are safe between two normalisations. */
#define CXM_EXACT_ADDITIONS ((int64_t)1 << 27)

/* A finite double as mantissa * 2^exponent with an odd mantissa (0 for zero). */
struct cxm_binary {
    uint64_t mantissa;
    int32_t exponent;
    bool negative;
};

static inline struct cxm_binary cxm_priv_binary(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t biased = (int32_t)(bits >> 52 & 0x7FF);
    uint64_t mantissa = bits & (((uint64_t)1 << 52) - 1);
    if (biased != 0)
        mantissa |= (uint64_t)1 << 52;
    if (mantissa == 0)
        return (struct cxm_binary){ 0, 0, false };
    const int zeros = __builtin_ctzll(mantissa);
    return (struct cxm_binary){ mantissa >> zeros, (biased != 0 ? biased : 1) - 1075 + zeros,
                                (bits >> 63) != 0 };
}

static inline void cxm_priv_span_include(struct cxm_span *span, int32_t low, int32_t high)
{
    span->low = low < span->low ? low : span->low;
    span->high = high > span->high ? high : span->high;
}

/* Widens a span by one value; zero needs no digits. */
static inline void cxm_priv_span_value(struct cxm_span *span, double x)
{
    const struct cxm_binary b = cxm_priv_binary(x);
    if (b.mantissa != 0)
        cxm_priv_span_include(span, b.exponent, b.exponent + 64 - __builtin_clzll(b.mantissa));
}

/* The digits that products of two kinds of values occupy. */
struct cxm_span cxm_priv_span_product(struct cxm_span a, struct cxm_span b);

/* The window for sums of values within a span, and the window that covers two windows. */
struct cxm_window cxm_priv_window_for(struct cxm_span span);
struct cxm_window cxm_priv_window_union(struct cxm_window a, struct cxm_window b);
static inline bool cxm_priv_window_covers(struct cxm_window a, struct cxm_window b)
{
    return b.n == 0 || (a.n > 0 && a.lo <= b.lo && a.lo + a.n >= b.lo + b.n);
}

/* Adds copies * magnitude * 2^exponent; the window must cover it. copies >= 1. */
void cxm_priv_exact_add(int64_t *limbs, struct cxm_window window, cxm_u128 magnitude,
                        int32_t exponent, bool negative, int64_t copies);

static inline void cxm_priv_exact_add_double(int64_t *limbs, struct cxm_window window, double x,
                                             int64_t copies)
{
    const struct cxm_binary b = cxm_priv_binary(x);
    if (b.mantissa != 0)
        cxm_priv_exact_add(limbs, window, b.mantissa, b.exponent, b.negative, copies);
}

static inline void cxm_priv_exact_add_product(int64_t *limbs, struct cxm_window window, double x,
                                              double y, int64_t copies)
{
    const struct cxm_binary a = cxm_priv_binary(x), b = cxm_priv_binary(y);
    if (a.mantissa != 0 && b.mantissa != 0)
        cxm_priv_exact_add(limbs, window, (cxm_u128)a.mantissa * b.mantissa,
                           a.exponent + b.exponent, a.negative != b.negative, copies);
}

/* x y z, 159 bits: the product of two is cut into two factors of the third. */
void cxm_priv_exact_add_triple(int64_t *limbs, struct cxm_window window, double x, double y,
                               double z, int64_t copies);

/* Carries, so that all limbs but the last are in [0, 2^32). */
static inline void cxm_priv_exact_carry(int64_t *limbs, int32_t n)
{
    int64_t carry = 0;
    for (int32_t i = 0; i + 1 < n; i++) {
        const int64_t limb = limbs[i] + carry;
        carry = limb >> 32; /* arithmetic: rounds down */
        limbs[i] = limb & UINT32_MAX;
    }
    if (n > 0)
        limbs[n - 1] += carry;
}
void cxm_priv_exact_normalise(int64_t *limbs, struct cxm_window window);

/* into += sign * from, both normalised, `into` covers `from`; stays normalised. */
void cxm_priv_exact_merge(int64_t *into, struct cxm_window into_window, const int64_t *from,
                          struct cxm_window from_window, int sign);

/* The same where both have the same n limbs: adds and carries in one pass. */
static inline void cxm_priv_exact_merge_alike(int64_t *into, const int64_t *from, int32_t n,
                                              int sign)
{
    int64_t carry = 0;
    for (int32_t i = 0; i + 1 < n; i++) {
        const int64_t limb = into[i] + sign * from[i] + carry;
        carry = limb >> 32; /* arithmetic: rounds down */
        into[i] = limb & UINT32_MAX;
    }
    if (n > 0)
        into[n - 1] += sign * from[n - 1] + carry;
}

/* Same value? Windows may differ. */
bool cxm_priv_exact_equal(const int64_t *a, struct cxm_window a_window, const int64_t *b,
                          struct cxm_window b_window);

/* The value, within 2^-104 relative where no part of it is subnormal; infinite beyond the range of
 * a double. Independent of the window. */
struct cxm_dd cxm_priv_exact_value(const int64_t *limbs, struct cxm_window window);

/* The canonical digits of a normalised sum of n limbs, two's complement, no superfluous one at either
 * end: they are *first … *first + the result - 1, at most n + 1, of the digits below. */
int32_t cxm_priv_exact_extent(const int64_t *limbs, int32_t n, int32_t *first);
static inline uint32_t cxm_priv_exact_digit(const int64_t *limbs, int32_t n, int32_t i)
{
    return i < n ? (uint32_t)limbs[i] : (uint32_t)(limbs[n - 1] >> 32);
}

/* The window that canonical digits need, and their limbs. */
struct cxm_window cxm_priv_exact_window_of_digits(int32_t lo, int32_t n);
/* From the bytes of n canonical digits, little-endian; the limbs are zero. */
static inline void cxm_priv_exact_from_bytes(const uint8_t *digits, int32_t lo, int32_t n,
                                             int64_t *limbs, struct cxm_window window)
{
    const int32_t at = lo - window.lo;
    for (int32_t i = 0; i < n; i++)
        limbs[at + i] = cxm_priv_get_u32(digits + 4 * (size_t)i);
    if (n > 0 && digits[4 * (size_t)n - 1] >> 7 != 0) { /* the sign goes on to the last limb */
        for (int32_t i = at + n; i < window.n - 1; i++)
            limbs[i] = UINT32_MAX;
        limbs[window.n - 1] = -1;
    }
}

#endif
