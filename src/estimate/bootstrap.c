/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The ideal bootstrap of a net score: the distribution of the sum of n answers drawn with the
 * observed shares, itself and not a simulation of it. No random numbers, one result.
 *
 * The probabilities are the coefficients of (d/x + p + r x)^n, which obey (Euler, from the
 * logarithmic derivative)
 *     d (n + s) c[s] = (1 - s) p c[s-1] + (n + 2 - s) r c[s-2],
 * and the mirrored relation. Read upwards for s <= 0 and downwards for s >= 0 all terms are
 * positive, so errors do not grow. The first two values on either side are sums of multinomial
 * terms in Loader's form (2000). Only a window around the mean is computed, wide enough for the
 * levels that are asked: O(sqrt(n)) time and memory, 6 MB at a billion.
 *
 * Efron 1987, JASA 82:171 for BCa; the bias correction splits the atom at the observed value
 * (mid-p), which an estimate on a lattice needs. */
#include "estimate/net.h"

#include "estimate/beta.h"
#include "estimate/quantile.h"

#include <math.h>

/* Above this many answers the lattice is finer than 1e-9 points and a Cornish-Fisher expansion
 * is better than 1e-9 points too; that result is flagged ASYMPTOTIC. */
#define MOST_ANSWERS 2147483648.0
/* Cumulated probabilities this close count as equal, so that ties do not hang on rounding. */
#define TIE 1e-12

/* d, n - d - r and r answers of each kind: Poisson probabilities given their total, with the
 * observed counts as means. */
static double multinomial(struct cxm_net a, double d, double r)
{
    const double n = cxm_priv_net_n(a);
    return exp(cxm_priv_log_poisson(d, a.detractors) + cxm_priv_log_poisson(n - d - r, a.passives)
               + cxm_priv_log_poisson(r, a.promoters) - cxm_priv_log_poisson(n, n));
}

/* The likeliest number of detractors among n answers that sum to s. */
static double likeliest_detractors(struct cxm_net a, double s)
{
    /* The lesser of the two counts, e: (gap - 2 e)^2 k = e (e + |s|), k as below. */
    const double k = a.detractors / a.passives * (a.promoters / a.passives);
    const double gap = cxm_priv_net_n(a) - fabs(s);
    const double half = 2.0 * k * gap + 0.5 * fabs(s);
    const double root = sqrt(fmax(0.0, half * half - (4.0 * k - 1.0) * k * gap * gap));
    const double lesser = fmin(floor(k * gap * gap / (half + root)), floor(0.5 * gap));
    return s < 0.0 ? lesser - s : lesser;
}

/* The probability that the n answers sum to s. */
static double sum_probability(struct cxm_net a, double s)
{
    const double n = cxm_priv_net_n(a);
    const double least = s < 0.0 ? -s : 0.0;
    const double most = floor(0.5 * (n - s));
    if (a.passives == 0.0) /* every second sum */
        return 2.0 * most == n - s ? multinomial(a, most, most + s) : 0.0;
    if (a.detractors == 0.0)
        return s < 0.0 ? 0.0 : multinomial(a, 0.0, s);
    if (a.promoters == 0.0)
        return s > 0.0 ? 0.0 : multinomial(a, -s, 0.0);
    const double k = a.detractors / a.passives * (a.promoters / a.passives);
    const double start = likeliest_detractors(a, s);
    const double first = multinomial(a, start, start + s);
    double sum = first;
    double term = first;
    for (double d = start; d < most && term > sum * 1e-20; d += 1.0) {
        term *= k * (n - 2.0 * d - s) / (d + 1.0) * ((n - 2.0 * d - s - 1.0) / (d + s + 1.0));
        sum += term;
    }
    term = first;
    for (double d = start; d > least && term > sum * 1e-20; d -= 1.0) {
        term *= d / (n - 2.0 * d - s + 1.0) * ((d + s) / (n - 2.0 * d - s + 2.0)) / k;
        sum += term;
    }
    return sum;
}

/* Fills c[0 … count-1] with the probabilities of the sums first, first + 1, … for a window that
 * ends at or before 0; d > 0 unless the window is only { 0 }. */
