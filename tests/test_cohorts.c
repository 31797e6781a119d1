/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Cohort matrices: the worked example of the definitions in all its modes, the list of edge
 * cases, and laws on random events: order, ids, threads and the short cut change no byte, parts
 * by customer merge, and the past is not changed by what came later. */
#include "metric_testing.h"

#include "derive/cohort_slots.h"
#include "derive/sorting.h"

#include <cxm/cohorts.h>

enum { DAY = 86400, MOST_CELLS = 4096 };

static struct cxm_error error;

/* ---- events --------------------------------------------------------------------------- */

struct events {
    size_t n;
    int64_t customer[4000], time[4000];
};

static struct cxm_tally *tally_of_events(const struct events *e, struct cxm_cohorts_options o,
                                         struct cxm_cohorts_base *base)
{
    const struct cxm_column c = CXM_ARRAY(e->customer, e->n);
    const struct cxm_column t = CXM_TIME(CXM_ARRAY(e->time, e->n), CXM_S, INT64_MIN);
    struct cxm_tally *tally = NULL;
    o.size = sizeof o;
    o.has_as_of = 1;
    if (cxm_cohorts_tally(&c, &t, &o, NULL, &tally, base, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return tally;
}

static struct cxm_report *report_of(struct cxm_tally *tally)
{
    struct cxm_report *report = NULL;
    if (cxm_cohorts_report(tally, 0, 0, NULL, &report, &error) != CXM_OK)
        fail_msg("%s", error.message);
    return report;
}

static struct cxm_report *matrix_of(const struct events *e, struct cxm_cohorts_options o)
{
    struct cxm_tally *tally = tally_of_events(e, o, NULL);
    struct cxm_report *report = report_of(tally);
    cxm_tally_free(tally);
    return report;
}

/* The row of a measure, cohort (INT64_MIN: none) and period. */
static size_t find_row(const struct cxm_report *r, const char *measure, int64_t cohort,
                       int64_t period)
{
    const int64_t *cohorts = cxm_report_ints(r, (size_t)cxm_report_find_axis(r, "cohort"));
    const int64_t *periods = cxm_report_ints(r, (size_t)cxm_report_find_axis(r, "period"));
    for (size_t i = 0; i < cxm_report_rows(r); i++) {
        if (strcmp(cxm_report_measure(r, i), measure) == 0 && cohorts[i] == cohort
            && periods[i] == period)
            return i;
    }
    fail_msg("no row %s, cohort %lld, period %lld", measure, (long long)cohort,
             (long long)period);
    return 0;
}

static struct cxm_estimate cell_of(const struct cxm_report *r, int64_t cohort, int64_t period)
{
    return cxm_report_estimates(r)[find_row(r, "retention", cohort, period)];
}

static int64_t events_of(const struct cxm_report *r, int64_t cohort, int64_t period)
{
    return cxm_report_ints(r, (size_t)cxm_report_find_axis(r, "events"))
        [find_row(r, "retention", cohort, period)];
}

static double average_of(const struct cxm_report *r, const char *measure, int64_t period)
{
    return cxm_report_estimates(r)[find_row(r, measure, INT64_MIN, period)].value;
}

static struct saved_bytes {
    uint8_t bytes[1 << 25];
    size_t n;
} first_bytes, other_bytes;

static void save_to(struct cxm_tally *tally, struct saved_bytes *out)
{
    assert_int_equal(cxm_tally_save(tally, out->bytes, sizeof out->bytes, &out->n, NULL),
                     CXM_OK);
    cxm_tally_free(tally);
}

static void assert_same_bytes(void)
{
    assert_int_equal(first_bytes.n, other_bytes.n);
    assert_memory_equal(first_bytes.bytes, other_bytes.bytes, first_bytes.n);
}

/* ---- the worked example ---------------------------------------------------------------- */

/* Customers a … k in days (definitions, section 3.2), rounded to seconds. */
static struct events example(void)
{
    static const struct { char id; double days; } rows[] = {
        { 'a', .10 }, { 'a', 1.05 }, { 'a', 8 }, { 'a', 15 }, { 'b', 2.5 }, { 'b', 9.49 },
        { 'b', 23 }, { 'c', 3 }, { 'd', 6.9 }, { 'd', 7.1 }, { 'd', 13.9 }, { 'd', 20.9 },
        { 'e', 7.2 }, { 'e', 14.19 }, { 'e', 14.2 }, { 'f', 9 }, { 'f', 27.5 }, { 'g', 13 },
        { 'g', 20 }, { 'h', 14 }, { 'h', 21 }, { 'h', 28 }, { 'i', 18.3 }, { 'j', 22 },
        { 'j', 22 }, { 'k', 21 }, { 'k', 27.99 },
    };
    struct events e = { .n = COUNT_OF(rows) };
    for (size_t i = 0; i < e.n; i++) {
        e.customer[i] = rows[i].id;
        e.time[i] = llround(rows[i].days * DAY);
    }
    return e;
}

static const struct example_row {
    const char *name;
    int mode, criterion;
    int counts[4][4];
    double rates[4][4], pooled[4];
} example_rows[] = {
#define _ NAN
    { "rolling, on", CXM_COHORTS_ROLLING, CXM_COHORTS_ON,
      { { 4, 2, 3, 0 }, { 3, 2, 1, 0 }, { 2, 1, 1, 0 }, { 2, 0, 0, 0 } },
      { { 1, .5, .75, _ }, { 1, 2. / 3, _, _ }, { 1, _, _, _ }, { _, _, _, _ } },
      { 1, 4. / 7, .75, _ } },
    { "rolling, on or after", CXM_COHORTS_ROLLING, CXM_COHORTS_ON_OR_AFTER,
      { { 4, 3, 3, 0 }, { 3, 3, 1, 0 }, { 2, 1, 1, 0 }, { 2, 0, 0, 0 } },
      { { 1, .75, .75, _ }, { 1, 1, _, _ }, { 1, _, _, _ }, { _, _, _, _ } },
      { 1, 6. / 7, .75, _ } },
    { "calendar, on", CXM_COHORTS_CALENDAR, CXM_COHORTS_ON,
      { { 4, 3, 2, 1 }, { 3, 2, 1, 0 }, { 2, 1, 1, 0 }, { 2, 0, 0, 0 } },
      { { 1, .75, .5, .25 }, { 1, 2. / 3, 1. / 3, _ }, { 1, .5, _, _ }, { 1, _, _, _ } },
      { 1, 6. / 9, 3. / 7, .25 } },
    { "calendar, on or after", CXM_COHORTS_CALENDAR, CXM_COHORTS_ON_OR_AFTER,
      { { 4, 3, 3, 1 }, { 3, 3, 1, 0 }, { 2, 1, 1, 0 }, { 2, 0, 0, 0 } },
      { { 1, .75, .75, .25 }, { 1, 1, 1. / 3, _ }, { 1, .5, _, _ }, { 1, _, _, _ } },
      { 1, 7. / 9, 4. / 7, .25 } },
#undef _
};

static void worked_matrix(void **state)
{
    const struct example_row *row = *state;
    const struct events e = example();
    static const int sizes[4] = { 4, 3, 2, 2 };
    struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
        .as_of = 28 * DAY, .length = 7 * DAY, .mode = row->mode, .criterion = row->criterion });
    for (int q = 0; q < 4; q++) {
        for (int k = 0; k < 4; k++) {
            const struct cxm_estimate c = cell_of(r, q * 7 * DAY, k);
            const bool known = !isnan(row->rates[q][k]);
            assert_close(c.value, row->rates[q][k], 1e-15);
            assert_int_equal(events_of(r, q * 7 * DAY, k), row->counts[q][k]);
            assert_counts(&c, known ? sizes[q] : 0, 0, 0, known ? 0 : sizes[q]);
            const bool rises = row->criterion == CXM_COHORTS_ON_OR_AFTER;
            assert_int_equal(!!(c.flags & CXM_FLAG_PROVISIONAL), !known || rises);
            assert_int_equal(!!(c.flags & CXM_FLAG_NO_DATA), !known);
        }
    }
    for (int k = 0; k < 4; k++)
        assert_close(average_of(r, "pooled", k), row->pooled[k], 1e-15);
    cxm_report_free(r);
}

