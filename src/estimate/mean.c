/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intervals of means and of rates of events.
 *
 * A mean: value ± critical value * standard error. A rate of events per exposure: the exact
 * Poisson limits of Garwood (1936, Biometrika 28:437), quantiles of the gamma distribution with
 * the count, and the count plus one, as shapes. */
#include "estimate/beta.h"
#include "estimate/estimate.h"

#include <math.h>

struct cxm_limits cxm_priv_mean_limits(double value, double std_error, double df, double level)
{
    struct cxm_limits limits = { NAN, NAN, 0 };
    if (isnan(std_error) || !(df > 0.0))
        return limits;
    const double half = cxm_priv_t(level, df) * std_error;
    limits.lower = value - half;
    limits.upper = value + half;
    if (std_error == 0.0)
        limits.flags |= CXM_FLAG_DEGENERATE;
    return limits;
}

struct cxm_limits cxm_priv_poisson_limits(double count, double exposure, double level)
{
    const double tail = 0.5 * (1.0 - level);
    struct cxm_limits limits = { 0.0, 0.0, 0 };
    if (count > 0.0)
        limits.lower = cxm_priv_gamma_lower_quantile(count, tail) / exposure;
    limits.upper = cxm_priv_gamma_upper_quantile(count + 1.0, tail) / exposure;
    return limits;
}
