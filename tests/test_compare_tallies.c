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

/* ---- groups: within and mix ----------------------------------------------------------- */

/* By hand, in points. a: group 1 (10, 0, 30) n 40 m 50; group 2 (0, 10, 10) n 20 m 50; group 3
 * (0, 0, 20) n 20 m 100; total n 80, 62.5. b: group 1 (20, 0, 20) n 40 m 0; group 2 (0, 5, 5) n 10
 * m 50; group 4 (50, 0, 0) n 50 m -100; total n 100, -45. r = 8.75.
 *   within  1: (0.5 + 0.4) / 2 · 50 = 22.5     2: 0     3, 4: 0
 *   mix     1: 0.1 (25 - 8.75) = 1.625   2: 0.15 (50 - 8.75) = 6.1875   3: 0.25 · 91.25 = 22.8125
 *           4: -0.5 (-100 - 8.75) = 54.375     sum 22.5 + 85 = 107.5 */
static void groups_are_matched_and_taken_apart(void **state)
{
    (void)state;
    const int64_t key[] = { 0, 1, 2, 3, 4 };
    struct cxm_tally *a = new_tally("nps", NULL), *b = new_tally("nps", NULL);
    add_net(a, 10, 0, 30, &key[1]);
    add_net(a, 0, 10, 10, &key[2]);
    add_net(a, 0, 0, 20, &key[3]);
    add_net(b, 50, 0, 0, &key[4]); /* another order of groups */
    add_net(b, 0, 5, 5, &key[2]);
    add_net(b, 20, 0, 20, &key[1]);
    struct cxm_report *r = compared(a, b, NULL);
    assert_int_equal(cxm_report_rows(r), 5 * 3);
    assert_numbers(r, 1, { "difference", "value", "50" }, { "within", "value", "22.5" },
                   { "mix", "value", "1.625" }, { "difference", "n_a", "40" });
    assert_numbers(r, 2, { "difference", "value", "0" }, { "within", "value", "0" },
                   { "mix", "value", "6.1875" }, { "difference", "n_b", "10" });
    assert_numbers(r, 3, { "difference", "value", "nan" }, { "within", "value", "0" },
                   { "mix", "value", "22.8125" }, { "difference", "value_a", "100" },
                   { "difference", "value_b", "nan" }, { "difference", "n_a", "20" },
                   { "difference", "n_b", "0" }, { "difference", "p_value", "nan" });
    assert_numbers(r, 4, { "difference", "value", "nan" }, { "within", "value", "0" },
                   { "mix", "value", "54.375" }, { "difference", "value_b", "-100" });
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "107.5" },
                   { "within", "value", "22.5" }, { "mix", "value", "85" },
                   { "difference", "value_a", "62.5" }, { "difference", "value_b", "-45" });
    assert_true(estimate_of(r, row_of(r, "difference", 3))->flags & CXM_FLAG_NO_DATA);
    assert_false(estimate_of(r, row_of(r, "mix", 3))->flags & CXM_FLAG_NO_DATA);
    assert_true(estimate_of(r, row_of(r, "difference", 2))->flags & CXM_FLAG_SMALL_N);
    assert_string_equal(cxm_report_definition(r, row_of(r, "mix", 1)),
                        "nps/0-10/6-9/compare=kitagawa");
    cxm_report_free(r);
    r = compared(a, b, &(struct cxm_compare_options){ CXM_INIT_compare, .no_mix = 1 });
    assert_int_equal(cxm_report_rows(r), 5);
    cxm_report_free(r);
    /* against nothing at all */
    struct cxm_tally *none = new_tally("nps", NULL);
    r = compared(a, none, NULL);
    assert_int_equal(cxm_report_rows(r), 4 * 3);
    assert_numbers(r, 1, { "difference", "value", "nan" }, { "within", "value", "nan" },
                   { "difference", "value_a", "50" });
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "nan" }, { "mix", "value", "nan" });
    cxm_report_free(r);
    r = compared(none, none, NULL);
    assert_int_equal(cxm_report_rows(r), 1);
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "nan" }, { "difference", "n", "0" });
    assert_true(estimate_of(r, 0)->flags & CXM_FLAG_NO_DATA);
    cxm_report_free(r);
    cxm_tally_free(a);
    cxm_tally_free(b);
    cxm_tally_free(none);
}