static void customers_one_by_one(void **state)
{
    (void)state;
    const struct events e = example();
    struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
        .as_of = 28 * DAY, .length = 7 * DAY, .mode = CXM_COHORTS_ROLLING,
        .denominator = CXM_COHORTS_OF_CUSTOMERS });
    const struct cxm_estimate *rows = cxm_report_estimates(r);
    static const struct { int k; double value; int64_t n; } wants[] = {
        { 1, 5. / 8, 8 }, { 2, 3. / 4, 4 }, { 3, NAN, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        const size_t at = find_row(r, "pooled", INT64_MIN, wants[i].k);
        assert_close(rows[at].value, wants[i].value, 1e-15);
        assert_int_equal(rows[at].n, wants[i].n);
    }
    cxm_report_free(r);
}

static void brackets_of_days(void **state)
{
    (void)state;
    const struct events e = example();
    static const int64_t edges[] = { 0, 1, 4, 7, 14 };
    struct cxm_tally *tally = tally_of_events(&e, (struct cxm_cohorts_options){
        .as_of = 28 * DAY, .unit = CXM_DAY, .mode = CXM_COHORTS_ROLLING, .rows = CXM_YEAR,
        .denominator = CXM_COHORTS_OF_CUSTOMERS, .brackets = edges, .n_brackets = 5 }, NULL);
    assert_definition(tally, "cohorts/rolling/unit=day/rows=year/on/brackets=0,1,4,7,14/"
                             "of-customers");
    struct cxm_report *r = report_of(tally);
    static const struct { int period, yes, n; } wants[] = {
        { 0, 11, 11 }, { 1, 0, 11 }, { 4, 3, 10 }, { 7, 5, 8 },
    };
    for (size_t i = 0; i < COUNT_OF(wants); i++) {
        const struct cxm_estimate c = cell_of(r, 0, wants[i].period);
        assert_close(c.value, (double)wants[i].yes / wants[i].n, 1e-15);
        assert_int_equal(c.n, wants[i].n);
    }
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* 1000 customers, 500 of them back, and 500 with 400: the three averages of section 3.2. */
static void three_averages(void **state)
{
    (void)state;
    struct events *e = calloc(1, sizeof *e);
    for (int c = 0; c < 1500; c++) {
        const bool first = c < 1000, back = first ? c < 500 : c < 1400;
        const int64_t birth = first ? 0 : 10 * DAY;
        e->customer[e->n] = c;
        e->time[e->n++] = birth;
        if (back) {
            e->customer[e->n] = c;
            e->time[e->n++] = birth + DAY;
        }
    }
    struct cxm_report *r = matrix_of(e, (struct cxm_cohorts_options){ .as_of = 30 * DAY,
                                                                      .unit = CXM_DAY });
    assert_close(average_of(r, "pooled", 1), 0.60, 1e-15);
    assert_close(average_of(r, "simple_mean", 1), 0.65, 1e-15);
    assert_close(average_of(r, "size_weighted", 1), 0.56, 1e-15);
    const struct cxm_estimate e1 = cxm_report_estimates(r)[find_row(r, "pooled", INT64_MIN, 1)];
    assert_close(e1.std_error, sqrt(0.6 * 0.4 / 1500), 1e-14);
    assert_int_equal(e1.interval, CXM_INTERVAL_WILSON);
    /* cohorts without anybody in between */
    const struct cxm_estimate empty = cell_of(r, 5, 1);
    assert_true(isnan(empty.value) && empty.flags & CXM_FLAG_NO_DATA);
    assert_counts(&empty, 0, 0, 0, 0);
    cxm_report_free(r);
    free(e);
}

/* Birth 12-01 17:59, return 12-02 17:00: column 0 by 24 hours, 1 with floored hours and by the
 * calendar (Amplitude's page). The same 30 000 days earlier, before 1970. */
static void floored_hours(void **state)
{
    (void)state;
    for (int k = 0; k < 6; k++) {
        const int64_t begin = 1764547200 - (k >= 3) * INT64_C(30000) * DAY; /* 2025-12-01 00:00 UTC */
        const struct events e = { 2, { 1, 1 },
                                  { begin + 17 * 3600 + 59 * 60, begin + DAY + 17 * 3600 } };
        const int kind = k % 3;
        struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
            .as_of = begin + 9 * DAY, .unit = CXM_DAY, .hour_floor = kind == 1,
            .mode = kind < 2 ? CXM_COHORTS_ROLLING : CXM_COHORTS_CALENDAR });
        assert_true(cell_of(r, begin / DAY, 1).value == (kind == 0 ? 0 : 1));
        assert_true(cell_of(r, begin / DAY, 0).value == 1);
        cxm_report_free(r);
    }
}

/* Days that begin at half an hour of UTC: 00:10 on 1970-01-02 by a clock of +05:30 is that hour. */
static void floored_hours_of_the_clock(void **state)
{
    (void)state;
    const struct events e = { 1, { 1 }, { DAY + 600 - 19800 } };
    struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
        .as_of = 9 * DAY, .unit = CXM_DAY, .hour_floor = 1, .utc_offset = 19800 });
    assert_true(cell_of(r, 1, 0).value == 1);
    cxm_report_free(r);
}

/* ---- dates ------------------------------------------------------------------------------ */

/* 1970-01-01, 02-01 and 02-28 of customer 1, 1970-01-31 of customer 2: months by any clock, as it shows
 * midnight of 1970-03-01. As days, as milliseconds that are dates (Arrow), as seconds that are. */
