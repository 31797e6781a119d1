/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Rank tests from counts over distinct values, as survey answers and key tables have them: the
 * ranks of all rows with one value are their mid-rank. Exact in whole numbers up to the last
 * division; O(groups x distinct), nothing is sorted. Hollander & Wolfe 1999, ch. 4 and 6. */
#include "estimate/association.h"

#include "estimate/quantile.h"

#include <math.h>

/* n^3 - n less sum (t^3 - t) over the values is sum t (n - t) (n + t), which loses no digits when
 * nearly all rows have one value. */
static double untied_by(double t, double n)
{
    return t * (n - t) * (n + t);
}

struct cxm_mann_whitney cxm_priv_mann_whitney(const double *a, const double *b, size_t distinct)
{
    double na = 0.0, nb = 0.0, w = 0.0, gap = 0.0, below_b = 0.0;
    for (size_t i = 0; i < distinct; i++) {
        na += a[i];
        nb += b[i];
    }
    for (size_t i = 0; i < distinct; i++) {
        w += a[i] * (below_b + 0.5 * b[i]);
        gap += a[i] * (below_b + 0.5 * b[i] - 0.5 * nb);
        below_b += b[i];
    }
    const double n = na + nb;
    struct cxm_mann_whitney out = { w, NAN, NAN };
    if (!(na > 0.0 && nb > 0.0)) {
        out.w = NAN;
        return out;
    }
    double untied = 0.0;
    for (size_t i = 0; i < distinct; i++)
        untied += untied_by(a[i] + b[i], n);
    const double variance = na / n * (nb / (n - 1.0)) * untied / 12.0;
    out.z = copysign(fmax(0.0, fabs(gap) - 0.5), gap) / sqrt(variance);
    out.p = variance > 0.0 ? cxm_priv_normal_p_value(out.z) : 1.0;
    return out;
}

/* n_g (mean rank of group g - mean rank)^2, summed over the groups that have rows. */
static double between_groups(const double *excess, const double *size, size_t groups,
                             double *used)
{
    double sum = 0.0;
    for (size_t g = 0; g < groups; g++)
        if (size[g] > 0.0) {
            sum += excess[g] * excess[g] / size[g];
            *used += 1.0;
        }
    return sum;
}

enum cxm_status cxm_priv_kruskal(const double *counts, size_t groups, size_t distinct,
                                 const struct cxm_allocator *allocator, struct cxm_kruskal *out)
{
    double *const excess = cxm_priv_alloc_zero(allocator, groups, 2 * sizeof(double));
    if (excess == NULL)
        return CXM_ENOMEM;
    double *const size = excess + groups;
    double n = 0.0, untied = 0.0, below = 0.0, used = 0.0;
    for (size_t i = 0; i < groups * distinct; i++)
        n += counts[i];
    for (size_t v = 0; v < distinct; v++) {
        double t = 0.0;
        for (size_t g = 0; g < groups; g++)
            t += counts[g * distinct + v];
        for (size_t g = 0; g < groups; g++) {
            /* the mid-rank of value v less the mean rank (n + 1) / 2 */
            excess[g] += counts[g * distinct + v] * (below + 0.5 * t - 0.5 * n);
            size[g] += counts[g * distinct + v];
        }
        below += t;
        untied += untied_by(t, n);
    }
    const double between = between_groups(excess, size, groups, &used);
    cxm_priv_release(allocator, excess);
    out->df = fmax(0.0, used - 1.0);
    out->h = used > 1.0 ? 12.0 * (n - 1.0) * between / untied : (double)NAN; /* a group alone has no equal */
    out->p = cxm_priv_chi2_upper(out->h, out->df);
    return CXM_OK;
}
