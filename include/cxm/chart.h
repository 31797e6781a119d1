/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Watching a number over time: control charts (控制图), run rules, change points (变点).
 *
 * Charts are sequential: points come in time order, and cannot be merged out of order. Merge the
 * tallies of the periods first, then draw the chart. */
#ifndef CXM_CHART_H
#define CXM_CHART_H

#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a point without a value, or a calendar period that is not there, does to a series. */
enum cxm_gaps {
    CXM_GAPS_ERROR = 0,  /**< the call fails and names it */
    CXM_GAPS_SPLIT = 1,  /**< runs, moving ranges, EWMA and CUSUM start anew after it */
    CXM_GAPS_SKIP = 2    /**< the points before and after it count as neighbours */
};

/** What a chart carries on from its last point: the axes of that row. */
struct cxm_chart_state {
    double ewma;         /**< its value; NaN: none */
    double cusum_high;   /**< the two sums; NaN: none */
    double cusum_low;
    int64_t step;        /**< EWMA: points so far */
};

struct cxm_chart_options {
    size_t size;                  /**< sizeof(struct cxm_chart_options) */
    double limits;                /**< distance of the limits in sigma; 0: 3 */
    int64_t baseline;             /**< centre and sigma from the first so many points; 0: all */
    const double *centre;         /**< frozen, or the target of EWMA and CUSUM; NULL: estimated */
    const double *sigma;          /**< frozen, of the single values; NULL: estimated */
    const double *sigma_z;        /**< laney: frozen; NULL: estimated */
    const char *rules;            /**< run rules besides the limits: see cxm_run_rules */
    const struct cxm_column *period; /**< when; NULL: rows are in time order, 1, 2, 3 … */
    const struct cxm_chart_state *start; /**< continues a chart of one series; NULL: a new one */
    double lambda;                /**< ewma: weight of the newest point, in (0, 1]; 0: 0.2 */
    const double *k;              /**< cusum: allowance; NULL (with h = 0): 0.5 sigma */
    double h;                     /**< cusum: decision interval; 0 (without k): 5 sigma */
    int32_t sigma_units;          /**< cusum, not 0: k and h are in sigma, else like the values */
    int32_t head_start;           /**< cusum, not 0: the sums start at h / 2 (fast response) */
    int32_t gaps;                 /**< enum cxm_gaps */
    int32_t exact;                /**< not 0: d2 = 2/sqrt(pi), not the printed 1.128 */
    int32_t median_range;         /**< xmr, not 0: sigma from the median moving range */
    int32_t asymptotic;           /**< ewma, not 0: the limits of a long series */
};

/**
 * A control chart of columns.
 *
 *   "p"      shares values / sizes:  centre ± L sqrt(c (1 - c) / n_i), centre = sum k / sum n
 *   "u"      counts per size:        centre ± L sqrt(c / n_i)
 *   "laney"  p': the limits of p times sigma_z = mean |z_i - z_(i-1)| / d2 of the standardised
 *            points; for n_i above some 1000, or where the axis sigma_z of a p chart is far from 1
 *   "laney_u" u' in the same way
 *   "c"      counts of equal areas:  centre ± L sqrt(c)
 *   "xmr"    single values, mean ± L MR / d2, and their moving ranges: measures x and mr
 *   "ewma"   z = lambda x + (1 - lambda) z, centre ± L sigma sqrt(lambda / (2 - lambda)
 *            (1 - (1 - lambda)^(2 t)))
 *   "cusum"  sums above centre + k and below centre - k, signal above h: measures cusum_high and
 *            cusum_low; they are not reset by a signal
 *
 * Rows: value (what is plotted), lower and upper (the control limits, interval "control"), the
 * axes period, centre, sigma, signal (strictly beyond a limit, or a run rule), reason; rates also
 * sigma_z, ewma and cusum step. Subgroups with size 0 are skipped: value NaN, flag NO_DATA.
 *
 * @param values  the values; for p, u and laney the counts (whole numbers; p: not above size)
 * @param sizes   p, u, laney, laney_u: what they are counts of; otherwise NULL
 * With `period` the points are sorted by it, unless it is text, which keeps the order of rows.
 * A calendar period (CXM_MONTH …) that is not there is a gap; so is a missing value.
 * @retval CXM_EINVAL  an unknown kind; an option that does not fit it or is out of range; too
 *                     few points in the baseline (xmr, laney: 2 in a row); ewma and cusum without
 *                     baseline or centre and sigma
 * @retval CXM_EDATA   a count that is no whole number or above its size; a gap; a period that is
 *                     missing or occurs twice
 * @retval CXM_ENOMEM
 * `out` is untouched on failure. Linear, after sorting. Safe from any thread.
 * Shewhart 1931; Page 1954; Roberts 1959; Laney 2002; constants as printed in the NIST/SEMATECH
 * e-Handbook 6.3 unless `exact`. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_chart(const char *kind, const struct cxm_column *values, const struct cxm_column *sizes,
          const struct cxm_chart_options *options, struct cxm_report **out,
          struct cxm_error *error);

/**
 * A control chart of a measure over the groups of a tally. The last key that is a date or an
 * instant (else the last key) is the time; each combination of the other keys is a series of
 * its own, with limits of its own. All kinds take the values of any measure, but those of counts:
 *   "p", "laney"    a share of counted rows
 *   "u", "laney_u"  a rate of events: complaints (per 1 000 customers), contact_rate,
 *                   reopens_per_ticket, a ratio or a mean of counts; in the unit of the measure
 *   "c"             a number (number, successes, opened …), the events of such a rate, or a total
 * Groups without a period are shown, and have no place in the chart.
 * @param measure  index into cxm_tally_measures; 0: the headline
 * options->period must be NULL; errors as cxm_chart, EDATA also where there are events and nobody
 * who could have them, EUNSUPPORTED: the measure does not fit, its
 * events are no whole numbers, or rows have weights.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_chart_tally(const char *kind, struct cxm_tally *tally, uint32_t measure,
                const struct cxm_chart_options *options, struct cxm_report **out,
                struct cxm_error *error);

/**
 * Run rules on z = (x - centre) / sigma in time order. The point that completes a pattern is
 * marked; comparisons are strict.
 *
 *   N1 beyond 3              N2 9 on one side (a point on the centre breaks it)
 *   N3 6 rising or falling   N4 14 alternating
 *   N5 2 of 3 beyond 2, on one side, the last of them too      N6 4 of 5 beyond 1, likewise
 *   N7 15 within 1           N8 8 beyond 1, on both sides      WE4 8 on one side
 *
 * @param rules  names separated by commas or blanks, "all" (N1 to N8), NULL: "N1,WE4,N5", since
 *               all eight together give many false alarms
 * @param gaps   enum cxm_gaps, for missing values
 * Rows: one a point: value z, the axes period (1, 2 …), signal, reason.
 * @retval CXM_EINVAL an unknown rule  @retval CXM_EDATA a missing value  @retval CXM_ENOMEM
 * Western Electric 1956; Nelson 1984. Linear. Safe from any thread. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_run_rules(const struct cxm_column *z, const char *rules, int32_t gaps,
              struct cxm_report **out, struct cxm_error *error);

/* ---- change points -------------------------------------------------------------------- */