static void dates_are_days_by_any_clock(void **state)
{
    (void)state;
    static const int64_t offsets[] = { 0, -6 * 3600, 8 * 3600, -1, 1, 14 * 3600, -12 * 3600, 19800 };
    static const int64_t customer[4] = { 1, 1, 1, 2 }, days[4] = { 0, 31, 58, 30 };
    static const struct { int64_t of_day; uint32_t unit, flags; } kinds[] = {
        { 1, CXM_DAYS, 0 }, { 86400000, CXM_MS, CXM_COLUMN_DATES }, { DAY, CXM_S, CXM_COLUMN_DATES },
    };
    const struct cxm_column c = CXM_ARRAY(customer, 4);
    for (size_t i = 0; i < COUNT_OF(offsets) * COUNT_OF(kinds) * 4; i++) {
        const size_t kind = i / 4 % COUNT_OF(kinds);
        const int64_t offset = offsets[i / 4 / COUNT_OF(kinds)];
        const struct cxm_zone_row zone[2] = { { 0, offset }, { 40 * DAY, offset } };
        int64_t times[4];
        for (int k = 0; k < 4; k++)
            times[k] = days[k] * kinds[kind].of_day;
        struct cxm_column t = CXM_ARRAY(times, 4);
        t.time_unit = kinds[kind].unit;
        t.flags = kinds[kind].flags;
        struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 59 * DAY - offset, .has_as_of = 1,
                                         .utc_offset = offset, .has_utc_offset = 1,
                                         .hour_floor = (int32_t)(i / 2 % 2) };
        if (i % 2 == 1) {
            o.utc_offset = 0;
            o.zone = zone;
            o.n_zone = 2;
        }
        struct cxm_report *r = NULL;
        assert_int_equal(cxm_cohorts(&c, &t, &o, &r, &error), CXM_OK);
        assert_int_equal(cell_of(r, 0, 0).n, 2);
        assert_true(cell_of(r, 0, 0).value == 1 && cell_of(r, 0, 1).value == 0.5);
        cxm_report_free(r);
        o.as_of--; /* February is not over */
        assert_int_equal(cxm_cohorts(&c, &t, &o, &r, &error), CXM_OK);
        assert_true(isnan(cell_of(r, 0, 1).value) && events_of(r, 0, 1) == 1);
        cxm_report_free(r);
        o.as_of = 58 * DAY - offset; /* the 28th has begun, or has not */
        o.unit = CXM_DAY;
        assert_int_equal(cxm_cohorts(&c, &t, &o, &r, &error), CXM_OK);
        assert_true(events_of(r, 0, 58) == 1);
        cxm_report_free(r);
        struct cxm_cohorts_base base;
        struct cxm_tally *tally = NULL;
        o.as_of--;
        assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &tally, &base, &error), CXM_OK);
        assert_int_equal(base.unseen, 1);
        cxm_tally_free(tally);
    }
}

/* A start on 1970-02-01 is the instant at which that day begins by the clock: an event then is in
 * column 0, one a second earlier is early. And instants of starts beside dates of events. */
static void dates_among_instants(void **state)
{
    (void)state;
    static const int64_t offsets[] = { 0, -6 * 3600, 8 * 3600, 19800, -12 * 3600 };
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        const int64_t begin = 31 * DAY - offsets[i], customer[3] = { 1, 1, 1 };
        const int64_t time[3] = { begin, begin - 1, begin + 28 * DAY }, start[3] = { 31, 31, 31 };
        const struct cxm_column c = CXM_ARRAY(customer, 3);
        struct cxm_column t = CXM_TIME(CXM_ARRAY(time, 3), CXM_S, INT64_MIN);
        struct cxm_column s = CXM_ARRAY(start, 3);
        s.time_unit = CXM_DAYS;
        struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 99 * DAY, .has_as_of = 1,
                                         .utc_offset = offsets[i], .has_utc_offset = 1,
                                         .start_time = &s };
        struct cxm_cohorts_base base;
        struct cxm_tally *tally = NULL;
        assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &tally, &base, &error), CXM_OK);
        assert_true(base.early == 1 && base.used == 2);
        struct cxm_report *r = report_of(tally);
        assert_true(events_of(r, 31, 0) == 1 && events_of(r, 31, 1) == 1);
        cxm_report_free(r);
        cxm_tally_free(tally);
        o.start_time = &t; /* the first of them: on the 31st of January, one second before midnight */
        assert_int_equal(cxm_cohorts_tally(&c, &s, &o, NULL, &tally, &base, &error), CXM_OK);
        assert_true(base.early == 0 && base.used == 3);
        r = report_of(tally);
        assert_true(events_of(r, 0, 0) == 0 && events_of(r, 0, 1) == 1);
        cxm_report_free(r);
        cxm_tally_free(tally);
    }
}

/* A clock that is set forward over the midnight of 1970-01-11: the day begins at the change. A day on
 * which it was set forward has 23 hours, and is a day where there is nothing but dates. */
static void dates_when_clocks_change(void **state)
{
    (void)state;
    static const struct cxm_zone_row zone[] = { { 0, -1800 }, { 10 * DAY, 1800 } };
    static const int64_t customer[3] = { 1, 1, 1 };
    static const int64_t time[3] = { 10 * DAY, 10 * DAY - 1, 11 * DAY - 1800 };
    static const int64_t start[3] = { 10, 10, 10 }, days[3] = { 9, 10, 11 };
    const struct cxm_column c = CXM_ARRAY(customer, 3);
    const struct cxm_column t = CXM_TIME(CXM_ARRAY(time, 3), CXM_S, INT64_MIN);
    struct cxm_column s = CXM_ARRAY(start, 3), d = CXM_ARRAY(days, 3);
    s.time_unit = d.time_unit = CXM_DAYS;
    struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 99 * DAY, .has_as_of = 1,
                                     .zone = zone, .n_zone = 2, .unit = CXM_DAY, .start_time = &s };
    struct cxm_report *r = NULL;
    struct cxm_cohorts_base base;
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &tally, &base, &error), CXM_OK);
    assert_true(base.early == 1 && base.used == 2);
    r = report_of(tally);
    assert_true(events_of(r, 10, 0) == 1 && events_of(r, 10, 1) == 1);
    cxm_report_free(r);
    cxm_tally_free(tally);
    o.start_time = NULL;
    o.mode = CXM_COHORTS_ROLLING;
    assert_int_equal(cxm_cohorts(&c, &d, &o, &r, &error), CXM_OK);
    for (int k = 0; k < 3; k++)
        assert_int_equal(events_of(r, 9, k), 1);
    cxm_report_free(r);
}

/* ---- definitions, edge case 10 --------------------------------------------------------- */

static void two_events_in_one_second(void **state)
{
    (void)state;
    const struct events e = { 3, { 1, 1, 1 }, { 5, 5, 5 + DAY } };
    struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
        .as_of = 9 * DAY, .unit = CXM_DAY, .mode = CXM_COHORTS_ROLLING });
    assert_int_equal(events_of(r, 0, 0), 1);
    assert_int_equal(events_of(r, 0, 1), 1);
    cxm_report_free(r);
}

/* Start times: earlier events are ignored, a start without any event is a customer. */
static void events_before_the_start(void **state)
{
    (void)state;
    const int64_t customer[6] = { 1, 1, 1, 2, 3, 4 };
    const int64_t time[6] = { 0, 2 * DAY, 3 * DAY, INT64_MIN, DAY, 2 * DAY };
    const int64_t start[6] = { 2 * DAY, 2 * DAY, 4 * DAY, 2 * DAY, INT64_MIN, 99 * DAY };
    const struct cxm_column c = CXM_ARRAY(customer, 6);
    const struct cxm_column t = CXM_TIME(CXM_ARRAY(time, 6), CXM_S, INT64_MIN);
    const struct cxm_column s = CXM_TIME(CXM_ARRAY(start, 6), CXM_S, INT64_MIN);
    const struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 9 * DAY, .has_as_of = 1,
                                           .unit = CXM_DAY, .start_time = &s };
    struct cxm_cohorts_base base;
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &tally, &base, &error), CXM_OK);
    struct cxm_report *r = report_of(tally);
    assert_true(cell_of(r, 2, 0).value == 0.5); /* 2 has begun but has no event */
    assert_true(cell_of(r, 2, 1).value == 0.5);
    assert_int_equal(base.early, 1);
    assert_int_equal(base.used, 3);             /* two events and a start alone */
    assert_int_equal(base.unlinked, 2);         /* 3 has no start, that of 4 is not yet seen */
    assert_int_equal(base.customers, 2);
    assert_int_equal(base.customers_unlinked, 2);
    assert_int_equal(base.used + base.missing + base.invalid + base.unseen + base.unlinked
                         + base.early, 6);
    assert_definition(tally, "cohorts/calendar/unit=day/on/start=time");
    cxm_report_free(r);
    cxm_tally_free(tally);
}

