/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intervals of a net score, promoters minus detractors over all, on -1 … 1. From one answer to
 * 1e9, whole or fractional (effective counts of weighted data).
 *
 * The variance uses n^2 v = 4 r d + p (r + d), the expansion of n (r + d) - (r - d)^2 with all
 * terms positive: nothing cancels when nearly everyone agrees. Every method turns over with the
 * scale, so an upper limit is minus the lower limit of the mirrored counts.
 *
 * Adjusted Wald: Rocks 2016, The American Statistician 70:365. Score: Tango 1998, Statistics in
 * Medicine 17:891. Simultaneous limits: Goodman 1965, Technometrics 7:247; Quesenberry & Hurst
 * 1964, Technometrics 6:191. */
#include "estimate/net.h"

#include "estimate/quantile.h"
#include "estimate/root.h"
#include "estimate/share.h"

#include <math.h>

static inline double net_value(struct cxm_net a)
{
    return (a.promoters - a.detractors) / cxm_priv_net_n(a);
}

static inline double net_variance(struct cxm_net a)
{
    const double n = cxm_priv_net_n(a);
    return 4.0 * (a.promoters / n) * (a.detractors / n)
         + a.passives / n * ((a.promoters + a.detractors) / n);
}

double cxm_priv_net_value(struct cxm_net a)
{
    return net_value(a);
}

double cxm_priv_net_variance(struct cxm_net a)
{
    return net_variance(a);
}

struct cxm_net cxm_priv_net_adjusted(struct cxm_net a, double total)
{
    return (struct cxm_net){ a.detractors + 0.25 * total, a.passives + 0.5 * total,
                             a.promoters + 0.25 * total };
}

static struct cxm_net adjusted_uniformly(struct cxm_net a, double total)
{
    const double each = total / 3.0;
    return (struct cxm_net){ a.detractors + each, a.passives + each, a.promoters + each };
}

static inline struct cxm_limits around(struct cxm_net a, double critical, double n_variance)
{
    const double half = critical * sqrt(net_variance(a) / n_variance);
    const double value = net_value(a);
    return (struct cxm_limits){ value - half, value + half,
                                half == 0.0 ? CXM_FLAG_DEGENERATE : 0 };
}

static inline struct cxm_limits wald(struct cxm_net a, double z)
{
    return around(a, z, cxm_priv_net_n(a));
}

/* One-sample t on the codes: the variance with divisor n - 1. */
static struct cxm_limits wald_t(struct cxm_net a, double level)
{
    const double df = cxm_priv_net_n(a) - 1.0;
    if (!(df > 0.0))
        return (struct cxm_limits){ NAN, NAN, 0 };
    return around(a, cxm_priv_t(level, df), df);
}

/* The share of detractors that is most likely when the net score is `net` >= 0. */
static double constrained_detractors(struct cxm_net a, double net)
{
    const double n = cxm_priv_net_n(a);
    const double linear = (2.0 * n - a.promoters + a.detractors) * net
                        - a.detractors - a.promoters;
    const double constant = a.detractors * net * (1.0 - net); /* minus C of the definition */
    const double root = sqrt(linear * linear + 8.0 * n * constant);
    return linear > 0.0 ? 2.0 * constant / (linear + root) : (root - linear) / (4.0 * n);
}

struct score_equation {
    struct cxm_net counts;
    double z;
};

/* Standard deviation of promoters - detractors when the net score is `net`. */
static double score_deviation(struct cxm_net a, double net)
{
    const struct cxm_net mirror = { a.promoters, a.passives, a.detractors };
    const double size = fabs(net);
    const double lesser = constrained_detractors(net >= 0.0 ? a : mirror, size);
    return sqrt(cxm_priv_net_n(a) * (2.0 * lesser + size * (1.0 - size)));
}

/* Falls in net; its root in [-1, value] is the lower limit. */
static double score_excess(const void *context, double net)
{
    const struct score_equation *e = context;
    const struct cxm_net a = e->counts;
    return a.promoters - a.detractors - cxm_priv_net_n(a) * net - e->z * score_deviation(a, net);
}

double cxm_priv_net_score_z(struct cxm_net a, double net)
{
    const double excess = a.promoters - a.detractors - cxm_priv_net_n(a) * net;
    return excess == 0.0 ? 0.0 : excess / score_deviation(a, net);
}

