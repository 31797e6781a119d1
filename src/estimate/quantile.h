/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tail areas and quantiles beyond the three of estimate.h. Arguments out of range give NaN. */
#ifndef CXM_SRC_ESTIMATE_QUANTILE_H
#define CXM_SRC_ESTIMATE_QUANTILE_H

/* Phi(z), 1 - Phi(z), Phi^-1(p) (±inf at 0 and 1), and 2 (1 - Phi(|z|)). */
double cxm_priv_normal_lower(double z);
double cxm_priv_normal_upper(double z);
double cxm_priv_normal_quantile(double p);
double cxm_priv_normal_p_value(double z);

/* P(T > t) of Student's t; the two-sided one is cxm_priv_t_p_value. */
double cxm_priv_t_upper(double t, double df);

/* P(X > x) of chi-square, and the x with P(X > x) = p. */
double cxm_priv_chi2_upper(double x, double df);
double cxm_priv_chi2_upper_quantile(double p, double df);

#endif
