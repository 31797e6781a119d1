/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Mean, ratio and total of numeric columns. */
#ifndef CXM_MEAN_H
#define CXM_MEAN_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_mean_options {
    CXM_COMMON_OPTIONS;
};

#define CXM_INIT_mean .size = sizeof(struct cxm_mean_options)
#define CXM_INIT_ratio CXM_INIT_mean
#define CXM_INIT_total CXM_INIT_mean

/**
 * The mean of a column, exact sum / n correctly rounded to the last digit or two; std_error is
 * s / sqrt(n), with weights by linearisation (n - 1); t interval. Durations are in seconds.
 * Sums are exact for all doubles; standard errors need values (times weights) between 1e-140
 * and 1e140 in size, or 0, because their squares are read as doubles. With weights w x is rounded
 * to a double before it is squared: where values are 10^k times their spread, the standard error has
 * about 16 - k digits.
 *
 * Missing answers (null, NaN, missing codes) are counted and left out. Undefined results are
 * NaN with a flag, status CXM_OK.
 * @param rows     CXM_ROWS(array) or CXM_ROW(one): one row a group and default measure; the
 *                 total comes last when options->total is set
 * @param n_out    number of rows written (may be NULL); capacity 0 only asks for it
 * @retval CXM_EINVAL     an option is wrong, lengths differ, capacity too small
 * @retval CXM_EDATA      a value is invalid: error has its row, column and value
 * @retval CXM_EOVERFLOW  @retval CXM_ENOMEM
 * On failure `rows` is as it was. Linear in rows, safe from any thread.   Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_mean(const struct cxm_column *value, const struct cxm_mean_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

/**
 * sum numerator / sum denominator over the rows where both are known; linearised standard error
 * (Woodruff 1971), t interval. A sum of 0 below is undefined: NaN with NO_DATA.
 *
 * Missing answers (null, NaN, missing codes) are counted and left out. Undefined results are
 * NaN with a flag, status CXM_OK.
 * @param rows     CXM_ROWS(array) or CXM_ROW(one): one row a group and default measure; the
 *                 total comes last when options->total is set
 * @param n_out    number of rows written (may be NULL); capacity 0 only asks for it
 * @retval CXM_EINVAL     an option is wrong, lengths differ, capacity too small
 * @retval CXM_EDATA      a value is invalid: error has its row, column and value
 * @retval CXM_EOVERFLOW  @retval CXM_ENOMEM
 * On failure `rows` is as it was. Linear in rows, safe from any thread.   Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_ratio(const struct cxm_column *numerator, const struct cxm_column *denominator,
    const struct cxm_mean_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

/**
 * The total of a column, exact; with survey weights the estimated total of the population.
 * std_error: n / (n - 1) times the squared deviations of w x, t interval.
 *
 * Missing answers (null, NaN, missing codes) are counted and left out. Undefined results are
 * NaN with a flag, status CXM_OK.
 * @param rows     CXM_ROWS(array) or CXM_ROW(one): one row a group and default measure; the
 *                 total comes last when options->total is set
 * @param n_out    number of rows written (may be NULL); capacity 0 only asks for it
 * @retval CXM_EINVAL     an option is wrong, lengths differ, capacity too small
 * @retval CXM_EDATA      a value is invalid: error has its row, column and value
 * @retval CXM_EOVERFLOW  @retval CXM_ENOMEM
 * On failure `rows` is as it was. Linear in rows, safe from any thread.   Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_total(const struct cxm_column *value, const struct cxm_mean_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
