/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Business hours, waits and service levels. Figures: the worked rows of the definitions (R's POSIXlt
 * and a minute loop there); laws; and a loop over every minute, written here again. */
#include "failing_malloc.h"

#include <cxm/cxm.h>

enum { HOUR = 3600, DAY = 86400, WEEK = 604800 };

static struct cxm_column whole(const char *name, const int64_t *data, size_t n)
{
    struct cxm_column c = cxm_column_make(name, CXM_I64, data, (int64_t)n, 8, 8);
    c.flags |= CXM_COLUMN_SENTINEL;
    c.sentinel = INT64_MIN;
    return c;
}

static int64_t civil(int year, int month, int day, int hour, int minute)
{
    const int64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;
    const int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
    return days * DAY + hour * HOUR + minute * 60;
}

/* Monday to Friday, 09:00 to 17:30. */
static const struct cxm_hours office[] = {
    { 9 * HOUR, 17 * HOUR + 1800 },
    { DAY + 9 * HOUR, DAY + 17 * HOUR + 1800 },
    { 2 * DAY + 9 * HOUR, 2 * DAY + 17 * HOUR + 1800 },
    { 3 * DAY + 9 * HOUR, 3 * DAY + 17 * HOUR + 1800 },
    { 4 * DAY + 9 * HOUR, 4 * DAY + 17 * HOUR + 1800 },
};
static const struct cxm_hours always[] = { { 0, WEEK } };
static const struct cxm_hours morning[] = { { 10 * HOUR, 12 * HOUR } };

static struct cxm_schedule schedule_of(const struct cxm_hours *week, size_t n, int64_t offset,
                                       const struct cxm_holiday *holidays, size_t n_holidays)
{
    return (struct cxm_schedule){ .size = sizeof(struct cxm_schedule), .week = week, .n_week = n,
                                  .utc_offset = offset, .holidays = holidays,
                                  .n_holidays = n_holidays };
}

static double elapsed(const struct cxm_schedule *s, int64_t from, int64_t until)
{
    const struct cxm_column a = whole("from", &from, 1), b = whole("until", &until, 1);
    double seconds = -1;
    assert_int_equal(cxm_business_seconds(&a, &b, s, &seconds, NULL, NULL, NULL), CXM_OK);
    return seconds;
}

static void rows_of_the_definitions(void **state)
{
    (void)state;
    const struct cxm_holiday labour = { civil(2024, 5, 1, 0, 0) / DAY, NULL, 0 };
    const struct cxm_schedule s = schedule_of(office, 5, 8 * HOUR, &labour, 1);
    assert_close(elapsed(&s, civil(2024, 4, 26, 8, 0), civil(2024, 4, 29, 2, 30)), 10800, 0);
    assert_close(elapsed(&s, civil(2024, 4, 30, 9, 0), civil(2024, 5, 2, 1, 15)), 2700, 0);
    assert_close(elapsed(&s, civil(2024, 4, 27, 0, 0), civil(2024, 4, 28, 12, 0)), 0, 0);
    assert_close(elapsed(&s, civil(2024, 4, 29, 1, 0), civil(2024, 4, 29, 9, 30)), 30600, 0);
    /* 2024-04-01 00:00 to 2024-05-31 00:00 local: 44 working days less the holiday */
    assert_close(elapsed(&s, civil(2024, 3, 31, 16, 0), civil(2024, 5, 30, 16, 0)), 43 * 30600.0, 0);
    assert_close(43 * 30600.0, 1315800, 0);
}

static void edges(void **state)
{
    (void)state;
    const struct cxm_schedule week = schedule_of(office, 5, 0, NULL, 0);
    /* wholly inside a closure */
    assert_close(elapsed(&week, civil(2024, 4, 26, 18, 0), civil(2024, 4, 27, 5, 0)), 0, 0);
    assert_close(elapsed(&week, 77, 77), 0, 0);
    /* a holiday on a weekend changes nothing */
    const struct cxm_holiday saturday = { civil(2024, 4, 27, 0, 0) / DAY, NULL, 0 };
    const struct cxm_schedule closed = schedule_of(office, 5, 0, &saturday, 1);
    assert_close(elapsed(&closed, civil(2024, 4, 26, 0, 0), civil(2024, 4, 30, 0, 0)),
                 elapsed(&week, civil(2024, 4, 26, 0, 0), civil(2024, 4, 30, 0, 0)), 0);
    /* but opens with hours of its own: two hours more */
    const struct cxm_holiday open = { saturday.day, morning, 1 };
    const struct cxm_schedule special = schedule_of(office, 5, 0, &open, 1);
    assert_close(elapsed(&special, civil(2024, 4, 26, 0, 0), civil(2024, 4, 30, 0, 0)),
                 2 * 30600 + 7200, 0);
    assert_close(elapsed(&special, civil(2024, 4, 27, 11, 0), civil(2024, 4, 27, 11, 30)), 1800, 0);
    assert_close(elapsed(&special, civil(2024, 4, 27, 13, 0), civil(2024, 4, 29, 9, 0)), 0, 0);
    /* around the clock is calendar time, before 1970 too */
    const struct cxm_schedule all = schedule_of(always, 1, -5 * HOUR, NULL, 0);
    assert_close(elapsed(&all, -1000000007, 999), 1000001006, 0);
    assert_close(elapsed(&week, civil(1969, 12, 29, 9, 0), civil(1969, 12, 29, 10, 0)), 3600, 0);
    assert_close(elapsed(&week, civil(1960, 1, 4, 0, 0), civil(1960, 1, 11, 0, 0)), 5 * 30600, 0);
}

