/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Critical values and tail areas of the normal, Student's t and chi-square, on top of the
 * beta tails (Abramowitz & Stegun 1964, 26.5.2 and 26.7.1). Of GSL only the normal distribution is used:
 * its functions take every double and raise nothing. */
#include "estimate/quantile.h"

#include "estimate/beta.h"
#include "estimate/estimate.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

double cxm_priv_normal_upper(double z)
{
    return gsl_cdf_ugaussian_Q(z);
}

double cxm_priv_normal_lower(double z)
{
    return gsl_cdf_ugaussian_P(z);
}

double cxm_priv_normal_quantile(double p)
{
    if (!(p >= 0.0 && p <= 1.0))
        return NAN;
    return gsl_cdf_ugaussian_Pinv(p);
}

double cxm_priv_normal_p_value(double z)
{
    return 2.0 * gsl_cdf_ugaussian_Q(fabs(z));
}

double cxm_priv_z(double level)
{
    if (level == 0.95) /* what nearly every call asks for; a test compares */
        return 0x1.f5c0331eeff82p+0; /* 1.9599639845400536, of 1 - 0.95 as a double */
    return gsl_cdf_ugaussian_Qinv(0.5 * (1.0 - level));
}

double cxm_priv_t(double level, double df)
{
    if (!(df > 0.0))
        return NAN;
    if (df > 1e18) /* t and z agree to the last bit */
        return cxm_priv_z(level);
    if (1.0 - level >= 1.0) /* a level below the last bit of 1: no width, as for z */
        return 0.0;
    /* df / (df + t^2) has a beta distribution, its lower tail is both tails of t. */
    const struct cxm_beta_point point = cxm_priv_beta_quantile(0.5 * df, 0.5, 1.0 - level);
    return sqrt(df * (point.y / point.x));
}

double cxm_priv_critical_t(struct cxm_critical *critical, double df)
{
    if (!(df > 0.0))
        return NAN;
    if (df > 1e18)
        return critical->z;
    if (critical->n_kept == 0)
        return cxm_priv_t(critical->level, df);
    /* Degrees of freedom are mostly whole: their last digits spread them. */
    uint64_t bits;
    memcpy(&bits, &df, sizeof bits);
    const size_t at = (df < 1e9 ? (size_t)df + (bits & 0xFFFF) : (bits >> 20)) & (critical->n_kept - 1);
    struct cxm_kept_t *kept = &critical->kept[at];
    if (kept->df != df)
        *kept = (struct cxm_kept_t){ df, cxm_priv_t(critical->level, df) };
    return kept->t;
}

double cxm_priv_t_p_value(double t, double df)
{
    if (isnan(t) || !(df > 0.0))
        return NAN;
    if (isinf(t))
        return 0.0;
    if (df > 1e18)
        return cxm_priv_normal_p_value(t);
    const double ratio = t / df * t; /* t^2 itself could overflow */
    if (isinf(ratio))
        return 0.0;
    return cxm_priv_beta_lower(0.5 * df, 0.5, 1.0 / (1.0 + ratio), ratio / (1.0 + ratio));
}

double cxm_priv_t_upper(double t, double df)
{
    const double both = cxm_priv_t_p_value(t, df);
    return t >= 0.0 ? 0.5 * both : 1.0 - 0.5 * both;
}

double cxm_priv_chi2_upper(double x, double df)
{
    if (isnan(x) || !(df > 0.0))
        return NAN;
    if (isinf(x))
        return 0.0;
    return x <= 0.0 ? 1.0 : cxm_priv_gamma_upper(0.5 * df, 0.5 * x);
}

double cxm_priv_chi2_upper_quantile(double p, double df)
{
    if (!(p > 0.0 && p < 1.0) || !(df > 0.0))
        return NAN;
    return 2.0 * cxm_priv_gamma_upper_quantile(0.5 * df, p);
}
