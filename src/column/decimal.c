/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Decimals: 128-bit integers over a power of ten.
 *
 * Money mostly fits 53 bits and 22 digits: then integer and power are both exact doubles and
 * one IEEE division rounds correctly. The others are divided as wide integers,
 *
 *   integer / 10^s = (integer / 5^s) 2^-s,
 *
 * bit by bit until 64 bits of the quotient are known; whether a rest is left goes into the
 * lowest bit ("sticky"), so that the one rounding to 53 bits sees every digit. */
#include "column/decode.h"

#include <math.h>

/* 320 bits hold 2^127 * 5^76 (304 bits); least significant limb first. */
enum { LIMBS = 5 };

struct wide {
    uint64_t limb[LIMBS];
};

static const double powers_of_ten[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static void wide_scale_by_5(struct wide *w, int times)
{
    while (times-- > 0) {
        uint64_t carry = 0;
        for (int i = 0; i < LIMBS; i++) {
            const cxm_u128 product = (cxm_u128)w->limb[i] * 5 + carry;
            w->limb[i] = (uint64_t)product;
            carry = (uint64_t)(product >> 64);
        }
    }
}

static int wide_bits(const struct wide *w)
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (w->limb[i] != 0)
            return 64 * i + 64 - __builtin_clzll(w->limb[i]);
    return 0;
}

static void wide_shift_left(struct wide *w, int bits)
{
    const int limbs = bits / 64, rest = bits % 64;
    for (int i = LIMBS - 1; i >= 0; i--) {
        const uint64_t high = i >= limbs ? w->limb[i - limbs] : 0;
        const uint64_t low = i > limbs ? w->limb[i - limbs - 1] : 0;
        w->limb[i] = rest == 0 ? high : high << rest | low >> (64 - rest);
    }
}

static bool wide_at_least(const struct wide *a, const struct wide *b)
{
    for (int i = LIMBS - 1; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] > b->limb[i];
    return true;
}

static void wide_subtract(struct wide *a, const struct wide *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < LIMBS; i++) {
        const uint64_t before = a->limb[i], part = before - b->limb[i];
        a->limb[i] = part - borrow;
        borrow = (before < b->limb[i]) | (part < borrow);
    }
}

/* a / b with 63 or 64 significant bits and a sticky lowest bit: a / b = result * 2^*exponent.
 * Both have at most 319 bits: the rest stays below b, and twice the rest below 2^320. */
static uint64_t wide_quotient(struct wide a, struct wide b, int *exponent)
{
    const int shift = wide_bits(&a) - wide_bits(&b);
    wide_shift_left(shift < 0 ? &a : &b, shift < 0 ? -shift : shift);
    uint64_t quotient = 0;
    for (int bit = 0; bit < 64; bit++) {
        const bool one = wide_at_least(&a, &b);
        if (one)
            wide_subtract(&a, &b);
        quotient = quotient << 1 | one;
        wide_shift_left(&a, 1);
    }
    *exponent = shift - 63;
    return quotient | (wide_bits(&a) != 0);
}

static cxm_u128 magnitude_of(cxm_i128 integer)
{
    return integer < 0 ? -(cxm_u128)integer : (cxm_u128)integer;
}

double cxm_priv_decimal_to_double(cxm_i128 integer, int32_t scale)
{
    const cxm_u128 magnitude = magnitude_of(integer);
    if (magnitude <= (cxm_u128)CXM_EXACT_INTEGER && scale >= 0 && scale <= 22)
        return (double)(int64_t)integer / powers_of_ten[scale];
    if (magnitude == 0)
        return 0.0;

    struct wide a = { { (uint64_t)magnitude, (uint64_t)(magnitude >> 64) } };
    struct wide b = { { 1 } };
    wide_scale_by_5(scale < 0 ? &a : &b, scale < 0 ? -scale : scale);
    int exponent;
    const uint64_t quotient = wide_quotient(a, b, &exponent);
    const double rounded = ldexp((double)quotient, exponent - scale);
    return integer < 0 ? -rounded : rounded;
}

bool cxm_priv_decimal_floor(cxm_i128 integer, int32_t scale, int64_t *out, bool *fraction)
{
    *fraction = false;
    for (; scale > 0 && integer != 0 && integer != -1; scale--) {
        const int digit = (int)(integer % 10);
        *fraction |= digit != 0;
        integer = integer / 10 - (digit < 0);
    }
    if (scale > 0 && integer == -1)
        *fraction = true; /* floor(-0.1) is -1 again, for ever */
    for (; scale < 0 && integer != 0; scale++) {
        if (integer > INT64_MAX || integer < INT64_MIN)
            return false;
        integer *= 10;
    }
    if (integer > INT64_MAX || integer < INT64_MIN)
        return false;
    *out = (int64_t)integer;
    return true;
}