/* Milliseconds that were taken for seconds, say: calendar time is a difference; where hours are
 * counted they are refused. What is later than as_of is not looked at. */
static void instants_far_from_1970(void **state)
{
    (void)state;
    const int64_t far = INT64_C(1700000000000000000), opened[] = { far, far, -far };
    const int64_t ended[] = { far + 30, INT64_MAX, far };
    const struct cxm_column a = whole("opened", opened, 3), b = whole("ended", ended, 3);
    double waits[3];
    uint8_t over[3], states[3];
    struct cxm_error error;
    assert_int_equal(cxm_ticket_durations(&a, &b, far + 100, NULL, waits, over, NULL, NULL, NULL),
                     CXM_OK);
    assert_close(waits[0], 30, 0);
    assert_close(waits[1], 100, 0);
    assert_close(waits[2], 3.4e18, 0);
    assert_int_equal(over[1], 0);
    assert_int_equal(cxm_sla_states(&a, &b, 60, far + 100, NULL, states, NULL, NULL), CXM_OK);
    assert_int_equal(states[0], CXM_SLA_MET);
    assert_int_equal(states[1], CXM_SLA_BREACHED_OPEN);
    assert_int_equal(states[2], CXM_SLA_BREACHED);
    const struct cxm_schedule all = schedule_of(always, 1, 0, NULL, 0);
    assert_int_equal(cxm_ticket_durations(&a, &b, far + 100, &all, waits, over, NULL, NULL, &error),
                     CXM_EDATA);
    assert_int_equal(error.row, 0);
    assert_string_equal(error.column, "opened");
    const int64_t edge[] = { -INT64_C(1000000000000000), 0, 0 };
    const int64_t until[] = { 0, INT64_MAX, 1 }; /* not ended yet */
    const struct cxm_column from = whole("opened", edge, 3), to = whole("ended", until, 3);
    assert_int_equal(cxm_ticket_durations(&from, &to, 7, &all, waits, over, NULL, NULL, NULL),
                     CXM_OK);
    assert_close(waits[0], 1e15, 0);
    assert_close(waits[1], 7, 0);
    assert_close(waits[2], 1, 0);
    assert_int_equal(cxm_business_seconds(&from, &to, &all, waits, NULL, NULL, &error), CXM_EDATA);
    assert_int_equal(error.row, 1);
    assert_string_equal(error.column, "ended");
}

