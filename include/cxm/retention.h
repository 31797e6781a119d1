/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Helpers of the retention and churn metrics: counts instead of records, lists of customers
 * instead of flags, and rates of other period lengths. */
#ifndef CXM_RETENTION_H
#define CXM_RETENTION_H

#include <cxm/interval.h>
#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_retention_options {
    CXM_COMMON_OPTIONS;
};

#define CXM_INIT_retention .size = sizeof(struct cxm_retention_options)

/**
 * Customer retention (客户留存率): customers before and after / customers before, Wilson interval.
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
cxm_retention(const struct cxm_column *active_before, const struct cxm_column *active_after,
    const struct cxm_retention_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

/** Which rule. Only the first is a share of customers who could be lost; the others are what
 *  some products show (see cxm/preset.h), with all customers lost in the period on top: those
 *  who came in it too. */
enum cxm_churn_denominator {
    CXM_CHURN_START = 0,     /**< lost of those at the start / start */
    CXM_CHURN_AVERAGE = 1,   /**< all lost / ((start + end) / 2) */
    CXM_CHURN_JOINED = 2,    /**< all lost / (start + joined in the period) */
    CXM_CHURN_OPENING = 3,   /**< all lost / start; may exceed 1 */
    CXM_CHURN_SURVIVORS = 4, /**< all lost / those of the start who are still there */
    CXM_CHURN_DAILY = 5      /**< the sum of 30 daily rates, coming and going evenly */
};

struct cxm_churn_options {
    CXM_COMMON_OPTIONS;
    const struct cxm_column *reason; /**< why a customer was lost; NULL: not known */
    int32_t denominator;             /**< enum cxm_churn_denominator */
    int32_t reserved;
};

#define CXM_INIT_churn .size = sizeof(struct cxm_churn_options)

/**
 * Customer churn (客户流失率): lost / customers at the start, or all lost / average customers.
 * With a reason also churn[reason], shares of the same base that sum to churn; at most 2^30
 * pairs of group and reason, more are CXM_ENOMEM.
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
cxm_churn(const struct cxm_column *active_before, const struct cxm_column *active_after,
    const struct cxm_churn_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

/** The customers of one period. -1: not known. */
struct cxm_period_counts {
    size_t size;          /**< sizeof(struct cxm_period_counts) */
    int64_t start;        /**< S: customers at the start */
    int64_t end;          /**< E: customers at the end; may be -1 when `lost` is given */
    int64_t added;        /**< N: new in the period and still there at its end */
    int64_t reactivated;  /**< lost before the period, back at its end */
    int64_t lost;         /**< of the S, gone at the end; -1: S - (E - N - reactivated) */
    int64_t lost_added;   /**< new in the period and gone again at its end */
};

/**
 * Adds one period from its counts to an ungrouped tally of "retention" or "churn":
 * retained = E - N - reactivated = S - lost.
 * @retval CXM_EINVAL  another metric, groups or weights; S < 0; neither E nor lost
 * @retval CXM_EINCONSISTENT  retained outside 0 … S, or E - N - reactivated is not S - lost
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_tally_add_period(struct cxm_tally *tally, const struct cxm_period_counts *counts,
                     struct cxm_error *error);

/**
 * Turns two lists of customer ids into one row per distinct customer: was it there before, is
 * it there after. Order: first appearance, `before` first. A customer listed twice counts
 * once. Missing ids are one row of their own each (neither flag can be known): they come
 * last, as 2, which the column of flags declares missing.
 * @param n_out  number of rows; capacity 0 only asks for it
 * @retval CXM_EINVAL  the two id columns have different kinds of keys  @retval CXM_ENOMEM
 * Cost: linear, one hash look-up an id. All rows of a customer must be in one call.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_match_customers(const struct cxm_column *before, const struct cxm_column *after,
                    uint8_t *active_before, uint8_t *active_after, size_t capacity,
                    size_t *n_out, const struct cxm_allocator *allocator,
                    struct cxm_error *error);

/**
 * The rate of a period of length `to` from the rate of a period of length `from`:
 * 1 - (1 - rate)^(to / from). A churn rate; pass 1 - retention for retention.
 * NaN unless 0 <= rate <= 1 and both lengths are finite and above 0.
 */
CXM_API double cxm_convert_rate(double rate, double from, double to);

/**
 * Churn of a period from the time that customers were there: all lost, new ones too, over all
 * customer-days, which knows who came late and who left early.
 *
 *   h = lost / exposure,  churn = 1 - exp(-h length)
 *   std_error = sqrt(lost) / exposure length exp(-h length)
 *
 * Limits are those of h (exact Poisson, Garwood 1936) carried over.
 * @param lost      customers lost, >= 0      @param exposure  customer-days, >= 0; 0: NaN, NO_DATA
 * @param length    of the period in the same unit, > 0
 * @retval CXM_EINVAL  a number that is negative, NaN or infinite; level outside (0, 1); out NULL
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_exposure_churn(double lost, double exposure, double length, double level,
                   struct cxm_interval_limits *out, struct cxm_error *error);

/**
 * Mean lifetime in periods at a constant churn: 1 / churn, the last started period counted, or
 * (1 - churn) / churn completed ones. Churn 0 gives +inf; NaN unless 0 <= churn <= 1.
 */
CXM_API double cxm_mean_lifetime(double churn, int completed);

#ifdef __cplusplus
}
#endif

#endif
