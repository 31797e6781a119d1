/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The beta and gamma distributions for any size of sample: tails and quantiles. */
#ifndef CXM_SRC_ESTIMATE_BETA_H
#define CXM_SRC_ESTIMATE_BETA_H

/* A point of (0, 1) and its complement, both to full relative accuracy. */
struct cxm_beta_point {
    double x, y; /* y = 1 - x */
};

/* I_x(a, b) for a, b > 0 and x + y = 1; the upper tail is the same with both pairs swapped. */
double cxm_priv_beta_lower(double a, double b, double x, double y);
/* The point with I_x(a, b) = p, 0 < p < 1; for an upper tail swap a and b, then x and y. */
struct cxm_beta_point cxm_priv_beta_quantile(double a, double b, double p);
/* The point with (I_x(a, b) + I_x(a + 1, b - 1)) / 2 = p, for b >= 1: half the weight on the
 * observed count (mid-P). */
struct cxm_beta_point cxm_priv_beta_quantile_mid(double a, double b, double p);

/* P(a, x) and Q(a, x) = 1 - P for a > 0, x >= 0, and their inverses in x. */
double cxm_priv_gamma_lower(double a, double x);
double cxm_priv_gamma_upper(double a, double x);
double cxm_priv_gamma_lower_quantile(double a, double p);
double cxm_priv_gamma_upper_quantile(double a, double p);

/* log(1 + u) - u for u > -1 without cancellation near 0. */
double cxm_priv_log1pmx(double u);
/* log Gamma(a) - (a - 1/2) log a + a - log(2 pi) / 2 for a > 0: the error of Stirling's formula. */
double cxm_priv_stirling_error(double a);

/* log of the Poisson probability of x with mean m, x and m >= 0; exact to an ulp or so of the
 * larger of its parts (Loader 2000). Binomial and multinomial ones are quotients of it. */
double cxm_priv_log_poisson(double x, double m);

#endif