/* Data frames keep whole numbers beside missing ones as reals; C programs have INT64_MIN for them. */
static void instants_of_any_kind(void **state)
{
    (void)state;
    static const double reals[] = { 10, NAN, 30, 40 }, half[] = { 0, 1, 2.5, 3 };
    static const int64_t plain[] = { 10, INT64_MIN, 30, 40 }, opened[] = { 0, 5, 31, 40 };
    const struct cxm_column ends[] = { cxm_column_make("ended", CXM_F64, reals, 4, 8, 8),
                                       cxm_column_make("ended", CXM_I64, plain, 4, 8, 8) };
    const struct cxm_column a = cxm_column_make("opened", CXM_I64, opened, 4, 8, 8);
    struct cxm_error error;
    double waits[4];
    uint8_t over[4], states[4];
    for (int i = 0; i < 2; i++) {
        int64_t counts[3];
        assert_int_equal(cxm_ticket_durations(&a, &ends[i], 50, NULL, waits, over, counts, NULL,
                                              NULL), CXM_OK);
        assert_close(waits[0], 10, 0);
        assert_close(waits[1], 45, 0); /* not ended */
        assert_int_equal(over[1], 0);
        assert_close(waits[2], NAN, 0);
        assert_close(waits[3], 0, 0);
        assert_int_equal(counts[0], 0);
        assert_int_equal(counts[2], 1);
        assert_int_equal(cxm_sla_states(&a, &ends[i], 20, 50, NULL, states, NULL, NULL), CXM_OK);
        assert_int_equal(states[1], CXM_SLA_BREACHED_OPEN);
        struct cxm_duration_counts stays;
        assert_int_equal(cxm_durations(&ends[i], &a, 50, 1, waits, over, &stays, NULL), CXM_OK);
        assert_int_equal(stays.missing, 1);
        assert_int_equal(stays.bad, 1);
    }
    const struct cxm_column halves = cxm_column_make("half", CXM_F64, half, 4, 8, 8);
    uint32_t flags = 0;
    assert_int_equal(cxm_sla_states(&halves, &a, 28, 50, NULL, states, &flags, &error), CXM_OK);
    assert_int_equal(flags, CXM_FLAG_SUBSECOND); /* floored, as finer units are */
    assert_int_equal(states[2], CXM_SLA_BREACHED); /* 29 s from 2 */
    struct cxm_column lengths = ends[1];
    lengths.flags |= CXM_COLUMN_DURATION;
    lengths.time_unit = CXM_S;
    assert_int_equal(cxm_sla_states(&a, &lengths, 20, 50, NULL, states, NULL, &error), CXM_EINVAL);
    assert_string_equal(error.message, "answered: the column holds durations, not instants");
    struct cxm_column backwards = a; /* named for what it is, not for lack of so much memory */
    backwards.n = -5;
    assert_int_equal(cxm_sla_states(&backwards, &a, 20, 50, NULL, states, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_ticket_durations(&backwards, &a, 50, NULL, waits, over, NULL, NULL, &error),
                     CXM_EINVAL);
    struct cxm_row row;
    assert_int_equal(cxm_sla(&backwards, &a,
                             &(struct cxm_sla_options){ CXM_INIT(sla), .has_as_of = 1, .has_target = 1 },
                             CXM_ROW(row), NULL, &error), CXM_EINVAL);
}

static void a_zone_table_moves_the_clock(void **state)
{
    (void)state;
    /* Clocks go forward an hour on 2024-03-31 01:00 UTC (Sunday). */
    const struct cxm_zone_row zone[] = { { INT64_MIN, HOUR }, { civil(2024, 3, 31, 1, 0), 2 * HOUR } };
    struct cxm_schedule s = schedule_of(office, 5, 0, NULL, 0);
    s.zone = zone;
    s.n_zone = 2;
    /* Friday 17:00 local (16:00 UTC) to Monday 09:30 local (07:30 UTC) */
    assert_close(elapsed(&s, civil(2024, 3, 29, 16, 0), civil(2024, 4, 1, 7, 30)), 3600, 0);
}

/* Hours at which the clock changes: what passes counts, not what the clock shows. */
static void hours_that_the_clock_skips_or_repeats(void **state)
{
    (void)state;
    const int64_t spring = civil(2024, 3, 31, 1, 0), autumn = civil(2024, 10, 27, 1, 0);
    const struct cxm_zone_row zone[] = { { INT64_MIN, HOUR }, { spring, 2 * HOUR }, { autumn, HOUR } };
    struct cxm_schedule all = schedule_of(always, 1, 0, NULL, 0);
    all.zone = zone;
    all.n_zone = 3;
    /* 02:30 to 02:05 by the clock, which was put back at 03:00 */
    assert_close(elapsed(&all, autumn - 1800, autumn + 300), 2100, 0);
    /* 01:58 to 03:03: put forward at 02:00 */
    assert_close(elapsed(&all, spring - 120, spring + 180), 300, 0);
    assert_close(elapsed(&all, spring - WEEK, autumn + WEEK), (double)(autumn - spring + 2 * WEEK), 0);
    /* Sundays from 02:15 to 02:45: none in spring, two in autumn */
    const struct cxm_hours night[] = { { 6 * DAY + 2 * HOUR + 900, 6 * DAY + 2 * HOUR + 2700 } };
    struct cxm_schedule sundays = schedule_of(night, 1, 0, NULL, 0);
    sundays.zone = zone;
    sundays.n_zone = 3;
    assert_close(elapsed(&sundays, spring - 3 * HOUR, spring + 3 * HOUR), 0, 0);
    assert_close(elapsed(&sundays, autumn - 3 * HOUR, autumn + 3 * HOUR), 3600, 0);
    assert_close(elapsed(&sundays, autumn - 1800, autumn + 1800), 900 + 900, 0);
    /* a wait that ends in the repeated hour is a wait as any other */
    const int64_t opened = autumn - 1800, ended = autumn + 300;
    const struct cxm_column o = whole("opened", &opened, 1), e = whole("ended", &ended, 1);
    double duration;
    uint8_t event;
    assert_int_equal(cxm_ticket_durations(&o, &e, autumn + DAY, &all, &duration, &event, NULL, NULL,
                                          NULL), CXM_OK);
    assert_close(duration, 2100, 0);
}

static uint64_t seed;

static int64_t next_random(int64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)below);
}

