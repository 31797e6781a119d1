/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Least squares on the categories of margins, for the residuals of calibrated estimates. */
#ifndef CXM_SRC_ESTIMATE_RESIDUAL_H
#define CXM_SRC_ESTIMATE_RESIDUAL_H

#include "base/base.h"

/* Normal equations of dummies: cells with weights, each in one column of every margin. */
struct cxm_fit {
    const struct cxm_allocator *allocator;
    size_t n_cells, n_margins, n;
    const uint32_t *columns; /* [cell][margin], numbers below n */
    struct cxm_dd *lower;    /* L of L D L', row by row, without its diagonal of ones */
    struct cxm_dd *diagonal; /* D; 0: a column that the others determine */
    struct cxm_dd *beta;     /* room for n */
};

/* False: out of memory. `columns` is kept. */
bool cxm_priv_fit_init(struct cxm_fit *fit, const struct cxm_dd *weights,
                       const uint32_t *columns, size_t n_cells, size_t n_margins, size_t n,
                       const struct cxm_allocator *allocator);
void cxm_priv_fit_release(struct cxm_fit *fit);

/* fitted[c] = the weighted regression, at cell c, of values whose weighted totals are totals[c]. */
void cxm_priv_fit_values(struct cxm_fit *fit, const struct cxm_dd *totals,
                         struct cxm_dd *fitted);

/* The same from X'Wy, which the caller wrote into beta: the coefficients stay there. */
void cxm_priv_fit_solve(struct cxm_fit *fit, struct cxm_dd *fitted);

#endif
