/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact sums: see exact.h for the form. */
#include "tally/exact.h"

#include <math.h>

#define DIGIT_MASK 0xFFFFFFFFu

static int32_t floor_div_32(int32_t x)
{
    return x >= 0 ? x / 32 : -((31 - x) / 32);
}

struct cxm_span cxm_priv_span_product(struct cxm_span a, struct cxm_span b)
{
    if (a.low > a.high || b.low > b.high)
        return CXM_SPAN_EMPTY;
    return (struct cxm_span){ a.low + b.low, a.high + b.high };
}

struct cxm_window cxm_priv_window_for(struct cxm_span span)
{
    if (span.low > span.high)
        return (struct cxm_window){ 0, 0 };
    const int32_t lo = floor_div_32(span.low);
    return (struct cxm_window){ lo, floor_div_32(span.high - 1) - lo + 2 };
}

struct cxm_window cxm_priv_window_union(struct cxm_window a, struct cxm_window b)
{
    if (a.n == 0)
        return b;
    if (b.n == 0)
        return a;
    const int32_t lo = a.lo < b.lo ? a.lo : b.lo;
    const int32_t a_end = a.lo + a.n, b_end = b.lo + b.n;
    return (struct cxm_window){ lo, (a_end > b_end ? a_end : b_end) - lo };
}

/* Adds a digit at limb i; digits above the last limb belong into the last limb. */
static void add_digit(int64_t *limbs, int32_t n, int32_t i, int64_t digit)
{
    if (digit == 0)
        return;
    if (i < n)
        limbs[i] += digit;
    else
        limbs[n - 1] += digit * ((int64_t)1 << 32 * (i - n + 1));
}

/* Many copies of the digits low and high of 96 bits each, from limb `at` on. */
static CXM_NOINLINE void add_copies(int64_t *limbs, int32_t n, int32_t at, cxm_u128 low,
                                    cxm_u128 high, int64_t sign, int64_t copies)
{
    const uint32_t digits[6] = { (uint32_t)low,  (uint32_t)(low >> 32),  (uint32_t)(low >> 64),
                                 (uint32_t)high, (uint32_t)(high >> 32), (uint32_t)(high >> 64) };
    for (int i = 0; i < 6; i++) {
        const int32_t place = at + (i < 3 ? i : i - 1);
        const cxm_u128 product = (cxm_u128)digits[i] * (uint64_t)copies;
        if (product == 0)
            continue;
        add_digit(limbs, n, place, sign * (int64_t)(uint32_t)product);
        add_digit(limbs, n, place + 1, sign * (int64_t)(uint32_t)(product >> 32));
        add_digit(limbs, n, place + 2, sign * (int64_t)(uint32_t)(product >> 64));
    }
}

void cxm_priv_exact_add(int64_t *limbs, struct cxm_window window, cxm_u128 magnitude,
                        int32_t exponent, bool negative, int64_t copies)
{
    const int32_t digit = floor_div_32(exponent);
    const int shift = exponent - 32 * digit;
    const int32_t at = digit - window.lo;
    const cxm_u128 low = (cxm_u128)(uint64_t)magnitude << shift;
    const cxm_u128 high = (cxm_u128)(uint64_t)(magnitude >> 64) << shift;
    const int64_t sign = negative ? -1 : 1;
    if (copies != 1) {
        add_copies(limbs, window.n, at, low, high, sign, copies);
        return;
    }
    limbs[at] += sign * (int64_t)(uint32_t)low;
    add_digit(limbs, window.n, at + 1, sign * (int64_t)(uint32_t)(low >> 32));
    add_digit(limbs, window.n, at + 2,
              sign * ((int64_t)(uint32_t)(low >> 64) + (int64_t)(uint32_t)high));
    if (high >> 32 == 0)
        return;
    add_digit(limbs, window.n, at + 3, sign * (int64_t)(uint32_t)(high >> 32));
    add_digit(limbs, window.n, at + 4, sign * (int64_t)(uint32_t)(high >> 64));
}

