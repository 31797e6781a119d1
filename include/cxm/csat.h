/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Customer satisfaction (客户满意度) and customer effort (客户费力度). */
#ifndef CXM_CSAT_H
#define CXM_CSAT_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_csat_options {
    CXM_COMMON_OPTIONS;
    double scale[2];     /**< lowest and highest answer; 0, 0: the default, 1 to 5 */
    int32_t satisfied;   /**< lowest satisfied answer; default 4 on 1 to 5, else required. 0 is
                              an answer where the scale starts below 0, else the default */
    int32_t reserved;
};

#define CXM_INIT_csat .size = sizeof(struct cxm_csat_options)

/**
 * CSAT: the share of answers >= satisfied, a share in [0, 1], with the Wilson (1927) interval.
 * With all_measures also top, top2, bottom2, net (points), mean, index and share[k].
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
cxm_csat(const struct cxm_column *score, const struct cxm_csat_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

struct cxm_ces_options {
    CXM_COMMON_OPTIONS;
    double scale[2];     /**< lowest and highest answer; 0, 0: the default, 1 to 7 */
    int32_t low_is_easy; /**< 0 (default): high answers mean little effort; 1: low ones do */
    int32_t reserved;
};

#define CXM_INIT_ces .size = sizeof(struct cxm_ces_options)

/**
 * Customer effort score: the mean answer (Dixon, Freeman and Toman 2010) with a t interval;
 * with all_measures also easy, difficult (either side of the midpoint), net, top2, share[k].
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
cxm_ces(const struct cxm_column *score, const struct cxm_ces_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
