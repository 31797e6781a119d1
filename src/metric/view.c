/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reading counts and sums of one group, the frame of an estimate, and linear forms of variables.
 * Sums leave the tally as double-doubles; differences such as n sum(x^2) - sum(x)^2 are taken in
 * that form, so that a variance survives a mean that is 10^13 times its root. */
#include "metric/bins.h"
#include "metric/design.h"

#include <math.h>

const int64_t *cxm_priv_view_counts(const struct cxm_view *view, uint32_t unit)
{
    if (view->cell == NULL)
        return NULL;
    return view->cell + cxm_priv_unit_layout(view->config, unit, view->weighted).counts_at;
}

int64_t cxm_priv_view_count(const struct cxm_view *view, uint32_t unit, uint32_t code)
{
    const int64_t *counts = cxm_priv_view_counts(view, unit);
    return counts != NULL ? counts[code] : 0;
}

/* n sums (every second one) over the cells of a group, each times g: calibrated weights. `power`: of the
 * weight. */
static struct cxm_dd calibrated_sum(const struct cxm_domain *d, const struct cxm_table *table,
                                    const int64_t *const *cells, uint32_t sum, uint32_t n, int power)
{
    struct cxm_dd total = { 0, 0 };
    for (size_t i = d->first; i < d->end; i++) {
        const int64_t *cell = cells != NULL ? cells[i - d->first]
                                            : cxm_priv_table_cell(table, d->order[i]);
        if (cell == NULL)
            continue;
        struct cxm_dd part = cxm_priv_cell_sums(table, cell, sum, n);
        for (int p = 0; p < power; p++)
            part = cxm_priv_dd_mul(part, d->g[i]);
        total = cxm_priv_dd_add(total, part);
    }
    return total;
}

static struct cxm_dd sums_at(const struct cxm_view *view, uint32_t unit, uint32_t index, uint32_t n,
                             int power)
{
    if (view->cell == NULL)
        return cxm_priv_dd(0);
    const uint32_t at = cxm_priv_unit_layout(view->config, unit, view->weighted).sums_at;
    if (view->domain != NULL && view->domain->g != NULL)
        return calibrated_sum(view->domain, view->domain->cells, NULL, at + index, n, power);
    return cxm_priv_cell_sums(view->table, view->cell, at + index, n);
}

static struct cxm_dd sum_at(const struct cxm_view *view, uint32_t unit, uint32_t index, int power)
{
    return sums_at(view, unit, index, 1, power);
}

struct cxm_dd cxm_priv_view_value(const struct cxm_view *view, bool squares)
{
    const struct cxm_domain *d = view->domain;
    if (view->value_cell == NULL)
        return cxm_priv_dd(0);
    if (!view->weighted)
        return cxm_priv_dd_int(view->value_cell[0]);
    if (d != NULL && d->g != NULL && d->value_cells != NULL)
        return calibrated_sum(d, d->values, d->value_cells, squares, 1, squares ? 2 : 1);
    return cxm_priv_cell_sum(view->values, view->value_cell, squares);
}

static struct cxm_dd count_of_bins(const struct cxm_view *view, uint32_t unit, uint32_t bin, uint32_t n)
{
    const int64_t *counts = cxm_priv_view_counts(view, unit);
    int64_t count = 0;
    for (uint32_t b = bin; counts != NULL && b < bin + n; b++)
        count += counts[b];
    return cxm_priv_dd_int(count);
}

struct cxm_dd cxm_priv_view_weights(const struct cxm_view *view, uint32_t unit, uint32_t bin, uint32_t n)
{
    return view->weighted ? sums_at(view, unit, 2 * bin, n, 1) : count_of_bins(view, unit, bin, n);
}

struct cxm_dd cxm_priv_view_weights2(const struct cxm_view *view, uint32_t unit, uint32_t bin, uint32_t n)
{
    return view->weighted ? sums_at(view, unit, 2 * bin + 1, n, 2) : count_of_bins(view, unit, bin, n);
}

struct cxm_dd cxm_priv_view_weight(const struct cxm_view *view, uint32_t unit, uint32_t bin)
{
    return cxm_priv_view_weights(view, unit, bin, 1);
}

