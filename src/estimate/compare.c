/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Differences of two independent groups: net scores, shares, means. a - b throughout.
 *
 * Newcombe 1998, Statistics in Medicine 17:873; Agresti & Caffo 2000, The American Statistician
 * 54:280; Welch 1947, Biometrika 34:28; Rocks 2016, The American Statistician 70:365. */
#include "estimate/compare.h"

#include "base/dd.h"
#include "estimate/exact.h"
#include "estimate/quantile.h"
#include "estimate/share.h"

#include <math.h>

static const struct cxm_comparison undefined = {
    .difference = NAN, .centre = NAN, .std_error = NAN, .statistic = NAN, .df = NAN,
    .p_value = NAN, .p_greater = NAN, .p_less = NAN, .lower = NAN, .upper = NAN,
    .flags = CXM_FLAG_NO_DATA };

struct cxm_comparison cxm_priv_compare_wald(double difference, double std_error, double df,
                                            double level)
{
    const struct cxm_limits limits = cxm_priv_mean_limits(difference, std_error, df, level);
    struct cxm_comparison out = {
        .difference = difference, .centre = difference, .std_error = std_error,
        .statistic = difference / std_error, .df = df, .lower = limits.lower,
        .upper = limits.upper, .flags = limits.flags };
    out.p_value = cxm_priv_t_p_value(out.statistic, df);
    out.p_greater = cxm_priv_t_upper(out.statistic, df);
    out.p_less = cxm_priv_t_upper(-out.statistic, df);
    if (std_error == 0.0 && difference == 0.0)
        out.p_value = out.p_greater = out.p_less = 1.0;
    return out;
}

/* ---- net scores ----------------------------------------------------------------------- */

/* x / n - y / m: of 10^12 answers a gap of 10^-9 would keep seven digits of the difference of both.
 * One order is computed, so that both agree to the last bit. */
static double gap_of(double x, double n, double y, double m)
{
    if (m < n || (m == n && y < x))
        return -gap_of(y, m, x, n);
    return cxm_priv_difference_of_products(x, m, y, n) / n / m;
}

/* Near an end of the scale scores are taken from there, where they are small numbers. */
static double end_near(struct cxm_net a, struct cxm_net b)
{
    const double sum = cxm_priv_net_value(a) + cxm_priv_net_value(b);
    return sum > 1.0 ? 1.0 : sum < -1.0 ? -1.0 : 0.0;
}

/* … times the number of answers. */
static double above(double end, struct cxm_net a)
{
    return end > 0.0 ? -(a.passives + 2.0 * a.detractors)
         : end < 0.0 ? a.passives + 2.0 * a.promoters : a.promoters - a.detractors;
}

static double nets_gap(struct cxm_net a, struct cxm_net b)
{
    const double end = end_near(a, b);
    return gap_of(above(end, a), cxm_priv_net_n(a), above(end, b), cxm_priv_net_n(b));
}

static struct cxm_comparison nets_wald(struct cxm_net a, struct cxm_net b, double level)
{
    const double variance = cxm_priv_net_variance(a) / cxm_priv_net_n(a)
                          + cxm_priv_net_variance(b) / cxm_priv_net_n(b);
    return cxm_priv_compare_wald(nets_gap(a, b), sqrt(variance), (double)INFINITY, level);
}

/* `total` pseudo-answers in each group; the plain difference stays the estimate. */
static struct cxm_comparison nets_adjusted(struct cxm_net a, struct cxm_net b, double level,
                                           double total)
{
    struct cxm_comparison out =
        nets_wald(cxm_priv_net_adjusted(a, total), cxm_priv_net_adjusted(b, total), level);
    out.difference = nets_gap(a, b);
    return out;
}

/* The variance of the answers of both groups together, with divisor N - ddof. */
static struct cxm_comparison nets_pooled(struct cxm_net a, struct cxm_net b, double level,
                                         double ddof)
{
    const struct cxm_net all = { a.detractors + b.detractors, a.passives + b.passives,
                                 a.promoters + b.promoters };
    const double n = cxm_priv_net_n(all);
    const double variance = cxm_priv_net_variance(all) * (n / (n - ddof))
                          * (1.0 / cxm_priv_net_n(a) + 1.0 / cxm_priv_net_n(b));
    struct cxm_comparison out = cxm_priv_compare_wald(nets_gap(a, b), sqrt(variance),
                                                      (double)INFINITY, level);
    out.lower = out.upper = NAN; /* the variance holds under equality only */
    return out;
}

static struct cxm_mean_sample codes_of(struct cxm_net a, double mean)
{
    const double n = cxm_priv_net_n(a);
    const double variance = n > 1.0 ? cxm_priv_net_variance(a) * (n / (n - 1.0)) : (double)NAN;
    return (struct cxm_mean_sample){ n, mean, variance };
}

