/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intervals from counts or from a mean and its standard error: for callers who have the
 * numbers already and need honest limits for them. The metrics use the same functions. */
#ifndef CXM_INTERVAL_H
#define CXM_INTERVAL_H

#include <cxm/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A number with its limits. Undefined numbers are NaN, and a flag says why. */
struct cxm_interval_limits {
    double value;                /**< the estimate itself */
    double std_error;            /**< plug-in standard error, same unit as value */
    double lower, upper;         /**< limits inside the range of the scale */
    double lower_raw, upper_raw; /**< limits before they were clipped */
    double level;                /**< confidence level, such as 0.95 */
    double df;                   /**< degrees of freedom; +inf for normal and exact limits */
    uint32_t interval;           /**< enum cxm_interval that was used */
    uint32_t flags;              /**< enum cxm_flag: see each function */
};

/**
 * Interval of a share, `successes` of `n`.
 *
 *   value = x / n,  std_error = sqrt(p (1 - p) / n)          shares in [0, 1], never percent
 *
 *   DEFAULT, WILSON    score limits (Wilson 1927): those p0 with |p - p0| <= z sqrt(p0 (1 - p0) / n)
 *   WILSON_CC          the same with continuity correction 1/2 (Newcombe 1998, method 4)
 *   AGRESTI_COULL      Wald on x + z^2/2 of n + z^2 (Agresti & Coull 1998)
 *   CLOPPER_PEARSON    exact: beta quantiles (Clopper & Pearson 1934); covers at least `level`
 *   MID_P              exact with half the weight on the observed count (Lancaster 1961)
 *   JEFFREYS           beta(x + 1/2, n - x + 1/2) (Brown, Cai & DasGupta 2001)
 *   LOGIT              Wald on the log odds; undefined (NaN) at x = 0 and x = n
 *   WALD               p ± z std_error; zero width at x = 0 and x = n: for comparison only
 *   NONE               value and std_error only
 *
 * Both may be fractions: for weighted answers give the effective numbers (p n_eff of n_eff).
 * Missing answers belong into neither number.
 *
 * @param successes  0 … n          @param n      0 … 1e15
 * @param level      in (0, 1)      @param method see above
 * @param[out] out   written on CXM_OK, otherwise left exactly as it was
 * @param[out] error NULL is allowed; says which argument is wrong
 *
 * @retval CXM_OK           n == 0: all NaN with NO_DATA. x = 0 and x = n have the limit 0 and 1
 *                          exactly (WILSON, WILSON_CC, CLOPPER_PEARSON, MID_P, JEFFREYS).
 *                          Flags: CLIPPED; DEGENERATE when x = 0 or x = n.
 * @retval CXM_EINVAL       out == NULL; successes or n negative, NaN or too large; successes > n;
 *                          level outside (0, 1)
 * @retval CXM_EUNSUPPORTED a method of another kind of number
 *
 * Accuracy: limits (the smaller of limit and 1 - limit) within 1e-12 relative for n up to 1e9,
 * one-sided levels from 0.75 to 1 - 5e-7.
 * Constant time (about 10 us for the exact ones), no allocation, safe from any thread. Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_share_interval(double successes, double n, double level, enum cxm_interval method,
                   struct cxm_interval_limits *out, struct cxm_error *error);

/**
 * Interval of a Net Promoter Score, or of any share minus share, from counts of answers.
 *
 *   value     = 100 (promoters - detractors) / n                     points, -100 … 100
 *   std_error = 100 sqrt(v / n),  v = (promoters + detractors) / n - (value / 100)^2
 *
 *   DEFAULT, ADJUSTED_WALD   Wald after adding 3/4, 1 1/2, 3/4 answers (Rocks 2016)
 *   ADJUSTED_WALD_U          … 1, 1, 1          ADJUSTED_WALD_TZ  … z^2/4, z^2/2, z^2/4
 *   ADJUSTED_WALD_UZ         … z^2/3 each
 *   SCORE       the scores that a score test does not refuse (Tango 1998); best worst case, for
 *               n < 20 or extreme shares
 *   WALD        value ± z std_error: far too narrow for few answers; for comparison only
 *   WALD_T      t with n - 1 degrees on the codes -1, 0, 1; undefined at n <= 1
 *   CONTRAST    value ± sqrt(chi-square of 2 df) std_error: simultaneous for all contrasts
 *   GOODMAN     box of simultaneous limits of both shares (Goodman 1965): conservative
 *   BOOTSTRAP   percentiles of the ideal bootstrap: the exact distribution of the score of n
 *               answers drawn with the observed shares; no random numbers
 *   BCA         the same, bias-corrected and accelerated (Efron 1987), atom at the value halved
 *   NONE        value and std_error only
 *
 * Counts may be fractions (effective counts of weighted answers); BOOTSTRAP and BCA round them
 * to whole ones, and are undefined where none is left. Missing answers are not passives: leave them
 * out, and report how many.
 *
 * @param detractors  @param passives  @param promoters    each >= 0, together at most 1e15
 * @param level       in (0, 1)
 * @param allocator   for BOOTSTRAP and BCA: at most 700 sqrt(n) + 7000 bytes; NULL is malloc
 * @param[out] out    written on CXM_OK, otherwise left exactly as it was
 * @param[out] error  NULL is allowed
 *
 * @retval CXM_OK           no answers: all NaN with NO_DATA. Flags: CLIPPED; OFF_CENTRE when the
 *                          limits do not contain the value; DEGENERATE when all answers are of
 *                          one kind; ASYMPTOTIC for BOOTSTRAP and BCA above 2^31 answers, where a
 *                          Cornish-Fisher expansion takes over.
 * @retval CXM_EINVAL       out == NULL; a count negative, NaN or too large; level outside (0, 1)
 * @retval CXM_EUNSUPPORTED a method of another kind of number
 * @retval CXM_ENOMEM       BOOTSTRAP and BCA only
 *
 * Accuracy: closed forms and SCORE within 1e-12 points; BOOTSTRAP and BCA are exact steps of
 * 100 / n. Constant time; BOOTSTRAP and BCA O(sqrt(n)). Safe from any thread.       Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_nps_interval(double detractors, double passives, double promoters, double level,
                 enum cxm_interval method, const struct cxm_allocator *allocator,
                 struct cxm_interval_limits *out, struct cxm_error *error);

/**
 * Interval of a mean from its standard error: value ± critical value * std_error.
 *
 *   df finite   Student's t (T), fractions allowed; n - 1 for a simple random sample
 *   df = +inf   the normal distribution (WALD)
 *
 * The unit is the caller's, and nothing is clipped.
 *
 * @retval CXM_OK     NaN in value, std_error or df, or df <= 0: limits NaN (with NO_DATA when the
 *                    value is NaN). std_error = 0: width 0 with DEGENERATE.
 * @retval CXM_EINVAL out == NULL, std_error < 0 or infinite, level outside (0, 1)
 *
 * Critical values within 1e-13 relative for df from 0.1 to +inf. Constant time, no allocation,
 * safe from any thread.                                                              Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_mean_interval(double value, double std_error, double df, double level,
                  struct cxm_interval_limits *out, struct cxm_error *error);

/**
 * Interval of a rate of independent events: `count` per `exposure` (complaints per customer at
 * risk, contacts per day). Exact Poisson limits (Garwood 1936):
 *
 *   value = count / exposure,  std_error = sqrt(count) / exposure,
 *   lower = chi2^-1(a/2; 2 count) / (2 exposure),  upper = chi2^-1(1 - a/2; 2 count + 2) / (2 exposure)
 *
 * Events of one customer depend on each other: use per-customer counts and their mean then.
 * Per 1000: give exposure / 1000.
 *
 * @param count      >= 0, at most 1e15, fractions allowed
 * @param exposure   >= 0; 0 gives NaN with NO_DATA
 *
 * @retval CXM_OK     count == 0: lower is 0 exactly, DEGENERATE
 * @retval CXM_EINVAL out == NULL; a negative, NaN, infinite or too large number; level outside (0, 1)
 *
 * Accuracy: 1e-12 relative for counts up to 1e9. Constant time, no allocation, any thread.
 *                                                                                    Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_rate_interval(double count, double exposure, double level, struct cxm_interval_limits *out,
                  struct cxm_error *error);

/* ---- samples from a list of known length ----------------------------------------------- */

