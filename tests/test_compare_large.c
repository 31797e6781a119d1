/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Comparisons where digits are easily lost: nearly everybody answers alike, and there are very
 * many; groups of one answer; groups that all stand at one place. Rows by hand. */
#include "testing.h"

#include "estimate/association.h"
#include "estimate/compare.h"
#include "estimate/exact.h"

/* 1 and 4 failures in 1e9 answers: z = 3e-9 / sqrt(2.5e-9 (1 - 2.5e-9) 2 / 1e9) */
static void shares_near_one(void **state)
{
    (void)state;
    const struct cxm_share_count a = { 1e9 - 1, 1e9 }, b = { 1e9 - 4, 1e9 };
    struct cxm_comparison got = cxm_priv_compare_shares(a, b, 0.95, CXM_COMPARE_SHARES_NEWCOMBE);
    assert_close(got.statistic, 3 / sqrt(5 * (1 - 2.5e-9)), 1e-14);
    assert_close(got.difference, 3e-9, 1e-14);
    const struct cxm_comparison mirrored = cxm_priv_compare_shares(
        (struct cxm_share_count){ 4, 1e9 }, (struct cxm_share_count){ 1, 1e9 }, 0.95,
        CXM_COMPARE_SHARES_NEWCOMBE);
    assert_close(got.lower, mirrored.lower, 0.0);
    assert_close(got.upper, mirrored.upper, 0.0);
    got = cxm_priv_compare_shares(a, b, 0.95, CXM_COMPARE_SHARES_WALD);
    assert_close(got.statistic, 3 / sqrt(5 - 17e-9), 1e-14);
    got = cxm_priv_compare_shares(b, a, 0.95, CXM_COMPARE_SHARES_WALD);
    assert_close(got.statistic, -3 / sqrt(5 - 17e-9), 1e-14);
}

static void nets_near_the_ends(void **state)
{
    (void)state;
    const struct cxm_net high[2] = { { 0, 1, 1e9 - 1 }, { 0, 4, 1e9 - 4 } };
    const struct cxm_net low[2] = { { 1e9 - 1, 1, 0 }, { 1e9 - 4, 4, 0 } };
    static const enum cxm_compare_net methods[] = { CXM_COMPARE_NET_WALD, CXM_COMPARE_NET_POOLED,
                                                    CXM_COMPARE_NET_WELCH };
    const double wald = 3 / sqrt(5 - 17e-9);
    const double z_of[] = { wald, 3 / sqrt(5 * (1 - 2.5e-9)), wald * sqrt((1e9 - 1) / 1e9) };
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        const double z = z_of[i];
        struct cxm_comparison got;
        assert_int_equal(cxm_priv_compare_nets(high[0], high[1], 0.95, methods[i], NULL, &got),
                         CXM_OK);
        assert_close(got.statistic, z, 1e-14);
        assert_int_equal(cxm_priv_compare_nets(low[0], low[1], 0.95, methods[i], NULL, &got),
                         CXM_OK);
        assert_close(got.statistic, -z, 1e-14);
    }
}

/* No half limits beside an empty cell. */
static void ratios_of_empty_cells(void **state)
{
    (void)state;
    const struct cxm_share_count none = { 0, 5 }, some = { 2, 6 }, all = { 4, 4 };
    struct cxm_share_tests got = cxm_priv_share_tests(none, some, 0.95);
    assert_close(got.odds_ratio, 0, 0.0);
    assert_true(isnan(got.odds_lower) && isnan(got.odds_upper));
    assert_true(isnan(got.risk_lower) && isnan(got.risk_upper));
    got = cxm_priv_share_tests(all, some, 0.95);
    assert_true(isinf(got.odds_ratio) && isnan(got.odds_lower) && isnan(got.odds_upper));
    assert_close(got.risk_lower, 3 * exp(-1.959963984540054 * sqrt(1.0 / 3)), 1e-14);
}

/* Every table is as likely as this one or less: not a last bit above 1. */
static void fisher_is_a_chance(void **state)
{
    (void)state;
    for (double n = 1; n <= 12; n++)
        for (double m = 1; m <= 30; m++)
            for (double x = 0; x <= n; x++)
                for (double y = 0; y <= m; y++) {
                    const struct cxm_share_count a = { x, n }, b = { y, m };
                    assert_true(cxm_priv_fisher(a, b) <= 1.0);
                }
}

/* One answer tells nothing about its variance: Welch's t is undefined, a pooled variance is not. */
static void one_answer(void **state)
{
    (void)state;
    const struct cxm_mean_sample one = { 1, 5, NAN }, three = { 3, 2, 1 };
    const struct cxm_comparison welch = cxm_priv_compare_means(one, three, 0.95, false);
    assert_true(isnan(welch.df) && isnan(welch.std_error) && isnan(welch.p_value));
    assert_close(cxm_priv_compare_means(one, three, 0.95, true).df, 2, 0.0);
    assert_close(cxm_priv_cohen_d(one, three), 3, 1e-15);
    assert_close(cxm_priv_hedges_g(one, three), 3 * (1 - 3.0 / 7), 1e-15);
}

