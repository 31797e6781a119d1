/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sampling designs: see design.h. Typical: 10 to 1 000 strata of 2 to 100 units; extreme: millions
 * of rows that are their own units. Sums run in the order of the units in double-double, whose
 * 106 bits leave a double exact to its last digits; differences that are no more than the
 * rounding of their terms are 0, so that equal units have no scatter at all. */
#include "estimate/design.h"

#include <math.h>

enum { DIGITS = -98 }; /* binary digits of a double-double that survive a few operations */

double cxm_priv_sampling_fraction(struct cxm_drawn drawn)
{
    return isinf(drawn.population) ? 0.0 : (double)drawn.n / drawn.population;
}

struct cxm_dd cxm_priv_settled(struct cxm_dd x, double size)
{
    return isfinite(size) && fabs(x.hi) <= ldexp(size, DIGITS) ? cxm_priv_dd(0) : x;
}

/* x - mean, or 0 where only rounding is left. */
static struct cxm_dd deviation(struct cxm_dd x, struct cxm_dd mean, double size)
{
    return cxm_priv_settled(cxm_priv_dd_sub(x, mean), fmax(fabs(mean.hi), size));
}

struct cxm_dd cxm_priv_unit_scatter(const struct cxm_unit_totals *units, size_t present,
                                    int64_t n)
{
    struct cxm_dd sum_a = { 0, 0 }, sum_b = { 0, 0 }, scatter = { 0, 0 };
    double size_a = 0, size_b = 0; /* of all units: those of the mean */
    for (size_t i = 0; i < present; i++) {
        sum_a = cxm_priv_dd_add(sum_a, units[i].a);
        sum_b = cxm_priv_dd_add(sum_b, units[i].b);
        size_a += units[i].size_a;
        size_b += units[i].size_b;
    }
    const struct cxm_dd count = cxm_priv_dd_int(n);
    const struct cxm_dd mean_a = cxm_priv_settled(cxm_priv_dd_div(sum_a, count), size_a / (double)n);
    const struct cxm_dd mean_b = cxm_priv_settled(cxm_priv_dd_div(sum_b, count), size_b / (double)n);
    for (size_t i = 0; i < present; i++)
        scatter = cxm_priv_dd_add(scatter, cxm_priv_dd_mul(deviation(units[i].a, mean_a, units[i].size_a),
                                                           deviation(units[i].b, mean_b, units[i].size_b)));
    const struct cxm_dd absent = cxm_priv_dd_int(n - (int64_t)present);
    return cxm_priv_dd_add(scatter,
                           cxm_priv_dd_mul(absent, cxm_priv_dd_mul(mean_a, mean_b)));
}

struct cxm_dd cxm_priv_row_scatter(struct cxm_dd products, struct cxm_unit_totals sums, int64_t n)
{
    const struct cxm_dd centre = cxm_priv_dd_div(cxm_priv_dd_mul(sums.a, sums.b),
                                                 cxm_priv_dd_int(n));
    return deviation(products, centre, 0);
}

struct cxm_dd cxm_priv_scatter_variance(struct cxm_drawn drawn, struct cxm_dd scatter)
{
    const struct cxm_dd f = isinf(drawn.population)
                              ? cxm_priv_dd(0)
                              : cxm_priv_dd_div(cxm_priv_dd_int(drawn.n),
                                                cxm_priv_dd(drawn.population));
    struct cxm_dd rest = cxm_priv_dd_sub(cxm_priv_dd(1), f);
    if (cxm_priv_is_census(drawn))
        rest = cxm_priv_dd(0);
    struct cxm_dd variance = cxm_priv_dd_mul(rest, scatter);
    if (drawn.n > 1)
        variance = cxm_priv_dd_div(cxm_priv_dd_mul(variance, cxm_priv_dd_int(drawn.n)),
                                   cxm_priv_dd_int(drawn.n - 1));
    return variance;
}

double cxm_priv_effective_answers(double variance, double std_error, double n, double df,
                                  double level)
{
    const double design = variance / std_error / std_error;
    if (!(variance > 0) || !isfinite(design) || !(df > 0) || !(n > 1))
        return NAN;
    if (df == n - 1)
        return design;
    const double ratio = cxm_priv_t(level, n - 1) / cxm_priv_t(level, df);
    return design * ratio * ratio;
}
