/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Calibration: survey weights that add up to what is known of the population, how many customers
 * there are of each age, in each region. Post-stratification does it for one margin at once,
 * raking (iterative proportional fitting) for several in turn, linear calibration (the generalised
 * regression estimator, GREG) for several by one system of equations. Standard errors with
 * calibrated weights: give the base weights, the margins as columns of the role "calibrate" and
 * their totals to the tally's estimate, see struct cxm_estimate_options. */
#ifndef CXM_CALIBRATE_H
#define CXM_CALIBRATE_H

#include <cxm/column.h>

#ifdef __cplusplus
extern "C" {
#endif

/** One margin: the category of each row, and how many there are of each in the population. */
struct cxm_margin {
    const char *name;                    /**< for messages; NULL: that of the column, or "by" */
    const struct cxm_column *by;         /**< category of each row: one key, or several crossed */
    size_t n_by;                         /**< number of keys; 0 means 1 */
    const struct cxm_column *categories; /**< the known ones, each once: n_by columns */
    const double *totals;                /**< of each category: >= 0, one more than 0 */
};

/** Which of the weights that meet the totals: the closest to the base weights, by what distance. */
enum cxm_calibration_method {
    CXM_RAKING = 0, /**< sum w* log(w* / w): factors, so that weights stay positive */
    CXM_LINEAR = 1  /**< sum (w* - w)^2 / w: the generalised regression estimator */
};

struct cxm_calibrate_options {
    size_t size;             /**< sizeof(struct cxm_calibrate_options) */
    double tolerance;        /**< largest relative error of a total that is left; 0: 1e-10 */
    int32_t max_iterations;  /**< sweeps over all margins; 0: 200 */
    int32_t method;          /**< enum cxm_calibration_method */
};

/** How it went. */
struct cxm_calibration {
    double error;            /**< largest relative error of a total */
    int32_t iterations;      /**< sweeps over all margins; 1 for a single margin, and linear */
    int32_t reserved;
};

/**
 * Weights that add up to the totals of every margin (Deming and Stephan 1940):
 *   w*_r = w_r prod_m f_m[category of r],  f_m from sweeps that meet one margin after the other
 * Of all such weights these are the closest to w_r in the sense of sum w* log(w* / w). With the
 * method CXM_LINEAR (Deville and Saerndal 1992, Journal of the American Statistical Association
 * 87:376) those closest by sum (w* - w)^2 / w, x_r the categories of the row as zeros and ones:
 *   w*_r = w_r (1 + x_r' lambda),  (sum w x x') lambda = T - sum w x
 * Nothing but the totals keeps these above 0: totals far from the sample give negative weights,
 * which no tally takes; that is an error, and raking the way out.
 *
 * @param weight    base weights, >= 0; NULL: 1 each
 * @param margins   1 … 8 of them; keys match as numbers or as text, whatever their types
 * @param options   NULL: all defaults
 * @param[out] out  a weight for each row; may be the memory of `weight` (8 bytes apart)
 * @param[out] factors  of all categories, margin after margin, in their order; NULL is allowed.
 *                  A category without sample and total 0 has NaN. Linear: lambda of
 *                  each category, of which w*_r / w_r - 1 is the sum; those that the others
 *                  determine are 0
 * @param[out] info NULL is allowed
 *
 * @retval CXM_EDATA          a row without category or weight, or whose category has no total:
 *                            error names the lowest such row, its column and value
 * @retval CXM_EINCONSISTENT  the margins add up to different totals (relative 1e-9); a linear
 *                            weight would not be above 0, error names the categories
 * @retval CXM_EEMPTYCELL     a category with a total above 0 has no rows with weight
 * @retval CXM_ENOCONV        not within max_iterations; error names the worst category; linear:
 *                            no weights of these rows meet all totals
 * @retval CXM_EINVAL         no such method, no margins or too many, lengths differ,
 *                            a total is negative or no number, a category is there twice  @retval CXM_ENOMEM
 * On failure nothing is written. The result does not depend on the order of rows, but for the
 * last bit of its own product. Cost: linear in rows, then sweeps over distinct combinations of
 * categories. Memory: 4 bytes a row. Any thread.                                     Since 0.2.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_rake(const struct cxm_column *weight, const struct cxm_margin *margins, size_t n_margins,
         const struct cxm_calibrate_options *options, double *out, double *factors,
         struct cxm_calibration *info, struct cxm_error *error);

/** The same for one margin: w*_r = w_r N_k / sum of the weights in category k. Outputs, errors and cost
 *  as cxm_rake; there is nothing to converge. */
CXM_API CXM_NODISCARD enum cxm_status
cxm_poststratify(const struct cxm_column *weight, const struct cxm_margin *margin, double *out,
                 double *factors, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
