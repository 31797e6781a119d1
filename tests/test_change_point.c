/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Change points: the annual flow of the Nile (Cobb 1978) against strucchange, worked shares,
 * figures of tests/reference/chart_rows.py, segmentation of built series, p values from orders. */
#include "testing.h"

#include "base/random.h"

#include <cxm/chart.h>
#include <cxm/nps.h>

static struct cxm_column column_of(const double *values, size_t n)
{
    return cxm_column_make(NULL, CXM_F64, values, (int64_t)n, sizeof *values, sizeof *values);
}

static struct cxm_report *change(const char *method, const double *values, const double *sizes,
                                 size_t n, const struct cxm_change_options *options)
{
    struct cxm_report *report = NULL;
    struct cxm_error error = { .message = "" };
    const struct cxm_column x = column_of(values, n), y = column_of(sizes, n);
    if (cxm_change_point(method, &x, sizes != NULL ? &y : NULL, options, &report, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return report;
}

static struct cxm_change_options defaults(void)
{
    return (struct cxm_change_options){ .size = sizeof(struct cxm_change_options) };
}

static double axis(const struct cxm_report *report, const char *name, size_t row)
{
    const int64_t at = cxm_report_find_axis(report, name);
    assert_true(at >= 0);
    const double *reals = cxm_report_reals(report, (size_t)at);
    return reals != NULL ? reals[row] : (double)cxm_report_ints(report, (size_t)at)[row];
}

static const char *verdict(const struct cxm_report *report, size_t row)
{
    return cxm_report_text(report, (size_t)cxm_report_find_axis(report, "verdict"), row);
}

static const double nile[] = {
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180,
    799, 958, 1140, 1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833,
    701, 916, 692, 1020, 1050, 969, 831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845,
    864, 862, 698, 845, 744, 796, 1040, 759, 781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649,
    846, 812, 742, 801, 1040, 860, 874, 848, 890, 744, 749, 838, 1050, 918, 986, 797, 923, 975, 815,
    1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740
};

static void nile_by_least_squares(void **state)
{
    (void)state;
    const uint64_t seed = 1;
    struct cxm_change_options o = defaults();
    o.permutations = 999;
    o.seed = &seed;
    struct cxm_report *r = change("mean", nile, NULL, COUNT_OF(nile), &o);
    assert_int_equal(cxm_report_rows(r), 1);
    assert_close(axis(r, "period", 0), 28.0, 0.0);
    assert_close(axis(r, "statistic", 0), 75.92976943, 1e-10);
    assert_close(axis(r, "value_a", 0), 1097.75, 1e-15);
    assert_close(axis(r, "value_b", 0), 849.9722222222222, 1e-14);
    assert_close(cxm_report_estimates(r)[0].value, 849.9722222222222 - 1097.75, 1e-13);
    assert_close(axis(r, "n_a", 0), 28.0, 0.0);
    assert_close(axis(r, "n_b", 0), 72.0, 0.0);
    assert_close(axis(r, "p_value", 0), 0.001, 1e-15); /* no order of 999 comes near */
    assert_string_equal(verdict(r, 0), "change");
    cxm_report_free(r);
    o = defaults();
    o.several = 1; /* the BIC keeps one */
    r = change("mean", nile, NULL, COUNT_OF(nile), &o);
    assert_int_equal(cxm_report_rows(r), 1);
    assert_close(axis(r, "period", 0), 28.0, 0.0);
    assert_true(isnan(axis(r, "p_value", 0)));
    cxm_report_free(r);
}

static void nile_by_ranks(void **state)
{
    (void)state;
    struct cxm_report *r = change("pettitt", nile, NULL, COUNT_OF(nile), NULL);
    assert_close(axis(r, "period", 0), 28.0, 0.0);
    assert_close(axis(r, "statistic", 0), 1617.0, 0.0);
    assert_close(axis(r, "p_value", 0), 3.591e-7, 2e-4);
    assert_string_equal(cxm_report_definition(r, 0), "change_point/pettitt/level=0.95");
    cxm_report_free(r);
}

static const double yes[] = { 45, 44, 46, 43, 47, 45, 38, 39, 37, 40, 36, 38 };

static void worked_shares(void **state)
{
    (void)state;
    double n[COUNT_OF(yes)];
    const uint64_t seed = 12345;
    struct cxm_change_options o = defaults();
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        n[i] = 50;
    o.permutations = 20000;
    o.seed = &seed;
    struct cxm_report *r = change("proportion", yes, n, COUNT_OF(yes), &o);
    assert_close(axis(r, "period", 0), 6.0, 0.0);
    assert_close(axis(r, "statistic", 0), 21.36571475, 1e-9);
    assert_close(axis(r, "value_a", 0), 0.90, 1e-15);
    assert_close(axis(r, "value_b", 0), 0.76, 1e-15);
    assert_true(axis(r, "p_value", 0) < 1e-4);
    assert_string_equal(verdict(r, 0), "change");
    cxm_report_free(r);
    static const double k[] = { 9, 8, 9, 2, 3, 1 }, m[] = { 10, 10, 12, 10, 11, 9 };
    r = change("proportion", k, m, 6, NULL);
    assert_close(axis(r, "statistic", 0), 24.976613483059486, 1e-13);
    assert_close(axis(r, "period", 0), 3.0, 0.0);
    cxm_report_free(r);
}

/* All orders of seven points, with exact fractions in the reference: 288 and 504 of 5040. */
static void exact_p_of_few_points(void **state)
{
    (void)state;
    static const double x[] = { 2, 2.5, 2.25, 3, 5, 4.5, 5.5 };
    const uint64_t seed = 7;
    struct cxm_change_options o = defaults();
    o.permutations = 1;
    o.seed = &seed;
    struct cxm_report *r = change("mean", x, NULL, 7, &o);
    assert_close(axis(r, "period", 0), 4.0, 0.0);
    assert_close(axis(r, "statistic", 0), 53.763326226012793, 1e-13);
    assert_close(axis(r, "p_value", 0), 288.0 / 5040.0, 1e-15);
    cxm_report_free(r);
    r = change("pettitt", x, NULL, 7, &o);
    assert_close(axis(r, "period", 0), 3.0, 0.0);
    assert_close(axis(r, "statistic", 0), 12.0, 0.0);
    assert_close(axis(r, "p_value", 0), 0.1, 1e-15);
    assert_string_equal(verdict(r, 0), "no change");
    cxm_report_free(r);
}

/* A p from 20 000 dealt tables against all 4 900 tables of four periods of four trials. */
static void dealt_shares_have_the_right_law(void **state)
{
    (void)state;
    static const double k[] = { 4, 3, 1, 1 }, n[] = { 4, 4, 4, 4 };
    const uint64_t seed = 99;
    struct cxm_change_options o = defaults();
    o.permutations = 20000;
    o.seed = &seed;
    struct cxm_report *r = change("proportion", k, n, 4, &o);
    const double observed = axis(r, "statistic", 0), p = axis(r, "p_value", 0);
    cxm_report_free(r);
    static const double ways[] = { 1, 4, 6, 4, 1 };
    double hits = 0, all = 0;
    for (int a = 0; a <= 4; a++) {
        for (int b = 0; b <= 4; b++) {
            for (int c = 0; c <= 4; c++) {
                const int d = 9 - a - b - c;
                if (d < 0 || d > 4)
                    continue;
                const double one[] = { a, b, c, d };
                r = change("proportion", one, n, 4, NULL);
                const double weight = ways[a] * ways[b] * ways[c] * ways[d];
                hits += axis(r, "statistic", 0) >= observed * (1 - 1e-12) ? weight : 0;
                all += weight;
                cxm_report_free(r);
            }
        }
    }
    assert_close(all, 11440.0, 0.0); /* 16 over 9 */
    const double want = hits / all;
    /* (hits + 1) / (drawn + 1): three Monte Carlo errors, and what the one adds */
    assert_true(fabs(p - want) < 3 * sqrt(want * (1 - want) / 20000) + 1.0 / 20001);
}

/* ---- several changes ------------------------------------------------------------------ */

static void levels_without_noise_are_found(void **state)
{
    (void)state;
    static const double x[] = { 5, 5, 5, 1, 1, 1, 1, 9, 9, 5, 5, 5 };
    struct cxm_change_options o = defaults();
    o.several = 1;
    struct cxm_report *r = change("mean", x, NULL, COUNT_OF(x), &o);
    assert_int_equal(cxm_report_rows(r), 3);
    static const double at[] = { 3, 7, 9 }, before[] = { 5, 1, 9 }, after[] = { 1, 9, 5 };
    for (size_t i = 0; i < 3; i++) {
        assert_close(axis(r, "period", i), at[i], 0.0);
        assert_close(axis(r, "value_a", i), before[i], 0.0);
        assert_close(axis(r, "value_b", i), after[i], 0.0);
        assert_close(cxm_report_estimates(r)[i].value, after[i] - before[i], 0.0);
    }
    cxm_report_free(r);
    double k[12], n[12];
    for (size_t i = 0; i < 12; i++) {
        k[i] = 10 * x[i];
        n[i] = 100;
    }
    r = change("proportion", k, n, 12, &o);
    assert_int_equal(cxm_report_rows(r), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_close(axis(r, "period", i), at[i], 0.0);
        assert_close(axis(r, "value_a", i), before[i] / 10, 1e-15);
    }
    cxm_report_free(r);
    o.penalty = 1e6; /* nothing is worth that: the best split, rejected */
    r = change("proportion", k, n, 12, &o);
    assert_int_equal(cxm_report_rows(r), 1);
    assert_string_equal(verdict(r, 0), "no change");
    cxm_report_free(r);
}

/* The greedy search against the plain one: take the split with the largest fall of RSS. */
static double rss(const double *x, size_t n)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n; i++)
        squares += (x[i] - sum / (double)n) * (x[i] - sum / (double)n);
    return squares;
}

