/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The difference of two estimates. The counts behind a share or a net score follow from its value,
 * its standard error and n, exactly below 10^14 answers. Whatever is no share or net score of whole
 * counts (means, indexes, gaps, ratios, weighted rows) is compared by its standard error. */
#include "analysis/comparing.h"
#include "estimate/share.h"

#include <math.h>

/* ---- methods -------------------------------------------------------------------------- */

static const struct method {
    const char *name;
    int net, share;            /* enum of estimate/compare.h, -1: does not fit */
    bool measured, counts_only;/* fits values with standard errors; of unweighted rows only */
    enum cxm_interval interval;
} methods[] = {
    [CXM_COMPARE_DEFAULT] = { "default", CXM_COMPARE_NET_ADJUSTED, CXM_COMPARE_SHARES_NEWCOMBE,
                              true, false, CXM_INTERVAL_DEFAULT },
    [CXM_COMPARE_ADJUSTED] = { "adjusted", CXM_COMPARE_NET_ADJUSTED, -1, false, true,
                               CXM_INTERVAL_ADJUSTED_WALD },
    [CXM_COMPARE_ADJUSTED_HALF] = { "adjusted-half", CXM_COMPARE_NET_ADJUSTED_HALF, -1, false,
                                    true, CXM_INTERVAL_ADJUSTED_WALD_HALF },
    [CXM_COMPARE_WALD] = { "wald", CXM_COMPARE_NET_WALD, CXM_COMPARE_SHARES_WALD, true, false,
                           CXM_INTERVAL_WALD },
    [CXM_COMPARE_POOLED] = { "pooled", CXM_COMPARE_NET_POOLED, CXM_COMPARE_SHARES_POOLED, false,
                             true, CXM_INTERVAL_NONE },
    [CXM_COMPARE_WELCH] = { "welch", CXM_COMPARE_NET_WELCH, -1, true, false,
                            CXM_INTERVAL_WELCH },
    [CXM_COMPARE_POOLED_T] = { "pooled-t", -1, -1, true, true, CXM_INTERVAL_POOLED_T },
    [CXM_COMPARE_NEWCOMBE] = { "newcombe", -1, CXM_COMPARE_SHARES_NEWCOMBE, false, true,
                               CXM_INTERVAL_NEWCOMBE },
    [CXM_COMPARE_AGRESTI_CAFFO] = { "agresti-caffo", -1, CXM_COMPARE_SHARES_AGRESTI_CAFFO, false,
                                    true, CXM_INTERVAL_AGRESTI_CAFFO },
    [CXM_COMPARE_PERMUTATION] = { "permutation", CXM_COMPARE_NET_PERMUTATION, -1, false, true,
                                  CXM_INTERVAL_PERMUTATION },
    [CXM_COMPARE_EXACT] = { "exact", CXM_COMPARE_NET_EXACT, CXM_COMPARE_SHARES_EXACT, false, true,
                            CXM_INTERVAL_NEWCOMBE },
};

const char *cxm_compare_method_name(enum cxm_compare_method method)
{
    return (unsigned)method < CXM_COUNT(methods) ? methods[method].name : "unknown";
}

int cxm_compare_method_from_name(const char *name)
{
    for (size_t i = 0; name != NULL && i < CXM_COUNT(methods); i++)
        if (strcmp(name, methods[i].name) == 0)
            return (int)i;
    return -1;
}

bool cxm_priv_is_method(int32_t method)
{
    return method >= 0 && method < (int32_t)CXM_COUNT(methods);
}

bool cxm_priv_method_fits(enum cxm_compare_method method, enum cxm_interval_class class, bool weighted)
{
    const struct method *m = &methods[method];
    if (weighted)
        return m->measured && !m->counts_only;
    return class == CXM_CLASS_NET ? m->net >= 0 : class == CXM_CLASS_SHARE ? m->share >= 0
                                                                           : m->measured;
}

/* ---- one difference ------------------------------------------------------------------- */

