/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The kernels of sums and squares: every variant against the C one and against what the words of a
 * cell are by definition, between pages that may not be touched. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"

#include "tally/kernels.h"

#include <math.h>
#include <stdlib.h>

static uint64_t seed_state = 20261122;
static uint64_t draw(void)
{
    return random_u64(&seed_state);
}

/* ---- sums and squares ----------------------------------------------------------------- */

#if CXM_X86
static bool has_avx512(void)
{
    return CXM_SUPPORTS("avx512bw") && CXM_SUPPORTS("avx512vl");
}
#endif

enum { MOMENT_ROOM = 7, MOMENT_CODES = 3, MOMENT_BANDS = 3 };

/* Bands from 2^-4, 2^8 and below 2^-16 on; bands of the lowest exponents where `tiny`. */
static struct cxm_places *make_places(bool tiny)
{
    struct cxm_places *p = calloc(1, sizeof *p);
    assert_non_null(p);
    const int32_t first = tiny ? 2 : 1019;
    p->first = (uint32_t)first;
    p->room = MOMENT_ROOM;
    p->negative = MOMENT_ROOM * MOMENT_CODES;
    p->bins = 1;
    p->filler = ldexp(1, first - 1023);
    for (int32_t band = 0; band < MOMENT_BANDS; band++) {
        for (int32_t shift = 0; shift < CXM_BAND_EXPONENTS; shift++) {
            const int32_t e = first + (band == 2 ? -2 : band) * CXM_BAND_EXPONENTS + shift;
            if (e >= 1)
                p->of[e] = CXM_PLACE_KNOWN | CXM_LEADING_ONE | (uint64_t)shift << CXM_PLACE_SHIFT
                         | (uint64_t)(2 * band * MOMENT_ROOM * MOMENT_CODES);
        }
    }
    p->of[0] = CXM_PLACE_KNOWN | CXM_PLACE_ONLY_ZERO;
    return p;
}

static double moment_number(bool tiny, int kind)
{
    const double unit = 1 + (double)(draw() >> 12) * 0x1p-52;
    const int first = tiny ? 2 - 1023 : -4;
    const double sign = draw() % 2 ? 1 : -1;
    switch (kind) {
    case 0: return sign * ldexp(unit, first + (int)(draw() % 12)); /* one band */
    case 1: return sign * ldexp(unit, first + (int)(draw() % 24));
    case 2: return draw() % 3 == 0 ? sign * 0.0 : sign * ldexp(unit, first + (int)(draw() % 12));
    default: return sign * ldexp(2 - 0x1p-52, first + (draw() % 2 ? 11 : 0)); /* its ends */
    }
}

static void compare_places(cxm_place_numbers *variant, size_t n, int kind, bool tiny)
{
    struct guarded numbers = guard(8 * n), groups = guard(4 * n), of_codes = guard(2 * n);
    double *x = (void *)numbers.bytes;
    uint32_t *group = (void *)groups.bytes;
    uint16_t *codes = (void *)of_codes.bytes;
    uint64_t q[80], want_q[80];
    uint32_t at[80], want_at[80];
    struct cxm_places *places = make_places(tiny);
    static const double odd[] = { NAN, INFINITY, -INFINITY, 0x1p-1074, -0x1p-1030, 1e300, 1e-300 };
    for (size_t i = 0; i < n; i++) {
        x[i] = moment_number(tiny, kind);
        codes[i] = (uint16_t)(draw() % MOMENT_CODES);
        group[i] = draw() % 9 == 0 && codes[i] > 0 ? UINT32_MAX : (uint32_t)(draw() % (MOMENT_ROOM - 1));
        if (codes[i] > 0 && draw() % 2)
            x[i] = odd[draw() % COUNT_OF(odd)]; /* nobody looks at it */
    }
    for (int grouped = 0; grouped < 2; grouped++) {
        q[n] = at[n] = 77;
        assert_true(variant(places, grouped ? group : NULL, codes, x, n, q, at));
        assert_true(q[n] == 77 && at[n] == 77);
        assert_true(cxm_priv_place_numbers_c(places, grouped ? group : NULL, codes, x, n, want_q,
                                             want_at));
        assert_memory_equal(q, want_q, 8 * n);
        assert_memory_equal(at, want_at, 4 * n);
        for (size_t i = 0; i < n; i++) { /* against the number itself */
            const uint32_t cell = grouped ? group[i] + 1 : 1, code = codes[i];
            const double value = code > 0 ? places->filler : x[i];
            const uint32_t plane = (at[i] - cell) / MOMENT_ROOM;
            const int band = (int)(plane / (2 * MOMENT_CODES));
            const int base = (tiny ? 2 : 1019) + (band == 2 ? -24 : 12 * band) - 1075;
            assert_int_equal(at[i] % MOMENT_ROOM, cell);
            assert_int_equal(plane % MOMENT_CODES, code);
            assert_int_equal(plane / MOMENT_CODES % 2, signbit(value) != 0);
            assert_true(ldexp((double)(q[i] >> 11), base + 11) + ldexp((double)(q[i] & 0x7FF), base)
                        == fabs(value));
        }
    }
    for (size_t k = 0; k < COUNT_OF(odd) && n > 0; k++) {
        const size_t i = draw() % n;
        const double kept = x[i];
        codes[i] = 0;
        x[i] = odd[k];
        assert_false(variant(places, group, codes, x, n, q, at) && k < 3);
        assert_int_equal(variant(places, group, codes, x, n, q, at),
                         cxm_priv_place_numbers_c(places, group, codes, x, n, want_q, want_at));
        x[i] = kept;
        codes[i] = 1;
    }
    free(places);
    unguard(numbers);
    unguard(groups);
    unguard(of_codes);
}