static void fill_upwards(struct cxm_net a, double first, int64_t count, double *c, int64_t stride)
{
    const double n = cxm_priv_net_n(a);
    for (int64_t i = 0; i < count; i++) {
        const double s = first + (double)i;
        if (i < 2)
            c[i * stride] = sum_probability(a, s);
        else
            c[i * stride] = ((1.0 - s) / (n + s) * a.passives * c[(i - 1) * stride]
                             + (n + 2.0 - s) / (n + s) * a.promoters * c[(i - 2) * stride])
                          / a.detractors;
    }
}

static void fill(struct cxm_net a, struct cxm_net_sums *sums)
{
    const int64_t last = sums->first + sums->count - 1;
    const int64_t upwards = sums->first > 0 ? 0 : (last < 0 ? last : 0) - sums->first + 1;
    fill_upwards(a, (double)sums->first, upwards, sums->probability, 1);
    const struct cxm_net mirror = { a.promoters, a.passives, a.detractors };
    const int64_t downwards = sums->count - upwards;
    if (downwards > 0)
        fill_upwards(mirror, (double)-last, downwards, sums->probability + sums->count - 1, -1);
    double total = 0.0;
    for (int64_t i = 0; i < sums->count; i++)
        total += sums->probability[i];
    for (int64_t i = 0; i < sums->count; i++)
        sums->probability[i] /= total;
}

enum cxm_status cxm_priv_net_sums(struct cxm_net a, bool far,
                                  const struct cxm_allocator *allocator,
                                  struct cxm_net_sums *out)
{
    const double n = cxm_priv_net_n(a);
    const double mean = a.promoters - a.detractors;
    /* Normal tails set the first term, those of a Poisson with a small mean the second. */
    const double sd = sqrt(n * cxm_priv_net_variance(a));
    const double reach = far ? 40.0 * sd + 400.0 : 12.0 * sd + 60.0;
    const double first = fmax(floor(mean - reach), a.detractors > 0.0 ? -n : 0.0);
    const double last = fmin(ceil(mean + reach), a.promoters > 0.0 ? n : 0.0);
    struct cxm_net_sums sums = { .first = (int64_t)first,
                                 .count = (int64_t)(last - first) + 1 };
    sums.probability = cxm_priv_alloc(allocator, (size_t)sums.count, sizeof(double));
    if (sums.probability == NULL)
        return CXM_ENOMEM;
    fill(a, &sums);
    *out = sums;
    return CXM_OK;
}

/* The smallest sum whose cumulated probability reaches Phi(w). Above the middle it is read off
 * the upper tail: 1 - p would lose small ones. */
static double sum_quantile(struct cxm_net a, const struct cxm_net_sums *sums, double w)
{
    const double n = cxm_priv_net_n(a);
    if (isinf(w))
        return w > 0.0 ? (a.promoters > 0.0 ? n : 0.0) : (a.detractors > 0.0 ? -n : 0.0);
    const double tail = cxm_priv_normal_upper(fabs(w));
    double sum = 0.0;
    if (w <= 0.0) {
        for (int64_t i = 0; i < sums->count; i++) {
            sum += sums->probability[i];
            if (sum >= tail * (1.0 - TIE))
                return (double)(sums->first + i);
        }
        return (double)(sums->first + sums->count - 1);
    }
    for (int64_t i = sums->count - 1; i >= 0; i--) {
        sum += sums->probability[i];
        if (sum > tail * (1.0 + TIE))
            return (double)(sums->first + i);
    }
    return (double)sums->first;
}

static double third_central_moment(struct cxm_net a)
{
    const double n = cxm_priv_net_n(a);
    const double mean = cxm_priv_net_value(a);
    const double up = 2.0 * a.detractors / n + a.passives / n;    /* 1 - mean */
    const double down = 2.0 * a.promoters / n + a.passives / n;   /* 1 + mean */
    return a.promoters / n * up * up * up - a.passives / n * mean * mean * mean
         - a.detractors / n * down * down * down;
}

/* z0 of BCa: the normal quantile of the probability below the observed sum, its atom halved. */
static double bias_correction(struct cxm_net a, const struct cxm_net_sums *sums)
{
    const int64_t observed = (int64_t)(a.promoters - a.detractors) - sums->first;
    double below = 0.0;
    for (int64_t i = 0; i < observed; i++)
        below += sums->probability[i];
    return cxm_priv_normal_quantile(below + 0.5 * sums->probability[observed]);
}

