/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shares of yes: any rate, first-contact resolution (首接解决率), one-touch resolution. */
#ifndef CXM_SHARE_H
#define CXM_SHARE_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_share_options {
    CXM_COMMON_OPTIONS;
    const struct cxm_column *denominator; /**< yes: the row is in the base; NULL: all are */
};

#define CXM_INIT_share .size = sizeof(struct cxm_share_options)

/**
 * The share of yes among the rows of the denominator, in [0, 1], with the Wilson interval.
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
cxm_share(const struct cxm_column *numerator, const struct cxm_share_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

struct cxm_fcr_options {
    CXM_COMMON_OPTIONS;
    const struct cxm_column *eligible;    /**< contacts that the first level could solve: the net
                                               rate; NULL: the gross rate of all contacts */
};

#define CXM_INIT_fcr .size = sizeof(struct cxm_fcr_options)

/**
 * First-contact resolution from a flag: resolved at first contact / contacts (gross), or both
 * among the eligible ones (net).
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
cxm_fcr(const struct cxm_column *resolved_first, const struct cxm_fcr_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

struct cxm_one_touch_options {
    CXM_COMMON_OPTIONS;
    int32_t min_replies;                  /**< fewest replies of a one-touch ticket; default 0 */
    int32_t max_replies;                  /**< most replies; 0: the default, 1; -1: none */
    int32_t max_reopens;                  /**< default 0 */
    int32_t reserved;
    const struct cxm_column *on_hold;     /**< yes: was pending or on hold, no one-touch ticket
                                               then; NULL: not looked at */
    const struct cxm_column *customer_messages; /**< further messages of the customer, which a
                                               one-touch ticket has none of; NULL: not looked at */
};

#define CXM_INIT_one_touch .size = sizeof(struct cxm_one_touch_options)

/**
 * One-touch resolution: of the solved tickets, those with few replies and reopens. Vendors
 * differ in all three conditions, so each is an option.
 * @param reopens  NULL: not known, the condition is dropped and the definition says so
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
cxm_one_touch(const struct cxm_column *solved, const struct cxm_column *replies,
    const struct cxm_column *reopens, const struct cxm_one_touch_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