static void placing_numbers(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 70; n++) {
        for (int kind = 0; kind < 4; kind++) {
            for (int tiny = 0; tiny < 2; tiny++) {
                compare_places(cxm_priv_place_numbers_c, n, kind, tiny);
#if CXM_X86
                if (__builtin_cpu_supports("avx2"))
                    compare_places(cxm_priv_place_numbers_avx2, n, kind, tiny);
                if (has_avx512())
                    compare_places(cxm_priv_place_numbers_avx512, n, kind, tiny);
#elif CXM_NEON
                compare_places(cxm_priv_place_numbers_neon, n, kind, tiny);
#endif
            }
        }
    }
}

#if CXM_X86
/* Weights of one band as all numbers are placed; any other one is seen, whatever its code. */
static void compare_weights(size_t n, bool tiny)
{
    struct guarded numbers = guard(8 * n), groups = guard(4 * n), of_codes = guard(2 * n);
    double *x = (void *)numbers.bytes;
    uint32_t *group = (void *)groups.bytes;
    uint16_t *codes = (void *)of_codes.bytes;
    uint64_t q[80], want_q[80];
    uint32_t at[80], want_at[80];
    struct cxm_places *places = make_places(tiny);
    const double first = places->filler, last = ldexp(first, CXM_BAND_EXPONENTS);
    const double odd[] = { 0, -0.0, NAN, -NAN, INFINITY, -INFINITY, 0x1p-1074, -first, last,
                           nextafter(first, 0), -nextafter(last, 0), 1e300, -1e300 };
    places->bins = MOMENT_CODES; /* for the reference all numbers count */
    for (size_t i = 0; i < n; i++) {
        const int kind = (int)(draw() % 2);
        x[i] = draw() % 5 == 0 ? first : fabs(moment_number(tiny, 3 * kind));
        codes[i] = (uint16_t)(draw() % MOMENT_CODES);
        group[i] = draw() % 9 == 0 ? UINT32_MAX : (uint32_t)(draw() % (MOMENT_ROOM - 1));
    }
    for (int grouped = 0; grouped < 2; grouped++) {
        q[n] = at[n] = 77;
        assert_true(cxm_priv_place_weights_avx2(places, grouped ? group : NULL, codes, x, n, q, at));
        assert_true(q[n] == 77 && at[n] == 77);
        assert_true(cxm_priv_place_numbers_c(places, grouped ? group : NULL, codes, x, n, want_q,
                                             want_at));
        assert_memory_equal(q, want_q, 8 * n);
        assert_memory_equal(at, want_at, 4 * n);
    }
    places->bins = 1;
    for (size_t k = 0; k < COUNT_OF(odd); k++) {
        for (size_t i = 0; i < n; i++) {
            const double kept = x[i];
            x[i] = odd[k];
            assert_false(cxm_priv_place_weights_avx2(places, group, codes, x, n, q, at));
            x[i] = kept;
        }
    }
    free(places);
    unguard(numbers);
    unguard(groups);
    unguard(of_codes);
}
#endif