/* Open at that local minute? */
static bool is_open(const struct cxm_schedule *s, int64_t local)
{
    const int64_t day = local >= 0 ? local / DAY : -((-local + DAY - 1) / DAY);
    for (size_t i = 0; i < s->n_holidays; i++) {
        if (s->holidays[i].day != day)
            continue;
        for (size_t k = 0; k < s->holidays[i].n_hours; k++) {
            const int64_t x = local - day * DAY;
            if (x >= s->holidays[i].hours[k].start && x < s->holidays[i].hours[k].end)
                return true;
        }
        return false;
    }
    const int64_t x = ((local + 259200) % WEEK + WEEK) % WEEK;
    for (size_t i = 0; i < s->n_week; i++) {
        if (x >= s->week[i].start && x < s->week[i].end)
            return true;
    }
    return false;
}

static int64_t offset_at(const struct cxm_schedule *s, int64_t t)
{
    int64_t offset = s->n_zone > 0 ? s->zone[0].offset : s->utc_offset;
    for (int64_t i = 1; i < s->n_zone && s->zone[i].utc_from <= t; i++)
        offset = s->zone[i].offset;
    return offset;
}

static void equals_a_loop_over_minutes(void **state)
{
    (void)state;
    const struct cxm_holiday holidays[] = { { -3, NULL, 0 }, { 0, morning, 1 }, { 4, NULL, 0 },
                                            { 5, morning, 1 }, { 11, NULL, 0 } };
    for (int round = 0; round < 200; round++) {
        seed = (uint64_t)round + 5;
        struct cxm_schedule s = schedule_of(office, 5, next_random(5) * HOUR - 2 * HOUR,
                                            holidays, (size_t)next_random(6));
        const struct cxm_zone_row zone[] = {
            { -30 * DAY, HOUR }, { next_random(1440) * 60, next_random(10) * HOUR - 5 * HOUR },
            { 5 * DAY + next_random(1440) * 60, HOUR },
        };
        s.zone = zone;
        s.n_zone = round % 4; /* 0: by the offset */
        const int64_t from = (next_random(40 * 1440) - 20 * 1440) * 60;
        const int64_t middle = from + next_random(10 * 1440) * 60;
        const int64_t until = middle + next_random(10 * 1440) * 60;
        double minutes = 0;
        for (int64_t t = from; t < until; t += 60)
            minutes += is_open(&s, t + offset_at(&s, t));
        assert_close(elapsed(&s, from, until), 60 * minutes, 0);
        assert_close(elapsed(&s, from, middle) + elapsed(&s, middle, until), 60 * minutes, 0);
    }
}

