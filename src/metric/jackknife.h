/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Jackknife standard errors of estimates under a sampling design of clusters. */
#ifndef CXM_SRC_METRIC_JACKKNIFE_H
#define CXM_SRC_METRIC_JACKKNIFE_H

#include "metric/design.h"

/* The standard error of an estimate that was just made from the view. NaN: the estimate has no
 * linearised one, or a replicate is undefined. */
enum cxm_status cxm_priv_jackknife(const struct cxm_view *view,
                                   const struct cxm_estimator *estimator, uint32_t member,
                                   const struct cxm_estimate *whole, double *std_error,
                                   struct cxm_error *error);

#endif
