/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading counts and sums of one group, and the estimators that several metrics share: shares
 * and net scores of bins, means of bins and of variables. Sums leave the tally as
 * double-doubles; differences such as n sum(x^2) - sum(x)^2 are taken in that form, so that a
 * variance survives a mean that is 10^13 times its root. */
#include "metric/metric.h"

#include <math.h>

/* The counters of a unit by code; NULL: no rows. */
static const int64_t *counts_of(const struct cxm_view *view, uint32_t unit)
{
    if (view->cell == NULL)
        return NULL;
    return view->cell + cxm_priv_unit_layout(view->config, unit, view->weighted).counts_at;
}

int64_t cxm_priv_view_count(const struct cxm_view *view, uint32_t unit, uint32_t code)
{
    const int64_t *counts = counts_of(view, unit);
    return counts != NULL ? counts[code] : 0;
}

static struct cxm_dd sum_at(const struct cxm_view *view, uint32_t unit, uint32_t index)
{
    if (view->cell == NULL)
        return cxm_priv_dd(0);
    const uint32_t at = cxm_priv_unit_layout(view->config, unit, view->weighted).sums_at;
    return cxm_priv_cell_sum(view->table, view->cell, at + index);
}

struct cxm_dd cxm_priv_view_weight(const struct cxm_view *view, uint32_t unit, uint32_t bin)
{
    if (!view->weighted)
        return cxm_priv_dd_int(cxm_priv_view_count(view, unit, bin));
    return sum_at(view, unit, 2 * bin);
}

struct cxm_dd cxm_priv_view_weight2(const struct cxm_view *view, uint32_t unit, uint32_t bin)
{
    if (!view->weighted)
        return cxm_priv_dd_int(cxm_priv_view_count(view, unit, bin));
    return sum_at(view, unit, 2 * bin + 1);
}

/* First sum of the variables: weighted units start with two sums for each bin. */
static uint32_t variables_from(const struct cxm_view *view, uint32_t unit)
{
    return view->weighted ? 2 * view->config->units[unit].bins : 0;
}

struct cxm_dd cxm_priv_view_sum(const struct cxm_view *view, uint32_t unit, uint32_t i)
{
    return sum_at(view, unit, variables_from(view, unit) + i);
}

struct cxm_dd cxm_priv_view_rounded_sum(const struct cxm_view *view, uint32_t unit, uint32_t i)
{
    const uint32_t skip = view->weighted ? view->config->units[unit].variables : 0;
    return sum_at(view, unit, variables_from(view, unit) + skip + i);
}

struct cxm_dd cxm_priv_view_weighted_sum(const struct cxm_view *view, uint32_t unit, uint32_t i)
{
    const uint32_t skip = view->weighted ? 2 * view->config->units[unit].variables : 0;
    return sum_at(view, unit, variables_from(view, unit) + skip + i);
}

struct cxm_dd cxm_priv_view_product(const struct cxm_view *view, uint32_t unit, uint32_t i,
                                    uint32_t j)
{
    const uint32_t p = view->config->units[unit].variables;
    const uint32_t pair = i <= j ? cxm_priv_pair(p, i, j) : cxm_priv_pair(p, j, i);
    return sum_at(view, unit, variables_from(view, unit) + (view->weighted ? 3 * p : p) + pair);
}

struct cxm_dd cxm_priv_view_plain_product(const struct cxm_view *view, uint32_t unit,
                                          uint32_t i, uint32_t j)
{
    const uint32_t p = view->config->units[unit].variables;
    const uint32_t pair = i <= j ? cxm_priv_pair(p, i, j) : cxm_priv_pair(p, j, i);
    return sum_at(view, unit, variables_from(view, unit) + 3 * p + cxm_priv_pairs(p) + pair);
}

