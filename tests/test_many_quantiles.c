/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quantiles of many groups against a sort of all rows: keys near each other and far apart, groups of
 * one row and of nearly all, equal values, values that are missing, any number of threads. */
#include "failing_malloc.h"

#include "estimate/order.h"

#include <cxm/cxm.h>

static uint64_t seed = 20261123;

static uint64_t draw(void)
{
    uint64_t z = (seed += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

struct row {
    int64_t key;
    double value;
};

static int by_key_and_value(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (isnan(x->value) || isnan(y->value))
        return isnan(x->value) - isnan(y->value); /* missing values are the last of a group */
    return (x->value > y->value) - (x->value < y->value);
}

enum grouping { UNIFORM, SORTED, SKEWED, ONE, GROUPINGS };
enum values { REALS, EQUAL, FEW, WITH_MISSING, NEARLY_EQUAL, SHAPES };

static int64_t group_of(enum grouping grouping, size_t i, size_t n, size_t groups)
{
    switch (grouping) {
    case UNIFORM: return (int64_t)(draw() % groups);
    case SORTED: return (int64_t)(i * groups / n);
    case SKEWED: return (int64_t)((double)groups * pow((double)(draw() >> 11) * 0x1p-53, 6));
    default: return (int64_t)(groups / 2);
    }
}

static double value_of(enum values values)
{
    const double u = (double)(draw() >> 11) * 0x1p-53;
    switch (values) {
    case EQUAL: return 42;
    case FEW: return (double)(draw() % 7) - 3;
    case WITH_MISSING: return draw() % 4 == 0 ? (double)NAN : -log(u + 0x1p-54);
    case NEARLY_EQUAL: return 1 + 0x1p-52 * (double)(draw() % 5);
    default: return exp(20 * u) * (draw() % 2 == 0 ? 1 : -1);
    }
}

static const double probs[] = { 0, 0.25, 0.5, 0.99 };
enum { PROBS = 4 };

/* Rows first … last - 1 of the sorted ones are a group, whose quantiles are the report's rows from
 * `at` on. */
static void check_group(const struct cxm_report *r, size_t at, int64_t number, const struct row *rows,
                        size_t n, uint64_t factor)
{
    struct cxm_key key;
    size_t there = n;
    while (there > 0 && isnan(rows[there - 1].value))
        there--;
    assert_int_equal(cxm_report_key(r, at, 0, &key), CXM_OK);
    assert_true((uint64_t)key.integer == (uint64_t)rows[0].key * factor);
    for (size_t i = 0; i < PROBS; i++) {
        const struct cxm_estimate *e = &cxm_report_estimates(r)[at + i];
        assert_int_equal(e->group, number);
        assert_int_equal(e->n, there);
        assert_int_equal(e->missing, n - there);
        if (there == 0) {
            assert_true(isnan(e->value) && (e->flags & CXM_FLAG_NO_DATA) != 0);
            continue;
        }
        const struct cxm_quantile_ranks q = cxm_priv_quantile_ranks((int64_t)there, probs[i], 7, 0.95);
        assert_true(e->value == cxm_priv_between(rows[q.low].value, rows[q.high].value, q.part));
        assert_true(e->lower == (q.lower < 0 ? -INFINITY : rows[q.lower].value));
        assert_true(e->upper == (q.upper >= e->n ? INFINITY : rows[q.upper].value));
    }
}

static struct cxm_report *quantiles_of(const struct cxm_column *value, const struct cxm_column *by,
                                       int threads)
{
    struct cxm_report *r = NULL;
    const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .by = by, .threads = threads,
                                             .probs = probs, .n_probs = PROBS };
    assert_int_equal(cxm_quantiles(value, &o, &r, NULL), CXM_OK);
    return r;
}

/* Keys as they are, or times a factor: then they lie far apart. */
static void compare(size_t n, size_t groups, enum grouping grouping, enum values values,
                    uint64_t factor, int threads)
{
    struct row *rows = malloc(n * sizeof *rows);
    double *x = malloc(n * sizeof *x);
    int64_t *keys = malloc(n * sizeof *keys);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct row){ group_of(grouping, i, n, groups) - 5, value_of(values) };
        x[i] = rows[i].value;
        keys[i] = (int64_t)((uint64_t)rows[i].key * factor);
    }
    const struct cxm_column value = cxm_column_make("v", CXM_F64, x, (int64_t)n, 8, 8);
    const struct cxm_column by = cxm_column_make("g", CXM_I64, keys, (int64_t)n, 8, 8);
    struct cxm_report *r = quantiles_of(&value, &by, threads);
    qsort(rows, n, sizeof *rows, by_key_and_value);
    size_t at = 0;
    int64_t number = 0;
    for (size_t first = 0, last; first < n; first = last, at += PROBS) {
        for (last = first + 1; last < n && rows[last].key == rows[first].key; last++)
            continue;
        check_group(r, at, number++, rows + first, last - first, factor);
    }
    assert_int_equal(cxm_report_rows(r), at);
    cxm_report_free(r);
    free(rows);
    free(x);
    free(keys);
}