static void placing_weights(void **state)
{
    (void)state;
#if CXM_X86
    for (size_t n = 0; n <= 40 && __builtin_cpu_supports("avx2"); n++) {
        compare_weights(n, false);
        compare_weights(n, true);
    }
#endif
}

#if CXM_X86
enum { PLAIN_KEYS = MOMENT_ROOM - 1 }; /* the first cell of a code is of rows left out */

/* Codes of answers 0 … 15 and of a few others; 3 and 255 have none. */
static struct cxm_row_cells make_cells(const struct cxm_places *places, uint32_t base)
{
    struct cxm_row_cells cells = { .base = base, .width = PLAIN_KEYS };
    for (uint32_t a = 0; a < 256; a++) {
        const uint32_t code = a % MOMENT_CODES;
        const bool none = a == 3 || a == 255;
        cells.of[a] = none ? CXM_NO_CELL : code * places->room + 1;
        if (a < 16)
            cells.codes[a] = none ? CXM_NO_CODE : (uint8_t)code;
    }
    return cells;
}

static uint8_t plain_answer(bool small)
{
    const uint8_t answer = (uint8_t)(draw() % (small ? 16 : 255));
    return answer == 3 ? 4 : answer;
}

/* Rows of columns, with answers or with numbers of both signs, as the C loop places them; and what it would
 * not place there is seen in each row. */
static void compare_rows(bool answered, bool small, bool tiny, uint32_t base)
{
    enum { N = CXM_MOMENT_ROWS };
    struct guarded g[3] = { guard(4 * N), guard(N), guard(8 * N) };
    const struct cxm_plain_rows rows = { g[0].bytes, answered ? g[1].bytes : NULL, g[2].bytes };
    struct cxm_places *places = make_places(tiny);
    const struct cxm_row_cells cells = make_cells(places, base);
    const double first = places->filler, last = ldexp(first, CXM_BAND_EXPONENTS);
    const double odd[] = { 0, -0.0, NAN, INFINITY, -INFINITY, last, nextafter(first, 0), -last, 0x1p-1074 };
    const uint32_t far[] = { base - 1, base + PLAIN_KEYS, base + 0x7FFFFFFF, base + 0x80000000 };
    uint64_t q[N], want_q[N];
    uint32_t at[N], want_at[N], group[N];
    uint16_t codes[N];
    double x[N];
    for (size_t i = 0; i < N; i++) {
        group[i] = (uint32_t)(draw() % PLAIN_KEYS);
        const uint32_t key = base + group[i];
        g[1].bytes[i] = plain_answer(small);
        codes[i] = answered ? g[1].bytes[i] % MOMENT_CODES : 0;
        x[i] = moment_number(tiny, draw() % 2 ? 0 : 3);
        x[i] = answered ? fabs(x[i]) : x[i];
        memcpy(g[0].bytes + 4 * i, &key, 4);
        memcpy(g[2].bytes + 8 * i, &x[i], 8);
    }
    places->bins = MOMENT_CODES;
    assert_true(cxm_priv_place_rows_avx2(places, &cells, &rows, q, at));
    assert_true(cxm_priv_place_numbers_c(places, group, codes, x, N, want_q, want_at));
    assert_memory_equal(q, want_q, sizeof q);
    assert_memory_equal(at, want_at, sizeof at);
    for (size_t i = 0; i < N; i++) {
        uint8_t kept[8];
        memcpy(kept, g[2].bytes + 8 * i, 8);
        for (size_t k = 0; k < COUNT_OF(odd); k++) {
            memcpy(g[2].bytes + 8 * i, &odd[k], 8);
            assert_false(cxm_priv_place_rows_avx2(places, &cells, &rows, q, at));
        }
        const double negative = -first;
        memcpy(g[2].bytes + 8 * i, &negative, 8);
        assert_int_equal(cxm_priv_place_rows_avx2(places, &cells, &rows, q, at), !answered);
        memcpy(g[2].bytes + 8 * i, kept, 8);
        memcpy(kept, g[0].bytes + 4 * i, 4);
        for (size_t k = 0; k < COUNT_OF(far); k++) {
            memcpy(g[0].bytes + 4 * i, &far[k], 4);
            assert_false(cxm_priv_place_rows_avx2(places, &cells, &rows, q, at));
        }
        memcpy(g[0].bytes + 4 * i, kept, 4);
        kept[0] = g[1].bytes[i];
        g[1].bytes[i] = small ? 3 : 255;
        assert_int_equal(cxm_priv_place_rows_avx2(places, &cells, &rows, q, at), !answered);
        g[1].bytes[i] = kept[0];
    }
    free(places);
    for (int k = 0; k < 3; k++)
        unguard(g[k]);
}
#endif

