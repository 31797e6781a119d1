/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Raking of a table of cells: plain numbers in, plain numbers out. */
#ifndef CXM_SRC_ESTIMATE_RAKE_H
#define CXM_SRC_ESTIMATE_RAKE_H

#include "base/base.h"

struct cxm_rake_margin {
    uint32_t n;             /* categories */
    const double *totals;
    double *factors;        /* out; NaN where no cell has the category */
    struct cxm_dd *sums;    /* room for n */
};

struct cxm_rake_table {
    size_t n_cells, n_margins;
    const struct cxm_dd *weights;  /* of the cells, >= 0 */
    const uint32_t *categories;    /* [cell][margin] */
    double *factors;               /* of the cells, out: the products of those of its categories */
    struct cxm_rake_margin *margins;
};

/* The largest relative error of a total, and where; categories with total 0 and no weight have
 * none. */
struct cxm_rake_error {
    double error;
    size_t margin, category;
    int32_t iterations;
};

/* Sweeps until the error is below `tolerance`, and somewhat on; false: not within so many sweeps. Each
 * category with a total above 0 has weight. Sums run in the order of the cells. */
bool cxm_priv_rake(struct cxm_rake_table *table, double tolerance, int32_t max_iterations,
                   struct cxm_rake_error *out);

/* How far the cells with their factors are off the totals; the iterations stay. */
void cxm_priv_rake_check(const struct cxm_rake_table *table, struct cxm_rake_error *out);

#endif
