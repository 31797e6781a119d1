/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Raking, or iterative proportional fitting (Deming and Stephan 1940, Annals of Mathematical
 * Statistics 11:427): the cells of a table are scaled to one margin after the other until all
 * are met. Typical: 2 to 5 margins of 2 to 50 categories, under 1 000 cells, 5 to 30 sweeps;
 * margins that nearly determine each other need more. */
#include "estimate/rake.h"

#include <math.h>

#define ENOUGH 1e-4 /* of the tolerance */

static void set_cell_factors(struct cxm_rake_table *t)
{
    for (size_t c = 0; c < t->n_cells; c++) {
        double f = 1;
        for (size_t m = 0; m < t->n_margins; m++)
            f *= t->margins[m].factors[t->categories[c * t->n_margins + m]];
        t->factors[c] = f;
    }
}

/* The sums of the calibrated weights in each category of a margin. */
static void sum_margin(const struct cxm_rake_table *t, size_t m)
{
    struct cxm_rake_margin *margin = &t->margins[m];
    memset(margin->sums, 0, margin->n * sizeof *margin->sums);
    for (size_t c = 0; c < t->n_cells; c++) {
        struct cxm_dd *sum = &margin->sums[t->categories[c * t->n_margins + m]];
        *sum = cxm_priv_dd_add(*sum, cxm_priv_dd_mul(t->weights[c], cxm_priv_dd(t->factors[c])));
    }
}

static void scale_margin(struct cxm_rake_table *t, size_t m)
{
    struct cxm_rake_margin *margin = &t->margins[m];
    sum_margin(t, m);
    for (uint32_t k = 0; k < margin->n; k++) {
        if (margin->sums[k].hi > 0)
            margin->factors[k] = cxm_priv_dd_div(cxm_priv_dd_mul(cxm_priv_dd(margin->factors[k]),
                                                                 cxm_priv_dd(margin->totals[k])),
                                                 margin->sums[k]).hi;
    }
    set_cell_factors(t);
}

void cxm_priv_rake_check(const struct cxm_rake_table *t, struct cxm_rake_error *out)
{
    out->error = 0;
    for (size_t m = 0; m < t->n_margins; m++) {
        const struct cxm_rake_margin *margin = &t->margins[m];
        sum_margin(t, m);
        for (uint32_t k = 0; k < margin->n; k++) {
            const double off = fabs(margin->sums[k].hi - margin->totals[k]);
            const double error = margin->totals[k] > 0 ? off / margin->totals[k] : 0;
            if (error > out->error || isnan(error)) {
                out->error = error;
                out->margin = m;
                out->category = k;
            }
        }
    }
}

static void forget_empty(const struct cxm_rake_table *t)
{
    for (size_t m = 0; m < t->n_margins; m++) {
        const struct cxm_rake_margin *margin = &t->margins[m];
        for (uint32_t k = 0; k < margin->n; k++)
            margin->factors[k] = NAN;
    }
}

bool cxm_priv_rake(struct cxm_rake_table *t, double tolerance, int32_t max_iterations,
                   struct cxm_rake_error *out)
{
    *out = (struct cxm_rake_error){ .error = INFINITY };
    forget_empty(t);
    for (size_t c = 0; c < t->n_cells; c++)
        for (size_t m = 0; m < t->n_margins; m++)
            t->margins[m].factors[t->categories[c * t->n_margins + m]] = 1;
    set_cell_factors(t);
    /* The factors are off by more than the totals are where margins nearly determine each other:
     * sweeps go on below the tolerance as long as they help. */
    double last = INFINITY;
    while (out->iterations < max_iterations) {
        for (size_t m = 0; m < t->n_margins; m++)
            scale_margin(t, m);
        struct cxm_rake_error before = *out;
        before.iterations = ++out->iterations;
        cxm_priv_rake_check(t, out);
        if (isnan(out->error)) { /* factors beyond doubles: margins that contradict each other */
            *out = before;
            return false;
        }
        if (out->error <= ENOUGH * tolerance
            || (out->error <= tolerance && out->error > last / 2))
            break;
        last = out->error;
    }
    return out->error <= tolerance;
}
