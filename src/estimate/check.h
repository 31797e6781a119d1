/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Checks of arguments that the public functions of this layer and the metrics share. Each
 * returns CXM_OK or fills `error` and returns CXM_EINVAL. */
#ifndef CXM_SRC_ESTIMATE_CHECK_H
#define CXM_SRC_ESTIMATE_CHECK_H

#include "base/base.h"

#include "estimate/estimate.h"

#include <cxm/interval.h>

/* `out` is not NULL. */
enum cxm_status cxm_priv_check_out(const void *out, struct cxm_error *error);
/* 0 < level < 1; a level like 95 gets the hint 0.95. */
enum cxm_status cxm_priv_check_level(double level, struct cxm_error *error);
/* A number from 0 to 1e15, not NaN. */
enum cxm_status cxm_priv_check_count(double count, const char *name, struct cxm_error *error);
/* Three such counts, also together. */
enum cxm_status cxm_priv_check_net(double detractors, double passives, double promoters,
                                   struct cxm_error *error);

/* EUNSUPPORTED: `what` ("a share") has no interval of that method. */
enum cxm_status cxm_priv_no_such_interval(const char *what, enum cxm_interval method,
                                          struct cxm_error *error);

/* Limits in units of `scale` around out->value, clipped to [low, high], with their flags. */
void cxm_priv_finish_limits(struct cxm_interval_limits *out, struct cxm_limits limits,
                            double scale, double low, double high);

/* Cuts the limits at [low, high] in place; returns CXM_FLAG_CLIPPED when that changed one, and
 * CXM_FLAG_OFF_CENTRE when they did not contain `value`. NaN stays NaN and sets nothing. */
uint32_t cxm_priv_clip(double value, double low, double high, double *lower, double *upper);

#endif
