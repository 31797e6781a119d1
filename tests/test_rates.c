/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rates: first-contact resolution, one touch, shares, retention and churn, with the worked
 * numbers of the definitions. */
#include "metric_testing.h"

#include <cxm/retention.h>

/* ---- first-contact resolution --------------------------------------------------------- */

/* 1000 contacts: 620 solved, 230 not, 150 that the first level could not solve. */
static void fcr_gross_and_net(void **state)
{
    (void)state;
    static const bool resolved[3] = { true, false, false }, eligible[3] = { true, true, false };
    static const int64_t copies[3] = { 620, 230, 150 };
    const struct cxm_column flag = CXM_ARRAY(resolved, 3), freq = CXM_ARRAY(copies, 3);
    const struct cxm_column solvable = CXM_ARRAY(eligible, 3);
    const struct cxm_input gross[] = { { "resolved_first", &flag }, { "freq", &freq } };
    const struct cxm_input net[] = { { "resolved_first", &flag }, { "freq", &freq },
                                     { "eligible", &solvable } };
    struct cxm_tally *t = tally_of("fcr", NULL, 0, gross, 2);
    struct cxm_estimate e = measure(t, "fcr");
    assert_printed(e.value, "0.62");
    assert_counts(&e, 1000, 0, 0, 0);
    assert_int_equal(e.base, CXM_BASE_CONTACTS);
    assert_definition(t, "fcr/flag/gross");
    cxm_tally_free(t);
    t = tally_of("fcr", NULL, 0, net, 3);
    static const struct want wants[] = {
        { "fcr", "620/850", NULL, "0.69856286", "0.75819641" },
        { "successes", "620", NULL, NULL, NULL }, { "denominator", "850", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    e = measure(t, "fcr");
    assert_counts(&e, 850, 0, 0, 150);
    struct cxm_base base;
    assert_int_equal(cxm_tally_base(t, CXM_TOTAL, 0, &base, NULL), CXM_OK);
    assert_int_equal(base.excluded_by[CXM_REASON_NOT_IN_DENOMINATOR], 150);
    assert_definition(t, "fcr/flag/net");
    cxm_tally_free(t);
}

/* A contact that was solved although it was not eligible is in neither part of the net rate. */
static void net_restricts_the_numerator(void **state)
{
    (void)state;
    static const bool resolved[3] = { true, true, true }, eligible[3] = { true, false, false };
    const struct cxm_column flag = CXM_ARRAY(resolved, 3), solvable = CXM_ARRAY(eligible, 3);
    const struct cxm_input inputs[] = { { "resolved_first", &flag }, { "eligible", &solvable } };
    struct cxm_tally *t = tally_of("fcr", NULL, 0, inputs, 2);
    const struct cxm_estimate e = measure(t, "fcr");
    assert_true(e.value == 1);
    assert_counts(&e, 1, 0, 0, 2);
    cxm_tally_free(t);
}

/* ---- one touch: the tickets of the worked example ------------------------------------- */

static const int8_t solved[15] = { 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1 };
static const int8_t replies[15] = { 1, 1, 2, 0, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1 };
static const int8_t reopens[15] = { 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

/* 15 rows are given. Row 8 is open; row 13 is resolved before it was opened, bad: not solved. */
static void one_touch(void **state)
{
    (void)state;
    const struct cxm_column a = CXM_ARRAY(solved, 15), b = CXM_ARRAY(replies, 15);
    const struct cxm_column c = CXM_ARRAY(reopens, 15);
    const struct cxm_input all[] = { { "solved", &a }, { "replies", &b }, { "reopens", &c } };
    const struct cxm_param exactly[] = { NUMBERS("min_replies", 1) };
    const struct cxm_param any[] = { NUMBERS("max_reopens", 1) };
    struct cxm_tally *t = tally_of("one_touch", NULL, 0, all, 2); /* without reopens */
    struct cxm_estimate e = measure(t, "one_touch");
    assert_printed(e.value, "11/13");
    assert_counts(&e, 13, 0, 0, 2);
    assert_int_equal(e.base, CXM_BASE_TICKETS);
    assert_definition(t, "one_touch/replies=0-1/of-solved");
    cxm_tally_free(t);
    t = tally_of("one_touch", NULL, 0, all, 3);
    assert_printed(measure(t, "one_touch").value, "10/13");
    assert_definition(t, "one_touch/replies=0-1/reopens=0-0/of-solved");
    cxm_tally_free(t);
    t = tally_of("one_touch", exactly, 1, all, 3);
    assert_printed(measure(t, "one_touch").value, "9/13");
    cxm_tally_free(t);
    t = tally_of("one_touch", any, 1, all, 3); /* a reopen without a further reply is allowed */
    assert_printed(measure(t, "one_touch").value, "11/13");
    cxm_tally_free(t);
    const struct cxm_param crossed[] = { NUMBERS("min_replies", 2), NUMBERS("max_replies", 1) };
    assert_int_equal(status_of_new("one_touch", crossed, 2), CXM_EINVAL);
}

/* A reply count that is missing makes the row missing; of an open ticket it does not matter. */
static void one_touch_missing(void **state)
{
    (void)state;
    const double s[5] = { 1, 0, NAN, 1, 1 }, r[5] = { NAN, NAN, 1, 1, -1 };
    const struct cxm_column a = CXM_ARRAY(s, 5), b = CXM_ARRAY(r, 5);
    const struct cxm_input inputs[] = { { "solved", &a }, { "replies", &b } };
    struct cxm_tally *t = tally_of("one_touch", NULL, 0, inputs, 2);
    const struct cxm_estimate e = measure(t, "one_touch");
    assert_counts(&e, 1, 2, 1, 1);
    assert_true(e.value == 1);
    cxm_tally_free(t);
}

/* ---- shares: the rates of the survey definitions, 12 people ---------------------------- */

static const struct rate_row {
    const char *name;
    int8_t numerator[12], denominator[12];
    const char *value, *lower, *upper;
} rate_rows[] = {
    { "awareness", { 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1 }, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
      "10/12", "0.551969137747", "0.953034857816" },
    { "named demand of buyers", { 1, 0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 1 },
      { 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1 }, "5/9", "0.266651293495", "0.811221478902" },
    { "reputation among who know and have an opinion", /* opinion 453240543105, 4 or 5 */
      { 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1 }, { 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1 }, "0.6",
      "0.312673769734", "0.831819670294" },
    { "return rate: buys again or refers", { 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1 },
      { 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1 }, "6/9", "0.354202135580", "0.879416181613" },
    { "complaint rate of buyers", { 0, 1, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0 },
      { 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1 }, "3/9", "0.120583818387", "0.645797864420" },
    { "a loyalty composite of 75 or more", { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1 },
      { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 }, "2/12", "0.046965142184", "0.448030862253" },
};

static void rate_matches_row(void **state)
{
    const struct rate_row *r = *state;
    const struct cxm_column above = CXM_ARRAY(r->numerator, 12);
    const struct cxm_column below = CXM_ARRAY(r->denominator, 12);
    const struct cxm_input inputs[] = { { "numerator", &above }, { "denominator", &below } };
    struct cxm_tally *t = tally_of("share", NULL, 0, inputs, 2);
    const struct cxm_estimate e = measure(t, "share");
    assert_printed(e.value, r->value);
    assert_printed(e.lower_raw, r->lower);
    assert_printed(e.upper_raw, r->upper);
    assert_int_equal(e.n + e.excluded, 12);
    assert_definition(t, "share/denominator=flag");
    cxm_tally_free(t);
}

static void share_without_denominator(void **state)
{
    (void)state;
    const double yes[6] = { 1, 0, 1, NAN, 2, 1 };
    const struct cxm_column flag = CXM_ARRAY(yes, 6);
    const struct cxm_input input = { "numerator", &flag };
    struct cxm_tally *t = tally_of("share", NULL, 0, &input, 1);
    struct cxm_estimate e = measure(t, "share");
    assert_counts(&e, 4, 1, 1, 0);
    assert_printed(e.value, "0.75");
    e = measure_with(t, "share", CXM_INTERVAL_NONE, 0.95);
    assert_true(isnan(e.lower) && isnan(e.upper));
    assert_int_equal(e.interval, CXM_INTERVAL_NONE);
    assert_definition(t, "share/denominator=answered");
    cxm_tally_free(t);
    static const bool no_one[2] = { false, false }, all[2] = { true, true };
    const struct cxm_column nobody = CXM_ARRAY(no_one, 2), both = CXM_ARRAY(all, 2);
    const struct cxm_input outside[] = { { "numerator", &both }, { "denominator", &nobody } };
    t = tally_of("share", NULL, 0, outside, 2);
    e = measure(t, "share");
    assert_counts(&e, 0, 0, 0, 2);
    assert_true(isnan(e.value) && (e.flags & CXM_FLAG_NO_DATA));
    cxm_tally_free(t);
}

/* ---- retention and churn --------------------------------------------------------------- */

static struct cxm_tally *of_period(const char *metric, const char *denominator,
                                   struct cxm_period_counts counts, enum cxm_status want)
{
    const char *const text[] = { denominator };
    const struct cxm_param param = { "denominator", NULL, 0, text, 1 };
    struct cxm_tally *t = tally_of(metric, &param, denominator != NULL ? 1 : 0, NULL, 0);
    counts.size = sizeof counts;
    struct cxm_tally *before = NULL;
    assert_int_equal(cxm_tally_copy(t, &before, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_period(t, &counts, NULL), want);
    assert_true(want == CXM_OK || cxm_tally_equal(t, before)); /* a failure changes nothing */
    cxm_tally_free(before);
    return t;
}

static const struct period_row {
    const char *name, *metric, *denominator;
    struct cxm_period_counts counts; /* size, start, end, added, reactivated, lost, lost_added */
    enum cxm_status want;
    const char *value;
} period_rows[] = {
    { "S 200, E 212, N 32", "retention", NULL, { 0, 200, 212, 32, 0, -1, 0 }, CXM_OK, "0.9" },
    { "6 of them reactivated", "retention", NULL, { 0, 200, 212, 32, 6, -1, 0 }, CXM_OK, "0.87" },
    { "the same as churn", "churn", NULL, { 0, 200, 212, 32, 6, -1, 0 }, CXM_OK, "0.13" },
    { "N = {9} only says 0.75", "retention", NULL, { 0, 8, 7, 1, 0, -1, 0 }, CXM_OK, "0.75" },
    { "start cohort", "churn", "start", { 0, 500, 550, 75, 0, 25, 5 }, CXM_OK, "0.05" },
    { "average customers", "churn", "average", { 0, 500, 550, 75, 0, 25, 5 }, CXM_OK, "30/525" },
    { "lost is enough", "churn", NULL, { 0, 500, -1, 0, 0, 25, 0 }, CXM_OK, "0.05" },
    { "nobody at the start", "retention", NULL, { 0, 0, 4, 4, 0, -1, 0 }, CXM_OK, "nan" },
    { "E below N", "retention", NULL, { 0, 10, 3, 5, 0, -1, 0 }, CXM_EINCONSISTENT, NULL },
    { "more kept than there were", "retention", NULL, { 0, 10, 30, 5, 0, -1, 0 },
      CXM_EINCONSISTENT, NULL },
    { "lost contradicts E", "churn", NULL, { 0, 500, 550, 75, 0, 26, 0 }, CXM_EINCONSISTENT,
      NULL },
    { "neither E nor lost", "churn", NULL, { 0, 500, -1, 0, 0, -1, 0 }, CXM_EINVAL, NULL },
    { "negative start", "churn", NULL, { 0, -1, 1, 0, 0, -1, 0 }, CXM_EINVAL, NULL },
    { "another metric", "nps", NULL, { 0, 5, 5, 0, 0, -1, 0 }, CXM_EINVAL, NULL },
};

static void period_matches_row(void **state)
{
    const struct period_row *r = *state;
    struct cxm_tally *t = of_period(r->metric, r->denominator, r->counts, r->want);
    if (r->want == CXM_OK) {
        const struct cxm_estimate e = measure(t, r->metric);
        assert_printed(e.value, r->value);
        assert_int_equal(e.base, CXM_BASE_CUSTOMERS);
    }
    cxm_tally_free(t);
}

/* 500 at the start, 80 new of whom 5 left again, 25 lost: 550 at the end. */
static void a_period_in_full(void **state)
{
    (void)state;
    const struct cxm_period_counts counts = { 0, 500, 550, 75, 0, 25, 5 };
    struct cxm_tally *t = of_period("churn", NULL, counts, CXM_OK);
    static const struct want wants[] = {
        { "churn", "0.05", NULL, NULL, NULL },     { "successes", "25", NULL, NULL, NULL },
        { "denominator", "500", NULL, NULL, NULL }, { "lost_new", "5", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, wants);
    struct cxm_estimate e = measure(t, "churn");
    assert_counts(&e, 500, 0, 0, 80);
    assert_definition(t, "churn/start-cohort");
    cxm_tally_free(t);
    t = of_period("churn", "average", counts, CXM_OK);
    static const struct want average[] = {
        { "churn", "30/525", NULL, NULL, NULL },     { "successes", "30", NULL, NULL, NULL },
        { "denominator", "525", NULL, NULL, NULL }, { "lost_new", "5", NULL, NULL, NULL },
    };
    assert_wants(t, CXM_TOTAL, average);
    assert_definition(t, "churn/average-customers");
    cxm_tally_free(t);
}

/* P = {1..8}, C = {2,3,4,5,6,9,10}: 5 of 8 stayed; from the lists and from flags. */
static void both_periods(void **state)
{
    (void)state;
    static const int32_t p[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, c[7] = { 9, 2, 6, 3, 10, 5, 4 };
    const struct cxm_column before = CXM_ARRAY(p, 8), after = CXM_ARRAY(c, 7);
    uint8_t was[15], is[15];
    size_t n = 0;
    assert_int_equal(cxm_match_customers(&before, &after, was, is, 15, &n, NULL, NULL), CXM_OK);
    assert_int_equal(n, 10);
    const struct cxm_column a = CXM_ARRAY(was, n), b = CXM_ARRAY(is, n);
    const struct cxm_input inputs[] = { { "active_before", &a }, { "active_after", &b } };
    struct cxm_tally *t = tally_of("retention", NULL, 0, inputs, 2);
    struct cxm_estimate e = measure(t, "retention");
    assert_printed(e.value, "0.625");
    assert_counts(&e, 8, 0, 0, 2);
    assert_printed(measure(t, "successes").value, "5");
    assert_printed(measure(t, "denominator").value, "8");
    cxm_tally_free(t);
    t = tally_of("churn", NULL, 0, inputs, 2);
    assert_printed(measure(t, "churn").value, "3/8");
    cxm_tally_free(t);
}

/* Lost customers by reason, an unknown reason among them: the reasons sum to churn. */
static void reasons_sum_to_churn(void **state)
{
    (void)state;
    static const int8_t before[9] = { 1, 1, 1, 1, 1, 1, 1, 0, 1 };
    static const int8_t after[9] = { 0, 1, 0, 0, 1, 0, 1, 1, 0 };
    static const char *const why[9] = { "price", "fault", "fault", NULL, NULL, "price", "moved",
                                        "price", "price" };
    static const double weights[9] = { 0.1, 0.7, 0.3, 1.1, 2.3, 0.9, 5.7, 3.1, 0.013 };
    static const char *const names[] = { "churn[fault]", "churn[price]", "churn[(missing)]" };
    static const char *const shares[] = { "1/8", "3/8", "1/8" };
    const struct cxm_column a = CXM_ARRAY(before, 9), b = CXM_ARRAY(after, 9);
    const struct cxm_column reason = CXM_ARRAY(why, 9), weight = CXM_ARRAY(weights, 9);
    const struct cxm_input inputs[] = { { "active_before", &a }, { "active_after", &b },
                                        { "reason", &reason }, { "weight", &weight } };
    const struct cxm_param average[] = { TEXTS("denominator", "average") };
    struct cxm_tally *t = tally_of("churn", NULL, 0, inputs, 3);
    assert_printed(measure(t, "churn").value, "5/8");
    double sum = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct cxm_estimate e = measure(t, names[i]);
        assert_printed(e.value, shares[i]);
        assert_counts(&e, 8, 0, 0, 1);
        sum += e.value;
    }
    assert_true(sum == measure(t, "churn").value);
    cxm_tally_free(t);
    t = tally_of("churn", NULL, 0, inputs, 4);
    sum = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        sum += measure(t, names[i]).value;
    assert_close(sum, measure(t, "churn").value, 4e-16);
    assert_close(sum, (0.1 + 0.3 + 1.1 + 0.9 + 0.013) / 11.113, 1e-15);
    cxm_tally_free(t);
    t = tally_of("churn", average, 1, inputs, 3); /* S = 8, E = 4: 5 / 6 */
    sum = 0;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        sum += measure(t, names[i]).value;
    assert_printed(measure(t, "churn").value, "5/6");
    assert_close(sum, 5.0 / 6, 4e-16);
    cxm_tally_free(t);
}

/* A seventh is not a sum of doubles' favourite, and 49 reasons are many: still the same. */
static void many_reasons(void **state)
{
    (void)state;
    int8_t before[97], after[97];
    int32_t why[97];
    for (int i = 0; i < 97; i++) {
        before[i] = 1;
        after[i] = i % 3 == 0;
        why[i] = i % 49;
    }
    const struct cxm_column a = CXM_ARRAY(before, 97), b = CXM_ARRAY(after, 97);
    const struct cxm_column reason = CXM_ARRAY(why, 97);
    const struct cxm_input inputs[] = { { "active_before", &a }, { "active_after", &b },
                                        { "reason", &reason } };
    struct cxm_tally *t = tally_of("churn", NULL, 0, inputs, 3);
    struct cxm_measure measures[64];
    size_t n = 0;
    assert_int_equal(cxm_tally_measures(t, measures, sizeof measures[0], 64, &n, NULL), CXM_OK);
    double customers = 0;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(measures[i].name, "churn[", 6) == 0)
            customers += round(97 * measure(t, measures[i].name).value);
    }
    assert_true(customers == measure(t, "successes").value && customers == 64);
    cxm_tally_free(t);
}

static void unknown_flags(void **state)
{
    (void)state;
    const double before[7] = { 1, 1, NAN, 0, 0, 2, 1 }, after[7] = { 1, NAN, 1, 0, 1, 1, 0 };
    const struct cxm_column a = CXM_ARRAY(before, 7), b = CXM_ARRAY(after, 7);
    const struct cxm_input inputs[] = { { "active_before", &a }, { "active_after", &b } };
    struct cxm_tally *t = tally_of("retention", NULL, 0, inputs, 2);
    const struct cxm_estimate e = measure(t, "retention");
    assert_counts(&e, 2, 2, 1, 2);
    assert_true(e.value == 0.5);
    cxm_tally_free(t);
}

/* ---- rates of other periods ------------------------------------------------------------- */

static const struct convert_row {
    const char *name;
    double rate, from, to;
    const char *want;
} convert_rows[] = {
    { "3 % a month in a year", 0.03, 1, 12, "0.3061576390" },
    { "3 % a month in a week", 0.03, 30.436875, 7, "0.0069807" },
    { "3 % a month in a day", 0.03, 30.436875, 1, "0.00100023" },
    { "20 % a year in a month", 0.20, 12, 1, "0.0184235" },
    { "there is one period", 0.3, 7, 7, "0.3" },
    { "nothing is lost", 0, 1, 12, "0" },
    { "all are lost", 1, 12, 1, "1" },
    { "tiny: rate * to / from", 1e-18, 1, 12, "1.2e-17" },
    { "below 0", -0.1, 1, 12, "nan" },
    { "above 1", 1.1, 1, 12, "nan" },
    { "no length", 0.1, 0, 12, "nan" },
    { "endless", 0.1, 1, INFINITY, "nan" },
    { "not a number", NAN, 1, 1, "nan" },
};

static void convert_matches_row(void **state)
{
    const struct convert_row *r = *state;
    const double got = cxm_convert_rate(r->rate, r->from, r->to);
    const char *point = strchr(r->want, '.');
    if (point != NULL && strlen(point) == 8) { /* seven decimals are printed, not exact */
        assert_true(fabs(got - strtod(r->want, NULL)) <= 0.5e-7);
        return;
    }
    assert_printed(got, r->want);
}

static void months_compound(void **state)
{
    (void)state;
    assert_close(1 - (1 - 0.02) * (1 - 0.05) * (1 - 0.03), 0.09693, 1e-13);
    const double year = cxm_convert_rate(0.03, 1, 12);
    assert_close(cxm_convert_rate(year, 12, 1), 0.03, 1e-14); /* there and back */
}

/* ---- exposure and lifetime: definitions, section 4.1 ----------------------------------- */

static void churn_from_exposure(void **state)
{
    (void)state;
    struct cxm_interval_limits r, h;
    struct cxm_error error;
    assert_int_equal(cxm_exposure_churn(30, 15350, 30, 0.95, &r, &error), CXM_OK);
    assert_true(fabs(r.value - 0.0569462) < 0.5e-7);
    assert_int_equal(cxm_rate_interval(30, 15350, 0.95, &h, &error), CXM_OK);
    assert_close(r.lower, 1 - exp(-30 * h.lower), 1e-14);
    assert_close(r.upper, 1 - exp(-30 * h.upper), 1e-14);
    assert_close(r.std_error, 30 * sqrt(30.0) / 15350 * exp(-30 * 30.0 / 15350), 1e-14);
    assert_int_equal(cxm_exposure_churn(0, 0, 30, 0.95, &r, &error), CXM_OK);
    assert_true(isnan(r.value) && r.flags & CXM_FLAG_NO_DATA);
    assert_int_equal(cxm_exposure_churn(0, 10, 30, 0.95, &r, &error), CXM_OK);
    assert_true(r.value == 0 && r.lower == 0 && r.upper > 0);
    assert_int_equal(cxm_exposure_churn(-1, 10, 30, 0.95, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_exposure_churn(1, 10, 0, 0.95, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_exposure_churn(1, 10, 1, 95, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_exposure_churn(1, 10, 1, 0.95, NULL, &error), CXM_EINVAL);
}

static void mean_lifetimes(void **state)
{
    (void)state;
    assert_close(cxm_mean_lifetime(0.03, 0), 100.0 / 3, 1e-15);
    assert_close(cxm_mean_lifetime(0.03, 1), 97.0 / 3, 1e-15);
    assert_true(cxm_mean_lifetime(0, 1) == INFINITY && cxm_mean_lifetime(1, 1) == 0);
    assert_true(isnan(cxm_mean_lifetime(-0.1, 0)) && isnan(cxm_mean_lifetime(NAN, 0)));
}

int main(void)
{
    static struct CMUnitTest tests[COUNT_OF(rate_rows) + COUNT_OF(period_rows)
                                   + COUNT_OF(convert_rows) + 16];
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(rate_rows); i++)
        tests[n++] = (struct CMUnitTest){ rate_rows[i].name, rate_matches_row, NULL, NULL,
                                          (void *)&rate_rows[i] };
    for (size_t i = 0; i < COUNT_OF(period_rows); i++)
        tests[n++] = (struct CMUnitTest){ period_rows[i].name, period_matches_row, NULL, NULL,
                                          (void *)&period_rows[i] };
    for (size_t i = 0; i < COUNT_OF(convert_rows); i++)
        tests[n++] = (struct CMUnitTest){ convert_rows[i].name, convert_matches_row, NULL, NULL,
                                          (void *)&convert_rows[i] };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(fcr_gross_and_net),      cmocka_unit_test(net_restricts_the_numerator),
        cmocka_unit_test(one_touch),              cmocka_unit_test(one_touch_missing),
        cmocka_unit_test(share_without_denominator), cmocka_unit_test(a_period_in_full),
        cmocka_unit_test(both_periods),           cmocka_unit_test(reasons_sum_to_churn),
        cmocka_unit_test(many_reasons),           cmocka_unit_test(unknown_flags),
        cmocka_unit_test(months_compound),        cmocka_unit_test(churn_from_exposure),
        cmocka_unit_test(mean_lifetimes),
    };
    memcpy(&tests[n], others, sizeof others);
    n += COUNT_OF(others);
    return _cmocka_run_group_tests("rates", tests, n, NULL, NULL);
}
