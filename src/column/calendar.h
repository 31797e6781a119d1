/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Periods of days that are local already, as in a column of dates. */
#ifndef CXM_SRC_CALENDAR_H
#define CXM_SRC_CALENDAR_H

#include "column/read.h"

/* First day of the period that holds the day; |days| up to INT64_MAX / 86400. */
int64_t cxm_priv_period_of_day(int64_t days, enum cxm_calendar calendar);

#endif
