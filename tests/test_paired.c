/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same customers in two waves. Rows from R 4.2.2 (mcnemar.test, DescTools) and hand formulas
 * with exact fractions. */
#include "comparing_testing.h"

/* Rows before detractor, passive, promoter; columns after. */
static const int64_t table[3][3] = { { 10, 5, 3 }, { 4, 20, 11 }, { 2, 9, 36 } };

static struct cxm_tally *of_table(const int64_t counts[3][3], const struct cxm_param *params,
                                  size_t n_params, const double answers[3], bool weighted)
{
    double before[9], after[9], one[9];
    int64_t freq[9];
    for (int i = 0; i < 9; i++) {
        before[i] = answers[i / 3];
        after[i] = answers[i % 3];
        freq[i] = counts[i / 3][i % 3];
        one[i] = 1;
    }
    const struct cxm_column columns[4] = { cxm_column_make("before", CXM_F64, before, 9, 8, 8),
                                           cxm_column_make("after", CXM_F64, after, 9, 8, 8),
                                           cxm_column_make("freq", CXM_I64, freq, 9, 8, 8),
                                           cxm_column_make("w", CXM_F64, one, 9, 8, 8) };
    const struct cxm_input inputs[4] = { { "before", &columns[0] }, { "after", &columns[1] },
                                         { "freq", &columns[2] }, { "weight", &columns[3] } };
    return tally_of("paired", params, n_params, inputs, weighted ? 4 : 3);
}

static const double usual[3] = { 3, 8, 10 };

static void numbers_match_rows(void **state)
{
    (void)state;
    /* the scale of 100 answers counts kinds only, and must give the same */
    const struct cxm_param wide[3] = { NUMBERS("scale", 0, 99), NUMBERS("promoter", 90),
                                       NUMBERS("detractor", 69) };
    const double on_wide[3] = { 69, 70, 90 };
    for (int w = 0; w < 2; w++) {
        struct cxm_tally *tally = of_table(table, w ? wide : NULL, w ? 3 : 0, w ? on_wide : usual,
                                           false);
        static const struct want wants[] = {
            { "change", "5", "6.982120021884", "-8.923835004109", "18.923835004109" },
            { "before", "29", NULL, NULL, NULL },
            { "after", "34", NULL, NULL, NULL },
            { "t", "0.712525303194", NULL, NULL, NULL },
            { "p[t]", "0.477815518502", NULL, NULL, NULL },
            { "stuart_maxwell", "0.510769230769", NULL, NULL, NULL },
            { "p[stuart_maxwell]", "0.774618510463", NULL, NULL, NULL },
            { "bhapkar", "0.513391476464", NULL, NULL, NULL },
            { "p[bhapkar]", "0.773603555946", NULL, NULL, NULL },
            { "score", "0.510204081633", NULL, NULL, NULL },
            { "p[score]", "0.475050524054", NULL, NULL, NULL },
            { "bowker", "0.511111111111", NULL, NULL, NULL },
            { "p[bowker]", "0.916443655396", NULL, NULL, NULL },
            { "mcnemar", "0.36", NULL, NULL, NULL },
            { "p[mcnemar]", "0.548506235500", NULL, NULL, NULL },
            { "mcnemar_corrected", "0.16", NULL, NULL, NULL },
            { "p[mcnemar_corrected]", "0.689156516779", NULL, NULL, NULL },
            { "p[mcnemar_exact]", "0.690037965775", NULL, NULL, NULL },
            { "transition[detractor,detractor]", "0.555555555556", NULL, NULL, NULL },
            { "transition[detractor,passive]", "0.277777777778", NULL, NULL, NULL },
            { "transition[detractor,promoter]", "0.166666666667", NULL, NULL, NULL },
            { "transition[passive,detractor]", "0.114285714286", NULL, NULL, NULL },
            { "transition[passive,passive]", "0.571428571429", NULL, NULL, NULL },
            { "transition[passive,promoter]", "0.314285714286", NULL, NULL, NULL },
            { "transition[promoter,detractor]", "0.042553191489", NULL, NULL, NULL },
            { "transition[promoter,passive]", "0.191489361702", NULL, NULL, NULL },
            { "transition[promoter,promoter]", "0.765957446809", NULL, NULL, NULL },
        };
        assert_wants(tally, CXM_TOTAL, wants);
        /* 25 moved across: the exact p less C(25, 11) / 2^25 */
        assert_close(measure(tally, "p[mcnemar_mid_p]").value,
                     measure(tally, "p[mcnemar_exact]").value - 4457400 / 33554432.0, 1e-12);
        struct cxm_estimate e = measure_with(tally, "change", CXM_INTERVAL_WALD, 0.95);
        assert_printed(e.lower_raw, "-8.684703778630");
        assert_printed(e.upper_raw, "18.684703778630");
        assert_printed(e.std_error, "6.982120021884");
        e = measure(tally, "change");
        assert_int_equal(e.interval, CXM_INTERVAL_WALD_T);
        assert_close(e.df, 99, 0);
        assert_counts(&e, 100, 0, 0, 0);
        e = measure(tally, "transition[promoter,passive]");
        assert_counts(&e, 47, 0, 0, 53);
        assert_definition(tally, w ? "paired/0-99/69-90" : "paired/0-10/6-9");
        cxm_tally_free(tally);
    }
}