static double score_lower(struct cxm_net a, double z)
{
    const double n = cxm_priv_net_n(a);
    if (a.detractors >= n)
        return -1.0;
    if (a.promoters >= n) /* the equation has a second root at 1, where both sides vanish */
        return (n - z * z) / (n + z * z);
    if (a.passives >= n) /* 0 is such a second root, too; n D^2 = z^2 D (1 - D) leaves this one */
        return -z * z / (n + z * z);
    const struct score_equation equation = { a, z };
    return cxm_priv_root(score_excess, &equation, -1.0, cxm_priv_net_value(a));
}

static struct cxm_limits score(struct cxm_net a, double z)
{
    const struct cxm_net mirror = { a.promoters, a.passives, a.detractors };
    return (struct cxm_limits){ score_lower(a, z), -score_lower(mirror, z), 0 };
}

struct cxm_limits cxm_priv_category_limits(double x, double n, int n_categories, double level,
                                           bool quesenberry_hurst)
{
    const double miss = 1.0 - level;
    const double critical =
        quesenberry_hurst ? sqrt(cxm_priv_chi2_upper_quantile(miss, n_categories - 1))
                          : -cxm_priv_normal_quantile(0.5 * miss / n_categories);
    return cxm_priv_wilson(x, n, critical);
}

/* The box around the simultaneous limits of the two shares: conservative. */
static struct cxm_limits goodman(struct cxm_net a, double level)
{
    const double n = cxm_priv_net_n(a);
    const struct cxm_limits low = cxm_priv_category_limits(a.detractors, n, 3, level, false);
    const struct cxm_limits high = cxm_priv_category_limits(a.promoters, n, 3, level, false);
    return (struct cxm_limits){ high.lower - low.upper, high.upper - low.lower, 0 };
}

static struct cxm_limits adjusted_wald(struct cxm_net a, enum cxm_interval method, double z)
{
    switch (method) {
    case CXM_INTERVAL_ADJUSTED_WALD: return wald(cxm_priv_net_adjusted(a, 3.0), z);
    case CXM_INTERVAL_ADJUSTED_WALD_U: return wald(adjusted_uniformly(a, 3.0), z);
    case CXM_INTERVAL_ADJUSTED_WALD_TZ: return wald(cxm_priv_net_adjusted(a, z * z), z);
    default: return wald(adjusted_uniformly(a, z * z), z);
    }
}

void cxm_priv_net_wald_rows(size_t rows, const double *detractors, const double *passives,
                            const double *promoters, struct cxm_net more, double z, double *lower,
                            double *upper)
{
    for (size_t i = 0; i < rows; i++) {
        const struct cxm_net a = { detractors[i] + more.detractors, passives[i] + more.passives,
                                   promoters[i] + more.promoters };
        const struct cxm_limits limits = wald(a, z);
        lower[i] = limits.lower;
        upper[i] = limits.upper;
    }
}

enum cxm_status cxm_priv_net_limits(double detractors, double passives, double promoters,
                                    double level, enum cxm_interval method,
                                    const struct cxm_allocator *allocator,
                                    struct cxm_limits *out)
{
    const struct cxm_net a = { detractors, passives, promoters };
    const double z = cxm_priv_z(level);
    switch (method) {
    case CXM_INTERVAL_WALD: *out = wald(a, z); break;
    case CXM_INTERVAL_WALD_T: *out = wald_t(a, level); break;
    case CXM_INTERVAL_ADJUSTED_WALD:
    case CXM_INTERVAL_ADJUSTED_WALD_U:
    case CXM_INTERVAL_ADJUSTED_WALD_TZ:
    case CXM_INTERVAL_ADJUSTED_WALD_UZ: *out = adjusted_wald(a, method, z); break;
    case CXM_INTERVAL_SCORE: *out = score(a, z); break;
    case CXM_INTERVAL_CONTRAST: /* chi-square with 2 degrees is exponential */
        *out = wald(a, sqrt(-2.0 * log1p(-level)));
        break;
    case CXM_INTERVAL_GOODMAN: *out = goodman(a, level); break;
    case CXM_INTERVAL_BOOTSTRAP: return cxm_priv_net_bootstrap(a, level, false, allocator, out);
    case CXM_INTERVAL_BCA: return cxm_priv_net_bootstrap(a, level, true, allocator, out);
    default: return CXM_EUNSUPPORTED;
    }
    return CXM_OK;
}