static size_t plain_search(const double *x, size_t n, bool *cut)
{
    size_t found = 0;
    double total = rss(x, n);
    memset(cut, 0, n * sizeof *cut);
    for (;;) {
        double best = 0;
        size_t at = 0;
        for (size_t first = 0, last; first < n; first = last) {
            for (last = first + 1; last < n && !cut[last]; last++) {
            }
            for (size_t k = first + 1; k < last; k++) {
                const double fall = rss(x + first, last - first) - rss(x + first, k - first)
                                  - rss(x + k, last - k);
                if (fall > best + 1e-9) {
                    best = fall;
                    at = k;
                }
            }
        }
        if (at == 0 || !((double)n * log(total / (total - best)) > 2 * log((double)n)))
            return found;
        cut[at] = true;
        total -= best;
        found++;
    }
}

static void segmentation_is_the_plain_one(void **state)
{
    (void)state;
    struct cxm_change_options o = defaults();
    o.several = 1;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct cxm_random random;
        double x[40];
        bool cut[40];
        cxm_priv_random_init(&random, seed);
        for (size_t i = 0; i < 40; i++)
            x[i] = 2.0 * (double)(i / (4 + seed % 17) % 2) + cxm_priv_random_share(&random) * 2;
        const size_t want = plain_search(x, 40, cut);
        struct cxm_report *r = change("mean", x, NULL, 40, &o);
        if (want == 0)
            assert_string_equal(verdict(r, 0), "no change");
        else
            assert_int_equal(cxm_report_rows(r), want);
        for (size_t i = 0; i < want; i++)
            assert_true(cut[(size_t)axis(r, "period", i)]);
        cxm_report_free(r);
    }
}

