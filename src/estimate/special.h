/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Special functions of the lifetime models: finite arguments in the domains stated, no failure. */
#ifndef CXM_SRC_ESTIMATE_SPECIAL_H
#define CXM_SRC_ESTIMATE_SPECIAL_H

/* log Gamma(a), digamma(a) and log B(a, b) for a, b > 0. */
double cxm_priv_log_gamma(double a);
double cxm_priv_digamma(double a);
double cxm_priv_log_beta(double a, double b);

/* 2F1(1, b; c; z), 0 < b <= c, 0 <= z < 1, by Gauss's continued fraction: also for z near 1. */
double cxm_priv_hyper_2f1_one(double b, double c, double z);

#endif