/* Start events are no returns: column 0 needs another event. */
static void start_events(void **state)
{
    (void)state;
    const int64_t customer[5] = { 1, 1, 2, 2, 1 };
    const int64_t time[5] = { DAY, DAY, DAY, 2 * DAY, 5 * DAY };
    const bool start[5] = { true, false, true, false, true };
    const struct cxm_column c = CXM_ARRAY(customer, 5), f = CXM_ARRAY(start, 5);
    const struct cxm_column t = CXM_TIME(CXM_ARRAY(time, 5), CXM_S, INT64_MIN);
    const struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 9 * DAY, .has_as_of = 1,
                                           .unit = CXM_DAY, .start_flag = &f };
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_cohorts(&c, &t, &o, &r, &error), CXM_OK);
    assert_true(cell_of(r, 1, 0).value == 0.5 && cell_of(r, 1, 1).value == 0.5);
    assert_true(cell_of(r, 1, 4).value == 0); /* a second start is no return */
    cxm_report_free(r);
}

/* A flag that is neither yes nor no, a start that is no instant: the row is counted, and left out. */
static void invalid_starts(void **state)
{
    (void)state;
    const int64_t customer[4] = { 1, 1, 1, 2 }, time[4] = { DAY, 2 * DAY, 3 * DAY, DAY };
    const int64_t flag[4] = { 1, 0, 7, 1 };
    const double start[4] = { DAY, NAN, NAN, INFINITY };
    const struct cxm_column c = CXM_ARRAY(customer, 4), f = CXM_ARRAY(flag, 4);
    const struct cxm_column t = CXM_TIME(CXM_ARRAY(time, 4), CXM_S, INT64_MIN);
    struct cxm_column s = CXM_ARRAY(start, 4);
    s.time_unit = CXM_S;
    struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 9 * DAY, .has_as_of = 1,
                                     .unit = CXM_DAY, .start_flag = &f };
    struct cxm_cohorts_base base;
    struct cxm_tally *tally = NULL;
    assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &tally, &base, &error), CXM_EDATA);
    assert_int_equal(error.row, 2);
    o.invalid = CXM_INVALID_COUNT;
    assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &tally, &base, &error), CXM_OK);
    struct cxm_report *r = report_of(tally);
    assert_true(cell_of(r, 1, 1).value == 0.5 && cell_of(r, 1, 2).value == 0);
    assert_true(base.invalid == 1 && base.used == 3 && base.customers == 2);
    cxm_report_free(r);
    cxm_tally_free(tally);

    o.start_flag = NULL;
    o.start_time = &s;
    assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &tally, &base, &error), CXM_OK);
    assert_true(base.invalid == 1 && base.used == 3 && base.unlinked == 0);
    assert_true(base.customers == 1 && base.customers_unlinked == 0);
    cxm_tally_free(tally);
}

/* Where stretches of seconds would begin by a zone's clock, a table of it is refused, not ignored. */
static void zone_table_and_length(void **state)
{
    (void)state;
    static const struct cxm_zone_row zone[] = { { 0, 3600 }, { 1711846800, 7200 } };
    const int64_t one[1] = { 1 };
    const struct cxm_column c = CXM_ARRAY(one, 1);
    struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 9 * DAY, .has_as_of = 1,
                                     .length = DAY, .zone = zone, .n_zone = 2 };
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_cohorts(&c, &c, &o, &r, &error), CXM_EINVAL);
    assert_string_equal(error.column, "zone_table");
    o.rows = CXM_MONTH;
    assert_int_equal(cxm_cohorts(&c, &c, &o, &r, &error), CXM_EINVAL);
    o.mode = CXM_COHORTS_ROLLING; /* columns from start to start, rows by the calendar */
    assert_int_equal(cxm_cohorts(&c, &c, &o, &r, &error), CXM_OK);
    cxm_report_free(r);
}

static void as_of_inside_a_period(void **state)
{
    (void)state;
    const struct events e = { 2, { 1, 1 }, { 0, 31 * DAY } };
    for (int i = 0; i < 2; i++) { /* the last second of February, the first of March */
        struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
            .as_of = 59 * DAY - 1 + i });
        const struct cxm_estimate c = cell_of(r, 0, 1);
        assert_int_equal(c.n, i);
        assert_close(c.value, i ? 1 : NAN, 0);
        assert_int_equal(events_of(r, 0, 1), 1); /* so far */
        cxm_report_free(r);
    }
}

static void an_event_on_the_boundary(void **state)
{
    (void)state;
    const int64_t birth = llround(7.20 * DAY), later = llround(14.20 * DAY);
    for (int i = 0; i < 2; i++) {
        const struct events e = { 2, { 1, 1 }, { birth, later - i } };
        struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
            .as_of = 99 * DAY, .length = 7 * DAY, .mode = CXM_COHORTS_ROLLING });
        assert_true(cell_of(r, 7 * DAY, 1).value == (i == 0));
        cxm_report_free(r);
    }
}

static void before_1970(void **state)
{
    (void)state;
    const struct events e = { 3, { 1, 1, 2 }, { -1, 0, -40 * DAY } };
    struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){ .as_of = 90 * DAY });
    assert_true(cell_of(r, -31, 0).value == 1); /* December 1969 */
    assert_true(cell_of(r, -31, 1).value == 1);
    assert_true(cell_of(r, -61, 0).value == 1 && cell_of(r, -61, 1).value == 0);
    cxm_report_free(r);
}

/* Jan 31 -> Feb 29 -> Mar 1, 2024: one month each. */
static void february_of_a_leap_year(void **state)
{
    (void)state;
    const int64_t jan31 = 19753 * (int64_t)DAY;
    const struct events e = { 3, { 1, 1, 1 }, { jan31, jan31 + 29 * DAY, jan31 + 30 * DAY } };
    struct cxm_report *r = matrix_of(&e, (struct cxm_cohorts_options){
        .as_of = jan31 + 61 * DAY });
    for (int k = 0; k < 3; k++)
        assert_true(cell_of(r, 19723, k).value == 1);
    cxm_report_free(r);
}