struct cxm_dd cxm_priv_view_weight2(const struct cxm_view *view, uint32_t unit, uint32_t bin)
{
    return cxm_priv_view_weights2(view, unit, bin, 1);
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
    const int64_t *counts = cxm_priv_view_counts(view, unit);
    memset(out, 0, sizeof *out);
    for (uint32_t b = 0; counts != NULL && b < spec->bins; b++)
        out->n += counts[b];
    out->missing = counts != NULL ? counts[spec->bins] : 0;
    out->invalid = counts != NULL ? counts[spec->bins + 1] : 0;
    int64_t excluded = view->left_out;
    for (uint32_t i = 0; counts != NULL && i < spec->n_reasons; i++) {
        out->excluded_by[spec->reasons[i]] += counts[spec->bins + 3 + i];
        excluded += counts[spec->bins + 3 + i];
    }
    if (counts != NULL) {
        out->excluded_by[CXM_REASON_ZERO_WEIGHT] += counts[spec->bins + 2];
        excluded += counts[spec->bins + 2];
    }
    out->excluded_by[CXM_REASON_GROUP_LEFT_OUT] += view->left_out;
    out->excluded = excluded;
    out->rows = out->n + out->missing + out->invalid + out->excluded;
}

/* ---- the frame of an estimate --------------------------------------------------------- */

static struct cxm_totals total_weight(const struct cxm_view *view, uint32_t unit)
{
    const uint32_t bins = view->config->units[unit].bins;
    return (struct cxm_totals){ cxm_priv_view_weights(view, unit, 0, bins),
                                cxm_priv_view_weights2(view, unit, 0, bins) };
}

