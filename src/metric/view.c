/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading counts and sums of one group, and the estimators that several metrics share: shares
 * and net scores of bins, means of bins and of variables. Sums leave the tally as
 * double-doubles; differences such as n sum(x^2) - sum(x)^2 are taken in that form, so that a
 * variance survives a mean that is 10^13 times its root. */
#include "estimate/finite.h"
#include "metric/design.h"
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

/* The sum over the cells of a group, each times g: calibrated weights. `power`: of the weight. */
static struct cxm_dd calibrated_sum(const struct cxm_domain *d, const struct cxm_table *table,
                                    const int64_t *const *cells, uint32_t sum, int power)
{
    struct cxm_dd total = { 0, 0 };
    for (size_t i = d->first; i < d->end; i++) {
        const int64_t *cell = cells != NULL ? cells[i - d->first]
                                            : cxm_priv_table_cell(table, d->order[i]);
        if (cell == NULL)
            continue;
        struct cxm_dd part = cxm_priv_cell_sum(table, cell, sum);
        for (int p = 0; p < power; p++)
            part = cxm_priv_dd_mul(part, d->g[i]);
        total = cxm_priv_dd_add(total, part);
    }
    return total;
}

static struct cxm_dd sum_at(const struct cxm_view *view, uint32_t unit, uint32_t index, int power)
{
    if (view->cell == NULL)
        return cxm_priv_dd(0);
    const uint32_t at = cxm_priv_unit_layout(view->config, unit, view->weighted).sums_at;
    if (view->domain != NULL && view->domain->g != NULL)
        return calibrated_sum(view->domain, view->domain->cells, NULL, at + index, power);
    return cxm_priv_cell_sum(view->table, view->cell, at + index);
}

struct cxm_dd cxm_priv_view_value(const struct cxm_view *view, bool squares)
{
    const struct cxm_domain *d = view->domain;
    if (view->value_cell == NULL)
        return cxm_priv_dd(0);
    if (!view->weighted)
        return cxm_priv_dd_int(view->value_cell[0]);
    if (d != NULL && d->g != NULL && d->value_cells != NULL)
        return calibrated_sum(d, d->values, d->value_cells, squares, squares ? 2 : 1);
    return cxm_priv_cell_sum(view->values, view->value_cell, squares);
}

struct cxm_dd cxm_priv_view_weight(const struct cxm_view *view, uint32_t unit, uint32_t bin)
{
    if (!view->weighted)
        return cxm_priv_dd_int(cxm_priv_view_count(view, unit, bin));
    return sum_at(view, unit, 2 * bin, 1);
}

struct cxm_dd cxm_priv_view_weight2(const struct cxm_view *view, uint32_t unit, uint32_t bin)
{
    if (!view->weighted)
        return cxm_priv_dd_int(cxm_priv_view_count(view, unit, bin));
    return sum_at(view, unit, 2 * bin + 1, 2);
}

/* First sum of the variables: weighted units start with two sums for each bin. */
static uint32_t variables_from(const struct cxm_view *view, uint32_t unit)
{
    return view->weighted ? 2 * view->config->units[unit].bins : 0;
}

struct cxm_dd cxm_priv_view_sum(const struct cxm_view *view, uint32_t unit, uint32_t i)
{
    return sum_at(view, unit, variables_from(view, unit) + i, 1);
}

struct cxm_dd cxm_priv_view_rounded_sum(const struct cxm_view *view, uint32_t unit, uint32_t i)
{
    const uint32_t skip = view->weighted ? view->config->units[unit].variables : 0;
    return sum_at(view, unit, variables_from(view, unit) + skip + i, 1);
}

struct cxm_dd cxm_priv_view_weighted_sum(const struct cxm_view *view, uint32_t unit, uint32_t i)
{
    const uint32_t skip = view->weighted ? 2 * view->config->units[unit].variables : 0;
    return sum_at(view, unit, variables_from(view, unit) + skip + i, 2);
}

struct cxm_dd cxm_priv_view_product(const struct cxm_view *view, uint32_t unit, uint32_t i,
                                    uint32_t j)
{
    const uint32_t p = view->config->units[unit].variables;
    const uint32_t pair = i <= j ? cxm_priv_pair(p, i, j) : cxm_priv_pair(p, j, i);
    return sum_at(view, unit, variables_from(view, unit) + (view->weighted ? 3 * p : p) + pair, 2);
}