static void placing_rows(void **state)
{
    (void)state;
#if CXM_X86
    static const uint32_t bases[] = { 0, 1000, 0x7FFFFFFE, 0xFFFFFFFC };
    for (size_t i = 0; i < 32 && __builtin_cpu_supports("avx2"); i++)
        compare_rows(i % 2, i / 2 % 2, i / 4 % 2, bases[i / 8]);
#endif
}

struct moments_variant {
    cxm_add_moments *add;
    bool slim;
};

/* What a number adds to the words of a cell, by their definition. Returns how many words. */
static int terms_of(bool slim, uint64_t q, uint64_t terms[CXM_MOMENT_WORDS])
{
    const uint64_t a = q >> 32, b = q & 0xFFFFFFFF;
    const uint64_t wide[8] = { b, a, b * b & 0xFFFFFFFF, b * b >> 32, a * b & 0xFFFFFFFF,
                               a * b >> 32, a * a & 0xFFFFFFFF,
                               (a * a >> 32) + ((uint64_t)1 << 48) };
    memcpy(terms, wide, sizeof wide);
    if (!slim)
        return CXM_MOMENT_WORDS;
    /* s is what is left of the square, which is only fixed by the choice of t and u */
    const uint64_t t = (b * b >> 53) + (a * b >> 20) + ((a * a & (((uint64_t)1 << 42) - 1)) << 11);
    const uint64_t u = a * a >> 42;
    terms[0] = q & (((uint64_t)1 << 54) - 1);
    terms[1] = q * q - (t << 53); /* modulo 2^64 */
    terms[2] = t;
    terms[3] = u + (q >> 54 << 32) + ((uint64_t)1 << 54);
    assert_true(terms[1] < (uint64_t)1 << 54 && t <= ((uint64_t)1 << 53) + ((uint64_t)1 << 46)
                && u < 1 << 22);
    assert_true((cxm_u128)q * q == terms[1] + ((cxm_u128)t << 53) + ((cxm_u128)u << 106));
    return CXM_SLIM_WORDS;
}

/* Does a cell say that it is full, and are its words as small as promised? */
static bool is_full(bool slim, const uint64_t *cell)
{
    for (int k = 0; !slim && k < 7; k++)
        assert_true(cell[k] < (uint64_t)1 << 48);
    return slim ? cell[3] >> CXM_SLIM_COUNT_AT >= CXM_FULL_SLIM : cell[7] >> 48 >= CXM_FULL_CELL;
}

/* The words of a cell, exact sums of what was added, and whether it says that one is full. A sum of slim
 * words that went beyond its bits would reach the next field, and not be that of the fields. */
