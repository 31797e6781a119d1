/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Presets: each can be made, is described, and gives the number that its rule gives by hand. */
#include "testing.h"

#include <cxm/metric.h>
#include <cxm/preset.h>
#include <cxm/retention.h>

static void listed_in_order(void **state)
{
    (void)state;
    assert_true(cxm_preset_count() > 10);
    for (size_t i = 0; i < cxm_preset_count(); i++) {
        const struct cxm_preset_info *p = cxm_preset_at(i);
        const struct cxm_metric_info *metric = cxm_metric_find(p->metric);
        struct cxm_tally *tally = NULL;
        struct cxm_error error = { .message = "" };
        assert_ptr_equal(cxm_preset_find(p->name), p);
        assert_non_null(metric);
        assert_true(strlen(p->product) > 0 && strlen(p->source) > 0 && strlen(p->reason) > 0);
        assert_int_equal(strlen(p->date), 4); /* a year */
        if (cxm_tally_new(p->metric, p->params, (size_t)p->n_params, NULL, &tally, &error)
            != CXM_OK)
            fail_msg("%s: %s", p->name, error.message);
        bool found = false;
        for (int32_t m = 0; m < metric->n_measures; m++)
            found = found || strcmp(metric->measures[m].name, p->measure) == 0;
        assert_true(found);
        cxm_tally_free(tally);
        if (i == 0)
            continue;
        const struct cxm_preset_info *before = cxm_preset_at(i - 1);
        const int metrics = strcmp(before->metric, p->metric);
        assert_true(metrics < 0 || (metrics == 0 && strcmp(before->name, p->name) < 0));
    }
    assert_null(cxm_preset_at(cxm_preset_count()));
    assert_null(cxm_preset_find("nothing"));
    assert_null(cxm_preset_find(NULL));
}

static struct cxm_tally *made(const struct cxm_preset_info *p, const char *metric)
{
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new(p != NULL ? p->metric : metric, p != NULL ? p->params : NULL,
                                   p != NULL ? (size_t)p->n_params : 0, NULL, &tally, NULL),
                     CXM_OK);
    return tally;
}

static double axis(const struct cxm_report *report, const char *name, size_t row)
{
    return (double)cxm_report_ints(report, (size_t)cxm_report_find_axis(report, name))[row];
}

static const char *text(const struct cxm_report *report, const char *name, size_t row)
{
    return cxm_report_text(report, (size_t)cxm_report_find_axis(report, name), row);
}

/* Four customers, one joins, two leave, each for a reason of its own: the reasons have the base of
 * churn, daily rates too: 2 / 30 sum over d = 0 … 29 of 1 / (4 - d / 30), by halves. Where nobody is
 * left the rule of survivors has no base. */