void cxm_priv_view_base(const struct cxm_view *view, uint32_t unit, struct cxm_base *out)
{
    const struct cxm_unit_spec *spec = &view->config->units[unit];
    const int64_t *counts = counts_of(view, unit);
    memset(out, 0, sizeof *out);
    for (uint32_t b = 0; counts != NULL && b < spec->bins; b++)
        out->n += counts[b];
    out->missing = counts != NULL ? counts[spec->bins] : 0;
    out->invalid = counts != NULL ? counts[spec->bins + 1] : 0;
    out->excluded_by[CXM_REASON_ZERO_WEIGHT] = counts != NULL ? counts[spec->bins + 2] : 0;
    for (uint32_t i = 0; counts != NULL && i < spec->n_reasons; i++)
        out->excluded_by[spec->reasons[i]] += counts[spec->bins + 3 + i];
    out->excluded_by[CXM_REASON_GROUP_LEFT_OUT] += view->left_out;
    for (int i = 0; i < CXM_N_REASONS; i++)
        out->excluded += out->excluded_by[i];
    out->rows = out->n + out->missing + out->invalid + out->excluded;
}

/* ---- the frame of an estimate --------------------------------------------------------- */

struct totals {
    struct cxm_dd weight, weight2;
};

static struct totals total_weight(const struct cxm_view *view, uint32_t unit)
{
    struct totals t = { { 0, 0 }, { 0, 0 } };
    const uint32_t bins = view->config->units[unit].bins;
    if (!view->weighted) {
        const int64_t *counts = counts_of(view, unit);
        int64_t n = 0;
        for (uint32_t b = 0; counts != NULL && b < bins; b++)
            n += counts[b];
        t.weight = t.weight2 = cxm_priv_dd_int(n);
        return t;
    }
    for (uint32_t b = 0; b < bins; b++) {
        t.weight = cxm_priv_dd_add(t.weight, cxm_priv_view_weight(view, unit, b));
        t.weight2 = cxm_priv_dd_add(t.weight2, cxm_priv_view_weight2(view, unit, b));
    }
    return t;
}

void cxm_priv_begin(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                    struct cxm_estimate *out)
{
    struct cxm_base base;
    cxm_priv_view_base(view, unit, &base);
    const struct totals t = total_weight(view, unit);
    out->value = out->std_error = out->lower = out->upper = NAN;
    out->lower_raw = out->upper_raw = out->df = NAN;
    out->level = ask->level;
    out->n = base.n;
    out->missing = base.missing;
    out->invalid = base.invalid;
    out->excluded = base.excluded;
    out->sum_weight = t.weight.hi;
    const struct cxm_dd square = cxm_priv_dd_mul(t.weight, t.weight);
    out->n_eff = base.n > 0 ? cxm_priv_dd_div(square, t.weight2).hi : 0.0;
    out->interval = CXM_INTERVAL_NONE;
    if (base.n == 0)
        out->flags |= CXM_FLAG_NO_DATA;
    if (base.n < ask->small_n || out->n_eff < ask->small_n)
        out->flags |= CXM_FLAG_SMALL_N;
}

void cxm_priv_set_limits(struct cxm_estimate *out, struct cxm_limits limits, double lowest,
                         double highest)
{
    out->lower_raw = limits.lower;
    out->upper_raw = limits.upper;
    out->lower = limits.lower < lowest ? lowest : limits.lower;
    out->upper = limits.upper > highest ? highest : limits.upper;
    out->flags |= limits.flags;
    if (limits.lower < lowest || limits.upper > highest)
        out->flags |= CXM_FLAG_CLIPPED;
    if (out->value < out->lower || out->value > out->upper)
        out->flags |= CXM_FLAG_OFF_CENTRE;
}

/* ---- means of y over bins ------------------------------------------------------------- */

/* mean = sum w y / sum w. `scatter` = sum w^2 (y - mean)^2 / W^2, which is the variance of
 * the mean with divisor n (Taylor linearisation; without weights the plug-in variance / n). */
struct bin_mean {
    double mean, scatter;
};