static void many_groups_equal_a_sort(void **state)
{
    static const struct {
        size_t n, groups;
    } sizes[] = { { 1, 1 },          { 900, 7 },         { 5000, 300 },     { 70000, 3 },
                  { 140000, 2000 },  { 200000, 60000 },  { 150000, 70000 }, { 90000, 90000 },
                  { 1200000, 500 } };
    (void)state;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int i = 0; i < (sizes[s].n < 500000 ? 20 : 4); i++)
            compare(sizes[s].n, sizes[s].groups, (enum grouping)(i % GROUPINGS),
                    (enum values)(i % SHAPES), i % 6 == 5 ? 1000003 : 1, 1 + i % 3);
    }
}

/* Words of keys that take every number of one to a few thousand rows: each way to put a group in order. */
static void groups_of_every_size(void **state)
{
    enum { GROUPS = 2200, N = GROUPS * (GROUPS + 1) / 2 };
    (void)state;
    double *x = malloc(N * sizeof *x);
    uint16_t *keys = malloc(N * sizeof *keys);
    size_t n = 0;
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t i = 0; i <= g; i++, n++) {
            keys[n] = (uint16_t)g;
            x[n] = (double)(i * 7919 % (g + 1)); /* 0 … g in any order, where 7919 is no factor */
        }
    }
    const struct cxm_column value = cxm_column_make("v", CXM_F64, x, N, 8, 8);
    const struct cxm_column by = cxm_column_make("g", CXM_U16, keys, N, 2, 2);
    for (int threads = 1; threads <= 2; threads++) {
        struct cxm_report *r = quantiles_of(&value, &by, threads);
        for (size_t g = 0; g < GROUPS; g++) {
            const struct cxm_quantile_ranks q = cxm_priv_quantile_ranks((int64_t)g + 1, 0.99, 7, 0.95);
            const double want = cxm_priv_between((double)q.low, (double)q.high, q.part);
            assert_true(cxm_report_estimates(r)[PROBS * g + 3].value == want);
        }
        cxm_report_free(r);
    }
    free(x);
    free(keys);
}

static void lowest_invalid_row_is_named(void **state)
{
    enum { N = 200000 };
    (void)state;
    double *x = malloc(N * sizeof *x);
    int32_t *keys = malloc(N * sizeof *keys);
    for (int i = 0; i < N; i++) {
        x[i] = i == 70001 || i == 190000 ? -INFINITY : i;
        keys[i] = i % 50000;
    }
    const struct cxm_column value = cxm_column_make("v", CXM_F64, x, N, 8, 8);
    const struct cxm_column by = cxm_column_make("g", CXM_I32, keys, N, 4, 4);
    for (int threads = 1; threads <= 4; threads++) {
        struct cxm_quantiles_options o = { CXM_INIT(quantiles), .by = &by, .threads = threads };
        struct cxm_report *r = NULL;
        struct cxm_error error;
        assert_int_equal(cxm_quantiles(&value, &o, &r, &error), CXM_EDATA);
        assert_int_equal(error.row, 70001);
        assert_true(r == NULL);
        o.invalid = CXM_INVALID_COUNT;
        assert_int_equal(cxm_quantiles(&value, &o, &r, &error), CXM_OK);
        assert_int_equal(cxm_report_estimates(r)[4 * 20001].invalid, 1);
        assert_int_equal(cxm_report_estimates(r)[4 * 20001].n, 3);
        cxm_report_free(r);
    }
    free(x);
    free(keys);
}

/* ---- memory ------------------------------------------------------------------------------ */

enum { FEW_ROWS = 40000 };
static double few_values[FEW_ROWS];
static int64_t few_keys[FEW_ROWS];
static int call_threads;

static enum cxm_status call(void)
{
    const struct cxm_column value = cxm_column_make("v", CXM_F64, few_values, FEW_ROWS, 8, 8);
    const struct cxm_column by = cxm_column_make("g", CXM_I64, few_keys, FEW_ROWS, 8, 8);
    const struct cxm_quantiles_options o = { CXM_INIT(quantiles), .by = &by, .threads = call_threads };
    struct cxm_report *r = NULL;
    const enum cxm_status status = cxm_quantiles(&value, &o, &r, NULL);
    cxm_report_free(r);
    return status;
}

static void memory_runs_out(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        const uint64_t groups = round % 3 == 0 ? 40 : round % 3 == 1 ? 3000 : 200;
        call_threads = 1 + round / 2;
        for (size_t i = 0; i < FEW_ROWS; i++) {
            few_values[i] = value_of(REALS);
            /* Far apart, and in order where they first come: to sort them does without memory too. */
            few_keys[i] = round % 3 == 2 ? (int64_t)(i % groups) * 1000003 : (int64_t)(draw() % groups);
        }
        assert_survives_no_memory(call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_groups_equal_a_sort),
        cmocka_unit_test(groups_of_every_size),
        cmocka_unit_test(lowest_invalid_row_is_named),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