/* Berlin, 2024-03-31 has 23 hours: 22:30 UTC on the 31st is 00:30 on April 1. */
static void a_day_of_23_hours(void **state)
{
    (void)state;
    const int64_t midnight = 1711839600; /* 2024-03-31 00:00 local = 2024-03-30 23:00 UTC */
    static const struct cxm_zone_row zone[] = { { 0, 3600 }, { 1711846800, 7200 } };
    const struct events e = { 3, { 1, 1, 2 },
                              { midnight, midnight + 23 * 3600, midnight + 23 * 3600 - 1 } };
    const int64_t day = 19813;
    struct cxm_cohorts_options o = { .as_of = midnight + 9 * DAY, .unit = CXM_DAY, .zone = zone,
                                     .n_zone = 2 };
    struct cxm_report *r = matrix_of(&e, o);
    assert_int_equal(cell_of(r, day, 0).n, 2);
    assert_true(cell_of(r, day, 0).value == 1 && cell_of(r, day, 1).value == 0.5);
    cxm_report_free(r);
    o.as_of = midnight + 23 * 3600; /* the day is over after 23 hours */
    r = matrix_of(&e, o);
    assert_int_equal(cell_of(r, day, 0).n, 2);
    cxm_report_free(r);
    o.as_of--;
    r = matrix_of(&e, o);
    assert_int_equal(cell_of(r, day, 0).n, 0);
    cxm_report_free(r);
}

/* ---- other edges ----------------------------------------------------------------------- */

static void nothing(void **state)
{
    (void)state;
    struct events *e = calloc(1, sizeof *e);
    struct cxm_cohorts_base base;
    struct cxm_tally *tally = tally_of_events(e, (struct cxm_cohorts_options){ .as_of = 5 },
                                              &base);
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_cohorts_report(tally, 0, 0, &base, &r, &error), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 2); /* customers, events */
    assert_true(cxm_report_estimates(r)[1].value == 0);
    cxm_report_free(r);
    cxm_tally_free(tally);
    free(e);
}

static void milliseconds_by_mistake(void **state)
{
    (void)state;
    const struct events e = { 2, { 1, 2 }, { 1700000000000, 1700000000001 } };
    struct cxm_cohorts_base base;
    struct cxm_tally *tally = tally_of_events(&e, (struct cxm_cohorts_options){
        .as_of = 1710000000 }, &base);
    assert_int_equal(base.unseen, 2);
    assert_true(base.flags & CXM_FLAG_ALL_AFTER_AS_OF);
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_cohorts_report(tally, 0, 0, &base, &r, &error), CXM_OK);
    bool told = false;
    const size_t reason = (size_t)cxm_report_find_axis(r, "reason");
    for (size_t i = 0; i < cxm_report_rows(r); i++) {
        const char *text = cxm_report_text(r, reason, i);
        told = told || (text != NULL && strstr(text, "milliseconds?") != NULL);
        assert_true(cxm_report_estimates(r)[i].flags & CXM_FLAG_ALL_AFTER_AS_OF);
    }
    assert_true(told);
    cxm_report_free(r);
    cxm_tally_free(tally);
}

static void missing_and_unseen_rows(void **state)
{
    (void)state;
    const struct events e = { 4, { 1, 1, 2, 3 }, { 0, INT64_MIN, 50 * DAY, DAY } };
    struct cxm_cohorts_base base;
    cxm_tally_free(tally_of_events(&e, (struct cxm_cohorts_options){ .as_of = 40 * DAY }, &base));
    assert_int_equal(base.used, 2);
    assert_int_equal(base.missing, 1);
    assert_int_equal(base.unseen, 1);
    assert_int_equal(base.customers, 2);
}

static void wrong_options(void **state)
{
    (void)state;
    const int64_t one[1] = { 1 }, edges[3] = { 0, 5, 5 };
    const struct cxm_column c = CXM_ARRAY(one, 1);
    struct cxm_column zoned = c;
    zoned.flags |= CXM_COLUMN_ZONED;
    zoned.time_unit = CXM_S;
    static const struct cxm_cohorts_options good = { CXM_INIT(cohorts), .has_as_of = 1 };
    struct cxm_cohorts_options o[12];
    for (size_t i = 0; i < COUNT_OF(o); i++)
        o[i] = good;
    o[0].has_as_of = 0;
    o[1].unit = 9;
    o[2].mode = 2;
    o[3].criterion = -1;
    o[4].denominator = 7;
    o[5].brackets = edges;
    o[5].n_brackets = 3;
    o[6].n_periods = -1;
    o[7].length = -5;
    o[8].start_flag = o[8].start_time = &c;
    o[9].level = 95;
    o[10].interval = CXM_INTERVAL_BCA;
    o[11].utc_offset = 1000000;
    struct cxm_report *r = (struct cxm_report *)(void *)&good;
    for (size_t i = 0; i < COUNT_OF(o); i++) {
        assert_int_equal(cxm_cohorts(&c, &c, &o[i], &r, &error), CXM_EINVAL);
        assert_ptr_equal(r, &good);
    }
    assert_int_equal(cxm_cohorts(&c, &zoned, &good, &r, &error), CXM_EINVAL);
    assert_string_equal(error.column, "utc_offset");
    struct cxm_column dates = c; /* beside instants of a zone they need its clock too */
    dates.time_unit = CXM_DAYS;
    struct cxm_cohorts_options started = good;
    started.start_time = &zoned;
    assert_int_equal(cxm_cohorts(&c, &dates, &started, &r, &error), CXM_EINVAL);
    assert_string_equal(error.column, "utc_offset");
    assert_int_equal(cxm_cohorts(NULL, &c, &good, &r, &error), CXM_EINVAL);
    struct cxm_tally *nps = NULL;
    assert_int_equal(cxm_tally_new("nps", NULL, 0, NULL, &nps, NULL), CXM_OK);
    assert_int_equal(cxm_cohorts_report(nps, 0, 0, NULL, &r, &error), CXM_EINVAL);
    cxm_tally_free(nps);
}

/* ---- laws ----------------------------------------------------------------------------- */

static void random_events(struct events *e, uint64_t *seed, size_t n)
{
    const uint64_t customers = 1 + random_below(seed, 60);
    const uint64_t days = 1 + random_below(seed, random_below(seed, 9) ? 90 : 700);
    e->n = n;
    for (size_t i = 0; i < n; i++) {
        e->customer[i] = (int64_t)random_below(seed, customers) - 20;
        e->time[i] = random_below(seed, 40) == 0 ? INT64_MIN
                   : (int64_t)random_below(seed, days * DAY) - 30 * DAY;
    }
}

static struct cxm_cohorts_options random_options(uint64_t *seed)
{
    static const int64_t edges[] = { 1, 2, 5, 9 };
    struct cxm_cohorts_options o = {
        .as_of = (int64_t)random_below(seed, 130 * DAY),
        .unit = (int32_t)(1 + random_below(seed, 5)),
        .mode = (int32_t)random_below(seed, 2), .criterion = (int32_t)random_below(seed, 2),
        .denominator = (int32_t)random_below(seed, 2),
        .utc_offset = (int64_t)random_below(seed, DAY) - DAY / 2,
        .hour_floor = random_below(seed, 4) == 0,
        .n_periods = random_below(seed, 3) == 0 ? 1 + (int64_t)random_below(seed, 30) : 0,
    };
    if (random_below(seed, 5) == 0) {
        o.brackets = edges;
        o.n_brackets = 4;
        o.n_periods = 0;
    }
    return o;
}

