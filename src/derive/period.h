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

#endif