/* Is this x of n whole answers? Shares with another base or another variance are not. */
static bool is_counted_share(const struct cxm_estimate *e)
{
    const double n = (double)e->n, x = e->value * n;
    const double error = sqrt(cxm_priv_share_variance(x, n));
    return fabs(x - rint(x)) <= 1e-9 * n && fabs(e->std_error - error) <= 1e-9 * (error + 1e-9);
}

enum cxm_counted cxm_priv_counted(const struct cxm_comparing *c, uint32_t measure,
                                  const struct cxm_estimate *e)
{
    const enum cxm_interval_class class = cxm_priv_estimator_of(c, measure)->intervals;
    if (c->linearised)
        return CXM_COUNTED_NOT;
    if (class == CXM_CLASS_NET)
        return CXM_COUNTED_NET;
    return class == CXM_CLASS_SHARE && (e->n == 0 || is_counted_share(e)) ? CXM_COUNTED_SHARE
                                                                          : CXM_COUNTED_NOT;
}

enum cxm_counted cxm_priv_counted_both(const struct cxm_comparing *c, uint32_t measure,
                                       const struct cxm_estimate *a,
                                       const struct cxm_estimate *b)
{
    const enum cxm_counted of_a = cxm_priv_counted(c, measure, a);
    return of_a == cxm_priv_counted(c, measure, b) ? of_a : CXM_COUNTED_NOT;
}

struct cxm_share_count cxm_priv_share_count(const struct cxm_estimate *e)
{
    const double n = (double)e->n;
    return (struct cxm_share_count){ n > 0 ? rint(e->value * n) : 0.0, n };
}

/* promoters - detractors = n value, promoters + detractors = n (v + value^2), v = n std_error^2 */
struct cxm_net cxm_priv_net_count(const struct cxm_estimate *e)
{
    const double n = (double)e->n, error = e->std_error / 100;
    if (!(n > 0))
        return (struct cxm_net){ 0, 0, 0 };
    const double net = rint(e->value / 100 * n);
    const double both = rint(n * error * (n * error) + net / n * net);
    return (struct cxm_net){ 0.5 * (both - net), n - both, 0.5 * (both + net) };
}

/* Standard errors of net scores without weights have divisor n; t needs n - 1. */
static bool has_divisor_n(const struct cxm_comparing *c, uint32_t measure)
{
    const enum cxm_interval_class class = cxm_priv_estimator_of(c, measure)->intervals;
    return !c->linearised && (class == CXM_CLASS_NET || class == CXM_CLASS_CHANGE);
}

struct cxm_mean_sample cxm_priv_sample_of(const struct cxm_comparing *c, uint32_t measure,
                                     const struct cxm_estimate *e)
{
    const double n = (double)e->n;
    double variance = n * e->std_error * e->std_error;
    if (has_divisor_n(c, measure))
        variance = n > 1 ? variance * (n / (n - 1)) : (double)NAN;
    return (struct cxm_mean_sample){ n, e->value, variance };
}

/* Large-sample errors of counts and of curves: one row with 120 events has one, too. */
static bool is_normal(const struct cxm_comparing *c, uint32_t measure)
{
    const enum cxm_interval_class class = cxm_priv_estimator_of(c, measure)->intervals;
    return class == CXM_CLASS_RATE || class == CXM_CLASS_SURVIVAL;
}

static struct cxm_measured measured(const struct cxm_comparing *c, uint32_t measure,
                                    const struct cxm_estimate *e)
{
    const double n = (double)e->n, df = isfinite(e->df) ? e->df : n - 1;
    const double error = has_divisor_n(c, measure) ? e->std_error * sqrt(n / (n - 1))
                                                   : e->std_error;
    const bool known = n > 1 || (n > 0 && is_normal(c, measure));
    return (struct cxm_measured){ e->value, known ? error : (double)NAN, df };
}

static void scale(struct cxm_comparison *c, double factor)
{
    c->centre *= factor;
    c->std_error *= factor;
    c->lower *= factor;
    c->upper *= factor;
}

