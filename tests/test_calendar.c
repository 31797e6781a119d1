/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The calendar against a clock that walks day by day, against Python's datetime, and on rows
 * worked out by hand. */
#include "testing.h"

#include "column/read.h"

/* ---- every day, one after the other --------------------------------------------------- */

/* The slow obvious program: a date that is moved by one day at a time. */
struct walker {
    int64_t day, year;
    int month, day_of_month, weekday; /* Monday = 0 */
    int64_t week, month_first, quarter_first, year_first;
};

static int month_length(int64_t year, int month)
{
    static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

static void walk_forward(struct walker *w)
{
    w->day++;
    w->weekday = (w->weekday + 1) % 7;
    if (w->weekday == 0)
        w->week = w->day;
    if (++w->day_of_month <= month_length(w->year, w->month))
        return;
    w->day_of_month = 1;
    w->month_first = w->day;
    if (++w->month > 12) {
        w->month = 1;
        w->year++;
        w->year_first = w->day;
    }
    if (w->month % 3 == 1)
        w->quarter_first = w->day;
}

static void assert_day(const struct walker *w)
{
    int64_t year;
    int month, day;
    cxm_priv_civil_from_days(w->day, &year, &month, &day);
    assert_int_equal(year, w->year);
    assert_int_equal(month, w->month);
    assert_int_equal(day, w->day_of_month);
    assert_int_equal(cxm_priv_days_from_civil(year, month, day), w->day);
    const int64_t noon = w->day * 86400 + 43200;
    assert_int_equal(cxm_priv_period_day(noon, CXM_DAY, 0, NULL, 0), w->day);
    assert_int_equal(cxm_priv_period_day(noon, CXM_WEEK, 0, NULL, 0), w->week);
    assert_int_equal(cxm_priv_period_day(noon, CXM_MONTH, 0, NULL, 0), w->month_first);
    assert_int_equal(cxm_priv_period_day(noon, CXM_QUARTER, 0, NULL, 0), w->quarter_first);
    assert_int_equal(cxm_priv_period_day(noon, CXM_YEAR, 0, NULL, 0), w->year_first);
}

/* From 0001-01-01, a Monday, day -719162, over 2001-01-01 into the year 2191. */
static void every_day(void **state)
{
    (void)state;
    struct walker w = { -719162, 1, 1, 1, 0, -719162, -719162, -719162, -719162 };
    for (int i = 0; i < 800000; i++) {
        assert_day(&w);
        walk_forward(&w);
    }
    assert_int_equal(w.year, 2191);
}

static void assert_moved(int64_t centre, int64_t eras)
{
    for (int64_t day = centre - 400; day < centre + 400; day++) {
        const int64_t moved = day + eras * 146097;
        int64_t year, moved_year;
        int month, moved_month, d, moved_d;
        cxm_priv_civil_from_days(day, &year, &month, &d);
        cxm_priv_civil_from_days(moved, &moved_year, &moved_month, &moved_d);
        assert_int_equal(moved_year, year + 400 * eras);
        assert_int_equal(moved_month, month);
        assert_int_equal(moved_d, d);
        assert_int_equal(cxm_priv_days_from_civil(moved_year, month, d), moved);
        for (enum cxm_calendar rule = CXM_DAY; rule <= CXM_YEAR; rule++)
            assert_int_equal(cxm_priv_period_day(moved * 86400, rule, 0, NULL, 0),
                             cxm_priv_period_day(day * 86400, rule, 0, NULL, 0)
                                 + eras * 146097);
    }
}

/* Before year 1 the same calendar goes on: 400 years are 146097 days, a multiple of 7. */
static void eras_repeat(void **state)
{
    (void)state;
    static const int64_t eras[] = { -10000000, -3, -1, 1, 1000000 };
    /* Around 2^28 days the shorter arithmetic ends. */
    static const int64_t centres[] = { 0, -((int64_t)1 << 28), (int64_t)1 << 28 };
    for (size_t e = 0; e < COUNT_OF(eras) * COUNT_OF(centres); e++)
        assert_moved(centres[e / COUNT_OF(eras)], eras[e % COUNT_OF(eras)]);
}

/* tests/reference/calendar_dates.py prints the hash that Python's datetime gives. */
static void agrees_with_python(void **state)
{
    (void)state;
    static const enum cxm_calendar rules[] = { CXM_WEEK, CXM_MONTH, CXM_QUARTER, CXM_YEAR };
    uint64_t hash = 0xcbf29ce484222325u;
    for (int64_t i = 0; i < 20000; i++) {
        const int64_t day = -719155 + i * 7919 % 3652051;
        for (size_t r = 0; r < COUNT_OF(rules); r++) {
            const int64_t first = cxm_priv_period_day(day * 86400, rules[r], 0, NULL, 0);
            hash = (hash ^ (uint64_t)first) * 0x100000001b3u;
        }
    }
    assert_true(hash == 0x6500892096b61edbu);
}

/* ---- rows ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct row {
    const char *name;
    int64_t utc;
    int64_t offset;
    enum cxm_calendar calendar;
    int64_t want;
} rows[] = {
    { "one second before 1970 is day -1", -1, 0, CXM_DAY, -1 },
    { "and belongs to December 1969", -1, 0, CXM_MONTH, -31 },
    { "and to its last quarter", -1, 0, CXM_QUARTER, -92 },
    { "and to 1969", -1, 0, CXM_YEAR, -365 },
    { "1970-01-01 was a Thursday", 0, 0, CXM_WEEK, -3 },
    { "Monday 1970-01-05", 4 * 86400, 0, CXM_WEEK, 4 },
    { "the second before it", 4 * 86400 - 1, 0, CXM_WEEK, -3 },
    /* 2024-03-31T16:30Z, a Sunday evening: tomorrow and April in Beijing, today in New York */
    { "Easter 2024, UTC, day", 1711902600, 0, CXM_DAY, 19813 },
    { "Easter 2024, UTC, week of 25 March", 1711902600, 0, CXM_WEEK, 19807 },
    { "Easter 2024, UTC, March", 1711902600, 0, CXM_MONTH, 19783 },
    { "Easter 2024, UTC, first quarter", 1711902600, 0, CXM_QUARTER, 19723 },
    { "Easter 2024, UTC, year", 1711902600, 0, CXM_YEAR, 19723 },
    { "Easter 2024, +08:00, day", 1711902600, 28800, CXM_DAY, 19814 },
    { "Easter 2024, +08:00, week of 1 April", 1711902600, 28800, CXM_WEEK, 19814 },
    { "Easter 2024, +08:00, April", 1711902600, 28800, CXM_MONTH, 19814 },
    { "Easter 2024, +08:00, second quarter", 1711902600, 28800, CXM_QUARTER, 19814 },
    { "Easter 2024, -05:00, day", 1711902600, -18000, CXM_DAY, 19813 },
    { "Easter 2024, -05:00, week", 1711902600, -18000, CXM_WEEK, 19807 },
    { "Easter 2024, -05:00, month", 1711902600, -18000, CXM_MONTH, 19783 },
    { "2000 is a leap year: 29 February", 951782400, 0, CXM_MONTH, 10988 },
    { "midnight of 1 January 2024", 1704067200, 0, CXM_YEAR, 19723 },
    { "the second before it", 1704067199, 0, CXM_YEAR, 19358 },
    { "offset of minus one second", 0, -1, CXM_DAY, -1 },
    /* 2^63 = 106751991167300 * 86400 + 55808 */
    { "the last instant", INT64_MAX, 0, CXM_DAY, 106751991167300 },
    { "the last instant, a day later", INT64_MAX, 86400, CXM_DAY, 106751991167301 },
    { "the first instant", INT64_MIN, 0, CXM_DAY, -106751991167301 },
};
/* clang-format on */