/* m + d, m - d against m - d, m + d: G2 = 4 m ((1 + r) ln(1 + r) + (1 - r) ln(1 - r)), r = d / m,
 * = 4 d^2 / m (1 + r^2 / 6 + …) */
static void tables(void **state)
{
    (void)state;
    static const double counts[4] = { 1e12 + 1e6, 1e12 - 1e6, 1e12 - 1e6, 1e12 + 1e6 };
    struct cxm_table_tests got;
    assert_int_equal(cxm_priv_table_tests(counts, 2, 2, NULL, NULL, &got), CXM_OK);
    assert_close(got.g2, 4, 1e-12);
    assert_close(got.chi2, 4, 1e-12);
    /* 1 and 4 of 1e9: z = -3e-9 / sqrt(2.5e-9 (1 - 2.5e-9) 2 / 1e9), of both columns */
    static const double rare[4] = { 1, 1e9 - 1, 4, 1e9 - 4 };
    double residuals[4];
    assert_int_equal(cxm_priv_table_tests(rare, 2, 2, NULL, residuals, &got), CXM_OK);
    assert_close(residuals[0], -3 / sqrt(5 * (1 - 2.5e-9)), 1e-14);
    assert_close(residuals[1], 3 / sqrt(5 * (1 - 2.5e-9)), 1e-14);
}

/* Of 2e9 + 1 ratings one, in a, is above the others. */
static void ranks(void **state)
{
    (void)state;
    static const double counts[4] = { 1e9, 1, 1e9, 0 };
    const struct cxm_mann_whitney got = cxm_priv_mann_whitney(counts, counts + 2, 2);
    assert_close(got.z, (1e9 - 1) / sqrt((1e9 + 1) * 1e9), 1e-14);
    struct cxm_kruskal h; /* chi-square of the table times (n - 1) / n */
    assert_int_equal(cxm_priv_kruskal(counts, 2, 2, NULL, &h), CXM_OK);
    assert_close(h.h, 1 / (1 + 1e-9), 1e-14);
}

static void trends_without_slope(void **state)
{
    (void)state;
    static const double x[3] = { 1, 2, 3 }, n[3] = { 7, 11, 13 }, at[3] = { 0.1, 0.1, 0.1 };
    const struct cxm_share_trend flat = cxm_priv_share_trend(x, n, at, 3);
    assert_true(isnan(flat.slope) && isnan(flat.slope_error) && isnan(flat.z));
    assert_true(isnan(flat.departure) && isfinite(flat.homogeneity));
    const struct cxm_estimate_trend line = cxm_priv_estimate_trend(x, n, at, 3);
    assert_true(isnan(line.slope) && isnan(line.slope_error) && isnan(line.residual));
    static const double none[3] = { 0, 0, 0 };
    const struct cxm_share_trend zero = cxm_priv_share_trend(none, n, NULL, 3);
    assert_true(isnan(zero.homogeneity) && isnan(zero.departure) && isnan(zero.departure_p));
    assert_close(zero.slope, 0, 0.0);
    /* on a line, a million standard errors long */
    static const double rising[3] = { 1, 2, 3 }, error[3] = { 1e-6, 1e-6, 1e-6 };
    assert_true(cxm_priv_estimate_trend(rising, error, NULL, 3).residual < 1e-12);
}

/* Values at one place have no order. Last of 1 1 2 2 stands alone: S is 2 or -2, so var 4. */
static void kendall_with_ties_in_time(void **state)
{
    (void)state;
    static const double value[3] = { 1, 2, 3 }, at[3] = { 0, 0, 1 };
    struct cxm_kendall got = cxm_priv_mann_kendall(value, at, 3);
    assert_close(got.s, 2, 0.0);
    assert_false(got.exact);
    assert_close(got.p, erfc(1 / sqrt(48.0 / 18) / sqrt(2)), 1e-14);
    static const double both[4] = { 1, 1, 2, 2 }, three[4] = { 0, 0, 0, 1 };
    got = cxm_priv_mann_kendall(both, three, 4);
    assert_close(got.s, 2, 0.0);
    assert_close(got.p, erfc(0.5 / sqrt(2)), 1e-14);
    static const double same[3] = { 4, 4, 4 };
    assert_close(cxm_priv_mann_kendall(value, same, 3).p, 1, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_near_one),
        cmocka_unit_test(nets_near_the_ends),
        cmocka_unit_test(ratios_of_empty_cells),
        cmocka_unit_test(fisher_is_a_chance),
        cmocka_unit_test(one_answer),
        cmocka_unit_test(tables),
        cmocka_unit_test(ranks),
        cmocka_unit_test(trends_without_slope),
        cmocka_unit_test(kendall_with_ties_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
