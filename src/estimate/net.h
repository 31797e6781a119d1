/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Parts of the net score that its intervals, comparisons and sample sizes share. */
#ifndef CXM_SRC_ESTIMATE_NET_H
#define CXM_SRC_ESTIMATE_NET_H

#include "estimate/estimate.h"

/* Real counts >= 0 of -1, 0 and +1. */
struct cxm_net {
    double detractors, passives, promoters;
};

static inline double cxm_priv_net_n(struct cxm_net a)
{
    return a.detractors + a.passives + a.promoters;
}

/* (promoters - detractors) / n, on -1 … 1. */
double cxm_priv_net_value(struct cxm_net a);
/* The variance of one answer with divisor n, 0 … 1; its root over sqrt(n) is the standard error. */
double cxm_priv_net_variance(struct cxm_net a);
/* The counts with pseudo-answers: `total` of them, spread 1/4, 1/2, 1/4. */
struct cxm_net cxm_priv_net_adjusted(struct cxm_net a, double total);

/* Wald's limits of many rows with `more` answers each: with the 3/4, 3/2, 3/4 of
 * cxm_priv_net_adjusted the limits of ADJUSTED_WALD. */
void cxm_priv_net_wald_rows(size_t rows, const double *detractors, const double *passives,
                            const double *promoters, struct cxm_net more, double z, double *lower,
                            double *upper);

/* The score statistic of a net score that is thought to be `net`, on -1 … 1 (Tango 1998): how many
 * standard errors the observed one lies above it. 0 at the value itself, ±inf beside it where
 * there is no variance. */
double cxm_priv_net_score_z(struct cxm_net a, double net);

/* Percentile (bca == false) or BCa limits of the ideal bootstrap; the counts are whole. */
enum cxm_status cxm_priv_net_bootstrap(struct cxm_net a, double level, bool bca,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_limits *out);

/* The distribution of the sum of n answers drawn with the observed shares: probability[i] is
 * that of the sum first + i. Tails below 1e-30 in total, or 1e-300 when `far`, are left out. */
struct cxm_net_sums {
    double *probability;
    int64_t first, count;
};
enum cxm_status cxm_priv_net_sums(struct cxm_net a, bool far,
                                  const struct cxm_allocator *allocator,
                                  struct cxm_net_sums *out);

/* Simultaneous limits of the share of each category, all of them inside with probability
 * `level`: Goodman 1965, or the wider ones of Quesenberry & Hurst 1964. n > 0. */
struct cxm_limits cxm_priv_category_limits(double x, double n, int n_categories, double level,
                                           bool quesenberry_hurst);

#endif