/**
 * The same for answers of a simple random sample, drawn without replacement from a list of
 * `population` customers, tickets …, to describe this list and no other: not next month's, not
 * the process behind it (Cochran 1977).
 *
 *   std_error   sqrt((1 - n / N) s^2 / n),  s^2 = p (1 - p) n / (n - 1)
 *   WALD        value ± z std_error
 *   others      the method of the same name on n / (1 - n / N) answers (effective number)
 *   CLOPPER_PEARSON   exact: those numbers of successes in the list that the hypergeometric
 *               test does not refuse, each side at (1 - level) / 2; steps of 1 / N
 *
 * All of the list answered (n = N): std_error 0 and both limits are the value.
 *
 * @param population  N, from n to 1e15
 * Other arguments, values and errors as cxm_share_interval, and:
 * @retval CXM_EINVAL  population below n; CLOPPER_PEARSON with numbers that are not whole
 *
 * With n = 1 < N std_error is NaN. CLOPPER_PEARSON above 1e10 customers falls back to beta
 * quantiles on the effective number, with ASYMPTOTIC. It costs O(log N sqrt(n)), below 1 ms for
 * a million customers; the others are constant. No allocation, any thread.         Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_share_interval_finite(double successes, double n, double population, double level,
                          enum cxm_interval method, struct cxm_interval_limits *out,
                          struct cxm_error *error);

/**
 * The same for a Net Promoter Score: std_error 100 sqrt((1 - n / N) v / (n - 1)), Wald forms on
 * it, the other methods of cxm_nps_interval on counts that are divided by 1 - n / N. n = N:
 * std_error 0 and both limits are the value.
 * @retval CXM_EINVAL  population below n, and as cxm_nps_interval   @retval CXM_ENOMEM
 *                                                                                    Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_nps_interval_finite(double detractors, double passives, double promoters, double population,
                        double level, enum cxm_interval method,
                        const struct cxm_allocator *allocator, struct cxm_interval_limits *out,
                        struct cxm_error *error);

/**
 * The same for a mean: `std_error` is the usual one, s / sqrt(n); it is multiplied with
 * sqrt(1 - n / N). Limits are t with n - 1 degrees. n = N: std_error 0 and both limits are the
 * value; n = 0: NaN.
 * @retval CXM_EINVAL  population below n, a bad n, and as cxm_mean_interval          Since 0.1.
 */
CXM_API CXM_NODISCARD enum cxm_status
cxm_mean_interval_finite(double value, double std_error, double n, double population,
                         double level, struct cxm_interval_limits *out, struct cxm_error *error);

#ifdef __cplusplus
}
#endif

#endif
