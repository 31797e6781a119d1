/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Repeat purchase: from order lines to customers with their numbers of orders in a window and
 * before it, the rows of the metric "repeat_purchase". */
#ifndef CXM_REPEAT_H
#define CXM_REPEAT_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_repeat_options {
    size_t size;                     /**< sizeof(struct cxm_repeat_options) */
    const struct cxm_column *by;     /**< keys within which customers are counted */
    size_t n_by;                     /**< 0 means 1 when `by` is set; at most 8 */
    const struct cxm_column *order;  /**< rows with the same id are one order; NULL: rows are */
    int64_t start, end;              /**< the window [start, end), seconds UTC; start < end */
    int64_t before;                  /**< the window before it is [before, start) … */
    int32_t has_before;              /**< … where this is set; otherwise all that is earlier */
    int32_t days;                    /**< not 0: all orders of a local day are one (CDNOW) */
    int64_t utc_offset;              /**< seconds east of UTC: where days begin, those of dates too */
    int32_t invalid;                 /**< enum cxm_invalid */
    int32_t reserved;
};

#define CXM_INIT_repeat .size = sizeof(struct cxm_repeat_options)

/**
 * Orders of each customer in the window and before it, at the customer's first row: elements for
 * every row of the columns, `copies` is 1 at the first row of a customer (and keys), 0 at the
 * others, so that it serves as `freq` of the metric "repeat_purchase" beside the `by` columns.
 *   repeat_purchase   customers with >= 2 orders in the window / with >= 1
 *   returning_share   of those who bought in the window, who had bought before
 *   repurchase        of those who had bought before, who bought in the window
 * Rows without customer or time are missing: INT64_MIN, a copy each (INT64_MIN itself is no time);
 * with invalid counted, rows whose time is invalid have INT64_MAX, which the metric counts as
 * invalid. Rows at or after `end` are not seen. The number of rows decides nothing, their order neither.
 * @retval CXM_EINVAL a NULL, lengths differ, no window, order together with days
 * @retval CXM_EDATA  an invalid key or instant  @retval CXM_ENOMEM
 * On failure the arrays hold anything. Linear; a hash look-up or two a row, 9 bytes a row.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_repeat_rows(const struct cxm_column *customer, const struct cxm_column *time,
                const struct cxm_repeat_options *options, int64_t *orders, int64_t *before,
                uint8_t *copies, const struct cxm_allocator *allocator,
                struct cxm_error *error);

struct cxm_repeat_purchase_options {
    CXM_COMMON_OPTIONS;              /* freq, weight, strata … must be NULL */
    struct cxm_repeat_options orders; /**< window and what an order is; `by`, `invalid` are above */
};

#define CXM_INIT_repeat_purchase .size = sizeof(struct cxm_repeat_purchase_options)

/**
 * Repeat purchase (复购率) in one call: cxm_repeat_rows, then one row a group and measure.
 * @retval CXM_EINVAL  also where weights, freq or a design are given, or orders.size is not 0 and
 *                     not sizeof(struct cxm_repeat_options)
 * Other errors as cxm_repeat_rows; rows and capacity as cxm_share. 17 bytes a row while it runs.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_repeat_purchase(const struct cxm_column *customer, const struct cxm_column *time,
                    const struct cxm_repeat_purchase_options *options, struct cxm_row *rows,
                    size_t row_bytes, size_t capacity, size_t *n_out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
