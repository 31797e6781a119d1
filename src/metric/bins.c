/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shares, net scores and means of the answers in the bins of a unit. Groups whose rows have neither
 * weights nor a design are read side by side (score_rows.c); here are the others: weighted sums
 * leave the tally as double-doubles, and limits rest on effective numbers of answers. */
#include "metric/bins.h"

#include "estimate/finite.h"
#include "metric/design.h"

#include <math.h>

/* ---- means of y over bins ------------------------------------------------------------- */

/* In whole numbers, where y is whole and everything fits: exact, and quicker. */
static bool whole_mean(const int64_t *counts, uint32_t bins, const double *y,
                       struct cxm_bin_mean *out)
{
    enum { LARGEST_Y = 1024 };
    const int64_t largest_n = (int64_t)1 << 40;
    int64_t n = 0, sum = 0, squares = 0;
    for (uint32_t b = 0; b < bins; b++) {
        const int32_t whole = fabs(y[b]) <= LARGEST_Y ? (int32_t)y[b] : 0;
        if (y[b] != whole || counts[b] > largest_n)
            return false;
        n += counts[b];
        sum += counts[b] * whole;
        squares += counts[b] * whole * whole;
        if (n > largest_n)
            return false;
    }
    const cxm_i128 scatter = (cxm_i128)n * squares - (cxm_i128)sum * sum; /* < 2^101 */
    const struct cxm_dd high = cxm_priv_dd(ldexp((double)(int64_t)(scatter >> 50), 50));
    const struct cxm_dd low = cxm_priv_dd((double)((int64_t)scatter & (((int64_t)1 << 50) - 1)));
    const struct cxm_dd weight = cxm_priv_dd_int(n);
    const struct cxm_dd cube = cxm_priv_dd_mul(weight, cxm_priv_dd_mul(weight, weight));
    out->exact = cxm_priv_dd_div(cxm_priv_dd_int(sum), weight);
    out->mean = out->exact.hi;
    out->scatter = cxm_priv_dd_div(cxm_priv_dd_add(high, low), cube).hi;
    return true;
}

struct cxm_bin_mean cxm_priv_mean_of_counts(const int64_t *counts, uint32_t bins, const double *y)
{
    struct cxm_bin_mean whole;
    if (whole_mean(counts, bins, y, &whole))
        return whole;
    /* exact while n^2 y^2 < 2^106: sum c y^2 / n - mean^2 */
    struct cxm_dd sum = { 0, 0 }, squares = { 0, 0 };
    int64_t n = 0;
    for (uint32_t b = 0; b < bins; b++) {
        const struct cxm_dd count = cxm_priv_dd_int(counts[b]);
        n += counts[b];
        sum = cxm_priv_dd_add(sum, cxm_priv_dd_mul(count, cxm_priv_dd(y[b])));
        squares = cxm_priv_dd_add(squares, cxm_priv_dd_mul(count, cxm_priv_dd(y[b] * y[b])));
    }
    const struct cxm_dd weight = cxm_priv_dd_int(n);
    const struct cxm_dd scatter = cxm_priv_dd_sub(cxm_priv_dd_mul(weight, squares),
                                                  cxm_priv_dd_mul(sum, sum));
    const struct cxm_dd cube = cxm_priv_dd_mul(weight, cxm_priv_dd_mul(weight, weight));
    const struct cxm_dd mean = cxm_priv_dd_div(sum, weight);
    return (struct cxm_bin_mean){ mean.hi, cxm_priv_dd_div(scatter, cube).hi, mean };
}

/* c y, y mostly being -1, 0 or 1. */
static struct cxm_dd times(struct cxm_dd c, double y)
{
    if (y == 0)
        return cxm_priv_dd(0);
    if (y == 1)
        return c;
    return y == -1 ? (struct cxm_dd){ -c.hi, -c.lo } : cxm_priv_dd_mul(c, cxm_priv_dd(y));
}

