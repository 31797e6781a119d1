/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The revenue ledger: movements of recurring revenue per customer between two period ends, gross
 * and net retention, quick ratio, logo churn. Money is int64 minor units (cents): sums are
 * exact, and tallies merge bit for bit as long as every customer is in one of them only.
 *
 * The length of the period is part of the meaning. 100 -> 150 -> 120 is an expansion of 50 and
 * a contraction of 30 by the month, but an expansion of 20 by the two months together; the
 * product of monthly GRRs is 0.8, the GRR of the whole is 1. Group by the period, and compare
 * periods of one length only. */
#ifndef CXM_REVENUE_H
#define CXM_REVENUE_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_revenue_options {
    CXM_COMMON_OPTIONS;
    const struct cxm_column *customer; /**< rows are subscriptions of this customer, summed
                                            per group and customer first; NULL: rows are customers */
    const struct cxm_column *ever;     /**< yes or no: has paid before; NULL: not known, and
                                            whoever paid nothing before is new */
    int32_t has_digits;                /**< not 0: currency_digits counts */
    int32_t currency_digits;           /**< 0 … 9: 10^-digits is a minor unit */
};

#define CXM_INIT_revenue .size = sizeof(struct cxm_revenue_options)

/**
 * Net revenue retention (净收入留存率) and the ledger behind it, one row a group and measure.
 *
 *   nrr = sum_{p > 0} q / sum p      grr = sum min(p, q) / sum p = 1 - gross_churn
 *   start + new + expansion + reactivation - contraction - churn = end, exactly
 *   quick_ratio = (new + expansion + reactivation) / (contraction + churn); +inf when nothing
 *                 was lost, NaN when nothing was gained either
 *
 * Money columns: integers are minor units; decimals are exact, their scale (the larger of two)
 * or currency_digits says what a minor unit is; floats are refused unless has_digits is set,
 * then they are rounded to the nearest minor unit. Amounts reach to 2^53 minor units, floats
 * to 2^50.
 * Customers with an amount below 0 are excluded (`bad`), those with 0 at both ends
 * (`not_in_denominator`). Standard errors of the rates are linearised over customers (n - 1),
 * t interval; logo_churn has Wilson's. They come from sums of products with some 100 bits: beside an
 * amount 10^12 times as large as what moves, those of quick_ratio, nrr and net churn have seven digits
 * left, beside one 10^15 times as large none (0, DEGENERATE). The rates themselves are exact.
 *
 * @param rows     CXM_ROWS(array) or CXM_ROW(one)
 * @param n_out    number of rows written (may be NULL); capacity 0 only asks for it
 * @retval CXM_EINVAL     an option is wrong, floats without digits, lengths differ, weights or
 *                        freq together with `customer`
 * @retval CXM_EDATA      a value is no amount: error has its row, column and value
 * @retval CXM_EOVERFLOW  the amounts of one customer sum to more than 2^53 minor units
 * @retval CXM_ENOMEM
 * On failure `rows` is as it was. Linear in rows, one hash look-up a row with `customer`;
 * 25 bytes a row of memory where amounts are converted or summed. Safe from any thread.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_revenue(const struct cxm_column *previous, const struct cxm_column *current,
    const struct cxm_revenue_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

/** The columns of cxm_revenue_rows. */
struct cxm_revenue_input {
    size_t size;                       /**< sizeof(struct cxm_revenue_input) */
    const struct cxm_column *previous, *current;
    const struct cxm_column *ever;     /**< NULL: not known */
    const struct cxm_column *customer; /**< NULL: every row is a customer */
    const struct cxm_column *by;       /**< keys within which customers are summed */
    size_t n_by;
    int32_t has_digits, currency_digits;
    int32_t count_invalid;             /**< not 0: amounts that are none become invalid rows */
    int32_t reserved;
};

/** What cxm_revenue_rows fills, an element for every row of the input; NULL: not wanted. */
struct cxm_revenue_output {
    int64_t *previous, *current; /**< minor units; INT64_MIN is missing, INT64_MAX invalid */
    uint8_t *ever;               /**< 0, 1; 2 is missing, 3 invalid */
    uint8_t *copies;             /**< 1 at the first row of a customer, 0 at the others */
};

/**
 * Amounts as whole minor units, summed per customer (and keys): the sums are at the first row
 * of each customer, `copies` is 1 there, so that it serves as `freq` beside the columns of the
 * same table. A missing amount makes the customer's sum missing; `ever` is yes when any row
 * says so. Rows without customer are missing rows of their own.
 * Errors as cxm_revenue; on failure the arrays hold anything.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_revenue_rows(const struct cxm_revenue_input *input, const struct cxm_revenue_output *out,
                 const struct cxm_allocator *allocator, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
