/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The variance of a share, and Wilson's limits for any critical value, shared by the intervals of
 * shares, of categories and of differences of shares. */
#ifndef CXM_SRC_ESTIMATE_SHARE_H
#define CXM_SRC_ESTIMATE_SHARE_H

#include "estimate/estimate.h"

/* p (1 - p) / n of the share p of x in n. Where nearly all are x, 1 - p would have lost the digits of those
 * that are not. */
double cxm_priv_share_variance(double x, double n);

/* x of n, 0 <= x <= n, n > 0; exactly 0 at x = 0 and exactly 1 at x = n. */
struct cxm_limits cxm_priv_wilson(double x, double n, double z);
/* The same of many rows. */
void cxm_priv_wilson_rows(size_t rows, const double *x, const double *n, double z, double *lower,
                          double *upper);

#endif
