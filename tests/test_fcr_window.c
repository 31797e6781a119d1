/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * First-contact resolution by a window: the worked example of the definitions under every
 * setting, each edge of the checklist by name, and random contacts against the obvious program
 * that compares every contact with every other one. */
#include "testing.h"

#include <cxm/cxm.h>

enum { DAY = 86400, MOST = 64, NOT_KNOWN = -1 };

/* ---- the worked example --------------------------------------------------------------- */

/* Days times 10; resolved -1: open. */
static const struct contact {
    char customer, category;
    int opened, resolved;
} example[15] = {
    { 'A', 'b', 0, 5 },     { 'A', 'b', 50, 52 },   { 'A', 't', 60, 80 },   { 'B', 'b', 20, 20 },
    { 'B', 'b', 90, 95 },   { 'C', 't', 10, 40 },   { 'C', 't', 30, 35 },   { 'D', 't', 100, -1 },
    { 'D', 't', 200, 210 }, { 'E', 'b', 260, 265 }, { 'F', 't', 250, 251 }, { 'F', 't', 270, 272 },
    { 'G', 'b', 120, 110 }, { 'H', 'b', 150, 155 }, { 'H', 'b', 150, 160 },
};

/* Contacts as columns. */
struct table {
    size_t n;
    uint8_t customer[MOST], category[MOST], channel[MOST]; /* 0 is missing */
    int64_t opened[MOST], resolved[MOST];                  /* INT64_MIN is missing */
    struct cxm_column columns[5];
};

static void link_columns(struct table *t)
{
    t->columns[0] = cxm_column_make("customer", CXM_U8, t->customer, t->n, 1, 1);
    t->columns[1] = cxm_column_make("opened", CXM_I64, t->opened, t->n, 8, 8);
    t->columns[2] = cxm_column_make("resolved", CXM_I64, t->resolved, t->n, 8, 8);
    t->columns[3] = cxm_column_make("category", CXM_U8, t->category, t->n, 1, 1);
    t->columns[4] = cxm_column_make("channel", CXM_U8, t->channel, t->n, 1, 1);
    for (int c = 0; c < 4; c += 3) {
        t->columns[c].sentinel = 0;
        t->columns[c].flags = CXM_COLUMN_SENTINEL;
    }
}

static void load_example(struct table *t)
{
    memset(t, 0, sizeof *t);
    t->n = 15;
    for (size_t i = 0; i < t->n; i++) {
        t->customer[i] = (uint8_t)example[i].customer;
        t->category[i] = (uint8_t)example[i].category;
        t->opened[i] = example[i].opened * (DAY / 10);
        t->resolved[i] = example[i].resolved < 0 ? INT64_MIN : example[i].resolved * (DAY / 10);
    }
    link_columns(t);
}

static struct cxm_contacts contacts_of(const struct table *t, bool category, int64_t as_of)
{
    return (struct cxm_contacts){ .size = sizeof(struct cxm_contacts),
                                  .customer = &t->columns[0], .opened = &t->columns[1],
                                  .resolved = &t->columns[2],
                                  .category = category ? &t->columns[3] : NULL,
                                  .as_of = as_of };
}

/* Measure `name` among rows of all measures. */
static struct cxm_estimate find(const struct cxm_row *rows, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rows[i].measure, name) == 0)
            return rows[i].estimate;
    }
    fail_msg("there is no measure %s", name);
    return rows[0].estimate;
}

static const struct setting {
    const char *name;
    struct cxm_fcr_window_options options;
    bool no_category;
    int fcr, denominator;
    const char *states; /* by row; F fcr, R repeat, P pending, E early, O open, B bad */
    const char *definition;
} settings[] = {
    { "default", { CXM_INIT(fcr_window) }, false, 7, 10, "RFFRFRFOFPEPBFF",
      "fcr/window=7d/key=customer+category/from=resolution" },
    { "early repeats kept", { CXM_INIT(fcr_window), .denominator = CXM_FCR_KEEP_EARLY_REPEATS },
      false, 7, 11, "RFFRFRFOFPEPBFF",
      "fcr/window=7d/key=customer+category/from=resolution/with=early-repeats" },
    { "pending as success", { CXM_INIT(fcr_window), .denominator = CXM_FCR_PENDING_AS_SUCCESS },
      false, 9, 13, "RFFRFRFOFPEPBFF",
      "fcr/window=7d/key=customer+category/from=resolution/with=pending-as-success" },
    { "all", { CXM_INIT(fcr_window), .denominator = CXM_FCR_ALL }, false, 7, 11,
      "RFFRFRFOFPEPBFF", "fcr/window=7d/key=customer+category/from=resolution/of=all" },
    { "category ignored", { CXM_INIT(fcr_window) }, true, 6, 10, "RRFRFRFOFPEPBFF",
      "fcr/window=7d/key=customer/from=resolution" },
    { "ignored, early kept",
      { CXM_INIT(fcr_window), .denominator = CXM_FCR_KEEP_EARLY_REPEATS }, true, 6, 11,
      "RRFRFRFOFPEPBFF", NULL },
    { "ignored, pending as success",
      { CXM_INIT(fcr_window), .denominator = CXM_FCR_PENDING_AS_SUCCESS }, true, 8, 13,
      "RRFRFRFOFPEPBFF", NULL },
    { "from the opening", { CXM_INIT(fcr_window), .anchor = CXM_FCR_FROM_OPENING }, false, 8, 11,
      "RFFRFRFFFPEPBFF", "fcr/window=7d/key=customer+category/from=opening" },
    { "opening, early kept",
      { CXM_INIT(fcr_window), .anchor = 1, .denominator = CXM_FCR_KEEP_EARLY_REPEATS }, false, 8,
      12, "RFFRFRFFFPEPBFF", NULL },
    { "opening, pending as success",
      { CXM_INIT(fcr_window), .anchor = 1, .denominator = CXM_FCR_PENDING_AS_SUCCESS }, false,
      10, 14, "RFFRFRFFFPEPBFF", NULL },
    { "open right end", { CXM_INIT(fcr_window), .right_open = 1 }, false, 8, 10,
      "RFFFFRFOFPEPBFF", "fcr/window=7d/key=customer+category/from=resolution/right=open" },
    { "open end, early kept",
      { CXM_INIT(fcr_window), .right_open = 1, .denominator = CXM_FCR_KEEP_EARLY_REPEATS },
      false, 8, 11, "RFFFFRFOFPEPBFF", NULL },
    { "open end, pending as success",
      { CXM_INIT(fcr_window), .right_open = 1, .denominator = CXM_FCR_PENDING_AS_SUCCESS },
      false, 10, 13, "RFFFFRFOFPEPBFF", NULL },
    /* 6 was repeated while it was open: by 7, which is before its resolution on day 4 */
    { "after the resolution only", { CXM_INIT(fcr_window), .after_only = 1 }, false, 8, 10,
      "RFFRFFFOFPEPBFF", "fcr/window=7d/key=customer+category/from=resolution/after-only" },
    /* First contacts only: 2 follows 1 by 5 days, 5 follows 4 by exactly 7, 7 and 12 by 2. */
    { "none in the week before", { CXM_INIT(fcr_window), .lookback = 7 * DAY }, false, 4, 7,
      "RFFRFRFOFPEPBFF",
      "fcr/window=7d/key=customer+category/from=resolution/first-since=7d" },
    { "none in a day short of it", { CXM_INIT(fcr_window), .lookback = 7 * DAY - 1 }, false, 5, 8,
      "RFFRFRFOFPEPBFF",
      "fcr/window=7d/key=customer+category/from=resolution/first-since=604799s" },
};