static struct cxm_tally *ratio_of(const double *x, const double *y, const int64_t *by, size_t n)
{
    const struct cxm_column columns[3] = { cxm_column_make("numerator", CXM_F64, x, n, 8, 8),
                                           cxm_column_make("denominator", CXM_F64, y, n, 8, 8),
                                           cxm_column_make("wave", CXM_I64, by, n, 8, 8) };
    const struct cxm_input inputs[3] = { { "numerator", &columns[0] },
                                         { "denominator", &columns[1] }, { "by", &columns[2] } };
    struct cxm_tally *tally = new_tally("ratio", NULL);
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
    return tally;
}

/* A ratio of totals is no mean of the ratios of its groups: it has no mix. */
static void ratios_do_not_come_apart(void **state)
{
    (void)state;
    static const double x[] = { 1, 2, 3, 9 }, y[] = { 2, 1, 5, 4 }, z[] = { 3, 1, 1, 1 };
    static const int64_t by[] = { 1, 1, 2, 2 };
    struct cxm_tally *a = ratio_of(x, y, by, 4), *b = ratio_of(x, z, by, 4);
    struct cxm_report *r = compared(a, b, NULL);
    assert_int_equal(cxm_report_rows(r), 3);
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "-1.25" }); /* 15/12 - 15/6 */
    cxm_report_free(r);
    cxm_tally_free(a);
    cxm_tally_free(b);
}

/* A reason that only one side has: nobody left for it on the other. */
static void reasons_of_one_side_are_zero(void **state)
{
    (void)state;
    static const uint8_t before[] = { 1, 1, 1, 1 }, after[] = { 0, 0, 1, 1 };
    static const char *const why[2][4] = { { "price", "move", NULL, NULL },
                                           { "price", "price", NULL, NULL } };
    struct cxm_tally *t[2];
    for (int i = 0; i < 2; i++) {
        const struct cxm_column columns[3] = {
            cxm_column_make("active_before", CXM_U8, before, 4, 1, 1),
            cxm_column_make("active_after", CXM_U8, after, 4, 1, 1),
            cxm_column_make("reason", CXM_STRINGS, why[i], 4, 8, 8) };
        const struct cxm_input inputs[3] = { { "active_before", &columns[0] },
                                             { "active_after", &columns[1] },
                                             { "reason", &columns[2] } };
        t[i] = new_tally("churn", NULL);
        assert_int_equal(cxm_tally_add(t[i], inputs, 3, NULL, NULL), CXM_OK);
    }
    struct cxm_report *r = compared(t[0], t[1], NULL);
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "0" },
                   { "difference[churn[move]]", "value", "0.25" },
                   { "difference[churn[move]]", "value_b", "0" },
                   { "difference[churn[move]]", "n_b", "4" },
                   { "difference[churn[price]]", "value", "-0.25" });
    cxm_report_free(r);
    cxm_tally_free(t[0]);
    cxm_tally_free(t[1]);
}

/* ---- weights -------------------------------------------------------------------------- */

/* A month's complaints are one row: 120 and 90 of 40 000, z = (120 - 90) / sqrt(120 + 90). */
static void one_row_of_events(void **state)
{
    (void)state;
    static const double events[2] = { 120, 90 }, customers = 40000;
    struct cxm_tally *t[2];
    for (int i = 0; i < 2; i++) {
        const struct cxm_column x = cxm_column_make("complaints", CXM_F64, &events[i], 1, 8, 8);
        const struct cxm_column y = cxm_column_make("customers", CXM_F64, &customers, 1, 8, 8);
        const struct cxm_input inputs[2] = { { "complaints", &x }, { "customers", &y } };
        t[i] = new_tally("complaints", NULL);
        assert_int_equal(cxm_tally_add(t[i], inputs, 2, NULL, NULL), CXM_OK);
    }
    struct cxm_report *r = compared(t[0], t[1], NULL);
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "0.75" },
                   { "difference", "std_error", "0.36228441865473593" },
                   { "difference", "statistic", "2.0701966780270626" },
                   { "difference", "df", "inf" });
    cxm_report_free(r);
    cxm_tally_free(t[0]);
    cxm_tally_free(t[1]);
}

