/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact sums against the slow obvious program: one long binary number, to which every summand
 * is added bit by bit. */
#include "testing.h"

#include <float.h>

#include "tally/exact.h"
#include "tally/format.h"

/* ---- the oracle: two's complement, bit 0 is 2^-2560 ------------------------------------- */

enum { BIG_DIGITS = 176, BIG_POINT = 80, MOST_LIMBS = CXM_MOST_DIGITS };

struct big {
    uint32_t digits[BIG_DIGITS];
};

static void big_add_bit(struct big *big, int exponent, bool negative)
{
    const int bit = exponent + 32 * BIG_POINT;
    assert_true(bit >= 0 && bit / 32 < BIG_DIGITS);
    int64_t carry = (int64_t)1 << bit % 32;
    for (int i = bit / 32; i < BIG_DIGITS && carry != 0; i++) {
        const int64_t sum = (int64_t)big->digits[i] + (negative ? -carry : carry);
        big->digits[i] = (uint32_t)sum;
        carry = sum < 0 || sum > UINT32_MAX;
    }
}

static int64_t integer_of(double x, int *exponent)
{
    const double fraction = frexp(fabs(x), exponent);
    *exponent -= 53;
    return (int64_t)ldexp(fraction, 53);
}

static void big_add_bits(struct big *big, int64_t mantissa, int exponent, bool negative,
                         int64_t copies)
{
    for (int c = 0; c < 63; c++) {
        if ((copies >> c & 1) == 0)
            continue;
        for (int b = 0; b < 63; b++) {
            if (mantissa >> b & 1)
                big_add_bit(big, exponent + b + c, negative);
        }
    }
}

static void big_add(struct big *big, double x, int64_t copies)
{
    int exponent;
    const int64_t mantissa = integer_of(x, &exponent);
    big_add_bits(big, mantissa, exponent, signbit(x), copies);
}

/* x y, one addition of x's mantissa for every bit of y's. */
static void big_add_product(struct big *big, double x, double y, int64_t copies)
{
    int ex, ey;
    const int64_t mx = integer_of(x, &ex), my = integer_of(y, &ey);
    for (int b = 0; b < 63; b++) {
        if (my >> b & 1)
            big_add_bits(big, mx, ex + ey + b, signbit(x) != signbit(y), copies);
    }
}

static bool big_negative(const struct big *big)
{
    return big->digits[BIG_DIGITS - 1] >> 31 != 0;
}

static struct big big_magnitude(const struct big *big)
{
    struct big out = *big;
    uint64_t carry = 1;
    for (int i = 0; i < BIG_DIGITS && big_negative(big); i++) {
        carry += (uint32_t)~big->digits[i];
        out.digits[i] = (uint32_t)carry;
        carry >>= 32;
    }
    return out;
}

/* a 2^bits <= b, both >= 0 */
static bool big_shifted_below(const struct big *a, int bits, const struct big *b)
{
    for (int i = BIG_DIGITS - 1; i >= 0; i--) {
        const int from = i - bits / 32, shift = bits % 32;
        const uint64_t high = from >= 0 ? a->digits[from] : 0;
        const uint64_t low = from >= 1 ? a->digits[from - 1] : 0;
        const uint32_t digit = (uint32_t)((high << 32 | low) << shift >> 32);
        if (digit != b->digits[i])
            return digit < b->digits[i];
    }
    return true;
}

/* ---- a sum beside its oracle ---------------------------------------------------------- */

struct pair {
    int64_t limbs[MOST_LIMBS];
    struct cxm_window window;
    struct big big;
};

/* Makes the window cover what is to come: the old limbs move into a wider row. */
static void widen(struct pair *p, struct cxm_span span)
{
    const struct cxm_window wide = cxm_priv_window_union(p->window, cxm_priv_window_for(span));
    int64_t limbs[MOST_LIMBS] = { 0 };
    assert_true(wide.n <= MOST_LIMBS);
    cxm_priv_exact_normalise(p->limbs, p->window);
    cxm_priv_exact_merge(limbs, wide, p->limbs, p->window, 1);
    memcpy(p->limbs, limbs, sizeof limbs);
    p->window = wide;
}

static struct cxm_span span_of(double x)
{
    struct cxm_span span = CXM_SPAN_EMPTY;
    cxm_priv_span_value(&span, x);
    return span;
}

static void add(struct pair *p, double x, int64_t copies)
{
    widen(p, span_of(x));
    cxm_priv_exact_add_double(p->limbs, p->window, x, copies);
    big_add(&p->big, x, copies);
}

