/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Days, weeks, months, quarters and years of instants, in the proleptic Gregorian calendar.
 *
 * Every division floors: one second before 1970 belongs to day -1, not to day 0. A date is
 * cut into eras of 400 years (146097 days, always the same pattern of leap years) that start
 * on 1 March, so that the leap day is the last day of its year (H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms"). The library has no time zone data: the offset of a place is a
 * number or a table that the caller brings. */
#include "column/calendar.h"

enum { DAY_SECONDS = 86400, ERA_DAYS = 146097 };

/* 1970-01-01 is day 719468 after 0000-03-01: four whole eras and this rest. */
enum { EPOCH_ERA = 4, EPOCH_DAY_OF_ERA = 135080 };

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t floor_mod(int64_t a, int64_t b)
{
    const int64_t rest = a % b;
    return rest < 0 ? rest + b : rest;
}

int64_t cxm_priv_days_from_civil(int64_t year, int month, int day)
{
    const int64_t march_year = year - (month <= 2);
    const int64_t era = floor_div(march_year, 400);
    const int64_t year_of_era = march_year - era * 400;
    const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (era - EPOCH_ERA) * ERA_DAYS + day_of_era - EPOCH_DAY_OF_ERA;
}

/* A day within its era and its year, both counted from 1 March. */
struct march_day {
    int64_t era;
    uint32_t year_of_era; /* 0 … 399 */
    uint32_t day_of_year; /* 0 … 365 */
};

static struct march_day march_day_of_far(int64_t days)
{
    /* The epoch is added after the split: no day number overflows. */
    int64_t era = floor_div(days, ERA_DAYS) + EPOCH_ERA;
    uint32_t day_of_era = (uint32_t)floor_mod(days, ERA_DAYS) + EPOCH_DAY_OF_ERA;
    if (day_of_era >= ERA_DAYS) {
        day_of_era -= ERA_DAYS;
        era++;
    }
    const uint32_t year =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t day = day_of_era - (365 * year + year / 4 - year / 100);
    return (struct march_day){ era, year, day };
}

/* The same in 32 bits for days within 2^28 (735000 years) of the epoch, with two divisions by
 * multiplication (C. Neri and L. Schneider, "Euclidean affine functions and their application
 * to calendar algorithms", 2023). 2048 eras are added to stay positive. */
static inline struct march_day march_day_of(int64_t days)
{
    const int64_t near = (int64_t)1 << 28;
    if (days < -near || days > near)
        return march_day_of_far(days);
    enum { ERAS = 2048 };
    const uint32_t n =
        (uint32_t)(days + (ERAS + EPOCH_ERA) * (int64_t)ERA_DAYS + EPOCH_DAY_OF_ERA);
    const uint32_t quarter_days = 4 * n + 3, century = quarter_days / ERA_DAYS;
    const uint64_t years = (uint64_t)2939745 * (quarter_days % ERA_DAYS | 3);
    const uint32_t day = (uint32_t)years / 2939745 / 4;
    return (struct march_day){ (int64_t)(century / 4) - ERAS,
                               century % 4 * 100 + (uint32_t)(years >> 32), day };
}

/* Months since March, 0 … 11, and the day of the year on which such a month begins. */
static inline uint32_t march_month(uint32_t day_of_year)
{
    return (5 * day_of_year + 2) / 153;
}

static inline uint32_t march_month_begin(uint32_t month)
{
    return (153 * month + 2) / 5;
}

void cxm_priv_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    const struct march_day d = march_day_of(days);
    const uint32_t from_march = march_month(d.day_of_year);
    *day = (int)(d.day_of_year - march_month_begin(from_march) + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = d.era * 400 + (int64_t)d.year_of_era + (*month <= 2);
}

/* Does the year in which `d` began its year on 1 March have a 29 February (just before)? */
static inline bool after_leap_day(struct march_day d)
{
    const uint32_t year = d.year_of_era;
    return (year % 4 == 0) & ((year % 100 != 0) | (year == 0));
}

static inline int64_t period_of_day(int64_t days, enum cxm_calendar calendar)
{
    /* 1 January (of a year without leap day), April, July, October and January again, in days
     * after 1 March. Counting those that have come makes no branches: rows are in no order. */
    enum { APRIL = 31, JULY = 122, OCTOBER = 214, JANUARY = 306 };
    static const int16_t begins[] = { -59, APRIL, JULY, OCTOBER, JANUARY };
    if (calendar == CXM_WEEK)
        return days - floor_mod(days % 7 + 3, 7); /* 1970-01-01 was a Thursday */
    if (calendar < CXM_MONTH)
        return days;
    const struct march_day d = march_day_of(days);
    const int64_t of_year = d.day_of_year;
    if (calendar == CXM_MONTH)
        return days - of_year + march_month_begin(march_month(d.day_of_year));
    const int begun = calendar == CXM_YEAR ? 4 * (of_year >= JANUARY)
                                           : (of_year >= APRIL) + (of_year >= JULY)
                                                 + (of_year >= OCTOBER) + (of_year >= JANUARY);
    return days - of_year + begins[begun] - ((begun == 0) & after_leap_day(d));
}

/* The last row that has begun; before the first one its offset holds too. */
static int64_t zone_row(const struct cxm_zone_row *zone, int64_t n_zone, int64_t utc_seconds)
{
    int64_t begun = 0, end = n_zone; /* the row sought is in begun … end - 1 */
    while (end - begun > 1) {
        const int64_t middle = begun + (end - begun) / 2;
        if (zone[middle].utc_from <= utc_seconds)
            begun = middle;
        else
            end = middle;
    }
    return begun;
}

int64_t cxm_priv_offset_at(int64_t utc_seconds, int64_t utc_offset, const struct cxm_zone_row *zone,
                           int64_t n_zone)
{
    return n_zone > 0 ? zone[zone_row(zone, n_zone, utc_seconds)].offset : utc_offset;
}

cxm_i128 cxm_priv_local_begin(cxm_i128 local, int64_t utc_offset, const struct cxm_zone_row *zone,
                              int64_t n_zone)
{
    if (n_zone == 0)
        return local - utc_offset;
    /* Rows that are over two days earlier are too early: no offset is larger. */
    const cxm_i128 before = local - 2 * DAY_SECONDS;
    int64_t i = before <= INT64_MIN ? 0
              : zone_row(zone, n_zone, before < INT64_MAX ? (int64_t)before : INT64_MAX);
    while (i + 1 < n_zone && local - zone[i].offset >= zone[i + 1].utc_from)
        i++;
    const cxm_i128 begin = local - zone[i].offset;
    return i > 0 && begin < zone[i].utc_from ? zone[i].utc_from : begin;
}

/* Days and seconds are added apart: no instant and no offset overflows. */
static inline int64_t local_day(int64_t utc_seconds, int64_t offset)
{
    const int64_t day = floor_div(utc_seconds, DAY_SECONDS);
    const int64_t seconds =
        floor_mod(utc_seconds, DAY_SECONDS) + floor_mod(offset, DAY_SECONDS);
    return day + floor_div(offset, DAY_SECONDS) + (seconds >= DAY_SECONDS);
}

int64_t cxm_priv_period_day(int64_t utc_seconds, enum cxm_calendar calendar, int64_t utc_offset,
                            const struct cxm_zone_row *zone, int64_t n_zone)
{
    const int64_t offset = cxm_priv_offset_at(utc_seconds, utc_offset, zone, n_zone);
    return period_of_day(local_day(utc_seconds, offset), calendar);
}

/* ---- blocks --------------------------------------------------------------------------- */

void cxm_priv_local_days(size_t n, int64_t *values, int64_t utc_offset,
                         const struct cxm_zone_row *zone, int64_t n_zone)
{
    if (n_zone > 0)
        for (size_t i = 0; i < n; i++)
            values[i] = local_day(values[i], zone[zone_row(zone, n_zone, values[i])].offset);
    else
        for (size_t i = 0; i < n; i++)
            values[i] = local_day(values[i], utc_offset);
}

void cxm_priv_periods(enum cxm_calendar calendar, size_t n, int64_t *days)
{
    /* One loop for each rule, so that the rule is chosen outside of it. */
#define PERIODS(rule)                                                                          \
    for (size_t i = 0; i < n; i++)                                                             \
        days[i] = period_of_day(days[i], rule);                                                \
    break
    switch (calendar) {
    case CXM_WEEK: PERIODS(CXM_WEEK);
    case CXM_MONTH: PERIODS(CXM_MONTH);
    case CXM_QUARTER: PERIODS(CXM_QUARTER);
    case CXM_YEAR: PERIODS(CXM_YEAR);
    case CXM_NO_CALENDAR:
    case CXM_DAY:
    default: break;
    }
#undef PERIODS
}
