/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The calendar for blocks of rows. */
#ifndef CXM_SRC_CALENDAR_H
#define CXM_SRC_CALENDAR_H

#include "column/read.h"

/* Instants (seconds UTC) to local days, in place; the zone table is used when it has rows. */
void cxm_priv_local_days(size_t n, int64_t *values, int64_t utc_offset,
                         const struct cxm_zone_row *zone, int64_t n_zone);

/* Days to the first days of their periods, in place; |days| up to INT64_MAX / 86400. */
void cxm_priv_periods(enum cxm_calendar calendar, size_t n, int64_t *days);

/* Seconds that the local clock is ahead of UTC at an instant. */
int64_t cxm_priv_offset_at(int64_t utc_seconds, int64_t utc_offset, const struct cxm_zone_row *zone,
                           int64_t n_zone);

/* The first instant at which the local clock shows that many seconds since 1970, or more: where it is
 * set forward over them, the change. */
cxm_i128 cxm_priv_local_begin(cxm_i128 local, int64_t utc_offset, const struct cxm_zone_row *zone,
                              int64_t n_zone);

#endif