static void add_product(struct pair *p, double x, double y, int64_t copies)
{
    widen(p, cxm_priv_span_product(span_of(x), span_of(y)));
    cxm_priv_exact_add_product(p->limbs, p->window, x, y, copies);
    big_add_product(&p->big, x, y, copies);
}

/* x y z, one addition of x times a bit of y for every bit of z. */
static void add_triple(struct pair *p, double x, double y, double z, int64_t copies)
{
    int ex, ey, ez;
    const int64_t mx = integer_of(x, &ex), my = integer_of(y, &ey), mz = integer_of(z, &ez);
    const bool negative = (signbit(x) != signbit(y)) != signbit(z);
    widen(p, cxm_priv_span_product(span_of(x), cxm_priv_span_product(span_of(y), span_of(z))));
    cxm_priv_exact_add_triple(p->limbs, p->window, x, y, z, copies);
    for (int b = 0; b < 53; b++) {
        for (int c = 0; c < 53; c++) {
            if (my >> b & 1 & mz >> c)
                big_add_bits(&p->big, mx, ex + ey + ez + b + c, negative, copies);
        }
    }
}

/* The canonical digits; *lo is the index of digits[0]. */
static int32_t exact_digits(const int64_t *limbs, struct cxm_window window, uint32_t *digits, int32_t *lo)
{
    int32_t first;
    const int32_t n = cxm_priv_exact_extent(limbs, window.n, &first);
    for (int32_t i = 0; i < n; i++)
        digits[i] = cxm_priv_exact_digit(limbs, window.n, first + i);
    *lo = n > 0 ? window.lo + first : 0;
    return n;
}

static void check_digits(const struct pair *p)
{
    uint32_t digits[MOST_LIMBS + 1];
    int32_t lo;
    const int32_t n = exact_digits(p->limbs, p->window, digits, &lo);
    assert_in_range(n, 0, p->window.n + 1);
    const uint32_t sign = big_negative(&p->big) ? UINT32_MAX : 0;
    for (int i = 0; i < BIG_DIGITS; i++) {
        const int k = i - BIG_POINT - lo;
        assert_int_equal(p->big.digits[i], k < 0 || n == 0 ? 0 : k < n ? digits[k] : sign);
    }
    /* Nothing superfluous: the lowest digit counts, the highest is not just the sign. */
    if (n == 0) {
        assert_int_equal(lo, 0);
        return;
    }
    assert_int_not_equal(digits[0], 0);
    if (n > 1)
        assert_false(digits[n - 1] == sign && digits[n - 2] >> 31 == (sign & 1));
    /* And back. */
    const struct cxm_window window = cxm_priv_exact_window_of_digits(lo, n);
    struct pair again = { .window = cxm_priv_window_union(window,
                                                         (struct cxm_window){ lo - 1, n + 4 }) };
    uint8_t bytes[4 * CXM_MOST_DIGITS];
    for (int32_t i = 0; i < n; i++)
        cxm_priv_put_u32(bytes + 4 * i, digits[i]);
    cxm_priv_exact_from_bytes(bytes, lo, n, again.limbs, again.window);
    assert_true(cxm_priv_exact_equal(p->limbs, p->window, again.limbs, again.window));
    memset(again.limbs, 0, sizeof again.limbs);
    cxm_priv_exact_from_bytes(bytes, lo, n, again.limbs, window);
    assert_true(cxm_priv_exact_equal(again.limbs, window, p->limbs, p->window));
    again.limbs[0]++;
    assert_false(cxm_priv_exact_equal(again.limbs, window, p->limbs, p->window));
}

/* Within 2^-104, where the value and its low part are normal doubles. */
static void check_value(const struct pair *p)
{
    const struct cxm_dd value = cxm_priv_exact_value(p->limbs, p->window);
    const struct big magnitude = big_magnitude(&p->big);
    if (isinf(value.hi)) {
        struct big most = { { 0 } };
        big_add(&most, DBL_MAX, 1);
        assert_true(big_shifted_below(&most, 0, &magnitude));
        assert_true(signbit(value.hi) == big_negative(&p->big));
        assert_true(value.lo == 0);
        return;
    }
    struct big rest = p->big;
    big_add(&rest, -value.hi, 1);
    big_add(&rest, -value.lo, 1);
    rest = big_magnitude(&rest);
    if (fabs(value.hi) > 0x1p-900)
        assert_true(big_shifted_below(&rest, 104, &magnitude));
    else if (value.hi != 0)
        assert_true(big_shifted_below(&rest, 52, &magnitude) || fabs(value.hi) < 0x1p-1000);
}

