/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Many groups of one tally: tests of all, each against others, league tables, trends. Rows come
 * from R 4.2.2 and a second route, as printed there, or from two-group functions that have rows of
 * their own. */
#include "comparing_testing.h"

typedef enum cxm_status analysis(struct cxm_tally *, const struct cxm_groups_options *,
                                 struct cxm_report **, struct cxm_error *);

static struct cxm_report *run(analysis *what, struct cxm_tally *tally,
                              const struct cxm_groups_options *options)
{
    struct cxm_report *report = NULL;
    struct cxm_error error = { .status = CXM_OK };
    if (what(tally, options, &report, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return report;
}

static struct cxm_tally *nets(const int64_t (*counts)[3], size_t n)
{
    struct cxm_tally *tally = new_tally("nps", NULL);
    for (size_t i = 0; i < n; i++) {
        const int64_t key = (int64_t)i;
        add_net(tally, counts[i][0], counts[i][1], counts[i][2], &key);
    }
    return tally;
}

static struct cxm_tally *shares(const int64_t (*counts)[2], size_t n)
{
    struct cxm_tally *tally = new_tally("share", NULL);
    for (size_t i = 0; i < n; i++) {
        const int64_t key = (int64_t)i;
        add_share(tally, counts[i][0], counts[i][1], &key);
    }
    return tally;
}

static const int64_t three[3][3] = { { 15, 25, 40 }, { 12, 28, 60 }, { 10, 20, 70 } };

/* ---- tests of all groups -------------------------------------------------------------- */

/* (15, 25, 40), (12, 28, 60), (10, 20, 70): R's chisq.test, and Cochran's Q by fractions. */
static void tables_match_rows(void **state)
{
    (void)state;
    struct cxm_tally *tally = nets(three, 3);
    struct cxm_report *r = run(cxm_compare_groups, tally, NULL);
    assert_numbers(r, TOTAL_KEY, { "homogeneity", "value", "8.069277174031" },
                   { "homogeneity", "df", "4" }, { "homogeneity", "p_value", "0.089073193928" },
                   { "g2", "value", "8.031909217213" }, { "g2", "p_value", "0.090416287655" },
                   { "cramer_v", "value", "0.120039258266" }, { "heterogeneity", "df", "2" });
    assert_numbers(r, 0, { "residual[detractors]", "value", "1.729962585817" },
                   { "residual[passives]", "value", "1.248332883392" },
                   { "residual[promoters]", "value", "-2.321717969856" });
    assert_int_equal(estimate_of(r, row_of(r, "homogeneity", TOTAL_KEY))->flags, 0);
    cxm_report_free(r);
    /* Q from three estimates: sum w (m - pool)^2 */
    double w[3], m[3], pool = 0, all = 0, q = 0;
    for (int i = 0; i < 3; i++) {
        const struct cxm_estimate e = measure_in(tally, "nps", i);
        m[i] = e.value;
        w[i] = 1 / (e.std_error * e.std_error);
        pool += w[i] * m[i];
        all += w[i];
    }
    for (int i = 0; i < 3; i++)
        q += w[i] * (m[i] - pool / all) * (m[i] - pool / all);
    r = run(cxm_compare_groups, tally, NULL);
    assert_close(number_of(r, row_of(r, "heterogeneity", TOTAL_KEY), "value"), q, 1e-13);
    cxm_report_free(r);
    cxm_tally_free(tally);
    static const int64_t small[2][3] = { { 1, 2, 3 }, { 3, 2, 1 } };
    tally = nets(small, 2);
    r = run(cxm_compare_groups, tally, NULL);
    assert_true(estimate_of(r, row_of(r, "homogeneity", TOTAL_KEY))->flags & CXM_FLAG_SMALL_N);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* The square of a share's adjusted residual is the chi-square of the group and the rest, which is
 * the square of the pooled z. */
static void residuals_are_differences_to_the_rest(void **state)
{
    (void)state;
    static const int64_t counts[4][2] = { { 60, 100 }, { 66, 100 }, { 75, 110 }, { 84, 105 } };
    struct cxm_tally *tally = shares(counts, 4);
    struct cxm_report *r = run(cxm_compare_groups, tally, NULL);
    for (int64_t k = 0; k < 4; k++) {
        assert_close(number_of(r, row_of(r, "residual", k), "value"),
                     number_of(r, row_of(r, "difference", k), "statistic"), 1e-13);
        const double n = (double)(415 - counts[k][1]), x = (double)(285 - counts[k][0]);
        assert_close(number_of(r, row_of(r, "difference", k), "value_b"), x / n, 1e-15);
        assert_string_equal(cxm_report_text(r, (size_t)cxm_report_find_axis(r, "against"),
                                            row_of(r, "difference", k)), "rest");
    }
    assert_numbers(r, TOTAL_KEY, { "homogeneity", "value", "10.103271991167" },
                   { "homogeneity", "p_value", "0.017708378724" });
    double p[4], want[4];
    for (int k = 0; k < 4; k++)
        p[k] = number_of(r, row_of(r, "difference", k), "p_value");
    assert_int_equal(cxm_adjust(p, 4, CXM_ADJUST_HOLM, want, NULL), CXM_OK);
    for (int k = 0; k < 4; k++)
        assert_close(number_of(r, row_of(r, "difference", k), "p_adjusted"), want[k], 0);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* Kruskal-Wallis of the mean of ratings: R's kruskal.test. */
static void ranks_match_rows(void **state)
{
    (void)state;
    static const double score[] = { 7, 9, 10, 6, 8, 9, 10, 5, 7, 8, 9, 8, 10, 10, 7, 9, 10, 9,
                                    5, 6, 9, 8, 7 };
    int64_t by[23], one[23];
    for (int i = 0; i < 23; i++) {
        by[i] = i < 10 ? 0 : i < 18 ? 1 : 2;
        one[i] = 1;
    }
    struct cxm_tally *tally = new_tally("nps", NULL);
    add_counts(tally, "score", score, one, by, 23);
    struct cxm_report *r = run(cxm_compare_groups, tally,
                               &(struct cxm_groups_options){ CXM_INIT_groups, .measure = "mean",
                                                             .against = CXM_AGAINST_PAIRS });
    assert_numbers(r, TOTAL_KEY, { "kruskal_wallis[mean]", "value", "5.060593220339" },
                   { "kruskal_wallis[mean]", "df", "2" },
                   { "kruskal_wallis[mean]", "p_value", "0.079635396114" });
    assert_numbers(r, 0, { "difference[mean]", "statistic", "-1.698299877660" },
                   { "difference[mean]", "p_value", "0.109545495340" });
    cxm_report_free(r);
    cxm_tally_free(tally);
}

static void base_and_pairs(void **state)
{
    (void)state;
    struct cxm_tally *tally = nets(three, 3);
    struct cxm_groups_options o = { CXM_INIT_groups, .against = CXM_AGAINST_BASE, .base = 0,
                                    .adjust = CXM_ADJUST_BONFERRONI };
    struct cxm_report *r = run(cxm_compare_groups, tally, &o);
    assert_numbers(r, 1, { "difference", "value", "16.75" },
                   { "difference", "p_value", "0.131278855679" });
    assert_true(find_row(r, "difference", 0) == SIZE_MAX);
    const size_t row = row_of(r, "difference", 1);
    assert_close(number_of(r, row, "p_adjusted"), 2 * number_of(r, row, "p_value"), 1e-15);
    assert_string_equal(cxm_report_text(r, (size_t)cxm_report_find_axis(r, "against"), row), "0");
    cxm_report_free(r);
    o.against = CXM_AGAINST_PAIRS;
    r = run(cxm_compare_groups, tally, &o);
    size_t pairs = 0;
    for (size_t i = 0; i < cxm_report_rows(r); i++)
        pairs += strcmp(cxm_report_measure(r, i), "difference") == 0;
    assert_int_equal(pairs, 3);
    assert_numbers(r, 0, { "difference", "value", "-16.75" });
    cxm_report_free(r);
    o.against = CXM_AGAINST_NONE;
    r = run(cxm_compare_groups, tally, &o);
    assert_true(find_row(r, "difference", 0) == SIZE_MAX);
    assert_true(find_row(r, "homogeneity", TOTAL_KEY) != SIZE_MAX);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* ---- trends --------------------------------------------------------------------------- */

/* R's prop.trend.test, and by hand. */
static void share_trends_match_rows(void **state)
{
    (void)state;
    static const int64_t counts[4][2] = { { 60, 100 }, { 66, 100 }, { 75, 110 }, { 84, 105 } };
    struct cxm_tally *tally = shares(counts, 4);
    struct cxm_report *r = run(cxm_trend, tally, NULL);
    assert_numbers(r, TOTAL_KEY, { "cochran_armitage", "value", "9.223213696962" },
                   { "slope", "statistic", "3.036974431397" },
                   { "slope", "p_value", "0.002389657249" },
                   { "cochran_armitage", "p_value", "0.002389657249" },
                   { "homogeneity", "value", "10.103271991167" }, { "homogeneity", "df", "3" },
                   { "homogeneity", "p_value", "0.017708378724" },
                   { "departure", "value", "0.880058294205" }, { "departure", "df", "2" },
                   { "departure", "p_value", "0.644017649561" },
                   { "mann_kendall", "value", "6" }, { "mann_kendall", "p_value", "2/24" },
                   { "pooled", "value", "285/415" });
    /* slope = sum n (t - tbar)(p - pbar) / sum n (t - tbar)^2, by hand in integers: with t 0 … 3,
     * sum n = 415, n t = 635, n t^2 = 1485, x = 285, x t = 468 */
    assert_close(number_of(r, row_of(r, "slope", TOTAL_KEY), "value"),
                 (468 - 635.0 * 285 / 415) / (1485 - 635.0 * 635 / 415), 1e-13);
    cxm_report_free(r);
    const double scores[] = { 0, 1, 3, 6 };
    struct cxm_groups_options o = { CXM_INIT_groups, .scores = scores, .n_scores = 4 };
    r = run(cxm_trend, tally, &o);
    assert_numbers(r, TOTAL_KEY, { "cochran_armitage", "value", "9.663177755327" });
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* Two values m - se and m + se have the mean m with that standard error. */
static void estimate_trends_match_rows(void **state)
{
    (void)state;
    static const double m[4] = { 25, 31, 30, 38 }, se[4] = { 4.1, 3.9, 4.3, 4.0 };
    double value[8];
    int64_t by[8], one[8];
    for (int i = 0; i < 8; i++) {
        value[i] = m[i / 2] + (i % 2 ? se[i / 2] : -se[i / 2]);
        by[i] = 10 + i / 2;
        one[i] = 1;
    }
    struct cxm_tally *tally = new_tally("mean", NULL);
    add_counts(tally, "value", value, one, by, 8);
    struct cxm_report *r = run(cxm_trend, tally, NULL);
    assert_numbers(r, TOTAL_KEY, { "pooled", "value", "31.109529990664" },
                   { "pooled", "std_error", "2.033554286211" },
                   { "slope", "value", "3.826069443515" }, { "slope", "std_error", "1.812426732419" },
                   { "slope", "statistic", "2.111020200198" },
                   { "slope", "p_value", "0.034770575627" },
                   { "homogeneity", "value", "5.255264634064" }, { "homogeneity", "df", "3" },
                   { "homogeneity", "p_value", "0.154031682834" },
                   { "departure", "value", "0.798858348420" }, { "mann_kendall", "value", "4" },
                   { "mann_kendall", "p_value", "0.333333333333" });
    cxm_report_free(r);
    r = run(cxm_compare_groups, tally, NULL);
    assert_numbers(r, TOTAL_KEY, { "homogeneity", "value", "5.255264634064" });
    cxm_report_free(r);
    /* scores in another order, one group left out: the line through three of them */
    const double scores[] = { 3, NAN, 1, 0 };
    r = run(cxm_trend, tally, &(struct cxm_groups_options){ CXM_INIT_groups, .scores = scores,
                                                            .n_scores = 4 });
    assert_numbers(r, TOTAL_KEY, { "homogeneity", "df", "2" }, { "mann_kendall", "value", "-3" });
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* ---- league tables -------------------------------------------------------------------- */

/* Four shares of 1000: 0.9, 0.5, 0.49 and 0.1, and a group without rows. Of the pairs only
 * 0.5 and 0.49 do not differ (z = 0.447). */
static void leagues_are_in_order(void **state)
{
    (void)state;
    static const int64_t counts[5][2] = { { 500, 1000 }, { 100, 1000 }, { 900, 1000 }, { 0, 0 },
                                          { 490, 1000 } };
    struct cxm_tally *tally = new_tally("share", NULL);
    for (int64_t i = 0; i < 5; i++) {
        if (i != 3)
            add_share(tally, counts[i][0], counts[i][1], &i);
    }
    const double missing = NAN;
    const int64_t one = 1, three_ = 3;
    add_counts(tally, "numerator", &missing, &one, &three_, 1);
    struct cxm_report *r = run(cxm_league, tally, NULL);
    static const int64_t keys[5] = { 2, 0, 4, 1, 3 };
    static const double ranks[5][3] = { { 1, 1, 1 }, { 2, 2, 3 }, { 3, 2, 3 }, { 4, 4, 4 },
                                        { NAN, NAN, NAN } };
    assert_int_equal(cxm_report_rows(r), 5);
    for (size_t i = 0; i < 5; i++) {
        struct cxm_key key;
        assert_int_equal(cxm_report_key(r, i, 0, &key), CXM_OK);
        assert_int_equal(key.integer, keys[i]);
        assert_close(axis_at(r, i, "rank"), ranks[i][0], 0);
        assert_close(axis_at(r, i, "rank_lower"), ranks[i][1], 0);
        assert_close(axis_at(r, i, "rank_upper"), ranks[i][2], 0);
        assert_string_equal(cxm_report_measure(r, i), "share");
        assert_string_equal(cxm_report_definition(r, i), "share/denominator=answered");
    }
    /* 900 of 1000 against 1090 of 3000 */
    assert_close(axis_at(r, 0, "difference"), 0.9 - 1090.0 / 3000, 1e-15);
    assert_close(axis_at(r, 0, "value_b"), 1090.0 / 3000, 1e-15);
    assert_true(axis_at(r, 0, "n_b") == 3000 && estimate_of(r, 0)->value == 0.9);
    assert_true(estimate_of(r, 4)->flags & CXM_FLAG_NO_DATA);
    cxm_report_free(r);
    r = run(cxm_league, tally, &(struct cxm_groups_options){
                                   CXM_INIT_groups, .against = CXM_AGAINST_BASE, .base = 4,
                                   .small_n = 2000 });
    assert_close(axis_at(r, 0, "difference"), 0.9 - 0.49, 1e-15);
    assert_true(isnan(axis_at(r, 2, "difference")) && isnan(axis_at(r, 2, "p_adjusted")));
    assert_true(estimate_of(r, 0)->flags & CXM_FLAG_SMALL_N);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

static void equal_values_share_their_rank(void **state)
{
    (void)state;
    static const int64_t counts[3][2] = { { 1, 2 }, { 3, 4 }, { 6, 8 } };
    struct cxm_tally *tally = shares(counts, 3);
    struct cxm_report *r = run(cxm_league, tally, NULL);
    assert_true(axis_at(r, 0, "rank") == 1 && axis_at(r, 1, "rank") == 1
                && axis_at(r, 2, "rank") == 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(axis_at(r, i, "rank_lower") == 1 && axis_at(r, i, "rank_upper") == 3);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* ---- sampling designs ----------------------------------------------------------------- */

/* Twelve answers of two strata with nested units. R's survey 4.1.1: svyby and svycontrast of the NPS
 * in two domains, which share the units: 41.04 without their covariance, 49.718546353921 with it. */
static struct cxm_tally *two_domains(void)
{
    static const double score[12] = { 10, 9, 6, 8, 10, 3, 9, 7, 9, 10, 8, 2 };
    static const double weight[12] = { 10, 10, 12, 8, 8, 15, 15, 20, 20, 25, 25, 30 };
    static const int64_t stratum[12] = { 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2 };
    static const int64_t unit[12] = { 1, 1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 2 };
    static const int64_t domain[12] = { 1, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 2 };
    const struct cxm_column columns[5] = {
        cxm_column_make("score", CXM_F64, score, 12, 8, 8),
        cxm_column_make("weight", CXM_F64, weight, 12, 8, 8),
        cxm_column_make("stratum", CXM_I64, stratum, 12, 8, 8),
        cxm_column_make("unit", CXM_I64, unit, 12, 8, 8),
        cxm_column_make("domain", CXM_I64, domain, 12, 8, 8) };
    const struct cxm_input inputs[5] = { { "score", &columns[0] }, { "weight", &columns[1] },
                                         { "strata", &columns[2] }, { "cluster", &columns[3] },
                                         { "by", &columns[4] } };
    return tally_of("nps", NULL, 0, inputs, 5);
}

static void domains_covary(void **state)
{
    (void)state;
    struct cxm_tally *tally = two_domains();
    struct cxm_groups_options o = { CXM_INIT_groups, .against = CXM_AGAINST_BASE, .base = 0 };
    struct cxm_report *r = run(cxm_compare_groups, tally, &o);
    assert_numbers(r, 2, { "difference", "value", "2.222222222222" },
                   { "difference", "std_error", "49.718546353921" }, { "difference", "df", "3" },
                   { "difference", "value_b", "14.444444444444" });
    assert_true(find_row(r, "homogeneity", TOTAL_KEY) == SIZE_MAX);
    cxm_report_free(r);
    r = run(cxm_league, tally, &o);
    assert_close(axis_at(r, 0, "difference"), 20.0 / 9, 1e-13);
    assert_close(axis_at(r, 0, "statistic"), 2.222222222222 / 49.718546353921, 1e-11);
    cxm_report_free(r);
    o.against = CXM_AGAINST_PAIRS;
    r = run(cxm_compare_groups, tally, &o);
    assert_numbers(r, 1, { "difference", "value", "-2.222222222222" },
                   { "difference", "std_error", "49.718546353921" });
    cxm_report_free(r);
    struct cxm_error error = { .status = CXM_OK };
    r = NULL;
    assert_int_equal(cxm_league(tally, NULL, &r, &error), CXM_EUNSUPPORTED);
    assert_string_equal(error.column, "against");
    assert_int_equal(cxm_compare_groups(tally, NULL, &r, &error), CXM_EUNSUPPORTED);
    assert_null(r);
    /* as two samples: the squares of their errors add up */
    struct cxm_tally *one = NULL, *two = NULL;
    assert_int_equal(cxm_tally_group(tally, 0, 0, &one, NULL), CXM_OK);
    assert_int_equal(cxm_tally_group(tally, 1, 0, &two, NULL), CXM_OK);
    assert_int_equal(cxm_compare(two, one, NULL, &r, NULL), CXM_OK);
    const double a = measure(one, "nps").std_error, b = measure(two, "nps").std_error;
    assert_close(number_of(r, 0, "std_error"), sqrt(a * a + b * b), 1e-13);
    assert_close(number_of(r, 0, "value"), 20.0 / 9, 1e-13);
    cxm_report_free(r);
    cxm_tally_free(one);
    cxm_tally_free(two);
    cxm_tally_free(tally);
}

/* ---- errors --------------------------------------------------------------------------- */

static void refused(analysis *what, struct cxm_tally *tally,
                    const struct cxm_groups_options *options, enum cxm_status want,
                    const char *column, const char *part)
{
    struct cxm_report *const kept = (struct cxm_report *)&want, *r = kept;
    struct cxm_error error = { .status = CXM_OK };
    assert_int_equal(what(tally, options, &r, &error), want);
    assert_ptr_equal(r, kept);
    assert_string_equal(error.column, column);
    if (strstr(error.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

static void bad_calls_say_why(void **state)
{
    (void)state;
    analysis *const all[] = { cxm_compare_groups, cxm_league, cxm_trend };
    struct cxm_tally *tally = nets(three, 3), *plain = net_of(1, 2, 3);
    const double score = 3, scores[] = { 1, 2 }, far[] = { 1, 2, INFINITY };
    const char *const text = "x";
    const struct cxm_column columns[2] = { cxm_column_make("score", CXM_F64, &score, 1, 8, 8),
                                           cxm_column_make("shop", CXM_STRINGS, &text, 1, 8, 8) };
    const struct cxm_input inputs[2] = { { "score", &columns[0] }, { "by", &columns[1] } };
    struct cxm_tally *named = tally_of("nps", NULL, 0, inputs, 2);
    for (int i = 0; i < 3; i++) {
        struct cxm_groups_options o = { CXM_INIT_groups };
        refused(all[i], NULL, NULL, CXM_EINVAL, "", "NULL");
        refused(all[i], plain, NULL, CXM_EINVAL, "by", "no groups");
        o.level = 1.5;
        refused(all[i], tally, &o, CXM_EINVAL, "level", "");
        o = (struct cxm_groups_options){ CXM_INIT_groups, .against = 4 };
        refused(all[i], tally, &o, CXM_EINVAL, "against", "against 4");
        o = (struct cxm_groups_options){ CXM_INIT_groups, .adjust = 6 };
        refused(all[i], tally, &o, CXM_EINVAL, "adjust", "adjustment 6");
        o = (struct cxm_groups_options){ CXM_INIT_groups, .against = CXM_AGAINST_BASE, .base = 3 };
        refused(all[i], tally, &o, CXM_EINVAL, "base", "no group 3");
        o = (struct cxm_groups_options){ CXM_INIT_groups, .measure = "nonsense" };
        refused(all[i], tally, &o, CXM_EINVAL, "measures", "no measure");
        o = (struct cxm_groups_options){ CXM_INIT_groups, .measure = "share" };
        refused(all[i], tally, &o, CXM_EINVAL, "measure", "family");
        o = (struct cxm_groups_options){ .size = 3 };
        refused(all[i], tally, &o, CXM_EINVAL, "options", "size 3");
    }
    struct cxm_groups_options o = { CXM_INIT_groups, .against = CXM_AGAINST_PAIRS };
    refused(cxm_league, tally, &o, CXM_EINVAL, "against", "rest or with one group");
    o = (struct cxm_groups_options){ CXM_INIT_groups, .scores = scores, .n_scores = 2 };
    refused(cxm_trend, tally, &o, CXM_EINVAL, "scores", "2 scores for 3 groups");
    o = (struct cxm_groups_options){ CXM_INIT_groups, .scores = far, .n_scores = 3 };
    refused(cxm_trend, tally, &o, CXM_EINVAL, "scores", "finite");
    refused(cxm_trend, named, NULL, CXM_EINVAL, "scores", "shop is text");
    cxm_tally_free(tally);
    cxm_tally_free(plain);
    cxm_tally_free(named);
}

/* One group, or none with an answer: nothing to test, and no error. */
static void few_groups_are_undefined(void **state)
{
    (void)state;
    struct cxm_tally *one = nets(three, 1);
    struct cxm_report *r = run(cxm_compare_groups, one, NULL);
    assert_numbers(r, 0, { "difference", "value", "nan" });
    assert_numbers(r, TOTAL_KEY, { "homogeneity", "value", "nan" },
                   { "heterogeneity", "value", "nan" });
    cxm_report_free(r);
    r = run(cxm_trend, one, NULL);
    assert_numbers(r, TOTAL_KEY, { "slope", "value", "nan" }, { "mann_kendall", "value", "nan" });
    assert_true(estimate_of(r, 0)->flags & CXM_FLAG_NO_DATA);
    cxm_report_free(r);
    r = run(cxm_league, one, NULL);
    assert_true(axis_at(r, 0, "rank") == 1 && axis_at(r, 0, "rank_upper") == 1);
    cxm_report_free(r);
    cxm_tally_free(one);
}

static void memory_may_run_out(void **state)
{
    (void)state;
    analysis *const all[] = { cxm_compare_groups, cxm_compare_groups, cxm_league, cxm_trend };
    const struct cxm_groups_options options[] = {
        { CXM_INIT_groups, .method = CXM_COMPARE_EXACT },
        { CXM_INIT_groups, .measure = "mean", .against = CXM_AGAINST_PAIRS },
        { CXM_INIT_groups }, { CXM_INIT_groups, .measure = "promoters" } };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        for (int on = 0; on < 2; on++)
            for (int fail_at = 1;; fail_at++) {
                struct heap heap;
                heap_init(&heap, 0);
                struct cxm_tally *tally = new_tally("nps", &heap.allocator);
                for (int64_t k = 0; k < 3; k++)
                    add_net(tally, 3 - k, 2, 1 + k, &k);
                struct cxm_report *r = NULL;
                struct cxm_error error = { .status = CXM_OK };
                heap.calls = 0;
                heap.fail_at = fail_at;
                heap.fail_on = on;
                const enum cxm_status got = all[i](tally, &options[i], &r, &error);
                heap.fail_at = 0;
                if (got != CXM_OK)
                    assert_true(got == CXM_ENOMEM && error.status == CXM_ENOMEM && r == NULL);
                cxm_report_free(r);
                cxm_tally_free(tally);
                assert_int_equal(heap.live, 0);
                if (got == CXM_OK)
                    break;
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_match_rows),
        cmocka_unit_test(residuals_are_differences_to_the_rest),
        cmocka_unit_test(ranks_match_rows),
        cmocka_unit_test(base_and_pairs),
        cmocka_unit_test(share_trends_match_rows),
        cmocka_unit_test(estimate_trends_match_rows),
        cmocka_unit_test(leagues_are_in_order),
        cmocka_unit_test(equal_values_share_their_rank),
        cmocka_unit_test(domains_covary),
        cmocka_unit_test(bad_calls_say_why),
        cmocka_unit_test(few_groups_are_undefined),
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
