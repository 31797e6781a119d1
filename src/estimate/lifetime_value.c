/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Lifetime value with a constant margin m, retention r and discount d a period, as the sum of a
 * geometric series that says when the first payment is made (Berger & Nasr 1998). */
#include "estimate/lifetime.h"

#include "base/base.h"

#include <math.h>

double cxm_priv_lifetime_value(double margin, double retention, double discount,
                               enum cxm_first_payment first, double periods)
{
    const double ratio = retention / (1 + discount);
    /* 1 - ratio. 1 + discount is not rounded first: what is left for a small discount is little. */
    const struct cxm_dd grown = cxm_priv_dd_add(cxm_priv_dd(1), cxm_priv_dd(discount));
    const double gap = cxm_priv_dd_sub(grown, cxm_priv_dd(retention)).hi / grown.hi;
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