static void business_refuses(void **state)
{
    (void)state;
    static const int64_t one[] = { 5, 9 }, two[] = { 3, INT64_MIN };
    static const struct cxm_hours overlap[] = { { 0, 10 }, { 5, 20 } }, empty[] = { { 5, 5 } },
                                  beyond[] = { { 0, WEEK + 1 } };
    const struct cxm_holiday twice[] = { { 4, NULL, 0 }, { 4, NULL, 0 } },
                             long_day[] = { { 4, beyond, 1 } };
    const struct cxm_column a = whole("from", one, 2), b = whole("until", two, 2),
                            c = whole("until", two, 1);
    struct cxm_error error;
    double seconds[2] = { 42, 43 };
    int64_t missing = 0, bad = 0;
    struct cxm_schedule s = schedule_of(office, 5, 0, NULL, 0);
    assert_int_equal(cxm_business_seconds(&a, &b, &s, seconds, &missing, &bad, NULL), CXM_OK);
    assert_true(isnan(seconds[0]) && isnan(seconds[1]));
    assert_int_equal(missing, 1);
    assert_int_equal(bad, 1);
    seconds[0] = 42;
    assert_int_equal(cxm_business_seconds(&a, &c, &s, seconds, NULL, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_business_seconds(&a, NULL, &s, seconds, NULL, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_business_seconds(&a, &b, NULL, seconds, NULL, NULL, &error), CXM_EINVAL);
    const struct cxm_schedule wrong[] = {
        schedule_of(overlap, 2, 0, NULL, 0), schedule_of(empty, 1, 0, NULL, 0),
        schedule_of(beyond, 1, 0, NULL, 0),  schedule_of(office, 0, 0, NULL, 0),
        schedule_of(office, 5, 0, twice, 2), schedule_of(office, 5, 0, long_day, 1),
        schedule_of(office, 5, 0, NULL, 2),  { .size = 8 },
        schedule_of(office, 5, INT64_MAX, NULL, 0),
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_int_equal(cxm_business_seconds(&a, &b, &wrong[i], seconds, NULL, NULL, &error),
                         CXM_EINVAL);
    static const struct { int schedule; const char *says; } words[] = {
        { 0, "ascend" }, { 3, "the week has no hours" }, { 4, "is there twice" },
    };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        assert_int_equal(cxm_business_seconds(&a, &b, &wrong[words[i].schedule], seconds, NULL, NULL,
                                              &error), CXM_EINVAL);
        assert_non_null(strstr(error.message, words[i].says));
    }
    assert_close(seconds[0], 42, 0);
}

/* ---- service level --------------------------------------------------------------------- */

#define NEVER INT64_MIN
enum { TICKETS = 12 };
static const int64_t opened_minutes[TICKETS] = { 0, 15, 30, 60, 90, 120, 200, 240, 300, 400, 450, 460 };
static const int64_t reply_minutes[TICKETS] = { 10, 45, 32, 180, 91, NEVER, 230, 245, 330, 404, NEVER, 462 };

static void in_seconds(const int64_t *minutes, int64_t *out)
{
    for (int i = 0; i < TICKETS; i++)
        out[i] = minutes[i] == NEVER ? NEVER : minutes[i] * 60;
}

static void attainment_of_the_definitions(void **state)
{
    (void)state;
    int64_t opened[TICKETS], reply[TICKETS];
    struct cxm_row rows[3];
    size_t n = 0;
    in_seconds(opened_minutes, opened);
    in_seconds(reply_minutes, reply);
    const struct cxm_column a = whole("opened", opened, TICKETS), b = whole("reply", reply, TICKETS);
    const struct cxm_sla_options o = { CXM_INIT(sla), .as_of = 480 * 60, .has_as_of = 1,
                                       .target = 1800, .has_target = 1, .all_measures = 1 };
    assert_int_equal(cxm_sla(&a, &b, &o, CXM_ROWS(rows), &n, NULL), CXM_OK);
    assert_int_equal(n, 3);
    assert_close(rows[0].estimate.value, 8.0 / 11, 1e-15); /* ticket 11 is due exactly at as_of */
    assert_int_equal(rows[0].estimate.n, 11);
    assert_int_equal(rows[0].estimate.excluded, 1);
    assert_close(rows[1].estimate.value, 9.0 / 10, 1e-15);
    assert_close(rows[2].estimate.value, 9.0 / 12, 1e-15);
    assert_string_equal(rows[0].definition, "sla/within=1800s");
    uint8_t states[TICKETS];
    static const uint8_t want[TICKETS] = { 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 3, 1 };
    assert_int_equal(cxm_sla_states(&a, &b, 1800, 480 * 60, NULL, states, NULL, NULL), CXM_OK);
    assert_memory_equal(states, want, TICKETS);
}

/* Section 2.4: KM 0.75, standard error 0.125; by channel the curves by hand. */
static void attainment_with_those_who_wait(void **state)
{
    (void)state;
    static const uint8_t channel[TICKETS] = { 1, 2, 3, 2, 3, 2, 1, 1, 2, 3, 2, 3 };
    int64_t opened[TICKETS], reply[TICKETS];
    struct cxm_report *r = NULL;
    in_seconds(opened_minutes, opened);
    in_seconds(reply_minutes, reply);
    const struct cxm_column a = whole("opened", opened, TICKETS), b = whole("reply", reply, TICKETS);
    const struct cxm_column by = cxm_column_make("channel", CXM_U8, channel, TICKETS, 1, 1);
    struct cxm_sla_options o = { CXM_INIT(sla), .as_of = 480 * 60, .has_as_of = 1,
                                 .target = 1800, .has_target = 1 };
    assert_int_equal(cxm_sla_km(&a, &b, &o, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 1);
    const struct cxm_estimate *e = cxm_report_estimates(r);
    assert_close(e->value, 0.75, 1e-15);
    assert_close(e->std_error, 0.125, 1e-14);
    assert_int_equal(e->n, 12);
    assert_int_equal(e->interval, CXM_INTERVAL_LOG_LOG);
    /* log-log of S = 1/4 by hand, turned over */
    const double spread = 1.959963984540054 * 0.125 / (0.25 * log(0.25));
    assert_close(e->lower, 1 - pow(0.25, exp(spread)), 1e-14);
    assert_close(e->upper, 1 - pow(0.25, exp(-spread)), 1e-14);
    assert_true(e->lower < 0.75 && e->upper > 0.75);
    assert_string_equal(cxm_report_metric(r, 0), "sla");
    assert_string_equal(cxm_report_measure(r, 0), "km");
    assert_string_equal(cxm_report_definition(r, 0), "sla/within=1800s/km");
    assert_int_equal(cxm_report_ints(r, 1)[0], 9); /* answers within the target */
    cxm_report_free(r);
    /* phone 10, 30, 5: all of 3; email 30, 120, waits 360 and 30, 30: 2 of 5 and the curve does not
     * fall between; chat 2, 1, 4, 2: all. 11 waits 30 minutes, like those answered then. */
    o.by = &by;
    o.total = 1;
    assert_int_equal(cxm_sla_km(&a, &b, &o, &r, NULL), CXM_OK);
    assert_int_equal(cxm_report_rows(r), 4);
    e = cxm_report_estimates(r);
    assert_close(e[0].value, 1, 0);
    assert_close(e[1].value, 0.4, 1e-15);
    assert_close(e[2].value, 1, 0);
    assert_close(e[3].value, 0.75, 1e-15);
    assert_int_equal(e[1].n, 5);
    cxm_report_free(r);
    /* Unseen and bad tickets, one without an opening; the wait of the second is not over. */
    static const int64_t from[] = { 0, 0, 100, 50, NEVER }, until[] = { 10, NEVER, 200, 40, 5 };
    const struct cxm_column c = whole("opened", from, 5), d = whole("answered", until, 5);
    const struct cxm_sla_options some = { CXM_INIT(sla), .as_of = 60, .has_as_of = 1, .target = 30,
                                          .has_target = 1 };
    assert_int_equal(cxm_sla_km(&c, &d, &some, &r, NULL), CXM_OK);
    e = cxm_report_estimates(r);
    assert_close(e->value, 0.5, 1e-15);
    assert_int_equal(e->n, 2);
    assert_int_equal(e->missing, 1);
    assert_int_equal(e->excluded, 2);
    cxm_report_free(r);
    /* Everybody waits for less than the target so far: nothing is known about it. */
    const struct cxm_sla_options early = { CXM_INIT(sla), .as_of = 20, .has_as_of = 1,
                                           .target = 30, .has_target = 1 };
    assert_int_equal(cxm_sla_km(&c, &d, &early, &r, NULL), CXM_OK);
    assert_true(isnan(cxm_report_estimates(r)->value));
    assert_true(cxm_report_estimates(r)->flags & CXM_FLAG_CENSORED);
    cxm_report_free(r);
    r = NULL;
    struct cxm_error error;
    o.has_as_of = 0;
    assert_int_equal(cxm_sla_km(&a, &b, &o, &r, &error), CXM_EINVAL);
    assert_string_equal(error.column, "as_of");
    o.has_as_of = 1;
    o.interval = CXM_INTERVAL_WILSON;
    assert_int_equal(cxm_sla_km(&a, &b, &o, &r, &error), CXM_EINVAL);
    o.interval = 0;
    assert_int_equal(cxm_sla_km(&a, NULL, &o, &r, &error), CXM_EINVAL);
    assert_int_equal(cxm_sla_km(&a, &b, &o, NULL, &error), CXM_EINVAL);
    assert_null(r);
}

/* Milliseconds are floored, and the tally says so. */
static void floored_instants_are_flagged(void **state)
{
    (void)state;
    static const int64_t ms[] = { 1500, 2500 };
    const struct cxm_column a = CXM_TIME(cxm_column_make("a", CXM_I64, ms, 2, 8, 8), CXM_MS,
                                         INT64_MIN);
    const struct cxm_sla_options o = { CXM_INIT(sla), .as_of = 9, .has_as_of = 1, .target = 9,
                                       .has_target = 1 };
    struct cxm_row row;
    struct cxm_report *r = NULL;
    assert_int_equal(cxm_sla(&a, &a, &o, CXM_ROW(row), NULL, NULL), CXM_OK);
    assert_true(row.estimate.flags & CXM_FLAG_SUBSECOND);
    assert_int_equal(cxm_sla_km(&a, &a, &o, &r, NULL), CXM_OK);
    assert_true(cxm_report_estimates(r)->flags & CXM_FLAG_SUBSECOND);
    cxm_report_free(r);
}

static uint8_t state_of(int64_t opened, int64_t answered, double target, int64_t as_of)
{
    const struct cxm_column a = whole("opened", &opened, 1), b = whole("answered", &answered, 1);
    uint8_t state = 99;
    uint32_t flags = 0;
    assert_int_equal(cxm_sla_states(&a, &b, target, as_of, NULL, &state, &flags, NULL), CXM_OK);
    assert_int_equal(flags, opened > as_of ? CXM_FLAG_ALL_AFTER_AS_OF : 0);
    return state;
}

static void attainment_at_the_edges(void **state)
{
    (void)state;
    assert_int_equal(state_of(0, NEVER, 100, 100), CXM_SLA_BREACHED_OPEN); /* due exactly now */
    assert_int_equal(state_of(0, NEVER, 100, 99), CXM_SLA_PENDING);
    assert_int_equal(state_of(0, 100, 100, 500), CXM_SLA_MET);
    assert_int_equal(state_of(0, 101, 100, 500), CXM_SLA_BREACHED);
    assert_int_equal(state_of(0, 50, 100, 99), CXM_SLA_MET_EARLY);
    assert_int_equal(state_of(0, 0, 0, 0), CXM_SLA_MET);
    assert_int_equal(state_of(0, 1, 0, 5), CXM_SLA_BREACHED);
    assert_int_equal(state_of(0, NEVER, 0, 0), CXM_SLA_BREACHED_OPEN);
    assert_int_equal(state_of(10, 5, 100, 500), CXM_SLA_BAD);
    assert_int_equal(state_of(501, 502, 100, 500), CXM_SLA_UNSEEN);
    assert_int_equal(state_of(0, 501, 1000, 500), CXM_SLA_PENDING); /* answered later than known */
}

/* As of A with later answers present is the same as with these taken away. */
static void attainment_replays(void **state)
{
    (void)state;
    enum { N = 50 };
    for (int round = 0; round < 300; round++) {
        int64_t opened[N], reply[N], cut[N], kept[N];
        uint8_t all[N], some[N];
        size_t n = 0;
        seed = (uint64_t)round + 77;
        const int64_t as_of = 500;
        for (int i = 0; i < N; i++) {
            opened[i] = next_random(700);
            reply[i] = next_random(4) == 0 ? NEVER : opened[i] + next_random(300) - 20;
        }
        const struct cxm_column a = whole("o", opened, N), b = whole("r", reply, N);
        assert_int_equal(cxm_sla_states(&a, &b, 90, as_of, NULL, all, NULL, NULL), CXM_OK);
        for (int i = 0; i < N; i++) {
            if (opened[i] > as_of)
                continue;
            kept[n] = opened[i];
            cut[n] = reply[i] != NEVER && reply[i] > as_of ? NEVER : reply[i];
            all[n] = all[i];
            n++;
        }
        const struct cxm_column c = whole("o", kept, n), d = whole("r", cut, n);
        assert_int_equal(cxm_sla_states(&c, &d, 90, as_of, NULL, some, NULL, NULL), CXM_OK);
        assert_memory_equal(all, some, n);
    }
}

static void attainment_in_business_hours(void **state)
{
    (void)state;
    /* Friday 17:00 to Monday 09:20: 50 minutes of business time, 3 days of calendar time */
    const int64_t opened = civil(2024, 4, 26, 17, 0), answered = civil(2024, 4, 29, 9, 20);
    const struct cxm_column a = whole("opened", &opened, 1), b = whole("answered", &answered, 1);
    const struct cxm_schedule s = schedule_of(office, 5, 0, NULL, 0);
    struct cxm_row row;
    struct cxm_sla_options o = { CXM_INIT(sla), .as_of = answered + WEEK, .has_as_of = 1,
                                 .target = HOUR, .has_target = 1, .schedule = &s };
    assert_int_equal(cxm_sla(&a, &b, &o, CXM_ROW(row), NULL, NULL), CXM_OK);
    assert_close(row.estimate.value, 1, 0);
    assert_int_equal(row.estimate.flags & CXM_FLAG_SUBSECOND, 0); /* whole seconds */
    assert_string_equal(row.definition, "sla/within=3600s/business-hours");
    o.schedule = NULL;
    assert_int_equal(cxm_sla(&a, &b, &o, CXM_ROW(row), NULL, NULL), CXM_OK);
    assert_close(row.estimate.value, 0, 0);
}

static void attainment_refuses(void **state)
{
    (void)state;
    static const int64_t one[] = { 5 };
    const struct cxm_column a = whole("a", one, 1), none = whole("a", one, 0);
    struct cxm_error error;
    struct cxm_row row;
    uint8_t states[1] = { 42 };
    struct cxm_sla_options o = { CXM_INIT(sla), .has_target = 1, .target = 9 };
    assert_int_equal(cxm_sla(&a, &a, &o, CXM_ROW(row), NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "as_of");
    o.has_as_of = 1;
    o.has_target = 0;
    assert_int_equal(cxm_sla(&a, &a, &o, CXM_ROW(row), NULL, &error), CXM_EINVAL);
    assert_string_equal(error.column, "target");
    assert_int_equal(cxm_sla_states(&a, &a, -1, 9, NULL, states, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_sla_states(&a, &none, 1, 9, NULL, states, NULL, &error), CXM_EINVAL);
    assert_int_equal(cxm_sla_states(&a, &a, 1, 9, NULL, NULL, NULL, &error), CXM_EINVAL);
    assert_int_equal(states[0], 42);
}

/* ---- durations ------------------------------------------------------------------------- */

static void durations_of_tickets(void **state)
{
    (void)state;
    static const int64_t opened[] = { 0, 10, 20, NEVER, 200, 30 }, ended[] = { 7, NEVER, 150, 5, 250, 25 };
    const struct cxm_column a = whole("opened", opened, 6), b = whole("ended", ended, 6);
    double duration[6];
    uint8_t event[6];
    int64_t counts[3];
    uint32_t flags = 9;
    assert_int_equal(cxm_ticket_durations(&a, &b, 100, NULL, duration, event, counts, &flags, NULL),
                     CXM_OK);
    static const double want[] = { 7, 90, 80, NAN, NAN, NAN };
    static const uint8_t over[] = { 1, 0, 0, 0, 0, 0 };
    for (int i = 0; i < 6; i++)
        assert_close(duration[i], want[i], 0);
    assert_memory_equal(event, over, 6);
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[2], 1);
    assert_int_equal(flags, 0);
}

/* ---- memory ---------------------------------------------------------------------------- */

static enum cxm_status call_business(void)
{
    static const int64_t one[] = { 5, 9 };
    double seconds[2];
    const struct cxm_holiday holiday = { 4, morning, 1 };
    const struct cxm_column a = whole("from", one, 2);
    const struct cxm_zone_row zone[] = { { 0, HOUR }, { 7, 2 * HOUR } };
    struct cxm_schedule s = schedule_of(office, 5, 0, &holiday, 1);
    s.zone = zone;
    s.n_zone = 2;
    return cxm_business_seconds(&a, &a, &s, seconds, NULL, NULL, NULL);
}

static enum cxm_status call_sla(void)
{
    static const int64_t one[] = { 5, 9 };
    struct cxm_row row;
    const struct cxm_column a = whole("a", one, 2);
    const struct cxm_schedule s = schedule_of(office, 5, 0, NULL, 0);
    const struct cxm_sla_options o = { CXM_INIT(sla), .as_of = 9, .has_as_of = 1, .target = 9,
                                       .has_target = 1, .schedule = &s };
    return cxm_sla(&a, &a, &o, CXM_ROW(row), NULL, NULL);
}

static enum cxm_status call_sla_km(void)
{
    static const int64_t one[] = { 5, 9 };
    struct cxm_report *r = NULL;
    const struct cxm_column a = whole("a", one, 2);
    const struct cxm_sla_options o = { CXM_INIT(sla), .as_of = 9, .has_as_of = 1, .target = 9,
                                       .has_target = 1 };
    const enum cxm_status status = cxm_sla_km(&a, &a, &o, &r, NULL);
    cxm_report_free(r);
    return status;
}

static enum cxm_status call_durations(void)
{
    static const int64_t one[] = { 5, 9 };
    double duration[2];
    uint8_t event[2];
    const struct cxm_column a = whole("a", one, 2);
    return cxm_ticket_durations(&a, &a, 9, NULL, duration, event, NULL, NULL, NULL);
}

static void memory_runs_out(void **state)
{
    (void)state;
    assert_survives_no_memory(call_business);
    assert_survives_no_memory(call_sla);
    assert_survives_no_memory(call_sla_km);
    assert_survives_no_memory(call_durations);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_the_definitions),
        cmocka_unit_test(edges),
        cmocka_unit_test(instants_far_from_1970),
        cmocka_unit_test(instants_of_any_kind),
        cmocka_unit_test(a_zone_table_moves_the_clock),
        cmocka_unit_test(hours_that_the_clock_skips_or_repeats),
        cmocka_unit_test(equals_a_loop_over_minutes),
        cmocka_unit_test(business_refuses),
        cmocka_unit_test(attainment_of_the_definitions),
        cmocka_unit_test(attainment_with_those_who_wait),
        cmocka_unit_test(floored_instants_are_flagged),
        cmocka_unit_test(attainment_at_the_edges),
        cmocka_unit_test(attainment_replays),
        cmocka_unit_test(attainment_in_business_hours),
        cmocka_unit_test(attainment_refuses),
        cmocka_unit_test(durations_of_tickets),
        cmocka_unit_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