static struct cxm_tally *weighted(const char *role, const char *metric, const double *value,
                                  const double *weight, size_t n)
{
    const struct cxm_column columns[2] = { cxm_column_make(role, CXM_F64, value, n, 8, 8),
                                           cxm_column_make("weight", CXM_F64, weight, n, 8, 8) };
    const struct cxm_input inputs[2] = { { role, &columns[0] }, { "weight", &columns[1] } };
    struct cxm_tally *tally = new_tally(metric, NULL);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    return tally;
}

/* Weights of 1 make Welch's t of the codes: the linearised error has divisor n - 1. */
static void weights_are_linearised(void **state)
{
    (void)state;
    double score[2][100], one[100];
    const int counts[2][3] = { { 12, 28, 60 }, { 15, 25, 40 } };
    for (int s = 0; s < 2; s++)
        for (int i = 0, k = 0; k < 3; k++)
            for (int j = 0; j < counts[s][k]; j++)
                score[s][i++] = k == 0 ? 3 : k == 1 ? 7 : 9;
    for (int i = 0; i < 100; i++)
        one[i] = 1;
    struct cxm_tally *a = weighted("score", "nps", score[0], one, 100);
    struct cxm_tally *b = weighted("score", "nps", score[1], one, 80);
    struct cxm_report *r = compared(a, b, NULL);
    assert_numbers(r, TOTAL_KEY, { "difference", "value", "16.75" },
                   { "difference", "statistic", "1.503477324178" },
                   { "difference", "df", "161.701873153125" },
                   { "difference", "p_value", "0.134666549104" },
                   { "difference", "lower", "-5.250297448772" },
                   { "difference", "upper", "38.750297448772" });
    assert_string_equal(cxm_report_definition(r, 0), "nps/0-10/6-9/compare=linearised");
    assert_int_equal(estimate_of(r, 0)->interval, CXM_INTERVAL_T);
    cxm_report_free(r);
    const struct cxm_compare_options newcombe = { CXM_INIT_compare, .method = CXM_COMPARE_EXACT };
    struct cxm_error error = { .status = CXM_OK };
    r = NULL;
    assert_int_equal(cxm_compare(a, b, &newcombe, &r, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "without weights"));
    assert_null(r);
    cxm_tally_free(a);
    cxm_tally_free(b);
}

/* ---- errors --------------------------------------------------------------------------- */

