/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the estimators of bins and their rows share: see bins.c and score_rows.c. */
#ifndef CXM_SRC_BINS_H
#define CXM_SRC_BINS_H

#include "metric/metric.h"

#include <math.h>

/* ---- reading (view.c) ----------------------------------------------------------------- */

struct cxm_totals {
    struct cxm_dd weight, weight2;
};

/* The counters of a unit by code; NULL: no rows. */
const int64_t *cxm_priv_view_counts(const struct cxm_view *view, uint32_t unit);

/* Of the counters of a unit those of rows that are no answers; `excluded` holds what was left out. */
static inline void cxm_priv_count_others(const struct cxm_unit_spec *spec, const int64_t *counts,
                                         struct cxm_estimate *out)
{
    int64_t excluded = out->excluded + counts[spec->bins + 2];
    for (uint32_t r = 0; r < spec->n_reasons; r++)
        excluded += counts[spec->bins + 3 + r];
    out->missing = counts[spec->bins];
    out->invalid = counts[spec->bins + 1];
    out->excluded = excluded;
}

/* Neighbouring bins that count alike are a run: their weights are added up as exact sums, and rounded
 * once. */
static inline uint32_t cxm_priv_run_end(const double *y, uint32_t bin, uint32_t bins)
{
    uint32_t end = bin + 1;
    while (end < bins && y[end] == y[bin])
        end++;
    return end;
}

/* The weights of the runs of a unit, and their squares; without weights the counts. */
struct cxm_bin_runs {
    struct cxm_totals total;
    uint32_t n;
    double y[CXM_MAX_BINS];
    struct cxm_dd weight[CXM_MAX_BINS], weight2[CXM_MAX_BINS];
};
void cxm_priv_view_runs(const struct cxm_view *view, uint32_t unit, const double *y,
                        struct cxm_bin_runs *out);
/* cxm_priv_begin with totals that are known, or what it makes of them. */
void cxm_priv_begin_known(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                          double sum_weight, double n_eff, struct cxm_estimate *out);
void cxm_priv_begin_with(const struct cxm_view *view, uint32_t unit, const struct cxm_ask *ask,
                         struct cxm_totals total, struct cxm_estimate *out);

/* Neither weights nor a design, and nothing to leave behind: counts say it all. */
static inline bool cxm_priv_view_is_plain(const struct cxm_view *view)
{
    return !view->weighted && view->domain == NULL && view->capture == NULL && view->cell != NULL;
}

/* n / (n - 1); NaN for n = 1, where nothing is known of the variance. */
static inline double cxm_priv_bessel(int64_t n)
{
    return n > 1 ? (double)n / (double)(n - 1) : NAN;
}

/* What an interval would be is said of empty groups too; its limits are NaN there. */
static inline enum cxm_interval cxm_priv_method(const struct cxm_ask *ask,
                                                enum cxm_interval by_default)
{
    return ask->interval != CXM_INTERVAL_DEFAULT ? ask->interval : by_default;
}

/* ---- means of y over bins (bins.c) ---------------------------------------------------- */

/* mean = sum w y / sum w. `scatter` = sum w^2 (y - mean)^2 / W^2, which is the variance of
 * the mean with divisor n (Taylor linearisation; without weights the plug-in variance / n). */
struct cxm_bin_mean {
    double mean, scatter;
    struct cxm_dd exact; /* mean; where there is a design or a capture */
};

/* Of counts without weights, n of them in all, n > 0. */
struct cxm_bin_mean cxm_priv_mean_of_counts(const int64_t *counts, uint32_t bins, const double *y);

/* A score of one group. */
void cxm_priv_estimate_score(const struct cxm_view *view, const struct cxm_score *score,
                             const struct cxm_ask *ask, struct cxm_estimate *out);

/* The flags, degrees of freedom and limits of a net score whose value and standard error are set,
 * from the weight of -1, 0 and 1. */
void cxm_priv_finish_net(const struct cxm_view *view, const struct cxm_ask *ask,
                         const double counts[3], struct cxm_estimate *out);

/* ---- rows of plain groups (score_rows.c) ---------------------------------------------- */

enum { CXM_SCORE_ROWS = 32 }; /* at once */

/* A score of `rows` groups, of which cells[i] are the counters and sums; `view` is plain and says what
 * they share. Of out[i * step] group, measure, unit, base, flags and reserved were set. */
void cxm_priv_score_rows(const struct cxm_view *view, const struct cxm_score *score,
                         const struct cxm_ask *ask, size_t rows, const int64_t *const *cells,
                         struct cxm_estimate *out, size_t step);
enum cxm_interval cxm_priv_score_method(const struct cxm_score *score, const struct cxm_ask *ask);

/* The same of weighted groups without a design, and of variables (weighed_rows.c); `next` come soon. */
struct cxm_cells_of_rows {
    const int64_t *const *cells;
    size_t n;
};
void cxm_priv_weighed_rows(const struct cxm_view *view, const struct cxm_score *score,
                           const struct cxm_ask *ask, struct cxm_cells_of_rows now,
                           struct cxm_cells_of_rows next, struct cxm_estimate *out, size_t step);

#endif
