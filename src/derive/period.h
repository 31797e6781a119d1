/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Periods of the time axis as consecutive whole numbers: local days, ISO weeks, months,
 * quarters, years, or stretches of a fixed length; and where they begin. Half-open: the first
 * instant of a period belongs to it, that of the next does not. */
#ifndef CXM_SRC_PERIOD_H
#define CXM_SRC_PERIOD_H

#include "column/calendar.h"

struct cxm_periods {
    enum cxm_calendar unit; /* CXM_NO_CALENDAR: stretches of `length` seconds */
    int64_t length;
    int64_t utc_offset;
    const struct cxm_zone_row *zone; /* instead of utc_offset, where there are rows */
    int64_t n_zone;
};

/* The number of the period that holds an instant. */
int64_t cxm_priv_period_index(const struct cxm_periods *periods, int64_t utc_seconds);
/* The first instant of a period, within ± 2^62. */
int64_t cxm_priv_period_begin(const struct cxm_periods *periods, int64_t index);
/* The first local day of a period; of a stretch its first second (local). */
int64_t cxm_priv_period_first(const struct cxm_periods *periods, int64_t index);

/* Numbers of periods for many instants close together: slots shorter than any period, each with
 * at most one boundary. Instants outside of the slots are looked up as above. */
struct cxm_period_table {
    const struct cxm_allocator *allocator;
    const struct cxm_periods *periods;
    int64_t begin;
    int shift;         /* a slot is 2^shift seconds */
    size_t n;          /* slots; 0: zone tables, very short periods, or too many slots */
    int64_t *period;   /* at the beginning of a slot */
    int64_t *boundary; /* where the next one begins */
};

/* For instants first … last; false: out of memory. To be released in any case. */
bool cxm_priv_period_table_init(struct cxm_period_table *table,
                                const struct cxm_periods *periods, int64_t first, int64_t last,
                                const struct cxm_allocator *allocator);
void cxm_priv_period_table_release(struct cxm_period_table *table);

static inline int64_t cxm_priv_period_of(const struct cxm_period_table *table, int64_t time)
{
    const uint64_t slot = ((uint64_t)time - (uint64_t)table->begin) >> table->shift;
    if (CXM_UNLIKELY(slot >= table->n))
        return cxm_priv_period_index(table->periods, time);
    return table->period[slot] + (time >= table->boundary[slot]);
}

#endif