static void refused(struct cxm_tally *a, struct cxm_tally *b,
                    const struct cxm_compare_options *options, enum cxm_status want,
                    const char *column, const char *part)
{
    struct cxm_report *const kept = (struct cxm_report *)&want, *r = kept;
    struct cxm_error error = { .status = CXM_OK };
    assert_int_equal(cxm_compare(a, b, options, &r, &error), want);
    assert_ptr_equal(r, kept);
    assert_string_equal(error.column, column);
    if (strstr(error.message, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.message, part);
}

static void bad_calls_say_why(void **state)
{
    (void)state;
    const struct cxm_param five[3] = { NUMBERS("scale", 1, 5), NUMBERS("promoter", 5),
                                       NUMBERS("detractor", 3) };
    const double score = 3, weight = 2;
    const int64_t key = 4;
    const char *const text = "x";
    const struct cxm_column columns[4] = { cxm_column_make("score", CXM_F64, &score, 1, 8, 8),
                                           cxm_column_make("w", CXM_F64, &weight, 1, 8, 8),
                                           cxm_column_make("wave", CXM_I64, &key, 1, 8, 8),
                                           cxm_column_make("wave", CXM_STRINGS, &text, 1, 8, 8) };
    const struct cxm_input input[4] = { { "score", &columns[0] }, { "weight", &columns[1] },
                                        { "by", &columns[2] }, { "by", &columns[3] } };
    struct cxm_tally *plain = tally_of("nps", NULL, 0, input, 1);
    struct cxm_tally *heavy = tally_of("nps", NULL, 0, input, 2);
    const struct cxm_input by_number[2] = { input[0], input[2] }, by_text[2] = { input[0], input[3] };
    struct cxm_tally *numbered = tally_of("nps", NULL, 0, by_number, 2);
    struct cxm_tally *named = tally_of("nps", NULL, 0, by_text, 2);
    struct cxm_tally *other = tally_of("nps", five, 3, input, 1);
    struct cxm_tally *csat = new_tally("csat", NULL), *share = share_of(1, 2);
    refused(NULL, plain, NULL, CXM_EINVAL, "", "NULL");
    refused(plain, NULL, NULL, CXM_EINVAL, "", "NULL");
    refused(plain, other, NULL, CXM_EMISMATCH, "scale", "nps/0-10/6-9 against nps/1-5/3-5: ");
    refused(plain, csat, NULL, CXM_EMISMATCH, "metric", "nps/0-10/6-9 against csat/");
    refused(plain, heavy, NULL, CXM_EMISMATCH, "weight", "survey weights");
    refused(plain, numbered, NULL, CXM_EMISMATCH, "by", "keys");
    refused(numbered, named, NULL, CXM_EMISMATCH, "wave", "wave");
    const char *const names[] = { "promoter", "successes" };
    struct cxm_compare_options o = { CXM_INIT_compare, .level = 95 };
    refused(plain, plain, &o, CXM_EINVAL, "level", "did you mean 0.95?");
    o = (struct cxm_compare_options){ CXM_INIT_compare, .method = 11 };
    refused(plain, plain, &o, CXM_EINVAL, "method", "there is no method 11");
    o = (struct cxm_compare_options){ CXM_INIT_compare, .method = CXM_COMPARE_NEWCOMBE };
    refused(plain, plain, &o, CXM_EINVAL, "method", "\"newcombe\" does not fit");
    o = (struct cxm_compare_options){ CXM_INIT_compare, .measures = names, .n_measures = 1 };
    refused(plain, plain, &o, CXM_EINVAL, "measures", "nps has no measure \"promoter\"");
    o.measures = names + 1;
    refused(share, share, &o, CXM_EINVAL, "measures", "no standard error");
    struct cxm_tally *sketch = new_tally("sketch", NULL);
    refused(sketch, sketch, NULL, CXM_EINVAL, "measures", "nothing to compare");
    cxm_tally_free(sketch);
    o = (struct cxm_compare_options){ CXM_INIT_compare, .small_n = -1 };
    refused(plain, plain, &o, CXM_EINVAL, "small_n", "");
    o = (struct cxm_compare_options){ .size = 0 };
    refused(plain, plain, &o, CXM_EINVAL, "options", "size 0");
    o.size = sizeof o + 8;
    refused(plain, plain, &o, CXM_EINVAL, "options", "size");
    assert_int_equal(cxm_compare(plain, plain, NULL, NULL, NULL), CXM_EINVAL);
    cxm_tally_free(plain);
    cxm_tally_free(heavy);
    cxm_tally_free(numbered);
    cxm_tally_free(named);
    cxm_tally_free(other);
    cxm_tally_free(csat);
    cxm_tally_free(share);
}

static void names_go_both_ways(void **state)
{
    (void)state;
    for (int m = CXM_COMPARE_DEFAULT; m <= CXM_COMPARE_EXACT; m++)
        assert_int_equal(cxm_compare_method_from_name(
                             cxm_compare_method_name((enum cxm_compare_method)m)), m);
    for (int m = CXM_ADJUST_HOLM; m <= CXM_ADJUST_NONE; m++)
        assert_int_equal(cxm_adjust_from_name(cxm_adjust_name((enum cxm_adjust_method)m)), m);
    assert_int_equal(cxm_compare_method_from_name("fisher"), -1);
    assert_int_equal(cxm_compare_method_from_name(NULL), -1);
    assert_int_equal(cxm_adjust_from_name("sidak"), -1);
    assert_int_equal(cxm_adjust_from_name(NULL), -1);
    assert_string_equal(cxm_compare_method_name((enum cxm_compare_method)99), "unknown");
    assert_string_equal(cxm_adjust_name((enum cxm_adjust_method)99), "unknown");
}

/* Every allocation fails in turn, once and from then on. */
static void memory_may_run_out(void **state)
{
    (void)state;
    const int64_t key[] = { 1, 2, 3 };
    const struct cxm_compare_options o = { CXM_INIT_compare, .all_measures = 1, .effects = 1,
                                           .method = CXM_COMPARE_EXACT };
    for (int on = 0; on < 2; on++)
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            heap_init(&heap, 0);
            struct cxm_tally *a = new_tally("nps", &heap.allocator);
            struct cxm_tally *b = new_tally("nps", &heap.allocator);
            add_net(a, 3, 2, 1, &key[0]);
            add_net(a, 1, 2, 3, &key[1]);
            add_net(b, 2, 2, 2, &key[1]);
            add_net(b, 1, 0, 1, &key[2]);
            struct cxm_report *r = NULL;
            struct cxm_error error = { .status = CXM_OK };
            heap.calls = 0;
            heap.fail_at = fail_at;
            heap.fail_on = on;
            const enum cxm_status got = cxm_compare(a, b, &o, &r, &error);
            heap.fail_at = 0;
            if (got == CXM_OK)
                assert_int_equal(cxm_report_rows(r) > 40, 1);
            else
                assert_true(got == CXM_ENOMEM && error.status == CXM_ENOMEM && r == NULL);
            cxm_report_free(r);
            cxm_tally_free(a);
            cxm_tally_free(b);
            assert_int_equal(heap.live, 0);
            if (got == CXM_OK)
                break;
        }
}

