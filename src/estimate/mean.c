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

static const struct cxm_limits no_limits = { NAN, NAN, 0 };

static struct cxm_limits around(double value, double std_error, double critical)
{
    const double half = critical * std_error;
    return (struct cxm_limits){ value - half, value + half,
                                std_error == 0.0 ? CXM_FLAG_DEGENERATE : 0 };
}

struct cxm_limits cxm_priv_mean_limits(double value, double std_error, double df, double level)
{
    if (isnan(std_error) || !(df > 0.0))
        return no_limits;
    return around(value, std_error, cxm_priv_t(level, df));
}

struct cxm_limits cxm_priv_critical_limits(struct cxm_critical *critical, double value,
                                           double std_error, double df)
{
    if (isnan(std_error) || !(df > 0.0))
        return no_limits;
    return around(value, std_error, cxm_priv_critical_t(critical, df));
}

struct cxm_limits cxm_priv_poisson_limits(double count, double exposure, double level)
{
    const double tail = 0.5 * (1.0 - level);
    struct cxm_limits limits = { 0.0, 0.0, 0 };
    if (!(count >= 0.0)) /* of forged bytes; no shape of a distribution is below 0 */
        return (struct cxm_limits){ NAN, NAN, 0 };
    if (count > 0.0)
        limits.lower = cxm_priv_gamma_lower_quantile(count, tail) / exposure;
    limits.upper = cxm_priv_gamma_upper_quantile(count + 1.0, tail) / exposure;
    return limits;
}
