/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Comparing two tallies through the public function. Rows come from R 4.2.2 and a second route
 * (rational numbers, mpmath, hand formula) as printed there; exact tests are compared with sums over
 * all outcomes written out here. */
#include "comparing_testing.h"

static struct cxm_report *compared(struct cxm_tally *a, struct cxm_tally *b,
                                   const struct cxm_compare_options *options)
{
    struct cxm_report *report = NULL;
    struct cxm_error error = { .status = CXM_OK };
    if (cxm_compare(a, b, options, &report, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return report;
}

static struct cxm_report *compared_by(struct cxm_tally *a, struct cxm_tally *b,
                                      enum cxm_compare_method method)
{
    return compared(a, b, &(struct cxm_compare_options){ CXM_INIT_compare, .method = method,
                                                         .effects = 1 });
}

/* ---- rows ----------------------------------------------------------------------------- */

/* Two waves, (12, 28, 60) - (15, 25, 40), seven methods: R 4.2.2 and exact fractions. */
static void nets_match_rows(void **state)
{
    (void)state;
    static const struct {
        enum cxm_compare_method method;
        const char *name, *centre, *std_error, *statistic, *df, *p, *lower, *upper;
        enum cxm_interval interval;
    } rows[] = {
        { CXM_COMPARE_WALD, "wald", "16.75", "11.076572969561", "1.512200573772", "inf",
          "0.130482845121", "-4.959684092469", "38.459684092469", CXM_INTERVAL_WALD },
        { CXM_COMPARE_DEFAULT, "adjusted", "16.481459819862", "10.921542837389",
          "1.509077981495", "inf", "0.131278855679", "-4.924370797033", "37.887290436757",
          CXM_INTERVAL_ADJUSTED_WALD },
        { CXM_COMPARE_ADJUSTED, "adjusted", "16.481459819862", "10.921542837389",
          "1.509077981495", "inf", "0.131278855679", "-4.924370797033", "37.887290436757",
          CXM_INTERVAL_ADJUSTED_WALD },
        { CXM_COMPARE_ADJUSTED_HALF, "adjusted-half", "16.615793768322", "10.998597581718",
          "1.510719311700", "inf", "0.130859980018", "-4.941061372294", "38.172648908938",
          CXM_INTERVAL_ADJUSTED_WALD_HALF },
        { CXM_COMPARE_POOLED, "pooled", "16.75", "11.033723558054", "1.518073197309", "inf",
          "0.128995947090", "nan", "nan", CXM_INTERVAL_NONE },
        { CXM_COMPARE_WELCH, "welch", "16.75", NULL, "1.503477324178", "161.701873153125",
          "0.134666549104", "-5.250297448772", "38.750297448772", CXM_INTERVAL_WELCH },
        { CXM_COMPARE_PERMUTATION, "permutation", "16.75", NULL, "1.513850454227", "inf",
          "0.130063772677", "nan", "nan", CXM_INTERVAL_PERMUTATION },
        { CXM_COMPARE_EXACT, "exact", "16.75", NULL, "1.513850454227", "inf", "0.154333004937",
          "nan", "nan", CXM_INTERVAL_PERMUTATION },
    };
    struct cxm_tally *now = net_of(12, 28, 60), *before = net_of(15, 25, 40);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cxm_report *r = compared_by(now, before, rows[i].method);
        assert_numbers(r, TOTAL_KEY, { "difference", "value", "16.75" },
                       { "difference", "centre", rows[i].centre },
                       { "difference", "std_error", rows[i].std_error },
                       { "difference", "statistic", rows[i].statistic },
                       { "difference", "df", rows[i].df }, { "difference", "p_value", rows[i].p },
                       { "difference", "lower", rows[i].lower },
                       { "difference", "upper", rows[i].upper },
                       { "difference", "value_a", "48" }, { "difference", "value_b", "31.25" },
                       { "difference", "n_a", "100" }, { "difference", "n_b", "80" },
                       { "difference", "n", "180" },
                       { "chi2", "value", "2.309433962264" }, { "chi2", "df", "2" },
                       { "chi2", "p_value", "0.315146716750" });
        char definition[64];
        snprintf(definition, sizeof definition, "nps/0-10/6-9/compare=%s", rows[i].name);
        assert_string_equal(cxm_report_definition(r, 0), definition);
        assert_string_equal(cxm_report_metric(r, 0), "nps");
        assert_int_equal(estimate_of(r, 0)->interval, rows[i].interval);
        assert_int_equal(estimate_of(r, 0)->unit, CXM_UNIT_POINTS);
        if (rows[i].method == CXM_COMPARE_WALD) /* half of the two-sided p on the side of z > 0 */
            assert_numbers(r, TOTAL_KEY, { "difference", "p_greater", "0.0652414225605" },
                           { "difference", "p_less", "0.9347585774395" });
        cxm_report_free(r);
    }
    cxm_tally_free(now);
    cxm_tally_free(before);
}

/* 80 of 100 against 96 of 150: R 4.2.2 and hand formula. */
static void shares_match_rows(void **state)
{
    (void)state;
    struct cxm_tally *a = share_of(80, 100), *b = share_of(96, 150);
    struct cxm_report *r = compared_by(a, b, CXM_COMPARE_DEFAULT);
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "0.16" },
                   { "difference", "statistic", "2.714959920700" },
                   { "difference", "p_value", "0.006628379172" },
                   { "difference", "lower", "0.045381810864" },
                   { "difference", "upper", "0.263674630383" },
                   { "yates", "value", "6.623189240377" },
                   { "yates", "p_value", "0.010065942608" },
                   { "fisher", "p_value", "0.007243503857" },
                   { "odds_ratio", "value", "2.25" }, { "odds_ratio", "lower", "1.243924595445" },
                   { "odds_ratio", "upper", "4.069780450148" },
                   { "risk_ratio", "value", "1.25" }, { "risk_ratio", "lower", "1.070573828712" },
                   { "risk_ratio", "upper", "1.459497661997" },
                   { "cohen_h", "value", "0.359706999585" });
    assert_string_equal(cxm_report_definition(r, 0), "share/denominator=answered/compare=newcombe");
    cxm_report_free(r);
    r = compared_by(a, b, CXM_COMPARE_WALD);
    assert_numbers(r, TOTAL_KEY, { "difference", "statistic", "2.857142857143" },
                   { "difference", "p_value", "0.004274733960" },
                   { "difference", "lower", "0.050242016866" },
                   { "difference", "upper", "0.269757983134" });
    cxm_report_free(r);
    r = compared_by(a, b, CXM_COMPARE_AGRESTI_CAFFO);
    assert_numbers(r, TOTAL_KEY, { "difference", "lower", "0.046446147902" },
                   { "difference", "upper", "0.265473356742" });
    cxm_report_free(r);
    r = compared_by(a, b, CXM_COMPARE_POOLED);
    assert_numbers(r, TOTAL_KEY, { "difference", "statistic", "2.714959920700" },
                   { "difference", "lower", "nan" });
    cxm_report_free(r);
    /* one-sided: fisher.test(matrix(c(80, 20, 96, 54), 2), alternative = "greater" / "less") is
     * the hypergeometric tail, summed here with exact fractions (tests/reference) */
    r = compared_by(a, b, CXM_COMPARE_EXACT);
    assert_numbers(r, TOTAL_KEY, { "difference", "p_value", "0.007243503857" },
                   { "difference", "lower", "0.045381810864" });
    cxm_report_free(r);
    cxm_tally_free(a);
    cxm_tally_free(b);
}