static void missing_waves_are_counted(void **state)
{
    (void)state;
    const double before[] = { 3, NAN, 9, NAN, 11, 10, 12 }, after[] = { 9, 9, NAN, NAN, 5, 10, NAN };
    const struct cxm_column columns[2] = { cxm_column_make("before", CXM_F64, before, 7, 8, 8),
                                           cxm_column_make("after", CXM_F64, after, 7, 8, 8) };
    const struct cxm_input inputs[2] = { { "before", &columns[0] }, { "after", &columns[1] } };
    struct cxm_tally *tally = tally_of("paired", NULL, 0, inputs, 2);
    struct cxm_estimate e = measure(tally, "change");
    assert_counts(&e, 2, 3, 2, 0);
    assert_close(e.value, 100, 0);
    e = measure(tally, "transition[detractor,promoter]");
    assert_counts(&e, 1, 3, 2, 1);
    assert_close(e.value, 1, 0);
    e = measure(tally, "transition[passive,promoter]"); /* nobody was passive */
    assert_true(isnan(e.value) && e.n == 0 && (e.flags & CXM_FLAG_NO_DATA));
    cxm_tally_free(tally);
}

static void nothing_is_undefined(void **state)
{
    (void)state;
    struct cxm_tally *tally = new_tally("paired", NULL);
    static const char *const names[] = { "change", "before", "t", "bowker", "p[t]",
                                         "p[mcnemar_mid_p]", "transition[passive,passive]" };
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct cxm_estimate e = measure(tally, names[i]);
        assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA));
    }
    cxm_tally_free(tally);
    static const int64_t one[3][3] = { { 0, 0, 1 }, { 0 }, { 0 } };
    tally = of_table(one, NULL, 0, usual, false);
    struct cxm_estimate e = measure(tally, "change");
    assert_true(e.value == 200 && e.std_error == 0 && isnan(e.lower));
    assert_true(e.flags & CXM_FLAG_DEGENERATE);
    assert_true(isnan(measure(tally, "p[t]").value));
    cxm_tally_free(tally);
    static const int64_t same[3][3] = { { 4, 0, 0 }, { 0, 5, 0 }, { 0, 0, 6 } };
    tally = of_table(same, NULL, 0, usual, false);
    e = measure(tally, "change");
    assert_true(e.value == 0 && e.lower == 0 && e.upper == 0 && (e.flags & CXM_FLAG_DEGENERATE));
    assert_close(measure(tally, "p[t]").value, 1, 0);
    assert_true(isnan(measure(tally, "bowker").value));
    cxm_tally_free(tally);
}

/* Weights of 1: the linearised error has divisor n - 1, as t has. */
static void weights_are_linearised(void **state)
{
    (void)state;
    struct cxm_tally *tally = of_table(table, NULL, 0, usual, true);
    static const struct want wants[] = {
        { "change", "5", NULL, "-8.923835004109", "18.923835004109" },
        { "t", "0.712525303194", NULL, NULL, NULL },
        { "p[t]", "0.477815518502", NULL, NULL, NULL },
        { "transition[passive,promoter]", "0.314285714286", NULL, NULL, NULL },
    };
    assert_wants(tally, CXM_TOTAL, wants);
    assert_close(measure(tally, "change").std_error, 6.982120021884 * sqrt(100 / 99.0), 1e-10);
    const struct cxm_estimate e = measure(tally, "bowker");
    assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA));
    cxm_tally_free(tally);
}