enum cxm_status cxm_priv_compare_nets(struct cxm_net a, struct cxm_net b, double level,
                                      enum cxm_compare_net method,
                                      const struct cxm_allocator *allocator,
                                      struct cxm_comparison *out)
{
    if (!(cxm_priv_net_n(a) > 0.0 && cxm_priv_net_n(b) > 0.0)) {
        *out = undefined;
        return CXM_OK;
    }
    switch (method) {
    case CXM_COMPARE_NET_ADJUSTED: *out = nets_adjusted(a, b, level, 3.0); break;
    case CXM_COMPARE_NET_ADJUSTED_HALF: *out = nets_adjusted(a, b, level, 1.5); break;
    case CXM_COMPARE_NET_WALD: *out = nets_wald(a, b, level); break;
    case CXM_COMPARE_NET_POOLED: *out = nets_pooled(a, b, level, 0.0); break;
    case CXM_COMPARE_NET_WELCH: /* codes from the mean of b on */
        *out = cxm_priv_compare_means(codes_of(a, nets_gap(a, b)), codes_of(b, 0.0), level, false);
        break;
    case CXM_COMPARE_NET_PERMUTATION: *out = nets_pooled(a, b, level, 1.0); break;
    case CXM_COMPARE_NET_EXACT: {
        struct cxm_comparison exact = nets_pooled(a, b, level, 1.0);
        const enum cxm_status status = cxm_priv_permute_nets(a, b, allocator, &exact);
        if (status != CXM_OK)
            return status;
        *out = exact;
        break;
    }
    default: return CXM_EUNSUPPORTED;
    }
    return CXM_OK;
}

/* ---- shares --------------------------------------------------------------------------- */

static double unpooled_error(struct cxm_share_count a, struct cxm_share_count b)
{
    return sqrt(cxm_priv_share_variance(a.x, a.n) + cxm_priv_share_variance(b.x, b.n));
}

/* Each limit is the plain difference and the distances of Wilson's limits, squared and added. */
static struct cxm_limits newcombe(struct cxm_share_count a, struct cxm_share_count b, double z)
{
    const double pa = a.x / a.n, pb = b.x / b.n, gap = gap_of(a.x, a.n, b.x, b.n);
    const struct cxm_limits wa = cxm_priv_wilson(a.x, a.n, z);
    const struct cxm_limits wb = cxm_priv_wilson(b.x, b.n, z);
    return (struct cxm_limits){ gap - hypot(pa - wa.lower, wb.upper - pb),
                                gap + hypot(wa.upper - pa, pb - wb.lower), 0 };
}

static struct cxm_limits difference_wald(struct cxm_share_count a, struct cxm_share_count b,
                                         double z)
{
    const double gap = gap_of(a.x, a.n, b.x, b.n);
    const double half = z * unpooled_error(a, b);
    return (struct cxm_limits){ gap - half, gap + half, half > 0.0 ? 0 : CXM_FLAG_DEGENERATE };
}

static struct cxm_limits agresti_caffo(struct cxm_share_count a, struct cxm_share_count b,
                                       double z)
{
    return difference_wald((struct cxm_share_count){ a.x + 1.0, a.n + 2.0 },
                           (struct cxm_share_count){ b.x + 1.0, b.n + 2.0 }, z);
}

struct cxm_comparison cxm_priv_compare_shares(struct cxm_share_count a, struct cxm_share_count b,
                                              double level, enum cxm_compare_shares method)
{
    if (!(a.n > 0.0 && b.n > 0.0))
        return undefined;
    if (a.x + b.x > 0.5 * (a.n + b.n)) /* failures, which are fewer, keep the digits of the gap */
        return cxm_priv_compare_shares((struct cxm_share_count){ b.n - b.x, b.n },
                                       (struct cxm_share_count){ a.n - a.x, a.n }, level, method);
    const double pooled = (a.x + b.x) / (a.n + b.n);
    const double rest = (a.n - a.x + (b.n - b.x)) / (a.n + b.n);
    const double z = cxm_priv_z(level), unpooled = unpooled_error(a, b);
    const bool wald = method == CXM_COMPARE_SHARES_WALD;
    struct cxm_comparison out =
        cxm_priv_compare_wald(gap_of(a.x, a.n, b.x, b.n),
                              wald ? unpooled : sqrt(pooled * rest * (1.0 / a.n + 1.0 / b.n)),
                              (double)INFINITY, level);
    const struct cxm_limits limits =
        wald ? difference_wald(a, b, z)
        : method == CXM_COMPARE_SHARES_AGRESTI_CAFFO ? agresti_caffo(a, b, z)
        : method == CXM_COMPARE_SHARES_POOLED ? (struct cxm_limits){ NAN, NAN, 0 }
                                              : newcombe(a, b, z);
    if (method == CXM_COMPARE_SHARES_EXACT && a.n + b.n > CXM_FISHER_MOST) {
        out.flags |= CXM_FLAG_ASYMPTOTIC;
    } else if (method == CXM_COMPARE_SHARES_EXACT) {
        const struct cxm_fisher fisher = cxm_priv_fisher_tails(a, b);
        out.p_value = fisher.two_sided;
        out.p_greater = fisher.greater;
        out.p_less = fisher.less;
    }
    out.std_error = unpooled;
    out.centre = wald || isnan(limits.lower) ? out.difference
                                             : 0.5 * (limits.lower + limits.upper);
    out.lower = limits.lower;
    out.upper = limits.upper;
    out.flags |= limits.flags;
    return out;
}

