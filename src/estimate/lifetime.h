/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Models of how long customers stay and what they buy: shifted-beta-geometric, BG/NBD and
 * Gamma-Gamma, and the arithmetic of lifetime value. Plain numbers in, plain numbers out.
 * Counts and parameters were checked by the caller: finite, parameters > 0. */
#ifndef CXM_SRC_ESTIMATE_LIFETIME_H
#define CXM_SRC_ESTIMATE_LIFETIME_H

#include "estimate/fit.h"

#include <stddef.h>
#include <stdint.h>

/* ---- shifted beta geometric (Fader & Hardie 2007) -------------------------------------- */

/* lost[t - 1] customers left in period t, left[t - 1] were last seen active after t periods. */
struct cxm_sbg_counts {
    const int64_t *lost, *left;
    size_t n_periods;
};
/* theta = log(a), log(b). */
struct cxm_fit cxm_priv_sbg_fit(const struct cxm_sbg_counts *counts);
double cxm_priv_sbg_log_likelihood(const struct cxm_sbg_counts *counts, double a, double b);
/* S(t), t >= 0, its gradient in (log a, log b), and r_t = S(t) / S(t - 1), t >= 1. */
double cxm_priv_sbg_survival(double a, double b, double t);
void cxm_priv_sbg_survival_gradient(double a, double b, double t, double gradient[2]);
double cxm_priv_sbg_retention(double a, double b, double t);
/* sum_t S(t) / (1 + d)^t, and the same for a customer before renewal n (decision pending, first
 * payment undiscounted, Fader & Hardie 2010). d = 0: the mean tenure, +inf for a <= 1. */
double cxm_priv_sbg_del(double a, double b, double discount);
double cxm_priv_sbg_derl(double a, double b, double renewals, double discount);

/* ---- BG/NBD (Fader, Hardie & Lee 2005) ------------------------------------------------- */

struct cxm_purchases { /* one distinct kind of customer */
    double x, recency, age; /* repeat orders, last - first, end - first */
    double n;               /* how many such customers */
};
struct cxm_bg_nbd {
    double r, alpha, a, b;
};
/* theta = log of r, alpha, a, b. Rows in a fixed order give the same bits. */
struct cxm_fit cxm_priv_bg_nbd_fit(const struct cxm_purchases *rows, size_t n);
double cxm_priv_bg_nbd_log_likelihood(const struct cxm_bg_nbd *model,
                                      const struct cxm_purchases *row);
double cxm_priv_bg_nbd_alive(const struct cxm_bg_nbd *model, double x, double recency,
                             double age);
/* E[X(t)] of a new customer, E[Y(t) | x, recency, age]; NaN where 2^24 terms are not enough. */
double cxm_priv_bg_nbd_expected(const struct cxm_bg_nbd *model, double t);
double cxm_priv_bg_nbd_conditional(const struct cxm_bg_nbd *model, double t, double x,
                                   double recency, double age);

/* ---- Gamma-Gamma (Fader, Hardie & Lee 2005) -------------------------------------------- */

struct cxm_spending {
    double x, mean; /* repeat orders and their mean value, both > 0 */
    double n;
};
struct cxm_gamma_gamma {
    double p, q, gamma;
};
struct cxm_fit cxm_priv_gamma_gamma_fit(const struct cxm_spending *rows, size_t n);
double cxm_priv_gamma_gamma_log_likelihood(const struct cxm_gamma_gamma *model,
                                           const struct cxm_spending *row);
/* E[Z | x, mean]; x = 0: the mean over all customers, +inf for q <= 1. */
double cxm_priv_gamma_gamma_expected(const struct cxm_gamma_gamma *model, double x, double mean);

/* ---- lifetime value of a constant margin ----------------------------------------------- */

enum cxm_first_payment {
    CXM_PAYMENT_NOW,           /* m (1 + d) / (1 + d - r) */
    CXM_PAYMENT_AFTER_RENEWAL, /* m r / (1 + d - r) */
    CXM_PAYMENT_NEXT           /* certain, one period away: m / (1 + d - r) */
};
/* periods: number of payments, +inf for all. */
double cxm_priv_lifetime_value(double margin, double retention, double discount,
                               enum cxm_first_payment first, double periods);

#endif