/* Two segments: their changes differ by Welch's t of the changes, R's t.test of d. */
static void changes_compare(void **state)
{
    (void)state;
    static const int64_t other[3][3] = { { 5, 5, 5 }, { 1, 5, 5 }, { 1, 1, 5 } };
    struct cxm_tally *a = of_table(other, NULL, 0, usual, false);
    struct cxm_tally *b = of_table(table, NULL, 0, usual, false);
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_compare(a, b, NULL, &r, NULL), CXM_OK);
    double n[2] = { 0, 0 }, m[2] = { 0, 0 }, v[2] = { 0, 0 };
    for (int s = 0; s < 2; s++) {
        for (int i = 0; i < 9; i++) {
            const double c = (double)(s ? table : other)[i / 3][i % 3];
            n[s] += c;
            m[s] += c * (i % 3 - i / 3);
        }
        m[s] /= n[s];
        for (int i = 0; i < 9; i++) {
            const double d = i % 3 - i / 3 - m[s];
            v[s] += (double)(s ? table : other)[i / 3][i % 3] * d * d / (n[s] - 1) / n[s];
        }
    }
    assert_close(number_of(r, 0, "value"), 100 * (m[0] - m[1]), 1e-13);
    assert_close(number_of(r, 0, "statistic"), (m[0] - m[1]) / sqrt(v[0] + v[1]), 1e-12);
    assert_close(number_of(r, 0, "df"),
                 (v[0] + v[1]) * (v[0] + v[1])
                     / (v[0] * v[0] / (n[0] - 1) + v[1] * v[1] / (n[1] - 1)), 1e-12);
    cxm_report_free(r);
    cxm_tally_free(a);
    cxm_tally_free(b);
}

static void one_call_gives_rows(void **state)
{
    (void)state;
    const uint8_t before[] = { 1, 4, 5, 5 }, after[] = { 5, 5, 3, 9 };
    const char *const shop[] = { "a", "a", "b", "b" };
    const struct cxm_column b = cxm_column_make(NULL, CXM_U8, before, 4, 1, 1);
    const struct cxm_column a = cxm_column_make(NULL, CXM_U8, after, 4, 1, 1);
    const struct cxm_column by = cxm_column_make("shop", CXM_STRINGS, shop, 4, 8, 8);
    const struct cxm_paired_options o = { CXM_INIT(paired), .by = &by, .scale = { 1, 5 },
                                          .promoter = 5, .detractor = 3,
                                          .invalid = CXM_INVALID_COUNT, .total = 1 };
    struct cxm_row rows[4];
    size_t n = 0;
    assert_int_equal(cxm_paired(&b, &a, &o, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_int_equal(n, 3);
    assert_true(rows[0].estimate.value == 150 && rows[1].estimate.value == -200);
    assert_true(rows[1].estimate.invalid == 1 && rows[2].estimate.n == 3);
    assert_string_equal(rows[2].definition, "paired/1-5/3-5");
    struct cxm_error error = { .status = CXM_OK };
    assert_int_equal(cxm_paired(&b, &a, NULL, CXM_ROWS(rows), &n, &error), CXM_OK);
    const struct cxm_paired_options bad = { CXM_INIT(paired), .promoter = 3, .detractor = 5 };
    assert_int_equal(cxm_paired(&b, &a, &bad, CXM_ROWS(rows), &n, &error), CXM_EINVAL);
    assert_string_equal(error.column, "promoter");
    const struct cxm_paired_options five = { CXM_INIT(paired), .scale = { 1, 5 }, .promoter = 5,
                                             .detractor = 3 };
    assert_int_equal(cxm_paired(&b, &a, &five, CXM_ROWS(rows), &n, &error), CXM_EDATA);
    assert_true(error.row == 3 && strcmp(error.column, "after") == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_match_rows),
        cmocka_unit_test(missing_waves_are_counted),
        cmocka_unit_test(nothing_is_undefined),
        cmocka_unit_test(weights_are_linearised),
        cmocka_unit_test(changes_compare),
        cmocka_unit_test(one_call_gives_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
