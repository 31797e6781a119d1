/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Simple random samples without replacement from a list of N customers: what is left to be
 * unsure of when a good part of the list has answered. 0 < n <= N; checked by the caller. */
#ifndef CXM_SRC_FINITE_H
#define CXM_SRC_FINITE_H

#include "estimate/net.h"

/* 1 - n / N, without cancellation: what the variance of a mean is multiplied with. */
double cxm_priv_finite_factor(double n, double population);
/* Standard error of a mean whose answers have that variance (divisor n): sampling-theory form,
 * sqrt((1 - n / N) s^2 / n) with s^2 = variance n / (n - 1). 0 for n = N, NaN for n = 1 < N. */
double cxm_priv_finite_error(double variance, double n, double population);

/* Limits of a share or of a net score (on -1 … 1) in the list: the method of the same name on
 * the effective number of answers; Wald forms on the standard error above; CLOPPER_PEARSON the
 * exact hypergeometric limits. n = N: the value itself. EUNSUPPORTED: no such method, or
 * CLOPPER_PEARSON with numbers that are not whole. */
enum cxm_status cxm_priv_finite_share_limits(double x, double n, double population, double level,
                                             enum cxm_interval method, struct cxm_limits *out);
enum cxm_status cxm_priv_finite_net_limits(struct cxm_net counts, double population,
                                           double level, enum cxm_interval method,
                                           const struct cxm_allocator *allocator,
                                           struct cxm_limits *out);

/* P(X >= x) when n of N are drawn and `marked` of the N are marked; whole numbers. Cost grows
 * with the standard deviation of X: 1e10 customers take milliseconds. */
double cxm_priv_hypergeometric_at_least(double x, double n, double marked, double population);
/* Those numbers of marked ones that a one-sided test at `tail` does not refuse, as shares:
 * from the fewest with P(X >= x) > tail to the most with P(X <= x) > tail. Above 1e10
 * customers Clopper and Pearson's limits on the effective n, with CXM_FLAG_ASYMPTOTIC. */
struct cxm_limits cxm_priv_hypergeometric_limits(double x, double n, double population,
                                                 double tail);

#endif
