/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Tests of many groups: tables of counts, trends over waves, ranks. Counts and values were
 * checked by the caller (>= 0, finite). Undefined statistics are NaN. */
#ifndef CXM_SRC_ESTIMATE_ASSOCIATION_H
#define CXM_SRC_ESTIMATE_ASSOCIATION_H

#include "estimate/estimate.h"

/* ---- tables of counts ----------------------------------------------------------------- */

struct cxm_table_tests {
    double chi2, p_chi2; /* Pearson */
    double g2, p_g2;     /* likelihood ratio */
    double df;           /* rows and columns that are all 0 are left out */
    double cramer_v;
    int64_t n_small;     /* cells with an expected count below 5 */
};

/* counts[row * columns + column]. `residuals`, of the same size, gets the adjusted residuals
 * (approximately standard normal; NaN in empty rows and columns); NULL when not wanted. ENOMEM. */
enum cxm_status cxm_priv_table_tests(const double *counts, size_t rows, size_t columns,
                                     const struct cxm_allocator *allocator, double *residuals,
                                     struct cxm_table_tests *out);

/* ---- trends --------------------------------------------------------------------------- */

/* Cochran 1954 and Armitage 1955: shares x[i] of n[i] against scores (NULL: 1, 2, 3, …). */
struct cxm_share_trend {
    double z, chi2, p;                            /* rising shares give z > 0 */
    double homogeneity, homogeneity_df, homogeneity_p;
    double departure, departure_df, departure_p;  /* from a straight line */
    double slope, slope_error;                    /* share per unit of score; error were it 0 */
    double pooled, pooled_error;                  /* the share of all */
};
struct cxm_share_trend cxm_priv_share_trend(const double *x, const double *n,
                                            const double *scores, size_t count);

/* Estimates with known standard errors over time: least squares with weights 1 / error^2; the
 * errors of pool and slope come from the given ones, not from residuals. */
struct cxm_estimate_trend {
    double pooled, pooled_error;
    double slope, slope_error, z, p;
    double heterogeneity, heterogeneity_df, heterogeneity_p; /* Cochran's Q about the pool */
    double residual, residual_df, residual_p;                /* about the line */
};
struct cxm_estimate_trend cxm_priv_estimate_trend(const double *value, const double *std_error,
                                                  const double *time, size_t count);

/* Mann 1945, Kendall: pairs in rising order minus pairs in falling order; values at one place `at`
 * (NULL: each has its own) have no order. Two-sided, exact without ties up to 50 values, otherwise
 * normal with continuity and ties of both (Kendall 1970, ch. 4). O(count^2). */
struct cxm_kendall {
    double s, p;
    bool exact;
};
struct cxm_kendall cxm_priv_mann_kendall(const double *value, const double *at, size_t count);

/* ---- ranks ---------------------------------------------------------------------------- */

/* Both read counts over the distinct values in rising order, as a key table holds them. */

/* Mann & Whitney 1947: w = pairs (a, b) with a above b, ties half. Normal, corrected for
 * continuity and ties; two-sided. */
struct cxm_mann_whitney {
    double w, z, p;
};
struct cxm_mann_whitney cxm_priv_mann_whitney(const double *a, const double *b, size_t distinct);

/* Kruskal & Wallis 1952, corrected for ties: counts[group * distinct + value]. ENOMEM. */
struct cxm_kruskal {
    double h, df, p;
};
enum cxm_status cxm_priv_kruskal(const double *counts, size_t groups, size_t distinct,
                                 const struct cxm_allocator *allocator, struct cxm_kruskal *out);

#endif