struct cxm_change_options {
    size_t size;               /**< sizeof(struct cxm_change_options) */
    const struct cxm_column *period; /**< when; NULL: rows are in time order, 1, 2, 3 … */
    int64_t permutations;      /**< for p_value; 0: none. Needs a seed */
    const uint64_t *seed;      /**< of the random numbers: xoshiro256**, filled by splitmix64 */
    double penalty;            /**< what a change must gain; 0: 2 ln n */
    double level;              /**< pettitt: a change has p < 1 - level; 0: 0.95 */
    int32_t several;           /**< not 0: as many changes as are worth it */
    int32_t reserved;
};

/**
 * Where a series changes its level.
 *
 *   "mean"        least squares; statistic supF; gain n ln(RSS before / RSS after)
 *   "pettitt"     mid-ranks; statistic K = max |2 (r_1 + … + r_k) - k (n + 1)|,
 *                 p = 2 exp(-6 K^2 / (n^3 + n^2))
 *   "proportion"  values / sizes; statistic and gain: the binomial likelihood ratio LR
 *   "rate"        events / exposure (values / sizes); the same of Poisson counts
 *
 * A change is one that gains more than 2 ln n (the BIC of two more parameters). One row a change,
 * in time order, or one row with verdict "no change": value = after - before, the axes period
 * (the last one before the change), statistic, p_value, value_a and n_a (before), value_b and n_b
 * (after), verdict. With `several` changes are found by binary segmentation, the one with the
 * largest gain first; statistic and p_value are those of the stretch that it splits.
 *
 * p_value: pettitt's approximation; with permutations (hits + 1) / (permutations + 1) over orders
 * of the points, exact over all orders up to 8 points; of the single trials for proportions; for
 * rates over events that fall anywhere in the exposure.
 * @param sizes  "proportion", "rate": what the values are counts of; otherwise NULL
 * Missing values, and sizes of 0, are left out and counted.
 * @retval CXM_EINVAL  unknown method, fewer than 4 points, permutations without a seed …
 * @retval CXM_EDATA   a count that is no whole number or above its size; periods as cxm_chart
 * @retval CXM_ENOMEM
 * A constant series has no change: statistic 0. Linear a split; times the permutations. Safe
 * from any thread. Hawkins 1977; Pettitt 1979; Andrews 1993; Scott and Knott 1974. Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_change_point(const char *method, const struct cxm_column *values,
                 const struct cxm_column *sizes, const struct cxm_change_options *options,
                 struct cxm_report **out, struct cxm_error *error);

/** The same of a measure over the groups of a tally, as cxm_chart_tally. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_change_point_tally(const char *method, struct cxm_tally *tally, uint32_t measure,
                       const struct cxm_change_options *options, struct cxm_report **out,
                       struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