static struct cxm_bin_mean mean_of_bins(const struct cxm_view *view, uint32_t unit,
                                        const double *y, const struct cxm_bin_runs *w)
{
    if (!view->weighted)
        return cxm_priv_mean_of_counts(cxm_priv_view_counts(view, unit),
                                       view->config->units[unit].bins, y);
    struct cxm_dd sum = { 0, 0 }, scatter = { 0, 0 };
    for (uint32_t r = 0; r < w->n; r++) {
        if (w->y[r] != 0)
            sum = cxm_priv_dd_add(sum, times(w->weight[r], w->y[r]));
    }
    const struct cxm_dd mean = cxm_priv_dd_div(sum, w->total.weight);
    for (uint32_t r = 0; r < w->n; r++) {
        struct cxm_dd d = cxm_priv_dd_sub(cxm_priv_dd(w->y[r]), mean);
        if (fabs(d.hi) <= ldexp(fabs(w->y[r]), -98)) /* all equal: the rounding of the mean */
            d = cxm_priv_dd(0);
        if (w->weight2[r].hi != 0)
            scatter = cxm_priv_dd_add(scatter, cxm_priv_dd_mul(w->weight2[r], cxm_priv_dd_mul(d, d)));
    }
    const struct cxm_dd whole = cxm_priv_dd_mul(w->total.weight, w->total.weight);
    return (struct cxm_bin_mean){ mean.hi, cxm_priv_dd_div(scatter, whole).hi, mean };
}

/* The number of independent answers that stands for those of a weighted or designed sample, at
 * most n: see cxm_priv_effective_answers; Kish's n_eff where all answers are the same. A census leaves
 * nothing to chance; of a simple random sample from a finite population n / (1 - f) count. Units that
 * have no degrees of freedom tell nothing of their variance, whatever their answers are: NaN. */
static double effective_n(const struct cxm_view *view, const struct cxm_ask *ask,
                          const struct cxm_estimate *out, double std_error, double variance)
{
    const double n = (double)out->n;
    const struct cxm_domain *d = view->domain;
    if (d != NULL && d->census)
        return INFINITY;
    if (d != NULL && d->simple && !view->weighted)
        return n / (1 - cxm_priv_sampling_fraction(d->sample->strata[0]));
    const double df = cxm_priv_view_df(view, out->n);
    if (d != NULL && !d->simple && !(df > 0))
        return NAN;
    if (d != NULL && variance > 0 && std_error == 0)
        return n; /* v / 0 answers */
    const double design = cxm_priv_effective_answers(variance, std_error, n, df, ask->level);
    if (isnan(design))
        return out->n_eff < n ? out->n_eff : n;
    return design < n ? design : n;
}

static const struct cxm_limits no_limits = { NAN, NAN, 0 };

/* An interval with a standard error of its own: from a weight, from a design. */
static bool is_linearised(const struct cxm_view *view)
{
    return view->weighted || view->domain != NULL;
}

static bool is_normal_form(enum cxm_interval method)
{
    return method == CXM_INTERVAL_WALD || method == CXM_INTERVAL_WALD_T;
}

/* Wald on the log odds, with the design's degrees of freedom. */
static struct cxm_limits logit_limits(const struct cxm_ask *ask, double p, double std_error,
                                      double df)
{
    if (!(p > 0 && p < 1))
        return no_limits;
    const struct cxm_limits l = cxm_priv_ask_limits(ask, log(p / (1 - p)),
                                                    std_error / p / (1 - p), df);
    return (struct cxm_limits){ 1 / (1 + exp(-l.lower)), 1 / (1 + exp(-l.upper)), l.flags };
}

