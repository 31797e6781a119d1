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

void cxm_priv_civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    /* The epoch is added after the split: no day number overflows. */
    int64_t era = floor_div(days, ERA_DAYS) + EPOCH_ERA;
    uint32_t day_of_era = (uint32_t)floor_mod(days, ERA_DAYS) + EPOCH_DAY_OF_ERA;
    if (day_of_era >= ERA_DAYS) {
        day_of_era -= ERA_DAYS;
        era++;
    }
    const uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t from_march = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *year = era * 400 + (int64_t)year_of_era + (*month <= 2);
}

int64_t cxm_priv_period_of_day(int64_t days, enum cxm_calendar calendar)
{
    int64_t year;
    int month, day;
    switch (calendar) {
    case CXM_WEEK:
        return days - floor_mod(days % 7 + 3, 7); /* 1970-01-01 was a Thursday */
    case CXM_MONTH:
        cxm_priv_civil_from_days(days, &year, &month, &day);
        return days - (day - 1);
    case CXM_QUARTER:
        cxm_priv_civil_from_days(days, &year, &month, &day);
        return cxm_priv_days_from_civil(year, (month - 1) / 3 * 3 + 1, 1);
    case CXM_YEAR:
        cxm_priv_civil_from_days(days, &year, &month, &day);
        return cxm_priv_days_from_civil(year, 1, 1);
    case CXM_NO_CALENDAR:
    case CXM_DAY:
    default:
        return days;
    }
}

/* The offset of the last row that has begun; before the first row its offset holds too. */
static int64_t zone_offset(const struct cxm_zone_row *zone, int64_t n_zone, int64_t utc_seconds)
{
    int64_t begun = 0, end = n_zone; /* the row sought is in begun … end - 1 */
    while (end - begun > 1) {
        const int64_t middle = begun + (end - begun) / 2;
        if (zone[middle].utc_from <= utc_seconds)
            begun = middle;
        else
            end = middle;
    }
    return zone[begun].offset;
}

int64_t cxm_priv_period_day(int64_t utc_seconds, enum cxm_calendar calendar, int64_t utc_offset,
                            const struct cxm_zone_row *zone, int64_t n_zone)
{
    const int64_t offset = n_zone > 0 ? zone_offset(zone, n_zone, utc_seconds) : utc_offset;
    /* Days and seconds are added apart: no instant and no offset overflows. */
    const int64_t seconds =
        floor_mod(utc_seconds, DAY_SECONDS) + floor_mod(offset, DAY_SECONDS);
    const int64_t days = floor_div(utc_seconds, DAY_SECONDS) + floor_div(offset, DAY_SECONDS) +
                         (seconds >= DAY_SECONDS);
    return cxm_priv_period_of_day(days, calendar);
}