void cxm_priv_exact_add_triple(int64_t *limbs, struct cxm_window window, double x, double y,
                               double z, int64_t copies)
{
    enum { HALF = 53 };
    const struct cxm_binary a = cxm_priv_binary(x), b = cxm_priv_binary(y), c = cxm_priv_binary(z);
    if (a.mantissa == 0 || b.mantissa == 0 || c.mantissa == 0)
        return;
    const cxm_u128 ab = (cxm_u128)a.mantissa * b.mantissa;
    const uint64_t low = (uint64_t)ab & (((uint64_t)1 << HALF) - 1);
    const uint64_t high = (uint64_t)(ab >> HALF);
    const int32_t exponent = a.exponent + b.exponent + c.exponent;
    const bool negative = (a.negative != b.negative) != c.negative;
    cxm_priv_exact_add(limbs, window, (cxm_u128)low * c.mantissa, exponent, negative, copies);
    if (high != 0)
        cxm_priv_exact_add(limbs, window, (cxm_u128)high * c.mantissa, exponent + HALF, negative,
                           copies);
}

void cxm_priv_exact_normalise(int64_t *limbs, struct cxm_window window)
{
    cxm_priv_exact_carry(limbs, window.n);
}

void cxm_priv_exact_merge(int64_t *into, struct cxm_window into_window, const int64_t *from,
                          struct cxm_window from_window, int sign)
{
    if (from_window.n == 0)
        return;
    const int32_t at = from_window.lo - into_window.lo;
    const int32_t last = from_window.n - 1;
    for (int32_t i = 0; i < last; i++)
        into[at + i] += sign * from[i];
    /* The last limb may be as large as 2^63: cut it, unless it meets the last limb. */
    if (at + last == into_window.n - 1) {
        into[at + last] += sign * from[last];
    } else {
        into[at + last] += sign * (from[last] & (int64_t)DIGIT_MASK);
        into[at + last + 1] += sign * (from[last] >> 32);
    }
    cxm_priv_exact_normalise(into, into_window);
}

/* Digit `index` of a normalised sum, in two's complement without end. */
static uint32_t digit_at(const int64_t *limbs, struct cxm_window window, int32_t index)
{
    const int32_t i = index - window.lo;
    if (window.n == 0 || i < 0)
        return 0;
    const int64_t last = limbs[window.n - 1];
    if (i < window.n - 1)
        return (uint32_t)limbs[i];
    if (i == window.n - 1)
        return (uint32_t)last;
    return (uint32_t)(i == window.n ? last >> 32 : last >> 63);
}

bool cxm_priv_exact_equal(const int64_t *a, struct cxm_window a_window, const int64_t *b,
                          struct cxm_window b_window)
{
    const struct cxm_window both = cxm_priv_window_union(a_window, b_window);
    for (int32_t i = 0; i < both.n + 2; i++) {
        if (digit_at(a, a_window, both.lo + i) != digit_at(b, b_window, both.lo + i))
            return false;
    }
    return true;
}

/* The digits of the magnitude of a sum, below the first one that is not zero at the top. */
struct magnitude {
    const int64_t *limbs;
    int32_t n, lowest, top; /* of the limbs; digits that are not zero, from the first limb on */
    uint32_t flip;          /* all ones below zero */
};

static inline uint32_t magnitude_at(const struct magnitude *m, int32_t i)
{
    if (i < m->lowest)
        return 0;
    const uint32_t digit = i < m->n ? (uint32_t)m->limbs[i] : (uint32_t)(m->limbs[m->n - 1] >> 32);
    return (digit ^ m->flip) + (i == m->lowest ? m->flip & 1 : 0); /* the complement carries to there */
}

static bool find_magnitude(const int64_t *limbs, int32_t n, struct magnitude *out)
{
    if (n == 0)
        return false;
    struct magnitude m = { limbs, n, 0, n, limbs[n - 1] < 0 ? DIGIT_MASK : 0 };
    while (m.flip != 0 && m.lowest < n && (uint32_t)limbs[m.lowest] == 0)
        m.lowest++;
    while (m.top >= m.lowest && magnitude_at(&m, m.top) == 0)
        m.top--;
    *out = m;
    return m.top >= m.lowest;
}

/* x 2^e: at once where that is an ordinary number. */
static inline double scaled(double x, int e)
{
    enum { BIAS = 1023, FAR = 800 };
    if (e < -FAR || e > FAR) /* x is 0 or from 1 to below 2^76 */
        return ldexp(x, e);
    const uint64_t bits = (uint64_t)(BIAS + e) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return x * power;
}

/* To the nearest double: what is below 64 bits shows in the last of them. */
static inline double real_of(cxm_u128 x)
{
    const uint64_t high = (uint64_t)(x >> 64);
    if (high == 0)
        return (double)(uint64_t)x;
    const int shift = 64 - __builtin_clzll(high);
    const bool rest = (x & (((cxm_u128)1 << shift) - 1)) != 0;
    return scaled((double)((uint64_t)(x >> shift) | rest), shift);
}

