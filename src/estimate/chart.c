/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Control charts. Typically 12 to 1000 points; linear in them.
 *
 * Sums are double-double, so that the centre does not hang on the order of summation. Limits
 * are given as they come out; whoever knows the scale clips them.
 *
 * Shewhart 1931; Montgomery, Introduction to Statistical Quality Control, ch. 6, 7, 9;
 * NIST/SEMATECH e-Handbook 6.3; Laney 2002, Quality Engineering 14:531 for p' and u'. */
#include "estimate/chart.h"

#include <math.h>
#include <stdlib.h>

/* For moving ranges of two: E|R| = d2 sigma, sd = d3 sigma; the median of |R| is 0.954 sigma. */
#define D2_PRINTED 1.128
#define D2_EXACT 1.1283791670955126    /* 2 / sqrt(pi) */
#define D3_EXACT 0.85250246642742173   /* sqrt(2 - 4 / pi) */
#define D4_PRINTED 3.267
#define MEDIAN_PRINTED 0.95387
#define MEDIAN_EXACT 0.95387255240893986 /* sqrt(2) Phi^-1(3/4) */

static double d2(const struct cxm_chart_setup *s)
{
    return s->exact ? D2_EXACT : D2_PRINTED;
}

static bool is_rate(enum cxm_chart kind)
{
    return kind <= CXM_CHART_LANEY_U;
}

static bool is_share(enum cxm_chart kind)
{
    return kind == CXM_CHART_P || kind == CXM_CHART_LANEY;
}

static bool has_spread(enum cxm_chart kind)
{
    return kind == CXM_CHART_LANEY || kind == CXM_CHART_LANEY_U;
}

static double plotted(const struct cxm_chart_setup *s, const struct cxm_chart_point *p)
{
    return is_rate(s->kind) ? p->value / p->size : p->value;
}

/* The sum of values over the sum of sizes; of the first `baseline` points. */
static double mean_of(const struct cxm_chart_setup *s, const struct cxm_chart_point *points,
                      double *rest, size_t *used)
{
    struct cxm_dd values = { 0.0, 0.0 }, sizes = { 0.0, 0.0 };
    *used = 0;
    *rest = NAN;
    for (size_t i = 0; i < s->baseline; i++) {
        if (points[i].skip)
            continue;
        values = cxm_priv_dd_add(values, cxm_priv_dd(points[i].value));
        sizes = cxm_priv_dd_add(sizes, cxm_priv_dd(is_rate(s->kind) ? points[i].size : 1.0));
        ++*used;
    }
    if (*used == 0)
        return NAN;
    *rest = cxm_priv_dd_div(cxm_priv_dd_sub(sizes, values), sizes).hi;
    return cxm_priv_dd_div(values, sizes).hi;
}

/* ---- moving ranges -------------------------------------------------------------------- */

/* Mean of the differences between neighbours of the baseline, each value passed through
 * `standard`; NaN when there is no pair. */
typedef double standardised(const struct cxm_chart_point *point, const struct cxm_chart_fit *fit);

static double mean_range(const struct cxm_chart_setup *s, const struct cxm_chart_point *points,
                         const struct cxm_chart_fit *fit, standardised *standard)
{
    struct cxm_dd sum = { 0.0, 0.0 };
    double previous = NAN;
    int64_t n = 0;
    for (size_t i = 0; i < s->baseline; i++) {
        if (points[i].after_gap)
            previous = NAN;
        if (points[i].skip)
            continue;
        const double x = standard(&points[i], fit);
        if (!isnan(previous)) {
            sum = cxm_priv_dd_add(sum, cxm_priv_dd(fabs(x - previous)));
            n++;
        }
        previous = x;
    }
    return n > 0 ? cxm_priv_dd_div(sum, cxm_priv_dd_int(n)).hi : NAN;
}

static double as_it_is(const struct cxm_chart_point *point, const struct cxm_chart_fit *fit)
{
    (void)fit;
    return point->value;
}

