/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is missing or invalid in a column of floats, as numbers and as codes, against the meaning of
 * NaN, of missing codes and of a bitmap, row by row: at every length up to three vectors, at any
 * offset of the bitmap, before pages that may not be touched, and nothing written behind the rows.
 * The build decides which variants read. */
#define _DEFAULT_SOURCE /* mmap with MAP_ANONYMOUS */

#include "guarded.h"

#include "column/read.h"

#include <cxm/cxm.h>

#include <math.h>

static uint64_t seed;

enum { MOST = 3 * 64 + 5, AFTER = 40, LOW = 1, BINS = 5 };
enum kind { PLAIN, FLOATS_ODD, CODES, ONE_CODE_INFINITE, KINDS };

static double draw_value(enum kind kind)
{
    static const double odd[] = { NAN, INFINITY, -INFINITY, 0x1p1000, -0x1p-1074, -0.0, 0.5, 99, -1 };
    const uint64_t r = random_below(&seed, 12);
    return kind != PLAIN && r < COUNT_OF(odd) ? odd[r] : (double)random_below(&seed, 7);
}

/* As read.h says it, one row after the other. */
static enum cxm_row_state state_of(const struct cxm_column *c, const double *values, size_t i)
{
    const uint64_t bit = (uint64_t)c->validity_offset + i;
    if (c->validity != NULL && (c->validity[bit / 8] >> bit % 8 & 1) == 0)
        return CXM_ROW_MISSING;
    for (int64_t k = 0; k < c->n_missing_codes; k++)
        if (values[i] == c->missing_codes[k])
            return CXM_ROW_MISSING;
    return isnan(values[i]) ? CXM_ROW_MISSING : isinf(values[i]) ? CXM_ROW_INVALID : CXM_ROW_USED;
}

static void compare(const struct cxm_column *c, const double *values, size_t n)
{
    double numbers[MOST + AFTER];
    uint8_t states[MOST + AFTER];
    uint16_t codes[MOST + AFTER];
    struct cxm_reader reader;
    memset(numbers, 0x55, sizeof numbers);
    memset(states, 0x55, sizeof states);
    memset(codes, 0x55, sizeof codes);
    cxm_priv_reader_init(&reader, c);
    cxm_priv_read_numbers(&reader, 0, n, numbers, states);
    cxm_priv_read_codes(&reader, 0, n, LOW, BINS, codes);
    for (size_t i = 0; i < n; i++) {
        const enum cxm_row_state want = state_of(c, values, i);
        const bool bin = values[i] >= LOW && values[i] < LOW + BINS && values[i] == floor(values[i]);
        assert_int_equal(states[i], want);
        assert_true(want == CXM_ROW_USED ? memcmp(&numbers[i], &values[i], 8) == 0
                                         : isnan(numbers[i]) != 0);
        assert_int_equal(codes[i], want == CXM_ROW_MISSING ? BINS
                                   : bin                   ? (int)values[i] - LOW
                                                           : BINS + 1);
    }
    for (size_t i = n; i < MOST + AFTER; i++)
        assert_true(states[i] == 0x55 && codes[i] == 0x5555);
    assert_memory_equal(numbers + n, states + n, AFTER); /* the same bytes as before */
}

static void lengths_and_offsets(void **state)
{
    (void)state;
    static const double codes[] = { 99, -1 }, infinite[] = { INFINITY };
    struct guarded numbers = guard(8 * MOST), bitmap = guard(MOST / 8 + 2);
    uint8_t *const end = numbers.bytes + 8 * MOST, *const bits_end = bitmap.bytes + MOST / 8 + 2;
    for (size_t n = 0; n <= MOST; n++) {
        for (unsigned kind = 0; kind < 2 * KINDS; kind++) {
            double values[MOST];
            const size_t skip = random_below(&seed, 8), n_bits = (skip + n + 7) / 8;
            for (size_t i = 0; i < n; i++)
                values[i] = draw_value((enum kind)(kind / 2));
            memcpy(end - 8 * n, values, 8 * n);
            struct cxm_column c = cxm_column_make("x", CXM_F64, end - 8 * n, n, 8, 8);
            if (kind % 2 == 1) {
                uint8_t *const bits = bits_end - n_bits;
                for (size_t i = 0; i < n_bits; i++)
                    bits[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed) | (n % 3 == 0 ? 255 : 0));
                c.validity = bits;
                c.validity_offset = (int64_t)skip;
            }
            if (kind / 2 >= CODES) {
                c.missing_codes = kind / 2 == CODES ? codes : infinite;
                c.n_missing_codes = kind / 2 == CODES ? 2 : 1;
            }
            compare(&c, values, n);
        }
    }
    unguard(numbers);
    unguard(bitmap);
}

/* A mean of what is left, by the public call. */
static void means_leave_them_out(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    double *values = malloc(ROWS * sizeof *values), sum = 0;
    uint8_t bits[ROWS / 8 + 2];
    int64_t n = 0;
    assert_non_null(values);
    struct cxm_column c = cxm_column_make("value", CXM_F64, values, ROWS, 8, 8);
    c.validity = bits;
    c.validity_offset = 5;
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (uint8_t)(random_u64(&seed) | random_u64(&seed));
    for (size_t i = 0; i < ROWS; i++) {
        const double v = draw_value(CODES);
        values[i] = isinf(v) || v == 0x1p1000 ? NAN : v;
        if (state_of(&c, values, i) == CXM_ROW_USED) {
            sum += values[i];
            n++;
        }
    }
    const struct cxm_input input = { "value", &c };
    struct cxm_tally *tally;
    struct cxm_estimate mean;
    assert_int_equal(cxm_tally_new("mean", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_tally_estimate(tally, NULL, &mean, sizeof mean, 1, NULL, NULL), CXM_OK);
    assert_int_equal(mean.n, n);
    assert_int_equal(mean.missing, ROWS - n);
    assert_close(mean.value, sum / (double)n, 1e-12);
    cxm_tally_free(tally);
    free(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_and_offsets),
        cmocka_unit_test(means_leave_them_out),
    };
    seed = random_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
