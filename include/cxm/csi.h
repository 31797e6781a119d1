/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customer satisfaction index of several items (客户满意度指数), and the gap between perceived
 * and expected (满意度 = 可感知效果 − 期望值). */
#ifndef CXM_CSI_H
#define CXM_CSI_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

enum cxm_importance_kind {
    CXM_IMPORTANCE_OF_NONE = 0,  /**< fixed weights, or equal ones */
    CXM_IMPORTANCE_OF_ALL = 1,   /**< mean importance of all respondents, "aggregate" */
    CXM_IMPORTANCE_OF_EACH = 2   /**< each respondent's own, "person" */
};
enum cxm_scaling { CXM_MINMAX = 0, CXM_RATIO_TO_HIGHEST = 1 };
/** Respondents who did not answer every item; 0: the metric's default. */
enum cxm_partial_answers { CXM_PARTIAL_DEFAULT = 0, CXM_RENORMALISE = 1, CXM_LISTWISE = 2 };

struct cxm_csi_options {
    CXM_COMMON_OPTIONS;
    double scale[2];                     /**< lowest and highest; 0, 0: the default, 1 to 5 */
    const double *item_weights;          /**< one an item; NULL: equal */
    const struct cxm_column *importance; /**< one column an item; NULL: none */
    int32_t importance_kind;             /**< enum cxm_importance_kind */
    int32_t scaling;                     /**< enum cxm_scaling; default minmax */
    int32_t partial;                     /**< enum cxm_partial_answers; default renormalise */
    int32_t reserved;
};

#define CXM_INIT_csi .size = sizeof(struct cxm_csi_options)

/**
 * Satisfaction index, 0 ... 100 points.
 *
 *   fixed weights   y = sum w x / sum w of each respondent, index = mean of 100 (y - low) /
 *                   (high - low)
 *   importance      weights are mean importances (aggregate; their sampling error is part of
 *                   the standard error) or the respondent's own (person)
 *   ratio           100 y / high in place of that, from 100 low / high to 100
 *   partial answers with at least half of the weight count, weights renormalised
 *
 * Names of the items are the names of the columns, or item1, item2 ...
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
cxm_csi(const struct cxm_column *items, size_t n_items, const struct cxm_csi_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

struct cxm_gap_options {
    CXM_COMMON_OPTIONS;
    double scale[2];                     /**< 0, 0 (default): no ends */
    const double *item_weights;          /**< of the overall gap; NULL: equal */
    const struct cxm_column *importance;
    const char *const *dimensions;       /**< names of the dimensions; NULL: none */
    size_t n_dimensions;
    const double *dimension_of;          /**< for each item the index of its dimension, or -1 */
    const double *dimension_weights;     /**< of the overall gap; NULL: items weigh */
    double tolerance;                    /**< gaps up to this count as met, but for the rounding of
                                              decimals; default 0 */
    int32_t importance_kind;
    int32_t partial;                     /**< enum cxm_partial_answers; default listwise */
};

#define CXM_INIT_gap .size = sizeof(struct cxm_gap_options)

/**
 * The gap perceived - expected (Parasuraman, Zeithaml and Berry 1988): overall, of each item and
 * of each dimension, on the scale of the answers, negative where it fell short; paired t
 * interval. With all_measures also perceived, expected, exceeded, met, short, t, p and dz, the gap
 * over its standard deviation (of customers: weighted, whatever the design).
 * Pairs with either side missing are left out.
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
cxm_gap(const struct cxm_column *perceived, const struct cxm_column *expected, size_t n_items,
    const struct cxm_gap_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
