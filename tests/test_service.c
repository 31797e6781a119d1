/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Service operations: the example log of the definitions (section 2.4, minutes), random tickets
 * against counting one by one, wrong arguments, and memory that runs out. */
#include "failing_malloc.h"

#include <cxm/cxm.h>

enum { N = 12, NONE = -1 };

static const struct ticket {
    int opened, resolved, reopens, escalated;
    const char *channel;
} example[N] = {
    { 0, 60, 0, 0, "phone" },   { 15, 200, 1, 0, "email" }, { 30, 35, 0, 0, "chat" },
    { 60, 400, 0, 1, "email" }, { 90, 95, 0, 0, "chat" },   { 120, NONE, 0, 0, "email" },
    { 200, 470, 2, 1, "phone" }, { 240, 300, 0, 0, "phone" }, { 300, NONE, 0, 1, "email" },
    { 400, 420, 0, 0, "chat" }, { 450, NONE, 0, 0, "email" }, { 460, 479, 0, 0, "chat" },
};

static int64_t opened[N], resolved[N];
static uint8_t reopens[N], escalated[N], done[N];
static const char *channel[N];
static struct cxm_column c_opened, c_resolved, c_reopens, c_escalated, c_done, c_channel;

static int load_example(void **state)
{
    (void)state;
    for (int i = 0; i < N; i++) {
        opened[i] = example[i].opened;
        resolved[i] = example[i].resolved == NONE ? INT64_MIN : example[i].resolved;
        reopens[i] = (uint8_t)example[i].reopens;
        escalated[i] = (uint8_t)example[i].escalated;
        done[i] = example[i].resolved != NONE;
        channel[i] = example[i].channel;
    }
    c_opened = cxm_column_make("opened", CXM_I64, opened, N, 8, 8);
    c_resolved = cxm_column_make("resolved", CXM_I64, resolved, N, 8, 8);
    c_reopens = cxm_column_make("reopens", CXM_U8, reopens, N, 1, 1);
    c_escalated = cxm_column_make("escalated", CXM_U8, escalated, N, 1, 1);
    c_done = cxm_column_make("done", CXM_U8, done, N, 1, 1);
    c_channel = cxm_column_make("channel", CXM_STRINGS, channel, N, sizeof channel[0], 8);
    return 0;
}

