/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The matrix of customers who lie far apart: see cohort_records.c. */
#ifndef CXM_SRC_COHORT_RECORDS_H
#define CXM_SRC_COHORT_RECORDS_H

#include "derive/cohort_bits.h"

/* *outside: an instant is not in the calendar, or keys are made to be slow: nothing is counted. */
enum cxm_status cxm_priv_cohort_records(const struct cxm_cohort_plan *plan,
                                        const struct cxm_cohort_calendar *calendar,
                                        struct cxm_cohort_table *out, bool *outside,
                                        struct cxm_error *error);

#endif