static enum cxm_status share_limits(const struct cxm_view *view, const struct cxm_ask *ask,
                                    double x, struct cxm_estimate *out, struct cxm_limits *limits)
{
    const enum cxm_interval method = (enum cxm_interval)out->interval;
    const bool linearised = is_linearised(view);
    const double df = cxm_priv_view_df(view, out->n), p = out->value;
    if (method == CXM_INTERVAL_WALD_T || (linearised && method == CXM_INTERVAL_WALD)) {
        out->df = method == CXM_INTERVAL_WALD_T ? df : INFINITY;
        *limits = cxm_priv_view_limits(view, ask, out);
        return CXM_OK;
    }
    if (view->domain != NULL && method == CXM_INTERVAL_LOGIT) {
        out->df = df;
        *limits = view->domain->census && p > 0 && p < 1 ? cxm_priv_view_limits(view, ask, out)
                                                         : logit_limits(ask, p, out->std_error, df);
        return CXM_OK;
    }
    const struct cxm_domain *d = view->domain;
    const double population = d != NULL ? d->sample->strata[0].population : INFINITY;
    if (d != NULL && d->simple && !view->weighted && method == CXM_INTERVAL_CLOPPER_PEARSON
        && isfinite(population) && population == floor(population)
        && out->n == d->sample->strata[0].n) /* all of the sample: the list is its population */
        return cxm_priv_finite_share_limits(x, (double)out->n, population, ask->level, method,
                                            limits);
    double n = linearised ? effective_n(view, ask, out, out->std_error, p * (1 - p))
                          : (double)out->n;
    if (method == CXM_INTERVAL_KORN_GRAUBARD && linearised && isfinite(n)) {
        const double uncapped = cxm_priv_effective_answers(p * (1 - p), out->std_error,
                                                           (double)out->n, df, ask->level);
        n = isnan(uncapped) ? n : uncapped;
    }
    if (isinf(n)) {
        *limits = (struct cxm_limits){ p, p, 0 };
        return CXM_OK;
    }
    if (isnan(n))
        return CXM_OK;
    const double yes = linearised ? p * n : x;
    return cxm_priv_share_limits(yes < n ? yes : n, n, ask->level,
                                 method == CXM_INTERVAL_KORN_GRAUBARD
                                   ? CXM_INTERVAL_CLOPPER_PEARSON
                                   : method, limits);
}

void cxm_priv_finish_share(const struct cxm_view *view, const struct cxm_ask *ask, double x,
                           struct cxm_estimate *out)
{
    const enum cxm_interval method = cxm_priv_method(ask, CXM_INTERVAL_WILSON);
    struct cxm_limits limits = no_limits;
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    out->df = INFINITY;
    out->interval = method;
    if (method == CXM_INTERVAL_NONE)
        return;
    if (share_limits(view, ask, x, out, &limits) != CXM_OK)
        out->interval = CXM_INTERVAL_NONE;
    cxm_priv_set_limits(out, limits, 0, 1);
}

/* The standard error of a mean of y over bins, in the unit of factor times y. */
static double bins_error(const struct cxm_view *view, uint32_t unit, const double *y,
                         const struct cxm_bin_mean *m, struct cxm_dd total, double corrected,
                         double factor)
{
    const double std_error = fabs(factor) * sqrt(corrected);
    if (view->domain == NULL && view->capture == NULL)
        return std_error;
    const uint32_t bins = view->config->units[unit].bins;
    struct cxm_dd c[CXM_MAX_BINS];
    for (uint32_t b = 0; b < bins; b++) {
        c[b] = cxm_priv_dd_sub(cxm_priv_dd(y[b]), m->exact);
        if (fabs(c[b].hi) <= ldexp(fabs(y[b]), -98))
            c[b] = cxm_priv_dd(0);
    }
    const struct cxm_form form = { unit, NULL, c, 0, total, factor };
    if (view->domain != NULL)
        return cxm_priv_design_error(view, &form);
    cxm_priv_capture_form(view, &form, std_error);
    return std_error;
}

/* What each of these scores begins with. False: nothing more is to be done, for counts alone are
 * estimated elsewhere, and nothing is all there is. */
static bool begin_score(const struct cxm_view *view, const struct cxm_score *score,
                        enum cxm_interval usual, const struct cxm_ask *ask,
                        struct cxm_bin_runs *w, struct cxm_estimate *out)
{
    if (cxm_priv_view_is_plain(view)) {
        cxm_priv_score_rows(view, score, ask, 1, &view->cell, out, 1);
        return false;
    }
    cxm_priv_view_runs(view, score->unit, score->y, w);
    cxm_priv_begin_with(view, score->unit, ask, w->total, out);
    out->interval = cxm_priv_method(ask, usual);
    return out->n != 0;
}