static void compare_measured(const struct cxm_comparing *c, uint32_t measure,
                             const struct cxm_estimate *a, const struct cxm_estimate *b,
                             struct cxm_difference *out)
{
    struct cxm_measured x = measured(c, measure, a), y = measured(c, measure, b);
    const bool ours = cxm_priv_method_fits(c->method, CXM_CLASS_MEAN, c->linearised);
    out->method = c->linearised ? "linearised" : "welch";
    out->interval = c->linearised ? CXM_INTERVAL_T : CXM_INTERVAL_WELCH;
    if (ours && c->method != CXM_COMPARE_DEFAULT) {
        out->method = methods[c->method].name;
        out->interval = methods[c->method].interval;
    }
    const bool normal = is_normal(c, measure);
    if (normal) {
        out->method = "wald";
        out->interval = CXM_INTERVAL_WALD;
    }
    if (normal || (ours && c->method == CXM_COMPARE_WALD))
        x.df = y.df = INFINITY;
    if (ours && c->method == CXM_COMPARE_POOLED_T && !normal)
        out->c = cxm_priv_compare_means(cxm_priv_sample_of(c, measure, a),
                                        cxm_priv_sample_of(c, measure, b), c->level, true);
    else
        out->c = cxm_priv_compare_measured(x, y, c->level);
}

/* The range of such differences, in the unit of the measure. */
static double furthest_of(enum cxm_interval_class class)
{
    switch (class) {
    case CXM_CLASS_NET: return 200;
    case CXM_CLASS_CHANGE: return 400;
    case CXM_CLASS_SHARE: case CXM_CLASS_CLUSTERED: return 1;
    default: return INFINITY;
    }
}

enum cxm_status cxm_priv_difference(const struct cxm_comparing *c, uint32_t measure,
                                    const struct cxm_estimate *a, const struct cxm_estimate *b,
                                    struct cxm_difference *out, struct cxm_error *error)
{
    const enum cxm_interval_class class = cxm_priv_estimator_of(c, measure)->intervals;
    const bool empty = !(a->n > 0 && b->n > 0);
    const enum cxm_counted counted = cxm_priv_counted_both(c, measure, a, b);
    const struct method *m = &methods[cxm_priv_method_fits(c->method, class, c->linearised)
                                        ? c->method : CXM_COMPARE_DEFAULT];
    enum cxm_status status = CXM_OK;
    out->furthest = furthest_of(class);
    out->method = m->name;
    out->interval = m->interval;
    if (counted == CXM_COUNTED_NET) {
        status = cxm_priv_compare_nets(cxm_priv_net_count(a), cxm_priv_net_count(b), c->level,
                                       (enum cxm_compare_net)m->net, &c->tally->allocator,
                                       &out->c);
        if (status != CXM_OK)
            return cxm_priv_no_memory(error);
        scale(&out->c, 100);
        if (m == &methods[CXM_COMPARE_DEFAULT]) {
            out->method = methods[CXM_COMPARE_ADJUSTED].name;
            out->interval = CXM_INTERVAL_ADJUSTED_WALD;
        } else if (m == &methods[CXM_COMPARE_EXACT]) {
            out->interval = CXM_INTERVAL_PERMUTATION;
        }
    } else if (counted == CXM_COUNTED_SHARE) {
        out->c = cxm_priv_compare_shares(cxm_priv_share_count(a), cxm_priv_share_count(b),
                                         c->level, (enum cxm_compare_shares)m->share);
        if (m == &methods[CXM_COMPARE_DEFAULT]) {
            out->method = methods[CXM_COMPARE_NEWCOMBE].name;
            out->interval = CXM_INTERVAL_NEWCOMBE;
        }
    } else {
        compare_measured(c, measure, a, b, out);
    }
    if (empty)
        out->c = (struct cxm_comparison){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN,
                                          CXM_FLAG_NO_DATA };
    out->c.difference = a->value - b->value;
    return CXM_OK;
}
