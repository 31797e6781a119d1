/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Trends over a few ordered groups: shares (Cochran-Armitage), estimates with standard errors
 * (weighted least squares), and any values in order (Mann-Kendall). Sums are taken about the
 * weighted mean, so large scores such as years lose nothing, and what is left about the line is
 * summed as such. Groups that all stand at one score have no slope. */
#include "estimate/association.h"

#include "base/dd.h"
#include "estimate/quantile.h"

#include <math.h>

static double score_at(const double *scores, size_t i)
{
    return scores != NULL ? scores[i] : (double)i + 1.0;
}

/* From the first score on, so that equal ones are exactly 0. */
static double step_at(const double *scores, size_t i)
{
    return score_at(scores, i) - score_at(scores, 0);
}

static double weighted_mean(const double *scores, const double *weight, size_t count)
{
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += weight[i] * step_at(scores, i);
        total += weight[i];
    }
    return sum / total;
}

/* x - n successes / total */
static double gap_of(double x, double n, double successes, double total)
{
    return cxm_priv_difference_of_products(x, total, n, successes) / total;
}

struct cxm_share_trend cxm_priv_share_trend(const double *x, const double *n,
                                            const double *scores, size_t count)
{
    const double centre = weighted_mean(scores, n, count);
    double successes = 0.0, total = 0.0, groups = 0.0;
    for (size_t i = 0; i < count; i++) {
        successes += x[i];
        total += n[i];
        groups += n[i] > 0.0;
    }
    const double p = successes / total;
    const double variance = p * ((total - successes) / total);
    double cross = 0.0, spread = 0.0, homogeneity = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double at = step_at(scores, i) - centre;
        const double gap = gap_of(x[i], n[i], successes, total);
        cross += at * gap;
        spread += n[i] * at * at;
        homogeneity += n[i] > 0.0 ? gap / n[i] * gap / variance : 0.0;
    }
    struct cxm_share_trend out = { .z = cross / sqrt(variance * spread), .slope = cross / spread };
    out.chi2 = out.z * out.z;
    out.slope_error = spread > 0.0 ? sqrt(variance / spread) : (double)NAN;
    for (size_t i = 0; i < count; i++) {
        const double line = out.slope * (step_at(scores, i) - centre);
        const double off = n[i] > 0.0 ? gap_of(x[i], n[i], successes, total) / n[i] - line : 0.0;
        out.departure += n[i] * off * off / variance;
    }
    out.pooled = p;
    out.pooled_error = sqrt(variance / total);
    out.p = cxm_priv_normal_p_value(out.z);
    out.homogeneity = homogeneity;
    out.homogeneity_df = groups - 1.0;
    out.homogeneity_p = cxm_priv_chi2_upper(homogeneity, out.homogeneity_df);
    out.departure_df = groups - 2.0;
    out.departure_p = cxm_priv_chi2_upper(out.departure, out.departure_df);
    return out;
}

struct cxm_estimate_trend cxm_priv_estimate_trend(const double *value, const double *std_error,
                                                  const double *time, size_t count)
{
    double total = 0.0, sum = 0.0, times = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double weight = 1.0 / (std_error[i] * std_error[i]);
        total += weight;
        sum += weight * value[i];
        times += weight * step_at(time, i);
    }
    struct cxm_estimate_trend out = { .pooled = sum / total, .pooled_error = 1.0 / sqrt(total) };
    const double centre = times / total;
    double cross = 0.0, spread = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double weight = 1.0 / (std_error[i] * std_error[i]);
        const double at = step_at(time, i) - centre, gap = value[i] - out.pooled;
        cross += weight * at * gap;
        spread += weight * at * at;
        out.heterogeneity += weight * gap * gap;
    }
    out.slope = cross / spread;
    out.slope_error = spread > 0.0 ? 1.0 / sqrt(spread) : (double)NAN;
    for (size_t i = 0; i < count; i++) {
        const double line = out.pooled + out.slope * (step_at(time, i) - centre);
        const double off = (value[i] - line) / std_error[i];
        out.residual += off * off;
    }
    out.z = out.slope / out.slope_error;
    out.p = cxm_priv_normal_p_value(out.z);
    out.heterogeneity_df = (double)count - 1.0;
    out.heterogeneity_p = cxm_priv_chi2_upper(out.heterogeneity, out.heterogeneity_df);
    out.residual_df = (double)count - 2.0;
    out.residual_p = cxm_priv_chi2_upper(out.residual, out.residual_df);
    return out;
}