void cxm_priv_estimate_share(const struct cxm_view *view, uint32_t unit, const double *y,
                             const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const struct cxm_score score = cxm_priv_score_share(unit, y);
    struct cxm_bin_runs w;
    if (!begin_score(view, &score, CXM_INTERVAL_WILSON, ask, &w, out))
        return;
    const struct cxm_bin_mean m = mean_of_bins(view, unit, y, &w);
    double x = 0;
    for (uint32_t b = 0; b < view->config->units[unit].bins; b++)
        x += y[b] != 0 ? (double)cxm_priv_view_count(view, unit, b) : 0;
    out->value = m.mean;
    out->std_error = bins_error(view, unit, y, &m, w.total.weight,
                                view->weighted ? cxm_priv_bessel(out->n) * m.scatter : m.scatter, 1);
    cxm_priv_finish_share(view, ask, x, out);
}

/* Limits of a net score on -1 … 1 from the weight of -1, 0 and 1. */
static enum cxm_status net_limits(const struct cxm_view *view, const struct cxm_ask *ask,
                                  const double counts[3], struct cxm_estimate *out,
                                  struct cxm_limits *limits)
{
    const enum cxm_interval method = (enum cxm_interval)out->interval;
    const double total = counts[0] + counts[1] + counts[2], mean = out->value / 100;
    const double variance = (counts[0] + counts[2]) / total - mean * mean;
    const bool linearised = is_linearised(view);
    const double n = linearised ? effective_n(view, ask, out, out->std_error / 100, variance)
                                : total;
    const double scale = linearised ? n / total : 1;
    if (isnan(n))
        return CXM_OK;
    if (isinf(n)) {
        *limits = (struct cxm_limits){ mean, mean, 0 };
        return CXM_OK;
    }
    if (method == CXM_INTERVAL_WALD_T)
        out->df = (double)(out->n - 1);
    return cxm_priv_net_limits(counts[0] * scale, counts[1] * scale, counts[2] * scale,
                               ask->level, method, view->allocator, limits);
}

void cxm_priv_finish_net(const struct cxm_view *view, const struct cxm_ask *ask,
                         const double counts[3], struct cxm_estimate *out)
{
    const enum cxm_interval method = cxm_priv_method(ask, CXM_INTERVAL_ADJUSTED_WALD);
    struct cxm_limits limits = no_limits;
    out->df = INFINITY;
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    out->interval = method;
    if (method == CXM_INTERVAL_NONE)
        return;
    if (is_linearised(view) && is_normal_form(method)) {
        const double df = cxm_priv_view_df(view, out->n);
        out->df = method == CXM_INTERVAL_WALD ? INFINITY : df;
        limits = cxm_priv_view_limits(view, ask, out);
    } else {
        if (net_limits(view, ask, counts, out, &limits) != CXM_OK)
            out->interval = CXM_INTERVAL_NONE;
        limits.lower *= 100;
        limits.upper *= 100;
    }
    cxm_priv_set_limits(out, limits, -100, 100);
}

void cxm_priv_estimate_net(const struct cxm_view *view, uint32_t unit, const double *y,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const struct cxm_score score = cxm_priv_score_net(unit, y);
    struct cxm_bin_runs w;
    if (!begin_score(view, &score, CXM_INTERVAL_ADJUSTED_WALD, ask, &w, out))
        return;
    const struct cxm_bin_mean m = mean_of_bins(view, unit, y, &w);
    double counts[3] = { 0, 0, 0 };
    for (uint32_t r = 0; r < w.n; r++)
        counts[(int)w.y[r] + 1] += w.weight[r].hi;
    out->value = 100 * m.mean;
    out->std_error = bins_error(view, unit, y, &m, w.total.weight,
                                view->weighted ? cxm_priv_bessel(out->n) * m.scatter : m.scatter,
                                100);
    cxm_priv_finish_net(view, ask, counts, out);
}

void cxm_priv_estimate_bin_mean(const struct cxm_view *view, uint32_t unit, const double *y,
                                double offset, double factor, double low, double high,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    const struct cxm_score score = { CXM_SCORE_MEAN, unit, offset, factor, low, high, y };
    struct cxm_bin_runs w;
    if (!begin_score(view, &score, CXM_INTERVAL_T, ask, &w, out))
        return;
    const struct cxm_bin_mean m = mean_of_bins(view, unit, y, &w);
    out->value = offset + factor * m.mean;
    out->std_error = bins_error(view, unit, y, &m, w.total.weight,
                                cxm_priv_bessel(out->n) * m.scatter, factor);
    cxm_priv_finish_mean(view, out, ask, low, high);
}