/* From the nearer end of the scale: among few failures successes are all but alike. */
static double share_z(const struct cxm_chart_point *p, const struct cxm_chart_fit *fit)
{
    const double gap = fit->centre <= 0.5 ? p->value / p->size - fit->centre
                                          : fit->rest - (p->size - p->value) / p->size;
    return gap / sqrt(fit->centre * fit->rest / p->size);
}

static double rate_z(const struct cxm_chart_point *p, const struct cxm_chart_fit *fit)
{
    return (p->value / p->size - fit->centre) / sqrt(fit->centre / p->size);
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median_range(const struct cxm_chart_point *points, size_t n, double *scratch)
{
    size_t m = 0;
    for (size_t i = 0; i < n; i++)
        if (!isnan(points[i].range))
            scratch[m++] = points[i].range;
    if (m == 0)
        return NAN;
    qsort(scratch, m, sizeof *scratch, by_value);
    return (scratch[(m - 1) / 2] + scratch[m / 2]) / 2.0;
}

static void set_ranges(struct cxm_chart_point *points, size_t n)
{
    double previous = NAN;
    for (size_t i = 0; i < n; i++) {
        if (points[i].after_gap)
            previous = NAN;
        points[i].range = points[i].skip ? NAN : fabs(points[i].value - previous);
        if (!points[i].skip)
            previous = points[i].value;
    }
}

/* ---- what the baseline gives ---------------------------------------------------------- */

/* Sigma of single values, and the line and limit of their ranges. */
static void fit_ranges(const struct cxm_chart_setup *s, const struct cxm_chart_point *points,
                       double *scratch, struct cxm_chart_fit *fit)
{
    const double median = s->exact ? MEDIAN_EXACT : MEDIAN_PRINTED;
    const double unit = s->median_range ? median : d2(s);
    fit->sigma = s->sigma;
    if (isnan(s->sigma))
        fit->sigma = (s->median_range ? median_range(points, s->baseline, scratch)
                                      : mean_range(s, points, fit, as_it_is))
                   / unit;
    fit->range = unit * fit->sigma;
    const double d4 = !s->exact && s->limits == 3.0 ? D4_PRINTED
                                                    : 1.0 + s->limits * D3_EXACT / D2_EXACT;
    fit->range_upper = d4 * d2(s) * fit->sigma;
}

static void fit_baseline(const struct cxm_chart_setup *s, const struct cxm_chart_point *points,
                         double *scratch, struct cxm_chart_fit *fit)
{
    *fit = (struct cxm_chart_fit){ NAN, NAN, NAN, NAN, NAN, NAN, NAN, 0 };
    fit->centre = mean_of(s, points, &fit->rest, &fit->n);
    if (!isnan(s->centre)) {
        fit->centre = s->centre;
        fit->rest = 1.0 - s->centre;
    }
    if (is_rate(s->kind)) {
        fit->sigma_z = s->sigma_z;
        if (isnan(s->sigma_z))
            fit->sigma_z = mean_range(s, points, fit, is_share(s->kind) ? share_z : rate_z) / d2(s);
    } else if (s->kind == CXM_CHART_C) {
        fit->sigma = isnan(s->sigma) ? sqrt(fit->centre) : s->sigma;
    } else {
        fit_ranges(s, points, scratch, fit);
    }
    if (s->kind == CXM_CHART_CUSUM && !s->sigma_units)
        fit->sigma = s->sigma; /* not needed, and the points may be out of control */
    fit->h = s->sigma_units ? s->h * fit->sigma : s->h;
}

/* Of one row of a rate. */
static double variance_of(const struct cxm_chart_setup *s, const struct cxm_chart_fit *fit)
{
    return is_share(s->kind) ? fit->centre * fit->rest : fit->centre;
}

/* What the baseline should have had, or NULL. */
static const char *lacking(const struct cxm_chart_setup *s, const struct cxm_chart_fit *fit)
{
    if (isnan(fit->centre))
        return "1 point";
    if (has_spread(s->kind) && variance_of(s, fit) > 0.0)
        return isnan(fit->sigma_z) ? "2 points in a row" : NULL;
    if (is_rate(s->kind) || (s->kind == CXM_CHART_CUSUM && !s->sigma_units))
        return NULL;
    return isnan(fit->sigma) ? "2 points in a row" : NULL;
}

/* ---- points --------------------------------------------------------------------------- */

static double sigma_at(const struct cxm_chart_setup *s, const struct cxm_chart_fit *fit,
                       const struct cxm_chart_point *p)
{
    if (!is_rate(s->kind))
        return fit->sigma;
    const double sigma = sqrt(variance_of(s, fit) / p->size);
    return has_spread(s->kind) && sigma > 0.0 ? sigma * fit->sigma_z : sigma;
}

static void set_limits(struct cxm_chart_point *p, double centre, double sigma, double limits)
{
    p->centre = centre;
    p->sigma = sigma;
    p->lower = centre - limits * sigma;
    p->upper = centre + limits * sigma;
}

static void draw_ewma(const struct cxm_chart_setup *s, const struct cxm_chart_fit *fit,
                      struct cxm_chart_point *points, size_t n)
{
    const double l = s->lambda;
    double z = isnan(s->start_z) ? fit->centre : s->start_z;
    double t = (double)s->start_t;
    for (size_t i = 0; i < n; i++) {
        if (points[i].after_gap) {
            z = fit->centre;
            t = 0.0;
        }
        if (points[i].skip)
            continue;
        t += 1.0;
        z = l * points[i].value + (1.0 - l) * z;
        /* 1 - (1 - l)^(2 t), without losing the digits of a small l. */
        const double settled = s->asymptotic ? 1.0 : -expm1(2.0 * t * log1p(-l));
        points[i].plotted = z;
        set_limits(&points[i], fit->centre, fit->sigma * sqrt(l / (2.0 - l) * settled),
                   s->limits);
    }
}

static void draw_cusum(const struct cxm_chart_setup *s, const struct cxm_chart_fit *fit,
                       struct cxm_chart_point *points, size_t n)
{
    const double k = s->sigma_units ? s->k * fit->sigma : s->k;
    const double head = s->head_start * fit->h;
    double high = isnan(s->start_high) ? head : s->start_high;
    double low = isnan(s->start_low) ? head : s->start_low;
    for (size_t i = 0; i < n; i++) {
        if (points[i].after_gap)
            high = low = head;
        if (points[i].skip)
            continue;
        const double above = points[i].value - fit->centre;
        high = fmax(0.0, high + above - k);
        low = fmax(0.0, low - above - k);
        points[i].plotted = points[i].value;
        points[i].high = high;
        points[i].low = low;
        points[i].centre = fit->centre;
        points[i].sigma = fit->sigma;
        points[i].upper = fit->h;
    }
}

enum cxm_status cxm_priv_chart(const struct cxm_chart_setup *s,
                               struct cxm_chart_point *points, size_t n, double *scratch,
                               struct cxm_chart_fit *fit, struct cxm_error *error)
{
    for (size_t i = 0; i < n; i++) {
        struct cxm_chart_point *p = &points[i];
        p->plotted = p->centre = p->sigma = p->lower = p->upper = p->high = p->low = NAN;
    }
    set_ranges(points, n);
    fit_baseline(s, points, scratch, fit);
    const char *need = lacking(s, fit);
    if (need != NULL)
        return cxm_priv_fail(error, CXM_EINVAL, "baseline",
                             "the chart needs a baseline of at least %s; there %s %zu", need,
                             fit->n == 1 ? "is" : "are", fit->n);
    if (s->kind == CXM_CHART_EWMA)
        draw_ewma(s, fit, points, n);
    else if (s->kind == CXM_CHART_CUSUM)
        draw_cusum(s, fit, points, n);
    for (size_t i = 0; i < n && s->kind <= CXM_CHART_XMR; i++) {
        if (points[i].skip)
            continue;
        points[i].plotted = plotted(s, &points[i]);
        set_limits(&points[i], fit->centre, sigma_at(s, fit, &points[i]), s->limits);
    }
    return CXM_OK;
}
