/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How many answers are needed. Normal approximation (Cochran 1977, Sampling Techniques, ch. 4);
 * adjusted Wald brings its pseudo-answers along, which are saved. */
#include "estimate/compare.h"

#include "estimate/quantile.h"

#include <math.h>

double cxm_priv_sample_size(double margin, double variance, double level, double spare)
{
    const double z = cxm_priv_z(level);
    return z / margin * (z / margin) * variance - spare;
}

double cxm_priv_finite_sample_size(double n, double population)
{
    return fmin(n / (1.0 + (n - 1.0) / population), population); /* rounding asks nobody twice */
}

double cxm_priv_sample_size_two(double d, double variance_a, double variance_b, double level,
                                double power, double spare)
{
    const double z = cxm_priv_z(level) + cxm_priv_normal_quantile(power);
    return z / d * (z / d) * (variance_a + variance_b) - spare;
}

double cxm_priv_whole_answers(double n)
{
    return fmax(1.0, ceil(n));
}

double cxm_priv_power(double d, double std_error, double level)
{
    const double z = cxm_priv_z(level);
    const double shift = fabs(d) / std_error;
    return cxm_priv_normal_lower(shift - z) + cxm_priv_normal_lower(-shift - z);
}