static void matches_row(void **state)
{
    const struct row *const r = *state;
    assert_int_equal(cxm_priv_period_day(r->utc, r->calendar, r->offset, NULL, 0), r->want);
}

/* Berlin in 2024: +1 h, from 31 March 01:00Z +2 h, from 27 October 01:00Z +1 h. */
static void zone_tables(void **state)
{
    (void)state;
    static const struct cxm_zone_row berlin[] = { { 1698541200, 3600 },
                                                  { 1711846800, 7200 },
                                                  { 1729990800, 3600 } };
    const int64_t summer = 19814 * (int64_t)86400; /* 2024-04-01T00:00Z */
    assert_int_equal(cxm_priv_period_day(summer - 7200, CXM_MONTH, 0, berlin, 3), 19814);
    assert_int_equal(cxm_priv_period_day(summer - 7201, CXM_MONTH, 0, berlin, 3), 19783);
    const int64_t winter = 20028 * (int64_t)86400; /* 2024-11-01T00:00Z */
    assert_int_equal(cxm_priv_period_day(winter - 3600, CXM_MONTH, 0, berlin, 3), 20028);
    assert_int_equal(cxm_priv_period_day(winter - 3601, CXM_MONTH, 0, berlin, 3), 19997);
    /* The row that begins at t holds at t; the offset of the first row holds before it too. */
    const struct cxm_zone_row jump[] = { { 0, -1 }, { 86400, 0 }, { 172800, 1 } };
    assert_int_equal(cxm_priv_period_day(86399, CXM_DAY, 0, jump, 3), 0);
    assert_int_equal(cxm_priv_period_day(86400, CXM_DAY, 0, jump, 3), 1);
    assert_int_equal(cxm_priv_period_day(0, CXM_DAY, 0, jump, 3), -1);
    assert_int_equal(cxm_priv_period_day(INT64_MIN, CXM_DAY, 0, jump, 3), -106751991167301);
    assert_int_equal(cxm_priv_period_day(259199, CXM_DAY, 0, jump, 3), 3);
    assert_int_equal(cxm_priv_period_day(0, CXM_DAY, 0, jump, 1), -1);
}

/* No day number overflows, even those that no instant reaches. */
static void extreme_days(void **state)
{
    (void)state;
    int64_t year;
    int month, day;
    cxm_priv_civil_from_days(INT64_MAX, &year, &month, &day);
    assert_int_equal(year, 25252734927768524);
    cxm_priv_civil_from_days(INT64_MIN, &year, &month, &day);
    assert_int_equal(year, -25252734927764585);
}

int main(void)
{
    struct CMUnitTest tests[COUNT_OF(rows) + 5] = {
        cmocka_unit_test(every_day),          cmocka_unit_test(eras_repeat),
        cmocka_unit_test(agrees_with_python), cmocka_unit_test(zone_tables),
        cmocka_unit_test(extreme_days),
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        tests[5 + i] = (struct CMUnitTest){ rows[i].name, matches_row, NULL, NULL,
                                            (void *)(uintptr_t)&rows[i] };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