struct cxm_dd cxm_priv_view_plain_product(const struct cxm_view *view, uint32_t unit,
                                          uint32_t i, uint32_t j)
{
    const uint32_t p = view->config->units[unit].variables;
    const uint32_t pair = i <= j ? cxm_priv_pair(p, i, j) : cxm_priv_pair(p, j, i);
    return sum_at(view, unit, variables_from(view, unit) + 3 * p + cxm_priv_pairs(p) + pair, 1);
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

void cxm_priv_flag_unseen(const struct cxm_view *view, uint32_t unit, struct cxm_estimate *out)
{
    struct cxm_base base;
    cxm_priv_view_base(view, unit, &base);
    const int64_t unseen = base.excluded_by[CXM_REASON_UNSEEN];
    if (unseen > 0 && unseen == base.rows - base.missing - base.invalid)
        out->flags |= CXM_FLAG_ALL_AFTER_AS_OF;
}

void cxm_priv_floored_rows(struct cxm_block *block, uint32_t input, uint32_t unit)
{
    if (block->given[input])
        memcpy(block->unit_codes[unit], block->codes[input], block->n * sizeof(uint16_t));
    else
        memset(block->unit_codes[unit], 0, block->n * sizeof(uint16_t));
}

void cxm_priv_flag_floored(const struct cxm_view *view, uint32_t unit, struct cxm_estimate *out)
{
    if (cxm_priv_view_count(view, unit, 1) > 0)
        out->flags |= CXM_FLAG_SUBSECOND;
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
    out->n_eff = (double)base.n; /* what n^2 / n is */
    if (view->weighted && base.n > 0)
        out->n_eff = cxm_priv_dd_div(cxm_priv_dd_mul(t.weight, t.weight), t.weight2).hi;
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
    struct cxm_dd exact; /* mean; where there is a design or a capture */
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
    /* Quotients of whole doubles: the division rounds them once, and the low part is not asked
     * for. n^3 < 2^50 leaves the double-doubles below no other choice. */
    if (n <= 100000 && scatter < (int64_t)1 << 53 && view->domain == NULL
        && view->capture == NULL) {
        out->mean = (double)sum / (double)n;
        out->scatter = (double)(int64_t)scatter / (double)(n * n * n);
        out->exact = cxm_priv_dd(out->mean);
        return true;
    }
    const struct cxm_dd high = cxm_priv_dd(ldexp((double)(int64_t)(scatter >> 50), 50));
    const struct cxm_dd low = cxm_priv_dd((double)((int64_t)scatter & (((int64_t)1 << 50) - 1)));
    const struct cxm_dd weight = cxm_priv_dd_int(n);
    const struct cxm_dd cube = cxm_priv_dd_mul(weight, cxm_priv_dd_mul(weight, weight));
    out->exact = cxm_priv_dd_div(cxm_priv_dd_int(sum), weight);
    out->mean = out->exact.hi;
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
        const struct cxm_dd mean = cxm_priv_dd_div(sum, t.weight);
        return (struct bin_mean){ mean.hi, cxm_priv_dd_div(scatter, cube).hi, mean };
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
    return (struct bin_mean){ mean.hi, cxm_priv_dd_div(scatter, square).hi, mean };
}

/* n / (n - 1); NaN for n = 1, where nothing is known of the variance. */
static double bessel(int64_t n)
{
    return n > 1 ? (double)n / (double)(n - 1) : NAN;
}

/* The number of independent answers that stands for those of a weighted or designed sample, at
 * most n: see cxm_priv_effective_answers; Kish's n_eff where the variance is 0. A census leaves
 * nothing to chance; of a simple random sample from a finite population n / (1 - f) count. */
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
    const double design = cxm_priv_effective_answers(variance, std_error, n, df, ask->level);
    if (variance > 0 && std_error > 0 && d != NULL && !(df > 0))
        return NAN;
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

/* What an interval would be is said of empty groups too; its limits are NaN there. */
static enum cxm_interval method_of(const struct cxm_ask *ask, enum cxm_interval by_default)
{
    return ask->interval != CXM_INTERVAL_DEFAULT ? ask->interval : by_default;
}

/* Wald on the log odds, with the design's degrees of freedom. */
static struct cxm_limits logit_limits(double p, double std_error, double df, double level)
{
    if (!(p > 0 && p < 1))
        return no_limits;
    const struct cxm_limits l = cxm_priv_mean_limits(log(p / (1 - p)), std_error / p / (1 - p),
                                                     df, level);
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
        *limits = cxm_priv_mean_limits(p, out->std_error, out->df, ask->level);
        return CXM_OK;
    }
    if (view->domain != NULL && method == CXM_INTERVAL_LOGIT) {
        out->df = df;
        *limits = logit_limits(p, out->std_error, df, ask->level);
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
    const enum cxm_interval method = method_of(ask, CXM_INTERVAL_WILSON);
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
                         const struct bin_mean *m, double corrected, double factor)
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
    const struct cxm_form form = { unit, NULL, c, 0, total_weight(view, unit).weight, factor };
    if (view->domain != NULL)
        return cxm_priv_design_error(view, &form);
    cxm_priv_capture_form(view, &form, std_error);
    return std_error;
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
    out->std_error = bins_error(view, unit, y, &m,
                                view->weighted ? bessel(out->n) * m.scatter : m.scatter, 1);
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
    out->std_error = bins_error(view, unit, y, &m,
                                view->weighted ? bessel(out->n) * m.scatter : m.scatter, 100);
    out->df = INFINITY;
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    if (method == CXM_INTERVAL_NONE)
        return;
    struct cxm_limits limits = no_limits;
    if (is_linearised(view) && is_normal_form(method)) {
        const double df = cxm_priv_view_df(view, out->n);
        out->df = method == CXM_INTERVAL_WALD ? INFINITY : df;
        limits = cxm_priv_mean_limits(out->value, out->std_error, out->df, ask->level);
    } else {
        double counts[3] = { 0, 0, 0 };
        for (uint32_t b = 0; b < view->config->units[unit].bins; b++)
            counts[(int)y[b] + 1] += cxm_priv_view_weight(view, unit, b).hi;
        if (net_limits(view, ask, counts, out, &limits) != CXM_OK)
            out->interval = CXM_INTERVAL_NONE;
        limits.lower *= 100;
        limits.upper *= 100;
    }
    cxm_priv_set_limits(out, limits, -100, 100);
}