/* Rows shuffled, ids renamed (near each other or far apart, as texts would be), threads. */
static void order_ids_and_threads_change_no_byte(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    struct events *e = calloc(1, sizeof *e), *other = calloc(1, sizeof *other);
    for (int round = 0; round < 300; round++) {
        random_events(e, &seed, 1 + random_below(&seed, 600));
        struct cxm_cohorts_options o = random_options(&seed);
        save_to(tally_of_events(e, o, NULL), &first_bytes);
        *other = *e;
        for (size_t i = other->n - 1; i > 0; i--) {
            const size_t j = random_below(&seed, i + 1);
            const int64_t c = other->customer[i], t = other->time[i];
            other->customer[i] = other->customer[j];
            other->time[i] = other->time[j];
            other->customer[j] = c;
            other->time[j] = t;
        }
        for (size_t i = 0; i < other->n; i++) {
            const uint64_t far = (uint64_t)other->customer[i] * 0x9e3779b97f4a7c15u;
            other->customer[i] = round % 2 ? (int64_t)far : 7 - other->customer[i];
        }
        o.threads = (int32_t)random_below(&seed, 4);
        save_to(tally_of_events(other, o, NULL), &other_bytes);
        assert_same_bytes();
    }
    free(e);
    free(other);
}

/* Many rows: the short cut with threads, and with a wrong first guess, against the sort. */
static void the_short_cut_counts_the_same(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    enum { ROWS = 300000 };
    uint32_t *ids = malloc(ROWS * sizeof *ids);
    int64_t *far = malloc(ROWS * sizeof *far), *times = malloc(ROWS * sizeof *times);
    assert_true(ids != NULL && far != NULL && times != NULL);
    for (int shape = 0; shape < 4; shape++) {
        const uint64_t range = shape == 1 ? 60 : 24;
        for (int i = 0; i < ROWS; i++) {
            ids[i] = (uint32_t)random_below(&seed, 20000) + (shape == 2 ? 4000000000u : 5);
            times[i] = (int64_t)random_below(&seed, range * 30 * DAY);
        }
        if (shape == 3) { /* a row that no sample sees */
            ids[ROWS / 2 + 777] = 500000;
            times[ROWS / 2 + 777] = -40 * DAY;
        }
        for (int i = 0; i < ROWS; i++)
            far[i] = (int64_t)((uint64_t)ids[i] * 0x9e3779b97f4a7c15u);
        const struct cxm_column c = CXM_ARRAY(ids, ROWS), f = CXM_ARRAY(far, ROWS);
        const struct cxm_column t = CXM_ARRAY(times, ROWS);
        for (int threads = 1; threads <= 3; threads++) {
            for (int criterion = 0; criterion < 2; criterion++) {
                const struct cxm_cohorts_options o = {
                    CXM_INIT(cohorts), .as_of = 700 * DAY, .has_as_of = 1, .threads = threads,
                    .criterion = criterion };
                struct cxm_cohorts_base base, base_far;
                struct cxm_tally *near_tally = NULL, *far_tally = NULL;
                assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &near_tally, &base, &error),
                                 CXM_OK);
                assert_int_equal(cxm_cohorts_tally(&f, &t, &o, NULL, &far_tally, &base_far,
                                                   &error), CXM_OK);
                save_to(near_tally, &first_bytes);
                save_to(far_tally, &other_bytes);
                assert_same_bytes();
                assert_memory_equal(&base, &base_far, sizeof base);
            }
        }
    }
    free(ids);
    free(far);
    free(times);
}

/* Customers far apart, of whom a table is made: with rows that are missing or unseen; with more
 * of them than the sample knows; with keys that all want the same place of the table; and periods
 * that need words of 64 bits. Against numbers close together. */
static void a_table_of_customers(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    enum { ROWS = 300000, BLOCK = 1024, CUSTOMERS = 5000 };
    uint32_t *ids = malloc(ROWS * sizeof *ids);
    uint64_t *far = malloc(ROWS * sizeof *far);
    int64_t *times = malloc(ROWS * sizeof *times);
    uint8_t *valid = malloc(ROWS / 8 + 1);
    assert_true(ids != NULL && far != NULL && times != NULL && valid != NULL);
    for (int shape = 0; shape < 6; shape++) {
        memset(valid, 0xFF, ROWS / 8 + 1);
        for (int i = 0; i < ROWS; i++) {
            ids[i] = (uint32_t)random_below(&seed, CUSTOMERS);
            if (shape == 1 && i / BLOCK % 4 != 0) /* blocks that are not in the sample */
                ids[i] = CUSTOMERS + (uint32_t)i;
            times[i] = (int64_t)random_below(&seed, (shape == 3 ? 60 : 24) * 30 * DAY);
            if (shape == 4 && random_below(&seed, 100) == 0)
                times[i] += 900 * DAY; /* unseen */
            if (shape == 4 && random_below(&seed, 100) == 0)
                valid[i / 8] &= (uint8_t)~(1 << i % 8);
            far[i] = ids[i] * UINT64_C(0x9e3779b97f4a7c15);
            if (shape == 2)
                far[i] = cxm_priv_unmix(ids[i], 64);
        }
        if (shape == 5)
            times[ROWS / 2 + 777] = -40 * DAY; /* which no sample sees */
        const struct cxm_column c = CXM_ARRAY(ids, ROWS), f = CXM_ARRAY(far, ROWS);
        struct cxm_column t = CXM_ARRAY(times, ROWS);
        t.validity = shape == 4 ? valid : NULL;
        for (int threads = 1; threads <= 3; threads++) {
            for (int criterion = 0; criterion < 2; criterion++) {
                const struct cxm_cohorts_options o = {
                    CXM_INIT(cohorts), .as_of = (shape == 3 ? 1900 : 730) * DAY, .has_as_of = 1,
                    .threads = threads, .criterion = criterion };
                struct cxm_cohorts_base base, base_far;
                struct cxm_tally *near_tally = NULL, *far_tally = NULL;
                assert_int_equal(cxm_cohorts_tally(&c, &t, &o, NULL, &near_tally, &base, &error),
                                 CXM_OK);
                assert_int_equal(cxm_cohorts_tally(&f, &t, &o, NULL, &far_tally, &base_far,
                                                   &error), CXM_OK);
                assert_true(shape != 4 || (base.missing > 1000 && base.unseen > 1000));
                save_to(near_tally, &first_bytes);
                save_to(far_tally, &other_bytes);
                assert_same_bytes();
                assert_memory_equal(&base, &base_far, sizeof base);
            }
        }
    }
    free(ids);
    free(far);
    free(times);
    free(valid);
}

/* The table by itself, for several partitions: it grows, counts what was put in and nothing else,
 * and stops where it must. */