static void ratios(void **state)
{
    (void)state;
    struct cxm_row rows[8];
    size_t n = 0;
    const struct cxm_service_options all = { CXM_INIT(reopen), .all_measures = 1 };
    assert_int_equal(cxm_reopen(&c_reopens, &c_done, &all, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_close(rows[0].estimate.value, 2.0 / 9, 1e-15);
    assert_close(rows[1].estimate.value, 3.0 / 9, 1e-15);
    assert_int_equal(rows[0].estimate.excluded, 3);
    assert_string_equal(rows[0].definition, "reopen/of-resolved");
    assert_int_equal(cxm_escalation(&c_escalated, NULL, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_close(rows[0].estimate.value, 0.25, 1e-15);
    const int64_t complaints = 17, customers = 8450;
    const struct cxm_column k = cxm_column_make("complaints", CXM_I64, &complaints, 1, 8, 8);
    const struct cxm_column m = cxm_column_make("customers", CXM_I64, &customers, 1, 8, 8);
    assert_int_equal(cxm_complaints(&k, &m, NULL, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_close(rows[0].estimate.value, 2.0118343, 3e-8); /* section 2.1 */
    assert_close(rows[0].estimate.lower, 1.1719676, 5e-8);
    assert_close(rows[0].estimate.upper, 3.2211416, 2e-8);
    assert_close(rows[0].estimate.std_error, 1000 * sqrt(17) / 8450, 1e-15);
    assert_int_equal(cxm_contact_rate(&c_reopens, NULL, &all, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_close(rows[0].estimate.value, 3.0 / 12, 1e-15);
    /* sum of squares 5, mean 1/4: variance (5 - 12/16) / 11 */
    assert_close(rows[0].estimate.std_error, sqrt(4.25 / 11 / 12), 1e-14);
    assert_close(rows[1].estimate.value, 2.0 / 12, 1e-15);
}

static struct cxm_tally *resolution_of(const struct cxm_tickets *tickets, double within)
{
    const struct cxm_param param = { "within", &within, 1, NULL, 0 };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("resolution", &param, 1, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_tickets(tally, tickets, NULL), CXM_OK);
    return tally;
}

static struct cxm_tickets tickets(int64_t as_of)
{
    return (struct cxm_tickets){ .size = sizeof(struct cxm_tickets), .opened = &c_opened,
                                 .resolved = &c_resolved, .as_of = as_of };
}

/* Every period, as-of instant and limit: the counts of a loop over the log. */
static void resolution(void **state)
{
    (void)state;
    static const int64_t edges[] = { -5, 0, 1, 60, 61, 120, 200, 300, 470, 480, 500 };
    static const double limits[] = { 0, 5, 30, 60, 340 };
    for (size_t a = 0; a < COUNT_OF(edges); a++) {
        for (size_t s = 0; s < COUNT_OF(edges); s++) {
            for (size_t e = s + 1; e < COUNT_OF(edges); e++) {
                for (size_t w = 0; w < COUNT_OF(limits); w++) {
                    struct cxm_tickets t = tickets(edges[a]);
                    struct cxm_estimate out[6];
                    static const uint32_t all[6] = { 0, 1, 2, 3, 4, 5 };
                    const struct cxm_estimate_options ask = { .size = sizeof ask,
                                                              .measures = all,
                                                              .n_measures = 6 };
                    t.period_start = edges[s];
                    t.period_end = edges[e];
                    int yes = 0, in = 0, came = 0, went = 0;
                    for (int i = 0; i < N; i++) {
                        const int64_t o = opened[i], r = resolved[i];
                        const int64_t limit = (int64_t)limits[w];
                        const bool known = r != INT64_MIN && r <= edges[a];
                        if (o > edges[a])
                            continue;
                        const bool inside = o >= edges[s] && o < edges[e];
                        came += inside;
                        went += known && r >= edges[s] && r < edges[e];
                        if (!inside || (limit > 0 && o + limit > edges[a]))
                            continue;
                        in++;
                        yes += known && (limit == 0 || r <= o + limit);
                    }
                    struct cxm_tally *tally = resolution_of(&t, limits[w]);
                    assert_int_equal(cxm_tally_estimate(tally, &ask, out, sizeof out[0], 6, NULL,
                                                        NULL), CXM_OK);
                    cxm_tally_free(tally);
                    assert_int_equal(out[0].n, in);
                    assert_close(out[0].value, in > 0 ? (double)yes / in : NAN, 1e-15);
                    assert_close(out[1].value, came > 0 ? (double)went / came : NAN, 1e-15);
                    assert_int_equal(out[0].n + out[0].excluded, N);
                }
            }
        }
    }
}

static double measure_of(const struct cxm_report *report, const char *name)
{
    for (size_t i = 0; i < cxm_report_rows(report); i++) {
        if (strcmp(cxm_report_measure(report, i), name) == 0)
            return cxm_report_estimates(report)[i].value;
    }
    return NAN;
}

static void backlog(void **state)
{
    (void)state;
    static const int64_t at[] = { 480, 0, 60, 120, 240, 360 };
    static const double want[] = { 1, 2, 3, 4, 4, 3 };
    struct cxm_report *report = NULL;
    struct cxm_backlog_options o = { CXM_INIT(backlog), .at = at, .n_at = 6, .period_start = 0,
                                     .period_end = 480 };
    assert_int_equal(cxm_backlog(&c_opened, &c_resolved, &o, &report, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(report), 9);
    for (int i = 0; i < 6; i++)
        assert_close(cxm_report_estimates(report)[i].value, want[i], 0);
    assert_close(measure_of(report, "backlog_average"), 3.1958333, 2e-8); /* section 2.6 */
    assert_close(want[5], want[0] + measure_of(report, "opened") - measure_of(report, "resolved"),
                 0);
    cxm_report_free(report);
    /* a period of no length has no average */
    o = (struct cxm_backlog_options){ CXM_INIT(backlog), .period_start = 60, .period_end = 60 };
    assert_int_equal(cxm_backlog(&c_opened, &c_resolved, &o, &report, NULL), CXM_OK);
    assert_string_equal(cxm_report_measure(report, 1), "backlog_average");
    assert_close(cxm_report_estimates(report)[0].value, 2, 0); /* 2 and 4 */
    assert_int_equal(cxm_report_estimates(report)[0].flags, 0);
    assert_close(cxm_report_estimates(report)[1].value, NAN, 0);
    assert_int_equal(cxm_report_estimates(report)[1].flags, CXM_FLAG_NO_DATA);
    cxm_report_free(report);
    /* every channel and every minute, one by one */
    int64_t minutes[500];
    for (int i = 0; i < 500; i++)
        minutes[i] = i;
    o = (struct cxm_backlog_options){ CXM_INIT(backlog), .at = minutes, .n_at = 500,
                                      .by = &c_channel };
    assert_int_equal(cxm_backlog(&c_opened, &c_resolved, &o, &report, NULL), CXM_OK);
    static const char *const names[] = { "chat", "email", "phone" };
    for (size_t row = 0; row < 1500; row++) {
        int open = 0;
        for (int i = 0; i < N; i++)
            open += strcmp(channel[i], names[row / 500]) == 0 && opened[i] <= minutes[row % 500]
                 && !(resolved[i] != INT64_MIN && resolved[i] <= minutes[row % 500]);
        assert_close(cxm_report_estimates(report)[row].value, open, 0);
    }
    cxm_report_free(report);
}

static void standardised(void **state)
{
    (void)state;
    struct cxm_tally *tally = NULL;
    struct cxm_report *report = NULL;
    struct cxm_error error;
    const struct cxm_input inputs[] = { { "escalated", &c_escalated }, { "by", &c_channel } };
    assert_int_equal(cxm_tally_new("escalation", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    const double shares[] = { 0.5, 0.3, 0.2 }, wrong[] = { 0.5, 0.3, 0.1 };
    assert_int_equal(cxm_standardise(tally, shares, 3, NULL, &report, &error), CXM_OK);
    const struct cxm_estimate *e = cxm_report_estimates(report);
    assert_close(e[0].value, 0.3 * 2 / 5 + 0.2 / 3, 1e-15);
    /* V = sum w^2 p q / n */
    assert_close(e[0].std_error, sqrt(0.09 * 0.4 * 0.6 / 5 + 0.04 * (2.0 / 9) / 3), 1e-14);
    assert_int_equal(cxm_report_rows(report), 4);
    cxm_report_free(report);
    assert_int_equal(cxm_standardise(tally, wrong, 3, NULL, &report, &error), CXM_EINVAL);
    assert_int_equal(cxm_standardise(tally, shares, 2, NULL, &report, &error), CXM_EINVAL);
    const struct cxm_standardise_options other = { CXM_INIT(standardise), .measure = "nps" };
    assert_int_equal(cxm_standardise(tally, shares, 3, &other, &report, &error), CXM_EINVAL);
    assert_string_equal(error.column, "measure");
    cxm_tally_free(tally);
}

/* 9 promoters and 1 detractor in either group: 80, of which 80 + 1.96 sqrt(36 / 20) 10 lies above 100. */
static void standardised_score_on_its_scale(void **state)
{
    (void)state;
    static const uint8_t score[] = { 10, 10, 10, 10, 10, 10, 10, 10, 10, 0 };
    const uint8_t group[] = { 1, 2 };
    struct cxm_tally *tally = NULL;
    struct cxm_report *report = NULL;
    const struct cxm_standardise_options means = { CXM_INIT(standardise), .measure = "mean" };
    const double halves[] = { 0.5, 0.5 }, rounded[] = { 0.4999996, 0.4999996 };
    const struct cxm_column c = CXM_ARRAY_AS(CXM_U8, score, 10);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    for (int g = 0; g < 2; g++) {
        const struct cxm_column by = cxm_column_make("by", CXM_U8, &group[g], 10, 0, 1);
        const struct cxm_input inputs[] = { { "score", &c }, { "by", &by } };
        assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    }
    for (int i = 0; i < 2; i++) { /* shares that were rounded are made whole */
        assert_int_equal(cxm_standardise(tally, i == 0 ? halves : rounded, 2, NULL, &report, NULL), CXM_OK);
        const struct cxm_estimate *e = cxm_report_estimates(report);
        assert_close(e->value, 80, 1e-15);
        assert_close(e->std_error, 10 * sqrt(1.8), 1e-15);
        assert_close(e->upper_raw, 80 + 1.959963984540054 * 10 * sqrt(1.8), 1e-14);
        assert_true(e->upper == 100 && e->lower == e->lower_raw);
        assert_int_equal(e->flags, CXM_FLAG_CLIPPED | CXM_FLAG_SMALL_N);
        cxm_report_free(report);
    }
    /* 9 ± 1.96 sqrt(9 / 9 / 2) on 0 to 10 */
    assert_int_equal(cxm_standardise(tally, halves, 2, &means, &report, NULL), CXM_OK);
    assert_close(cxm_report_estimates(report)->upper_raw, 9 + 1.959963984540054 * sqrt(0.5), 1e-14);
    assert_true(cxm_report_estimates(report)->upper == 10);
    cxm_report_free(report);
    cxm_tally_free(tally);
}

/* Three shops with an answer in each of two groups, and the same one: the groups vary together, so
 * the error is that of one of them, sqrt(3 / 2 (1 / 9)^2 (1 + 4 + 1)) = 1/3, with 3 - 1 degrees. */
static void standardised_under_a_design(void **state)
{
    (void)state;
    static const uint8_t yes[] = { 1, 1, 0, 0, 1, 1 }, group[] = { 1, 2, 1, 2, 1, 2 };
    static const int32_t shop[] = { 1, 1, 2, 2, 3, 3 };
    const struct cxm_column c = CXM_ARRAY_AS(CXM_U8, yes, 6), by = CXM_ARRAY_AS(CXM_U8, group, 6);
    const struct cxm_column cluster = CXM_ARRAY_AS(CXM_I32, shop, 6);
    const struct cxm_input inputs[] = { { "numerator", &c }, { "by", &by }, { "cluster", &cluster } };
    const double shares[] = { 0.25, 0.75 };
    struct cxm_tally *tally = NULL;
    struct cxm_report *report = NULL;
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_standardise(tally, shares, 2, NULL, &report, NULL), CXM_OK);
    const struct cxm_estimate *e = cxm_report_estimates(report);
    for (int i = 0; i < 3; i++) {
        assert_close(e[i].value, 2.0 / 3, 1e-15);
        assert_close(e[i].std_error, 1.0 / 3, 1e-14);
    }
    assert_close(e->df, 2, 0);
    assert_int_equal(e->interval, CXM_INTERVAL_T);
    assert_close(e->lower_raw, 2.0 / 3 - 0.95 / sqrt(0.04875) / 3, 1e-13); /* t with 2 degrees */
    assert_true(e->lower == 0 && e->upper == 1);
    cxm_report_free(report);
    cxm_tally_free(tally);
}

static void wrong_arguments(void **state)
{
    (void)state;
    struct cxm_report *report = NULL;
    struct cxm_error error;
    struct cxm_backlog_options o = { CXM_INIT(backlog) };
    assert_int_equal(cxm_backlog(&c_opened, &c_resolved, &o, &report, &error), CXM_EINVAL);
    const int64_t at = 100;
    o.at = &at, o.n_at = 1, o.as_of = 99, o.has_as_of = 1;
    assert_int_equal(cxm_backlog(&c_opened, &c_resolved, &o, &report, &error), CXM_EINVAL);
    o.has_as_of = 0;
    assert_int_equal(cxm_backlog(&c_opened, NULL, &o, &report, &error), CXM_EINVAL);
    assert_int_equal(cxm_backlog(&c_channel, &c_resolved, &o, &report, &error), CXM_EINVAL);
    assert_string_equal(error.column, "opened");
    o.invalid = 2;
    assert_int_equal(cxm_backlog(&c_opened, &c_resolved, &o, &report, &error), CXM_EINVAL);
    assert_string_equal(error.column, "invalid");
    struct cxm_tickets t = tickets(480);
    struct cxm_tally *tally = resolution_of(&t, 0);
    t.period_start = 5, t.period_end = 4;
    assert_int_equal(cxm_tally_add_tickets(tally, &t, &error), CXM_EINVAL);
    t = tickets(480);
    t.invalid = 2;
    assert_int_equal(cxm_tally_add_tickets(tally, &t, &error), CXM_EINVAL);
    assert_string_equal(error.column, "invalid");
    t = tickets(480);
    t.reserved = 1;
    assert_int_equal(cxm_tally_add_tickets(tally, &t, &error), CXM_EINVAL);
    t = tickets(480);
    struct cxm_column days = c_opened;
    days.time_unit = CXM_DAYS;
    opened[7] = INT64_MAX / 2;
    t.opened = &days;
    assert_int_equal(cxm_tally_add_tickets(tally, &t, &error), CXM_EDATA);
    assert_int_equal(error.row, 7);
    t.invalid = CXM_INVALID_COUNT;
    assert_int_equal(cxm_tally_add_tickets(tally, &t, &error), CXM_OK);
    opened[7] = 240;
    cxm_tally_free(tally);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    t = tickets(480);
    assert_int_equal(cxm_tally_add_tickets(tally, &t, &error), CXM_EINVAL);
    cxm_tally_free(tally);
}

/* ---- memory --------------------------------------------------------------------------- */

static enum cxm_status call_backlog(void)
{
    static const int64_t at[] = { 3, 200 };
    struct cxm_report *report = NULL;
    const struct cxm_backlog_options o = { CXM_INIT(backlog), .at = at, .n_at = 2,
                                           .period_start = 10, .period_end = 90,
                                           .by = &c_channel };
    const enum cxm_status status = cxm_backlog(&c_opened, &c_resolved, &o, &report, NULL);
    cxm_report_free(report);
    return status;
}

static enum cxm_status call_standardise(void)
{
    struct cxm_tally *tally = NULL;
    struct cxm_report *report = NULL;
    const struct cxm_input inputs[] = { { "escalated", &c_escalated }, { "by", &c_channel } };
    const double shares[] = { 0.5, 0.3, 0.2 };
    enum cxm_status status = cxm_tally_new("escalation", NULL, 0, NULL, &tally, NULL);
    if (status == CXM_OK)
        status = cxm_tally_add(tally, inputs, 2, NULL, NULL);
    if (status == CXM_OK)
        status = cxm_standardise(tally, shares, 3, NULL, &report, NULL);
    cxm_report_free(report);
    cxm_tally_free(tally);
    return status;
}

static enum cxm_status call_resolution(void)
{
    struct cxm_tally *tally = NULL;
    struct cxm_tickets t = tickets(480);
    t.by = &c_channel;
    enum cxm_status status = cxm_tally_new("resolution", NULL, 0, NULL, &tally, NULL);
    if (status == CXM_OK)
        status = cxm_tally_add_tickets(tally, &t, NULL);
    cxm_tally_free(tally);
    return status;
}

static enum cxm_status call_fcr_km(void)
{
    struct cxm_report *report = NULL;
    const struct cxm_contacts c = { .size = sizeof c, .customer = &c_channel,
                                    .opened = &c_opened, .resolved = &c_resolved,
                                    .by = &c_channel, .as_of = 480 };
    const enum cxm_status status = cxm_fcr_km(&c, 60, NULL, &report, NULL);
    cxm_report_free(report);
    return status;
}

static enum cxm_status call_fcr_window(void)
{
    struct cxm_row rows[6];
    const struct cxm_contacts c = { .size = sizeof c, .customer = &c_channel,
                                    .opened = &c_opened, .resolved = &c_resolved,
                                    .as_of = 480 };
    return cxm_fcr_window(&c, 60, NULL, CXM_ROWS(rows), NULL, NULL);
}

static void out_of_memory(void **state)
{
    (void)state;
    assert_survives_no_memory(call_backlog);
    assert_survives_no_memory(call_standardise);
    assert_survives_no_memory(call_resolution);
    assert_survives_no_memory(call_fcr_km);
    assert_survives_no_memory(call_fcr_window);
}

/* ---- breakdowns ----------------------------------------------------------------------- */

/* Section 2.6: phone 3 (.25), email 5 (.4167), chat 4 (.3333) of 12. */
static void channels_of_the_definitions(void **state)
{
    (void)state;
    static const char *const names[] = { "phone", "email", "chat", "email", "chat", "email",
                                           "phone", "phone", "email", "chat", "email", "chat" };
    static const uint8_t yes[] = { 1, 1, 0, 1, 2, 1, 1, 0, 1, 1, 1, 2 }; /* 2: missing, counted */
    static const int32_t week[] = { 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2 };
    static const struct { const char *key; int64_t count, rank; } want[] = {
        { "email", 5, 1 }, { "chat", 4, 2 }, { "phone", 3, 3 },
    };
    struct cxm_column answer = cxm_column_make("yes", CXM_U8, yes, 12, 1, 1);
    const struct cxm_column weeks = cxm_column_make("week", CXM_I32, week, 12, 4, 4);
    struct cxm_column by = CXM_ARRAY(names, 12);
    struct cxm_tally *tally = NULL;
    struct cxm_report *r = NULL;
    struct cxm_error error;
    struct cxm_row row;
    answer.sentinel = 2;
    answer.flags = CXM_COLUMN_SENTINEL;
    by.name = "channel";
    const struct cxm_input inputs[] = { { "numerator", &answer }, { "by", &by } };
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, inputs, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_breakdown(tally, NULL, &r, &error), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 3);
    double sum = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct cxm_estimate *e = &cxm_report_estimates(r)[i];
        assert_int_equal(cxm_report_row(r, i, &row), CXM_OK);
        assert_string_equal(row.group, want[i].key);
        assert_close(e->value, (double)want[i].count / 12, 1e-15);
        assert_int_equal(e->n, 12);
        assert_int_equal(cxm_report_ints(r, 0)[i], want[i].count);
        assert_int_equal(cxm_report_ints(r, 1)[i], want[i].rank);
        assert_close(cxm_report_reals(r, 2)[i], sum += e->value, 1e-15);
    }
    /* Wilson of 5/12 by hand: (p + z^2/24 ± z sqrt(p q/12 + z^2/576)) / (1 + z^2/12) */
    const double p = 5.0 / 12, z = 1.959963984540054;
    const double half = z * sqrt(p * (1 - p) / 12 + z * z / 576) / (1 + z * z / 12);
    assert_close(cxm_report_estimates(r)[0].lower, (p + z * z / 24) / (1 + z * z / 12) - half,
                 1e-14);
    cxm_report_free(r);
    r = NULL;
    struct cxm_breakdown_options o = { CXM_INIT(breakdown), .order = CXM_BREAKDOWN_BY_KEY,
                                       .interval = CXM_INTERVAL_NONE };
    assert_int_equal(cxm_breakdown(tally, &o, &r, &error), CXM_OK);
    assert_int_equal(cxm_report_ints(r, 1)[0], 2); /* chat */
    assert_true(isnan(cxm_report_estimates(r)[0].lower));
    cxm_report_free(r);
    r = NULL;
    o.interval = CXM_INTERVAL_T;
    assert_int_equal(cxm_breakdown(tally, &o, &r, &error), CXM_EINVAL);
    o = (struct cxm_breakdown_options){ CXM_INIT(breakdown), .n_within = 1 };
    assert_int_equal(cxm_breakdown(tally, &o, &r, &error), CXM_EINVAL);
    o = (struct cxm_breakdown_options){ CXM_INIT(breakdown), .order = 2 };
    assert_int_equal(cxm_breakdown(tally, &o, &r, &error), CXM_EINVAL);
    o = (struct cxm_breakdown_options){ CXM_INIT(breakdown), .level = 95 };
    assert_int_equal(cxm_breakdown(tally, &o, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_breakdown(NULL, NULL, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_breakdown(tally, NULL, NULL, &error), CXM_EINVAL);
    struct cxm_tally *empty = NULL;
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &empty, NULL), CXM_OK);
    o = (struct cxm_breakdown_options){ CXM_INIT(breakdown), .interval = 99 };
    assert_int_equal(cxm_breakdown(empty, &o, &r, &error), CXM_EINVAL); /* of no rows too */
    cxm_tally_free(empty);
    assert_null(r);
    cxm_tally_free(tally);
    /* By week: phone 1, email 3, chat 2 and phone 2, email 2, chat 2, each of 6. */
    const struct cxm_input two[] = { { "numerator", &answer }, { "by", &weeks }, { "by", &by } };
    o = (struct cxm_breakdown_options){ CXM_INIT(breakdown), .n_within = 1 };
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_breakdown(tally, NULL, &r, &error), CXM_OK); /* no rows yet */
    assert_int_equal(cxm_report_rows(r), 1);
    assert_true(isnan(cxm_report_estimates(r)->value));
    assert_true(cxm_report_estimates(r)->flags & CXM_FLAG_NO_DATA);
    cxm_report_free(r);
    assert_int_equal(cxm_tally_add(tally, two, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_breakdown(tally, &o, &r, &error), CXM_OK);
    static const int64_t counts[] = { 3, 2, 1, 2, 2, 2 }, ranks[] = { 1, 2, 3, 1, 1, 1 };
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(cxm_report_ints(r, 0)[i], counts[i]);
        assert_int_equal(cxm_report_ints(r, 1)[i], ranks[i]);
        assert_int_equal(cxm_report_estimates(r)[i].n, 6);
    }
    assert_close(cxm_report_reals(r, 2)[5], 1, 0);
    cxm_report_free(r);
    cxm_tally_free(tally);
    /* All of them: the log odds have no limits, and none were clipped. */
    const int8_t same[12] = { 0 };
    const struct cxm_column only = CXM_ARRAY(same, 12);
    const struct cxm_input alone[] = { { "numerator", &answer }, { "by", &only } };
    o = (struct cxm_breakdown_options){ CXM_INIT(breakdown), .interval = CXM_INTERVAL_LOGIT };
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, alone, 2, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_breakdown(tally, &o, &r, &error), CXM_OK);
    const struct cxm_estimate *all = cxm_report_estimates(r);
    assert_true(all->value == 1 && isnan(all->lower) && isnan(all->upper));
    assert_false(all->flags & CXM_FLAG_CLIPPED);
    cxm_report_free(r);
    cxm_tally_free(tally);
    /* Weights are no counts. */
    const double weight[12] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2 };
    const struct cxm_column w = CXM_ARRAY(weight, 12);
    const struct cxm_input weighted[] = { { "numerator", &answer }, { "by", &by }, { "weight", &w } };
    r = NULL;
    assert_int_equal(cxm_tally_new("share", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add(tally, weighted, 3, NULL, NULL), CXM_OK);
    assert_int_equal(cxm_breakdown(tally, NULL, &r, &error), CXM_EUNSUPPORTED);
    assert_null(r);
    cxm_tally_free(tally);
}

/* ---- contacts of a log ------------------------------------------------------------------ */

static void contacts_of_a_log(void **state)
{
    (void)state;
    static const char *const log[] = { "b", "c", NULL, "b", "x", "b" };
    static const char *const list[] = { "a", "b", NULL, "c" }, *const twice[] = { "a", "b", "a" };
    static const int64_t want[] = { 0, 3, INT64_MIN, 1 }, numbers[] = { 3, -1, 3, 8 };
    static const int64_t ids[] = { 8, 3, -1 }, of_ids[] = { 1, 2, 1 };
    const struct cxm_column customer = CXM_ARRAY(log, 6), active = CXM_ARRAY(list, 4),
                            doubled = CXM_ARRAY(twice, 3), whole = CXM_ARRAY(numbers, 4),
                            whole_list = CXM_ARRAY(ids, 3), none = CXM_ARRAY(log, 0);
    int64_t contacts[4], unlinked = 0;
    struct cxm_error error;
    assert_int_equal(cxm_contact_counts(&customer, &active, contacts, &unlinked, NULL, &error),
                     CXM_OK);
    assert_memory_equal(contacts, want, sizeof want);
    assert_int_equal(unlinked, 2); /* without an id, and x */
    assert_int_equal(cxm_contact_counts(&whole, &whole_list, contacts, NULL, NULL, &error), CXM_OK);
    assert_memory_equal(contacts, of_ids, sizeof of_ids);
    assert_int_equal(cxm_contact_counts(&none, &active, contacts, &unlinked, NULL, &error), CXM_OK);
    assert_int_equal(contacts[1] + unlinked, 0);
    assert_int_equal(cxm_contact_counts(&customer, &none, contacts, &unlinked, NULL, &error),
                     CXM_OK);
    assert_int_equal(unlinked, 6);
    assert_int_equal(cxm_contact_counts(&customer, &doubled, contacts, NULL, NULL, &error),
                     CXM_EDATA);
    assert_int_equal(error.row, 2);
    assert_string_equal(error.value, "a");
    assert_int_equal(cxm_contact_counts(&customer, &whole_list, contacts, NULL, NULL, &error),
                     CXM_EINVAL);
    assert_int_equal(cxm_contact_counts(NULL, &active, contacts, NULL, NULL, &error), CXM_EINVAL);
}

static enum cxm_status call_contact_counts(void)
{
    static const char *const log[] = { "b", "c" };
    const struct cxm_column ids = CXM_ARRAY(log, 2);
    int64_t contacts[2];
    return cxm_contact_counts(&ids, &ids, contacts, NULL, NULL, NULL);
}

static void no_memory_for_logs(void **state)
{
    (void)state;
    assert_survives_no_memory(call_contact_counts);
}

/* Two months less one that never was in: the counters of rows agree, fewer than no complaints are
 * left. So may forged bytes say; there is no such rate, and no limits that could be searched for ever. */
static void less_than_no_complaints(void **state)
{
    static const int64_t events[2][2] = { { 1, 1 }, { INT64_C(1) << 53, 0 } };
    static const int64_t customers[2] = { 10, 10 };
    (void)state;
    struct cxm_tally *tallies[2] = { NULL, NULL };
    for (size_t i = 0; i < 2; i++) {
        const struct cxm_column k = cxm_column_make(NULL, CXM_I64, events[i], 2 - i, 8, 8);
        const struct cxm_column m = cxm_column_make(NULL, CXM_I64, customers, 2 - i, 8, 8);
        const struct cxm_input inputs[] = { { "complaints", &k }, { "customers", &m } };
        assert_int_equal(cxm_tally_new("complaints", NULL, 0, NULL, &tallies[i], NULL), CXM_OK);
        assert_int_equal(cxm_tally_add(tallies[i], inputs, 2, NULL, NULL), CXM_OK);
    }
    assert_int_equal(cxm_tally_subtract(tallies[0], tallies[1], NULL), CXM_OK);
    const uint32_t headline = 0;
    const struct cxm_estimate_options options = { .size = sizeof options, .measures = &headline,
                                                  .n_measures = 1 };
    struct cxm_estimate got;
    assert_int_equal(cxm_tally_estimate(tallies[0], &options, &got, sizeof got, 1, NULL, NULL),
                     CXM_OK);
    assert_true(isnan(got.value) && isnan(got.lower) && isnan(got.upper));
    assert_true((got.flags & CXM_FLAG_NO_DATA) != 0);
    cxm_tally_free(tallies[0]);
    cxm_tally_free(tallies[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(less_than_no_complaints),
        cmocka_unit_test(ratios),          cmocka_unit_test(resolution),
        cmocka_unit_test(backlog),         cmocka_unit_test(standardised),
        cmocka_unit_test(standardised_score_on_its_scale),
        cmocka_unit_test(standardised_under_a_design),
        cmocka_unit_test(channels_of_the_definitions),
        cmocka_unit_test(wrong_arguments), cmocka_unit_test(contacts_of_a_log),
        cmocka_unit_test(no_memory_for_logs),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, load_example, NULL);
}
