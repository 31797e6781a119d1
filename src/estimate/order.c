/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Order statistics behind quantiles: the nine sample quantiles of Hyndman & Fan (1996, American
 * Statistician 50:361), and limits from the binomial distribution of the number of values below the
 * quantile (Conover 1999, 3.2). n up to 2^53. */
#include "estimate/order.h"

#include "estimate/beta.h"
#include "estimate/estimate.h"

#include <float.h>
#include <math.h>

/* P(X <= k) for X binomial (n, p), 0 < p < 1. */
static double binomial_below(int64_t k, int64_t n, double p)
{
    if (k < 0)
        return 0;
    if (k >= n)
        return 1;
    return cxm_priv_beta_lower((double)(n - k), (double)k + 1, 1 - p, p);
}

/* The smallest k with P(X <= k) >= q (but for rounding: 1 - 1/4 of one value is q at a level of 0.5),
 * and that probability of k - 1 and of k. */
struct binomial_step {
    int64_t k;
    double before, at;
};

/* Begins near the normal quantile with Cornish and Fisher's correction, which is seldom off by
 * more than one, in steps that double. */
static struct binomial_step binomial_quantile(double q, int64_t n, double p)
{
    int64_t low = -1, high = n; /* P(X <= low) < q <= P(X <= high) */
    double below = 0, above = 1;
    const double z = q < 0.5 ? -cxm_priv_z(1 - 2 * q) : cxm_priv_z(2 * q - 1);
    const double guess = (double)n * p + z * sqrt((double)n * p * (1 - p))
                       + (z * z - 1) * (1 - 2 * p) / 6 - 0.5;
    int64_t at = guess > 0 ? guess < (double)n - 1 ? (int64_t)guess : n - 1 : 0, step = 1;
    while (high - low > 1) {
        const double here = binomial_below(at, n, p);
        if (here >= q * (1 - 1e-13)) {
            high = at;
            above = here;
            at = high - low > step ? high - step : low + (high - low) / 2;
        } else {
            low = at;
            below = here;
            at = high - low > step ? low + step : low + (high - low) / 2;
        }
        step = step < n / 4 ? 2 * step : n;
    }
    return (struct binomial_step){ high, below, above };
}

/* p stands for a decimal: how far n p may be off its whole number by rounding. Of n beyond 2^48 a
 * sixteenth only, so that no rank of its own is passed over. */
static double fuzz_of(double h)
{
    return fmin(4 * DBL_EPSILON * fmax(1, fabs(h)), 0.0625);
}

/* j and g of type 1 … 3: steps of the empirical distribution. */
static void step(int64_t n, double p, int type, double *j, double *g)
{
    const double h = type == 3 ? (double)n * p - 0.5 : (double)n * p;
    const double fuzz = fuzz_of(h);
    const double whole = floor(h + fuzz);
    const bool on_step = fabs(h - whole) <= fuzz;
    *j = whole;
    if (type == 1)
        *g = on_step ? 0 : 1;
    else if (type == 2)
        *g = on_step ? 0.5 : 1;
    else
        *g = on_step && fmod(whole, 2) == 0 ? 0 : 1;
}

/* The same of type 4 … 9: h = n p + m with linear interpolation. */
static void slope(int64_t n, double p, int type, double *j, double *g)
{
    static const double ends[][2] = { { 0, 1 },     { 0.5, 0.5 },           { 0, 0 },
                                      { 1, 1 },     { 1.0 / 3, 1.0 / 3 },   { 0.375, 0.375 } };
    const double a = ends[type - 4][0], b = ends[type - 4][1];
    const double steps = (double)n + (1 - a - b);
    const double h = a + p * steps;
    const double fuzz = fuzz_of(h);
    *j = floor(h + fuzz);
    *g = fma(p, steps, a - *j); /* h - j, rounded once */
    if (fabs(*g) < fuzz)
        *g = 0;
    const double off = floor(*g); /* not 0 where h itself was rounded to another whole number */
    *j += off;
    *g -= off;
}

int64_t cxm_priv_lower_rank(int64_t n, double p)
{
    double j, g;
    slope(n, p, 7, &j, &g);
    return (int64_t)fmin(j, (double)n) - 1;
}

struct cxm_quantile_ranks cxm_priv_quantile_ranks(int64_t n, double p, int type, double level)
{
    struct cxm_quantile_ranks r = { .coverage = NAN };
    double j, g;
    if (type <= 3)
        step(n, p, type, &j, &g);
    else
        slope(n, p, type, &j, &g);
    /* x(j) and x(j + 1), from 1 */
    const double top = (double)n - 1;
    r.low = (int64_t)fmin(fmax(j - 1, 0), top);
    r.high = (int64_t)fmin(fmax(j, 0), top);
    r.part = g;
    if (p <= 0 || p >= 1) { /* that many are below it: none, all; beyond the sample nothing is known */
        r.lower = p <= 0 ? -1 : n - 1;
        r.upper = p <= 0 ? 0 : n;
        r.coverage = 1;
        return r;
    }
    const double alpha = 1 - level;
    const struct binomial_step l = binomial_quantile(alpha / 2, n, p);
    const struct binomial_step u = binomial_quantile(1 - alpha / 2, n, p);
    r.lower = l.k - 1;
    r.upper = u.k;
    r.coverage = u.at - l.before;
    return r;
}

double cxm_priv_between(double low, double high, double part)
{
    if (part == 0 || low == high)
        return low;
    if (part == 1)
        return high;
    const double gap = high - low;
    return isfinite(gap) ? low + part * gap : (1 - part) * low + part * high;
}
