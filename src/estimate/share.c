/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intervals of a share, x of n, for one answer up to 1e9 and for the fractional effective
 * counts of weighted data.
 *
 * Every method treats successes and failures alike, so the upper limit of x is one minus the
 * lower limit of n - x, and the code keeps that to the last bit where it can. Methods as named
 * by Newcombe (1998, Statistics in Medicine 17:857) and Brown, Cai & DasGupta (2001,
 * Statistical Science 16:101). */
#include "estimate/share.h"

#include "estimate/beta.h"

#include <math.h>

/* Wilson's limits (1927, JASA 22:209). Of the rarer of successes and failures: the upper root of the
 * quadratic has no cancellation, the lower one is the product of both over it. Of the other, one
 * minus these. Without a branch: rows are computed side by side. */
static inline struct cxm_limits wilson(double x, double n, double z)
{
    const double failures = n - x;
    const bool mirrored = !(x <= 0.5 * n);
    const double p = (mirrored ? failures : x) / n;
    const double shift = z * z / n;
    const double root = z * sqrt((p * (1.0 - p) + 0.25 * shift) / n);
    const double sum = p + 0.5 * shift + root;
    const double lower = p * (p / sum), upper = sum / (1.0 + shift);
    const double above = 1.0 - lower, below = 1.0 - upper;
    return (struct cxm_limits){ mirrored ? below : lower, mirrored ? above : upper, 0 };
}

struct cxm_limits cxm_priv_wilson(double x, double n, double z)
{
    return wilson(x, n, z);
}

void cxm_priv_wilson_rows(size_t rows, const double *x, const double *n, double z, double *lower,
                          double *upper)
{
    for (size_t i = 0; i < rows; i++) {
        const struct cxm_limits limits = wilson(x[i], n[i], z);
        lower[i] = limits.lower;
        upper[i] = limits.upper;
    }
}

/* Newcombe's method 4: Wilson's limits of x - 1/2 and x + 1/2. */
static struct cxm_limits wilson_corrected(double x, double n, double z)
{
    struct cxm_limits limits = { 0.0, 1.0, 0 };
    if (x > 0.5)
        limits.lower = cxm_priv_wilson(x - 0.5, n, z).lower;
    if (n - x > 0.5)
        limits.upper = cxm_priv_wilson(x + 0.5, n, z).upper;
    return limits;
}

double cxm_priv_share_variance(double x, double n)
{
    return x / n * ((n - x) / n) / n;
}

static struct cxm_limits wald(double x, double n, double z)
{
    const double half = z * sqrt(cxm_priv_share_variance(x, n));
    const uint32_t flags = half > 0.0 ? 0 : CXM_FLAG_DEGENERATE;
    return (struct cxm_limits){ x / n - half, x / n + half, flags };
}

/* Agresti & Coull 1998, The American Statistician 52:119. */
static struct cxm_limits agresti_coull(double x, double n, double z)
{
    struct cxm_limits limits = wald(x + 0.5 * z * z, n + z * z, z);
    limits.flags = 0;
    return limits;
}

/* Wald on the log odds, undefined without a success or without a failure. */
static struct cxm_limits logit(double x, double n, double z)
{
    const double y = n - x;
    if (!(x > 0.0 && y > 0.0))
        return (struct cxm_limits){ NAN, NAN, 0 };
    const double factor = exp(z / sqrt(x * (y / n)));
    return (struct cxm_limits){ x / (x + y * factor), x / (x + y / factor), 0 };
}

/* Clopper & Pearson 1934, Biometrika 26:404. */
static struct cxm_limits clopper_pearson(double x, double n, double tail)
{
    const double y = n - x;
    struct cxm_limits limits = { 0.0, 1.0, 0 };
    if (x > 0.0)
        limits.lower = cxm_priv_beta_quantile(x, y + 1.0, tail).x;
    if (y > 0.0)
        limits.upper = cxm_priv_beta_quantile(y, x + 1.0, tail).y;
    return limits;
}

/* The exact binomial with half of the probability of the observed count (Lancaster 1961). */
static struct cxm_limits mid_p(double x, double n, double tail)
{
    const double y = n - x;
    struct cxm_limits limits = { 0.0, 1.0, 0 };
    if (x > 0.0)
        limits.lower = cxm_priv_beta_quantile_mid(x, y + 1.0, tail).x;
    if (y > 0.0)
        limits.upper = cxm_priv_beta_quantile_mid(y, x + 1.0, tail).y;
    return limits;
}

/* Equal tails of the posterior under the prior beta(1/2, 1/2). */
static struct cxm_limits jeffreys(double x, double n, double tail)
{
    const double y = n - x;
    struct cxm_limits limits = { 0.0, 1.0, 0 };
    if (x > 0.0)
        limits.lower = cxm_priv_beta_quantile(x + 0.5, y + 0.5, tail).x;
    if (y > 0.0)
        limits.upper = cxm_priv_beta_quantile(y + 0.5, x + 0.5, tail).y;
    return limits;
}

enum cxm_status cxm_priv_share_limits(double x, double n, double level,
                                      enum cxm_interval method, struct cxm_limits *out)
{
    const double z = cxm_priv_z(level);
    const double tail = 0.5 * (1.0 - level);
    switch (method) {
    case CXM_INTERVAL_WALD: *out = wald(x, n, z); break;
    case CXM_INTERVAL_WILSON: *out = cxm_priv_wilson(x, n, z); break;
    case CXM_INTERVAL_WILSON_CC: *out = wilson_corrected(x, n, z); break;
    case CXM_INTERVAL_AGRESTI_COULL: *out = agresti_coull(x, n, z); break;
    case CXM_INTERVAL_CLOPPER_PEARSON: *out = clopper_pearson(x, n, tail); break;
    case CXM_INTERVAL_JEFFREYS: *out = jeffreys(x, n, tail); break;
    case CXM_INTERVAL_MID_P: *out = mid_p(x, n, tail); break;
    case CXM_INTERVAL_LOGIT: *out = logit(x, n, z); break;
    default: return CXM_EUNSUPPORTED;
    }
    return CXM_OK;
}
