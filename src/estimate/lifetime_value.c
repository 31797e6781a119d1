/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lifetime value with a constant margin m, retention r and discount d a period, as the sum of a
 * geometric series that says when the first payment is made (Berger & Nasr 1998), and how
 * unevenly value is spread (Gini 1912; top share by linear interpolation of the Lorenz curve). */
#include "estimate/lifetime.h"

#include "base/base.h"

#include <math.h>

double cxm_priv_lifetime_value(double margin, double retention, double discount,
                               enum cxm_first_payment first, double periods)
{
    const double ratio = retention / (1 + discount);
    const double gap = (1 + discount - retention) / (1 + discount); /* 1 - ratio, no digit lost */
    double sum;
    if (periods == 0 || margin == 0)
        return 0;
    if (gap == 0)
        sum = periods;
    else if (isinf(periods))
        sum = 1 / gap;
    else
        sum = -expm1(periods * log1p(-gap)) / gap;
    const double start = first == CXM_PAYMENT_NOW ? 1
                       : first == CXM_PAYMENT_NEXT ? 1 / (1 + discount) : ratio;
    return margin * start * sum;
}

double cxm_priv_gini(const double *sorted, size_t n, bool unbiased)
{
    struct cxm_dd sum = { 0, 0 }, ranked = { 0, 0 };
    for (size_t i = 0; i < n; i++) {
        const struct cxm_dd y = cxm_priv_dd(sorted[i]);
        sum = cxm_priv_dd_add(sum, y);
        /* (2 i - n - 1) y_(i), i from 1: the sum is exact for equal values */
        ranked = cxm_priv_dd_add(
            ranked, cxm_priv_dd_mul(cxm_priv_dd(2.0 * (double)i + 1 - (double)n), y));
    }
    const double per = unbiased ? (double)n - 1 : (double)n;
    if (!(sum.hi > 0) || !(per > 0))
        return NAN;
    return cxm_priv_dd_div(ranked, cxm_priv_dd_mul(cxm_priv_dd(per), sum)).hi;
}

double cxm_priv_top_share(const double *sorted, size_t n, double q)
{
    struct cxm_dd sum = { 0, 0 }, top = { 0, 0 };
    const double wanted = q * (double)n;
    for (size_t i = 0; i < n; i++) {
        const struct cxm_dd y = cxm_priv_dd(sorted[n - 1 - i]);
        const double part = fmin(fmax(wanted - (double)i, 0), 1);
        sum = cxm_priv_dd_add(sum, y);
        top = cxm_priv_dd_add(top, cxm_priv_dd_mul(cxm_priv_dd(part), y));
    }
    return sum.hi > 0 ? cxm_priv_dd_div(top, sum).hi : NAN;
}