static double acceleration(struct cxm_net a)
{
    const double v = cxm_priv_net_variance(a);
    return third_central_moment(a) / (6.0 * sqrt(cxm_priv_net_n(a)) * v * sqrt(v));
}

/* The normal quantile that BCa reads instead of z: infinite at and beyond the pole. */
static double corrected(double z0, double accel, double z)
{
    const double shifted = z0 + z;
    const double scale = 1.0 - accel * shifted;
    if (!(scale > 0.0))
        return copysign((double)INFINITY, shifted);
    return z0 + shifted / scale;
}

/* Cornish & Fisher 1937, up to the fourth cumulant. */
static double asymptotic_quantile(struct cxm_net a, double z)
{
    const double n = cxm_priv_net_n(a);
    const double v = cxm_priv_net_variance(a);
    const double mean = cxm_priv_net_value(a);
    const double skew = third_central_moment(a) / (v * sqrt(v) * sqrt(n));
    const double square = mean * mean;
    const double fourth = (a.promoters + a.detractors) / n * (1.0 + 6.0 * square)
                        - 4.0 * square - 3.0 * square * square;
    const double excess = (fourth / (v * v) - 3.0) / n;
    const double w = z + skew / 6.0 * (z * z - 1.0) + excess / 24.0 * (z * z * z - 3.0 * z)
                   - skew * skew / 36.0 * (2.0 * z * z * z - 5.0 * z);
    return mean + w * sqrt(v / n);
}

static struct cxm_limits asymptotic_limits(struct cxm_net a, double z, bool bca)
{
    /* In the continuous limit z0, too, is a sixth of the skewness of the mean. */
    const double accel = bca ? acceleration(a) : 0.0;
    return (struct cxm_limits){ asymptotic_quantile(a, corrected(accel, accel, -z)),
                                asymptotic_quantile(a, corrected(accel, accel, z)),
                                CXM_FLAG_ASYMPTOTIC };
}

static enum cxm_status exact_limits(struct cxm_net a, double z, bool bca,
                                    const struct cxm_allocator *allocator,
                                    struct cxm_limits *out)
{
    struct cxm_net_sums sums;
    enum cxm_status status = cxm_priv_net_sums(a, false, allocator, &sums);
    if (status != CXM_OK)
        return status;
    double low = -z;
    double high = z;
    if (bca) {
        const double z0 = bias_correction(a, &sums);
        const double accel = acceleration(a);
        low = corrected(z0, accel, -z);
        high = corrected(z0, accel, z);
    }
    if (low < -9.5 || high > 9.5) { /* tails below 1e-21: beyond the usual window */
        cxm_priv_release(allocator, sums.probability);
        status = cxm_priv_net_sums(a, true, allocator, &sums);
        if (status != CXM_OK)
            return status;
    }
    const double n = cxm_priv_net_n(a);
    *out = (struct cxm_limits){ sum_quantile(a, &sums, low) / n, sum_quantile(a, &sums, high) / n,
                                0 };
    cxm_priv_release(allocator, sums.probability);
    return CXM_OK;
}

enum cxm_status cxm_priv_net_bootstrap(struct cxm_net given, double level, bool bca,
                                       const struct cxm_allocator *allocator,
                                       struct cxm_limits *out)
{
    const struct cxm_net a = { round(given.detractors), round(given.passives),
                               round(given.promoters) };
    const double n = cxm_priv_net_n(a);
    if (!(n > 0.0)) {
        *out = (struct cxm_limits){ NAN, NAN, 0 };
        return CXM_OK;
    }
    if (!(cxm_priv_net_variance(a) > 0.0)) {
        const double value = cxm_priv_net_value(a);
        *out = (struct cxm_limits){ value, value, CXM_FLAG_DEGENERATE };
        return CXM_OK;
    }
    if (n > MOST_ANSWERS) {
        *out = asymptotic_limits(a, cxm_priv_z(level), bca);
        return CXM_OK;
    }
    return exact_limits(a, cxm_priv_z(level), bca, allocator, out);
}
