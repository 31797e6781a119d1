/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Net Promoter Score (净推荐值). NPS is a registered trademark of Bain & Company, Satmetrix
 * Systems and Fred Reichheld. */
#ifndef CXM_NPS_H
#define CXM_NPS_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_nps_options {
    CXM_COMMON_OPTIONS;
    double scale[2];     /**< lowest and highest answer; 0, 0: the default, 0 to 10 */
    int32_t promoter;    /**< lowest answer of a promoter; 0: the default, 9 */
    int32_t detractor;   /**< highest answer of a detractor; 0: the default, 6. Beside the other cut, 0
                              is an answer on scales that begin at 0 or below, but for 0 to 10 */
};

#define CXM_INIT_nps .size = sizeof(struct cxm_nps_options)

/**
 * Net Promoter Score of answers to "how likely are you to recommend us?".
 *
 *   score     = 100 (promoters - detractors) / n     points, -100 ... 100
 *   std_error = 100 sqrt(v / n), v = (promoters + detractors) / n - (score / 100)^2
 *   interval  = adjusted Wald: 3/4, 1 1/2, 3/4 answers are added (Rocks 2016)
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
cxm_nps(const struct cxm_column *score, const struct cxm_nps_options *options,
    struct cxm_row *rows, size_t row_bytes, size_t capacity, size_t *n_out,
    struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