/* ---- Mann-Kendall --------------------------------------------------------------------- */

enum { EXACT_MOST = 50 };

/* P(|S| >= s) over all orders of `count` values: inversions of a permutation, inserting one
 * value after the other. */
static double kendall_tail(size_t count, double s)
{
    enum { MOST = EXACT_MOST * (EXACT_MOST - 1) / 2 };
    double now[MOST + 1] = { 1.0 }, next[MOST + 1];
    size_t most = 0;
    for (size_t m = 2; m <= count; m++) {
        double window = 0.0;
        const size_t reach = most + m - 1;
        for (size_t k = 0; k <= reach; k++) {
            window += k <= most ? now[k] : 0.0;
            window -= k >= m ? now[k - m] : 0.0;
            next[k] = window / (double)m;
        }
        for (size_t k = 0; k <= reach; k++)
            now[k] = next[k];
        most = reach;
        for (size_t k = most + 1; k <= MOST; k++)
            now[k] = 0.0;
    }
    if (s == 0.0)
        return 1.0;
    double tail = 0.0; /* the small end: there the running sums lost nothing */
    for (size_t k = 0; (double)most - 2.0 * (double)k >= s; k++)
        tail += now[k];
    return fmin(1.0, 2.0 * tail);
}

/* Sums over runs of equal values, t in each: of t (t - 1) (2 t + 5), t (t - 1), t (t - 1) (t - 2);
 * counted at each run's first member. */
struct ties {
    double fives, pairs, triples;
};

static struct ties ties_of(const double *value, size_t count)
{
    struct ties sum = { 0.0, 0.0, 0.0 };
    for (size_t i = 0; i < count && value != NULL; i++) {
        double t = 1.0;
        bool first = true;
        for (size_t j = 0; j < count; j++) {
            first = first && !(j < i && value[j] == value[i]);
            t += j > i && value[j] == value[i];
        }
        sum.fives += first ? t * (t - 1.0) * (2.0 * t + 5.0) : 0.0;
        sum.pairs += first ? t * (t - 1.0) : 0.0;
        sum.triples += first ? t * (t - 1.0) * (t - 2.0) : 0.0;
    }
    return sum;
}

static double rising(const double *value, size_t i, size_t j)
{
    return (value[j] > value[i]) - (value[j] < value[i]);
}

struct cxm_kendall cxm_priv_mann_kendall(const double *value, const double *at, size_t count)
{
    const double n = (double)count;
    double s = 0.0;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++)
            s += rising(value, i, j) * (at != NULL ? rising(at, i, j) : 1.0);
    const struct ties x = ties_of(value, count), y = ties_of(at, count);
    if (x.pairs + y.pairs == 0.0 && count >= 2 && count <= EXACT_MOST)
        return (struct cxm_kendall){ s, kendall_tail(count, fabs(s)), true };
    double variance = (n * (n - 1.0) * (2.0 * n + 5.0) - x.fives - y.fives) / 18.0;
    if (y.pairs > 0.0)
        variance += x.pairs * y.pairs / (2.0 * n * (n - 1.0));
    if (x.triples * y.triples > 0.0)
        variance += x.triples * y.triples / (9.0 * n * (n - 1.0) * (n - 2.0));
    if (!(variance > 0.0)) /* fewer than two values, or all equal */
        return (struct cxm_kendall){ s, count < 2 ? (double)NAN : 1.0, false };
    const double z = fmax(0.0, fabs(s) - 1.0) / sqrt(variance);
    return (struct cxm_kendall){ s, cxm_priv_normal_p_value(z), false };
}