static void check(struct pair *p)
{
    cxm_priv_exact_normalise(p->limbs, p->window);
    for (int32_t i = 0; i + 1 < p->window.n; i++)
        assert_true(p->limbs[i] >= 0 && p->limbs[i] <= UINT32_MAX);
    check_digits(p);
    check_value(p);
}

/* ---- rows ----------------------------------------------------------------------------- */

static void known_digits(void **state)
{
    static const struct {
        double x[3];
        int32_t lo, n;
        uint32_t digits[4];
    } rows[] = { /* in base 2^32, lowest first; the highest bit is the sign */
        { { 0 }, 0, 0, { 0 } },
        { { -0.0, 0.0 }, 0, 0, { 0 } },
        { { 1 }, 0, 1, { 1 } },
        { { -1 }, 0, 1, { 0xFFFFFFFF } },
        { { 0x1p31 }, 0, 2, { 0x80000000, 0 } },
        { { -0x1p31 }, 0, 1, { 0x80000000 } },
        { { 0x1p32 }, 1, 1, { 1 } },
        { { 0x1p63 }, 1, 2, { 0x80000000, 0 } },
        { { -0x1p63 }, 1, 1, { 0x80000000 } },
        { { 1, 0x1p32 }, 0, 2, { 1, 1 } },
        { { -1, 0x1p32 }, 0, 2, { 0xFFFFFFFF, 0 } },
        { { 1, -0x1p32 }, 0, 2, { 1, 0xFFFFFFFF } },
        { { 1, 0x1p96, -0x1p96 }, 0, 1, { 1 } },
        { { 0x1p100, -0x1p100 }, 0, 0, { 0 } },
        { { 0.5 }, -1, 2, { 0x80000000, 0 } },
        { { -0.5 }, -1, 1, { 0x80000000 } },
        { { 0x1p-1074 }, -34, 1, { 0x00004000 } },
        { { DBL_MAX }, 30, 3, { 0xFFFFF800, 0xFFFFFFFF, 0 } },
        { { -DBL_MAX }, 30, 3, { 0x00000800, 0, 0xFFFFFFFF } },
        { { DBL_MAX, DBL_MAX }, 30, 3, { 0xFFFFF000, 0xFFFFFFFF, 1 } },
        { { DBL_MAX, 0x1p-1074, -DBL_MAX }, -34, 1, { 0x00004000 } },
    };
    (void)state;
    for (size_t r = 0; r < COUNT_OF(rows); r++) {
        struct pair p = { 0 };
        for (int i = 0; i < 3; i++)
            add(&p, rows[r].x[i], 1);
        check(&p);
        uint32_t digits[MOST_LIMBS + 1];
        int32_t lo;
        assert_int_equal(exact_digits(p.limbs, p.window, digits, &lo), rows[r].n);
        assert_int_equal(lo, rows[r].lo);
        assert_memory_equal(digits, rows[r].digits, 4 * (size_t)rows[r].n);
    }
}

static void binary_form_of_doubles(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = random_u64(&seed);
        double x;
        memcpy(&x, &bits, sizeof x);
        if (!isfinite(x))
            continue;
        const struct cxm_binary b = cxm_priv_binary(x);
        const double magnitude = ldexp((double)b.mantissa, b.exponent);
        assert_true(b.mantissa & 1);
        assert_true((b.negative ? -magnitude : magnitude) == x);
        const struct cxm_span span = span_of(x);
        int exponent;
        frexp(x, &exponent);
        assert_int_equal(span.low, b.exponent);
        assert_int_equal(span.high, exponent);
    }
    assert_int_equal(cxm_priv_binary(0.0).mantissa, 0);
    assert_int_equal(cxm_priv_binary(-0.0).mantissa, 0);
    assert_true(span_of(0).low > span_of(0).high);
    assert_int_equal(cxm_priv_window_for(CXM_SPAN_EMPTY).n, 0);
    const struct cxm_span none = cxm_priv_span_product(CXM_SPAN_EMPTY, span_of(1));
    assert_true(none.low > none.high);
}

/* ---- random sums ---------------------------------------------------------------------- */

static double random_double(uint64_t *seed)
{
    double x;
    do {
        uint64_t bits = random_u64(seed);
        if (random_below(seed, 4) == 0)
            bits &= 0x800FFFFFFFFFFFFFu; /* subnormal */
        if (random_below(seed, 4) == 0)
            bits &= (uint64_t)-1 << random_below(seed, 60); /* few digits */
        memcpy(&x, &bits, sizeof x);
    } while (!isfinite(x));
    return random_below(seed, 3) == 0 ? ldexp(x, (int)random_below(seed, 40) - (int)ilogb(x + 1))
                                      : x;
}