/* ---- ratios and counts of bins -------------------------------------------------------- */

void cxm_priv_estimate_bin_ratio(const struct cxm_view *view, uint32_t unit, const double *y,
                                 const double *x, const struct cxm_ask *ask,
                                 struct cxm_estimate *out)
{
    const uint32_t bins = view->config->units[unit].bins;
    struct cxm_dd above = { 0, 0 }, below = { 0, 0 }, scatter = { 0, 0 };
    cxm_priv_begin(view, unit, ask, out);
    out->interval = cxm_priv_method(ask, CXM_INTERVAL_T);
    for (uint32_t b = 0; b < bins; b++) {
        const struct cxm_dd w = cxm_priv_view_weight(view, unit, b);
        above = cxm_priv_dd_add(above, cxm_priv_dd_mul(w, cxm_priv_dd(y[b])));
        below = cxm_priv_dd_add(below, cxm_priv_dd_mul(w, cxm_priv_dd(x[b])));
    }
    if (!(below.hi > 0)) {
        out->flags |= CXM_FLAG_NO_DATA;
        return;
    }
    const struct cxm_dd ratio = cxm_priv_dd_div(above, below);
    struct cxm_dd c[CXM_MAX_BINS];
    for (uint32_t b = 0; b < bins; b++) {
        const struct cxm_dd d = cxm_priv_dd_sub(cxm_priv_dd(y[b]),
                                                cxm_priv_dd_mul(ratio, cxm_priv_dd(x[b])));
        c[b] = d;
        scatter = cxm_priv_dd_add(scatter,
                                  cxm_priv_dd_mul(cxm_priv_view_weight2(view, unit, b),
                                                  cxm_priv_dd_mul(d, d)));
    }
    out->value = ratio.hi;
    out->std_error = sqrt(cxm_priv_bessel(out->n) * scatter.hi) / below.hi;
    const struct cxm_form form = { unit, NULL, c, 0, below, 1 };
    if (view->domain != NULL)
        out->std_error = cxm_priv_design_error(view, &form);
    else
        cxm_priv_capture_form(view, &form, out->std_error);
    cxm_priv_finish_mean(view, out, ask, 0, INFINITY);
}

void cxm_priv_estimate_count(const struct cxm_view *view, uint32_t unit, const double *y,
                             const struct cxm_ask *ask, struct cxm_estimate *out)
{
    struct cxm_dd sum = { 0, 0 };
    cxm_priv_begin(view, unit, ask, out);
    for (uint32_t b = 0; b < view->config->units[unit].bins; b++) {
        if (y[b] != 0)
            sum = cxm_priv_dd_add(sum, cxm_priv_view_weight(view, unit, b));
    }
    out->value = sum.hi;
}

void cxm_priv_estimate_score(const struct cxm_view *view, const struct cxm_score *score,
                             const struct cxm_ask *ask, struct cxm_estimate *out)
{
    switch (score->kind) {
    case CXM_SCORE_SHARE:
        cxm_priv_estimate_share(view, score->unit, score->y, ask, out);
        break;
    case CXM_SCORE_NET:
        cxm_priv_estimate_net(view, score->unit, score->y, ask, out);
        break;
    case CXM_SCORE_MEAN:
        cxm_priv_estimate_bin_mean(view, score->unit, score->y, score->offset, score->factor,
                                   score->low, score->high, ask, out);
        break;
    case CXM_SCORE_VARIABLE:
        cxm_priv_estimate_form(view, score->unit, &(double){ 1 }, score->offset, score->factor,
                               score->low, score->high, ask, out);
        break;
    }
}

void cxm_priv_estimate(const struct cxm_estimator *estimator, const struct cxm_view *view,
                       uint32_t member, const struct cxm_ask *ask, struct cxm_estimate *out)
{
    double y[CXM_MAX_BINS];
    if (estimator->score == NULL) {
        estimator->estimate(view, member, ask, out);
        return;
    }
    const struct cxm_score score = estimator->score(view->config, member, y);
    cxm_priv_estimate_score(view, &score, ask, out);
}
