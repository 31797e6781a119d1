/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The same customers in two waves (同一客户的两期净推荐值): change of the Net Promoter Score, and
 * who moved where. NPS is a registered trademark of its owners. */
#ifndef CXM_PAIRED_H
#define CXM_PAIRED_H

#include <cxm/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct cxm_paired_options {
    CXM_COMMON_OPTIONS;
    double scale[2];     /**< lowest and highest answer; 0, 0: the default, 0 to 10 */
    int32_t promoter;    /**< lowest answer of a promoter; 0: the default, 9 */
    int32_t detractor;   /**< highest answer of a detractor; 0: the default, 6. Beside the other cut, 0
                              is an answer on scales that begin at 0 or below, but for 0 to 10 */
};

#define CXM_INIT_paired .size = sizeof(struct cxm_paired_options)

/**
 * The change of the net score of customers who answered twice; a row is a customer.
 *
 *   change    = 100 mean(d), d = code after - code before, codes -1, 0, 1   points, -200 … 200
 *   std_error = 100 sqrt(v / n), v = E d^2 - (E d)^2; the default interval is Student's t with
 *               divisor n - 1, CXM_INTERVAL_WALD the normal one with divisor n
 *   before, after   the net scores of these customers, with adjusted Wald limits
 *   t, p[t]         one-sample t of the changes
 *   stuart_maxwell, bhapkar    chi-squares: have detractors, passives and promoters the same
 *                              shares in both waves?
 *   score           (sum d)^2 / sum d^2: the same for the net score alone
 *   bowker          symmetry: as many moved one way as the other, for each pair of kinds
 *   mcnemar, mcnemar_corrected promoter or not, without and with continuity correction
 *   p[…]            the p-value of each, and p[mcnemar_exact], p[mcnemar_mid_p] (binomial)
 *   transition[x,y] share of the x before that are y after, with Wilson limits; NaN where there
 *                   was no x
 *
 * Customers whose answer is missing in either wave are no part of the change and are counted as
 * missing. With weights or a sampling design the standard error of the change is linearised, and
 * the chi-squares, which need whole counts, are NaN with NO_DATA.
 *
 * Rows, errors and costs as at cxm_nps.                                    Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_paired(const struct cxm_column *before, const struct cxm_column *after,
    const struct cxm_paired_options *options, struct cxm_row *rows, size_t row_bytes,
    size_t capacity, size_t *n_out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