static int64_t random_copies(uint64_t *seed)
{
    if (random_below(seed, 4) != 0)
        return 1;
    return 1 + (int64_t)(random_u64(seed) >> (2 + random_below(seed, 60)));
}

static void sums_of_doubles(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int trial = 0; trial < 400; trial++) {
        struct pair p = { 0 };
        for (int i = (int)random_below(&seed, 20); i >= 0; i--) {
            const double x = random_double(&seed);
            if (!isfinite(x))
                continue;
            const int64_t copies = random_copies(&seed);
            add(&p, x, copies);
            if (random_below(&seed, 5) == 0)
                add(&p, -x, copies);
            if (random_below(&seed, 8) == 0)
                check(&p);
        }
        check(&p);
    }
}

static void sums_of_products(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int trial = 0; trial < 150; trial++) {
        struct pair p = { 0 };
        for (int i = (int)random_below(&seed, 8); i >= 0; i--) {
            const double x = random_double(&seed), y = random_double(&seed);
            if (!isfinite(x) || !isfinite(y))
                continue;
            const int64_t copies = random_copies(&seed);
            add_product(&p, x, y, copies);
            if (random_below(&seed, 5) == 0)
                add_product(&p, y, -x, copies);
        }
        check(&p);
    }
}

/* Weight times value times value: the weight within 1e-100 ... 1e100, weight times value a double.
 * The last row is the lowest digit that there is. */
static void sums_of_triples(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int trial = 0; trial < 40; trial++) {
        struct pair p = { 0 };
        for (int i = (int)random_below(&seed, 4); i >= 0; i--) {
            const double w = ldexp(1 + random_unit(&seed), (int)random_below(&seed, 660) - 330);
            const double x = random_double(&seed), y = random_double(&seed);
            if (!isfinite(w * x) || !isfinite(x) || !isfinite(y))
                continue;
            const int64_t copies = random_copies(&seed);
            add_triple(&p, w, x, y, copies);
            if (random_below(&seed, 4) == 0)
                add_triple(&p, w, y, -x, copies);
        }
        check(&p);
    }
    struct pair lowest = { 0 };
    add_triple(&lowest, nextafter(1e-100, 1), 0x1p-1074, 0x1p-1074, 1);
    check(&lowest);
    uint32_t digits[MOST_LIMBS + 1];
    int32_t lo;
    assert_true(exact_digits(lowest.limbs, lowest.window, digits, &lo) > 0);
    assert_true(lo >= CXM_FIRST_DIGIT);
}

/* Two sums with windows of their own; one is added to the other or taken away again. */
static void merging_sums(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int trial = 0; trial < 200; trial++) {
        struct pair a = { 0 }, b = { 0 }, both = { 0 };
        for (int i = 0; i < 6; i++) {
            const double x = random_double(&seed);
            const int64_t copies = random_copies(&seed);
            if (!isfinite(x))
                continue;
            add(i % 2 ? &a : &b, x, copies);
            add(&both, x, copies);
        }
        check(&a);
        check(&b);
        check(&both);
        const struct cxm_window wide = cxm_priv_window_union(a.window, b.window);
        int64_t sum[MOST_LIMBS] = { 0 };
        assert_true(cxm_priv_window_covers(wide, a.window));
        assert_true(cxm_priv_window_covers(wide, b.window));
        cxm_priv_exact_merge(sum, wide, a.limbs, a.window, 1);
        assert_true(cxm_priv_exact_equal(sum, wide, a.limbs, a.window));
        cxm_priv_exact_merge(sum, wide, b.limbs, b.window, 1);
        assert_true(cxm_priv_exact_equal(sum, wide, both.limbs, both.window));
        const struct cxm_dd one = cxm_priv_exact_value(sum, wide);
        const struct cxm_dd other = cxm_priv_exact_value(both.limbs, both.window);
        assert_true(one.hi == other.hi && one.lo == other.lo);
        cxm_priv_exact_merge(sum, wide, a.limbs, a.window, -1);
        assert_true(cxm_priv_exact_equal(sum, wide, b.limbs, b.window));
        cxm_priv_exact_merge(sum, wide, b.limbs, b.window, -1);
        uint32_t digits[MOST_LIMBS + 1];
        int32_t lo;
        assert_int_equal(exact_digits(sum, wide, digits, &lo), 0);
    }
}

/* The value does not depend on the window: digits far above are only the sign. */
static void values_in_wide_windows(void **state)
{
    static const double values[] = { 1, -1, -0.1, 1e300, -1e-300, 0x1p-1074, -DBL_MAX };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct pair p = { 0 };
        add(&p, values[i], 1);
        widen(&p, (struct cxm_span){ -2148, 2048 });
        check(&p);
        assert_true(cxm_priv_exact_value(p.limbs, p.window).hi == values[i]);
    }
    assert_true(cxm_priv_exact_value(NULL, (struct cxm_window){ 0, 0 }).hi == 0);
}

