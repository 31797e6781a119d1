/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Exact tests of counts. Two-sided means: all outcomes that are no likelier than the observed. */
#ifndef CXM_SRC_ESTIMATE_EXACT_H
#define CXM_SRC_ESTIMATE_EXACT_H

#include "estimate/compare.h"

/* Fisher's p-value of two shares; NaN unless the counts are whole. O(sqrt(n)); NaN too above this
 * many answers, where it is the normal one and takes seconds. */
#define CXM_FISHER_MOST 1e11
double cxm_priv_fisher(struct cxm_share_count a, struct cxm_share_count b);
/* With the one-sided ones: P(X >= a.x) and P(X <= a.x). */
struct cxm_fisher {
    double two_sided, greater, less;
};
struct cxm_fisher cxm_priv_fisher_tails(struct cxm_share_count a, struct cxm_share_count b);

/* P(X = k), P(X <= k), P(X >= k) and the two-sided p-value of k successes of n with chance p. */
double cxm_priv_binomial(double k, double n, double p);
double cxm_priv_binomial_at_most(double k, double n, double p);
double cxm_priv_binomial_at_least(double k, double n, double p);
double cxm_priv_binomial_p_value(double k, double n, double p);

/* Replaces the p-values of the asymptotic permutation test by the exact ones: |T - E T| at least as
 * large as observed, T at least as large, T at most as large. Counts are rounded. More than
 * CXM_COMPARE_NET_EXACT_MOST answers keep the asymptotic value and get CXM_FLAG_ASYMPTOTIC.
 * ENOMEM. */
enum cxm_status cxm_priv_permute_nets(struct cxm_net a, struct cxm_net b,
                                      const struct cxm_allocator *allocator,
                                      struct cxm_comparison *out);

#endif