static void compare_moments(struct moments_variant v, size_t n, uint32_t n_cells, int kind)
{
    const size_t words = v.slim ? CXM_SLIM_WORDS : CXM_MOMENT_WORDS;
    uint64_t *cells = calloc(n_cells * words + 1, sizeof *cells);
    cxm_u128 *want = calloc(n_cells * words, sizeof *want);
    assert_true(cells != NULL && want != NULL);
    for (size_t done = 0; done < n;) {
        size_t rows = draw() % 3 == 0 ? CXM_MOMENT_ROWS : draw() % (CXM_MOMENT_ROWS + 1);
        rows = rows < n - done ? rows : n - done;
        struct guarded quanta = guard(8 * rows), places = guard(4 * rows);
        uint64_t *q = (void *)quanta.bytes;
        uint32_t *at = (void *)places.bytes;
        bool full = false;
        const uint32_t one = (uint32_t)(draw() % n_cells);
        const bool same = draw() % 4 == 0;
        const size_t apart = draw() % (2 * CXM_MOMENT_ROWS); /* all rows but this one, if it is there */
        for (size_t i = 0; i < rows; i++) {
            uint64_t terms[CXM_MOMENT_WORDS];
            q[i] = kind == 1 ? UINT64_MAX : kind == 2 ? 0 : draw() >> draw() % 64;
            at[i] = same && i != apart ? one : (uint32_t)(draw() % n_cells);
            terms_of(v.slim, q[i], terms);
            for (size_t k = 0; k < words; k++)
                want[at[i] * words + k] += terms[k];
        }
        const bool said = v.add(cells + 1, q, at, rows, (struct cxm_asking){ (uintptr_t)q, 8 });
        for (uint32_t c = 0; c < n_cells; c++) { /* not aligned */
            uint64_t *cell = cells + 1 + c * words;
            for (size_t k = 0; k < words; k++)
                assert_true(cell[k] == want[c * words + k]);
            if (!is_full(v.slim, cell))
                continue;
            full = true;
            memset(cell, 0, words * sizeof *cell);
            memset(want + c * words, 0, words * sizeof *want);
        }
        assert_int_equal(said, full);
        assert_int_equal(cells[0], 0);
        unguard(quanta);
        unguard(places);
        done += rows > 0 ? rows : 1;
    }
    free(cells);
    free(want);
}

static void adding_moments(void **state)
{
    (void)state;
    struct moments_variant variants[4] = { { cxm_priv_add_moments_c, false },
                                           { cxm_priv_add_slim_c, true } };
    int n_variants = 2;
#if CXM_X86
    if (__builtin_cpu_supports("avx2"))
        variants[n_variants++] = (struct moments_variant){ cxm_priv_add_slim_avx2, true };
    if (has_avx512())
        variants[n_variants++] = (struct moments_variant){ cxm_priv_add_moments_avx512, false };
#elif CXM_NEON
    variants[n_variants++] = (struct moments_variant){ cxm_priv_add_moments_neon, false };
#endif
    for (int v = 0; v < n_variants; v++) {
        const size_t most = variants[v].slim ? CXM_FULL_SLIM : CXM_FULL_CELL;
        for (size_t n = 0; n < 200; n++)
            compare_moments(variants[v], n, 1 + (uint32_t)n / 3, (int)(n % 3));
        compare_moments(variants[v], 5000, 40, 0);
        for (int kind = 0; kind < 3; kind++) {
            compare_moments(variants[v], 3 * most + 2, 1, kind);
            compare_moments(variants[v], 5 * most, 3, kind);
        }
    }
}

static void within(void **state)
{
    (void)state;
    cxm_all_within *variants[3] = { cxm_priv_all_within_c, NULL, NULL };
    static const double odd[] = { 0, -1, NAN, INFINITY, 0.99999999999999989, 16.000000000000004 };
#if CXM_X86
    if (__builtin_cpu_supports("avx2"))
        variants[1] = cxm_priv_all_within_avx2;
    if (has_avx512())
        variants[2] = cxm_priv_all_within_avx512;
#endif
    for (int v = 0; v < 3 && variants[v] != NULL; v++) {
        for (size_t n = 0; n <= 140; n++) {
            struct guarded g = guard(8 * n);
            double *x = (void *)g.bytes;
            for (size_t i = 0; i < n; i++)
                x[i] = i % 3 == 0 ? 1 : i % 3 == 1 ? 16 : 1 + (double)(draw() % 15);
            assert_true(variants[v](x, n, 1, 16));
            for (size_t k = 0; k < COUNT_OF(odd) && n > 0; k++) {
                const size_t i = draw() % n;
                const double kept = x[i];
                x[i] = odd[k];
                assert_false(variants[v](x, n, 1, 16));
                x[i] = kept;
            }
            unguard(g);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placing_numbers),
        cmocka_unit_test(placing_weights),
        cmocka_unit_test(placing_rows),
        cmocka_unit_test(adding_moments),
        cmocka_unit_test(within),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