void cxm_priv_view_runs(const struct cxm_view *view, uint32_t unit, const double *y,
                        struct cxm_bin_runs *out)
{
    const uint32_t bins = view->config->units[unit].bins;
    out->n = 0;
    for (uint32_t b = 0, end; b < bins; b = end) {
        end = cxm_priv_run_end(y, b, bins);
        out->y[out->n] = y[b];
        out->weight[out->n] = cxm_priv_view_weights(view, unit, b, end - b);
        out->weight2[out->n] = cxm_priv_view_weights2(view, unit, b, end - b);
        out->n++;
    }
    out->total = total_weight(view, unit);
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

void cxm_priv_begin_known(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                          double sum_weight, double n_eff, struct cxm_estimate *out)
{
    const struct cxm_unit_spec *spec = &view->config->units[unit];
    const int64_t *counts = cxm_priv_view_counts(view, unit);
    out->n = out->missing = out->invalid = 0;
    out->excluded = view->left_out;
    for (uint32_t b = 0; counts != NULL && b < spec->bins; b++)
        out->n += counts[b];
    if (counts != NULL)
        cxm_priv_count_others(spec, counts, out);
    out->value = out->std_error = out->lower = out->upper = NAN;
    out->lower_raw = out->upper_raw = out->df = NAN;
    out->level = ask->level;
    out->sum_weight = sum_weight;
    out->n_eff = view->weighted && out->n > 0 ? n_eff : (double)out->n; /* what n^2 / n is */
    out->interval = CXM_INTERVAL_NONE;
    if (out->n == 0)
        out->flags |= CXM_FLAG_NO_DATA;
    if (out->n < ask->small_n || out->n_eff < ask->small_n)
        out->flags |= CXM_FLAG_SMALL_N;
}

void cxm_priv_begin_with(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                         struct cxm_totals t, struct cxm_estimate *out)
{
    const double n_eff = view->weighted
                           ? cxm_priv_dd_div(cxm_priv_dd_mul(t.weight, t.weight), t.weight2).hi
                           : 0;
    cxm_priv_begin_known(view, unit, ask, t.weight.hi, n_eff, out);
}

void cxm_priv_begin(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                    struct cxm_estimate *out)
{
    cxm_priv_begin_with(view, unit, ask, total_weight(view, unit), out);
}

struct cxm_limits cxm_priv_ask_limits(const struct cxm_ask *ask, double value, double std_error,
                                      double df)
{
    return ask->critical != NULL
             ? cxm_priv_critical_limits(ask->critical, value, std_error, df)
             : cxm_priv_mean_limits(value, std_error, df, ask->level);
}

/* A census leaves nothing to chance, however few degrees of freedom it has. */
struct cxm_limits cxm_priv_view_limits(const struct cxm_view *view, const struct cxm_ask *ask,
                                       const struct cxm_estimate *out)
{
    if (view->domain != NULL && view->domain->census && out->std_error == 0)
        return (struct cxm_limits){ out->value, out->value, CXM_FLAG_DEGENERATE };
    /* Within one unit influences sum to 0, which is no standard error to be sure of. */
    if (view->domain != NULL && !(cxm_priv_view_df(view, out->n) > 0))
        return (struct cxm_limits){ NAN, NAN, 0 };
    return cxm_priv_ask_limits(ask, out->value, out->std_error, out->df);
}

/* Means have t limits; with `wald` normal ones. */
void cxm_priv_finish_mean(const struct cxm_view *view, struct cxm_estimate *out,
                          const struct cxm_ask *ask, double low, double high)
{
    out->interval = cxm_priv_method(ask, CXM_INTERVAL_T);
    if (out->std_error == 0)
        out->flags |= CXM_FLAG_DEGENERATE;
    if (out->interval == CXM_INTERVAL_NONE)
        return;
    out->df = out->interval == CXM_INTERVAL_WALD ? INFINITY : cxm_priv_view_df(view, out->n);
    cxm_priv_set_limits(out, cxm_priv_view_limits(view, ask, out), low, high);
}


/* ---- linear forms of variables -------------------------------------------------------- */

/* The same as a form for designs and captures. */
static double form_error_of(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                            struct cxm_dd c, double factor, struct cxm_dd weight, double std_error)
{
    struct cxm_dd minus_c[CXM_MAX_BINS];
    for (uint32_t b = 0; b < view->config->units[unit].bins; b++)
        minus_c[b] = (struct cxm_dd){ -c.hi, -c.lo };
    const struct cxm_form form = { unit, a, minus_c, 0, weight, factor };
    if (view->domain != NULL)
        return cxm_priv_design_error(view, &form);
    cxm_priv_capture_form(view, &form, std_error);
    return std_error;
}

/* cxm_priv_form_error with totals that are known. */
static double form_error_with(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                              struct cxm_dd c, double factor, struct cxm_totals t)
{
    if (view->domain != NULL)
        return form_error_of(view, unit, a, c, factor, t.weight, NAN);
    const uint32_t p = view->config->units[unit].variables;
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
    const double std_error = fabs(factor) * sqrt(cxm_priv_bessel(used) * cxm_priv_dd_div(sum, square).hi);
    return view->capture == NULL ? std_error
                                 : form_error_of(view, unit, a, c, factor, t.weight, std_error);
}

double cxm_priv_form_error(const struct cxm_view *view, uint32_t unit, const struct cxm_dd *a,
                           struct cxm_dd c, double factor)
{
    return form_error_with(view, unit, a, c, factor, total_weight(view, unit));
}

void cxm_priv_estimate_form(const struct cxm_view *view, uint32_t unit, const double *a,
                            double offset, double factor, double low, double high,
                            const struct cxm_ask *ask, struct cxm_estimate *out)
{
    enum { MOST = 4 };
    const uint32_t p = view->config->units[unit].variables;
    const struct cxm_totals t = total_weight(view, unit);
    cxm_priv_begin_with(view, unit, ask, t, out);
    out->interval = cxm_priv_method(ask, CXM_INTERVAL_T);
    if (out->n == 0 || p > MOST)
        return;
    struct cxm_dd coefficients[MOST], mean = { 0, 0 };
    for (uint32_t i = 0; i < p; i++) {
        coefficients[i] = cxm_priv_dd(a[i]);
        mean = cxm_priv_dd_add(mean, cxm_priv_dd_mul(coefficients[i],
                                                     cxm_priv_view_sum(view, unit, i)));
    }
    mean = cxm_priv_dd_div(mean, t.weight);
    out->value = offset + factor * mean.hi;
    out->std_error = form_error_with(view, unit, coefficients, mean, factor, t);
    cxm_priv_finish_mean(view, out, ask, low, high);
}