static const double mean_a[] = { 7, 9, 10, 6, 8, 9, 10, 5, 7, 8 };
static const double mean_b[] = { 9, 8, 10, 10, 7, 9, 10, 9 };

static struct cxm_tally *of_values(const char *metric, const char *role, const double *value,
                                   size_t n)
{
    const struct cxm_column column = cxm_column_make(role, CXM_F64, value, n, 8, 8);
    const struct cxm_input input = { role, &column };
    struct cxm_tally *tally = new_tally(metric, NULL);
    assert_int_equal(cxm_tally_add(tally, &input, 1, NULL, NULL), CXM_OK);
    return tally;
}

/* Two means: R's t.test and wilcox.test. The mean of values and the mean of ratings agree. */
static void means_match_rows(void **state)
{
    (void)state;
    static const char *const mean = "mean";
    for (int ratings = 0; ratings < 2; ratings++) {
        const char *const metric = ratings ? "nps" : "mean", *const role = ratings ? "score" : "value";
        struct cxm_tally *a = of_values(metric, role, mean_a, COUNT_OF(mean_a));
        struct cxm_tally *b = of_values(metric, role, mean_b, COUNT_OF(mean_b));
        struct cxm_compare_options o = { CXM_INIT_compare, .measures = &mean, .n_measures = 1,
                                         .effects = 1 };
        struct cxm_report *r = compared(a, b, &o);
        const char *const difference = ratings ? "difference[mean]" : "difference";
        assert_numbers(r, TOTAL_KEY, { difference, "value", "-1.1" },
                       { difference, "statistic", "-1.698299877660" },
                       { difference, "df", "15.411052003403" },
                       { difference, "p_value", "0.109545495340" },
                       { difference, "lower", "-2.477353632655" },
                       { difference, "upper", "0.277353632655" },
                       { ratings ? "cohen_d[mean]" : "cohen_d", "value", "-0.767104848130" },
                       { ratings ? "hedges_g[mean]" : "hedges_g", "value", "-0.730576045838" });
        if (ratings)
            assert_numbers(r, TOTAL_KEY, { "mann_whitney[mean]", "value", "24" },
                           { "mann_whitney[mean]", "p_value", "0.157760547881" });
        cxm_report_free(r);
        o.method = CXM_COMPARE_POOLED_T;
        r = compared(a, b, &o);
        assert_numbers(r, TOTAL_KEY, { difference, "statistic", "-1.617199016165" },
                       { difference, "df", "16" }, { difference, "p_value", "0.125377722529" });
        cxm_report_free(r);
        cxm_tally_free(a);
        cxm_tally_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nets_match_rows),
        cmocka_unit_test(shares_match_rows),
        cmocka_unit_test(means_match_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