/* ---- limits --------------------------------------------------------------------------- */

/* Adding is linear: a limb that one addition changes by 2^34 at most cannot leave 64 bits in
 * twice CXM_EXACT_ADDITIONS = 2^27 additions, whatever 32 bits it held before. */
static void additions_between_normalisations(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    const int64_t copies[] = { 1, 2, UINT32_MAX, (int64_t)1 << 62, INT64_MAX };
    const cxm_u128 one = 1;
    for (int trial = 0; trial < 4000; trial++) {
        const int exponent = -trial % 64, bits = trial % 107;
        cxm_u128 magnitude = (one << bits) - 1;
        if (trial >= 2000)
            magnitude &= (cxm_u128)random_u64(&seed) << 64 | random_u64(&seed);
        magnitude |= 1;
        const struct cxm_window window =
            cxm_priv_window_for((struct cxm_span){ exponent, exponent + (bits > 0 ? bits : 1) });
        for (size_t c = 0; c < COUNT_OF(copies); c++) {
            int64_t limbs[MOST_LIMBS] = { 0 };
            cxm_priv_exact_add(limbs, window, magnitude, exponent, trial % 2, copies[c]);
            for (int32_t i = 0; i + 1 < window.n; i++) /* a product of three is two of these */
                assert_true(limbs[i] <= (int64_t)1 << 34 && limbs[i] >= -((int64_t)1 << 34));
            assert_int_equal(limbs[window.n], 0);
        }
    }
    assert_true(2 * CXM_EXACT_ADDITIONS <= (INT64_MAX - UINT32_MAX) >> 34);
}

/* As many rows as can be, all of the largest value that the window is for, of either sign. */
static void as_many_rows_as_can_be(void **state)
{
    static const double values[] = { 0x1.fffffffffffffp31, 0x1.fffffffffffffp30, 1, 3,
                                     0x1.fffffffffffffp63, DBL_MAX, 0x1p-1074 };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            struct pair p = { 0 }, square = { 0 };
            const double x = sign * values[i];
            add(&p, x, INT64_MAX - 1);
            add(&p, x, 1);
            check(&p);
            add(&p, -x, INT64_MAX);
            check(&p);
            add_product(&square, x, values[i], INT64_MAX);
            check(&square);
        }
    }
}

/* ---- blocks as whole numbers ---------------------------------------------------------- */

static void quanta_are_the_values(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int trial = 0; trial < 3000; trial++) {
        double x[40];
        int64_t q[COUNT_OF(x)];
        struct cxm_quanta quanta = { .q = q };
        const int reach = (int)random_below(&seed, 70), at = (int)random_below(&seed, 1900) - 1000;
        const size_t n = 1 + (size_t)random_below(&seed, COUNT_OF(x));
        for (size_t i = 0; i < n; i++) {
            const int64_t k = (int64_t)random_u64(&seed) >> (63 - random_below(&seed, 54));
            x[i] = ldexp((double)k, at + (int)random_below(&seed, (uint64_t)reach + 1));
        }
        if (!cxm_priv_quantise(x, n, &quanta))
            continue;
        for (size_t i = 0; i < n; i++) {
            assert_true(ldexp((double)q[i], quanta.exponent) == x[i]);
            assert_true((int64_t)(double)q[i] == q[i]);
            assert_true(q[i] == 0 || quanta.bits > 0);
            assert_true((q[i] < 0 ? -q[i] : q[i]) >> quanta.bits == 0);
        }
    }
    /* Scaled down, the small one would be lost without a trace. */
    const double far[] = { 0x1p600, 0x1p-600 };
    int64_t q[2];
    struct cxm_quanta quanta = { .q = q };
    assert_false(cxm_priv_quantise(far, 2, &quanta));
    const double infinite = INFINITY;
    assert_false(cxm_priv_quantise(&infinite, 1, &quanta));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_digits),
        cmocka_unit_test(binary_form_of_doubles),
        cmocka_unit_test(sums_of_doubles),
        cmocka_unit_test(sums_of_products),
        cmocka_unit_test(sums_of_triples),
        cmocka_unit_test(merging_sums),
        cmocka_unit_test(values_in_wide_windows),
        cmocka_unit_test(additions_between_normalisations),
        cmocka_unit_test(as_many_rows_as_can_be),
        cmocka_unit_test(quanta_are_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
