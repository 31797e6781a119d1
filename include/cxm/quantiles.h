/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Quantiles (分位数) of response times, handle times, waiting times: exact from arrays, exact from
 * mergeable tables of distinct values, and from DDSketch tallies for streams of any length. */
#ifndef CXM_QUANTILES_H
#define CXM_QUANTILES_H

#include <cxm/options.h>
#include <cxm/report.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_quantile_options {
    size_t size;            /**< sizeof(struct cxm_quantile_options) */
    const double *probs;    /**< each in [0, 1]; NULL: 0.5 0.9 0.95 0.99 */
    size_t n_probs;
    double level;           /**< confidence level; 0: 0.95 */
    int32_t type;           /**< 1 … 9 of Hyndman & Fan (1996); 0: 7, as R, NumPy and GSL */
    int32_t total;          /**< not 0: all groups together come last */
};

/**
 * Quantiles of a tally of "quantiles" (exact: value -> number) or "sketch" (DDSketch).
 *
 * Rows `quantile[p]`, a block a group. Type 7: h = (n - 1) p, x[floor h] + frac (x[floor h + 1] - x[floor
 * h]), counted from 0; type 1: the smallest x with F(x) >= p, always an observed value. Limits:
 * order statistics x(l), x(u) with l the alpha/2 and u - 1 the 1 - alpha/2 quantile of the binomial
 * (n, p); ±inf where they lie beyond the ends; the axis `coverage` is their exact confidence
 * (Conover 1999, 3.2). Axes: probability, coverage.
 *
 * Of a sketch the value is that of the bucket of the lower order statistic x[floor((n - 1) p)]: off
 * by at most `accuracy` times that (Masson, Rim & Lee 2019); `type` must be 0.
 *
 * @retval CXM_EINVAL  another metric, a p outside [0, 1], type or level out of range
 * @retval CXM_ENOMEM
 * Undefined (n = 0) is NaN with NO_DATA. Linear in distinct values.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_quantiles(struct cxm_tally *tally, const struct cxm_quantile_options *options,
                    struct cxm_report **out, struct cxm_error *error);

struct cxm_quantiles_options {
    CXM_COMMON_OPTIONS;     /* weight must be NULL; interval, all_measures are not used */
    const double *probs;    /**< as above */
    size_t n_probs;
    double accuracy;        /**< 0: exact; else a sketch of that relative accuracy, 1e-4 … 0.5 */
    int32_t type;           /**< as above */
    int32_t reserved;
};
#define CXM_INIT_quantiles .size = sizeof(struct cxm_quantiles_options)

/**
 * Quantiles of a column, as cxm_tally_quantiles. Exact ones by selection, no sort and no copy of
 * the column: of 2^18 rows or more in up to 256 groups mostly in one pass, by brackets around the
 * wanted ranks that a sample gave and the pass then proves or refutes (memory, for three quantiles
 * about 1 byte a row, 8 KiB a group and 16 KiB more a group and thread); of more groups, or fewer rows,
 * rows are dealt out to parts of some groups that fit a cache, which are put in order one by one (10 bytes a
 * row, 16 each thread for a row of the largest part, 4 MiB a thread at most for parts that are not full, 24
 * bytes a group); where a sample fails, in two passes (256 KiB a group and thread and the values of the
 * buckets that hold a quantile). Groups take 4 bytes a row, none if they are a column of plain whole numbers
 * that reach over 2^24, or over 256 and half of the rows, or less. The report takes some 250 bytes a
 * quantile. Missing values are counted and left out, ±inf and values that are no numbers are invalid.
 *
 * @retval CXM_EINVAL lengths differ, an option is out of range  @retval CXM_EDATA an invalid value
 * @retval CXM_EOVERFLOW more than 2^32 - 1 rows  @retval CXM_ENOMEM
 * The result does not depend on the order of the rows or the number of threads.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_quantiles(const struct cxm_column *value, const struct cxm_quantiles_options *options,
              struct cxm_report **out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