static void slots_of_customers(void **state)
{
    (void)state;
    enum { N = 40000 };
    uint64_t seed = random_seed();
    struct cxm_cohort_calendar *calendar = calloc(1, sizeof *calendar);
    struct cxm_cohort_slots t;
    const struct cxm_cohort_plan plan = { .as_of = 10000 * DAY,
                                          .columns = { .unit = CXM_DAY, .length = 1 } };
    assert_true(cxm_priv_cohort_calendar(calendar, &plan, 0, 64));
    assert_true(cxm_priv_cohort_slots_init(&t, NULL));
    struct cxm_bit_counts *counts = calloc(2, sizeof *counts);
    uint64_t *bits = calloc(N, sizeof *bits), words[300];
    struct cxm_cohort_rows rows = { .words = words, .id_shift = 2, .mask = 0xFFFFFFFF,
                                    .time_base = -5 };
    cxm_priv_bit_counts_init(&counts[0]);
    cxm_priv_bit_counts_init(&counts[1]);
    for (int partition = 0; partition < 3; partition++) { /* the second leaves a large table */
        memset(bits, 0, N * sizeof *bits);
        for (int round = 0; round < (partition == 1 ? 3000 : 30); round++) {
            rows.n = random_below(&seed, 100);
            rows.stride = 2 + random_below(&seed, 2);
            for (size_t i = 0; i < rows.n; i++) {
                const size_t at = random_below(&seed, N);
                const uint64_t time = random_below(&seed, 64 * DAY);
                uint64_t *const row = words + i * rows.stride;
                /* 0 is a customer, too; those of the last partition differ in their upper half */
                row[0] = ((partition == 2 ? at << 32 : at * UINT64_C(0xD1342543DE82EF95)) << 2) | 3;
                row[rows.stride - 1] = UINT64_C(7) << 32 | (time + 5);
                bits[at] |= UINT64_C(1) << time / DAY;
            }
            assert_true(cxm_priv_cohort_slots_reserve(&t, rows.n));
            assert_true(cxm_priv_cohort_slots_add(&t, calendar, &rows));
        }
        size_t customers = 0;
        for (size_t k = 0; k < N; k++) {
            customers += bits[k] != 0;
            cxm_priv_bit_counts_add(&counts[1], bits[k], 8, false);
        }
        assert_int_equal(t.n, customers);
        cxm_priv_cohort_slots_count(&t, &counts[0], 8, false);
        assert_int_equal(t.n, 0);
    }
    cxm_priv_bit_counts_close(&counts[0]);
    cxm_priv_bit_counts_close(&counts[1]);
    assert_memory_equal(&counts[0], &counts[1], sizeof counts[0]);
    rows = (struct cxm_cohort_rows){ words, 1, 2, 0, UINT64_MAX, 0 };
    words[0] = 77;
    for (int day = 63; day < 66; day++) { /* the last period, and beyond */
        words[1] = (uint64_t)day * DAY;
        assert_true(cxm_priv_cohort_slots_add(&t, calendar, &rows) == (day < 64));
    }
    cxm_priv_cohort_slots_release(&t);
    free(counts);
    free(bits);
    free(calendar);
}

static void memory_runs_out_of_tables(void **state)
{
    (void)state;
    enum { ROWS = 1 << 17 };
    uint64_t *far = malloc(ROWS * sizeof *far);
    int64_t *times = malloc(ROWS * sizeof *times);
    for (int i = 0; i < ROWS; i++) {
        far[i] = (uint64_t)(i % 6000) * UINT64_C(0x9e3779b97f4a7c15);
        times[i] = i % 500 * (int64_t)DAY;
    }
    const struct cxm_column ids = CXM_ARRAY(far, ROWS), t = CXM_ARRAY(times, ROWS);
    for (int fail_at = 1;; fail_at++) {
        struct heap heap;
        heap_init(&heap, fail_at);
        const struct cxm_cohorts_options o = { CXM_INIT(cohorts), .as_of = 600 * DAY,
                                               .has_as_of = 1 };
        struct cxm_tally *tally = NULL;
        const enum cxm_status status = cxm_cohorts_tally(&ids, &t, &o, &heap.allocator, &tally,
                                                         NULL, &error);
        cxm_tally_free(tally);
        assert_int_equal(heap.live, 0);
        if (status == CXM_OK)
            break;
        assert_int_equal(status, CXM_ENOMEM);
    }
    free(far);
    free(times);
}

static void parts_by_customer_merge(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    struct events *e = calloc(1, sizeof *e), *part = calloc(1, sizeof *part);
    for (int round = 0; round < 200; round++) {
        random_events(e, &seed, 1 + random_below(&seed, 500));
        const struct cxm_cohorts_options o = random_options(&seed);
        struct cxm_tally *whole = tally_of_events(e, o, NULL), *sum = NULL;
        for (int p = 0; p < 3; p++) {
            part->n = 0;
            for (size_t i = 0; i < e->n; i++) {
                if ((e->customer[i] + 30) % 3 != p)
                    continue;
                part->customer[part->n] = e->customer[i];
                part->time[part->n++] = e->time[i];
            }
            struct cxm_tally *tally = tally_of_events(part, o, NULL);
            if (sum == NULL) {
                sum = tally;
                continue;
            }
            assert_int_equal(cxm_tally_merge(sum, tally, &error), CXM_OK);
            cxm_tally_free(tally);
        }
        save_to(whole, &first_bytes);
        save_to(sum, &other_bytes);
        assert_same_bytes();
    }
    free(e);
    free(part);
}

/* As of A, with later rows present or cut off: the same bytes. */
static void the_past_stays_as_it_was(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    struct events *e = calloc(1, sizeof *e), *cut = calloc(1, sizeof *cut);
    for (int round = 0; round < 300; round++) {
        random_events(e, &seed, 1 + random_below(&seed, 500));
        const struct cxm_cohorts_options o = random_options(&seed);
        cut->n = 0;
        for (size_t i = 0; i < e->n; i++) {
            if (e->time[i] > o.as_of)
                continue;
            cut->customer[cut->n] = e->customer[i];
            cut->time[cut->n++] = e->time[i];
        }
        save_to(tally_of_events(e, o, NULL), &first_bytes);
        save_to(tally_of_events(cut, o, NULL), &other_bytes);
        assert_same_bytes();
    }
    free(e);
    free(cut);
}