static void reasons_sum_to_churn(void **state)
{
    static const uint8_t before[] = { 1, 1, 1, 1, 0 }, after[] = { 1, 1, 0, 0, 1 };
    static const uint8_t none[] = { 0, 0, 0, 0, 0 }, reason[] = { 1, 1, 1, 2, 2 };
    const struct cxm_column b = CXM_ARRAY_AS(CXM_U8, before, 5), r = CXM_ARRAY_AS(CXM_U8, reason, 5);
    const struct cxm_column a = CXM_ARRAY_AS(CXM_U8, after, 5), z = CXM_ARRAY_AS(CXM_U8, none, 5);
    struct cxm_row rows[3];
    size_t n = 0;
    double days = 0;
    (void)state;
    for (int d = 0; d < 30; d++)
        days += 2 / 30.0 / (4 - d / 30.0);
    for (int32_t rule = CXM_CHURN_START; rule <= CXM_CHURN_DAILY; rule++) {
        const struct cxm_churn_options options = { CXM_INIT(churn), .reason = &r,
                                                   .denominator = rule };
        assert_int_equal(cxm_churn(&b, &a, &options, CXM_ROWS(rows), &n, NULL), CXM_OK);
        assert_int_equal(n, 3);
        const double all = rows[0].estimate.value;
        assert_true(fabs(rows[1].estimate.value - all / 2) < 1e-15);
        assert_true(fabs(rows[2].estimate.value - all / 2) < 1e-15);
        assert_true(rule != CXM_CHURN_DAILY || fabs(all - days) < 1e-14);
    }
    const struct cxm_churn_options survivors = { CXM_INIT(churn), .reason = &r,
                                                 .denominator = CXM_CHURN_SURVIVORS };
    assert_int_equal(cxm_churn(&b, &z, &survivors, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_true(isnan(rows[i].estimate.value));
        assert_true((rows[i].estimate.flags & CXM_FLAG_NO_DATA) != 0);
    }
}

/* 1000 customers, 200 join, 60 of the old and 20 of the new leave in 30 days. The sum of daily
 * rates by hand: (80/30) sum over d = 0 … 29 of 1 / (1000 + 4 d). */
static const struct churn_row {
    const char *preset;
    double value;
} churn_rows[] = {
    { NULL, 0.06 },
    { "chartmogul_churn", 0.06 },
    { "profitwell_churn", 0.06 },
    { "stripe_churn", 80.0 / 1200.0 },
    { "baremetrics_churn", 0.08 },
    { "profitable_churn", 80.0 / 940.0 },
    { "chartmogul_shopify_churn", 0.0756664 },
};

static void one_month_of_customers(void **state)
{
    (void)state;
    const struct cxm_period_counts counts = { .size = sizeof counts, .start = 1000, .end = 1120,
                                              .added = 180, .lost = 60, .lost_added = 20 };
    struct cxm_tally *tallies[COUNT_OF(churn_rows)];
    const struct cxm_preset_info *presets[COUNT_OF(churn_rows)];
    struct cxm_report *r = NULL;
    double days = 0;
    for (int d = 0; d < 30; d++)
        days += 80.0 / 30.0 / (1000.0 + 4.0 * d);
    for (size_t i = 0; i < COUNT_OF(churn_rows); i++) {
        presets[i] = cxm_preset_find(churn_rows[i].preset);
        tallies[i] = made(presets[i], "churn");
        assert_int_equal(cxm_tally_add_period(tallies[i], &counts, NULL), CXM_OK);
    }
    assert_int_equal(cxm_preset_report(tallies, presets, COUNT_OF(churn_rows), 0, &r, NULL),
                     CXM_OK);
    assert_int_equal(cxm_report_rows(r), COUNT_OF(churn_rows));
    for (size_t i = 0; i < COUNT_OF(churn_rows); i++) {
        const double want = i == 6 ? days : churn_rows[i].value;
        assert_close(cxm_report_estimates(r)[i].value, want, 1e-14);
        assert_string_equal(text(r, "preset", i), i == 0 ? "default" : churn_rows[i].preset);
        if (i == 0)
            assert_null(text(r, "reason", i));
        else
            assert_string_equal(text(r, "reason", i), presets[i]->reason);
        cxm_tally_free(tallies[i]);
    }
    assert_true(fabs(days - 0.076) < 5e-4); /* the definitions: 7.6 % */
    assert_true(axis(r, "verified", 3) == 1.0 && axis(r, "verified", 6) == 0.0);
    /* Stripe's rule is a share of people: Wilson; the others are ratios, or no more than a value. */
    assert_int_equal(cxm_report_estimates(r)[3].interval, CXM_INTERVAL_WILSON);
    assert_int_equal(cxm_report_estimates(r)[3].n, 1200);
    assert_true(isnan(cxm_report_estimates(r)[6].lower));
    assert_string_equal(cxm_report_definition(r, 3), "churn/all-lost/start-and-joined");
    cxm_report_free(r);
}

/* The tickets of the worked example of repeat contacts: solved 13, 11 with at most one reply. */
static void one_touch_in_two_versions(void **state)
{
    (void)state;
    static const uint8_t solved[] = { 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1 };
    static const uint8_t replies[] = { 1, 1, 2, 0, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
    static const uint8_t reopens[] = { 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
    static const struct { const char *preset; double value; } rows[] = {
        { NULL, 10.0 / 13 },                /* replies <= 1, and never reopened */
        { "zendesk_one_touch", 11.0 / 13 },
        { "zendesk_one_touch_2", 10.0 / 13 },
        { "fivetran_dbt_zendesk_one_touch", 10.0 / 13 },
    };
    const struct cxm_column a = cxm_column_make("solved", CXM_U8, solved, 15, 1, 1);
    const struct cxm_column b = cxm_column_make("replies", CXM_U8, replies, 15, 1, 1);
    const struct cxm_column c = cxm_column_make("reopens", CXM_U8, reopens, 15, 1, 1);
    const struct cxm_input inputs[] = { { "solved", &a }, { "replies", &b }, { "reopens", &c } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct cxm_preset_info *preset = cxm_preset_find(rows[i].preset);
        struct cxm_tally *tally = made(preset, "one_touch");
        struct cxm_report *r = NULL;
        assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
        assert_int_equal(cxm_preset_report(&tally, &preset, 1, 0.9, &r, NULL), CXM_OK);
        assert_close(cxm_report_estimates(r)[0].value, rows[i].value, 1e-15);
        assert_close(cxm_report_estimates(r)[0].level, 0.9, 0.0);
        cxm_report_free(r);
        cxm_tally_free(tally);
    }
}

static void what_does_not_fit(void **state)
{
    (void)state;
    const struct cxm_preset_info *stripe = cxm_preset_find("stripe_churn");
    const struct cxm_preset_info *two[] = { stripe, NULL };
    struct cxm_tally *churn = made(stripe, NULL), *nps = made(NULL, "nps");
    struct cxm_tally *tallies[] = { churn, nps };
    struct cxm_report *r = NULL;
    const uint8_t score[] = { 10 };
    const struct cxm_column x = cxm_column_make("score", CXM_U8, score, 1, 1, 1);
    const struct cxm_input inputs[] = { { "score", &x }, { "by", &x } };
    assert_int_equal(cxm_preset_report(NULL, two, 1, 0, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_preset_report(tallies, NULL, 1, 0, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_preset_report(tallies, two, 0, 0, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_preset_report(tallies, two, 1, 0, NULL, NULL), CXM_EINVAL);
    assert_int_equal(cxm_preset_report(tallies, two, 1, 95, &r, NULL), CXM_EINVAL);
    assert_int_equal(cxm_preset_report(tallies + 1, two, 1, 0, &r, NULL), CXM_EMISMATCH);
    assert_int_equal(cxm_tally_add(nps, inputs, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_preset_report(tallies, two, 2, 0, &r, NULL), CXM_EMISMATCH);
    assert_null(r);
    cxm_tally_free(churn);
    cxm_tally_free(nps);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(listed_in_order),
        cmocka_unit_test(reasons_sum_to_churn),
        cmocka_unit_test(one_month_of_customers),
        cmocka_unit_test(one_touch_in_two_versions),
        cmocka_unit_test(what_does_not_fit),
    };
    return cmocka_run_group_tests_name("presets", tests, NULL, NULL);
}
