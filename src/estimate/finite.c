/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Finite populations: simple random samples without replacement (Cochran 1977, Sampling
 * Techniques, ch. 2 and 3), and the exact limits of a share, which invert the hypergeometric
 * test (Wright 1991, Exact Confidence Bounds when Sampling from Small Finite Universes).
 *
 * From a list of a few tickets to 1e10 customers for the exact limits, 1e15 otherwise. One
 * hypergeometric probability is a quotient of three binomial ones (Loader 2000), so it keeps
 * its digits at any size; tails are walked from there with ratios of neighbours. */
#include "estimate/finite.h"

#include "estimate/exact.h"
#include "estimate/share.h"

#include <math.h>

#define MOST 1e15
#define MOST_EXACT 1e10

double cxm_priv_finite_factor(double n, double population)
{
    return (population - n) / population;
}

/* n / (1 - n / N): so many answers drawn with replacement tell as much. +inf for n = N; at most
 * 1e15 otherwise. */
static double effective_n(double n, double population)
{
    if (n >= population)
        return INFINITY;
    return fmin(n / cxm_priv_finite_factor(n, population), fmax(n, MOST));
}

double cxm_priv_finite_error(double variance, double n, double population)
{
    if (n >= population)
        return 0.0;
    return n > 1.0 ? sqrt(cxm_priv_finite_factor(n, population) * variance / (n - 1.0)) : NAN;
}

/* ---- the hypergeometric distribution -------------------------------------------------- */

static double probability(double x, double n, double marked, double population)
{
    const double p = n / population;
    const double rest = population - marked;
    return cxm_priv_binomial(x, marked, p) / cxm_priv_binomial(n, population, p)
         * cxm_priv_binomial(n - x, rest, p);
}

/* P(X >= x) for x at or above the mean, where the terms fall from the first one on. */
static double upper_tail(double x, double n, double marked, double population)
{
    double term = probability(x, n, marked, population);
    double sum = 0.0;
    for (double k = x; term > 1e-17 * sum; k += 1.0) {
        sum += term;
        term *= (marked - k) / (k + 1.0) * ((n - k) / (population - marked - n + k + 1.0));
    }
    return sum;
}

double cxm_priv_hypergeometric_at_least(double x, double n, double marked, double population)
{
    if (x <= fmax(0.0, n + marked - population))
        return 1.0;
    if (x > fmin(n, marked))
        return 0.0;
    if (x >= n * (marked / population))
        return fmin(1.0, upper_tail(x, n, marked, population));
    /* X <= x - 1: at least n - x + 1 of those drawn are not marked. */
    return fmax(0.0, 1.0 - upper_tail(n - x + 1.0, n, population - marked, population));
}

/* The fewest marked ones with P(X >= x) > tail, a tie counting as refused. The probability
 * grows with their number. */
static double fewest_marked(double x, double n, double population, double tail)
{
    double low = x - 1.0; /* refused, or impossible */
    double high = population - (n - x);
    while (high - low > 1.0) {
        const double half = low + floor(0.5 * (high - low));
        if (cxm_priv_hypergeometric_at_least(x, n, half, population) > tail * (1.0 + 1e-12))
            high = half;
        else
            low = half;
    }
    return high;
}

struct cxm_limits cxm_priv_hypergeometric_limits(double x, double n, double population,
                                                 double tail)
{
    struct cxm_limits limits = { x / n, x / n, 0 };
    if (n >= population)
        return limits;
    if (population <= MOST_EXACT) {
        limits.lower = fewest_marked(x, n, population, tail) / population;
        limits.upper = (population - fewest_marked(n - x, n, population, tail)) / population;
        return limits;
    }
    const double effective = effective_n(n, population);
    (void)cxm_priv_share_limits(fmin(x / n * effective, effective), effective, 1.0 - 2.0 * tail,
                                CXM_INTERVAL_CLOPPER_PEARSON, &limits);
    limits.flags |= CXM_FLAG_ASYMPTOTIC;
    return limits;
}

/* ---- limits --------------------------------------------------------------------------- */

static bool is_whole(double x)
{
    return x == floor(x);
}

enum cxm_status cxm_priv_finite_share_limits(double x, double n, double population, double level,
                                             enum cxm_interval method, struct cxm_limits *out)
{
    const double p = x / n;
    if (method == CXM_INTERVAL_WALD) {
        const double error = cxm_priv_finite_error(p * ((n - x) / n), n, population);
        *out = cxm_priv_mean_limits(p, error, INFINITY, level);
        return CXM_OK;
    }
    if (method == CXM_INTERVAL_CLOPPER_PEARSON) {
        if (!(is_whole(x) && is_whole(n) && is_whole(population)))
            return CXM_EUNSUPPORTED;
        *out = cxm_priv_hypergeometric_limits(x, n, population, 0.5 * (1.0 - level));
        return CXM_OK;
    }
    const double effective = effective_n(n, population);
    const double m = isinf(effective) ? n : effective;
    struct cxm_limits limits;
    const double successes = x == n ? m : fmin(p * m, m);
    const enum cxm_status status = cxm_priv_share_limits(successes, m, level, method, &limits);
    if (status == CXM_OK)
        *out = isinf(effective) ? (struct cxm_limits){ p, p, 0 } : limits;
    return status;
}

enum cxm_status cxm_priv_finite_net_limits(struct cxm_net counts, double population,
                                           double level, enum cxm_interval method,
                                           const struct cxm_allocator *allocator,
                                           struct cxm_limits *out)
{
    const double n = cxm_priv_net_n(counts);
    const double value = cxm_priv_net_value(counts);
    if (method == CXM_INTERVAL_WALD || method == CXM_INTERVAL_WALD_T) {
        const double error = cxm_priv_finite_error(cxm_priv_net_variance(counts), n, population);
        const double df = method == CXM_INTERVAL_WALD ? INFINITY : n - 1.0;
        *out = n >= population ? (struct cxm_limits){ value, value, 0 }
                               : cxm_priv_mean_limits(value, error, df, level);
        return CXM_OK;
    }
    const double effective = effective_n(n, population);
    const double scale = isinf(effective) ? 1.0 : effective / n;
    struct cxm_limits limits;
    const enum cxm_status status =
        cxm_priv_net_limits(scale * counts.detractors, scale * counts.passives,
                            scale * counts.promoters, level, method, allocator, &limits);
    if (status == CXM_OK)
        *out = isinf(effective) ? (struct cxm_limits){ value, value, 0 } : limits;
    return status;
}