/* Means have t limits; with `wald` normal ones. */
void cxm_priv_finish_mean(const struct cxm_view *view, struct cxm_estimate *out,
                          const struct cxm_ask *ask, double low, double high)
{
    out->interval = method_of(ask, CXM_INTERVAL_T);
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    if (out->interval == CXM_INTERVAL_NONE)
        return;
    out->df = out->interval == CXM_INTERVAL_WALD ? INFINITY : cxm_priv_view_df(view, out->n);
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
    out->std_error = bins_error(view, unit, y, &m, bessel(out->n) * m.scatter, factor);
    cxm_priv_finish_mean(view, out, ask, low, high);
}

/* ---- linear forms of variables -------------------------------------------------------- */

/* The same as a form for designs and captures. */
static double form_error_of(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                            struct cxm_dd c, double factor, double std_error)
{
    struct cxm_dd minus_c[CXM_MAX_BINS];
    for (uint32_t b = 0; b < view->config->units[unit].bins; b++)
        minus_c[b] = (struct cxm_dd){ -c.hi, -c.lo };
    const struct cxm_form form = { unit, a, minus_c, 0, total_weight(view, unit).weight, factor };
    if (view->domain != NULL)
        return cxm_priv_design_error(view, &form);
    cxm_priv_capture_form(view, &form, std_error);
    return std_error;
}

double cxm_priv_form_error(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                           struct cxm_dd c, double factor)
{
    if (view->domain != NULL)
        return form_error_of(view, unit, a, c, factor, NAN);
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
        sum = cxm_priv_dd(isnan(sum.hi) || isinf(size.hi) ? NAN : 0.0); /* beyond 1e140: none */
    const struct cxm_dd square = cxm_priv_dd_mul(t.weight, t.weight);
    const double std_error = fabs(factor) * sqrt(bessel(used) * cxm_priv_dd_div(sum, square).hi);
    return view->capture == NULL ? std_error
                                 : form_error_of(view, unit, a, c, factor, std_error);
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
    out->std_error = cxm_priv_form_error(view, unit, coefficients, mean, factor);
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
    out->std_error = sqrt(bessel(out->n) * scatter.hi) / below.hi;
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