/* value times and over exp(z std_error); both undefined where an empty cell leaves no error */
static void log_limits(double value, double std_error, double z, double *lower, double *upper)
{
    const double factor = isfinite(std_error) ? exp(z * std_error) : (double)NAN;
    *lower = value / factor;
    *upper = value * factor;
}

struct cxm_share_tests cxm_priv_share_tests(struct cxm_share_count a, struct cxm_share_count b,
                                            double level)
{
    const double fa = a.n - a.x, fb = b.n - b.x, n = a.n + b.n;
    const double z = cxm_priv_z(level);
    struct cxm_share_tests out = { .p_fisher = cxm_priv_fisher(a, b) };
    const struct cxm_comparison wald = cxm_priv_compare_wald(
        gap_of(a.x, a.n, b.x, b.n), unpooled_error(a, b), (double)INFINITY, level);
    out.z_unpooled = wald.statistic;
    out.p_unpooled = wald.p_value;
    const double gap = fmax(0.0, fabs(a.x * fb - b.x * fa) - 0.5 * n);
    out.chi2_yates = n * (gap / a.n) * (gap / b.n) / (a.x + b.x) / (fa + fb);
    out.p_yates = isnan(out.chi2_yates) ? 1.0 : cxm_priv_chi2_upper(out.chi2_yates, 1.0);
    out.odds_ratio = a.x / fa / (b.x / fb);
    log_limits(out.odds_ratio, sqrt(1.0 / a.x + 1.0 / fa + 1.0 / b.x + 1.0 / fb), z,
               &out.odds_lower, &out.odds_upper);
    out.risk_ratio = a.x / a.n / (b.x / b.n);
    log_limits(out.risk_ratio, sqrt(fa / a.n / a.x + fb / b.n / b.x), z, &out.risk_lower,
               &out.risk_upper);
    out.cohen_h = 2.0 * (atan2(sqrt(a.x), sqrt(fa)) - atan2(sqrt(b.x), sqrt(fb)));
    return out;
}

/* ---- means ---------------------------------------------------------------------------- */

/* Degrees of freedom of a sum of two variances; in shares of the sum, so that nothing overflows. A side
 * without variance takes nothing from the other's, even when it has none, as a census may. */
static double satterthwaite(double va, double df_a, double vb, double df_b)
{
    const double a = va / (va + vb), b = vb / (va + vb);
    return 1.0 / ((a == 0 ? 0 : a * a / df_a) + (b == 0 ? 0 : b * b / df_b));
}

/* One answer has no variance of its own, and adds nothing to that of both. */
static double pooled_variance(struct cxm_mean_sample a, struct cxm_mean_sample b)
{
    return ((a.n > 1.0 ? (a.n - 1.0) * a.variance : 0.0)
            + (b.n > 1.0 ? (b.n - 1.0) * b.variance : 0.0)) / (a.n + b.n - 2.0);
}

struct cxm_comparison cxm_priv_compare_means(struct cxm_mean_sample a, struct cxm_mean_sample b,
                                             double level, bool pooled)
{
    if (!(a.n > 0.0 && b.n > 0.0))
        return undefined;
    double va = a.variance / a.n, vb = b.variance / b.n;
    double df = a.n + b.n - 2.0;
    if (pooled) {
        const double common = pooled_variance(a, b);
        va = common / a.n;
        vb = common / b.n;
    } else if (!(va + vb == 0.0)) { /* NaN stays */
        df = satterthwaite(va, a.n - 1.0, vb, b.n - 1.0);
    }
    return cxm_priv_compare_wald(a.mean - b.mean, sqrt(va + vb), df, level);
}

struct cxm_comparison cxm_priv_compare_measured(struct cxm_measured a, struct cxm_measured b,
                                                double level)
{
    const double va = a.std_error * a.std_error, vb = b.std_error * b.std_error;
    const double df = va + vb == 0.0 ? a.df + b.df : satterthwaite(va, a.df, vb, b.df);
    return cxm_priv_compare_wald(a.value - b.value, sqrt(va + vb), df, level);
}

double cxm_priv_cohen_d(struct cxm_mean_sample a, struct cxm_mean_sample b)
{
    return (a.mean - b.mean) / sqrt(pooled_variance(a, b));
}

double cxm_priv_hedges_g(struct cxm_mean_sample a, struct cxm_mean_sample b)
{
    return cxm_priv_cohen_d(a, b) * (1.0 - 3.0 / (4.0 * (a.n + b.n - 2.0) - 1.0));
}