/* ---- edges ---------------------------------------------------------------------------- */

/* Figures of tests/reference/chart_rows.py: every split, every way to deal seven events. */
static void rates_of_events(void **state)
{
    (void)state;
    static const double k[] = { 10, 12, 8, 14, 10, 16, 25, 31, 22, 28 };
    static const double five[] = { 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 };
    static const double few[] = { 4, 0, 2, 1 }, time[] = { 1.5, 2, 0.5, 4 };
    const uint64_t seed = 2024;
    struct cxm_change_options o = defaults();
    struct cxm_report *r = change("rate", k, five, 10, NULL);
    assert_close(axis(r, "statistic", 0), 29.197278069798635, 1e-13);
    assert_close(axis(r, "period", 0), 6.0, 0.0);
    assert_close(axis(r, "value_a", 0), 70.0 / 30, 1e-15);
    assert_close(axis(r, "value_b", 0), 106.0 / 20, 1e-15);
    assert_string_equal(verdict(r, 0), "change");
    assert_string_equal(cxm_report_definition(r, 0), "change_point/rate/penalty=2-ln-n");
    cxm_report_free(r);
    o.permutations = 40000;
    o.seed = &seed;
    r = change("rate", few, time, 4, &o);
    assert_close(axis(r, "statistic", 0), 5.0769341914362362, 1e-13);
    assert_close(axis(r, "period", 0), 1.0, 0.0);
    /* five standard errors of a simulated p */
    assert_true(fabs(axis(r, "p_value", 0) - 0.069522053003311157)
                < 5 * sqrt(0.0695 * 0.9305 / 40000));
    cxm_report_free(r);
}

