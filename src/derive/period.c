/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Numbers of periods: see period.h. A month is 12 year + month - 1, so that February is one
 * more than January whatever their lengths; days are those of the local clock, which may have
 * 23 or 25 hours. */
#include "derive/period.h"

enum { DAY_SECONDS = 86400 };

#define FAR ((int64_t)1 << 62)

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t saturate(cxm_i128 x)
{
    return x > FAR ? FAR : x < -FAR ? -FAR : (int64_t)x;
}

int64_t cxm_priv_period_index(const struct cxm_periods *periods, int64_t utc_seconds)
{
    if (periods->unit == CXM_NO_CALENDAR) {
        const cxm_i128 local = (cxm_i128)utc_seconds + periods->utc_offset;
        const cxm_i128 length = periods->length;
        return (int64_t)(local / length - (local % length < 0));
    }
    const int64_t first = cxm_priv_period_day(utc_seconds, periods->unit, periods->utc_offset,
                                              periods->zone, periods->n_zone);
    int64_t year;
    int month, day;
    switch (periods->unit) {
    case CXM_WEEK:
        return floor_div(first + 3, 7); /* 1970-01-01 was a Thursday */
    case CXM_MONTH:
    case CXM_QUARTER:
    case CXM_YEAR:
        cxm_priv_civil_from_days(first, &year, &month, &day);
        return periods->unit == CXM_YEAR    ? year
             : periods->unit == CXM_QUARTER ? 4 * year + (month - 1) / 3
                                            : 12 * year + month - 1;
    case CXM_DAY:
    case CXM_NO_CALENDAR:
    default:
        return first;
    }
}

static int64_t first_of_months(int64_t index, int64_t a_year)
{
    const int64_t year = floor_div(index, a_year);
    return cxm_priv_days_from_civil(year, 1 + (int)((index - year * a_year) * (12 / a_year)), 1);
}

int64_t cxm_priv_period_first(const struct cxm_periods *periods, int64_t index)
{
    switch (periods->unit) {
    case CXM_NO_CALENDAR:
        return saturate((cxm_i128)index * periods->length);
    case CXM_WEEK:
        return saturate((cxm_i128)index * 7 - 3);
    case CXM_MONTH:
        return first_of_months(index, 12);
    case CXM_QUARTER:
        return first_of_months(index, 4);
    case CXM_YEAR:
        return first_of_months(index, 1);
    case CXM_DAY:
    default:
        return index;
    }
}

int64_t cxm_priv_period_begin(const struct cxm_periods *periods, int64_t index)
{
    const cxm_i128 first = cxm_priv_period_first(periods, index);
    if (periods->unit == CXM_NO_CALENDAR)
        return saturate(first - periods->utc_offset);
    return saturate(cxm_priv_local_begin(first * DAY_SECONDS, periods->utc_offset, periods->zone,
                                         periods->n_zone));
}

/* ---- tables ----------------------------------------------------------------------------- */

/* Seconds of the shortest period. */
static int64_t shortest(const struct cxm_periods *p)
{
    switch (p->unit) {
    case CXM_WEEK: return 7 * DAY_SECONDS;
    case CXM_MONTH: return 28 * DAY_SECONDS;
    case CXM_QUARTER: return 90 * DAY_SECONDS;
    case CXM_YEAR: return 365 * DAY_SECONDS;
    case CXM_NO_CALENDAR: return p->length;
    case CXM_DAY:
    default: return DAY_SECONDS;
    }
}

bool cxm_priv_period_table_init(struct cxm_period_table *table,
                                const struct cxm_periods *periods, int64_t first, int64_t last,
                                const struct cxm_allocator *allocator)
{
    enum { MOST_SLOTS = 1 << 15 };
    memset(table, 0, sizeof *table);
    table->allocator = allocator;
    table->periods = periods;
    table->begin = first;
    while (table->shift < 61 && (int64_t)2 << table->shift <= shortest(periods))
        table->shift++;
    const uint64_t slots = (((uint64_t)last - (uint64_t)first) >> table->shift) + 1;
    if (periods->n_zone > 0 || first < -FAR / 2 || last > FAR / 2 || last < first
        || slots > MOST_SLOTS)
        return true;
    table->period = cxm_priv_alloc(allocator, (size_t)slots, sizeof *table->period);
    table->boundary = cxm_priv_alloc(allocator, (size_t)slots, sizeof *table->boundary);
    if (table->period == NULL || table->boundary == NULL)
        return false;
    for (uint64_t s = 0; s < slots; s++) {
        table->period[s] = cxm_priv_period_index(periods, first + (int64_t)(s << table->shift));
        table->boundary[s] = cxm_priv_period_begin(periods, table->period[s] + 1);
    }
    table->n = (size_t)slots;
    return true;
}

void cxm_priv_period_table_release(struct cxm_period_table *table)
{
    cxm_priv_release(table->allocator, table->period);
    cxm_priv_release(table->allocator, table->boundary);
    memset(table, 0, sizeof *table);
}
