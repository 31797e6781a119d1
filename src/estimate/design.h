/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The variance of a total under a sampling design, from what its units sum to: plain numbers in,
 * plain numbers out. A statistic that is no total stands here by its linearised influence, whose
 * total it is (Woodruff 1971; Binder 1983):
 *
 *   V = sum_h (1 - f_h) n_h / (n_h - 1) sum_c (t_hc - tbar_h)^2
 *     + sum_c f_h (1 - f_c) m_c / (m_c - 1) sum_j (t_cj - tbar_c)^2            second stage
 *
 * n_h units drawn from the N_h of stratum h, f_h = n_h / N_h, 0 without a finite population
 * (Cochran 1977, chapters 5 and 11). Covariances are the same with products for squares. */
#ifndef CXM_SRC_ESTIMATE_DESIGN_H
#define CXM_SRC_ESTIMATE_DESIGN_H

#include "estimate/estimate.h"

/* Units drawn within one stratum, or within one unit of the stage before. */
struct cxm_drawn {
    int64_t n;
    double population; /* INFINITY: drawn with replacement, or from so many that it is the same */
};

/* What two statistics sum to in one unit, and the sizes of what was summed: differences that are no
 * more than the rounding of these are 0. */
struct cxm_unit_totals {
    struct cxm_dd a, b;
    double size_a, size_b;
};

/* n / population, 0 where that is infinite. */
double cxm_priv_sampling_fraction(struct cxm_drawn drawn);
/* All units were drawn: they tell nothing about others, and nothing is left to chance. */
static inline bool cxm_priv_is_census(struct cxm_drawn drawn)
{
    return (double)drawn.n >= drawn.population;
}

/* x, or 0 where only the rounding of parts of that size is left; parts beyond doubles leave what they are. */
struct cxm_dd cxm_priv_settled(struct cxm_dd x, double size);
/* sum (a_c - abar)(b_c - bbar) over `n` units; those beyond the `present` ones have the totals 0. */
struct cxm_dd cxm_priv_unit_scatter(const struct cxm_unit_totals *units, size_t present,
                                    int64_t n);
/* The same where the units are rows: from the sum of products and the sums. */
struct cxm_dd cxm_priv_row_scatter(struct cxm_dd products, struct cxm_unit_totals sums,
                                   int64_t n);
/* (1 - f) n / (n - 1) scatter; a single unit gives (1 - f) scatter. */
struct cxm_dd cxm_priv_scatter_variance(struct cxm_drawn drawn, struct cxm_dd scatter);

/* The number of independent answers that tell as much about a value as n answers of the design:
 * variance / std_error^2 (t_{n-1} / t_df)^2 (Korn and Graubard 1998), variance being that of one
 * answer. NaN: not known, as the variance or the standard error is 0, or df is. */
double cxm_priv_effective_answers(double variance, double std_error, double n, double df,
                                  double level);

#endif