/* The same in whole numbers, where y is whole and everything fits: exact, and quicker. */
static bool whole_mean_of_bins(const struct cxm_view *view, uint32_t unit, const double *y,
                               struct bin_mean *out)
{
    enum { LARGEST_Y = 1024 };
    const int64_t largest_n = (int64_t)1 << 40, *counts = counts_of(view, unit);
    int64_t n = 0, sum = 0, squares = 0;
    for (uint32_t b = 0; b < view->config->units[unit].bins; b++) {
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
    out->mean = cxm_priv_dd_div(cxm_priv_dd_int(sum), weight).hi;
    out->scatter = cxm_priv_dd_div(cxm_priv_dd_add(high, low), cube).hi;
    return true;
}

static struct bin_mean mean_of_bins(const struct cxm_view *view, uint32_t unit, const double *y)
{
    const uint32_t bins = view->config->units[unit].bins;
    struct bin_mean whole;
    if (!view->weighted && whole_mean_of_bins(view, unit, y, &whole))
        return whole;
    const struct totals t = total_weight(view, unit);
    struct cxm_dd sum = { 0, 0 }, scatter = { 0, 0 };
    for (uint32_t b = 0; b < bins; b++)
        sum = cxm_priv_dd_add(sum, cxm_priv_dd_mul(cxm_priv_view_weight(view, unit, b),
                                                   cxm_priv_dd(y[b])));
    if (!view->weighted) { /* exact while n^2 y^2 < 2^106: sum c y^2 / n - mean^2 */
        for (uint32_t b = 0; b < bins; b++)
            scatter = cxm_priv_dd_add(scatter,
                                      cxm_priv_dd_mul(cxm_priv_view_weight(view, unit, b),
                                                      cxm_priv_dd(y[b] * y[b])));
        scatter = cxm_priv_dd_sub(cxm_priv_dd_mul(t.weight, scatter), cxm_priv_dd_mul(sum, sum));
        const struct cxm_dd cube = cxm_priv_dd_mul(t.weight, cxm_priv_dd_mul(t.weight, t.weight));
        return (struct bin_mean){ cxm_priv_dd_div(sum, t.weight).hi,
                                  cxm_priv_dd_div(scatter, cube).hi };
    }
    const struct cxm_dd mean = cxm_priv_dd_div(sum, t.weight);
    for (uint32_t b = 0; b < bins; b++) {
        struct cxm_dd d = cxm_priv_dd_sub(cxm_priv_dd(y[b]), mean);
        if (fabs(d.hi) <= ldexp(fabs(y[b]), -98)) /* all equal: the rounding of the mean */
            d = cxm_priv_dd(0);
        scatter = cxm_priv_dd_add(scatter,
                                  cxm_priv_dd_mul(cxm_priv_view_weight2(view, unit, b),
                                                  cxm_priv_dd_mul(d, d)));
    }
    const struct cxm_dd square = cxm_priv_dd_mul(t.weight, t.weight);
    return (struct bin_mean){ mean.hi, cxm_priv_dd_div(scatter, square).hi };
}

/* n / (n - 1); NaN for n = 1, where nothing is known of the variance. */
static double bessel(int64_t n)
{
    return n > 1 ? (double)n / (double)(n - 1) : NAN;
}

/* The sample size at which simple random sampling would be as exact: variance / std_error^2,
 * at most n; Kish's n_eff where the variance is 0 (Korn and Graubard 1998). */
static double effective_n(const struct cxm_estimate *out, double variance)
{
    const double n = (double)out->n;
    const double design = variance / (out->std_error * out->std_error);
    if (!(variance > 0) || !isfinite(design))
        return out->n_eff < n ? out->n_eff : n;
    return design < n ? design : n;
}

static bool is_normal_form(enum cxm_interval method)
{
    return method == CXM_INTERVAL_WALD || method == CXM_INTERVAL_WALD_T;
}

/* What an interval would be is said of empty groups too; its limits are NaN there. */
static enum cxm_interval method_of(const struct cxm_ask *ask, enum cxm_interval by_default)
{
    return ask->interval != CXM_INTERVAL_DEFAULT ? ask->interval : by_default;
}

void cxm_priv_finish_share(const struct cxm_view *view, const struct cxm_ask *ask, double x,
                           struct cxm_estimate *out)
{
    const enum cxm_interval method = method_of(ask, CXM_INTERVAL_WILSON);
    struct cxm_limits limits = { NAN, NAN, 0 };
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    out->df = INFINITY;
    out->interval = method;
    if (method == CXM_INTERVAL_NONE)
        return;
    if (view->weighted && is_normal_form(method)) {
        limits = cxm_priv_mean_limits(out->value, out->std_error, INFINITY, ask->level);
    } else {
        const double n = view->weighted ? effective_n(out, out->value * (1 - out->value))
                                        : (double)out->n;
        const double yes = view->weighted ? out->value * n : x;
        if (cxm_priv_share_limits(yes < n ? yes : n, n, ask->level, method, &limits) != CXM_OK)
            out->interval = CXM_INTERVAL_NONE;
    }
    cxm_priv_set_limits(out, limits, 0, 1);
}

void cxm_priv_estimate_share(const struct cxm_view *view, uint32_t unit, const double *y,
                             const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_begin(view, unit, ask, out);
    out->interval = method_of(ask, CXM_INTERVAL_WILSON);
    if (out->n == 0)
        return;
    const struct bin_mean m = mean_of_bins(view, unit, y);
    double x = 0;
    for (uint32_t b = 0; b < view->config->units[unit].bins; b++)
        x += y[b] != 0 ? (double)cxm_priv_view_count(view, unit, b) : 0;
    out->value = m.mean;
    out->std_error = sqrt(view->weighted ? bessel(out->n) * m.scatter : m.scatter);
    cxm_priv_finish_share(view, ask, x, out);
}

void cxm_priv_estimate_net(const struct cxm_view *view, uint32_t unit, const double *y,
                           const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_begin(view, unit, ask, out);
    const enum cxm_interval method = method_of(ask, CXM_INTERVAL_ADJUSTED_WALD);
    out->interval = method;
    if (out->n == 0)
        return;
    const struct bin_mean m = mean_of_bins(view, unit, y);
    out->value = 100 * m.mean;
    out->std_error = 100 * sqrt(view->weighted ? bessel(out->n) * m.scatter : m.scatter);
    out->df = INFINITY;
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    if (method == CXM_INTERVAL_NONE)
        return;
    struct cxm_limits limits = { NAN, NAN, 0 };
    if (view->weighted && is_normal_form(method)) {
        const double df = method == CXM_INTERVAL_WALD ? INFINITY : (double)(out->n - 1);
        out->df = df;
        limits = cxm_priv_mean_limits(out->value, out->std_error, df, ask->level);
    } else {
        double counts[3] = { 0, 0, 0 };
        for (uint32_t b = 0; b < view->config->units[unit].bins; b++)
            counts[(int)y[b] + 1] += cxm_priv_view_weight(view, unit, b).hi;
        const double total = counts[0] + counts[1] + counts[2];
        const double variance = (counts[0] + counts[2]) / total - m.mean * m.mean;
        const double n = view->weighted
                           ? effective_n(&(struct cxm_estimate){ .n = out->n,
                                                                 .n_eff = out->n_eff,
                                                                 .std_error = out->std_error
                                                                            / 100 },
                                         variance)
                           : total;
        const double scale = view->weighted ? n / total : 1;
        if (method == CXM_INTERVAL_WALD_T)
            out->df = (double)(out->n - 1);
        if (cxm_priv_net_limits(counts[0] * scale, counts[1] * scale, counts[2] * scale,
                                ask->level, method, view->allocator, &limits) != CXM_OK)
            out->interval = CXM_INTERVAL_NONE;
        limits.lower *= 100;
        limits.upper *= 100;
    }
    cxm_priv_set_limits(out, limits, -100, 100);
}

/* Means have t limits; with `wald` normal ones. */
void cxm_priv_finish_mean(struct cxm_estimate *out, const struct cxm_ask *ask, double low,
                          double high)
{
    out->interval = method_of(ask, CXM_INTERVAL_T);
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    if (out->interval == CXM_INTERVAL_NONE)
        return;
    out->df = out->interval == CXM_INTERVAL_WALD ? INFINITY : (double)(out->n - 1);
    cxm_priv_set_limits(out, cxm_priv_mean_limits(out->value, out->std_error, out->df,
                                                  ask->level), low, high);
}

void cxm_priv_estimate_bin_mean(const struct cxm_view *view, uint32_t unit, const double *y,
                                double offset, double factor, double low, double high,
                                const struct cxm_ask *ask, struct cxm_estimate *out)
{
    cxm_priv_begin(view, unit, ask, out);
    out->interval = method_of(ask, CXM_INTERVAL_T);
    if (out->n == 0)
        return;
    const struct bin_mean m = mean_of_bins(view, unit, y);
    out->value = offset + factor * m.mean;
    out->std_error = fabs(factor) * sqrt(bessel(out->n) * m.scatter);
    cxm_priv_finish_mean(out, ask, low, high);
}

/* ---- linear forms of variables -------------------------------------------------------- */

double cxm_priv_form_error(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                           struct cxm_dd c)
{
    const uint32_t p = view->config->units[unit].variables;
    const struct totals t = total_weight(view, unit);
    const int64_t n = (int64_t)view->config->units[unit].bins;
    int64_t used = 0;
    for (int64_t b = 0; b < n; b++)
        used += cxm_priv_view_count(view, unit, (uint32_t)b);
    /* sum (a v - c w)^2 = a' M a - 2 c a' (sum w v) + c^2 sum w^2 */
    struct cxm_dd sum = cxm_priv_dd_mul(cxm_priv_dd_mul(c, c), t.weight2);
    struct cxm_dd size = sum;
    for (uint32_t i = 0; i < p; i++) {
        struct cxm_dd part = cxm_priv_dd_mul(cxm_priv_dd_mul(a[i], c),
                                             cxm_priv_view_weighted_sum(view, unit, i));
        sum = cxm_priv_dd_sub(sum, cxm_priv_dd_add(part, part));
        for (uint32_t j = i; j < p; j++) {
            part = cxm_priv_dd_mul(cxm_priv_dd_mul(a[i], a[j]),
                                   cxm_priv_view_product(view, unit, i, j));
            if (j > i)
                part = cxm_priv_dd_add(part, part);
            sum = cxm_priv_dd_add(sum, part);
            size.hi += fabs(part.hi);
        }
    }
    /* What is left of terms that cancel to the last of their 100 digits is rounding. */
    if (!(sum.hi > ldexp(size.hi, -98)))
        sum = cxm_priv_dd(isnan(sum.hi) ? sum.hi : 0.0);
    const struct cxm_dd square = cxm_priv_dd_mul(t.weight, t.weight);
    return sqrt(bessel(used) * cxm_priv_dd_div(sum, square).hi);
}

void cxm_priv_estimate_form(const struct cxm_view *view, uint32_t unit, const double *a,
                            double offset, double factor, double low, double high,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    enum { MOST = 4 };
    const uint32_t p = view->config->units[unit].variables;
    cxm_priv_begin(view, unit, ask, out);
    out->interval = method_of(ask, CXM_INTERVAL_T);
    if (out->n == 0 || p > MOST)
        return;
    struct cxm_dd coefficients[MOST], mean = { 0, 0 };
    for (uint32_t i = 0; i < p; i++) {
        coefficients[i] = cxm_priv_dd(a[i]);
        mean = cxm_priv_dd_add(mean, cxm_priv_dd_mul(coefficients[i],
                                                     cxm_priv_view_sum(view, unit, i)));
    }
    mean = cxm_priv_dd_div(mean, total_weight(view, unit).weight);
    out->value = offset + factor * mean.hi;
    out->std_error = fabs(factor) * cxm_priv_form_error(view, unit, coefficients, mean);
    cxm_priv_finish_mean(out, ask, low, high);
}

/* ---- ratios and counts of bins -------------------------------------------------------- */

void cxm_priv_estimate_bin_ratio(const struct cxm_view *view, uint32_t unit, const double *y,
                                 const double *x, const struct cxm_ask *ask,
                                 struct cxm_estimate *out)
{
    const uint32_t bins = view->config->units[unit].bins;
    struct cxm_dd above = { 0, 0 }, below = { 0, 0 }, scatter = { 0, 0 };
    cxm_priv_begin(view, unit, ask, out);
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
    for (uint32_t b = 0; b < bins; b++) {
        const struct cxm_dd d = cxm_priv_dd_sub(cxm_priv_dd(y[b]),
                                                cxm_priv_dd_mul(ratio, cxm_priv_dd(x[b])));
        scatter = cxm_priv_dd_add(scatter,
                                  cxm_priv_dd_mul(cxm_priv_view_weight2(view, unit, b),
                                                  cxm_priv_dd_mul(d, d)));
    }
    out->value = ratio.hi;
    out->std_error = sqrt(bessel(out->n) * scatter.hi) / below.hi;
    cxm_priv_finish_mean(out, ask, 0, INFINITY);
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