static void worked_example(void **state)
{
    const struct setting *s = *state;
    struct table t;
    struct cxm_row rows[20];
    size_t n = 0;
    uint8_t states[15];
    load_example(&t);
    struct cxm_contacts c = contacts_of(&t, !s->no_category, 30 * DAY);
    struct cxm_fcr_window_options options = s->options;
    c.states = states;
    options.all_measures = 1;
    assert_int_equal(cxm_fcr_window(&c, 7 * DAY, &options, CXM_ROWS(rows), &n, NULL), CXM_OK);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal("FRPEOBUL"[states[i]], s->states[i]);
    const struct cxm_estimate fcr = find(rows, n, "fcr");
    assert_close(fcr.value, (double)s->fcr / s->denominator, 1e-15);
    assert_int_equal(fcr.n, s->denominator);
    assert_int_equal(fcr.n + fcr.missing + fcr.invalid + fcr.excluded, 15);
    assert_close(find(rows, n, "successes").value, s->fcr, 0);
    assert_close(find(rows, n, "denominator").value, s->denominator, 0);
    assert_close(find(rows, n, "repeat").value, 1 - (double)s->fcr / s->denominator, 1e-15);
    if (s->definition != NULL)
        assert_string_equal(rows[0].definition, s->definition);
}

/* Section 1.2: issue level 2/5; cluster se of 0.70 0.0987420883, naive 0.1449137675. */
static void issues_and_errors(void **state)
{
    (void)state;
    struct table t;
    struct cxm_row rows[20];
    size_t n = 0;
    load_example(&t);
    const struct cxm_contacts c = contacts_of(&t, true, 30 * DAY);
    struct cxm_fcr_window_options options = { CXM_INIT(fcr_window), .all_measures = 1 };
    assert_int_equal(cxm_fcr_window(&c, 7 * DAY, &options, CXM_ROWS(rows), &n, NULL), CXM_OK);
    const struct cxm_estimate issue = find(rows, n, "issue_fcr"), fcr = find(rows, n, "fcr");
    assert_close(issue.value, 0.4, 1e-15);
    assert_int_equal(issue.n, 5);
    assert_int_equal(issue.base, CXM_BASE_ISSUES);
    assert_int_equal(issue.n + issue.missing + issue.invalid + issue.excluded, 15);
    assert_close(find(rows, n, "issue_successes").value, 2, 0);
    assert_close(find(rows, n, "issue_denominator").value, 5, 0);
    assert_close(fcr.std_error, 0.0987420883, 5e-10);
    assert_int_equal(fcr.interval, CXM_INTERVAL_T);
    assert_close(fcr.df, 4, 0);
    /* t_4(0.975) = 2.7764451052 */
    assert_close(fcr.upper, 0.7 + 2.7764451052 * 0.0987420883, 1e-9);
    assert_close(find(rows, n, "customers").value, 5, 0);
    assert_close(find(rows, n, "pending").value, 2, 0);
    assert_close(find(rows, n, "early_repeat").value, 1, 0);
    assert_close(find(rows, n, "open").value, 1, 0);
    assert_close(find(rows, n, "bad").value, 1, 0);
    assert_close(find(rows, n, "unseen").value, 0, 0);
    assert_close(find(rows, n, "repeat").std_error, 0.0987420883, 5e-10);
    options.interval = CXM_INTERVAL_WILSON;
    options.all_measures = 0;
    assert_int_equal(cxm_fcr_window(&c, 7 * DAY, &options, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_close(rows[0].estimate.std_error, 0.1449137675, 5e-10);
    assert_close(rows[0].estimate.lower, 0.39677815, 2e-8); /* Wilson of 7/10, section 0 */
    assert_close(rows[0].estimate.upper, 0.89220873, 2e-8);
}

/* Section 1.2: S(7) = 0.6581196581, se 0.1407392325 (n = 13; R survfit). */
static void survival_version(void **state)
{
    (void)state;
    struct table t;
    struct cxm_report *report = NULL;
    load_example(&t);
    struct cxm_contacts c = contacts_of(&t, true, 30 * DAY);
    assert_int_equal(cxm_fcr_km(&c, 7 * DAY, NULL, &report, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(report), 1);
    const struct cxm_estimate *e = cxm_report_estimates(report);
    assert_close(e->value, 0.6581196581, 1e-10);
    assert_close(e->std_error, 0.1407392325, 1e-9);
    assert_int_equal(e->n, 13);
    assert_int_equal(e->n + e->missing + e->invalid + e->excluded, 15);
    /* log-log by hand: S ^ exp(± 1.959964 se / (S log S)) */
    const double spread = 1.959963984540054 * 0.1407392325 / (0.6581196581 * log(0.6581196581));
    assert_close(e->lower, pow(0.6581196581, exp(-spread)), 1e-8);
    assert_close(e->upper, pow(0.6581196581, exp(spread)), 1e-8);
    assert_string_equal(cxm_report_definition(report, 0),
                        "fcr/window=7d/key=customer+category/from=resolution/km");
    cxm_report_free(report);
    /* First contacts of a week: 1 (4.5 d), 4 (7 d), 6 (0 d) and 11 (1.9 d) are repeated; 3, 9, 14
     * and 15 are not; 10 was watched for 3.5 days. S = 8/9 7/8 6/7 4/5. */
    const struct cxm_fcr_window_options first = { CXM_INIT(fcr_window), .lookback = 7 * DAY };
    assert_int_equal(cxm_fcr_km(&c, 7 * DAY, &first, &report, NULL), CXM_OK);
    e = cxm_report_estimates(report);
    assert_int_equal(e->n, 9);
    assert_int_equal(cxm_report_ints(report, (size_t)cxm_report_find_axis(report, "events"))[0], 4);
    assert_close(e->value, 8.0 / 9 * 7 / 8 * (1 - 1.0 / 6) * (1 - 1.0 / 5), 1e-14);
    cxm_report_free(report);
    c.by = &t.columns[3];
    assert_int_equal(cxm_fcr_km(&c, 7 * DAY, NULL, &report, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(report), 2);
    e = cxm_report_estimates(report);
    /* b: 1 (4.5 d), 4 (7 d) repeated, 2, 5, 10, 14, 15 not; 10 was watched for 3.5 d only */
    assert_int_equal(e[0].n, 7);
    assert_close(e[0].value, (1 - 1.0 / 6) * (1 - 1.0 / 5), 1e-14);
    /* t: 6 (0 d), 11 (1.9 d) of 3, 6, 7, 9, 11, 12; 12 was watched for 2.8 d */
    assert_int_equal(e[1].n, 6);
    assert_close(e[1].value, (1 - 1.0 / 6) * (1 - 1.0 / 5), 1e-14);
    cxm_report_free(report);
    /* Both together, without those of the groups that come after. */
    const struct cxm_fcr_window_options total = { CXM_INIT(fcr_window), .total = 1 };
    assert_int_equal(cxm_fcr_km(&c, 7 * DAY, &total, &report, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(report), 3);
    e = cxm_report_estimates(report);
    assert_int_equal(e[2].n, 13);
    assert_close(e[2].value, 0.6581196581, 1e-10);
    assert_close(e[2].std_error, 0.1407392325, 1e-9);
    cxm_report_free(report);
    const struct cxm_fcr_window_options wrong = { CXM_INIT(fcr_window),
                                                  .interval = CXM_INTERVAL_WILSON };
    assert_int_equal(cxm_fcr_km(&c, 7 * DAY, &wrong, &report, NULL), CXM_EINVAL);
}

/* Nobody was watched for the whole window: what would have come is not known (as R's survfit, whose
 * curve ends there). */
static void no_survival_beyond_the_last_time(void **state)
{
    (void)state;
    static const int64_t opened[] = { 0, 0, 0, DAY };
    static const int32_t customers[] = { 1, 2, 3, 1 };
    const struct cxm_column columns[] = {
        cxm_column_make("customer", CXM_I32, customers, 4, 4, 4),
        cxm_column_make("opened", CXM_I64, opened, 4, 8, 8),
    };
    struct cxm_contacts c = { .size = sizeof c, .customer = &columns[0], .opened = &columns[1],
                              .resolved = &columns[1] };
    /* The time of 1 ends after a day with a repeat; 2 and 3 are watched until as_of. */
    static const struct {
        int64_t as_of, window;
        int right_open;
        double value;
    } rows[] = {
        { 2 * DAY, 2 * DAY, 0, 0.75 },       { 2 * DAY, 2 * DAY, 1, 0.75 },
        { 2 * DAY, 2 * DAY + 1, 0, NAN },    { 2 * DAY, 2 * DAY + 1, 1, NAN },
        { 2 * DAY, DAY, 0, 0.75 },           { 2 * DAY, DAY, 1, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct cxm_fcr_window_options o = { CXM_INIT(fcr_window),
                                                  .right_open = rows[i].right_open };
        struct cxm_report *report = NULL;
        c.as_of = rows[i].as_of;
        assert_int_equal(cxm_fcr_km(&c, rows[i].window, &o, &report, NULL), CXM_OK);
        const struct cxm_estimate *e = cxm_report_estimates(report);
        const bool known = !isnan(rows[i].value);
        assert_int_equal(e->n, 4);
        assert_close(e->value, rows[i].value, 1e-15);
        assert_int_equal((e->flags & CXM_FLAG_CENSORED) != 0, !known);
        assert_int_equal(isnan(e->std_error), !known);
        assert_int_equal(isnan(e->upper), !known);
        cxm_report_free(report);
    }
    /* All lost within it: known, whatever the window. */
    struct cxm_report *report = NULL;
    static const int32_t same[] = { 1, 1, 1, 1 };
    const struct cxm_column one = cxm_column_make("customer", CXM_I32, same, 4, 4, 4);
    static const int64_t in_turn[] = { 0, 0, 0, DAY };
    const struct cxm_column late = cxm_column_make("opened", CXM_I64, in_turn, 4, 8, 8);
    c.customer = &one, c.opened = c.resolved = &late;
    c.period_start = 0, c.period_end = DAY, c.as_of = 2 * DAY;
    assert_int_equal(cxm_fcr_km(&c, 7 * DAY, NULL, &report, NULL), CXM_OK);
    assert_int_equal(cxm_report_estimates(report)->n, 3);
    assert_close(cxm_report_estimates(report)->value, 0, 0);
    cxm_report_free(report);
    c.reserved = 1;
    assert_int_equal(cxm_fcr_km(&c, 7 * DAY, NULL, &report, NULL), CXM_EINVAL);
}

/* ---- edges: section 12, items 1 to 6 -------------------------------------------------- */

struct one {
    int64_t opened, resolved;
    int customer, category;
};

/* The states of a few contacts as letters. */
static const char *states_of(const struct one *contacts, size_t n, bool category, int64_t window,
                             int64_t as_of, const struct cxm_fcr_window_options *options,
                             struct cxm_row row[2])
{
    static char letters[MOST + 1];
    uint8_t states[MOST];
    struct table t = { .n = n };
    struct cxm_row rows[2];
    size_t n_rows;
    for (size_t i = 0; i < n; i++) {
        t.customer[i] = (uint8_t)contacts[i].customer;
        t.category[i] = (uint8_t)contacts[i].category;
        t.opened[i] = contacts[i].opened;
        t.resolved[i] = contacts[i].resolved;
    }
    link_columns(&t);
    struct cxm_contacts c = contacts_of(&t, category, as_of);
    c.states = states;
    assert_int_equal(cxm_fcr_window(&c, window, options, CXM_ROWS(rows), &n_rows, NULL), CXM_OK);
    assert_int_equal(n_rows, 2);
    for (size_t i = 0; i < n; i++)
        letters[i] = "FRPEOBULMI"[states[i]];
    letters[n] = '\0';
    if (row != NULL)
        memcpy(row, rows, sizeof rows);
    return letters;
}

static void no_rows(void **state)
{
    (void)state;
    struct cxm_row row[2];
    states_of(NULL, 0, true, 7, 100, NULL, row);
    for (int i = 0; i < 2; i++) {
        assert_true(isnan(row[i].estimate.value) && isnan(row[i].estimate.lower)
                    && isnan(row[i].estimate.std_error));
        assert_true((row[i].estimate.flags & CXM_FLAG_NO_DATA) != 0);
        assert_int_equal(row[i].estimate.n, 0);
    }
    const struct one one = { 5, 6, 1, 1 };
    assert_string_equal(states_of(&one, 1, true, 7, 100, NULL, row), "F");
    assert_close(row[0].estimate.value, 1, 0);
    assert_true(isnan(row[0].estimate.std_error)); /* one cluster has no spread */
    const struct one missing[3] = { { INT64_MIN, 6, 1, 1 }, { INT64_MIN, 6, 0, 1 },
                                    { INT64_MIN, INT64_MIN, 1, 1 } };
    assert_string_equal(states_of(missing, 3, true, 7, 100, NULL, row), "MMM");
    assert_int_equal(row[0].estimate.missing, 3);
    assert_true((row[0].estimate.flags & CXM_FLAG_NO_DATA) != 0);
}

/* Item 3: a window of 0 leaves contacts made while open, or exactly at the resolution. */
static void window_of_zero(void **state)
{
    (void)state;
    const struct one while_open[2] = { { 0, 10, 1, 1 }, { 4, 5, 1, 1 } };
    assert_string_equal(states_of(while_open, 2, true, 0, 100, NULL, NULL), "RF");
    const struct one at_end[2] = { { 0, 10, 1, 1 }, { 10, 12, 1, 1 } };
    assert_string_equal(states_of(at_end, 2, true, 0, 100, NULL, NULL), "RF");
    const struct one later[2] = { { 0, 10, 1, 1 }, { 11, 12, 1, 1 } };
    assert_string_equal(states_of(later, 2, true, 0, 100, NULL, NULL), "FF");
    const struct one same[2] = { { 10, 10, 1, 1 }, { 10, 12, 1, 1 } };
    assert_string_equal(states_of(same, 2, true, 0, 100, NULL, NULL), "FF");
}

static void as_of_before_all(void **state)
{
    (void)state;
    struct cxm_row row[2];
    const struct one contacts[3] = { { 50, 60, 1, 1 }, { 51, INT64_MIN, 1, 1 }, { 52, 53, 0, 1 } };
    assert_string_equal(states_of(contacts, 3, true, 7, 49, NULL, row), "UUU");
    assert_true((row[0].estimate.flags & CXM_FLAG_ALL_AFTER_AS_OF) != 0);
    assert_string_equal(states_of(contacts, 3, true, 7, 50, NULL, row), "OUU");
    assert_true((row[0].estimate.flags & CXM_FLAG_ALL_AFTER_AS_OF) == 0);
}

static void window_beyond_the_end_of_time(void **state)
{
    (void)state;
    const int64_t late = INT64_MAX - 100;
    const struct one contacts[3] = { { late, late + 50, 1, 1 }, { late + 90, late + 95, 1, 1 },
                                     { 0, 5, 2, 1 } };
    /* saturates: nothing whose end does not fit is ever over */
    assert_string_equal(states_of(contacts, 3, true, (int64_t)1 << 53, INT64_MAX, NULL, NULL),
                        "EPF");
    assert_string_equal(states_of(contacts, 3, true, 50, INT64_MAX, NULL, NULL), "RPF");
    const struct one early[1] = { { INT64_MIN + 1, INT64_MIN + 1, 1, 1 } };
    assert_string_equal(states_of(early, 1, true, 5, INT64_MIN + 6, NULL, NULL), "F");
    assert_string_equal(states_of(early, 1, true, 5, INT64_MIN + 5, NULL, NULL), "P");
}

/* Item 4. */
static void exactly_at_the_end_of_the_window(void **state)
{
    (void)state;
    const struct one at[2] = { { 0, 100, 1, 1 }, { 100 + 7 * DAY, 100 + 7 * DAY, 1, 1 } };
    const struct one after[2] = { { 0, 100, 1, 1 }, { 101 + 7 * DAY, 101 + 7 * DAY, 1, 1 } };
    assert_string_equal(states_of(at, 2, true, 7 * DAY, 90 * DAY, NULL, NULL), "RF");
    assert_string_equal(states_of(after, 2, true, 7 * DAY, 90 * DAY, NULL, NULL), "FF");
    assert_string_equal(states_of(at, 2, true, 7 * DAY, 100 + 7 * DAY, NULL, NULL), "RP");
    assert_string_equal(states_of(after, 2, true, 7 * DAY, 99 + 7 * DAY, NULL, NULL), "PU");
}

/* Item 5. */
static void categories(void **state)
{
    (void)state;
    const struct one two[2] = { { 0, 1, 1, 1 }, { 3, 4, 1, 2 } };
    assert_string_equal(states_of(two, 2, true, 10, 100, NULL, NULL), "FF");
    assert_string_equal(states_of(two, 2, false, 10, 100, NULL, NULL), "RF");
    const struct one missing[3] = { { 0, 1, 1, 0 }, { 3, 4, 1, 2 }, { 5, 6, 1, 0 } };
    const struct cxm_fcr_window_options own = { CXM_INIT(fcr_window), .missing_category = 1 };
    struct cxm_row row[2];
    assert_string_equal(states_of(missing, 3, true, 10, 100, NULL, NULL), "LFL");
    assert_string_equal(states_of(missing, 3, true, 10, 100, &own, row), "RFF");
    assert_string_equal(row[0].definition,
                        "fcr/window=10s/key=customer+category(missing=own)/from=resolution");
    assert_string_equal(states_of(missing, 3, false, 10, 100, NULL, NULL), "RRF");
    const struct one nobody[2] = { { 0, 1, 0, 1 }, { 3, 4, 0, 1 } };
    assert_string_equal(states_of(nobody, 2, true, 10, 100, NULL, row), "LL");
    assert_int_equal(row[0].estimate.excluded, 2);
}

static void bad_contacts_are_contacts(void **state)
{
    (void)state;
    const struct one contacts[2] = { { 0, 1, 1, 1 }, { 3, 2, 1, 1 } };
    struct cxm_row row[2];
    assert_string_equal(states_of(contacts, 2, true, 10, 100, NULL, row), "RB");
    assert_close(row[1].estimate.value, 0, 0); /* one issue, which was asked about again */
    assert_int_equal(row[1].estimate.n, 1);
    /* resolved after as_of: not known to be bad, and open */
    const struct one later[1] = { { 50, 60, 1, 1 } };
    assert_string_equal(states_of(later, 1, true, 10, 55, NULL, NULL), "O");
}

/* ---- the obvious program -------------------------------------------------------------- */

struct rules {
    bool category, own, from_opening, right_open, after_only;
    int denominator;
    int64_t window, as_of, start, end, lookback;
};

struct verdict {
    int state;   /* enum cxm_contact_state */
    bool due;
    bool counted; /* opened within the period */
    bool follows; /* another contact within the look-back */
    bool first;  /* of an issue */
    int issue;   /* its state */
    bool issue_due;
    int64_t until; /* the end of its window */
};

static bool same_key(const struct table *t, const struct rules *r, size_t a, size_t b)
{
    return t->customer[a] == t->customer[b]
        && (!r->category || t->category[a] == t->category[b]);
}

static bool takes_part(const struct table *t, const struct rules *r, size_t i)
{
    return t->opened[i] != INT64_MIN && t->opened[i] <= r->as_of && t->customer[i] != 0
        && (!r->category || r->own || t->category[i] != 0);
}

static bool is_within(const struct rules *r, int64_t time, int64_t until)
{
    return r->right_open ? time < until : time <= until;
}

static void judge_contact(const struct table *t, const struct rules *r, size_t i,
                          struct verdict *v)
{
    memset(v, 0, sizeof *v);
    const int64_t opened = t->opened[i];
    v->counted = opened != INT64_MIN
              && ((r->start == 0 && r->end == 0) || (opened >= r->start && opened < r->end));
    if (!takes_part(t, r, i)) {
        v->state = opened == INT64_MIN  ? CXM_CONTACT_MISSING
                 : opened > r->as_of    ? CXM_CONTACT_UNSEEN
                                        : CXM_CONTACT_UNLINKED;
        return;
    }
    for (size_t j = 0; j < t->n; j++)
        v->follows = v->follows
                  || (takes_part(t, r, j) && same_key(t, r, i, j) && t->opened[j] < opened
                      && opened - t->opened[j] <= r->lookback);
    const bool known = t->resolved[i] != INT64_MIN && t->resolved[i] <= r->as_of;
    if (known && t->resolved[i] < opened) {
        v->state = CXM_CONTACT_BAD;
        return;
    }
    if (!known && !r->from_opening) {
        v->state = CXM_CONTACT_OPEN;
        v->due = opened + r->window <= r->as_of;
        v->until = INT64_MAX;
        return;
    }
    const int64_t anchor = r->from_opening ? opened : t->resolved[i];
    bool repeat = false;
    v->until = anchor + r->window;
    for (size_t j = 0; j < t->n; j++) {
        repeat = repeat
              || (takes_part(t, r, j) && same_key(t, r, i, j) && t->opened[j] > opened
                  && (!r->after_only || t->opened[j] >= anchor)
                  && is_within(r, t->opened[j], v->until));
    }
    const bool over = v->until <= r->as_of;
    v->state = over ? (repeat ? CXM_CONTACT_REPEAT : CXM_CONTACT_FCR)
                    : (repeat ? CXM_CONTACT_EARLY_REPEAT : CXM_CONTACT_PENDING);
}

/* The earliest contact that has no issue begins one; whoever is reached by one of its members
 * joins, until nobody does. */
static void judge_issues(const struct table *t, const struct rules *r, struct verdict *v)
{
    bool taken[MOST] = { false };
    for (;;) {
        size_t first = MOST;
        for (size_t i = 0; i < t->n; i++) {
            const bool may = takes_part(t, r, i) && v[i].state != CXM_CONTACT_BAD && !taken[i];
            if (may && (first == MOST || t->opened[i] < t->opened[first]
                        || (t->opened[i] == t->opened[first]
                            && t->channel[i] < t->channel[first])))
                first = i;
        }
        if (first == MOST)
            return;
        bool in[MOST] = { false }, grows = true;
        in[first] = true;
        while (grows) {
            grows = false;
            for (size_t j = 0; j < t->n; j++) {
                if (in[j] || taken[j] || !takes_part(t, r, j) || !same_key(t, r, first, j)
                    || v[j].state == CXM_CONTACT_BAD)
                    continue;
                for (size_t i = 0; i < t->n && !in[j]; i++)
                    in[j] = in[i] && t->opened[j] >= t->opened[first]
                         && (t->opened[j] == t->opened[i]
                             || v[i].state == CXM_CONTACT_OPEN
                             || (t->opened[j] > t->opened[i]
                                 && is_within(r, t->opened[j], v[i].until)));
                grows = grows || in[j];
            }
        }
        bool open = false, young = false, repeat = false;
        for (size_t i = 0; i < t->n; i++) {
            if (!in[i])
                continue;
            taken[i] = true;
            open = open || v[i].state == CXM_CONTACT_OPEN;
            young = young || v[i].state == CXM_CONTACT_PENDING
                 || v[i].state == CXM_CONTACT_EARLY_REPEAT;
            repeat = repeat || v[i].state == CXM_CONTACT_REPEAT
                  || v[i].state == CXM_CONTACT_EARLY_REPEAT;
        }
        v[first].first = true;
        v[first].issue = open    ? CXM_CONTACT_OPEN
                       : young   ? (repeat ? CXM_CONTACT_EARLY_REPEAT : CXM_CONTACT_PENDING)
                       : repeat  ? CXM_CONTACT_REPEAT
                                 : CXM_CONTACT_FCR;
        v[first].issue_due = t->opened[first] + r->window <= r->as_of;
    }
}

/* 1, 0, or -1: not counted. */
static int outcome(int state, bool due, int denominator)
{
    switch (state) {
    case CXM_CONTACT_FCR: return 1;
    case CXM_CONTACT_REPEAT: return 0;
    case CXM_CONTACT_PENDING: return denominator == CXM_FCR_PENDING_AS_SUCCESS ? 1 : -1;
    case CXM_CONTACT_EARLY_REPEAT:
        return denominator == CXM_FCR_KEEP_EARLY_REPEATS
                    || denominator == CXM_FCR_PENDING_AS_SUCCESS
                 ? 0
                 : -1;
    case CXM_CONTACT_OPEN: return denominator == CXM_FCR_ALL && due ? 0 : -1;
    default: return -1;
    }
}

/* The rate of one channel (0: all) by adding up, its error customer by customer. */
static void check_estimate(const struct table *t, const struct rules *r, const struct verdict *v,
                           int channel, bool issues, const struct cxm_estimate *got)
{
    double y[256] = { 0 }, n[256] = { 0 }, sum_y = 0, sum_n = 0, m = 0, spread = 0;
    for (size_t i = 0; i < t->n; i++) {
        const int o = !v[i].counted || (v[i].follows && !issues) ? -1
                    : !issues       ? outcome(v[i].state, v[i].due, r->denominator)
                    : v[i].first    ? outcome(v[i].issue, v[i].issue_due, r->denominator)
                                    : -1;
        if (o < 0 || (channel > 0 && t->channel[i] != channel))
            continue;
        y[t->customer[i]] += o;
        n[t->customer[i]] += 1;
    }
    for (int c = 0; c < 256; c++) {
        sum_y += y[c];
        sum_n += n[c];
        m += n[c] > 0;
    }
    assert_int_equal(got->n, (int64_t)sum_n);
    if (sum_n == 0) {
        assert_true(isnan(got->value));
        return;
    }
    assert_close(got->value, sum_y / sum_n, 1e-15);
    for (int c = 0; c < 256; c++)
        spread += n[c] > 0 ? pow(y[c] - sum_y / sum_n * n[c], 2) : 0;
    const double want = m > 1 ? sqrt(m / (m - 1) * spread) / sum_n : NAN;
    if (want < 1e-12)
        assert_true(got->std_error < 1e-12);
    else
        assert_close(got->std_error, want, 1e-11);
}

static struct table random_contacts(uint64_t *seed)
{
    struct table t = { .n = random_below(seed, 40) };
    const uint64_t customers = 1 + random_below(seed, 6), span = 5 + random_below(seed, 60);
    for (size_t i = 0; i < t.n; i++) {
        t.customer[i] = (uint8_t)random_below(seed, customers + 1);
        t.category[i] = (uint8_t)random_below(seed, 3);
        t.channel[i] = (uint8_t)(1 + random_below(seed, 3));
        t.opened[i] = random_below(seed, 20) == 0 ? INT64_MIN : (int64_t)random_below(seed, span);
        t.resolved[i] = random_below(seed, 6) == 0
                          ? INT64_MIN
                          : (t.opened[i] > 0 ? t.opened[i] : 0) + (int64_t)random_below(seed, 15)
                              - 2;
        if (random_below(seed, 4) == 0 && t.customer[i] > 0)
            t.customer[i] = 1;
    }
    return t;
}

static struct rules random_rules(uint64_t *seed)
{
    struct rules r = {
        .category = random_below(seed, 2), .own = random_below(seed, 2),
        .from_opening = random_below(seed, 3) == 0, .right_open = random_below(seed, 4) == 0,
        .after_only = random_below(seed, 4) == 0, .denominator = (int)random_below(seed, 4),
        .window = (int64_t)random_below(seed, 20), .as_of = (int64_t)random_below(seed, 90),
    };
    r.own = r.own && r.category;
    r.lookback = random_below(seed, 3) == 0 ? (int64_t)random_below(seed, 12) : 0;
    if (random_below(seed, 3) == 0) {
        r.start = 1 + (int64_t)random_below(seed, 30);
        r.end = r.start + (int64_t)random_below(seed, 30);
    }
    return r;
}

static struct cxm_fcr_window_options options_of(const struct rules *r)
{
    return (struct cxm_fcr_window_options){
        CXM_INIT(fcr_window), .anchor = r->from_opening, .right_open = r->right_open,
        .after_only = r->after_only, .missing_category = r->own, .denominator = r->denominator,
        .lookback = r->lookback,
    };
}

static void matches_the_obvious_program(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 6000; round++) {
        struct table t = random_contacts(&seed);
        const struct rules r = random_rules(&seed);
        struct verdict v[MOST];
        struct cxm_row rows[16];
        uint8_t states[MOST];
        size_t n = 0;
        link_columns(&t);
        for (size_t i = 0; i < t.n; i++)
            judge_contact(&t, &r, i, &v[i]);
        judge_issues(&t, &r, v);
        struct cxm_contacts c = contacts_of(&t, r.category, r.as_of);
        const struct cxm_fcr_window_options options = options_of(&r);
        c.period_start = r.start;
        c.period_end = r.end;
        c.states = states;
        assert_int_equal(cxm_fcr_window(&c, r.window, &options, CXM_ROWS(rows), &n, NULL),
                         CXM_OK);
        for (size_t i = 0; i < t.n; i++)
            assert_int_equal(states[i], v[i].state);
        check_estimate(&t, &r, v, 0, false, &rows[0].estimate);
        check_estimate(&t, &r, v, 0, true, &rows[1].estimate);
        assert_int_equal(rows[0].estimate.n + rows[0].estimate.missing
                         + rows[0].estimate.excluded, t.n);
        c.by = &t.columns[4];
        memset(states, 99, sizeof states);
        assert_int_equal(cxm_fcr_window(&c, r.window, &options, CXM_ROWS(rows), &n, NULL),
                         CXM_OK);
        for (size_t i = 0; i < n && t.n > 0; i++)
            check_estimate(&t, &r, v, atoi(rows[i].group), i % 2 == 1, &rows[i].estimate);
        for (size_t i = 0; i < t.n; i++)
            assert_int_equal(states[i], v[i].state);
    }
}

/* Windows from the opening, and no states wanted: neighbours in packed words decide. */
static void words_match_the_obvious_program(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 6000; round++) {
        struct table t = random_contacts(&seed);
        struct rules r = random_rules(&seed);
        struct verdict v[MOST];
        struct cxm_row rows[16];
        size_t n = 0;
        r.from_opening = true;
        r.start = r.end = 0;
        for (size_t i = 0; i < t.n; i++)
            t.resolved[i] = INT64_MIN;
        link_columns(&t);
        for (size_t i = 0; i < t.n; i++)
            judge_contact(&t, &r, i, &v[i]);
        judge_issues(&t, &r, v);
        struct cxm_contacts c = contacts_of(&t, r.category, r.as_of);
        const struct cxm_fcr_window_options options = options_of(&r);
        c.resolved = NULL;
        assert_int_equal(cxm_fcr_window(&c, r.window, &options, CXM_ROWS(rows), &n, NULL),
                         CXM_OK);
        check_estimate(&t, &r, v, 0, false, &rows[0].estimate);
        check_estimate(&t, &r, v, 0, true, &rows[1].estimate);
        assert_int_equal(rows[0].estimate.n + rows[0].estimate.missing
                         + rows[0].estimate.excluded, t.n);
    }
}

/* Many rows, many of them at the same instant: the words and the events, which is what a caller
 * who wants states gets, give the same rows to the last bit. */
static void words_and_events_agree(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    enum { N = 140000, FEW = 4000, MEASURES = 14 };
    uint64_t *customer = malloc(N * sizeof *customer);
    int64_t *opened = malloc(N * sizeof *opened);
    uint8_t *category = malloc(N), *states = malloc(N);
    for (int round = 0; round < 60; round++) {
        const size_t n = round < 5 ? N : random_below(&seed, FEW);
        const uint64_t customers = round % 5 == 0 ? 1 : 1 + random_below(&seed, n / 3 + 1);
        const uint64_t span = round % 7 == 0 ? 2 : 1 + random_below(&seed, 5000000);
        const uint64_t apart = round % 3 == 0 ? 0x9e3779b97f4a7c15u : 1;
        for (size_t i = 0; i < n; i++) {
            customer[i] = random_below(&seed, customers) * apart;
            category[i] = (uint8_t)random_below(&seed, 3);
            opened[i] = (int64_t)random_below(&seed, span) - 1000000;
        }
        if (n > 0 && round % 4 == 0)
            opened[random_below(&seed, n)] = -((int64_t)1 << 45);
        const struct cxm_column who = cxm_column_make("customer", CXM_U64, customer, n, 8, 8);
        const struct cxm_column open = cxm_column_make("opened", CXM_I64, opened, n, 8, 8);
        const struct cxm_column why = cxm_column_make("category", CXM_U8, category, n, 1, 1);
        const struct cxm_fcr_window_options options = {
            CXM_INIT(fcr_window), .anchor = CXM_FCR_FROM_OPENING, .right_open = round % 4 == 1,
            .after_only = round % 4 == 2, .denominator = round % 4, .all_measures = 1,
        };
        struct cxm_row rows[2][MEASURES];
        for (int threads = 1; threads <= (n == N ? 2 : 1); threads++) {
            for (int k = 0; k < 2; k++) {
                struct cxm_contacts c = { .size = sizeof c, .customer = &who, .opened = &open,
                                          .category = round % 2 == 0 ? &why : NULL,
                                          .as_of = (int64_t)span - 1200000, .threads = threads,
                                          .states = k == 0 ? states : NULL };
                size_t got = 0;
                memset(rows[k], 0, sizeof rows[k]);
                assert_int_equal(cxm_fcr_window(&c, (int64_t)span / 9, &options,
                                                CXM_ROWS(rows[k]), &got, NULL), CXM_OK);
                assert_int_equal(got, MEASURES);
            }
            assert_memory_equal(rows[0], rows[1], sizeof rows[0]);
        }
    }
    free(customer);
    free(opened);
    free(category);
    free(states);
}

/* ---- laws ----------------------------------------------------------------------------- */

static struct cxm_tally *tally_of(const struct rules *r)
{
    static const char *const anchors[] = { "resolved", "opened" };
    static const char *const keys[] = { "customer", "customer+category" };
    static const char *const missing[] = { "unlinked", "own" };
    const double window = (double)r->window, lookback = (double)r->lookback;
    const char *const anchor = anchors[r->from_opening], *const key = keys[r->category];
    const char *const own = missing[r->own];
    const struct cxm_param params[] = {
        { "window", &window, 1, NULL, 0 }, { "anchor", NULL, 0, &anchor, 1 },
        { "key", NULL, 0, &key, 1 }, { "missing_category", NULL, 0, &own, 1 },
        { "lookback", &lookback, 1, NULL, 0 },
    };
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_tally_new("fcr_window", params, 5, NULL, &tally, NULL), CXM_OK);
    return tally;
}

static size_t saved_bytes(struct cxm_tally *tally, uint8_t *bytes)
{
    size_t n = 0;
    assert_int_equal(cxm_tally_save(tally, bytes, 65536, &n, NULL), CXM_OK);
    return n;
}

static size_t saved(const struct table *t, const struct rules *r, bool by, uint8_t *bytes)
{
    struct cxm_tally *tally = tally_of(r);
    struct cxm_contacts c = contacts_of(t, r->category, r->as_of);
    c.by = by ? &t->columns[4] : NULL;
    assert_int_equal(cxm_tally_add_contacts(tally, &c, NULL), CXM_OK);
    const size_t n = saved_bytes(tally, bytes);
    cxm_tally_free(tally);
    return n;
}

static void swap_rows(struct table *t, size_t a, size_t b)
{
    const struct table old = *t;
    t->customer[a] = old.customer[b], t->customer[b] = old.customer[a];
    t->category[a] = old.category[b], t->category[b] = old.category[a];
    t->channel[a] = old.channel[b], t->channel[b] = old.channel[a];
    t->opened[a] = old.opened[b], t->opened[b] = old.opened[a];
    t->resolved[a] = old.resolved[b], t->resolved[b] = old.resolved[a];
}

/* Item 2: any order, and any one-to-one change of the customers' names, gives the same bytes. */
static void order_and_names_do_not_matter(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static uint8_t one[65536], other[65536];
    for (int round = 0; round < 600; round++) {
        struct table t = random_contacts(&seed);
        const struct rules r = random_rules(&seed);
        const bool by = random_below(&seed, 2);
        link_columns(&t);
        const size_t n = saved(&t, &r, by, one);
        for (size_t i = t.n; i > 1; i--)
            swap_rows(&t, i - 1, random_below(&seed, i));
        for (size_t i = 0; i < t.n; i++) /* 37 has an inverse modulo 256, and 0 stays 0 */
            t.customer[i] = (uint8_t)(t.customer[i] * 37);
        link_columns(&t);
        assert_int_equal(saved(&t, &r, by, other), n);
        assert_memory_equal(one, other, n);
    }
}

/* Customers apart and merged are the same tally as together; so is a column of groups that are
 * all one group, but for its key. */
static void merges_by_customer(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static uint8_t one[65536], other[65536];
    for (int round = 0; round < 600; round++) {
        struct table t = random_contacts(&seed), parts[2] = { { 0 } };
        const struct rules r = random_rules(&seed);
        link_columns(&t);
        for (size_t i = 0; i < t.n; i++) {
            struct table *p = &parts[t.customer[i] % 2];
            p->customer[p->n] = t.customer[i];
            p->category[p->n] = t.category[i];
            p->channel[p->n] = t.channel[i];
            p->opened[p->n] = t.opened[i];
            p->resolved[p->n++] = t.resolved[i];
        }
        struct cxm_tally *sum = tally_of(&r);
        for (int k = 0; k < 2; k++) {
            struct cxm_tally *part = tally_of(&r);
            link_columns(&parts[k]);
            struct cxm_contacts c = contacts_of(&parts[k], r.category, r.as_of);
            c.by = &parts[k].columns[4];
            assert_int_equal(cxm_tally_add_contacts(part, &c, NULL), CXM_OK);
            assert_int_equal(cxm_tally_merge(sum, part, NULL), CXM_OK);
            cxm_tally_free(part);
        }
        const size_t n = saved(&t, &r, true, one);
        if (t.n > 0) {
            assert_int_equal(saved_bytes(sum, other), n);
            assert_memory_equal(one, other, n);
        }
        cxm_tally_free(sum);
        /* one group */
        memset(t.channel, 1, sizeof t.channel);
        struct cxm_tally *grouped = tally_of(&r), *single = NULL;
        struct cxm_contacts c = contacts_of(&t, r.category, r.as_of);
        c.by = &t.columns[4];
        assert_int_equal(cxm_tally_add_contacts(grouped, &c, NULL), CXM_OK);
        if (t.n > 0) {
            assert_int_equal(cxm_tally_group(grouped, 0, 0, &single, NULL), CXM_OK);
            const size_t n_single = saved_bytes(single, other);
            assert_int_equal(saved(&t, &r, false, one), n_single);
            assert_memory_equal(one, other, n_single);
        }
        cxm_tally_free(single);
        cxm_tally_free(grouped);
    }
}

/* Item 6: as of A with later rows there = with the rows cut at A. */
static void replays(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (int round = 0; round < 600; round++) {
        struct table t = random_contacts(&seed), cut = { 0 };
        const struct rules r = random_rules(&seed);
        struct cxm_row now[2], then[2];
        link_columns(&t);
        for (size_t i = 0; i < t.n; i++) {
            if (t.opened[i] > r.as_of)
                continue;
            cut.customer[cut.n] = t.customer[i];
            cut.category[cut.n] = t.category[i];
            cut.opened[cut.n] = t.opened[i];
            cut.resolved[cut.n++] = t.resolved[i] > r.as_of ? INT64_MIN : t.resolved[i];
        }
        link_columns(&cut);
        const struct cxm_fcr_window_options options = options_of(&r);
        struct cxm_contacts c = contacts_of(&t, r.category, r.as_of);
        assert_int_equal(cxm_fcr_window(&c, r.window, &options, CXM_ROWS(now), NULL, NULL),
                         CXM_OK);
        c = contacts_of(&cut, r.category, r.as_of);
        assert_int_equal(cxm_fcr_window(&c, r.window, &options, CXM_ROWS(then), NULL, NULL),
                         CXM_OK);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(now[i].estimate.n, then[i].estimate.n);
            assert_memory_equal(&now[i].estimate.value, &then[i].estimate.value, 4 * 8);
        }
    }
}

/* Many rows: texts, threads and batches of many customers give the same states. */
static void threads_do_not_matter(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    enum { N = 300000 };
    uint32_t *customer = malloc(N * sizeof *customer);
    int64_t *opened = malloc(N * sizeof *opened), *resolved = malloc(N * sizeof *resolved);
    uint8_t *states[3], *channel = malloc(N);
    char (*names)[12] = malloc(N * sizeof *names);
    for (size_t i = 0; i < N; i++) {
        customer[i] = (uint32_t)(random_below(&seed, 8) == 0 ? 5 : random_below(&seed, 70000));
        opened[i] = (int64_t)random_below(&seed, 10000000);
        resolved[i] = opened[i] + (int64_t)random_below(&seed, 400000);
        channel[i] = (uint8_t)random_below(&seed, 4);
        memset(names[i], 0, sizeof names[i]);
        snprintf(names[i], sizeof names[i], "c%u", customer[i]);
    }
    struct cxm_column who = cxm_column_make("customer", CXM_U32, customer, N, 4, 4);
    const struct cxm_column by_name = cxm_column_make("name", CXM_TEXT, names, N, 12, 12);
    const struct cxm_column open = cxm_column_make("opened", CXM_I64, opened, N, 8, 8);
    const struct cxm_column done = cxm_column_make("resolved", CXM_I64, resolved, N, 8, 8);
    const struct cxm_column by = cxm_column_make("channel", CXM_U8, channel, N, 1, 1);
    struct cxm_row rows[3][12];
    size_t n = 0;
    for (int k = 0; k < 3; k++) {
        states[k] = malloc(N);
        struct cxm_contacts c = { .size = sizeof c, .customer = k == 2 ? &by_name : &who,
                                  .opened = &open, .resolved = &done, .by = &by,
                                  .as_of = 9000000, .states = states[k],
                                  .threads = k == 0 ? 1 : 4 };
        const struct cxm_fcr_window_options options = { CXM_INIT(fcr_window), .total = 1 };
        memset(rows[k], 0, sizeof rows[k]);
        assert_int_equal(cxm_fcr_window(&c, 3 * DAY, &options, CXM_ROWS(rows[k]), &n, NULL),
                         CXM_OK);
        assert_int_equal(n, 10);
        assert_memory_equal(states[k], states[0], N);
        assert_memory_equal(rows[k], rows[0], sizeof rows[0]);
    }
    for (int k = 0; k < 3; k++)
        free(states[k]);
    free(names);
    free(channel);
    free(customer);
    free(opened);
    free(resolved);
}

/* ---- arguments and memory ------------------------------------------------------------- */

static void wrong_arguments(void **state)
{
    (void)state;
    struct table t;
    struct cxm_error error;
    struct cxm_row rows[2];
    uint8_t states[15];
    load_example(&t);
    memset(states, 77, sizeof states);
    struct cxm_contacts c = contacts_of(&t, true, 30 * DAY);
    c.states = states;
    const struct cxm_contacts good = c;
    struct cxm_fcr_window_options o = { CXM_INIT(fcr_window) };
    assert_int_equal(cxm_fcr_window(NULL, 5, NULL, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_fcr_window(&c, -1, NULL, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "window");
    c.resolved = NULL;
    assert_int_equal(cxm_fcr_window(&c, 5, NULL, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "resolved");
    o.anchor = CXM_FCR_FROM_OPENING;
    c.states = NULL;
    assert_int_equal(cxm_fcr_window(&c, 5, &o, CXM_ROWS(rows), NULL, &error), CXM_OK);
    o.lookback = -1;
    assert_int_equal(cxm_fcr_window(&c, 5, &o, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "lookback");
    o.lookback = 0;
    o.denominator = 4;
    assert_int_equal(cxm_fcr_window(&c, 5, &o, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    c = good;
    struct cxm_column shorter = t.columns[1];
    shorter.n = 14;
    c.opened = &shorter;
    assert_int_equal(cxm_fcr_window(&c, 5, NULL, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    c = good;
    c.period_start = 5, c.period_end = 4;
    assert_int_equal(cxm_fcr_window(&c, 5, NULL, CXM_ROWS(rows), NULL, &error), CXM_EINVAL);
    c = good;
    struct cxm_column days = t.columns[1];
    days.time_unit = CXM_DAYS;
    t.opened[4] = INT64_MAX / 4;
    c.opened = &days;
    assert_int_equal(cxm_fcr_window(&c, 5, NULL, CXM_ROWS(rows), NULL, &error), CXM_EDATA);
    assert_int_equal(error.row, 4);
    for (size_t i = 0; i < 15; i++)
        assert_int_equal(states[i], 77);
    c.invalid = CXM_INVALID_COUNT;
    assert_int_equal(cxm_fcr_window(&c, 5, NULL, CXM_ROWS(rows), NULL, &error), CXM_OK);
    assert_int_equal(rows[0].estimate.invalid, 1);
    assert_int_equal(states[4], CXM_CONTACT_INVALID);
    for (int s = 0; s < 12; s++)
        assert_non_null(cxm_contact_state_name((enum cxm_contact_state)s));
}

/* A parameter that came later: saved where it says something, and only there. */
static void a_lookback_is_saved(void **state)
{
    (void)state;
    uint8_t with[65536], without[65536];
    char definition[96];
    struct table t;
    struct rules r = { .category = true, .window = 7 * DAY, .as_of = 30 * DAY };
    load_example(&t);
    const size_t n = saved(&t, &r, true, without);
    r.lookback = 7 * DAY;
    const size_t more = saved(&t, &r, true, with);
    assert_int_equal(more, n + 4 + 8 + 4 + 8 + 4); /* a name, a number, no texts */
    struct cxm_tally *tally = NULL, *other = NULL;
    assert_int_equal(cxm_tally_load(with, more, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_load(without, n, NULL, &other, NULL), CXM_OK);
    cxm_tally_definition(tally, definition, sizeof definition);
    assert_non_null(strstr(definition, "/first-since=7d"));
    assert_int_equal(saved_bytes(tally, without), more);
    assert_memory_equal(with, without, more);
    assert_int_equal(cxm_tally_merge(tally, other, NULL), CXM_EMISMATCH);
    cxm_tally_free(tally);
    cxm_tally_free(other);
}

static void chunks_are_refused(void **state)
{
    (void)state;
    struct table t;
    struct cxm_error error;
    load_example(&t);
    const struct rules r = { .category = true, .window = 7 * DAY, .as_of = 30 * DAY };
    struct cxm_tally *tally = tally_of(&r);
    const struct cxm_contacts c = contacts_of(&t, true, r.as_of);
    assert_int_equal(cxm_tally_add_contacts(tally, &c, &error), CXM_OK);
    assert_int_equal(cxm_tally_add_contacts(tally, &c, &error), CXM_EINVAL);
    assert_non_null(strstr(error.message, "history must be whole"));
    cxm_tally_free(tally);
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &tally, NULL), CXM_OK);
    assert_int_equal(cxm_tally_add_contacts(tally, &c, &error), CXM_EINVAL);
    cxm_tally_free(tally);
    assert_int_equal(cxm_tally_add_contacts(NULL, &c, &error), CXM_EINVAL);
}

static void floored_instants_are_flagged(void **state)
{
    (void)state;
    struct table t;
    struct cxm_row rows[2];
    load_example(&t);
    for (size_t i = 0; i < t.n; i++) {
        t.opened[i] = t.opened[i] * 1000 + (i == 3 ? 999 : 0);
        t.resolved[i] *= t.resolved[i] == INT64_MIN ? 1 : 1000;
    }
    t.columns[1].time_unit = t.columns[2].time_unit = CXM_MS;
    const struct cxm_contacts c = contacts_of(&t, true, 30 * DAY);
    assert_int_equal(cxm_fcr_window(&c, 7 * DAY, NULL, CXM_ROWS(rows), NULL, NULL), CXM_OK);
    assert_close(rows[0].estimate.value, 0.7, 1e-15); /* row 3 is floored to the same second */
    assert_true((rows[0].estimate.flags & CXM_FLAG_SUBSECOND) != 0);
    t.opened[3] -= 999;
    assert_int_equal(cxm_fcr_window(&c, 7 * DAY, NULL, CXM_ROWS(rows), NULL, NULL), CXM_OK);
    assert_true((rows[0].estimate.flags & CXM_FLAG_SUBSECOND) == 0);
}

static void out_of_memory(void **state)
{
    (void)state;
    struct table t;
    load_example(&t);
    for (int by = 0; by < 2; by++) {
        for (int always = 0; always < 2; always++) {
            for (int fail_at = 1;; fail_at++) {
                struct heap heap;
                heap_init(&heap, fail_at);
                heap.fail_on = always != 0;
                struct cxm_tally *tally = NULL;
                uint8_t states[15];
                memset(states, 77, sizeof states);
                enum cxm_status got = cxm_tally_new("fcr_window", NULL, 0, &heap.allocator,
                                                    &tally, NULL);
                struct cxm_contacts c = contacts_of(&t, false, 30 * DAY);
                c.by = by ? &t.columns[3] : NULL;
                c.states = states;
                if (got == CXM_OK)
                    got = cxm_tally_add_contacts(tally, &c, NULL);
                cxm_tally_free(tally);
                assert_int_equal(heap.live, 0);
                if (got == CXM_OK)
                    break;
                assert_int_equal(got, CXM_ENOMEM);
                assert_int_equal(states[0], 77);
            }
        }
    }
}

int main(void)
{
    enum { N = COUNT_OF(settings) };
    struct CMUnitTest tests[N + 22];
    size_t n = 0;
    for (; n < N; n++)
        tests[n] = (struct CMUnitTest){ settings[n].name, worked_example, NULL, NULL,
                                        (void *)(uintptr_t)&settings[n] };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(issues_and_errors),
        cmocka_unit_test(survival_version),
        cmocka_unit_test(no_survival_beyond_the_last_time),
        cmocka_unit_test(no_rows),
        cmocka_unit_test(window_of_zero),
        cmocka_unit_test(as_of_before_all),
        cmocka_unit_test(window_beyond_the_end_of_time),
        cmocka_unit_test(exactly_at_the_end_of_the_window),
        cmocka_unit_test(categories),
        cmocka_unit_test(bad_contacts_are_contacts),
        cmocka_unit_test(matches_the_obvious_program),
        cmocka_unit_test(words_match_the_obvious_program),
        cmocka_unit_test(words_and_events_agree),
        cmocka_unit_test(order_and_names_do_not_matter),
        cmocka_unit_test(merges_by_customer),
        cmocka_unit_test(replays),
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(wrong_arguments),
        cmocka_unit_test(a_lookback_is_saved),
        cmocka_unit_test(chunks_are_refused),
        cmocka_unit_test(floored_instants_are_flagged),
        cmocka_unit_test(out_of_memory),
    };
    memcpy(tests + n, others, sizeof others);
    return _cmocka_run_group_tests("fcr_window", tests, n + COUNT_OF(others), NULL, NULL);
}