/* Groups: the matrix of each is that of its own events. */
static void groups_are_matrices_of_their_events(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static const char *const names[] = { "north", "", "s\xC3\xBC" "d", NULL };
    for (int round = 0; round < 100; round++) {
        struct events *e = calloc(1, sizeof *e), *part = calloc(1, sizeof *part);
        const char *by[600];
        random_events(e, &seed, 1 + random_below(&seed, 400));
        struct cxm_cohorts_options o = random_options(&seed);
        for (size_t i = 0; i < e->n; i++)
            by[i] = names[random_below(&seed, 4)];
        struct cxm_column key = CXM_ARRAY(by, e->n);
        key.name = "region";
        struct cxm_cohorts_options grouped = o;
        grouped.by = &key;
        struct cxm_tally *all = tally_of_events(e, grouped, NULL);
        int64_t rows = 0;
        for (int g = 0; g < 4; g++) {
            part->n = 0;
            for (size_t i = 0; i < e->n; i++) {
                if (by[i] != names[g])
                    continue;
                part->customer[part->n] = e->customer[i];
                part->time[part->n++] = e->time[i];
            }
            struct cxm_tally *tally = tally_of_events(part, o, NULL);
            struct cxm_tally_info info;
            cxm_tally_describe(tally, &info);
            rows += info.rows;
            for (int64_t a = 0; a < cxm_tally_groups(all) && info.rows > 0; a++) {
                struct cxm_key key_a, key_b, period_a, period_b;
                assert_int_equal(cxm_tally_key(all, a, 0, &key_a), CXM_OK);
                const bool mine = names[g] == NULL
                                    ? key_a.missing
                                    : !key_a.missing && key_a.text_bytes == strlen(names[g])
                                          && memcmp(key_a.text, names[g], key_a.text_bytes) == 0;
                if (!mine)
                    continue;
                assert_int_equal(cxm_tally_key(all, a, 1, &key_a), CXM_OK);
                assert_int_equal(cxm_tally_key(all, a, 2, &period_a), CXM_OK);
                bool found = false;
                for (int64_t b = 0; b < cxm_tally_groups(tally) && !found; b++) {
                    assert_int_equal(cxm_tally_key(tally, b, 0, &key_b), CXM_OK);
                    assert_int_equal(cxm_tally_key(tally, b, 1, &period_b), CXM_OK);
                    found = key_a.integer == key_b.integer
                         && period_a.integer == period_b.integer;
                    if (!found)
                        continue;
                    struct cxm_base x, y;
                    assert_int_equal(cxm_tally_base(all, a, 0, &x, NULL), CXM_OK);
                    assert_int_equal(cxm_tally_base(tally, b, 0, &y, NULL), CXM_OK);
                    assert_memory_equal(&x, &y, sizeof x);
                    const double v = measure_in(all, "retention", a).value;
                    assert_close(measure_in(tally, "retention", b).value, v, 0);
                }
                assert_true(found);
            }
            cxm_tally_free(tally);
        }
        struct cxm_tally_info info;
        cxm_tally_describe(all, &info);
        assert_int_equal(info.rows, rows);
        struct cxm_report *r = report_of(all);
        assert_int_equal(cxm_report_n_keys(r), info.rows > 0);
        cxm_report_free(r);
        cxm_tally_free(all);
        free(e);
        free(part);
    }
}

static void memory_runs_out(void **state)
{
    (void)state;
    const struct events e = example();
    int64_t far[40];
    for (size_t i = 0; i < e.n; i++)
        far[i] = e.customer[i] * 1000003;
    bool starts[40] = { true, true, true, true, true, true, true, true, true };
    const struct cxm_column near_ids = CXM_ARRAY(e.customer, e.n), ids = CXM_ARRAY(far, e.n);
    const struct cxm_column t = CXM_ARRAY(e.time, e.n), flag = CXM_ARRAY(starts, e.n);
    for (int shape = 0; shape < 4; shape++) {
        for (int fail_at = 1;; fail_at++) {
            struct heap heap;
            heap_init(&heap, fail_at);
            const struct cxm_cohorts_options o = {
                CXM_INIT(cohorts), .as_of = 28 * DAY, .has_as_of = 1, .unit = CXM_WEEK,
                .by = shape == 1 ? &near_ids : NULL, .mode = shape == 2,
                .start_flag = shape == 3 ? &flag : NULL, .start_time = shape == 2 ? &t : NULL };
            struct cxm_tally *tally = NULL;
            struct cxm_report *report = NULL;
            enum cxm_status status = cxm_cohorts_tally(shape == 0 ? &near_ids : &ids, &t, &o,
                                                       &heap.allocator, &tally, NULL, &error);
            if (status == CXM_OK)
                status = cxm_cohorts_report(tally, 0, 0, NULL, &report, &error);
            cxm_report_free(report);
            cxm_tally_free(tally);
            assert_int_equal(heap.live, 0);
            if (status == CXM_OK)
                break;
            assert_int_equal(status, CXM_ENOMEM);
        }
    }
}

/* Slots with one boundary each give the same periods as the calendar, inside and outside. */
static void tables_of_periods(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    static const enum cxm_calendar units[] = { CXM_NO_CALENDAR, CXM_DAY, CXM_WEEK, CXM_MONTH,
                                               CXM_QUARTER, CXM_YEAR };
    for (int round = 0; round < 600; round++) {
        const struct cxm_periods periods = {
            .unit = units[round % 6], .length = 1 + (int64_t)random_below(&seed, 3000000),
            .utc_offset = (int64_t)random_below(&seed, 172800) - 86400,
        };
        struct cxm_period_table table;
        const int64_t span = (int64_t)random_below(&seed, (uint64_t)1 << (10 + round % 23));
        const int64_t first = (int64_t)random_below(&seed, (uint64_t)1 << 33)
                            - ((int64_t)1 << 32);
        assert_true(cxm_priv_period_table_init(&table, &periods, first, first + span, NULL));
        for (int i = 0; i < 400; i++) {
            int64_t t = first + (int64_t)random_below(&seed, (uint64_t)span + 1);
            if (i % 8 == 0) /* the second before a period begins, and its first */
                t = cxm_priv_period_begin(&periods, cxm_priv_period_index(&periods, t))
                  - i % 16 / 8;
            if (i % 50 == 1)
                t = first + span + (int64_t)random_below(&seed, 100000000);
            if (i % 50 == 2)
                t = first - (int64_t)random_below(&seed, 100000000);
            assert_true(cxm_priv_period_of(&table, t) == cxm_priv_period_index(&periods, t));
        }
        cxm_priv_period_table_release(&table);
    }
}

int main(void)
{
    struct CMUnitTest tests[64] = { { 0 } };
    size_t n = 0;
    for (size_t i = 0; i < COUNT_OF(example_rows); i++)
        tests[n++] = (struct CMUnitTest){ example_rows[i].name, worked_matrix, NULL, NULL,
                                          (void *)&example_rows[i] };
    const struct CMUnitTest others[] = {
        cmocka_unit_test(tables_of_periods),
        cmocka_unit_test(customers_one_by_one),
        cmocka_unit_test(brackets_of_days),
        cmocka_unit_test(three_averages),
        cmocka_unit_test(floored_hours),
        cmocka_unit_test(floored_hours_of_the_clock),
        cmocka_unit_test(dates_are_days_by_any_clock),
        cmocka_unit_test(dates_among_instants),
        cmocka_unit_test(dates_when_clocks_change),
        cmocka_unit_test(two_events_in_one_second),
        cmocka_unit_test(events_before_the_start),
        cmocka_unit_test(start_events),
        cmocka_unit_test(as_of_inside_a_period),
        cmocka_unit_test(an_event_on_the_boundary),
        cmocka_unit_test(before_1970),
        cmocka_unit_test(february_of_a_leap_year),
        cmocka_unit_test(a_day_of_23_hours),
        cmocka_unit_test(nothing),
        cmocka_unit_test(milliseconds_by_mistake),
        cmocka_unit_test(missing_and_unseen_rows),
        cmocka_unit_test(invalid_starts),
        cmocka_unit_test(zone_table_and_length),
        cmocka_unit_test(wrong_options),
        cmocka_unit_test(a_table_of_customers),
        cmocka_unit_test(slots_of_customers),
        cmocka_unit_test(memory_runs_out_of_tables),
        cmocka_unit_test(order_ids_and_threads_change_no_byte),
        cmocka_unit_test(the_short_cut_counts_the_same),
        cmocka_unit_test(parts_by_customer_merge),
        cmocka_unit_test(the_past_stays_as_it_was),
        cmocka_unit_test(groups_are_matrices_of_their_events),
        cmocka_unit_test(memory_runs_out),
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        tests[n++] = others[i];
    return _cmocka_run_group_tests("cohorts", tests, n, NULL, NULL);
}