/* hi + lo of `bits` times 2^exponent, the first of its 128 bits being 1. `hi` is rounded to nearest,
 * `lo` is what is left, rounded once more. Scaling comes last, so that it alone can overflow. */
static struct cxm_dd value_of_bits(cxm_u128 bits, int exponent, double sign)
{
    enum { LOW_BITS = 128 - 53 };
    const cxm_u128 one = (cxm_u128)1 << LOW_BITS, rest = bits & (one - 1);
    const uint64_t whole = (uint64_t)(bits >> LOW_BITS);
    const bool up = rest > one / 2 || (rest == one / 2 && (whole & 1) != 0);
    const double hi = scaled(sign * (double)(int64_t)(whole + up), exponent + LOW_BITS);
    const double lo = scaled((up ? -sign : sign) * real_of(up ? one - rest : rest), exponent);
    return isfinite(hi) ? (struct cxm_dd){ hi, lo } : cxm_priv_dd(hi);
}

/* Limb i, 0 below the first. */
static inline uint64_t limb_at(const int64_t *limbs, int32_t i)
{
    return i >= 0 ? (uint64_t)limbs[i] : 0;
}

/* Of a sum above 0, which most are: limbs are taken two at a time. */
static struct cxm_dd value_above_zero(const int64_t *limbs, struct cxm_window window, int32_t top)
{
    uint64_t high = limb_at(limbs, top);
    int32_t next = top - 1; /* limb that follows */
    if (high <= DIGIT_MASK)
        high = high << 32 | limb_at(limbs, next--);
    uint64_t low = limb_at(limbs, next) << 32 | limb_at(limbs, next - 1);
    const uint64_t below = limb_at(limbs, next - 2) << 32 | limb_at(limbs, next - 3);
    const int lead = __builtin_clzll(high);
    if (lead > 0) {
        high = high << lead | low >> (64 - lead);
        low = low << lead | below >> (64 - lead);
    }
    return value_of_bits((cxm_u128)high << 64 | low, 32 * (window.lo + next - 1) - lead, 1);
}

/* From the highest 128 bits of the magnitude, counted from its leading one and not from the grid:
 * the same value gives the same result in every window, and a value times a power of two the same
 * bits. */
struct cxm_dd cxm_priv_exact_value(const int64_t *limbs, struct cxm_window window)
{
    int32_t top = window.n - 1;
    while (top >= 0 && limbs[top] == 0)
        top--;
    if (top < 0)
        return cxm_priv_dd(0.0);
    if (limbs[top] > 0)
        return value_above_zero(limbs, window, top);
    struct magnitude m;
    if (!find_magnitude(limbs, window.n, &m))
        return cxm_priv_dd(0.0);
    cxm_u128 bits = 0;
    for (int32_t k = 0; k < 4; k++)
        bits = bits << 32 | magnitude_at(&m, m.top - k);
    const int lead = __builtin_clz((uint32_t)(bits >> 96));
    if (lead > 0)
        bits = bits << lead | magnitude_at(&m, m.top - 4) >> (32 - lead);
    return value_of_bits(bits, 32 * (window.lo + m.top - 3) - lead, m.flip != 0 ? -1.0 : 1.0);
}

int32_t cxm_priv_exact_extent(const int64_t *limbs, int32_t n, int32_t *first)
{
    int32_t low = 0;
    while (low < n && limbs[low] == 0)
        low++;
    *first = low;
    if (low >= n)
        return 0;
    const int64_t last = limbs[n - 1];
    const uint32_t fill = last < 0 ? DIGIT_MASK : 0;
    uint32_t digit = (uint32_t)(last >> 32);
    int32_t top = n;
    if (low == n - 1 && (uint32_t)last == 0)
        *first = low = n;
    if (digit == fill) {
        do
            digit = --top >= low ? (uint32_t)limbs[top] : 0;
        while (digit == fill && top >= low);
    }
    /* The highest digit says the sign, too: one more where its first bit would say another. */
    return top + 1 + (int32_t)((digit ^ fill) >> 31) - low;
}

struct cxm_window cxm_priv_exact_window_of_digits(int32_t lo, int32_t n)
{
    return (struct cxm_window){ n > 0 ? lo : 0, n > 0 ? n + 1 : 0 };
}