/* ---- several p-values ----------------------------------------------------------------- */

/* R's p.adjust. */
static void adjusted_match_rows(void **state)
{
    (void)state;
    const double p[6] = { 0.04, 0.001, 0.04, 0.03, NAN, 0.2 };
    const char *const holm[6] = { "0.12", "0.005", "0.12", "0.12", "nan", "0.2" };
    const char *const bh[6] = { "0.05", "0.005", "0.05", "0.05", "nan", "0.2" };
    double got[6];
    assert_int_equal(cxm_adjust(p, 6, CXM_ADJUST_HOLM, got, NULL), CXM_OK);
    for (int i = 0; i < 6; i++)
        assert_printed(got[i], holm[i]);
    assert_int_equal(cxm_adjust(p, 6, CXM_ADJUST_BH, got, NULL), CXM_OK);
    for (int i = 0; i < 6; i++)
        assert_printed(got[i], bh[i]);
    assert_int_equal(cxm_adjust(p, 6, CXM_ADJUST_NONE, got, NULL), CXM_OK);
    for (int i = 0; i < 6; i++)
        assert_close(got[i], p[i], 0);
    struct cxm_error error = { .status = CXM_OK };
    const double bad[2] = { 0.5, 1.5 };
    got[0] = 42;
    assert_int_equal(cxm_adjust(bad, 2, CXM_ADJUST_HOLM, got, &error), CXM_EDATA);
    assert_true(error.row == 1 && got[0] == 42);
    assert_string_equal(error.message, "p: row 1 is 1.5, outside 0 to 1");
    assert_int_equal(cxm_adjust(bad, 1, (enum cxm_adjust_method)6, got, &error), CXM_EINVAL);
    assert_int_equal(cxm_adjust(NULL, 1, CXM_ADJUST_HOLM, got, &error), CXM_EINVAL);
    assert_int_equal(cxm_adjust(NULL, 0, CXM_ADJUST_HOLM, NULL, &error), CXM_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nets_match_rows),
        cmocka_unit_test(shares_match_rows),
        cmocka_unit_test(means_match_rows),
        cmocka_unit_test(groups_are_matched_and_taken_apart),
        cmocka_unit_test(ratios_do_not_come_apart),
        cmocka_unit_test(reasons_of_one_side_are_zero),
        cmocka_unit_test(one_row_of_events),
        cmocka_unit_test(weights_are_linearised),
        cmocka_unit_test(bad_calls_say_why),
        cmocka_unit_test(names_go_both_ways),
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(adjusted_match_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