/* The same counts as a tally of complaints per 1 000 customers. */
static void the_complaints_of_a_tally(void **state)
{
    (void)state;
    static const double k[] = { 10, 12, 8, 14, 10, 16, 25, 31, 22, 28 };
    static const int32_t day[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
    double customers[10];
    for (size_t i = 0; i < 10; i++)
        customers[i] = 5000;
    struct cxm_tally *tally = NULL;
    struct cxm_report *r = NULL;
    const struct cxm_column x = column_of(k, 10), y = column_of(customers, 10);
    const struct cxm_column by = cxm_column_make("day", CXM_I32, day, 10, 4, 4);
    const struct cxm_input inputs[] = { { "complaints", &x }, { "by", &by }, { "customers", &y } };
    assert_int_equal(cxm_tally_new("complaints", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_change_point_tally("rate", tally, 0, NULL, &r, NULL), CXM_OK);
    assert_close(axis(r, "statistic", 0), 29.197278069798635, 1e-13);
    assert_close(axis(r, "value_b", 0), 5.3, 1e-15);
    assert_int_equal(cxm_report_estimates(r)[0].unit, CXM_UNIT_PER_1000);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

static void nothing_changes(void **state)
{
    (void)state;
    static const char *const methods[] = { "mean", "pettitt", "proportion" };
    static const double same[] = { 3, 3, 3, 3, 3 }, sizes[] = { 3, 3, 3, 3, 3 };
    for (size_t i = 0; i < 6; i++) {
        struct cxm_change_options o = defaults();
        o.several = i >= 3;
        struct cxm_report *r = change(methods[i % 3], same, i % 3 == 2 ? sizes : NULL, 5, &o);
        assert_int_equal(cxm_report_rows(r), 1);
        assert_close(axis(r, "statistic", 0), 0.0, 0.0);
        assert_true(isnan(cxm_report_estimates(r)[0].value));
        assert_true(cxm_report_estimates(r)[0].flags & CXM_FLAG_DEGENERATE);
        assert_true(axis(r, "period", 0) == (double)INT64_MIN);
        assert_string_equal(verdict(r, 0), "no change");
        cxm_report_free(r);
    }
}

/* Millions of millions of trials, nearly alike: LR is z^2 up to its last digits. The shares of both
 * halves are 0.5 and 0.5 + 2e-8 of 2e15 trials each, z^2 = 4e-16 / (2 * 0.25 / 2e15); as rates the
 * gaps are 2e7 of e = 1e15 + 2e7 events each, sum gap^2 / e. */
static void large_counts_keep_their_digits(void **state)
{
    (void)state;
    static const double n[] = { 1e15, 1e15, 1e15, 1e15 };
    static const double k[] = { 5e14, 5e14, 500000020000000.0, 500000020000000.0 };
    struct cxm_report *r = change("proportion", k, n, 4, NULL);
    assert_close(axis(r, "statistic", 0), 1.6, 1e-12);
    assert_close(axis(r, "period", 0), 2.0, 0.0);
    assert_string_equal(verdict(r, 0), "no change");
    cxm_report_free(r);
    r = change("rate", k, n, 4, NULL);
    assert_close(axis(r, "statistic", 0), 8e14 / 1000000020000000.0, 1e-12);
    cxm_report_free(r);
    double same[12], sizes[12];
    for (int i = 0; i < 12; i++) {
        same[i] = 5902052942738086;
        sizes[i] = 8812033787133105;
    }
    for (int rate = 0; rate < 2; rate++) { /* the sums are above 2^53 */
        r = change(rate ? "rate" : "proportion", same, sizes, 12, NULL);
        assert_true(axis(r, "statistic", 0) < 1e-9);
        assert_string_equal(verdict(r, 0), "no change");
        cxm_report_free(r);
    }
}

/* 3 events in 9e15, then 5 in a half, where 8 / 9e15 a unit are expected: the exposure that is left is
 * not 0. */
static void exposures_of_any_size(void **state)
{
    (void)state;
    static const double k[] = { 1, 2, 5, 0 }, time[] = { 4e15, 5e15, 0.25, 0.25 };
    const uint64_t seed = 7;
    struct cxm_change_options o = defaults();
    o.permutations = 99;
    o.seed = &seed;
    struct cxm_report *r = change("rate", k, time, 4, &o);
    assert_close(axis(r, "statistic", 0), 2 * (3 * log(0.375) + 5 * log(1.125e16)), 1e-14);
    assert_close(axis(r, "period", 0), 2.0, 0.0);
    assert_close(axis(r, "value_b", 0), 10, 0.0);
    assert_close(axis(r, "p_value", 0), 0.01, 1e-15); /* 8 events never fall into that half */
    cxm_report_free(r);
}

/* Means of 1e16 + 1 and + 11, which no double holds: RSS 2 + 2, B = 2 * 2 / 4 * 10^2. */
static void squares_are_about_the_mean(void **state)
{
    (void)state;
    static const double x[] = { 1e16, 1e16 + 2, 1e16 + 10, 1e16 + 12 };
    struct cxm_report *r = change("mean", x, NULL, 4, NULL);
    assert_close(axis(r, "statistic", 0), 50.0, 0.0);
    cxm_report_free(r);
    for (int i = 0; i < 2; i++) { /* squares beyond the doubles: RSS 2 and 2, B = 10^2 of any unit */
        const double unit = i == 0 ? 0x1p700 : 0x1p-700;
        const double y[] = { unit, 3 * unit, 11 * unit, 13 * unit };
        r = change("mean", y, NULL, 4, NULL);
        assert_close(axis(r, "statistic", 0), 50.0, 0.0);
        assert_close(axis(r, "value_a", 0), 2 * unit, 0.0);
        assert_close(axis(r, "value_b", 0), 12 * unit, 0.0);
        assert_string_equal(verdict(r, 0), "change");
        cxm_report_free(r);
    }
}

static void missing_values_are_counted(void **state)
{
    (void)state;
    static const double x[] = { NAN, 1, 1, NAN, 1, 5, 5, 5 };
    struct cxm_report *r = change("mean", x, NULL, 8, NULL);
    assert_close(axis(r, "period", 0), 5.0, 0.0); /* the fifth row */
    assert_int_equal(cxm_report_estimates(r)[0].n, 6);
    assert_int_equal(cxm_report_estimates(r)[0].missing, 2);
    cxm_report_free(r);
}

static void bad_input(void **state)
{
    (void)state;
    const uint64_t seed = 1;
    const struct { const char *method, *column; struct cxm_change_options o; } rows[] = {
        { "nothing", "method", { .level = 0 } },
        { NULL, "method", { .level = 0 } },
        { "mean", "seed", { .permutations = 10 } },
        { "mean", "permutations", { .permutations = -1, .seed = &seed } },
        { "mean", "penalty", { .penalty = -1 } },
        { "mean", "penalty", { .penalty = NAN } },
        { "mean", "level", { .level = 95 } },
    };
    struct cxm_column x = column_of(nile, 10), few = column_of(nile, 3);
    struct cxm_report *r = NULL;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_change_options o = rows[i].o;
        struct cxm_error error;
        o.size = sizeof o;
        assert_int_equal(cxm_change_point(rows[i].method, &x, NULL, &o, &r, &error), CXM_EINVAL);
        assert_string_equal(error.column, rows[i].column);
    }
    assert_int_equal(cxm_change_point("mean", &few, NULL, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_change_point("mean", NULL, NULL, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_change_point("mean", &x, NULL, NULL, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_change_point("mean", &x, &x, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_change_point("proportion", &x, NULL, NULL, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_change_point_tally("mean", NULL, 0, NULL, &r, NULL), CXM_EINVAL);
    assert_null(r);
}

static void the_mean_score_of_a_tally(void **state)
{
    (void)state;
    static const uint8_t score[] = { 10, 9, 9, 10, 3, 2, 3, 1 };
    static const int32_t day[] = { 4, 1, 2, 3, 5, 6, 7, 8 };
    struct cxm_tally *tally = NULL;
    struct cxm_report *r = NULL;
    const struct cxm_column x = cxm_column_make("score", CXM_U8, score, 8, 1, 1);
    const struct cxm_column by = cxm_column_make("day", CXM_I32, day, 8, 4, 4);
    const struct cxm_input inputs[] = { { "score", &x }, { "by", &by } };
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_change_point_tally("mean", tally, 0, NULL, &r, NULL), CXM_OK);
    assert_close(axis(r, "period", 0), 4.0, 0.0);
    assert_close(axis(r, "value_a", 0), 100.0, 0.0);
    assert_close(axis(r, "value_b", 0), -100.0, 0.0);
    assert_int_equal(cxm_report_estimates(r)[0].unit, CXM_UNIT_POINTS);
    assert_string_equal(cxm_report_metric(r, 0), "nps");
    cxm_report_free(r);
    r = NULL; /* a score is no share */
    assert_int_equal(cxm_change_point_tally("proportion", tally, 0, NULL, &r, NULL),
                     CXM_EUNSUPPORTED);
    assert_null(r);
    cxm_tally_free(tally);
}

/* ---- random numbers ------------------------------------------------------------------- */

/* First outputs for a state of 1, 2, 3, 4, by hand: rotl(2 * 5, 7) * 9 = 11520, then 0. */
static void random_numbers(void **state)
{
    (void)state;
    struct cxm_random random = { { 1, 2, 3, 4 } };
    assert_true(cxm_priv_random_bits(&random) == 11520);
    assert_true(cxm_priv_random_bits(&random) == 0);
    assert_true(cxm_priv_random_bits(&random) == 1509978240);
    cxm_priv_random_init(&random, 0);
    assert_true(random.state[0] == 0xE220A8397B1DCDAF); /* splitmix64 of 0 */
    int counts[7] = { 0 };
    for (int i = 0; i < 70000; i++)
        counts[cxm_priv_random_below(&random, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_true(abs(counts[i] - 10000) < 500);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(nile_by_least_squares),
        cmocka_unit_test(nile_by_ranks),
        cmocka_unit_test(worked_shares),
        cmocka_unit_test(rates_of_events),
        cmocka_unit_test(the_complaints_of_a_tally),
        cmocka_unit_test(exact_p_of_few_points),
        cmocka_unit_test(dealt_shares_have_the_right_law),
        cmocka_unit_test(levels_without_noise_are_found),
        cmocka_unit_test(segmentation_is_the_plain_one),
        cmocka_unit_test(nothing_changes),
        cmocka_unit_test(large_counts_keep_their_digits),
        cmocka_unit_test(exposures_of_any_size),
        cmocka_unit_test(squares_are_about_the_mean),
        cmocka_unit_test(missing_values_are_counted),
        cmocka_unit_test(bad_input),
        cmocka_unit_test(the_mean_score_of_a_tally),
        cmocka_unit_test(random_numbers),
    };
    return cmocka_run_group_tests_name("change_point", tests, NULL, NULL);
}
